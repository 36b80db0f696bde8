"""A plan made ready for repairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from netopt_heur.candidates import LinkCandidate, LinkPool
from netopt_heur.construct.grooming_arrays import pool_arrays
from netopt_heur.construct.planner import Planner
from netopt_heur.design import Design, DesignLink, Path, from_plan, slots_in_use
from netopt_heur.errors import PlanFileError
from netopt_heur.evaluator import leg_components, leg_latency_ms
from netopt_heur.instance import F64, I64, Instance
from netopt_heur.link_prices import LinkPrices
from netopt_heur.plan import Plan
from netopt_heur.search.adopt import pool_keys
from netopt_heur.sound_plan import unknown_things
from netopt_kernels import grooming_state

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
    arrays: grooming_state.Pool

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
        raise PlanFileError([unknown_things(plan, faults)])
    planner.widen(design.pairs > 0)
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
