"""The lower bound beside the search: it never changes a plan, never delays one, and never outlives a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from netopt_heur import Scenario, bound_process, load_scenario, plan, plan_front, solve
from netopt_heur.bound_process import BoundProcess
from netopt_heur.bounds import lower_bound, run_bound
from netopt_heur.result import Result
from tests.random_scenarios import random_scenario

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "configs"
PATIENCE_S = 60.0  # for what takes a second on a free machine


def tiny(name: str = "tiny_triangle") -> Scenario:
    return load_scenario(CONFIGS / f"{name}.yaml")


def soon(true: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return true()


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- the process ---


def test_its_bound_is_the_bound() -> None:
    process = BoundProcess(tiny(), None)
    process.wait(time.perf_counter() + PATIENCE_S)
    process.close()
    assert process.best == pytest.approx(lower_bound(tiny(), time_limit_s=None).bound, rel=1e-9)


def test_it_is_cut_off_at_any_time() -> None:
    scenario = load_scenario(CONFIGS / "us_ai_backbone.yaml")
    for wait_s in (0.0, 0.3):
        process = BoundProcess(scenario, None)
        started = time.perf_counter()
        process.wait(started + wait_s)
        process.close()
        assert not runs(process._process.pid)


def test_improvements_arrive_while_it_works() -> None:
    process = BoundProcess(load_scenario(CONFIGS / "wave_leasing.yaml"), None)
    try:
        assert soon(lambda: process.best is not None)
        assert runs(process._process.pid)
    finally:
        process.close()
    assert process.best is not None


def test_a_failed_process_warns_and_leaves_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound_process, "_COMMAND", "raise SystemExit(7)")
    with pytest.warns(RuntimeWarning, match="failed with exit code 7"):
        result = plan(tiny(), seed=1, generations=1)
    assert (result.status, result.lower_bound, result.gap) == ("feasible", None, None)


def test_it_ends_with_a_parent_that_is_killed() -> None:
    code = """
        import sys, time
        from netopt_heur import load_scenario
        from netopt_heur.bound_process import BoundProcess
        process = BoundProcess(load_scenario(sys.argv[1]), None)
        while process.best is None:
            time.sleep(0.02)
        print(process._process.pid, flush=True)
        time.sleep(600)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(code), str(CONFIGS / "wave_leasing.yaml")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert soon(lambda: not runs(child))


def test_a_first_bound_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    late = "import os, time; time.sleep(1); os.write(1, b'{\"bound\": 5.0}\\n'); time.sleep(600)"
    monkeypatch.setattr(bound_process, "_COMMAND", late)
    process = BoundProcess(tiny(), None)
    try:
        now = time.perf_counter()
        process.wait(now, now + PATIENCE_S)
        assert (process.best, process.ended) == (5.0, False)
        assert 1.0 <= time.perf_counter() - now < PATIENCE_S
    finally:
        process.close()


def test_a_script_without_a_main_guard_is_not_run_again(tmp_path: Path) -> None:
    code = """
        from netopt_heur import load_scenario, plan, solve
        solve.LEAST_BOUND_S = {patience_s}
        result = plan(load_scenario({path!r}), seed=1, generations=1)
        print(result.status, result.lower_bound > 200.0)
    """
    script = tmp_path / "script.py"
    path = str(CONFIGS / "tiny_triangle.yaml")
    script.write_text(textwrap.dedent(code).format(path=path, patience_s=PATIENCE_S))
    answer = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=400, check=True
    )
    assert (answer.stdout, answer.stderr) == ("feasible True\n", "")


# --- the command ---

SAYS_ONE_BOUND_AND_HANGS = "import os, time; os.write(1, b'{\"bound\": 5.0}\\n'); time.sleep(600)"


def test_a_step_that_does_not_look_at_the_clock_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound_process, "_COMMAND", SAYS_ONE_BOUND_AND_HANGS)
    seen: list[tuple[float, float]] = []
    document = run_bound(tiny(), 1.0, lambda seconds, bound: seen.append((seconds, bound)))
    assert (document["bound"], document["stopped_by"], document["method"]) == (5.0, "time_limit", {})
    assert seen == document["history"]
    assert 1.0 <= document["runtime_s"] < PATIENCE_S


def test_an_interrupted_bound_is_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(process: BoundProcess, until_s: float) -> None:
        while process.best is None:
            time.sleep(0.02)
        raise KeyboardInterrupt

    monkeypatch.setattr(bound_process, "_COMMAND", SAYS_ONE_BOUND_AND_HANGS)
    monkeypatch.setattr(BoundProcess, "wait", pressed)
    document = run_bound(tiny(), 600.0)
    assert (document["bound"], document["stopped_by"]) == (5.0, "interrupted")


def test_a_bound_whose_process_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = "import os; os.write(1, b'{\"bound\": 5.0}\\n'); raise SystemExit(7)"
    monkeypatch.setattr(bound_process, "_COMMAND", fails)
    with pytest.warns(RuntimeWarning, match="failed with exit code 7"):
        document = run_bound(tiny(), PATIENCE_S)
    assert (document["bound"], document["stopped_by"]) == (5.0, "failed")


def test_a_bound_that_is_done_says_how_it_came_about() -> None:
    document = run_bound(tiny(), PATIENCE_S)
    assert document["stopped_by"] == "finished"
    assert {"columns", "rows"} <= set(document["method"])
    assert document["bound"] == document["history"][-1][1]


# --- beside the search ---


@pytest.mark.parametrize("workers", [1, 2])
def test_the_plan_does_not_depend_on_the_bound(workers: int) -> None:
    scenario = random_scenario(3, n_sites=6, n_packets=6)
    made = [plan(scenario, seed=1, generations=3, workers=workers, bound=bound) for bound in (True, False)]
    assert made[0].plan is not None
    assert made[1].plan is not None
    assert made[0].plan.to_json() == made[1].plan.to_json()
    assert [result.stopped_by for result in made] == ["generations", "generations"]
    assert (made[1].lower_bound, made[1].gap) == (None, None)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the bound of a small scenario until it is done, however busy the machine."""
    monkeypatch.setattr(solve, "LEAST_BOUND_S", PATIENCE_S)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("seed", range(5))
def test_the_bound_is_never_above_the_plan(seed: int) -> None:
    result = plan(random_scenario(seed, n_sites=4), seed=seed, generations=1)
    assert result.lower_bound is not None
    if result.status == "feasible":
        assert result.gap is not None
        assert 0.0 <= result.gap == pytest.approx((result.cost - result.lower_bound) / result.cost)
    else:
        assert result.gap is None


def test_without_a_bound_there_is_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solve, "BoundProcess", None)
    assert plan(tiny(), generations=0, bound=False).lower_bound is None


def test_a_proven_plan_ends_a_run_against_the_clock() -> None:
    result = plan(tiny("tiny_lease_or_light"), seed=1, time_limit_s=10 * PATIENCE_S)
    assert result.stopped_by == "optimal"
    assert result.gap == pytest.approx(0.0, abs=2e-6)
    assert result.runtime_s < PATIENCE_S


@pytest.mark.usefixtures("patient")
def test_counted_generations_are_done_even_if_the_plan_is_proven() -> None:
    result = plan(tiny("tiny_lease_or_light"), seed=1, generations=4)
    assert (result.stopped_by, result.generations) == ("generations", 4)
    assert result.gap == pytest.approx(0.0, abs=2e-6)


@pytest.mark.usefixtures("patient")
def test_a_front_has_the_bound_of_its_cheapest_plan() -> None:
    front = plan_front(tiny(), ["cost", "latency"], generations=1)
    assert front.cheapest.lower_bound is not None
    assert front.cheapest.cost == front.plans[0].cost >= front.cheapest.lower_bound


def test_no_time_for_a_bound() -> None:
    result = plan(random_scenario(3), seed=1, time_limit_s=0.0)
    assert (result.status, result.lower_bound, result.gap) == ("feasible", None, None)


def test_the_gap_of_a_result() -> None:
    result = Result(None, "feasible", 200.0, {}, [], [], 0.0, None, 0, "generations", lower_bound=150.0)
    assert result.gap == 0.25
    assert replace(result, cost=0.0, lower_bound=0.0).gap == 0.0
    assert replace(result, lower_bound=None).gap is None
    assert replace(result, status="infeasible").gap is None
    assert replace(result, lower_bound=210.0).gap == -0.05  # a defect, not hidden
