"""Serves a changed instance: what a change broke is routed, sized and lit again beside all that stays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from netopt_heur.construct.circuits import CircuitPlanner
from netopt_heur.construct.planner import LIT_SHARE, circuits_by_size
from netopt_heur.construct.wavelengths import SpectrumGrid, hardest_first
from netopt_heur.design import Channel, Design, DesignLeg, leg_rates, slots_in_use
from netopt_heur.instance import I64, Instance
from netopt_heur.replan.carry import Carried, carry
from netopt_heur.replan.prepare import Prepared, units_left
from netopt_heur.replan.reroute import IpRepair
from netopt_heur.replan.resize import resized_leg, resized_link

ROUNDS = 4  # attempts to find other ways than those over fibers that turned out to be full


LINK, CIRCUIT = 0, 1
_Owner = tuple[int, int, int]  # kind, key of the link or index of the circuit, leg


@dataclass(frozen=True)
class Repaired:
    """A design, and the fibers without a free slot on any permitted pair that stood in its way."""

    design: Design
    full_fibers: tuple[int, ...]


def repair(prepared: Prepared, instance: Instance) -> Repaired:
    """Serve a changed instance with as little else changed as rules allow.

    LSPs, circuits, links, lightpaths and pairs stay as they are unless the change takes them away, overloads
    them or leaves them without use. What finds no place is left out of the design.

    Parameters
    ----------
    prepared
        The design to start from.
    instance
        The changed problem, as for :func:`netopt_heur.replan.carry.carry`.
    """
    return _Repair(prepared, carry(prepared, instance)).run()


class _Repair:
    """One repair; ``design`` is complete after each round but for what found no place."""

    def __init__(self, prepared: Prepared, carried: Carried) -> None:
        self.prepared, self.design = prepared, carried.design
        self.instance = carried.design.instance
        self.ip = IpRepair(prepared, carried)
        self.touched = set(carried.links)
        self.open_circuits = set(carried.legs_lost)
        self.full_fibers: Counter[int] = Counter()
        self.closed_to_circuits: set[int] = set()

    def run(self) -> Repaired:
        """Circuits, then LSPs, then channels; again where channels found no room."""
        self._resize_circuits()
        for _ in range(ROUNDS):
            self._route_circuits()
            self.touched |= self.ip.route()
            stuck = self._grow_links()
            stuck |= self._place_channels()
            if not stuck and not self.open_circuits:
                break
            self.touched |= self.ip.relieve(stuck)
        self._shrink_links()
        self._settle_fibers()
        return Repaired(self.design, tuple(fiber for fiber, _ in self.full_fibers.most_common()))

    # ---- circuits

    def _resize_circuits(self) -> None:
        """Buy or give up channels of circuits whose number of waves is another; open those that cannot."""
        old = {circuit.id: circuit.waves for circuit in self.prepared.instance.circuits}
        for i, demand in enumerate(self.instance.circuits):
            if i in self.open_circuits or old[demand.id] == demand.waves:
                continue
            promise = demand.promise
            bounds = (promise.max_latency_ms, promise.backup_max_latency_ms)
            legs: list[DesignLeg | None] = [self.design.working[i], self.design.protection[i]]
            for side, (leg, bound) in enumerate(zip(legs, bounds, strict=True)):
                if leg is not None:
                    left = int(units_left(self.design)[leg.offer]) if leg.offer >= 0 else 0
                    routes, price = self.prepared.planner.routes, self.prepared.slot_price
                    legs[side] = resized_leg(self.instance, routes, demand, leg, bound, price, left)
                    if legs[side] is None:
                        self.open_circuits.add(i)
            if i in self.open_circuits:
                legs = [None, None]
            self.design.working[i], self.design.protection[i] = legs

    def _route_circuits(self) -> None:
        """Find legs for the open circuits, beside a leg that is left if possible."""
        for i in circuits_by_size(self.instance):
            if i not in self.open_circuits:
                continue
            demand, design = self.instance.circuits[i], self.design
            planner = self._circuit_planner(i)
            found = None
            if (design.working[i] is None) != (design.protection[i] is None):
                found = planner.plan(demand, design.working[i], design.protection[i])
            if found is None:
                found = planner.plan(demand)
            self.full_fibers.update(planner.blocked_fibers if found is None else ())
            design.working[i], design.protection[i] = (None, None) if found is None else found
        self.open_circuits.clear()

    def _circuit_planner(self, circuit: int) -> CircuitPlanner:
        """Marginal prices for one circuit: room on lit pairs is nearly free, a new pair costs all of it."""
        instance, design, demand = self.instance, self.design, self.instance.circuits[circuit]
        slots, per_pair = instance.modes.slots, instance.scenario.spectrum.slots
        carried = np.floor(instance.modes.rate_gbps / demand.wave_gbps + 1e-9)
        need = min(
            (math.ceil(demand.waves / c) * int(s) for c, s in zip(carried, slots, strict=True) if c >= 1),
            default=0,
        )
        used = slots_in_use(design)
        short = np.ceil((used + need - design.pairs * per_pair) / per_pair)
        unbuilt = instance.candidate & ~design.built
        opening = np.maximum(0.0, short) * instance.pair_worth + unbuilt * instance.build_worth
        price = LIT_SHARE * self.prepared.slot_price
        price[sorted(self.closed_to_circuits)] = math.inf
        planner = CircuitPlanner(instance, self.prepared.planner.routes, price, opening)
        planner.take(used, planner.offer_units - units_left(design))
        return planner

    # ---- links

    def _grow_links(self) -> set[int]:
        """Buy what touched links lack; those that cannot carry their load."""
        stuck = set()
        for key in sorted(self.touched):
            required_gbps = self.ip.required_gbps(key)
            if self.ip.fits(key, required_gbps):
                continue
            link, pool = self.design.links.get(key), self.ip.pool
            offer = pool.links[key].offer
            left = int(units_left(self.design)[offer]) if offer >= 0 else 0
            price = self.prepared.slot_price
            if link is None:
                grown = pool.install(key, required_gbps, price, left)
            else:
                grown = resized_link(pool, key, link, required_gbps, price, left)
            if grown is None:
                stuck.add(key)
            else:
                self.design.links[key] = grown
        return stuck

    def _shrink_links(self) -> None:
        """Give up what touched links need no more."""
        used = {key for path in (*self.design.primary, *self.design.backup) for key in path or ()}
        for key in sorted(self.touched & set(self.design.links)):
            if key not in used:
                del self.design.links[key]
                continue
            link, required_gbps = self.design.links[key], self.ip.required_gbps(key)
            if self.ip.fits(key, required_gbps):
                smaller = resized_link(self.ip.pool, key, link, required_gbps, self.prepared.slot_price, 0)
                self.design.links[key] = link if smaller is None else smaller

    # ---- channels

    def _place_channels(self) -> set[int]:
        """Give new channels their wavelengths; links and circuits that find none lose their new channels.

        Returns
        -------
        set of int
            Those links. Those circuits are open again.
        """
        grid = SpectrumGrid(self.instance)
        grid.light(self.design.pairs, self.design.built)
        jobs = []
        for owner, leg in _owned_legs(self.design):
            for channel in leg.channels:
                if channel.starts:
                    grid.hold(leg, channel)
                else:
                    jobs.append((owner, leg, channel))
        slots = self.instance.modes.slots
        jobs.sort(key=lambda job: (*hardest_first(job[1], int(slots[job[2].mode])), job[2].mode, job[0]))
        placed: dict[_Owner, list[Channel]] = {}
        failed: set[_Owner] = set()
        for owner, leg, channel in jobs:
            found = grid.place(leg, channel)
            if found is None:
                failed.add(owner)
                full = grid.full_fibers(leg.fibers)
                self.full_fibers.update(full)
                self.closed_to_circuits.update(full if owner[0] == CIRCUIT else ())
            else:
                placed.setdefault(owner, []).append(found)
        links = {index for kind, index, _ in failed if kind == LINK}
        circuits = {index for kind, index, _ in failed if kind == CIRCUIT}
        for owner in {job[0] for job in jobs}:
            keep = owner[1] not in (links if owner[0] == LINK else circuits)
            self._store(owner, placed.get(owner, []) if keep else [])
        for key in links:
            rates = [sorted(leg_rates(self.instance, leg)) for leg in self.design.links[key].legs]
            if not rates[0] or rates[0] != rates[-1]:
                del self.design.links[key]
        for index in circuits:
            self.design.working[index] = self.design.protection[index] = None
        self.open_circuits |= circuits
        self.design.pairs, self.design.built = grid.lit, grid.built
        return links

    def _store(self, owner: _Owner, placed: Iterable[Channel]) -> None:
        """Write the channels of a leg: those that had wavelengths, and those that found some."""
        kind, index, side = owner
        legs = self.design.working if side == 0 else self.design.protection
        old = self.design.links[index].legs[side] if kind == LINK else legs[index]
        assert old is not None
        held = tuple(channel for channel in old.channels if channel.starts)
        new = replace(old, channels=(*held, *placed))
        if kind == CIRCUIT:
            legs[index] = new
            return
        link = self.design.links[index]
        self.design.links[index] = replace(
            link, legs=tuple(new if i == side else leg for i, leg in enumerate(link.legs))
        )

    def _settle_fibers(self) -> None:
        """Pairs: as many as before, but no more than are in use where channels left the last ones."""
        instance, design, old = self.instance, self.design, self.prepared.design
        before, after = _pairs_in_use(old), _pairs_in_use(design)
        kept = np.minimum(old.pairs, instance.max_pairs)
        pairs = np.where(after < before, np.maximum(instance.lit_pairs, after), np.maximum(kept, after))
        design.pairs = pairs
        design.built = instance.candidate & ((after > 0) | (old.built & (pairs > 0)))


def _owned_legs(design: Design) -> Iterable[tuple[_Owner, DesignLeg]]:
    for key in sorted(design.links):
        for side, leg in enumerate(design.links[key].legs):
            yield (LINK, key, side), leg
    for side, legs in enumerate((design.working, design.protection)):
        for index, circuit_leg in enumerate(legs):
            if circuit_leg is not None:
                yield (CIRCUIT, index, side), circuit_leg


def _pairs_in_use(design: Design) -> I64:
    """Per fiber the number of pairs up to the last one that carries a channel; int64[n_fibers]."""
    used = np.zeros(len(design.instance.fiber_ids), dtype=np.int64)
    for leg in design.legs():
        for channel in leg.channels:
            pairs = [pair for of_segment in channel.pairs for pair in of_segment]
            for fiber, pair in zip(leg.fibers, pairs, strict=True):
                used[fiber] = max(used[fiber], pair + 1)
    return used
