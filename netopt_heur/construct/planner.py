"""From spectrum prices to a complete design: circuits, transfers, IP layer, modules, wavelengths."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netopt_heur.candidates import LinkPool, RouteTable
from netopt_heur.construct.circuits import CircuitPlanner
from netopt_heur.construct.ip_layer import IpLayer, IpPlanner, Stop
from netopt_heur.construct.transfers import valley_rates
from netopt_heur.construct.wavelengths import assign_wavelengths
from netopt_heur.design import Design
from netopt_heur.instance import F64, I64, Instance

EXPECTED_FILL = 0.3  # share of a pair's slots thought to be in use when nothing is known yet
MAX_TABLE_UNITS = 256


@dataclass(frozen=True)
class Construction:
    """A complete design and what was learnt from it."""

    design: Design
    slot_price: F64  # seen in this design: cost of each fiber over the slots in use on it
    layer: IpLayer
    link_price: F64
    blocked_fibers: Counter[int]


class Planner:
    """Constructs designs; a new set of spectrum prices gives a new design.

    Parameters
    ----------
    instance
        The problem.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.routes = RouteTable(instance)
        self.pool = LinkPool(instance, self.routes)
        self.rates = valley_rates(instance)
        peak_gbps = float(instance.samples.max(axis=2, initial=0.0).sum())
        peak_gbps += sum(float(r.max()) for r in self.rates.values())
        units = math.ceil(peak_gbps / self.pool.unit_gbps) + 1
        self._table_units = max(8, min(MAX_TABLE_UNITS, units))

    def first_prices(self) -> F64:
        """Spectrum prices before any design exists; cost per slot and fiber, float64[n_fibers]."""
        instance = self.instance
        fresh = instance.pair_worth + np.where(instance.candidate, instance.build_worth, 0.0)
        paid = (instance.lit_pairs > 0) & ~instance.candidate
        price: F64 = np.where(paid, 0.1 * fresh, fresh) / (instance.scenario.spectrum.slots * EXPECTED_FILL)
        return price

    def construct(
        self,
        slot_price: F64,
        order: Sequence[int],
        circuit_order: Sequence[int],
        *,
        slope_rounds: int,
        regroom_rounds: int,
        stop: Stop,
        noise: F64 | None = None,
        start: IpLayer | None = None,
    ) -> Construction:
        """Build one design at the given prices.

        Parameters
        ----------
        slot_price
            float64[n_fibers], cost per slot.
        order, circuit_order
            Order in which LSPs and circuits are routed.
        slope_rounds, regroom_rounds
            Effort in the IP layer.
        stop
            Cuts improvement short; the design is complete all the same.
        noise
            float64[n_links], factors on the first link prices.
        start
            Improve this layer instead of routing from nothing.
        """
        design = Design.empty(self.instance)
        circuits = self._place_circuits(design, slot_price, circuit_order)
        offer_units = circuits.offer_units
        design.rates_gbps = dict(self.rates)
        prices = self.pool.price(slot_price, offer_units, self._table_units)
        ip = IpPlanner(self.instance, self.pool, prices, self.rates, stop)
        link_price = prices.per_gbps * (1.0 if noise is None else noise)
        if start is None:
            layer, link_price = ip.slope_scaling(link_price, order, slope_rounds)
        else:
            layer = start
        for _ in range(regroom_rounds):
            before = layer.worth
            layer = ip.regroom(layer, order)
            if stop() or layer.worth >= before:
                break
        self._install(design, layer, ip, slot_price, offer_units)
        used_slots, blocked = assign_wavelengths(design)
        blocked.update(circuits.blocked_fibers)
        return Construction(
            design, self._seen_prices(design, used_slots, slot_price), layer, link_price, blocked
        )

    def _place_circuits(self, design: Design, slot_price: F64, order: Sequence[int]) -> CircuitPlanner:
        planner = CircuitPlanner(self.instance, self.routes, slot_price)
        for index in order:
            found = planner.plan(self.instance.circuits[index])
            if found is not None:
                design.working[index], design.protection[index] = found
        return planner

    def _install(
        self, design: Design, layer: IpLayer, ip: IpPlanner, slot_price: F64, offer_units: I64
    ) -> None:
        """Buy modules for what the links must carry; LSPs of links that cannot be bought stay unrouted."""
        evaluator = ip.evaluator(layer)
        dead = set()
        left = offer_units.copy()
        for key in sorted(evaluator.design.links):
            if not evaluator.members(key):
                continue
            offer = self.pool.links[key].offer
            units = int(left[offer]) if offer >= 0 else 0
            link = self.pool.install(key, evaluator.required_gbps(key), slot_price, units)
            if link is None:
                dead.add(key)
                continue
            if offer >= 0:
                left[offer] -= len(link.legs[0].units)
            design.links[key] = link
        for index, (primary, backup) in enumerate(zip(layer.primary, layer.backup, strict=True)):
            if primary is not None and dead.isdisjoint((*primary, *(backup or ()))):
                design.primary[index], design.backup[index] = primary, backup
        used = {key for path in (*design.primary, *design.backup) for key in path or ()}
        design.links = {key: link for key, link in design.links.items() if key in used}

    def _seen_prices(self, design: Design, used_slots: F64, slot_price: F64) -> F64:
        instance = self.instance
        new_pairs = np.maximum(0, design.pairs - instance.lit_pairs)
        spent = new_pairs * instance.pair_worth + design.built * instance.build_worth
        seen = spent / np.maximum(used_slots, 1.0)
        return np.where(used_slots > 0, seen, slot_price)
