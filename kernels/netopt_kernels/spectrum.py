"""Slot assignment on grids of (fiber, pair, slot) with bit masks.

A grid is ``used``, uint64[n_fibers, max_pairs, W]: bit ``s % 64`` of word ``s // 64`` says that slot s
is taken. Bits beyond the last slot count as taken (`empty_grid`). The lit pairs of a fiber are
0..lit_pairs-1; the others are dark, hence empty.
"""

import numpy as np

from ._arrays import BitArray, BoolArray, FloatArray, IntArray
from ._bits import _count_bits
from ._first_fit import _STEP, _first_fit_on_single_pairs
from ._jit import kernel, lean
from ._placing import ROWS, _cheapest_fit, _count_fit, _occupy, _place_at_best, _release
from ._slots import (
    _block_is_free,
    _block_mask,
    _fiber_starts,
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
    is_single, widest, longest = True, 0, 0
    for fiber in range(lit_pairs.shape[0]):
        is_single &= lit_pairs[fiber] == 1
    for segment in range(width.shape[0]):
        widest = max(widest, width[segment])
        longest = max(longest, segment_first[segment + 1] - segment_first[segment])
    if rule == FIRST_FIT and is_single and widest <= 64 and used.shape[2] < 64:
        full_words = np.zeros(lit_pairs.shape[0], np.uint64)
        return _first_fit_on_single_pairs(
            used, segment_first, segment_fiber, width, wanted, start, pair, full_words,
            np.empty(longest + _STEP, np.int64),
        )  # fmt: skip
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
    pairs, hop_cost = np.empty(fibers.shape[0], np.int64), pair_cost[fibers]
    words = np.empty((ROWS + fibers.shape[0], used.shape[2]), np.uint64)
    start, cost = _cheapest_fit(used, lit_pairs, max_pairs, hop_cost, fibers, width, slots, words, pairs)
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
    pairs = np.empty(fibers.shape[0], np.int64)
    cost = _count_fit(used_count, lit_pairs, max_pairs, pair_cost[fibers], fibers, width, slots, pairs)
    return cost < np.inf, pairs, cost


@kernel
def place_channels(
    used: BitArray,
    used_count: IntArray,
    is_continuous: bool,
    lit_pairs: IntArray,
    built: BoolArray,
    most_pairs: int,
    max_pairs: IntArray,
    candidate: BoolArray,
    pair_cost: FloatArray,
    build_cost: FloatArray,
    route_first: IntArray,
    route_fiber: IntArray,
    width: IntArray,
    choice_first: IntArray,
    bound_first: IntArray,
    bound: IntArray,
    slots: int,
    begin: int,
    chosen: IntArray,
    start: IntArray,
    pair: IntArray,
) -> int:
    """Give channels their slots one after the other, at the regenerator sites that need the least new pairs.

    The first choice that needs none but where a fiber has no pair at all is taken, else the cheapest of all,
    the first among equals. A channel that fits with none of its choices is left out.

    Parameters
    ----------
    used : uint64[n_fibers, P, W]
        The grid, if the slots of a segment must be the same on all its fibers; updated.
    used_count : int64[n_fibers, P]
        Slots in use per fiber and pair, if they need not; updated.
    is_continuous : bool
        Which of the two holds.
    lit_pairs : int64[n_fibers]
        Lit pairs per fiber; updated.
    built : bool[n_fibers]
        Candidate fibers that are built; updated.
    most_pairs : int
        Largest number of pairs that any fiber may come to have.
    max_pairs : int64[n_fibers]
        Most pairs per fiber.
    candidate : bool[n_fibers]
        Fibers that must be built before a pair is lit.
    pair_cost, build_cost : float64[n_fibers]
        Cost of a new pair, and of building.
    route_first, route_fiber : int64[n+1], int64[...]
        Fibers of each channel's route, which are distinct.
    width : int64[n]
        Slots of each channel.
    choice_first : int64[n+1]
        First of each channel's choices of regenerator sites.
    bound_first, bound : int64[n_choices+1], int64[...]
        Positions on the route between which a choice's segments lie, 0 and the route's length included.
    slots : int
        Slots per pair.
    begin : int
        Channel to begin with.
    chosen : int64[n]
        Written: the choice taken, counted from the channel's first; -1 if none fits.
    start : int64[...]
        Written, from the channel's entry in ``route_fiber`` on: first slot of each segment, -1 without
        continuity.
    pair : int64[...]
        Written, per entry of ``route_fiber``: the pair. For a channel left out, -1 where all pairs that the
        fiber may have are lit, else -2.

    Returns
    -------
    int
        The channel before which the grid must be given more pairs; n if all are done.
    """
    n, longest = width.shape[0], 0
    for channel in range(begin, n):
        longest = max(longest, route_first[channel + 1] - route_first[channel])
    words, hop_cost = np.empty((ROWS + longest, used.shape[2]), np.uint64), np.empty(longest)
    before = np.empty((2, longest), np.int64)
    limits = (np.minimum(max_pairs, used.shape[1]), candidate, pair_cost, build_cost)
    for channel in range(begin, n):
        route = slice(route_first[channel], route_first[channel + 1])
        for entry in range(route_first[channel], route_first[channel + 1]):
            if lit_pairs[route_fiber[entry]] >= used.shape[1] and used.shape[1] < most_pairs:
                return channel
        chosen[channel] = _place_at_best(
            used, used_count, is_continuous, lit_pairs, built, limits, route_fiber[route], width[channel],
            bound_first[choice_first[channel] : choice_first[channel + 1] + 1], bound, slots, words,
            hop_cost, start[route], pair[route], before,
        )  # fmt: skip
        if chosen[channel] < 0:
            for entry in range(route_first[channel], route_first[channel + 1]):
                fiber = route_fiber[entry]
                pair[entry] = -1 if lit_pairs[fiber] >= max_pairs[fiber] else -2
    return int(n)


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
    _occupy(used, fibers, pairs, start, width)


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
    _release(used, fibers, pairs, start, width)


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
