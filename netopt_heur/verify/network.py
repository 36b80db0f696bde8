"""The scenario's fiber layer by id: groups, their unavailability, failure states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from netopt_heur.scenario.scenario import Fiber, Scenario

HOURS_PER_YEAR = 8760.0

# A thing that fails as a whole. Groups and sites have separate name spaces.
Component = tuple[Literal["group", "site"], str]


@dataclass(frozen=True, slots=True)
class FailureStates:
    """The failure states; ``names[0]`` is "none".

    A set of states is an integer whose bit ``f`` stands for state ``f``; ``down[c]`` holds the states in
    which component ``c`` is down.
    """

    names: tuple[str, ...]
    down: dict[Component, int]

    def any_down(self, components: Iterable[Component]) -> int:
        """States in which at least one of the components is down."""
        states = 0
        for component in components:
            states |= self.down.get(component, 0)
        return states


class Network:
    """Look-up tables of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.sites = {site.id: site for site in scenario.sites}
        self.fibers = {fiber.id: fiber for fiber in scenario.fibers}
        self.offers = {offer.id: offer for offer in scenario.wave_offers}
        self.modes = {mode.id: mode for mode in scenario.catalogue.modes}
        self.fiber_groups = {f.id: frozenset((f.id, *f.srlgs)) for f in scenario.fibers}
        self.offer_groups = {o.id: frozenset((o.id, *o.srlgs)) for o in scenario.wave_offers}
        members = [*self.fiber_groups.values(), *self.offer_groups.values()]
        self.groups = sorted({*scenario.group_unavailability}.union(*members))
        self.unavailability = self._unavailability()
        self.states = self._failure_states()

    def _unavailability(self) -> dict[Component, float]:
        """U of every component that can be down at all."""
        result: dict[Component, float] = {("site", s.id): s.unavailability for s in self.sites.values()}
        for group in self.groups:
            if group in self.fibers:
                value = _fiber_unavailability(self.fibers[group])
            elif group in self.offers:
                value = 1.0 - self.offers[group].availability
            else:
                value = self.scenario.group_unavailability.get(group, 0.0)
            result["group", group] = value
        return {component: value for component, value in result.items() if value > 0.0}

    def _failure_states(self) -> FailureStates:
        failures = self.scenario.policy.failures
        failing: list[tuple[str, Sequence[Component]]] = []
        if failures.srlgs:
            failing += [(f"group {group}", [("group", group)]) for group in self.groups]
        failing += [(f"site {site}", [("site", site)]) for site in failures.sites]
        failing += [(f"groups {g} and {h}", [("group", g), ("group", h)]) for g, h in failures.pairs]
        names, down = ["none"], dict[Component, int]()
        for name, components in failing:
            for component in components:
                down[component] = down.get(component, 0) | 1 << len(names)
            names.append(name)
        return FailureStates(tuple(names), down)

    def length_km(self, route: Iterable[str]) -> float:
        """Length of the known fibers of a route."""
        return sum(self.fibers[fiber].length_km for fiber in route if fiber in self.fibers)

    def route_sites(self, route: Sequence[str], start: str) -> list[str] | str:
        """Sites along a route from ``start``, or the reason why it is not a simple path in the network."""
        if start not in self.sites:
            return f"unknown site '{start}'"
        if not route:
            return "the route is empty"
        sites = [start]
        for fiber_id in route:
            fiber = self.fibers.get(fiber_id)
            if fiber is None:
                return f"unknown fiber '{fiber_id}'"
            if sites[-1] not in (fiber.a, fiber.b):
                return f"fiber '{fiber_id}' does not touch site '{sites[-1]}'"
            step = fiber.b if sites[-1] == fiber.a else fiber.a
            if step in sites:
                return f"the route visits site '{step}' twice"
            sites.append(step)
        return sites

    def route_fault(self, route: Sequence[str], a: str, b: str) -> str | None:
        """Why a route is not a simple path from ``a`` to ``b``; ``None`` if it is."""
        sites = self.route_sites(route, a)
        if isinstance(sites, str):
            return sites
        if b not in self.sites:
            return f"unknown site '{b}'"
        return None if sites[-1] == b else f"the route ends at '{sites[-1]}', not at '{b}'"


def _fiber_unavailability(fiber: Fiber) -> float:
    cuts_per_year = fiber.cuts_per_1000km_year * fiber.length_km / 1000.0
    return min(1.0, cuts_per_year * fiber.mttr_hours / HOURS_PER_YEAR)
