"""The command line: data on stdout, everything else on stderr.

Exit codes: 0 fine; 1 a defect of the program; 2 bad usage or input; 3 a rule is broken by the plan written
or read; 4 no plan; 130 interrupted, with the best plan so far written.
Heavy modules are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import gc
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netopt_heur import __version__
from netopt_heur.errors import InputError, NetoptError, Problem, UsageError, is_interrupt
from netopt_heur.output import describe_os_error, print_data, print_document, print_json, report_problems

if TYPE_CHECKING:
    from netopt_heur.solve import Front, Result

__all__ = ["ExitCode", "app", "main"]


COST_TOLERANCE = 1e-9  # relative; sums of prices in another order


class ExitCode(IntEnum):
    """What the exit code of a command says."""

    OK = 0
    DEFECT = 1
    BAD_INPUT = 2
    RULE_BROKEN = 3
    NO_PLAN = 4
    INTERRUPTED = 130


app = typer.Typer(
    name="netopt-heur",
    help="Plan multi-layer networks: fiber, wavelengths, IP links and LSPs in one plan.",
    add_completion=False,
    rich_markup_mode=None,  # rich would double the time of --help
    pretty_exceptions_enable=False,
)


def _check_time_limit(time_limit_s: float | None) -> float | None:
    if time_limit_s is not None and not (math.isfinite(time_limit_s) and time_limit_s > 0):
        raise typer.BadParameter(f"must be a positive, finite number of seconds (got {time_limit_s:g})")
    return time_limit_s


def _check_pareto(names: str | None) -> str | None:
    if names is not None:
        from netopt_heur.result import check_objectives

        try:
            check_objectives(names.split(","))
        except UsageError as error:
            raise typer.BadParameter(str(error)) from None
    return names


ScenarioPath = Annotated[
    Path, typer.Argument(metavar="SCENARIO", help="Scenario file (YAML).", show_default=False)
]
PlanPath = Annotated[Path, typer.Argument(metavar="PLAN", help="Plan file (plan.json).", show_default=False)]
OutDir = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="DIR", help="Directory for plan.json.  [default: ./<scenario>-plan]"
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Seed of the search.")]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="S",
        callback=_check_time_limit,
        help="Stop after S seconds.",
    ),
]
Generations = Annotated[
    int | None,
    typer.Option(
        "--generations",
        min=0,
        metavar="N",
        help="Stop after N generations; 30 without any limit.",
        show_default=False,
    ),
]
StartPlan = Annotated[
    Path | None,
    typer.Option("--start", metavar="PLAN", help="Go on from this plan of SCENARIO.", show_default=False),
]
Workers = Annotated[
    int, typer.Option("--workers", min=1, max=256, metavar="N", help="Populations, one process each.")
]
Pareto = Annotated[
    str | None,
    typer.Option(
        "--pareto",
        metavar="NAMES",
        callback=_check_pareto,
        help="Plans between two or three of cost,latency,availability.",
        show_default=False,
    ),
]
NoBound = Annotated[bool, typer.Option("--no-bound", help="Compute no lower bound.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print_data(f"netopt-heur {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


@app.command("plan")
def plan_command(
    scenario: ScenarioPath,
    output: OutDir = None,
    seed: Seed = 0,
    time_limit: TimeLimit = None,
    generations: Generations = None,
    start: StartPlan = None,
    workers: Workers = 1,
    pareto: Pareto = None,
    no_bound: NoBound = False,
    as_json: AsJson = False,
) -> None:
    """Plan the network of SCENARIO and write DIR/plan.json.

    A lower bound, computed beside, says how far the cost can be from the optimum at most.

    With --pareto also write DIR/front.json and DIR/front/: the trade-offs between the objectives NAMES.

    Exits with 3 if the plan breaks a rule, with 4 if there is no plan.
    """
    if pareto is not None and workers > 1:
        raise UsageError("--pareto runs in one process: leave --workers out")
    bound = not no_bound
    _plan(scenario, output, seed, time_limit, generations, as_json, bound, start, workers, pareto)


@app.command("verify")
def verify_command(scenario: ScenarioPath, plan: PlanPath, as_json: AsJson = False) -> None:
    """Check PLAN against SCENARIO, from these two files alone.

    Exits with 3 if a rule is broken.
    """
    from netopt_heur.report import json_safe
    from netopt_heur.report.tables import verdict_table
    from netopt_heur.scenario import load_scenario
    from netopt_heur.verify import verify

    verdict = verify(load_scenario(scenario), plan)
    if as_json:
        document = {
            "feasible": verdict.feasible,
            "cost": verdict.cost,
            "cost_breakdown": dict(verdict.cost_breakdown),
            "violations": [
                {"rule": each.rule, "where": each.where, "amount": each.amount, "message": each.message}
                for each in verdict.violations
            ],
        }
        print_json(json_safe(document))
    else:
        print_data(verdict_table(verdict))
    raise typer.Exit(ExitCode.OK if verdict.feasible else ExitCode.RULE_BROKEN)


@app.command("demo")
def demo_command(
    output: OutDir = None, time_limit: TimeLimit = None, no_bound: NoBound = False, as_json: AsJson = False
) -> None:
    """Plan the US backbone that comes with the package (us_ai_backbone)."""
    _plan(packaged_scenario("us_ai_backbone"), output, 0, time_limit, None, as_json, not no_bound)


@app.command("compare-silo")
def compare_silo_command(
    scenario: ScenarioPath,
    seed: Seed = 0,
    time_limit: TimeLimit = None,
    generations: Generations = None,
    as_json: AsJson = False,
) -> None:
    """Compare the joint plan of SCENARIO with one made layer by layer.

    Between them are three more plans, to split the saving; limits hold for each of the five.

    Exits with 3 if a plan that was compared breaks a rule.
    """
    from netopt_heur.report import json_safe
    from netopt_heur.scenario import load_scenario

    loaded = load_scenario(scenario)
    _compile_kernels()
    from netopt_heur.silo import compare_silo, table

    document = compare_silo(loaded, seed=seed, time_limit_s=time_limit, generations=generations)
    if as_json:
        print_json(json_safe(document))
    else:
        print_data(table(document))
    feasible = all(stage["feasible"] for stage in document["stages"])
    raise typer.Exit(ExitCode.OK if feasible else ExitCode.RULE_BROKEN)


@app.command("robustness")
def robustness_command(
    scenario: ScenarioPath,
    plan: PlanPath,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Seed of the fresh days.")] = 1,
    days: Annotated[int, typer.Option("--days", min=4, metavar="N", help="Fresh days to draw.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Measure how often PLAN clips traffic that it was not planned for."""
    from netopt_heur.report import json_safe
    from netopt_heur.robustness import robustness, table
    from netopt_heur.scenario import load_scenario

    result = robustness(load_scenario(scenario), plan, seed=seed, days=days)
    if as_json:
        print_json(json_safe(result.to_dict()))
    else:
        print_data(table(result))


@app.command("rwa")
def rwa_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Instance: N E T, edges, requests.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File for the solution (JSON).")
    ] = None,
    seed: Seed = 0,
    time_limit: TimeLimit = 10.0,
    as_json: AsJson = False,
) -> None:
    """Solve static routing and wavelength assignment: fewest wavelengths for all requests of FILE."""
    from netopt_heur.rwa import run_rwa

    document = run_rwa(
        file,
        time_limit or 10.0,
        seed,
        output,
        prepare=lambda: _compile_kernels("rwa"),
        progress=sys.stderr.isatty(),
    )
    if as_json:
        print_document(document, as_json)
    else:
        shown = ("wavelengths", "lower_bound", "requests", "runtime_s", "stopped_by")
        print_document({key: document[key] for key in shown}, as_json)
    raise typer.Exit(ExitCode.INTERRUPTED if document["stopped_by"] == "interrupted" else ExitCode.OK)


@app.command("exact")
def exact_command(
    scenario: ScenarioPath,
    output: OutDir = None,
    time_limit: TimeLimit = None,
    warm_start: Annotated[
        Path | None,
        typer.Option(
            "--warm-start", metavar="PLAN", help="Plan to start the solver from.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Solve a small SCENARIO to proven optimality and write DIR/plan.json.

    Exits with 4 if no plan was found.
    """
    from netopt_heur.exact import run_exact

    out_dir = output if output is not None else Path(f"{scenario.stem}-exact")
    _claim_directory(out_dir)
    document = run_exact(scenario, time_limit_s=time_limit, warm_start_path=warm_start, out_dir=out_dir)
    print_document(document, as_json)
    raise typer.Exit(ExitCode.NO_PLAN if document.get("plan") is None else ExitCode.OK)


@app.command("bound")
def bound_command(
    scenario: ScenarioPath,
    time_limit: TimeLimit = 60.0,
    as_json: AsJson = False,
) -> None:
    """Compute a cost that no plan of SCENARIO can be below."""
    from netopt_heur.bounds import run_bound
    from netopt_heur.scenario import load_scenario

    def improved(seconds: float, bound: float) -> None:
        print(f"{seconds:8.1f} s  {bound:,.2f}", file=sys.stderr, flush=True)

    document = run_bound(load_scenario(scenario), time_limit or 60.0, improved)
    print_document(document, as_json)
    codes = {"interrupted": ExitCode.INTERRUPTED, "failed": ExitCode.DEFECT}
    raise typer.Exit(codes.get(document["stopped_by"], ExitCode.OK))


@app.command("export-model")
def export_model_command(
    scenario: ScenarioPath,
    plan: Annotated[Path, typer.Option("--plan", metavar="PLAN", help="Plan that the start describes.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Directory for the files.")],
    as_json: AsJson = False,
) -> None:
    """Write the exact model of SCENARIO as .mps, with PLAN as a start for several solvers."""
    from netopt_heur.exact import run_export_model

    print_document(run_export_model(scenario, plan, output), as_json)


@app.command("import-solution")
def import_solution_command(
    scenario: ScenarioPath,
    solution: Annotated[Path, typer.Argument(metavar="SOLUTION", help="Solution file of a solver.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PLAN", help="Plan file to write.")],
    as_json: AsJson = False,
) -> None:
    """Turn a solver's solution of the exported model of SCENARIO into a plan.

    Exits with 3 if the plan breaks a rule.
    """
    from netopt_heur.exact import run_import_solution

    document = run_import_solution(scenario, solution, output)
    print_document(document, as_json)
    raise typer.Exit(ExitCode.OK if document.get("feasible") else ExitCode.RULE_BROKEN)


@app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from netopt_heur.scenario import json_schema

    print_json(json_schema())


@app.command("describe")
def describe_command(scenario: ScenarioPath, as_json: AsJson = False) -> None:
    """Summarise SCENARIO: sites, fibers, demands, traffic, failure states."""
    from netopt_heur.report import describe, json_safe
    from netopt_heur.report.tables import description_table
    from netopt_heur.scenario import load_scenario

    summary = describe(load_scenario(scenario))
    if as_json:
        print_json(json_safe(summary))
    else:
        print_data(description_table(summary))


def packaged_scenario(name: str) -> Path:
    """Path of a scenario that comes with the package.

    Parameters
    ----------
    name
        Name of the file in ``configs/``, without its suffix.

    Raises
    ------
    UsageError
        There is no such scenario.
    """
    package = Path(__file__).resolve().parent
    # A wheel carries configs/ inside the package, an editable install leaves it at the repository's root.
    for folder in (package / "configs", package.parent / "configs"):
        path = folder / f"{name}.yaml"
        if path.is_file():
            return path
    raise UsageError(f"this installation has no scenario {name!r}: reinstall netopt-heur")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Have Python not look for garbage among modules and input while they are loaded: all of it stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _plan(
    scenario_path: Path,
    output: Path | None,
    seed: int,
    time_limit_s: float | None,
    generations: int | None,
    as_json: bool,
    bound: bool,
    start_path: Path | None = None,
    workers: int = 1,
    pareto: str | None = None,
) -> None:
    with collector_paused():
        from netopt_heur.scenario import load_scenario

        scenario = load_scenario(scenario_path)
        out_dir = output if output is not None else Path(f"{scenario_path.stem}-plan")
        _claim_directory(out_dir)
        _compile_kernels()
        from netopt_heur.plan import Plan
        from netopt_heur.solve import plan, plan_front

        start = None if start_path is None else Plan.load(start_path)
    progress = sys.stderr.isatty()
    if pareto is None:
        front = None
        result = plan(
            scenario,
            seed=seed,
            time_limit_s=time_limit_s,
            generations=generations,
            out_dir=out_dir,
            progress=progress,
            start=start,
            workers=workers,
            bound=bound,
        )
    else:
        front = plan_front(
            scenario,
            pareto.split(","),
            seed=seed,
            time_limit_s=time_limit_s,
            generations=generations,
            out_dir=out_dir,
            progress=progress,
            start=start,
            bound=bound,
        )
        result = front.cheapest
    _report_plan(result, front, seed, out_dir, as_json)
    _report_defect(result, scenario_path)
    raise typer.Exit(_exit_code(result))


def _report_plan(result: Result, front: Front | None, seed: int, out_dir: Path, as_json: bool) -> None:
    from netopt_heur.report import json_safe
    from netopt_heur.report.tables import front_table, result_table

    plan_path = out_dir / "plan.json" if result.plan is not None else None
    if as_json:
        document = _result_document(result, seed, plan_path)
        if front is not None:
            document["front"] = [{**row, "plan": str(out_dir / str(row["plan"]))} for row in front.index()]
        print_json(json_safe(document))
        return
    print_data(result_table(result, plan_path))
    if front is not None:
        print_data("\n" + front_table(front))


def _report_defect(result: Result, scenario_path: Path) -> None:
    """Refuse to call a run fine whose bound and whose plan contradict each other."""
    if result.gap is not None and result.gap < -COST_TOLERANCE:
        line = f"defect: the lower bound {result.lower_bound!r} is above the cost {result.cost!r} of a plan"
        print(f"netopt-heur: {line}; please report it, with {scenario_path}", file=sys.stderr)
        raise typer.Exit(ExitCode.DEFECT)


def _compile_kernels(only: str | None = None) -> None:
    """Compile one part or what planning needs, once after installation: on all cores, and saying so."""
    import netopt_kernels

    if not netopt_kernels.is_compiled(only or "grooming"):
        from netopt_kernels import compilation

        compilation.compile_kernels((only,) if only else compilation.FOR_PLANS, sys.stderr)


def _claim_directory(path: Path) -> None:
    # Fails before the planning, not after it.
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _exit_code(result: Result) -> ExitCode:
    if result.stopped_by == "interrupted":
        return ExitCode.INTERRUPTED
    if result.plan is None:
        return ExitCode.NO_PLAN
    return ExitCode.OK if result.status == "feasible" else ExitCode.RULE_BROKEN


def _result_document(result: Result, seed: int, plan_path: Path | None) -> dict[str, object]:
    return {
        "status": "feasible" if result.status == "feasible" else "infeasible",
        "cost": result.cost if result.plan is not None else None,
        "cost_breakdown": dict(result.cost_breakdown),
        "lower_bound": result.lower_bound,
        "gap": result.gap,
        "violations": list(result.violations),
        "blocked": list(result.blocked),
        "runtime_s": result.runtime_s,
        "first_feasible_s": result.first_feasible_s,
        "peak_rss_mb": _peak_rss_mb(),
        "plan": None if plan_path is None else str(plan_path),
        "seed": seed,
        "generations": result.generations,
        "stopped_by": result.stopped_by,
        "stats": dict(result.stats),
    }


def _peak_rss_mb() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # getrusage(2): kilobytes on Linux, bytes on macOS.
    return peak / (1024.0 * 1024.0 if sys.platform == "darwin" else 1024.0)


def _bad_input(problems: Sequence[Problem | str]) -> ExitCode:
    report_problems(problems)
    return ExitCode.BAD_INPUT


def _run() -> int:
    """Run the command of ``sys.argv`` and turn whatever a user can get wrong into lines on stderr."""
    try:
        code = app(prog_name="netopt-heur", standalone_mode=False)
        return code if isinstance(code, int) else ExitCode.OK
    except typer.TyperException as error:
        return _bad_input([f"netopt-heur: {error.format_message()} (try netopt-heur --help)"])
    except InputError as error:
        return _bad_input(error.problems)
    except NetoptError as error:
        return _bad_input([f"netopt-heur: {error}"])
    except (KeyboardInterrupt, SystemError) as error:
        if not is_interrupt(error):
            raise
        return ExitCode.INTERRUPTED
    except OSError as error:
        return _bad_input([describe_os_error(error)])
    except MemoryError:
        return _bad_input(["netopt-heur: out of memory: this input is too large for this machine"])


def main() -> None:
    """Entry point of the ``netopt-heur`` command."""
    sys.exit(_run())
