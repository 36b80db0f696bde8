"""Hubs: greedy medians against enumeration, homes, and networks too small for hubs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt_heur.candidates import LinkPool
from netopt_heur.hubs import Hubs, hubs_of, nested_hubs, site_traffic
from netopt_heur.instance import build_instance
from netopt_heur.route_modes import RouteTable
from tests.random_scenarios import random_scenario


@pytest.mark.parametrize("seed", range(20))
def test_each_hub_is_the_best_beside_those_before_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 9))
    place = random.random((n, 2))
    km = np.hypot(*(place[:, None] - place).transpose(2, 0, 1))
    weight, eligible = random.integers(0, 4, n).astype(float), random.random(n) < 0.8
    hubs = nested_hubs(km, weight, eligible, 4).tolist()
    assert len(hubs) == min(4, int(eligible.sum()))
    for i, hub in enumerate(hubs):

        def cost(last: int, before: list[int] = hubs[:i]) -> float:
            return float(sum(w * min(km[h, s] for h in [*before, last]) for s, w in enumerate(weight)))

        others = [h for h in range(n) if eligible[h] and h not in hubs[:i]]
        assert cost(hub) == pytest.approx(min(map(cost, others)))


def test_hubs_in_parts_without_a_way_between_them() -> None:
    km = np.array([[0.0, 1.0, math.inf], [1.0, 0.0, math.inf], [math.inf, math.inf, 0.0]])
    assert set(nested_hubs(km, np.ones(3), np.ones(3, dtype=np.bool_), 2).tolist()) in ({0, 2}, {1, 2})


def test_every_site_has_its_nearest_hub() -> None:
    km = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    hubs = Hubs(np.array([3, 0, 2]), km)
    assert hubs.homes(2).tolist() == [0, 0, 3, 3, 3]
    assert hubs.homes(3).tolist() == [0, 0, 2, 3, 3]


def test_candidates_of_small_networks_need_no_hubs() -> None:
    instance = build_instance(random_scenario(3, n_sites=7, n_packets=15))
    assert LinkPool(instance, RouteTable(instance)).hubs is None
    hubs = hubs_of(instance, instance.length_km)
    assert hubs is not None
    assert 1 <= len(set(hubs.order.tolist())) == len(hubs.order) <= 2 * math.isqrt(7)
    assert site_traffic(instance).sum() == pytest.approx(2 * instance.samples.mean(axis=2).sum())
