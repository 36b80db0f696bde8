"""Result of a planning run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from netopt_heur.plan import Plan


@dataclass(frozen=True)
class Result:
    """The best plan, and how it was found.

    Attributes
    ----------
    plan
        The best plan found; None if there is none.
    status
        ``feasible`` if the referee found no broken rule, ``infeasible`` if it did, ``none`` without a plan.
    cost, cost_breakdown
        Cost units, as computed by the referee; by layer ``fiber``, ``optical``, ``ip``.
    violations
        The referee's findings.
    blocked
        For each demand that could not be served: the rule in the way and the cheapest relaxation known.
    runtime_s, first_feasible_s
        Wall-clock seconds from the call; ``first_feasible_s`` is when the first plan had passed the referee.
    generations
        Generations done.
    stopped_by
        ``generations``, ``time_limit``, ``interrupted``.
    stats
        Counts that describe the plan.
    history
        Per plan that competed: ``generation``, ``cost``, and ``best``, ``mean``, ``worst`` of the population.
    """

    plan: Plan | None
    status: Literal["feasible", "infeasible", "none"]
    cost: float
    cost_breakdown: Mapping[str, float]
    violations: list[dict[str, Any]]
    blocked: list[dict[str, Any]]
    runtime_s: float
    first_feasible_s: float | None
    generations: int
    stopped_by: str
    stats: Mapping[str, int | float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
