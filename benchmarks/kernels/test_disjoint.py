"""Edge-disjoint pairs against or-tools and networkx; SRLG-disjoint pairs against an exact search."""

from __future__ import annotations

from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pytest
from ortools.graph.python import min_cost_flow
from ortools.sat.python import cp_model

from benchmarks.kernels.networks import NETWORKS, Network, network
from netopt_kernels import disjoint, paths

PAIRS = {"germany50": 400, "174 sites": 200, "500 sites": 100, "1,000 sites": 100, "5,000 sites": 40}
NX_PAIRS = {"germany50": 5, "174 sites": 3, "500 sites": 2, "1,000 sites": 2, "5,000 sites": 1}
FLOW_PAIRS = {"germany50": 50, "174 sites": 20, "500 sites": 20, "1,000 sites": 10, "5,000 sites": 4}
GROUPS = 16  # shared-risk groups besides the fibers themselves, on germany50
SRLG_PAIRS = 300


def ours(net: Network, pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array([disjoint.disjoint_pair(*net.arcs, net.length_m, a, b, False)[5] for a, b in pairs])


@cache
def expected(name: str) -> np.ndarray:
    net = network(name)
    return ours(net, net.pairs(PAIRS[name]))


@pytest.mark.parametrize("name", NETWORKS)
def test_pair_ours(measure: Any, name: str) -> None:
    net = network(name)
    pairs = net.pairs(PAIRS[name])
    found = measure(f"disjoint pair, {name}", "a pair at a time", lambda: ours(net, pairs), len(pairs))
    assert np.array_equal(found, expected(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_all_targets(measure: Any, name: str) -> None:
    net = network(name)
    sources = [a for a, _ in net.pairs(PAIRS[name])][:20]

    def run() -> np.ndarray:
        return np.array([disjoint.disjoint_pairs(*net.arcs, net.length_m, source)[0] for source in sources])

    found = measure(f"disjoint pair, {name}", "all targets", run, len(sources) * (net.n_sites - 1))
    pairs = net.pairs(PAIRS[name])[:20]
    assert np.array_equal(found[np.arange(20), [b for _, b in pairs]], expected(name)[:20])


@pytest.mark.parametrize("name", NETWORKS)
def test_pair_ortools(measure: Any, name: str) -> None:
    net = network(name)
    pairs = net.pairs(FLOW_PAIRS[name])
    tail, head = np.concatenate([net.ends, net.ends[:, ::-1]]).T.copy()
    cost = np.tile(net.length_m, 2).astype(np.int64)

    def run() -> np.ndarray:
        found = np.full(len(pairs), np.inf)
        for row, (a, b) in enumerate(pairs):
            flow = min_cost_flow.SimpleMinCostFlow()
            flow.add_arcs_with_capacity_and_unit_cost(tail, head, np.ones_like(cost), cost)
            flow.set_nodes_supplies(np.array([a, b]), np.array([2, -2]))
            if flow.solve() == flow.OPTIMAL:
                found[row] = flow.optimal_cost()
        return found

    found = measure(f"disjoint pair, {name}", "or-tools", run, len(pairs), 3)
    assert np.array_equal(found, expected(name)[: len(pairs)])


@pytest.mark.parametrize("name", NETWORKS)
def test_pair_networkx(measure: Any, name: str) -> None:
    net = network(name)
    pairs = net.pairs(NX_PAIRS[name])
    graph: nx.DiGraph[int] = nx.DiGraph()
    for (a, b), length in zip(net.ends.tolist(), net.length_m.tolist(), strict=True):
        graph.add_edge(a, b, capacity=1, weight=int(length))
        graph.add_edge(b, a, capacity=1, weight=int(length))

    def one(a: int, b: int) -> float:
        graph.add_node(a, demand=-2)
        graph.add_node(b, demand=2)
        try:
            return float(nx.min_cost_flow_cost(graph))
        except nx.NetworkXUnfeasible:
            return np.inf
        finally:
            graph.nodes[a]["demand"] = graph.nodes[b]["demand"] = 0

    found = measure(
        f"disjoint pair, {name}", "networkx", lambda: [one(a, b) for a, b in pairs], len(pairs), 1
    )
    assert np.array_equal(found, expected(name)[: len(pairs)])


@cache
def groups() -> tuple[Network, np.ndarray]:
    """germany50 with ducts that two to four fibers near one site share."""
    net = network("germany50")
    draw = np.random.default_rng(11)
    bits = np.zeros((len(net.ends), 2), np.uint64)
    for group in range(GROUPS):
        site = int(draw.integers(net.n_sites))
        near = np.flatnonzero((net.ends == site).any(axis=1))
        shared = draw.choice(near, min(len(near), int(draw.integers(2, 5))), replace=False)
        further = draw.integers(len(net.ends))  # and one that only meets them in a building
        bits[[*shared, further], group // 64] |= np.uint64(1 << group % 64)
    return net, bits


def by_cp_sat(net: Network, bits: np.ndarray, a: int, b: int) -> float:
    """Least total of an SRLG-disjoint pair: two unit flows, each group on one of them."""
    model = cp_model.CpModel()
    use = [[(model.new_bool_var(""), model.new_bool_var("")) for _ in net.ends] for _ in range(2)]
    for flow in use:
        for site in range(net.n_sites):
            balance = 0
            for (forth, back), (tail, head) in zip(flow, net.ends.tolist(), strict=True):
                balance += (forth - back) * ((tail == site) - (head == site))
            model.add(balance == (site == a) - (site == b))
        for forth, back in flow:
            model.add(forth + back <= 1)
    risks = [{edge} for edge in range(len(net.ends))]
    risks += [set(np.flatnonzero(bits[:, 0] >> np.uint64(g) & np.uint64(1)).tolist()) for g in range(GROUPS)]
    for risk in risks:
        on = [model.new_bool_var("") for _ in range(2)]
        for which in range(2):
            for edge in risk:
                model.add(sum(use[which][edge]) <= on[which])
        model.add(sum(on) <= 1)
    lengths = net.length_m.astype(np.int64).tolist()
    model.minimize(sum(w * (f + r) for flow in use for (f, r), w in zip(flow, lengths, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    assert status in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    return solver.objective_value if status == cp_model.OPTIMAL else np.inf


def test_srlg_pair_ours(measure: Any) -> None:
    net, bits = groups()
    pairs = net.pairs(SRLG_PAIRS)

    def run() -> list[Any]:
        return [
            paths.srlg_disjoint_pair(
                *net.arcs, net.length_m, net.length_m, bits, a, b, 8, np.inf, np.inf, False
            )
            for a, b in pairs
        ]

    found = measure("SRLG-disjoint pair, germany50", "k = 8", run, len(pairs))
    assert all(f[0] in (0, 1, 2, 3) for f in found)


def test_srlg_pair_cp_sat(measure: Any, benchmark: Any) -> None:
    net, bits = groups()
    pairs = net.pairs(SRLG_PAIRS)[:60]
    found = measure(
        "SRLG-disjoint pair, germany50",
        "CP-SAT",
        lambda: [by_cp_sat(net, bits, a, b) for a, b in pairs],
        len(pairs),
        1,
    )
    kernel = [
        paths.srlg_disjoint_pair(*net.arcs, net.length_m, net.length_m, bits, a, b, 8, np.inf, np.inf, False)[
            5
        ]
        for a, b in pairs
    ]
    benchmark.extra_info["optimal"] = float(np.mean(np.array(kernel) == np.array(found)))
    assert (np.array(kernel) >= np.array(found)).all()
