"""What rules out, bounds and proves pairs of paths that share no risk: see `paths.srlg_disjoint_pair`."""

import numpy as np

from ._arrays import BitArray, BoolArray, FloatArray, Graph, IntArray
from ._jit import kernel, lean
from ._labels import _SLACK, _TO_GO_WEIGHT, _WEIGHT, Labels, _search_within
from ._rows import _sum_along

Cuts = tuple[IntArray, IntArray]  # see _note_cut

_MOST_LISTED = 128  # paths from which no longer list is tried for a disjoint pair
_ROOM_FOR_CUTS = 2048
_ZERO = np.uint64(0)


@lean
def _describe_listed(
    graph: Graph, source: int, latency_ms: FloatArray, count: int, edges: IntArray, hops: IntArray,
    sites: IntArray, latency: FloatArray,
) -> None:  # fmt: skip
    """Write the sites and latencies of listed paths."""
    for row in range(count):
        _sites_of(graph, source, edges[row], hops[row], sites[row])
        latency[row] = _sum_along(latency_ms, edges[row], hops[row])


@lean
def _sites_of(graph: Graph, source: int, row: IntArray, hops: int, sites: IntArray) -> None:
    """Write the sites along a path, its source first."""
    first_arc, head, arc_edge = graph
    sites[0] = source
    for at in range(hops):
        arc = first_arc[sites[at]]
        while arc_edge[arc] != row[at]:
            arc += 1
        sites[at + 1] = head[arc]


@lean
def _unite(group_bits: BitArray, row: IntArray, hops: int, union: BitArray) -> None:
    """Write the groups of all fibers of a path to ``union``."""
    for word in range(union.shape[0]):
        union[word] = _ZERO
        for at in range(hops):
            union[word] |= group_bits[row[at], word]


@lean
def _block_around(
    group_bits: BitArray, row: IntArray, hops: int, sites: IntArray, node_disjoint: bool, union: BitArray,
    edge_blocked: BoolArray, node_blocked: BoolArray,
) -> None:  # fmt: skip
    """Mark the fibers that share a fiber or group with a path and, if asked, the sites inside it.

    ``union`` gets the path's groups.
    """
    _unite(group_bits, row, hops, union)
    for edge in range(group_bits.shape[0]):
        shared = _ZERO
        for word in range(union.shape[0]):
            shared |= group_bits[edge, word] & union[word]
        edge_blocked[edge] = shared != _ZERO
    for node in range(node_blocked.shape[0]):
        node_blocked[node] = False
    for at in range(hops):
        edge_blocked[row[at]] = True
        if at > 0 and node_disjoint:
            node_blocked[sites[at]] = True


@lean
def _avoids(
    row: IntArray, hops: int, sites: IntArray, edge_blocked: BoolArray, node_blocked: BoolArray
) -> bool:
    """Whether a path uses no blocked fiber and no blocked site."""
    at = 0
    while at < hops and not edge_blocked[row[at]] and not node_blocked[sites[at]]:
        at += 1
    return at == hops


@lean
def _cheapest_listed_pair(
    group_bits: BitArray, tried: int, count: int, edges: IntArray, hops: IntArray, weights: FloatArray,
    sites: IntArray, latency: FloatArray, best: float, max_latency1: float, max_latency2: float,
    node_disjoint: bool, union: BitArray, edge_blocked: BoolArray, node_blocked: BoolArray,
) -> tuple[float, int, int]:  # fmt: skip
    """Cheapest disjoint pair among listed paths from row ``tried`` on, if it beats ``best``.

    Its total and rows (first, second), or ``best``, -1, -1.
    """
    first, second = -1, -1
    for i in range(tried, count):
        if 2.0 * weights[i] >= best:
            break
        _block_around(
            group_bits, edges[i], hops[i], sites[i], node_disjoint, union, edge_blocked, node_blocked
        )
        for j in range(i + 1, count):
            if weights[i] + weights[j] >= best:
                break
            in_order = latency[i] <= max_latency1 and latency[j] <= max_latency2
            swapped = latency[j] <= max_latency1 and latency[i] <= max_latency2
            if (in_order or swapped) and _avoids(edges[j], hops[j], sites[j], edge_blocked, node_blocked):
                best = weights[i] + weights[j]
                first, second = (i, j) if in_order else (j, i)
    return best, first, second


@lean
def _first_without(
    group_bits: BitArray, count: int, edges: IntArray, hops: IntArray, sites: IntArray, word: int,
    mask: np.uint64, fiber: int, site: int,
) -> int:  # fmt: skip
    """First of the listed paths after the first that is without a group, fiber or site; -1 if none is."""
    for row in range(1, count):
        at = 0
        while at < hops[row] and edges[row, at] != fiber and sites[row, at] != site:
            if mask != 0 and group_bits[edges[row, at], word] & mask != 0:
                break
            at += 1
        if at == hops[row]:
            return row
    return -1


@kernel
def _apart(
    graph: Graph, weight: FloatArray, group_bits: BitArray, to_go: FloatArray, source: int, target: int,
    count: int, edges: IntArray, listed_hops: IntArray, listed_sites: IntArray, weights: FloatArray,
    node_disjoint: bool, limit: float, union: BitArray, edge_blocked: BoolArray, node_blocked: BoolArray,
    newest: IntArray, labels: Labels,
) -> tuple[float, Labels]:  # fmt: skip
    """Weight that one path of every disjoint pair has at least; ``inf`` if that is more than ``limit``.

    Of two paths that share no risk at least one is without a certain one. So the heaviest of the shortest
    paths without one of the fibers, groups or (if that matters) sites of the first listed path is such a
    weight. Where a listed path is without it, the first that is so is the shortest; else it is searched for.
    """
    row, hops, sites = edges[0], listed_hops[0], listed_sites[0]
    _unite(group_bits, row, hops, union)
    most, at, word = 0.0, 0, 0
    node_blocked[:] = False
    while True:
        mask, fiber, site = np.uint64(0), -1, -1
        if word < union.shape[0]:
            if union[word] == 0:
                word += 1
                continue
            mask = union[word] ^ (union[word] & (union[word] - np.uint64(1)))  # the lowest bit
            union[word] ^= mask
        elif at < hops:
            fiber = row[at]
            at += 1
            if group_bits[fiber].any():
                continue  # without its group is without it
        elif node_disjoint and at < 2 * hops - 1:
            site = sites[at - hops + 1]
            at += 1
        else:
            return most, labels
        known = _first_without(
            group_bits, count, edges, listed_hops, listed_sites, word, mask, fiber, site
        )  # fmt: skip
        if known >= 0:
            if weights[known] > limit:
                return np.inf, labels
            most = max(most, weights[known])
            continue
        for edge in range(weight.shape[0]):
            edge_blocked[edge] = edge == fiber or (mask != 0 and group_bits[edge, word] & mask != 0)
        if site >= 0:
            node_blocked[site] = True
        label, labels = _search_within(
            graph, weight, weight, to_go, edge_blocked, node_blocked, source, 0.0, target, limit, np.inf,
            node_blocked.shape[0], newest, labels,
        )  # fmt: skip
        if site >= 0:
            node_blocked[site] = False
        if label < 0:
            return np.inf, labels
        most = max(most, labels[1][label, _WEIGHT])


@lean
def _note_cut(
    graph: Graph, weight: FloatArray, to_go: FloatArray, source: int, limit: float, edge_blocked: BoolArray,
    node_blocked: BoolArray, newest: IntArray, labels: Labels, cuts: Cuts,
) -> None:  # fmt: skip
    """Note what kept the last search from a path lighter than ``limit``: with that blocked there is none.

    ``cuts`` are blocked things, a fiber as its index, a site as that beyond all fibers, and the number of
    cuts followed by where each ends. One for which there is no room is left out.
    """
    first_arc, head, arc_edge = graph
    n, m = first_arc.shape[0] - 1, weight.shape[0]
    things, ends = cuts
    now = newest[n]
    if newest[source] != now:
        return  # by labels with latency or hops, which tell less
    begin = ends[ends[0]] if ends[0] > 0 else 0
    end = begin
    for node in range(n):
        if newest[node] != now:
            continue
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            if not edge_blocked[edge] and not node_blocked[other]:
                continue
            if labels[1][node, _WEIGHT] + weight[edge] + to_go[_TO_GO_WEIGHT, other] > limit * _SLACK:
                continue
            if end == things.shape[0]:
                return
            things[end] = edge if edge_blocked[edge] else m + other
            end += 1
    ends[0] += 1
    ends[ends[0]] = end


@lean
def _is_cut_off(cuts: Cuts, edge_blocked: BoolArray, node_blocked: BoolArray) -> bool:
    """Whether all of one of the cuts is blocked."""
    things, ends = cuts
    m, begin = edge_blocked.shape[0], 0
    for cut in range(1, ends[0] + 1):
        at = begin
        begin = ends[cut]
        while at < begin:
            thing = things[at]
            if not (edge_blocked[thing] if thing < m else node_blocked[thing - m]):
                break
            at += 1
        if at == begin:
            return True
    return False


@lean
def _partner_bound(latency: float, max_latency1: float, max_latency2: float) -> float:
    """Latency bound on the partner of a path that takes whichever role leaves more room; -1 if none fits."""
    bound = -1.0
    if latency <= max_latency1:
        bound = max_latency2
    if latency <= max_latency2:
        bound = max(bound, max_latency1)
    return bound


@lean
def _copy_row(row: IntArray, hops: int, to: IntArray) -> None:
    """Copy a path and pad it with -1."""
    for at in range(to.shape[0]):
        to[at] = row[at] if at < hops else -1
