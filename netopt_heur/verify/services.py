"""LSPs and circuits: rules R5, R6, R7, R8, R10 and the paths that the loads follow."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from netopt_heur.scenario.scenario import Circuit, Packet, Promise, Scenario, Transfer
from netopt_heur.verify.availability import availability
from netopt_heur.verify.legs import LegFacts, LinkFacts, PathFacts, ip_path, leg_facts, leg_path
from netopt_heur.verify.network import Network
from netopt_heur.verify.planfile import CircuitLegs, Leg, PlanDocument
from netopt_heur.verify.transfers import check_volume
from netopt_heur.verify.verdict import Log

LATENCY_TOLERANCE_MS = 1e-9
AVAILABILITY_TOLERANCE = 1e-12
WAVE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Flow:
    """One LSP that is asked for: ``share`` of packet row ``row``, or ``transfer``'s flow to ``target``."""

    id: str
    a: str
    b: str
    promise: Promise
    row: int = -1
    share: float = 1.0
    transfer: Transfer | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class RoutedFlow:
    """An LSP with the paths that the plan gives it; ``rates_gbps`` per UTC hour for transfers."""

    flow: Flow
    primary: PathFacts
    backup: PathFacts | None
    rates_gbps: tuple[float, ...] | None

    def service(self) -> Service:
        """What the promise is judged on."""
        where = f"lsps.{self.flow.id}"
        places = (where, f"{where}.backup")
        return Service(
            where, places, self.flow.promise, (self.flow.a, self.flow.b), self.primary, self.backup
        )


@dataclass(frozen=True, slots=True)
class Service:
    """An LSP or a circuit with its paths: what R6, R7, R8 and R10 judge alike."""

    where: str
    path_places: tuple[str, str]
    promise: Promise
    ends: tuple[str, str]
    primary: PathFacts
    backup: PathFacts | None


def flows(scenario: Scenario) -> Iterator[Flow]:
    """Every LSP that the scenario asks for."""
    for row, packet in enumerate(scenario.packets):
        n = n_lsps(packet, scenario.policy.split_gbps)
        for i in range(n):
            yield Flow(f"{packet.id}#{i}", packet.a, packet.b, packet.promise, row=row, share=1.0 / n)
    for transfer in scenario.transfers:
        for target in transfer.targets:
            a, b = transfer.ends(target)
            yield Flow(transfer.flow_id(target), a, b, transfer.promise, transfer=transfer, target=target)


def n_lsps(packet: Packet, split_gbps: float) -> int:
    """Number of equal LSPs of a packet demand."""
    means = [packet.mean_ab_gbps, packet.mean_ba_gbps]
    if packet.series is not None:
        means = [float(mean) for mean in packet.series.mean(axis=1)]
    return max(1, math.ceil(max(means) / split_gbps))


def check_lsps(net: Network, plan: PlanDocument, links: dict[str, LinkFacts], log: Log) -> list[RoutedFlow]:
    """Judge all LSPs and return those that have a path."""
    routed: list[RoutedFlow] = []
    expected = {flow.id: flow for flow in flows(net.scenario)}
    for lsp_id in plan.lsps:
        if lsp_id not in expected:
            log.add("R1", f"lsps.{lsp_id}", 1, "no demand has an LSP of this id")
    for flow in expected.values():
        where = f"lsps.{flow.id}"
        lsp = plan.lsps.get(flow.id)
        if lsp is None or not lsp.primary:
            log.add("R5", where, 1, "the LSP has no path")
            continue
        primary = ip_path(net, links, lsp.primary, flow.a, flow.b, where, log)
        backup = None
        if lsp.backup is not None:
            backup = ip_path(net, links, lsp.backup, flow.a, flow.b, f"{where}.backup", log)
        elif flow.promise.protection == "disjoint":
            log.add("R5", where, 1, "protection is disjoint but there is no backup")
        if flow.transfer is not None:
            check_volume(net, flow.transfer, flow.target, lsp.rates_gbps, where, log)
        elif lsp.rates_gbps is not None:
            log.add("R11", where, 1, "only transfers have rates to choose")
        routed.append(RoutedFlow(flow, primary, backup, lsp.rates_gbps))
    return routed


def check_circuits(net: Network, plan: PlanDocument, log: Log) -> list[Service]:
    """R1 and R5 of all circuits; return those that have a working leg."""
    expected = {circuit.id: circuit for circuit in net.scenario.circuits}
    routed: list[Service] = []
    for circuit_id in plan.circuits:
        if circuit_id not in expected:
            log.add("R1", f"circuits.{circuit_id}", 1, "no circuit demand has this id")
    for circuit in expected.values():
        where = f"circuits.{circuit.id}"
        legs: CircuitLegs | None = plan.circuits.get(circuit.id)
        if legs is None:
            log.add("R5", where, circuit.waves, "the circuit is missing")
            continue
        working = _circuit_leg(net, plan, circuit, legs.working, f"{where}.working", log)
        protection = None
        if legs.protection is not None:
            protection = _circuit_leg(net, plan, circuit, legs.protection, f"{where}.protection", log)
        elif circuit.promise.protection == "disjoint":
            log.add("R5", where, circuit.waves, "protection is disjoint but there is no protection leg")
        ends = (circuit.a, circuit.b)
        places = (f"{where}.working", f"{where}.protection")
        routed.append(Service(where, places, circuit.promise, ends, working, protection))
    return routed


def _circuit_leg(
    net: Network, plan: PlanDocument, circuit: Circuit, leg: Leg, where: str, log: Log
) -> PathFacts:
    facts = leg_facts(net, plan, leg, circuit.a, circuit.b, where, log)
    carried = [math.floor(rate / circuit.wave_gbps + WAVE_TOLERANCE) for rate in facts.rates_gbps]
    slow = sum(waves < 1 for waves in carried)
    if slow:
        log.add("R5", where, slow, f"{slow} channels are slower than a wave of {circuit.wave_gbps:g} Gb/s")
    missing = circuit.waves - sum(max(0, waves) for waves in carried)
    if missing > 0 and facts.rates_known:
        log.add("R5", where, missing, f"carries {circuit.waves - missing} of {circuit.waves} waves")
    return leg_path(facts)


def check_promise(net: Network, service: Service, log: Log) -> None:
    """R6, R7 and R8 of one LSP or circuit."""
    promise, primary, backup, where = service.promise, service.primary, service.backup, service.where
    _check_latency(primary, promise.max_latency_ms, service.path_places[0], log)
    if backup is not None:
        _check_latency(backup, promise.backup_max_latency_ms, service.path_places[1], log)
    if backup is not None and promise.protection == "disjoint":
        common = sorted(primary.groups & backup.groups)
        if common:
            log.add("R7", where, len(common), f"primary and backup share {', '.join(common)}")
        sites = sorted((primary.sites & backup.sites).difference(service.ends))
        if promise.node_disjoint and sites:
            log.add("R7", where, len(sites), f"primary and backup share sites {', '.join(sites)}")
    if promise.protection != "none":
        down = primary.down if backup is None else primary.down & backup.down
        down &= ~net.states.any_down([("site", end) for end in service.ends])
        if down:
            first = net.states.names[(down & -down).bit_length() - 1]
            log.add(
                "R8", where, down.bit_count(), f"no path is up in {down.bit_count()} states, first: {first}"
            )


def _check_latency(path: PathFacts, bound_ms: float | None, where: str, log: Log) -> None:
    if bound_ms is not None and path.latency_ms - bound_ms > LATENCY_TOLERANCE_MS:
        message = f"latency {path.latency_ms:.6g} ms, at most {bound_ms:g} ms"
        log.add("R6", where, path.latency_ms - bound_ms, message)


class Availabilities:
    """Availability of services; those on the same legs share one computation."""

    def __init__(self, net: Network) -> None:
        self._net = net
        self._known: dict[tuple[tuple[tuple[LegFacts, ...], ...], ...], float] = {}

    def __call__(self, service: Service) -> float | None:
        """Probability that the service is up; None if one of its paths breaks R1 or the hop limit."""
        paths = [path for path in (service.primary, service.backup) if path is not None]
        # A path that R1 or the hop limit refuses may be of any length, and the work exponential in it.
        longest = self._net.scenario.policy.max_ip_hops
        if any(not path.intact or len(path.hops) > longest for path in paths):
            return None
        key = tuple(path.links for path in paths)
        if key not in self._known:
            components = [[[leg.components() for leg in legs] for legs in path.links] for path in paths]
            self._known[key] = availability(components, self._net.unavailability)
        return self._known[key]


class AvailabilityCheck:
    """R10."""

    def __init__(self, net: Network, log: Log) -> None:
        self._availability = Availabilities(net)
        self._log = log

    def __call__(self, service: Service) -> None:
        """Judge one service."""
        wanted = service.promise.min_availability
        found = self._availability(service) if wanted > 0.0 else None
        if found is not None and wanted - found > AVAILABILITY_TOLERANCE:
            message = f"availability {found:.9f}, at least {wanted:.9g}"
            self._log.add("R10", service.where, wanted - found, message)


def check_leg_pairs(plan: PlanDocument, links: dict[str, LinkFacts], log: Log) -> None:
    """R7 of 1+1 links."""
    for link_id in plan.links:
        legs = links[link_id].legs
        if len(legs) < 2:
            continue
        where = f"links.{link_id}"
        common = sorted(legs[0].groups & legs[1].groups)
        if common:
            log.add("R7", where, len(common), f"the legs share {', '.join(common)}")
        first, second = Counter(legs[0].rates_gbps), Counter(legs[1].rates_gbps)
        odd = (first - second) + (second - first)
        if odd and legs[0].rates_known and legs[1].rates_known:
            message = (
                f"the legs offer different rates: {sorted(first.elements())}, {sorted(second.elements())}"
            )
            log.add("R7", where, odd.total(), message)
