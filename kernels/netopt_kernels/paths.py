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

from netopt_kernels._jit import kernel

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BitArray = npt.NDArray[np.uint64]
Graph = tuple[IntArray, IntArray, IntArray]  # first_arc, head, arc_edge
Labels = tuple[IntArray, FloatArray, FloatArray, IntArray]  # integers, floats, heap keys, heap items
Pool = tuple[IntArray, IntArray, IntArray, FloatArray, IntArray, IntArray]  # see _new_pool

# Columns of a label: integers (_NEXT chains the labels of one site) and floats.
_NODE, _EDGE, _PREV, _HOPS, _NEXT, _DEAD = 0, 1, 2, 3, 4, 5
_WEIGHT, _LATENCY = 0, 1
# Rows of the lower bounds on what is left to the target.
_TO_GO_WEIGHT, _TO_GO_LATENCY, _TO_GO_HOPS = 0, 1, 2
# A bound added from both ends rounds differently from the sum along the path, so bounds cut
# with this slack; the path itself is then checked exactly.
_SLACK = 1.0 + 1e-12


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
def shortest_tree(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, root: int
) -> tuple[FloatArray, IntArray]:
    """Shortest-path tree from one site (Dijkstra 1959, binary heap with lazy deletion).

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
        from sites settled earlier, the smallest index wins.

    Examples
    --------
    Two sites joined by two parallel fibers:

    >>> first_arc, head = np.array([0, 2, 4]), np.array([1, 1, 0, 0])
    >>> dist, parent = shortest_tree(first_arc, head, np.array([0, 1, 0, 1]), np.array([5.0, 3.0]), 0)
    >>> dist.tolist(), parent.tolist()
    ([0.0, 3.0], [-1, 1])
    """
    nodes = first_arc.shape[0] - 1
    dist = np.full(nodes, np.inf)
    parent_edge = np.full(nodes, -1, np.int64)
    settled = np.zeros(nodes, np.bool_)
    keys = np.empty(head.shape[0] + 1, np.float64)
    items = np.empty(head.shape[0] + 1, np.int64)
    dist[root] = 0.0
    size = _push(keys, items, 0, 0.0, root)
    while size > 0:
        node = items[0]
        size = _drop_first(keys, items, size)
        if settled[node]:
            continue
        settled[node] = True
        here = dist[node]
        for arc in range(first_arc[node], first_arc[node + 1]):
            other = head[arc]
            edge = arc_edge[arc]
            reached = here + weight[edge]
            if settled[other] or reached == np.inf:
                continue
            if reached < dist[other]:
                dist[other] = reached
                parent_edge[other] = edge
                size = _push(keys, items, size, reached, other)
            elif reached == dist[other] and edge < parent_edge[other]:
                parent_edge[other] = edge
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
    more = _new_labels(2 * used)
    more[0][:used] = ints
    more[1][:used] = floats
    more[2][:used] = keys
    more[3][:used] = items
    return more


@kernel
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


@kernel
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


@kernel
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
    by_hops = max_hops < newest.shape[0] - 1
    newest[:] = -1
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


@kernel
def _search_within(
    graph: Graph, weight: FloatArray, latency: FloatArray, to_go: FloatArray, edge_blocked: BoolArray,
    node_blocked: BoolArray, source: int, start_weight: float, target: int, max_weight: float,
    max_latency: float, max_hops: int, newest: IntArray, labels: Labels,
) -> tuple[int, Labels]:  # fmt: skip
    """Search with one label per site; with the bounds in the dominance only if that result breaks them."""
    label, labels = _search(
        graph, weight, latency, to_go, edge_blocked, node_blocked, source, start_weight, target,
        max_weight, np.inf, newest.shape[0], newest, labels,
    )  # fmt: skip
    if label >= 0 and (labels[0][label, _HOPS] > max_hops or labels[1][label, _LATENCY] > max_latency):
        label, labels = _search(
            graph, weight, latency, to_go, edge_blocked, node_blocked, source, start_weight, target,
            max_weight, max_latency, max_hops, newest, labels,
        )  # fmt: skip
    return label, labels


@kernel
def _new_pool(k: int, nodes: int) -> Pool:
    """Room for k paths: edges[k, n], nodes[k, n], hops[k], weights[k], deviation[k]; order[k] ranks the rows.

    ``deviation`` is the position at which a path left the path that it was found from.
    """
    return (
        np.empty((k, nodes), np.int64),
        np.empty((k, nodes), np.int64),
        np.empty(k, np.int64),
        np.empty(k, np.float64),
        np.empty(k, np.int64),
        np.empty(k, np.int64),
    )


@kernel
def _precedes(weight: float, row: IntArray, pool: Pool, slot: int) -> bool:
    """Whether a path comes before the one in ``slot`` by (weight, hops, fiber sequence)."""
    edges, _, hops, weights, _, _ = pool
    if weight != weights[slot]:
        return bool(weight < weights[slot])
    if row.shape[0] != hops[slot]:
        return bool(row.shape[0] < hops[slot])
    for at in range(row.shape[0]):
        if row[at] != edges[slot, at]:
            return bool(row[at] < edges[slot, at])
    return False


@kernel
def _insert(pool: Pool, done: int, size: int, parent: int, spur: int, label: int, labels: Labels) -> int:
    """Rank the first ``spur`` fibers of ``parent`` + the labelled path among the candidates.

    Ranks below ``done`` are final. Only k paths are kept: one with k smaller ones is never needed, nor is
    anything found from it. Returns the number of paths kept.
    """
    edges, nodes, hops, weights, deviation, order = pool
    ints, floats = labels[0], labels[1]
    k = order.shape[0]
    weight = floats[label, _WEIGHT]
    length = spur + ints[label, _HOPS]
    row = np.empty(length, np.int64)
    row[:spur] = edges[parent, :spur]
    _trace(ints, label, row)
    rank = size
    while rank > done and _precedes(weight, row, pool, order[rank - 1]):
        rank -= 1
    if rank == k:
        return size
    slot = order[k - 1] if size == k else size
    for at in range(min(size, k - 1), rank, -1):
        order[at] = order[at - 1]
    order[rank] = slot
    edges[slot, :length] = row
    nodes[slot, :spur] = nodes[parent, :spur]
    for at in range(length, spur - 1, -1):
        nodes[slot, at] = ints[label, _NODE]
        label = ints[label, _PREV]
    hops[slot] = length
    weights[slot] = weight
    deviation[slot] = spur
    return int(min(size + 1, k))


@kernel
def _trace(ints: IntArray, label: int, row: IntArray) -> None:
    """Write the fibers of a labelled path to the end of ``row``."""
    at = row.shape[0]
    while ints[label, _PREV] >= 0:
        at -= 1
        row[at] = ints[label, _EDGE]
        label = ints[label, _PREV]


@kernel
def _branch(
    graph: Graph, weight: FloatArray, to_go: FloatArray, target: int, max_weight: float, max_hops: int,
    pool: Pool, done: int, size: int, edge_blocked: BoolArray, node_blocked: BoolArray, newest: IntArray,
    labels: Labels,
) -> tuple[int, Labels]:  # fmt: skip
    """Find the best path of every part into which the last final path splits its set (Yen 1971; Lawler 1972).

    Part ``spur`` shares that path's first ``spur`` fibers and then leaves all final paths. Positions before
    the deviation were split earlier (Lawler's rule). Both masks come in, and go out, all False.
    """
    edges, nodes, hops, weights, deviation, order = pool
    k = order.shape[0]
    path = order[done - 1]
    shared = np.empty(done, np.int64)  # fibers that each final path has in common with this one at the start
    for rank in range(done):
        other, at = order[rank], 0
        while at < min(hops[path], hops[other]) and edges[path, at] == edges[other, at]:
            at += 1
        shared[rank] = at
    prefix_weight = 0.0
    for spur in range(hops[path]):
        node_blocked[nodes[path, spur]] = True
        if spur >= deviation[path]:
            for rank in range(done):
                if shared[rank] >= spur:
                    edge_blocked[edges[order[rank], spur]] = True
            limit = weights[order[k - 1]] if size == k else max_weight
            label, labels = _search_within(  # without a latency bound any array does as latency
                graph, weight, weight, to_go, edge_blocked, node_blocked, nodes[path, spur],
                prefix_weight, target, limit, np.inf, max_hops - spur, newest, labels,
            )  # fmt: skip
            if label >= 0:
                size = _insert(pool, done, size, path, spur, label, labels)
            for rank in range(done):
                if shared[rank] >= spur:
                    edge_blocked[edges[order[rank], spur]] = False
        prefix_weight += weight[edges[path, spur]]
    for at in range(hops[path]):
        node_blocked[nodes[path, at]] = False
    return size, labels


@kernel
def _bounds_to_go(
    graph: Graph, weight: FloatArray, latency: FloatArray, target: int, by_latency: bool, by_hops: bool
) -> FloatArray:
    """Least weight, latency, hops from every site to ``target`` over usable fibers: float64[3, n].

    Rows that no bound needs stay zero.
    """
    first_arc, head, arc_edge = graph
    to_go = np.zeros((3, first_arc.shape[0] - 1))
    to_go[_TO_GO_WEIGHT] = shortest_tree(first_arc, head, arc_edge, weight, target)[0]
    if by_latency:
        cost = np.where(weight < np.inf, latency, np.inf)
        to_go[_TO_GO_LATENCY] = shortest_tree(first_arc, head, arc_edge, cost, target)[0]
    if by_hops:
        cost = np.where(weight < np.inf, 1.0, np.inf)
        to_go[_TO_GO_HOPS] = shortest_tree(first_arc, head, arc_edge, cost, target)[0]
    return to_go


@kernel
def _k_shortest(
    graph: Graph, weight: FloatArray, to_go: FloatArray, source: int, target: int, max_weight: float,
    max_hops: int, edges: IntArray, hops: IntArray, weights: FloatArray,
) -> int:  # fmt: skip
    """Write the k shortest paths to ``edges[k, n]``, ``hops[k]``, ``weights[k]``; return their number."""
    k, n = edges.shape
    edges[:] = -1
    hops[:] = -1
    weights[:] = np.inf
    pool = _new_pool(k, n)
    labels = _new_labels(4 * n + 16)
    newest = np.empty(n, np.int64)
    edge_blocked = np.zeros(weight.shape[0], np.bool_)
    node_blocked = np.zeros(n, np.bool_)
    label, labels = _search_within(
        graph, weight, weight, to_go, edge_blocked, node_blocked, source, 0.0, target,
        max_weight, np.inf, max_hops, newest, labels,
    )  # fmt: skip
    size = _insert(pool, 0, 0, 0, 0, label, labels) if label >= 0 else 0
    done = 0
    while done < size:
        done += 1
        if done < k:
            size, labels = _branch(
                graph, weight, to_go, target, max_weight, max_hops, pool, done, size,
                edge_blocked, node_blocked, newest, labels,
            )  # fmt: skip
    for rank in range(done):
        slot = pool[5][rank]
        hops[rank] = pool[2][slot]
        weights[rank] = pool[3][slot]
        edges[rank, : hops[rank]] = pool[0][slot, : hops[rank]]
    return done


@kernel
def _to_go_without_latency(graph: Graph, weight: FloatArray, target: int, max_hops: int) -> FloatArray:
    """Lower bounds for a search by weight and, only where it can bind, by hops: float64[3, n]."""
    first_arc, head, arc_edge = graph
    n = first_arc.shape[0] - 1
    to_go = np.zeros((3, n))
    to_go[_TO_GO_WEIGHT] = shortest_tree(first_arc, head, arc_edge, weight, target)[0]
    if max_hops < n - 1:
        hop = np.where(weight < np.inf, 1.0, np.inf)
        to_go[_TO_GO_HOPS] = shortest_tree(first_arc, head, arc_edge, hop, target)[0]
    return to_go


@kernel
def k_shortest_paths(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int, target: int,
    k: int, max_weight: float, max_hops: int,
) -> tuple[int, IntArray, IntArray, FloatArray]:  # fmt: skip
    """Find the k shortest simple paths between two sites of a multigraph.

    Yen (1971) with the partition rule of Lawler (1972), each part searched by A* towards the target with
    the distances of one reverse shortest-path tree, and cut at the k-th best weight known.
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
    edges : int64[k, n]
        Fibers of each path from ``source`` to ``target``, padded with -1.
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
    (2, [[1, -1], [0, -1], [-1, -1]], [3.0, 5.0, inf])
    """
    graph = (first_arc, head, arc_edge)
    n = first_arc.shape[0] - 1
    edges = np.empty((k, n), np.int64)
    hops = np.empty(k, np.int64)
    weights = np.empty(k, np.float64)
    to_go = _bounds_to_go(graph, weight, weight, target, False, max_hops < n - 1)
    count = _k_shortest(graph, weight, to_go, source, target, max_weight, max_hops, edges, hops, weights)
    return count, edges, hops, weights


@kernel
def k_shortest_paths_batch(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, sources: IntArray,
    target: int, k: int, max_weight: float, max_hops: int,
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:  # fmt: skip
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
    edges : int64[s, k, n]
    hops : int64[s, k]
    weights : float64[s, k]
        One row per source, each as in `k_shortest_paths`.
    """
    graph = (first_arc, head, arc_edge)
    n = first_arc.shape[0] - 1
    count = np.empty(sources.shape[0], np.int64)
    edges = np.empty((sources.shape[0], k, n), np.int64)
    hops = np.empty((sources.shape[0], k), np.int64)
    weights = np.empty((sources.shape[0], k), np.float64)
    to_go = _bounds_to_go(graph, weight, weight, target, False, max_hops < n - 1)
    for row in range(sources.shape[0]):
        count[row] = _k_shortest(
            graph, weight, to_go, sources[row], target, max_weight, max_hops,
            edges[row], hops[row], weights[row],
        )  # fmt: skip
    return count, edges, hops, weights


@kernel
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
    usable = np.where(edge_blocked, np.inf, weight)
    for node in range(n):
        if node_blocked[node]:
            usable[arc_edge[first_arc[node] : first_arc[node + 1]]] = np.inf
    labels = _new_labels(4 * n + 16)
    newest = np.empty(n, np.int64)
    to_go = _bounds_to_go(graph, usable, latency_ms, target, False, False)
    label, labels = _search(  # the tree gives the least weight: nothing above it needs a label
        graph, usable, latency_ms, to_go, edge_blocked, node_blocked, source, 0.0, target,
        to_go[_TO_GO_WEIGHT, source] * _SLACK, np.inf, n, newest, labels,
    )  # fmt: skip
    if label >= 0 and (labels[0][label, _HOPS] > max_hops or labels[1][label, _LATENCY] > max_latency_ms):
        to_go = _bounds_to_go(graph, usable, latency_ms, target, True, True)
        label, labels = _search(
            graph, usable, latency_ms, to_go, edge_blocked, node_blocked, source, 0.0, target,
            np.inf, max_latency_ms, max_hops, newest, labels,
        )  # fmt: skip
    if label < 0:
        return -1, edges, np.inf, np.inf
    hops = labels[0][label, _HOPS]
    _trace(labels[0], label, edges[:hops])
    return hops, edges, labels[1][label, _WEIGHT], labels[1][label, _LATENCY]


@kernel
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


@kernel
def _avoids(
    row: IntArray, hops: int, sites: IntArray, edge_blocked: BoolArray, node_blocked: BoolArray
) -> bool:
    """Whether a path uses no blocked fiber and no blocked site."""
    clear = True
    for at in range(hops):
        clear = clear and not edge_blocked[row[at]] and not node_blocked[sites[at]]
    return clear


@kernel
def _cheapest_listed_pair(
    group_bits: BitArray, count: int, edges: IntArray, hops: IntArray, weights: FloatArray, sites: IntArray,
    latency: FloatArray, max_latency1: float, max_latency2: float, node_disjoint: bool,
    edge_blocked: BoolArray, node_blocked: BoolArray,
) -> tuple[float, int, int]:  # fmt: skip
    """Cheapest disjoint pair among listed paths: its total and rows (first, second), or ``inf``, -1, -1."""
    best, first, second = np.inf, -1, -1
    for i in range(count):
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
    2. For i = 1, 2, ...: the lightest partner of path i among *all* paths (label setting).

    Before step i every pair inside the list and every pair with one of paths 1 to i - 1 is accounted for.
    Any other pair has a path outside the list, of weight >= w_k, and its other path is i or later,
    of weight >= w_i. So a pair of total <= w_i + w_k is optimal, and after step k one of total <= 2 w_k.
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
        Number of shortest paths to list, at least 1.
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
    edges, hops, weights = np.empty((k, n), np.int64), np.empty(k, np.int64), np.empty(k)
    to_go = _bounds_to_go(graph, weight, latency_ms, target, True, False)
    count = _k_shortest(graph, weight, to_go, source, target, np.inf, n, edges, hops, weights)
    sites = np.empty((k, n), np.int64)
    latency = np.empty(k)
    for row in range(count):
        _sites_of(graph, source, edges[row], hops[row], sites[row])
        latency[row] = path_sum(edges[row], hops[row], latency_ms)
    edge_blocked, node_blocked = np.empty(weight.shape[0], np.bool_), np.empty(n, np.bool_)
    best, first, second = _cheapest_listed_pair(
        group_bits, count, edges, hops, weights, sites, latency, max_latency1_ms, max_latency2_ms,
        node_disjoint, edge_blocked, node_blocked,
    )  # fmt: skip
    hops1, hops2 = -1, -1
    if first >= 0:
        pair[0], pair[1], hops1, hops2 = edges[first], edges[second], hops[first], hops[second]
    if count < k:
        return 2 if first >= 0 else 3, pair[0], hops1, pair[1], hops2, best
    labels = _new_labels(4 * n + 16)
    newest = np.empty(n, np.int64)
    for row in range(k):
        if best <= weights[row] + weights[k - 1]:
            return 2, pair[0], hops1, pair[1], hops2, best
        partner_ms = _partner_bound(latency[row], max_latency1_ms, max_latency2_ms)
        if partner_ms < 0.0:
            continue
        _block_around(
            group_bits, edges[row], hops[row], sites[row], node_disjoint, edge_blocked, node_blocked
        )
        label, labels = _search_within(
            graph, weight, latency_ms, to_go, edge_blocked, node_blocked, source, 0.0, target,
            best - weights[row], partner_ms, n, newest, labels,
        )  # fmt: skip
        if label < 0 or weights[row] + labels[1][label, _WEIGHT] >= best:
            continue
        best = weights[row] + labels[1][label, _WEIGHT]
        in_order = latency[row] <= max_latency1_ms and labels[1][label, _LATENCY] <= max_latency2_ms
        listed, partner = (0, 1) if in_order else (1, 0)
        pair[:] = -1
        pair[listed] = edges[row]
        partner_hops = labels[0][label, _HOPS]
        _trace(labels[0], label, pair[partner, :partner_hops])
        hops1, hops2 = (hops[row], partner_hops) if in_order else (partner_hops, hops[row])
    status = 0 if hops1 < 0 else (2 if best <= 2.0 * weights[k - 1] else 1)
    return status, pair[0], hops1, pair[1], hops2, best


@kernel
def _partner_bound(latency: float, max_latency1: float, max_latency2: float) -> float:
    """Latency bound on the partner of a path that takes whichever role leaves more room; -1 if none fits."""
    bound = -1.0
    if latency <= max_latency1:
        bound = max_latency2
    if latency <= max_latency2:
        bound = max(bound, max_latency1)
    return bound
