"""The IP layer: which candidate links to install and how LSPs use them.

Two ideas, one after the other. *Slope scaling* (Kim and Pardalos 1999; Crainic, Gendron and Hernu 2004)
prices every link per Gb/s at the fill it had in the round before, so that badly filled links become dear
and traffic gathers on few, well-filled ones. Then *regrooming* moves single LSPs, and empties whole links,
at their true stepwise marginal cost, and keeps what lowers it. Both run in ``netopt_kernels.grooming``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from netopt_heur.candidates import LinkPool, LinkPrices, words_of
from netopt_heur.construct.lsp_router import LspRouter
from netopt_heur.design import Design, Path
from netopt_heur.evaluator import Evaluator
from netopt_heur.instance import F64, I64, Instance
from netopt_kernels import grooming
from netopt_kernels.grooming import pack

DAMPING = 0.6  # share of the new price in slope scaling
MOST_MOVED = 60  # LSPs that one move may take out together
CLOCK_EVERY = 16  # moves between two looks at the clock

PROTECTION = {
    "none": grooming.UNPROTECTED,
    "survivable": grooming.SURVIVABLE,
    "disjoint": grooming.DISJOINT,
}

Stop = Callable[[], bool]
KernelArgs = tuple[grooming.Pool, grooming.Lsps, grooming.Clock, grooming.Layer, grooming.Work]


@dataclass
class IpLayer:
    """A routed IP layer on pool keys, with its cost at the pool's prices."""

    primary: list[Path | None]
    backup: list[Path | None]
    worth: float


class IpPlanner:
    """Builds and improves the IP layer at fixed spectrum prices.

    Parameters
    ----------
    instance, pool, prices
        The problem, its candidate links and their cost tables.
    rates
        Hourly rates of transfers.
    stop
        Asked between moves.
    """

    def __init__(
        self, instance: Instance, pool: LinkPool, prices: LinkPrices, rates: dict[int, F64], stop: Stop
    ) -> None:
        self.instance, self.pool, self.prices, self.stop = instance, pool, prices, stop
        self.rates = rates
        design = Design.empty(instance)
        design.rates_gbps = dict(rates)
        samples = Evaluator(instance, design).samples
        policy = instance.scenario.policy
        self.clock = grooming.Clock(
            instance.group_start,
            instance.rank_normal,
            instance.rank_failure,
            len(instance.state_names),
            policy.max_ip_hops,
        )
        self.quiet = bool((instance.rank_failure <= instance.rank_normal).all())
        self.lsps = _kernel_lsps(instance, samples)
        self._pool_arrays = _kernel_pool(instance, pool, prices)
        self._kernel_pool, self._kernel_lsps = pack(self._pool_arrays), pack(self.lsps)
        self._kernel_clock = pack(self.clock)

    def slope_scaling(self, price: F64, order: Sequence[int], rounds: int) -> tuple[IpLayer, F64]:
        """Route everything ``rounds`` times; return the cheapest round and the last prices per Gb/s."""
        best: IpLayer | None = None
        lsps = np.array(order, dtype=np.int64)
        work = self.work(1)
        for _ in range(rounds):
            pool = pack(self._pool_arrays._replace(price=price))
            layer = self.empty_layer()
            missing = grooming.route_all(
                pool, self._kernel_lsps, self._kernel_clock, pack(layer), work, lsps, True, self.quiet
            )
            found = self.to_lists(layer)
            if missing:
                self._route_rest(found, price)
            if best is None or _rank(found) < _rank(best):
                best = found
            if self.stop():
                break
            price = self._new_price(price, layer)
        if best is None:
            raise ValueError("slope scaling needs at least one round")
        return best, price

    def regroom(self, found: IpLayer, order: Sequence[int]) -> IpLayer:
        """Empty each link, then move each LSP, keeping every gain."""
        layer = self.load(found)
        used = np.flatnonzero(layer.members)
        links = used[np.lexsort((used, layer.required[used]))]
        args = (self._kernel_pool, self._kernel_lsps, self._kernel_clock, pack(layer), self.work(MOST_MOVED))
        for link in links:
            if self.stop():
                break
            self._empty_link(int(link), layer, args)
        lsps = np.array(order, dtype=np.int64)
        for i in range(len(lsps)):
            if i % CLOCK_EVERY == 0 and self.stop():
                break
            if layer.hops[lsps[i], 0] > 0:
                grooming.move(*args, lsps[i : i + 1], 0.0, self.quiet)
        return self.to_lists(layer)

    def _empty_link(self, link: int, layer: grooming.Layer, args: KernelArgs) -> None:
        """Move all LSPs off a link, largest first, if that pays and there are not too many."""
        members = self.members(layer, link)
        if 0 < len(members) <= MOST_MOVED:
            by_size = members[np.argsort(-self.lsps.size_gbps[members], kind="stable")]
            layer.banned[link] = True
            grooming.move(*args, by_size, 0.0, self.quiet)
            layer.banned[link] = False

    def members(self, layer: grooming.Layer, link: int) -> I64:
        """LSPs on a link, on either path."""
        on_link = layer.path == link
        on_link &= np.arange(self.clock.max_hops) < layer.hops[:, :, None]
        return np.flatnonzero(on_link.any(axis=(1, 2)))

    def evaluator(self, layer: IpLayer) -> Evaluator:
        """Evaluator over bare links; loads and failures only."""
        design = Design.empty(self.instance)
        used = {key for path in (*layer.primary, *layer.backup) for key in path or ()}
        design.links = {key: self.pool.bare(key) for key in sorted(used)}
        design.primary, design.backup = list(layer.primary), list(layer.backup)
        design.rates_gbps = dict(self.rates)
        return Evaluator(self.instance, design)

    # ---- to and from the kernels' arrays

    def empty_layer(self) -> grooming.Layer:
        """Arrays of a layer without paths."""
        instance = self.instance
        return grooming.new_layer(
            len(instance.lsps),
            len(self.pool.links),
            instance.samples.shape[2],
            len(instance.state_names),
            instance.state_words,
            self.clock.max_hops,
        )

    def work(self, most: int) -> grooming.Work:
        """Buffers, packed, for moves of at most ``most`` LSPs."""
        instance = self.instance
        words = (instance.state_words, self.pool.component_words.shape[1])
        sizes = (len(instance.site_ids), len(self.pool.links), instance.samples.shape[2])
        return pack(grooming.new_work(*sizes, len(instance.state_names), words, self.clock.max_hops, most))

    def load(self, found: IpLayer) -> grooming.Layer:
        """Arrays of a layer, every link priced."""
        layer = self.empty_layer()
        for side, paths in enumerate((found.primary, found.backup)):
            for lsp, path in enumerate(paths):
                if path is not None and found.primary[lsp]:
                    layer.hops[lsp, side] = len(path)
                    layer.path[lsp, side, : len(path)] = path
        routed = np.flatnonzero(layer.hops[:, 0] > 0)
        args = (self._kernel_pool, self._kernel_lsps, self._kernel_clock, pack(layer), self.work(1))
        grooming.attach_all(*args, routed, self.quiet)
        return layer

    def to_lists(self, layer: grooming.Layer) -> IpLayer:
        """Paths and cost of a layer's arrays."""
        sides = []
        for side in range(2):
            hops, paths = layer.hops[:, side].tolist(), layer.path[:, side].tolist()
            sides.append([tuple(p[:h]) if h >= 0 else None for p, h in zip(paths, hops, strict=True)])
        return IpLayer(sides[0], sides[1], float(layer.total[0]))

    def _route_rest(self, found: IpLayer, price: F64) -> None:
        """Use the exact router, which may also give up cost for availability, where the kernel failed."""
        router = LspRouter(self.instance, self.pool)
        usable = np.where(np.isfinite(price), price, math.inf)
        for index, lsp in enumerate(self.instance.lsps):
            if found.primary[index] is None:
                paths = router.route(lsp, usable, lambda _: usable)
                if paths is not None:
                    found.primary[index], found.backup[index] = paths

    def _new_price(self, price: F64, layer: grooming.Layer) -> F64:
        usage = layer.most_spare.copy()
        for lsp in np.flatnonzero(layer.hops[:, 0] > 0):
            usage[layer.path[lsp, 0, : layer.hops[lsp, 0]]] += self.lsps.size_gbps[lsp]
        used = usage > 0
        observed = price.copy()
        observed[used] = layer.worth[used] / usage[used]
        grown = (1 - DAMPING) * price + DAMPING * observed
        return np.where(np.isfinite(grown), grown, price)


def lsp_sizes(instance: Instance, samples: F64) -> F64:
    """A deterministic size per LSP for routing, Gb/s: the mean of its busiest hour and direction."""
    starts = instance.group_start
    sums = np.add.reduceat(samples, starts[:-1], axis=2)
    sizes: F64 = (sums / np.diff(starts)).max(axis=(1, 2), initial=0.0)
    return np.maximum(sizes, 1e-9)


def _rank(layer: IpLayer) -> tuple[int, float]:
    return (sum(path is None for path in layer.primary), layer.worth)


def _kernel_lsps(instance: Instance, samples: F64) -> grooming.Lsps:
    promises = [lsp.promise for lsp in instance.lsps]
    ends = [instance.site_component(x.a) | instance.site_component(x.b) for x in instance.lsps]
    n_components = instance.n_groups + len(instance.site_ids)
    return grooming.Lsps(
        a=np.array([x.a for x in instance.lsps], dtype=np.int64),
        b=np.array([x.b for x in instance.lsps], dtype=np.int64),
        size_gbps=lsp_sizes(instance, samples),
        peak_gbps=samples.max(axis=(1, 2), initial=0.0),
        max_latency_ms=_bounds(p.max_latency_ms for p in promises),
        backup_max_latency_ms=_bounds(p.backup_max_latency_ms for p in promises),
        protection=np.array([PROTECTION[p.protection] for p in promises], dtype=np.int64),
        node_disjoint=np.array([p.node_disjoint for p in promises], dtype=np.bool_),
        min_availability=np.array([p.min_availability for p in promises], dtype=np.float64),
        end_states=words_of([instance.states_down(e) for e in ends], len(instance.state_names)),
        end_components=words_of(ends, n_components),
        samples=samples,
    )


def _bounds(values: Iterable[float | None]) -> F64:
    return np.array([math.inf if v is None else v for v in values], dtype=np.float64)


def _kernel_pool(instance: Instance, pool: LinkPool, prices: LinkPrices) -> grooming.Pool:
    n_components = instance.n_groups + len(instance.site_ids)
    return grooming.Pool(
        first_arc=pool.graph.first_arc,
        head=pool.graph.head,
        arc_link=pool.graph.arc_edge,
        tail=np.repeat(np.arange(len(instance.site_ids)), np.diff(pool.graph.first_arc)),
        link_a=pool.a,
        link_b=pool.b,
        latency_ms=pool.hop_latency_ms,
        down=pool.state_words,
        components=pool.component_words,
        table=prices.table,
        units_per_gbps=prices.units_per_gbps,
        price=prices.per_gbps,
        idle=prices.per_gbps,
        unavailability=instance.component_unavailability,
        group_mask=words_of([instance.group_mask], n_components)[0],
    )
