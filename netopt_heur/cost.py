"""What a design costs, layer by layer; a worth is a price over the whole horizon."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from netopt_heur.design import Design, DesignLeg, DesignLink, leg_rates
from netopt_heur.instance import Instance, cheapest_port


def design_worth(instance: Instance, design: Design) -> float:
    """Total cost of a design."""
    optical = optical_worth(instance, design.legs())
    return fiber_worth(instance, design) + optical + ip_worth(instance, design.links.values())


def fiber_worth(instance: Instance, design: Design) -> float:
    """Cost of building fibers and lighting new pairs."""
    new_pairs = np.maximum(0, design.pairs - instance.lit_pairs)
    return float(instance.build_worth[design.built].sum() + (instance.pair_worth * new_pairs).sum())


def optical_worth(instance: Instance, legs: Iterable[DesignLeg]) -> float:
    """Cost of transponders, regenerators, opened regeneration sites and wave offers."""
    total = 0.0
    worth, regenerator_worth = instance.modes.worth.tolist(), instance.modes.regenerator_worth.tolist()
    opened: set[int] = set()
    offers: set[int] = set()
    for leg in legs:
        if leg.offer >= 0:
            offers.add(leg.offer)
            total += sum(instance.offers[leg.offer].unit_worth[u] for u in leg.units if u >= 0)
        for channel in leg.channels:
            total += 2 * worth[channel.mode]
            if channel.regens:
                total += len(channel.regens) * regenerator_worth[channel.mode]
                opened.update(channel.regens)
    total += sum(float(instance.regen_open_worth[site]) for site in sorted(opened))
    return total + sum(instance.offers[offer].setup_worth for offer in sorted(offers))


def ip_worth(instance: Instance, links: Iterable[DesignLink]) -> float:
    """Cost of router ports and chassis."""
    total, modes = 0.0, instance.modes
    of_mode = list(zip(modes.port_worth.tolist(), modes.port_gbps.tolist(), strict=True))
    ports_gbps: defaultdict[int, float] = defaultdict(float)
    for link in links:
        leg = link.legs[0]
        ports = [of_mode[channel.mode] for channel in leg.channels]
        if leg.offer >= 0:
            ports = [cheapest_port(instance.scenario, rate) for rate in leg_rates(instance, leg)]
        for port_worth, port_gbps in ports:
            if math.isfinite(port_worth):
                total += 2 * port_worth
                ports_gbps[link.a] += port_gbps
                ports_gbps[link.b] += port_gbps
    return total + sum(chassis_worth(instance, ports_gbps[site]) for site in sorted(ports_gbps))


def chassis_worth(instance: Instance, ports_gbps: float) -> float:
    """Cost of the chassis that hold ports of ``ports_gbps`` in all at one site."""
    steps = [(c.capacity_gbps, instance.worth(c.price)) for c in instance.scenario.catalogue.chassis]
    if not steps or ports_gbps <= 0:
        return 0.0
    largest = max(steps)
    full = math.ceil(ports_gbps / largest[0]) - 1
    rest = min(ports_gbps - full * largest[0], largest[0])  # rounding may leave a trifle more
    return full * largest[1] + min(price for capacity, price in steps if capacity >= rest)
