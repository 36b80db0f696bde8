"""The planner against proven optima: ``python benchmarks/small/compare.py [--seconds 5] [--seeds 5]``.

Prints per instance the median and the worst gap over the seeds, and the longest time until the optimum; a run
ends as soon as it has it. ``--misses`` leaves out instances that every seed solves. ``--folder`` takes other
scenarios with an ``optima.csv``, as ``unseen.py`` writes them. Exit code 1 if a plan is cheaper than a proven
optimum, which cannot be.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from netopt_heur import load_scenario, plan

HERE = Path(__file__).parent
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Row:
    """One instance: optimum, and gap in percent and seconds of each seed."""

    name: str
    optimum: float
    gaps: list[float]
    seconds: list[float]

    @property
    def solved(self) -> bool:
        """Whether every seed found the optimum."""
        return max(self.gaps) <= 100 * TOLERANCE

    def __str__(self) -> str:
        gaps = f"{statistics.median(self.gaps):.2f} | {max(self.gaps):.2f}"
        longest = f"{max(self.seconds):.2f}" if self.solved else "-"
        return f"| {self.name} | {self.optimum:.2f} | {gaps} | {longest} |"


def solve(folder: Path, name: str, optimum: float, arguments: argparse.Namespace) -> Row:
    """Plan an instance with every seed."""
    gaps, seconds = [], []
    for seed in range(arguments.seeds):
        result = plan(
            load_scenario(folder / f"{name}.yaml"),
            seed=seed,
            time_limit_s=arguments.seconds,
            target_cost=optimum * (1 + TOLERANCE / 10),
            bound=False,
        )
        cost = result.cost if result.status == "feasible" else math.inf
        gaps.append(100 * (cost - optimum) / max(optimum, 1e-9))
        seconds.append(result.runtime_s)
    return Row(name, optimum, gaps, seconds)


def main() -> int:
    """Plan every instance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="per run")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=HERE)
    parser.add_argument("--misses", action="store_true")
    arguments = parser.parse_args()
    with (arguments.folder / "optima.csv").open(encoding="utf-8", newline="") as file:
        optima = {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}
    print("| instance | optimum | median gap % | worst gap % | s |\n|---|---|---|---|---|")
    rows = []
    for name, optimum in optima.items():
        rows.append(solve(arguments.folder, name, optimum, arguments))
        if not (arguments.misses and rows[-1].solved):
            print(rows[-1], flush=True)
    runs = [gap <= 100 * TOLERANCE for row in rows for gap in row.gaps]
    print(f"\n{sum(row.solved for row in rows)} of {len(rows)} optimal with every seed, ", end="")
    print(f"{sum(runs)} of {len(runs)} runs, longest {max(max(row.seconds) for row in rows):.2f} s")
    return 1 if any(min(row.gaps) < -100 * TOLERANCE for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
