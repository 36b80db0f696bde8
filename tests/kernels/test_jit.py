"""How kernels are compiled: inner functions once for all constants, as part of cached entries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")

SHARED = """
from netopt_kernels._jit import lean
from deeper import UNIT

@lean
def _scale(values, factor):
    total = 0.0
    for value in values:
        total += value * factor * UNIT
    return total
"""
DEEPER = "UNIT = 1.0"

MODULE = """
from netopt_kernels._jit import kernel
from shared import _scale

@kernel
def _both(values, shift):
    return _scale(values, 2) + _scale(values, 3) + shift

@kernel
def one(values):
    return _both(values, 0)

@kernel
def other(values):
    return _both(values, 1) + one(values)
"""

SCRIPT = """
import sys
import numpy as np
sys.path.insert(0, {folder!r})
import example

values = np.array([1.0, 2.0])
print(example.one(values), example.other(values))
inner = example._scale, example._both
print(*(len(each.signatures) for each in inner), sum(example.one.stats.cache_hits.values()))
if {refused}:
    example._scale(values, 2)
"""


TOGETHER = """
import sys
import numpy as np
sys.path.insert(0, {folder!r})
import example
from netopt_kernels._shelf import compile_together

values = np.array([1.0, 2.0])
compile_together([(example.one, (values,)), (example.other, (values,))])
print(example.one(values), example.other(values))
print(*(len(each.signatures) for each in (example._scale, example._both, example.one, example.other)))
"""

LINKED = """
[result] = example.one.overloads.values()
code = [each for each in result.library._final_module.functions if not each.is_declaration]
seen = [each.linkage.name for each in code if not each.name.startswith("NRT_")]
print(seen.count("external"), len(seen) - seen.count("external") - seen.count("internal"))
"""

PREPARED = """
from numba.core.runtime import rtsys
print(rtsys._init)
"""


def run(
    folder: Path, refused: bool = False, script: str = SCRIPT, **edited: str
) -> subprocess.CompletedProcess[str]:
    """Call the example's kernels in a process of its own, with the cache in the folder."""
    for name, text in {"example": MODULE, "shared": SHARED, "deeper": DEEPER, **edited}.items():
        (folder / f"{name}.py").write_text(text)
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    script = script.format(folder=str(folder), refused=refused)
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)


def test_entries_hold_the_inner_functions_and_only_they_are_cached(tmp_path: Path) -> None:
    for hits in (0, 1):
        done = run(tmp_path)
        assert done.returncode == 0, done.stderr
        results, counts = done.stdout.splitlines()
        assert results == "15.0 31.0"
        assert counts == ("1 1 0" if hits == 0 else "0 0 1")
    names = {path.name.split("-")[0] for path in (tmp_path / "cache").rglob("*.nbi")}
    assert names == {"example.one", "example.other"}


def test_python_cannot_call_an_inner_function(tmp_path: Path) -> None:
    done = run(tmp_path, refused=True)
    assert done.returncode == 1
    assert "TypeError" in done.stderr


def test_entries_compiled_together_are_loaded_without_preparing_to_compile(tmp_path: Path) -> None:
    done = run(tmp_path, script=TOGETHER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["15.0 31.0", "1 1 1 1"]

    done = run(tmp_path, script=SCRIPT + PREPARED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["15.0 31.0", "0 0 1", "False"]
    (kept,) = (path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert kept.startswith("example.") and kept.endswith(".kernels")


WORKER = """
from netopt_kernels._libraries import compile_numpy_as_inner
compile_numpy_as_inner()
"""
# _first is linked before _second, which alone needs numba's memory management to reach into what it allocates
ALLOCATING = """
import numpy as np
from netopt_kernels._jit import kernel

@kernel
def _first(values):
    return max(values[0], values[1])

@kernel
def _second(values):
    found = np.zeros((2, values.shape[0]), np.float32)
    return found.sum() + np.empty(3).shape[0] + values.copy()[0]

@kernel
def one(values):
    return _first(values) + _second(values)

@kernel
def other(values):
    return _second(values) + np.zeros(2)[1]
"""


def test_only_entries_are_seen_from_outside(tmp_path: Path) -> None:
    done = run(tmp_path, script=TOGETHER + LINKED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "4 0"  # two entries, each for compiled code and for Python


def test_a_worker_compiles_what_allocates_for_others(tmp_path: Path) -> None:
    done = run(tmp_path, script=WORKER + TOGETHER.split("print(")[0], example=ALLOCATING)
    assert done.returncode == 0, done.stderr
    calls = SCRIPT.split("inner =")[0] + "print(sum(example.one.stats.cache_hits.values()))"
    done = run(tmp_path, script=calls, example=ALLOCATING)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["6.0 4.0", "1"]


def test_code_that_lacks_what_it_calls_is_not_kept(tmp_path: Path) -> None:
    forgetful = "import netopt_kernels._libraries as libraries\n"
    forgetful += "libraries._follow = lambda library, seen, found: found.append(library)\n"
    done = run(tmp_path, script=forgetful + TOGETHER)
    assert done.returncode == 1
    assert "kernels of example call what is not there: " in done.stderr
    assert not list((tmp_path / "cache").rglob("*.kernels"))


def test_an_entry_compiled_by_itself_calls_one_that_was_loaded(tmp_path: Path) -> None:
    one_only = TOGETHER.replace(", (example.other, (values,))", "")
    assert run(tmp_path, script=one_only.split("print(", 1)[0]).returncode == 0
    done = run(tmp_path, script=SCRIPT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["15.0 31.0", "1 1 1"]


EDITS = {
    "example": (MODULE.replace("_both(values, 0)", "_both(values, 2)"), "17.0 33.0"),
    "shared": (SHARED.replace("0.0", "1.0"), "17.0 35.0"),
    "deeper": ("UNIT = 2.0", "30.0 61.0"),
}


@pytest.mark.parametrize("first", [SCRIPT, TOGETHER], ids=["by itself", "together"])
@pytest.mark.parametrize("module", EDITS)
def test_what_was_compiled_from_another_source_is_not_loaded(tmp_path: Path, first: str, module: str) -> None:
    assert run(tmp_path, script=first).stdout.startswith("15.0 31.0")
    source, results = EDITS[module]
    done = run(tmp_path, **{module: source})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [results, "1 1 0"]


def test_sources_as_they_were_when_loaded_are_what_code_was_compiled_from(tmp_path: Path) -> None:
    edit = "import example\nopen({folder!r} + '/shared.py', 'a').write('# edited')"
    done = run(tmp_path, script=TOGETHER.replace("import example", edit))
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, shared=SHARED + "# edited")
    assert done.stdout.splitlines() == ["15.0 31.0", "1 1 0"]


@pytest.mark.parametrize("kept", [0, 1, 40, 0.5, 0.99])
def test_a_damaged_file_is_compiled_again(tmp_path: Path, kept: float) -> None:
    assert run(tmp_path, script=TOGETHER).returncode == 0
    (file,) = (tmp_path / "cache").rglob("*.kernels")
    whole = file.read_bytes()
    file.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    done = run(tmp_path, script=TOGETHER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "15.0 31.0"
    assert file.stat().st_size > 0.9 * len(whole)
