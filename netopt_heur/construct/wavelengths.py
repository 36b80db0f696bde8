"""Wavelength assignment: a slot block and fiber pairs for every lightpath of a design."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netopt_heur.construct.regenerators import RegeneratorSites
from netopt_heur.design import Channel, Design, DesignLeg, segments
from netopt_heur.instance import F64, I64, Instance
from netopt_kernels.spectrum import cheapest_fit, count_fit, empty_grid, occupy, release


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

    def place(self, leg: DesignLeg, channel: Channel) -> Channel | None:
        """Assign one channel, or return None (and change nothing) if some fiber is full."""
        width = int(self.instance.modes.slots[channel.mode])
        starts: list[int] = []
        pairs: list[tuple[int, ...]] = []
        taken: list[tuple[I64, I64, int]] = []
        lit, built = self.lit.copy(), self.built.copy()
        for fibers in segments(leg, channel):
            index = np.array(fibers, dtype=np.int64)
            start, chosen = self._fit(index, width)
            if chosen is None:
                self._undo(taken, width, lit, built)
                return None
            self._take(index, chosen, start, width)
            taken.append((index, chosen, start))
            starts.append(start)
            pairs.append(tuple(int(p) for p in chosen))
        return replace(channel, starts=tuple(starts), pairs=tuple(pairs))

    def place_anywhere(
        self, leg: DesignLeg, channel: Channel, regenerators: RegeneratorSites, opened: frozenset[int]
    ) -> Channel | None:
        """Assign one channel; where its segments do not fit, or need a pair more, move its regenerators.

        They move to ``opened`` sites alone. None (and no change) if no choice of them fits.
        """
        choices = regenerators.choices(leg, channel) if channel.regens else []
        options = [r for r in choices if opened.issuperset(r)]
        if len(options) <= 1:
            return self.place(leg, channel)
        fibers, width = list(leg.fibers), int(self.instance.modes.slots[channel.mode])
        lit, built = self.lit.copy(), self.built.copy()
        unavoidable = self._worth_of((lit[fibers] == 0).astype(np.int64), fibers, built)
        best, least = None, math.inf
        for regens in options:
            placed = self.place(leg, replace(channel, regens=regens))
            if placed is None:
                continue
            worth = self._worth_of(self.lit[fibers] - lit[fibers], fibers, built)
            if worth <= unavoidable:
                return placed
            self._undo(_taken(leg, placed), width, lit.copy(), built.copy())
            if worth < least:
                best, least = replace(channel, regens=regens), worth
        return None if best is None else self.place(leg, best)

    def _worth_of(self, pairs: I64, fibers: list[int], built: NDArray[np.bool_]) -> float:
        """Cost of this many new pairs on each fiber, beside what is ``built``."""
        instance = self.instance
        build = instance.build_worth[fibers] * (instance.candidate[fibers] & ~built[fibers] & (pairs > 0))
        return float((pairs * instance.pair_worth[fibers] + build).sum())

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

    def _fit(self, fibers: I64, width: int) -> tuple[int, I64 | None]:
        instance = self.instance
        if int(self.lit[fibers].max()) >= self._depth < self._most:
            self._deepen()
        limit = np.minimum(instance.max_pairs, self._depth)
        pair_worth = instance.pair_worth + np.where(
            instance.candidate & ~self.built, instance.build_worth, 0.0
        )
        if self.continuous:
            start, pairs, _ = cheapest_fit(self._grid, self.lit, limit, pair_worth, fibers, width, self.slots)
            return start, pairs if start >= 0 else None
        fits, pairs, _ = count_fit(self._count, self.lit, limit, pair_worth, fibers, width, self.slots)
        return -1, pairs if fits else None

    def _take(self, fibers: I64, pairs: I64, start: int, width: int) -> None:
        if self.continuous:
            occupy(self._grid, fibers, pairs, start, width)
        else:
            self._count[fibers, pairs] += width
        self.lit[fibers] = np.maximum(self.lit[fibers], pairs + 1)
        self.built[fibers] |= self.instance.candidate[fibers]

    def _undo(
        self, taken: list[tuple[I64, I64, int]], width: int, lit: I64, built: NDArray[np.bool_]
    ) -> None:
        for fibers, pairs, start in taken:
            if self.continuous:
                release(self._grid, fibers, pairs, start, width)
            else:
                self._count[fibers, pairs] -= width
        self.lit, self.built = lit, built

    def _deepen(self) -> None:
        """Make room for twice as many pairs per fiber; most networks never need it."""
        old, self._depth = self._depth, min(self._most, 2 * self._depth)
        grid = empty_grid(len(self.lit), self._depth, self.slots)
        grid[:, :old] = self._grid
        count = np.zeros((len(self.lit), self._depth), dtype=np.int64)
        count[:, :old] = self._count
        self._grid, self._count = grid, count


def _taken(leg: DesignLeg, channel: Channel) -> list[tuple[I64, I64, int]]:
    """What a placed channel occupies: fibers, pairs and first slot of each segment."""
    return [
        (np.array(fibers, dtype=np.int64), np.array(pairs, dtype=np.int64), start)
        for fibers, pairs, start in zip(segments(leg, channel), channel.pairs, channel.starts, strict=True)
    ]


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
    blocked: Counter[int] = Counter()
    jobs = _jobs(design)
    opened = frozenset(site for _, _, channel in jobs for site in channel.regens) | regenerators.free
    done: dict[int, list[Channel]] = {}
    for leg_number, leg, channel in jobs:
        placed = grid.place_anywhere(leg, channel, regenerators, opened)
        if placed is None:
            blocked.update(grid.full_fibers(leg.fibers))
        else:
            done.setdefault(leg_number, []).append(placed)
    _store(design, done)
    design.pairs = np.maximum(grid.lit, design.instance.lit_pairs)
    design.built = grid.built
    return grid.used_slots(), blocked


def _jobs(design: Design) -> list[tuple[int, DesignLeg, Channel]]:
    slots = design.instance.modes.slots
    jobs = [(number, leg, channel) for number, leg in enumerate(design.legs()) for channel in leg.channels]
    jobs.sort(key=lambda job: (*hardest_first(job[1], int(slots[job[2].mode])), job[2].mode, job[0]))
    return jobs


def hardest_first(leg: DesignLeg, slots: int) -> tuple[int, int, tuple[int, ...]]:
    """Order in which channels are placed: long and wide ones first."""
    return (-len(leg.fibers) * slots, -slots, leg.fibers)


def _store(design: Design, done: dict[int, list[Channel]]) -> None:
    number = 0

    def refreshed(leg: DesignLeg) -> DesignLeg:
        nonlocal number
        channels = tuple(done.get(number, ()))
        number += 1
        return replace(leg, channels=channels) if leg.offer < 0 else leg

    for key in sorted(design.links):
        link = design.links[key]
        design.links[key] = replace(link, legs=tuple(refreshed(leg) for leg in link.legs))
    for i in range(len(design.working)):
        working, protection = design.working[i], design.protection[i]
        if working is not None:
            design.working[i] = refreshed(working)
        if protection is not None:
            design.protection[i] = refreshed(protection)
