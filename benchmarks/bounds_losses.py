"""Where a plan and its lower bound part: ``python benchmarks/bounds_losses.py --plans FOLDER [NAME ...]``.

For each network two tables: the cost of the plan kept in the folder (by ``bounds.py --plans``) item by item
beside that of the linear relaxation with its cuts; and plan, bound and gap with and without noise in the
traffic, and with and without protection, so many seconds each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # for the scenarios of the other table

from bounds import ROOT, scenarios, texts  # noqa: E402

from netopt_heur import Plan, Scenario, load_scenario, plan  # noqa: E402
from netopt_heur.bounds import bound, lower_bound  # noqa: E402
from netopt_heur.bounds.master import Master  # noqa: E402
from netopt_heur.bounds.transit import Transit, add_transit  # noqa: E402
from netopt_heur.instance import F64  # noqa: E402
from tests.bounds.test_points import point_of  # noqa: E402

NOISE = "noise_cv: 0.3"  # in the scenario texts
PROTECTED = "protection: survivable"
NETWORKS = ["cost239", "nsfnet", "cernet"]


def relaxation(scenario: Scenario, seconds: float) -> tuple[Master, Transit, F64]:
    """Columns and solution of the linear relaxation with its cuts."""
    kept: dict[str, Transit] = {}
    solutions: list[F64] = []

    def keep(*arguments: object) -> Transit:
        kept["transit"] = add_transit(*arguments)  # type: ignore[arg-type]
        return kept["transit"]

    cut = bound._Run._cut

    def follow(*arguments: object) -> F64:
        solutions.append(cut(*arguments))  # type: ignore[arg-type]
        return solutions[-1]

    with (
        patch.object(bound, "add_transit", keep),
        patch.object(bound._Run, "_cut", follow),
        patch.object(bound._Run, "_branch", lambda *_: None),
    ):
        lower_bound(scenario, time_limit_s=seconds)
    return kept["transit"].master, kept["transit"], solutions[-1]


def items(master: Master, x: F64) -> Iterator[tuple[str, float]]:
    """Cost items, and what explains them."""
    cost = np.array(master.program.cost)
    of = {
        "fiber pairs": [*master.pairs.values(), *master.lit.values()],
        "transponders, single": [c for (*_, n), c in master.ends.items() if n == 1],
        "transponders, 1+1": [c for (*_, n), c in master.ends.items() if n == 2],
        "regenerators": list(master.regens.values()),
        "ports": list(master.ports.values()),
        "chassis": list(master.chassis.values()),
    }
    yield from ((name, float(cost[columns] @ x[columns])) for name, columns in of.items())
    yield "all", float(cost @ x[: len(cost)])
    yield "lit fibers", sum(float(x[c]) for c in master.lit.values())
    yield "Tb/s of ports", sum(rate * float(x[c]) for (_, rate), c in master.ports.items()) / 1_000
    yield "of these 1+1", sum(rate * float(x[c]) for (_, rate), c in master.twins.items()) / 1_000


def print_items(scenario: Scenario, known: Path, seconds: float) -> None:
    """Print both sides item by item."""
    master, transit, x = relaxation(scenario, seconds)
    sides = [
        dict(items(master, point_of(master, transit, Plan.load(known).to_dict()))),
        dict(items(master, x)),
    ]
    print(f"\n| {scenario.name} | plan | relaxation |\n|---|---|---|")
    for name in sides[0]:
        print(f"| {name} | {sides[0][name]:,.1f} | {sides[1][name]:,.1f} |", flush=True)


def print_causes(name: str, text: str, folder: Path, seconds: float) -> None:
    """Print plan, bound and gap without noise, and without protection."""
    print(f"\n| {name} | plan | bound | gap |\n|---|---|---|---|")
    for noise in (NOISE, "noise_cv: 0.0"):
        for protection in (PROTECTED, "protection: none"):
            path = folder / f"{name}.yaml"
            path.write_text(text.replace(NOISE, noise).replace(PROTECTED, protection), encoding="utf-8")
            scenario = load_scenario(path)
            cost = plan(scenario, time_limit_s=seconds, bound=False).cost
            least = lower_bound(scenario, time_limit_s=seconds).bound
            gap = 100 * (1 - least / cost)
            print(f"| {noise}, {protection} | {cost:,.1f} | {least:,.1f} | {gap:.1f} % |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--seconds", type=float, default=25.0, help="per plan and per bound")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder that holds data/")
    parser.add_argument("--plans", type=Path, required=True, help="folder of the plans")
    options = parser.parse_args()
    known_texts = texts(options.shared)
    for scenario in scenarios(options.shared, options.names):
        print_items(scenario, options.plans / scenario.name / "plan.json", options.seconds)
        print_causes(scenario.name, known_texts[scenario.name], options.plans, options.seconds)


if __name__ == "__main__":
    main()
