"""Branch and cut against HiGHS on the same program, and against enumeration."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from netopt_heur.bounds import branching
from netopt_heur.bounds.branching import Tree
from netopt_heur.bounds.program import F64, Program

Row = tuple[list[tuple[int, float]], float]
MOST = 3.0  # of a whole column


def _random(seed: int, n_whole: int, n_rows: int) -> tuple[Program, list[Row]]:
    """Whole and continuous columns, and rows that a random point keeps."""
    rng = np.random.default_rng(seed)
    program = Program()
    for i in range(2 * n_whole):
        whole = i < n_whole
        program.column(float(rng.uniform(1.0, 9.0)), MOST if whole else math.inf, integer=whole)
    point = np.concatenate((rng.integers(0, int(MOST) + 1, n_whole), rng.uniform(0.0, 3.0, n_whole)))
    rows: list[Row] = []
    for _ in range(n_rows):
        columns = rng.choice(2 * n_whole, size=4, replace=False)
        values = rng.uniform(1.0, 5.0, size=4) * np.where(rng.random(4) < 0.2, -1.0, 1.0)
        lower = float(values @ point[columns] - rng.uniform(0.0, 4.0))
        rows.append((list(zip(columns.tolist(), values.tolist(), strict=True)), lower))
    return program, rows


def _optimum(program: Program, rows: list[Row], n_whole: int) -> float:
    """Optimum by trying all values of the whole columns, a linear program each."""
    best = math.inf
    for values in product(range(int(MOST) + 1), repeat=n_whole):
        fixed = Program(list(program.cost), list(program.lower), list(program.upper), list(program.integer))
        for column, value in enumerate(values):
            fixed.lower[column] = fixed.upper[column] = float(value)
        for row in rows:
            fixed.at_least(*row)
        solved = fixed.solve(5.0)
        best = min(best, solved[0]) if solved else best
    return best


def _branched(
    program: Program, rows: list[Row], n_first: int, n_known: int
) -> tuple[list[float], F64 | None]:
    """Bounds and solution; all but the first few rows are only found where they are violated."""
    for row in rows[:n_known]:
        program.at_least(*row)
    solved = program.solve(5.0)
    assert solved is not None
    hidden = rows[n_known:]

    def separate(x: F64, whole: bool) -> int:
        violated = [row for row in hidden if sum(v * x[c] for c, v in row[0]) < row[1] - 1e-7]
        chosen = violated if whole else violated[:1]
        for row in chosen:
            hidden.remove(row)
            program.at_least(*row)
        return len(chosen)

    bounds: list[float] = []
    tree = Tree(program, solved[1], separate, bounds.append, lambda: 1.0)
    assert tree.run(range(n_first)) is not None
    return bounds, tree.run(range(len(program.cost)))


@pytest.mark.parametrize("seed", range(12))
def test_optimum_of_all_values(seed: int) -> None:
    program, rows = _random(seed, n_whole=3, n_rows=12)
    optimum = _optimum(program, rows, 3)
    bounds, whole = _branched(program, rows, n_first=2, n_known=6)
    assert whole is not None
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(optimum, rel=1e-6)
    assert np.allclose(whole[:3], np.round(whole[:3]), atol=1e-4)
    assert float(np.array(program.cost) @ whole) == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_rows_that_come_and_go(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branching, "PURGE", 0.0)
    monkeypatch.setattr(branching, "MOST_ROWS", 2)
    program, rows = _random(100 + seed, n_whole=12, n_rows=40)
    bounds, whole = _branched(program, rows, n_first=6, n_known=20)
    assert whole is not None
    held = [sum(v * whole[c] for c, v in terms) - lower for terms, lower in rows]
    assert min(held) > -1e-5
    twin = Program(list(program.cost), list(program.lower), list(program.upper), list(program.integer))
    for row in rows:
        twin.at_least(*row)
    known: list[float] = []
    twin.solve_whole(10.0, known.append)
    assert bounds[-1] == pytest.approx(known[-1], rel=2e-4)  # HiGHS stops at a gap of 1e-4


def test_time_is_up() -> None:
    program, rows = _random(7, n_whole=12, n_rows=40)
    for row in rows:
        program.at_least(*row)
    solved = program.solve(5.0)
    assert solved is not None
    left = iter([1.0] * 40)
    bounds: list[float] = []
    tree = Tree(program, solved[1], lambda *_: 0, bounds.append, lambda: next(left, 0.0))
    assert tree.run(range(12)) is None
    known: list[float] = []
    program.solve_whole(10.0, known.append)
    assert 0.0 < max(bounds) <= known[-1] * (1.0 + 1e-6)
