"""The world's backbone of topohub with drawn demands, for benchmarks of very large networks."""

from __future__ import annotations

import tempfile
from pathlib import Path

import networkx as nx
import numpy as np

from netopt_heur import load_scenario
from netopt_heur.scenario.scenario import Scenario

CATALOGUE = Path(__file__).resolve().parent.parent / "configs/catalogues/metro_haul.yaml"
EARTH_KM = 6371.0

# Landing points and waypoints of sea cables hold regenerators, no routers: the catalogue has no repeaters.
HEAD = """
version: 1
name: world
catalogue: {catalogue}
site_defaults: {{regen: true}}
fiber_defaults: {{max_pairs: 64, cuts_per_1000km_year: 1.0, mttr_hours: 10}}
traffic: {{hours: 24, samples_per_hour: {samples_per_hour}, seed: 1}}
services:
  internet: {{profile: consumer, noise_cv: 0.3}}
policy: {{confidence: 0.95, max_ip_hops: 16, max_link_hops: 40}}
topology: {{topohub: {name}}}
"""


# A scenario needs demands; with this one it tells which sites and fibers there are.
ANY_DEMAND = (
    "gravity: [{id: g, service: internet, total_gbps: 1, weight_a: uniform, weight_b: uniform, count: 1}]"
)


def scenario_text(lsps: int, name: str = "backbone/world", samples_per_hour: int = 10, seed: int = 0) -> str:
    """YAML of a topohub network; ``lsps`` demands of 10 Gb/s on average between pairs drawn by gravity.

    The weight of a city is its number of fibers, the exponent of distance 0.5. What no single cut parts, on
    fibers that a lightpath can span, is protected against all of them.
    """
    head = HEAD.format(catalogue=CATALOGUE, samples_per_hour=samples_per_hour, name=name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bare.yaml"
        path.write_text(head + ANY_DEMAND, encoding="utf-8")
        bare = load_scenario(path)
    lines = ["demands:", "  packets:"]
    lines += [
        f"    - {{a: {a}, b: {b}, service: internet, mean_gbps: 10, protection: {protection}}}"
        for a, b, protection in _drawn(bare, lsps, seed)
    ]
    return head + "\n".join(lines) + "\n"


def _drawn(bare: Scenario, lsps: int, seed: int) -> list[tuple[str, str, str]]:
    reach_km = max(mode.reach_km for mode in bare.catalogue.modes)
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.add_edges_from((f.a, f.b) for f in bare.fibers if f.length_km <= reach_km)
    # parallel fibers survive each other's cut: only what hangs on a single one is a bridge
    bridges = [edge for edge in nx.bridges(nx.Graph(graph)) if graph.number_of_edges(*edge) == 1]
    safe = nx.Graph(graph)
    safe.remove_edges_from(bridges)
    part = {site: i for i, sites in enumerate(nx.connected_components(safe)) for site in sites}
    reached = max(nx.connected_components(graph), key=len)
    cities = [site for site in bare.sites if site.router and site.id in reached]
    weight = np.array([graph.degree(site.id) for site in cities], dtype=np.float64)
    place = np.radians([(site.lat, site.lon) for site in cities])
    random = np.random.default_rng(seed)
    odds = _gravity(weight, place)
    chosen = random.choice(
        len(odds), min(lsps, int(np.count_nonzero(odds))), replace=False, p=odds / odds.sum()
    )
    pairs = [divmod(int(k), len(cities)) for k in np.sort(chosen)]
    return [
        (cities[i].id, cities[j].id, "survivable" if part[cities[i].id] == part[cities[j].id] else "none")
        for i, j in pairs
    ]


def _gravity(weight: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Weight of each pair of cities, a row after another; only of the upper triangle."""
    lat, lon = place.T
    half = np.sin((lat[:, None] - lat) / 2) ** 2
    half += np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    km = np.maximum(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))), 50.0)
    return np.triu(weight[:, None] * weight / np.sqrt(km), 1).ravel()
