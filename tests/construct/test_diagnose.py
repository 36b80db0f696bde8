"""Blocked demands: the reason is the true one, and the relaxation named makes the plan feasible."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from netopt_heur.result import Result
from netopt_heur.scenario.scenario import (
    Circuit,
    Mode,
    Price,
    Promise,
    Scenario,
    Spectrum,
    WaveOffer,
    WaveUnit,
)
from netopt_heur.solve import plan
from tests.verify import builders
from tests.verify.builders import change, change_item, change_policy, change_promise, fiber, packet, site

KINDS = ("circuits", "packets")
Cure = Callable[[Scenario, str, str], Scenario]


def demands(kind: str, **promise: Any) -> dict[str, Any]:
    """One demand ``d`` from A to B of a kind."""
    if kind == "circuits":
        return {"circuits": (Circuit("d", "A", "B", 1, 100.0, Promise(**promise)),)}
    return {"packets": (packet("d", "A", "B", [50.0] * 24, [50.0] * 24, **promise),)}


def solve(problem: Scenario) -> Result:
    return plan(problem, seed=0, generations=0, bound=False)


def only_entry(result: Result) -> dict[str, Any]:
    assert result.status == "infeasible"
    assert len(result.blocked) == 1, result.blocked
    entry = result.blocked[0]
    assert entry["demand"] in ("d", "d#0")
    return entry


def number_after(name: str, text: str) -> float:
    found = re.search(rf"{name} ([0-9.e+-]+)", text)
    assert found, text
    return float(found[1])


def check(problem: Scenario, kind: str, rule: str, said: str, cure: Cure) -> None:
    """The demand is blocked by the rule; what the relaxation says lets it through."""
    entry = only_entry(solve(problem))
    assert entry["rule"] == rule
    assert re.search(said, entry["relaxation"]), entry
    assert entry["reason"]
    assert solve(cure(problem, kind, entry["relaxation"])).status == "feasible"


def test_the_networks_are_feasible_without_the_obstacle() -> None:
    for kind in KINDS:
        assert solve(two_routes(kind)).status == "feasible"


def two_routes(kind: str, short_km: float = 100.0, long_km: float = 800.0, **promise: Any) -> Scenario:
    """A and B joined by a short fiber and, over X, by a long route."""
    return builders.scenario(
        sites=(
            site("A", unavailability=1e-4),
            site("B"),
            site("X", router=False, add_drop=False, regen=True),
        ),
        fibers=(
            fiber("AB", "A", "B", short_km, cuts_per_1000km_year=50.0, mttr_hours=50.0),
            fiber("AX", "A", "X", long_km / 2, cuts_per_1000km_year=50.0, mttr_hours=50.0),
            fiber("XB", "X", "B", long_km / 2, cuts_per_1000km_year=50.0, mttr_hours=50.0),
        ),
        **demands(kind, **promise),
    )  # fmt: skip


def set_bound(name: str) -> Cure:
    def cure(problem: Scenario, kind: str, relaxation: str) -> Scenario:
        value = number_after(name, relaxation)
        return change_promise(problem, kind, "d", **{name: value})

    return cure


@pytest.mark.parametrize("kind", KINDS)
def test_latency(kind: str) -> None:
    problem = two_routes(kind, short_km=900.0, long_km=1000.0, max_latency_ms=3.0)
    check(problem, kind, "R6", r"^allow max_latency_ms 4\.5 \(now 3\)$", set_bound("max_latency_ms"))


@pytest.mark.parametrize("kind", KINDS)
def test_backup_latency(kind: str) -> None:
    # even the short route is too slow for a backup; the long one is too slow for a primary
    problem = two_routes(
        kind, long_km=1000.0, protection="disjoint", max_latency_ms=2.0, backup_max_latency_ms=0.4
    )
    check(problem, kind, "R6", r"^allow backup_max_latency_ms 5$", set_bound("backup_max_latency_ms"))


@pytest.mark.parametrize("kind", KINDS)
def test_availability(kind: str) -> None:
    check(
        two_routes(kind, min_availability=0.999999),
        kind,
        "R10",
        r"^promise min_availability 0\.\d+ \(now 0\.999999\)$",
        set_bound("min_availability"),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_reach(kind: str) -> None:
    """Two fibers of 400 km, and no mode beyond 600 km: X must regenerate."""
    problem = builders.scenario(
        sites=(site("A"), site("B"), site("X", router=False, add_drop=False)),
        fibers=(fiber("AX", "A", "X", 400.0), fiber("XB", "X", "B", 400.0)),
        catalogue=replace(builders.CATALOGUE, modes=builders.MODES[2:]),
        **demands(kind),
    )
    check(
        problem,
        kind,
        "R2",
        r"^allow regenerators \(regen: true\)",
        lambda p, k, r: change_item(p, "sites", "X", regen=True),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_node_disjoint(kind: str) -> None:
    """All routes pass X, over disjoint fibers."""
    names = ("AX1", "AX2", "XB1", "XB2")
    problem = builders.scenario(
        sites=(site("A"), site("B"), site("X")),
        fibers=tuple(fiber(n, n[0], n[1], 100.0) for n in names),
        **demands(kind, protection="disjoint", node_disjoint=True),
    )
    check(
        problem,
        kind,
        "R7",
        "^node_disjoint: false$",
        lambda p, k, r: change_promise(p, k, "d", node_disjoint=False),
    )


@pytest.mark.parametrize(("protection", "rule"), [("disjoint", "R7"), ("survivable", "R8")])
@pytest.mark.parametrize("kind", KINDS)
def test_protection(kind: str, protection: str, rule: str) -> None:
    problem = builders.scenario(
        sites=(site("A"), site("B")),
        fibers=(fiber("AB", "A", "B", 100.0),),
        **demands(kind, protection=protection),
    )
    check(
        problem,
        kind,
        rule,
        r"^protection: none, or offer a candidate fiber or wave on a diverse route$",
        lambda p, k, r: change_promise(p, k, "d", protection="none"),
    )
    wave = WaveOffer("W", "A", "B", (WaveUnit(100.0, Price(1.0)),), 2, length_km=100.0)
    assert solve(change(problem, wave_offers=(wave,))).status == "feasible"


def test_ip_hops() -> None:
    units = (WaveUnit(100.0, Price(1.0)),)
    problem = builders.scenario(
        sites=(site("A"), site("B"), site("X")),
        fibers=(),
        wave_offers=(
            WaveOffer("WAX", "A", "X", units, 2, length_km=100.0),
            WaveOffer("WXB", "X", "B", units, 2, length_km=100.0),
        ),
        policy=replace(builders.scenario().policy, max_ip_hops=1),
        **demands("packets"),
    )
    check(problem, "packets", "R9", "^raise max_ip_hops$", lambda p, k, r: change_policy(p, max_ip_hops=2))


@pytest.mark.parametrize("kind", KINDS)
def test_two_obstacles_at_once(kind: str) -> None:
    """One fiber, too long, for a demand that wants two."""
    problem = builders.scenario(
        sites=(site("A"), site("B")),
        fibers=(fiber("AB", "A", "B", 900.0),),
        **demands(kind, protection="disjoint", max_latency_ms=3.0),
    )
    entry = only_entry(solve(problem))
    assert "max_latency_ms 4.5" in entry["relaxation"]
    assert "protection: none" in entry["relaxation"]
    relaxed = change_promise(problem, kind, "d", protection="none", max_latency_ms=4.5)
    assert solve(relaxed).status == "feasible"
    for half in ({"protection": "none"}, {"max_latency_ms": 4.5}):
        assert solve(change_promise(problem, kind, "d", **half)).status == "infeasible"


@pytest.mark.parametrize("kind", KINDS)
def test_no_route_at_all(kind: str) -> None:
    problem = builders.scenario(
        sites=(site("A"), site("B"), site("X")),
        fibers=(fiber("AX", "A", "X", 100.0),),
        **demands(kind),
    )
    check(
        problem,
        kind,
        "R1",
        "^offer a fiber or a wave between them$",
        lambda p, k, r: change(p, fibers=(*p.fibers, fiber("XB", "X", "B", 100.0))),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_run_out(kind: str) -> None:
    """Every pair holds one channel; the demand needs three, and two pairs are permitted."""
    wide = (Mode("m", 100.0, 1000.0, 10, Price(5.0), Price(8.0)),)
    flow = [240.0] * 24
    load: dict[str, Any] = {"packets": (packet("d", "A", "B", flow, flow),)}
    if kind == "circuits":
        load = {"circuits": (Circuit("d", "A", "B", 3, 100.0, Promise()),)}
    problem = builders.scenario(
        sites=(site("A"), site("B")),
        fibers=(fiber("AB", "A", "B", 100.0, max_pairs=2),),
        catalogue=replace(builders.CATALOGUE, modes=wide),
        spectrum=Spectrum(slots=12),
        policy=replace(builders.scenario().policy, split_gbps=1000.0),
        **load,
    )
    check(
        problem,
        kind,
        "R4",
        r"^allow one more pair \(max_pairs\) on fiber AB$",
        lambda p, k, r: change_item(p, "fibers", "AB", max_pairs=3),
    )


def test_every_blocked_demand_has_an_entry() -> None:
    """Three demands, two of them blocked for different reasons."""
    problem = builders.scenario(
        sites=(site("A"), site("B"), site("C")),
        fibers=(fiber("AB", "A", "B", 100.0), fiber("BC", "B", "C", 700.0)),
        packets=(
            packet("good", "A", "B", [10.0] * 24, [10.0] * 24),
            packet("late", "B", "C", [10.0] * 24, [10.0] * 24, max_latency_ms=2.0),
        ),
        circuits=(Circuit("bare", "A", "B", 1, 100.0, Promise(protection="disjoint")),),
    )
    result = solve(problem)
    assert {(entry["demand"], entry["rule"]) for entry in result.blocked} == {
        ("late#0", "R6"),
        ("bare", "R7"),
    }
    blamed = {v["where"] for v in result.violations}
    assert len(blamed) == 2
