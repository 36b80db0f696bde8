"""Candidates: what each fiber route can carry at what price, and the pool of IP links worth considering."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_, or_

import numpy as np
from numpy.typing import NDArray

from netopt_heur.candidate_routes import (
    PairRoutes,
    all_routes,
    hub_routes,
    protects,
    routes_over,
    usable_km,
)
from netopt_heur.design import DesignLeg, DesignLink
from netopt_heur.distances import distances
from netopt_heur.hubs import Hubs, hubs_of
from netopt_heur.instance import F64, I64, Graph, Instance, words_of
from netopt_heur.link_prices import LinkPrices, PriceTables
from netopt_heur.route_modes import RouteModes, RouteTable
from netopt_kernels.modules import cheapest_modules, module_cost_tables

MIXED_UNITS = 32  # wave units of different products that are combined by enumeration
SITES_WITHOUT_HUBS = 150  # up to here, links between any two sites are candidates


@dataclass(frozen=True)
class LinkCandidate:
    """One IP link the planner may install: a fiber route, two of them (1+1), or a wave offer.

    Attributes
    ----------
    route
        The fiber route; None for a wave offer.
    worth, rate_gbps
        Per module (line mode or wave unit), with ports and a share of chassis; worth inf = unusable.
    second, partner
        For 1+1 the second route, and the mode of the same rate on it for each mode of the first.
    legs
        Components of each leg.
    """

    a: int
    b: int
    route: RouteModes | None
    offer: int
    worth: F64
    rate_gbps: F64
    setup_worth: float
    max_modules: int
    latency_ms: float
    legs: tuple[int, ...]
    second: RouteModes | None = None
    partner: I64 | None = None

    @property
    def fibers(self) -> tuple[int, ...]:
        """All fibers under the link."""
        return tuple(f for route in (self.route, self.second) if route is not None for f in route.fibers)


@dataclass(frozen=True)
class _Routed:
    """Candidates on fiber: their indices, cost and slots per mode, and the units that their fibers hold."""

    links: I64
    worth: F64
    second_slots: I64  # of the partner mode on the second route of a 1+1 link, else 0
    most_units: I64


@dataclass(frozen=True)
class _Making:
    """A candidate's fibers, the most modules of each mode that they hold, and links made of some modules."""

    fibers: I64
    second_fibers: I64
    most: I64
    made: dict[tuple[int, ...], DesignLink]


class LinkPool:
    """The candidate IP links as arrays; a link's index here is its key in the design.

    Parameters
    ----------
    instance
        The problem.
    routes
        Cache shared with the circuits' planner.
    links, unit_gbps
        Candidates to use, and their unit of capacity, instead of all those worth considering.
    """

    def __init__(
        self,
        instance: Instance,
        routes: RouteTable,
        links: Sequence[LinkCandidate] | None = None,
        unit_gbps: float | None = None,
    ) -> None:
        self.instance = instance
        self._tables: PriceTables | None = None
        self._makings: dict[int, _Making] = {}
        self.hubs: Hubs | None = None
        if links is None:
            if len(instance.site_ids) > SITES_WITHOUT_HUBS:
                self.hubs = hubs_of(instance, usable_km(instance))
            links = [*fiber_links(instance, routes, hubs=self.hubs), *_offer_links(instance)]
        self.links = list(links)
        self.unit_gbps = _unit_gbps(self.links) if unit_gbps is None else unit_gbps
        self.a = np.array([x.a for x in links], dtype=np.int64)
        self.b = np.array([x.b for x in links], dtype=np.int64)
        self.graph = Graph.build(len(instance.site_ids), self.a, self.b)
        self.latency_ms = np.array([x.latency_ms for x in links], dtype=np.float64)
        self.hop_latency_ms = self.latency_ms + instance.scenario.latency.router_hop_ms
        self.legs = [x.legs for x in links]
        self.protected = np.array([x.second is not None for x in links], dtype=np.bool_)
        self.components = [reduce(or_, legs) for legs in self.legs]
        self.component_words = words_of(self.components, instance.n_groups + len(instance.site_ids))
        down_by = {leg: instance.states_down(leg) for leg in {leg for legs in self.legs for leg in legs}}
        states = [reduce(and_, (down_by[leg] for leg in legs)) for legs in self.legs]
        self.down_states = states
        site_down = [
            instance.states_down(instance.site_component(site)) for site in range(len(instance.site_ids))
        ]
        self.lasting = np.array(
            [down & ~(site_down[x.a] | site_down[x.b]) == 0 for down, x in zip(states, links, strict=True)],
            dtype=np.bool_,
        )  # whether no state takes the link down but those of its ends
        self.state_words = words_of(states, len(instance.state_names))
        self._direct: dict[tuple[int, int], list[int]] = {}
        for index, link in enumerate(links):
            self._direct.setdefault((min(link.a, link.b), max(link.a, link.b)), []).append(index)

    def direct(self, a: int, b: int) -> list[int]:
        """Candidates that join ``a`` and ``b``."""
        return self._direct.get((min(a, b), max(a, b)), [])

    @cached_property
    def _neighbours(self) -> tuple[Graph, I64, I64]:
        """Sites that links join, each two of them once; links in the order of these edges; their firsts."""
        ends = np.minimum(self.a, self.b), np.maximum(self.a, self.b)
        order = np.lexsort(ends)
        a, b = (end[order] for end in ends)
        first = np.flatnonzero(np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))[: len(order)])
        return Graph.build(len(self.instance.site_ids), a[first], b[first]), order, first

    def distances(self, weight: F64) -> F64:
        """Least total weight (float64[n_links], not negative) of IP paths between all sites."""
        graph, order, first = self._neighbours
        return distances(graph, np.minimum.reduceat(weight[order], first) if len(first) else weight)

    @cached_property
    def least_latency_ms(self) -> F64:
        """Least latency of IP paths between all sites, router hops included; float64[n, n]."""
        return self.distances(self.hop_latency_ms)

    def on(self, instance: Instance) -> LinkPool:
        """The same candidates for an instance with other demands, ranks or numbers of pairs."""
        pool = copy.copy(self)
        pool.instance = instance
        pool.__dict__.pop("_routed", None)  # depends on the pairs
        pool._tables, pool._makings = None, {}
        return pool

    def joined(self, other: LinkPool) -> LinkPool:
        """These candidates under their keys, and those of ``other`` after them."""
        pool = LinkPool.__new__(LinkPool)
        pool.instance, pool.unit_gbps = self.instance, self.unit_gbps
        pool.hubs, pool._tables, pool._makings = self.hubs, None, {}
        for name in ("links", "legs", "components", "down_states"):
            setattr(pool, name, getattr(self, name) + getattr(other, name))
        arrays = ("a", "b", "latency_ms", "hop_latency_ms", "protected", "lasting")
        for name in (*arrays, "component_words", "state_words"):
            setattr(pool, name, np.concatenate((getattr(self, name), getattr(other, name))))
        pool.graph = Graph.build(len(self.instance.site_ids), pool.a, pool.b)
        pool._direct = dict(self._direct)
        for pair, keys in other._direct.items():
            pool._direct[pair] = [*self._direct.get(pair, ()), *(len(self.links) + key for key in keys)]
        return pool

    def same_route(self, link: LinkCandidate) -> bool:
        """Whether a link of the pool has the same routes as this candidate."""
        known = (self.links[key] for key in self.direct(link.a, link.b))
        return any((x.route, x.second) == (link.route, link.second) for x in known)

    def over(self, fibers: I64) -> I64:
        """Candidates with a route over one of the fibers, in increasing order."""
        owners = [owner[np.isin(on, fibers)] for on, owner in self._route_entries]
        return np.unique(np.concatenate(owners))

    @cached_property
    def _route_entries(self) -> tuple[tuple[I64, I64], tuple[I64, I64]]:
        """Fibers of all first and of all second routes, each with the links that they belong to."""
        first = [(f, i) for i, x in enumerate(self.links) for f in (x.route.fibers if x.route else ())]
        second = [(f, i) for i, x in enumerate(self.links) for f in (x.second.fibers if x.second else ())]
        columns = [np.array(entries, dtype=np.int64).reshape(-1, 2).T for entries in (first, second)]
        return (columns[0][0], columns[0][1]), (columns[1][0], columns[1][1])

    @cached_property
    def _leased(self) -> I64:
        """Candidates that are wave offers."""
        return np.array([i for i, link in enumerate(self.links) if link.route is None], dtype=np.int64)

    @cached_property
    def _routed(self) -> _Routed:
        modes, spectrum = self.instance.modes, self.instance.scenario.spectrum
        links = [i for i, link in enumerate(self.links) if link.route is not None]
        pairs = [int(self.instance.max_pairs[list(self.links[i].fibers)].min()) for i in links]
        channels = np.array(pairs, dtype=np.int64)[:, None] * (spectrum.slots // modes.slots)
        worth = np.array([self.links[i].worth for i in links]).reshape(len(links), len(modes.ids))
        most_gbps = np.where(np.isfinite(worth), channels * modes.rate_gbps, 0.0).max(axis=1, initial=0.0)
        second_slots = np.zeros((len(links), len(modes.ids)), dtype=np.int64)
        for row, i in enumerate(links):
            partner = self.links[i].partner
            if partner is not None:
                second_slots[row] = modes.slots[partner]
        most_units = (most_gbps / self.unit_gbps + 1e-9).astype(np.int64)
        return _Routed(np.array(links, dtype=np.int64), worth, second_slots, most_units)

    def _worth(self, link: LinkCandidate, per_slot: float, per_slot_of_second: float) -> F64:
        """Cost of one lightpath (pair of lightpaths for 1+1) of each mode, spectrum included."""
        slots = self.instance.modes.slots
        worth: F64 = link.worth + per_slot * slots
        if link.partner is not None:
            worth = worth + per_slot_of_second * slots[link.partner]
        return worth

    def price(self, slot_price: F64, offer_units: I64, max_units: int) -> LinkPrices:
        """Cost tables of all candidates at given spectrum prices.

        Parameters
        ----------
        slot_price
            float64[n_fibers], cost units per slot on each fiber.
        offer_units
            int64[n_offers], units of each wave offer still for sale.
        max_units
            Length of the tables in units of ``unit_gbps``.
        """
        first, second = (
            np.bincount(owner, weights=slot_price[fibers], minlength=len(self.links))
            for fibers, owner in self._route_entries
        )
        routed, modes = self._routed, self.instance.modes
        worth = routed.worth + first[routed.links, None] * modes.slots
        worth += second[routed.links, None] * routed.second_slots
        if self._tables is None or not self._tables.fits(max_units):
            self._tables = PriceTables(len(self.links), max_units)
        table, least, changed = self._tables.table, self._tables.least, self._tables.changed(worth)
        links = routed.links[changed]
        module_cost_tables(
            modes.rate_gbps, worth[changed], self.unit_gbps, routed.most_units[changed], links, table, least
        )
        for index in self._leased.tolist():
            link = self.links[index]
            left = min(link.max_modules, int(offer_units[link.offer])) if link.offer >= 0 else 0
            table[index] = offer_table(link, left, self.unit_gbps, max_units)
            least[index] = (table[index, 1:] / np.arange(1, max_units + 1)).min()
        given = self._tables.give(np.concatenate((links, self._leased)), worth)
        return LinkPrices(given, least, self.unit_gbps, self.instance.scenario.policy.max_utilisation)

    def install(self, key: int, required_gbps: float, slot_price: F64, offer_units: int) -> DesignLink | None:
        """Cheapest link ``key`` that carries ``required_gbps``, without wavelengths; None if it cannot."""
        link = self.links[key]
        # a link that only carries traffic in states nobody plans for still needs one lightpath to exist
        need_gbps = max(required_gbps / self.instance.scenario.policy.max_utilisation, self.unit_gbps * 1e-6)
        if link.route is None:
            units = _offer_units(link, min(link.max_modules, offer_units), need_gbps)
            if units is None:
                return None
            return DesignLink(link.a, link.b, (DesignLeg((), (link.a, link.b), (), link.offer, units),))
        making = self._making(key)
        per_slot = float(slot_price[making.fibers].sum())
        per_slot_of_second = float(slot_price[making.second_fibers].sum())
        worth = self._worth(link, per_slot, per_slot_of_second)
        # with rates in whole units, covering ceil(need) units never falls short of the need itself
        counts, total = cheapest_modules(need_gbps, link.rate_gbps, worth, self.unit_gbps)
        if not math.isfinite(total):
            return None
        # one channel more than the fibers hold shows what is missing; absurd loads would ask for billions
        bought = tuple(np.minimum(counts, making.most).tolist())
        made = making.made.get(bought)
        if made is None:
            made = making.made[bought] = _lit(link, bought)
        return made

    def _making(self, key: int) -> _Making:
        """What is needed to install a link on fiber: searches install the same links over and over."""
        known = self._makings.get(key)
        if known is None:
            link, slots = self.links[key], self.instance.scenario.spectrum.slots
            first, second = (
                np.array(() if route is None else route.fibers, dtype=np.int64)
                for route in (link.route, link.second)
            )
            most_pairs = int(self.instance.max_pairs[list(link.fibers)].min())
            most = most_pairs * slots // self.instance.modes.slots + 1
            known = self._makings[key] = _Making(first, second, most, {})
        return known

    def bare(self, key: int) -> DesignLink:
        """Link ``key`` without channels: enough for loads and failures."""
        link = self.links[key]
        if link.route is None:
            return DesignLink(link.a, link.b, (DesignLeg((), (link.a, link.b), (), link.offer),))
        routes = [route for route in (link.route, link.second) if route is not None]
        return DesignLink(link.a, link.b, tuple(DesignLeg(route.fibers, route.sites) for route in routes))


def _lit(link: LinkCandidate, counts: tuple[int, ...]) -> DesignLink:
    """A link on fiber with so many modules of each mode."""
    bought, legs = [mode for mode, count in enumerate(counts) for _ in range(count)], []
    if link.route is not None:
        legs.append(DesignLeg(link.route.fibers, link.route.sites, link.route.channels(bought)))
    if link.second is not None and link.partner is not None:
        partners = link.partner[bought].tolist()
        legs.append(DesignLeg(link.second.fibers, link.second.sites, link.second.channels(partners)))
    return DesignLink(link.a, link.b, tuple(legs))


def link_end_worth(instance: Instance) -> F64:
    """Cost of the ports, with a share of chassis, at both ends of a lightpath of each mode."""
    modes = instance.modes
    chassis_gbps = np.nan_to_num(modes.port_gbps, posinf=0.0)
    end_worth: F64 = 2 * (modes.port_worth + chassis_gbps * _chassis_share(instance))
    return end_worth


def fiber_links(
    instance: Instance,
    routes: RouteTable,
    between: Sequence[tuple[int, int]] | None = None,
    hubs: Hubs | None = None,
) -> Iterator[LinkCandidate]:
    """Candidates on fiber: of all pairs of sites worth a link, of those given, or of a network with hubs."""
    found = all_routes(instance, between) if hubs is None else hub_routes(instance, hubs)
    yield from _links_on(instance, routes, found)


def links_over(instance: Instance, routes: RouteTable, fibers: NDArray[np.bool_]) -> Iterator[LinkCandidate]:
    """Candidates of all pairs of sites, on the best routes over some of the fibers (bool[n_fibers])."""
    yield from _links_on(instance, routes, routes_over(instance, fibers))


def _links_on(
    instance: Instance, routes: RouteTable, found_routes: Iterable[PairRoutes]
) -> Iterator[LinkCandidate]:
    """Candidates on routes and disjoint pairs; 1+1 only where something asks for protection."""
    modes, end_worth, may_protect = instance.modes, link_end_worth(instance), protects(instance)
    for a, b, found, pairs in found_routes:
        for fibers in found:
            route = routes.modes(a, fibers)
            worth = route.worth + end_worth
            if np.isfinite(worth).any():
                legs = (route.components,)
                for usable, latency_ms in _latency_classes(worth, route, modes.rate_gbps):
                    yield LinkCandidate(
                        a, b, route, -1, usable, modes.rate_gbps, 0.0, 1 << 30, latency_ms, legs
                    )
        for one, other in pairs if may_protect else ():
            yield from protected_link(instance, routes.modes(a, one), routes.modes(a, other), end_worth)


def protected_link(
    instance: Instance, route: RouteModes, second: RouteModes, end_worth: F64
) -> Iterator[LinkCandidate]:
    """The 1+1 link on two disjoint routes: own transponders on both, ports shared."""
    rate_gbps = instance.modes.rate_gbps
    rates, ends, other_worth = rate_gbps.tolist(), end_worth.tolist(), second.worth.tolist()
    partner = np.zeros(len(rates), dtype=np.int64)
    worth = np.full(len(rates), math.inf)
    latency_ms = -math.inf
    for mode, own in enumerate(route.worth.tolist()):
        if not math.isfinite(own + ends[mode]):
            continue
        other = min((m for m, rate in enumerate(rates) if rate == rates[mode]), key=other_worth.__getitem__)
        if math.isfinite(other_worth[other]):
            partner[mode] = other
            worth[mode] = own + other_worth[other] + ends[mode]
            slower_ms = max(float(route.latency_ms[mode]), float(second.latency_ms[other]))
            latency_ms = max(latency_ms, slower_ms)
    if latency_ms >= 0.0:  # some mode runs on both
        legs = (route.components, second.components)
        yield LinkCandidate(
            route.sites[0], route.sites[-1], route, -1, worth, rate_gbps, 0.0, 1 << 30, latency_ms, legs,
            second, partner,
        )  # fmt: skip


def _offer_links(instance: Instance) -> Iterator[LinkCandidate]:
    chassis_worth_per_gbps = _chassis_share(instance)
    ports = instance.scenario.catalogue.ports
    for index, offer in enumerate(instance.offers):
        if not (instance.router[offer.a] and instance.router[offer.b]) or not ports:
            continue
        worth = []
        for rate, unit in zip(offer.rates_gbps, offer.unit_worth, strict=True):
            port = min(
                ((instance.worth(p.price), p.rate_gbps) for p in ports if p.rate_gbps >= rate),
                default=(math.inf, 0.0),
            )
            worth.append(unit + 2 * (port[0] + port[1] * chassis_worth_per_gbps))
        if np.isfinite(worth).any():
            yield LinkCandidate(
                offer.a,
                offer.b,
                None,
                index,
                np.array(worth, dtype=np.float64),
                np.array(offer.rates_gbps, dtype=np.float64),
                offer.setup_worth,
                offer.max_units,
                offer.latency_ms,
                (offer.components,),
            )


def _latency_classes(worth: F64, route: RouteModes, rate_gbps: F64) -> list[tuple[F64, float]]:
    """Split modes by latency: the cheapest per Gb/s with all as fast as it, and the fastest ones."""
    latencies = route.latency_ms.tolist()
    usable = [
        (value / rate, mode)
        for mode, (value, rate) in enumerate(zip(worth.tolist(), rate_gbps.tolist(), strict=True))
        if math.isfinite(value)
    ]
    bounds_ms = {min(latencies[mode] for _, mode in usable), latencies[min(usable)[1]]}
    return [
        (np.where(route.latency_ms <= bound_ms, worth, math.inf), bound_ms)
        for bound_ms in sorted(bounds_ms, reverse=True)
    ]


def _chassis_share(instance: Instance) -> float:
    steps = instance.scenario.catalogue.chassis
    return min((instance.worth(c.price) / c.capacity_gbps for c in steps), default=0.0)


def _unit_gbps(links: Sequence[LinkCandidate]) -> float:
    """A unit that all module rates are multiples of, if it is not absurdly small."""
    if not links:
        return 1.0
    is_sold = np.isfinite(np.concatenate([x.worth for x in links]))
    rates: set[float] = set(np.concatenate([x.rate_gbps for x in links])[is_sold].tolist())
    if not rates:
        return 1.0
    least = min(rates)
    common = reduce(math.gcd, (round(rate * 10) for rate in rates)) / 10.0
    return max(min(common, least), least / 8.0)


def offer_table(link: LinkCandidate, left: int, unit_gbps: float, max_units: int) -> F64:
    """Cost to cover 0, 1, ... units with at most ``left`` wave units."""
    table = np.full(max_units + 1, math.inf)
    table[0] = 0.0
    best = np.full(max_units + 1, math.inf)
    best[0] = 0.0
    for _ in range(min(left, max_units)):
        grown = best.copy()
        for rate, worth in zip(link.rate_gbps, link.worth, strict=True):
            step = int(rate / unit_gbps + 1e-9)
            reached = np.minimum(np.arange(max_units + 1) + step, max_units)
            np.minimum.at(grown, reached, best + worth)
        if np.array_equal(grown, best):
            break
        best = grown
    cover = np.minimum.accumulate(best[::-1])[::-1]
    table[1:] = cover[1:] + link.setup_worth
    return table


def _offer_units(link: LinkCandidate, left: int, need_gbps: float) -> tuple[int, ...] | None:
    """At most ``left`` wave units (product indices) that reach ``need_gbps``.

    Cheapest up to about `MIXED_UNITS` units; beyond, the bulk is bought in the product that does it cheapest.
    """
    products = np.flatnonzero(np.isfinite(link.worth)).tolist()
    alone = [p for p in products if math.ceil(need_gbps / float(link.rate_gbps[p])) <= left]
    if not alone:
        return None
    bulk = min(alone, key=lambda p: (float(link.worth[p] / link.rate_gbps[p]), p))
    n_bulk = max(0, int(need_gbps / float(link.rate_gbps[bulk])) - MIXED_UNITS)
    need_gbps -= n_bulk * float(link.rate_gbps[bulk])
    rates, worths = link.rate_gbps[products], link.worth[products]
    short = np.zeros((1, len(products)), dtype=np.int64)  # counts that fall short, one row per choice
    best: tuple[float, tuple[int, ...]] = (math.inf, ())
    for _ in range(min(left - n_bulk, 4 * MIXED_UNITS)):
        grown = (short[:, None, :] + np.eye(len(products), dtype=np.int64)).reshape(-1, len(products))
        reached, worth = grown @ rates, grown @ worths
        options = [(float(worth[i]), tuple(grown[i].tolist())) for i in np.flatnonzero(reached >= need_gbps)]
        best = min([best, *options])
        # of equally many units, those that reach less at no lower price lead nowhere better
        order = np.lexsort((worth, -reached))
        dearer = np.minimum.accumulate(np.concatenate([[math.inf], worth[order][:-1]]))
        keep = (worth[order] < dearer) & (reached[order] < need_gbps) & (worth[order] < best[0])
        short = grown[order[keep]]
        if not len(short):
            break
    counts = dict(zip(products, best[1], strict=True))
    counts[bulk] += n_bulk
    return tuple(p for p in products for _ in range(counts[p]))
