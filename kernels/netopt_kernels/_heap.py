"""Binary heaps in two arrays: keys, and items that break ties between equal ones."""

import numpy as np

from ._arrays import FloatArray, IntArray
from ._jit import lean

# Unsigned indices are not checked for counting from the end.
_ONE = np.uint64(1)


@lean
def _push(keys: FloatArray, items: IntArray, size: int, key: float, item: int) -> int:
    """Push onto a binary heap ordered by (key, item); return its new size. No key is negative."""
    at = np.uint64(size)
    while at > 0:
        up = (at - _ONE) >> _ONE
        if keys[up] < key or (keys[up] == key and items[up] <= item):
            break
        keys[at] = keys[up]
        items[at] = items[up]
        at = up
    keys[at] = key
    items[at] = item
    return size + 1


@lean
def _drop_first(keys: FloatArray, items: IntArray, size: int) -> int:
    """Remove the first entry of a binary heap; return its new size."""
    bits = keys.view(np.int64)  # in the order of the keys, none of which is negative, and quicker to compare
    end, at = np.uint64(size - 1), np.uint64(0)
    key, item = bits[end], items[end]
    while True:
        down = (at << _ONE) + _ONE
        if down >= end:
            break
        right = down + _ONE
        if right < end:  # which child is first nobody can foretell: added up, not branched on
            if bits[right] == bits[down]:
                down += np.uint64(items[right] < items[down])
            else:
                down += np.uint64(bits[right] < bits[down])
        if key < bits[down] or (key == bits[down] and item <= items[down]):
            break
        bits[at] = bits[down]
        items[at] = items[down]
        at = down
    bits[at] = key
    items[at] = item
    return size - 1
