"""Design: a plan in index form, mutable, the working copy that evaluator and planner share."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

from netopt_heur.instance import F64, I64, Instance
from netopt_heur.plan import (
    CircuitRoute,
    FiberLeg,
    FiberUse,
    Lightpath,
    Link,
    LspRoute,
    Plan,
    Segment,
    WaveLeg,
    content_ids,
)
from netopt_heur.plan import Leg as PlanLeg

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """A lightpath on its leg's route: mode, regeneration sites, slots and pairs per segment.

    ``starts`` is empty before wavelength assignment; without continuity every start is -1.
    """

    mode: int
    regens: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    pairs: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class DesignLeg:
    """Channels on one fiber route, or, if ``offer >= 0``, units of one wave offer (product indices)."""

    fibers: tuple[int, ...]
    sites: tuple[int, ...]
    channels: tuple[Channel, ...] = ()
    offer: int = -1
    units: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DesignLink:
    """An IP link between sites ``a`` and ``b``; two legs make it 1+1."""

    a: int
    b: int
    legs: tuple[DesignLeg, ...]


class Paths(MutableSequence[Path | None]):
    """Paths of all LSPs, kept as arrays until one is asked for: most plans of a search are never read.

    Parameters
    ----------
    hops : int64[n]
        Links on each path, -1 where there is none.
    links : int64[n, most hops]
        Their keys, in order. Neither array may change afterwards.

    Examples
    --------
    >>> list(Paths(np.array([2, -1]), np.array([[3, 5], [0, 0]])))
    [(3, 5), None]
    """

    __slots__ = ("_hops", "_links", "_listed")

    def __init__(self, hops: I64, links: I64) -> None:
        self._hops, self._links = hops, links
        self._listed: list[Path | None] | None = None

    def __copy__(self) -> Paths:
        made = Paths(self._hops, self._links)
        made._listed = None if self._listed is None else list(self._listed)
        return made

    def __len__(self) -> int:
        return len(self._hops) if self._listed is None else len(self._listed)

    @overload
    def __getitem__(self, index: int) -> Path | None: ...
    @overload
    def __getitem__(self, index: slice) -> list[Path | None]: ...
    def __getitem__(self, index: int | slice) -> Path | list[Path | None] | None:
        return self._list()[index]

    @overload
    def __setitem__(self, index: int, value: Path | None) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Path | None]) -> None: ...
    def __setitem__(self, index: int | slice, value: Path | Iterable[Path | None] | None) -> None:
        self._list()[index] = value  # type: ignore[index,assignment]

    def __delitem__(self, index: int | slice) -> None:
        del self._list()[index]

    def insert(self, index: int, value: Path | None) -> None:
        """Insert a path before an index."""
        self._list().insert(index, value)

    def count(self, value: object) -> int:
        """How many LSPs have this path, or none."""
        if value is None and self._listed is None:
            return int(np.count_nonzero(self._hops < 0))
        return self._list().count(value)  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return self._list() == (other._list() if isinstance(other, Paths) else other)

    def _list(self) -> list[Path | None]:
        if self._listed is None:
            pairs = zip(self._links.tolist(), self._hops.tolist(), strict=True)
            self._listed = [tuple(links[:hops]) if hops >= 0 else None for links, hops in pairs]
        return self._listed


@dataclass(slots=True)
class Design:
    """All decisions in index form. ``primary[l]`` is None while LSP l is unrouted."""

    instance: Instance
    pairs: NDArray[np.int64]
    built: NDArray[np.bool_]
    links: dict[int, DesignLink]
    primary: MutableSequence[Path | None]
    backup: MutableSequence[Path | None]
    rates_gbps: dict[int, NDArray[np.float64]]
    working: list[DesignLeg | None]
    protection: list[DesignLeg | None]

    @classmethod
    def empty(cls, instance: Instance) -> Design:
        """Nothing lit, built or routed beyond what is paid for."""
        n_lsps, n_circuits = len(instance.lsps), len(instance.circuits)
        return cls(
            instance=instance,
            pairs=instance.lit_pairs.copy(),
            built=np.zeros(len(instance.fiber_ids), dtype=np.bool_),
            links={},
            primary=[None] * n_lsps,
            backup=[None] * n_lsps,
            rates_gbps={},
            working=[None] * n_circuits,
            protection=[None] * n_circuits,
        )

    def copy(self) -> Design:
        """Independent copy; legs and links are immutable and shared."""
        return replace(
            self,
            pairs=self.pairs.copy(),
            built=self.built.copy(),
            links=dict(self.links),
            primary=list(self.primary),
            backup=list(self.backup),
            rates_gbps=dict(self.rates_gbps),
            working=list(self.working),
            protection=list(self.protection),
        )

    def legs(self) -> list[DesignLeg]:
        """Every leg of every link and circuit, links first, in order of their keys."""
        legs = [leg for key in sorted(self.links) for leg in self.links[key].legs]
        for working, protection in zip(self.working, self.protection, strict=True):
            legs += [leg for leg in (working, protection) if leg is not None]
        return legs


def leg_rates(instance: Instance, leg: DesignLeg) -> list[float]:
    """Channel rates of a leg in Gb/s."""
    if leg.offer >= 0:
        rates = instance.offers[leg.offer].rates_gbps
        return [rates[unit] for unit in leg.units if unit >= 0]
    return [float(instance.modes.rate_gbps[channel.mode]) for channel in leg.channels]


def segments(leg: DesignLeg, channel: Channel) -> list[tuple[int, ...]]:
    """Fibers of each transparent segment of a channel."""
    cuts = [leg.sites.index(site) for site in channel.regens if site in leg.sites]
    bounds = [0, *cuts, len(leg.fibers)]
    return [leg.fibers[i:j] for i, j in pairwise(bounds)]


def slots_in_use(design: Design) -> F64:
    """Slots in use per fiber, over all pairs; float64[n_fibers]."""
    modes = design.instance.modes
    used = np.zeros(len(design.instance.fiber_ids))
    for leg in design.legs():
        for channel in leg.channels:
            for fibers in segments(leg, channel):
                used[list(fibers)] += modes.slots[channel.mode]
    return used


def to_plan(design: Design) -> Plan:
    """Turn a design whose channels have their wavelengths into a plan."""
    instance = design.instance
    names = _Names(instance)
    keys = sorted(design.links, key=lambda key: (names.link(design.links[key]), key))
    all_legs = [leg for key in keys for leg in design.links[key].legs]
    for working, protection in zip(design.working, design.protection, strict=True):
        all_legs += [leg for leg in (working, protection) if leg is not None]
    legs, lightpaths = names.legs(all_legs)
    taken = iter(legs)
    links = [
        Link(
            instance.site_ids[design.links[k].a],
            instance.site_ids[design.links[k].b],
            tuple(next(taken) for _ in design.links[k].legs),
        )
        for k in keys
    ]
    link_ids = dict(zip(keys, content_ids("ip", (names.link(design.links[k]) for k in keys)), strict=True))
    circuits = {}
    for demand, working, protection in zip(instance.circuits, design.working, design.protection, strict=True):
        if working is not None:
            first = next(taken)
            circuits[demand.id] = CircuitRoute(first, None if protection is None else next(taken))
    used = (design.pairs != instance.lit_pairs) | design.built | (design.pairs > 0)
    return Plan(
        scenario_name=instance.scenario.name,
        scenario_digest=instance.scenario.digest,
        fibers={
            instance.fiber_ids[f]: FiberUse(int(design.pairs[f]), bool(design.built[f]))
            for f in np.flatnonzero(used)
        },
        lightpaths=lightpaths,
        links={link_ids[k]: link for k, link in zip(keys, links, strict=True)},
        lsps=_lsp_routes(design, link_ids),
        circuits=circuits,
    )


def _lsp_routes(design: Design, link_ids: dict[int, str]) -> dict[str, LspRoute]:
    routes = {}
    for i, lsp in enumerate(design.instance.lsps):
        primary, backup = design.primary[i], design.backup[i]
        if primary is None:
            continue
        rates = design.rates_gbps.get(i)
        routes[lsp.id] = LspRoute(
            tuple(link_ids[k] for k in primary),
            None if backup is None else tuple(link_ids[k] for k in backup),
            None if rates is None else tuple(float(r) for r in rates),
        )
    return routes


class _Names:
    """Turns indices into the plan's ids and content."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def link(self, link: DesignLink) -> tuple[object, ...]:
        """What identifies a link: its ends and the routes of its legs."""
        sites = self.instance.site_ids
        return (sites[link.a], sites[link.b], tuple(self._route(leg) for leg in link.legs))

    def _route(self, leg: DesignLeg) -> tuple[str, ...]:
        if leg.offer >= 0:
            return ("offer", self.instance.offers[leg.offer].id)
        return tuple(self.instance.fiber_ids[f] for f in leg.fibers)

    def legs(self, legs: Sequence[DesignLeg]) -> tuple[list[PlanLeg], dict[str, Lightpath]]:
        paths = [self._lightpath(leg, channel) for leg in legs for channel in leg.channels]
        ids = content_ids("lp", paths)
        lightpaths = dict(zip(ids, paths, strict=True))
        queue = iter(ids)
        done: list[PlanLeg] = []
        for leg in legs:
            if leg.offer >= 0:
                offer = self.instance.offers[leg.offer]
                done.append(WaveLeg(offer.id, tuple(sorted(offer.rates_gbps[u] for u in leg.units))))
            else:
                done.append(FiberLeg(self._route(leg), tuple(next(queue) for _ in leg.channels)))
        return done, lightpaths

    def _lightpath(self, leg: DesignLeg, channel: Channel) -> Lightpath:
        instance = self.instance
        return Lightpath(
            a=instance.site_ids[leg.sites[0]],
            b=instance.site_ids[leg.sites[-1]],
            route=self._route(leg),
            mode=instance.modes.ids[channel.mode],
            regens=tuple(instance.site_ids[s] for s in channel.regens),
            segments=tuple(
                Segment(None if start < 0 else start, pairs)
                for start, pairs in zip(channel.starts, channel.pairs, strict=True)
            ),
        )


def from_plan(instance: Instance, plan: Plan) -> tuple[Design, int]:
    """Index form of a plan, and the number of R1 faults (dangling references) that it cannot hold."""
    reader = _Reader(instance, plan)
    design = reader.read()
    return design, reader.faults


class _Reader:
    def __init__(self, instance: Instance, plan: Plan) -> None:
        self.instance, self.plan = instance, plan
        self.faults = 0
        self.lightpaths_used: dict[str, int] = {}

    def read(self) -> Design:
        instance, plan = self.instance, self.plan
        design = Design.empty(instance)
        for name, use in plan.fibers.items():
            if name in instance.fiber_index:
                design.pairs[instance.fiber_index[name]] = use.pairs
                design.built[instance.fiber_index[name]] = use.built
            else:
                self.faults += 1
        handles = self._links(design)
        self._lsps(design, handles)
        for i, demand in enumerate(instance.circuits):
            if (route := plan.circuits.get(demand.id)) is not None:
                design.working[i] = self._leg(route.working, demand.a)
                if route.protection is not None:
                    design.protection[i] = self._leg(route.protection, demand.a)
        self.faults += len(set(plan.circuits) - {c.id for c in instance.circuits})
        self.faults += sum(self.lightpaths_used.get(name, 0) != 1 for name in plan.lightpaths)
        return design

    def _links(self, design: Design) -> dict[str, int]:
        handles: dict[str, int] = {}
        for name in sorted(self.plan.links):
            link = self.plan.links[name]
            a, b = (self.instance.site_index.get(end, -1) for end in (link.a, link.b))
            legs = [self._leg(leg, a) for leg in link.legs] if min(a, b) >= 0 else [None]
            if not legs or any(leg is None for leg in legs):
                self.faults += min(a, b) < 0 or not legs
                continue
            handles[name] = len(handles)
            design.links[handles[name]] = DesignLink(a, b, tuple(leg for leg in legs if leg is not None))
        return handles

    def _lsps(self, design: Design, handles: dict[str, int]) -> None:
        index = {lsp.id: i for i, lsp in enumerate(self.instance.lsps)}
        for name, route in self.plan.lsps.items():
            i = index.get(name, -1)
            links = [*route.primary, *(route.backup or ())]
            if i < 0 or not all(link in handles for link in links):
                self.faults += 1
                continue
            design.primary[i] = tuple(handles[link] for link in route.primary)
            if route.backup is not None:
                design.backup[i] = tuple(handles[link] for link in route.backup)
            if route.rates_gbps is not None:
                design.rates_gbps[i] = np.array(route.rates_gbps, dtype=np.float64)

    def _leg(self, leg: PlanLeg, a: int) -> DesignLeg | None:
        instance = self.instance
        if isinstance(leg, WaveLeg):
            return self._wave_leg(leg, a)
        if not all(f in instance.fiber_index for f in leg.route):
            self.faults += 1
            return None
        fibers = tuple(instance.fiber_index[f] for f in leg.route)
        sites = instance.route_sites(a, fibers)
        if sites is None:
            self.faults += 1
            return None
        channels = []
        for name in leg.lightpaths:
            self.lightpaths_used[name] = self.lightpaths_used.get(name, 0) + 1
            channel = self._channel(name, leg.route, sites)
            if channel is not None:
                channels.append(channel)
        return DesignLeg(fibers, sites, tuple(channels))

    def _wave_leg(self, leg: WaveLeg, a: int) -> DesignLeg | None:
        index = self.instance.offer_index.get(leg.wave_offer, -1)
        offer = self.instance.offers[index] if index >= 0 else None
        if offer is None or a not in (offer.a, offer.b):
            self.faults += 1
            return None
        sites = (a, offer.b if a == offer.a else offer.a)
        units = tuple(offer.rates_gbps.index(u) if u in offer.rates_gbps else -1 for u in leg.units)
        return DesignLeg((), sites, (), index, units)

    def _channel(self, name: str, route: tuple[str, ...], sites: tuple[int, ...]) -> Channel | None:
        instance = self.instance
        path = self.plan.lightpaths.get(name)
        ends = tuple(instance.site_ids[s] for s in (sites[0], sites[-1]))
        if path is None or path.mode not in instance.mode_index:
            self.faults += 1
            return None
        self.faults += path.route != route or (path.a, path.b) != ends
        self.faults += sum(r not in instance.site_index for r in path.regens)
        return Channel(
            mode=instance.mode_index[path.mode],
            regens=tuple(instance.site_index[r] for r in path.regens if r in instance.site_index),
            starts=tuple(-1 if s.slot is None else s.slot for s in path.segments),
            pairs=tuple(s.pairs for s in path.segments),
        )
