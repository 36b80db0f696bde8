"""Slot assignment on grids of (fiber, pair, slot) with bit masks.

A grid is ``used``, uint64[n_fibers, max_pairs, W]: bit ``s % 64`` of word ``s // 64`` says that slot s
is taken. Bits beyond the last slot count as taken (`empty_grid`). The lit pairs of a fiber are
0..lit_pairs-1; the others are dark, hence empty.
"""

import numpy as np
import numpy.typing as npt

from ._jit import kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BitArray = npt.NDArray[np.uint64]

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_BITS_1 = np.uint64(0x5555555555555555)
_BITS_2 = np.uint64(0x3333333333333333)
_BITS_4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_COUNT = np.uint64(0x7F)


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
def _lowest_bit(word: np.uint64) -> int:
    """Index of the lowest set bit of a word that is not zero."""
    index = 0
    for step in (32, 16, 8, 4, 2, 1):
        shift = np.uint64(step)
        if (word & ((_ONE << shift) - _ONE)) == _ZERO:
            word = word >> shift
            index += step
    return index


@kernel
def _block_mask(word: int, start: int, width: int) -> np.uint64:
    """Bits of the block start..start+width-1 that lie in a word."""
    low, high = max(start - 64 * word, 0), min(start + width - 64 * word, 64)
    if low >= high:
        return _ZERO
    return (_ALL >> np.uint64(64 - (high - low))) << np.uint64(low)


@kernel
def _block_is_free(used: BitArray, fiber: int, pair: int, start: int, width: int) -> bool:
    for word in range(start // 64, (start + width + 63) // 64):
        if used[fiber, pair, word] & _block_mask(word, start, width) != _ZERO:
            return False
    return True


@kernel
def _block_starts(used: BitArray, fiber: int, pair: int, width: int, starts: BitArray) -> None:
    """Set bit s of ``starts`` where slots s..s+width-1 are free: shift-and, doubling the run each time."""
    n_words = starts.shape[0]
    for word in range(n_words):
        starts[word] = ~used[fiber, pair, word]
    run = 1
    while run < width:
        step = min(run, width - run)
        skip, shift = step // 64, np.uint64(step % 64)
        for word in range(n_words):
            ahead = _ZERO
            if word + skip < n_words:
                ahead = starts[word + skip] >> shift
                if shift > _ZERO and word + skip + 1 < n_words:
                    ahead |= starts[word + skip + 1] << (np.uint64(64) - shift)
            starts[word] &= ahead
        run += step


@kernel
def _fiber_starts(
    used: BitArray,
    fiber: int,
    n_lit: int,
    width: int,
    wanted: BitArray,
    starts: BitArray,
    pair_starts: BitArray,
) -> None:
    """Write to ``starts`` those wanted starts at which some lit pair of the fiber has a free block."""
    n_words = wanted.shape[0]
    for word in range(n_words):
        starts[word] = _ZERO
    for pair in range(n_lit):
        _block_starts(used, fiber, pair, width, pair_starts)
        is_complete = True
        for word in range(n_words):
            starts[word] |= pair_starts[word] & wanted[word]
            is_complete = is_complete and starts[word] == wanted[word]
        if is_complete:
            return


@kernel
def _grid_starts(n_words: int, width: int, slots: int) -> BitArray:
    """Mark every start of a block that lies inside the grid."""
    starts = np.zeros(n_words, np.uint64)
    for word in range(n_words):
        starts[word] = _block_mask(word, 0, max(slots - width + 1, 0))
    return starts


@kernel
def _lowest_start(starts: BitArray) -> int:
    for word in range(starts.shape[0]):
        if starts[word] != _ZERO:
            return 64 * word + _lowest_bit(starts[word])
    return -1


@kernel
def _lowest_pair(used: BitArray, fiber: int, n_lit: int, start: int, width: int) -> int:
    """Lowest lit pair with the block free; the first dark one if there is none."""
    for pair in range(n_lit):
        if _block_is_free(used, fiber, pair, start, width):
            return pair
    return n_lit


@kernel
def first_fit(
    used: BitArray, lit_pairs: IntArray, fibers: IntArray, width: int, slots: int
) -> tuple[int, IntArray]:
    """Find the lowest slot block that is free on some lit pair of every fiber.

    Parameters
    ----------
    used : uint64[n_fibers, max_pairs, W]
        The grid.
    lit_pairs : int64[n_fibers]
        Lit pairs per fiber.
    fibers : int64[h]
        Fibers of the transparent segment.
    width : int
        Slots of the block, at least 1.
    slots : int
        Slots per pair.

    Returns
    -------
    start : int
        First slot of the block, -1 if there is none.
    pairs : int64[h]
        Lowest pair with the block free, per fiber; -1 if there is no block.

    Examples
    --------
    >>> import numpy as np
    >>> grid, route = empty_grid(2, 1, 8), np.array([0, 1])
    >>> occupy(grid, np.array([1]), np.array([0]), 1, 3)
    >>> first_fit(grid, np.array([1, 1]), route, 2, 8)
    (4, array([0, 0]))
    """
    n_words = used.shape[2]
    pairs = np.full(fibers.shape[0], -1, np.int64)
    wanted = _grid_starts(n_words, width, slots)
    starts, pair_starts = np.empty(n_words, np.uint64), np.empty(n_words, np.uint64)
    for hop in range(fibers.shape[0]):
        fiber = fibers[hop]
        _fiber_starts(used, fiber, lit_pairs[fiber], width, wanted, starts, pair_starts)
        wanted, starts = starts, wanted
    start = _lowest_start(wanted)
    if start >= 0:
        for hop in range(fibers.shape[0]):
            pairs[hop] = _lowest_pair(used, fibers[hop], lit_pairs[fibers[hop]], start, width)
    return start, pairs


@kernel
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


@kernel
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


@kernel
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


@kernel
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


@kernel
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
        # set bits, added up in ever wider fields (Warren, Hacker's Delight, section 5-1)
        bits = used[fiber, pair, word]
        bits = bits - ((bits >> _ONE) & _BITS_1)
        bits = (bits & _BITS_2) + ((bits >> np.uint64(2)) & _BITS_2)
        bits = (bits + (bits >> np.uint64(4))) & _BITS_4
        bits = bits + (bits >> np.uint64(8))
        bits = bits + (bits >> np.uint64(16))
        bits = bits + (bits >> np.uint64(32))
        count += np.int64(bits & _COUNT)
    return int(count)
