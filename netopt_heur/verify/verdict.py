"""What the referee says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RULES = ("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule at one place.

    Parameters
    ----------
    rule
        ``R1`` to ``R11``, ``docs/model.md`` section 5.
    where
        Place in the plan file, ``links.L1.legs.0``.
    amount
        By how much, in the rule's own unit (km, slots, ms, Gb/s, ...).
    message
        What is wrong, with the numbers.
    """

    rule: str
    where: str
    amount: float
    message: str

    def __str__(self) -> str:
        return f"{self.rule} {self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Judgement of one plan.

    Parameters
    ----------
    feasible
        Whether no rule is broken.
    cost
        Total cost in cost units, the sum of ``cost_breakdown``; of an infeasible plan, of what can be priced.
    cost_breakdown
        Cost by layer: ``fiber``, ``optical``, ``ip``.
    violations
        Sorted by rule, then by place.
    latency_ms_total
        Sum over all primary paths and working legs, ms.
    max_utilisation
        Largest percentile load over capacity of any link, direction and failure state.
    """

    feasible: bool
    cost: float
    cost_breakdown: Mapping[str, float]
    violations: tuple[Violation, ...]
    latency_ms_total: float
    max_utilisation: float


class Log:
    """Collects violations."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def add(self, rule: str, where: str, amount: float, message: str) -> None:
        """Note one violation."""
        self._found.append(Violation(rule, where, float(amount), message))

    def sorted(self) -> tuple[Violation, ...]:
        """All violations by rule, then by place."""
        return tuple(sorted(self._found, key=lambda v: (RULES.index(v.rule), v.where, v.message)))
