"""Circuits: the legs chosen are feasible and cost no more than the best ones found by enumeration."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise, product
from typing import NamedTuple

import numpy as np
import pytest

from netopt_heur.construct.circuits import CircuitPlanner
from netopt_heur.design import DesignLeg
from netopt_heur.instance import Instance, build_instance
from netopt_heur.route_modes import RouteTable
from netopt_heur.scenario.scenario import (
    Circuit,
    Failures,
    Policy,
    Price,
    Promise,
    Protection,
    Scenario,
    Spectrum,
    WaveOffer,
    WaveUnit,
)
from tests.verify import builders

SITES = "ABCDE"
SLOT_PRICE = 0.25


def random_network(seed: int) -> Scenario:
    """Five sites in a ring with chords, shared ducts, a wave offer, unreliable parts, and one circuit."""
    rng = np.random.default_rng(seed)
    ends = [(i, (i + 1) % 5) for i in range(5)]
    ends += [tuple(int(x) for x in rng.choice(5, 2, replace=False)) for _ in range(2)]  # type: ignore[misc]
    fibers = tuple(
        builders.fiber(
            f"f{k}",
            SITES[a],
            SITES[b],
            float(rng.integers(2, 14) * 50),
            srlgs=("duct",) if rng.random() < 0.2 else (),
            cuts_per_1000km_year=20.0,
            mttr_hours=20.0,
        )
        for k, (a, b) in enumerate(ends)
    )
    a, b = (int(x) for x in rng.choice(5, 2, replace=False))
    units = (WaveUnit(100.0, Price(4.0)), WaveUnit(400.0, Price(9.0)))
    offers = (
        WaveOffer("wave", SITES[a], SITES[b], units, 4, Price(2.0), length_km=400.0, availability=0.998),
    )
    if rng.random() < 0.6:
        a, b = (int(x) for x in rng.choice(5, 2, replace=False))
    protection: Protection = ("none", "survivable", "disjoint")[seed % 3]
    promise = Promise(
        max_latency_ms=float(rng.choice([5.0, 8.0])) if rng.random() < 0.6 else None,
        backup_max_latency_ms=8.0 if rng.random() < 0.3 else None,
        min_availability=float(rng.choice([0.0, 0.95, 0.99, 0.999])),
        protection=protection,
        node_disjoint=bool(rng.random() < 0.3),
    )
    return builders.scenario(
        sites=tuple(builders.site(s, regen=bool(rng.random() < 0.7), unavailability=1e-4) for s in SITES),
        fibers=fibers,
        wave_offers=offers,
        group_unavailability={"duct": 1e-3},
        latency=replace(builders.scenario().latency, regenerator_ms=0.5, lightpath_end_ms=0.1),
        spectrum=Spectrum(slots=400),
        policy=Policy(failures=Failures(sites=("A",) if rng.random() < 0.5 else (), pairs=(("f0", "f2"),))),
        circuits=(
            Circuit(
                "c", SITES[a], SITES[b], int(rng.integers(1, 6)), float(rng.choice([100.0, 400.0])), promise
            ),
        ),
    )


class Leg(NamedTuple):
    """One way to carry the circuit, as the enumeration sees it."""

    worth: float
    latency_ms: float
    groups: frozenset[str]
    sites: tuple[str, ...]
    offer_units: int


def routes(problem: Scenario, here: str, end: str, seen: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Fibers of every simple route."""
    if here == end:
        yield ()
        return
    for fiber in problem.fibers:
        if here in (fiber.a, fiber.b):
            other = fiber.b if here == fiber.a else fiber.a
            if other not in seen:
                for rest in routes(problem, other, end, (*seen, other)):
                    yield (fiber.id, *rest)


def sites_along(problem: Scenario, a: str, route: tuple[str, ...]) -> tuple[str, ...]:
    by_id = {f.id: f for f in problem.fibers}
    sites = [a]
    for name in route:
        fiber = by_id[name]
        sites.append(fiber.b if sites[-1] == fiber.a else fiber.a)
    return tuple(sites)


def fewest_regens(
    problem: Scenario, route: tuple[str, ...], sites: tuple[str, ...], reach_km: float
) -> int | None:
    """Least number of regenerators that keeps every segment within reach, by trying all subsets."""
    length = {f.id: f.length_km for f in problem.fibers}
    can = {s.id for s in problem.sites if s.regen}
    inner = [i for i in range(1, len(sites) - 1) if sites[i] in can]
    for count in range(len(inner) + 1):
        for chosen in combinations(inner, count):
            bounds = [0, *chosen, len(route)]
            segments = [route[i:j] for i, j in pairwise(bounds)]
            if all(sum(length[f] for f in segment) <= reach_km for segment in segments):
                return count
    return None


def all_legs(problem: Scenario, circuit: Circuit) -> Iterator[Leg]:
    """Every sensible leg: each route with every small choice of modes; each wave product alone."""
    latency = problem.latency
    length = {f.id: f.length_km for f in problem.fibers}
    groups = {f.id: {f.id, *f.srlgs} for f in problem.fibers}
    for route in routes(problem, circuit.a, circuit.b, (circuit.a,)):
        sites = sites_along(problem, circuit.a, route)
        modes = []
        for mode in problem.catalogue.modes:
            regens = fewest_regens(problem, route, sites, mode.reach_km)
            if regens is not None and mode.rate_gbps >= circuit.wave_gbps:
                worth = 2 * mode.price.capex + regens * mode.regenerator.capex
                worth += SLOT_PRICE * mode.slots * len(route)
                modes.append((mode.rate_gbps // circuit.wave_gbps, worth, regens))
        fiber_ms = sum(length[f] for f in route) * latency.us_per_km / 1000 + 2 * latency.lightpath_end_ms
        for counts in product(range(circuit.waves + 1), repeat=len(modes)):
            carried = sum(n * m[0] for n, m in zip(counts, modes, strict=True))
            if carried >= circuit.waves and sum(counts) <= circuit.waves:
                used = [m for n, m in zip(counts, modes, strict=True) if n]
                worth = sum(n * m[1] for n, m in zip(counts, modes, strict=True))
                delay = fiber_ms + max(m[2] for m in used) * latency.regenerator_ms
                yield Leg(worth, delay, frozenset().union(*(groups[f] for f in route)), sites, 0)
    for offer in problem.wave_offers:
        if {offer.a, offer.b} == {circuit.a, circuit.b}:
            delay = (offer.length_km or 0.0) * latency.us_per_km / 1000 + 2 * latency.lightpath_end_ms
            for unit in offer.units:
                count = math.ceil(circuit.waves / max(unit.rate_gbps // circuit.wave_gbps, 1e-9))
                if count <= offer.max_units:
                    worth = count * unit.price.capex + offer.setup.capex
                    yield Leg(worth, delay, frozenset({offer.id}), (circuit.a, circuit.b), count)


def up(problem: Scenario, legs: tuple[Leg, ...]) -> float:
    """Probability that all these legs are up."""
    down = dict(problem.group_unavailability) | {o.id: 1 - o.availability for o in problem.wave_offers}
    for f in problem.fibers:
        down[f.id] = min(1.0, f.cuts_per_1000km_year * f.length_km / 1000 * f.mttr_hours / 8760)
    down_site = {s.id: s.unavailability for s in problem.sites}
    groups = frozenset().union(*(leg.groups for leg in legs))
    sites = {s for leg in legs for s in leg.sites}
    return math.prod(1 - down[g] for g in groups) * math.prod(1 - down_site[s] for s in sites)


def keeps(problem: Scenario, circuit: Circuit, first: Leg, second: Leg | None) -> bool:
    """Whether the legs keep the circuit's promise (R6, R7, R8, R10, R4 of offers)."""
    promise, failures = circuit.promise, problem.policy.failures
    if first.latency_ms > (promise.max_latency_ms or math.inf) + 1e-9:
        return False
    if second is None:
        return promise.protection == "none" and up(problem, (first,)) >= promise.min_availability - 1e-12
    if second.latency_ms > (promise.backup_max_latency_ms or math.inf) + 1e-9:
        return False
    if first.offer_units + second.offer_units > 4:
        return False
    ends = {circuit.a, circuit.b}
    if promise.protection != "survivable":
        if first.groups & second.groups:
            return False
        if promise.node_disjoint and set(first.sites) & set(second.sites) - ends:
            return False
    states: list[tuple[set[str], set[str]]] = [({g}, set()) for g in first.groups | second.groups]
    states += [(set(pair), set()) for pair in failures.pairs]
    states += [(set(), {s}) for s in failures.sites if s not in ends]
    for groups, sites in states:
        if all(leg.groups & groups or set(leg.sites) & sites for leg in (first, second)):
            return False
    available = up(problem, (first,)) + up(problem, (second,)) - up(problem, (first, second))
    return available >= promise.min_availability - 1e-12


def as_leg(instance: Instance, leg: DesignLeg) -> Leg:
    """A planned leg in the enumeration's terms."""
    problem = instance.scenario
    latency = problem.latency
    sites = tuple(instance.site_ids[s] for s in leg.sites)
    if leg.offer >= 0:
        offer = problem.wave_offers[leg.offer]
        worth = sum(offer.units[u].price.capex for u in leg.units) + offer.setup.capex
        delay = (offer.length_km or 0.0) * latency.us_per_km / 1000 + 2 * latency.lightpath_end_ms
        return Leg(worth, delay, frozenset({offer.id}), sites, len(leg.units))
    fibers = [problem.fibers[f] for f in leg.fibers]
    worth, most_regens = 0.0, 0
    for channel in leg.channels:
        mode = problem.catalogue.modes[channel.mode]
        worth += 2 * mode.price.capex + len(channel.regens) * mode.regenerator.capex
        worth += SLOT_PRICE * mode.slots * len(fibers)
        most_regens = max(most_regens, len(channel.regens))
    delay = sum(f.length_km for f in fibers) * latency.us_per_km / 1000 + 2 * latency.lightpath_end_ms
    groups = frozenset(g for f in fibers for g in (f.id, *f.srlgs))
    return Leg(worth, delay + most_regens * latency.regenerator_ms, groups, sites, 0)


def planned(instance: Instance) -> tuple[Leg, Leg | None] | None:
    slot_price = np.full(len(instance.fiber_ids), SLOT_PRICE)
    found = CircuitPlanner(instance, RouteTable(instance), slot_price).plan(instance.circuits[0])
    if found is None:
        return None
    return as_leg(instance, found[0]), None if found[1] is None else as_leg(instance, found[1])


def best_worth(problem: Scenario, circuit: Circuit) -> float:
    """Least cost of one or two legs that keep the promise."""
    cheapest: dict[tuple[object, ...], Leg] = {}
    for leg in all_legs(problem, circuit):
        key = (leg.latency_ms, leg.groups, leg.sites, leg.offer_units)
        if key not in cheapest or leg.worth < cheapest[key].worth:
            cheapest[key] = leg
    legs = list(cheapest.values())
    single = min((x.worth for x in legs if keeps(problem, circuit, x, None)), default=math.inf)
    if single < math.inf:
        return single
    return min(
        (x.worth + y.worth for x in legs for y in legs if x != y and keeps(problem, circuit, x, y)),
        default=math.inf,
    )


@pytest.mark.parametrize("seed", range(60))
def test_legs_are_the_cheapest_that_keep_the_promise(seed: int) -> None:
    problem = random_network(seed)
    circuit = problem.circuits[0]
    found, best = planned(build_instance(problem)), best_worth(problem, circuit)
    if found is None:
        assert best == math.inf
        return
    first, second = found
    assert keeps(problem, circuit, first, second)
    assert first.worth + (second.worth if second else 0.0) == pytest.approx(best, rel=1e-9)


def test_the_random_networks_are_neither_all_easy_nor_all_hard() -> None:
    found = [planned(build_instance(random_network(seed))) for seed in range(60)]
    assert 5 < sum(legs is None for legs in found) < 40
    assert sum(legs is not None and legs[1] is not None for legs in found) > 10


def test_full_fibers_are_avoided_and_reported() -> None:
    """Three circuits, one pair of slots each: the third finds no room and names the full fibers."""
    problem = builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        fibers=(
            builders.fiber("near", "A", "B", 100.0, max_pairs=1),
            builders.fiber("far", "A", "B", 900.0, max_pairs=1),
        ),
        spectrum=Spectrum(slots=6),
        circuits=tuple(Circuit(f"c{i}", "A", "B", 1, 400.0, Promise()) for i in range(3)),
    )  # fmt: skip
    instance = build_instance(problem)
    # fibers are in the order given here
    planner = CircuitPlanner(instance, RouteTable(instance), np.array([1.0, 2.0]))
    plans = [planner.plan(circuit) for circuit in instance.circuits]
    assert [None if p is None else p[0].fibers for p in plans] == [(0,), (1,), None]
    assert set(planner.blocked_fibers) == {0, 1}


def test_offers_run_out_and_setup_is_paid_once() -> None:
    units = (WaveUnit(100.0, Price(1.0)),)
    problem = builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        fibers=(builders.fiber("f", "A", "B", 100.0),),
        wave_offers=(WaveOffer("w", "A", "B", units, 3, Price(9.5), length_km=100.0),),
        circuits=(
            Circuit("c0", "A", "B", 2, 100.0, Promise()),
            Circuit("c1", "A", "B", 1, 100.0, Promise()),
            Circuit("c2", "A", "B", 1, 100.0, Promise()),
        ),
    )
    instance = build_instance(problem)
    planner = CircuitPlanner(instance, RouteTable(instance), np.zeros(1))
    legs = [planner.plan(circuit) for circuit in instance.circuits]
    # the first pays 11.5 for two units (two lightpaths: 20); then units are sold at 1, until none is left
    assert [p is not None and p[0].offer for p in legs] == [0, 0, -1]
    assert planner.offer_units.tolist() == [0]


@pytest.mark.parametrize("side", ["A", "B"])
def test_where_no_lightpath_may_end_only_waves_are_leased(side: str) -> None:
    units = (WaveUnit(100.0, Price(1e6)),)
    problem = builders.scenario(
        sites=tuple(builders.site(s, add_drop=s != side) for s in "AB"),
        fibers=(builders.fiber("f", "A", "B", 100.0),),
        wave_offers=(WaveOffer("w", "A", "B", units, 1, Price(0.0), length_km=100.0),),
        circuits=tuple(Circuit(name, "A", "B", 1, 100.0, Promise()) for name in ("c0", "c1")),
    )
    instance = build_instance(problem)
    planner = CircuitPlanner(instance, RouteTable(instance), np.zeros(1))
    first, second = (planner.plan(circuit) for circuit in instance.circuits)
    assert first is not None and first[0].offer == 0
    assert second is None  # no unit is left, and no lightpath can take its place


@pytest.mark.parametrize("seed", range(60))
def test_beside_a_leg_that_stays_the_other_is_the_cheapest(seed: int) -> None:
    problem = random_network(seed)
    instance, circuit = build_instance(problem), problem.circuits[0]
    slot_price = np.full(len(instance.fiber_ids), SLOT_PRICE)
    found = CircuitPlanner(instance, RouteTable(instance), slot_price).plan(instance.circuits[0])
    if found is None or found[1] is None:
        return
    working, protection = found
    options = list(all_legs(problem, circuit))
    for kept in ((working, None), (None, protection)):
        legs = CircuitPlanner(instance, RouteTable(instance), slot_price).plan(instance.circuits[0], *kept)
        assert legs is not None and legs[1] is not None
        stays, new = (0, 1) if kept[0] is not None else (1, 0)
        assert legs[stays] == found[stays]
        held = as_leg(instance, found[stays])  # type: ignore[arg-type]
        pairs = [(held, x) if stays == 0 else (x, held) for x in options]
        best = min(pair[new].worth for pair in pairs if keeps(problem, circuit, *pair))
        assert as_leg(instance, legs[new]).worth == pytest.approx(best, rel=1e-9)  # type: ignore[arg-type]


def test_what_others_use_is_left_to_them() -> None:
    units = (WaveUnit(400.0, Price(1.0)),)
    problem = builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        fibers=(builders.fiber("f", "A", "B", 100.0, max_pairs=1),),
        wave_offers=(WaveOffer("w", "A", "B", units, 2, Price(0.0), length_km=100.0),),
        spectrum=Spectrum(slots=12),
        circuits=(Circuit("c", "A", "B", 1, 400.0, Promise()),),
    )
    instance = build_instance(problem)

    def offer_of(slots: float, units_used: int) -> int | None:
        planner = CircuitPlanner(instance, RouteTable(instance), np.array([1.0]))
        planner.take(np.array([slots]), np.array([units_used]))
        found = planner.plan(instance.circuits[0])
        return None if found is None else found[0].offer

    assert offer_of(0.0, 1) == 0
    assert offer_of(0.0, 2) == -1
    assert offer_of(12.0, 2) is None
