"""Cheapest equipment for a route: where to regenerate, and which modes to buy for a capacity.

Buying modes is the unbounded knapsack problem in its covering form (Kellerer, Pferschy and Pisinger,
Knapsack Problems, 2004, chapter 8): a multiset of modes of least cost whose capacity reaches the need.
"""

import numpy as np
import numpy.typing as npt

from ._jit import kernel, lean

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAX_TABLE_UNITS = 20_000
"""Longest table that `cheapest_modules` fills."""

_ROUNDING = 1e-9
_LANES = 64  # links that are tabulated side by side
_TILE = 8


@kernel
def regenerator_choice(
    length_km: FloatArray, can_regen: BoolArray, open_cost: FloatArray, reach_km: float, unit_cost: float
) -> tuple[int, BoolArray, float]:
    """Place regenerators on a route at least cost, so that no transparent segment is longer than the reach.

    Parameters
    ----------
    length_km : float64[h]
        Fibers in the order of the route, at least one.
    can_regen : bool[h-1]
        Whether the site between fibers i and i+1 may hold a regenerator.
    open_cost : float64[h-1]
        Extra cost of using that site, at least 0.
    reach_km : float
        Longest transparent segment, lengths being added up in the order of the route.
    unit_cost : float
        Cost of one regenerator.

    Returns
    -------
    count : int
        Number of regenerators, -1 if no choice of sites works.
    chosen : bool[h-1]
        Sites used. Among choices of the same cost the one with fewer regenerators, then the one
        that stands first in lexicographic order of its positions.
    cost : float
        ``count * unit_cost`` and the opening costs; inf if no choice works.

    Examples
    --------
    >>> import numpy as np
    >>> length_km, open_cost = np.array([400.0, 500.0, 300.0]), np.array([0.0, 9.0])
    >>> regenerator_choice(length_km, np.array([True, True]), open_cost, 1000.0, 2.0)
    (1, array([ True, False]), 2.0)
    """
    n_fibers = length_km.shape[0]
    chosen = np.zeros(n_fibers - 1, np.bool_)
    # from fiber i to the end of the route; backwards, so that the first of equal choices is the leftmost
    best_cost = np.full(n_fibers + 1, np.inf)
    best_count = np.zeros(n_fibers + 1, np.int64)
    next_start = np.zeros(n_fibers, np.int64)
    best_cost[n_fibers] = 0.0
    for start in range(n_fibers - 1, -1, -1):
        segment_km = 0.0
        for end in range(start + 1, n_fibers + 1):
            segment_km += length_km[end - 1]
            if segment_km > reach_km:
                break
            cost, count = best_cost[end], best_count[end]
            if end < n_fibers:
                if not can_regen[end - 1]:
                    continue
                cost += unit_cost + open_cost[end - 1]
                count += 1
            if cost < best_cost[start] or (cost == best_cost[start] and count < best_count[start]):
                best_cost[start], best_count[start], next_start[start] = cost, count, end
    if best_cost[0] == np.inf:
        return -1, chosen, np.inf
    site = next_start[0]
    while site < n_fibers:
        chosen[site - 1] = True
        site = next_start[site]
    return best_count[0], chosen, best_cost[0]


@kernel
def _units(rate: FloatArray, unit: float, cost: FloatArray) -> IntArray:
    """Whole units per mode; 0 for a mode that cannot be used."""
    units = np.zeros(rate.shape[0], np.int64)
    for mode in range(rate.shape[0]):
        if cost[mode] < np.inf:
            units[mode] = np.int64(np.floor(rate[mode] / unit + _ROUNDING))
    return units


@kernel
def _usable_by_rate(rate: FloatArray, units: IntArray) -> IntArray:
    """Modes that carry something, highest rate first, the lower index among equals."""
    order = np.empty(rate.shape[0], np.int64)
    n_usable = 0
    for mode in range(rate.shape[0]):
        if units[mode] > 0:
            place = n_usable
            while place > 0 and rate[order[place - 1]] < rate[mode]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = mode
            n_usable += 1
    return order[:n_usable]


@kernel
def _cover_table(
    need: int, units: IntArray, cost: FloatArray, order: IntArray
) -> tuple[FloatArray, IntArray]:
    """Least cost of covering 0..need units, and the first mode in ``order`` of a smallest best choice."""
    table = np.full(need + 1, np.inf)
    count = np.zeros(need + 1, np.int64)
    first_mode = np.full(need + 1, -1, np.int64)
    table[0] = 0.0
    for covered in range(1, need + 1):
        for mode in order:
            rest = max(covered - units[mode], 0)
            total = table[rest] + cost[mode]
            if total < table[covered] or (total == table[covered] and count[rest] + 1 < count[covered]):
                table[covered], count[covered], first_mode[covered] = total, count[rest] + 1, mode
    return table, first_mode


@kernel
def _peel(need: int, units: IntArray, cost: FloatArray, order: IntArray) -> tuple[int, int]:
    """Choose the mode of least cost per unit, and how many of it to buy before the table decides the rest.

    With b units in that mode, among any b modules of other modes some fill a multiple of b units and may
    be swapped for best ones at no more cost. So some optimum has at most b-1 others, and all of its
    capacity beyond (b-1) times the largest mode is of the best one.
    """
    best, largest = order[0], 0
    for mode in order:
        if cost[mode] * units[best] < cost[best] * units[mode]:
            best = mode
        largest = max(largest, units[mode])
    undecided = min((units[best] - 1) * largest, MAX_TABLE_UNITS)
    return best, -(-(need - undecided) // units[best])


@kernel
def _cover(need: int, units: IntArray, rate: FloatArray, cost: FloatArray) -> tuple[IntArray, float]:
    """Buy the cheapest modules for ``need`` units; ``units`` is overwritten."""
    counts = np.zeros(rate.shape[0], np.int64)
    order = _usable_by_rate(rate, units)
    if need <= 0:
        return counts, 0.0
    if order.shape[0] == 0:
        return counts, np.inf
    # all capacities are multiples of the common divisor, so the need may be rounded up to one
    divisor = 0
    for mode in order:
        other = units[mode]
        while other > 0:
            divisor, other = other, divisor % other
    for mode in order:
        units[mode] //= divisor
    need = -(-need // divisor)
    if need > MAX_TABLE_UNITS:
        best, n_peeled = _peel(need, units, cost, order)
        counts[best] = n_peeled
        need = max(need - n_peeled * units[best], 0)
    first_mode = _cover_table(need, units, cost, order)[1]
    while need > 0:
        mode = first_mode[need]
        counts[mode] += 1
        need -= units[mode]
    total = 0.0
    for mode in range(counts.shape[0]):
        if counts[mode] > 0:
            total += counts[mode] * cost[mode]
    return counts, total


@kernel
def cheapest_modules(
    need_gbps: float, rate_gbps: FloatArray, cost: FloatArray, unit_gbps: float
) -> tuple[IntArray, float]:
    """Buy modes of least total cost whose rates add up to a need.

    Rates are rounded down and the need is rounded up to whole units (with 1e-9 units of grace), then
    divided by the greatest common divisor of the rates. Up to `MAX_TABLE_UNITS` such units the answer
    is optimal. Beyond, the mode of least cost per unit, of b units, is bought first: still at optimal
    cost if (b-1) * (largest mode) <= `MAX_TABLE_UNITS`, else at less than optimal cost + one such mode.

    Parameters
    ----------
    need_gbps : float
        Capacity to reach; finite.
    rate_gbps : float64[n_modes]
        Rate of each mode.
    cost : float64[n_modes]
        Cost of each mode, at least 0; inf if it cannot be used.
    unit_gbps : float
        Unit in which rates are counted.

    Returns
    -------
    counts : int64[n_modes]
        Modules per mode. Among choices of the same cost (up to `MAX_TABLE_UNITS`) the one with fewer
        modules, then the one with more modules of the highest rate, of the next one, and so on.
    total : float
        Their cost; inf if no mode can be used.

    Examples
    --------
    >>> import numpy as np
    >>> cheapest_modules(900.0, np.array([100.0, 400.0, 800.0]), np.array([5.0, 9.0, 14.0]), 100.0)
    (array([1, 0, 1]), 19.0)
    """
    need = int(np.ceil(max(need_gbps, 0.0) / unit_gbps - _ROUNDING))
    return _cover(need, _units(rate_gbps, unit_gbps, cost), rate_gbps, cost)


@kernel
def waves_modules(
    waves: int, wave_gbps: float, rate_gbps: FloatArray, cost: FloatArray
) -> tuple[IntArray, float]:
    """Buy modes of least total cost that carry the waves of a circuit; no wave is split over modules.

    Parameters
    ----------
    waves : int
        Waves to carry.
    wave_gbps : float
        Rate of one wave; a mode carries ``floor(rate / wave_gbps + 1e-9)`` of them.
    rate_gbps, cost : float64[n_modes]
        Modes, as for `cheapest_modules`.

    Returns
    -------
    counts : int64[n_modes]
        Modules per mode; guarantee and ties as for `cheapest_modules`, in units of waves.
    total : float
        Their cost; inf if no mode can be used.
    """
    return _cover(waves, _units(rate_gbps, wave_gbps, cost), rate_gbps, cost)


@kernel
def waves_choices(
    waves: int, wave_gbps: float, rate_gbps: FloatArray, cost: FloatArray, latency_ms: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Buy the modules of `waves_modules` on many routes, under every bound on latency that matters.

    Slower modes may need fewer regenerators: each latency class of a route has its own cheapest choice.

    Parameters
    ----------
    waves, wave_gbps, rate_gbps
        As for `waves_modules`.
    cost : float64[n_routes, n_modes]
        Cost of each mode on each route; inf if it cannot be used.
    latency_ms : float64[n_routes, n_modes]
        Latency of each mode on each route.

    Returns
    -------
    route : int64[n]
        Route of each choice, in order; routes on which no mode can be used have none.
    counts : int64[n, n_modes]
        Modules per mode: of a route's choices, those for the tightest bound first, none twice.
    total : float64[n]
        Their cost.
    """
    n_modes = rate_gbps.shape[0]
    most = cost.shape[0] * n_modes
    route, counts, total = np.empty(most, np.int64), np.empty((most, n_modes), np.int64), np.empty(most)
    allowed, found = np.empty(n_modes), 0
    for row in range(cost.shape[0]):
        first, bound_ms = found, -np.inf
        while bound_ms < np.inf:
            next_ms = np.inf
            for mode in range(n_modes):
                if cost[row, mode] < np.inf and latency_ms[row, mode] > bound_ms:
                    next_ms = min(next_ms, latency_ms[row, mode])
            bound_ms = next_ms
            if bound_ms == np.inf:
                break
            for mode in range(n_modes):
                allowed[mode] = cost[row, mode] if latency_ms[row, mode] <= bound_ms else np.inf
            bought, worth = _cover(waves, _units(rate_gbps, wave_gbps, allowed), rate_gbps, allowed)
            if worth < np.inf and not _is_among(bought, counts[first:found]):
                route[found], total[found] = row, worth
                for mode in range(n_modes):
                    counts[found, mode] = bought[mode]
                found += 1
    return route[:found], counts[:found], total[:found]


@lean
def _is_among(bought: IntArray, counts: IntArray) -> bool:
    """Say whether a row of counts equals these."""
    for row in range(counts.shape[0]):
        is_equal = True
        for mode in range(bought.shape[0]):
            is_equal = is_equal and counts[row, mode] == bought[mode]
        if is_equal:
            return True
    return False


@kernel
def module_cost_steps(rate: FloatArray, cost: FloatArray, unit_gbps: float, max_units: int) -> FloatArray:
    """Tabulate the least cost of covering 0, 1, ... units of capacity.

    Parameters
    ----------
    rate, cost : float64[n_modes]
        Modes, as for `cheapest_modules`.
    unit_gbps : float
        Unit in which rates are counted, rounded down.
    max_units : int
        Last entry of the table.

    Returns
    -------
    float64[max_units+1]
        Cost per number of units; inf if no mode can be used.
    """
    units = _units(rate, unit_gbps, cost)
    return _cover_table(max_units, units, cost, _usable_by_rate(rate, units))[0]


@kernel
def _distinct(units: IntArray) -> IntArray:
    """Distinct positive numbers among ``units``, in order of their first appearance."""
    found, n_found = np.empty(units.shape[0], np.int64), 0
    for mode in range(units.shape[0]):
        is_new = units[mode] > 0
        for earlier in range(mode):
            is_new = is_new and units[earlier] != units[mode]
        if is_new:
            found[n_found] = units[mode]
            n_found += 1
    return found[:n_found]


@kernel
def module_cost_tables(
    rate: FloatArray,
    cost: FloatArray,
    unit_gbps: float,
    most_units: IntArray,
    rows: IntArray,
    table: FloatArray,
    least: FloatArray,
) -> None:
    """Tabulate `module_cost_steps` of many links.

    Parameters
    ----------
    rate : float64[n_modes]
        Rate of each mode.
    cost : float64[n, n_modes]
        Cost of each mode on each link; inf if it cannot be used.
    unit_gbps : float
        Unit in which rates are counted, rounded down.
    most_units : int64[n]
        Units beyond which a link's cost is inf.
    rows : int64[n]
        Row of ``table`` for each link.
    table : float64[..., max_units+1]
        Written.
    least : float64[...]
        Written, entries as the rows of ``table``: least cost per unit, over all numbers of units.
    """
    steps = _units(rate, unit_gbps, np.zeros(rate.shape[0]))
    sizes = _distinct(steps)
    # side by side, links take the same steps: the compiler turns each into one instruction for several
    block, step_cost = np.empty((table.shape[1], _LANES)), np.empty((sizes.shape[0], _LANES))
    most, best = np.zeros(_LANES, np.int64), np.empty(_LANES)
    for first in range(0, rows.shape[0], _LANES):
        n_lanes = min(_LANES, rows.shape[0] - first)
        step_cost[:] = np.inf
        for lane in range(n_lanes):
            most[lane] = most_units[first + lane]
            for mode in range(rate.shape[0]):
                for size in range(sizes.shape[0]):
                    if steps[mode] == sizes[size]:
                        step_cost[size, lane] = min(step_cost[size, lane], cost[first + lane, mode])
        _cover_side_by_side(sizes, step_cost, most, block, best)
        for lane in range(n_lanes):
            least[rows[first + lane]] = best[lane]
        for begin in range(0, table.shape[1], _TILE):  # a few columns at a time stay in cache
            for lane in range(n_lanes):
                for covered in range(begin, min(begin + _TILE, table.shape[1])):
                    table[rows[first + lane], covered] = block[covered, lane]


@lean
def _cover_side_by_side(
    sizes: IntArray, cost: FloatArray, most: IntArray, block: FloatArray, best: FloatArray
) -> None:
    """Least cost of covering 0, 1, ... units on several links, a column each; and the least per unit.

    Comparisons: `min` of floats, which minds what is no number, takes longer.
    """
    n_lanes = best.shape[0]  # no constant: short loops would be unrolled before they become vectors
    block[0, :] = 0.0
    best[:] = np.inf
    for covered in range(1, block.shape[0]):
        here = block[covered]
        for lane in range(n_lanes):
            here[lane] = np.inf
        for size in range(sizes.shape[0]):
            there, step = block[max(covered - sizes[size], 0)], cost[size]
            for lane in range(n_lanes):
                total = there[lane] + step[lane]
                here[lane] = total if total < here[lane] else here[lane]
    for covered in range(1, block.shape[0]):
        here = block[covered]
        for lane in range(n_lanes):
            here[lane] = here[lane] if covered <= most[lane] else np.inf
            per_unit = here[lane] / covered
            best[lane] = per_unit if per_unit < best[lane] else best[lane]
