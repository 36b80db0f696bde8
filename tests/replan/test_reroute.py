"""Which demands no plan can serve, against a graph library."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netopt_heur.instance import Instance, build_instance
from netopt_heur.replan.reroute import can_be_joined, surviving_parts
from netopt_heur.scenario.changes import without_fiber
from tests.random_scenarios import random_scenario


def graph_of(instance: Instance, state: int) -> nx.MultiGraph:
    """What is up in a state."""
    down = instance.state_components[state]
    up = [i for i in range(len(instance.site_ids)) if not instance.site_component(i) & down]
    graph = nx.MultiGraph()
    graph.add_nodes_from(up)
    edges = list(zip(instance.fiber_a, instance.fiber_b, instance.fiber_components, strict=True))
    usable = [edge for edge, pairs in zip(edges, instance.max_pairs, strict=True) if pairs > 0]
    usable += [(offer.a, offer.b, offer.components) for offer in instance.offers]
    graph.add_edges_from(
        (int(a), int(b)) for a, b, components in usable if not components & down and {a, b} <= set(up)
    )
    return graph


@pytest.mark.parametrize("seed", range(8))
def test_parts_are_the_components_of_what_is_up(seed: int) -> None:
    scenario = random_scenario(seed)
    for fiber in scenario.fibers[:3]:
        scenario = without_fiber(scenario, fiber.id)
    instance = build_instance(scenario)
    parts = surviving_parts(instance)
    for state in range(len(instance.state_names)):
        graph = graph_of(instance, state)
        assert set(np.flatnonzero(parts[state] >= 0).tolist()) == set(graph)
        found = {frozenset(np.flatnonzero(parts[state] == p).tolist()) for p in set(parts[state]) - {-1}}
        assert found == {frozenset(part) for part in nx.connected_components(graph)}


@pytest.mark.parametrize("seed", range(8))
def test_only_protected_demands_must_survive(seed: int) -> None:
    scenario = random_scenario(seed)
    for fiber in scenario.fibers[:3]:
        scenario = without_fiber(scenario, fiber.id)
    instance = build_instance(scenario)
    parts = surviving_parts(instance)
    graphs = [graph_of(instance, state) for state in range(len(instance.state_names))]
    for index, lsp in enumerate(instance.lsps):
        asked = graphs[:1] if lsp.promise.protection == "none" else graphs
        joined = all(nx.has_path(graph, lsp.a, lsp.b) for graph in asked if lsp.a in graph and lsp.b in graph)
        assert can_be_joined(instance, parts, index) == joined
