"""Variants of the search on random small networks: ``python benchmarks/small/variants.py FIRST LAST``.

Scenarios of 3 to 9 sites by the generator of ``unseen.py``, whether or not an exact solver gets anywhere with
them; variants run in turn, each for ``--seconds`` of processor time.
Prints a row for each scenario and seed on which they differ, and how often each variant ends at the lowest
cost of all, and how far above on average. Scenarios of which no run serves all demands count for nothing.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path

from netopt_heur import load_scenario, plan
from netopt_heur.search.genetic import Genetic, GeneticParams

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import warm_start  # noqa: E402
from search import Variant, run  # noqa: E402

VARIANTS = {
    "default": Variant(Genetic, GeneticParams()),
    "without walks over link sets": Variant(Genetic, GeneticParams(link_sets=0.0)),
    "without exact parts": Variant(Genetic, GeneticParams(parts=0)),
    "without both": Variant(Genetic, GeneticParams(link_sets=0.0, parts=0)),
}
SAME = 1e-6  # relative difference of costs that are equal


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int, help="first scenario's seed")
    parser.add_argument("last", type=int, help="last scenario's seed")
    parser.add_argument("--seeds", type=int, default=1, help="of the search")
    parser.add_argument("--seconds", type=float, default=2.0, help="processor time per run")
    options = parser.parse_args()
    print("| scenario | seed | " + " | ".join(VARIANTS) + " |\n" + "|---" * (len(VARIANTS) + 2) + "|")
    plan(load_scenario(ROOT / "configs/tiny_triangle.yaml"), time_limit_s=1.0, bound=False)  # loads kernels
    above: dict[str, list[float]] = {name: [] for name in VARIANTS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.first, options.last + 1):
            scenario = warm_start.scenario_of(number, Path(folder))
            for seed in range(options.seeds if scenario is not None else 0):
                costs = [run(scenario, VARIANTS[name], seed, options.seconds).cost for name in above]
                least = min(costs)
                if math.isinf(least) or least == 0.0:
                    continue
                for name, cost in zip(above, costs, strict=True):
                    above[name].append(cost / least - 1.0)
                if max(costs) > least * (1.0 + SAME):
                    print(
                        f"| {number} | {seed} | " + " | ".join(f"{c:.2f}" for c in costs) + " |", flush=True
                    )
    for name, excess in above.items():
        served = [e for e in excess if math.isfinite(e)]
        best = sum(e <= SAME for e in excess)
        print(
            f"\n{name}: {best} of {len(excess)} at the lowest cost, {100 * statistics.fmean(served):.2f} %"
            f" above on average, {len(excess) - len(served)} without a plan that serves all demands",
            end="",
        )
    print()


if __name__ == "__main__":
    main()
