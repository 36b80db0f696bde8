"""Ruin and recreate with annealing on the IP layer (Schrimpf et al. 2000).

A step takes out a few related LSPs and routes them again, one after another, at exact marginal cost; the
steps run in ``netopt_kernels.grooming.anneal``. Here the links that are open to new paths are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netopt_heur.construct.ip_layer import Groomer, IpLayer, IpPlanner
from netopt_heur.distances import distances
from netopt_heur.instance import F64, I64

CLOCK_EVERY = 50  # steps between two looks at the clock
REOPEN_EVERY = 200  # steps between two draws of the links open to new paths
SPARE_LINKS = 0.75  # unused links open beside the used ones, per used link
LEAST_SPARE_LINKS = 100
MOST_ATTRACTED = 5000  # LSPs that attract links
LINKS_PER_SITE = 2  # of a network that is no star
WITHOUT_PROTECTED = 0.8  # probability that a draw leaves 1+1 links out, so that backups can share


@dataclass(frozen=True)
class Annealing:
    """How long and how hot.

    Attributes
    ----------
    steps
        Moves to try.
    heat
        First temperature, as a share of the mean cost of a link (of two links per site, where there are
        fewer); it falls to zero in a straight line.
    most
        LSPs taken out at once, at most.
    """

    steps: int = 2000
    heat: float = 0.4
    most: int = 8

    def __post_init__(self) -> None:
        if self.steps < 0 or self.heat < 0 or self.most < 1:
            raise ValueError("steps and heat must not be negative, most at least 1")


def anneal(
    planner: IpPlanner, start: IpLayer, params: Annealing, attraction: F64, random: np.random.Generator
) -> IpLayer:
    """Improve a layer.

    Parameters
    ----------
    planner
        The problem at fixed prices; its ``stop`` ends the run early, at the best layer so far.
    start
        Where to begin.
    params
        Effort.
    attraction
        float64[n_links], weight of each link when links are drawn to be open to new paths.
    random
        Source of every random choice.

    Returns
    -------
    IpLayer
        The last layer or, if cheaper, ``start``.
    """
    groomer = Groomer(planner, start)
    cool(groomer, params, attraction, random)
    found = groomer.found()
    return found if found.worth < start.worth else start


def cool(groomer: Groomer, params: Annealing, attraction: F64, random: np.random.Generator) -> None:
    """:func:`anneal` in a layer that is loaded already; its last layer stays there, cheaper or not."""
    planner, used = groomer.planner, groomer.used_links()
    if not len(used):
        return
    # a star has few and dear links; its LSPs would all leave it at the mean of their cost
    n_links = max(len(used), LINKS_PER_SITE * len(planner.instance.site_ids))
    hot = params.heat * groomer.worth / n_links
    for step in range(0, params.steps, CLOCK_EVERY):
        if step % REOPEN_EVERY == 0:
            links = draw_links(groomer.used_links(), attraction, random)
            if random.random() < WITHOUT_PROTECTED:
                links = links[~planner.pool.protected[links]]
            groomer.open_links(links)
        if planner.stop():
            break
        count = min(CLOCK_EVERY, params.steps - step)
        left, then = 1.0 - step / params.steps, 1.0 - (step + count) / params.steps
        groomer.anneal(random, count, params.most, (hot * left, hot * then))


def draw_links(used: I64, attraction: F64, random: np.random.Generator, spare: int | None = None) -> I64:
    """Used links, and a sample of ``spare`` others by attraction (by default in proportion to the used)."""
    weight = attraction.copy()
    weight[used] = 0.0
    if spare is None:
        spare = max(LEAST_SPARE_LINKS, int(SPARE_LINKS * len(used)))
    count = min(int(np.count_nonzero(weight)), spare)
    if count == 0:
        return used
    others = random.choice(len(weight), count, replace=False, p=weight / weight.sum())
    return np.union1d(used, others)


def link_attraction(planner: IpPlanner) -> F64:
    """How much traffic could use each link with little detour; float64[n_links], positive.

    A link (u, v) attracts an LSP (a, b) by its size if going a-u-v-b is at most 15 % longer than the
    straight line, in latency, whichever way round. Of very many LSPs the largest speak for all. Links
    between the same two sites share what they attract, for any of them would do: 1+1 links and the others.
    """
    pool, instance = planner.pool, planner.instance
    distance = distances(instance.graph, instance.length_km * instance.scenario.latency.us_per_km / 1000.0)
    sizes = planner.lsps.size_gbps
    attraction = np.full(len(pool.links), 1e-3 * max(float(sizes.sum()), 1e-9) / max(1, len(pool.links)))
    for index in np.argsort(-sizes, kind="stable")[:MOST_ATTRACTED].tolist():
        lsp, size = instance.lsps[index], float(sizes[index])
        to_a, to_b = distance[lsp.a], distance[lsp.b]
        limit = 1.15 * distance[lsp.a, lsp.b]
        forward = to_a[pool.a] + pool.latency_ms + to_b[pool.b]
        backward = to_a[pool.b] + pool.latency_ms + to_b[pool.a]
        attraction += size * (np.minimum(forward, backward) <= limit)
    ends = np.minimum(pool.a, pool.b) * len(instance.site_ids) + np.maximum(pool.a, pool.b)
    _, kind, count = np.unique(2 * ends + pool.protected, return_inverse=True, return_counts=True)
    shared: F64 = attraction / count[kind]
    return shared
