"""What single LSPs ask of a link: one takes one path, so what is enough in all may not do for it."""

from __future__ import annotations

import math

import numpy as np

from netopt_heur.instance import F64, Instance

WHOLE = 1e-7  # a load this little above a whole number of channels fits them


def least_capacities(instance: Instance) -> F64:
    """Capacity that each LSP asks of a link by itself, Gb/s; transfers, whose rates are free, none."""
    found = np.zeros((2, len(instance.lsps)))
    start = instance.group_start
    for row, rank in zip(found, (instance.rank_normal, instance.rank_failure), strict=True):
        for g, j in enumerate(rank.tolist()):
            block = instance.samples[:, :, start[g] : start[g + 1]]
            np.maximum(row, np.partition(block, j - 1, axis=2)[:, :, j - 1].max(axis=1), out=row)
    return found / instance.scenario.policy.max_utilisation


def whole_channels(need_gbps: F64, rates: list[float]) -> F64:
    """Needs rounded up to what channels can add up to: fewer different ones."""
    if any(rate != int(rate) for rate in rates):
        return need_gbps
    unit = float(np.gcd.reduce(np.array(rates, dtype=np.int64)))
    return np.asarray(np.maximum(np.ceil(need_gbps / unit - WHOLE) * unit, rates[0]))


def rounded_needs(
    terms: list[tuple[int, float]], need: float, rates: list[float]
) -> list[tuple[list[tuple[int, float]], float]]:
    """Rows ``terms >= need`` rounded to whole channels of each rate, no coefficient above the whole."""
    rows, known = [], set()
    for divisor in rates:
        units = need / divisor
        whole = math.ceil(units - WHOLE)
        part = units - math.floor(units + WHOLE)
        part = part if part > WHOLE else 1.0
        row = []
        for column, gbps in terms:
            full = math.floor(gbps / divisor + 1e-12)
            value = full + min(1.0, max(0.0, gbps / divisor - full) / part)
            row.append((column, min(float(whole), value)))
        key = tuple(value / whole for _, value in row)
        if key not in known:
            known.add(key)
            rows.append((row, float(whole)))
    return rows
