"""Static RWA: fewest wavelengths found, and the seconds it takes, over several seeds.

    python benchmarks/rwa.py DIR [--seeds 5] [--time-limit 10] [--only NAME] [--method METHOD]

DIR holds instance files (``N E T``, directed edges, requests). Each is solved after one untimed run that
compiles the kernels; every solution passes the independent check. Best known values are looked up by name;
for other files the best of the run's own bounds stands in.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import rwa_alternatives

from netopt_heur.rwa import RwaInstance, RwaResult, check_solution, read_instance, solve_rwa, to_dict

# Published values; Y4-020-1's was 18 (bound 17) before this solver.
BEST_KNOWN = {
    "ATT": 20,
    "ATT2": 113,
    "Brasil": 48,
    "EON": 22,
    "Finland": 46,
    "NSF-01": 22,
    "NSF-03": 22,
    "NSF-12": 38,
    "NSF-48": 41,
    "NSF2-01": 21,
    "NSF2-03": 21,
    "NSF2-12": 35,
    "NSF2-48": 39,
    "Z08x13-020": 33,
    "Y4-020-1": 18,
}


def ejection(instance: RwaInstance, seed: int, time_limit_s: float) -> RwaResult:
    return solve_rwa(instance, seed=seed, time_limit_s=time_limit_s)


METHODS: dict[str, Callable[[RwaInstance, int, float], RwaResult]] = {
    "ejection": ejection,
    "order": rwa_alternatives.evolved_order,
    "two-stage": rwa_alternatives.two_stage,
}


def checked(instance: RwaInstance, result: RwaResult) -> RwaResult:
    if problems := check_solution(instance, to_dict(result)):
        raise SystemExit(f"{instance.name}: wrong solution: {problems[:3]}")
    return result


def row(path: Path, method: str, seeds: int, time_limit_s: float) -> str:
    instance = read_instance(path)
    name = path.name.split(".n")[0].removesuffix(".txt")
    runs = [checked(instance, METHODS[method](instance, seed, time_limit_s)) for seed in range(seeds)]
    bound = max(run.lower_bound for run in runs)
    known = BEST_KNOWN.get(name, bound)
    found = [run.wavelengths for run in runs]
    found_s, total_s = [run.found_s for run in runs], [run.runtime_s for run in runs]
    gap_percent = 100.0 * (statistics.mean(found) / known - 1.0)
    return (
        f"| {name} | {known} | {bound} | {min(found)} | {max(found)} | {statistics.median(found_s):.2f} | "
        f"{max(found_s):.2f} | {statistics.median(total_s):.2f} | {gap_percent:+.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmark of the static RWA solver.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--only", default="", help="run the files whose name starts so")
    parser.add_argument("--method", choices=METHODS, default="ejection")
    arguments = parser.parse_args()
    paths = sorted(arguments.directory.glob(f"{arguments.only}*.txt"))
    if not paths:
        raise SystemExit(f"{arguments.directory}: no such *.txt file")
    METHODS[arguments.method](read_instance(paths[0]), 0, 0.5)
    print("| instance | best known | bound | best | worst | found s, median | worst | all s | mean gap % |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in paths:
        print(row(path, arguments.method, arguments.seeds, arguments.time_limit), flush=True)


if __name__ == "__main__":
    main()
