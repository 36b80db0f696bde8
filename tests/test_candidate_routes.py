"""Routes from trees against searches for single pairs; pairs of a large network."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from netopt_heur.candidate_routes import hub_pairs, routes_from_trees
from netopt_heur.distances import distances
from netopt_heur.hubs import Hubs
from netopt_heur.instance import Instance, build_instance
from netopt_kernels.disjoint import disjoint_pair
from netopt_kernels.paths import shortest_tree
from tests.random_scenarios import random_scenario


def with_most_fibers(seed: int, max_link_hops: int) -> Instance:
    scenario = random_scenario(seed, n_sites=9, n_packets=12)
    policy = replace(scenario.policy, max_link_hops=max_link_hops)
    return build_instance(replace(scenario, policy=policy))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("max_link_hops", [2, 16])
def test_routes_are_those_of_single_searches(seed: int, max_link_hops: int) -> None:
    instance = with_most_fibers(seed, max_link_hops)
    graph, km = instance.graph, instance.length_km
    arcs = (graph.first_arc, graph.head, graph.arc_edge)
    n = len(instance.site_ids)
    for a, b, route, pair in routes_from_trees(instance, km, combinations(range(n), 2)):
        distance, _ = shortest_tree(*arcs, km, a)
        fewest, _ = shortest_tree(*arcs, np.ones(len(km)), a)
        if route:
            sites = instance.route_sites(a, route)
            assert sites is not None and sites[-1] == b and len(route) <= max_link_hops
            assert math.isclose(km[list(route)].sum(), distance[b]) or len(route) == fewest[b]
        else:
            assert fewest[b] > max_link_hops
        _, _, first, _, second, total = disjoint_pair(*arcs, km, a, b, False)
        if pair is None:
            assert math.isinf(total) or max(first, second) > max_link_hops
            continue
        assert not set(pair[0]) & set(pair[1])
        assert all(instance.route_sites(a, r)[-1] == b for r in pair)  # type: ignore[index]
        assert max(map(len, pair)) <= max_link_hops
        if max(first, second) <= max_link_hops:
            assert math.isclose(sum(km[list(r)].sum() for r in pair), total)


def test_pairs_join_sites_to_hubs_and_hubs_to_each_other() -> None:
    instance = with_most_fibers(5, 16)
    order = np.array([2, 6, 4])
    pairs = hub_pairs(instance, Hubs(order, distances(instance.graph, instance.length_km)), {(0, 8)})
    assert pairs == sorted({(min(p), max(p)) for p in pairs})
    usable = set(np.flatnonzero(instance.router & instance.add_drop).tolist())
    assert all(usable.issuperset(pair) and pair[0] < pair[1] for pair in pairs)
    for a, b in combinations(sorted(usable.intersection(order.tolist())), 2):
        assert (a, b) in pairs
