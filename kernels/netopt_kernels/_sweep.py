"""Loads of a link in all failure states at once: see `loads.links_required`."""

import numpy as np

from ._arrays import BitArray, Float32Array, FloatArray, Int32Array, IntArray
from ._bits import _lowest_bit
from ._jit import lean
from ._percentiles import _exceeds, _exceeds32, _order_statistic, _order_statistic32
from ._sums import _add_row, _guard_band, _largest, _rounded, _subtract_row

_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@lean
def _sweep_link(
    samples32: Float32Array, primary_lsp: IntArray, primary_orientation: IntArray, backup_lsp: IntArray,
    backup_orientation: IntArray, down_primary: BitArray, down_backup: BitArray, states: Float32Array,
) -> None:  # fmt: skip
    """Write the load of a link in every failure state to ``states`` float32[n_states, 2, S].

    Every LSP is added to the base load, which is then the start of all states; an LSP whose primary fails
    is taken from the states in which it does, and added to those in which its backup is in use.
    """
    n_states = states.shape[0]
    base = states[0].reshape(-1)
    for s in range(base.shape[0]):
        base[s] = 0.0
    for member in range(primary_lsp.shape[0]):
        for direction in range(2):
            _add_row(
                samples32[primary_lsp[member], direction], states[0, direction ^ primary_orientation[member]]
            )
    for state in range(1, n_states):
        row = states[state].reshape(-1)
        for s in range(base.shape[0]):
            row[s] = base[s]
    for member in range(primary_lsp.shape[0]):
        lsp, orientation = primary_lsp[member], primary_orientation[member]
        for word in range(down_primary.shape[1]):
            bits = down_primary[lsp, word]
            while bits != _ZERO:
                state = 64 * word + _lowest_bit(bits)
                bits &= bits - _ONE
                if 0 < state < n_states:
                    _subtract_row(samples32[lsp, 0], states[state, orientation])
                    _subtract_row(samples32[lsp, 1], states[state, 1 ^ orientation])
    for member in range(backup_lsp.shape[0]):
        lsp, orientation = backup_lsp[member], backup_orientation[member]
        for word in range(down_primary.shape[1]):
            bits = down_primary[lsp, word] & ~down_backup[lsp, word]
            while bits != _ZERO:
                state = 64 * word + _lowest_bit(bits)
                bits &= bits - _ONE
                if 0 < state < n_states:
                    _add_row(samples32[lsp, 0], states[state, orientation])
                    _add_row(samples32[lsp, 1], states[state, 1 ^ orientation])


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
    rank_failure: IntArray, states: Float32Array, keys: Int32Array, exact: FloatArray, select: FloatArray,
) -> tuple[float, int]:  # fmt: skip
    """`links_required` for one link, in given memory."""
    primary_lsp, primary_orientation, backup_lsp, backup_orientation = lists
    if primary_lsp.shape[0] + backup_lsp.shape[0] == 0:
        return 0.0, 0
    _sweep_link(
        samples32, primary_lsp, primary_orientation, backup_lsp, backup_orientation, down_primary,
        down_backup, states,
    )  # fmt: skip
    most = -np.inf
    for state in range(states.shape[0]):
        rank = rank_failure if state > 0 else rank_normal
        for direction in range(2):
            if _exceeds32(states[state, direction], group_start, rank, most):
                most = _order_statistic32(states[state, direction], group_start, rank, keys)
    # what is subtracted is so before anything is added: no partial sum is above both base and end
    guard = _guard_band(2 * primary_lsp.shape[0] + backup_lsp.shape[0], _largest(states, keys))
    near = _rounded(most - 2.0 * guard, False)
    required, worst_state = -np.inf, 0
    for state in range(states.shape[0]):
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
