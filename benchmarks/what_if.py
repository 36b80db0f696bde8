"""What-if answers against planning anew: ``python benchmarks/what_if.py [--questions 30] [--replans 2]``.

A plan of each network is made in ``--seconds`` and asked many random questions of each kind. Per kind: CPU
time of an answer, share of feasible answers, change of cost. The first feasible answers of each kind are
compared with plans made anew, for as long, of the same changed scenarios. Where a change leaves some demand
without any way that keeps its promise, even alone, no plan is feasible; such questions are counted apart.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from netopt_heur import Answer, Scenario, WhatIf, load_scenario, plan
from netopt_heur.instance import build_instance
from netopt_heur.replan.reroute import can_be_joined, surviving_parts

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from coronet import TOPOLOGY, coronet  # noqa: E402

Question = Callable[[WhatIf, Random], Answer]


def _demand_ids(scenario: Scenario) -> list[str]:
    ids = [packet.id for packet in scenario.packets] + [circuit.id for circuit in scenario.circuits]
    return ids + [transfer.id for transfer in scenario.transfers]


def _new_packet(session: WhatIf, random: Random) -> Answer:
    """A demand between any two routers; the promises are those of its service."""
    scenario = session.scenario
    a, b = random.sample([site.id for site in scenario.sites if site.router], 2)
    like = random.choice(scenario.packets)
    demand = {
        "id": "what-if",
        "a": a,
        "b": b,
        "mean_gbps": random.choice([5, 20, 80, 250]),
        "service": like.service,
    }
    # some ends are too far apart for a service's latency: then as near as the demand it is like
    return session.add_demand(demand | {"protection": like.promise.protection, "max_latency_ms": None})


KINDS: dict[str, Question] = {
    "fail a fiber": lambda s, r: s.fail_fiber(r.choice(s.scenario.fibers).id),
    "add a demand": _new_packet,
    "remove a demand": lambda s, r: s.remove_demand(r.choice(_demand_ids(s.scenario))),
    "scale a demand": lambda s, r: s.scale_demands(
        r.choice(_demand_ids(s.scenario)), r.choice([0.5, 1.3, 3.0])
    ),
    "scale a service by 1.3": lambda s, r: s.scale_demands(r.choice(s.scenario.packets).service, 1.3),
    "set the confidence": lambda s, r: s.set_confidence(r.choice([0.8, 0.9, 0.99, 1.0])),
    "price of a mode": lambda s, r: s.scale_price(
        r.choice(s.scenario.catalogue.modes).id, r.choice([0.8, 1.2])
    ),
}
REPLANNED = tuple(kind for kind in KINDS if kind != "price of a mode")


@dataclass
class _Seen:
    """Answers of one kind."""

    cpu_s: list[float] = field(default_factory=list)
    feasible: int = 0
    impossible: int = 0
    cost_change: list[float] = field(default_factory=list)
    dearer: list[float] = field(default_factory=list)


def is_impossible(answer: Answer) -> bool:
    """Whether some demand finds no way that keeps its promise, even alone."""
    instance = build_instance(answer.scenario)
    parts = surviving_parts(instance)
    if not all(can_be_joined(instance, parts, lsp) for lsp in range(len(instance.lsps))):
        return True
    return any(entry["rule"] not in ("R4", "R5") for entry in answer.blocked)


def ask(session: WhatIf, question: Question, options: argparse.Namespace, replans: int) -> _Seen:
    """Put many questions of one kind."""
    random, seen = Random(options.seed), _Seen()
    for _ in range(options.questions):
        started = time.process_time()
        answer = question(session, random)
        seen.cpu_s.append(time.process_time() - started)
        if not answer.feasible:
            seen.impossible += is_impossible(answer)
            continue
        seen.feasible += 1
        seen.cost_change.append(answer.cost / answer.cost_before - 1.0)
        if len(seen.dearer) < replans:
            anew = plan(answer.scenario, seed=options.seed, time_limit_s=options.seconds, bound=False)
            if anew.status == "feasible":
                seen.dearer.append(answer.cost / anew.cost - 1.0)
    return seen


def row(name: str, kind: str, seen: _Seen) -> str:
    """One line of the table."""
    change = [f"{100 * value:+.1f}" for value in (min(seen.cost_change), max(seen.cost_change))]
    dearer = ", ".join(f"{100 * value:+.1f} %" for value in seen.dearer) or "-"
    possible = len(seen.cpu_s) - seen.impossible
    median_ms, worst_ms = 1e3 * statistics.median(seen.cpu_s), 1e3 * max(seen.cpu_s)
    return (
        f"| {name} | {kind} | {median_ms:.0f} ms | {worst_ms:.0f} ms | "
        f"{seen.feasible} of {possible} | {seen.impossible} | {' to '.join(change)} % | {dearer} |"
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=30, help="of each kind")
    parser.add_argument(
        "--replans", type=int, default=2, help="answers of each kind compared with plans anew"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="for each plan")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--only", nargs="+", help="names of networks")
    options = parser.parse_args()
    plan(load_scenario(ROOT / "configs/tiny_triangle.yaml"), generations=1, bound=False)  # loads kernels
    names = options.only or ["us_ai_backbone", "metro_edge_inference", "coronet"]
    print("| network | question | median | worst | feasible | impossible | cost | against planning anew |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        if name == "coronet" and not (options.shared / TOPOLOGY).exists():
            continue
        is_coronet = name == "coronet"
        scenario = coronet(options.shared) if is_coronet else load_scenario(ROOT / f"configs/{name}.yaml")
        made = plan(scenario, seed=options.seed, time_limit_s=options.seconds, bound=False)
        session = WhatIf(scenario, made.plan)
        for kind, question in KINDS.items():
            replans = options.replans if kind in REPLANNED else 0
            print(row(name, kind, ask(session, question, options, replans)), flush=True)


if __name__ == "__main__":
    main()
