"""Cost of a plan by layer: ``docs/model.md`` section 2."""

from __future__ import annotations

import math
from collections import defaultdict

from netopt_heur.scenario.scenario import Fiber, Port, Price, Scenario
from netopt_heur.verify.legs import LinkFacts, all_legs
from netopt_heur.verify.network import Network
from netopt_heur.verify.optical import RATE_TOLERANCE
from netopt_heur.verify.planfile import PlanDocument


def worth(scenario: Scenario, price: Price) -> float:
    """Worth of a price over the horizon, cost units."""
    yearly = price.opex + price.power_w * scenario.catalogue.power_cost_per_w_year
    return price.capex + scenario.horizon_years * yearly


def cost_breakdown(net: Network, plan: PlanDocument, links: dict[str, LinkFacts]) -> dict[str, float]:
    """Cost by layer; what a dangling reference would cost is left out."""
    return {
        "fiber": _fiber_cost(net, plan),
        "optical": _lightpath_cost(net, plan) + _offer_cost(net, plan),
        "ip": _ip_cost(net.scenario, links),
    }


def _fiber_cost(net: Network, plan: PlanDocument) -> float:
    return math.fsum(
        _one_fiber_cost(net.scenario, net.fibers[fiber_id], use.pairs, use.built)
        for fiber_id, use in plan.fibers.items()
        if fiber_id in net.fibers
    )


def _one_fiber_cost(scenario: Scenario, fiber: Fiber, pairs: int, built: bool) -> float:
    catalogue = scenario.catalogue
    new_pairs = max(0, pairs - fiber.lit_pairs)
    amplifiers = max(0, math.ceil(fiber.length_km / catalogue.span_km) - 1)
    per_pair = (
        worth(scenario, fiber.lease_per_pair_km) * fiber.length_km
        + worth(scenario, catalogue.pair_terminal) * 2
        + worth(scenario, catalogue.inline_amplifier) * amplifiers
    )
    build = worth(scenario, fiber.build_cost) if built and fiber.candidate else 0.0
    return build + new_pairs * per_pair


def _lightpath_cost(net: Network, plan: PlanDocument) -> float:
    items: list[float] = []
    for lightpath in plan.lightpaths.values():
        if lightpath.mode in net.modes:
            mode = net.modes[lightpath.mode]
            items.append(2 * worth(net.scenario, mode.price))
            items.append(len(lightpath.regens) * worth(net.scenario, mode.regenerator))
    opened = {
        site for lightpath in plan.lightpaths.values() for site in lightpath.regens if site in net.sites
    }
    items += [worth(net.scenario, net.sites[site].regen_open_cost) for site in opened]
    return math.fsum(items)


def _offer_cost(net: Network, plan: PlanDocument) -> float:
    items: list[float] = []
    used: set[str] = set()
    for _, leg in all_legs(plan):
        if leg.offer is None or leg.offer not in net.offers or not leg.units:
            continue
        used.add(leg.offer)
        for rate in leg.units:
            prices = [
                unit.price
                for unit in net.offers[leg.offer].units
                if abs(unit.rate_gbps - rate) <= RATE_TOLERANCE * unit.rate_gbps
            ]
            items += [worth(net.scenario, price) for price in prices[:1]]
    items += [worth(net.scenario, net.offers[offer].setup) for offer in used]
    return math.fsum(items)


def _port(scenario: Scenario, rate_gbps: float) -> Port | None:
    """Cheapest port that is fast enough, then the slowest; ``None`` if there is none (R9)."""
    fast_enough = [port for port in scenario.catalogue.ports if port.rate_gbps >= rate_gbps]
    return min(fast_enough, key=lambda p: (worth(scenario, p.price), p.rate_gbps), default=None)


def _ip_cost(scenario: Scenario, links: dict[str, LinkFacts]) -> float:
    items: list[float] = []
    port_gbps: dict[str, list[float]] = defaultdict(list)
    for link in links.values():
        for rate in link.legs[0].rates_gbps:
            port = _port(scenario, rate)
            if port is not None:
                items.append(2 * worth(scenario, port.price))
                port_gbps[link.a].append(port.rate_gbps)
                port_gbps[link.b].append(port.rate_gbps)
    items += [chassis_cost(scenario, math.fsum(rates)) for rates in port_gbps.values()]
    return math.fsum(items)


def chassis_cost(scenario: Scenario, total_gbps: float) -> float:
    """Cost of the chassis at a site whose ports add up to ``total_gbps``."""
    chassis = scenario.catalogue.chassis
    if not chassis or total_gbps <= 0.0:
        return 0.0
    largest = max(chassis, key=lambda c: c.capacity_gbps)
    full = math.ceil(total_gbps / largest.capacity_gbps) - 1
    # rounding may leave a trifle more than the largest holds
    rest_gbps = min(total_gbps - full * largest.capacity_gbps, largest.capacity_gbps)
    last = min(worth(scenario, item.price) for item in chassis if item.capacity_gbps >= rest_gbps)
    return full * worth(scenario, largest.price) + last
