"""Parts of small plans solved exactly: never a loss, always verified, and what nothing else finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netopt_heur import load_scenario
from netopt_heur.construct.planner import Planner
from netopt_heur.design import to_plan
from netopt_heur.instance import build_instance
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.search import subproblem
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.subproblem import SubproblemParams, Subproblems
from netopt_heur.solve import plan
from netopt_heur.verify import verify
from tests.random_scenarios import random_scenario

LIBRARY = Path(__file__).parents[2] / "benchmarks" / "small"


def library(name: str) -> Scenario:
    return load_scenario(LIBRARY / f"{name}.yaml")


def searching(scenario: Scenario, **subproblems: int) -> Genetic:
    params = GeneticParams(steps=50, subproblems=SubproblemParams(**subproblems))
    random = np.random.default_rng(1)
    search = Genetic(Planner(build_instance(scenario)), params, random, lambda: False, lambda: 0.5)
    search.first()
    return search


@pytest.mark.exact
@pytest.mark.parametrize(
    "name", ["tri_survivable", "tri_transfer_targets", "kite_chassis", "ring4_regen", "penta_odd_convert"]
)
def test_parts_never_lose_and_cost_what_they_say(name: str) -> None:
    scenario = library(name)
    search = searching(scenario)
    found = search.best
    for _ in range(6):
        better = search.subproblems.improve(found)
        assert better.rank() <= found.rank()
        found = better
    verdict = verify(scenario, to_plan(found.design).to_dict())
    assert verdict.feasible
    assert verdict.cost == pytest.approx(found.cost, rel=1e-9)


@pytest.mark.exact
@pytest.mark.parametrize(
    ("name", "optimum"),
    [("penta_odd_cycle", 141.6), ("penta_odd_convert", 137.2), ("ring4_full_pairs", 109.4)],
)
def test_channels_that_first_fit_cannot_place(name: str, optimum: float) -> None:
    made = plan(library(name), seed=3, generations=8, bound=False)
    assert made.status == "feasible"
    assert made.cost == pytest.approx(optimum)


@pytest.mark.exact
def test_all_traffic_of_a_duct_moves_to_its_twin() -> None:
    scenario = library("tri_no_groom")
    old = scenario.fibers[0]
    twin = replace(old, id="twin", length_km=old.length_km + 200.0)
    dear = plan(replace(scenario, fibers=(twin, *scenario.fibers[1:])), seed=1, generations=2, bound=False)
    both = plan(replace(scenario, fibers=(twin, *scenario.fibers)), seed=1, generations=4, bound=False)
    assert both.plan is not None
    assert "twin" not in both.plan.fibers
    assert both.cost < dear.cost


@pytest.mark.exact
def test_a_fiber_route_protected_by_a_wave_survives_the_next_generations() -> None:
    scenario = library("ring4_wave_protects")
    search = searching(scenario)
    costs = []
    for _ in range(6):
        search.generation()
        costs.append(search.best.cost)
    assert costs == sorted(costs, reverse=True)
    assert verify(scenario, to_plan(search.best.design).to_dict()).feasible


@pytest.mark.exact
def test_parts_repeat_themselves() -> None:
    scenario = library("hexa_mesh")
    made = [plan(scenario, seed=2, generations=3, bound=False).plan for _ in range(2)]
    assert made[0] is not None and made[1] is not None
    assert made[0].to_json() == made[1].to_json()


@pytest.mark.exact
@pytest.mark.parametrize(
    ("name", "optimum"), [("penta_mesh", 117.0), ("hexa_survivable", 145.8), ("kite_percentile", 105.0)]
)
def test_all_demands_over_few_promising_links_find_the_optimum(
    name: str, optimum: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subproblem, "PROMISING", 1.0)
    search = searching(library(name))
    found = search.best
    for _ in range(12):
        found = search.subproblems.improve(found)
    assert found.cost == pytest.approx(optimum)
    assert search.subproblems.state.scale == 1.0  # no other part was solved


def test_large_networks_are_left_alone() -> None:
    search = searching(random_scenario(1), routers=3)
    assert not search.subproblems.worthwhile


@pytest.mark.exact
def test_models_too_large_shrink_until_they_are_given_up() -> None:
    search = searching(random_scenario(1), rows=1)
    tries = 0
    while search.subproblems.worthwhile:
        assert search.subproblems.improve(search.best) is search.best
        tries += 1
    assert tries < 10


@pytest.mark.exact
def test_a_stop_leaves_the_plan_as_it_is() -> None:
    search = searching(library("kite_chassis"))
    parts = Subproblems(search.planner, SubproblemParams(), np.random.default_rng(0), lambda: True)
    assert parts.improve(search.best) is search.best
