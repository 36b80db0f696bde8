"""Static routing and wavelength assignment: paths in one wavelength, first fit, ejection search.

The directed multigraph is given in CSR form: the edges leaving node ``v`` are ``edge[first[v]]`` to
``edge[first[v + 1] - 1]``; ``tail`` and ``head`` are the ends of each edge. The assignment is

- ``owner`` int64[rows, edges]: the request that uses an edge on a wavelength, -1 = free;
- ``wave`` int64[requests]: the wavelength of a request, -1 = none yet;
- ``path`` int64[requests, nodes] and ``hops`` int64[requests]: its edges in order.

Prices of edges are int64, so that sums are exact; 0 or more for `price_to_go`, positive elsewhere. ``to_go``,
int64[targets, nodes], holds the least price from every node to each target that occurs (`price_to_go`);
``to_go_row`` is the row of each request's target.
"""

import numpy as np
import numpy.typing as npt

from netopt_kernels._jit import kernel

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BitArray = npt.NDArray[np.uint64]
Graph = tuple[IntArray, IntArray, IntArray, IntArray]  # first, edge, tail, head
Requests = tuple[IntArray, IntArray, IntArray]  # source, target, to_go_row
Assignment = tuple[IntArray, IntArray, IntArray, IntArray]  # owner, wave, path, hops
Scratch = tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]  # see _new_scratch

UNREACHABLE = 1 << 60
_NONE = -1


@kernel
def _push(keys: IntArray, items: IntArray, size: int, key: int, item: int) -> int:
    """Push onto a binary heap; return its new size."""
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if keys[up] <= key:
            break
        keys[at] = keys[up]
        items[at] = items[up]
        at = up
    keys[at] = key
    items[at] = item
    return size + 1


@kernel
def _drop_first(keys: IntArray, items: IntArray, size: int) -> int:
    """Remove the first entry of a binary heap; return its new size."""
    size -= 1
    key = keys[size]
    item = items[size]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and keys[down + 1] < keys[down]:
            down += 1
        if keys[down] >= key:
            break
        keys[at] = keys[down]
        items[at] = items[down]
        at = down
    keys[at] = key
    items[at] = item
    return size


@kernel
def price_to_go(graph: Graph, price: IntArray, targets: IntArray) -> IntArray:
    """Least price from every node to each target (Dijkstra 1959, over the edges backwards).

    Parameters
    ----------
    graph : tuple of int64 arrays
        The multigraph *reversed*: ``edge[first[v]:first[v + 1]]`` are the edges into ``v``.
    price : int64[edges]
        Price of each edge.
    targets : int64[k]
        Targets.

    Returns
    -------
    int64[k, nodes]
        The prices; `UNREACHABLE` where there is no path.
    """
    first, edge, tail, _ = graph
    nodes = first.shape[0] - 1
    to_go = np.full((targets.shape[0], nodes), UNREACHABLE, np.int64)
    keys = np.empty(tail.shape[0] + 1, np.int64)
    items = np.empty(tail.shape[0] + 1, np.int64)
    for row in range(targets.shape[0]):
        best = to_go[row]
        best[targets[row]] = 0
        size = _push(keys, items, 0, 0, targets[row])
        while size > 0:
            key = keys[0]
            node = items[0]
            size = _drop_first(keys, items, size)
            if key > best[node]:
                continue
            for at in range(first[node], first[node + 1]):
                other = tail[edge[at]]
                reached = key + price[edge[at]]
                if reached < best[other]:
                    best[other] = reached
                    size = _push(keys, items, size, reached, other)
    return to_go


@kernel
def next_random(state: BitArray, below: int) -> int:
    """Draw from 0 .. below - 1 (xorshift64, Marsaglia 2003) and advance ``state``, uint64[1], not zero."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return int(np.int64((x >> np.uint64(11)) % np.uint64(below)))


@kernel
def _new_scratch(nodes: int, edges: int) -> Scratch:
    """Working arrays of `_cheapest_path`: dist, entered by, stamps, heap keys, heap items, stamp, path."""
    return (
        np.empty(nodes, np.int64),
        np.empty(nodes, np.int64),
        np.zeros(nodes, np.int64),
        np.empty(edges + nodes + 1, np.int64),
        np.empty(edges + nodes + 1, np.int64),
        np.zeros(1, np.int64),
        np.empty(nodes, np.int64),
    )


@kernel
def _cheapest_path(
    graph: Graph,
    price: IntArray,
    to_go: IntArray,
    own: IntArray,
    toll: FloatArray,
    toll_unit: float,
    source: int,
    target: int,
    cutoff: int,
    scratch: Scratch,
) -> int:
    """Cheapest path through one wavelength, at most ``cutoff``; -1 if there is none (A*, Hart et al. 1968).

    An edge that another request owns costs that request's toll on top, once for consecutive edges of the
    same owner; with ``toll_unit = 0`` it is closed. ``scratch[1]`` holds the edge that entered each node.
    """
    first, edge, _, head = graph
    dist, entered_by, mark, keys, items, stamps, _ = scratch
    if to_go[source] > cutoff:
        return -1
    stamps[0] += 1
    stamp = stamps[0]
    mark[source] = stamp
    dist[source] = 0
    entered_by[source] = -1
    size = _push(keys, items, 0, to_go[source], source)
    while size > 0:
        key = keys[0]
        node = items[0]
        size = _drop_first(keys, items, size)
        if node == target:
            return int(dist[node])
        if key > dist[node] + to_go[node]:
            continue
        paid = own[entered_by[node]] if node != source else _NONE
        for at in range(first[node], first[node + 1]):
            via = edge[at]
            reached = dist[node] + price[via]
            holder = own[via]
            if holder >= 0:
                if toll_unit == 0.0:
                    continue
                if holder != paid:
                    reached += np.int64(toll_unit * toll[holder]) + 1
            other = head[via]
            bound = reached + to_go[other]
            if bound <= cutoff and (mark[other] != stamp or reached < dist[other]):
                mark[other] = stamp
                dist[other] = reached
                entered_by[other] = via
                size = _push(keys, items, size, bound, other)
    return -1


@kernel
def _keep_path(graph: Graph, source: int, target: int, scratch: Scratch) -> int:
    """Copy the path just found to ``scratch[6]``, in order; return its number of edges."""
    tail = graph[2]
    entered_by, kept = scratch[1], scratch[6]
    hops = 0
    node = target
    while node != source:
        hops += 1
        node = tail[entered_by[node]]
    node = target
    for at in range(hops - 1, -1, -1):
        kept[at] = entered_by[node]
        node = tail[entered_by[node]]
    return hops


@kernel
def _cheapest_wave(
    graph: Graph,
    price: IntArray,
    to_go: IntArray,
    owner: IntArray,
    open_waves: tuple[int, int, int],
    toll: FloatArray,
    toll_unit: float,
    ends: tuple[int, int],
    cutoff: int,
    scratch: Scratch,
) -> tuple[int, int]:
    """Cheapest path over all wavelengths: (wavelength or -1, number of edges); the path is in ``scratch[6]``.

    ``open_waves`` is (number of wavelengths, the one to try first, one to leave out); the first of equals
    wins.
    """
    waves, start, without = open_waves
    best_wave, best_hops = -1, 0
    for shift in range(waves):
        wave = (start + shift) % waves
        if wave == without:
            continue
        cost = _cheapest_path(
            graph, price, to_go, owner[wave], toll, toll_unit, ends[0], ends[1], cutoff, scratch
        )
        if cost >= 0:
            best_wave, best_hops = wave, _keep_path(graph, ends[0], ends[1], scratch)
            cutoff = cost - 1
    return best_wave, best_hops


@kernel
def _assign(assignment: Assignment, request: int, wave_index: int, kept: IntArray, n_hops: int) -> None:
    owner, wave, path, hops = assignment
    for at in range(n_hops):
        path[request, at] = kept[at]
        owner[wave_index, kept[at]] = request
    hops[request] = n_hops
    wave[request] = wave_index


@kernel
def withdraw(assignment: Assignment, request: int) -> None:
    """Free the edges of a request and leave it without a wavelength."""
    owner, wave, path, hops = assignment
    for at in range(hops[request]):
        owner[wave[request], path[request, at]] = -1
    wave[request] = -1


@kernel
def fill(
    graph: Graph,
    price: IntArray,
    to_go: IntArray,
    requests: Requests,
    assignment: Assignment,
    order: IntArray,
    waves: int,
    detour: float,
) -> tuple[int, int]:
    """Assign requests in turn to the wavelength with the cheapest free path; open another where none has one.

    Parameters
    ----------
    graph, price, to_go, requests, assignment
        See the module's docstring.
    order : int64[k]
        Requests to assign, none of which has a wavelength.
    waves : int
        Number of open wavelengths; at most the rows of ``owner``.
    detour : float
        A path is acceptable up to this multiple of the price in an empty network.

    Returns
    -------
    done : int
        Requests assigned; fewer than all if another wavelength would need another row.
    waves : int
        Number of open wavelengths.
    """
    source, target, to_go_row = requests
    owner = assignment[0]
    scratch = _new_scratch(graph[0].shape[0] - 1, price.shape[0])
    no_toll = np.empty(0, np.float64)
    for turn in range(order.shape[0]):
        request = order[turn]
        ends = (source[request], target[request])
        left = to_go[to_go_row[request]]
        cutoff = int(left[ends[0]] * detour)
        wave, hops = _cheapest_wave(
            graph, price, left, owner, (waves, 0, -1), no_toll, 0.0, ends, cutoff, scratch
        )
        if wave < 0:
            if waves == owner.shape[0]:
                return turn, waves
            wave = waves
            waves += 1
            _cheapest_path(graph, price, left, owner[wave], no_toll, 0.0, ends[0], ends[1], cutoff, scratch)
            hops = _keep_path(graph, ends[0], ends[1], scratch)
        _assign(assignment, request, wave, scratch[6], hops)
    return order.shape[0], waves


@kernel
def _shake(
    graph: Graph,
    price: IntArray,
    to_go: IntArray,
    requests: Requests,
    assignment: Assignment,
    waves: int,
    random: BitArray,
    scratch: Scratch,
) -> None:
    """Move one random request to the cheapest free path on another wavelength, if that is not dearer."""
    source, target, to_go_row = requests
    owner, wave, path, hops = assignment
    request = next_random(random, source.shape[0])
    if wave[request] < 0:
        return
    now = 0
    for at in range(hops[request]):
        now += int(price[path[request, at]])
    open_waves = (waves, next_random(random, waves), wave[request])
    ends = (source[request], target[request])
    left = to_go[to_go_row[request]]
    to, n_hops = _cheapest_wave(
        graph, price, left, owner, open_waves, np.empty(0, np.float64), 0.0, ends, now, scratch
    )
    if to >= 0:
        withdraw(assignment, request)
        _assign(assignment, request, to, scratch[6], n_hops)


@kernel
def eject_search(
    graph: Graph,
    price: IntArray,
    to_go: IntArray,
    requests: Requests,
    assignment: Assignment,
    waves: int,
    pool: IntArray,
    pooled: int,
    toll: FloatArray,
    contention: FloatArray,
    steps: int,
    shakes: int,
    toll_level: float,
    detour: float,
    random: BitArray,
) -> tuple[int, int]:
    """Insert the requests of a pool, ejecting others that are easier to place (Nagata and Braysy 2009).

    A step takes a random request of the pool. It gets the cheapest free path of any wavelength; if there is
    none, its toll grows by one and it gets the path whose price and tolls of the requests in its way are
    least; those go to the pool. Tolls are scaled to the mean ``toll_level``, so that they neither vanish nor
    drown the prices in a long run.

    Parameters
    ----------
    graph, price, to_go, requests, assignment
        See the module's docstring; ``assignment`` changes.
    waves : int
        Number of wavelengths to use, rows 0 .. waves - 1 of ``owner``.
    pool : int64[requests]
        The requests without a wavelength come first; changes.
    pooled : int
        Their number.
    toll : float64[requests]
        One plus the number of failures of each request; changes.
    contention : float64[edges]
        Counts the ejections over each edge; changes.
    steps : int
        Steps to do at most.
    shakes : int
        Random requests to move after each step (`_shake`).
    toll_level : float
        Mean toll, in the unit of the prices; positive.
    detour : float
        A free path is taken up to this multiple of the price in an empty network.
    random : uint64[1]
        State of the generator, not zero; changes.

    Returns
    -------
    pooled : int
        Requests left in the pool; 0 = all have a wavelength.
    steps : int
        Steps done.
    """
    source, target, to_go_row = requests
    owner = assignment[0]
    scratch = _new_scratch(graph[0].shape[0] - 1, price.shape[0])
    kept = scratch[6]
    toll_sum = toll.sum()
    for step in range(steps):
        if pooled == 0:
            return 0, step
        at = next_random(random, pooled)
        request = pool[at]
        pooled -= 1
        pool[at] = pool[pooled]
        ends = (source[request], target[request])
        left = to_go[to_go_row[request]]
        open_waves = (waves, next_random(random, waves), _NONE)
        cutoff = int(left[ends[0]] * detour)
        wave, hops = _cheapest_wave(graph, price, left, owner, open_waves, toll, 0.0, ends, cutoff, scratch)
        if wave < 0:
            toll[request] += 1.0
            toll_sum += 1.0
            unit = toll_level * toll.shape[0] / toll_sum
            wave, hops = _cheapest_wave(
                graph, price, left, owner, open_waves, toll, unit, ends, UNREACHABLE - 1, scratch
            )
            for hop in range(hops):
                loser = owner[wave, kept[hop]]
                if loser >= 0:
                    contention[kept[hop]] += 1.0
                    withdraw(assignment, loser)
                    pool[pooled] = loser
                    pooled += 1
        _assign(assignment, request, wave, kept, hops)
        for _ in range(shakes):
            _shake(graph, price, to_go, requests, assignment, waves, random, scratch)
    return pooled, steps
