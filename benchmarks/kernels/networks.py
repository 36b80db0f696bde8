"""Fiber maps for the kernel benchmarks: public ones, and seeded Gabriel graphs of any size.

Lengths are whole metres held in float64, so that every sum is exact and kernels and peers must agree to the
last bit. Every map is a simple connected graph: peers list paths of sites, not of parallel fibers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import networkx as nx
import numpy as np
import numpy.typing as npt
import topohub
from scipy.sparse import csr_array
from scipy.spatial import Delaunay

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

PUBLIC = {
    "germany50": "sndlib/germany50",
    "174 sites": "backbone/south_america_nosc",
    "500 sites": "gabriel/500/0",
}
NETWORKS = ("germany50", "174 sites", "500 sites", "1,000 sites", "5,000 sites")


@dataclass(frozen=True)
class Network:
    """A fiber map.

    Attributes
    ----------
    n_sites
        Number of sites.
    ends
        int64[m, 2], the two sites of each fiber.
    length_m
        float64[m], whole metres.
    """

    n_sites: int
    ends: IntArray
    length_m: FloatArray

    @cached_property
    def arcs(self) -> tuple[IntArray, IntArray, IntArray]:
        """``first_arc``, ``head``, ``arc_edge``, as the kernels want them."""
        tail, head = np.concatenate([self.ends, self.ends[:, ::-1]]).T
        edge = np.tile(np.arange(len(self.ends)), 2)
        order = np.lexsort((edge, head, tail))
        first = np.searchsorted(tail[order], np.arange(self.n_sites + 1))
        return first.astype(np.int64), np.ascontiguousarray(head[order]), np.ascontiguousarray(edge[order])

    @cached_property
    def matrix(self) -> csr_array:
        """Symmetric matrix of lengths for scipy."""
        a, b = self.ends.T.astype(np.int32)  # scipy's yen takes no other integers
        both = (np.concatenate([a, b]), np.concatenate([b, a]))
        return csr_array((np.tile(self.length_m, 2), both), shape=(self.n_sites, self.n_sites))

    @cached_property
    def nx(self) -> nx.Graph[int]:
        """The same for networkx."""
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(self.n_sites))
        graph.add_weighted_edges_from(
            (int(a), int(b), float(w)) for (a, b), w in zip(self.ends, self.length_m, strict=True)
        )
        return graph

    def pairs(self, count: int, seed: int = 1) -> list[tuple[int, int]]:
        """Return random pairs of different sites."""
        draw = np.random.default_rng(seed)
        return [tuple(draw.choice(self.n_sites, 2, replace=False).tolist()) for _ in range(count)]


@cache
def network(name: str) -> Network:
    """One of `NETWORKS`."""
    return _public(PUBLIC[name]) if name in PUBLIC else _gabriel(int(name.split()[0].replace(",", "")))


def _public(key: str) -> Network:
    """Largest connected part of a map of topohub, the shortest of parallel fibers."""
    data = topohub.get(key)
    graph: nx.Graph[int] = nx.Graph()
    for edge in data["edges"]:
        a, b, length_m = int(edge["source"]), int(edge["target"]), max(1.0, round(1000.0 * edge["dist"]))
        if a != b and length_m < graph.get_edge_data(a, b, {"weight": np.inf})["weight"]:
            graph.add_edge(a, b, weight=length_m)
    sites = sorted(max(nx.connected_components(graph), key=len))
    index = {site: i for i, site in enumerate(sites)}
    fibers = sorted((index[a], index[b], w) for a, b, w in graph.subgraph(sites).edges(data="weight"))
    ends = np.array([sorted(fiber[:2]) for fiber in fibers], np.int64)
    return Network(len(sites), ends, np.array([fiber[2] for fiber in fibers], np.float64))


def _gabriel(n_sites: int, seed: int = 7) -> Network:
    """Gabriel graph (Gabriel and Sokal 1969) of random sites: planar, connected, about two fibers a site.

    Sites lie in an area of 4,500 x 2,500 km; a duct is 5 to 45 % longer than the straight line.
    """
    draw = np.random.default_rng(seed)
    position_km = draw.random((n_sites, 2)) * (4500.0, 2500.0)
    corners = Delaunay(position_km).simplices
    sides = np.sort(np.concatenate([np.roll(corners, turn, axis=1)[:, :2] for turn in range(3)]), axis=1)
    apex = np.concatenate([np.roll(corners, turn, axis=1)[:, 2] for turn in range(3)])
    to_a, to_b = (position_km[sides[:, end]] - position_km[apex] for end in range(2))
    # a triangle's apex in the circle over the side as diameter sees it under an obtuse angle
    inside = (to_a * to_b).sum(axis=1) < 0.0
    ends = np.unique(sides, axis=0)
    crowded = np.unique(sides[inside], axis=0)
    ends = ends[~np.isin(ends @ (n_sites, 1), crowded @ (n_sites, 1))]
    straight_km = np.hypot(*(position_km[ends[:, 0]] - position_km[ends[:, 1]]).T)
    length_m = np.maximum(np.rint(1000.0 * straight_km * draw.uniform(1.05, 1.45, len(ends))), 1.0)
    return Network(n_sites, ends.astype(np.int64), length_m)
