"""Every plan is a point of the relaxation: it keeps all rows, and no cut that is looked for excludes it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from netopt_heur.bounds import transit as transit_module
from netopt_heur.bounds.bound import _MetricCuts
from netopt_heur.bounds.link_cuts import LinkCuts
from netopt_heur.bounds.link_lengths import LinkLengths
from netopt_heur.bounds.master import Master, build_master, chassis_floor, close_master, value_at
from netopt_heur.bounds.packing import Packing
from netopt_heur.bounds.site_cuts import SiteCuts
from netopt_heur.bounds.topology import add_topology
from netopt_heur.bounds.traffic import build_traffic
from netopt_heur.bounds.transit import Transit, add_transit
from netopt_heur.instance import Instance, build_instance, cheapest_port
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.solve import plan
from tests.random_scenarios import random_scenario

F64 = npt.NDArray[np.float64]
ROW = 1e-6  # relative, of a row


def point_of(master: Master, transit: Transit, content: dict[str, Any]) -> F64:
    """The plan's values of all columns."""
    instance = master.instance
    x = np.zeros(len(master.program.cost))
    for fiber, state in content["fibers"].items():
        f = instance.fiber_index[fiber]
        new = max(0, state["pairs"] - int(instance.lit_pairs[f]))
        x[master.pairs[f]] = new
        if f in master.lit:
            x[master.lit[f]] = min(1, new)
    ports_gbps: Counter[int] = Counter()
    for link in content["links"].values():
        kept = link["legs"][: len(master.legs)]  # without protected demands a second leg is no use
        for leg in kept:
            _count_leg(master, content, link, leg, len(kept), x)
        for rate in _rates(instance, content, kept[0]):
            a, b = (instance.site_index[link[end]] for end in ("a", "b"))
            pair = (min(a, b), max(a, b))
            x[transit.links[pair, rate]] += 1
            if transit.by_pair:
                x[transit.links_gbps[pair]] += master.share * rate
            if transit.by_pair and len(kept) == 2:
                x[transit.twins[pair, rate]] += 1
                x[transit.twins_gbps[pair]] += master.share * rate
            for site in pair:
                x[master.ports[site, rate]] += 1
                ports_gbps[site] += cheapest_port(instance.scenario, rate)[1]
                if len(kept) == 2:
                    x[master.twins[site, rate]] += 1
    for site, column in master.chassis.items():
        x[column] = chassis_floor(instance, ports_gbps[site])
    for lsp in instance.lsps:
        paths = (content["lsps"][lsp.id]["primary"], content["lsps"][lsp.id]["backup"])
        if any(path is not None and len(path) == 1 for path in paths):
            x[transit.direct[min(lsp.a, lsp.b), max(lsp.a, lsp.b)]] = 1.0
    return x


def _rates(instance: Instance, content: dict[str, Any], leg: dict[str, Any]) -> list[float]:
    if "wave_offer" in leg:
        return [float(rate) for rate in leg["units"]]
    modes = [instance.mode_index[content["lightpaths"][i]["mode"]] for i in leg["lightpaths"]]
    return [float(instance.modes.rate_gbps[m]) for m in modes]


def _count_leg(
    master: Master, content: dict[str, Any], link: dict[str, Any], leg: dict[str, Any], n: int, x: F64
) -> None:
    instance = master.instance
    if "wave_offer" in leg:
        o = instance.offer_index[leg["wave_offer"]]
        x[master.bought[o]] = 1.0
        for rate in leg["units"]:
            x[master.units[o, instance.offers[o].rates_gbps.index(rate), n]] += 1
        return
    for i in leg["lightpaths"]:
        path = content["lightpaths"][i]
        m = instance.mode_index[path["mode"]]
        x[master.regens[m, n]] += len(path["regens"])
        for fiber in leg["route"]:
            f = instance.fiber_index[fiber]
            x[master.channels[f, m, n]] += 1
            for side, ends in enumerate((instance.fiber_a, instance.fiber_b)):
                site = instance.site_ids[int(ends[f])]
                first, last = leg["route"][0], leg["route"][-1]
                if (site == link["a"] and fiber == first) or (site == link["b"] and fiber == last):
                    x[master.ends[f, side, m, n]] += 1


def _check_lengths(lengths: LinkLengths, x: F64, seed: int) -> None:
    """Rows of the worst lengths for the plan, and of any others."""
    assert lengths.add_violated(x) == 0
    rng = np.random.default_rng(seed)
    for _ in range(5 if lengths.able else 0):
        for terms, lower in lengths.rows(rng.random(len(lengths.pairs)) ** rng.integers(1, 5)):
            assert value_at(terms, x) >= lower - ROW * max(1.0, abs(lower))


def _check(scenario: Scenario, seed: int) -> bool:
    result = plan(scenario, seed=seed, generations=1, bound=False)
    if result.status != "feasible" or result.plan is None:
        return False
    instance = build_instance(scenario)
    traffic, master = build_traffic(instance), build_master(instance)
    add_topology(master, traffic)
    close_master(master)
    cuts = SiteCuts(master, traffic)
    cuts.add_ports()
    cuts.add_states()
    transit = add_transit(master, traffic)
    packing = Packing(transit)
    packing.add_quick(lambda: True)
    packing.add_thorough(np.zeros(len(master.program.cost)), lambda: True)
    x = point_of(master, transit, result.plan.to_dict())
    for column, terms in packing.held.items():
        x[column] = value_at(terms, x)
    for columns, values, lower in master.program.rows:
        size = float(np.abs(np.array(values)) @ x[columns]) + abs(lower)
        assert float(np.array(values) @ x[columns]) >= lower - ROW * max(1.0, size)
    assert cuts.add_violated(x) == 0
    assert cuts.add_connections(x) == 0
    assert LinkCuts(transit, cuts).add_violated(x) == 0
    _check_lengths(LinkLengths(transit), x, seed)
    assert _MetricCuts(master, traffic).add_violated(x, lambda: True) == 0
    assert float(np.array(master.program.cost) @ x) <= result.cost * (1 + 1e-9)
    return True


def _count(seeds: range, n_sites: int) -> int:
    scenarios = ((s, random_scenario(s, n_sites=n_sites, n_packets=2 + s % 6)) for s in seeds)
    return sum(_check(replace(scenario, circuits=()), seed) for seed, scenario in scenarios)


@pytest.mark.parametrize("n_sites", [4, 5, 6])
def test_plans_are_points(n_sites: int) -> None:
    assert _count(range(100 * n_sites, 100 * n_sites + 5), n_sites) >= 2


def test_plans_are_points_of_large_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transit_module, "BY_PAIR_UP_TO", 0)
    assert _count(range(500, 503), 5) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("n_sites", [4, 5, 6, 7, 8])
def test_many_plans_are_points(n_sites: int) -> None:
    assert _count(range(1_000 * n_sites, 1_000 * n_sites + 100), n_sites) >= 50
