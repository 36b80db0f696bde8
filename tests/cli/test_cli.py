"""The command line: speed, texts, exit codes, and what lands on which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import netopt_heur
from netopt_heur import cli
from netopt_heur.errors import InputError, Problem
from netopt_kernels import compilation

GOLDEN = Path(__file__).parents[1] / "golden"
CALL = "from netopt_heur.cli import main; main()"
HEAVY = {"numpy", "numba", "llvmlite", "networkx", "yaml", "deap", "highspy", "tqdm", "rich"}
COMMANDS = [
    "plan",
    "verify",
    "demo",
    "schema",
    "describe",
    "compare-silo",
    "robustness",
    "rwa",
    "exact",
    "bound",
    "export-model",
    "import-solution",
]


def run(
    *arguments: str | Path, cwd: Path | None = None, stdout: int | None = None, wait_s: float = 400.0
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", CALL, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=wait_s,
        check=False,
    )


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


# --- help ---


def modules_loaded_by(*arguments: str) -> set[str]:
    code = (
        "import sys\nfrom netopt_heur.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=400
    )
    return set(answer.stderr.split())


def test_help_loads_nothing_heavy() -> None:
    loaded = modules_loaded_by("--help")
    assert "netopt_heur.cli" in loaded
    assert not loaded & {*HEAVY, "pydantic"}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    # typer itself loads pydantic to convert the arguments of a command.
    assert not modules_loaded_by(command, "--help") & HEAVY


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_text(command: str) -> None:
    answer = run(*[command] if command else [], "--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert_golden(f"help_{command}" if command else "help", answer.stdout)


def test_version() -> None:
    answer = run("--version")
    assert (answer.returncode, answer.stdout, answer.stderr) == (
        0,
        f"netopt-heur {netopt_heur.__version__}\n",
        "",
    )


# --- bad usage ---

BAD_USAGE = {
    "no_command": [],
    "unknown_command": ["plane"],
    "unknown_option": ["plan", "s.yaml", "--sed", "1"],
    "missing_scenario": ["plan"],
    "missing_plan": ["verify", "s.yaml"],
    "seed_not_a_number": ["plan", "s.yaml", "--seed", "one"],
    "seed_negative": ["plan", "s.yaml", "--seed", "-1"],
    "generations_negative": ["plan", "s.yaml", "--generations", "-1"],
    "time_limit_zero": ["plan", "s.yaml", "--time-limit", "0"],
    "time_limit_nan": ["plan", "s.yaml", "--time-limit", "nan"],
    "time_limit_infinite": ["demo", "--time-limit", "inf"],
    "pareto_unknown": ["plan", "s.yaml", "--pareto", "cost,power"],
    "pareto_one": ["plan", "s.yaml", "--pareto", "latency"],
    "pareto_repeated": ["plan", "s.yaml", "--pareto", "cost,latency,cost"],
    "pareto_workers": ["plan", "s.yaml", "--pareto", "cost,latency", "--workers", "2"],
}


@pytest.mark.parametrize("name", BAD_USAGE)
def test_bad_usage_is_one_line_and_exit_2(name: str) -> None:
    answer = run(*BAD_USAGE[name])
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("\n") == 1
    assert_golden(f"usage_{name}", answer.stderr)


def test_bad_usage_as_json() -> None:
    answer = run("plan", "s.yaml", "--time-limit", "-3", "--json")
    assert answer.returncode == 2
    assert json.loads(answer.stdout) == {"error": [{"message": answer.stderr.strip()}]}


# --- wiring: the planner and the loader replaced by stand-ins ---

Install = Callable[..., list[dict[str, object]]]


def make_result(**changes: object) -> SimpleNamespace:
    fields: dict[str, object] = {
        "plan": object(),
        "status": "feasible",
        "cost": 1234.5,
        "cost_breakdown": {"fiber": 1000.0, "optical": 200.0, "ip": 34.5},
        "lower_bound": 1111.05,
        "gap": 0.1,
        "violations": [],
        "blocked": [],
        "runtime_s": 1.5,
        "first_feasible_s": 0.25,
        "generations": 7,
        "stopped_by": "complete",
        "stats": {"lit_pairs": 3, "lightpaths": 4, "ip_links": 2, "lsps": 11},
    }
    return SimpleNamespace(**{**fields, **changes})


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Replace loader, planner and referee; returns the list of the planner's calls."""
    monkeypatch.chdir(tmp_path)
    import_module("netopt_heur.plan")  # reads plan files with the referee's own modules

    def replace(result: object = None, verdict: object = None, error: BaseException | None = None) -> list:
        calls: list[dict[str, object]] = []

        def load_scenario(path: Path) -> str:
            if error is not None:
                raise error
            return f"scenario {path}"

        def plan(scenario: object, **options: object) -> object:
            calls.append({"scenario": scenario, **options})
            return result

        modules = {"scenario": {"load_scenario": load_scenario}, "solve": {"plan": plan, "plan_front": plan}}
        modules["verify"] = {"verify": lambda scenario, path: verdict}
        # As on a machine that has run a plan before; the test of the message sets it otherwise.
        monkeypatch.setattr("netopt_kernels.is_compiled", lambda _: True)
        for name, contents in modules.items():
            module = ModuleType(f"netopt_heur.{name}")
            vars(module).update(contents)
            monkeypatch.setitem(sys.modules, f"netopt_heur.{name}", module)
        return calls

    return replace


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["netopt-heur", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"status": "infeasible"}, 3),
        ({"status": "none", "plan": None, "cost": float("inf")}, 4),
        ({"stopped_by": "interrupted"}, 130),
        ({"stopped_by": "interrupted", "status": "infeasible"}, 130),
        ({"stopped_by": "time_limit"}, 0),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_plan_exit_codes(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    code: int,
    as_json: bool,
) -> None:
    install(make_result(**changes))
    assert call(monkeypatch, "plan", "a/b.yaml", *["--json"] * as_json) == code
    captured = capsys.readouterr()
    assert captured.out
    assert captured.err == ""


def test_first_run_says_that_it_compiles(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(make_result())
    monkeypatch.setattr("netopt_kernels.is_compiled", lambda _: False)
    monkeypatch.setattr(compilation, "FOR_PLANS", ("modules",))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert call(monkeypatch, "plan", "a/b.yaml", "--json") == 0
    captured = capsys.readouterr()
    first, last = captured.err.splitlines()
    assert first.startswith("compiling kernels, once after installation: 0 of 1, ")
    assert last.startswith("compiling kernels, once after installation: 1 of 1, ")
    assert list(tmp_path.rglob("modules.py*.kernels"))
    json.loads(captured.out)


@pytest.mark.parametrize("requests, code", [("0 1", 0), ("0 7", 2)], ids=["good", "bad"])
def test_first_run_of_rwa_compiles_what_it_needs_once_the_file_is_known_to_be_good(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    requests: str,
    code: int,
) -> None:
    file = tmp_path / "two_nodes.txt"
    file.write_text(f"2 1 1\n0 1\n{requests}\n")
    monkeypatch.setattr("netopt_kernels.is_compiled", lambda _: False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert call(monkeypatch, "rwa", str(file), "--json") == code
    errors = capsys.readouterr().err
    assert ("compiling kernels, once after installation: 1 of 1, " in errors) == (code == 0)
    assert {path.name.partition(".")[0] for path in tmp_path.rglob("*.kernels")} == (
        {"rwa"} if code == 0 else set()
    )


def test_plan_passes_its_options_on(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = install(make_result())
    options = ["--seed", "5", "--time-limit", "2.5", "--generations", "0", "-o", "deep/out"]
    assert call(monkeypatch, "plan", "a/b.yaml", *options) == 0
    assert calls == [
        {
            "scenario": "scenario a/b.yaml",
            "seed": 5,
            "time_limit_s": 2.5,
            "generations": 0,
            "out_dir": Path("deep/out"),
            "progress": False,
            "start": None,
            "workers": 1,
            "bound": True,
        }
    ]
    assert (tmp_path / "deep/out").is_dir()


def test_plan_defaults(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(make_result())
    assert call(monkeypatch, "plan", "a/my_net.yaml") == 0
    assert calls[0]["out_dir"] == Path("my_net-plan")
    assert (calls[0]["seed"], calls[0]["time_limit_s"], calls[0]["generations"]) == (0, None, None)


@pytest.mark.parametrize("command", [["plan", "s.yaml"], ["demo"]])
def test_no_bound(install: Install, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    calls = install(make_result(lower_bound=None, gap=None))
    assert call(monkeypatch, *command) == 0
    assert call(monkeypatch, *command, "--no-bound") == 0
    assert [each["bound"] for each in calls] == [True, False]


def test_text_of_a_plan_shows_the_bound(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(make_result())
    assert call(monkeypatch, "plan", "s.yaml") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["lower", "bound", "1,111.05"] in lines
    assert ["gap", "10.00%"] in lines


@pytest.mark.parametrize("as_json", [False, True])
def test_a_bound_above_a_plan_is_a_defect_that_shows(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    install(make_result(lower_bound=1300.0, gap=-0.0531))
    assert call(monkeypatch, "plan", "a/b.yaml", *["--json"] * as_json) == 1
    captured = capsys.readouterr()
    assert "defect: the lower bound 1300.0 is above the cost 1234.5" in captured.err
    assert "a/b.yaml" in captured.err
    assert "1300" in captured.out.replace(",", "")


def test_plan_json_has_every_key(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = [{"demand": "d", "rule": "R6", "reason": "too far", "relaxation": "max_latency_ms: 7.1"}]
    install(make_result(blocked=blocked))
    assert call(monkeypatch, "plan", "b.yaml", "--seed", "4", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document.pop("peak_rss_mb") > 1.0
    assert document == {
        "status": "feasible",
        "cost": 1234.5,
        "cost_breakdown": {"fiber": 1000.0, "optical": 200.0, "ip": 34.5},
        "lower_bound": 1111.05,
        "gap": 0.1,
        "violations": [],
        "blocked": blocked,
        "runtime_s": 1.5,
        "first_feasible_s": 0.25,
        "plan": "b-plan/plan.json",
        "seed": 4,
        "generations": 7,
        "stopped_by": "complete",
        "stats": {"lit_pairs": 3, "lightpaths": 4, "ip_links": 2, "lsps": 11},
    }


def test_no_plan_is_strict_json(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(
        make_result(status="none", plan=None, cost=float("inf"), first_feasible_s=None, cost_breakdown={})
    )
    assert call(monkeypatch, "plan", "b.yaml", "--json") == 4
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (document["status"], document["cost"], document["plan"]) == ("infeasible", None, None)


@pytest.mark.parametrize(("feasible", "code"), [(True, 0), (False, 3)])
def test_verify_exit_codes_and_json(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    feasible: bool,
    code: int,
) -> None:
    broken = SimpleNamespace(rule="R9", where="link x", amount=2.5, message="overloaded")
    verdict = SimpleNamespace(
        feasible=feasible,
        cost=10.0,
        cost_breakdown={"fiber": 10.0, "optical": 0.0, "ip": 0.0},
        violations=[] if feasible else [broken],
    )
    install(verdict=verdict)
    assert call(monkeypatch, "verify", "b.yaml", "plan.json", "--json") == code
    assert json.loads(capsys.readouterr().out) == {
        "feasible": feasible,
        "cost": 10.0,
        "cost_breakdown": {"fiber": 10.0, "optical": 0.0, "ip": 0.0},
        "violations": [] if feasible else [vars(broken)],
    }
    assert call(monkeypatch, "verify", "b.yaml", "plan.json") == code
    assert ("R9  link x: overloaded" in capsys.readouterr().out) is not feasible


@pytest.mark.parametrize(
    "command", [["plan", "s.yaml"], ["describe", "s.yaml"], ["verify", "s.yaml", "p.json"]]
)
def test_input_errors_are_lines_on_stderr(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: list[str],
) -> None:
    problems = [
        Problem("s.yaml", 41, 9, "demands.3.max_latency_ms", "must be positive", "-5"),
        Problem("s.yaml", 0, 0, "", "no demands"),
    ]
    install(error=InputError(problems))
    assert call(monkeypatch, *command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert (
        captured.err
        == "s.yaml:41:9: demands.3.max_latency_ms: must be positive (got -5)\ns.yaml: no demands\n"
    )
    assert call(monkeypatch, *command, "--json") == 2
    errors = json.loads(capsys.readouterr().out)["error"]
    assert [(each["line"], each["path"], each["got"]) for each in errors] == [
        (41, "demands.3.max_latency_ms", "-5"),
        (0, "", None),
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (PermissionError(13, "Permission denied", "s.yaml"), 2, "netopt-heur: s.yaml: Permission denied\n"),
        (
            OSError(28, "No space left on device", "p.json"),
            2,
            "netopt-heur: p.json: No space left on device\n",
        ),
        (MemoryError(), 2, "netopt-heur: out of memory: this input is too large for this machine\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_system_errors_are_one_line(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    text: str,
) -> None:
    install(error=error)
    assert call(monkeypatch, "plan", "s.yaml") == code
    assert capsys.readouterr() == ("", text)


def test_defects_are_not_hidden(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(error=ZeroDivisionError("a defect"))
    monkeypatch.setattr(sys, "argv", ["netopt-heur", "plan", "s.yaml"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_output_directory_that_is_a_file(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    calls = install(make_result())
    (tmp_path / "taken").write_text("")
    assert call(monkeypatch, "plan", "s.yaml", "-o", "taken") == 2
    assert capsys.readouterr().err == "netopt-heur: taken: File exists\n"
    assert calls == []


# --- streams ---


def test_reader_that_went_away_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        answer = run("--version", stdout=write_end)
    finally:
        os.close(write_end)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_full_disk_under_stdout_is_one_line(argument: str) -> None:
    with open("/dev/full", "w") as full:
        answer = run(argument, stdout=full.fileno())
    assert answer.returncode == 2
    assert "No space left on device" in answer.stderr
    assert answer.stderr.count("\n") == 1


# --- the packaged scenario ---


def test_missing_packaged_scenario_is_a_usage_error() -> None:
    with pytest.raises(netopt_heur.UsageError, match="no scenario 'atlantis'"):
        cli.packaged_scenario("atlantis")
