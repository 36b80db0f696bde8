"""Scenarios of larger networks from public topologies, for tests and benchmarks."""

from __future__ import annotations

from pathlib import Path

CATALOGUE = Path(__file__).resolve().parent.parent / "configs/catalogues/metro_haul.yaml"

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


def scenario_text(name: str, source: str, a: str, b: str, count: int) -> str:
    """YAML of a topology with gravity demands; ``a`` and ``b`` weigh their ends."""
    return SCENARIO.format(name=name, catalogue=CATALOGUE, source=source, a=a, b=b, count=count)
