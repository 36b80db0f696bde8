"""Changed scenarios are what their own files load as, samples and digest included."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netopt_heur.errors import InputError, UsageError
from netopt_heur.scenario import Scenario, changes
from tests.scenario.helpers import load, small

FULL: dict[str, Any] = small() | {
    "services": {
        "chat": {
            "profile": "inference",
            "noise_cv": 0.3,
            "max_latency_ms": 20,
            "protection": "survivable",
            "user_side": "b",
            "burst": {"per_hour": 3, "duration_s": 900, "mean": 0.5},
            "surge": {"per_day": 2, "factor": 1.5, "duration_h": 1},
        },
        "bulk": {"burst": {"per_hour": 3, "duration_s": 900, "mean": 4, "relative": False}},
    },
    "policy": {"split_gbps": 40, "failure_confidence": 0.9},
    "wave_offers": [
        {"id": "wave", "a": "NO", "b": "DK", "length_km": 600, "max_units": 2, "setup": 3,
         "units": [{"rate_gbps": 100, "price": 7}]}
    ],
}  # fmt: skip
FULL["demands"]["packets"] += [
    {"id": "second", "a": "SE", "b": "DK", "mean_ab_gbps": 30, "mean_ba_gbps": 5, "service": "bulk"},
    {"id": "third", "a": "DK", "b": "NO", "mean_gbps": 9, "service": "chat"},
]
NEW = {"id": "more", "a": "NO", "b": "DK", "mean_gbps": 55, "service": "chat"}
NEW_CIRCUIT = {"id": "ring", "a": "NO", "b": "SE", "waves": 1, "wave_gbps": 100, "protection": "disjoint"}
NEW_TRANSFER: dict[str, Any] = {"window": ["01:00", "04:00"]} | {
    "id": "pull",
    "source": "NO",
    "targets": ["SE"],
    "volume_gb": 50,
    "window": ["01:00", "04:00"],
}

Change = Callable[[Scenario], Scenario]
Edit = Callable[[dict[str, Any]], object]


def full() -> dict[str, Any]:
    return copy.deepcopy(FULL)


def _scale_second(data: dict[str, Any]) -> None:
    data["demands"]["packets"][1] |= {"mean_ab_gbps": 30 * 1.3, "mean_ba_gbps": 5 * 1.3}


def _scale_chat(data: dict[str, Any]) -> None:
    for row in (0, 2):
        data["demands"]["packets"][row]["mean_gbps"] *= 1.3


def _scale_bulk_kinds(data: dict[str, Any]) -> None:
    data["demands"]["circuits"][0]["waves"] = 3
    data["demands"]["transfers"][0]["volume_gb"] = 1500.0


def _no_fiber(data: dict[str, Any]) -> None:
    data["fibers"][1]["max_pairs"] = 0


def _dearer_mode(data: dict[str, Any]) -> None:
    data["catalogue"]["modes"]["400G"]["price"]["capex"] = 24


def _dearer_wave(data: dict[str, Any]) -> None:
    data["wave_offers"][0] |= {"setup": 6, "units": [{"rate_gbps": 100, "price": 14}]}


@pytest.mark.parametrize(
    ("change", "edit"),
    [
        (lambda s: changes.with_demand(s, NEW), lambda d: d["demands"]["packets"].append(NEW)),
        (
            lambda s: changes.with_demand(s, NEW_CIRCUIT, "circuit"),
            lambda d: d["demands"]["circuits"].append(NEW_CIRCUIT),
        ),
        (
            lambda s: changes.with_demand(s, NEW_TRANSFER, "transfer"),
            lambda d: d["demands"]["transfers"].append(NEW_TRANSFER),
        ),
        (lambda s: changes.without_demand(s, "second"), lambda d: d["demands"]["packets"].pop(1)),
        (lambda s: changes.without_demand(s, "train"), lambda d: d["demands"]["circuits"].clear()),
        (lambda s: changes.scaled_demands(s, "second", 1.3), _scale_second),
        (lambda s: changes.scaled_demands(s, "chat", 1.3), _scale_chat),
        (lambda s: changes.scaled_demands(s, ["train", "push"], 1.5), _scale_bulk_kinds),
        (lambda s: changes.without_fiber(s, "SE--DK"), _no_fiber),
        (lambda s: changes.with_confidence(s, 0.99, 0.9), lambda d: d["policy"].update(confidence=0.99)),
        (lambda s: changes.scaled_price(s, "400G", 2.0), _dearer_mode),
        (lambda s: changes.scaled_price(s, "wave", 2.0), _dearer_wave),
    ],
)
def test_a_change_is_what_the_changed_file_loads_as(tmp_path: Path, change: Change, edit: Edit) -> None:
    before = load(tmp_path, full())
    changed = change(before)
    edited = full()
    edit(edited)
    loaded = load(tmp_path, edited)
    assert changed == loaded  # all fields, the digest among them
    assert changed.digest != before.digest
    np.testing.assert_array_equal(changed.samples, loaded.samples)
    assert before == load(tmp_path, full())


def test_samples_of_other_demands_stay(tmp_path: Path) -> None:
    before = load(tmp_path, full())
    after = changes.with_demand(before, NEW)
    rows = {packet.id: row for row, packet in enumerate(after.packets)}
    for row, packet in enumerate(before.packets):
        np.testing.assert_array_equal(before.samples[row], after.samples[rows[packet.id]])


def test_a_series_is_scaled_as_measured(tmp_path: Path) -> None:
    before = load(tmp_path, full())
    series = np.random.default_rng(1).random((2, before.traffic.n_samples))
    packets = (replace(before.packets[0], series=series), *before.packets[1:])
    after = changes.scaled_demands(replace(before, packets=packets), packets[0].id, 2.0)
    np.testing.assert_array_equal(after.samples[0], 2.0 * series)
    assert after.packets[0].mean_ab_gbps == pytest.approx(2.0 * series[0].mean())


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        ({"a": "NO", "b": "SE", "mean_gbps": -5}, "mean_gbps: must be at least 0 (got -5)"),
        ({"a": "NO", "b": "SE", "mean_gpbs": 5}, "mean_gpbs: unknown key; did you mean 'mean_gbps'?"),
        ({"a": "NO", "b": "S", "mean_gbps": 5}, "b: unknown site; did you mean 'SE'? (got 'S')"),
        ({"a": "NO", "b": "NO", "mean_gbps": 5}, "b: must differ from a: a demand joins two sites"),
        (NEW | {"id": "second"}, "id: duplicate demand id (got 'second')"),
        (NEW | {"id": "push/NO"}, "id: duplicate demand id (got 'push/NO')"),
        (NEW | {"service": "chatt"}, "service: unknown service; did you mean 'chat'? (got 'chatt')"),
        (NEW | {"max_latency_ms": 0.1}, "max_latency_ms: 0.1 ms is less than light needs"),
        ([], "must be a mapping"),
    ],
)  # fmt: skip
def test_a_wrong_demand_is_refused_as_by_the_loader(tmp_path: Path, demand: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        changes.with_demand(load(tmp_path, full()), demand)
    assert str(error.value).startswith("new demand: ")
    assert message in str(error.value)


def test_an_id_made_up_avoids_those_taken(tmp_path: Path) -> None:
    scenario = load(tmp_path, full())
    after = changes.with_demand(scenario, {"a": "NO", "b": "SE", "mean_gbps": np.float64(3)})
    assert {packet.id for packet in after.packets} - {packet.id for packet in scenario.packets} == {"NO-SE.2"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: changes.without_fiber(s, "NO--DE"), "no fiber 'NO--DE'; did you mean 'NO--SE'?"),
        (lambda s: changes.without_demand(s, "trane"), "no demand 'trane'; did you mean 'train'?"),
        (lambda s: changes.scaled_demands(s, "chit", 2.0), "no demand or service 'chit'"),
        (lambda s: changes.scaled_demands(s, ["chat"], 2.0), "no demand 'chat'"),
        (lambda s: changes.scaled_demands(s, "train", 0.0), "factor must be positive"),
        (lambda s: changes.scaled_demands(s, "train", float("nan")), "factor must be positive"),
        (lambda s: changes.with_confidence(s, 1.5), "confidence must be more than 0 and at most 1 (got 1.5)"),
        (lambda s: changes.scaled_price(s, "300G", 2.0), "no fiber, mode or wave offer '300G'"),
        (lambda s: changes.with_demand(s, NEW, "packets"), "kind must be"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(UsageError) as error:
        change(load(tmp_path, full()))
    assert message in str(error.value)
