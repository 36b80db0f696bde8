"""Bulk routing on large networks: every LSP takes the cheapest way over few open links.

Where demands are many and small, a link is worth opening only for the traffic of whole regions. So moves open
or close a link, and all LSPs whose cheapest way changes move with it; the cost of both is exact, modules and
percentiles included. What a single LSP can gain beside the others is left to ``netopt_kernels.grooming``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netopt_heur.construct.ip_layer import IpLayer, IpPlanner
from netopt_heur.instance import F64, I64, Graph
from netopt_kernels.bulk import moved_loads, savings_over, trees, ways_around, ways_over
from netopt_kernels.grooming_state import BACKUP, DISJOINT, PRIMARY, UNPROTECTED

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
GRACE = 1e-5  # units of capacity that rounding may exceed: loads are sums in float32
LAST_RESORT = 100.0  # hops over the dearest link that a link costs which a failure takes down
LEAST_GAIN = 1e-9  # relative; below it one way is as cheap as another


@dataclass(frozen=True)
class Change:
    """A move that is priced, but not made.

    Attributes
    ----------
    lsps
        LSPs that move, by their rows in the backbone.
    paths
        int32[len(lsps), hops], their new links in order; -1 in unused places.
    links, loads, worth
        Links that carry more or less than before, what they would carry, and what that costs.
    gain
        Cost before less cost after.
    """

    lsps: I64
    paths: I32
    links: I64
    loads: F32
    worth: F64
    gain: float


class Backbone:
    """LSPs on their cheapest ways over open links.

    Parameters
    ----------
    planner
        The problem at fixed spectrum prices.

    Attributes
    ----------
    links
        int64[m], candidates that may be opened: between each two sites the cheapest that no failure takes
        down; where there is none or no LSP is protected, the cheapest of all.
    a, b, weight
        Their ends, and their price per Gb/s at the best fill; more where a failure takes them down.
    open
        bool[m].
    lsps
        int64[n], those routed here: without a backup of their own or an availability to reach.
    distance
        float64[n_sites, n_sites], price per Gb/s of the cheapest ways over open links.
    """

    def __init__(self, planner: IpPlanner) -> None:
        pool, lsps, instance = planner.pool, planner.lsps, planner.instance
        self.planner, self.n_sites = planner, len(instance.site_ids)
        bulk = (lsps.protection != DISJOINT) & (lsps.min_availability <= 0.0) & (lsps.a != lsps.b)
        self.lsps = np.flatnonzero(bulk)
        weight = planner.prices.per_gbps.copy()
        if (lsps.protection[self.lsps] != UNPROTECTED).any():
            # what a failure takes down is a last resort: on no cheapest way that can do without
            weight[~pool.lasting] += LAST_RESORT * weight[np.isfinite(weight)].max(initial=0.0)
        self.links = _cheapest_parallel(pool.a, pool.b, weight, np.flatnonzero(np.isfinite(weight)))
        self.a, self.b, self.weight = pool.a[self.links], pool.b[self.links], weight[self.links]
        self.lsp_a, self.lsp_b = lsps.a[self.lsps], lsps.b[self.lsps]
        self.size_gbps = lsps.size_gbps[self.lsps]
        self._samples = lsps.samples[self.lsps].astype(np.float32)
        self._rank = np.maximum(instance.rank_normal, instance.rank_failure)
        self.open = np.zeros(len(self.links), dtype=np.bool_)
        graph = Graph.build(self.n_sites, self.a, self.b)
        self._graph = graph.first_arc, graph.head, graph.arc_edge
        self._routers = np.union1d(self.a, self.b)
        self.distance = np.full((self.n_sites, self.n_sites), math.inf)
        self._parent = np.full((self.n_sites, self.n_sites), -1, dtype=np.int32)
        self.paths: I32 = np.full((len(self.lsps), 1), -1, dtype=np.int32)
        self.loads: F32 = np.zeros((len(self.links), 2, self._samples.shape[2]), dtype=np.float32)
        self.link_worth: F64 = np.zeros(len(self.links))

    @property
    def worth(self) -> float:
        """Cost of all links at what they carry."""
        return math.fsum(self.link_worth.tolist())

    @property
    def unreached(self) -> int:
        """LSPs without a way over the open links."""
        return int(np.count_nonzero(np.isinf(self.distance[self.lsp_a, self.lsp_b])))

    def route(self, links: I64) -> None:
        """Open just these links (positions in ``links``) and route all LSPs over them."""
        self.open[:] = False
        self.open[links] = True
        self._measure(self._routers)
        backwards = self._walk(self._parent, self.lsp_a, self.lsp_b)
        self._start(np.ascontiguousarray(backwards[:, ::-1]))

    def adopt(self, layer: IpLayer) -> None:
        """Start from a layer: open the links it uses, keep its paths where they are on ``links``."""
        position = np.full(len(self.planner.pool.links), -1, dtype=np.int32)
        position[self.links] = np.arange(len(self.links), dtype=np.int32)
        used = position[layer.link_keys()]
        self.route(used[used >= 0].astype(np.int64))
        hops = layer.hops[self.lsps]
        there = np.arange(layer.path.shape[2]) < hops[:, PRIMARY, None]
        path = np.full(there.shape, -1, dtype=np.int32)
        path[there] = position[layer.path[self.lsps, PRIMARY][there]]
        rows = (hops[:, PRIMARY] > 0) & (hops[:, BACKUP] < 0) & ((path >= 0) == there).all(axis=1)
        most = int(hops[rows, PRIMARY].max(initial=0))
        found = _widened(self.paths, most)
        found[rows] = -1
        found[rows, :most] = path[rows, :most]
        self._start(found)

    def layer(self) -> IpLayer:
        """The paths that keep their LSPs' promises, on the pool's links; other LSPs are left out."""
        kept = self._kept_promises()
        there = self.paths[kept] >= 0
        hops = np.full((len(self.planner.instance.lsps), 2), -1, dtype=np.int64)
        path = np.full((*hops.shape, max(1, self.paths.shape[1])), -1, dtype=np.int64)
        hops[self.lsps[kept], PRIMARY] = there.sum(axis=1)
        # unused places may be anywhere in a row
        path[np.arange(path.shape[2]) < hops[:, :, None]] = self.links[self.paths[kept][there]]
        return IpLayer(hops, path, math.inf)

    # ---- moves

    def opened(self, link: int) -> Change | None:
        """What comes of opening a closed link; None if no LSP would take it."""
        lsps, paths = ways_over(
            link, self.distance, self._parent, self.weight, self.a, self.b, self.lsp_a, self.lsp_b,
            1.0 - LEAST_GAIN,
        )  # fmt: skip
        return self._change(lsps, paths) if len(lsps) else None

    def closed(self, link: int, instead: int = -1) -> Change | None:
        """What comes of closing an open link, another opened ``instead`` if given.

        Only the LSPs on the link move. None if one of them would find no way.
        """
        found, lsps, paths = ways_around(
            link, instead, self.paths, *self._graph, self.weight, self.open, self.a, self.b, self.lsp_a,
            self.lsp_b,
        )  # fmt: skip
        return self._change(lsps, paths) if found else None

    def apply(self, change: Change, opened: int = -1, closed: int = -1) -> None:
        """Make a move."""
        self.loads[change.links] = change.loads
        self.link_worth[change.links] = change.worth
        self.paths = _widened(self.paths, change.paths.shape[1])
        self.paths[change.lsps] = -1
        self.paths[change.lsps, : change.paths.shape[1]] = change.paths
        if closed >= 0:
            self.open[closed] = False
            affected = (self._parent[self._routers] == closed).any(axis=1)
            self._measure(self._routers[affected])
        if opened >= 0:
            self.open[opened] = True
            self._shorten(opened)

    def savings(self, lsps: I64, links: I64) -> F64:
        """What LSPs (rows) would save on each closed link (position) if all links were at their best fill."""
        per_gbps = savings_over(
            links, lsps, self.distance, self.weight, self.a, self.b, self.lsp_a, self.lsp_b
        )  # fmt: skip
        size = self.size_gbps[lsps]
        return np.array([size @ row for row in per_gbps])

    # ---- parts

    def _start(self, paths: I32) -> None:
        self.paths = np.empty((len(self.lsps), 0), dtype=np.int32)
        self.loads = np.zeros((len(self.links), 2, self._samples.shape[2]), dtype=np.float32)
        self.link_worth = np.zeros(len(self.links))
        self.apply(self._change(np.arange(len(self.lsps)), paths))

    def _measure(self, sites: I64) -> None:
        self.distance[sites], self._parent[sites] = self._trees(sites, np.flatnonzero(self.open))

    def _shorten(self, link: int) -> None:
        """Take a new link into all trees: beyond it they go on as the tree from its far end does."""
        u, v = int(self.a[link]), int(self.b[link])
        rows = {site: (self.distance[site].copy(), self._parent[site].copy()) for site in (u, v)}
        for near, far in ((u, v), (v, u)):
            beyond, last = rows[far]
            last[far] = link
            to_far = rows[near][0] + self.weight[link]
            sites = self._routers[to_far[self._routers] < beyond[self._routers] * (1.0 - LEAST_GAIN)]
            then = to_far[sites, None] + beyond
            better = then < self.distance[sites] * (1.0 - LEAST_GAIN)
            self.distance[sites] = np.where(better, then, self.distance[sites])
            self._parent[sites] = np.where(better, last, self._parent[sites])

    def _trees(self, roots: I64, links: I64) -> tuple[F64, I32]:
        """Distances, and the last link of the cheapest way, from each root to all sites."""
        is_open = np.zeros(len(self.links), dtype=np.bool_)
        is_open[links] = True
        return trees(*self._graph, self.weight, is_open, roots)

    def _walk(self, parent: I32, row: I64, site: I64) -> I32:
        """Links from sites to the roots of trees, in this order, a row each; -1 beyond the root."""
        columns: list[I32] = []
        while len(site):
            link = parent[row, site]
            there = link >= 0
            if not there.any():
                break
            columns.append(link)
            site = np.where(there, self.a[link] + self.b[link] - site, site)
        return np.stack(columns, axis=1) if columns else np.empty((len(site), 0), dtype=np.int32)

    def _change(self, lsps: I64, paths: I32) -> Change:
        planner, prices = self.planner, self.planner.prices
        links, loads, worth = moved_loads(
            self._samples, lsps, self.lsp_a, self.paths, paths, self.a, self.b, self.loads,
            planner.clock.group_start, self._rank, prices.table, self.links, prices.units_per_gbps, GRACE,
        )  # fmt: skip
        gain = math.fsum(self.link_worth[links].tolist()) - math.fsum(worth.tolist())
        return Change(lsps, paths, links, loads, worth, gain)

    def _kept_promises(self) -> NDArray[np.bool_]:
        """Whether each LSP has a path, few enough hops, little enough latency, and outlives all states."""
        planner, lsps = self.planner, self.planner.lsps
        there = self.paths >= 0
        hops = there.sum(axis=1)
        latency_ms = np.where(there, planner.pool.hop_latency_ms[self.links][self.paths], 0.0).sum(axis=1)
        kept: NDArray[np.bool_] = (hops > 0) & (hops <= planner.clock.max_hops)
        kept &= latency_ms <= lsps.max_latency_ms[self.lsps]
        down = planner.pool.state_words[self.links]
        if down.any():
            exposed = np.zeros(len(self.lsps), dtype=np.bool_)
            outside = ~lsps.end_states[self.lsps]
            for column in range(self.paths.shape[1]):
                hit = (down[self.paths[:, column]] & outside).any(axis=1)
                exposed |= there[:, column] & hit
            kept &= ~exposed | (lsps.protection[self.lsps] == UNPROTECTED)
        return kept


def _cheapest_parallel(a: I64, b: I64, price: F64, links: I64) -> I64:
    """Of the links between each two sites the cheapest; increasing."""
    ends = np.stack([np.minimum(a[links], b[links]), np.maximum(a[links], b[links])])
    order = np.lexsort((links, price[links], *ends[::-1]))
    ends = ends[:, order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (ends[:, 1:] != ends[:, :-1]).any(axis=0)
    return np.sort(links[order[fresh]])


def _widened(paths: I32, hops: int) -> I32:
    """Paths with room for ``hops`` links."""
    found = np.full((len(paths), max(hops, paths.shape[1])), -1, dtype=np.int32)
    found[:, : paths.shape[1]] = paths
    return found


def served(planner: IpPlanner, backbone: Backbone, order: Sequence[int]) -> IpLayer:
    """The backbone's layer; LSPs that it does not serve are routed one by one, first over its links."""
    opened: I64 = np.flatnonzero(np.isin(np.arange(len(planner.pool.links)), backbone.links[backbone.open]))
    return planner.first(order, opened, backbone.layer())
