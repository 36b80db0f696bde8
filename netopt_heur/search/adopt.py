"""Starts the search from a plan made earlier."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from netopt_heur.construct.ip_layer import IpLayer
from netopt_heur.construct.planner import Circuits, Construction, Planner
from netopt_heur.design import Design, DesignLink, Path, from_plan, segments
from netopt_heur.errors import PlanFileError, Problem
from netopt_heur.evaluator import design_worth
from netopt_heur.plan import Plan


def adopt(planner: Planner, plan: Plan) -> Construction:
    """Turn a plan into a construction that the search can go on from.

    Links of the plan become the pool's candidates on the same route; LSPs on a link without such a
    candidate, as on a 1+1 link, are left for the search to route.

    Raises
    ------
    PlanFileError
        The plan was made for another scenario.
    """
    instance = planner.instance
    if plan.scenario_digest != instance.scenario.digest:
        message = f"was made for another scenario ({plan.scenario_name}); start from a plan of this one"
        raise PlanFileError([Problem("plan", 0, 0, "scenario.digest", message, plan.scenario_digest)])
    design, _ = from_plan(instance, plan)
    keys = _pool_keys(planner, design)
    primary = [_renamed(path, keys) for path in design.primary]
    backup = [_renamed(path, keys) for path in design.backup]
    for lsp, path in enumerate(design.backup):
        if primary[lsp] is None or (path is not None and backup[lsp] is None):
            primary[lsp] = backup[lsp] = None
    design.primary, design.backup = primary, backup
    design.links = {keys[key]: link for key, link in design.links.items() if key in keys}
    for lsp, rates in planner.rates.items():
        design.rates_gbps.setdefault(lsp, rates)
    circuits = Circuits(design.working, design.protection, _units_left(planner, design), Counter())
    used_slots = _used_slots(planner, design)
    missing = sum(path is None for path in primary) + sum(leg is None for leg in design.working)
    return Construction(
        design=design,
        modules=dict(design.links),
        circuits=circuits,
        layer=IpLayer(list(primary), list(backup), math.inf),
        slot_price=planner.seen_prices(design, used_slots, planner.first_prices()),
        used_slots=used_slots,
        blocked_fibers=Counter(),
        missing=missing,
        cost=design_worth(instance, design),
    )


def _pool_keys(planner: Planner, design: Design) -> dict[int, int]:
    """Pool key of every link of the design that the pool also has; no key twice."""
    keys: dict[int, int] = {}
    taken: set[int] = set()
    for key in sorted(design.links):
        link = design.links[key]
        for candidate in planner.pool.direct(link.a, link.b):
            if candidate not in taken and _same_route(planner, candidate, link):
                keys[key] = candidate
                taken.add(candidate)
                break
    return keys


def _same_route(planner: Planner, candidate: int, link: DesignLink) -> bool:
    offered, leg = planner.pool.links[candidate], link.legs[0]
    if offered.route is None:
        return len(link.legs) == 1 and leg.offer == offered.offer
    routes = [route.fibers for route in (offered.route, offered.second) if route is not None]
    if offered.a != link.a or routes != [leg.fibers for leg in link.legs]:
        return False
    usable = np.isfinite(offered.worth)
    return all(usable[channel.mode] for channel in leg.channels)


def _renamed(path: Path | None, keys: dict[int, int]) -> Path | None:
    if path is None or any(key not in keys for key in path):
        return None
    return tuple(keys[key] for key in path)


def _units_left(planner: Planner, design: Design) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    left = np.array([offer.max_units for offer in planner.instance.offers], dtype=np.int64)
    for leg in (*design.working, *design.protection):
        if leg is not None and leg.offer >= 0:
            left[leg.offer] -= len(leg.units)
    return left


def _used_slots(planner: Planner, design: Design) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    used = np.zeros(len(planner.instance.fiber_ids))
    for leg in design.legs():
        for channel in leg.channels:
            for fibers in segments(leg, channel):
                used[list(fibers)] += planner.instance.modes.slots[channel.mode]
    return used
