from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netopt_heur.errors import InputError
from netopt_heur.scenario import Scenario, json_schema, load_scenario
from netopt_heur.scenario.scenario import Price, Promise
from tests.scenario.helpers import SMALL, load, only, problems, small, write

# --- what a good file becomes ---


def test_defaults_are_resolved(tmp_path: Path) -> None:
    scenario = load(tmp_path, small())
    assert [site.id for site in scenario.sites] == ["DK", "NO", "SE"]
    assert [site.utc_offset for site in scenario.sites] == [1.0, 1.0, 1.0]
    assert scenario.sites[2].attributes == {"data_centres": 4.0, "population": 10.0}
    assert [fiber.id for fiber in scenario.fibers] == ["NO--DK", "NO--SE", "SE--DK"]
    assert scenario.fibers[0].lease_per_pair_km == Price(opex=0.01)
    assert [mode.regenerator for mode in scenario.catalogue.modes] == [Price(10.0), Price(24.0, 0.0, 60.0)]
    assert [port.rate_gbps for port in scenario.catalogue.ports] == [100.0, 400.0]
    assert scenario.group_unavailability == {"NO--DK": 0.0, "NO--SE": 0.0, "SE--DK": 0.0, "duct": 0.001}
    assert scenario.policy.failure_confidence == scenario.policy.confidence == 0.95
    (packet,) = scenario.packets
    assert (packet.id, packet.mean_ab_gbps, packet.mean_ba_gbps) == ("NO-SE", 12.0, 12.0)
    assert packet.promise == Promise(max_latency_ms=20.0, protection="survivable")
    (transfer,) = scenario.transfers
    assert (transfer.window_start, transfer.window_end, transfer.targets) == (22.0, 6.0, ("NO", "DK"))
    assert scenario.horizon_years == 5.0
    assert scenario.samples.shape == (1, 2, 240)


def test_a_demand_overrides_its_service(tmp_path: Path) -> None:
    data = small()
    data["demands"]["packets"] = [
        {
            "id": "p",
            "a": "NO",
            "b": "SE",
            "mean_ab_gbps": 1,
            "service": "chat",
            "max_latency_ms": None,
            "user_side": "b",
        }
    ]
    (packet,) = load(tmp_path, data).packets
    assert packet.promise == Promise(max_latency_ms=None, protection="survivable")
    assert (packet.mean_ba_gbps, packet.user_side) == (0.0, "b")


def test_default_ids_avoid_written_ones(tmp_path: Path) -> None:
    data = small()
    packet = {"a": "NO", "b": "SE", "mean_gbps": 1}
    data["demands"]["packets"] = [packet, packet, {**packet, "id": "NO-SE.2"}, packet]
    data["fibers"] += [{"a": "NO", "b": "SE"}, {"id": "NO--SE.2", "a": "NO", "b": "SE"}]
    scenario = load(tmp_path, data)
    assert [item.id for item in scenario.packets] == ["NO-SE", "NO-SE.2", "NO-SE.3", "NO-SE.4"]
    assert [item.id for item in scenario.fibers] == ["NO--DK", "NO--SE", "NO--SE.2", "NO--SE.3", "SE--DK"]


def test_fiber_length_and_unavailability(tmp_path: Path) -> None:
    data = small()
    data["fiber_defaults"] = {"cuts_per_1000km_year": 2, "mttr_hours": 12, "max_pairs": 9}
    data["fibers"] += [{"id": "gc", "a": "NO", "b": "SE"}]
    data["wave_offers"] = [
        {"id": "w", "a": "NO", "b": "SE", "units": [{"rate_gbps": 100, "price": 3}], "max_units": 2,
         "length_km": 500, "availability": 0.99, "srlgs": ["gc", "w"]}
    ]  # fmt: skip
    scenario = load(tmp_path, data)
    fibers = {fiber.id: fiber for fiber in scenario.fibers}
    # Spherical law of cosines, as an independent form of the great circle.
    lat_a, lat_b, dlon = math.radians(60), math.radians(59), math.radians(8)
    angle = math.acos(math.sin(lat_a) * math.sin(lat_b) + math.cos(lat_a) * math.cos(lat_b) * math.cos(dlon))
    assert fibers["gc"].length_km == pytest.approx(1.2 * 6371.0088 * angle, rel=1e-9)
    assert fibers["gc"].max_pairs == 9
    assert scenario.group_unavailability["NO--SE"] == pytest.approx(2 * 0.56 * 12 / 8760)
    assert scenario.group_unavailability["w"] == pytest.approx(0.01)
    assert scenario.wave_offers[0].srlgs == ("gc",)


def test_yaml_1_1_traps(tmp_path: Path) -> None:
    text = """
version: 1
name: traps
catalogue:
  modes: {on: {rate_gbps: 1e2, reach_km: 1e3, slots: 4, price: 1}}
  ports: [{rate_gbps: 100, price: 1}]
sites:
  - {id: NO, lat: 60, lon: 10}
  - {id: off, lat: 59, lon: 18}
  - {id: 007, lat: 58, lon: 15}
  - {id: 12, lat: 58, lon: 16}
fibers:
  - {a: NO, b: off}
  - {a: off, b: 007}
  - {a: 007, b: 12}
demands:
  transfers: [{id: y, source: NO, targets: [off, 007, 12], volume_gb: 10, window: [20:00, 06:30]}]
"""
    scenario = load(tmp_path, text)
    assert [site.id for site in scenario.sites] == ["007", "12", "NO", "off"]
    assert scenario.catalogue.modes[0].id == "on"
    assert scenario.transfers[0].window_start == 20.0
    assert scenario.transfers[0].window_end == 6.5


def test_digest_depends_on_the_problem_not_on_its_order(tmp_path: Path) -> None:
    first = load(tmp_path, small())
    data = small()
    data["sites"].reverse()
    data["demands"]["packets"][0]["id"] = "NO-SE"
    data["description"] = "the same"
    again = load(tmp_path, data)
    assert first.digest == again.digest
    assert len(first.digest) == 64
    data["fibers"][0]["length_km"] = 561
    assert load(tmp_path, data).digest != first.digest


def test_failures(tmp_path: Path) -> None:
    data = small()
    data["policy"] = {"failures": {"sites": True, "pairs": [["duct", "NO--SE"], ["NO--SE", "duct"]]}}
    failures = load(tmp_path, data).policy.failures
    assert failures.sites == ("DK", "NO", "SE")
    assert failures.pairs == (("NO--SE", "duct"),)
    data["policy"]["failures"]["sites"] = ["SE"]
    assert load(tmp_path, data).policy.failures.sites == ("SE",)


def test_catalogue_in_a_file(tmp_path: Path) -> None:
    data = small()
    inline = load(tmp_path, data)
    write(tmp_path, {**data["catalogue"], "source": "somewhere"}, "cat.yaml")
    data["catalogue"] = "cat.yaml"
    assert load(tmp_path, data).digest == inline.digest
    (tmp_path / "cat.yaml").write_text("modes: {}\nportz: []\nspan_km: -1\n")
    data["horizon_years"] = -1
    lines = problems(tmp_path, data)
    assert lines[0].startswith("s.yaml:9:16: horizon_years: must be at least 0")
    assert lines[1:] == [
        "cat.yaml:2:1: portz: unknown key; did you mean 'ports'?",
        "cat.yaml:3:10: span_km: must be at least 1 (got -1)",
    ]
    data["catalogue"] = "none.yaml"
    assert "catalogue: none.yaml: no such file" in problems(tmp_path, data)[0]


# --- what a wrong file says ---


def test_everything_wrong_with_the_shape_at_once(tmp_path: Path) -> None:
    text = """version: 1
name: wrong
nmae: twice
catalogue:
  modes:
    100G: {rate_gbps: "100", reach_km: .nan, slots: 1.5, price: {capx: 1}}
    100G: {}
  span_km: .inf
sites:
  - {id: A, lat: 95, lon: -200}
  - {id: true, lat: 1, lon: 1, router: yes}
fibers:
  - {a: A, b: B, lenght_km: 3, length_km: 017}
srlgs: {x: -0.1}
policy: {confidence: 95, percentile_over: hours}
demands:
  packets: [{a: A, b: B}, {a: A, mean_gbps: -5, max_latency_ms: 0}]
  transfers: [{id: t, source: A, targets: [], volume_gb: 1, window: [25:00, 06:00]}]
services: {s: {profile: [1, 2]}}
"""
    lines = problems(tmp_path, text)
    assert lines == [
        "s.yaml:3:1: nmae: unknown key; did you mean 'name'?",
        "s.yaml:6:23: catalogue.modes.100G.rate_gbps: must be a number; remove the quotes (got '100')",
        "s.yaml:6:40: catalogue.modes.100G.reach_km: must be a finite number (got nan)",
        "s.yaml:6:53: catalogue.modes.100G.slots: must be a whole number (got 1.5)",
        "s.yaml:6:66: catalogue.modes.100G.price.capx: unknown key; did you mean 'capex'?",
        "s.yaml:7:5: catalogue.modes.100G: duplicate key; it already stands in line 6; keep one of the two",
        "s.yaml:8:12: catalogue.span_km: must be a finite number (got inf)",
        "s.yaml:10:18: sites.0.lat: must be at most 90 (got 95)",
        "s.yaml:10:27: sites.0.lon: must be at least -180 (got -200)",
        "s.yaml:11:10: sites.1.id: must be text; put it in quotes (got true)",
        "s.yaml:11:40: sites.1.router: must be true or false (got 'yes')",
        "s.yaml:13:18: fibers.0.lenght_km: unknown key; did you mean 'length_km'?",
        "s.yaml:13:43: fibers.0.length_km: must be a number; write it without leading zeros (got '017')",
        "s.yaml:14:12: srlgs.x: must be at least 0 (got -0.1)",
        "s.yaml:15:22: policy.confidence: must be at most 1 (got 95)",
        "s.yaml:15:43: policy.percentile_over: must be 'hour' or 'day'; did you mean 'hour'? (got 'hours')",
        "s.yaml:17:13: demands.packets.0: needs either mean_gbps or mean_ab_gbps (and mean_ba_gbps)",
        "s.yaml:17:27: demands.packets.1.b: required key is missing",
        "s.yaml:17:45: demands.packets.1.mean_gbps: must be at least 0 (got -5)",
        "s.yaml:17:65: demands.packets.1.max_latency_ms: must be more than 0 (got 0)",
        "s.yaml:18:43: demands.transfers.0.targets: must have at least 1 entries, has 0 (got an empty list)",
        's.yaml:18:70: demands.transfers.0.window.0: must be a time of day, "00:00" to "24:00"'
        " (got '25:00')",
        "s.yaml:19:25: services.s.profile: must have at least 24 entries, has 2 (got a list)",
    ]


def test_everything_wrong_with_the_references_at_once(tmp_path: Path) -> None:
    data = small()
    data["sites"] += [{"id": "SE", "lat": 1, "lon": 1}, {"id": "X", "lat": 50, "lon": 5, "router": False}]
    data["fibers"] += [
        {"a": "NO", "b": "S", "length_km": 10},
        {"id": "f1", "a": "NO", "b": "NO", "length_km": 10},
        {"id": "f2", "a": "NO", "b": "X", "length_km": 9, "lit_pairs": 5, "max_pairs": 2},
        {"id": "f3", "a": "NO", "b": "X", "length_km": 9, "lit_pairs": 1, "candidate": True},
        {"id": "f4", "a": "NO", "b": "X", "length_km": 9, "build_cost": 1},
        {"id": "f4", "a": "NO", "b": "X", "length_km": 9},
    ]
    data["srlgs"] = {"duct": 0.1, "duckt": 0.1, "f2": 0.1}
    data["wave_offers"] = [
        {
            "id": "f2",
            "a": "NO",
            "b": "Q",
            "units": [{"rate_gbps": 100, "price": 1}],
            "max_units": 1,
            "latency_ms": 1,
        }
    ]
    data["services"]["mail"] = {"profile": "busines"}
    data["policy"] = {"failures": {"sites": ["SEE"], "pairs": [["duct", "ductt"], ["duct", "duct"]]}}
    data["demands"]["circuits"] += [{"id": "NO-SE", "a": "NO", "b": "Z", "wave_gbps": 100}]
    data["demands"]["packets"] += [
        {"id": "train", "a": "NO", "b": "SE", "mean_gbps": 1},
        {"a": "NO", "b": "X", "mean_gbps": 1},
        {"a": "NO", "b": "NO", "mean_gbps": 1, "service": "chatt"},
        {"a": "NO", "b": "SE", "mean_gbps": 1, "service": "chatt"},
    ]
    data["demands"]["transfers"] += [
        {
            "id": "t",
            "source": "SE",
            "targets": ["SE", "NO", "NO"],
            "volume_gb": 1,
            "window": ["22:30", "23:15"],
        },
    ]
    data["training_jobs"] = [{"id": "j", "sites": ["NO", "SEA"], "wave_gbps": 100}]
    data["gravity"] = [{"id": "j", "total_gbps": 1, "weight_a": "populatio", "to": ["X"]}]
    found = [line.split(": ", 1)[1] for line in problems(tmp_path, data)]
    expected = [
        "sites.3.id: duplicate site id; it is already taken in line 4 (sites.1) (got 'SE')",
        "fibers.3.b: unknown site; did you mean 'SE'? (got 'S')",
        "fibers.4.b: must differ from a: a link joins two sites (got 'NO')",
        "fibers.5.max_pairs: lit_pairs (5) exceeds max_pairs (2); raise max_pairs (got 2)",
        "fibers.6.lit_pairs: a candidate fiber is not built yet, so no pair can be lit (got 1)",
        "fibers.7.build_cost: only a candidate fiber has one; add 'candidate: true' or remove it (got 1)",
        "fibers.8.id: duplicate fiber id; it is already taken in line 5 (fibers.7) (got 'f4')",
        "srlgs.duckt: no fiber or wave offer is in group 'duckt'; did you mean 'duct'?",
        "srlgs.f2: duplicate group (fibers and wave offers are groups too); it is already taken in"
        " line 5 (fibers.5)"
        " (got 0.1)",
        "wave_offers.0.id: duplicate group (fibers and wave offers are groups too); it is already"
        " taken in line 5"
        " (fibers.5) (got 'f2')",
        "wave_offers.0.b: unknown site; known: DK, NO, SE, X (got 'Q')",
        "services.mail.profile: unknown profile; did you mean 'business'? (got 'busines')",
        "policy.failures.sites.0: unknown site; did you mean 'SE'? (got 'SEE')",
        "policy.failures.pairs.0.1: unknown group; did you mean 'duct'? (got 'ductt')",
        "policy.failures.pairs.1.1: a pair names two different groups (got 'duct')",
        "demands.circuits.1.b: unknown site; known: DK, NO, SE, X (got 'Z')",
        "demands.packets.1.id: duplicate demand id; it is already taken in line 8"
        " (demands.circuits.0) (got 'train')",
        "demands.packets.2.b: has no router, so no packets end there; set 'router: true' at the"
        " site (got 'X')",
        "demands.packets.3.b: must differ from a: a demand joins two sites (got 'NO')",
        "demands.packets.4.service: unknown service; did you mean 'chat'? (got 'chatt')",
        "demands.transfers.1.targets.0: is the source itself; remove it (got 'SE')",
        "demands.transfers.1.window: holds no whole UTC hour at NO (offset +1 h); widen it",
        "demands.transfers.1.targets.2: duplicate target; remove it (got 'NO')",
        "training_jobs.0.sites.1: unknown site; did you mean 'SE'? (got 'SEA')",
        "gravity.0.id: duplicate generator id; it is already taken in line 11 (training_jobs.0) (got 'j')",
        "gravity.0.to.0: has no router, so no packets end there; set 'router: true' at the site (got 'X')",
        "gravity.0.weight_a: no site has this attribute; did you mean 'population'? (got 'populatio')",
    ]
    assert sorted(found) == sorted(expected)


def set_in(data: Any, path: tuple[str | int, ...], value: object) -> Any:
    """Data with one value replaced, appended (index -1) or removed (value ``...``)."""
    node = data
    for part in path[:-1]:
        node = node[part]
    if value is ...:
        del node[path[-1]]
    elif path[-1] == -1:
        node.append(value)
    else:
        node[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("version",), 2, "version: this release reads version 1 only (got 2)"),
        (("version",), ..., "version: required key is missing"),
        (("name",), "", "name: must have at least 1 characters (got '')"),
        (("sites", 0, "id"), "a#b", "sites.0.id: may not hold '#'"),
        (("sites", 0, "id"), " a", "sites.0.id: may not hold control characters or blanks"),
        (("sites", 0, "id"), 1.5, "sites.0.id: must be text; put it in quotes (got 1.5)"),
        (("sites", 0, "utc_offset"), 5.1, "must be a multiple of a quarter of an hour (got 5.1)"),
        (("fibers", 0), "NO-SE", "fibers.0: must be a mapping (got 'NO-SE')"),
        (("fibers",), {}, "fibers: must be a list (got an empty mapping)"),
        (("catalogue",), 5, "catalogue: must be text (got 5)"),
        (
            ("catalogue", "modes", "100G", "price"),
            "5",
            "price: must be a number; remove the quotes (got '5')",
        ),
        (("catalogue", "ports", 0, "price"), -1, "catalogue.ports.0.price: must be at least 0 (got -1)"),
        (("latency",), {"us_per_km": 3}, "latency.us_per_km: must be at least 3.3356 (got 3)"),
        (
            ("traffic",),
            {"hours": 36},
            "demands.transfers.0: transfers are daily: traffic.hours must be a multiple of 24",
        ),
        (("traffic",), {"hours": 10**30}, "traffic.hours: must be a whole number"),
        (
            ("topology",),
            {"gnpy": "a", "topolib": "b"},
            "topology: needs exactly one of gnpy, topohub and topolib",
        ),
        (
            ("demands", "transfers", 0, "window"),
            ["06:00", "06:00"],
            "window: starts and ends at the same time",
        ),
        (("demands", "transfers", 0, "window"), ["06:00"], "window: must have at least 2 entries, has 1"),
        (("demands",), {}, "demands: a scenario needs demands"),
        (("demands", "packets", 0, "mean_gbps"), 1e300, "mean_gbps: must be at most 1e+06 (got 1e+300)"),
        (("policy",), {"split_gbps": 0.001, "max_utilisation": 1}, None),
        (("policy",), {"max_utilisation": 0}, "policy.max_utilisation: must be more than 0 (got 0)"),
        (
            ("wave_offers",),
            [{"id": "w", "a": "NO", "b": "SE", "units": [], "max_units": 1}],
            "units: must have at least 1",
        ),
        (("demand_files",), ["none.csv"], "demand_files.0: none.csv: no such file"),
    ],
)
def test_one_thing_wrong(
    tmp_path: Path, path: tuple[str | int, ...], value: object, message: str | None
) -> None:
    data = set_in(small(), path, value)
    if message is None:
        load(tmp_path, data)
    else:
        line = only(tmp_path, data)
        assert message in line
        assert line.startswith("s.yaml:")


@pytest.mark.parametrize("raw", ["hello", "- 1\n- 2\n", "5", "null"])
def test_a_document_that_is_no_mapping(tmp_path: Path, raw: str) -> None:
    assert "must be a mapping of keys" in only(tmp_path, raw)


def test_long_values_are_cut(tmp_path: Path) -> None:
    line = only(tmp_path, set_in(small(), ("demands", "packets", 0, "a"), "x" * 100))
    assert len(line) < 250


def test_at_most_a_thousand_problems_are_listed(tmp_path: Path) -> None:
    data = small()
    data["demands"]["packets"] = [{"a": "NO", "b": "Q", "mean_gbps": -1}] * 3000
    lines = problems(tmp_path, data)
    assert len(lines) == 1001
    assert lines[-1] == "s.yaml: and 2000 more problems, not listed"


# --- measured series ---


def series_scenario(folder: Path, text: str, **keys: object) -> dict[str, Any]:
    data = small()
    data["traffic"] = {"hours": 24, "samples_per_hour": 1}
    (folder / "load.csv").write_text(text, encoding="utf-8")
    data["demands"]["packets"] = [{"a": "NO", "b": "SE", "series": {"file": "load.csv", "ab": "up", **keys}}]
    return data


def test_series(tmp_path: Path) -> None:
    text = "time,up,down\n" + "".join(f"{hour},{hour},{2 * hour}\n" for hour in range(24))
    scenario = load(tmp_path, series_scenario(tmp_path, text, ba="down"))
    (packet,) = scenario.packets
    assert (packet.mean_ab_gbps, packet.mean_ba_gbps) == (11.5, 23.0)
    np.testing.assert_array_equal(scenario.samples[0], [range(24), range(0, 48, 2)])
    one_way = load(tmp_path, series_scenario(tmp_path, text))
    assert one_way.samples[0, 1].max() == 0.0
    assert one_way.digest != scenario.digest
    changed = load(
        tmp_path, series_scenario(tmp_path, text.replace("5,5,10", "5,6,10").replace("6,6,12", "6,5,12"))
    )
    assert changed.packets == one_way.packets  # the means agree, the series do not
    assert changed.digest != one_way.digest


def test_wrong_series(tmp_path: Path) -> None:
    good = "".join(f"{hour},1,\n" for hour in range(22))
    lines = problems(tmp_path, series_scenario(tmp_path, f"time,up,down\n{good}22,-1,\n23,nan,\n"))
    assert lines == [
        "load.csv:24:4: up: must be a load in Gb/s, 0 to 1e6 (got -1)",
        "load.csv:25:4: up: must be a load in Gb/s, 0 to 1e6 (got 'nan')",
    ]
    assert (
        "no such column; did you mean 'up_2'?"
        in problems(tmp_path, series_scenario(tmp_path, "up_2\n1\n"))[1]
    )
    lines = problems(tmp_path, series_scenario(tmp_path, "up\n1\n"))
    assert lines == [
        "s.yaml:8:148: demands.packets.0.series.file: load.csv: has 1 rows, needs one per sample: "
        "hours x samples_per_hour = 24"
    ]
    data = series_scenario(tmp_path, "up\n1\n")
    data["demands"]["packets"][0]["mean_gbps"] = 3
    assert "takes its means from the series" in only(tmp_path, data)


# --- the rest ---


def test_schema_fits_the_small_scenario_and_describes_every_field() -> None:
    schema = json_schema()
    assert schema["title"] == "netopt-heur scenario"
    for name, part in {"file": schema, **schema["$defs"]}.items():
        assert part.get("description"), name
        for key, field in part.get("properties", {}).items():
            assert field.get("description"), f"{name}.{key}"
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    validator.check_schema(schema)
    assert list(validator(schema).iter_errors(SMALL)) == []
    assert list(validator(schema).iter_errors({**SMALL, "nmae": 1}))


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10),
    st.sampled_from(
        [10**30, -1, 0, 1e308, 1e-308, 0.5, "NO", "SE", "", "x", "1e999", "#", [], {}, [[]], {"a": 1}]
    ),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=5),
)


def paths_in(node: Any, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [prefix, *(path for key, child in items for path in paths_in(child, (*prefix, key)))]


RICH = {
    **SMALL,
    "traffic": {"hours": 24, "samples_per_hour": 2, "seed": 3},
    "wave_offers": [
        {
            "id": "w",
            "a": "NO",
            "b": "SE",
            "units": [{"rate_gbps": 100, "price": 1}],
            "max_units": 1,
            "latency_ms": 3,
        }
    ],
    "policy": {"confidence": 0.9, "failures": {"sites": ["SE"], "pairs": [["duct", "NO--SE"]]}},
    "training_jobs": [{"id": "j", "sites": ["NO", "SE", "DK"], "wave_gbps": 100, "pattern": "tree"}],
    "gravity": [
        {"id": "g", "total_gbps": 10, "weight_a": "population", "weight_b": "data_centres", "count": 3}
    ],
    "services": {
        "chat": {
            "profile": [1] * 24,
            "noise_cv": 0.3,
            "burst": {"per_hour": 2, "duration_s": 60, "law": "pareto", "mean": 1},
            "surge": {"per_day": 1, "factor": 2, "duration_h": 1},
        }
    },
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_documents_give_a_scenario_or_an_input_error(tmp_path: Path, data: st.DataObject) -> None:
    document = json.loads(json.dumps(RICH))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(paths_in(document)[1:]))
        value = data.draw(st.one_of(JUNK, st.just(...)))
        set_in(document, place, value)
    text = "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in document.items())
    text = text.replace("NaN", ".nan").replace("Infinity", ".inf")
    if data.draw(st.booleans()):
        text = text[: data.draw(st.integers(0, len(text)))]
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        scenario = load_scenario(path)
    except InputError as error:
        assert error.problems
        assert all(problem.file for problem in error.problems)
    else:
        assert isinstance(scenario, Scenario)
        assert np.isfinite(scenario.samples).all()
        assert (scenario.samples >= 0).all()


def test_ten_thousand_demands_are_the_same_from_a_table_and_from_a_list(tmp_path: Path) -> None:
    data = small()
    ends = [("NO", "SE"), ("SE", "DK"), ("DK", "NO")]
    rows = [f"d{i},{ends[i % 3][0]},{ends[i % 3][1]},{1 + i % 7},2.5,chat,25\n" for i in range(10_000)]
    header = "id,a,b,mean_ab_gbps,mean_ba_gbps,service,max_latency_ms\n"
    (tmp_path / "d.csv").write_text(header + "".join(rows))
    data["demand_files"] = ["d.csv"]
    scenario = load(tmp_path, data)
    assert len(scenario.packets) == 10_001
    data = small()
    data["demands"]["packets"] = [
        {"id": f"d{i}", "a": ends[i % 3][0], "b": ends[i % 3][1], "mean_ab_gbps": 1 + i % 7,
         "mean_ba_gbps": 2.5,
         "service": "chat", "max_latency_ms": 25}
        for i in range(10_000)
    ] + data["demands"]["packets"]  # fmt: skip
    listed = load(tmp_path, data)
    assert dataclasses.astuple(listed.packets[5])[:6] == dataclasses.astuple(scenario.packets[5])[:6]
    assert listed.digest == scenario.digest
