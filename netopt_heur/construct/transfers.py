"""Hourly rates of transfers: fill the valleys of the traffic they will share links with."""

from __future__ import annotations

import numpy as np

from netopt_heur.design import Design
from netopt_heur.evaluator import Evaluator
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


def rescheduled_rates(design: Design) -> dict[int, F64]:
    """Rates that pour every transfer into the room that a plan's links leave by the hour, one after another.

    The level at an hour is the load, without the transfer, over the capacity of the tightest link on its
    primary path.
    """
    instance = design.instance
    evaluator = Evaluator(instance, design.copy())
    rates = dict(design.rates_gbps)
    loads: dict[tuple[int, int], F64] = {}
    for i, lsp in enumerate(instance.lsps):
        path = design.primary[i]
        if lsp.hours is None or not path:
            continue
        hops = _oriented(design, i)
        for hop in hops:
            if hop not in loads:
                loads[hop] = _hourly_peak(evaluator, *hop)
            loads[hop] -= rates[i]
        level = np.max([loads[hop] - evaluator.capacity_gbps(hop[0]) for hop in hops], axis=0)
        rates[i] = pour(level, lsp.hours, lsp.volume_gb / GB_PER_GBPS_HOUR)
        for hop in hops:
            loads[hop] += rates[i]
    return rates


def _oriented(design: Design, lsp: int) -> list[tuple[int, int]]:
    """Links of a primary path with the direction in which the LSP's a-to-b traffic loads them."""
    here, hops = design.instance.lsps[lsp].a, []
    for key in design.primary[lsp] or ():
        link = design.links[key]
        backward = link.a != here
        hops.append((key, int(backward)))
        here = link.a if backward else link.b
    return hops


def _hourly_peak(evaluator: Evaluator, key: int, direction: int) -> F64:
    """Largest load of a link in one direction per UTC hour, no failure; float64[24]."""
    instance, design = evaluator.instance, evaluator.design
    load = np.zeros(instance.samples.shape[2])
    for lsp in evaluator.members(key):
        for hop, walked in _oriented(design, lsp):
            if hop == key:
                load += evaluator.samples[lsp, direction ^ walked]
    peak = np.zeros(24)
    np.maximum.at(peak, instance.sample_hour, load)
    return peak
