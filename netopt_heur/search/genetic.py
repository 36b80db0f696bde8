"""The memetic algorithm: whole plans are crossed, educated by local search, and compete."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from netopt_heur.candidate_routes import usable_km
from netopt_heur.construct.backbone import Backbone, served
from netopt_heur.construct.hub_layer import start_on_hubs
from netopt_heur.construct.ip_layer import Groomer, IpLayer, IpPlanner, Stop
from netopt_heur.construct.planner import LIT_SHARE, Circuits, Construction, Planner
from netopt_heur.construct.star import star_links
from netopt_heur.construct.transfers import rescheduled_rates
from netopt_heur.hubs import hubs_of
from netopt_heur.instance import F64, I64
from netopt_heur.search.crossover import cross
from netopt_heur.search.individual import Individual
from netopt_heur.search.link_moves import move_links
from netopt_heur.search.population import Population, PopulationParams
from netopt_heur.search.ruin_recreate import Annealing, anneal, cool, draw_links, link_attraction
from netopt_heur.search.subproblem import SubproblemParams, Subproblems

PRICE_DAMPING = 0.5
# Shares of the temperature, one drawn per generation: hot to leave a plan, cold to refine it.
HEATS = (1.0, 1.0, 0.1)
COLD = 0.1  # share of the temperature at which the rival is refined: hot moves would make a mesh of it
RIVAL_LINKS = 0.5  # probability that the rival's links are moved, not its LSPs
FIRST_LINKS = 20  # links open to the first plan, per site: fewer links are fuller
RETOUCH = 10  # moves after a fiber's elimination: this part of a generation's
RETOUCH_HEAT = 0.1
RESCHEDULE = 0.3  # probability that a generation pours the transfers into the current plan's valleys
SOLVE_BEST = 0.5  # probability that a part of the best plan is solved exactly, not of the child
# Penalty on the slots of a fiber that ran out of pairs: raised by this part of their price (at least of the
# network's dearest first price times LEAST_RAISE) whenever a plan lacked room there, else slowly forgotten.
RAISE = 0.2
LEAST_RAISE = 0.03
FORGET = 0.9
MOST_PENALTY = 1e3  # over the dearest first price; without a bound, penalties grow past all prices
NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class GeneticParams:
    """Parameters of the search.

    Attributes
    ----------
    steps
        Moves of ruin and recreate per generation.
    heat
        Temperature at the start of the run, as in :class:`Annealing`; it falls with the run's progress.
    rival
        Probability that a generation goes on from the rival instead of the current plan.
    link_moves
        Probabilities that a generation from the current plan moves links instead of LSPs, if no LSP can move
        with them (the last time), and if all can.
    link_heat
        Their temperature at the start of the run, as in :func:`move_links`; it falls with the run's progress.
    crossover
        Probability that a generation starts from a child of two parents instead of the current plan.
    eliminations
        Fibers that a generation tries to do without.
    reroutings
        Circuits that a generation tries to route anew beside all others.
    parts
        Parts of a small network's plan that a generation solves exactly, at most.
    widen
        Whether each generation adds candidate links on the fibers that its plan lights. Islands do so
        together, between their epochs: a link has the same key on all of them.
    """

    steps: int = 1500
    heat: float = 0.8
    rival: float = 0.25
    link_moves: tuple[float, float] = (0.1, 0.5)
    link_heat: float = 0.4
    crossover: float = 0.15
    eliminations: int = 2
    reroutings: int = 12
    parts: int = 3
    widen: bool = True
    subproblems: SubproblemParams = field(default_factory=SubproblemParams)
    population: PopulationParams = field(default_factory=PopulationParams)


class Genetic:
    """One run of the search.

    Parameters
    ----------
    planner
        Constructs and completes plans.
    params
        Effort and probabilities.
    random
        Source of every random choice.
    stop
        Cuts a generation short when time is up.
    progress
        Share of the run that is over, 0 to 1; sets the temperature.

    Attributes
    ----------
    current
        The plan that generations go on from.
    rival
        Best descendant of the star or network of hubs that was the first plan, if it was: a second plan to go
        on from, of a kind that moves of single LSPs do not come back to once they have left it.
    moved_share
        Of the LSPs, those that could move with the links the last time.
    logbook
        DEAP logbook: per plan that competed its cost, and the population's best, mean and worst.
    """

    def __init__(
        self,
        planner: Planner,
        params: GeneticParams,
        random: np.random.Generator,
        stop: Stop,
        progress: Callable[[], float],
    ) -> None:
        self.planner, self.params, self.random = planner, params, random
        self.stop, self.progress = stop, progress
        self.population = Population(params.population)
        self.slot_price = planner.first_prices()
        self.penalty = np.zeros_like(self.slot_price)
        self._attraction: F64 | None = None
        self.subproblems = Subproblems(planner, params.subproblems, random, stop)
        self.current: Individual | None = None
        self.rival: Individual | None = None
        self.moved_share = 1.0
        from deap import tools  # with all that it downloads data sets with: not before there is a plan

        self.logbook = tools.Logbook()
        self._statistics = tools.Statistics(lambda individual: individual.construction.cost)
        for name, function in (("best", min), ("mean", statistics.fmean), ("worst", max)):
            self._statistics.register(name, function)

    @property
    def best(self) -> Construction:
        """Best plan so far."""
        return self.population.best.construction

    @property
    def asked_price(self) -> F64:
        """Spectrum prices with the penalties of full fibers; cost per slot and fiber, float64[n_fibers]."""
        return self.slot_price + self.penalty

    def first(self) -> Construction:
        """A first plan: greedy insertion over few links or, if that is cheaper, a star or several hubs."""
        order, price = self.planner.lsp_order, self.slot_price
        circuits = self.planner.circuits(price)
        ip = self.planner.ip_planner(price, circuits, self.stop)
        unprotected = np.where(ip.pool.protected, 0.0, self._attractive(ip))
        few = FIRST_LINKS * len(self.planner.instance.site_ids)
        mesh = ip.first(order, draw_links(NONE, unprotected, self.random, few))
        self._take(self.planner.complete(circuits, ip, mesh, price))
        none = IpLayer.without_paths(len(mesh.hops))
        stars = [ip.complete(none, order, links) for links in star_links(ip) if not self.stop()]
        best = min([*stars, *self._hub_layers(ip)], key=IpLayer.rank, default=mesh)
        if best.rank() < mesh.rank():
            made = self.planner.complete(circuits, ip, best, price)
            self.rival = Individual.of(made)
            self._take(made)
        return self.best

    def _hub_layers(self, ip: IpPlanner) -> Iterator[IpLayer]:
        hubs = hubs_of(self.planner.instance, usable_km(self.planner.instance))
        if hubs is not None and not self.stop():
            backbone = Backbone(ip)
            start_on_hubs(backbone, hubs, self.stop)
            yield served(ip, backbone, self.planner.lsp_order)

    def adopt(self, construction: Construction) -> Construction:
        """Start from a plan made earlier."""
        return self._take(construction)

    def generation(self) -> Construction:
        """Select or cross, educate, and let the result compete; or move links; or go on from the rival."""
        if self.current is None:
            raise ValueError("call first() or adopt() before generation()")
        made = self._next(self.current)
        if self.params.widen:
            self.planner.widen(made.lit)
        return made

    def _next(self, current: Individual) -> Construction:
        if self.rival is not None and self.random.random() < self.params.rival:
            return self._take(self._from_rival(self.rival))
        few, many = self.params.link_moves
        if self.random.random() < few + (many - few) * self.moved_share:
            return self._take(self._with_links_moved(current.construction.layer))
        start, parent = self._parent(current)
        if self.planner.rates and self.random.random() < RESCHEDULE:
            self.planner.rates = rescheduled_rates(current.construction.design)
        child = self._educated(start, float(self.random.choice(HEATS)))
        return self._take(self._with_parts_solved(child), parent)

    def _from_rival(self, rival: Individual) -> Construction:
        """Move the rival's links, or its LSPs; a better plan takes its place."""
        layer = rival.construction.layer
        moved_links = self.random.random() < RIVAL_LINKS
        made = self._with_links_moved(layer) if moved_links else self._educated(layer, COLD)
        found = Individual.of(made)
        if self.population.value(found) < self.population.value(rival):
            self.rival = found
        return made

    def _educated(self, start: IpLayer, share: float) -> Construction:
        """A plan from a layer annealed at a share of the temperature, and then improved as a whole."""
        child = self._annealed(start, share)
        for _ in range(self.params.eliminations):
            if self.stop():
                break
            child = self._without_a_fiber(child)
        for _ in range(self.params.reroutings if self.planner.instance.circuits else 0):
            if self.stop():
                break
            child = self._with_circuit_rerouted(child)
        return child

    def _annealed(self, start: IpLayer, share: float) -> Construction:
        price = self._price()
        circuits = self.planner.circuits(price)
        ip = self.planner.ip_planner(price, circuits, self.stop)
        layer = replace(ip.complete(start, self.planner.lsp_order), worth=math.inf)
        params = Annealing(self.params.steps, self.params.heat * (1.0 - self.progress()) * share)
        layer = anneal(ip, layer, params, self._attractive(ip), self.random)
        return self.planner.complete(circuits, ip, layer, price)

    def _with_links_moved(self, layer: IpLayer) -> Construction:
        price = self._price()
        circuits = self.planner.circuits(price)
        ip = self.planner.ip_planner(price, circuits, self.stop)
        heat = self.params.link_heat * (1.0 - self.progress())
        moved, self.moved_share = move_links(ip, layer, self.planner.lsp_order, heat, self.random)
        return self.planner.complete(circuits, ip, moved, price)

    def _parent(self, current: Individual) -> tuple[IpLayer, Individual | None]:
        if len(self.population.members) > 1 and self.random.random() < self.params.crossover:
            first, second = self.population.parents(self.random)
            instance = self.planner.instance
            return cross(instance, first.construction.layer, second.construction.layer, self.random), None
        return current.construction.layer, current

    def _price(self) -> F64:
        """Spectrum prices of a generation: average cost, or marginal cost beside the current plan.

        On average a thinly used fiber is dear, which empties it; at the margin its slots are nearly free, and
        a dark fiber costs a whole pair. Well used fibers cost the average either way: their slots run out.
        """
        if self.current is None or self.random.random() < 0.5:
            return self.asked_price
        plan = self.current.construction
        return self.planner.marginal_prices(plan.design, plan.used_slots, self.asked_price)

    def _attractive(self, ip: IpPlanner) -> F64:
        if self._attraction is None or len(self._attraction) != len(ip.pool.links):
            self._attraction = link_attraction(ip)
        return self._attraction

    def _without_a_fiber(self, plan: Construction) -> Construction:
        """Try to do without a fiber, likeliest a dear one that carries little; keep the better plan."""
        instance = self.planner.instance
        new_pairs = np.maximum(0, plan.design.pairs - instance.lit_pairs)
        spent = new_pairs * instance.pair_worth + plan.design.built * instance.build_worth
        appeal = np.where(plan.used_slots > 0, spent / np.maximum(plan.used_slots, 1.0), 0.0)
        if appeal.sum() <= 0.0:
            return plan
        fiber = int(self.random.choice(len(appeal), p=appeal / appeal.sum()))
        price = self._price().copy()
        price[fiber] = math.inf
        circuits = self.planner.circuits(price, keep=plan.circuits)
        ip = self.planner.ip_planner(price, circuits, self.stop)
        open_links = draw_links(plan.layer.link_keys(), self._attractive(ip), self.random)
        groomer = reroute_around(ip, plan.layer, fiber, open_links)
        if groomer is None:
            return plan
        rerouted = groomer.found()
        retouch = Annealing(self.params.steps // RETOUCH, RETOUCH_HEAT)
        cool(groomer, retouch, self._attractive(ip), self.random)
        layer = min(rerouted, groomer.found(), key=lambda found: found.worth)
        tried = self.planner.complete(circuits, ip, layer, price)
        return min(tried, plan, key=Construction.rank)

    def _with_circuit_rerouted(self, plan: Construction) -> Construction:
        """Route one circuit anew at marginal cost: room on lit pairs is free, a new pair costs all of it."""
        instance, old = self.planner.instance, plan.circuits
        index = int(self.random.integers(0, len(instance.circuits)))
        used, need = plan.used_slots.copy(), 1
        for leg in (old.working[index], old.protection[index]):
            if leg is not None:
                slots = sum(int(instance.modes.slots[channel.mode]) for channel in leg.channels)
                used[list(leg.fibers)] -= slots
                need = max(need, slots)
        room = np.maximum(used, instance.lit_pairs * instance.scenario.spectrum.slots)
        per_pair = instance.scenario.spectrum.slots
        pairs = np.ceil((used + need) / per_pair) - np.ceil(np.maximum(room, 0.0) / per_pair)
        unbuilt = instance.candidate & (used <= 0)
        opening = np.maximum(0.0, pairs) * instance.pair_worth + unbuilt * instance.build_worth
        working, protection = list(old.working), list(old.protection)
        working[index] = protection[index] = None
        kept = Circuits(working, protection, old.offer_units, old.blocked_fibers)
        circuits = self.planner.circuits(LIT_SHARE * self.asked_price, keep=kept, opening=opening)
        if (circuits.working, circuits.protection) == (old.working, old.protection):
            return plan
        tried = self.planner.with_circuits(plan, circuits, self.asked_price)
        return plan if tried is None else min(tried, plan, key=Construction.rank)

    def _with_parts_solved(self, child: Construction) -> Construction:
        """Solve parts of the child or of the best plan; the child if that is no gain."""
        start = child
        if self.random.random() < SOLVE_BEST and self.best.rank() < child.rank():
            start = self.best
        found = start
        self.subproblems.grant()
        for _ in range(self.params.parts):
            if self.subproblems.affordable and not self.stop():
                found = self.subproblems.improve(found)
        if found is start:
            return child
        if self.planner.rates:
            self.planner.rates = dict(found.design.rates_gbps)
        return found

    def _take(self, construction: Construction, parent: Individual | None = None) -> Construction:
        """Let a plan compete, and learn prices from it."""
        # fibers that are not in use keep the price they were offered at, of which the penalty is no part
        seen = construction.slot_price - np.where(construction.used_slots > 0, 0.0, self.penalty)
        seen = np.where(np.isfinite(seen), np.maximum(seen, 0.0), self.slot_price)
        self.slot_price = (1 - PRICE_DAMPING) * self.slot_price + PRICE_DAMPING * seen
        self._penalise(construction.blocked_fibers)
        individual = Individual.of(construction)
        self.population.add(individual)
        record = self._statistics.compile(self.population.members)
        self.logbook.record(generation=len(self.logbook), cost=construction.cost, **record)
        value = self.population.value
        if parent is None and self.current is not None and value(individual) > value(self.current):
            return construction  # a child that is no better does not become the current plan
        self.current = individual
        return construction

    def _penalise(self, blocked_fibers: Counter[int]) -> None:
        """Adapt the penalties to what a plan lacked: near the edge of what fits, half of the plans should."""
        first = float(self.planner.first_prices().max(initial=0.0)) + 1e-6
        full = np.zeros(len(self.penalty), dtype=np.bool_)
        full[list(blocked_fibers)] = True
        raised = self.penalty + RAISE * (self.penalty + self.slot_price) + LEAST_RAISE * first
        self.penalty = np.where(full, np.minimum(raised, MOST_PENALTY * first), FORGET * self.penalty)


def reroute_around(ip: IpPlanner, layer: IpLayer, fiber: int, open_links: I64) -> Groomer | None:
    """Route the LSPs on links over a fiber again, over ``open_links``, at prices that exclude the fiber.

    The layer as it then is, loaded; None if some LSP finds no way.
    """
    out = layer.uses(ip.pool.over(np.array([fiber])))
    groomer = Groomer(ip, layer.without(out))
    groomer.open_links(open_links)
    lsps = np.flatnonzero(out)
    if groomer.route(lsps[np.argsort(-ip.lsps.size_gbps[lsps], kind="stable")]):
        return None
    return groomer
