from __future__ import annotations

import json
from typing import Any

import numpy as np

from netopt_heur.report import describe, json_safe
from netopt_heur.scenario.scenario import (
    Catalogue,
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


def make_scenario() -> Scenario:
    disjoint = Promise(protection="disjoint", max_latency_ms=5.0)
    return Scenario(
        name="three",
        horizon_years=5.0,
        sites=(
            Site("A", "A", 0.0, 0.0),
            Site("B", "B", 0.0, 1.0, router=False, regen=True),
            Site("C", "C", 1.0, 0.0, add_drop=False),
        ),
        fibers=(
            Fiber("A--B", "A", "B", 100.0, srlgs=("bridge",), lit_pairs=1),
            Fiber("B--C", "B", "C", 250.5, srlgs=("bridge", "tunnel"), max_pairs=2, candidate=True),
        ),
        wave_offers=(WaveOffer("lease", "A", "C", (WaveUnit(100.0, Price(1.0)),), 3, latency_ms=2.0),),
        group_unavailability={"tunnel": 0.001},
        catalogue=Catalogue(
            modes=(Mode("100G", 100.0, 3000.0, 4, Price(10.0), Price(20.0)),),
            ports=(Port(100.0, Price(5.0)),),
            chassis=(),
            pair_terminal=Price(1.0),
            inline_amplifier=Price(1.0),
            span_km=80.0,
            power_cost_per_w_year=0.0,
        ),
        spectrum=Spectrum(),
        latency=Latency(),
        traffic=Traffic(hours=24, samples_per_hour=2, seed=9),
        policy=Policy(split_gbps=100.0, failures=Failures(sites=("B",), pairs=(("A--B", "lease"),))),
        circuits=(Circuit("train", "A", "B", 2, 400.0, disjoint),),
        packets=(
            Packet("p", "A", "C", 250.0, 10.0, "default", disjoint),
            Packet("q", "A", "C", 1.0, 1.0, "default", Promise(), series=np.full((2, 48), 150.0)),
        ),
        transfers=(Transfer("push", "A", ("B", "C"), 900.0, 22.0, 6.0, "push", Promise()),),
    )


def test_describe_counts() -> None:
    summary: dict[str, Any] = describe(make_scenario())
    assert summary["sites"] == {"count": 3, "router": 2, "add_drop": 2, "regen": 1}
    assert summary["fibers"] == {
        "count": 2,
        "candidates": 1,
        "total_km": 350.5,
        "longest_km": 250.5,
        "lit_pairs": 1,
        "max_pairs": 6,
    }
    assert summary["demands"] == {
        "circuits": {"count": 1, "waves": 2, "total_gbps": 800.0},
        # p: ceil(250 / 100) = 3 LSPs; q by its series: ceil(150 / 100) = 2.
        "packet": {"count": 2, "lsps": 5, "mean_gbps": 560.0},
        "transfers": {"count": 1, "flows": 2, "gb_per_day": 1800.0},
        "protection": {"disjoint": 2, "none": 2},
        "with_latency_bound": 2,
    }
    # Groups: 2 fibers, 1 offer, bridge, tunnel. States: no failure, 5 groups, 1 site, 1 pair.
    assert (summary["planning"]["risk_groups"], summary["planning"]["failure_states"]) == (5, 8)


def test_describe_is_strict_json() -> None:
    summary = describe(make_scenario())
    assert json.loads(json.dumps(json_safe(summary), allow_nan=False)) == summary
