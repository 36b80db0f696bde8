"""The package's public names: lazy, and the same whatever is imported first."""

from __future__ import annotations

import subprocess
import sys

import pytest

import netopt_heur

CHECK = """
import inspect, netopt_heur
from netopt_heur import load_scenario, plan, verify
assert inspect.isfunction(plan) and plan.__module__.startswith("netopt_heur.solve"), plan
assert inspect.isfunction(verify) and verify.__module__.startswith("netopt_heur.verify"), verify
assert inspect.isfunction(load_scenario), load_scenario
assert netopt_heur.plan is plan and netopt_heur.verify is verify
import sys
assert inspect.ismodule(sys.modules["netopt_heur.plan"])
assert inspect.ismodule(sys.modules["netopt_heur.verify"])
from netopt_heur.plan import Plan
assert netopt_heur.Plan is Plan
"""


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.mark.parametrize(
    "first",
    [
        "",
        "import netopt_heur.plan, netopt_heur.verify",
        "from netopt_heur.plan import Plan\nfrom netopt_heur.verify import verify",
        "from netopt_heur import verify, plan\nimport netopt_heur.plan, netopt_heur.verify",
        "import netopt_heur.solve",
        "from netopt_heur import *",
    ],
)
def test_functions_win_over_submodules_of_the_same_name(first: str) -> None:
    answer = run_python(f"{first}\n{CHECK}")
    assert answer.returncode == 0, answer.stderr


def test_importing_the_package_loads_nothing() -> None:
    answer = run_python(
        "import sys; before = set(sys.modules); import netopt_heur; print(*set(sys.modules) - before)"
    )
    loaded = [name for name in answer.stdout.split() if name.split(".")[0] not in sys.stdlib_module_names]
    assert loaded == ["netopt_heur"]


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'atlantis'"):
        _ = netopt_heur.atlantis  # type: ignore[attr-defined]


def test_every_public_name_is_listed_and_loads() -> None:
    assert set(netopt_heur.__all__) <= set(dir(netopt_heur))
    for name in netopt_heur.__all__:
        assert getattr(netopt_heur, name).__name__ == name
