"""Obvious twins of `netopt_kernels.spectrum` on boolean grids: try every start on every pair."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Grid = npt.NDArray[np.bool_]
"""used[fiber, pair, slot]."""


def bits_of(used: Grid) -> npt.NDArray[np.uint64]:
    n_fibers, max_pairs, slots = used.shape
    padding = np.ones((n_fibers, max_pairs, -slots % 64), bool)
    octets = np.packbits(np.concatenate((used, padding), axis=2), axis=2, bitorder="little")
    return np.ascontiguousarray(octets).view("<u8").astype(np.uint64)


def lowest_pair(used: Grid, fiber: int, n_lit: int, start: int, width: int) -> int | None:
    fitting = [pair for pair in range(n_lit) if not used[fiber, pair, start : start + width].any()]
    return min(fitting, default=None)


def feasible_starts(used: Grid, lit_pairs: Sequence[int], fibers: Sequence[int], width: int) -> list[int]:
    return [
        start
        for start in range(used.shape[2] - width + 1)
        if all(lowest_pair(used, fiber, lit_pairs[fiber], start, width) is not None for fiber in fibers)
    ]


def chosen_start(starts: Sequence[int], rule: str, used: Grid, width: int) -> int:
    if not starts:
        return -1
    if rule == "first":
        return min(starts)
    if rule == "last":
        return max(starts)
    if rule == "most used":
        return max(starts, key=lambda start: (used[:, :, start : start + width].sum(), -start))
    gaps = [[starts[0]]]
    for start in starts[1:]:
        if start == gaps[-1][-1] + 1:
            gaps[-1].append(start)
        else:
            gaps.append([start])
    return min(gaps, key=len)[0]


def assign(
    used: Grid, lit_pairs: Sequence[int], segments: Sequence[Sequence[int]], widths: Sequence[int], rule: str
) -> list[tuple[int, list[int]]]:
    """Serve the segments in turn, changing ``used``."""
    served = []
    for fibers, width in zip(segments, widths, strict=True):
        start = chosen_start(feasible_starts(used, lit_pairs, fibers, width), rule, used, width)
        pairs = [-1] * len(fibers)
        if start >= 0:
            found = [lowest_pair(used, fiber, lit_pairs[fiber], start, width) for fiber in fibers]
            pairs = [pair for pair in found if pair is not None]
            used[list(fibers), pairs, start : start + width] = True
        served.append((start, pairs))
    return served


def cheapest_fit(
    used: Grid,
    lit_pairs: Sequence[int],
    max_pairs: Sequence[int],
    pair_cost: Sequence[float],
    fibers: Sequence[int],
    width: int,
) -> tuple[int, list[int], float]:
    best = (float("inf"), -1, [-1] * len(fibers))
    for start in range(used.shape[2] - width + 1):
        cost, pairs = 0.0, []
        for fiber in fibers:
            pair = lowest_pair(used, fiber, lit_pairs[fiber], start, width)
            if pair is None:
                pair = lit_pairs[fiber]
                cost += pair_cost[fiber] if pair < max_pairs[fiber] else float("inf")
            pairs.append(pair)
        if cost < best[0]:
            best = (cost, start, pairs)
    return best[1], best[2], best[0]


def count_fit(
    used_count: npt.NDArray[np.int64],
    lit_pairs: Sequence[int],
    max_pairs: Sequence[int],
    pair_cost: Sequence[float],
    fibers: Sequence[int],
    width: int,
    slots: int,
) -> tuple[bool, list[int], float]:
    cost, pairs = 0.0, []
    for fiber in fibers:
        room = [pair for pair in range(lit_pairs[fiber]) if used_count[fiber, pair] + width <= slots]
        if not room:
            cost += pair_cost[fiber] if lit_pairs[fiber] < max_pairs[fiber] else float("inf")
        pairs.append(min(room, default=lit_pairs[fiber]))
    if width > slots or cost == float("inf"):
        return False, [-1] * len(fibers), float("inf")
    return True, pairs, cost


def place_channel(
    used: Grid,
    lit_pairs: list[int],
    built: list[bool],
    max_pairs: Sequence[int],
    candidate: Sequence[bool],
    pair_cost: Sequence[float],
    build_cost: Sequence[float],
    route: Sequence[int],
    width: int,
    choices: Sequence[Sequence[int]],
) -> tuple[int, list[int], list[int]] | None:
    """Try every choice of cuts; update the grid for the one taken, and return it with starts and pairs."""

    def first_cost(fiber: int) -> float:
        return pair_cost[fiber] + (build_cost[fiber] if candidate[fiber] and not built[fiber] else 0.0)

    at_best = sum(first_cost(fiber) for fiber in route if lit_pairs[fiber] == 0)
    found: list[tuple[float, int, list[int], list[int]]] = []
    for number, cuts in enumerate(choices):
        bounds = [0, *cuts, len(route)]
        fits = [
            cheapest_fit(used, lit_pairs, max_pairs, [*map(first_cost, range(len(built)))], route[i:j], width)
            for i, j in itertools.pairwise(bounds)
        ]
        if all(start >= 0 for start, _, _ in fits):
            pairs = [pair for _, part, _ in fits for pair in part]
            new = [f for f, pair in zip(route, pairs, strict=True) if pair >= lit_pairs[f]]
            found.append((sum(map(first_cost, new)), number, [start for start, _, _ in fits], pairs))
            if found[-1][0] <= at_best:
                break
    if not found:
        return None
    cheap = found[-1] if found[-1][0] <= at_best else min(found)
    _, number, starts, pairs = cheap
    bounds = [0, *choices[number], len(route)]
    for start, (i, j) in zip(starts, itertools.pairwise(bounds), strict=True):
        for fiber, pair in zip(route[i:j], pairs[i:j], strict=True):
            used[fiber, pair, start : start + width] = True
            lit_pairs[fiber] = max(lit_pairs[fiber], pair + 1)
            built[fiber] = built[fiber] or candidate[fiber]
    return number, starts, pairs
