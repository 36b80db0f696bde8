"""Joint planning against silos, and where the saving comes from.

Five plans, from the silo to the joint plan, each with one more feature switched on, in this order:

1. ``silo``: every demand at its peak, each backup in its own capacity, links by straight-line guess, 1+1
   underneath;
2. ``statistical multiplexing``: links sized at the promised percentile of the sum of what they carry, not the
   sum of peaks;
3. ``shared backup``: backups whose primaries never fail together share spare capacity;
4. ``joint routing``: the joint planner with the real fiber map and protection in one layer only, but with
   links under which lie no more fibers than needed to keep all promises: neighbour to neighbour where router
   hops and latency allow;
5. ``optical bypass``: the joint planner with express links of any length beside these.

A feature's contribution is what the cost falls by when it is switched on; the order matters (what percentiles
save, shared backups cannot save again), the sum does not. Every plan is a plan of the same scenario and goes
to the same referee. A silo that finds nothing cheaper keeps the plan of the silo before it, and so does the
last plan of the joint planner; but no plan of the joint planner is ever a silo's. So a negative contribution
of ``joint routing`` says that the joint planner lost to the silo.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from netopt_heur.design import to_plan
from netopt_heur.instance import build_instance
from netopt_heur.plan import Plan
from netopt_heur.report.tables import format_rows
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.silo.baseline import Features, silo_plan
from netopt_heur.silo.grooming import Stop
from netopt_heur.solve import plan as joint_plan
from netopt_heur.stop import MaxRuntime
from netopt_heur.verify import Verdict, verify

SILO = "silo"
FEATURES = ("statistical multiplexing", "shared backup", "joint routing", "optical bypass")
LAYERS = ("fiber", "optical", "ip")


@dataclass(frozen=True)
class Stage:
    """One plan between silo and joint plan.

    Attributes
    ----------
    name
        ``silo``, or the feature that was switched on for this plan.
    plan, verdict
        The plan and what the referee says of it.
    own_cost
        Cost of the plan this stage found itself; more than the plan's where the plan before was kept.
    runtime_s
        Wall-clock seconds.
    details
        Counts: repaired LSPs and 1+1 links in silos, the bound on fibers under a link in the joint planner.
    """

    name: str
    plan: Plan
    verdict: Verdict
    own_cost: float
    runtime_s: float
    details: Mapping[str, int]


def compare_silo(
    scenario: Scenario, *, seed: int = 0, time_limit_s: float | None = None, generations: int | None = None
) -> dict[str, Any]:
    """Plan in silos and jointly, and split the saving into its contributions.

    Parameters
    ----------
    scenario
        The problem.
    seed, time_limit_s, generations
        As for `netopt_heur.solve.plan`; the time limit holds for each of the five plans.

    Returns
    -------
    dict
        JSON-able: ``silo`` and ``joint`` (feasible, cost, cost_breakdown, violations), ``saving_percent`` =
        (silo - joint) / silo * 100 and its ``contributions_percent``, which sum to it (both None unless
        all five plans are feasible and the silo costs something), and ``stages``.

    Examples
    --------
    >>> from netopt_heur import load_scenario
    >>> found = compare_silo(load_scenario("configs/tiny_triangle.yaml"), generations=1)
    >>> found["silo"]["feasible"], found["saving_percent"] > 0
    (True, True)
    """
    found = list(stages(scenario, seed=seed, time_limit_s=time_limit_s, generations=generations))
    silo_cost = found[0].verdict.cost
    comparable = all(stage.verdict.feasible for stage in found) and silo_cost > 0
    saving, contributions = None, None
    if comparable:
        costs = [stage.verdict.cost for stage in found]
        contributions = {
            name: (before - after) / silo_cost * 100
            for name, before, after in zip(FEATURES, costs, costs[1:], strict=False)
        }
        saving = (silo_cost - costs[-1]) / silo_cost * 100
    return {
        "scenario": scenario.name,
        "digest": scenario.digest,
        "seed": seed,
        "silo": _judged(found[0].verdict),
        "joint": _judged(found[-1].verdict),
        "saving_percent": saving,
        "contributions_percent": contributions,
        "stages": [
            {
                "name": stage.name,
                **_judged(stage.verdict),
                "own_cost": stage.own_cost,
                "runtime_s": stage.runtime_s,
                "details": dict(stage.details),
            }
            for stage in found
        ],
    }


def stages(
    scenario: Scenario, *, seed: int = 0, time_limit_s: float | None = None, generations: int | None = None
) -> Iterator[Stage]:
    """The five plans in order, each as soon as it is made; parameters as for `compare_silo`."""
    best: Stage | None = None
    for stage in _own_plans(scenario, seed, time_limit_s, generations):
        first_of_its_planner = stage.name in (SILO, FEATURES[2])
        if best is not None and not first_of_its_planner and _rank(stage.verdict) >= _rank(best.verdict):
            stage = replace(stage, plan=best.plan, verdict=best.verdict)
        best = stage
        yield stage


def table(result: Mapping[str, Any]) -> str:
    """Compact text of `compare_silo`'s result: costs side by side, then the contributions."""
    sides = [("silo", result["silo"]), ("joint", result["joint"])]
    rows = [("", "".join(f"{name:>14}" for name, _ in sides))]
    rows.append(("feasible", "".join(f"{'yes' if s['feasible'] else 'no':>14}" for _, s in sides)))
    rows.append(("cost", "".join(f"{s['cost']:>14,.2f}" for _, s in sides)))
    for layer in LAYERS:
        costs = "".join(f"{s['cost_breakdown'][layer]:>14,.2f}" for _, s in sides)
        rows.append((f"  {layer}", costs))
    if result["saving_percent"] is None:
        feasible = all(stage["feasible"] for stage in result["stages"])
        why = "the silo costs nothing" if feasible else "not every plan is feasible (--json shows why)"
        rows.append(("saving", f"unknown: {why}"))
        return format_rows(rows)
    rows.append(("saving", f"{result['saving_percent']:>13.1f}%"))
    for name, percent in result["contributions_percent"].items():
        rows.append((f"  {name}", f"{percent:>13.1f}%"))
    return format_rows(rows)


def _own_plans(
    scenario: Scenario, seed: int, time_limit_s: float | None, generations: int | None
) -> Iterator[Stage]:
    instance = build_instance(scenario)
    silos = (Features(), Features(percentile=True), Features(percentile=True, shared_backup=True))
    for name, features in zip((SILO, *FEATURES[:2]), silos, strict=True):
        started = time.perf_counter()
        silo = silo_plan(instance, features, stop=_clock(time_limit_s))
        details = {"repaired_lsps": silo.repaired_lsps, "protected_links": silo.protected_links}
        yield _stage(scenario, name, to_plan(silo.design), started, details)
    started = time.perf_counter()
    hops = _fewest_link_hops(scenario, seed)
    for name, most in zip(FEATURES[2:], (hops, scenario.policy.max_link_hops), strict=True):
        bounded = replace(scenario, policy=replace(scenario.policy, max_link_hops=most))
        _, made = _jointly(bounded, seed, time_limit_s, generations)
        yield _stage(scenario, name, made, started, {"max_link_hops": most})
        started = time.perf_counter()


def _fewest_link_hops(scenario: Scenario, seed: int) -> int:
    """Smallest bound on the fibers under a link with which the planner's first plan keeps every promise."""
    most = scenario.policy.max_link_hops
    longest = min(most, max(1, len(scenario.sites) - 1))
    for hops in range(1, longest):
        bounded = replace(scenario, policy=replace(scenario.policy, max_link_hops=hops))
        if _jointly(bounded, seed, None, 0)[0] == "feasible":
            return hops
    return most


def _jointly(
    scenario: Scenario, seed: int, time_limit_s: float | None, generations: int | None
) -> tuple[str, Plan]:
    """Status and plan of the planner; Ctrl-C ends the comparison, not just this part of it."""
    found = joint_plan(scenario, seed=seed, time_limit_s=time_limit_s, generations=generations, bound=False)
    if found.plan is None or found.stopped_by == "interrupted":
        raise KeyboardInterrupt
    return found.status, found.plan


def _stage(scenario: Scenario, name: str, plan: Plan, started: float, details: Mapping[str, int]) -> Stage:
    verdict = verify(scenario, plan.to_dict())
    return Stage(name, plan, verdict, verdict.cost, time.perf_counter() - started, details)


def _clock(time_limit_s: float | None) -> Stop:
    if time_limit_s is None:
        return lambda: False
    clock = MaxRuntime(time_limit_s)
    return lambda: clock(0)


def _rank(verdict: Verdict) -> tuple[bool, int, float]:
    return (not verdict.feasible, len(verdict.violations), verdict.cost)


def _judged(verdict: Verdict) -> dict[str, Any]:
    return {
        "feasible": verdict.feasible,
        "cost": verdict.cost,
        "cost_breakdown": dict(verdict.cost_breakdown),
        "violations": [asdict(violation) for violation in verdict.violations],
    }
