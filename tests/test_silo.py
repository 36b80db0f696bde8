from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netopt_heur import load_scenario, plan
from netopt_heur.design import to_plan
from netopt_heur.instance import build_instance
from netopt_heur.plan import FiberLeg, Leg, Plan, WaveLeg
from netopt_heur.result import Result
from netopt_heur.scenario.scenario import Failures, Price, Promise, Scenario
from netopt_heur.silo import Stage, compare, compare_silo, stages, table
from netopt_heur.silo.baseline import Features, silo_plan
from netopt_heur.silo.compare import FEATURES, SILO
from netopt_heur.silo.grooming import traffic_of
from netopt_heur.verify import verify
from tests.random_scenarios import random_scenario

CONFIGS = Path(__file__).parents[1] / "configs"
SEEDS = (0, 1, 2, 3, 5, 8)
TINY = ("tiny_triangle", "tiny_training", "tiny_lease_or_light")


@cache
def silos(seed: int) -> tuple[Scenario, tuple[Plan, ...]]:
    """The three silo plans of a random scenario."""
    scenario = random_scenario(seed)
    instance = build_instance(scenario)
    plans = [
        to_plan(silo_plan(instance, features, stop=lambda: False, rounds=2).design)
        for features in (Features(), Features(True), Features(True, True))
    ]
    return scenario, tuple(plans)


def capacity_gbps(scenario: Scenario, plan: Plan, leg: Leg) -> float:
    if isinstance(leg, WaveLeg):
        return sum(leg.units)
    rate = {mode.id: mode.rate_gbps for mode in scenario.catalogue.modes}
    return sum(rate[plan.lightpaths[name].mode] for name in leg.lightpaths)


def peaks_by_link(scenario: Scenario, plan: Plan) -> dict[str, np.ndarray[Any, Any]]:
    """Sum over all LSPs on a link, whether primary or backup, of their peaks per direction of the link."""
    instance = build_instance(scenario)
    found: dict[str, np.ndarray[Any, Any]] = defaultdict(lambda: np.zeros(2))
    for index, lsp in enumerate(instance.lsps):
        route = plan.lsps.get(lsp.id)
        if route is None:
            continue
        peak = instance.samples[index].max(axis=1)
        if route.rates_gbps is not None:
            peak = np.array([max(route.rates_gbps), 0.0])
        for path in (route.primary, route.backup or ()):
            here = instance.site_ids[lsp.a]
            for name in path:
                link = plan.links[name]
                back = link.a != here
                here = link.a if back else link.b
                found[name] += peak[::-1] if back else peak
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_baseline_has_room_for_every_peak_and_every_backup(seed: int) -> None:
    scenario, (baseline, _, _) = silos(seed)
    for name, peak in peaks_by_link(scenario, baseline).items():
        allowed = scenario.policy.max_utilisation * capacity_gbps(
            scenario, baseline, baseline.links[name].legs[0]
        )
        assert peak.max() <= allowed * (1 + 1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_silos_never_break_what_they_size_or_route_by(seed: int) -> None:
    # an impossible scenario leaves promises broken, but never what the teams have in their own hands
    scenario, plans = silos(seed)
    for made in plans:
        broken = {violation.rule for violation in verify(scenario, made.to_dict()).violations}
        assert broken.isdisjoint({"R1", "R2", "R3", "R4", "R9", "R11"})


@pytest.mark.parametrize("seed", SEEDS)
def test_silos_are_feasible_wherever_the_joint_planner_is(seed: int) -> None:
    scenario, plans = silos(seed)
    if plan(scenario, generations=0, bound=False).status != "feasible":
        pytest.skip("no feasible plan is known")
    for made in plans:
        assert verify(scenario, made.to_dict()).violations == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_one_plus_one_under_every_link_that_nothing_forbids(seed: int) -> None:
    # no disjoint LSPs, no latency bounds, regenerators everywhere: both ways round the ring serve every link
    scenario = random_scenario(seed)
    promise = Promise(protection="survivable")
    scenario = replace(
        scenario,
        sites=tuple(replace(site, regen=True) for site in scenario.sites),
        fibers=tuple(replace(fiber, max_pairs=8) for fiber in scenario.fibers),
        packets=tuple(replace(packet, promise=promise) for packet in scenario.packets),
        circuits=(),
        policy=replace(scenario.policy, failures=Failures(srlgs=True)),
    )
    made = silo_plan(build_instance(scenario), Features(), stop=lambda: False, rounds=1)
    found = to_plan(made.design)
    assert verify(scenario, found.to_dict()).violations == ()
    on_fibers = [link for link in found.links.values() if isinstance(link.legs[0], FiberLeg)]
    assert on_fibers
    assert all(len(link.legs) == 2 for link in on_fibers)
    assert made.protected_links == len(on_fibers)
    # and every LSP that must survive has a backup in the IP layer on top
    names = {packet.id for packet in scenario.packets}
    assert all(r.backup for name, r in found.lsps.items() if name.rpartition("#")[0] in names)


def test_triangle_by_hand() -> None:
    found = compare_silo(load_scenario(str(CONFIGS / "tiny_triangle.yaml")), generations=2)
    fiber = 5 * 0.02 * (370 + 260 + 270) + 3 * 2 * 5 + 0.6 * (4 + 3 + 3)
    ports = 3 * 2 * 12.25
    # the silo: a link on every side, each 1+1 the other way round; the joint plan: backups by IP only
    assert found["silo"]["cost_breakdown"] == pytest.approx(
        {"fiber": fiber, "optical": 3 * 4 * 5.0, "ip": ports}
    )
    assert found["joint"]["cost"] == pytest.approx(fiber + 3 * 2 * 5.0 + ports)
    assert found["saving_percent"] == pytest.approx(30 / (fiber + 60 + ports) * 100)
    assert found["contributions_percent"]["joint routing"] == pytest.approx(found["saving_percent"])


@pytest.mark.parametrize("name", TINY)
def test_all_five_plans_pass_the_referee_and_add_up(name: str) -> None:
    scenario = load_scenario(str(CONFIGS / f"{name}.yaml"))
    check(scenario, list(stages(scenario, generations=1)), compare_silo(scenario, generations=1))


@pytest.mark.parametrize("seed", [2, 5])
def test_random_scenarios_add_up(seed: int) -> None:
    scenario = random_scenario(seed, n_packets=5)
    check(scenario, list(stages(scenario, generations=1)), compare_silo(scenario, generations=1))


def check(scenario: Scenario, found: list[Stage], result: dict[str, Any]) -> None:
    assert [stage.name for stage in found] == [SILO, *FEATURES]
    for stage, told in zip(found, result["stages"], strict=True):
        verdict = verify(scenario, stage.plan.to_dict())
        assert (told["cost"], told["feasible"]) == (verdict.cost, verdict.feasible)
        assert sum(told["cost_breakdown"].values()) == pytest.approx(told["cost"])
    silo, joint = result["silo"], result["joint"]
    assert (silo["cost"], joint["cost"]) == (result["stages"][0]["cost"], result["stages"][-1]["cost"])
    if not all(stage.verdict.feasible for stage in found):
        assert result["saving_percent"] is None
        assert "unknown" in table(result)
        return
    assert result["saving_percent"] == pytest.approx((silo["cost"] - joint["cost"]) / silo["cost"] * 100)
    assert math.fsum(result["contributions_percent"].values()) == pytest.approx(result["saving_percent"])
    for feature in ("statistical multiplexing", "shared backup", "optical bypass"):
        assert result["contributions_percent"][feature] >= 0
    assert f"{result['saving_percent']:.1f}%" in table(result)
    json.dumps(result, allow_nan=False)


def test_same_seed_same_plans() -> None:
    scenario = random_scenario(3, n_packets=5)
    first, second = (
        [stage.plan.to_json() for stage in stages(scenario, seed=4, generations=1)] for _ in range(2)
    )
    assert first == second


def test_of_nothing_nothing_is_saved() -> None:
    free = Price(0.0)
    scenario = random_scenario(1, n_sites=4, n_packets=2)
    catalogue = scenario.catalogue
    gratis = replace(
        catalogue,
        modes=tuple(replace(mode, price=free, regenerator=free) for mode in catalogue.modes),
        ports=tuple(replace(port, price=free) for port in catalogue.ports),
        chassis=(),
        pair_terminal=free,
        inline_amplifier=free,
    )
    fibers = tuple(
        replace(f, candidate=False, lease_per_pair_km=free, build_cost=free) for f in scenario.fibers
    )
    sites = tuple(replace(site, regen_open_cost=free) for site in scenario.sites)
    problem = replace(
        scenario, catalogue=gratis, fibers=fibers, sites=sites, wave_offers=(), circuits=(), transfers=()
    )
    result = compare_silo(problem, generations=0)
    assert all(stage["feasible"] for stage in result["stages"])
    assert (result["silo"]["cost"], result["saving_percent"]) == (0.0, None)
    assert "unknown: the silo costs nothing" in table(result)


def test_an_interrupted_part_ends_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(scenario: Scenario, **options: Any) -> Result:
        return replace(plan(scenario, **options), stopped_by="interrupted")

    monkeypatch.setattr(compare, "joint_plan", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare_silo(random_scenario(1, n_sites=4, n_packets=3), generations=0)


def test_sizing_from_peaks_to_shared_percentiles() -> None:
    instance = build_instance(random_scenario(6))
    peaks = traffic_of(instance, {}, percentile=False, shared=False)
    assert (peaks.samples[:, :, 0] == instance.samples.max(axis=2)).all()
    own = traffic_of(instance, {}, percentile=True, shared=False)
    assert (own.rank_normal >= instance.rank_normal).all()
    assert (own.rank_normal >= instance.rank_failure).all()
    assert (own.sizes <= peaks.sizes).all()
