"""The bound from totals against plans that the referee accepts and against proven optima."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from netopt_heur import load_scenario
from netopt_heur.bounds import bound, lower_bound
from netopt_heur.bounds.coarse import coarse_bound
from netopt_heur.instance import build_instance
from netopt_heur.scenario.scenario import Price, WaveOffer, WaveUnit
from netopt_heur.solve import plan
from tests.random_scenarios import random_scenario
from tests.verify import builders

SMALL = Path(__file__).parents[2] / "benchmarks/small"


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(s, marks=pytest.mark.slow) for s in range(6, 60))]
)
def test_no_plan_is_cheaper(seed: int) -> None:
    scenario = random_scenario(seed, n_sites=5 + seed % 4, n_packets=6)
    result = plan(scenario, seed=seed, generations=0, bound=False)
    if result.status == "feasible":
        assert 0.0 < coarse_bound(build_instance(scenario)) <= result.cost


def test_a_network_of_leased_waves_only() -> None:
    units = (WaveUnit(100.0, Price(7.0)),)
    scenario = builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        fibers=(),
        wave_offers=(WaveOffer("w", "A", "B", units, 3, Price(2.0), length_km=100.0),),
        packets=(builders.packet("p", "A", "B", builders.flat(130.0), builders.flat(90.0)),),
    )
    result = plan(scenario, generations=1, bound=False)
    assert result.status == "feasible"
    assert 0.0 < coarse_bound(build_instance(scenario)) <= result.cost
    assert lower_bound(scenario, time_limit_s=5.0).bound == pytest.approx(result.cost, rel=1e-5)


def test_no_proven_optimum_is_cheaper() -> None:
    with (SMALL / "optima.csv").open(encoding="utf-8", newline="") as file:
        optima = {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}
    assert optima
    for name, optimum in optima.items():
        found = coarse_bound(build_instance(load_scenario(next(SMALL.rglob(f"{name}.yaml")))))
        assert 0.0 <= found <= optimum * (1.0 + 1e-9), name


def test_large_networks_have_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "WHOLE_UP_TO", 3)
    scenario = random_scenario(2, n_sites=6, n_packets=10)
    result = lower_bound(scenario, time_limit_s=5.0)
    assert 0.0 < result.bound <= coarse_bound(build_instance(scenario))
    assert result.method == {"totals": result.bound}
