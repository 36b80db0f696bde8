"""First layers of large networks: every site joined to a hub near by, hubs joined among themselves."""

from __future__ import annotations

import math

import numpy as np

from netopt_heur.construct.backbone import Backbone
from netopt_heur.construct.ip_layer import Stop
from netopt_heur.hubs import Hubs
from netopt_heur.instance import I64

MOST_WEIGHED = 5000  # LSPs by which links are compared: of very many the largest speak for all
OPENINGS_PER_SITE = 1.5  # links that the first layer tries to open
FRUITLESS = 100  # in a row, after which it tries no more


def hub_links(backbone: Backbone, hubs: Hubs, count: int) -> I64:
    """Positions of the links of a network with the first ``count`` hubs.

    Hubs are joined with hubs, and every other site with the hub to which a link is cheapest; where a link
    may be joined to no hub, with all sites it may be joined to.
    """
    is_hub = np.zeros(backbone.n_sites, dtype=np.bool_)
    is_hub[hubs.order[:count]] = True
    at_a, at_b = is_hub[backbone.a], is_hub[backbone.b]
    access = np.flatnonzero(at_a != at_b)
    access = access[np.argsort(backbone.weight[access], kind="stable")]
    leaf = np.where(at_a[access], backbone.b[access], backbone.a[access])
    joined, first = np.unique(leaf, return_index=True)
    lost = ~is_hub
    lost[joined] = False
    chosen = at_a & at_b | lost[backbone.a] | lost[backbone.b]
    chosen[access[first]] = True
    return np.flatnonzero(chosen)


def start_on_hubs(backbone: Backbone, hubs: Hubs, stop: Stop) -> None:
    """Route over the best of some numbers of hubs; then open links as long as that pays."""
    counts = [1]
    while 2 * counts[-1] < len(hubs.order):
        counts.append(2 * counts[-1])
    best, best_rank = counts[0], (math.inf, math.inf)
    for count in dict.fromkeys([*counts, len(hubs.order)]):
        backbone.route(hub_links(backbone, hubs, count))
        rank = (backbone.unreached, backbone.worth)
        if rank < best_rank:
            best, best_rank = count, rank
        if stop():
            break
    open_from_hubs(backbone, hubs, best, stop)


def open_from_hubs(backbone: Backbone, hubs: Hubs, count: int, stop: Stop) -> None:
    """Route over the first ``count`` hubs; then open links as long as that pays."""
    backbone.route(hub_links(backbone, hubs, count))
    closed = np.flatnonzero(~backbone.open)
    largest = np.argsort(-backbone.size_gbps, kind="stable")[:MOST_WEIGHED]
    saved = backbone.savings(largest, closed)
    fruitless = 0
    for link in closed[np.argsort(-saved, kind="stable")][
        : int(OPENINGS_PER_SITE * backbone.n_sites)
    ].tolist():
        if fruitless >= FRUITLESS or stop():
            break
        change = backbone.opened(link)
        fruitless += 1
        if change is not None and change.gain > 0.0:
            backbone.apply(change, opened=link)
            fruitless = 0
