"""Lower bounds against plans that the referee accepts, and against optima known from elsewhere."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from netopt_heur import load_scenario
from netopt_heur.bounds import lower_bound, run_bound
from netopt_heur.solve import plan
from tests.random_scenarios import random_scenario

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = Path(__file__).parents[2] / "benchmarks/small"
# cheapest plans known; the first is proven by enumeration in its file's comment
BEST_KNOWN = {"tiny_lease_or_light": 57.5, "tiny_triangle": 229.5, "tiny_training": 681.4}
BEST_KNOWN_LARGE = {
    "us_ai_backbone": 16_389.5,
    "wave_leasing": 3_411.9,
    "long_haul_1t6": 29_288.0,
    "private_fiber_build": 73_461.0,
    "metro_edge_inference": 5_878.9,
}
MOST_GAP = {"tiny_lease_or_light": 0.001, "tiny_triangle": 0.07, "tiny_training": 0.1}


def _plans(seeds: range, n_sites: int, n_packets: int, generations: int) -> int:
    """How many plans were compared with a bound."""
    accepted = 0
    for seed in seeds:
        scenario = random_scenario(seed, n_sites=n_sites, n_packets=n_packets)
        result = plan(scenario, seed=seed, generations=generations, bound=False)
        if result.status == "feasible":
            bound = lower_bound(scenario, time_limit_s=0.6).bound
            assert bound <= result.cost, f"seed {seed}"
            accepted += bound > 0.0  # a busy machine may have none so soon
    return accepted


@pytest.mark.parametrize(("n_sites", "n_packets", "generations"), [(4, 2, 1), (5, 8, 0), (7, 5, 1)])
def test_no_plan_is_cheaper(n_sites: int, n_packets: int, generations: int) -> None:
    assert _plans(range(6), n_sites, n_packets, generations) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("generations", [0, 1, 2])
@pytest.mark.parametrize("n_sites", [4, 5, 6, 7])
def test_no_plan_is_cheaper_on_many_networks(n_sites: int, generations: int) -> None:
    first = 1_000 * n_sites + 200 * generations
    assert _plans(range(first, first + 110), n_sites, 6, generations) >= 50


def _optima() -> dict[str, float]:
    with (SMALL / "optima.csv").open(encoding="utf-8", newline="") as file:
        return {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}


def _check_optimum(name: str, seconds: float) -> None:
    optimum = _optima()[name]
    result = lower_bound(load_scenario(SMALL / f"{name}.yaml"), time_limit_s=seconds)
    assert 0.0 < result.bound <= optimum * (1 + 1e-6)
    assert all(a < b for (_, a), (_, b) in pairwise(result.history))


@pytest.mark.parametrize("name", sorted(_optima())[::4])
def test_no_optimum_is_cheaper(name: str) -> None:
    _check_optimum(name, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(_optima()))
def test_no_optimum_of_the_library_is_cheaper(name: str) -> None:
    _check_optimum(name, 10.0)


@pytest.mark.slow
def test_no_plan_is_cheaper_on_a_thousand_networks() -> None:
    plans = [
        _plans(range(first, first + 300), n_sites, 2 + n_sites % 4, 1)
        for first, n_sites in ((10_000, 4), (20_000, 5), (30_000, 6), (40_000, 7), (50_000, 8))
    ]
    assert sum(plans) >= 1_000


@pytest.mark.parametrize("name", sorted(BEST_KNOWN))
def test_tiny_networks(name: str) -> None:
    bound = lower_bound(load_scenario(CONFIGS / f"{name}.yaml"), time_limit_s=10.0).bound
    best = BEST_KNOWN[name]
    assert bound <= best
    assert (best - bound) / best <= MOST_GAP[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BEST_KNOWN_LARGE))
def test_large_networks(name: str) -> None:
    bound = lower_bound(load_scenario(CONFIGS / f"{name}.yaml"), time_limit_s=30.0).bound
    best = BEST_KNOWN_LARGE[name]
    assert 0.5 * best <= bound <= best


def test_bounds_rise_and_are_reported() -> None:
    seen: list[tuple[float, float]] = []
    scenario = load_scenario(CONFIGS / "tiny_triangle.yaml")
    result = lower_bound(scenario, time_limit_s=5.0, progress=lambda s, b: seen.append((s, b)))
    assert seen == result.history
    assert result.history[-1][1] == result.bound
    for (earlier_s, lower), (later_s, higher) in pairwise(result.history):
        assert earlier_s <= later_s
        assert lower < higher


def test_time_limit() -> None:
    result = lower_bound(load_scenario(CONFIGS / "us_ai_backbone.yaml"), time_limit_s=15.0)
    assert result.runtime_s < 60.0  # far more, if left alone
    assert result.bound > 0.0


def test_same_bound_twice() -> None:
    scenario = random_scenario(3, n_sites=5)
    first, second = (lower_bound(scenario, time_limit_s=None).bound for _ in range(2))
    assert np.isclose(first, second, rtol=1e-6)


def test_plain_data() -> None:
    data = run_bound(load_scenario(CONFIGS / "tiny_training.yaml"), 5.0)
    assert json.loads(json.dumps(data))["bound"] == data["bound"]
    assert set(data) == {"scenario", "bound", "runtime_s", "stopped_by", "method", "history"}
