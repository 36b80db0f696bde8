"""Debug mode: every single move of the IP layer's local search against a recomputation from its paths.

With ``NETOPT_HEUR_CHECK=1`` in the environment, moves run one at a time. After each the cost of every link
and the total must be those of the same paths, loaded into a new :class:`Evaluator` and priced again, and a
move that was undone must have left paths and total as they were.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from netopt_heur.instance import I64
from netopt_kernels import grooming
from netopt_kernels.grooming_state import Clock, Layer, Lsps, Pool, Work

if TYPE_CHECKING:
    from netopt_heur.construct.ip_layer import IpPlanner

VARIABLE = "NETOPT_HEUR_CHECK"
TOLERANCE = 1e-9  # relative, and absolute near zero
_GRACE = 1e-9  # units of capacity that rounding may exceed


class Moves(Protocol):
    """What changes a layer: the kernels of ``netopt_kernels.grooming``, or the same with checks."""

    def move(
        self,
        pool: Pool,
        lsps: Lsps,
        clock: Clock,
        layer: Layer,
        work: Work,
        moved: I64,
        slack: float,
        quiet: bool,
    ) -> bool:
        """Route LSPs again."""

    def anneal(
        self,
        pool: Pool,
        lsps: Lsps,
        clock: Clock,
        layer: Layer,
        work: Work,
        random: np.random.Generator,
        steps: int,
        most: int,
        temperatures: tuple[float, float],
        quiet: bool,
    ) -> int:
        """Ruin and recreate."""

    def route_all(
        self, pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, order: I64, quiet: bool
    ) -> int:
        """Route LSPs without paths."""


def moves_on(planner: IpPlanner, layer: Layer) -> Moves:
    """Choose the kernels themselves, or in debug mode checked ones; ``layer`` are the arrays they change."""
    return CheckedMoves(planner, layer) if os.environ.get(VARIABLE) == "1" else grooming


class CheckedMoves:
    """The kernels, one move at a time, with a check after each. The same moves give the same layer.

    Parameters
    ----------
    planner
        The problem.
    layer
        The arrays behind the packed layer that the kernels are given.
    """

    def __init__(self, planner: IpPlanner, layer: Layer) -> None:
        self.planner, self.layer = planner, layer

    def move(
        self,
        pool: Pool,
        lsps: Lsps,
        clock: Clock,
        layer: Layer,
        work: Work,
        moved: I64,
        slack: float,
        quiet: bool,
    ) -> bool:
        """As :func:`grooming.move`."""
        args = (pool, lsps, clock, layer, work)
        return bool(self._checked(partial(grooming.move, *args, moved, slack, quiet)))

    def anneal(
        self,
        pool: Pool,
        lsps: Lsps,
        clock: Clock,
        layer: Layer,
        work: Work,
        random: np.random.Generator,
        steps: int,
        most: int,
        temperatures: tuple[float, float],
        quiet: bool,
    ) -> int:
        """As :func:`grooming.anneal`, whose temperature depends on the step alone."""
        args, accepted = (pool, lsps, clock, layer, work), 0
        for step in range(steps):
            hot = temperatures[0] + (temperatures[1] - temperatures[0]) * step / steps
            accepted += self._checked(partial(grooming.anneal, *args, random, 1, most, (hot, hot), quiet))
        return accepted

    def route_all(
        self, pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, order: I64, quiet: bool
    ) -> int:
        """As :func:`grooming.route_all`, whose costs are exact at its end."""
        missing = grooming.route_all(pool, lsps, clock, layer, work, order, quiet)
        check_layer(self.planner, self.layer)
        return missing

    def _checked(self, move: Callable[[], int]) -> int:
        """Make one move, which returns whether it changed the layer, and check the outcome."""
        before = self.planner.layer_of(self.layer)
        changed = move()
        if not changed:
            after = self.planner.layer_of(self.layer)
            if (after.primary, after.backup) != (before.primary, before.backup):
                raise AssertionError("internal error: a move that was undone left other paths")
            if after.worth != before.worth:
                raise AssertionError(
                    f"internal error: total after an undone move is {after.worth!r}, before {before.worth!r}"
                )
        check_layer(self.planner, self.layer)
        return changed


def check_layer(planner: IpPlanner, layer: Layer) -> None:
    """Compare every link's cost and load, and the total, with those recomputed from the paths alone.

    Raises
    ------
    AssertionError
        They differ: a defect of the kernels. Names the link, what the layer says and what is right.
    """
    paths = planner.layer_of(layer)
    evaluator, total = planner.evaluator(paths), 0.0
    used = paths.links()
    for key in range(len(planner.pool.links)):
        exact = evaluator.required_gbps(key) if key in used else 0.0
        required, room = float(layer.required[key]), max(0.0, float(layer.room[key]))
        worth = price(planner, key, exact, int(key in used))
        _same(f"cost of link {key}", float(layer.worth[key]), worth)
        # a load may be known to a share of the link's room only, in which its cost does not change
        slip = TOLERANCE * max(1.0, exact)
        if not required - slip <= exact <= required + room + slip:
            raise AssertionError(
                f"internal error: load of link {key} is {required!r} with room for {room!r}, "
                f"recomputed {exact!r}"
            )
        total += worth
    _same("total", paths.worth, total)


def price(planner: IpPlanner, key: int, load_gbps: float, least: int) -> float:
    """Price a load of ``least`` units or more by the cost table; beyond its end in proportion to the last."""
    row = planner.prices.table[key]
    units, last = max(least, math.ceil(load_gbps * planner.prices.units_per_gbps - _GRACE)), len(row) - 1
    return float(row[units]) if units <= last else float(row[last]) * units / last


def _same(what: str, found: float, exact: float) -> None:
    if not math.isclose(found, exact, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise AssertionError(f"internal error: {what} is {found!r}, recomputed {exact!r}")
