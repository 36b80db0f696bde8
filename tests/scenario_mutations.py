"""Random damage to scenario documents, most of it still valid: absurd numbers, missing and repeated parts."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.scenario.helpers import SMALL

Document = dict[str, Any]

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
TINY = ("tiny_triangle", "tiny_training", "tiny_lease_or_light")

EVERYTHING: Document = {
    "version": 1,
    "name": "everything",
    "horizon_years": 5,
    "catalogue": {
        "modes": {
            "100G": {"rate_gbps": 100, "reach_km": 3000, "slots": 4, "price": {"capex": 5, "power_w": 160}},
            "400G": {"rate_gbps": 400, "reach_km": 900, "slots": 6, "price": 11, "regenerator": 20},
            "800G": {"rate_gbps": 800, "reach_km": 450, "slots": 10, "price": 18},
        },
        "ports": [
            {"rate_gbps": 100, "price": 2},
            {"rate_gbps": 400, "price": 5},
            {"rate_gbps": 800, "price": 9},
        ],
        "chassis": [{"capacity_gbps": 1600, "price": 7}, {"capacity_gbps": 6400, "price": 18}],
        "pair_terminal": 4,
        "inline_amplifier": {"capex": 0.6, "opex": 0.01, "power_w": 27},
        "power_cost_per_w_year": 0.001,
        "lease_per_pair_km": {"opex": 0.002},
    },
    "site_defaults": {"regen": True, "regen_open_cost": 3},
    "fiber_defaults": {"max_pairs": 3, "cuts_per_1000km_year": 1.5, "mttr_hours": 10},
    "sites": [
        {"id": "A", "lat": 40, "lon": -74, "population": 8, "data_centres": 1},
        {"id": "B", "lat": 42, "lon": -71, "population": 3, "unavailability": 1e-5},
        {"id": "C", "lat": 41, "lon": -81, "population": 2, "data_centres": 3},
        {"id": "D", "lat": 39, "lon": -77, "utc_offset": 5.5, "population": 5},
        {"id": "R", "lat": 40, "lon": -78, "router": False, "add_drop": False},
    ],
    "fibers": [
        {"id": "AB", "a": "A", "b": "B", "length_km": 350, "srlgs": ["duct"]},
        {"id": "BC", "a": "B", "b": "C", "length_km": 800, "lit_pairs": 1},
        {"id": "CD", "a": "C", "b": "D", "length_km": 400},
        {"id": "DA", "a": "D", "b": "A", "length_km": 330, "srlgs": ["duct"]},
        {"id": "AR", "a": "A", "b": "R", "length_km": 380},
        {"id": "RC", "a": "R", "b": "C", "length_km": 300},
        {"id": "BD", "a": "B", "b": "D", "length_km": 600, "candidate": True, "build_cost": 200},
    ],
    "srlgs": {"duct": 1e-5},
    "wave_offers": [
        {"id": "wave", "a": "A", "b": "C", "length_km": 700, "max_units": 4, "setup": 3, "srlgs": ["RC"],
         "availability": 0.999, "units": [{"rate_gbps": 100, "price": 20}, {"rate_gbps": 400, "price": 50}]},
    ],
    "spectrum": {"slots": 64, "slot_ghz": 12.5, "continuity": "required"},
    "latency": {"router_hop_ms": 0.05, "lightpath_end_ms": 0.02, "regenerator_ms": 0.03},
    "traffic": {"hours": 24, "samples_per_hour": 4, "seed": 3},
    "services": {
        "chat": {"profile": "inference", "noise_cv": 0.3, "max_latency_ms": 30, "protection": "survivable"},
        "agents": {
            "burst": {"per_hour": 2, "duration_s": 900, "mean": 0.5},
            "surge": {"per_day": 1, "factor": 2, "duration_h": 1},
            "min_availability": 0.999,
        },
    },
    "policy": {"confidence": 0.95, "failure_confidence": 0.9, "max_utilisation": 0.9, "split_gbps": 100},
    "demands": {
        "circuits": [
            {"id": "c1", "a": "A", "b": "C", "waves": 2, "wave_gbps": 400, "protection": "disjoint"},
            {"id": "c2", "a": "B", "b": "D", "waves": 1, "wave_gbps": 100, "max_latency_ms": 20},
        ],
        "packets": [
            {"id": "p1", "a": "A", "b": "B", "mean_gbps": 80, "service": "chat"},
            {"id": "p2", "a": "B", "b": "C", "mean_ab_gbps": 150, "mean_ba_gbps": 30,
             "protection": "disjoint", "node_disjoint": True, "backup_max_latency_ms": 40},
            {"id": "p3", "a": "C", "b": "D", "mean_gbps": 20, "service": "agents", "user_side": "b"},
        ],
        "transfers": [
            {"id": "t", "source": "A", "targets": ["C", "D"], "volume_gb": 20000,
             "window": ["22:00", "06:00"]},
        ],
    },
    "gravity": [{"id": "g", "service": "chat", "total_gbps": 60, "weight_a": "population", "count": 4}],
}  # fmt: skip

FRACTIONS = (0, 1e-12, 1e-3, 0.5, 0.95, 0.9999999, 1)
MONEY = (0, 1e-9, 0.1, 1, 1e6, 1e12)
RATES = (1e-3, 0.04, 0.1, 1.7, 33.3, 100, 1600, 1e6)
PROTECTIONS = ("none", "survivable", "disjoint")
WINDOWS = (["00:00", "24:00"], ["22:00", "23:00"], ["05:00", "05:00"], ["00:30", "01:00"], [3, 23])

# values that are absurd, yet often valid, for the keys of that name
ABSURD: dict[str, tuple[Any, ...]] = {
    "a": ("A", "B", "R", "nowhere", "NewYork", "London"),
    "add_drop": (False, True),
    "availability": FRACTIONS,
    "backup_max_latency_ms": (1e-6, 1, 3, 5, 1e5, None),
    "build_cost": MONEY,
    "burst": ({"per_hour": 100, "duration_s": 1, "mean": 1e6, "law": "pareto", "shape": 1.001}, None),
    "candidate": (False, True),
    "capacity_gbps": (1e-3, 1, 1e9),
    "capex": MONEY,
    "chassis": ([], [{"capacity_gbps": 1e-3, "price": 1}]),
    "circuits": ([],),
    "confidence": (1e-9, 0.01, 0.5, 1),
    "continuity": ("none", "required"),
    "count": (1, 2, 1000000),
    "cuts_per_1000km_year": (0, 1e-9, 1e4),
    "direction": ("pull", "push"),
    "failures": ({"srlgs": False}, {"sites": True}, {"srlgs": False, "sites": True}),
    "failure_confidence": (1e-9, 0.5, 1, None),
    "fibers": ([],),
    "gravity": ([],),
    "horizon_years": (0, 1e-9, 100),
    "hours": (1, 2, 23, 24, 25, 48, 168),
    "inline_amplifier": MONEY,
    "lat": (-90, 0, 90),
    "lease_per_pair_km": MONEY,
    "length_km": (1e-6, 0.1, 79.999999, 80, 500, 3000, 3001, 2e4, 1e5),
    "lightpath_end_ms": (0, 1e-9, 1e4),
    "lit_pairs": (0, 1, 2, 100),
    "lon": (-180, 0, 180),
    "max_ip_hops": (1, 2, 1000),
    "max_latency_ms": (1e-6, 1, 3, 5, 1e5, None),
    "max_link_hops": (1, 2, 1000),
    "max_pairs": (0, 1, 2, 100),
    "max_units": (1, 2, 50, 100000),
    "max_utilisation": (1e-9, 0.01, 0.1, 1),
    "mean_ab_gbps": (0, 1e-9, 1e-3, 1, 1e3, 3e4, 1e6),
    "mean_gbps": (0, 1e-9, 1e-3, 1, 1e3, 3e4, 1e6, 1e15),
    "min_availability": FRACTIONS,
    "modes": ({}, {"only": {"rate_gbps": 0.04, "reach_km": 1e5, "slots": 1, "price": 0}}),
    "mttr_hours": (0, 1e-9, 8760),
    "node_disjoint": (False, True),
    "noise_cv": (0, 1e-9, 1, 10),
    "opex": MONEY,
    "packets": ([],),
    "pair_terminal": MONEY,
    "per_hour": (0, 1e-9, 1, 1000),
    "percentile_over": ("hour", "day"),
    "ports": ([], [{"rate_gbps": 1e6, "price": 0}], [{"rate_gbps": 1e-3, "price": 1}]),
    "power_cost_per_w_year": (0, 1e-9, 1e6),
    "power_w": (0, 1e-9, 1e9),
    "price": MONEY,
    "profile": ([0] * 24, [1] + [0] * 23, "flat", "inference", [1e3] * 24),
    "protection": PROTECTIONS,
    "rate_gbps": RATES,
    "reach_km": (1e-3, 0.1, 349.9, 500, 1e5),
    "regen": (False, True),
    "regen_open_cost": MONEY,
    "regenerator": MONEY,
    "regenerator_ms": (0, 1e-9, 1e4),
    "router": (False, True),
    "router_hop_ms": (0, 1e-9, 1, 1e4),
    "samples_per_hour": (1, 2, 7, 60),
    "seed": (0, 1, 2**63 - 1),
    "setup": MONEY,
    "sites": ([],),
    "slot_ghz": (1e-9, 1, 1e4),
    "slots": (1, 2, 5, 6, 63, 64, 65, 10000),
    "span_km": (1, 80, 1e5),
    "split_gbps": (1, 7.3, 1e6),
    "srlgs": ([], ["duct"], ["everywhere"], {"duct": 0.999}),
    "targets": (["C"], ["A", "D"], ["B", "B"], []),
    "total_gbps": (1e-9, 1, 1e4, 1e9),
    "transfers": ([],),
    "unavailability": (0, 1e-12, 0.5, 0.999999),
    "us_per_km": (3.3356, 1000),
    "utc_offset": (-12, 5.75, 14),
    "volume_gb": (1e-9, 1, 1e6, 1e12),
    "waves": (1, 2, 33, 1000),
    "wave_gbps": RATES,
    "wave_offers": ([],),
    "window": WINDOWS,
}  # fmt: skip
_PROMISE = ("max_latency_ms", "backup_max_latency_ms", "min_availability", "protection", "node_disjoint")
# keys that may be missing, by where they belong
OPTIONAL: dict[str, tuple[str, ...]] = {
    "": ("horizon_years", "gravity", "wave_offers"),
    "policy": ("confidence", "failure_confidence", "percentile_over", "max_utilisation", "max_ip_hops",
               "max_link_hops", "split_gbps", "failures"),
    "spectrum": ("slots", "continuity"),
    "latency": ("us_per_km", "router_hop_ms", "lightpath_end_ms", "regenerator_ms"),
    "traffic": ("hours", "samples_per_hour"),
    "sites": ("router", "add_drop", "regen", "regen_open_cost", "unavailability", "utc_offset"),
    "fibers": ("srlgs", "lit_pairs", "max_pairs", "candidate", "build_cost", "lease_per_pair_km"),
    "packets": _PROMISE,
    "circuits": _PROMISE,
    "transfers": (*_PROMISE, "direction"),
    "catalogue": ("chassis", "inline_amplifier", "span_km", "lease_per_pair_km", "pair_terminal"),
}  # fmt: skip
# values of the wrong kind, or beyond every bound
WRONG: tuple[Any, ...] = (
    None, True, "", " ", "0", "é\u202e\U0001f4a5", "\x00", "#", -1, -0.0, 1e308, -1e308, 5e-324, 10**30,
    float("inf"), float("nan"), [], {}, [[]], {"a": 1}, [None], "nan", "2024-01-01", "~", "x" * 200,
)  # fmt: skip


def base_documents() -> list[Document]:
    """Documents to start from: the tiny configurations, a small one, and one with every feature."""
    tiny = [yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")) for name in TINY]
    return [*tiny, SMALL, EVERYTHING, EVERYTHING]


def mutated(seed: int) -> Document:
    """A document with one to six random changes; the same seed gives the same document."""
    rng = Random(seed)
    document: Document = copy.deepcopy(rng.choice(base_documents()))
    for _ in range(rng.randint(1, 6)):
        kind = rng.random()
        if kind < 0.55:
            _make_absurd(document, rng)
        elif kind < 0.8:
            _insert(document, rng)
        elif kind < 0.92:
            _rearrange(document, rng)
        else:
            _make_wrong(document, rng)
    return document


Place = tuple[Any, Any]  # container and key


def _places(node: Any) -> list[Place]:
    keys: list[Any] = []
    if isinstance(node, dict):
        keys = list(node)
    elif isinstance(node, list):
        keys = list(range(len(node)))
    found = [(node, key) for key in keys]
    for key in keys:
        found += _places(node[key])
    return found


def _make_absurd(document: Document, rng: Random) -> None:
    places = [(node, key) for node, key in _places(document) if key in ABSURD]
    if places:
        key = rng.choice(sorted({key for _, key in places}))
        chosen = [place for place in places if place[1] == key]
        value = rng.choice(ABSURD[key])
        everywhere = rng.random() < 0.5
        for node, _ in chosen if everywhere else [rng.choice(chosen)]:
            node[key] = copy.deepcopy(value)


def _insert(document: Document, rng: Random) -> None:
    """Set an optional key of one item, or of all items of a kind."""
    home = rng.choice(sorted(OPTIONAL))
    key = rng.choice(OPTIONAL[home])
    if home in ("", "policy", "spectrum", "latency", "traffic"):
        owner = document if home == "" else document.setdefault(home, {})
        items = [owner]
    else:
        parent = document.get("demands") if home in ("packets", "circuits", "transfers") else document
        found = parent.get(home) if isinstance(parent, dict) else None
        items = found if isinstance(found, list) else [found]
        items = items if rng.random() < 0.5 or not items else [rng.choice(items)]
    value = rng.choice(ABSURD[key])
    for item in items:
        if isinstance(item, dict):
            item[key] = copy.deepcopy(value)


def _rearrange(document: Document, rng: Random) -> None:
    places = _places(document)
    if not places:
        return
    node, key = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        del node[key]
    elif kind == 1 and isinstance(node, list):
        node.append(copy.deepcopy(node[key]))
    elif kind == 2 and isinstance(node, list):
        del node[1:]
    else:
        other, at = rng.choice(places)
        node[key], other[at] = copy.deepcopy(other[at]), copy.deepcopy(node[key])


def _make_wrong(document: Document, rng: Random) -> None:
    places = _places(document)
    if places:
        node, key = rng.choice(places)
        node[key] = copy.deepcopy(rng.choice(WRONG))
