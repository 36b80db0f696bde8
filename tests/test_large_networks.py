"""Whole plans of larger networks that are not part of this repository: CORONET CONUS and topolib's USA-75."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from netopt_heur import load_scenario, plan, verify

REPOSITORY = Path(__file__).resolve().parent.parent
CORONET = REPOSITORY.parent / "shared/data/coronet/CORONET_CONUS_Topology.json"

SCENARIO = """
version: 1
name: {name}
catalogue: {catalogue}
topology: {{{source}}}
site_defaults: {{regen: true}}
fiber_defaults: {{max_pairs: 16, cuts_per_1000km_year: 1.0, mttr_hours: 10}}
traffic: {{hours: 24, samples_per_hour: 10, seed: 1}}
services:
  internet: {{profile: consumer, noise_cv: 0.3}}
policy: {{confidence: 0.95, split_gbps: 100}}
gravity:
  - {{id: g, service: internet, total_gbps: 20000, weight_a: {a}, weight_b: {b}, count: {count},
      protection: survivable}}
"""


def planned(folder: Path, name: str, source: str, a: str, b: str, count: int) -> None:
    """Plan a network with a gravity demand set; the referee must agree on cost and feasibility."""
    path = folder / f"{name}.yaml"
    catalogue = REPOSITORY / "configs/catalogues/metro_haul.yaml"
    text = SCENARIO.format(name=name, catalogue=catalogue, source=source, a=a, b=b, count=count)
    path.write_text(text, encoding="utf-8")
    scenario = load_scenario(path)
    result = plan(scenario, generations=1, out_dir=folder)
    verdict = verify(scenario, folder / "plan.json")
    assert result.status == "feasible"
    assert verdict.feasible
    assert verdict.cost == pytest.approx(result.cost, rel=1e-9)
    assert result.stats["lsps"] >= count


@pytest.mark.slow
@pytest.mark.skipif(not CORONET.exists(), reason="needs ../shared/data/coronet beside the repository")
def test_coronet_with_2000_lsps(tmp_path: Path) -> None:
    planned(tmp_path, "coronet", f"gnpy: {CORONET}", "uniform", "uniform", 2000)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("topolib") is None, reason="needs the topologies extra")
def test_usa75_by_data_centres(tmp_path: Path) -> None:
    planned(tmp_path, "usa75", "topolib: usa75", "population", "data_centres", 1000)
