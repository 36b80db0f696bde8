"""Brute force, first half: routes, links, paths and admissible choices by plain recursion."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product

import numpy as np
from numpy.typing import NDArray

from netopt_heur.scenario.scenario import Circuit, Fiber, Mode, Promise, Scenario

TOLERANCE = 1e-9
Samples = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Route:
    """A fiber route from ``a`` to ``b``; its channels hold at most ``most_regens`` regenerators."""

    a: str
    b: str
    fibers: tuple[str, ...]
    sites: tuple[str, ...]
    most_regens: int


@dataclass(frozen=True, eq=False)
class OfferLeg:
    """Units of a wave offer."""

    a: str
    b: str
    offer: str


Leg = Route | OfferLeg


@dataclass(frozen=True, eq=False)
class IpLink:
    """An IP link over one leg, or two."""

    legs: tuple[Leg, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """Primary and backup path of an LSP."""

    primary: tuple[IpLink, ...]
    backup: tuple[IpLink, ...] | None


@dataclass(frozen=True)
class Flow:
    """An LSP: its share of packet ``row``, or a transfer's flow of ``volume_gb``."""

    id: str
    demand: str
    a: str
    b: str
    promise: Promise
    row: int = -1
    share: float = 1.0
    volume_gb: float = 0.0
    target: str = ""
    window: tuple[float, float] = (0.0, 0.0)

    def twin_of(self, other: Flow) -> bool:
        """Whether both are equal parts of one packet demand."""
        return self.row >= 0 and self.row == other.row


class Network:
    """The scenario, asked in words of the model page."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.fibers: dict[str, Fiber] = {f.id: f for f in scenario.fibers}
        self.sites = {s.id: s for s in scenario.sites}
        self.offers = {o.id: o for o in scenario.wave_offers}
        self._links: list[IpLink] | None = None
        self._choices: dict[tuple[str, str, Promise], list[Choice]] = {}
        self._down: dict[IpLink, frozenset[int]] = {}
        self.states = list(self._states())
        self.unavailable = self._unavailability()

    # ---- components and failure states

    def _states(self) -> Iterator[frozenset[str]]:
        yield frozenset()
        failures = self.scenario.policy.failures
        groups = {g for f in self.scenario.fibers for g in (f.id, *f.srlgs)}
        groups |= {g for o in self.scenario.wave_offers for g in (o.id, *o.srlgs)}
        if failures.srlgs:
            yield from (frozenset([g]) for g in sorted(groups | set(self.scenario.group_unavailability)))
        yield from (frozenset([f"site:{s}"]) for s in failures.sites)
        yield from (frozenset(pair) for pair in failures.pairs)

    def _unavailability(self) -> dict[str, float]:
        u = dict(self.scenario.group_unavailability)
        for f in self.scenario.fibers:
            u[f.id] = min(1.0, f.cuts_per_1000km_year * f.length_km / 1000 * f.mttr_hours / 8760)
        u |= {o.id: 1 - o.availability for o in self.scenario.wave_offers}
        return u | {f"site:{s.id}": s.unavailability for s in self.scenario.sites}

    def groups(self, leg: Leg) -> frozenset[str]:
        """Groups that take a leg down."""
        if isinstance(leg, OfferLeg):
            return frozenset((leg.offer, *self.offers[leg.offer].srlgs))
        return frozenset(g for f in leg.fibers for g in (f, *self.fibers[f].srlgs))

    def components(self, leg: Leg) -> frozenset[str]:
        """Groups and sites that take a leg down."""
        sites = leg.sites if isinstance(leg, Route) else (leg.a, leg.b)
        return self.groups(leg) | {f"site:{s}" for s in sites}

    def down(self, link: IpLink) -> frozenset[int]:
        """Failure states in which all legs are down."""
        if link not in self._down:
            legs = [self.components(leg) for leg in link.legs]
            self._down[link] = frozenset(
                i for i, failed in enumerate(self.states) if all(failed & leg for leg in legs)
            )
        return self._down[link]

    def path_down(self, path: Iterable[IpLink]) -> frozenset[int]:
        """Failure states in which some link is down."""
        return frozenset().union(*(self.down(link) for link in path))

    # ---- routes and links

    def routes(self, a: str, b: str, most: int) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Simple routes over at most so many fibers, as (fibers, sites)."""

        def walk(
            fibers: tuple[str, ...], sites: tuple[str, ...]
        ) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
            if sites[-1] == b:
                yield fibers, sites
            elif len(fibers) < most:
                for f in self.scenario.fibers:
                    if sites[-1] in (f.a, f.b) and f.max_pairs > 0:
                        there = f.b if sites[-1] == f.a else f.a
                        if there not in sites:
                            yield from walk((*fibers, f.id), (*sites, there))

        yield from walk((), (a,))

    def parts(self, route: Route, regens: Sequence[str]) -> list[tuple[str, ...]]:
        """Fibers of each transparent segment."""
        cuts = [0, *(route.sites.index(s) for s in regens), len(route.fibers)]
        return [route.fibers[i:j] for i, j in pairwise(cuts)]

    def regenerated(self, route: Route, mode: Mode) -> list[tuple[str, ...]]:
        """Every set of regeneration sites with which a mode runs on a route."""
        inner = [s for s in route.sites[1:-1] if self.sites[s].regen]
        found = []
        for size in range(min(len(inner), route.most_regens) + 1):
            for regens in combinations(inner, size):
                lengths = [sum(self.fibers[f].length_km for f in part) for part in self.parts(route, regens)]
                if max(lengths) <= mode.reach_km + TOLERANCE:
                    found.append(regens)
        return found

    def legs(self, a: str, b: str, split: bool, most: int) -> list[Leg]:
        """Legs from a to b over at most so many fibers.

        ``split``: a route once per useful number of regenerators.
        """
        legs: list[Leg] = []
        if self.sites[a].add_drop and self.sites[b].add_drop:
            for fibers, sites in self.routes(a, b, most):
                whole = Route(a, b, fibers, sites, len(fibers))
                counts = {len(r) for m in self.scenario.catalogue.modes for r in self.regenerated(whole, m)}
                caps = sorted(counts) if split else ([max(counts)] if counts else [])
                legs += [Route(a, b, fibers, sites, cap) for cap in caps]
        legs += [OfferLeg(a, b, o.id) for o in self.scenario.wave_offers if {o.a, o.b} == {a, b}]
        return legs

    def links(self) -> list[IpLink]:
        """All IP links: every leg between routers, every disjoint pair of legs."""
        if self._links is None:
            bounded = [p for p in self._promises() if p.max_latency_ms or p.backup_max_latency_ms]
            split = self.scenario.latency.regenerator_ms > 0 and bool(bounded)
            protected = any(p.protection != "none" or p.min_availability > 0 for p in self._promises())
            self._links = []
            routers = [s.id for s in self.scenario.sites if s.router]
            for a, b in combinations(routers, 2):
                legs = self.legs(a, b, split, self.scenario.policy.max_link_hops)
                self._links += [IpLink((leg,)) for leg in legs]
                if protected:
                    self._links += [
                        IpLink((x, y))
                        for x, y in combinations(legs, 2)
                        if not self.groups(x) & self.groups(y)
                    ]
        return self._links

    def _promises(self) -> list[Promise]:
        return [flow.promise for flow in self.flows()]

    # ---- demands and their choices

    def flows(self) -> Iterator[Flow]:
        """Every LSP; transfers last."""
        split = self.scenario.policy.split_gbps
        for row, p in enumerate(self.scenario.packets):
            n = max(1, math.ceil(max(p.mean_ab_gbps, p.mean_ba_gbps) / split))
            for i in range(n):
                yield Flow(f"{p.id}#{i}", p.id, p.a, p.b, p.promise, row, 1 / n)
        for t in self.scenario.transfers:
            for target in t.targets:
                a, b = t.ends(target)
                window = (t.window_start, t.window_end)
                yield Flow(
                    f"{t.id}/{target}",
                    t.id,
                    a,
                    b,
                    t.promise,
                    volume_gb=t.volume_gb,
                    target=target,
                    window=window,
                )

    def window(self, flow: Flow) -> list[int]:
        """UTC hours that lie wholly in a transfer's window, quarter by quarter of local time."""
        start, end = flow.window
        length = (end - start) % 24 or 24
        offset = self.sites[flow.target].utc_offset
        return [
            h
            for h in range(24)
            if all((h + quarter / 4 + offset - start) % 24 + 0.25 <= length for quarter in range(4))
        ]

    def paths(self, a: str, b: str) -> Iterator[tuple[IpLink, ...]]:
        """Simple IP paths."""
        most = self.scenario.policy.max_ip_hops

        def walk(path: tuple[IpLink, ...], sites: tuple[str, ...]) -> Iterator[tuple[IpLink, ...]]:
            if sites[-1] == b:
                yield path
            elif len(path) < most:
                for link in self.links():
                    ends = (link.legs[0].a, link.legs[0].b)
                    if sites[-1] in ends:
                        there = ends[1] if sites[-1] == ends[0] else ends[0]
                        if there not in sites:
                            yield from walk((*path, link), (*sites, there))

        yield from walk((), (a,))

    def lsp_choices(self, flow: Flow) -> list[Choice]:
        """All admissible (primary, backup); equal flows get the same list."""
        key = (flow.a, flow.b, flow.promise)
        if key not in self._choices:
            self._choices[key] = self._lsp_choices(flow)
        return self._choices[key]

    def _lsp_choices(self, flow: Flow) -> list[Choice]:
        paths = list(self.paths(flow.a, flow.b))
        choices = []
        for primary in paths:
            if not self._in_time(self._path_ms(primary), flow.promise.max_latency_ms):
                continue
            if self._keeps(flow.promise, (flow.a, flow.b), primary, None):
                choices.append(Choice(primary, None))
                continue  # a backup would only load more links
            for backup in paths:
                in_time = self._in_time(self._path_ms(backup), flow.promise.backup_max_latency_ms)
                if in_time and self._keeps(flow.promise, (flow.a, flow.b), primary, backup):
                    choices.append(Choice(primary, backup))
        return choices

    def circuit_choices(self, circuit: Circuit) -> list[tuple[Leg, ...]]:
        """All admissible legs: (working,) or (working, protection)."""
        promise, ends = circuit.promise, (circuit.a, circuit.b)
        slows = self.scenario.latency.regenerator_ms > 0
        legs = self.legs(circuit.a, circuit.b, slows, len(self.sites))  # max_link_hops is about IP links
        choices: list[tuple[Leg, ...]] = []
        for leg in legs:
            if not self._in_time(self.leg_ms(leg), promise.max_latency_ms):
                continue
            if self._keeps(promise, ends, (IpLink((leg,)),), None):
                choices.append((leg,))
                continue
            for other in legs:
                in_time = self._in_time(self.leg_ms(other), promise.backup_max_latency_ms)
                if in_time and self._keeps(promise, ends, (IpLink((leg,)),), (IpLink((other,)),)):
                    choices.append((leg, other))
        return choices

    # ---- promises

    def leg_ms(self, leg: Leg) -> float:
        """Latency with as many regenerators as the leg admits."""
        c = self.scenario.latency
        if isinstance(leg, Route):
            km = sum(self.fibers[f].length_km for f in leg.fibers)
            return km * c.us_per_km / 1000 + 2 * c.lightpath_end_ms + leg.most_regens * c.regenerator_ms
        offer = self.offers[leg.offer]
        if offer.latency_ms is not None:
            return offer.latency_ms
        return (offer.length_km or 0) * c.us_per_km / 1000 + 2 * c.lightpath_end_ms

    def _path_ms(self, path: Sequence[IpLink]) -> float:
        hop = self.scenario.latency.router_hop_ms
        return sum(max(self.leg_ms(leg) for leg in link.legs) + hop for link in path)

    @staticmethod
    def _in_time(ms: float, bound: float | None) -> bool:
        return bound is None or ms <= bound + TOLERANCE

    def _keeps(
        self,
        promise: Promise,
        ends: tuple[str, str],
        primary: Sequence[IpLink],
        backup: Sequence[IpLink] | None,
    ) -> bool:
        """R7, R8, R10."""
        if promise.protection == "disjoint":
            if backup is None:
                return False
            first, second = (
                frozenset().union(*(self.components(leg) for link in p for leg in link.legs))
                for p in (primary, backup)
            )
            shared = first & second - {f"site:{s}" for s in ends}
            if any(promise.node_disjoint or not c.startswith("site:") for c in shared):
                return False
        if promise.protection != "none":
            down = self.path_down(primary) & (
                self.path_down(backup) if backup is not None else set(range(len(self.states)))
            )
            own = {f"site:{s}" for s in ends}
            if any(not self.states[i] & own for i in down):
                return False
        if promise.min_availability <= 0:
            return True
        return self.availability(primary, backup) >= promise.min_availability - 1e-12

    def availability(self, primary: Sequence[IpLink], backup: Sequence[IpLink] | None) -> float:
        """Probability that a path is up, over all combinations of failed components."""
        paths = [p for p in (primary, backup) if p is not None]
        legs = [[[self.components(leg) for leg in link.legs] for link in p] for p in paths]
        touched = sorted(
            {c for p in legs for link in p for leg in link for c in leg if self.unavailable.get(c, 0) > 0}
        )
        total = 0.0
        for states in product((True, False), repeat=len(touched)):
            failed = {c for c, up in zip(touched, states, strict=True) if not up}
            if any(all(any(not failed & leg for leg in link) for link in p) for p in legs):
                total += math.prod(
                    1 - self.unavailable[c] if up else self.unavailable[c]
                    for c, up in zip(touched, states, strict=True)
                )
        return total

    # ---- loads

    def load(self, flow: Flow, choice: Choice) -> dict[IpLink, Samples]:
        """What a packet LSP puts on each link, shape (states, 2, S); transfers carry nothing here."""
        loads: dict[IpLink, Samples] = {}
        shape = (len(self.states), 2, self.scenario.traffic.n_samples)
        for link, forward, states in self.carried(flow, choice):
            table = loads.setdefault(link, np.zeros(shape))
            if flow.row >= 0:
                ab, ba = self.scenario.samples[flow.row] * flow.share
                table[sorted(states), 0] += ab if forward else ba
                table[sorted(states), 1] += ba if forward else ab
        return loads

    def carried(self, flow: Flow, choice: Choice) -> Iterator[tuple[IpLink, bool, frozenset[int]]]:
        """Links of both paths, whether travelled from a to b, and the states in which they carry the LSP."""
        everything = frozenset(range(len(self.states)))
        down = self.path_down(choice.primary)
        also = self.path_down(choice.backup) if choice.backup is not None else everything
        for path, states in ((choice.primary, everything - down), (choice.backup or (), down - also)):
            here = flow.a
            for link in path:
                forward = here == link.legs[0].a
                yield link, forward, states
                here = link.legs[0].b if forward else link.legs[0].a

    def percentiles(self, table: Samples, hour: int | None = None) -> Samples:
        """Worst group's percentile per state and direction; of one UTC hour if given."""
        policy, traffic = self.scenario.policy, self.scenario.traffic
        at = np.arange(traffic.n_samples) // traffic.samples_per_hour % 24
        if policy.percentile_over == "day":
            groups = [np.arange(traffic.n_samples)]
        else:
            groups = [np.flatnonzero(at == h) for h in sorted(set(at.tolist())) if hour in (None, h)]
        worst = np.full(table.shape[:2], -np.inf)
        for members in groups:
            ranked = np.sort(table[:, :, members], axis=2)
            for states, q in ((slice(0, 1), policy.confidence), (slice(1, None), policy.failure_confidence)):
                j = max(1, math.ceil(q * len(members) - 1e-9)) - 1
                worst[states] = np.maximum(worst[states], ranked[states, :, j])
        return worst
