"""Why a demand is blocked, and the cheapest relaxation known that would let it through.

Each relaxation is tried, not guessed: the demand is planned again, alone, with one promise (or one rule of
the network) loosened. The first one that gives it a path is reported with the value that it then reaches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from netopt_heur.candidates import LinkPool
from netopt_heur.construct.circuits import CircuitPlanner
from netopt_heur.construct.lsp_router import LspRouter
from netopt_heur.construct.planner import Planner
from netopt_heur.design import Design
from netopt_heur.evaluator import Evaluator, leg_components, leg_latency_ms
from netopt_heur.instance import CircuitDemand, Instance, Lsp
from netopt_heur.route_modes import RouteTable
from netopt_heur.scenario.scenario import Promise

MANY_PAIRS = 1 << 30
REBUILD_UP_TO = 150  # sites; a pool with regenerators everywhere is built only for networks up to this size


def diagnose(planner: Planner, design: Design, blocked_fibers: Sequence[int]) -> list[dict[str, Any]]:
    """One entry per blocked demand: ``demand``, ``rule``, ``reason``, ``relaxation``.

    ``blocked_fibers`` ran out of pairs, those that blocked most channels first.
    """
    instance = design.instance
    doctor = _Doctor(instance, planner)
    found: list[dict[str, Any]] = []
    full = [instance.fiber_ids[f] for f in blocked_fibers]
    for index, lsp in enumerate(instance.lsps):
        if design.primary[index] is None:
            found.append({"demand": lsp.id, **doctor.why(lsp, full)})
    for i, circuit in enumerate(instance.circuits):
        if design.working[i] is None:
            found.append({"demand": circuit.id, **doctor.why(circuit, full)})
    return found + _short_of_channels(design, full)


def _short_of_channels(design: Design, full: list[str]) -> list[dict[str, Any]]:
    """Demands on links and circuits that lack channels because fibers ran out of pairs."""
    if not full:
        return []
    instance = design.instance
    evaluator = Evaluator(instance, design)
    limit = instance.scenario.policy.max_utilisation
    short = {
        instance.lsps[index].id
        for key in design.links
        if evaluator.required_gbps(key) > limit * evaluator.capacity_gbps(key) * (1 + 1e-9)
        for index in evaluator.members(key)
    }
    for i, demand in enumerate(instance.circuits):
        legs = [leg for leg in (design.working[i], design.protection[i]) if leg is not None]
        if any(evaluator.missing_waves(demand, leg) for leg in legs):
            short.add(demand.id)
    return [{"demand": name, **_out_of_pairs(full)} for name in sorted(short)]


def _out_of_pairs(full: list[str]) -> dict[str, str]:
    relaxation = f"allow one more pair (max_pairs) on fiber {full[0]}"
    if len(full) > 1:
        relaxation += f", then on {', '.join(full[1:4])}"
    reason = f"no free slots: every permitted pair of {', '.join(full[:4])} is full"
    return {"rule": "R4", "reason": reason, "relaxation": relaxation}


Served = tuple[float, float, float]  # latency of primary and backup in ms, availability


@dataclass(frozen=True)
class _Relaxation:
    """One promise or rule to loosen; ``cure`` words it once the values it leads to are known."""

    rule: str
    reason: str
    promise: Callable[[Promise], Promise]
    cure: Callable[[Promise, Served], str]
    regenerators: bool = False
    any_hops: bool = False


def _unchanged(promise: Promise) -> Promise:
    return promise


RELAXATIONS = (
    _Relaxation(
        "R6",
        "no route is fast enough",
        lambda p: replace(p, max_latency_ms=None),
        lambda p, s: (
            f"allow max_latency_ms {_up(s[0])} (now {p.max_latency_ms:g})" if p.max_latency_ms else ""
        ),
    ),
    _Relaxation(
        "R6",
        "no backup route is fast enough",
        lambda p: replace(p, backup_max_latency_ms=None),
        lambda p, s: f"allow backup_max_latency_ms {_up(s[1])}",
    ),
    _Relaxation(
        "R2",
        "no mode reaches far enough between the regeneration sites",
        _unchanged,
        lambda p, s: "allow regenerators (regen: true) at more sites between its ends",
        regenerators=True,
    ),
    _Relaxation(
        "R10",
        "no choice of paths is available enough",
        lambda p: replace(p, min_availability=0.0),
        lambda p, s: (
            f"promise min_availability {math.floor(s[2] * 1e6) / 1e6:g} (now {p.min_availability:g})"
        ),
    ),
    _Relaxation(
        "R7",
        "no two routes avoid each other's sites",
        lambda p: replace(p, node_disjoint=False),
        lambda p, s: "node_disjoint: false",
    ),
    _Relaxation(
        "R8",
        "no two routes avoid each other's shared-risk groups",
        lambda p: replace(p, protection="none"),
        lambda p, s: "protection: none, or offer a candidate fiber or wave on a diverse route",
    ),
    _Relaxation(
        "R9",
        "no path within max_ip_hops",
        _unchanged,
        lambda p, s: "raise max_ip_hops",
        any_hops=True,
    ),
)


class _Doctor:
    def __init__(self, instance: Instance, planner: Planner) -> None:
        self.instance, self.planner = instance, planner

    @cached_property
    def _with_regenerators(self) -> tuple[Instance, Planner] | None:
        if len(self.instance.site_ids) > REBUILD_UP_TO:
            return None
        instance = replace(self.instance, regen=np.ones_like(self.instance.regen))
        return instance, Planner(instance)

    def why(self, demand: Lsp | CircuitDemand, full: list[str]) -> dict[str, str]:
        """Rule in the way of a demand, with the cheapest relaxation known."""
        if self._serve(demand, ()) is not None:
            return _out_of_pairs(full) if full else _unlucky()
        for tried in self._relaxations():
            served = self._serve(demand, tried)
            if served is not None:
                cures = [r.cure(demand.promise, served) for r in tried]
                return {
                    "rule": _rule(tried[0], demand.promise),
                    "reason": "; ".join(r.reason for r in tried),
                    "relaxation": " and ".join(cure for cure in cures if cure),
                }
        return {
            "rule": "R1",
            "reason": "no route joins its ends, whatever is relaxed",
            "relaxation": "offer a fiber or a wave between them",
        }

    def _relaxations(self) -> Iterator[tuple[_Relaxation, ...]]:
        for count in (1, 2, len(RELAXATIONS)):
            yield from combinations(RELAXATIONS, count)

    def _serve(self, demand: Lsp | CircuitDemand, relaxed: tuple[_Relaxation, ...]) -> Served | None:
        promise = demand.promise
        for relaxation in relaxed:
            promise = relaxation.promise(promise)
        instance, planner = self.instance, self.planner
        if any(r.regenerators for r in relaxed):
            if self._with_regenerators is None:
                return None
            instance, planner = self._with_regenerators
        if isinstance(demand, Lsp):
            any_hops = any(r.any_hops for r in relaxed)
            return _serve_lsp(instance, planner.pool, replace(demand, promise=promise), any_hops)
        return _serve_circuit(instance, planner.routes, replace(demand, promise=promise))


def _rule(relaxation: _Relaxation, promise: Promise) -> str:
    return "R7" if relaxation.rule == "R8" and promise.protection == "disjoint" else relaxation.rule


def _serve_lsp(instance: Instance, pool: LinkPool, lsp: Lsp, any_hops: bool) -> Served | None:
    router = LspRouter(instance, pool, max_hops=len(instance.site_ids) if any_hops else None)
    weight = np.where(np.isfinite(pool.latency_ms), 1.0 + pool.latency_ms, math.inf)
    found = router.route(lsp, weight, lambda _: weight)
    if found is None:
        return None
    latency_ms = [float(pool.hop_latency_ms[list(path)].sum()) for path in found if path is not None]
    return latency_ms[0], latency_ms[-1], router.availability_of(*found)


def _serve_circuit(instance: Instance, routes: RouteTable, demand: CircuitDemand) -> Served | None:
    # too few pairs is told from the fibers that were full when the plan was made
    roomy = replace(instance, max_pairs=np.where(instance.max_pairs > 0, MANY_PAIRS, 0))
    planner = CircuitPlanner(roomy, routes, instance.length_km * 1e-6)
    found = planner.plan(demand)
    if found is None:
        return None
    legs = [leg for leg in found if leg is not None]
    components = [[(leg_components(instance, leg),)] for leg in legs]
    available = planner.availability.service(components[0], components[1] if len(legs) == 2 else None)
    latency_ms = [leg_latency_ms(instance, leg) for leg in legs]
    return latency_ms[0], latency_ms[-1], available


def _unlucky() -> dict[str, str]:
    return {
        "rule": "R5",
        "reason": "it has a path of its own, but none beside the other demands was found",
        "relaxation": "search longer (--time-limit), or allow one more pair or wave unit around its ends",
    }


def _up(latency_ms: float) -> str:
    return f"{math.ceil(latency_ms * 1000) / 1000:g}"
