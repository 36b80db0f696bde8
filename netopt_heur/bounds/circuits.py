"""Circuits in the relaxation: routes as unit flows, lightpaths of each mode as flows that cover them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from netopt_heur.bounds.master import Master, Term, reach_shares, usable
from netopt_heur.evaluator import waves_carried
from netopt_heur.instance import CircuitDemand, Instance

Arc = tuple[int, int]  # fiber, side it is entered from


@dataclass
class _Flows:
    """Columns of one leg: its route, and lightpaths per mode, over directed fibers."""

    route: dict[Arc, int] = field(default_factory=dict)
    offers: dict[int, int] = field(default_factory=dict)  # offer -> leg on it
    paths: dict[int, dict[Arc, int]] = field(default_factory=dict)  # mode -> arc -> lightpaths
    units: list[tuple[int, int, int]] = field(default_factory=list)  # offer, product, column


def add_circuits(master: Master) -> None:
    """Add all circuits; a protected one has two legs that share no fiber and no wave offer."""
    for demand in master.instance.circuits:
        bounds_ms = (demand.promise.max_latency_ms, demand.promise.backup_max_latency_ms)
        legs = [_Leg(master, demand, bounds_ms[i]) for i in range(legs_of(master.instance, demand))]
        for leg in legs:
            leg.add()
        _add_shared(master, legs)


def _add_shared(master: Master, legs: list[_Leg]) -> None:
    """At most one leg of a circuit on a fiber or wave offer, which must be paid for."""
    by_fiber: dict[int, list[Term]] = defaultdict(list)
    by_offer: dict[int, list[Term]] = defaultdict(list)
    for leg in legs:
        for (fiber, _), column in leg.flows.route.items():
            by_fiber[fiber].append((column, -1.0))
        for offer, column in leg.flows.offers.items():
            by_offer[offer].append((column, -1.0))
    for fiber, used in by_fiber.items():
        master.program.at_least(used, -1.0)
        if master.instance.lit_pairs[fiber] == 0:
            master.program.at_least([*used, (master.lit[fiber], 1.0)], 0.0)
    for offer, used in by_offer.items():
        master.program.at_least([*used, (master.bought[offer], 1.0)], 0.0)


def legs_of(instance: Instance, demand: CircuitDemand) -> int:
    """How many legs every plan gives a circuit at least."""
    protection = demand.promise.protection
    # with every fiber and offer a failure state of its own, one leg never survives all of them
    each_fails = instance.scenario.policy.failures.srlgs
    return 2 if protection == "disjoint" or (protection == "survivable" and each_fails) else 1


class _Leg:
    def __init__(self, master: Master, demand: CircuitDemand, bound_ms: float | None) -> None:
        self.limit_ms = math.inf if bound_ms is None else bound_ms
        self.master, self.demand, self.instance = master, demand, master.instance
        self.modes = list(_useful_modes(self.instance, demand))
        self.flows = _Flows()

    def add(self) -> None:
        self._columns()
        ends: dict[int, list[Term]] = defaultdict(list)
        for arc, column in self.flows.route.items():
            self._move(ends, arc, column)
        program = self.master.program
        direct = [(c, 1.0) for c in self.flows.offers.values()]
        for site in range(len(self.instance.site_ids)):
            out = ends.get(site, [])
            if site == self.demand.a:
                program.at_least([*out, *direct], 1.0)
            elif site != self.demand.b:
                program.at_least(out, 0.0)
                program.at_least([(c, -v) for c, v in out], 0.0)
        for mode in self.modes:
            self._lightpaths(mode)
        self._cover()

    def _columns(self) -> None:
        instance, program, flows = self.instance, self.master.program, self.flows
        for fiber in self._fibers():
            for side in (0, 1):
                tail, head = _ends(instance, (fiber, side))
                if tail != self.demand.b and head != self.demand.a:
                    flows.route[fiber, side] = program.column(0.0, 1.0)
        for mode in self.modes:
            flows.paths[mode] = {
                arc: program.column() for arc in flows.route if usable(instance, arc[0], mode)
            }
            width = float(instance.modes.slots[mode])
            for (fiber, _), column in flows.paths[mode].items():
                self.master.slots_used[fiber].append((column, width))
        for index, offer in enumerate(instance.offers):
            if {offer.a, offer.b} != {self.demand.a, self.demand.b}:
                continue
            flows.offers[index] = program.column(0.0, 1.0)
            for j, rate in enumerate(offer.rates_gbps):
                if rate >= self.demand.wave_gbps:
                    unit = program.column(offer.unit_worth[j], float(offer.max_units))
                    flows.units.append((index, j, unit))
                    self.master.units_used[index].append((unit, 1.0))

    def _fibers(self) -> Iterator[int]:
        """Fibers on some route that keeps the leg's latency bound."""
        instance = self.instance
        latency = instance.scenario.latency
        limit_km = math.inf
        if latency.us_per_km > 0.0 and math.isfinite(self.limit_ms):
            limit_km = (self.limit_ms - 2 * latency.lightpath_end_ms) * 1000.0 / latency.us_per_km
        from_a, from_b = (_distances_km(instance, end) for end in (self.demand.a, self.demand.b))
        for fiber in range(len(instance.fiber_ids)):
            a, b = int(instance.fiber_a[fiber]), int(instance.fiber_b[fiber])
            shortest = min(from_a[a] + from_b[b], from_a[b] + from_b[a]) + float(instance.length_km[fiber])
            if shortest <= limit_km * (1 + 1e-9) + 1e-6 and instance.max_pairs[fiber] > 0:
                yield fiber

    def _move(self, out: dict[int, list[Term]], arc: Arc, column: int) -> None:
        tail, head = _ends(self.instance, arc)
        out[tail].append((column, 1.0))
        out[head].append((column, -1.0))

    def _lightpaths(self, mode: int) -> None:
        """Lightpaths of a mode flow from a to b, with enough regenerators for their length."""
        instance, program = self.instance, self.master.program
        paths = self.flows.paths[mode]
        out: dict[int, list[Term]] = defaultdict(list)
        for arc, column in paths.items():
            self._move(out, arc, column)
        for site, terms in out.items():
            if site not in (self.demand.a, self.demand.b):
                program.at_least(terms, 0.0)
                program.at_least([(c, -v) for c, v in terms], 0.0)
        started = out.get(self.demand.a, [])
        if not started:
            return
        number = program.column(2.0 * float(instance.modes.worth[mode]))
        program.at_least([(number, 1.0), *((c, -v) for c, v in started)], 0.0)
        program.at_least([(number, -1.0), *started], 0.0)
        reach_km = float(instance.modes.reach_km[mode]) * (1.0 + 1e-9)
        regens = program.column(float(instance.modes.regenerator_worth[mode]))
        for share in reach_shares(instance, mode):
            used = [(c, -share[arc[0]]) for arc, c in paths.items()]
            program.at_least([*used, (number, 1.0), (regens, 1.0)], 0.0)
        fewest = _fewest_regens(instance, self.demand, reach_km)
        if 0 < fewest < math.inf:
            program.at_least([(regens, 1.0), (number, -float(fewest))], 0.0)

    def _cover(self) -> None:
        """Every fiber of a leg holds lightpaths for all waves; rounded by each whole divisor."""
        instance, demand, flows = self.instance, self.demand, self.flows
        rate = instance.modes.rate_gbps
        waves = {m: waves_carried(float(rate[m]), demand.wave_gbps) for m in self.modes}
        for arc, column in flows.route.items():
            paths = [(flows.paths[m][arc], waves[m]) for m in self.modes if arc in flows.paths[m]]
            self._rounded(paths, column)
        for index, column in flows.offers.items():
            rates = instance.offers[index].rates_gbps
            units = [(c, waves_carried(rates[j], demand.wave_gbps)) for o, j, c in flows.units if o == index]
            self._rounded(units, column)

    def _rounded(self, terms: list[tuple[int, int]], used: int) -> None:
        need = self.demand.waves
        for divisor in sorted({1, *(w for _, w in terms if 1 < w <= need), need}):
            row = [(c, float(math.ceil(min(w, need) / divisor))) for c, w in terms]
            self.master.program.at_least([*row, (used, -float(math.ceil(need / divisor)))], 0.0)


def _useful_modes(instance: Instance, demand: CircuitDemand) -> Iterator[int]:
    """Modes that carry a wave, without those that another one replaces at no loss."""
    modes = instance.modes
    able = [m for m in range(len(modes.ids)) if modes.rate_gbps[m] >= demand.wave_gbps]

    def grade(m: int) -> tuple[float, ...]:
        waves = min(demand.waves, waves_carried(float(modes.rate_gbps[m]), demand.wave_gbps))
        costs = (float(modes.worth[m]), float(modes.regenerator_worth[m]), float(modes.slots[m]))
        return (-waves, -float(modes.reach_km[m]), *costs)

    grades = {m: grade(m) for m in able}
    for m in able:
        others = ((o, g) for o, g in grades.items() if o != m)
        if not any(
            all(x <= y for x, y in zip(g, grades[m], strict=True)) and (g != grades[m] or o < m)
            for o, g in others
        ):
            yield m


def _ends(instance: Instance, arc: Arc) -> tuple[int, int]:
    fiber, side = arc
    a, b = int(instance.fiber_a[fiber]), int(instance.fiber_b[fiber])
    return (a, b) if side == 0 else (b, a)


def _distances_km(instance: Instance, start: int, longest_km: float = math.inf) -> list[float]:
    """Shortest fiber distances (Bellman and Ford), over fibers up to ``longest_km``."""
    distance = [math.inf] * len(instance.site_ids)
    distance[start] = 0.0
    changed = True
    while changed:
        changed = False
        for fiber in range(len(instance.fiber_ids)):
            length_km = float(instance.length_km[fiber])
            if length_km > longest_km or instance.max_pairs[fiber] <= 0:
                continue
            for tail, head in (_ends(instance, (fiber, 0)), _ends(instance, (fiber, 1))):
                if distance[tail] + length_km < distance[head] - 1e-9:
                    distance[head] = distance[tail] + length_km
                    changed = True
    return distance


def _fewest_regens(instance: Instance, demand: CircuitDemand, reach_km: float) -> float:
    """Fewest regenerators of any lightpath between the ends; inf if there is none."""
    reached, frontier, count = {demand.a}, {demand.a}, 0
    while frontier:
        hops = [_distances_km(instance, site, reach_km) for site in sorted(frontier)]
        near = {s for d in hops for s in range(len(d)) if d[s] <= reach_km * (1.0 + 1e-9) + 1e-6}
        if demand.b in near:
            return count
        frontier = {s for s in near - reached if instance.regen[s]}
        reached |= near
        count += 1
    return math.inf
