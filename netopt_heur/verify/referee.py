"""One pass over all rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from netopt_heur.scenario.scenario import Scenario
from netopt_heur.verify.cost import cost_breakdown
from netopt_heur.verify.legs import all_legs, check_membership, links_of
from netopt_heur.verify.loads import check_limits, check_loads
from netopt_heur.verify.network import Network
from netopt_heur.verify.optical import check_offers, check_optical
from netopt_heur.verify.planfile import read_plan
from netopt_heur.verify.services import (
    AvailabilityCheck,
    check_circuits,
    check_leg_pairs,
    check_lsps,
    check_promise,
)
from netopt_heur.verify.verdict import Log, Verdict


def verify(scenario: Scenario, plan: Mapping[str, object] | str | Path) -> Verdict:
    """Judge a plan.

    Parameters
    ----------
    scenario
        The problem. Its digest is not compared with the plan's: the plan is judged against this scenario.
    plan
        Path of a plan file, or its parsed content.

    Returns
    -------
    Verdict
        Every broken rule with its place and amount, and the cost counted anew.

    Raises
    ------
    PlanFileError
        If the file cannot be read as a plan. A readable plan never raises.
    """
    document = read_plan(plan)
    net, log = Network(scenario), Log()
    check_optical(net, document, log)
    check_offers(net, all_legs(document), log)
    check_membership(document, log)
    links = links_of(net, document, log)
    check_leg_pairs(document, links, log)
    routed = check_lsps(net, document, links, log)
    services = [flow.service() for flow in routed] + check_circuits(net, document, log)
    check_availability = AvailabilityCheck(net, log)
    for service in services:
        check_promise(net, service, log)
        check_availability(service)
    check_limits(net, links, routed, log)
    max_utilisation = check_loads(net, links, routed, log)
    breakdown = cost_breakdown(net, document, links)
    violations = log.sorted()
    return Verdict(
        feasible=not violations,
        cost=math.fsum(breakdown.values()),
        cost_breakdown=breakdown,
        violations=violations,
        latency_ms_total=math.fsum(service.primary.latency_ms for service in services),
        max_utilisation=max_utilisation,
    )
