"""Brute force, second half: all channels, pairs and slots for given loads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from netopt_heur.exact.brute_paths import IpLink, Leg, Network, Route
from netopt_heur.scenario.scenario import Price, Scenario

Kind = tuple[str, tuple[str, ...], float]  # mode, regeneration sites, rate; for offers ("", (), rate)
Placed = tuple[int | None, tuple[int, ...]]


@dataclass(frozen=True)
class Need:
    """What one link (``link`` given) or one leg of a circuit must carry.

    A link: at least ``gbps``, perhaps up to ``extra_gbps`` more; a circuit: ``waves`` of ``wave_gbps``.
    """

    link: IpLink | None
    legs: tuple[Leg, ...]
    gbps: float
    extra_gbps: float
    waves: int
    wave_gbps: float


@dataclass(frozen=True)
class Alternative:
    """Channels for one need: kinds and rates per leg, and their cost without fibers and what is shared."""

    kinds: tuple[tuple[Kind, ...], ...]
    rates: tuple[tuple[float, ...], ...]
    cost: float


@dataclass(frozen=True)
class Dimensioned:
    """The cheapest way to carry all needs."""

    cost: float
    chosen: tuple[Alternative, ...]
    pairs: dict[str, int]
    places: list[Placed]


class Channels:
    """Prices, and every minimal set of channels for a need."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.net = scenario, Network(scenario)
        self.modes = {m.id: m for m in scenario.catalogue.modes}
        self.alternatives = cache(self._alternatives)
        self.cheapest = cache(self._cheapest)
        self.least_slots = cache(self._least_slots)

    def worth(self, price: Price) -> float:
        """Capex, opex and power over the horizon."""
        s = self.scenario
        return price.capex + s.horizon_years * (
            price.opex + price.power_w * s.catalogue.power_cost_per_w_year
        )

    def port(self, rate: float) -> tuple[float, float]:
        """(worth, rate) of the cheapest port."""
        ports = [
            (self.worth(p.price), p.rate_gbps) for p in self.scenario.catalogue.ports if p.rate_gbps >= rate
        ]
        return min(ports, default=(math.inf, math.inf))

    def pair_cost(self, fiber: str) -> float:
        """One new pair."""
        f, c = self.net.fibers[fiber], self.scenario.catalogue
        amplifiers = max(0, math.ceil(f.length_km / c.span_km) - 1)
        return (
            self.worth(f.lease_per_pair_km) * f.length_km
            + 2 * self.worth(c.pair_terminal)
            + amplifiers * self.worth(c.inline_amplifier)
        )

    def first_pair(self, fiber: str) -> float:
        """What using a fiber at all costs."""
        f = self.net.fibers[fiber]
        build = self.worth(f.build_cost) if f.candidate else 0.0
        return build + (self.pair_cost(fiber) if f.lit_pairs == 0 else 0.0)

    def used_candidates(self, needs: Sequence[Need]) -> set[str]:
        """Candidate fibers under any leg."""
        used = {f for need in needs for leg in need.legs if isinstance(leg, Route) for f in leg.fibers}
        return {f for f in used if self.net.fibers[f].candidate}

    def chassis(self, rate: float) -> float:
        """Cheapest chassis as the model page counts them."""
        steps = [(c.capacity_gbps, self.worth(c.price)) for c in self.scenario.catalogue.chassis]
        if not steps or rate <= 0:
            return 0.0
        capacity, price = max(steps)
        full = math.ceil(rate / capacity) - 1
        rest = min(rate - full * capacity, capacity)  # rounding may leave a trifle more
        return full * price + min(p for c, p in steps if c >= rest)

    def kinds(self, leg: Leg, circuit: bool) -> list[tuple[Kind, float]]:
        """Kinds of channels of a leg with their cost (transponders and regenerators, or unit)."""
        if isinstance(leg, Route):
            found = []
            for m in self.scenario.catalogue.modes:
                if m.slots > self.scenario.spectrum.slots or (
                    not circuit and math.isinf(self.port(m.rate_gbps)[0])
                ):
                    continue
                for regens in self.net.regenerated(leg, m):
                    cost = 2 * self.worth(m.price) + len(regens) * self.worth(m.regenerator)
                    found.append(((m.id, regens, m.rate_gbps), cost))
            return found
        units = self.net.offers[leg.offer].units
        return [
            (("", (), u.rate_gbps), self.worth(u.price))
            for u in units
            if circuit or math.isfinite(self.port(u.rate_gbps)[0])
        ]

    def _cheapest(self, need: Need) -> float:
        lean = Need(need.link, need.legs, need.gbps, 0.0, need.waves, need.wave_gbps)
        return min((a.cost for a in self.alternatives(lean)), default=math.inf)

    def _least_slots(self, need: Need) -> tuple[int, ...]:
        """Slots that each leg takes at least."""
        lean = Need(need.link, need.legs, need.gbps, 0.0, need.waves, need.wave_gbps)
        found = self.alternatives(lean)
        return tuple(
            min((sum(self.modes[k[0]].slots for k in a.kinds[i] if k[0]) for a in found), default=0)
            for i in range(len(need.legs))
        )

    def slots_suffice(self, needs: Sequence[Need]) -> bool:
        """Whether every fiber could hold the least slots of all needs with all its pairs."""
        used: dict[str, int] = {}
        for need in needs:
            for leg, slots in zip(need.legs, self.least_slots(need), strict=True):
                for f in leg.fibers if isinstance(leg, Route) else ():
                    used[f] = used.get(f, 0) + slots
        grid = self.scenario.spectrum.slots
        return all(n <= grid * self.net.fibers[f].max_pairs for f, n in used.items())

    def _alternatives(self, need: Need) -> list[Alternative]:
        circuit = need.link is None
        first = self.kinds(need.legs[0], circuit)
        if circuit:
            first = [(k, c) for k, c in first if k[2] >= need.wave_gbps]
        found = []
        for counts in self._multisets(need, [k[2] for k, _ in first]):
            chosen = [first[i] for i, n in enumerate(counts) for _ in range(n)]
            rates = tuple(sorted(k[2] for k, _ in chosen))
            ports = 0.0 if circuit else sum(2 * self.port(r)[0] for r in rates)
            cost = sum(c for _, c in chosen) + ports
            mine = tuple(k for k, _ in chosen)
            if len(need.legs) == 1:
                found.append(Alternative((mine,), (rates,), cost))
            else:
                for other, more in self._same_rates(need.legs[1], rates):
                    found.append(Alternative((mine, other), (rates, rates), cost + more))
        return sorted(found, key=lambda a: a.cost)

    def _multisets(self, need: Need, rates: list[float]) -> Iterator[tuple[int, ...]]:
        """Counts per kind that carry the need and would not without their smallest channel (and extra)."""

        def enough(counts: Sequence[int], gbps: float) -> bool:
            if need.link is None:
                waves = sum(
                    n * math.floor(r / need.wave_gbps + 1e-9) for n, r in zip(counts, rates, strict=True)
                )
                return waves >= need.waves
            capacity = sum(n * r for n, r in zip(counts, rates, strict=True))
            return sum(counts) > 0 and capacity * (1 + 1e-9) >= gbps

        def grow(counts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
            i = len(counts)
            if i == len(rates):
                if enough(counts, need.gbps) and not any(
                    n and enough([m - (j == k) for k, m in enumerate(counts)], need.gbps + need.extra_gbps)
                    for j, n in enumerate(counts)
                ):
                    yield counts
                return
            n = 0
            while True:
                partial = (*counts, n)
                padded = partial + (0,) * (len(rates) - len(partial))
                yield from grow(partial)
                if enough(padded, need.gbps + need.extra_gbps):
                    return
                n += 1

        if rates:
            yield from grow(())

    def _same_rates(self, leg: Leg, rates: Sequence[float]) -> Iterator[tuple[tuple[Kind, ...], float]]:
        kinds = self.kinds(leg, False)
        seen = set()
        for picked in product(*([(k, c) for k, c in kinds if k[2] == r] for r in rates)):
            content = tuple(sorted(k for k, _ in picked))
            if content not in seen:
                seen.add(content)
                yield tuple(k for k, _ in picked), sum(c for _, c in picked)


class Dimensioner:
    """Tries all alternatives of all needs, cheapest first.

    Parameters
    ----------
    channels, needs
        Prices and what to carry.
    best
        Only something cheaper is of interest.
    moves
        Whether what the needs leave out (a transfer) fits too.
    """

    def __init__(
        self,
        channels: Channels,
        needs: list[Need],
        best: float,
        moves: Callable[[Sequence[Alternative]], bool],
    ) -> None:
        self.channels, self.needs, self.best, self.moves = channels, needs, best, moves
        self.net, self.found = channels.net, None  # type: Network, Dimensioned | None
        self.alternatives = [channels.alternatives(need) for need in needs]
        self.ahead = [0.0]
        for alternatives in reversed(self.alternatives):
            self.ahead.insert(0, self.ahead[0] + min((a.cost for a in alternatives), default=math.inf))
        fibers = {f for need in needs for leg in need.legs if isinstance(leg, Route) for f in leg.fibers}
        self.fibers = sorted(fibers)
        self.least_fiber = sum(channels.first_pair(f) for f in fibers)

    def search(self) -> Dimensioned | None:
        """The cheapest dimensioning below ``best``."""
        self._choose([], 0.0)
        return self.found

    def _choose(self, chosen: list[Alternative], cost: float) -> None:
        i = len(chosen)
        if cost + self.ahead[i] + self.least_fiber >= self.best - 1e-9:
            return
        if i == len(self.needs):
            self._finish(tuple(chosen), cost)
            return
        for alternative in self.alternatives[i]:
            chosen.append(alternative)
            self._choose(chosen, cost + alternative.cost)
            chosen.pop()

    def _finish(self, chosen: tuple[Alternative, ...], cost: float) -> None:
        shared = self._shared_cost(chosen)
        if cost + shared + self.least_fiber >= self.best - 1e-9 or not self.moves(chosen):
            return
        blocks = [
            (part, self.channels.modes[kind[0]].slots)
            for need, a in zip(self.needs, chosen, strict=True)
            for leg, kinds in zip(need.legs, a.kinds, strict=True)
            if isinstance(leg, Route)
            for kind in kinds
            for part in self.net.parts(leg, kind[1])
        ]
        for fiber_cost, pairs in self._pair_counts(blocks):
            total = cost + shared + fiber_cost
            if total >= self.best - 1e-9:
                return
            places = self._place(blocks, pairs)
            if places is not None:
                self.best = total
                self.found = Dimensioned(total, chosen, pairs, places)
                return

    def _shared_cost(self, chosen: Sequence[Alternative]) -> float:
        """Regeneration sites, offers (inf beyond max_units) and chassis."""
        opened: set[str] = set()
        ports: dict[str, float] = {}
        units: dict[str, int] = {}
        for need, a in zip(self.needs, chosen, strict=True):
            for leg, kinds in zip(need.legs, a.kinds, strict=True):
                opened |= {s for kind in kinds for s in kind[1]}
                if not isinstance(leg, Route):
                    units[leg.offer] = units.get(leg.offer, 0) + len(kinds)
            if need.link is not None:
                for end in (need.legs[0].a, need.legs[0].b):
                    ports[end] = ports.get(end, 0.0) + sum(self.channels.port(r)[1] for r in a.rates[0])
        if any(n > self.net.offers[o].max_units for o, n in units.items()):
            return math.inf
        return (
            sum(self.channels.worth(self.net.sites[s].regen_open_cost) for s in opened)
            + sum(self.channels.worth(self.net.offers[o].setup) for o in units)
            + sum(self.channels.chassis(t) for t in ports.values())
        )

    def _pair_counts(
        self, blocks: Sequence[tuple[tuple[str, ...], int]]
    ) -> list[tuple[float, dict[str, int]]]:
        """All numbers of pairs that slots alone allow, cheapest first."""
        slots = self.channels.scenario.spectrum.slots
        ranges = []
        for name in self.fibers:
            f = self.net.fibers[name]
            used = sum(width for fibers, width in blocks if name in fibers)
            least = max(f.lit_pairs, math.ceil(used / slots))
            for width in {w for fibers, w in blocks if name in fibers}:
                wide = sum(w >= width for fibers, w in blocks if name in fibers)
                least = max(least, math.ceil(wide / (slots // width)))
            ranges.append(range(least, f.max_pairs + 1))
        found = []
        for counts in product(*ranges):
            cost = 0.0
            for name, n in zip(self.fibers, counts, strict=True):
                f = self.net.fibers[name]
                cost += (n - f.lit_pairs) * self.channels.pair_cost(name)
                cost += self.channels.worth(f.build_cost) if f.candidate else 0.0
            found.append((cost, dict(zip(self.fibers, counts, strict=True))))
        return sorted(found, key=lambda x: x[0])

    def _place(
        self, blocks: Sequence[tuple[tuple[str, ...], int]], pairs: dict[str, int]
    ) -> list[Placed] | None:
        """First slots and pairs of all blocks by trying everything."""
        spectrum = self.channels.scenario.spectrum
        continuous = spectrum.continuity == "required"
        step = math.gcd(*(width for _, width in blocks)) if blocks else 1
        used: dict[tuple[str, int], set[int]] = {}
        counted: dict[tuple[str, int], int] = {}
        places: list[Placed] = []
        blocks = list(blocks)

        def place(i: int) -> bool:
            if i == len(blocks):
                return True
            fibers, width = blocks[i]
            starts = range(0, spectrum.slots - width + 1, step) if continuous else range(1)
            for start, chosen in product(starts, product(*(range(pairs[f]) for f in fibers))):
                if i and blocks[i - 1] == blocks[i] and (start if continuous else None, chosen) < places[-1]:
                    continue  # equal blocks in one order
                slots = set(range(start, start + width))
                on = list(zip(fibers, chosen, strict=True))
                if continuous:
                    fits = all(not slots & used.get(x, set()) for x in on)
                else:
                    fits = all(counted.get(x, 0) + width <= spectrum.slots for x in on)
                if not fits:
                    continue
                for x in on:
                    used[x] = used.get(x, set()) | slots
                    counted[x] = counted.get(x, 0) + width
                places.append((start if continuous else None, chosen))
                if place(i + 1):
                    return True
                places.pop()
                for x in on:
                    used[x] = used[x] - slots
                    counted[x] -= width
            return False

        return places if place(0) else None
