"""The only wiring: scenario in, verified plan out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netopt_heur.bound_process import BESIDE_SEARCH, BoundProcess
from netopt_heur.construct.diagnose import diagnose
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.design import Design, to_plan
from netopt_heur.errors import WorkerLostError, is_interrupt
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan
from netopt_heur.result import Front as Front
from netopt_heur.result import FrontPlan, check_objectives
from netopt_heur.result import Result as Result
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.search.adopt import adopt
from netopt_heur.search.genetic import GeneticParams
from netopt_heur.search.islands import Islands, generations_per_epoch, leave, with_instance
from netopt_heur.search.regional import search_for
from netopt_heur.sound_plan import check_origin, check_sound
from netopt_heur.stop import FirstOf, MaxGenerations, MaxRuntime, StoppingCriterion
from netopt_heur.verify import Verdict, traffic_availability, verify

if TYPE_CHECKING:
    from netopt_heur.search.pareto import ParetoSearch

DEFAULT_GENERATIONS = 30
LEAST_BOUND_S = 5.0  # that the bound may take from the start, though the search is done
FIRST_BOUND_S = 30.0  # the same while there is none: on a busy machine, or of a large network
PROVEN = 2e-6  # gap of an optimal plan; the bound is lowered by half of it, against rounding
PUBLISH_EVERY_S = 4.0  # checking and writing a large plan takes a second: not after every small gain


@dataclass
class _Published:
    """The best plan that the referee has seen."""

    construction: Construction
    plan: Plan
    verdict: Verdict


def plan(
    scenario: Scenario,
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
    generations: int | None = None,
    out_dir: Path | None = None,
    progress: bool = False,
    start: Plan | None = None,
    workers: int = 1,
    target_cost: float | None = None,
    bound: bool = True,
) -> Result:
    """Plan a network.

    Parameters
    ----------
    scenario
        The problem.
    seed
        Seed of every random choice. The same seed and number of generations give the same plan.
    time_limit_s
        Stop after this many seconds; the generation at work is cut short.
    generations
        Stop after this many generations (default 30 when no limit is given at all).
    out_dir
        Folder that always holds the best verified plan so far, ``plan.json``, replaced atomically.
    progress
        Show a progress bar on standard error.
    start
        Go on from this plan of the same scenario. It may be unfinished; PlanFileError if it is of another
        scenario, or no network at all.
    workers
        Populations, each in a process of its own; every generation is then one generation of each.
    target_cost
        Stop, after a generation, once everything is served at no more than this cost.
    bound
        Compute a lower bound as well, in a process beside the search. The plan does not depend on it; but a
        run that only the clock would end is over once its plan is proven optimal.

    Returns
    -------
    Result
        Also when interrupted (Ctrl-C): with the best plan so far.

    Examples
    --------
    >>> from netopt_heur import load_scenario, plan
    >>> result = plan(load_scenario("configs/tiny_triangle.yaml"), seed=1, generations=1)
    >>> result.status
    'feasible'
    """
    options = _options(seed, time_limit_s, generations, out_dir, start, bound, workers)
    options = replace(options, until_optimal=generations is None and time_limit_s is not None)
    if target_cost is not None:
        options = replace(options, target_cost=target_cost)
    run = _Run(scenario, options)
    return run.result(_drive(run, progress))


def plan_front(
    scenario: Scenario,
    objectives: Sequence[str],
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
    generations: int | None = None,
    out_dir: Path | None = None,
    progress: bool = False,
    start: Plan | None = None,
    bound: bool = True,
) -> Front:
    """Plan a network several times over, for different weights of cost, latency and availability.

    Parameters
    ----------
    scenario
        The problem.
    objectives
        Two or three of ``cost``, ``latency`` and ``availability``.
    seed, time_limit_s, generations, progress, start, bound
        As in :func:`plan`; every generation of that run is followed by one of the front.
    out_dir
        Folder for ``front.json``, ``front/NN.json`` and, always, the cheapest plan, ``plan.json``.

    Returns
    -------
    Front
        Also when interrupted (Ctrl-C): with the plans so far.

    Raises
    ------
    UsageError
        An objective is unknown or named twice, or there are fewer than two.

    Examples
    --------
    >>> from netopt_heur import load_scenario, plan_front
    >>> front = plan_front(load_scenario("configs/tiny_triangle.yaml"), ["cost", "latency"], generations=1)
    >>> [round(each.cost, 1) for each in front.plans]
    [229.5]
    """
    options = _options(seed, time_limit_s, generations, out_dir, start, bound)
    run = _FrontRun(scenario, options, check_objectives(objectives))
    stopped_by = _drive(run, progress)
    return run.front(stopped_by)


def _options(
    seed: int,
    time_limit_s: float | None,
    generations: int | None,
    out_dir: Path | None,
    start: Plan | None,
    bound: bool,
    workers: int = 1,
) -> _Options:
    started = time.perf_counter()
    if generations is None and time_limit_s is None:
        generations = DEFAULT_GENERATIONS
    criteria: list[StoppingCriterion] = []
    if generations is not None:
        criteria.append(MaxGenerations(generations))
    if time_limit_s is not None:
        criteria.append(MaxRuntime(time_limit_s))
    progress = _progress(generations, time_limit_s, started)
    return _Options(
        seed, started, FirstOf(*criteria), progress, generations, time_limit_s, out_dir, start, bound, workers
    )


def _drive(run: _Run, progress: bool) -> str:
    """Run to the end, or to the first Ctrl-C; why it stopped."""
    from tqdm import tqdm

    bar = tqdm(desc="first plan", unit="gen", disable=None if progress else True)
    stopped_by = ""
    best: tuple[float, float] = (math.inf, math.inf)
    improved = time.perf_counter()
    try:
        run.first()
        bar.set_description("planning")
        while not (run.stop(run.generation) or run.on_target or run.optimal):
            run.next_generation()
            if run.search.best.rank() < best:
                best, improved = run.search.best.rank(), time.perf_counter()
            unimproved_s = time.perf_counter() - improved
            bar.set_postfix(
                cost=f"{run.search.best.cost:.6g}", gain=f"{unimproved_s:.0f} s ago", refresh=False
            )
            bar.update(run.generation - bar.n)
        run.await_bound()
    except (KeyboardInterrupt, SystemError) as error:
        if not is_interrupt(error):
            raise
        stopped_by = "interrupted"
    except WorkerLostError:
        run.publish_last()
        raise
    finally:
        bar.close()
        run.close()
    try:
        run.publish_last()
    except (KeyboardInterrupt, SystemError) as error:
        if not is_interrupt(error):
            raise
        stopped_by = "interrupted"
    if stopped_by:  # perhaps before there was any plan
        return stopped_by
    if run.on_target:
        return "target_cost"
    return run.stop.reason or "optimal"


def _progress(generations: int | None, time_limit_s: float | None, started: float) -> Callable[[int], float]:
    """Share of the run that is over after some generations, for the temperature."""

    def progress(generation: int) -> float:
        shares = [0.0]
        if generations is not None:
            shares.append(generation / max(1, generations))
        if time_limit_s is not None:
            shares.append((time.perf_counter() - started) / time_limit_s)
        return min(1.0, max(shares))

    return progress


@dataclass(frozen=True)
class _Options:
    """What the caller of :func:`plan` chose, and when the call came."""

    seed: int
    started: float
    stop: FirstOf
    progress: Callable[[int], float]
    generations: int | None = None
    time_limit_s: float | None = None
    out_dir: Path | None = None
    start: Plan | None = None
    bound: bool = True
    workers: int = 1
    target_cost: float = -math.inf
    until_optimal: bool = False


class _Run:
    def __init__(self, scenario: Scenario, options: _Options) -> None:
        self.scenario, self.options, self.started = scenario, options, options.started
        self.stop = options.stop
        self.generation = 0
        self.first_feasible_s: float | None = None
        self.published: _Published | None = None
        self._published_at = -math.inf
        self._islands: Islands | None = None
        self._bound: BoundProcess | None = None

    def first(self) -> None:
        """A first plan as soon as possible."""
        if self.options.bound:
            self._bound = BoundProcess(self.scenario, self.options.time_limit_s, BESIDE_SEARCH)
        if self.options.workers > 1:
            self._islands = Islands(self.scenario, self.options.workers, GeneticParams(), self.options.seed)
        self.planner = Planner(build_instance(self.scenario))
        random = np.random.default_rng(np.random.SeedSequence(self.options.seed))
        self.search = search_for(self.planner, GeneticParams(), random, self._in_time, self._progress)
        if self.options.start is None:
            self.search.first()
        else:
            check_origin(self.scenario, self.options.start)
            broken = len(check_sound(self.scenario, self.options.start).violations)
            self.search.adopt(adopt(self.planner, self.options.start, broken, widen=True))
        if self._islands is not None:
            self._islands.begin(leave(self.search))
        self.publish()

    def next_generation(self) -> None:
        """One generation, or an epoch of islands; a better plan is published at once, or soon if costly."""
        began = time.perf_counter()
        if self._islands is None:
            self.search.generation()
            self.generation += 1
        else:
            self.generation += self._epoch_of(self._islands)
        ended = time.perf_counter()
        if ended + (ended - began) - self._published_at >= PUBLISH_EVERY_S:  # the next may take as long
            self.publish()

    @property
    def on_target(self) -> bool:
        """Whether the best plan serves everything at no more than the target cost."""
        return self.search.best.rank() <= (0, self.options.target_cost)

    @property
    def lower_bound(self) -> float | None:
        """Best lower bound so far, if any."""
        return None if self._bound is None else self._bound.best

    @property
    def optimal(self) -> bool:
        """Whether the published plan is proven optimal, and the run may end with that.

        It may not where generations are counted: their plan must not depend on when a bound was found.
        """
        bound, published = self.lower_bound, self.published
        if bound is None or published is None or not published.verdict.feasible:
            return False
        cost = published.verdict.cost
        return self.options.until_optimal and cost - bound <= PROVEN * cost

    def await_bound(self) -> None:
        """Give a bound that had little time a little more."""
        limit_s = math.inf if self.options.time_limit_s is None else self.options.time_limit_s
        if self._bound is not None:
            self._bound.wait(
                *(self.started + min(limit_s, least) for least in (LEAST_BOUND_S, FIRST_BOUND_S))
            )

    def _epoch_of(self, islands: Islands) -> int:
        """Let the islands go on to their next exchange; how many generations that takes."""
        options, done = self.options, self.generation
        count = generations_per_epoch(self.search)
        if options.generations is not None:
            count = min(count, options.generations - done)
        left_s = math.inf
        if options.time_limit_s is not None:
            left_s = self.started + options.time_limit_s - time.perf_counter()
        progress = tuple(map(options.progress, range(done, done + count)))
        best, generations = islands.epoch(progress, time.time() + left_s)
        self.search.adopt(with_instance(best, self.planner.instance))
        return generations

    def _progress(self) -> float:
        return self.options.progress(self.generation)

    def close(self) -> None:
        """Stop the bound and the workers, if any."""
        if self._bound is not None:
            self._bound.close()
        if self._islands is not None:
            self._islands.close()

    def _in_time(self) -> bool:
        # inside a generation only the clock may stop: generations are whole
        return self.stop(-1)

    def publish(self) -> None:
        """Let the referee check the best plan; keep and save it if it is better than the one kept."""
        best = self.search.best
        if self.published is not None and best.rank() >= self.published.construction.rank():
            return
        started = time.perf_counter()
        made = to_plan(best.design)
        verdict = verify(self.scenario, made.to_dict())
        if self.published is not None and self.published.verdict.feasible and not verdict.feasible:
            return
        self.published = _Published(best, made, verdict)
        if verdict.feasible and self.first_feasible_s is None:
            self.first_feasible_s = time.perf_counter() - self.started
        if self.options.out_dir is not None:
            made.save(self.options.out_dir / "plan.json")
        self._published_at = time.perf_counter()
        self.stop.reserve(self._published_at - started)  # the last plan is checked within the limit, too

    def publish_last(self) -> None:
        """Publish what is better than the last published plan, if there is any plan at all."""
        if self.published is not None:
            self.publish()

    def result(self, stopped_by: str) -> Result:
        """What came of it."""
        if self.published is None:
            runtime_s = time.perf_counter() - self.started
            return Result(
                None, "none", math.inf, {}, [], [], runtime_s, None, self.generation, stopped_by,
                lower_bound=self.lower_bound,
            )  # fmt: skip
        verdict, construction = self.published.verdict, self.published.construction
        status: Literal["feasible", "infeasible"] = "feasible" if verdict.feasible else "infeasible"
        blocked: list[dict[str, Any]] = []
        if not verdict.feasible:
            full = [fiber for fiber, _ in construction.blocked_fibers.most_common()]
            blocked = diagnose(self.planner, construction.design, full)
        return Result(
            plan=self.published.plan,
            status=status,
            cost=verdict.cost,
            cost_breakdown=dict(verdict.cost_breakdown),
            violations=[asdict(violation) for violation in verdict.violations],
            blocked=blocked,
            runtime_s=time.perf_counter() - self.started,
            first_feasible_s=self.first_feasible_s,
            generations=self.generation,
            stopped_by=stopped_by,
            stats=plan_counts(construction.design, verdict),
            history=[dict(record) for record in self.search.logbook],
            lower_bound=self.lower_bound,
        )


class _FrontRun(_Run):
    """The ordinary run, with a generation of the front after each of its own."""

    def __init__(self, scenario: Scenario, options: _Options, objectives: tuple[str, ...]) -> None:
        super().__init__(scenario, options)
        self.objectives = objectives
        self.plans: tuple[FrontPlan, ...] = ()
        self._pareto: ParetoSearch | None = None

    def first(self) -> None:
        from netopt_heur.search.pareto import ParetoParams, ParetoSearch

        super().first()
        random = np.random.default_rng(np.random.SeedSequence(self.options.seed).spawn(1)[0])
        self._pareto = ParetoSearch(
            self.planner, self.objectives, ParetoParams(), self._judge, random, self._in_time, self._progress
        )
        self._pareto.add(self.search.best)

    def next_generation(self) -> None:
        super().next_generation()
        if self._pareto is not None:
            self._pareto.add(self.search.best)
            self._pareto.generation(self.search.asked_price)

    def _judge(self, construction: Construction) -> FrontPlan | None:
        made = to_plan(construction.design)
        document = made.to_dict()
        verdict = verify(self.scenario, document)
        if not verdict.feasible:
            return None
        up = traffic_availability(self.scenario, document)
        return FrontPlan(made, verdict.cost, verdict.latency_ms_total, up)

    def publish_last(self) -> None:
        """Publish the best plan; then the front, whose cheapest plan takes its place."""
        super().publish_last()
        members = [] if self._pareto is None else self._pareto.front()
        if members:
            cheapest = members[0].judged.plan
            verdict = verify(self.scenario, cheapest.to_dict())
            self.published = _Published(members[0].construction, cheapest, verdict)
            if self.options.out_dir is not None:
                cheapest.save(self.options.out_dir / "plan.json")
        self.plans = tuple(member.judged for member in members)

    def front(self, stopped_by: str) -> Front:
        """What came of it; written, if there is a folder."""
        front = Front(self.objectives, self.plans, self.result(stopped_by))
        if self.options.out_dir is not None:
            front.save(self.options.out_dir)
        return front


def plan_counts(design: Design, verdict: Verdict) -> dict[str, int | float]:
    """Counts that describe a plan."""
    legs = design.legs()
    return {
        "lightpaths": sum(len(leg.channels) for leg in legs),
        "regenerators": sum(len(channel.regens) for leg in legs for channel in leg.channels),
        "ip_links": len(design.links),
        "wave_units": sum(len(leg.units) for leg in legs),
        "lit_pairs": int(design.pairs.sum()),
        "built_fibers": int(design.built.sum()),
        "lsps": sum(path is not None for path in design.primary),
        "lsps_with_backup": sum(path is not None for path in design.backup),
        "circuits": sum(leg is not None for leg in design.working),
        "max_utilisation": verdict.max_utilisation,
        "latency_ms_total": verdict.latency_ms_total,
    }
