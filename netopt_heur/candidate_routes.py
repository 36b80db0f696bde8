"""Routes and pairs of routers on large networks: found from trees, without looking at every pair of sites."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from netopt_heur.hubs import Hubs
from netopt_heur.instance import F64, I64, Instance
from netopt_kernels.disjoint import disjoint_pairs
from netopt_kernels.paths import shortest_tree

Route = tuple[int, ...]
Pair = tuple[int, int]

NEAREST = 3  # neighbours by km with which a site may have a link, beside hubs
HOMES = 3  # nearest hubs of all to which a site may be joined, beside the nearest of the first 1, 2, 4, ...
FAR_HUBS = 3  # per site on average: other hubs with whose sites it exchanges most traffic
LARGEST_PAIRS = 3  # per site on average: those between which most traffic runs


def hub_pairs(instance: Instance, hubs: Hubs, needed: set[Pair]) -> list[Pair]:
    """Pairs of routers worth a link where all others exchange traffic by way of hubs.

    Every site with the nearest of its hubs, for every number of hubs; hubs with hubs; sites with the hubs and
    the sites with which they exchange most; near neighbours; and those ``needed``.
    """
    ends = np.flatnonzero(instance.router & instance.add_drop)
    usable = set(ends.tolist())
    found = {pair for pair in needed if usable.issuperset(pair)}
    order = hubs.order
    found.update(_ordered(a, b) for i, a in enumerate(order.tolist()) for b in order[:i].tolist())
    for site in ends.tolist():
        found.update(_ordered(site, hub) for hub in _homes(hubs, site))
        found.update(_ordered(site, other) for other in _nearest(hubs.distance_km[site], ends, NEAREST + 1))
    a = np.array([lsp.a for lsp in instance.lsps], dtype=np.int64)
    b = np.array([lsp.b for lsp in instance.lsps], dtype=np.int64)
    mean_gbps = instance.samples.mean(axis=2).sum(axis=1)
    most = len(ends)
    found.update(_heaviest(a, b, mean_gbps, LARGEST_PAIRS * most, usable))
    home = hubs.homes(len(order))
    both = (np.concatenate([a, b]), home[np.concatenate([b, a])], np.concatenate([mean_gbps, mean_gbps]))
    found.update(_heaviest(*both, FAR_HUBS * most, usable))
    return sorted(pair for pair in found if pair[0] != pair[1])


def _ordered(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


def _nearest(distance_km: F64, among: I64, count: int) -> list[int]:
    by_km = among[np.argsort(distance_km[among], kind="stable")[:count]]
    return [int(site) for site in by_km if math.isfinite(distance_km[site])]


def _homes(hubs: Hubs, site: int) -> list[int]:
    homes = _nearest(hubs.distance_km[site], hubs.order, HOMES)
    count = 1
    while count < len(hubs.order):
        homes += _nearest(hubs.distance_km[site], hubs.order[:count], 1)
        count *= 2
    return homes


def _heaviest(a: I64, b: I64, gbps: F64, most: int, usable: set[int]) -> list[Pair]:
    """Pairs with most traffic between them, ties by index."""
    n = int(max(a.max(initial=0), b.max(initial=0))) + 1
    keys, which = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
    total = np.bincount(which, gbps, len(keys))
    pairs = [divmod(int(key), n) for key in keys[np.argsort(-total, kind="stable")[: 2 * most]]]
    return [(i, j) for i, j in pairs if i != j and i in usable and j in usable][:most]


def routes_from_trees(
    instance: Instance, weight: F64, pairs: Iterable[Pair]
) -> Iterator[tuple[int, int, Route, tuple[Route, Route] | None]]:
    """The shortest route and a lightest fiber-disjoint pair for each pair of sites.

    By km or, where that takes more fibers than a link may have, by their number.

    Parameters
    ----------
    instance
        The problem.
    weight
        float64[n_fibers], km; inf where a fiber cannot be used.
    pairs
        Sorted pairs of sites.

    Yields
    ------
    a, b, route, pair
        ``route`` is empty and ``pair`` None where there is none of permitted length. Shared-risk groups are
        not looked at.
    """
    max_hops = instance.scenario.policy.max_link_hops
    # one fiber less is worth any detour
    by_number = weight + 1.0 + float(weight[np.isfinite(weight)].sum())
    for a, targets in groupby(pairs, key=lambda pair: pair[0]):
        trees = [_Trees(instance, weight, a)]
        for _, b in targets:
            route, both = trees[0].route(b), trees[0].pair(b)
            if len(route) > max_hops or (both is not None and max(map(len, both)) > max_hops):
                if len(trees) == 1:
                    trees.append(_Trees(instance, by_number, a))
                route = route if len(route) <= max_hops else trees[1].route(b)
                if both is None or max(map(len, both)) > max_hops:
                    both = trees[1].pair(b)
            if both is not None and max(map(len, both)) > max_hops:
                both = None
            yield a, b, route if len(route) <= max_hops else (), both


class _Trees:
    """The shortest routes and lightest disjoint pairs from one site to all others."""

    def __init__(self, instance: Instance, weight: F64, root: int) -> None:
        graph, self.instance, self.root = instance.graph, instance, root
        arcs = (graph.first_arc, graph.head, graph.arc_edge)
        self.parent = shortest_tree(*arcs, weight, root)[1]
        self.total, self.first, self.hops, self.edges = disjoint_pairs(*arcs, weight, root)

    def route(self, site: int) -> Route:
        """The route to a site; empty if there is none."""
        backwards: list[int] = []
        while site != self.root:
            fiber = int(self.parent[site])
            if fiber < 0:
                return ()
            backwards.append(fiber)
            end_a, end_b = int(self.instance.fiber_a[fiber]), int(self.instance.fiber_b[fiber])
            site = end_b if site == end_a else end_a
        return tuple(reversed(backwards))

    def pair(self, site: int) -> tuple[Route, Route] | None:
        """The pair to a site; None if there is none."""
        if not math.isfinite(self.total[site]):
            return None
        first, hops = self.first[site].tolist(), self.hops[site].tolist()
        one, other = (
            tuple(self.edges[start : start + n].tolist()) for start, n in zip(first, hops, strict=True)
        )
        return one, other
