"""The siloed baseline: IP first, optical on top, and what the two do when promises turn out broken.

One round, in the order in which siloed teams work:

1. The optical team plans the circuits, exactly as the joint planner does.
2. The IP team routes and grooms LSPs over its paper links.
3. The optical team routes every ordered link on fibers, 1+1 where two routes without a common group exist.
   Where an LSP's promise of disjoint paths forbids it (R7 counts both routes of a link), it takes the second
   route away again.
4. The broken LSPs (latency, disjointness, survival, availability) go back to the IP team, now with the real
   routes of the links they may use: the ordered ones, and unprotected ones on the shortest and on disjoint
   routes. Only these LSPs move.
5. Modules for what each link must carry, then wavelengths.

Rounds repeat at the spectrum prices and the share of 1+1 that the last one led to, without 1+1 over fibers
that ran out of pairs, and the best one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netopt_heur.candidate_routes import candidate_routes
from netopt_heur.construct.circuits import CircuitPlanner
from netopt_heur.construct.planner import EXPECTED_FILL
from netopt_heur.construct.regenerators import RegeneratorSites
from netopt_heur.construct.transfers import valley_rates
from netopt_heur.construct.wavelengths import assign_wavelengths
from netopt_heur.design import Design, Path
from netopt_heur.evaluator import Evaluation, Evaluator
from netopt_heur.instance import F64, I64, Instance
from netopt_heur.route_modes import RouteTable
from netopt_heur.silo.grooming import Grooming, Router, Stop, traffic_of
from netopt_heur.silo.links import LinkTable, SiloLink, offer_link, routed_link
from netopt_heur.silo.teams import IpTeam, OpticalTeam

ROUNDS = 3
MOST_ROUNDS = 9  # while promises are broken
SLOPE_ROUNDS = 6
REGROOM_PASSES = 3
FULL_FIBER_PENALTY = 3.0  # factor on the spectrum price of a fiber that ran out of pairs


@dataclass(frozen=True)
class Features:
    """What a silo may do beyond the baseline: size at the percentile, share spare capacity."""

    percentile: bool = False
    shared_backup: bool = False


@dataclass(frozen=True)
class SiloPlan:
    """A silo's design, and how it came about."""

    design: Design
    evaluation: Evaluation
    repaired_lsps: int
    protected_links: int


def silo_plan(instance: Instance, features: Features, *, stop: Stop, rounds: int = ROUNDS) -> SiloPlan:
    """Plan a network in silos.

    Parameters
    ----------
    instance
        The problem.
    features
        What is switched on.
    stop
        Cuts improvement short; the first round's plan is complete all the same.
    rounds
        Rounds of both teams, at least one; more while promises are broken.
    """
    silo = _Silo(instance, features, stop)
    best = silo.round()
    for number in range(1, max(rounds, MOST_ROUNDS)):
        if stop() or (number >= rounds and best.evaluation.feasible):
            break
        found = silo.round()
        if _rank(found) < _rank(best):
            best = found
    return best


def _rank(found: SiloPlan) -> tuple[float, float, float, float]:
    return (sum(found.evaluation.violations.values()), *found.evaluation.cost.key())


class _Silo:
    def __init__(self, instance: Instance, features: Features, stop: Stop) -> None:
        self.instance, self.stop = instance, stop
        self.routes = RouteTable(instance)
        self.regenerators = RegeneratorSites(instance)
        self.ip_team = IpTeam(instance)
        self.rates = valley_rates(instance)
        self.traffic = traffic_of(
            instance, self.rates, percentile=features.percentile, shared=features.shared_backup
        )
        sizes = self.traffic.sizes
        self.order = [int(i) for i in np.lexsort((np.arange(len(sizes)), -sizes))]
        self.peak_gbps = float(self.traffic.samples.max(axis=2, initial=0.0).sum())
        self.slot_price = _first_prices(instance)
        self.used_slots = np.ones(len(instance.fiber_ids))
        self.crowded: set[int] = set()
        self.legs = 2.0

    def round(self) -> SiloPlan:
        """Both teams once; learns prices for the next round."""
        instance = self.instance
        design = Design.empty(instance)
        design.rates_gbps = dict(self.rates)
        offer_units = self._circuits(design)
        paper = self._ip_layer(offer_units)
        ordered, keys = self._ordered_links(paper, offer_units)
        real, repaired = self._repaired(paper, ordered, keys, offer_units)
        self._install(design, real, offer_units)
        self.regenerators.consolidate(design)
        used_slots, blocked = assign_wavelengths(design, self.regenerators)
        legs = [len(link.legs) for link in design.links.values() if link.legs[0].offer < 0]
        self._learn(design, used_slots, blocked, legs)
        evaluation = Evaluator(instance, design).evaluate()
        return SiloPlan(design, evaluation, repaired, sum(n > 1 for n in legs))

    def _circuits(self, design: Design) -> I64:
        planner = CircuitPlanner(self.instance, self.routes, self.slot_price)
        circuits = self.instance.circuits
        order = sorted(
            range(len(circuits)), key=lambda i: (-circuits[i].waves * circuits[i].wave_gbps, circuits[i].id)
        )
        for index in order:
            found = planner.plan(circuits[index])
            if found is not None:
                design.working[index], design.protection[index] = found
        return planner.offer_units

    def _ip_layer(self, offer_units: I64) -> Grooming:
        """Step 2."""
        instance = self.instance
        slot_km = float((self.slot_price * self.used_slots).sum())
        slot_km /= max(float((instance.length_km * self.used_slots).sum()), 1e-9)
        table = LinkTable(instance, self.ip_team.links(slot_km, self.legs, offer_units), on_paper=True)
        prices = table.prices(self.slot_price, self.peak_gbps)
        layer = Grooming(self.ip_team.lsps(), Router(instance, table), prices, self.traffic, self.stop)
        layer.slope_scaling(self.order, SLOPE_ROUNDS)
        layer.regroom(self.order, REGROOM_PASSES)
        return layer

    def _ordered_links(self, paper: Grooming, offer_units: I64) -> tuple[list[SiloLink], dict[int, int]]:
        """Step 3; the links, and for each paper key its position among them."""
        team = OpticalTeam(self.instance, self.routes, self.slot_price, self.crowded)
        links: list[SiloLink] = []
        keys: dict[int, int] = {}
        for key in paper.links_in_use():
            order, required = paper.router.table.links[key], float(paper.required[key])
            link = (
                team.link(order.a, order.b, required, protected=True)
                if order.offer < 0
                else offer_link(self.instance, order.offer, int(offer_units[order.offer]))
            )
            if link is not None:
                keys[key] = len(links)
                links.append(link)
        for key in self._undiversified(paper, links, keys):
            link = links[keys[key]]
            single = team.link(link.a, link.b, float(paper.required[key]), protected=False)
            links[keys[key]] = single or link
        return links, keys

    def _undiversified(self, paper: Grooming, links: Sequence[SiloLink], keys: dict[int, int]) -> list[int]:
        """1+1 links with a route that meets the other path of a ``disjoint`` LSP."""
        mask = self.instance.group_mask
        found: set[int] = set()
        for index, lsp in enumerate(self.instance.lsps):
            primary, backup = paper.primary[index], paper.backup[index]
            if lsp.promise.protection != "disjoint" or primary is None or backup is None:
                continue
            for path, other in ((primary, backup), (backup, primary)):
                union = 0
                for key in other:
                    union |= links[keys[key]].all_components & mask if key in keys else 0
                found.update(
                    key
                    for key in path
                    if key in keys
                    and len(links[keys[key]].legs) > 1
                    and links[keys[key]].all_components & union
                )
        return sorted(found)

    def _repaired(
        self, paper: Grooming, ordered: list[SiloLink], keys: dict[int, int], offer_units: I64
    ) -> tuple[Grooming, int]:
        """Step 4."""
        instance = self.instance
        table = LinkTable(instance, [*ordered, *self._alternatives(ordered, offer_units)], on_paper=False)
        prices = table.prices(self.slot_price, self.peak_gbps)
        real = Grooming(instance.lsps, Router(instance, table), prices, self.traffic, self.stop)
        broken = []
        for index in self.order:
            primary = _translated(paper.primary[index], keys)
            backup = _translated(paper.backup[index], keys)
            real.set(index, primary, backup)
            if primary is None or not real.router.keeps_promise(instance.lsps[index], primary, backup):
                broken.append(index)
        before = [(real.primary[index], real.backup[index]) for index in broken]
        for index in broken:
            real.set(index, None, None)
        for index, (primary, backup) in zip(broken, before, strict=True):
            if not real.insert(index):
                real.set(index, primary, backup)
        real.regroom(broken, REGROOM_PASSES)
        return real, len(broken)

    def _alternatives(self, ordered: Sequence[SiloLink], offer_units: I64) -> list[SiloLink]:
        """Unprotected links that repairs may add."""
        have = {tuple(route.fibers for route in link.routes) for link in ordered}
        offers = {link.offer for link in ordered}
        found = []
        for a, _, routes, _ in candidate_routes(self.instance):
            for fibers in routes:
                if (fibers,) not in have:
                    found.append(routed_link(self.instance, [self.routes.modes(a, fibers)]))
        for index in range(len(self.instance.offers)):
            if index not in offers:
                found.append(offer_link(self.instance, index, int(offer_units[index])))
        return [link for link in found if link is not None]

    def _install(self, design: Design, real: Grooming, offer_units: I64) -> None:
        """Step 5, without the wavelengths; LSPs of links that cannot be had stay unrouted."""
        for key in real.links_in_use():
            link = real.router.table.links[key]
            units = int(offer_units[link.offer]) if link.offer >= 0 else 0
            made = real.router.table.install(key, float(real.required[key]), self.slot_price, units)
            if made is not None:
                design.links[key] = made
        for index, (primary, backup) in enumerate(zip(real.primary, real.backup, strict=True)):
            if primary is not None and design.links.keys() >= {*primary, *(backup or ())}:
                design.primary[index], design.backup[index] = primary, backup
        used = {key for path in (*design.primary, *design.backup) for key in path or ()}
        design.links = {key: link for key, link in design.links.items() if key in used}

    def _learn(self, design: Design, used_slots: F64, blocked: dict[int, int], legs: Sequence[int]) -> None:
        """Spectrum at the price of the slots that were used, half and half with the old price."""
        instance = self.instance
        spent = np.maximum(0, design.pairs - instance.lit_pairs) * instance.pair_worth
        spent = spent + design.built * instance.build_worth
        seen = np.where(used_slots > 0, spent / np.maximum(used_slots, 1.0), self.slot_price)
        price = 0.5 * self.slot_price + 0.5 * seen
        for fiber in blocked:
            self.crowded.add(fiber)
            price[fiber] = max(price[fiber], self.slot_price[fiber], 1e-6) * FULL_FIBER_PENALTY
        self.slot_price = price
        self.used_slots = np.maximum(used_slots, 1e-6)
        if legs:
            self.legs = sum(legs) / len(legs)


def _translated(path: Path | None, keys: dict[int, int]) -> Path | None:
    if path is None or any(key not in keys for key in path):
        return None
    return tuple(keys[key] for key in path)


def _first_prices(instance: Instance) -> F64:
    """Spectrum prices before any design exists, as in the joint planner."""
    fresh = instance.pair_worth + np.where(instance.candidate, instance.build_worth, 0.0)
    paid = (instance.lit_pairs > 0) & ~instance.candidate
    price: F64 = np.where(paid, 0.1 * fresh, fresh) / (instance.scenario.spectrum.slots * EXPECTED_FILL)
    return price
