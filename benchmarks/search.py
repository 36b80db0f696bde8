"""Compare search variants on equal time: ``python benchmarks/search.py [NAME ...] [--variants NAME ...]``.

Scenarios are those of ``benchmarks/bounds.py``: of ``configs/``, and networks from ``../shared/data``.

Prints two Markdown tables. The first: the first plan's cost, then median and worst cost per variant over the
seeds. The second: how far the default ends above the best known cost, the lowest of all these runs, and when
it comes within 1 % of it. Every variant runs on the same constructions and kernels; only the search around
them differs. Time is the processor's, counted from the construction of the first plan; candidates
are made before.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bounds import ROOT, scenarios
from grasp import Grasp

from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.instance import build_instance
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.search.genetic import Genetic, GeneticParams

SCENARIOS = ("us_ai_backbone", "wave_leasing", "metro_edge_inference", "long_haul_1t6", "private_fiber_build")
NEAR = 0.01  # a run has converged once it is this close to the best known cost
WARM_UP_S = 2.0  # of a run that does not count, so that no variant pays for loading kernels


@dataclass(frozen=True)
class Variant:
    """A search and its parameters."""

    search: type[Genetic]
    params: GeneticParams


@dataclass(frozen=True)
class Run:
    """(seconds, cost) of a run's first plan and of each gain; infinite while demands are left out."""

    trace: tuple[tuple[float, float], ...]

    @property
    def first(self) -> float:
        """Cost of the first plan."""
        return self.trace[0][1]

    @property
    def cost(self) -> float:
        """Cost at the end."""
        return self.trace[-1][1]

    def seconds_to(self, cost: float) -> float:
        """When the run came down to this cost; infinite if never."""
        return next((seconds for seconds, reached in self.trace if reached <= cost), math.inf)


DEFAULT = "genetic"
VARIANTS = {
    DEFAULT: Variant(Genetic, GeneticParams()),
    "first candidates only": Variant(Genetic, GeneticParams(widen=False)),
    "without a rival": Variant(Genetic, GeneticParams(rival=0.0)),
    "no dearer links": Variant(Genetic, GeneticParams(link_heat=0.0)),
    "without link moves": Variant(Genetic, GeneticParams(link_moves=(0.0, 0.0))),
    "annealing alone": Variant(Genetic, GeneticParams(crossover=0.0, link_moves=(0.0, 0.0))),
    "iterated local search": Variant(Genetic, GeneticParams(crossover=0.0, heat=0.0, link_moves=(0.0, 0.0))),
    "without fiber and circuit moves": Variant(Genetic, GeneticParams(eliminations=0, reroutings=0)),
    "GRASP with path relinking": Variant(Grasp, GeneticParams()),
}


def run(scenario: Scenario, variant: Variant, seed: int, seconds: float) -> Run:
    """One run of ``seconds``."""
    planner = Planner(build_instance(scenario))
    started = time.thread_time()

    def elapsed() -> float:
        return time.thread_time() - started

    search = variant.search(
        planner,
        variant.params,
        np.random.default_rng(seed),
        lambda: elapsed() >= seconds,
        lambda: min(1.0, elapsed() / seconds),
    )
    search.first()
    trace = [(elapsed(), _cost(search.best))]
    while elapsed() < seconds:
        search.generation()
        if _cost(search.best) < trace[-1][1]:
            trace.append((elapsed(), _cost(search.best)))
    return Run(tuple(trace))


def _cost(plan: Construction) -> float:
    return math.inf if plan.missing else plan.cost


def run_all(
    scenario: Scenario, variants: Sequence[str], seeds: int, default_seeds: int, seconds: float
) -> dict[str, list[Run]]:
    """Some variants over ``seeds`` seeds, the default over ``default_seeds`` if those are more."""
    run(scenario, VARIANTS[DEFAULT], 0, WARM_UP_S)
    runs: dict[str, list[Run]] = {name: [] for name in (DEFAULT, *variants)}
    for seed in range(max(seeds, default_seeds)):
        for name in runs:
            if seed < seeds or name == DEFAULT:
                runs[name].append(run(scenario, VARIANTS[name], seed, seconds))
                _report(f"{scenario.name}, {name}, seed {seed}: {runs[name][-1].cost:,.1f}")
    return runs


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def variants_table(results: dict[str, dict[str, list[Run]]], seeds: int) -> list[str]:
    """Per scenario and variant the median and worst cost; the default on the same seeds as the others."""
    variants = list(next(iter(results.values()), {}))
    lines = [f"| scenario | first plan | {' | '.join(variants)} |", f"|---|---|{'---|' * len(variants)}"]
    for scenario, runs in results.items():
        costs = [[each.cost for each in runs[name][:seeds]] for name in variants]
        cells = [_median_and_worst(values, "{:,.0f}".format) for values in costs]
        lines.append(f"| {scenario} | {runs[DEFAULT][0].first:,.0f} | {' | '.join(cells)} |")
    return lines


def convergence_table(results: dict[str, dict[str, list[Run]]], seconds: float) -> list[str]:
    """Per scenario the best known cost, the default's gap to it at the end, and when the gap is small."""

    def clock(value: float) -> str:
        return f"{value:.1f} s" if value <= seconds else f"> {seconds:g} s"

    lines = [
        f"| scenario | best known | found by | gap at the end | until within {NEAR:.0%} |",
        "|---|---|---|---|---|",
    ]
    for scenario, runs in results.items():
        best = {name: min(each.cost for each in runs[name]) for name in runs}
        known = min(best.values())
        finders = ", ".join(name for name in runs if best[name] <= known * (1.0 + 1e-9))
        gap = _median_and_worst([each.cost / known - 1.0 for each in runs[DEFAULT]], "{:.2%}".format)
        near = _median_and_worst([each.seconds_to((1.0 + NEAR) * known) for each in runs[DEFAULT]], clock)
        lines.append(f"| {scenario} | {known:,.0f} | {finders} | {gap} | {near} |")
    return lines


def _median_and_worst(values: Sequence[float], form: Callable[[float], str]) -> str:
    return f"{form(statistics.median(values))} ({form(max(values))})"


def main() -> None:
    """Run every variant and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=SCENARIOS)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS)[1:], choices=list(VARIANTS)[1:])
    parser.add_argument("--seconds", type=float, default=12.0, help="of each run")
    parser.add_argument("--seeds", type=int, default=3, help="of each variant, in the first table")
    parser.add_argument("--default-seeds", type=int, default=5, help="of the default, in the second table")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    options = parser.parse_args()
    results = {
        scenario.name: run_all(
            scenario, options.variants, options.seeds, options.default_seeds, options.seconds
        )
        for scenario in scenarios(options.shared, list(options.names))
    }
    print("\n".join(variants_table(results, options.seeds)), end="\n\n")
    print("\n".join(convergence_table(results, options.seconds)))


if __name__ == "__main__":
    main()
