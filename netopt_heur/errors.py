"""Exceptions, sorted by whose input is wrong.

Whatever a user can get wrong ends in one of these, with the place and the cure in its text. Any other
exception is a defect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "InputError",
    "NetoptError",
    "PlanFileError",
    "Problem",
    "UsageError",
    "WorkerLostError",
    "is_interrupt",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one place of an input file.

    Parameters
    ----------
    file
        Path of the file, as the user named it.
    line, column
        Position, counted from 1; 0 where the problem has no position (a missing file, a whole document).
    path
        Dotted path of the key, ``demands.3.max_latency_ms``; empty for the document itself.
    message
        What is wrong, and the cure where one is known.
    got
        The offending value as text; ``None`` where there is none to show.

    Examples
    --------
    >>> str(Problem("s.yaml", 41, 9, "demands.3.max_latency_ms", "must be positive", "-5"))
    's.yaml:41:9: demands.3.max_latency_ms: must be positive (got -5)'
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    got: str | None = None

    def __str__(self) -> str:
        place = self.file
        if self.line > 0:
            place += f":{self.line}"
            if self.column > 0:
                place += f":{self.column}"
        parts = [part for part in (place, self.path, self.message) if part]
        tail = "" if self.got is None else f" (got {self.got})"
        return _one_line(": ".join(parts) + tail)


def _one_line(text: str) -> str:
    # File contents reach messages: a line break or control character in them must not reach the terminal.
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class NetoptError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(NetoptError):
    """The caller asked for something that makes no sense; no file is at fault."""


class WorkerLostError(NetoptError):
    """A worker process of a run was ended from outside."""


class InputError(NetoptError):
    """An input file is wrong.

    Parameters
    ----------
    problems
        Everything found, in the order of the file; at least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: list[Problem] = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PlanFileError(InputError):
    """A plan file cannot be read as a plan; a readable plan that breaks a rule is a violation instead."""


def is_interrupt(error: BaseException | None) -> bool:
    """Whether an exception is Ctrl-C; where numba calls a kernel it becomes SystemErrors."""
    while isinstance(error, SystemError):
        error = error.__cause__
    return isinstance(error, KeyboardInterrupt)
