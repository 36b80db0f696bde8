"""Obvious twins of `netopt_kernels.bulk`: relaxation until nothing changes, ways as lists, plain sums."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tests.naive import loads as naive_loads

FloatArray = npt.NDArray[np.float64]
Way = list[int]


class Network(NamedTuple):
    """Links by their ends, with their weights, and LSPs by their ends."""

    n_sites: int
    links: Sequence[tuple[int, int]]
    weight: Sequence[float]
    lsps: Sequence[tuple[int, int]]

    def far(self, link: int, site: int) -> int:
        return sum(self.links[link]) - site


def distances(net: Network, is_open: Collection[int], root: int) -> list[float]:
    found = [math.inf] * net.n_sites
    found[root] = 0.0
    for _ in range(net.n_sites):
        for link in is_open:
            for a, b in (net.links[link], net.links[link][::-1]):
                found[b] = min(found[b], found[a] + net.weight[link])
    return found


def end_of(net: Network, way: Way, site: int) -> int:
    """Where a way ends; -1 if its links do not join up."""
    for link in way:
        if site not in net.links[link]:
            return -1
        site = net.far(link, site)
    return site


def weight_of(net: Network, way: Way) -> float:
    return sum(net.weight[link] for link in way)


def takers(net: Network, is_open: Collection[int], link: int) -> dict[int, float]:
    """LSPs that a closed link would shorten the way of, and how long it is then."""
    u, v = net.links[link]
    from_u, from_v = distances(net, is_open, u), distances(net, is_open, v)
    found = {}
    for lsp, (a, b) in enumerate(net.lsps):
        then = min(from_u[a] + from_v[b], from_v[a] + from_u[b]) + net.weight[link]
        if then < distances(net, is_open, a)[b]:
            found[lsp] = then
    return found


def loads_of(net: Network, samples: FloatArray, ways: Sequence[Way]) -> FloatArray:
    members = []
    for (a, _), way in zip(net.lsps, ways, strict=True):
        on, site = [], a
        for link in way:
            on.append((link, int(net.links[link][0] != site)))
            site = net.far(link, site)
        members.append(on)
    return naive_loads.base_loads(samples, members, len(net.links))
