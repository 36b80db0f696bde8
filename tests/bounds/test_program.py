"""The program that grows by rows."""

from __future__ import annotations

import numpy as np
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
    assert not program.loose(solved[1] + 1e-9)  # as a solver's tolerance may have it


def test_slack_rows_are_loose() -> None:
    program = Program()
    column = program.column(1.0)
    program.at_least([(column, 1.0)], 0.5)
    assert program.solve(5.0) is not None
    program.at_least([(column, 1.0)], 2.0)
    program.at_least([(column, 2.0)], 1.0)
    solved = program.solve(5.0)
    assert solved is not None
    loose = program.loose(solved[1])
    assert loose == {2}
    assert program.violated(np.array([0.4]), loose) == {2}
    bounds: list[float] = []
    program.solve_whole(5.0, bounds.append, [1])
    assert bounds[-1] == pytest.approx(1.0)


def test_columns_are_whole() -> None:
    program = Program()
    first, second = program.column(1.0), program.column(1.0, integer=False)
    program.at_least([(first, 2.0)], 1.0)
    program.at_least([(second, 2.0)], 1.0)
    bounds: list[float] = []
    program.solve_whole(5.0, bounds.append)
    assert bounds[-1] == pytest.approx(1.5)
