"""Scenarios of any size on made-up continents, for tests and benchmarks of large networks."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import numpy.typing as npt

CATALOGUE = Path(__file__).resolve().parent.parent / "configs/catalogues/metro_haul.yaml"
KM_PER_DEGREE = 111.195
WIDTH_KM, HEIGHT_KM = 4000.0, 2500.0
SOUTH, WEST = 25.0, -120.0

HEAD = """
version: 1
name: continent_{sites}
catalogue: {catalogue}
site_defaults: {{regen: true}}
fiber_defaults: {{max_pairs: 64, cuts_per_1000km_year: 1.0, mttr_hours: 10}}
traffic: {{hours: 24, samples_per_hour: {samples_per_hour}, seed: 1}}
services:
  internet: {{profile: consumer, noise_cv: 0.3}}
policy: {{confidence: 0.95, split_gbps: 100, max_ip_hops: 16}}
gravity:
  - {{id: g, service: internet, total_gbps: {total_gbps}, weight_a: population, weight_b: population,
      distance_exponent: 0.5, count: {lsps}, protection: survivable}}
"""


def edges(points: npt.NDArray[np.float64], count: int) -> list[tuple[int, int]]:
    """A sparse map that no single cut splits: a minimum spanning tree, closed into cycles; then short edges.

    The shortest edges at the sites of least degree, up to ``count`` in all.
    """
    n = len(points)
    distance = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :12]
    near = {(min(i, int(j)), max(i, int(j))) for i in range(n) for j in nearest[i]}
    by_length = sorted(near, key=lambda e: (distance[e], e))
    every = [(a, b, float(distance[a, b])) for a, b in by_length]
    graph: nx.Graph[int] = nx.Graph()
    graph.add_weighted_edges_from(every)
    tree = nx.minimum_spanning_tree(graph)
    tree.add_edges_from(
        list(nx.k_edge_augmentation(tree, 2, [e for e in every if not tree.has_edge(*e[:2])]))
    )
    for most in (3, 4, 5, 6, 8):
        for a, b in by_length:
            few = max(tree.degree(a), tree.degree(b)) < most
            if few and tree.number_of_edges() < count and not tree.has_edge(a, b):
                tree.add_edge(a, b)
    return sorted((min(e), max(e)) for e in tree.edges())


def scenario_text(sites: int, fibers: int, lsps: int, samples_per_hour: int = 10, seed: int = 0) -> str:
    """YAML of a continent; ``lsps`` gravity demands between its sites, 10 Gb/s each on average."""
    random = np.random.default_rng(seed)
    points = random.random((sites, 2)) * (WIDTH_KM, HEIGHT_KM)
    population = np.maximum(1, 1e4 / (1 + random.permutation(sites)) ** 0.8).astype(int)
    lines = [
        HEAD.format(
            sites=sites,
            catalogue=CATALOGUE,
            samples_per_hour=samples_per_hour,
            lsps=lsps,
            total_gbps=10 * lsps,
        )
    ]
    lines.append("sites:")
    for i, (x, y) in enumerate(points):
        lat = SOUTH + y / KM_PER_DEGREE
        lon = WEST + x / (KM_PER_DEGREE * np.cos(np.radians(SOUTH + HEIGHT_KM / 2 / KM_PER_DEGREE)))
        lines.append(f"  - {{id: s{i}, lat: {lat:.4f}, lon: {lon:.4f}, population: {population[i]}}}")
    lines.append("fibers:")
    lines += [f"  - {{a: s{a}, b: s{b}}}" for a, b in edges(points, fibers)]
    return "\n".join(lines) + "\n"
