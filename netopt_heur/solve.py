"""The only wiring: scenario in, verified plan out."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from netopt_heur.construct.diagnose import diagnose
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.design import Design, to_plan
from netopt_heur.evaluator import Evaluation, Evaluator
from netopt_heur.instance import F64, Instance, build_instance
from netopt_heur.plan import Plan
from netopt_heur.result import Result as Result
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.stop import FirstOf, MaxGenerations, MaxRuntime, StoppingCriterion
from netopt_heur.verify import Verdict, verify

DEFAULT_GENERATIONS = 6
FIRST_SLOPE_ROUNDS = 3
SLOPE_ROUNDS = 6
REGROOM_ROUNDS = 3
PRICE_DAMPING = 0.5
FULL_FIBER_PENALTY = 3.0  # factor on the spectrum price of a fiber that ran out of pairs
LINK_NOISE = 0.3  # spread of the random factors on first link prices


@dataclass
class _Best:
    """Best construction so far, with its evaluation and, once asked, the referee's verdict."""

    construction: Construction
    evaluation: Evaluation
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
        Stop after this many generations (default 6 when no limit is given at all).
    out_dir
        Folder that always holds the best verified plan so far, ``plan.json``, replaced atomically.
    progress
        Show a progress bar on standard error.

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
    started = time.perf_counter()
    criteria: list[StoppingCriterion] = []
    if generations is not None or time_limit_s is None:
        criteria.append(MaxGenerations(DEFAULT_GENERATIONS if generations is None else generations))
    if time_limit_s is not None:
        criteria.append(MaxRuntime(time_limit_s))
    run = _Run(scenario, seed, FirstOf(*criteria), out_dir, started)
    bar = tqdm(desc="planning", unit="gen", disable=None if progress else True)
    stopped_by = ""
    try:
        run.first()
        while not run.stop(run.generation):
            run.next_generation()
            bar.set_postfix(cost=f"{run.cost:.6g}", refresh=False)
            bar.update()
    except KeyboardInterrupt:
        stopped_by = "interrupted"
    finally:
        bar.close()
    return run.result(stopped_by or run.stop.reason)


class _Run:
    def __init__(
        self, scenario: Scenario, seed: int, stop: FirstOf, out_dir: Path | None, started: float
    ) -> None:
        self.scenario, self.stop, self.out_dir, self.started = scenario, stop, out_dir, started
        self.random = np.random.default_rng(np.random.SeedSequence(seed))
        self.best: _Best | None = None
        self.first_feasible_s: float | None = None
        self.generation = 0
        self._instance: Instance | None = None

    @property
    def cost(self) -> float:
        return math.inf if self.best is None else self.best.verdict.cost

    def first(self) -> None:
        """A first plan as soon as possible."""
        instance = self._instance = build_instance(self.scenario)
        self.planner = Planner(instance)
        self.order = lsps_by_size(instance)
        self.circuit_order = circuits_by_size(instance)
        self.slot_price = self.planner.first_prices()
        self._take(
            self.planner.construct(
                self.slot_price,
                self.order,
                self.circuit_order,
                slope_rounds=FIRST_SLOPE_ROUNDS,
                regroom_rounds=0,
                stop=self._in_time,
            )
        )

    def next_generation(self) -> None:
        """One construction at new prices: by turns from the best IP layer and from nothing."""
        assert self.best is not None
        start = self.best.construction.layer if self.generation % 2 == 0 else None
        n_links = len(self.planner.pool.links)
        noise = None if self.generation <= 1 else np.exp(self.random.normal(0.0, LINK_NOISE, n_links))
        order = self.order if self.generation <= 1 else _perturbed(self.order, self.random)
        self._take(
            self.planner.construct(
                self.slot_price,
                order,
                self.circuit_order,
                slope_rounds=SLOPE_ROUNDS,
                regroom_rounds=REGROOM_ROUNDS,
                stop=self._in_time,
                noise=noise,
                start=start,
            )
        )
        self.generation += 1

    def _in_time(self) -> bool:
        # inside a generation only the clock may stop: generations are whole
        return self.stop(-1)

    def _take(self, construction: Construction) -> None:
        """Keep a construction if it is better and the referee agrees; learn prices from it in any case."""
        self.slot_price = self._learn(construction)
        evaluation = Evaluator(self._need_instance(), construction.design).evaluate()
        if self.best is not None and _rank(evaluation) >= _rank(self.best.evaluation):
            return
        made = to_plan(construction.design)
        verdict = verify(self.scenario, made.to_dict())
        if (
            evaluation.feasible
            and not verdict.feasible
            and self.best is not None
            and self.best.verdict.feasible
        ):
            return
        self.best = _Best(construction, evaluation, made, verdict)
        if verdict.feasible and self.first_feasible_s is None:
            self.first_feasible_s = time.perf_counter() - self.started
        if self.out_dir is not None:
            made.save(self.out_dir / "plan.json")

    def _learn(self, construction: Construction) -> F64:
        price = (1 - PRICE_DAMPING) * self.slot_price + PRICE_DAMPING * construction.slot_price
        for fiber in construction.blocked_fibers:
            price[fiber] = max(price[fiber], self.slot_price[fiber], 1e-6) * FULL_FIBER_PENALTY
        return price

    def _need_instance(self) -> Instance:
        assert self._instance is not None
        return self._instance

    def result(self, stopped_by: str) -> Result:
        """What came of it."""
        runtime_s = time.perf_counter() - self.started
        if self.best is None:
            return Result(None, "none", math.inf, {}, [], [], runtime_s, None, self.generation, stopped_by)
        verdict = self.best.verdict
        status: Literal["feasible", "infeasible"] = "feasible" if verdict.feasible else "infeasible"
        blocked: list[dict[str, Any]] = []
        if not verdict.feasible:
            blocked = diagnose(self._need_instance(), self.planner, self.best.construction)
        return Result(
            plan=self.best.plan,
            status=status,
            cost=verdict.cost,
            cost_breakdown=dict(verdict.cost_breakdown),
            violations=[asdict(violation) for violation in verdict.violations],
            blocked=blocked,
            runtime_s=time.perf_counter() - self.started,
            first_feasible_s=self.first_feasible_s,
            generations=self.generation,
            stopped_by=stopped_by,
            stats=plan_counts(self.best.construction.design, verdict),
        )


def _rank(evaluation: Evaluation) -> tuple[float, float, float, float]:
    return (sum(evaluation.violations.values()), *evaluation.cost.key())


def lsps_by_size(instance: Instance) -> list[int]:
    """LSPs from the largest to the smallest; long before short among equals."""
    size = instance.samples.mean(axis=2).max(axis=1, initial=0.0)
    return [int(i) for i in np.lexsort((np.arange(len(size)), -size))]


def circuits_by_size(instance: Instance) -> list[int]:
    """Circuits from the largest to the smallest."""
    circuits = instance.circuits
    return sorted(
        range(len(circuits)), key=lambda i: (-circuits[i].waves * circuits[i].wave_gbps, circuits[i].id)
    )


def _perturbed(order: list[int], random: np.random.Generator) -> list[int]:
    """Nearly the same order: every position moves by a fifth of the length at most, or so."""
    keys = np.arange(len(order)) + random.normal(0.0, 0.2 * max(1, len(order)), len(order))
    return [order[i] for i in np.argsort(keys, kind="stable")]


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
