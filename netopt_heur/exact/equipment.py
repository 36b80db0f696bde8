"""The exact model without its paths: which equipment any plan needs, from what must cross sets of sites.

Columns are those of the exact model that cost something (channels, pairs, offers, regeneration sites,
chassis, circuits), and what they say about links and fibers:

- ``open``: 1 if a link has channels; ``lit``: 1 if a fiber without lit pairs has new ones;
- ``fat``: 1 if a link holds so many Gb/s. One LSP takes one path, so what is enough in all may not do.

Rows of the exact model among these columns stay; its paths and loads give way to cuts around sets of sites
in every failure state (``separation``). Every plan over the candidate links is a point of this program at its
own cost, so its optimum is a lower bound. It has a few hundred columns where the exact model has thousands.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netopt_heur.exact.candidates import Candidates
from netopt_heur.exact.legs import Link
from netopt_heur.exact.limits import Check, Strengthening
from netopt_heur.exact.linear import Program
from netopt_heur.exact.milp import Model, build_model
from netopt_heur.exact.whole_lsps import WHOLE, least_capacities, rounded_needs, whole_channels
from netopt_heur.instance import F64, Instance


@dataclass
class Equipment:
    """The program and its columns.

    Attributes
    ----------
    model
        The exact model without packet demands and transfers.
    open
        Column per candidate link.
    lit
        Column per fiber without lit pairs.
    fat
        Gb/s of capacity -> column per candidate link.
    need_gbps : float64[2, n_lsps]
        Least capacity of any link that carries an LSP: without failures, and in a failure state.
    static_rows
        Rows before any cut.
    """

    model: Model
    open: list[int] = field(default_factory=list)
    lit: dict[int, int] = field(default_factory=dict)
    fat: dict[float, list[int]] = field(default_factory=dict)
    need_gbps: F64 = field(default_factory=lambda: np.zeros((2, 0)))
    static_rows: int = 0

    @property
    def instance(self) -> Instance:
        """The problem."""
        return self.model.instance

    @property
    def program(self) -> Program:
        """The program."""
        return self.model.program

    @property
    def links(self) -> tuple[Link, ...]:
        """The candidate links."""
        return self.model.candidates.links

    def point(self, start: dict[int, float]) -> dict[int, float]:
        """A plan's values of the model's columns, with those of the columns beyond."""
        values = dict(start)
        for f, column in self.lit.items():
            values[column] = min(1.0, values.get(self.model.new_pairs[f], 0.0))
        for i, column in enumerate(self.open):
            capacity = [(values.get(c, 0.0), gbps) for c, gbps in self.model.capacity(i)]
            values[column] = float(any(n > 0.5 for n, _ in capacity))
            held = sum(n * gbps for n, gbps in capacity)
            for gbps, columns in self.fat.items():
                values[columns[i]] = float(held >= gbps * (1.0 - WHOLE))
        return values


def build_equipment(candidates: Candidates, check: Check) -> Equipment:
    """Write the program without cuts.

    Parameters
    ----------
    candidates
        Links and circuits, without packet demands and transfers.
    check
        Raises TimeoutError when time is up.
    """
    equipment = Equipment(build_model(candidates, Strengthening(cut_sets=False), check))
    _add_lit(equipment)
    for link in range(len(equipment.links)):
        _add_open(equipment, link)
    _add_fat(equipment)
    equipment.static_rows = len(equipment.program.row_lower)
    return equipment


def _add_lit(equipment: Equipment) -> None:
    model, instance, program = equipment.model, equipment.instance, equipment.program
    for f, pairs in enumerate(model.new_pairs):
        most = float(instance.max_pairs[f])
        if instance.lit_pairs[f] or most <= 0.0:
            continue
        lit = equipment.lit[f] = program.column(f"e{f}", 0.0, 1.0)
        program.at_most([(lit, 1.0), (pairs, -1.0)], 0.0)
        program.at_most([(pairs, 1.0), (lit, -most)], 0.0)
        if f in model.built:
            program.at_most([(lit, 1.0), (model.built[f], -1.0)], 0.0)


def _add_open(equipment: Equipment, link: int) -> None:
    model, program = equipment.model, equipment.program
    is_open = program.column(f"y{link}", 0.0, 1.0)
    equipment.open.append(is_open)
    program.at_least([*((c, 1.0) for c in model.link_legs[link][0].columns), (is_open, -1.0)], 0.0)
    for use in model.link_legs[link]:
        for column in use.columns:
            program.at_most([(column, 1.0), (is_open, -program.upper[column])], 0.0)
        needed = [equipment.lit[f] for f in use.leg.fibers if f in equipment.lit]
        needed += [model.offer_used[use.leg.offer]] if use.leg.offer >= 0 else []
        for column in needed:
            program.at_most([(is_open, 1.0), (column, -1.0)], 0.0)


def _add_fat(equipment: Equipment) -> None:
    """Columns for what single LSPs ask of a link, where its smallest channel does not do."""
    model, program = equipment.model, equipment.program
    capacities = [model.capacity(link) for link in range(len(equipment.links))]
    rates = sorted({gbps for terms in capacities for _, gbps in terms})
    if not rates:
        return
    equipment.need_gbps = whole_channels(least_capacities(equipment.instance), rates)
    for need in sorted({float(x) for x in equipment.need_gbps.ravel() if x > rates[0]}):
        columns = []
        for link, terms in enumerate(capacities):
            fat = program.column(f"f{link}_{len(equipment.fat)}", 0.0, 1.0)
            columns.append(fat)
            program.at_most([(fat, 1.0), (equipment.open[link], -1.0)], 0.0)
            for row, whole in rounded_needs(terms, need, rates):
                program.at_least([*row, (fat, -whole)], 0.0)
        equipment.fat[need] = columns
