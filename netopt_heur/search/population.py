"""The population: survivors by cost and diversity (Vidal et al. 2012, section 3.2, biased fitness)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netopt_heur.search.individual import Individual, distance


@dataclass(frozen=True)
class PopulationParams:
    """Sizes and weights.

    Attributes
    ----------
    size
        Individuals kept.
    elite
        Best individuals that always stay.
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


class Population:
    """Individuals sorted by rank."""

    def __init__(self, params: PopulationParams) -> None:
        self.params = params
        self.members: list[Individual] = []

    @property
    def best(self) -> Individual:
        """Cheapest individual that serves most."""
        return self.members[0]

    def add(self, individual: Individual) -> None:
        """Insert an individual, drop clones, and keep the size."""
        from deap import tools

        everyone = [*self.members, individual]
        kept: list[Individual] = []
        for member in tools.selBest(everyone, len(everyone)):
            if all(distance(member, other) >= self.params.clone for other in kept):
                kept.append(member)
        self.members = kept
        while len(self.members) > self.params.size:
            fitness = self.biased_fitness()
            worst = max(range(self.params.elite, len(self.members)), key=lambda i: (fitness[i], i))
            del self.members[worst]

    def biased_fitness(self) -> list[float]:
        """Rank by cost plus rank by diversity, the latter weighted less the larger the elite; low is good."""
        n = len(self.members)
        spread = []
        for i, member in enumerate(self.members):
            others = sorted(distance(member, other) for j, other in enumerate(self.members) if j != i)
            nearest = others[: self.params.closest]
            spread.append(sum(nearest) / len(nearest) if nearest else 1.0)
        by_spread = sorted(range(n), key=lambda i: (-spread[i], i))
        diversity_rank = {i: place for place, i in enumerate(by_spread)}
        return [i + (1 - self.params.elite / n) * diversity_rank[i] for i in range(n)]

    def parents(self, random: np.random.Generator) -> tuple[Individual, Individual]:
        """Two individuals by binary tournament; they differ if the population allows."""
        fitness = self.biased_fitness()
        first = self._tournament(fitness, random)
        second = self._tournament(fitness, random)
        for _ in range(5):
            if second != first:
                break
            second = self._tournament(fitness, random)
        return self.members[first], self.members[second]

    def _tournament(self, fitness: list[float], random: np.random.Generator) -> int:
        i, j = (int(k) for k in random.integers(0, len(self.members), 2))
        return i if fitness[i] <= fitness[j] else j
