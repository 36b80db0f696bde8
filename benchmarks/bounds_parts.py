"""What each part of the bound gives: ``python benchmarks/bounds_parts.py [--shared FOLDER] [NAME ...]``.

Prints the linear relaxation with all rows that are there from the start, then with one part left out at a
time. It does not depend on the machine, only on the solver.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # for the scenarios of the other table

from bounds import ROOT, scenarios  # noqa: E402

from netopt_heur import Scenario  # noqa: E402
from netopt_heur.bounds import bound, packing, site_cuts, traffic, transit  # noqa: E402
from netopt_heur.instance import F64, I64  # noqa: E402

NETWORKS = ["cost239", "nsfnet", "dt14", "cernet"]


def whole_groups(total: F64, group_start: I64, rank: I64) -> Iterator[tuple[int, I64, int]]:
    """All samples of each group: plain trimmed means."""
    for g, (start, stop) in enumerate(zip(group_start[:-1].tolist(), group_start[1:].tolist(), strict=True)):
        yield g, np.arange(start, stop, dtype=np.int64), int(rank[g])


def nothing(*_: object) -> None:
    """Instead of a part that adds rows."""


def no_rows(*_: object) -> list[object]:
    """Instead of a part that returns rows."""
    return []


PARTS: dict[str, list[tuple[object, str, Callable[..., object]]]] = {
    "nothing": [],
    "busiest samples": [(traffic, "sets_of_samples", whole_groups)],
    "links": [(transit.Transit, "add", nothing), (transit, "add_twin_costs", nothing)],
    "whole LSPs": [(packing, "_worths", no_rows)],
    "distances": [(transit, "add_twin_costs", nothing), (transit, "add_link_costs", nothing)],
    "few ways": [(site_cuts.SiteCuts, "chords", no_rows)],
}


def relaxation(scenario: Scenario, part: str) -> float:
    """Optimum of the linear relaxation before any cut is separated."""
    with ExitStack() as stack:
        for owner, name, instead in PARTS[part]:
            stack.enter_context(patch.object(owner, name, instead))
        stack.enter_context(patch.object(bound, "LP_SHARE", 0.0))  # no rounds of cuts
        stack.enter_context(patch.object(bound._Run, "_branch", nothing))
        return bound.lower_bound(scenario, time_limit_s=math.inf).method["relaxation"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder that holds data/")
    options = parser.parse_args()
    print(f"| scenario | {' | '.join(PARTS)} |\n|{'---|' * (1 + len(PARTS))}")
    for scenario in scenarios(options.shared, options.names):
        values = [f"{relaxation(scenario, part):,.0f}" for part in PARTS]
        print(f"| {scenario.name} | {' | '.join(values)} |", flush=True)


if __name__ == "__main__":
    main()
