"""The search on large networks: whole regions' traffic is moved between links, plan after plan."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from netopt_heur.construct.backbone import Backbone, served
from netopt_heur.construct.hub_layer import open_from_hubs, start_on_hubs
from netopt_heur.construct.ip_layer import MOST_MOVED, IpLayer, IpPlanner, Stop
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.link_moves import move_links
from netopt_heur.search.ruin_recreate import Annealing, anneal

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
        return self._take(
            self.planner.complete(circuits, ip, served(ip, backbone, self.planner.lsp_order), price)
        )

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
        return move_links(ip, layer, self.planner.lsp_order, 0.0, self.random)[0]

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
        return served(ip, backbone, self.planner.lsp_order)


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
