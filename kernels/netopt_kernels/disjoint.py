"""Minimum-weight pairs of disjoint paths on the multigraph of sites and fibers.

Graph arrays as in ``paths``: CSR ``first_arc`` int64[n + 1], ``head`` int64[2 m], ``arc_edge`` int64[2 m],
each fiber being two arcs. For pairs that must avoid general shared-risk groups: ``paths.srlg_disjoint_pair``.
"""

import numpy as np
import numpy.typing as npt

from netopt_kernels._jit import kernel

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@kernel
def _push(keys: FloatArray, items: IntArray, size: int, key: float, item: int) -> int:
    """Push onto a binary heap ordered by (key, item); return its new size."""
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if keys[up] < key or (keys[up] == key and items[up] <= item):
            break
        keys[at] = keys[up]
        items[at] = items[up]
        at = up
    keys[at] = key
    items[at] = item
    return size + 1


@kernel
def _drop_first(keys: FloatArray, items: IntArray, size: int) -> int:
    """Remove the first entry of a binary heap; return its new size."""
    size -= 1
    key = keys[size]
    item = items[size]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        right = down + 1
        if right < size and (
            keys[right] < keys[down] or (keys[right] == keys[down] and items[right] < items[down])
        ):
            down = right
        if key < keys[down] or (key == keys[down] and item <= items[down]):
            break
        keys[at] = keys[down]
        items[at] = items[down]
        at = down
    keys[at] = key
    items[at] = item
    return size


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
    row[hops:] = -1
    return hops


@kernel
def _in_order(row1: IntArray, hops1: int, weight1: float, row2: IntArray, hops2: int, weight2: float) -> bool:
    """Whether the first path does not come after the second by (weight, hops, fiber sequence)."""
    if weight1 != weight2:
        return weight1 < weight2
    if hops1 != hops2:
        return hops1 < hops2
    for at in range(hops1):
        if row1[at] != row2[at]:
            return bool(row1[at] < row2[at])
    return True


@kernel
def _row_weight(row: IntArray, hops: int, weight: FloatArray) -> float:
    """Weight of a path, summed from its source."""
    total = 0.0
    for at in range(hops):
        total += weight[row[at]]
    return total


@kernel
def disjoint_pair(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int, target: int,
    node_disjoint: bool,
) -> tuple[bool, IntArray, int, IntArray, int, float]:  # fmt: skip
    """Find two paths of least total weight that share no fiber (and no intermediate site).

    Exact: Suurballe (1974), in the form of Suurballe and Tarjan (1984) with reduced weights, which is
    Bhandari's (1999) method without negative weights. Both paths are simple.

    Parameters
    ----------
    first_arc, head, arc_edge : int64 arrays
        The multigraph, see the module's docstring.
    weight : float64[m]
        Non-negative weight per fiber, ``+inf`` = not usable.
    source, target : int
        End sites. If they are the same, the pair is two paths without hops.
    node_disjoint : bool
        Whether intermediate sites must not be shared either.

    Returns
    -------
    found : bool
        Whether such a pair exists.
    edges1, hops1, edges2, hops2 : int64[n], int
        The paths from ``source`` to ``target``, padded with -1; hops -1 if there is no pair.
        They ascend by (weight, hops, fiber sequence).
    total : float
        Sum of both weights, ``inf`` if there is no pair.

    Examples
    --------
    Two sites joined by two parallel fibers:

    >>> first_arc, head, arc_edge = np.array([0, 2, 4]), np.array([1, 1, 0, 0]), np.array([0, 1, 0, 1])
    >>> found = disjoint_pair(first_arc, head, arc_edge, np.array([5.0, 3.0]), 0, 1, True)
    >>> found[0], found[1][0], found[3][0], found[5]
    (True, 1, 0, 8.0)
    """
    n = first_arc.shape[0] - 1
    row1, row2 = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    if source == target:
        return True, row1, 0, row2, 0, 0.0
    dist, in_edge, in_node, out1, next1 = _first_path(first_arc, head, arc_edge, weight, source, target)
    if dist[target] == np.inf:
        return False, row1, -1, row2, -1, np.inf
    parent, parent_edge = _augmenting_path(
        first_arc, head, arc_edge, weight, source, target, node_disjoint, dist, in_edge, in_node, out1
    )
    if parent[target] < 0:
        return False, row1, -1, row2, -1, np.inf
    out_edge = np.full((2, n), -1, np.int64)
    out_node = np.full((2, n), -1, np.int64)
    out_edge[0], out_node[0] = out1, next1
    state = target
    while state != source:
        edge, node, before = parent_edge[state], state % n, parent[state] % n
        if in_edge[before] == edge:  # the first path used this fiber the other way: both give it up
            out_edge[0, node] = -1
        else:
            out_edge[1, before], out_node[1, before] = edge, node
        state = parent[state]
    hops1 = _walk(source, target, out_edge, out_node, row1)
    hops2 = _walk(source, target, out_edge, out_node, row2)
    weight1, weight2 = _row_weight(row1, hops1, weight), _row_weight(row2, hops2, weight)
    if _in_order(row1, hops1, weight1, row2, hops2, weight2):
        return True, row1, hops1, row2, hops2, weight1 + weight2
    return True, row2, hops2, row1, hops1, weight2 + weight1
