"""Shortest-path trees and k = 8 shortest simple paths against igraph, rustworkx, scipy and networkx."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Any

import igraph
import networkx as nx
import numpy as np
import pytest
import rustworkx
from numba import njit
from scipy.sparse.csgraph import dijkstra, yen

from benchmarks.kernels.networks import NETWORKS, Network, network
from netopt_kernels import paths

K = 8
PAIRS = {"germany50": 400, "174 sites": 200, "500 sites": 100, "1,000 sites": 100, "5,000 sites": 40}
NX_PAIRS = {"germany50": 20, "174 sites": 5, "500 sites": 3, "1,000 sites": 3, "5,000 sites": 2}
C_PAIRS = {"germany50": 50, "174 sites": 20, "500 sites": 20, "1,000 sites": 10, "5,000 sites": 4}
TARGETS = {"germany50": 50, "174 sites": 20, "500 sites": 10, "1,000 sites": 5, "5,000 sites": 1}


def ours(net: Network, pairs: list[tuple[int, int]]) -> np.ndarray:
    found = [
        paths.k_shortest_paths(*net.arcs, net.length_m, a, b, K, np.inf, net.n_sites)[3] for a, b in pairs
    ]
    return np.array(found)


def by_igraph(net: Network, pairs: list[tuple[int, int]]) -> Callable[[], np.ndarray]:
    graph = igraph.Graph(n=net.n_sites, edges=net.ends.tolist())
    length = net.length_m.tolist()

    def run() -> np.ndarray:
        found = np.full((len(pairs), K), np.inf)
        for row, (a, b) in enumerate(pairs):
            listed = graph.get_k_shortest_paths(a, b, k=K, weights=length, output="epath")
            found[row, : len(listed)] = [net.length_m[path].sum() for path in listed]
        return found

    return run


def by_scipy(net: Network, pairs: list[tuple[int, int]]) -> Callable[[], np.ndarray]:
    matrix = net.matrix

    def run() -> np.ndarray:
        found = np.full((len(pairs), K), np.inf)
        for row, (a, b) in enumerate(pairs):
            lengths = yen(matrix, a, b, K)
            found[row, : len(lengths)] = lengths
        return found

    return run


def by_networkx(net: Network, pairs: list[tuple[int, int]]) -> Callable[[], np.ndarray]:
    graph = net.nx

    def run() -> np.ndarray:
        found = np.full((len(pairs), K), np.inf)
        for row, (a, b) in enumerate(pairs):
            listed = list(islice(nx.shortest_simple_paths(graph, a, b, "weight"), K))
            found[row, : len(listed)] = [nx.path_weight(graph, path, "weight") for path in listed]
        return found

    return run


PEERS = {
    "igraph": (by_igraph, C_PAIRS, 3),
    "scipy": (by_scipy, C_PAIRS, 3),
    "networkx": (by_networkx, NX_PAIRS, 1),
}


@cache
def expected(name: str) -> np.ndarray:
    net = network(name)
    return ours(net, net.pairs(PAIRS[name]))


@pytest.mark.parametrize("name", NETWORKS)
def test_k_shortest_ours(measure: Any, name: str) -> None:
    net = network(name)
    pairs = net.pairs(PAIRS[name])
    found = measure(f"k = 8 paths, {name}", "a pair at a time", lambda: ours(net, pairs), len(pairs))
    assert np.array_equal(found, expected(name))


@njit(cache=True)
def one_by_one(
    first_arc: np.ndarray, head: np.ndarray, arc_edge: np.ndarray, length: np.ndarray, pairs: np.ndarray
) -> np.ndarray:
    found = np.empty((len(pairs), K))
    for row in range(len(pairs)):
        a, b = pairs[row]
        found[row] = paths.k_shortest_paths(first_arc, head, arc_edge, length, a, b, K, np.inf, len(length))[
            3
        ]
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_k_shortest_compiled_caller(measure: Any, name: str) -> None:
    """A pair at a time as other kernels call it: without the way from Python and back."""
    net = network(name)
    pairs = np.array(net.pairs(PAIRS[name]))
    found = measure(
        f"k = 8 paths, {name}",
        "compiled caller",
        lambda: one_by_one(*net.arcs, net.length_m, pairs),
        len(pairs),
    )
    assert np.array_equal(found, expected(name))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_k_shortest_peers(measure: Any, name: str, peer: str) -> None:
    make, counts, rounds = PEERS[peer]
    pairs = network(name).pairs(counts[name])
    found = measure(f"k = 8 paths, {name}", peer, make(network(name), pairs), len(pairs), rounds)
    assert np.array_equal(found, expected(name)[: len(pairs)])


@pytest.mark.parametrize("name", NETWORKS)
def test_k_shortest_batched(measure: Any, name: str) -> None:
    net = network(name)
    everyone = np.arange(net.n_sites)
    targets = np.random.default_rng(2).choice(net.n_sites, TARGETS[name], replace=False).tolist()

    def run() -> np.ndarray:
        return np.concatenate(
            [
                paths.k_shortest_paths_batch(
                    *net.arcs, net.length_m, everyone, target, K, np.inf, net.n_sites
                )[4]
                for target in targets
            ]
        )

    found = measure(f"k = 8 paths, {name}", "batched by target", run, len(targets) * net.n_sites)
    assert np.array_equal(found[:5], ours(net, [(a, targets[0]) for a in range(5)]))


@pytest.mark.parametrize("peer", ["ours", "scipy", "igraph", "rustworkx", "networkx"])
@pytest.mark.parametrize("name", NETWORKS)
def test_tree(measure: Any, name: str, peer: str) -> None:
    net = network(name)
    roots = [a for a, _ in net.pairs(3)]
    if peer == "igraph":
        graph = igraph.Graph(n=net.n_sites, edges=net.ends.tolist())
    elif peer == "rustworkx":
        graph = rustworkx.PyGraph()
        graph.add_nodes_from(range(net.n_sites))
        graph.add_edges_from(
            [(a, b, w) for (a, b), w in zip(net.ends.tolist(), net.length_m.tolist(), strict=True)]
        )

    def one(root: int) -> Any:
        if peer == "ours":
            return paths.shortest_tree(*net.arcs, net.length_m, root)[0]
        if peer == "scipy":
            return dijkstra(net.matrix, indices=root)
        if peer == "igraph":
            return graph.distances(source=[root], weights=net.length_m)[0]
        if peer == "rustworkx":
            return rustworkx.dijkstra_shortest_path_lengths(graph, root, float)
        return nx.single_source_dijkstra_path_length(net.nx, root)

    found = measure(f"shortest-path tree, {name}", peer, lambda: [one(root) for root in roots], len(roots))
    if peer in ("rustworkx", "networkx"):
        found = [
            [{**lengths, root: 0.0}[v] for v in range(net.n_sites)]
            for root, lengths in zip(roots, found, strict=True)
        ]
    assert np.array_equal(found, dijkstra(net.matrix, indices=roots))
