"""Every damage done to a good plan is found, under its own rule."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from netopt_heur.scenario import load_scenario
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.solve import plan as make_plan
from netopt_heur.verify import verify
from tests.random_scenarios import random_scenario
from tests.verify.builders import Plan, good_plans
from tests.verify.damage import DAMAGES

ALL_RULES = {f"R{i}" for i in range(1, 12)}
TRIES = 4
CONFIGS = Path(__file__).resolve().parents[2] / "configs"
# random scenarios that have plans; the feature switches differ between them
RANDOM_SEEDS = (2, 3, 4, 6, 7, 8)
TINY = sorted(path.stem for path in CONFIGS.glob("tiny_*.yaml"))


def test_good_plans_are_feasible() -> None:
    for problem, plan in good_plans():
        assert verify(problem, plan).violations == ()


def damage_all(problem: Scenario, plan: Plan, tries: Iterable[int]) -> tuple[Counter[str], set[str]]:
    """Do every damage to a plan; the rules broken, all of them found, and the damages that were done."""
    before = copy.deepcopy(plan)
    done: Counter[str] = Counter()
    used: set[str] = set()
    missed: list[str] = []
    for damage in DAMAGES:
        for seed in tries:
            damaged = damage(problem, plan, Random(seed))
            if damaged is None:
                continue
            scenario, bad_plan, rule = damaged
            verdict = verify(scenario, bad_plan)
            found = {violation.rule for violation in verdict.violations}
            if rule not in found or verdict.feasible:
                missed.append(f"{damage.__name__}({problem.name}, {seed}): {rule} not in {sorted(found)}")
            assert all(violation.amount > 0.0 for violation in verdict.violations)
            done[rule] += 1
            used.add(damage.__name__)
    assert plan == before
    assert missed == []
    return done, used


def planned(problem: Scenario, generations: int) -> Plan:
    """The planner's own plan, which must be feasible."""
    result = make_plan(problem, seed=1, generations=generations, bound=False)
    assert result.status == "feasible", result.blocked
    assert result.plan is not None
    return result.plan.to_dict()


def test_every_damage_is_found_under_its_rule() -> None:
    assert len(DAMAGES) >= 30
    done: Counter[str] = Counter()
    idle = {damage.__name__ for damage in DAMAGES}
    for problem, plan in good_plans():
        rules, used = damage_all(problem, plan, range(TRIES))
        done += rules
        idle -= used
    assert idle == set()
    assert sum(done.values()) >= 200
    assert set(done) == ALL_RULES


@pytest.mark.parametrize("seed", RANDOM_SEEDS)
def test_damage_to_random_plans_is_found(seed: int) -> None:
    problem = random_scenario(seed)
    done, used = damage_all(problem, planned(problem, seed % 3), range(2))
    assert len(used) >= 20
    assert len(done) >= 8


@pytest.mark.parametrize("name", TINY)
def test_damage_to_plans_of_configurations_is_found(name: str) -> None:
    problem = load_scenario(CONFIGS / f"{name}.yaml")
    done, used = damage_all(problem, planned(problem, 1), range(TRIES))
    assert len(used) >= 10
    assert len(done) >= 5
