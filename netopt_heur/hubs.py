"""Hubs: sites near to the traffic, for the few full links of a network of many small demands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netopt_heur.distances import distances
from netopt_heur.instance import F64, I64, Instance


@dataclass(frozen=True)
class Hubs:
    """Sites that may be hubs, best first, and the fiber distances between all sites.

    Attributes
    ----------
    order
        int64[k]; see :func:`nested_hubs`.
    distance_km
        float64[n_sites, n_sites]; inf where there is no way.
    """

    order: I64
    distance_km: F64

    def homes(self, count: int) -> I64:
        """Nearest of the first ``count`` hubs for every site, itself for a hub; int64[n_sites]."""
        hubs = self.order[:count]
        home: I64 = hubs[np.argmin(self.distance_km[:, hubs], axis=1)]
        home[hubs] = hubs
        return home


def hubs_of(instance: Instance, weight: F64) -> Hubs | None:
    """Hubs of a network, twice as many as the root of its routers; None without LSPs or routers.

    ``weight`` is float64[n_fibers], km, inf where a fiber cannot be used.
    """
    eligible = instance.router & instance.add_drop
    if not instance.lsps or not eligible.any():
        return None
    distance_km = distances(instance.graph, weight)
    most = 2 * math.isqrt(int(np.count_nonzero(eligible)))
    order = nested_hubs(distance_km, site_traffic(instance), eligible, most)
    return Hubs(order, distance_km)


def nested_hubs(distance_km: F64, weight: F64, eligible: NDArray[np.bool_], most: int) -> I64:
    """Sites such that the first k are good hubs for every k (greedy k-median).

    Parameters
    ----------
    distance_km
        float64[n, n], between all sites; inf where there is no way.
    weight
        float64[n], traffic per site.
    eligible
        bool[n], sites that may be hubs.
    most
        How many to find; fewer if fewer are eligible.

    Returns
    -------
    int64[k]
        Hubs, each the best beside those before it; ties by index.

    Examples
    --------
    Three sites in a row, most traffic in the last:

    >>> km = np.abs(np.subtract.outer([0.0, 1.0, 2.0], [0.0, 1.0, 2.0]))
    >>> nested_hubs(km, np.array([1.0, 1.0, 3.0]), np.array([True, True, True]), 2).tolist()
    [2, 0]
    """
    sources = weight > 0.0
    far = 1.0 + 2.0 * float(distance_km[np.isfinite(distance_km)].max(initial=0.0))
    to_traffic = np.minimum(distance_km[:, sources], far)
    traffic = weight[sources]
    nearest = np.full(len(traffic), far)
    hubs: list[int] = []
    for _ in range(min(most, int(np.count_nonzero(eligible)))):
        cost_km = np.minimum(to_traffic, nearest) @ traffic
        cost_km[~eligible] = math.inf
        cost_km[hubs] = math.inf
        hub = int(np.argmin(cost_km))
        hubs.append(hub)
        nearest = np.minimum(nearest, to_traffic[hub])
    return np.array(hubs, dtype=np.int64)


def site_traffic(instance: Instance) -> F64:
    """Mean rate of all LSPs that end at each site, both directions; float64[n_sites], Gb/s."""
    mean_gbps = instance.samples.mean(axis=2).sum(axis=1)
    n_sites = len(instance.site_ids)
    a = np.array([lsp.a for lsp in instance.lsps], dtype=np.int64)
    b = np.array([lsp.b for lsp in instance.lsps], dtype=np.int64)
    traffic = np.zeros(n_sites)
    for ends in (a, b):
        traffic += np.bincount(ends, mean_gbps, n_sites)
    return traffic
