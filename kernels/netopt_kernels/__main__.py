"""Compile all kernels ahead of the first plan: ``python -m netopt_kernels``.

Each for the arguments of a call on a network of three sites in a ring, with the dtypes and flags of the
planner's arrays (C-contiguous, writable), so that what is kept on disk is what the planner asks for.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba.core import event

from . import (
    bulk,
    disjoint,
    grooming,
    grooming_state,
    loads,
    modules,
    moves,
    packing,
    paths,
    rwa,
    spectrum,
    structures,
    sweeps,
)
from ._libraries import compile_numpy_as_inner
from ._shelf import Call, compile_together
from .compilation import ALL, compile_kernels
from .grooming_state import Clock, Layer, Lsps, Pool, Work

_NO_STATES = np.zeros((2, 1), np.uint64)


# the ring 0-1-2: fiber 0 joins sites 0 and 1, fiber 1 joins 1 and 2, fiber 2 joins 2 and 0
_RING = (np.array([0, 2, 4, 6]), np.array([1, 2, 0, 2, 1, 0]), np.array([0, 2, 0, 1, 1, 2]))
_WEIGHT = np.array([1.0, 1.0, 1.0])


def paths_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.paths`."""
    yield paths.shortest_tree, (*_RING, _WEIGHT, 0)
    yield paths.shortest_trees, (*_RING, _WEIGHT, np.array([0, 2]))
    yield paths.k_shortest_paths, (*_RING, _WEIGHT, 0, 1, 2, np.inf, 3)
    groups = np.array([[1], [2], [4]], np.uint64)
    yield paths.srlg_disjoint_pair, (*_RING, _WEIGHT, _WEIGHT, groups, 0, 1, 2, np.inf, np.inf, False)
    no_fiber, no_site = np.zeros(3, np.bool_), np.zeros(3, np.bool_)
    yield paths.constrained_shortest_path, (*_RING, _WEIGHT, _WEIGHT, no_fiber, no_site, 0, 1, 1.5, 3)
    yield paths.k_shortest_paths_batch, (*_RING, _WEIGHT, np.array([0, 2]), 1, 2, np.inf, 3)
    edges, hops = np.array([[0]]), np.array([1])
    yield paths.path_sum, (edges[0], 1, _WEIGHT)
    yield paths.paths_within, (edges, hops, _WEIGHT, 0.0, 10.0)


def disjoint_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.disjoint`."""
    yield disjoint.disjoint_pair, (*_RING, _WEIGHT, 0, 1, False)
    yield disjoint.disjoint_pairs, (*_RING, _WEIGHT, 0)


def loads_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.loads`."""
    samples, scratch = np.ones((2, 2, 4)), np.empty((loads.SCRATCH_ROWS, 4))
    lsp, orientation, first = np.array([0, 1]), np.array([0, 1]), np.array([0, 1, 2])
    group_start, rank = np.array([0, 2, 4]), np.array([2, 2])
    on_link, groups = (lsp, orientation, lsp, orientation), (group_start, rank)
    down = np.array([[0], [2]], np.uint64)
    failures = (down, _NO_STATES, 2, group_start, rank, rank)
    yield loads.link_required, (samples, *on_link, *failures, scratch)
    samples32 = samples.astype(np.float32)
    rows32, guard = samples32.reshape(4, 4), np.zeros(4)
    yield loads.base_loads, (samples32, first, lsp, orientation, 2)
    yield loads.order_statistics, (rows32, *groups)
    yield loads.order_statistic, (samples[0, 0], *groups, scratch[0])
    yield loads.exceeds, (samples[0, 0], *groups, 0.5)
    yield loads.guard_band, (2, 1.0)
    yield loads.verdicts, (rows32, *groups, guard, guard)
    yield loads.link_loads_in_state, (samples, *on_link, down, _NO_STATES, 1)
    yield loads.path_down, (down, first, lsp)


def sweeps_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.sweeps`."""
    samples, lists = np.ones((2, 2, 4)), (np.array([0, 1, 2]), np.array([0, 1]), np.array([0, 1]))
    rank = np.array([2, 2])
    failures = (np.array([[0], [2]], np.uint64), _NO_STATES, 2, np.array([0, 2, 4]), rank, rank)
    yield sweeps.links_required, (samples, samples.astype(np.float32), *lists, *lists, *failures)


def moves_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.moves`."""
    rows32, groups = np.ones((4, 4), np.float32), (np.array([0, 2, 4]), np.array([2, 2]))
    one = np.array([0])
    move, limits = (one, np.array([0, 1]), one, np.array([1])), (np.zeros(4), np.zeros(4))
    ranked = np.empty_like(rows32), np.tile(np.arange(4, dtype=np.int32), (4, 1))
    yield moves.rank_rows, (rows32, np.arange(4), *groups, *ranked)
    yield moves.probe_moves, (*ranked, rows32, *move, *groups, *limits)
    yield moves.moved_order_statistics, (*ranked, rows32, *move, *groups)


def spectrum_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.spectrum`."""
    yield spectrum.empty_grid, (3, 2, 384)
    grid = np.zeros((3, 2, 6), np.uint64)
    lit_pairs, max_pairs, pair_cost = np.array([1, 1, 1]), np.array([2, 2, 2]), np.ones(3)
    fibers, pairs = np.array([0, 1]), np.array([0, 0])
    yield spectrum.occupy, (grid, fibers, pairs, 0, 6)
    segments = (np.array([0, 2]), fibers, np.array([6]))
    one, start, pair = np.array([0]), np.empty(1, np.int64), np.empty(2, np.int64)
    yield spectrum.assign, (grid, lit_pairs, *segments, one, spectrum.FIRST_FIT, 384, start, pair)
    yield spectrum.withdraw, (grid, *segments, one, start, pair)
    yield spectrum.cheapest_fit, (grid, lit_pairs, max_pairs, pair_cost, fibers, 380, 384)
    usage = np.zeros((3, 2), np.int64)
    yield spectrum.count_fit, (usage, lit_pairs, max_pairs, pair_cost, fibers, 6, 384)
    built, candidate, bounds = np.zeros(3, np.bool_), np.zeros(3, np.bool_), (np.array([0, 2]), fibers)
    before = (grid, usage, True, lit_pairs, built, 2, max_pairs, candidate, pair_cost, pair_cost)
    choices = (np.array([0, 2]), fibers, np.array([6]), np.array([0, 1]), *bounds)
    yield spectrum.place_channels, (*before, *choices, 384, 0, one.copy(), np.zeros(2, np.int64), pairs)
    yield spectrum.is_free, (grid, fibers, pairs, 0, 6)
    yield spectrum.used_slots, (grid, 0, 0, 384)
    yield spectrum.release, (grid, fibers, pairs, 0, 6)


def modules_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.modules`."""
    length_km, possible, open_cost = np.array([80.0, 80.0]), np.array([True]), np.array([0.0])
    yield modules.regenerator_choice, (length_km, possible, open_cost, 100.0, 2.0)
    rate_gbps, cost = np.array([100.0, 400.0]), np.array([5.0, 9.0])
    yield modules.cheapest_modules, (500.0, rate_gbps, cost, 100.0)
    yield modules.waves_modules, (3, 100.0, rate_gbps, cost)
    yield modules.waves_choices, (3, 100.0, rate_gbps, cost[None, :], cost[None, :])
    yield modules.module_cost_steps, (rate_gbps, cost, 100.0, 10)
    most, rows, table = np.array([5]), np.array([0]), np.empty((1, 11))
    yield modules.module_cost_tables, (rate_gbps, cost[None, :], 100.0, most, rows, table, np.empty(1))


def packing_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.packing`."""
    yield packing.densest, (np.ones((2, 3)), np.ones(3), np.array([1.0, 2.0]), 100)


def rwa_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.rwa`."""
    node, price, to_go = np.arange(3), np.ones(3, np.int64), np.zeros((1, 3), np.int64)
    graph, zero, one = (np.arange(4), node, node, np.array([1, 2, 0])), np.array([0]), np.array([1])
    requests, state = (zero, one, zero), np.ones(1, np.uint64)
    assignment = (np.full((2, 3), -1), np.array([-1]), np.zeros((1, 3), np.int64), np.array([0]))
    yield rwa.price_to_go, (graph, price, one)
    yield rwa.fill, (graph, price, to_go, requests, assignment, zero, 0, 1.0)
    tolls = np.ones(1), np.zeros(3)
    yield (
        rwa.eject_search,
        (graph, price, to_go, requests, assignment, 1, zero, 0, *tolls, 1, 1, 1.0, 1.0, state),
    )
    yield rwa.withdraw, (assignment, 0)
    yield rwa.next_random, (state, 2)


def _one_lsp() -> tuple[Pool, Lsps, Clock, Layer, Work]:
    """One LSP from site 0 to 1, with a backup."""
    n_links, n_lsps, n_samples, n_states, max_hops = 3, 1, 4, 4, 2
    links = np.arange(n_links)
    pool = Pool(
        links=links,
        n_lasting=0,
        first_arc=_RING[0],
        head=_RING[1],
        arc_link=_RING[2],
        tail=np.array([0, 0, 1, 1, 2, 2]),
        link_a=np.array([0, 1, 2]),
        link_b=np.array([1, 2, 0]),
        latency_ms=_WEIGHT,
        down=np.array([[2], [4], [8]], np.uint64),
        lasting=np.zeros(n_links, np.bool_),
        components=np.array([[1], [2], [4]], np.uint64),
        table=np.ones((n_links, 9)),
        units_per_gbps=0.01,
        idle=_WEIGHT,
        cheap_to=np.zeros((3, 3)),
        fast_to=np.zeros((3, 3)),
        corridor=np.array([1.0, 1.0]),
        unavailability=np.full(3, 1e-4),
        group_mask=np.array([7], np.uint64),
    )
    lsps = Lsps(
        a=np.array([0]),
        b=np.array([1]),
        size_gbps=np.ones(n_lsps),
        peak_gbps=np.ones(n_lsps),
        max_latency_ms=np.array([1.5]),
        backup_max_latency_ms=np.full(n_lsps, np.inf),
        protection=np.array([grooming_state.DISJOINT]),
        node_disjoint=np.array([False]),
        min_availability=np.zeros(n_lsps),
        end_states=np.zeros((n_lsps, 1), np.uint64),
        end_components=np.zeros((n_lsps, 1), np.uint64),
        samples=np.ones((n_lsps, 2, n_samples)),
        crest=np.ones((n_lsps, 2, 2)),
    )
    clock = Clock(np.array([0, 2, 4]), np.array([2, 2]), np.array([1, 1]), n_states, max_hops)
    sizes = (n_links, (n_samples, 2), n_states)
    work = grooming_state.new_work(3, n_lsps, *sizes, (1, 1), max_hops, 1)
    layer = grooming_state.new_layer(n_lsps, *sizes, 1, max_hops)
    return pool, lsps, clock, layer, work


def grooming_calls(pack: Callable[[Any], Any] = structures.pack) -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.grooming`."""
    pool, lsps, clock, first, work = _one_lsp()
    second = _one_lsp()[3]
    problem, buffers, every = (pack(pool), pack(lsps), pack(clock)), pack(work), np.array([0])
    yield grooming.route_all, (*problem, pack(first), buffers, every, True)
    second.hops[:], second.path[:] = first.hops, first.path
    state = (*problem, pack(second), buffers)
    random = np.random.default_rng(0)
    yield grooming.attach_all, (*state, every, True)
    yield grooming.ruin, (problem[0], problem[1], *state[3:], 1, random)
    yield grooming.move, (*state, every, 0.0, True)
    yield grooming.anneal, (*state, random, 1, 1, (0.0, 0.0), True)


def bulk_calls() -> Iterator[Call]:
    """Call every kernel of `netopt_kernels.bulk`."""
    link_a, link_b = np.array([0, 1, 2]), np.array([1, 2, 0])
    lsp_a, lsp_b = np.array([0, 1]), np.array([1, 2])
    samples32, loads32 = np.ones((2, 2, 4), np.float32), np.zeros((3, 2, 4), np.float32)
    is_open, ways, ends = np.array([True, True, False]), np.array([[0], [1]], np.int32), (link_a, link_b)
    groups, sites = (np.array([0, 2, 4]), np.array([2, 2])), np.arange(3)
    distance, last = np.zeros((3, 3)), np.full((3, 3), -1, np.int32)
    yield bulk.trees, (*_RING, _WEIGHT, is_open, sites)
    yield bulk.ways_over, (2, distance, last, _WEIGHT, *ends, lsp_a, lsp_b, 1.0)
    yield bulk.ways_around, (0, 2, ways, *_RING, _WEIGHT, is_open, *ends, lsp_a, lsp_b)
    priced = (*groups, np.ones((3, 9)), sites, 0.01, 1e-5)
    yield bulk.moved_loads, (samples32, np.array([0, 1]), lsp_a, ways, ways, *ends, loads32, *priced)
    yield bulk.savings_over, (np.array([2]), np.array([0]), distance, _WEIGHT, *ends, lsp_a, lsp_b)


_CALLS: dict[str, Callable[[], Iterator[Call]]] = {
    "bulk": bulk_calls,
    "disjoint": disjoint_calls,
    "grooming": grooming_calls,
    "loads": loads_calls,
    "modules": modules_calls,
    "moves": moves_calls,
    "packing": packing_calls,
    "paths": paths_calls,
    "rwa": rwa_calls,
    "spectrum": spectrum_calls,
    "sweeps": sweeps_calls,
}


def call_all(part: str) -> None:
    """Call every kernel of a module: loads or compiles them."""
    for kernel, arguments in _CALLS[part]():
        kernel(*arguments)


def compile_all(part: str) -> None:
    """Compile every kernel of a module, together, and keep them on disk; calls none."""
    compile_together(grooming_calls(structures.packed_type) if part == "grooming" else _CALLS[part]())


def work() -> None:
    """Compile the parts named on standard input, one a line; a line on standard output for each done."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    gc.disable()  # the compiler's graphs live long: to walk them takes a tenth of its time
    event.broadcast = lambda _: None  # nobody listens to which function takes or leaves the compiler's lock
    compile_numpy_as_inner()
    for line in sys.stdin:
        compile_all(line.strip())
        os.write(answers, line.encode())


def main() -> None:
    """Fill the cache, in as many processes as there are cores, with a line of progress on stderr."""
    sys.exit(0 if compile_kernels(ALL, sys.stderr) else 1)


if __name__ == "__main__":
    main()
