from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from netopt_heur.scenario import Scenario
from tests.scenario.helpers import load, only, problems, small

CORONET = Path(__file__).parents[3] / "shared" / "data" / "coronet" / "CORONET_CONUS_Topology.json"


def scenario_on(folder: Path, topology: dict[str, str], **keys: object) -> Scenario:
    data = {**small(), "topology": topology, "sites": [], "fibers": [], "srlgs": [], **keys}
    data["demands"] = {}
    data["gravity"] = [{"id": "g", "total_gbps": 10, "count": 2, "to": keys.pop("to", None)}]
    data.pop("to", None)
    return load(folder, data)


def element(
    uid: str, kind: str, city: str = "", length: float | None = None, units: str = "km"
) -> dict[str, Any]:
    made: dict[str, Any] = {"uid": uid, "type": kind}
    if city:
        made["metadata"] = {"location": {"city": city, "latitude": 50, "longitude": len(city)}}
    if length is not None:
        made["params"] = {"length": length, "length_units": units}
    return made


def chain(*uids: str) -> list[dict[str, str]]:
    return [{"from_node": a, "to_node": b} for a, b in pairwise(uids)]


def gnpy() -> dict[str, Any]:
    """Two parallel routes A-B (one with amplifiers); B-C, whose directions meet in one fused element."""
    return {
        "elements": [
            *(element(f"roadm {city}", "Roadm", city) for city in ("A_Town", "Bé", "Cee")),
            element("trx A", "Transceiver", "A_Town"),
            element("f1", "Fiber", length=80), element("amp", "Edfa"),
            element("f2", "RamanFiber", length=70.5),
            element("f3", "Fiber", length=150500, units="m"),
            element("g1", "Fiber", length=200), element("g2", "Fiber", length=200),
            element("h1", "Fiber", length=30), element("h2", "Fiber", length=20),
            element("h3", "Fiber", length=20), element("h4", "Fiber", length=30), element("fuse", "Fused"),
        ],
        "connections": [
            *chain("trx A", "roadm A_Town", "f1", "amp", "f2", "roadm Bé", "f3", "roadm A_Town", "trx A"),
            *chain("roadm A_Town", "g1", "roadm Bé", "g2", "roadm A_Town"),
            *chain("roadm Bé", "h1", "fuse", "h2", "roadm Cee", "h3", "fuse", "h4", "roadm Bé"),
        ],
    }  # fmt: skip


def write_gnpy(folder: Path, data: object) -> dict[str, str]:
    text = data if isinstance(data, str) else json.dumps(data)
    (folder / "net.json").write_text(text, encoding="utf-8")
    return {"gnpy": "net.json"}


def test_gnpy_chains_and_parallel_routes(tmp_path: Path) -> None:
    scenario = scenario_on(tmp_path, write_gnpy(tmp_path, gnpy()))
    assert [(site.id, site.name) for site in scenario.sites] == [
        ("a-town", "A Town"),
        ("be", "Bé"),
        ("cee", "Cee"),
    ]
    assert {fiber.id: fiber.length_km for fiber in scenario.fibers} == {
        "a-town--be": 150.5,
        "a-town--be.2": 200.0,
        "be--cee": 50.0,
    }


def test_listed_parts_override_imported_ones(tmp_path: Path) -> None:
    scenario = scenario_on(
        tmp_path,
        write_gnpy(tmp_path, gnpy()),
        site_defaults={"regen": True},
        fiber_defaults={"max_pairs": 12, "length_km": 7},
        sites=[{"id": "be", "regen": False, "population": 3}, {"id": "D", "lat": 1, "lon": 2}],
        fibers=[{"id": "be--cee", "lit_pairs": 2}, {"a": "cee", "b": "D"}],
    )
    sites = {site.id: site for site in scenario.sites}
    assert [sites[name].regen for name in ("a-town", "be", "cee", "D")] == [True, False, True, True]
    assert (sites["be"].lat, sites["be"].attributes) == (50.0, {"population": 3.0})
    fibers = {fiber.id: fiber for fiber in scenario.fibers}
    assert (fibers["be--cee"].length_km, fibers["be--cee"].lit_pairs, fibers["be--cee"].max_pairs) == (
        50.0,
        2,
        12,
    )
    assert fibers["cee--D"].length_km == 7.0


ROADM = element("a", "Roadm", "A")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "net.json:1:2: not valid JSON"),
        ("[" * 100_000, "not valid JSON: nested too deeply"),
        ([], "is no GNPy topology"),
        ({"elements": [1], "connections": []}, "elements.0: needs the texts 'uid' and 'type'"),
        ({"elements": [ROADM] * 2, "connections": []}, "elements.1: duplicate uid 'a'"),
        ({"elements": [ROADM], "connections": [{"from_node": "a"}]}, "connections.0: unknown element 'None'"),
        ({"elements": [element("a", "Roadm")], "connections": []}, "latitude of a must be a number"),
        ({**gnpy(), "elements": [{**e, "params": {}} for e in gnpy()["elements"]]},
         "length of fiber"),
    ],
)  # fmt: skip
def test_wrong_gnpy_files(tmp_path: Path, data: object, message: str) -> None:
    document = {**small(), "topology": write_gnpy(tmp_path, data), "sites": [], "fibers": []}
    assert message in only(tmp_path, document)


@pytest.mark.skipif(not CORONET.exists(), reason="the shared CORONET file is not here")
def test_coronet(tmp_path: Path) -> None:
    scenario = scenario_on(tmp_path, {"gnpy": str(CORONET)})
    assert (len(scenario.sites), len(scenario.fibers)) == (75, 99)
    lengths = {fiber.id: fiber.length_km for fiber in scenario.fibers}
    assert lengths["abilene--dallas"] == 336.951
    offsets = {site.id: site.utc_offset for site in scenario.sites}
    assert (offsets["boston"], offsets["abilene"]) == (-5.0, -7.0)


def test_topohub(tmp_path: Path) -> None:
    pytest.importorskip("topohub")
    scenario = scenario_on(tmp_path, {"topohub": "sndlib/germany50"})
    assert (len(scenario.sites), len(scenario.fibers)) == (50, 88)
    assert {fiber.id: fiber.length_km for fiber in scenario.fibers}["aachen--koeln"] == 61.63
    assert (len(scenario_on(tmp_path, {"topohub": "gabriel/25/0"}).sites)) == 25
    document = {**small(), "topology": {"topohub": "sndlib/france"}, "sites": [], "fibers": []}
    assert "topology.topohub: the positions of this topohub network are drawing coordinates" in only(
        tmp_path, document
    )
    document["topology"] = {"topohub": "germany50"}
    assert "did you mean 'sndlib/germany50'?" in only(tmp_path, document)


def test_topolib(tmp_path: Path) -> None:
    pytest.importorskip("topolib")
    scenario = scenario_on(tmp_path, {"topolib": "usa75"})
    assert (len(scenario.sites), len(scenario.fibers)) == (75, 100)
    chicago = {site.id: site for site in scenario.sites}["chicago"]
    assert chicago.attributes == {"population": 2664452.0, "data_centres": 165.0, "ixps": 10.0}
    assert scenario_on(tmp_path, {"topolib": "Europe-42nodes"}).sites


@pytest.mark.parametrize("package", ["topohub", "topolib"])
def test_a_missing_package_is_named(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    document = {**small(), "topology": {package: "x"}, "sites": [], "fibers": []}
    assert f"needs the package {package}; install it with: pip install 'netopt-heur[topologies]'" in only(
        tmp_path, document
    )


def test_problems_of_the_import_and_of_the_file_come_together(tmp_path: Path) -> None:
    document = {**small(), "topology": {"gnpy": "none.json"}}
    document["demands"]["packets"][0]["a"] = "Q"
    lines = problems(tmp_path, document)
    assert any("none.json: no such file" in line for line in lines)
    assert any("unknown site" in line for line in lines)
