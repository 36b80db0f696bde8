"""Loads, percentiles and failure sweeps against scipy and numpy, beside the bandwidth of the memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy.sparse import csr_array

from benchmarks.kernels.networks import network
from netopt_kernels import disjoint, loads, moves, sweeps

N_LSPS, N_LINKS, N_HOPS, N_SAMPLES = 10_000, 1_000, 5, 1_000  # both directions: 20k LSPs on 2k links
QUANTILE = 0.95
ACCUMULATE = "loads of 20k LSPs on 2k links x 1,000 samples, float32"


@dataclass(frozen=True)
class Routed:
    """LSPs on links: ``first``, ``link`` and ``orientation`` list the path of each."""

    samples: np.ndarray
    first: np.ndarray
    link: np.ndarray
    orientation: np.ndarray

    def matrix(self, n_links: int, dtype: type) -> csr_array:
        """Return 1 where a directed link (row) carries a directed LSP (column)."""
        lsp = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        rows = np.concatenate([2 * self.link + (d ^ self.orientation) for d in range(2)])
        columns = np.concatenate([2 * lsp + d for d in range(2)])
        shape = (2 * n_links, 2 * len(self.samples))
        return csr_array((np.ones(len(rows), dtype), (rows, columns)), shape=shape)


@cache
def routed() -> Routed:
    draw = np.random.default_rng(3)
    samples = draw.gamma(4.0, 1.0, (N_LSPS, 2, N_SAMPLES))
    link = np.concatenate([draw.choice(N_LINKS, N_HOPS, replace=False) for _ in range(N_LSPS)])
    first = np.arange(0, N_HOPS * N_LSPS + 1, N_HOPS)
    return Routed(samples, first, link, draw.integers(0, 2, N_HOPS * N_LSPS))


@njit(cache=True)
def read_all(values: np.ndarray) -> int:
    total = 0
    for i in range(values.shape[0]):
        total += values[i]
    return total


@pytest.mark.parametrize("what", ["read", "copy"])
def test_bandwidth(measure: Any, what: str) -> None:
    values = np.ones(40_000_000, np.int32)
    target = np.empty_like(values)
    gigabytes = values.nbytes / 1e9

    def run() -> int:
        if what == "copy":
            np.copyto(target, values)
            return values.size
        return int(read_all(values))

    assert measure("memory, GB", what, run, gigabytes) == values.size


@pytest.mark.parametrize("contender", ["ours", "scipy CSR"])
def test_accumulate(measure: Any, contender: str) -> None:
    case = routed()
    samples = case.samples.astype(np.float32)
    matrix, flat = case.matrix(N_LINKS, np.float32), samples.reshape(2 * N_LSPS, N_SAMPLES)

    def run() -> np.ndarray:
        if contender == "ours":
            return loads.base_loads(samples, case.first, case.link, case.orientation, N_LINKS)
        return (matrix @ flat).reshape(N_LINKS, 2, N_SAMPLES)

    found = measure(ACCUMULATE, contender, run, 1)
    # float32: 100 terms in another order
    np.testing.assert_allclose(found, (matrix @ flat).reshape(N_LINKS, 2, N_SAMPLES), rtol=2e-5)


@njit(cache=True)
def each_order_statistic(rows: np.ndarray, group_start: np.ndarray, rank: np.ndarray) -> np.ndarray:
    found, scratch = np.empty(rows.shape[0]), np.empty(rows.shape[1])
    for row in range(rows.shape[0]):
        found[row] = loads.order_statistic(rows[row], group_start, rank, scratch)
    return found


@njit(cache=True)
def each_exceeds(
    rows: np.ndarray, group_start: np.ndarray, rank: np.ndarray, capacity: np.ndarray
) -> np.ndarray:
    found = np.empty(rows.shape[0], np.bool_)
    for row in range(rows.shape[0]):
        found[row] = loads.exceeds(rows[row], group_start, rank, capacity[row])
    return found


@cache
def link_loads(n_samples: int, bits: int) -> np.ndarray:
    return np.random.default_rng(5).gamma(200.0, 1.0, (2000, n_samples)).astype(f"f{bits // 8}")


def by_numpy(name: str, row: np.ndarray, rank: int) -> float:
    if name == "np.quantile":
        return float(np.quantile(row, QUANTILE, method="inverted_cdf"))
    if name == "np.percentile":
        return float(np.percentile(row, 100.0 * QUANTILE, method="inverted_cdf"))
    ordered = np.partition(row, rank - 1) if name == "np.partition" else np.sort(row)
    return float(ordered[rank - 1])


@pytest.mark.parametrize("contender", ["ours", "np.quantile", "np.percentile", "np.partition", "np.sort"])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("n_samples", [512, 1000])
def test_percentile(measure: Any, contender: str, n_samples: int, bits: int) -> None:
    rows = link_loads(n_samples, bits)
    rank = int(np.ceil(QUANTILE * n_samples))
    group_start, ranks = np.array([0, n_samples]), np.array([rank])

    def run() -> np.ndarray:
        if contender != "ours":
            return np.array([by_numpy(contender, row, rank) for row in rows])
        if bits == 32:
            return loads.order_statistics(rows, group_start, ranks)
        return each_order_statistic(rows, group_start, ranks)

    found = measure(f"95th percentile, {n_samples:,} samples, float{bits}", contender, run, len(rows))
    assert np.array_equal(found, np.sort(rows, axis=1)[:, rank - 1])


@pytest.mark.parametrize("contender", ["ours", "np.partition"])
@pytest.mark.parametrize("bits", [32, 64])
def test_feasible(measure: Any, contender: str, bits: int) -> None:
    rows = link_loads(N_SAMPLES, bits)
    rank = int(np.ceil(QUANTILE * N_SAMPLES))
    group_start, ranks = np.array([0, N_SAMPLES]), np.array([rank])
    exact = np.sort(rows, axis=1)[:, rank - 1].astype(np.float64)
    capacity = exact * np.where(np.arange(len(rows)) % 2 == 0, 1.001, 0.999)
    guard = np.full(len(rows), loads.guard_band(100, 400.0))

    def run() -> np.ndarray:
        if contender != "ours":
            return np.array(
                [by_numpy(contender, row, rank) <= c for row, c in zip(rows, capacity, strict=True)]
            )
        if bits == 32:
            return loads.verdicts(rows, group_start, ranks, capacity, guard)
        return ~each_exceeds(rows, group_start, ranks, capacity)

    found = measure(f"fits or not, 1,000 samples, float{bits}", contender, run, len(rows))
    assert np.array_equal(found, exact <= capacity)


@njit(cache=True)
def sum_of_bits(bits: np.ndarray) -> int:
    total = np.int32(0)
    for i in range(bits.shape[0]):
        total = np.int32(total + bits[i])
    return total


def test_feasible_floor(measure: Any) -> None:
    """What it takes to do no more than read the rows: a share of the peer's time that no verdict beats."""
    bits = link_loads(N_SAMPLES, 32).reshape(-1).view(np.int32)
    found = measure(
        "fits or not, 1,000 samples, float32", "rows read", lambda: sum_of_bits(bits), len(bits) / N_SAMPLES
    )
    assert np.int32(found) == bits.sum(dtype=np.int32)


@dataclass(frozen=True)
class Moves:
    """Moves of one LSP that leaves 6 links and joins 6."""

    rows: np.ndarray
    samples: np.ndarray
    lists: tuple[np.ndarray, ...]
    rank: int

    def by_partition(self) -> np.ndarray:
        """What numpy would select again on all twelve links of each move."""
        _, first, touched, sign = self.lists
        found = np.empty(len(touched), np.float32)
        for move, sample in enumerate(self.samples):
            here = slice(first[move], first[move + 1])
            load = self.rows[touched[here]] + sign[here, None].astype(np.float32) * sample
            found[here] = np.partition(load, self.rank - 1, axis=1)[:, self.rank - 1]
        return found

    def ranked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return groups, ranks and what `rank_rows` keeps for the rows."""
        group_start, rank = np.array([0, N_SAMPLES]), np.array([self.rank])
        order = np.tile(np.arange(N_SAMPLES, dtype=np.int32), (len(self.rows), 1))
        ranked = np.empty_like(self.rows)
        moves.rank_rows(self.rows, np.arange(len(self.rows)), group_start, rank, ranked, order)
        return group_start, rank, ranked, order


@cache
def moves_case() -> Moves:
    rows, draw = link_loads(N_SAMPLES, 32), np.random.default_rng(6)
    samples = rows[:200] * np.float32(0.01)
    touched = np.concatenate([draw.choice(len(rows), 12, replace=False) for _ in samples])
    lists = (np.arange(len(samples)), np.arange(0, 12 * len(samples) + 1, 12), touched)
    sign = np.tile(np.repeat([-1, 1], 6), len(samples))
    return Moves(rows, samples, (*lists, sign), int(np.ceil(QUANTILE * N_SAMPLES)))


@pytest.mark.parametrize("contender", ["ours", "np.partition"])
@pytest.mark.parametrize("what", ["feasibility", "feasibility where it is tight", "percentiles"])
def test_move(measure: Any, contender: str, what: str) -> None:
    case = moves_case()
    group_start, ranks, ranked, order = case.ranked()
    expected = case.by_partition()
    capacity, guard = np.full(len(case.rows), 240.0), np.full(len(case.rows), loads.guard_band(100, 400.0))
    if (
        what == "feasibility where it is tight"
    ):  # what is needed, a little more or less: every row must be summed
        capacity[case.lists[2]] = expected * np.where(np.arange(len(expected)) % 5 > 0, 1.0005, 0.9995)

    def run() -> np.ndarray:
        if contender != "ours":
            return case.by_partition()
        state = (ranked, order, case.samples, *case.lists, group_start, ranks)
        if what == "percentiles":
            return moves.moved_order_statistics(*state)
        return moves.probe_moves(*state, capacity, guard)

    found = measure(f"one LSP moved, 12 links, {what}", contender, run, len(case.samples))
    if contender == "ours" and what != "percentiles":
        needed, limit = expected.reshape(-1, 12)[:, 6:], capacity[case.lists[2]].reshape(-1, 12)[:, 6:]
        assert np.array_equal(found, (needed <= limit).all(axis=1))
    else:
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("contender", ["ours", "np.argpartition"])
def test_move_taken(measure: Any, contender: str) -> None:
    """What it costs to keep the order of the rows that a move has changed, there and back."""
    case = moves_case()
    group_start, ranks, ranked, order = case.ranked()
    touched, samples = case.lists[2][:12], case.samples[:1]
    states = [case.rows + sign * samples for sign in (np.float32(0.0), np.float32(1.0))]

    def run() -> np.ndarray:
        for _ in range(10):
            for rows in (states[1], states[0]):
                if contender == "ours":
                    moves.rank_rows(rows, touched, group_start, ranks, ranked, order)
                else:
                    np.argpartition(rows[touched], case.rank - 1, axis=1)
        return ranked[touched, case.rank - 1]

    found = measure("one LSP moved, 12 links, move taken", contender, run, 20)
    assert np.array_equal(found, np.sort(case.rows[touched], axis=1)[:, case.rank - 1])


@dataclass(frozen=True)
class Sweep:
    """LSPs with disjoint backups on the fibers of a map, each fiber a link, and every single cut."""

    samples: np.ndarray
    primary: list[list[tuple[int, int]]]
    backup: list[list[tuple[int, int]]]
    n_links: int


CASES = {"germany50": ("germany50", 1225, 500), "174 sites": ("174 sites", 5000, 200)}


def directed(ends: np.ndarray, source: int, edges: list[int]) -> list[tuple[int, int]]:
    path, at = [], source
    for edge in edges:
        a, b = ends[edge].tolist()
        path.append((edge, int(at != a)))
        at = b if at == a else a
    return path


@cache
def sweep_case(name: str) -> Sweep:
    source, count, n_samples = CASES[name]
    net = network(source)
    everyone = [(a, b) for a in range(net.n_sites) for b in range(a)]
    draw = np.random.default_rng(9)
    primary, backup = [], []
    for at in draw.permutation(len(everyone)).tolist():
        a, b = everyone[at]
        found, edges1, hops1, edges2, hops2, _ = disjoint.disjoint_pair(*net.arcs, net.length_m, a, b, False)
        if found and len(primary) < count:
            primary.append(directed(net.ends, a, edges1[:hops1].tolist()))
            backup.append(directed(net.ends, a, edges2[:hops2].tolist()))
    return Sweep(draw.gamma(4.0, 1.0, (len(primary), 2, n_samples)), primary, backup, len(net.ends))


def membership(paths: list[list[tuple[int, int]]], n_links: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    on = [
        [(lsp, o) for lsp, path in enumerate(paths) for link, o in path if link == x] for x in range(n_links)
    ]
    flat = np.array([m for members in on for m in members], np.int64).reshape(-1, 2)
    return np.cumsum([0, *map(len, on)]), flat[:, 0].copy(), flat[:, 1].copy()


def bits(paths: list[list[tuple[int, int]]], n_links: int) -> np.ndarray:
    words = np.zeros((len(paths), n_links // 64 + 1), np.uint64)
    for lsp, path in enumerate(paths):
        for link, _ in path:
            words[lsp, (link + 1) // 64] |= np.uint64(1) << np.uint64((link + 1) % 64)
    return words


def rows_of(path: list[tuple[int, int]], direction: int) -> list[int]:
    return [2 * link + (direction ^ orientation) for link, orientation in path]


def sweep_numpy(case: Sweep, rank: int) -> np.ndarray:
    """Base loads, then per cut the moved LSPs one by one, and a selection on every link that changed."""
    rows = np.zeros((2 * case.n_links, case.samples.shape[2]))
    for lsp, path in enumerate(case.primary):
        for d in range(2):
            rows[rows_of(path, d)] += case.samples[lsp, d]
    worst = np.partition(rows, rank - 1, axis=1)[:, rank - 1]
    for cut in range(case.n_links):
        state = rows.copy()
        changed: set[int] = set()
        for lsp, path in enumerate(case.primary):
            if any(link == cut for link, _ in path):
                for d in range(2):
                    away, onto = rows_of(path, d), rows_of(case.backup[lsp], d)
                    state[away] -= case.samples[lsp, d]
                    state[onto] += case.samples[lsp, d]
                    changed.update(onto)
        touched = sorted(changed)
        found = np.partition(state[touched], rank - 1, axis=1)[:, rank - 1]
        worst[touched] = np.maximum(worst[touched], found)
    return worst.reshape(-1, 2).max(axis=1)


def sweep_scipy(case: Sweep, rank: int) -> np.ndarray:
    """Per cut one sparse product with the LSPs that moved."""
    flat = case.samples.reshape(-1, case.samples.shape[2])

    def incidence(paths: list[list[tuple[int, int]]]) -> csr_array:
        where = [
            (row, 2 * lsp + d) for lsp, path in enumerate(paths) for d in range(2) for row in rows_of(path, d)
        ]
        rows, columns = np.array(where).T
        return csr_array((np.ones(len(rows)), (rows, columns)), shape=(2 * case.n_links, len(flat)))

    primary, backup = incidence(case.primary), incidence(case.backup)
    change = (backup - primary).tocsc()
    base = primary @ flat
    worst = np.partition(base, rank - 1, axis=1)[:, rank - 1]
    for cut in range(case.n_links):
        moved = np.unique(np.concatenate([primary[[row]].indices for row in (2 * cut, 2 * cut + 1)]))
        if not len(moved):
            continue
        delta = change[:, moved].tocsr()
        touched = np.flatnonzero(np.diff(backup[:, moved].tocsr().indptr))
        state = base[touched] + delta[touched] @ flat[moved]
        found = np.partition(state, rank - 1, axis=1)[:, rank - 1]
        worst[touched] = np.maximum(worst[touched], found)
    return worst.reshape(-1, 2).max(axis=1)


@pytest.mark.parametrize("contender", ["ours", "numpy", "scipy deltas"])
@pytest.mark.parametrize("name", CASES)
def test_sweep(measure: Any, name: str, contender: str) -> None:
    case = sweep_case(name)
    n_samples = case.samples.shape[2]
    rank = int(np.ceil(QUANTILE * n_samples))
    group_start, ranks = np.array([0, n_samples]), np.array([rank])
    on_links = (*membership(case.primary, case.n_links), *membership(case.backup, case.n_links))
    down = (bits(case.primary, case.n_links), bits(case.backup, case.n_links))
    samples32 = case.samples.astype(np.float32)

    def run() -> np.ndarray:
        if contender == "ours":
            n_states = case.n_links + 1
            return sweeps.links_required(
                case.samples, samples32, *on_links, *down, n_states, group_start, ranks, ranks
            )[0]
        return sweep_numpy(case, rank) if contender == "numpy" else sweep_scipy(case, rank)

    found = measure(f"failure sweep, {name}", contender, run, 1, 7 if contender == "ours" else 3)
    np.testing.assert_allclose(found, sweep_scipy(case, rank), rtol=1e-12)
