"""Availability of the traffic, against weights and probabilities worked out by hand."""

from __future__ import annotations

import pytest

from netopt_heur.design import from_plan
from netopt_heur.evaluator import Evaluator, leg_components
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan as PlanFile
from netopt_heur.scenario.scenario import Circuit, Promise, Transfer
from netopt_heur.solve import plan as make_plan
from netopt_heur.verify import traffic_availability
from tests.random_scenarios import random_scenario
from tests.verify.builders import (
    fiber,
    flat,
    in_hours,
    leg,
    lightpath,
    link,
    lsp,
    packet,
    plan,
    scenario,
    site,
)

# U = cuts x length / 1000 x hours / 8760: 0.1, 0.2 and 0.5.
CUTS = {"cuts_per_1000km_year": 1.0, "mttr_hours": 8760.0}
KM = {"f": 100.0, "g": 200.0, "h": 500.0}
PROBLEM = scenario(
    sites=(site("A"), site("B")),
    fibers=tuple(
        fiber(name, "A", "B", km, **CUTS) for name, km in (("f", 100.0), ("g", 200.0), ("h", 500.0))
    ),
    packets=(packet("p", "A", "B", flat(30.0), flat(10.0)),),
    circuits=(Circuit("c", "A", "B", 1, 100.0, Promise()),),
    transfers=(Transfer("t", "A", ("B",), 450.0 * 24 * 60, 0.0, 24.0, "push", Promise()),),
)
# Weights: packet 30 + 10, transfer 60, circuit 2 x 100 Gb/s.


def document(backup: str | None, circuits: bool = True) -> dict[str, object]:
    legs = {name: lightpath("A", "B", name, "m100", pair=0) for name in ("f", "g", "h")}
    return plan(
        {"f": 1, "g": 1, "h": 1},
        legs,
        {name: link("A", "B", leg(name, name)) for name in ("f", "g")},
        {"p#0": lsp("f", backup), "t/B": lsp("g", rates=in_hours(60.0, range(24)))},
        {"c": {"working": leg("h", "h"), "protection": None}} if circuits else {},
    )


@pytest.mark.parametrize(
    ("backup", "circuits", "expected"),
    [
        (None, True, (40 * 0.9 + 60 * 0.8 + 200 * 0.5) / 300),
        ("g", True, (40 * 0.98 + 60 * 0.8 + 200 * 0.5) / 300),
        ("g", False, (40 * 0.98 + 60 * 0.8) / 300),  # not routed: down
        ("nowhere", True, (60 * 0.8 + 200 * 0.5) / 300),  # a path that is none
    ],
)
def test_by_hand(backup: str | None, circuits: bool, expected: float) -> None:
    assert traffic_availability(PROBLEM, document(backup, circuits)) == pytest.approx(expected, rel=1e-12)


def test_no_traffic_is_always_up() -> None:
    assert traffic_availability(scenario(sites=(site("A"),)), plan()) == 1.0


@pytest.mark.parametrize("seed", [1, 3, 6])
def test_the_evaluator_agrees(seed: int) -> None:
    problem = random_scenario(seed)
    made = make_plan(problem, seed=1, generations=0, bound=False).plan
    assert isinstance(made, PlanFile)
    instance = build_instance(problem)
    design, _ = from_plan(instance, made)
    evaluator = Evaluator(instance, design)
    packets = {each.id: each for each in problem.packets}
    splits = {p: sum(lsp.demand == p for lsp in instance.lsps) for p in packets}
    up_gbps = total_gbps = 0.0
    for i, each in enumerate(instance.lsps):
        gbps = each.volume_gb / 450.0 / 24.0
        if each.demand in packets:
            demand = packets[each.demand]
            gbps = (demand.mean_ab_gbps + demand.mean_ba_gbps) / splits[each.demand]
        total_gbps += gbps
        up_gbps += gbps * evaluator.lsp_availability(i)
    for circuit, first, second in zip(instance.circuits, design.working, design.protection, strict=True):
        assert first is not None
        legs = [[(leg_components(instance, each),)] for each in (first, second) if each is not None]
        total_gbps += 2 * circuit.waves * circuit.wave_gbps
        up = evaluator.availability.service(legs[0], legs[1] if len(legs) == 2 else None)
        up_gbps += 2 * circuit.waves * circuit.wave_gbps * up
    assert traffic_availability(problem, made.to_dict()) == pytest.approx(up_gbps / total_gbps, rel=1e-12)
