"""The IP layer: which candidate links to install and how LSPs use them.

Two ideas, one after the other. *Slope scaling* (Kim and Pardalos 1999; Crainic, Gendron and Hernu 2004)
prices every link per Gb/s at the fill it had in the round before, so that badly filled links become dear
and traffic gathers on few,
well-filled ones. Then *regrooming* moves single LSPs, and empties whole links, at their true stepwise
marginal cost, and keeps what lowers it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from netopt_heur.candidates import LinkPool, LinkPrices
from netopt_heur.construct.lsp_router import LspRouter
from netopt_heur.design import Design, Path
from netopt_heur.evaluator import Evaluator
from netopt_heur.instance import F64, I64, Instance

NEGLIGIBLE = (
    1e-3  # weight of a link that has room, relative to its price: prefers short paths among free ones
)
DAMPING = 0.6  # share of the new price in slope scaling

Stop = Callable[[], bool]


@dataclass
class IpLayer:
    """A routed IP layer on pool keys, with its cost at the pool's prices."""

    primary: list[Path | None]
    backup: list[Path | None]
    worth: float


def lsp_sizes(instance: Instance, samples: F64) -> F64:
    """A deterministic size per LSP for routing, Gb/s: the mean of its busiest hour and direction."""
    starts = instance.group_start
    counts = np.diff(starts)
    sums = np.add.reduceat(samples, starts[:-1], axis=2)
    sizes: F64 = (sums / counts).max(axis=(1, 2), initial=0.0)
    return np.maximum(sizes, 1e-9)


class SpareCapacity:
    """Backup traffic by link and failure state, so that a backup pays only for what is not yet spare."""

    def __init__(self, n_links: int, n_states: int) -> None:
        self._load = np.zeros((n_links, n_states))
        self._most = np.zeros(n_links)

    def extra(self, down: int, size_gbps: float) -> F64:
        """Growth of every link's reservation if an LSP came in the states ``down``; float64[n_links]."""
        states = _states(down)
        if not len(states):
            return np.zeros(len(self._most))
        worst: F64 = self._load[:, states].max(axis=1) + size_gbps
        return np.maximum(0.0, worst - self._most)

    def change(self, path: Path, down: int, size_gbps: float) -> None:
        """Reserve (or, with a negative size, release) an LSP's backup."""
        states = _states(down)
        for key in path:
            self._load[key, states] += size_gbps
            self._most[key] = self._load[key].max()

    def reserved(self) -> F64:
        """Most backup traffic on each link in any state."""
        return self._most


class IpPlanner:
    """Builds and improves the IP layer at fixed spectrum prices.

    Parameters
    ----------
    instance, pool, prices
        The problem, its candidate links and their cost tables.
    samples
        float64[n_lsp, 2, S], transfers included.
    rates
        Hourly rates of transfers.
    stop
        Asked between moves.
    """

    def __init__(
        self, instance: Instance, pool: LinkPool, prices: LinkPrices, rates: dict[int, F64], stop: Stop
    ) -> None:
        self.instance, self.pool, self.prices, self.stop = instance, pool, prices, stop
        self.router = LspRouter(instance, pool)
        self.rates = rates
        design = Design.empty(instance)
        design.rates_gbps = rates
        self.sizes = lsp_sizes(instance, Evaluator(instance, design).samples)
        self.unroutable: set[int] = set()

    # ---- slope scaling

    def slope_scaling(self, price: F64, order: Sequence[int], rounds: int) -> tuple[IpLayer, F64]:
        """Route everything ``rounds`` times; return the cheapest round and the last prices per Gb/s."""
        best: IpLayer | None = None
        for _ in range(rounds):
            layer, reserved = self._route_all(price, order)
            evaluator = self.evaluator(layer)
            required = self._required(evaluator)
            layer.worth = self._worth(required)
            if best is None or layer.worth < best.worth:
                best = layer
            if self.stop():
                break
            price = self._new_price(price, layer, reserved, required)
        if best is None:
            raise ValueError("slope scaling needs at least one round")
        return best, price

    def _route_all(self, price: F64, order: Sequence[int]) -> tuple[IpLayer, F64]:
        n_lsps = len(self.instance.lsps)
        layer = IpLayer([None] * n_lsps, [None] * n_lsps, math.inf)
        spare = SpareCapacity(len(self.pool.links), len(self.instance.state_names))
        self.unroutable.clear()
        for index in order:
            size = float(self.sizes[index])

            def backup_weight(down: int, size: float = size) -> F64:
                return price * (spare.extra(down, size) + NEGLIGIBLE * size)

            found = self.router.route(self.instance.lsps[index], price * size, backup_weight)
            if found is None:
                self.unroutable.add(index)
                continue
            layer.primary[index], layer.backup[index] = found
            if found[1] is not None:
                spare.change(found[1], self.router.down_states(found[0]), size)
        return layer, spare.reserved()

    def _new_price(self, price: F64, layer: IpLayer, reserved: F64, required: F64) -> F64:
        usage = reserved.copy()
        for index, path in enumerate(layer.primary):
            if path is not None:
                usage[list(path)] += self.sizes[index]
        used = usage > 0
        observed = price.copy()
        observed[used] = self.prices.all(required)[used] / usage[used]
        grown = (1 - DAMPING) * price + DAMPING * observed
        return np.where(np.isfinite(grown), grown, price)

    # ---- regrooming

    def regroom(self, layer: IpLayer, order: Sequence[int]) -> IpLayer:
        """One pass over all links (empty each) and one over all LSPs (move each), keeping every gain."""
        mover = _Mover(self, layer)
        keys = sorted(mover.evaluator.design.links, key=lambda k: (mover.required[k], k))
        for key in keys:
            if self.stop():
                break
            members = mover.evaluator.members(key)
            if members and len(members) <= 40:
                mover.try_reroute(members, without=key)
        for index in order:
            if self.stop():
                break
            if layer.primary[index] is not None:
                mover.try_reroute([index])
        return mover.layer()

    def evaluator(self, layer: IpLayer) -> Evaluator:
        """Evaluator over bare links; loads and failures only."""
        design = Design.empty(self.instance)
        used = {key for path in (*layer.primary, *layer.backup) for key in path or ()}
        design.links = {key: self.pool.bare(key) for key in sorted(used)}
        design.primary, design.backup = list(layer.primary), list(layer.backup)
        design.rates_gbps = dict(self.rates)
        return Evaluator(self.instance, design)

    def _required(self, evaluator: Evaluator) -> F64:
        required = np.zeros(len(self.pool.links))
        for key in evaluator.design.links:
            required[key] = evaluator.required_gbps(key)
        return required

    def _worth(self, required: F64) -> float:
        return sum(self.prices.of(int(key), float(required[key])) for key in np.flatnonzero(required))


class _Mover:
    """Tries moves on one layer; every accepted move lowers the exact cost."""

    def __init__(self, planner: IpPlanner, layer: IpLayer) -> None:
        self.planner = planner
        self.evaluator = planner.evaluator(layer)
        self.required = planner._required(self.evaluator)
        self.worth = planner._worth(self.required)
        self.spare = SpareCapacity(len(planner.pool.links), len(planner.instance.state_names))
        for index, path in enumerate(layer.backup):
            primary = layer.primary[index]
            if path is not None and primary is not None:
                self.spare.change(path, planner.router.down_states(primary), float(planner.sizes[index]))

    def layer(self) -> IpLayer:
        """The layer as it stands."""
        design = self.evaluator.design
        return IpLayer(list(design.primary), list(design.backup), self.worth)

    def try_reroute(self, members: list[int], without: int = -1) -> bool:
        """Take the LSPs out and route them again at marginal cost; undo unless the total falls."""
        design, banned = self.evaluator.design, self.planner.router.banned
        before = [(design.primary[i], design.backup[i]) for i in members]
        touched = {key for paths in before for path in paths for key in path or ()}
        for index in members:
            self._set(index, None, None)
        self._refresh(touched)
        was_banned = without >= 0 and bool(banned[without])
        if without >= 0:
            banned[without] = True
        routed = self._insert(members, touched)
        if without >= 0:
            banned[without] = was_banned
        old_worth = self.worth
        worth = self.planner._worth(self.required)
        if routed and worth < old_worth - 1e-9 * old_worth:
            self.worth = worth
            return True
        for index, (primary, backup) in zip(members, before, strict=True):
            self._set(index, primary, backup)
        self._refresh(touched)
        return False

    def _insert(self, members: list[int], touched: set[int]) -> bool:
        planner = self.planner
        for index in sorted(members, key=lambda i: (-planner.sizes[i], i)):
            size = float(planner.sizes[index])
            base = planner.prices.all(self.required)
            idle = NEGLIGIBLE * size * planner.prices.per_gbps
            weight = planner.prices.all(self.required + size) - base + idle

            def backup_weight(down: int, size: float = size, base: F64 = base, idle: F64 = idle) -> F64:
                return planner.prices.all(self.required + self.spare.extra(down, size)) - base + idle

            found = planner.router.route(
                planner.instance.lsps[index], _positive(weight), lambda d: _positive(backup_weight(d))
            )
            if found is None:
                return False
            self._set(index, *found)
            keys = {key for path in found for key in path or ()}
            touched |= keys
            self._refresh(keys)
        return True

    def _set(self, index: int, primary: Path | None, backup: Path | None) -> None:
        evaluator, router = self.evaluator, self.planner.router
        size = float(self.planner.sizes[index])
        old_primary, old_backup = evaluator.design.primary[index], evaluator.design.backup[index]
        if old_backup is not None and old_primary is not None:
            self.spare.change(old_backup, router.down_states(old_primary), -size)
        for key in (*(primary or ()), *(backup or ())):
            if key not in evaluator.design.links:
                evaluator.add_link(self.planner.pool.bare(key), key)
        evaluator.set_lsp(index, primary, backup)
        if backup is not None and primary is not None:
            self.spare.change(backup, router.down_states(primary), size)

    def _refresh(self, keys: set[int]) -> None:
        for key in keys:
            self.required[key] = self.evaluator.required_gbps(key)


def _positive(weight: F64) -> F64:
    # inf - inf where even the present load has no module: such a link is not usable
    return np.where(np.isnan(weight), math.inf, np.maximum(weight, 0.0))


def _states(bits: int) -> I64:
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return np.array(found, dtype=np.int64)
