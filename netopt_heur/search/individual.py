"""Individuals of the population: whole plans, and how far apart two of them are."""

from __future__ import annotations

from dataclasses import dataclass, field

from deap import base

from netopt_heur.construct.planner import Construction


class PlanFitness(base.Fitness):  # type: ignore[misc]
    """DEAP fitness of a plan: demands and channels without a place, then cost; both are minimised."""

    weights = (-1.0, -1.0)


@dataclass(frozen=True)
class Individual:
    """A plan in the population, with the IP links it uses."""

    construction: Construction
    links: frozenset[int]
    fitness: PlanFitness = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fitness", PlanFitness(self.construction.rank()))

    @classmethod
    def of(cls, construction: Construction) -> Individual:
        """Wrap a construction."""
        return cls(construction, construction.layer.links())

    def rank(self) -> tuple[int, float]:
        """Order of preference: everything served first, then cost."""
        return self.construction.rank()


def distance(first: Individual, second: Individual) -> float:
    """Share of IP links that only one of the two uses, 0 to 1 (Jaccard)."""
    union = len(first.links | second.links)
    return len(first.links ^ second.links) / union if union else 0.0
