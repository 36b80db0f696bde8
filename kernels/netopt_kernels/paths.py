"""Shortest paths, k shortest simple paths and bounded paths on a multigraph of sites and fibers.

The undirected multigraph is given in CSR form, each fiber as two arcs sorted by (tail, head, fiber):

- ``first_arc`` int64[n + 1]: the arcs leaving site ``v`` are ``first_arc[v]`` to ``first_arc[v + 1] - 1``;
- ``head`` int64[2 m]: the site that an arc leads to;
- ``arc_edge`` int64[2 m]: the fiber of an arc; parallel fibers differ only in it.

Weights are one non-negative float64 per fiber; ``+inf`` marks a fiber that must not be used. A path's
weight is the sum from its source to its target in that order. Comparisons are exact, hence ties are
recognised with certainty when all sums are exact (integers, say); otherwise up to rounding.

All searches here are one best-first search over labels (`_search`): a label is a path from the source, kept
while no other label of its site is at least as good in everything that still matters.
"""

import numpy as np
import numpy.typing as npt

from netopt_kernels._jit import kernel, lean

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BitArray = npt.NDArray[np.uint64]
Graph = tuple[IntArray, IntArray, IntArray]  # first_arc, head, arc_edge
Labels = tuple[IntArray, FloatArray, FloatArray, IntArray]  # integers, floats, heap keys, heap items
Rows = tuple[IntArray, IntArray, IntArray]
Pool = tuple[Rows, FloatArray, IntArray]  # see _new_pool
Parts = tuple[FloatArray, IntArray]  # open parts: see _new_parts
Cuts = tuple[IntArray, IntArray]  # see _note_cut
Desk = tuple[Pool, IntArray, FloatArray, IntArray, BoolArray, BoolArray, IntArray]  # see _new_desk

# Columns of a label: integers (_NEXT chains the labels of one site) and floats.
_NODE, _EDGE, _PREV, _HOPS, _NEXT, _DEAD = 0, 1, 2, 3, 4, 5
_WEIGHT, _LATENCY = 0, 1
# Rows of the lower bounds on what is left to the target.
_TO_GO_WEIGHT, _TO_GO_LATENCY, _TO_GO_HOPS = 0, 1, 2
# Rows of a tree towards a target: fibers left, the next fiber, the site that it leads to.
_HOPS_TO, _EDGE_TO, _NODE_TO = 0, 1, 2
# Columns of a path in the pool.
_PATH_HOPS, _FIXED, _PARENT, _ARC, _ON_TREE, _WRITTEN = 0, 1, 2, 3, 4, 5
# What a listing of paths remembers: final paths, all paths, open parts, the newest mark, the part to search.
_DONE, _SIZE, _OPEN, _STAMP, _PATH, _SPUR, _AT_ARC = 0, 1, 2, 3, 4, 5, 6
_LISTED, _NEEDS_ROOM, _NEEDS_SEARCH = 0, 1, 2
_BUCKETS_PER_MEAN = 4.0
_MOST_LISTED = 128  # paths from which no longer list is tried for a disjoint pair
_MOST_BUCKETS = 4096.0
_ROOM_FOR_CUTS = 2048
# A bound added from both ends rounds differently from the sum along the path, so bounds cut
# with this slack; the path itself is then checked exactly.
_SLACK = 1.0 + 1e-12


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

    Label correcting over buckets of tentative weights (Dial 1969; Meyer and Sanders 2003): a bucket is worked
    off until it is empty, so any width gives the weights of Dijkstra's algorithm, to the last bit.
    ``queue`` int64[3, n] is overwritten: links forward and back, the bucket of a site (-1: none).
    """
    first_arc, head, arc_edge = graph
    n = first_arc.shape[0] - 1
    per_unit, mask = 1.0 / buckets[0], buckets[1] - 1
    first = np.full(buckets[1], -1, np.int64)
    for node in range(n):
        dist[node] = np.inf
        tree[_HOPS_TO, node] = 0
        tree[_EDGE_TO, node] = -1
        tree[_NODE_TO, node] = -1
        queue[2, node] = -1
    dist[root] = 0.0
    queue[0, root] = queue[1, root] = -1
    queue[2, root] = 0
    first[0] = root
    waiting, current = 1, 0
    while waiting > 0:
        node = first[current & mask]
        if node < 0:
            current += 1
            continue
        following = queue[0, node]
        first[current & mask] = following
        if following >= 0:
            queue[1, following] = -1
        queue[2, node] = -1
        waiting -= 1
        here, hops = dist[node], tree[_HOPS_TO, node] + 1
        for arc in range(first_arc[node], first_arc[node + 1]):
            other, edge = head[arc], arc_edge[arc]
            reached = here + weight[edge]
            if reached > dist[other] or reached == np.inf:
                continue
            if reached == dist[other] and hops >= tree[_HOPS_TO, other]:
                if hops == tree[_HOPS_TO, other] and edge < tree[_EDGE_TO, other]:
                    tree[_EDGE_TO, other], tree[_NODE_TO, other] = edge, node
                continue
            dist[other] = reached
            tree[_HOPS_TO, other], tree[_EDGE_TO, other], tree[_NODE_TO, other] = hops, edge, node
            bucket = int(reached * per_unit) & mask
            if queue[2, other] == bucket:
                continue
            if queue[2, other] >= 0:
                after, before = queue[0, other], queue[1, other]
                if before >= 0:
                    queue[0, before] = after
                else:
                    first[queue[2, other]] = after
                if after >= 0:
                    queue[1, after] = before
            else:
                waiting += 1
            after = first[bucket]
            queue[0, other], queue[1, other], queue[2, other] = after, -1, bucket
            if after >= 0:
                queue[1, after] = other
            first[bucket] = other


@kernel
def shortest_tree(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, root: int
) -> tuple[FloatArray, IntArray]:
    """Shortest-path tree from one site, by buckets (Dial 1969; Meyer and Sanders 2003).

    Parameters
    ----------
    first_arc, head, arc_edge : int64 arrays
        The multigraph, see the module's docstring.
    weight : float64[m]
        Non-negative weight per fiber, ``+inf`` = not usable.
    root : int
        The site to start from.

    Returns
    -------
    dist : float64[n]
        Weight of the shortest path from ``root``; ``+inf`` where there is none.
    parent_edge : int64[n]
        Last fiber of that path, -1 at the root and at unreachable sites. Among equally good fibers
        from sites before it by (weight, hops), the smallest index wins.

    Examples
    --------
    Two sites joined by two parallel fibers:

    >>> first_arc, head = np.array([0, 2, 4]), np.array([1, 1, 0, 0])
    >>> dist, parent = shortest_tree(first_arc, head, np.array([0, 1, 0, 1]), np.array([5.0, 3.0]), 0)
    >>> dist.tolist(), parent.tolist()
    ([0.0, 3.0], [-1, 1])
    """
    n = first_arc.shape[0] - 1
    dist, tree = np.empty(n), np.empty((3, n), np.int64)
    _grow_tree(
        (first_arc, head, arc_edge), weight, root, _bucket_width(weight), dist, tree,
        np.empty((3, n), np.int64),
    )  # fmt: skip
    parent_edge = tree[_EDGE_TO].copy()
    for node in range(n):
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            if edge < parent_edge[node] and dist[other] + weight[edge] == dist[node]:
                before = dist[other] < dist[node] or tree[_HOPS_TO, other] < tree[_HOPS_TO, node]
                if before:
                    parent_edge[node] = edge
    return dist, parent_edge


@kernel
def _new_labels(capacity: int) -> Labels:
    """Room for labels and for a heap with one entry per label."""
    return (
        np.empty((capacity, 6), np.int64),
        np.empty((capacity, 2), np.float64),
        np.empty(capacity, np.float64),
        np.empty(capacity, np.int64),
    )


@kernel
def _grown(labels: Labels) -> Labels:
    """Twice the room, with what is there."""
    ints, floats, keys, items = labels
    used = keys.shape[0]
    more_ints, more_floats, more_keys, more_items = _new_labels(2 * used)
    for row in range(used):
        for column in range(6):
            more_ints[row, column] = ints[row, column]
        for column in range(2):
            more_floats[row, column] = floats[row, column]
        more_keys[row] = keys[row]
        more_items[row] = items[row]
    return more_ints, more_floats, more_keys, more_items


@lean
def _write(
    ints: IntArray, floats: FloatArray, label: int, node: int, edge: int, prev: int, hops: int,
    following: int, weight: float, latency: float,
) -> None:  # fmt: skip
    """Fill the row of a new label."""
    ints[label, _NODE] = node
    ints[label, _EDGE] = edge
    ints[label, _PREV] = prev
    ints[label, _HOPS] = hops
    ints[label, _NEXT] = following
    ints[label, _DEAD] = 0
    floats[label, _WEIGHT] = weight
    floats[label, _LATENCY] = latency


@lean
def _comes_first(ints: IntArray, prev: int, edge: int, rival: int) -> bool:
    """Whether ``prev`` extended by ``edge`` has a smaller fiber sequence than ``rival`` of as many hops."""
    rival_prev = ints[rival, _PREV]
    rival_edge = ints[rival, _EDGE]
    first = False
    while True:
        if edge != rival_edge:
            first = edge < rival_edge
        if prev == rival_prev:
            return first
        edge, rival_edge = ints[prev, _EDGE], ints[rival_prev, _EDGE]
        prev, rival_prev = ints[prev, _PREV], ints[rival_prev, _PREV]


@lean
def _survives(
    ints: IntArray,
    floats: FloatArray,
    newest: IntArray,
    node: int,
    prev: int,
    edge: int,
    weight: float,
    latency: float,
    by_latency: bool,
    by_hops: bool,
) -> bool:
    """Whether a new label at ``node`` is needed; if so, the labels that it makes needless are struck off."""
    hops = ints[prev, _HOPS] + 1
    before = -1
    rival = newest[node]
    while rival >= 0:
        w, t, h = floats[rival, _WEIGHT], floats[rival, _LATENCY], ints[rival, _HOPS]
        worse = w <= weight and (t <= latency or not by_latency) and (h <= hops or not by_hops)
        better = weight <= w and (latency <= t or not by_latency) and (hops <= h or not by_hops)
        if worse and better:  # equal in what counts: fewer hops, then the smaller fiber sequence
            better = hops < h or (hops == h and _comes_first(ints, prev, edge, rival))
            worse = not better
        if worse:
            return False
        following = ints[rival, _NEXT]
        if better:
            ints[rival, _DEAD] = 1
            if before < 0:
                newest[node] = following
            else:
                ints[before, _NEXT] = following
        else:
            before = rival
        rival = following
    return True


@kernel
def _search(
    graph: Graph,
    weight: FloatArray,
    latency: FloatArray,
    to_go: FloatArray,
    edge_blocked: BoolArray,
    node_blocked: BoolArray,
    source: int,
    start_weight: float,
    target: int,
    max_weight: float,
    max_latency: float,
    max_hops: int,
    newest: IntArray,
    labels: Labels,
) -> tuple[int, Labels]:
    """Lightest path to ``target`` within the bounds: A* on labels (weight, latency, hops) with dominance.

    ``to_go`` float64[3, n] bounds from below what is left (weight, latency, hops). A dimension without a
    bound (``inf``, or hops >= n - 1) does not take part in dominance, so with no bounds
    each site keeps one label. A label that comes back to a site of its own path has at least the
    weight and latency of its earlier label there and more hops, hence is dominated: paths are simple.
    Popping by (weight + to go, hops) settles every way to tie with a label before the label itself,
    so without a latency bound the result is the smallest by (weight, hops, fiber sequence).
    Returns the label at the target, or -1; and the labels, which may have been given more room.
    """
    first_arc, head, arc_edge = graph
    by_latency = max_latency < np.inf
    n = first_arc.shape[0] - 1
    by_hops = max_hops < n - 1
    for node in range(n):
        newest[node] = -1
    ints, floats, keys, items = labels
    _write(ints, floats, 0, source, -1, -1, 0, -1, start_weight, 0.0)
    count = 1
    size = _push(keys, items, 0, start_weight, 0)
    while size > 0:
        label = items[0] & 0xFFFFFFFF
        size = _drop_first(keys, items, size)
        node = ints[label, _NODE]
        if ints[label, _DEAD]:
            continue
        if node == target:
            return label, (ints, floats, keys, items)
        hops = ints[label, _HOPS] + 1
        weight_here, latency_here = floats[label, _WEIGHT], floats[label, _LATENCY]
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            if edge_blocked[edge] or node_blocked[other] or other == source:
                continue
            w = weight_here + weight[edge]
            t = latency_here + latency[edge]
            key = w + to_go[_TO_GO_WEIGHT, other]
            slack = 1.0 if other == target else _SLACK
            if key == np.inf or key > max_weight * slack or hops + to_go[_TO_GO_HOPS, other] > max_hops:
                continue
            if by_latency and t + to_go[_TO_GO_LATENCY, other] > max_latency * slack:
                continue
            if not _survives(ints, floats, newest, other, label, edge, w, t, by_latency, by_hops):
                continue
            if count == keys.shape[0]:
                ints, floats, keys, items = _grown((ints, floats, keys, items))
            _write(ints, floats, count, other, edge, label, hops, newest[other], w, t)
            newest[other] = count
            size = _push(keys, items, size, key, (hops << 32) | count)
            count += 1
    return -1, (ints, floats, keys, items)


@lean
def _search_plain(
    graph: Graph, weight: FloatArray, latency: FloatArray, to_go: FloatArray, edge_blocked: BoolArray,
    node_blocked: BoolArray, source: int, start_weight: float, target: int, max_weight: float,
    newest: IntArray, labels: Labels,
) -> int:  # fmt: skip
    """`_search` without bounds on latency and hops: one label per site, in the row of its index.

    ``newest`` int64[n + 1] tells which sites have one: those with the number in its last entry, which is new
    for every search. It is negative, so that what `_search` leaves there means nothing here.
    Returns the label at the target, -1 if there is none, -2 if the heap has no room (rounding can make that).
    """
    first_arc, head, arc_edge = graph
    ints, floats, keys, items = labels
    n = first_arc.shape[0] - 1
    newest[n] -= 1
    now = newest[n]
    newest[source] = now
    _write(ints, floats, source, source, -1, -1, 0, -1, start_weight, 0.0)
    size = _push(keys, items, 0, start_weight, source)
    while size > 0:
        key, node = keys[0], items[0] & 0xFFFFFFFF
        hops = items[0] >> 32
        size = _drop_first(keys, items, size)
        if node == target:
            return int(node)
        weight_here = floats[node, _WEIGHT]
        if hops != ints[node, _HOPS] or key > weight_here + to_go[_TO_GO_WEIGHT, node]:
            continue  # a better label has taken its place
        if size + first_arc[node + 1] - first_arc[node] > keys.shape[0]:
            return -2
        hops += 1
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            w = weight_here + weight[edge]
            key = w + to_go[_TO_GO_WEIGHT, other]
            if key == np.inf or key > max_weight * (1.0 if other == target else _SLACK):
                continue
            if edge_blocked[edge] or node_blocked[other] or other == source:
                continue
            if newest[other] == now:
                rival = floats[other, _WEIGHT]
                if w > rival or (w == rival and hops > ints[other, _HOPS]):
                    continue
                if w == rival and hops == ints[other, _HOPS]:
                    if _comes_first(ints, node, edge, other):
                        ints[other, _EDGE], ints[other, _PREV] = edge, node
                        floats[other, _LATENCY] = floats[node, _LATENCY] + latency[edge]
                    continue
            newest[other] = now
            _write(
                ints, floats, other, other, edge, node, hops, -1, w, floats[node, _LATENCY] + latency[edge]
            )
            size = _push(keys, items, size, key, (hops << 32) | other)
    return -1


@kernel
def _search_within(
    graph: Graph, weight: FloatArray, latency: FloatArray, to_go: FloatArray, edge_blocked: BoolArray,
    node_blocked: BoolArray, source: int, start_weight: float, target: int, max_weight: float,
    max_latency: float, max_hops: int, newest: IntArray, labels: Labels,
) -> tuple[int, Labels]:  # fmt: skip
    """Search with one label per site; with the bounds in the dominance only if that result breaks them."""
    label = _search_plain(
        graph, weight, latency, to_go, edge_blocked, node_blocked, source, start_weight, target,
        max_weight, newest, labels,
    )  # fmt: skip
    breaks = label >= 0 and (labels[0][label, _HOPS] > max_hops or labels[1][label, _LATENCY] > max_latency)
    if breaks or label == -2:
        label, labels = _search(
            graph, weight, latency, to_go, edge_blocked, node_blocked, source, start_weight, target,
            max_weight, max_latency, max_hops, newest, labels,
        )  # fmt: skip
    return label, labels


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
def _trace(ints: IntArray, label: int, row: IntArray) -> None:
    """Write the fibers of a labelled path to the end of ``row``."""
    at = row.shape[0]
    while ints[label, _PREV] >= 0:
        at -= 1
        row[at] = ints[label, _EDGE]
        label = ints[label, _PREV]


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
def _sum_from(weight: FloatArray, tree: IntArray, target: int, node: int, so_far: float) -> float:
    """Weight of a path at the target, added up in its direction."""
    while node != target:
        so_far += weight[tree[_EDGE_TO, node]]
        node = tree[_NODE_TO, node]
    return so_far


@lean
def _least_by_detour(
    graph: Graph, weight: FloatArray, to_go: FloatArray, node: int, mark: IntArray, low: int, high: int
) -> float:
    """Lower bound on the weight from ``node`` to the target without the sites marked ``low`` to ``high``."""
    first_arc, head, arc_edge = graph
    least = np.inf
    for arc in range(first_arc[node], first_arc[node + 1]):
        if not low <= mark[head[arc]] <= high:
            least = min(least, weight[arc_edge[arc]] + to_go[_TO_GO_WEIGHT, head[arc]])
    return least


@kernel
def _more_parts(open_parts: Parts) -> Parts:
    """Twice the room, with what is there."""
    used = open_parts[0].shape[0]
    bound = np.empty(2 * used)
    where = np.empty((2 * used, 3), np.int64)
    for at in range(used):
        bound[at] = open_parts[0][at]
        for column in range(3):
            where[at, column] = open_parts[1][at, column]
    return bound, where


@lean
def _arcs_along(first_arc: IntArray, nodes: IntArray, slot: int, begin: int, end: int) -> int:
    """Number of arcs that leave the sites of a path from position ``begin`` to before ``end``."""
    arcs = 0
    for at in range(begin, end):
        arcs += first_arc[nodes[slot, at] + 1] - first_arc[nodes[slot, at]]
    return arcs


@lean
def _second_best(graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, node: int) -> float:
    """Lower bound on the weight from ``node`` to the target by any other fiber than the tree's."""
    first_arc, head, arc_edge = graph
    least = np.inf
    for arc in range(first_arc[node], first_arc[node + 1]):
        if arc_edge[arc] != tree[_EDGE_TO, node]:
            least = min(least, weight[arc_edge[arc]] + to_go[_TO_GO_WEIGHT, head[arc]])
    return least


@lean
def _split(
    graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, target: int, max_weight: float,
    max_hops: int, pool: Pool, mark: IntArray, second: FloatArray, state: IntArray, open_parts: Parts,
) -> None:  # fmt: skip
    """Split what the last final path leaves of its part (Yen 1971; Lawler 1972), an arc at a time.

    A part is all simple paths that start with the first fibers of a final path and then take a certain arc.
    Where the tree's way on is simple, it is the best of the part. Otherwise the part stays open, with a
    lower bound, until that bound is reached.

    The innermost work is written out here: passing this many arrays to a function costs more than the work.
    """
    first_arc, head, arc_edge = graph
    rows, weights, order = pool
    edges, nodes, meta = rows
    part_bound, part = open_parts
    done, size, count, stamp = state[_DONE], state[_SIZE], state[_OPEN], state[_STAMP]
    k = order.shape[0] - 1
    path = order[done - 1]
    hops, fixed = meta[path, _PATH_HOPS], meta[path, _FIXED]
    so_far = 0.0
    for at in range(hops):
        mark[nodes[path, at]] = stamp + at
        if at < fixed:
            so_far += weight[edges[path, at]]
    limit = (weights[order[k - 1]] if size == k else max_weight) * _SLACK
    for spur in range(fixed, hops):
        node, taken = nodes[path, spur], edges[path, spur]
        if second[node] < 0.0:
            second[node] = _second_best(graph, weight, to_go, tree, node)
        if so_far + second[node] > limit and spur >= meta[path, _ON_TREE]:
            so_far += weight[taken]
            continue
        high, safe = stamp + spur, stamp + max(spur + 1, meta[path, _ON_TREE])
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            reached = so_far + weight[edge]
            bound = reached + to_go[_TO_GO_WEIGHT, other]
            if bound > limit or edge == taken or bound == np.inf:
                continue
            if stamp <= mark[other] <= high or spur + 1 + to_go[_TO_GO_HOPS, other] > max_hops:
                continue
            # Marks of this path are at least ``stamp``: those up to ``high`` are sites used already, and
            # from ``safe`` on the way ahead is the tree's, which this path has walked without meeting them.
            walker = other
            while walker != target and mark[walker] < stamp:
                walker = tree[_NODE_TO, walker]
            while walker != target and high < mark[walker] < safe:
                walker = tree[_NODE_TO, walker]
                while walker != target and mark[walker] < stamp:
                    walker = tree[_NODE_TO, walker]
            is_simple = walker == target or mark[walker] > high
            length = spur + 1 + tree[_HOPS_TO, other]
            if is_simple and length <= max_hops:
                is_close = bound * _SLACK > max_weight  # too close to tell from a sum in another order
                if is_close and _sum_from(weight, tree, target, other, reached) > max_weight:
                    continue
                slot = order[size]
                weights[slot] = bound
                meta[slot, _PATH_HOPS], meta[slot, _FIXED], meta[slot, _PARENT] = length, spur + 1, path
                meta[slot, _ARC], meta[slot, _ON_TREE], meta[slot, _WRITTEN] = arc, spur + 1, 0
                rank = size
                while rank > done:
                    rival = order[rank - 1]
                    if bound > weights[rival]:
                        break
                    if bound == weights[rival] and not _precedes(graph, tree, target, pool, slot, rival):
                        break
                    order[rank] = rival
                    rank -= 1
                order[rank] = slot
                size = min(size + 1, k)
                if size == k:
                    limit = weights[order[k - 1]] * _SLACK
                continue
            if not is_simple:
                bound = reached + _least_by_detour(graph, weight, to_go, other, mark, stamp, high)
                if bound > limit or bound == np.inf:
                    continue
            part_bound[count] = bound
            part[count, 0], part[count, 1], part[count, 2] = path, spur, arc
            count += 1
        so_far += weight[taken]
    state[_SIZE], state[_OPEN] = size, count


@kernel
def _bounds_to_go(
    graph: Graph, weight: FloatArray, latency: FloatArray, target: int, by_latency: bool, by_hops: bool
) -> tuple[FloatArray, IntArray]:
    """Least weight, latency, hops from every site to ``target`` over usable fibers: float64[3, n].

    Rows that no bound needs stay zero. And the tree of the first: int64[3, n], see `_grow_tree`.
    """
    n = graph[0].shape[0] - 1
    to_go = np.zeros((3, n))
    tree, queue = np.empty((3, n), np.int64), np.empty((3, n), np.int64)
    cost = np.empty(weight.shape[0])
    if by_latency:
        for edge in range(weight.shape[0]):
            cost[edge] = latency[edge] if weight[edge] < np.inf else np.inf
        _grow_tree(graph, cost, target, _bucket_width(cost), to_go[_TO_GO_LATENCY], tree, queue)
    if by_hops:
        for edge in range(weight.shape[0]):
            cost[edge] = 1.0 if weight[edge] < np.inf else np.inf
        _grow_tree(graph, cost, target, _bucket_width(cost), to_go[_TO_GO_HOPS], tree, queue)
    _grow_tree(graph, weight, target, _bucket_width(weight), to_go[_TO_GO_WEIGHT], tree, queue)
    return to_go, tree


@kernel
def _new_desk(k: int, n_sites: int, n_fibers: int) -> Desk:
    """Working memory of `_k_shortest`, good for any number of calls with the same target."""
    return (
        _new_pool(k, n_sites + 1),
        np.full(n_sites, -1, np.int64),
        np.full(n_sites, -1.0),
        np.zeros(7, np.int64),
        np.zeros(n_fibers, np.bool_),
        np.zeros(n_sites, np.bool_),
        np.full(n_sites + 1, -1, np.int64),
    )


@kernel
def _first_of_all(
    graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, source: int, target: int,
    max_weight: float, max_hops: int, desk: Desk, labels: Labels,
) -> tuple[int, Labels]:  # fmt: skip
    """Rank the shortest path within the bounds; return the number of paths, 0 or 1."""
    pool, _, _, _, edge_blocked, node_blocked, newest = desk
    nodes, weights, slot = pool[0][1], pool[1], pool[2][0]
    if to_go[_TO_GO_WEIGHT, source] == np.inf:
        return 0, labels
    nodes[slot, 0] = source
    weights[slot] = _sum_from(weight, tree, target, source, 0.0)
    if weights[slot] > max_weight * _SLACK:
        return 0, labels
    hops = tree[_HOPS_TO, source]
    _describe(pool, slot, hops, 0, -1, -1, 0)
    if hops <= max_hops and weights[slot] <= max_weight:
        return 1, labels
    label, labels = _search_within(
        graph, weight, weight, to_go, edge_blocked, node_blocked, source, 0.0, target, max_weight, np.inf,
        max_hops, newest, labels,
    )  # fmt: skip
    if label >= 0:
        _take_found(graph, pool, slot, -1, 0, -1, label, labels)
    return 1 if label >= 0 else 0, labels


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


@lean
def _advance(
    graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, target: int, max_weight: float,
    max_hops: int, desk: Desk, labels: Labels, open_parts: Parts,
) -> int:  # fmt: skip
    """Go on listing paths until all are final (`_LISTED`) or something is needed that takes memory.

    `_NEEDS_ROOM`: for more open parts. `_NEEDS_SEARCH`: a search with hops among the labels, of the open part
    in ``state``.
    """
    pool, mark, second, state, edge_blocked, node_blocked, newest = desk
    rows, weights, order = pool
    edges, nodes, meta = rows
    part_bound, part = open_parts
    k = order.shape[0] - 1
    while True:
        done, size = state[_DONE], state[_SIZE]
        while state[_OPEN] > 0:  # open parts that may hold the next path
            at = 0
            for other in range(1, state[_OPEN]):
                if part_bound[other] < part_bound[at]:
                    at = other
            if size > done and part_bound[at] > weights[order[done]] * _SLACK:
                break
            last = state[_OPEN] - 1
            path, spur, arc = part[at, 0], part[at, 1], part[at, 2]
            part_bound[at] = part_bound[last]
            part[at, 0], part[at, 1], part[at, 2] = part[last, 0], part[last, 1], part[last, 2]
            state[_OPEN] = last
            so_far = 0.0
            for before in range(spur + 1):
                node_blocked[nodes[path, before]] = True
                if before < spur:
                    so_far += weight[edges[path, before]]
            limit = min(weights[order[k - 1]] * _SLACK, max_weight) if size == k else max_weight
            label = _search_plain(  # without a latency bound any array does as latency
                graph, weight, weight, to_go, edge_blocked, node_blocked, graph[1][arc],
                so_far + weight[graph[2][arc]], target, limit, newest, labels,
            )  # fmt: skip
            for before in range(spur + 1):
                node_blocked[nodes[path, before]] = False
            if label == -2 or (label >= 0 and spur + 1 + labels[0][label, _HOPS] > max_hops):
                state[_PATH], state[_SPUR], state[_AT_ARC] = path, spur, arc
                return _NEEDS_SEARCH
            if label >= 0:
                _take_found(graph, pool, order[size], path, spur, arc, label, labels)
                size = _insert(graph, tree, target, pool, done, size)
                state[_SIZE] = size
        if size == done:
            return _LISTED
        path = order[done]
        _write_out(graph, tree, target, pool, path)
        if done + 1 < k:
            more = _arcs_along(graph[0], nodes, path, meta[path, _FIXED], meta[path, _PATH_HOPS])
            if state[_OPEN] + more > part_bound.shape[0]:
                return _NEEDS_ROOM
        state[_DONE] = done + 1
        if done + 1 == k:
            return _LISTED
        state[_STAMP] += mark.shape[0] + 1
        _split(
            graph, weight, to_go, tree, target, max_weight, max_hops, pool, mark, second, state, open_parts
        )


@kernel
def _k_shortest(
    graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, source: int, target: int,
    max_weight: float, max_hops: int, desk: Desk, labels: Labels, open_parts: Parts,
) -> tuple[int, Labels, Parts]:  # fmt: skip
    """Rank the k shortest paths in the pool of the desk; return their number and the grown buffers."""
    pool, _, _, state, edge_blocked, node_blocked, newest = desk
    nodes, order = pool[0][1], pool[2]
    size, labels = _first_of_all(
        graph, weight, to_go, tree, source, target, max_weight, max_hops, desk, labels
    )
    state[_DONE], state[_SIZE], state[_OPEN] = 0, size, 0
    while True:
        need = _advance(graph, weight, to_go, tree, target, max_weight, max_hops, desk, labels, open_parts)
        if need == _LISTED:
            break
        if need == _NEEDS_ROOM:
            open_parts = _more_parts(open_parts)
            continue
        path, spur, arc = state[_PATH], state[_SPUR], state[_AT_ARC]
        for at in range(spur + 1):
            node_blocked[nodes[path, at]] = True
        so_far = _sum_row(weight, pool[0][0], path, spur) + weight[graph[2][arc]]
        label, labels = _search_within(
            graph, weight, weight, to_go, edge_blocked, node_blocked, graph[1][arc], so_far, target,
            max_weight, np.inf, max_hops - spur - 1, newest, labels,
        )  # fmt: skip
        for at in range(spur + 1):
            node_blocked[nodes[path, at]] = False
        if label >= 0:
            _take_found(graph, pool, order[state[_SIZE]], path, spur, arc, label, labels)
            state[_SIZE] = _insert(graph, tree, target, pool, state[_DONE], state[_SIZE])
    _add_up(graph, weight, tree, target, pool, state[_DONE])
    return state[_DONE], labels, open_parts


@kernel
def _new_parts() -> Parts:
    """Room for open parts: lower bounds; path, position and arc."""
    return np.empty(64), np.empty((64, 3), np.int64)


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


@kernel
def k_shortest_paths(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int, target: int,
    k: int, max_weight: float, max_hops: int,
) -> tuple[int, IntArray, IntArray, FloatArray]:  # fmt: skip
    """Find the k shortest simple paths between two sites of a multigraph.

    Yen (1971) with the partition rule of Lawler (1972), on the tree of shortest paths to the target: where
    the tree's way on after a deviation is simple, it is the best of its part without any search (the idea
    of Kurz and Mutzel 2016). Where it is not, its weight is a lower bound, and the part is searched by A*
    only once that bound is next. Everything is cut at the k-th best weight known.
    Paths that use different parallel fibers are different paths.

    Parameters
    ----------
    first_arc, head, arc_edge : int64 arrays
        The multigraph, see the module's docstring.
    weight : float64[m]
        Non-negative weight per fiber, ``+inf`` = not usable.
    source, target : int
        End sites. If they are the same the one path has no hops.
    k : int
        Number of paths wanted, at least 1.
    max_weight : float
        Only paths of at most this weight; ``inf`` = no bound.
    max_hops : int
        Only paths of at most this many fibers. The result is the k shortest among those that comply.

    Returns
    -------
    count : int
        Number of paths found; fewer than ``k`` only if no other path complies.
    edges : int64[k, h]
        Fibers of each path from ``source`` to ``target``, padded with -1 to the longest.
    hops : int64[k]
        Number of fibers of each path, -1 in unused rows.
    weights : float64[k]
        Weight of each path, ``+inf`` in unused rows. Rows ascend by (weight, hops, fiber sequence).

    Examples
    --------
    Two sites joined by two parallel fibers:

    >>> first_arc, head, arc_edge = np.array([0, 2, 4]), np.array([1, 1, 0, 0]), np.array([0, 1, 0, 1])
    >>> found = k_shortest_paths(first_arc, head, arc_edge, np.array([5.0, 3.0]), 0, 1, 3, np.inf, 9)
    >>> found[0], found[1].tolist(), found[3].tolist()
    (2, [[1], [0], [-1]], [3.0, 5.0, inf])
    """
    graph = (first_arc, head, arc_edge)
    n = first_arc.shape[0] - 1
    to_go, tree = _bounds_to_go(graph, weight, weight, target, False, max_hops < n - 1)
    desk = _new_desk(k, n, weight.shape[0])
    count, _, _ = _k_shortest(
        graph,
        weight,
        to_go,
        tree,
        source,
        target,
        max_weight,
        max_hops,
        desk,
        _new_labels(n + head.shape[0] + 1),
        _new_parts(),
    )
    edges, hops, weights = _listed(desk[0], count)
    return count, edges, hops, weights


@kernel
def _tree_order(tree: IntArray, sources: IntArray) -> IntArray:
    """Rows of ``sources`` so that neighbours in the tree follow each other: their paths are in cache then."""
    n = tree.shape[1]
    child, sibling, row_of, next_row = np.full((4, max(n, sources.shape[0])), -1, np.int64)
    for row in range(sources.shape[0] - 1, -1, -1):
        next_row[row] = row_of[sources[row]]
        row_of[sources[row]] = row
    for node in range(n - 1, -1, -1):
        above = tree[_NODE_TO, node]
        if above >= 0:
            sibling[node] = child[above]
            child[above] = node
    order, stack = np.empty(sources.shape[0], np.int64), np.empty(n, np.int64)
    count = 0
    for root in range(n):
        if tree[_NODE_TO, root] >= 0:
            continue
        stack[0], height = root, 1  # the target, and every site that does not reach it
        while height > 0:
            height -= 1
            node = stack[height]
            row = row_of[node]
            while row >= 0:
                order[count] = row
                count += 1
                row = next_row[row]
            below = child[node]
            while below >= 0:
                stack[height] = below
                height += 1
                below = sibling[below]
    return order


@kernel
def k_shortest_paths_batch(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, sources: IntArray,
    target: int, k: int, max_weight: float, max_hops: int,
) -> tuple[IntArray, IntArray, IntArray, IntArray, FloatArray]:  # fmt: skip
    """Run `k_shortest_paths` from many sources to one target, sharing its reverse shortest-path tree.

    Parameters
    ----------
    first_arc, head, arc_edge, weight, target, k, max_weight, max_hops
        As in `k_shortest_paths`.
    sources : int64[s]
        Source sites.

    Returns
    -------
    count : int64[s]
        Number of paths found per source.
    first : int64[s, k]
        Where the fibers of each path start in ``edges``; -1 in unused rows.
    edges : int64[total]
        Fibers of all paths, one after the other.
    hops : int64[s, k]
    weights : float64[s, k]
        One row per source, each as in `k_shortest_paths`.
    """
    graph = (first_arc, head, arc_edge)
    n = first_arc.shape[0] - 1
    n_sources = sources.shape[0]
    count = np.empty(n_sources, np.int64)
    first = np.full((n_sources, k), -1, np.int64)
    hops = np.full((n_sources, k), -1, np.int64)
    weights = np.full((n_sources, k), np.inf)
    to_go, tree = _bounds_to_go(graph, weight, weight, target, False, max_hops < n - 1)
    desk = _new_desk(k, n, weight.shape[0])
    (rows, _, meta), row_weights, order = desk[0]
    room = 0
    for at in range(n_sources):
        room += tree[_HOPS_TO, sources[at]] + 2  # a guess: the other paths are a little longer
    edges = np.empty(k * room, np.int64)
    labels, open_parts = _new_labels(n + head.shape[0] + 1), _new_parts()
    used = 0
    for at in _tree_order(tree, sources):
        count[at], labels, open_parts = _k_shortest(
            graph, weight, to_go, tree, sources[at], target, max_weight, max_hops, desk, labels, open_parts
        )
        for rank in range(count[at]):
            slot = order[rank]
            length = meta[slot, _PATH_HOPS]
            if used + length > edges.shape[0]:
                more = np.empty(2 * edges.shape[0] + length, np.int64)
                for at_fiber in range(used):
                    more[at_fiber] = edges[at_fiber]
                edges = more
            first[at, rank], hops[at, rank], weights[at, rank] = used, length, row_weights[slot]
            for hop in range(length):
                edges[used + hop] = rows[slot, hop]
            used += length
    return count, first, edges[:used], hops, weights


@lean
def path_sum(edges_row: IntArray, hops: int, value_per_edge: FloatArray) -> float:
    """Sum an attribute of the fibers (km, ms, ...) along one path.

    Parameters
    ----------
    edges_row : int64[>= hops]
        Fibers of the path; what follows the first ``hops`` is ignored.
    hops : int
        Number of fibers of the path.
    value_per_edge : float64[m]
        The attribute.

    Returns
    -------
    float
        The sum from the first fiber to the last, in the attribute's unit.
    """
    total = 0.0
    for at in range(hops):
        total += value_per_edge[edges_row[at]]
    return total


@kernel
def paths_within(
    edges: IntArray, hops: IntArray, latency_ms_per_edge: FloatArray, fixed_ms: float, bound_ms: float
) -> BoolArray:
    """Tell which paths keep a latency bound.

    Parameters
    ----------
    edges : int64[k, n]
        Fibers of each path.
    hops : int64[k]
        Number of fibers of each path; negative = no path in this row.
    latency_ms_per_edge : float64[m]
        One-way latency of each fiber, ms.
    fixed_ms : float
        Latency of a path besides its fibers (routers, transponders, regenerators), ms.
    bound_ms : float
        Largest one-way latency allowed, ms.

    Returns
    -------
    bool[k]
        Whether fibers + fixed part <= bound; False in rows without a path.
    """
    within = np.zeros(hops.shape[0], np.bool_)
    for row in range(hops.shape[0]):
        if hops[row] >= 0:
            within[row] = path_sum(edges[row], hops[row], latency_ms_per_edge) + fixed_ms <= bound_ms
    return within


@kernel
def constrained_shortest_path(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, latency_ms: FloatArray,
    edge_blocked: BoolArray, node_blocked: BoolArray, source: int, target: int, max_latency_ms: float,
    max_hops: int,
) -> tuple[int, IntArray, float, float]:  # fmt: skip
    """Find the lightest simple path within a latency and a hop bound, exactly.

    First the unconstrained shortest path, returned at once if it complies. Otherwise label setting with
    dominance on (weight, latency, hops), Desrochers and Soumis (1988), as A* with lower bounds
    on all three from reverse shortest-path trees. No bound on the number of labels: exponential in
    the worst case, a few per site in practice.

    Parameters
    ----------
    first_arc, head, arc_edge : int64 arrays
        The multigraph, see the module's docstring.
    weight : float64[m]
        Non-negative weight per fiber, ``+inf`` = not usable.
    latency_ms : float64[m]
        Non-negative one-way latency per fiber, ms.
    edge_blocked : bool[m]
        Fibers that must not be used.
    node_blocked : bool[n]
        Sites that must not be visited; no path exists if the source or the target is among them.
    source, target : int
        End sites. If they are the same the path has no hops.
    max_latency_ms : float
        Bound on the sum of the fibers' latency, ms; ``inf`` = none.
    max_hops : int
        Bound on the number of fibers.

    Returns
    -------
    hops : int
        Number of fibers of the path; -1 if no path complies.
    edges : int64[n]
        Its fibers, padded with -1.
    weight : float
        Its weight; ``inf`` if there is none.
    latency_ms : float
        Its latency, ms; ``inf`` if there is none.
    """
    graph = (first_arc, head, arc_edge)
    n = first_arc.shape[0] - 1
    edges = np.full(n, -1, np.int64)
    if node_blocked[source] or node_blocked[target] or max_hops < 0 or max_latency_ms < 0.0:
        return -1, edges, np.inf, np.inf
    usable = np.empty(weight.shape[0])
    for edge in range(weight.shape[0]):
        usable[edge] = np.inf if edge_blocked[edge] else weight[edge]
    for node in range(n):
        if node_blocked[node]:
            for arc in range(first_arc[node], first_arc[node + 1]):
                usable[arc_edge[arc]] = np.inf
    labels = _new_labels(n + head.shape[0] + 1)
    newest = np.full(n + 1, -1, np.int64)
    to_go, _ = _bounds_to_go(graph, usable, latency_ms, target, False, False)
    label = _search_plain(  # the tree gives the least weight: nothing above it needs a label
        graph, usable, latency_ms, to_go, edge_blocked, node_blocked, source, 0.0, target,
        to_go[_TO_GO_WEIGHT, source] * _SLACK, newest, labels,
    )  # fmt: skip
    breaks = label >= 0 and (
        labels[0][label, _HOPS] > max_hops or labels[1][label, _LATENCY] > max_latency_ms
    )
    if breaks or label == -2:
        to_go, _ = _bounds_to_go(graph, usable, latency_ms, target, True, True)
        label, labels = _search(
            graph, usable, latency_ms, to_go, edge_blocked, node_blocked, source, 0.0, target,
            np.inf, max_latency_ms, max_hops, newest, labels,
        )  # fmt: skip
    if label < 0:
        return -1, edges, np.inf, np.inf
    hops = labels[0][label, _HOPS]
    _trace(labels[0], label, edges[:hops])
    return hops, edges, labels[1][label, _WEIGHT], labels[1][label, _LATENCY]


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


@kernel
def _block_around(
    group_bits: BitArray, row: IntArray, hops: int, sites: IntArray, node_disjoint: bool,
    edge_blocked: BoolArray, node_blocked: BoolArray,
) -> None:  # fmt: skip
    """Mark the fibers that share a fiber or group with a path and, if asked, the sites inside it."""
    union = np.zeros(group_bits.shape[1], np.uint64)
    for at in range(hops):
        for word in range(union.shape[0]):
            union[word] |= group_bits[row[at], word]
    for edge in range(group_bits.shape[0]):
        shares = False
        for word in range(union.shape[0]):
            shares = shares or (group_bits[edge, word] & union[word]) != 0
        edge_blocked[edge] = shares
    node_blocked[:] = False
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


@kernel
def _cheapest_listed_pair(
    group_bits: BitArray, tried: int, count: int, edges: IntArray, hops: IntArray, weights: FloatArray,
    sites: IntArray, latency: FloatArray, best: float, max_latency1: float, max_latency2: float,
    node_disjoint: bool, edge_blocked: BoolArray, node_blocked: BoolArray,
) -> tuple[float, int, int]:  # fmt: skip
    """Cheapest disjoint pair among listed paths from row ``tried`` on, if it beats ``best``.

    Its total and rows (first, second), or ``best``, -1, -1.
    """
    first, second = -1, -1
    for i in range(tried, count):
        if 2.0 * weights[i] >= best:
            break
        _block_around(group_bits, edges[i], hops[i], sites[i], node_disjoint, edge_blocked, node_blocked)
        for j in range(i + 1, count):
            if weights[i] + weights[j] >= best:
                break
            in_order = latency[i] <= max_latency1 and latency[j] <= max_latency2
            swapped = latency[j] <= max_latency1 and latency[i] <= max_latency2
            if (in_order or swapped) and _avoids(edges[j], hops[j], sites[j], edge_blocked, node_blocked):
                best = weights[i] + weights[j]
                first, second = (i, j) if in_order else (j, i)
    return best, first, second


@kernel
def srlg_disjoint_pair(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, latency_ms: FloatArray,
    group_bits: BitArray, source: int, target: int, k: int, max_latency1_ms: float, max_latency2_ms: float,
    node_disjoint: bool,
) -> tuple[int, IntArray, int, IntArray, int, float]:  # fmt: skip
    """Find a light pair of paths that share no fiber and no shared-risk group.

    With general groups the problem is NP-hard (Hu 2003), so this is a method with a certificate, not
    always an optimum. Let w_1 <= ... <= w_k be the weights of the k shortest simple paths.

    1. The cheapest pair within those k. If there are fewer than k simple paths, that is the optimum.
    2. The shortest paths without a certain fiber, group or site of path 1. Of two disjoint paths at least one
       is such a path. Let d be the weight of the heaviest; where there is none there is no pair.
    3. For i = 1, 2, ...: the lightest partner of path i among *all* paths (label setting), unless what kept
       the search for an earlier one from anything lighter is in the way again.
    4. If that proves nothing, once more with four times as many paths, up to 128.

    Before path i every pair inside the list and every pair with one of paths 1 to i - 1 is accounted for.
    Any other pair has a path outside the list, of weight >= w_k, and one of weight >= d, and both are i or
    later, of weight >= w_i. So a pair of total <= w_i + max(w_k, d) is optimal.
    In particular the optimum is always found if one of its paths is among the k shortest.

    Parameters
    ----------
    first_arc, head, arc_edge : int64 arrays
        The multigraph, see the module's docstring.
    weight : float64[m]
        Non-negative weight per fiber, ``+inf`` = not usable.
    latency_ms : float64[m]
        Non-negative one-way latency per fiber, ms.
    group_bits : uint64[m, w]
        Shared-risk groups of each fiber as a bit set. A fiber is a group of its own in any case.
    source, target : int
        End sites. If they are the same, the pair is two paths without hops.
    k : int
        Number of shortest paths to list at first, at least 1.
    max_latency1_ms, max_latency2_ms : float
        Latency bounds on the first and the second path, ms; ``inf`` = none.
    node_disjoint : bool
        Whether the paths must also share no intermediate site.

    Returns
    -------
    status : int
        0 none found, though there may be one; 1 found; 2 found and proven optimal; 3 proven: there is none.
    edges1, hops1, edges2, hops2 : int64[n], int
        First and second path, padded with -1; hops -1 if none. The lighter path is first unless only
        the heavier one keeps the first bound.
    total : float
        Sum of both weights; ``inf`` if none.
    """
    graph = (first_arc, head, arc_edge)
    n = first_arc.shape[0] - 1
    pair = np.full((2, n), -1, np.int64)
    if source == target:
        return 2, pair[0], 0, pair[1], 0, 0.0
    is_bounded = min(max_latency1_ms, max_latency2_ms) < np.inf
    to_go, tree = _bounds_to_go(graph, weight, latency_ms, target, is_bounded, False)
    edge_blocked, node_blocked = np.empty(weight.shape[0], np.bool_), np.empty(n, np.bool_)
    labels = _new_labels(n + head.shape[0] + 1)
    cuts = np.empty(_ROOM_FOR_CUTS, np.int64), np.zeros(_MOST_LISTED + 2, np.int64)
    hops1, hops2, best, tried, apart = -1, -1, np.inf, 0, 0.0
    while True:
        desk = _new_desk(k, n, weight.shape[0])
        count, labels, _ = _k_shortest(
            graph, weight, to_go, tree, source, target, np.inf, n, desk, labels, _new_parts()
        )
        edges, hops, weights = _listed(desk[0], count)
        sites = np.empty((k, n), np.int64)
        latency = np.empty(k)
        for row in range(count):
            _sites_of(graph, source, edges[row], hops[row], sites[row])
            latency[row] = path_sum(edges[row], hops[row], latency_ms)
        total, first, second = _cheapest_listed_pair(
            group_bits, tried, count, edges, hops, weights, sites, latency, best, max_latency1_ms,
            max_latency2_ms, node_disjoint, edge_blocked, node_blocked,
        )  # fmt: skip
        if total < best:
            best, hops1, hops2 = total, hops[first], hops[second]
            _copy_row(edges[first], hops1, pair[0])
            _copy_row(edges[second], hops2, pair[1])
        if count < k:
            return 2 if hops1 >= 0 else 3, pair[0], hops1, pair[1], hops2, best
        for row in range(tried, k):
            if best <= weights[row] + max(weights[k - 1], apart):
                return 2, pair[0], hops1, pair[1], hops2, best
            if row == 0:
                apart, labels = _apart(
                    graph, weight, group_bits, to_go, source, target, edges[0], hops[0], sites[0],
                    node_disjoint, best - weights[0], edge_blocked, node_blocked, desk[6], labels,
                )  # fmt: skip
                if apart == np.inf:
                    return 2 if hops1 >= 0 else 3, pair[0], hops1, pair[1], hops2, best
            partner_ms = _partner_bound(latency[row], max_latency1_ms, max_latency2_ms)
            if partner_ms < 0.0:
                continue
            _block_around(
                group_bits, edges[row], hops[row], sites[row], node_disjoint, edge_blocked, node_blocked
            )
            if _is_cut_off(cuts, edge_blocked, node_blocked):
                continue
            label, labels = _search_within(
                graph, weight, latency_ms, to_go, edge_blocked, node_blocked, source, 0.0, target,
                best - weights[row], partner_ms, n, desk[6], labels,
            )  # fmt: skip
            is_better = label >= 0 and weights[row] + labels[1][label, _WEIGHT] < best
            limit = labels[1][label, _WEIGHT] if is_better else best - weights[row]
            _note_cut(graph, weight, to_go, source, limit, edge_blocked, node_blocked, desk[6], labels, cuts)
            if not is_better:
                continue
            best = weights[row] + labels[1][label, _WEIGHT]
            in_order = latency[row] <= max_latency1_ms and labels[1][label, _LATENCY] <= max_latency2_ms
            listed, partner = (0, 1) if in_order else (1, 0)
            partner_hops = labels[0][label, _HOPS]
            _copy_row(edges[row], hops[row], pair[listed])
            _trace(labels[0], label, pair[partner, :partner_hops])
            _copy_row(pair[partner], partner_hops, pair[partner])
            hops1, hops2 = (hops[row], partner_hops) if in_order else (partner_hops, hops[row])
        if best <= weights[k - 1] + max(weights[k - 1], apart):
            return 2, pair[0], hops1, pair[1], hops2, best
        if k >= _MOST_LISTED:
            return 0 if hops1 < 0 else 1, pair[0], hops1, pair[1], hops2, best
        tried, k = k, min(4 * k, _MOST_LISTED)


@lean
def _copy_row(row: IntArray, hops: int, to: IntArray) -> None:
    """Copy a path and pad it with -1."""
    for at in range(to.shape[0]):
        to[at] = row[at] if at < hops else -1


@kernel
def _apart(
    graph: Graph, weight: FloatArray, group_bits: BitArray, to_go: FloatArray, source: int, target: int,
    row: IntArray, hops: int, sites: IntArray, node_disjoint: bool, limit: float, edge_blocked: BoolArray,
    node_blocked: BoolArray, newest: IntArray, labels: Labels,
) -> tuple[float, Labels]:  # fmt: skip
    """Weight that one path of every disjoint pair has at least; ``inf`` if that is more than ``limit``.

    Of two paths that share no risk at least one is without a certain one. So the heaviest of the shortest
    paths without one of the fibers, groups or (if that matters) sites of a given path is such a weight.
    """
    union = np.zeros(group_bits.shape[1], np.uint64)
    for at in range(hops):
        for word in range(union.shape[0]):
            union[word] |= group_bits[row[at], word]
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
