"""Scenarios and plans made by hand, straight from the dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from netopt_heur.scenario.scenario import (
    Catalogue,
    Chassis,
    Circuit,
    Failures,
    Fiber,
    Latency,
    Mode,
    Packet,
    Policy,
    Port,
    Price,
    Promise,
    Scenario,
    Site,
    Spectrum,
    Traffic,
    Transfer,
    WaveOffer,
    WaveUnit,
)

Plan = dict[str, Any]

MODES = (
    Mode("m100", 100.0, 3000.0, 4, Price(5.0), Price(8.0)),
    Mode("m400", 400.0, 1000.0, 6, Price(12.0), Price(20.0)),
    Mode("m800", 800.0, 600.0, 8, Price(18.0), Price(30.0)),
)
PORTS = (Port(100.0, Price(1.0)), Port(400.0, Price(3.0)), Port(800.0, Price(5.0)))
CHASSIS = (Chassis(1000.0, Price(7.0)), Chassis(4000.0, Price(20.0)))
CATALOGUE = Catalogue(
    modes=MODES,
    ports=PORTS,
    chassis=(),
    pair_terminal=Price(4.0),
    inline_amplifier=Price(2.0),
    span_km=80.0,
    power_cost_per_w_year=0.0,
)


def site(site_id: str, **fields: Any) -> Site:
    return Site(site_id, site_id, 0.0, 0.0, **fields)


def fiber(fiber_id: str, a: str, b: str, length_km: float, **fields: Any) -> Fiber:
    return Fiber(fiber_id, a, b, length_km, **fields)


def packet(
    packet_id: str, a: str, b: str, ab: Sequence[float], ba: Sequence[float], **promise: Any
) -> Packet:
    """Packet demand with the rates of every sample given."""
    series = np.array([ab, ba], dtype=np.float64)
    means = [float(mean) for mean in series.mean(axis=1)]
    return Packet(packet_id, a, b, means[0], means[1], "", Promise(**promise), series=series)


def scenario(**fields: Any) -> Scenario:
    """Scenario with defaults; its samples are the packets' series."""
    values: dict[str, Any] = {
        "name": "test",
        "horizon_years": 5.0,
        "sites": (),
        "fibers": (),
        "wave_offers": (),
        "group_unavailability": {},
        "catalogue": CATALOGUE,
        "spectrum": Spectrum(slots=16),
        "latency": Latency(us_per_km=5.0),
        "traffic": Traffic(hours=24, samples_per_hour=1),
        "policy": Policy(),
        "circuits": (),
        "packets": (),
        "transfers": (),
    }
    result = Scenario(**values | fields)
    series = [p.series for p in result.packets]
    shape = (len(series), 2, result.traffic.n_samples)
    result.__dict__["samples"] = np.array(series, dtype=np.float64).reshape(shape)
    return result


def change(base: Scenario, **fields: Any) -> Scenario:
    """A changed scenario with the same traffic."""
    result = replace(base, **fields)
    if base.packets:
        result.__dict__["samples"] = base.samples
    return result


def change_policy(base: Scenario, **fields: Any) -> Scenario:
    return change(base, policy=replace(base.policy, **fields))


def change_item(base: Scenario, kind: str, item_id: str, **fields: Any) -> Scenario:
    """Change the item of one id in the tuple named ``kind``."""
    items = tuple(replace(i, **fields) if i.id == item_id else i for i in getattr(base, kind))
    return change(base, **{kind: items})


def change_promise(base: Scenario, kind: str, item_id: str, **fields: Any) -> Scenario:
    (item,) = (i for i in getattr(base, kind) if i.id == item_id)
    return change_item(base, kind, item_id, promise=replace(item.promise, **fields))


def plan(
    fibers: Mapping[str, int | tuple[int, bool]] | None = None,
    lightpaths: Mapping[str, Plan] | None = None,
    links: Mapping[str, Plan] | None = None,
    lsps: Mapping[str, Plan] | None = None,
    circuits: Mapping[str, Plan] | None = None,
) -> Plan:
    """Plan file content; a fiber is its number of pairs, or (pairs, built)."""
    uses = {k: (v, False) if isinstance(v, int) else v for k, v in (fibers or {}).items()}
    return {
        "format": "netopt-heur-plan",
        "version": 1,
        "scenario": {"name": "test", "digest": ""},
        "fibers": {k: {"pairs": pairs, "built": built} for k, (pairs, built) in uses.items()},
        "lightpaths": dict(lightpaths or {}),
        "links": dict(links or {}),
        "lsps": dict(lsps or {}),
        "circuits": dict(circuits or {}),
    }


def lightpath(
    a: str,
    b: str,
    route: str,
    mode: str,
    slots: Sequence[int | None] = (0,),
    regens: Sequence[str] = (),
    fibers_per_segment: Sequence[int] | None = None,
    pair: int = 0,
) -> Plan:
    """Lightpath on the fibers named in ``route`` (space-separated), all on the same pair index."""
    fibers = route.split()
    counts = fibers_per_segment or [len(fibers)]
    segments = [{"slot": s, "pairs": [pair] * n} for s, n in zip(slots, counts, strict=True)]
    return {"a": a, "b": b, "route": fibers, "mode": mode, "regens": list(regens), "segments": segments}


def leg(route: str, *lightpaths: str) -> Plan:
    return {"route": route.split(), "lightpaths": list(lightpaths)}


def offer_leg(offer: str, *units: float) -> Plan:
    return {"wave_offer": offer, "units": list(units)}


def link(a: str, b: str, *legs: Plan) -> Plan:
    return {"a": a, "b": b, "legs": list(legs)}


def lsp(primary: str, backup: str | None = None, rates: Sequence[float] | None = None) -> Plan:
    result: Plan = {"primary": primary.split(), "backup": None if backup is None else backup.split()}
    if rates is not None:
        result["rates_gbps"] = list(rates)
    return result


def in_hours(rate: float, hours: Sequence[int]) -> list[float]:
    return [rate if hour in hours else 0.0 for hour in range(24)]


def flat(rate: float, n: int = 24) -> list[float]:
    return [rate] * n


def ramp(mean: float, n: int) -> list[float]:
    """Rates between 0.5 and 1.5 times the mean, in an order that repeats only after n samples."""
    return [mean * (0.5 + ((7 * i) % n) / (n - 1)) for i in range(n)]


def good_plans() -> list[tuple[Scenario, Plan]]:
    """Feasible plans that together hold everything a plan can hold."""
    return [flex_grid(), opaque()]


def flex_grid() -> tuple[Scenario, Plan]:
    """Ring A B C D, regenerator site R, parallel fibers, a candidate, 1+1, wave offers; with continuity."""
    cuts: dict[str, Any] = {
        "cuts_per_1000km_year": 2.0,
        "mttr_hours": 8.0,
        "lease_per_pair_km": Price(0.0, 0.01),
    }
    sites = (
        site("A", unavailability=1e-5),
        site("B"),
        site("C"),
        site("D", utc_offset=5.5),
        site("R", router=False, add_drop=False, regen=True, regen_open_cost=Price(6.0)),
    )
    fibers = (
        fiber("AB1", "A", "B", 100.0, srlgs=("duct",), **cuts),
        fiber("AB2", "A", "B", 120.0, **cuts),
        fiber("AR", "A", "R", 500.0, **cuts),
        fiber("BC", "B", "C", 100.0, lit_pairs=1, **cuts),
        fiber("BD", "B", "D", 150.0, candidate=True, build_cost=Price(90.0), **cuts),
        fiber("CD", "C", "D", 100.0, srlgs=("bridge",), **cuts),
        fiber("DA", "D", "A", 100.0, **cuts),
        fiber("RC", "R", "C", 500.0, **cuts),
    )
    offers = (
        WaveOffer(
            "WAC", "A", "C", (WaveUnit(100.0, Price(9.0)),), 3, Price(2.0), latency_ms=4.0, availability=0.999
        ),
        WaveOffer(
            "WBD", "D", "B", (WaveUnit(100.0, Price(8.0)), WaveUnit(400.0, Price(25.0))), 2, length_km=300.0
        ),
    )
    n = 48
    problem = scenario(
        sites=sites,
        fibers=fibers,
        wave_offers=offers,
        group_unavailability={"duct": 1e-4},
        catalogue=replace(CATALOGUE, chassis=CHASSIS),
        spectrum=Spectrum(slots=24),
        latency=Latency(5.0, router_hop_ms=0.05, lightpath_end_ms=0.01, regenerator_ms=0.02),
        traffic=Traffic(hours=24, samples_per_hour=2),
        policy=Policy(max_ip_hops=2, max_link_hops=3),
        packets=(
            packet(
                "p1",
                "A",
                "B",
                ramp(60.0, n),
                ramp(30.0, n),
                max_latency_ms=1.0,
                backup_max_latency_ms=2.0,
                min_availability=0.99995,
                protection="disjoint",
            ),
            packet("p2", "B", "C", flat(40.0, n), ramp(50.0, n), protection="survivable", max_latency_ms=3.0),
            packet("p3", "C", "A", ramp(20.0, n), ramp(60.0, n), min_availability=0.99),
            packet("p4", "A", "B", flat(160.0, n), flat(90.0, n), protection="survivable"),
        ),
        circuits=(
            Circuit("c1", "A", "C", 2, 400.0, Promise(6.0, protection="disjoint", node_disjoint=True)),
            Circuit("c2", "B", "D", 1, 100.0, Promise(max_latency_ms=2.0)),
        ),
        transfers=(
            Transfer("t", "A", ("C", "D"), 31500.0, 0.0, 8.0, "push", Promise(protection="disjoint")),
        ),
    )
    lightpaths = {
        "ab1": lightpath("A", "B", "AB1", "m100", [0]),
        "ab2": lightpath("A", "B", "AB1", "m100", [4]),
        "ab3": lightpath("B", "A", "AB1", "m100", [8]),
        "ad1": lightpath("A", "D", "DA", "m400", [4]),
        "db1": lightpath("D", "B", "BD", "m400", [0]),
        "bc1": lightpath("B", "C", "BC", "m100", [0]),
        "bc2": lightpath("C", "B", "CD DA AB2", "m100", [0]),
        "cd1": lightpath("C", "D", "CD", "m100", [4]),
        "ac1": lightpath("A", "C", "AR RC", "m800", [3, 0], ["R"], [1, 1]),
        "ac2": lightpath("A", "C", "AB2 BC", "m400", [4]),
        "ac3": lightpath("A", "C", "AB2 BC", "m400", [10]),
    }
    links = {
        "AB": link("A", "B", leg("AB1", "ab1", "ab2", "ab3")),
        "AD": link("A", "D", leg("DA", "ad1")),
        "DB": link("D", "B", leg("BD", "db1")),
        "BC": link("B", "C", leg("BC", "bc1"), leg("AB2 DA CD", "bc2")),
        "AC": link("A", "C", offer_leg("WAC", 100.0)),
        "CD": link("C", "D", leg("CD", "cd1")),
    }
    lsps = {
        "p1#0": lsp("AB", "AD DB"),
        "p2#0": lsp("BC"),
        "p3#0": lsp("AC"),
        "p4#0": lsp("AB", "AD DB"),
        "p4#1": lsp("AD DB", "AB"),
        "t/C": lsp("AD CD", "AC", in_hours(8.75, range(8))),
        # Local 00:30 to 07:30 at D.
        "t/D": lsp("AD", "AB DB", in_hours(10.0, [19, 20, 21, 22, 23, 0, 1])),
    }
    circuits: dict[str, Plan] = {
        "c1": {"working": leg("AR RC", "ac1"), "protection": leg("AB2 BC", "ac2", "ac3")},
        "c2": {"working": offer_leg("WBD", 100.0), "protection": None},
    }
    pairs: dict[str, int | tuple[int, bool]] = {
        "AB1": 1,
        "AB2": 1,
        "AR": 1,
        "BC": 2,
        "BD": (1, True),
        "CD": 1,
        "DA": 1,
        "RC": 1,
    }
    return problem, plan(pairs, lightpaths, links, lsps, circuits)


def opaque() -> tuple[Scenario, Plan]:
    """Ring W X Y Z and V, a candidate chord, site and double failures, day percentiles; no continuity."""
    cuts: dict[str, Any] = {"cuts_per_1000km_year": 1.0, "mttr_hours": 12.0, "max_pairs": 2}
    fibers = (
        fiber("VY", "V", "Y", 200.0, **cuts),
        fiber("WV", "W", "V", 200.0, **cuts),
        fiber("WX", "W", "X", 300.0, **cuts),
        fiber("XY", "X", "Y", 300.0, lit_pairs=2, **cuts),
        fiber("XZ", "X", "Z", 350.0, candidate=True, build_cost=Price(40.0), **cuts),
        fiber("YZ", "Y", "Z", 300.0, **cuts),
        fiber("ZW", "Z", "W", 300.0, **cuts),
    )
    one_slot = tuple(replace(m, slots=1, reach_km=m.reach_km * 0.75) for m in MODES)
    n = 96
    problem = scenario(
        sites=(site("V"), site("W"), site("X"), site("Y", utc_offset=-3.0), site("Z", regen=True)),
        fibers=fibers,
        wave_offers=(WaveOffer("OZY", "Z", "Y", (WaveUnit(400.0, Price(30.0)),), 2, length_km=500.0),),
        catalogue=replace(CATALOGUE, modes=one_slot),
        spectrum=Spectrum(slots=2, slot_ghz=100.0, continuity="none"),
        traffic=Traffic(hours=48, samples_per_hour=2),
        policy=Policy(
            confidence=0.9,
            failure_confidence=0.95,
            percentile_over="day",
            max_utilisation=0.8,
            max_ip_hops=3,
            max_link_hops=2,
            split_gbps=1000.0,
            failures=Failures(sites=("V", "X", "Z"), pairs=(("XZ", "YZ"), ("WX", "YZ"))),
        ),
        packets=(
            packet(
                "q1",
                "W",
                "Y",
                ramp(80.0, n),
                ramp(100.0, n),
                protection="disjoint",
                node_disjoint=True,
                max_latency_ms=4.0,
                min_availability=0.9999,
            ),
            packet(
                "q2",
                "X",
                "Z",
                ramp(40.0, n),
                flat(20.0, n),
                protection="survivable",
                backup_max_latency_ms=5.0,
            ),
            packet("q3", "Z", "Y", flat(90.0, n), flat(90.0, n), min_availability=0.9),
        ),
        circuits=(Circuit("d1", "W", "Y", 1, 800.0, Promise(protection="disjoint", min_availability=0.999)),),
        transfers=(Transfer("u", "W", ("Y",), 9000.0, 22.0, 6.0, "pull", Promise(protection="survivable")),),
    )
    lightpaths = {
        "wy1": lightpath("W", "Y", "WX XY", "m100", [None]),
        "wy2": lightpath("W", "Y", "WX XY", "m100", [None], pair=1),
        "wy3": lightpath("Y", "W", "VY WV", "m100", [None]),
        "wy4": lightpath("W", "Y", "WV VY", "m100", [None]),
        "wz1": lightpath("W", "Z", "ZW", "m400", [None]),
        "zy1": lightpath("Z", "Y", "YZ", "m400", [None]),
        "xz1": lightpath("X", "Z", "XZ", "m100", [None]),
        "xw1": lightpath("X", "W", "WX", "m100", [None]),
        "dw1": lightpath("W", "Y", "ZW YZ", "m800", [None, None], ["Z"], [1, 1]),
        "dp1": lightpath("W", "Y", "WV VY", "m800", [None], pair=1),
    }
    links = {
        "K1": link("W", "Y", leg("WX XY", "wy1", "wy2"), leg("WV VY", "wy3", "wy4")),
        "K2": link("W", "Z", leg("ZW", "wz1")),
        "K3": link("Z", "Y", leg("YZ", "zy1")),
        "K4": link("X", "Z", leg("XZ", "xz1")),
        "K5": link("X", "W", leg("WX", "xw1")),
        "K6": link("Y", "Z", offer_leg("OZY", 400.0)),
    }
    lsps = {
        "q1#0": lsp("K2 K3", "K1"),
        "q2#0": lsp("K4", "K5 K2"),
        "q3#0": lsp("K6", "K3"),
        # 22:00 to 06:00 at UTC-3 is 01:00 to 09:00 UTC; Y sends.
        "u/Y": lsp("K1", None, in_hours(2.5, range(1, 9))),
    }
    circuits = {"d1": {"working": leg("ZW YZ", "dw1"), "protection": leg("WV VY", "dp1")}}
    pairs: dict[str, int | tuple[int, bool]] = {
        "VY": 2,
        "WV": 2,
        "WX": 2,
        "XY": 2,
        "XZ": (1, True),
        "YZ": 1,
        "ZW": 1,
    }
    return problem, plan(pairs, lightpaths, links, lsps, circuits)
