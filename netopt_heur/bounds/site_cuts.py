"""Cuts around sets of sites, rounded to whole channels and whole fiber pairs, in every failure state."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import networkx as nx
import numpy as np

from netopt_heur.bounds.master import Master, Term, chassis_floor, site_at, value_at
from netopt_heur.bounds.metric import fiber_is_up
from netopt_heur.bounds.rounding import VIOLATED, WHOLE, Row, rounded
from netopt_heur.bounds.traffic import Traffic
from netopt_heur.instance import F64, I64, Instance

ALL_SETS_UP_TO = 10  # sites; with more, only sets that are likely to bind
TRIPLES_UP_TO = 50  # sites
DIRECTIONS = 8  # sweeps over the map
ENOUGH_ROWS = 3_000  # violated rows that end a round's search; the next goes on from there
SURE = 1e-9  # of an availability; the referee's tolerance is 1e-12
MOST_ROWS = 800  # per round: the most violated; many rows say nearly the same

SiteSet = frozenset[int]


@dataclass(frozen=True)
class _StateOfSet:
    """A failure state that matters to a set: what still crosses, Gb/s that must, and what may hold them."""

    number: int
    up: tuple[int, ...]
    waves: tuple[int, ...]
    need: float
    connected: bool
    crossing: list[Term]  # links across
    covers: list[tuple[I64, F64]]  # columns and their usable Gb/s, each on its own enough


def site_sets(instance: Instance) -> list[SiteSet]:
    """Sets of sites worth a cut: all of a small network; else single sites, neighbourhoods and sweeps."""
    n = len(instance.site_ids)
    if n <= ALL_SETS_UP_TO:
        found = {frozenset(c) for size in range(1, n // 2 + 1) for c in combinations(range(n), size)}
        return sorted(found, key=lambda s: (len(s), sorted(s)))
    near: dict[int, set[int]] = {v: {v} for v in range(n)}
    for a, b in zip(instance.fiber_a.tolist(), instance.fiber_b.tolist(), strict=True):
        near[a].add(b)
        near[b].add(a)
    found = {frozenset({v}) for v in range(n)}
    found |= {frozenset({v, w}) for v in range(n) for w in near[v]}
    if n <= TRIPLES_UP_TO:
        found |= {frozenset({v, w, u}) for v in range(n) for w in near[v] for u in near[w]}
    for v in range(n):
        ball = {v}
        while len(ball) < n:
            grown = {w for u in ball for w in near[u]}
            if grown == ball:
                break
            ball = grown
            found.add(frozenset(ball))
    found |= set(_sweeps(instance))
    everything = frozenset(range(n))
    found = {min(s, everything - s, key=lambda t: (len(t), sorted(t))) for s in found if 0 < len(s) < n}
    return sorted(found, key=lambda s: (len(s), sorted(s)))


def _sweeps(instance: Instance) -> Iterator[SiteSet]:
    sites = instance.scenario.sites
    place = np.array([(s.lon, s.lat) for s in sites])
    for angle in np.arange(DIRECTIONS) * (math.pi / DIRECTIONS):
        order = np.argsort(place @ np.array([math.cos(angle), math.sin(angle)]), kind="stable").tolist()
        for size in range(1, len(order)):
            yield frozenset(order[:size])


class SiteCuts:
    """Cuts around sets of sites, each in all failure states that matter to it.

    Parameters
    ----------
    master
        The relaxation's columns.
    traffic
        What must cross.
    """

    def __init__(self, master: Master, traffic: Traffic) -> None:
        self.master, self.traffic, self.instance = master, traffic, master.instance
        self.sets = site_sets(self.instance)
        self._next = 0  # where the next round starts
        self._connections: dict[tuple[SiteSet, bool], bool] = {}
        self._needs: dict[tuple[tuple[int, ...], tuple[int, ...], bool], float] = {}
        n_fibers, n_offers = len(self.instance.fiber_ids), len(self.instance.offers)
        # legs of 1+1 links come in twos: each counts half
        self._fiber_terms = [[master.fiber_terms(f, n) for n in (1, 2)] for f in range(n_fibers)]
        self._offer_terms = [[master.offer_terms(o, n) for n in (1, 2)] for o in range(n_offers)]
        self._end_terms = [[master.end_terms(f, s, 1) for s in (0, 1)] for f in range(n_fibers)]
        self._twin_terms = [master.twin_terms(v) for v in range(len(self.instance.site_ids))]
        self._crossings: dict[SiteSet, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self._spreads: dict[SiteSet, list[Row]] = {}
        self._chords: dict[SiteSet, list[Row]] = {}
        self._fixed: dict[SiteSet, list[_StateOfSet]] = {}
        states = range(len(self.instance.state_names))
        self._fiber_up = np.array(
            [[fiber_is_up(self.instance, f, s) for f in range(len(self.instance.fiber_ids))] for s in states]
        ).reshape(len(states), len(self.instance.fiber_ids))
        self._two_legged = [(c.a, c.b) for c in self.instance.circuits if c.promise.protection == "disjoint"]

    def add_ports(self) -> None:
        """Ports and chassis at each site for its own demand."""
        for site in range(len(self.instance.site_ids)):
            need = max(self.need(frozenset({site}), state) for state in range(len(self.instance.state_names)))
            terms = self.master.port_terms(site)
            if need > 0.0 and terms:
                for row in rounded(terms, need):
                    self.master.program.at_least(*row)
                if site in self.master.chassis:
                    floor = chassis_floor(self.instance, need / self.master.share)
                    self.master.program.lower[self.master.chassis[site]] = floor

    def add_states(self) -> None:
        """The plain rows of each site, in every failure state that matters to it."""
        for site in range(len(self.instance.site_ids)):
            inside = frozenset({site})
            for row in self._spread(inside):
                self.master.program.at_least(*row)
            for state in self._known_states(inside):
                if state.need > 0.0:
                    for columns, rates in state.covers:
                        terms = list(zip(columns.tolist(), rates.tolist(), strict=True))
                        self.master.program.at_least(terms, state.need)
                if state.connected:
                    for row in self._lighting(inside, state):
                        self.master.program.at_least(*row)

    def add_violated(self, x: F64, sets: list[SiteSet] | None = None) -> int:
        """Add the most violated rows of the known sets; returns how many."""
        found: dict[tuple[object, ...], tuple[float, Row]] = {}
        self._x = x
        every = self.sets[self._next :] + self.sets[: self._next]
        for tried, inside in enumerate(every if sets is None else sets):
            if len(found) >= ENOUGH_ROWS and sets is None:
                self._next = (self._next + tried) % len(self.sets)
                break
            for terms, lower in self._rows(inside):
                missing = 1.0 - value_at(terms, x) / lower
                if missing > VIOLATED:
                    found.setdefault((tuple(terms), lower), (missing, (terms, lower)))
        ranked = sorted(found.items(), key=lambda item: -item[1][0])
        for _, (_, row) in ranked[:MOST_ROWS]:
            self.master.program.at_least(*row)
        return min(len(ranked), MOST_ROWS)

    def _is_short(self, columns: I64, rates: F64, need: float) -> bool:
        """Whether the cover of ``need`` or one of its roundings is violated."""
        n = self._x[columns]
        used = n > 0.0
        divisors, n, rates = np.unique(rates).tolist(), n[used], rates[used]
        capacity = float(rates @ n)
        if capacity < need * (1.0 - VIOLATED):
            return True
        for divisor in divisors:
            whole = math.floor(need / divisor)
            part = need / divisor - whole
            # coefficients are at least rate / divisor, so more capacity than this satisfies the rounding
            if part <= WHOLE or capacity >= (whole + 1) * divisor:
                continue
            full = np.floor(rates / divisor + 1e-12)
            value = (full + np.minimum(1.0, np.maximum(0.0, rates / divisor - full) / part)) @ n
            if value < (whole + 1) * (1.0 - VIOLATED):
                return True
        return False

    def add_connections(self, x: F64) -> int:
        """Find sets by minimum cuts of the pairs in use, and add their rows where violated."""
        return self.add_violated(x, list(self._minimum_cuts(x)))

    # ---- rows of a set

    def _rows(self, inside: SiteSet) -> Iterator[Row]:
        for state in self._known_states(inside):
            yield from self._state_rows(inside, state)
        for terms, lower in self._spread(inside):
            columns, rates = (np.array(column) for column in zip(*terms, strict=True))
            if self._is_short(columns, rates, lower):
                yield from rounded(terms, lower)

    def _spread(self, inside: SiteSet) -> list[Row]:
        """Few lit ways across, much spare capacity: any one of them may fail.

        With ``L`` ways in use, single-legged links ``S`` and 1+1 links ``Z``, the state without a way leaves
        ``S`` less its share, and ``Z``. Summed over the ways, ``S + L / (L - 1) Z >= L / (L - 1) need``, so
        ``S + 2 Z`` is at least that. It is convex in ``L``: its chords between whole numbers are rows.
        """
        rows = self._spreads.get(inside)
        if rows is None:
            rows = self._spreads[inside] = list(self._spread_rows(inside))
        return rows

    def _spread_rows(self, inside: SiteSet) -> Iterator[Row]:
        fibers, offers = self._ways(inside)
        sold = [t for o in offers for terms in self._offer_terms[o] for t in terms]
        held = [[t for f in fibers for terms in self._fiber_terms[f] for t in terms] + sold]
        if len(inside) == 1:
            ends = [(f, s) for f in fibers for s in (0, 1) if site_at(self.instance, f, s) in inside]
            held = [[t for f, s in ends for n in (1, 2) for t in self.master.end_terms(f, s, n)] + sold]
        for light, lower in self.chords(inside):
            yield from (([*terms, *light], lower) for terms in held if terms)

    def chords(self, inside: SiteSet) -> list[Row]:
        """What single-legged links, and 1+1 links twice, hold across, less what more ways in use take off."""
        rows = self._chords.get(inside)
        if rows is None:
            rows = self._chords[inside] = list(self._chords_of(inside)) if self._two_ways(inside) else []
        return rows

    def _chords_of(self, inside: SiteSet) -> Iterator[Row]:
        instance, master = self.instance, self.master
        plain = next(
            (s for s, down in enumerate(instance.state_components) if 0 < down <= instance.group_mask), 0
        )
        need = self.need(inside, plain)
        fibers, offers = self._ways(inside)
        fibers = tuple(f for f in fibers if instance.max_pairs[f] > 0)
        if not plain or need <= 0.0 or not master.ports:
            return
        lit = sum(bool(instance.lit_pairs[f] > 0) for f in fibers)
        more = self._light(fibers) + [(master.bought[o], 1.0) for o in offers]
        for k in range(2, max(3, len(fibers) + len(offers))):
            fall = need / (k * (k - 1))  # from k / (k - 1) to (k + 1) / k
            lower = need * k / (k - 1) - fall * (lit - k)
            if lower > 0.0:
                yield [(c, fall * v) for c, v in more], lower

    def _known_states(self, inside: SiteSet) -> list[_StateOfSet]:
        states = self._fixed.get(inside)
        if states is None:
            states = self._fixed[inside] = list(self._states_of(inside))
        return states

    def _states_of(self, inside: SiteSet) -> Iterator[_StateOfSet]:
        """Failure states that differ for a set: number, what still crosses, Gb/s that must, any demand."""
        instance = self.instance
        crossing, offers = self._ways(inside)
        parts = [instance.fiber_components[f] for f in crossing] + [
            instance.offers[o].components for o in offers
        ]
        hit = 0
        for components in parts:
            hit |= instance.states_down(components & instance.group_mask)
        # one state stands for all that leave the cut whole; sites that fail change what must cross as well
        whole = next((s for s in range(1, len(instance.state_names)) if not hit >> s & 1), 0)
        done: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        for state, down in enumerate(instance.state_components):
            a_site = bool(down >> instance.n_groups)
            if not (hit >> state & 1 or a_site or state in (0, whole)):
                continue
            up = tuple(f for f in crossing if self._fiber_up[state, f])
            waves = tuple(o for o in offers if not instance.offers[o].components & down)
            if (up, waves) in done and not a_site:
                continue
            # state 0 differs from others that leave the cut whole: its own percentile, and all demands
            if state:
                done.add((up, waves))
            links = [(c, weight) for c, weight, _ in self._crossing(inside, up, waves)]
            covers = [
                (np.array([c for c, _ in terms], dtype=np.int64), np.array([rate for _, rate in terms]))
                for terms in self._covers(inside, up, waves)
            ]
            need, connected = self.need(inside, state), self._connected(inside, state)
            yield _StateOfSet(state, up, waves, need, connected, links, covers)

    def _state_rows(self, inside: SiteSet, state: _StateOfSet) -> Iterator[Row]:
        up, waves = state.up, state.waves
        if state.need > 0.0:
            for columns, rates in state.covers:
                if self._is_short(columns, rates, state.need):
                    yield from rounded(list(zip(columns.tolist(), rates.tolist(), strict=True)), state.need)
        if state.connected:
            if value_at(state.crossing, self._x) < 1.0 - VIOLATED and self._ip_connected(
                inside, state.number
            ):
                yield state.crossing, 1.0
            yield from self._lighting(inside, state)
        yield from self._pair_rows(inside, state.number, up, waves, state.need)

    def _crossing(
        self, inside: SiteSet, up: tuple[int, ...], waves: tuple[int, ...]
    ) -> Iterator[tuple[int, float, float]]:
        """Column, links it stands for, and usable Gb/s of all that crosses a cut in a failure state.

        A 1+1 link that crosses does so with both legs, whichever is up: half a link each.
        """
        fibers, offers = self._ways(inside)
        for ways, alive, terms in ((fibers, up, self._fiber_terms), (offers, waves, self._offer_terms)):
            for way in ways:
                if way in alive:
                    yield from ((c, 1.0, rate) for c, rate in terms[way][0])
                yield from ((c, 0.5, 0.5 * rate) for c, rate in terms[way][1])

    def _covers(self, inside: SiteSet, up: tuple[int, ...], waves: tuple[int, ...]) -> Iterator[list[Term]]:
        """Capacities that must hold what crosses, each on its own."""
        crossing = [(c, rate) for c, _, rate in self._crossing(inside, up, waves)]
        yield crossing
        fibers, offers = self._ways(inside)
        if len(fibers) + len(offers) - len(up) - len(waves) > 1:
            # several ways are down: both legs of a link may be
            yield [t for f in up for n in (0, 1) for t in self._fiber_terms[f][n]] + [
                t for o in waves for n in (0, 1) for t in self._offer_terms[o][n]
            ]
        if len(inside) == 1:
            (site,) = inside
            ends = [
                t for f in up for s in (0, 1) if site_at(self.instance, f, s) == site
                for t in self._end_terms[f][s]
            ]  # fmt: skip
            singles = [t for o in waves for t in self._offer_terms[o][0]]
            yield [*ends, *singles, *self._twin_terms[site]]

    def _ways(self, inside: SiteSet) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Fibers and offers that cross."""
        found = self._crossings.get(inside)
        if found is None:
            instance = self.instance
            fibers = tuple(
                f for f in range(len(instance.fiber_ids))
                if (int(instance.fiber_a[f]) in inside) != (int(instance.fiber_b[f]) in inside)
            )  # fmt: skip
            offers = tuple(o for o, x in enumerate(instance.offers) if (x.a in inside) != (x.b in inside))
            found = self._crossings[inside] = (fibers, offers)
        return found

    def _too_unsafe(self, inside: SiteSet) -> bool:
        """Whether something crosses that no single way across is available enough for."""
        instance = self.instance
        fibers, offers = self._ways(inside)
        groups = [instance.fiber_components[f] for f in fibers if instance.max_pairs[f] > 0]
        groups += [instance.offers[o].components & instance.group_mask for o in offers]
        best = max((_availability(instance, bits) for bits in groups), default=0.0)
        asked = [(x.a, x.b, x.promise.min_availability) for x in instance.lsps]
        asked += [(x.a, x.b, x.promise.min_availability) for x in instance.circuits]
        return any(best < least - SURE and (a in inside) != (b in inside) for a, b, least in asked)

    def _two_ways(self, inside: SiteSet) -> bool:
        """Whether something must cross in every failure state, and every way across may fail."""
        instance = self.instance
        if not instance.scenario.policy.failures.srlgs:
            return False
        ends = [*self.traffic.protected_pairs]
        ends += [(c.a, c.b) for c in instance.circuits if c.promise.protection != "none"]
        return any((a in inside) != (b in inside) for a, b in ends)

    def _lighting(self, inside: SiteSet, state: _StateOfSet) -> Iterator[Row]:
        """Something across is lit or bought."""
        lit = sum(bool(self.instance.lit_pairs[f] > 0) for f in state.up)
        # every way across may fail, or is down too often: seen without failures, there are two
        enough = 1 if state.number or not (self._two_ways(inside) or self._too_unsafe(inside)) else 2
        if lit < enough:
            bought = [(self.master.bought[o], 1.0) for o in state.waves]
            yield self._light(state.up) + bought, float(enough - lit)

    def _light(self, fibers: tuple[int, ...]) -> list[Term]:
        return [(self.master.lit[f], 1.0) for f in fibers if f in self.master.lit]

    def _pair_rows(
        self, inside: SiteSet, state: int, up: tuple[int, ...], waves: tuple[int, ...], need: float
    ) -> Iterator[Row]:
        """Whole pairs for the slots that must cross, where no wave offer can take part of the load."""
        instance = self.instance
        if waves or not up:
            return
        modes = instance.modes
        per_gbps = min(
            (modes.slots[m] / modes.rate_gbps[m] for m in self.master.ip_modes), default=0.0
        ) / max(self.master.share, 1e-9)
        slots = need * per_gbps
        for c in instance.circuits:
            if (c.a in inside) != (c.b in inside):
                legs = 2 if state == 0 and c.promise.protection == "disjoint" else 1
                if state and c.promise.protection == "none":
                    continue
                if self._ends_down((c.a, c.b), state):
                    continue
                able = [m for m in range(len(modes.ids)) if modes.rate_gbps[m] >= c.wave_gbps]
                slots += legs * c.waves * c.wave_gbps * min(
                    (modes.slots[m] / modes.rate_gbps[m] for m in able), default=0.0
                ) * (1.0 - WHOLE)  # fmt: skip
        pairs = math.ceil(slots / instance.scenario.spectrum.slots - WHOLE)
        lit = sum(int(instance.lit_pairs[f]) for f in up)
        if pairs > lit and pairs > 1:
            yield [(self.master.pairs[f], 1.0) for f in up], float(pairs - lit)

    # ---- what must cross

    def _ends_down(self, ends: tuple[int, int], state: int) -> bool:
        down = self.instance.state_components[state]
        return any(self.instance.site_component(v) & down for v in ends)

    def need(self, inside: SiteSet, state: int) -> float:
        """Gb/s that must cross in the busier direction, in the busiest mix of hours."""
        instance = self.instance
        matrices = self.traffic.failure if state else self.traffic.normal
        down = instance.state_components[state] >> instance.n_groups
        here = [v for v in sorted(inside) if not down >> v & 1]
        there = [v for v in range(len(instance.site_ids)) if v not in inside and not down >> v & 1]
        if not here or not there:
            return 0.0
        key = (tuple(here), tuple(there), bool(state))
        cached = self._needs.get(key)
        if cached is None:
            out = matrices[:, here][:, :, there].sum(axis=(1, 2))
            into = matrices[:, there][:, :, here].sum(axis=(1, 2))
            cached = float(max(out.max(), into.max()))
            if len(inside) == 1 and not down:
                own = self.traffic.site_failure if state else self.traffic.site_normal
                cached = max(cached, float(own[here[0]]))
            self._needs[key] = cached
        return cached

    def _ip_connected(self, inside: SiteSet, state: int) -> bool:
        pairs = self.traffic.protected_pairs if state else self.traffic.pairs
        return any((a in inside) != (b in inside) and not self._ends_down((a, b), state) for a, b in pairs)

    def _connected(self, inside: SiteSet, state: int) -> bool:
        if self.instance.state_components[state] >> self.instance.n_groups:
            return self._is_connected(inside, state)
        key = (inside, bool(state))
        if key not in self._connections:
            self._connections[key] = self._is_connected(inside, state)
        return self._connections[key]

    def _is_connected(self, inside: SiteSet, state: int) -> bool:
        if self._ip_connected(inside, state):
            return True
        return any(
            (c.a in inside) != (c.b in inside)
            and (not state or c.promise.protection != "none")
            and not self._ends_down((c.a, c.b), state)
            for c in self.instance.circuits
        )

    def _minimum_cuts(self, x: F64) -> Iterator[SiteSet]:
        instance = self.instance
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(instance.site_ids)))
        for f in range(len(instance.fiber_ids)):
            value = 1.0 if instance.lit_pairs[f] > 0 else float(x[self.master.lit[f]])
            _thicken(graph, int(instance.fiber_a[f]), int(instance.fiber_b[f]), value)
        for o, offer in enumerate(instance.offers):
            _thicken(graph, offer.a, offer.b, float(x[self.master.bought[o]]))
        wanted = nx.Graph(list(self.traffic.pairs) + [(c.a, c.b) for c in instance.circuits])
        for terminals in nx.connected_components(wanted):
            root, *others = sorted(terminals)
            for other in others:
                value, (side, _) = nx.minimum_cut(graph, root, other, capacity="capacity")
                if value < 2.0 - VIOLATED:
                    yield frozenset(side)


def _availability(instance: Instance, components: int) -> float:
    """Probability that none of the components is down."""
    up = 1.0
    while components:
        low = components & -components
        up *= 1.0 - float(instance.component_unavailability[low.bit_length() - 1])
        components ^= low
    return up


def _thicken(graph: nx.Graph[int], a: int, b: int, value: float) -> None:
    if graph.has_edge(a, b):
        graph[a][b]["capacity"] += value
    else:
        graph.add_edge(a, b, capacity=value)
