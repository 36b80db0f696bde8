"""Static routing and wavelength assignment: every request one lightpath, on as few wavelengths as possible.

Importing this package loads no kernel and no solver; `solve_rwa` and `run_rwa` do when called.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netopt_heur.files import naming, save_text
from netopt_heur.rwa.check import check_solution
from netopt_heur.rwa.instance import RwaInstance, read_instance

if TYPE_CHECKING:
    from netopt_heur.rwa.search import RwaResult, SearchParams, solve_rwa, to_dict

__all__ = [
    "RwaInstance",
    "RwaResult",
    "SearchParams",
    "check_solution",
    "read_instance",
    "run_rwa",
    "solve_rwa",
    "to_dict",
]


def __getattr__(name: str) -> Any:
    if name in ("RwaResult", "SearchParams", "solve_rwa", "to_dict"):
        from netopt_heur.rwa import search

        return getattr(search, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def run_rwa(
    path: str | os.PathLike[str],
    time_limit_s: float = 10.0,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    *,
    prepare: Callable[[], None] | None = None,
    progress: bool = False,
) -> dict[str, object]:
    """Solve a static RWA file: the body of ``netopt-heur rwa``.

    Parameters
    ----------
    path
        Instance file.
    time_limit_s
        Seconds until the search stops at the latest.
    seed
        Seed of every random choice.
    out
        File for the solution (JSON); it is checked before it is written, and replaced at once.
    prepare
        Called when the files are known to be good, before the time starts to count.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    dict
        ``wavelengths``, ``lower_bound``, ``optimal``, ``requests``, ``found_s``, ``runtime_s``,
        ``stopped_by``, ``iterations``, ``seed`` and ``solution`` (the path written, or None); fit for JSON.

    Raises
    ------
    InputError
        The file is not an RWA instance.
    UsageError
        The limit or the seed makes no sense.
    OSError
        A file cannot be read or written.
    """
    from netopt_heur.rwa.search import solve_rwa, to_dict

    instance = read_instance(path)
    if out is not None:
        _claim_file(Path(out))
    if prepare is not None:
        prepare()
    result = solve_rwa(instance, seed=seed, time_limit_s=time_limit_s, progress=progress)
    solution = to_dict(result)
    if problems := check_solution(instance, solution):
        raise RuntimeError("the solver returned a wrong solution: " + "; ".join(problems[:5]))
    if out is not None:
        _write(Path(out), json.dumps(solution) + "\n")
    return {
        "wavelengths": result.wavelengths,
        "lower_bound": result.lower_bound,
        "optimal": result.wavelengths == result.lower_bound,
        "requests": instance.n_requests,
        "found_s": result.found_s,
        "runtime_s": result.runtime_s,
        "stopped_by": result.stopped_by,
        "iterations": result.iterations,
        "seed": seed,
        "solution": None if out is None else str(out),
    }


def _claim_file(path: Path) -> None:
    # Fails before the search, not after it.
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    places = [path] if _is_stream(path) else [path, path.parent]
    for place in places:
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))


def _write(path: Path, text: str) -> None:
    if not _is_stream(path):
        save_text(path, text)
        return
    with naming(path):
        path.write_text(text, encoding="utf-8")


def _is_stream(path: Path) -> bool:
    # A pipe or a device, /dev/stdout say, is written to but never replaced.
    return path.exists() and not path.is_file()
