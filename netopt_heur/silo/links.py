"""IP links as siloed teams see them: guessed from straight lines, or ordered on fiber routes, perhaps 1+1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from netopt_heur.design import Channel, DesignLeg, DesignLink
from netopt_heur.instance import F64, Graph, Instance, words_of
from netopt_heur.route_modes import RouteModes
from netopt_kernels.modules import cheapest_modules, module_cost_steps

MAX_TABLE_UNITS = 256


@dataclass(frozen=True)
class SiloLink:
    """One IP link: on paper only (no route), on one fiber route, on two (1+1), or on a wave offer."""

    a: int
    b: int
    routes: tuple[RouteModes, ...]
    offer: int
    worth: F64  # per module, all legs, ports and chassis share; without spectrum where there are routes
    rate_gbps: F64
    setup_worth: float
    max_modules: int
    latency_ms: float
    legs: tuple[int, ...]  # components per leg
    down_states: int

    @property
    def all_components(self) -> int:
        """Components of all legs: what another path must avoid to be disjoint."""
        return reduce(int.__or__, self.legs)


class Prices:
    """Cost of carrying a load on each link, from tables.

    Parameters
    ----------
    table
        float64[n_links, units + 1], cost to cover that many units.
    unit_gbps
        Size of a unit.
    max_utilisation
        Share of the capacity that load may take.
    """

    def __init__(self, table: F64, unit_gbps: float, max_utilisation: float) -> None:
        self._table = table
        self._units_per_gbps = 1.0 / (unit_gbps * max_utilisation)
        self._last = table.shape[1] - 1
        self._rows = np.arange(table.shape[0])
        filled = table[:, 1:] / np.arange(1, self._last + 1)
        self.per_gbps: F64 = filled.min(axis=1) * self._units_per_gbps  # at the best fill

    def of(self, load_gbps: F64) -> F64:
        """Cost of every link at its own load; float64[n_links]."""
        units = np.ceil(load_gbps * self._units_per_gbps - 1e-9)
        capped = np.clip(units, 0, self._last).astype(np.int64)
        # beyond the table: in proportion
        cost: F64 = self._table[self._rows, capped] * np.maximum(1.0, units / self._last)
        return cost


class LinkTable:
    """IP links as arrays; a link's index is its key.

    Parameters
    ----------
    instance
        The problem.
    links
        The links.
    on_paper
        Whether components and states are those of an IP team that knows sites and its own links only:
        component ``n_groups + n_sites + key`` and state ``1 + key`` are link ``key`` itself.
    """

    def __init__(self, instance: Instance, links: Sequence[SiloLink], *, on_paper: bool) -> None:
        self.instance, self.links, self.on_paper = instance, list(links), on_paper
        self.n_components = instance.n_groups + len(instance.site_ids) + (len(links) if on_paper else 0)
        self.n_states = 1 + len(links) if on_paper else len(instance.state_names)
        self.a = np.array([x.a for x in links], dtype=np.int64)
        self.b = np.array([x.b for x in links], dtype=np.int64)
        self.graph = Graph.build(len(instance.site_ids), self.a, self.b)
        hop_ms = instance.scenario.latency.router_hop_ms
        self.hop_latency_ms = np.array([x.latency_ms + hop_ms for x in links], dtype=np.float64)
        self.components = [x.all_components for x in links]
        self.component_words = words_of(self.components, self.n_components)
        self.down_states = [x.down_states for x in links]
        self.state_words = words_of(self.down_states, self.n_states)
        self.unit_gbps = _unit_gbps(instance)
        self._direct: dict[tuple[int, int], list[int]] = {}
        for key, link in enumerate(self.links):
            self._direct.setdefault((min(link.a, link.b), max(link.a, link.b)), []).append(key)

    def direct(self, a: int, b: int) -> list[int]:
        """Links that join two sites."""
        return self._direct.get((min(a, b), max(a, b)), [])

    def site_down_states(self, site: int) -> int:
        """Failure states that hit a site itself."""
        return 0 if self.on_paper else self.instance.states_down(self.instance.site_component(site))

    def prices(self, slot_price: F64, peak_gbps: float) -> Prices:
        """Cost tables of all links at given spectrum prices, for loads up to about ``peak_gbps``."""
        units = max(8, min(MAX_TABLE_UNITS, math.ceil(peak_gbps / self.unit_gbps) + 1))
        table = np.empty((len(self.links), units + 1))
        for key, link in enumerate(self.links):
            worth = self._module_worth(link, slot_price)
            table[key] = module_cost_steps(link.rate_gbps, worth, self.unit_gbps, units)
            table[key, 1:] += link.setup_worth
            if link.offer >= 0:
                most = link.max_modules * float(link.rate_gbps.max()) / self.unit_gbps
                table[key, math.floor(most + 1e-9) + 1 :] = math.inf
        return Prices(table, self.unit_gbps, self.instance.scenario.policy.max_utilisation)

    def install(self, key: int, required_gbps: float, slot_price: F64, units_left: int) -> DesignLink | None:
        """Cheapest modules that carry ``required_gbps``, without wavelengths; None if they cannot be had."""
        link = self.links[key]
        need_gbps = max(required_gbps / self.instance.scenario.policy.max_utilisation, self.unit_gbps * 1e-6)
        worth = self._module_worth(link, slot_price)
        counts, total = cheapest_modules(need_gbps, link.rate_gbps, worth, self.unit_gbps)
        if not math.isfinite(total):
            return None
        if link.offer >= 0:
            units = tuple(unit for unit in range(len(counts)) for _ in range(counts[unit]))
            if len(units) > units_left:
                fastest = int(np.argmax(np.where(np.isfinite(worth), link.rate_gbps, 0.0)))
                units = (fastest,) * math.ceil(need_gbps / float(link.rate_gbps[fastest]) - 1e-9)
            if len(units) > units_left:
                return None
            return DesignLink(link.a, link.b, (DesignLeg((), (link.a, link.b), (), link.offer, units),))
        legs = []
        for route in link.routes:
            channels = [Channel(m, route.regens[m]) for m in range(len(counts)) for _ in range(counts[m])]
            legs.append(DesignLeg(route.fibers, route.sites, tuple(channels)))
        return DesignLink(link.a, link.b, tuple(legs))

    def _module_worth(self, link: SiloLink, slot_price: F64) -> F64:
        if not link.routes:
            return link.worth
        per_slot = sum(float(slot_price[list(route.fibers)].sum()) for route in link.routes)
        worth: F64 = link.worth + per_slot * self.instance.modes.slots
        return worth


def end_worth(instance: Instance) -> F64:
    """Two router ports with their share of a chassis, per mode; inf where no port is fast enough."""
    modes = instance.modes
    share = chassis_share(instance)
    worth: F64 = 2 * (modes.port_worth + np.nan_to_num(modes.port_gbps, posinf=0.0) * share)
    return worth


def chassis_share(instance: Instance) -> float:
    """Chassis cost per Gb/s of port at the best fill."""
    steps = instance.scenario.catalogue.chassis
    return min((instance.worth(c.price) / c.capacity_gbps for c in steps), default=0.0)


def routed_link(instance: Instance, routes: Sequence[RouteModes]) -> SiloLink | None:
    """Link on one route, or on two (1+1: the same modes on both); None if no mode runs on all of them."""
    worth = end_worth(instance)
    latency_ms = np.zeros(len(worth))
    for route in routes:
        worth = worth + route.worth
        latency_ms = np.maximum(latency_ms, route.latency_ms)
    if not np.isfinite(worth).any():
        return None
    rates = instance.modes.rate_gbps
    cheapest = int(np.argmin(np.where(np.isfinite(worth), worth / rates, math.inf)))
    bound_ms = float(latency_ms[cheapest])
    legs = tuple(instance.route_components(route.fibers, route.sites) for route in routes)
    down = reduce(int.__and__, (instance.states_down(leg) for leg in legs))
    return SiloLink(
        a=routes[0].sites[0],
        b=routes[0].sites[-1],
        routes=tuple(routes),
        offer=-1,
        worth=np.where(latency_ms <= bound_ms, worth, math.inf),
        rate_gbps=rates,
        setup_worth=0.0,
        max_modules=1 << 30,
        latency_ms=bound_ms,
        legs=legs,
        down_states=down,
    )


def offer_link(instance: Instance, index: int, units_left: int) -> SiloLink | None:
    """Link on a wave offer; None if it cannot end on routers, or is sold out."""
    offer = instance.offers[index]
    if units_left <= 0 or not (instance.router[offer.a] and instance.router[offer.b]):
        return None
    share = chassis_share(instance)
    worth = []
    for rate, unit in zip(offer.rates_gbps, offer.unit_worth, strict=True):
        ports = [
            (instance.worth(p.price), p.rate_gbps)
            for p in instance.scenario.catalogue.ports
            if p.rate_gbps >= rate
        ]
        port_worth, port_gbps = min(ports, default=(math.inf, 0.0))
        worth.append(unit + 2 * (port_worth + port_gbps * share))
    if not np.isfinite(worth).any():
        return None
    return SiloLink(
        a=offer.a,
        b=offer.b,
        routes=(),
        offer=index,
        worth=np.array(worth, dtype=np.float64),
        rate_gbps=np.array(offer.rates_gbps, dtype=np.float64),
        setup_worth=offer.setup_worth,
        max_modules=units_left,
        latency_ms=offer.latency_ms,
        legs=(offer.components,),
        down_states=instance.states_down(offer.components),
    )


def _unit_gbps(instance: Instance) -> float:
    """A unit that all module rates are multiples of, if it is not absurdly small."""
    rates = {float(r) for r in instance.modes.rate_gbps}
    rates |= {float(rate) for offer in instance.offers for rate in offer.rates_gbps}
    if not rates:
        return 1.0
    return max(reduce(math.gcd, (round(rate * 10) for rate in rates)) / 10.0, min(rates) / 8.0)
