"""What commands print: data on stdout, problems on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence

from netopt_heur.errors import Problem


def print_json(document: object) -> None:
    """Print a document as JSON."""
    print_data(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def print_data(text: str) -> None:
    """Print text on stdout; a reader that stops reading (``| head``) does not change the exit code."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _discard_stdout()
    except OSError as error:
        _discard_stdout()
        raise OSError(error.errno, error.strerror, "standard output") from error


def print_document(document: Mapping[str, object], as_json: bool) -> None:
    """Print a flat document as JSON, or one line per key."""
    from netopt_heur.report import json_safe

    if as_json:
        print_json(json_safe(dict(document)))
    else:
        print_data("\n".join(f"{key.replace('_', ' '):<16} {value}" for key, value in document.items()))


def _discard_stdout() -> None:
    # What is still buffered must not fail again when the interpreter flushes at exit.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def report_problems(problems: Sequence[Problem | str]) -> None:
    """Print problems on stderr, a line each, and where ``--json`` was asked for as JSON on stdout."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if "--json" in sys.argv[1:]:
        print_json({"error": [_problem_document(problem) for problem in problems]})


def _problem_document(problem: Problem | str) -> dict[str, object]:
    if isinstance(problem, str):
        return {"message": problem}
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "got": problem.got,
    }


def describe_os_error(error: OSError) -> str:
    """Say in a line what failed, and on which file."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"netopt-heur: {error.filename}: {reason}" if error.filename else f"netopt-heur: {reason}"
