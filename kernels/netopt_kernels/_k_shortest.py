"""k shortest simple paths, by parts that are split an arc at a time: see `paths.k_shortest_paths`."""

import numpy as np

from ._arrays import BoolArray, FloatArray, Graph, IntArray
from ._bucket_tree import _EDGE_TO, _HOPS_TO, _NODE_TO
from ._jit import kernel, lean
from ._labels import _HOPS, _SLACK, _TO_GO_HOPS, _TO_GO_WEIGHT, Labels, _search_plain, _search_within
from ._path_pool import (
    _ARC,
    _FIXED,
    _ON_TREE,
    _PARENT,
    _PATH_HOPS,
    _WRITTEN,
    Pool,
    _add_up,
    _describe,
    _insert,
    _new_pool,
    _precedes,
    _sum_row,
    _take_found,
    _write_out,
)

Parts = tuple[FloatArray, IntArray]  # open parts: see _new_parts
Desk = tuple[Pool, IntArray, FloatArray, IntArray, BoolArray, BoolArray, IntArray]  # see _new_desk

# What a listing of paths remembers: final paths, all paths, open parts, the newest mark, the part to search.
_DONE, _SIZE, _OPEN, _STAMP, _PATH, _SPUR, _AT_ARC = 0, 1, 2, 3, 4, 5, 6
_LISTED, _NEEDS_ROOM, _NEEDS_SEARCH = 0, 1, 2


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
def _new_parts() -> Parts:
    """Room for open parts: lower bounds; path, position and arc."""
    return np.empty(64), np.empty((64, 3), np.int64)


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
            break
        path = order[done]
        _write_out(graph, tree, target, pool, path)
        if done + 1 < k:
            more = _arcs_along(graph[0], nodes, path, meta[path, _FIXED], meta[path, _PATH_HOPS])
            if state[_OPEN] + more > part_bound.shape[0]:
                return _NEEDS_ROOM
        state[_DONE] = done + 1
        if done + 1 == k:
            break
        state[_STAMP] += mark.shape[0] + 1
        _split(
            graph, weight, to_go, tree, target, max_weight, max_hops, pool, mark, second, state, open_parts
        )
    _add_up(graph, weight, tree, target, pool, state[_DONE])
    return _LISTED


@lean
def _begin(
    graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, source: int, target: int,
    max_weight: float, max_hops: int, desk: Desk, labels: Labels, open_parts: Parts,
) -> int:  # fmt: skip
    """Rank the tree's path and `_advance`; `_NEEDS_SEARCH` for the first path if that breaks the bounds."""
    pool, state = desk[0], desk[3]
    nodes, weights, slot = pool[0][1], pool[1], pool[2][0]
    state[_DONE], state[_SIZE], state[_OPEN] = 0, 0, 0
    if to_go[_TO_GO_WEIGHT, source] == np.inf:
        return _LISTED
    nodes[slot, 0] = source
    weights[slot] = _sum_from(weight, tree, target, source, 0.0)
    if weights[slot] > max_weight * _SLACK:
        return _LISTED
    hops = tree[_HOPS_TO, source]
    if hops > max_hops or weights[slot] > max_weight:
        state[_PATH], state[_SPUR], state[_AT_ARC] = -1, -1, -1
        return _NEEDS_SEARCH
    _describe(pool, slot, hops, 0, -1, -1, 0)
    state[_SIZE] = 1
    need: int = _advance(graph, weight, to_go, tree, target, max_weight, max_hops, desk, labels, open_parts)
    return need


@kernel
def _searched(
    graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, source: int, target: int,
    max_weight: float, max_hops: int, desk: Desk, labels: Labels,
) -> Labels:  # fmt: skip
    """Rank the best path of the part in ``state``, or of all (-1), with hops among the labels."""
    pool, _, _, state, edge_blocked, node_blocked, newest = desk
    nodes, order = pool[0][1], pool[2]
    path, spur, arc = state[_PATH], state[_SPUR], state[_AT_ARC]
    so_far, start = 0.0, source
    if arc >= 0:
        so_far, start = _sum_row(weight, pool[0][0], path, spur) + weight[graph[2][arc]], graph[1][arc]
    for at in range(spur + 1):
        node_blocked[nodes[path, at]] = True
    label, labels = _search_within(
        graph, weight, weight, to_go, edge_blocked, node_blocked, start, so_far, target, max_weight, np.inf,
        max_hops - spur - 1, newest, labels,
    )  # fmt: skip
    for at in range(spur + 1):
        node_blocked[nodes[path, at]] = False
    if label >= 0:
        _take_found(graph, pool, order[state[_SIZE]], path, spur, arc, label, labels)
        state[_SIZE] = _insert(graph, tree, target, pool, state[_DONE], state[_SIZE])
    return labels


@kernel
def _go_on(
    need: int, graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, source: int, target: int,
    max_weight: float, max_hops: int, desk: Desk, labels: Labels, open_parts: Parts,
) -> tuple[Labels, Parts]:  # fmt: skip
    """Do what `_begin` needs, until all paths are final; return the grown buffers."""
    while need != _LISTED:
        if need == _NEEDS_ROOM:
            open_parts = _more_parts(open_parts)
        else:
            labels = _searched(graph, weight, to_go, tree, source, target, max_weight, max_hops, desk, labels)
        need = _advance(graph, weight, to_go, tree, target, max_weight, max_hops, desk, labels, open_parts)
    return labels, open_parts


@kernel
def _k_shortest(
    graph: Graph, weight: FloatArray, to_go: FloatArray, tree: IntArray, source: int, target: int,
    max_weight: float, max_hops: int, desk: Desk, labels: Labels, open_parts: Parts,
) -> tuple[int, Labels]:  # fmt: skip
    """Rank the k shortest paths in the pool of the desk; return their number and the grown labels."""
    need = _begin(graph, weight, to_go, tree, source, target, max_weight, max_hops, desk, labels, open_parts)
    if need != _LISTED:
        labels, _ = _go_on(
            need, graph, weight, to_go, tree, source, target, max_weight, max_hops, desk, labels, open_parts
        )
    return desk[3][_DONE], labels


@lean
def _fibers_listed(desk: Desk) -> int:
    """Fibers of all final paths together."""
    meta, order, fibers = desk[0][0][2], desk[0][2], 0
    for rank in range(desk[3][_DONE]):
        fibers += meta[order[rank], _PATH_HOPS]
    return fibers


@lean
def _append(
    desk: Desk, at: int, used: int, count: IntArray, first: IntArray, hops: IntArray, weights: FloatArray,
    edges: IntArray,
) -> int:  # fmt: skip
    """Write the final paths to row ``at`` of the results, their fibers to ``edges``; return its new end."""
    (rows, _, meta), row_weights, order = desk[0]
    count[at] = desk[3][_DONE]
    for rank in range(count[at]):
        slot = order[rank]
        length = meta[slot, _PATH_HOPS]
        first[at, rank], hops[at, rank], weights[at, rank] = used, length, row_weights[slot]
        for hop in range(length):
            edges[used + hop] = rows[slot, hop]
        used += length
    return used


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
