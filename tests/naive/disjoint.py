"""Obvious twins of the disjoint-pair kernels: try all pairs of simple paths."""

import math

from tests.naive.paths import Multigraph, simple_paths, sites


def risks(graph: Multigraph, source: int, path: tuple[int, ...], node_disjoint: bool) -> set[tuple[str, int]]:
    """Everything that the other path must avoid: fibers, groups and, if asked, intermediate sites."""
    found = {("fiber", edge) for edge in path}
    found |= {("group", group) for edge in path for group in graph.groups[edge]}
    if node_disjoint:
        found |= {("site", site) for site in sites(graph, source, path)[1:-1]}
    return found


def pair_weight(
    graph: Multigraph,
    source: int,
    target: int,
    node_disjoint: bool,
    max_latency1: float = math.inf,
    max_latency2: float = math.inf,
) -> float:
    """Least total weight of two disjoint simple paths within their latency bounds; ``inf`` if none."""
    known = [
        (
            graph.sum(graph.weight, path),
            graph.sum(graph.latency, path),
            risks(graph, source, path, node_disjoint),
        )
        for path in simple_paths(graph, source, target)
    ]
    best = math.inf
    for weight1, latency1, risks1 in known:
        for weight2, latency2, risks2 in known:
            if weight1 + weight2 < best and latency1 <= max_latency1 and latency2 <= max_latency2:
                best = weight1 + weight2 if risks1.isdisjoint(risks2) else best
    return best
