"""Asked and got, as Markdown: ``python benchmarks/kernels/table.py RESULTS.json``.

RESULTS.json comes from ``pytest benchmarks/kernels --benchmark-json=RESULTS.json``.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

OURS = ("ours", "a pair at a time", "compiled caller", "batched by target", "all targets", "k = 8")

# work, kernel's row, peer's row, at least so many times as fast
TIMES = [
    ("k = 8 paths, germany50", "compiled caller", "scipy", 40),
    ("k = 8 paths, 1,000 sites", "compiled caller", "scipy", 100),
    ("k = 8 paths, 5,000 sites", "compiled caller", "igraph", 190),
    ("k = 8 paths, germany50", "a pair at a time", "scipy", 40),
    ("k = 8 paths, 1,000 sites", "a pair at a time", "scipy", 100),
    ("k = 8 paths, 5,000 sites", "a pair at a time", "igraph", 190),
    ("k = 8 paths, 1,000 sites", "batched by target", "scipy", 1500),
    ("k = 8 paths, 5,000 sites", "batched by target", "igraph", 9000),
    ("k = 8 paths, germany50", "batched by target", "networkx", 370),
    ("k = 8 paths, 174 sites", "a pair at a time", "networkx", 370),
    ("k = 8 paths, 500 sites", "a pair at a time", "networkx", 370),
    ("k = 8 paths, 1,000 sites", "a pair at a time", "networkx", 370),
    ("k = 8 paths, 5,000 sites", "a pair at a time", "networkx", 370),
    ("disjoint pair, 1,000 sites", "all targets", "or-tools", 4000),
    ("disjoint pair, 1,000 sites", "all targets", "networkx", 100_000),
    ("loads of 20k LSPs on 2k links x 1,000 samples, float32", "ours", "scipy CSR", 10),
    ("95th percentile, 1,000 samples, float32", "ours", "np.quantile", 10),
    ("95th percentile, 512 samples, float32", "ours", "np.sort", 1),
    ("fits or not, 1,000 samples, float32", "ours", "np.partition", 50),
    ("one LSP moved, 12 links, feasibility", "ours", "np.partition", 150),
    ("one LSP moved, 12 links, percentiles", "ours", "np.partition", 20),
    ("failure sweep, germany50", "ours", "numpy", 40),
    ("failure sweep, 174 sites", "ours", "numpy", 40),
    ("failure sweep, germany50", "ours", "scipy deltas", 7),
    ("failure sweep, 174 sites", "ours", "scipy deltas", 7),
    ("first-fit, 1 slots, per hop", "ours", "python_integers", 30),
    ("first-fit, 1 slots, per hop", "ours", "numpy_booleans", 200),
    ("first-fit, 6 slots, per hop", "ours", "python_integers", 30),
    ("first-fit, 6 slots, per hop", "ours", "numpy_booleans", 200),
]
# work, kernel's row, units of work, at most so many seconds
SECONDS = [
    ("k = 8 paths, 1,000 sites", "batched by target", 1000 * 999 / 2, 2.5, "all pairs of 1,000 sites"),
    ("disjoint pair, 1,000 sites", "all targets", 1000 * 999, 0.45, "all ordered pairs of 1,000 sites"),
    ("SRLG-disjoint pair, germany50", "k = 8", 1, 30e-6, "a pair"),
    ("first-fit, 1 slots, per hop", "ours", 1, 3e-9, "a hop"),
]


def seconds_per_unit(results: Path) -> dict[str, dict[str, float]]:
    """Median seconds per unit of work, by group and contender."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for run in json.loads(results.read_text())["benchmarks"]:
        found[run["group"]][run["name"]] = run["stats"]["median"] / run["extra_info"]["units"]
    return found


def readable(seconds: float) -> str:
    """Three digits in a fitting unit."""
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
    unit, size = next((u for u in units if seconds >= u[1]), units[-1])
    return f"{seconds / size:.3g} {unit}"


def bandwidth_share(found: dict[str, dict[str, float]]) -> float:
    """Share of the memory's bandwidth that summing loads reaches: samples read once, loads written once."""
    floor_s = 0.08 * found["memory, GB"]["read"] + 0.008 * found["memory, GB"]["copy"]
    return floor_s / found["loads of 20k LSPs on 2k links x 1,000 samples, float32"]["ours"]


def main() -> None:
    """Print all timings, then asked and got."""
    found = seconds_per_unit(Path(sys.argv[1]))
    print("| work | kernel | peers, same run |\n|---|---|---|")
    for group, rows in found.items():
        ours = [f"{name} {readable(rows[name])}" for name in OURS if name in rows]
        peers = sorted((seconds, name) for name, seconds in rows.items() if name not in OURS)
        print(f"| {group} | {', '.join(ours)} | {', '.join(f'{name} {readable(s)}' for s, name in peers)} |")
    print("\n| work | against | asked | got |\n|---|---|---|---|")
    for group, name, peer, times in TIMES:
        if peer in found[group]:
            got = found[group][peer] / found[group][name]
            print(f"| {group}, {name} | {peer} | {times:,} x | {got:,.1f} x |")
    for group, name, units, limit, what in SECONDS:
        if name in found[group]:
            got = units * found[group][name]
            print(f"| {group}, {name} | {what} | {readable(limit)} | {readable(got)} |")
    if "memory, GB" in found:
        print(
            f"| loads of 20k LSPs | bandwidth of the memory | 40 % | {100.0 * bandwidth_share(found):.0f} % |"
        )


if __name__ == "__main__":
    main()
