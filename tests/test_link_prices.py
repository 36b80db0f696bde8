"""Tables that are written to again are those of a pool that is asked for the first time."""

from __future__ import annotations

import numpy as np
import pytest

from netopt_heur.candidates import LinkPool
from netopt_heur.distances import distances
from netopt_heur.instance import F64, build_instance
from netopt_heur.link_prices import LinkPrices
from netopt_heur.route_modes import RouteTable
from tests.random_scenarios import random_scenario

UNITS = 40


def some_prices(random: np.random.Generator, n_fibers: int) -> list[F64]:
    """Prices one after another: most of them differ from the last ones on few fibers."""
    price = random.random(n_fibers)
    found = []
    for step in range(6):
        if step == 3:
            price = random.random(n_fibers)
        tried = price.copy()
        tried[random.integers(n_fibers)] = np.inf if step % 2 else 3.0
        found.append(tried)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_prices_do_not_depend_on_those_before(seed: int) -> None:
    instance = build_instance(random_scenario(seed, n_sites=7, n_packets=14))
    random = np.random.default_rng(seed)
    pool = LinkPool(instance, RouteTable(instance))
    most = np.array([offer.max_units for offer in instance.offers], dtype=np.int64)
    kept: list[tuple[LinkPrices, F64]] = []
    for step, price in enumerate(some_prices(random, len(instance.fiber_ids))):
        left = random.integers(0, most + 1)
        found = pool.price(price, left, UNITS)
        fresh = LinkPool(instance, RouteTable(instance)).price(price, left, UNITS)
        np.testing.assert_array_equal(found.table, fresh.table)
        np.testing.assert_array_equal(found.per_gbps, fresh.per_gbps)
        if step in (1, 4):  # tables that somebody still reads are left as they are
            kept.append((found, found.table.copy()))
        del found
    for prices, table in kept:
        np.testing.assert_array_equal(prices.table, table)


@pytest.mark.parametrize("seed", range(4))
def test_only_what_changed_is_written(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = build_instance(random_scenario(seed, n_sites=7, n_packets=14))
    pool = LinkPool(instance, RouteTable(instance))
    left = np.array([offer.max_units for offer in instance.offers], dtype=np.int64)
    price = np.ones(len(instance.fiber_ids))
    pool.price(price, left, UNITS)
    written: list[int] = []
    monkeypatch.setattr(
        "netopt_heur.candidates.module_cost_tables", lambda *arguments: written.append(len(arguments[4]))
    )
    price[0] = 7.0
    pool.price(price, left, UNITS)
    pool.price(price, left, UNITS)
    assert written == [len(pool.over(np.array([0]))), 0]


@pytest.mark.parametrize("seed", range(4))
def test_distances_are_those_over_all_links(seed: int) -> None:
    instance = build_instance(random_scenario(seed, n_sites=7, n_packets=14))
    pool, random = LinkPool(instance, RouteTable(instance)), np.random.default_rng(seed)
    weight = random.choice([0.25, 1.0, 2.5, np.inf], len(pool.links))
    np.testing.assert_array_equal(pool.distances(weight), distances(pool.graph, weight))
