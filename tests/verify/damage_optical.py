"""Damages of routes, reach, spectrum and pairs: rules R1 to R4."""

from __future__ import annotations

import copy
from dataclasses import replace
from random import Random

from netopt_heur.scenario.scenario import Scenario
from tests.verify.builders import Plan, change, change_item
from tests.verify.damage_tools import (
    Damage,
    Damaged,
    Registry,
    fiber_legs,
    mode_of,
    offer_legs,
    pick,
    segment_lengths,
)

DAMAGES: list[Damage] = []
damage = Registry(DAMAGES)

# --- R1: routes and references ---


@damage
def route_fiber_swapped(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    route = rng.choice(list(plan["lightpaths"].values()))["route"] if plan["lightpaths"] else None
    if not route:
        return None
    place = rng.randrange(len(route))
    other = pick(rng, [f.id for f in problem.fibers if f.id not in route])
    if other is None:
        return None
    route[place] = other
    return problem, plan, "R1"


@damage
def lightpath_route_reversed(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, [p for p in plan["lightpaths"].values() if len(p["route"]) > 1])
    if lightpath is None:
        return None
    lightpath["route"].reverse()
    return problem, plan, "R1"


@damage
def leg_route_reversed(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, [leg for leg in fiber_legs(plan) if len(leg["route"]) > 1])
    if leg is None:
        return None
    leg["route"].reverse()
    return problem, plan, "R1"


@damage
def route_cut_short(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None:
        return None
    lightpath["route"].pop()
    return problem, plan, "R1"


@damage
def path_link_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lsp = pick(rng, [lsp for lsp in plan["lsps"].values() if len(lsp["primary"]) > 1])
    if lsp is None:
        return None
    lsp["primary"].pop(rng.randrange(len(lsp["primary"])))
    return problem, plan, "R1"


@damage
def path_visits_twice(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lsp = pick(rng, list(plan["lsps"].values()))
    if lsp is None:
        return None
    lsp["primary"] += [lsp["primary"][-1]] * 2
    return problem, plan, "R1"


@damage
def backup_not_a_path(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lsp = pick(rng, [lsp for lsp in plan["lsps"].values() if lsp["backup"]])
    if lsp is None:
        return None
    lsp["backup"].pop()
    return problem, plan, "R1"


@damage
def unknown_link_in_path(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lsp = pick(rng, list(plan["lsps"].values()))
    if lsp is None:
        return None
    lsp["primary"][rng.randrange(len(lsp["primary"]))] = "no-such-link"
    return problem, plan, "R1"


@damage
def unknown_lightpath_in_leg(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, fiber_legs(plan))
    if leg is None:
        return None
    leg["lightpaths"][rng.randrange(len(leg["lightpaths"]))] = "no-such-lightpath"
    return problem, plan, "R1"


@damage
def unknown_mode(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None:
        return None
    lightpath["mode"] = "no-such-mode"
    return problem, plan, "R1"


@damage
def unknown_fiber_in_route(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, fiber_legs(plan))
    if leg is None:
        return None
    leg["route"][rng.randrange(len(leg["route"]))] = "no-such-fiber"
    return problem, plan, "R1"


@damage
def unknown_fiber_with_pairs(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    plan["fibers"]["no-such-fiber"] = {"pairs": rng.randint(0, 3), "built": False}
    return problem, plan, "R1"


@damage
def unknown_offer(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, offer_legs(plan))
    if leg is None:
        return None
    leg["wave_offer"] = "no-such-offer"
    return problem, plan, "R1"


@damage
def unknown_lsp(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lsp = pick(rng, list(plan["lsps"].values()))
    if lsp is None:
        return None
    plan["lsps"]["no-such-demand#0"] = copy.deepcopy(lsp)
    return problem, plan, "R1"


@damage
def unknown_regen_site(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, [p for p in plan["lightpaths"].values() if p["regens"]])
    if lightpath is None:
        return None
    lightpath["regens"][0] = "no-such-site"
    return problem, plan, "R1"


@damage
def lightpath_in_no_leg(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, fiber_legs(plan))
    if leg is None:
        return None
    leg["lightpaths"].pop(rng.randrange(len(leg["lightpaths"])))
    return problem, plan, "R1"


@damage
def lightpath_in_two_legs(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, fiber_legs(plan))
    if leg is None:
        return None
    leg["lightpaths"].append(rng.choice(sorted(plan["lightpaths"])))
    return problem, plan, "R1"


@damage
def no_add_drop(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None:
        return None
    return change_item(problem, "sites", lightpath[rng.choice("ab")], add_drop=False), plan, "R1"


@damage
def no_router(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    link = pick(rng, list(plan["links"].values()))
    if link is None:
        return None
    return change_item(problem, "sites", link[rng.choice("ab")], router=False), plan, "R1"


@damage
def link_ends_swapped(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = [li for li in plan["links"].values() if any(len(x.get("route", [])) > 1 for x in li["legs"])]
    link = pick(rng, candidates)
    if link is None:
        return None
    link["a"], link["b"] = link["b"], link["a"]
    return problem, plan, "R1"


@damage
def offer_ends_differ(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    offers = {o.id: o for o in problem.wave_offers}
    link = pick(rng, [li for li in plan["links"].values() if any("wave_offer" in x for x in li["legs"])])
    if link is None:
        return None
    leg = next(x for x in link["legs"] if "wave_offer" in x)
    ends_of_offer = {offers[leg["wave_offer"]].a, offers[leg["wave_offer"]].b}
    other = pick(rng, [s.id for s in problem.sites if s.id not in ends_of_offer])
    if other is None:
        return None
    link["b"] = other
    return problem, plan, "R1"


# --- R2: reach and regenerators ---


@damage
def regenerator_dropped(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = []
    for lightpath in plan["lightpaths"].values():
        lengths_km, reach = segment_lengths(problem, lightpath), mode_of(problem, lightpath).reach_km
        for i in range(len(lightpath["regens"])):
            if lengths_km[i] + lengths_km[i + 1] > reach + 1e-6:
                candidates.append((lightpath, i))
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    lightpath, i = chosen
    lightpath["regens"].pop(i)
    dropped = lightpath["segments"].pop(i + 1)
    lightpath["segments"][i]["pairs"] += dropped["pairs"]
    return problem, plan, "R2"


@damage
def regenerator_at_the_end(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, [p for p in plan["lightpaths"].values() if p["regens"]])
    if lightpath is None:
        return None
    lightpath["regens"][rng.randrange(len(lightpath["regens"]))] = lightpath[rng.choice("ab")]
    return problem, plan, "R2"


@damage
def regenerator_doubled(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, [p for p in plan["lightpaths"].values() if p["regens"]])
    if lightpath is None:
        return None
    lightpath["regens"].append(lightpath["regens"][-1])
    return problem, plan, "R2"


@damage
def regen_site_closed(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, [p for p in plan["lightpaths"].values() if p["regens"]])
    if lightpath is None:
        return None
    return change_item(problem, "sites", rng.choice(lightpath["regens"]), regen=False), plan, "R2"


@damage
def regenerator_at_plain_site(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    plain = {s.id for s in problem.sites if not s.regen}
    by_id = {f.id: f for f in problem.fibers}
    candidates = []
    for lightpath in plan["lightpaths"].values():
        if lightpath["regens"]:
            continue
        at = lightpath["a"]
        for n, fiber_id in enumerate(lightpath["route"][:-1], start=1):
            at = by_id[fiber_id].b if at == by_id[fiber_id].a else by_id[fiber_id].a
            if at in plain:
                candidates.append((lightpath, n, at))
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    lightpath, n, at = chosen
    (segment,) = lightpath["segments"]
    lightpath["regens"] = [at]
    lightpath["segments"] = [
        segment | {"pairs": segment["pairs"][:n]},
        segment | {"pairs": segment["pairs"][n:]},
    ]
    return problem, plan, "R2"


@damage
def shorter_mode(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = [
        (lightpath, mode.id)
        for lightpath in plan["lightpaths"].values()
        for mode in problem.catalogue.modes
        if max(segment_lengths(problem, lightpath)) > mode.reach_km + 1e-6
    ]
    chosen = pick(rng, candidates)
    if chosen is None:
        return None
    chosen[0]["mode"] = chosen[1]
    return problem, plan, "R2"


@damage
def reach_shrunk(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None:
        return None
    reach = max(segment_lengths(problem, lightpath)) * 0.99
    modes = tuple(
        replace(m, reach_km=reach) if m.id == lightpath["mode"] else m for m in problem.catalogue.modes
    )
    return change(problem, catalogue=replace(problem.catalogue, modes=modes)), plan, "R2"


# --- R3: spectrum ---


def placements(plan: Plan) -> list[tuple[Plan, str, int]]:
    """Every (segment, fiber, pair)."""
    result = []
    for lightpath in plan["lightpaths"].values():
        fibers = iter(lightpath["route"])
        for segment in lightpath["segments"]:
            result += [(segment, next(fibers), pair) for pair in segment["pairs"]]
    return result


@damage
def moved_onto_neighbour(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    if problem.spectrum.continuity == "none":
        return None
    places = placements(plan)
    rng.shuffle(places)
    for segment, fiber, pair in places:
        for other, other_fiber, other_pair in places:
            if segment is not other and (fiber, pair) == (other_fiber, other_pair):
                segment["slot"] = other["slot"]
                return problem, plan, "R3"
    return None


@damage
def slot_above_grid(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None or problem.spectrum.continuity == "none":
        return None
    first_bad = problem.spectrum.slots - mode_of(problem, lightpath).slots + 1
    rng.choice(lightpath["segments"])["slot"] = first_bad + rng.randint(0, 50)
    return problem, plan, "R3"


@damage
def slot_below_grid(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    places = placements(plan)
    if not places or problem.spectrum.continuity == "none":
        return None
    rng.choice(places)[0]["slot"] = -rng.randint(1, 100)
    return problem, plan, "R3"


@damage
def slot_of_the_wrong_kind(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    places = placements(plan)
    if not places:
        return None
    rng.choice(places)[0]["slot"] = None if problem.spectrum.continuity == "required" else 0
    return problem, plan, "R3"


@damage
def segment_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None:
        return None
    lightpath["segments"].pop(rng.randrange(len(lightpath["segments"])))
    return problem, plan, "R3"


@damage
def pair_missing(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None:
        return None
    rng.choice(lightpath["segments"])["pairs"].pop()
    return problem, plan, "R3"


@damage
def grid_shrunk(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    used = 0
    counts: dict[tuple[str, int], int] = {}
    for lightpath in plan["lightpaths"].values():
        slots = mode_of(problem, lightpath).slots
        for segment, fiber, pair in placements({"lightpaths": {"": lightpath}}):
            counts[fiber, pair] = counts.get((fiber, pair), 0) + slots
            used = max(used, (segment["slot"] or 0) + slots)
    if not used:
        return None
    used = max(counts.values()) if problem.spectrum.continuity == "none" else used
    return change(problem, spectrum=replace(problem.spectrum, slots=used - 1)), plan, "R3"


# --- R4: pairs, candidates, offers ---


@damage
def pair_index_too_large(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    lightpath = pick(rng, list(plan["lightpaths"].values()))
    if lightpath is None:
        return None
    pairs = rng.choice(lightpath["segments"])["pairs"]
    pairs[rng.randrange(len(pairs))] = 1 + max(f.max_pairs for f in problem.fibers)
    return problem, plan, "R4"


@damage
def pairs_beyond_max(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    fiber = pick(rng, [f for f in problem.fibers if f.id in plan["fibers"]])
    if fiber is None:
        return None
    plan["fibers"][fiber.id]["pairs"] = fiber.max_pairs + rng.randint(1, 3)
    return problem, plan, "R4"


@damage
def pairs_below_use(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    places = placements(plan)
    if not places:
        return None
    _, fiber, pair = rng.choice(places)
    plan["fibers"][fiber] = {"pairs": pair, "built": plan["fibers"].get(fiber, {}).get("built", False)}
    return problem, plan, "R4"


@damage
def built_flag_cleared(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    candidates = [f.id for f in problem.fibers if f.candidate and plan["fibers"].get(f.id, {}).get("pairs")]
    fiber = pick(rng, candidates)
    if fiber is None:
        return None
    plan["fibers"][fiber]["built"] = False
    return problem, plan, "R4"


@damage
def units_oversold(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, offer_legs(plan))
    if leg is None:
        return None
    limit = next(o.max_units for o in problem.wave_offers if o.id == leg["wave_offer"])
    leg["units"] += [leg["units"][0]] * limit
    return problem, plan, "R4"


@damage
def unit_not_sold(problem: Scenario, plan: Plan, rng: Random) -> Damaged:
    leg = pick(rng, offer_legs(plan))
    if leg is None:
        return None
    leg["units"][rng.randrange(len(leg["units"]))] *= 1.5 + rng.random() / 7.0
    return problem, plan, "R4"
