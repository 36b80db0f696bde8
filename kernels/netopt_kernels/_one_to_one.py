"""Two disjoint paths between two sites: a second search, in the residual of a shortest path."""

import numpy as np

from ._arrays import FloatArray, IntArray
from ._heap import _drop_first, _push
from ._jit import kernel


@kernel
def _first_path(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int, target: int
) -> tuple[FloatArray, IntArray, IntArray, IntArray, IntArray]:
    """Distances from the source, and a shortest path as (in_edge, in_node, out_edge, out_node) per site.

    The four are -1 at sites off the path.
    """
    n = first_arc.shape[0] - 1
    dist = np.full(n, np.inf)
    tree = np.full((2, n), -1, np.int64)
    path = np.full((4, n), -1, np.int64)
    settled = np.zeros(n, np.bool_)
    keys = np.empty(head.shape[0] + 1, np.float64)
    items = np.empty(head.shape[0] + 1, np.int64)
    dist[source] = 0.0
    size = _push(keys, items, 0, 0.0, source)
    while size > 0:
        node = items[0]
        size = _drop_first(keys, items, size)
        if settled[node]:
            continue
        settled[node] = True
        for arc in range(first_arc[node], first_arc[node + 1]):
            reached = dist[node] + weight[arc_edge[arc]]
            other = head[arc]
            if reached < dist[other]:
                dist[other] = reached
                tree[0, other], tree[1, other] = arc_edge[arc], node
                size = _push(keys, items, size, reached, other)
    node = target
    while tree[1, node] >= 0 and node != source:
        before = tree[1, node]
        path[0, node], path[1, node] = tree[0, node], before
        path[2, before], path[3, before] = tree[0, node], node
        node = before
    return dist, path[0], path[1], path[2], path[3]


@kernel
def _augmenting_path(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int, target: int,
    node_disjoint: bool, dist: FloatArray, in_edge: IntArray, in_node: IntArray, out_edge: IntArray,
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Shortest path in the residual of the first one, by reduced weights (Suurballe and Tarjan 1984).

    Reduced weights w + dist[u] - dist[v] are >= 0, and 0 on the first path reversed. States: ``v``, or
    ``n + v`` when a site inside the first path was entered from outside and sites must not be shared; the
    only way on is then back along the first path (node splitting, Suurballe 1974).
    Returns (parent state, parent fiber) per state, int64[2 n], -1 where not reached.
    """
    n = first_arc.shape[0] - 1
    reached = np.full(2 * n, np.inf)
    settled = np.zeros(2 * n, np.bool_)
    parent = np.full(2 * n, -1, np.int64)
    parent_edge = np.full(2 * n, -1, np.int64)
    keys = np.empty(2 * head.shape[0] + 1, np.float64)
    items = np.empty(2 * head.shape[0] + 1, np.int64)
    reached[source] = 0.0
    size = _push(keys, items, 0, 0.0, source)
    while size > 0:
        state = items[0]
        size = _drop_first(keys, items, size)
        if settled[state]:
            continue
        settled[state] = True
        node = state % n
        if node == target:
            break
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            back = edge == in_edge[node] and other == in_node[node]
            if edge == out_edge[node] or weight[edge] == np.inf or (state >= n and not back):
                continue
            # Rounding can take a reduced weight below its true minimum of 0.
            step = 0.0 if back else max(weight[edge] + dist[node] - dist[other], 0.0)
            inside = node_disjoint and not back and other != target and in_edge[other] >= 0
            goal = n + other if inside else other
            if not settled[goal] and reached[state] + step < reached[goal]:
                reached[goal] = reached[state] + step
                parent[goal] = state
                parent_edge[goal] = edge
                size = _push(keys, items, size, reached[goal], goal)
    return parent, parent_edge


@kernel
def _walk(source: int, target: int, out_edge: IntArray, out_node: IntArray, row: IntArray) -> int:
    """Follow and use up the flow from source to target; return its hops. Cycles (weight 0) are left out."""
    position = np.full(out_edge.shape[1], -1, np.int64)
    sites = np.empty(out_edge.shape[1], np.int64)
    hops = 0
    node = source
    while node != target:
        if position[node] >= 0:
            for at in range(position[node] + 1, hops):
                position[sites[at]] = -1
            hops = position[node]
        position[node] = hops
        sites[hops] = node
        which = 0 if out_edge[0, node] >= 0 else 1
        if which == 0 and 0 <= out_edge[1, node] < out_edge[0, node]:
            which = 1
        row[hops] = out_edge[which, node]
        out_edge[which, node] = -1
        node = out_node[which, node]
        hops += 1
    for at in range(hops, row.shape[0]):
        row[at] = -1
    return hops
