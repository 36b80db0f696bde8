"""Limits of time that leave some for what follows."""

from __future__ import annotations

from netopt_heur.stop import FirstOf, MaxGenerations, MaxRuntime


def test_a_reserve_brings_the_limit_forward() -> None:
    stop = FirstOf(MaxGenerations(3), MaxRuntime(60.0))
    assert not stop(0)
    stop.reserve(61.0)
    assert stop(0)
    assert stop.reason == "time_limit"
    stop.reserve(1.0)
    assert not stop(0)
    assert stop(3)
    assert stop.reason == "generations"
