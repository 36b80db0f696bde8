"""Moves of one LSP between links: whether its load still fits, and what the links would then need.

Groups of samples and ranks as in ``loads``. The samples of a link's load are kept in order around the ranks.
"""

import numpy as np

from ._arrays import Float32Array, FloatArray, Int32Array, IntArray
from ._jit import kernel
from ._moves import _FEW, _moved_all, _probe_all, _rank_group


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
        As for `loads.verdicts`.

    Returns
    -------
    int64[k]
        1 if the load fits on all rows joined, 0 if it does not on some, -1 if float32 cannot tell.
    """
    found = np.empty(move_sample.shape[0], np.int64)
    ranges, near = np.empty((2, rank.shape[0]), np.float32), np.empty(order.shape[1] + _FEW, np.float32)
    _probe_all(
        ranked32, order, samples32, move_sample, move_first, move_row, move_sign, group_start, rank,
        capacity_gbps, guard_gbps, ranges, near, found,
    )  # fmt: skip
    return found


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
    ranges, near = np.empty((2, rank.shape[0]), np.float32), np.empty(order.shape[1] + _FEW, np.float32)
    _moved_all(
        ranked32, order, samples32, move_sample, move_first, move_row, move_sign, group_start, rank, ranges,
        near, found,
    )  # fmt: skip
    return found
