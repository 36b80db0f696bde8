"""CORONET CONUS with 2,000 LSPs over time: ``python benchmarks/coronet.py [--seconds 30 600] [--silo]``.

One run per time limit; prints the first plan that passed the referee, the last plan, and how far each last
plan is above the cheapest. ``--silo`` also plans layer by layer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from netopt_heur import Result, Scenario, load_scenario, plan
from netopt_heur.silo.compare import compare_silo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for the scenario text beside the tests

from tests.large_networks import scenario_text  # noqa: E402

TOPOLOGY = Path("data/coronet/CORONET_CONUS_Topology.json")


def coronet(shared: Path) -> Scenario:
    """The scenario of tests/test_large_networks.py."""
    topology = (shared / TOPOLOGY).resolve()
    if not topology.exists():
        raise SystemExit(f"{topology} is missing; --shared FOLDER says where the data is")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coronet.yaml"
        path.write_text(scenario_text("coronet", f"gnpy: {topology}", "uniform", "uniform", 2000), "utf-8")
        return load_scenario(path)


def row(limit_s: float, result: Result, least: float) -> str:
    """One line of the table."""
    first = result.history[0]["cost"]
    return (
        f"| {limit_s:,.0f} s | {first:,.0f} after {result.first_feasible_s:.1f} s | {result.cost:,.0f} | "
        f"{100 * (1 - result.cost / first):.1f} % | {100 * (result.cost / least - 1):.1f} % | "
        f"{result.generations} | {result.status} |"
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[30.0, 600.0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--silo", action="store_true", help="also compare with the siloed baseline")
    options = parser.parse_args()
    scenario = coronet(options.shared)
    results = {s: plan(scenario, seed=options.seed, time_limit_s=s, bound=False) for s in options.seconds}
    least = min(result.cost for result in results.values())
    print("| time | first plan | last plan | below the first | above the cheapest | generations | referee |")
    print("|---|---|---|---|---|---|---|")
    for limit_s, result in results.items():
        print(row(limit_s, result, least))
    if options.silo:
        compared = compare_silo(scenario, seed=options.seed, time_limit_s=max(options.seconds[0], 30.0))
        print(f"\nsilo {compared['silo']['cost']:,.0f}, joint {compared['joint']['cost']:,.0f}: ", end="")
        print(f"{compared['saving_percent']:.1f} % cheaper")


if __name__ == "__main__":
    main()
