from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netopt_heur import plan as make_plan
from netopt_heur.clipping import fresh_days
from netopt_heur.errors import PlanFileError
from netopt_heur.plan import Plan
from netopt_heur.robustness import Cell, Robustness, cluster_interval, robustness, table
from netopt_heur.scenario.scenario import Circuit, Packet, Policy, Promise, Scenario, Service, Surge, Traffic
from tests.random_scenarios import random_scenario
from tests.verify import builders as build

FLAT = (1.0,) * 24
PER_HOUR = 10


def noisy_pair(mean_gbps: float, service: Service, **policy: Any) -> tuple[Scenario, Plan]:
    """One demand on one 100G link between two sites."""
    scenario = build.scenario(
        sites=(build.site("A"), build.site("B")), fibers=(build.fiber("AB", "A", "B", 100.0),)
    )
    packet = Packet("p", "A", "B", mean_gbps, mean_gbps / 2, "s", Promise())
    traffic = Traffic(hours=24, samples_per_hour=PER_HOUR, seed=5, services={"s": service})
    scenario = replace(
        scenario, packets=(packet,), traffic=traffic, policy=Policy(**({"split_gbps": 1e6} | policy))
    )
    document = build.plan(
        {"AB": 1},
        {"lp": build.lightpath("A", "B", "AB", "m100")},
        {"L": build.link("A", "B", build.leg("AB", "lp"))},
        {"p#0": build.lsp("L")},
    )
    return scenario, Plan.from_dict(document)


# ---- intervals -----------------------------------------------------------------------------------


def test_interval_is_wilsons_where_days_are_many_and_independent() -> None:
    days, size, p = 40_000, 1, 0.3
    low, high = cluster_interval(p * days, p * days, days, size)[1:]
    z = NormalDist().inv_cdf(0.975)
    centre = (p + z**2 / (2 * days)) / (1 + z**2 / days)
    half = z / (1 + z**2 / days) * math.sqrt(p * (1 - p) / days + z**2 / (4 * days**2))
    assert (low, high) == pytest.approx((centre - half, centre + half), rel=1e-3)


@pytest.mark.parametrize("p", [0.02, 0.1, 0.4])
def test_interval_covers_the_truth_although_days_are_clusters(p: float) -> None:
    # beta-binomial days: strongly dependent samples, on which a plain binomial interval fails
    rng, days, size, runs = np.random.default_rng(3), 25, 10, 1500
    share = rng.beta(p, 1 - p, (runs, days))
    counts = rng.binomial(size, share)
    covered, plain = 0, 0
    for row in counts.astype(float):
        _, low, high = cluster_interval(float(row.sum()), float((row**2).sum()), days, size)
        covered += low <= p <= high
        hat = row.sum() / (days * size)
        plain += abs(hat - p) <= 1.96 * math.sqrt(hat * (1 - hat) / (days * size))
    assert covered / runs > 0.90
    assert plain / runs < 0.80


def test_interval_of_all_or_nothing_counts_days_only() -> None:
    assert cluster_interval(0.0, 0.0, 20, 10)[:2] == (0.0, 0.0)
    _, _, high = cluster_interval(0.0, 0.0, 20, 10)
    t = 2.093  # Student's 97.5 % quantile with 19 degrees of freedom, from tables
    assert high == pytest.approx(t**2 / (20 + t**2), rel=1e-3)
    assert cluster_interval(200.0, 2000.0, 20, 10)[2] == 1.0


# ---- theory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean_gbps", [80.0, 90.0])
@pytest.mark.parametrize("max_utilisation", [1.0, 0.9])
def test_lognormal_noise_clips_as_often_as_its_law_says(mean_gbps: float, max_utilisation: float) -> None:
    cv = 0.1
    scenario, plan = noisy_pair(mean_gbps, Service("s", FLAT, noise_cv=cv), max_utilisation=max_utilisation)
    result = robustness(scenario, plan, seed=11, days=60)
    sigma = math.sqrt(math.log1p(cv**2))
    truth = 1 - NormalDist(-(sigma**2) / 2, sigma).cdf(math.log(100 * max_utilisation / mean_gbps))
    link, demand = result.links[0], result.demands[0]
    assert link.normal_day.low <= truth <= link.normal_day.high
    assert link.normal_day.high - link.normal_day.low < 0.05
    # no worst hour in flat traffic: the picked hour must not look worse than it is
    assert link.normal_hour.low <= truth <= link.normal_hour.high
    assert link.normal_hour.direction == "ab"
    assert replace(demand, id="L") == link


def test_surges_widen_the_interval() -> None:
    # clipped whenever a surge lasts: at least one arrival of the Poisson process in the last three hours
    surge = Surge(per_day=1.5, factor=2.0, duration_h=3.0)
    scenario, plan = noisy_pair(60.0, Service("s", FLAT, surge=surge))
    cell = robustness(scenario, plan, seed=2, days=100).links[0].normal_day
    truth = 1 - math.exp(-1.5 / 24 * 3.0)
    assert cell.low <= truth <= cell.high
    naive = 2 * 1.96 * math.sqrt(truth * (1 - truth) / (50 * 24 * PER_HOUR))
    assert cell.high - cell.low > 3 * naive


def test_a_plan_that_breaks_its_promise_is_flagged() -> None:
    scenario, plan = noisy_pair(99.0, Service("s", FLAT, noise_cv=0.1), confidence=0.9)
    result = robustness(scenario, plan, days=20)
    assert [item.id for item in result.flagged(result.links)] == ["L"]
    assert "0 of 1" not in table(result)
    kept = replace(scenario, policy=replace(scenario.policy, confidence=0.3, failure_confidence=0.3))
    relaxed = robustness(kept, plan, days=20)
    assert relaxed.flagged(relaxed.links) == []


def test_failure_states_put_backups_on_links() -> None:
    sites = (build.site("A"), build.site("B"), build.site("C"))
    fibers = tuple(build.fiber(x + y, x, y, 100.0) for x, y in ("AB", "BC", "CA"))
    scenario = build.scenario(sites=sites, fibers=fibers)
    service = Service("s", FLAT)
    packets = (
        Packet("p", "A", "B", 60.0, 10.0, "s", Promise(protection="survivable")),
        Packet("q", "C", "B", 60.0, 10.0, "s", Promise()),
    )
    scenario = replace(scenario, packets=packets, traffic=Traffic(24, 1, 1, {"s": service}))
    lightpaths = {f"lp{x}{y}": build.lightpath(x, y, x + y, "m100") for x, y in ("AB", "BC", "CA")}
    links = {f"L{x}{y}": build.link(x, y, build.leg(x + y, f"lp{x}{y}")) for x, y in ("AB", "BC", "CA")}
    lsps = {"p#0": build.lsp("LAB", "LCA LBC"), "q#0": build.lsp("LBC")}
    plan = Plan.from_dict(build.plan({"AB": 1, "BC": 1, "CA": 1}, lightpaths, links, lsps))
    result = robustness(scenario, plan, days=20)
    by_id = {item.id: item for item in (*result.links, *result.demands)}
    assert all(item.normal_day.probability == 0.0 for item in by_id.values())
    # 120 Gb/s from C to B, against the link's own direction, while AB is cut
    clipped = by_id["LBC"].failure_day
    assert clipped is not None
    assert (clipped.state, clipped.direction, clipped.probability) == ("AB", "ba", 1.0)
    for demand in ("p", "q"):
        cell = by_id[demand].failure_day
        assert cell is not None
        assert (cell.state, cell.direction, cell.probability) == ("AB", "ab", 1.0)
    assert {item.id for item in result.flagged(result.links)} == {"LBC"}
    assert {item.id for item in result.flagged(result.demands)} == {"p", "q"}


# ---- against an obvious twin ---------------------------------------------------------------------


class Twin:
    """Clipped samples by (state, direction), one loop after the other."""

    def __init__(self, scenario: Scenario, plan: Plan, samples: NDArray[np.float64]) -> None:
        self.scenario, self.plan = scenario, plan
        self.rows = {packet.id: samples[i] for i, packet in enumerate(scenario.packets)}
        self.share = {p.id: sum(x.rpartition("#")[0] == p.id for x in plan.lsps) for p in scenario.packets}
        self.hour = np.arange(scenario.traffic.n_samples) // scenario.traffic.samples_per_hour % 24

    def rate(self, lsp: str) -> NDArray[np.float64]:
        demand = lsp.rpartition("#")[0]
        if demand in self.rows:
            return self.rows[demand] / self.share[demand]
        hourly = self.plan.lsps[lsp].rates_gbps
        assert hourly is not None
        return np.array([np.array(hourly)[self.hour], np.zeros(len(self.hour))])

    def capacity(self, link: str) -> float:
        rate = {mode.id: mode.rate_gbps for mode in self.scenario.catalogue.modes}
        leg: Any = self.plan.links[link].legs[0]
        if hasattr(leg, "units"):
            return float(sum(leg.units))
        return float(sum(rate[self.plan.lightpaths[x].mode] for x in leg.lightpaths))

    def leg_down(self, leg: Any, a: str, failed: set[str]) -> bool:
        scenario = self.scenario
        if hasattr(leg, "units"):
            offer = next(o for o in scenario.wave_offers if o.id == leg.wave_offer)
            return bool(failed & {offer.id, *offer.srlgs, f"site {offer.a}", f"site {offer.b}"})
        fibers = {f.id: f for f in scenario.fibers}
        parts = {f"site {a}"}
        for name in leg.route:
            fiber = fibers[name]
            parts |= {name, *fiber.srlgs, f"site {fiber.a}", f"site {fiber.b}"}
        return bool(failed & parts)

    def path_in_use(self, lsp: str, failed: set[str]) -> tuple[str, ...]:
        route = self.plan.lsps[lsp]
        for path in (route.primary, route.backup):
            links = [self.plan.links[x] for x in path or ()]
            if path is not None and not any(
                all(self.leg_down(g, x.a, failed) for g in x.legs) for x in links
            ):
                return path
        return ()

    def ends(self, lsp: str) -> tuple[str, str]:
        demand = lsp.rpartition("#")[0]
        for packet in self.scenario.packets:
            if packet.id == demand:
                return packet.a, packet.b
        transfer, _, target = lsp.partition("/")
        found = next(t for t in self.scenario.transfers if t.id == transfer)
        return found.ends(target)

    def clipped(self, failed: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        loads = {link: np.zeros((2, len(self.hour))) for link in self.plan.links}
        hops: dict[str, list[tuple[str, int]]] = {}
        for lsp in self.plan.lsps:
            here, hops[lsp] = self.ends(lsp)[0], []
            for name in self.path_in_use(lsp, failed):
                link = self.plan.links[name]
                back = link.a != here
                here = link.a if back else link.b
                hops[lsp].append((name, int(back)))
                loads[name] += self.rate(lsp)[::-1] if back else self.rate(lsp)
        most = self.scenario.policy.max_utilisation
        links = {x: load > most * self.capacity(x) * (1 + 1e-9) for x, load in loads.items()}
        demands: dict[str, Any] = {}
        for lsp, path in hops.items():
            name = lsp.rpartition("#")[0] or lsp
            over = demands.setdefault(name, np.zeros((2, len(self.hour)), dtype=bool))
            for link_name, back in path:
                over |= (links[link_name][::-1] if back else links[link_name]) & (self.rate(lsp) > 0)
        return links, demands


def failed_parts(state: str) -> set[str]:
    return set() if state in ("none", "elsewhere") else {state}


@cache
def planned(seed: int) -> tuple[Scenario, Plan]:
    scenario = random_scenario(seed)
    found = make_plan(scenario, seed=seed, generations=0, bound=False).plan
    assert found is not None
    return scenario, found


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_every_cell_equals_the_obvious_count(seed: int) -> None:
    scenario, plan = planned(seed)
    # less room than planned for, so that there is something to count
    scenario = replace(scenario, policy=replace(scenario.policy, max_utilisation=0.5))
    days, result = 4, robustness(scenario, plan, seed=9, days=4)
    twins = [Twin(scenario, plan, samples) for samples in fresh_days(scenario, 9, days)]
    per_day: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for state in set(_states(result)):
        per_day[state] = [twin.clipped(failed_parts(state)) for twin in twins]
    checked = 0
    for kind, items in enumerate((result.links, result.demands)):
        for item in items:
            for cell in (item.normal_hour, item.normal_day, item.failure_hour, item.failure_day):
                if cell is None:
                    continue
                direction = ("ab", "ba").index(cell.direction)
                mask = np.ones(len(twins[0].hour), bool) if cell.hour is None else twins[0].hour == cell.hour
                judged = [per_day[cell.state][d][kind][item.id][direction][mask] for d in (1, 3)]
                assert cell.probability == pytest.approx(float(np.mean(judged)))
                checked += cell.probability > 0
    assert checked > 10


def _states(result: Robustness) -> list[str]:
    cells: list[Cell | None] = []
    for item in (*result.links, *result.demands):
        cells += [item.normal_hour, item.normal_day, item.failure_hour, item.failure_day]
    return [cell.state for cell in cells if cell is not None]


def test_the_picked_failure_is_the_worst_of_the_even_days() -> None:
    scenario, plan = planned(4)
    scenario = replace(scenario, policy=replace(scenario.policy, max_utilisation=0.5))
    result = robustness(scenario, plan, seed=9, days=4)
    days = list(fresh_days(scenario, 9, 4))
    twins = [Twin(scenario, plan, days[d]) for d in (0, 2)]
    shares: dict[str, dict[str, float]] = {}
    states = {f.id for f in scenario.fibers} | {o.id for o in scenario.wave_offers} | {"duct0"}
    states |= {f"site {s}" for s in scenario.policy.failures.sites}
    for state in sorted(states):
        found = [twin.clipped(failed_parts(state))[0] for twin in twins]
        for link in plan.links:
            share = np.mean([f[link].mean(axis=1) for f in found], axis=0).max()
            shares.setdefault(link, {})[state] = float(share)
    for item in result.links:
        assert item.failure_day is not None
        worst = max(shares[item.id].values())
        state = item.failure_day.state
        if state == "elsewhere":
            assert any(share == pytest.approx(worst) for share in shares[item.id].values())
        else:
            assert shares[item.id][state] == pytest.approx(worst)


# ---- measured series, errors, output -------------------------------------------------------------


def measured(hours: int, per_hour: int, series: NDArray[np.float64]) -> Scenario:
    scenario, _ = noisy_pair(50.0, Service("s", FLAT))
    packets = (replace(scenario.packets[0], series=series),)
    return replace(scenario, packets=packets, traffic=Traffic(hours, per_hour, 1, scenario.traffic.services))


def test_one_measured_day_is_resampled_within_its_hours() -> None:
    series = np.arange(2 * 24 * 4, dtype=np.float64).reshape(2, 96)
    scenario = measured(24, 4, series)
    for day in fresh_days(scenario, 3, 3):
        assert (day[0] // 4 == series // 4).all()
        assert (day[0, 1] - day[0, 0] == 96).all()  # both directions at the same moments
        assert (day[0] != series).any()


def test_several_measured_days_are_resampled_whole() -> None:
    series = np.arange(2 * 72, dtype=np.float64).reshape(2, 72)
    scenario = measured(72, 1, series)
    seen = set()
    for day in fresh_days(scenario, 3, 8):
        blocks = day[0, 0].reshape(3, 24)
        assert (np.diff(blocks, axis=1) == 1).all()
        assert set(blocks[:, 0]) <= {0.0, 24.0, 48.0}
        seen.update(blocks[:, 0])
    assert seen == {0.0, 24.0, 48.0}


def test_fresh_days_differ_from_each_other_and_from_the_plan() -> None:
    scenario, _ = noisy_pair(50.0, Service("s", FLAT, noise_cv=0.3))
    days = [scenario.samples, *fresh_days(scenario, 1, 3), *fresh_days(scenario, 2, 1)]
    assert len({day.tobytes() for day in days}) == 5


def test_same_seed_same_result_and_strict_json() -> None:
    scenario, plan = planned(1)
    first, second = (robustness(scenario, plan, seed=3, days=4) for _ in range(2))
    assert first == second
    document = json.loads(json.dumps(first.to_dict(), allow_nan=False))
    assert {item["id"] for item in document["links"]} == set(plan.links)
    assert len(document["demands"]) == len(scenario.packets) + 2
    assert f"of {len(plan.links)}" in table(first)


def test_a_plan_file_is_read(tmp_path: Any) -> None:
    scenario, plan = planned(1)
    plan.save(tmp_path / "plan.json")
    assert robustness(scenario, tmp_path / "plan.json", days=4) == robustness(scenario, plan, days=4)


def test_a_plan_of_another_scenario_is_refused() -> None:
    scenario, _ = noisy_pair(50.0, Service("s", FLAT))
    with pytest.raises(PlanFileError, match="does not have"):
        robustness(scenario, planned(1)[1], days=4)


def test_circuits_alone_are_never_clipped() -> None:
    problem = build.scenario(
        sites=(build.site("A"), build.site("B")),
        fibers=(build.fiber("f", "A", "B", 100.0),),
        circuits=(Circuit("c", "A", "B", 1, 100.0, Promise()),),
    )
    made = make_plan(problem, generations=0, bound=False).plan
    assert made is not None
    result = robustness(problem, made, days=4)
    assert (result.links, result.demands) == ((), ())
    assert "links above promise    0 of 0" in table(result)


def test_too_few_days_are_refused() -> None:
    scenario, plan = noisy_pair(50.0, Service("s", FLAT))
    with pytest.raises(ValueError, match="at least 4 days"):
        robustness(scenario, plan, days=3)
