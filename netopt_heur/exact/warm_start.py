"""The exact model as files for other solvers, with a plan as its start; and their solutions back into plans.

Written are ``model.mps``; the start as ``start.sol`` (HiGHS), ``start.mst`` (Gurobi), ``start.cplex.mst``
(CPLEX)
and ``start.scip.sol`` (SCIP); ``plan.json``; and ``model.json``, which says how the model was built so
that column
names mean the same when a solution comes back.
"""

from __future__ import annotations

import errno
import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from netopt_heur.errors import InputError, Problem
from netopt_heur.exact.candidates import build_candidates
from netopt_heur.exact.extract import place_blocks, to_exact_plan
from netopt_heur.exact.indexing import add_indices, add_packing, index_size
from netopt_heur.exact.limits import ExactLimits
from netopt_heur.exact.linear import F64, new_solver
from netopt_heur.exact.milp import Model, build_model
from netopt_heur.exact.start import kept_by, start_values
from netopt_heur.exact.transfers import spread_rates
from netopt_heur.files import save_text
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.scenario.yaml_source import read_text
from netopt_heur.sound_plan import check_sound

EXPORTED_INDEX_COLUMNS = (
    20_000  # beyond, a file would be mostly slots: spectrum is counted, and model.json says so
)
FORMAT = "netopt-heur-model"
MAX_BYTES = 2**30  # of a solution file
ROUNDING = 1e-4  # how far from a whole number, or outside its bounds, a solver may leave a column


def export_model(
    scenario: Scenario, plan: Plan, out_dir: Path, *, limits: ExactLimits | None = None
) -> dict[str, Any]:
    """Write the exact model and a plan as its start.

    Parameters
    ----------
    scenario
        The problem.
    plan
        Its routes are candidates whatever the limits say; it is a start if it is feasible.
    out_dir
        Folder for the files.
    limits
        Bounds of the candidate set.

    Returns
    -------
    dict
        What ``model.json`` holds, among it ``spectrum`` (``indexed``, ``packed`` or ``counted``) and
        whether the start is whole.
    """
    limits = limits or ExactLimits()
    feasible = check_sound(scenario, plan).feasible
    model, spectrum = _model(scenario, plan, limits)
    values = (start_values(model, plan) if feasible else None) or {}
    out_dir.mkdir(parents=True, exist_ok=True)
    about = {
        "format": FORMAT,
        "version": 1,
        "scenario": {"name": scenario.name, "digest": scenario.digest},
        "limits": asdict(limits),
        "spectrum": spectrum,
        "complete": model.candidates.complete,
        "columns": len(model.program.cost),
        "rows": len(model.program.row_lower),
        "start": bool(values),
    }
    save_text(out_dir / "model.json", json.dumps(about, indent=1, sort_keys=True) + "\n")
    plan.save(out_dir / "plan.json")
    _write_model(model, out_dir / "model.mps")
    if values:
        _write_starts(model, values, out_dir)
    return about


def _model(scenario: Scenario, plan: Plan, limits: ExactLimits) -> tuple[Model, str]:
    """The model of an export; the same arguments give the same columns."""
    instance = build_instance(scenario)
    kept = kept_by(instance, plan)
    required = scenario.spectrum.continuity == "required"
    model = build_model(build_candidates(instance, limits, all_regens=required, kept=kept))
    if not required:
        add_packing(model)
        return model, "packed"
    if index_size(model) <= min(limits.index_columns, EXPORTED_INDEX_COLUMNS):
        add_indices(model)
        return model, "indexed"
    return model, "counted"


def _write_model(model: Model, path: Path) -> None:
    solver = new_solver()
    solver.passModel(model.program.to_lp())
    path.unlink(missing_ok=True)
    solver.writeModel(str(path))
    # HiGHS does not look whether what it writes finds room
    last = path.read_bytes()[-20:].split() if path.is_file() else []
    if last[-1:] != [b"ENDATA"]:
        path.unlink(missing_ok=True)
        raise OSError(errno.EIO, "cannot be written whole; is there room on the disk?", str(path))


def _write_starts(model: Model, values: Mapping[int, float], out_dir: Path) -> None:
    program = model.program
    full = [float(values.get(i, 0.0)) for i in range(len(program.cost))]
    objective = math.fsum(c * x for c, x in zip(program.cost, full, strict=True))
    named = list(zip(program.names, full, strict=True))
    lines = [f"{name} {value!r}\n" for name, value in named]
    activity = [
        f"r{i} {sum(program.value[t] * full[program.index[t]] for t in range(first, last))!r}\n"
        for i, (first, last) in enumerate(pairwise(program.starts))
    ]
    head = "Model status\nUnknown\n\n# Primal solution values\nFeasible\n"
    head += f"Objective {objective!r}\n# Columns {len(lines)}\n"
    tail = f"# Rows {len(activity)}\n{''.join(activity)}\n# Dual solution values\nNone\n"
    save_text(out_dir / "start.sol", head + "".join(lines) + tail)
    save_text(out_dir / "start.mst", "# MIP start\n" + "".join(lines))
    nonzero = [f"{name} {value!r}\n" for name, value in named if value]
    save_text(out_dir / "start.scip.sol", f"objective value: {objective!r}\n" + "".join(nonzero))
    root = ElementTree.Element("CPLEXSolutions", version="1.2")
    one = ElementTree.SubElement(root, "CPLEXSolution", version="1.2")
    ElementTree.SubElement(one, "header", problemName="model", objectiveValue=repr(objective))
    variables = ElementTree.SubElement(one, "variables")
    for i, (name, value) in enumerate(named):
        ElementTree.SubElement(variables, "variable", name=name, index=str(i), value=repr(value))
    text = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True).decode("utf-8")
    save_text(out_dir / "start.cplex.mst", text)


def import_solution(scenario: Scenario, solution_file: Path, model_dir: Path | None = None) -> Plan:
    """Turn a solver's solution of an exported model into a plan.

    Parameters
    ----------
    scenario
        The problem that was exported.
    solution_file
        Of HiGHS (.sol), Gurobi (.sol, .mst), SCIP (.sol) or CPLEX (.sol, .mst in XML).
    model_dir
        Folder of the export; by default the solution's.

    Returns
    -------
    Plan
        Not judged yet.

    Raises
    ------
    InputError
        If the files cannot be read, belong to another scenario, or name what the model does not have; or if
        the solution is none, or its channels find no slots.
    """
    model_dir = model_dir or solution_file.parent
    try:
        about = json.loads(read_text(model_dir / "model.json"))
        limits = ExactLimits(**about["limits"])
        digest = about["scenario"]["digest"]
        strange = [name for name, limit in asdict(limits).items() if type(limit) is not int or limit < 1]
        if strange:
            raise ValueError(f"limits.{strange[0]} must be a whole number, at least 1")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refuse(model_dir / "model.json", f"not an exported model: {error}") from None
    if digest != scenario.digest:
        raise _refuse(model_dir / "model.json", "the model was exported from another scenario")
    known = Plan.load(model_dir / "plan.json")
    check_sound(scenario, known)
    model, _ = _model(scenario, known, limits)
    values = _values(model, solution_file)
    _, places = place_blocks(model, values)
    if places is None:
        raise _refuse(solution_file, "its channels cannot be placed on the fibers' slots")
    return to_exact_plan(model, spread_rates(model, values), places)


def _values(model: Model, solution_file: Path) -> F64:
    named = read_solution(solution_file)
    place = {name: i for i, name in enumerate(model.program.names)}
    strange = sorted(set(named) - set(place))
    if strange:
        raise _refuse(solution_file, f"names columns that the model does not have: {', '.join(strange[:3])}")
    values = np.zeros(len(place))
    for name, value in named.items():
        column = place[name]
        most = model.program.upper[column]
        whole = not model.program.integer[column] or abs(value - round(value)) <= ROUNDING
        if not (-ROUNDING <= value <= most + ROUNDING * max(1.0, most) and whole):
            kind = "a whole number" if model.program.integer[column] else "a number"
            raise _refuse(solution_file, f"{name} must be {kind} from 0 to {most:g}, is {value:g}")
        values[column] = value
    counts = [len(demand.lsps) for demand in model.candidates.demands]
    groups = [*zip(model.options, counts, strict=True), *((group, 1) for group in model.circuit_options)]
    for group, count in groups:
        if sum(round(float(values[column])) for column in group) != count:
            raise _refuse(solution_file, "leaves a demand without a path, or with several: not a solution")
    return values


def read_solution(solution_file: Path) -> dict[str, float]:
    """Column values by name, from any of the four solvers' files.

    Raises
    ------
    InputError
        If the file is none of them.
    """
    try:
        text = read_text(solution_file, max_bytes=MAX_BYTES)
        named = _read_cplex(text) if text.lstrip().startswith("<") else _read_lines(text)
    except (ValueError, ElementTree.ParseError) as error:
        raise _refuse(solution_file, f"not a solution file: {error}") from None
    if not named or not all(math.isfinite(value) for value in named.values()):
        raise _refuse(solution_file, "holds no solution")
    return named


def _read_cplex(text: str) -> dict[str, float]:
    found = {}
    for variable in ElementTree.fromstring(text).iter("variable"):
        found[str(variable.get("name"))] = float(str(variable.get("value")))
    return found


def _read_lines(text: str) -> dict[str, float]:
    """HiGHS' file has sections; Gurobi's and SCIP's are lines of name and value."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("# Columns"):
            count = int(line.split()[-1])
            lines = lines[i + 1 : i + 1 + count]
            break
    found = {}
    for line in lines:
        words = line.split("#")[0].split()
        if len(words) >= 2 and ":" not in words[0] and words[1] != "value:" and words[0] != "solution":
            found[words[0]] = float(words[1])
    return found


def _refuse(place: Path, message: str) -> InputError:
    return InputError([Problem(str(place), 0, 0, "", message)])
