"""Candidate links: wave units against enumeration, cost tables of offers, slow modes, absurd loads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations, combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest

from netopt_heur import load_scenario
from netopt_heur.candidate_routes import DEMAND_PAIRS, _pairs, candidate_routes
from netopt_heur.candidates import LinkPool
from netopt_heur.instance import build_instance
from netopt_heur.route_modes import RouteTable
from netopt_heur.scenario.scenario import Mode, Price, Scenario, Spectrum, WaveOffer, WaveUnit
from netopt_heur.solve import plan
from tests import continent
from tests.random_scenarios import random_scenario
from tests.verify import builders

LIBRARY = Path(__file__).parents[1] / "benchmarks" / "small"


Paths = list[tuple[float, frozenset[int]]]


def with_offer(units: tuple[WaveUnit, ...], max_units: int) -> Scenario:
    offer = WaveOffer("w", "A", "B", units, max_units, Price(2.0), length_km=100.0)
    return builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        wave_offers=(offer,),
        packets=(builders.packet("p", "A", "B", [10.0] * 24, [10.0] * 24),),
    )


@pytest.mark.parametrize("seed", range(40))
def test_wave_units_are_the_cheapest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_products, max_units = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    rates = sorted(rng.choice([10.0, 25.0, 40.0, 100.0, 400.0, 800.0], n_products, replace=False).tolist())
    prices = rng.integers(0, 20, n_products).tolist()
    units = tuple(WaveUnit(r, Price(float(p))) for r, p in zip(rates, prices, strict=True))
    instance = build_instance(with_offer(units, max_units))
    pool = LinkPool(instance, RouteTable(instance))
    # ports of 100, 400 and 800 Gb/s cost 1, 3 and 5, and a unit takes two
    worth = [p + 2.0 * (1 if r <= 100 else 3 if r <= 400 else 5) for r, p in zip(rates, prices, strict=True)]
    choices = [
        choice
        for count in range(1, max_units + 1)
        for choice in combinations_with_replacement(range(n_products), count)
    ]
    table = pool.price(np.zeros(0), np.array([max_units]), 64).table[0]
    for need in (1e-6, 10.0, 30.0, 99.0, 100.0, 333.0, 801.0, 2500.0):
        best = min(
            (sum(worth[i] for i in c) for c in choices if sum(rates[i] for i in c) >= need), default=math.inf
        )
        link = pool.install(0, need, np.zeros(0), max_units)
        if link is None:
            assert best == math.inf
        else:
            bought = link.legs[0].units
            assert len(bought) <= max_units
            assert sum(rates[u] for u in bought) >= need
            assert sum(worth[u] for u in bought) == best
        entry = math.ceil(need / pool.unit_gbps - 1e-9)
        if entry <= 64 and best < math.inf:
            assert table[entry] == pytest.approx(best + 2.0)


def test_overbooked_offers_cost_more_the_more_they_are_overbooked() -> None:
    instance = build_instance(with_offer((WaveUnit(100.0, Price(4.0)),), 2))
    table = LinkPool(instance, RouteTable(instance)).price(np.zeros(0), np.array([2]), 8).table[0]
    np.testing.assert_array_equal(table[:3], [0.0, 8.0, 14.0])
    assert np.isfinite(table).all()
    assert (np.diff(table[2:]) > 1000.0).all()


def test_thousands_of_units_are_bought_at_once() -> None:
    units = (WaveUnit(1.0, Price(3.0)), WaveUnit(100.0, Price(100.0)))
    instance = build_instance(with_offer(units, 100_000))
    pool = LinkPool(instance, RouteTable(instance))
    link = pool.install(0, 123_456.0, np.zeros(0), 100_000)
    assert link is not None
    bought = link.legs[0].units
    assert bought.count(1) * 100.0 + bought.count(0) >= 123_456.0
    assert len(bought) == 1235  # 56 slow units would cost more than one fast one


def fiber_pool(modes: tuple[Mode, ...], slots: int = 16) -> LinkPool:
    problem = builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        fibers=(builders.fiber("f", "A", "B", 100.0, max_pairs=2),),
        catalogue=replace(builders.CATALOGUE, modes=modes),
        spectrum=Spectrum(slots=slots),
        packets=(builders.packet("p", "A", "B", [0.02] * 24, [0.02] * 24),),
    )
    instance = build_instance(problem)
    return LinkPool(instance, RouteTable(instance))


@pytest.mark.parametrize("rates", [(0.04, 100.0), (0.06,), (0.04,), (0.001, 1e6), (33.3, 100.0)])
def test_every_mode_is_worth_a_unit_at_least(rates: tuple[float, ...]) -> None:
    modes = tuple(Mode(f"m{r}", r, 1000.0, 1, Price(r), Price(1.0)) for r in rates)
    ports = tuple(replace(builders.PORTS[0], rate_gbps=r) for r in rates)
    pool = fiber_pool(modes)
    assert 0.0 < pool.unit_gbps <= min(rates)
    problem = pool.instance.scenario
    catalogue = replace(problem.catalogue, ports=ports)
    small = builders.change(problem, catalogue=catalogue)
    result = plan(small, seed=0, generations=0, bound=False)
    assert (result.status == "feasible") == (max(rates) * 32 >= 0.02)


def test_absurd_loads_ask_for_one_channel_more_than_fits() -> None:
    pool = fiber_pool((Mode("m", 100.0, 1000.0, 4, Price(1.0), Price(1.0)),))
    link = pool.install(0, 1e15, np.zeros(1), 0)
    assert link is not None
    assert len(link.legs[0].channels) == 2 * 16 // 4 + 1


def test_modes_wider_than_the_grid_carry_nothing() -> None:
    modes = (
        Mode("narrow", 100.0, 1000.0, 4, Price(9.0), Price(1.0)),
        Mode("wide", 400.0, 1000.0, 6, Price(1.0), Price(1.0)),
    )
    for link in fiber_pool(modes, slots=5).links:
        assert np.isfinite(link.worth).tolist() == [True, False]
    assert fiber_pool(modes, slots=3).links == []


def test_small_networks_offer_every_route_and_every_disjoint_pair() -> None:
    instance = build_instance(load_scenario(LIBRARY / "hepta_full.yaml"))
    most = instance.scenario.policy.max_link_hops
    offered = {link.route.fibers for link in LinkPool(instance, RouteTable(instance)).links if link.route}

    def walk(sites: tuple[int, ...], fibers: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if fibers and sites[0] < sites[-1]:
            yield fibers
        for f in range(len(instance.fiber_ids)) if len(fibers) < most else ():
            ends = {int(instance.fiber_a[f]), int(instance.fiber_b[f])}
            if sites[-1] in ends and not (ends - {sites[-1]}) & set(sites):
                yield from walk((*sites, *(ends - {sites[-1]})), (*fibers, f))

    routes = {route for a in range(len(instance.site_ids)) for route in walk((a,), ())}
    km = {route: instance.length_km[list(route)].sum() for route in routes}
    reach_km = instance.modes.reach_km.max()
    assert offered == {route for route in routes if km[route] <= reach_km}


def test_disjoint_pairs_of_small_networks_share_no_group() -> None:
    instance = build_instance(load_scenario(LIBRARY / "kite_percentile_survivable.yaml"))
    pairs = [link for link in LinkPool(instance, RouteTable(instance)).links if link.second is not None]
    assert len(pairs) > 6
    for link in pairs:
        assert link.legs[0] & link.legs[1] & instance.group_mask == 0


def paths_between(fibers: list[tuple[int, int, float]], at: int, target: int, seen: tuple[int, ...]) -> Paths:
    """All simple paths as (km, set of fibers), by trying everything."""
    if at == target:
        return [(0.0, frozenset())]
    found = []
    for index, (a, b, km) in enumerate(fibers):
        if at in (a, b) and (other := a + b - at) not in seen:
            rest = paths_between(fibers, other, target, (*seen, other))
            found += [(km + more, path | {index}) for more, path in rest]
    return found


@pytest.mark.parametrize("mean", [60.0, 250.0])
@pytest.mark.parametrize("seed", range(25))
def test_demands_that_can_share_spare_capacity_get_three_disjoint_routes(seed: int, mean: float) -> None:
    rng = np.random.default_rng(seed)
    ends = [(a, b) for a in range(5) for b in range(a + 1, 5) if rng.random() < 0.8]
    fibers = [(a, b, float(rng.integers(50, 300))) for a, b in ends]
    problem = builders.scenario(
        sites=tuple(builders.site(str(s)) for s in range(5)),
        fibers=tuple(builders.fiber(f"f{i}", str(a), str(b), km) for i, (a, b, km) in enumerate(fibers)),
        packets=(builders.packet("p", "0", "4", [mean] * 24, [mean] * 24, protection="survivable"),),
    )
    found = {(a, b): routes for a, b, routes, _ in candidate_routes(build_instance(problem))}
    routes = {frozenset(route) for route in found[0, 4]}
    ways = sorted(paths_between(fibers, 0, 4, (0,)), key=lambda way: way[0])
    km = {path: length for length, path in ways}

    def least_km(candidates: Iterable[frozenset[int]]) -> float:
        triples = (t for t in combinations(candidates, 3) if len(frozenset.union(*t)) == sum(map(len, t)))
        return min((sum(km[path] for path in t) for t in triples), default=math.inf)

    if mean > problem.policy.split_gbps:
        assert least_km(routes) == least_km(km)
    else:  # a single LSP shares with nobody: the shortest route and a disjoint pair will do
        assert len(routes) <= 3


def test_large_networks_give_links_to_the_largest_demands_or_to_all_that_need_them(tmp_path: Path) -> None:
    path, n_sites = tmp_path / "continent.yaml", 140
    text = continent.scenario_text(n_sites, 280, 1200, samples_per_hour=1)
    for hops, everything in (("16", False), ("2", True)):
        path.write_text(text.replace("max_ip_hops: 16", f"max_ip_hops: {hops}"), encoding="utf-8")
        instance = build_instance(load_scenario(path))
        weight = np.where(instance.max_pairs > 0, instance.length_km, np.inf)
        demands = {(min(x.a, x.b), max(x.a, x.b)) for x in instance.lsps}
        pairs = set(_pairs(instance, weight))
        assert len(demands) > DEMAND_PAIRS * n_sites
        assert (demands <= pairs) is everything
        assert len(pairs & demands) >= DEMAND_PAIRS * n_sites


def test_pools_side_by_side_are_one_pool() -> None:
    instance = build_instance(random_scenario(4))
    routes = RouteTable(instance)
    whole = LinkPool(instance, routes)
    split = len(whole.links) // 3
    first, second = (
        LinkPool(instance, routes, part, whole.unit_gbps)
        for part in (whole.links[:split], whole.links[split:])
    )
    joined = first.joined(second)
    price, units = np.linspace(0.1, 1.0, len(instance.fiber_ids)), np.array([2])
    expected, found = whole.price(price, units, 32), joined.price(price, units, 32)
    side_by_side = first.price(price, units, 32).joined(second.price(price, units, 32))
    for prices in (found, side_by_side):
        np.testing.assert_allclose(prices.per_gbps, expected.per_gbps)
    for name in (
        "a",
        "b",
        "latency_ms",
        "hop_latency_ms",
        "protected",
        "lasting",
        "component_words",
        "state_words",
    ):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
    for a, b in combinations(range(len(instance.site_ids)), 2):
        assert joined.direct(a, b) == whole.direct(a, b)
    for fiber in range(len(instance.fiber_ids)):
        over = [key for key, link in enumerate(whole.links) if fiber in link.fibers]
        assert whole.over(np.array([fiber])).tolist() == joined.over(np.array([fiber])).tolist() == over
    assert all(joined.same_route(link) for link in whole.links)
    assert not first.same_route(whole.links[-1])
