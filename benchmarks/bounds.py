"""Lower bounds against plans: ``python benchmarks/bounds.py [--seconds 60] [--shared FOLDER] [NAME ...]``.

Plans and bounds every scenario for so many seconds each: networks of 11 to 75 sites with grooming and all
single cuts, then ``configs/``; gap = (plan - bound) / plan. ``--small`` holds the bounds against the proven
optima of ``benchmarks/small`` instead. A network whose data or package is missing is left out. ``--plans
FOLDER`` keeps the plans there and goes on from them: repeated runs see better plans. Exit code 1 if a bound
is above a plan.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from netopt_heur import Plan, Scenario, load_scenario, plan
from netopt_heur.bounds import lower_bound

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for the scenario texts beside the tests

from tests.large_networks import cernet_text, edge_list_text, full_mesh_text, scenario_text  # noqa: E402

SMALL = ROOT / "benchmarks/small"
ROUNDING = 1e-6  # relative, of the stored optima


def texts(shared: Path) -> dict[str, str]:
    """YAML of each network whose data is there."""
    data = (shared / "data").resolve()
    edge_lists = {
        "nsfnet": data / "rsa_topologies/14n-42m-NSF.txt",
        "cost239": data / "rsa_topologies/11n-52m-Pan-European-COST239.txt",
        "dt14": data / "rsa_topologies/14n-46m-Generic-Deutsche-Telekom-DT.txt",
    }
    found = {name: edge_list_text(name, path) for name, path in edge_lists.items() if path.exists()}
    if importlib.util.find_spec("topolib") is not None:
        found["spain30"] = full_mesh_text("spain30", "topolib: spain30", "population", 30)
    if (data / "flexwan_cernet").exists():
        found["cernet"] = cernet_text(data / "flexwan_cernet")
    coronet = data / "coronet/CORONET_CONUS_Topology.json"
    if coronet.exists():
        found["coronet"] = scenario_text("coronet", f"gnpy: {coronet}", "uniform", "uniform", 2000)
    return found


def scenarios(shared: Path, names: list[str]) -> Iterator[Scenario]:
    """The scenarios asked for, or all."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts(shared).items():
            if not names or name in names:
                path = Path(folder) / f"{name}.yaml"
                path.write_text(text, encoding="utf-8")
                yield load_scenario(path)
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        if not names or path.stem in names:
            yield load_scenario(path)


def compare_plans(options: argparse.Namespace) -> int:
    """Print one row per scenario: bound, plan, gap."""
    print("| scenario | sites | LSPs | bound | plan | gap | s |\n|---|---|---|---|---|---|---|")
    worst = 0
    for scenario in scenarios(options.shared, options.names):
        out = options.plans / scenario.name if options.plans else None
        known = out / "plan.json" if out else None
        start = Plan.load(known) if known and known.exists() else None
        result = plan(scenario, time_limit_s=options.seconds, out_dir=out, start=start)
        bound = lower_bound(scenario, time_limit_s=options.seconds)
        gap = 100 * (1 - bound.bound / result.cost)
        feasible = result.status == "feasible"
        worst |= gap < 0 and feasible
        best = f"{result.cost:,.1f} | {gap:.1f} %" if feasible else "none | -"
        print(
            f"| {scenario.name} | {len(scenario.sites)} | {result.stats['lsps']:,} | {bound.bound:,.1f} | "
            f"{best} | {bound.runtime_s:.0f} |",
            flush=True,
        )
    return worst


def compare_optima(options: argparse.Namespace) -> int:
    """Print one row per instance of the library: bound, proven optimum, gap."""
    with (SMALL / "optima.csv").open(encoding="utf-8", newline="") as file:
        optima = {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}
    print("| instance | bound | optimum | gap | s |\n|---|---|---|---|---|")
    gaps = {}
    for name, optimum in optima.items():
        if options.names and name not in options.names:
            continue
        bound = lower_bound(load_scenario(SMALL / f"{name}.yaml"), time_limit_s=options.seconds)
        gaps[name] = 100 * (1 - bound.bound / optimum)
        print(
            f"| {name} | {bound.bound:.2f} | {optimum:.2f} | {gaps[name]:.1f} % | {bound.runtime_s:.1f} |",
            flush=True,
        )
    ranked = sorted(gaps.values())
    print(f"\n{len(gaps)} instances, median gap {ranked[len(ranked) // 2]:.1f} %, ", end="")
    print(f"mean {sum(ranked) / len(ranked):.1f} %, largest {ranked[-1]:.1f} %")
    return int(ranked[0] < -100 * ROUNDING)


def main() -> int:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="scenarios; default all")
    parser.add_argument("--seconds", type=float, default=60.0, help="per plan and per bound")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder that holds data/")
    parser.add_argument("--plans", type=Path, help="folder that keeps the plans")
    parser.add_argument("--small", action="store_true", help="against proven optima")
    options = parser.parse_args()
    return compare_optima(options) if options.small else compare_plans(options)


if __name__ == "__main__":
    sys.exit(main())
