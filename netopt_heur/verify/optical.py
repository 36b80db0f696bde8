"""Lightpaths and fiber pairs: rules R1 (routes of lightpaths), R2, R3 and R4."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest

import numpy as np

from netopt_heur.scenario.scenario import Mode
from netopt_heur.verify.network import Network
from netopt_heur.verify.planfile import Leg, Lightpath, PlanDocument
from netopt_heur.verify.verdict import Log

REACH_TOLERANCE_KM = 1e-9
# Rates are catalogue numbers, copied: this only forgives a decimal written with fewer digits.
RATE_TOLERANCE = 1e-9

# Blocks on one (fiber, pair): first slot, number of slots, lightpath.
_Block = tuple[int, int, str]


def check_optical(net: Network, plan: PlanDocument, log: Log) -> None:
    """Judge all lightpaths, the spectrum and the fiber pairs."""
    blocks: dict[tuple[str, int], list[_Block]] = defaultdict(list)
    for lightpath_id, lightpath in plan.lightpaths.items():
        where = f"lightpaths.{lightpath_id}"
        cuts = _check_route(net, lightpath, where, log)
        mode = net.modes.get(lightpath.mode)
        if mode is None:
            log.add("R1", where, 1, f"unknown mode '{lightpath.mode}'")
            continue
        if cuts is not None:
            _check_reach(net, lightpath, mode, cuts, where, log)
        _check_segments(net, lightpath, mode, cuts, where, log)
        for place, block in _blocks(lightpath, mode, lightpath_id):
            blocks[place].append(block)
    for (fiber, pair), used in sorted(blocks.items()):
        _check_pair(net, used, f"fibers.{fiber}.pair{pair}", log)
    _check_fibers(net, plan, log)


def check_offers(net: Network, legs: Iterable[tuple[str, Leg]], log: Log) -> None:
    """R4 of wave offers: units sold and their rates."""
    bought: Counter[str] = Counter()
    for where, leg in legs:
        if leg.offer is None or leg.offer not in net.offers:
            continue
        bought[leg.offer] += len(leg.units)
        rates = [unit.rate_gbps for unit in net.offers[leg.offer].units]
        strange = [u for u in leg.units if not any(abs(u - r) <= RATE_TOLERANCE * r for r in rates)]
        if strange:
            log.add("R4", where, len(strange), f"offer '{leg.offer}' sells no unit of {strange[0]:g} Gb/s")
    for offer_id, units in bought.items():
        excess = units - net.offers[offer_id].max_units
        if excess > 0:
            log.add(
                "R4", f"wave_offers.{offer_id}", excess, f"{units} units bought, {units - excess} for sale"
            )


def _check_route(net: Network, lightpath: Lightpath, where: str, log: Log) -> list[int] | None:
    """R1, and R2 of the regenerators' places.

    Returns
    -------
    list[int] or None
        Number of fibers before each regenerator that has a place; ``None`` if the route is broken.
    """
    for end in (lightpath.a, lightpath.b):
        if end in net.sites and not net.sites[end].add_drop:
            log.add("R1", where, 1, f"site '{end}' cannot end lightpaths")
    fault = net.route_fault(lightpath.route, lightpath.a, lightpath.b)
    sites = net.route_sites(lightpath.route, lightpath.a)
    if fault is not None:
        log.add("R1", where, 1, fault)
    cuts: list[int] = []
    for regen in lightpath.regens:
        if regen not in net.sites:
            log.add("R1", where, 1, f"unknown site '{regen}' for a regenerator")
            continue
        if not net.sites[regen].regen:
            log.add("R2", where, 1, f"site '{regen}' may not hold regenerators")
        if isinstance(sites, str):
            continue
        position = sites.index(regen) if regen in sites[1:-1] else 0
        if position == 0:
            log.add("R2", where, 1, f"regenerator site '{regen}' is not inside the route")
        elif cuts and position <= cuts[-1]:
            log.add("R2", where, 1, f"regenerator site '{regen}' is out of the order of travel")
        else:
            cuts.append(position)
    return None if isinstance(sites, str) else cuts


def _segment_ends(lightpath: Lightpath, cuts: list[int]) -> list[tuple[int, int]]:
    bounds = [0, *cuts, len(lightpath.route)]
    return list(pairwise(bounds))


def _check_reach(
    net: Network, lightpath: Lightpath, mode: Mode, cuts: list[int], where: str, log: Log
) -> None:
    for index, (first, last) in enumerate(_segment_ends(lightpath, cuts)):
        length = net.length_km(lightpath.route[first:last])
        excess = length - mode.reach_km
        if excess > REACH_TOLERANCE_KM:
            message = f"segment {index} is {length:g} km long, mode '{mode.id}' reaches {mode.reach_km:g} km"
            log.add("R2", where, excess, message)


def _check_segments(
    net: Network, lightpath: Lightpath, mode: Mode, cuts: list[int] | None, where: str, log: Log
) -> None:
    """R3 of one lightpath: a block for each fiber, the same along a segment, inside the grid."""
    grid = net.scenario.spectrum
    given = [len(segment.pairs) for segment in lightpath.segments]
    # A regenerator without a place is R2; then only the number of fibers can be compared.
    if cuts is not None and len(cuts) == len(lightpath.regens):
        needed = [last - first for first, last in _segment_ends(lightpath, cuts)]
        wrong = sum(abs(g - n) for g, n in zip_longest(given, needed, fillvalue=0))
    else:
        needed = [len(lightpath.route)]
        wrong = abs(sum(given) - needed[0])
    if wrong:
        message = f"segments name pairs for {given} fibers, the route has {needed} between its regenerators"
        log.add("R3", where, mode.slots * wrong, message)
    for index, segment in enumerate(lightpath.segments):
        place = f"{where}.segments.{index}"
        if (segment.slot is None) != (grid.continuity == "none"):
            log.add(
                "R3",
                place,
                mode.slots,
                f"slot must be null if and only if continuity is none: {segment.slot}",
            )
        elif segment.slot is not None:
            outside = min(mode.slots, max(0, -segment.slot) + max(0, segment.slot + mode.slots - grid.slots))
            if outside:
                message = (
                    f"slots {segment.slot} to {segment.slot + mode.slots - 1} leave the grid of {grid.slots}"
                )
                log.add("R3", place, outside, message)


def _blocks(lightpath: Lightpath, mode: Mode, lightpath_id: str) -> Iterator[tuple[tuple[str, int], _Block]]:
    """Occupied slots by (fiber, pair); nothing if pairs and fibers cannot be matched."""
    places = [(pair, segment.slot) for segment in lightpath.segments for pair in segment.pairs]
    if len(places) != len(lightpath.route):
        return
    for fiber, (pair, slot) in zip(lightpath.route, places, strict=True):
        yield (fiber, pair), (slot or 0, mode.slots, lightpath_id)


def _check_pair(net: Network, used: list[_Block], where: str, log: Log) -> None:
    """R3 between lightpaths on one pair."""
    grid = net.scenario.spectrum
    if grid.continuity == "none":
        excess = sum(size for _, size, _ in used) - grid.slots
        if excess > 0:
            log.add("R3", where, excess, f"{grid.slots + excess} slots used, the pair has {grid.slots}")
        return
    count = np.zeros(grid.slots, dtype=np.int64)
    for slot, size, _ in used:
        count[min(max(slot, 0), grid.slots) : min(max(slot + size, 0), grid.slots)] += 1
    overlap = int(np.maximum(count - 1, 0).sum())
    if overlap:
        first = int(np.argmax(count > 1))
        owners = sorted(owner for slot, size, owner in used if slot <= first < slot + size)
        log.add("R3", where, overlap, f"lightpaths {', '.join(owners)} overlap at slot {first}")


def _check_fibers(net: Network, plan: PlanDocument, log: Log) -> None:
    """R4 of fiber pairs; R1 of unknown fibers."""
    highest: dict[str, int] = {}
    for lightpath in plan.lightpaths.values():
        # A fiber without its pair is R3 already; it still counts as used.
        pairs = [pair for segment in lightpath.segments for pair in segment.pairs]
        for index, fiber_id in enumerate(lightpath.route):
            highest[fiber_id] = max(highest.get(fiber_id, 0), pairs[index] if index < len(pairs) else 0)
    for fiber_id in plan.fibers:
        if fiber_id not in net.fibers:
            log.add("R1", f"fibers.{fiber_id}", 1, f"unknown fiber '{fiber_id}'")
    for fiber in net.fibers.values():
        where = f"fibers.{fiber.id}"
        use = plan.fibers.get(fiber.id)
        pairs_in_plan = fiber.lit_pairs if use is None else use.pairs
        if pairs_in_plan > fiber.max_pairs:
            message = f"{pairs_in_plan} pairs, at most {fiber.max_pairs}"
            log.add("R4", where, pairs_in_plan - fiber.max_pairs, message)
        if fiber.id in highest and highest[fiber.id] >= pairs_in_plan:
            message = f"a lightpath uses pair index {highest[fiber.id]}, the plan has {pairs_in_plan} pairs"
            log.add("R4", where, highest[fiber.id] + 1 - pairs_in_plan, message)
        has_pairs = use is not None and use.pairs > 0
        if fiber.candidate and (use is None or not use.built) and (has_pairs or fiber.id in highest):
            log.add("R4", where, max(1, pairs_in_plan), "the candidate fiber is used but not built")
