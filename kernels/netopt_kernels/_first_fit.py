"""First fit for blocks of at most 64 slots where every fiber has one pair of fewer than 64 words."""

import numpy as np

from ._arrays import BitArray, IntArray
from ._bits import _highest_bit, _lowest_bit
from ._jit import lean

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_STEP = 4  # fibers taken together


@lean
def _taken(used: BitArray, route: IntArray, steps: int, word: int) -> np.uint64:
    """Slots of a word that are taken on pair 0 of some fiber of the route, `_STEP` fibers at a time."""
    taken = _ZERO
    for step in range(steps):
        for more in range(_STEP):
            # unsigned: an index that cannot be negative needs no check for that
            fiber = np.uint64(route[np.uint64(_STEP * step + more)])
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
def _first_start(used: BitArray, route: IntArray, steps: int, width: int, full: np.uint64) -> int:
    """Lowest start of a block of at most 64 slots free on pair 0 of all fibers of the route; -1: none.

    ``full`` has the words that are full on some fiber.
    """
    n_words, word = used.shape[2], int(np.int64(_lowest_bit(~full)))  # int() alone would stay unsigned
    while word < n_words:
        free = ~_taken(used, route, steps, word)
        starts = _runs(free, width) if width > 1 else free
        if starts != _ZERO:
            return 64 * word + _lowest_bit(starts)
        if free >> np.uint64(63) != _ZERO and word + 1 < n_words:  # the free end of the word may go on
            ahead = _taken(used, route, steps, word + 1)
            free_ahead = _lowest_bit(ahead) if ahead != _ZERO else 64
            free_end = 63 - _highest_bit(~free)
            if free_end + free_ahead >= width:
                return 64 * word + 64 - free_end
        word += 1
    return -1


@lean
def _first_fit_on_single_pairs(
    used: BitArray, segment_first: IntArray, fibers: IntArray, width: IntArray, wanted: IntArray,
    start: IntArray, pair: IntArray, full_words: BitArray, route: IntArray,
) -> int:  # fmt: skip
    """First fit for blocks of at most 64 slots where every fiber has one pair, of fewer than 64 words.

    ``full_words`` has a bit per fiber and word of its pair that is known to be full. Fibers are taken a few
    at a time, the last one again and again, which does no harm: so many steps are easier to foretell.
    ``route`` is overwritten: room for the fibers of any segment and a step more.
    """
    served = 0
    for at in range(wanted.shape[0]):
        segment = np.uint64(wanted[at])  # unsigned: an index that cannot be negative needs no check for that
        begin, end, slots = segment_first[segment], segment_first[segment + _ONE], width[segment]
        full, steps = _ZERO, (end - begin + _STEP - 1) // _STEP
        for step in range(steps):
            for more in range(_STEP):
                entry = np.uint64(min(begin + _STEP * step + more, end - 1))
                fiber = fibers[entry]
                route[np.uint64(_STEP * step + more)] = fiber
                pair[entry] = 0
                full |= full_words[np.uint64(fiber)]
        found = _first_start(used, route, steps, slots, full)
        start[segment] = found
        if found < 0:
            for hop in range(begin, end):
                pair[np.uint64(hop)] = -1
            continue
        served += 1
        where, bit = np.uint64(found >> 6), np.uint64(found & 63)
        block = _ALL >> np.uint64(64 - slots)
        here, ahead = block << bit, block >> (np.uint64(63) - bit) >> _ONE
        if _occupy(used, route, steps, where, here):
            _note_full(used, route, steps, where, full_words)
        if ahead != _ZERO and _occupy(used, route, steps, where + _ONE, ahead):
            _note_full(used, route, steps, where + _ONE, full_words)
    return served


@lean
def _occupy(used: BitArray, route: IntArray, steps: int, word: np.uint64, slots: np.uint64) -> bool:
    """Take slots of a word on pair 0 of all fibers of the route; whether that fills the word of any."""
    is_full = False
    for step in range(steps):
        for more in range(_STEP):
            fiber = np.uint64(route[np.uint64(_STEP * step + more)])
            taken = used[fiber, _ZERO, word] | slots
            used[fiber, _ZERO, word] = taken
            is_full |= taken == _ALL
    return is_full


@lean
def _note_full(used: BitArray, route: IntArray, steps: int, word: np.uint64, full_words: BitArray) -> None:
    """Note on which fibers of the route a word is full."""
    for step in range(steps):
        for more in range(_STEP):
            fiber = np.uint64(route[np.uint64(_STEP * step + more)])
            full_words[fiber] |= np.uint64(used[fiber, _ZERO, word] == _ALL) << word
