"""What a relaxation may take for granted about the traffic: constants that add up and stay below percentiles.

Of any ``t`` samples of a group, the percentile of rank ``j`` of ``n`` leaves at most ``n - j`` above it. It
is thus at least the mean of the ``t - (n - j)`` smallest loads of any such set, hence at least the sum over
terms of the mean of each term's own smallest. All samples of a group make the trimmed mean; its busiest
ones say more where demands peak together. Loads may thus be replaced by constants that add up, in any set
of samples of a group and in any convex combination of hours. The rates of a transfer are free, but over all
the hours of its window they average at least its volume.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netopt_heur.instance import F64, GB_PER_GBPS_HOUR, I64, Instance, Lsp

SAFETY = 1.0 - 1e-7  # the referee allows loads 1e-9 above capacity: a bound must stay below all of that
MOST_SETS = 10  # sets of samples per group that are tried
BUSIEST_MIXES = 24  # kept for the whole network
BUSIEST_OF_SITE = 2  # kept for each site


@dataclass(frozen=True)
class Traffic:
    """Directed demand between sites.

    A mix is a set of samples of one group of hours, or a convex combination of hours.

    Attributes
    ----------
    normal : float64[n_mixes, n_sites, n_sites]
        Gb/s from row to column that links carry at least without failures, per mix.
    failure : float64[n_failure_mixes, n_sites, n_sites]
        The same in a failure state: only demands that must survive, at the failure percentile.
    disjoint : float64[n_failure_mixes, n_sites, n_sites]
        As ``failure``, only the demands with two disjoint paths.
    site_normal, site_failure : float64[n_sites]
        Gb/s that a site's own demand takes at least in the busier direction, in the samples worst for it.
    least : dict
        Pair of sites (smaller first) -> Gb/s that any one of its LSPs needs of a link, in any state.
    pairs, protected_pairs : frozenset of (int, int)
        Pairs of sites with any packet or transfer demand, and with one that must survive.
    """

    normal: F64
    failure: F64
    disjoint: F64
    site_normal: F64
    site_failure: F64
    least: dict[tuple[int, int], float]
    pairs: frozenset[tuple[int, int]]
    protected_pairs: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class _Mix:
    """Weights of the hour groups, and one set of samples with its rank for each group of weight."""

    weights: F64
    sets: tuple[tuple[int, I64, int], ...]


def build_traffic(instance: Instance) -> Traffic:
    """Constants of all demands, by site pair and mix."""
    protected = np.array([lsp.promise.protection != "none" for lsp in instance.lsps], dtype=np.bool_)
    disjoint = np.array([lsp.promise.protection == "disjoint" for lsp in instance.lsps], dtype=np.bool_)
    everything = np.ones(len(protected), dtype=np.bool_)
    mixes = list(_mixes(instance, instance.rank_normal, everything))
    failure_mixes = list(_mixes(instance, instance.rank_failure, protected))
    failure, disjoint_matrices = (
        _matrices(instance, failure_mixes, instance.rank_failure, counts) for counts in (protected, disjoint)
    )
    kept = _busiest(failure)
    normal = _matrices(instance, mixes, instance.rank_normal, everything)
    return Traffic(
        np.ascontiguousarray(normal[_busiest(normal)]),
        np.ascontiguousarray(failure[kept]),
        np.ascontiguousarray(disjoint_matrices[kept]),
        _site_needs(instance, instance.rank_normal, everything),
        _site_needs(instance, instance.rank_failure, protected),
        _least(instance),
        frozenset(pair_of(lsp) for lsp in instance.lsps),
        frozenset(pair_of(lsp) for lsp, counts in zip(instance.lsps, protected, strict=True) if counts),
    )


def pair_of(lsp: Lsp) -> tuple[int, int]:
    """Ends of an LSP, smaller first."""
    return min(lsp.a, lsp.b), max(lsp.a, lsp.b)


def smallest_mean(samples: F64, count: int) -> F64:
    """Mean of the ``count`` smallest along the last axis.

    Examples
    --------
    >>> smallest_mean(np.array([[3.0, 1.0, 9.0]]), 2)
    array([2.])
    """
    if count >= samples.shape[-1]:
        return np.asarray(samples.mean(axis=-1))
    return np.asarray(np.partition(samples, count - 1, axis=-1)[..., :count].mean(axis=-1))


def trimmed_means(samples: F64, group_start: I64, rank: I64) -> F64:
    """Mean of the ``rank`` smallest samples of each group; float64[..., n_groups].

    Examples
    --------
    >>> trimmed_means(np.array([[3.0, 1.0, 9.0]]), np.array([0, 3]), np.array([2]))
    array([[2.]])
    """
    spans = zip(group_start[:-1].tolist(), group_start[1:].tolist(), rank.tolist(), strict=True)
    return np.stack([smallest_mean(samples[..., a:b], j) for a, b, j in spans], axis=-1)


def sets_of_samples(total: F64, group_start: I64, rank: I64) -> Iterator[tuple[int, I64, int]]:
    """Sets of samples worth a try, busiest first by ``total``: group, samples, how many smallest count."""
    for g, (start, stop) in enumerate(zip(group_start[:-1].tolist(), group_start[1:].tolist(), strict=True)):
        exempt = stop - start - int(rank[g])
        order = start + np.argsort(-total[start:stop], kind="stable")
        if exempt == 0:  # nothing is clipped: each sample counts on its own
            yield from ((g, order[i : i + 1], 1) for i in range(min(len(order), MOST_SETS)))
            continue
        sizes = np.geomspace(exempt + 1, stop - start, MOST_SETS).round().astype(np.int64)
        yield from ((g, order[:size], size - exempt) for size in np.unique(sizes).tolist())


def _mixes(
    instance: Instance, rank: I64, counts: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Iterator[_Mix]:
    """Sets of samples of each hour group; all samples of each window's hours, and of all hours."""
    start = instance.group_start
    n_groups = len(start) - 1
    total = instance.samples[counts].sum(axis=(0, 1))
    for g, samples, count in sets_of_samples(total, start, rank):
        yield _Mix(np.eye(n_groups)[g], ((g, samples, count),))
    whole = [(g, np.arange(start[g], start[g + 1]), int(rank[g])) for g in range(n_groups)]
    if n_groups == 24:
        windows = {lsp.hours for lsp in instance.lsps if lsp.hours}
        for hours in sorted({*windows, tuple(range(24))}):
            weights = np.zeros(n_groups)
            weights[list(hours)] = 1.0 / len(hours)
            yield _Mix(weights, tuple(whole[h] for h in hours))


def _matrices(
    instance: Instance,
    mixes: list[_Mix],
    rank: I64,
    counts: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> F64:
    n_sites = len(instance.site_ids)
    total = np.zeros((len(mixes), n_sites, n_sites))
    packets = [i for i, lsp in enumerate(instance.lsps) if lsp.hours is None and counts[i]]
    transfers = [lsp for i, lsp in enumerate(instance.lsps) if lsp.hours and counts[i]]
    a = np.array([instance.lsps[i].a for i in packets], dtype=np.int64)
    b = np.array([instance.lsps[i].b for i in packets], dtype=np.int64)
    samples = instance.samples[packets]
    for matrix, mix in zip(total, mixes, strict=True):
        for g, chosen, count in mix.sets:
            means = mix.weights[g] * smallest_mean(samples[:, :, chosen], count)
            np.add.at(matrix, (a, b), means[:, 0])
            np.add.at(matrix, (b, a), means[:, 1])
        for lsp in transfers:
            matrix[lsp.a, lsp.b] += _transfer(instance, lsp, mix)
    return total * SAFETY


def _busiest(matrices: F64) -> I64:
    """Mixes with the most demand in all, and those with the most at each site."""
    kept = set(np.argsort(-matrices.sum(axis=(1, 2)), kind="stable")[:BUSIEST_MIXES].tolist())
    for axis in (1, 2):
        order = np.argsort(-matrices.sum(axis=axis), axis=0, kind="stable")
        kept |= set(order[:BUSIEST_OF_SITE].ravel().tolist())
    return np.array(sorted(kept), dtype=np.int64)


def _site_needs(instance: Instance, rank: I64, counts: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> F64:
    """Own packet demand of each site in the busier direction, over the sets of samples busiest for it."""
    needs = np.zeros(len(instance.site_ids))
    for site in range(len(needs)):
        for out in (True, False):
            rows = [
                instance.samples[i, 0 if (lsp.a == site) == out else 1]
                for i, lsp in enumerate(instance.lsps)
                if counts[i] and site in (lsp.a, lsp.b)
            ]
            if rows:
                own = np.array(rows)
                for _, chosen, count in sets_of_samples(own.sum(axis=0), instance.group_start, rank):
                    needs[site] = max(needs[site], smallest_mean(own[:, chosen], count).sum())
    return needs * SAFETY


def _least(instance: Instance) -> dict[tuple[int, int], float]:
    """The percentile of the smallest LSP of each pair: what a link must hold to be of any use to it."""
    least: dict[tuple[int, int], float] = {}
    start = instance.group_start
    ranks = np.minimum(instance.rank_normal, instance.rank_failure)
    for i, lsp in enumerate(instance.lsps):
        need = 0.0
        if lsp.hours is None:
            for g, j in enumerate(ranks.tolist()):
                block = instance.samples[i, :, start[g] : start[g + 1]]
                need = max(need, float(np.partition(block, j - 1, axis=1)[:, j - 1].max()))
        pair = pair_of(lsp)
        least[pair] = min(least.get(pair, np.inf), need * SAFETY)
    return least


def _transfer(instance: Instance, lsp: Lsp, mix: _Mix) -> float:
    """Least mean rate of a transfer in a mix, whatever its hourly rates are."""
    hours = list(lsp.hours or ())
    volume_gbps_hours = lsp.volume_gb / GB_PER_GBPS_HOUR
    if len(mix.weights) == 24:
        # the worst choice puts the whole volume into the hour that weighs least
        return volume_gbps_hours * float(mix.weights[hours].min())
    if len(mix.weights) > 1:
        return 0.0
    # one group: a mean of smallest is concave in the rates, so its least value is at all in one hour
    (_, chosen, count) = mix.sets[0]
    in_one_hour = min(int((instance.sample_hour[chosen] == h).sum()) for h in hours)
    return volume_gbps_hours * max(0, in_one_hour - (len(chosen) - count)) / count
