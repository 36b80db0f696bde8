"""Results of planning runs: one plan, or a front of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from netopt_heur.errors import UsageError
from netopt_heur.files import save_text
from netopt_heur.plan import Plan

OBJECTIVES = ("cost", "latency", "availability")
FRONT_FORMAT = "netopt-heur-front"
FRONT_VERSION = 1


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
        ``generations``, ``time_limit``, ``optimal``, ``target_cost``, ``interrupted``.
    lower_bound
        Cost units that no plan of the scenario can be below; None if none was asked for or found in time.
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
    lower_bound: float | None = None

    @property
    def gap(self) -> float | None:
        """Part of the cost by which a cheaper plan might still save, ``(cost - lower_bound) / cost``.

        None without a feasible plan or a bound. Below zero it reveals a defect of the bound or the referee.
        """
        if self.status != "feasible" or self.lower_bound is None:
            return None
        saved = self.cost - self.lower_bound
        return saved / self.cost if self.cost > 0.0 else saved


def check_objectives(names: Sequence[str]) -> tuple[str, ...]:
    """The objectives of a front, in their usual order.

    Raises
    ------
    UsageError
        One is unknown or named twice, or there are fewer than two.

    Examples
    --------
    >>> check_objectives(["latency", "cost"])
    ('cost', 'latency')
    """
    choice = f"choose two or three of {', '.join(OBJECTIVES)}"
    for name in names:
        if name not in OBJECTIVES:
            raise UsageError(f"unknown objective {name!r}: {choice}")
        if list(names).count(name) > 1:
            raise UsageError(f"objective {name!r} is named twice: {choice}")
    if len(names) < 2:
        raise UsageError(f"one objective makes no front: {choice}")
    return tuple(name for name in OBJECTIVES if name in names)


@dataclass(frozen=True)
class FrontPlan:
    """A plan of a front, with the referee's numbers.

    Attributes
    ----------
    cost, latency_ms
        Cost units, and the total latency of all primary paths.
    availability
        Of the traffic, ``docs/model.md`` section 5.
    """

    plan: Plan
    cost: float
    latency_ms: float
    availability: float


@dataclass(frozen=True)
class Front:
    """Plans of which none is better than another in every objective.

    Attributes
    ----------
    objectives
        In which the plans were compared.
    plans
        The cheapest first; all of them keep every rule.
    cheapest
        The first of them, and how the run went; without any, what the ordinary run made.
    """

    objectives: tuple[str, ...]
    plans: tuple[FrontPlan, ...]
    cheapest: Result

    def index(self) -> list[dict[str, str | float]]:
        """Per plan its file, relative to the run's folder, and its values."""
        return [
            {
                "plan": f"front/{number:02}.json",
                "cost": each.cost,
                "latency_ms": each.latency_ms,
                "availability": each.availability,
            }
            for number, each in enumerate(self.plans, start=1)
        ]

    def save(self, out_dir: Path) -> None:
        """Write the plans and then their index, ``front.json``; remove plans of an earlier front."""
        (out_dir / "front.json").unlink(missing_ok=True)
        files = self.index()
        named = {out_dir / str(row["plan"]) for row in files}
        for old in set((out_dir / "front").glob("[0-9][0-9].json")) - named:
            old.unlink()
        for row, each in zip(files, self.plans, strict=True):
            each.plan.save(out_dir / str(row["plan"]))
        document = {
            "format": FRONT_FORMAT,
            "version": FRONT_VERSION,
            "objectives": list(self.objectives),
            "plans": files,
        }
        save_text(out_dir / "front.json", json.dumps(document, indent=1, sort_keys=True) + "\n")
