"""Exact availability of services over shared components (R10)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from netopt_heur.instance import Instance

LinkLegs = Sequence[int]  # component bit set per leg; a link is up while one of its legs is


class Availability:
    """Computes the probability that a service is up; components fail independently.

    ``P(primary or backup) = P(primary) + P(backup) - P(both)``, and each of the three is the probability
    that every link of a
    set is up. Components in all legs of a link must be up in any case and are factored out; the links that
    are left are grouped by the components they share, and each group is expanded into a polynomial of
    component sets.

    Parameters
    ----------
    instance
        Gives the unavailability of each component.
    """

    def __init__(self, instance: Instance) -> None:
        self._unavailability = instance.component_unavailability.tolist()
        self._failing = 0
        for component, value in enumerate(self._unavailability):
            if value > 0.0:
                self._failing |= 1 << component
        self._cache: dict[int, float] = {}

    def service(self, primary: Sequence[LinkLegs], backup: Sequence[LinkLegs] | None) -> float:
        """Availability of a service with a primary and an optional backup path of links."""
        if backup is None:
            return self.all_up(primary)
        both = self.all_up([*primary, *backup])
        return self.all_up(primary) + self.all_up(backup) - both

    def all_up(self, links: Sequence[LinkLegs]) -> float:
        """Probability that every link is up."""
        required = 0
        for legs in links:
            common = legs[0]
            for leg in legs[1:]:
                common &= leg
            required |= common
        required &= self._failing
        keep = self._failing & ~required
        rest = [tuple(leg & keep for leg in legs) for legs in links]
        rest = [
            legs for legs in rest if all(legs)
        ]  # a leg without failing components never lets its link down
        up = self._up(required)
        for cluster in _clusters(rest):
            up *= self._expand(cluster)
        return up

    def _up(self, components: int) -> float:
        up = self._cache.get(components)
        if up is None:
            up, left = 1.0, components
            while left:
                low = left & -left
                up *= 1.0 - self._unavailability[low.bit_length() - 1]
                left ^= low
            if len(self._cache) > 200_000:
                self._cache.clear()
            self._cache[components] = up
        return up

    def _expand(self, links: Sequence[tuple[int, ...]]) -> float:
        # indicator(link) = x + y - xy per 1+1 link, where a product of indicators is that of the united sets
        terms = {0: 1}
        for legs in dict.fromkeys(links):
            options = (
                [(legs[0], 1)] if len(legs) == 1 else [(legs[0], 1), (legs[1], 1), (legs[0] | legs[1], -1)]
            )
            grown: dict[int, int] = {}
            for (components, factor), (more, sign) in product(terms.items(), options):
                united = components | more
                grown[united] = grown.get(united, 0) + factor * sign
            terms = {components: factor for components, factor in grown.items() if factor}
        return sum(factor * self._up(components) for components, factor in terms.items())


def _clusters(links: Sequence[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    clusters: list[tuple[int, list[tuple[int, ...]]]] = []
    for legs in links:
        touched = 0
        for leg in legs:
            touched |= leg
        members = [legs]
        apart = []
        for components, cluster in clusters:
            if components & touched:
                touched |= components
                members = cluster + members
            else:
                apart.append((components, cluster))
        clusters = [*apart, (touched, members)]
    return [cluster for _, cluster in clusters]
