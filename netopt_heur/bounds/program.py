"""A linear program that grows by rows, kept inside HiGHS so that every solve starts from the last basis."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import highspy

F64 = NDArray[np.float64]
I8 = NDArray[np.int8]
I64 = NDArray[np.int64]
LOOSE = 1.05  # a row counts as slack from this multiple of its lower bound
VIOLATED = 1e-6  # relative
MIP_HEURISTICS = ("feasibility_jump", "rens", "rins", "root_reduced_cost", "shifting", "zi_round")
Terms = Iterable[tuple[int, float]]


@dataclass(frozen=True)
class Basis:
    """Where simplex goes on, whatever rows come and go: statuses of all columns, and of rows not basic."""

    columns: I8
    rows: I64
    statuses: I8


@dataclass
class Program:
    """Minimise ``cost x``, ``0 <= x <= upper``, over rows ``terms >= lower``.

    Attributes
    ----------
    cost, upper, lower, integer
        Per column; ``integer`` marks what is whole in every plan.
    rows
        (columns, values, lower) of each row, in order of arrival.
    """

    cost: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    rows: list[tuple[list[int], list[float], float]] = field(default_factory=list)
    _solver: highspy.Highs | None = None
    _passed: int = 0
    _kept: int = 0  # static rows, never dropped

    def column(
        self, cost: float = 0.0, upper: float = math.inf, *, lower: float = 0.0, integer: bool = True
    ) -> int:
        """Add a column; returns its index."""
        self.cost.append(cost)
        self.lower.append(lower)
        self.upper.append(upper)
        self.integer.append(integer)
        return len(self.cost) - 1

    def at_least(self, terms: Terms, lower: float) -> None:
        """Add row ``terms >= lower``; terms of one column are summed."""
        merged: dict[int, float] = {}
        for column, value in terms:
            merged[column] = merged.get(column, 0.0) + value
        self.rows.append((list(merged), list(merged.values()), lower))

    def solve(self, time_limit_s: float) -> tuple[float, F64] | None:
        """Optimum and solution of the linear relaxation; None if not solved to optimality in time."""
        import highspy

        solver = self._grown(time_limit_s)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return float(solver.getInfo().objective_function_value), np.array(solver.getSolution().col_value)

    def basis(self) -> Basis | None:
        """Where the last linear relaxation ended; None if that says nothing."""
        if self._solver is None or self._solver.getInfo().basis_validity != 1:
            return None
        return basis_of(self._solver, range(self._passed))

    def loose(self, x: F64) -> set[int]:
        """Added rows that are far from tight at a solution: they slow every solve down."""
        return {
            i for i, (columns, values, lower) in enumerate(self.rows)
            if i >= self._kept and _is_loose(x[columns] * np.array(values), lower)
        }  # fmt: skip

    def violated(self, x: F64, rows: Iterable[int]) -> set[int]:
        """Those of some rows that a solution does not keep."""
        found = set()
        for i in rows:
            columns, values, lower = self.rows[i]
            if float(x[columns] @ np.array(values)) < lower - VIOLATED * max(1.0, abs(lower)):
                found.add(i)
        return found

    def solve_whole(
        self, time_limit_s: float, improved: Callable[[float], None], without: Collection[int] = ()
    ) -> F64 | None:
        """Report the dual bound with whole columns as it rises; the solution, if one is found.

        Parameters
        ----------
        without
            Rows that are left out.
        """
        solver = _silent(time_limit_s)
        solver.setOptionValue("mip_rel_gap", 1e-4)
        for heuristic in MIP_HEURISTICS:  # only the dual bound is of use
            solver.setOptionValue(f"mip_heuristic_run_{heuristic}", False)
        solver.passModel(self._model(whole=True, without=without))
        best = -math.inf

        def report(event: highspy.HighsCallbackEvent) -> None:
            nonlocal best
            value = float(event.data_out.mip_dual_bound)
            if math.isfinite(value) and value > best:
                best = value
                improved(value)

        solver.cbMipInterrupt += report
        solver.run()
        info = solver.getInfo()
        if math.isfinite(info.mip_dual_bound):
            improved(float(info.mip_dual_bound))
        found = math.isfinite(info.objective_function_value) and solver.getSolution().value_valid
        return np.array(solver.getSolution().col_value) if found else None

    def empty_solver(self) -> highspy.Highs:
        """A solver with all columns, none of them whole, and without rows."""
        solver = _silent(math.inf)
        solver.passModel(Program(self.cost, self.lower, self.upper)._model(whole=False))
        solver.setOptionValue("solver", "simplex")
        return solver

    def _grown(self, time_limit_s: float) -> highspy.Highs:
        if self._solver is None or self._solver.getNumCol() < len(self.cost):
            self._solver = _silent(time_limit_s)
            self._solver.passModel(self._model(whole=False))
            # from scratch, interior point with crossover is two to three times as fast on the large ones
            self._solver.setOptionValue("solver", "ipm")
            self._passed = self._kept = len(self.rows)
        elif self._solver.getInfo().basis_validity == 1:
            self._solver.setOptionValue("solver", "simplex")
        for columns, values, lower in self.rows[self._passed :]:
            self._solver.addRow(
                lower, math.inf, len(columns), np.array(columns, dtype=np.int32), np.array(values)
            )
        self._passed = len(self.rows)
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + max(0.05, time_limit_s))
        return self._solver

    def _model(self, *, whole: bool, without: Collection[int] = ()) -> highspy.HighsLp:
        import highspy

        rows = [row for i, row in enumerate(self.rows) if i not in without]
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(rows)
        lp.col_cost_ = np.array(self.cost)
        lp.col_lower_ = np.array(self.lower)
        lp.col_upper_ = np.array(self.upper)
        lp.row_lower_ = np.array([row[2] for row in rows])
        lp.row_upper_ = np.full(len(rows), math.inf)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.cumsum([0, *(len(row[0]) for row in rows)]).astype(np.int32)
        lp.a_matrix_.index_ = np.array([c for row in rows for c in row[0]], dtype=np.int32)
        lp.a_matrix_.value_ = np.array([v for row in rows for v in row[1]], dtype=np.float64)
        if whole:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[integer] for integer in self.integer]
        return lp


def basis_of(solver: highspy.Highs, rows: Sequence[int]) -> Basis:
    """Basis of a solver that holds these rows of a program."""
    import highspy

    known = solver.getBasis()
    columns, statuses = (
        np.array([int(s) for s in side], dtype=np.int8) for side in (known.col_status, known.row_status)
    )
    tight = np.flatnonzero(statuses != int(highspy.HighsBasisStatus.kBasic))
    return Basis(columns, np.array(rows, dtype=np.int64)[tight], statuses[tight])


def _is_loose(terms: F64, lower: float) -> bool:
    """Whether what a row asks for, terms below 0 included, is far exceeded."""
    held, asked = float(terms[terms > 0.0].sum()), lower - float(terms[terms < 0.0].sum())
    return held > asked * LOOSE


def _silent(time_limit_s: float) -> highspy.Highs:
    import highspy

    solver: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", max(0.05, time_limit_s))
    return solver
