"""One worker or more on equal wall-clock time: ``python benchmarks/workers.py [NAME ...] [--seconds 10]``.

Scenarios are those of ``benchmarks/bounds.py``. Prints a Markdown table: mean and worst cost over the seeds,
and generations of each worker. Runs take turns, and compute no bound. Exit code 1 if a plan breaks a rule.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from bounds import ROOT, scenarios

from netopt_heur import Result, plan

SCENARIOS = ["us_ai_backbone", "metro_edge_inference", "wave_leasing", "long_haul_1t6", "nsfnet", "coronet"]


def cell(results: list[Result]) -> str:
    """What some runs came to."""
    costs = [result.cost for result in results]
    generations = statistics.median(result.generations for result in results)
    return f"{statistics.fmean(costs):,.0f} ({max(costs):,.0f}), {generations:.0f}"


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=SCENARIOS)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(f"| scenario | {' | '.join(f'{count} workers' for count in options.workers)} |")
    print(f"|---|{'---|' * len(options.workers)}")
    is_sound = True
    for scenario in scenarios(ROOT.parent / "shared", options.names):
        results: dict[int, list[Result]] = {count: [] for count in options.workers}
        for seed in range(options.seeds):
            for count in options.workers:
                limit_s = options.seconds
                made = plan(scenario, time_limit_s=limit_s, seed=seed, workers=count, bound=False)
                results[count].append(made)
        is_sound &= all(made.status == "feasible" for runs in results.values() for made in runs)
        print(f"| {scenario.name} | {' | '.join(map(cell, results.values()))} |", flush=True)
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
