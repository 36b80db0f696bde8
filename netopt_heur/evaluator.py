"""Evaluator: Instance + Design (or its changes) -> Cost and violations, rules R1 to R11.

The evaluator owns a design while it evaluates it. Every change goes through its methods, which mark only
what the change touches: moving an LSP makes the links of its old and new paths dirty, and only those are
summed over samples and
failure states again when next asked for.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netopt_heur.availability import Availability
from netopt_heur.cost import fiber_worth, ip_worth, optical_worth
from netopt_heur.design import Channel, Design, DesignLeg, DesignLink, Path, leg_rates, segments
from netopt_heur.instance import F64, GB_PER_GBPS_HOUR, CircuitDemand, Instance, cheapest_port
from netopt_heur.scenario.scenario import Promise
from netopt_kernels.loads import SCRATCH_ROWS, link_required

RULES = ("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11")
ABSOLUTE = 1e-9  # tolerance of lengths and latencies, docs/model.md section 5
RELATIVE = 1e-9  # tolerance of loads and volumes
AVAILABILITY = 1e-12

Found = defaultdict[str, float]  # rule -> amount


@dataclass(frozen=True, slots=True)
class Cost:
    """Total cost by layer, with the tie breakers."""

    fiber: float
    optical: float
    ip: float
    latency_ms: float = 0.0
    max_utilisation: float = 0.0

    @property
    def total(self) -> float:
        """Objective value in cost units."""
        return self.fiber + self.optical + self.ip

    def key(self) -> tuple[float, float, float]:
        """Order of preference: cost, then latency, then utilisation."""
        return (self.total, self.latency_ms, self.max_utilisation)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Cost and the amount by which each rule is broken, kept apart."""

    cost: Cost
    violations: dict[str, float]

    @property
    def feasible(self) -> bool:
        """True if no rule is broken."""
        return not self.violations


@dataclass(slots=True)
class _LinkFacts:
    """What a link's legs imply; recomputed only when the link changes."""

    capacity_gbps: float
    latency_ms: float
    legs: tuple[int, ...]  # components per leg
    down_states: int
    primary: dict[int, int] = field(default_factory=dict)  # LSP -> orientation
    backup: dict[int, int] = field(default_factory=dict)


class Evaluator:
    """Evaluates one design and keeps the evaluation current under changes.

    Parameters
    ----------
    instance
        The problem.
    design
        Owned by the evaluator from now on; change it through the evaluator only.
    faults
        R1 faults found while reading the plan.
    """

    def __init__(self, instance: Instance, design: Design, faults: int = 0) -> None:
        self.instance, self.design = instance, design
        self.availability = Availability(instance)
        self._faults = faults
        n_lsps, words = len(instance.lsps), instance.state_words
        self.samples = samples_at(instance, design.rates_gbps)
        self._down_primary = np.zeros((n_lsps, words), dtype=np.uint64)
        self._down_backup = np.full((n_lsps, words), np.uint64(2**64 - 1))
        self._facts: dict[int, _LinkFacts] = {}
        self._required: dict[int, float] = {}
        self._next_key = max(design.links, default=-1) + 1
        self._scratch = np.empty((SCRATCH_ROWS, instance.samples.shape[2]))
        for key, link in design.links.items():
            self._facts[key] = self._link_facts(link)
        for lsp in range(n_lsps):
            self._join(lsp)

    # ---- changes

    def set_lsp(self, lsp: int, primary: Path | None, backup: Path | None) -> None:
        """Route (or, with None, unroute) one LSP; paths are link keys from its a to its b end."""
        self._leave(lsp)
        self.design.primary[lsp], self.design.backup[lsp] = primary, backup
        self._join(lsp)

    def set_rates(self, lsp: int, rates_gbps: NDArray[np.float64]) -> None:
        """Set the 24 hourly rates of a transfer's LSP."""
        self.design.rates_gbps[lsp] = rates_gbps
        _fill_rates(self.instance, self.samples, lsp, rates_gbps)
        for key in (*(self.design.primary[lsp] or ()), *(self.design.backup[lsp] or ())):
            self._required.pop(key, None)

    def add_link(self, link: DesignLink, key: int | None = None) -> int:
        """Add an IP link under ``key`` (default: the next free one) and return its key."""
        if key is None:
            key = self._next_key
        self._next_key = max(self._next_key, key + 1)
        self.design.links[key] = link
        self._facts[key] = self._link_facts(link)
        return key

    def drop_link(self, key: int) -> None:
        """Remove a link that no LSP uses. Raises ValueError otherwise."""
        facts = self._facts[key]
        if facts.primary or facts.backup:
            raise ValueError(f"link {key} still carries LSPs")
        del self.design.links[key], self._facts[key]
        self._required.pop(key, None)

    def set_link(self, key: int, link: DesignLink) -> None:
        """Replace a link's legs (channels, routes, 1+1); its ends stay."""
        old, new = self._facts[key], self._link_facts(link)
        new.primary, new.backup = old.primary, old.backup
        self.design.links[key] = link
        self._facts[key] = new
        if new.down_states != old.down_states:
            for lsp in {*new.primary, *new.backup}:
                self._refresh_down(lsp)

    # ---- what the planner asks

    def required_gbps(self, key: int) -> float:
        """Largest percentile of the link's load over directions and failure states (R9); cached."""
        required = self._required.get(key)
        if required is None:
            facts = self._facts[key]
            primary, primary_orientation = _members(facts.primary)
            backup, backup_orientation = _members(facts.backup)
            instance = self.instance
            required, _, _ = link_required(
                self.samples,
                primary,
                primary_orientation,
                backup,
                backup_orientation,
                self._down_primary,
                self._down_backup,
                len(instance.state_names),
                instance.group_start,
                instance.rank_normal,
                instance.rank_failure,
                self._scratch,
            )
            self._required[key] = required
        return required

    def capacity_gbps(self, key: int) -> float:
        """Installed capacity of a link."""
        return self._facts[key].capacity_gbps

    def latency_ms(self, key: int) -> float:
        """One-way latency of a link, the worst of its lightpaths and legs."""
        return self._facts[key].latency_ms

    def down_states(self, key: int) -> int:
        """Bit set of the failure states in which a link is down."""
        return self._facts[key].down_states

    def members(self, key: int) -> list[int]:
        """LSPs that use a link, on either path, in order."""
        return sorted({*self._facts[key].primary, *self._facts[key].backup})

    def path_latency_ms(self, path: Path) -> float:
        """Latency of an IP path."""
        hop_ms = self.instance.scenario.latency.router_hop_ms
        return sum(self._facts[key].latency_ms for key in path) + hop_ms * len(path)

    def lsp_availability(self, lsp: int) -> float:
        """Availability of a routed LSP."""
        primary, backup = self.design.primary[lsp], self.design.backup[lsp]
        if primary is None:
            return 0.0
        legs = [self._facts[key].legs for key in primary]
        return self.availability.service(
            legs, None if backup is None else [self._facts[k].legs for k in backup]
        )

    def missing_waves(self, demand: CircuitDemand, leg: DesignLeg) -> int:
        """Waves of a circuit that a leg has no room for."""
        rates = leg_rates(self.instance, leg)
        return max(0, demand.waves - sum(waves_carried(rate, demand.wave_gbps) for rate in rates))

    def cost(self) -> Cost:
        """Cost of the design as it stands."""
        instance, design = self.instance, self.design
        fiber = fiber_worth(instance, design)
        optical = optical_worth(instance, design.legs())
        ip = ip_worth(instance, design.links.values())
        latency_ms = sum(self.path_latency_ms(path) for path in design.primary if path is not None)
        latency_ms += sum(leg_latency_ms(instance, leg) for leg in design.working if leg is not None)
        utilisation = [
            self.required_gbps(key) / facts.capacity_gbps
            for key, facts in self._facts.items()
            if facts.capacity_gbps > 0
        ]
        return Cost(fiber, optical, ip, latency_ms, max(utilisation, default=0.0))

    def evaluate(self) -> Evaluation:
        """Cost and every broken rule."""
        found: Found = defaultdict(float)
        found["R1"] += self._faults
        self._check_links(found)
        self._check_legs(found)
        self._check_spectrum(found)
        for lsp in range(len(self.instance.lsps)):
            self._check_lsp(lsp, found)
        for circuit in range(len(self.instance.circuits)):
            self._check_circuit(circuit, found)
        return Evaluation(self.cost(), {rule: found[rule] for rule in RULES if found[rule] > 0})

    # ---- incremental bookkeeping

    def _link_facts(self, link: DesignLink) -> _LinkFacts:
        instance = self.instance
        legs = tuple(leg_components(instance, leg) for leg in link.legs)
        down = instance.states_down(legs[0])
        for components in legs[1:]:
            down &= instance.states_down(components)
        latency_ms = max(leg_latency_ms(instance, leg) for leg in link.legs)
        return _LinkFacts(sum(leg_rates(instance, link.legs[0])), latency_ms, legs, down)

    def _join(self, lsp: int) -> None:
        for path, is_primary in ((self.design.primary[lsp], True), (self.design.backup[lsp], False)):
            here = self.instance.lsps[lsp].a
            for key in path or ():
                link = self.design.links[key]
                forward = link.a == here
                here = link.b if forward else link.a
                facts = self._facts[key]
                (facts.primary if is_primary else facts.backup)[lsp] = 0 if forward else 1
                self._required.pop(key, None)
        self._refresh_down(lsp)

    def _leave(self, lsp: int) -> None:
        for key in self.design.primary[lsp] or ():
            self._facts[key].primary.pop(lsp, None)
            self._required.pop(key, None)
        for key in self.design.backup[lsp] or ():
            self._facts[key].backup.pop(lsp, None)
            self._required.pop(key, None)

    def _refresh_down(self, lsp: int) -> None:
        instance = self.instance
        primary, backup = self.design.primary[lsp], self.design.backup[lsp]
        self._down_primary[lsp] = instance.words(self.path_down_states(primary or ()))
        if backup is None:
            self._down_backup[lsp] = np.uint64(2**64 - 1)
        else:
            self._down_backup[lsp] = instance.words(self.path_down_states(backup))
        for key in (*(primary or ()), *(backup or ())):
            self._required.pop(key, None)

    def path_down_states(self, path: Path) -> int:
        """Bit set of the failure states in which an IP path is down."""
        states = 0
        for key in path:
            states |= self._facts[key].down_states
        return states

    # ---- rules

    def _check_links(self, found: Found) -> None:
        instance, policy = self.instance, self.instance.scenario.policy
        for key, link in self.design.links.items():
            found["R1"] += not (instance.router[link.a] and instance.router[link.b])
            found["R1"] += sum(leg.sites[-1] != link.b for leg in link.legs)
            rates = [sorted(leg_rates(instance, leg)) for leg in link.legs]
            found["R7"] += sum(other != rates[0] for other in rates[1:])
            if len(link.legs) > 1:
                legs = self._facts[key].legs
                found["R7"] += (legs[0] & legs[1] & instance.group_mask).bit_count()
            allowed = policy.max_utilisation * self._facts[key].capacity_gbps
            required = self.required_gbps(key)
            if required > allowed * (1 + RELATIVE):
                found["R9"] += required - allowed
            for leg in link.legs:
                found["R9"] += max(0, len(leg.fibers) - policy.max_link_hops)
                found["R9"] += sum(
                    math.isinf(cheapest_port(instance.scenario, rate)[0]) for rate in leg_rates(instance, leg)
                )

    def _check_legs(self, found: Found) -> None:
        instance, design = self.instance, self.design
        units: Counter[int] = Counter()
        for leg in design.legs():
            if leg.offer >= 0:
                units[leg.offer] += len(leg.units)
                found["R4"] += sum(unit < 0 for unit in leg.units)
                found["R1"] += not leg.units
                continue
            found["R1"] += len(set(leg.sites)) != len(leg.sites) or not leg.channels
            found["R1"] += sum(
                not instance.add_drop[s] for s in (leg.sites[0], leg.sites[-1]) if leg.channels
            )
            for channel in leg.channels:
                self._check_reach(leg, channel, found)
        for offer, count in units.items():
            found["R4"] += max(0, count - instance.offers[offer].max_units)

    def _check_reach(self, leg: DesignLeg, channel: Channel, found: Found) -> None:
        instance = self.instance
        inner = leg.sites[1:-1]
        positions = [inner.index(site) for site in channel.regens if site in inner]
        found["R2"] += sum(site not in inner or not instance.regen[site] for site in channel.regens)
        if positions != sorted(set(positions)):
            found["R2"] += 1
            return
        reach_km = float(instance.modes.reach_km[channel.mode])
        for fibers in segments(leg, channel):
            length_km = sum(float(instance.length_km[f]) for f in fibers)
            if length_km > reach_km + ABSOLUTE:
                found["R2"] += length_km - reach_km

    def _check_spectrum(self, found: Found) -> None:
        instance, design = self.instance, self.design
        grid = instance.scenario.spectrum
        used: dict[tuple[int, int], list[tuple[int, int]]] = {}
        touched = {int(f) for f in np.flatnonzero(design.pairs > 0)}
        for leg in design.legs():
            for channel in leg.channels:
                width = int(instance.modes.slots[channel.mode])
                parts = segments(leg, channel)
                if len(parts) != len(channel.starts):
                    found["R3"] += width
                    continue
                for fibers, start, pairs in zip(parts, channel.starts, channel.pairs, strict=True):
                    touched.update(fibers)
                    if len(pairs) != len(fibers):
                        found["R3"] += width
                        continue
                    found["R4"] += sum(
                        not 0 <= p < design.pairs[f] for f, p in zip(fibers, pairs, strict=True)
                    )
                    for f, p in zip(fibers, pairs, strict=True):
                        used.setdefault((f, p), []).append((start, width))
        for blocks in used.values():
            found["R3"] += slot_conflicts(blocks, grid.slots, grid.continuity == "required")
        found["R4"] += int(np.maximum(0, design.pairs - instance.max_pairs).sum() + (design.pairs < 0).sum())
        found["R4"] += sum(bool(instance.candidate[f]) and not design.built[f] for f in touched)

    def _check_lsp(self, index: int, found: Found) -> None:
        instance, design = self.instance, self.design
        lsp, promise = instance.lsps[index], instance.lsps[index].promise
        primary, backup = design.primary[index], design.backup[index]
        if primary is None:
            found["R5"] += 1
            return
        found["R5"] += promise.protection == "disjoint" and backup is None
        for path in (primary, *([] if backup is None else [backup])):
            found["R1"] += not self._is_path(path, lsp.a, lsp.b)
            found["R9"] += max(0, len(path) - instance.scenario.policy.max_ip_hops)
        _check_latency(found, self.path_latency_ms(primary), promise.max_latency_ms)
        if backup is not None:
            _check_latency(found, self.path_latency_ms(backup), promise.backup_max_latency_ms)
        paths = [[self._facts[k].legs for k in p] for p in (primary, backup) if p is not None]
        self._check_promise(found, promise, (lsp.a, lsp.b), paths)
        if lsp.hours is not None:
            self._check_transfer(index, found)

    def _check_promise(
        self, found: Found, promise: Promise, ends: tuple[int, int], paths: list[list[tuple[int, ...]]]
    ) -> None:
        instance = self.instance
        if promise.protection == "disjoint" and len(paths) == 2:
            shared = shared_components(instance, paths[0], paths[1], ends, promise.node_disjoint)
            found["R7"] += shared.bit_count()
        if promise.protection != "none":
            down = -1
            for path in paths:
                down &= _path_states(instance, path)
            for end in ends:
                down &= ~instance.states_down(instance.site_component(end))
            found["R8"] += down.bit_count()
        available = self.availability.service(paths[0], paths[1] if len(paths) == 2 else None)
        if available < promise.min_availability - AVAILABILITY:
            found["R10"] += promise.min_availability - available

    def _check_transfer(self, index: int, found: Found) -> None:
        lsp, rates = self.instance.lsps[index], self.design.rates_gbps.get(index)
        if rates is None or rates.shape != (24,) or not np.isfinite(rates).all() or (rates < 0).any():
            found["R11"] += lsp.volume_gb
            return
        hours = list(lsp.hours or ())
        outside = np.delete(rates, hours).sum() * GB_PER_GBPS_HOUR
        delivered = rates[hours].sum() * GB_PER_GBPS_HOUR
        found["R11"] += float(outside)
        if delivered < lsp.volume_gb * (1 - RELATIVE):
            found["R11"] += lsp.volume_gb - delivered

    def _check_circuit(self, index: int, found: Found) -> None:
        instance = self.instance
        demand, promise = instance.circuits[index], instance.circuits[index].promise
        legs = [leg for leg in (self.design.working[index], self.design.protection[index]) if leg is not None]
        if self.design.working[index] is None:
            found["R5"] += 1
            return
        found["R5"] += promise.protection == "disjoint" and len(legs) < 2
        for leg in legs:
            found["R5"] += sum(rate < demand.wave_gbps for rate in leg_rates(instance, leg))
            found["R5"] += self.missing_waves(demand, leg)
            found["R1"] += (leg.sites[0], leg.sites[-1]) != (demand.a, demand.b)
        for leg, bound in zip(legs, (promise.max_latency_ms, promise.backup_max_latency_ms), strict=False):
            _check_latency(found, leg_latency_ms(instance, leg), bound)
        paths: list[list[tuple[int, ...]]] = [[(leg_components(instance, leg),)] for leg in legs]
        self._check_promise(found, promise, (demand.a, demand.b), paths)

    def _is_path(self, path: Path, a: int, b: int) -> bool:
        here, seen = a, {a}
        for key in path:
            link = self.design.links[key]
            if here not in (link.a, link.b):
                return False
            here = link.b if here == link.a else link.a
            if here in seen:
                return False
            seen.add(here)
        return here == b


def samples_at(instance: Instance, rates_gbps: Mapping[int, F64]) -> F64:
    """Traffic of all LSPs with transfers at these hourly rates, Gb/s; float64[n_lsps, 2, S]."""
    if all(lsp.hours is None for lsp in instance.lsps):
        return instance.samples
    samples = instance.samples.copy()
    for lsp, rates in rates_gbps.items():
        _fill_rates(instance, samples, lsp, rates)
    return samples


def _fill_rates(instance: Instance, samples: F64, lsp: int, rates_gbps: F64) -> None:
    if rates_gbps.shape == (24,):
        samples[lsp, 0] = np.nan_to_num(np.maximum(rates_gbps, 0.0), posinf=0.0)[instance.sample_hour]


def _check_latency(found: Found, latency_ms: float, bound_ms: float | None) -> None:
    if bound_ms is not None and latency_ms > bound_ms + ABSOLUTE:
        found["R6"] += latency_ms - bound_ms


def _members(members: dict[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # sorted, so that equal designs add their samples in the same order whatever their history
    lsps = sorted(members)
    return np.array(lsps, dtype=np.int64), np.array([members[lsp] for lsp in lsps], dtype=np.int64)


def _path_states(instance: Instance, path: Sequence[tuple[int, ...]]) -> int:
    states = 0
    for legs in path:
        down = instance.states_down(legs[0])
        for components in legs[1:]:
            down &= instance.states_down(components)
        states |= down
    return states


def shared_components(
    instance: Instance,
    first: Iterable[tuple[int, ...]],
    second: Iterable[tuple[int, ...]],
    ends: tuple[int, int],
    node_disjoint: bool,
) -> int:
    """Groups (and, if asked, intermediate sites) that two paths share, all legs counted."""
    unions = []
    for path in (first, second):
        union = 0
        for legs in path:
            for components in legs:
                union |= components
        unions.append(union)
    shared = unions[0] & unions[1]
    if not node_disjoint:
        return shared & instance.group_mask
    return shared & ~instance.site_component(ends[0]) & ~instance.site_component(ends[1])


def leg_components(instance: Instance, leg: DesignLeg) -> int:
    """Bit set of everything whose failure takes a leg down."""
    if leg.offer >= 0:
        return instance.offers[leg.offer].components
    return instance.route_components(leg.fibers, leg.sites)


def leg_latency_ms(instance: Instance, leg: DesignLeg) -> float:
    """One-way latency of a leg, the largest over its lightpaths."""
    if leg.offer >= 0:
        return instance.offers[leg.offer].latency_ms
    regens = max((len(channel.regens) for channel in leg.channels), default=0)
    return route_latency_ms(instance, leg.fibers, regens)


def route_latency_ms(instance: Instance, fibers: Sequence[int], regens: int) -> float:
    """One-way latency of a lightpath."""
    return latency_ms_of(instance, sum(float(instance.length_km[f]) for f in fibers), regens)


def latency_ms_of(instance: Instance, length_km: float, regens: int) -> float:
    """One-way latency of a lightpath of that length, summed from its first fiber on."""
    latency = instance.scenario.latency
    return (
        length_km * latency.us_per_km / 1000.0
        + 2 * latency.lightpath_end_ms
        + regens * latency.regenerator_ms
    )


def waves_carried(rate_gbps: float, wave_gbps: float) -> int:
    """Circuit waves that a channel can hold."""
    return math.floor(rate_gbps / wave_gbps + 1e-9)


def slot_conflicts(blocks: list[tuple[int, int]], slots: int, contiguous: bool) -> int:
    """Slots outside the grid or used twice on one pair; without continuity, slots above the grid's number."""
    if not contiguous:
        return max(0, sum(width for _, width in blocks) - slots)
    conflicts, end = 0, 0
    for start, width in sorted(blocks):
        conflicts += max(0, -start) + max(0, start + width - slots)
        conflicts += max(0, min(end, start + width) - max(start, 0)) if end > start else 0
        end = max(end, start + width)
    return conflicts
