"""Branch and cut over a program: small linear programs at the nodes, rows brought in where violated.

Few rows of the relaxation are tight anywhere near its optimum, and the rest slow every solve of a tree down.
A node's program holds those that were, and takes from the others, and from cuts looked for anew, what its own
solution violates. Every row holds for every plan, whatever was branched on: what one node brings in stays for
all, and a row that is left out makes the bound smaller, never wrong.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from netopt_heur.bounds.program import F64, I64, VIOLATED, Basis, Program, basis_of

if TYPE_CHECKING:
    import highspy

FRACTION = 1e-5  # a column this near to a whole number counts as whole
LOOSE = 1.005  # held over asked above which a row is left out until it is violated
ROUNDS = 6  # of rows at a node
MOST_ROWS = 400  # that one round brings in
WORTH = 2e-5  # relative gain of a round below which a node takes no more
PURGE = 1.05  # rows, over those that were needed once, from which loose ones go
PROBES = 16  # rounded columns tried at a node
PROBE_STEPS = 150  # of dual simplex
RELIABLE = 2  # gains known of a column from which it is not tried again (Achterberg, Koch, Martin 2005)
CUT_OFF = 0.1  # gain that rounding counts as where it leaves no solution, relative
LEAST_GAIN = 1e-6  # relative, so that a product of gains says something of either side
DEVEX = 1  # exact weights of dual simplex cost more than they save in solves from a known basis
Range = tuple[float, float]


@dataclass(order=True)
class _Node:
    """Open part of the tree, least bound first; ``whole``: columns of how many classes are, in ``x``."""

    bound: float
    order: int
    ranges: dict[int, Range] = field(compare=False)
    basis: Basis | None = field(compare=False)
    whole: int = field(compare=False, default=0)
    x: F64 = field(compare=False, default_factory=lambda: np.zeros(0))


class _Rows:
    """All rows of a program as arrays, to find the violated ones at once."""

    def __init__(self, program: Program) -> None:
        self.program, self.known = program, 0
        self.row, self.column = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        self.value, self.lower = np.zeros(0), np.zeros(0)

    def grow(self) -> None:
        """Take in the rows that are new in the program."""
        fresh = self.program.rows[self.known :]
        if fresh:
            size = [len(columns) for columns, _, _ in fresh]
            self.row = np.concatenate((self.row, self.known + np.repeat(np.arange(len(fresh)), size)))
            columns = [np.array(columns, dtype=np.int64) for columns, _, _ in fresh]
            self.column = np.concatenate((self.column, *columns))
            self.value = np.concatenate((self.value, *(np.array(values) for _, values, _ in fresh)))
            self.lower = np.concatenate((self.lower, np.array([lower for _, _, lower in fresh])))
            self.known = len(self.program.rows)

    def held_and_asked(self, x: F64) -> tuple[F64, F64]:
        """Terms above 0, and what a row asks for with its terms below 0; float64[n_rows] each."""
        terms = self.value * x[self.column]
        held = np.asarray(np.bincount(self.row, np.maximum(0.0, terms), self.known), dtype=np.float64)
        taken = np.asarray(np.bincount(self.row, np.maximum(0.0, -terms), self.known), dtype=np.float64)
        return held, self.lower + taken


class _Nodes:
    """The linear program of whatever node is looked at.

    Parameters
    ----------
    program
        Columns and all rows; those that are in the solver are ``active``, in its order.
    left_s
        Seconds that are left.
    """

    def __init__(self, program: Program, left_s: Callable[[], float]) -> None:
        self.program, self.left_s = program, left_s
        self.rows, self.active = _Rows(program), list[int]()
        self.few = 0  # rows that were needed at once so far
        self.moved: set[int] = set()  # columns whose ranges are not the program's
        self.solver = program.empty_solver()
        self.solver.setOptionValue("simplex_dual_edge_weight_strategy", DEVEX)

    def start(self, x: F64) -> None:
        """Bring in the rows that are close to tight at a solution."""
        self.rows.grow()
        held, asked = self.rows.held_and_asked(x)
        self._bring(np.flatnonzero(held <= asked * LOOSE).tolist())
        self.few = len(self.active)

    def enter(self, node: _Node) -> None:
        """Ranges and basis of a node."""
        self.move(node.ranges)
        if node.basis is not None:
            self._restore(node.basis)

    def solve(self) -> tuple[float, F64] | None:
        """Optimum and solution; the optimum is infinite if there is none, None if the time is up."""
        import highspy

        self._run()
        status = self.solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return math.inf, np.zeros(0)
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        x = np.array(self.solver.getSolution().col_value)
        return float(self.solver.getInfo().objective_function_value), x

    def probe(self, column: int, part: Range, value: float, basis: highspy.HighsBasis) -> float:
        """What a few steps of simplex add to the optimum with a column in a part of its range."""
        import highspy

        lp = self.solver.getLp()
        kept = lp.col_lower_[column], lp.col_upper_[column]
        self.solver.changeColBounds(column, max(part[0], kept[0]), min(part[1], kept[1]))
        self.solver.setBasis(basis)
        self.solver.setOptionValue("simplex_iteration_limit", PROBE_STEPS)
        self._run()
        self.solver.setOptionValue("simplex_iteration_limit", 2**31 - 1)
        self.solver.changeColBounds(column, *kept)
        if self.solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return CUT_OFF * value
        return max(0.0, float(self.solver.getInfo().objective_function_value) - value)

    def move(self, ranges: dict[int, Range]) -> None:
        """Set the ranges of columns that were branched on, and no others."""
        for column in sorted(self.moved - set(ranges)):
            self.solver.changeColBounds(column, self.program.lower[column], self.program.upper[column])
        for column, (low, high) in ranges.items():
            self.solver.changeColBounds(column, low, high)
        self.moved = set(ranges)

    def bring_violated(self, x: F64) -> int:
        """Bring in the rows of the program that a solution violates most; returns how many."""
        self.rows.grow()
        held, asked = self.rows.held_and_asked(x)
        missing = (asked - held) / np.maximum(1.0, np.abs(self.rows.lower))
        missing[self.active] = 0.0
        worst = np.argsort(-missing, kind="stable")[:MOST_ROWS]
        found = worst[missing[worst] > VIOLATED].tolist()
        self._bring(found)
        return len(found)

    def purge(self, x: F64) -> None:
        """Once there are many rows, take out those far from tight; they come back where they are violated."""
        if len(self.active) <= PURGE * self.few:
            return
        held, asked = self.rows.held_and_asked(x)
        tight = set(self.basis().rows.tolist())
        gone = [i for i, row in enumerate(self.active) if row not in tight and held[row] > asked[row] * LOOSE]
        if gone:
            self.solver.deleteRows(len(gone), np.array(gone, dtype=np.int32))
            out = set(gone)
            self.active = [row for i, row in enumerate(self.active) if i not in out]
        self.few = max(self.few, len(self.active))

    def basis(self) -> Basis:
        """Basis of the last solve."""
        return basis_of(self.solver, self.active)

    def _run(self) -> None:
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + max(0.05, self.left_s()))
        self.solver.run()

    def _bring(self, rows: list[int]) -> None:
        for row in rows:
            columns, values, lower = self.program.rows[row]
            index = np.array(columns, dtype=np.int32)
            self.solver.addRow(lower, math.inf, len(index), index, np.array(values))
        self.active += rows

    def _restore(self, known: Basis) -> None:
        import highspy

        here = set(self.active)
        self._bring([row for row in known.rows.tolist() if row not in here])
        status = np.full(len(self.program.rows), int(highspy.HighsBasisStatus.kBasic), dtype=np.int8)
        status[known.rows] = known.statuses
        named = [highspy.HighsBasisStatus(i) for i in range(5)]
        basis = highspy.HighsBasis()
        basis.col_status = [named[s] for s in known.columns.tolist()]
        basis.row_status = [named[s] for s in status[self.active].tolist()]
        basis.valid = True
        self.solver.setBasis(basis)


class Tree:
    """Branch and cut over whole columns of a program, the part of least bound first.

    Parameters
    ----------
    program
        Columns and all rows found so far; grows by what ``separate`` adds.
    x
        Solution of the linear relaxation.
    separate
        Adds rows that a solution violates to the program, and returns how many; told whether all of the
        columns branched on are whole there.
    improved
        Called with the least bound of all open parts, time and again.
    left_s
        Seconds that are left.
    """

    def __init__(
        self,
        program: Program,
        x: F64,
        separate: Callable[[F64, bool], int],
        improved: Callable[[float], None],
        left_s: Callable[[], float],
    ) -> None:
        self.program, self.separate, self.improved, self.left_s = program, separate, improved, left_s
        self.classes: list[I64] = []
        self.nodes = _Nodes(program, left_s)
        self.nodes.start(x)
        self.order = count()
        self.open = [_Node(0.0, next(self.order), {}, program.basis())]
        # what rounding down (0) or up (1) adds to the optimum per unit, all times it was tried
        self.gains: dict[tuple[int, int], list[float]] = {}

    def run(self, columns: Iterable[int]) -> F64 | None:
        """Branch until the part of least bound is whole, or the time is up; the whole solution, if any.

        Parameters
        ----------
        columns
            To branch on, wherever those of earlier calls are whole; goes on from where these ended.
        """
        self.classes.append(np.array([c for c in columns if self.program.integer[c]], dtype=np.int64))
        while self.open and self.left_s() > 0.0:
            node = self.open[0]
            self.improved(node.bound)
            if node.whole == len(self.classes):
                return node.x
            heapq.heappop(self.open)
            solved = self._solve(node)
            if solved is None:
                break
            if math.isfinite(solved[0]):  # else no plan is in this part
                self._go_on(node, *solved)
        return None

    def _go_on(self, node: _Node, value: float, x: F64) -> None:
        """Split a part that is solved, or keep its solution, if it is whole."""
        node.bound = max(node.bound, value)
        column = self._column(node, value, x)
        if column is None:
            if not self.separate(x, True):
                node.whole, node.x = len(self.classes), x
            heapq.heappush(self.open, node)
            return
        basis = self.nodes.basis()
        for part in self._parts(node, column, float(x[column])):
            ranges = node.ranges | {column: part}
            heapq.heappush(self.open, _Node(node.bound, next(self.order), ranges, basis))

    def _solve(self, node: _Node) -> tuple[float, F64] | None:
        """Optimum and solution of a part with the rows that it violates."""
        self.nodes.enter(node)
        before = -math.inf
        for _ in range(ROUNDS):
            solved = self.nodes.solve()
            if solved is None or not math.isfinite(solved[0]):
                return solved
            value, x = solved
            if value - before < WORTH * abs(value):
                break
            before = value
            if not self.nodes.bring_violated(x) and not (
                self.separate(x, False) and self.nodes.bring_violated(x)
            ):
                break
        self.nodes.purge(x)
        return value, x

    def _column(self, node: _Node, value: float, x: F64) -> int | None:
        """Column to branch on, the one whose two parts promise most; None if all are whole."""
        for columns in self.classes:
            apart = np.abs(x[columns] - np.round(x[columns]))
            split = np.flatnonzero(apart > FRACTION)
            if len(split):
                by_fraction = split[np.argsort(-apart[split], kind="stable")]
                return self._promising(node, value, x, columns[by_fraction].tolist())
        return None

    def _promising(self, node: _Node, value: float, x: F64, columns: list[int]) -> int:
        basis, probed = self.nodes.solver.getBasis(), 0
        best, chosen = -math.inf, columns[0]
        for column in columns:
            at, score = float(x[column]), 1.0
            for side, part in enumerate(self._parts(node, column, at)):
                known = self.gains.setdefault((column, side), [])
                way = at - math.floor(at) if side == 0 else math.ceil(at) - at
                if len(known) < RELIABLE and probed < PROBES and self.left_s() > 0.0:
                    known.append(self.nodes.probe(column, part, value, basis) / way)
                    probed += 1
                gain = way * float(np.mean(known)) if known else 0.0
                score *= max(gain, LEAST_GAIN * abs(value))
            if score > best:
                best, chosen = score, column
        if probed:
            self.nodes.solver.setBasis(basis)
        return chosen

    def _parts(self, node: _Node, column: int, at: float) -> tuple[Range, Range]:
        low, high = node.ranges.get(column, (self.program.lower[column], self.program.upper[column]))
        return (low, float(math.floor(at))), (math.floor(at) + 1.0, high)
