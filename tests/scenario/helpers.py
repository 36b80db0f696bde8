"""A small valid scenario as plain data, and how to load a changed one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from netopt_heur.errors import InputError
from netopt_heur.scenario import Scenario, load_scenario

SMALL: dict[str, Any] = {
    "version": 1,
    "name": "small",
    "catalogue": {
        "modes": {
            "100G": {"rate_gbps": 100, "reach_km": 3000, "slots": 4, "price": 5},
            "400G": {"rate_gbps": 400, "reach_km": 600, "slots": 8, "price": {"capex": 12, "power_w": 30}},
        },
        "ports": [{"rate_gbps": 400, "price": 5}, {"rate_gbps": 100, "price": 2}],
        "pair_terminal": 3,
        "lease_per_pair_km": {"opex": 0.01},
    },
    "sites": [
        {"id": "NO", "lat": 60, "lon": 10, "population": 5},
        {"id": "SE", "lat": 59, "lon": 18, "data_centres": 4, "population": 10},
        {"id": "DK", "lat": 55, "lon": 12, "regen": True, "data_centres": 1},
    ],
    "fibers": [
        {"a": "NO", "b": "SE", "length_km": 560},
        {"a": "SE", "b": "DK", "length_km": 500, "srlgs": ["duct"]},
        {"a": "NO", "b": "DK", "length_km": 590, "srlgs": ["duct"]},
    ],
    "srlgs": {"duct": 0.001},
    "services": {
        "chat": {"profile": "inference", "noise_cv": 0.3, "max_latency_ms": 20, "protection": "survivable"}
    },
    "demands": {
        "circuits": [{"id": "train", "a": "NO", "b": "DK", "waves": 2, "wave_gbps": 400}],
        "packets": [{"a": "NO", "b": "SE", "mean_gbps": 12, "service": "chat"}],
        "transfers": [
            {
                "id": "push",
                "source": "SE",
                "targets": ["NO", "DK"],
                "volume_gb": 1000,
                "window": ["22:00", "06:00"],
            }
        ],
    },
}


def small() -> dict[str, Any]:
    """A fresh copy of the small scenario."""
    return copy.deepcopy(SMALL)


def write(folder: Path, data: object, name: str = "s.yaml") -> Path:
    """Write data as YAML (JSON on one line per top-level key is YAML)."""
    path = folder / name
    if isinstance(data, dict):
        path.write_text(
            "".join(f"{key}: {json.dumps(value)}\n" for key, value in data.items()), encoding="utf-8"
        )
    else:
        path.write_text(str(data), encoding="utf-8")
    return path


def load(folder: Path, data: object) -> Scenario:
    """Load a scenario given as data or text."""
    return load_scenario(write(folder, data))


def problems(folder: Path, data: object) -> list[str]:
    """Lines of the error that loading must raise, without the folder."""
    with pytest.raises(InputError) as caught:
        load(folder, data)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def only(folder: Path, data: object) -> str:
    """The one line of the error that loading must raise."""
    lines = problems(folder, data)
    assert len(lines) == 1, lines
    return lines[0]
