"""Shortest paths, k shortest simple paths and bounded paths on a multigraph of sites and fibers.

The undirected multigraph is given in CSR form, each fiber as two arcs sorted by (tail, head, fiber):

- ``first_arc`` int64[n + 1]: the arcs leaving site ``v`` are ``first_arc[v]`` to ``first_arc[v + 1] - 1``;
- ``head`` int64[2 m]: the site that an arc leads to;
- ``arc_edge`` int64[2 m]: the fiber of an arc; parallel fibers differ only in it.

Weights are one non-negative float64 per fiber; ``+inf`` marks a fiber that must not be used. A path's
weight is the sum from its source to its target in that order. Comparisons are exact, hence ties are
recognised with certainty when all sums are exact (integers, say); otherwise up to rounding.
"""

import numpy as np

from ._arrays import BitArray, BoolArray, FloatArray, IntArray
from ._bucket_tree import _HOPS_TO, _bucket_width, _shortest_tree
from ._jit import kernel, lean
from ._k_shortest import (
    _LISTED,
    _append,
    _begin,
    _fibers_listed,
    _go_on,
    _k_shortest,
    _new_desk,
    _new_parts,
    _tree_order,
)
from ._labels import (
    _HOPS,
    _LATENCY,
    _SLACK,
    _TO_GO_WEIGHT,
    _WEIGHT,
    _bounds_to_go,
    _new_labels,
    _search,
    _search_plain,
    _search_within,
    _trace,
)
from ._path_pool import _listed
from ._rows import _copy, _sum_along
from ._shared_risk import (
    _MOST_LISTED,
    _ROOM_FOR_CUTS,
    _apart,
    _block_around,
    _cheapest_listed_pair,
    _copy_row,
    _describe_listed,
    _is_cut_off,
    _note_cut,
    _partner_bound,
)


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
    dist, parent_edge = np.empty(n), np.empty(n, np.int64)
    _shortest_tree(
        (first_arc, head, arc_edge), weight, root, _bucket_width(weight), dist, parent_edge,
        np.empty((3, n), np.int64), np.empty((3, n), np.int64),
    )  # fmt: skip
    return dist, parent_edge


@kernel
def shortest_trees(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, roots: IntArray
) -> tuple[FloatArray, IntArray]:
    """`shortest_tree` from many sites.

    Parameters
    ----------
    first_arc, head, arc_edge, weight
        As for `shortest_tree`.
    roots : int64[r]
        The sites to start from.

    Returns
    -------
    dist : float64[r, n]
        Weights of the shortest paths from each root.
    parent_edge : int64[r, n]
        Their last fibers.
    """
    n = first_arc.shape[0] - 1
    dist, parent_edge = np.empty((roots.shape[0], n)), np.empty((roots.shape[0], n), np.int64)
    buckets, tree, queue = _bucket_width(weight), np.empty((3, n), np.int64), np.empty((3, n), np.int64)
    for row in range(roots.shape[0]):
        _shortest_tree(
            (first_arc, head, arc_edge), weight, roots[row], buckets, dist[row], parent_edge[row], tree, queue
        )
    return dist, parent_edge


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
    count, _ = _k_shortest(
        graph, weight, to_go, tree, source, target, max_weight, max_hops, desk,
        _new_labels(n + head.shape[0] + 1), _new_parts(),
    )  # fmt: skip
    edges, hops, weights = _listed(desk[0], count)
    return count, edges, hops, weights


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
    room = 0
    for at in range(n_sources):
        room += tree[_HOPS_TO, sources[at]] + 2  # a guess: the other paths are a little longer
    edges = np.empty(k * room, np.int64)
    labels, open_parts = _new_labels(n + head.shape[0] + 1), _new_parts()
    used = 0
    for at in _tree_order(tree, sources):  # no array is named in here as a rule: references would be counted
        need = _begin(
            graph, weight, to_go, tree, sources[at], target, max_weight, max_hops, desk, labels, open_parts
        )
        if need != _LISTED:
            labels, open_parts = _go_on(
                need, graph, weight, to_go, tree, sources[at], target, max_weight, max_hops, desk, labels,
                open_parts,
            )  # fmt: skip
        end = used + _fibers_listed(desk)
        if end > edges.shape[0]:
            more = np.empty(2 * end, np.int64)
            _copy(edges[:used], more)
            edges = more
        used = _append(desk, at, used, count, first, hops, weights, edges)
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
    return _sum_along(value_per_edge, edges_row, hops)


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
    union, labels = np.empty(group_bits.shape[1], np.uint64), _new_labels(n + head.shape[0] + 1)
    cuts = np.empty(_ROOM_FOR_CUTS, np.int64), np.zeros(_MOST_LISTED + 2, np.int64)
    hops1, hops2, best, tried, apart = -1, -1, np.inf, 0, 0.0
    while True:
        desk = _new_desk(k, n, weight.shape[0])
        count, labels = _k_shortest(
            graph, weight, to_go, tree, source, target, np.inf, n, desk, labels, _new_parts()
        )
        edges, hops, weights = _listed(desk[0], count)
        sites = np.empty((k, n), np.int64)
        latency = np.empty(k)
        _describe_listed(graph, source, latency_ms, count, edges, hops, sites, latency)
        total, first, second = _cheapest_listed_pair(
            group_bits, tried, count, edges, hops, weights, sites, latency, best, max_latency1_ms,
            max_latency2_ms, node_disjoint, union, edge_blocked, node_blocked,
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
                    graph, weight, group_bits, to_go, source, target, count, edges, hops, sites, weights,
                    node_disjoint, best - weights[0], union, edge_blocked, node_blocked, desk[6], labels,
                )  # fmt: skip
                if apart == np.inf:
                    return 2 if hops1 >= 0 else 3, pair[0], hops1, pair[1], hops2, best
            partner_ms = _partner_bound(latency[row], max_latency1_ms, max_latency2_ms)
            if partner_ms < 0.0:
                continue
            _block_around(
                group_bits, edges[row], hops[row], sites[row], node_disjoint, union, edge_blocked,
                node_blocked,
            )  # fmt: skip
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
