"""Minimum-weight pairs of disjoint paths on the multigraph of sites and fibers.

Graph arrays as in ``paths``: CSR ``first_arc`` int64[n + 1], ``head`` int64[2 m], ``arc_edge`` int64[2 m],
each fiber being two arcs. For pairs that must avoid general shared-risk groups: ``paths.srlg_disjoint_pair``.
"""

import numpy as np
import numpy.typing as npt

from netopt_kernels._jit import kernel, lean

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

# Columns of the tree from a source: last fiber, the site before; sites below within the component.
_EDGE, _BEFORE, _SIZE = 0, 1, 2
# Columns of the second search: fiber and site that a site was reached from, the site labelled then,
# component.
_LAST_EDGE, _LAST, _LABELLED, _COMPONENT = 0, 1, 2, 3
# Weights this small beside the distances could make walks that are not simple: see `_two_walks`.
_DELICATE = 1e-9


@lean
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


@lean
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
    for at in range(hops, row.shape[0]):
        row[at] = -1
    return hops


@lean
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


@lean
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
    for node in range(n):
        out_edge[0, node], out_node[0, node] = out1[node], next1[node]
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


@lean
def _grow_tree(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int,
    dist: FloatArray, tree: IntArray, order: IntArray, keys: FloatArray, items: IntArray,
) -> int:  # fmt: skip
    """Shortest-path tree from the source (Dijkstra 1959), sites in the order settled; their number."""
    n = first_arc.shape[0] - 1
    for node in range(n):
        dist[node] = np.inf
        tree[node, _EDGE] = tree[node, _BEFORE] = -1
        tree[node, _SIZE] = 0
    dist[source] = 0.0
    size, settled = _push(keys, items, 0, 0.0, source), 0
    while size > 0:
        node = items[0]
        size = _drop_first(keys, items, size)
        if tree[node, _SIZE] > 0:
            continue
        tree[node, _SIZE] = 1
        order[settled] = node
        settled += 1
        for arc in range(first_arc[node], first_arc[node + 1]):
            reached, other = dist[node] + weight[arc_edge[arc]], head[arc]
            if reached < dist[other]:
                dist[other] = reached
                tree[other, _EDGE], tree[other, _BEFORE] = arc_edge[arc], node
                size = _push(keys, items, size, reached, other)
    for at in range(settled - 1, 0, -1):
        node = order[at]
        tree[tree[node, _BEFORE], _SIZE] += tree[node, _SIZE]
    return settled


@lean
def _offer(
    node: int, via: int, edge: int, labelled: int, value: float, second: IntArray, keys: FloatArray,
    items: IntArray, size: int,
) -> int:  # fmt: skip
    """Reach a site at a lower reduced weight; return the size of the heap."""
    second[node, _LAST_EDGE], second[node, _LAST], second[node, _LABELLED] = edge, via, labelled
    return _push(keys, items, size, value, node)


@lean
def _collect(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, tree: IntArray, second: IntArray, root: int,
    old: int, new: int, members: IntArray,
) -> int:  # fmt: skip
    """Move the part of the tree around ``root`` that is in component ``old`` to ``new``; list its sites."""
    second[root, _COMPONENT] = new
    members[0] = root
    count, at = 1, 0
    while at < count:
        node = members[at]
        at += 1
        for arc in range(first_arc[node], first_arc[node + 1]):
            other, edge = head[arc], arc_edge[arc]
            on_tree = edge == tree[other, _EDGE] or edge == tree[node, _EDGE]
            if on_tree and second[other, _COMPONENT] == old:
                second[other, _COMPONENT] = new
                members[count] = other
                count += 1
    return count


@lean
def _second_search(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int,
    dist: FloatArray, tree: IntArray, reduced: FloatArray, second: IntArray, members: IntArray,
    keys: FloatArray, items: IntArray,
) -> None:  # fmt: skip
    """Reduced weight of the second path to every site, and how it was reached (Suurballe and Tarjan 1984).

    Labelling a site takes it out of its component of the tree. Every arc off the tree whose ends that parts,
    or that leaves the site itself, then reaches its head. The largest part keeps the component's number,
    so a site changes its number, and has its arcs looked at, at most log2 n times.
    """
    for node in range(first_arc.shape[0] - 1):
        reduced[node] = np.inf
        second[node, _LAST_EDGE] = second[node, _LAST] = second[node, _LABELLED] = -1
        second[node, _COMPONENT] = 0 if dist[node] < np.inf else -1
    reduced[source] = 0.0
    size, components = _push(keys, items, 0, 0.0, source), 1
    while size > 0:
        node = items[0]
        size = _drop_first(keys, items, size)
        component = second[node, _COMPONENT]
        if component < 0:
            continue
        second[node, _COMPONENT] = -1
        here, below = reduced[node], tree[node, _SIZE]
        top, above, keeper = -1, tree[node, _BEFORE], -1
        while above >= 0 and second[above, _COMPONENT] == component:
            tree[above, _SIZE] -= below
            top = above
            above = tree[above, _BEFORE]
        largest = 0
        if top >= 0:
            largest, keeper = tree[top, _SIZE], tree[node, _BEFORE]
        for arc in range(first_arc[node], first_arc[node + 1]):
            other = head[arc]
            is_child = tree[other, _EDGE] == arc_edge[arc] and second[other, _COMPONENT] == component
            if is_child and tree[other, _SIZE] > largest:
                largest, keeper = tree[other, _SIZE], other
        fresh = components
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, root = arc_edge[arc], head[arc]
            is_piece = edge == tree[root, _EDGE] or (
                edge == tree[node, _EDGE] and root == tree[node, _BEFORE]
            )
            if not is_piece or root == keeper or second[root, _COMPONENT] != component:
                continue
            count = _collect(first_arc, head, arc_edge, tree, second, root, component, components, members)
            for at in range(count):
                inner = members[at]
                for inner_arc in range(first_arc[inner], first_arc[inner + 1]):
                    outer, between = head[inner_arc], arc_edge[inner_arc]
                    other_component = second[outer, _COMPONENT]
                    parted = other_component == component or other_component >= fresh
                    if not parted or other_component == components:
                        continue
                    # rounding can take a reduced weight below its true minimum of 0
                    length = weight[between]
                    value = here + max(length + dist[inner] - dist[outer], 0.0)
                    if value < reduced[outer] and between != tree[outer, _EDGE]:
                        reduced[outer] = value
                        size = _offer(outer, inner, between, node, value, second, keys, items, size)
                    value = here + max(length + dist[outer] - dist[inner], 0.0)
                    if value < reduced[inner] and between != tree[inner, _EDGE]:
                        reduced[inner] = value
                        size = _offer(inner, outer, between, node, value, second, keys, items, size)
            components += 1
        for arc in range(first_arc[node], first_arc[node + 1]):
            other, edge = head[arc], arc_edge[arc]
            other_component = second[other, _COMPONENT]
            parted = other_component == component or other_component >= fresh
            value = here + max(weight[edge] + dist[node] - dist[other], 0.0)
            if parted and value < reduced[other] and edge != tree[other, _EDGE]:
                reduced[other] = value
                size = _offer(other, node, edge, node, value, second, keys, items, size)


@lean
def _two_walks(
    weight: FloatArray, source: int, target: int, tree: IntArray, second: IntArray, marked: IntArray,
    backwards: IntArray, edges: IntArray, used: int, lengths: IntArray, sums: FloatArray,
) -> None:  # fmt: skip
    """Append both paths to the target to ``edges``; write their hops to ``lengths``, weights to ``sums``.

    They share no fiber. Where weights are positive they are simple; fibers of weight 0 can make loops.
    """
    node = target
    while node != source:
        marked[node] = 1
        node = second[node, _LABELLED]
    for which in range(2):
        node, hops, total = target, 0, 0.0
        while node != source:
            if marked[node]:
                marked[node] = 0
                backwards[hops], node = second[node, _LAST_EDGE], second[node, _LAST]
            else:
                backwards[hops], node = tree[node, _EDGE], tree[node, _BEFORE]
            hops += 1
        for at in range(hops):
            edge = backwards[hops - 1 - at]
            edges[used + at] = edge
            total += weight[edge]
        used += hops
        lengths[which], sums[which] = hops, total


@kernel
def disjoint_pairs(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int
) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
    """Find a lightest pair of fiber-disjoint paths from one site to every other.

    Suurballe and Tarjan (1984): one search for all targets, O(m log n), then the paths in the time
    of their length.

    Parameters
    ----------
    first_arc, head, arc_edge : int64 arrays
        The multigraph, see the module's docstring.
    weight : float64[m]
        Non-negative weight per fiber, ``+inf`` = not usable.
    source : int
        The site to start from.

    Returns
    -------
    total : float64[n]
        Sum of both weights as `disjoint_pair` finds it, ``inf`` where there is no pair.
    first : int64[n, 2]
        Where the fibers of each path start in ``edges``.
    hops : int64[n, 2]
        Number of fibers of each path, -1 if there is no pair; 0 at the source.
    edges : int64[...]
        Fibers of all paths, each from ``source`` on. The two of a pair ascend by (weight, hops, fiber
        sequence).

    Examples
    --------
    Two sites joined by two parallel fibers:

    >>> first_arc, head, arc_edge = np.array([0, 2, 4]), np.array([1, 1, 0, 0]), np.array([0, 1, 0, 1])
    >>> total, first, hops, edges = disjoint_pairs(first_arc, head, arc_edge, np.array([5.0, 3.0]), 0)
    >>> total.tolist(), edges[first[1]].tolist()
    ([0.0, 8.0], [1, 0])
    """
    n = first_arc.shape[0] - 1
    dist, reduced = np.empty(n), np.empty(n)
    tree, second = np.empty((n, 4), np.int64), np.empty((n, 4), np.int64)
    order, members = np.empty(n, np.int64), np.empty(n, np.int64)
    # a site is pushed at most once per arc into it, or pair of ends parted: twice per arc
    keys, items = np.empty(2 * head.shape[0] + 1), np.empty(2 * head.shape[0] + 1, np.int64)
    settled = _grow_tree(first_arc, head, arc_edge, weight, source, dist, tree, order, keys, items)
    _second_search(
        first_arc, head, arc_edge, weight, source, dist, tree, reduced, second, members, keys, items,
    )  # fmt: skip
    least = np.inf
    for edge in range(weight.shape[0]):
        least = min(least, weight[edge])
    delicate = least <= _DELICATE * dist[order[settled - 1]]
    total, hops, first = np.full(n, np.inf), np.full((n, 2), -1, np.int64), np.zeros((n, 2), np.int64)
    depth = np.zeros(n, np.int64)
    room = 2 * n
    for at in range(1, settled):
        depth[order[at]] = depth[tree[order[at], _BEFORE]] + 1
        room += 3 * depth[order[at]]  # a guess: the second path is up to twice as long
    edges, used = np.empty(room, np.int64), 0
    total[source] = 0.0
    hops[source, 0] = hops[source, 1] = 0
    marked, backwards = np.zeros(n, np.int64), np.empty(n, np.int64)
    lengths, sums = np.empty(2, np.int64), np.empty(2)
    for target in range(n):
        if target == source or reduced[target] == np.inf:
            continue
        if used + 2 * n > edges.shape[0]:
            more = np.empty(2 * edges.shape[0] + 2 * n, np.int64)
            for at in range(used):
                more[at] = edges[at]
            edges = more
        in_order = True
        if delicate:
            _, row1, lengths[0], row2, lengths[1], total[target] = disjoint_pair(
                first_arc, head, arc_edge, weight, source, target, not delicate
            )  # sites may be shared; a literal False would compile a second version
            for at in range(lengths[0]):
                edges[used + at] = row1[at]
            for at in range(lengths[1]):
                edges[used + lengths[0] + at] = row2[at]
        else:
            _two_walks(weight, source, target, tree, second, marked, backwards, edges, used, lengths, sums)
            total[target] = sums[0] + sums[1]
            in_order = sums[0] < sums[1]
            if sums[0] == sums[1]:
                middle = used + lengths[0]
                in_order = _in_order(
                    edges[used:middle],
                    lengths[0],
                    sums[0],
                    edges[middle : middle + lengths[1]],
                    lengths[1],
                    sums[1],
                )
        lighter, heavier = (0, 1) if in_order else (1, 0)
        first[target, 0 if in_order else 1] = used
        first[target, 1 if in_order else 0] = used + lengths[0]
        hops[target, 0], hops[target, 1] = lengths[lighter], lengths[heavier]
        used += lengths[0] + lengths[1]
    return total, first, hops, edges[:used]
