"""From a solution of the exact model to a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netopt_heur.design import Channel, Design, DesignLeg, DesignLink, to_plan
from netopt_heur.exact.legs import Kind, Leg
from netopt_heur.exact.linear import F64
from netopt_heur.exact.milp import LegUse, Model
from netopt_heur.exact.spectrum import Block, Place, assign
from netopt_heur.instance import GB_PER_GBPS_HOUR
from netopt_heur.plan import Plan


@dataclass(frozen=True, slots=True)
class Chosen:
    """Channels of one leg, by kind, with the places of their segments once assigned."""

    leg: Leg
    kinds: tuple[Kind, ...]


def fiber_pairs(model: Model, values: F64) -> dict[int, int]:
    """Pairs per fiber."""
    lit = model.instance.lit_pairs
    return {f: int(lit[f]) + round(float(values[c])) for f, c in enumerate(model.new_pairs)}


def used_links(model: Model, values: F64) -> list[int]:
    """Links that an LSP is routed over."""
    return [
        link
        for link, users in enumerate(model.link_users)
        if any(values[model.options[k][q]] > 0.5 for k, _, q, _ in users)
    ]


def chosen_legs(model: Model, values: F64) -> tuple[dict[int, list[Chosen]], list[list[Chosen]]]:
    """Legs of the used links by link, and of the circuits (working, protection)."""
    links = {i: [_chosen(use, values) for use in model.link_legs[i]] for i in used_links(model, values)}
    circuits = []
    for c, choice in enumerate(model.candidates.circuits):
        q = next(i for i, x in enumerate(model.circuit_options[c]) if values[x] > 0.5)
        circuits.append([_chosen(model.circuit_legs[c][j], values) for j in choice.options[q] if j >= 0])
    return links, circuits


def _chosen(use: LegUse, values: F64) -> Chosen:
    kinds = [
        k for c, k in zip(use.columns, use.leg.kinds, strict=True) for _ in range(round(float(values[c])))
    ]
    return Chosen(use.leg, tuple(kinds))


def blocks_of(legs: list[Chosen]) -> list[Block]:
    """Blocks of all channels, segment by segment."""
    return [(part, kind.slots) for leg in legs for kind in leg.kinds for part in kind.segments]


def place_blocks(
    model: Model, values: F64, time_limit_s: float | None = None
) -> tuple[list[Block], list[Place] | None]:
    """Blocks of a solution and where they go; None if the fiber pairs cannot hold them."""
    links, circuits = chosen_legs(model, values)
    blocks = blocks_of([leg for legs in (*links.values(), *circuits) for leg in legs])
    grid = model.instance.scenario.spectrum
    places = assign(
        grid.slots,
        blocks,
        fiber_pairs(model, values),
        continuous=grid.continuity == "required",
        time_limit_s=time_limit_s,
    )
    return blocks, places


def to_design(model: Model, values: F64, places: list[Place]) -> Design:
    """Index form of a solution whose blocks have their places."""
    instance = model.instance
    design = Design.empty(instance)
    links, circuits = chosen_legs(model, values)
    queue = iter(places)
    for i, legs in links.items():
        link = model.candidates.links[i]
        design.links[i] = DesignLink(link.a, link.b, tuple(_design_leg(leg, queue) for leg in legs))
    for c, legs in enumerate(circuits):
        done = [_design_leg(leg, queue) for leg in legs]
        if instance.circuits[c].a != legs[0].leg.a:
            done = [_reversed(leg) for leg in done]
        design.working[c] = done[0]
        design.protection[c] = done[1] if len(done) > 1 else None
    for f, pairs in fiber_pairs(model, values).items():
        design.pairs[f] = pairs
        design.built[f] = f in model.built and values[model.built[f]] > 0.5
    for k, demand in enumerate(model.candidates.demands):
        chosen = [q for q, c in enumerate(model.options[k]) for _ in range(round(float(values[c])))]
        for lsp, q in zip(demand.lsps, chosen, strict=True):
            primary, backup = demand.options[q]
            design.primary[lsp] = demand.paths[primary].links
            design.backup[lsp] = None if backup < 0 else demand.paths[backup].links
            if instance.lsps[lsp].hours is not None:
                design.rates_gbps[lsp] = _rates(model, values, k, q)
    return design


def _design_leg(chosen: Chosen, queue: Iterator[Place]) -> DesignLeg:
    leg = chosen.leg
    if leg.offer >= 0:
        return DesignLeg((), leg.sites, (), leg.offer, tuple(kind.product for kind in chosen.kinds))
    channels = []
    for kind in chosen.kinds:
        places = [next(queue) for _ in kind.segments]
        channels.append(
            Channel(kind.product, kind.regens, tuple(p.start for p in places), tuple(p.pairs for p in places))
        )
    return DesignLeg(leg.fibers, leg.sites, tuple(channels))


def _reversed(leg: DesignLeg) -> DesignLeg:
    channels = tuple(
        Channel(c.mode, c.regens[::-1], c.starts[::-1], tuple(p[::-1] for p in c.pairs[::-1]))
        for c in leg.channels
    )
    return DesignLeg(leg.fibers[::-1], leg.sites[::-1], channels, leg.offer, leg.units)


def _rates(model: Model, values: F64, k: int, q: int) -> F64:
    """Hourly rates of a transfer, scaled to deliver the volume to the last bit that floats allow."""
    lsp = model.instance.lsps[model.candidates.demands[k].lsps[0]]
    rates = np.zeros(24)
    for hour in lsp.hours or ():
        rates[hour] = max(0.0, float(values[model.rates[k][q, hour]]))
    delivered = float(rates.sum()) * GB_PER_GBPS_HOUR
    if delivered > 0.0:
        rates *= lsp.volume_gb / delivered
    return rates


def to_exact_plan(model: Model, values: F64, places: list[Place]) -> Plan:
    """The plan of a solution."""
    return to_plan(to_design(model, values, places))
