"""Candidate links for pairs of sites whose link lost a route, and what LSPs may still use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np

from netopt_heur.candidates import (
    LinkCandidate,
    LinkPool,
    fiber_links,
    link_end_worth,
    protected_link,
)
from netopt_heur.construct.grooming_arrays import with_all_links
from netopt_heur.design import Channel, DesignLeg, DesignLink
from netopt_heur.evaluator import leg_latency_ms
from netopt_heur.instance import Instance
from netopt_heur.link_prices import LinkPrices
from netopt_heur.replan.prepare import LATENCY_TOLERANCE_MS, Prepared, units_left
from netopt_heur.route_modes import RouteTable
from netopt_kernels import grooming_state
from netopt_kernels.paths import k_shortest_paths


@dataclass(frozen=True)
class NewRoutes:
    """A pool for a changed instance; those of its links from ``first_new`` on were no candidates before."""

    pool: LinkPool
    prices: LinkPrices
    arrays: grooming_state.Pool
    first_new: int

    def restored(self, link: DesignLink, left: DesignLeg) -> tuple[int, DesignLink] | None:
        """A 1+1 link again, with its key: the leg that is left, and a new one without wavelengths yet."""
        for key in range(self.first_new, len(self.pool.links)):
            found = self.pool.links[key]
            if (found.a, found.b) != (link.a, link.b) or found.route is None or found.second is None:
                continue
            if found.route.fibers != left.fibers or found.partner is None:
                continue
            modes = [channel.mode for channel in left.channels]
            slow = leg_latency_ms(self.pool.instance, left) > found.latency_ms + LATENCY_TOLERANCE_MS
            if slow or not np.isfinite(found.worth[modes]).all():
                continue
            partners = [int(found.partner[mode]) for mode in modes]
            channels = tuple(Channel(mode, found.second.regens[mode]) for mode in partners)
            other = DesignLeg(found.second.fibers, found.second.sites, channels)
            return key, DesignLink(link.a, link.b, (left, other))
        return None


def new_routes(
    prepared: Prepared, instance: Instance, broken: Sequence[DesignLink], lost: set[int]
) -> NewRoutes:
    """The pool with the best routes left for links that lost one, among them 1+1 around the leg left."""
    planner = prepared.planner
    pool, prices, arrays = planner.pool.on(instance), prepared.prices, prepared.arrays
    n_known = len(pool.links)
    pairs = sorted({(min(link.a, link.b), max(link.a, link.b)) for link in broken})
    found = [link for link in fiber_links(instance, planner.routes, pairs) if not pool.same_route(link)]
    for link in broken:
        left = [leg for leg in link.legs if leg.offer < 0 and lost.isdisjoint(leg.fibers)]
        if len(link.legs) == 2 and left:
            found += _around(instance, planner.routes, left[0])
    if not found:
        return NewRoutes(pool, prices, arrays, n_known)
    more = LinkPool(instance, planner.routes, found, pool.unit_gbps)
    left_units = units_left(prepared.design)
    prices = prices.joined(more.price(prepared.slot_price, left_units, prices.table.shape[1] - 1))
    pool = pool.joined(more)
    arrays = arrays._replace(
        link_a=pool.a,
        link_b=pool.b,
        latency_ms=pool.hop_latency_ms,
        down=pool.state_words,
        lasting=pool.lasting,
        components=pool.component_words,
        table=prices.table,
        idle=prices.per_gbps,
    )
    return NewRoutes(pool, prices, with_all_links(arrays, pool), n_known)


def _around(instance: Instance, routes: RouteTable, leg: DesignLeg) -> list[LinkCandidate]:
    """The 1+1 link on a leg's route and the shortest one that shares no group with it."""
    groups = reduce(or_, (instance.fiber_components[fiber] for fiber in leg.fibers))
    apart = np.array([not components & groups for components in instance.fiber_components], dtype=np.bool_)
    reach_km = float(instance.modes.reach_km.max(initial=0.0))
    usable = apart & (instance.max_pairs > 0) & (instance.length_km <= reach_km)
    graph, most_hops = instance.graph, instance.scenario.policy.max_link_hops
    weight = np.where(usable, instance.length_km, math.inf)
    a, b = leg.sites[0], leg.sites[-1]
    count, edges, hops, _ = k_shortest_paths(
        graph.first_arc, graph.head, graph.arc_edge, weight, a, b, 1, math.inf, most_hops
    )
    if not count:
        return []
    other = tuple(edges[0, : hops[0]].tolist())
    route, second = routes.modes(a, leg.fibers), routes.modes(a, other)
    return list(protected_link(instance, route, second, link_end_worth(instance)))
