"""The population: survivors by cost and diversity (Vidal et al. 2012, sections 3.2 and 4.4).

Plans that serve everything and plans that do not are two subpopulations. The second compete at a price per
demand, circuit or channel without a place, which follows what the search meets: where room is short it rises
until enough plans serve everything, and falls while nearly all do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netopt_heur.search.individual import Individual, distance

TARGET = 0.5  # share of plans that should serve everything
RISE, FALL = 1.2, 0.9  # of the price after each plan, by whether the latest plans fall short of the target
MEMORY = 0.9  # weight of the share so far beside the latest plan


@dataclass(frozen=True)
class PopulationParams:
    """Sizes and weights.

    Attributes
    ----------
    size
        Individuals kept in each subpopulation.
    elite
        Best individuals of each that always stay.
    closest
        Neighbours over which an individual's contribution to diversity is averaged.
    clone
        Distance below which two individuals count as the same; the dearer one goes.
    """

    size: int = 6
    elite: int = 2
    closest: int = 3
    clone: float = 0.02

    def __post_init__(self) -> None:
        if not 1 <= self.elite <= self.size:
            raise ValueError("elite must be between 1 and size")


@dataclass
class Shortage:
    """What a demand, circuit or channel without a place costs, and the share of plans without any.

    Attributes
    ----------
    price
        Cost units, between the mean cost of an LSP and that of the whole plan.
    share_complete
        Of the plans so far, the latest counting most.
    """

    price: float = 0.0
    share_complete: float = 1.0

    def learn(self, individual: Individual) -> None:
        """Adapt to one more plan."""
        construction = individual.construction
        complete = construction.missing == 0
        self.share_complete = MEMORY * self.share_complete + (1.0 - MEMORY) * complete
        factor = RISE if self.share_complete < TARGET else FALL
        # less than an LSP costs would be a gain, as much as the whole plan is enough
        least = construction.cost / max(1, len(construction.design.primary))
        self.price = min(max(factor * self.price, least), construction.cost)


class Population:
    """Two subpopulations, of plans that serve everything and of others."""

    def __init__(self, params: PopulationParams) -> None:
        self.params = params
        self.shortage = Shortage()
        self.complete: list[Individual] = []
        self.incomplete: list[Individual] = []

    @property
    def members(self) -> list[Individual]:
        """All individuals, those that serve everything first."""
        return [*self.complete, *self.incomplete]

    @property
    def best(self) -> Individual:
        """Cheapest individual that serves most."""
        return min(self.members, key=Individual.rank)

    def value(self, individual: Individual) -> float:
        """Cost, and what is missing at its present price."""
        return individual.construction.cost + self.shortage.price * individual.construction.missing

    def restore(self, individual: Individual) -> None:
        """Insert an individual of a population left earlier, drop clones, and keep the size."""
        if individual.construction.missing == 0:
            self.complete = self._survivors([*self.complete, individual])
        else:
            self.incomplete = self._survivors([*self.incomplete, individual])

    def add(self, individual: Individual) -> None:
        """Insert a new individual and learn from it."""
        self.shortage.learn(individual)
        self.restore(individual)

    def _survivors(self, everyone: list[Individual]) -> list[Individual]:
        kept: list[Individual] = []
        fewest = min(everyone, key=Individual.rank)
        for member in sorted(everyone, key=lambda one: (one is not fewest, self.value(one))):
            if all(distance(member, other) >= self.params.clone for other in kept):
                kept.append(member)
        while len(kept) > self.params.size:
            fitness = self.biased_fitness(kept)
            worst = max(range(self.params.elite, len(kept)), key=lambda i: (fitness[i], i))
            del kept[worst]
        return kept

    def biased_fitness(self, members: list[Individual]) -> list[float]:
        """Rank among ``members`` plus rank by diversity, which weighs less the larger the elite; low wins."""
        n = len(members)
        spread = []
        for i, member in enumerate(members):
            others = sorted(distance(member, other) for j, other in enumerate(members) if j != i)
            nearest = others[: self.params.closest]
            spread.append(sum(nearest) / len(nearest) if nearest else 1.0)
        by_spread = sorted(range(n), key=lambda i: (-spread[i], i))
        diversity_rank = {i: place for place, i in enumerate(by_spread)}
        return [i + (1 - self.params.elite / n) * diversity_rank[i] for i in range(n)]

    def parents(self, random: np.random.Generator) -> tuple[Individual, Individual]:
        """Two individuals of either subpopulation by binary tournament; they differ if there is a choice."""
        members = self.members
        fitness = [x for part in (self.complete, self.incomplete) for x in self.biased_fitness(part)]
        first = _tournament(fitness, random)
        second = _tournament(fitness, random)
        for _ in range(5):
            if second != first:
                break
            second = _tournament(fitness, random)
        return members[first], members[second]


def _tournament(fitness: list[float], random: np.random.Generator) -> int:
    i, j = (int(k) for k in random.integers(0, len(fitness), 2))
    return i if fitness[i] <= fitness[j] else j
