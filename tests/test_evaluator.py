"""The evaluator against the referee, against itself after changes, and against hand-made numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.cost import chassis_worth
from netopt_heur.design import Design, DesignLeg, from_plan, to_plan
from netopt_heur.evaluator import Evaluator, slot_conflicts
from netopt_heur.instance import Instance, build_instance
from netopt_heur.plan import Plan
from netopt_heur.scenario.demands import window_hours
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.verify import verify
from tests.random_scenarios import random_scenario

PLANS = 100
VARIANTS = 5  # damaged variants per plan, so at least 500 plans are compared in all


def construct(scenario: Scenario) -> tuple[Instance, Construction]:
    instance = build_instance(scenario)
    planner = Planner(instance)
    prices = planner.first_prices()
    circuits = planner.circuits(prices)
    ip = planner.ip_planner(prices, circuits, lambda: False)
    layer = ip.first(planner.lsp_order)
    return instance, planner.complete(circuits, ip, layer, prices)


def shaken(design: Design, rng: np.random.Generator) -> Design:
    """A random neighbour: channels removed or added, paths swapped, pairs and rates changed."""
    design = design.copy()
    for key in list(design.links):
        link = design.links[key]
        leg = link.legs[0]
        if leg.channels and rng.random() < 0.4:
            extra = (
                leg.channels + leg.channels[:1] if rng.random() < 0.5 else leg.channels[1:] or leg.channels
            )
            design.links[key] = replace(link, legs=(replace(leg, channels=extra),))
        elif leg.offer < 0 and rng.random() < 0.2:
            design.links[key] = replace(link, legs=(leg, leg))  # a 1+1 link that protects nothing
    for lsp in range(len(design.primary)):
        if design.backup[lsp] is not None and rng.random() < 0.3:
            design.primary[lsp], design.backup[lsp] = design.backup[lsp], design.primary[lsp]
        elif rng.random() < 0.1:
            design.backup[lsp] = None
    for lsp in design.rates_gbps:
        if rng.random() < 0.5:
            design.rates_gbps[lsp] = design.rates_gbps[lsp] * rng.uniform(0.5, 1.5)
    fiber = int(rng.integers(0, len(design.pairs)))
    design.pairs[fiber] = max(0, design.pairs[fiber] + int(rng.integers(-1, 3)))
    return design


@pytest.mark.parametrize("seed", range(PLANS))
def test_evaluator_and_referee_agree(seed: int) -> None:
    scenario = random_scenario(seed, n_sites=5 + seed % 4)
    instance, construction = construct(scenario)
    rng = np.random.default_rng(seed)
    designs = [construction.design] + [shaken(construction.design, rng) for _ in range(VARIANTS)]
    for design in designs:
        evaluation = Evaluator(instance, design.copy()).evaluate()
        verdict = verify(scenario, to_plan(design).to_dict())
        assert verdict.cost == pytest.approx(evaluation.cost.total, rel=1e-9)
        assert verdict.cost_breakdown == pytest.approx(
            {"fiber": evaluation.cost.fiber, "optical": evaluation.cost.optical, "ip": evaluation.cost.ip},
            rel=1e-9,
        )
        assert verdict.latency_ms_total == pytest.approx(evaluation.cost.latency_ms, rel=1e-9)
        assert {v.rule for v in verdict.violations} == set(evaluation.violations)


@pytest.mark.parametrize("seed", range(0, PLANS, 10))
def test_plan_round_trip(seed: int) -> None:
    instance, construction = construct(random_scenario(seed))
    plan = to_plan(construction.design)
    again = Plan.from_dict(plan.to_dict())
    assert again.to_json() == plan.to_json()
    design, faults = from_plan(instance, again)
    assert faults == 0
    assert to_plan(design).to_json() == plan.to_json()


@pytest.mark.parametrize("seed", range(0, PLANS, 5))
def test_changes_price_like_a_fresh_evaluation(seed: int) -> None:
    """Random moves leave the same cost and violations as evaluating the result from scratch."""
    instance, construction = construct(random_scenario(seed))
    rng = np.random.default_rng(seed)
    evaluator = Evaluator(instance, construction.design.copy())
    for _ in range(30):
        design = evaluator.design
        lsp = int(rng.integers(0, len(instance.lsps)))
        other = int(rng.integers(0, len(instance.lsps)))
        kind = int(rng.integers(0, 4))
        if kind == 0:
            evaluator.set_lsp(lsp, design.primary[lsp], design.backup[other])
        elif kind == 1:
            evaluator.set_lsp(lsp, None, None)
        elif kind == 2 and lsp in design.rates_gbps:
            evaluator.set_rates(lsp, design.rates_gbps[lsp] * rng.uniform(0.5, 2.0))
        else:
            key = sorted(design.links)[int(rng.integers(0, len(design.links)))]
            link = design.links[key]
            twin = evaluator.add_link(link)
            evaluator.drop_link(twin)
            if link.legs[0].channels:
                leg = replace(link.legs[0], channels=link.legs[0].channels * 2)
                evaluator.set_link(key, replace(link, legs=(leg,)))
    fresh = Evaluator(instance, evaluator.design.copy())
    assert evaluator.evaluate() == fresh.evaluate()


def test_links_in_use_cannot_be_dropped() -> None:
    instance, construction = construct(random_scenario(1))
    evaluator = Evaluator(instance, construction.design)
    key = next(k for k in evaluator.design.links if evaluator.members(k))
    with pytest.raises(ValueError, match="still carries LSPs"):
        evaluator.drop_link(key)


def test_circuit_waves_are_counted() -> None:
    instance, _ = construct(random_scenario(1))
    demand = replace(instance.circuits[0], waves=3, wave_gbps=400.0)
    evaluator = Evaluator(instance, Design.empty(instance))
    assert evaluator.missing_waves(demand, DesignLeg((), (0, 1))) == 3


@pytest.mark.parametrize(
    ("blocks", "contiguous", "expected"),
    [
        ([(0, 4), (4, 4)], True, 0),
        ([(0, 4), (3, 4)], True, 1),
        ([(0, 8), (2, 2)], True, 2),
        ([(0, 8), (2, 2), (6, 4)], True, 4),
        ([(8, 4)], True, 2),
        ([(-1, 6), (-1, 6)], False, 2),
        ([(-1, 5), (-1, 5)], False, 0),
    ],
)
def test_slot_conflicts(blocks: list[tuple[int, int]], contiguous: bool, expected: int) -> None:
    assert slot_conflicts(blocks, 10, contiguous) == expected


def test_chassis_steps() -> None:
    scenario = random_scenario(0)
    catalogue = replace(scenario.catalogue, chassis=random_scenario(0).catalogue.chassis)
    instance = build_instance(replace(scenario, catalogue=catalogue))
    steps = {c.capacity_gbps: c.price.capex for c in catalogue.chassis}
    if not steps:
        assert chassis_worth(instance, 100.0) == 0.0
        return
    assert chassis_worth(instance, 0.0) == 0.0
    assert chassis_worth(instance, 1600.0) == steps[1600.0]
    assert chassis_worth(instance, 1601.0) == steps[6400.0]
    assert chassis_worth(instance, 6400.0 + 100.0) == steps[6400.0] + steps[1600.0]


@pytest.mark.parametrize(
    ("offset", "start", "end", "hours"),
    [
        (0.0, 22.0, 2.0, (0, 1, 22, 23)),
        (-5.0, 1.0, 4.0, (6, 7, 8)),
        (5.5, 0.0, 2.0, (19,)),
        (0.0, 3.0, 3.0, tuple(range(24))),
    ],
)
def test_window_hours(offset: float, start: float, end: float, hours: tuple[int, ...]) -> None:
    assert window_hours(start, end, offset) == hours
