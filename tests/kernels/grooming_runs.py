"""Random IP layers for the grooming kernels, and checks of them against obvious twins."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

from netopt_kernels import grooming, grooming_state
from tests.naive import grooming as naive
from tests.naive.loads import bits_of

LATENCY_BOUNDS = (math.inf, 12.0, 6.0)


class Setup(NamedTuple):
    """One problem, for the twin and for the kernels."""

    naive: naive.Problem
    pool: grooming_state.Pool
    lsps: grooming_state.Lsps
    clock: grooming_state.Clock
    quiet: bool


class Case(NamedTuple):
    """Sizes and switches of random problems."""

    n_nodes: int = 6
    n_links: int = 14
    n_demands: int = 9
    n_states: int = 10
    n_groups: int = 12
    max_hops: int = 4
    quiet: bool = True
    protections: tuple[int, ...] = (0, 1, 2)
    bounds_ms: tuple[float, ...] = LATENCY_BOUNDS
    availabilities: tuple[float, ...] = (0.0, 0.9)
    max_failures: int = 3


CASES = {
    "plain": Case(),
    "two words of states": Case(n_states=71),
    "three words of components": Case(n_groups=140, n_states=30),
    "ranks rise in failures": Case(quiet=False),
    "two hops": Case(max_hops=2, n_links=18),
    "one hop": Case(max_hops=1, n_links=40, n_nodes=4),
    "no failures": Case(n_states=1, protections=(0, 2)),
    "disjoint": Case(protections=(2,), bounds_ms=(math.inf,), n_links=20),
    "survivable": Case(protections=(1,), n_states=40),
    "available": Case(availabilities=(0.95, 0.97, 0.99), protections=(0, 1)),
    "latency binds": Case(bounds_ms=(9.0, 7.0, 5.0), n_links=20),
    "one demand": Case(n_demands=1),
}


def random_problem(case: Case, seed: int) -> naive.Problem:
    """Loads are eighths and prices integers, so that every sum is exact."""
    rng = np.random.default_rng(seed)
    n_components = case.n_groups + case.n_nodes
    unavailability = (rng.random(n_components) < 0.7) * rng.choice([1e-3, 0.01, 0.03], n_components)
    group_states = [set(rng.choice(np.arange(1, case.n_states), 1).tolist()) if case.n_states > 1 else set()
                    for _ in range(n_components)]  # fmt: skip
    for site in range(case.n_groups, n_components):
        if rng.random() < 0.7:
            group_states[site] = set()
    links = []
    for number in range(case.n_links):
        a, b = (int(x) for x in rng.choice(case.n_nodes, 2, replace=False))
        if number < case.n_nodes:  # a ring keeps all joined
            a, b = number, (number + 1) % case.n_nodes
        n_failing = int(rng.integers(1, case.max_failures + 1))
        components = {int(g) for g in rng.choice(case.n_groups, n_failing, replace=False)}
        components |= {case.n_groups + a, case.n_groups + b}
        if rng.random() < 0.2:
            components.add(case.n_groups + int(rng.integers(0, case.n_nodes)))  # passes a third site
        steps = np.concatenate([[0], np.cumsum(rng.integers(1, 30, 12))])
        links.append(
            naive.Link(
                a,
                b,
                float(rng.integers(1, 6)),
                frozenset().union(*(group_states[c] for c in components)),
                frozenset(components),
                tuple(float(x) for x in steps),
            )
        )
    n_samples = int(rng.integers(1, 13))
    group_start = tuple(sorted({0, n_samples, *rng.integers(0, n_samples + 1, 3).tolist()}))
    ranks = [int(rng.integers(1, n + 1)) for n in np.diff(group_start)]
    other = [int(rng.integers(1, n + 1)) for n in np.diff(group_start)]
    if case.quiet:
        other = [min(pair) for pair in zip(ranks, other, strict=True)]
    demands = []
    for _ in range(case.n_demands):
        a, b = (int(x) for x in rng.choice(case.n_nodes, 2, replace=False))
        samples = rng.integers(0, 200, (2, n_samples)) / 8 * (rng.random((2, 1)) < 0.8)
        demands.append(
            naive.Demand(
                a,
                b,
                samples,
                float(rng.choice(case.bounds_ms)),
                float(rng.choice(case.bounds_ms)),
                int(rng.choice(case.protections)),
                bool(rng.random() < 0.3),
                float(rng.choice(case.availabilities)),
                frozenset(group_states[case.n_groups + a] | group_states[case.n_groups + b]),
                frozenset({case.n_groups + a, case.n_groups + b}),
            )
        )
    return naive.Problem(
        case.n_nodes,
        tuple(links),
        tuple(demands),
        case.n_states,
        case.n_groups,
        tuple(unavailability.tolist()),
        group_start,
        tuple(ranks),
        tuple(other),
        float(rng.choice([1 / 16, 1 / 64, 1 / 8])),
        case.max_hops,
    )


def graph(n_nodes: int, ends: list[tuple[int, int]], keys: list[int]) -> tuple[Any, ...]:
    """``first_arc, head, arc_link, tail`` of the links in ``keys``."""
    arcs = sorted((tail, head, key) for key in keys for tail, head in (ends[key], ends[key][::-1]))
    columns = np.array(arcs, dtype=np.int64).reshape(-1, 3)
    first = np.searchsorted(columns[:, 0], np.arange(n_nodes + 1)).astype(np.int64)
    tail, head, link = (np.ascontiguousarray(columns[:, i]) for i in range(3))
    return first, head, link, tail


def potentials(n_nodes: int, ends: list[tuple[int, int]], weight: list[float]) -> np.ndarray:
    """Least weight between all nodes (Floyd and Warshall)."""
    least = np.full((n_nodes, n_nodes), math.inf)
    np.fill_diagonal(least, 0.0)
    for (a, b), w in zip(ends, weight, strict=True):
        least[a, b] = least[b, a] = min(least[a, b], w)
    for via in range(n_nodes):
        least = np.minimum(least, least[:, via, None] + least[None, via, :])
    return least


def kernel_pool(problem: naive.Problem, keys: list[int] | None = None) -> grooming_state.Pool:
    links = problem.links
    n_components = len(problem.unavailability)
    keys = list(range(len(links))) if keys is None else keys
    first, head, arc_link, tail = graph(problem.n_nodes, [(x.a, x.b) for x in links], keys)
    table = np.array([x.steps for x in links])
    ends = [(x.a, x.b) for x in links]
    price = (table[:, 1:] / np.arange(1, table.shape[1])).min(axis=1) * problem.units_per_gbps
    return grooming_state.Pool(
        links=np.array(keys, dtype=np.int64),
        n_lasting=len(keys),
        first_arc=first,
        head=head,
        arc_link=arc_link,
        tail=tail,
        link_a=np.array([x.a for x in links], dtype=np.int64),
        link_b=np.array([x.b for x in links], dtype=np.int64),
        latency_ms=np.array([x.latency_ms for x in links]),
        lasting=np.ones(len(links), np.bool_),
        down=bits_of([set(x.states) for x in links], problem.n_states // 64 + 1),
        components=bits_of([set(x.components) for x in links], n_components // 64 + 1),
        table=table,
        units_per_gbps=problem.units_per_gbps,
        idle=price,
        cheap_to=potentials(problem.n_nodes, ends, price.tolist()),
        fast_to=potentials(problem.n_nodes, ends, [x.latency_ms for x in links]),
        corridor=np.array([1.0, math.inf]),
        unavailability=np.array(problem.unavailability),
        group_mask=bits_of([set(range(problem.n_groups))], n_components // 64 + 1)[0],
    )


def kernel_lsps(problem: naive.Problem) -> grooming_state.Lsps:
    demands = problem.demands
    samples = np.array([d.samples for d in demands])
    starts = np.array(problem.group_start[:-1])
    return grooming_state.Lsps(
        a=np.array([d.a for d in demands], dtype=np.int64),
        b=np.array([d.b for d in demands], dtype=np.int64),
        size_gbps=np.maximum(samples.mean(axis=2).max(axis=1), 1e-9),
        peak_gbps=samples.max(axis=(1, 2)),
        max_latency_ms=np.array([d.max_latency_ms for d in demands]),
        backup_max_latency_ms=np.array([d.backup_max_latency_ms for d in demands]),
        protection=np.array([d.protection for d in demands], dtype=np.int64),
        node_disjoint=np.array([d.node_disjoint for d in demands], dtype=np.bool_),
        min_availability=np.array([d.min_availability for d in demands]),
        end_states=bits_of([set(d.end_states) for d in demands], problem.n_states // 64 + 1),
        end_components=bits_of(
            [set(d.end_components) for d in demands], len(problem.unavailability) // 64 + 1
        ),
        samples=samples,
        crest=np.maximum.reduceat(samples, starts, axis=2),
    )


def kernel_setup(problem: naive.Problem) -> Setup:
    clock = grooming_state.Clock(
        np.array(problem.group_start, dtype=np.int64),
        np.array(problem.rank_normal, dtype=np.int64),
        np.array(problem.rank_failure, dtype=np.int64),
        problem.n_states,
        problem.max_hops,
    )
    quiet = all(f <= n for f, n in zip(problem.rank_failure, problem.rank_normal, strict=True))
    return Setup(problem, kernel_pool(problem), kernel_lsps(problem), clock, quiet)


class Run:
    """A layer under the kernels."""

    def __init__(self, setup: Setup, most: int = 4) -> None:
        self.setup = setup
        problem = setup.naive
        n_samples, words = setup.lsps.samples.shape[2], setup.pool.down.shape[1]
        sizes = (len(problem.links), (n_samples, len(problem.rank_normal)), problem.n_states)
        self.layer = grooming_state.new_layer(len(problem.demands), *sizes, words, problem.max_hops)
        self.work = grooming_state.new_work(
            problem.n_nodes,
            len(problem.demands),
            *sizes,
            (words, setup.pool.components.shape[1]),
            problem.max_hops,
            most,
        )
        self.args = (
            grooming_state.pack(setup.pool),
            grooming_state.pack(setup.lsps),
            grooming_state.pack(setup.clock),
            grooming_state.pack(self.layer),
            grooming_state.pack(self.work),
        )

    def route_all(self, order: list[int]) -> int:
        return grooming.route_all(*self.args, np.array(order, dtype=np.int64), self.setup.quiet)

    def attach_all(self, routes: naive.Routes) -> None:
        for lsp, route in enumerate(routes):
            for side, path in enumerate(route or ()):
                if path is not None:
                    self.layer.hops[lsp, side] = len(path)
                    self.layer.path[lsp, side, : len(path)] = path
        order = np.array([lsp for lsp, route in enumerate(routes) if route is not None], dtype=np.int64)
        grooming.attach_all(*self.args, order, self.setup.quiet)

    def move(self, lsps: list[int], slack: float = 0.0) -> bool:
        return grooming.move(*self.args, np.array(lsps, dtype=np.int64), slack, self.setup.quiet)

    def routes(self) -> naive.Routes:
        found: naive.Routes = []
        for lsp in range(len(self.setup.naive.demands)):
            hops, path = self.layer.hops[lsp], self.layer.path[lsp]
            sides = [tuple(path[s, : hops[s]].tolist()) if hops[s] > 0 else None for s in range(2)]
            found.append(None if sides[0] is None else (sides[0], sides[1]))
        return found

    def meaning(self) -> dict[str, Any]:
        """Everything the layer says, without the order of its lists and what lies beyond paths' ends."""
        layer, routes = self.layer, self.routes()
        entries = []
        for link in range(len(layer.members)):
            start, count = int(layer.start[link]), int(layer.members[link])
            assert count <= layer.room_for[link]
            found = layer.entries[start : start + count].tolist()
            assert layer.place[found].tolist() == list(range(start, start + count))
            entries.append(sorted(found))
        backward = [
            [layer.backward[lsp, side, : max(0, layer.hops[lsp, side])].tolist() for side in range(2)]
            for lsp, route in enumerate(routes)
            if route is not None
        ]
        kept = (
            "base",
            "crest",
            "active",
            "spare",
            "most_spare",
            "required",
            "room",
            "worth",
            "total",
        )
        arrays = {name: getattr(layer, name).tobytes() for name in kept}
        down = layer.down[[lsp for lsp, route in enumerate(routes) if route is not None]].tobytes()
        return {"routes": routes, "entries": entries, "backward": backward, "down": down, **arrays}


def check_layer(run: Run) -> None:
    """The layer's prices are the twin's, and its lists and directions follow from its paths."""
    problem, layer, routes = run.setup.naive, run.layer, run.routes()
    total = 0.0
    meaning = run.meaning()
    for key in range(len(problem.links)):
        needed = naive.required(problem, routes, key)
        assert layer.required[key] <= needed <= layer.required[key] + 0.5 * max(0.0, layer.room[key])
        worth = naive.worth(problem, key, needed, used=bool(meaning["entries"][key]))
        assert layer.worth[key] == pytest.approx(worth, rel=1e-12)
        total += worth
        for state in range(problem.n_states):
            assert naive.required_in(problem, routes, key, state) <= layer.bound[key, state] + 1e-9
        on_link = [
            (lsp * 2 + side) * layer.path.shape[2] + path.index(key)
            for lsp, route in enumerate(routes)
            for side, path in enumerate(route or ())
            if path is not None and key in path
        ]
        assert meaning["entries"][key] == sorted(on_link)
    assert layer.total[0] == pytest.approx(total, rel=1e-9, abs=1e-9)
    for lsp, route in enumerate(routes):
        for side, path in enumerate(route or ()):
            if path is not None:
                expected = naive.directions(problem, problem.demands[lsp].a, path)
                assert layer.backward[lsp, side, : len(path)].tolist() == expected


def check_promises(run: Run) -> None:
    problem = run.setup.naive
    for demand, route in zip(problem.demands, run.routes(), strict=True):
        if route is not None:
            assert naive.broken_promises(problem, demand, *route) == []


def setups(case: Case, count: int) -> list[Setup]:
    return [kernel_setup(random_problem(case, seed)) for seed in range(count)]
