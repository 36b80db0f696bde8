import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_heur.rwa.network import Network, build_network
from netopt_kernels import rwa
from tests.naive import rwa as naive
from tests.rwa.instances import Edge, make_instance, small_cases

Case = tuple[int, list[Edge], list[Edge]]


def empty_assignment(network: Network, n_nodes: int, rows: int) -> rwa.Assignment:
    n_edges, n_requests = network.graph[2].size, network.requests[0].size
    return (
        np.full((rows, n_edges), -1, np.int64),
        np.full(n_requests, -1, np.int64),
        np.zeros((n_requests, n_nodes), np.int64),
        np.zeros(n_requests, np.int64),
    )


def faults(case: Case, assignment: rwa.Assignment) -> list[str]:
    _, edges, requests = case
    owner, wave, path, hops = assignment
    paths = [path[request, : hops[request]].tolist() for request in range(len(requests))]
    return naive.assignment_faults(edges, requests, owner.tolist(), wave.tolist(), paths)


@settings(deadline=None, max_examples=100)
@given(small_cases(7, 6), st.data())
def test_price_to_go_matches_bellman_ford(case: Case, data: st.DataObject) -> None:
    n_nodes, edges, requests = case
    price = data.draw(st.lists(st.integers(0, 9), min_size=len(edges), max_size=len(edges)))
    network = build_network(make_instance(*case))
    to_go = network.to_go(np.array(price, np.int64))
    assert network.targets.tolist() == sorted({target for _, target in requests})
    for row, target in zip(to_go, network.targets.tolist(), strict=True):
        assert row.tolist() == naive.least_prices(n_nodes, edges, price, target)


def test_price_to_go_marks_nodes_that_do_not_reach_the_target() -> None:
    network = build_network(make_instance(3, [(0, 1), (0, 2)], [(0, 2)]))
    assert network.to_go(np.array([1, 5])).tolist() == [[5, rwa.UNREACHABLE, 0]]


@settings(deadline=None, max_examples=60)
@given(small_cases(6, 12), st.floats(1.0, 3.0))
def test_fill_uses_free_edges_and_asks_for_rows(case: Case, detour: float) -> None:
    n_nodes, edges, requests = case
    network = build_network(make_instance(*case))
    price = np.full(len(edges), 10, np.int64)
    to_go = network.to_go(price)
    order = np.arange(len(requests))
    arguments = (network.graph, price, to_go, network.requests)
    assignment = empty_assignment(network, n_nodes, len(requests))
    done, waves = rwa.fill(*arguments, assignment, order, 0, detour)
    assert done == len(requests) and faults(case, assignment) == []
    assert sorted(set(assignment[1].tolist())) == list(range(waves))
    for request, (source, _) in enumerate(requests):
        limit = detour * to_go[network.requests[2][request], source]
        assert price[assignment[2][request, : assignment[3][request]]].sum() <= limit
    if waves > 1:
        short = empty_assignment(network, n_nodes, waves - 1)
        done, opened = rwa.fill(*arguments, short, order, 0, detour)
        assert done == int(np.argmax(assignment[1] == waves - 1)) and opened == waves - 1
        assert (short[1][:done] == assignment[1][:done]).all() and (short[1][done:] == -1).all()


@settings(deadline=None, max_examples=60)
@given(small_cases(6, 12), st.integers(1, 3), st.integers(0, 3), st.integers(1, 2**63))
def test_eject_search_keeps_the_assignment_right(case: Case, waves: int, shakes: int, seed: int) -> None:
    n_nodes, edges, requests = case
    network = build_network(make_instance(*case))
    price = np.full(len(edges), 100, np.int64)
    assignment = empty_assignment(network, n_nodes, waves)
    pool, toll = np.arange(len(requests)), np.ones(len(requests))
    contention = np.zeros(len(edges))
    random = np.array([seed], np.uint64)
    pooled, failures = len(requests), 0.0
    for _ in range(20):
        pooled, steps = rwa.eject_search(
            network.graph,
            price,
            network.to_go(price),
            network.requests,
            assignment,
            waves,
            pool,
            pooled,
            toll,
            contention,
            3,
            shakes,
            100.0,
            1.5,
            random,
        )
        assert steps == 3 or pooled == 0
        assert faults(case, assignment) == []
        assert sorted(pool[:pooled].tolist()) == np.flatnonzero(assignment[1] < 0).tolist()
        assert toll.sum() >= failures
        failures = toll.sum()


def test_eject_search_finds_the_only_way() -> None:
    # Both requests fit one wavelength only if 0 -> 1 leaves the direct edge to nobody: paths are forced.
    edges, requests = [(0, 1), (1, 2), (0, 2), (2, 1)], [(0, 2), (0, 1)]
    assert naive.fewest_wavelengths(edges, requests) == 1
    network = build_network(make_instance(3, edges, requests))
    price = np.array([100, 100, 900, 100])  # the cheap path of request 0 blocks request 1
    assignment = empty_assignment(network, 3, 1)
    arguments = (network.graph, price, network.to_go(price), network.requests, assignment, 1)
    learned = (np.ones(2), np.zeros(4))
    pooled, _ = rwa.eject_search(
        *arguments, np.arange(2), 2, *learned, 200, 0, 400.0, 9.0, np.array([7], np.uint64)
    )
    assert pooled == 0
    assert faults((3, edges, requests), assignment) == []


def test_withdraw_frees_the_path() -> None:
    case = (3, [(0, 1), (1, 2)], [(0, 2), (0, 1)])
    network = build_network(make_instance(*case))
    price = np.array([1, 1])
    assignment = empty_assignment(network, 3, 2)
    rwa.fill(network.graph, price, network.to_go(price), network.requests, assignment, np.arange(2), 0, 1.0)
    assert assignment[0].tolist() == [[0, 0], [1, -1]]
    rwa.withdraw(assignment, 0)
    assert assignment[0].tolist() == [[-1, -1], [1, -1]] and assignment[1].tolist() == [-1, 1]


@pytest.mark.parametrize("below", [1, 2, 7, 100])
def test_next_random_is_uniform(below: int) -> None:
    state = np.array([12345], np.uint64)
    draws = np.bincount([rwa.next_random(state, below) for _ in range(200 * below)], minlength=below)
    assert draws.size == below
    # Chi-square against its mean plus six standard deviations.
    chi_square = float(((draws - 200.0) ** 2 / 200.0).sum())
    assert chi_square <= below - 1 + 6 * math.sqrt(2 * below)


def test_the_planner_compiles_each_kernel_once() -> None:
    from netopt_heur.rwa import solve_rwa

    # An odd ring of 7 with all pairs needs more than its first construction offers.
    ring = [(v, (v + step) % 7) for v in range(7) for step in (1, 6)]
    requests = [(a, b) for a in range(7) for b in range(7) if a != b]
    solve_rwa(make_instance(7, ring, requests), iterations=600, time_limit_s=20.0)
    for name in ("price_to_go", "fill", "eject_search", "withdraw"):
        signatures = getattr(getattr(rwa, name), "signatures", None)
        if signatures is not None:  # absent when numba is switched off
            assert len(signatures) == 1, name
