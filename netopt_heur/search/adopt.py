"""Starts the search from a plan made earlier."""

from __future__ import annotations

from collections import Counter

import numpy as np

from netopt_heur.construct.ip_layer import IpLayer
from netopt_heur.construct.planner import Circuits, Construction, Planner
from netopt_heur.construct.promise_check import PromiseCheck
from netopt_heur.cost import design_worth
from netopt_heur.design import Design, DesignLink, Path, from_plan, slots_in_use
from netopt_heur.plan import Plan


def adopt(planner: Planner, plan: Plan, broken: int = 0, widen: bool = False) -> Construction:
    """Turn a plan into a construction that the search can go on from.

    Links of the plan become the pool's candidates on the same routes. A link without such a candidate, as one
    that protects a fiber route by a leased wave, stays in the design under a key of its own; the layer leaves
    LSPs on it unrouted, for the search to route over the pool; so it does with those whose paths would not
    keep their promises there.

    Parameters
    ----------
    planner
        Of the plan's scenario.
    plan
        Sound, perhaps unfinished (:func:`netopt_heur.sound_plan.check_sound`).
    broken
        How often it breaks rules: whatever breaks fewer is better.
    widen
        Whether to look for more candidates on the fibers that it lights first.
    """
    instance = planner.instance
    design, _ = from_plan(instance, plan)
    if widen:
        planner.widen(design.pairs > 0)
    in_pool = pool_keys(planner, design)
    foreign = [key for key in sorted(design.links) if key not in in_pool]
    keys = in_pool | {key: len(planner.pool.links) + n for n, key in enumerate(foreign)}
    layer = _layer(planner, design, in_pool)
    design.primary = [_renamed(path, keys) for path in design.primary]
    design.backup = [_renamed(path, keys) for path in design.backup]
    design.links = {keys[key]: link for key, link in design.links.items()}
    for lsp, rates in planner.rates.items():
        design.rates_gbps.setdefault(lsp, rates)
    circuits = Circuits(design.working, design.protection, _units_left(planner, design), Counter())
    used_slots = slots_in_use(design)
    missing = sum(path is None for path in design.primary) + sum(leg is None for leg in design.working)
    return Construction(
        design=design,
        modules=dict(design.links),
        circuits=circuits,
        layer=layer,
        slot_price=planner.seen_prices(design, used_slots, planner.first_prices()),
        used_slots=used_slots,
        blocked_fibers=Counter(),
        missing=max(missing, broken),
        cost=design_worth(instance, design),
    )


def _layer(planner: Planner, design: Design, keys: dict[int, int]) -> IpLayer:
    """Paths of the LSPs that use links with pool keys only, and keep their promises there."""
    primary = [_renamed(path, keys) for path in design.primary]
    backup = [_renamed(path, keys) for path in design.backup]
    most_hops = planner.instance.scenario.policy.max_ip_hops
    keeps_promise = PromiseCheck(planner.instance, planner.pool)
    for lsp, (first, second) in enumerate(zip(primary, backup, strict=True)):
        known = first is not None and (design.backup[lsp] is None or second is not None)
        short = max(len(first or ()), len(second or ())) <= most_hops
        if not (known and short and keeps_promise(planner.instance.lsps[lsp], first or (), second)):
            primary[lsp] = backup[lsp] = None
    return IpLayer.of(primary, backup)


def pool_keys(planner: Planner, design: Design) -> dict[int, int]:
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
    offered, legs = planner.pool.links[candidate], link.legs
    if offered.route is None:
        return len(legs) == 1 and legs[0].offer == offered.offer
    routes = [route.fibers for route in (offered.route, offered.second) if route is not None]
    if offered.a != link.a or sorted(routes) != sorted(leg.fibers for leg in legs):
        return False
    usable = np.isfinite(offered.worth)
    first = next(leg for leg in legs if leg.fibers == offered.route.fibers)
    return all(usable[channel.mode] for channel in first.channels)


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
