"""Sums of LSPs by the failure states that they share, to take them from many loads or add them at once.

Many LSPs of a link fail in the same states, as their paths share fibers. States are ranked, those in which
most LSPs fail first, and LSPs are put in order of their states by rank. Side by side they then have long
common beginnings: a tree as that of frequent patterns (Han, Pei and Yin 2000). A stack of sums walks it.
"""

import numpy as np

from ._arrays import BitArray, BoolArray, Float32Array, FloatArray, IntArray
from ._bits import _highest_bit, _lowest_bit
from ._heap import _drop_first, _push
from ._jit import kernel, lean
from ._rows import _copy
from ._sums import _add_row, _subtract_row

Groups = tuple[Float32Array, IntArray]
Ranking = tuple[BitArray, BitArray, IntArray, FloatArray]
Order = tuple[IntArray, BitArray]
Bench = tuple[Groups, Ranking, Order]  # see _new_bench

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_COUNTED = 64  # LSPs that are asked for the states in which most of them fail
# Rows of integers per state: LSPs that fail in it, states by rank, ranks of states, a heap.
_COUNT, _STATE_AT, _RANK_OF, _HEAP = 0, 1, 2, 3


@kernel
def _new_bench(n_members: int, n_states: int, n_words: int, n_samples: int) -> Bench:
    """Working memory of `_spread` for that many LSPs.

    Groups of LSPs: sums, and the rank below which all states of a group are the same. The ranking: states in
    which each LSP fails, to be filled in by the caller; the same as bits by rank, the first rank highest;
    numbers per state; keys of a heap. LSPs in order, with their first words of bits.
    """
    groups = np.empty((n_states + 1, 2, n_samples), np.float32), np.empty(n_states + 1, np.int64)
    failing, by_rank = np.empty((n_members, n_words), np.uint64), np.empty((n_members, n_words), np.uint64)
    ranking = failing, by_rank, np.empty((4, 64 * n_words), np.int64), np.empty(64 * n_words)
    return groups, ranking, (np.empty(n_members, np.int64), np.empty(n_members, np.uint64))


@lean
def _rank_states(n_members: int, ranking: Ranking) -> None:
    """Rank the states, those in which most of some LSPs fail first; write what fails by rank."""
    failing, by_rank, numbers, keys = ranking
    count, state_at, rank_of, heap = numbers[_COUNT], numbers[_STATE_AT], numbers[_RANK_OF], numbers[_HEAP]
    for state in range(count.shape[0]):
        count[state] = 0
    for member in range(0, n_members, max(n_members // _COUNTED, 1)):
        for word in range(failing.shape[1]):
            bits = failing[member, word]
            while bits != _ZERO:
                count[np.uint64(64 * word + _lowest_bit(bits))] += 1
                bits &= bits - _ONE
    waiting, rank = 0, count.shape[0]
    for state in range(count.shape[0] - 1, -1, -1):
        if count[state] > 0:
            waiting = _push(keys, heap, waiting, float(n_members - count[state]), state)
        else:
            rank -= 1
            state_at[rank], rank_of[state] = state, rank
    rank = 0
    while waiting > 0:
        state_at[rank], rank_of[heap[0]] = heap[0], rank
        rank += 1
        waiting = _drop_first(keys, heap, waiting)
    for member in range(n_members):
        for word in range(failing.shape[1]):
            by_rank[member, word] = _ZERO
        for word in range(failing.shape[1]):
            bits = failing[member, word]
            while bits != _ZERO:
                rank = rank_of[np.uint64(64 * word + _lowest_bit(bits))]
                bits &= bits - _ONE
                by_rank[member, np.uint64(rank >> 6)] |= _ONE << np.uint64(63 - (rank & 63))


@lean
def _common_ranks(by_rank: BitArray, one: int, other: int) -> int:
    """Rank of the first state in which not both of two LSPs fail; 0 if they have none in common before."""
    any_common = _ZERO
    for word in range(by_rank.shape[1]):
        both, apart = by_rank[one, word] & by_rank[other, word], by_rank[one, word] ^ by_rank[other, word]
        if apart != _ZERO:
            same = 63 - _highest_bit(apart)
            return 64 * word + same if any_common | (both >> np.uint64(63 - same)) != _ZERO else 0
        any_common |= both
    return 64 * by_rank.shape[1] if any_common != _ZERO else 0


@lean
def _comes_first(by_rank: BitArray, one: int, other: int) -> bool:
    """Whether an LSP comes before another: by the first state in which not both fail, then by their index."""
    for word in range(by_rank.shape[1]):
        if by_rank[one, word] != by_rank[other, word]:
            return bool(by_rank[one, word] > by_rank[other, word])
    return one < other


@lean
def _put_in_order(n_members: int, by_rank: BitArray, in_order: Order) -> None:
    """Sort LSPs by the states in which they fail (Shell 1959)."""
    order, first_word = in_order
    for member in range(n_members):
        order[member], first_word[member] = member, by_rank[member, 0]
    gap = 1
    while 3 * gap < n_members:
        gap = 3 * gap + 1
    while gap > 0:
        for at in range(gap, n_members):
            member, word, free = order[at], first_word[at], at
            while free >= gap and word >= first_word[free - gap]:
                if word == first_word[free - gap] and not _comes_first(by_rank, member, order[free - gap]):
                    break
                order[free], first_word[free] = order[free - gap], first_word[free - gap]
                free -= gap
            order[free], first_word[free] = member, word
        gap //= 3


@lean
def _apply(
    forward: Float32Array, backward: Float32Array, bits: BitArray, begin: int, end: int, state_at: IntArray,
    adds: bool, states: Float32Array, is_written: BoolArray,
) -> None:  # fmt: skip
    """Add a sum to the states of those ranks, or take it away; a state not yet written is the base load."""
    for word in range(begin >> 6, (end + 63) >> 6):
        left = bits[word]
        if word == begin >> 6:
            left &= _ALL >> np.uint64(begin & 63)
        if word == end >> 6:
            left &= ~(_ALL >> np.uint64(end & 63))
        while left != _ZERO:
            state = state_at[np.uint64(64 * word + 63 - _lowest_bit(left))]
            left &= left - _ONE
            for direction in range(2):
                total, target = backward if direction else forward, states[state, direction]
                if not is_written[state]:
                    _copy(states[0, direction], target)
                if adds:
                    _add_row(total, target)
                else:
                    _subtract_row(total, target)
            is_written[state] = True


@lean
def _spread(
    samples32: Float32Array, lsps: IntArray, orientation: IntArray, adds: bool, bench: Bench,
    states: Float32Array, is_written: BoolArray,
) -> None:  # fmt: skip
    """Add each LSP to the load in the states in which it fails, or take it away.

    ``states`` float32[n_states, 2, S] are loads per direction of the link, the first one the base load.
    """
    (totals, common), ranking, in_order = bench
    order, by_rank, state_at = in_order[0], ranking[1], ranking[2][_STATE_AT]
    n_members = lsps.shape[0]
    _rank_states(n_members, ranking)
    _put_in_order(n_members, by_rank, in_order)
    height = 0  # of the stack of groups that the next LSP continues
    for at in range(n_members):
        member = order[at]
        forward = samples32[lsps[member], orientation[member]]
        backward = samples32[lsps[member], 1 ^ orientation[member]]
        is_group, upto = False, 64 * by_rank.shape[1]
        goes_on = _common_ranks(by_rank, member, order[at + 1]) if at + 1 < n_members else 0
        while True:
            top = common[height - 1] if height > 0 else 0
            level = max(top, goes_on)
            _apply(forward, backward, by_rank[member], level, upto, state_at, adds, states, is_written)
            upto = level
            if top < goes_on:  # a group begins
                common[height] = goes_on
                if not is_group:
                    _copy(forward, totals[height, 0])
                    _copy(backward, totals[height, 1])
                height += 1
                break
            if height == 0:
                break
            _add_row(forward, totals[height - 1, 0])
            _add_row(backward, totals[height - 1, 1])
            if top == goes_on:
                break
            height -= 1  # the group ends: what it shares with the one before is all that is left of it
            forward, backward, is_group = totals[height, 0], totals[height, 1], True
