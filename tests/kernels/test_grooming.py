"""The IP layer kernels against obvious twins: prices, promises, cheapest paths, and undone moves."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from netopt_kernels import _lsp_paths, grooming
from tests.kernels.grooming_runs import (
    CASES,
    Case,
    Run,
    Setup,
    check_layer,
    check_promises,
    kernel_pool,
    kernel_setup,
    random_problem,
    setups,
)
from tests.naive import grooming as naive


@pytest.mark.parametrize("name", CASES)
def test_routed_layers_are_priced_and_keep_promises(name: str) -> None:
    routed = 0
    for setup in setups(CASES[name], 4):
        run = Run(setup)
        order = list(range(len(setup.naive.demands)))
        missing = run.route_all(order)
        routes = run.routes()
        assert missing == routes.count(None)
        routed += len(routes) - missing
        check_layer(run)
        check_promises(run)
        again = Run(setup)
        again.attach_all(routes)
        check_layer(again)
        assert again.layer.total[0] == pytest.approx(run.layer.total[0], rel=1e-9)
    assert routed > 0


@pytest.mark.parametrize("name", CASES)
def test_a_primary_that_is_written_is_kept_and_gets_a_backup(name: str) -> None:
    kept = 0
    for setup in setups(CASES[name], 4):
        first = Run(setup)
        first.route_all(list(range(len(setup.naive.demands))))
        routes = first.routes()
        lost = [lsp for lsp, route in enumerate(routes) if route is not None and lsp % 3 == 0]
        run = Run(setup)
        run.attach_all([None if lsp in lost else route for lsp, route in enumerate(routes)])
        primary = {lsp: routes[lsp][0] for lsp in lost}  # type: ignore[index]
        for lsp, path in primary.items():
            run.layer.hops[lsp, 0] = len(path)
            run.layer.path[lsp, 0, : len(path)] = path
        assert run.route_all(lost) == 0
        check_layer(run)
        check_promises(run)
        found = run.routes()
        for lsp in lost:
            kept += found[lsp][0] == primary[lsp]  # type: ignore[index]
            needs_none = (
                naive.broken_promises(setup.naive, setup.naive.demands[lsp], primary[lsp], None) == []
            )
            assert found[lsp] == (primary[lsp], None) or not needs_none
    assert kept > 0


def test_a_written_primary_without_any_backup_is_given_up() -> None:
    problem = random_problem(CASES["plain"], 0)
    run = Run(kernel_setup(problem))
    run.route_all(list(range(len(problem.demands))))
    lsp, route = next((lsp, route) for lsp, route in enumerate(run.routes()) if route is not None)
    hopeless = replace(problem.demands[lsp], protection=2, max_latency_ms=0.0, backup_max_latency_ms=0.0)
    demands = (*problem.demands[:lsp], hopeless, *problem.demands[lsp + 1 :])
    again = Run(kernel_setup(replace(problem, demands=demands)))
    again.layer.hops[lsp, 0] = len(route[0])
    again.layer.path[lsp, 0, : len(route[0])] = route[0]
    assert again.route_all([lsp]) == 1
    assert again.routes()[lsp] is None
    assert again.layer.total[0] == 0.0


@pytest.mark.parametrize("name", CASES)
def test_moves_keep_the_layer_exact_or_undo_all(name: str) -> None:
    kept = undone = 0
    for seed, setup in enumerate(setups(CASES[name], 3)):
        rng = np.random.default_rng(seed)
        run = Run(setup)
        run.route_all(list(range(len(setup.naive.demands))))
        for _ in range(40):
            routed = [lsp for lsp, route in enumerate(run.routes()) if route is not None]
            if not routed:
                break
            count = int(rng.integers(1, min(4, len(routed)) + 1))
            moved = [int(x) for x in rng.choice(routed, count, replace=False)]
            banned = rng.random(len(setup.naive.links)) < rng.choice([0.0, 0.1, 0.4])
            run.layer.banned[:] = banned
            slack = float(rng.choice([0.0, 0.0, 5.0, 60.0]))
            before, meaning, bound = float(run.layer.total[0]), run.meaning(), run.layer.bound.copy()
            if run.move(moved, slack):
                kept += 1
                assert run.layer.total[0] < before - 1e-9 * before + slack
                check_layer(run)
                for lsp in moved:
                    route = run.routes()[lsp]
                    assert route is not None
                    assert not banned[list(route[0] + (route[1] or ()))].any()
            else:
                undone += 1
                assert run.meaning() == meaning
                assert (run.layer.bound <= bound).all()
                check_layer(run)
        check_layer(run)
        check_promises(run)
    assert undone > 0
    assert kept > 0 or name in ("one demand", "one hop")


@pytest.mark.parametrize("name", CASES)
def test_annealing_keeps_the_layer_exact(name: str) -> None:
    changed = 0
    for seed, setup in enumerate(setups(CASES[name], 3)):
        run = Run(setup)
        missing = run.route_all(list(range(len(setup.naive.demands))))
        for temperatures in ((40.0, 10.0), (10.0, 0.0), (0.0, 0.0)):
            before = float(run.layer.total[0])
            random = np.random.default_rng(seed)
            accepted = grooming.anneal(*run.args, random, 60, 4, temperatures, setup.quiet)
            assert run.routes().count(None) == missing
            check_layer(run)
            check_promises(run)
            changed += accepted
            if accepted == 0 or temperatures == (0.0, 0.0):
                assert run.layer.total[0] <= before * (1 + 1e-9)
    assert changed > 0 or name in ("one demand", "one hop")


def test_the_same_seed_anneals_to_the_same_layer() -> None:
    setup = kernel_setup(random_problem(Case(n_demands=12), 3))
    meanings = []
    for _ in range(2):
        run = Run(setup)
        run.route_all(list(range(12)))
        grooming.anneal(*run.args, np.random.default_rng(7), 200, 4, (20.0, 0.0), setup.quiet)
        meanings.append(run.meaning())
    assert meanings[0] == meanings[1]


def test_long_runs_of_moves_stay_exact() -> None:
    setup = kernel_setup(random_problem(Case(n_demands=16, n_links=20, n_states=20), 5))
    run, rng = Run(setup), np.random.default_rng(5)
    run.route_all(list(range(16)))
    routed = [lsp for lsp, route in enumerate(run.routes()) if route is not None]
    for number in range(400):
        run.move([int(x) for x in rng.choice(routed, 2, replace=False)], float(rng.choice([0.0, 10.0])))
        if number % 50 == 0:
            check_layer(run)
    check_layer(run)
    check_promises(run)


def opening_costs(setup: Setup) -> np.ndarray:
    """What the first demand pays on each link of an empty layer."""
    size = float(setup.lsps.size_gbps[0])
    worth = [naive.worth(setup.naive, key, size) for key in range(len(setup.naive.links))]
    return np.array(worth) + _lsp_paths.NEGLIGIBLE * size * setup.pool.idle


@pytest.mark.parametrize("seed", range(4))
def test_beyond_their_tables_links_cost_in_proportion(seed: int) -> None:
    problem = random_problem(Case(n_demands=16), seed)
    short = tuple(replace(link, steps=link.steps[:2]) for link in problem.links)
    problem = replace(problem, links=short, units_per_gbps=4.0 * problem.units_per_gbps)
    setup = kernel_setup(problem)
    run, random = Run(setup), np.random.default_rng(seed)
    run.route_all(list(range(16)))
    assert (run.layer.required * problem.units_per_gbps > 1.0).any()
    routed = [lsp for lsp, route in enumerate(run.routes()) if route is not None]
    for _ in range(60):
        run.move(random.choice(routed, 2, replace=False).tolist(), float(random.choice([0.0, 1e9])))
    check_layer(run)


def test_links_of_lsps_without_load_cost_a_unit() -> None:
    problem = random_problem(Case(n_demands=12, n_links=20, protections=(0,)), 3)
    idle = tuple(replace(demand, samples=0.0 * demand.samples) for demand in problem.demands)
    run = Run(kernel_setup(replace(problem, demands=idle)))
    run.route_all(list(range(12)))
    used = np.flatnonzero(run.layer.members)
    assert 0 < len(used) < len(problem.links)
    units = [problem.links[key].steps[1] for key in used]
    assert run.layer.worth[used].tolist() == units
    grooming.anneal(*run.args, np.random.default_rng(3), 300, 4, (5.0, 0.0), True)
    check_layer(run)
    assert run.layer.total[0] < sum(units)


@pytest.mark.parametrize("seed", range(4))
def test_lists_of_links_close_up_when_no_room_is_left_behind_them(seed: int) -> None:
    setup = kernel_setup(random_problem(Case(n_demands=16, n_links=20), seed))
    run, random = Run(setup), np.random.default_rng(seed)
    run.route_all(list(range(16)))
    full = run.layer.end[0] = len(run.layer.entries)
    routed = [lsp for lsp, route in enumerate(run.routes()) if route is not None]
    for _ in range(200):
        run.layer.banned[:] = random.random(len(run.layer.banned)) < 0.3
        run.move(random.choice(routed, 3, replace=False).tolist(), 1e9)
        if run.layer.end[0] < full:
            break
    assert run.layer.end[0] < full
    check_layer(run)


@pytest.mark.parametrize("max_hops", [2, 5])
def test_first_primary_is_the_cheapest_without_latency_bound(max_hops: int) -> None:
    case = Case(
        n_demands=1, protections=(0,), bounds_ms=(math.inf,), availabilities=(0.0,), max_hops=max_hops
    )
    for seed in range(60):
        setup = kernel_setup(random_problem(case, seed))
        problem, price = setup.naive, opening_costs(setup)
        run = Run(setup)
        missing = run.route_all([0])
        best = naive.least_weight(problem, problem.demands[0], price.tolist(), math.inf, set())
        assert missing == (best == math.inf)
        if not missing:
            route = run.routes()[0]
            assert route is not None
            assert sum(price[list(route[0])]) == pytest.approx(best, rel=1e-9)


def test_bounded_primary_is_found_and_near_the_cheapest() -> None:
    """LARAC (Jüttner et al. 2001) finds a feasible path if there is one, and mostly the cheapest."""
    case = Case(n_demands=1, protections=(0,), bounds_ms=(9.0, 6.0), availabilities=(0.0,), n_links=18)
    exact = total = 0
    for seed in range(120):
        setup = kernel_setup(random_problem(case, seed))
        problem, price = setup.naive, opening_costs(setup)
        demand = problem.demands[0]
        run = Run(setup)
        missing = run.route_all([0])
        best = naive.least_weight(problem, demand, price.tolist(), demand.max_latency_ms, set())
        assert missing == (best == math.inf)
        if not missing:
            route = run.routes()[0]
            assert route is not None
            weight = float(sum(price[list(route[0])]))
            fastest = min(
                naive.simple_paths(problem, demand.a, demand.b, set()),
                key=lambda path: sum(problem.links[key].latency_ms for key in path),
            )
            assert weight >= best - 1e-9
            # never dearer than simply taking the fastest path
            assert weight <= max(best, float(sum(price[list(fastest)]))) + 1e-9
            exact += weight == pytest.approx(best, rel=1e-9)
            total += 1
    assert total > 60
    assert exact / total > 0.85


def test_closed_links_get_no_new_paths() -> None:
    for seed in range(10):
        problem = random_problem(Case(), seed)
        setup = kernel_setup(problem)
        keys = [key for key in range(len(problem.links)) if key % 3]
        run = Run(setup._replace(pool=kernel_pool(problem, keys)))
        run.route_all(list(range(len(problem.demands))))
        used = {key for route in run.routes() for path in route or () for key in path or ()}
        assert used <= set(keys)
        check_layer(run)


def test_demands_without_two_ends_are_left_out() -> None:
    problem = random_problem(Case(n_demands=2), 1)
    setup = kernel_setup(problem)
    setup.lsps.b[0] = setup.lsps.a[0]
    run = Run(setup)
    assert run.route_all([0]) == 1
    assert run.routes()[0] is None


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="signatures exist only with the compiler"
)
def test_one_signature_per_kernel() -> None:
    setup = kernel_setup(random_problem(Case(), 0))
    run = Run(setup)
    run.route_all([0, 1])
    run.move([0])
    grooming.anneal(*run.args, np.random.default_rng(0), 2, 2, (1.0, 0.0), setup.quiet)
    kernels: tuple[Callable[..., Any], ...] = (
        grooming.route_all,
        grooming.attach_all,
        grooming.move,
        grooming.anneal,
    )
    for kernel in kernels:
        assert len(kernel.signatures) <= 1, (kernel, kernel.signatures)  # type: ignore[attr-defined]


def test_shared_backup_capacity_is_counted_once() -> None:
    """Two demands that never fail together share one unit of a backup link."""
    steps = (0.0, 10.0, 20.0, 30.0)
    links = (
        naive.Link(0, 1, 1.0, frozenset({1}), frozenset({0, 4, 5}), (0.0, 1.0, 2.0, 3.0)),
        naive.Link(0, 1, 1.0, frozenset({2}), frozenset({1, 4, 5}), (0.0, 1.0, 2.0, 3.0)),
        naive.Link(0, 1, 1.0, frozenset({3}), frozenset({2, 4, 5}), steps),
    )
    samples = np.full((2, 1), 8.0)
    none: frozenset[int] = frozenset()
    demand = naive.Demand(0, 1, samples, math.inf, math.inf, 2, False, 0.0, none, frozenset({4, 5}))
    problem = naive.Problem(2, links, (demand, demand), 4, 4, (0.0,) * 6, (0, 1), (1,), (1,), 1 / 8, 2)
    run = Run(kernel_setup(problem))
    run.attach_all([((0,), (2,)), ((1,), (2,))])
    assert run.layer.required.tolist() == [8.0, 8.0, 8.0]
    assert run.layer.total[0] == 1.0 + 1.0 + 10.0
    check_layer(run)
