"""Circuits: working and protection legs, optical layer only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from netopt_heur.availability import Availability
from netopt_heur.design import DesignLeg
from netopt_heur.evaluator import leg_components, leg_latency_ms, shared_components, waves_carried
from netopt_heur.instance import F64, I64, CircuitDemand, Instance
from netopt_heur.route_modes import RouteModes, RouteTable
from netopt_kernels.modules import waves_choices
from netopt_kernels.paths import k_shortest_paths, srlg_disjoint_pair

ROUTES = 12  # routes per circuit and weight
MOST_REMEMBERED = 10_000  # circuits whose routes by length are kept


@dataclass(frozen=True, slots=True)
class LegOption:
    """One way to carry a circuit's waves."""

    leg: DesignLeg
    worth: float
    latency_ms: float
    components: int


class CircuitPlanner:
    """Chooses legs for circuits one by one, cheapest first at the given spectrum prices.

    Parameters
    ----------
    instance
        The problem.
    routes
        Cache shared with the link pool.
    slot_price
        float64[n_fibers], cost units per slot.
    opening
        float64[n_fibers], cost of using a fiber at all; none by default.
    """

    def __init__(
        self, instance: Instance, routes: RouteTable, slot_price: F64, opening: F64 | None = None
    ) -> None:
        self.instance, self.routes, self.slot_price = instance, routes, slot_price
        self.opening = np.zeros_like(slot_price) if opening is None else opening
        self.availability = Availability(instance)
        self.offer_units = np.array([o.max_units for o in instance.offers], dtype=np.int64)
        self._opened_offers: set[int] = set()
        self._slots_left = instance.max_pairs * instance.scenario.spectrum.slots
        self._too_full: set[int] = set()
        self.blocked_fibers: Counter[int] = Counter()  # fibers whose slots a circuit lacked
        self._slots = instance.modes.slots.tolist()
        self._closed = frozenset(np.flatnonzero(np.isinf(slot_price)).tolist())

    def plan(
        self,
        demand: CircuitDemand,
        working: DesignLeg | None = None,
        protection: DesignLeg | None = None,
    ) -> tuple[DesignLeg, DesignLeg | None] | None:
        """Cheapest legs that keep the circuit's promise, or None; beside the one leg given, if any."""
        self._too_full.clear()
        options = self._options(demand)
        if working is None and protection is None:
            chosen = self._choose(demand, options)
        else:
            chosen = self._choose_other(demand, options, working, protection)
        if chosen is None:
            self.blocked_fibers.update(sorted(self._too_full))
            return None
        for option in chosen:
            if option.leg is not working and option.leg is not protection:
                self._reserve(option.leg)
        return chosen[0].leg, chosen[1].leg if len(chosen) == 2 else None

    def keep(self, working: DesignLeg | None, protection: DesignLeg | None) -> bool:
        """Take over existing legs, reserving what they use; False if there are none or a fiber is closed."""
        legs = [leg for leg in (working, protection) if leg is not None]
        if working is None or not all(self._closed.isdisjoint(leg.fibers) for leg in legs):
            return False
        for leg in legs:
            self._reserve(leg)
        return True

    def _choose(self, demand: CircuitDemand, options: list[LegOption]) -> tuple[LegOption, ...] | None:
        promise = demand.promise
        first_bound = math.inf if promise.max_latency_ms is None else promise.max_latency_ms
        second_bound = math.inf if promise.backup_max_latency_ms is None else promise.backup_max_latency_ms
        if promise.protection == "none":
            singles = [
                (o.worth, o.latency_ms, i)
                for i, o in enumerate(options)
                if o.latency_ms <= first_bound and self._available(demand, (o,))
            ]
            if singles:
                return (options[min(singles)[2]],)
        worth, latency_ms = np.array([(o.worth, o.latency_ms) for o in options]).reshape(-1, 2).T
        one, other = np.nonzero((latency_ms <= first_bound)[:, None] & (latency_ms <= second_bound))
        cheapest_first = np.lexsort((other, one, latency_ms[one], worth[one] + worth[other]))
        for i, j in zip(one[cheapest_first].tolist(), other[cheapest_first].tolist(), strict=True):
            if i == j:
                continue
            pair = (options[i], options[j])
            if self._protects(demand, *pair) and self._fits(pair) and self._available(demand, pair):
                return pair
        return None

    def _choose_other(
        self,
        demand: CircuitDemand,
        options: list[LegOption],
        working: DesignLeg | None,
        protection: DesignLeg | None,
    ) -> tuple[LegOption, ...] | None:
        """The leg that stays, at no cost, with the cheapest other one."""
        bounds = [
            math.inf if bound is None else bound
            for bound in (demand.promise.max_latency_ms, demand.promise.backup_max_latency_ms)
        ]
        for option in sorted(options, key=lambda x: (x.worth, x.latency_ms)):
            pair = (
                option if working is None else self._option_of(working),
                option if protection is None else self._option_of(protection),
            )
            fast = all(x.latency_ms <= bound for x, bound in zip(pair, bounds, strict=True))
            fits = fast and self._protects(demand, *pair) and self._fits(pair)
            if fits and self._available(demand, pair):
                return pair
        return None

    def _option_of(self, leg: DesignLeg) -> LegOption:
        components = leg_components(self.instance, leg)
        return LegOption(leg, 0.0, leg_latency_ms(self.instance, leg), components)

    def take(self, slots: F64, offer_units: I64) -> None:
        """Leave out what others use: slots of each fiber, units of each wave offer."""
        self._slots_left = self._slots_left - slots.astype(np.int64)
        self.offer_units -= offer_units

    def _protects(self, demand: CircuitDemand, first: LegOption, second: LegOption) -> bool:
        instance, promise = self.instance, demand.promise
        ends = (demand.a, demand.b)
        if promise.protection != "survivable" and shared_components(
            instance, [(first.components,)], [(second.components,)], ends, promise.node_disjoint
        ):
            return False
        down = instance.states_down(first.components) & instance.states_down(second.components)
        for end in ends:
            down &= ~instance.states_down(instance.site_component(end))
        return down == 0

    def _fits(self, pair: tuple[LegOption, LegOption]) -> bool:
        if pair[0].leg.offer < 0 or pair[0].leg.offer != pair[1].leg.offer:
            return True
        return len(pair[0].leg.units) + len(pair[1].leg.units) <= int(self.offer_units[pair[0].leg.offer])

    def _available(self, demand: CircuitDemand, legs: tuple[LegOption, ...]) -> bool:
        if demand.promise.min_availability <= 0.0:
            return True
        backup = [(legs[1].components,)] if len(legs) == 2 else None
        return self.availability.service([(legs[0].components,)], backup) >= demand.promise.min_availability

    def _options(self, demand: CircuitDemand) -> list[LegOption]:
        routes = [self.routes.modes(demand.a, fibers) for fibers in self._routes(demand)]
        return [*self._offer_options(demand), *(self._route_options(demand, routes) if routes else ())]

    def _route_options(self, demand: CircuitDemand, routes: Sequence[RouteModes]) -> Iterator[LegOption]:
        modes = self.instance.modes
        hops = np.array([len(route.fibers) for route in routes])
        owner = np.repeat(np.arange(len(routes)), hops)
        fibers = np.array([f for route in routes for f in route.fibers], dtype=np.int64)
        per_slot = np.bincount(owner, weights=self.slot_price[fibers], minlength=len(routes))
        opening = np.bincount(owner, weights=self.opening[fibers], minlength=len(routes)).tolist()
        slots_left = np.minimum.reduceat(self._slots_left[fibers], np.cumsum(hops) - hops).tolist()
        worth = np.array([route.worth for route in routes]) + per_slot[:, None] * modes.slots
        worth[:, modes.rate_gbps < demand.wave_gbps] = math.inf
        latency_ms = np.array([route.latency_ms for route in routes])
        number, counts, totals = waves_choices(
            demand.waves, demand.wave_gbps, modes.rate_gbps, worth, latency_ms
        )
        columns = (number, counts, totals, counts @ modes.slots)
        for i, bought, total, needed in zip(*(column.tolist() for column in columns), strict=True):
            route = routes[i]
            if slots_left[i] < needed:
                self._too_full.update(f for f in route.fibers if self._slots_left[f] < needed)
                continue
            leg, slowest_ms = route.leg(tuple(bought))
            yield LegOption(leg, total + opening[i], slowest_ms, route.components)

    def _offer_options(self, demand: CircuitDemand) -> Iterator[LegOption]:
        for index, offer in enumerate(self.instance.offers):
            if {offer.a, offer.b} != {demand.a, demand.b}:
                continue
            best: tuple[float, int, int] | None = None
            for unit, rate in enumerate(offer.rates_gbps):
                if rate >= demand.wave_gbps:
                    count = math.ceil(demand.waves / waves_carried(rate, demand.wave_gbps))
                    if count <= self.offer_units[index]:
                        option = (count * offer.unit_worth[unit], count, unit)
                        best = option if best is None else min(best, option)
            if best is None:
                continue
            setup = 0.0 if index in self._opened_offers else offer.setup_worth
            leg = DesignLeg((), (demand.a, demand.b), (), index, (best[2],) * best[1])
            yield LegOption(leg, best[0] + setup, offer.latency_ms, offer.components)

    def _routes(self, demand: CircuitDemand) -> list[tuple[int, ...]]:
        instance = self.instance
        if not instance.add_drop[[demand.a, demand.b]].all():
            return []  # leased waves alone end there
        reach_km = float(instance.modes.reach_km.max(initial=0.0))
        usable = (instance.length_km <= reach_km) & (instance.max_pairs > 0)
        key = (demand.a, demand.b, demand.promise, usable.tobytes())
        by_length = self.routes.by_length.get(key)
        if by_length is None:
            by_length = self._best_by(demand, np.where(usable, instance.length_km, math.inf))
            if len(self.routes.by_length) >= MOST_REMEMBERED:  # promises may be drawn anew for each demand
                self.routes.by_length.clear()
            self.routes.by_length[key] = by_length
        price = self.slot_price + self.opening + 1e-9 * instance.length_km
        return sorted(by_length | self._best_by(demand, np.where(usable, price, math.inf)))

    def _best_by(self, demand: CircuitDemand, weight: F64) -> set[tuple[int, ...]]:
        """Shortest routes, and for a protected circuit a pair of disjoint ones."""
        graph, n_sites = self.instance.graph, len(self.instance.site_ids)
        count, edges, hops, _ = k_shortest_paths(
            graph.first_arc, graph.head, graph.arc_edge, weight, demand.a, demand.b, ROUTES, math.inf, n_sites
        )  # fmt: skip
        found = {tuple(edges[i, : hops[i]].tolist()) for i in range(count)}
        if demand.promise.protection != "none":
            found.update(self._disjoint(demand, weight))
        return found

    def _disjoint(self, demand: CircuitDemand, weight: F64) -> list[tuple[int, ...]]:
        graph = self.instance.graph
        bounds_km = [
            math.inf if ms is None else ms / self.instance.scenario.latency.us_per_km * 1000.0
            for ms in (demand.promise.max_latency_ms, demand.promise.backup_max_latency_ms)
        ]
        status, first, n_first, second, n_second, _ = srlg_disjoint_pair(
            graph.first_arc, graph.head, graph.arc_edge, weight, self.instance.length_km,
            self.routes.group_words, demand.a, demand.b, ROUTES, bounds_km[0], bounds_km[1],
            demand.promise.node_disjoint,
        )  # fmt: skip
        if status not in (1, 2):
            return []
        return [tuple(first[:n_first].tolist()), tuple(second[:n_second].tolist())]

    def _reserve(self, leg: DesignLeg) -> None:
        if leg.offer >= 0:
            self.offer_units[leg.offer] -= len(leg.units)
            self._opened_offers.add(leg.offer)
            return
        slots = sum([self._slots[channel.mode] for channel in leg.channels])
        index: I64 = np.array(leg.fibers, dtype=np.int64)
        self._slots_left[index] -= slots
