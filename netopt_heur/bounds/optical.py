"""What links cost in the optical layer beyond their transponders, by what they join and at which rate."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from netopt_heur.bounds.master import Master, Term
from netopt_heur.instance import F64, Instance

SAME_KM = 1e-6  # the referee's tolerance is 1e-9 km


Links = dict[tuple[tuple[int, int], float], int]


def add_twin_costs(master: Master) -> None:
    """A 1+1 link runs on two routes that leave each end by different fibers: the longer is a detour.

    So each of its channels costs at least as much as between the site and its cheapest partner, half of it at
    either end. A channel that has a leg on a wave offer pays this with the unit.
    """
    costs = LinkCosts(master.instance)
    for rate, modes in costs.modes_at.items():
        columns = {v: c for (v, r), c in master.twins.items() if r == rate}
        least = costs.least_twin(rate).min(axis=1, initial=math.inf)
        units = [(o, c) for (o, j, n), c in master.units.items() if n == 2 and _rate(master, o, j) == rate]
        row = costs.excess_terms(master, rate, modes, (2,))
        for offer, column in units:
            ends = master.instance.offers[offer].a, master.instance.offers[offer].b
            row.append((column, sum(0.5 * least[v] for v in ends if math.isfinite(least[v]))))
        for site, column in columns.items():
            if math.isfinite(least[site]):
                row.append((column, -0.5 * float(least[site])))
            elif not units:
                master.program.upper[column] = 0.0
        master.program.at_least(row, 0.0)


def add_link_costs(master: Master, links: Links, twins: Links) -> None:
    """Channels between given sites need what their distance asks for.

    A 1+1 link runs on two routes that leave each end by different fibers: the longer is a detour. A channel
    that has a leg on a wave offer pays with the unit.

    Parameters
    ----------
    links
        (pair of sites, rate) -> channels between them.
    twins
        The same -> those of 1+1 links; empty where they are not told apart.
    """
    costs = LinkCosts(master.instance)
    for rate, modes in costs.modes_at.items():
        for legs in [(n,) for n in master.legs] if twins else [master.legs]:
            both = legs == (2,)
            least = costs.least_twin(rate) if both else costs.least_single(rate)
            row, sold = costs.excess_terms(master, rate, modes, legs), set()
            for (index, product, n), column in master.units.items():
                offer = master.instance.offers[index]
                if n in legs and offer.rates_gbps[product] == rate:
                    sold.add((min(offer.a, offer.b), max(offer.a, offer.b)))
                    if math.isfinite(least[offer.a, offer.b]):
                        row.append((column, float(least[offer.a, offer.b])))
            for columns, sign in [(twins, -1.0)] if both else [(links, -1.0), (twins, 1.0)]:
                for (pair, at), column in columns.items():
                    if at == rate and math.isfinite(least[pair]):
                        row.append((column, sign * float(least[pair])))
                    elif at == rate and both and pair not in sold:
                        master.program.upper[column] = 0.0
            master.program.at_least(row, 0.0)


def _rate(master: Master, offer: int, product: int) -> float:
    return master.instance.offers[offer].rates_gbps[product]


class LinkCosts:
    """Least regenerators and dearer transponders of a channel between any two sites, in cost units.

    Parameters
    ----------
    instance
        The problem.

    Attributes
    ----------
    modes_at : dict
        rate -> modes for IP links at this rate.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.modes_at: dict[float, list[int]] = defaultdict(list)
        for m, rate in enumerate(instance.modes.rate_gbps.tolist()):
            if math.isfinite(float(instance.modes.port_worth[m])):
                self.modes_at[rate].append(m)
        self.distance_km = distances_km(instance, None)
        self.detour_km = detours_km(instance)

    def excess_terms(
        self, master: Master, rate: float, modes: list[int], legs: tuple[int, ...]
    ) -> list[Term]:
        """Cost of regenerators, and of transponders above the cheapest of their rate."""
        worth = self.instance.modes.worth
        cheapest = min(float(worth[m]) for m in modes)
        terms = [
            (column, float(worth[m]) - cheapest)
            for (_, _, m, n), column in master.ends.items()
            if m in modes and n in legs and worth[m] > cheapest
        ]
        regenerator = self.instance.modes.regenerator_worth
        terms += [
            (column, float(regenerator[m]))
            for (m, n), column in master.regens.items()
            if m in modes and n in legs
        ]
        return terms

    def least_single(self, rate: float) -> F64:
        """Least excess of a channel on one leg between any two sites; inf where there is none."""
        return self._least(rate, self.distance_km)

    def least_twin(self, rate: float) -> F64:
        """Least excess of both legs of a channel of a 1+1 link; inf where there are no two routes."""
        apart = np.where(np.eye(len(self.distance_km), dtype=np.bool_), math.inf, 0.0)
        return self._least(rate, self.distance_km) + self._least(rate, self.detour_km) + apart

    def _least(self, rate: float, length_km: F64) -> F64:
        modes = self.instance.modes
        cheapest = min(float(modes.worth[m]) for m in self.modes_at[rate])
        best = np.full(length_km.shape, math.inf)
        for m in self.modes_at[rate]:
            known_km = np.where(np.isfinite(length_km), length_km, 0.0)
            regens = np.maximum(0.0, np.ceil((known_km - SAME_KM) / float(modes.reach_km[m])) - 1.0)
            extra = 2.0 * (float(modes.worth[m]) - cheapest)
            cost = regens * float(modes.regenerator_worth[m]) + extra
            able = np.isfinite(length_km) & (bool(self.instance.regen.any()) | (regens == 0.0))
            best = np.minimum(best, np.where(able, cost, math.inf))
        return best


def distances_km(instance: Instance, without: int | None) -> F64:
    """Shortest fiber distances between all sites (Floyd 1962), optionally around a site."""
    n = len(instance.site_ids)
    distance = np.full((n, n), math.inf)
    np.fill_diagonal(distance, 0.0)
    for f in range(len(instance.fiber_ids)):
        a, b = int(instance.fiber_a[f]), int(instance.fiber_b[f])
        if instance.max_pairs[f] > 0 and without not in (a, b):
            distance[a, b] = distance[b, a] = min(distance[a, b], float(instance.length_km[f]))
    for k in range(n):
        distance = np.minimum(distance, distance[:, k : k + 1] + distance[k : k + 1, :])
    return distance


def detours_km(instance: Instance) -> F64:
    """Least length of the longer of two routes that leave both ends by different fibers; inf if none.

    Returns
    -------
    float64[n_sites, n_sites]
        Symmetric; the larger of what either end says.
    """
    n = len(instance.site_ids)
    second = np.full((n, n), math.inf)
    for v in range(n):
        around = distances_km(instance, v)
        lengths = []
        for f in range(len(instance.fiber_ids)):
            a, b = int(instance.fiber_a[f]), int(instance.fiber_b[f])
            if v in (a, b) and instance.max_pairs[f] > 0:
                lengths.append(float(instance.length_km[f]) + around[b if a == v else a])
        if len(lengths) > 1:
            second[v] = np.partition(np.array(lengths), 1, axis=0)[1]
    longer: F64 = np.maximum(second, second.T)
    return longer
