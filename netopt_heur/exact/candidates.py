"""Candidates of the exact model: links, IP paths, admissible (primary, backup) choices per demand."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from netopt_heur.availability import Availability
from netopt_heur.evaluator import ABSOLUTE, AVAILABILITY, waves_carried
from netopt_heur.exact.legs import Leg, LegTable, Link
from netopt_heur.exact.limits import Check, ExactLimits, no_limit
from netopt_heur.instance import Instance
from netopt_heur.scenario.scenario import Promise

NO_BACKUP = -1
LinkContent = tuple[int, int, tuple[tuple[object, ...], ...]]


@dataclass(frozen=True, slots=True)
class Path:
    """An IP path over candidate links; ``back[i]`` is 1 if link ``i`` is travelled from b to a."""

    links: tuple[int, ...]
    back: tuple[int, ...]
    latency_ms: float
    components: int  # of all legs of all links
    down_states: int
    price_per_gbps: float


@dataclass(frozen=True, slots=True)
class Demand:
    """Equal LSPs (indices) with their admissible choices: positions in ``paths``, backup -1 for none."""

    lsps: tuple[int, ...]
    paths: tuple[Path, ...]
    options: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CircuitChoice:
    """A circuit's candidate legs and its admissible (working, protection) pairs of them."""

    legs: tuple[Leg, ...]
    options: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything the exact model may choose from; ``complete`` if no limit dropped anything."""

    instance: Instance
    links: tuple[Link, ...]
    demands: tuple[Demand, ...]
    circuits: tuple[CircuitChoice, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What a known plan uses, by content; limits must not drop it.

    ``links`` holds (a, b, ((route or offer), ...)) with a < b; ``routes`` (a, fibers).
    """

    routes: frozenset[tuple[int, tuple[int, ...]]] = frozenset()
    links: frozenset[LinkContent] = frozenset()
    paths: frozenset[tuple[LinkContent, ...]] = frozenset()


def leg_content(leg: Leg) -> tuple[object, ...]:
    """What identifies a leg whatever its regenerators."""
    return ("offer", leg.offer) if leg.offer >= 0 else ("route", leg.fibers)


def link_content(link: Link) -> LinkContent:
    """What identifies a link whatever its channels."""
    return (link.a, link.b, tuple(sorted((leg_content(leg) for leg in link.legs), key=repr)))


def build_candidates(
    instance: Instance,
    limits: ExactLimits,
    *,
    all_regens: bool = False,
    merge_equal_lsps: bool = True,
    kept: Kept | None = None,
    links: Sequence[Link] | None = None,
    only: frozenset[LinkContent] | None = None,
    check: Check = no_limit,
) -> Candidates:
    """Enumerate the candidates of an instance.

    Parameters
    ----------
    instance
        The problem.
    limits
        Bounds of the enumeration.
    all_regens
        See :class:`~netopt_heur.exact.legs.LegTable`.
    merge_equal_lsps
        Give the equal LSPs of one demand a common integer choice.
    kept
        What the limits must not drop.
    links
        The links to choose from, where they are not to be enumerated: a part of :func:`candidate_links`.
    only
        Of the enumerated links those with these contents, where no other is worth a look.
    check
        Raises TimeoutError when time is up.
    """
    kept = kept or Kept()
    legs = LegTable(instance, limits, all_regens, kept.routes)
    builder = _Builder(instance, limits, legs, kept, check)
    if links is None:
        links = builder.links() if instance.lsps else []
        links = [link for link in links if only is None or link_content(link) in only]
    else:
        builder.complete = False
        links = list(links)
    demands = builder.demands(links, merge_equal_lsps)
    circuits = builder.circuits()
    complete = legs.complete and builder.complete and _one_copy_is_enough(instance, limits)
    return Candidates(instance, tuple(links), tuple(demands), tuple(circuits), complete)


def without_demands(
    instance: Instance, limits: ExactLimits, kept: Kept, check: Check = no_limit
) -> Candidates:
    """Links and circuits alone; arguments as in :func:`build_candidates`."""
    legs = LegTable(instance, limits, False, kept.routes)
    builder = _Builder(instance, limits, legs, kept, check)
    links = builder.links() if instance.lsps else []
    circuits = tuple(builder.circuits())
    complete = legs.complete and builder.complete and _one_copy_is_enough(instance, limits)
    return Candidates(instance, tuple(links), (), circuits, complete)


def candidate_links(instance: Instance, limits: ExactLimits, *, all_regens: bool = False) -> list[Link]:
    """Every candidate link within the limits."""
    legs = LegTable(instance, limits, all_regens)
    return _Builder(instance, limits, legs, Kept(), no_limit).links() if instance.lsps else []


def _one_copy_is_enough(instance: Instance, limits: ExactLimits) -> bool:
    # The largest of a group is subadditive: merging equal links never needs more capacity. A percentile is
    # not.
    sizes = np.diff(instance.group_start)
    clips = bool((instance.rank_normal < sizes).any() or (instance.rank_failure < sizes).any())
    return not clips or limits.parallel_links >= len(instance.lsps)


class _Builder:
    def __init__(
        self, instance: Instance, limits: ExactLimits, legs: LegTable, kept: Kept, check: Check
    ) -> None:
        self.instance, self.limits, self.legs, self.kept = instance, limits, legs, kept
        self.check = check
        self.complete = True
        self.availability = Availability(instance)
        self._paths: dict[tuple[int, int, float], list[Path]] = {}
        self._options: dict[tuple[int, int, Promise], Demand] = {}
        self._up: dict[tuple[int, ...], float] = {}  # availability of single paths
        slows = instance.scenario.latency.regenerator_ms > 0
        self._ip_by_latency = slows and any(_bounded(lsp.promise) for lsp in instance.lsps)
        self._circuit_by_latency = slows and any(_bounded(c.promise) for c in instance.circuits)

    # ---- links

    def links(self) -> list[Link]:
        """All candidate links between routers."""
        routers = [int(s) for s in np.flatnonzero(self.instance.router)]
        protected = any(
            lsp.promise.protection != "none" or lsp.promise.min_availability > 0 for lsp in self.instance.lsps
        )
        links: list[Link] = []
        most_fibers = self.instance.scenario.policy.max_link_hops
        for a, b in combinations(routers, 2):
            self.check()
            legs = [
                replace(leg, kinds=kinds)
                for leg in self.legs.between(a, b, self._ip_by_latency, most_fibers)
                if (kinds := tuple(k for k in leg.kinds if math.isfinite(k.port_worth)))
            ]
            links += [self._link((leg,)) for leg in legs]
            if protected:
                links += self._protected(legs)
        copies = self.limits.parallel_links
        return [replace(link, copy=i) for link in links for i in range(copies)]

    def _protected(self, legs: Sequence[Leg]) -> list[Link]:
        found = []
        for first, second in combinations(legs, 2):
            if first.components & second.components & self.instance.group_mask:
                continue
            rates = {k.rate_gbps for k in first.kinds} & {k.rate_gbps for k in second.kinds}
            if rates:
                pair = tuple(
                    replace(leg, kinds=tuple(k for k in leg.kinds if k.rate_gbps in rates))
                    for leg in (first, second)
                )
                found.append(self._link(pair))
        found.sort(key=lambda link: link.price_per_gbps)
        limit = self.limits.protected_per_pair
        self.complete &= len(found) <= limit
        return found[:limit] + [x for x in found[limit:] if link_content(x) in self.kept.links]

    def _link(self, legs: tuple[Leg, ...]) -> Link:
        instance = self.instance
        down = instance.states_down(legs[0].components)
        for leg in legs[1:]:
            down &= instance.states_down(leg.components)
        return Link(
            a=legs[0].a,
            b=legs[0].b,
            legs=legs,
            latency_ms=max(leg.latency_ms for leg in legs),
            components=tuple(leg.components for leg in legs),
            down_states=down,
            price_per_gbps=sum(self._leg_price(leg, ports=i == 0) for i, leg in enumerate(legs)),
        )

    def _leg_price(self, leg: Leg, *, ports: bool) -> float:
        instance = self.instance
        slots = instance.scenario.spectrum.slots
        per_slot = sum(float(instance.pair_worth[f] + instance.build_worth[f]) for f in leg.fibers) / slots
        return min(
            (k.worth + (2 * k.port_worth if ports else 0.0) + per_slot * k.slots) / k.rate_gbps
            for k in leg.kinds
        )

    # ---- LSPs

    def demands(self, links: list[Link], merge: bool) -> list[Demand]:
        """LSPs with their choices; equal LSPs of one packet demand together."""
        groups: dict[object, list[int]] = {}
        for i, lsp in enumerate(self.instance.lsps):
            groups.setdefault(lsp.demand if merge and lsp.hours is None else i, []).append(i)
        return [self._demand(tuple(members), links) for members in groups.values()]

    def _demand(self, members: tuple[int, ...], links: list[Link]) -> Demand:
        lsp = self.instance.lsps[members[0]]
        key = (lsp.a, lsp.b, lsp.promise)
        if key not in self._options:
            bound_ms = _loosest_bound(lsp.promise)
            paths = self._paths_between(lsp.a, lsp.b, bound_ms, links)
            options = self._lsp_options(lsp.a, lsp.b, lsp.promise, paths, links)
            used = sorted({i for option in options for i in option if i >= 0})
            place = {old: new for new, old in enumerate(used)} | {NO_BACKUP: NO_BACKUP}
            self._options[key] = Demand(
                (), tuple(paths[i] for i in used), tuple((place[p], place[q]) for p, q in options)
            )
        return replace(self._options[key], lsps=members)

    def _paths_between(self, a: int, b: int, bound_ms: float, links: list[Link]) -> list[Path]:
        key = (a, b, bound_ms)
        if key not in self._paths:
            found, cut = _cheapest_paths(self.instance, links, a, b, bound_ms, self.limits.paths_per_pair)
            self.complete &= not cut
            if cut and self.kept.paths:
                found += _kept_paths(self.instance, links, a, b, self.kept.paths, found)
            self._paths[key] = found
        return self._paths[key]

    def _lsp_options(
        self, a: int, b: int, promise: Promise, paths: list[Path], links: list[Link]
    ) -> list[tuple[int, int]]:
        """Admissible choices; where a path is admissible alone, a backup would only add load."""
        ends = self.instance.site_component(a) | self.instance.site_component(b)
        options: list[tuple[int, int]] = []
        backups = [i for i, p in enumerate(paths) if _within(p.latency_ms, promise.backup_max_latency_ms)]
        for i, path in enumerate(paths):
            self.check()
            if not _within(path.latency_ms, promise.max_latency_ms):
                continue
            if promise.protection != "disjoint" and self._holds(promise, ends, path, None, links):
                options.append((i, NO_BACKUP))
                continue
            options += [(i, j) for j in backups if self._holds(promise, ends, path, paths[j], links)]
        options.sort(key=lambda o: (_price(paths, o), o))
        limit = self.limits.options_per_demand
        self.complete &= len(options) <= limit
        return options[:limit] + [o for o in options[limit:] if self._is_kept(paths, o, links)]

    def _is_kept(self, paths: list[Path], option: tuple[int, int], links: list[Link]) -> bool:
        return bool(self.kept.paths) and all(
            tuple(link_content(links[k]) for k in paths[i].links) in self.kept.paths for i in option if i >= 0
        )

    def _holds(
        self, promise: Promise, ends: int, primary: Path, backup: Path | None, links: list[Link]
    ) -> bool:
        """R7, R8 and R10 of a choice."""
        if not self._protects(
            promise, ends, (primary.components, primary.down_states),
            None if backup is None else (backup.components, backup.down_states),
        ):  # fmt: skip
            return False
        if promise.min_availability <= 0:
            return True
        least = promise.min_availability - AVAILABILITY
        # two paths are up no less often than either: most pairs need no sum over what they share
        if any(self._path_up(path, links) >= least for path in (primary, backup) if path is not None):
            return True
        if backup is None:
            return False
        legs = [[links[k].components for k in path.links] for path in (primary, backup)]
        return self.availability.service(legs[0], legs[1]) >= least

    def _path_up(self, path: Path, links: list[Link]) -> float:
        """Availability of one path."""
        if path.links not in self._up:
            self._up[path.links] = self.availability.service([links[k].components for k in path.links], None)
        return self._up[path.links]

    def _protects(
        self, promise: Promise, ends: int, first: tuple[int, int], second: tuple[int, int] | None
    ) -> bool:
        instance = self.instance
        if promise.protection == "none":
            return True
        if promise.protection == "disjoint":
            if second is None:
                return False
            shared = first[0] & second[0]
            shared &= ~ends if promise.node_disjoint else instance.group_mask
            if shared:
                return False
        down = first[1] if second is None else first[1] & second[1]
        return not down or not down & ~instance.states_down(ends)

    # ---- circuits

    def circuits(self) -> list[CircuitChoice]:
        """Choices of every circuit; (working, protection) in one order where both are admissible."""
        return [self._circuit(i) for i in range(len(self.instance.circuits))]

    def _circuit(self, index: int) -> CircuitChoice:
        instance = self.instance
        demand, promise = instance.circuits[index], instance.circuits[index].promise
        a, b = min(demand.a, demand.b), max(demand.a, demand.b)
        legs = []
        # max_link_hops is about IP links
        for leg in self.legs.between(a, b, self._circuit_by_latency, len(instance.site_ids)):
            kinds = tuple(
                k for k in leg.kinds
                if k.rate_gbps >= demand.wave_gbps and waves_carried(k.rate_gbps, demand.wave_gbps)
            )  # fmt: skip
            if kinds:
                legs.append(replace(leg, kinds=kinds))
        ends = instance.site_component(a) | instance.site_component(b)
        options: list[tuple[int, int]] = []
        for i, leg in enumerate(legs):
            self.check()
            if not _within(leg.latency_ms, promise.max_latency_ms):
                continue
            if promise.protection != "disjoint" and self._circuit_holds(promise, ends, leg, None):
                options.append((i, NO_BACKUP))
                continue
            for j, other in enumerate(legs):
                fits = _within(other.latency_ms, promise.backup_max_latency_ms)
                if (
                    j != i
                    and fits
                    and self._circuit_holds(promise, ends, leg, other)
                    and (j, i) not in options
                ):
                    options.append((i, j))
        return CircuitChoice(tuple(legs), tuple(options))

    def _circuit_holds(self, promise: Promise, ends: int, leg: Leg, other: Leg | None) -> bool:
        states_down = self.instance.states_down
        second = None if other is None else (other.components, states_down(other.components))
        if not self._protects(promise, ends, (leg.components, states_down(leg.components)), second):
            return False
        backup = None if other is None else [(other.components,)]
        up = self.availability.service([(leg.components,)], backup)
        return up >= promise.min_availability - AVAILABILITY


def _bounded(promise: Promise) -> bool:
    return promise.max_latency_ms is not None or promise.backup_max_latency_ms is not None


def _within(latency_ms: float, bound_ms: float | None) -> bool:
    return bound_ms is None or latency_ms <= bound_ms + ABSOLUTE


def _loosest_bound(promise: Promise) -> float:
    bounds = (promise.max_latency_ms, promise.backup_max_latency_ms)
    return math.inf if None in bounds else max(b for b in bounds if b is not None)


def _price(paths: Sequence[Path], option: tuple[int, int]) -> float:
    return sum(paths[i].price_per_gbps for i in option if i >= 0)


def _path(instance: Instance, links: Sequence[Link], a: int, keys: tuple[int, ...]) -> Path:
    here, back, components, down = a, [], 0, 0
    for key in keys:
        link = links[key]
        back.append(int(link.b == here))
        here = link.a if link.b == here else link.b
        for leg in link.components:
            components |= leg
        down |= link.down_states
    latency_ms = sum(links[k].latency_ms for k in keys)
    latency_ms += instance.scenario.latency.router_hop_ms * len(keys)
    price = sum(links[k].price_per_gbps for k in keys)
    return Path(keys, tuple(back), latency_ms, components, down, price)


def _cheapest_paths(
    instance: Instance, links: Sequence[Link], a: int, b: int, bound_ms: float, limit: int
) -> tuple[list[Path], bool]:
    """IP paths in order of price (A* with the exact price to go), and whether the limit cut the list."""
    at: dict[int, list[tuple[int, int]]] = {}
    for key, link in enumerate(links):
        at.setdefault(link.a, []).append((link.b, key))
        at.setdefault(link.b, []).append((link.a, key))
    to_go = _price_to_go(links, at, b)
    max_hops = instance.scenario.policy.max_ip_hops
    heap: list[tuple[float, int, tuple[int, ...], tuple[int, ...]]] = [(to_go.get(a, math.inf), 0, (), (a,))]
    found: list[Path] = []
    while heap and math.isfinite(heap[0][0]):
        total, _, keys, sites = heapq.heappop(heap)
        here = sites[-1]
        if here == b:
            path = _path(instance, links, a, keys)
            if path.latency_ms > bound_ms + ABSOLUTE:
                continue
            if len(found) == limit:
                return found, True
            found.append(path)
            continue
        for there, key in at.get(here, ()) if len(keys) < max_hops else ():
            if there in sites or there not in to_go or (there != b and len(keys) + 1 == max_hops):
                continue
            price = total - to_go[here] + links[key].price_per_gbps + to_go[there]
            heapq.heappush(heap, (price, len(keys) + 1, (*keys, key), (*sites, there)))
    return found, False


def _price_to_go(links: Sequence[Link], at: dict[int, list[tuple[int, int]]], goal: int) -> dict[int, float]:
    done: dict[int, float] = {}
    heap = [(0.0, goal)]
    while heap:
        price, here = heapq.heappop(heap)
        if here not in done:
            done[here] = price
            for there, key in at.get(here, ()):
                if there not in done:
                    heapq.heappush(heap, (price + links[key].price_per_gbps, there))
    return done


def _kept_paths(
    instance: Instance,
    links: Sequence[Link],
    a: int,
    b: int,
    contents: Iterable[tuple[LinkContent, ...]],
    known: Sequence[Path],
) -> list[Path]:
    """Paths of a known plan that the enumeration missed."""
    place: dict[LinkContent, list[int]] = {}
    for key, link in enumerate(links):
        place.setdefault(link_content(link), []).append(key)
    have = {path.links for path in known}
    found = []
    for content in sorted(contents, key=repr):
        if not all(link in place for link in content):
            continue
        here, ok = a, True
        for part in content:
            ends = (part[0], part[1])
            ok = ok and here in ends
            here = ends[1] if here == ends[0] else ends[0]
        keys = tuple(place[link][-1] for link in content)
        if ok and here == b and keys not in have:
            found.append(_path(instance, links, a, keys))
    return found
