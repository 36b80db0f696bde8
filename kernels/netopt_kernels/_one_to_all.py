"""Two disjoint paths from one site to each other one, over a tree whose subtrees are ranges of numbers."""

import numpy as np

from ._arrays import FloatArray, IntArray
from ._bucket_tree import _EDGE_TO, _NODE_TO
from ._heap import _drop_first, _push
from ._jit import kernel, lean

# Unsigned indices are not checked for counting from the end.
_ONE = np.uint64(1)


@kernel
def _number(tree: IntArray, source: int, place: IntArray, numbered: IntArray) -> int:
    """Number the sites of the tree so that every subtree is a range; return how many they are.

    ``place`` gets the number of a site. By number, rows of ``numbered``: the site, its last fiber, the number
    of the site before, sites in the subtree, fibers from the source.
    """
    last_fiber, before = tree[_EDGE_TO], tree[_NODE_TO]
    site, fiber, above, size, depth = numbered[0], numbered[1], numbered[2], numbered[3], numbered[4]
    n = before.shape[0]
    child, sibling = np.full(n, -1, np.int64), np.empty(n, np.int64)
    for node in range(n - 1, -1, -1):
        if before[node] >= 0:
            sibling[node] = child[before[node]]
            child[before[node]] = node
    node, count = source, 0
    while True:
        site[count], fiber[count], above[count], depth[count], place[node] = node, -1, -1, 0, count
        if node != source:
            up = place[before[node]]
            fiber[count], above[count], depth[count] = last_fiber[node], up, depth[up] + 1
        size[count] = 1
        count += 1
        if child[node] >= 0:
            node = child[node]
            continue
        while node != source and sibling[node] < 0:
            node = before[node]
            size[place[node]] = count - place[node]
        if node == source:
            return count
        node = sibling[node]


@lean
def _link_up(
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, dist: FloatArray,
    last_fiber: IntArray, place: IntArray, numbered: IntArray, count: int, start: IntArray, links: IntArray,
    costs: FloatArray,
) -> None:  # fmt: skip
    """List the arcs that a second path may take, by number: all but those that lead down the tree.

    Rows of ``links``: the number that an arc leads to, its fiber. Rows of ``costs``: its reduced weight, and
    that of the arc back.
    """
    site = numbered[0]
    to, fiber, out, back = links[0], links[1], costs[0], costs[1]
    used = 0
    for at in range(count):
        start[at] = used
        node = site[at]
        here = dist[node]
        for arc in range(first_arc[node], first_arc[node + 1]):
            at_arc = np.uint64(arc)
            edge, other = np.uint64(arc_edge[at_arc]), np.uint64(head[at_arc])
            length, there = weight[edge], dist[other]
            if length == np.inf or head[at_arc] == node or last_fiber[other] == arc_edge[at_arc]:
                continue
            slot = np.uint64(used)
            to[slot], fiber[slot] = place[other], edge
            # rounding can take a reduced weight below its true minimum of 0
            out[slot] = max(length + here - there, 0.0)
            back[slot] = np.inf if arc_edge[at_arc] == last_fiber[node] else max(length + there - here, 0.0)
            used += 1
    start[count] = used


@lean
def _part(
    at: int, component: int, components: int, size: IntArray, left: IntArray, above: IntArray,
    part_of: IntArray, members: IntArray,
) -> tuple[int, int]:  # fmt: skip
    """Take a site out of its component of the tree; list the sites that leave it with that.

    The largest part keeps the component's number. Returns the number of sites listed and of components.
    """
    below, top, up = left[at], -1, above[at]
    while up >= 0 and part_of[up] == component:
        left[up] -= below
        top = up
        up = above[up]
    largest, keeper = 0, -1
    if top >= 0:
        largest, keeper = left[top], top
    child, end = at + 1, at + size[at]
    while child < end:
        if part_of[child] == component and left[child] > largest:
            largest, keeper = left[child], child
        child += size[child]
    found = 0
    piece = at + 1 if top < 0 or top == keeper else top
    while piece < end:
        if piece != keeper and part_of[piece] == component:
            inner, stop = np.uint64(piece), np.uint64(piece + size[piece])
            while inner < stop:
                if part_of[inner] == component:
                    part_of[inner] = components
                    members[found] = inner
                    found += 1
                    inner += _ONE
                else:  # nothing below it is in the component either
                    inner += np.uint64(size[inner])
            components += 1
        piece = at + 1 if piece < at else piece + size[piece]
    return found, components


@kernel
def _second_search(
    numbered: IntArray, count: int, start: IntArray, links: IntArray, costs: FloatArray, reached: IntArray,
    sequence: IntArray,
) -> int:  # fmt: skip
    """How a second path gets to every site (Suurballe and Tarjan 1984), by number; how many it reaches.

    Labelling a site takes it out of its component of the tree. Every arc off the tree whose ends that parts,
    or that leaves the site itself, then reaches its head. The largest part keeps the component's number,
    so a site changes its number, and has its arcs looked at, at most log2 n times.

    Rows of ``reached``: the fiber by which, the site from which, the site labelled then. ``sequence`` gets
    the sites in the order of labelling.
    """
    site, above, size = numbered[0], numbered[2], numbered[3]
    last_fiber, last, labelled = reached[0], reached[1], reached[2]
    to, fiber, out, back = links[0], links[1], costs[0], costs[1]
    reduced, left, part_of = np.full(count, np.inf), size[:count].copy(), np.zeros(count, np.int64)
    members = np.empty(count, np.int64)
    # an arc is pushed at most once for each way across when its ends are parted: twice per arc
    keys, items = np.empty(2 * start[count] + 1), np.empty(2 * start[count] + 1, np.int64)
    reduced[0] = 0.0
    waiting, components, done = _push(keys, items, 0, 0.0, site[0] << 32), 1, 0
    while waiting > 0:
        at = items[0] & 0xFFFFFFFF
        waiting = _drop_first(keys, items, waiting)
        component = part_of[at]
        if component < 0:
            continue
        part_of[at] = -1
        sequence[done] = at
        done += 1
        here, fresh = reduced[at], components
        found, components = _part(at, component, components, size, left, above, part_of, members)
        members[found] = at
        for which in range(found + 1):
            inner = np.uint64(members[which])
            own = part_of[inner]
            for arc in range(start[inner], start[inner + _ONE]):
                link = np.uint64(arc)
                outer = np.uint64(to[link])
                other = part_of[outer]
                if other == own or (other != component and other < fresh):
                    continue
                value = here + out[link]
                if value < reduced[outer]:
                    reduced[outer] = value
                    last_fiber[outer], last[outer], labelled[outer] = fiber[link], inner, at
                    waiting = _push(keys, items, waiting, value, (site[outer] << 32) | to[link])
                value = here + back[link]
                if value < reduced[inner]:
                    reduced[inner] = value
                    last_fiber[inner], last[inner], labelled[inner] = fiber[link], outer, at
                    waiting = _push(keys, items, waiting, value, (site[inner] << 32) | members[which])
    return done


@lean
def _climb(edges: IntArray, end: int, at: int, top: int, numbered: IntArray) -> None:
    """Write the fibers of the tree from ``top`` down to ``at`` so that they end before ``end``."""
    fiber, above = numbered[1], numbered[2]
    site, to = np.uint64(at), np.uint64(end)
    while site != top:
        to -= _ONE
        edges[to] = fiber[site]
        site = np.uint64(above[site])


@lean
def _copy(edges: IntArray, begin: int, end: int, to: int) -> int:
    """Copy fibers within ``edges``; return where the copy ends."""
    source, target = edges[begin:end], edges[to : to + end - begin]
    for at in range(source.shape[0]):
        target[at] = source[at]
    return to + end - begin


@lean
def _sum(edges: IntArray, begin: int, end: int, weight: FloatArray, so_far: float) -> float:
    """Add the weights of fibers in their order."""
    for at in range(begin, end):
        so_far += weight[np.uint64(edges[np.uint64(at)])]
    return so_far


@lean
def _write_pair(
    weight: FloatArray, dist: FloatArray, numbered: IntArray, reached: IntArray, at: int, where: IntArray,
    sums: FloatArray, edges: IntArray, used: int,
) -> int:  # fmt: skip
    """Append the two paths to a site to ``edges``, made of those to the site labelled when it was reached.

    Suurballe and Tarjan walk both back: the first by the fiber that reached the site, the second by the tree,
    each on by the tree, except that the first to come to a labelled site leaves it by the fiber that reached
    it. ``cause`` being the site labelled then and ``last`` the one before the fiber, both walks join the pair
    of ``cause``: where ``cause`` is above their start in the tree there, else at ``apex``, from where the
    tree leads down to both. Where only the second comes to ``cause``, its paths change roles down from the
    last site that both visit.

    Columns of ``where``: start and fibers of both paths; fibers to that last site on both; whether the second
    path is the tree's. Returns the new end of ``edges``.
    """
    site, above, size, depth = numbered[0], numbered[2], numbered[3], numbered[4]
    last, cause = reached[1, at], reached[2, at]
    start1, hops1, start2, hops2 = where[cause, 0], where[cause, 1], where[cause, 2], where[cause, 3]
    meet1, meet2, is_tree = where[cause, 4], where[cause, 5], where[cause, 6]
    is_above, is_above_last = cause <= at < cause + size[cause], cause <= last < cause + size[cause]
    apex = cause if is_above and is_above_last else (last if is_above else at)
    while not apex <= cause < apex + size[apex]:
        apex = above[apex]
    kept = hops2 - (depth[cause] - depth[apex])
    if is_above_last:
        middle = _copy(edges, start1, start1 + hops1, used) + depth[last] - depth[cause]
        _climb(edges, middle, last, cause, numbered)
        edges[middle] = reached[0, at]
        middle += 1
        end = _copy(edges, start2, start2 + kept, middle) + depth[at] - depth[apex]
        _climb(edges, end, at, apex, numbered)
        sums[at, 0] = _sum(edges, used + hops1, middle, weight, sums[cause, 0])
        sums[at, 1] = dist[site[at]] if is_tree else _sum(edges, middle, end, weight, 0.0)
        if is_above:
            meet1, meet2 = hops1, hops2
    else:
        middle = _copy(edges, start1, start1 + meet1, used)
        middle = _copy(edges, start2 + meet2, start2 + kept, middle) + depth[last] - depth[apex]
        _climb(edges, middle, last, apex, numbered)
        edges[middle] = reached[0, at]
        middle += 1
        end = _copy(edges, start2, start2 + meet2, middle)
        end = _copy(edges, start1 + meet1, start1 + hops1, end) + depth[at] - depth[cause]
        _climb(edges, end, at, cause, numbered)
        is_apart = meet1 == 0 and meet2 == 0
        skip1 = kept if is_apart and is_tree else 0
        skip2 = hops1 if is_apart else 0
        from1 = dist[site[apex]] if is_apart and is_tree else 0.0
        sums[at, 0] = _sum(edges, used + skip1, middle, weight, from1)
        sums[at, 1] = _sum(edges, middle + skip2, end, weight, sums[cause, 0] if is_apart else 0.0)
        is_tree = 0
    where[at, 0], where[at, 1], where[at, 2], where[at, 3] = used, middle - used, middle, end - middle
    where[at, 4], where[at, 5], where[at, 6] = meet1, meet2, is_tree
    return int(end)
