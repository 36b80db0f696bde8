"""Load of a link in one failure state, as a change of its base load."""

import numpy as np

from ._arrays import BitArray, FloatArray, IntArray
from ._jit import lean

_ZERO = np.uint64(0)


@lean
def _add_lsp(samples: FloatArray, lsp: int, orientation: int, loads: FloatArray, row: int) -> None:
    """Add one LSP to the two rows of ``loads`` that start at ``row``."""
    for direction in range(2):
        source = samples[lsp, direction]
        target = loads[row + (direction ^ orientation)]
        for s in range(source.shape[0]):
            target[s] += source[s]


@lean
def _remove_lsp(samples: FloatArray, lsp: int, orientation: int, loads: FloatArray, row: int) -> None:
    """Undo `_add_lsp`, but for rounding."""
    for direction in range(2):
        source = samples[lsp, direction]
        target = loads[row + (direction ^ orientation)]
        for s in range(source.shape[0]):
            target[s] -= source[s]


@lean
def _load_in_state(
    samples: FloatArray,
    primary_lsp: IntArray,
    primary_orientation: IntArray,
    backup_lsp: IntArray,
    backup_orientation: IntArray,
    away: BitArray,
    active: BitArray,
    bit: np.uint64,
    scratch: FloatArray,
) -> None:
    """Write the load in the state of ``bit`` to rows 2 and 3 of scratch, given the base load in 0 and 1."""
    n_away = 0
    for member in range(primary_lsp.shape[0]):
        if away[member] & bit != _ZERO:
            n_away += 1
    # the shorter sum; a link that loses all its LSPs then carries exactly zero, not a rounding error
    rebuild = 2 * n_away > primary_lsp.shape[0]
    for s in range(samples.shape[2]):
        scratch[2, s] = 0.0 if rebuild else scratch[0, s]
        scratch[3, s] = 0.0 if rebuild else scratch[1, s]
    for member in range(primary_lsp.shape[0]):
        is_away = away[member] & bit != _ZERO
        if rebuild and not is_away:
            _add_lsp(samples, primary_lsp[member], primary_orientation[member], scratch, 2)
        elif is_away and not rebuild:
            _remove_lsp(samples, primary_lsp[member], primary_orientation[member], scratch, 2)
    for member in range(backup_lsp.shape[0]):
        if active[member] & bit != _ZERO:
            _add_lsp(samples, backup_lsp[member], backup_orientation[member], scratch, 2)
