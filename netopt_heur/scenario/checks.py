"""Checks of what no plan can mend: demands nothing can carry, promises faster than light, too much to hold.

All bounds are optimistic (shortest routes, fewest fixed delays, any fiber that may be lit or built), so a
demand that is refused here has no plan; one that passes may still have none.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from netopt_heur.scenario.origins import Origin
from netopt_heur.scenario.scenario import Circuit, Packet, Promise, Scenario, WaveOffer
from netopt_heur.scenario.validation import Problems
from netopt_heur.scenario.yaml_source import KeyPath, Source

__all__ = ["check_physics", "check_size"]

MAX_SAMPLES: Final = 250_000_000
MAX_LSPS: Final = 200_000
MAX_WAVES: Final = 200_000
MAX_BURSTS: Final = 200_000_000
_MAX_PER_GENERATOR: Final = 5
_TOLERANCE: Final = 1e-9


def check_size(scenario: Scenario, source: Source, problems: Problems) -> None:
    """Refuse scenarios whose samples, LSPs, waves or bursts would not fit into memory or a day's work."""
    traffic = scenario.traffic
    samples = 2 * len(scenario.packets) * traffic.n_samples
    if samples > MAX_SAMPLES:
        message = (
            f"{len(scenario.packets)} packet demands x 2 x {traffic.n_samples} samples exceed {MAX_SAMPLES}"
        )
        problems.add(source, ("traffic", "hours"), f"{message}; sample less", show=False)
    split = scenario.policy.split_gbps
    lsps = sum(max(1, math.ceil(max(p.mean_ab_gbps, p.mean_ba_gbps) / split)) for p in scenario.packets)
    if lsps > MAX_LSPS:
        message = f"splits the packet demands into {lsps} LSPs, more than {MAX_LSPS}; raise it"
        problems.add(source, ("policy", "split_gbps"), message)
    waves = sum(circuit.waves for circuit in scenario.circuits)
    if waves > MAX_WAVES:
        message = (
            f"the circuits ask for {waves} waves in all, more than {MAX_WAVES}; ask for fewer, faster ones"
        )
        problems.add(source, ("demands", "circuits"), message, show=False)
    users = Counter(packet.service for packet in scenario.packets)
    for name, service in traffic.services.items():
        if service.burst is not None:
            # Work per burst: one event and the samples that see it.
            seen = 1 + service.burst.duration_s / 3600 * traffic.samples_per_hour
            hours = traffic.hours + service.burst.duration_s / 3600
            work = 2 * users[name] * service.burst.per_hour * hours * seen
            if work > MAX_BURSTS:
                message = (
                    f"makes about {work:.2g} bursts and samples of them, more than {MAX_BURSTS:g}; lower it"
                )
                problems.add(source, ("services", name, "burst", "per_hour"), message)


def check_physics(
    scenario: Scenario, origins: Mapping[str, Origin], source: Source, problems: Problems
) -> None:
    """Report demands without any route, out of every reach, or bounded below the speed of light.

    Parameters
    ----------
    scenario
        References are right.
    origins
        Where each demand was written, by id.
    source, problems
        The scenario file, and what collects.
    """
    reporter = _Reporter(origins, problems)
    physics = _Physics(scenario)
    for circuit in scenario.circuits:
        _check_circuit(physics, circuit, reporter)
    if (scenario.packets or scenario.transfers) and not physics.ip_channels:
        message = (
            "no port is as fast as any mode or wave offer, so no IP link can be built; add a faster port"
        )
        problems.add(source, ("catalogue",), message, show=False)
        reporter.finish()
        return
    physics.prefer_sources((p.a, p.b) for p in scenario.packets if p.promise.max_latency_ms is not None)
    for packet in scenario.packets:
        _check_packet(physics, packet, reporter)
    for transfer in scenario.transfers:
        for index, target in enumerate(transfer.targets):
            a, b = transfer.ends(target)
            _check_ip(physics, transfer.id, a, b, transfer.promise, reporter, ("targets", index))
    reporter.finish()


class _Reporter:
    """Reports demands at their origin; of one generator only the first few."""

    def __init__(self, origins: Mapping[str, Origin], problems: Problems) -> None:
        self._origins, self._problems = origins, problems
        self._counts: Counter[Origin] = Counter()

    def report(self, demand: str, key: KeyPath, message: str, *, show: bool = True) -> None:
        origin = self._origins[demand]
        if origin.path[0] in ("gravity", "training_jobs"):
            self._counts[origin] += 1
            message = f"demand {demand!r}: {message}"
        if self._counts[origin] <= _MAX_PER_GENERATOR:
            origin.report(self._problems, key, message, show=show)

    def finish(self) -> None:
        for origin, count in self._counts.items():
            if count > _MAX_PER_GENERATOR:
                message = f"and {count - _MAX_PER_GENERATOR} more of its demands have such a problem"
                origin.report(self._problems, (), message, show=False)


def _check_circuit(physics: _Physics, circuit: Circuit, reporter: _Reporter) -> None:
    fabric = physics.fabric(physics.circuit_reach_km(circuit.wave_gbps))
    offers = [
        offer for offer in physics.offers_between(circuit.a, circuit.b) if _carries(offer, circuit.wave_gbps)
    ]
    if not offers:
        ends = [key for key, name in (("a", circuit.a), ("b", circuit.b)) if name not in physics.add_drop]
        for key in ends:
            message = "has no add_drop, so no lightpath ends there; set 'add_drop: true' at the site"
            reporter.report(circuit.id, (key,), message)
        if fabric is None:
            message = "no mode, and no wave offer between the ends, is as fast; lower it or add a faster mode"
            reporter.report(circuit.id, ("wave_gbps",), message)
        if ends or fabric is None:
            return
        if not physics.fibers_join(circuit.a, circuit.b):
            reporter.report(circuit.id, (), _no_route(circuit.a, circuit.b), show=False)
            return
        if not fabric.crosses(circuit.a, circuit.b):
            message = _out_of_reach(circuit.a, circuit.b, fabric.reach_km)
            reporter.report(circuit.id, (), message, show=False)
            return
    usable = fabric is not None and {circuit.a, circuit.b} <= physics.add_drop
    least_ms = min((physics.offer_ms(offer) for offer in offers), default=math.inf)
    if fabric is not None and usable and fabric.crosses(circuit.a, circuit.b):
        least_ms = min(least_ms, physics.lightpath_ms(fabric, circuit.a, circuit.b))
    _check_latency(circuit.id, circuit.promise, circuit.a, circuit.b, least_ms, reporter)


def _check_packet(physics: _Physics, packet: Packet, reporter: _Reporter) -> None:
    for key, name in (("a", packet.a), ("b", packet.b)):
        if name not in physics.routers:
            message = "has no router, so no packets end there; set 'router: true' at the site"
            reporter.report(packet.id, (key,), message)
            return
    _check_ip(physics, packet.id, packet.a, packet.b, packet.promise, reporter, ())


def _check_ip(
    physics: _Physics, demand: str, a: str, b: str, promise: Promise, reporter: _Reporter, key: KeyPath
) -> None:
    if not physics.ip_joins(a, b):
        if physics.anything_joins(a, b):
            message = _out_of_reach(a, b, physics.ip_reach_km)
        else:
            message = _no_route(a, b)
        reporter.report(demand, key, message, show=False)
    elif promise.max_latency_ms is not None or promise.backup_max_latency_ms is not None:
        _check_latency(demand, promise, a, b, physics.ip_ms(a, b), reporter)


def _check_latency(
    demand: str, promise: Promise, a: str, b: str, least_ms: float, reporter: _Reporter
) -> None:
    for key in ("max_latency_ms", "backup_max_latency_ms"):
        bound = getattr(promise, key)
        if bound is not None and bound < least_ms - _TOLERANCE:
            shortest = f"{least_ms:.4g} ms on the shortest route"
            message = f"{bound:g} ms is less than light needs from {a} to {b}: {shortest}"
            reporter.report(demand, (key,), message)


def _no_route(a: str, b: str) -> str:
    return f"no fibers or wave offers join {a} and {b}; add a fiber"


def _out_of_reach(a: str, b: str, reach_km: float) -> str:
    return (
        f"no route from {a} to {b} can be crossed: each has more than {reach_km:g} km, the longest reach of "
        "a usable mode, between places that may regenerate; add a regen site or a mode with a longer reach"
    )


def _carries(offer: WaveOffer, wave_gbps: float) -> bool:
    return any(math.floor(unit.rate_gbps / wave_gbps + _TOLERANCE) >= 1 for unit in offer.units)


class _UnionFind:
    """Sets of sites that grow together (Tarjan, 1975)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, name: str) -> str:
        root = name
        while (above := self._parent.get(root, root)) != root:
            root = above
        while name != root:
            self._parent[name], name = root, self._parent.get(name, name)
        return root

    def union(self, a: str, b: str) -> None:
        self._parent[self.find(a)] = self.find(b)


Adjacency = dict[str, list[tuple[str, float]]]


def _shortest(
    adjacency: Adjacency, start: str, stops: frozenset[str] = frozenset(), limit: float = math.inf
) -> dict[str, float]:
    """Distances from ``start`` up to ``limit``, over routes that do not pass ``stops`` (Dijkstra, 1959)."""
    distance = {start: 0.0}
    done: set[str] = set()
    queue = [(0.0, start)]
    while queue:
        here, name = heapq.heappop(queue)
        if name in done:
            continue
        done.add(name)
        if name in stops and name != start:
            continue
        for other, length in adjacency.get(name, ()):
            there = here + length
            if there <= limit and there < distance.get(other, math.inf):
                distance[other] = there
                heapq.heappush(queue, (there, other))
    return distance


class _Fabric:
    """What lightpaths up to one reach can cross: fibers no longer than it, broken at regeneration sites."""

    def __init__(self, scenario: Scenario, reach_km: float, stops: frozenset[str]) -> None:
        self.reach_km = reach_km
        self.stops = stops
        self.km: Adjacency = {}
        for fiber in scenario.fibers:
            if fiber.max_pairs > 0 and fiber.length_km <= reach_km + _TOLERANCE:
                self.km.setdefault(fiber.a, []).append((fiber.b, fiber.length_km))
                self.km.setdefault(fiber.b, []).append((fiber.a, fiber.length_km))
        self.joined = _UnionFind()
        self._hops: dict[str, dict[str, float]] = {}
        self._distances: dict[str, dict[str, float]] = {}
        for stop in stops:
            for other in self._transparent(stop):
                if other in stops:
                    self.joined.union(stop, other)

    def _transparent(self, name: str) -> dict[str, float]:
        """Sites within one transparent segment, not looking beyond the first stops."""
        if name not in self._hops:
            self._hops[name] = _shortest(self.km, name, self.stops, self.reach_km + _TOLERANCE)
        return self._hops[name]

    def crosses(self, a: str, b: str) -> bool:
        """Whether segments within reach, broken at stops, lead from a to b."""
        from_a, from_b = self._transparent(a), self._transparent(b)
        if b in from_a:
            return True
        roots = {self.joined.find(name) for name in from_a if name in self.stops}
        return any(self.joined.find(name) in roots for name in from_b if name in self.stops)

    def distance_km(self, a: str, b: str) -> float:
        """Length of the shortest route over fibers within reach."""
        if b in self._distances and a not in self._distances:
            a, b = b, a
        if a not in self._distances:
            self._distances[a] = _shortest(self.km, a)
        return self._distances[a].get(b, math.inf)


class _Physics:
    """Optimistic connectivity and latency between sites."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.routers = {site.id for site in scenario.sites if site.router}
        self.add_drop = {site.id for site in scenario.sites if site.add_drop}
        self._regens = frozenset(site.id for site in scenario.sites if site.regen)
        # a mode wider than the grid never fits a pair
        self._modes = [m for m in scenario.catalogue.modes if m.slots <= scenario.spectrum.slots]
        self._fabrics: dict[float, _Fabric] = {}
        self._offers: dict[frozenset[str], list[WaveOffer]] = {}
        for offer in scenario.wave_offers:
            self._offers.setdefault(frozenset((offer.a, offer.b)), []).append(offer)
        self._fibers_join, self._all_join = _UnionFind(), _UnionFind()
        for fiber in scenario.fibers:
            if fiber.max_pairs > 0:
                self._fibers_join.union(fiber.a, fiber.b)
                self._all_join.union(fiber.a, fiber.b)
        for offer in scenario.wave_offers:
            self._all_join.union(offer.a, offer.b)
        self._build_ip()

    def _build_ip(self) -> None:
        scenario = self._scenario
        fastest_port = max((port.rate_gbps for port in scenario.catalogue.ports), default=0.0)
        modes = [mode.reach_km for mode in self._modes if mode.rate_gbps <= fastest_port]
        offers = [
            offer
            for offer in scenario.wave_offers
            if {offer.a, offer.b} <= self.routers and offer.units[0].rate_gbps <= fastest_port
        ]
        self.ip_channels = len(modes) + len(offers)
        self.ip_reach_km = max(modes, default=0.0)
        # An IP path may also stop at a router on the way.
        ends = frozenset(self.routers & self.add_drop)
        self._ip_fabric = _Fabric(scenario, self.ip_reach_km, self._regens | ends)
        self._ip_join = self._ip_fabric.joined
        hop_ms = scenario.latency.router_hop_ms
        self._mixed_ms: Adjacency = {
            name: [(other, self._propagation_ms(km)) for other, km in arcs]
            for name, arcs in self._ip_fabric.km.items()
        }
        self._offers_ms: Adjacency = {}
        for offer in offers:
            self._ip_join.union(offer.a, offer.b)
            latency = self.offer_ms(offer)
            for a, b in ((offer.a, offer.b), (offer.b, offer.a)):
                self._mixed_ms.setdefault(a, []).append((b, latency))
                self._offers_ms.setdefault(a, []).append((b, latency + hop_ms))
        self._ip_distances: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
        self._rank: Counter[str] = Counter()

    def fabric(self, reach_km: float | None) -> _Fabric | None:
        """What circuits of modes with this reach can cross."""
        if reach_km is None:
            return None
        if reach_km not in self._fabrics:
            self._fabrics[reach_km] = _Fabric(self._scenario, reach_km, self._regens)
        return self._fabrics[reach_km]

    def circuit_reach_km(self, wave_gbps: float) -> float | None:
        """Longest reach of the modes that carry such a wave; None if none does."""
        modes = self._modes
        reaches = [
            mode.reach_km for mode in modes if math.floor(mode.rate_gbps / wave_gbps + _TOLERANCE) >= 1
        ]
        return max(reaches, default=None)

    def offers_between(self, a: str, b: str) -> list[WaveOffer]:
        """Wave offers with these ends."""
        return self._offers.get(frozenset((a, b)), [])

    def fibers_join(self, a: str, b: str) -> bool:
        """Whether any fibers lead from a to b."""
        return self._fibers_join.find(a) == self._fibers_join.find(b)

    def anything_joins(self, a: str, b: str) -> bool:
        """Whether any fibers and wave offers lead from a to b."""
        return self._all_join.find(a) == self._all_join.find(b)

    def ip_joins(self, a: str, b: str) -> bool:
        """Whether IP links that can be built lead from a to b."""
        return self._ip_join.find(a) == self._ip_join.find(b)

    def _propagation_ms(self, length_km: float) -> float:
        return length_km * self._scenario.latency.us_per_km / 1000

    def offer_ms(self, offer: WaveOffer) -> float:
        """Latency of a wave offer."""
        if offer.latency_ms is not None:
            return offer.latency_ms
        return self._propagation_ms(offer.length_km or 0.0) + 2 * self._scenario.latency.lightpath_end_ms

    def lightpath_ms(self, fabric: _Fabric, a: str, b: str) -> float:
        """Least latency of a lightpath from a to b, with the fewest regenerators its length allows."""
        length_km = fabric.distance_km(a, b)
        regenerators = (
            max(0, math.ceil(length_km / fabric.reach_km - _TOLERANCE) - 1) if length_km < math.inf else 0
        )
        latency = self._scenario.latency
        fixed_ms = 2 * latency.lightpath_end_ms + regenerators * latency.regenerator_ms
        return self._propagation_ms(length_km) + fixed_ms

    def prefer_sources(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Note which sites end most demands: one shortest-path tree there serves them all."""
        self._rank.update(name for pair in pairs for name in pair)

    def ip_ms(self, a: str, b: str) -> float:
        """Least latency of an IP path from a to b.

        A path over wave offers only is summed exactly; any other has at least one lightpath, with its two
        ends, and one router hop.
        """
        if (b not in self._ip_distances and a in self._ip_distances) or (
            self._rank[a] > self._rank[b] and b not in self._ip_distances
        ):
            a, b = b, a
        if b not in self._ip_distances:
            self._ip_distances[b] = (_shortest(self._mixed_ms, b), _shortest(self._offers_ms, b))
        mixed, offers = self._ip_distances[b]
        latency = self._scenario.latency
        lit = mixed.get(a, math.inf) + 2 * latency.lightpath_end_ms + latency.router_hop_ms
        return min(lit, offers.get(a, math.inf))
