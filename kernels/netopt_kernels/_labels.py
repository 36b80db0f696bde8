"""Best-first search over labels: a label is a path from the source.

It is kept while no other label of its site is at least as good in everything that still matters.
"""

import numpy as np

from ._arrays import BoolArray, FloatArray, Graph, IntArray
from ._bucket_tree import _bucket_width, _grow_tree
from ._heap import _drop_first, _push
from ._jit import kernel, lean

Labels = tuple[IntArray, FloatArray, FloatArray, IntArray]  # integers, floats, heap keys, heap items

# Columns of a label: integers (_NEXT chains the labels of one site) and floats.
_NODE, _EDGE, _PREV, _HOPS, _NEXT, _DEAD = 0, 1, 2, 3, 4, 5
_WEIGHT, _LATENCY = 0, 1
# Rows of the lower bounds on what is left to the target.
_TO_GO_WEIGHT, _TO_GO_LATENCY, _TO_GO_HOPS = 0, 1, 2
# A bound added from both ends rounds differently from the sum along the path, so bounds cut
# with this slack; the path itself is then checked exactly.
_SLACK = 1.0 + 1e-12


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


@lean
def _trace(ints: IntArray, label: int, row: IntArray) -> None:
    """Write the fibers of a labelled path to the end of ``row``."""
    at = row.shape[0]
    while ints[label, _PREV] >= 0:
        at -= 1
        row[at] = ints[label, _EDGE]
        label = ints[label, _PREV]


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
    cost = np.empty(weight.shape[0] if by_latency or by_hops else 0)
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
