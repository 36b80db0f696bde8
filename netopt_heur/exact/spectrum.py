"""Which slots on which pairs: an exact assignment for counted channels, or proof that there is none.

Blocks may be pushed towards slot 0 one by one, so only starts that are sums of block widths matter: the
standard normalisation of interval packing (Herz, 1972).
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from netopt_heur.exact.linear import F64, Program, solve

Block = tuple[tuple[int, ...], int]  # fibers of a segment, width in slots

MOST_COLUMNS = 200_000  # of an exact search; more would not fit into memory


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands: first slot (-1 without continuity) and the pair on each of its fibers."""

    start: int
    pairs: tuple[int, ...]


class IndexColumns:
    """Columns ``y[block, start, pairs]`` and the rows that keep blocks on one (fiber, pair) apart.

    Parameters
    ----------
    program
        Gets the columns and rows.
    slots
        Slots per pair.
    blocks
        Kinds of blocks that may stand.
    most_pairs
        Pairs per fiber.
    """

    def __init__(
        self, program: Program, slots: int, blocks: Sequence[Block], most_pairs: dict[int, int]
    ) -> None:
        self.columns: dict[tuple[Block, int, tuple[int, ...]], int] = {}
        taken: dict[tuple[int, int, int], list[int]] = {}
        starts = normal_starts(slots, [width for _, width in blocks])
        for number, (fibers, width) in enumerate(blocks):
            for start in starts:
                if start + width > slots:
                    break
                for pairs in product(*(range(most_pairs[f]) for f in fibers)):
                    name = f"y{number}_{start}_" + "_".join(map(str, pairs))
                    column = program.column(name, 0.0, 1.0)
                    self.columns[(fibers, width), start, pairs] = column
                    for f, p in zip(fibers, pairs, strict=True):
                        for slot in starts:
                            if start <= slot < start + width:
                                taken.setdefault((f, p, slot), []).append(column)
        self.taken = taken

    def of(self, block: Block) -> list[int]:
        """Columns of one kind of block."""
        return [column for (kind, _, _), column in self.columns.items() if kind == block]


def normal_starts(slots: int, widths: Sequence[int]) -> list[int]:
    """First slots that are sums of widths."""
    reachable = np.zeros(slots + 1, dtype=np.bool_)
    reachable[0] = True
    for slot in range(1, slots + 1):
        reachable[slot] = any(width <= slot and reachable[slot - width] for width in set(widths))
    return [int(s) for s in np.flatnonzero(reachable) if s < slots]


def count_columns(slots: int, blocks: Sequence[Block], most_pairs: dict[int, int]) -> int:
    """Number of columns that :class:`IndexColumns` would add."""
    starts = normal_starts(slots, [width for _, width in blocks])
    total = 0
    for fibers, width in blocks:
        ways = 1
        for f in fibers:
            ways *= most_pairs[f]
        total += ways * sum(start + width <= slots for start in starts)
    return total


def assign(
    slots: int,
    blocks: Sequence[Block],
    pairs: dict[int, int],
    *,
    continuous: bool,
    time_limit_s: float | None = None,
) -> list[Place] | None:
    """Place blocks on the pairs of their fibers.

    Parameters
    ----------
    slots
        Slots per pair.
    blocks
        One per segment to place.
    pairs
        Pairs per fiber.
    continuous
        Same slots on all fibers of a block; else only slots per (fiber, pair) count.
    time_limit_s
        For first fit, and for the exact search that follows it.

    Returns
    -------
    list of Place or None
        In the order of ``blocks``; None if they cannot all be placed.

    Raises
    ------
    TimeoutError
        If neither was found in time, or an exact search is out of reach.
    """
    deadline = time.perf_counter() + (math.inf if time_limit_s is None else time_limit_s)
    if not continuous:
        return _assign_counts(slots, blocks, pairs, time_limit_s)
    for key in (lambda b: (-len(b[0]), -b[1]), lambda b: (-b[1], -len(b[0])), lambda b: (b[0], -b[1])):
        order = sorted(range(len(blocks)), key=lambda i: (key(blocks[i]), blocks[i]))
        places = _first_fit(slots, blocks, pairs, order, deadline)
        if places is not None:
            return places
    left_s = None if time_limit_s is None else max(0.0, deadline - time.perf_counter())
    return _assign_exactly(slots, blocks, pairs, left_s)


def _first_fit(
    slots: int, blocks: Sequence[Block], pairs: dict[int, int], order: Sequence[int], deadline: float
) -> list[Place] | None:
    used: dict[tuple[int, int], int] = {}
    places: list[Place | None] = [None] * len(blocks)
    last: Block | None = None
    for i in order:
        if blocks[i] != last:
            last, start = blocks[i], 0
            fibers, width = last
            lowest = [0] * len(fibers)  # what an equal block found taken stays taken
        while start <= slots - width:
            if time.perf_counter() >= deadline:
                raise TimeoutError("no first fit in time")
            mask = ((1 << width) - 1) << start
            lowest = [
                next((p for p in range(first, pairs[f]) if not used.get((f, p), 0) & mask), pairs[f])
                for f, first in zip(fibers, lowest, strict=True)
            ]
            if all(p < pairs[f] for f, p in zip(fibers, lowest, strict=True)):
                break
            start, lowest = start + 1, [0] * len(fibers)
        else:
            return None
        for f, p in zip(fibers, lowest, strict=True):
            used[f, p] = used.get((f, p), 0) | mask
        places[i] = Place(start, tuple(lowest))
    return [place for place in places if place is not None]


def _assign_exactly(
    slots: int, blocks: Sequence[Block], pairs: dict[int, int], time_limit_s: float | None
) -> list[Place] | None:
    program, counts = Program(), Counter(blocks)
    if count_columns(slots, list(counts), pairs) > MOST_COLUMNS:
        raise TimeoutError("too many places for an exact search")
    index = IndexColumns(program, slots, sorted(counts), pairs)
    for block, count in sorted(counts.items()):
        program.equal([(c, 1.0) for c in index.of(block)], float(count))
    for columns in index.taken.values():
        program.at_most([(c, 1.0) for c in columns], 1.0)
    answer = solve(program, time_limit_s)
    if answer.status == "infeasible":
        return None
    if answer.values is None:
        raise TimeoutError("no spectrum assignment found in time")
    return places_of(index, answer.values, blocks)


def places_of(index: IndexColumns, values: F64, blocks: Sequence[Block]) -> list[Place]:
    """Places of the blocks in a solution of the index columns."""
    free: dict[Block, list[Place]] = {}
    for (block, start, pairs), column in index.columns.items():
        if values[column] > 0.5:
            free.setdefault(block, []).append(Place(start, pairs))
    return [free[block].pop() for block in blocks]


def _assign_counts(
    slots: int, blocks: Sequence[Block], pairs: dict[int, int], time_limit_s: float | None
) -> list[Place] | None:
    """Without continuity each fiber is a bin packing of its own."""
    chosen: list[dict[int, int]] = [{} for _ in blocks]
    for f in sorted({f for fibers, _ in blocks for f in fibers}):
        items = [i for i, (fibers, _) in enumerate(blocks) if f in fibers]
        bins = pack([blocks[i][1] for i in items], slots, pairs[f], time_limit_s)
        if bins is None:
            return None
        for i, p in zip(items, bins, strict=True):
            chosen[i][f] = p
    return [Place(-1, tuple(chosen[i][f] for f in fibers)) for i, (fibers, _) in enumerate(blocks)]


def pack(widths: Sequence[int], slots: int, bins: int, time_limit_s: float | None = None) -> list[int] | None:
    """Bin of each item, or None if they do not fit: first fit decreasing, then exactly."""
    order = sorted(range(len(widths)), key=lambda i: -widths[i])
    level, place = [0] * bins, [-1] * len(widths)
    lowest: dict[int, int] = {}  # bins below have no room for a width, and never will
    for i in order:
        w = widths[i]
        place[i] = next((p for p in range(lowest.get(w, 0), bins) if level[p] + w <= slots), -1)
        if place[i] < 0:
            break
        level[place[i]] += w
        lowest[w] = place[i]
    if min(place, default=0) >= 0:
        return place
    program, counts = Program(), Counter(widths)
    columns = {
        (w, p): program.column(f"x{w}_{p}", 0.0, float(n))
        for w, n in sorted(counts.items())
        for p in range(bins)
    }
    for w, n in sorted(counts.items()):
        program.equal([(columns[w, p], 1.0) for p in range(bins)], float(n))
    for p in range(bins):
        program.at_most([(columns[w, p], float(w)) for w in counts], float(slots))
    answer = solve(program, time_limit_s)
    if answer.status == "infeasible":
        return None
    if answer.values is None:
        raise TimeoutError("no packing found in time")
    room = {key: round(float(answer.values[c])) for key, c in columns.items()}
    for i, w in enumerate(widths):
        place[i] = next(p for p in range(bins) if room[w, p] > 0)
        room[w, place[i]] -= 1
    return place
