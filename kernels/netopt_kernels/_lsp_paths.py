"""
Paths of single LSPs over an IP layer, at marginal cost and within their promises.

Latency bounds are met by LARAC (Jüttner, Szviatovszki, Mécs, Rajkó 2001), hop bounds by layered Bellman-Ford.
"""

import numpy as np

from ._arrays import BitArray, FloatArray, IntArray
from ._jit import lean
from ._link_loads import _GRACE, _ONE, _ZERO
from ._rows import _sum_along
from .grooming_state import (
    BACKUP,
    DISJOINT,
    LASTING,
    NEXT,
    PRIMARY,
    RISE,
    SAME,
    SURVIVABLE,
    UNPROTECTED,
    Layer,
    Lsps,
    Pool,
    Work,
)

NEGLIGIBLE = 1e-3  # share of a link's price charged where an LSP fits for free: prefers short paths
_GAIN = 1e-9  # relative gain below which a pair of paths counts as no cheaper
_LARAC_ROUNDS = 12


@lean
def _ask(layer: Layer, work: Work, lsp: int, side: int) -> None:
    """Start weighing links anew, for one path of an LSP."""
    work.counters[4] += 1
    n_down, down_list = 0, work.down_list
    if side == BACKUP:
        for word in range(layer.down.shape[2]):
            bits = layer.down[lsp, PRIMARY, word]
            for state in range(64 * word, min(64 * word + 64, down_list.shape[0])):
                if bits & _ONE != _ZERO:
                    down_list[n_down] = state
                    n_down += 1
                bits >>= _ONE
    work.counters[3] = n_down


@lean
def _weigh(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, side: int, node: int) -> None:
    """Write the marginal cost of one more path of an LSP on every link at a node; inf where it must not run.

    Node by node, as a search comes by: most links are never asked for, and reading an array from a
    structure costs more than weighing a link.
    """
    asked, question, n_down = work.asked, work.counters[4], work.counters[3]
    weight, arc_link, banned, down = work.weight, pool.arc_link, layer.banned, pool.down
    states, components, avoided = work.states, pool.components, work.components
    end_states, room, required, worth = lsps.end_states, layer.room, layer.required, layer.worth
    step = layer.step
    spare, most_spare, down_list, table = layer.spare, layer.most_spare, work.down_list, pool.table
    idle, units_per_gbps, size = pool.idle, pool.units_per_gbps, lsps.size_gbps[lsp]
    last = table.shape[1] - 1
    # unsigned: numba does not ask whether such an index counts from the end
    for arc in range(np.uint64(pool.first_arc[node]), np.uint64(pool.first_arc[node + 1])):
        link = np.uint64(arc_link[arc])
        if asked[link] == question:
            continue
        asked[link] = question
        blocked = banned[link]
        if side == BACKUP:
            for word in range(states.shape[0]):
                blocked |= down[link, word] & states[word] != _ZERO
            for word in range(avoided.shape[0]):
                blocked |= components[link, word] & avoided[word] != _ZERO
        elif side == LASTING:
            for word in range(states.shape[0]):
                blocked |= down[link, word] & ~end_states[lsp, word] != _ZERO
        if blocked:
            weight[link] = np.inf
            continue
        extra, least = size, NEGLIGIBLE * size * idle[link]
        if size <= room[link]:
            weight[link] = least
            continue
        if side == BACKUP and most_spare[link] > 0.0:
            worst = 0.0
            for i in range(n_down):
                needed = spare[link, np.uint64(down_list[np.uint64(i)])]
                worst = needed if needed > worst else worst
            extra = max(0.0, worst + size - most_spare[link])
        if extra <= room[link]:
            weight[link] = least
        else:
            exact = max(_GRACE, (required[link] + extra) * units_per_gbps - _GRACE)  # at least one unit
            if exact <= step[link, NEXT]:
                weight[link] = (step[link, RISE] if exact > step[link, SAME] else 0.0) + least
                continue
            units = int(np.ceil(exact))
            after = table[link, min(units, last)]
            if units > last:
                after *= units / last
            weight[link] = max(0.0, after - worth[link]) + least if after < np.inf else np.inf


@lean
def _sift_up(keys: FloatArray, nodes: IntArray, position: IntArray, slot: int) -> None:
    key, node = keys[slot], nodes[slot]
    while slot > 0:
        above = (slot - 1) // 2
        if keys[above] <= key:
            break
        keys[slot], nodes[slot] = keys[above], nodes[above]
        position[nodes[slot]] = slot
        slot = above
    keys[slot], nodes[slot] = key, node
    position[node] = slot


@lean
def _sift_down(keys: FloatArray, nodes: IntArray, position: IntArray, size: int) -> None:
    """Move the last entry to the root of a heap of ``size`` entries and restore order."""
    key, node, slot = keys[size], nodes[size], 0
    while 2 * slot + 1 < size:
        below = 2 * slot + 1
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if key <= keys[below]:
            break
        keys[slot], nodes[slot] = keys[below], nodes[below]
        position[nodes[slot]] = slot
        slot = below
    keys[slot], nodes[slot] = key, node
    position[node] = slot


@lean
def _dijkstra(
    pool: Pool,
    lsps: Lsps,
    layer: Layer,
    work: Work,
    lsp: int,
    side: int,
    cost_weight: float,
    latency_weight: float,
    row: int,
) -> int:
    """Shortest path for ``cost_weight * weight + latency_weight * latency`` into paths[row]; hops, or -1.

    Goal-directed (Hart, Nilsson and Raphael 1968): what is left costs at least the potential. Sites outside
    the corridor are looked at only if there is no way inside.
    """
    source, target = lsps.a[lsp], lsps.b[lsp]
    distance, parent, settled, weight = work.distance[0], work.parent[0], work.settled, work.weight
    first_arc, head, arc_link, latency = pool.first_arc, pool.head, pool.arc_link, pool.latency_ms
    heap_key, heap_node, at = work.heap_key, work.heap_node, work.position
    cheap_share = cost_weight * NEGLIGIBLE * lsps.size_gbps[lsp]
    cheap, fast, from_source = pool.cheap_to[target], pool.fast_to[target], pool.fast_to[source]
    detour = pool.corridor[0] * fast[source] + pool.corridor[1]
    while True:
        for node in range(distance.shape[0]):
            distance[node] = np.inf
            settled[node] = False
        distance[source] = 0.0
        heap_key[0], heap_node[0], at[source] = 0.0, source, 0
        size = 1
        while size > 0:
            node = heap_node[0]
            size -= 1
            if size > 0:
                _sift_down(heap_key, heap_node, at, size)
            settled[node] = True
            if node == target:
                break
            _weigh(pool, lsps, layer, work, lsp, side, node)
            reached = distance[node]
            for arc in range(np.uint64(first_arc[node]), np.uint64(first_arc[node + 1])):
                other, link = np.uint64(head[arc]), np.uint64(arc_link[arc])
                if settled[other] or weight[link] == np.inf:
                    continue
                length = reached + latency_weight * latency[link] + cost_weight * weight[link]
                if length < distance[other]:
                    if distance[other] == np.inf:
                        if from_source[other] + fast[other] > detour:
                            continue
                        at[other] = size
                        heap_node[size] = other
                        size += 1
                    distance[other] = length
                    parent[other] = arc
                    slot = at[other]
                    heap_key[slot] = length + cheap_share * cheap[other] + latency_weight * fast[other]
                    _sift_up(heap_key, heap_node, at, slot)
        if distance[target] < np.inf or detour == np.inf:
            break
        detour = np.inf
    if distance[target] == np.inf:
        return -1
    hops, node = 0, target
    while node != source:
        work.paths[row, hops] = arc_link[parent[node]]
        hops += 1
        node = pool.tail[parent[node]]
    for i in range(hops // 2):
        work.paths[row, i], work.paths[row, hops - 1 - i] = work.paths[row, hops - 1 - i], work.paths[row, i]
    return hops


@lean
def _layered(
    pool: Pool,
    lsps: Lsps,
    layer: Layer,
    work: Work,
    lsp: int,
    side: int,
    cost_weight: float,
    latency_weight: float,
    row: int,
) -> int:
    """As `_dijkstra`, within the hop bound, by Bellman-Ford in layers of hops.

    Goes on from a site only while the potential says that it may lead to something better than what is found.
    """
    source, target = lsps.a[lsp], lsps.b[lsp]
    distance, parent, weight, is_weighed = work.distance, work.parent, work.weight, work.settled
    first_arc, head, arc_link, latency = pool.first_arc, pool.head, pool.arc_link, pool.latency_ms
    cheap_share = cost_weight * NEGLIGIBLE * lsps.size_gbps[lsp]
    cheap, fast = pool.cheap_to[target], pool.fast_to[target]
    for node in range(distance.shape[1]):
        is_weighed[node] = False
        for hop in range(distance.shape[0]):
            distance[hop, node] = np.inf
    distance[0, source] = 0.0
    best_hops, best = -1, np.inf
    for hop in range(1, distance.shape[0]):
        for node in range(distance.shape[1]):
            reached = distance[hop - 1, node]
            if node == target or not reached + cheap_share * cheap[node] + latency_weight * fast[node] < best:
                continue
            if not is_weighed[node]:
                is_weighed[node] = True
                _weigh(pool, lsps, layer, work, lsp, side, node)
            for arc in range(np.uint64(first_arc[node]), np.uint64(first_arc[node + 1])):
                link, other = np.uint64(arc_link[arc]), np.uint64(head[arc])
                if weight[link] == np.inf:
                    continue
                length = reached + latency_weight * latency[link] + cost_weight * weight[link]
                if length < distance[hop, other] and length < best:
                    distance[hop, other] = length
                    parent[hop, other] = arc
        if distance[hop, target] < best:
            best, best_hops = distance[hop, target], hop
    node = target
    for hop in range(best_hops, 0, -1):
        work.paths[row, hop - 1] = arc_link[parent[hop, node]]
        node = pool.tail[parent[hop, node]]
    return best_hops


@lean
def _oracle(
    pool: Pool,
    lsps: Lsps,
    layer: Layer,
    work: Work,
    lsp: int,
    side: int,
    cost_weight: float,
    latency_weight: float,
    row: int,
) -> int:
    """Shortest path within the hop bound, Dijkstra's if that complies."""
    hops = _dijkstra(pool, lsps, layer, work, lsp, side, cost_weight, latency_weight, row)
    if hops >= work.distance.shape[0]:
        hops = _layered(pool, lsps, layer, work, lsp, side, cost_weight, latency_weight, row)
    return hops


@lean
def _bounded_path(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, side: int, row: int) -> int:
    """Cheap path within hop and latency bounds into paths[row] (row + 1 is scratch); hops, or -1."""
    bound = lsps.backup_max_latency_ms[lsp] if side == BACKUP else lsps.max_latency_ms[lsp]
    hops = _oracle(pool, lsps, layer, work, lsp, side, 1.0, 0.0, row)
    if hops < 0 or bound == np.inf:
        return hops
    cheap_latency = _sum_along(pool.latency_ms, work.paths[row], hops)
    if cheap_latency <= bound:
        return hops
    cheap_cost = _sum_along(work.weight, work.paths[row], hops)
    hops = _oracle(pool, lsps, layer, work, lsp, side, 0.0, 1.0, row)
    fast_latency = _sum_along(pool.latency_ms, work.paths[row], hops)
    if hops < 0 or fast_latency > bound:
        return -1
    fast_cost = _sum_along(work.weight, work.paths[row], hops)
    for _ in range(_LARAC_ROUNDS):
        if cheap_latency <= fast_latency or fast_cost <= cheap_cost:
            break
        slope = (fast_cost - cheap_cost) / (cheap_latency - fast_latency)
        middle = _oracle(pool, lsps, layer, work, lsp, side, 1.0, slope, row + 1)
        latency = _sum_along(pool.latency_ms, work.paths[row + 1], middle)
        cost = _sum_along(work.weight, work.paths[row + 1], middle)
        if cost + slope * latency >= (cheap_cost + slope * cheap_latency) * (1.0 - 1e-12):
            break
        if latency <= bound:
            hops, fast_latency, fast_cost = middle, latency, cost
            for position in range(middle):
                work.paths[row, position] = work.paths[row + 1, position]
        else:
            cheap_latency, cheap_cost = latency, cost
    return hops


@lean
def _up(unavailability: FloatArray, components: BitArray) -> float:
    """Probability that all components are up."""
    up = 1.0
    for word in range(components.shape[0]):
        bits, component = components[word], 64 * word
        while bits != _ZERO:
            if bits & _ONE != _ZERO:
                up *= 1.0 - unavailability[component]
            bits >>= _ONE
            component += 1
    return up


@lean
def _path_bits(bits: BitArray, path: IntArray, hops: int, union: BitArray) -> None:
    """Write the union of the links' bit sets along a path."""
    for word in range(union.shape[0]):
        union[word] = _ZERO
        for position in range(hops):
            union[word] |= bits[path[position], word]


@lean
def _backup_for(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, hops: int) -> int:
    """Complete the primary in paths[0] with a backup in paths[2].

    Returns its hops, 0 if none is needed, -1 if none exists.
    """
    down, components, second = work.path_states, work.path_components[0], work.path_components[1]
    exposed = False
    _path_bits(pool.down, work.paths[0], hops, down)
    for word in range(down.shape[0]):
        layer.down[lsp, PRIMARY, word] = down[word]
        work.states[word] = down[word] & ~lsps.end_states[lsp, word]
        exposed |= work.states[word] != _ZERO
    protection, promised = lsps.protection[lsp], lsps.min_availability[lsp]
    _path_bits(pool.components, work.paths[0], hops, components)
    alone = promised <= 0.0 or _up(pool.unavailability, components) >= promised
    if alone and (protection == UNPROTECTED or (protection == SURVIVABLE and not exposed)):
        return 0
    avoid_groups = protection == DISJOINT or not alone
    for word in range(components.shape[0]):
        avoided = components[word]
        avoided &= ~lsps.end_components[lsp, word] if lsps.node_disjoint[lsp] else pool.group_mask[word]
        work.components[word] = avoided if avoid_groups else _ZERO
    if protection == UNPROTECTED:
        for word in range(down.shape[0]):
            work.states[word] = _ZERO
    _ask(layer, work, lsp, BACKUP)
    backup = _bounded_path(pool, lsps, layer, work, lsp, BACKUP, 2)
    if backup < 0 or promised <= 0.0:
        return backup
    _path_bits(pool.components, work.paths[2], backup, second)
    available = _up(pool.unavailability, components) + _up(pool.unavailability, second)
    for word in range(components.shape[0]):
        components[word] |= second[word]
    return backup if available - _up(pool.unavailability, components) >= promised else -1


@lean
def _unexposed_path(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, limit: float) -> int:
    """Path over links that no failure state takes down, as 1+1 links, into paths[3].

    Returns its hops; -1 if there is none below the cost ``limit`` that is available enough.
    """
    _ask(layer, work, lsp, LASTING)
    hops = _bounded_path(pool, lsps, layer, work, lsp, LASTING, 3)
    if hops < 0 or _sum_along(work.weight, work.paths[3], hops) >= limit:
        return -1
    promised = lsps.min_availability[lsp]
    if promised > 0.0:
        # counts both legs of a 1+1 link as needed: never too high
        components = work.path_components[0]
        _path_bits(pool.components, work.paths[3], hops, components)
        if _up(pool.unavailability, components) < promised:
            return -1
    return hops


@lean
def _dearest(work: Work, row: int, hops: int) -> int:
    """Link of most weight on a path."""
    weight, path = work.weight, work.paths
    dearest = path[row, 0]
    for position in range(1, hops):
        if weight[path[row, position]] > weight[dearest]:
            dearest = path[row, position]
    return int(dearest)


@lean
def _swap_rows(work: Work, one: int, other: int) -> None:
    for position in range(work.paths.shape[1]):
        kept = work.paths[one, position]
        work.paths[one, position] = work.paths[other, position]
        work.paths[other, position] = kept


@lean
def _cheaper_pair(
    pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, hops: int, backup: int
) -> tuple[int, int]:
    """Look for a pair cheaper than the one in paths[0] and paths[2]: the primary was chosen for itself.

    The other pair's primary avoids the dearest link of either path; none is looked for where both are free.
    Returns the hops of the pair that is in paths[0] and paths[2] then.
    """
    total = _sum_along(work.weight, work.paths[2], backup)
    protecting = _dearest(work, 2, backup)
    if work.weight[protecting] <= 2.0 * NEGLIGIBLE * lsps.size_gbps[lsp] * pool.idle[protecting]:
        return hops, backup  # free, and the primary was the cheapest
    _ask(layer, work, lsp, PRIMARY)
    node = lsps.a[lsp]
    for position in range(hops):
        link = work.paths[0, position]
        _weigh(pool, lsps, layer, work, lsp, PRIMARY, node)
        node = pool.link_b[link] if pool.link_a[link] == node else pool.link_a[link]
    total += _sum_along(work.weight, work.paths[0], hops)
    working = _dearest(work, 0, hops)
    _swap_rows(work, 0, 4)
    _swap_rows(work, 2, 5)
    for link in (working, protecting):
        work.asked[link], work.weight[link] = work.counters[4], np.inf
    other = _bounded_path(pool, lsps, layer, work, lsp, PRIMARY, 0)
    if other > 0:
        cost = _sum_along(work.weight, work.paths[0], other)
        if cost < total:
            second = _backup_for(pool, lsps, layer, work, lsp, other)
            if second > 0:
                cost += _sum_along(work.weight, work.paths[2], second)
            if second >= 0 and cost < total * (1.0 - _GAIN):
                return other, second
    _swap_rows(work, 0, 4)
    _swap_rows(work, 2, 5)
    return hops, backup


@lean
def _find(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int) -> bool:
    """Find paths for an LSP and write them to the layer, unattached. False if none were found."""
    _ask(layer, work, lsp, PRIMARY)
    hops = _bounded_path(pool, lsps, layer, work, lsp, PRIMARY, 0)
    if hops < 0:
        return False
    cost = _sum_along(work.weight, work.paths[0], hops)
    backup = _backup_for(pool, lsps, layer, work, lsp, hops)
    if backup != 0 and lsps.protection[lsp] == SURVIVABLE:
        cost = np.inf if backup < 0 else cost + _sum_along(work.weight, work.paths[2], backup)
        safe = -1
        if pool.n_lasting > 0:
            safe = _unexposed_path(pool, lsps, layer, work, lsp, cost)
        if safe >= 0:
            for position in range(safe):
                work.paths[0, position] = work.paths[3, position]
            hops, backup = safe, 0
    if backup < 0:
        # a trap: take each link of this primary away in turn and look again
        n_first = hops
        for position in range(n_first):
            work.paths[4, position] = work.paths[0, position]
        for position in range(n_first):
            link = work.paths[4, position]
            _ask(layer, work, lsp, PRIMARY)
            work.asked[link], work.weight[link] = work.counters[4], np.inf
            hops = _bounded_path(pool, lsps, layer, work, lsp, PRIMARY, 0)
            if hops >= 0:
                backup = _backup_for(pool, lsps, layer, work, lsp, hops)
                if backup >= 0:
                    break
    if hops < 0 or backup < 0:
        return False
    if backup > 0:
        hops, backup = _cheaper_pair(pool, lsps, layer, work, lsp, hops, backup)
    layer.hops[lsp, PRIMARY] = hops
    for position in range(hops):
        layer.path[lsp, PRIMARY, position] = work.paths[0, position]
    layer.hops[lsp, BACKUP] = backup if backup > 0 else -1
    for position in range(backup):
        layer.path[lsp, BACKUP, position] = work.paths[2, position]
    _settle(pool, lsps, layer, lsp)
    return True


@lean
def _find_backup(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int) -> bool:
    """Find a backup for the primary that is written in the layer, unattached. False if there is none."""
    hops = layer.hops[lsp, PRIMARY]
    if hops <= 0:
        return False
    for position in range(hops):
        work.paths[0, position] = layer.path[lsp, PRIMARY, position]
    backup = _backup_for(pool, lsps, layer, work, lsp, hops)
    if backup < 0:
        return False
    layer.hops[lsp, BACKUP] = backup if backup > 0 else -1
    for position in range(backup):
        layer.path[lsp, BACKUP, position] = work.paths[2, position]
    _settle(pool, lsps, layer, lsp)
    return True


@lean
def _settle(pool: Pool, lsps: Lsps, layer: Layer, lsp: int) -> None:
    """Recompute what follows from an LSP's paths: directions, and the states in which they are down.

    A missing backup is down in all states.
    """
    path, backward, down = layer.path, layer.backward, layer.down
    link_a, link_b, link_down = pool.link_a, pool.link_b, pool.down
    for side in range(2):
        hops, node = layer.hops[lsp, side], lsps.a[lsp]
        for word in range(down.shape[2]):
            down[lsp, side, word] = ~_ZERO if hops < 0 else _ZERO
        for position in range(hops):
            link = path[lsp, side, position]
            reverse = link_a[link] != node
            backward[lsp, side, position] = reverse
            node = link_a[link] if reverse else link_b[link]
            for word in range(down.shape[2]):
                down[lsp, side, word] |= link_down[link, word]
