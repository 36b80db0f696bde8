"""What the search's own machinery takes on CORONET CONUS: ``python benchmarks/machinery.py [--seconds 60]``.

One run of the genetic algorithm under Python's profiler, after its first plan; the profiler makes Python
dearer, kernels not: the shares are upper bounds. Prints a Markdown table: selection, survivors, crossover,
log and copying of layers, as shares of all, and for comparison the kernels and the rest of planning.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # for the scenario of another benchmark

from coronet import coronet  # noqa: E402
from deap import tools  # noqa: E402

from netopt_heur.construct.ip_layer import Groomer, IpPlanner  # noqa: E402
from netopt_heur.construct.planner import Planner  # noqa: E402
from netopt_heur.design import Paths  # noqa: E402
from netopt_heur.instance import build_instance  # noqa: E402
from netopt_heur.search.crossover import cross  # noqa: E402
from netopt_heur.search.genetic import Genetic, GeneticParams  # noqa: E402
from netopt_heur.search.individual import Individual  # noqa: E402
from netopt_heur.search.population import Population  # noqa: E402

MACHINERY: dict[str, tuple[Callable[..., Any], ...]] = {
    "selection of parents": (Population.parents,),
    "survivors and diversity": (Population.add, Individual.of),
    "crossover": (cross,),
    "log": (tools.Statistics.compile, tools.Logbook.record),
    "copying layers into arrays and back": (Groomer.__init__, IpPlanner.layer_of, Paths._list),
}
KERNELS = ROOT / "kernels"

Key = tuple[str, int, str]


def key_of(function: Callable[..., Any]) -> Key:
    """Name under which the profiler counts a Python function."""
    code = function.__code__
    return code.co_filename, code.co_firstlineno, code.co_name


def is_kernel(key: Key) -> bool:
    """Whether a function is compiled."""
    return Path(key[0]).is_relative_to(KERNELS)


def profiled(seconds: float, shared: Path) -> tuple[dict[Key, Any], int]:
    """Profile of a run, and its generations."""
    planner = Planner(build_instance(coronet(shared)))
    started = time.thread_time()

    def progress() -> float:
        return min(1.0, (time.thread_time() - started) / seconds)

    search = Genetic(planner, GeneticParams(), np.random.default_rng(1), lambda: progress() >= 1.0, progress)
    search.first()
    profile, generations, started = cProfile.Profile(time.thread_time), 0, time.thread_time()
    profile.enable()
    while progress() < 1.0:
        search.generation()
        generations += 1
    profile.disable()
    stats: dict[Key, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return stats, generations


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    options = parser.parse_args()
    stats, generations = profiled(options.seconds, options.shared)
    total = sum(entry[2] for entry in stats.values())
    taken = {}
    for name, functions in MACHINERY.items():
        keys = {key_of(function) for function in functions}
        own = sum(stats[key][3] for key in keys if key in stats)
        # kernels called from there compute, they do not copy
        own -= sum(
            callers[key][3]
            for called, (*_, callers) in stats.items()
            if is_kernel(called)
            for key in keys & callers.keys()
        )
        taken[name] = own
    machinery = sum(taken.values())
    taken["machinery, sum"] = machinery
    taken["kernels"] = sum(entry[2] for key, entry in stats.items() if is_kernel(key))
    taken["completion, pricing, circuits"] = total - machinery - taken["kernels"]
    print(f"{generations} generations, {total:.0f} s of processor time\n\n| part | share |\n|---|---|")
    for name, seconds in taken.items():
        print(f"| {name} | {100 * seconds / total:.2f} % |")


if __name__ == "__main__":
    main()
