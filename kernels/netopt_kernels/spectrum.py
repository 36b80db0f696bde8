"""Slot assignment on grids of (fiber, pair, slot) with bit masks.

A grid is ``used``, uint64[n_fibers, max_pairs, W]: bit ``s % 64`` of word ``s // 64`` says that slot s
is taken. Bits beyond the last slot count as taken (`empty_grid`). The lit pairs of a fiber are
0..lit_pairs-1; the others are dark, hence empty.
"""

import numpy as np

from ._arrays import BitArray, FloatArray, IntArray
from ._bits import _count_bits, _lowest_bit
from ._first_fit import _first_fit_on_single_pairs
from ._jit import kernel, lean
from ._slots import (
    _block_is_free,
    _block_mask,
    _fiber_starts,
    _grid_starts,
    _highest_start,
    _lowest_pair,
    _lowest_start,
    _most_used_start,
    _narrowest_start,
)

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)

FIRST_FIT, LAST_FIT, BEST_FIT, MOST_USED = 0, 1, 2, 3
"""Rules of `assign`: lowest start, highest start, narrowest gap, slots in use on most pairs.

Among equals the lowest start.
"""


@kernel
def empty_grid(n_fibers: int, max_pairs: int, slots: int) -> BitArray:
    """Make the grid of an unused network.

    Parameters
    ----------
    n_fibers : int
        Number of fibers.
    max_pairs : int
        Largest number of pairs of any fiber.
    slots : int
        Slots per pair.

    Returns
    -------
    uint64[n_fibers, max_pairs, (slots + 63) // 64]
        The grid; the bits beyond the last slot are set.
    """
    n_words = (slots + 63) // 64
    used = np.zeros((n_fibers, max_pairs, n_words), np.uint64)
    if slots % 64 > 0:
        beyond = _ALL << np.uint64(slots % 64)
        for fiber in range(n_fibers):
            for pair in range(max_pairs):
                used[fiber, pair, n_words - 1] = beyond
    return used


@kernel
def assign(
    used: BitArray,
    lit_pairs: IntArray,
    segment_first: IntArray,
    segment_fiber: IntArray,
    width: IntArray,
    wanted: IntArray,
    rule: int,
    slots: int,
    start: IntArray,
    pair: IntArray,
) -> int:
    """Give transparent segments their slot blocks, one after the other, in place.

    Parameters
    ----------
    used : uint64[n_fibers, max_pairs, W]
        The grid; updated.
    lit_pairs : int64[n_fibers]
        Lit pairs per fiber.
    segment_first : int64[n_segments+1]
        First entry of each segment in ``segment_fiber``. A lightpath with regenerators is several segments.
    segment_fiber : int64[...]
        Fibers of the segments.
    width : int64[n_segments]
        Slots of the block, at least 1.
    wanted : int64[...]
        Segments to serve, in this order; none of them holds a block.
    rule : int
        `FIRST_FIT`, `LAST_FIT`, `BEST_FIT` or `MOST_USED`: which of the blocks that are free on some lit
        pair of every fiber.
    slots : int
        Slots per pair.
    start : int64[n_segments]
        Written: first slot of the block, -1 if none is free.
    pair : int64[...]
        Written, per entry of ``segment_fiber``: lowest pair with the block free; -1 without a block.

    Returns
    -------
    int
        Number of segments served.

    Examples
    --------
    >>> import numpy as np
    >>> grid, ints = empty_grid(2, 1, 8), np.array
    >>> start, pair = np.empty(2, np.int64), np.empty(3, np.int64)
    >>> segments = (ints([0, 1, 3]), ints([1, 0, 1]), ints([3, 2]), ints([0, 1]))
    >>> assign(grid, ints([1, 1]), *segments, FIRST_FIT, 8, start, pair), start.tolist()
    (2, [0, 3])
    """
    is_simple = rule == FIRST_FIT
    for fiber in range(lit_pairs.shape[0]):
        is_simple = is_simple and lit_pairs[fiber] == 1
    for at in range(wanted.shape[0]):
        is_simple = is_simple and width[wanted[at]] <= 64
    if is_simple:
        full_words = np.zeros(lit_pairs.shape[0], np.int64)
        return _first_fit_on_single_pairs(
            used, segment_first, segment_fiber, width, wanted, start, pair, full_words
        )
    masks = np.empty((3, used.shape[2]), np.uint64)
    usage = np.zeros(slots, np.int64)
    if rule == MOST_USED:
        _count_usage(used, usage)
    return _assign_all(
        used, usage, lit_pairs, segment_first, segment_fiber, width, wanted, rule, start, pair, masks
    )


@lean
def _count_usage(used: BitArray, usage: IntArray) -> None:
    """Count the pairs on which each slot is taken."""
    for fiber in range(used.shape[0]):
        for pair in range(used.shape[1]):
            for slot in range(usage.shape[0]):
                usage[slot] += np.int64((used[fiber, pair, slot // 64] >> np.uint64(slot % 64)) & _ONE)


@lean
def _assign_all(
    used: BitArray, usage: IntArray, lit_pairs: IntArray, segment_first: IntArray, segment_fiber: IntArray,
    width: IntArray, wanted: IntArray, rule: int, start: IntArray, pair: IntArray, masks: BitArray,
) -> int:  # fmt: skip
    """`assign` by any rule on any number of pairs, given three rows of words to write to."""
    served = 0
    for at in range(wanted.shape[0]):
        segment = wanted[at]
        begin, end = segment_first[segment], segment_first[segment + 1]
        fibers, pairs, slots = segment_fiber[begin:end], pair[begin:end], width[segment]
        found = _start_by_rule(used, usage, lit_pairs, fibers, slots, rule, masks)
        start[segment] = found
        for hop in range(fibers.shape[0]):
            fiber = fibers[hop]
            if found < 0:
                pairs[hop] = -1
                continue
            chosen = _lowest_pair(used, fiber, lit_pairs[fiber], found, slots)
            pairs[hop] = chosen
            for word in range(found // 64, (found + slots + 63) // 64):
                used[fiber, chosen, word] |= _block_mask(word, found, slots)
        if found >= 0:
            served += 1
            if rule == MOST_USED:
                for slot in range(found, found + slots):
                    usage[slot] += fibers.shape[0]
    return served


@lean
def _start_by_rule(
    used: BitArray, usage: IntArray, lit_pairs: IntArray, fibers: IntArray, width: int, rule: int,
    masks: BitArray,
) -> int:  # fmt: skip
    """First slot of the block that a rule of `assign` picks; -1 if none is free."""
    slots, n_words = usage.shape[0], used.shape[2]
    grid, starts = masks[0], masks[1]
    for word in range(n_words):
        grid[word] = _block_mask(word, 0, max(slots - width + 1, 0))
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        _fiber_starts(used, fiber, lit_pairs[fiber], width, grid, starts, masks[2])
        for word in range(n_words):
            grid[word] = starts[word]
    if rule == FIRST_FIT:
        return _lowest_start(grid)
    if rule == LAST_FIT:
        return _highest_start(grid)
    if rule == BEST_FIT:
        return _narrowest_start(grid, slots)
    return _most_used_start(grid, usage, width)


@kernel
def withdraw(
    used: BitArray,
    segment_first: IntArray,
    segment_fiber: IntArray,
    width: IntArray,
    unwanted: IntArray,
    start: IntArray,
    pair: IntArray,
) -> None:
    """Take back what `assign` gave some segments, in place, so that they can be assigned anew.

    Parameters
    ----------
    used, segment_first, segment_fiber, width, start, pair
        As for `assign`; all but the segments and widths are updated.
    unwanted : int64[...]
        Segments to take blocks from; those without one are passed over.
    """
    for at in range(unwanted.shape[0]):
        segment = unwanted[at]
        first, slots = start[segment], width[segment]
        if first < 0:
            continue
        start[segment] = -1
        for entry in range(segment_first[segment], segment_first[segment + 1]):
            for word in range(first // 64, (first + slots + 63) // 64):
                used[segment_fiber[entry], pair[entry], word] &= ~_block_mask(word, first, slots)
            pair[entry] = -1


@lean
def _cheapest_start(
    wanted: BitArray, fit: BitArray, fibers: IntArray, pair_cost: FloatArray
) -> tuple[int, float]:
    """Pick the wanted start with the least cost of new pairs, the lowest among equals."""
    best_start, best_cost = -1, np.inf
    for word in range(wanted.shape[0]):
        left = wanted[word]
        while left != _ZERO:
            index = _lowest_bit(left)
            left &= left - _ONE
            cost = 0.0
            for hop in range(fibers.shape[0]):
                if (fit[hop, word] >> np.uint64(index)) & _ONE == _ZERO:
                    cost += pair_cost[fibers[hop]]
                    if cost >= best_cost:
                        break
            if cost < best_cost:
                best_start, best_cost = 64 * word + index, cost
    return best_start, best_cost


@kernel
def cheapest_fit(
    used: BitArray,
    lit_pairs: IntArray,
    max_pairs: IntArray,
    pair_cost: FloatArray,
    fibers: IntArray,
    width: int,
    slots: int,
) -> tuple[int, IntArray, float]:
    """Find the slot block that needs the least cost of new pairs, the lowest among equals.

    Parameters
    ----------
    used : uint64[n_fibers, P, W]
        The grid; dark pairs are empty.
    lit_pairs : int64[n_fibers]
        Lit pairs per fiber.
    max_pairs : int64[n_fibers]
        Most pairs per fiber, at most P.
    pair_cost : float64[n_fibers]
        Cost of lighting one more pair, at least 0; inf where that is not allowed.
    fibers : int64[h]
        Distinct fibers of the transparent segment.
    width : int
        Slots of the block, at least 1.
    slots : int
        Slots per pair.

    Returns
    -------
    start : int
        First slot of the block, -1 if there is none.
    pairs : int64[h]
        Per fiber the lowest lit pair with the block free, else the pair to light,
        ``lit_pairs[fiber]``; -1 if there is no block.
    cost : float
        Sum of ``pair_cost`` over the fibers with a pair to light; inf if there is no block.
    """
    n_words = used.shape[2]
    pairs = np.full(fibers.shape[0], -1, np.int64)
    grid = _grid_starts(n_words, width, slots)
    wanted, free = grid.copy(), grid.copy()
    fit = np.empty((fibers.shape[0], n_words), np.uint64)
    pair_starts = np.empty(n_words, np.uint64)
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        _fiber_starts(used, fiber, lit_pairs[fiber], width, grid, fit[hop], pair_starts)
        may_light = lit_pairs[fiber] < max_pairs[fiber]
        for word in range(n_words):
            if not may_light:
                wanted[word] &= fit[hop, word]
            if not may_light or pair_cost[fiber] > 0.0:
                free[word] &= fit[hop, word]
    # nothing is cheaper than a start without new cost: most searches end here
    start, cost = _lowest_start(free), 0.0
    if start < 0:
        start, cost = _cheapest_start(wanted, fit, fibers, pair_cost)
    if start >= 0:
        for hop in range(fibers.shape[0]):
            pairs[hop] = _lowest_pair(used, fibers[hop], lit_pairs[fibers[hop]], start, width)
    return start, pairs, cost


@kernel
def count_fit(
    used_count: IntArray,
    lit_pairs: IntArray,
    max_pairs: IntArray,
    pair_cost: FloatArray,
    fibers: IntArray,
    width: int,
    slots: int,
) -> tuple[bool, IntArray, float]:
    """Find pairs with enough slots left where slots need not be the same along a segment.

    Parameters
    ----------
    used_count : int64[n_fibers, P]
        Slots in use per fiber and pair; 0 on dark pairs.
    lit_pairs, max_pairs, pair_cost, fibers, width, slots
        As for `cheapest_fit`.

    Returns
    -------
    fits : bool
        Whether every fiber has room.
    pairs : int64[h]
        Per fiber the lowest lit pair with room, else the pair to light; -1 where nothing fits.
    cost : float
        Sum of ``pair_cost`` over the fibers with a pair to light; inf if it does not fit.
    """
    pairs = np.full(fibers.shape[0], -1, np.int64)
    cost = 0.0 if width <= slots else np.inf
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        pair = 0
        while pair < lit_pairs[fiber] and used_count[fiber, pair] + width > slots:
            pair += 1
        if pair == lit_pairs[fiber]:
            cost += pair_cost[fiber] if pair < max_pairs[fiber] else np.inf
        pairs[hop] = pair
    if cost == np.inf:
        pairs[:] = -1
        return False, pairs, cost
    return True, pairs, cost


@lean
def occupy(used: BitArray, fibers: IntArray, pairs: IntArray, start: int, width: int) -> None:
    """Take a slot block on one pair of each fiber, in place.

    Parameters
    ----------
    used : uint64[n_fibers, max_pairs, W]
        The grid.
    fibers, pairs : int64[h]
        Fibers of the segment, and the pair on each.
    start, width : int
        The block, inside the grid.
    """
    for hop in range(fibers.shape[0]):
        for word in range(start // 64, (start + width + 63) // 64):
            used[fibers[hop], pairs[hop], word] |= _block_mask(word, start, width)


@lean
def release(used: BitArray, fibers: IntArray, pairs: IntArray, start: int, width: int) -> None:
    """Give back what `occupy` took, in place.

    Parameters
    ----------
    used : uint64[n_fibers, max_pairs, W]
        The grid.
    fibers, pairs : int64[h]
        Fibers of the segment, and the pair on each.
    start, width : int
        The block, inside the grid.
    """
    for hop in range(fibers.shape[0]):
        for word in range(start // 64, (start + width + 63) // 64):
            used[fibers[hop], pairs[hop], word] &= ~_block_mask(word, start, width)


@lean
def is_free(used: BitArray, fibers: IntArray, pairs: IntArray, start: int, width: int) -> bool:
    """Say whether a slot block lies inside the grid and is free on the given pair of each fiber.

    Parameters
    ----------
    used : uint64[n_fibers, max_pairs, W]
        The grid.
    fibers, pairs : int64[h]
        Fibers of the segment, and the pair on each.
    start, width : int
        The block.

    Returns
    -------
    bool
        True if `occupy` may take it.
    """
    if start < 0 or start + width > 64 * used.shape[2]:
        return False
    free = True
    for hop in range(fibers.shape[0]):
        free = free and _block_is_free(used, fibers[hop], pairs[hop], start, width)
    return free


@lean
def used_slots(used: BitArray, fiber: int, pair: int, slots: int) -> int:
    """Count the slots taken on one pair.

    Parameters
    ----------
    used : uint64[n_fibers, max_pairs, W]
        The grid.
    fiber, pair : int
        Where to count.
    slots : int
        Slots per pair.

    Returns
    -------
    int
        Slots taken, without the bits beyond the last slot.
    """
    count = np.int64(slots - 64 * used.shape[2])
    for word in range(used.shape[2]):
        count += np.int64(_count_bits(used[fiber, pair, word]))
    return int(count)
