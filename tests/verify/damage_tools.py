"""What damages share: the registry, and plain look-ups in a plan.

A damage takes a feasible (scenario, plan, rng) and returns (scenario, damaged plan, broken rule), or ``None``
where the plan has nothing to break that way. It never changes its arguments. What it needs to know of loads,
latencies or failures is counted here in the plainest way, without the referee's help.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeVar

import numpy as np

from netopt_heur.scenario.scenario import Promise, Scenario
from tests.verify.builders import Plan

Damaged = tuple[Scenario, Plan, str] | None
Damage = Callable[[Scenario, Plan, Random], Damaged]
T = TypeVar("T")


class Registry:
    """Decorator that lists a damage and gives it its own copy of the plan."""

    def __init__(self, damages: list[Damage]) -> None:
        self._damages = damages

    def __call__(self, function: Damage) -> Damage:
        @functools.wraps(function)
        def on_copy(problem: Scenario, good: Plan, rng: Random) -> Damaged:
            return function(problem, copy.deepcopy(good), rng)

        self._damages.append(on_copy)
        return on_copy


def pick(rng: Random, items: list[T]) -> T | None:
    return rng.choice(items) if items else None


# --- plain look-ups ---


def legs(plan: Plan) -> Iterator[Plan]:
    for link in plan["links"].values():
        yield from link["legs"]
    for circuit in plan["circuits"].values():
        yield circuit["working"]
        if circuit["protection"] is not None:
            yield circuit["protection"]


def fiber_legs(plan: Plan) -> list[Plan]:
    return [leg for leg in legs(plan) if "route" in leg]


def offer_legs(plan: Plan) -> list[Plan]:
    return [leg for leg in legs(plan) if "wave_offer" in leg]


def mode_of(problem: Scenario, lightpath: Plan) -> Any:
    return next(mode for mode in problem.catalogue.modes if mode.id == lightpath["mode"])


def lengths(problem: Scenario) -> dict[str, float]:
    return {fiber.id: fiber.length_km for fiber in problem.fibers}


def segment_lengths(problem: Scenario, lightpath: Plan) -> list[float]:
    length, route, result = lengths(problem), list(lightpath["route"]), []
    for segment in lightpath["segments"]:
        n = len(segment["pairs"])
        result.append(sum(length[f] for f in route[:n]))
        route = route[n:]
    return result


def channel_rates(problem: Scenario, plan: Plan, leg: Plan) -> list[float]:
    if "wave_offer" in leg:
        return list(leg["units"])
    return [mode_of(problem, plan["lightpaths"][i]).rate_gbps for i in leg["lightpaths"]]


def promises(problem: Scenario) -> Iterator[tuple[str, str, Promise, list[str]]]:
    """Kind, id and promise of every demand with its keys in ``lsps`` (or, for circuits, in ``circuits``)."""
    for circuit in problem.circuits:
        yield "circuits", circuit.id, circuit.promise, [circuit.id]
    for packet in problem.packets:
        n = max(1, math.ceil(max(packet.mean_ab_gbps, packet.mean_ba_gbps) / problem.policy.split_gbps))
        yield "packets", packet.id, packet.promise, [f"{packet.id}#{i}" for i in range(n)]
    for transfer in problem.transfers:
        keys = [f"{transfer.id}/{target}" for target in transfer.targets]
        yield "transfers", transfer.id, transfer.promise, keys


def ends(problem: Scenario, kind: str, demand_id: str, key: str) -> set[str]:
    demand = next(d for d in getattr(problem, kind) if d.id == demand_id)
    return {demand.source, key.rsplit("/", 1)[1]} if kind == "transfers" else {demand.a, demand.b}


def paths(plan: Plan, kind: str, key: str) -> tuple[list[list[Plan]], list[list[Plan]] | None]:
    """Primary and backup, each as links that are lists of legs."""
    if kind == "circuits":
        circuit = plan["circuits"][key]
        return [[circuit["working"]]], None if circuit["protection"] is None else [[circuit["protection"]]]
    lsp = plan["lsps"][key]
    primary, backup = ([plan["links"][i]["legs"] for i in p or []] for p in (lsp["primary"], lsp["backup"]))
    return primary, None if lsp["backup"] is None else backup


def own_groups(leg: Plan) -> list[str]:
    """Groups that are sure to take the leg down: its fibers and its offer."""
    return list(leg["route"]) if "route" in leg else [leg["wave_offer"]]


def killers(path: list[list[Plan]]) -> list[str]:
    """Fibers and offers whose failure takes the path down: those in all legs of a link."""
    result: set[str] = set()
    for link in path:
        result |= set.intersection(*(set(own_groups(leg)) for leg in link))
    return sorted(result)


def leg_latency_ms(problem: Scenario, plan: Plan, leg: Plan) -> float:
    c = problem.latency
    if "wave_offer" in leg:
        offer = next(o for o in problem.wave_offers if o.id == leg["wave_offer"])
        if offer.latency_ms is not None:
            return offer.latency_ms
        return (offer.length_km or 0.0) * c.us_per_km / 1000 + 2 * c.lightpath_end_ms
    length = lengths(problem)
    regens = max(len(plan["lightpaths"][i]["regens"]) for i in leg["lightpaths"])
    km = sum(length[f] for f in leg["route"])
    return km * c.us_per_km / 1000 + 2 * c.lightpath_end_ms + regens * c.regenerator_ms


def latency_ms(problem: Scenario, plan: Plan, path: list[list[Plan]], hop_ms: float) -> float:
    return sum(max(leg_latency_ms(problem, plan, leg) for leg in link) + hop_ms for link in path)


def load_gbps(problem: Scenario, plan: Plan, link_id: str) -> float:
    """Percentile load of a link without failures, the larger direction."""
    traffic, link = problem.traffic, plan["links"][link_id]
    loads = np.zeros((2, traffic.n_samples))
    samples = problem.samples if problem.packets else None
    hour = [i // traffic.samples_per_hour % 24 for i in range(traffic.n_samples)]
    for kind, demand_id, _, keys in promises(problem):
        if kind == "circuits":
            continue
        for key in keys:
            lsp = plan["lsps"][key]
            if link_id not in lsp["primary"]:
                continue
            row = [d.id for d in problem.packets].index(demand_id) if kind == "packets" else None
            if row is not None and samples is not None:
                rates = samples[row] / len(keys)
                at = problem.packets[row].a
            else:
                transfer = next(t for t in problem.transfers if t.id == demand_id)
                at = transfer.ends(key.rsplit("/", 1)[1])[0]
                rates = np.array([[lsp["rates_gbps"][h] for h in hour], np.zeros(len(hour))])
            for step in lsp["primary"]:
                forward = plan["links"][step]["a"] == at
                at = plan["links"][step]["b" if forward else "a"]
                if step == link_id:
                    loads += rates if forward else rates[::-1]
    assert link["legs"]
    by_hour = problem.policy.percentile_over == "hour"
    worst = 0.0
    for group in sorted(set(hour)) if by_hour else [None]:
        picked = [i for i, h in enumerate(hour) if group is None or h == group]
        rank = max(1, math.ceil(problem.policy.confidence * len(picked) - 1e-9))
        worst = max(worst, *(sorted(direction[picked])[rank - 1] for direction in loads))
    return worst


def drop_lightpath(plan: Plan, leg: Plan, lightpath_id: str) -> None:
    leg["lightpaths"].remove(lightpath_id)
    del plan["lightpaths"][lightpath_id]
