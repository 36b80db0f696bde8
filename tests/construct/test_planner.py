"""Whole plans: the referee agrees, the same seed gives the same bytes, limits and interrupts are kept."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netopt_heur.candidates import LinkPool
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan
from netopt_heur.route_modes import RouteTable
from netopt_heur.scenario.scenario import Fiber, Price, Scenario, WaveOffer, WaveUnit
from netopt_heur.solve import plan
from netopt_heur.verify import verify
from netopt_kernels import grooming
from tests.random_scenarios import random_scenario
from tests.verify import builders

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(16)


@pytest.mark.parametrize("seed", SEEDS)
def test_plans_are_what_the_referee_says(seed: int) -> None:
    scenario = random_scenario(seed, n_sites=5 + seed % 4)
    result = plan(scenario, seed=seed, generations=seed % 3, bound=False)
    assert result.plan is not None
    verdict = verify(scenario, result.plan.to_dict())
    assert result.status == ("feasible" if verdict.feasible else "infeasible")
    assert result.cost == verdict.cost
    assert result.cost == pytest.approx(sum(result.cost_breakdown.values()), rel=1e-9)
    assert len(result.violations) == len(verdict.violations)
    assert result.stopped_by == "generations"
    assert result.generations == seed % 3
    if result.status == "infeasible":
        ids = {c.id for c in scenario.circuits} | {lsp.id for lsp in build_instance(scenario).lsps}
        assert result.blocked
        assert {entry["demand"] for entry in result.blocked} <= ids
    else:
        assert result.blocked == []
        assert result.first_feasible_s is not None
        assert result.first_feasible_s <= result.runtime_s


def test_most_random_scenarios_have_plans() -> None:
    feasible = sum(
        plan(random_scenario(seed), seed=0, generations=0, bound=False).status == "feasible" for seed in SEEDS
    )
    assert feasible >= len(SEEDS) // 2


@pytest.mark.parametrize("seed", [0, 3, 8])
def test_generations_never_make_the_plan_worse(seed: int) -> None:
    scenario = random_scenario(seed)
    costs = []
    for generations in (0, 1, 3):
        result = plan(scenario, seed=seed, generations=generations, bound=False)
        costs.append((result.status != "feasible", result.cost if result.status == "feasible" else 0.0))
    assert costs == sorted(costs, reverse=True)


DIGESTS = """
import hashlib, json, sys
from netopt_heur.solve import plan
from tests.random_scenarios import random_scenario
for seed in (1, 6):
    made = plan(random_scenario(seed), seed=seed, generations=2, bound=False).plan
    print(hashlib.sha256(made.to_json().encode()).hexdigest())
"""


def digests(hash_seed: str) -> list[str]:
    """Digests of plans made in another process."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_same_seed_same_bytes_in_every_process() -> None:
    here = []
    for seed in (1, 6):
        twice = [plan(random_scenario(seed), seed=seed, generations=2, bound=False).plan for _ in range(2)]
        texts = {made.to_json() for made in twice if made is not None}
        assert len(texts) == 1
        here.append(hashlib.sha256(texts.pop().encode()).hexdigest())
    assert digests("1") == digests("4242") == here


def test_the_time_limit_ends_the_run() -> None:
    scenario = random_scenario(2, n_sites=8, n_packets=20)
    plan(scenario, seed=1, generations=1, bound=False)  # compile
    started = time.perf_counter()
    result = plan(scenario, seed=1, time_limit_s=1.0, bound=False)
    assert result.stopped_by == "time_limit"
    assert result.plan is not None
    assert 0.9 <= result.runtime_s <= time.perf_counter() - started < 60.0
    assert result.generations > 0


def test_no_time_at_all_still_gives_a_plan() -> None:
    result = plan(random_scenario(3), seed=1, time_limit_s=0.0, bound=False)
    assert result.plan is not None
    assert result.generations == 0
    assert result.status == "feasible"


@pytest.mark.parametrize("fibers", [(), (builders.fiber("AB", "A", "B", 10.0),)])
def test_where_nothing_is_asked_for_nothing_is_bought(fibers: tuple[Fiber, ...]) -> None:
    problem = builders.scenario(sites=(builders.site("A"), builders.site("B")), fibers=fibers)
    result = plan(problem, seed=0, generations=4, bound=False)
    assert result.status == "feasible"
    assert result.cost == 0.0


@pytest.mark.parametrize("after", [1, 3])
def test_interrupted_runs_return_the_best_plan(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, pressed inside a generation."""
    calls = 0
    real = grooming.anneal

    def pressed(*args: object) -> int:
        nonlocal calls
        calls += 1
        if calls > 20 * after:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(grooming, "anneal", pressed)
    scenario = random_scenario(3)
    result = plan(scenario, seed=1, generations=100, out_dir=tmp_path, bound=False)
    assert result.stopped_by == "interrupted"
    assert result.status == "feasible"
    assert result.plan is not None
    assert verify(scenario, result.plan.to_dict()).feasible
    saved = Plan.from_dict(json.loads((tmp_path / "plan.json").read_text(encoding="utf-8")))
    assert saved.to_json() == result.plan.to_json()


def test_sold_out_offers_push_traffic_elsewhere() -> None:
    """The wave is cheaper per Gb/s but is sold once: the second LSP must take the fiber."""
    flow = [140.0] * 24
    problem = builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        fibers=(builders.fiber("f", "A", "B", 500.0),),
        wave_offers=(WaveOffer("w", "A", "B", (WaveUnit(100.0, Price(1.0)),), 1, length_km=500.0),),
        packets=(builders.packet("p", "A", "B", flow, flow),),
    )
    result = plan(problem, seed=0, generations=1, bound=False)
    assert result.status == "feasible"
    # wave 1 + ports 2; pair 8 + amplifiers 12 + transponders 10 + ports 2
    assert result.cost == pytest.approx(35.0)


def test_fibers_without_pairs_are_avoided() -> None:
    """The short way has no pairs: the long one is used from the start."""
    problem = builders.scenario(
        sites=tuple(builders.site(s) for s in "ABX"),
        fibers=(
            builders.fiber("AB", "A", "B", 10.0, max_pairs=0),
            builders.fiber("AX", "A", "X", 100.0),
            builders.fiber("XB", "X", "B", 100.0),
        ),
        packets=(builders.packet("p", "A", "B", [50.0] * 24, [50.0] * 24),),
    )
    assert plan(problem, seed=0, generations=0, bound=False).status == "feasible"


def narrow(scenario: Scenario) -> LinkPool:
    instance = build_instance(scenario)
    return LinkPool(instance, RouteTable(instance))


def test_modes_wider_than_the_grid_are_never_chosen() -> None:
    scenario = random_scenario(0)
    pool = narrow(replace(scenario, spectrum=replace(scenario.spectrum, slots=5)))
    fiber_links = [link for link in pool.links if link.route is not None]
    assert fiber_links
    for link in fiber_links:
        assert math.isfinite(link.worth[0])  # 4 slots
        assert all(map(math.isinf, link.worth[1:]))


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="signatures exist only with the compiler"
)
def test_the_planner_asks_for_one_signature_of_each_kernel() -> None:
    plan(random_scenario(0), seed=0, generations=1, bound=False)
    kernels: tuple[Any, ...] = (grooming.route_all, grooming.attach_all, grooming.anneal)
    for kernel in kernels:
        assert len(kernel.signatures) == 1
