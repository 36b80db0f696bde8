"""Failure sweeps: what every link must be able to carry, over all failure states.

Groups of samples, ranks and states as bits as in ``loads``.
"""

import numpy as np

from ._arrays import BitArray, Float32Array, FloatArray, IntArray
from ._jit import kernel
from ._shared_states import _new_bench
from ._sweep import _required_by_sweep


@kernel
def links_required(
    samples: FloatArray,
    samples32: Float32Array,
    link_primary_first: IntArray,
    link_primary_lsp: IntArray,
    link_primary_orientation: IntArray,
    link_backup_first: IntArray,
    link_backup_lsp: IntArray,
    link_backup_orientation: IntArray,
    down_primary: BitArray,
    down_backup: BitArray,
    n_states: int,
    group_start: IntArray,
    rank_normal: IntArray,
    rank_failure: IntArray,
) -> tuple[FloatArray, IntArray]:
    """Find what every link must be able to carry over all failure states: `loads.link_required` of each.

    All states are summed as changes of the base load in float32. Those that come within twice the guard
    band of the largest are summed again in float64, so the result is that of float64.

    Parameters
    ----------
    samples : float64[n_lsp, 2, S]
        Traffic in Gb/s, not negative; direction 0 is the demand's a to b.
    samples32 : float32[n_lsp, 2, S]
        The same, rounded.
    link_primary_first, link_backup_first : int64[n_links+1]
        First entry of each link in the membership lists.
    link_primary_lsp, link_primary_orientation, link_backup_lsp, link_backup_orientation : int64[...]
        LSPs on each link and how they walk it.
    down_primary, down_backup : uint64[n_lsp, W]
        States in which the path is down; all ones for a backup that does not exist.
    n_states : int
        Number of failure states, state 0 included.
    group_start : int64[G+1]
        First sample of each group; the last entry is S.
    rank_normal, rank_failure : int64[G]
        1-based order per group, in state 0 and in all others.

    Returns
    -------
    required_gbps : float64[n_links]
        What each link must be able to carry.
    worst_state : int64[n_links]
        The first state that needs it.
    """
    n_links = link_primary_first.shape[0] - 1
    required, worst_state = np.empty(n_links), np.zeros(n_links, np.int64)
    n_samples = samples.shape[2]
    states, keys = np.empty((n_states, 2, n_samples), np.float32), np.empty(n_samples, np.int32)
    which, exact = np.empty(n_samples, np.int64), np.empty(n_samples)
    is_written = np.empty(n_states, np.bool_)
    n_members = 0
    for link in range(n_links):
        n_members = max(n_members, link_primary_first[link + 1] - link_primary_first[link])
        n_members = max(n_members, link_backup_first[link + 1] - link_backup_first[link])
    bench = _new_bench(n_members, n_states, down_primary.shape[1], n_samples)
    for link in range(n_links):
        primary = slice(link_primary_first[link], link_primary_first[link + 1])
        backup = slice(link_backup_first[link], link_backup_first[link + 1])
        lists = (
            link_primary_lsp[primary], link_primary_orientation[primary],
            link_backup_lsp[backup], link_backup_orientation[backup],
        )  # fmt: skip
        required[link], worst_state[link] = _required_by_sweep(
            samples, samples32, lists, down_primary, down_backup, group_start, rank_normal, rank_failure,
            bench, states, is_written, keys, which, exact,
        )  # fmt: skip
    return required, worst_state
