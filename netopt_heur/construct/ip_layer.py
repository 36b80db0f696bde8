"""The IP layer: which candidate links to install and how LSPs use them.

The first layer routes LSPs one after another at their true stepwise marginal cost; moves then take some out
and route them again, and keep what lowers the cost. Both run in ``netopt_kernels.grooming``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from netopt_heur.candidates import LinkPool
from netopt_heur.construct.desks import Desk, Desks
from netopt_heur.construct.grooming_arrays import lsp_arrays, pool_arrays, with_links
from netopt_heur.construct.lsp_router import LspRouter
from netopt_heur.construct.move_check import moves_on
from netopt_heur.design import Design, Path, Paths
from netopt_heur.evaluator import Evaluator, samples_at
from netopt_heur.instance import F64, I64, Instance
from netopt_heur.link_prices import LinkPrices
from netopt_kernels import grooming, grooming_state
from netopt_kernels.grooming_state import BACKUP, PRIMARY, Clock, Layer, Lsps, Pool, Work, pack

MOST_MOVED = 60  # LSPs that one move may take out together

Stop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class IpLayer:
    """A routed IP layer on pool keys, with its cost at the pool's prices.

    Attributes
    ----------
    hops : int64[n_lsps, 2]
        Links on the primary and on the backup of each LSP, -1 where there is none.
    path : int64[n_lsps, 2, most hops]
        Their keys, in order; what follows the last of them has no meaning. Not to be changed in place.
    worth
        Cost of the links.

    Examples
    --------
    >>> IpLayer.of([(3, 5), None], [None, None], math.inf).links()
    frozenset({3, 5})
    """

    hops: I64
    path: I64
    worth: float

    @classmethod
    def of(
        cls, primary: Sequence[Path | None], backup: Sequence[Path | None], worth: float = math.inf
    ) -> IpLayer:
        """Make a layer of paths."""
        hops = np.array([[-1 if p is None else len(p) for p in side] for side in (primary, backup)])
        path = np.full((len(primary), 2, int(hops.max(initial=1))), -1, dtype=np.int64)
        keys = list(chain.from_iterable(filter(None, chain.from_iterable(zip(primary, backup, strict=True)))))
        hops = np.ascontiguousarray(hops.reshape(2, -1).T, dtype=np.int64)
        path[np.arange(path.shape[2]) < hops[:, :, None]] = keys
        return cls(hops, path, worth)

    @classmethod
    def without_paths(cls, n_lsps: int) -> IpLayer:
        """Make a layer in which no LSP is routed yet."""
        return cls(np.full((n_lsps, 2), -1, np.int64), np.full((n_lsps, 2, 1), -1, np.int64), math.inf)

    @property
    def primary(self) -> Paths:
        """Primaries per LSP, to be changed at will."""
        return Paths(self.hops[:, PRIMARY], self.path[:, PRIMARY])

    @property
    def backup(self) -> Paths:
        """Backups per LSP, to be changed at will."""
        return Paths(self.hops[:, BACKUP], self.path[:, BACKUP])

    @property
    def unrouted(self) -> NDArray[np.bool_]:
        """Whether an LSP has no path; bool[n_lsps]."""
        return self.hops[:, PRIMARY] < 0

    def rank(self) -> tuple[int, float]:
        """Order of layers: LSPs without a path, then cost."""
        return (int(np.count_nonzero(self.unrouted)), self.worth)

    def link_keys(self) -> I64:
        """Keys of the links in use, in increasing order."""
        return np.flatnonzero(np.bincount(self.path[self._in_use()]))

    def links(self) -> frozenset[int]:
        """Keys of the links in use."""
        return frozenset(self.link_keys().tolist())

    def uses(self, links: I64) -> NDArray[np.bool_]:
        """Whether each LSP is routed over one of some links, on either path; bool[n_lsps]."""
        marked = np.zeros(int(max(self.path.max(initial=-1), links.max(initial=-1))) + 1, dtype=np.bool_)
        marked[links] = True
        is_hit = np.zeros(self.path.shape, dtype=np.bool_)
        in_use = self._in_use()
        is_hit[in_use] = marked[self.path[in_use]]
        return is_hit.any(axis=(1, 2)) & ~self.unrouted

    def without(self, lsps: NDArray[np.bool_]) -> IpLayer:
        """The layer without the paths of some LSPs (bool[n_lsps]), of unknown cost."""
        return IpLayer(np.where(lsps[:, None], -1, self.hops), self.path, math.inf)

    def _in_use(self) -> NDArray[np.bool_]:
        return np.arange(self.path.shape[2]) < self.hops[:, :, None]


class IpPlanner:
    """The IP layer's problem at fixed spectrum prices.

    Parameters
    ----------
    instance, pool, prices
        The problem, its candidate links and their cost tables.
    rates
        Hourly rates of transfers.
    stop
        Asked between moves.
    lsps
        The LSPs as arrays, if another planner with the same rates has them.
    arrays
        The pool as the kernels take it, if it is known already.
    desks
        Arrays for moves, shared with other planners of the same instance.
    """

    def __init__(
        self,
        instance: Instance,
        pool: LinkPool,
        prices: LinkPrices,
        rates: dict[int, F64],
        stop: Stop,
        lsps: Lsps | None = None,
        arrays: Pool | None = None,
        desks: Desks | None = None,
    ) -> None:
        self.desks = Desks() if desks is None else desks
        self.instance, self.pool, self.prices, self.stop = instance, pool, prices, stop
        self.rates = rates
        self.clock = Clock(
            instance.group_start,
            instance.rank_normal,
            instance.rank_failure,
            len(instance.state_names),
            instance.scenario.policy.max_ip_hops,
        )
        self.quiet = bool((instance.rank_failure <= instance.rank_normal).all())
        if lsps is None:
            lsps = lsp_arrays(instance, samples_at(instance, rates))
        self.lsps = lsps
        self.pool_arrays = pool_arrays(instance, pool, prices) if arrays is None else arrays
        self.packed_lsps, self.packed_clock = pack(self.lsps), pack(self.clock)

    def first(
        self, order: Sequence[int], open_links: I64 | None = None, found: IpLayer | None = None
    ) -> IpLayer:
        """Route all LSPs in this order, each at marginal cost beside those before it and those in ``found``.

        Over ``open_links`` (increasing indices) if given, and over all links those that find no way there.
        """
        if found is None:
            found = IpLayer.without_paths(len(self.instance.lsps))
        if open_links is not None:
            found = self.complete(found, order, open_links)
        found = self.complete(found, order)
        if found.unrouted.any():
            return self._with_rest(found, self.prices.per_gbps)
        return found

    def complete(self, found: IpLayer, order: Sequence[int], open_links: I64 | None = None) -> IpLayer:
        """Route the LSPs that have no paths yet, where possible; over ``open_links`` if given."""
        lsps = np.array(order, dtype=np.int64)
        lsps = lsps[found.unrouted[lsps]]
        if not len(lsps):
            return found
        groomer = Groomer(self, found)
        if open_links is not None:
            groomer.open_links(open_links)
        groomer.route(lsps)
        return groomer.found()

    def evaluator(self, layer: IpLayer) -> Evaluator:
        """Evaluator over bare links; loads and failures only."""
        design = Design.empty(self.instance)
        design.links = {key: self.pool.bare(key) for key in sorted(layer.links())}
        design.primary, design.backup = layer.primary, layer.backup
        design.rates_gbps = dict(self.rates)
        return Evaluator(self.instance, design)

    def empty_layer(self) -> Layer:
        """Arrays of a layer without paths."""
        instance = self.instance
        return grooming_state.new_layer(
            len(instance.lsps),
            len(self.pool.links),
            (instance.samples.shape[2], len(instance.rank_normal)),
            len(instance.state_names),
            instance.state_words,
            self.clock.max_hops,
        )

    def work(self, most: int) -> Work:
        """Buffers for moves of at most ``most`` LSPs."""
        instance = self.instance
        words = (instance.state_words, self.pool.component_words.shape[1])
        sizes = (len(instance.site_ids), len(instance.lsps), len(self.pool.links))
        samples = (instance.samples.shape[2], len(instance.rank_normal))
        n_states, max_hops = len(instance.state_names), self.clock.max_hops
        return grooming_state.new_work(*sizes, samples, n_states, words, max_hops, most)

    def desk_for(self, groomer: Groomer) -> Desk:
        """Arrays without paths, for a groomer to work with."""
        sizes = (*self.instance.samples.shape, *self.pool.component_words.shape)
        return self.desks.lend(groomer, sizes, lambda: Desk.of(self.empty_layer(), self.work(MOST_MOVED)))

    @staticmethod
    def layer_of(arrays: Layer) -> IpLayer:
        """Paths and cost of what moves are made on, as it stands."""
        return IpLayer(arrays.hops.copy(), arrays.path.copy(), float(arrays.total[0]))

    def _with_rest(self, found: IpLayer, price: F64) -> IpLayer:
        """Use the exact router, which may also give up cost for availability, where the kernel failed."""
        router = LspRouter(self.instance, self.pool)
        usable = np.where(np.isfinite(price), price, math.inf)
        primary, backup = found.primary, found.backup
        for index in np.flatnonzero(found.unrouted).tolist():
            paths = router.route(self.instance.lsps[index], usable, lambda _: usable)
            if paths is not None:
                primary[index], backup[index] = paths
        return IpLayer.of(primary, backup, found.worth)


class Groomer:
    """A layer loaded for moves: each is priced exactly, and undone unless it pays.

    Parameters
    ----------
    planner
        The problem.
    found
        Where to start; LSPs without paths stay without, until :meth:`route` is asked for them.
    """

    def __init__(self, planner: IpPlanner, found: IpLayer) -> None:
        self.planner = planner
        desk = planner.desk_for(self)
        self.layer = desk.layer
        self._load(found)
        self._packed, self._work, self._chosen = desk.packed_layer, desk.packed_work, desk.work.chosen
        self._pool = pack(planner.pool_arrays)
        self._moves = moves_on(planner, self.layer)
        routed = np.flatnonzero(self.layer.hops[:, 0] > 0)
        grooming.attach_all(*self._args(), routed, planner.quiet)

    def _load(self, found: IpLayer) -> None:
        """Write paths into the layer's arrays; a backup counts for nothing without a primary."""
        hops = self.layer.hops
        hops[:] = found.hops
        hops[hops[:, PRIMARY] <= 0] = -1
        most = min(found.path.shape[2], self.layer.path.shape[2])  # no path in use is longer
        self.layer.path[:, :, :most] = found.path[:, :, :most]

    def _args(self) -> tuple[Pool, Lsps, Clock, Layer, Work]:
        return self._pool, self.planner.packed_lsps, self.planner.packed_clock, self._packed, self._work

    @property
    def worth(self) -> float:
        """Cost of the layer at the planner's prices."""
        return float(self.layer.total[0])

    def open_links(self, links: I64) -> None:
        """Let new paths use just these links (increasing indices)."""
        self._pool = pack(with_links(self.planner.pool_arrays, links))

    def move(self, lsps: I64, slack: float = 0.0) -> bool:
        """Take LSPs out and route them again in this order; keep that if it costs less, or ``slack`` more."""
        if not len(lsps) or (self.layer.hops[lsps, 0] <= 0).any():
            return False
        return self._moves.move(*self._args(), lsps, slack, self.planner.quiet)

    def anneal(
        self, random: np.random.Generator, steps: int, most: int, temperatures: tuple[float, float]
    ) -> None:
        """Ruin and recreate, where an LSP is routed; see :func:`netopt_kernels.grooming.anneal`."""
        if (self.layer.hops[:, PRIMARY] > 0).any():
            self._moves.anneal(*self._args(), random, steps, most, temperatures, self.planner.quiet)

    def ruin(self, random: np.random.Generator, most: int) -> I64:
        """LSPs to move together, in random order; see :func:`netopt_kernels.grooming.ruin`."""
        pool, lsps, _, layer, work = self._args()
        return self._chosen[: grooming.ruin(pool, lsps, layer, work, most, random)].copy()

    def route(self, lsps: I64, primary: Mapping[int, Path] | None = None) -> int:
        """Route LSPs that have no paths yet, in this order; the number left without.

        LSPs with a ``primary`` keep it if a backup for it is found.
        """
        for lsp, path in (primary or {}).items():
            self.layer.hops[lsp, PRIMARY] = len(path)
            self.layer.path[lsp, PRIMARY, : len(path)] = path
        return self._moves.route_all(*self._args(), lsps, self.planner.quiet)

    def used_links(self) -> I64:
        """Links that carry LSPs, in increasing order."""
        return np.flatnonzero(self.layer.members)

    def found(self) -> IpLayer:
        """The layer as it stands."""
        return self.planner.layer_of(self.layer)
