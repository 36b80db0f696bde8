"""The search on large networks: whole regions' traffic is moved between links, plan after plan."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from netopt_heur.construct.backbone import Backbone
from netopt_heur.construct.hub_layer import open_from_hubs, start_on_hubs
from netopt_heur.construct.ip_layer import MOST_MOVED, IpLayer, IpPlanner, Stop
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.instance import I64
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.ruin_recreate import Annealing, anneal

MOVES = 300  # per generation: links that one opens, closes, or replaces by another
WEIGHED = 2000  # LSPs, drawn by size, by which links that could be opened are compared
CHOICE = 20  # links compared for one that is opened
REPLACEMENTS = 4  # links compared for one that is replaced
KINDS = (0.7, 0.2, 0.1)  # probability that a generation moves traffic, regrooms single LSPs, or starts again
# Links times failure states up to which single LSPs are regroomed: 24 bytes each, where touched.
MOST_REGROOMED = 100_000_000


class Regional(Genetic):
    """A search that opens and closes links for all LSPs at once; see :class:`Genetic` for its parameters."""

    def first(self) -> Construction:
        """A first plan over hubs."""
        hubs, price = self.planner.pool.hubs, self.slot_price
        if hubs is None:
            return super().first()
        circuits = self.planner.circuits(price)
        ip = self.planner.ip_planner(price, circuits, self.stop)
        backbone = Backbone(ip)
        start_on_hubs(backbone, hubs, self.stop)
        return self._take(self.planner.complete(circuits, ip, self._layer(ip, backbone), price))

    def generation(self) -> Construction:
        """Move traffic between links, or single LSPs, or start again over some hubs; the result competes."""
        if self.current is None:
            raise ValueError("call first() or adopt() before generation()")
        price = self._price()
        circuits = self.planner.circuits(price)
        ip = self.planner.ip_planner(price, circuits, self.stop)
        kind = int(self.random.choice(len(KINDS), p=KINDS))
        if kind == 1 and len(ip.pool.links) * len(self.planner.instance.state_names) > MOST_REGROOMED:
            kind = 0
        layer = (self._moved, self._regroomed, self._restarted)[kind](ip, self.current.construction.layer)
        if self.stop():
            return self.best  # completing a large plan takes seconds that are not left
        return self._take(self.planner.complete(circuits, ip, layer, price))

    def _moved(self, ip: IpPlanner, layer: IpLayer) -> IpLayer:
        backbone = Backbone(ip)
        backbone.adopt(layer)
        for _ in range(MOVES):
            if self.stop():
                break
            _MOVES[int(self.random.integers(len(_MOVES)))](backbone, self.random)
        return self._layer(ip, backbone)

    def _regroomed(self, ip: IpPlanner, layer: IpLayer) -> IpLayer:
        layer = ip.complete(layer, self.planner.lsp_order)
        params = Annealing(self.params.steps, 0.0, MOST_MOVED)
        return anneal(ip, replace(layer, worth=math.inf), params, self._attractive(ip), self.random)

    def _restarted(self, ip: IpPlanner, layer: IpLayer) -> IpLayer:
        """At prices learnt since the first plan another number of hubs may be best."""
        backbone, hubs = Backbone(ip), self.planner.pool.hubs
        if hubs is None:
            return layer
        open_from_hubs(backbone, hubs, int(self.random.integers(1, len(hubs.order) + 1)), self.stop)
        return self._layer(ip, backbone)

    def _layer(self, ip: IpPlanner, backbone: Backbone) -> IpLayer:
        """The backbone's layer; LSPs that it does not serve are routed one by one, first over its links."""
        opened: I64 = np.flatnonzero(np.isin(np.arange(len(ip.pool.links)), backbone.links[backbone.open]))
        return ip.first(self.planner.lsp_order, opened, backbone.layer())


def search_for(
    planner: Planner,
    params: GeneticParams,
    random: np.random.Generator,
    stop: Stop,
    progress: Callable[[], float],
) -> Genetic:
    """Make the search that suits a network's size; parameters as of :class:`Genetic`."""
    kind = Genetic if planner.pool.hubs is None else Regional
    return kind(planner, params, random, stop, progress)


def _open(backbone: Backbone, random: np.random.Generator) -> None:
    """Open the one of some closed links that would save most, if all in all it saves anything."""
    closed = np.flatnonzero(~backbone.open)
    if not len(closed) or not len(backbone.lsps):
        return
    drawn = random.choice(closed, min(CHOICE, len(closed)), replace=False)
    lsps = random.integers(len(backbone.lsps), size=WEIGHED)
    link = int(drawn[np.argmax(backbone.savings(lsps, drawn))])
    change = backbone.opened(link)
    if change is not None and change.gain > 0.0:
        backbone.apply(change, opened=link)


def _close(backbone: Backbone, random: np.random.Generator) -> None:
    """Close a link, if that is no loss."""
    opened = np.flatnonzero(backbone.open)
    if not len(opened):
        return
    link = int(random.choice(opened))
    change = backbone.closed(link)
    if change is not None and change.gain >= 0.0:
        backbone.apply(change, closed=link)


def _replace(backbone: Backbone, random: np.random.Generator) -> None:
    """Replace a link by the first of some others at one of its ends that is cheaper."""
    opened = np.flatnonzero(backbone.open)
    if not len(opened):
        return
    link = int(random.choice(opened))
    end = int((backbone.a if random.random() < 0.5 else backbone.b)[link])
    others = np.flatnonzero(~backbone.open & ((backbone.a == end) | (backbone.b == end)))
    for other in others[np.argsort(backbone.weight[others], kind="stable")][:REPLACEMENTS].tolist():
        change = backbone.closed(link, other)
        if change is not None and change.gain > 0.0:
            backbone.apply(change, opened=other, closed=link)
            return


_MOVES = (_open, _close, _replace)
