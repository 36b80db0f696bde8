"""Bits of 64-bit words, in forms that LLVM turns into the processor's own instructions."""

import numpy as np

from ._jit import lean

_ONE = np.uint64(1)
_BITS_1 = np.uint64(0x5555555555555555)
_BITS_2 = np.uint64(0x3333333333333333)
_BITS_4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)


@lean
def _count_bits(word: np.uint64) -> np.uint64:
    """Number of set bits, added up in ever wider fields (Warren, Hacker's Delight, section 5-1)."""
    word = word - ((word >> _ONE) & _BITS_1)
    word = (word & _BITS_2) + ((word >> np.uint64(2)) & _BITS_2)
    word = (word + (word >> np.uint64(4))) & _BITS_4
    return (word * _BYTES) >> np.uint64(56)


@lean
def _lowest_bit(word: np.uint64) -> int:
    """Index of the lowest set bit of a word that is not zero: the number of zeros below it."""
    return int(_count_bits(~word & (word - _ONE)))


@lean
def _highest_bit(word: np.uint64) -> int:
    """Index of the highest set bit of a word that is not zero."""
    for shift in (1, 2, 4, 8, 16, 32):
        word |= word >> np.uint64(shift)
    return int(_count_bits(word)) - 1
