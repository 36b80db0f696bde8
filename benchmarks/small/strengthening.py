"""What each part of the exact model's strengthening is worth.

``python benchmarks/small/strengthening.py [NAME ...]`` prints, per instance and with one part left out at
a time, the bound of the linear relaxation and the time to the proof (``>`` and the limit if not reached).
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from netopt_heur import load_scenario
from netopt_heur.exact.candidates import build_candidates
from netopt_heur.exact.limits import ExactLimits, Strengthening
from netopt_heur.exact.linear import solve
from netopt_heur.exact.milp import build_model
from netopt_heur.exact.solver import solve_exact
from netopt_heur.instance import build_instance

HERE = Path(__file__).parent
DEFAULT = ("hexa_groom_survivable", "nona_disjoint", "kite_percentile", "penta_surge", "hexa_mesh")


def main() -> None:
    """Solve with everything, then without each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=DEFAULT)
    parser.add_argument("--time-limit", type=float, default=60.0)
    arguments = parser.parse_args()
    print("| instance | left out | relaxation | optimum | s |\n|---|---|---|---|---|")
    for name in arguments.names:
        scenario = load_scenario(HERE / f"{name}.yaml")
        for part in ("", *(field.name for field in fields(Strengthening))):
            strengthening = Strengthening(**({part: False} if part else {}))
            candidates = build_candidates(
                build_instance(scenario), ExactLimits(), merge_equal_lsps=strengthening.merge_equal_lsps
            )
            program = build_model(candidates, strengthening).program
            program.integer = [False] * len(program.integer)
            relaxation = solve(program).objective
            result = solve_exact(scenario, time_limit_s=arguments.time_limit, strengthening=strengthening)
            late = "" if result.status == "optimal" else "> "
            print(
                f"| {name} | {part or 'nothing'} | {relaxation:.2f} | {result.cost:.2f} |"
                f" {late}{result.runtime_s:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
