"""Damages of survival, capacity and availability: rules R8 to R10."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from netopt_heur.scenario.scenario import Scenario
from tests.verify.builders import Plan, change, change_item, change_policy, change_promise
from tests.verify.damage_tools import (
    Damage,
    Damaged,
    Registry,
    channel_rates,
    drop_lightpath,
    ends,
    killers,
    load_gbps,
    paths,
    pick,
    promises,
)

DAMAGES: list[Damage] = []
damage = Registry(DAMAGES)

# --- R8: survival ---


def mortal(problem: Scenario, plan: Plan, protection: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """(kind, demand, key) of the promised services whose primary some single group takes down."""
    if not problem.policy.failures.srlgs:
        return []
    return [
        (kind, demand_id, key)
        for kind, demand_id, promise, keys in promises(problem)
        if promise.protection in protection
        for key in keys
        if killers(paths(plan, kind, key)[0])
    ]


@damage
def survivable_without_backup(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    chosen = pick(rng, mortal(problem, plan, ("survivable",)))
    if chosen is None:
        return None
    kind, _, key = chosen
    if kind == "circuits":
        plan["circuits"][key]["protection"] = None
    else:
        plan["lsps"][key]["backup"] = None
    return problem, plan, "R8"


@damage
def survivable_on_one_path(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    chosen = pick(rng, [c for c in mortal(problem, plan, ("survivable",)) if c[0] != "circuits"])
    if chosen is None:
        return None
    plan["lsps"][chosen[2]]["backup"] = list(plan["lsps"][chosen[2]]["primary"])
    return problem, plan, "R8"


@damage
def protection_raised(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = [c for c in mortal(problem, plan, ("none",)) if paths(plan, c[0], c[2])[1] is None]
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    return change_promise(problem, chosen[0], chosen[1], protection="survivable"), plan, "R8"


@damage
def double_failure(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = []
    for kind, _, key in mortal(problem, plan, ("survivable", "disjoint")):
        primary, backup = paths(plan, kind, key)
        if backup is not None and killers(backup):
            candidates.append((rng.choice(killers(primary)), rng.choice(killers(backup))))
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    failures = problem.policy.failures
    harder = replace(failures, pairs=(*failures.pairs, chosen))
    return change_policy(problem, failures=harder), plan, "R8"


# --- R9: capacity and limits ---


@damage
def module_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """Modules taken from a link until it cannot even carry the load without failures."""
    link_ids = sorted(plan["links"])
    rng.shuffle(link_ids)
    for link_id in link_ids:
        link = plan["links"][link_id]
        load = load_gbps(problem, plan, link_id)
        rates = channel_rates(problem, plan, link["legs"][0])
        keep = max((r for r in rates if r * problem.policy.max_utilisation < load * 0.999), default=None)
        if keep is None and len(rates) > 1:
            keep = min(rates) if min(rates) * problem.policy.max_utilisation < load * 0.999 else None
        if keep is None or len(rates) < 2:
            continue
        for leg in link["legs"]:
            place = channel_rates(problem, plan, leg).index(keep)
            if "units" in leg:
                leg["units"] = [keep]
                continue
            for lightpath_id in [x for i, x in enumerate(leg["lightpaths"]) if i != place]:
                drop_lightpath(plan, leg, lightpath_id)
        return problem, plan, "R9"
    return None


def loaded_links(problem: Scenario, plan: Plan) -> list[str]:
    return [link_id for link_id in sorted(plan["links"]) if load_gbps(problem, plan, link_id) > 1e-6]


@damage
def slower_mode(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """Every channel of a link in a slow new mode, with all else as it was."""
    link_ids = [i for i in loaded_links(problem, plan) if all("route" in x for x in plan["links"][i]["legs"])]
    link_id = pick(rng, link_ids)
    if link_id is None:
        return None
    chosen = [plan["lightpaths"][i] for leg in plan["links"][link_id]["legs"] for i in leg["lightpaths"]]
    rate = load_gbps(problem, plan, link_id) / len(chosen) * 0.9
    modes = {m.id: m for m in problem.catalogue.modes}
    for lightpath in chosen:
        slow = replace(modes[lightpath["mode"]], id=f"slow-{lightpath['mode']}", rate_gbps=rate)
        modes[slow.id] = slow
        lightpath["mode"] = slow.id
    catalogue = replace(problem.catalogue, modes=tuple(modes[i] for i in sorted(modes)))
    return change(problem, catalogue=catalogue), plan, "R9"


@damage
def utilisation_tightened(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    link_id = pick(rng, loaded_links(problem, plan))
    if link_id is None:
        return None
    capacity = sum(channel_rates(problem, plan, plan["links"][link_id]["legs"][0]))
    share = load_gbps(problem, plan, link_id) / capacity * 0.999
    return change_policy(problem, max_utilisation=share), plan, "R9"


@damage
def traffic_grown(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """Traffic beyond the first link of some LSP; only the samples grow, the number of LSPs stays."""
    if not problem.packets:
        return None
    link_id = pick(rng, [i for i in loaded_links(problem, plan) if i in used_by_packets(problem, plan)])
    if link_id is None:
        return None
    capacity = sum(channel_rates(problem, plan, plan["links"][link_id]["legs"][0]))
    harder = change(problem, name=problem.name)
    harder.__dict__["samples"] = problem.samples + capacity * 2.0 * 100.0
    return harder, plan, "R9"


def used_by_packets(problem: Scenario, plan: Plan) -> set[str]:
    keys = [key for kind, _, _, keys in promises(problem) if kind == "packets" for key in keys]
    return {link_id for key in keys for link_id in plan["lsps"][key]["primary"]}


@damage
def fewer_ip_hops(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    hops = max(
        (len(p or []) for lsp in plan["lsps"].values() for p in (lsp["primary"], lsp["backup"])), default=0
    )
    if hops < 2:
        return None
    return change_policy(problem, max_ip_hops=rng.randint(1, hops - 1)), plan, "R9"


@damage
def fewer_link_hops(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    hops = max((len(x.get("route", [])) for li in plan["links"].values() for x in li["legs"]), default=0)
    if hops < 2:
        return None
    return change_policy(problem, max_link_hops=rng.randint(1, hops - 1)), plan, "R9"


@damage
def ports_withdrawn(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    link = pick(rng, list(plan["links"].values()))
    if link is None:
        return None
    rate = max(channel_rates(problem, plan, link["legs"][0]))
    ports = tuple(port for port in problem.catalogue.ports if port.rate_gbps < rate)
    return change(problem, catalogue=replace(problem.catalogue, ports=ports)), plan, "R9"


# --- R10: availability ---


def unavailable(problem: Scenario, group: str, kind: str, demand_id: str) -> Scenario:
    """The scenario with a fiber or offer that is always down, and a demand that wants to be up sometimes."""
    harder = problem
    for fiber in problem.fibers:
        if fiber.id == group:
            # A cut a year, repaired in a year, per kilometre.
            harder = change_item(
                harder, "fibers", group, cuts_per_1000km_year=1000.0 / fiber.length_km, mttr_hours=8760.0
            )
    if any(offer.id == group for offer in problem.wave_offers):
        harder = change_item(harder, "wave_offers", group, availability=0.0)
    return change_promise(harder, kind, demand_id, min_availability=0.5)


@damage
def only_path_unavailable(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = []
    for kind, demand_id, _, keys in promises(problem):
        for key in keys:
            primary, backup = paths(plan, kind, key)
            both = (
                killers(primary) if backup is None else sorted(set(killers(primary)) & set(killers(backup)))
            )
            candidates += [(group, kind, demand_id) for group in both]
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    return unavailable(problem, *chosen), plan, "R10"


@damage
def end_unavailable(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    """A site at the end of a demand that is down a hundredth of the time: no path can help."""
    kind, demand_id, _, keys = rng.choice(list(promises(problem)))
    end = rng.choice(sorted(ends(problem, kind, demand_id, rng.choice(keys))))
    harder = change_item(problem, "sites", end, unavailability=0.01)
    return change_promise(harder, kind, demand_id, min_availability=0.99 + 1e-6), plan, "R10"


@damage
def both_paths_unavailable(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = []
    for kind, demand_id, _, keys in promises(problem):
        for key in keys:
            primary, backup = paths(plan, kind, key)
            if backup is not None and killers(primary) and killers(backup):
                candidates.append((kind, demand_id, killers(primary), killers(backup)))
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    kind, demand_id, first, second = chosen
    harder = unavailable(problem, rng.choice(first), kind, demand_id)
    return unavailable(harder, rng.choice(second), kind, demand_id), plan, "R10"
