"""Plans made ready: every link has a place in the pool, also those that are no candidates."""

from __future__ import annotations

import pytest

from netopt_heur import WhatIf, candidate_routes, plan, verify
from netopt_heur.design import to_plan
from netopt_heur.instance import build_instance
from netopt_heur.replan.prepare import prepare
from tests.random_scenarios import random_scenario


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 6])
def test_a_prepared_plan_is_the_same_plan(seed: int) -> None:
    scenario = random_scenario(seed)
    made = plan(scenario, seed=0, generations=0, bound=False).plan
    assert made is not None
    prepared = prepare(build_instance(scenario), made)
    assert to_plan(prepared.design) == made
    assert set(prepared.design.links) <= set(range(len(prepared.planner.pool.links)))


def test_links_that_are_no_candidates_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = 0
    for seed in (1, 2, 3, 4, 6):
        scenario = random_scenario(seed)
        made = plan(scenario, seed=0, generations=0, bound=False).plan
        assert made is not None
        with monkeypatch.context() as patched:
            patched.setattr(candidate_routes, "SMALL_POOL", 0)  # the best routes only
            prepared = prepare(build_instance(scenario), made)
            links = prepared.planner.pool.links
            strange += sum(links[k].route is None and links[k].offer < 0 for k in prepared.design.links)
            assert to_plan(prepared.design) == made
            session = WhatIf(scenario, made)
            for answer in (session.set_confidence(1.0), session.fail_fiber("f00")):
                assert verify(answer.scenario, answer.plan.to_dict()) == answer.verdict
                assert {violation.rule for violation in answer.violations} <= {"R5"}
    assert strange > 0
