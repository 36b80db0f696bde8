"""Where regenerators stand: sites that are opened once serve many lightpaths.

Every lightpath chose its regeneration sites alone. Here they are moved, lightpath by lightpath at the same
number of regenerators, so that fewer or cheaper sites need to be opened: a set cover problem in which a
lightpath is served by any set of sites that keeps its segments within reach. Local search by adding a site
and dropping all that become superfluous.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from netopt_heur.design import Channel, Design, DesignLeg
from netopt_heur.instance import Instance

MOST_PLACEMENTS = 64  # choices of sites looked at for one lightpath

Sites = tuple[int, ...]


def placements(instance: Instance, leg: DesignLeg, channel: Channel) -> list[Sites]:
    """Choices of regeneration sites for a channel, as many as it has, in order of the route.

    Latency depends on the number of regenerators alone, so all of them are as fast. The channel's own choice
    is always among them, first.
    """
    found = [channel.regens]
    for sites in _choices(instance, leg, channel, 0, len(channel.regens)):
        if len(found) == MOST_PLACEMENTS:
            break
        if sites != channel.regens:
            found.append(sites)
    return found


def _choices(instance: Instance, leg: DesignLeg, channel: Channel, start: int, count: int) -> Iterator[Sites]:
    """Choices of ``count`` sites that keep the segments from fiber ``start`` to the end within reach."""
    reach_km = float(instance.modes.reach_km[channel.mode])
    left_km = float(instance.length_km[list(leg.fibers[start:])].sum())
    if left_km > (count + 1) * reach_km * (1.0 + 1e-9):
        return
    segment_km = 0.0
    for end in range(start, len(leg.fibers)):
        segment_km += float(instance.length_km[leg.fibers[end]])
        if segment_km > reach_km:
            return
        if end == len(leg.fibers) - 1:
            if count == 0:
                yield ()
        elif count > 0 and instance.regen[leg.sites[end + 1]]:
            for rest in _choices(instance, leg, channel, end + 1, count - 1):
                yield (leg.sites[end + 1], *rest)


class RegeneratorSites:
    """Moves the regenerators of whole designs; remembers what each lightpath could use.

    Parameters
    ----------
    instance
        The problem.

    Attributes
    ----------
    free
        Regeneration sites that cost nothing to open.

    Examples
    --------
    >>> RegeneratorSites(instance).consolidate(design)  # doctest: +SKIP
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._known: dict[tuple[Sites, Sites, Channel], list[Sites]] = {}
        self._open_worth = [float(worth) for worth in instance.regen_open_worth]
        self.free = frozenset(
            site for site, worth in enumerate(self._open_worth) if instance.regen[site] and worth <= 0.0
        )

    def choices(self, leg: DesignLeg, channel: Channel) -> list[Sites]:
        """Like :func:`placements`, of a channel without wavelengths yet."""
        key = (leg.fibers, leg.sites, channel)
        if key not in self._known:
            self._known[key] = placements(self.instance, leg, channel)
        return self._known[key]

    def consolidate(self, design: Design) -> None:
        """Move the regenerators of a design in place to sites that cost less to open, all in all.

        Channels must not have wavelengths yet.
        """
        if not any(self._open_worth):
            return
        demands = {}
        for leg in design.legs():
            for channel, _ in groupby(leg.channels):
                if channel.regens:
                    demands[leg.fibers, leg.sites, channel] = self.choices(leg, channel)
        before = frozenset(site for _, _, channel in demands for site in channel.regens)
        opened = self._cheapest(before, list(demands.values()))
        if self._worth(opened) < self._worth(before):
            moved = {key: next(s for s in found if opened.issuperset(s)) for key, found in demands.items()}
            _move(design, moved)

    def _worth(self, sites: frozenset[int]) -> float:
        return math.fsum(self._open_worth[site] for site in sites)

    def _cheapest(self, opened: frozenset[int], demands: list[list[Sites]]) -> frozenset[int]:
        """Local optimum: adding any one site and dropping what is then superfluous saves nothing."""
        useful = sorted({site for found in demands for sites in found for site in sites} - self.free)
        best = self._without_superfluous(opened | self.free, demands)
        improved = True
        while improved:
            improved = False
            for site in useful:
                if site not in best:
                    tried = self._without_superfluous(best | {site}, demands, keep=site)
                    if self._worth(tried) < self._worth(best):
                        best, improved = tried, True
        return best

    def _without_superfluous(
        self, opened: frozenset[int], demands: list[list[Sites]], keep: int = -1
    ) -> frozenset[int]:
        """Drop sites that no lightpath needs, the least used of the dearest first."""
        usable = [[sites for sites in found if opened.issuperset(sites)] for found in demands]
        droppable = [s for s in opened if s != keep and self._open_worth[s] > 0.0]
        uses = dict.fromkeys(droppable, 0)
        for found in usable:
            for site in {site for sites in found for site in sites}:
                if site in uses:
                    uses[site] += 1
        for site in sorted(droppable, key=lambda s: (-self._open_worth[s], uses[s], s)):
            left = [[sites for sites in found if site not in sites] for found in usable]
            if all(left):
                usable, opened = left, opened - {site}
        return opened


def _move(design: Design, moved: dict[tuple[Sites, Sites, Channel], Sites]) -> None:
    def of(leg: DesignLeg) -> DesignLeg:
        channels: list[Channel] = []
        for channel, alike in groupby(leg.channels):
            if channel.regens:
                channel = replace(channel, regens=moved[leg.fibers, leg.sites, channel])
            channels += [channel for _ in alike]
        return replace(leg, channels=tuple(channels)) if any(c.regens for c in channels) else leg

    for key, link in design.links.items():
        legs = tuple([of(leg) for leg in link.legs])
        if any(leg is not before for leg, before in zip(legs, link.legs, strict=True)):
            design.links[key] = replace(link, legs=legs)
    design.working = [None if leg is None else of(leg) for leg in design.working]
    design.protection = [None if leg is None else of(leg) for leg in design.protection]
