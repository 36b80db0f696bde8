"""Traffic that no direct link carries passes a router: how much, and what a direct link costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from netopt_heur.bounds.master import Master, Term
from netopt_heur.bounds.optical import add_direct_costs, add_twin_costs
from netopt_heur.bounds.program import F64
from netopt_heur.bounds.rounding import rounded
from netopt_heur.bounds.traffic import Traffic

MOST_MIXES = 40  # without failures; one in each failure state
Pair = tuple[int, int]


@dataclass
class Transit:
    """Columns of direct links.

    Attributes
    ----------
    direct : dict
        Pair of sites with demand -> 1 if any of its LSPs ever takes a direct link.
    links : dict
        (pair, rate) -> channels of the links that join it.
    """

    master: Master
    traffic: Traffic
    direct: dict[Pair, int] = field(default_factory=dict)
    links: dict[tuple[Pair, float], int] = field(default_factory=dict)

    def add(self) -> None:
        """Add all columns and rows."""
        master = self.master
        self._add_direct()
        routers = [t for v in range(len(master.instance.site_ids)) for t in master.port_terms(v)]
        for mix in _busiest(self.traffic.normal, MOST_MIXES):
            self._add_passing(self.traffic.normal[mix], routers)
        for mix in _busiest(self.traffic.failure, 1):
            for state in self._states():
                for capacity in self._surviving(state, routers):
                    self._add_passing(self.traffic.failure[mix], capacity)

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
            self.links |= {(pair, rate): column for rate, column in links.items()}
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
        add_direct_costs(master, self.links)

    def _add_passing(self, demand: F64, capacity: list[Term]) -> None:
        """Routers hold their own traffic and what passes them; all that is not direct passes one."""
        both = np.triu(demand + demand.T, 1)
        near = [(c, float(both[pair])) for pair, c in self.direct.items() if both[pair] > 0.0]
        own = float(np.maximum(demand.sum(axis=0), demand.sum(axis=1)).sum())
        self.master.program.at_least([*capacity, *near], own + float(both.sum()))

    def _states(self) -> Iterator[int]:
        """Failure states that leave all sites up, and take something down."""
        instance = self.master.instance
        for state, down in enumerate(instance.state_components):
            if state and not down >> instance.n_groups and self.traffic.failure.any():
                yield state

    def _surviving(self, state: int, routers: list[Term]) -> Iterator[list[Term]]:
        """Capacities of all routers without what a failure state takes, counted in several ways."""
        master, instance = self.master, self.master.instance
        down = instance.state_components[state]
        fibers = [f for f in range(len(instance.fiber_ids)) if instance.fiber_components[f] & down]
        offers = [o for o, offer in enumerate(instance.offers) if offer.components & down]
        # a single-legged channel is lost to both its routers; one fiber at a time, since it may use several
        for fiber in fibers:
            yield [*routers, *((c, -2.0 * gbps) for c, gbps in master.fiber_terms(fiber, 1))]
        for offer in offers:
            yield [*routers, *((c, -2.0 * gbps) for c, gbps in master.offer_terms(offer, 1))]


def add_transit(master: Master, traffic: Traffic) -> None:
    """Add the rows about direct links and passing traffic."""
    if master.ports:
        Transit(master, traffic).add()
        add_twin_costs(master)


def _busiest(matrices: F64, count: int) -> list[int]:
    totals = matrices.sum(axis=(1, 2))
    return [int(i) for i in np.argsort(-totals, kind="stable")[:count] if totals[i] > 0.0]
