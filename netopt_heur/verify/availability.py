"""Exact availability of a service with one or two paths, whatever its legs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from netopt_heur.verify.network import Component

# paths -> links -> legs -> components
PathComponents = Sequence[Sequence[Iterable[Component]]]


@dataclass(frozen=True, slots=True)
class _Structure:
    """Legs numbered over all paths, as bit masks: ``paths[p][l]`` is the mask of the legs of a link."""

    paths: tuple[tuple[int, ...], ...]

    @property
    def all_legs(self) -> int:
        return sum(sum(links) for links in self.paths)

    def consequence(self, down: int) -> int:
        """Legs that are useless once those in ``down`` are: a path without one link needs no other."""
        for links in self.paths:
            for link in links:
                if link & down == link:
                    down |= sum(links)
                    break
        return down

    def up_probability(self, down: int, leg_up: Mapping[int, float]) -> float:
        """Probability of a path being up when the legs outside ``down`` fail independently."""
        no_path = 1.0
        for links in self.paths:
            no_path *= 1.0 - prod(self._link_up(link & ~down, leg_up) for link in links)
        return 1.0 - no_path

    @staticmethod
    def _link_up(link: int, leg_up: Mapping[int, float]) -> float:
        return 1.0 - prod(1.0 - leg_up.get(leg, 1.0) for leg in _bits(link))


def _bits(mask: int) -> Iterable[int]:
    while mask:
        lowest = mask & -mask
        yield lowest
        mask ^= lowest


def availability(paths: Sequence[PathComponents], unavailability: Mapping[Component, float]) -> float:
    """Probability that some path has every link up, a link being up while one of its legs is.

    Components whose failure has the same consequence are merged into one. Those that matter to several legs
    are conditioned on one after the other (Shannon's expansion), keeping one probability per set of useless
    legs; given them, the legs are independent and a product remains. Nothing is approximated and no two paths
    are taken to be independent.

    Parameters
    ----------
    paths
        Per path its links, per link its legs, per leg its components. No path at all is never up.
    unavailability
        U of each component; one that is absent never fails.

    Examples
    --------
    >>> fiber = ("group", "f")
    >>> availability([[[[fiber]]], [[[fiber]]]], {fiber: 0.25})
    0.75
    """
    structure, uses = _structure(paths, unavailability)
    up_of_legs: dict[int, float] = {}
    for component, legs in uses.items():
        up_of_legs[legs] = up_of_legs.get(legs, 1.0) * (1.0 - unavailability[component])
    up: dict[int, float] = {}
    for legs, probability in up_of_legs.items():
        mask = structure.consequence(legs)
        up[mask] = up.get(mask, 1.0) * probability
    leg_up = {mask: value for mask, value in up.items() if mask.bit_count() == 1}
    shared = sorted((mask for mask in up if mask.bit_count() > 1), key=lambda m: (-m.bit_count(), m))
    # Useless legs -> probability of exactly that set. Largest sets first: they leave least to distinguish.
    cases = {0: 1.0}
    for mask in shared:
        split: dict[int, float] = {}
        for down, probability in cases.items():
            also_down = structure.consequence(down | mask)
            split[down] = split.get(down, 0.0) + probability * up[mask]
            split[also_down] = split.get(also_down, 0.0) + probability * (1.0 - up[mask])
        cases = split
    return sum(p * structure.up_probability(down, leg_up) for down, p in cases.items())


def _structure(
    paths: Sequence[PathComponents], unavailability: Mapping[Component, float]
) -> tuple[_Structure, dict[Component, int]]:
    """Number the legs; also the mask of legs that use each component that may fail."""
    uses: dict[Component, int] = {}
    masks: list[tuple[int, ...]] = []
    leg = 1
    for links in paths:
        link_masks: list[int] = []
        for legs in links:
            link_mask = 0
            for components in legs:
                for component in components:
                    if component in unavailability:
                        uses[component] = uses.get(component, 0) | leg
                link_mask |= leg
                leg <<= 1
            link_masks.append(link_mask)
        masks.append(tuple(link_masks))
    return _Structure(tuple(masks)), uses
