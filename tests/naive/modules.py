"""Obvious twins of `netopt_kernels.modules`: every set of sites, every multiset of modes."""

import itertools
import math
from collections.abc import Sequence


def regenerator_choice(
    length_km: Sequence[float],
    can_regen: Sequence[bool],
    open_cost: Sequence[float],
    reach_km: float,
    unit_cost: float,
) -> tuple[int, list[bool], float]:
    best = None
    sites = [site for site, possible in enumerate(can_regen) if possible]
    for count in range(len(sites) + 1):
        # combinations come in lexicographic order, and min keeps the first of equals
        for positions in itertools.combinations(sites, count):
            ends = [0, *(site + 1 for site in positions), len(length_km)]
            # accumulate, as Python 3.12's sum of floats is more than a plain one
            segments = [list(itertools.accumulate(length_km[a:b])) for a, b in itertools.pairwise(ends)]
            if all(running_km[-1] <= reach_km for running_km in segments):
                cost = sum(unit_cost + open_cost[site] for site in positions)
                if cost < math.inf and (best is None or cost < best[0]):
                    best = (cost, positions)
    if best is None:
        return -1, [False] * len(can_regen), math.inf
    return len(best[1]), [site in best[1] for site in range(len(can_regen))], best[0]


def cover(
    need: int, units: Sequence[int], rate: Sequence[float], cost: Sequence[float]
) -> tuple[list[int], float]:
    """Try every multiset that stays useful: no mode more often than it takes to cover the need alone."""
    usable = [m for m in range(len(units)) if units[m] > 0 and cost[m] < math.inf]
    by_rate = sorted(usable, key=lambda m: (-rate[m], m))
    best = None
    for counts in itertools.product(*(range(max(-(-need // units[m]), 0) + 1) for m in by_rate)):
        if sum(n * units[m] for n, m in zip(counts, by_rate, strict=True)) >= need:
            total = sum(n * cost[m] for n, m in zip(counts, by_rate, strict=True))
            key = (total, sum(counts), [-n for n in counts])
            if best is None or key < best[0]:
                best = (key, counts)
    if best is None:
        return [0] * len(units), math.inf
    chosen = dict(zip(by_rate, best[1], strict=True))
    return [chosen.get(m, 0) for m in range(len(units))], best[0][0]


def cheapest_modules(
    need_gbps: float, rate_gbps: Sequence[float], cost: Sequence[float], unit_gbps: float
) -> tuple[list[int], float]:
    units = [math.floor(rate / unit_gbps + 1e-9) for rate in rate_gbps]
    return cover(math.ceil(need_gbps / unit_gbps - 1e-9), units, rate_gbps, cost)


def waves_modules(
    waves: int, wave_gbps: float, rate_gbps: Sequence[float], cost: Sequence[float]
) -> tuple[list[int], float]:
    return cover(waves, [math.floor(rate / wave_gbps + 1e-9) for rate in rate_gbps], rate_gbps, cost)
