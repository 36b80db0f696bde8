"""A plan made ready to be repaired, and carried over to a changed instance: what stays, and what is open."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from netopt_heur.candidates import LinkCandidate, LinkPool, LinkPrices
from netopt_heur.construct.grooming_arrays import pool_arrays
from netopt_heur.construct.planner import Planner
from netopt_heur.construct.transfers import valley_rates
from netopt_heur.design import Design, DesignLeg, DesignLink, Path, from_plan, slots_in_use
from netopt_heur.errors import PlanFileError, Problem
from netopt_heur.evaluator import leg_components, leg_latency_ms
from netopt_heur.instance import F64, I64, Instance
from netopt_heur.plan import Plan
from netopt_heur.search.adopt import pool_keys
from netopt_kernels import grooming

LATENCY_TOLERANCE_MS = 1e-9


@dataclass(frozen=True)
class Prepared:
    """A design and all that repairs of it need.

    Attributes
    ----------
    planner
        Its pool holds every link of the design; those that were no candidates come last and cannot grow.
    design
        Its links have their keys in the pool.
    slot_price
        Marginal price of spectrum beside the design; float64[n_fibers].
    prices, arrays
        Of the pool's links at that price, as if none was installed.
    """

    planner: Planner
    design: Design
    slot_price: F64
    prices: LinkPrices
    arrays: grooming.Pool

    @property
    def instance(self) -> Instance:
        """The problem that the design was made for."""
        return self.design.instance


def prepare(instance: Instance, plan: Plan) -> Prepared:
    """Make a plan of this instance ready.

    Raises
    ------
    PlanFileError
        The plan names things that the scenario does not have.
    """
    planner = Planner(instance)
    design, faults = from_plan(instance, plan)
    if faults:
        message = f"names {faults} things that the scenario does not have, or that do not fit together"
        raise PlanFileError([Problem("plan", 0, 0, "", message)])
    keys = {
        key: known for key, known in pool_keys(planner, design).items() if _fits(planner, design, key, known)
    }
    foreign = [key for key in sorted(design.links) if key not in keys]
    if foreign:
        keys |= {key: len(planner.pool.links) + n for n, key in enumerate(foreign)}
        links = [_as_candidate(instance, design.links[key]) for key in foreign]
        planner.pool = planner.pool.joined(LinkPool(instance, planner.routes, links, planner.pool.unit_gbps))
    design.links = {keys[key]: link for key, link in design.links.items()}
    design.primary = [_renamed(path, keys) for path in design.primary]
    design.backup = [_renamed(path, keys) for path in design.backup]
    for lsp, rates in planner.rates.items():
        design.rates_gbps.setdefault(lsp, rates)
    used_slots = slots_in_use(design)
    average = planner.seen_prices(design, used_slots, planner.first_prices())
    slot_price = planner.marginal_prices(design, used_slots, average)
    prices = planner.pool.price(slot_price, units_left(design), planner.table_units)
    return Prepared(planner, design, slot_price, prices, pool_arrays(instance, planner.pool, prices))


def _fits(planner: Planner, design: Design, key: int, known: int) -> bool:
    """Whether a link is no slower than the candidate, which promises LSPs its latency."""
    slowest_ms = max(leg_latency_ms(design.instance, leg) for leg in design.links[key].legs)
    return slowest_ms <= float(planner.pool.latency_ms[known]) + LATENCY_TOLERANCE_MS


def _as_candidate(instance: Instance, link: DesignLink) -> LinkCandidate:
    """A link as it is, which cannot be bought."""
    return LinkCandidate(
        a=link.a,
        b=link.b,
        route=None,
        offer=-1,
        worth=np.full(len(instance.modes.ids), math.inf),
        rate_gbps=instance.modes.rate_gbps,
        setup_worth=0.0,
        max_modules=0,
        latency_ms=max(leg_latency_ms(instance, leg) for leg in link.legs),
        legs=tuple(leg_components(instance, leg) for leg in link.legs),
    )


def units_left(design: Design) -> I64:
    """Units of each wave offer that a design leaves for sale; int64[n_offers]."""
    left = np.array([offer.max_units for offer in design.instance.offers], dtype=np.int64)
    for leg in design.legs():
        if leg.offer >= 0:
            left[leg.offer] -= len(leg.units)
    return left


def _renamed(path: Path | None, keys: dict[int, int]) -> Path | None:
    return None if path is None else tuple(keys[key] for key in path)


@dataclass
class Carried:
    """A design on a changed instance, with what is left to do.

    Attributes
    ----------
    design
        Without what the changed instance does not allow.
    links
        Keys of the links whose load or channels may have changed.
    legs_lost
        Circuits that lost one leg or both, or were added.
    lost_pairs
        Ends of links that lost a route.
    fibers
        Fibers on which something was given up.
    """

    design: Design
    links: set[int] = field(default_factory=set)
    legs_lost: list[int] = field(default_factory=list)
    lost_pairs: set[tuple[int, int]] = field(default_factory=set)
    fibers: set[int] = field(default_factory=set)

    @property
    def open_lsps(self) -> list[int]:
        """LSPs without a path."""
        return [lsp for lsp, path in enumerate(self.design.primary) if path is None]


def carry(prepared: Prepared, instance: Instance) -> Carried:
    """Take over from a prepared design what a changed instance allows.

    The instance has the same sites, fibers, offers, groups and failure states; fibers may have lost all their
    pairs, and demands, ranks and prices may differ.
    """
    old = prepared.design
    design = Design.empty(instance)
    usable = instance.max_pairs > 0
    design.pairs = np.minimum(old.pairs, instance.max_pairs)
    design.built = old.built & usable
    carried = Carried(design)
    lost = {int(f) for f in np.flatnonzero(~usable & (old.instance.max_pairs > 0))}
    _carry_links(prepared, carried, lost)
    _carry_lsps(old, carried)
    _carry_circuits(old, carried, lost)
    if (instance.rank_normal != old.instance.rank_normal).any() or (
        instance.rank_failure != old.instance.rank_failure
    ).any():
        carried.links |= set(design.links)
    carried.links &= set(design.links)
    return carried


def _carry_links(prepared: Prepared, carried: Carried, lost: set[int]) -> None:
    """Take over links, and of a 1+1 link that lost one leg the other one, as a link of its own."""
    left_over: list[tuple[int, DesignLink]] = []
    for key, link in prepared.design.links.items():
        legs = [leg for leg in link.legs if lost.isdisjoint(leg.fibers)]
        if len(legs) == len(link.legs):
            carried.design.links[key] = link
            continue
        carried.lost_pairs.add((min(link.a, link.b), max(link.a, link.b)))
        carried.fibers.update(fiber for leg in link.legs for fiber in leg.fibers)
        for leg in legs:
            alone = _plain_candidate(prepared.planner, link, leg)
            if alone is not None:
                left_over.append((alone, DesignLink(link.a, link.b, (leg,))))
    for key, link in left_over:
        known = carried.design.links.get(key)
        if known is not None:
            leg = known.legs[0]
            leg = replace(leg, channels=leg.channels + link.legs[0].channels)
            link = replace(known, legs=(leg,))
        carried.design.links[key] = link
        carried.links.add(key)


def _plain_candidate(planner: Planner, link: DesignLink, leg: DesignLeg) -> int | None:
    """The candidate without protection on a leg's route, no faster than the leg."""
    if leg.offer >= 0:
        return None
    latency_ms = leg_latency_ms(planner.instance, leg)
    for key in planner.pool.direct(link.a, link.b):
        found = planner.pool.links[key]
        if found.route is None or found.second is not None or found.a != link.a:
            continue
        if found.route.fibers == leg.fibers and latency_ms <= found.latency_ms + LATENCY_TOLERANCE_MS:
            return key
    return None


def _carry_lsps(old: Design, carried: Carried) -> None:
    """Take over paths whose links are there, and hourly rates; note links whose load differs."""
    design, instance = carried.design, carried.design.instance
    index = {(lsp.id, lsp.a, lsp.b): i for i, lsp in enumerate(old.instance.lsps)}
    new_rates: dict[int, F64] | None = None
    stays: set[int] = set()
    same_samples = _same_samples(old.instance, instance)
    for i, lsp in enumerate(instance.lsps):
        before = index.get((lsp.id, lsp.a, lsp.b))
        if before is not None:
            paths = (old.primary[before], old.backup[before])
            kept = all(key in design.links for path in paths for key in path or ())
            if kept and lsp.promise == old.instance.lsps[before].promise:
                design.primary[i], design.backup[i] = paths
                if same_samples.get(lsp.id, False) and lsp.volume_gb == old.instance.lsps[before].volume_gb:
                    stays.add(before)
        if lsp.hours is None:
            continue
        rates = None if before is None else old.rates_gbps.get(before)
        if before is not None and rates is not None and lsp.hours == old.instance.lsps[before].hours:
            design.rates_gbps[i] = rates * (lsp.volume_gb / old.instance.lsps[before].volume_gb)
        else:
            new_rates = valley_rates(instance) if new_rates is None else new_rates
            design.rates_gbps[i] = new_rates[i]
    for before in range(len(old.instance.lsps)):
        if before not in stays:
            carried.links.update((*(old.primary[before] or ()), *(old.backup[before] or ())))
    for i in range(len(instance.lsps)):
        lsp = instance.lsps[i]
        if index.get((lsp.id, lsp.a, lsp.b)) not in stays:
            carried.links.update((*(design.primary[i] or ()), *(design.backup[i] or ())))


def _same_samples(old: Instance, new: Instance) -> dict[str, bool]:
    """Whether the load of each LSP that both instances have is the same."""
    index = {lsp.id: i for i, lsp in enumerate(old.lsps)}
    both = [(lsp.id, index[lsp.id], i) for i, lsp in enumerate(new.lsps) if lsp.id in index]
    if not both:
        return {}
    rows = np.array([(before, after) for _, before, after in both])
    equal = (old.samples[rows[:, 0]] == new.samples[rows[:, 1]]).all(axis=(1, 2))
    return {name: bool(same) for (name, _, _), same in zip(both, equal, strict=True)}


def _carry_circuits(old: Design, carried: Carried, lost: set[int]) -> None:
    """Take over the legs of circuits; how many waves they carry is not looked at."""
    design, instance = carried.design, carried.design.instance
    index = {(c.id, c.a, c.b): i for i, c in enumerate(old.instance.circuits)}
    stays: set[int] = set()
    for i, circuit in enumerate(instance.circuits):
        before = index.get((circuit.id, circuit.a, circuit.b))
        if before is not None:
            stays.add(before)
            legs = (old.working[before], old.protection[before])
            kept = [leg if leg is not None and lost.isdisjoint(leg.fibers) else None for leg in legs]
            design.working[i], design.protection[i] = kept
            if kept == list(legs) and kept[0] is not None:
                continue
            carried.fibers.update(fiber for leg in legs if leg is not None for fiber in leg.fibers)
        carried.legs_lost.append(i)
    for before, (working, protection) in enumerate(zip(old.working, old.protection, strict=True)):
        if before not in stays:
            for leg in (working, protection):
                carried.fibers.update(() if leg is None else leg.fibers)
