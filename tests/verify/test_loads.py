"""R9's loads: percentiles by hand, and all failure states against a plain recount."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netopt_heur.scenario.scenario import Failures, Policy, Scenario, Traffic
from netopt_heur.verify import verify
from tests.verify.builders import (
    Plan,
    change_policy,
    fiber,
    good_plans,
    leg,
    lightpath,
    link,
    lsp,
    packet,
    plan,
    scenario,
    site,
)


def one_link(ab: list[float], ba: list[float], traffic: Traffic, **policy: Any) -> tuple[Scenario, Plan]:
    """A 100 Gb/s link from B to A that carries one demand from A to B."""
    problem = scenario(
        sites=(site("A"), site("B")),
        fibers=(fiber("AB", "A", "B", 10.0),),
        packets=(packet("d", "A", "B", ab, ba),),
        traffic=traffic,
        policy=Policy(split_gbps=1000.0, **policy),
    )
    lightpaths = {"x": lightpath("A", "B", "AB", "m100")}
    return problem, plan({"AB": 1}, lightpaths, {"L": link("B", "A", leg("AB", "x"))}, {"d#0": lsp("L")})


def excess(problem: Scenario, content: Plan) -> float:
    return sum(v.amount for v in verify(problem, content).violations)


TEN = [10.0 * i for i in (3, 1, 10, 7, 2, 9, 5, 4, 8, 6)]


@pytest.mark.parametrize(
    ("q", "percentile"),
    [(0.0, 10.0), (0.1, 10.0), (0.11, 20.0), (0.5, 50.0), (0.9, 90.0), (0.91, 100.0), (1.0, 100.0)],
)
def test_percentile_is_a_sample(q: float, percentile: float) -> None:
    case = one_link(TEN, [0.0] * 10, Traffic(1, 10), confidence=q, failure_confidence=q, max_utilisation=0.01)
    assert excess(*case) == pytest.approx(percentile - 1.0)
    assert verify(*case).max_utilisation == pytest.approx(percentile / 100.0)


def test_no_rounding_up_of_exact_ranks() -> None:
    # 0.95 x 20 is 19.000000000000004 in floating point with some factors; the 19th is meant.
    samples = [float(i) for i in range(1, 21)]
    case = one_link(samples, samples, Traffic(1, 20), confidence=0.95)
    assert verify(*case).max_utilisation == pytest.approx(0.19)


def test_worst_hour_or_whole_day() -> None:
    # Two hours of four samples: the quiet hour must not excuse the busy one.
    samples = [1.0, 2.0, 3.0, 4.0, 50.0, 60.0, 70.0, 80.0]
    by_hour = one_link(samples, [0.0] * 8, Traffic(2, 4), confidence=0.5, failure_confidence=0.5)
    assert verify(*by_hour).max_utilisation == pytest.approx(0.60)
    by_day = change_policy(by_hour[0], percentile_over="day")
    assert verify(by_day, by_hour[1]).max_utilisation == pytest.approx(0.04)


def test_hours_of_several_days_are_one_group() -> None:
    # 26 hours: hours 0 and 1 hold two samples, the others one.
    samples = [0.0] * 26
    samples[0], samples[24], samples[7] = 90.0, 10.0, 5.0
    case = one_link(samples, [0.0] * 26, Traffic(26, 1), confidence=0.5, failure_confidence=0.5)
    assert verify(*case).max_utilisation == pytest.approx(0.10)


def test_directions_are_apart() -> None:
    case = one_link([60.0] * 4, [90.0] * 4, Traffic(1, 4), max_utilisation=0.5)
    (violation,) = verify(*case).violations
    assert violation.amount == pytest.approx(40.0)
    assert "B->A" in violation.message
    full = one_link([100.0] * 4, [100.0] * 4, Traffic(1, 4))
    assert verify(*full).feasible
    assert excess(*one_link([100.001] * 4, [0.0] * 4, Traffic(1, 4))) == pytest.approx(0.001)


def test_failure_confidence_holds_where_a_failure_changes_nothing() -> None:
    problem, content = one_link(TEN, [0.0] * 10, Traffic(1, 10), confidence=0.5, failure_confidence=1.0)
    # The only failure takes the link itself down.
    assert verify(problem, content).max_utilisation == pytest.approx(0.5)
    # Now another group may fail while the link carries what it always does.
    other = scenario(
        **{f: getattr(problem, f) for f in problem.__dataclass_fields__}
        | {"group_unavailability": {"g": 0.0}}
    )
    assert verify(other, content).max_utilisation == pytest.approx(1.0)


# --- all states, recounted ---


def groups_of(problem: Scenario, leg_: Plan) -> set[str]:
    if "wave_offer" in leg_:
        offer = next(o for o in problem.wave_offers if o.id == leg_["wave_offer"])
        return {offer.id, *offer.srlgs}
    fibers = [f for f in problem.fibers if f.id in leg_["route"]]
    return {f.id for f in fibers} | {g for f in fibers for g in f.srlgs}


def sites_of(problem: Scenario, link_: Plan, leg_: Plan) -> set[str]:
    fibers = [f for f in problem.fibers if f.id in leg_.get("route", [])]
    return {link_["a"], link_["b"]} | {end for f in fibers for end in (f.a, f.b)}


def states_of(problem: Scenario) -> list[tuple[set[str], set[str]]]:
    """(groups, sites) down in each state, state 0 first."""
    failures: Failures = problem.policy.failures
    groups = {f.id for f in problem.fibers} | {g for f in problem.fibers for g in f.srlgs}
    groups |= {o.id for o in problem.wave_offers} | {g for o in problem.wave_offers for g in o.srlgs}
    states: list[tuple[set[str], set[str]]] = [(set(), set())]
    states += [
        ({group}, set()) for group in sorted(groups | set(problem.group_unavailability)) if failures.srlgs
    ]
    states += [(set(), {s}) for s in failures.sites]
    return states + [({g, h}, set()) for g, h in failures.pairs]


def recounted_utilisation(problem: Scenario, content: Plan) -> float:
    """Largest percentile over capacity, every state and link from nothing."""
    traffic, policy = problem.traffic, problem.policy
    hours = np.arange(traffic.n_samples) // traffic.samples_per_hour % 24
    rates: dict[str, tuple[str, NDArray[np.float64]]] = {}
    for row, demand in enumerate(problem.packets):
        keys = [key for key in content["lsps"] if key.split("#")[0] == demand.id]
        for key in keys:
            rates[key] = (demand.a, problem.samples[row] / len(keys))
    for transfer in problem.transfers:
        for target in transfer.targets:
            by_hour = np.array(content["lsps"][f"{transfer.id}/{target}"]["rates_gbps"])
            a = transfer.source if transfer.direction == "push" else target
            rates[f"{transfer.id}/{target}"] = (a, np.array([by_hour[hours], 0.0 * hours]))
    modes = {m.id: m.rate_gbps for m in problem.catalogue.modes}
    worst = 0.0
    for number, (groups, sites) in enumerate(states_of(problem)):
        q = policy.confidence if number == 0 else policy.failure_confidence

        def up(link_id: str, groups: set[str] = groups, sites: set[str] = sites) -> bool:
            link_ = content["links"][link_id]
            return any(
                not groups & groups_of(problem, x) and not sites & sites_of(problem, link_, x)
                for x in link_["legs"]
            )

        loads = {link_id: np.zeros((2, traffic.n_samples)) for link_id in content["links"]}
        for key, (at, samples) in rates.items():
            options = [content["lsps"][key]["primary"], content["lsps"][key]["backup"] or ["-"]]
            path: list[str] = next((p for p in options if p != ["-"] and all(up(i) for i in p)), [])
            for link_id in path:
                link_ = content["links"][link_id]
                loads[link_id] += samples if at == link_["a"] else samples[::-1]
                at = link_["b"] if at == link_["a"] else link_["a"]
        for link_id, load in loads.items():
            first = content["links"][link_id]["legs"][0]
            channels = first.get("units") or [
                modes[content["lightpaths"][i]["mode"]] for i in first["lightpaths"]
            ]
            for hour in range(24) if policy.percentile_over == "hour" else [None]:
                part = load if hour is None else load[:, hours == hour]
                rank = max(1, math.ceil(q * part.shape[1] - 1e-9))
                worst = max(worst, *(np.sort(part, axis=1)[:, rank - 1] / sum(channels)))
    return worst


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("confidences", [(0.95, 0.95), (0.5, 1.0), (1.0, 0.3)])
@pytest.mark.parametrize("over", ["hour", "day"])
def test_all_states_against_a_recount(number: int, confidences: tuple[float, float], over: str) -> None:
    problem, content = good_plans()[number]
    normal, failed = confidences
    problem = change_policy(problem, confidence=normal, failure_confidence=failed, percentile_over=over)
    assert verify(problem, content).max_utilisation == pytest.approx(recounted_utilisation(problem, content))


def random_network(n_sites: int, n_lsps: int, samples_per_hour: int, seed: int) -> tuple[Scenario, Plan]:
    """A ring with two chords; every LSP goes one way round and is backed up the other way."""
    rng, draws = Random(seed), np.random.default_rng(seed)
    ids = [f"s{i:03d}" for i in range(n_sites)]
    steps = [(i, (i + 1) % n_sites) for i in range(n_sites)]
    fibers = [
        fiber(f"f{i:03d}", ids[a], ids[b], 100.0, srlgs=(f"g{i // 3}",)) for i, (a, b) in enumerate(steps)
    ]
    lightpaths = {f.id: lightpath(f.a, f.b, f.id, "m800") for f in fibers}
    links = {f.id: link(f.a, f.b, leg(f.id, f.id)) for f in fibers}
    packets, lsps = [], {}
    for i in range(n_lsps):
        a, b = rng.sample(range(n_sites), 2)
        clockwise = [fibers[(a + k) % n_sites].id for k in range((b - a) % n_sites)]
        back = [fibers[(a - k - 1) % n_sites].id for k in range((a - b) % n_sites)]
        rates = draws.random((2, 24 * samples_per_hour))
        packets.append(packet(f"d{i:05d}", ids[a], ids[b], rates[0].tolist(), rates[1].tolist()))
        lsps[f"d{i:05d}#0"] = lsp(" ".join(clockwise), " ".join(back) if i % 3 else None)
    problem = scenario(
        sites=tuple(site(i) for i in ids),
        fibers=tuple(fibers),
        packets=tuple(packets),
        traffic=Traffic(24, samples_per_hour),
        policy=Policy(max_ip_hops=n_sites),
    )
    return problem, plan({f.id: 1 for f in fibers}, lightpaths, links, lsps)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_networks_against_a_recount(seed: int) -> None:
    problem, content = random_network(7, 12, 3, seed)
    assert verify(problem, content).max_utilisation == pytest.approx(recounted_utilisation(problem, content))


@pytest.mark.slow
def test_a_large_network_against_a_recount() -> None:
    problem, content = random_network(75, 2000, 10, 1)
    assert verify(problem, content).max_utilisation == pytest.approx(recounted_utilisation(problem, content))
