"""Each rule on a triangle small enough to judge by hand: what passes, what fails, and by how much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netopt_heur.scenario.scenario import (
    Circuit,
    Failures,
    Latency,
    Policy,
    Port,
    Price,
    Promise,
    Scenario,
    Spectrum,
    Transfer,
    WaveOffer,
    WaveUnit,
)
from netopt_heur.verify import verify
from netopt_heur.verify.transfers import usable_hours
from tests.verify.builders import (
    CATALOGUE,
    Plan,
    change,
    change_item,
    change_policy,
    change_promise,
    fiber,
    flat,
    in_hours,
    leg,
    lightpath,
    link,
    lsp,
    offer_leg,
    packet,
    plan,
    scenario,
    site,
)

# The amount is approximate, which has no public type.
Found = list[tuple[str, str, Any]]


def found(problem: Scenario, content: Plan) -> Found:
    """(rule, place, amount) of every violation."""
    verdict = verify(problem, content)
    assert verdict.feasible == (not verdict.violations)
    return [(v.rule, v.where, pytest.approx(v.amount, rel=1e-9, abs=1e-9)) for v in verdict.violations]


def triangle(**promise: Any) -> tuple[Scenario, Plan]:
    """A-B 100 km, B-C 200 km, A-C 250 km, each with a 100 Gb/s link; 60 Gb/s on AC, backed up by AB BC."""
    cuts: dict[str, Any] = {"cuts_per_1000km_year": 8.76, "mttr_hours": 10.0}
    problem = scenario(
        sites=(site("A"), site("B", regen=True), site("C")),
        fibers=(
            fiber("AB", "A", "B", 100.0, **cuts),
            fiber("AC", "A", "C", 250.0, **cuts),
            fiber("BC", "B", "C", 200.0, **cuts),
        ),
        latency=Latency(us_per_km=5.0, router_hop_ms=0.1, lightpath_end_ms=0.01, regenerator_ms=0.02),
        packets=(packet("d", "A", "C", flat(60.0), flat(30.0), **promise),),
    )
    content = plan(
        {"AB": 1, "AC": 1, "BC": 1},
        {
            "x": lightpath("A", "B", "AB", "m100"),
            "y": lightpath("B", "C", "BC", "m100"),
            "z": lightpath("A", "C", "AC", "m100"),
        },
        {
            "AB": link("A", "B", leg("AB", "x")),
            "BC": link("B", "C", leg("BC", "y")),
            "AC": link("A", "C", leg("AC", "z")),
        },
        {"d#0": lsp("AC", "AB BC")},
    )
    return problem, content


def with_circuit(**promise: Any) -> tuple[Scenario, Plan]:
    """The triangle with a circuit of 2 x 400 Gb/s: one m800 on A-C, protected by two m400 on A-B-C."""
    problem, content = triangle()
    circuit = Circuit("c", "A", "C", 2, 400.0, Promise(**promise))
    content["lightpaths"] |= {
        "w": lightpath("A", "C", "AC", "m800", [4]),
        "p": lightpath("A", "C", "AB BC", "m400", [4]),
        "q": lightpath("C", "A", "BC AB", "m400", [10]),
    }
    content["circuits"]["c"] = {"working": leg("AC", "w"), "protection": leg("AB BC", "p", "q")}
    return change(problem, circuits=(circuit,)), content


def with_offer(units: list[float]) -> tuple[Scenario, Plan]:
    """The triangle with a second link A-C on a wave offer of at most 2 units of 100."""
    problem, content = triangle()
    offer = WaveOffer("W", "C", "A", (WaveUnit(100.0, Price(1.0)),), 2, latency_ms=3.0, availability=0.99)
    content["links"]["W"] = link("A", "C", offer_leg("W", *units))
    return change(problem, wave_offers=(offer,)), content


def with_second_leg(route: str, ends: str, *modes: str) -> tuple[Scenario, Plan]:
    """The triangle where link AC has a second leg of the given modes, each on its own pair."""
    problem, content = triangle()
    for pair, mode in enumerate(modes, start=1):
        content["lightpaths"][f"s{pair}"] = lightpath(ends[0], ends[1], route, mode, [0], pair=pair)
    content["links"]["AC"]["legs"].append(leg(route, *(f"s{i + 1}" for i in range(len(modes)))))
    content["fibers"] = {f: {"pairs": 4, "built": False} for f in ("AB", "AC", "BC")}
    return problem, content


def with_transfer(rates: list[float] | None) -> tuple[Scenario, Plan]:
    """The triangle with 9000 GB from A to C, 22:00 to 02:00 at C, which is UTC+1:30."""
    problem, content = triangle()
    problem = change_item(problem, "sites", "C", utc_offset=1.5)
    transfer = Transfer("t", "A", ("C",), 9000.0, 22.0, 2.0, "push", Promise())
    content["lsps"]["t/C"] = lsp("AC", None, rates)
    return change(problem, transfers=(transfer,)), content


# --- R1 ---


def test_r1_triangle_passes() -> None:
    assert found(*triangle(protection="disjoint")) == []


@pytest.mark.parametrize(
    ("primary", "backup", "place"),
    [
        ("AB", None, "lsps.d#0"),
        ("BC AB", None, "lsps.d#0"),
        ("AC AC AC", None, "lsps.d#0"),
        ("AC BC", None, "lsps.d#0"),
        ("XX", None, "lsps.d#0"),
        ("AC", "AB", "lsps.d#0.backup"),
        ("AC", "", "lsps.d#0.backup"),
    ],
)
def test_r1_paths(primary: str, backup: str | None, place: str) -> None:
    problem, content = triangle()
    content["lsps"]["d#0"] = lsp(primary, backup)
    assert ("R1", place, 1.0) in found(problem, content)
    assert {rule for rule, _, _ in found(change_policy(problem, max_utilisation=9.0), content)} == {"R1"}


def test_r1_a_broken_lightpath_still_carries() -> None:
    problem, content = triangle(protection="disjoint")
    content["lightpaths"]["z"]["route"] = ["AB"]
    assert found(problem, content) == [
        ("R1", "lightpaths.z", 1.0),
        ("R1", "links.AC.legs.0", 1.0),
        # Fiber AB now holds the slots of x and z.
        ("R3", "fibers.AB.pair0", 4.0),
    ]


def test_r1_an_unknown_channel_leaves_the_capacity_unjudged() -> None:
    problem, content = triangle()
    content["lightpaths"]["z"]["mode"] = "m999"
    assert found(problem, content) == [("R1", "lightpaths.z", 1.0)]
    content["links"]["AC"]["legs"][0]["lightpaths"] = ["nothing"]
    assert [(rule, place) for rule, place, _ in found(problem, content)] == [
        ("R1", "lightpaths.z"),
        ("R1", "lightpaths.z"),
        ("R1", "links.AC.legs.0"),
    ]


def test_r1_orphans_and_shared_lightpaths() -> None:
    problem, content = triangle()
    content["lightpaths"]["o"] = lightpath("A", "B", "AB", "m100", [8])
    content["links"]["BC"]["legs"][0]["lightpaths"] *= 2
    assert found(problem, content) == [("R1", "lightpaths.o", 1.0), ("R1", "lightpaths.y", 1.0)]


def test_r1_flags_of_sites() -> None:
    problem, content = triangle()
    no_router = change_item(problem, "sites", "A", router=False)
    assert found(no_router, content) == [("R1", "links.AB", 1.0), ("R1", "links.AC", 1.0)]
    no_add_drop = change_item(problem, "sites", "B", add_drop=False)
    assert found(no_add_drop, content) == [("R1", "lightpaths.x", 1.0), ("R1", "lightpaths.y", 1.0)]


def test_r1_offers() -> None:
    problem, content = with_offer([100.0])
    assert found(problem, content) == []
    assert found(change_item(problem, "sites", "A", add_drop=False), content) == [
        ("R1", "lightpaths.x", 1.0),
        ("R1", "lightpaths.z", 1.0),
    ]
    content["links"]["W"]["a"] = "B"
    assert found(problem, content) == [("R1", "links.W.legs.0", 1.0)]
    content["links"]["W"] = link("A", "C", offer_leg("V", 100.0))
    assert found(problem, content) == [("R1", "links.W.legs.0", 1.0)]
    content["links"]["W"] = link("A", "C", offer_leg("W"))
    assert found(problem, content) == [("R1", "links.W.legs.0", 1.0)]


def test_r1_ids_that_nobody_asked_for() -> None:
    problem, content = triangle()
    content["lsps"]["d#1"] = lsp("AC")
    content["fibers"]["ZZ"] = {"pairs": 1, "built": False}
    content["circuits"]["e"] = {"working": leg("AC"), "protection": None}
    assert found(problem, content) == [
        ("R1", "circuits.e", 1.0),
        ("R1", "fibers.ZZ", 1.0),
        ("R1", "lsps.d#1", 1.0),
    ]


# --- R2 ---


def long_lightpath(
    mode: str, slots: list[int], regens: list[str], counts: list[int]
) -> tuple[Scenario, Plan]:
    problem, content = triangle()
    content["lightpaths"]["l"] = lightpath("A", "C", "AB BC", mode, slots, regens, counts, pair=1)
    content["links"]["L"] = link("A", "C", leg("AB BC", "l"))
    content["fibers"] = {f: {"pairs": 2, "built": False} for f in ("AB", "AC", "BC")}
    modes = tuple(replace(m, reach_km=299.0) if m.id == "m800" else m for m in CATALOGUE.modes)
    return change(problem, catalogue=replace(CATALOGUE, modes=modes)), content


def test_r2_reach() -> None:
    assert found(*long_lightpath("m400", [0], [], [2])) == []
    assert found(*long_lightpath("m800", [0], [], [2])) == [("R2", "lightpaths.l", 1.0)]
    assert found(*long_lightpath("m800", [0, 5], ["B"], [1, 1])) == []


def test_r2_regenerator_sites() -> None:
    problem, content = long_lightpath("m400", [0, 5], ["B"], [1, 1])
    closed = change_item(problem, "sites", "B", regen=False)
    assert found(closed, content) == [("R2", "lightpaths.l", 1.0)]
    opened = change_item(problem, "sites", "C", regen=True)
    content["lightpaths"]["l"]["regens"] = ["C"]
    assert found(opened, content) == [("R2", "lightpaths.l", 1.0)]


# --- R3 ---


def test_r3_overlap_counts_the_common_slots() -> None:
    problem, content = with_circuit()
    assert found(problem, content) == []
    content["lightpaths"]["q"]["segments"][0]["slot"] = 8
    # p holds 4 to 9, q 8 to 13, on both fibers.
    assert found(problem, content) == [("R3", "fibers.AB.pair0", 2.0), ("R3", "fibers.BC.pair0", 2.0)]


def test_r3_grid() -> None:
    problem, content = with_circuit()
    small = change(problem, spectrum=Spectrum(slots=13))
    assert found(small, content) == [("R3", "lightpaths.q.segments.0", 3.0)]
    content["lightpaths"]["w"]["segments"][0]["slot"] = -9
    assert found(problem, content) == [("R3", "lightpaths.w.segments.0", 8.0)]
    content["lightpaths"]["w"]["segments"][0]["slot"] = None
    assert ("R3", "lightpaths.w.segments.0", 8.0) in found(problem, content)


def test_r3_segments_must_match_the_regenerators() -> None:
    problem, content = long_lightpath("m100", [0, 4], ["B"], [1, 1])
    content["lightpaths"]["l"]["segments"].pop()
    assert found(problem, content) == [("R3", "lightpaths.l", 4.0)]
    content["lightpaths"]["l"]["segments"][0]["pairs"] = [1, 1]
    assert found(problem, content) == [("R3", "lightpaths.l", 8.0)]


def test_r3_without_continuity_only_the_number_counts() -> None:
    problem, content = with_circuit()
    for path in content["lightpaths"].values():
        path["segments"][0]["slot"] = None
    opaque = change(problem, spectrum=Spectrum(slots=16, continuity="none"))
    assert found(opaque, content) == []
    # AB and BC: 4 + 6 + 6 slots; AC: 4 + 8.
    fewer = change(problem, spectrum=Spectrum(slots=13, continuity="none"))
    assert found(fewer, content) == [("R3", "fibers.AB.pair0", 3.0), ("R3", "fibers.BC.pair0", 3.0)]
    content["lightpaths"]["w"]["segments"][0]["slot"] = 0
    assert found(opaque, content) == [("R3", "lightpaths.w.segments.0", 8.0)]


# --- R4 ---


def test_r4_pairs() -> None:
    problem, content = triangle()
    content["fibers"]["AB"]["pairs"] = 7
    content["lightpaths"]["z"]["segments"][0]["pairs"] = [2]
    assert found(problem, content) == [("R4", "fibers.AB", 3.0), ("R4", "fibers.AC", 2.0)]
    del content["fibers"]["BC"]
    assert ("R4", "fibers.BC", 1.0) in found(problem, content)
    lit = change_item(problem, "fibers", "BC", lit_pairs=1)
    assert ("R4", "fibers.BC", 1.0) not in found(lit, content)


def test_r4_candidates() -> None:
    problem, content = triangle()
    problem = change_item(problem, "fibers", "AB", candidate=True)
    assert found(problem, content) == [("R4", "fibers.AB", 1.0)]
    content["fibers"]["AB"]["built"] = True
    assert found(problem, content) == []


def test_r4_offers() -> None:
    assert found(*with_offer([100.0, 100.0])) == []
    assert found(*with_offer([100.0] * 5)) == [("R4", "wave_offers.W", 3.0)]
    assert found(*with_offer([100.0, 99.0])) == [("R4", "links.W.legs.0", 1.0)]


# --- R5 ---


def test_r5_lsps() -> None:
    problem, content = triangle(protection="disjoint")
    content["lsps"]["d#0"]["backup"] = None
    # Without its backup the demand does not survive the cut of AC either.
    assert found(problem, content) == [("R5", "lsps.d#0", 1.0), ("R8", "lsps.d#0", 1.0)]
    content["lsps"] = {}
    assert found(problem, content) == [("R5", "lsps.d#0", 1.0)]
    split = change_policy(problem, split_gbps=20.0)
    assert found(split, content) == [("R5", f"lsps.d#{i}", 1.0) for i in range(3)]


def test_r5_circuits() -> None:
    problem, content = with_circuit(protection="disjoint")
    assert found(problem, content) == []
    assert found(change_item(problem, "circuits", "c", waves=5), content) == [
        ("R5", "circuits.c.protection", 3.0),
        ("R5", "circuits.c.working", 3.0),
    ]
    # 800 carries one wave of 500; two channels of 400 are too slow, and the one wave is missing.
    assert found(change_item(problem, "circuits", "c", wave_gbps=500.0, waves=1), content) == [
        ("R5", "circuits.c.protection", 2.0),
        ("R5", "circuits.c.protection", 1.0),
    ]
    content["circuits"] = {}
    assert ("R5", "circuits.c", 2.0) in found(problem, content)


# --- R6 ---


def test_r6_paths() -> None:
    # Primary: 250 x 5 us + 2 x 0.01 + 0.1 = 1.37 ms. Backup: 300 x 5 us + 2 x (2 x 0.01 + 0.1) = 1.74 ms.
    assert found(*triangle(max_latency_ms=1.37, backup_max_latency_ms=1.74)) == []
    assert found(*triangle(max_latency_ms=1.3)) == [("R6", "lsps.d#0", 0.07)]
    assert found(*triangle(max_latency_ms=1.4, backup_max_latency_ms=1.7)) == [
        ("R6", "lsps.d#0.backup", 0.04)
    ]
    assert verify(*triangle()).latency_ms_total == pytest.approx(1.37)


def test_r6_circuits_and_regenerators() -> None:
    problem, content = with_circuit(max_latency_ms=1.27, backup_max_latency_ms=1.52)
    assert found(problem, content) == []
    assert verify(problem, content).latency_ms_total == pytest.approx(1.37 + 1.27)
    # One of the two lightpaths is regenerated: the slower one counts.
    content["lightpaths"]["p"] |= {"regens": ["B"], "segments": [{"slot": 4, "pairs": [0]}] * 2}
    assert found(problem, content) == [("R6", "circuits.c.protection", 0.02)]


def test_r6_offers_and_links_with_two_legs() -> None:
    problem, content = with_offer([100.0])
    content["lsps"]["d#0"] = lsp("W")
    assert found(change_promise(problem, "packets", "d", max_latency_ms=3.0), content) == [
        ("R6", "lsps.d#0", 0.1)
    ]
    by_length = change_item(problem, "wave_offers", "W", latency_ms=None, length_km=400.0)
    assert verify(by_length, content).latency_ms_total == pytest.approx(2.0 + 0.02 + 0.1)
    problem, content = with_second_leg("AB BC", "AC", "m100")
    assert verify(problem, content).latency_ms_total == pytest.approx(1.5 + 0.02 + 0.1)


# --- R7 ---


def test_r7_demands() -> None:
    problem, content = triangle(protection="disjoint")
    shared = change_item(problem, "fibers", "AC", srlgs=("duct", "road"))
    shared = change_item(shared, "fibers", "BC", srlgs=("duct", "road"))
    # Both groups take both paths down.
    assert found(shared, content) == [("R7", "lsps.d#0", 2.0), ("R8", "lsps.d#0", 2.0)]
    # A fiber may be in another fiber's group: then it is cut with it.
    fate = change_item(problem, "fibers", "BC", srlgs=("AC",))
    assert found(fate, content) == [("R7", "lsps.d#0", 1.0), ("R8", "lsps.d#0", 1.0)]
    assert found(change_promise(shared, "packets", "d", protection="none"), content) == []


def test_r7_circuits() -> None:
    problem, content = with_circuit(protection="disjoint")
    shared = change_item(problem, "fibers", "AC", srlgs=("AB",))
    assert found(shared, content) == [("R7", "circuits.c", 1.0), ("R8", "circuits.c", 1.0)]


def test_r7_sites() -> None:
    problem, content = triangle(protection="disjoint", node_disjoint=True)
    assert found(problem, content) == []
    content["lightpaths"]["z"] = lightpath("A", "C", "AB BC", "m100", [4])
    content["links"]["AC"] = link("A", "C", leg("AB BC", "z"))
    # Fibers AB and BC, then site B.
    assert found(problem, content) == [
        ("R7", "lsps.d#0", 2.0),
        ("R7", "lsps.d#0", 1.0),
        ("R8", "lsps.d#0", 2.0),
    ]


def test_r7_link_legs() -> None:
    assert found(*with_second_leg("AB BC", "AC", "m100")) == []
    assert found(*with_second_leg("BC AB", "CA", "m100")) == [
        ("R1", "links.AC.legs.1", 1.0),
        ("R1", "links.AC.legs.1", 1.0),
    ]
    assert found(*with_second_leg("AC", "CA", "m100")) == [("R7", "links.AC", 1.0)]
    assert found(*with_second_leg("AB BC", "AC", "m100", "m100")) == [("R7", "links.AC", 1.0)]
    assert found(*with_second_leg("AB BC", "AC", "m400")) == [("R7", "links.AC", 2.0)]


# --- R8 ---


def test_r8_survivable_by_whatever_means() -> None:
    problem, content = triangle(protection="survivable")
    assert found(problem, content) == []
    content["lsps"]["d#0"]["backup"] = None
    assert found(problem, content) == [("R8", "lsps.d#0", 1.0)]
    problem, content = with_second_leg("AB BC", "AC", "m100")
    content["lsps"]["d#0"]["backup"] = None
    assert found(change_promise(problem, "packets", "d", protection="survivable"), content) == []


def test_r8_states_on_request() -> None:
    problem, content = triangle(protection="survivable")

    def judged(**failures: Any) -> Found:
        return found(change_policy(problem, failures=Failures(**failures)), content)

    assert judged(pairs=(("AB", "AC"), ("AC", "BC"), ("AB", "BC"))) == [("R8", "lsps.d#0", 2.0)]
    # The ends' own failures ask for nothing.
    assert judged(sites=("A", "B", "C")) == []
    content["lsps"]["d#0"] = lsp("AB BC", None)
    assert judged() == [("R8", "lsps.d#0", 2.0)]
    assert judged(srlgs=False, sites=("B",)) == [("R8", "lsps.d#0", 1.0)]
    assert judged(srlgs=False) == []


# --- R9 (loads: test_loads.py) ---


def test_r9_limits() -> None:
    problem, content = triangle()
    assert found(change_policy(problem, max_ip_hops=1), content) == [("R9", "lsps.d#0.backup", 1.0)]
    ports = (Port(40.0, Price(1.0)),)
    slow = change(problem, catalogue=replace(CATALOGUE, ports=ports))
    assert found(slow, content) == [("R9", f"links.{i}.legs.0", 60.0) for i in ("AB", "AC", "BC")]
    problem, content = with_second_leg("AB BC", "AC", "m100")
    assert found(change_policy(problem, max_link_hops=1), content) == [("R9", "links.AC.legs.1", 1.0)]


# --- R10 ---


def test_r10_counts_shared_fate_once() -> None:
    # U = 8.76 cuts / 1000 km x length x 10 h / 8760 h: AB 0.001, AC 0.0025, BC 0.002.
    up_primary, up_backup = 0.9975, 0.999 * 0.998
    both = 1 - (1 - up_primary) * (1 - up_backup)
    assert found(*triangle(min_availability=both)) == []
    assert found(*triangle(min_availability=both + 1e-7)) == [("R10", "lsps.d#0", 1e-7)]
    problem, content = triangle(min_availability=0.9)
    problem = change_item(problem, "sites", "A", unavailability=0.2)
    assert found(problem, content) == [("R10", "lsps.d#0", 0.9 - 0.8 * both)]
    content["lsps"]["d#0"]["backup"] = None
    assert found(problem, content) == [("R10", "lsps.d#0", 0.9 - 0.8 * up_primary)]


def test_r10_other_groups() -> None:
    problem, content = triangle(min_availability=0.96)
    problem = change_item(problem, "fibers", "AC", srlgs=("duct",))
    problem = change_item(problem, "fibers", "BC", srlgs=("duct",))
    assert found(problem, content) == []
    duct = change(problem, group_unavailability={"duct": 0.05})
    # Given the duct, the paths are independent.
    given_duct = 1 - 0.0025 * (1 - 0.999 * 0.998)
    assert found(duct, content) == [("R10", "lsps.d#0", 0.96 - 0.95 * given_duct)]


def test_r10_offers() -> None:
    problem, content = with_offer([100.0])
    content["lsps"]["d#0"] = lsp("W")
    assert found(change_promise(problem, "packets", "d", min_availability=0.99), content) == []
    strict = change_promise(problem, "packets", "d", min_availability=0.995)
    assert found(strict, content) == [("R10", "lsps.d#0", 0.005)]


# --- R11 ---


def test_r11_window() -> None:
    # 22:00 to 02:00 at UTC+1:30 is 20:30 to 00:30 UTC: hours 21, 22 and 23 lie in it.
    window = Transfer("t", "A", ("C",), 1.0, 22.0, 2.0, "push", Promise())
    assert [hour for hour, ok in enumerate(usable_hours(window, 1.5)) if ok] == [21, 22, 23]
    assert all(usable_hours(replace(window, window_start=0.0, window_end=24.0), -5.0))
    # A day's window has a deadline too: the hour across local midnight is not in it.
    day = usable_hours(replace(window, window_start=0.0, window_end=24.0), 5.5)
    assert [hour for hour, ok in enumerate(day) if not ok] == [18]
    assert not any(usable_hours(replace(window, window_end=22.5), 0.0))


def test_r11_volume() -> None:
    # 9000 GB = 20 Gb/s for one hour.
    assert found(*with_transfer(in_hours(20.0, [22]))) == []
    assert found(*with_transfer(in_hours(20.0 / 3, [21, 22, 23]))) == []
    assert found(*with_transfer(in_hours(6.0, [21, 22, 23]))) == [("R11", "lsps.t/C", 900.0)]
    assert found(*with_transfer(None)) == [("R11", "lsps.t/C", 9000.0)]


def test_r11_hours_and_signs() -> None:
    rates = in_hours(20.0, [22])
    rates[3] = 0.5
    assert found(*with_transfer(rates)) == [("R11", "lsps.t/C", 225.0)]
    rates = in_hours(30.0, [22])
    rates[21] = -2.0
    assert found(*with_transfer(rates)) == [("R11", "lsps.t/C", 900.0)]
    problem, content = triangle()
    content["lsps"]["d#0"]["rates_gbps"] = [0.0] * 24
    assert found(problem, content) == [("R11", "lsps.d#0", 1.0)]


def test_violations_are_sorted_and_readable() -> None:
    problem, content = triangle(max_latency_ms=1.0)
    content["fibers"]["AB"]["pairs"] = 9
    verdict = verify(change(problem, policy=Policy(max_utilisation=0.5)), content)
    assert [str(v) for v in verdict.violations] == [
        "R4 fibers.AB: 9 pairs, at most 4",
        "R6 lsps.d#0: latency 1.37 ms, at most 1 ms",
        "R9 links.AB: load 60 Gb/s A->B in state 'group AC', at most 50",
        "R9 links.AC: load 60 Gb/s A->C in state 'none', at most 50",
        "R9 links.BC: load 60 Gb/s B->C in state 'group AC', at most 50",
    ]
