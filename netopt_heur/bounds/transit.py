"""Traffic that no direct link carries passes a router: how much, and what a direct link costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from netopt_heur.bounds.master import Master, Term
from netopt_heur.bounds.optical import add_link_costs, add_twin_costs
from netopt_heur.bounds.program import F64
from netopt_heur.bounds.rounding import rounded
from netopt_heur.bounds.traffic import Traffic

BY_PAIR_UP_TO = 20  # sites; with more, columns and rows by pair cost more time than they gain
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
        (pair, rate) -> channels of the links that join it; every pair of routers has some.
    twins : dict
        (pair, rate) -> those of 1+1 links; none in a large network.
    links_gbps, twins_gbps : dict
        Pair -> usable Gb/s of either: rows over many pairs are short in these. None in a large network.
    """

    master: Master
    traffic: Traffic
    direct: dict[Pair, int] = field(default_factory=dict)
    links: dict[tuple[Pair, float], int] = field(default_factory=dict)
    twins: dict[tuple[Pair, float], int] = field(default_factory=dict)
    links_gbps: dict[Pair, int] = field(default_factory=dict)
    twins_gbps: dict[Pair, int] = field(default_factory=dict)

    @property
    def by_pair(self) -> bool:
        """Whether 1+1 links are told apart by the sites they join."""
        return len(self.master.instance.site_ids) <= BY_PAIR_UP_TO

    def add(self) -> None:
        """Add all columns and rows."""
        master = self.master
        self._add_links()
        self._add_direct()
        routers = [t for v in range(len(master.instance.site_ids)) for t in master.port_terms(v)]
        for mix in _busiest(self.traffic.normal, MOST_MIXES):
            self._add_passing(self.traffic.normal[mix], routers)
        for mix in _busiest(self.traffic.failure, 1):
            for state in self.states():
                for lost in self.lost(state):
                    # a single-legged channel is lost to both its routers
                    surviving = [*routers, *((c, -2.0 * master.share * rate) for c, rate in lost)]
                    self._add_passing(self.traffic.failure[mix], surviving)

    def _add_links(self) -> None:
        """Every port serves a link to one other router."""
        master, program = self.master, self.master.program
        for pair in combinations(range(len(master.instance.site_ids)), 2):
            for rate in sorted(r for v, r in master.ports if v == pair[0] and (pair[1], r) in master.ports):
                self.links[pair, rate] = program.column()
                if 2 in master.legs and self.by_pair:
                    twin = self.twins[pair, rate] = program.column()
                    program.at_least([(self.links[pair, rate], 1.0), (twin, -1.0)], 0.0)
        ends = [(master.ports, self.links), (master.twins, self.twins)]
        for at_sites, joining in ends if self.by_pair else ends[:1]:
            at: dict[tuple[int, float], list[Term]] = {key: [] for key in at_sites}
            for (pair, rate), column in joining.items():
                for site in pair:
                    at[site, rate].append((column, 1.0))
            for key, terms in at.items():
                program.at_least([(at_sites[key], 1.0), *((c, -v) for c, v in terms)], 0.0)
                program.at_least([(at_sites[key], -1.0), *terms], 0.0)
        if self.by_pair:
            self._add_sums()
        add_link_costs(master, self.links, self.twins)

    def _add_sums(self) -> None:
        """Gb/s of the links of each pair."""
        master, program = self.master, self.master.program
        for joining, sums in ((self.links, self.links_gbps), (self.twins, self.twins_gbps)):
            held: dict[Pair, list[Term]] = defaultdict(list)
            for (pair, rate), column in joining.items():
                held[pair].append((column, master.share * rate))
            for pair, terms in held.items():
                total = sums[pair] = program.column(integer=False)
                program.at_least([*terms, (total, -1.0)], 0.0)
                program.at_least([(total, 1.0), *((c, -v) for c, v in terms)], 0.0)

    def _add_direct(self) -> None:
        """A link is of use to a pair if it holds any one of its LSPs."""
        master, program = self.master, self.master.program
        alone = 1.0 if master.instance.scenario.policy.max_ip_hops == 1 else 0.0
        joining: dict[Pair, list[tuple[float, int]]] = defaultdict(list)
        for (pair, rate), column in self.links.items():
            joining[pair].append((rate, column))
        for pair in sorted(self.traffic.pairs):
            direct = self.direct[pair] = program.column(0.0, 1.0, lower=alone)
            program.at_least([*((c, 1.0) for _, c in joining[pair]), (direct, -1.0)], 0.0)
            terms = [(c, master.share * rate) for rate, c in joining[pair]]
            need = self.traffic.least[pair]
            if need > 0.0:
                for row, lower in rounded(terms, need):
                    program.at_least([*row, (direct, -lower)], 0.0)

    def _add_passing(self, demand: F64, capacity: list[Term]) -> None:
        """Routers hold their own traffic and what passes them; all that is not direct passes one."""
        both = np.triu(demand + demand.T, 1)
        near = [(c, float(both[pair])) for pair, c in self.direct.items() if both[pair] > 0.0]
        own = float(np.maximum(demand.sum(axis=0), demand.sum(axis=1)).sum())
        self.master.program.at_least([*capacity, *near], own + float(both.sum()))

    def states(self) -> Iterator[int]:
        """Failure states that leave all sites up, and take something down."""
        instance = self.master.instance
        for state, down in enumerate(instance.state_components):
            if state and not down >> instance.n_groups and self.traffic.failure.any():
                yield state

    def lost(self, state: int) -> Iterator[list[Term]]:
        """Gb/s of single-legged channels that a state takes, a fiber at a time: they may use several."""
        master, instance = self.master, self.master.instance
        down = instance.state_components[state]
        for fiber in range(len(instance.fiber_ids)):
            if instance.fiber_components[fiber] & down:
                yield [(c, gbps / master.share) for c, gbps in master.fiber_terms(fiber, 1)]
        for o, offer in enumerate(instance.offers):
            if offer.components & down:
                yield [(c, gbps / master.share) for c, gbps in master.offer_terms(o, 1)]


def add_transit(master: Master, traffic: Traffic) -> Transit:
    """Add the rows about links, direct ones and passing traffic."""
    transit = Transit(master, traffic)
    if master.ports:
        transit.add()
        if not transit.by_pair:
            add_twin_costs(master)
    return transit


def _busiest(matrices: F64, count: int) -> list[int]:
    totals = matrices.sum(axis=(1, 2))
    return [int(i) for i in np.argsort(-totals, kind="stable")[:count] if totals[i] > 0.0]
