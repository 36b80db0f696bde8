"""Walk graphs and metric inequalities against plain enumeration on real plans."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from netopt_heur.bounds.circuits import add_circuits
from netopt_heur.bounds.master import build_master, chassis_floor, reach_shares
from netopt_heur.bounds.metric import Resources, demand_in, separate, state_graph
from netopt_heur.bounds.rounding import rounded
from netopt_heur.bounds.traffic import build_traffic
from netopt_heur.cost import chassis_worth
from netopt_heur.instance import build_instance
from tests.random_scenarios import random_scenario


@pytest.mark.parametrize("seed", range(4))
def test_distances_match_networkx(seed: int) -> None:
    instance = build_instance(random_scenario(seed, n_sites=5))
    master = build_master(instance)
    resources = Resources(master)
    graph = state_graph(resources, instance, seed)
    length = np.random.default_rng(seed).random(len(resources.terms))
    sources = np.arange(graph.n_sites)
    distance, weight = graph.distances(length, sources)
    twin: nx.DiGraph[int] = nx.DiGraph()
    twin.add_nodes_from(range(graph.n_nodes))
    for tail, head, value in zip(graph.tail.tolist(), graph.head.tolist(), weight.tolist(), strict=True):
        if not twin.has_edge(tail, head) or twin[tail][head]["weight"] > value:
            twin.add_edge(tail, head, weight=value)
    for source in sources.tolist():
        expected = nx.single_source_dijkstra_path_length(twin, source)
        for node, value in expected.items():
            assert np.isclose(distance[source, node], value)


def test_separation_finds_missing_capacity() -> None:
    instance = build_instance(random_scenario(1, n_sites=5))
    traffic = build_traffic(instance)
    master = build_master(instance)
    add_circuits(master)
    resources = Resources(master)
    empty = np.zeros(len(master.program.cost))
    full = np.full(len(master.program.cost), 1e6)
    graph = state_graph(resources, instance, 0)
    demand = demand_in(instance, traffic.normal, 0)
    missing = separate(resources, graph, demand, empty, 3)
    assert missing is not None
    assert missing[0] > 1.0
    plenty = separate(resources, graph, demand, full, 3)
    assert plenty is not None
    assert plenty[0] < 1.0


@pytest.mark.parametrize("seed", range(30))
def test_rounding_keeps_every_whole_cover(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = rng.choice([100.0, 200.0, 400.0, 600.0, 800.0], size=3, replace=False) * 0.9
    need = float(rng.uniform(10, 2500))
    rows = list(rounded([(i, float(rate)) for i, rate in enumerate(rates)], need))
    for counts in np.ndindex(12, 12, 12):
        if counts @ rates >= need:
            for terms, lower in rows:
                assert sum(value * counts[i] for i, value in terms) >= lower * (1 - 1e-9)


def test_chassis_floor_never_falls_and_never_exceeds() -> None:
    for seed in range(6):
        instance = build_instance(random_scenario(seed, n_sites=4))
        loads = np.linspace(0.0, 30_000.0, 400)
        floors = [chassis_floor(instance, load) for load in loads]
        assert floors == sorted(floors)
        for load, floor in zip(loads, floors, strict=True):
            assert floor <= chassis_worth(instance, float(load)) + 1e-9


@pytest.mark.parametrize("seed", range(40))
def test_shares_of_reach_add_up_to_one_at_most(seed: int) -> None:
    rng = np.random.default_rng(seed)
    instance = build_instance(random_scenario(seed % 5, n_sites=7))
    # lengths at, just below and just above simple fractions of the reach are the hard ones
    reach_km = float(instance.modes.reach_km[0])
    shares = rng.choice([1 / 2, 1 / 3, 1 / 4, 2 / 3, 0.4, 0.6, 1 / 7], size=len(instance.length_km))
    lengths = shares * reach_km * (1 + rng.choice([0.0, 1e-12, -1e-12, 1e-3, -1e-3], size=len(shares)))
    twisted = replace(instance, length_km=lengths)
    for weights in reach_shares(twisted, 0):
        for n in (1, 2, 3, 4, 5):
            for chosen in combinations(range(len(lengths)), n):
                if sum(lengths[f] for f in chosen) <= reach_km + 1e-9:
                    assert sum(weights[f] for f in chosen) <= 1.0 + 1e-9
