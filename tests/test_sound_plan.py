"""Plans that something is built on: unfinished ones are, those that are no network are refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from netopt_heur import Scenario, WhatIf, plan, verify
from netopt_heur.errors import PlanFileError
from netopt_heur.exact import export_model, solve_exact
from netopt_heur.plan import Plan
from netopt_heur.robustness import robustness
from netopt_heur.sound_plan import check_origin, check_sound
from tests.exact.tiny_scenarios import tiny_scenario
from tests.random_scenarios import random_scenario

Document = dict[str, Any]


@cache
def planned() -> tuple[Scenario, Document]:
    scenario = random_scenario(1, n_sites=5, n_packets=5)
    made = plan(scenario, seed=1, generations=1, bound=False)
    assert made.status == "feasible" and made.plan is not None
    return scenario, made.plan.to_dict()


def unlit(document: Document) -> None:
    """The first link on fibers loses its lightpaths, as if none had found slots."""
    for link in document["links"].values():
        if "lightpaths" in link["legs"][0]:
            for leg in link["legs"]:
                for name in leg["lightpaths"]:
                    del document["lightpaths"][name]
                leg["lightpaths"] = []
            return


def other_mode(document: Document) -> None:
    next(iter(document["lightpaths"].values()))["mode"] = "nowhere"


def other_pair(document: Document) -> None:
    next(iter(document["lightpaths"].values()))["segments"][0]["pairs"][0] += 77


def no_pairs(document: Document) -> None:
    next(iter(document["lightpaths"].values()))["segments"][0]["pairs"] = []


def strange_link(document: Document) -> None:
    lsp = next(iter(document["lsps"].values()))
    lsp["primary"] = [*lsp["primary"], *lsp["primary"]]


def far_regenerator(document: Document) -> None:
    path = next(iter(document["lightpaths"].values()))
    path["regens"] = [path["a"]]


NO_NETWORK = (other_mode, other_pair, no_pairs, strange_link, far_regenerator)


def changed(change: Callable[[Document], None]) -> tuple[Scenario, Plan]:
    scenario, document = planned()
    document = copy.deepcopy(document)
    change(document)
    return scenario, Plan.from_dict(document)


def test_an_unfinished_plan_is_finished() -> None:
    scenario, start = changed(unlit)
    verdict = check_sound(scenario, start)
    assert {"R1", "R9"} <= {violation.rule for violation in verdict.violations}
    as_it_is = plan(scenario, seed=1, generations=0, bound=False, start=start)
    assert as_it_is.violations
    result = plan(scenario, seed=1, generations=3, bound=False, start=start)
    assert result.status == "feasible"  # though dearer than what lacked lightpaths
    assert result.cost > as_it_is.cost


def test_the_planners_own_unfinished_plans_are_sound() -> None:
    unfinished = 0
    for seed in range(40):
        scenario = tiny_scenario(seed)
        made = plan(scenario, seed=seed, generations=0, bound=False)
        assert made.plan is not None
        unfinished += made.status != "feasible"
        check_sound(scenario, made.plan)
    assert unfinished > 5


@pytest.mark.parametrize("change", NO_NETWORK)
def test_what_is_no_network_is_refused(change: Callable[[Document], None], tmp_path: Path) -> None:
    scenario, start = changed(change)
    first = next(v for v in verify(scenario, start.to_dict()).violations)
    asked: list[Callable[[], object]] = [
        lambda: plan(scenario, generations=1, bound=False, start=start),
        lambda: WhatIf(scenario, start),
        lambda: robustness(scenario, start, days=4),
        lambda: export_model(scenario, start, tmp_path),
    ]
    for ask in asked:
        with pytest.raises(PlanFileError) as caught:
            ask()
        assert first.where in str(caught.value)
        assert f"breaks {first.rule}, so nothing can be built on it" in str(caught.value)


@pytest.mark.parametrize("change", NO_NETWORK[:2])
def test_a_refusal_names_the_file(change: Callable[[Document], None], tmp_path: Path) -> None:
    scenario, start = changed(change)
    start.save(tmp_path / "start.json")
    loaded = Plan.load(tmp_path / "start.json")
    assert loaded == start
    for refuse in (check_sound, check_origin):
        with pytest.raises(PlanFileError) as caught:
            refuse(replace(scenario, digest="another") if refuse is check_origin else scenario, loaded)
        assert str(caught.value).startswith(f"{tmp_path / 'start.json'}: ")


def test_a_start_that_breaks_a_rule_is_no_start_of_the_exact_model(tmp_path: Path) -> None:
    seed = next(s for s in range(100) if tiny_scenario(s).transfers and solve_exact(tiny_scenario(s)).plan)
    scenario = tiny_scenario(seed)
    known = solve_exact(scenario)
    assert known.plan is not None
    document = known.plan.to_dict()
    next(lsp for lsp in document["lsps"].values() if "rates_gbps" in lsp).pop("rates_gbps")  # R11
    start = Plan.from_dict(document)
    assert solve_exact(scenario, warm_start=start).cost == pytest.approx(known.cost, rel=1e-9)
    assert export_model(scenario, start, tmp_path)["start"] is False


def test_robustness_of_a_plan_without_any_channel() -> None:
    scenario, document = planned()
    document = copy.deepcopy(document)
    document["lightpaths"] = {}
    for link in document["links"].values():
        for leg in link["legs"]:
            leg[("units" if "units" in leg else "lightpaths")] = []
    for circuit in document["circuits"].values():
        for leg in filter(None, circuit.values()):
            leg[("units" if "units" in leg else "lightpaths")] = []
    result = robustness(scenario, Plan.from_dict(document), days=4)
    assert max(link.normal_day.probability for link in result.links) == 1.0
