"""R9 as chance constraints: in every state and hour group all samples but a few fit the link.

With rank j of n samples, e = n - j may be clipped. Samples that e + 1 others dominate are implied and
dropped, those that e others dominate can never be clipped; the rest get a binary. With e = 0 no binary is
needed and the Pareto-largest samples of all groups and both directions are enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netopt_heur.exact.limits import Check
from netopt_heur.instance import GB_PER_GBPS_HOUR, Instance

if TYPE_CHECKING:
    from netopt_heur.exact.milp import Model

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """A row ``load - capacity - big_m * clipped <= 0``; ``clipped`` is the binary's column or -1."""

    row: int
    clipped: int
    big_m: float


@dataclass(frozen=True, slots=True)
class _Carrier:
    """Choices of one demand that cross a link in one direction: ``load`` is the column of their number."""

    demand: int
    back: int
    load: int
    options: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """A failure state, or several that take the same links down; ``rank`` per hour group."""

    state: int
    rank: I64


def add_capacity_rows(model: Model, check: Check) -> None:
    """Add R9 of every link, state, direction and hour group."""
    instance = model.instance
    states = _states(model)
    on_primary, on_backup = _carried(model, states)
    for link in range(len(model.candidates.links)):
        check()
        incidences, carried = _incidences(model, link, on_primary, on_backup)
        if incidences:
            for position in _undominated(carried, states):
                block = _Block(model, instance, link, states[position].rank)
                block.add(_carriers(model, incidences, carried[:, position]))


def _states(model: Model) -> list[_State]:
    instance, links = model.instance, model.candidates.links
    reps = [_State(0, instance.rank_normal)]
    seen: set[tuple[bool, ...]] = set()
    for state in range(1, len(instance.state_names)):
        down = tuple(bool(link.down_states >> state & 1) for link in links)
        if down not in seen:
            seen.add(down)
            reps.append(_State(state, instance.rank_failure))
    return reps


def _carried(model: Model, states: list[_State]) -> tuple[list[Bools], list[Bools]]:
    """Per demand, shape (options, states): whether the primary, the backup carries the load."""
    on_primary, on_backup = [], []
    for demand in model.candidates.demands:
        down = np.array(
            [[p.down_states >> s.state & 1 for s in states] for p in demand.paths] or [[0] * len(states)],
            dtype=np.bool_,
        )
        down = np.vstack([down, np.ones((1, len(states)), dtype=np.bool_)])  # row -1: no backup
        choice = np.array(demand.options, dtype=np.int64).reshape(-1, 2)
        primary_down = down[choice[:, 0]]
        on_primary.append(~primary_down)
        on_backup.append(primary_down & ~down[choice[:, 1]])
    return on_primary, on_backup


def _incidences(
    model: Model, link: int, on_primary: list[Bools], on_backup: list[Bools]
) -> tuple[list[tuple[int, int, int]], Bools]:
    """(demand, direction, option) of all uses of a link, and in which states they load it."""
    table = model.link_users[link]
    incidences = [(k, back, q) for k, back, q, _ in table]
    rows = [(on_primary if primary else on_backup)[k][q] for k, _, q, primary in table]
    return incidences, np.array(rows, dtype=np.bool_)


def _undominated(carried: Bools, states: list[_State]) -> list[int]:
    """States whose load on the link no other state's load includes at no smaller rank."""
    masks = [int.from_bytes(np.packbits(column).tobytes(), "big") for column in carried.T]
    kept: list[int] = []
    order = sorted(range(len(states)), key=lambda s: (-masks[s].bit_count(), -int(states[s].rank.sum()), s))
    for s in order:
        if masks[s] and not any(
            masks[s] & ~masks[t] == 0 and bool((states[s].rank <= states[t].rank).all()) for t in kept
        ):
            kept.append(s)
    return kept


def _carriers(model: Model, incidences: list[tuple[int, int, int]], carried: Bools) -> list[_Carrier]:
    groups: dict[tuple[int, int], set[int]] = {}
    for (k, back, q), loads in zip(incidences, carried.tolist(), strict=True):
        if loads:
            groups.setdefault((k, back), set()).add(q)
    found = []
    for (k, back), chosen in sorted(groups.items()):
        options = tuple(sorted(chosen))
        found.append(_Carrier(k, back, _aggregate(model, k, options), options))
    return found


def _aggregate(model: Model, k: int, options: tuple[int, ...]) -> int:
    """Column of the number of LSPs of demand k with one of some choices."""
    columns = tuple(model.options[k][q] for q in options)
    if len(columns) == 1:
        return columns[0]
    if columns not in model.aggregates:
        program = model.program
        upper = float(len(model.candidates.demands[k].lsps))
        column = program.column(f"a{len(model.aggregates)}", 0.0, upper)
        program.total(columns, column)
        model.aggregates[columns] = column
    return model.aggregates[columns]


class _Block:
    """Rows of one link in one state."""

    def __init__(self, model: Model, instance: Instance, link: int, rank: I64) -> None:
        self.model, self.instance, self.link, self.rank = model, instance, link, rank
        utilisation = instance.scenario.policy.max_utilisation
        self.capacity = [(c, -utilisation * rate) for c, rate in model.capacity(link)]
        self.count = {k: float(len(d.lsps)) for k, d in enumerate(model.candidates.demands)}

    def add(self, carriers: list[_Carrier]) -> None:
        """Both directions and all hour groups."""
        if not carriers:
            return
        instance = self.instance
        sizes = np.diff(instance.group_start)
        exempt = sizes - self.rank
        packets = [c for c in carriers if instance.lsps[self._lsp(c)].hours is None]
        transfers = [c for c in carriers if instance.lsps[self._lsp(c)].hours is not None]
        loads = [self._loads(packets, direction) for direction in (0, 1)]
        going = [[c for c in transfers if c.back == direction] for direction in (0, 1)]
        # column 0 ties samples to their hour where transfers, whose rates differ by hour, take part
        full: list[tuple[int, int, F64]] = []
        done: set[bytes] = set()
        for direction in (0, 1):
            for g, first in enumerate(instance.group_start[:-1].tolist()):
                block = loads[direction][:, first : first + int(sizes[g])]
                key = block.tobytes() + bytes([int(exempt[g])])
                if not going[direction] and key in done:
                    continue
                done.add(key)
                hours = instance.sample_hour[first : first + int(sizes[g])]
                if exempt[g] == 0:
                    full += [(direction, int(h), x) for h, x in zip(hours, block.T, strict=True)]
                else:
                    self._add_group(packets, going[direction], block, hours, int(exempt[g]))
        for direction, hour, x in _pareto(full, going):
            self._row(packets, x, self._transfer_terms(going[direction], hour))

    def _lsp(self, carrier: _Carrier) -> int:
        return self.model.candidates.demands[carrier.demand].lsps[0]

    def _loads(self, packets: list[_Carrier], direction: int) -> F64:
        samples = self.instance.samples
        rows = [samples[self._lsp(c), direction ^ c.back] for c in packets]
        return np.array(rows, dtype=np.float64).reshape(len(packets), samples.shape[2])

    def _transfer_terms(self, carriers: list[_Carrier], hour: int) -> list[tuple[int, float]]:
        # the sending side is a: its load leaves in the direction of travel only
        return [
            (self.model.rates[c.demand][q, hour], 1.0)
            for c in carriers
            for q in c.options
            if (q, hour) in self.model.rates[c.demand]
        ]

    def _row(
        self,
        packets: list[_Carrier],
        x: F64,
        terms: list[tuple[int, float]],
        clipped: int = -1,
        big_m: float = 0.0,
    ) -> None:
        load = [(c.load, v) for c, v in zip(packets, x.tolist(), strict=True) if v != 0.0]
        if not load and not terms:
            return
        clip = [(clipped, -big_m)] if clipped >= 0 else []
        row = self.model.program.distinct_at_most([*load, *terms, *self.capacity, *clip], 0.0)
        self.model.capacity_rows.append(CapacityRow(row, clipped, big_m))

    def _add_group(
        self, packets: list[_Carrier], transfers: list[_Carrier], block: F64, hours: I64, exempt: int
    ) -> None:
        """One percentile: ``exempt`` of the block's samples may exceed the capacity."""
        program = self.model.program
        size = block.shape[1]
        same_hour = bool((hours == hours[0]).all())
        trimmed = np.sort(block, axis=1)[:, : size - exempt].sum(axis=1) / (size - exempt)
        if self.model.strengthening.trimmed_means:
            # percentile of a sum >= sum of trimmed means (rank j: mean of the j smallest); rates are
            # constant in an hour
            self._row(packets, trimmed, self._transfer_terms(transfers, int(hours[0])) if same_hour else [])
        floor = (
            trimmed
            if self.model.strengthening.tight_big_m and self.model.strengthening.trimmed_means
            else 0.0
        )
        reach = 0.0
        if transfers and not (same_hour and self.model.strengthening.trimmed_means):
            reach = sum(self.instance.lsps[self._lsp(c)].volume_gb / GB_PER_GBPS_HOUR for c in transfers)
        binaries: list[int] = []
        dominators = _count_dominators(block, hours if transfers else np.zeros_like(hours))
        most = self._most(packets, block - np.reshape(floor, (-1, 1))) + reach
        for i in np.flatnonzero(dominators <= exempt).tolist():
            terms = self._transfer_terms(transfers, int(hours[i]))
            big_m = float(most[i])
            if dominators[i] == exempt or big_m <= 0.0:
                self._row(packets, block[:, i], terms)
                continue
            binaries.append(program.column(f"v{self.model.n_clipped}", 0.0, 1.0))
            self.model.n_clipped += 1
            self._row(packets, block[:, i], terms, binaries[-1], big_m)
        if len(binaries) > exempt:
            program.at_most([(v, 1.0) for v in binaries], float(exempt))

    def _most(self, packets: list[_Carrier], x: F64) -> F64:
        """Per sample the largest value of ``x z`` over choices: an LSP crosses the link in one direction."""
        most = np.zeros(x.shape[1])
        for k, members in groupby(range(len(packets)), key=lambda i: packets[i].demand):
            most += self.count[k] * np.maximum(x[list(members)].max(axis=0), 0.0)
        return most


def _count_dominators(block: F64, hours: I64) -> I64:
    """Per sample, others of its hour at least as large in every row; of equal ones those before it."""
    least = hours[:, np.newaxis] == hours
    for row in block:
        least &= row[:, np.newaxis] >= row  # [j, i]: j is at least as large as i
    earlier = np.arange(len(hours))[:, np.newaxis] < np.arange(len(hours))
    dominators: I64 = (least & (~least.T | earlier)).sum(axis=0, dtype=np.int64)
    return dominators


def _pareto(full: list[tuple[int, int, F64]], going: list[list[_Carrier]]) -> Iterator[tuple[int, int, F64]]:
    """Samples that no other dominates; with transfers only samples of one hour and direction compare."""
    groups: dict[tuple[int, int], list[tuple[int, int, F64]]] = {}
    for direction, hour, x in full:
        key = (direction, hour) if going[direction] else (-1, -1)
        groups.setdefault(key, []).append((direction, hour, x))
    for members in groups.values():
        if len(members) == 1:
            yield members[0]
            continue
        members.sort(key=lambda m: -float(m[2].sum()))
        kept, n = np.empty((len(members), len(members[0][2]))), 0
        for direction, hour, x in members:
            if not (kept[:n] >= x).all(axis=1).any():
                kept[n] = x
                n += 1
                yield direction, hour, x
