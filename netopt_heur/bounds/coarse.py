"""A bound in seconds for networks too large for the whole relaxation: totals over the network.

A linear program with a column per line mode, not per fiber: channels, their regenerators and their km. Why
its rows hold is in ``docs/bounds.md``, "Large networks".
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from netopt_heur.bounds.program import F64, Program
from netopt_heur.bounds.traffic import SAFETY, smallest_mean
from netopt_heur.distances import distances
from netopt_heur.instance import I64, Instance
from netopt_kernels.modules import cheapest_modules

TANGENTS = 40  # rows that describe how much traffic takes links of its own
SOLVE_S = 10.0


@dataclass(frozen=True)
class _Totals:
    """What the demands ask of the network as a whole, in one set of samples.

    Attributes
    ----------
    pair_gbps
        float64[n_pairs], both directions of each two sites' traffic, largest first.
    site_gbps
        float64[n_sites], own traffic in the busier direction.
    gbps_km
        Over all LSPs, the mean of both directions times the least fiber km between the ends.
    """

    pair_gbps: F64
    site_gbps: F64
    gbps_km: float


@dataclass(frozen=True)
class _Ends:
    """Kinds of channels: usable Gb/s, and least cost of one end (port, share of chassis, transponder)."""

    gbps: F64
    worth: F64


def coarse_bound(instance: Instance) -> float:
    """Lower bound on the cost of every plan, from totals; cost units.

    Examples
    --------
    >>> from netopt_heur import load_scenario
    >>> from netopt_heur.instance import build_instance
    >>> 0.0 < coarse_bound(build_instance(load_scenario("configs/tiny_lease_or_light.yaml"))) <= 57.5
    True
    """
    circuits = _circuit_transponders(instance)
    if not instance.lsps:
        return circuits
    totals, ends, lit = _totals(instance), _ends(instance), _least_lighting(instance)
    if not len(ends.gbps):
        return circuits
    return circuits + max(_by_site(ends, totals) + lit, _by_totals(instance, ends, totals, lit))


def _totals(instance: Instance) -> _Totals:
    """Totals in the busiest set of samples; transfers, whose hours are free, are left out."""
    chosen, count = _busiest(instance)
    means = SAFETY * smallest_mean(instance.samples[:, :, chosen], count)
    a = np.array([lsp.a for lsp in instance.lsps], dtype=np.int64)
    b = np.array([lsp.b for lsp in instance.lsps], dtype=np.int64)
    n = len(instance.site_ids)
    out = np.bincount(a, means[:, 0], n) + np.bincount(b, means[:, 1], n)
    into = np.bincount(a, means[:, 1], n) + np.bincount(b, means[:, 0], n)
    both = means.sum(axis=1)
    pair, which = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
    pair_gbps = np.zeros(len(pair)) + np.bincount(which, both, len(pair))
    pair_gbps[::-1].sort()
    km = distances(instance.graph, instance.length_km)[a, b]
    gbps_km = float(both @ np.where(np.isfinite(km), km, 0.0)) / 2.0
    return _Totals(pair_gbps, np.maximum(out, into), gbps_km)


def _busiest(instance: Instance) -> tuple[I64, int]:
    """The samples of an hour, or its busiest one where no sample may be clipped; how many smallest count."""
    total = instance.samples.sum(axis=(0, 1))
    start, best, best_gbps = instance.group_start, (np.arange(len(total)), 1), -1.0
    for first, end, rank in zip(start[:-1].tolist(), start[1:].tolist(), instance.rank_normal, strict=True):
        chosen, count = np.arange(first, end), int(rank)
        if count == end - first:
            chosen, count = chosen[[int(np.argmax(total[first:end]))]], 1
        gbps = float(smallest_mean(total[chosen], count))
        if gbps > best_gbps:
            best, best_gbps = (chosen, count), gbps
    return best


def _ends(instance: Instance) -> _Ends:
    modes, share = instance.modes, instance.scenario.policy.max_utilisation
    steps = instance.scenario.catalogue.chassis
    per_gbps = min((instance.worth(c.price) / c.capacity_gbps for c in steps), default=0.0)
    kinds = [
        (float(rate), float(worth + port + per_gbps * rate))
        for rate, worth, port in zip(modes.rate_gbps, modes.worth, modes.port_worth, strict=True)
    ]
    for offer in instance.offers:
        for rate, worth in zip(offer.rates_gbps, offer.unit_worth, strict=True):
            ports = instance.scenario.catalogue.ports
            port = min((instance.worth(p.price) for p in ports if p.rate_gbps >= rate), default=math.inf)
            kinds.append((rate, worth / 2.0 + port + per_gbps * rate))
    usable = [kind for kind in kinds if math.isfinite(kind[1])]
    columns = np.array(usable, dtype=np.float64).reshape(-1, 2).T
    return _Ends(columns[0] * share, columns[1].copy())


def _by_site(ends: _Ends, totals: _Totals) -> float:
    """Each site's own traffic needs whole channels that end there."""
    least: dict[float, float] = {}
    for gbps, worth in zip(ends.gbps.tolist(), ends.worth.tolist(), strict=True):
        least[gbps] = min(worth, least.get(gbps, math.inf))
    rates, worths = np.array(list(least)), np.array(list(least.values()))
    per_gbps = float((worths / rates).min())
    unit = float(rates.min()) / 8.0
    # rates rounded up to whole units only make covering cheaper
    units = np.ceil(rates / unit - 1e-9)
    total = 0.0
    for need in totals.site_gbps.tolist():
        covered = cheapest_modules(need / unit, units, worths, 1.0)[1] if need > 0.0 else 0.0
        total += max(per_gbps * need, covered)
    return total


def _by_totals(instance: Instance, ends: _Ends, totals: _Totals, lit: float) -> float:
    modes, spectrum, program = instance.modes, instance.scenario.spectrum, Program()
    share = instance.scenario.policy.max_utilisation
    fiber, pair_km = program.column(1.0), program.column()
    length = np.maximum(instance.length_km, 1e-9)
    per_pair_km = float((instance.pair_worth / length).min(initial=math.inf))
    if math.isfinite(per_pair_km):  # there are fibers
        program.at_least([(fiber, 1.0), (pair_km, -per_pair_km)], 0.0)
    program.at_least([(fiber, 1.0)], lit)
    ports = np.isfinite(modes.port_worth)
    channels = [program.column(2.0 * float(w)) for w in ends.worth]
    farthest_km = float(instance.length_km.sum())
    reached, slots = [], [(pair_km, float(spectrum.slots))]
    for column, mode in zip(channels, np.flatnonzero(ports).tolist(), strict=False):
        regens, km = program.column(float(modes.regenerator_worth[mode])), program.column()
        reach_km = float(modes.reach_km[mode])
        program.at_least([(column, reach_km), (regens, reach_km), (km, -1.0)], 0.0)
        reached.append((km, share * float(modes.rate_gbps[mode])))
        slots.append((km, -float(modes.slots[mode])))
    n_fiber = int(np.count_nonzero(ports))
    for column, gbps in zip(channels[n_fiber:], ends.gbps[n_fiber:].tolist(), strict=True):
        reached.append((column, gbps * farthest_km))  # a wave offer may span any distance
    program.at_least(reached, totals.gbps_km)
    program.at_least(slots, -float(instance.lit_pairs @ instance.length_km) * spectrum.slots)
    own, pairs = float(totals.site_gbps.sum()), totals.pair_gbps
    capacity = [(column, 2.0 * gbps) for column, gbps in zip(channels, ends.gbps.tolist(), strict=True)]
    for i in np.unique(np.linspace(0, len(pairs) - 1, TANGENTS).astype(np.int64)).tolist():
        slope = float(pairs[i])
        direct = [(column, slope) for column in channels]
        program.at_least([*capacity, *direct], own + float(pairs[i:].sum()) + slope * i)
    program.at_least(capacity, own)
    solved = program.solve(SOLVE_S)
    return 0.0 if solved is None else solved[0]


def _least_lighting(instance: Instance) -> float:
    """Cost of the pairs that every site with traffic needs beside it: two ways where it is protected."""
    if instance.offers:
        return 0.0
    ways: Counter[int] = Counter()
    cuts = instance.scenario.policy.failures.srlgs
    for lsp in instance.lsps:
        needed = 2 if cuts and lsp.promise.protection != "none" else 1
        for site in (lsp.a, lsp.b):
            ways[site] = max(ways[site], needed)
    fresh = instance.pair_worth + np.where(instance.candidate, instance.build_worth, 0.0)
    price = np.where((instance.lit_pairs > 0) & ~instance.candidate, 0.0, fresh)
    total = 0.0
    for site, needed in ways.items():
        beside = (instance.fiber_a == site) | (instance.fiber_b == site)
        total += float(np.sort(price[beside])[:needed].sum()) / 2.0  # a fiber stands beside two sites
    return total


def _circuit_transponders(instance: Instance) -> float:
    """Least cost of the channels of all circuits; no other demand uses them."""
    modes, total = instance.modes, 0.0
    for circuit in instance.circuits:
        if any(circuit.a in (o.a, o.b) or circuit.b in (o.a, o.b) for o in instance.offers):
            continue  # it may be leased
        waves = np.floor(modes.rate_gbps / circuit.wave_gbps + 1e-9)
        per_wave = np.where(waves >= 1, 2.0 * modes.worth / np.maximum(waves, 1), math.inf)
        legs = 2 if circuit.promise.protection == "disjoint" else 1
        total += legs * circuit.waves * float(per_wave.min(initial=math.inf))
    return total if math.isfinite(total) else 0.0
