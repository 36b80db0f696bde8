"""What each part of the exact model's strengthening is worth.

``python benchmarks/strengthening.py [NAME ...]`` proves optima with all parts and without each.

By default on every scenario of ``benchmarks/small`` whose proof on file (``optima.csv``) took ``--least``
seconds or more. The program with all parts, then with one part left out at a time: the optimum of its linear
relaxation, and the nodes and seconds (of processor time, building included) to the proof without a start.
Below, the seconds and nodes of all instances together. Spectrum is counted, as in the model solved first.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from dataclasses import dataclass, fields
from pathlib import Path

from netopt_heur import load_scenario
from netopt_heur.exact.candidates import build_candidates
from netopt_heur.exact.limits import ExactLimits, Strengthening
from netopt_heur.exact.linear import Answer, solve
from netopt_heur.exact.milp import build_model
from netopt_heur.instance import Instance, build_instance

SMALL = Path(__file__).resolve().parent / "small"
ALL_PARTS = "nothing"
PARTS = (ALL_PARTS, *(field.name for field in fields(Strengthening)))


@dataclass(frozen=True)
class Run:
    """One proof; ``relaxation`` is the optimum of the linear relaxation."""

    relaxation: float
    answer: Answer
    seconds: float

    def __str__(self) -> str:
        late = "" if self.answer.status == "optimal" else "> "
        return f"{self.relaxation:.2f} | {late}{self.answer.nodes:,} | {late}{self.seconds:.1f}"


def slow(least_s: float) -> list[str]:
    """Scenarios of the library by the time of the proof on file."""
    with (SMALL / "optima.csv").open(encoding="utf-8", newline="") as file:
        return [row["instance"] for row in csv.DictReader(file) if float(row["proof_s"]) >= least_s]


def prove(instance: Instance, part: str, time_limit_s: float) -> Run:
    """Build and solve with a part left out."""
    began = time.process_time()
    strengthening = Strengthening(**({} if part == ALL_PARTS else {part: False}))
    candidates = build_candidates(instance, ExactLimits(), merge_equal_lsps=strengthening.merge_equal_lsps)
    program = build_model(candidates, strengthening).program
    answer = solve(program, time_limit_s)
    seconds = time.process_time() - began
    return Run(solve(program, relaxed=True).objective, answer, seconds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--least", type=float, default=1.0, help="seconds that the proof on file took")
    parser.add_argument("--wall", type=float, default=120.0, help="time limit of a proof by the wall clock")
    options = parser.parse_args()
    runs: dict[str, list[Run]] = {part: [] for part in PARTS}
    print("| instance | left out | relaxation | nodes | s |\n|---|---|---|---|---|")
    for name in options.names or slow(options.least):
        instance = build_instance(load_scenario(SMALL / f"{name}.yaml"))
        for part, done in runs.items():
            done.append(prove(instance, part, options.wall))
            print(f"| {name} | {part} | {done[-1]} |", flush=True)
        print(f"| {name} | (optimum) | {runs[ALL_PARTS][-1].answer.objective:.2f} | | |", flush=True)
    print("\n| left out | relaxation / with all | nodes | s |\n|---|---|---|---|")
    for part, done in runs.items():
        shares = [run.relaxation / whole.relaxation for run, whole in zip(done, runs[ALL_PARTS], strict=True)]
        nodes, seconds = sum(run.answer.nodes for run in done), sum(run.seconds for run in done)
        print(f"| {part} | {math.prod(shares) ** (1 / len(shares)):.3f} | {nodes:,} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
