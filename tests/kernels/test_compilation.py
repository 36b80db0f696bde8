"""Compiling ahead: a part that fails is reported, and holds nothing up."""

from __future__ import annotations

import io

import pytest

from netopt_kernels import compilation


def test_a_part_that_fails_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compilation, "_cores", lambda: 1)
    progress = io.StringIO()
    assert not compilation.compile_kernels(("no such part",), progress)
    assert progress.getvalue().endswith("0 of 1, 0 s, at work on no such part\n")
    assert "KeyError" in capfd.readouterr().err
