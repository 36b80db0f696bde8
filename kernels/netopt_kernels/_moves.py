"""Moves of one LSP over rows of loads whose samples are in order around the ranks: see `moves.rank_rows`."""

import numpy as np

from ._arrays import Float32Array, FloatArray, Int32Array, IntArray
from ._jit import lean
from ._percentiles import _kth_smallest
from ._sums import _rounded

Load = float | np.float32

_FEW = 32  # values: up to here a branch that nobody can foretell costs more than to count them again
_AROUND = 32  # places before and after a rank that `moves.rank_rows` puts in order


@lean
def _rank_group(load: Float32Array, ranked: Float32Array, order: Int32Array, middle: int) -> None:
    """`rank_rows` for one group of one row."""
    n = order.shape[0]
    for s in range(n):
        ranked[s] = load[order[s]]
    first, last = max(middle - _AROUND, 0), min(middle + _AROUND, n - 1)
    _split(ranked, order, 0, n - 1, first)
    _split(ranked, order, first, n - 1, last)
    for at in range(first + 1, last + 1):
        value, sample, free = ranked[at], order[at], at
        while free > first and ranked[free - 1] > value:
            ranked[free], order[free] = ranked[free - 1], order[free - 1]
            free -= 1
        ranked[free], order[free] = value, sample


@lean
def _split(ranked: Float32Array, order: Int32Array, low: int, high: int, wanted: int) -> None:
    """Bring to its place what belongs there among low..high, less before it and more after: Hoare's find.

    The pivot is what stands there already, so that little is left to do where the order is nearly right.
    """
    while low < high:
        pivot = ranked[wanted]
        i, j = low, high
        while i <= j:
            while ranked[i] < pivot:
                i += 1
            while pivot < ranked[j]:
                j -= 1
            if i <= j:
                ranked[i], ranked[j] = ranked[j], ranked[i]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if j < wanted:
            low = i
        if wanted < i:
            high = j


@lean
def _probe(
    ranked32: Float32Array, order: Int32Array, sample: Float32Array, touched: IntArray, sign: IntArray,
    group_start: IntArray, rank: IntArray, capacity_gbps: FloatArray, guard_gbps: FloatArray,
    least: Float32Array, most: Float32Array, near: Float32Array,
) -> int:  # fmt: skip
    """`probe_moves` for one move."""
    worst = 1
    for entry in range(touched.shape[0]):
        if sign[entry] < 0:
            continue
        row = touched[entry]
        low = np.float32(_rounded(capacity_gbps[row] - guard_gbps[row], False))
        needs = _moved(ranked32[row], order[row], sample, 1, group_start, rank, least, most, low, near)
        if needs > low:
            if needs > np.float32(_rounded(capacity_gbps[row] + guard_gbps[row], True)):
                return 0
            worst = -1
    return worst


@lean
def _probe_all(
    ranked32: Float32Array, order: Int32Array, samples32: Float32Array, move_sample: IntArray,
    move_first: IntArray, move_row: IntArray, move_sign: IntArray, group_start: IntArray, rank: IntArray,
    capacity_gbps: FloatArray, guard_gbps: FloatArray, ranges: Float32Array, near: Float32Array,
    found: IntArray,
) -> None:  # fmt: skip
    """`probe_moves`, given memory."""
    for move in range(move_sample.shape[0]):
        sample = samples32[move_sample[move]]
        _ranges(sample, group_start, ranges[0], ranges[1])
        found[move] = _probe(
            ranked32, order, sample, move_row[move_first[move] : move_first[move + 1]],
            move_sign[move_first[move] : move_first[move + 1]], group_start, rank, capacity_gbps, guard_gbps,
            ranges[0], ranges[1], near,
        )  # fmt: skip


@lean
def _moved_all(
    ranked32: Float32Array, order: Int32Array, samples32: Float32Array, move_sample: IntArray,
    move_first: IntArray, move_row: IntArray, move_sign: IntArray, group_start: IntArray, rank: IntArray,
    ranges: Float32Array, near: Float32Array, found: Float32Array,
) -> None:  # fmt: skip
    """`moved_order_statistics`, given memory."""
    for move in range(move_sample.shape[0]):
        sample = samples32[move_sample[move]]
        touched = move_row[move_first[move] : move_first[move + 1]]
        _fetch(ranked32, order, touched, group_start, rank, near)
        _ranges(sample, group_start, ranges[0], ranges[1])
        for entry in range(move_first[move], move_first[move + 1]):
            row = move_row[entry]
            found[entry] = _moved(
                ranked32[row], order[row], sample, move_sign[entry], group_start, rank, ranges[0], ranges[1],
                np.float32(-np.inf), near,
            )  # fmt: skip


@lean
def _fetch(
    ranked32: Float32Array, order: Int32Array, touched: IntArray, group_start: IntArray, rank: IntArray,
    near: Float32Array,
) -> None:  # fmt: skip
    """Read all rows at the ranks, so that they are on their way from memory at once, and before their turn.

    ``near`` is overwritten, at the first `_FEW` places.
    """
    for entry in range(touched.shape[0]):
        row = np.uint64(touched[entry])
        for group in range(rank.shape[0]):
            where = np.uint64(group_start[group] + rank[group] - 1)
            near[np.uint64(entry % _FEW)] = ranked32[row, where] + np.float32(order[row, where])


@lean
def _ranges(sample: Float32Array, group_start: IntArray, least: Float32Array, most: Float32Array) -> None:
    """Write the smallest and the largest sample of each group; none is negative."""
    for group in range(least.shape[0]):
        bits = sample[group_start[group] : group_start[group + 1]].view(np.int32)
        low, high = np.int32(0x7FFFFFFF), np.int32(0)
        for s in range(bits.shape[0]):
            low, high = min(low, bits[s]), max(high, bits[s])
        least[group : group + 1].view(np.int32)[0] = low
        most[group : group + 1].view(np.int32)[0] = high


@lean
def _moved(
    ranked: Float32Array, order: Int32Array, sample: Float32Array, sign: int, group_start: IntArray,
    rank: IntArray, least: Float32Array, most: Float32Array, needs: Load, near: Float32Array,
) -> Load:  # fmt: skip
    """Order statistic of load + sign * sample, or ``needs`` if that is more.

    Of a group whose k-th load is x the k-th sum lies between x + the least and x + the most that joins, and
    rounding keeps that order. Only the loads that the sample can bring in between have to be summed: those
    below and above stay there, so that it takes no more than their number.
    """
    for group in range(rank.shape[0]):
        low = least[group] if sign > 0 else -most[group]
        high = most[group] if sign > 0 else -least[group]
        start, stop = group_start[group], group_start[group + 1]
        at = start + rank[group] - 1
        below, above = ranked[at] + low, ranked[at] + high
        if above <= needs:
            continue
        first, last = max(at - _AROUND, start), min(at + _AROUND + 1, stop)
        begin = at - _count_above(ranked[first:at], high, below)
        end = at + 1 + _count_below(ranked[at + 1 : last], low, above)
        if start < first == begin or end == last < stop:  # what is beyond is in no order
            begin, end = start, stop
        _add_up(ranked[begin:end], order[begin:end], sample, np.float32(sign), near)
        n, wanted = end - begin, at + 1 - begin
        found = _kth_of_few(near, n, wanted, wanted - 1) if n <= _FEW else _kth_smallest(near, n, wanted)
        needs = max(needs, min(max(found, below), above))
    return needs


@lean
def _count_above(values: Float32Array, change: Load, least: Load) -> int:
    """Number of values that come to more than ``least`` by the change."""
    count = np.int32(0)
    for s in range(values.shape[0]):
        count = np.int32(count + (values[s] + change > least))
    return int(count)


@lean
def _count_below(values: Float32Array, change: Load, most: Load) -> int:
    """Number of values that come to less than ``most`` by the change."""
    count = np.int32(0)
    for s in range(values.shape[0]):
        count = np.int32(count + (values[s] + change < most))
    return int(count)


@lean
def _add_up(
    ranked: Float32Array, order: Int32Array, sample: Float32Array, sign: Load, near: Float32Array
) -> None:
    """Write load + sign * sample for the samples of some loads in order."""
    for at in range(ranked.shape[0]):
        near[np.uint64(at)] = ranked[at] + sign * sample[np.uint64(order[at])]


@lean
def _kth_of_few(values: Float32Array, n: int, k: int, guess: int) -> Load:
    """Select the k-th smallest (1-based) of the first n values, given the place of one that is near it.

    From value to value, by counting bits as integers, always as many: a few vector instructions each time.
    ``values`` has room for that many.
    """
    keys = values.view(np.int32)
    least, most = np.int32(-(2**31)), np.int32(2**31 - 1)
    for at in range(_FEW):
        # the bits of floats in their order as integers: those of negative ones run backwards
        keys[at] = keys[at] ^ ((keys[at] >> 31) & most) if at < n else most
    found = keys[guess]
    while True:
        less, upto, below, above = np.int32(0), np.int32(0), least, most
        for at in range(_FEW):
            key = keys[at]
            less, upto = np.int32(less + (key < found)), np.int32(upto + (key <= found))
            below = max(below, key if key < found else least)
            above = min(above, key if key > found else most)
        if less >= k:
            found = below
        elif upto < k:
            found = above
        else:
            break
    keys[0] = found ^ ((found >> 31) & most)
    selected: Load = values[0]
    return selected
