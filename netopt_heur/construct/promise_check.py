"""Whether paths of an LSP keep what it was promised."""

from __future__ import annotations

from functools import reduce
from operator import or_

from netopt_heur.availability import Availability
from netopt_heur.candidates import LinkPool
from netopt_heur.design import Path
from netopt_heur.evaluator import ABSOLUTE, AVAILABILITY, shared_components
from netopt_heur.instance import Instance, Lsp


class PromiseCheck:
    """Whether paths over a pool's links keep an LSP's promise (R6, R7, R8, R10)."""

    def __init__(self, instance: Instance, pool: LinkPool) -> None:
        self._instance, self._pool = instance, pool
        self._availability = Availability(instance)

    def __call__(self, lsp: Lsp, primary: Path, backup: Path | None) -> bool:
        """Judge one LSP."""
        instance, pool, promise = self._instance, self._pool, lsp.promise
        if not self._is_fast(primary, promise.max_latency_ms):
            return False
        if not self._is_fast(backup, promise.backup_max_latency_ms):
            return False
        legs = [[pool.legs[key] for key in path] for path in (primary, backup) if path is not None]
        if promise.protection != "none":
            down = -1
            for path in (primary, backup):
                if path is not None:
                    down &= reduce(or_, (pool.down_states[key] for key in path), 0)
            for end in (lsp.a, lsp.b):
                down &= ~instance.states_down(instance.site_component(end))
            if down:
                return False
        if promise.protection == "disjoint":
            ends = (lsp.a, lsp.b)
            if len(legs) < 2 or shared_components(instance, legs[0], legs[1], ends, promise.node_disjoint):
                return False
        if promise.min_availability <= 0.0:
            return True
        available = self._availability.service(legs[0], legs[1] if len(legs) == 2 else None)
        return available >= promise.min_availability - AVAILABILITY

    def _is_fast(self, path: Path | None, bound_ms: float | None) -> bool:
        if path is None or bound_ms is None:
            return True
        return float(self._pool.hop_latency_ms[list(path)].sum()) <= bound_ms + ABSOLUTE
