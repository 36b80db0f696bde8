"""Generators of demands: training jobs over several sites, and gravity models from site attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from netopt_heur.scenario.origins import great_circle_km
from netopt_heur.scenario.scenario import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netopt_heur.scenario.schema import GravityItem

__all__ = ["gravity_pairs", "job_pairs"]


def job_pairs(pattern: str, names: Sequence[str], sites: Mapping[str, Site]) -> list[tuple[str, str]]:
    """Pairs of sites that a training job connects.

    Parameters
    ----------
    pattern
        ``ring`` in the order given (two sites: one pair), ``mesh``, or ``tree``: the shortest spanning tree by great
        circle, grown from the first site (Prim, 1957), so every pair runs from the root outwards.
    names
        Distinct sites.
    sites
        Their coordinates.
    """
    if pattern == "mesh" or len(names) == 2:
        return list(combinations(names, 2))
    if pattern == "ring":
        return list(zip(names, [*names[1:], names[0]], strict=True))
    nearest = {name: (great_circle_km(sites[names[0]], sites[name]), names[0]) for name in names[1:]}
    pairs = []
    while nearest:
        name = min(nearest, key=lambda other: nearest[other][0])
        pairs.append((nearest.pop(name)[1], name))
        for other, (best_km, _) in nearest.items():
            distance_km = great_circle_km(sites[name], sites[other])
            if distance_km < best_km:
                nearest[other] = (distance_km, name)
    return pairs


def gravity_pairs(item: GravityItem, sites: Mapping[str, Site]) -> list[tuple[str, str, float]]:
    """Pairs of a gravity model and their rates a to b, heaviest first.

    Parameters
    ----------
    item
        The generator; ``from`` and ``to`` default to all routers.
    sites
        All sites.

    Returns
    -------
    list of (a, b, rate in Gb/s)
        Rates sum to ``total_gbps``; empty if no pair has any weight. If both sides have the same weight, each
        unordered pair stands once.
    """
    routers = [name for name, site in sites.items() if site.router]
    senders = sorted(set(item.from_)) if item.from_ is not None else routers
    receivers = sorted(set(item.to)) if item.to is not None else routers
    weight_a, weight_b = _weights(item.weight_a, senders, sites), _weights(item.weight_b, receivers, sites)
    distance_km = _distances_km(senders, receivers, sites)
    weights = np.outer(weight_a, weight_b) / np.maximum(distance_km, 1.0) ** item.distance_exponent
    weights[distance_km < item.min_km] = 0.0
    column_of = {name: column for column, name in enumerate(receivers)}
    row_of = {name: row for row, name in enumerate(senders)}
    for name in set(row_of) & set(column_of):
        weights[row_of[name], column_of[name]] = 0.0
        if item.weight_a == item.weight_b:
            # (A, B) and (B, A) are the same unordered pair: drop the second.
            twins = [column_of[other] for other in senders if other < name and other in column_of]
            twins = [column for column in twins if receivers[column] in row_of]
            weights[row_of[name], twins] = 0.0
    rows, columns = np.nonzero(weights > 0.0)
    order = np.lexsort((columns, rows, -weights[rows, columns]))[: item.count]
    kept = weights[rows[order], columns[order]]
    rates = item.total_gbps * (kept / kept.sum()) if kept.size else kept
    return [
        (senders[row], receivers[column], float(rate))
        for row, column, rate in zip(rows[order], columns[order], rates, strict=True)
    ]


def _weights(attribute: str, names: Sequence[str], sites: Mapping[str, Site]) -> Sequence[float]:
    if attribute == "uniform":
        return [1.0] * len(names)
    return [sites[name].attributes.get(attribute, 0.0) for name in names]


def _distances_km(
    senders: Sequence[str], receivers: Sequence[str], sites: Mapping[str, Site]
) -> NDArray[np.float64]:
    return np.array([[great_circle_km(sites[a], sites[b]) for b in receivers] for a in senders])
