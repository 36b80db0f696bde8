"""A mixed-integer linear program under construction, and its solution by HiGHS."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netopt_heur.exact.limits import Check, no_limit

if TYPE_CHECKING:
    import highspy

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
NO_PROBING = 1 << 15  # presolve_rule_off: probing thousands of path choices takes longer than solving
FEASIBILITY = 1e-9  # the referee's tolerance of loads is relative 1e-9: HiGHS' default of 1e-6 would fail it
NO_GAP = 1e-9  # relative
SUB_PROGRAMS = tuple(
    f"mip_heuristic_run_{name}" for name in ("rins", "rens", "root_reduced_cost", "feasibility_jump")
)
Terms = Iterable[tuple[int, float]]


@dataclass
class Program:
    """Minimise ``cost x`` over rows ``lower <= a x <= upper`` and column bounds, some columns integer."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    row_lower: list[float] = field(default_factory=list)
    row_upper: list[float] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("i", [0]))
    index: array[int] = field(default_factory=lambda: array("i"))
    value: array[float] = field(default_factory=lambda: array("d"))

    def column(self, name: str, cost: float = 0.0, upper: float = math.inf, *, integer: bool = True) -> int:
        """Add a non-negative column; returns its index."""
        self.lower.append(0.0)
        self.upper.append(upper)
        self.cost.append(cost)
        self.integer.append(integer)
        self.names.append(name)
        return len(self.cost) - 1

    def row(self, terms: Terms, lower: float = -math.inf, upper: float = math.inf) -> int:
        """Add a row; terms of one column are summed. Returns its index."""
        merged: dict[int, float] = {}
        for column, value in terms:
            merged[column] = merged.get(column, 0.0) + value
        self.index.extend(merged)
        self.value.extend(merged.values())
        self.starts.append(len(self.index))
        self.row_lower.append(lower)
        self.row_upper.append(upper)
        return len(self.row_lower) - 1

    def rows_at_most(self, columns: I32, values: F64, upper: float) -> int:
        """Rows ``terms <= upper``, many at once; returns the index of the first.

        Parameters
        ----------
        columns, values
            (n_rows, n_terms); the columns of a row differ, and terms of value 0 are left out.
        """
        first = len(self.row_lower)
        used = values != 0.0
        ends = self.starts[-1] + np.cumsum(used.sum(axis=1))
        self.index.frombytes(columns[used].astype(np.int32).tobytes())
        self.value.frombytes(values[used].tobytes())
        self.starts.frombytes(ends.astype(np.int32).tobytes())
        self.row_lower.extend([-math.inf] * len(values))
        self.row_upper.extend([upper] * len(values))
        return first

    def total(self, columns: Sequence[int], total: int) -> int:
        """Row ``sum of distinct columns = total``; the quick way, for the longest rows there are."""
        self.index.extend(columns)
        self.index.append(total)
        self.value.extend([1.0] * len(columns))
        self.value.append(-1.0)
        self.starts.append(len(self.index))
        self.row_lower.append(0.0)
        self.row_upper.append(0.0)
        return len(self.row_lower) - 1

    def at_most(self, terms: Terms, upper: float) -> int:
        """Row ``terms <= upper``."""
        return self.row(terms, upper=upper)

    def at_least(self, terms: Terms, lower: float) -> int:
        """Row ``terms >= lower``."""
        return self.row(terms, lower=lower)

    def equal(self, terms: Terms, value: float) -> int:
        """Row ``terms = value``."""
        return self.row(terms, value, value)

    def drop_rows(self, first: int) -> None:
        """Forget the rows from index ``first`` on."""
        del self.index[self.starts[first] :], self.value[self.starts[first] :]
        del self.starts[first + 1 :], self.row_lower[first:], self.row_upper[first:]

    def drop_loose(self, first: int, values: F64, slack: float) -> None:
        """Forget covers (``terms >= lower``) from row ``first`` on that are slack at a point.

        Slack is more than the share ``slack`` of ``lower`` plus half of that.
        """
        kept = []
        for row in range(first, len(self.row_lower)):
            part = slice(self.starts[row], self.starts[row + 1])
            columns, coefficients, lower = self.index[part], self.value[part], self.row_lower[row]
            if float(values[list(columns)] @ np.array(coefficients)) <= lower * (1.0 + slack) + 0.5 * slack:
                kept.append((columns, coefficients, lower))
        self.drop_rows(first)
        for columns, coefficients, lower in kept:
            self.at_least(zip(columns, coefficients, strict=True), lower)

    def pass_to(self, solver: highspy.Highs, *, relaxed: bool = False) -> None:
        """Hand the program to HiGHS without names, array by array: of millions of terms no list is made.

        ``relaxed`` forgets that columns are whole.
        """
        import highspy

        solver.passModel(
            len(self.cost),
            len(self.row_lower),
            len(self.index),
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            np.array(self.cost, dtype=np.float64),
            np.array(self.lower, dtype=np.float64),
            np.array(self.upper, dtype=np.float64),
            np.array(self.row_lower, dtype=np.float64),
            np.array(self.row_upper, dtype=np.float64),
            np.frombuffer(self.starts, dtype=np.int32),
            np.frombuffer(self.index, dtype=np.int32),
            np.frombuffer(self.value, dtype=np.float64),
            np.array([integer and not relaxed for integer in self.integer], dtype=np.int32),
        )

    def to_lp(self) -> highspy.HighsLp:
        """HiGHS' own form, with names."""
        import highspy

        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.row_lower)
        lp.col_cost_ = np.array(self.cost, dtype=np.float64)
        lp.col_lower_ = np.array(self.lower, dtype=np.float64)
        lp.col_upper_ = np.array(self.upper, dtype=np.float64)
        lp.row_lower_ = np.array(self.row_lower, dtype=np.float64)
        lp.row_upper_ = np.array(self.row_upper, dtype=np.float64)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.frombuffer(self.starts, dtype=np.int32)
        lp.a_matrix_.index_ = np.frombuffer(self.index, dtype=np.int32)
        lp.a_matrix_.value_ = np.frombuffer(self.value, dtype=np.float64)
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[integer] for integer in self.integer]
        lp.col_names_ = self.names
        lp.row_names_ = [f"r{i}" for i in range(len(self.row_lower))]
        return lp


@dataclass(frozen=True, slots=True)
class Answer:
    """What HiGHS says: ``values`` None without a solution, ``bound`` the dual bound."""

    status: str  # "optimal", "infeasible", "limit"
    values: F64 | None
    objective: float
    bound: float
    nodes: int = 0


def new_solver(time_limit_s: float | None = None) -> highspy.Highs:
    """A silent single-threaded HiGHS that stops at a proven optimum only."""
    import highspy

    solver: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("presolve_rule_off", NO_PROBING)
    solver.setOptionValue("mip_rel_gap", NO_GAP)
    solver.setOptionValue("mip_abs_gap", 1e-7)
    solver.setOptionValue("mip_feasibility_tolerance", FEASIBILITY)
    solver.setOptionValue("primal_feasibility_tolerance", FEASIBILITY)
    if time_limit_s is not None:
        solver.setOptionValue("time_limit", max(0.01, time_limit_s))
    return solver


def solve(
    program: Program,
    time_limit_s: float | None = None,
    start: Mapping[int, float] | None = None,
    *,
    heuristics: bool = True,
    relative_gap: float = NO_GAP,
    cutoff: float = math.inf,
    relaxed: bool = False,
    restarts: bool = True,
    enough: float = math.inf,
) -> Answer:
    """Solve a program.

    Parameters
    ----------
    program
        The program.
    time_limit_s
        Wall clock, from the call; None: until it is solved.
    start
        A solution to start from: values of columns, 0 where missing.
    heuristics
        Look for solutions in sub-programs as well. Beside a good start they take time from the proof.
    relative_gap
        At which a solution counts as optimal.
    cutoff
        Solutions at this cost or more may be missed.
    relaxed
        Forget that columns are whole.
    restarts
        Begin again at the root once many columns are fixed. It pays where the program is large.
    enough
        A bound above this ends the search.
    """
    import highspy

    if not program.cost:
        return Answer("optimal", np.zeros(0), 0.0, 0.0)
    until_s = math.inf if time_limit_s is None else time.perf_counter() + time_limit_s
    solver = new_solver()
    solver.setOptionValue("mip_rel_gap", relative_gap)
    if math.isfinite(cutoff):
        solver.setOptionValue("objective_bound", cutoff)
        solver.setOptionValue("mip_pscost_minreliable", 1)  # such a tree has few nodes: tries cost most
        solver.setOptionValue("mip_pool_soft_limit", 500)  # and so do cuts that are never used
    solver.setOptionValue("mip_allow_restart", restarts)
    if not heuristics:
        leave_out_heuristics(solver)
    program.pass_to(solver, relaxed=relaxed)
    if start is not None:
        solution = highspy.HighsSolution()
        values = np.zeros(len(program.cost))
        for column, value in start.items():
            values[column] = value
        solution.col_value = list(values)
        solver.setSolution(solution)
    is_mip = any(program.integer) and not relaxed
    if math.isfinite(enough):
        solver.cbMipInterrupt += lambda event: event.interrupt(event.data_out.mip_dual_bound > enough)
    _run_until(solver, until_s)
    answer = read_answer(solver, is_mip)
    if answer.status == "infeasible":
        # HiGHS' presolve has declared feasible programs infeasible (its issues 1164, 2388, 3090): ask
        # again without
        solver.setOptionValue("presolve", "off")
        _run_until(solver, until_s)
        answer = read_answer(solver, is_mip)
    return answer


def leave_out_heuristics(solver: highspy.Highs) -> None:
    """Look for solutions in the tree only."""
    for name in SUB_PROGRAMS:
        solver.setOptionValue(name, False)
    solver.setOptionValue("mip_heuristic_effort", 0.0)


def least_costs(
    program: Program,
    columns: Sequence[int],
    cutoff: float = math.inf,
    *,
    most: int | None = None,
    check: Check = no_limit,
) -> dict[int, float]:
    """Optimum of the linear relaxation with each of some columns at 1.

    It is infinite above the cutoff: no solution below that uses the column.

    Parameters
    ----------
    program
        The program; nothing is said where its relaxation has no optimum.
    columns
        Columns of bounds 0 and 1.
    cutoff
        The cost.
    most
        Say it of no more columns, those of least reduced cost, then of largest value; None: of all.
    check
        Raises TimeoutError when time is up.
    """
    import highspy

    solver = new_solver()
    program.pass_to(solver, relaxed=True)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return {}
    least = float(solver.getInfo().objective_function_value)
    values, rises = solver.getSolution().col_value, solver.getSolution().col_dual
    if most is not None:
        columns = sorted(columns, key=lambda column: (rises[column], -values[column]))[:most]
    solver.setOptionValue("presolve", "off")  # each run goes on from the basis of the last
    solver.setOptionValue("objective_bound", cutoff)
    over = (highspy.HighsModelStatus.kObjectiveBound, highspy.HighsModelStatus.kInfeasible)
    found: dict[int, float] = {}
    for column in columns:
        check()
        cost = least + rises[column]  # at least
        if cost <= cutoff:
            solver.changeColBounds(column, 1.0, 1.0)
            solver.run()
            status = solver.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                cost = float(solver.getInfo().objective_function_value)
            elif status in over:
                cost = math.inf
            solver.changeColBounds(column, 0.0, 1.0)
        found[column] = cost if cost <= cutoff else math.inf
        if cost > cutoff:
            solver.changeColBounds(column, 0.0, 0.0)
    return found


def _run_until(solver: highspy.Highs, until_s: float) -> None:
    left_s = max(0.01, until_s - time.perf_counter())
    solver.setOptionValue("time_limit", solver.getRunTime() + left_s)  # HiGHS counts all runs together
    solver.run()


def read_answer(solver: highspy.Highs, is_mip: bool) -> Answer:
    """Status, values and bound of a finished run."""
    import highspy

    status, info = solver.getModelStatus(), solver.getInfo()
    infeasible = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
    if status in infeasible:
        return Answer("infeasible", None, math.inf, math.inf)
    has_values = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(solver.getSolution().col_value) if has_values else None
    objective = float(info.objective_function_value) if has_values else math.inf
    if status == highspy.HighsModelStatus.kOptimal:
        bound = float(info.mip_dual_bound) if is_mip else objective
        return Answer("optimal", values, objective, bound, int(info.mip_node_count) if is_mip else 0)
    bound = float(info.mip_dual_bound) if is_mip else -math.inf
    return Answer("limit", values, objective, bound, int(info.mip_node_count) if is_mip else 0)
