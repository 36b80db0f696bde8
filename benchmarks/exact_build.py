"""Time to build the exact model of 9 sites: ``python benchmarks/exact_build.py [--count 10]``.

The library's instances of 9 sites, and random networks with every kind of demand, wave offers, candidate
fibers, regenerator sites, chassis, percentiles and failure states. Seconds of one process, without the
imports: wall clock and, for a shared machine, processor time. Building ends with the program in HiGHS' form.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from netopt_heur import Scenario, load_scenario
from netopt_heur.exact.candidates import build_candidates
from netopt_heur.exact.limits import ExactLimits
from netopt_heur.exact.linear import Program, new_solver
from netopt_heur.exact.milp import build_model
from netopt_heur.instance import build_instance

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for the scenarios beside the tests

from tests.random_scenarios import random_scenario  # noqa: E402


def scenarios(count: int) -> Iterator[Scenario]:
    """Nine sites each."""
    for path in sorted((ROOT / "benchmarks/small").glob("nona_*.yaml")):
        yield load_scenario(path)
    for seed in range(count):
        yield random_scenario(seed, n_sites=9, n_packets=10)


def build(scenario: Scenario) -> Program:
    """The whole way."""
    program = build_model(build_candidates(build_instance(scenario), ExactLimits())).program
    program.pass_to(new_solver())
    return program


def main() -> None:
    """Build and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="random networks")
    options = parser.parse_args()
    build(random_scenario(0, n_sites=4))  # imports
    print("| instance | columns | rows | built, s | processor, s |\n|---|---|---|---|---|", flush=True)
    walls, processors = [], []
    for scenario in scenarios(options.count):
        wall_s, processor_s = time.perf_counter(), time.process_time()
        program = build(scenario)
        walls.append(time.perf_counter() - wall_s)
        processors.append(time.process_time() - processor_s)
        size = f"{len(program.cost):,} | {len(program.row_lower):,}"
        print(f"| {scenario.name} | {size} | {walls[-1]:.2f} | {processors[-1]:.2f} |", flush=True)
    print(f"| median | | | {statistics.median(walls):.2f} | {statistics.median(processors):.2f} |")
    print(f"| largest | | | {max(walls):.2f} | {max(processors):.2f} |")


if __name__ == "__main__":
    main()
