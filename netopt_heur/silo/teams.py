"""The two teams of a silo: an IP team with a ruler, and an optical team with the fiber map.

The IP team knows the sites, the demands, the catalogue and the wave offers. It guesses what a lightpath costs
from the straight line between its ends and one average price per slot and km, and gets its backups by links
and routers of its own layer. The optical team routes each ordered link on fibers, 1+1 wherever two routes
without a common group exist.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from netopt_heur.candidate_routes import ALL_PAIRS_UP_TO, NEIGHBOURS
from netopt_heur.instance import F64, I64, Instance, Lsp, words_of
from netopt_heur.route_modes import RouteTable
from netopt_heur.scenario.network import DETOUR
from netopt_heur.scenario.origins import great_circle_km
from netopt_heur.silo.links import SiloLink, end_worth, offer_link, routed_link
from netopt_kernels.modules import cheapest_modules
from netopt_kernels.paths import k_shortest_paths, srlg_disjoint_pair

DISJOINT_K = 8  # paths the disjoint-pair kernel enumerates before its fallback


class IpTeam:
    """Draws up the links an IP team can think of, with its guesses of price and latency.

    Parameters
    ----------
    instance
        The problem; fibers and shared-risk groups are not looked at.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        sites = instance.scenario.sites
        ends = [int(s) for s in np.flatnonzero(instance.router & instance.add_drop)]
        self._km = {
            (a, b): DETOUR * great_circle_km(sites[a], sites[b])
            for i, a in enumerate(ends)
            for b in ends[i + 1 :]
        }
        self._pairs = sorted(self._km)
        if len(ends) > ALL_PAIRS_UP_TO:
            self._pairs = self._near_or_wanted(ends)

    def links(self, slot_km_worth: float, legs: float, offer_units: I64) -> list[SiloLink]:
        """All links, priced.

        Parameters
        ----------
        slot_km_worth
            The optical team's average price of one slot over one km.
        legs
            Average number of optical routes under a link, 1 to 2.
        offer_units
            int64[n_offers], wave units still for sale.
        """
        instance, modes = self.instance, self.instance.modes
        first_link = instance.n_groups + len(instance.site_ids)
        ports = end_worth(instance)
        found = []
        for a, b in self._pairs:
            km = self._km[a, b]
            regens = np.maximum(0.0, np.ceil(km / modes.reach_km) - 1)
            optics = 2 * modes.worth + regens * modes.regenerator_worth + slot_km_worth * km * modes.slots
            worth = ports + legs * optics
            latency = instance.scenario.latency
            fixed_ms = 2 * latency.lightpath_end_ms
            if np.isfinite(worth).any():
                found.append(
                    SiloLink(
                        a, b, (), -1, worth, modes.rate_gbps, 0.0, 1 << 30,
                        km * latency.us_per_km / 1000.0 + fixed_ms, (0,), 0,
                    )
                )  # fmt: skip
        for index in range(len(instance.offers)):
            offer = offer_link(instance, index, int(offer_units[index]))
            if offer is not None:
                found.append(offer)
        sites = [instance.site_component(x.a) | instance.site_component(x.b) for x in found]
        return [
            replace(link, legs=(ends | 1 << (first_link + key),), down_states=1 << (1 + key))
            for key, (link, ends) in enumerate(zip(found, sites, strict=True))
        ]

    def lsps(self) -> list[Lsp]:
        """LSPs as this team protects them: a backup on other links and routers for all that must survive."""
        found = []
        for lsp in self.instance.lsps:
            protected = lsp.promise.protection != "none"
            promise = replace(
                lsp.promise,
                protection="disjoint" if protected else "none",
                node_disjoint=protected,
                min_availability=0.0,
            )
            found.append(replace(lsp, promise=promise))
        return found

    def _near_or_wanted(self, ends: Sequence[int]) -> list[tuple[int, int]]:
        """Near neighbours and pairs with demands: a mesh of hundreds of routers is nobody's plan."""
        wanted = {(min(x.a, x.b), max(x.a, x.b)) for x in self.instance.lsps}
        pairs = {pair for pair in wanted if pair in self._km}
        for a in ends:
            near = sorted((self._km[min(a, b), max(a, b)], b) for b in ends if b != a)
            pairs.update((min(a, b), max(a, b)) for _, b in near[:NEIGHBOURS])
        return sorted(pairs)


class OpticalTeam:
    """Routes ordered links on fibers, at spectrum prices.

    Parameters
    ----------
    instance, routes
        The problem, and a cache of what its routes can carry.
    slot_price
        float64[n_fibers], cost per slot.
    crowded
        Fibers that ran out of pairs: no 1+1 over these.
    """

    def __init__(
        self, instance: Instance, routes: RouteTable, slot_price: F64, crowded: Collection[int]
    ) -> None:
        self.instance, self.routes, self.slot_price = instance, routes, slot_price
        self.crowded = crowded
        reach_km = float(instance.modes.reach_km.max(initial=0.0))
        usable = instance.length_km <= reach_km
        by_price = np.where(usable, slot_price + 1e-9 * instance.length_km, math.inf)
        self._weights = (np.where(usable, instance.length_km, math.inf), by_price)
        self._group_words = words_of(
            [c & instance.group_mask for c in instance.fiber_components] or [0], instance.n_groups
        )

    def link(self, a: int, b: int, required_gbps: float, *, protected: bool) -> SiloLink | None:
        """Cheapest way to carry a load from ``a`` to ``b``: 1+1 if wanted and possible, else one route."""
        found = self._cheapest(a, self._pairs(a, b), required_gbps) if protected else None
        return found or self._cheapest(a, self._singles(a, b), required_gbps)

    def _cheapest(
        self, a: int, options: Iterator[tuple[tuple[int, ...], ...]], required_gbps: float
    ) -> SiloLink | None:
        policy, modes = self.instance.scenario.policy, self.instance.modes
        best: tuple[float, SiloLink] | None = None
        for option in options:
            if any(len(fibers) > policy.max_link_hops for fibers in option):
                continue
            link = routed_link(self.instance, [self.routes.modes(a, fibers) for fibers in option])
            if link is None:
                continue
            per_slot = sum(float(self.slot_price[list(fibers)].sum()) for fibers in option)
            worth = link.worth + per_slot * modes.slots
            need_gbps = max(required_gbps / policy.max_utilisation, 1e-6)
            _, total = cheapest_modules(need_gbps, link.rate_gbps, worth, float(modes.rate_gbps.min()))
            if math.isfinite(total) and (best is None or total < best[0]):
                best = (total, link)
        return None if best is None else best[1]

    def _pairs(self, a: int, b: int) -> Iterator[tuple[tuple[int, ...], ...]]:
        graph = self.instance.graph
        for weight in self._weights:
            status, first, n_first, second, n_second, _ = srlg_disjoint_pair(
                graph.first_arc, graph.head, graph.arc_edge, weight, self.instance.length_km,
                self._group_words, a, b, DISJOINT_K, math.inf, math.inf, False,
            )  # fmt: skip
            fibers = {*first[:n_first].tolist(), *second[:n_second].tolist()}
            if status in (1, 2) and fibers.isdisjoint(self.crowded):
                yield tuple(first[:n_first].tolist()), tuple(second[:n_second].tolist())

    def _singles(self, a: int, b: int) -> Iterator[tuple[tuple[int, ...], ...]]:
        graph, most = self.instance.graph, self.instance.scenario.policy.max_link_hops
        for weight in self._weights:
            count, edges, hops, _ = k_shortest_paths(
                graph.first_arc, graph.head, graph.arc_edge, weight, a, b, 1, math.inf, most
            )
            if count:
                yield (tuple(edges[0, : hops[0]].tolist()),)
