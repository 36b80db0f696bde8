"""Disjoint pairs against all pairs of all simple paths, and against min-cost flow on larger graphs."""

import dataclasses
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_kernels import disjoint
from tests.naive import disjoint as naive
from tests.naive.paths import Multigraph, ranking, simple_paths, sites

INF = math.inf


@st.composite
def multigraphs(draw: st.DrawFn) -> Multigraph:
    """Parallel fibers, loops, zero weights, unusable fibers and disconnected sites included; no groups."""
    nodes = draw(st.integers(2, 7))
    site = st.integers(0, nodes - 1)
    ends = draw(st.lists(st.tuples(site, site), min_size=1, max_size=12))
    count = len(ends)
    weight = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 8.0, INF])
    weights = draw(st.lists(weight, min_size=count, max_size=count))
    return Multigraph(nodes, tuple(ends), tuple(weights), (0.0,) * count, (frozenset(),) * count)


@given(multigraphs(), st.booleans(), st.data())
@settings(max_examples=600, deadline=None)
def test_pair_is_the_lightest_of_all(graph: Multigraph, node_disjoint: bool, data: st.DataObject) -> None:
    source = data.draw(st.integers(0, graph.nodes - 1))
    target = data.draw(st.integers(0, graph.nodes - 1).filter(lambda site: site != source))
    found, edges1, hops1, edges2, hops2, total = disjoint.disjoint_pair(
        *graph.csr(), graph.weights(), source, target, node_disjoint
    )
    assert total == naive.pair_weight(graph, source, target, node_disjoint)
    assert found == (total < INF)
    assert (edges1[max(hops1, 0) :] == -1).all() and (edges2[max(hops2, 0) :] == -1).all()
    if not found:
        assert hops1 == hops2 == -1
        return
    pair = tuple(edges1[:hops1].tolist()), tuple(edges2[:hops2].tolist())
    assert set(pair) <= set(simple_paths(graph, source, target))
    risks = [naive.risks(graph, source, path, node_disjoint) for path in pair]
    assert risks[0].isdisjoint(risks[1])
    assert total == sum(graph.sum(graph.weight, path) for path in pair)
    assert ranking(graph)(pair[0]) < ranking(graph)(pair[1])


def check_pairs(graph: Multigraph, source: int) -> None:
    """Totals are those of the pair kernel; the paths are simple, disjoint, in order, and add up to them."""
    arcs, weight = graph.csr(), graph.weights()
    total, first, hops, edges = disjoint.disjoint_pairs(*arcs, weight, source)
    for target in range(graph.nodes):
        single = disjoint.disjoint_pair(*arcs, weight, source, target, False)
        assert total[target] == single[5]
        assert (hops[target] >= 0).all() == single[0]
        if not single[0]:
            assert (hops[target] == -1).all()
            continue
        pair = [tuple(edges[at : at + n].tolist()) for at, n in zip(first[target], hops[target], strict=True)]
        walks = [sites(graph, source, path) for path in pair]
        assert all(walk[-1] == target and len(set(walk)) == len(walk) for walk in walks)
        assert set(pair[0]).isdisjoint(pair[1])
        assert total[target] == sum(graph.sum(graph.weight, path) for path in pair)
        assert target == source or ranking(graph)(pair[0]) < ranking(graph)(pair[1])
    assert len(edges) == hops[hops > 0].sum()


@given(multigraphs(), st.booleans(), st.data())
@settings(max_examples=400, deadline=None)
def test_all_targets_have_the_totals_of_the_pair_kernel(
    graph: Multigraph, is_positive: bool, data: st.DataObject
) -> None:
    if is_positive:
        graph = dataclasses.replace(graph, weight=tuple(w or 4.0 for w in graph.weight))
    check_pairs(graph, data.draw(st.integers(0, graph.nodes - 1)))


@pytest.mark.parametrize("seed", range(12))
def test_all_targets_on_larger_grids(seed: int) -> None:
    graph = grid(seed, 9)
    if seed % 3:
        graph = dataclasses.replace(graph, weight=tuple(w + 1.0 for w in graph.weight))
    for source in (0, 40, 80):
        check_pairs(graph, source)


def grid(seed: int, side: int) -> Multigraph:
    """A square grid with some doubled fibers and random integer weights."""
    rng = np.random.default_rng(seed)
    ends = [(v, v + 1) for v in range(side * side) if v % side < side - 1]
    ends += [(v, v + side) for v in range(side * (side - 1))]
    ends += [ends[int(e)] for e in rng.choice(len(ends), side, replace=False)]
    weight = tuple(float(w) for w in rng.integers(0, 30, len(ends)))
    return Multigraph(side * side, tuple(ends), weight, (0.0,) * len(ends), (frozenset(),) * len(ends))


def flow_cost(graph: Multigraph, source: int, target: int, node_disjoint: bool) -> int:
    """Cost of two units by networkx: one site per fiber and direction, sites split in two."""
    peer: nx.DiGraph[tuple[str | int, int]] = nx.DiGraph()
    for node in range(graph.nodes):
        end = node in (source, target)
        peer.add_edge(("in", node), ("out", node), capacity=1 if node_disjoint and not end else 2, weight=0)
    for edge, (a, b) in enumerate(graph.ends):
        for tail, head in ((a, b), (b, a)):
            middle = (edge, tail)
            peer.add_edge(("out", tail), middle, capacity=1, weight=int(graph.weight[edge]))
            peer.add_edge(middle, ("in", head), capacity=1, weight=0)
    peer.add_node(("in", source), demand=-2)
    peer.add_node(("out", target), demand=2)
    return int(nx.min_cost_flow_cost(peer))


@pytest.mark.parametrize("node_disjoint", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_total_is_that_of_a_min_cost_flow(seed: int, node_disjoint: bool) -> None:
    graph = grid(seed, 7)
    for source, target in ((0, 48), (3, 45), (24, 6)):
        pair = disjoint.disjoint_pair(*graph.csr(), graph.weights(), source, target, node_disjoint)
        assert pair[5] == flow_cost(graph, source, target, node_disjoint)
        for row, hops in ((pair[1], pair[2]), (pair[3], pair[4])):
            walk = sites(graph, source, row[:hops].tolist())
            assert walk[-1] == target and len(set(walk)) == len(walk)


def test_the_shortest_path_is_given_up_where_it_blocks_every_second_one() -> None:
    """The textbook trap: the greedy first path 0-1-2-3 leaves no second one."""
    graph = Multigraph(
        4, ((0, 1), (1, 2), (2, 3), (0, 2), (1, 3)), (1, 1, 1, 3, 4), (0,) * 5, (frozenset(),) * 5
    )
    for node_disjoint in (False, True):
        pair = disjoint.disjoint_pair(*graph.csr(), graph.weights(), 0, 3, node_disjoint)
        assert (pair[1][: pair[2]].tolist(), pair[3][: pair[4]].tolist(), pair[5]) == ([3, 2], [0, 4], 9.0)


def test_source_equal_to_target_is_two_paths_without_hops() -> None:
    graph = Multigraph(2, ((0, 1),), (1.0,), (0.0,), (frozenset(),))
    pair = disjoint.disjoint_pair(*graph.csr(), graph.weights(), 1, 1, False)
    assert (pair[0], pair[2], pair[4], pair[5]) == (True, 0, 0, 0.0)


def test_results_repeat_and_the_entry_point_has_one_signature() -> None:
    graph = dataclasses.replace(grid(1, 6), weight=(1.0,) * len(grid(1, 6).ends))

    def run() -> list[object]:
        return [
            disjoint.disjoint_pair(*graph.csr(), graph.weights(), a, 35 - a, both)
            for a in range(12)
            for both in (False, True)
        ] + [disjoint.disjoint_pairs(*graph.csr(), graph.weights(), a) for a in range(12)]

    assert repr(run()) == repr(run())
    if hasattr(disjoint.disjoint_pair, "signatures"):  # not with NUMBA_DISABLE_JIT=1
        assert len(disjoint.disjoint_pair.signatures) == 1
        assert len(disjoint.disjoint_pairs.signatures) == 1
