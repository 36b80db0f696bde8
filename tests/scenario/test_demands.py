from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt_heur.scenario.demands import window_hours
from tests.scenario.helpers import load, only, problems, small


def with_csv(folder: Path, text: str) -> dict[str, Any]:
    (folder / "d.csv").write_text(text, encoding="utf-8")
    return {**small(), "demand_files": ["d.csv"]}


def test_bulk_demands(tmp_path: Path) -> None:
    text = (
        "id, a,b,mean_ab_gbps,mean_ba_gbps,service,max_latency_ms,protection,node_disjoint\n"
        ",NO,SE,1e1,,chat,,,\n"
        "\n"
        '"x, y",SE,"DK",2,3,,9.5,disjoint,true\n'
    )
    made = {packet.id: packet for packet in load(tmp_path, with_csv(tmp_path, text)).packets}
    assert set(made) == {"NO-SE", "NO-SE.2", "x, y"}
    assert made["NO-SE.2"].mean_ab_gbps == 10.0
    assert made["NO-SE.2"].promise.max_latency_ms == 20.0
    packet = made["x, y"]
    assert (packet.a, packet.b, packet.mean_ab_gbps, packet.mean_ba_gbps) == ("SE", "DK", 2.0, 3.0)
    assert (packet.promise.max_latency_ms, packet.promise.protection) == (9.5, "disjoint")
    assert packet.promise.node_disjoint is True
    assert packet.service == "default"


def test_wrong_bulk_demands_all_at_once(tmp_path: Path) -> None:
    text = 'a,b,mean_ab_gbps,protection\n"NO",SE,x,\nNO,SE,-1,\nNO,"S,E",,\nNO,SE,1,disjoin\n,SE,1,\n'
    assert problems(tmp_path, with_csv(tmp_path, text)) == [
        "d.csv:2:9: mean_ab_gbps: must be a number (got 'x')",
        "d.csv:3:7: mean_ab_gbps: must be at least 0 (got -1)",
        "d.csv:4:1: needs either mean_gbps or mean_ab_gbps (and mean_ba_gbps)",
        "d.csv:5:9: protection: must be 'none', 'survivable' or 'disjoint'; did you mean 'disjoint'?"
        " (got 'disjoin')",
        "d.csv:6:1: a: required field is empty",
    ]


def test_references_of_bulk_demands(tmp_path: Path) -> None:
    text = "id,a,b,mean_ab_gbps\n1,NO,SEE,1\n1,NO,NO,1\n"
    assert problems(tmp_path, with_csv(tmp_path, text)) == [
        "d.csv:2:6: b: unknown site; did you mean 'SE'? (got 'SEE')",
        "d.csv:3:1: id: duplicate demand id; it is already taken in line 2 (got '1')",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "demand_files.0: d.csv: is empty"),
        ("a,b\nNO,SE\n", "d.csv:1:1: mean_ab_gbps: required column is missing"),
        ("a,b,mean_gbps,servise\n", "d.csv:1:15: servise: unknown column; did you mean 'service'?"),
        ("a,b,mean_gbps,a\n", "d.csv:1:1: a: duplicate column"),
        ("a,b,mean_gbps\nNO,SE\n", "d.csv:2:1: has 2 fields, the header has 3"),
        ('a,b,mean_gbps\nNO,"SE\n', "not valid CSV"),
        ("a,b,mean_gbps\nNO," + "x" * 200_000 + ",1\n", "not valid CSV: field larger than field limit"),
        ("a,b,mean_gbps\nNO,SE,1\0\n", "binary"),
        ("a,b,series\n", "unknown column"),
    ],
)
def test_wrong_tables(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in line for line in problems(tmp_path, with_csv(tmp_path, text)))


# --- transfers ---


def naive_window(start: float, end: float, offset: float) -> tuple[int, ...]:
    """Hours whose quarter hours all lie in one window, of those that open on the days around."""
    length = (end - start) % 24 or 24
    windows = [(start + 24 * day, start + 24 * day + length) for day in range(-3, 4)]
    local = [hour + offset for hour in range(24)]
    return tuple(
        hour for hour in range(24) if any(a <= local[hour] and local[hour] + 1 <= b for a, b in windows)
    )


QUARTERS = st.integers(0, 95).map(lambda quarter: quarter / 4)


@given(QUARTERS, QUARTERS, st.integers(-48, 56).map(lambda quarter: quarter / 4))
def test_window_hours(start: float, end: float, offset: float) -> None:
    assert window_hours(start, end, offset) == naive_window(start, end, offset)


def test_the_whole_day() -> None:
    assert window_hours(0.0, 24.0, -5.0) == tuple(range(24))
    # The UTC hour across local midnight, the deadline, is in no window.
    assert window_hours(0.0, 24.0, 5.5) == tuple(hour for hour in range(24) if hour != 18)


def test_flows_need_names_of_their_own(tmp_path: Path) -> None:
    data = small()
    data["demands"]["packets"].append({"id": "push/NO", "a": "NO", "b": "SE", "mean_gbps": 1})
    assert "its flow 'push/NO' has the name of another demand's" in only(tmp_path, data)


# --- training jobs ---


def job(folder: Path, pattern: str, names: list[str]) -> set[str]:
    data = small()
    data["sites"] += [{"id": "FI", "lat": 60, "lon": 25}, {"id": "LV", "lat": 57, "lon": 24}]
    data["fibers"] += [{"a": "SE", "b": "FI", "length_km": 400}, {"a": "FI", "b": "LV", "length_km": 400}]
    data["training_jobs"] = [
        {
            "id": "j",
            "sites": names,
            "pattern": pattern,
            "waves": 3,
            "wave_gbps": 100,
            "protection": "disjoint",
        }
    ]
    circuits = [circuit for circuit in load(folder, data).circuits if circuit.id != "train"]
    assert all((c.waves, c.wave_gbps, c.promise.protection) == (3, 100.0, "disjoint") for c in circuits)
    assert all(circuit.id == f"j/{circuit.a}-{circuit.b}" for circuit in circuits)
    return {circuit.id[2:] for circuit in circuits}


def test_training_patterns(tmp_path: Path) -> None:
    names = ["NO", "LV", "SE", "FI"]
    assert job(tmp_path, "ring", names) == {"NO-LV", "LV-SE", "SE-FI", "FI-NO"}
    assert job(tmp_path, "ring", names[:2]) == {"NO-LV"}
    assert job(tmp_path, "mesh", names) == {"NO-LV", "NO-SE", "NO-FI", "LV-SE", "LV-FI", "SE-FI"}
    # By degrees of longitude at 60 north: Oslo-Stockholm 8, Stockholm-Helsinki 7, Helsinki-Riga is closest.
    assert job(tmp_path, "tree", names) == {"NO-SE", "SE-FI", "FI-LV"}


# --- gravity ---


def gravity(folder: Path, **keys: object) -> dict[str, tuple[float, float]]:
    data = small()
    data["demands"]["packets"] = []
    data["gravity"] = [{"id": "g", "total_gbps": 60, **keys}]
    packets = load(folder, data).packets
    assert all(packet.id == f"g/{packet.a}-{packet.b}" for packet in packets)
    return {packet.id[2:]: (packet.mean_ab_gbps, packet.mean_ba_gbps) for packet in packets}


def test_gravity_from_users_to_hubs(tmp_path: Path) -> None:
    # population NO 5, SE 10; data centres SE 4, DK 1: NO-SE 20, NO-DK 5, SE-DK 10; SE-SE is none.
    made = gravity(tmp_path, weight_a="population", weight_b="data_centres", ratio_ba=2)
    total = 35
    assert made == {
        "NO-SE": pytest.approx((60 * 20 / total, 120 * 20 / total)),
        "SE-DK": pytest.approx((60 * 10 / total, 120 * 10 / total)),
        "NO-DK": pytest.approx((60 * 5 / total, 120 * 5 / total)),
    }
    kept = gravity(tmp_path, weight_a="population", weight_b="data_centres", count=2)
    assert {name: rate for name, (rate, _) in kept.items()} == pytest.approx({"NO-SE": 40.0, "SE-DK": 20.0})


def test_uniform_gravity_has_each_pair_once(tmp_path: Path) -> None:
    assert set(gravity(tmp_path)) == {"DK-NO", "DK-SE", "NO-SE"}
    assert set(gravity(tmp_path, **{"from": ["SE", "NO"], "to": ["NO", "DK"]})) == {"NO-DK", "SE-DK", "SE-NO"}
    assert set(gravity(tmp_path, **{"from": ["SE", "NO"], "to": ["NO", "SE"]})) == {"NO-SE"}


def test_gravity_by_distance(tmp_path: Path) -> None:
    made = gravity(tmp_path, distance_exponent=1)
    # Oslo-Stockholm about 460 km, Oslo-Copenhagen 569 km, Stockholm-Copenhagen 574 km.
    assert made["NO-SE"][0] > made["DK-NO"][0] > made["DK-SE"][0]
    assert made["NO-SE"][0] / made["DK-NO"][0] == pytest.approx(569 / 463, rel=0.01)
    assert sum(rate for rate, _ in made.values()) == pytest.approx(60)
    assert set(gravity(tmp_path, min_km=500)) == {"DK-NO", "DK-SE"}
    data = {**small(), "gravity": [{"id": "g", "total_gbps": 1, "min_km": 5000}]}
    assert "gravity.0: makes no demand" in only(tmp_path, data)
