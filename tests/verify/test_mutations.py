"""Every damage done to a good plan is found, under its own rule."""

from __future__ import annotations

import copy
from collections import Counter
from random import Random

from netopt_heur.verify import verify
from tests.verify.builders import good_plans
from tests.verify.damage import DAMAGES

ALL_RULES = {f"R{i}" for i in range(1, 12)}
TRIES = 4


def test_good_plans_are_feasible() -> None:
    for problem, plan in good_plans():
        assert verify(problem, plan).violations == ()


def test_every_damage_is_found_under_its_rule() -> None:
    assert len(DAMAGES) >= 30
    done: Counter[str] = Counter()
    missed: list[str] = []
    idle = {damage.__name__ for damage in DAMAGES}
    for number, (problem, plan) in enumerate(good_plans()):
        before = copy.deepcopy(plan)
        for damage in DAMAGES:
            for seed in range(TRIES):
                damaged = damage(problem, plan, Random(seed))
                if damaged is None:
                    continue
                scenario, bad_plan, rule = damaged
                verdict = verify(scenario, bad_plan)
                found = {violation.rule for violation in verdict.violations}
                if rule not in found or verdict.feasible:
                    missed.append(f"{damage.__name__}({number}, {seed}): {rule} not in {sorted(found)}")
                assert all(violation.amount > 0.0 for violation in verdict.violations)
                done[rule] += 1
                idle.discard(damage.__name__)
        assert plan == before
    assert missed == []
    assert idle == set()
    assert sum(done.values()) >= 200
    assert set(done) == ALL_RULES
