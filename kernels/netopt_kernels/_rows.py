"""Rows of arrays: copies, and sums over what a row of indices names."""

from typing import Any

import numpy.typing as npt

from ._arrays import FloatArray, IntArray
from ._jit import lean

Row = npt.NDArray[Any]


@lean
def _copy(source: Row, target: Row) -> None:
    """Copy a row to the beginning of another."""
    for at in range(source.shape[0]):
        target[at] = source[at]


@lean
def _sum_along(values: FloatArray, path: IntArray, hops: int) -> float:
    """Sum of the values of the first ``hops`` entries of a path, from its source on."""
    total = 0.0
    for at in range(hops):
        total += values[path[at]]
    return total
