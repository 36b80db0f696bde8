"""Links and legs that grow and shrink carry what they must, and no channel too many."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from netopt_heur.candidates import LinkPool
from netopt_heur.construct.planner import Planner
from netopt_heur.design import DesignLink, leg_rates
from netopt_heur.evaluator import waves_carried
from netopt_heur.instance import CircuitDemand, Instance, build_instance
from netopt_heur.replan.resize import link_capacity_gbps, link_worth, resized_leg, resized_link
from netopt_heur.route_modes import RouteTable
from netopt_heur.scenario.scenario import Promise
from tests.random_scenarios import random_scenario


def links_of(seed: int) -> tuple[Instance, LinkPool, list[tuple[int, DesignLink]]]:
    """Some links of a random network, bought for 700 Gb/s."""
    instance = build_instance(random_scenario(seed))
    pool = LinkPool(instance, RouteTable(instance))
    keys = Random(seed).sample(range(len(pool.links)), 12)
    keys += [key for key, link in enumerate(pool.links) if link.offer >= 0]
    price = np.full(len(instance.fiber_ids), 0.01)
    bought = [(key, pool.install(key, 700.0, price, 4)) for key in keys]
    return instance, pool, [(key, link) for key, link in bought if link is not None]


@pytest.mark.parametrize("seed", range(6))
def test_links_keep_their_channels_and_buy_what_they_lack(seed: int) -> None:
    instance, pool, links = links_of(seed)
    price = np.full(len(instance.fiber_ids), 0.01)
    share = instance.scenario.policy.max_utilisation
    for key, link in links:
        for required in (900.0, 1500.0):
            grown = resized_link(pool, key, link, required, price, 2)
            if grown is None:
                assert pool.links[key].offer >= 0  # sold out
                continue
            assert share * link_capacity_gbps(instance, grown) >= required
            for before, after in zip(link.legs, grown.legs, strict=True):
                assert after.channels[: len(before.channels)] == before.channels
                assert sorted(leg_rates(instance, after)) == sorted(leg_rates(instance, grown.legs[0]))
                assert len(after.units) >= len(before.units)


@pytest.mark.parametrize("seed", range(6))
def test_links_shrink_to_what_they_need(seed: int) -> None:
    instance, pool, links = links_of(seed)
    price = np.full(len(instance.fiber_ids), 0.01)
    share = instance.scenario.policy.max_utilisation
    for key, link in links:
        for required in (450.0, 90.0, 0.0):
            small = resized_link(pool, key, link, required, price, 0)
            assert small is not None
            capacity = link_capacity_gbps(instance, small)
            assert share * capacity >= required
            assert link_worth(instance, small) <= link_worth(instance, link)
            rates = leg_rates(instance, small.legs[0])
            assert rates
            spare = capacity - required / share
            assert len(rates) == 1 or min(rates) > spare * (1.0 - 1e-9)
            for leg, before in zip(small.legs, link.legs, strict=True):
                assert sorted(leg_rates(instance, leg)) == sorted(rates)
                assert set(leg.channels) <= set(before.channels)


def test_a_link_that_cannot_be_bought_does_not_grow() -> None:
    instance, pool, links = links_of(1)
    key, link = next((key, link) for key, link in links if pool.links[key].offer < 0)
    pool.links[key] = replace(pool.links[key], route=None)
    assert resized_link(pool, key, link, 1e5, np.zeros(len(instance.fiber_ids)), 0) is None
    assert resized_link(pool, key, link, 1.0, np.zeros(len(instance.fiber_ids)), 0) is not None


@pytest.mark.parametrize("seed", range(6))
def test_circuit_legs_follow_their_waves(seed: int) -> None:
    instance = build_instance(random_scenario(seed))
    planner = Planner(instance)
    price = np.full(len(instance.fiber_ids), 0.01)
    for index, leg in enumerate(planner.circuits(price).working):
        if leg is None:
            continue
        old = instance.circuits[index]
        for waves in (1, old.waves + 1, old.waves + 3):
            demand = CircuitDemand(old.id, old.a, old.b, waves, old.wave_gbps, Promise())
            after = resized_leg(instance, planner.routes, demand, leg, None, price, 1)
            if after is None:
                assert leg.offer >= 0
                continue
            carried = [waves_carried(rate, old.wave_gbps) for rate in leg_rates(instance, after)]
            assert sum(carried) >= waves
            assert len(carried) == 1 or waves > old.waves or min(carried) > sum(carried) - waves
