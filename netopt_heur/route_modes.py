"""What fiber routes can carry: line modes, their regenerators, and what a lightpath costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from netopt_heur.design import Channel, DesignLeg
from netopt_heur.evaluator import latency_ms_of
from netopt_heur.instance import U64, Instance, words_of
from netopt_heur.scenario.scenario import Promise
from netopt_kernels.modules import regenerator_choice

REGEN_SITE_SHARE = 0.25  # part of a regeneration site's opening cost charged to one lightpath


class RouteModes:
    """Which modes run on a route, with which regenerators, at what cost per lightpath.

    Attributes
    ----------
    worth : float64[n_modes]
        Transponders and regenerators of one lightpath; inf where the mode cannot run. No ports, no spectrum.
    regens : list of tuple
        Regeneration sites per mode.
    latency_ms : float64[n_modes]
        One-way latency per mode.
    components : int
        Bit set of everything whose failure takes the route down.
    """

    def __init__(self, instance: Instance, fibers: tuple[int, ...], sites: tuple[int, ...]) -> None:
        self.fibers, self.sites = fibers, sites
        modes = instance.modes
        n_modes = len(modes.ids)
        self.worth = np.full(n_modes, math.inf)
        self.latency_ms = np.full(n_modes, math.inf)
        self.components = instance.route_components(fibers, sites)
        self.regens: list[tuple[int, ...]] = [()] * n_modes
        self._legs: dict[tuple[int, ...], tuple[DesignLeg, float]] = {}
        length_km = instance.length_km[list(fibers)]
        lengths = length_km.tolist()
        total_km, longest_km = sum(lengths), max(lengths)
        inner = list(sites[1:-1])
        can_regen = instance.regen[inner]
        open_worth = instance.regen_open_worth[inner] * REGEN_SITE_SHARE
        columns = (modes.reach_km, modes.slots, modes.worth, modes.regenerator_worth)
        # Python's numbers: arrays of a handful of modes take longer to handle than to compute
        for mode, (reach_km, slots, worth, regen_worth) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        ):
            if longest_km > reach_km or slots > instance.scenario.spectrum.slots:
                continue
            extra = 0.0
            if total_km > reach_km:
                count, chosen, extra = regenerator_choice(
                    length_km, can_regen, open_worth, reach_km, regen_worth
                )
                if count < 0:
                    continue
                self.regens[mode] = tuple(
                    site for site, is_chosen in zip(inner, chosen.tolist(), strict=True) if is_chosen
                )
            self.worth[mode] = 2 * worth + extra
            self.latency_ms[mode] = latency_ms_of(instance, total_km, len(self.regens[mode]))

    def leg(self, counts: tuple[int, ...]) -> tuple[DesignLeg, float]:
        """A leg with so many lightpaths of each mode, without wavelengths, and its largest latency in ms.

        Searches ask for the same few legs over and over.
        """
        if counts not in self._legs:
            bought = [mode for mode, count in enumerate(counts) for _ in range(count)]
            slowest_ms = max(float(self.latency_ms[mode]) for mode in bought)
            self._legs[counts] = DesignLeg(self.fibers, self.sites, self.channels(bought)), slowest_ms
        return self._legs[counts]

    def channels(self, bought: Sequence[int]) -> tuple[Channel, ...]:
        """Lightpaths of these modes, without wavelengths; one object for all that are alike."""
        alike = {mode: Channel(mode, self.regens[mode]) for mode in bought}
        return tuple(alike[mode] for mode in bought)


class RouteTable:
    """Cache of :class:`RouteModes` by route."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._cache: dict[tuple[int, tuple[int, ...]], RouteModes] = {}
        # a circuit's routes by length, under its ends, promise and the fibers that may be used
        self.by_length: dict[tuple[int, int, Promise, bytes], set[tuple[int, ...]]] = {}

    @cached_property
    def group_words(self) -> U64:
        """Shared-risk groups of each fiber as bits; uint64[n_fibers, words]."""
        instance = self._instance
        groups = [components & instance.group_mask for components in instance.fiber_components]
        return words_of(groups or [0], instance.n_groups)

    def modes(self, a: int, fibers: tuple[int, ...]) -> RouteModes:
        """Modes of the route that leaves ``a`` along ``fibers``."""
        found = self._cache.get((a, fibers))
        if found is None:
            sites = self._instance.route_sites(a, fibers)
            if sites is None:
                raise ValueError(f"fibers {fibers} do not join up from site {a}")
            found = self._cache[a, fibers] = RouteModes(self._instance, fibers, sites)
        return found
