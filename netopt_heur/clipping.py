"""A plan under fresh traffic: which links and demands clip, in every failure state, one day at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from netopt_heur.design import from_plan
from netopt_heur.errors import PlanFileError, Problem
from netopt_heur.evaluator import RELATIVE, Evaluator
from netopt_heur.instance import F64, I64, build_instance
from netopt_heur.plan import Plan
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.scenario.traffic import draw_samples
from netopt_heur.sound_plan import check_sound, unknown_things
from netopt_kernels.loads import link_loads_in_state

HOURS_PER_DAY = 24

Bools = NDArray[np.bool_]
Renewal = Literal["none", "days", "hours"]


# ---- fresh traffic -----------------------------------------------------------------------------------------


def renewal_of(scenario: Scenario) -> Renewal:
    """How measured series are renewed: whole days where there are several, else samples within hours."""
    if all(packet.series is None for packet in scenario.packets):
        return "none"
    hours = scenario.traffic.hours
    return "days" if hours % HOURS_PER_DAY == 0 and hours > HOURS_PER_DAY else "hours"


def fresh_days(scenario: Scenario, seed: int, days: int) -> Iterator[F64]:
    """Packet traffic of each day, float64[n_packets, 2, S], one at a time."""
    renewal = renewal_of(scenario)
    measured = [row for row, packet in enumerate(scenario.packets) if packet.series is not None]
    for child in np.random.SeedSequence(seed).spawn(days):
        day_seed = int(child.generate_state(1, np.uint64)[0])
        if day_seed == scenario.traffic.seed:
            day_seed += 1
        samples = draw_samples(scenario.packets, scenario.sites, replace(scenario.traffic, seed=day_seed))
        if renewal != "none":
            order = _resampled(scenario, renewal, np.random.default_rng(child))
            samples[measured] = samples[measured][:, :, order]
        yield samples


def _resampled(scenario: Scenario, renewal: str, rng: np.random.Generator) -> I64:
    """Sample indices of a bootstrapped day, shared by all demands so that what peaked together still does."""
    traffic = scenario.traffic
    if renewal == "days":
        length = HOURS_PER_DAY * traffic.samples_per_hour
        chosen = rng.integers(0, traffic.hours // HOURS_PER_DAY, traffic.hours // HOURS_PER_DAY)
        return (chosen[:, None] * length + np.arange(length)).ravel()
    first = np.arange(traffic.n_samples) // traffic.samples_per_hour * traffic.samples_per_hour
    return first + rng.integers(0, traffic.samples_per_hour, traffic.n_samples)


# ---- the plan in its failure states ------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """A failure state, with what it changes; all indices are positions in the network's lists."""

    index: int
    name: str
    links: I64  # links that may carry something else than without failures
    demands: I64  # demands that may be clipped otherwise than without failures
    users: dict[tuple[int, int], I64]  # (link, direction) -> 2 * position in ``demands`` + direction


def _unsound(scenario: Scenario, plan: Plan) -> list[Problem]:
    """The first of the places where a plan is no network of the scenario."""
    try:
        check_sound(scenario, plan)
    except PlanFileError as error:
        return error.problems
    return []


class Network:
    """The plan's links, paths and failure states; holds the load of one day at a time."""

    def __init__(self, scenario: Scenario, plan: Plan) -> None:
        self.scenario = scenario
        self.instance = instance = build_instance(scenario)
        self.design, faults = from_plan(instance, plan)
        if faults:
            raise PlanFileError([unknown_things(plan, faults), *_unsound(scenario, plan)])
        check_sound(scenario, plan)
        self.evaluator = Evaluator(instance, self.design)
        self.keys = sorted(self.design.links)
        self.link_ids = sorted(plan.links)  # from_plan hands out keys in this order
        self.allowed_gbps = np.array([self.evaluator.capacity_gbps(k) for k in self.keys], dtype=np.float64)
        self.allowed_gbps *= scenario.policy.max_utilisation * (1 + RELATIVE)
        self._read_demands()
        self._read_paths()
        hour = np.arange(scenario.traffic.n_samples) // scenario.traffic.samples_per_hour % HOURS_PER_DAY
        self._order = np.argsort(hour, kind="stable")
        self.hours, self.hour_start = np.unique(hour[self._order], return_index=True)
        self.hour_sizes = np.bincount(hour)[self.hours]
        self._samples = np.zeros_like(instance.samples)
        self._fill_transfers()
        self.states = self._distinct_states()

    def _read_demands(self) -> None:
        """Packets are judged whole, transfers flow by flow."""
        names = [lsp.demand if lsp.hours is None else lsp.id for lsp in self.instance.lsps]
        self.demand_ids = sorted(set(names))
        index = {name: i for i, name in enumerate(self.demand_ids)}
        self.demand_of = np.array([index[name] for name in names], dtype=np.int64)
        self.first_lsp = {int(d): i for i, d in reversed(list(enumerate(self.demand_of)))}
        row = {packet.id: i for i, packet in enumerate(self.scenario.packets)}
        lsps = self.instance.lsps
        self._packet_lsps = np.array([i for i, x in enumerate(lsps) if x.hours is None], dtype=np.int64)
        self._packet_rows = np.array([row[lsps[i].demand] for i in self._packet_lsps], dtype=np.int64)
        share = np.bincount(self._packet_rows, minlength=len(row))
        self._share = 1.0 / share[self._packet_rows]

    def _read_paths(self) -> None:
        """Hops (link, orientation) and down states of every path; members of every link."""
        position = {key: i for i, key in enumerate(self.keys)}
        n_lsps, words = len(self.instance.lsps), self.instance.state_words
        none_up = (1 << (64 * words)) - 1
        self.hops: tuple[list[list[tuple[int, int]]], ...] = ([], [])
        self.down: tuple[list[int], list[int]] = ([], [])
        for lsp in range(n_lsps):
            for which, paths in enumerate((self.design.primary, self.design.backup)):
                path = paths[lsp]
                hops, here = [], self.instance.lsps[lsp].a
                for key in path or ():
                    link = self.design.links[key]
                    forward = link.a == here
                    here = link.b if forward else link.a
                    hops.append((position[key], 0 if forward else 1))
                self.hops[which].append(hops)
                self.down[which].append(none_up if path is None else self.evaluator.path_down_states(path))
        self._words = tuple(_words(bits, words) for bits in self.down)
        self._members = tuple(_members(hops, len(self.keys)) for hops in self.hops)

    def _fill_transfers(self) -> None:
        hour = self.instance.sample_hour
        for lsp, rates in self.design.rates_gbps.items():
            if self.instance.lsps[lsp].hours is not None and rates.shape == (24,):
                self._samples[lsp, 0] = np.maximum(rates, 0.0)[hour]

    def paths_in_use(self, lsp: int, state: int) -> list[tuple[int, int]]:
        """Hops of the path that an LSP uses in a state; none while it is down."""
        if not self.down[0][lsp] >> state & 1:
            return self.hops[0][lsp]
        return self.hops[1][lsp] if not self.down[1][lsp] >> state & 1 else []

    def _distinct_states(self) -> list[State]:
        """State 0 with everything in it, then one of each kind of failure with what it changes."""
        n_lsps, everything = len(self.instance.lsps), np.arange(len(self.keys))
        states = [self._state(0, everything, range(len(self.demand_ids)))]
        seen = set()
        for index in range(1, len(self.instance.state_names)):
            moved = [lsp for lsp in range(n_lsps) if self.down[0][lsp] >> index & 1]
            # a fiber and its duct take down the same LSPs: the same state twice
            kind = tuple((lsp, self.down[1][lsp] >> index & 1) for lsp in moved)
            if kind in seen:
                continue
            seen.add(kind)
            changed = {
                hop[0] for lsp in moved for hop in (*self.hops[0][lsp], *self.paths_in_use(lsp, index))
            }
            touched = {int(self.demand_of[lsp]) for lsp in moved}
            for lsp in range(n_lsps):
                if not changed.isdisjoint(hop[0] for hop in self.paths_in_use(lsp, index)):
                    touched.add(int(self.demand_of[lsp]))
            states.append(self._state(index, np.array(sorted(changed), dtype=np.int64), sorted(touched)))
        return states

    def _state(self, index: int, links: I64, demands: Sequence[int]) -> State:
        position = {demand: i for i, demand in enumerate(demands)}
        users: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for lsp, demand in enumerate(self.demand_of.tolist()):
            if demand in position:
                for link, orientation in self.paths_in_use(lsp, index):
                    for direction in range(2):
                        users[link, direction ^ orientation].add(2 * position[demand] + direction)
        rows = {key: np.array(sorted(value), dtype=np.int64) for key, value in users.items()}
        name = self.instance.state_names[index]
        return State(index, name, links, np.array(demands, dtype=np.int64), rows)

    # ---- one day -------------------------------------------------------------------------------------------

    def load_day(self, packets: F64) -> None:
        """Put a day's packet traffic, float64[n_packets, 2, S], on the network without failures."""
        if len(self._packet_lsps):
            by_hour = packets[:, :, self._order]
            self._samples[self._packet_lsps] = by_hour[self._packet_rows] * self._share[:, None, None]
        self._over = self._links_over(self.states[0])
        first = [self.first_lsp[d] for d in range(len(self.demand_ids))]
        self._sends = (self._samples[first] > 0.0).reshape(2 * len(first), self._samples.shape[2])

    def clipped(self, state: State) -> tuple[Bools, Bools]:
        """Clipped samples of the state's links and demands, shapes (n, 2, S), samples sorted by hour."""
        changed = self._over if state.index == 0 else self._links_over(state)
        over = self._over
        if state.index:
            over = self._over.copy()
            over[state.links] = changed
        n_samples = over.shape[2]
        demands = np.zeros((2 * len(state.demands), n_samples), dtype=np.bool_)
        for link, direction in np.argwhere(over.any(axis=2)).tolist():
            rows = state.users.get((link, direction))
            if rows is not None:
                demands[rows] |= over[link, direction]
        demands &= self._sends[(2 * state.demands[:, None] + np.arange(2)).ravel()]
        return changed, demands.reshape(len(state.demands), 2, n_samples)

    def _links_over(self, state: State) -> Bools:
        over = np.zeros((len(state.links), 2, self._samples.shape[2]), dtype=np.bool_)
        for i, link in enumerate(state.links.tolist()):
            primary, primary_orientation = self._members[0][link]
            backup, backup_orientation = self._members[1][link]
            loads = link_loads_in_state(
                self._samples, primary, primary_orientation, backup, backup_orientation,
                self._words[0], self._words[1], state.index,
            )  # fmt: skip
            np.greater(loads, self.allowed_gbps[link], out=over[i])
        return over


def _words(bits: Sequence[int], words: int) -> NDArray[np.uint64]:
    raw = b"".join(value.to_bytes(8 * words, "little") for value in bits)
    return np.frombuffer(raw, dtype=np.uint64).reshape(len(bits), words).copy()


def _members(paths: Sequence[Sequence[tuple[int, int]]], n_links: int) -> list[tuple[I64, I64]]:
    lists: list[tuple[list[int], list[int]]] = [([], []) for _ in range(n_links)]
    for lsp, hops in enumerate(paths):
        for link, orientation in hops:
            lists[link][0].append(lsp)
            lists[link][1].append(orientation)
    return [(np.array(x, dtype=np.int64), np.array(y, dtype=np.int64)) for x, y in lists]


# ---- counting ----------------------------------------------------------------------------------------------


class Counts:
    """Clipped samples of one state by item, direction and hour (last: all day), summed over days."""

    def __init__(self, network: Network, state: State) -> None:
        self._start = network.hour_start
        self.days = 0
        columns = len(network.hours) + 1
        self.total = [np.zeros((n, 2, columns)) for n in (len(state.links), len(state.demands))]
        self.squares = [np.zeros_like(total) for total in self.total]

    def add_day(self, links: Bools, demands: Bools) -> None:
        """Count one day's clipped samples."""
        self.days += 1
        for total, squares, clipped in zip(self.total, self.squares, (links, demands), strict=True):
            by_hour = np.add.reduceat(clipped, self._start, axis=2, dtype=np.float64)
            count = np.concatenate([by_hour, by_hour.sum(axis=2, keepdims=True)], axis=2)
            total += count
            squares += count**2
