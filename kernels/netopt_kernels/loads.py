"""Link loads over traffic samples and failure states, and the capacity each link needs.

The q-percentile of n values is the ceil(q*n)-th smallest, without interpolation. Samples come in
groups (the UTC hours, or one group for the whole day): a link is judged by its worst group. All
kernels take the groups as ``group_start`` (the first sample of each group, then S) and the order as
``rank`` (ceil(q*n) per group, 1-based).

Failure states are bits: bit ``f % 64`` of word ``f // 64`` says that a path is down in state f.
State 0 is the network without failures; its bit is never set for a primary path.
"""

import numpy as np
import numpy.typing as npt

from ._jit import kernel, lean

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BitArray = npt.NDArray[np.uint64]

SCRATCH_ROWS = 5
"""Rows of S samples in the scratch of `link_required`: base load, load in a state (2 each), selection."""

_SHORT = 16
_LONG = 48  # samples: from here on counting beats selecting
_LEAST_INT = -(2**63)
_MOST_INT = 2**63 - 1
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@lean
def _kth_smallest(values: FloatArray, n: int, k: int) -> float:
    """Select the k-th smallest (1-based) of the first n values, reordering them (Hoare's find)."""
    low, high, wanted = 0, n - 1, k - 1
    while high - low >= _SHORT:
        middle = (low + high) // 2
        # median of three: sorted and constant samples, both usual in traffic, stay linear
        if values[middle] < values[low]:
            values[middle], values[low] = values[low], values[middle]
        if values[high] < values[low]:
            values[high], values[low] = values[low], values[high]
        if values[high] < values[middle]:
            values[high], values[middle] = values[middle], values[high]
        pivot: float = values[middle]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            return pivot
    for i in range(low + 1, high + 1):
        value = values[i]
        j = i
        while j > low and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    found: float = values[wanted]
    return found


@lean
def _count_within(values: FloatArray, capacity: float) -> int:
    """Number of values that are at most ``capacity``."""
    count = 0
    for s in range(values.shape[0]):
        count += values[s] <= capacity
    return count


@lean
def _count_upto(keys: IntArray, most: int) -> int:
    """Number of keys that are at most ``most``; one pass that LLVM turns into vector instructions."""
    count = 0
    for s in range(keys.shape[0]):
        count += keys[s] <= most
    return count


@lean
def _largest_upto(keys: IntArray, most: int) -> int:
    """Largest key that is at most ``most``; the smallest integer if there is none."""
    largest = _LEAST_INT
    for s in range(keys.shape[0]):
        largest = max(largest, keys[s] if keys[s] <= most else _LEAST_INT)
    return largest


@lean
def _smallest_above(keys: IntArray, least: int) -> int:
    """Smallest key above ``least``; the largest integer if there is none."""
    smallest = _MOST_INT
    for s in range(keys.shape[0]):
        smallest = min(smallest, keys[s] if keys[s] > least else _MOST_INT)
    return smallest


@lean
def _kth_by_counting(keys: IntArray, k: int) -> int:
    """Select the k-th smallest (1-based) key by counting passes between two bounds.

    The next bound is interpolated from the counts, every third time halfway. Counting one bound takes a
    fraction of a microsecond for a thousand keys, as opposed to the branches of a selection.
    """
    low, high = _smallest_above(keys, _LEAST_INT), _largest_upto(keys, _MOST_INT)
    if k == 1:
        return low
    low -= 1
    count_low, count_high = 0, keys.shape[0]
    turn = 0
    while count_high > k and count_low < k - 1 and low + 1 < high:
        turn += 1
        if low < -1 < high:
            middle = -1  # first of all the sign: the distance of the bounds is then an integer that exists
        elif turn % 3 == 0:
            middle = low + ((high - low) >> 1)
        else:
            share = (k - 0.5 - count_low) / (count_high - count_low)
            middle = min(max(low + int(share * (high - low)), low + 1), high - 1)
        count = _count_upto(keys, middle)
        if count >= k:
            high, count_high = middle, count
        else:
            low, count_low = middle, count
    if count_high == k:
        return _largest_upto(keys, high)
    return _smallest_above(keys, low)


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
    largest = -np.inf
    for group in range(rank.shape[0]):
        part = values[group_start[group] : group_start[group + 1]]
        wanted = rank[group] - part.shape[0]
        if part.shape[0] >= _LONG:
            if _count_within(part, largest) < rank[group]:
                ordered = scratch[: part.shape[0]].view(np.int64)
                bits = part.view(np.int64)
                # the bits of floats in their order as integers: those of negative ones run backwards
                for s in range(part.shape[0]):
                    ordered[s] = bits[s] ^ ((bits[s] >> 63) & _MOST_INT)
                key = _kth_by_counting(ordered, rank[group])
                ordered[0] = key ^ ((key >> 63) & _MOST_INT)
                largest = scratch[0]
            continue
        above = 0
        for s in range(part.shape[0]):
            value = part[s]
            if value > largest:
                scratch[above] = value
                above += 1
        # only a group whose value beats the ones before it has to be sorted out
        wanted += above
        if wanted > 0:
            largest = _kth_smallest(scratch, above, wanted)
    return largest


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
    for group in range(rank.shape[0]):
        # a slice, not a range of indices: these could be negative, which keeps LLVM from vector instructions
        if _count_within(values[group_start[group] : group_start[group + 1]], capacity) < rank[group]:
            return True
    return False


@kernel
def base_loads(
    samples: FloatArray, lsp_first: IntArray, lsp_link: IntArray, lsp_orientation: IntArray, n_links: int
) -> FloatArray:
    """Sum the load of every link when every LSP uses its listed path.

    Parameters
    ----------
    samples : float64[n_lsp, 2, S]
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
    float64[n_links, 2, S]
        Load in Gb/s per link, direction of the link and sample.
    """
    n_samples = samples.shape[2]
    loads = np.zeros((n_links, 2, n_samples))
    # by LSP, not by link: the row of samples stays in cache while its links are visited
    for lsp in range(samples.shape[0]):
        for entry in range(lsp_first[lsp], lsp_first[lsp + 1]):
            for direction in range(2):
                source = samples[lsp, direction]
                target = loads[lsp_link[entry], direction ^ lsp_orientation[entry]]
                for s in range(n_samples):
                    target[s] += source[s]
    return loads


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
    required = order_statistic(scratch[0], group_start, rank_normal, select)
    worst_state, worst_direction = 0, 0
    if exceeds(scratch[1], group_start, rank_normal, required):
        required = order_statistic(scratch[1], group_start, rank_normal, select)
        worst_direction = 1

    # Where no backup is active the load is at most the base load, as samples are not negative: such
    # a state matters only if the base load needs more under the failure ranks than the normal ones.
    quiet_bound = required
    for direction in range(2):
        if exceeds(scratch[direction], group_start, rank_failure, quiet_bound):
            quiet_bound = order_statistic(scratch[direction], group_start, rank_failure, select)

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
                if exceeds(load, group_start, rank_failure, required):
                    required = order_statistic(load, group_start, rank_failure, select)
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
def links_required(
    samples: FloatArray,
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
    """Apply `link_required` to every link.

    Parameters
    ----------
    samples : float64[n_lsp, 2, S]
        Traffic in Gb/s, not negative; direction 0 is the demand's a to b.
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
    required = np.empty(n_links)
    worst_state = np.empty(n_links, np.int64)
    scratch = np.empty((SCRATCH_ROWS, samples.shape[2]))
    for link in range(n_links):
        primary, primary_end = link_primary_first[link], link_primary_first[link + 1]
        backup, backup_end = link_backup_first[link], link_backup_first[link + 1]
        required[link], worst_state[link], _ = link_required(
            samples,
            link_primary_lsp[primary:primary_end],
            link_primary_orientation[primary:primary_end],
            link_backup_lsp[backup:backup_end],
            link_backup_orientation[backup:backup_end],
            down_primary,
            down_backup,
            n_states,
            group_start,
            rank_normal,
            rank_failure,
            scratch,
        )
    return required, worst_state


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
