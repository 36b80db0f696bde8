"""From spectrum prices to a complete design: circuits, transfers, IP layer, modules, wavelengths."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netopt_heur.candidates import LinkPool, links_over
from netopt_heur.construct.circuits import CircuitPlanner
from netopt_heur.construct.desks import Desks
from netopt_heur.construct.ip_layer import IpLayer, IpPlanner, Stop
from netopt_heur.construct.regenerators import RegeneratorSites
from netopt_heur.construct.requirements import required_gbps
from netopt_heur.construct.transfers import valley_rates
from netopt_heur.construct.wavelengths import assign_wavelengths
from netopt_heur.cost import design_worth
from netopt_heur.design import Design, DesignLeg, DesignLink
from netopt_heur.instance import F64, I64, Instance
from netopt_heur.route_modes import RouteTable
from netopt_kernels import grooming_state

EXPECTED_FILL = 0.3  # share of a pair's slots thought to be in use when nothing is known yet
LIT_SHARE = 0.03  # part of the average price charged for slots on a lit pair with room, at marginal cost
THIN = 0.5  # share of one pair's slots below which a fiber counts as thinly used
MAX_TABLE_UNITS = 256
MOST_LINKS = 2000  # candidates up to which more are added: moves get slower with each


@dataclass(frozen=True)
class Circuits:
    """Legs of all circuits; ``offer_units`` int64[n_offers] are the wave units left for IP links."""

    working: list[DesignLeg | None]
    protection: list[DesignLeg | None]
    offer_units: I64
    blocked_fibers: Counter[int]


@dataclass(frozen=True)
class Construction:
    """A complete design and what was learnt from it.

    Attributes
    ----------
    modules
        The IP links before wavelength assignment.
    slot_price
        Seen in this design: cost of each fiber over the slots in use on it; float64[n_fibers].
    missing
        LSPs, circuits and channels that found no place.
    cost
        Of the design, in cost units.
    """

    design: Design
    modules: dict[int, DesignLink]
    circuits: Circuits
    layer: IpLayer
    slot_price: F64
    used_slots: F64
    blocked_fibers: Counter[int]
    missing: int
    cost: float

    @property
    def lit(self) -> NDArray[np.bool_]:
        """Fibers with lit pairs; bool[n_fibers]."""
        found: NDArray[np.bool_] = self.design.pairs > 0
        return found

    def rank(self) -> tuple[int, float]:
        """Order of preference: everything served first, then cost."""
        return (self.missing, self.cost)


class Planner:
    """Constructs designs; a new set of spectrum prices gives a new design.

    Parameters
    ----------
    instance
        The problem.

    Attributes
    ----------
    widened
        Sets of fibers that candidate links were looked for on since (:meth:`widen`), in this order: what a
        link's key in the pool depends on.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.widened: dict[bytes, None] = {}
        self.routes = RouteTable(instance)
        self.pool = self._first_pool = LinkPool(instance, self.routes)
        self.regenerators = RegeneratorSites(instance)
        self.rates = valley_rates(instance)
        self.lsp_order = lsps_by_size(instance)
        self.circuit_order = circuits_by_size(instance)
        peak_gbps = float(instance.samples.max(axis=2, initial=0.0).sum())
        peak_gbps += sum(float(r.max()) for r in self.rates.values())
        units = math.ceil(peak_gbps / self.pool.unit_gbps) + 1
        self._last_lsps: tuple[dict[int, F64], grooming_state.Lsps] | None = None
        self.table_units = max(8, min(MAX_TABLE_UNITS, units))
        self.desks = Desks()

    def widen(self, fibers: NDArray[np.bool_]) -> None:
        """Add links on the best routes that keep to some of the fibers, bool[n_fibers].

        The first candidates are on the shortest routes there are. A plan lights few fibers; a link, or the
        second leg of one, that must not light another goes another way.
        """
        pool, known = self.pool, fibers.tobytes()
        if known in self.widened or pool.hubs is not None or len(pool.links) >= MOST_LINKS:
            return
        self.widened[known] = None
        found = links_over(self.instance, self.routes, fibers)
        new = [link for link in found if not pool.same_route(link)]
        if new:
            self.pool = pool.joined(LinkPool(self.instance, self.routes, new, pool.unit_gbps))
            self.desks = Desks()  # none of the old size is asked for any more

    def widen_as(self, widened: Sequence[bytes]) -> None:
        """Have the pool of a planner that was widened like this (see :attr:`widened`)."""
        if list(self.widened) != list(widened[: len(self.widened)]):
            self.pool, self.widened = self._first_pool, {}
        for fibers in widened[len(self.widened) :]:
            self.widen(np.frombuffer(fibers, dtype=np.bool_))

    def first_prices(self) -> F64:
        """Spectrum prices before any design exists; cost per slot and fiber, float64[n_fibers]."""
        instance = self.instance
        fresh = instance.pair_worth + np.where(instance.candidate, instance.build_worth, 0.0)
        paid = (instance.lit_pairs > 0) & ~instance.candidate
        price: F64 = np.where(paid, 0.1 * fresh, fresh) / (instance.scenario.spectrum.slots * EXPECTED_FILL)
        return price

    def circuits(self, slot_price: F64, keep: Circuits | None = None, opening: F64 | None = None) -> Circuits:
        """Choose legs for all circuits; those of ``keep`` that use no fiber of infinite price stay."""
        planner = CircuitPlanner(self.instance, self.routes, slot_price, opening)
        n_circuits = len(self.instance.circuits)
        working: list[DesignLeg | None] = [None] * n_circuits
        protection: list[DesignLeg | None] = [None] * n_circuits
        open_circuits = []
        for index in self.circuit_order:
            if keep is None or not planner.keep(keep.working[index], keep.protection[index]):
                open_circuits.append(index)
            else:
                working[index], protection[index] = keep.working[index], keep.protection[index]
        for index in open_circuits:
            found = planner.plan(self.instance.circuits[index])
            if found is not None:
                working[index], protection[index] = found
        return Circuits(working, protection, planner.offer_units, planner.blocked_fibers)

    def ip_planner(self, slot_price: F64, circuits: Circuits, stop: Stop) -> IpPlanner:
        """The IP layer's problem beside these circuits."""
        prices = self.pool.price(slot_price, circuits.offer_units, self.table_units)
        lsps = (
            self._last_lsps[1] if self._last_lsps is not None and self._last_lsps[0] is self.rates else None
        )
        made = IpPlanner(self.instance, self.pool, prices, self.rates, stop, lsps, desks=self.desks)
        self._last_lsps = (self.rates, made.lsps)
        return made

    def complete(self, circuits: Circuits, ip: IpPlanner, layer: IpLayer, slot_price: F64) -> Construction:
        """Buy modules, assign wavelengths, light pairs and build fibers for a routed IP layer."""
        design = Design.empty(self.instance)
        design.rates_gbps = dict(self.rates)
        self._install(design, layer, ip, slot_price, circuits.offer_units)
        return self._assign(design, circuits, layer, slot_price)

    def with_circuits(self, plan: Construction, circuits: Circuits, slot_price: F64) -> Construction | None:
        """The same IP layer beside other circuits; None if it needs wave units that these circuits take."""
        design = Design.empty(self.instance)
        design.rates_gbps = dict(self.rates)
        design.links = dict(plan.modules)
        design.primary, design.backup = copy.copy(plan.design.primary), copy.copy(plan.design.backup)
        taken = Counter(leg.offer for link in design.links.values() for leg in link.legs for _ in leg.units)
        if any(count > circuits.offer_units[offer] for offer, count in taken.items()):
            return None
        return self._assign(design, circuits, plan.layer, slot_price)

    def _assign(self, design: Design, circuits: Circuits, layer: IpLayer, slot_price: F64) -> Construction:
        instance, modules = self.instance, dict(design.links)
        design.working, design.protection = list(circuits.working), list(circuits.protection)
        self.regenerators.consolidate(design)
        used_slots, blocked = assign_wavelengths(design, self.regenerators)
        missing = sum(blocked.values()) + design.primary.count(None)
        missing += sum(leg is None for leg in design.working)
        blocked.update(circuits.blocked_fibers)
        return Construction(
            design,
            modules,
            circuits,
            layer,
            self.seen_prices(design, used_slots, slot_price),
            used_slots,
            blocked,
            missing,
            design_worth(instance, design),
        )

    def _install(
        self, design: Design, layer: IpLayer, ip: IpPlanner, slot_price: F64, offer_units: I64
    ) -> None:
        """Buy modules for what the links must carry; LSPs of links that cannot be bought stay unrouted."""
        dead = []
        left = offer_units.copy()
        for key, carried_gbps in required_gbps(ip, layer).items():
            offer = self.pool.links[key].offer
            units = int(left[offer]) if offer >= 0 else 0
            link = self.pool.install(key, carried_gbps, slot_price, units)
            if link is None:
                dead.append(key)
                continue
            if offer >= 0:
                left[offer] -= len(link.legs[0].units)
            design.links[key] = link
        kept = layer.without(layer.unrouted | layer.uses(np.array(dead, dtype=np.int64)))
        design.primary, design.backup, used = kept.primary, kept.backup, kept.links()
        design.links = {key: link for key, link in design.links.items() if key in used}

    def seen_prices(self, design: Design, used_slots: F64, slot_price: F64) -> F64:
        """Cost of each fiber over the slots in use on it; ``slot_price`` where it is not used."""
        instance = self.instance
        new_pairs = np.maximum(0, design.pairs - instance.lit_pairs)
        spent = new_pairs * instance.pair_worth + design.built * instance.build_worth
        seen = spent / np.maximum(used_slots, 1.0)
        return np.where(used_slots > 0, seen, slot_price)

    def marginal_prices(self, design: Design, used_slots: F64, slot_price: F64) -> F64:
        """Spectrum prices beside a design: room on thin fibers is nearly free, a dark one costs a pair.

        Well used fibers cost the average, ``slot_price``: their slots run out.
        """
        instance = self.instance
        thin = used_slots < THIN * instance.scenario.spectrum.slots
        lit = design.pairs > 0
        unbuilt = instance.candidate & ~design.built
        pair = instance.pair_worth + np.where(unbuilt, instance.build_worth, 0.0)
        widest = float(instance.modes.slots.max(initial=1))
        share = np.where(lit & thin, LIT_SHARE, 1.0) * slot_price
        return np.where(lit, share, np.maximum(share, pair / (2.0 * widest)))


def lsps_by_size(instance: Instance) -> list[int]:
    """LSPs from the largest to the smallest, by mean rate."""
    size = instance.samples.mean(axis=2).max(axis=1, initial=0.0)
    return [int(i) for i in np.lexsort((np.arange(len(size)), -size))]


def circuits_by_size(instance: Instance) -> list[int]:
    """Circuits from the largest to the smallest."""
    circuits = instance.circuits
    return sorted(
        range(len(circuits)), key=lambda i: (-circuits[i].waves * circuits[i].wave_gbps, circuits[i].id)
    )
