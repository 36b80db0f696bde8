"""Plans by size: ``python benchmarks/scaling.py [--sizes N:F:L ...] [--huge] [--plot FILE]``.

Each size is a made-up continent of N sites, F fibers and L LSPs (``tests/continent.py``), planned without
generations in a process of its own: load, candidates, first plan, referee, lower bound. Prints a Markdown
table and, where sizes differ in their LSPs alone, the exponent of the growth of processor time in LSPs, a
least-squares fit on logarithms. ``--huge`` goes on to 1,000 sites, and to the world's backbone of topohub
(``tests/world.py``); both are then planned again against the clock. ``--plot`` draws processor time as SVG.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the scenario texts beside the tests

from tests import continent, world  # noqa: E402

SIZES = ["75:150:1000", "75:150:2000", "75:150:4000", "150:300:4000", "300:600:5000", "300:600:15000"]
HUGE = ["1000:2000:12500", "1000:2000:25000", "1000:2000:50000"]
LIMITS = {"1000:2000:50000": 120.0, "world:10000": 300.0}  # seconds
COLOURS = ("#1b6ca8", "#c8553d", "#588b8b", "#8f5fa8", "#b08900")


def scenario_text(size: str) -> str:
    """YAML of ``sites:fibers:LSPs`` or ``world:LSPs``."""
    if size.startswith("world:"):
        return world.scenario_text(int(size.split(":")[1]))
    return continent.scenario_text(*map(int, size.split(":")))


def measure(path: Path, limit_s: float | None) -> dict[str, Any]:
    """Plan a scenario here, without generations or for some seconds; time, memory, what came of it."""
    from netopt_heur import load_scenario, plan

    started = time.perf_counter()
    scenario = load_scenario(path)
    loaded = time.perf_counter()
    result = plan(scenario, generations=0 if limit_s is None else None, time_limit_s=limit_s)
    peak = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "sites": len(scenario.sites),
        "fibers": len(scenario.fibers),
        "lsps": result.stats["lsps"],
        "status": result.status,
        "cost": result.cost,
        "bound": result.lower_bound or 0.0,
        "load_s": loaded - started,
        "first_s": result.first_feasible_s,
        "plan_s": result.runtime_s,
        "first_cost": result.history[0]["cost"],
        "generations": result.generations,
        "processor_s": time.process_time(),
        "memory_mb": sum(peak) / 1024.0,
    }


def run(size: str, limit_s: float | None = None) -> dict[str, Any]:
    """Measure one size in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.yaml"
        path.write_text(scenario_text(size), encoding="utf-8")
        command = [sys.executable, __file__, "--one", str(path)]
        if limit_s is not None:
            command += ["--limit", str(limit_s)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def gap(found: dict[str, Any]) -> str:
    """Share of the cost above the bound; empty if there was no bound in time."""
    return f"{1 - found['bound'] / found['cost']:.0%}" if found["bound"] > 0.0 else ""


def plot(times: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Processor time over LSPs, both in powers of ten, as SVG."""
    width, height, left, bottom = 640, 400, 60, 50
    points = [p for series in times.values() for p in series]
    low = np.floor(np.log10(np.min(points, axis=0)))
    high = np.ceil(np.log10(np.max(points, axis=0)))

    def place(lsps: float, seconds: float) -> tuple[float, float]:
        share = (np.log10([lsps, seconds]) - low) / (high - low)
        return left + share[0] * (width - left - 150), (height - bottom) - share[1] * (height - bottom - 20)

    parts = [f'<rect width="{width}" height="{height}" fill="white"/>']
    for x in range(int(low[0]), int(high[0]) + 1):
        at, foot = place(10.0**x, 10.0 ** low[1])
        parts.append(f'<line x1="{at:.0f}" y1="20" x2="{at:.0f}" y2="{foot:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.0f}" y="{foot + 16:.0f}" text-anchor="middle">{10**x:,}</text>')
    for y in range(int(low[1]), int(high[1]) + 1):
        start, at = place(10.0 ** low[0], 10.0**y)
        end, _ = place(10.0 ** high[0], 10.0**y)
        parts.append(f'<line x1="{start:.0f}" y1="{at:.0f}" x2="{end:.0f}" y2="{at:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4:.0f}" text-anchor="end">{10.0**y:g} s</text>')
    for i, (name, series) in enumerate(times.items()):
        colour = COLOURS[i % len(COLOURS)]
        line = [place(*point) for point in sorted(series)]
        path_text = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        parts.append(f'<polyline points="{path_text}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in line]
        parts.append(f'<text x="{width - 140}" y="{40 + 18 * i}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{left + 180}" y="{height - 10}" text-anchor="middle">LSPs</text>')
    parts.append(f'<text x="{left}" y="14">processor time of load, first plan and referee</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    path.write_text(f'{head} font-size="12">\n' + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")


def main() -> None:
    """Measure every size and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="sites:fibers:LSPs, or world:LSPs")
    parser.add_argument("--huge", action="store_true", help="1,000 sites and the world as well")
    parser.add_argument("--plot", type=Path, help="SVG file to write")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.one, options.limit)))
        return
    print("| sites | fibers | LSPs | status | cost | gap | load | plan and referee | processor | memory |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    times: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for size in options.sizes + (HUGE if options.huge else []):
        found = run(size)
        name = "world" if size.startswith("world:") else f"{found['sites']:,} sites"
        times[name].append((found["lsps"], found["processor_s"]))
        print(
            f"| {found['sites']:,} | {found['fibers']:,} | {found['lsps']:,} | {found['status']} | "
            f"{found['cost']:,.0f} | {gap(found)} | {found['load_s']:.1f} s | "
            f"{found['plan_s']:.1f} s | {found['processor_s']:.1f} s | {found['memory_mb']:,.0f} MB |",
            flush=True,
        )
    for name, series in times.items():
        if len(series) > 1:
            exponent = np.polyfit(*np.log(np.array(series, dtype=np.float64).T), 1)[0]
            print(f"\n{name}, {series[0][0]:,} to {series[-1][0]:,} LSPs: exponent {exponent:.2f}")
    if options.plot is not None:
        plot(times, options.plot)
    if options.huge:
        against_the_clock()


def against_the_clock() -> None:
    """Plan the largest networks for a given time."""
    print(
        "\n| sites | LSPs | time limit | first plan, verified | its cost | last plan | lower bound | gap "
        "| generations | run | processor | memory |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for size, limit_s in LIMITS.items():
        found = run(size, limit_s)
        print(
            f"| {found['sites']:,} | {found['lsps']:,} | {limit_s:.0f} s | {found['first_s']:.0f} s | "
            f"{found['first_cost']:,.0f} | {found['cost']:,.0f} | {found['bound']:,.0f} | "
            f"{gap(found)} | {found['generations']} | {found['plan_s']:.0f} s | "
            f"{found['processor_s']:.0f} s | {found['memory_mb']:,.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
