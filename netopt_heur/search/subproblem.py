"""Small parts of a small network, solved exactly: large neighbourhood search (Shaw 1998) at true cost.

The rest of the search prices fiber by the slot. On a network of a few sites that misleads: cost comes in
whole pairs, chassis and modules, and a single channel that finds no slots decides. Here some demands are
free to move over some links while all others keep their paths, and the exact model of that part (pairs,
modes, regenerators, wavelengths and percentiles included) goes to HiGHS with the plan as its start. Effort is
bounded by sizes and nodes, not by time, so that the same seed gives the same plan.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from netopt_heur.construct.ip_layer import Stop
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.design import DesignLeg, to_plan
from netopt_heur.exact.candidates import (
    Candidates,
    CircuitChoice,
    Demand,
    Kept,
    LinkContent,
    build_candidates,
    candidate_links,
    link_content,
    without_demands,
)
from netopt_heur.exact.extract import place_blocks, to_exact_plan
from netopt_heur.exact.indexing import add_indices, add_packing, index_size
from netopt_heur.exact.legs import Link
from netopt_heur.exact.limits import ExactLimits
from netopt_heur.exact.linear import F64, leave_out_heuristics, new_solver, read_answer
from netopt_heur.exact.link_order import link_order
from netopt_heur.exact.milp import Model, build_model
from netopt_heur.exact.spectrum import Place
from netopt_heur.exact.start import design_content, kept_by, start_values
from netopt_heur.exact.transfers import spread_rates
from netopt_heur.search.adopt import adopt

LEAST_FREED = 2  # demands; more as long as they are no more than this share of all:
FREED_SHARE = 0.67
ON_LIT_FIBER = 0.5  # probability that the links opened are drawn among those over lit fibers
PROMISING = 0.75  # probability that few links are opened, early ones of ``link_order``
DEPTH = 0.5  # places in that order over which the chance of a link falls to 1/e, per link opened
GROW = 1.2  # factor on the number of these links after a model that was soon solved
SOON = 0.25  # share of the work that a model may take
LEAST_FEW = 1.0  # below, such models are too large all the same
REROUTE_LINKS = 0.25  # probability that links change fibers while LSPs keep the sites of their paths
SHRINK = 0.7  # factor on links opened and demands freed after a model too large to solve
LEAST_LOOKS = 3  # what building a model and its root relaxation count for
LEAST_SCALE = 0.1  # below, all models would be too large: the network is left alone
SPECTRUM_ROUNDS = 2  # models solved until the channels find slots
PLACING_S = 2.0  # for slots that first fit does not find; a fraction of it is enough on small networks


@dataclass(frozen=True)
class SubproblemParams:
    """Sizes of subproblems.

    Attributes
    ----------
    routers, lsps
        Networks with more are left alone.
    load_rows
        Samples times failure states above which a network is left alone.
    links
        Links open at once.
    ordered_links
        Candidate links up to which they are put in order.
    options
        Choices of paths per freed demand.
    rows
        Rows of the largest model that is solved.
    index_columns
        Most columns of slot indices.
    nodes
        Branch-and-bound nodes per model.
    work
        Rows times looks that HiGHS takes at the interrupt, per model: what it does between two looks takes
        longer the more rows there are.
    allowance
        Work granted per generation, so that larger networks spend most of their time on other moves.
    """

    routers: int = 12
    lsps: int = 60
    load_rows: int = 2000
    links: int = 40
    ordered_links: int = 200
    options: int = 300
    rows: int = 3000
    index_columns: int = 4000
    nodes: int = 200
    work: int = 120_000
    allowance: int = 20_000

    def limits(self) -> ExactLimits:
        """The same for the exact model's candidates."""
        return ExactLimits(
            routes_per_pair=16,
            protected_per_pair=12,
            paths_per_pair=max(20, self.options // 4),
            options_per_demand=self.options,
            index_columns=self.index_columns,
        )


@dataclass
class PartState:
    """What was learnt about a network.

    Attributes
    ----------
    scale
        On the sizes of parts that can be solved.
    few
        Promising links that all demands can be free to move over.
    credit
        Work that may be done.
    spectrum_binds
        Whether slots are short.
    """

    scale: float = 1.0
    few: float = 4.0
    credit: float = 0.0
    spectrum_binds: bool = False


@dataclass(frozen=True)
class Part:
    """What may change: links open, demands (by group) and circuits free to take any path over them.

    With ``reroute_links`` the other demands keep the sites of their paths only: their links may run over
    other fibers, as when all traffic of a duct moves to its twin. ``promising``: links are few.
    """

    links: tuple[Link, ...]
    freed: frozenset[object]
    circuits: frozenset[int]
    reroute_links: bool
    promising: bool = False


class Subproblems:
    """Draws parts of a plan and solves them.

    Parameters
    ----------
    planner
        The problem.
    params
        Sizes.
    random
        Source of every random choice.
    stop
        Ends a solve when time is up.
    """

    def __init__(
        self, planner: Planner, params: SubproblemParams, random: np.random.Generator, stop: Stop
    ) -> None:
        self.planner, self.params, self.random, self.stop = planner, params, random, stop
        self.instance = planner.instance
        self.state = PartState()
        self._links: list[Link] | None = None
        self._places_in_order: dict[LinkContent, int] | None = None

    @property
    def worthwhile(self) -> bool:
        """Whether the network is small enough."""
        instance, params = self.instance, self.params
        load_rows = instance.samples.shape[2] * len(instance.state_names)
        return (
            self.state.scale > LEAST_SCALE
            and int(instance.router.sum()) <= params.routers
            and len(instance.lsps) + len(instance.circuits) <= params.lsps
            and load_rows <= params.load_rows
        )

    def grant(self) -> None:
        """Allow the work of one generation; what was not used does not add up."""
        self.state.credit = min(self.state.credit, 0.0) + self.params.allowance

    @property
    def affordable(self) -> bool:
        """Whether the work granted is not used up."""
        return self.worthwhile and self.state.credit > 0.0

    def improve(self, plan: Construction) -> Construction:
        """Solve one part of a plan; the better of the plan before and after."""
        part = self._draw(plan)
        known = to_plan(plan.design)
        for _ in range(SPECTRUM_ROUNDS):
            if self.stop():
                return plan
            model = self._model(plan, part, kept_by(self.instance, known))
            if model is None:
                return plan
            values = self._solve(model, part, None if plan.missing else start_values(model, known))
            if values is None:
                return plan
            places = self._places(model, values)
            if places is not None:
                found = adopt(self.planner, to_exact_plan(model, spread_rates(model, values), places))
                return min(found, plan, key=Construction.rank)
            if self.state.spectrum_binds:
                return plan
            # more regenerators than reach needs convert wavelengths: candidates once slots are short
            self.state.spectrum_binds, self._links = True, None
            part = replace(part, links=self._links_of(plan, part))
        return plan

    # ---- what is free

    def _draw(self, plan: Construction) -> Part:
        instance = self.instance
        groups = sorted({self._group(i) for i in range(len(instance.lsps))}, key=repr)
        movable: list[tuple[str, object]] = [("packets", group) for group in groups]
        movable += [("circuit", c) for c in range(len(instance.circuits))]
        if self.state.few >= LEAST_FEW and self._order and self.random.random() < PROMISING:
            few = self._promising_links(plan)
            return Part(few, frozenset(groups), frozenset(range(len(instance.circuits))), False, True)
        most = max(LEAST_FREED, math.ceil(self.state.scale * FREED_SHARE * len(movable)))
        most = min(most, max(1, len(movable) - 1))  # a part, never the whole
        order = self.random.permutation(len(movable))[: int(self.random.integers(1, most + 1))]
        chosen = [movable[i] for i in order]
        freed = {what for kind, what in chosen if kind == "packets"}
        circuits = {what for kind, what in chosen if kind == "circuit" and isinstance(what, int)}
        reroute_links = bool(self.random.random() < REROUTE_LINKS)
        links = self._open_links(plan, reroute_links)
        return Part(
            links, frozenset() if reroute_links else frozenset(freed), frozenset(circuits), reroute_links
        )

    def _links_of(self, plan: Construction, part: Part) -> tuple[Link, ...]:
        return self._promising_links(plan) if part.promising else self._open_links(plan, part.reroute_links)

    def _group(self, lsp: int) -> object:
        """Equal LSPs of one demand move together; every transfer is on its own."""
        known = self.instance.lsps[lsp]
        return known.demand if known.hours is None else ("transfer", lsp)

    def _open_links(self, plan: Construction, between_used: bool) -> tuple[Link, ...]:
        """The links in use and a sample of others; ``between_used``: with the same ends as links in use."""
        used = {design_content(link) for link in plan.design.links.values()}
        links = self._all_links()
        kept = [i for i, link in enumerate(links) if link_content(link) in used]
        others = [i for i in range(len(links)) if link_content(links[i]) not in used]
        if between_used:
            ends = {(a, b) for a, b, _ in used}
            others = [i for i in others if (links[i].a, links[i].b) in ends]
        elif self.random.random() < ON_LIT_FIBER:
            lit = plan.design.pairs > 0
            lit_only = [i for i in others if all(lit[f] for leg in links[i].legs for f in leg.fibers)]
            others = lit_only or others
        count = min(len(others), max(0, int(self.state.scale * self.params.links) - len(kept)))
        drawn = self.random.permutation(len(others))[:count].tolist()
        return tuple(links[i] for i in sorted({*kept, *(others[i] for i in drawn)}))

    def _promising_links(self, plan: Construction) -> tuple[Link, ...]:
        """The links in use and a few others, those that cheap plans may well use."""
        used = {design_content(link) for link in plan.design.links.values()}
        order, links = self._order, self._all_links()
        place = [order.get(link_content(link), len(order)) for link in links]
        # a draw without replacement, of weights that fall with the place (Efraimidis and Spirakis 2006)
        depth = max(1.0, DEPTH * self.state.few)
        late = np.log(self.random.exponential(size=len(links))) + np.array(place) / depth
        late[[i for i, link in enumerate(links) if link_content(link) in used]] = -np.inf
        count = int(np.isinf(late).sum() + self.state.few)
        return tuple(links[i] for i in sorted(np.argsort(late, kind="stable")[:count].tolist()))

    @property
    def _order(self) -> dict[LinkContent, int]:
        """Place of each link in :func:`link_order`; none where there are too many, or time is up."""
        if self._places_in_order is None:
            self._places_in_order = {}
            if len(self._all_links()) <= self.params.ordered_links:
                candidates = without_demands(self.instance, self.params.limits(), Kept())
                with suppress(TimeoutError):
                    order = link_order(candidates, self._check)
                    self._places_in_order = {content: place for place, content in enumerate(order)}
        return self._places_in_order

    def _check(self) -> None:
        if self.stop():
            raise TimeoutError

    def _all_links(self) -> list[Link]:
        if self._links is None:
            limits = self.params.limits()
            self._links = candidate_links(self.instance, limits, all_regens=self.state.spectrum_binds)
        return self._links

    # ---- model

    def _model(self, plan: Construction, part: Part, kept: Kept) -> Model | None:
        """Exact model of the part, None if it is too large; the next ones then open fewer links."""
        instance = self.instance
        found = build_candidates(
            instance,
            self.params.limits(),
            all_regens=self.state.spectrum_binds,
            kept=kept,
            links=part.links,
        )
        demands = tuple(
            demand
            if self._group(demand.lsps[0]) in part.freed
            else _fixed(demand, found, plan, part.reroute_links)
            for demand in found.demands
        )
        choices = tuple(
            choice if c in part.circuits else _fixed_circuit(choice, plan, c)
            for c, choice in enumerate(found.circuits)
        )
        if not all(d.options for d in demands) or not all(c.options for c in choices):
            return None
        model = build_model(replace(found, demands=demands, circuits=choices))
        if self.state.spectrum_binds and not self._add_spectrum(model):
            return None
        if len(model.program.row_lower) > self.params.rows:
            self._shrink(part)
            self.state.credit -= len(model.program.row_lower) * LEAST_LOOKS
            return None
        return model

    def _add_spectrum(self, model: Model) -> bool:
        """Give channels their slots inside the model; False if that takes too many columns."""
        if self.instance.scenario.spectrum.continuity == "none":
            add_packing(model)
        elif index_size(model) <= self.params.index_columns:
            add_indices(model)
        else:
            return False
        return True

    # ---- solving

    def _solve(self, model: Model, part: Part, start: dict[int, float] | None) -> F64 | None:
        """Values of the best solution found, None if there is none."""
        import highspy

        solver = new_solver()
        solver.setOptionValue("mip_max_nodes", self.params.nodes)
        model.program.pass_to(solver)
        if start is not None:
            values = np.zeros(len(model.program.cost))
            values[list(start)] = list(start.values())
            solution = highspy.HighsSolution()
            solution.col_value = values.tolist()
            solver.setSolution(solution)
            # beside a start these take most of the time
            leave_out_heuristics(solver)
            solver.setOptionValue("mip_allow_restart", False)

        rows = max(1, len(model.program.row_lower))  # none where nothing is asked for
        most = looks = self.params.work // rows

        def interrupt(event: highspy.HighsCallbackEvent) -> None:
            nonlocal looks
            looks -= 1
            if looks < 0 or self.stop():
                event.interrupt()

        solver.cbMipInterrupt += interrupt
        solver.run()
        self.state.credit -= rows * (most - looks + LEAST_LOOKS)
        if looks < 0:
            self._shrink(part)
        elif part.promising and looks > (1.0 - SOON) * most:
            self.state.few *= GROW
        return read_answer(solver, True).values

    def _shrink(self, part: Part) -> None:
        """Open fewer links the next time."""
        if part.promising:
            self.state.few *= SHRINK
        else:
            self.state.scale *= SHRINK

    def _places(self, model: Model, values: F64) -> list[Place] | None:
        """Slots of the channels, None if they were not found."""
        try:
            return place_blocks(model, values, PLACING_S)[1]
        except TimeoutError:
            return None


def _fixed(demand: Demand, found: Candidates, plan: Construction, ends_only: bool) -> Demand:
    """A demand with just the paths that its LSPs take; all choices if none of those is admissible.

    ``ends_only``: paths over links with the same ends will do.
    """

    def name(content: LinkContent) -> tuple[object, ...]:
        return content[:2] if ends_only else content

    contents = {key: name(design_content(link)) for key, link in plan.design.links.items()}
    names = [tuple(name(link_content(found.links[k])) for k in path.links) for path in demand.paths]
    taken = set()
    for lsp in demand.lsps:
        primary, backup = plan.design.primary[lsp], plan.design.backup[lsp]
        if primary is not None:
            second = None if backup is None else tuple(contents[key] for key in backup)
            taken.add((tuple(contents[key] for key in primary), second))
    primaries = {first for first, _ in taken}
    options = tuple(
        (i, j)
        for i, j in demand.options
        if (names[i] in primaries if j < 0 else (names[i], names[j]) in taken)
    )
    return replace(demand, options=options or demand.options)


def _fixed_circuit(choice: CircuitChoice, plan: Construction, c: int) -> CircuitChoice:
    """A circuit with just the legs it takes."""
    taken = [leg for leg in (plan.design.working[c], plan.design.protection[c]) if leg is not None]
    names = {_leg_name(leg, leg.sites[0] > leg.sites[-1]) for leg in taken}
    options = tuple(
        option
        for option in choice.options
        if {(choice.legs[j].offer, choice.legs[j].fibers) for j in option if j >= 0} == names
    )
    return replace(choice, options=options or choice.options)


def _leg_name(leg: DesignLeg, turned: bool) -> tuple[int, tuple[int, ...]]:
    return (leg.offer, leg.fibers[::-1] if turned else leg.fibers)
