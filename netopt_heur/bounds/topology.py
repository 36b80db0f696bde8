"""How many links any IP topology needs: to connect, to survive, and to spare its traffic further hops."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from netopt_heur.bounds.master import Master, Term, ways_out
from netopt_heur.bounds.rounding import rounded
from netopt_heur.bounds.traffic import Traffic


def add_topology(master: Master, traffic: Traffic) -> None:
    """Add the rows that count links."""
    if not master.ports:
        return
    half_ports = [(c, 0.5) for c in master.ports.values()]
    legs = [(c, 0.5) for c in master.ends.values()] + [(c, 1.0) for c in master.units.values()]
    _add_connected(master, traffic, half_ports)
    _add_survivable(master, traffic, half_ports, legs)
    _add_disjoint(master, half_ports)
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


def _add_two_ways(master: Master, traffic: Traffic, site: int) -> None:
    """Where only two ways leave a site, disjoint paths leave it by links of one leg, both big enough.

    The two legs of a 1+1 link leave by different ways, and disjoint paths share no leg: with a 1+1 link first
    on one path, no way is left for the other. So in the state in which one way is down, all disjoint demands
    of the site leave by single-legged links on the other way.
    """
    ways = [users for (at, _), users in ways_out(master).items() if at == site]
    out, into = traffic.disjoint[:, site, :].sum(axis=1), traffic.disjoint[:, :, site].sum(axis=1)
    need = float(max(out.max(), into.max()))
    if len(ways) != 2 or need <= 0.0:
        return
    for users in ways:
        single = [(c, master.share * rate) for (rate, legs), cs in users.items() if legs == 1 for c in cs]
        for row in rounded(single, need):
            master.program.at_least(*row)
