"""Small RWA instances for tests."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from netopt_heur.rwa import RwaInstance

Edge = tuple[int, int]


def make_instance(n_nodes: int, edges: Sequence[Edge], requests: Sequence[Edge]) -> RwaInstance:
    tail, head = np.array(edges, np.int64).reshape(-1, 2).T.copy()
    source, target = np.array(requests, np.int64).reshape(-1, 2).T.copy()
    return RwaInstance("test", n_nodes, tail, head, source, target)


def ring(n_nodes: int) -> list[Edge]:
    return [(v, (v + 1) % n_nodes) for v in range(n_nodes)]


@st.composite
def small_cases(draw: st.DrawFn, max_nodes: int, max_requests: int) -> tuple[int, list[Edge], list[Edge]]:
    """Nodes, edges (a directed ring plus any others, parallel ones too) and requests."""
    n_nodes = draw(st.integers(2, max_nodes))
    pair = st.tuples(st.integers(0, n_nodes - 1), st.integers(1, n_nodes - 1)).map(
        lambda drawn: (drawn[0], (drawn[0] + drawn[1]) % n_nodes)
    )
    edges = ring(n_nodes) + draw(st.lists(pair, max_size=5))
    return n_nodes, draw(st.permutations(edges)), draw(st.lists(pair, max_size=max_requests))
