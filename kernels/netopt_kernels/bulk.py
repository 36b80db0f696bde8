"""Moves of links, and of all LSPs whose cheapest way changes with them.

Sites are joined by candidate links, some of them open. Every LSP takes one way over open links: a row of
``ways`` int32[n_lsp, hops], links in order from its a to its b end, -1 in unused places. The graph of all
links comes in CSR form as for ``paths``. A tree says for each site the last link of the cheapest way there.
Loads are sums in float32, per link, direction of the link and sample.
"""

import numpy as np

from ._arrays import BoolArray, Float32Array, FloatArray, Graph, Int32Array, IntArray
from ._bucket_tree import _bucket_width, _shortest_tree
from ._jit import kernel, lean
from ._percentiles import _order_statistic32
from ._sums import _add_row


@kernel
def _open_trees(
    graph: Graph, weight: FloatArray, is_open: BoolArray, roots: IntArray
) -> tuple[FloatArray, Int32Array]:
    """`trees`."""
    first_arc, head, arc_link = graph
    n = first_arc.shape[0] - 1
    number, links = np.empty(is_open.shape[0], np.int64), np.empty(is_open.shape[0], np.int64)
    count = 0
    for link in range(is_open.shape[0]):
        if is_open[link]:
            number[link], links[count] = count, link
            count += 1
    first, end = np.empty(n + 1, np.int64), 0
    to, edge = np.empty(2 * count, np.int64), np.empty(2 * count, np.int64)
    for site in range(n):
        first[site] = end
        for arc in range(first_arc[site], first_arc[site + 1]):
            if is_open[arc_link[arc]]:
                to[end], edge[end] = head[arc], number[arc_link[arc]]
                end += 1
    first[n] = end
    open_weight = np.empty(count)
    for at in range(count):
        open_weight[at] = weight[links[at]]
    dist, last = np.empty((roots.shape[0], n)), np.empty((roots.shape[0], n), np.int32)
    buckets, parent = _bucket_width(open_weight), np.empty(n, np.int64)
    tree, queue = np.empty((3, n), np.int64), np.empty((3, n), np.int64)
    for row in range(roots.shape[0]):
        _shortest_tree((first, to, edge), open_weight, roots[row], buckets, dist[row], parent, tree, queue)
        for site in range(n):
            last[row, site] = links[parent[site]] if parent[site] >= 0 else -1
    return dist, last


@kernel
def trees(
    first_arc: IntArray, head: IntArray, arc_link: IntArray, weight: FloatArray, is_open: BoolArray,
    roots: IntArray,
) -> tuple[FloatArray, Int32Array]:  # fmt: skip
    """Find the cheapest ways over open links from some sites to all.

    Parameters
    ----------
    first_arc, head, arc_link : int64 arrays
        The graph of all links.
    weight : float64[n_links]
        Not negative.
    is_open : bool[n_links]
        Which links may be used.
    roots : int64[r]
        The sites to start from.

    Returns
    -------
    distance : float64[r, n_sites]
        Weight of the cheapest way; inf where there is none.
    last : int32[r, n_sites]
        Its last link, -1 at the root and at sites that are not reached. Of equally good ones the first.
    """
    return _open_trees((first_arc, head, arc_link), weight, is_open, roots)


@lean
def _hops_up(last: Int32Array, link_a: IntArray, link_b: IntArray, site: int) -> int:
    """Links between a site and the root of a tree."""
    hops = 0
    while last[site] >= 0:
        site = link_a[last[site]] + link_b[last[site]] - site
        hops += 1
    return hops


@lean
def _write_up(
    last: Int32Array, link_a: IntArray, link_b: IntArray, site: int, way: Int32Array, at: int, step: int
) -> None:
    """Write the links from a site to the root of a tree, from place ``at`` on, each ``step`` further."""
    while last[site] >= 0:
        way[at] = last[site]
        at += step
        site = link_a[last[site]] + link_b[last[site]] - site


@kernel
def ways_over(
    link: int, distance: FloatArray, last: Int32Array, weight: FloatArray, link_a: IntArray,
    link_b: IntArray, lsp_a: IntArray, lsp_b: IntArray, shorter: float,
) -> tuple[IntArray, Int32Array]:  # fmt: skip
    """Find the LSPs that would take a closed link, and their ways over it.

    Parameters
    ----------
    link : int
        The closed link.
    distance : float64[n_sites, n_sites]
        Weights of the cheapest ways over open links.
    last : int32[n_sites, n_sites]
        Trees of these, a row per root.
    weight : float64[n_links]
        Per link.
    link_a, link_b : int64[n_links]
        Their ends.
    lsp_a, lsp_b : int64[n_lsp]
        Ends of LSPs.
    shorter : float
        A way is cheaper than another only if it weighs less than that share of it.

    Returns
    -------
    lsps : int64[m]
        In increasing order.
    ways : int32[m, hops]
        Their ways.
    """
    u, v, n = link_a[link], link_b[link], 0
    lsps, near, hops = np.empty(lsp_a.shape[0], np.int64), np.empty(lsp_a.shape[0], np.int64), 0
    for lsp in range(lsp_a.shape[0]):
        a, b = lsp_a[lsp], lsp_b[lsp]
        forward, backward = distance[u, a] + distance[v, b], distance[v, a] + distance[u, b]
        if min(forward, backward) + weight[link] < distance[a, b] * shorter:
            lsps[n], near[n] = lsp, u if forward <= backward else v
            n += 1
    for i in range(n):
        first = _hops_up(last[lsp_a[lsps[i]]], link_a, link_b, near[i])
        hops = max(hops, first + 1 + _hops_up(last[lsp_b[lsps[i]]], link_a, link_b, u + v - near[i]))
    ways = np.full((n, hops), -1, np.int32)
    for i in range(n):
        from_a, from_b = last[lsp_a[lsps[i]]], last[lsp_b[lsps[i]]]
        first = _hops_up(from_a, link_a, link_b, near[i])
        _write_up(from_a, link_a, link_b, near[i], ways[i], first - 1, -1)
        ways[i, first] = link
        _write_up(from_b, link_a, link_b, u + v - near[i], ways[i], first + 1, 1)
    return lsps[:n], ways


@kernel
def ways_around(
    link: int, instead: int, ways: Int32Array, first_arc: IntArray, head: IntArray, arc_link: IntArray,
    weight: FloatArray, is_open: BoolArray, link_a: IntArray, link_b: IntArray, lsp_a: IntArray,
    lsp_b: IntArray,
) -> tuple[bool, IntArray, Int32Array]:  # fmt: skip
    """Find the LSPs on a link, and their cheapest ways without it.

    Parameters
    ----------
    link : int
        The link that closes.
    instead : int
        A link that opens at the same time; -1 for none.
    ways : int32[n_lsp, hops]
        Ways of all LSPs.
    first_arc, head, arc_link, weight, is_open
        As for `trees`.
    link_a, link_b : int64[n_links]
        Ends of links.
    lsp_a, lsp_b : int64[n_lsp]
        Ends of LSPs.

    Returns
    -------
    found : bool
        False if one of the LSPs would have no way.
    lsps : int64[m]
        In increasing order.
    ways : int32[m, hops]
        Their ways; empty unless all were found.
    """
    lsps, n = np.empty(ways.shape[0], np.int64), 0
    row_of, n_roots = np.full(first_arc.shape[0] - 1, -1, np.int64), 0
    for lsp in range(ways.shape[0]):
        is_on = False
        for at in range(ways.shape[1]):
            is_on |= ways[lsp, at] == link
        if is_on:
            lsps[n] = lsp
            n += 1
            row_of[lsp_a[lsp]] = 0
    roots = np.empty(row_of.shape[0], np.int64)
    for site in range(row_of.shape[0]):
        if row_of[site] == 0:
            row_of[site], roots[n_roots] = n_roots, site
            n_roots += 1
    kept, hops, found = is_open.copy(), 0, True
    kept[link] = False
    if instead >= 0:
        kept[instead] = True
    dist, last = _open_trees((first_arc, head, arc_link), weight, kept, roots[:n_roots])
    for i in range(n):
        row, b = row_of[lsp_a[lsps[i]]], lsp_b[lsps[i]]
        found &= dist[row, b] < np.inf
        hops = max(hops, _hops_up(last[row], link_a, link_b, b))
    there = np.full((n if found else 0, hops), -1, np.int32)
    for i in range(there.shape[0]):
        row, b = row_of[lsp_a[lsps[i]]], lsp_b[lsps[i]]
        first = _hops_up(last[row], link_a, link_b, b)
        _write_up(last[row], link_a, link_b, b, there[i], first - 1, -1)
    return found, lsps[:n], there


@lean
def _add_way(
    sample: Float32Array, way: Int32Array, site: int, link_a: IntArray, link_b: IntArray, place: IntArray,
    loads: Float32Array,
) -> None:  # fmt: skip
    """Add an LSP's samples, float32[2, S], to the links of its way from a site on."""
    for at in range(way.shape[0]):
        link = way[at]
        if link < 0:
            continue
        against = link_a[link] != site
        site = link_a[link] + link_b[link] - site
        for direction in range(2):
            _add_row(sample[direction], loads[place[link], direction ^ int(against)])


@lean
def _mark_ways(ways: Int32Array, place: IntArray) -> None:
    for i in range(ways.shape[0]):
        for at in range(ways.shape[1]):
            if ways[i, at] >= 0:
                place[ways[i, at]] = 0


@lean
def _is_used(link: int, lsps: IntArray, ways: Int32Array, then: Int32Array) -> bool:
    """Whether a link is on a way after some LSPs have moved."""
    left = 0
    for i in range(lsps.shape[0]):
        for at in range(then.shape[1]):
            if then[i, at] == link:
                return True
        for at in range(ways.shape[1]):
            left -= int(ways[lsps[i], at] == link)
    for lsp in range(ways.shape[0]):
        for at in range(ways.shape[1]):
            left += int(ways[lsp, at] == link)
        if left > 0:
            return True
    return False


@kernel
def moved_loads(
    samples32: Float32Array, lsps: IntArray, lsp_a: IntArray, ways: Int32Array, then: Int32Array,
    link_a: IntArray, link_b: IntArray, loads: Float32Array, group_start: IntArray, rank: IntArray,
    table: FloatArray, rows: IntArray, units_per_gbps: float, grace: float,
) -> tuple[IntArray, Float32Array, FloatArray]:  # fmt: skip
    """Sum what links would carry after some LSPs have moved, and price it.

    Parameters
    ----------
    samples32 : float32[n_lsp, 2, S]
        Traffic in Gb/s; direction 0 is from a to b.
    lsps : int64[m]
        Those that move.
    lsp_a : int64[n_lsp]
        Their a ends.
    ways : int32[n_lsp, hops]
        Ways of all LSPs before.
    then : int32[m, hops]
        Those of ``lsps`` after.
    link_a, link_b : int64[n_links]
        Ends of links.
    loads : float32[n_links, 2, S]
        Loads of all links before.
    group_start, rank : int64 arrays
        As for `loads.order_statistic`.
    table : float64[..., units + 1]
        Cost to carry 0, 1, ... units of capacity; beyond, in proportion to the last entry.
    rows : int64[n_links]
        Row of the table for each link.
    units_per_gbps : float
        Units of capacity per Gb/s.
    grace : float
        Units that rounding may exceed.

    Returns
    -------
    links : int64[k]
        Those on a way before or after, in increasing order.
    loads : float32[k, 2, S]
        Their loads afterwards: those before, plus what joins, less what leaves. Rounding may leave a little
        less than 0 on a link without traffic.
    worth : float64[k]
        What they cost then: by the order statistic of the busier direction, a unit at least if used at all.
    """
    place, n_samples, n = np.full(link_a.shape[0], -1, np.int64), loads.shape[2], 0
    _mark_ways(then, place)
    for i in range(lsps.shape[0]):
        _mark_ways(ways[lsps[i] : lsps[i] + 1], place)
    links = np.empty(link_a.shape[0], np.int64)
    for link in range(place.shape[0]):
        if place[link] == 0:
            place[link], links[n] = n, link
            n += 1
    joining = np.zeros((n, 2, n_samples), np.float32)
    leaving = np.zeros((n, 2, n_samples), np.float32)
    for i in range(lsps.shape[0]):
        lsp = lsps[i]
        _add_way(samples32[lsp], then[i], lsp_a[lsp], link_a, link_b, place, joining)
        _add_way(samples32[lsp], ways[lsp], lsp_a[lsp], link_a, link_b, place, leaving)
    worth, keys, last = np.empty(n), np.empty(n_samples, np.int32), table.shape[1] - 1
    for at in range(n):
        needed = np.float32(0.0)
        for direction in range(2):
            before, more, less = loads[links[at], direction], joining[at, direction], leaving[at, direction]
            for s in range(n_samples):
                more[s] = before[s] + more[s] - less[s]
                less[s] = max(more[s], np.float32(0.0))
            needed = max(needed, np.float32(_order_statistic32(less, group_start, rank, keys)))
        units = int(np.ceil(needed * np.float32(units_per_gbps) - np.float32(grace)))
        if units <= 0:
            units = int(_is_used(links[at], lsps, ways, then))
        worth[at] = table[rows[links[at]], min(units, last)]
        if units > last:
            worth[at] = worth[at] * units / last
    return links[:n].copy(), joining, worth


@kernel
def savings_over(
    links: IntArray, lsps: IntArray, distance: FloatArray, weight: FloatArray, link_a: IntArray,
    link_b: IntArray, lsp_a: IntArray, lsp_b: IntArray,
) -> FloatArray:  # fmt: skip
    """Say what each of some LSPs would save per Gb/s on each of some closed links.

    Parameters
    ----------
    links : int64[k]
        Closed links.
    lsps : int64[m]
        LSPs.
    distance, weight, link_a, link_b, lsp_a, lsp_b
        As for `ways_over`.

    Returns
    -------
    float64[k, m]
        Weight of an LSP's cheapest way over open links less that over the link, 0 if that is no less; and
        0 where there is no way yet.
    """
    saved, now = np.empty((links.shape[0], lsps.shape[0])), np.empty(lsps.shape[0])
    ends = np.empty((2, lsps.shape[0]), np.uint64)  # unsigned: not checked for counting from the end
    for j in range(lsps.shape[0]):
        a, b = lsp_a[lsps[j]], lsp_b[lsps[j]]
        now[j] = distance[a, b] if distance[a, b] < np.inf else 0.0
        ends[0, j], ends[1, j] = a, b
    for i in range(links.shape[0]):
        to_u, to_v, more = distance[link_a[links[i]]], distance[link_b[links[i]]], weight[links[i]]
        for j in range(lsps.shape[0]):
            a, b = ends[0, j], ends[1, j]
            saved[i, j] = max(0.0, now[j] - (min(to_u[a] + to_v[b], to_v[a] + to_u[b]) + more))
    return saved
