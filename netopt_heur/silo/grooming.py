"""Grooming: which IP links LSPs use, at the prices one team knows.

The same two ideas as in the joint planner (slope scaling, then moves at the true stepwise marginal cost), so
that a silo loses nothing by a weaker method: only by what its team does not know, and by how its capacity is
counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netopt_heur.availability import Availability
from netopt_heur.design import Path
from netopt_heur.instance import F64, I64, U64, Instance, Lsp, words_of
from netopt_heur.silo.links import LinkTable, Prices
from netopt_kernels.loads import SCRATCH_ROWS, link_required
from netopt_kernels.paths import constrained_shortest_path

NEGLIGIBLE = 1e-3  # weight of a link with room, relative to its price: short paths among free ones
DAMPING = 0.6  # share of the new price in slope scaling
OVERLOAD = 1e9  # cost of a link that carries more than can be had (a wave offer has its last unit)
OVERLOAD_FACTOR = 2.0  # and what its price grows by in slope scaling
LARGEST_EMPTIED = 40  # links with more LSPs are not emptied

Bools = NDArray[np.bool_]
Stop = Callable[[], bool]
Pair = tuple[Path | None, Path | None]


@dataclass(frozen=True)
class Traffic:
    """LSP loads to size by, float64[n_lsp, 2, S], with the percentile's ranks.

    ``shared``: a backup's capacity is needed only in the states in which its primary is down; otherwise every
    backup has its own capacity, as if all LSPs were on both paths at once.
    """

    samples: F64
    group_start: I64
    rank_normal: I64
    rank_failure: I64
    shared: bool

    @property
    def sizes(self) -> F64:
        """A deterministic size per LSP for routing: the mean of its busiest hour and direction."""
        counts = np.diff(self.group_start)
        sums = np.add.reduceat(self.samples, self.group_start[:-1], axis=2)
        sizes: F64 = (sums / counts).max(axis=(1, 2), initial=0.0)
        return np.maximum(sizes, 1e-9)


def traffic_of(instance: Instance, rates: dict[int, F64], *, percentile: bool, shared: bool) -> Traffic:
    """Traffic at its percentile, or (``percentile=False``) every LSP at its peak in each direction."""
    samples = instance.samples.copy()
    for lsp, hourly in rates.items():
        samples[lsp, 0] = hourly[instance.sample_hour]
    if percentile:
        normal, failure = instance.rank_normal, instance.rank_failure
        if not shared:
            normal = np.maximum(normal, failure)
        return Traffic(samples, instance.group_start, normal, failure, shared)
    one = np.ones(1, dtype=np.int64)
    peaks = np.ascontiguousarray(samples.max(axis=2, keepdims=True, initial=0.0))
    return Traffic(peaks, np.array([0, 1], dtype=np.int64), one, one, shared)


class Router:
    """Cheapest primary and backup that keep a promise on the links of a table.

    Parameters
    ----------
    instance
        The problem.
    table
        The links; their components and states are all that is known about failures.
    """

    def __init__(self, instance: Instance, table: LinkTable) -> None:
        self.instance, self.table = instance, table
        self.availability = Availability(instance)
        self.banned: Bools = np.zeros(len(table.links), dtype=np.bool_)

    def route(self, lsp: Lsp, weight: F64, backup_weight: Callable[[int], F64]) -> Pair | None:
        """Paths as link keys, or None; ``backup_weight`` takes the states in which the primary is down."""
        if lsp.a == lsp.b:
            return (), None
        first = self._path(lsp, weight, self.banned, (), lsp.promise.max_latency_ms)
        if first is None:
            return None
        for primary in self._primaries(lsp, first, weight):
            backup, ok = self._complete(lsp, primary, backup_weight)
            if ok:
                return primary, backup
        # last resort: both paths by what fails least
        safest = self._path(lsp, self._risk, self.banned, (), lsp.promise.max_latency_ms)
        if safest is not None:
            backup, ok = self._complete(lsp, safest, lambda _: self._risk)
            if ok:
                return safest, backup
        return None

    def keeps_promise(self, lsp: Lsp, primary: Path, backup: Path | None) -> bool:
        """Whether paths keep R6, R7, R8 and R10 as far as the table knows."""
        promise = lsp.promise
        for path, bound_ms in ((primary, promise.max_latency_ms), (backup, promise.backup_max_latency_ms)):
            if path is not None and bound_ms is not None and self.latency_ms(path) > bound_ms:
                return False
        shares = backup is None or self._shared(lsp, primary) & self._union(backup)
        if promise.protection == "disjoint" and shares:
            return False
        down = self._uncovered(lsp, primary)
        if promise.protection != "none" and down & (self.down_states(backup) if backup is not None else -1):
            return False
        return self._available(primary, backup) >= promise.min_availability

    def latency_ms(self, path: Path) -> float:
        """Latency of a path."""
        return float(self.table.hop_latency_ms[list(path)].sum())

    def down_states(self, path: Path) -> int:
        """Failure states in which a path is down."""
        states = 0
        for key in path:
            states |= self.table.down_states[key]
        return states

    def _complete(
        self, lsp: Lsp, primary: Path, backup_weight: Callable[[int], F64]
    ) -> tuple[Path | None, bool]:
        promise = lsp.promise
        down = self._uncovered(lsp, primary)
        alone = self._available(primary, None) >= promise.min_availability
        if alone and (promise.protection == "none" or (promise.protection == "survivable" and not down)):
            return None, True
        table, blocked = self.table, self.banned.copy()
        if promise.protection != "none":
            blocked |= _hit(table.state_words, down, table.n_states)
        if promise.protection == "disjoint" or not alone:
            blocked |= _hit(table.component_words, self._shared(lsp, primary), table.n_components)
        inner = self._inner_sites(lsp, primary) if promise.node_disjoint else ()
        weight = backup_weight(self.down_states(primary))
        backup = self._path(lsp, weight, blocked, inner, promise.backup_max_latency_ms)
        if backup is None:
            return None, False
        return backup, alone or self._available(primary, backup) >= promise.min_availability

    def _primaries(self, lsp: Lsp, first: Path, weight: F64) -> Iterator[Path]:
        """The given path, then direct links, then detours around each of its links, then the fastest one."""
        yield first
        bound_ms = lsp.promise.max_latency_ms
        usable = ~self.banned & np.isfinite(weight)
        if bound_ms is not None:
            usable &= self.table.hop_latency_ms <= bound_ms
        direct = [key for key in self.table.direct(lsp.a, lsp.b) if usable[key] and (key,) != first]
        for key in sorted(direct, key=lambda k: (weight[k], k)):
            yield (key,)
        for key in first:
            blocked = self.banned.copy()
            blocked[key] = True
            detour = self._path(lsp, weight, blocked, (), bound_ms)
            if detour is not None:
                yield detour
        fastest = self._path(lsp, self.table.hop_latency_ms, self.banned, (), bound_ms)
        if fastest is not None:
            yield fastest

    @cached_property
    def _risk(self) -> F64:
        risk = [1.0 - self.availability.all_up([x.legs]) for x in self.table.links]
        return np.array(risk, dtype=np.float64) + 1e-9

    def _path(
        self, lsp: Lsp, weight: F64, blocked: Bools, inner: Sequence[int], bound_ms: float | None
    ) -> Path | None:
        graph = self.table.graph
        no_node = np.zeros(len(self.instance.site_ids), dtype=np.bool_)
        no_node[list(inner)] = True
        hops, edges, _, _ = constrained_shortest_path(
            graph.first_arc, graph.head, graph.arc_edge, weight, self.table.hop_latency_ms, blocked, no_node,
            lsp.a, lsp.b, math.inf if bound_ms is None else float(bound_ms),
            self.instance.scenario.policy.max_ip_hops,
        )  # fmt: skip
        return None if hops < 0 else tuple(edges[:hops].tolist())

    def _uncovered(self, lsp: Lsp, primary: Path) -> int:
        down = self.down_states(primary)
        for end in (lsp.a, lsp.b):
            down &= ~self.table.site_down_states(end)
        return down

    def _union(self, path: Path) -> int:
        union = 0
        for key in path:
            union |= self.table.components[key]
        return union

    def _shared(self, lsp: Lsp, primary: Path) -> int:
        """Components of the primary that a disjoint backup must avoid."""
        instance = self.instance
        components = self._union(primary)
        sites = ((1 << len(instance.site_ids)) - 1) << instance.n_groups
        if not lsp.promise.node_disjoint:
            return components & ~sites
        return components & ~instance.site_component(lsp.a) & ~instance.site_component(lsp.b)

    def _inner_sites(self, lsp: Lsp, path: Path) -> list[int]:
        ends = {site for key in path for site in (int(self.table.a[key]), int(self.table.b[key]))}
        return sorted(ends - {lsp.a, lsp.b})

    def _available(self, primary: Path, backup: Path | None) -> float:
        links = self.table.links
        second = None if backup is None else [links[k].legs for k in backup]
        return self.availability.service([links[k].legs for k in primary], second)


class _SpareCapacity:
    """Backup traffic by link and failure state: a shared backup pays only for what is not yet spare."""

    def __init__(self, n_links: int, n_states: int) -> None:
        self._load = np.zeros((n_links, n_states))
        self._most = np.zeros(n_links)

    def extra(self, down: int, size_gbps: float) -> F64:
        """Growth of every link's reserve for one more LSP in the states ``down``; float64[n_links]."""
        states = _states(down)
        if not len(states):
            return np.zeros(len(self._most))
        grown: F64 = np.maximum(0.0, self._load[:, states].max(axis=1) + size_gbps - self._most)
        return grown

    def change(self, path: Path, down: int, size_gbps: float) -> None:
        """Reserve (or, with a negative size, release) an LSP's backup."""
        states = _states(down)
        for key in path:
            self._load[key, states] += size_gbps
            self._most[key] = self._load[key].max()

    def reserved(self) -> F64:
        """Most backup traffic on each link in any state."""
        return self._most


class Grooming:
    """LSPs on the links of one table, with what every link must carry.

    Parameters
    ----------
    lsps
        LSPs with the promises this team minds.
    router, prices, traffic
        What routes, what it costs, how it is sized.
    stop
        Cuts improvement short.
    """

    def __init__(
        self, lsps: Sequence[Lsp], router: Router, prices: Prices, traffic: Traffic, stop: Stop
    ) -> None:
        self.lsps, self.router, self.prices, self.traffic, self.stop = lsps, router, prices, traffic, stop
        self.sizes = traffic.sizes
        table = router.table
        n_lsps, n_links = len(lsps), len(table.links)
        self._words = table.n_states // 64 + 1
        self.primary: list[Path | None] = [None] * n_lsps
        self.backup: list[Path | None] = [None] * n_lsps
        self._required = np.zeros(n_links)
        self._dirty: set[int] = set()
        self._spare = _SpareCapacity(n_links, table.n_states) if traffic.shared else None
        self._users: tuple[list[dict[int, int]], ...] = tuple([{} for _ in range(n_links)] for _ in range(2))
        self._down = tuple(np.zeros((n_lsps, self._words), dtype=np.uint64) for _ in range(2))
        self._scratch = np.empty((SCRATCH_ROWS, traffic.samples.shape[2]))

    def worth(self) -> float:
        """Cost of all links in use at this team's prices; a link beyond what can be had costs `OVERLOAD`."""
        cost = self.prices.of(self.required)
        return float(np.where(np.isfinite(cost), cost, OVERLOAD).sum())

    @property
    def required(self) -> F64:
        """What every link must carry, Gb/s; float64[n_links]."""
        for key in sorted(self._dirty):
            self._required[key] = self._link_required(key)
        self._dirty.clear()
        return self._required

    def members(self, key: int) -> list[int]:
        """LSPs on a link, in order."""
        return sorted({*self._users[0][key], *self._users[1][key]})

    def links_in_use(self) -> list[int]:
        """Keys of the links that any LSP uses."""
        return sorted({key for path in (*self.primary, *self.backup) for key in path or ()})

    def set(self, index: int, primary: Path | None, backup: Path | None) -> None:
        """Put one LSP on its paths."""
        router, lsp = self.router, self.lsps[index]
        self._reserve(index, -1.0)
        for users, paths, new in zip(
            self._users, (self.primary, self.backup), (primary, backup), strict=True
        ):
            for key in paths[index] or ():
                users[key].pop(index, None)
                self._dirty.add(key)
            here = lsp.a
            for key in new or ():
                forward = int(router.table.a[key]) == here
                here = int(router.table.b[key] if forward else router.table.a[key])
                users[key][index] = 0 if forward else 1
                self._dirty.add(key)
            paths[index] = new
        self._down[0][index] = self._bits(primary, primary is None)
        self._down[1][index] = self._bits(backup, backup is None)
        self._reserve(index, 1.0)

    def slope_scaling(self, order: Sequence[int], rounds: int) -> None:
        """Route everything ``rounds`` times at prices learnt from the fill; keep the cheapest round."""
        price = self.prices.per_gbps.copy()
        best: tuple[float, list[Path | None], list[Path | None]] | None = None
        for _ in range(rounds):
            if best is not None and self.stop():
                break
            self._route_all(price, order)
            candidate = (self.worth(), list(self.primary), list(self.backup))
            if best is None or candidate[0] < best[0]:
                best = candidate
            price = self._new_price(price)
        if best is not None:
            for index in order:
                self.set(index, best[1][index], best[2][index])

    def regroom(self, order: Sequence[int], passes: int) -> None:
        """Empty links and move LSPs, keeping every gain."""
        for _ in range(passes):
            before = self.worth()
            movable = set(order)
            for key in sorted(self.links_in_use(), key=lambda k: (self.required[k], k)):
                if self.stop():
                    return
                members = self.members(key)
                if 0 < len(members) <= LARGEST_EMPTIED and movable.issuperset(members):
                    self.try_reroute(members, without=key)
            for index in order:
                if self.stop():
                    return
                if self.primary[index] is not None:
                    self.try_reroute([index])
            if self.worth() >= before * (1 - 1e-9):
                break

    def try_reroute(self, members: Sequence[int], without: int = -1) -> bool:
        """Route some LSPs again, at marginal cost and off one link; undo it unless the total falls."""
        before = [(self.primary[i], self.backup[i]) for i in members]
        old_worth = self.worth()
        for index in members:
            self.set(index, None, None)
        banned = self.router.banned
        was_banned = without >= 0 and bool(banned[without])
        if without >= 0:
            banned[without] = True
        routed = all(self.insert(i) for i in sorted(members, key=lambda i: (-self.sizes[i], i)))
        if without >= 0:
            banned[without] = was_banned
        if routed and self.worth() < old_worth - 1e-9 * old_worth:
            return True
        for index, (primary, backup) in zip(members, before, strict=True):
            self.set(index, primary, backup)
        return False

    def insert(self, index: int) -> bool:
        """Route one LSP at the marginal cost of the links as they are loaded now."""
        size, prices = float(self.sizes[index]), self.prices
        base = prices.of(self.required)
        idle = NEGLIGIBLE * size * prices.per_gbps
        weight = _growth(prices.of(self.required + size), base) + idle

        def backup_weight(down: int) -> F64:
            if self._spare is None:
                return weight
            return _growth(prices.of(self.required + self._spare.extra(down, size)), base) + idle

        found = self._find(index, weight, backup_weight)
        if found is None:
            return False
        self.set(index, *found)
        return True

    def _find(self, index: int, weight: F64, backup_weight: Callable[[int], F64]) -> Pair | None:
        lsp = self.lsps[index]
        found = self.router.route(lsp, weight, backup_weight)
        if found is None and lsp.promise.node_disjoint and self.router.table.on_paper:
            # the IP team's own wish: better disjoint links alone than no backup
            relaxed = replace(lsp, promise=replace(lsp.promise, node_disjoint=False))
            found = self.router.route(relaxed, weight, backup_weight)
        return found

    def _route_all(self, price: F64, order: Sequence[int]) -> None:
        for index in order:
            self.set(index, None, None)
        for index in order:
            size = float(self.sizes[index])

            def backup_weight(down: int, size: float = size) -> F64:
                if self._spare is None:
                    return price * size
                return price * (self._spare.extra(down, size) + NEGLIGIBLE * size)

            found = self._find(index, price * size, backup_weight)
            if found is not None:
                self.set(index, *found)

    def _new_price(self, price: F64) -> F64:
        usage = np.zeros(len(price)) if self._spare is None else self._spare.reserved().copy()
        paths = (self.primary, self.backup) if self._spare is None else (self.primary,)
        for routes in paths:
            for index, path in enumerate(routes):
                if path is not None:
                    usage[list(path)] += self.sizes[index]
        used = usage > 0
        observed = price.copy()
        observed[used] = self.prices.of(self.required)[used] / usage[used]
        grown = (1 - DAMPING) * price + DAMPING * observed
        return np.where(np.isfinite(grown), grown, price * OVERLOAD_FACTOR)

    def _reserve(self, index: int, sign: float) -> None:
        primary, backup = self.primary[index], self.backup[index]
        if self._spare is not None and primary is not None and backup is not None:
            self._spare.change(backup, self.router.down_states(primary), sign * float(self.sizes[index]))

    def _bits(self, path: Path | None, all_down: bool) -> U64:
        if all_down:
            return np.full(self._words, np.uint64(2**64 - 1))
        words: U64 = words_of([self.router.down_states(path or ())], self.router.table.n_states)[0]
        return words

    def _link_required(self, key: int) -> float:
        traffic = self.traffic
        users = [_arrays(users[key]) for users in self._users]
        n_states = self.router.table.n_states
        down_primary, down_backup = self._down
        if not traffic.shared:
            # every backup in its own capacity: as if all paths carried their LSP in state 0
            users = [_arrays({**self._users[0][key], **self._users[1][key]}), _arrays({})]
            n_states = 1
        required, _, _ = link_required(
            traffic.samples, *users[0], *users[1], down_primary, down_backup, n_states,
            traffic.group_start, traffic.rank_normal, traffic.rank_failure, self._scratch,
        )  # fmt: skip
        return required


def _arrays(users: dict[int, int]) -> tuple[I64, I64]:
    lsps = sorted(users)
    return np.array(lsps, dtype=np.int64), np.array([users[i] for i in lsps], dtype=np.int64)


def _hit(words: U64, bits: int, size: int) -> Bools:
    mask = words_of([bits & ((1 << size) - 1)], size)[0]
    hit: Bools = np.zeros(words.shape[0], dtype=np.bool_)
    for column in np.flatnonzero(mask):
        hit |= (words[:, column] & mask[column]) != 0
    return hit


def _states(bits: int) -> I64:
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return np.array(found, dtype=np.int64)


def _growth(after: F64, before: F64) -> F64:
    """Cost added; inf where not even the present load has a module."""
    fits = np.isfinite(after)
    return np.where(fits, np.maximum(np.where(fits, after, 0.0) - np.where(fits, before, 0.0), 0.0), math.inf)
