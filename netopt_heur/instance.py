"""Scenario -> Instance: frozen, contiguous, typed arrays; the only thing search code and kernels see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netopt_heur.scenario.demands import window_hours
from netopt_heur.scenario.scenario import Price, Promise, Scenario

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

GB_PER_GBPS_HOUR = 450.0  # 3600 s of 1 Gb/s, 8 bits a byte


@dataclass(frozen=True)
class Graph:
    """Undirected multigraph in CSR form, arcs sorted by (tail, head, edge); kernels take its arrays."""

    first_arc: I64
    head: I64
    arc_edge: I64

    @classmethod
    def build(cls, n_nodes: int, end_a: I64, end_b: I64) -> Graph:
        """Build the CSR arrays of edges ``end_a[e] -- end_b[e]``."""
        edges = np.arange(len(end_a), dtype=np.int64)
        tail = np.concatenate([end_a, end_b])
        head = np.concatenate([end_b, end_a])
        edge = np.concatenate([edges, edges])
        order = np.lexsort((edge, head, tail))
        first = np.zeros(n_nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(tail, minlength=n_nodes), out=first[1:])
        return cls(
            first, np.ascontiguousarray(head[order], np.int64), np.ascontiguousarray(edge[order], np.int64)
        )


@dataclass(frozen=True)
class Lsp:
    """One LSP to route: a slice of a packet demand, or one flow of a transfer (``hours`` not None)."""

    id: str
    demand: str
    a: int
    b: int
    promise: Promise
    volume_gb: float = 0.0
    hours: tuple[int, ...] | None = None  # UTC hours of day in which a transfer may run


@dataclass(frozen=True)
class CircuitDemand:
    """One circuit to route."""

    id: str
    a: int
    b: int
    waves: int
    wave_gbps: float
    promise: Promise


@dataclass(frozen=True)
class Offer:
    """A wave offer in index form; ``port_gbps`` is inf where no router port is fast enough."""

    id: str
    a: int
    b: int
    rates_gbps: tuple[float, ...]
    unit_worth: tuple[float, ...]
    max_units: int
    setup_worth: float
    latency_ms: float
    components: int


@dataclass(frozen=True)
class Modes:
    """Line modes as parallel arrays, in catalogue order."""

    ids: tuple[str, ...]
    rate_gbps: F64
    reach_km: F64
    slots: I64
    worth: F64
    regenerator_worth: F64
    port_worth: F64  # of one router port for the mode's rate; inf where none is fast enough
    port_gbps: F64


@dataclass(frozen=True)
class Instance:
    """The planning problem as arrays. Bit sets over components and states are Python integers."""

    scenario: Scenario
    graph: Graph
    site_ids: tuple[str, ...]
    site_index: dict[str, int]
    router: NDArray[np.bool_]
    add_drop: NDArray[np.bool_]
    regen: NDArray[np.bool_]
    regen_open_worth: F64
    fiber_ids: tuple[str, ...]
    fiber_index: dict[str, int]
    fiber_a: I64
    fiber_b: I64
    length_km: F64
    lit_pairs: I64
    max_pairs: I64
    candidate: NDArray[np.bool_]
    build_worth: F64
    pair_worth: F64
    fiber_components: tuple[int, ...]  # own and shared groups, no sites
    offers: tuple[Offer, ...]
    offer_index: dict[str, int]
    group_ids: tuple[str, ...]
    group_mask: int
    component_unavailability: F64
    component_states: tuple[int, ...]
    state_names: tuple[str, ...]
    state_components: tuple[int, ...]
    modes: Modes
    mode_index: dict[str, int]
    lsps: tuple[Lsp, ...]
    circuits: tuple[CircuitDemand, ...]
    samples: F64  # (n_lsp, 2, S), sorted by hour group; rows of transfers are zero
    sample_hour: I64
    group_start: I64
    rank_normal: I64
    rank_failure: I64

    @property
    def n_groups(self) -> int:
        """Number of shared-risk groups; component ``n_groups + i`` is site ``i``."""
        return len(self.group_ids)

    @property
    def state_words(self) -> int:
        """Number of 64-bit words in a bit set over failure states."""
        return len(self.state_names) // 64 + 1

    def site_component(self, site: int) -> int:
        """Bit set that holds just the component of ``site``."""
        return 1 << (self.n_groups + site)

    def route_sites(self, a: int, fibers: Sequence[int]) -> tuple[int, ...] | None:
        """Sites along ``fibers`` from ``a``; None if the fibers do not join up."""
        sites = [a]
        for fiber in fibers:
            here, end_a, end_b = sites[-1], int(self.fiber_a[fiber]), int(self.fiber_b[fiber])
            if here not in (end_a, end_b):
                return None
            sites.append(end_b if here == end_a else end_a)
        return tuple(sites)

    def route_components(self, fibers: Sequence[int], sites: Sequence[int]) -> int:
        """Bit set of everything whose failure takes the route down."""
        bits = 0
        for fiber in fibers:
            bits |= self.fiber_components[fiber]
        for site in sites:
            bits |= self.site_component(site)
        return bits

    def states_down(self, components: int) -> int:
        """Bit set of the failure states that hit any of ``components``."""
        states = 0
        while components:
            low = components & -components
            states |= self.component_states[low.bit_length() - 1]
            components ^= low
        return states

    def words(self, states: int) -> U64:
        """Bit set over states as uint64 words for the kernels."""
        return np.frombuffer(states.to_bytes(8 * self.state_words, "little"), dtype=np.uint64).copy()

    def worth(self, price: Price) -> float:
        """Capex plus opex and power over the horizon."""
        return worth(self.scenario, price)


def worth(scenario: Scenario, price: Price) -> float:
    """Capex plus opex and power over the horizon."""
    yearly = price.opex + price.power_w * scenario.catalogue.power_cost_per_w_year
    return price.capex + scenario.horizon_years * yearly


def words_of(bits: Sequence[int], size: int) -> U64:
    """Python-integer bit sets as a uint64 matrix, one row each."""
    n_bytes = 8 * (size // 64 + 1)
    joined = b"".join(value.to_bytes(n_bytes, "little") for value in bits)
    return np.frombuffer(joined, dtype=np.uint64).reshape(len(bits), n_bytes // 8).copy()


def build_instance(scenario: Scenario) -> Instance:
    """Turn a validated scenario into arrays."""
    site_ids = tuple(site.id for site in scenario.sites)
    site_index = {site: i for i, site in enumerate(site_ids)}
    fibers = scenario.fibers
    fiber_a = np.array([site_index[f.a] for f in fibers], dtype=np.int64)
    fiber_b = np.array([site_index[f.b] for f in fibers], dtype=np.int64)
    groups = _groups(scenario)
    group_index = {group: i for i, group in enumerate(groups)}
    state_names, state_components = _failure_states(scenario, group_index, site_index)
    lsps, samples = _lsps(scenario, site_index)
    order, sample_hour, group_start = _hour_groups(scenario)
    sizes = np.diff(group_start)
    policy = scenario.policy
    return Instance(
        scenario=scenario,
        graph=Graph.build(len(site_ids), fiber_a, fiber_b),
        site_ids=site_ids,
        site_index=site_index,
        router=np.array([s.router for s in scenario.sites], dtype=np.bool_),
        add_drop=np.array([s.add_drop for s in scenario.sites], dtype=np.bool_),
        regen=np.array([s.regen for s in scenario.sites], dtype=np.bool_),
        regen_open_worth=np.array([worth(scenario, s.regen_open_cost) for s in scenario.sites]),
        fiber_ids=tuple(f.id for f in fibers),
        fiber_index={f.id: i for i, f in enumerate(fibers)},
        fiber_a=fiber_a,
        fiber_b=fiber_b,
        length_km=np.array([f.length_km for f in fibers], dtype=np.float64),
        lit_pairs=np.array([f.lit_pairs for f in fibers], dtype=np.int64),
        max_pairs=np.array([f.max_pairs for f in fibers], dtype=np.int64),
        candidate=np.array([f.candidate for f in fibers], dtype=np.bool_),
        build_worth=np.array([worth(scenario, f.build_cost) for f in fibers], dtype=np.float64),
        pair_worth=_pair_worth(scenario),
        fiber_components=tuple(_bits(group_index, (f.id, *f.srlgs)) for f in fibers),
        offers=_offers(scenario, group_index, site_index),
        offer_index={o.id: i for i, o in enumerate(scenario.wave_offers)},
        group_ids=groups,
        group_mask=(1 << len(groups)) - 1,
        component_unavailability=_unavailability(scenario, groups),
        component_states=_component_states(len(groups) + len(site_ids), state_components),
        state_names=state_names,
        state_components=state_components,
        modes=_modes(scenario),
        mode_index={mode.id: i for i, mode in enumerate(scenario.catalogue.modes)},
        lsps=lsps,
        circuits=tuple(
            CircuitDemand(c.id, site_index[c.a], site_index[c.b], c.waves, c.wave_gbps, c.promise)
            for c in scenario.circuits
        ),
        samples=np.ascontiguousarray(samples[:, :, order]),
        sample_hour=sample_hour,
        group_start=group_start,
        rank_normal=_ranks(policy.confidence, sizes),
        rank_failure=_ranks(policy.failure_confidence, sizes),
    )


def _groups(scenario: Scenario) -> tuple[str, ...]:
    names = set(scenario.group_unavailability)
    for fiber in scenario.fibers:
        names.update((fiber.id, *fiber.srlgs))
    for offer in scenario.wave_offers:
        names.update((offer.id, *offer.srlgs))
    return tuple(sorted(names))


def _bits(index: dict[str, int], names: Sequence[str]) -> int:
    bits = 0
    for name in names:
        bits |= 1 << index[name]
    return bits


def _unavailability(scenario: Scenario, groups: tuple[str, ...]) -> F64:
    of_group = dict(scenario.group_unavailability)
    for f in scenario.fibers:
        yearly_hours = f.cuts_per_1000km_year * f.length_km / 1000.0 * f.mttr_hours
        of_group[f.id] = min(1.0, yearly_hours / 8760.0)
    for offer in scenario.wave_offers:
        of_group[offer.id] = 1.0 - offer.availability
    values = [of_group.get(group, 0.0) for group in groups] + [s.unavailability for s in scenario.sites]
    return np.array(values, dtype=np.float64)


def _failure_states(
    scenario: Scenario, groups: dict[str, int], sites: dict[str, int]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    failures = scenario.policy.failures
    names, components = ["none"], [0]
    if failures.srlgs:
        names += list(groups)
        components += [1 << i for i in groups.values()]
    for site in failures.sites:
        names.append(f"site {site}")
        components.append(1 << (len(groups) + sites[site]))
    for first, second in failures.pairs:
        names.append(f"{first} + {second}")
        components.append(1 << groups[first] | 1 << groups[second])
    return tuple(names), tuple(components)


def _component_states(n_components: int, state_components: tuple[int, ...]) -> tuple[int, ...]:
    states = [0] * n_components
    for state, components in enumerate(state_components):
        while components:
            low = components & -components
            states[low.bit_length() - 1] |= 1 << state
            components ^= low
    return tuple(states)


def _pair_worth(scenario: Scenario) -> F64:
    catalogue = scenario.catalogue
    terminal = worth(scenario, catalogue.pair_terminal)
    amplifier = worth(scenario, catalogue.inline_amplifier)
    return np.array(
        [
            worth(scenario, f.lease_per_pair_km) * f.length_km
            + 2 * terminal
            + amplifier * max(0, math.ceil(f.length_km / catalogue.span_km) - 1)
            for f in scenario.fibers
        ],
        dtype=np.float64,
    )


def cheapest_port(scenario: Scenario, rate_gbps: float) -> tuple[float, float]:
    """Worth and rate of the cheapest port for a channel; (inf, inf) where none is fast enough."""
    fitting = [
        (worth(scenario, port.price), port.rate_gbps)
        for port in scenario.catalogue.ports
        if port.rate_gbps >= rate_gbps
    ]
    return min(fitting, default=(math.inf, math.inf))


def _modes(scenario: Scenario) -> Modes:
    modes = scenario.catalogue.modes
    ports = [cheapest_port(scenario, mode.rate_gbps) for mode in modes]
    return Modes(
        ids=tuple(mode.id for mode in modes),
        rate_gbps=np.array([m.rate_gbps for m in modes], dtype=np.float64),
        reach_km=np.array([m.reach_km for m in modes], dtype=np.float64),
        slots=np.array([m.slots for m in modes], dtype=np.int64),
        worth=np.array([worth(scenario, m.price) for m in modes], dtype=np.float64),
        regenerator_worth=np.array([worth(scenario, m.regenerator) for m in modes], dtype=np.float64),
        port_worth=np.array([port[0] for port in ports], dtype=np.float64),
        port_gbps=np.array([port[1] for port in ports], dtype=np.float64),
    )


def _offers(scenario: Scenario, groups: dict[str, int], sites: dict[str, int]) -> tuple[Offer, ...]:
    latency = scenario.latency
    offers = []
    for o in scenario.wave_offers:
        a, b = sites[o.a], sites[o.b]
        delay_ms = o.latency_ms
        if delay_ms is None:
            delay_ms = (o.length_km or 0.0) * latency.us_per_km / 1000.0 + 2 * latency.lightpath_end_ms
        components = _bits(groups, (o.id, *o.srlgs)) | 1 << (len(groups) + a) | 1 << (len(groups) + b)
        offers.append(
            Offer(
                id=o.id,
                a=a,
                b=b,
                rates_gbps=tuple(u.rate_gbps for u in o.units),
                unit_worth=tuple(worth(scenario, u.price) for u in o.units),
                max_units=o.max_units,
                setup_worth=worth(scenario, o.setup),
                latency_ms=delay_ms,
                components=components,
            )
        )
    return tuple(offers)


def _lsps(scenario: Scenario, sites: dict[str, int]) -> tuple[tuple[Lsp, ...], F64]:
    lsps: list[Lsp] = []
    rows: list[F64] = []
    for packet, row in zip(scenario.packets, scenario.samples, strict=True):
        mean_gbps = max(packet.mean_ab_gbps, packet.mean_ba_gbps)
        if packet.series is not None:
            mean_gbps = float(row.mean(axis=1).max())
        count = max(1, math.ceil(mean_gbps / scenario.policy.split_gbps))
        for i in range(count):
            lsps.append(Lsp(f"{packet.id}#{i}", packet.id, sites[packet.a], sites[packet.b], packet.promise))
            rows.append(row / count)
    by_id = {site.id: site for site in scenario.sites}
    for transfer in scenario.transfers:
        for target in transfer.targets:
            a, b = transfer.ends(target)
            offset = by_id[target].utc_offset
            hours = window_hours(transfer.window_start, transfer.window_end, offset)
            lsps.append(
                Lsp(
                    transfer.flow_id(target),
                    transfer.id,
                    sites[a],
                    sites[b],
                    transfer.promise,
                    transfer.volume_gb,
                    hours,
                )
            )
            rows.append(np.zeros((2, scenario.traffic.n_samples)))
    shape = (len(lsps), 2, scenario.traffic.n_samples)
    return tuple(lsps), np.array(rows, dtype=np.float64).reshape(shape)


def _hour_groups(scenario: Scenario) -> tuple[I64, I64, I64]:
    traffic = scenario.traffic
    hour = (np.arange(traffic.n_samples, dtype=np.int64) // traffic.samples_per_hour) % 24
    order = np.argsort(hour, kind="stable").astype(np.int64)
    if scenario.policy.percentile_over == "day":
        start = np.array([0, traffic.n_samples], dtype=np.int64)
    else:
        counts = np.bincount(hour)
        start = np.concatenate([[0], np.cumsum(counts[counts > 0])]).astype(np.int64)
    return order, np.ascontiguousarray(hour[order]), start


def _ranks(q: float, sizes: I64) -> I64:
    return np.array([max(1, math.ceil(q * n - 1e-9)) for n in sizes.tolist()], dtype=np.int64)
