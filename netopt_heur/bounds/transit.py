"""Traffic that no direct link carries passes a router: how much, and what a direct link costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from netopt_heur.bounds.master import Master, Term, ways_out
from netopt_heur.bounds.metric import fiber_is_up
from netopt_heur.bounds.program import F64
from netopt_heur.bounds.rounding import rounded
from netopt_heur.bounds.traffic import Traffic

MOST_ROWS = 2_000  # of all mixes; as many again of all failure states
MOST_MIXES = 24
Pair = tuple[int, int]


@dataclass
class _Transit:
    """Columns of direct links.

    Attributes
    ----------
    direct : dict
        Pair of sites with demand -> 1 if any of its LSPs ever takes a direct link.
    """

    master: Master
    traffic: Traffic
    direct: dict[Pair, int] = field(default_factory=dict)

    def add(self) -> None:
        self._add_direct()
        n_sites = len(self.master.instance.site_ids)
        mixes = _busiest(self.traffic.normal, min(MOST_MIXES, 1 + MOST_ROWS // n_sites))
        for mix in mixes:
            capacity = [self.master.port_terms(v) for v in range(n_sites)]
            self._add_passing(self.traffic.normal[mix], capacity)
        for state in list(self._states())[: 1 + MOST_ROWS // n_sites]:
            self._add_state(state)

    def _add_direct(self) -> None:
        """A port serves one link; a link is of use to a pair if it holds any one of its LSPs."""
        master, program = self.master, self.master.program
        used: dict[tuple[int, float], list[Term]] = defaultdict(list)
        alone = 1.0 if master.instance.scenario.policy.max_ip_hops == 1 else 0.0
        for pair in sorted(self.traffic.pairs):
            a, b = pair
            direct = self.direct[pair] = program.column(0.0, 1.0, lower=alone)
            rates = sorted(r for (v, r) in master.ports if v == a and (b, r) in master.ports)
            links = {rate: program.column() for rate in rates}
            for rate, column in links.items():
                used[a, rate].append((column, -1.0))
                used[b, rate].append((column, -1.0))
            program.at_least([*((c, 1.0) for c in links.values()), (direct, -1.0)], 0.0)
            terms = [(c, master.share * rate) for rate, c in links.items()]
            need = self.traffic.least[pair]
            if need > 0.0:
                for row, lower in rounded(terms, need):
                    program.at_least([*row, (direct, -lower)], 0.0)
        for key, terms in used.items():
            program.at_least([(master.ports[key], 1.0), *terms], 0.0)

    def _add_passing(self, demand: F64, capacity: list[list[Term]]) -> None:
        """Capacity of each router holds its own traffic and what passes it; all that is not direct passes."""
        program = self.master.program
        both = np.triu(demand + demand.T, 1)
        near = [(c, float(both[pair])) for pair, c in self.direct.items() if both[pair] > 0.0]
        passing: list[Term] = []
        for site, terms in enumerate(capacity):
            if not terms:
                continue
            through = program.column(integer=False)
            passing.append((through, 1.0))
            own = float(max(demand[site].sum(), demand[:, site].sum()))
            program.at_least([*terms, (through, -1.0)], own)
        program.at_least([*passing, *near], float(both.sum()))

    def _states(self) -> Iterator[int]:
        """Failure states that leave all sites up, and take something down."""
        instance = self.master.instance
        for state, down in enumerate(instance.state_components):
            if state and not down >> instance.n_groups and self.traffic.failure.any():
                yield state

    def _add_state(self, state: int) -> None:
        """The same without what ends on fibers and offers that are down."""
        master, instance = self.master, self.master.instance
        down = instance.state_components[state]
        capacity = [master.twin_terms(v) for v in range(len(instance.site_ids))]
        for (site, (kind, index)), users in ways_out(master).items():
            if kind == "fiber":
                up = fiber_is_up(instance, index, state)
            else:
                up = not instance.offers[index].components & down
            if up:
                for (rate, legs), columns in users.items():
                    if legs == 1:
                        capacity[site] += [(c, master.share * rate) for c in columns]
        for mix in _busiest(self.traffic.failure, 1):
            self._add_passing(self.traffic.failure[mix], capacity)
        self._add_lost(state)

    def _add_lost(self, state: int) -> None:
        """Every single-legged lightpath on a fiber that is down is lost to both its routers."""
        master, instance = self.master, self.master.instance
        demand = self.traffic.failure[_busiest(self.traffic.failure, 1)[0]]
        both = np.triu(demand + demand.T, 1)
        near = [(c, float(both[pair])) for pair, c in self.direct.items() if both[pair] > 0.0]
        ends = [t for v in range(len(instance.site_ids)) for t in master.port_terms(v)]
        for fiber in range(len(instance.fiber_ids)):
            if not fiber_is_up(instance, fiber, state):
                lost = [(c, -2.0 * gbps) for c, gbps in master.fiber_terms(fiber, 1)]
                master.program.at_least([*ends, *lost, *near], 2.0 * float(both.sum()))


def add_transit(master: Master, traffic: Traffic) -> None:
    """Add the rows about direct links and passing traffic."""
    if master.ports:
        _Transit(master, traffic).add()


def _busiest(matrices: F64, count: int) -> list[int]:
    totals = matrices.sum(axis=(1, 2))
    return [int(i) for i in np.argsort(-totals, kind="stable")[:count] if totals[i] > 0.0]
