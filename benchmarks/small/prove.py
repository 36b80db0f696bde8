"""Prove the optimum of every scenario of the library again: ``python benchmarks/small/prove.py [NAME ...]``.

With ``--from-plan`` every proof starts from a plan of the planner's first generation, and the start is asked
for all that it says, on the smallest networks too. Without names it writes ``optima.csv``
(``instance,optimum,proof_s``); with ``--check`` it compares instead. Exit code 1 if any proof
fails or differs.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from netopt_heur import load_scenario, plan
from netopt_heur.exact import solve_exact, solver

HERE = Path(__file__).parent
OPTIMA = HERE / "optima.csv"
TOLERANCE = 1e-6


def stored() -> dict[str, float]:
    """Optima on file."""
    if not OPTIMA.exists():
        return {}
    with OPTIMA.open(encoding="utf-8", newline="") as file:
        return {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}


def main() -> int:
    """Prove, then write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="instances; default all")
    parser.add_argument("--check", action="store_true", help="compare with optima.csv instead of writing it")
    parser.add_argument("--from-plan", action="store_true", help="start from a plan of the planner")
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds per instance")
    arguments = parser.parse_args()
    if arguments.from_plan:
        solver.WORTH_NARROWING = 0
    names = arguments.names or sorted(path.stem for path in HERE.glob("*.yaml"))
    known, rows, faults = stored(), [], 0
    for name in names:
        scenario = load_scenario(HERE / f"{name}.yaml")
        start = plan(scenario, seed=1, generations=0, bound=False).plan if arguments.from_plan else None
        result = solve_exact(scenario, time_limit_s=arguments.time_limit, warm_start=start)
        over = "everything" if result.complete else "the candidates"
        print(
            f"{name:28} {result.status:10} {result.cost:12.4f} {result.runtime_s:8.2f} s  over {over}",
            flush=True,
        )
        wrong = name in known and abs(result.cost - known[name]) > TOLERANCE * max(1.0, known[name])
        faults += result.status != "optimal" or (arguments.check and (wrong or name not in known))
        rows.append((name, f"{result.cost:.6f}", f"{result.runtime_s:.2f}"))
    if not (arguments.check or arguments.names or arguments.from_plan):
        with OPTIMA.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("instance", "optimum", "proof_s"))
            writer.writerows(rows)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
