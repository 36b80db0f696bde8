"""Metric inequalities over links: of any lengths, they hold what demands need at their distances.

A demand takes a link of its own, if it has one, or two links at least. Rows of passing traffic are the case
of equal lengths. Good lengths are the dual solution of the demands' flows over links of given capacity.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netopt_heur.bounds.master import Term, value_at
from netopt_heur.bounds.program import Program
from netopt_heur.bounds.rounding import VIOLATED
from netopt_heur.bounds.transit import Pair, Transit
from netopt_heur.instance import F64

SEARCH_S = 5.0  # for one choice of lengths; far more than it needs
ROUNDED_UP = 1.0 + 1e-9  # lengths of capacity; distances are rounded down by as much


class LinkLengths:
    """Rows over links of chosen lengths, without failures and in each failure state.

    Parameters
    ----------
    transit
        Columns of links.
    """

    def __init__(self, transit: Transit) -> None:
        self.transit, self.master = transit, transit.master
        self.pairs = sorted({pair for pair, _ in transit.links})
        self.able = transit.by_pair and bool(self.pairs)
        self.normal, self.failure = (_busiest(m) for m in (transit.traffic.normal, transit.traffic.failure))
        self._ends = tuple(np.array([pair[i] for pair in self.pairs], dtype=np.int64) for i in (0, 1))

    def add_violated(self, x: F64) -> int:
        """Add the rows that the lengths worst for a solution violate; returns how many."""
        program = self.master.program
        before = len(program.rows)
        if self.able and self.normal.any():
            length = self._worst_lengths(x, self.normal)
            if length is not None:
                for terms, lower in self.rows(length):
                    if value_at(terms, x) < lower * (1.0 - VIOLATED):
                        program.at_least(terms, lower)
        return len(program.rows) - before

    def row(self, length: F64, demand: F64) -> tuple[list[Term], float]:
        """Capacity of links times length, and what direct links spare, cover demand times distance.

        Parameters
        ----------
        length
            float64[n_pairs].
        demand
            float64[n_sites, n_sites], Gb/s of both directions, above the diagonal.
        """
        detour = self.detours(length)
        worth = {pair: float(v) for pair, v in zip(self.pairs, length, strict=True)}
        terms = [(c, 2.0 * ROUNDED_UP * worth[pair]) for pair, c in self.transit.links_gbps.items()]
        for pair, column in self.transit.direct.items():
            spared = float(detour[pair]) - worth.get(pair, 0.0)
            if spared > 0.0 and demand[pair] > 0.0:
                terms.append((column, ROUNDED_UP * float(demand[pair]) * spared))
        return terms, float((demand * np.triu(detour, 1)).sum()) / ROUNDED_UP

    def rows(self, length: F64) -> list[tuple[list[Term], float]]:
        """Without failures, and in each failure state without what is down: no link counts less than that."""
        rows = [self.row(length, self.normal)]
        for least in sorted({float(np.median(length)), float(length.max())}) if self.failure.any() else ():
            terms, lower = self.row(np.maximum(length, least), self.failure)
            for state in self.transit.states():
                for lost in self.transit.lost(state):
                    share = 2.0 * self.master.share * least
                    rows.append(([*terms, *((c, -share * rate) for c, rate in lost)], lower))
        return rows

    def detours(self, length: F64) -> F64:
        """Least length of two links or more between any two sites, float64[n_sites, n_sites]."""
        n = len(self.master.instance.site_ids)
        hop = np.full((n, n), np.inf)
        hop[self._ends] = length
        hop = np.minimum(hop, hop.T)
        least = hop.copy()
        for k in range(n):
            least = np.minimum(least, least[:, k : k + 1] + least[k : k + 1, :])
        np.fill_diagonal(least, np.inf)  # the first hop does not end the path
        found = np.full((n, n), np.inf)
        for v in range(n):
            found = np.minimum(found, hop[:, v : v + 1] + least[v : v + 1, :])
        # a path found from either end; where there is none of two links, none is asked for
        both = np.maximum(found, found.T)
        return np.where(np.isfinite(both), both, 0.0)

    def _worst_lengths(self, x: F64, demand: F64) -> F64 | None:
        """Lengths for which capacity falls short of demand times distance by most; None if it never does.

        A linear program in the lengths: each distance is at most any of its detours.
        """
        search, total = Program(), float(demand.sum())
        capacity = dict.fromkeys(self.pairs, 0.0)
        for (pair, rate), column in self.transit.links.items():
            capacity[pair] += 2.0 * self.master.share * rate * float(x[column])
        length = {pair: search.column(capacity[pair] / total, 1.0) for pair in self.pairs}
        least = {pair: search.column(0.0, 1.0) for pair in self.pairs}
        for pair in self.pairs:
            search.at_least([(length[pair], 1.0), (least[pair], -1.0)], 0.0)
            detours = [(length[p], least[q]) for p, q in self._two_parts(pair)]
            for hop, rest in detours:
                search.at_least([(hop, 1.0), (rest, 1.0), (least[pair], -1.0)], 0.0)
            if demand[pair] > 0.0 and detours:
                detour, paid = search.column(), search.column(-float(demand[pair]) / total)
                direct = min(1.0, float(x[self.transit.direct[pair]]))
                for hop, rest in detours:
                    search.at_least([(hop, 1.0), (rest, 1.0), (detour, -1.0)], 0.0)
                search.at_least([(detour, 1.0), (paid, -1.0)], 0.0)
                search.at_least([(detour, 1.0 - direct), (length[pair], direct), (paid, -1.0)], 0.0)
        solved = search.solve(SEARCH_S)
        if solved is None or solved[0] > -VIOLATED:
            return None
        return np.maximum(0.0, solved[1][[length[pair] for pair in self.pairs]])

    def _two_parts(self, pair: Pair) -> Iterator[tuple[Pair, Pair]]:
        """A hop from either end, and the pair that is left to go."""
        known = set(self.pairs)
        for a, b in (pair, pair[::-1]):
            for v in range(len(self.master.instance.site_ids)):
                hop, rest = (min(a, v), max(a, v)), (min(v, b), max(v, b))
                if v not in pair and hop in known and rest in known:
                    yield hop, rest


def _busiest(matrices: F64) -> F64:
    """Both directions of the mix with most demand, above the diagonal."""
    if not len(matrices):
        return np.zeros(matrices.shape[1:])
    both = matrices[int(np.argmax(matrices.sum(axis=(1, 2))))]
    return np.asarray(np.triu(both + both.T, 1))
