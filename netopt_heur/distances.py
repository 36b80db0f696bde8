"""Distances between all sites."""

from __future__ import annotations

import numpy as np

from netopt_heur.instance import F64, Graph
from netopt_kernels.paths import shortest_tree


def distances(graph: Graph, weight: F64) -> F64:
    """Least total weight of edges between all sites; float64[n_sites, n_sites], inf where there is no way.

    ``weight`` is float64[n_edges], not negative; inf where an edge cannot be used.
    """
    n_sites = len(graph.first_arc) - 1
    found = np.empty((n_sites, n_sites))
    for site in range(n_sites):
        found[site] = shortest_tree(graph.first_arc, graph.head, graph.arc_edge, weight, site)[0]
    return found
