"""Fronts: objectives, trades at prices, selection, and the run as a whole."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from netopt_heur.construct.ip_layer import IpLayer, IpPlanner
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.design import to_plan
from netopt_heur.errors import UsageError
from netopt_heur.evaluator import Evaluator
from netopt_heur.instance import build_instance
from netopt_heur.result import FrontPlan, check_objectives
from netopt_heur.scenario import load_scenario
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.pareto import FrontFitness, ParetoParams, ParetoSearch, minimised
from netopt_heur.search.ruin_recreate import Annealing, link_attraction
from netopt_heur.search.trade import CircuitTrader, Prices, Trader, fastest_ms, traffic_shares
from netopt_heur.solve import Front, plan, plan_front
from netopt_heur.verify import traffic_availability, verify
from tests.random_scenarios import random_scenario

FEASIBLE = (1, 2, 3, 4, 6)
ALL = ("cost", "latency", "availability")
CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no front"),
        (["cost"], "no front"),
        (["cost", "power"], "unknown objective 'power'"),
        (["cost", ""], "unknown objective ''"),
        (["cost", "cost"], "'cost' is named twice"),
    ],
)
def test_bad_objectives_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_objectives(names)


def test_objectives_come_in_one_order() -> None:
    assert {check_objectives(names) for names in permutations(ALL)} == {ALL}
    assert check_objectives(["availability", "cost"]) == ("cost", "availability")


# --- local search at prices ---


def layer_to_improve(seed: int) -> tuple[Planner, IpPlanner, Construction]:
    planner = Planner(build_instance(random_scenario(seed)))
    search = Genetic(
        planner, GeneticParams(steps=200), np.random.default_rng(seed), lambda: False, lambda: 0.3
    )
    search.first()
    search.generation()
    ip = planner.ip_planner(search.slot_price, search.best.circuits, lambda: False)
    return planner, ip, search.best


def improved(ip: IpPlanner, start: IpLayer, prices: Prices) -> IpLayer:
    trader = Trader(ip, prices, np.random.default_rng(0))
    return trader.improve(start, Annealing(steps=800, heat=0.1), link_attraction(ip))


def latency_ms(ip: IpPlanner, layer: IpLayer) -> float:
    return sum(float(ip.pool.hop_latency_ms[list(path)].sum()) for path in layer.primary if path)


def lost_share(ip: IpPlanner, layer: IpLayer) -> float:
    evaluator = ip.evaluator(layer)
    shares, _ = traffic_shares(ip.instance)
    return sum(float(share) * (1.0 - evaluator.lsp_availability(i)) for i, share in enumerate(shares))


@pytest.mark.parametrize("seed", FEASIBLE)
def test_dear_latency_makes_paths_as_fast_as_they_can_be(seed: int) -> None:
    _, ip, best = layer_to_improve(seed)
    fast = improved(ip, best.layer, Prices(per_ms=1e6))
    assert latency_ms(ip, fast) <= latency_ms(ip, best.layer) * (1 + 1e-9)
    assert latency_ms(ip, fast) >= float(fastest_ms(ip).sum()) * (1 - 1e-9)
    assert latency_ms(ip, fast) <= float(fastest_ms(ip).sum()) * 1.2  # protection may need a slower primary


@pytest.mark.parametrize("seed", FEASIBLE)
def test_dear_downtime_loses_less_traffic(seed: int) -> None:
    _, ip, best = layer_to_improve(seed)
    safe = improved(ip, best.layer, Prices(per_lost=1e9))
    before, after = lost_share(ip, best.layer), lost_share(ip, safe)
    assert after <= before * (1 + 1e-9)
    if any(
        path and backup is None for path, backup in zip(best.layer.primary, best.layer.backup, strict=True)
    ):
        assert after < before


@pytest.mark.parametrize("seed", FEASIBLE)
def test_traded_plans_keep_the_scenarios_promises(seed: int) -> None:
    planner, ip, best = layer_to_improve(seed)
    bounds_ms, floors = ip.lsps.max_latency_ms.copy(), ip.lsps.min_availability.copy()
    prices = Prices(per_ms=best.cost / 50.0, per_lost=best.cost * 1e3)
    layer = improved(ip, best.layer, prices)
    np.testing.assert_array_equal(ip.lsps.max_latency_ms, bounds_ms)
    np.testing.assert_array_equal(ip.lsps.min_availability, floors)
    price = planner.first_prices()
    child = planner.complete(best.circuits, ip, layer, price)
    child = CircuitTrader(planner, prices, np.random.default_rng(1)).improve(child, 8, price)
    evaluation = Evaluator(planner.instance, child.design.copy()).evaluate()
    assert child.missing > 0 or evaluation.feasible


def test_at_no_prices_and_no_heat_cost_falls() -> None:
    _, ip, best = layer_to_improve(1)
    still = Trader(ip, Prices(), np.random.default_rng(0))
    before = still.improve(best.layer, Annealing(steps=0), link_attraction(ip))
    moved = still.improve(best.layer, Annealing(steps=400, heat=0.0), link_attraction(ip))
    assert moved.worth <= before.worth


# --- selection ---


def test_fitness_is_minimised() -> None:
    assert FrontFitness((1.0, 2.0)).dominates(FrontFitness((1.0, 3.0)))
    assert not FrontFitness((1.0, 2.0)).dominates(FrontFitness((0.5, 3.0)))
    assert FrontFitness((1.0, 2.0, 3.0)).values == (1.0, 2.0, 3.0)


def test_population_keeps_its_size_and_its_ends() -> None:
    planner, _, best = layer_to_improve(2)
    made = to_plan(best.design)
    values = [(10, 5), (9, 6), (9, 6), (1, 9), (8.9, 6.1), (12, 1), (13, 5.5), (5, 7)]
    numbers = iter(values)
    search = ParetoSearch(
        planner,
        ("cost", "latency"),
        ParetoParams(size=4),
        lambda _: FrontPlan(made, *next(numbers), 1.0),
        np.random.default_rng(0),
        lambda: False,
        lambda: 0.0,
    )
    for _ in values:
        search.add(best)
    kept = [(member.judged.cost, member.judged.latency_ms) for member in search.front()]
    assert len(set(kept)) == len(kept) == 4
    assert (kept[0], kept[-1]) == ((1, 9), (12, 1))


def test_refused_plans_do_not_compete() -> None:
    planner, _, best = layer_to_improve(2)
    search = ParetoSearch(
        planner, ALL, ParetoParams(), lambda _: None, np.random.default_rng(0), lambda: False, lambda: 0.0
    )
    search.add(best)
    search.generation(planner.first_prices())
    assert search.front() == []


# --- the run ---


def assert_honest(front: Front, scenario: object) -> None:
    """Every plan passes the referee with the numbers it is listed with; none dominates another."""
    for each in front.plans:
        document = each.plan.to_dict()
        verdict = verify(scenario, document)  # type: ignore[arg-type]
        assert verdict.feasible, verdict.violations[:3]
        assert (each.cost, each.latency_ms) == (verdict.cost, verdict.latency_ms_total)
        assert each.availability == traffic_availability(scenario, document)  # type: ignore[arg-type]
    values = [minimised(each, front.objectives) for each in front.plans]
    for first, second in permutations(values, 2):
        assert not all(x <= y for x, y in zip(first, second, strict=True))


@pytest.mark.parametrize("objectives", [ALL, ("cost", "latency"), ("cost", "availability"), ALL[1:]])
def test_plans_of_a_front_are_honest_trade_offs(objectives: tuple[str, ...]) -> None:
    scenario = random_scenario(3)
    front = plan_front(scenario, objectives, seed=1, generations=3, bound=False)
    assert front.plans
    assert front.objectives == objectives
    assert_honest(front, scenario)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, pytest.param(6, marks=pytest.mark.slow)])
def test_cheapest_plan_is_at_least_as_cheap_as_the_ordinary_run(seed: int) -> None:
    scenario = random_scenario(seed)
    front = plan_front(scenario, ALL, seed=1, generations=3, bound=False)
    assert front.plans[0].cost <= plan(scenario, seed=1, generations=3, bound=False).cost * (1 + 1e-12)
    assert front.cheapest.plan == front.plans[0].plan
    assert front.cheapest.cost == front.plans[0].cost
    assert front.cheapest.status == "feasible"


def test_a_front_spans_what_there_is_to_trade() -> None:
    scenario = load_scenario(CONFIGS / "wave_leasing.yaml")
    front = plan_front(scenario, ALL, seed=0, generations=4, bound=False)
    assert_honest(front, scenario)
    assert len(front.plans) >= 4
    cheapest = front.plans[0]
    assert min(each.latency_ms for each in front.plans) < 0.9 * cheapest.latency_ms
    assert min(1.0 - each.availability for each in front.plans) < 0.75 * (1.0 - cheapest.availability)


def test_a_network_with_nothing_to_trade_has_one_plan() -> None:
    front = plan_front(load_scenario(CONFIGS / "tiny_triangle.yaml"), ALL, generations=2, bound=False)
    assert [each.cost for each in front.plans] == [pytest.approx(229.5)]


def test_circuits_alone_make_a_front() -> None:
    scenario = load_scenario(CONFIGS / "tiny_training.yaml")
    front = plan_front(scenario, ALL, generations=3, bound=False)
    assert front.plans
    assert_honest(front, scenario)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        plan_front(random_scenario(2), ALL, seed=5, generations=2, out_dir=tmp_path / name, bound=False)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.json"))
    assert Path("front.json") in files
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_files_of_a_front(tmp_path: Path) -> None:
    (tmp_path / "front").mkdir()
    for stale in ("01.json", "99.json"):
        (tmp_path / "front" / stale).write_text("stale")
    (tmp_path / "front" / "notes.txt").write_text("mine")
    front = plan_front(random_scenario(2), ("latency", "cost"), generations=2, out_dir=tmp_path, bound=False)
    index = json.loads((tmp_path / "front.json").read_text())
    assert (index["objectives"], index["plans"]) == (["cost", "latency"], front.index())
    names = sorted(path.name for path in (tmp_path / "front").iterdir())
    assert names == [*(Path(row["plan"]).name for row in index["plans"]), "notes.txt"]
    for row, each in zip(index["plans"], front.plans, strict=True):
        assert (tmp_path / row["plan"]).read_text() == each.plan.to_json()
    assert (tmp_path / "plan.json").read_bytes() == (tmp_path / "front" / "01.json").read_bytes()


def test_interrupted_runs_write_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ParetoSearch, "_child", interrupt)
    scenario = random_scenario(1)
    front = plan_front(scenario, ALL, generations=5, out_dir=tmp_path, bound=False)
    assert front.cheapest.stopped_by == "interrupted"
    assert front.plans
    assert_honest(front, scenario)
    assert len(json.loads((tmp_path / "front.json").read_text())["plans"]) == len(front.plans)


def test_a_front_can_start_from_a_plan() -> None:
    scenario = random_scenario(4)
    first = plan(scenario, seed=1, generations=2, bound=False)
    front = plan_front(scenario, ALL, seed=2, generations=1, start=first.plan, bound=False)
    assert front.plans[0].cost <= first.cost * (1 + 1e-12)


def test_time_is_kept() -> None:
    front = plan_front(random_scenario(1), ALL, time_limit_s=1.0, bound=False)
    assert front.cheapest.stopped_by == "time_limit"
    assert front.cheapest.runtime_s < 4.0
