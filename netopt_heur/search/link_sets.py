"""Link sets of a small network: LSPs are routed over random sets of open links, at the plan's true cost.

Routed one after another, LSPs take the cheapest way each: the first over a dark link pays for all of it, so
links that pay for several together stay dark. With most links shut, what is left must be used. Every layer is
completed (modules, regenerators, slots, pairs, chassis), which takes a millisecond on a network of a few
sites, and the Metropolis rule looks at true cost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netopt_heur.construct.ip_layer import Groomer, IpPlanner
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.instance import F64
from netopt_heur.search.mode_swaps import with_modes_swapped

LAYERS = 40  # per walk
OPEN = (0.1, 0.3, 0.6)  # shares of the dark links that are open, one drawn per layer
STAY = 0.85  # share of the links in use that stay open
STEPS = 50  # moves of ruin and recreate over the open links
MOST = 8  # LSPs that such a move takes out, at most
HEAT = 0.1  # their first temperature, as a share of the mean cost of a link
HOT = 0.02  # temperature of the walk at its start, as a share of the plan's cost
NEAR = 0.05  # modes are swapped in plans at most that much dearer than the one gone on from


def walk_link_sets(
    planner: Planner, ip: IpPlanner, start: Construction, price: F64, random: np.random.Generator
) -> Construction:
    """Go from layer to layer.

    Parameters
    ----------
    planner, ip
        The problem, and the IP layer's at ``price``; ``ip.stop`` ends the walk early.
    start
        Plan to start from; its circuits stay.
    price
        float64[n_fibers], cost per slot.
    random
        Source of every random choice.

    Returns
    -------
    Construction
        The best plan on the way, ``start`` if there is no better one.
    """
    current = best = start
    for step in range(LAYERS):
        if ip.stop():
            break
        made = _over_few_links(planner, ip, current, price, random)
        if made is None:
            continue
        if made.rank() < (current.missing, (1.0 + NEAR) * current.cost):
            made = with_modes_swapped(planner, ip, made, price, random)
        slack = HOT * current.cost * (1.0 - step / LAYERS) * random.exponential()
        if (made.missing, made.cost) < (current.missing, current.cost + slack):
            current = made
        best = min(best, made, key=Construction.rank)
    return best


def _over_few_links(
    planner: Planner, ip: IpPlanner, plan: Construction, price: F64, random: np.random.Generator
) -> Construction | None:
    """A plan whose LSPs on links that are shut, and others by chance, go over those that are open."""
    used = plan.layer.link_keys()
    is_open = random.random(len(ip.pool.links)) < random.choice(OPEN)
    is_open[used] = random.random(len(used)) < STAY
    out: NDArray[np.bool_] = plan.layer.uses(used[~is_open[used]])
    groomer = Groomer(ip, plan.layer.without(out))
    groomer.open_links(np.flatnonzero(is_open))
    if groomer.route(random.permutation(np.flatnonzero(groomer.layer.hops[:, 0] <= 0))):
        return None
    hot = HEAT * groomer.worth / max(1, len(used))
    groomer.anneal(random, STEPS, MOST, (hot, 0.0))
    return planner.complete(plan.circuits, ip, groomer.found(), price)
