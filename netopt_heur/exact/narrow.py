"""Which links a plan cheaper than a known one can use, and how cheap any plan can be at all.

The equipment's program (``equipment``) is small. Under the known cost as a cutoff it either has no solution,
then no plan is cheaper, or one that uses links. These join the set ``kept``, and the program must use one
outside of it; when there is none any more, no cheaper plan leaves the set, and the exact model needs no other
links. Whenever the set has grown, the exact model over it alone may find a cheaper plan.

Links that by themselves lift the linear relaxation above the cutoff are closed beforehand. They stay out
when the search is given up as well.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from netopt_heur.exact.candidates import Candidates, LinkContent, link_content
from netopt_heur.exact.equipment import Equipment, build_equipment
from netopt_heur.exact.limits import Check
from netopt_heur.exact.linear import Answer, least_costs, solve
from netopt_heur.exact.separation import Separator
from netopt_heur.exact.start import start_values
from netopt_heur.plan import Plan

LP_ROUNDS = 30
GAIN = 1e-4  # relative, of a round of cuts, below which rounds end
SLACK = 0.1  # cuts further from tight are left out of the integer program
MOST_PROGRAMS = 12  # integer programs until the links are given up
PROGRAM_GAP = 1e-3  # relative, at which they end
PROGRAM_S = 40.0  # time limit of each
MOST_GAP = 0.1  # between bound and cost; further apart, too many links stay for it to pay
GROWTH = 1.5  # of the kept set, each time a link outside of it is used
LEAST_KEPT = 12  # links that are kept from the first such time on, so that it is not asked for one at a time
HEADROOM = 0.02  # of the cutoff in the integer program over what its bound must pass
TOO_MANY = 0.7  # share of the links from which leaving the others out gains little
MARGIN = 1e-6  # relative: cheaper plans than the cutoff plus this are looked for
Links = frozenset[LinkContent]


@dataclass(frozen=True)
class Narrowed:
    """What is known of plans over all candidate links.

    Attributes
    ----------
    bound
        No plan is cheaper.
    links
        Plans that use any other link cost at least ``others``; None: every link stays.
    others
        See ``links``.
    """

    bound: float
    links: Links | None = None
    others: float = math.inf


def narrow(
    candidates: Candidates,
    plan: Plan,
    cost: float,
    relative_gap: float,
    improve: Callable[[Links], float],
    check: Check,
) -> Narrowed:
    """Leave out links that no plan cheaper than a known one can use.

    Parameters
    ----------
    candidates
        All links, the plan's among them.
    plan, cost
        What is known.
    relative_gap
        Plans cheaper by less than this share do not count.
    improve
        Looks for a cheaper plan over some links, and returns the cost of the cheapest known.
    check
        Raises TimeoutError when time is up.
    """
    equipment = build_equipment(candidates, check)
    start = start_values(equipment.model, plan)
    if start is None or not equipment.links:
        return Narrowed(-math.inf)
    return _Narrowing(equipment, equipment.point(start), relative_gap, improve, check).run(cost)


class _Narrowing:
    def __init__(
        self,
        equipment: Equipment,
        start: dict[int, float],
        relative_gap: float,
        improve: Callable[[Links], float],
        check: Check,
    ) -> None:
        self.equipment, self.relative_gap = equipment, relative_gap
        self.improve, self.check = improve, check
        self.separator = Separator(equipment)
        self.contents = [link_content(link) for link in equipment.links]
        self.used = self._used(start)  # by the start or any solution
        self.kept = set(self.used)  # links that the exact model will have
        self.bound = -math.inf
        self.dear: set[int] = set()  # columns of links that no cheaper plan uses
        self.least: dict[int, float] = {}  # cost of what uses a link at least, by its column
        self.others = math.inf

    def run(self, cost: float) -> Narrowed:
        """Bound, then grow the kept set until no cheaper plan leaves it, or it gets too large."""
        try:
            return self._grow(cost)
        except TimeoutError:
            return self._without_dear()

    def _without_dear(self) -> Narrowed:
        """All links but those that the linear relaxation rules out."""
        pairs = zip(self.contents, self.equipment.open, strict=True)
        left = frozenset(self.kept | {content for content, column in pairs if column not in self.dear})
        if len(left) > TOO_MANY * len(set(self.contents)):
            return Narrowed(self.bound)
        return Narrowed(self.bound, left, self.others)

    def _drop_dear(self, cutoff: float) -> None:
        """Close links for good that cost too much by the linear relaxation."""
        if self.bound >= cutoff:
            return
        left = [column for column in self.equipment.open if column not in self.dear]
        self.least |= least_costs(self.equipment.program, left, cutoff * (1.0 + MARGIN))
        self.dear |= {column for column in left if self.least.get(column) == math.inf}
        self.others = cutoff
        for column in self.dear:
            self.equipment.program.upper[column] = 0.0

    def _grow(self, cost: float) -> Narrowed:
        self._cut()
        self._drop_dear(cost * (1.0 - self.relative_gap))
        for number in range(MOST_PROGRAMS):
            self.check()
            cutoff = cost * (1.0 - self.relative_gap)
            answer = self._solve(cutoff, anywhere=number == 0)
            if answer.status == "infeasible" or min(answer.bound, answer.objective) > cutoff * (1.0 + MARGIN):
                if number == 0:
                    return Narrowed(max(self.bound, cutoff))
                return Narrowed(self.bound, frozenset(self.kept), cutoff)
            if number == 0:
                self.bound = max(self.bound, min(answer.bound, cutoff))
            if answer.values is None:
                break
            before = len(self.kept)
            self.used |= self._used(dict(enumerate(answer.values.tolist())))
            self.kept |= self.used
            most = TOO_MANY * len(set(self.contents))
            self._keep_cheapest(math.floor(min(max(LEAST_KEPT, GROWTH * before), most)))
            if len(self.kept) > TOO_MANY * len(set(self.contents)):
                break
            known, cost = cost, self.improve(frozenset(self.used))
            if cost < known:
                self.kept = set(self.used)  # links may be out of the question now
                self._drop_dear(cost * (1.0 - self.relative_gap))
            if not cost * (1.0 - MOST_GAP) <= self.bound < cost * (1.0 - self.relative_gap):
                break
        return self._without_dear()

    def _keep_cheapest(self, count: int) -> None:
        """Keep so many links in all, those that the linear relaxation has least against."""
        order = sorted(range(len(self.contents)), key=lambda i: self.least.get(self.equipment.open[i], 0.0))
        for i in order:
            if len(self.kept) >= count or self.equipment.open[i] in self.dear:
                break
            self.kept.add(self.contents[i])

    def _used(self, values: dict[int, float]) -> set[LinkContent]:
        columns = zip(self.contents, self.equipment.open, strict=True)
        return {content for content, column in columns if values.get(column, 0.0) > 0.5}

    def _cut(self) -> None:
        """Cuts of the linear relaxation; those that end up loose go."""
        program, last = self.equipment.program, 0.0
        for _ in range(LP_ROUNDS):
            self.check()
            answer = solve(program, relaxed=True)
            if answer.values is None:
                return
            self.bound = max(self.bound, answer.objective)
            x, added = answer.values, self.separator.add_violated(answer.values)
            if not added or answer.objective < last + GAIN * abs(last):
                break
            last = answer.objective
        program.drop_loose(self.equipment.static_rows, x, SLACK)
        self.separator.forget()

    def _solve(self, cutoff: float, *, anywhere: bool) -> Answer:
        """Cheapest equipment below the cutoff, with a link outside of the kept set unless ``anywhere``."""
        program = self.equipment.program
        outside = [
            (column, 1.0)
            for content, column in zip(self.contents, self.equipment.open, strict=True)
            if content not in self.kept and column not in self.dear
        ]
        if not anywhere and not outside:
            return Answer("infeasible", None, math.inf, math.inf)
        began = time.perf_counter()
        while True:
            rows = len(program.row_lower)
            if not anywhere:
                program.at_least(outside, 1.0)
            answer = solve(
                program,
                PROGRAM_S,
                heuristics=False,
                relative_gap=PROGRAM_GAP,
                cutoff=cutoff * (1.0 + HEADROOM),
                restarts=False,
                enough=cutoff * (1.0 + MARGIN),
            )
            program.drop_rows(rows)
            late = time.perf_counter() - began > PROGRAM_S
            if answer.values is None or late or not self.separator.add_violated(answer.values):
                return answer
            self.check()
