"""The exact model: columns and rows of docs/exact.md for one set of candidates.

Spectrum is counted here (slots per fiber); ``spectrum`` settles which slots.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from netopt_heur.evaluator import waves_carried
from netopt_heur.exact.candidates import Candidates
from netopt_heur.exact.capacity import CapacityRow, add_capacity_rows
from netopt_heur.exact.cuts import add_cut_sets
from netopt_heur.exact.legs import Leg
from netopt_heur.exact.limits import Check, Strengthening, no_limit
from netopt_heur.exact.linear import I32, Program
from netopt_heur.exact.spectrum import IndexColumns
from netopt_heur.instance import GB_PER_GBPS_HOUR, Instance


@dataclass(frozen=True, slots=True)
class LegUse:
    """A leg as used by one link or circuit, with a column per kind of channel."""

    leg: Leg
    columns: tuple[int, ...]


@dataclass
class Model:
    """The program and where each decision stands in it."""

    candidates: Candidates
    program: Program
    strengthening: Strengthening
    link_legs: list[tuple[LegUse, ...]] = field(default_factory=list)
    circuit_legs: list[tuple[LegUse, ...]] = field(default_factory=list)
    options: list[tuple[int, ...]] = field(default_factory=list)  # per demand
    circuit_options: list[tuple[int, ...]] = field(default_factory=list)
    rates: list[dict[tuple[int, int], int]] = field(default_factory=list)  # per demand: (option, hour)
    new_pairs: list[int] = field(default_factory=list)
    built: dict[int, int] = field(default_factory=dict)
    offer_used: list[int] = field(default_factory=list)
    regen_open: dict[int, int] = field(default_factory=dict)
    chassis: dict[int, tuple[int, list[int]]] = field(default_factory=dict)
    capacity_rows: list[CapacityRow] = field(default_factory=list)
    aggregates: dict[tuple[int, ...], int] = field(default_factory=dict)
    link_users: list[list[tuple[int, int, int, bool]]] = field(default_factory=list)
    n_clipped: int = 0
    index: IndexColumns | None = None
    lights: dict[tuple[int, int], int] = field(default_factory=dict)  # (fiber, new pair)
    room: dict[tuple[int, int, int], int] = field(default_factory=dict)  # (fiber, width, pair)
    _rate_columns: dict[int, I32] = field(default_factory=dict)

    @property
    def instance(self) -> Instance:
        """The problem."""
        return self.candidates.instance

    def rate_columns(self, demand: int) -> I32:
        """Columns of a transfer's rates, -1 outside of its window; int32[24, n_options]."""
        if demand not in self._rate_columns:
            table = np.full((24, len(self.options[demand])), -1, dtype=np.int32)
            for (option, hour), column in self.rates[demand].items():
                table[hour, option] = column
            self._rate_columns[demand] = table
        return self._rate_columns[demand]

    def uses(self) -> list[LegUse]:
        """Every leg of every link and circuit."""
        return [use for legs in (*self.link_legs, *self.circuit_legs) for use in legs]

    def capacity(self, link: int) -> list[tuple[int, float]]:
        """Terms of a link's capacity in Gb/s."""
        use = self.link_legs[link][0]
        return [(c, kind.rate_gbps) for c, kind in zip(use.columns, use.leg.kinds, strict=True)]


def build_model(
    candidates: Candidates, strengthening: Strengthening | None = None, check: Check = no_limit
) -> Model:
    """Write the whole program, spectrum counted.

    Parameters
    ----------
    candidates
        What may be chosen.
    strengthening
        What tightens the model beyond its definition; all of it by default.
    check
        Raises TimeoutError when time is up.
    """
    model = Model(candidates, Program(), strengthening or Strengthening())
    _add_legs(model)
    _add_fibers(model)
    _add_offers(model)
    _add_regen_sites(model)
    _add_chassis(model)
    _add_demands(model)
    _add_circuits(model)
    check()
    _add_link_users(model)
    if model.strengthening.fiber_rows:
        _add_fiber_rows(model)
    add_capacity_rows(model, check)
    if model.strengthening.cut_sets:
        add_cut_sets(model, check)
    return model


def _add_legs(model: Model) -> None:
    peak_gbps = _peak_load(model.instance)
    utilisation = model.instance.scenario.policy.max_utilisation
    for i, link in enumerate(model.candidates.links):
        uses = []
        for j, leg in enumerate(link.legs):
            need_gbps = peak_gbps / utilisation
            uses.append(_add_leg(model, leg, f"n{i}_{j}", ports=j == 0, need_gbps=need_gbps))
        model.link_legs.append(tuple(uses))
        if len(uses) == 2:
            _add_equal_rates(model, uses[0], uses[1])
    for i, choice in enumerate(model.candidates.circuits):
        demand = model.instance.circuits[i]
        need = demand.waves * demand.wave_gbps
        model.circuit_legs.append(
            tuple(
                _add_leg(model, leg, f"c{i}_{j}", ports=False, need_gbps=need)
                for j, leg in enumerate(choice.legs)
            )
        )


def _add_leg(model: Model, leg: Leg, name: str, *, ports: bool, need_gbps: float) -> LegUse:
    instance, columns = model.instance, []
    for k, kind in enumerate(leg.kinds):
        if leg.offer >= 0:
            most = float(instance.offers[leg.offer].max_units)
        else:
            per_pair = instance.scenario.spectrum.slots // kind.slots
            most = float(per_pair * min(int(instance.max_pairs[f]) for f in leg.fibers))
        # no optimal plan holds more channels of a kind than carry everything (waves round down: twice that)
        most = min(most, 2.0 * math.ceil(need_gbps / kind.rate_gbps) + 1.0)
        cost = kind.worth + (2 * kind.port_worth if ports else 0.0)
        columns.append(model.program.column(f"{name}_{k}", cost, most))
    return LegUse(leg, tuple(columns))


def _peak_load(instance: Instance) -> float:
    peak = float(instance.samples.max(axis=(1, 2), initial=0.0).sum())
    return peak + sum(lsp.volume_gb / GB_PER_GBPS_HOUR for lsp in instance.lsps if lsp.hours is not None)


def _add_equal_rates(model: Model, first: LegUse, second: LegUse) -> None:
    rates = sorted({kind.rate_gbps for use in (first, second) for kind in use.leg.kinds})
    for rate in rates:
        terms = [
            (column, sign)
            for use, sign in ((first, 1.0), (second, -1.0))
            for column, kind in zip(use.columns, use.leg.kinds, strict=True)
            if kind.rate_gbps == rate
        ]
        model.program.equal(terms, 0.0)


def _add_fibers(model: Model) -> None:
    instance, program = model.instance, model.program
    slots = instance.scenario.spectrum.slots
    used: list[list[tuple[int, int]]] = [[] for _ in instance.fiber_ids]
    for use in model.uses():
        for column, kind in zip(use.columns, use.leg.kinds, strict=True):
            for f in use.leg.fibers:
                used[f].append((column, kind.slots))
    for f in range(len(instance.fiber_ids)):
        lit, most = int(instance.lit_pairs[f]), int(instance.max_pairs[f])
        pairs = program.column(f"p{f}", float(instance.pair_worth[f]), float(max(0, most - lit)))
        model.new_pairs.append(pairs)
        if instance.candidate[f]:
            model.built[f] = program.column(f"b{f}", float(instance.build_worth[f]), 1.0)
            program.at_most([(pairs, 1.0), (model.built[f], -float(most))], 0.0)
        if not used[f]:
            continue
        program.at_most([(c, float(w)) for c, w in used[f]] + [(pairs, -float(slots))], float(slots * lit))
        widths = sorted({w for _, w in used[f]})
        if model.strengthening.width_rounding or instance.scenario.spectrum.continuity == "none":
            # a pair holds floor(slots / w) blocks of at least w slots
            for width in widths:
                per_pair = slots // width
                terms = [(c, 1.0) for c, w in used[f] if w >= width]
                program.at_most([*terms, (pairs, -float(per_pair))], float(per_pair * lit))


def _add_offers(model: Model) -> None:
    program = model.program
    bought: dict[int, list[int]] = defaultdict(list)
    for use in model.uses():
        if use.leg.offer >= 0:
            bought[use.leg.offer] += use.columns
    for o, offer in enumerate(model.instance.offers):
        used = program.column(f"o{o}", offer.setup_worth, 1.0)
        model.offer_used.append(used)
        if bought[o]:
            program.at_most([*((c, 1.0) for c in bought[o]), (used, -float(offer.max_units))], 0.0)


def _add_regen_sites(model: Model) -> None:
    program = model.program
    standing: dict[int, list[int]] = defaultdict(list)
    for use in model.uses():
        for column, kind in zip(use.columns, use.leg.kinds, strict=True):
            for site in kind.regens:
                standing[site].append(column)
    for site, columns in sorted(standing.items()):
        worth = float(model.instance.regen_open_worth[site])
        if worth <= 0:
            continue
        is_open = model.regen_open[site] = program.column(f"g{site}", worth, 1.0)
        for column in columns:
            program.at_most([(column, 1.0), (is_open, -program.upper[column])], 0.0)


def _add_chassis(model: Model) -> None:
    instance, program = model.instance, model.program
    steps = [(c.capacity_gbps, instance.worth(c.price)) for c in instance.scenario.catalogue.chassis]
    if not steps:
        return
    largest = max(steps)
    ports: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for link, legs in zip(model.candidates.links, model.link_legs, strict=True):
        for column, kind in zip(legs[0].columns, legs[0].leg.kinds, strict=True):
            for site in (link.a, link.b):
                ports[site].append((column, kind.port_gbps))
    for site, terms in sorted(ports.items()):
        most_gbps = sum(program.upper[column] * gbps for column, gbps in terms)
        full = program.column(f"h{site}", largest[1], float(math.ceil(most_gbps / largest[0])))
        partial = [program.column(f"s{site}_{i}", price, 1.0) for i, (_, price) in enumerate(steps)]
        model.chassis[site] = (full, partial)
        holds = [(full, -largest[0])]
        holds += [(c, -capacity) for c, (capacity, _) in zip(partial, steps, strict=True)]
        program.at_most([*terms, *holds], 0.0)
        program.at_most([(c, 1.0) for c in partial], 1.0)


def _add_demands(model: Model) -> None:
    instance, program = model.instance, model.program
    for k, demand in enumerate(model.candidates.demands):
        count = float(len(demand.lsps))
        columns = [program.column(f"z{k}_{q}", 0.0, count) for q in range(len(demand.options))]
        model.options.append(tuple(columns))
        program.equal([(c, 1.0) for c in columns], count)
        if model.strengthening.opening_rows or not instance.state_names[1:]:
            _add_opening_rows(model, k)
        else:
            _add_weak_opening_rows(model, k)
        model.rates.append(_add_rates(model, k))


def _add_link_users(model: Model) -> None:
    """Per link: (demand, direction, option, on primary) of every use."""
    model.link_users = [[] for _ in model.candidates.links]
    for k, demand in enumerate(model.candidates.demands):
        for q, (primary, backup) in enumerate(demand.options):
            for i in (primary, backup):
                path = demand.paths[i] if i >= 0 else None
                for link, back in zip(path.links, path.back, strict=True) if path else ():
                    model.link_users[link].append((k, back, q, i == primary))


def _link_users(model: Model, k: int) -> dict[int, list[int]]:
    """Columns of demand k's options by link."""
    demand = model.candidates.demands[k]
    users: dict[int, list[int]] = defaultdict(list)
    for column, option in zip(model.options[k], demand.options, strict=True):
        for link in {x for i in option if i >= 0 for x in demand.paths[i].links}:
            users[link].append(column)
    return users


def _add_opening_rows(model: Model, k: int) -> None:
    # a link that any LSP is routed over holds a channel; per demand, this also tightens the relaxation
    count = float(len(model.candidates.demands[k].lsps))
    for link, columns in sorted(_link_users(model, k).items()):
        channels = [(c, -count) for c in model.link_legs[link][0].columns]
        model.program.at_most([*((c, 1.0) for c in columns), *channels], 0.0)


def _add_weak_opening_rows(model: Model, k: int) -> None:
    big = float(sum(len(d.lsps) for d in model.candidates.demands))
    for link, columns in sorted(_link_users(model, k).items()):
        channels = [(c, -big) for c in model.link_legs[link][0].columns]
        model.program.at_most([*((c, 1.0) for c in columns), *channels], 0.0)


def _add_fiber_rows(model: Model) -> None:
    """Whoever runs over a dark fiber needs a pair on it: per demand, far stronger than counted slots."""
    for k, demand in enumerate(model.candidates.demands):
        below = [
            {f for x in path.links for leg in model.candidates.links[x].legs for f in leg.fibers}
            for path in demand.paths
        ]
        users: dict[int, list[int]] = defaultdict(list)
        for column, (primary, backup) in zip(model.options[k], demand.options, strict=True):
            for f in below[primary] | (below[backup] if backup >= 0 else set()):
                users[f].append(column)
        _add_needs_pair(model, users, float(len(demand.lsps)))
    for c, choice in enumerate(model.candidates.circuits):
        users = defaultdict(list)
        for column, option in zip(model.circuit_options[c], choice.options, strict=True):
            for f in {f for j in option if j >= 0 for f in choice.legs[j].fibers}:
                users[f].append(column)
        _add_needs_pair(model, users, 1.0)


def _add_needs_pair(model: Model, users: dict[int, list[int]], count: float) -> None:
    for f, columns in sorted(users.items()):
        needed = [model.built[f]] if f in model.built else []
        needed += [model.new_pairs[f]] if model.instance.lit_pairs[f] == 0 else []
        for column in needed:
            model.program.at_most([*((c, 1.0) for c in columns), (column, -count)], 0.0)


def _add_rates(model: Model, k: int) -> dict[tuple[int, int], int]:
    """Hourly rates of a transfer per choice: the chosen one moves the volume, the others nothing."""
    instance, program = model.instance, model.program
    demand = model.candidates.demands[k]
    lsp = instance.lsps[demand.lsps[0]]
    rates: dict[tuple[int, int], int] = {}
    if lsp.hours is None:
        return rates
    whole_gbps = lsp.volume_gb / GB_PER_GBPS_HOUR
    for q, chosen in enumerate(model.options[k]):
        for hour in lsp.hours:
            rates[q, hour] = program.column(f"t{k}_{q}_{hour}", 0.0, whole_gbps, integer=False)
        program.at_least([*((rates[q, h], 1.0) for h in lsp.hours), (chosen, -whole_gbps)], 0.0)
    return rates


def _add_circuits(model: Model) -> None:
    program = model.program
    for c, choice in enumerate(model.candidates.circuits):
        demand = model.instance.circuits[c]
        columns = [program.column(f"w{c}_{q}", 0.0, 1.0) for q in range(len(choice.options))]
        model.circuit_options.append(tuple(columns))
        program.equal([(x, 1.0) for x in columns], 1.0)
        for j, use in enumerate(model.circuit_legs[c]):
            waves = [
                (x, float(waves_carried(kind.rate_gbps, demand.wave_gbps)))
                for x, kind in zip(use.columns, use.leg.kinds, strict=True)
            ]
            chosen = [
                (x, -float(demand.waves))
                for x, option in zip(columns, choice.options, strict=True)
                if j in option
            ]
            program.at_least([*waves, *chosen], 0.0)
