"""The exact model: proven optima, warm starts, and brute force to check both. See ``docs/exact.md``.

Importing this package is cheap: HiGHS and numba are loaded by the first call.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netopt_heur.exact.limits import ExactLimits, ExactResult, Strengthening

if TYPE_CHECKING:
    from netopt_heur.plan import Plan
    from netopt_heur.scenario.scenario import Scenario

__all__ = [
    "ExactLimits",
    "ExactResult",
    "Strengthening",
    "export_model",
    "import_solution",
    "run_exact",
    "run_export_model",
    "run_import_solution",
    "solve_exact",
]


def solve_exact(
    scenario: Scenario,
    *,
    time_limit_s: float | None = None,
    warm_start: Plan | None = None,
    limits: ExactLimits | None = None,
) -> ExactResult:
    """Find and prove the cheapest plan; see :func:`netopt_heur.exact.solver.solve_exact`."""
    from netopt_heur.exact import solver

    return solver.solve_exact(scenario, time_limit_s=time_limit_s, warm_start=warm_start, limits=limits)


def export_model(
    scenario: Scenario, plan: Plan, out_dir: str | os.PathLike[str], *, limits: ExactLimits | None = None
) -> dict[str, Any]:
    """Write model and start; see :func:`netopt_heur.exact.warm_start.export_model`."""
    from netopt_heur.exact import warm_start

    return warm_start.export_model(scenario, plan, Path(out_dir), limits=limits)


def import_solution(
    scenario: Scenario, solution_file: str | os.PathLike[str], model_dir: str | os.PathLike[str] | None = None
) -> Plan:
    """Read a solution back; see :func:`netopt_heur.exact.warm_start.import_solution`."""
    from netopt_heur.exact import warm_start

    return warm_start.import_solution(
        scenario, Path(solution_file), None if model_dir is None else Path(model_dir)
    )


def run_exact(
    scenario_path: str | os.PathLike[str],
    *,
    time_limit_s: float | None = None,
    warm_start_path: str | os.PathLike[str] | None = None,
    out_dir: str | os.PathLike[str] | None = None,
    limits: ExactLimits | None = None,
) -> dict[str, Any]:
    """Solve a scenario file exactly; the work behind ``netopt-heur exact``.

    Parameters
    ----------
    scenario_path, warm_start_path
        Scenario and, perhaps, a plan to start from.
    time_limit_s
        Wall-clock limit.
    out_dir
        Where ``plan.json`` goes, if there is a plan.
    limits
        Bounds of the candidate set.

    Returns
    -------
    dict
        JSON-able: status, cost, bound, gap (null where there is none), complete, runtime_s, plan (path or
        null), limits, and the rest of :class:`ExactResult`.

    Raises
    ------
    netopt_heur.errors.InputError
        If a file cannot be read.
    """
    from netopt_heur.plan import Plan
    from netopt_heur.scenario import load_scenario

    limits = limits or ExactLimits()
    scenario = load_scenario(scenario_path)
    start = None if warm_start_path is None else Plan.load(Path(warm_start_path))
    result = solve_exact(scenario, time_limit_s=time_limit_s, warm_start=start, limits=limits)
    plan_path = None
    if result.plan is not None and out_dir is not None:
        plan_path = str(Path(out_dir) / "plan.json")
        result.plan.save(Path(plan_path))
    answer = {key: _finite(value) for key, value in asdict(result).items() if key != "plan"}
    return answer | {"scenario": scenario.name, "plan": plan_path, "limits": asdict(limits)}


def run_export_model(
    scenario_path: str | os.PathLike[str],
    plan_path: str | os.PathLike[str],
    out_dir: str | os.PathLike[str],
) -> dict[str, Any]:
    """Export model and start; the work behind ``netopt-heur export-model``.

    Returns
    -------
    dict
        JSON-able content of ``model.json`` and the folder.

    Raises
    ------
    netopt_heur.errors.InputError
        If a file cannot be read.
    """
    from netopt_heur.plan import Plan
    from netopt_heur.scenario import load_scenario

    about = export_model(load_scenario(scenario_path), Plan.load(Path(plan_path)), out_dir)
    return about | {"folder": os.fspath(out_dir)}


def run_import_solution(
    scenario_path: str | os.PathLike[str],
    solution_path: str | os.PathLike[str],
    plan_path: str | os.PathLike[str],
    *,
    model_dir: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Write a solver's solution as a plan; the work behind ``netopt-heur import-solution``.

    Returns
    -------
    dict
        JSON-able: feasible, cost, violations (as text) and the plan's path.

    Raises
    ------
    netopt_heur.errors.InputError
        If a file cannot be read or is no solution.
    """
    from netopt_heur.scenario import load_scenario
    from netopt_heur.verify import verify

    scenario = load_scenario(scenario_path)
    plan = import_solution(scenario, solution_path, model_dir)
    plan.save(Path(plan_path))
    verdict = verify(scenario, json.loads(plan.to_json()))
    return {
        "feasible": verdict.feasible,
        "cost": verdict.cost,
        "violations": [str(violation) for violation in verdict.violations],
        "plan": os.fspath(plan_path),
    }


def _finite(value: object) -> object:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value
