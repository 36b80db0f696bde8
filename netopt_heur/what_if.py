"""What-if questions to a plan: one thing changes, the rest is kept, the answer is a whole verified plan."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from netopt_heur.construct.diagnose import diagnose
from netopt_heur.construct.planner import Planner
from netopt_heur.design import to_plan
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan
from netopt_heur.plan_changes import PlanChanges, plan_changes
from netopt_heur.replan.prepare import Prepared, prepare
from netopt_heur.replan.repair import Repaired, repair
from netopt_heur.scenario import changes
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.sound_plan import check_origin, check_sound
from netopt_heur.verify import Verdict, Violation, verify

__all__ = ["Answer", "WhatIf"]


@dataclass(frozen=True, repr=False)
class Answer:
    """A plan for the changed scenario, judged by the referee.

    Attributes
    ----------
    scenario
        The changed scenario; ``verify(answer.scenario, answer.plan.to_dict())`` gives ``verdict`` again.
    plan
        The new plan, complete.
    verdict
        What the referee says of it.
    cost_before
        Cost of the plan that was asked, in its own scenario.
    changes
        What differs between the two plans.
    runtime_s
        Wall-clock time from the question to the verdict.
    """

    scenario: Scenario
    plan: Plan
    verdict: Verdict
    cost_before: float
    changes: PlanChanges
    runtime_s: float
    _repaired: Repaired

    def __repr__(self) -> str:
        what = "feasible" if self.feasible else f"{len(self.violations)} violations"
        return f"Answer({what}, cost {self.cost:,.1f}, before {self.cost_before:,.1f})"

    def __str__(self) -> str:
        """Costs, what changed, and what is wrong, a line each."""
        more = self.cost - self.cost_before
        lines = [f"cost: {self.cost:,.1f} ({more:+,.1f})", str(self.changes)]
        return "\n".join([*lines, *map(str, self.violations)])

    @property
    def feasible(self) -> bool:
        """Whether no rule is broken."""
        return self.verdict.feasible

    @property
    def cost(self) -> float:
        """Cost of the new plan, cost units."""
        return self.verdict.cost

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Rules that the new plan breaks."""
        return self.verdict.violations

    @cached_property
    def blocked(self) -> list[dict[str, Any]]:
        """Why demands are without a place, and what would help; worked out when first asked for, in seconds.

        One entry per LSP or circuit: ``demand``, ``rule``, ``reason``, ``relaxation``.
        """
        design = self._repaired.design
        return diagnose(Planner(design.instance), design, self._repaired.full_fibers)


class WhatIf:
    """A plan to which questions can be put.

    Making one takes seconds, a question fractions of one. Questions do not change it: each is put to the same
    plan. :meth:`after` gives the session that goes on from an answer.

    Parameters
    ----------
    scenario
        The problem that the plan was made for.
    plan
        The plan, or the path of its file.

    Raises
    ------
    PlanFileError
        The plan cannot be read, was made for another scenario, or is no network at all.

    Examples
    --------
    >>> from netopt_heur import WhatIf, load_scenario, plan
    >>> scenario = load_scenario("configs/tiny_triangle.yaml")
    >>> session = WhatIf(scenario, plan(scenario, seed=1, generations=1, bound=False).plan)
    >>> answer = session.set_confidence(0.5)
    >>> answer.feasible, answer.cost <= session.cost
    (True, True)
    """

    def __init__(self, scenario: Scenario, plan: Plan | str | Path) -> None:
        made = plan if isinstance(plan, Plan) else Plan.load(plan)
        check_origin(scenario, made)
        check_sound(scenario, made)
        self._start(scenario, prepare(build_instance(scenario), made))

    def _start(self, scenario: Scenario, prepared: Prepared) -> None:
        self.scenario, self._prepared = scenario, prepared
        self.plan = to_plan(prepared.design)
        self.verdict = verify(scenario, self.plan.to_dict())
        self._rehearse()

    def _rehearse(self) -> None:
        """Route one LSP again: compiled kernels load on first use, and the first question should not wait."""
        design = self._prepared.design.copy()
        routed = [lsp for lsp, path in enumerate(design.primary) if path is not None]
        for lsp in routed[:1]:
            design.primary[lsp] = design.backup[lsp] = None
        repair(replace(self._prepared, design=design), design.instance)

    @property
    def cost(self) -> float:
        """Cost of the plan that questions are put to, cost units."""
        return self.verdict.cost

    def after(self, answer: Answer) -> WhatIf:
        """The session that goes on from an answer."""
        session = WhatIf.__new__(WhatIf)
        session._start(answer.scenario, prepare(answer._repaired.design.instance, answer.plan))
        return session

    def fail_fiber(self, fiber: str) -> Answer:
        """What if a fiber is out of service for good: it offers no pairs any more.

        It remains a shared-risk group and a failure state, as for a scenario file with ``max_pairs: 0``.
        """
        return self._ask(lambda: changes.without_fiber(self.scenario, fiber))

    def add_demand(self, demand: Mapping[str, object], kind: changes.Kind = "packet") -> Answer:
        """What if there is one more demand, written with the keys of a scenario file.

        Parameters
        ----------
        demand
            As an entry of ``demands.packets`` (``circuits``, ``transfers``): ``{"a": ..., "b": ...,
            "mean_gbps": 40, "service": ...}``.
        kind
            ``packet``, ``circuit`` or ``transfer``.

        Raises
        ------
        InputError
            The demand is wrong, with the messages of the scenario's loader.
        """
        return self._ask(lambda: changes.with_demand(self.scenario, demand, kind))

    def remove_demand(self, demand: str) -> Answer:
        """What if a demand is gone."""
        return self._ask(lambda: changes.without_demand(self.scenario, demand))

    def scale_demands(self, which: str | Iterable[str], factor: float) -> Answer:
        """What if demands ask for ``factor`` times as much: mean rate, volume, or waves (rounded up).

        ``which`` is a demand's id, several ids, or the name of a service for all its packet demands.
        """
        return self._ask(lambda: changes.scaled_demands(self.scenario, which, factor))

    def set_confidence(self, confidence: float, failure_confidence: float | None = None) -> Answer:
        """What if another percentile of the load must fit; in failure states the same unless given."""
        return self._ask(lambda: changes.with_confidence(self.scenario, confidence, failure_confidence))

    def scale_price(self, item: str, factor: float) -> Answer:
        """What if a fiber (lease, build), line mode or wave offer costs ``factor`` times as much.

        The plan stays as it is; the answer is what it costs then.
        """
        return self._ask(lambda: changes.scaled_price(self.scenario, item, factor))

    def _ask(self, change: Callable[[], Scenario]) -> Answer:
        started = time.perf_counter()
        with _no_collection():
            scenario = change()
            repaired = repair(self._prepared, build_instance(scenario))
            made = to_plan(repaired.design)
            verdict = verify(scenario, made.to_dict())
            differences = plan_changes(self.plan, made)
        runtime_s = time.perf_counter() - started
        return Answer(scenario, made, verdict, self.cost, differences, runtime_s, repaired)


@contextmanager
def _no_collection() -> Iterator[None]:
    """No pass of the garbage collector over all that the process holds; it takes as long as a question."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
