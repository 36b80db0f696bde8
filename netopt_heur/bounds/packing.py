"""LSPs are whole: how much of them a link can hold at most, and so how much capacity all links need.

Loads of a fraction of every LSP hardly ever peak together; those of a few whole LSPs do. Why the rows hold is
in ``docs/bounds.md``, "Whole LSPs".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from netopt_heur.bounds.master import Term
from netopt_heur.bounds.traffic import SAFETY, sets_of_samples, smallest_mean
from netopt_heur.bounds.transit import Pair, Transit
from netopt_heur.instance import F64, I64, Instance
from netopt_kernels.packing import densest

MOST_ROWS = 80  # per pair of sites, those in which its LSPs ask for most
QUICK, THOROUGH = 20_000, 2_000_000  # nodes of the search, per pair of sites
LEASTS = 2  # rows per failure state and worth, see docs/bounds.md
MOST_SIZES = 200  # of a link
BUSY = 1.0 / 6.0  # part of the samples that make the mean worth of an LSP
UNITS = 1_000  # rates are told apart to Gb/s over this


@dataclass(frozen=True)
class _Items:
    """LSPs that may end their paths on a link between two sites.

    Attributes
    ----------
    lsp
        int64[n].
    load
        float64[rows, n], Gb/s in either direction, in samples or means of their smallest.
    times
        float64[n], hops at ends that the link counts as: 2 if the LSP has both there.
    """

    lsp: I64
    load: F64
    times: F64


class Packing:
    """Rows that hold each link to whole LSPs.

    Parameters
    ----------
    transit
        Columns of links.

    Attributes
    ----------
    held : dict
        Column -> the terms that it is at most.
    """

    def __init__(self, transit: Transit) -> None:
        self.transit, self.instance = transit, transit.master.instance
        self.held: dict[int, list[Term]] = {}
        self._rows = _additive_rows(self.instance)
        self._unit = _common_unit([rate for _, rate in transit.links])
        self._worths = list(_worths(self.instance)) if self._unit else []
        self._pairs = list(dict.fromkeys(pair for pair, _ in transit.links))
        self._per_gbps: list[dict[Pair, float]] = [{} for _ in self._worths]
        # columns come before the first solve: a program that grows by them starts from scratch
        program = transit.master.program
        self._free = [program.column(integer=False) for _ in range(2 * (1 + LEASTS) * len(self._worths))]

    def add_quick(self, in_time: Callable[[], bool]) -> int:
        """Add rows from a short search for each link, none if the time is up before; returns how many."""
        return self._add((), in_time)

    def add_thorough(self, x: F64, in_time: Callable[[], bool]) -> int:
        """Add rows from a long search, links with most capacity first, as far as time allows."""
        used = {pair: 0.0 for pair in self._pairs}
        for (pair, rate), column in self.transit.links.items():
            used[pair] += rate * float(x[column])
        return self._add(sorted(used, key=lambda pair: -used[pair]), in_time)

    def _add(self, thorough: Iterable[Pair], in_time: Callable[[], bool]) -> int:
        program = self.transit.master.program
        before = len(program.rows)
        for worth, per_gbps in zip(self._worths, self._per_gbps, strict=True):
            searches = [(pair, QUICK) for pair in self._pairs if pair not in per_gbps]
            searches += [(pair, THOROUGH) for pair in thorough]
            for pair, most_nodes in searches:
                if not in_time():
                    break
                found = self._densest(pair, worth, most_nodes)
                per_gbps[pair] = min(found, per_gbps.get(pair, math.inf))
            if len(per_gbps) == len(self._pairs):
                self._add_rows(worth, per_gbps)
        return len(program.rows) - before

    def _densest(self, pair: Pair, worth: F64, most_nodes: int) -> float:
        """Most worth that a link between two sites can hold, per Gb/s of its channels."""
        items, share = self._items(pair), self.transit.master.share
        count = math.ceil(float(items.load.sum(axis=1).max(initial=0.0)) / share / self._unit)
        if count > MOST_SIZES:
            return math.inf
        size = self._unit * share * np.arange(1.0, count + 1.0)
        value = worth[items.lsp] * items.times
        return densest(items.load, value, size, most_nodes) * share / SAFETY if count else 0.0

    def _items(self, pair: Pair) -> _Items:
        """LSPs with an end at either site, and their loads from the first to the second and back."""
        a, b = pair
        lsps, loads, times = [], [], []
        for i, lsp in enumerate(self.instance.lsps):
            if lsp.hours is None and {lsp.a, lsp.b} & {a, b}:
                # from a: forwards if the LSP starts there, or ends at b; else it comes from its own b
                out = 0 if lsp.a == a or (lsp.b == b and lsp.a != b) else 1
                lsps.append(i)
                loads.append(np.concatenate((self._rows[i, out], self._rows[i, 1 - out])))
                times.append(2.0 if {lsp.a, lsp.b} == {a, b} else 1.0)
        load = np.array(loads).reshape(len(lsps), 2 * self._rows.shape[2])
        most = np.argsort(-load.sum(axis=0), kind="stable")[:MOST_ROWS]
        return _Items(np.array(lsps, dtype=np.int64), np.ascontiguousarray(load[:, most].T), np.array(times))

    def _add_rows(self, worth: F64, per_gbps: dict[Pair, float]) -> None:
        """All links hold both ends of all LSPs; in a failure state without those that are down."""
        transit, program = self.transit, self.transit.master.program
        values = list(per_gbps.values())
        if not math.isfinite(max(values)):
            return
        protected = np.array([lsp.promise.protection != "none" for lsp in self.instance.lsps])
        need = 2.0 * float(worth[protected].sum()) * SAFETY
        program.at_least([(self._held(per_gbps, 0.0), 1.0)], 2.0 * float(worth.sum()) * SAFETY)
        # a fiber does not say which pairs its channels join: none may hold less than what is taken off
        for least in (float(np.median(values)), max(values)):
            held = self._held(per_gbps, least)
            for state in transit.states() if need > 0.0 else ():
                for lost in transit.lost(state):
                    program.at_least([(held, 1.0), *((c, -least * rate) for c, rate in lost)], need)

    def _held(self, per_gbps: dict[Pair, float], least: float) -> int:
        """Column for what all links hold at most."""
        column = self._free.pop()
        terms = [(c, max(per_gbps[pair], least) * rate) for (pair, rate), c in self.transit.links.items()]
        self.held[column] = terms
        self.transit.master.program.at_least([*terms, (column, -1.0)], 0.0)
        return column


def _additive_rows(instance: Instance) -> F64:
    """Loads of LSPs, float64[n_lsps, 2, n_rows], whose sum over a link's LSPs is at most its usable Gb/s.

    A sample each, where none may be clipped; else the mean of the smallest of a set of samples. By the lower
    of both percentiles, they hold with and without failures.
    """
    rank = np.minimum(instance.rank_normal, instance.rank_failure)
    total = instance.samples.sum(axis=(0, 1))
    size = np.diff(instance.group_start)
    whole = np.repeat(rank == size, size)
    means = [
        smallest_mean(instance.samples[:, :, chosen], count)[:, :, None]
        for group, chosen, count in sets_of_samples(total, instance.group_start, rank)
        if rank[group] < size[group]
    ]
    return np.concatenate([instance.samples[:, :, whole], *means], axis=2)


def _common_unit(rates: list[float]) -> float:
    """Largest Gb/s that all rates are whole multiples of; 0 if there is none."""
    scaled = np.round(np.array(rates) * UNITS)
    if not len(scaled) or not np.allclose(scaled / UNITS, rates, rtol=0.0, atol=1e-9):
        return 0.0
    return float(np.gcd.reduce(scaled.astype(np.int64))) / UNITS


def _worths(instance: Instance) -> Iterator[F64]:
    """Worths of the LSPs: their mean in the busiest samples, and their peak."""
    packets = np.array([lsp.hours is None for lsp in instance.lsps], dtype=np.bool_)
    if not packets.any():
        return
    samples = instance.samples.mean(axis=1)
    busy = np.argsort(-samples[packets].sum(axis=0), kind="stable")[: max(1, int(BUSY * samples.shape[1]))]
    for worth in (samples[:, busy].mean(axis=1), instance.samples.max(axis=(1, 2))):
        worth[~packets] = 0.0
        if worth.any():
            yield worth / worth.max()
