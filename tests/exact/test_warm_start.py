"""Plans as starting solutions, model files, and solutions back into plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from netopt_heur import load_scenario, plan
from netopt_heur.errors import InputError
from netopt_heur.exact import ExactLimits, export_model, import_solution, run_import_solution, solve_exact
from netopt_heur.exact.candidates import build_candidates
from netopt_heur.exact.linear import solve
from netopt_heur.exact.milp import build_model
from netopt_heur.exact.start import kept_by, start_values, violated_rows
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.verify import verify

SMALL = Path(__file__).parents[2] / "benchmarks" / "small"
NAMES = (
    "tri_direct", "penta_odd_cycle", "penta_odd_opaque", "tri_packing", "ring4_regen_circuits",
    "tri_transfer_pull", "tri_failure_confidence", "tri_wave_circuit", "tri_optical_protection",
)  # fmt: skip
STARTS = ("start.sol", "start.mst", "start.cplex.mst", "start.scip.sol")


def optimum(name: str) -> tuple[Scenario, Plan, float]:
    scenario = load_scenario(SMALL / f"{name}.yaml")
    result = solve_exact(scenario)
    assert result.plan is not None
    return scenario, result.plan, result.cost


@pytest.mark.parametrize("name", NAMES)
def test_every_format_brings_the_plan_back(name: str, tmp_path: Path) -> None:
    scenario, best, cost = optimum(name)
    about = export_model(scenario, best, tmp_path)
    assert about["start"]
    for file in STARTS:
        back = import_solution(scenario, tmp_path / file)
        verdict = verify(scenario, back.to_dict())
        assert verdict.feasible, (file, verdict.violations[:3])
        assert verdict.cost == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize("name", ["tri_direct", "penta_odd_opaque"])
def test_highs_reads_model_and_start_and_agrees(name: str, tmp_path: Path) -> None:
    import highspy

    scenario, best, cost = optimum(name)
    export_model(scenario, best, tmp_path)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    assert solver.readModel(str(tmp_path / "model.mps")) == highspy.HighsStatus.kOk
    assert solver.readSolution(str(tmp_path / "start.sol"), 0) == highspy.HighsStatus.kOk
    solver.run()
    assert solver.getInfo().objective_function_value == pytest.approx(cost, abs=1e-6)
    solver.writeSolution(str(tmp_path / "solved.sol"), 0)
    answer = run_import_solution(SMALL / f"{name}.yaml", tmp_path / "solved.sol", tmp_path / "out.json")
    assert answer["feasible"]
    assert answer["cost"] == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize(
    "name",
    ["tri_groom", "ring4_survivable", "kite_chassis", "ring4_regen", "tri_lease_or_light", "tri_transfer"],
)
def test_heuristic_plan_is_a_feasible_start_at_its_cost(name: str) -> None:
    scenario = load_scenario(SMALL / f"{name}.yaml")
    result = plan(scenario, seed=3, generations=1, bound=False)
    assert result.plan is not None and result.status == "feasible"
    instance = build_instance(scenario)
    kept = kept_by(instance, result.plan)
    model = build_model(build_candidates(instance, ExactLimits(routes_per_pair=1), kept=kept))
    values = start_values(model, result.plan)
    assert values is not None
    assert violated_rows(model, values) == []
    objective = sum(model.program.cost[column] * value for column, value in values.items())
    assert objective <= result.cost + 1e-6


def test_a_started_solve_never_ends_above_its_start() -> None:
    scenario = load_scenario(SMALL / "tri_split.yaml")
    first = plan(scenario, seed=1, generations=1, bound=False)
    result = solve_exact(scenario, warm_start=first.plan, time_limit_s=30)
    assert result.status == "optimal"
    assert result.cost <= first.cost + 1e-6


@pytest.mark.parametrize("name", ["ring4_survivable", "tri_percentile", "penta_surge"])
def test_a_first_plan_as_start_leaves_the_optimum(name: str) -> None:
    scenario = load_scenario(SMALL / f"{name}.yaml")
    first = plan(scenario, seed=1, generations=0, bound=False)
    result = solve_exact(scenario, warm_start=first.plan)
    assert (result.status, result.cost) == ("optimal", pytest.approx(optimum(name)[2], abs=1e-6))


@pytest.mark.parametrize("heuristics", [False, True])
def test_a_solve_may_end_at_a_gap(heuristics: bool) -> None:
    scenario, _, cost = optimum("penta_surge")
    program = build_model(build_candidates(build_instance(scenario), ExactLimits())).program
    answer = solve(program, heuristics=heuristics, relative_gap=0.1)
    assert answer.status == "optimal"
    assert answer.bound <= cost + 1e-6
    assert cost - 1e-6 <= answer.objective <= answer.bound / 0.9 + 1e-6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no solution"),
        ("<CPLEXSolutions>", "not a solution file"),
        ("strange 1\n", "names columns that the model does not have"),
        ("z0_0 0.0\n", "leaves a demand without a path"),
        ("z0_0 nan\n", "holds no solution"),
        ("z0_0 1e12\n", "z0_0 must be a whole number from 0 to 1, is 1e\\+12"),
        ("n0_0_0 0.5\n", "n0_0_0 must be a whole number from 0 to"),
        ("n0_0_0 -3\n", "n0_0_0 must be a whole number from 0 to"),
    ],
)
def test_damaged_solutions_are_refused(text: str, message: str, tmp_path: Path) -> None:
    scenario, best, _ = optimum("tri_direct")
    export_model(scenario, best, tmp_path)
    (tmp_path / "bad.sol").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        import_solution(scenario, tmp_path / "bad.sol")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"routes_per_pair": 8', '"routes_per_pair": 1.5', "limits.routes_per_pair must be a whole number"),
        ('"routes_per_pair": 8', '"routes_per_pair": "8"', "limits.routes_per_pair must be a whole number"),
        ('"limits"', '"limit"', "not an exported model"),
        ("{", "[" * 100_000, "not an exported model"),
    ],
)
def test_a_damaged_model_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    scenario, best, _ = optimum("tri_direct")
    export_model(scenario, best, tmp_path)
    about = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert old in about
    (tmp_path / "model.json").write_text(about.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        import_solution(scenario, tmp_path / "start.sol")


def test_solution_of_another_scenario_is_refused(tmp_path: Path) -> None:
    scenario, best, _ = optimum("tri_direct")
    export_model(scenario, best, tmp_path)
    other = load_scenario(SMALL / "tri_groom.yaml")
    with pytest.raises(InputError, match="another scenario"):
        import_solution(other, tmp_path / "start.sol")
