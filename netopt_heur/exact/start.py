"""A plan as a starting solution of the exact model."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from netopt_heur.design import DesignLeg, DesignLink, from_plan
from netopt_heur.evaluator import ABSOLUTE
from netopt_heur.exact.candidates import Kept, LinkContent, link_content
from netopt_heur.exact.legs import Kind, Leg
from netopt_heur.exact.milp import LegUse, Model
from netopt_heur.exact.spectrum import Block, assign
from netopt_heur.instance import GB_PER_GBPS_HOUR, Instance
from netopt_heur.plan import Plan


class NotACandidateError(ValueError):
    """A plan uses something that the candidate set does not hold."""


def kept_by(instance: Instance, plan: Plan) -> Kept:
    """What a plan uses, for :func:`~netopt_heur.exact.candidates.build_candidates` to keep."""
    design, _ = from_plan(instance, plan)
    routes = frozenset(
        (leg.sites[0], leg.fibers) if leg.sites[0] < leg.sites[-1] else (leg.sites[-1], leg.fibers[::-1])
        for leg in design.legs()
        if leg.offer < 0
    )
    contents = {key: design_content(link) for key, link in design.links.items()}
    paths = frozenset(
        tuple(contents[key] for key in path) for path in (*design.primary, *design.backup) if path is not None
    )
    return Kept(routes, frozenset(contents.values()), paths)


def _forward(leg: DesignLeg, a: int, b: int) -> tuple[int, ...]:
    """Fibers of a leg between a and b from the lower site."""
    return leg.fibers if a < b else leg.fibers[::-1]


def design_content(link: DesignLink) -> LinkContent:
    """What identifies a link of a design, as :func:`~netopt_heur.exact.candidates.link_content`."""
    legs: list[tuple[object, ...]] = [
        ("offer", leg.offer) if leg.offer >= 0 else ("route", _forward(leg, link.a, link.b))
        for leg in link.legs
    ]
    return (min(link.a, link.b), max(link.a, link.b), tuple(sorted(legs, key=repr)))


def start_values(model: Model, plan: Plan) -> dict[int, float] | None:
    """Values of all columns for a plan, None if the plan is not among the candidates.

    Parameters
    ----------
    model
        Built with the plan's parts kept.
    plan
        Feasible.
    """
    try:
        return _Start(model, plan).values
    except NotACandidateError:
        return None


class _Start:
    def __init__(self, model: Model, plan: Plan) -> None:
        self.model, self.instance = model, model.instance
        self.design, _ = from_plan(model.instance, plan)
        self.values: dict[int, float] = {}
        self._keys = self._links()
        self._demands()
        self._circuits()
        self._fibers_and_sites()
        self._derived()
        self._spectrum()

    def _add(self, column: int, value: float) -> None:
        self.values[column] = self.values.get(column, 0.0) + value

    # ---- links and legs

    def _links(self) -> dict[int, int]:
        """Candidate of each link of the design that carries an LSP."""
        used = {k for p in (*self.design.primary, *self.design.backup) if p is not None for k in p}
        free: dict[LinkContent, list[int]] = {}
        for i, candidate in enumerate(self.model.candidates.links):
            free.setdefault(link_content(candidate), []).append(i)
        keys = {}
        for key in sorted(used):
            link = self.design.links[key]
            content = design_content(link)
            fitting = [i for i in free.get(content, []) if self._fits(i, link)]
            if not fitting:
                raise NotACandidateError(f"link {content}")
            keys[key] = min(fitting, key=lambda i: (self.model.candidates.links[i].latency_ms, i))
            free[content].remove(keys[key])
            for use in self.model.link_legs[keys[key]]:
                self._channels(use, self._leg_for(use.leg, link), link.a > link.b)
        return keys

    def _leg_for(self, leg: Leg, link: DesignLink) -> DesignLeg:
        for other in link.legs:
            if other.offer == leg.offer and (leg.offer >= 0 or _forward(other, link.a, link.b) == leg.fibers):
                return other
        raise NotACandidateError(f"leg {leg.fibers}")

    def _fits(self, candidate: int, link: DesignLink) -> bool:
        return all(
            max((len(c.regens) for c in self._leg_for(leg, link).channels), default=0) <= leg.max_regens
            for leg in self.model.candidates.links[candidate].legs
        )

    def _channels(self, use: LegUse, leg: DesignLeg, turned: bool) -> None:
        if leg.offer >= 0:
            wanted = Counter[tuple[int, tuple[int, ...]]]((unit, ()) for unit in leg.units)
        else:
            wanted = Counter((c.mode, c.regens[::-1] if turned else c.regens) for c in leg.channels)
        for (product, regens), count in wanted.items():
            self._add(use.columns[_kind(use.leg.kinds, product, regens)], float(count))

    # ---- demands

    def _demands(self) -> None:
        for k, demand in enumerate(self.model.candidates.demands):
            place = {path.links: i for i, path in enumerate(demand.paths)}
            order = {option: q for q, option in enumerate(demand.options)}
            for lsp in demand.lsps:
                q = self._option(lsp, place, order)
                self._add(self.model.options[k][q], 1.0)
                self._rates(k, q, lsp)

    def _option(self, lsp: int, place: dict[tuple[int, ...], int], order: dict[tuple[int, int], int]) -> int:
        primary, backup = self.design.primary[lsp], self.design.backup[lsp]
        if primary is None:
            raise NotACandidateError(f"LSP {lsp} has no path")
        first = place.get(tuple(self._keys[x] for x in primary), -2)
        second = -1 if backup is None else place.get(tuple(self._keys[x] for x in backup), -2)
        for option in ((first, second), (first, -1)):
            if option in order:
                return order[option]
        raise NotACandidateError(f"LSP {lsp} takes another path")

    def _rates(self, k: int, q: int, lsp: int) -> None:
        whole_gbps = self.instance.lsps[lsp].volume_gb / GB_PER_GBPS_HOUR
        hours = self.instance.lsps[lsp].hours
        if hours is None:
            return
        rates = self.design.rates_gbps[lsp][list(hours)]
        if rates.sum() <= 0.0:  # a volume so small that a solver took it for none
            rates = np.ones(len(hours))
        for hour, share in zip(hours, (rates / rates.sum()).tolist(), strict=True):
            self.values[self.model.rates[k][q, hour]] = whole_gbps * share

    def _circuits(self) -> None:
        for c, choice in enumerate(self.model.candidates.circuits):
            legs = [leg for leg in (self.design.working[c], self.design.protection[c]) if leg is not None]
            demand = self.instance.circuits[c]
            chosen = [self._circuit_leg(c, leg, demand.a > demand.b) for leg in legs]
            for option in (tuple(chosen), tuple(chosen[::-1]), (chosen[0], -1)):
                full = option if len(option) == 2 else (option[0], -1)
                if full in choice.options:
                    self._add(self.model.circuit_options[c][choice.options.index(full)], 1.0)
                    break
            else:
                raise NotACandidateError(f"circuit {c}")
            for j, leg in zip(chosen, legs, strict=True):
                if j in full:
                    self._channels(self.model.circuit_legs[c][j], leg, demand.a > demand.b)

    def _circuit_leg(self, c: int, leg: DesignLeg, turned: bool) -> int:
        fibers = leg.fibers[::-1] if turned else leg.fibers
        most = max((len(channel.regens) for channel in leg.channels), default=0)
        fitting = [
            (other.latency_ms, j)
            for j, other in enumerate(self.model.candidates.circuits[c].legs)
            if other.offer == leg.offer and other.fibers == fibers and most <= other.max_regens
        ]
        if not fitting:
            raise NotACandidateError(f"leg of circuit {c}")
        return min(fitting)[1]

    # ---- what follows

    def _fibers_and_sites(self) -> None:
        model, design = self.model, self.design
        for f, column in enumerate(model.new_pairs):
            self.values[column] = float(max(0, int(design.pairs[f]) - int(self.instance.lit_pairs[f])))
        for f, column in model.built.items():
            self.values[column] = float(design.built[f])
        opened: set[int] = set()
        for use in model.uses():
            for column, kind in zip(use.columns, use.leg.kinds, strict=True):
                if self.values.get(column, 0.0) > 0.5:
                    opened.update(kind.regens)
                    if use.leg.offer >= 0:
                        self.values[model.offer_used[use.leg.offer]] = 1.0
        for site, column in model.regen_open.items():
            self.values[column] = float(site in opened)
        self._chassis()

    def _chassis(self) -> None:
        model = self.model
        if not model.chassis:
            return
        steps = [c.capacity_gbps for c in self.instance.scenario.catalogue.chassis]
        prices = [self.instance.worth(c.price) for c in self.instance.scenario.catalogue.chassis]
        ports_gbps = dict.fromkeys(model.chassis, 0.0)
        for link, legs in zip(model.candidates.links, model.link_legs, strict=True):
            for column, kind in zip(legs[0].columns, legs[0].leg.kinds, strict=True):
                count = self.values.get(column, 0.0)
                for site in (link.a, link.b) if count else ():
                    ports_gbps[site] += count * kind.port_gbps
        for site, (full, partial) in model.chassis.items():
            if ports_gbps[site] <= 0:
                continue
            n = math.ceil(ports_gbps[site] / max(steps)) - 1
            rest = min(ports_gbps[site] - n * max(steps), max(steps))  # rounding may leave a trifle more
            self.values[full] = float(n)
            best = min((p, i) for i, (p, c) in enumerate(zip(prices, steps, strict=True)) if c >= rest)[1]
            self.values[partial[best]] = 1.0

    def _spectrum(self) -> None:
        """Places of all blocks, where the model has columns; first fit, for its starts are sums of widths."""
        model, grid = self.model, self.instance.scenario.spectrum
        if model.index is None and not model.room:
            return
        blocks: list[Block] = []
        for use in model.uses():
            for column, kind in zip(use.columns, use.leg.kinds, strict=True):
                for _ in range(round(self.values.get(column, 0.0))):
                    blocks += [(min(part, part[::-1]), kind.slots) for part in kind.segments]
        pairs = {f: int(n) for f, n in enumerate(self.design.pairs)}
        places = assign(grid.slots, blocks, pairs, continuous=model.index is not None)
        for (fibers, width), place in zip(blocks, places or (), strict=places is not None):
            if model.index is not None:
                place_column = model.index.columns.get(((fibers, width), place.start, place.pairs))
                if place_column is not None:
                    self.values[place_column] = 1.0
            else:
                for f, p in zip(fibers, place.pairs, strict=True):
                    self._add(model.room[f, width, p], 1.0)
        for (f, p), light in model.lights.items():
            self.values[light] = float(p < pairs[f])

    def _derived(self) -> None:
        """Numbers of LSPs by group of options, and which samples are clipped."""
        model, program = self.model, self.model.program
        for columns, aggregate in model.aggregates.items():
            self.values[aggregate] = sum(self.values.get(c, 0.0) for c in columns)
        for row in model.capacity_rows:
            if row.clipped < 0:
                continue
            terms = range(program.starts[row.row], program.starts[row.row + 1])
            excess = sum(program.value[t] * self.values.get(program.index[t], 0.0) for t in terms)
            if excess > ABSOLUTE and self.values.get(row.clipped, 0.0) < 0.5:
                self.values[row.clipped] = 1.0


def _kind(kinds: tuple[Kind, ...], product: int, regens: tuple[int, ...]) -> int:
    """The channel itself, or the same with fewer regenerators that still reach."""
    fitting = [
        (-len(kind.regens), i)
        for i, kind in enumerate(kinds)
        if kind.product == product and set(kind.regens) <= set(regens)
    ]
    if not fitting:
        raise NotACandidateError(f"channel {product} with regenerators at {regens}")
    return min(fitting)[1]


def violated_rows(model: Model, values: dict[int, float], tolerance: float = 1e-6) -> list[int]:
    """Rows that a solution breaks."""
    program, found = model.program, []
    for row in range(len(program.row_lower)):
        terms = range(program.starts[row], program.starts[row + 1])
        total = sum(program.value[t] * values.get(program.index[t], 0.0) for t in terms)
        if not program.row_lower[row] - tolerance <= total <= program.row_upper[row] + tolerance:
            found.append(row)
    return found
