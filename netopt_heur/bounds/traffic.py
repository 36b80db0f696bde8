"""What a relaxation may take for granted about the traffic: trimmed means between sites.

The percentile of a sum is at least the sum of trimmed means: with ``j = ceil(q n)``, the j-th smallest sum is
at least the mean of the j smallest sums, and each term's part in that mean is at least the mean of its own j
smallest values. So in any one hour, loads may be replaced by constants that add up, and in any convex
combination of hours as well. The rates of a transfer are free, but over all the hours of its window they
average at least its volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netopt_heur.instance import F64, GB_PER_GBPS_HOUR, I64, Instance, Lsp

SAFETY = 1.0 - 1e-7  # the referee allows loads 1e-9 above capacity: a bound must stay below all of that


@dataclass(frozen=True)
class Traffic:
    """Directed demand between sites.

    Attributes
    ----------
    normal : float64[n_mixes, n_sites, n_sites]
        Gb/s from row to column that links carry at least without failures, per mix of hours.
    failure : float64[n_mixes, n_sites, n_sites]
        The same in a failure state: only demands that must survive, at the failure percentile.
    disjoint : float64[n_mixes, n_sites, n_sites]
        As ``failure``, only the demands with two disjoint paths.
    pairs, protected_pairs : frozenset of (int, int)
        Pairs of sites (smaller first) with any packet or transfer demand, and with one that must survive.
    """

    normal: F64
    failure: F64
    disjoint: F64
    pairs: frozenset[tuple[int, int]]
    protected_pairs: frozenset[tuple[int, int]]


def build_traffic(instance: Instance) -> Traffic:
    """Trimmed means of all demands, by site pair and mix of hours."""
    mixes = _mixes(instance)
    protected = [lsp.promise.protection != "none" for lsp in instance.lsps]
    disjoint = [lsp.promise.protection == "disjoint" for lsp in instance.lsps]
    everything = [True] * len(protected)
    return Traffic(
        _matrices(instance, mixes, instance.rank_normal, everything),
        _matrices(instance, mixes, instance.rank_failure, protected),
        _matrices(instance, mixes, instance.rank_failure, disjoint),
        frozenset(_pair(lsp) for lsp in instance.lsps),
        frozenset(_pair(lsp) for lsp, counts in zip(instance.lsps, protected, strict=True) if counts),
    )


def _pair(lsp: Lsp) -> tuple[int, int]:
    return min(lsp.a, lsp.b), max(lsp.a, lsp.b)


def _mixes(instance: Instance) -> F64:
    """Weights of the hour groups, one row per mix: each hour alone, each window, and all hours."""
    n_groups = len(instance.group_start) - 1
    rows = list(np.eye(n_groups))
    if n_groups == 24:
        for hours in sorted({lsp.hours for lsp in instance.lsps if lsp.hours}):
            row = np.zeros(n_groups)
            row[list(hours)] = 1.0 / len(hours)
            rows.append(row)
        rows.append(np.full(n_groups, 1.0 / n_groups))
    return np.array(rows)


def _matrices(instance: Instance, mixes: F64, rank: I64, counts: list[bool]) -> F64:
    n_sites, n_mixes = len(instance.site_ids), len(mixes)
    total = np.zeros((n_sites, n_sites, n_mixes))
    for i, lsp in enumerate(instance.lsps):
        if not counts[i]:
            continue
        if lsp.hours is None:
            means = mixes @ trimmed_means(instance.samples[i], instance.group_start, rank).T
            total[lsp.a, lsp.b] += means[:, 0]
            total[lsp.b, lsp.a] += means[:, 1]
        elif lsp.hours:
            total[lsp.a, lsp.b] += _transfer(instance, lsp, mixes, rank)
    return np.ascontiguousarray(np.moveaxis(total, 2, 0)) * SAFETY


def trimmed_means(samples: F64, group_start: I64, rank: I64) -> F64:
    """Mean of the ``rank`` smallest samples of each group; float64[..., n_groups].

    Examples
    --------
    >>> trimmed_means(np.array([[3.0, 1.0, 9.0]]), np.array([0, 3]), np.array([2]))
    array([[2.]])
    """
    columns = []
    for g, (start, stop) in enumerate(zip(group_start[:-1].tolist(), group_start[1:].tolist(), strict=True)):
        j = int(rank[g])
        columns.append(np.sort(samples[..., start:stop], axis=-1)[..., :j].mean(axis=-1))
    return np.stack(columns, axis=-1)


def _transfer(instance: Instance, lsp: Lsp, mixes: F64, rank: I64) -> F64:
    """Least mean rate of a transfer in each mix of hours, whatever its hourly rates are."""
    hours = list(lsp.hours or ())
    volume_gbps_hours = lsp.volume_gb / GB_PER_GBPS_HOUR
    if mixes.shape[1] == 24:
        # the worst choice puts the whole volume into the hour that weighs least
        return volume_gbps_hours * np.asarray(mixes[:, hours].min(axis=1))
    if mixes.shape[1] > 1:
        return np.zeros(len(mixes))
    # one group: a trimmed mean is concave in the rates, so its least value is at all in one hour
    j, n = int(rank[0]), int(instance.group_start[-1])
    in_one_hour = min(int((instance.sample_hour == h).sum()) for h in hours)
    return np.full(len(mixes), volume_gbps_hours * max(0, in_one_hour - (n - j)) / j)
