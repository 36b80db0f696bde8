"""Named tuples as kernels take them."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import config, njit
from numpy.typing import NDArray

from netopt_kernels.structures import pack, packed_type


class Shelf(NamedTuple):
    boards: NDArray[np.float64]  # [2, 3]
    count: int
    is_full: NDArray[np.bool_]
    height: float
    marks: NDArray[np.uint64]  # [2, 2, 2]


def shelf() -> Shelf:
    return Shelf(
        np.arange(6.0).reshape(2, 3),
        7,
        np.array([True, False]),
        2.5,
        np.arange(8, dtype=np.uint64).reshape(2, 2, 2),
    )


@njit
def swap(packed: Any) -> tuple[float, int]:
    """Read fields of every kind, and write to arrays."""
    total = packed.height + packed.boards[1, 2] + packed.boards[-1].sum() + packed.marks[1, 0, 1]
    packed.boards[0, 1], packed.is_full[1] = -1.0, packed.count == 7
    packed.marks[0, 1, 0] += np.uint64(packed.boards.shape[1])
    return total, packed.marks.size + packed.is_full.shape[0]


def test_kernels_read_and_write_the_arrays_themselves() -> None:
    fields = shelf()
    total, sizes = swap(pack(fields))
    assert total == 2.5 + 5.0 + 12.0 + 5.0
    assert sizes == 8 + 2
    assert fields.boards.tolist() == [[0.0, -1.0, 2.0], [3.0, 4.0, 5.0]]
    assert fields.is_full.tolist() == [True, True]
    assert fields.marks[0, 1, 0] == 2 + 3


def test_arrays_live_as_long_as_what_was_packed_of_them() -> None:
    packed = pack(shelf())
    pressure = [np.full((2, 3), 9.0) for _ in range(100)]
    assert swap(packed)[0] == 24.5
    assert len(pressure) == 100


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without the compiler there are no types")
def test_types_are_told_apart_by_kinds_and_not_by_sizes() -> None:
    larger = shelf()._replace(boards=np.zeros((5, 9)), count=1)
    other = shelf()._replace(boards=np.zeros((2, 3), np.float32))
    assert packed_type(larger) == packed_type(shelf())
    assert packed_type(other) != packed_type(shelf())


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without the compiler tuples stay as they are")
def test_arrays_in_another_order_are_refused() -> None:
    with pytest.raises(ValueError, match="C order"):
        pack(shelf()._replace(boards=np.zeros((3, 2)).T))
