"""Listed paths in rows that are ranked, and written out only when they are final or must be compared."""

import numpy as np

from ._arrays import FloatArray, Graph, IntArray
from ._bucket_tree import _EDGE_TO, _NODE_TO
from ._jit import kernel, lean
from ._labels import _EDGE, _HOPS, _NODE, _PREV, _WEIGHT, Labels

Rows = tuple[IntArray, IntArray, IntArray]
Pool = tuple[Rows, FloatArray, IntArray]  # see _new_pool

# Columns of a path in the pool.
_PATH_HOPS, _FIXED, _PARENT, _ARC, _ON_TREE, _WRITTEN = 0, 1, 2, 3, 4, 5


@kernel
def _new_pool(k: int, width: int) -> Pool:
    """Room for k paths and one to try: edges, nodes [k+1, width]; meta int64[k+1, 6]; weights, order [k+1].

    ``order`` ranks the rows; those from the size of the list on are free. A path is the first fibers of its
    parent, an arc, and a way on. It is written out only when it is final or has to be compared by its fibers.
    """
    order = np.empty(k + 1, np.int64)
    for slot in range(k + 1):
        order[slot] = slot
    rows = (
        np.empty((k + 1, width), np.int64),
        np.empty((k + 1, width), np.int64),
        np.empty((k + 1, 6), np.int64),
    )
    return rows, np.empty(k + 1, np.float64), order


@lean
def _describe(pool: Pool, slot: int, hops: int, fixed: int, parent: int, arc: int, on_tree: int) -> None:
    """Fill the meta row of a path; ``on_tree`` is where it joins the tree for good (its hops: nowhere)."""
    meta = pool[0][2]
    meta[slot, _PATH_HOPS] = hops
    meta[slot, _FIXED] = fixed
    meta[slot, _PARENT] = parent
    meta[slot, _ARC] = arc
    meta[slot, _ON_TREE] = on_tree
    meta[slot, _WRITTEN] = 0


@lean
def _copy_start(pool: Pool, slot: int, parent: int, fibers: int) -> None:
    """Give the path in ``slot`` the first ``fibers`` fibers of ``parent``, and their sites."""
    edges, nodes, _ = pool[0]
    for at in range(fibers):
        edges[slot, at] = edges[parent, at]
        nodes[slot, at] = nodes[parent, at]
    nodes[slot, fibers] = nodes[parent, fibers]


@lean
def _write_out(graph: Graph, tree: IntArray, target: int, pool: Pool, slot: int) -> None:
    """Write the fibers and sites of a path that follows the tree."""
    edges, nodes, meta = pool[0]
    if meta[slot, _WRITTEN]:
        return
    meta[slot, _WRITTEN] = 1
    at = meta[slot, _FIXED]
    if at > 0:
        _copy_start(pool, slot, meta[slot, _PARENT], at - 1)
        edges[slot, at - 1] = graph[2][meta[slot, _ARC]]
        nodes[slot, at] = graph[1][meta[slot, _ARC]]
    node = nodes[slot, at]
    while node != target:
        edges[slot, at] = tree[_EDGE_TO, node]
        node = tree[_NODE_TO, node]
        at += 1
        nodes[slot, at] = node


@lean
def _precedes(graph: Graph, tree: IntArray, target: int, pool: Pool, slot: int, rival: int) -> bool:
    """Whether the path in ``slot`` comes before the one in ``rival`` by (weight, hops, fiber sequence)."""
    edges, _, meta = pool[0]
    weights = pool[1]
    if weights[slot] != weights[rival]:
        return bool(weights[slot] < weights[rival])
    if meta[slot, _PATH_HOPS] != meta[rival, _PATH_HOPS]:
        return bool(meta[slot, _PATH_HOPS] < meta[rival, _PATH_HOPS])
    _write_out(graph, tree, target, pool, slot)
    _write_out(graph, tree, target, pool, rival)
    for at in range(meta[slot, _PATH_HOPS]):
        if edges[slot, at] != edges[rival, at]:
            return bool(edges[slot, at] < edges[rival, at])
    return False


@lean
def _insert(graph: Graph, tree: IntArray, target: int, pool: Pool, done: int, size: int) -> int:
    """Rank the path in the first free row; ranks below ``done`` are final. Returns the number of paths kept.

    Only k paths are kept: one with k smaller ones is never needed, nor is anything found from it.
    """
    order = pool[2]
    slot = order[size]
    rank = size
    while rank > done and _precedes(graph, tree, target, pool, slot, order[rank - 1]):
        order[rank] = order[rank - 1]
        rank -= 1
    order[rank] = slot
    return int(min(size + 1, order.shape[0] - 1))


@lean
def _take_found(
    graph: Graph, pool: Pool, slot: int, parent: int, spur: int, arc: int, label: int, labels: Labels
) -> None:
    """Write the path: start of ``parent`` up to position ``spur``, ``arc`` (if any), the labelled path."""
    edges, nodes, meta = pool[0]
    weights = pool[1]
    ints, floats = labels[0], labels[1]
    begin = 0
    if arc >= 0:
        _copy_start(pool, slot, parent, spur)
        edges[slot, spur] = graph[2][arc]
        begin = spur + 1
    weights[slot] = floats[label, _WEIGHT]
    hops = begin + ints[label, _HOPS]
    _describe(pool, slot, hops, begin, parent, arc, hops)
    meta[slot, _WRITTEN] = 1
    for at in range(hops, begin - 1, -1):
        nodes[slot, at] = ints[label, _NODE]
        if at > begin:
            edges[slot, at - 1] = ints[label, _EDGE]
        label = ints[label, _PREV]


@lean
def _sum_row(weight: FloatArray, edges: IntArray, row: int, fibers: int) -> float:
    """Weight of the first fibers of a path."""
    total = 0.0
    for at in range(fibers):
        total += weight[edges[row, at]]
    return total


@lean
def _add_up(graph: Graph, weight: FloatArray, tree: IntArray, target: int, pool: Pool, count: int) -> None:
    """Give the final paths the sums from their source on, and rank them by these."""
    rows, weights, order = pool
    for rank in range(count):
        slot = order[rank]
        weights[slot] = _sum_row(weight, rows[0], slot, rows[2][slot, _PATH_HOPS])
        _insert(graph, tree, target, pool, 0, rank)


@kernel
def _listed(pool: Pool, count: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Ranked paths of a pool as edges[k, longest], hops[k], weights[k], padded as `k_shortest_paths` says."""
    rows, row_weights, order = pool
    k = order.shape[0] - 1
    longest = 0
    for rank in range(count):
        longest = max(longest, rows[2][order[rank], _PATH_HOPS])
    edges = np.full((k, longest), -1, np.int64)
    hops = np.full(k, -1, np.int64)
    weights = np.full(k, np.inf)
    for rank in range(count):
        slot = order[rank]
        hops[rank], weights[rank] = rows[2][slot, _PATH_HOPS], row_weights[slot]
        for at in range(hops[rank]):
            edges[rank, at] = rows[0][slot, at]
    return edges, hops, weights
