"""Crossovers of IP layers: what a child takes from each of two parents."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netopt_heur.construct.ip_layer import IpLayer
from netopt_heur.instance import Instance

Takes = NDArray[np.bool_]  # per LSP: from the first parent?


def geographic_cut(instance: Instance, random: np.random.Generator) -> Takes:
    """A straight line through a random site parts the LSPs by their midpoints."""
    sites = instance.scenario.sites
    place = np.array([(s.lon, s.lat) for s in sites])
    ends = np.array([(lsp.a, lsp.b) for lsp in instance.lsps], dtype=np.int64).reshape(-1, 2)
    middle = (place[ends[:, 0]] + place[ends[:, 1]]) / 2.0
    angle = random.uniform(0.0, math.pi)
    across = np.array([math.cos(angle), math.sin(angle)])
    origin = place[int(random.integers(0, len(sites)))]
    takes: Takes = (middle - origin) @ across >= 0.0
    return takes


def demand_blocks(instance: Instance, random: np.random.Generator) -> Takes:
    """All LSPs of one site go together: each site is drawn for one parent."""
    side = random.random(len(instance.site_ids)) < 0.5
    return np.array([side[lsp.a] for lsp in instance.lsps], dtype=np.bool_)


CROSSOVERS: tuple[Callable[[Instance, np.random.Generator], Takes], ...] = (geographic_cut, demand_blocks)


def cross(instance: Instance, first: IpLayer, second: IpLayer, random: np.random.Generator) -> IpLayer:
    """Child with the paths of ``first`` where the drawn crossover says so, else those of ``second``.

    LSPs that only one parent routes come from that one. The union of link sets needs no repair: links are
    priced by what they carry, and education empties the ones that do not pay.
    """
    takes = CROSSOVERS[int(random.integers(0, len(CROSSOVERS)))](instance, random)
    return mixed(first, second, np.where(takes, ~first.unrouted, second.unrouted))


def mixed(first: IpLayer, second: IpLayer, takes: Takes) -> IpLayer:
    """The paths of ``first`` for the LSPs it takes, else those of ``second``; of unknown cost."""
    hops = np.where(takes[:, None], first.hops, second.hops)
    path = np.full((*hops.shape, max(first.path.shape[2], second.path.shape[2])), -1, dtype=np.int64)
    for parent, chosen in ((first, takes), (second, ~takes)):
        path[chosen, :, : parent.path.shape[2]] = parent.path[chosen]
    return IpLayer(hops, path, math.inf)
