"""What a plan must be before anything is built on it: of this scenario, and a network at all.

A plan of the planner may be unfinished: LSPs without paths, links with fewer channels than their load needs.
It can be gone on from. What breaks R1 to R4 in any other way, such as a path that does not join its ends or a
lightpath on a pair that is not lit, was not made by the planner, and arrays built from it would be nonsense.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from netopt_heur.errors import PlanFileError, Problem
from netopt_heur.plan import Plan, WaveLeg
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.verify import Verdict, verify

__all__ = ["check_origin", "check_sound", "unknown_things"]

STRUCTURE = ("R1", "R2", "R3", "R4")


def check_origin(scenario: Scenario, plan: Plan) -> None:
    """Refuse a plan that was made for another scenario.

    Raises
    ------
    PlanFileError
        Its digest is another.
    """
    if plan.scenario_digest != scenario.digest:
        message = f"was made for another scenario ({plan.scenario_name}); start from a plan of this one"
        raise PlanFileError([Problem(plan.file, 0, 0, "scenario.digest", message, plan.scenario_digest)])


def unknown_things(plan: Plan, count: int) -> Problem:
    """What to say of a plan that names so many things of which no design can be made."""
    message = f"names {count} things that the scenario does not have, or that do not fit together"
    return Problem(plan.file, 0, 0, "", message)


def check_sound(scenario: Scenario, plan: Plan) -> Verdict:
    """The referee's verdict on a plan that may be unfinished, but is a network of this scenario.

    Raises
    ------
    PlanFileError
        It breaks R1 to R4, otherwise than by legs that have no lightpath yet.

    Examples
    --------
    >>> from netopt_heur import load_scenario, plan
    >>> scenario = load_scenario("configs/tiny_triangle.yaml")
    >>> check_sound(scenario, plan(scenario, generations=0, bound=False).plan).feasible
    True
    """
    verdict = verify(scenario, plan.to_dict())
    unlit = Counter(_unlit_legs(plan))  # each breaks R1 once where it stands, by that alone
    for violation in verdict.violations:
        if violation.rule == "R1" and unlit[violation.where]:
            unlit[violation.where] -= 1
        elif violation.rule in STRUCTURE:
            message = f"breaks {violation.rule}, so nothing can be built on it: {violation.message}"
            raise PlanFileError([Problem(plan.file, 0, 0, violation.where, message)])
    return verdict


def _unlit_legs(plan: Plan) -> Iterator[str]:
    """Places of the legs without lightpaths or units, as the referee names them."""
    legs = {
        f"links.{name}.legs.{i}": leg for name, link in plan.links.items() for i, leg in enumerate(link.legs)
    }
    for name, circuit in plan.circuits.items():
        legs[f"circuits.{name}.working"] = circuit.working
        if circuit.protection is not None:
            legs[f"circuits.{name}.protection"] = circuit.protection
    for place, leg in legs.items():
        if not (leg.units if isinstance(leg, WaveLeg) else leg.lightpaths):
            yield place
