"""The program that grows by rows."""

from __future__ import annotations

import pytest

from netopt_heur.bounds.program import Program


def test_rows_that_tie_columns_are_kept() -> None:
    program = Program()
    bought, held = program.column(1.0), program.column(integer=False)
    program.at_least([(bought, 1.0)], 0.5)
    assert program.solve(5.0) is not None
    program.at_least([(bought, 1.0), (held, -1.0)], 0.0)
    program.at_least([(held, 1.0)], 2.0)
    solved = program.solve(5.0)
    assert solved is not None
    program.drop_slack(solved[1] + 1e-9)  # as a solver's tolerance may have it
    again = program.solve(5.0)
    assert again is not None
    assert again[0] == pytest.approx(2.0)


def test_slack_rows_are_dropped() -> None:
    program = Program()
    column = program.column(1.0)
    program.at_least([(column, 1.0)], 0.5)
    assert program.solve(5.0) is not None
    program.at_least([(column, 1.0)], 2.0)
    program.at_least([(column, 2.0)], 1.0)
    solved = program.solve(5.0)
    assert solved is not None
    program.drop_slack(solved[1])
    assert [lower for _, _, lower in program.rows] == [0.5, 2.0]


def test_columns_are_whole() -> None:
    program = Program()
    first, second = program.column(1.0), program.column(1.0, integer=False)
    program.at_least([(first, 2.0)], 1.0)
    program.at_least([(second, 2.0)], 1.0)
    bounds: list[float] = []
    program.solve_whole(5.0, bounds.append)
    assert bounds[-1] == pytest.approx(1.5)
