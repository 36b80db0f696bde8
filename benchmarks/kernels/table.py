"""Asked and got, as Markdown: ``python benchmarks/kernels/table.py RESULTS.json``.

RESULTS.json comes from ``pytest benchmarks/kernels --benchmark-json=RESULTS.json``: medians of processor time.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

OURS = ("ours", "a pair at a time", "batched by target", "all targets", "all targets, with paths", "k = 8")

# group, our row, "<= limit" in seconds a unit or ">= times" as fast as a peer
ASKED = [
    ("k = 8 paths, germany50", "a pair at a time", "igraph", 40),
    ("k = 8 paths, germany50", "a pair at a time", "scipy", 40),
    ("k = 8 paths, 1,000 sites", "a pair at a time", "igraph", 100),
    ("k = 8 paths, 1,000 sites", "a pair at a time", "scipy", 100),
    ("k = 8 paths, 5,000 sites", "a pair at a time", "igraph", 190),
    ("k = 8 paths, 5,000 sites", "a pair at a time", "scipy", 190),
    ("k = 8 paths, 1,000 sites", "batched by target", "igraph", 1500),
    ("k = 8 paths, 1,000 sites", "batched by target", "scipy", 1500),
    ("k = 8 paths, 5,000 sites", "batched by target", "igraph", 9000),
    ("k = 8 paths, 5,000 sites", "batched by target", "scipy", 9000),
    ("k = 8 paths, germany50", "a pair at a time", "networkx", 370),
    ("k = 8 paths, 174 sites", "a pair at a time", "networkx", 370),
    ("k = 8 paths, 500 sites", "a pair at a time", "networkx", 370),
    ("k = 8 paths, 1,000 sites", "a pair at a time", "networkx", 370),
    ("k = 8 paths, 5,000 sites", "a pair at a time", "networkx", 370),
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


def main() -> None:
    """Print all timings, then asked and got."""
    found = seconds_per_unit(Path(sys.argv[1]))
    print("| work | kernel | peers, same run |\n|---|---|---|")
    for group, rows in found.items():
        ours = {name: seconds for name, seconds in rows.items() if name in OURS}
        peers = sorted((seconds, name) for name, seconds in rows.items() if name not in OURS)
        left = ", ".join(f"{name} {readable(seconds)}" for name, seconds in ours.items())
        print(f"| {group} | {left} | {', '.join(f'{name} {readable(seconds)}' for seconds, name in peers)} |")
    print("\n| work | against | asked | got |\n|---|---|---|---|")
    for group, name, peer, times in ASKED:
        if group in found:
            got = found[group][peer] / found[group][name]
            print(f"| {group}, {name} | {peer} | {times:,} x | {got:,.0f} x |")


if __name__ == "__main__":
    main()
