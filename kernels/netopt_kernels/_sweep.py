"""Loads of a link in all failure states at once: see `sweeps.links_required`."""

import numpy as np

from ._arrays import BitArray, BoolArray, Float32Array, FloatArray, Int32Array, IntArray
from ._jit import lean
from ._percentiles import _exceeds, _exceeds32, _order_statistic, _order_statistic32
from ._rows import _copy
from ._shared_states import Bench, _spread
from ._sums import _add_row, _guard_band, _largest, _rounded

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
def _add_direction(samples: FloatArray, lsp: int, direction: int, load: FloatArray) -> None:
    source = samples[lsp, direction]
    for s in range(load.shape[0]):
        load[s] += source[s]


@lean
def _state_load(
    samples: FloatArray, primary_lsp: IntArray, primary_orientation: IntArray, backup_lsp: IntArray,
    backup_orientation: IntArray, down_primary: BitArray, down_backup: BitArray, state: int, direction: int,
    load: FloatArray,
) -> None:  # fmt: skip
    """Sum the load of one direction of a link in one state, in float64."""
    word, shift = state // 64, np.uint64(state % 64)
    for s in range(load.shape[0]):
        load[s] = 0.0
    for member in range(primary_lsp.shape[0]):
        lsp = primary_lsp[member]
        if (down_primary[lsp, word] >> shift) & _ONE == _ZERO:
            _add_direction(samples, lsp, direction ^ primary_orientation[member], load)
    for member in range(backup_lsp.shape[0]):
        lsp = backup_lsp[member]
        if ((down_primary[lsp, word] & ~down_backup[lsp, word]) >> shift) & _ONE != _ZERO:
            _add_direction(samples, lsp, direction ^ backup_orientation[member], load)


@lean
def _required_by_sweep(
    samples: FloatArray, samples32: Float32Array, lists: tuple[IntArray, IntArray, IntArray, IntArray],
    down_primary: BitArray, down_backup: BitArray, group_start: IntArray, rank_normal: IntArray,
    rank_failure: IntArray, bench: Bench, states: Float32Array, is_written: BoolArray, keys: Int32Array,
    exact: FloatArray, select: FloatArray,
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
    near = _rounded(most - 2.0 * guard, False)
    required, worst_state = -np.inf, 0
    for state in range(states.shape[0]):
        if not is_written[state]:
            continue
        rank = rank_failure if state > 0 else rank_normal
        for direction in range(2):
            # without a band (all samples 0) no state can be told apart
            if near < most and not _exceeds32(states[state, direction], group_start, rank, near):
                continue
            _state_load(
                samples, primary_lsp, primary_orientation, backup_lsp, backup_orientation, down_primary,
                down_backup, state, direction, exact,
            )  # fmt: skip
            if _exceeds(exact, group_start, rank, required):
                required, worst_state = _order_statistic(exact, group_start, rank, select), state
    return required, worst_state
