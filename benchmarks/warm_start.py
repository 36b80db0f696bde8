"""Time to a gap of 1 %, cold and from our plan: ``python benchmarks/warm_start.py [--count 10]``.

Random scenarios of 3 to 9 sites by the generator of ``benchmarks/small/unseen.py``, in the order of their
seeds; those count on which HiGHS alone, with nothing but the model, needs ``--least`` to ``--most`` seconds.
Then the planner runs for ``--planner-seconds`` and HiGHS is given its plan: once as it comes, once without
HiGHS' own heuristics, which is what ``exact --warm-start`` does. The planner's time and that of turning its
plan into a start count. Prints a table as it goes, and medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from netopt_heur import Scenario, load_scenario, plan
from netopt_heur.errors import InputError
from netopt_heur.exact.candidates import build_candidates
from netopt_heur.exact.limits import ExactLimits
from netopt_heur.exact.linear import Answer, Program, solve
from netopt_heur.exact.milp import build_model
from netopt_heur.exact.start import kept_by, start_values
from netopt_heur.instance import build_instance

sys.path.insert(0, str(Path(__file__).resolve().parent / "small"))

import unseen

GAP = 0.01


@dataclass(frozen=True)
class Row:
    """Seconds to the gap of an instance; those with a start hold the planner's."""

    seed: int
    sites: int
    columns: int
    cold_s: float
    start_s: float
    proof_s: float
    plan_gap: float
    root_gap: float

    def __str__(self) -> str:
        return (
            f"| {self.seed} | {self.sites} | {self.columns:,} | {self.cold_s:.1f} | {self.start_s:.1f} |"
            f" {self.cold_s / self.start_s:.1f} | {self.proof_s:.1f} | {self.cold_s / self.proof_s:.1f} |"
            f" {self.plan_gap:.2%} | {self.root_gap:.1%} |"
        )


def scenario_of(seed: int, folder: Path) -> Scenario | None:
    """The seed's scenario; None if it contradicts itself."""
    path = folder / f"{seed}.yaml"
    path.write_text(yaml.safe_dump(unseen.document(seed), sort_keys=False), encoding="utf-8")
    try:
        return load_scenario(path)
    except InputError:
        return None


def measure(scenario: Scenario, seed: int, options: argparse.Namespace) -> Row | None:
    """Cold, and if that takes as long as it should, from a plan."""
    instance = build_instance(scenario)
    cold = build_model(build_candidates(instance, ExactLimits())).program
    began = time.perf_counter()
    alone = solve(cold, options.most, relative_gap=GAP)
    cold_s = time.perf_counter() - began
    if cold_s > 1.0:
        _report(f"seed {seed}: cold {alone.status} after {cold_s:.1f} s")
    if alone.status != "optimal" or cold_s < options.least:
        return None
    began = time.perf_counter()
    made = plan(scenario, time_limit_s=options.planner_seconds, bound=False)
    planner_s = time.perf_counter() - began
    if made.plan is None or made.status != "feasible":
        _report(f"seed {seed}: no plan")
        return None
    # the plan's routes are candidates already, mostly: building the model takes no longer than before
    model = build_model(build_candidates(instance, ExactLimits(), kept=kept_by(instance, made.plan)))
    began = time.perf_counter()
    start = start_values(model, made.plan)
    planner_s += time.perf_counter() - began
    seconds: list[float] = []
    for heuristics in (True, False):
        began = time.perf_counter()
        answer = solve(model.program, options.most, start, heuristics=heuristics, relative_gap=GAP)
        seconds.append(planner_s + time.perf_counter() - began)
        _report(f"seed {seed}: from the plan {answer.status} after {seconds[-1]:.1f} s")
    known = max(alone.bound, answer.bound)
    return Row(
        seed, len(scenario.sites), len(cold.cost), cold_s, *seconds, made.cost / known - 1.0,
        1.0 - relaxation(model.program).objective / made.cost,
    )  # fmt: skip


def relaxation(program: Program) -> Answer:
    """The linear relaxation."""
    integer, program.integer = program.integer, [False] * len(program.integer)
    answer = solve(program)
    program.integer = integer
    return answer


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="instances")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--least", type=float, default=30.0, help="seconds of HiGHS alone")
    parser.add_argument("--most", type=float, default=300.0, help="seconds of HiGHS alone")
    parser.add_argument("--planner-seconds", type=float, default=2.0)
    options = parser.parse_args()
    print("| seed | sites | columns | alone, s | start, s | ratio | start, proof only, s | ratio |", end="")
    print(" plan above bound | relaxation below plan |\n" + "|---" * 10 + "|", flush=True)
    rows: list[Row] = []
    seed = options.first
    with tempfile.TemporaryDirectory() as folder:
        while len(rows) < options.count:
            scenario = scenario_of(seed, Path(folder))
            row = None if scenario is None else measure(scenario, seed, options)
            seed += 1
            if row is not None:
                rows.append(row)
                print(row, flush=True)
    for name in ("start_s", "proof_s"):
        ratios = [row.cold_s / getattr(row, name) for row in rows]
        print(f"{name}: median ratio {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
