"""Generators of demands: training jobs over several sites, and gravity models from site attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from netopt_heur.scenario.origins import EARTH_RADIUS_KM, great_circle_km
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
        ``ring`` in the order given (two sites: one pair), ``mesh``, or ``tree``: the shortest spanning tree
        by great circle, grown from the first site (Prim, 1957), so every pair runs from the root outwards.
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
    number = {name: index for index, name in enumerate(sorted(sites))}
    index_a = np.array([number[name] for name in senders])
    index_b = np.array([number[name] for name in receivers])
    weights[index_a[:, None] == index_b[None, :]] = 0.0
    if item.weight_a == item.weight_b:
        # (A, B) and (B, A) are the same unordered pair: where both can be had, only the first counts.
        twice = np.isin(index_a, index_b)[:, None] & np.isin(index_b, index_a)[None, :]
        weights[twice & (index_a[:, None] > index_b[None, :])] = 0.0
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
    """Great-circle distances (haversine formula), shape (senders, receivers)."""
    lat_a, lon_a = (np.radians([getattr(sites[name], key) for name in senders]) for key in ("lat", "lon"))
    lat_b, lon_b = (np.radians([getattr(sites[name], key) for name in receivers]) for key in ("lat", "lon"))
    half_lat = np.sin((lat_b[None, :] - lat_a[:, None]) / 2)
    half_lon = np.sin((lon_b[None, :] - lon_a[:, None]) / 2)
    h = half_lat**2 + np.outer(np.cos(lat_a), np.cos(lat_b)) * half_lon**2
    distance_km: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1.0, h)))
    return distance_km
