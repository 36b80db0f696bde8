"""GRASP with path relinking (Resende and Ribeiro 2005), to be compared with the planner's own search.

A generation either constructs a plan by greedy insertion in a randomised order and improves it by local
search, or walks from one elite plan to another and improves the best plan on the way. Prices, transfer
rates, moves on fibers and circuits, exact parts and the pool of elite plans are the genetic algorithm's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netopt_heur.construct.ip_layer import Groomer, IpLayer, IpPlanner
from netopt_heur.construct.planner import Circuits, Construction
from netopt_heur.construct.transfers import rescheduled_rates
from netopt_heur.instance import F64
from netopt_heur.search.crossover import mixed
from netopt_heur.search.genetic import RESCHEDULE, Genetic
from netopt_heur.search.individual import Individual, distance
from netopt_heur.search.ruin_recreate import Annealing, anneal

CANDIDATES = 0.1  # length of the restricted candidate list, as a share of all LSPs
ROUND = 500  # moves of local search between two looks at its gain
LEAST_GAIN = 0.002  # local search goes on while a round gains this share
BLOCKS = 8  # steps of a walk between two plans


class Grasp(Genetic):
    """One run of GRASP; the parameters that concern crossovers and heat play no part."""

    _relink_next = False

    def generation(self) -> Construction:
        """Construct and improve a plan or, every other time, relink two elite plans."""
        self._relink_next = not (self._relink_next and len(self.population.members) > 1)
        made = self._constructed() if self._relink_next else self._relinked()
        self.planner.widen(made.lit)
        return made

    def _constructed(self) -> Construction:
        price, circuits, ip = self._problem()
        empty = IpLayer.without_paths(len(self.planner.instance.lsps))
        layer = ip.complete(empty, randomised_order(self.planner.lsp_order, self.random))
        return self._improved(circuits, ip, layer, price)

    def _relinked(self) -> Construction:
        start, guide = self._pair()
        price, circuits, ip = self._problem()
        on_the_way = []
        for layer in walk(ip, start.construction.layer, guide.construction.layer):
            if self.stop():
                break
            on_the_way.append(self.planner.complete(circuits, ip, layer, price))
        if not on_the_way:
            return self.best
        best = min(on_the_way, key=Construction.rank)
        return self._improved(circuits, ip, best.layer, price)

    def _problem(self) -> tuple[F64, Circuits, IpPlanner]:
        if self.planner.rates and self.random.random() < RESCHEDULE:
            self.planner.rates = rescheduled_rates(self.best.design)
        price = self._price()
        circuits = self.planner.circuits(price)
        return price, circuits, self.planner.ip_planner(price, circuits, self.stop)

    def _pair(self) -> tuple[Individual, Individual]:
        """Two elite plans, the guide likelier the more it differs; the walk starts at the better one."""
        members = self.population.members
        first = members[int(self.random.integers(0, len(members)))]
        apart = np.array([distance(first, other) for other in members])
        second = members[int(self.random.choice(len(members), p=apart / apart.sum()))]
        better, other = sorted((first, second), key=Individual.rank)
        return better, other

    def _improved(self, circuits: Circuits, ip: IpPlanner, layer: IpLayer, price: F64) -> Construction:
        """Local search on the IP layer, then fibers, circuits and exact parts; the plan competes."""
        layer = self._locally_best(ip, ip.complete(layer, self.planner.lsp_order))
        plan = self.planner.complete(circuits, ip, layer, price)
        for _ in range(self.params.eliminations):
            if not self.stop():
                plan = self._without_a_fiber(plan)
        for _ in range(self.params.reroutings if self.planner.instance.circuits else 0):
            if not self.stop():
                plan = self._with_circuit_rerouted(plan)
        return self._take(self._with_parts_solved(plan))

    def _locally_best(self, ip: IpPlanner, layer: IpLayer) -> IpLayer:
        layer = Groomer(ip, layer).found()  # at these prices
        while not self.stop():
            better = anneal(ip, layer, Annealing(ROUND, 0.0), self._attractive(ip), self.random)
            gained = better.worth < layer.worth * (1.0 - LEAST_GAIN)
            layer = better
            if not gained:
                break
        return layer


def randomised_order(order: Sequence[int], random: np.random.Generator) -> list[int]:
    """Draw one after another from the first of ``order`` that are left: the restricted candidate list."""
    left, drawn = list(order), []
    most = max(2, round(CANDIDATES * len(left)))
    while left:
        drawn.append(left.pop(int(random.integers(0, min(most, len(left))))))
    return drawn


def walk(ip: IpPlanner, start: IpLayer, guide: IpLayer) -> list[IpLayer]:
    """Layers between two, from ``start`` towards ``guide``: each step takes over the block that costs least.

    A block holds LSPs of neighbouring numbers of those that differ, hence largely of the same sites. The
    parents themselves are not on the way.
    """
    layers = []
    paths = zip(start.primary, start.backup, guide.primary, guide.backup, strict=True)
    lsps = [i for i, (*here, to, spare) in enumerate(paths) if to is not None and here != [to, spare]]
    blocks = [
        block.tolist() for block in np.array_split(np.array(lsps, dtype=np.int64), BLOCKS) if len(block)
    ]
    here = start
    while len(blocks) > 1 and not ip.stop():
        options = [_step(ip, here, guide, block) for block in blocks]
        cheapest = min(range(len(options)), key=lambda i: options[i].worth)
        here = options[cheapest]
        del blocks[cheapest]
        layers.append(here)
    return layers


def _step(ip: IpPlanner, layer: IpLayer, guide: IpLayer, block: Sequence[int]) -> IpLayer:
    """The layer with the guide's paths for one block, priced."""
    takes = np.zeros(len(layer.hops), dtype=np.bool_)
    takes[block] = True
    return Groomer(ip, mixed(guide, layer, takes)).found()
