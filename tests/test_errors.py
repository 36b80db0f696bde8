from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt_heur.errors import InputError, NetoptError, PlanFileError, Problem, UsageError, is_interrupt


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem("s.yaml", 41, 9, "demands.3.max_latency_ms", "must be positive", "-5"),
            "s.yaml:41:9: demands.3.max_latency_ms: must be positive (got -5)",
        ),
        (Problem("s.yaml", 2, 0, "name", "is missing"), "s.yaml:2: name: is missing"),
        (Problem("s.yaml", 0, 0, "", "no such file"), "s.yaml: no such file"),
        (Problem("s.yaml", 1, 1, "", "unexpected", ""), "s.yaml:1:1: unexpected (got )"),
    ],
)
def test_a_problem_is_one_line(problem: Problem, text: str) -> None:
    assert str(problem) == text


@given(st.text(), st.text(), st.text(), st.none() | st.text())
def test_file_contents_cannot_break_the_line(file: str, path: str, message: str, got: str | None) -> None:
    text = str(Problem(file, 3, 4, path, message, got))
    assert text.isprintable()
    assert len(text.splitlines()) <= 1


def test_input_error_keeps_every_problem_in_order() -> None:
    problems = [Problem("b", 2, 1, "x", "one"), Problem("a", 1, 1, "y", "two")]
    error = InputError(iter(problems))
    assert error.problems == problems
    assert str(error) == "b:2:1: x: one\na:1:1: y: two"


@pytest.mark.parametrize("kind", [InputError, PlanFileError])
def test_errors_cross_process_borders(kind: type[InputError]) -> None:
    error = kind([Problem("a", 1, 1, "y", "two", "3")])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert copy.problems == error.problems


def test_one_base_catches_everything_raised_on_purpose() -> None:
    assert issubclass(PlanFileError, InputError)
    assert issubclass(InputError, NetoptError)
    assert issubclass(UsageError, NetoptError)
    assert not issubclass(UsageError, InputError)


def test_numba_wraps_an_interrupt() -> None:
    wrapped, twice = SystemError("a kernel returned a result with an exception set"), SystemError("another")
    wrapped.__cause__, twice.__cause__ = KeyboardInterrupt(), wrapped
    assert all(map(is_interrupt, (KeyboardInterrupt(), wrapped, twice)))
    assert not any(map(is_interrupt, (SystemError("broken"), ValueError("broken"), None)))
