"""Scenarios of larger networks from public topologies, for tests and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import networkx as nx

CATALOGUE = Path(__file__).resolve().parent.parent / "configs/catalogues/metro_haul.yaml"
GBPS_PER_SITE = 20_000 / 75  # as on CORONET CONUS: its 75 sites and 20 Tb/s

HEAD = """
version: 1
name: {name}
catalogue: {catalogue}
site_defaults: {{regen: true}}
fiber_defaults: {{max_pairs: 16, cuts_per_1000km_year: 1.0, mttr_hours: 10}}
traffic: {{hours: 24, samples_per_hour: 10, seed: 1}}
services:
  internet: {{profile: consumer, noise_cv: 0.3}}
policy: {{confidence: 0.95, split_gbps: 100}}
"""

GRAVITY = """
gravity:
  - {{id: g, service: internet, total_gbps: {total_gbps}, weight_a: {a}, weight_b: {b}, count: {count},
      protection: survivable}}
"""


def scenario_text(name: str, source: str, a: str, b: str, count: int, total_gbps: float = 20_000) -> str:
    """YAML of a topology with gravity demands; ``a`` and ``b`` weigh their ends."""
    gravity = GRAVITY.format(a=a, b=b, count=count, total_gbps=total_gbps)
    return f"{HEAD.format(name=name, catalogue=CATALOGUE)}topology: {{{source}}}\n{gravity}"


def full_mesh_text(name: str, source: str, weight: str, n_sites: int) -> str:
    """YAML of a topology in which every two sites exchange traffic, as much per site as on CORONET."""
    pairs = n_sites * (n_sites - 1) // 2
    return scenario_text(name, source, weight, weight, pairs, round(GBPS_PER_SITE * n_sites, 3))


def edge_list_text(name: str, path: Path) -> str:
    """The same for a file of ``N E`` and one ``a b km`` per line; sites, without a map, stand on a circle."""
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip() and line[0] != "#"]
    n_sites = int(lines[0][0])
    gravity = GRAVITY.format(
        a="uniform",
        b="uniform",
        count=n_sites * (n_sites - 1) // 2,
        total_gbps=round(GBPS_PER_SITE * n_sites, 3),
    )
    ids = [f"s{i:02d}" for i in range(n_sites)]
    fibers = [(ids[int(a)], ids[int(b)], float(km)) for a, b, km in lines[1:]]
    return HEAD.format(name=name, catalogue=CATALOGUE) + "\n".join(_network(ids, fibers)) + gravity


def cernet_text(folder: Path) -> str:
    """YAML of FlexWAN's Cernet with the capacities of its IP links as demands, Gb/s on average.

    Some sites hang on one fiber: what must cross it cannot be protected.
    """
    rows = [line.split() for line in (folder / "optical_topo.txt").read_text("utf-8").splitlines()[1:]]
    fibers = [(f"s{int(a):02d}", f"s{int(b):02d}", float(km)) for a, b, km, _ in rows if int(a) < int(b)]
    ids = sorted({end for a, b, _ in fibers for end in (a, b)})
    links = (folder / "IP_topo_1.txt").read_text("utf-8").splitlines()[1:]
    ends = [line.split() for line in links if line.strip()]
    rates = (folder / "capacity_demand.txt").read_text("utf-8").split()
    graph = nx.Graph([(a, b) for a, b, _ in fibers])
    safe = list(nx.k_edge_components(graph, 2))
    demands = ["demands:", "  packets:"]
    for (a, b), gbps in zip(ends, rates, strict=True):
        a_id, b_id = f"s{int(a):02d}", f"s{int(b):02d}"
        if a_id < b_id:
            protection = "survivable" if any({a_id, b_id} <= group for group in safe) else "none"
            ends_text = f"a: {a_id}, b: {b_id}, mean_gbps: {gbps}"
            demands.append(f"    - {{{ends_text}, service: internet, protection: {protection}}}")
    return HEAD.format(name="cernet", catalogue=CATALOGUE) + "\n".join([*_network(ids, fibers), *demands, ""])


def _network(ids: list[str], fibers: Iterable[tuple[str, str, float]]) -> Iterator[str]:
    yield "sites:"
    for i, site in enumerate(ids):
        angle = 2 * math.pi * i / len(ids)
        yield f"  - {{id: {site}, lat: {45 + 10 * math.sin(angle):.3f}, lon: {10 * math.cos(angle):.3f}}}"
    yield "fibers:"
    for a, b, km in fibers:
        yield f"  - {{a: {a}, b: {b}, length_km: {km}}}"
