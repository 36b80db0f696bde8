"""Minimum-weight pairs of disjoint paths on the multigraph of sites and fibers.

Graph arrays as in ``paths``: CSR ``first_arc`` int64[n + 1], ``head`` int64[2 m], ``arc_edge`` int64[2 m],
each fiber being two arcs. For pairs that must avoid general shared-risk groups: ``paths.srlg_disjoint_pair``.
"""

import numpy as np
import numpy.typing as npt

from netopt_kernels._jit import kernel, lean

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

# Rows of the tree from a source: last fiber, the site before.
_EDGE, _BEFORE = 0, 1
_BUCKETS_PER_MEAN = 4.0
# Unsigned indices are not checked for counting from the end.
_ONE = np.uint64(1)
_MOST_BUCKETS = 4096.0
# Beside distances that large, weights could vanish in sums: the tree could have loops, paths too.
_DELICATE = 1e-9


@lean
def _push(keys: FloatArray, items: IntArray, size: int, key: float, item: int) -> int:
    """Push onto a binary heap ordered by (key, item); return its new size."""
    at = np.uint64(size)
    while at > 0:
        up = (at - _ONE) >> _ONE
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
    end, at = np.uint64(size - 1), np.uint64(0)
    key, item = keys[end], items[end]
    while True:
        down = (at << _ONE) + _ONE
        if down >= end:
            break
        right = down + _ONE
        if right < end and (
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
    return size - 1


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
    first_arc: IntArray, head: IntArray, arc_edge: IntArray, weight: FloatArray, source: int,
    dist: FloatArray, tree: IntArray,
) -> None:  # fmt: skip
    """Shortest-path tree from the source: the last fiber to each site (or -1), the site before.

    Label correcting over buckets of tentative weights (Dial 1969; Meyer and Sanders 2003). Of equally good
    sites before a site the nearest to the source is taken, then the first: no loop if weights are positive.
    """
    n = first_arc.shape[0] - 1
    width, buckets = _bucket_width(weight)
    per_unit, mask = 1.0 / width, buckets - 1
    first, queue = np.full(buckets, -1, np.int64), np.empty((3, n), np.int64)
    last_fiber, before, after, ahead, bucket_of = tree[_EDGE], tree[_BEFORE], queue[0], queue[1], queue[2]
    for node in range(n):
        dist[node] = np.inf
        before[node] = last_fiber[node] = bucket_of[node] = -1
    dist[source] = 0.0
    after[source] = ahead[source] = -1
    bucket_of[source] = 0
    first[0] = source
    waiting, current = 1, 0
    while waiting > 0:
        node = first[current & mask]
        if node < 0:
            current += 1
            continue
        following = after[node]
        first[current & mask] = following
        if following >= 0:
            ahead[following] = -1
        bucket_of[node] = -1
        waiting -= 1
        here = dist[node]
        for arc in range(first_arc[node], first_arc[node + 1]):
            at = np.uint64(arc)
            other, edge = np.uint64(head[at]), np.uint64(arc_edge[at])
            reached = here + weight[edge]
            if reached > dist[other] or reached == np.inf:
                continue
            if reached == dist[other]:
                rival = before[other]
                if rival >= 0 and (here < dist[rival] or (here == dist[rival] and node < rival)):
                    before[other], last_fiber[other] = node, edge
                continue
            dist[other] = reached
            before[other], last_fiber[other] = node, edge
            bucket, old = int(reached * per_unit) & mask, bucket_of[other]
            if old == bucket:
                continue
            if old >= 0:
                behind, front = after[other], ahead[other]
                if front >= 0:
                    after[front] = behind
                else:
                    first[old] = behind
                if behind >= 0:
                    ahead[behind] = front
            else:
                waiting += 1
            behind = first[bucket]
            after[other], ahead[other], bucket_of[other] = behind, -1, bucket
            if behind >= 0:
                ahead[behind] = other
            first[bucket] = other


@kernel
def _number(tree: IntArray, source: int, place: IntArray, numbered: IntArray) -> int:
    """Number the sites of the tree so that every subtree is a range; return how many they are.

    ``place`` gets the number of a site. By number, rows of ``numbered``: the site, its last fiber, the number
    of the site before, sites in the subtree, fibers from the source.
    """
    last_fiber, before = tree[_EDGE], tree[_BEFORE]
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
    place: IntArray, numbered: IntArray, count: int, start: IntArray, links: IntArray, costs: FloatArray,
) -> None:  # fmt: skip
    """List the arcs that a second path may take, by number: all but those that lead down the tree.

    Rows of ``links``: the number that an arc leads to, its fiber. Rows of ``costs``: its reduced weight, and
    that of the arc back.
    """
    site, last_fiber = numbered[0], numbered[1]
    to, fiber, out, back = links[0], links[1], costs[0], costs[1]
    used = 0
    for at in range(count):
        start[at] = used
        node = site[at]
        here = dist[node]
        for arc in range(first_arc[node], first_arc[node + 1]):
            edge, other = arc_edge[arc], head[arc]
            length = weight[edge]
            if length == np.inf or other == node or last_fiber[place[other]] == edge:
                continue
            to[used], fiber[used] = place[other], edge
            # rounding can take a reduced weight below its true minimum of 0
            out[used] = max(length + here - dist[other], 0.0)
            back[used] = np.inf if edge == last_fiber[at] else max(length + dist[other] - here, 0.0)
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
    for at in range(end - begin):
        edges[np.uint64(to + at)] = edges[np.uint64(begin + at)]
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
    dist, tree, place = np.empty(n), np.empty((2, n), np.int64), np.empty(n, np.int64)
    _grow_tree(first_arc, head, arc_edge, weight, source, dist, tree)
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
    _link_up(first_arc, head, arc_edge, weight, dist, place, numbered, count, start, links, costs)
    done = _second_search(numbered, count, start, links, costs, reached, sequence)
    where, sums = np.zeros((n, 7), np.int64), np.zeros((n, 2))
    where[0, 6] = 1
    room = 2 * n
    for at in range(count):
        room += 3 * numbered[4, at]  # a guess: the second path is up to twice as long
    edges, used = np.empty(room, np.int64), 0
    for nth in range(1, done):
        at = sequence[nth]
        node = numbered[0, at]
        if used + 2 * n > edges.shape[0]:
            edges = _more_room(edges, used)
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
        used = end
    return total, first, hops, edges[:used]
