"""Write random small scenarios with proven optima: ``python benchmarks/small/unseen.py FOLDER [--count 60]``.

The library's scenarios have a purpose each; these have none. Networks of 3 to 9 sites, every feature switched
on at random. Those that the exact model proves in time are kept, with ``optima.csv`` beside them:
``compare.py --folder FOLDER`` then tells how often the planner finds optima that nobody looked at before.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import generate
import numpy as np
import yaml

from netopt_heur import load_scenario
from netopt_heur.errors import InputError
from netopt_heur.exact import ExactLimits, solve_exact
from netopt_heur.exact.solver import UnverifiedPlanError

Document = dict[str, Any]
ROUTES = 60  # routes, and pairs of them, between two sites: all there are, mostly


def document(seed: int) -> Document:
    """A random scenario; the same seed gives the same one."""
    rng = np.random.default_rng([seed, 82])
    network = str(rng.choice(list(generate.NETWORKS)))
    made = generate.base(network, name=f"unseen_{seed:04d}")
    sites = [s["id"] for s in made["sites"]]
    _fibers(rng, made)
    _equipment(rng, made, sites)
    made["traffic"] |= {"seed": seed, "samples_per_hour": int(rng.choice([1, 1, 4, 5]))}
    made["policy"] |= {
        "confidence": float(rng.choice([0.6, 0.8, 1.0])),
        "failure_confidence": float(rng.choice([0.6, 0.8, 1.0])),
        "max_utilisation": float(rng.choice([0.8, 1.0])),
        "max_ip_hops": int(rng.choice([1, 2, 2, 3])),
        "max_link_hops": int(rng.choice([1, 2, 3, 3])),
        "split_gbps": float(rng.choice([60, 200, 400])),
        "failures": _failures(rng, made),
    }
    made["services"] = {
        "bursty": {"noise_cv": 0.4},
        "burst": {"burst": {"per_hour": 2, "duration_s": 600, "mean": 0.8}},
    }
    made["demands"] = _demands(rng, sites)
    _without_router(rng, made)
    if made["demands"]["transfers"]:
        made["traffic"] |= {"hours": 24, "samples_per_hour": 1}
    if rng.random() < 0.35:
        made["wave_offers"] = [_offer(rng, made, sites)]
    return made


def _fibers(rng: np.random.Generator, made: Document) -> None:
    for fiber in made["fibers"]:
        fiber["length_km"] = int(fiber["length_km"] * rng.uniform(0.6, 1.5))
        if rng.random() < 0.15:
            fiber["lit_pairs"] = 1
        elif rng.random() < 0.15:
            fiber |= {"candidate": True, "build_cost": int(rng.integers(5, 40))}
        if rng.random() < 0.3:
            fiber["max_pairs"] = int(rng.integers(1, 3))
        if rng.random() < 0.15:
            fiber["srlgs"] = ["duct"]
    if rng.random() < 0.3:
        twin = made["fibers"][0]
        made["fibers"].append(
            {"id": "twin", "a": twin["a"], "b": twin["b"], "length_km": twin["length_km"] + 40}
        )


def _equipment(rng: np.random.Generator, made: Document, sites: list[str]) -> None:
    if rng.random() < 0.3:
        made["catalogue"]["chassis"] = [
            {"capacity_gbps": 200, "price": 4}, {"capacity_gbps": 800, "price": int(rng.integers(8, 14))}
        ]  # fmt: skip
    if rng.random() < 0.4:
        reach = {"100G": int(rng.integers(500, 900)), "400G": int(rng.integers(300, 500))}
        for mode, km in reach.items():
            made["catalogue"]["modes"][mode]["reach_km"] = km
        for site in made["sites"]:
            site["regen"] = bool(rng.random() < 0.8)
            site["regen_open_cost"] = int(rng.choice([0, 6, 25]))
    made["catalogue"]["pair_terminal"] = int(rng.choice([1, 4, 8]))
    made["spectrum"] = {
        "slots": int(rng.choice([8, 10, 16, 96])),
        "continuity": str(rng.choice(["required", "required", "none"])),
    }
    for site in made["sites"]:
        site["unavailability"] = float(rng.choice([0.0, 1e-5]))


def _without_router(rng: np.random.Generator, made: Document) -> None:
    """Take the router from a site where no packets end."""
    ends = {x for p in made["demands"]["packets"] for x in (p["a"], p["b"])}
    ends |= {x for t in made["demands"]["transfers"] for x in (t["source"], *t["targets"])}
    others = [site for site in made["sites"] if site["id"] not in ends]
    if others and rng.random() < 0.2:
        others[int(rng.integers(len(others)))]["router"] = False


def _failures(rng: np.random.Generator, made: Document) -> Document:
    draw, fibers = rng.random(), [f["id"] for f in made["fibers"]]
    if draw < 0.15:
        return {"srlgs": True, "sites": True}
    if draw < 0.3:
        return {"pairs": [[fibers[0], fibers[1]]]}
    return {"srlgs": True}


def _promise(rng: np.random.Generator) -> Document:
    promise: Document = {"protection": str(rng.choice(["none", "none", "survivable", "disjoint"]))}
    if rng.random() < 0.2:
        promise["max_latency_ms"] = float(rng.choice([4.0, 6.0]))
    if rng.random() < 0.15:
        promise["min_availability"] = float(rng.choice([0.999, 0.9995, 0.9999]))
    if promise["protection"] == "disjoint" and rng.random() < 0.3:
        promise["node_disjoint"] = True
    return promise


def _demands(rng: np.random.Generator, sites: list[str]) -> Document:
    kind = rng.random()
    common = _promise(rng) if rng.random() < 0.6 else None
    packets: list[Document] = []
    circuits: list[Document] = []
    transfers: list[Document] = []
    most = 4 if len(sites) < 7 else 6
    for k in range(int(rng.integers(1, most + 1)) if kind < 0.85 else 0):
        a, b = (str(x) for x in rng.choice(sites, 2, replace=False))
        service = str(rng.choice(["bursty", "burst"]))
        promise = common or _promise(rng)
        packets.append(
            generate.packet(a, b, float(rng.integers(10, 150)), service=service, **promise) | {"id": f"p{k}"}
        )
    for k in range(int(rng.integers(1, 5)) if kind > 0.6 else 0):
        a, b = (str(x) for x in rng.choice(sites, 2, replace=False))
        waves, rate = int(rng.integers(1, 4)), int(rng.choice([100, 100, 400]))
        circuits.append(generate.circuit(a, b, waves, rate, **(common or _promise(rng))) | {"id": f"c{k}"})
    if kind < 0.15:
        a, b, c = (str(x) for x in rng.choice(sites, 3, replace=False))
        window = ["22:00", "02:00"] if rng.random() < 0.5 else ["20:00", "04:00"]
        transfers.append({"id": "move", "source": a, "targets": [b, c], "volume_gb": 60000, "window": window})
    return {"packets": packets, "circuits": circuits, "transfers": transfers}


def _offer(rng: np.random.Generator, made: Document, sites: list[str]) -> Document:
    a, b = (str(x) for x in rng.choice(sites, 2, replace=False))
    return {
        "id": "wave",
        "a": a,
        "b": b,
        "length_km": 500,
        "max_units": int(rng.integers(1, 5)),
        "setup": int(rng.choice([0, 5])),
        "availability": 0.9995,
        "srlgs": [made["fibers"][0]["id"]] if rng.random() < 0.3 else [],
        "units": [{"rate_gbps": 100, "price": int(rng.integers(8, 30))}, {"rate_gbps": 400, "price": 45}],
    }


def main() -> int:
    """Write, prove and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60, help="scenarios to keep")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--time-limit", type=float, default=20.0, help="seconds per proof")
    parser.add_argument("--parallel-links", type=int, default=1, help="equal links side by side in the proof")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    limits = ExactLimits(
        routes_per_pair=ROUTES, protected_per_pair=ROUTES, parallel_links=arguments.parallel_links
    )
    seed, rows = arguments.first, []
    while len(rows) < arguments.count:
        path = arguments.folder / f"unseen_{seed:04d}.yaml"
        seed += 1
        path.write_text(yaml.safe_dump(document(seed - 1), sort_keys=False), encoding="utf-8")
        try:
            result = solve_exact(load_scenario(path), time_limit_s=arguments.time_limit, limits=limits)
        except (InputError, UnverifiedPlanError) as error:
            print(f"{path.stem}: {error}", flush=True)
            path.unlink()
            continue
        if result.status != "optimal":
            print(f"{path.stem}: {result.status}", flush=True)
            path.unlink()
            continue
        rows.append((path.stem, f"{result.cost:.6f}", f"{result.runtime_s:.2f}"))
        with (arguments.folder / "optima.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("instance", "optimum", "proof_s"))
            writer.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
