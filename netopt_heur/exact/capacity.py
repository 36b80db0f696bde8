"""R9 as chance constraints: in every state and hour group all samples but a few fit the link.

With rank j of n samples, e = n - j may be clipped. Samples that e + 1 others dominate are implied and
dropped, those that e others dominate can never be clipped; the rest get a binary. With e = 0 no binary is
needed and the Pareto-largest samples of all groups and both directions are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netopt_heur.exact.limits import Check
from netopt_heur.instance import GB_PER_GBPS_HOUR, Instance

if TYPE_CHECKING:
    from netopt_heur.exact.milp import Model

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


class CapacityRow(NamedTuple):
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
        if len(incidences):
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
) -> tuple[I64, Bools]:
    """(demand, direction, option) of all uses of a link, sorted, and in which states they load it."""
    table = sorted(model.link_users[link])
    incidences = np.array([use[:3] for use in table], dtype=np.int64).reshape(-1, 3)
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


def _carriers(model: Model, incidences: I64, loads: Bools) -> list[_Carrier]:
    """Uses of a link that load it, by demand and direction."""
    uses = incidences[loads]
    if not len(uses):
        return []
    steps = np.diff(uses, axis=0) != 0
    uses = uses[np.concatenate([[True], steps.any(axis=1)])]
    apart = np.flatnonzero((np.diff(uses[:, :2], axis=0) != 0).any(axis=1)) + 1
    found = []
    for part in np.split(uses, apart):
        k, back, options = int(part[0, 0]), int(part[0, 1]), tuple(part[:, 2].tolist())
        found.append(_Carrier(k, back, _aggregate(model, k, part[:, 2]), options))
    return found


def _aggregate(model: Model, k: int, options: I64) -> int:
    """Column of the number of LSPs of demand k with one of some choices."""
    columns = tuple((options + model.options[k][0]).tolist())  # a demand's columns follow one another
    if len(columns) == 1:
        return int(columns[0])
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
        capacity, utilisation = model.capacity(link), instance.scenario.policy.max_utilisation
        self.columns = np.array([c for c, _ in capacity], dtype=np.int32)
        self.values = np.array([-utilisation * rate for _, rate in capacity])
        self.count = {k: float(len(d.lsps)) for k, d in enumerate(model.candidates.demands)}

    def add(self, carriers: list[_Carrier]) -> None:
        """Both directions and all hour groups."""
        if not carriers:
            return
        instance = self.instance
        start, exempt = instance.group_start, np.diff(instance.group_start) - self.rank
        packets = [c for c in carriers if instance.lsps[self._lsp(c)].hours is None]
        transfers = [c for c in carriers if instance.lsps[self._lsp(c)].hours is not None]
        loads = [self._loads(packets, direction) for direction in (0, 1)]
        going = [self._transfer_terms([c for c in transfers if c.back == d]) for d in (0, 1)]
        lsps = [[instance.lsps[self._lsp(c)] for c in transfers if c.back == d] for d in (0, 1)]
        reach = [sum(lsp.volume_gb / GB_PER_GBPS_HOUR for lsp in of) for of in lsps]
        self._add_full(packets, going, loads, np.repeat(exempt == 0, np.diff(start)))
        done: set[tuple[bytes, int]] = set()
        for direction in (0, 1):
            for g in np.flatnonzero(exempt).tolist():
                block = loads[direction][:, start[g] : start[g + 1]]
                key = block.tobytes(), int(exempt[g])
                if going[direction].shape[1] or key not in done:
                    done.add(key)
                    hours = instance.sample_hour[start[g] : start[g + 1]]
                    self._add_group(packets, going[direction], reach[direction], block, hours, int(exempt[g]))

    def _add_full(self, packets: list[_Carrier], going: list[I32], loads: list[F64], full: Bools) -> None:
        """Samples of which none may be clipped; those that another includes are implied."""
        if not full.any():
            return
        blocks, hours = [block[:, full] for block in loads], self.instance.sample_hour[full]
        alike = [d for d in (0, 1) if not going[d].shape[1]]
        if alike:
            # without transfers, whose rates differ by hour, all hours and both directions compare
            block = np.concatenate([blocks[d] for d in alike], axis=1)
            block = block[:, _maximal(block, np.zeros(block.shape[1], dtype=np.int64))]
            self._rows(packets, block, going[alike[0]], np.zeros(block.shape[1], dtype=np.int64))
        for d in (0, 1):
            if d not in alike:
                chosen = _maximal(blocks[d], hours)
                self._rows(packets, blocks[d][:, chosen], going[d], hours[chosen])

    def _lsp(self, carrier: _Carrier) -> int:
        return self.model.candidates.demands[carrier.demand].lsps[0]

    def _loads(self, packets: list[_Carrier], direction: int) -> F64:
        samples = self.instance.samples
        rows = [samples[self._lsp(c), direction ^ c.back] for c in packets]
        return np.array(rows, dtype=np.float64).reshape(len(packets), samples.shape[2])

    def _transfer_terms(self, carriers: list[_Carrier]) -> I32:
        """Columns of transfers' rates by hour, -1 outside of their windows; int32[24, n_columns]."""
        # the sending side is a: its load leaves in the direction of travel only
        tables = [self.model.rate_columns(c.demand)[:, list(c.options)] for c in carriers]
        return np.concatenate([np.zeros((24, 0), dtype=np.int32), *tables], axis=1)

    def _rows(
        self,
        packets: list[_Carrier],
        loads: F64,
        transfers: I32,
        hours: I64,
        clipped: Sequence[int] | None = None,
        big_m: F64 | None = None,
    ) -> None:
        """One row per sample (a column of ``loads``), with a binary that lifts it where there is one."""
        n = loads.shape[1]
        rates = transfers[hours]
        parts = [
            (np.tile(np.array([c.load for c in packets], dtype=np.int32), (n, 1)), loads.T),
            (rates, (rates >= 0).astype(np.float64)),
        ]
        some = np.concatenate([values != 0.0 for _, values in parts], axis=1).any(axis=1)
        parts.append((np.tile(self.columns, (n, 1)), np.tile(self.values, (n, 1))))
        if clipped is not None and big_m is not None:
            parts.append((np.array(clipped, dtype=np.int32).reshape(-1, 1), -big_m.reshape(-1, 1)))
        columns = np.concatenate([part for part, _ in parts], axis=1)[some]
        values = np.concatenate([part for _, part in parts], axis=1)[some]
        first = self.model.program.rows_at_most(columns, values, 0.0)
        if clipped is None or big_m is None:
            self.model.capacity_rows += [CapacityRow(first + i, -1, 0.0) for i in range(len(columns))]
        else:
            used = np.flatnonzero(some).tolist()
            self.model.capacity_rows += [
                CapacityRow(first + i, clipped[j], float(big_m[j])) for i, j in enumerate(used)
            ]

    def _add_group(
        self,
        packets: list[_Carrier],
        transfers: I32,
        reach: float,
        block: F64,
        hours: I64,
        exempt: int,
    ) -> None:
        """One percentile: ``exempt`` of the block's samples may exceed the capacity.

        Transfers add up to ``reach`` at most.
        """
        program, parts = self.model.program, self.model.strengthening
        size = block.shape[1]
        same_hour = bool((hours == hours[0]).all())
        trimmed = np.sort(block, axis=1)[:, : size - exempt].sum(axis=1) / (size - exempt)
        if parts.trimmed_means:
            # percentile of a sum >= sum of trimmed means (rank j: mean of the j smallest); rates are
            # constant in an hour
            self._rows(
                packets, trimmed.reshape(-1, 1), transfers if same_hour else transfers[:, :0], hours[:1]
            )
        floor = trimmed if parts.tight_big_m and parts.trimmed_means else np.zeros(len(trimmed))
        some = transfers.shape[1] > 0
        reach = 0.0 if same_hour and parts.trimmed_means else reach
        dominators = _count_dominators(block, hours if some else np.zeros_like(hours))
        most = self._most(packets, block - floor.reshape(-1, 1)) + reach
        firm = (dominators == exempt) | ((dominators < exempt) & (most <= 0.0))
        self._rows(packets, block[:, firm], transfers, hours[firm])
        loose = np.flatnonzero((dominators < exempt) & (most > 0.0))
        binaries = []
        for _ in loose:
            binaries.append(program.column(f"v{self.model.n_clipped}", 0.0, 1.0))
            self.model.n_clipped += 1
        self._rows(packets, block[:, loose], transfers, hours[loose], binaries, most[loose])
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


def _maximal(block: F64, labels: I64) -> Bools:
    """Samples (columns) that no other of the same label includes; of equal ones the first."""
    n_labels = len(np.unique(labels))
    size = len(labels) // max(1, n_labels)
    order = np.argsort(labels, kind="stable")
    even = size * n_labels == len(labels) and not np.ptp(labels[order].reshape(n_labels, -1), axis=1).any()
    if n_labels == 1 or not even:
        return np.asarray(_count_dominators(block, labels) == 0)
    by_label = block[:, order].reshape(len(block), n_labels, size)
    least = np.ones((n_labels, size, size), dtype=np.bool_)
    for row in by_label:
        least &= row[:, :, np.newaxis] >= row[:, np.newaxis, :]  # [., j, i]: j is at least as large as i
    earlier = np.arange(size)[:, np.newaxis] < np.arange(size)
    found = np.empty(len(labels), dtype=np.bool_)
    found[order] = ~(least & (~least.transpose(0, 2, 1) | earlier)).any(axis=1).ravel()
    return found
