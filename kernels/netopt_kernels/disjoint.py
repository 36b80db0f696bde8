"""Minimum-weight pairs of disjoint paths on the multigraph of sites and fibers.

Graph arrays as in ``paths``: CSR ``first_arc`` int64[n + 1], ``head`` int64[2 m], ``arc_edge`` int64[2 m],
each fiber being two arcs. For pairs that must avoid general shared-risk groups: ``paths.srlg_disjoint_pair``.
"""

import numpy as np

from ._arrays import FloatArray, IntArray
from ._bucket_tree import _EDGE_TO, _bucket_width, _grow_tree
from ._jit import kernel, lean
from ._one_to_all import _link_up, _number, _second_search, _write_pair
from ._one_to_one import _augmenting_path, _first_path, _walk
from ._rows import _sum_along

# Beside distances that large, weights could vanish in sums: a pair could get loops.
_DELICATE = 1e-9


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
    weight1, weight2 = _sum_along(weight, row1, hops1), _sum_along(weight, row2, hops2)
    if _in_order(row1, hops1, weight1, row2, hops2, weight2):
        return True, row1, hops1, row2, hops2, weight1 + weight2
    return True, row2, hops2, row1, hops1, weight2 + weight1


@kernel
def _one_by_one(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int,
    total: FloatArray, first: IntArray, hops: IntArray,
) -> IntArray:  # fmt: skip
    """The results of `disjoint_pairs` by a search per target; returns the fibers."""
    n = first_arc.shape[0] - 1
    edges, used = np.empty(4 * n, np.int64), 0
    for target in range(n):
        found, row1, hops1, row2, hops2, total[target] = disjoint_pair(
            first_arc, head, arc_edge, weight, source, target, source < 0
        )  # sites may be shared; a literal False would compile a second version
        if not found:
            continue
        if used + 2 * n > edges.shape[0]:
            edges = _more_room(edges, used)
        for at in range(hops1):
            edges[used + at] = row1[at]
        for at in range(hops2):
            edges[used + hops1 + at] = row2[at]
        first[target, 0], first[target, 1] = used, used + hops1
        hops[target, 0], hops[target, 1] = hops1, hops2
        used += hops1 + hops2
    return edges[:used]


@kernel
def _more_room(edges: IntArray, used: int) -> IntArray:
    """Twice the room, with what is there."""
    more = np.empty(2 * edges.shape[0], np.int64)
    for at in range(used):
        more[at] = edges[at]
    return more


@lean
def _write_pairs(
    weight: FloatArray, dist: FloatArray, numbered: IntArray, reached: IntArray, sequence: IntArray, nth: int,
    done: int, where: IntArray, sums: FloatArray, edges: IntArray, used: int, total: FloatArray,
    first: IntArray, hops: IntArray,
) -> tuple[int, int]:  # fmt: skip
    """Write the pairs of the sites in ``sequence`` from the ``nth`` on, as long as there is room for sure.

    Returns the next one to write, and the end of ``edges``.
    """
    while nth < done and used + 2 * dist.shape[0] <= edges.shape[0]:
        at = sequence[nth]
        node = numbered[0, at]
        end = _write_pair(weight, dist, numbered, reached, at, where, sums, edges, used)
        weight1, weight2, middle = sums[at, 0], sums[at, 1], where[at, 2]
        in_order = weight1 < weight2
        if weight1 == weight2:
            in_order = _in_order(
                edges[used:middle], middle - used, weight1, edges[middle:end], end - middle, weight2
            )
        one, other = (0, 1) if in_order else (1, 0)
        total[node] = weight1 + weight2
        first[node, one], first[node, other] = used, middle
        hops[node, one], hops[node, other] = middle - used, end - middle
        nth, used = nth + 1, end
    return nth, used


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
    total, hops, first = np.full(n, np.inf), np.full((n, 2), -1, np.int64), np.zeros((n, 2), np.int64)
    total[source] = 0.0
    hops[source, 0] = hops[source, 1] = 0
    dist, tree, place = np.empty(n), np.empty((3, n), np.int64), np.empty(n, np.int64)
    queue = np.empty((3, n), np.int64)
    _grow_tree((first_arc, head, arc_edge), weight, source, _bucket_width(weight), dist, tree, queue)
    least, farthest = np.inf, 0.0
    for edge in range(weight.shape[0]):
        least = min(least, weight[edge])
    for node in range(n):
        if dist[node] < np.inf:
            farthest = max(farthest, dist[node])
    if least <= _DELICATE * farthest:
        edges = _one_by_one(first_arc, head, arc_edge, weight, source, total, first, hops)
        return total, first, hops, edges
    numbered, reached, sequence = (
        np.empty((5, n), np.int64),
        np.empty((3, n), np.int64),
        np.empty(n, np.int64),
    )
    count = _number(tree, source, place, numbered)
    start, links, costs = (
        np.empty(n + 1, np.int64),
        np.empty((2, head.shape[0]), np.int64),
        np.empty((2, head.shape[0])),
    )
    _link_up(
        first_arc, head, arc_edge, weight, dist, tree[_EDGE_TO], place, numbered, count, start, links, costs
    )
    done = _second_search(numbered, count, start, links, costs, reached, sequence)
    where, sums = np.zeros((n, 7), np.int64), np.zeros((n, 2))
    where[0, 6] = 1
    room = 2 * n
    for at in range(count):
        room += 3 * numbered[4, at]  # a guess: the second path is up to twice as long
    edges, used = np.empty(room, np.int64), 0
    nth = 1
    while nth < done:
        nth, used = _write_pairs(
            weight, dist, numbered, reached, sequence, nth, done, where, sums, edges, used, total, first, hops
        )
        if nth < done:
            edges = _more_room(edges, used)
    return total, first, hops, edges[:used]
