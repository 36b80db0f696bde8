"""Time to a gap of 1 %, cold and from our plan: ``python benchmarks/warm_start.py [--count 10]``.

Random scenarios of 3 to 9 sites by the generator of ``benchmarks/small/unseen.py``, in the order of their
seeds (or the seeds named); those count on which HiGHS alone, with nothing but the exact model, needs
``--least`` to ``--most`` seconds. Then the planner runs for ``--planner-seconds``, and its plan is handed to
``solve_exact(warm_start=plan)``: what ``exact --warm-start`` does, with all that it finds out beforehand.
The planner's time counts, and so does building models. Seconds are processor time of one thread, for other
runs share the machine. Prints a row for each instance as it goes, none left out, and medians.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from netopt_heur import Scenario, load_scenario, plan
from netopt_heur.errors import InputError
from netopt_heur.exact.candidates import build_candidates
from netopt_heur.exact.limits import ExactLimits, ExactResult
from netopt_heur.exact.linear import Answer, solve
from netopt_heur.exact.milp import build_model
from netopt_heur.exact.solver import solve_exact
from netopt_heur.instance import build_instance

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks/small"))

import unseen  # noqa: E402

GAP = 0.01


@dataclass(frozen=True)
class Row:
    """Seconds to the gap, alone and from a plan; ``>`` marks what did not get there in its time."""

    seed: int
    sites: int
    columns: int
    alone: Answer
    alone_s: float
    plan_cost: float
    planner_s: float
    start: ExactResult
    start_s: float

    @property
    def ratio(self) -> float:
        """How many times longer HiGHS alone takes, the planner counted."""
        return self.alone_s / (self.planner_s + self.start_s)

    def __str__(self) -> str:
        more = "" if self.alone.status == "optimal" else "> "
        late = self.start.status != "optimal"
        ratio = f"{'?' if more and late else '< ' if late else more}{self.ratio:.1f}"
        return (
            f"| {self.seed} | {self.sites} | {self.columns:,} | {self.alone.objective:.2f} |"
            f" {self.alone.bound:.2f} | {more}{self.alone_s:.1f} | {self.plan_cost:.2f} |"
            f" {self.start.cost:.2f} | {self.start.bound:.2f} | {self.start.columns:,} |"
            f" {self.planner_s:.1f} | {'> ' if late else ''}{self.start_s:.1f} | {ratio} |"
        )


def scenario_of(seed: int, folder: Path) -> Scenario | None:
    """The seed's scenario; None if it contradicts itself."""
    path = folder / f"{seed}.yaml"
    path.write_text(yaml.safe_dump(unseen.document(seed), sort_keys=False), encoding="utf-8")
    try:
        return load_scenario(path)
    except InputError:
        return None


def seconds() -> float:
    """Processor time of this process and of those it has ended."""
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def measure(scenario: Scenario, seed: int, options: argparse.Namespace) -> Row | None:
    """Alone, and if that takes as long as it should, from a plan."""
    began = seconds()
    program = build_model(build_candidates(build_instance(scenario), ExactLimits())).program
    alone = solve(program, options.wall, relative_gap=GAP)
    alone_s = seconds() - began
    if alone_s > 5.0:
        _report(f"seed {seed}: alone {alone.status} after {alone_s:.1f} s")
    if alone_s < options.least or alone.status == "infeasible":
        return None
    began = seconds()
    made = plan(scenario, time_limit_s=options.planner_seconds, bound=False)
    planner_s = seconds() - began
    if made.plan is None or made.status != "feasible":
        _report(f"seed {seed}: no plan")
        return None
    began = seconds()
    start = solve_exact(scenario, time_limit_s=options.wall, warm_start=made.plan, relative_gap=GAP)
    sites, columns = len(scenario.sites), len(program.cost)
    start_s = seconds() - began
    return Row(seed, sites, columns, alone, alone_s, made.cost, planner_s, start, start_s)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="*", help="default: one after the other from --first")
    parser.add_argument("--count", type=int, default=10, help="instances")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--least", type=float, default=30.0, help="seconds that HiGHS alone takes at least")
    parser.add_argument("--wall", type=float, default=300.0, help="time limit of each run by the wall clock")
    parser.add_argument("--planner-seconds", type=float, default=2.0)
    options = parser.parse_args()
    print(
        "| seed | sites | columns | alone: cost | bound | s | plan | start: cost | bound | columns |", end=""
    )
    print(" planner, s | start, s | ratio |\n" + "|---" * 13 + "|", flush=True)
    rows: list[Row] = []
    seeds = iter(options.seeds) if options.seeds else itertools.count(options.first)
    with tempfile.TemporaryDirectory() as folder:
        plan(load_scenario(ROOT / "configs/tiny_triangle.yaml"), time_limit_s=1.0, bound=False)  # imports
        while len(rows) < options.count and (seed := next(seeds, None)) is not None:
            scenario = scenario_of(seed, Path(folder))
            row = None if scenario is None else measure(scenario, seed, options)
            if row is not None:
                rows.append(row)
                print(row, flush=True)
    ratios = [row.ratio for row in rows]
    if ratios:
        print(f"{len(rows)} instances, median ratio {statistics.median(ratios):.1f},", end=" ")
        print(f"{min(ratios):.1f} to {max(ratios):.1f}")


if __name__ == "__main__":
    main()
