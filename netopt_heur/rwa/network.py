"""The arrays that the RWA kernels want: edges in CSR form both ways, requests grouped by target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netopt_heur.rwa.instance import I64, RwaInstance
from netopt_kernels import rwa as kernels

__all__ = ["Network", "build_network"]


@dataclass(frozen=True, slots=True)
class Network:
    """An instance as kernel arrays; see `netopt_kernels.rwa`."""

    graph: kernels.Graph
    reversed_graph: kernels.Graph
    requests: kernels.Requests
    targets: I64

    def to_go(self, price: I64) -> I64:
        """Least price from every node to each target, int64 of shape (targets, nodes)."""
        return kernels.price_to_go(self.reversed_graph, price, self.targets)


def build_network(instance: RwaInstance) -> Network:
    """Arrange an instance for the kernels."""
    tail, head = instance.tail, instance.head
    targets, row = np.unique(instance.target, return_inverse=True)
    return Network(
        graph=(*_csr(tail, instance.n_nodes), tail, head),
        reversed_graph=(*_csr(head, instance.n_nodes), tail, head),
        requests=(instance.source, instance.target, row.astype(np.int64)),
        targets=targets,
    )


def _csr(key: I64, n_nodes: int) -> tuple[I64, I64]:
    order = np.argsort(key, kind="stable")
    first = np.searchsorted(key[order], np.arange(n_nodes + 1))
    return first.astype(np.int64), order.astype(np.int64)
