"""Moves of links against their naive twins, on networks whose weights and loads are exact."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netopt_kernels import bulk
from tests.naive import bulk as naive
from tests.naive import loads as naive_loads

FloatArray = npt.NDArray[np.float64]


class Problem(NamedTuple):
    """A network, its open links, and the cheapest ways of all LSPs that have one."""

    net: naive.Network
    is_open: list[bool]
    samples: FloatArray

    @property
    def opened(self) -> list[int]:
        return [link for link, there in enumerate(self.is_open) if there]

    def ends(self) -> tuple[Any, Any]:
        a, b = np.array(self.net.links, dtype=np.int64).reshape(-1, 2).T
        return a.copy(), b.copy()

    def lsp_ends(self) -> tuple[Any, Any]:
        a, b = np.array(self.net.lsps, dtype=np.int64).reshape(-1, 2).T
        return a.copy(), b.copy()

    def graph(self) -> tuple[Any, Any, Any]:
        arcs = sorted(
            arc for link, (a, b) in enumerate(self.net.links) for arc in ((a, b, link), (b, a, link))
        )
        first = np.searchsorted([tail for tail, _, _ in arcs], np.arange(self.net.n_sites + 1))
        return first, np.array([head for _, head, _ in arcs]), np.array([link for _, _, link in arcs])

    def weight(self) -> FloatArray:
        return np.array(self.net.weight, dtype=np.float64)

    def trees(self) -> tuple[FloatArray, Any]:
        return bulk.trees(*self.graph(), self.weight(), np.array(self.is_open), np.arange(self.net.n_sites))

    def ways(self) -> npt.NDArray[np.int32]:
        """Cheapest ways, with gaps in front."""
        _, last = self.trees()
        found = [way_up(self.net, last[a], b) for a, b in self.net.lsps]
        rows = np.full((len(found), self.net.n_sites), -1, dtype=np.int32)
        for row, way in zip(rows, found, strict=True):
            row[len(row) - len(way) :] = way
        return rows


def way_up(net: naive.Network, last: Any, site: int) -> list[int]:
    way: list[int] = []
    while last[site] >= 0:
        way.insert(0, int(last[site]))
        site = net.far(way[0], site)
    return way


def listed(row: Any) -> list[int]:
    return [int(link) for link in row if link >= 0]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    n_sites = draw(st.integers(2, 6))
    pair = st.tuples(st.integers(0, n_sites - 1), st.integers(0, n_sites - 1)).filter(lambda p: p[0] != p[1])
    links = draw(st.lists(pair, min_size=2, max_size=10))
    lsps = draw(st.lists(pair, min_size=1, max_size=6))
    # powers of two in random order: no two ways weigh the same
    weight = draw(st.permutations([float(2**i) for i in range(len(links))]))
    is_open = draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    samples = draw(st.lists(st.integers(0, 40), min_size=8 * len(lsps), max_size=8 * len(lsps)))
    return Problem(
        naive.Network(n_sites, links, weight, lsps), is_open, np.reshape(samples, (len(lsps), 2, 4)) / 8.0
    )


@settings(deadline=None, max_examples=200)
@given(problems())
def test_trees(problem: Problem) -> None:
    net, (distance, last) = problem.net, problem.trees()
    for root in range(net.n_sites):
        assert distance[root].tolist() == naive.distances(net, problem.opened, root)
        for site in range(net.n_sites):
            way = way_up(net, last[root], site)
            assert naive.end_of(net, way, root) == (site if distance[root, site] < math.inf else root)
            assert all(problem.is_open[link] for link in way)


@settings(deadline=None, max_examples=200)
@given(problems(), st.data())
def test_ways_over(problem: Problem, data: st.DataObject) -> None:
    net, (distance, last) = problem.net, problem.trees()
    closed = [link for link in range(len(net.links)) if not problem.is_open[link]]
    assume(closed)
    link = data.draw(st.sampled_from(closed))
    lsps, ways = bulk.ways_over(
        link, distance, last, problem.weight(), *problem.ends(), *problem.lsp_ends(), 1.0
    )
    expected = naive.takers(net, problem.opened, link)
    assert lsps.tolist() == list(expected)
    for lsp, row in zip(lsps.tolist(), ways, strict=True):
        way = listed(row)
        assert naive.end_of(net, way, net.lsps[lsp][0]) == net.lsps[lsp][1]
        assert naive.weight_of(net, way) == expected[lsp]
        assert way.count(link) == 1


@settings(deadline=None, max_examples=200)
@given(problems(), st.data())
def test_ways_around(problem: Problem, data: st.DataObject) -> None:
    net, before = problem.net, problem.ways()
    assume(problem.opened)
    link = data.draw(st.sampled_from(problem.opened))
    closed = [-1, *(other for other in range(len(net.links)) if not problem.is_open[other])]
    instead = data.draw(st.sampled_from(closed))
    found, lsps, ways = bulk.ways_around(
        link, instead, before, *problem.graph(), problem.weight(), np.array(problem.is_open), *problem.ends(),
        *problem.lsp_ends(),
    )  # fmt: skip
    assert lsps.tolist() == [lsp for lsp, row in enumerate(before) if link in listed(row)]
    kept = [other for other in problem.opened if other != link] + [instead] * (instead >= 0)
    least = [naive.distances(net, kept, net.lsps[lsp][0])[net.lsps[lsp][1]] for lsp in lsps.tolist()]
    assert found == all(length < math.inf for length in least)
    assert len(ways) == (len(lsps) if found else 0)
    for lsp, row, length in zip(lsps.tolist(), ways, least, strict=False):
        way = listed(row)
        assert naive.end_of(net, way, net.lsps[lsp][0]) == net.lsps[lsp][1]
        assert naive.weight_of(net, way) == length


@settings(deadline=None, max_examples=200)
@given(problems(), st.data())
def test_moved_loads(problem: Problem, data: st.DataObject) -> None:
    net, before = problem.net, problem.ways()
    moving = data.draw(st.lists(st.integers(0, len(net.lsps) - 1), unique=True))
    then = np.full((len(moving), 3), -1, dtype=np.int32)
    for row, lsp in enumerate(moving):  # straight there, if there is a link at all
        direct = [link for link, ends in enumerate(net.links) if set(ends) == set(net.lsps[lsp])]
        then[row, 1 : 1 + len(direct[:1])] = direct[:1]
    old = [listed(row) for row in before]
    new = list(old)
    for row, lsp in zip(then, moving, strict=True):
        new[lsp] = listed(row)
    loads = naive.loads_of(net, problem.samples, old)
    costs = data.draw(st.lists(st.integers(0, 50), min_size=4, max_size=4).map(sorted))
    table = np.cumsum([[0.0, *costs]] * (len(net.links) + 1), axis=0)
    keys = np.arange(1, len(net.links) + 1)
    links, found, worth = bulk.moved_loads(
        problem.samples.astype(np.float32), np.array(moving, dtype=np.int64), problem.lsp_ends()[0], before,
        then, *problem.ends(), loads.astype(np.float32), np.array([0, 1, 4]), np.array([1, 2]), table, keys,
        0.5, 1e-5,
    )  # fmt: skip
    assert links.tolist() == sorted({link for lsp in moving for link in (*old[lsp], *new[lsp])})
    expected = naive.loads_of(net, problem.samples, new)
    np.testing.assert_array_equal(found, expected[links])
    others = np.setdiff1d(np.arange(len(net.links)), links)
    np.testing.assert_array_equal(loads[others], expected[others])
    for link, cost in zip(links.tolist(), worth.tolist(), strict=True):
        needed = max(naive_loads.order_statistic(row, [0, 1, 4], [1, 2]) for row in expected[link])
        units = max(math.ceil(needed * 0.5), int(any(link in way for way in new)))
        exact = table[link + 1, units] if units < 5 else table[link + 1, 4] * units / 4
        assert cost == exact


@settings(deadline=None, max_examples=200)
@given(problems())
def test_savings_over(problem: Problem) -> None:
    net, (distance, _) = problem.net, problem.trees()
    closed = [link for link in range(len(net.links)) if not problem.is_open[link]]
    every = np.arange(len(net.lsps))
    saved = bulk.savings_over(
        np.array(closed, dtype=np.int64), every, distance, problem.weight(), *problem.ends(),
        *problem.lsp_ends(),
    )  # fmt: skip
    for link, row in zip(closed, saved.tolist(), strict=True):
        then = naive.takers(net, problem.opened, link)
        now = [naive.distances(net, problem.opened, a)[b] for a, b in net.lsps]
        gains = {lsp: now[lsp] - length for lsp, length in then.items() if now[lsp] < math.inf}
        assert row == [gains.get(lsp, 0.0) for lsp in every.tolist()]


def test_each_entry_point_has_one_signature() -> None:
    from netopt_kernels.__main__ import call_all

    call_all("bulk")
    kernels = {name: k for name, k in vars(bulk).items() if hasattr(k, "signatures") and name[0] != "_"}
    assert {name: len(k.signatures) for name, k in kernels.items()} == dict.fromkeys(kernels, 1)
