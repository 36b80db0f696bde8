"""Channels in a grid of slots: where a segment fits, and which regenerator sites need the least new pairs."""

import numpy as np

from ._arrays import BitArray, BoolArray, FloatArray, IntArray
from ._bits import _lowest_bit
from ._jit import lean
from ._slots import _block_mask, _fiber_starts, _lowest_pair, _lowest_start

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_GRID, _WANTED, _FREE, _STARTS, _FIT = 0, 1, 2, 3, 4
ROWS = _FIT
"""Rows of words that `_cheapest_fit` needs, beside one per fiber."""


@lean
def _cheapest_start(wanted: BitArray, fit: BitArray, pair_cost: FloatArray) -> tuple[int, float]:
    """Pick the wanted start with the least cost of new pairs, the lowest among equals; costs per hop."""
    best_start, best_cost = -1, np.inf
    for word in range(wanted.shape[0]):
        left = wanted[word]
        while left != _ZERO:
            index = _lowest_bit(left)
            left &= left - _ONE
            cost = 0.0
            for hop in range(pair_cost.shape[0]):
                if (fit[hop, word] >> np.uint64(index)) & _ONE == _ZERO:
                    cost += pair_cost[hop]
                    if cost >= best_cost:
                        break
            if cost < best_cost:
                best_start, best_cost = 64 * word + index, cost
    return best_start, best_cost


@lean
def _cheapest_fit(
    used: BitArray, lit_pairs: IntArray, max_pairs: IntArray, pair_cost: FloatArray, fibers: IntArray,
    width: int, slots: int, words: BitArray, pairs: IntArray,
) -> tuple[int, float]:  # fmt: skip
    """`spectrum.cheapest_fit` with ``pair_cost`` per hop, given ``words`` to write to; writes ``pairs``."""
    n_words = used.shape[2]
    grid, wanted, free, fit = words[_GRID], words[_WANTED], words[_FREE], words[_FIT:]
    for word in range(n_words):
        grid[word] = _block_mask(word, 0, max(slots - width + 1, 0))
        wanted[word] = grid[word]
        free[word] = grid[word]
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        _fiber_starts(used, fiber, lit_pairs[fiber], width, grid, fit[hop], words[_STARTS])
        may_light = lit_pairs[fiber] < max_pairs[fiber]
        for word in range(n_words):
            if not may_light:
                wanted[word] &= fit[hop, word]
            if not may_light or pair_cost[hop] > 0.0:
                free[word] &= fit[hop, word]
    # nothing is cheaper than a start without new cost: most searches end here
    start, cost = _lowest_start(free), 0.0
    if start < 0:
        start, cost = _cheapest_start(wanted, fit, pair_cost)
    for hop in range(fibers.shape[0]):
        pairs[hop] = -1
        if start >= 0:
            pairs[hop] = _lowest_pair(used, fibers[hop], lit_pairs[fibers[hop]], start, width)
    return start, cost


@lean
def _count_fit(
    used_count: IntArray, lit_pairs: IntArray, max_pairs: IntArray, pair_cost: FloatArray, fibers: IntArray,
    width: int, slots: int, pairs: IntArray,
) -> float:  # fmt: skip
    """`spectrum.count_fit` with ``pair_cost`` per hop: the cost, inf if it does not fit; writes ``pairs``."""
    cost = 0.0 if width <= slots else np.inf
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        pair = 0
        while pair < lit_pairs[fiber] and used_count[fiber, pair] + width > slots:
            pair += 1
        if pair == lit_pairs[fiber]:
            cost += pair_cost[hop] if pair < max_pairs[fiber] else np.inf
        pairs[hop] = pair
    if cost == np.inf:
        pairs[:] = -1
    return cost


@lean
def _occupy(used: BitArray, fibers: IntArray, pairs: IntArray, start: int, width: int) -> None:
    """`spectrum.occupy`."""
    for hop in range(fibers.shape[0]):
        for word in range(start // 64, (start + width + 63) // 64):
            used[fibers[hop], pairs[hop], word] |= _block_mask(word, start, width)


@lean
def _release(used: BitArray, fibers: IntArray, pairs: IntArray, start: int, width: int) -> None:
    """`spectrum.release`."""
    for hop in range(fibers.shape[0]):
        for word in range(start // 64, (start + width + 63) // 64):
            used[fibers[hop], pairs[hop], word] &= ~_block_mask(word, start, width)


@lean
def _give_back(
    used: BitArray, used_count: IntArray, is_continuous: bool, lit_pairs: IntArray, built: BoolArray,
    fibers: IntArray, bounds: IntArray, n_placed: int, width: int, start: IntArray, pairs: IntArray,
    before: IntArray,
) -> None:  # fmt: skip
    """Undo the first segments of a channel; ``before`` int64[2, h] has pairs lit and built per hop."""
    for segment in range(n_placed):
        part = slice(bounds[segment], bounds[segment + 1])
        if is_continuous:
            _release(used, fibers[part], pairs[part], start[segment], width)
        else:
            for hop in range(bounds[segment], bounds[segment + 1]):
                used_count[fibers[hop], pairs[hop]] -= width
    for hop in range(fibers.shape[0]):
        lit_pairs[fibers[hop]], built[fibers[hop]] = before[0, hop], before[1, hop] > 0


@lean
def _place_channel(
    used: BitArray, used_count: IntArray, is_continuous: bool, lit_pairs: IntArray, built: BoolArray,
    limits: tuple[IntArray, BoolArray, FloatArray, FloatArray], fibers: IntArray, bounds: IntArray,
    width: int, slots: int, words: BitArray, hop_cost: FloatArray, start: IntArray, pairs: IntArray,
    before: IntArray,
) -> bool:  # fmt: skip
    """Place the segments between ``bounds`` of a route; False, and no change, if one does not fit.

    ``limits`` are pairs per fiber, which fibers must be built first, and the cost of a pair and of that.
    """
    max_pairs, candidate, pair_cost, build_cost = limits
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        before[0, hop], before[1, hop] = lit_pairs[fiber], 1 if built[fiber] else 0
        hop_cost[hop] = pair_cost[fiber]
        if candidate[fiber] and not built[fiber]:
            hop_cost[hop] += build_cost[fiber]
    for segment in range(bounds.shape[0] - 1):
        part = slice(bounds[segment], bounds[segment + 1])
        if is_continuous:
            start[segment], cost = _cheapest_fit(
                used, lit_pairs, max_pairs, hop_cost[part], fibers[part], width, slots, words, pairs[part]
            )
            fits = start[segment] >= 0
        else:
            start[segment] = -1
            cost = _count_fit(
                used_count, lit_pairs, max_pairs, hop_cost[part], fibers[part], width, slots, pairs[part]
            )
            fits = cost < np.inf
        if not fits:
            _give_back(
                used, used_count, is_continuous, lit_pairs, built, fibers, bounds, segment, width, start,
                pairs, before,
            )  # fmt: skip
            return False
        if is_continuous:
            _occupy(used, fibers[part], pairs[part], start[segment], width)
        for hop in range(bounds[segment], bounds[segment + 1]):
            fiber = fibers[hop]
            if not is_continuous:
                used_count[fiber, pairs[hop]] += width
            lit_pairs[fiber] = max(lit_pairs[fiber], pairs[hop] + 1)
            built[fiber] = built[fiber] or candidate[fiber]
    return True


@lean
def _new_cost(
    lit_pairs: IntArray, limits: tuple[IntArray, BoolArray, FloatArray, FloatArray], fibers: IntArray,
    before: IntArray, at_best: bool,
) -> float:  # fmt: skip
    """Cost of the pairs lit since ``before``; ``at_best``: of one on each fiber that had none."""
    _, candidate, pair_cost, build_cost = limits
    total = 0.0
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        new = lit_pairs[fiber] - before[0, hop]
        if at_best:
            new = 1 if before[0, hop] == 0 else 0
        total += new * pair_cost[fiber]
        if new > 0 and candidate[fiber] and before[1, hop] == 0:
            total += build_cost[fiber]
    return total


@lean
def _place_at_best(
    used: BitArray, used_count: IntArray, is_continuous: bool, lit_pairs: IntArray, built: BoolArray,
    limits: tuple[IntArray, BoolArray, FloatArray, FloatArray], fibers: IntArray, width: int,
    bound_first: IntArray, bound: IntArray, slots: int, words: BitArray, hop_cost: FloatArray,
    start: IntArray, pairs: IntArray, before: IntArray,
) -> int:  # fmt: skip
    """Place a channel by the best of its choices of regenerator sites; its index, -1 if none fits."""
    n_choices = bound_first.shape[0] - 1
    best, least = -1, np.inf
    for choice in range(n_choices):
        bounds = bound[bound_first[choice] : bound_first[choice + 1]]
        if not _place_channel(
            used, used_count, is_continuous, lit_pairs, built, limits, fibers, bounds, width, slots, words,
            hop_cost, start, pairs, before,
        ):  # fmt: skip
            continue
        if n_choices == 1:
            return choice
        cost = _new_cost(lit_pairs, limits, fibers, before, False)
        if cost <= _new_cost(lit_pairs, limits, fibers, before, True):
            return choice
        _give_back(
            used, used_count, is_continuous, lit_pairs, built, fibers, bounds, bounds.shape[0] - 1, width,
            start, pairs, before,
        )  # fmt: skip
        if cost < least:
            best, least = choice, cost
    if best >= 0:
        bounds = bound[bound_first[best] : bound_first[best + 1]]
        _place_channel(
            used, used_count, is_continuous, lit_pairs, built, limits, fibers, bounds, width, slots, words,
            hop_cost, start, pairs, before,
        )  # fmt: skip
    return best
