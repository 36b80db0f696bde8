"""Legs, links and paths: rule R1 of references, and the facts that all later rules read.

A broken reference is reported once, here. The facts leave out what does not exist, so that later rules judge
the rest and do not repeat the news.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netopt_heur.verify.network import Component, Network
from netopt_heur.verify.planfile import Leg, PlanDocument
from netopt_heur.verify.verdict import Log


@dataclass(frozen=True, slots=True)
class LegFacts:
    """What a leg is made of.

    ``rates_gbps`` are its channels; ``rates_known`` is false if one of them cannot be found out. ``down`` is
    the set of failure states that take it down. ``hops`` is its number of fibers (0 on a wave offer).
    """

    groups: frozenset[str]
    sites: frozenset[str]
    rates_gbps: tuple[float, ...]
    rates_known: bool
    latency_ms: float
    hops: int
    down: int

    def components(self) -> Iterator[Component]:
        """Every group and site that takes the leg down."""
        for group in self.groups:
            yield "group", group
        for site in self.sites:
            yield "site", site


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """An IP link: the latency of its slower leg, and the capacity, ``None`` if it cannot be found out."""

    a: str
    b: str
    legs: tuple[LegFacts, ...]
    capacity_gbps: float | None
    latency_ms: float


@dataclass(frozen=True, slots=True)
class PathFacts:
    """A path as links, each a tuple of its legs; a circuit's leg is a path of one link with one leg.

    ``hops`` holds (link id, 0 if travelled a to b else 1) and is empty for circuits. ``intact``: R1 holds.
    """

    links: tuple[tuple[LegFacts, ...], ...]
    hops: tuple[tuple[str, int], ...]
    latency_ms: float
    intact: bool

    @property
    def down(self) -> int:
        """Failure states in which some link has all its legs down."""
        states = 0
        for legs in self.links:
            link = legs[0].down
            for leg in legs[1:]:
                link &= leg.down
            states |= link
        return states

    @property
    def groups(self) -> frozenset[str]:
        """Groups of all legs of all links."""
        return frozenset().union(*(leg.groups for legs in self.links for leg in legs))

    @property
    def sites(self) -> frozenset[str]:
        """Sites of all legs of all links."""
        return frozenset().union(*(leg.sites for legs in self.links for leg in legs))


def all_legs(plan: PlanDocument) -> Iterator[tuple[str, Leg]]:
    """Every leg of the plan with its place."""
    for link_id, link in plan.links.items():
        for index, leg in enumerate(link.legs):
            yield f"links.{link_id}.legs.{index}", leg
    for circuit_id, circuit in plan.circuits.items():
        yield f"circuits.{circuit_id}.working", circuit.working
        if circuit.protection is not None:
            yield f"circuits.{circuit_id}.protection", circuit.protection


def check_membership(plan: PlanDocument, log: Log) -> None:
    """R1: every lightpath is in exactly one leg."""
    uses = Counter(lightpath for _, leg in all_legs(plan) for lightpath in leg.lightpaths)
    for lightpath_id in plan.lightpaths:
        if uses[lightpath_id] != 1:
            count = uses[lightpath_id]
            log.add(
                "R1", f"lightpaths.{lightpath_id}", 1, f"the lightpath is in {count} legs, not in exactly one"
            )


def links_of(net: Network, plan: PlanDocument, log: Log) -> dict[str, LinkFacts]:
    """Facts of every link; R1 of its ends and legs."""
    links: dict[str, LinkFacts] = {}
    for link_id, link in plan.links.items():
        where = f"links.{link_id}"
        for end in (link.a, link.b):
            if end not in net.sites:
                log.add("R1", where, 1, f"unknown site '{end}'")
            elif not net.sites[end].router:
                log.add("R1", where, 1, f"site '{end}' cannot end IP links")
        legs = tuple(
            leg_facts(net, plan, leg, link.a, link.b, f"{where}.legs.{index}", log)
            for index, leg in enumerate(link.legs)
        )
        capacity = sum(legs[0].rates_gbps) if legs[0].rates_known else None
        latency_ms = max(leg.latency_ms for leg in legs)
        links[link_id] = LinkFacts(link.a, link.b, legs, capacity, latency_ms)
    return links


def leg_facts(net: Network, plan: PlanDocument, leg: Leg, a: str, b: str, where: str, log: Log) -> LegFacts:
    """Facts of one leg between ``a`` and ``b``; R1 of its route, lightpaths or offer."""
    if leg.offer is not None:
        return _offer_leg(net, leg, a, b, where, log)
    fault = net.route_fault(leg.route, a, b)
    if fault is not None:
        log.add("R1", where, 1, fault)
    if not leg.lightpaths:
        log.add("R1", where, 1, "the leg has no lightpath")
    rates: list[float] = []
    most_regens = 0
    for lightpath_id in leg.lightpaths:
        lightpath = plan.lightpaths.get(lightpath_id)
        if lightpath is None:
            log.add("R1", where, 1, f"unknown lightpath '{lightpath_id}'")
            continue
        route = lightpath.route if (lightpath.a, lightpath.b) == (a, b) else lightpath.route[::-1]
        if {lightpath.a, lightpath.b} != {a, b} or route != leg.route:
            log.add("R1", where, 1, f"ends or route of lightpath '{lightpath_id}' differ from the leg's")
        most_regens = max(most_regens, len(lightpath.regens))
        if lightpath.mode in net.modes:
            rates.append(net.modes[lightpath.mode].rate_gbps)
    fibers = [net.fibers[fiber] for fiber in leg.route if fiber in net.fibers]
    groups = frozenset().union(*(net.fiber_groups[fiber.id] for fiber in fibers))
    sites = frozenset((a, b)).union(*((fiber.a, fiber.b) for fiber in fibers))
    constants = net.scenario.latency
    equipment_ms = 2 * constants.lightpath_end_ms + most_regens * constants.regenerator_ms
    return LegFacts(
        groups=groups,
        sites=sites,
        rates_gbps=tuple(rates),
        rates_known=len(rates) == len(leg.lightpaths),
        latency_ms=net.length_km(leg.route) * constants.us_per_km / 1000.0 + equipment_ms,
        hops=len(leg.route),
        down=_down(net, groups, sites),
    )


def _offer_leg(net: Network, leg: Leg, a: str, b: str, where: str, log: Log) -> LegFacts:
    offer = net.offers.get(leg.offer or "")
    sites = frozenset((a, b))
    if not leg.units:
        log.add("R1", where, 1, "the leg has no unit of its offer")
    if offer is None:
        log.add("R1", where, 1, f"unknown wave offer '{leg.offer}'")
        return LegFacts(frozenset(), sites, leg.units, True, 0.0, 0, _down(net, frozenset(), sites))
    if {offer.a, offer.b} != {a, b}:
        log.add("R1", where, 1, f"offer '{offer.id}' runs {offer.a} - {offer.b}, the leg runs {a} - {b}")
    if offer.latency_ms is not None:
        latency_ms = offer.latency_ms
    else:
        constants = net.scenario.latency
        latency_ms = (offer.length_km or 0.0) * constants.us_per_km / 1000.0 + 2 * constants.lightpath_end_ms
    groups = net.offer_groups[offer.id]
    return LegFacts(groups, sites, leg.units, True, latency_ms, 0, _down(net, groups, sites))


def _down(net: Network, groups: frozenset[str], sites: frozenset[str]) -> int:
    return net.states.any_down([("group", group) for group in groups]) | net.states.any_down(
        [("site", site) for site in sites]
    )


def leg_path(leg: LegFacts) -> PathFacts:
    """A circuit's leg as a path."""
    return PathFacts(((leg,),), (), leg.latency_ms, True)


def ip_path(
    net: Network, links: dict[str, LinkFacts], path: Sequence[str], a: str, b: str, where: str, log: Log
) -> PathFacts:
    """Facts of an IP path from ``a`` to ``b``; R1 of its references and its shape."""
    at, seen, fault = a, {a}, ""
    hops: list[tuple[str, int]] = []
    for link_id in path:
        link = links.get(link_id)
        if link is None:
            fault = fault or f"unknown link '{link_id}'"
            continue
        if at not in (link.a, link.b):
            fault = fault or f"link '{link_id}' does not touch router '{at}'"
        backwards = at == link.b and link.a != link.b
        at = link.a if backwards else link.b
        if at in seen:
            fault = fault or f"the path visits router '{at}' twice"
        seen.add(at)
        hops.append((link_id, int(backwards)))
    if at != b:
        fault = fault or f"the path ends at router '{at}', not at '{b}'"
    if fault:
        log.add("R1", where, 1, fault)
    hop_ms = net.scenario.latency.router_hop_ms
    latency_ms = sum([links[link_id].latency_ms + hop_ms for link_id, _ in hops])
    return PathFacts(tuple(links[link_id].legs for link_id, _ in hops), tuple(hops), latency_ms, not fault)
