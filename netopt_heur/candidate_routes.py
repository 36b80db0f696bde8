"""Fiber routes that IP links may take: of which pairs of routers, and which routes.

On large networks from trees, without looking at every pair of sites.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from operator import or_

import numpy as np
from numpy.typing import NDArray

from netopt_heur.distances import distances
from netopt_heur.hubs import Hubs
from netopt_heur.instance import F64, I64, U64, Instance, words_of
from netopt_kernels.disjoint import disjoint_pairs
from netopt_kernels.paths import k_shortest_paths, shortest_tree, srlg_disjoint_pair

Route = tuple[int, ...]
Pair = tuple[int, int]
PairRoutes = tuple[int, int, list[Route], list[tuple[Route, Route]]]  # two routers, routes, disjoint pairs

ALL_PAIRS_UP_TO = 130  # routers; above, the pool holds near neighbours and the largest demand pairs only
NEIGHBOURS = 12
DEMAND_PAIRS = 6  # per site
HOPS_WITHOUT_DIRECT = 6  # IP hops with which LSPs can do without links of their own on a large network
DISJOINT_K = 8  # paths the disjoint-pair kernel enumerates before its fallback
SMALL_POOL = 600  # links: as long as they are no more, every simple route and disjoint pair is a candidate
MOST_ROUTES = 24  # per pair of routers, even where there is room for more
NEAREST = 3  # neighbours by km with which a site may have a link, beside hubs
HOMES = 3  # nearest hubs of all to which a site may be joined, beside the nearest of the first 1, 2, 4, ...
FAR_HUBS = 3  # per site on average: other hubs with whose sites it exchanges most traffic
LARGEST_PAIRS = 3  # per site on average: those between which most traffic runs


def candidate_routes(
    instance: Instance, between: Sequence[tuple[int, int]] | None = None
) -> Iterator[tuple[int, int, list[Route], tuple[Route, Route] | None]]:
    """Fiber routes worth an IP link, by km: per pair of routers the shortest, a disjoint pair, or three.

    Three where several protected LSPs end: on n routes that no failure takes down together, spare capacity of
    1 / (n - 1) of the load is enough, in whole modules often less than the second route's full copy.
    """
    weight, group_words = usable_km(instance), _group_words(instance)
    max_hops = instance.scenario.policy.max_link_hops
    shared = _sharing_pairs(instance)
    for a, b in _pairs(instance, weight) if between is None else between:
        seen = set(_shortest_routes(instance, weight, a, b, 1))
        pair = _disjoint_pair(instance, weight, group_words, a, b)
        if pair is not None:
            seen.update(pair)
            if max(len(pair[0]), len(pair[1])) > max_hops:
                pair = None
            elif (a, b) in shared:
                seen.update(_disjoint_three(instance, weight, group_words, a, b))
        found = sorted((r for r in seen if len(r) <= max_hops), key=lambda r: (len(r), r))
        yield a, b, found, pair


def usable_km(instance: Instance) -> F64:
    """Length of each fiber; inf where no mode reaches across or no pair may be lit."""
    reach_km = float(instance.modes.reach_km.max(initial=0.0))
    usable = (instance.length_km <= reach_km) & (instance.max_pairs > 0)
    return np.where(usable, instance.length_km, math.inf)


def protects(instance: Instance) -> bool:
    """Whether anything asks for protection, or for more availability than single routes may have."""
    return any(x.promise.protection != "none" or x.promise.min_availability > 0 for x in instance.lsps)


def _group_words(instance: Instance) -> U64:
    groups = [components & instance.group_mask for components in instance.fiber_components]
    return words_of(groups or [0], instance.n_groups)


def _disjoint_pair(
    instance: Instance, weight: F64, group_words: U64, a: int, b: int
) -> tuple[Route, Route] | None:
    graph = instance.graph
    status, first, n_first, second, n_second, _ = srlg_disjoint_pair(
        graph.first_arc, graph.head, graph.arc_edge, weight, instance.length_km, group_words,
        a, b, DISJOINT_K, math.inf, math.inf, False,
    )  # fmt: skip
    if status not in (1, 2):
        return None
    return tuple(first[:n_first].tolist()), tuple(second[:n_second].tolist())


def hub_routes(instance: Instance, hubs: Hubs) -> Iterator[PairRoutes]:
    """Routes and disjoint pairs on a large network, for pairs of routers near hubs."""
    pairs = hub_pairs(instance, hubs, _needed_pairs(instance))
    yield from _from_trees(instance, usable_km(instance), pairs)


def _from_trees(instance: Instance, weight: F64, pairs: Iterable[Pair]) -> Iterator[PairRoutes]:
    """Shortest routes and disjoint pairs; pairs that share a group are looked for one by one."""
    group_words, max_hops = _group_words(instance), instance.scenario.policy.max_link_hops
    for a, b, route, pair in routes_from_trees(instance, weight, pairs):
        if pair is not None and not _disjoint(instance, *pair):
            pair = _disjoint_pair(instance, weight, group_words, a, b)
        if pair is not None and max(len(pair[0]), len(pair[1])) > max_hops:
            pair = None
        found = {route} if route else set()
        found.update(pair or ())
        yield a, b, sorted(found, key=lambda r: (len(r), r)), [] if pair is None else [pair]


def all_routes(instance: Instance, between: Sequence[Pair] | None) -> Iterator[PairRoutes]:
    """Routes and disjoint pairs per pair of routers: all of them on a small network, else the best by km.

    On a small network a detour over a fiber that is lit anyway, or round one that is full, may decide the
    optimum; on a large one other IP links make up for it, and a larger pool slows every move down.
    """
    weight = usable_km(instance)
    n_pairs = math.comb(int((instance.router & instance.add_drop).sum()), 2)
    each = min(MOST_ROUTES, SMALL_POOL // max(1, n_pairs * (2 if protects(instance) else 1)))
    for a, b, found, pair in candidate_routes(instance, between):
        pairs = [] if pair is None else [pair]
        routes = _shortest_routes(instance, weight, a, b, each) if each > len(found) else []
        more = [(x, y) for i, x in enumerate(routes) for y in routes[:i] if _disjoint(instance, x, y)]
        known = {frozenset(known) for known in pairs}
        pairs += [p for p in more if frozenset(p) not in known][: max(0, each - len(pairs))]
        yield a, b, sorted({*found, *routes}, key=lambda r: (len(r), r)), pairs


def routes_over(instance: Instance, fibers: NDArray[np.bool_]) -> Iterator[PairRoutes]:
    """The shortest route and disjoint pair of each two routers over some of the fibers, bool[n_fibers]."""
    weight = np.where(fibers, usable_km(instance), math.inf)
    yield from _from_trees(instance, weight, sorted(_pairs(instance, weight)))


def _shortest_routes(instance: Instance, weight: F64, a: int, b: int, limit: int) -> list[Route]:
    """The shortest simple routes of permitted length in fibers, by km."""
    graph, max_hops = instance.graph, instance.scenario.policy.max_link_hops
    count, edges, hops, _ = k_shortest_paths(
        graph.first_arc, graph.head, graph.arc_edge, weight, a, b, limit, math.inf, max_hops
    )
    return [tuple(edges[i, : hops[i]].tolist()) for i in range(count)]


def _disjoint(instance: Instance, one: Route, other: Route) -> bool:
    groups = [reduce(or_, (instance.fiber_components[f] for f in route)) for route in (one, other)]
    return not groups[0] & groups[1] & instance.group_mask


def _sharing_pairs(instance: Instance) -> set[tuple[int, int]]:
    """Pairs of sites with more than one protected LSP: these can share spare capacity."""
    ends = Counter((min(x.a, x.b), max(x.a, x.b)) for x in instance.lsps if x.promise.protection != "none")
    return {pair for pair, count in ends.items() if count > 1}


def _disjoint_three(instance: Instance, weight: F64, group_words: U64, a: int, b: int) -> tuple[Route, ...]:
    """Three routes without a common group, the shortest of those with one among the `DISJOINT_K` shortest."""
    arcs = (instance.graph.first_arc, instance.graph.head, instance.graph.arc_edge)
    max_hops = instance.scenario.policy.max_link_hops
    count, edges, hops, km = k_shortest_paths(*arcs, weight, a, b, DISJOINT_K, math.inf, max_hops)
    best_km = math.inf
    best: tuple[Route, ...] = ()
    for i in range(count):
        route = edges[i, : hops[i]]
        hit = (group_words & np.bitwise_or.reduce(group_words[route], axis=0)).any(axis=1)
        status, first, n_first, second, n_second, pair_km = srlg_disjoint_pair(
            *arcs, np.where(hit, math.inf, weight), instance.length_km, group_words,
            a, b, DISJOINT_K, math.inf, math.inf, False,
        )  # fmt: skip
        if status in (1, 2) and km[i] + pair_km < best_km and max(n_first, n_second) <= max_hops:
            best_km = float(km[i] + pair_km)
            best = tuple(tuple(r.tolist()) for r in (route, first[:n_first], second[:n_second]))
    return best


def _pairs(instance: Instance, weight: F64) -> Iterable[tuple[int, int]]:
    ends = [int(s) for s in np.flatnonzero(instance.router & instance.add_drop)]
    if len(ends) <= ALL_PAIRS_UP_TO:
        return [(a, b) for i, a in enumerate(ends) for b in ends[i + 1 :]]
    usable = set(ends)
    pairs = {(a, b) for a, b in _demand_pairs(instance) if a in usable and b in usable}
    distance = distances(instance.graph, weight)
    for a in ends:
        near = [int(s) for s in np.argsort(distance[a], kind="stable") if int(s) in usable and int(s) != a]
        pairs.update((min(a, b), max(a, b)) for b in near[:NEIGHBOURS] if math.isfinite(distance[a, b]))
    return sorted(pairs)


def _demand_pairs(instance: Instance) -> list[tuple[int, int]]:
    """Pairs of sites with LSPs that may need a link of their own, few hops or little latency being allowed.

    Of the others those between which most traffic runs, `DEMAND_PAIRS` for each site.
    """
    traffic: dict[tuple[int, int], float] = {}
    for lsp, mean_gbps in zip(instance.lsps, instance.samples.mean(axis=2).sum(axis=1).tolist(), strict=True):
        pair = (min(lsp.a, lsp.b), max(lsp.a, lsp.b))
        traffic[pair] = traffic.get(pair, 0.0) + mean_gbps
    by_traffic = sorted(traffic, key=lambda pair: (-traffic[pair], pair))
    return sorted(_needed_pairs(instance).union(by_traffic[: DEMAND_PAIRS * len(instance.site_ids)]))


def _needed_pairs(instance: Instance) -> set[tuple[int, int]]:
    """Pairs of sites with LSPs to which few hops or little latency are allowed."""
    few_hops = instance.scenario.policy.max_ip_hops < HOPS_WITHOUT_DIRECT
    return {
        (min(lsp.a, lsp.b), max(lsp.a, lsp.b))
        for lsp in instance.lsps
        if few_hops or lsp.promise.max_latency_ms is not None or lsp.promise.backup_max_latency_ms is not None
    }


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
