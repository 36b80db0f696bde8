"""Cut-set inequalities: what must cross a cut of the routers, rounded to whole channels.

A link's capacity is at least the trimmed mean of its load, and loads on the links of a cut add up to at
least the demand
across it. The step from there to whole channels is mixed-integer rounding (Nemhauser and Wolsey, 1990): for
``sum r_i n_i >= d`` and a divisor ``c`` with ``f = frac(d / c) > 0``,
``sum (floor(r_i / c) + min(1, frac(r_i / c) / f)) n_i >= ceil(d / c)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from netopt_heur.exact.limits import Check
from netopt_heur.exact.linear import F64

if TYPE_CHECKING:
    from netopt_heur.exact.milp import Model

WHOLE = 1e-7  # slack before a fraction counts: demands are sums of floats
MOST_ROUTERS = 6  # with more, only cuts around one or two routers: they bind most, and there are few


def add_cut_sets(model: Model, check: Check) -> None:
    """Add rounded cuts of sets of routers in every failure state."""
    instance, links = model.instance, model.candidates.links
    if not links:
        return
    routers = sorted({s for link in links for s in (link.a, link.b)})
    share = instance.scenario.policy.max_utilisation
    rates = sorted({k.rate_gbps for link in links for k in link.legs[0].kinds})
    capacity = [model.capacity(link) for link in range(len(links))]
    seen: set[tuple[tuple[int, ...], float]] = set()
    for cut in _cuts(routers):
        check()
        crossing = [i for i, link in enumerate(links) if (link.a in cut) != (link.b in cut)]
        for state in range(len(instance.state_names)):
            need_gbps = _crossing_gbps(model, cut, state) / share
            if need_gbps <= 0.0:
                continue
            up = tuple(i for i in crossing if not links[i].down_states >> state & 1)
            if any(known == up and need_gbps <= most for known, most in seen):
                continue
            seen.add((up, need_gbps))
            terms = [term for i in up for term in capacity[i]]
            for divisor in rates:
                _add_rounded(model, terms, need_gbps, divisor)


def _cuts(routers: list[int]) -> Iterator[frozenset[int]]:
    largest = len(routers) // 2 if len(routers) <= MOST_ROUTERS else 2
    for size in range(1, largest + 1):
        for members in combinations(routers, size):
            yield frozenset(members)


def _crossing_gbps(model: Model, cut: frozenset[int], state: int) -> float:
    """Least capacity that the demands across a cut take in a failure state."""
    instance = model.instance
    rank = instance.rank_failure if state else instance.rank_normal
    found = False
    ends_down = _sites_down(model, state)
    trimmed: list[list[F64]] = [[], []]
    for i, lsp in enumerate(instance.lsps):
        if (lsp.a in cut) == (lsp.b in cut) or lsp.hours is not None:
            continue
        if state and (lsp.promise.protection == "none" or lsp.a in ends_down or lsp.b in ends_down):
            continue
        found = True
        first = 0 if lsp.a in cut else 1
        trimmed[0].append(instance.samples[i, first])
        trimmed[1].append(instance.samples[i, 1 - first])
    if not found:
        return 0.0
    need = 0.0
    for rows in trimmed:
        stack = np.array(rows)
        for g, (start, stop) in enumerate(
            zip(instance.group_start[:-1].tolist(), instance.group_start[1:].tolist(), strict=True)
        ):
            j = int(rank[g])
            need = max(need, float(np.sort(stack[:, start:stop], axis=1)[:, :j].sum()) / j)
    return need


def _sites_down(model: Model, state: int) -> set[int]:
    instance = model.instance
    down = instance.state_components[state]
    return {s for s in range(len(instance.site_ids)) if instance.site_component(s) & down}


def _add_rounded(model: Model, terms: list[tuple[int, float]], need: float, divisor: float) -> None:
    units = need / divisor
    whole = math.floor(units + WHOLE)
    part = units - whole
    if part <= WHOLE:
        # a whole number of units (or just below): plain rounding says no more than the cut itself
        return
    coefficient = {}
    for rate in {rate for _, rate in terms}:
        full = math.floor(rate / divisor + 1e-12)
        coefficient[rate] = full + min(1.0, max(0.0, rate / divisor - full) / part)
    model.program.at_least([(column, coefficient[rate]) for column, rate in terms], float(whole + 1))
