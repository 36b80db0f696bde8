"""Write the small-instance library: ``python benchmarks/small/generate.py`` (same files every time).

Each scenario is small enough to be proven optimal and built so that one feature decides its optimum.
``RELAXED``
names, for the scenarios that stand for a rule, a relaxation that must make the optimum cheaper; tests hold
us to it.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent

NETWORKS: dict[str, tuple[str, list[tuple[str, str, int]]]] = {
    "tri": ("ABC", [("A", "B", 300), ("B", "C", 400), ("A", "C", 500)]),
    "ring4": ("ABCD", [("A", "B", 300), ("B", "C", 350), ("C", "D", 300), ("A", "D", 400)]),
    "kite": ("ABCD", [("A", "B", 300), ("B", "C", 350), ("C", "D", 300), ("A", "D", 400), ("A", "C", 450)]),
    "penta": (
        "ABCDE",
        [("A", "B", 250), ("B", "C", 300), ("C", "D", 280), ("D", "E", 320), ("A", "E", 260),
         ("B", "E", 400)],
    ),
    "hexa": (
        "ABCDEF",
        [("A", "B", 240), ("B", "C", 260), ("C", "D", 300), ("D", "E", 280), ("E", "F", 220), ("A", "F", 310),
         ("B", "E", 420), ("C", "F", 450)],
    ),
    "hepta": (
        "ABCDEFG",
        [("A", "B", 240), ("B", "C", 260), ("C", "D", 200), ("D", "E", 280), ("E", "F", 220), ("F", "G", 190),
         ("A", "G", 310), ("B", "F", 380), ("C", "E", 330)],
    ),
    "octa": (
        "ABCDEFGH",
        [("A", "B", 240), ("B", "C", 260), ("C", "D", 200), ("D", "E", 280), ("E", "F", 220), ("F", "G", 190),
         ("G", "H", 230), ("A", "H", 310), ("B", "G", 350), ("C", "F", 300)],
    ),
    "nona": (
        "ABCDEFGHI",
        [("A", "B", 240), ("B", "C", 260), ("C", "D", 200), ("D", "E", 280), ("E", "F", 220), ("F", "G", 190),
         ("G", "H", 230), ("H", "I", 250), ("A", "I", 310), ("B", "H", 340), ("C", "G", 360),
         ("D", "F", 290)],
    ),
}  # fmt: skip

CATALOGUE: dict[str, Any] = {
    "modes": {
        "100G": {"rate_gbps": 100, "reach_km": 2000, "slots": 4, "price": 5},
        "400G": {"rate_gbps": 400, "reach_km": 800, "slots": 6, "price": 11},
    },
    "ports": [{"rate_gbps": 100, "price": 2}, {"rate_gbps": 400, "price": 5}],
    "pair_terminal": 4,
    "inline_amplifier": 0.6,
    "span_km": 80,
    "lease_per_pair_km": {"opex": 0.004},
}

RELAXED: dict[str, tuple[str, dict[str, Any]]] = {}  # instance -> (rule, changes of its document)


def base(network: str, **changes: Any) -> dict[str, Any]:
    """A scenario without demands on one of the networks."""
    sites, fibers = NETWORKS[network]
    document: dict[str, Any] = {
        "version": 1,
        "horizon_years": 5,
        "catalogue": copy.deepcopy(CATALOGUE),
        "sites": [
            {"id": s, "lat": 40 + i % 3, "lon": -90 + 2 * i, "utc_offset": -6} for i, s in enumerate(sites)
        ],
        "fiber_defaults": {"max_pairs": 4, "cuts_per_1000km_year": 1.5, "mttr_hours": 10},
        "fibers": [{"id": f"{a}{b}", "a": a, "b": b, "length_km": km} for a, b, km in fibers],
        "spectrum": {"slots": 96, "continuity": "required"},
        "latency": {"router_hop_ms": 0.1, "lightpath_end_ms": 0.02, "regenerator_ms": 0.05},
        "traffic": {"hours": 1, "samples_per_hour": 1, "seed": 7},
        "services": {"bursty": {"noise_cv": 0.4}},
        "policy": {"confidence": 1.0, "max_ip_hops": 2, "max_link_hops": 3},
        "demands": {"packets": [], "circuits": [], "transfers": []},
    }
    return merged(document, changes)


def merged(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Document with changes laid over it; a key ``list/id`` reaches the entry of a list with that id."""
    done = copy.deepcopy(document)
    for key, value in changes.items():
        if "/" in key:
            name, entry = key.split("/")
            for item in done[name] if name in done else done["demands"][name]:
                if entry in ("*", item.get("id")):
                    item.update(value)
        elif isinstance(value, dict) and isinstance(done.get(key), dict):
            done[key] = merged(done[key], value)
        else:
            done[key] = value
    return done


def packet(a: str, b: str, mean: float, **more: Any) -> dict[str, Any]:
    """A packet demand named after its ends."""
    rates = {"mean_gbps": mean} if "mean_ab_gbps" not in more else {}
    return {"id": f"{a}-{b}", "a": a, "b": b, **rates, **more}


def circuit(a: str, b: str, waves: int, wave_gbps: float, **more: Any) -> dict[str, Any]:
    """A circuit named after its ends."""
    return {"id": f"{a}={b}", "a": a, "b": b, "waves": waves, "wave_gbps": wave_gbps, **more}


def packets(pairs: str, mean: float, step: float = 7.0, **more: Any) -> dict[str, Any]:
    """Packet demands "AB CD ..." with means that grow by ``step``."""
    return {"packets": [packet(p[0], p[1], mean + step * i, **more) for i, p in enumerate(pairs.split())]}


def library() -> dict[str, dict[str, Any]]:
    """All scenarios by file name."""
    made: dict[str, dict[str, Any]] = {}

    def add(
        name: str, network: str, *changes: dict[str, Any], relax: tuple[str, dict[str, Any]] | None = None
    ) -> None:
        document = base(network)
        for change in changes:
            document = merged(document, change)
        made[name] = document
        if relax is not None:
            RELAXED[name] = relax

    _routing(add)
    _optical(add)
    _protection(add)
    _percentiles(add)
    _offers_and_builds(add)
    _transfers(add)
    _larger(add)
    return made


def _routing(add: Any) -> None:
    add("tri_direct", "tri", {"demands": packets("AB BC AC", 40)})
    add("tri_groom", "tri", {"demands": packets("AB BC AC", 20)})
    add(
        "tri_no_groom",
        "tri",
        {"demands": packets("AB BC AC", 20), "policy": {"max_ip_hops": 1}},
        relax=("R9", {"policy": {"max_ip_hops": 2}}),
    )
    add("tri_split", "tri", {"demands": packets("AB AC", 130, 45), "policy": {"split_gbps": 50}})
    add(
        "tri_asymmetric",
        "tri",
        {
            "demands": {
                "packets": [
                    packet("A", "B", 0, mean_ab_gbps=90, mean_ba_gbps=5),
                    packet("B", "C", 0, mean_ab_gbps=12, mean_ba_gbps=80),
                    packet("A", "C", 0, mean_ab_gbps=9, mean_ba_gbps=8),
                ]
            }
        },
    )
    add(
        "tri_utilisation",
        "tri",
        {"demands": packets("AB BC AC", 43), "policy": {"max_utilisation": 0.5}},
        relax=("R9", {"policy": {"max_utilisation": 1.0}}),
    )
    add("ring4_transit", "ring4", {"demands": packets("AC BD AB CD", 22)})
    add(
        "ring4_link_hops",
        "ring4",
        {"demands": packets("AC BD", 150), "policy": {"max_link_hops": 1}},
        relax=("R9", {"policy": {"max_link_hops": 2}}),
    )
    add(
        "ring4_no_router",
        "ring4",
        {"demands": packets("AC AD CD", 25), "sites/B": {"router": False}},
    )
    add(
        "ring4_no_add_drop",
        "ring4",
        {
            "demands": packets("AC AB BC", 15),
            "sites/B": {"add_drop": False},
            "wave_offers": [
                {
                    "id": "wave",
                    "a": "A",
                    "b": "B",
                    "length_km": 330,
                    "max_units": 3,
                    "units": [{"rate_gbps": 100, "price": 60}],
                }
            ],
        },
        relax=("R1", {"sites/B": {"add_drop": True}}),
    )
    add(
        "kite_chassis",
        "kite",
        {
            "demands": packets("AB BC CD AC", 60, 30),
            "catalogue": {
                "chassis": [{"capacity_gbps": 200, "price": 4}, {"capacity_gbps": 800, "price": 11}]
            },
        },
    )
    add(
        "kite_latency",
        "kite",
        {
            "demands": {
                "packets": [
                    packet("A", "C", 30, max_latency_ms=2.6),
                    packet("A", "B", 20),
                    packet("B", "C", 15),
                ]
            }
        },
        relax=("R6", {"packets/A-C": {"max_latency_ms": 9.0}}),
    )
    add(
        "kite_slow_port",
        "kite",
        {"demands": packets("AC BD AB", 130, 20), "catalogue": {"ports": [{"rate_gbps": 100, "price": 2}]}},
    )
    add("penta_mesh", "penta", {"demands": packets("AC BD CE AD BE", 18)})


def _optical(add: Any) -> None:
    regen = {"regen": True, "regen_open_cost": 6}
    long = {"catalogue": {"modes": {"100G": {"reach_km": 600}, "400G": {"reach_km": 350}}}}
    far = {"policy": {"max_ip_hops": 1}}
    add(
        "ring4_regen",
        "ring4",
        {"demands": packets("AC BD", 90, 20), "sites/*": regen},
        long,
        far,
        relax=("R2", {"catalogue": {"modes": {"100G": {"reach_km": 2000}, "400G": {"reach_km": 800}}}}),
    )
    add(
        "ring4_regen_circuits",
        "ring4",
        {"demands": {"circuits": [circuit("A", "C", 2, 100), circuit("B", "D", 3, 100)]}, "sites/*": regen},
        long,
        relax=("R2", {"catalogue": {"modes": {"100G": {"reach_km": 2000}, "400G": {"reach_km": 800}}}}),
    )
    add(
        "ring4_regen_latency",
        "ring4",
        {
            "demands": packets("AC", 150, max_latency_ms=3.7),
            "fibers/AD": {"lit_pairs": 1},
            "fibers/CD": {"lit_pairs": 1},
            "sites/*": regen,
            "latency": {"regenerator_ms": 0.3},
        },
        long,
        far,
        relax=("R6", {"packets/*": {"max_latency_ms": 9.0}}),
    )
    add(
        "kite_regen_shared",
        "kite",
        {
            "demands": {
                "circuits": [
                    circuit("B", "D", 1, 400),
                    circuit("A", "C", 1, 400, max_latency_ms=4),
                    circuit("B", "A", 1, 400),
                ]
            },
            "sites/*": {"regen": True, "regen_open_cost": 25},
            "catalogue": {"modes": {"400G": {"reach_km": 460}}},
        },
    )
    add(
        "tri_spectrum",
        "tri",
        {
            "demands": {
                "circuits": [circuit("A", "B", 2, 100), circuit("B", "C", 1, 100), circuit("A", "C", 2, 100)]
            },
            "spectrum": {"slots": 8},
            "fiber_defaults": {"max_pairs": 1},
            "catalogue": {"modes": {"400G": {"slots": 9}}},
        },
    )
    add(
        "ring4_spectrum_clash",
        "ring4",
        {
            "demands": {
                "circuits": [
                    circuit("A", "C", 1, 100),
                    circuit("B", "D", 1, 100),
                    circuit("A", "B", 1, 100),
                    circuit("C", "D", 1, 100),
                ]
            },
            "spectrum": {"slots": 8},
            "catalogue": {"modes": {"400G": {"slots": 9}}},
            "fiber_defaults": {"max_pairs": 2},
        },
    )
    odd = {
        "demands": {
            "circuits": [circuit("A", "B", 1, 100), circuit("B", "C", 1, 100), circuit("A", "C", 1, 100)]
        },
        "policy": {"max_link_hops": 2},
        "spectrum": {"slots": 8},
        "fibers/*": {"max_pairs": 1},
        "catalogue": {"modes": {"400G": {"slots": 9}}},
    }
    add(
        "tri_long_way",
        "tri",
        odd,
        {"fibers/AC": {"max_pairs": 0}},
    )
    colour = [
        circuit("A", "C", 1, 100),
        circuit("C", "E", 1, 100),
        circuit("E", "B", 1, 100),
        circuit("B", "D", 1, 100),
        circuit("D", "A", 1, 100),
    ]
    ring5 = {
        "demands": {"circuits": colour},
        "spectrum": {"slots": 8},
        "policy": {"max_link_hops": 2},
        "catalogue": {"modes": {"400G": {"slots": 9}}},
        "fibers/BE": {"max_pairs": 0},
    }
    # five arcs of two fibers on a five-ring: two per fiber, but an odd cycle of conflicts needs three
    # wavelengths
    add("penta_odd_cycle", "penta", ring5, relax=("R3", {"spectrum": {"continuity": "none"}}))
    add(
        "penta_odd_convert",
        "penta",
        ring5,
        {"sites/*": {"regen": True}},
        relax=("R3", {"spectrum": {"continuity": "none"}}),
    )
    add(
        "penta_odd_opaque",
        "penta",
        ring5,
        {"spectrum": {"continuity": "none"}},
    )
    add(
        "tri_packing",
        "tri",
        {
            "demands": {"circuits": [circuit("A", "B", 3, 400), circuit("A", "B", 2, 100) | {"id": "more"}]},
            "spectrum": {"slots": 16, "continuity": "none"},
        },
        relax=("R3", {"spectrum": {"slots": 26}}),
    )
    add(
        "tri_contiguous",
        "tri",
        {
            "demands": {
                "circuits": [circuit("A", "B", 1, 400), circuit("A", "C", 1, 400), circuit("B", "C", 2, 100)]
            },
            "spectrum": {"slots": 10},
            "fibers/*": {"max_pairs": 2},
        },
    )
    add(
        "ring4_full_pairs",
        "ring4",
        {
            "demands": packets("AB AD", 60, 42),
            "spectrum": {"slots": 6},
            "fibers/*": {"max_pairs": 1},
            "catalogue": {"modes": {"400G": {"slots": 7}}},
            "policy": {"split_gbps": 50},
        },
    )
    add(
        "ring4_pairs_bind",
        "ring4",
        {
            "demands": {"circuits": [circuit("A", "B", 3, 100)]},
            "spectrum": {"slots": 8},
            "catalogue": {"modes": {"400G": {"slots": 9}}},
            "fibers/AB": {"max_pairs": 1},
            "wave_offers": [
                {
                    "id": "wave",
                    "a": "A",
                    "b": "B",
                    "length_km": 500,
                    "max_units": 4,
                    "units": [{"rate_gbps": 100, "price": 50}],
                }
            ],
        },
        relax=("R4", {"fibers/AB": {"max_pairs": 2}}),
    )
    add(
        "tri_lit",
        "tri",
        {"demands": packets("AB BC AC", 60), "fibers/AB": {"lit_pairs": 1}, "fibers/BC": {"lit_pairs": 1}},
    )
    add(
        "tri_waves_floor",
        "tri",
        {
            "demands": {"circuits": [circuit("A", "B", 3, 150), circuit("A", "C", 5, 100)]},
            "catalogue": {"modes": {"100G": {"price": 3}}},
        },
        relax=("R5", {"circuits/A=B": {"waves": 2}}),
    )


def _protection(add: Any) -> None:
    for kind in ("survivable", "disjoint"):
        add(
            f"tri_{kind}",
            "tri",
            {"demands": packets("AB BC AC", 30, protection=kind)},
            relax=("R8" if kind == "survivable" else "R7", {"packets/*": {"protection": "none"}}),
        )
        add(f"ring4_{kind}", "ring4", {"demands": packets("AC BD", 35, protection=kind)})
        add(
            f"kite_{kind}_circuits",
            "kite",
            {
                "demands": {
                    "circuits": [
                        circuit("A", "C", 1, 400, protection=kind),
                        circuit("B", "D", 2, 100, protection=kind),
                    ]
                }
            },
        )
    add(
        "tri_shared_spare",
        "tri",
        {"demands": packets("AB BC AC", 60, 0, protection="disjoint"), "policy": {"max_link_hops": 1}},
    )
    add(
        "kite_duct",
        "kite",
        {
            "demands": {"circuits": [circuit("A", "C", 1, 400, protection="disjoint")]},
            "fibers/AC": {"srlgs": ["duct"]},
            "fibers/AB": {"srlgs": ["duct"]},
        },
        relax=("R7", {"fibers/AB": {"srlgs": []}}),
    )
    add(
        "penta_node_disjoint",
        "penta",
        {"demands": packets("AC BD", 30, protection="disjoint", node_disjoint=True)},
    )
    meet = {
        "demands": {"circuits": [circuit("A", "C", 1, 100, protection="disjoint", node_disjoint=True)]},
        "fibers": [
            {"id": "AB1", "a": "A", "b": "B", "length_km": 200},
            {"id": "AB2", "a": "A", "b": "B", "length_km": 220},
            {"id": "BC1", "a": "B", "b": "C", "length_km": 210},
            {"id": "BC2", "a": "B", "b": "C", "length_km": 230},
            {"id": "AD", "a": "A", "b": "D", "length_km": 500},
            {"id": "CD", "a": "C", "b": "D", "length_km": 600},
        ],
    }
    add("ring4_node_disjoint", "ring4", meet, relax=("R7", {"circuits/*": {"node_disjoint": False}}))
    add(
        "ring4_site_failures",
        "ring4",
        {
            "demands": packets("AC AD CD", 25, protection="survivable"),
            "policy": {"failures": {"srlgs": True, "sites": True}},
        },
    )
    add(
        "penta_pair_failures",
        "penta",
        {
            "demands": packets("BE AB", 25, 12, protection="survivable"),
            "policy": {"failures": {"pairs": [["AB", "BE"]]}},
        },
        relax=("R8", {"policy": {"failures": {"pairs": []}}}),
    )
    add(
        "tri_backup_latency",
        "tri",
        {
            "demands": {
                "packets": [
                    packet("A", "B", 30, protection="disjoint", backup_max_latency_ms=4.75),
                    packet("A", "C", 20, protection="disjoint"),
                    packet("B", "C", 20, protection="disjoint"),
                ]
            }
        },
    )
    add(
        "tri_availability",
        "tri",
        {"demands": packets("AB BC AC", 30, min_availability=0.9995)},
        relax=("R10", {"packets/*": {"min_availability": 0.0}}),
    )
    add(
        "ring4_availability",
        "ring4",
        {
            "demands": {
                "packets": [packet("A", "C", 30, min_availability=0.99999)],
                "circuits": [circuit("B", "D", 1, 100, min_availability=0.99999)],
            },
            "sites/*": {"unavailability": 1e-6},
        },
        relax=("R10", {"packets/*": {"min_availability": 0.99}}),
    )
    add(
        "tri_optical_protection",
        "tri",
        {
            "demands": packets("AB AC", 85, 10, protection="survivable"),
            "catalogue": {"ports": [{"rate_gbps": 100, "price": 40}]},
            "policy": {"max_ip_hops": 1},
        },
    )
    add(
        "tri_failure_confidence",
        "tri",
        {
            "demands": packets("AB BC AC", 38, 9, protection="survivable", service="bursty"),
            "traffic": {"samples_per_hour": 5},
            "policy": {"confidence": 0.6, "failure_confidence": 1.0},
        },
        relax=("R9", {"policy": {"failure_confidence": 0.6}}),
    )


def _percentiles(add: Any) -> None:
    bursty = {"traffic": {"samples_per_hour": 5}, "policy": {"confidence": 0.8}}
    load = {"demands": packets("AB BC AC", 62, 9, service="bursty")}
    add(
        "tri_percentile",
        "tri",
        load,
        bursty,
    )
    add("tri_median", "tri", load, bursty, {"policy": {"confidence": 0.5}})
    add(
        "tri_hours",
        "tri",
        load,
        {"traffic": {"hours": 3, "samples_per_hour": 4}, "policy": {"confidence": 0.75}},
    )
    add(
        "tri_day",
        "tri",
        load,
        {
            "traffic": {"hours": 3, "samples_per_hour": 4},
            "policy": {"confidence": 0.75, "percentile_over": "day"},
        },
    )
    add("ring4_percentile", "ring4", {"demands": packets("AC BD AB", 40, 11, service="bursty")}, bursty)
    add("kite_percentile", "kite", {"demands": packets("AC BD AB CD", 45, 8, service="bursty")}, bursty)
    add(
        "kite_percentile_survivable",
        "kite",
        {
            "demands": packets("AC BD", 45, 20, service="bursty", protection="survivable"),
            "policy": {"max_link_hops": 2},
        },
        bursty,
    )
    add(
        "ring4_profile",
        "ring4",
        {
            "demands": packets("AC BD AB", 40, 11, service="daily"),
            "traffic": {"hours": 24},
            "services": {"daily": {"profile": "diurnal", "noise_cv": 0.2}},
            "profiles": {"diurnal": [round(0.4 + 0.05 * min(h, 24 - h), 2) for h in range(24)]},
        },
    )
    add(
        "penta_bursts",
        "penta",
        {
            "demands": packets("AC BD CE", 35, 10, service="burst"),
            "services": {"burst": {"burst": {"per_hour": 2, "duration_s": 600, "mean": 0.8}}},
        },
        bursty,
    )
    add(
        "penta_surge",
        "penta",
        {
            "demands": packets("AC BD CE", 35, 10, service="surge"),
            "services": {
                "surge": {"surge": {"per_day": 12, "factor": 2.0, "duration_h": 1}, "noise_cv": 0.2}
            },
            "traffic": {"hours": 4, "samples_per_hour": 4},
            "policy": {"confidence": 0.75},
        },
    )


def _offers_and_builds(add: Any) -> None:
    wave = {
        "id": "wave",
        "a": "A",
        "b": "C",
        "length_km": 520,
        "max_units": 4,
        "setup": 5,
        "availability": 0.999,
        "units": [{"rate_gbps": 100, "price": 16}, {"rate_gbps": 400, "price": 45}],
    }
    add("tri_lease_wave", "tri", {"demands": packets("AC", 70), "wave_offers": [wave]})
    add("tri_lease_or_light", "tri", {"demands": packets("AC AB", 330, 20), "wave_offers": [wave]})
    add(
        "tri_max_units",
        "tri",
        {
            "demands": packets("AC", 390),
            "wave_offers": [wave | {"max_units": 1, "units": [{"rate_gbps": 100, "price": 6}]}],
            "policy": {"split_gbps": 100},
        },
        relax=("R4", {"wave_offers/wave": {"max_units": 4}}),
    )
    add(
        "tri_wave_circuit",
        "tri",
        {
            "demands": {
                "circuits": [circuit("A", "C", 2, 100, protection="disjoint"), circuit("A", "B", 1, 100)]
            },
            "wave_offers": [wave],
        },
    )
    add(
        "tri_wave_shares_duct",
        "tri",
        {
            "demands": {"circuits": [circuit("A", "C", 2, 100, protection="disjoint")]},
            "wave_offers": [wave | {"srlgs": ["AC"], "units": [{"rate_gbps": 100, "price": 6}]}],
        },
        relax=("R7", {"wave_offers/wave": {"srlgs": []}}),
    )
    add(
        "ring4_wave_protects",
        "ring4",
        {"demands": packets("AC AB", 60, protection="survivable"), "wave_offers": [wave]},
    )
    build = {"candidate": True, "build_cost": 25}
    add(
        "ring4_build",
        "kite",
        {"demands": packets("AC AB", 180, 20), "fibers/AC": build},
    )
    add(
        "kite_build_protection",
        "kite",
        {
            "demands": {"circuits": [circuit("A", "C", 4, 100, protection="disjoint")]},
            "fibers/AC": build,
            "fibers/CD": build,
        },
    )


def _transfers(add: Any) -> None:
    day = {"traffic": {"hours": 24}, "policy": {"max_link_hops": 2}}
    move = {"id": "move", "source": "A", "targets": ["B"], "volume_gb": 90000, "window": ["22:00", "02:00"]}
    add("tri_transfer", "tri", {"demands": {"transfers": [move], **packets("AB", 40)}}, day)
    add(
        "tri_transfer_window",
        "tri",
        {"demands": {"transfers": [move | {"window": ["22:00", "00:00"]}], **packets("AB", 40)}},
        day,
        relax=("R11", {"transfers/move": {"window": ["20:00", "04:00"]}}),
    )
    add(
        "tri_transfer_targets",
        "tri",
        {
            "demands": {"transfers": [move | {"targets": ["B", "C"]}], **packets("BC", 40)},
            "policy": {"max_ip_hops": 1},
        },
        day,
    )
    add(
        "tri_transfer_pull",
        "tri",
        {
            "demands": {"transfers": [move | {"direction": "pull", "targets": ["B", "C"]}]},
            "sites/C": {"utc_offset": 3},
            "policy": {"max_ip_hops": 2},
        },
        day,
    )
    add(
        "ring4_transfer_night",
        "ring4",
        {
            "demands": {
                "transfers": [move | {"targets": ["C"], "volume_gb": 150000, "window": ["00:00", "08:00"]}],
                **packets("AC AB", 45, service="daily"),
            },
            "services": {"daily": {"profile": "diurnal"}},
            "profiles": {"diurnal": [0.3 if 5 <= h < 13 else 1.2 for h in range(24)]},
        },
        day,
    )
    add(
        "tri_transfer_protected",
        "tri",
        {
            "demands": {
                "transfers": [move | {"protection": "survivable"}],
                **packets("AB BC", 20, protection="survivable"),
            }
        },
        day,
    )


def _larger(add: Any) -> None:
    light = {"policy": {"max_ip_hops": 2, "max_link_hops": 2}}
    reach = {"catalogue": {"modes": {"400G": {"reach_km": 1500}}}}
    add("hexa_mesh", "hexa", {"demands": packets("AC BD CE DF AE BF", 18)}, light)
    add(
        "hexa_survivable",
        "hexa",
        {"demands": packets("AD BE", 40, protection="survivable")},
        {"policy": {"max_ip_hops": 2, "max_link_hops": 2}},
    )
    add(
        "hexa_circuits",
        "hexa",
        reach,
        {
            "demands": {
                "circuits": [
                    circuit("A", "D", 2, 400, protection="disjoint"),
                    circuit("B", "F", 3, 100),
                    circuit("C", "E", 1, 400, protection="survivable"),
                ]
            },
            "policy": {"max_link_hops": 4},
        },
    )
    add("hepta_mesh", "hepta", {"demands": packets("AD BE CF DG", 26)}, light)
    add(
        "hepta_full",
        "hepta",
        reach,
        {
            "demands": {
                **packets("AC BE DF", 30, service="bursty"),
                "circuits": [circuit("A", "E", 2, 400, protection="disjoint")],
            },
            "traffic": {"samples_per_hour": 4},
            "policy": {"confidence": 0.75, "max_link_hops": 3, "max_ip_hops": 1},
        },
    )
    add(
        "octa_circuits",
        "octa",
        reach,
        {
            "demands": {
                "circuits": [
                    circuit("A", "D", 2, 400),
                    circuit("B", "F", 3, 100, protection="disjoint"),
                    circuit("C", "H", 1, 400, protection="disjoint"),
                    circuit("E", "G", 4, 100),
                ]
            },
            "spectrum": {"slots": 12},
            "policy": {"max_link_hops": 5},
        },
    )
    add(
        "octa_mesh",
        "octa",
        {"demands": packets("AC BD EG FH", 40, 15), "policy": {"max_link_hops": 2, "max_ip_hops": 2}},
    )
    add(
        "nona_mixed",
        "nona",
        {
            "demands": {
                **packets("AC DG BH EI", 35, 20, service="bursty"),
                "circuits": [circuit("A", "F", 2, 400, protection="disjoint"), circuit("C", "I", 1, 100)],
            },
            "traffic": {"samples_per_hour": 4},
            "sites/*": {"regen": True, "regen_open_cost": 6},
            "policy": {"confidence": 0.75, "max_link_hops": 4, "max_ip_hops": 1},
        },
    )
    add(
        "hexa_groom_survivable",
        "hexa",
        {"demands": packets("AC BD DF", 30, 6, protection="survivable")},
        {"policy": {"max_ip_hops": 2, "max_link_hops": 2}},
    )
    add(
        "nona_disjoint",
        "nona",
        {"demands": packets("AD BF CI", 45, 12, protection="disjoint")},
        {"policy": {"max_ip_hops": 2, "max_link_hops": 3}},
        {"spectrum": {"continuity": "none"}},
    )
    add(
        "nona_hub",
        "nona",
        {"demands": packets("AE BE HE IE CE", 25, 12), "policy": {"max_link_hops": 2, "max_ip_hops": 2}},
    )


def main() -> None:
    """Write every scenario."""
    for name, document in library().items():
        text = yaml.safe_dump({"name": name, **document}, sort_keys=False, default_flow_style=None, width=110)
        (HERE / f"{name}.yaml").write_text(
            f"# Written by generate.py: change it there.\n{text}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
