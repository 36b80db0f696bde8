"""Cuts in terms of links: what they hold between two sides of the map, whatever fibers they use.

A lightpath that winds across a cut counts there as often as it does; a link crosses once or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netopt_heur.bounds.master import Term, site_at, value_at
from netopt_heur.bounds.rounding import VIOLATED, WHOLE, Row, rounded
from netopt_heur.bounds.site_cuts import SiteCuts
from netopt_heur.bounds.transit import Pair, Transit
from netopt_heur.instance import F64, I64

MOST_TERMS = 100_000  # of the rows of a round: long rows of large networks slow every solve down
SINGLE, TWIN = 1, 2  # legs
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class _Found:
    """A violated row: by how much, relative; what it is of, set of sites and state."""

    missing: float
    kind: str
    inside: int
    state: int


class LinkCuts:
    """Cuts in terms of links around the sets of sites of the other cuts.

    Parameters
    ----------
    transit
        Columns of links.
    cuts
        The sets, and what must cross them.
    """

    def __init__(self, transit: Transit, cuts: SiteCuts) -> None:
        self.transit, self.cuts, self.master = transit, cuts, transit.master
        instance = self.master.instance
        self.rates = sorted({rate for _, rate in transit.links})
        self.pairs = sorted({pair for pair, _ in transit.links})
        self.usable = self.master.share * np.array(self.rates)  # Gb/s of a channel
        n_fibers, n_offers = len(instance.fiber_ids), len(instance.offers)
        ends = [(site_at(instance, f, 0), site_at(instance, f, 1)) for f in range(n_fibers)]
        ends += [(offer.a, offer.b) for offer in instance.offers]
        inside = np.zeros((len(cuts.sets), len(instance.site_ids)), dtype=np.bool_)
        for row, sites in zip(inside, cuts.sets, strict=True):
            row[list(sites)] = True
        self.across, self.ways_across = _split(inside, self.pairs), _split(inside, ends)
        self.down = self._states()
        # per way, the columns of its channels and their rates, of single-legged and of 1+1 links
        self.on_way = {n: [self._on_fiber(f, n) for f in range(n_fibers)] for n in (SINGLE, TWIN)}
        for n, ways in self.on_way.items():
            ways += [self._on_offer(o, n) for o in range(n_offers)]
        plain = next((s for s, d in enumerate(instance.state_components) if 0 < d <= instance.group_mask), 0)
        self.need = np.array([cuts.need(s, 0) for s in cuts.sets])
        self.need_down = np.array([cuts.need(s, plain) if plain else 0.0 for s in cuts.sets])

    def _states(self) -> Bools:
        """Ways down in each failure state of one group, which leaves 1+1 links up; bool[n_states, n_ways]."""
        instance = self.master.instance
        parts = [*instance.fiber_components, *(offer.components for offer in instance.offers)]
        found = {
            tuple(bool(bits & down) for bits in parts)
            for down in instance.state_components
            if 0 < down <= instance.group_mask and not down & (down - 1)
        }
        rows = sorted(row for row in found if any(row))
        return np.array(rows, dtype=np.bool_).reshape(len(rows), len(parts))

    def _on_fiber(self, fiber: int, legs: int) -> list[tuple[int, int]]:
        """Columns of channels on a fiber, and the places of their rates."""
        master = self.master
        return [
            (master.channels[fiber, m, legs], self.rates.index(float(master.instance.modes.rate_gbps[m])))
            for m in master.ip_modes
            if (fiber, m, legs) in master.channels and master.instance.modes.rate_gbps[m] in self.rates
        ]

    def _on_offer(self, offer: int, legs: int) -> list[tuple[int, int]]:
        """Columns of units of a wave offer, and the places of their rates."""
        rates = self.master.instance.offers[offer].rates_gbps
        return [
            (column, self.rates.index(rates[j]))
            for (o, j, n), column in self.master.units.items()
            if (o, n) == (offer, legs) and rates[j] in self.rates
        ]

    def add_violated(self, x: F64) -> int:
        """Add the most violated rows; returns how many."""
        if not self.rates or not self.transit.by_pair:
            return 0
        before, room = len(self.master.program.rows), MOST_TERMS
        for found in sorted(self._violated(x), key=lambda f: (-f.missing, f.kind, f.inside, f.state)):
            for terms, lower in self._rows(found):
                if room > 0 and value_at(terms, x) < lower - VIOLATED * max(1.0, abs(lower)):
                    self.master.program.at_least(terms, lower)
                    room -= len(terms)
            if room <= 0:
                break
        return len(self.master.program.rows) - before

    # ---- what is violated, all sets and states at once

    def _violated(self, x: F64) -> Iterator[_Found]:
        links = self._crossing(x, self.transit.links)
        twins = self._crossing(x, self.transit.twins)
        single, twin = (self._ways(x, legs) for legs in (SINGLE, TWIN))
        alive = np.einsum("sw,tw,wr->str", self.ways_across * 1.0, ~self.down * 1.0, single)
        alive = alive + twins[:, None, :]
        yield from _places("normal", self._missing(links[:, None, :], self.need))
        yield from _places("failed", self._missing(alive, self.need_down))
        yield from self._violated_chords(x, links + twins)
        scale = 1.0 + links @ self.usable
        spare = (self.ways_across @ single - (links - twins)) @ self.usable
        yield from _places("carried", -(spare / scale)[:, None])
        spare = (self.ways_across @ twin - 2.0 * twins) @ self.usable
        yield from _places("both", -(spare / scale)[:, None])
        on_one = self.ways_across * (twin @ self.usable)  # of a 1+1 link, one leg at most is on a way
        spare = on_one.sum(axis=1)[:, None] - on_one - (twins @ self.usable)[:, None]
        yield from _places("either", np.where(self.ways_across, -spare / scale[:, None], 0.0))

    def _violated_chords(self, x: F64, crossing: F64) -> Iterator[_Found]:
        """Few ways, much spare."""
        for s, inside in enumerate(self.cuts.sets):
            for k, (light, lower) in enumerate(self.cuts.chords(inside)):
                missing = 1.0 - (float(crossing[s] @ self.usable) + value_at(light, x)) / lower
                if missing > VIOLATED:
                    yield _Found(missing, "chord", s, k)

    def _crossing(self, x: F64, columns: dict[tuple[Pair, float], int]) -> F64:
        """Channels of links across each set, float64[n_sets, n_rates]."""
        count = np.zeros((len(self.pairs), len(self.rates)))
        place = {pair: k for k, pair in enumerate(self.pairs)}
        for (pair, rate), column in columns.items():
            count[place[pair], self.rates.index(rate)] = x[column]
        return np.asarray(self.across @ count)

    def _ways(self, x: F64, legs: int) -> F64:
        """Channels on each way, float64[n_ways, n_rates]."""
        count = np.zeros((len(self.on_way[legs]), len(self.rates)))
        for row, users in zip(count, self.on_way[legs], strict=True):
            for column, rate in users:
                row[rate] += x[column]
        return count

    def _missing(self, held: F64, need: F64) -> F64:
        """What a cover or its worst rounding lacks, relative; float64[n_sets, n_states].

        Parameters
        ----------
        held
            float64[n_sets, n_states or 1, n_rates], channels.
        need
            float64[n_sets], Gb/s.
        """
        asked = np.where(need > 0.0, need, 1.0)[:, None]
        worst = 1.0 - held @ self.usable / asked
        for divisor in self.usable:
            whole = np.floor(asked / divisor)
            part = asked / divisor - whole
            able = part > WHOLE
            full = np.floor(self.usable / divisor + 1e-12)
            parts = np.maximum(0.0, self.usable / divisor - full) / np.where(able, part, 1.0)
            value = np.einsum("str,sr->st", held, full + np.minimum(1.0, parts))
            worst = np.maximum(worst, np.where(able, 1.0 - value / (whole + 1.0), -1.0))
        return np.where((need > 0.0)[:, None], worst, -1.0)

    # ---- rows

    def _rows(self, found: _Found) -> Iterator[Row]:
        s, state, transit = found.inside, found.state, self.transit
        ways = np.flatnonzero(self.ways_across[s])
        links, twins = (self._sums(s, sums) for sums in (transit.links_gbps, transit.twins_gbps))
        if found.kind == "normal":
            yield from _covers(links, self._channels(s, transit.links), [], float(self.need[s]))
        elif found.kind == "failed":
            up = self._way_terms(ways[~self.down[state][ways]], SINGLE)
            yield from _covers(twins, self._channels(s, transit.twins), up, float(self.need_down[s]))
        elif found.kind == "chord":
            light, lower = self.cuts.chords(self.cuts.sets[s])[state]
            yield [*links, *twins, *light], lower
        elif found.kind == "carried":
            yield [*self._way_terms(ways, SINGLE), *_times(links, -1.0), *twins], 0.0
        else:
            legs = 2.0 if found.kind == "both" else 1.0
            left = ways if found.kind == "both" else ways[ways != state]
            yield [*self._way_terms(left, TWIN), *_times(twins, -legs)], 0.0

    def _sums(self, s: int, sums: dict[Pair, int]) -> list[Term]:
        """Usable Gb/s of links across a set, a column for each pair."""
        across = (self.pairs[k] for k in np.flatnonzero(self.across[s]))
        return [(sums[pair], 1.0) for pair in across if pair in sums]

    def _channels(self, s: int, columns: dict[tuple[Pair, float], int]) -> list[Term]:
        """The same, a column for each pair and rate."""
        across = {self.pairs[k] for k in np.flatnonzero(self.across[s])}
        share = self.master.share
        return [(column, share * rate) for (pair, rate), column in columns.items() if pair in across]

    def _way_terms(self, ways: I64, legs: int) -> list[Term]:
        """Usable Gb/s of channels on ways."""
        return [(c, float(self.usable[rate])) for w in ways.tolist() for c, rate in self.on_way[legs][w]]


def _covers(sums: list[Term], channels: list[Term], ways: list[Term], need: float) -> Iterator[Row]:
    """A cover, and its roundings, which are about whole channels."""
    yield [*sums, *ways], need
    yield from (row for i, row in enumerate(rounded([*channels, *ways], need)) if i)


def _times(terms: list[Term], factor: float) -> list[Term]:
    return [(column, factor * value) for column, value in terms]


def _split(inside: Bools, ends: list[tuple[int, int]]) -> Bools:
    """Whether each set holds one end of a pair of sites and not the other; bool[n_sets, n_pairs]."""
    a, b = (np.array([end[i] for end in ends], dtype=np.int64) for i in (0, 1))
    return inside[:, a] ^ inside[:, b]


def _places(kind: str, missing: F64) -> Iterator[_Found]:
    """Where something is missing."""
    for s, state in np.argwhere(missing > VIOLATED).tolist():
        yield _Found(float(missing[s, state]), kind, s, state)
