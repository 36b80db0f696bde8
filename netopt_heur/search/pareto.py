"""Plans between cost, latency and availability: a memetic NSGA-II over whole plans.

Selection is that of Deb et al. (2002). A child is made as in Jaszkiewicz (2002): prices for latency and for
lost traffic are drawn, the plan that is best at them is a parent, and local search at the same prices
educates the child. What a plan is worth in each objective is the referee's word, never the search's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np
from deap import base, tools

from netopt_heur.construct.ip_layer import Stop
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.instance import F64
from netopt_heur.result import OBJECTIVES, FrontPlan
from netopt_heur.search.crossover import cross
from netopt_heur.search.ruin_recreate import Annealing, link_attraction
from netopt_heur.search.trade import CircuitTrader, Prices, Trader

Judge = Callable[[Construction], FrontPlan | None]  # None: the referee refuses the plan


def minimised(plan: FrontPlan, objectives: Sequence[str]) -> tuple[float, ...]:
    """Values of the objectives, the smaller the better."""
    values = {"cost": plan.cost, "latency": plan.latency_ms, "availability": 1.0 - plan.availability}
    return tuple(values[name] for name in objectives)


class FrontFitness(base.Fitness):  # type: ignore[misc]
    """DEAP fitness of a plan on the front: all values are minimised."""

    def __init__(self, values: tuple[float, ...]) -> None:
        self.weights = (-1.0,) * len(values)
        super().__init__(values)


@dataclass(frozen=True)
class Member:
    """A judged plan in the population."""

    construction: Construction
    judged: FrontPlan
    fitness: FrontFitness = field(compare=False, repr=False)

    def at(self, prices: Prices) -> float:
        """Cost, latency and lost traffic in one number."""
        judged = self.judged
        lost = 1.0 - judged.availability
        return judged.cost + prices.per_ms * judged.latency_ms + prices.per_lost * lost


@dataclass(frozen=True)
class ParetoParams:
    """Parameters of the search.

    Attributes
    ----------
    size
        Plans kept.
    children
        Children per generation.
    steps, heat
        Education of a child, as in :class:`Annealing`; the temperature falls with the run's progress.
    reroutings
        Circuits of a child that are tried on other routes.
    crossover
        Probability that a child has two parents.
    powers
        Exponents of ten between which prices are drawn. At 0 one per cent of the cheapest plan's latency (or
        lost traffic) is worth one per cent of its cost.
    corner_power
        Exponent for the first children, which make the ends of the front.
    """

    size: int = 24
    children: int = 3
    steps: int = 1000
    heat: float = 0.3
    reroutings: int = 12
    crossover: float = 0.3
    powers: tuple[float, float] = (-2.0, 0.5)
    corner_power: float = 1.5


class ParetoSearch:
    """The population and its generations.

    Parameters
    ----------
    planner
        Constructs and completes plans.
    objectives
        From :func:`netopt_heur.result.check_objectives`.
    params
        Effort and probabilities.
    judge
        The referee.
    random
        Source of every random choice.
    stop
        Cuts a generation short when time is up.
    progress
        Share of the run that is over, 0 to 1.
    """

    def __init__(
        self,
        planner: Planner,
        objectives: Sequence[str],
        params: ParetoParams,
        judge: Judge,
        random: np.random.Generator,
        stop: Stop,
        progress: Callable[[], float],
    ) -> None:
        self.planner, self.objectives, self.params = planner, objectives, params
        self.judge, self.random, self.stop, self.progress = judge, random, stop, progress
        self.members: list[Member] = []
        self._attraction: F64 | None = None
        self._corners = [(ms, up) for ms, up in ((1, 0), (0, 1), (1, 1)) if self._wants(ms, up)]

    def _wants(self, ms: int, up: int) -> bool:
        return ms <= ("latency" in self.objectives) and up <= ("availability" in self.objectives)

    def add(self, construction: Construction) -> None:
        """Let a plan compete, if the referee accepts it."""
        judged = self.judge(construction)
        if judged is None:
            return
        values = minimised(judged, self.objectives)
        if all(values != member.fitness.values for member in self.members):
            everyone = [*self.members, Member(construction, judged, FrontFitness(values))]
            self.members = tools.selNSGA2(everyone, self.params.size)

    def front(self) -> list[Member]:
        """Plans that no other plan dominates, the cheapest first."""
        if not self.members:
            return []
        best = tools.sortNondominated(self.members, len(self.members), first_front_only=True)[0]
        return sorted(best, key=lambda member: (member.judged.cost, member.judged.latency_ms))

    def generation(self, slot_price: F64) -> None:
        """Make children, and let them compete."""
        for _ in range(self.params.children):
            if not self.members or self.stop():
                break
            self.add(self._child(self._prices(), slot_price))

    def _prices(self) -> Prices:
        """Prices of a child: the dearest first, for the ends of the front; then any."""
        cheapest = min((member.judged for member in self.members), key=lambda judged: judged.cost)
        if self._corners:
            weights = 10.0**self.params.corner_power * np.array(self._corners.pop(0))
        else:
            wanted = [name in self.objectives for name in OBJECTIVES[1:]]
            weights = np.where(wanted, 10.0 ** self.random.uniform(*self.params.powers, 2), 0.0)
        lost = 1.0 - cheapest.availability
        return Prices(
            per_ms=float(weights[0]) * cheapest.cost / max(cheapest.latency_ms, 1e-9),
            per_lost=float(weights[1]) * cheapest.cost / lost if lost > 0.0 else 0.0,
        )

    def _child(self, prices: Prices, slot_price: F64) -> Construction:
        """Cross or copy, and educate at the prices."""
        first = min(self.members, key=lambda member: member.at(prices)).construction
        layer = first.layer
        if self.random.random() < self.params.crossover:
            second = self._tournament().construction
            layer = cross(self.planner.instance, layer, second.layer, self.random)
        planner = copy(self.planner)
        planner.rates = dict(first.design.rates_gbps)
        ip = planner.ip_planner(slot_price, first.circuits, self.stop)
        if self._attraction is None or len(self._attraction) != len(ip.pool.links):
            self._attraction = link_attraction(ip)
        education = Annealing(self.params.steps, self.params.heat * (1.0 - self.progress()))
        layer = Trader(ip, prices, self.random).improve(layer, education, self._attraction)
        child = planner.complete(first.circuits, ip, layer, slot_price)
        circuits = CircuitTrader(planner, prices, self.random)
        return circuits.improve(child, self.params.reroutings, slot_price)

    def _tournament(self) -> Member:
        """One of two members at random: the one that dominates, else the one in the emptier place."""
        i, j = (int(k) for k in self.random.integers(0, len(self.members), 2))
        first, second = self.members[i], self.members[j]
        if second.fitness.dominates(first.fitness):
            return second
        crowded = first.fitness.crowding_dist < second.fitness.crowding_dist
        return second if crowded and not first.fitness.dominates(second.fitness) else first
