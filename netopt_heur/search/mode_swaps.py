"""Mode swaps: the channels of one link after another in other modes, at the plan's true cost.

Modules are bought at spectrum prices, an average over a fiber. Cheaper channels that are wider cost nothing
more where a lit pair has room, and dearer ones that are narrower may save a pair.
"""

from __future__ import annotations

import numpy as np

from netopt_heur.construct.ip_layer import IpPlanner
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.construct.requirements import required_gbps
from netopt_heur.design import DesignLink
from netopt_heur.instance import F64

SCARCITY = (0.0, 0.2, 1.0, 5.0, 25.0)  # factors on first spectrum prices at which other channels are bought
LEAST_PRICE = 1e-9  # cost per slot beside that, so that of equally dear channels the narrower are taken


def with_modes_swapped(
    planner: Planner, ip: IpPlanner, plan: Construction, price: F64, random: np.random.Generator
) -> Construction:
    """The plan, or a cheaper one with the same paths; links in random order, each swap kept if it saves."""
    required, first = required_gbps(ip, plan.layer), planner.first_prices()
    on_fiber = [key for key in plan.modules if planner.pool.links[key].offer < 0]
    for key in random.permutation(on_fiber).tolist():
        tried: list[DesignLink] = [plan.modules[key]]
        for scarcity in SCARCITY:
            link = planner.pool.install(key, required[key], scarcity * first + LEAST_PRICE, 0)
            if link is None or link in tried:
                continue
            tried.append(link)
            swapped = planner.with_modules(plan, {**plan.modules, key: link}, price)
            plan = min(plan, swapped, key=Construction.rank)
    return plan
