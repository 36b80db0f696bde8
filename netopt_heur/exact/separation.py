"""Cuts around sets of sites that a point of :mod:`~netopt_heur.exact.equipment` violates.

For a set of sites and a failure state, where an LSP that must be up has one end inside and one outside:

- a link that is up crosses, and so does a lit fiber or a used wave offer that is up;
- a link that is up crosses with room for that LSP, whatever else it holds;
- links that are up hold what must cross, rounded to whole channels of each rate (see ``cuts``);
- over all states: two links cross, or one that no group takes down, and likewise fibers and offers; disjoint
  paths cross by two links in any case, since a link of two routes is on one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from netopt_heur.exact.crossing import Bools, counted_lsps, crossing_demand, site_sets
from netopt_heur.exact.equipment import Equipment
from netopt_heur.exact.whole_lsps import WHOLE
from netopt_heur.instance import F64, Instance

Terms = list[tuple[int, float]]
Found = tuple[float, Callable[[], tuple[Terms, float]]]  # violation; the row, when it is wanted
VIOLATED = 1e-4
MOST_ROWS = 400  # per call: the most violated


class Separator:
    """Finds violated cuts; all sets of a small network are looked at in one go.

    Parameters
    ----------
    equipment
        Gets the rows.
    """

    def __init__(self, equipment: Equipment) -> None:
        self.equipment, instance = equipment, equipment.instance
        inside = site_sets(len(instance.site_ids))
        self.demand = crossing_demand(instance, inside)
        links, states = equipment.links, range(len(instance.state_names))
        fibers = list(zip(instance.fiber_a.tolist(), instance.fiber_b.tolist(), strict=True))
        self.links = _across(inside, [(x.a, x.b) for x in links])
        self.ways = _across(inside, fibers + [(x.a, x.b) for x in instance.offers])
        self.link_up = np.array([[not x.down_states >> s & 1 for x in links] for s in states], dtype=np.bool_)
        self.way_up = np.array([_ways_up(instance, s) for s in states], dtype=np.bool_)
        groups = [s for s in states if s and not instance.state_components[s] >> instance.n_groups]
        # weight 2: no group takes it down, so one is enough
        self.link_weight = np.where((~self.link_up[groups]).any(axis=0), 1.0, 2.0)
        self.way_weight = np.where((~self.way_up[groups]).any(axis=0), 1.0, 2.0)
        self._lsps()
        self._capacity()
        self._known: set[tuple[tuple[tuple[int, float], ...], float]] = set()

    def _lsps(self) -> None:
        instance = self.equipment.instance
        self.lsps = _across(self.demand.inside, [(x.a, x.b) for x in instance.lsps])
        self.must = np.array([counted_lsps(instance, s) for s in range(len(self.link_up))], dtype=np.bool_)
        self.protected = np.array([x.promise.protection != "none" for x in instance.lsps], dtype=np.bool_)
        disjoint = np.array([x.promise.protection == "disjoint" for x in instance.lsps], dtype=np.bool_)
        self.apart: Bools = np.asarray((self.lsps & disjoint).any(axis=1))
        mask = instance.group_mask
        shared = [any(leg & mask for leg in x.components) for x in self.equipment.links]
        self.apart_weight = np.where(shared, 1.0, 2.0)
        parts = [*instance.fiber_components, *(x.components for x in instance.offers)]
        self.apart_way_weight = np.where([bool(part & mask) for part in parts], 1.0, 2.0)

    def _capacity(self) -> None:
        model = self.equipment.model
        terms = [model.capacity(i) for i in range(len(self.equipment.links))]
        self.terms, self.share = terms, self.equipment.instance.scenario.policy.max_utilisation
        self.rates = sorted({gbps for link in terms for _, gbps in link})
        self.channels = [[[c for c, r in link if r == rate] for link in terms] for rate in self.rates]

    def add_violated(self, x: F64) -> int:
        """Add the most violated cuts at a point; returns how many."""
        found = sorted(self._found(x), key=lambda cut: -cut[0])
        added = 0
        for _, make in found[:MOST_ROWS]:
            terms, lower = make()
            key = (tuple(terms), lower)
            if key not in self._known:
                self._known.add(key)
                self.equipment.program.at_least(terms, lower)
                added += 1
        return added

    def forget(self) -> None:
        """Forget what was added: rows may have been dropped since."""
        self._known.clear()

    def _found(self, x: F64) -> Iterator[Found]:
        open_links = _Crossers(self.equipment.open, np.zeros(len(self.equipment.open)), self.links)
        ways = _Crossers(*self._way_columns(), self.ways)
        protected: Bools = np.asarray((self.lsps & self.protected).any(axis=1))
        for crossers, up, weight, apart_weight in (
            (open_links, self.link_up, self.link_weight, self.apart_weight),
            (ways, self.way_up, self.way_weight, self.apart_way_weight),
        ):
            for state, is_up in enumerate(up):
                yield from crossers.short(x, self.demand.connected[:, state], is_up.astype(np.float64), 1.0)
            yield from crossers.short(x, protected, weight, 2.0)
            yield from crossers.short(x, self.apart, apart_weight, 2.0)
        for gbps, columns in self.equipment.fat.items():
            fat = _Crossers(columns, open_links.fixed, self.links)
            large = self.equipment.need_gbps >= gbps * (1.0 - WHOLE)
            for state, is_up in enumerate(self.link_up):
                must = (self.lsps & self.must[state] & large[int(state > 0)]).any(axis=1)
                yield from fat.short(x, must, is_up.astype(np.float64), 1.0)
            must = (self.lsps & self.protected & large[1]).any(axis=1)
            yield from fat.short(x, must, self.link_weight, 2.0)
        for state, is_up in enumerate(self.link_up):
            yield from self._loads(x, self.links & is_up, self.demand.need_gbps[:, state] / self.share)

    def _way_columns(self) -> tuple[list[int], F64]:
        """Column of each fiber and wave offer, -1 where there is none, and what counts without."""
        equipment, n_fibers = self.equipment, len(self.equipment.instance.fiber_ids)
        columns = [equipment.lit.get(f, -1) for f in range(n_fibers)] + equipment.model.offer_used
        fixed = np.zeros(len(columns))
        fixed[:n_fibers] = equipment.instance.lit_pairs > 0
        return columns, fixed

    def _loads(self, x: F64, across: Bools, need: F64) -> Iterator[Found]:
        """Rounded covers of what must cross in one state."""
        held = [across @ np.array([float(x[c].sum()) for c in by_link]) for by_link in self.channels]
        for divisor in self.rates:
            units = need / divisor
            whole = np.floor(units + WHOLE)
            part = units - whole
            rounds = part > WHOLE
            lower = np.where(rounds, whole + 1.0, units)
            value = np.zeros(len(need))
            for rate, count in zip(self.rates, held, strict=True):
                value += count * np.where(rounds, _rounded(rate, divisor, part), rate / divisor)
            for s in np.flatnonzero((need > 0.0) & (value < lower * (1.0 - VIOLATED))).tolist():
                missing = 1.0 - float(value[s] / lower[s])
                yield missing, self._load_row(across[s], divisor, float(part[s]), float(lower[s]))

    def _load_row(
        self, across: Bools, divisor: float, part: float, lower: float
    ) -> Callable[[], tuple[Terms, float]]:
        def row() -> tuple[Terms, float]:
            factor = {
                rate: float(_rounded(rate, divisor, np.array(part))) if part > WHOLE else rate / divisor
                for rate in self.rates
            }
            links = np.flatnonzero(across).tolist()
            return [(c, factor[rate]) for link in links for c, rate in self.terms[link]], lower

        return row


@dataclass(frozen=True)
class _Crossers:
    """What may cross sets of sites: columns (-1: none), what counts without, and which sets each crosses."""

    columns: list[int]
    fixed: F64
    across: Bools

    def short(self, x: F64, must: Bools, weight: F64, lower: float) -> Iterator[Found]:
        """Sets that must be crossed but whose crossers weigh less than ``lower``."""
        value = np.array([x[c] if c >= 0 else 0.0 for c in self.columns]) + self.fixed
        weighs = self.across @ (weight * value)
        for s in np.flatnonzero(must & (weighs < lower - VIOLATED)).tolist():
            yield lower - float(weighs[s]), self._row(self.across[s], weight, lower)

    def _row(self, across: Bools, weight: F64, lower: float) -> Callable[[], tuple[Terms, float]]:
        def row() -> tuple[Terms, float]:
            members = np.flatnonzero(across & (weight > 0.0)).tolist()
            terms = [(self.columns[i], float(weight[i])) for i in members if self.columns[i] >= 0]
            return terms, lower - float((weight * self.fixed)[across].sum())

        return row


def _across(inside: Bools, ends: list[tuple[int, int]]) -> Bools:
    at = np.array(ends, dtype=np.int64).reshape(-1, 2)
    return np.asarray(inside[:, at[:, 0]] != inside[:, at[:, 1]])


def _rounded(rate: float, divisor: float, part: F64) -> F64:
    """Coefficient of mixed-integer rounding."""
    full = math.floor(rate / divisor + 1e-12)
    fraction = max(0.0, rate / divisor - full)
    return np.asarray(full + np.minimum(1.0, fraction / np.maximum(part, WHOLE)))


def _ways_up(instance: Instance, state: int) -> list[bool]:
    """Whether a route over each fiber, and each wave offer, can be up in a failure state."""
    down = instance.state_components[state]
    ends = [
        instance.site_component(int(a)) | instance.site_component(int(b))
        for a, b in zip(instance.fiber_a, instance.fiber_b, strict=True)
    ]
    fibers = [
        not (own | sites) & down and bool(most > 0)
        for own, sites, most in zip(instance.fiber_components, ends, instance.max_pairs, strict=True)
    ]
    return fibers + [not offer.components & down for offer in instance.offers]
