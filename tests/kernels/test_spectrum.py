from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netopt_kernels import spectrum
from tests.naive import spectrum as naive

COSTS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.5, float("inf")])


def ints(values: Any) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


class Problem(NamedTuple):
    used: naive.Grid
    lit_pairs: list[int]
    max_pairs: list[int]
    pair_cost: list[float]
    fibers: list[int]
    width: int

    @property
    def slots(self) -> int:
        return int(self.used.shape[2])


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    n_fibers, n_pairs = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    slots = draw(st.sampled_from([1, 5, 8, 63, 64, 65, 128, 150]))
    # taken runs rather than taken slots: random single slots leave no room for wide blocks
    used = np.zeros((n_fibers, n_pairs, slots), bool)
    max_pairs = [draw(st.integers(1, n_pairs)) for _ in range(n_fibers)]
    lit_pairs = [draw(st.integers(0, most)) for most in max_pairs]
    for fiber in range(n_fibers):
        for pair in range(lit_pairs[fiber]):
            for _ in range(draw(st.integers(0, 4))):
                first = draw(st.integers(0, slots - 1))
                used[fiber, pair, first : first + draw(st.integers(1, slots))] = True
    return Problem(
        used,
        lit_pairs,
        max_pairs,
        [draw(COSTS) for _ in range(n_fibers)],
        draw(st.lists(st.integers(0, n_fibers - 1), min_size=1, max_size=n_fibers, unique=True)),
        draw(st.integers(1, min(slots, 9)) | st.integers(1, slots + 2)),
    )


RULES = {
    "first": spectrum.FIRST_FIT,
    "last": spectrum.LAST_FIT,
    "best": spectrum.BEST_FIT,
    "most used": spectrum.MOST_USED,
}


@settings(deadline=None, max_examples=500)
@given(problems(), st.data())
def test_assign_matches_trying_every_start(problem: Problem, data: st.DataObject) -> None:
    used = problem.used.copy()
    n_fibers, _, slots = used.shape
    segment = st.lists(st.integers(0, n_fibers - 1), min_size=1, max_size=n_fibers, unique=True)
    segments = [problem.fibers, *data.draw(st.lists(segment, max_size=5))]
    width = st.integers(1, min(slots, 9)) | st.integers(1, slots + 2)
    widths = [problem.width, *(data.draw(width) for _ in segments[1:])]
    lit_pairs = problem.lit_pairs if data.draw(st.booleans()) else [1] * n_fibers
    rule = data.draw(st.sampled_from(sorted(RULES)))
    first = ints(np.cumsum([0, *map(len, segments)]))
    fibers = ints([fiber for fibers in segments for fiber in fibers])
    grid = naive.bits_of(used)
    untouched = grid.copy()
    start, pair = np.full(len(segments), -9), np.full(len(fibers), -9)
    everyone = np.arange(len(segments))
    served = spectrum.assign(
        grid, ints(lit_pairs), first, fibers, ints(widths), everyone, RULES[rule], slots, start, pair
    )
    expected = naive.assign(used, lit_pairs, segments, widths, rule)
    assert start.tolist() == [begin for begin, _ in expected]
    assert pair.tolist() == [p for _, pairs in expected for p in pairs]
    assert served == sum(begin >= 0 for begin, _ in expected)
    assert (grid == naive.bits_of(used)).all()

    # taking back some and then the rest leaves nothing behind
    some = ints(sorted(data.draw(st.sets(st.sampled_from(everyone.tolist())))))
    for unwanted in (some, everyone):
        spectrum.withdraw(grid, first, fibers, ints(widths), unwanted, start, pair)
        assert (start[unwanted] == -1).all()
    assert (pair == -1).all()
    assert (grid == untouched).all()


@settings(deadline=None, max_examples=400)
@given(problems())
def test_cheapest_fit_matches_trying_every_start(problem: Problem) -> None:
    start, pairs, cost = spectrum.cheapest_fit(
        naive.bits_of(problem.used),
        ints(problem.lit_pairs),
        ints(problem.max_pairs),
        np.array(problem.pair_cost),
        ints(problem.fibers),
        problem.width,
        problem.slots,
    )
    assert (start, pairs.tolist(), cost) == naive.cheapest_fit(*problem)


@settings(deadline=None, max_examples=200)
@given(problems(), st.data())
def test_count_fit_matches_counting(problem: Problem, data: st.DataObject) -> None:
    shape = problem.used.shape[:2]
    counts = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(0, problem.slots)))
    arguments = (problem.lit_pairs, problem.max_pairs, problem.pair_cost, problem.fibers)
    fits, pairs, cost = spectrum.count_fit(
        counts,
        ints(arguments[0]),
        ints(arguments[1]),
        np.array(arguments[2]),
        ints(arguments[3]),
        problem.width,
        problem.slots,
    )
    expected = naive.count_fit(counts, *arguments, problem.width, problem.slots)
    assert (fits, pairs.tolist(), cost) == expected


@settings(deadline=None, max_examples=300)
@given(problems(), st.data())
def test_place_channels_matches_trying_every_choice(problem: Problem, data: st.DataObject) -> None:
    n_fibers, n_pairs, slots = problem.used.shape
    each = {"min_size": n_fibers, "max_size": n_fibers}
    candidate = data.draw(st.lists(st.booleans(), **each))
    # whole numbers: sums do not depend on their order
    pair_cost, build_cost = (data.draw(st.lists(st.sampled_from([0.0, 1.0, 2.0]), **each)) for _ in range(2))
    route = st.lists(st.integers(0, n_fibers - 1), min_size=1, max_size=n_fibers, unique=True)
    jobs = []
    for _ in range(data.draw(st.integers(1, 5))):
        fibers = data.draw(route)
        cuts = st.sets(st.integers(1, len(fibers) - 1)) if len(fibers) > 1 else st.just(set[int]())
        choices = [sorted(c) for c in data.draw(st.lists(cuts, min_size=1, max_size=3))]
        jobs.append((fibers, data.draw(st.integers(1, min(slots, 9))), choices))
    used, lit, built = problem.used.copy(), list(problem.lit_pairs), [False] * n_fibers
    expected = [
        naive.place_channel(
            used, lit, built, problem.max_pairs, candidate, pair_cost, build_cost, fibers, width, choices
        )
        for fibers, width, choices in jobs
    ]
    grid, lit_pairs, is_built = naive.bits_of(problem.used), ints(problem.lit_pairs), np.zeros(n_fibers, bool)
    first = ints(np.cumsum([0, *(len(fibers) for fibers, _, _ in jobs)]))
    bounds = [[0, *cuts, len(fibers)] for fibers, _, choices in jobs for cuts in choices]
    chosen, start, pair = np.full(len(jobs), -9), np.full(first[-1], -9), np.full(first[-1], -9)
    done = spectrum.place_channels(
        grid, np.zeros((n_fibers, n_pairs), np.int64), True, lit_pairs, is_built, n_pairs,
        ints(problem.max_pairs), np.array(candidate), np.array(pair_cost), np.array(build_cost), first,
        ints([fiber for fibers, _, _ in jobs for fiber in fibers]), ints([width for _, width, _ in jobs]),
        ints(np.cumsum([0, *(len(choices) for _, _, choices in jobs)])),
        ints(np.cumsum([0, *map(len, bounds)])), ints([b for bound in bounds for b in bound]),
        slots, 0, chosen, start, pair,
    )  # fmt: skip
    assert done == len(jobs)
    for number, placed in enumerate(expected):
        entries = slice(first[number], first[number + 1])
        if placed is None:
            assert chosen[number] == -1 and set(pair[entries].tolist()) <= {-1, -2}
            continue
        choice, starts, pairs = placed
        assert (chosen[number], pair[entries].tolist()) == (choice, pairs)
        assert start[entries][: len(starts)].tolist() == starts
    assert (grid == naive.bits_of(used)).all()
    assert (lit_pairs.tolist(), is_built.tolist()) == (lit, built)


@settings(deadline=None, max_examples=200)
@given(problems(), st.data())
def test_occupy_release_is_free_and_used_slots(problem: Problem, data: st.DataObject) -> None:
    slots, width = problem.slots, min(problem.width, problem.slots)
    grid, fibers = naive.bits_of(problem.used), ints(problem.fibers)
    pairs = ints([data.draw(st.integers(0, problem.used.shape[1] - 1)) for _ in fibers])
    start = data.draw(st.integers(0, slots - width))
    block = (fibers, pairs, slice(start, start + width))
    assert spectrum.is_free(grid, fibers, pairs, start, width) == (not problem.used[block].any())

    taken = problem.used.copy()
    taken[block] = True
    spectrum.occupy(grid, fibers, pairs, start, width)
    assert (grid == naive.bits_of(taken)).all()
    assert not spectrum.is_free(grid, fibers, pairs, start, width)
    for fiber, pair in np.ndindex(taken.shape[:2]):
        assert spectrum.used_slots(grid, fiber, pair, slots) == taken[fiber, pair].sum()

    taken[block] = False
    spectrum.release(grid, fibers, pairs, start, width)
    assert (grid == naive.bits_of(taken)).all()
    assert spectrum.is_free(grid, fibers, pairs, start, width)


def test_empty_grid_has_the_bits_beyond_the_last_slot_set() -> None:
    for slots in (1, 63, 64, 65, 384, 400):
        grid = spectrum.empty_grid(2, 3, slots)
        assert (grid == naive.bits_of(np.zeros((2, 3, slots), bool))).all()
        assert spectrum.used_slots(grid, 1, 2, slots) == 0


def test_blocks_outside_the_grid_are_not_free() -> None:
    grid = spectrum.empty_grid(1, 1, 70)
    route, pairs = ints([0]), ints([0])
    assert spectrum.is_free(grid, route, pairs, 0, 70)
    for start, width in ((0, 71), (64, 7), (-1, 2), (127, 2), (500, 1)):
        assert not spectrum.is_free(grid, route, pairs, start, width)


def test_first_fit_fills_two_c_band_pairs_to_the_last_slot() -> None:
    grid, lit, count = spectrum.empty_grid(3, 2, 384), ints([2, 1, 2]), 129
    first, fibers = np.arange(0, 2 * count + 1, 2), ints([0, 2] * count)
    start, pair = np.empty(count, np.int64), np.empty(2 * count, np.int64)
    widths, everyone = np.full(count, 6), np.arange(count)
    served = spectrum.assign(grid, lit, first, fibers, widths, everyone, spectrum.FIRST_FIT, 384, start, pair)
    # the lowest start wins over the lowest pair: each block of slots goes to pair 0, then to pair 1
    assert served == 128
    assert start.tolist() == [6 * (n // 2) for n in range(128)] + [-1]
    assert pair.reshape(-1, 2).tolist() == [[n % 2] * 2 for n in range(128)] + [[-1, -1]]
    assert spectrum.used_slots(grid, 0, 0, 384) == spectrum.used_slots(grid, 2, 1, 384) == 384
    assert spectrum.used_slots(grid, 1, 0, 384) == 0


@pytest.mark.parametrize("n_words", [63, 64])
def test_first_fit_fills_one_pair_of_many_words(n_words: int) -> None:
    slots, count = 64 * n_words, n_words + 1
    grid, start, pair = spectrum.empty_grid(1, 1, slots), np.empty(count, np.int64), np.empty(count, np.int64)
    segments = np.arange(count + 1), np.zeros(count, np.int64), np.full(count, 64), np.arange(count)
    served = spectrum.assign(grid, ints([1]), *segments, spectrum.FIRST_FIT, slots, start, pair)
    assert served == n_words
    assert start.tolist() == [*range(0, slots, 64), -1]
    assert pair.tolist() == [0] * n_words + [-1]


def test_cheapest_fit_prefers_a_higher_block_to_a_new_pair() -> None:
    grid, lit, most = spectrum.empty_grid(2, 2, 16), ints([1, 1]), ints([2, 2])
    pair_cost, route = np.array([5.0, 3.0]), ints([0, 1])
    spectrum.occupy(grid, ints([0]), ints([0]), 0, 8)
    start, pairs, cost = spectrum.cheapest_fit(grid, lit, most, pair_cost, route, 4, 16)
    assert (start, pairs.tolist(), cost) == (8, [0, 0], 0.0)
    spectrum.occupy(grid, ints([1]), ints([0]), 8, 8)
    # now one of the two needs a pair whatever the start: the cheaper one, above the taken half of fiber 0
    start, pairs, cost = spectrum.cheapest_fit(grid, lit, most, pair_cost, route, 4, 16)
    assert (start, pairs.tolist(), cost) == (8, [0, 1], 3.0)


def test_each_entry_point_has_one_signature() -> None:
    from netopt_kernels.__main__ import call_all

    call_all("spectrum")
    kernels = {name: k for name, k in vars(spectrum).items() if hasattr(k, "signatures") and name[0] != "_"}
    assert {name: len(k.signatures) for name, k in kernels.items()} == dict.fromkeys(kernels, 1)
