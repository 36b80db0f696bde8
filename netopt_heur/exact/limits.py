"""What bounds the exact model's candidates, how it is strengthened, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from netopt_heur.plan import Plan

Check = Callable[[], None]  # called now and then by what may take long; raises TimeoutError when time is up
Status = Literal["optimal", "feasible", "infeasible", "unknown"]


def no_limit() -> None:
    """The check that never stops anything."""


@dataclass(frozen=True, slots=True)
class ExactLimits:
    """Limits of the candidate set; the cheapest candidates by a price estimate stay.

    Attributes
    ----------
    routes_per_pair
        Fiber routes per pair of sites, shortest first.
    protected_per_pair
        1+1 links (pairs of disjoint routes) per pair of routers.
    paths_per_pair
        IP paths per pair of routers.
    options_per_demand
        Admissible (primary, backup) choices per demand.
    parallel_links
        Equal IP links side by side. Two may beat one that is twice as big, for each may clip other samples.
    index_columns
        Largest number of slot-index columns; beyond, spectrum is settled by cuts alone.
    """

    routes_per_pair: int = 8
    protected_per_pair: int = 8
    paths_per_pair: int = 300
    options_per_demand: int = 3000
    parallel_links: int = 1
    index_columns: int = 60_000


@dataclass(frozen=True, slots=True)
class Strengthening:
    """Parts of the formulation that tighten it without changing its optimum; switched off to measure them."""

    merge_equal_lsps: bool = True
    opening_rows: bool = True
    fiber_rows: bool = True
    trimmed_means: bool = True
    tight_big_m: bool = True
    width_rounding: bool = True
    cut_sets: bool = True


@dataclass(frozen=True, slots=True)
class ExactResult:
    """Answer of the exact model.

    Attributes
    ----------
    status
        ``optimal``: proven; ``feasible``: a plan and a bound; ``infeasible``: no plan exists (among the
        candidates); ``unknown``: the time was up before either.
    cost, bound, gap
        Cost of ``plan`` (inf without one), lower bound over the candidates, ``(cost - bound) / cost``.
    plan
        The best plan, judged feasible by the referee at ``cost``.
    complete
        Whether the candidates are all there are, so that ``bound`` holds for every plan; else it holds for
        plans within the limits.
    runtime_s, build_s
        Wall-clock seconds in all, and of building the (first) model.
    columns, rows, rounds
        Size of the last model; models solved until the spectrum fitted.
    start
        Whether the plan to start from keeps all rules, as it must to be used; None without one.
    """

    status: Status
    cost: float
    bound: float
    gap: float
    plan: Plan | None
    complete: bool
    runtime_s: float
    build_s: float = 0.0
    columns: int = 0
    rows: int = 0
    rounds: int = 0
    start: bool | None = None
