"""Blocks of slots as bit masks: whether they are free, and where they could start."""

import numpy as np

from ._arrays import BitArray, IntArray
from ._bits import _highest_bit, _lowest_bit
from ._jit import lean

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@lean
def _block_mask(word: int, start: int, width: int) -> np.uint64:
    """Bits of the block start..start+width-1 that lie in a word."""
    low, high = max(start - 64 * word, 0), min(start + width - 64 * word, 64)
    if low >= high:
        return _ZERO
    return (_ALL >> np.uint64(64 - (high - low))) << np.uint64(low)


@lean
def _block_is_free(used: BitArray, fiber: int, pair: int, start: int, width: int) -> bool:
    for word in range(start // 64, (start + width + 63) // 64):
        if used[fiber, pair, word] & _block_mask(word, start, width) != _ZERO:
            return False
    return True


@lean
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


@lean
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


@lean
def _lowest_start(starts: BitArray) -> int:
    for word in range(starts.shape[0]):
        if starts[word] != _ZERO:
            return 64 * word + _lowest_bit(starts[word])
    return -1


@lean
def _highest_start(starts: BitArray) -> int:
    for word in range(starts.shape[0] - 1, -1, -1):
        if starts[word] != _ZERO:
            return 64 * word + _highest_bit(starts[word])
    return -1


@lean
def _narrowest_start(starts: BitArray, slots: int) -> int:
    """Lowest start of the gap with the fewest starts: the one that a block fills best."""
    best, best_run, run = -1, slots + 1, 0
    for slot in range(slots + 1):
        is_start = slot < slots and (starts[slot // 64] >> np.uint64(slot % 64)) & _ONE != _ZERO
        if is_start:
            run += 1
        elif run > 0:
            if run < best_run:
                best, best_run = slot - run, run
            run = 0
    return best


@lean
def _most_used_start(starts: BitArray, usage: IntArray, width: int) -> int:
    """Lowest start among those whose slots are in use on most pairs."""
    best, most, total, counted = -1, -1, 0, 0
    for start in range(usage.shape[0] - width + 1):
        while counted < start + width:
            total += usage[counted]
            counted += 1
        if (starts[start // 64] >> np.uint64(start % 64)) & _ONE != _ZERO and total > most:
            best, most = start, total
        total -= usage[start]
    return best


@lean
def _lowest_pair(used: BitArray, fiber: int, n_lit: int, start: int, width: int) -> int:
    """Lowest lit pair with the block free; the first dark one if there is none."""
    for pair in range(n_lit):
        if _block_is_free(used, fiber, pair, start, width):
            return pair
    return n_lit
