"""Metric inequalities: whatever lengths resources have, capacity times length covers demand times distance.

Iri (1971), Onaga and Kakusho (1971): any lengths give a valid inequality. Good ones come from a few rounds of
multiplicative weights (Garg and Koenemann 2007): what is full becomes long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from netopt_heur.bounds.master import Master, Term, site_at, value_at, ways_out
from netopt_heur.instance import F64, I64, Instance

STEP = 0.5  # how much longer the fullest resource becomes in a round
TINY = 1e-4  # length floor of an empty resource's capacity, as share of the mean capacity


class Resources:
    """Everything that limits flow: directed fibers, their ends, routers and wave offers.

    A walk leaves a router through an end of a fiber, runs over fibers and ends in a router again.

    Attributes
    ----------
    terms : list
        Capacity of each resource as terms in the master's columns.
    """

    def __init__(self, master: Master) -> None:
        self.master = master
        instance = master.instance
        self.terms: list[list[Term]] = []
        n_fibers, n_offers, n_sites = (
            len(instance.fiber_ids),
            len(instance.offers),
            len(instance.site_ids),
        )
        both = (1, 2)
        self.fiber = [
            [self._add([t for n in both for t in master.fiber_terms(f, n)]) for _ in (0, 1)]
            for f in range(n_fibers)
        ]
        self.board, self.alight = (
            [
                [self._add([t for n in both for t in master.end_terms(f, s, n)]) for s in (0, 1)]
                for f in range(n_fibers)
            ]
            for _ in (0, 1)
        )
        self.out, self.into = ([self._add(_router_terms(master, v)) for v in range(n_sites)] for _ in (0, 1))
        self.offer = [
            [self._add([t for n in both for t in master.offer_terms(o, n)]) for _ in (0, 1)]
            for o in range(n_offers)
        ]

    def _add(self, terms: list[Term]) -> int:
        self.terms.append(terms)
        return len(self.terms) - 1

    def capacities(self, x: F64) -> F64:
        """Capacity of every resource at a solution, Gb/s."""
        return np.array([value_at(terms, x) for terms in self.terms])


def _router_terms(master: Master, site: int) -> list[Term]:
    """Usable Gb/s of the links of a router: both legs of a 1+1 link are one channel."""
    single = [
        (c, master.share * rate)
        for (at, _), users in ways_out(master).items()
        if at == site
        for (rate, legs), columns in users.items()
        if legs == 1
        for c in columns
    ]
    return single + master.twin_terms(site)


@dataclass(frozen=True)
class StateGraph:
    """Walks in one failure state: nodes are routers, then heads of directed fibers.

    Attributes
    ----------
    tail, head : int64[n_arcs]
        Arcs, sorted by head.
    resources : int64[n_arcs, 3]
        What an arc uses; the last index (a dummy) stands for nothing.
    first : int64[n_heads]
        Where each head's arcs start.
    heads : int64[n_heads]
        The heads in that order.
    """

    n_sites: int
    n_nodes: int
    tail: I64
    head: I64
    resources: I64
    first: I64
    heads: I64

    def distances(self, length: F64, sources: I64) -> tuple[F64, F64]:
        """Shortest distances from each source to all nodes, and the length of each arc."""
        extended = np.append(length, 0.0)
        weight = extended[self.resources].sum(axis=1)
        distance = np.full((len(sources), self.n_nodes), math.inf)
        distance[np.arange(len(sources)), sources] = 0.0
        if len(self.tail):
            for _ in range(self.n_nodes):
                best = np.minimum.reduceat(distance[:, self.tail] + weight, self.first, axis=1)
                better = best < distance[:, self.heads] * (1.0 - 1e-12)
                if not better.any():
                    break
                distance[:, self.heads] = np.where(better, best, distance[:, self.heads])
        return distance, weight

    def loads(self, distance: F64, weight: F64, sources: I64, demand: F64, n_resources: int) -> F64:
        """Load on each resource when all demand takes shortest walks."""
        n_sources = len(sources)
        finite = np.where(np.isfinite(distance), distance, 1e300)
        rest = np.abs(finite[:, self.tail] + weight - finite[:, self.head])
        rest[~np.isfinite(distance[:, self.tail])] = math.inf
        arc = np.full((n_sources, self.n_nodes), -1, dtype=np.int64)
        for i, node in enumerate(self.heads.tolist()):
            stop = int(self.first[i + 1]) if i + 1 < len(self.first) else len(self.tail)
            arc[:, node] = int(self.first[i]) + np.argmin(rest[:, self.first[i] : stop], axis=1)
        flow = np.zeros((n_sources, self.n_nodes))
        flow[:, : self.n_sites] = np.where(np.isfinite(distance[:, : self.n_sites]), demand, 0.0)
        rows = np.arange(n_sources)
        flow[rows, sources] = 0.0
        on_arc = np.zeros(len(self.tail))
        for _ in range(self.n_nodes):
            row, node = np.nonzero(flow)
            if not len(row):
                break
            used = arc[row, node]
            amount = flow[row, node]
            on_arc += np.bincount(used, weights=amount, minlength=len(self.tail))
            flow = np.zeros_like(flow)
            np.add.at(flow, (row, self.tail[used]), amount)
            flow[rows, sources] = 0.0
        load = np.zeros(n_resources + 1)
        for k in range(3):
            np.add.at(load, self.resources[:, k], on_arc)
        return load[:-1]


def state_graph(resources: Resources, instance: Instance, state: int) -> StateGraph:
    """The walks that a failure state leaves."""
    n_sites, nothing = len(instance.site_ids), len(resources.terms)
    up = [f for f in range(len(instance.fiber_ids)) if fiber_is_up(instance, f, state)]
    node: dict[tuple[int, int], int] = {}
    for f in up:
        for s in (0, 1):
            node[f, s] = n_sites + len(node)  # fiber f entered at side s
    arcs: list[tuple[int, int, tuple[int, int, int]]] = []
    entering: dict[int, list[tuple[int, int]]] = {}
    for f, s in node:
        entering.setdefault(site_at(instance, f, 1 - s), []).append((f, s))
    for (f, s), here in node.items():
        tail, head = site_at(instance, f, s), site_at(instance, f, 1 - s)
        along = resources.fiber[f][s]
        if resources.terms[resources.board[f][s]]:
            arcs.append((tail, here, (along, resources.board[f][s], resources.out[tail])))
        if resources.terms[resources.alight[f][1 - s]]:
            arcs.append((here, head, (nothing, resources.alight[f][1 - s], resources.into[head])))
        for before in entering.get(tail, []):
            if before[0] != f:
                arcs.append((node[before], here, (along, nothing, nothing)))
    for o, offer in enumerate(instance.offers):
        if resources.terms[resources.offer[o][0]] and not offer.components & instance.state_components[state]:
            for s, (tail, head) in enumerate(((offer.a, offer.b), (offer.b, offer.a))):
                arcs.append((tail, head, (resources.offer[o][s], resources.out[tail], resources.into[head])))
    arcs.sort(key=lambda arc: (arc[1], arc[0]))
    heads = np.array([arc[1] for arc in arcs], dtype=np.int64)
    unique, first = np.unique(heads, return_index=True)
    return StateGraph(
        n_sites,
        n_sites + len(node),
        np.array([arc[0] for arc in arcs], dtype=np.int64),
        heads,
        np.array([arc[2] for arc in arcs], dtype=np.int64).reshape(-1, 3),
        first.astype(np.int64),
        unique.astype(np.int64),
    )


def fiber_is_up(instance: Instance, fiber: int, state: int) -> bool:
    """Whether a route over a fiber can be up in a failure state, and the fiber can be used at all."""
    ends = instance.site_component(int(instance.fiber_a[fiber]))
    ends |= instance.site_component(int(instance.fiber_b[fiber]))
    down = (instance.fiber_components[fiber] | ends) & instance.state_components[state]
    return not down and bool(instance.max_pairs[fiber] > 0)


def demand_in(instance: Instance, matrices: F64, state: int) -> F64:
    """Demand matrices without sites that are down in a failure state."""
    down = [
        v
        for v in range(len(instance.site_ids))
        if instance.site_component(v) & instance.state_components[state]
    ]
    if not down:
        return matrices
    matrices = matrices.copy()
    matrices[:, down, :] = 0.0
    matrices[:, :, down] = 0.0
    return matrices


def separate(
    resources: Resources, graph: StateGraph, demand: F64, x: F64, rounds: int
) -> tuple[float, list[Term], float] | None:
    """Most violated metric inequality found: ratio of the two sides, terms, right-hand side.

    Parameters
    ----------
    demand
        float64[n_mixes, n_sites, n_sites], Gb/s.
    x
        The master's solution.
    rounds
        Rounds of multiplicative weights.
    """
    sources = np.flatnonzero(demand.any(axis=(0, 2))).astype(np.int64)
    if not len(sources) or not len(graph.tail):
        return None
    capacity = resources.capacities(x)
    floor = TINY * max(float(capacity.mean()), 1e-9)
    length = 1.0 / np.maximum(capacity, floor)
    best: tuple[float, F64, float] | None = None
    rows = demand[:, sources, :]
    for _ in range(rounds):
        distance, weight = graph.distances(length, sources)
        far = np.where(np.isfinite(distance[:, : graph.n_sites]), distance[:, : graph.n_sites], 0.0)
        sides = np.einsum("msv,sv->m", rows, far)
        mix = int(np.argmax(sides))
        ratio = float(sides[mix]) / max(float(length @ capacity), 1e-300)
        if best is None or ratio > best[0]:
            best = (ratio, length.copy(), float(sides[mix]))
        load = graph.loads(distance, weight, sources, rows[mix], len(length))
        fullness = load / np.maximum(capacity, floor)
        length = length * (1.0 + STEP * fullness / max(float(fullness.max()), 1e-300))
    if best is None:
        return None
    return (best[0], *_inequality(resources, best[1], best[2]))


def _inequality(resources: Resources, length: F64, side: float) -> tuple[list[Term], float]:
    scale = 1.0 / max(float(length.max()), 1e-300)
    merged: dict[int, float] = {}
    for value, terms in zip((length * scale).tolist(), resources.terms, strict=True):
        for column, rate in terms:
            merged[column] = merged.get(column, 0.0) + value * rate
    # rounded up, so the inequality stays valid; distances lose what Bellman and Ford left out
    return [(c, v * (1.0 + 1e-9)) for c, v in merged.items() if v > 0.0], side * scale * (1.0 - 1e-8)
