"""Loads of a link in all failure states at once: see `sweeps.links_required`."""

import numpy as np

from ._arrays import BitArray, BoolArray, Float32Array, FloatArray, Int32Array, IntArray
from ._jit import lean
from ._percentiles import _exceeds32, _kth_smallest, _order_statistic32
from ._rows import _copy
from ._shared_states import Bench, _spread
from ._sums import _add_row, _guard_band, _largest, _rounded

# LSPs with their primary path on a link, and how they walk it; the same of backup paths.
Lists = tuple[IntArray, IntArray, IntArray, IntArray]

_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@lean
def _fill_in(
    lsps: IntArray, down_primary: BitArray, down_backup: BitArray, on_backup: bool, n_states: int,
    failing: BitArray,
) -> None:  # fmt: skip
    """Write the failure states in which LSPs are not on their primary, or are on their backup."""
    for member in range(lsps.shape[0]):
        for word in range(failing.shape[1]):
            bits = down_primary[lsps[member], word]
            if on_backup:
                bits &= ~down_backup[lsps[member], word]
            if n_states < 64 * word + 64:
                bits &= (_ONE << np.uint64(max(n_states - 64 * word, 0))) - _ONE
            failing[member, word] = bits & ~_ONE if word == 0 else bits


@lean
def _sweep_link(
    samples32: Float32Array, primary_lsp: IntArray, primary_orientation: IntArray, backup_lsp: IntArray,
    backup_orientation: IntArray, down_primary: BitArray, down_backup: BitArray, bench: Bench,
    states: Float32Array, is_written: BoolArray,
) -> None:  # fmt: skip
    """Write the load of a link in failure states to ``states`` float32[n_states, 2, S].

    Every LSP is added to the base load; an LSP whose primary fails is taken from the states in which it does,
    and added to those in which its backup is in use. Of the states in which none does anything only the first
    is written: the others are the same.
    """
    n_states, failing = states.shape[0], bench[1][0]
    base = states[0].reshape(-1)
    for s in range(base.shape[0]):
        base[s] = 0.0
    for member in range(primary_lsp.shape[0]):
        for direction in range(2):
            _add_row(
                samples32[primary_lsp[member], direction], states[0, direction ^ primary_orientation[member]]
            )
    is_written[0] = True
    for state in range(1, n_states):
        is_written[state] = False
    _fill_in(primary_lsp, down_primary, down_backup, False, n_states, failing)
    _spread(samples32, primary_lsp, primary_orientation, False, bench, states, is_written)
    _fill_in(backup_lsp, down_primary, down_backup, True, n_states, failing)
    _spread(samples32, backup_lsp, backup_orientation, True, bench, states, is_written)
    for state in range(1, n_states):
        if not is_written[state]:
            _copy(base, states[state].reshape(-1))
            is_written[state] = True
            break


@lean
def _add_some(source: FloatArray, which: IntArray, count: int, load: FloatArray) -> None:
    for at in range(count):
        load[np.uint64(at)] += source[np.uint64(which[np.uint64(at)])]


@lean
def _add_in_state(
    samples: FloatArray, lists: Lists, down_primary: BitArray, down_backup: BitArray, state: int,
    direction: int, which: IntArray, count: int, load: FloatArray,
) -> None:  # fmt: skip
    """Add to ``load`` what a link carries in one direction in one state, for some of the samples."""
    primary_lsp, primary_orientation, backup_lsp, backup_orientation = lists
    word, shift = state // 64, np.uint64(state % 64)
    for member in range(primary_lsp.shape[0]):
        lsp = primary_lsp[member]
        if (down_primary[lsp, word] >> shift) & _ONE == _ZERO:
            _add_some(samples[lsp, direction ^ primary_orientation[member]], which, count, load)
    for member in range(backup_lsp.shape[0]):
        lsp = backup_lsp[member]
        if ((down_primary[lsp, word] & ~down_backup[lsp, word]) >> shift) & _ONE != _ZERO:
            _add_some(samples[lsp, direction ^ backup_orientation[member]], which, count, load)


@lean
def _exact_in_state(
    samples: FloatArray, lists: Lists, down_primary: BitArray, down_backup: BitArray, state: int,
    direction: int, load32: Float32Array, low: float, high: float, group_start: IntArray, rank: IntArray,
    which: IntArray, exact: FloatArray,
) -> float:  # fmt: skip
    """Order statistic of a link's load in one direction and state, in float64.

    Samples below ``low`` in float32 are below, and those above ``high`` above what any state needs at most.
    The others are summed. Where the result is less than that most it may be wrong, and is less all the same.
    """
    required = -np.inf
    for group in range(rank.shape[0]):
        below, count = 0, 0
        for s in range(group_start[group], group_start[group + 1]):
            if load32[s] < low:
                below += 1
            elif load32[s] <= high:
                which[count], exact[count] = s, 0.0
                count += 1
        if below < rank[group]:
            _add_in_state(samples, lists, down_primary, down_backup, state, direction, which, count, exact)
            required = max(required, _kth_smallest(exact, count, rank[group] - below))
    return required


@lean
def _required_by_sweep(
    samples: FloatArray, samples32: Float32Array, lists: Lists, down_primary: BitArray, down_backup: BitArray,
    group_start: IntArray, rank_normal: IntArray, rank_failure: IntArray, bench: Bench, states: Float32Array,
    is_written: BoolArray, keys: Int32Array, which: IntArray, exact: FloatArray,
) -> tuple[float, int]:  # fmt: skip
    """`links_required` for one link, in given memory."""
    primary_lsp, primary_orientation, backup_lsp, backup_orientation = lists
    if primary_lsp.shape[0] + backup_lsp.shape[0] == 0:
        return 0.0, 0
    _sweep_link(
        samples32, primary_lsp, primary_orientation, backup_lsp, backup_orientation, down_primary,
        down_backup, bench, states, is_written,
    )  # fmt: skip
    most, largest = -np.inf, 0.0
    for state in range(states.shape[0]):
        if not is_written[state]:
            continue
        largest = max(largest, _largest(states[state], keys))
        rank = rank_failure if state > 0 else rank_normal
        for direction in range(2):
            if _exceeds32(states[state, direction], group_start, rank, most):
                most = _order_statistic32(states[state, direction], group_start, rank, keys)
    # what is subtracted is so before anything is added: no partial sum is above both base and end
    guard = _guard_band(2 * primary_lsp.shape[0] + backup_lsp.shape[0], largest)
    low, high = _rounded(most - 2.0 * guard, False), _rounded(most + 2.0 * guard, True)
    required, worst_state = -np.inf, 0
    for state in range(states.shape[0]):
        if not is_written[state]:
            continue
        rank = rank_failure if state > 0 else rank_normal
        for direction in range(2):
            if _exceeds32(states[state, direction], group_start, rank, low):
                needed = _exact_in_state(
                    samples, lists, down_primary, down_backup, state, direction, states[state, direction],
                    low, high, group_start, rank, which, exact,
                )  # fmt: skip
                if needed > required:
                    required, worst_state = needed, state
    return required, worst_state
