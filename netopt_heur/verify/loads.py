"""Link loads in every failure state: rule R9."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netopt_heur.scenario.scenario import Scenario
from netopt_heur.verify.legs import LinkFacts
from netopt_heur.verify.network import Network
from netopt_heur.verify.services import RoutedFlow
from netopt_heur.verify.verdict import Log

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LOAD_TOLERANCE = 1e-9
RANK_TOLERANCE = 1e-9
HOURS_PER_DAY = 24
# Links whose loads are held at a time: bounds memory to LINKS_AT_ONCE x 2 x S numbers.
LINKS_AT_ONCE = 512


@dataclass(frozen=True)
class _SampleGroups:
    """Samples in ``order`` are sorted by group; ``runs`` of (first sample, groups, samples per group)."""

    order: Ints
    runs: tuple[tuple[int, int, int], ...]

    def percentiles(self, loads: Floats, q: float) -> Floats:
        """Each group's ``ceil(q n - 1e-9)``-th smallest of its n samples, along the last axis."""
        ranked = []
        for first, groups, size in self.runs:
            rank = max(1, math.ceil(q * size - RANK_TOLERANCE))
            block = loads[..., first : first + groups * size].reshape(*loads.shape[:-1], groups, size)
            ranked.append(np.partition(block, rank - 1, axis=-1)[..., rank - 1])
        return np.concatenate(ranked, axis=-1)


def _sample_groups(scenario: Scenario) -> _SampleGroups:
    traffic = scenario.traffic
    if scenario.policy.percentile_over == "day":
        return _SampleGroups(np.arange(traffic.n_samples), ((0, 1, traffic.n_samples),))
    hour = np.arange(traffic.n_samples) // traffic.samples_per_hour % HOURS_PER_DAY
    runs: list[tuple[int, int, int]] = []
    for size in np.bincount(hour).tolist():
        if runs and runs[-1][2] == size:
            first, groups, _ = runs[-1]
            runs[-1] = (first, groups + 1, size)
        else:
            runs.append((sum(groups * n for _, groups, n in runs), 1, size))
    return _SampleGroups(np.argsort(hour, kind="stable"), tuple(runs))


def _rates(scenario: Scenario, routed: Sequence[RoutedFlow], order: Ints) -> tuple[Floats, Ints]:
    """Rates of shape (2 R, S), row ``2 r`` a->b of source ``r``, the next b->a; and ``r`` of every flow."""
    transfers = [
        flow.rates_gbps or (0.0,) * HOURS_PER_DAY for flow in routed if flow.flow.transfer is not None
    ]
    n_packets = len(scenario.packets)
    n_samples = scenario.traffic.n_samples
    rates = np.zeros((n_packets + len(transfers), 2, n_samples))
    if n_packets:
        rates[:n_packets] = np.asarray(scenario.samples, dtype=np.float64)[:, :, order]
    hour = order // scenario.traffic.samples_per_hour % HOURS_PER_DAY
    for index, by_hour in enumerate(transfers, start=n_packets):
        rates[index, 0] = np.asarray(by_hour)[hour]
    source, next_transfer = [], n_packets
    for flow in routed:
        is_transfer = flow.flow.transfer is not None
        source.append(next_transfer if is_transfer else flow.flow.row)
        next_transfer += is_transfer
    return rates.reshape(-1, n_samples), np.array(source, dtype=np.int64)


@dataclass
class _Users:
    """LSPs that would use a link, and their direction on it (0 along the link, 1 against it)."""

    flows: list[int] = field(default_factory=list)
    against: list[int] = field(default_factory=list)


class _LoadCounter:
    """Which LSP is where, in every failure state."""

    def __init__(self, net: Network, link_ids: Sequence[str], routed: Sequence[RoutedFlow]) -> None:
        n_states = len(net.states.names)
        self.groups = _sample_groups(net.scenario)
        self.rates, self._source = _rates(net.scenario, routed, self.groups.order)
        self._share = np.array([flow.flow.share for flow in routed])
        self._peaks = self.groups.percentiles(self.rates, 1.0)
        self.n_links = len(link_ids)
        index = {link_id: i for i, link_id in enumerate(link_ids)}
        primary = [[(index[link_id], back) for link_id, back in flow.primary.hops] for flow in routed]
        backup = [
            [(index[link_id], back) for link_id, back in flow.backup.hops] if flow.backup else []
            for flow in routed
        ]
        self._primary = _users(primary, len(link_ids))
        self._backup = _users(backup, len(link_ids))
        down = [flow.primary.down for flow in routed]
        up = [~flow.backup.down if flow.backup else 0 for flow in routed]
        # Shapes (states, flows).
        self.primary_down = _bit_matrix(down, n_states)
        self.on_backup = _bit_matrix([d & u for d, u in zip(down, up, strict=True)], n_states)

    def changed_states(self, link: int) -> Bools:
        """States in which a link's users differ from those in state 0, shape (states,)."""
        changed = np.logical_or.reduce(self.primary_down[:, self._primary[link][0]], axis=1)
        return np.logical_or(changed, self.on_backup[:, self._backup[link][0]].any(axis=1))

    def loads(self, links: Ints, states: Ints) -> Floats:
        """Load of each link in the state beside it, shape (links, 2, S), Gb/s."""
        loads = np.zeros((len(links), 2, self.rates.shape[1]))
        for i, (link, state) in enumerate(zip(links, states, strict=True)):
            flows, against = self._primary[link]
            on_primary = ~self.primary_down[state, flows]
            backup_flows, backup_against = self._backup[link]
            on_backup = self.on_backup[state, backup_flows]
            users = np.concatenate((flows[on_primary], backup_flows[on_backup]))
            rows = 2 * self._source[users] + np.concatenate((against[on_primary], backup_against[on_backup]))
            if len(users):
                loads[i, 0] = self._share[users] @ self.rates[rows]
                loads[i, 1] = self._share[users] @ self.rates[rows ^ 1]
        return loads

    def ceilings(self, link: int, without_failure: Floats) -> Floats:
        """Bound of a link's percentile in every state, shape (states,).

        ``without_failure`` (2, groups) is what all primaries make; backups add at most the sum of their
        largest rates in a group of samples.
        """
        flows, against = self._backup[link]
        in_use = self.on_backup[:, flows].astype(np.float64)
        rows = 2 * self._source[flows] + against
        ceilings = np.zeros(len(in_use))
        for direction, row in enumerate((rows, rows ^ 1)):
            most = without_failure[direction] + in_use @ (self._share[flows, None] * self._peaks[row])
            ceilings = np.maximum(ceilings, most.max(axis=1))
        return ceilings


def _users(paths: Sequence[Sequence[tuple[int, int]]], n_links: int) -> list[tuple[Ints, Ints]]:
    users = [_Users() for _ in range(n_links)]
    for flow, hops in enumerate(paths):
        for link, against in hops:
            users[link].flows.append(flow)
            users[link].against.append(against)
    return [(np.array(u.flows, dtype=np.int64), np.array(u.against, dtype=np.int64)) for u in users]


def _bit_matrix(sets: Sequence[int], n_states: int) -> Bools:
    """Sets of states as a matrix of shape (states, sets)."""
    n_bytes = (n_states + 7) // 8
    raw = b"".join(states.to_bytes(n_bytes, "little") for states in sets)
    packed = np.frombuffer(raw, dtype=np.uint8).reshape(len(sets), n_bytes)
    bits = np.unpackbits(packed, axis=1, bitorder="little", count=n_states)
    return np.ascontiguousarray(bits.T.astype(np.bool_))


@dataclass
class _Worst:
    """Largest load of each link relative to what it may carry; shape (links,)."""

    load_gbps: Floats
    state: Ints
    direction: Ints

    def note(self, links: Ints, percentiles: Floats, states: Ints) -> None:
        """Take in percentiles, shape (links, 2), of different links, each in the state beside it.

        Of equal loads the one in the first state counts.
        """
        direction = percentiles.argmax(axis=1)
        load, known = percentiles[np.arange(len(links)), direction], self.load_gbps[links]
        more = (load > known) | ((load == known) & (states < self.state[links]))
        self.load_gbps[links[more]] = load[more]
        self.state[links[more]] = states[more]
        self.direction[links[more]] = direction[more]


def _loads_without_failure(counter: _LoadCounter) -> Iterator[Floats]:
    """Loads of each link in state 0, shape (2, S)."""
    for first in range(0, counter.n_links, LINKS_AT_ONCE):
        links = np.arange(first, min(first + LINKS_AT_ONCE, counter.n_links))
        yield from counter.loads(links, np.zeros_like(links))


def _worst_loads(net: Network, link_ids: Sequence[str], routed: Sequence[RoutedFlow]) -> _Worst:
    policy = net.scenario.policy
    counter = _LoadCounter(net, link_ids, routed)
    n_links = len(link_ids)
    worst = _Worst(np.full(n_links, -np.inf), np.zeros(n_links, np.int64), np.zeros(n_links, np.int64))

    def percentiles(links: Ints, states: Ints, confidence: float) -> Floats:
        """Largest percentile of all groups of samples, shape (links, 2)."""
        found = [np.empty((0, 2))]
        for first in range(0, len(links), LINKS_AT_ONCE):
            part = slice(first, first + LINKS_AT_ONCE)
            loads = counter.loads(links[part], states[part])
            found.append(counter.groups.percentiles(loads, confidence).max(axis=-1))
        return np.concatenate(found)

    every, no_failure = np.arange(n_links), np.zeros(n_links, dtype=np.int64)
    first_unchanged = np.zeros(n_links, dtype=np.int64)
    # Per link, states in which its users are others than in state 0: the likeliest to be the worst first.
    # Where what a link might carry is no more than the worst so far, it need not be summed.
    waiting: list[list[tuple[float, int]]] = []
    for link, loads in enumerate(_loads_without_failure(counter)):
        normal = counter.groups.percentiles(loads, policy.confidence).max(axis=-1)
        worst.note(every[link : link + 1], normal[None], no_failure[:1])
        without_failure = counter.groups.percentiles(loads, policy.failure_confidence)
        changed = counter.changed_states(link)
        unchanged = ~changed
        unchanged[0] = False
        first_unchanged[link] = unchanged.argmax()
        ceilings = counter.ceilings(link, without_failure)
        states = [(float(ceilings[state]), -int(state)) for state in np.flatnonzero(changed)]
        waiting.append(sorted(states))
    asked = every
    while len(asked):
        next_links, next_states = [], []
        for link in asked.tolist():
            if waiting[link]:
                ceiling, state = waiting[link].pop()
                if ceiling * (1.0 + LOAD_TOLERANCE) > worst.load_gbps[link]:
                    next_links.append(link)
                    next_states.append(-state)
        asked, states_asked = np.array(next_links, dtype=np.int64), np.array(next_states, dtype=np.int64)
        worst.note(asked, percentiles(asked, states_asked, policy.failure_confidence), states_asked)
    if policy.failure_confidence > policy.confidence:
        same = np.flatnonzero(first_unchanged)
        worst.note(
            same, percentiles(same, no_failure[same], policy.failure_confidence), first_unchanged[same]
        )
    return worst


def check_loads(net: Network, links: dict[str, LinkFacts], routed: Sequence[RoutedFlow], log: Log) -> float:
    """R9 of all loads, each link once with its worst state.

    Returns
    -------
    float
        Largest utilisation of a link whose capacity is known and positive.
    """
    if not links:
        return 0.0
    link_ids = sorted(links)
    worst = _worst_loads(net, link_ids, routed)
    share = net.scenario.policy.max_utilisation
    max_utilisation = 0.0
    for i, link_id in enumerate(link_ids):
        link = links[link_id]
        if link.capacity_gbps is None:
            continue
        load, limit = float(worst.load_gbps[i]), share * link.capacity_gbps
        if link.capacity_gbps > 0.0:
            max_utilisation = max(max_utilisation, load / link.capacity_gbps)
        if load > limit * (1.0 + LOAD_TOLERANCE):
            direction = f"{link.a}->{link.b}" if worst.direction[i] == 0 else f"{link.b}->{link.a}"
            state = net.states.names[worst.state[i]]
            message = f"load {load:.6g} Gb/s {direction} in state '{state}', at most {limit:.6g}"
            log.add("R9", f"links.{link_id}", load - limit, message)
    return max_utilisation


def check_limits(net: Network, links: dict[str, LinkFacts], routed: Sequence[RoutedFlow], log: Log) -> None:
    """R9 of hops and ports."""
    policy = net.scenario.policy
    fastest_port = max((port.rate_gbps for port in net.scenario.catalogue.ports), default=0.0)
    for link_id, link in links.items():
        for index, leg in enumerate(link.legs):
            where = f"links.{link_id}.legs.{index}"
            if leg.hops > policy.max_link_hops:
                message = f"{leg.hops} fibers, at most {policy.max_link_hops}"
                log.add("R9", where, leg.hops - policy.max_link_hops, message)
            rate = max(leg.rates_gbps, default=0.0)
            if rate > fastest_port:
                log.add(
                    "R9", where, rate - fastest_port, f"no port for {rate:g} Gb/s, fastest {fastest_port:g}"
                )
    for flow in routed:
        for where, path in (
            (f"lsps.{flow.flow.id}", flow.primary),
            (f"lsps.{flow.flow.id}.backup", flow.backup),
        ):
            if path is not None and len(path.hops) > policy.max_ip_hops:
                message = f"{len(path.hops)} links, at most {policy.max_ip_hops}"
                log.add("R9", where, len(path.hops) - policy.max_ip_hops, message)
