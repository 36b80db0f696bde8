"""Time and memory of a first plan: ``python benchmarks/scaling.py [--sizes N:F:L ...]``.

Each size is a made-up continent of N sites, F fibers and L LSPs (``tests/continent.py``), planned without
generations in a process of its own: load, candidates, first plan, referee. Prints a Markdown table and, where
sizes differ in their LSPs alone, the exponent of the growth of processor time in LSPs.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the scenario text beside the tests

from tests.continent import scenario_text  # noqa: E402

SIZES = ["75:150:1000", "75:150:2000", "75:150:4000", "150:300:4000", "300:600:15000"]


def measure(path: Path) -> dict[str, Any]:
    """Plan a scenario here; processor and wall time, memory, what came of it."""
    from netopt_heur import load_scenario, plan

    started = time.perf_counter()
    scenario = load_scenario(path)
    loaded = time.perf_counter()
    result = plan(scenario, generations=0, bound=False)
    return {
        "lsps": result.stats["lsps"],
        "status": result.status,
        "cost": result.cost,
        "load_s": loaded - started,
        "plan_s": time.perf_counter() - loaded,
        "processor_s": time.process_time(),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }


def main() -> None:
    """Measure every size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="sites:fibers:LSPs")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.one)))
        return
    print("| sites | fibers | LSPs | status | cost | load | plan and referee | processor | memory |")
    print("|---|---|---|---|---|---|---|---|---|")
    times: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
    for size in options.sizes:
        sites, fibers, lsps = map(int, size.split(":"))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "continent.yaml"
            path.write_text(scenario_text(sites, fibers, lsps), encoding="utf-8")
            command = [sys.executable, __file__, "--one", str(path)]
            run = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        times[sites, fibers].append((run["lsps"], run["processor_s"]))
        print(
            f"| {sites:,} | {fibers:,} | {run['lsps']:,} | {run['status']} | {run['cost']:,.0f} | "
            f"{run['load_s']:.1f} s | {run['plan_s']:.1f} s | {run['processor_s']:.1f} s | "
            f"{run['peak_rss_mb']:,.0f} MB |",
            flush=True,
        )
    for (sites, fibers), points in times.items():
        for (few, first_s), (many, second_s) in pairwise(sorted(points)):
            exponent = math.log(second_s / first_s) / math.log(many / few)
            print(f"\n{sites} sites, {fibers} fibers, {few:,} to {many:,} LSPs: exponent {exponent:.2f}")


if __name__ == "__main__":
    main()
