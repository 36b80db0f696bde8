"""Damages of what the demands were promised: rules R5 to R7 and R11."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from netopt_heur.scenario.scenario import Scenario
from tests.verify.builders import Plan, change, change_item, change_promise
from tests.verify.damage_tools import (
    Damage,
    Damaged,
    Registry,
    channel_rates,
    drop_lightpath,
    ends,
    latency_ms,
    mode_of,
    own_groups,
    paths,
    pick,
    promises,
)

DAMAGES: list[Damage] = []
damage = Registry(DAMAGES)

# --- R5: everything served ---


@damage
def lsp_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    key = pick(rng, sorted(plan["lsps"]))
    if key is None:
        return None
    del plan["lsps"][key]
    return problem, plan, "R5"


@damage
def primary_empty(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lsp = pick(rng, list(plan["lsps"].values()))
    if lsp is None:
        return None
    lsp["primary"] = []
    return problem, plan, "R5"


@damage
def backup_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    keys = [
        (kind, key)
        for kind, _, promise, keys in promises(problem)
        if promise.protection == "disjoint"
        for key in keys
    ]
    chosen = pick(rng, keys)
    if chosen is None:
        return None
    if chosen[0] == "circuits":
        plan["circuits"][chosen[1]]["protection"] = None
    else:
        plan["lsps"][chosen[1]]["backup"] = None
    return problem, plan, "R5"


@damage
def circuit_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    key = pick(rng, sorted(plan["circuits"]))
    if key is None:
        return None
    del plan["circuits"][key]
    return problem, plan, "R5"


@damage
def circuit_wave_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = []
    for circuit in problem.circuits:
        for leg in plan["circuits"][circuit.id].values():
            rates = [] if leg is None else channel_rates(problem, plan, leg)
            waves = [math.floor(rate / circuit.wave_gbps + 1e-9) for rate in rates]
            candidates += [(leg, i) for i in range(len(waves)) if sum(waves) - waves[i] < circuit.waves]
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    leg, i = chosen
    if "units" in leg:
        leg["units"].pop(i)
    else:
        drop_lightpath(plan, leg, leg["lightpaths"][i])
    return problem, plan, "R5"


@damage
def more_waves_wanted(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    circuit = pick(rng, list(problem.circuits))
    if circuit is None:
        return None
    carried = sum(channel_rates(problem, plan, plan["circuits"][circuit.id]["working"])) / circuit.wave_gbps
    return change_item(problem, "circuits", circuit.id, waves=math.floor(carried) + 1), plan, "R5"


@damage
def faster_waves_wanted(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    circuit = pick(rng, list(problem.circuits))
    if circuit is None:
        return None
    slowest = min(channel_rates(problem, plan, plan["circuits"][circuit.id]["working"]))
    return change_item(problem, "circuits", circuit.id, wave_gbps=slowest * 1.01), plan, "R5"


# --- R6: latency ---


@damage
def latency_bound_tightened(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    kind, demand_id, _, keys = rng.choice(list(promises(problem)))
    primary, _ = paths(plan, kind, rng.choice(keys))
    hop_ms = 0.0 if kind == "circuits" else problem.latency.router_hop_ms
    latency = latency_ms(problem, plan, primary, hop_ms)
    if latency < 1e-3:
        return None
    return change_promise(problem, kind, demand_id, max_latency_ms=latency * 0.999), plan, "R6"


@damage
def backup_bound_tightened(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = []
    for kind, demand_id, _, keys in promises(problem):
        for key in keys:
            backup = paths(plan, kind, key)[1]
            hop_ms = 0.0 if kind == "circuits" else problem.latency.router_hop_ms
            latency = 0.0 if backup is None else latency_ms(problem, plan, backup, hop_ms)
            if latency > 1e-3:
                candidates.append((kind, demand_id, latency))
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    kind, demand_id, latency = chosen
    return change_promise(problem, kind, demand_id, backup_max_latency_ms=latency * 0.999), plan, "R6"


@damage
def detour(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """Primary and backup exchanged, under a bound between their latencies."""
    candidates = []
    for kind, demand_id, _, keys in promises(problem):
        for key in keys if kind != "circuits" else []:
            primary, backup = paths(plan, kind, key)
            if backup is not None:
                times = [
                    latency_ms(problem, plan, p, problem.latency.router_hop_ms) for p in (primary, backup)
                ]
                if times[1] > times[0] + 1e-6:
                    candidates.append((kind, demand_id, key, sum(times) / 2))
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    kind, demand_id, key, bound = chosen
    lsp = plan["lsps"][key]
    lsp["primary"], lsp["backup"] = lsp["backup"], lsp["primary"]
    return change_promise(problem, kind, demand_id, max_latency_ms=bound), plan, "R6"


# --- R7: disjointness ---


def share_group(problem: Scenario, first: str, second: str) -> Scenario:
    """A new group on two fibers or offers."""
    fibers = tuple(
        replace(f, srlgs=(*f.srlgs, "new-duct")) if f.id in (first, second) else f for f in problem.fibers
    )
    offers = tuple(
        replace(o, srlgs=(*o.srlgs, "new-duct")) if o.id in (first, second) else o
        for o in problem.wave_offers
    )
    return change(problem, fibers=fibers, wave_offers=offers)


@damage
def backup_is_primary(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    keys = [
        key
        for kind, _, promise, keys in promises(problem)
        if promise.protection == "disjoint" and kind != "circuits"
        for key in keys
    ]
    key = pick(rng, keys)
    if key is None:
        return None
    plan["lsps"][key]["backup"] = list(plan["lsps"][key]["primary"])
    return problem, plan, "R7"


@damage
def backup_in_the_same_duct(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = [
        (kind, key)
        for kind, _, promise, keys in promises(problem)
        if promise.protection == "disjoint"
        for key in keys
    ]
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    primary, backup = paths(plan, *chosen)
    first = rng.choice([g for link in primary for leg in link for g in own_groups(leg)])
    second = rng.choice([g for link in backup or [] for leg in link for g in own_groups(leg)])
    return share_group(problem, first, second), plan, "R7"


@damage
def legs_in_the_same_duct(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    link = pick(rng, [li for li in plan["links"].values() if len(li["legs"]) == 2])
    if link is None:
        return None
    first, second = (rng.choice(own_groups(leg)) for leg in link["legs"])
    return share_group(problem, first, second), plan, "R7"


@damage
def second_leg_smaller(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    link = pick(
        rng, [li for li in plan["links"].values() if len(li["legs"]) == 2 and "route" in li["legs"][1]]
    )
    if link is None:
        return None
    drop_lightpath(plan, link["legs"][1], rng.choice(link["legs"][1]["lightpaths"]))
    return problem, plan, "R7"


@damage
def second_leg_of_other_rate(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    link = pick(
        rng, [li for li in plan["links"].values() if len(li["legs"]) == 2 and "route" in li["legs"][1]]
    )
    if link is None:
        return None
    lightpath = plan["lightpaths"][rng.choice(link["legs"][1]["lightpaths"])]
    rate = mode_of(problem, lightpath).rate_gbps
    mode = pick(rng, [m.id for m in problem.catalogue.modes if m.rate_gbps != rate])
    if mode is None:
        return None
    lightpath["mode"] = mode
    return problem, plan, "R7"


@damage
def common_site(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """A node-disjoint promise where a backup passes a site of the primary, or is made to."""
    touched = {f.id: {f.a, f.b} for f in problem.fibers} | {o.id: {o.a, o.b} for o in problem.wave_offers}

    def sites(path: list[list[Plan]]) -> set[str]:
        return set().union(*(touched[g] for link in path for leg in link for g in own_groups(leg)))

    candidates = []
    for kind, demand_id, promise, keys in promises(problem):
        for key in keys if promise.protection == "disjoint" else []:
            primary, backup = paths(plan, kind, key)
            own = ends(problem, kind, demand_id, key)
            if backup is not None and (sites(primary) & sites(backup)) - own:
                candidates.append((kind, demand_id))
            elif kind != "circuits" and sites(primary) - own:
                plan["lsps"][key]["backup"] = list(plan["lsps"][key]["primary"])
                return change_promise(problem, kind, demand_id, node_disjoint=True), plan, "R7"
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    return change_promise(problem, *chosen, node_disjoint=True), plan, "R7"


# --- R11: transfers ---


def transfer_rates(problem: Scenario, plan: Plan) -> list[list[float]]:
    return [
        plan["lsps"][key]["rates_gbps"]
        for kind, _, _, keys in promises(problem)
        if kind == "transfers"
        for key in keys
    ]


@damage
def rates_reduced(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """Less than the volume in all, wherever the window is."""
    kinds = [(id_, keys) for kind, id_, _, keys in promises(problem) if kind == "transfers"]
    chosen = pick(rng, kinds)
    if chosen is None:
        return None
    volume = next(t.volume_gb for t in problem.transfers if t.id == chosen[0])
    rates = plan["lsps"][rng.choice(chosen[1])]["rates_gbps"]
    scale = volume / (450.0 * sum(rates)) * rng.uniform(0.1, 0.999)
    rates[:] = [rate * scale for rate in rates]
    return problem, plan, "R11"


@damage
def rate_outside_window(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """A rate in an hour whose middle is outside the window at the target."""
    offsets = {s.id: s.utc_offset for s in problem.sites}
    candidates = []
    for transfer in problem.transfers:
        length = (transfer.window_end - transfer.window_start) % 24.0 or 24.0
        for target in transfer.targets:
            for hour in range(24):
                if (hour + 0.5 + offsets[target] - transfer.window_start) % 24.0 > length:
                    candidates.append((plan["lsps"][transfer.flow_id(target)]["rates_gbps"], hour))
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    chosen[0][chosen[1]] = rng.choice([1e-3, 0.5])
    return problem, plan, "R11"


@damage
def rate_negative(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    rates = pick(rng, transfer_rates(problem, plan))
    if rates is None:
        return None
    rates[rng.randrange(24)] = -rng.uniform(1e-6, 5.0)
    return problem, plan, "R11"


@damage
def rates_absent(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lsp = pick(rng, [lsp for lsp in plan["lsps"].values() if "rates_gbps" in lsp])
    if lsp is None:
        return None
    del lsp["rates_gbps"]
    return problem, plan, "R11"


@damage
def volume_raised(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    transfer = pick(rng, list(problem.transfers))
    if transfer is None:
        return None
    delivered = sum(plan["lsps"][transfer.flow_id(transfer.targets[0])]["rates_gbps"]) * 450.0
    return change_item(problem, "transfers", transfer.id, volume_gb=delivered * 1.001), plan, "R11"


@damage
def window_moved(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """The window shrinks to half an hour, which holds no whole hour."""
    transfer = pick(rng, list(problem.transfers))
    if transfer is None:
        return None
    end = (transfer.window_start + 0.5) % 24.0
    return change_item(problem, "transfers", transfer.id, window_end=end), plan, "R11"
