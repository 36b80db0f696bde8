"""First fit for blocks of at most 64 slots where every fiber has one pair."""

import numpy as np

from ._arrays import BitArray, IntArray
from ._bits import _highest_bit, _lowest_bit
from ._jit import lean

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_STEP = 4  # fibers taken together


@lean
def _taken(used: BitArray, fibers: IntArray, begin: int, end: int, word: int) -> np.uint64:
    """Slots of a word that are taken on pair 0 of some fiber of the list."""
    taken = _ZERO
    for entry in range(begin, end, _STEP):
        for more in range(_STEP):
            # unsigned: an index that cannot be negative needs no check for that
            fiber = np.uint64(fibers[np.uint64(min(entry + more, end - 1))])
            taken |= used[fiber, _ZERO, np.uint64(word)]
    return taken


@lean
def _runs(free: np.uint64, width: int) -> np.uint64:
    """Set bit s where bits s to s + width - 1 of the word are set: shift-and, doubling the run each time."""
    run = 1
    while run < width and free != _ZERO:
        step = min(run, width - run)
        free &= free >> np.uint64(step)
        run += step
    return free


@lean
def _first_start(used: BitArray, fibers: IntArray, begin: int, end: int, width: int, word: int) -> int:
    """Lowest start, from a word on, of a block of at most 64 slots free on pair 0 of all fibers; -1: none."""
    n_words = used.shape[2]
    while word < n_words:
        free = ~_taken(used, fibers, begin, end, word)
        starts = _runs(free, width) if width > 1 else free
        if starts != _ZERO:
            return 64 * word + _lowest_bit(starts)
        if free >> np.uint64(63) != _ZERO and word + 1 < n_words:  # the free end of the word may go on
            ahead = _taken(used, fibers, begin, end, word + 1)
            free_ahead = _lowest_bit(ahead) if ahead != _ZERO else 64
            free_end = 63 - _highest_bit(~free)
            if free_end + free_ahead >= width:
                return 64 * word + 64 - free_end
        word += 1
    return -1


@lean
def _first_fit_on_single_pairs(
    used: BitArray, segment_first: IntArray, fibers: IntArray, width: IntArray, wanted: IntArray,
    start: IntArray, pair: IntArray, full_words: IntArray,
) -> int:  # fmt: skip
    """First fit for blocks of at most 64 slots where every fiber has one pair.

    ``full_words`` counts the words at the start of each fiber's pair that are known to be full. Fibers are
    taken a few at a time, the last one again and again, which does no harm: so many steps are easier to
    foretell.
    """
    served = 0
    for at in range(wanted.shape[0]):
        segment = np.uint64(wanted[at])  # unsigned: an index that cannot be negative needs no check for that
        begin, end, slots = segment_first[segment], segment_first[segment + _ONE], width[segment]
        word = 0
        for entry in range(begin, end, _STEP):
            for more in range(_STEP):
                fiber = np.uint64(fibers[np.uint64(min(entry + more, end - 1))])
                word = max(word, full_words[fiber])
        found = _first_start(used, fibers, begin, end, slots, word)
        start[segment] = found
        if found < 0:
            for entry in range(begin, end):
                pair[np.uint64(entry)] = -1
            continue
        served += 1
        where, bit = np.uint64(found >> 6), np.uint64(found & 63)
        block = _ALL >> np.uint64(64 - slots)
        here, ahead = block << bit, block >> (np.uint64(63) - bit) >> _ONE
        for entry in range(begin, end, _STEP):
            for more in range(_STEP):
                index = np.uint64(min(entry + more, end - 1))
                pair[index] = 0
                used[np.uint64(fibers[index]), _ZERO, where] |= here
        if ahead != _ZERO:
            for entry in range(begin, end):
                used[np.uint64(fibers[np.uint64(entry)]), _ZERO, where + _ONE] |= ahead
        if word < found >> 6:  # words were looked at in vain
            for entry in range(begin, end):
                fiber = np.uint64(fibers[np.uint64(entry)])
                while (
                    full_words[fiber] < found >> 6
                    and used[fiber, _ZERO, np.uint64(full_words[fiber])] == _ALL
                ):
                    full_words[fiber] += 1
    return served
