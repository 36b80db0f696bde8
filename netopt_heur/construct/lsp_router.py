"""Routes one LSP at a time over the candidate IP links: a primary, and a backup where promised."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from netopt_heur.availability import Availability
from netopt_heur.candidates import LinkPool
from netopt_heur.design import Path
from netopt_heur.instance import F64, Instance, Lsp, words_of
from netopt_kernels.paths import constrained_shortest_path

Blocked = NDArray[np.bool_]
BackupWeight = Callable[[int], F64]  # down states of the primary -> weight per link


class LspRouter:
    """Finds paths for LSPs under latency, disjointness, survivability and availability.

    Parameters
    ----------
    instance
        The problem.
    pool
        Candidate links.
    max_hops
        Bound on IP hops; the policy's by default.
    """

    def __init__(self, instance: Instance, pool: LinkPool, max_hops: int | None = None) -> None:
        self.instance, self.pool = instance, pool
        self.availability = Availability(instance)
        self.banned: Blocked = np.zeros(len(pool.links), dtype=np.bool_)
        self._no_node = np.zeros(len(instance.site_ids), dtype=np.bool_)
        self._max_hops = instance.scenario.policy.max_ip_hops if max_hops is None else max_hops

    def route(self, lsp: Lsp, weight: F64, backup_weight: BackupWeight) -> tuple[Path, Path | None] | None:
        """Cheapest primary, then cheapest backup; other primaries if the first one leaves no backup.

        Parameters
        ----------
        lsp
            What to route.
        weight
            float64[n_links] for the primary; inf = not usable.
        backup_weight
            Weights for the backup, given the states in which the primary is down.

        Returns
        -------
        tuple or None
            Paths as link keys; None if no pair was found.
        """
        if lsp.a == lsp.b:
            return (), None
        first = self._path(lsp, weight, self.banned, lsp.promise.max_latency_ms)
        if first is None:
            return None
        for primary in self._primaries(lsp, first, weight):
            backup, ok = self._complete(lsp, primary, backup_weight)
            if ok:
                return primary, backup
        return self._safest(lsp, backup_weight)

    def _complete(self, lsp: Lsp, primary: Path, backup_weight: BackupWeight) -> tuple[Path | None, bool]:
        down = self._uncovered(lsp, primary)
        alone = self.availability_of(primary, None) >= lsp.promise.min_availability
        if alone and (
            lsp.promise.protection == "none" or (lsp.promise.protection == "survivable" and not down)
        ):
            return None, True
        blocked = self._backup_blocked(lsp, primary, down, alone)
        weight = backup_weight(self.down_states(primary))
        backup = self._path(lsp, weight, blocked, lsp.promise.backup_max_latency_ms)
        if backup is None:
            return None, False
        return backup, alone or self.availability_of(primary, backup) >= lsp.promise.min_availability

    def _primaries(self, lsp: Lsp, first: Path, weight: F64) -> Iterator[Path]:
        """The given path, then direct links, then detours around each of its links."""
        yield first
        bound_ms = lsp.promise.max_latency_ms
        direct = [
            k
            for k in self.pool.direct(lsp.a, lsp.b)
            if (bound_ms is None or self.pool.hop_latency_ms[k] <= bound_ms)
            and not self.banned[k]
            and math.isfinite(weight[k])
        ]
        for key in sorted(direct, key=lambda k: (weight[k], k)):
            if (key,) != first:
                yield (key,)
        for key in first:
            blocked = self.banned.copy()
            blocked[key] = True
            detour = self._path(lsp, weight, blocked, bound_ms)
            if detour is not None:
                yield detour

    def _safest(self, lsp: Lsp, backup_weight: BackupWeight) -> tuple[Path, Path | None] | None:
        """Last resort: route by unavailability instead of cost."""
        risk = self._risk
        primary = self._path(lsp, risk, self.banned, lsp.promise.max_latency_ms)
        if primary is None:
            return None
        for weigh in (backup_weight, lambda _: risk):
            backup, ok = self._complete(lsp, primary, weigh)
            if ok:
                return primary, backup
        return None

    @property
    def _risk(self) -> F64:
        failing = -np.log1p(-np.minimum(self.instance.component_unavailability, 0.999999))
        risk = np.zeros(len(self.pool.links))
        for key, components in enumerate(self.pool.components):
            left = components
            while left:
                low = left & -left
                risk[key] += failing[low.bit_length() - 1]
                left ^= low
        return risk + 1e-12

    def _path(self, lsp: Lsp, weight: F64, blocked: Blocked, bound_ms: float | None) -> Path | None:
        graph = self.pool.graph
        hops, edges, _, _ = constrained_shortest_path(
            graph.first_arc,
            graph.head,
            graph.arc_edge,
            weight,
            self.pool.hop_latency_ms,
            blocked,
            self._no_node,
            lsp.a,
            lsp.b,
            math.inf if bound_ms is None else float(bound_ms),
            self._max_hops,
        )
        return None if hops < 0 else tuple(edges[:hops].tolist())

    def down_states(self, path: Path) -> int:
        """Failure states in which an IP path is down."""
        states = 0
        for key in path:
            states |= self.pool.down_states[key]
        return states

    def availability_of(self, primary: Path, backup: Path | None) -> float:
        """Exact availability of a service on these paths."""
        legs = self.pool.legs
        second = None if backup is None else [legs[k] for k in backup]
        return self.availability.service([legs[k] for k in primary], second)

    def _uncovered(self, lsp: Lsp, primary: Path) -> int:
        """States in which the primary is down although both ends are up."""
        down = self.down_states(primary)
        for end in (lsp.a, lsp.b):
            down &= ~self.instance.states_down(self.instance.site_component(end))
        return down

    def _backup_blocked(self, lsp: Lsp, primary: Path, down: int, alone: bool) -> Blocked:
        """Links a backup must not use.

        ``survivable`` only forbids links that are down together with the primary; ``disjoint``, and a
        backup bought for availability alone, avoid every shared group.
        """
        instance, pool = self.instance, self.pool
        blocked = self.banned.copy()
        if lsp.promise.protection != "none":
            blocked |= _hit(pool.state_words, down, len(instance.state_names))
        if lsp.promise.protection == "disjoint" or not alone:
            components = 0
            for key in primary:
                components |= pool.components[key]
            if lsp.promise.node_disjoint:
                ends = instance.site_component(lsp.a) | instance.site_component(lsp.b)
                components &= ~ends
            else:
                components &= instance.group_mask
            blocked |= _hit(pool.component_words, components, instance.n_groups + len(instance.site_ids))
        return blocked


def _hit(words: NDArray[np.uint64], bits: int, size: int) -> Blocked:
    mask = words_of([bits], size)[0]
    hit: Blocked = np.zeros(words.shape[0], dtype=np.bool_)
    for column in np.flatnonzero(mask):
        hit |= (words[:, column] & mask[column]) != 0
    return hit
