"""Legs and links: every fiber route and wave offer, with the channels that can run on it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise

from netopt_heur.evaluator import ABSOLUTE, route_latency_ms
from netopt_heur.exact.limits import ExactLimits
from netopt_heur.instance import Instance, cheapest_port


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of channel on a leg: a mode with its regeneration sites, or a unit of a wave offer.

    ``worth`` is its optical cost, ``port_worth`` that of one router port (inf where none is fast enough).
    """

    product: int  # mode or unit index
    rate_gbps: float
    worth: float
    port_worth: float
    port_gbps: float
    slots: int = 0
    regens: tuple[int, ...] = ()
    segments: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Leg:
    """A fiber route, or an offer (``offer >= 0``), from ``a``; no channel is slower than ``latency_ms``."""

    a: int
    b: int
    fibers: tuple[int, ...]
    sites: tuple[int, ...]
    offer: int
    kinds: tuple[Kind, ...]
    latency_ms: float
    components: int
    length_km: float
    max_regens: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A candidate IP link; two legs make it 1+1, ``copy`` numbers equal ones."""

    a: int
    b: int
    legs: tuple[Leg, ...]
    latency_ms: float
    components: tuple[int, ...]
    down_states: int
    price_per_gbps: float  # estimate that ranks paths
    copy: int = 0


class LegTable:
    """All legs between pairs of sites, cheapest first, within the limits.

    Parameters
    ----------
    instance
        The problem.
    limits
        ``routes_per_pair`` cuts the list of routes.
    all_regens
        Also offer more regenerators than reach asks for: they convert wavelengths. Without slot indices
        they are dominated.
    kept
        Routes (a, fibers), ``a`` the lower site, that the limits must not drop.
    """

    def __init__(
        self,
        instance: Instance,
        limits: ExactLimits,
        all_regens: bool,
        kept: Iterable[tuple[int, tuple[int, ...]]] = (),
    ) -> None:
        self._instance, self._limits, self._all_regens = instance, limits, all_regens
        self._kept = set(kept)
        self._known: dict[tuple[int, int, bool, int], list[Leg]] = {}
        self.complete = True

    def between(self, a: int, b: int, by_latency: bool, most_fibers: int) -> list[Leg]:
        """Legs from ``a`` to ``b`` (a < b) over at most so many fibers.

        ``by_latency`` splits routes by their number of regenerators.
        """
        key = (a, b, by_latency, most_fibers)
        if key not in self._known:
            legs = self._fiber_legs(a, b, by_latency, most_fibers) if self._may_light(a, b) else []
            self._known[key] = legs + self._offer_legs(a, b)
        return self._known[key]

    def _may_light(self, a: int, b: int) -> bool:
        return bool(self._instance.add_drop[a] and self._instance.add_drop[b])

    def _fiber_legs(self, a: int, b: int, by_latency: bool, most_fibers: int) -> list[Leg]:
        limit = self._limits.routes_per_pair
        routes, cut = simple_routes(self._instance, a, b, limit, most_fibers, self._usable)
        self.complete &= not cut
        for first, route in sorted(self._kept):
            if len(route) > most_fibers:
                continue
            sites = self._instance.route_sites(a, route) if first == a and route not in routes else None
            if sites is not None and sites[-1] == b:
                routes.append(route)
        legs = []
        for fibers in routes:
            kinds = self._kinds(a, fibers)
            caps = sorted({len(kind.regens) for kind in kinds}) if by_latency else [len(fibers)]
            for cap in caps:
                legs.append(self._fiber_leg(a, fibers, tuple(k for k in kinds if len(k.regens) <= cap)))
        return legs

    def _fiber_leg(self, a: int, fibers: tuple[int, ...], kinds: tuple[Kind, ...]) -> Leg:
        instance = self._instance
        sites = instance.route_sites(a, fibers)
        assert sites is not None
        most = max(len(kind.regens) for kind in kinds)
        return Leg(
            a=a,
            b=sites[-1],
            fibers=fibers,
            sites=sites,
            offer=-1,
            kinds=kinds,
            latency_ms=route_latency_ms(instance, fibers, most),
            components=instance.route_components(fibers, sites),
            length_km=sum(float(instance.length_km[f]) for f in fibers),
            max_regens=most,
        )

    def _offer_legs(self, a: int, b: int) -> list[Leg]:
        legs = []
        for index, offer in enumerate(self._instance.offers):
            if {offer.a, offer.b} != {a, b}:
                continue
            kinds = []
            for unit, (rate, worth) in enumerate(zip(offer.rates_gbps, offer.unit_worth, strict=True)):
                port_worth, port_gbps = cheapest_port(self._instance.scenario, rate)
                kinds.append(Kind(unit, rate, worth, port_worth, port_gbps))
            legs.append(Leg(a, b, (), (a, b), index, tuple(kinds), offer.latency_ms, offer.components, 0.0))
        return legs

    def _usable(self, a: int, fibers: tuple[int, ...]) -> bool:
        return bool(self._kinds(a, fibers))

    def _kinds(self, a: int, fibers: tuple[int, ...]) -> list[Kind]:
        instance, modes = self._instance, self._instance.modes
        sites = instance.route_sites(a, fibers)
        assert sites is not None
        kinds = []
        for mode in range(len(modes.ids)):
            if modes.slots[mode] > instance.scenario.spectrum.slots:
                continue
            for regens in self._placements(fibers, sites, float(modes.reach_km[mode])):
                kinds.append(
                    Kind(
                        product=mode,
                        rate_gbps=float(modes.rate_gbps[mode]),
                        worth=2 * float(modes.worth[mode])
                        + len(regens) * float(modes.regenerator_worth[mode]),
                        port_worth=float(modes.port_worth[mode]),
                        port_gbps=float(modes.port_gbps[mode]),
                        slots=int(modes.slots[mode]),
                        regens=tuple(sites[i] for i in regens),
                        segments=_segments(fibers, regens),
                    )
                )
        return kinds

    def _placements(
        self, fibers: tuple[int, ...], sites: tuple[int, ...], reach_km: float
    ) -> list[tuple[int, ...]]:
        """Positions of regenerators that keep segments within reach; minimal unless all are asked for."""
        instance = self._instance
        inner = [i for i in range(1, len(fibers)) if instance.regen[sites[i]]]
        found: list[tuple[int, ...]] = []
        for size in range(len(inner) + 1):
            for regens in combinations(inner, size):
                if not self._all_regens and any(set(known) <= set(regens) for known in found):
                    continue
                lengths = [
                    sum(float(instance.length_km[f]) for f in part) for part in _segments(fibers, regens)
                ]
                if max(lengths) <= reach_km + ABSOLUTE:
                    found.append(regens)
        return found


def _segments(fibers: tuple[int, ...], regens: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(fibers[i:j] for i, j in pairwise((0, *regens, len(fibers))))


def simple_routes(
    instance: Instance,
    a: int,
    b: int,
    limit: int,
    most_fibers: int,
    usable: Callable[[int, tuple[int, ...]], bool] | None = None,
) -> tuple[list[tuple[int, ...]], bool]:
    """Shortest simple fiber routes from ``a`` to ``b``, by length; and whether the limit cut the list.

    A* over partial routes with the exact distance to go: routes leave the heap in order of length.
    """
    arcs: dict[int, list[tuple[int, int, float]]] = {}
    for f in range(len(instance.fiber_ids)):
        if instance.max_pairs[f] <= 0:
            continue
        i, j, km = int(instance.fiber_a[f]), int(instance.fiber_b[f]), float(instance.length_km[f])
        arcs.setdefault(i, []).append((j, f, km))
        arcs.setdefault(j, []).append((i, f, km))
    to_go = _distances(arcs, b)
    heap: list[tuple[float, tuple[int, ...], tuple[int, ...]]] = [(to_go.get(a, math.inf), (), (a,))]
    routes: list[tuple[int, ...]] = []
    while heap:
        total, fibers, sites = heapq.heappop(heap)
        if math.isinf(total):
            break
        here = sites[-1]
        if here == b:
            if usable is None or usable(a, fibers):
                if len(routes) == limit:
                    return routes, True
                routes.append(fibers)
            continue
        if len(fibers) >= most_fibers:
            continue
        for there, f, km in arcs.get(here, ()):
            if there not in sites and there in to_go:
                length = total - to_go[here] + km + to_go[there]
                heapq.heappush(heap, (length, (*fibers, f), (*sites, there)))
    return routes, False


def _distances(arcs: dict[int, list[tuple[int, int, float]]], start: int) -> dict[int, float]:
    done: dict[int, float] = {}
    heap = [(0.0, start)]
    while heap:
        distance, here = heapq.heappop(heap)
        if here in done:
            continue
        done[here] = distance
        for there, _, km in arcs.get(here, ()):
            if there not in done:
                heapq.heappush(heap, (distance + km, there))
    return done
