"""Whole plans of larger networks: CORONET CONUS, topolib's USA-75, and a made-up continent."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from netopt_heur import load_scenario, plan, verify
from tests import continent
from tests.large_networks import scenario_text

REPOSITORY = Path(__file__).resolve().parent.parent
CORONET = REPOSITORY.parent / "shared/data/coronet/CORONET_CONUS_Topology.json"


def planned(folder: Path, text: str, count: int) -> None:
    """Plan a network with at least ``count`` LSPs; the referee must agree on cost and feasibility."""
    path = folder / "network.yaml"
    path.write_text(text, encoding="utf-8")
    scenario = load_scenario(path)
    result = plan(scenario, generations=1, out_dir=folder, bound=False)
    verdict = verify(scenario, folder / "plan.json")
    assert result.status == "feasible"
    assert verdict.feasible
    assert verdict.cost == pytest.approx(result.cost, rel=1e-9)
    assert result.stats["lsps"] >= count


@pytest.mark.slow
@pytest.mark.skipif(not CORONET.exists(), reason="needs ../shared/data/coronet beside the repository")
def test_coronet_with_2000_lsps(tmp_path: Path) -> None:
    planned(tmp_path, scenario_text("coronet", f"gnpy: {CORONET}", "uniform", "uniform", 2000), 2000)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("topolib") is None, reason="needs the topologies extra")
def test_usa75_by_data_centres(tmp_path: Path) -> None:
    planned(tmp_path, scenario_text("usa75", "topolib: usa75", "population", "data_centres", 1000), 1000)


@pytest.mark.slow
def test_a_continent_of_200_sites(tmp_path: Path) -> None:
    planned(tmp_path, continent.scenario_text(200, 400, 5000), 5000)
