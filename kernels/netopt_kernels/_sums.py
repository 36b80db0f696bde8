"""Sums of rows of float32 samples, and how exact they are: see `loads.guard_band`."""

import numpy as np

from ._arrays import Float32Array, Int32Array, IntArray
from ._jit import lean

_LEAST_NORMAL = 2.0**-126  # of float32


@lean
def _add_row(source: Float32Array, target: Float32Array) -> None:
    for s in range(target.shape[0]):
        target[s] += source[s]


@lean
def _subtract_row(source: Float32Array, target: Float32Array) -> None:
    for s in range(target.shape[0]):
        target[s] -= source[s]


@lean
def _add_row_to_two(source: Float32Array, target1: Float32Array, target2: Float32Array) -> None:
    for s in range(target1.shape[0]):
        target1[s] += source[s]
        target2[s] += source[s]


@lean
def _add_row_to_five(
    source: Float32Array, target1: Float32Array, target2: Float32Array, target3: Float32Array,
    target4: Float32Array, target5: Float32Array,
) -> None:  # fmt: skip
    for s in range(target1.shape[0]):
        value = source[s]
        target1[s] += value
        target2[s] += value
        target3[s] += value
        target4[s] += value
        target5[s] += value


@lean
def _row(lsp_link: IntArray, lsp_orientation: IntArray, entry: int, direction: int) -> int:
    """Row of the link at an entry, in the direction in which the LSP walks it."""
    return int(2 * lsp_link[entry] + (direction ^ lsp_orientation[entry]))


@lean
def _sum_by_lsp(
    samples32: Float32Array, lsp_first: IntArray, lsp_link: IntArray, lsp_orientation: IntArray,
    loads: Float32Array,
) -> None:  # fmt: skip
    """Add every LSP to its links: by LSP, so that its row of samples stays in cache meanwhile.

    Several links in one pass, so that the rows of all of them are on their way from memory at once.
    """
    rows = loads.reshape(2 * loads.shape[0], loads.shape[2])
    for lsp in range(samples32.shape[0]):
        for direction in range(2):
            source, entry, end = samples32[lsp, direction], lsp_first[lsp], lsp_first[lsp + 1]
            while entry < end:
                target = rows[_row(lsp_link, lsp_orientation, entry, direction)]
                if entry + 5 <= end:
                    _add_row_to_five(
                        source, target,
                        rows[_row(lsp_link, lsp_orientation, entry + 1, direction)],
                        rows[_row(lsp_link, lsp_orientation, entry + 2, direction)],
                        rows[_row(lsp_link, lsp_orientation, entry + 3, direction)],
                        rows[_row(lsp_link, lsp_orientation, entry + 4, direction)],
                    )  # fmt: skip
                    entry += 5
                elif entry + 2 <= end:
                    second = rows[_row(lsp_link, lsp_orientation, entry + 1, direction)]
                    _add_row_to_two(source, target, second)
                    entry += 2
                else:
                    _add_row(source, target)
                    entry += 1


@lean
def _largest(rows32: Float32Array, cell: Int32Array) -> float:
    """Largest value if any is positive; ``cell`` is overwritten."""
    flat = rows32.reshape(-1).view(np.int32)
    largest = np.int32(0)
    for s in range(flat.shape[0]):
        largest = max(largest, flat[s])
    cell[0] = largest
    return np.float64(cell.view(np.float32)[0])  # float() would stay float32 here


@lean
def _guard_band(n_terms: int, most_gbps: float) -> float:
    """`loads.guard_band`."""
    return (n_terms + 3) * (most_gbps * 2.0**-24 + _LEAST_NORMAL)


@lean
def _rounded(value: float, upwards: bool) -> float:
    """The value as float32, moved a little so that rounding cannot have taken it the other way."""
    away = abs(value) * 2.0**-23
    return float(np.float32(value + away if upwards else value - away))
