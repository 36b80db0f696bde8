"""LSPs are whole: how much of them a link can hold at most, and so how much capacity all links need.

Loads of a fraction of every LSP hardly ever peak together; those of a few whole LSPs do. Why the rows hold is
in ``docs/bounds.md``, "Whole LSPs".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from netopt_heur.bounds.master import Term
from netopt_heur.bounds.traffic import SAFETY, sets_of_samples, smallest_mean
from netopt_heur.bounds.transit import Pair, Transit
from netopt_heur.instance import F64, I64, Instance
from netopt_kernels.packing import densest

MOST_ROWS = 80  # per pair of sites, those in which its LSPs ask for most
MOST_NODES = (20_000, 2_000_000)  # of the search, per pair of sites: first quick, then thorough
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
    """

    def __init__(self, transit: Transit) -> None:
        self.transit, self.instance = transit, transit.master.instance
        self.rows = _additive_rows(self.instance)
        self.unit = _common_unit([rate for _, rate in transit.links])

    def add(self, in_time: Callable[[], bool]) -> int:
        """Add the rows of several worths of the LSPs, while there is time; returns how many."""
        program = self.transit.master.program
        before = len(program.rows)
        for most_nodes in MOST_NODES if self.unit else ():
            for worth in _worths(self.instance):
                per_gbps = self._worth_per_gbps(worth, most_nodes, in_time)
                for row, lower in self._rows_of(worth, per_gbps) if per_gbps else ():
                    program.at_least(row, lower)
        return len(program.rows) - before

    def _worth_per_gbps(
        self, worth: F64, most_nodes: int, in_time: Callable[[], bool]
    ) -> dict[Pair, float] | None:
        """Most worth that a link between two sites can hold, per Gb/s of channels; None if out of time."""
        found: dict[Pair, float] = {}
        for pair in dict.fromkeys(pair for pair, _ in self.transit.links):
            if not in_time():
                return None
            items = self._items(pair)
            value = worth[items.lsp] * items.times
            share = self.transit.master.share
            count = int(np.ceil(items.load.sum(axis=1).max(initial=0.0) / share / self.unit))
            if count > MOST_SIZES:
                return None
            size = self.unit * np.arange(1.0, count + 1.0)
            dense = densest(items.load, value, size * share, most_nodes) * share if count else 0.0
            found[pair] = dense / SAFETY
        return found

    def _items(self, pair: Pair) -> _Items:
        """LSPs with an end at either site, and their loads from the first to the second and back."""
        a, b = pair
        lsps, loads, times = [], [], []
        for i, lsp in enumerate(self.instance.lsps):
            if lsp.hours is None and {lsp.a, lsp.b} & {a, b}:
                # from a: forwards if the LSP starts there, or ends at b; else it comes from its own b
                out = 0 if lsp.a == a or (lsp.b == b and lsp.a != b) else 1
                lsps.append(i)
                loads.append(np.concatenate((self.rows[i, out], self.rows[i, 1 - out])))
                times.append(2.0 if {lsp.a, lsp.b} == {a, b} else 1.0)
        load = np.array(loads).reshape(len(lsps), 2 * self.rows.shape[2])
        most = np.argsort(-load.sum(axis=0), kind="stable")[:MOST_ROWS]
        return _Items(np.array(lsps, dtype=np.int64), np.ascontiguousarray(load[:, most].T), np.array(times))

    def _rows_of(self, worth: F64, per_gbps: dict[Pair, float]) -> Iterator[tuple[list[Term], float]]:
        """All links hold both ends of all LSPs; in a failure state without those that are down."""
        transit = self.transit
        both_ends = 2.0 * worth
        largest = max(per_gbps.values(), default=0.0)
        if largest <= 0.0:
            return
        yield self._held(per_gbps, 0.0), float(both_ends.sum()) * SAFETY
        protected = np.array([lsp.promise.protection != "none" for lsp in self.instance.lsps])
        need = float(both_ends[protected].sum()) * SAFETY
        # a fiber does not say which pairs its channels join: none may hold less than what is taken off
        for least in (float(np.median(list(per_gbps.values()))), largest):
            held = self._held(per_gbps, least)
            for state in transit.states():
                for lost in transit.lost(state):
                    yield [*held, *((c, -least * rate) for c, rate in lost)], need

    def _held(self, per_gbps: dict[Pair, float], least: float) -> list[Term]:
        return [(c, max(per_gbps[pair], least) * rate) for (pair, rate), c in self.transit.links.items()]


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
