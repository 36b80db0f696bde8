"""Distances between all sites."""

from __future__ import annotations

import numpy as np

from netopt_heur.instance import F64, Graph
from netopt_kernels.paths import shortest_trees


def distances(graph: Graph, weight: F64) -> F64:
    """Least total weight of edges between all sites; float64[n_sites, n_sites], inf where there is no way.

    ``weight`` is float64[n_edges], not negative; inf where an edge cannot be used.
    """
    roots = np.arange(len(graph.first_arc) - 1)
    return shortest_trees(graph.first_arc, graph.head, graph.arc_edge, weight, roots)[0]
