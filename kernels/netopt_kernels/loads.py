"""Link loads over traffic samples and failure states, and the capacity each link needs.

The q-percentile of n values is the ceil(q*n)-th smallest, without interpolation. Samples come in
groups (the UTC hours, or one group for the whole day): a link is judged by its worst group. All
kernels take the groups as ``group_start`` (the first sample of each group, then S) and the order as
``rank`` (ceil(q*n) per group, 1-based).

Failure states are bits: bit ``f % 64`` of word ``f // 64`` says that a path is down in state f.
State 0 is the network without failures; its bit is never set for a primary path.
"""

import numpy as np

from ._arrays import BitArray, Float32Array, FloatArray, IntArray
from ._jit import kernel, lean
from ._percentiles import _exceeds, _exceeds32, _order_statistic, _order_statistic32
from ._states import _add_lsp, _load_in_state
from ._sums import _guard_band, _rounded, _sum_by_lsp

SCRATCH_ROWS = 5
"""Rows of S samples in the scratch of `link_required`: base load, load in a state (2 each), selection."""

_ZERO = np.uint64(0)
_ONE = np.uint64(1)


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
    return _order_statistic(values, group_start, rank, scratch)


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
    return _exceeds(values, group_start, rank, capacity)


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
    return _guard_band(n_terms, most_gbps)


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
    required = _order_statistic(scratch[0], group_start, rank_normal, select)
    worst_state, worst_direction = 0, 0
    if _exceeds(scratch[1], group_start, rank_normal, required):
        required = _order_statistic(scratch[1], group_start, rank_normal, select)
        worst_direction = 1

    # Where no backup is active the load is at most the base load, as samples are not negative: such
    # a state matters only if the base load needs more under the failure ranks than the normal ones.
    quiet_bound = required
    for direction in range(2):
        if _exceeds(scratch[direction], group_start, rank_failure, quiet_bound):
            quiet_bound = _order_statistic(scratch[direction], group_start, rank_failure, select)

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
                if _exceeds(load, group_start, rank_failure, required):
                    required = _order_statistic(load, group_start, rank_failure, select)
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
