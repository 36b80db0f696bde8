"""Bulk routing: its cost against the grooming kernel's, its trees against fresh ones, its moves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt_heur.construct.backbone import Backbone
from netopt_heur.construct.hub_layer import hub_links, start_on_hubs
from netopt_heur.construct.ip_layer import Groomer, IpPlanner
from netopt_heur.construct.planner import Planner
from netopt_heur.distances import distances
from netopt_heur.hubs import Hubs
from netopt_heur.instance import build_instance
from tests.random_scenarios import random_scenario


def planner_of(seed: int) -> IpPlanner:
    planner = Planner(build_instance(random_scenario(seed, n_sites=8, n_packets=25)))
    price = planner.first_prices()
    return planner.ip_planner(price, planner.circuits(price), lambda: False)


def check_trees(backbone: Backbone) -> None:
    distance, _ = backbone._trees(backbone._routers, np.flatnonzero(backbone.open))
    assert np.allclose(backbone.distance[backbone._routers], distance, rtol=1e-6)
    for root in backbone._routers.tolist():
        sites = np.flatnonzero(np.isfinite(backbone.distance[root]))
        links = backbone._walk(backbone._parent, np.full(len(sites), root), sites)
        km = np.where(links >= 0, backbone.weight[links], 0.0).sum(axis=1)
        assert np.allclose(km, backbone.distance[root, sites], rtol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_cost_is_that_of_the_grooming_kernel(seed: int) -> None:
    ip = planner_of(seed)
    backbone = Backbone(ip)
    backbone.route(np.arange(len(backbone.links)))
    layer = backbone.layer()
    if sum(path is not None for path in layer.primary) == len(backbone.lsps):
        assert Groomer(ip, layer).worth == pytest.approx(backbone.worth, rel=1e-5)
    again = Backbone(ip)
    again.adopt(layer)
    routed = np.array([layer.primary[lsp] is not None for lsp in backbone.lsps.tolist()])
    for one, other in zip(again.paths[routed], backbone.paths[routed], strict=True):
        assert one[one >= 0].tolist() == other[other >= 0].tolist()


@pytest.mark.parametrize("seed", range(8))
def test_moves_cost_what_they_said(seed: int) -> None:
    backbone, random = Backbone(planner_of(seed)), np.random.default_rng(seed)
    backbone.route(np.arange(0, len(backbone.links), 2))
    for _ in range(25):
        opened, closed = np.flatnonzero(backbone.open), np.flatnonzero(~backbone.open)
        kind = int(random.integers(3))
        if not len(opened) or not len(closed):
            break
        link, other = int(random.choice(opened)), int(random.choice(closed))
        if kind == 0:
            change, made = backbone.opened(other), {"opened": other}
        elif kind == 1:
            change, made = backbone.closed(link), {"closed": link}
        else:
            change, made = backbone.closed(link, other), {"opened": other, "closed": link}
        if change is None:
            continue
        before = backbone.worth
        backbone.apply(change, **made)
        assert before - backbone.worth == pytest.approx(change.gain, rel=1e-6, abs=1e-6)
        check_trees(backbone)
        kept = backbone.paths
        priced = backbone.worth
        backbone._start(kept)
        assert backbone.worth == pytest.approx(priced, rel=1e-5)
        for row, (a, b) in enumerate(zip(backbone.lsp_a.tolist(), backbone.lsp_b.tolist(), strict=True)):
            site = a
            for link in kept[row][kept[row] >= 0].tolist():
                assert backbone.open[link]
                assert site in (backbone.a[link], backbone.b[link])
                site = int(backbone.a[link] + backbone.b[link] - site)
            assert site == b or not (kept[row] >= 0).any()


def test_a_link_that_a_failure_takes_down_is_a_last_resort() -> None:
    ip = planner_of(1)
    backbone = Backbone(ip)
    lasting = ip.pool.lasting[backbone.links]
    if lasting.any() and (~lasting).any():
        assert backbone.weight[~lasting].min() > backbone.weight[lasting].max()


@pytest.mark.parametrize("seed", range(6))
def test_hubs_join_every_site_that_can_be_joined(seed: int) -> None:
    ip = planner_of(seed)
    backbone = Backbone(ip)
    km = distances(ip.instance.graph, ip.instance.length_km)
    hubs = Hubs(np.array(sorted(set(backbone.a.tolist()))[:3]), km)
    for count in (1, 2, 3):
        backbone.route(hub_links(backbone, hubs, count))
        joined = set(backbone.a[backbone.open].tolist()) | set(backbone.b[backbone.open].tolist())
        assert joined == set(backbone._routers.tolist())
    start_on_hubs(backbone, hubs, lambda: False)
    assert math.isfinite(backbone.worth)
    closed = np.flatnonzero(~backbone.open)
    assert (backbone.savings(np.arange(len(backbone.lsps)), closed) >= 0.0).all()
