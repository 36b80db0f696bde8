"""A desk that was cleared is as good as a new one, and is lent again only when its borrower is gone."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from netopt_heur.construct.desks import NEVER_READ_UNWRITTEN, Desk
from netopt_heur.construct.ip_layer import Groomer, IpPlanner
from netopt_heur.construct.planner import Planner
from netopt_heur.instance import build_instance
from netopt_heur.search.ruin_recreate import Annealing, cool, link_attraction
from tests.random_scenarios import random_scenario


def planner_of(seed: int) -> tuple[IpPlanner, list[int]]:
    planner = Planner(build_instance(random_scenario(seed, n_sites=7, n_packets=14)))
    price = planner.first_prices()
    return planner.ip_planner(price, planner.circuits(price), lambda: False), planner.lsp_order


@pytest.mark.parametrize("seed", range(4))
def test_a_cleared_desk_is_as_new(seed: int) -> None:
    ip, order = planner_of(seed)
    groomer = Groomer(ip, ip.first(order))
    groomer.layer.banned[::2] = True
    cool(groomer, Annealing(steps=200), link_attraction(ip), np.random.default_rng(seed))
    assert len(groomer.used_links()) > 0
    layer = groomer.layer
    del groomer
    again = ip.desk_for(ip)
    assert again.layer is layer
    new = Desk.of(ip.empty_layer(), ip.work(60))
    for name, found, expected in zip(new.layer._fields, again.layer, new.layer, strict=True):
        if name not in NEVER_READ_UNWRITTEN:
            np.testing.assert_array_equal(found, expected, err_msg=name)
    for name in ("mark", "other", "lost_gbps", "counters", "asked", "states", "components"):
        np.testing.assert_array_equal(getattr(again.work, name), 0, err_msg=name)


def test_two_groomers_at_a_time_have_a_desk_each() -> None:
    ip, order = planner_of(0)
    start = ip.first(order)
    first, second = Groomer(ip, start), Groomer(ip, start)
    assert first.layer is not second.layer
    before = second.worth
    cool(first, Annealing(steps=50, heat=5.0), link_attraction(ip), np.random.default_rng(0))
    assert first.worth != before
    found = second.found()
    assert (found.primary, found.backup, found.worth) == (start.primary, start.backup, before)


def test_a_used_desk_changes_no_result() -> None:
    found = []
    for used_before in (False, True):
        ip, order = planner_of(1)
        start = ip.first(order)
        if not used_before:
            ip.desks._free.clear()
        groomer = Groomer(ip, start)
        cool(groomer, Annealing(steps=300), link_attraction(ip), np.random.default_rng(3))
        found.append((groomer.worth, list(groomer.found().primary), list(groomer.found().backup)))
    assert found[0] == found[1]


def test_a_large_desk_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netopt_heur.construct.desks.MOST_KEPT_BYTES", 0)
    ip, order = planner_of(0)
    groomer = Groomer(ip, ip.first(order))
    layer = weakref.ref(groomer.layer.base)
    del groomer
    assert layer() is None
    assert not any(ip.desks._free.values())
