"""Text tables of results, verdicts and scenario summaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netopt_heur.solve import Front, Result
    from netopt_heur.verify import Verdict

__all__ = ["description_table", "front_table", "result_table", "verdict_table"]

MINUTES_PER_YEAR = 525_600

# More lines than this hide the first screen; --json prints all of them.
MAX_LINES = 20

Row = tuple[str, str]


def result_table(result: Result, plan_path: Path | None) -> str:
    """Compact text of a planning result.

    Parameters
    ----------
    result
        What the planner returned.
    plan_path
        Where the plan was written, ``None`` if there is none.

    Returns
    -------
    str
        Status, cost by layer, lower bound, counts, timings, then broken rules and blocked demands.
    """
    rows: list[Row] = [("status", "no plan" if result.plan is None else result.status)]
    if result.plan is not None:
        rows += _cost_rows(result.cost, result.cost_breakdown)
    if result.lower_bound is not None:
        rows.append(("lower bound", f"{result.lower_bound:,.2f}"))
    if result.gap is not None:
        rows.append(("gap", f"{result.gap:.2%}"))
    rows += [(_label(key), format_number(value)) for key, value in result.stats.items()]
    if result.first_feasible_s is not None:
        rows.append(("first feasible", f"{result.first_feasible_s:.2f} s"))
    rows.append(("runtime", f"{result.runtime_s:.2f} s"))
    rows.append(("generations", f"{result.generations} (stopped by {_label(result.stopped_by)})"))
    if plan_path is not None:
        rows.append(("plan", str(plan_path)))
    parts = [format_rows(rows)]
    parts += _section("broken rules", (_violation_line(each) for each in result.violations))
    parts += _section("blocked demands", (_blocked_line(each) for each in result.blocked))
    return "\n".join(parts)


def front_table(front: Front) -> str:
    """Compact text of a front: per plan its file and values; downtime is the mean over all traffic."""
    plans = f"{len(front.plans)} plan{'s' if len(front.plans) != 1 else ''}"
    lines = [f"front of {', '.join(front.objectives)} ({plans})"]
    lines.append(f"  {'plan':<14}{'cost':>14}{'latency ms':>14}{'availability':>14}{'downtime min/year':>20}")
    for row, plan in zip(front.index(), front.plans, strict=True):
        downtime = (1.0 - plan.availability) * MINUTES_PER_YEAR
        lines.append(
            f"  {row['plan']:<14}{plan.cost:>14,.2f}{plan.latency_ms:>14,.2f}"
            f"{plan.availability:>14.7f}{downtime:>20,.1f}"
        )
    return "\n".join(lines)


def verdict_table(verdict: Verdict) -> str:
    """Compact text of the referee's verdict: feasibility, cost by layer, broken rules."""
    rows: list[Row] = [("feasible", "yes" if verdict.feasible else "no")]
    rows += _cost_rows(verdict.cost, verdict.cost_breakdown)
    lines = (f"{each.rule}  {each.where}: {each.message}" for each in verdict.violations)
    return "\n".join([format_rows(rows), *_section("broken rules", lines)])


def description_table(summary: Mapping[str, object]) -> str:
    """Compact text of a scenario summary: one row per key, one indented block per nested mapping."""
    return format_rows(_flatten(summary, 0))


def format_rows(rows: Iterable[Row]) -> str:
    """Align (label, text) rows in two columns.

    Examples
    --------
    >>> print(format_rows([("cost", "12"), ("  fiber", "7")]))
    cost     12
      fiber  7
    """
    rows = list(rows)
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(f"{label:<{width}}  {text}".rstrip() for label, text in rows)


def format_number(value: object) -> str:
    """Text of a number: thousands separated; whole, or two decimals from 100 on, four digits below."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value.is_integer():
            return f"{value:,.0f}"
        return f"{value:,.2f}" if abs(value) >= 100.0 else f"{value:.4g}"
    return str(value)


def _cost_rows(cost: float, breakdown: Mapping[str, float]) -> list[Row]:
    width = len(f"{cost:,.2f}")
    rows = [("cost", f"{cost:,.2f}")]
    for layer, part in breakdown.items():
        share = f"  {part / cost:4.0%}" if cost > 0 else ""
        rows.append((f"  {_label(layer)}", f"{part:>{width},.2f}{share}"))
    return rows


def _flatten(summary: Mapping[str, object], depth: int) -> list[Row]:
    rows: list[Row] = []
    for key, value in summary.items():
        label = "  " * depth + _label(key)
        if isinstance(value, Mapping):
            rows += [(label, ""), *_flatten(value, depth + 1)]
        elif isinstance(value, list | tuple):
            rows.append((label, ", ".join(format_number(each) for each in value)))
        elif value is not None:
            rows.append((label, format_number(value)))
    return rows


def _section(title: str, lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    if not lines:
        return []
    shown = [f"  {line}" for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        shown.append(f"  ... and {len(lines) - MAX_LINES} more (--json prints all)")
    return ["", f"{title} ({len(lines)})", *shown]


def _violation_line(violation: Mapping[str, object]) -> str:
    return f"{violation['rule']}  {violation['where']}: {violation['message']}"


def _blocked_line(blocked: Mapping[str, object]) -> str:
    relaxation = blocked.get("relaxation")
    cure = f"; cheapest relaxation: {relaxation}" if relaxation else ""
    return f"{blocked.get('rule')}  {blocked.get('demand')}: {blocked.get('reason')}{cure}"


def _label(key: str) -> str:
    return key.replace("_", " ")
