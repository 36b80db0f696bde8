"""The IP layer of a repair: LSPs without a way are routed at marginal cost beside those that stay."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netopt_heur.candidates import offer_table
from netopt_heur.construct.ip_layer import MOST_MOVED, Groomer, IpLayer, IpPlanner
from netopt_heur.construct.lsp_router import LspRouter
from netopt_heur.design import DesignLink
from netopt_heur.evaluator import RELATIVE
from netopt_heur.instance import F64, I64, U64, Instance
from netopt_heur.replan.carry import Carried
from netopt_heur.replan.prepare import Prepared, units_left
from netopt_heur.replan.resize import link_capacity_gbps, link_worth
from netopt_kernels import grooming_state
from netopt_kernels.loads import SCRATCH_ROWS, link_required

Bools = NDArray[np.bool_]

MOST_RETOUCHED = 200  # LSPs that may look for a cheaper way once all have one
MOST_EXACT = 10  # LSPs for which the slow router looks where the kernel found no way


@dataclass(frozen=True)
class _Users:
    """Who is on which link, in the order of links: LSP, whether by its backup, whether it walks from b."""

    link: I64
    lsp: I64
    backup: Bools
    backward: I64
    down_primary: U64
    down_backup: U64

    @classmethod
    def of(cls, layer: grooming_state.Layer) -> _Users:
        """Users of all links of a layer."""
        lsp, side, place = np.nonzero(np.arange(layer.path.shape[2]) < layer.hops[:, :, None])
        link = layer.path[lsp, side, place]
        order = np.argsort(link, kind="stable")
        return cls(
            link[order],
            lsp[order],
            side[order] == grooming_state.BACKUP,
            layer.backward[lsp, side, place][order].astype(np.int64),
            np.ascontiguousarray(layer.down[:, grooming_state.PRIMARY]),
            np.ascontiguousarray(layer.down[:, grooming_state.BACKUP]),
        )

    def on(self, key: int) -> tuple[I64, Bools, I64]:
        """Users of one link."""
        part = slice(*np.searchsorted(self.link, (key, key + 1)))
        return self.lsp[part], self.backup[part], self.backward[part]


class IpRepair:
    """Routes the LSPs of a design that have no path, and takes them off links that cannot carry them.

    Parameters
    ----------
    prepared
        Where the repair started.
    carried
        Its design is changed in place.

    Attributes
    ----------
    pool
        Candidate links, with new routes for pairs of sites that lost one.
    """

    def __init__(self, prepared: Prepared, carried: Carried) -> None:
        self.design, self.instance = carried.design, carried.design.instance
        routes = carried.routes
        self.pool, self._prices, self._arrays = routes.pool, routes.prices, routes.arrays
        self._new_links = np.arange(routes.first_new, len(self.pool.links), dtype=np.int64)
        self._closed = np.zeros(len(self.pool.links), dtype=np.bool_)
        # new routes use open fibers only
        self._closed[prepared.planner.pool.over(np.flatnonzero(self.instance.max_pairs == 0))] = True
        self._cannot_grow: set[int] = set()
        self._moved: set[int] = set()
        self._primary = carried.primary
        self._hopeful: set[int] = set()  # found no way so far, though nothing parts their ends
        self._tried: set[int] = set()  # by the slow router
        self._planner = IpPlanner(
            self.instance, self.pool, self._prices, self.design.rates_gbps, lambda: False, arrays=self._arrays
        )
        self._scratch = np.empty((SCRATCH_ROWS, self.instance.samples.shape[2]))

    def route(self) -> set[int]:
        """Route all LSPs without a path, where possible; the links that these are now on."""
        table = self._table()
        self._planner.prices = copy.copy(self._prices)
        self._planner.prices.table = table
        self._planner.pool_arrays = self._arrays._replace(table=table)
        groomer = self._groomer()
        size = self._planner.lsps.size_gbps
        lsps = np.array([i for i, path in enumerate(self.design.primary) if path is None], dtype=np.int64)
        lsps = lsps[np.lexsort((lsps, -size[lsps]))]
        self._moved.update(lsps.tolist())
        groomer.open_links(self._likely_links(groomer, lsps))
        if groomer.route(lsps, self._primary):
            rest = lsps[groomer.layer.hops[lsps, grooming_state.PRIMARY] <= 0]
            parts = surviving_parts(self.instance)
            rest = np.array(
                [i for i in rest.tolist() if can_be_joined(self.instance, parts, i)], dtype=np.int64
            )
            groomer.open_links(np.arange(len(self.pool.links), dtype=np.int64))
            groomer.route(rest)
            self._hopeful = set(rest.tolist())
        found = groomer.found()
        self.design.primary, self.design.backup = found.primary, found.backup
        if self._route_rest():
            groomer = self._groomer()
        moved = [self.design.primary[i] != self._primary.get(i) for i in lsps.tolist()]
        _retouch(groomer, lsps[np.array(moved, dtype=np.bool_)])
        self._primary = {}
        found = groomer.found()
        self._users = _Users.of(groomer.layer)
        self._routed = groomer.layer.hops[:, grooming_state.PRIMARY] > 0
        self.design.primary, self.design.backup = found.primary, found.backup
        primary, backup = found.primary, found.backup
        paths = [(primary[i] or ()) + (backup[i] or ()) for i in lsps.tolist()]
        return {key for path in paths for key in path}

    def _likely_links(self, groomer: Groomer, lsps: I64) -> I64:
        """Links that LSPs are routed over first: those in use, new ones, and those that join their ends."""
        ends = {(self.instance.lsps[i].a, self.instance.lsps[i].b) for i in lsps.tolist()}
        direct = [key for a, b in sorted(ends) for key in self.pool.direct(a, b)]
        installed = sorted(self.design.links)
        likely = (groomer.used_links(), self._new_links, direct, installed)
        return np.unique(np.concatenate([np.asarray(keys, dtype=np.int64) for keys in likely]))

    def _groomer(self) -> Groomer:
        groomer = Groomer(self._planner, IpLayer.of(self.design.primary, self.design.backup))
        groomer.layer.banned[:] = self._closed
        return groomer

    def _route_rest(self) -> bool:
        """Use the exact router, which may also give up cost for availability, where the kernel failed."""
        primary, backup = self.design.primary, self.design.backup
        rest = [i for i in sorted(self._hopeful - self._tried) if primary[i] is None][:MOST_EXACT]
        if not rest:
            return False
        self._tried.update(rest)
        router = LspRouter(self.instance, self.pool)
        router.banned = self._closed.copy()
        router.banned[sorted(self._cannot_grow)] = True
        more = False
        price = self._prices.per_gbps
        for index in rest:
            paths = router.route(self.instance.lsps[index], price, lambda _: price)
            if paths is not None:
                primary[index], backup[index] = paths
                more = True
        return more

    def _table(self) -> F64:
        """Cost tables beside what is installed: room there is free, and more of it costs what it adds."""
        table = self._prices.table.copy()
        left = units_left(self.design)
        for key, link in enumerate(self.pool.links):
            if link.offer >= 0:
                units = min(link.max_modules, int(left[link.offer]))
                table[key] = offer_table(link, units, self.pool.unit_gbps, table.shape[1] - 1)
        for key in self._cannot_grow:
            table[key, 1:] = math.inf
        for key, installed in self.design.links.items():
            self._write_installed(table[key], installed)
        return table

    def _write_installed(self, row: F64, link: DesignLink) -> None:
        worth = link_worth(self.instance, link)
        units = int(link_capacity_gbps(self.instance, link) / self.pool.unit_gbps + 1e-9)
        units = min(units, len(row) - 1)
        more = row[1 : len(row) - units].copy()
        row[1 : units + 1] = worth
        row[units + 1 :] = worth + more

    def fits(self, key: int, required_gbps: float) -> bool:
        """Whether a link is there and carries so much."""
        link = self.design.links.get(key)
        if link is None:
            return required_gbps <= 0.0 and not len(self._users.on(key)[0])
        share = self.instance.scenario.policy.max_utilisation
        return required_gbps <= share * link_capacity_gbps(self.instance, link) * (1.0 + RELATIVE)

    def required_gbps(self, key: int) -> float:
        """Largest percentile of a link's load over directions and failure states (R9)."""
        return self._required(key, self._routed)

    def _required(self, key: int, counted: Bools) -> float:
        """The same of the LSPs that are ``counted``."""
        clock, users = self._planner.clock, self._users
        lsps, backup, backward = users.on(key)
        real = counted[lsps]
        lsps, backup, backward = lsps[real], backup[real], backward[real]
        required, _, _ = link_required(
            self._planner.lsps.samples,
            lsps[~backup],
            backward[~backup],
            lsps[backup],
            backward[backup],
            users.down_primary,
            users.down_backup,
            clock.n_states,
            clock.group_start,
            clock.rank_normal,
            clock.rank_failure,
            self._scratch,
        )
        return required

    def relieve(self, stuck: set[int]) -> set[int]:
        """Take LSPs off links that cannot grow until these carry the rest; the links on their paths.

        First those that the repair routed, then the largest.
        """
        self._cannot_grow |= stuck
        touched: set[int] = set()
        size = self._planner.lsps.size_gbps
        for key in sorted(stuck):
            on_link = np.unique(self._users.on(key)[0]).tolist()
            members = [i for i in on_link if self.design.primary[i] is not None]
            members.sort(key=lambda i: (i not in self._moved, -size[i], i))
            for lsp in members[: self._least_to_move(key, members)]:
                touched.update((*(self.design.primary[lsp] or ()), *(self.design.backup[lsp] or ())))
                self.design.primary[lsp] = self.design.backup[lsp] = None
                self._routed[lsp] = False
        return touched

    def _least_to_move(self, key: int, members: list[int]) -> int:
        """How many of a link's LSPs, in this order, must leave for the link to carry the rest."""
        counted = self._routed.copy()
        low, high = 0, len(members)
        while low < high:
            middle = (low + high) // 2
            counted[members] = True
            counted[members[:middle]] = False
            fits = key in self.design.links and self.fits(key, self._required(key, counted))
            low, high = (low, middle) if fits else (middle + 1, high)
        return low


def surviving_parts(instance: Instance) -> I64:
    """Connected parts of the fibers and wave offers that are up; int64[n_states, n_sites], -1 where down."""
    n_sites = len(instance.site_ids)
    edges = [
        (int(a), int(b), components)
        for a, b, components, pairs in zip(
            instance.fiber_a, instance.fiber_b, instance.fiber_components, instance.max_pairs, strict=True
        )
        if pairs > 0
    ]
    edges += [(offer.a, offer.b, offer.components) for offer in instance.offers]
    parts = np.empty((len(instance.state_names), n_sites), dtype=np.int64)
    for state, down in enumerate(instance.state_components):
        neighbours: list[list[int]] = [[] for _ in range(n_sites)]
        for a, b, components in edges:
            if not components & down:
                neighbours[a].append(b)
                neighbours[b].append(a)
        part = [-1] * n_sites
        for first in range(n_sites):
            if part[first] >= 0 or instance.site_component(first) & down:
                continue
            part[first], queue = first, [first]
            while queue:
                for other in neighbours[queue.pop()]:
                    if part[other] < 0 and not instance.site_component(other) & down:
                        part[other] = first
                        queue.append(other)
        parts[state] = part
    return parts


def can_be_joined(instance: Instance, parts: I64, lsp: int) -> bool:
    """Whether no state that an LSP must survive parts its ends; states in which an end is down do not."""
    wanted = instance.lsps[lsp]
    states = parts[:1] if wanted.promise.protection == "none" else parts
    a, b = states[:, wanted.a], states[:, wanted.b]
    return bool(((a == b) | (a < 0) | (b < 0)).all())


def _retouch(groomer: Groomer, lsps: I64) -> None:
    """Let LSPs look for cheaper ways now that all have one: those that share a link, then each alone.

    Over links in use: the others were looked at when the LSPs were routed.
    """
    routed = lsps[groomer.layer.hops[lsps, grooming_state.PRIMARY] > 0][:MOST_RETOUCHED]
    groomer.open_links(groomer.used_links())
    if len(routed) > 1:
        hops, paths = groomer.layer.hops[routed], groomer.layer.path[routed]
        used = np.arange(paths.shape[2]) < hops[:, :, None]
        for key in np.unique(paths[used]).tolist():
            together = routed[(used & (paths == key)).any(axis=(1, 2))]
            if 1 < len(together) <= MOST_MOVED:
                groomer.move(together)
    for lsp in routed:
        groomer.move(np.array([lsp]))
