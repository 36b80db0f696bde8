"""Solve the exact model: counted spectrum first, indices or cuts where needed, referee at the end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from netopt_heur.exact.candidates import Kept, LinkContent, build_candidates, without_demands
from netopt_heur.exact.extract import place_blocks, to_exact_plan
from netopt_heur.exact.indexing import add_indices, add_no_good, add_packing, index_size
from netopt_heur.exact.limits import ExactLimits, ExactResult, Status, Strengthening
from netopt_heur.exact.linear import F64, NO_GAP, Answer, solve
from netopt_heur.exact.milp import Model, build_model
from netopt_heur.exact.narrow import narrow
from netopt_heur.exact.start import kept_by, start_values
from netopt_heur.exact.transfers import spread_rates
from netopt_heur.instance import Instance, build_instance
from netopt_heur.plan import Plan
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.verify import verify

COST_TOLERANCE = 1e-6
WORTH_NARROWING = 2_000  # choices of paths; with fewer, HiGHS is soon done with all links
IMPROVE_S = 5.0  # time limit of a look for a cheaper plan over a part of the links
OUT_OF_TIME = Answer("limit", None, math.inf, -math.inf)


class UnverifiedPlanError(RuntimeError):
    """The referee refuses an extracted plan, or counts another cost: a defect, never the user's fault."""


@dataclass
class _Run:
    """One call of :func:`solve_exact`."""

    instance: Instance
    limits: ExactLimits
    strengthening: Strengthening
    warm_start: Plan | None
    deadline: float
    relative_gap: float = NO_GAP
    rounds: int = 0
    bound: float = -math.inf
    cost: float = math.inf  # of the start
    complete: bool = False
    links: frozenset[LinkContent] | None = None  # all that a cheaper plan can use; None: any
    start: bool | None = None  # whether the warm start keeps all rules
    others: float = math.inf  # least cost of plans with other links

    def left_s(self) -> float | None:
        return None if math.isinf(self.deadline) else max(0.01, self.deadline - time.perf_counter())

    def narrow(self) -> None:
        """Find out which links matter, given a start."""
        if self.warm_start is None:
            return
        verdict = verify(self.instance.scenario, self.warm_start.to_dict())
        self.start = verdict.feasible
        if not verdict.feasible:
            self.warm_start = None
            return
        self.cost = verdict.cost
        kept = kept_by(self.instance, self.warm_start)
        if self.choices(kept) < WORTH_NARROWING:
            return
        candidates = without_demands(self.instance, self.limits, kept, self.check)
        self.complete = candidates.complete
        known = narrow(candidates, self.warm_start, self.cost, self.relative_gap, self.improve, self.check)
        self.bound, self.links, self.others = known.bound, known.links, known.others

    def choices(self, kept: Kept) -> int:
        """How many paths and pairs of paths the exact model would choose from."""
        candidates = build_candidates(self.instance, self.limits, kept=kept, check=self.check)
        return sum(len(demand.options) for demand in candidates.demands)

    def improve(self, links: frozenset[LinkContent]) -> float:
        """Look for a cheaper plan over some links; the cost of the cheapest known."""
        model = self.model(all_regens=False, links=links)
        time_limit_s = min(IMPROVE_S, self.left_s() or IMPROVE_S)
        start = None if self.warm_start is None else start_values(model, self.warm_start)
        answer = solve(model.program, time_limit_s, start, heuristics=False, relative_gap=self.relative_gap)
        plan = _plan_of(model, answer, self) if answer.objective < self.cost * (1.0 - NO_GAP) else None
        if plan is not None:
            verdict = verify(self.instance.scenario, plan.to_dict())
            if verdict.feasible and verdict.cost < self.cost:
                self.warm_start, self.cost = plan, verdict.cost
        return self.cost

    @property
    def settled(self) -> bool:
        """Whether the start is known to be as cheap as asked for."""
        return self.bound >= self.cost * (1.0 - self.relative_gap)

    def last_model(self) -> Model:
        """The model over the links that matter; over all if the start cannot be told by those."""
        model = self.model(all_regens=False, links=self.links)
        if self.links is not None and self.warm_start is not None:
            if start_values(model, self.warm_start) is not None:
                return model
            self.links, self.others = None, math.inf
            model = self.model(all_regens=False)
        return model

    def model(self, *, all_regens: bool, links: frozenset[LinkContent] | None = None) -> Model:
        kept = None if self.warm_start is None else kept_by(self.instance, self.warm_start)
        candidates = build_candidates(
            self.instance,
            self.limits,
            all_regens=all_regens,
            merge_equal_lsps=self.strengthening.merge_equal_lsps,
            kept=kept,
            only=links,
            check=self.check,
        )
        return build_model(candidates, self.strengthening, self.check)

    def check(self) -> None:
        """Raise TimeoutError when time is up."""
        if time.perf_counter() >= self.deadline:
            raise TimeoutError("the time is up")

    def solve(self, model: Model) -> Answer:
        if time.perf_counter() >= self.deadline:
            return OUT_OF_TIME
        start = None if self.warm_start is None else start_values(model, self.warm_start)
        answer = solve(
            model.program,
            self.left_s(),
            start,
            heuristics=start is None,
            relative_gap=self.relative_gap,
        )
        self.rounds += 1
        self.bound = max(self.bound, min(answer.bound, self.others))
        return answer


def solve_exact(
    scenario: Scenario,
    *,
    time_limit_s: float | None = None,
    warm_start: Plan | None = None,
    limits: ExactLimits | None = None,
    strengthening: Strengthening | None = None,
    relative_gap: float = NO_GAP,
) -> ExactResult:
    """Find and prove the cheapest plan among the candidates.

    Parameters
    ----------
    scenario
        The problem.
    time_limit_s
        Stop after about this many seconds with the best plan and bound so far.
    warm_start
        A plan to start from; its routes are candidates whatever the limits say. One that breaks a rule is
        left aside.
    limits
        Bounds of the candidate set.
    strengthening
        Parts of the formulation to leave out, for measurements.
    relative_gap
        Share of the cost above the bound at which a plan counts as optimal.

    Returns
    -------
    ExactResult
        Its plan has passed the referee at ``cost``.

    Raises
    ------
    UnverifiedPlanError
        If the referee disagrees with the model: a defect in one of them.

    Examples
    --------
    >>> from netopt_heur import load_scenario
    >>> solve_exact(load_scenario("configs/tiny_triangle.yaml")).status
    'optimal'
    """
    started = time.perf_counter()
    run = _Run(
        build_instance(scenario),
        limits or ExactLimits(),
        strengthening or Strengthening(),
        warm_start,
        math.inf if time_limit_s is None else started + time_limit_s,
        max(relative_gap, NO_GAP),
    )
    model: Model | None = None
    answer, plan, build_s = OUT_OF_TIME, None, 0.0
    try:
        run.narrow()
        if run.settled and run.warm_start is not None:
            answer, plan = Answer("optimal", None, run.cost, run.bound), run.warm_start
        else:
            began = time.perf_counter()
            model = run.last_model()
            build_s = time.perf_counter() - began
            answer, plan, model = _solve_with_spectrum(run, model)
    except TimeoutError:
        answer = OUT_OF_TIME
    if plan is None and answer.status != "infeasible" and run.warm_start is not None:
        plan = run.warm_start  # no better one was found in time
    return _result(scenario, run, model, answer, plan, started, build_s)


def _solve_with_spectrum(run: _Run, model: Model) -> tuple[Answer, Plan | None, Model]:
    """Solve until the spectrum fits."""
    answer = run.solve(model)
    plan = _plan_of(model, answer, run)
    while answer.values is not None and plan is None and answer.status == "optimal":
        model = _with_spectrum(run, model, answer.values)
        answer = run.solve(model)
        plan = _plan_of(model, answer, run)
    return answer, plan, model


def _plan_of(model: Model, answer: Answer, run: _Run) -> Plan | None:
    if answer.values is None:
        return None
    try:
        _, places = place_blocks(model, answer.values, run.left_s())
    except TimeoutError:
        return None
    if places is None:
        return None
    return to_exact_plan(model, spread_rates(model, answer.values), places)


def _with_spectrum(run: _Run, model: Model, values: F64) -> Model:
    """The model with what keeps the last solution's spectrum out."""
    if run.instance.scenario.spectrum.continuity == "none":
        add_packing(model)
        return model
    if run.rounds == 1:
        # more regenerators than reach needs convert wavelengths: candidates once spectrum matters
        model = run.model(all_regens=True, links=run.links)
        if index_size(model) <= run.limits.index_columns:
            add_indices(model)
            return model
        return model
    blocks, _ = place_blocks(model, values, run.left_s())
    pairs = {
        f: int(run.instance.lit_pairs[f]) + round(float(values[c])) for f, c in enumerate(model.new_pairs)
    }
    add_no_good(model, [(min(f, f[::-1]), w) for f, w in blocks], pairs)
    return model


def _result(
    scenario: Scenario,
    run: _Run,
    model: Model | None,
    answer: Answer,
    plan: Plan | None,
    started: float,
    build_s: float,
) -> ExactResult:
    cost = math.inf
    if plan is not None:
        verdict = verify(scenario, plan.to_dict())
        cost = verdict.cost
        off_by = cost - answer.objective
        if answer.status != "optimal":
            off_by = max(0.0, off_by)  # cut short, the model may hold channels on links that nobody uses
        off = abs(off_by) > COST_TOLERANCE * max(1.0, abs(cost))
        if plan is not run.warm_start and (not verdict.feasible or off):
            raise UnverifiedPlanError(
                f"objective {answer.objective!r}, referee {cost!r}: {verdict.violations[:3]}"
            )
        if not verdict.feasible:
            plan, cost = None, math.inf  # a start that breaks a rule is no answer
    status = _status(answer, plan)
    proven = status == "optimal" and run.relative_gap <= NO_GAP
    bound = cost if proven else min(run.bound, cost)
    gap = 0.0 if proven or cost == 0.0 else (cost - bound) / cost if math.isfinite(cost) else math.inf
    return ExactResult(
        status=status,
        cost=cost,
        bound=bound if status != "infeasible" else math.inf,
        gap=gap,
        plan=plan,
        complete=run.complete if model is None else model.candidates.complete,
        runtime_s=time.perf_counter() - started,
        build_s=build_s,
        columns=0 if model is None else len(model.program.cost),
        rows=0 if model is None else len(model.program.row_lower),
        rounds=run.rounds,
        start=run.start,
    )


def _status(answer: Answer, plan: Plan | None) -> Status:
    if answer.status == "infeasible":
        return "infeasible"
    if plan is None:
        return "unknown"
    return "optimal" if answer.status == "optimal" else "feasible"
