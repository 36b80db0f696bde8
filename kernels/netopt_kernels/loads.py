"""Link loads over traffic samples and failure states, and the capacity each link needs.

The q-percentile of n values is the ceil(q*n)-th smallest, without interpolation. Samples come in
groups (the UTC hours, or one group for the whole day): a link is judged by its worst group. All
kernels take the groups as ``group_start`` (the first sample of each group, then S) and the order as
``rank`` (ceil(q*n) per group, 1-based).

Failure states are bits: bit ``f % 64`` of word ``f // 64`` says that a path is down in state f.
State 0 is the network without failures; its bit is never set for a primary path.
"""

import numpy as np
import numpy.typing as npt

from ._jit import kernel, lean

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BitArray = npt.NDArray[np.uint64]
Float32Array = npt.NDArray[np.float32]
Int32Array = npt.NDArray[np.int32]
Keys = IntArray | Int32Array
Key = int | np.int32 | np.int64
Load = float | np.float32

SCRATCH_ROWS = 5
"""Rows of S samples in the scratch of `link_required`: base load, load in a state (2 each), selection."""

_SHORT = 16
_SIXTY_SEVEN = np.uint64(67)
_INDEX_OF_POWER = np.zeros(67, np.int64)
for _index in range(64):
    _INDEX_OF_POWER[(1 << _index) % 67] = _index
_LONG = 48  # samples: from here on counting beats selecting
_FEW = 32  # values: up to here a branch that nobody can foretell costs more than to count them again
_AROUND = 32  # places before and after a rank that `rank_rows` puts in order
_LEAST_NORMAL = 2.0**-126  # of float32
_LEAST_INT = -(2**63)
_MOST_INT = 2**63 - 1
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@lean
def _kth_smallest(values: FloatArray | Float32Array, n: int, k: int) -> float:
    """Select the k-th smallest (1-based) of the first n values, reordering them (Hoare's find)."""
    low, high, wanted = 0, n - 1, k - 1
    while high - low >= _SHORT:
        middle = (low + high) // 2
        # median of three: sorted and constant samples, both usual in traffic, stay linear
        if values[middle] < values[low]:
            values[middle], values[low] = values[low], values[middle]
        if values[high] < values[low]:
            values[high], values[low] = values[low], values[high]
        if values[high] < values[middle]:
            values[high], values[middle] = values[middle], values[high]
        pivot: float = values[middle]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            return pivot
    for i in range(low + 1, high + 1):
        value = values[i]
        j = i
        while j > low and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    found: float = values[wanted]
    return found


@lean
def _count_upto(values: Keys | FloatArray | Float32Array, most: Key | float | np.float32) -> int:
    """Number of values that are at most ``most``; one pass that LLVM turns into vector instructions."""
    count = np.int32(0)  # as wide as a float32: 64 bits would take four times as many instructions
    for s in range(values.shape[0]):
        count = np.int32(count + (values[s] <= most))
    return int(count)


@lean
def _largest_upto(keys: Keys, most: Key, least_int: Key) -> int:
    """Largest key that is at most ``most``; ``least_int`` (of the keys' width) if there is none."""
    largest = least_int
    for s in range(keys.shape[0]):
        largest = max(largest, keys[s] if keys[s] <= most else least_int)
    return int(largest)


@lean
def _smallest_above(keys: Keys, least: Key, most_int: Key) -> int:
    """Smallest key above ``least``; ``most_int`` (of the keys' width) if there is none."""
    smallest = most_int
    for s in range(keys.shape[0]):
        smallest = min(smallest, keys[s] if keys[s] > least else most_int)
    return int(smallest)


@lean
def _kth_by_counting(keys: IntArray, k: int) -> int:
    """Select the k-th smallest (1-based) key by counting passes between two bounds.

    The next bound is interpolated from the counts, every third time halfway. Counting one bound takes a
    fraction of a microsecond for a thousand keys, as opposed to the branches of a selection.
    """
    low, high = _smallest_above(keys, _LEAST_INT, _MOST_INT), _largest_upto(keys, _MOST_INT, _LEAST_INT)
    if k == 1:
        return low
    low -= 1
    count_low, count_high = 0, keys.shape[0]
    turn = 0
    while count_high > k and count_low < k - 1 and low + 1 < high:
        turn += 1
        if low < -1 < high:
            middle = -1  # first of all the sign: the distance of the bounds is then an integer that exists
        elif turn % 3 == 0:
            middle = low + ((high - low) >> 1)
        else:
            share = (k - 0.5 - count_low) / (count_high - count_low)
            middle = min(max(low + int(share * (high - low)), low + 1), high - 1)
        count = _count_upto(keys, middle)
        if count >= k:
            high, count_high = middle, count
        else:
            low, count_low = middle, count
    if count_high == k:
        return _largest_upto(keys, high, _LEAST_INT)
    return _smallest_above(keys, low, _MOST_INT)


@lean
def order_statistic(values: FloatArray, group_start: IntArray, rank: IntArray, scratch: FloatArray) -> float:
    """Take the rank-th smallest value of each group and return the largest of them.

    Parameters
    ----------
    values : float64[S]
        Samples, those of one group side by side. Must be finite.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank : int64[G]
        1-based order per group, at most the size of the group.
    scratch : float64[S]
        Overwritten.

    Returns
    -------
    float
        One of the values, exactly.

    Examples
    --------
    >>> import numpy as np
    >>> load_gbps = np.array([3.0, 1.0, 2.0, 9.0, 5.0, 7.0])
    >>> order_statistic(load_gbps, np.array([0, 3, 6]), np.array([2, 2]), np.empty(6))
    7.0
    """
    largest = -np.inf
    for group in range(rank.shape[0]):
        part = values[group_start[group] : group_start[group + 1]]
        wanted = rank[group] - part.shape[0]
        if part.shape[0] >= _LONG:
            if _count_upto(part, largest) < rank[group]:
                ordered = scratch[: part.shape[0]].view(np.int64)
                bits = part.view(np.int64)
                # the bits of floats in their order as integers: those of negative ones run backwards
                for s in range(part.shape[0]):
                    ordered[s] = bits[s] ^ ((bits[s] >> 63) & _MOST_INT)
                key = _kth_by_counting(ordered, rank[group])
                ordered[0] = key ^ ((key >> 63) & _MOST_INT)
                largest = scratch[0]
            continue
        above = 0
        for s in range(part.shape[0]):
            value = part[s]
            if value > largest:
                scratch[above] = value
                above += 1
        # only a group whose value beats the ones before it has to be sorted out
        wanted += above
        if wanted > 0:
            largest = _kth_smallest(scratch, above, wanted)
    return largest


@lean
def exceeds(values: FloatArray, group_start: IntArray, rank: IntArray, capacity: float) -> bool:
    """Say whether the order statistic is above a capacity, by counting instead of selecting.

    Parameters
    ----------
    values : float64[S]
        Samples, those of one group side by side.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank : int64[G]
        1-based order per group.
    capacity : float
        In the unit of the values.

    Returns
    -------
    bool
        Exactly ``order_statistic(values, group_start, rank, ...) > capacity``.
    """
    for group in range(rank.shape[0]):
        # a slice, not a range of indices: these could be negative, which keeps LLVM from vector instructions
        if _count_upto(values[group_start[group] : group_start[group + 1]], capacity) < rank[group]:
            return True
    return False


@lean
def _add_row(source: Float32Array, target: Float32Array) -> None:
    for s in range(target.shape[0]):
        target[s] += source[s]


@lean
def _subtract_row(source: Float32Array, target: Float32Array) -> None:
    for s in range(target.shape[0]):
        target[s] -= source[s]


@kernel
def base_loads(
    samples32: Float32Array, lsp_first: IntArray, lsp_link: IntArray, lsp_orientation: IntArray, n_links: int
) -> Float32Array:
    """Sum the load of every link when every LSP uses its listed path.

    Parameters
    ----------
    samples32 : float32[n_lsp, 2, S]
        Traffic in Gb/s; direction 0 is the demand's a to b.
    lsp_first : int64[n_lsp+1]
        First entry of each LSP in the two lists that follow.
    lsp_link : int64[...]
        Links of the path.
    lsp_orientation : int64[...]
        0 where the path walks the link from its a to its b end, else 1.
    n_links : int
        Number of links.

    Returns
    -------
    float32[n_links, 2, S]
        Load in Gb/s per link, direction of the link and sample; `guard_band` says how exact.
    """
    loads = np.zeros((n_links, 2, samples32.shape[2]), np.float32)
    _sum_by_lsp(samples32, lsp_first, lsp_link, lsp_orientation, loads)
    return loads


@lean
def _sum_by_lsp(
    samples32: Float32Array, lsp_first: IntArray, lsp_link: IntArray, lsp_orientation: IntArray,
    loads: Float32Array,
) -> None:  # fmt: skip
    """Add every LSP to its links: by LSP, so that its row of samples stays in cache meanwhile."""
    for lsp in range(samples32.shape[0]):
        for entry in range(lsp_first[lsp], lsp_first[lsp + 1]):
            for direction in range(2):
                _add_row(
                    samples32[lsp, direction], loads[lsp_link[entry], direction ^ lsp_orientation[entry]]
                )


@lean
def guard_band(n_terms: int, most_gbps: float) -> float:
    """Bound the error of a float32 load: what its distance to a capacity must exceed to decide as float64.

    Rounding the samples to float32 errs by at most 2^-24 of their sum, and each addition or subtraction by at
    most 2^-24 of a partial sum that never exceeds ``most_gbps``: together (n_terms + 1) * 2^-24 of it.

    Parameters
    ----------
    n_terms : int
        Samples that were added or subtracted.
    most_gbps : float
        Bound on the partial sums, Gb/s.

    Returns
    -------
    float
        Gb/s, with two terms more, for the rounding of the bound itself and of float64, and with what
        numbers below the smallest normal float32 may lose.
    """
    return (n_terms + 3) * (most_gbps * 2.0**-24 + _LEAST_NORMAL)


@lean
def _exceeds32(load: Float32Array, group_start: IntArray, rank: IntArray, capacity: float) -> bool:
    """`exceeds` for a float32 load and a capacity that is one of its values, or a bound rounded outwards."""
    for group in range(rank.shape[0]):
        part = load[group_start[group] : group_start[group + 1]]
        if _count_upto(part, np.float32(capacity)) < rank[group]:
            return True
    return False


@lean
def _kth_by_counting32(keys: Int32Array, k: int) -> int:
    """`_kth_by_counting` for keys of 32 bits: every pass takes half the time."""
    least_int, most_int = np.int32(-(2**31)), np.int32(2**31 - 1)
    low, high = _smallest_above(keys, least_int, most_int), _largest_upto(keys, most_int, least_int)
    if k == 1:
        return low
    low -= 1
    count_low, count_high = 0, keys.shape[0]
    turn = 0
    while count_high > k and count_low < k - 1 and low + 1 < high:
        turn += 1
        if turn % 3 == 0:
            middle = low + ((high - low) >> 1)
        else:
            share = (k - 0.5 - count_low) / (count_high - count_low)
            middle = min(max(low + int(share * (high - low)), low + 1), high - 1)
        count = _count_upto(keys, np.int32(middle))
        if count >= k:
            high, count_high = middle, count
        else:
            low, count_low = middle, count
    if count_high == k:
        return _largest_upto(keys, np.int32(high), least_int)
    return _smallest_above(keys, np.int32(low), most_int)


@lean
def _order_statistic32(load: Float32Array, group_start: IntArray, rank: IntArray, keys: Int32Array) -> float:
    """`order_statistic` of a float32 load: exactly one of its values."""
    largest = _LEAST_INT
    for group in range(rank.shape[0]):
        part = load[group_start[group] : group_start[group + 1]]
        bits, ordered = part.view(np.int32), keys[: part.shape[0]]
        # the bits of floats in their order as integers: those of negative ones run backwards
        for s in range(part.shape[0]):
            ordered[s] = bits[s] ^ ((bits[s] >> 31) & 0x7FFFFFFF)
        largest = max(largest, _kth_by_counting32(ordered, rank[group]))
    keys[0] = largest ^ ((largest >> 31) & 0x7FFFFFFF)
    return np.float64(keys.view(np.float32)[0])


@kernel
def order_statistics(rows32: Float32Array, group_start: IntArray, rank: IntArray) -> Float32Array:
    """Apply `order_statistic` to many rows of float32 loads, exactly.

    Parameters
    ----------
    rows32 : float32[n, S]
        Loads in Gb/s; finite.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank : int64[G]
        1-based order per group.

    Returns
    -------
    float32[n]
        Per row the largest order statistic of its groups, Gb/s.
    """
    found = np.empty(rows32.shape[0], np.float32)
    keys = np.empty(rows32.shape[1], np.int32)
    for row in range(rows32.shape[0]):
        found[row] = _order_statistic32(rows32[row], group_start, rank, keys)
    return found


@lean
def _verdict(load: Float32Array, group_start: IntArray, rank: IntArray, capacity: float, guard: float) -> int:
    """1: fits for certain, 0: does not, -1: too close for float32."""
    if not _exceeds32(load, group_start, rank, _rounded(capacity - guard, False)):
        return 1
    return 0 if _exceeds32(load, group_start, rank, _rounded(capacity + guard, True)) else -1


@lean
def _rounded(value: float, upwards: bool) -> float:
    """The value as float32, moved a little so that rounding cannot have taken it the other way."""
    away = abs(value) * 2.0**-23
    return float(np.float32(value + away if upwards else value - away))


@kernel
def verdicts(
    rows32: Float32Array, group_start: IntArray, rank: IntArray, capacity_gbps: FloatArray,
    guard_gbps: FloatArray,
) -> IntArray:  # fmt: skip
    """Say of many links whether their load fits, in float32 where that decides as float64 would.

    Parameters
    ----------
    rows32 : float32[n, S]
        Loads in Gb/s.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank : int64[G]
        1-based order per group.
    capacity_gbps : float64[n]
        Capacity per row.
    guard_gbps : float64[n]
        Error of the loads per row, see `guard_band`.

    Returns
    -------
    int64[n]
        1 if ``order_statistic`` of the exact load is at most the capacity, 0 if it is above, -1 if they are
        too close to tell in float32: sum that row in float64.
    """
    found = np.empty(rows32.shape[0], np.int64)
    for row in range(rows32.shape[0]):
        found[row] = _verdict(rows32[row], group_start, rank, capacity_gbps[row], guard_gbps[row])
    return found


@kernel
def rank_rows(
    rows32: Float32Array, which: IntArray, group_start: IntArray, rank: IntArray, ranked32: Float32Array,
    order: Int32Array,
) -> None:  # fmt: skip
    """Put the samples of some rows in order around the ranks: what the kernels for moves work on.

    It starts from the order found, so it is quick for rows that changed by little.

    Parameters
    ----------
    rows32 : float32[n, S]
        Load per link and direction, Gb/s.
    which : int64[...]
        Rows to rank.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank : int64[G]
        1-based order per group.
    ranked32 : float32[n, S]
        Written: the loads of each row and group, ascending in the 32 places before and after the rank, less
        before those and more after.
    order : int32[n, S]
        Overwritten: the sample of each entry of ``ranked32``. Must hold the samples of each group in some
        order, such as 0, 1, 2 and so on.

    Examples
    --------
    >>> import numpy as np
    >>> load_gbps = np.array([[3.0, 1.0, 2.0]], np.float32)
    >>> ranked, order = np.empty_like(load_gbps), np.arange(3, dtype=np.int32).reshape(1, 3)
    >>> rank_rows(load_gbps, np.array([0]), np.array([0, 3]), np.array([2]), ranked, order)
    >>> ranked.tolist(), order.tolist()
    ([[1.0, 2.0, 3.0]], [[1, 2, 0]])
    """
    for at in range(which.shape[0]):
        row = which[at]
        for group in range(rank.shape[0]):
            part = slice(group_start[group], group_start[group + 1])
            _rank_group(rows32[row], ranked32[row, part], order[row, part], rank[group] - 1)


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


@kernel
def probe_moves(
    ranked32: Float32Array, order: Int32Array, samples32: Float32Array, move_sample: IntArray,
    move_first: IntArray, move_row: IntArray, move_sign: IntArray, group_start: IntArray, rank: IntArray,
    capacity_gbps: FloatArray, guard_gbps: FloatArray,
) -> IntArray:  # fmt: skip
    """Say of many moves of one LSP each whether every link that the LSP joins would still fit.

    Parameters
    ----------
    ranked32, order : float32[n, S], int32[n, S]
        Load per link and direction, Gb/s, as `rank_rows` leaves it.
    samples32 : float32[m, S]
        Traffic per LSP and direction, Gb/s, not negative.
    move_sample : int64[k]
        Row of ``samples32`` that each move shifts.
    move_first : int64[k+1]
        First entry of each move in the two lists that follow.
    move_row, move_sign : int64[...]
        Rows of ``ranked32`` that the move touches; +1 joins, -1 leaves. Rows left are not looked at: less
        load fits as before.
    group_start, rank, capacity_gbps, guard_gbps
        As for `verdicts`.

    Returns
    -------
    int64[k]
        1 if the load fits on all rows joined, 0 if it does not on some, -1 if float32 cannot tell.
    """
    found = np.empty(move_sample.shape[0], np.int64)
    least, most = np.empty(rank.shape[0], np.float32), np.empty(rank.shape[0], np.float32)
    near = np.empty(order.shape[1], np.float32)
    for move in range(move_sample.shape[0]):
        sample = samples32[move_sample[move]]
        _ranges(sample, group_start, least, most)
        found[move] = _probe(
            ranked32, order, sample, move_row[move_first[move] : move_first[move + 1]],
            move_sign[move_first[move] : move_first[move + 1]], group_start, rank, capacity_gbps, guard_gbps,
            least, most, near,
        )  # fmt: skip
    return found


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
        begin, end, first, last = at, at + 1, max(at - _AROUND, start), min(at + _AROUND + 1, stop)
        while begin > first and ranked[begin - 1] + high > below:
            begin -= 1
        while end < last and ranked[end] + low < above:
            end += 1
        if start < first == begin or end == last < stop:  # what is beyond is in no order
            begin, end = start, stop
        for entry in range(begin, end):
            change = sample[order[entry]]
            near[entry - begin] = ranked[entry] + (change if sign > 0 else -change)
        n, wanted = end - begin, at + 1 - begin
        found = _kth_of_few(near, n, wanted, wanted - 1) if n <= _FEW else _kth_smallest(near, n, wanted)
        needs = max(needs, min(max(found, below), above))
    return needs


@lean
def _kth_of_few(values: Float32Array, n: int, k: int, guess: int) -> Load:
    """Select the k-th smallest (1-based) of the first n values, given the place of one that is near it.

    From value to value, by counting: a handful of passes over a few values, whose branches can be foretold.
    """
    most = np.float32(np.inf)
    found: Load = values[guess]
    less = 0
    for at in range(n):
        less += values[at] < found
    while less >= k:
        below = -most
        for at in range(n):
            value = values[at] if values[at] < found else -most
            below = value if value > below else below
        found, less = below, 0
        for at in range(n):
            less += values[at] < found
    while True:
        upto, above = 0, most
        for at in range(n):
            value = values[at] if values[at] > found else most
            above = value if value < above else above
            upto += values[at] <= found
        if upto >= k:
            return found
        found = above


@kernel
def moved_order_statistics(
    ranked32: Float32Array, order: Int32Array, samples32: Float32Array, move_sample: IntArray,
    move_first: IntArray, move_row: IntArray, move_sign: IntArray, group_start: IntArray, rank: IntArray,
) -> Float32Array:  # fmt: skip
    """Find what every touched link would need after each of many moves of one LSP.

    Parameters
    ----------
    ranked32, order, samples32, move_sample, move_first, move_row, move_sign, group_start, rank
        As for `probe_moves`.

    Returns
    -------
    float32[...]
        Order statistic of the load per entry of ``move_row``, exactly that of the float32 sums, Gb/s.
    """
    found = np.empty(move_row.shape[0], np.float32)
    least, most = np.empty(rank.shape[0], np.float32), np.empty(rank.shape[0], np.float32)
    near = np.empty(order.shape[1], np.float32)
    for move in range(move_sample.shape[0]):
        sample = samples32[move_sample[move]]
        _ranges(sample, group_start, least, most)
        for entry in range(move_first[move], move_first[move + 1]):
            row = move_row[entry]
            found[entry] = _moved(
                ranked32[row], order[row], sample, move_sign[entry], group_start, rank, least, most,
                np.float32(-np.inf), near,
            )  # fmt: skip
    return found


@lean
def _add_lsp(samples: FloatArray, lsp: int, orientation: int, loads: FloatArray, row: int) -> None:
    """Add one LSP to the two rows of ``loads`` that start at ``row``."""
    for direction in range(2):
        source = samples[lsp, direction]
        target = loads[row + (direction ^ orientation)]
        for s in range(source.shape[0]):
            target[s] += source[s]


@lean
def _remove_lsp(samples: FloatArray, lsp: int, orientation: int, loads: FloatArray, row: int) -> None:
    """Undo `_add_lsp`, but for rounding."""
    for direction in range(2):
        source = samples[lsp, direction]
        target = loads[row + (direction ^ orientation)]
        for s in range(source.shape[0]):
            target[s] -= source[s]


@lean
def _load_in_state(
    samples: FloatArray,
    primary_lsp: IntArray,
    primary_orientation: IntArray,
    backup_lsp: IntArray,
    backup_orientation: IntArray,
    away: BitArray,
    active: BitArray,
    bit: np.uint64,
    scratch: FloatArray,
) -> None:
    """Write the load in the state of ``bit`` to rows 2 and 3 of scratch, given the base load in 0 and 1."""
    n_away = 0
    for member in range(primary_lsp.shape[0]):
        if away[member] & bit != _ZERO:
            n_away += 1
    # the shorter sum; a link that loses all its LSPs then carries exactly zero, not a rounding error
    rebuild = 2 * n_away > primary_lsp.shape[0]
    for s in range(samples.shape[2]):
        scratch[2, s] = 0.0 if rebuild else scratch[0, s]
        scratch[3, s] = 0.0 if rebuild else scratch[1, s]
    for member in range(primary_lsp.shape[0]):
        is_away = away[member] & bit != _ZERO
        if rebuild and not is_away:
            _add_lsp(samples, primary_lsp[member], primary_orientation[member], scratch, 2)
        elif is_away and not rebuild:
            _remove_lsp(samples, primary_lsp[member], primary_orientation[member], scratch, 2)
    for member in range(backup_lsp.shape[0]):
        if active[member] & bit != _ZERO:
            _add_lsp(samples, backup_lsp[member], backup_orientation[member], scratch, 2)


@kernel
def link_required(
    samples: FloatArray,
    primary_lsp: IntArray,
    primary_orientation: IntArray,
    backup_lsp: IntArray,
    backup_orientation: IntArray,
    down_primary: BitArray,
    down_backup: BitArray,
    n_states: int,
    group_start: IntArray,
    rank_normal: IntArray,
    rank_failure: IntArray,
    scratch: FloatArray,
) -> tuple[float, int, int]:
    """Find the load that one link must be able to carry over all failure states.

    In a state an LSP uses its primary path if that is up, else its backup if that is up, else it
    carries nothing. An LSP may have the link on both of its paths.

    Parameters
    ----------
    samples : float64[n_lsp, 2, S]
        Traffic in Gb/s, not negative; direction 0 is the demand's a to b.
    primary_lsp, primary_orientation : int64[...]
        LSPs whose primary path uses the link; orientation 0 walks it from its a to its b end.
    backup_lsp, backup_orientation : int64[...]
        LSPs whose backup path uses the link.
    down_primary, down_backup : uint64[n_lsp, W]
        States in which the path is down; all ones for a backup that does not exist.
    n_states : int
        Number of failure states, state 0 included.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank_normal, rank_failure : int64[G]
        1-based order per group, in state 0 and in all others.
    scratch : float64[SCRATCH_ROWS, S]
        Overwritten.

    Returns
    -------
    required_gbps : float
        The largest order statistic of the load over states and directions. Sums are exact to
        rounding: a state's load may be the base load minus the LSPs that left.
    worst_state : int
        The first state that needs it.
    worst_direction : int
        The first direction of the link that needs it, in that state.
    """
    select = scratch[4]
    for s in range(samples.shape[2]):
        scratch[0, s] = 0.0
        scratch[1, s] = 0.0
    for member in range(primary_lsp.shape[0]):
        _add_lsp(samples, primary_lsp[member], primary_orientation[member], scratch, 0)
    required = order_statistic(scratch[0], group_start, rank_normal, select)
    worst_state, worst_direction = 0, 0
    if exceeds(scratch[1], group_start, rank_normal, required):
        required = order_statistic(scratch[1], group_start, rank_normal, select)
        worst_direction = 1

    # Where no backup is active the load is at most the base load, as samples are not negative: such
    # a state matters only if the base load needs more under the failure ranks than the normal ones.
    quiet_bound = required
    for direction in range(2):
        if exceeds(scratch[direction], group_start, rank_failure, quiet_bound):
            quiet_bound = order_statistic(scratch[direction], group_start, rank_failure, select)

    away = np.empty(primary_lsp.shape[0], np.uint64)
    active = np.empty(backup_lsp.shape[0], np.uint64)
    for word in range(down_primary.shape[1]):
        for member in range(primary_lsp.shape[0]):
            away[member] = down_primary[primary_lsp[member], word]
        any_active = _ZERO
        for member in range(backup_lsp.shape[0]):
            lsp = backup_lsp[member]
            active[member] = down_primary[lsp, word] & ~down_backup[lsp, word]
            any_active |= active[member]
        for state in range(max(1, 64 * word), min(64 * word + 64, n_states)):
            bit = _ONE << np.uint64(state - 64 * word)
            if any_active & bit == _ZERO and quiet_bound <= required:
                continue
            _load_in_state(
                samples,
                primary_lsp,
                primary_orientation,
                backup_lsp,
                backup_orientation,
                away,
                active,
                bit,
                scratch,
            )
            for direction in range(2):
                load = scratch[2 + direction]
                if exceeds(load, group_start, rank_failure, required):
                    required = order_statistic(load, group_start, rank_failure, select)
                    worst_state, worst_direction = state, direction
    return required, worst_state, worst_direction


@kernel
def link_loads_in_state(
    samples: FloatArray,
    primary_lsp: IntArray,
    primary_orientation: IntArray,
    backup_lsp: IntArray,
    backup_orientation: IntArray,
    down_primary: BitArray,
    down_backup: BitArray,
    state: int,
) -> FloatArray:
    """Sum the load that one link carries in one failure state.

    Parameters
    ----------
    samples : float64[n_lsp, 2, S]
        Traffic in Gb/s; direction 0 is the demand's a to b.
    primary_lsp, primary_orientation, backup_lsp, backup_orientation : int64[...]
        LSPs on the link and how they walk it, as for `link_required`.
    down_primary, down_backup : uint64[n_lsp, W]
        States in which the path is down.
    state : int
        The failure state.

    Returns
    -------
    float64[2, S]
        Load in Gb/s per direction of the link and sample.
    """
    loads = np.zeros((2, samples.shape[2]))
    word, shift = state // 64, np.uint64(state % 64)
    for member in range(primary_lsp.shape[0]):
        lsp = primary_lsp[member]
        if (down_primary[lsp, word] >> shift) & _ONE == _ZERO:
            _add_lsp(samples, lsp, primary_orientation[member], loads, 0)
    for member in range(backup_lsp.shape[0]):
        lsp = backup_lsp[member]
        if ((down_primary[lsp, word] & ~down_backup[lsp, word]) >> shift) & _ONE != _ZERO:
            _add_lsp(samples, lsp, backup_orientation[member], loads, 0)
    return loads


@lean
def _lowest_bit(word: np.uint64) -> int:
    """Index of the lowest set bit of a word that is not zero: powers of two differ modulo 67."""
    return int(_INDEX_OF_POWER[(word & (~word + _ONE)) % _SIXTY_SEVEN])


@lean
def _sweep_link(
    samples32: Float32Array, primary_lsp: IntArray, primary_orientation: IntArray, backup_lsp: IntArray,
    backup_orientation: IntArray, down_primary: BitArray, down_backup: BitArray, states: Float32Array,
) -> None:  # fmt: skip
    """Write the load of a link in every failure state to ``states`` float32[n_states, 2, S].

    Every LSP is added to the base load, which is then the start of all states; an LSP whose primary fails
    is taken from the states in which it does, and added to those in which its backup is in use.
    """
    n_states = states.shape[0]
    base = states[0].reshape(-1)
    for s in range(base.shape[0]):
        base[s] = 0.0
    for member in range(primary_lsp.shape[0]):
        for direction in range(2):
            _add_row(
                samples32[primary_lsp[member], direction], states[0, direction ^ primary_orientation[member]]
            )
    for state in range(1, n_states):
        row = states[state].reshape(-1)
        for s in range(base.shape[0]):
            row[s] = base[s]
    for member in range(primary_lsp.shape[0]):
        lsp, orientation = primary_lsp[member], primary_orientation[member]
        for word in range(down_primary.shape[1]):
            bits = down_primary[lsp, word]
            while bits != _ZERO:
                state = 64 * word + _lowest_bit(bits)
                bits &= bits - _ONE
                if 0 < state < n_states:
                    _subtract_row(samples32[lsp, 0], states[state, orientation])
                    _subtract_row(samples32[lsp, 1], states[state, 1 ^ orientation])
    for member in range(backup_lsp.shape[0]):
        lsp, orientation = backup_lsp[member], backup_orientation[member]
        for word in range(down_primary.shape[1]):
            bits = down_primary[lsp, word] & ~down_backup[lsp, word]
            while bits != _ZERO:
                state = 64 * word + _lowest_bit(bits)
                bits &= bits - _ONE
                if 0 < state < n_states:
                    _add_row(samples32[lsp, 0], states[state, orientation])
                    _add_row(samples32[lsp, 1], states[state, 1 ^ orientation])


@lean
def _add_direction(samples: FloatArray, lsp: int, direction: int, load: FloatArray) -> None:
    source = samples[lsp, direction]
    for s in range(load.shape[0]):
        load[s] += source[s]


@lean
def _state_load(
    samples: FloatArray, primary_lsp: IntArray, primary_orientation: IntArray, backup_lsp: IntArray,
    backup_orientation: IntArray, down_primary: BitArray, down_backup: BitArray, state: int, direction: int,
    load: FloatArray,
) -> None:  # fmt: skip
    """Sum the load of one direction of a link in one state, in float64."""
    word, shift = state // 64, np.uint64(state % 64)
    for s in range(load.shape[0]):
        load[s] = 0.0
    for member in range(primary_lsp.shape[0]):
        lsp = primary_lsp[member]
        if (down_primary[lsp, word] >> shift) & _ONE == _ZERO:
            _add_direction(samples, lsp, direction ^ primary_orientation[member], load)
    for member in range(backup_lsp.shape[0]):
        lsp = backup_lsp[member]
        if ((down_primary[lsp, word] & ~down_backup[lsp, word]) >> shift) & _ONE != _ZERO:
            _add_direction(samples, lsp, direction ^ backup_orientation[member], load)


@lean
def _largest(rows32: Float32Array, cell: Int32Array) -> float:
    """Largest value if any is positive; ``cell`` is overwritten."""
    flat = rows32.reshape(-1).view(np.int32)
    largest = np.int32(0)
    for s in range(flat.shape[0]):
        largest = max(largest, flat[s])
    cell[0] = largest
    return np.float64(cell.view(np.float32)[0])  # float() would stay float32 here


@kernel
def links_required(
    samples: FloatArray,
    samples32: Float32Array,
    link_primary_first: IntArray,
    link_primary_lsp: IntArray,
    link_primary_orientation: IntArray,
    link_backup_first: IntArray,
    link_backup_lsp: IntArray,
    link_backup_orientation: IntArray,
    down_primary: BitArray,
    down_backup: BitArray,
    n_states: int,
    group_start: IntArray,
    rank_normal: IntArray,
    rank_failure: IntArray,
) -> tuple[FloatArray, IntArray]:
    """Find what every link must be able to carry over all failure states: `link_required` of each.

    All states are summed as changes of the base load in float32. Those that come within twice the guard
    band of the largest are summed again in float64, so the result is that of float64.

    Parameters
    ----------
    samples : float64[n_lsp, 2, S]
        Traffic in Gb/s, not negative; direction 0 is the demand's a to b.
    samples32 : float32[n_lsp, 2, S]
        The same, rounded.
    link_primary_first, link_backup_first : int64[n_links+1]
        First entry of each link in the membership lists.
    link_primary_lsp, link_primary_orientation, link_backup_lsp, link_backup_orientation : int64[...]
        LSPs on each link and how they walk it.
    down_primary, down_backup : uint64[n_lsp, W]
        States in which the path is down; all ones for a backup that does not exist.
    n_states : int
        Number of failure states, state 0 included.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank_normal, rank_failure : int64[G]
        1-based order per group, in state 0 and in all others.

    Returns
    -------
    required_gbps : float64[n_links]
        What each link must be able to carry.
    worst_state : int64[n_links]
        The first state that needs it.
    """
    n_links = link_primary_first.shape[0] - 1
    required, worst_state = np.empty(n_links), np.zeros(n_links, np.int64)
    n_samples = samples.shape[2]
    states, keys = np.empty((n_states, 2, n_samples), np.float32), np.empty(n_samples, np.int32)
    exact, select = np.empty(n_samples), np.empty(n_samples)
    for link in range(n_links):
        primary = slice(link_primary_first[link], link_primary_first[link + 1])
        backup = slice(link_backup_first[link], link_backup_first[link + 1])
        lists = (
            link_primary_lsp[primary], link_primary_orientation[primary],
            link_backup_lsp[backup], link_backup_orientation[backup],
        )  # fmt: skip
        required[link], worst_state[link] = _required_by_sweep(
            samples, samples32, lists, down_primary, down_backup, group_start, rank_normal, rank_failure,
            states, keys, exact, select,
        )  # fmt: skip
    return required, worst_state


@lean
def _required_by_sweep(
    samples: FloatArray, samples32: Float32Array, lists: tuple[IntArray, IntArray, IntArray, IntArray],
    down_primary: BitArray, down_backup: BitArray, group_start: IntArray, rank_normal: IntArray,
    rank_failure: IntArray, states: Float32Array, keys: Int32Array, exact: FloatArray, select: FloatArray,
) -> tuple[float, int]:  # fmt: skip
    """`links_required` for one link, in given memory."""
    primary_lsp, primary_orientation, backup_lsp, backup_orientation = lists
    if primary_lsp.shape[0] + backup_lsp.shape[0] == 0:
        return 0.0, 0
    _sweep_link(
        samples32, primary_lsp, primary_orientation, backup_lsp, backup_orientation, down_primary,
        down_backup, states,
    )  # fmt: skip
    most = -np.inf
    for state in range(states.shape[0]):
        rank = rank_failure if state > 0 else rank_normal
        for direction in range(2):
            if _exceeds32(states[state, direction], group_start, rank, most):
                most = _order_statistic32(states[state, direction], group_start, rank, keys)
    # what is subtracted is so before anything is added: no partial sum is above both base and end
    guard = guard_band(2 * primary_lsp.shape[0] + backup_lsp.shape[0], _largest(states, keys))
    near = _rounded(most - 2.0 * guard, False)
    required, worst_state = -np.inf, 0
    for state in range(states.shape[0]):
        rank = rank_failure if state > 0 else rank_normal
        for direction in range(2):
            # without a band (all samples 0) no state can be told apart
            if near < most and not _exceeds32(states[state, direction], group_start, rank, near):
                continue
            _state_load(
                samples, primary_lsp, primary_orientation, backup_lsp, backup_orientation, down_primary,
                down_backup, state, direction, exact,
            )  # fmt: skip
            if exceeds(exact, group_start, rank, required):
                required, worst_state = order_statistic(exact, group_start, rank, select), state
    return required, worst_state


@kernel
def path_down(link_down: BitArray, path_first: IntArray, path_link: IntArray) -> BitArray:
    """Find the failure states in which each path is down: those of any of its links.

    Parameters
    ----------
    link_down : uint64[n_links, W]
        States in which each link is down.
    path_first : int64[n_paths+1]
        First entry of each path in ``path_link``.
    path_link : int64[...]
        Links of the paths.

    Returns
    -------
    uint64[n_paths, W]
        States in which each path is down; none for a path without links.
    """
    n_paths = path_first.shape[0] - 1
    down = np.zeros((n_paths, link_down.shape[1]), np.uint64)
    for path in range(n_paths):
        for entry in range(path_first[path], path_first[path + 1]):
            for word in range(link_down.shape[1]):
                down[path, word] |= link_down[path_link[entry], word]
    return down
