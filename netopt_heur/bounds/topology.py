"""How many links any IP topology needs: to connect, to survive, and to spare its traffic further hops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import networkx as nx
import numpy as np

from netopt_heur.bounds.master import Master, Term, site_at
from netopt_heur.bounds.program import F64
from netopt_heur.bounds.rounding import rounded
from netopt_heur.bounds.traffic import Traffic

BUSIEST_MIXES = 4  # mixes of hours whose hops are counted


def add_topology(master: Master, traffic: Traffic) -> None:
    """Add the rows that count links."""
    if not master.ports:
        return
    half_ports = [(c, 0.5) for c in master.ports.values()]
    legs = [(c, 0.5) for c in master.ends.values()] + [(c, 1.0) for c in master.units.values()]
    _add_connected(master, traffic, half_ports)
    _add_survivable(master, traffic, half_ports, legs)
    _add_disjoint(master, half_ports)
    _add_hops(master, traffic)
    if master.instance.scenario.policy.failures.srlgs:
        for site in range(len(master.instance.site_ids)):
            _add_two_ways(master, traffic, site)


def _components(pairs: Iterable[tuple[int, int]]) -> list[set[int]]:
    return [set(c) for c in nx.connected_components(nx.Graph(list(pairs)))]


def _add_connected(master: Master, traffic: Traffic, half_ports: list[Term]) -> None:
    """A graph that connects each group of sites has at least the sizes less one in links."""
    links = sum(len(c) - 1 for c in _components(traffic.pairs))
    master.program.at_least(half_ports, float(links))


def _add_survivable(master: Master, traffic: Traffic, half_ports: list[Term], legs: list[Term]) -> None:
    """Without a link of one leg the rest still connects: a ring, or a tree with two legs everywhere.

    With ``k`` links of two legs contracted, either one node is left (``k >= n - 1``) or the other links
    keep ``n - k`` nodes connected after any single loss and are at least ``n - k``. Both ends of that choice
    satisfy ``(n - 2) links + legs >= n (n - 1)``.
    """
    if not master.instance.scenario.policy.failures.srlgs:
        return
    n = max((len(c) for c in _components(traffic.protected_pairs)), default=0)
    if n >= 2:
        scaled = [(c, v * (n - 2)) for c, v in half_ports]
        master.program.at_least([*scaled, *legs], float(n * (n - 1)))
        master.program.at_least(legs, float(n))


def _add_disjoint(master: Master, half_ports: list[Term]) -> None:
    """Disjoint paths share no link, not even one of two legs: two links at each end, a ring per group."""
    instance = master.instance
    pairs = {(x.a, x.b) for x in instance.lsps if x.promise.protection == "disjoint"}
    for site in sorted({v for pair in pairs for v in pair}):
        ports = [(c, 1.0) for (s, _), c in master.ports.items() if s == site]
        if ports:
            master.program.at_least(ports, 2.0)
    largest = max((len(c) for c in _components(pairs)), default=0)
    if largest:
        master.program.at_least(half_ports, float(largest))


def _add_hops(master: Master, traffic: Traffic) -> None:
    """Traffic takes two hops where no link joins its ends, and a site has no more links than ports."""
    program = master.program
    direct: dict[tuple[int, int], int] = {}
    at_site: dict[int, list[int]] = defaultdict(list)
    for pair in sorted(traffic.pairs):
        column = direct[pair] = program.column(0.0, 1.0)
        for site in pair:
            at_site[site].append(column)
    for site, columns in at_site.items():
        ports = [(c, 1.0) for (s, _), c in master.ports.items() if s == site]
        program.at_least([*ports, *((c, -1.0) for c in columns)], 0.0)
    capacity = [(c, master.share * rate) for (_, rate), c in master.ports.items()]
    instance = master.instance
    # the failure percentile counts where some state leaves all sites up
    fails = any(not down >> instance.n_groups for down in instance.state_components[1:])
    for matrices in (traffic.normal, traffic.failure) if fails else (traffic.normal,):
        for mix in _busiest(matrices):
            both = matrices[mix] + matrices[mix].T
            near = [(column, float(both[pair])) for pair, column in direct.items() if both[pair] > 0.0]
            program.at_least([*capacity, *near], 2.0 * float(np.triu(both, 1).sum()))


def _busiest(matrices: F64) -> list[int]:
    totals = matrices.sum(axis=(1, 2))
    if not totals.any():
        return []
    return [int(i) for i in np.argsort(-totals, kind="stable")[:BUSIEST_MIXES]]


def _add_two_ways(master: Master, traffic: Traffic, site: int) -> None:
    """Where only two ways leave a site, disjoint paths leave it by links of one leg, both big enough.

    The two legs of a 1+1 link leave by different ways, and disjoint paths share no leg: with a 1+1 link first
    on one path, no way is left for the other. So in the state in which one way is down, all disjoint demands
    of the site leave by single-legged links on the other way.
    """
    ways = _ways(master, site)
    out, into = traffic.disjoint[:, site, :].sum(axis=1), traffic.disjoint[:, :, site].sum(axis=1)
    need = float(max(out.max(), into.max()))
    if len(ways) != 2 or need <= 0.0:
        return
    single: list[dict[float, int]] = []
    for users in ways:
        columns = {rate: master.program.column() for rate in users}
        for rate, column in columns.items():
            master.program.at_least([*((c, 1.0) for c in users[rate]), (column, -1.0)], 0.0)
        for row in rounded([(c, master.share * rate) for rate, c in columns.items()], need):
            master.program.at_least(*row)
        single.append(columns)
    for rate in sorted({*ways[0], *ways[1]}):
        port = master.ports[site, rate]
        for own, other in ((0, 1), (1, 0)):
            used = [(c, -1.0) for c in ways[own].get(rate, [])]
            alone = [(single[other][rate], -1.0)] if rate in single[other] else []
            master.program.at_least([(port, 1.0), *used, *alone], 0.0)


def _ways(master: Master, site: int) -> list[dict[float, list[int]]]:
    """Channels that end at a site by rate, for each fiber and wave offer that IP links can leave it by."""
    rate_gbps = master.instance.modes.rate_gbps
    ways: dict[tuple[str, int], dict[float, list[int]]] = {}
    for (fiber, side, mode), column in master.ends.items():
        if site_at(master.instance, fiber, side) == site:
            by_rate = ways.setdefault(("fiber", fiber), {})
            by_rate.setdefault(float(rate_gbps[mode]), []).append(column)
    for (index, product), column in master.units.items():
        offer = master.instance.offers[index]
        if site in (offer.a, offer.b):
            by_rate = ways.setdefault(("offer", index), {})
            by_rate.setdefault(offer.rates_gbps[product], []).append(column)
    return list(ways.values())
