"""Hourly rates of transfers: fill the valleys of the traffic they will share links with."""

from __future__ import annotations

import numpy as np

from netopt_heur.instance import F64, GB_PER_GBPS_HOUR, Instance

SAFETY = 1.0 + 1e-12  # keeps rounding from leaving a byte behind


def valley_rates(instance: Instance) -> dict[int, F64]:
    """Rates by UTC hour for every transfer's LSP, shape (24,), Gb/s.

    Water filling: the volume is poured over the hourly mean of the packet traffic that ends at the far
    site, so the sum is as level as the window allows.
    """
    by_hour = _hourly_mean(instance)
    local: dict[int, F64] = {}
    for i, lsp in enumerate(instance.lsps):
        if lsp.hours is None:
            for site in (lsp.a, lsp.b):
                local[site] = local.get(site, np.zeros(24)) + by_hour[i]
    rates = {}
    for i, lsp in enumerate(instance.lsps):
        if lsp.hours is None:
            continue
        floor = np.minimum(local.get(lsp.a, np.zeros(24)), local.get(lsp.b, np.zeros(24)))
        rates[i] = pour(floor, lsp.hours, lsp.volume_gb / GB_PER_GBPS_HOUR)
    return rates


def pour(floor_gbps: F64, hours: tuple[int, ...], volume_gbps_hours: float) -> F64:
    """Rates that raise ``floor_gbps`` to one level over ``hours`` and sum to ``volume_gbps_hours``."""
    window = np.array(hours, dtype=np.int64)
    heights = np.sort(floor_gbps[window])
    filled = np.cumsum(heights)
    # the level over the n lowest hours; n is the largest whose highest hour lies below the level
    counts = np.arange(1, len(window) + 1)
    levels = (volume_gbps_hours + filled) / counts
    n = int(np.flatnonzero(levels >= heights)[-1])
    rates = np.zeros(24)
    rates[window] = np.maximum(0.0, levels[n] - floor_gbps[window])
    rates *= volume_gbps_hours / float(rates.sum()) * SAFETY
    return rates


def _hourly_mean(instance: Instance) -> F64:
    """Mean load per LSP and UTC hour, both directions together; float64[n_lsp, 24]."""
    mean = np.zeros((len(instance.lsps), 24))
    both = instance.samples.sum(axis=1)
    for hour in range(24):
        mask = instance.sample_hour == hour
        if mask.any():
            mean[:, hour] = both[:, mask].mean(axis=1)
    return mean
