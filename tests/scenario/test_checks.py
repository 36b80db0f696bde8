from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netopt_heur.scenario.origins import Origin
from tests.scenario.helpers import load, only, problems


def line_network(**keys: object) -> dict[str, Any]:
    """A - B - C - D in a line, 500 km each, E apart; reach 600 km (400G) and 1100 km (100G)."""
    sites = [{"id": name, "lat": 50, "lon": index} for index, name in enumerate("ABCDE")]
    fibers = [{"a": a, "b": b, "length_km": 500} for a, b in ("AB", "BC", "CD")]
    modes = {
        "100G": {"rate_gbps": 100, "reach_km": 1100, "slots": 4, "price": 1},
        "400G": {"rate_gbps": 400, "reach_km": 600, "slots": 8, "price": 2},
    }
    catalogue = {"modes": modes, "ports": [{"rate_gbps": 100, "price": 1}]}
    return {"version": 1, "name": "line", "catalogue": catalogue, "sites": sites, "fibers": fibers, **keys}


def site(data: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(site for site in data["sites"] if site["id"] == name)
    return found


def circuit(a: str, b: str, gbps: float = 100, **keys: object) -> dict[str, Any]:
    return {"circuits": [{"a": a, "b": b, "wave_gbps": gbps, **keys}]}


def packet(a: str, b: str, **keys: object) -> dict[str, Any]:
    return {"packets": [{"a": a, "b": b, "mean_gbps": 1, **keys}]}


def offer(a: str, b: str, **keys: object) -> dict[str, Any]:
    return {
        "id": f"w{a}{b}",
        "a": a,
        "b": b,
        "units": [{"rate_gbps": 100, "price": 1}],
        "max_units": 1,
        **keys,
    }


def test_unreachable(tmp_path: Path) -> None:
    for demands in (circuit("A", "E"), packet("A", "E")):
        line = only(tmp_path, line_network(demands=demands))
        assert line.endswith("no fibers or wave offers join A and E; add a fiber")
    # An offer between the very ends helps both; an offer on the way helps packets only.
    direct = [offer("A", "E", latency_ms=1)]
    load(tmp_path, line_network(demands=circuit("A", "E"), wave_offers=direct))
    partly = [offer("D", "E", latency_ms=1)]
    load(tmp_path, line_network(demands=packet("A", "E"), wave_offers=partly))
    assert "no fibers" in only(tmp_path, line_network(demands=circuit("A", "E"), wave_offers=partly))


def test_a_fiber_without_pairs_leads_nowhere(tmp_path: Path) -> None:
    data = line_network(demands=packet("A", "D"))
    data["fibers"][1]["max_pairs"] = 0
    assert "no fibers or wave offers join A and D" in only(tmp_path, data)


def test_reach_of_circuits(tmp_path: Path) -> None:
    load(tmp_path, line_network(demands=circuit("A", "C")))
    line = only(tmp_path, line_network(demands=circuit("A", "D")))
    assert "no route from A to D can be crossed: each has more than 1100 km" in line
    data = line_network(demands=circuit("A", "D"))
    site(data, "B")["regen"] = True
    load(tmp_path, data)
    # 400G needs regeneration at every stop.
    data["demands"] = circuit("A", "D", 400)
    assert "more than 600 km" in only(tmp_path, data)
    site(data, "C")["regen"] = True
    load(tmp_path, data)
    assert "wave_gbps: no mode" in only(tmp_path, line_network(demands=circuit("A", "B", 800)))


def test_reach_of_packets(tmp_path: Path) -> None:
    # Routers on the way end lightpaths; without them A-D is 1500 km in one go.
    data = line_network(demands=packet("A", "D"))
    load(tmp_path, data)
    site(data, "B")["router"] = site(data, "C")["add_drop"] = False
    assert "no route from A to D can be crossed" in only(tmp_path, data)
    site(data, "C")["regen"] = True
    load(tmp_path, data)
    data["fibers"][0]["length_km"] = 1200
    assert "no route from A to D can be crossed" in only(tmp_path, data)


def test_ports_limit_the_modes_of_packets(tmp_path: Path) -> None:
    # Only 100G has a port. With ports slower than every mode there is no IP link at all.
    data = line_network(demands=packet("A", "B"))
    data["catalogue"]["ports"] = [{"rate_gbps": 10, "price": 1}]
    assert "catalogue: no port is as fast as any mode or wave offer" in only(tmp_path, data)
    data["catalogue"]["ports"] = []
    assert "catalogue: no port is as fast" in only(tmp_path, data)


def test_ends_need_their_flags(tmp_path: Path) -> None:
    data = line_network(demands={**circuit("A", "B"), **packet("A", "B")})
    site(data, "A").update(router=False, add_drop=False)
    assert [line.split(": ", 1)[1] for line in problems(tmp_path, data)] == [
        "demands.circuits.0.a: has no add_drop, so no lightpath ends there; set 'add_drop: true'"
        " at the site (got 'A')",
        "demands.packets.0.a: has no router, so no packets end there; set 'router: true' at the"
        " site (got 'A')",
    ]
    # A router without add_drop can use wave offers.
    data = line_network(demands=packet("A", "C"), wave_offers=[offer("A", "B", length_km=400)])
    site(data, "A").update(add_drop=False)
    load(tmp_path, data)
    data["wave_offers"] = []
    assert "no route from A to C" in only(tmp_path, data)


LATENCY = {"us_per_km": 5.0, "router_hop_ms": 0.2, "lightpath_end_ms": 0.1, "regenerator_ms": 0.05}


@pytest.mark.parametrize(
    ("demands", "regen", "offers", "least_ms"),
    [
        # 1000 km, two ends.
        (circuit("A", "C"), "", [], 5.0 + 0.2),
        # 1500 km need at least one regenerator of a 1100 km mode.
        (circuit("A", "D"), "BC", [], 7.5 + 0.2 + 0.05),
        # 400G, 600 km reach: two regenerators.
        (circuit("A", "D", 400), "BC", [], 7.5 + 0.2 + 0.1),
        (circuit("A", "C"), "", [offer("A", "C", latency_ms=4.5)], 4.5),
        (circuit("A", "C"), "", [offer("A", "C", length_km=700)], 3.5 + 0.2),
        # One lightpath and one hop at least.
        (packet("A", "C"), "", [], 5.0 + 0.2 + 0.2),
        (packet("C", "A"), "", [], 5.0 + 0.2 + 0.2),
        # Two offers: summed exactly, with a hop each.
        (packet("A", "C"), "", [offer("A", "B", latency_ms=1), offer("B", "C", latency_ms=2)], 3.0 + 0.4),
        # An offer and a lightpath: one hop is counted.
        (packet("A", "C"), "", [offer("A", "B", latency_ms=1)], 1.0 + 2.5 + 0.2 + 0.2),
    ],
)
def test_bounds_below_the_speed_of_light(
    tmp_path: Path, demands: dict[str, Any], regen: str, offers: list[dict[str, Any]], least_ms: float
) -> None:
    (kind,) = demands
    data = line_network(demands=demands, wave_offers=offers, latency=LATENCY)
    for name in regen:
        site(data, name)["regen"] = True
    demands[kind][0] |= {"max_latency_ms": round(least_ms + 1e-6, 9)}
    load(tmp_path, data)
    for key in ("max_latency_ms", "backup_max_latency_ms"):
        demands[kind][0] = {k: v for k, v in demands[kind][0].items() if "latency" not in k}
        demands[kind][0][key] = round(least_ms - 1e-6, 9)
        line = only(tmp_path, data)
        assert f"demands.{kind}.0.{key}: " in line
        assert f"{least_ms:.4g} ms on the shortest route" in line
        assert line.endswith(f"(got {least_ms - 1e-6:.9g})")


def test_transfers_have_bounds_too(tmp_path: Path) -> None:
    transfer = {
        "id": "t",
        "source": "A",
        "targets": ["B", "C", "E"],
        "volume_gb": 1,
        "window": ["00:00", "24:00"],
    }
    data = line_network(demands={"transfers": [{**transfer, "max_latency_ms": 3}]})
    lines = problems(tmp_path, data)
    assert len(lines) == 2
    assert any("3 ms is less than light needs from A to C" in line for line in lines)
    assert any(
        "demands.transfers.0.targets.2: no fibers or wave offers join A and E" in line for line in lines
    )


def test_a_generator_reports_a_few_of_its_demands(tmp_path: Path) -> None:
    names = [f"S{i}" for i in range(12)]
    data = line_network(
        gravity=[{"id": "g", "total_gbps": 5, "from": ["A"], "to": names, "max_latency_ms": 50}]
    )
    data["sites"] += [{"id": name, "lat": 40, "lon": 1} for name in names]
    lines = problems(tmp_path, data)
    assert len(lines) == 6
    assert "demand 'g/A-S0': no fibers or wave offers join A and S0" in lines[0]
    assert "and 7 more of its demands have such a problem" in lines[-1]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"traffic": {"hours": 8760, "samples_per_hour": 3600}}, None),
        ({"policy": {"split_gbps": 0.001}, "demands": packet("A", "B", mean_gbps=500)},
         "policy.split_gbps: splits"),
        ({"demands": {"circuits": [{"a": "A", "b": "B", "wave_gbps": 100, "waves": 10_000}] * 21}},
         "demands.circuits: the circuits ask for 210000 waves"),
        ({"services": {"s": {"burst": {"per_hour": 36000, "duration_s": 36000, "mean": 1}}},
          "traffic": {"hours": 240}, "demands": packet("A", "B", service="s")},
         "services.s.burst.per_hour: makes about"),
    ],
)  # fmt: skip
def test_sizes_that_no_computer_holds(tmp_path: Path, keys: dict[str, Any], message: str | None) -> None:
    data = line_network(**{"demands": {"packets": [{"a": "A", "b": "B", "mean_gbps": 1}] * 4}, **keys})
    line = only(tmp_path, data)
    assert (
        message or "traffic.hours: 4 packet demands x 2 x 31536000 samples exceed 250000000; sample less"
    ) in line


def test_origins_are_cheap_keys() -> None:
    assert issubclass(Origin, tuple)
