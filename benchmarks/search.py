"""Compare search variants on equal time: ``python benchmarks/search.py [SCENARIO ...]``.

Prints a Markdown table: the first plan's cost, then median and worst cost per variant over the seeds. Every
variant runs on the same constructions and kernels; only the search around them differs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from netopt_heur import load_scenario
from netopt_heur.construct.planner import Planner
from netopt_heur.instance import build_instance
from netopt_heur.search.genetic import Genetic, GeneticParams

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
DEFAULT = GeneticParams()
VARIANTS = {
    "genetic": DEFAULT,
    "annealing alone": replace(DEFAULT, crossover=0.0),
    "iterated local search": replace(DEFAULT, crossover=0.0, heat=0.0),
    "without fiber and circuit moves": replace(DEFAULT, eliminations=0, reroutings=0),
}


def run(scenario_path: Path, params: GeneticParams, seed: int, seconds: float) -> tuple[float, float]:
    """Cost of the first plan and of the best one after ``seconds``."""
    planner = Planner(build_instance(load_scenario(scenario_path)))
    started = time.perf_counter()

    def elapsed() -> float:
        return min(1.0, (time.perf_counter() - started) / seconds)

    search = Genetic(planner, params, np.random.default_rng(seed), lambda: elapsed() >= 1.0, elapsed)
    first = search.first().cost
    while elapsed() < 1.0:
        search.generation()
    return first, search.best.cost


def main() -> None:
    """Run every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    names = ("us_ai_backbone", "wave_leasing", "long_haul_1t6")
    scenarios = options.scenarios or [CONFIGS / f"{name}.yaml" for name in names]
    print(f"| scenario | first plan | {' | '.join(VARIANTS)} |")
    print(f"|---|---|{'---|' * len(VARIANTS)}")
    for scenario in scenarios:
        cells = []
        first = 0.0
        for params in VARIANTS.values():
            costs = []
            for seed in range(options.seeds):
                first, cost = run(scenario, params, seed, options.seconds)
                costs.append(cost)
            cells.append(f"{statistics.median(costs):,.0f} ({max(costs):,.0f})")
        print(f"| {scenario.stem} | {first:,.0f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
