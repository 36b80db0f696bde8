"""Compiling ahead: a part that fails is reported, and holds nothing up."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netopt_kernels import compilation, is_compiled


def test_a_part_that_fails_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compilation, "_cores", lambda: 1)
    progress = io.StringIO()
    assert not compilation.compile_kernels(("no such part",), progress)
    assert progress.getvalue().endswith("0 of 1, 0 s, at work on no such part\n")
    assert "KeyError" in capfd.readouterr().err


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_what_workers_compile_is_loaded_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compilation.compile_kernels(("modules", "packing"), io.StringIO())
    assert {path.name.partition(".")[0] for path in tmp_path.rglob("*.kernels")} == {"modules", "packing"}
    calls = "from netopt_kernels.__main__ import call_all; call_all('modules'); call_all('packing')"
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    subprocess.run([sys.executable, "-c", calls], env={**os.environ, "PYTHONPATH": paths}, check=True)
    assert not list(tmp_path.rglob("*.nbi"))  # nothing had to be compiled again

    assert is_compiled("modules") and not is_compiled("paths")
    for kept in tmp_path.rglob("modules.*.kernels"):
        os.utime(kept, (0, 0))  # as after an edit of a source that it was not made from
    assert not is_compiled("modules")
    assert compilation.compile_kernels(("modules",), io.StringIO())
    assert is_compiled("modules")
