"""Wavelength assignment: a slot block and fiber pairs for every lightpath of a design."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from netopt_heur.construct.regenerators import RegeneratorSites, Sites
from netopt_heur.design import Channel, Design, DesignLeg, DesignLink, segments
from netopt_heur.instance import F64, I64, Instance
from netopt_kernels.spectrum import empty_grid, occupy, place_channels

Job = tuple[DesignLeg, Channel, list[Sites]]  # a channel, and its choices of regeneration sites


class SpectrumGrid:
    """Slots in use on every pair; lights new pairs where they are cheapest."""

    def __init__(self, instance: Instance) -> None:
        spectrum = instance.scenario.spectrum
        self.instance = instance
        self.slots = spectrum.slots
        self.continuous = spectrum.continuity == "required"
        self.lit = np.minimum(instance.lit_pairs, instance.max_pairs)
        most = max(1, int(instance.max_pairs.max(initial=1)))
        self._depth = min(most, 8)
        self._most = most
        self._grid = empty_grid(len(self.lit), self._depth, self.slots)
        self._count = np.zeros((len(self.lit), self._depth), dtype=np.int64)
        self.built = np.zeros(len(self.lit), dtype=np.bool_)
        self.blocked: Counter[int] = Counter()  # channels left out per fiber that had no pair left for them

    def place(self, leg: DesignLeg, channel: Channel) -> Channel | None:
        """Assign one channel, or return None (and change nothing) if some fiber is full."""
        return self.place_all([(leg, channel, [channel.regens])])[0]

    def place_all(self, jobs: Sequence[Job]) -> list[Channel | None]:
        """Assign channels one after another, each at the choice of regeneration sites with least new pairs.

        None, and no change, for a channel that fits with none of its choices.
        """
        table, n, done = _JobTable(self.instance, jobs), len(jobs), 0
        chosen, start, pair = np.empty(n, dtype=np.int64), *np.empty((2, len(table.fiber)), dtype=np.int64)
        instance = self.instance
        while done < n:
            done = place_channels(
                self._grid, self._count, self.continuous, self.lit, self.built, self._most,
                instance.max_pairs, instance.candidate, instance.pair_worth, instance.build_worth,
                table.route_first, table.fiber, table.width, table.choice_first, table.bound_first,
                table.bound, self.slots, done, chosen, start, pair,
            )  # fmt: skip
            if done < n:
                self._deepen()
        out = np.repeat(chosen < 0, np.diff(table.route_first)) & (pair == -1)
        self.blocked.update(table.fiber[out].tolist())
        return table.placed(chosen.tolist(), start.tolist(), pair.tolist())

    def hold(self, leg: DesignLeg, channel: Channel) -> None:
        """Mark the slots of a channel that has its wavelengths already as taken."""
        width = int(self.instance.modes.slots[channel.mode])
        for fibers, start, pairs in zip(segments(leg, channel), channel.starts, channel.pairs, strict=True):
            index, chosen = np.array(fibers, dtype=np.int64), np.array(pairs, dtype=np.int64)
            self._most = max(self._most, int(chosen.max()) + 1)
            while int(chosen.max()) >= self._depth:
                self._deepen()
            if self.continuous:
                occupy(self._grid, index, chosen, start, width)
            else:
                self._count[index, chosen] += width

    def light(self, pairs: I64, built: NDArray[np.bool_]) -> None:
        """Say which pairs are lit and which candidate fibers built; those there are cost nothing more."""
        self.lit, self.built = pairs.copy(), built.copy()

    def full_fibers(self, fibers: tuple[int, ...]) -> list[int]:
        """Fibers of a route on which every permitted pair is lit."""
        return [f for f in fibers if self.lit[f] >= self.instance.max_pairs[f]]

    def used_slots(self) -> F64:
        """Slots in use per fiber, over all pairs; float64[n_fibers]."""
        used: F64 = self._count.sum(axis=1, dtype=np.float64)
        if self.continuous:
            beyond_grid = empty_grid(1, 1, self.slots)[0, 0]
            used = np.bitwise_count(self._grid & ~beyond_grid).sum(axis=(1, 2), dtype=np.float64)
        return used

    def _deepen(self) -> None:
        """Make room for twice as many pairs per fiber; most networks never need it."""
        old, self._depth = self._depth, min(self._most, 2 * self._depth)
        grid = empty_grid(len(self.lit), self._depth, self.slots)
        grid[:, :old] = self._grid
        count = np.zeros((len(self.lit), self._depth), dtype=np.int64)
        count[:, :old] = self._count
        self._grid, self._count = grid, count


class _JobTable:
    """Channels to place, as the kernel takes them; one job after another that is the same object is a run."""

    def __init__(self, instance: Instance, jobs: Sequence[Job]) -> None:
        fibers: list[int] = []
        bounds: list[int] = []
        hops: list[int] = []
        choices_of: list[int] = []
        bounds_of: list[int] = []
        widths: list[int] = []
        self._runs: list[tuple[Job, list[list[int]], int]] = []  # with cuts per choice, and jobs
        slots = instance.modes.slots.tolist()
        for _, same in groupby(jobs, key=id):
            alike = list(same)
            (leg, channel, choices), count = alike[0], len(alike)
            cuts = [[0, *map(leg.sites.index, regens), len(leg.fibers)] for regens in choices]
            fibers += leg.fibers * count
            bounds += list(chain.from_iterable(cuts)) * count
            hops += [len(leg.fibers)] * count
            choices_of += [len(choices)] * count
            bounds_of += [len(cut) for cut in cuts] * count
            widths += [slots[channel.mode]] * count
            self._runs.append((alike[0], cuts, count))
        self.fiber = np.array(fibers, dtype=np.int64)
        self.bound = np.array(bounds, dtype=np.int64)
        self.route_first = _firsts(hops)
        self.choice_first = _firsts(choices_of)
        self.bound_first = _firsts(bounds_of)
        self.width: I64 = np.array(widths, dtype=np.int64)

    def placed(self, chosen: list[int], start: list[int], pair: list[int]) -> list[Channel | None]:
        """The channels as the kernel placed them."""
        found: list[Channel | None] = []
        first = 0
        for (leg, channel, choices), cuts, count in self._runs:
            for choice in chosen[len(found) : len(found) + count]:
                if choice < 0:
                    found.append(None)
                else:
                    starts = tuple(start[first : first + len(cuts[choice]) - 1])
                    pairs = tuple([tuple(pair[first + i : first + j]) for i, j in pairwise(cuts[choice])])
                    found.append(Channel(channel.mode, choices[choice], starts, pairs))
                first += len(leg.fibers)
        return found


def _firsts(counts: list[int]) -> I64:
    """First entry of each of consecutive runs, and the end of the last; int64[n+1]."""
    return np.append(0, np.cumsum(counts, dtype=np.int64))


def assign_wavelengths(design: Design, regenerators: RegeneratorSites) -> tuple[F64, Counter[int]]:
    """Assign all channels of ``design`` in place, longest routes and widest channels first.

    Regenerators may move among the sites that the design has opened already. Channels that find no room are
    left out; the design is then short of capacity, and says so when evaluated.

    Returns
    -------
    used_slots : float64[n_fibers]
    blocked : Counter
        For every fiber that ran out of pairs, the number of channels it blocked.
    """
    grid = SpectrumGrid(design.instance)
    runs = _runs(design)
    opened = frozenset(site for _, _, channel, _ in runs for site in channel.regens) | regenerators.free
    jobs: list[Job] = []
    numbers: list[int] = []
    for number, leg, channel, count in runs:
        jobs += [(leg, channel, choices_among(regenerators, opened, leg, channel))] * count
        numbers += [number] * count
    done: dict[int, list[Channel]] = {}
    for number, placed in zip(numbers, grid.place_all(jobs), strict=True):
        if placed is not None:
            done.setdefault(number, []).append(placed)
    _store(design, done)
    design.pairs = np.maximum(grid.lit, design.instance.lit_pairs)
    design.built = grid.built
    return grid.used_slots(), grid.blocked


def choices_among(
    regenerators: RegeneratorSites, opened: frozenset[int], leg: DesignLeg, channel: Channel
) -> list[Sites]:
    """Regeneration sites for a channel among those that are open."""
    if not channel.regens:
        return [()]
    return [sites for sites in regenerators.choices(leg, channel) if opened.issuperset(sites)]


def _runs(design: Design) -> list[tuple[int, DesignLeg, Channel, int]]:
    """Channels to place, in order: number of the leg, leg, channel, and how many of it there are."""
    slots = design.instance.modes.slots.tolist()
    runs = [
        (number, leg, channel, len(list(alike)))
        for number, leg in enumerate(design.legs())
        for channel, alike in groupby(leg.channels)
    ]
    runs.sort(key=lambda run: (*hardest_first(run[1], slots[run[2].mode]), run[2].mode, run[0]))
    return runs


def hardest_first(leg: DesignLeg, slots: int) -> tuple[int, int, tuple[int, ...]]:
    """Order in which channels are placed: long and wide ones first."""
    return (-len(leg.fibers) * slots, -slots, leg.fibers)


def _store(design: Design, done: dict[int, list[Channel]]) -> None:
    number = 0

    def refreshed(leg: DesignLeg) -> DesignLeg:
        nonlocal number
        channels = tuple(done.get(number, ()))
        number += 1
        return DesignLeg(leg.fibers, leg.sites, channels) if leg.offer < 0 else leg

    for key in sorted(design.links):
        link = design.links[key]
        design.links[key] = DesignLink(link.a, link.b, tuple(refreshed(leg) for leg in link.legs))
    for i in range(len(design.working)):
        working, protection = design.working[i], design.protection[i]
        if working is not None:
            design.working[i] = refreshed(working)
        if protection is not None:
            design.protection[i] = refreshed(protection)
