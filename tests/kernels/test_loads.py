import itertools
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netopt_kernels import loads, moves, sweeps
from tests.naive import loads as naive

FloatArray = npt.NDArray[np.float64]

# eighths of small integers: every sum is exact, so the twins must agree to the last bit
EIGHTHS = st.integers(0, 400).map(lambda n: n / 8)
HOUR_OF_TEN = np.arange(0, 241, 10, dtype=np.int64)


def ints(values: Any) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def split(members: naive.Members) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return ints([lsp for lsp, _ in members]), ints([orientation for _, orientation in members])


def membership(lists: list[list[tuple[int, int]]]) -> tuple[Any, Any, Any]:
    lsp, orientation = split([member for members in lists for member in members])
    return ints(np.cumsum([0, *map(len, lists)])), lsp, orientation


@st.composite
def groupings(draw: st.DrawFn, n_samples: int) -> list[int]:
    return sorted({0, n_samples, *draw(st.lists(st.integers(0, n_samples), max_size=4))})


def ranks(group_start: list[int]) -> st.SearchStrategy[list[int]]:
    sizes = [end - first for first, end in itertools.pairwise(group_start)]
    return st.tuples(*(st.integers(1, size) for size in sizes)).map(list)


class LinkProblem(NamedTuple):
    samples: FloatArray
    primary: list[tuple[int, int]]
    backup: list[tuple[int, int]]
    down_primary: list[set[int]]
    down_backup: list[set[int]]
    n_states: int
    group_start: list[int]
    rank_normal: list[int]
    rank_failure: list[int]

    def arrays(self) -> tuple[Any, Any, Any, Any, Any, Any, Any]:
        n_words = (self.n_states + 63) // 64
        return (
            self.samples,
            *split(self.primary),
            *split(self.backup),
            naive.bits_of(self.down_primary, n_words),
            naive.bits_of(self.down_backup, n_words),
        )

    def ranking(self) -> tuple[Any, Any, Any]:
        return ints(self.group_start), ints(self.rank_normal), ints(self.rank_failure)

    def required(self) -> tuple[float, int, int]:
        scratch = np.full((loads.SCRATCH_ROWS, self.samples.shape[2]), np.nan)
        return loads.link_required(*self.arrays(), self.n_states, *self.ranking(), scratch)


@st.composite
def link_problems(draw: st.DrawFn, values: st.SearchStrategy[float] = EIGHTHS) -> LinkProblem:
    n_lsp, n_samples = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    n_states = draw(st.sampled_from([1, 2, 5, 64, 65, 130]))
    samples = draw(hnp.arrays(np.float64, (n_lsp, 2, n_samples), elements=values))
    # few distinct states, so that LSPs fail together and back each other up
    failures = draw(st.lists(st.integers(1, n_states - 1), max_size=4)) if n_states > 1 else []
    downs = st.sets(st.sampled_from(failures)) if failures else st.just(set())
    members = st.lists(
        st.tuples(st.integers(0, n_lsp - 1), st.integers(0, 1)), max_size=n_lsp, unique_by=lambda m: m[0]
    )
    no_backup = set(range(64 * ((n_states + 63) // 64)))
    group_start = draw(groupings(n_samples))
    return LinkProblem(
        samples,
        draw(members),
        draw(members),
        [draw(downs) for _ in range(n_lsp)],
        [draw(downs | st.just(no_backup)) for _ in range(n_lsp)],
        n_states,
        group_start,
        draw(ranks(group_start)),
        draw(ranks(group_start)),
    )


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_order_statistic_and_exceeds_match_sorting(data: st.DataObject) -> None:
    elements = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, 2.5])
    values = data.draw(hnp.arrays(np.float64, st.integers(1, 80), elements=elements))
    group_start = data.draw(groupings(len(values)))
    rank = data.draw(ranks(group_start))
    expected = naive.order_statistic(values, group_start, rank)
    found = loads.order_statistic(values, ints(group_start), ints(rank), np.full(len(values), np.nan))
    assert found == expected
    around = [np.nextafter(expected, -np.inf), expected, np.nextafter(expected, np.inf), data.draw(elements)]
    for capacity in around:
        assert loads.exceeds(values, ints(group_start), ints(rank), float(capacity)) == (expected > capacity)


@pytest.mark.parametrize("kind", ["random", "constant", "ascending", "descending", "mostly zero"])
@pytest.mark.parametrize("quantile", [0.001, 0.5, 0.95, 0.999, 1.0])
def test_order_statistic_on_long_samples(kind: str, quantile: float) -> None:
    random = np.random.default_rng(7).exponential(3.0, 2000)
    values = {
        "random": random,
        "constant": np.full(2000, 4.0),
        "ascending": np.sort(random),
        "descending": np.sort(random)[::-1].copy(),
        "mostly zero": np.where(random > 9.0, random, 0.0),
    }[kind]
    rank = int(np.ceil(quantile * 2000))
    found = loads.order_statistic(values, ints([0, 2000]), ints([rank]), np.empty(2000))
    assert found == np.sort(values)[rank - 1]
    assert not loads.exceeds(values, ints([0, 2000]), ints([rank]), found)
    assert loads.exceeds(values, ints([0, 2000]), ints([rank]), float(np.nextafter(found, -1.0)))


def test_inputs_are_left_alone() -> None:
    values = np.random.default_rng(1).random(50)
    before = values.copy()
    loads.order_statistic(values, ints([0, 50]), ints([25]), np.empty(50))
    assert (values == before).all()


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_base_loads_match_plain_sums(data: st.DataObject) -> None:
    n_lsp, n_links, n_samples = (data.draw(st.integers(1, most)) for most in (5, 9, 20))
    samples = data.draw(hnp.arrays(np.float64, (n_lsp, 2, n_samples), elements=EIGHTHS))
    path = st.lists(
        st.tuples(st.integers(0, n_links - 1), st.integers(0, 1)), max_size=9, unique_by=lambda hop: hop[0]
    )
    paths = [data.draw(path) for _ in range(n_lsp)]
    found = loads.base_loads(samples.astype(np.float32), *membership(paths), n_links)
    assert found.shape == (n_links, 2, n_samples) and found.dtype == np.float32
    assert (found == naive.base_loads(samples, paths, n_links)).all()


@settings(deadline=None, max_examples=400)
@given(link_problems())
def test_link_required_matches_every_state_sorted(problem: LinkProblem) -> None:
    assert problem.required() == naive.link_required(*problem)


@settings(deadline=None, max_examples=100)
@given(link_problems(st.floats(0.01, 1000.0)))
def test_link_required_rounds_only(problem: LinkProblem) -> None:
    required = problem.required()[0]
    # a state may be reached by subtraction: rounding is relative to the largest load that was summed
    largest = float(problem.samples.sum(axis=(0, 1)).max())
    np.testing.assert_allclose(required, naive.link_required(*problem)[0], rtol=1e-12, atol=1e-14 * largest)


@settings(deadline=None, max_examples=100)
@given(link_problems(), st.data())
def test_link_loads_in_state_match_plain_sums(problem: LinkProblem, data: st.DataObject) -> None:
    state = data.draw(st.integers(0, problem.n_states - 1))
    found = loads.link_loads_in_state(*problem.arrays(), state)
    assert (found == naive.link_load(*problem[:5], state)).all()


ANY_GBPS = st.floats(0.0, 1000.0, allow_subnormal=False)


@settings(deadline=None, max_examples=150)
@given(link_problems(ANY_GBPS))
def test_a_sweep_in_float32_has_the_result_of_float64(problem: LinkProblem) -> None:
    required, _ = sweeps.links_required(
        problem.samples,
        problem.samples.astype(np.float32),
        *membership([problem.primary]),
        *membership([problem.backup]),
        *problem.arrays()[5:],
        problem.n_states,
        *problem.ranking(),
    )
    np.testing.assert_allclose(required[0], naive.link_required(*problem)[0], rtol=1e-14)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_order_statistics_of_float32_rows_match_sorting(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 80)))
    elements = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 1.0, 2.5])
    rows = data.draw(hnp.arrays(np.float32, shape, elements=elements))
    group_start = data.draw(groupings(shape[1]))
    rank = data.draw(ranks(group_start))
    found = loads.order_statistics(rows, ints(group_start), ints(rank))
    assert found.tolist() == [naive.order_statistic(row, group_start, rank) for row in rows]


def ranked(rows: Any, group_start: list[int], rank: list[int]) -> tuple[Any, Any]:
    values, order = (
        np.full_like(rows, np.nan),
        np.tile(np.arange(rows.shape[1], dtype=np.int32), (len(rows), 1)),
    )
    moves.rank_rows(rows, np.arange(len(rows)), ints(group_start), ints(rank), values, order)
    return values, order


class Moves(NamedTuple):
    samples: FloatArray
    members: list[list[int]]  # LSPs per row
    moves: list[tuple[int, list[tuple[int, int]]]]  # LSP, (row, sign)
    group_start: list[int]
    rank: list[int]

    def rows32(self) -> Any:
        rows = np.zeros((len(self.members), self.samples.shape[1]), np.float32)
        for row, lsps in enumerate(self.members):
            for lsp in lsps:
                rows[row] += self.samples[lsp].astype(np.float32)
        return rows

    def ranked(self) -> tuple[Any, Any]:
        return ranked(self.rows32(), self.group_start, self.rank)

    def exact(self, row: int, lsp: int = 0, sign: int = 0) -> float:
        load = np.zeros(self.samples.shape[1])
        for member in self.members[row]:
            load += self.samples[member]
        return naive.order_statistic(load + sign * self.samples[lsp], self.group_start, self.rank)

    def guard(self) -> Any:
        most = float(self.samples.max(axis=1).sum()) + float(self.samples.max())
        return np.full(len(self.members), loads.guard_band(len(self.samples) + 1, most))

    def arrays(self) -> tuple[Any, Any, Any, Any]:
        touched = [hop for _, hops in self.moves for hop in hops]
        first = np.cumsum([0, *(len(hops) for _, hops in self.moves)])
        return ints([m for m, _ in self.moves]), ints(first), *split(touched)


@st.composite
def move_problems(draw: st.DrawFn) -> Moves:
    n_lsp, n_rows, n_samples = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 60))
    lsps = st.integers(0, n_lsp - 1)
    members = [draw(st.lists(lsps, max_size=n_lsp, unique=True)) for _ in range(n_rows)]
    listed = []
    for _ in range(draw(st.integers(1, 4))):
        lsp, rows = draw(lsps), draw(st.lists(st.integers(0, n_rows - 1), max_size=n_rows, unique=True))
        listed.append((lsp, [(row, -1 if lsp in members[row] else 1) for row in rows]))
    group_start = draw(groupings(n_samples))
    samples = draw(hnp.arrays(np.float64, (n_lsp, n_samples), elements=ANY_GBPS))
    return Moves(samples, members, listed, group_start, draw(ranks(group_start)))


@settings(deadline=None, max_examples=300)
@given(move_problems(), st.data())
def test_a_verdict_in_float32_never_differs_from_that_in_float64(problem: Moves, data: st.DataObject) -> None:
    group_start, rank = ints(problem.group_start), ints(problem.rank)
    exact = np.array([problem.exact(row) for row in range(len(problem.members))])
    # at the exact value, beside it by one unit in the last place, within and outside the guard band
    factor = st.sampled_from([1.0, 1.0 - 2e-16, 1.0 + 2e-16, 1.0 - 1e-7, 1.0 + 1e-7, 0.99, 1.01, 0.0])
    capacity = np.array([value * data.draw(factor) for value in exact])
    found = loads.verdicts(problem.rows32(), group_start, rank, capacity, problem.guard())
    decided = found >= 0
    assert (found[decided] == (exact <= capacity)[decided]).all()
    apart = np.abs(exact - capacity) > 4.0 * problem.guard() + 1e-6 * exact
    assert decided[apart].all()

    samples32 = problem.samples.astype(np.float32)
    sample, first, touched, sign = problem.arrays()
    probed = moves.probe_moves(
        *problem.ranked(),
        samples32,
        sample,
        first,
        touched,
        sign,
        group_start,
        rank,
        capacity,
        problem.guard(),
    )
    for (lsp, hops), verdict in zip(problem.moves, probed, strict=True):
        if verdict >= 0:
            joined = [row for row, sign in hops if sign > 0]
            assert verdict == all(problem.exact(row, lsp, 1) <= capacity[row] for row in joined)


@settings(deadline=None, max_examples=150)
@given(move_problems())
def test_order_statistics_after_moves_are_those_of_the_shifted_rows(problem: Moves) -> None:
    rows, samples32 = problem.rows32(), problem.samples.astype(np.float32)
    found = moves.moved_order_statistics(
        *problem.ranked(), samples32, *problem.arrays(), ints(problem.group_start), ints(problem.rank)
    )
    expected = [
        naive.order_statistic(
            rows[row] + np.float32(sign) * samples32[lsp], problem.group_start, problem.rank
        )
        for lsp, hops in problem.moves
        for row, sign in hops
    ]
    assert found.tolist() == expected


@pytest.mark.parametrize("scale", [0.0, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("levels", [4, 10_000])
@pytest.mark.parametrize("group_start", [[0, 400], [0, 10, 10, 250, 400]])
def test_moves_on_long_rows_match_sorting(scale: float, levels: int, group_start: list[int]) -> None:
    # few levels: many samples are equal; large samples: more of them trade places than are in order
    draw = np.random.default_rng(8)
    rows = np.round(draw.gamma(20.0, 1.0, (6, 400)) * levels / 50.0).astype(np.float32)
    samples = (rows[:3] * np.float32(scale)).astype(np.float32)
    sizes = np.diff(group_start)
    for quantile in (0.001, 0.5, 0.95, 1.0):
        rank = np.maximum(np.ceil(quantile * sizes), sizes > 0).astype(int).tolist()
        groups = [
            (first, end, k) for first, end, k in zip(group_start, group_start[1:], rank, strict=False) if k
        ]
        starts, rank = [0, *(end for _, end, _ in groups)], [k for _, _, k in groups]
        values, order = ranked(rows, starts, rank)
        three = (ints([0, 1, 2]), ints([0, 6, 12, 18]), ints([*range(6)] * 3), ints([1, -1] * 9))
        found = moves.moved_order_statistics(values, order, samples, *three, ints(starts), ints(rank))
        shifted = [
            rows[row] + np.float32(1 - 2 * (row % 2)) * sample for sample in samples for row in range(6)
        ]
        expected = np.array([naive.order_statistic(row, starts, rank) for row in shifted])
        assert found.tolist() == expected.tolist()
        for capacity in (expected.min(), float(np.median(expected)), expected.max()):
            limits = (np.full(6, capacity), np.zeros(6))
            verdict = moves.probe_moves(values, order, samples, *three, ints(starts), ints(rank), *limits)
            fits = (expected.reshape(3, 6)[:, ::2] <= capacity).all(axis=1)
            assert (fits[verdict >= 0] == verdict[verdict >= 0]).all()


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_rank_rows_sorts_around_the_ranks(data: st.DataObject) -> None:
    rows = data.draw(
        hnp.arrays(np.float32, st.tuples(st.just(2), st.integers(1, 200)), elements=st.floats(0, 9, width=16))
    )
    group_start = data.draw(groupings(rows.shape[1]))
    rank = data.draw(ranks(group_start))
    values, order = ranked(rows, group_start, rank)
    rows[1] = rows[1, ::-1].copy()
    moves.rank_rows(rows, ints([1]), ints(group_start), ints(rank), values, order)  # again, from that order
    assert (np.take_along_axis(rows, order.astype(np.int64), axis=1) == values).all()
    for (first, end), k in zip(itertools.pairwise(group_start), rank, strict=True):
        for row in range(2):
            assert sorted(order[row, first:end].tolist()) == [*range(first, end)]
            around = slice(max(first + k - 33, first), min(first + k + 32, end))
            inside = slice(around.start - first, around.stop - first)
            assert (values[row, around] == np.sort(rows[row, first:end])[inside]).all()


@settings(deadline=None, max_examples=100)
@given(link_problems(), link_problems(), st.integers(0, 3))
def test_links_required_is_link_required_on_each(
    problem: LinkProblem, other: LinkProblem, n_empty: int
) -> None:
    n_lsp = len(problem.samples)
    others = [[m for m in members if m[0] < n_lsp] for members in (other.primary, other.backup)]
    primaries = [problem.primary, *([] for _ in range(n_empty)), others[0]]
    backups = [problem.backup, *([] for _ in range(n_empty)), others[1]]
    required, worst = sweeps.links_required(
        problem.samples,
        problem.samples.astype(np.float32),
        *membership(primaries),
        *membership(backups),
        *problem.arrays()[5:],
        problem.n_states,
        *problem.ranking(),
    )
    for link, (primary, backup) in enumerate(zip(primaries, backups, strict=True)):
        expected = naive.link_required(*problem._replace(primary=primary, backup=backup))
        assert (required[link], worst[link]) == expected[:2]


@pytest.mark.parametrize("seed", range(6))
def test_links_required_of_lsps_whose_paths_share_fibers(seed: int) -> None:
    random = np.random.default_rng(seed)
    n_fibers, n_lsp = 150, 40
    ends = np.sort(random.integers(0, n_fibers + 1, (n_lsp, 2)), axis=1)
    primary = [{1 + fiber for fiber in range(begin, end)} for begin, end in ends.tolist()]
    primary[1], primary[3] = primary[0], primary[2]
    backup = [set(range(1, n_fibers + 1)) - failing for failing in primary]
    problem = LinkProblem(
        random.integers(0, 1000, (n_lsp, 2, 6)).astype(float),
        [(lsp, lsp % 2) for lsp in range(0, n_lsp, 2)],
        [(lsp, lsp % 3 % 2) for lsp in range(1, n_lsp, 2)],
        primary,
        backup,
        n_fibers + 1,
        [0, 3, 6],
        [3, 2],
        [2, 2],
    )
    required, worst = sweeps.links_required(
        problem.samples,
        problem.samples.astype(np.float32),
        *membership([problem.primary]),
        *membership([problem.backup]),
        *problem.arrays()[5:],
        problem.n_states,
        *problem.ranking(),
    )
    assert (required[0], worst[0]) == naive.link_required(*problem)[:2]


def test_a_link_that_loses_all_its_lsps_carries_exactly_zero() -> None:
    # 0.1 + 0.2 + 0.3 - 0.1 - 0.2 - 0.3 is not 0 in floating point
    samples = np.array([0.1, 0.2, 0.3, 0.0]).reshape(4, 1, 1).repeat(2, axis=1).repeat(2, axis=2)
    samples[:3, :, 0] = 0.0
    problem = LinkProblem(
        samples,
        [(0, 0), (1, 0), (2, 0)],
        [(3, 0)],
        [{1}] * 3 + [{1}],
        [set(range(64))] * 3 + [set()],
        2,
        [0, 2],
        [1],
        [2],
    )
    assert problem.required() == (0.0, 0, 0)


def test_spare_capacity_is_shared_by_backups_that_never_meet() -> None:
    # link x carries nothing normally; LSP 0 (10 Gb/s) comes in state 1, LSP 1 (7 Gb/s up, 12 back) in state 2
    samples = np.array([[[10.0], [10.0]], [[7.0], [12.0]]])
    problem = LinkProblem(samples, [], [(0, 0), (1, 1)], [{1}, {2}], [set(), set()], 3, [0, 1], [1], [1])
    assert problem.required() == (12.0, 2, 0)
    together = problem._replace(down_primary=[{1}, {1, 2}])
    assert together.required() == (22.0, 1, 0)


def test_failure_confidence_above_the_normal_one_counts_without_any_backup() -> None:
    samples = np.array([1.0, 2.0, 3.0, 50.0]).reshape(1, 1, 4).repeat(2, axis=1)
    problem = LinkProblem(samples, [(0, 0)], [], [{1}], [set(range(64))], 3, [0, 4], [3], [4])
    assert problem.required() == (50.0, 2, 0)
    assert problem._replace(n_states=2).required() == (3.0, 0, 0)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_path_down_is_the_union_over_links(data: st.DataObject) -> None:
    n_links, n_words = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    link_down = [data.draw(st.sets(st.integers(0, 64 * n_words - 1))) for _ in range(n_links)]
    paths = data.draw(st.lists(st.lists(st.integers(0, n_links - 1), max_size=4), min_size=1, max_size=5))
    found = loads.path_down(
        naive.bits_of(link_down, n_words),
        ints(np.cumsum([0, *map(len, paths)])),
        ints([link for path in paths for link in path]),
    )
    assert (found == naive.bits_of(naive.path_down(link_down, paths), n_words)).all()


@pytest.mark.parametrize("module", [loads, moves, sweeps])
def test_each_entry_point_has_one_signature(module: ModuleType) -> None:
    from netopt_kernels.__main__ import call_all

    call_all(module.__name__.rpartition(".")[2])
    kernels = {name: k for name, k in vars(module).items() if hasattr(k, "signatures") and name[0] != "_"}
    assert {name: len(k.signatures) for name, k in kernels.items()} == dict.fromkeys(kernels, 1)
