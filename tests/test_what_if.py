"""What-if answers: verified, close to the plan they start from, and honest where there is none."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from netopt_heur import (
    Answer,
    InputError,
    Plan,
    PlanFileError,
    UsageError,
    WhatIf,
    load_scenario,
    plan,
    verify,
)
from netopt_heur.design import from_plan
from netopt_heur.evaluator import Evaluator
from netopt_heur.instance import build_instance
from netopt_heur.plan import WaveLeg
from netopt_heur.plan_changes import plan_changes
from netopt_heur.scenario import Scenario
from tests.random_scenarios import random_scenario
from tests.scenario.helpers import load

CONFIGS = Path(__file__).resolve().parents[1] / "configs"

Question = Callable[[WhatIf, Random], Answer]


def session(scenario: Scenario) -> WhatIf:
    return WhatIf(scenario, plan(scenario, seed=0, generations=0, bound=False).plan)


@lru_cache
def of_random(seed: int) -> WhatIf:
    return session(random_scenario(seed))


@lru_cache
def of_config(name: str) -> WhatIf:
    return session(load_scenario(CONFIGS / f"{name}.yaml"))


def demands(asked: WhatIf) -> list[str]:
    scenario = asked.scenario
    return [d.id for group in (scenario.packets, scenario.circuits, scenario.transfers) for d in group]  # type: ignore[attr-defined]


def ends(asked: WhatIf, random: Random) -> dict[str, str]:
    return dict(zip("ab", random.sample([site.id for site in asked.scenario.sites], 2), strict=True))


def _add_packet(asked: WhatIf, random: Random) -> Answer:
    protection = random.choice(["none", "survivable", "disjoint"])
    rate = {"mean_gbps": random.choice([5, 80, 400]), "service": "flat", "protection": protection}
    return asked.add_demand(ends(asked, random) | rate)


def _add_circuit(asked: WhatIf, random: Random) -> Answer:
    waves = {
        "waves": random.choice([1, 3]),
        "wave_gbps": 400,
        "protection": random.choice(["none", "disjoint"]),
    }
    return asked.add_demand(ends(asked, random) | waves, "circuit")


def _add_transfer(asked: WhatIf, random: Random) -> Answer:
    pair = ends(asked, random)
    bulk = {"id": "new", "source": pair["a"], "targets": [pair["b"]], "volume_gb": 5e4}
    return asked.add_demand(bulk | {"window": ["22:00", "06:00"]}, "transfer")


QUESTIONS: dict[str, Question] = {
    "fail": lambda s, r: s.fail_fiber(r.choice(s.scenario.fibers).id),
    "packet": _add_packet,
    "circuit": _add_circuit,
    "transfer": _add_transfer,
    "remove": lambda s, r: s.remove_demand(r.choice(demands(s))),
    "scale": lambda s, r: s.scale_demands(r.choice(demands(s)), r.choice([0.5, 1.3, 3.0])),
    "scale all": lambda s, r: s.scale_demands(demands(s), r.choice([0.6, 1.3])),
    "confidence": lambda s, r: s.set_confidence(r.choice([0.5, 0.9, 1.0])),
    "price": lambda s, r: s.scale_price(r.choice(s.scenario.fibers).id, 1.5),
}


def check(asked: WhatIf, answer: Answer) -> None:
    """What holds for every answer: the referee's verdict, and that nothing but places may be missing."""
    again = verify(answer.scenario, answer.plan.to_dict())
    assert again == answer.verdict
    assert answer.plan.scenario_digest == answer.scenario.digest
    np.testing.assert_array_equal(replace(answer.scenario).samples, answer.scenario.samples)
    assert {violation.rule for violation in answer.violations} <= {"R5"}
    assert answer.changes == plan_changes(asked.plan, answer.plan)
    instance = build_instance(answer.scenario)
    design, faults = from_plan(instance, answer.plan)
    evaluation = Evaluator(instance, design, faults).evaluate()
    assert evaluation.feasible == answer.feasible
    assert evaluation.cost.total == pytest.approx(answer.cost, rel=1e-9)


@pytest.mark.parametrize("kind", QUESTIONS)
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 6])
def test_answers_keep_every_rule(seed: int, kind: str) -> None:
    asked, random = of_random(seed), Random(f"{seed} {kind}")
    before = asked.plan.to_json()
    for _ in range(3):
        try:
            answer = QUESTIONS[kind](asked, random)
        except InputError:  # a demand that no network could carry
            continue
        check(asked, answer)
        assert answer.cost_before == asked.cost
        if kind == "price":
            assert answer.feasible
            assert not answer.changes
        if kind == "remove":
            assert answer.feasible
            assert answer.cost <= asked.cost + 1e-9
    assert asked.plan.to_json() == before


def test_the_same_question_has_the_same_answer() -> None:
    asked = of_random(3)
    fiber = asked.scenario.fibers[0].id
    one = asked.fail_fiber(fiber)
    asked.set_confidence(1.0)
    assert asked.fail_fiber(fiber).plan == one.plan


def test_what_a_change_does_not_touch_stays() -> None:
    asked = of_random(2)
    answer = asked.add_demand({"id": "new", "a": "s1", "b": "s4", "mean_gbps": 20, "service": "flat"})
    assert answer.feasible
    assert answer.changes.lsps.added == ("new#0",)
    assert not answer.changes.lsps.changed
    assert not answer.changes.lightpaths.removed
    assert all(after >= before for before, after in answer.changes.pairs.values())
    kept = asked.plan.lightpaths.items() & answer.plan.lightpaths.items()
    assert len(kept) == len(asked.plan.lightpaths)


def test_adding_and_removing_leads_back() -> None:
    asked = of_random(2)
    added = asked.add_demand({"id": "new", "a": "s1", "b": "s4", "mean_gbps": 90, "service": "flat"})
    back = asked.after(added).remove_demand("new")
    check(asked.after(added), back)
    assert back.feasible
    assert back.scenario.packets == asked.scenario.packets
    assert back.cost <= added.cost
    assert not plan_changes(asked.plan, back.plan).lsps


RING: dict[str, Any] = {
    "version": 1,
    "name": "ring",
    "catalogue": {
        "modes": {"400G": {"rate_gbps": 400, "reach_km": 3000, "slots": 8, "price": 11}},
        "ports": [{"rate_gbps": 400, "price": 5}],
        "pair_terminal": 3,
    },
    "sites": [{"id": name, "lat": lat, "lon": lon} for name, lat, lon in
              (("A", 50, 0), ("B", 51, 2), ("C", 50, 4), ("D", 49, 2), ("E", 52, 2))],
    "fiber_defaults": {"max_pairs": 2, "lease_per_pair_km": 0.01},
    "fibers": [{"a": a, "b": b, "length_km": 200} for a, b in ("AB", "BC", "CD", "AD", "BD")]
    + [{"a": "B", "b": "E", "length_km": 100}],
    "wave_offers": [{"id": "wave", "a": "A", "b": "C", "length_km": 500, "max_units": 4,
                     "units": [{"rate_gbps": 400, "price": 1}]}],
    "policy": {"split_gbps": 100},
    "demands": {
        "circuits": [{"id": "train", "a": "A", "b": "C", "waves": 2, "wave_gbps": 400,
                      "protection": "disjoint"}],
        "packets": [
            {"id": "ac", "a": "A", "b": "C", "mean_gbps": 90, "protection": "survivable"},
            {"id": "bd", "a": "B", "b": "D", "mean_gbps": 60, "protection": "survivable"},
            {"id": "be", "a": "B", "b": "E", "mean_gbps": 40},
        ],
        "transfers": [{"id": "push", "source": "A", "targets": ["D"], "volume_gb": 9000,
                       "window": ["22:00", "06:00"]}],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> WhatIf:
    asked = session(load(tmp_path_factory.mktemp("ring"), RING))
    assert asked.verdict.feasible
    return asked


def test_the_only_fiber_of_a_site_fails(ring: WhatIf) -> None:
    answer = ring.fail_fiber("B--E")
    check(ring, answer)
    assert [(v.rule, v.where) for v in answer.violations] == [("R5", "lsps.be#0")]
    assert [entry["demand"] for entry in answer.blocked] == ["be#0"]
    assert answer.blocked[0]["rule"] == "R1"
    assert answer.changes.lsps.removed == ("be#0",)
    assert "B--E" not in answer.plan.fibers


@pytest.mark.parametrize("fiber", ["A--B", "B--C", "C--D", "A--D", "B--D"])
def test_a_fiber_with_circuits_and_protected_traffic_fails(ring: WhatIf, fiber: str) -> None:
    answer = ring.fail_fiber(fiber)
    check(ring, answer)
    used = {name for path in answer.plan.lightpaths.values() for name in path.route}
    assert fiber not in used
    # the ring, the chord and the wave leave every pair of sites but B and E two ways
    assert answer.feasible, answer.violations


def test_two_fibers_fail_one_after_the_other(ring: WhatIf) -> None:
    first = ring.fail_fiber("A--B")
    second = ring.after(first).fail_fiber("C--D")
    check(ring.after(first), second)
    assert {fiber.id for fiber in second.scenario.fibers if fiber.max_pairs == 0} == {"A--B", "C--D"}
    assert second.cost_before == first.cost


def test_the_search_goes_on_from_an_answer(ring: WhatIf) -> None:
    answer = ring.scale_demands("ac", 8.0)
    result = plan(answer.scenario, start=answer.plan, seed=0, generations=1, bound=False)
    assert result.status == "feasible"
    assert result.cost is not None and result.cost <= answer.cost + 1e-9


def test_demands_grow_out_of_their_channels(ring: WhatIf) -> None:
    answer = ring.scale_demands("ac", 8.0)
    check(ring, answer)
    assert answer.feasible
    more = tuple(f"ac#{i}" for i in range(1, 8))
    assert answer.changes.lsps.added == more
    assert answer.cost > ring.cost
    smaller = ring.after(answer).scale_demands("ac", 0.125)
    check(ring.after(answer), smaller)
    assert smaller.changes.lsps.removed == more
    assert smaller.cost < answer.cost


def test_what_is_idle_stays_where_nothing_changes(ring: WhatIf) -> None:
    grown = ring.scale_demands("ac", 8.0)
    asked_for = ring.plan.lsps.keys()
    lsps = {name: route for name, route in grown.plan.lsps.items() if name in asked_for}
    roomy = WhatIf(ring.scenario, replace(grown.plan, scenario_digest=ring.scenario.digest, lsps=lsps))
    assert roomy.verdict.feasible
    assert roomy.cost > ring.cost
    assert not roomy.scale_price("A--B", 1.5).changes
    elsewhere = roomy.scale_demands("be", 1.1)
    check(roomy, elsewhere)
    assert not elsewhere.changes
    thrifty = roomy.set_confidence(0.85)
    check(roomy, thrifty)
    assert thrifty.cost < roomy.cost


def test_circuits_get_and_give_back_waves(ring: WhatIf) -> None:
    more = ring.scale_demands("train", 1.5)
    check(ring, more)
    assert more.feasible
    assert more.scenario.circuits[0].waves == 3
    fewer = ring.scale_demands("train", 0.5)
    check(ring, fewer)
    assert fewer.feasible
    assert fewer.cost < ring.cost < more.cost
    gone = ring.remove_demand("train")
    check(ring, gone)
    assert gone.changes.circuits.removed == ("train",)
    assert gone.cost < fewer.cost


def test_transfers_keep_their_hours(ring: WhatIf) -> None:
    answer = ring.scale_demands("push", 2.0)
    check(ring, answer)
    assert answer.feasible
    before, after = (made.lsps["push/D"].rates_gbps for made in (ring.plan, answer.plan))
    assert before is not None and after is not None
    np.testing.assert_allclose(after, 2.0 * np.array(before))


def test_more_than_the_fibers_hold_is_said_to_be(ring: WhatIf) -> None:
    answer = ring.add_demand({"id": "huge", "a": "B", "b": "E", "mean_gbps": 50_000})
    check(ring, answer)
    assert not answer.feasible
    assert {v.rule for v in answer.violations} == {"R5"}
    assert all(v.where.startswith("lsps.huge#") for v in answer.violations)
    full = [entry for entry in answer.blocked if entry["rule"] == "R4"]
    assert full and "B--E" in full[0]["reason"]


def test_a_circuit_that_finds_no_slots_says_which_fibers_are_full(ring: WhatIf) -> None:
    answer = ring.add_demand({"id": "wide", "a": "B", "b": "E", "waves": 500, "wave_gbps": 400}, "circuit")
    check(ring, answer)
    assert [(v.rule, v.where) for v in answer.violations] == [("R5", "circuits.wide")]
    assert answer.blocked[0]["rule"] == "R4"
    assert "B--E" in answer.blocked[0]["reason"]
    assert not answer.changes


def test_wave_offers_are_used_and_run_out(ring: WhatIf) -> None:
    legs = [leg for link in ring.plan.links.values() for leg in link.legs]
    legs += [leg for c in ring.plan.circuits.values() for leg in (c.working, c.protection) if leg is not None]
    assert any(isinstance(leg, WaveLeg) for leg in legs)
    answer = ring.add_demand({"id": "new", "a": "A", "b": "C", "waves": 4, "wave_gbps": 400}, "circuit")
    check(ring, answer)
    assert answer.feasible
    assert answer.changes.circuits.added == ("new",)


def test_questions_that_make_no_sense(ring: WhatIf) -> None:
    with pytest.raises(UsageError, match="did you mean 'A--B'"):
        ring.fail_fiber("a--b")
    with pytest.raises(InputError, match="duplicate demand id"):
        ring.add_demand({"id": "ac", "a": "A", "b": "C", "mean_gbps": 1})
    with pytest.raises(UsageError, match="confidence"):
        ring.set_confidence(2.0)
    with pytest.raises(PlanFileError, match="another scenario"):
        WhatIf(ring.scenario, replace(ring.plan, scenario_digest="other"))
    with pytest.raises(PlanFileError, match="unknown lightpath"):
        WhatIf(ring.scenario, replace(ring.plan, lightpaths={}))
    assert gc.isenabled()


def test_a_session_reads_a_plan_file(ring: WhatIf, tmp_path: Path) -> None:
    ring.plan.save(tmp_path / "plan.json")
    assert WhatIf(ring.scenario, tmp_path / "plan.json").plan == Plan.load(tmp_path / "plan.json")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["us_ai_backbone", "metro_edge_inference", "wave_leasing"])
def test_large_networks(name: str) -> None:
    asked, random = of_config(name), Random(name)
    assert asked.verdict.feasible
    for kind, question in QUESTIONS.items():
        if kind not in ("packet", "circuit", "transfer"):
            check(asked, question(asked, random))
    service = random.choice(asked.scenario.packets).service
    check(asked, asked.scale_demands(service, 1.2))
    routers = [site.id for site in asked.scenario.sites if site.router]
    for rate in (5, 80, 300):
        pair = dict(zip("ab", random.sample(routers, 2), strict=True))
        check(asked, asked.add_demand(pair | {"mean_gbps": rate, "protection": "survivable"}))
