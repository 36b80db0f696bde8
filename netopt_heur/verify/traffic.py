"""How much of the traffic a plan keeps up: one number for the whole network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from netopt_heur.scenario.scenario import Circuit, Scenario
from netopt_heur.verify.legs import links_of
from netopt_heur.verify.network import Network
from netopt_heur.verify.planfile import read_plan
from netopt_heur.verify.services import Availabilities, Flow, check_circuits, check_lsps, flows
from netopt_heur.verify.transfers import GB_PER_GBPS_HOUR, HOURS_PER_DAY
from netopt_heur.verify.verdict import Log


def traffic_availability(scenario: Scenario, plan: Mapping[str, object] | str | Path) -> float:
    """Availability of the mean Gb/s: the mean over all LSPs and circuits, weighted by their traffic.

    ``docs/model.md`` section 5. An LSP or circuit that the plan does not route counts as down.

    Parameters
    ----------
    scenario
        The problem.
    plan
        Path of a plan file, or its parsed content.

    Returns
    -------
    float
        0 to 1; 1 if there is no traffic.

    Raises
    ------
    PlanFileError
        If the file cannot be read as a plan.
    """
    document = read_plan(plan)
    net, ignored = Network(scenario), Log()
    links = links_of(net, document, ignored)
    weight = {f"lsps.{flow.id}": _flow_gbps(scenario, flow) for flow in flows(scenario)}
    weight.update({f"circuits.{circuit.id}": _circuit_gbps(circuit) for circuit in scenario.circuits})
    services = [flow.service() for flow in check_lsps(net, document, links, ignored)]
    services += check_circuits(net, document, ignored)
    availability = Availabilities(net)
    total_gbps = math.fsum(weight.values())
    if total_gbps <= 0.0:
        return 1.0
    up_gbps = math.fsum(weight[each.where] * (availability(each) or 0.0) for each in services)
    return min(1.0, up_gbps / total_gbps)


def _flow_gbps(scenario: Scenario, flow: Flow) -> float:
    """Mean rate of an LSP, both directions together; of a transfer over the whole day."""
    if flow.transfer is not None:
        return flow.transfer.volume_gb / GB_PER_GBPS_HOUR / HOURS_PER_DAY
    packet = scenario.packets[flow.row]
    if packet.series is not None:
        return flow.share * float(packet.series.mean(axis=1).sum())
    return flow.share * (packet.mean_ab_gbps + packet.mean_ba_gbps)


def _circuit_gbps(circuit: Circuit) -> float:
    return 2.0 * circuit.waves * circuit.wave_gbps
