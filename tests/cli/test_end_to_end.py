"""The real commands on a scenario that fits on a page."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netopt_heur import cli
from tests.cli.test_cli import CALL, assert_golden, run

TRIANGLE = """\
version: 1
name: triangle
horizon_years: 5
catalogue:
  modes:
    100G: {rate_gbps: 100, reach_km: 3000, slots: 4, price: 10}
    400G: {rate_gbps: 400, reach_km: 600, slots: 6, price: 25}
  ports:
    - {rate_gbps: 100, price: 4}
    - {rate_gbps: 400, price: 10}
  pair_terminal: 5
  inline_amplifier: 1
  span_km: 80
sites:
  - {id: A, lat: 40.0, lon: -75.0}
  - {id: B, lat: 41.0, lon: -74.0}
  - {id: C, lat: 40.0, lon: -73.0}
fibers:
  - {a: A, b: B, length_km: 150, max_pairs: 4}
  - {a: B, b: C, length_km: 160, max_pairs: 4}
  - {a: A, b: C, length_km: 200, max_pairs: 4}
traffic: {hours: 24, samples_per_hour: 2, seed: 3}
demands:
  circuits:
    - {id: train, a: A, b: C, waves: 1, wave_gbps: 400, protection: disjoint}
  packets:
    - {id: users, a: A, b: B, mean_gbps: 40, max_latency_ms: 3, protection: survivable}
    - {id: sync, a: B, b: C, mean_gbps: 20}
"""


@pytest.fixture(scope="module")
def triangle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("triangle") / "triangle.yaml"
    path.write_text(TRIANGLE, encoding="utf-8")
    return path


def test_plan_then_verify(triangle: Path) -> None:
    planned = run("plan", triangle, "--seed", "1", "--generations", "1", "--json", cwd=triangle.parent)
    assert planned.returncode == 0, planned.stderr
    result = json.loads(planned.stdout)
    assert (result["status"], result["violations"], result["blocked"]) == ("feasible", [], [])
    assert result["plan"] == "triangle-plan/plan.json"
    assert sum(result["cost_breakdown"].values()) == pytest.approx(result["cost"], rel=1e-12)
    assert 0.0 < result["lower_bound"] <= result["cost"]
    assert result["gap"] == pytest.approx(1.0 - result["lower_bound"] / result["cost"])

    verified = run("verify", triangle, triangle.parent / result["plan"], "--json")
    assert verified.returncode == 0, verified.stdout
    verdict = json.loads(verified.stdout)
    assert (verdict["feasible"], verdict["violations"]) == (True, [])
    assert verdict["cost"] == pytest.approx(result["cost"], rel=1e-9)


def test_same_seed_same_bytes(triangle: Path, tmp_path: Path) -> None:
    for name, option in (("one", []), ("two", ["--no-bound"])):
        assert run("plan", triangle, "--generations", "1", "-o", tmp_path / name, *option).returncode == 0
    assert (tmp_path / "one/plan.json").read_bytes() == (tmp_path / "two/plan.json").read_bytes()


def test_front_as_json_as_text_and_as_files(triangle: Path, tmp_path: Path) -> None:
    arguments = ["plan", triangle, "--pareto", "availability,cost", "--generations", "2", "-o", tmp_path]
    planned = run(*arguments, "--json")
    assert planned.returncode == 0, planned.stderr
    result = json.loads(planned.stdout)
    front = result["front"]
    assert (result["status"], result["cost"]) == ("feasible", front[0]["cost"])
    assert 0.0 < result["lower_bound"] <= result["cost"]
    assert all(set(row) == {"plan", "cost", "latency_ms", "availability"} for row in front)
    assert [row["cost"] for row in front] == sorted(row["cost"] for row in front)
    for row in front:
        verdict = json.loads(run("verify", triangle, row["plan"], "--json").stdout)
        assert (verdict["feasible"], verdict["cost"]) == (True, row["cost"])
    index = json.loads((tmp_path / "front.json").read_text())
    assert index["objectives"] == ["cost", "availability"]
    assert [str(tmp_path / row["plan"]) for row in index["plans"]] == [row["plan"] for row in front]

    text = run(*arguments).stdout.splitlines()
    title = text.index(f"front of cost, availability ({len(front)} plan{'s' * (len(front) > 1)})")
    assert [line.split()[0] for line in text[title + 2 :]] == [row["plan"] for row in index["plans"]]


def test_front_without_a_plan_that_keeps_the_rules(tmp_path: Path) -> None:
    path = tmp_path / "full.yaml"
    path.write_text(
        TRIANGLE.replace("max_pairs: 4", "max_pairs: 1") + "spectrum: {slots: 6}\n", encoding="utf-8"
    )
    arguments = ["plan", path, "--pareto", "cost,latency", "--generations", "1", "--json"]
    answer = run(*arguments, cwd=tmp_path)
    assert answer.returncode == 3, answer.stderr
    document = json.loads(answer.stdout)
    assert (document["front"], document["status"]) == ([], "infeasible")
    assert document["blocked"]


def test_text_of_a_plan_names_status_cost_and_file(triangle: Path, tmp_path: Path) -> None:
    answer = run("plan", triangle, "--generations", "1", "-o", tmp_path)
    labels = {line.split("  ")[0] for line in answer.stdout.splitlines()}
    assert {"status", "cost", "runtime", "plan"} <= labels
    assert "\x1b" not in answer.stdout + answer.stderr


def test_damaged_plan_breaks_a_rule(triangle: Path, tmp_path: Path) -> None:
    assert run("plan", triangle, "--generations", "1", "-o", tmp_path).returncode == 0
    plan = json.loads((tmp_path / "plan.json").read_text())
    del plan["circuits"]["train"]
    damaged = tmp_path / "damaged.json"
    damaged.write_text(json.dumps(plan))
    answer = run("verify", triangle, damaged, "--json")
    assert answer.returncode == 3
    assert "R5" in {violation["rule"] for violation in json.loads(answer.stdout)["violations"]}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"format": "other"}', "\x00\x01"])
def test_not_a_plan_file_is_an_input_error(triangle: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    answer = run("verify", triangle, path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(str(path))
    assert "Traceback" not in answer.stderr


def test_blocked_demands_say_which_rule_blocks_them(tmp_path: Path) -> None:
    # One pair of six slots per fiber: the two routes of the circuit's 1+1 (A-C, A-B-C) fill all three fibers.
    path = tmp_path / "full.yaml"
    path.write_text(
        TRIANGLE.replace("max_pairs: 4", "max_pairs: 1") + "spectrum: {slots: 6}\n", encoding="utf-8"
    )
    answer = run("plan", path, "--generations", "1", "--json", cwd=tmp_path)
    assert answer.returncode in {3, 4}, answer.stderr
    document = json.loads(answer.stdout)
    assert document["status"] == "infeasible"
    assert document["gap"] is None
    assert document["blocked"]
    assert all({"demand", "rule", "reason", "relaxation"} <= set(each) for each in document["blocked"])
    assert "R4" in {each["rule"] for each in document["blocked"]}


BROKEN = {
    "typo": TRIANGLE.replace("max_latency_ms", "max_latncy_ms"),
    "dangling": TRIANGLE.replace("a: B, b: C, mean", "a: B, b: X, mean"),
    "negative": TRIANGLE.replace("mean_gbps: 20", "mean_gbps: -20"),
    "not_yaml": TRIANGLE + "  - {",
    "empty": "",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_scenario(name: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(BROKEN[name], encoding="utf-8")
    answer = run("plan", "s.yaml", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert all(line.startswith("s.yaml") for line in answer.stderr.splitlines())
    assert_golden(f"input_{name}", answer.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["s.yaml"]


@pytest.mark.parametrize("command", ["plan", "describe", "verify"])
def test_missing_scenario_is_an_input_error(command: str, tmp_path: Path) -> None:
    answer = run(command, "absent.yaml", *["plan.json"] * (command == "verify"), cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("\n") == 1
    assert "absent.yaml" in answer.stderr


def test_describe(triangle: Path) -> None:
    text = run("describe", triangle)
    assert text.returncode == 0, text.stderr
    assert "triangle" in text.stdout
    summary = json.loads(run("describe", triangle, "--json").stdout)
    assert (summary["name"], summary["sites"]["count"], summary["fibers"]["total_km"]) == (
        "triangle",
        3,
        510.0,
    )


def test_schema_is_a_json_schema_that_names_the_top_level_keys() -> None:
    answer = run("schema")
    assert answer.returncode == 0, answer.stderr
    assert {"sites", "fibers", "catalogue", "demands"} <= set(json.loads(answer.stdout)["properties"])


def test_demo_scenario_is_packaged() -> None:
    path = cli.packaged_scenario("us_ai_backbone")
    assert run("describe", path, "--json").returncode == 0


@pytest.mark.slow
def test_interrupt_leaves_the_best_plan(tmp_path: Path) -> None:
    scenario = cli.packaged_scenario("us_ai_backbone")
    arguments = ["plan", str(scenario), "-o", str(tmp_path), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline_s = time.monotonic() + 120
    while not (tmp_path / "plan.json").exists() and process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=400)
    assert "Traceback" not in stderr
    assert process.returncode in {0, 130}  # 0: it was done before the signal came
    result = json.loads(stdout)
    assert Path(result["plan"]).exists()
    assert (result["lower_bound"] is None) or 0.0 < result["lower_bound"] <= result["cost"]
