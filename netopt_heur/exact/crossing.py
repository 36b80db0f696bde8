"""What must cross sets of sites in every failure state: Gb/s, and whether anything must.

A percentile of rank ``j`` of ``n`` samples leaves at most ``e = n - j`` samples above it. Of any ``t``
samples it is thus at least the ``t - e``-th smallest load, hence at least the mean of the ``t - e`` smallest,
and this at least the sum over LSPs of the mean of each one's own smallest. All samples make the trimmed
mean; the busiest ones say more where LSPs peak together, and with ``e = 0`` every sample counts by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from netopt_heur.instance import Instance

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

ALL_SETS_UP_TO = 10  # sites; with more, only single sites and pairs


@dataclass(frozen=True)
class Crossing:
    """Demand across sets of sites.

    Attributes
    ----------
    inside : bool[n_sets, n_sites]
        The sets.
    need_gbps : float64[n_sets, n_states]
        Load that links across carry at least, in the busier direction.
    connected : bool[n_sets, n_states]
        Whether any LSP across must have a path that is up.
    """

    inside: Bools
    need_gbps: F64
    connected: Bools


def site_sets(n_sites: int) -> Bools:
    """Sets of sites that cuts are made of, one of each pair of complements; bool[n_sets, n_sites]."""
    largest = n_sites // 2 if n_sites <= ALL_SETS_UP_TO else 2
    chosen = [
        members
        for size in range(1, largest + 1)
        for members in combinations(range(n_sites), size)
        if 2 * size < n_sites or members[0] == 0
    ]
    inside = np.zeros((len(chosen), n_sites), dtype=np.bool_)
    for row, members in zip(inside, chosen, strict=True):
        row[list(members)] = True
    return inside


def crossing_demand(instance: Instance, inside: Bools) -> Crossing:
    """What must cross each set, in all failure states."""
    n_states = len(instance.state_names)
    need = np.zeros((len(inside), n_states))
    connected = np.zeros((len(inside), n_states), dtype=np.bool_)
    a = np.array([lsp.a for lsp in instance.lsps], dtype=np.int64)
    b = np.array([lsp.b for lsp in instance.lsps], dtype=np.int64)
    known: dict[tuple[bool, bytes], tuple[F64, Bools]] = {}
    for state in range(n_states):
        counts = counted_lsps(instance, state)
        key = (state > 0, counts.tobytes())
        if key not in known:
            across = (inside[:, a] != inside[:, b]) & counts
            rank = instance.rank_failure if state else instance.rank_normal
            needs = [_need(instance, row, rank, side[a]) for row, side in zip(across, inside, strict=True)]
            known[key] = np.array(needs), across.any(axis=1)
        need[:, state], connected[:, state] = known[key]
    return Crossing(inside, need, connected)


def counted_lsps(instance: Instance, state: int) -> Bools:
    """LSPs that must be up in a failure state."""
    down = instance.state_components[state]
    return np.array(
        [
            state == 0
            or (
                lsp.promise.protection != "none"
                and not down & (instance.site_component(lsp.a) | instance.site_component(lsp.b))
            )
            for lsp in instance.lsps
        ],
        dtype=np.bool_,
    )


def _need(instance: Instance, across: Bools, rank: I64, from_inside: Bools) -> float:
    """The largest constant known to be at most the percentile of the load across, in either direction."""
    rows = np.flatnonzero(across)
    out = (~from_inside[rows]).astype(np.int64)
    best = 0.0
    for direction in (out, 1 - out):
        loads = instance.samples[rows, direction]
        for start, stop, j in zip(
            instance.group_start[:-1].tolist(), instance.group_start[1:].tolist(), rank.tolist(), strict=True
        ):
            best = max(best, _floor(loads[:, start:stop], stop - start - j, best))
    return best


def _floor(block: F64, exempt: int, enough: float) -> float:
    """Constant below the percentile that leaves ``exempt`` samples out; 0 if it cannot pass ``enough``."""
    order = np.argsort(-block.sum(axis=0), kind="stable")
    size = block.shape[1]
    if not len(block) or float(block[:, order[exempt]].sum()) <= enough:
        return 0.0
    best = 0.0
    for t in sorted({exempt + 1, min(size, 2 * exempt + 1), size}):
        smallest = np.partition(block[:, order[:t]], t - exempt - 1, axis=1)[:, : t - exempt]
        best = max(best, float(smallest.mean(axis=1).sum()))
    return best
