"""Path kernels against enumeration of all simple paths on random small multigraphs."""

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_kernels import paths
from tests.naive import disjoint as naive_disjoint
from tests.naive import paths as naive
from tests.naive.paths import Multigraph

INF = math.inf


@st.composite
def multigraphs(draw: st.DrawFn, max_nodes: int = 6, max_edges: int = 11) -> Multigraph:
    """Parallel fibers, loops, zero weights, unusable fibers and disconnected sites included."""
    nodes = draw(st.integers(2, max_nodes))
    site = st.integers(0, nodes - 1)
    ends = draw(st.lists(st.tuples(site, site), min_size=1, max_size=max_edges))
    count = len(ends)
    weight = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 8.0, INF])
    return Multigraph(
        nodes,
        tuple(ends),
        tuple(draw(st.lists(weight, min_size=count, max_size=count))),
        tuple(float(v) for v in draw(st.lists(st.integers(0, 6), min_size=count, max_size=count))),
        tuple(draw(st.lists(st.frozensets(st.integers(0, 5), max_size=2), min_size=count, max_size=count))),
    )


def random_graph(seed: int, nodes: int = 30, edges: int = 60) -> Multigraph:
    """A connected multigraph of moderate size with small integer weights, hence with many ties."""
    rng = np.random.default_rng(seed)
    ends = [(int(rng.integers(0, v)), v) for v in range(1, nodes)]
    while len(ends) < edges:
        a, b = sorted(int(v) for v in rng.choice(nodes, 2, replace=False))
        ends.append((a, b))
    return Multigraph(
        nodes,
        tuple(ends),
        tuple(float(v) for v in rng.integers(1, 5, edges)),
        tuple(float(v) for v in rng.integers(1, 9, edges)),
        (frozenset(),) * edges,
    )


def listed(edges: np.ndarray, hops: np.ndarray, count: int) -> list[tuple[int, ...]]:
    """Paths of the first ``count`` rows, having checked that the rest is padding."""
    assert (hops[:count] >= 0).all() and (hops[count:] == -1).all()
    assert all((row[max(length, 0) :] == -1).all() for row, length in zip(edges, hops, strict=True))
    return [tuple(edges[row, : hops[row]].tolist()) for row in range(count)]


@given(multigraphs(), st.data())
@settings(max_examples=150, deadline=None)
def test_shortest_tree_has_networkx_distances_and_consistent_parents(
    graph: Multigraph, data: st.DataObject
) -> None:
    root = data.draw(st.integers(0, graph.nodes - 1))
    dist, parent = paths.shortest_tree(*graph.csr(), graph.weights(), root)
    peer: nx.MultiGraph[int] = nx.MultiGraph()
    peer.add_nodes_from(range(graph.nodes))
    peer.add_weighted_edges_from(
        (a, b, w) for (a, b), w in zip(graph.ends, graph.weight, strict=True) if w < INF
    )
    expected = nx.single_source_dijkstra_path_length(peer, root)
    assert dist.tolist() == [expected.get(node, INF) for node in range(graph.nodes)]
    for node in range(graph.nodes):
        if node == root or dist[node] == INF:
            assert parent[node] == -1
            continue
        at, steps = node, 0
        while at != root:  # the tree leads to the root along tight fibers
            edge = int(parent[at])
            a, b = graph.ends[edge]
            before = a if at == b else b
            assert dist[before] + graph.weight[edge] == dist[at]
            at, steps = before, steps + 1
            assert steps < graph.nodes


def test_shortest_trees_are_shortest_tree_from_each_root() -> None:
    graph, roots = random_graph(5), np.array([3, 0, 17, 3])
    dist, parent = paths.shortest_trees(*graph.csr(), graph.weights(), roots)
    for row, root in enumerate(roots.tolist()):
        one, its_parent = paths.shortest_tree(*graph.csr(), graph.weights(), root)
        assert (dist[row].tolist(), parent[row].tolist()) == (one.tolist(), its_parent.tolist())


def test_shortest_tree_prefers_the_smaller_fiber_among_equals() -> None:
    ends = ((0, 1), (1, 2), (0, 2), (0, 1), (0, 2))
    graph = Multigraph(3, ends, (1, 1, 2, 1, 2), (0,) * 5, (frozenset(),) * 5)
    _, parent = paths.shortest_tree(*graph.csr(), graph.weights(), 0)
    assert parent.tolist() == [-1, 0, 1]


@given(multigraphs(), st.data())
@settings(max_examples=250, deadline=None)
def test_k_shortest_paths_are_the_first_k_of_all(graph: Multigraph, data: st.DataObject) -> None:
    source, target = (data.draw(st.integers(0, graph.nodes - 1)) for _ in range(2))
    k = data.draw(st.sampled_from([1, 2, 3, 5, 9, 40]))
    max_weight = data.draw(st.sampled_from([INF, INF, 0.0, 4.0, 9.0]))
    max_hops = data.draw(st.integers(0, graph.nodes + 1))
    count, edges, hops, weights = paths.k_shortest_paths(
        *graph.csr(), graph.weights(), source, target, k, max_weight, max_hops
    )
    expected = naive.k_shortest_paths(graph, source, target, k, max_weight, max_hops)
    assert listed(edges, hops, count) == expected
    assert weights[:count].tolist() == [graph.sum(graph.weight, path) for path in expected]
    assert (weights[count:] == INF).all()


@pytest.mark.parametrize("seed", range(6))
def test_k_shortest_path_weights_agree_with_networkx(seed: int) -> None:
    graph = random_graph(seed)
    peer: nx.Graph[int] = nx.Graph()  # networkx lists paths of sites only: leave out the parallel fibers
    for edge, (a, b) in enumerate(graph.ends):
        if not peer.has_edge(a, b):
            peer.add_edge(a, b, weight=graph.weight[edge], edge=edge)
    kept = {data["edge"] for _, _, data in peer.edges(data=True)}
    weight = np.array([w if edge in kept else INF for edge, w in enumerate(graph.weight)])
    count, edges, hops, weights = paths.k_shortest_paths(*graph.csr(), weight, 0, 29, 25, INF, 30)
    expected = []
    for path, _ in zip(nx.shortest_simple_paths(peer, 0, 29, "weight"), range(25), strict=False):
        expected.append(float(sum(peer[a][b]["weight"] for a, b in pairwise(path))))
    assert weights[:count].tolist() == expected
    assert len(set(listed(edges, hops, count))) == count


@pytest.mark.parametrize("max_hops", [4, 6, 30])
def test_a_longer_list_starts_with_the_shorter_one(max_hops: int) -> None:
    graph = random_graph(11)
    arcs, weight = graph.csr(), graph.weights()
    n_long, long, hops_long, _ = paths.k_shortest_paths(*arcs, weight, 3, 17, 80, INF, max_hops)
    n_short, short, hops_short, _ = paths.k_shortest_paths(*arcs, weight, 3, 17, 20, INF, max_hops)
    assert n_long == 80 or max_hops == 4
    assert listed(short, hops_short, n_short) == listed(long, hops_long, n_long)[:20]


@given(multigraphs(), st.integers(1, 6), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_batch_repeats_the_single_call(graph: Multigraph, k: int, max_hops: int) -> None:
    arcs, weight = graph.csr(), graph.weights()
    count, first, flat, all_hops, all_weights = paths.k_shortest_paths_batch(
        *arcs, weight, np.arange(graph.nodes), 0, k, 9.0, max_hops
    )
    for source in range(graph.nodes):
        found, edges, hops, weights = paths.k_shortest_paths(*arcs, weight, source, 0, k, 9.0, max_hops)
        assert count[source] == found
        np.testing.assert_array_equal(all_hops[source], hops)
        np.testing.assert_array_equal(all_weights[source], weights)
        assert (first[source, found:] == -1).all()
        for at, length, row in zip(first[source, :found], hops, edges, strict=False):
            np.testing.assert_array_equal(flat[at : at + length], row[:length])


@given(multigraphs(), st.data())
@settings(max_examples=400, deadline=None)
def test_constrained_shortest_path_is_the_best_of_all(graph: Multigraph, data: st.DataObject) -> None:
    source, target = (data.draw(st.integers(0, graph.nodes - 1)) for _ in range(2))
    max_latency = data.draw(st.sampled_from([INF, 0.0, 3.0, 6.0, 9.0, 12.0]))
    max_hops = data.draw(st.integers(0, graph.nodes))
    no_edges = data.draw(st.sets(st.integers(0, len(graph.ends) - 1), max_size=2))
    no_nodes = data.draw(st.sets(st.integers(0, graph.nodes - 1), max_size=1))
    edge_blocked, node_blocked = np.zeros(len(graph.ends), np.bool_), np.zeros(graph.nodes, np.bool_)
    edge_blocked[list(no_edges)] = True
    node_blocked[list(no_nodes)] = True
    hops, edges, weight, latency = paths.constrained_shortest_path(
        *graph.csr(), graph.weights(), graph.latencies(), edge_blocked, node_blocked,
        source, target, max_latency, max_hops,
    )  # fmt: skip
    best = naive.constrained_weight(graph, source, target, max_latency, max_hops, no_edges, no_nodes)
    assert weight == best
    assert (edges[max(hops, 0) :] == -1).all()
    if hops < 0:
        assert best == INF and latency == INF
        return
    path = tuple(edges[:hops].tolist())
    assert path in set(naive.simple_paths(graph, source, target))
    assert (weight, latency) == (graph.sum(graph.weight, path), graph.sum(graph.latency, path))
    assert latency <= max_latency and hops <= max_hops and no_edges.isdisjoint(path)
    assert no_nodes.isdisjoint(naive.sites(graph, source, path))


def test_constrained_shortest_path_with_many_labels_per_site() -> None:
    """Two parallel fibers per hop, (1, 0) or (0, 1) times a power of two: no label dominates another."""
    length = 8
    ends = tuple((v, v + 1) for v in range(length) for _ in range(2))
    weight = tuple(float(2 ** (e // 2)) * (e % 2) for e in range(2 * length))
    latency = tuple(float(2 ** (e // 2)) * (1 - e % 2) for e in range(2 * length))
    graph = Multigraph(length + 1, ends, weight, latency, (frozenset(),) * len(ends))
    edge_blocked, node_blocked = np.zeros(2 * length, np.bool_), np.zeros(length + 1, np.bool_)
    for bound in (0, 37, 100, 255):
        found = paths.constrained_shortest_path(
            *graph.csr(), graph.weights(), graph.latencies(), edge_blocked, node_blocked,
            0, length, float(bound), length,
        )  # fmt: skip
        assert (found[0], found[2], found[3]) == (length, 255 - bound, bound)


def test_source_equal_to_target_is_one_path_without_hops() -> None:
    graph = Multigraph(2, ((0, 1), (0, 1)), (1.0, 0.0), (1.0, 1.0), (frozenset(),) * 2)
    count, edges, hops, weights = paths.k_shortest_paths(*graph.csr(), graph.weights(), 1, 1, 3, INF, 5)
    assert (count, hops.tolist(), weights[0]) == (1, [0, -1, -1], 0.0)
    assert (edges == -1).all()


def test_path_sum_and_latency_check() -> None:
    edges = np.array([[2, 0, -1], [1, -1, -1], [-1, -1, -1], [-1, -1, -1]])
    hops = np.array([2, 1, 0, -1])
    latency = np.array([1.0, 4.5, 2.0])
    assert paths.path_sum(edges[0], 2, latency) == 3.0
    assert paths.paths_within(edges, hops, latency, 1.0, 4.0).tolist() == [True, False, True, False]
    assert paths.paths_within(edges, hops, latency, 1.0, 0.5).tolist() == [False] * 4


@given(multigraphs(), st.data())
@settings(max_examples=400, deadline=None)
def test_srlg_pair_is_valid_and_its_status_tells_the_truth(graph: Multigraph, data: st.DataObject) -> None:
    source = data.draw(st.integers(0, graph.nodes - 1))
    target = data.draw(st.integers(0, graph.nodes - 1).filter(lambda site: site != source))
    k = data.draw(st.sampled_from([1, 2, 3, 4, 60]))
    node_disjoint = data.draw(st.booleans())
    bounds = (
        data.draw(st.sampled_from([INF, 3.0, 6.0, 10.0])),
        data.draw(st.sampled_from([INF, 3.0, 6.0, 10.0])),
    )
    status, edges1, hops1, edges2, hops2, total = paths.srlg_disjoint_pair(
        *graph.csr(), graph.weights(), graph.latencies(), graph.bits(), source, target, k, *bounds,
        node_disjoint,
    )  # fmt: skip
    best = naive_disjoint.pair_weight(graph, source, target, node_disjoint, *bounds)
    if status in (0, 3):
        assert total == INF and hops1 == hops2 == -1
        assert (edges1 == -1).all() and (edges2 == -1).all()
        assert status == 0 or best == INF
        return
    pair = tuple(edges1[:hops1].tolist()), tuple(edges2[:hops2].tolist())
    assert set(pair) <= set(naive.simple_paths(graph, source, target))
    assert (edges1[hops1:] == -1).all() and (edges2[hops2:] == -1).all()
    risks = [naive_disjoint.risks(graph, source, path, node_disjoint) for path in pair]
    assert risks[0].isdisjoint(risks[1])
    latency = [graph.sum(graph.latency, path) for path in pair]
    assert latency[0] <= bounds[0] and latency[1] <= bounds[1]
    assert total == sum(graph.sum(graph.weight, path) for path in pair) >= best
    rank = naive.ranking(graph)
    if latency[1] <= bounds[0] and latency[0] <= bounds[1]:
        assert rank(pair[0]) < rank(pair[1])
    all_paths = sorted(naive.simple_paths(graph, source, target), key=rank)
    if status == 2 or len(all_paths) < k:
        assert total == best


@given(multigraphs(), st.data())
@settings(max_examples=150, deadline=None)
def test_srlg_pair_is_best_among_pairs_with_a_listed_path(graph: Multigraph, data: st.DataObject) -> None:
    """The stated guarantee: no pair that has one of the k shortest paths in it is lighter."""
    k = data.draw(st.integers(1, 4))
    found = paths.srlg_disjoint_pair(
        *graph.csr(), graph.weights(), graph.latencies(), graph.bits(), 0, 1, k, INF, INF, False
    )
    everything = sorted(naive.simple_paths(graph, 0, 1), key=naive.ranking(graph))
    known = [(graph.sum(graph.weight, p), naive_disjoint.risks(graph, 0, p, False)) for p in everything]
    best = min((v + w for v, a in known[:k] for w, b in known if a.isdisjoint(b)), default=INF)
    assert found[5] <= best


def grid_with_groups(seed: int, side: int = 4) -> Multigraph:
    """A square grid with weights from 1 to 9, most of whose fibers are in one or two of eight groups."""
    rng = np.random.default_rng(seed)
    ends = [(v, v + 1) for v in range(side * side) if v % side < side - 1]
    ends += [(v, v + side) for v in range(side * (side - 1))]
    groups = tuple(frozenset(rng.choice(8, rng.integers(0, 3), replace=False).tolist()) for _ in ends)
    weight = tuple(float(w) for w in rng.integers(1, 10, len(ends)))
    return Multigraph(side * side, tuple(ends), weight, (0.0,) * len(ends), groups)


@pytest.mark.parametrize("node_disjoint", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_srlg_pair_on_grids_where_lists_grow_long(seed: int, node_disjoint: bool) -> None:
    graph = grid_with_groups(seed)
    for source, target in ((0, 15), (1, 14), (5, 12)):
        best = naive_disjoint.pair_weight(graph, source, target, node_disjoint, INF, INF)
        for k in (1, 8):
            found = paths.srlg_disjoint_pair(
                *graph.csr(), graph.weights(), graph.latencies(), graph.bits(), source, target, k, INF, INF,
                node_disjoint,
            )  # fmt: skip
            assert found[5] == best
            assert found[0] in ((0, 3) if best == INF else (1, 2))


def test_results_repeat_and_every_entry_point_has_one_signature() -> None:
    graph = random_graph(5)
    arcs, weight, latency = graph.csr(), graph.weights(), graph.latencies()
    bits = np.ones((60, 1), np.uint64) << np.arange(60, dtype=np.uint64)[:, None]
    edge_blocked, node_blocked = np.zeros(60, np.bool_), np.zeros(30, np.bool_)

    def run() -> list[object]:
        count, edges, hops, weights = paths.k_shortest_paths(*arcs, weight, 0, 29, 12, INF, 8)
        within = paths.paths_within(edges, hops, latency, 0.5, 20.0)
        return [
            paths.shortest_tree(*arcs, weight, 4),
            paths.shortest_trees(*arcs, weight, np.array([4, 7])),
            (count, edges, hops, weights, within, paths.path_sum(edges[0], hops[0], weight)),
            paths.k_shortest_paths_batch(*arcs, weight, np.arange(30), 7, 6, 20.0, 30),
            paths.constrained_shortest_path(
                *arcs, weight, latency, edge_blocked, node_blocked, 0, 29, 25.0, 8
            ),
            paths.srlg_disjoint_pair(*arcs, weight, latency, bits, 0, 29, 8, 40.0, 60.0, True),
        ]

    assert repr(run()) == repr(run())
    for name in (
        "shortest_tree", "shortest_trees", "k_shortest_paths", "k_shortest_paths_batch", "path_sum",
        "paths_within", "constrained_shortest_path", "srlg_disjoint_pair",
    ):  # fmt: skip
        compiled = getattr(paths, name)
        if hasattr(compiled, "signatures"):  # not with NUMBA_DISABLE_JIT=1
            assert len(compiled.signatures) == 1, f"{name}: {compiled.signatures}"
