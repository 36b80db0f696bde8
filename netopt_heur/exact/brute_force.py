"""The optimum by enumeration, for networks of three or four sites: the obvious twin of the exact model.

It shares no code with the model. Routes, links, paths and choices are enumerated from the scenario by
recursion;
choices are tried one demand after the other, and for each routing all channels, fiber pairs and slots.
Partial
routings are given up when the cheapest channels for the loads so far already cost as much as the best plan.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from netopt_heur.exact.brute_channels import Alternative, Channels, Dimensioner, Need
from netopt_heur.exact.brute_paths import Choice, IpLink, Leg, Network, Route, Samples
from netopt_heur.plan import (
    CircuitRoute,
    FiberLeg,
    FiberUse,
    Lightpath,
    Link,
    LspRoute,
    Plan,
    Segment,
    WaveLeg,
)
from netopt_heur.plan import Leg as PlanLeg
from netopt_heur.scenario.scenario import Scenario

GB_PER_GBPS_HOUR = 450.0
TOLERANCE = 1e-9


@dataclass(frozen=True)
class BruteForceResult:
    """The optimum: ``plan`` None and ``cost`` inf if nothing is feasible; ``routings`` dimensioned in all."""

    cost: float
    plan: Plan | None
    routings: int


def brute_force(scenario: Scenario, *, time_limit_s: float = math.inf) -> BruteForceResult:
    """Find the cheapest plan of a tiny scenario by enumeration.

    Parameters
    ----------
    scenario
        At most about four sites and a handful of LSPs; at most one transfer flow, with percentiles by hour.
    time_limit_s
        An enumeration that is not through by then is given up.

    Returns
    -------
    BruteForceResult
        Over plans with at most one IP link per pair of routes (and latency class), as the exact model's
        default.

    Raises
    ------
    ValueError
        If the scenario has features that the enumeration does not cover.
    TimeoutError
        If the enumeration was given up.
    """
    flows = sum(len(transfer.targets) for transfer in scenario.transfers)
    if flows > 1 or (flows and scenario.policy.percentile_over == "day"):
        raise ValueError("one transfer flow at most, and percentiles by hour")
    search = _Search(scenario, time.perf_counter() + time_limit_s)
    search.run()
    return BruteForceResult(search.best, search.plan, search.routings)


@dataclass
class _Routing:
    """Choices so far: per LSP and circuit, and what they put on each link."""

    lsps: list[Choice] = field(default_factory=list)
    circuits: list[tuple[Leg, ...]] = field(default_factory=list)


class _Search:
    def __init__(self, scenario: Scenario, deadline: float) -> None:
        self.scenario, self.net, self.deadline = scenario, Network(scenario), deadline
        self.channels = Channels(scenario)
        self.best, self.plan, self.routings = math.inf, None, 0  # type: float, Plan | None, int
        self.flows = list(self.net.flows())
        self._loads: dict[tuple[int, Choice], dict[IpLink, Samples]] = {}

    def run(self) -> None:
        """Try every choice of every demand."""
        lsp_choices = [self.net.lsp_choices(flow) for flow in self.flows]
        circuit_choices = [self.net.circuit_choices(c) for c in self.scenario.circuits]
        if all(lsp_choices) and all(circuit_choices):
            self._circuits(_Routing(), circuit_choices, lsp_choices)

    def _circuits(
        self, routing: _Routing, circuits: list[list[tuple[Leg, ...]]], lsps: list[list[Choice]]
    ) -> None:
        i = len(routing.circuits)
        if i == len(circuits):
            self._lsps(routing, lsps)
            return
        for choice in circuits[i]:
            routing.circuits.append(choice)
            if self._bound(routing) < self.best - TOLERANCE:
                self._circuits(routing, circuits, lsps)
            routing.circuits.pop()

    def _lsps(self, routing: _Routing, choices: list[list[Choice]]) -> None:
        i = len(routing.lsps)
        if i == len(choices):
            self._dimension(routing)
            return
        ranked = []
        first = 0
        if i and self.flows[i].twin_of(self.flows[i - 1]):
            first = choices[i].index(routing.lsps[-1])  # equal LSPs in one order
        for position, choice in enumerate(choices[i][first:]):
            routing.lsps.append(choice)
            ranked.append((self._bound(routing), position, choice))
            routing.lsps.pop()
        for bound, _, choice in sorted(ranked, key=lambda x: x[:2]):
            if bound >= self.best - TOLERANCE:
                break
            routing.lsps.append(choice)
            self._lsps(routing, choices)
            routing.lsps.pop()

    def _load(self, i: int, choice: Choice) -> dict[IpLink, Samples]:
        if (i, choice) not in self._loads:
            self._loads[i, choice] = self.net.load(self.flows[i], choice)
        return self._loads[i, choice]

    def _table(self, routing: _Routing, link: IpLink) -> Samples:
        loads = [self._load(i, choice) for i, choice in enumerate(routing.lsps)]
        total: Samples = np.sum([load[link] for load in loads if link in load], axis=0)
        return total

    def _needs(self, routing: _Routing) -> list[Need]:
        """What every used link and every circuit's leg must carry, transfers left out."""
        links = dict.fromkeys(link for i, choice in enumerate(routing.lsps) for link in self._load(i, choice))
        spare = 0.0
        moving: set[IpLink] = set()
        for flow, choice in zip(self.flows, routing.lsps, strict=False):
            if flow.volume_gb > 0:
                spare = flow.volume_gb / GB_PER_GBPS_HOUR
                moving = {*choice.primary, *(choice.backup or ())}
        needs = []
        utilisation = self.scenario.policy.max_utilisation
        for link in links:
            load = float(self.net.percentiles(self._table(routing, link)).max())
            extra = spare if link in moving else 0.0
            needs.append(Need(link, link.legs, load / utilisation, extra / utilisation, 0, 0.0))
        for circuit, legs in zip(self.scenario.circuits, routing.circuits, strict=False):
            needs += [Need(None, (leg,), 0.0, 0.0, circuit.waves, circuit.wave_gbps) for leg in legs]
        return needs

    def _bound(self, routing: _Routing) -> float:
        """Cost of the cheapest channels one by one, and of one pair on every dark fiber used."""
        if time.perf_counter() > self.deadline:
            raise TimeoutError("brute force was given up")
        needs = self._needs(routing)
        if not self.channels.slots_suffice(needs):
            return math.inf
        total = sum(self.channels.cheapest(need) for need in needs)
        fibers = {f for need in needs for leg in need.legs if isinstance(leg, Route) for f in leg.fibers}
        return total + sum(self.channels.first_pair(f) for f in fibers)

    def _dimension(self, routing: _Routing) -> None:
        self.routings += 1
        needs = self._needs(routing)
        dimensioner = Dimensioner(
            self.channels, needs, self.best, lambda chosen: self._moves(routing, needs, chosen)
        )
        found = dimensioner.search()
        if found is not None:
            self.best = found.cost
            self.plan = self._to_plan(routing, needs, found.chosen, found.pairs, found.places)

    def _moves(self, routing: _Routing, needs: list[Need], chosen: Sequence[Alternative]) -> bool:
        """Whether the transfer's volume fits beside everything else."""
        return self._transfer_rates(routing, needs, chosen) is not None

    def _transfer_rates(
        self, routing: _Routing, needs: list[Need], chosen: Sequence[Alternative]
    ) -> list[float] | None:
        moving = [i for i, flow in enumerate(self.flows) if flow.volume_gb > 0]
        if not moving:
            return []
        capacity = {
            need.link: sum(chosen[i].rates[0]) for i, need in enumerate(needs) if need.link is not None
        }
        flow = self.flows[moving[0]]
        rates = [0.0] * 24
        missing = flow.volume_gb / GB_PER_GBPS_HOUR
        for hour in self.net.window(flow):
            rates[hour] = min(missing, self._room_gbps(routing, moving[0], hour, capacity))
            missing -= rates[hour]
        return rates if missing <= TOLERANCE * flow.volume_gb / GB_PER_GBPS_HOUR else None

    def _room_gbps(self, routing: _Routing, mover: int, hour: int, capacity: dict[IpLink, float]) -> float:
        """Rate that one flow may add in a UTC hour on all its links, in every state in which it uses them."""
        room = math.inf
        for link, forward, states in self.net.carried(self.flows[mover], routing.lsps[mover]):
            used = self.net.percentiles(self._table(routing, link), hour)[:, 0 if forward else 1]
            limit = self.scenario.policy.max_utilisation * capacity[link]
            room = min([room, *(limit - float(used[state]) for state in states)])
        return max(0.0, room)

    # ---- the plan

    def _to_plan(
        self,
        routing: _Routing,
        needs: list[Need],
        chosen: Sequence[Alternative],
        pairs: dict[str, int],
        places: Sequence[tuple[int | None, tuple[int, ...]]],
    ) -> Plan:
        lightpaths: dict[str, Lightpath] = {}
        queue = iter(places)
        legs = [
            tuple(
                self._leg(leg, kinds, lightpaths, queue)
                for leg, kinds in zip(need.legs, a.kinds, strict=True)
            )
            for need, a in zip(needs, chosen, strict=True)
        ]
        names = {need.link: f"link-{i}" for i, need in enumerate(needs) if need.link is not None}
        links = {
            f"link-{i}": Link(need.legs[0].a, need.legs[0].b, done)
            for i, (need, done) in enumerate(zip(needs, legs, strict=True))
            if need.link is not None
        }
        rates = self._transfer_rates(routing, needs, chosen) or []
        circuits = self._circuit_routes(
            routing, [x for need, x in zip(needs, legs, strict=True) if need.link is None]
        )
        return Plan(
            self.scenario.name,
            self.scenario.digest,
            {f: FiberUse(n, f in self.channels.used_candidates(needs)) for f, n in pairs.items()},
            lightpaths,
            links,
            {
                flow.id: LspRoute(
                    tuple(names[x] for x in choice.primary),
                    None if choice.backup is None else tuple(names[x] for x in choice.backup),
                    tuple(rates) if flow.volume_gb > 0 else None,
                )
                for flow, choice in zip(self.flows, routing.lsps, strict=True)
            },
            circuits,
        )

    def _circuit_routes(
        self, routing: _Routing, legs: Sequence[tuple[PlanLeg, ...]]
    ) -> dict[str, CircuitRoute]:
        queue = iter(legs)
        routes = {}
        for circuit, choice in zip(self.scenario.circuits, routing.circuits, strict=True):
            done = [next(queue)[0] for _ in choice]
            routes[circuit.id] = CircuitRoute(done[0], done[1] if len(done) > 1 else None)
        return routes

    def _leg(
        self,
        leg: Leg,
        kinds: Sequence[tuple[str, tuple[str, ...], float]],
        lightpaths: dict[str, Lightpath],
        queue: Iterator[tuple[int | None, tuple[int, ...]]],
    ) -> PlanLeg:
        if not isinstance(leg, Route):
            return WaveLeg(leg.offer, tuple(rate for _, _, rate in kinds))
        ids = []
        for mode, regens, _ in kinds:
            parts = self.net.parts(leg, regens)
            segments = tuple(Segment(*next(queue)) for _ in parts)
            ids.append(f"lp-{len(lightpaths)}")
            lightpaths[ids[-1]] = Lightpath(leg.a, leg.b, leg.fibers, mode, regens, segments)
        return FiberLeg(leg.fibers, tuple(ids))
