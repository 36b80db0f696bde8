"""Moves of links: one is opened, closed or replaced, and all LSPs whose cheapest way changes move with it.

What moves of a few LSPs do not reach, because nothing in between is cheap: a link that is worth opening only
for all the traffic it would take. See :mod:`netopt_heur.construct.backbone`. Moves are accepted by the
Metropolis rule, as those of LSPs are in :mod:`netopt_heur.search.ruin_recreate`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netopt_heur.construct.backbone import Backbone, served
from netopt_heur.construct.ip_layer import IpLayer, IpPlanner

MOVES = 300  # links that are tried to open, to close, or to replace by another
WEIGHED = 2000  # LSPs, drawn by size, by which links that could be opened are compared
CHOICE = 20  # links compared for one that is opened, or drawn from for one that is replaced
REPLACEMENTS = 2  # links tried for one that is replaced


def move_links(
    planner: IpPlanner, start: IpLayer, order: Sequence[int], heat: float, random: np.random.Generator
) -> tuple[IpLayer, float]:
    """Improve the links of a layer.

    Parameters
    ----------
    planner
        The problem at fixed prices; its ``stop`` ends the moves early.
    start
        Its links are open at first; the paths are found anew.
    order
        In which LSPs are routed that cannot be moved in bulk.
    heat
        First temperature, as a share of the mean cost of an open link; it falls to zero in a straight line.
    random
        Source of every random choice.

    Returns
    -------
    layer : IpLayer
        The last layer, cheaper or dearer than ``start``.
    share : float
        Of the LSPs, those that keep their promises on the ways they moved to; the others were routed one by
        one afterwards.
    """
    backbone = Backbone(planner)
    backbone.adopt(start)
    hot = heat * backbone.worth / max(1, int(backbone.open.sum()))
    for step in range(MOVES):
        if planner.stop():
            break
        slack = hot * (1.0 - step / MOVES) * random.exponential()
        _MOVES[int(random.integers(len(_MOVES)))](backbone, slack, random)
    moved = backbone.layer()
    share = np.count_nonzero(~moved.unrouted) / max(1, len(moved.unrouted))
    return served(planner, backbone, order), share


def _open(backbone: Backbone, slack: float, random: np.random.Generator) -> None:
    """Open that of some closed links which would save most, unless that loses more than the slack."""
    closed = np.flatnonzero(~backbone.open)
    if not len(closed) or not len(backbone.lsps):
        return
    drawn = random.choice(closed, min(CHOICE, len(closed)), replace=False)
    lsps = random.integers(len(backbone.lsps), size=WEIGHED)
    link = int(drawn[np.argmax(backbone.savings(lsps, drawn))])
    change = backbone.opened(link)
    if change is not None and change.gain > -slack:
        backbone.apply(change, opened=link)


def _close(backbone: Backbone, slack: float, random: np.random.Generator) -> None:
    """Close a link, unless that loses more than the slack."""
    opened = np.flatnonzero(backbone.open)
    if not len(opened):
        return
    link = int(random.choice(opened))
    change = backbone.closed(link)
    if change is not None and change.gain >= -slack:
        backbone.apply(change, closed=link)


def _replace(backbone: Backbone, slack: float, random: np.random.Generator) -> None:
    """Replace a link by a cheap one that shares an end with it, unless that loses more than the slack."""
    opened = np.flatnonzero(backbone.open)
    if not len(opened):
        return
    link = int(random.choice(opened))
    end = int((backbone.a if random.random() < 0.5 else backbone.b)[link])
    others = np.flatnonzero(~backbone.open & ((backbone.a == end) | (backbone.b == end)))
    near = others[np.argsort(backbone.weight[others], kind="stable")][:CHOICE]
    for other in random.permutation(near)[:REPLACEMENTS].tolist():
        change = backbone.closed(link, other)
        if change is not None and change.gain > -slack:
            backbone.apply(change, opened=other, closed=link)
            return


_MOVES = (_open, _close, _replace)
