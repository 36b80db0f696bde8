"""What a start says about links and cost: valid for every plan, and the optimum stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt_heur import load_scenario, plan
from netopt_heur.exact import ExactLimits, solver
from netopt_heur.exact.brute_force import brute_force
from netopt_heur.exact.candidates import without_demands
from netopt_heur.exact.crossing import _floor, crossing_demand, site_sets
from netopt_heur.exact.equipment import Equipment, build_equipment
from netopt_heur.exact.limits import no_limit
from netopt_heur.exact.linear import F64, solve
from netopt_heur.exact.separation import Separator
from netopt_heur.exact.solver import solve_exact
from netopt_heur.exact.start import kept_by, start_values, violated_rows
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan
from netopt_heur.scenario.scenario import Scenario
from tests.exact.tiny_scenarios import tiny_scenario
from tests.random_scenarios import random_scenario

SMALL = Path(__file__).parents[2] / "benchmarks" / "small"
NAMES = (
    "hexa_survivable", "kite_duct", "penta_pair_failures", "ring4_regen_latency", "ring4_site_failures",
    "tri_hours", "tri_transfer", "tri_wave_circuit",
)  # fmt: skip


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrow the smallest networks as well."""
    monkeypatch.setattr(solver, "WORTH_NARROWING", 0)


def equipment_of(scenario: Scenario, some: Plan) -> tuple[Equipment, F64]:
    """The program, and a plan's point in it."""
    instance = build_instance(scenario)
    equipment = build_equipment(
        without_demands(instance, ExactLimits(), kept_by(instance, some), no_limit), no_limit
    )
    start = start_values(equipment.model, some)
    assert start is not None
    point = equipment.point(start)
    return equipment, np.array([point.get(c, 0.0) for c in range(len(equipment.program.cost))])


def assert_plan_is_a_point(scenario: Scenario, some: Plan, cost: float) -> None:
    """It costs no more than the plan, keeps every row, and no cut takes it off."""
    equipment, point = equipment_of(scenario, some)
    assert violated_rows(equipment.model, dict(enumerate(point.tolist()))) == []
    assert Separator(equipment).add_violated(point) == 0
    assert float(point @ np.array(equipment.program.cost)) <= cost + 1e-6


def cut(equipment: Equipment) -> float:
    """The optimum of the program under all cuts."""
    separator = Separator(equipment)
    for _ in range(30):
        answer = solve(equipment.program, 20.0)
        if answer.values is None or not separator.add_violated(answer.values):
            return answer.bound
    raise AssertionError("cuts without end")


@pytest.mark.parametrize("name", NAMES)
def test_an_optimum_is_a_point_and_no_bound_is_above_it(name: str) -> None:
    scenario = load_scenario(SMALL / f"{name}.yaml")
    best = solve_exact(scenario)
    assert best.plan is not None
    assert_plan_is_a_point(scenario, best.plan, best.cost)
    equipment, _ = equipment_of(scenario, best.plan)
    assert cut(equipment) <= best.cost + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_with_every_kind_of_demand_is_a_point(seed: int) -> None:
    scenario = random_scenario(seed, n_sites=4, n_packets=5)
    made = plan(scenario, seed=seed, generations=0, bound=False)
    if made.plan is not None and made.status == "feasible":
        assert_plan_is_a_point(scenario, made.plan, made.cost)


@pytest.mark.parametrize("seed", [2, 5, 12, 19])
def test_a_start_leaves_the_optimum_that_brute_force_finds(seed: int) -> None:
    scenario = tiny_scenario(seed)
    made = plan(scenario, seed=1, generations=0, bound=False)
    brute = brute_force(scenario, time_limit_s=20.0)
    if brute.plan is None or made.plan is None or made.status != "feasible":
        return
    result = solve_exact(scenario, warm_start=made.plan)
    assert (result.status, result.cost) == ("optimal", pytest.approx(brute.cost, abs=1e-6))
    assert_plan_is_a_point(scenario, brute.plan, brute.cost)


def test_a_start_within_the_gap_needs_no_exact_model() -> None:
    scenario = load_scenario(SMALL / "ring4_survivable.yaml")
    best = solve_exact(scenario)
    again = solve_exact(scenario, warm_start=best.plan, relative_gap=0.2)
    assert (again.status, again.rounds, again.cost) == ("optimal", 0, best.cost)
    assert 0.8 * best.cost <= again.bound <= best.cost


def test_links_are_left_out() -> None:
    scenario = load_scenario(SMALL / "hexa_survivable.yaml")
    best = solve_exact(scenario)
    again = solve_exact(scenario, warm_start=best.plan)
    assert (again.status, again.cost) == ("optimal", pytest.approx(best.cost, abs=1e-6))
    assert again.columns < best.columns or again.rounds == 0


@given(
    block=st.lists(st.lists(st.floats(0.0, 9.0), min_size=6, max_size=6), min_size=1, max_size=4),
    exempt=st.integers(0, 5),
)
def test_no_constant_is_above_the_percentile(block: list[list[float]], exempt: int) -> None:
    loads = np.array(block)
    percentile = float(np.sort(loads.sum(axis=0))[::-1][exempt])
    assert _floor(loads, exempt, 0.0) <= percentile + 1e-9
    if exempt == 0:
        assert _floor(loads, 0, 0.0) == pytest.approx(percentile)


@pytest.mark.parametrize(("n_sites", "count"), [(2, 1), (3, 3), (4, 7), (5, 15), (10, 511), (12, 78)])
def test_every_cut_of_a_small_network_is_looked_at_once(n_sites: int, count: int) -> None:
    inside = site_sets(n_sites)
    sides = {min(tuple(row), tuple(~row)) for row in inside}
    assert len(inside) == len(sides) == count


def test_demand_across_a_cut_is_the_samples_without_clipping() -> None:
    scenario = load_scenario(SMALL / "ring4_survivable.yaml")
    instance = build_instance(scenario)
    assert (instance.rank_normal == np.diff(instance.group_start)).all()
    inside = site_sets(len(instance.site_ids))
    demand = crossing_demand(instance, inside)
    for row, need in zip(inside, demand.need_gbps[:, 0], strict=True):
        total = np.zeros((2, instance.samples.shape[2]))
        for i, lsp in enumerate(instance.lsps):
            if row[lsp.a] != row[lsp.b]:
                total += instance.samples[i] if row[lsp.a] else instance.samples[i, ::-1]
        assert need == pytest.approx(float(total.max(initial=0.0)))
