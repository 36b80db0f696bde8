"""The scenarios in configs/: they load, say what they model, and promise only what the fibers can keep."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import pytest
import yaml

from netopt_heur.scenario import Scenario, load_scenario
from netopt_heur.scenario.scenario import Promise

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
SCENARIOS = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
CATALOGUES = sorted(path.stem for path in (CONFIGS / "catalogues").glob("*.yaml"))


class Counts(NamedTuple):
    sites: int
    fibers: int
    candidates: int
    wave_offers: int
    circuits: int
    packets: int
    transfer_flows: int


EXPECTED = {
    "us_ai_backbone": Counts(45, 77, 3, 3, 10, 383, 17),
    "private_fiber_build": Counts(21, 55, 30, 0, 9, 5, 3),
    "metro_edge_inference": Counts(79, 124, 0, 0, 0, 306, 75),
    "long_haul_1t6": Counts(49, 52, 0, 0, 12, 45, 0),
    "wave_leasing": Counts(16, 27, 0, 12, 4, 80, 6),
    "tiny_triangle": Counts(3, 3, 0, 0, 0, 3, 0),
    "tiny_training": Counts(4, 4, 0, 0, 3, 0, 0),
    "tiny_lease_or_light": Counts(2, 1, 0, 1, 0, 1, 1),
}


@cache
def scenario(name: str) -> Scenario:
    return load_scenario(CONFIGS / f"{name}.yaml")


def header(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(lines[:end])


def promises(s: Scenario) -> list[tuple[str, str, str, Promise, float]]:
    """(id, a, b, promise, slowest channel that will do) of every demand."""
    rows = [(c.id, c.a, c.b, c.promise, c.wave_gbps) for c in s.circuits]
    rows += [(p.id, p.a, p.b, p.promise, 0.0) for p in s.packets]
    for t in s.transfers:
        rows += [(t.flow_id(target), *t.ends(target), t.promise, 0.0) for target in t.targets]
    return rows


def fiber_graph(s: Scenario, closed_groups: frozenset[str], closed_sites: frozenset[str]) -> nx.Graph[str]:
    """Shortest fiber between each two sites that touches nothing closed, candidates included."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(site.id for site in s.sites if site.id not in closed_sites)
    for f in s.fibers:
        if closed_groups & {f.id, *f.srlgs} or closed_sites & {f.a, f.b}:
            continue
        if not graph.has_edge(f.a, f.b) or graph[f.a][f.b]["length_km"] > f.length_km:
            graph.add_edge(f.a, f.b, length_km=f.length_km, groups=frozenset({f.id, *f.srlgs}))
    return graph


class Route(NamedTuple):
    sites: list[str]
    length_km: float
    longest_segment_km: float
    groups: frozenset[str]


def route_along(s: Scenario, graph: nx.Graph[str], sites: list[str]) -> Route:
    """The route over these sites; every site on it that may regenerate does."""
    regen = {site.id for site in s.sites if site.regen}
    edges = [graph[u][v] for u, v in pairwise(sites)]
    longest_km = run_km = 0.0
    for site, edge in zip(sites[1:], edges, strict=True):
        run_km += edge["length_km"]
        longest_km = max(longest_km, run_km)
        if site in regen:
            run_km = 0.0
    groups: frozenset[str] = frozenset().union(*(e["groups"] for e in edges))
    return Route(sites, sum(e["length_km"] for e in edges), longest_km, groups)


def routes(s: Scenario, graph: nx.Graph[str], a: str, b: str) -> Iterator[Route]:
    """The 50 shortest routes, by length."""
    for sites in islice(nx.shortest_simple_paths(graph, a, b, weight="length_km"), 50):
        yield route_along(s, graph, sites)


def disjoint_pair(s: Scenario, a: str, b: str, node_disjoint: bool) -> tuple[Route, Route]:
    """The shortest route that leaves another one, and that one (shorter routes may be traps)."""
    for first in routes(s, fiber_graph(s, frozenset(), frozenset()), a, b):
        rest = fiber_graph(s, first.groups, frozenset(first.sites[1:-1]) if node_disjoint else frozenset())
        if nx.has_path(rest, a, b):
            return first, route_along(s, rest, nx.shortest_path(rest, a, b, weight="length_km"))
    raise AssertionError(f"no disjoint pair from {a} to {b}")


def up(s: Scenario, groups: frozenset[str], sites: set[str]) -> float:
    """Probability that these fiber groups, shared groups and sites are all up (docs/model.md, section 1)."""
    down = dict(s.group_unavailability)
    for f in s.fibers:
        down[f.id] = min(1.0, f.cuts_per_1000km_year * f.length_km / 1000 * f.mttr_hours / 8760)
    down_site = {site.id: site.unavailability for site in s.sites}
    return math.prod(1 - down.get(g, 0.0) for g in groups) * math.prod(1 - down_site[x] for x in sites)


def test_every_scenario_has_its_counts() -> None:
    assert set(SCENARIOS) == set(EXPECTED)


@pytest.mark.parametrize("name", SCENARIOS)
def test_counts(name: str) -> None:
    s = scenario(name)
    assert s.name == name
    assert EXPECTED[name] == Counts(
        len(s.sites),
        len(s.fibers),
        sum(f.candidate for f in s.fibers),
        len(s.wave_offers),
        len(s.circuits),
        len(s.packets),
        sum(len(t.targets) for t in s.transfers),
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_header_says_what_is_modelled_and_assumed(name: str) -> None:
    text = header(CONFIGS / f"{name}.yaml")
    for phrase in ("What it models:", "Sources:", "Assumed:", "Unit of cost:"):
        assert phrase in text


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name.startswith("tiny_")])
def test_tiny_scenarios_fit_on_a_page(name: str) -> None:
    assert len((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("name", CATALOGUES)
def test_prices_without_a_source_are_marked(name: str) -> None:
    path = CONFIGS / "catalogues" / f"{name}.yaml"
    assert "Unit of cost:" in header(path)
    catalogue: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for item in [*catalogue["modes"].values(), *catalogue["ports"]]:
        # Public: the transponders and line cards of 100G and below (Metro-Haul), nothing faster.
        assert item.get("assumed", False) or item["rate_gbps"] <= 100
    assert all(item["assumed"] for item in catalogue["chassis"])
    assert catalogue["lease_per_pair_km"]["assumed"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_faster_channels_are_cheaper_per_bit(name: str) -> None:
    catalogue = scenario(name).catalogue
    for items in (catalogue.modes, catalogue.ports):
        per_bit = {item.rate_gbps: item.price.capex / item.rate_gbps for item in items}
        values = [per_bit[rate] for rate in sorted(per_bit) if rate >= 100]
        assert values == sorted(values, reverse=True)


def test_1t6_reaches_are_those_of_the_trials() -> None:
    reach_km = [m.reach_km for m in scenario("long_haul_1t6").catalogue.modes if m.rate_gbps == 1600]
    assert sorted(reach_km) == [118, 296]


def test_private_cables_come_in_the_sizes_operators_order() -> None:
    sizes = {f.max_pairs for f in scenario("private_fiber_build").fibers if f.candidate}
    assert sizes == {144, 288, 432, 864}


def test_every_edge_town_is_homed_on_two_hubs() -> None:
    s = scenario("metro_edge_inference")
    hubs = {site.id for site in s.sites if site.attributes.get("data_centres", 0) > 0}
    towns = {site.id for site in s.sites} - hubs
    assert len(towns) >= 70
    for prefix in ("assist/", "video/"):
        homes: dict[str, set[str]] = {town: set() for town in towns}
        for p in s.packets:
            if p.id.startswith(prefix):
                homes[p.a].add(p.b)
                assert p.promise.min_availability >= 0.9999
                assert p.promise.max_latency_ms in (5, 10)
        assert {len(home) for home in homes.values()} == {2}


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "tiny_lease_or_light"])
def test_no_group_cuts_the_network(name: str) -> None:
    s = scenario(name)
    for group in {g for f in s.fibers for g in (f.id, *f.srlgs)}:
        assert nx.is_connected(fiber_graph(s, frozenset({group}), frozenset())), group


@pytest.mark.parametrize("name", SCENARIOS)
def test_promises_can_be_kept_on_the_fibers(name: str) -> None:
    """Latency, reach and availability of the shortest route or, if protected, of a disjoint pair."""
    s = scenario(name)
    whole = fiber_graph(s, frozenset(), frozenset())
    for demand, a, b, promise, wave_gbps in promises(s):
        protected = promise.protection != "none"
        pair = [next(routes(s, whole, a, b))]
        if protected:
            pair = [*disjoint_pair(s, a, b, promise.node_disjoint)]
        bounds_ms = (promise.max_latency_ms, promise.backup_max_latency_ms)
        reach_km = max(m.reach_km for m in s.catalogue.modes if m.rate_gbps >= wave_gbps)
        for route, bound_ms in zip(pair, bounds_ms, strict=False):
            # 5 % is left for router hops and lightpath ends.
            assert route.length_km * s.latency.us_per_km / 1000 < 0.95 * (bound_ms or math.inf), demand
            assert route.longest_segment_km <= reach_km, demand
        available = sum(up(s, route.groups, set(route.sites)) for route in pair)
        if protected:
            available -= up(s, pair[0].groups | pair[1].groups, {*pair[0].sites, *pair[1].sites})
        assert available >= promise.min_availability, demand
