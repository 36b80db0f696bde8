"""What a scenario holds, as plain data."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netopt_heur.scenario import Scenario
    from netopt_heur.scenario.scenario import Circuit, Packet, Transfer

__all__ = ["describe"]


def describe(scenario: Scenario) -> dict[str, object]:
    """Summarise a scenario.

    Parameters
    ----------
    scenario
        A validated scenario. Its traffic is not drawn.

    Returns
    -------
    dict
        Nested dictionaries of numbers, text and lists, JSON-able; units are in the keys.
    """
    return {
        "name": scenario.name,
        "digest": scenario.digest,
        "horizon_years": scenario.horizon_years,
        "sites": _describe_sites(scenario),
        "fibers": _describe_fibers(scenario),
        "wave_offers": {
            "count": len(scenario.wave_offers),
            "max_units": sum(offer.max_units for offer in scenario.wave_offers),
        },
        "equipment": _describe_equipment(scenario),
        "demands": _describe_demands(scenario),
        "traffic": {
            "hours": scenario.traffic.hours,
            "samples": scenario.traffic.n_samples,
            "seed": scenario.traffic.seed,
            "services": sorted({packet.service for packet in scenario.packets}),
        },
        "planning": _describe_planning(scenario),
    }


def _describe_sites(scenario: Scenario) -> dict[str, object]:
    return {
        "count": len(scenario.sites),
        "router": sum(site.router for site in scenario.sites),
        "add_drop": sum(site.add_drop for site in scenario.sites),
        "regen": sum(site.regen for site in scenario.sites),
    }


def _describe_fibers(scenario: Scenario) -> dict[str, object]:
    lengths_km = [fiber.length_km for fiber in scenario.fibers]
    return {
        "count": len(scenario.fibers),
        "candidates": sum(fiber.candidate for fiber in scenario.fibers),
        "total_km": math.fsum(lengths_km),
        "longest_km": max(lengths_km, default=0.0),
        "lit_pairs": sum(fiber.lit_pairs for fiber in scenario.fibers),
        "max_pairs": sum(fiber.max_pairs for fiber in scenario.fibers),
    }


def _describe_equipment(scenario: Scenario) -> dict[str, object]:
    return {
        "slots_per_pair": scenario.spectrum.slots,
        "continuity": scenario.spectrum.continuity,
        "modes": {
            mode.id: f"{mode.rate_gbps:g} Gb/s, {mode.reach_km:g} km, {mode.slots} slots"
            for mode in scenario.catalogue.modes
        },
        "ports_gbps": [port.rate_gbps for port in scenario.catalogue.ports],
        "chassis": len(scenario.catalogue.chassis),
    }


def _describe_demands(scenario: Scenario) -> dict[str, object]:
    promised: list[Circuit | Packet | Transfer] = [*scenario.circuits, *scenario.packets, *scenario.transfers]
    protection = Counter(demand.promise.protection for demand in promised)
    split_gbps = scenario.policy.split_gbps
    return {
        "circuits": {
            "count": len(scenario.circuits),
            "waves": sum(circuit.waves for circuit in scenario.circuits),
            "total_gbps": math.fsum(circuit.waves * circuit.wave_gbps for circuit in scenario.circuits),
        },
        "packet": {
            "count": len(scenario.packets),
            "lsps": sum(_count_lsps(packet, split_gbps) for packet in scenario.packets),
            "mean_gbps": math.fsum(sum(_mean_gbps(packet)) for packet in scenario.packets),
        },
        "transfers": {
            "count": len(scenario.transfers),
            "flows": sum(len(transfer.targets) for transfer in scenario.transfers),
            "gb_per_day": math.fsum(each.volume_gb * len(each.targets) for each in scenario.transfers),
        },
        "protection": dict(sorted(protection.items())),
        "with_latency_bound": sum(demand.promise.max_latency_ms is not None for demand in promised),
    }


def _mean_gbps(packet: Packet) -> tuple[float, float]:
    if packet.series is None:
        return packet.mean_ab_gbps, packet.mean_ba_gbps
    return float(packet.series[0].mean()), float(packet.series[1].mean())


def _count_lsps(packet: Packet, split_gbps: float) -> int:
    return max(1, math.ceil(max(_mean_gbps(packet)) / split_gbps))


def _describe_planning(scenario: Scenario) -> dict[str, object]:
    policy = scenario.policy
    groups = {fiber.id for fiber in scenario.fibers} | {offer.id for offer in scenario.wave_offers}
    groups.update(*(fiber.srlgs for fiber in scenario.fibers))
    groups.update(*(offer.srlgs for offer in scenario.wave_offers))
    groups.update(scenario.group_unavailability)
    states = 1 + len(groups) * policy.failures.srlgs + len(policy.failures.sites) + len(policy.failures.pairs)
    return {
        "risk_groups": len(groups),
        "failure_states": states,
        "confidence": policy.confidence,
        "failure_confidence": policy.failure_confidence,
        "percentile_over": policy.percentile_over,
        "max_utilisation": policy.max_utilisation,
        "max_ip_hops": policy.max_ip_hops,
    }
