"""Distances and detours that the relaxation asks links to pay for."""

from __future__ import annotations

import math
from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from netopt_heur.bounds.optical import LinkCosts, detours_km, distances_km
from netopt_heur.instance import Instance, build_instance
from tests.random_scenarios import random_scenario


def _graph(instance: Instance) -> nx.MultiGraph[int]:
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(range(len(instance.site_ids)))
    for f in range(len(instance.fiber_ids)):
        a, b = int(instance.fiber_a[f]), int(instance.fiber_b[f])
        graph.add_edge(a, b, key=f, km=float(instance.length_km[f]))
    return graph


def _routes(graph: nx.MultiGraph[int], a: int, b: int) -> list[tuple[frozenset[int], float]]:
    found = []
    for path in nx.all_simple_edge_paths(graph, a, b):
        fibers = frozenset(key for _, _, key in path)
        found.append((fibers, sum(graph.edges[edge]["km"] for edge in path)))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_no_two_routes_are_shorter(seed: int) -> None:
    instance = build_instance(random_scenario(seed, n_sites=5))
    graph = _graph(instance)
    distance, detour = distances_km(instance, None), detours_km(instance)
    for a, b in combinations(range(5), 2):
        routes = _routes(graph, a, b)
        assert distance[a, b] == pytest.approx(min(km for _, km in routes))
        longer = [
            max(one_km, other_km)
            for (one, one_km), (other, other_km) in combinations(routes, 2)
            if not one & other
        ]
        assert detour[a, b] <= min(longer, default=math.inf) * (1 + 1e-12)


def test_ring_has_exact_detours() -> None:
    instance = build_instance(random_scenario(4, n_sites=4))
    ring = [f for f in range(len(instance.fiber_ids)) if f < 4]
    total_km = sum(float(instance.length_km[f]) for f in ring)
    graph = nx.Graph([(int(instance.fiber_a[f]), int(instance.fiber_b[f])) for f in ring])
    assert nx.is_isomorphic(graph, nx.cycle_graph(4))
    assert np.nanmax(detours_km(instance)[np.isfinite(detours_km(instance))]) <= total_km


@pytest.mark.parametrize("rate", [100.0, 400.0, 800.0])
def test_links_pay_for_their_length(rate: float) -> None:
    costs = LinkCosts(build_instance(random_scenario(2)))
    single, twin = costs.least_single(rate), costs.least_twin(rate)
    assert (single >= 0.0).all()
    apart = ~np.eye(len(single), dtype=np.bool_)
    assert (twin[apart] >= 2 * single[apart] - 1e-9).all()
    assert np.isinf(np.diagonal(twin)).all()
