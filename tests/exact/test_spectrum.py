"""Spectrum assignment: exact in both directions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from netopt_heur.exact.spectrum import Block, Place, assign, normal_starts, pack


def feasible(slots: int, blocks: list[Block], places: list[Place]) -> bool:
    used: set[tuple[int, int, int]] = set()
    for (fibers, width), place in zip(blocks, places, strict=True):
        if place.start < 0 or place.start + width > slots or len(place.pairs) != len(fibers):
            return False
        for f, p in zip(fibers, place.pairs, strict=True):
            cells = {(f, p, s) for s in range(place.start, place.start + width)}
            if cells & used:
                return False
            used |= cells
    return True


def exists(slots: int, blocks: list[Block], pairs: dict[int, int]) -> bool:
    """Whether any assignment works, by trying all."""
    choices = [
        [Place(s, p) for s in range(slots - w + 1) for p in product(*(range(pairs[f]) for f in fibers))]
        for fibers, w in blocks
    ]
    return any(feasible(slots, blocks, list(places)) for places in product(*choices))


@pytest.mark.parametrize("seed", range(40))
def test_assignment_is_found_if_and_only_if_there_is_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slots = int(rng.integers(3, 7))
    routes = [(0,), (1,), (2,), (0, 1), (1, 2), (2, 0)]
    blocks = [(routes[int(rng.integers(6))], int(rng.integers(1, 4))) for _ in range(int(rng.integers(2, 5)))]
    pairs = {f: int(rng.integers(1, 3)) for f in range(3)}
    places = assign(slots, blocks, pairs, continuous=True)
    assert (places is not None) == exists(slots, blocks, pairs)
    if places is not None:
        assert feasible(slots, blocks, places)


def test_odd_cycle_needs_a_third_slot() -> None:
    # five routes around a ring of five fibers, each clashing with the next: two per fiber, three colours
    blocks: list[Block] = [((i, (i + 1) % 5), 1) for i in range(5)]
    pairs = dict.fromkeys(range(5), 1)
    assert assign(2, blocks, pairs, continuous=True) is None
    assert assign(3, blocks, pairs, continuous=True) is not None
    assert assign(2, blocks, pairs, continuous=False) is not None


@pytest.mark.parametrize("seed", range(30))
def test_packing_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = [int(w) for w in rng.integers(1, 7, int(rng.integers(1, 7)))]
    slots, bins = int(rng.integers(6, 11)), int(rng.integers(1, 4))
    possible = any(
        all(sum(w for w, b in zip(widths, chosen, strict=True) if b == p) <= slots for p in range(bins))
        for chosen in product(range(bins), repeat=len(widths))
    )
    place = pack(widths, slots, bins)
    assert (place is not None) == possible
    if place is not None:
        levels = [sum(w for w, b in zip(widths, place, strict=True) if b == p) for p in range(bins)]
        assert max(levels) <= slots


def test_normal_starts_are_sums_of_widths() -> None:
    assert normal_starts(14, [4, 6]) == [0, 4, 6, 8, 10, 12]
    assert normal_starts(5, [3]) == [0, 3]


def test_ten_thousand_channels_take_no_time_to_speak_of() -> None:
    blocks: list[Block] = [((0, 1), 4)] * 10_000 + [((1,), 3)] * 500
    places = assign(8, blocks, {0: 5_000, 1: 5_250}, continuous=True, time_limit_s=20.0)
    assert places is not None
    assert feasible(8, blocks, places)


def test_time_and_memory_are_limited() -> None:
    blocks: list[Block] = [((0, 1), 4)] * 10
    with pytest.raises(TimeoutError, match="first fit"):
        assign(8, blocks, {0: 5, 1: 5}, continuous=True, time_limit_s=0.0)
    with pytest.raises(TimeoutError, match="too many places"):
        assign(8, [((0, 1, 2), 4)] * 202, dict.fromkeys(range(3), 100), continuous=True, time_limit_s=60.0)
