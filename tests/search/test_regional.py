"""The search on large networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netopt_heur import load_scenario, plan, verify
from netopt_heur.construct.planner import Planner
from netopt_heur.instance import build_instance
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.regional import Regional, search_for
from tests import continent
from tests.random_scenarios import random_scenario


def large(folder: Path, *, sites: int, lsps: int, extra: str = "") -> Scenario:
    path = folder / "continent.yaml"
    path.write_text(continent.scenario_text(sites, 2 * sites, lsps, 2) + extra, encoding="utf-8")
    return load_scenario(path)


def search_on(scenario: Scenario) -> Genetic:
    planner = Planner(build_instance(scenario))
    return search_for(planner, GeneticParams(), np.random.default_rng(1), lambda: False, lambda: 0.0)


def test_small_networks_keep_the_genetic_search() -> None:
    assert type(search_on(random_scenario(1, n_sites=6, n_packets=8))) is Genetic


def test_every_kind_of_generation_serves_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = search_on(large(tmp_path, sites=155, lsps=400))
    assert isinstance(search, Regional)
    assert search.first().missing == 0
    for kinds in np.eye(3):
        monkeypatch.setattr("netopt_heur.search.regional.KINDS", tuple(kinds))
        assert search.generation().missing == 0


def test_a_mixed_network(tmp_path: Path) -> None:
    """LSPs with backups of their own, few hops or little latency are routed one by one beside the others."""
    extra = """
demands:
  packets:
    - {a: s1, b: s9, service: internet, mean_gbps: 40, protection: disjoint}
    - {a: s2, b: s8, service: internet, mean_gbps: 40, protection: survivable, max_latency_ms: 25}
    - {a: s3, b: s7, service: internet, mean_gbps: 40, protection: none, min_availability: 0.99}
"""
    scenario = large(tmp_path, sites=155, lsps=200, extra=extra)
    result = plan(scenario, generations=1, bound=False)
    assert result.status == "feasible"
    assert result.stats["lsps_with_backup"] >= 1


@pytest.mark.slow
def test_three_hundred_sites_improve_and_repeat(tmp_path: Path) -> None:
    scenario = large(tmp_path, sites=300, lsps=5000)
    first = plan(scenario, generations=0, bound=False)
    runs = [plan(scenario, generations=3) for _ in range(2)]
    assert runs[0].plan is not None and runs[1].plan is not None
    assert runs[0].plan.to_dict() == runs[1].plan.to_dict()
    assert runs[0].cost < first.cost
    verdict = verify(scenario, runs[0].plan.to_dict())
    assert verdict.feasible
    assert runs[0].lower_bound is not None
    assert 0.0 < runs[0].lower_bound < runs[0].cost
