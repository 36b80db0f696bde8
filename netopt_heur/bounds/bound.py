"""The bound's run: linear relaxation, cuts round by round, whole numbers at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from netopt_heur.bound_process import BoundProcess
from netopt_heur.bounds.branching import Tree
from netopt_heur.bounds.circuits import add_circuits
from netopt_heur.bounds.coarse import coarse_bound
from netopt_heur.bounds.link_cuts import LinkCuts
from netopt_heur.bounds.link_lengths import LinkLengths
from netopt_heur.bounds.master import Master, build_master, close_master
from netopt_heur.bounds.metric import Resources, StateGraph, demand_in, separate, state_graph
from netopt_heur.bounds.packing import Packing
from netopt_heur.bounds.program import F64, Program
from netopt_heur.bounds.site_cuts import SiteCuts
from netopt_heur.bounds.topology import add_topology
from netopt_heur.bounds.traffic import Traffic, build_traffic
from netopt_heur.bounds.transit import add_transit
from netopt_heur.instance import Instance, build_instance
from netopt_heur.scenario.scenario import Scenario

MARGIN = 1e-6  # relative; HiGHS' tolerances are an order below
LP_SHARE = 0.6  # of the time for the linear relaxation, the rest for whole numbers
HIGHS_SHARE = 0.5  # of the time left when all that is lit or bought is whole
QUICK_SHARE = 0.15  # of the time by which whole LSPs are packed into links, or are left out
PACKING_SHARE = 0.35  # of the time by which this ends, however thorough
ROUNDS = 14  # rounds of multiplicative weights per failure state
ENOUGH = 1.0 + 1e-4  # ratio of the two sides from which a metric inequality counts as violated
WHOLE_UP_TO = 150  # sites; beyond, totals over the network: the whole program would not fit into memory
STALLED = 1e-5  # relative gain of a round of cuts below which rounds end


@dataclass(frozen=True)
class BoundResult:
    """A certified lower bound on the cost of every feasible plan.

    Attributes
    ----------
    bound
        Cost units.
    runtime_s
        Wall-clock seconds.
    method
        Bound after each part (``totals``, ``relaxation``, ``cuts``, ``whole``) and the size of the program;
        ``totals`` alone on a large network.
    history
        (seconds, bound) of each improvement; both rise.
    """

    bound: float
    runtime_s: float
    method: dict[str, float] = field(default_factory=dict)
    history: list[tuple[float, float]] = field(default_factory=list)


def lower_bound(
    scenario: Scenario,
    *,
    time_limit_s: float | None = 60.0,
    progress: Callable[[float, float], None] | None = None,
) -> BoundResult:
    """Lower bound on the cost of every plan that the referee accepts.

    Parameters
    ----------
    scenario
        The problem.
    time_limit_s
        Stop after about this many seconds; None: when nothing improves any more.
    progress
        Called with (seconds, bound) at every improvement.

    Returns
    -------
    BoundResult
        See ``docs/bounds.md`` for what is relaxed and why the bound holds.

    Examples
    --------
    >>> from netopt_heur import load_scenario
    >>> lower_bound(load_scenario("configs/tiny_lease_or_light.yaml")).bound > 57.4
    True
    """
    return _Run(scenario, math.inf if time_limit_s is None else time_limit_s, progress).run()


def run_bound(
    scenario: Scenario,
    time_limit_s: float = 60.0,
    progress: Callable[[float, float], None] | None = None,
) -> dict[str, Any]:
    """The bound as plain data, for the command line; from a process of its own, so that it ends on time.

    ``stopped_by`` is ``finished``, ``time_limit``, ``failed`` if its process did, or, after Ctrl-C,
    ``interrupted``.
    """
    process = BoundProcess(scenario, time_limit_s, progress=progress)
    stopped_by = "time_limit"
    try:
        process.wait(process.started + time_limit_s)
    except KeyboardInterrupt:
        stopped_by = "interrupted"
    process.close()
    if process.ended:
        stopped_by = "failed" if process.failed else "finished"
    return {
        "scenario": scenario.name,
        "bound": process.best or 0.0,
        "runtime_s": time.perf_counter() - process.started,
        "stopped_by": stopped_by,
        "method": process.method,
        "history": process.history,
    }


class _Run:
    def __init__(
        self, scenario: Scenario, time_limit_s: float, progress: Callable[[float, float], None] | None
    ) -> None:
        self.started = time.perf_counter()
        self.time_limit_s, self.progress = time_limit_s, progress
        self.instance: Instance = build_instance(scenario)
        self.bound = 0.0
        self.history: list[tuple[float, float]] = []
        self.method: dict[str, float] = {}

    def run(self) -> BoundResult:
        self._improve(coarse_bound(self.instance))
        self.method["totals"] = self.bound
        if len(self.instance.site_ids) > WHOLE_UP_TO:
            return BoundResult(self.bound, self._elapsed_s(), self.method, self.history)
        traffic = build_traffic(self.instance)
        master = build_master(self.instance)
        add_circuits(master)
        add_topology(master, traffic)
        close_master(master)
        if master.program.cost:
            self._solve(master, traffic)
        self.method["columns"] = float(len(master.program.cost))
        self.method["rows"] = float(len(master.program.rows))
        return BoundResult(self.bound, self._elapsed_s(), self.method, self.history)

    def _solve(self, master: Master, traffic: Traffic) -> None:
        cuts = SiteCuts(master, traffic)
        cuts.add_ports()
        solved = master.program.solve(self._left_s())
        if solved is None:
            return
        self._improve(solved[0])
        cuts.add_states()
        transit = add_transit(master, traffic)
        packing = Packing(transit)
        packing.add_quick(lambda: self._elapsed_s() < self.time_limit_s * QUICK_SHARE)
        grown = master.program.solve(self._left_s())
        if grown is None:
            return
        self._improve(grown[0])
        if packing.add_thorough(grown[1], lambda: self._elapsed_s() < self.time_limit_s * PACKING_SHARE):
            grown = master.program.solve(self._left_s()) or grown
            self._improve(grown[0])
        self.method["relaxation"] = self.bound
        self.link_cuts = LinkCuts(transit, cuts), LinkLengths(transit)
        x = self._cut(master, traffic, cuts, grown[1])
        self.method["cuts"] = self.bound
        self._branch(master, traffic, cuts, x)
        self.method["whole"] = self.bound

    def _branch(self, master: Master, traffic: Traffic, cuts: SiteCuts, x: F64) -> None:
        """Whole numbers, first of what is lit and bought: few columns that decide most."""
        metric, program = _MetricCuts(master, traffic), master.program

        def add_violated(x: F64, whole: bool) -> int:
            if whole:  # these take long
                return metric.add_violated(x, lambda: self._over_s() < 0.0)
            return self._add_cuts(cuts, x)

        lit = [*master.lit.values(), *master.bought.values()]
        tree = Tree(program, x, add_violated, self._improve, lambda: -self._over_s())
        if lit and tree.run(lit) is None:
            return
        # HiGHS is done with a small program before the tree is, by its cuts, and says nothing of a large one
        until_s = self._elapsed_s() - (HIGHS_SHARE if lit else 1.0) * self._over_s()
        if self._branch_on_all(program, x, add_violated, until_s):
            return
        for columns in ([*master.ports.values(), *master.twins.values()], range(len(program.cost))):
            if tree.run(columns) is None:
                return

    def _branch_on_all(
        self, program: Program, x: F64, add_violated: Callable[[F64, bool], int], until_s: float
    ) -> bool:
        """All whole numbers by HiGHS, again with what its solution violates; whether it got to the end."""
        loose = program.loose(x)
        while self._elapsed_s() < until_s:
            whole = program.solve_whole(until_s - self._elapsed_s(), self._improve, loose)
            if self._elapsed_s() >= until_s:
                break
            missed = set() if whole is None else program.violated(whole, loose)
            loose -= missed
            if whole is None or not (missed or add_violated(whole, False) or add_violated(whole, True)):
                return True
        return False

    def _cut(self, master: Master, traffic: Traffic, cuts: SiteCuts, x: F64) -> F64:
        """Add cuts until they add nothing or the time is up; returns the last solution."""
        metric = _MetricCuts(master, traffic)
        until_s = self.time_limit_s * LP_SHARE
        stalled = False
        while self._elapsed_s() < until_s:
            before = self.bound
            added = self._add_cuts(cuts, x)
            if stalled or not added:
                added += metric.add_violated(x, lambda: self._elapsed_s() < until_s)
            solved = master.program.solve(max(0.1, until_s - self._elapsed_s())) if added else None
            if solved is None:
                break
            self._improve(solved[0])
            x = solved[1]
            stalled = self.bound - before < STALLED * max(1.0, self.bound)
            if stalled and metric.tried:
                break
        return x

    def _add_cuts(self, cuts: SiteCuts, x: F64) -> int:
        """Add what a solution violates, but for metric inequalities over fibers; returns how many rows."""
        added = cuts.add_violated(x) + cuts.add_connections(x)
        return added + sum(more.add_violated(x) for more in self.link_cuts)

    def _improve(self, value: float) -> None:
        value -= MARGIN * max(1.0, abs(value))
        if value > self.bound:
            self.bound = value
            seconds = self._elapsed_s()
            self.history.append((seconds, value))
            if self.progress is not None:
                self.progress(seconds, value)

    def _elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def _over_s(self) -> float:
        return self._elapsed_s() - self.time_limit_s

    def _left_s(self) -> float:
        return max(0.05, -self._over_s())


class _MetricCuts:
    """Metric inequalities of all failure states, the states taken in turn."""

    def __init__(self, master: Master, traffic: Traffic) -> None:
        self.master, self.traffic, self.instance = master, traffic, master.instance
        self.resources = Resources(master)
        self.graphs: dict[int, StateGraph] = {}
        self.tried = False

    def add_violated(self, x: F64, in_time: Callable[[], bool]) -> int:
        """Add the most violated inequality of each state; returns how many there are."""
        added = 0
        for state in range(len(self.instance.state_names)):
            if not in_time():
                break
            matrices = self.traffic.failure if state else self.traffic.normal
            if not matrices.any():
                continue
            if state not in self.graphs:
                self.graphs[state] = state_graph(self.resources, self.instance, state)
            demand = demand_in(self.instance, matrices, state)
            found = separate(self.resources, self.graphs[state], demand, x, ROUNDS)
            if found is not None and found[0] > ENOUGH and found[1]:
                self.master.program.at_least(found[1], found[2])
                added += 1
        self.tried = True
        return added
