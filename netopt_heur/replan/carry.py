"""A prepared plan carried over to a changed instance: what stays, and what is open."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from netopt_heur.construct.planner import Planner
from netopt_heur.construct.promise_check import PromiseCheck
from netopt_heur.construct.transfers import valley_rates
from netopt_heur.design import Design, DesignLeg, DesignLink, Path
from netopt_heur.evaluator import leg_latency_ms
from netopt_heur.instance import F64, Instance
from netopt_heur.replan.new_routes import NewRoutes, new_routes
from netopt_heur.replan.prepare import LATENCY_TOLERANCE_MS, Prepared


@dataclass
class Carried:
    """A design on a changed instance, with what is left to do.

    Attributes
    ----------
    design
        Without what the changed instance does not allow.
    routes
        Candidates, some of them for links that lost a route.
    links
        Keys of the links whose load or channels may have changed.
    legs_lost
        Circuits that lost one leg or both, or were added.
    primary
        Primary paths that are as they were, of LSPs that lost their backup.
    """

    design: Design
    routes: NewRoutes
    links: set[int] = field(default_factory=set)
    legs_lost: list[int] = field(default_factory=list)
    primary: dict[int, Path] = field(default_factory=dict)


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
    lost = {int(f) for f in np.flatnonzero(~usable & (old.instance.max_pairs > 0))}
    broken = [key for key, link in old.links.items() if not _is_whole(link, lost)]
    routes = new_routes(prepared, instance, [old.links[key] for key in broken], lost)
    carried = Carried(design, routes)
    design.links = {key: link for key, link in old.links.items() if key not in set(broken)}
    replaced = _replace_links(prepared, carried, broken, lost)
    _carry_lsps(old, carried, replaced)
    _carry_circuits(old, carried, lost)
    if (instance.rank_normal != old.instance.rank_normal).any() or (
        instance.rank_failure != old.instance.rank_failure
    ).any():
        carried.links |= set(design.links)
    return carried


def _is_whole(link: DesignLink, lost: set[int]) -> bool:
    return all(lost.isdisjoint(leg.fibers) for leg in link.legs)


def _replace_links(prepared: Prepared, carried: Carried, broken: list[int], lost: set[int]) -> dict[int, int]:
    """Give 1+1 links that lost one leg another one; where there is none, the leg left is a link of its own.

    Returns
    -------
    dict
        New keys of the links that are 1+1 again.
    """
    design, replaced = carried.design, dict[int, int]()
    for key in sorted(broken):
        link = prepared.design.links[key]
        left = [leg for leg in link.legs if lost.isdisjoint(leg.fibers) and leg.offer < 0]
        if not left:
            continue
        again = carried.routes.restored(link, left[0])
        if again is not None and again[0] not in design.links:
            replaced[key], design.links[again[0]] = again
            carried.links.add(again[0])
            continue
        alone = _plain_candidate(prepared.planner, link, left[0])
        if alone is not None:
            known = design.links.get(alone)
            before = () if known is None else known.legs[0].channels
            leg = replace(left[0], channels=before + left[0].channels)
            design.links[alone] = DesignLink(link.a, link.b, (leg,))
            carried.links.add(alone)
    return replaced


def _plain_candidate(planner: Planner, link: DesignLink, leg: DesignLeg) -> int | None:
    """The candidate without protection on a leg's route, no faster than the leg."""
    latency_ms = leg_latency_ms(planner.instance, leg)
    for key in planner.pool.direct(link.a, link.b):
        found = planner.pool.links[key]
        if found.route is None or found.second is not None or found.a != link.a:
            continue
        if found.route.fibers == leg.fibers and latency_ms <= found.latency_ms + LATENCY_TOLERANCE_MS:
            return key
    return None


def _carry_lsps(old: Design, carried: Carried, replaced: dict[int, int]) -> None:
    """Take over paths whose links are there, and hourly rates; note links whose load differs."""
    keeps_promise = PromiseCheck(carried.design.instance, carried.routes.pool)
    design, instance = carried.design, carried.design.instance
    index = {(lsp.id, lsp.a, lsp.b): i for i, lsp in enumerate(old.instance.lsps)}
    new_rates: dict[int, F64] | None = None
    stays: set[int] = set()
    same_samples = _same_samples(old.instance, instance)
    for i, lsp in enumerate(instance.lsps):
        before = index.get((lsp.id, lsp.a, lsp.b))
        if before is not None:
            was = (old.primary[before], old.backup[before])
            primary, backup = (
                None if path is None else tuple(replaced.get(key, key) for key in path) for path in was
            )
            kept = all(key in design.links for path in (primary, backup) for key in path or ())
            if (primary, backup) != was:
                kept = kept and primary is not None and keeps_promise(lsp, primary, backup)
            if kept:
                design.primary[i], design.backup[i] = primary, backup
                if same_samples.get(lsp.id, False) and lsp.volume_gb == old.instance.lsps[before].volume_gb:
                    stays.add(before)
            elif primary and primary == was[0] and all(key in design.links for key in primary):
                carried.primary[i] = primary
        if lsp.hours is None:
            continue
        rates = None if before is None else old.rates_gbps.get(before)
        if before is not None and rates is not None and lsp.hours == old.instance.lsps[before].hours:
            design.rates_gbps[i] = rates * (lsp.volume_gb / old.instance.lsps[before].volume_gb)
        else:
            new_rates = valley_rates(instance) if new_rates is None else new_rates
            design.rates_gbps[i] = new_rates[i]
    for before in range(len(old.instance.lsps)):
        if before not in stays:  # renamed links are noted already
            paths = (*(old.primary[before] or ()), *(old.backup[before] or ()))
            carried.links.update(paths)
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
    for i, circuit in enumerate(instance.circuits):
        before = index.get((circuit.id, circuit.a, circuit.b))
        if before is not None:
            legs = (old.working[before], old.protection[before])
            kept = [leg if leg is not None and lost.isdisjoint(leg.fibers) else None for leg in legs]
            design.working[i], design.protection[i] = kept
            if kept == list(legs) and kept[0] is not None:
                continue
        carried.legs_lost.append(i)
