"""Order statistics of samples: by selection where there are few, else by counting."""

import numpy as np

from ._arrays import Float32Array, FloatArray, Int32Array, IntArray
from ._jit import lean

Keys = IntArray | Int32Array
Key = int | np.int32 | np.int64

_SHORT = 16
_LONG = 48  # samples: from here on counting beats selecting
_LEAST_INT = -(2**63)
_MOST_INT = 2**63 - 1


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
def _order_statistic(values: FloatArray, group_start: IntArray, rank: IntArray, scratch: FloatArray) -> float:
    """`loads.order_statistic`."""
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
def _exceeds(values: FloatArray, group_start: IntArray, rank: IntArray, capacity: float) -> bool:
    """`loads.exceeds`."""
    for group in range(rank.shape[0]):
        # a slice, not a range of indices: these could be negative, which keeps LLVM from vector instructions
        if _count_upto(values[group_start[group] : group_start[group + 1]], capacity) < rank[group]:
            return True
    return False


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
