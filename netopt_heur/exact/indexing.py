"""Spectrum inside the exact model, for solutions whose counted channels cannot be placed.

Either every block gets index columns (small grids), or the counts that failed are cut off together with all
larger ones on no more pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from netopt_heur.exact.spectrum import Block, IndexColumns, assign, count_columns

if TYPE_CHECKING:
    from netopt_heur.exact.milp import Model


def block_terms(model: Model) -> dict[Block, list[tuple[int, float]]]:
    """Per kind of block the terms that count it."""
    terms: dict[Block, list[tuple[int, float]]] = {}
    for use in model.uses():
        for column, kind in zip(use.columns, use.leg.kinds, strict=True):
            # a segment and its reverse occupy the same slots
            blocks = Counter((min(part, part[::-1]), kind.slots) for part in kind.segments)
            for block, times in blocks.items():
                terms.setdefault(block, []).append((column, float(times)))
    return terms


def index_size(model: Model) -> int:
    """Number of columns that full indices would add."""
    blocks = sorted(block_terms(model))
    return count_columns(model.instance.scenario.spectrum.slots, blocks, _most_pairs(model, blocks))


def add_indices(model: Model) -> None:
    """Give every block a start and pairs, and keep blocks apart (R3)."""
    program, instance = model.program, model.instance
    terms = block_terms(model)
    blocks = sorted(terms)
    most_pairs = _most_pairs(model, blocks)
    index = IndexColumns(program, instance.scenario.spectrum.slots, blocks, most_pairs)
    for block in blocks:
        program.equal([*((c, 1.0) for c in index.of(block)), *((c, -n) for c, n in terms[block])], 0.0)
    for f, most in most_pairs.items():
        _add_lights(model, f, most)
    for (f, p, _), columns in sorted(index.taken.items()):
        light = model.lights.get((f, p))
        limit = [] if light is None else [(light, -1.0)]
        program.at_most([*((c, 1.0) for c in columns), *limit], 1.0 if light is None else 0.0)
    model.index = index


def add_packing(model: Model) -> None:
    """Without continuity: pack the slots of every fiber into its pairs."""
    program, instance = model.program, model.instance
    slots = instance.scenario.spectrum.slots
    on_fiber: dict[int, dict[int, list[int]]] = {}
    for use in model.uses():
        for column, kind in zip(use.columns, use.leg.kinds, strict=True):
            for f in use.leg.fibers:
                on_fiber.setdefault(f, {}).setdefault(kind.slots, []).append(column)
    for f, by_width in sorted(on_fiber.items()):
        most = int(instance.max_pairs[f])
        _add_lights(model, f, most)
        room = {
            (w, p): program.column(f"x{f}_{w}_{p}", 0.0, float(slots // w))
            for w in by_width
            for p in range(most)
        }
        model.room |= {(f, w, p): column for (w, p), column in room.items()}
        for w, columns in by_width.items():
            program.equal([*((room[w, p], 1.0) for p in range(most)), *((c, -1.0) for c in columns)], 0.0)
        for p in range(most):
            held = [(room[w, p], float(w)) for w in by_width]
            if (f, p) in model.lights:
                program.at_most([*held, (model.lights[f, p], -float(slots))], 0.0)
            else:
                program.at_most(held, float(slots))


def add_no_good(model: Model, blocks: Sequence[Block], pairs: dict[int, int]) -> None:
    """Cut off a set of blocks that the pairs cannot hold, and everything that includes it.

    The set is first made minimal, and the pairs as many as leave it impossible, so that the cut is strong:
    some kind of block becomes rarer, or some fiber gets more pairs.
    """
    program, instance = model.program, model.instance
    terms = block_terms(model)
    core, pairs = _minimal(model, list(blocks), dict(pairs))
    ways: list[int] = []
    number = len(program.cost)
    for block, count in sorted(Counter(core).items()):
        rarer = program.column(f"q{number}_{len(ways)}", 0.0, 1.0)
        most = sum(program.upper[c] * n for c, n in terms[block])
        program.at_most([*terms[block], (rarer, most - count + 1.0)], most)
        ways.append(rarer)
    for f in sorted({f for fibers, _ in core for f in fibers}):
        if pairs[f] < int(instance.max_pairs[f]):
            more = program.column(f"q{number}_{len(ways)}", 0.0, 1.0)
            extra = float(pairs[f] + 1 - int(instance.lit_pairs[f]))
            program.at_least([(model.new_pairs[f], 1.0), (more, -extra)], 0.0)
            ways.append(more)
    program.at_least([(w, 1.0) for w in ways], 1.0)


def _minimal(model: Model, blocks: list[Block], pairs: dict[int, int]) -> tuple[list[Block], dict[int, int]]:
    grid = model.instance.scenario.spectrum
    continuous = grid.continuity == "required"

    def fits(some: Sequence[Block], on: dict[int, int]) -> bool:
        return assign(grid.slots, some, on, continuous=continuous) is not None

    i = 0
    while i < len(blocks):
        rest = blocks[:i] + blocks[i + 1 :]
        if fits(rest, pairs):
            i += 1
        else:
            blocks = rest
    for f in sorted({f for fibers, _ in blocks for f in fibers}):
        for more in range(int(model.instance.max_pairs[f]), pairs[f], -1):
            if not fits(blocks, pairs | {f: more}):
                pairs[f] = more
                break
    return blocks, pairs


def _most_pairs(model: Model, blocks: Sequence[Block]) -> dict[int, int]:
    return {f: int(model.instance.max_pairs[f]) for f in sorted({f for fibers, _ in blocks for f in fibers})}


def _add_lights(model: Model, f: int, most: int) -> None:
    """Binaries that light the pairs of a fiber beyond those lit already, lowest first."""
    program, lit = model.program, int(model.instance.lit_pairs[f])
    lights = [program.column(f"l{f}_{p}", 0.0, 1.0) for p in range(lit, most)]
    model.lights |= {(f, lit + i): column for i, column in enumerate(lights)}
    if lights:
        program.equal([*((c, 1.0) for c in lights), (model.new_pairs[f], -1.0)], 0.0)
    for first, second in pairwise(lights):
        program.at_least([(first, 1.0), (second, -1.0)], 0.0)
