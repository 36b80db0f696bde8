"""
Local search on the IP layer: route, price and move LSPs over candidate links, exactly and incrementally.

The layer's cost is the sum over links of a step function (modules) of the load that the link must carry: the
largest order statistic over failure states and directions, as in ``loads``. A move takes LSPs out, routes
them again at marginal cost and is kept if the exact cost falls. What makes it fast:

- per link and state an upper bound of the order statistic is kept. Adding an LSP raises it by the LSP's
  peak; a state is summed over samples only while its bound could change the cost, or says that the link is
  much fuller than known, and then only in the groups of samples whose largest loads could add up to that;
- where LSPs leave a link and even their peaks could not change its cost, nothing is summed;
- links are weighed only where a search comes by, and searches are goal-directed;
- rejected moves are undone from copies of the few rows they touched;
- inner functions allocate nothing, so that no references are counted (`_jit.lean`), and the next step of a
  link's cost is kept with it: its table of costs is seldom in the cache.

All state lives in a `Layer` of arrays, which the caller owns: see `grooming_state`.
"""

import numpy as np

from ._arrays import IntArray
from ._jit import kernel, lean
from ._link_loads import (
    _attach,
    _confirm,
    _detach,
    _fell,
    _grew,
    _link_entry,
    _room,
    _touch_paths,
    _unlink_entry,
    _write_step,
)
from ._lsp_paths import _find, _find_backup, _settle
from ._rows import _copy
from .grooming_state import BACKUP, LESS, PRIMARY, Clock, Layer, Lsps, Pool, Work

_GAIN = 1e-9  # relative gain below which a move counts as none
_DRAWS = 50  # attempts to draw a link in use


@kernel
def attach_all(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, order: IntArray, quiet: bool
) -> None:
    """
    Load the LSPs in ``order``, whose paths are already written in the layer, and price every link.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers.
    order : int64[...]
        LSPs with at least a primary path.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.
    """
    for link in range(layer.members.shape[0]):
        _write_step(pool.table, link, 0, layer.step)
    for lsp in order:
        _settle(pool, lsps, layer, lsp)
        _attach(lsps, clock, layer, lsp)
    for link in range(layer.members.shape[0]):
        if layer.members[link] > 0:
            _fell(pool, lsps, clock, layer, work, link, np.inf)
            _confirm(pool, lsps, clock, layer, work, link, quiet)


@kernel
def route_all(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, order: IntArray, quiet: bool
) -> int:
    """
    Route LSPs one after another onto the layer as it stands.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers.
    order : int64[...]
        LSPs without paths, or with a primary that is written in the layer and loaded nowhere: this is kept
        if a backup for it is found.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.

    Returns
    -------
    int
        How many were left without paths.
    """
    missing = 0
    for lsp in order:
        found = _find_backup(pool, lsps, layer, work, lsp)
        if not found and lsps.a[lsp] != lsps.b[lsp]:
            found = _find(pool, lsps, layer, work, lsp)
        if not found:
            layer.hops[lsp, PRIMARY] = layer.hops[lsp, BACKUP] = -1
            missing += 1
            continue
        _attach(lsps, clock, layer, lsp)
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                _grew(pool, lsps, clock, layer, work, layer.path[lsp, side, position])
    for link in range(layer.members.shape[0]):
        _confirm(pool, lsps, clock, layer, work, link, quiet)
    return missing


@lean
def _is_back(layer: Layer, work: Work, lsp: int, i: int) -> bool:
    """Whether the ``i``-th LSP of a move is on the paths that it had before."""
    hops, path, old_path = layer.hops, layer.path, work.old_path
    for side in range(2):
        if hops[lsp, side] != work.old_hops[i, side]:
            return False
        for position in range(hops[lsp, side]):
            if path[lsp, side, position] != old_path[i, side, position]:
                return False
    return True


@lean
def _compare(lsps: Lsps, layer: Layer, work: Work, moved: IntArray, attached: int) -> bool:
    """Note the links that carry others than before a move, and what it took off them.

    The first ``attached`` LSPs are back, the others nowhere. Returns whether there is such a link.
    """
    other, lost_gbps, number, differs = work.other, work.lost_gbps, work.counters[0], False
    for slot in range(work.counters[1]):
        lost_gbps[work.touched[slot]] = 0.0
    for i in range(moved.shape[0]):
        lsp = moved[i]
        if i < attached and _is_back(layer, work, lsp, i):
            continue
        differs = True
        for side in range(2):
            for position in range(work.old_hops[i, side]):
                link = work.old_path[i, side, position]
                other[link] = number
                lost_gbps[link] += lsps.peak_gbps[lsp]
            if i < attached:
                for position in range(layer.hops[lsp, side]):
                    other[layer.path[lsp, side, position]] = number
    return differs


@lean
def _reinstate(pool: Pool, layer: Layer, work: Work, slot: int) -> None:
    """Give a link its rows back; of its bounds, those that the move has not made smaller."""
    link = work.touched[slot]
    lost_gbps = work.lost_gbps[link]
    for direction in range(2):
        _copy(work.old_base[slot, direction], layer.base[link, direction])
        _copy(work.old_crest[slot, direction], layer.crest[link, direction])
    bound, old_bound = layer.bound[link], work.old_bound[slot]
    for state in range(bound.shape[0]):
        bound[state] = min(old_bound[state], bound[state] + lost_gbps)
    _copy(work.old_active[slot], layer.active[link])
    _copy(work.old_spare[slot], layer.spare[link])
    layer.most_spare[link] = work.old_scalars[slot, 0]
    layer.required[link] = work.old_scalars[slot, 1]
    _copy(work.old_step[slot], layer.step[link])
    layer.room[link] = _room(layer, pool.units_per_gbps, link)
    layer.total[0] += work.old_scalars[slot, 2] - layer.worth[link]
    layer.worth[link] = work.old_scalars[slot, 2]
    layer.witness[link] = int(work.old_scalars[slot, 3])
    layer.leading[link] = int(work.old_scalars[slot, 4])


@lean
def _undo(
    pool: Pool, lsps: Lsps, layer: Layer, work: Work, moved: IntArray, done: int, attached: int
) -> None:
    """Restore the layer: ``done`` LSPs were taken out, ``attached`` of them are back elsewhere."""
    stride = layer.path.shape[2]
    _compare(lsps, layer, work, moved, attached)
    for i in range(attached):
        lsp = moved[i]
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                _unlink_entry(layer, layer.path[lsp, side, position], (lsp * 2 + side) * stride + position)
    for i in range(done):
        lsp = moved[i]
        for side in range(2):
            layer.hops[lsp, side] = work.old_hops[i, side]
            _copy(work.old_path[i, side], layer.path[lsp, side])
        _settle(pool, lsps, layer, lsp)
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                _link_entry(layer, layer.path[lsp, side, position], (lsp * 2 + side) * stride + position)
    for slot in range(work.counters[1]):
        _reinstate(pool, layer, work, slot)


@lean
def _move(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, moved: IntArray, slack: float, quiet: bool
) -> bool:
    """`move`, for compiled code."""
    work.counters[0] += 1
    work.counters[1] = 0
    work.counters[2] += 1
    before = layer.total[0]
    n = moved.shape[0]
    for i in range(n):
        lsp = moved[i]
        for side in range(2):
            work.old_hops[i, side] = layer.hops[lsp, side]
            _copy(layer.path[lsp, side], work.old_path[i, side])
        _touch_paths(layer, work, lsp)
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                work.lost_gbps[layer.path[lsp, side, position]] += lsps.peak_gbps[lsp]
        _detach(lsps, clock, layer, lsp)
    for slot in range(work.counters[1]):
        link = work.touched[slot]
        _fell(pool, lsps, clock, layer, work, link, work.lost_gbps[link])
    most = before - _GAIN * abs(before) + slack
    attached, fine = 0, layer.total[0] < most
    while fine and attached < n:
        lsp = moved[attached]
        fine = _find(pool, lsps, layer, work, lsp)
        if fine:
            _touch_paths(layer, work, lsp)
            _attach(lsps, clock, layer, lsp)
            attached += 1
            for side in range(2):
                for position in range(layer.hops[lsp, side]):
                    _grew(pool, lsps, clock, layer, work, layer.path[lsp, side, position])
            fine = layer.total[0] < most
    if fine:
        fine = _compare(lsps, layer, work, moved, n)
    if fine:
        for slot in range(work.counters[1]):
            if work.other[work.touched[slot]] != work.counters[0]:
                _reinstate(pool, layer, work, slot)
        fine = layer.total[0] < most
    slot = 0
    while fine and slot < work.counters[1]:
        if work.other[work.touched[slot]] == work.counters[0]:
            _confirm(pool, lsps, clock, layer, work, work.touched[slot], quiet)
            fine = layer.total[0] < most
        slot += 1
    if fine:
        return True
    _undo(pool, lsps, layer, work, moved, n, attached)
    layer.total[0] = before
    return False


@kernel
def move(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, moved: IntArray, slack: float, quiet: bool
) -> bool:
    """
    Take LSPs out, route them again in this order at exact marginal cost, and keep what is cheaper.

    Links in ``layer.banned`` are not used. Otherwise the layer is left exactly as it was.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers for at least ``len(moved)`` LSPs.
    moved : int64[...]
        Routed LSPs.
    slack : float
        Accept a result that is dearer by less than this; 0 to accept gains only.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.

    Returns
    -------
    bool
        Whether the layer changed.
    """
    return _move(pool, lsps, clock, layer, work, moved, slack, quiet)


@lean
def _on_link(layer: Layer, work: Work, link: int) -> int:
    """List the LSPs on a link, on either path, in ``work.changed``; how many."""
    changed, n, start = work.changed, 0, layer.start[link]
    per_lsp = 2 * layer.path.shape[2]
    for entry in layer.entries[start : start + layer.members[link]]:
        lsp = entry // per_lsp
        known = False
        for i in range(n):
            known |= changed[i] == lsp
        if not known:
            changed[n] = lsp
            n += 1
    return n


@lean
def _excess(pool: Pool, layer: Layer, link: int) -> float:
    """How much a link must lose to become cheaper."""
    return float(layer.required[link] - max(0.0, layer.step[link, LESS]) / pool.units_per_gbps)


@kernel
def _draw(random: np.random.Generator, low: int, high: int) -> int:
    """Draw a whole number from ``low`` to below ``high``; numpy's own way takes a second to compile."""
    return low + int(random.random() * (high - low))


@kernel
def ruin(pool: Pool, lsps: Lsps, layer: Layer, work: Work, most: int, random: np.random.Generator) -> int:
    """
    Choose LSPs to move together, in random order, in ``work.chosen``.

    Some or all of a link; as many of a link as should make it cheaper; LSPs that share links with one; any.

    Parameters
    ----------
    pool, lsps, layer, work
        The problem, its state, and buffers for at least ``most`` LSPs.
    most : int
        LSPs to choose, at most.
    random : numpy.random.Generator
        Source of every choice.

    Returns
    -------
    int
        How many were chosen.
    """
    n_lsps, changed, chosen = layer.hops.shape[0], work.changed, work.chosen
    kind, n, excess = random.random(), 0, np.inf
    if kind < 0.75 and pool.links.shape[0] > 0:
        link = -1
        if kind < 0.6:
            for _ in range(_DRAWS):
                drawn = pool.links[_draw(random, 0, pool.links.shape[0])]
                if layer.members[drawn] > 0:
                    link = drawn
                    break
        else:
            lsp = _draw(random, 0, n_lsps)
            side = PRIMARY if layer.hops[lsp, BACKUP] <= 0 else _draw(random, 0, 2)
            if layer.hops[lsp, side] > 0:
                link = layer.path[lsp, side, _draw(random, 0, layer.hops[lsp, side])]
        if link >= 0:
            n = _on_link(layer, work, link)
            if 0.3 <= kind < 0.6:
                excess = _excess(pool, layer, link)
    if n == 0:
        n = _draw(random, 1, min(most, n_lsps) + 1)
        for i in range(n):
            changed[i] = _draw(random, 0, n_lsps)
    count, taken = 0, 0.0
    for i in range(n):
        j = _draw(random, i, n)
        changed[i], changed[j] = changed[j], changed[i]
        lsp, known = changed[i], False
        for k in range(count):
            known |= chosen[k] == lsp
        if layer.hops[lsp, PRIMARY] > 0 and not known:
            chosen[count] = lsp
            count += 1
            taken += lsps.size_gbps[lsp]
        if count == most or taken > excess:
            break
    return count


@kernel
def anneal(
    pool: Pool,
    lsps: Lsps,
    clock: Clock,
    layer: Layer,
    work: Work,
    random: np.random.Generator,
    steps: int,
    most: int,
    temperatures: tuple[float, float],
    quiet: bool,
) -> int:
    """
    Ruin and recreate with annealing (Schrimpf et al. 2000): move a few LSPs at a time.

    The Metropolis rule's threshold is drawn before a move, so that hopeless moves end early.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers for at least ``most`` LSPs.
    random : numpy.random.Generator
        Source of every choice.
    steps : int
        Moves to try.
    most : int
        LSPs moved together, at most.
    temperatures : tuple of float
        At the first and after the last step, in cost units.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.

    Returns
    -------
    int
        Moves that changed the layer.
    """
    accepted = 0
    for step in range(steps):
        temperature = temperatures[0] + (temperatures[1] - temperatures[0]) * step / steps
        n = ruin(pool, lsps, layer, work, most, random)
        slack = -temperature * np.log(1.0 - random.random())
        if n > 0 and _move(pool, lsps, clock, layer, work, work.chosen[:n], slack, quiet):
            accepted += 1
    return accepted
