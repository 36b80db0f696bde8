"""Stars: every site joined to one hub, all traffic by way of it.

Where demands are many, small and bursty, the few full links of a star can be cheaper than any mesh that local
moves reach from another start: nothing in between is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netopt_heur.construct.ip_layer import IpPlanner
from netopt_heur.instance import I64

LEAST_HUBS = 3  # sites tried, those nearest to the traffic; more on small networks
SPOKES = 250  # of all stars tried together, about
MOST_SITES = 150  # beyond, no site is near to all traffic


def star_links(planner: IpPlanner) -> Iterator[I64]:
    """Links of each star worth a try: all that end at the hub, and only the 1+1 links among them.

    Yields
    ------
    int64[...]
        Increasing indices of candidate links.
    """
    pool, lsps = planner.pool, planner.lsps
    n_sites = len(planner.instance.site_ids)
    if n_sites > MOST_SITES:
        return
    traffic = np.bincount(lsps.a, weights=lsps.size_gbps, minlength=n_sites)
    traffic += np.bincount(lsps.b, weights=lsps.size_gbps, minlength=n_sites)
    ends = traffic > 0.0
    distance_ms = planner.pool_arrays.fast_to[:, ends] @ traffic[ends]
    for hub in np.argsort(distance_ms, kind="stable")[: max(LEAST_HUBS, SPOKES // n_sites)]:
        if not np.isfinite(distance_ms[hub]):
            return
        at_hub = (pool.a == hub) | (pool.b == hub)
        yield np.flatnonzero(at_hub)
        if (at_hub & pool.protected).any():
            yield np.flatnonzero(at_hub & pool.protected)
