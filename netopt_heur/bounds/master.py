"""The relaxation's columns and static rows: equipment counted per fiber and site, not by lightpath."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from netopt_heur.bounds.program import F64, Program
from netopt_heur.instance import Instance, cheapest_port

DUAL_FEASIBLE = 8  # functions of the share of reach, docs/bounds.md
Column = int
Term = tuple[int, float]
Way = tuple[int, tuple[str, int]]  # site; fiber or wave offer that leaves it


@dataclass
class Master:
    """Columns of the relaxation; ``legs`` is 1 for single-legged links, 2 for either leg of a 1+1 link.

    Attributes
    ----------
    pairs : dict
        fiber -> new pairs.
    lit : dict
        Fiber without lit pairs -> 1 if it has new ones; of a candidate fiber, 1 if it is built.
    channels : dict
        (fiber, mode, legs) -> lightpaths of IP links on the fiber.
    ends : dict
        (fiber, side, mode, legs) -> those that end there; side 0 is ``fiber_a``.
    regens : dict
        (mode, legs) -> their regenerators.
    twins : dict
        (site, rate) -> channels of 1+1 links that end at the site; two lightpaths or units each.
    ports : dict
        (site, rate) -> channels of all links that end at the site.
    units : dict
        (offer, product, legs) -> units bought for IP links.
    bought : dict
        offer -> 1 if any unit is bought.
    chassis : dict
        site -> worth of its chassis.
    """

    instance: Instance
    program: Program = field(default_factory=Program)
    pairs: dict[int, Column] = field(default_factory=dict)
    lit: dict[int, Column] = field(default_factory=dict)
    channels: dict[tuple[int, int, int], Column] = field(default_factory=dict)
    ends: dict[tuple[int, int, int, int], Column] = field(default_factory=dict)
    regens: dict[tuple[int, int], Column] = field(default_factory=dict)
    twins: dict[tuple[int, float], Column] = field(default_factory=dict)
    ports: dict[tuple[int, float], Column] = field(default_factory=dict)
    units: dict[tuple[int, int, int], Column] = field(default_factory=dict)
    bought: dict[int, Column] = field(default_factory=dict)
    chassis: dict[int, Column] = field(default_factory=dict)
    slots_used: dict[int, list[Term]] = field(default_factory=lambda: defaultdict(list))
    units_used: dict[int, list[Term]] = field(default_factory=lambda: defaultdict(list))
    ip_modes: list[int] = field(default_factory=list)
    legs: tuple[int, ...] = (1,)

    @property
    def share(self) -> float:
        """Part of a link's capacity that load may take."""
        return self.instance.scenario.policy.max_utilisation

    def fiber_terms(self, fiber: int, legs: int) -> list[Term]:
        """Usable Gb/s of IP lightpaths on a fiber."""
        rate = self.instance.modes.rate_gbps
        return [
            (self.channels[fiber, m, legs], self.share * float(rate[m]))
            for m in self.ip_modes
            if (fiber, m, legs) in self.channels
        ]

    def end_terms(self, fiber: int, side: int, legs: int) -> list[Term]:
        """Usable Gb/s of IP lightpaths that end at one end of a fiber, and use the fiber."""
        rate = self.instance.modes.rate_gbps
        return [
            (self.ends[fiber, side, m, legs], self.share * float(rate[m]))
            for m in self.ip_modes
            if (fiber, side, m, legs) in self.ends
        ]

    def twin_terms(self, site: int) -> list[Term]:
        """Usable Gb/s of the channels of 1+1 links that end at a site."""
        return [(c, self.share * rate) for (s, rate), c in self.twins.items() if s == site]

    def port_terms(self, site: int) -> list[Term]:
        """Usable Gb/s of the channels that end in a site's router."""
        return [(c, self.share * rate) for (s, rate), c in self.ports.items() if s == site]

    def offer_terms(self, offer: int, legs: int) -> list[Term]:
        """Usable Gb/s of the units of a wave offer in IP links."""
        rates = self.instance.offers[offer].rates_gbps
        return [(c, self.share * rates[j]) for (o, j, n), c in self.units.items() if (o, n) == (offer, legs)]


def site_at(instance: Instance, fiber: int, side: int) -> int:
    """Site at one end of a fiber."""
    return int((instance.fiber_a, instance.fiber_b)[side][fiber])


def build_master(instance: Instance) -> Master:
    """Columns for fibers and IP links and the rows among them; circuits and cuts come on top."""
    master = Master(instance)
    for fiber in range(len(instance.fiber_ids)):
        _add_fiber(master, fiber)
    for offer in range(len(instance.offers)):
        setup = instance.offers[offer].setup_worth
        master.bought[offer] = master.program.column(setup, 1.0)
    if instance.lsps:
        if any(lsp.promise.protection != "none" for lsp in instance.lsps):
            master.legs = (1, 2)
        _add_channels(master)
        _add_ports(master)
        _add_lightpaths(master)
        _add_chassis(master)
    return master


def close_master(master: Master) -> None:
    """Rows that need all users: spectrum on fibers, units of wave offers."""
    instance, program = master.instance, master.program
    slots = float(instance.scenario.spectrum.slots)
    for fiber, used in master.slots_used.items():
        lit = slots * int(instance.lit_pairs[fiber])
        terms = [(column, -value) for column, value in used]
        program.at_least([*terms, (master.pairs[fiber], slots)], -lit)
    for offer, used in master.units_used.items():
        terms = [(column, -value) for column, value in used]
        program.at_least([*terms, (master.bought[offer], float(instance.offers[offer].max_units))], 0.0)


def _add_fiber(master: Master, fiber: int) -> None:
    instance, program = master.instance, master.program
    most = max(0, int(instance.max_pairs[fiber] - instance.lit_pairs[fiber]))
    pairs = program.column(float(instance.pair_worth[fiber]), float(most))
    master.pairs[fiber] = pairs
    if instance.lit_pairs[fiber] == 0:
        worth = float(instance.build_worth[fiber]) if instance.candidate[fiber] else 0.0
        lit = master.lit[fiber] = program.column(worth, 1.0)
        program.at_least([(lit, float(most)), (pairs, -1.0)], 0.0)
        program.at_least([(pairs, 1.0), (lit, -1.0)], 0.0)


def usable(instance: Instance, fiber: int, mode: int) -> bool:
    """Whether lightpaths of a mode can run over a fiber at all."""
    modes = instance.modes
    return bool(
        instance.length_km[fiber] <= modes.reach_km[mode] + 1e-9
        and modes.slots[mode] <= instance.scenario.spectrum.slots
        and instance.max_pairs[fiber] > 0
    )


def _add_channels(master: Master) -> None:
    instance, program, modes = master.instance, master.program, master.instance.modes
    master.ip_modes = [m for m in range(len(modes.ids)) if math.isfinite(float(modes.port_worth[m]))]
    grid = instance.scenario.spectrum.slots
    for fiber in range(len(instance.fiber_ids)):
        for mode in master.ip_modes:
            if not usable(instance, fiber, mode):
                continue
            width = int(modes.slots[mode])
            most = float(grid // width * int(instance.max_pairs[fiber])) if width > 0 else math.inf
            for legs in master.legs:
                channel = master.channels[fiber, mode, legs] = program.column(0.0, most)
                master.slots_used[fiber].append((channel, float(width)))
                for side in (0, 1):
                    site = site_at(instance, fiber, side)
                    if instance.router[site] and instance.add_drop[site]:
                        end = program.column(float(modes.worth[mode]), most)
                        master.ends[fiber, side, mode, legs] = end
                        program.at_least([(channel, 1.0), (end, -1.0)], 0.0)
    for index, offer in enumerate(instance.offers):
        if instance.router[offer.a] and instance.router[offer.b]:
            for j, rate in enumerate(offer.rates_gbps):
                for legs in master.legs if math.isfinite(cheapest_port(instance.scenario, rate)[0]) else ():
                    unit = program.column(offer.unit_worth[j], float(offer.max_units))
                    master.units[index, j, legs] = unit
                    master.units_used[index].append((unit, 1.0))


def _add_ports(master: Master) -> None:
    """Ports per site and rate: two legs share one, and never leave by one fiber or offer."""
    instance, program = master.instance, master.program
    ways = ways_out(master)
    for site in range(len(instance.site_ids)):
        rates = {rate for (s, _), users in ways.items() if s == site for rate, _ in users}
        for rate in sorted(rates):
            at_rate = [users for (s, _), users in ways.items() if s == site]
            single = [c for users in at_rate for c in users.get((rate, 1), [])]
            port = program.column(cheapest_port(instance.scenario, rate)[0])
            master.ports[site, rate] = port
            row = [(port, 1.0), *((c, -1.0) for c in single)]
            if 2 in master.legs:
                twin = master.twins[site, rate] = program.column()
                row.append((twin, -1.0))
                for columns in _sharing(instance, site, ways, rate):
                    program.at_least([(twin, 1.0), *((c, -1.0) for c in columns)], 0.0)
                both = [c for users in at_rate for c in users.get((rate, 2), [])]
                program.at_least([(twin, 2.0), *((c, -1.0) for c in both)], 0.0)
                program.at_least([(twin, -2.0), *((c, 1.0) for c in both)], 0.0)
            program.at_least(row, 0.0)
            program.at_least([(c, -v) for c, v in row], 0.0)


def _sharing(
    instance: Instance, site: int, ways: dict[Way, dict[tuple[float, int], list[Column]]], rate: float
) -> Iterator[list[Column]]:
    """Legs of 1+1 links that leave a site by ways with a common group: one per link at most."""
    by_group: dict[int, list[Column]] = defaultdict(list)
    for (at, way), users in ways.items():
        columns = users.get((rate, 2), [])
        if at == site and columns:
            groups = way_groups(instance, way)
            while groups:
                low = groups & -groups
                by_group[low] += columns
                groups ^= low
    seen: set[tuple[Column, ...]] = set()
    for columns in by_group.values():
        if tuple(columns) not in seen:
            seen.add(tuple(columns))
            yield columns


def way_groups(instance: Instance, way: tuple[str, int]) -> int:
    """Bit set of the groups of a fiber or wave offer."""
    kind, index = way
    components = instance.fiber_components[index] if kind == "fiber" else instance.offers[index].components
    return components & instance.group_mask


def ways_out(master: Master) -> dict[Way, dict[tuple[float, int], list[Column]]]:
    """Lightpaths and units that end at a site, by the fiber or wave offer they leave it by, rate and legs."""
    ways: dict[Way, dict[tuple[float, int], list[Column]]] = {}
    for (fiber, side, mode, legs), column in master.ends.items():
        users = ways.setdefault((site_at(master.instance, fiber, side), ("fiber", fiber)), {})
        users.setdefault((float(master.instance.modes.rate_gbps[mode]), legs), []).append(column)
    for (index, product, legs), column in master.units.items():
        offer = master.instance.offers[index]
        for site in (offer.a, offer.b):
            users = ways.setdefault((site, ("offer", index)), {})
            users.setdefault((offer.rates_gbps[product], legs), []).append(column)
    return ways


def _add_lightpaths(master: Master) -> None:
    """Lightpaths go on where they do not end, and their segments are no longer than reach."""
    instance = master.instance
    at_site: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for fiber in range(len(instance.fiber_ids)):
        for side in (0, 1):
            at_site[site_at(instance, fiber, side)].append((fiber, side))
    for mode in master.ip_modes:
        for legs in master.legs:
            for incident in at_site.values():
                _add_passing(master, incident, mode, legs)
            _add_lengths(master, mode, legs)


def _add_lengths(master: Master, mode: int, legs: int) -> None:
    """Segments are no longer than reach, and links no longer than allowed."""
    instance, program = master.instance, master.program
    on = [(f, c) for (f, m, n), c in master.channels.items() if (m, n) == (mode, legs)]
    ends = [c for (_, _, m, n), c in master.ends.items() if (m, n) == (mode, legs)]
    regens = program.column(float(instance.modes.regenerator_worth[mode]), integer=False)
    master.regens[mode, legs] = regens
    segments = [*((c, 0.5) for c in ends), (regens, 1.0)]
    for share in reach_shares(instance, mode):
        program.at_least([*segments, *((c, -share[f]) for f, c in on)], 0.0)
    hops = instance.scenario.policy.max_link_hops
    program.at_least([*((c, -1.0) for _, c in on), *((c, 0.5 * hops) for c in ends)], 0.0)


def _add_passing(master: Master, incident: list[tuple[int, int]], mode: int, legs: int) -> None:
    """What passes a site from one fiber leaves it by another."""
    through = {
        (fiber, side): _through(master, fiber, side, mode, legs)
        for fiber, side in incident
        if (fiber, mode, legs) in master.channels
    }
    for own, terms in through.items():
        others = [term for way, ts in through.items() if way != own for term in ts]
        master.program.at_least([*others, *((c, -v) for c, v in terms)], 0.0)


def reach_shares(instance: Instance, mode: int) -> Iterator[list[float]]:
    """Weights of the fibers that add up to 1 at most on any transparent segment, several choices of them.

    First the share of reach, then dual feasible functions of it (Fekete and Schepers 2001, their u^(k)): with
    ``t = (k + 1) x`` not whole, ``floor(t) / k``. They see that three fibers of 0.4 reach need two segments.
    """
    reach_km = float(instance.modes.reach_km[mode]) * (1.0 + 1e-9)  # the referee's tolerance is 1e-9 km
    shares = [float(x) / reach_km for x in instance.length_km]
    yield shares
    for k in range(1, DUAL_FEASIBLE + 1):
        # a hair below, and never above what the function has at whole t: both keep the sum at most 1
        yield [min(math.floor((k + 1) * x - 1e-9) / k, 1.0) if x > 1e-9 else 0.0 for x in shares]


def _through(master: Master, fiber: int, side: int, mode: int, legs: int) -> list[Term]:
    terms = [(master.channels[fiber, mode, legs], 1.0)]
    if (fiber, side, mode, legs) in master.ends:
        terms.append((master.ends[fiber, side, mode, legs], -1.0))
    return terms


def _add_chassis(master: Master) -> None:
    instance, program = master.instance, master.program
    steps = [(c.capacity_gbps, instance.worth(c.price)) for c in instance.scenario.catalogue.chassis]
    if not steps:
        return
    slope = min(price / capacity for capacity, price in steps)
    by_site: dict[int, list[Term]] = defaultdict(list)
    for (site, rate), column in master.ports.items():
        by_site[site].append((column, -slope * cheapest_port(instance.scenario, rate)[1]))
    for site, terms in by_site.items():
        chassis = master.chassis[site] = program.column(1.0, integer=False)
        program.at_least([(chassis, 1.0), *terms], 0.0)


def chassis_floor(instance: Instance, ports_gbps: float) -> float:
    """Least worth of the chassis at a site whose ports add up to at least ``ports_gbps``; never falls."""
    steps = [(c.capacity_gbps, instance.worth(c.price)) for c in instance.scenario.catalogue.chassis]
    if not steps or ports_gbps <= 0.0:
        return 0.0
    largest = max(capacity for capacity, _ in steps)
    price = min(p for capacity, p in steps if capacity == largest)
    full = math.ceil(ports_gbps / largest) - 1
    rest = min(ports_gbps - full * largest, largest)
    return full * price + min(p for capacity, p in steps if capacity >= rest)


def value_at(terms: list[Term], x: F64) -> float:
    """Value of terms at a solution."""
    return float(sum(value * x[column] for column, value in terms))
