"""The search: parameters, population, crossover, ruin and recreate, islands, and starting from a plan."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netopt_heur.construct.ip_layer import Groomer, IpLayer
from netopt_heur.construct.planner import Planner
from netopt_heur.construct.star import star_links
from netopt_heur.design import to_plan
from netopt_heur.errors import PlanFileError
from netopt_heur.evaluator import Evaluator
from netopt_heur.instance import build_instance
from netopt_heur.search.adopt import adopt
from netopt_heur.search.crossover import cross, demand_blocks, geographic_cut
from netopt_heur.search.genetic import Genetic, GeneticParams, reroute_around
from netopt_heur.search.individual import Individual, distance
from netopt_heur.search.islands import Epoch, Islands, arrive, leave, run_epoch
from netopt_heur.search.population import Population, PopulationParams
from netopt_heur.search.ruin_recreate import Annealing, anneal, draw_links, link_attraction
from netopt_heur.solve import plan
from netopt_heur.verify import verify
from tests.random_scenarios import random_scenario

FEASIBLE = (1, 2, 3, 4, 6)


def searching(seed: int, steps: int = 200) -> Genetic:
    planner = Planner(build_instance(random_scenario(seed)))
    random = np.random.default_rng(seed)
    search = Genetic(planner, GeneticParams(steps=steps), random, lambda: False, lambda: 0.3)
    search.first()
    return search


@pytest.mark.parametrize("seed", FEASIBLE)
def test_generations_never_lose_the_best_and_cost_what_they_say(seed: int) -> None:
    search = searching(seed)
    costs = [search.best.cost]
    for _ in range(4):
        search.generation()
        costs.append(search.best.cost)
        verdict = verify(random_scenario(seed), to_plan(search.best.design).to_dict())
        assert verdict.feasible
        assert verdict.cost == pytest.approx(search.best.cost, rel=1e-9)
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("seed", FEASIBLE)
def test_annealing_prices_its_result_exactly(seed: int) -> None:
    search = searching(seed)
    planner = search.planner
    circuits = planner.circuits(search.slot_price)
    ip = planner.ip_planner(search.slot_price, circuits, lambda: False)
    start = Groomer(ip, search.best.layer).found()
    random = np.random.default_rng(0)
    found = anneal(ip, start, Annealing(steps=300, heat=0.5), link_attraction(ip), random)
    assert found.worth <= start.worth
    evaluator = ip.evaluator(found)
    worth = 0.0
    for key in evaluator.design.links:
        units = int(np.ceil(evaluator.required_gbps(key) * ip.prices.units_per_gbps - 1e-9))
        last = ip.prices.table.shape[1] - 1
        worth += ip.prices.table[key, min(units, last)] * max(1.0, units / last)
    assert found.worth == pytest.approx(worth, rel=1e-9)


def test_annealing_a_layer_without_paths_leaves_it_so() -> None:
    planner = searching(1).planner
    price = planner.first_prices()
    ip = planner.ip_planner(price, planner.circuits(price), lambda: False)
    groomer = Groomer(ip, IpLayer.without_paths(len(planner.instance.lsps)))
    groomer.anneal(np.random.default_rng(1), 50, 8, (1.0, 0.0))
    assert groomer.worth == 0.0
    assert groomer.found().unrouted.all()


def test_open_links_hold_the_used_ones_and_only_attractive_others() -> None:
    attraction = np.array([1.0, 0.0, 2.0, 0.0, 3.0])
    links = draw_links(np.array([1]), attraction, np.random.default_rng(0))
    assert links.tolist() == [0, 1, 2, 4]


def test_every_link_attracts_something() -> None:
    search = searching(1)
    ip = search.planner.ip_planner(search.slot_price, search.best.circuits, lambda: False)
    assert (link_attraction(ip) > 0).all()


@pytest.mark.parametrize("seed", FEASIBLE)
def test_child_takes_every_lsp_from_a_parent(seed: int) -> None:
    search = searching(seed)
    first = search.best.layer
    search.generation()
    second = search.best.layer
    child = cross(search.planner.instance, first, second, np.random.default_rng(seed))
    for i, paths in enumerate(zip(child.primary, child.backup, strict=True)):
        assert paths in ((first.primary[i], first.backup[i]), (second.primary[i], second.backup[i]))


def test_cuts_take_something_from_both_parents_sooner_or_later() -> None:
    instance = build_instance(random_scenario(1))
    random = np.random.default_rng(0)
    for operator in (geographic_cut, demand_blocks):
        shares = [operator(instance, random).mean() for _ in range(50)]
        assert any(0 < share < 1 for share in shares)


def test_generations_from_a_rival_never_lose_the_best_of_its_kind() -> None:
    scenario = random_scenario(3, n_sites=7, n_packets=15)
    planner = Planner(build_instance(scenario))
    params = GeneticParams(steps=200, rival=1.0)
    search = Genetic(planner, params, np.random.default_rng(0), lambda: False, lambda: 0.3)
    search.first()
    circuits = planner.circuits(search.slot_price)
    ip = planner.ip_planner(search.slot_price, circuits, lambda: False)
    empty = IpLayer.without_paths(len(planner.instance.lsps))
    star = ip.complete(empty, planner.lsp_order, next(iter(star_links(ip))))
    first = known = Individual.of(planner.complete(circuits, ip, star, search.slot_price))
    search.rival = first
    for _ in range(6):
        made = search.generation()
        assert made.missing or verify(scenario, to_plan(made.design).to_dict()).feasible
        assert search.rival is not None
        assert search.population.value(search.rival) <= search.population.value(known)
        known = search.rival
    assert known is not first
    again = Genetic(planner, params, search.random, lambda: False, lambda: 0.3)
    arrive(again, leave(search))
    assert again.rival is not None and again.rival.construction.cost == known.construction.cost


@pytest.mark.parametrize("seed", FEASIBLE)
def test_rerouting_around_a_fiber_avoids_it(seed: int) -> None:
    search = searching(seed)
    planner, layer = search.planner, search.best.layer
    routes = [planner.pool.links[k].route for k in layer.links()]
    fiber = next(r.fibers[0] for r in routes if r is not None)
    price = search.slot_price.copy()
    price[fiber] = np.inf
    ip = planner.ip_planner(price, search.best.circuits, lambda: False)
    rerouted = reroute_around(ip, layer, fiber, np.arange(len(planner.pool.links)))
    if rerouted is not None:
        used = [planner.pool.links[k].route for k in rerouted.found().links()]
        assert all(r is None or fiber not in r.fibers for r in used)


def test_population_keeps_the_best_and_drops_clones() -> None:
    search = searching(2)
    base = search.best
    population = Population(PopulationParams(size=3, elite=1, closest=1))
    for cost, links in ((5.0, {1, 2}), (4.0, {1, 2}), (9.0, {3}), (7.0, {4, 5}), (8.0, {4, 5, 6})):
        population.add(Individual(replace(base, cost=cost, missing=0), frozenset(links)))
    assert population.best.construction.cost == 4.0
    assert len(population.members) == 3
    pairs = [(a, b) for i, a in enumerate(population.members) for b in population.members[:i]]
    assert all(distance(a, b) > 0 for a, b in pairs)


def test_plans_that_serve_more_come_first() -> None:
    base = searching(2).best
    population = Population(PopulationParams())
    population.add(Individual(replace(base, cost=1.0, missing=2), frozenset({1})))
    population.add(Individual(replace(base, cost=9.0, missing=0), frozenset({2})))
    assert population.best.construction.cost == 9.0


def test_plans_that_lack_something_are_a_population_of_their_own() -> None:
    base = searching(2).best
    population = Population(PopulationParams(size=2, elite=1, closest=1))
    for cost, missing, link in (
        (5.0, 3, 1),
        (6.0, 1, 2),
        (7.0, 2, 3),
        (50.0, 0, 4),
        (40.0, 0, 5),
        (60.0, 0, 6),
    ):
        population.add(Individual(replace(base, cost=cost, missing=missing), frozenset({link})))
    assert [one.construction.cost for one in population.complete] == [40.0, 50.0]
    assert len(population.incomplete) == 2
    assert population.incomplete[0].construction.missing == 1  # stays, whatever the others cost
    drawn = {
        one.construction.missing > 0
        for _ in range(50)
        for one in population.parents(np.random.default_rng(_))
    }
    assert drawn == {True, False}


def test_what_is_missing_is_dear_while_plans_lack_it_and_cheap_while_they_do_not() -> None:
    base = searching(2).best
    population = Population(PopulationParams())
    whole, short = (Individual(replace(base, cost=100.0, missing=m), frozenset({m})) for m in (0, 4))
    each = 100.0 / len(base.design.primary)
    prices = []
    for individual in [whole] * 3 + [short] * 40 + [whole] * 80:
        population.add(individual)
        prices.append(population.shortage.price)
    assert prices[2] == pytest.approx(each)
    assert prices[42] == 100.0  # no more than the whole plan
    assert prices[-1] == pytest.approx(each)
    assert prices[2] < prices[20] < prices[42] > prices[60] > prices[-1]
    assert population.value(whole) == 100.0
    assert population.value(short) == pytest.approx(100.0 + 4 * prices[-1])


@pytest.mark.parametrize("make", [lambda: Annealing(steps=-1), lambda: PopulationParams(size=1, elite=2)])
def test_parameters_are_checked(make: object) -> None:
    with pytest.raises(ValueError, match="must"):
        make()  # type: ignore[operator]


def test_an_interrupt_before_there_is_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def in_a_kernel(*_: object) -> None:
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    for place, raises in (("first", interrupt), ("__init__", interrupt), ("first", in_a_kernel)):
        with monkeypatch.context() as patched:
            patched.setattr(Genetic, place, raises)
            result = plan(random_scenario(1), generations=1, bound=False)
        assert (result.status, result.plan, result.stopped_by) == ("none", None, "interrupted")


@pytest.mark.parametrize("seed", FEASIBLE)
def test_starting_from_a_plan_keeps_it(seed: int) -> None:
    scenario = random_scenario(seed)
    first = plan(scenario, seed=1, generations=2, bound=False)
    assert first.plan is not None
    again = plan(scenario, seed=2, generations=0, start=first.plan, bound=False)
    assert again.cost == pytest.approx(first.cost, rel=1e-12)
    better = plan(scenario, seed=2, generations=2, start=first.plan, bound=False)
    assert better.status == "feasible"
    assert better.cost <= first.cost * (1 + 1e-12)


def test_a_plan_of_another_scenario_is_refused() -> None:
    made = plan(replace(random_scenario(1), digest="one"), generations=0, bound=False).plan
    assert made is not None
    with pytest.raises(PlanFileError, match="another scenario"):
        plan(replace(random_scenario(2), digest="two"), generations=0, bound=False, start=made)


@pytest.mark.slow
def test_islands_repeat_themselves(tmp_path: Path) -> None:
    scenario = random_scenario(3)
    for name in ("one", "two"):
        result = plan(scenario, seed=4, generations=6, workers=2, out_dir=tmp_path / name, bound=False)
        assert result.status == "feasible"
    assert (tmp_path / "one/plan.json").read_bytes() == (tmp_path / "two/plan.json").read_bytes()


def test_islands_whose_workers_are_not_there_in_time_keep_the_first_plan() -> None:
    search = searching(3)
    islands = Islands(random_scenario(3), 2, GeneticParams(), 1)
    try:
        islands.begin(leave(search))
        best, generations = islands.epoch((0.0,), time.time())
    finally:
        islands.close()
    assert generations == 0
    assert best.cost == search.best.cost


@pytest.mark.parametrize("generations", [1, 3])
def test_an_epoch_is_what_its_state_and_seed_make_it(generations: int) -> None:
    state = leave(searching(3))
    planner = Planner(build_instance(random_scenario(3)))
    epoch = Epoch(state, np.random.SeedSequence(7), (0.5,) * generations, math.inf)
    (one, n_one), (other, n_other) = (run_epoch(planner, GeneticParams(), epoch) for _ in range(2))
    assert n_one == n_other == generations
    assert [member.cost for member in one.members] == [member.cost for member in other.members]


def test_adopted_designs_evaluate_as_written() -> None:
    scenario = random_scenario(6)
    made = plan(scenario, seed=1, generations=1, bound=False).plan
    assert made is not None
    planner = Planner(build_instance(scenario))
    construction = adopt(planner, made)
    evaluation = Evaluator(planner.instance, construction.design).evaluate()
    assert evaluation.feasible
    assert evaluation.cost.total == pytest.approx(construction.cost, rel=1e-12)


def test_a_target_cost_ends_the_run() -> None:
    made = plan(random_scenario(1), seed=1, generations=50, target_cost=1e9, bound=False)
    assert made.stopped_by == "target_cost"
    assert made.generations == 0
