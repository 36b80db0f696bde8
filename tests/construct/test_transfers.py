"""Transfers fill the valleys: levels, volumes and windows of the hourly rates."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_heur.construct.transfers import pour, valley_rates
from netopt_heur.instance import build_instance
from netopt_heur.scenario.scenario import Promise, Transfer
from tests.random_scenarios import random_scenario

HOURS = st.lists(st.integers(0, 23), min_size=1, max_size=24, unique=True)
FLOORS = st.lists(st.floats(0.0, 1e4), min_size=24, max_size=24)


@settings(deadline=None, max_examples=200)
@given(HOURS, FLOORS, st.floats(1e-6, 1e6))
def test_water_stands_level(hours: list[int], floor: list[float], volume: float) -> None:
    rates = pour(np.array(floor), tuple(hours), volume)
    assert float(rates.sum()) == pytest.approx(volume, rel=1e-9)
    assert float(rates.sum()) >= volume * (1 - 1e-12)
    assert (rates >= 0.0).all()
    assert not rates[[h for h in range(24) if h not in hours]].any()
    surface = [floor[h] + rates[h] for h in hours if rates[h] > 0.0]
    level = max(surface)
    slack = 1e-9 * (level + volume)
    assert min(surface) >= level - slack
    assert all(floor[h] >= level - slack for h in hours if rates[h] == 0.0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(1, 12))
def test_no_split_on_a_grid_has_a_lower_peak(heights: list[int], volume: int) -> None:
    """Every way of splitting the volume in whole units peaks at least as high."""
    floor = np.zeros(24)
    floor[: len(heights)] = heights
    hours = tuple(range(len(heights)))
    rates = pour(floor, hours, float(volume))
    peaks = [
        max(h + x for h, x in zip(heights, split, strict=True))
        for split in product(range(volume + 1), repeat=len(heights))
        if sum(split) == volume
    ]
    assert max((floor + rates)[list(hours)]) <= min(peaks) + 1e-9


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_every_transfer_is_delivered_inside_its_window(seed: int, direction: str) -> None:
    base = random_scenario(seed)
    transfers = (
        Transfer("night", "s1", ("s0", "s4"), 4.5e4, 23.0, 4.0, direction, Promise()),  # type: ignore[arg-type]
        Transfer("always", "s2", ("s3",), 1e-3, 7.0, 7.0, direction, Promise()),  # type: ignore[arg-type]
    )
    instance = build_instance(replace(base, transfers=transfers))
    rates = valley_rates(instance)
    flows = {lsp.id: rates[i] for i, lsp in enumerate(instance.lsps) if i in rates}
    assert set(flows) == {"night/s0", "night/s4", "always/s3"}
    offset = {site.id: site.utc_offset for site in base.sites}
    for transfer in transfers:
        for target in transfer.targets:
            rate = flows[transfer.flow_id(target)]
            assert rate.sum() * 450.0 == pytest.approx(transfer.volume_gb, rel=1e-9)
            width = (transfer.window_end - transfer.window_start) % 24 or 24.0
            for hour in np.flatnonzero(rate):
                # the whole UTC hour lies in the local window
                into = (hour + offset[target] - transfer.window_start) % 24
                assert into + 1.0 <= width + 1e-9


def test_busy_hours_are_avoided() -> None:
    floor = np.full(24, 100.0)
    floor[3] = 10.0
    rates = pour(floor, (2, 3, 4), 60.0)
    assert rates[3] == pytest.approx(60.0)
    assert rates[2] == rates[4] == 0.0
    rates = pour(floor, (2, 3, 4), 120.0)
    assert rates[3] == pytest.approx(100.0)
    assert rates[2] == pytest.approx(10.0)
