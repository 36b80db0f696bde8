"""Shortest-path trees by buckets of tentative weights (Dial 1969; Meyer and Sanders 2003)."""

import numpy as np

from ._arrays import FloatArray, Graph, IntArray
from ._jit import kernel

# Rows of a tree: fibers to its root, the fiber towards it, the site that this leads to.
_HOPS_TO, _EDGE_TO, _NODE_TO = 0, 1, 2
_BUCKETS_PER_MEAN = 4.0
_MOST_BUCKETS = 4096.0


@kernel
def _bucket_width(weight: FloatArray) -> tuple[float, int]:
    """Width and number of the buckets of `_grow_tree`: some per mean weight, for all of the largest one."""
    total, largest, count = 0.0, 0.0, 0
    for edge in range(weight.shape[0]):
        if weight[edge] < np.inf:
            total += weight[edge]
            largest = max(largest, weight[edge])
            count += 1
    if total == 0.0:
        return 1.0, 2
    width = max(total / (_BUCKETS_PER_MEAN * count), largest / _MOST_BUCKETS)
    buckets = 4
    while buckets < largest / width + 3.0:
        buckets *= 2
    return width, buckets


@kernel
def _grow_tree(
    graph: Graph, weight: FloatArray, root: int, buckets: tuple[float, int], dist: FloatArray, tree: IntArray,
    queue: IntArray,
) -> None:  # fmt: skip
    """Best paths by (weight, hops, fiber sequence) from every site to ``root``: rows of ``tree`` int64[3, n].

    Label correcting: a bucket of tentative weights is worked off until it is empty, so any width gives the
    weights of Dijkstra's algorithm, to the last bit. Each site is in one bucket at most, in lists linked both
    ways. ``queue`` int64[3, n] is overwritten: the site after, the site ahead, the bucket (-1: none).
    """
    first_arc, head, arc_edge = graph
    hops_to, edge_to, node_to = tree[_HOPS_TO], tree[_EDGE_TO], tree[_NODE_TO]
    after, ahead, bucket_of = queue[0], queue[1], queue[2]
    per_unit, mask = 1.0 / buckets[0], buckets[1] - 1
    first = np.full(buckets[1], -1, np.int64)
    for node in range(dist.shape[0]):
        dist[node] = np.inf
        hops_to[node] = 0
        edge_to[node] = node_to[node] = bucket_of[node] = -1
    dist[root] = 0.0
    after[root] = ahead[root] = -1
    bucket_of[root] = 0
    first[0] = root
    waiting, current = 1, 0
    while waiting > 0:
        node = first[current & mask]
        if node < 0:
            current += 1
            continue
        following = after[node]
        first[current & mask] = following
        if following >= 0:
            ahead[following] = -1
        bucket_of[node] = -1
        waiting -= 1
        here, hops = dist[node], hops_to[node] + 1
        for arc in range(first_arc[node], first_arc[node + 1]):
            at = np.uint64(arc)  # unsigned indices are not checked for counting from the end
            other, edge = np.uint64(head[at]), np.uint64(arc_edge[at])
            reached = here + weight[edge]
            if reached > dist[other] or reached == np.inf:
                continue
            if reached == dist[other] and hops >= hops_to[other]:
                if hops == hops_to[other] and arc_edge[at] < edge_to[other]:
                    edge_to[other], node_to[other] = edge, node
                continue
            dist[other] = reached
            hops_to[other], edge_to[other], node_to[other] = hops, edge, node
            bucket, old = int(reached * per_unit) & mask, bucket_of[other]
            if old == bucket:
                continue
            if old >= 0:
                behind, front = after[other], ahead[other]
                if front >= 0:
                    after[front] = behind
                else:
                    first[old] = behind
                if behind >= 0:
                    ahead[behind] = front
            else:
                waiting += 1
            behind = first[bucket]
            after[other], ahead[other], bucket_of[other] = behind, -1, bucket
            if behind >= 0:
                ahead[behind] = head[at]
            first[bucket] = head[at]


@kernel
def _shortest_tree(
    graph: Graph, weight: FloatArray, root: int, buckets: tuple[float, int], dist: FloatArray,
    parent_edge: IntArray, tree: IntArray, queue: IntArray,
) -> None:  # fmt: skip
    """`paths.shortest_tree`, given memory: of equally good parents the smallest index."""
    first_arc, head, arc_edge = graph
    _grow_tree(graph, weight, root, buckets, dist, tree, queue)
    for node in range(dist.shape[0]):
        parent_edge[node] = tree[_EDGE_TO, node]
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            if edge < parent_edge[node] and dist[other] + weight[edge] == dist[node]:
                before = dist[other] < dist[node] or tree[_HOPS_TO, other] < tree[_HOPS_TO, node]
                if before:
                    parent_edge[node] = edge
