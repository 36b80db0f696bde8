"""Obvious twins of ``netopt_kernels.paths``: enumerate every simple path, then sort or filter."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Arcs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Multigraph:
    """A small multigraph with integer-valued attributes, so that all sums are exact."""

    nodes: int
    ends: tuple[tuple[int, int], ...]
    weight: tuple[float, ...]
    latency: tuple[float, ...]
    groups: tuple[frozenset[int], ...]

    def csr(self) -> Arcs:
        """Arcs sorted by (tail, head, edge)."""
        arcs = sorted(
            (tail, head, edge) for edge, (a, b) in enumerate(self.ends) for tail, head in ((a, b), (b, a))
        )
        first = np.searchsorted(np.array([a[0] for a in arcs], dtype=np.int64), np.arange(self.nodes + 1))
        return (
            first.astype(np.int64),
            np.array([a[1] for a in arcs], dtype=np.int64),
            np.array([a[2] for a in arcs], dtype=np.int64),
        )

    def weights(self) -> npt.NDArray[np.float64]:
        """Weight per edge."""
        return np.array(self.weight, dtype=np.float64)

    def latencies(self) -> npt.NDArray[np.float64]:
        """Latency per edge."""
        return np.array(self.latency, dtype=np.float64)

    def bits(self) -> npt.NDArray[np.uint64]:
        """Groups per edge in two words: even groups in the first, odd ones in the second."""
        words = np.zeros((len(self.ends), 2), np.uint64)
        for edge, groups in enumerate(self.groups):
            for group in groups:
                words[edge, group % 2] |= np.uint64(1) << np.uint64(group // 2)
        return words

    def sum(self, attribute: Sequence[float], path: Sequence[int]) -> float:
        """Sum along a path."""
        return float(sum((attribute[edge] for edge in path), 0.0))


def sites(graph: Multigraph, source: int, path: Sequence[int]) -> list[int]:
    """Sites along a path, its source first."""
    walk = [source]
    for edge in path:
        a, b = graph.ends[edge]
        assert walk[-1] in (a, b), "the fibers do not form a path"
        walk.append(b if walk[-1] == a else a)
    return walk


def simple_paths(graph: Multigraph, source: int, target: int) -> Iterator[tuple[int, ...]]:
    """Yield all simple paths over fibers of finite weight, as fiber sequences."""

    def extend(node: int, seen: frozenset[int], path: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if node == target:
            yield path
            return
        for edge, (a, b) in enumerate(graph.ends):
            if node in (a, b) and math.isfinite(graph.weight[edge]):
                other = b if node == a else a
                if other not in seen:
                    yield from extend(other, seen | {other}, (*path, edge))

    return extend(source, frozenset({source}), ())


def ranking(graph: Multigraph) -> Callable[[tuple[int, ...]], tuple[float, int, tuple[int, ...]]]:
    """Order of paths: weight, hops, fiber sequence."""
    return lambda path: (graph.sum(graph.weight, path), len(path), path)


def k_shortest_paths(
    graph: Multigraph, source: int, target: int, k: int, max_weight: float, max_hops: int
) -> list[tuple[int, ...]]:
    """Sort all simple paths that comply; take the first k."""
    paths = (p for p in simple_paths(graph, source, target) if len(p) <= max_hops)
    return sorted((p for p in paths if graph.sum(graph.weight, p) <= max_weight), key=ranking(graph))[:k]


def constrained_weight(
    graph: Multigraph,
    source: int,
    target: int,
    max_latency: float,
    max_hops: int,
    blocked_edges: set[int],
    blocked_nodes: set[int],
) -> float:
    """Least weight of a simple path within both bounds; ``inf`` if there is none."""
    return min(
        (
            graph.sum(graph.weight, path)
            for path in simple_paths(graph, source, target)
            if len(path) <= max_hops
            and graph.sum(graph.latency, path) <= max_latency
            and blocked_edges.isdisjoint(path)
            and blocked_nodes.isdisjoint(sites(graph, source, path))
        ),
        default=math.inf,
    )
