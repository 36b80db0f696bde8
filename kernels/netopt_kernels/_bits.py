"""Bits of 64-bit words."""

import numpy as np

from ._jit import lean

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_SIXTY_SEVEN = np.uint64(67)
_INDEX_OF_POWER = np.zeros(67, np.int64)
for _index in range(64):
    _INDEX_OF_POWER[(1 << _index) % 67] = _index


@lean
def _lowest_bit(word: np.uint64) -> int:
    """Index of the lowest set bit of a word that is not zero: powers of two differ modulo 67."""
    return int(_INDEX_OF_POWER[(word & (~word + _ONE)) % _SIXTY_SEVEN])


@lean
def _highest_bit(word: np.uint64) -> int:
    """Index of the highest set bit of a word that is not zero."""
    index = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(step) != _ZERO:
            word = word >> np.uint64(step)
            index += step
    return index
