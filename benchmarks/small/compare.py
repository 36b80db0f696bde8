"""The planner against the proven optima: ``python benchmarks/small/compare.py [--generations 6]``.

Prints a table of the instances on which the planner misses the optimum, and how often it finds it. Exit
code 1
if a plan is cheaper than a proven optimum, which cannot be.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from netopt_heur import load_scenario, plan

HERE = Path(__file__).parent


def main() -> int:
    """Plan every instance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with (HERE / "optima.csv").open(encoding="utf-8", newline="") as file:
        optima = {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}
    print("| instance | optimum | planner | gap % | s |\n|---|---|---|---|---|")
    hits = faults = 0
    for name, optimum in optima.items():
        result = plan(
            load_scenario(HERE / f"{name}.yaml"), seed=arguments.seed, generations=arguments.generations
        )
        cost = result.cost if result.status == "feasible" else float("inf")
        hits += abs(cost - optimum) <= 1e-6 * max(1.0, optimum)
        faults += cost < optimum - 1e-6 * max(1.0, optimum)
        if cost > optimum + 1e-6 * max(1.0, optimum):
            gap = 100 * (cost - optimum) / optimum
            print(f"| {name} | {optimum:.2f} | {cost:.2f} | {gap:.2f} | {result.runtime_s:.2f} |", flush=True)
    print(f"\n{hits} of {len(optima)} optimal")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
