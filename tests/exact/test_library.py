"""The small-instance library: complete, reproducible, every rule binding, optima proven again."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from netopt_heur import load_scenario, plan
from netopt_heur.exact import solve_exact

SMALL = Path(__file__).parents[2] / "benchmarks" / "small"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"small_{name}", SMALL / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _module("generate")
LIBRARY = GENERATE.library()
with (SMALL / "optima.csv").open(encoding="utf-8", newline="") as _file:
    OPTIMA = {row["instance"]: float(row["optimum"]) for row in csv.DictReader(_file)}
SLOW = {"penta_pair_failures"}
SAMPLE = sorted(OPTIMA)[::6]


def test_at_least_60_instances_have_a_proven_optimum() -> None:
    assert len(OPTIMA) >= 60
    assert set(OPTIMA) == set(LIBRARY) == {path.stem for path in SMALL.glob("*.yaml")}


def test_files_are_what_the_generator_writes() -> None:
    for name, document in LIBRARY.items():
        stored = yaml.safe_load((SMALL / f"{name}.yaml").read_text(encoding="utf-8"))
        assert stored == yaml.safe_load(yaml.safe_dump({"name": name, **document})), name


def test_instances_have_3_to_9_sites() -> None:
    sizes = {len(document["sites"]) for document in LIBRARY.values()}
    assert sizes == set(range(3, 10))


def test_every_rule_binds_somewhere() -> None:
    assert {rule for rule, _ in GENERATE.RELAXED.values()} == {f"R{i}" for i in range(1, 12)}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in sorted(GENERATE.RELAXED)],
)
def test_relaxing_the_rule_pays(name: str, tmp_path: Path) -> None:
    _, changes = GENERATE.RELAXED[name]
    document = GENERATE.merged(LIBRARY[name], changes)
    (tmp_path / "relaxed.yaml").write_text(yaml.safe_dump({"name": name, **document}), encoding="utf-8")
    relaxed = solve_exact(load_scenario(tmp_path / "relaxed.yaml"))
    assert relaxed.status == "optimal"
    assert relaxed.cost < OPTIMA[name] - 1e-6


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_optimum_is_proven_again(name: str) -> None:
    result = solve_exact(load_scenario(SMALL / f"{name}.yaml"), time_limit_s=300)
    assert result.status == "optimal"
    assert result.cost == pytest.approx(OPTIMA[name], abs=1e-6)


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(OPTIMA))
def test_no_heuristic_plan_is_cheaper(name: str) -> None:
    result = plan(load_scenario(SMALL / f"{name}.yaml"), seed=1, generations=2, bound=False)
    assert result.status != "feasible" or result.cost >= OPTIMA[name] - 1e-6
