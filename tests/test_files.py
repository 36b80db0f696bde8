"""Written files are whole or not there, and what stood in the way is said with the file's name."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from netopt_heur import load_scenario, plan
from netopt_heur.exact import export_model, warm_start
from netopt_heur.files import naming, save_text
from netopt_heur.output import describe_os_error

CONFIGS = Path(__file__).parents[1] / "configs"


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    save_text(path, "one")
    save_text(path, "two")
    assert path.read_text(encoding="utf-8") == "two"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_names_the_file_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    save_text(path, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        save_text(path, "new")
    assert describe_os_error(caught.value) == f"netopt-heur: {path}: No space left on device"
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_is_of_its_own_kind() -> None:
    with pytest.raises(PermissionError) as caught, naming(Path("mine")):
        raise PermissionError(errno.EACCES, "no", "temporary")
    assert caught.value.filename == "mine"


def test_a_model_that_is_not_written_whole_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = load_scenario(CONFIGS / "tiny_triangle.yaml")
    made = plan(scenario, generations=0, bound=False).plan
    assert made is not None

    class Solver:
        def passModel(self, _: object) -> None:  # noqa: N802
            pass

        def writeModel(self, name: str) -> None:  # noqa: N802
            Path(name).write_text("NAME\nROWS\n N  Ob", encoding="utf-8")

    monkeypatch.setattr(warm_start, "new_solver", Solver)
    with pytest.raises(OSError, match="cannot be written whole") as caught:
        export_model(scenario, made, tmp_path)
    assert caught.value.filename == str(tmp_path / "model.mps")
    assert not (tmp_path / "model.mps").exists()
