"""The exact model against brute force, the referee and itself."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path

import pytest

from netopt_heur import load_scenario, plan
from netopt_heur.exact import ExactLimits, run_exact, solve_exact
from netopt_heur.exact.brute_force import brute_force
from netopt_heur.exact.limits import Strengthening
from netopt_heur.exact.solver import solve_exact as solve
from netopt_heur.plan import Plan
from netopt_heur.scenario.scenario import Policy, Traffic
from netopt_heur.verify import verify
from tests.exact.tiny_scenarios import tiny_scenario
from tests.random_scenarios import random_scenario
from tests.verify import builders as build

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "benchmarks" / "small"
QUICK = (0, 2, 3, 5, 8, 12, 15, 19, 24, 31)
BRUTE_LIMIT_S = 20.0


def assert_same_optimum(seed: int) -> None:
    """Model and enumeration agree, and the referee with both."""
    scenario = tiny_scenario(seed)
    exact, brute = solve_exact(scenario), brute_force(scenario, time_limit_s=BRUTE_LIMIT_S)
    if brute.plan is None:
        assert exact.status == "infeasible", seed
        return
    assert exact.status == "optimal", seed
    assert exact.cost == pytest.approx(brute.cost, abs=1e-6), seed
    for found, cost in ((exact.plan, exact.cost), (brute.plan, brute.cost)):
        assert found is not None
        verdict = verify(scenario, found.to_dict())
        assert verdict.feasible, (seed, verdict.violations[:3])
        assert verdict.cost == pytest.approx(cost, abs=1e-6), seed


@pytest.mark.parametrize("seed", QUICK)
def test_brute_force_finds_the_same_optimum(seed: int) -> None:
    assert_same_optimum(seed)


@pytest.mark.exact
@pytest.mark.slow
def test_brute_force_finds_the_same_optimum_200_times() -> None:
    compared = given_up = 0
    for seed in range(1000, 1260):
        try:
            assert_same_optimum(seed)
            compared += 1
        except TimeoutError:
            given_up += 1
    assert compared >= 200
    assert given_up <= 26


@pytest.mark.parametrize("name", ["tiny_triangle", "tiny_training", "tiny_lease_or_light"])
def test_configs_have_proven_optima(name: str) -> None:
    scenario = load_scenario(ROOT / "configs" / f"{name}.yaml")
    result = solve_exact(scenario)
    assert result.status == "optimal"
    assert result.complete
    assert result.gap == 0.0
    assert plan(scenario, seed=1, generations=1, bound=False).cost >= result.cost - 1e-6


@pytest.mark.parametrize(
    "part",
    [field.name for field in fields(Strengthening)],
)
@pytest.mark.parametrize("name", ["tri_split", "tri_hours", "penta_odd_cycle", "ring4_build"])
def test_strengthening_leaves_the_optimum(name: str, part: str) -> None:
    scenario = load_scenario(SMALL / f"{name}.yaml")
    without = solve(scenario, strengthening=Strengthening(**{part: False}))
    assert without.cost == pytest.approx(solve_exact(scenario).cost, abs=1e-6)


def test_limits_are_owned_up_to() -> None:
    scenario = load_scenario(SMALL / "ring4_transit.yaml")
    whole = solve_exact(scenario)
    narrow = solve_exact(scenario, limits=ExactLimits(routes_per_pair=1, paths_per_pair=2))
    assert whole.complete
    assert not narrow.complete
    assert narrow.cost >= whole.cost - 1e-6


def test_a_percentile_may_gain_from_parallel_links_so_one_copy_is_not_everything() -> None:
    scenario = load_scenario(SMALL / "tri_percentile.yaml")
    one = solve_exact(scenario)
    two = solve_exact(scenario, limits=ExactLimits(parallel_links=2))
    assert not one.complete
    assert two.cost <= one.cost + 1e-6


def test_time_limit_leaves_a_bound() -> None:
    scenario = load_scenario(SMALL / "hexa_groom_survivable.yaml")
    result = solve_exact(scenario, time_limit_s=3.0)
    assert result.status in ("feasible", "unknown", "optimal")
    assert result.bound <= result.cost
    assert result.runtime_s < 15.0
    assert result.gap >= 0.0 or math.isinf(result.gap)


def test_time_may_be_up_before_the_model_is_built() -> None:
    scenario = random_scenario(0, n_sites=9, n_packets=10)
    result = solve_exact(scenario, time_limit_s=0.2)
    assert (result.status, result.cost, result.plan) == ("unknown", math.inf, None)
    assert (result.columns, result.complete) == (0, False)
    made = plan(scenario, seed=1, generations=0, bound=False)
    started = solve_exact(scenario, time_limit_s=0.2, warm_start=made.plan)
    assert (started.status, started.cost, started.bound) == ("feasible", made.cost, -math.inf)


def test_a_start_that_breaks_a_rule_is_no_answer() -> None:
    scenario = random_scenario(0, n_sites=9, n_packets=10)
    made = plan(scenario, seed=1, generations=0, bound=False).plan
    assert made is not None
    document = made.to_dict()
    document["lsps"].popitem()
    broken = solve_exact(scenario, time_limit_s=0.2, warm_start=Plan.from_dict(document))
    assert (broken.status, broken.plan) == ("unknown", None)


def test_infeasible_scenario_is_said_to_be_so() -> None:
    seed = next(s for s in range(100) if solve_exact(tiny_scenario(s)).status == "infeasible")
    result = solve_exact(tiny_scenario(seed))
    assert result.plan is None
    assert math.isinf(result.cost)


def test_run_exact_answers_in_json(tmp_path: Path) -> None:
    answer = run_exact(SMALL / "tri_direct.yaml", out_dir=tmp_path)
    assert answer["status"] == "optimal"
    assert Path(answer["plan"]).exists()
    scenario = load_scenario(SMALL / "tri_direct.yaml")
    assert verify(scenario, tmp_path / "plan.json").cost == pytest.approx(answer["cost"], abs=1e-6)


def test_the_answer_says_whether_the_start_was_good(tmp_path: Path) -> None:
    scenario = SMALL / "tri_direct.yaml"
    assert run_exact(scenario, out_dir=tmp_path)["start"] is None
    document = json.loads((tmp_path / "plan.json").read_text())
    assert run_exact(scenario, warm_start_path=tmp_path / "plan.json")["start"] is True
    document["lsps"].popitem()
    (tmp_path / "broken.json").write_text(json.dumps(document))
    assert run_exact(scenario, warm_start_path=tmp_path / "broken.json")["start"] is False


def test_hundreds_of_samples_of_a_day_may_be_clipped() -> None:
    """0.1 of 480 must fit: the 48 quietest, of a load that rises from 1 to 480."""
    policy = Policy(confidence=0.1, failure_confidence=0.1, percentile_over="day", split_gbps=1000.0)
    costs = []
    for load in (list(range(1, 481)), [48] * 480):
        scenario = build.scenario(
            sites=(build.site("A"), build.site("B")),
            fibers=(build.fiber("f", "A", "B", 100.0),),
            traffic=Traffic(hours=24, samples_per_hour=20),
            policy=policy,
            packets=(build.packet("p", "A", "B", load, load),),
        )
        found = solve_exact(scenario)
        assert found.status == "optimal" and found.plan is not None
        assert verify(scenario, found.plan.to_dict()).feasible
        costs.append(found.cost)
    assert costs[0] == costs[1]
