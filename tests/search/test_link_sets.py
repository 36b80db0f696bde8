"""Walks over link sets and mode swaps: never a loss, true cost, repeatable, and what LSP moves miss."""

from __future__ import annotations

import numpy as np
import pytest

from netopt_heur.construct.ip_layer import Groomer, IpLayer
from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.design import to_plan
from netopt_heur.instance import build_instance
from netopt_heur.scenario.scenario import Scenario, Spectrum
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.link_sets import walk_link_sets
from netopt_heur.search.mode_swaps import with_modes_swapped
from netopt_heur.verify import verify
from tests.random_scenarios import random_scenario
from tests.verify.builders import fiber, flat, packet, scenario, site

SEEDS = range(8)


def annealed(small: Scenario, generations: int) -> Genetic:
    """Best of generations that neither walk nor solve parts."""
    params = GeneticParams(link_sets=0.0, parts=0)
    random = np.random.default_rng(1)
    search = Genetic(Planner(build_instance(small)), params, random, lambda: False, lambda: 0.5)
    search.first()
    for _ in range(generations):
        search.generation()
    return search


def walked(search: Genetic, seed: int) -> Construction:
    price = search.slot_price
    ip = search.planner.ip_planner(price, search.best.circuits, lambda: False)
    return walk_link_sets(search.planner, ip, search.best, price, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_walk_never_loses_repeats_and_costs_what_it_says(seed: int) -> None:
    small = random_scenario(seed, n_sites=5, n_packets=6)
    search = annealed(small, 1)
    found, again = (walked(search, seed) for _ in range(2))
    assert found.rank() <= search.best.rank()
    assert to_plan(found.design) == to_plan(again.design)
    verdict = verify(small, to_plan(found.design).to_dict())
    assert verdict.feasible == (found.missing == 0)
    assert verdict.cost == pytest.approx(found.cost, rel=1e-9)


def test_walks_find_what_moves_of_lsps_do_not() -> None:
    saved = []
    for seed in SEEDS:
        search = annealed(random_scenario(seed, n_sites=5, n_packets=6), 10)
        before, found = search.best, walked(search, seed)
        saved.append((before.missing - found.missing, before.cost - found.cost))
    assert max(saved) > (0, 0.01)


def test_a_walk_ends_at_once_when_time_is_up() -> None:
    search = annealed(random_scenario(1, n_sites=5, n_packets=6), 1)
    ip = search.planner.ip_planner(search.slot_price, search.best.circuits, lambda: True)
    random = np.random.default_rng(1)
    assert walk_link_sets(search.planner, ip, search.best, search.slot_price, random) is search.best


def two_sites(slots: int) -> Planner:
    """150 Gb/s between two sites."""
    packets = (packet("p", "A", "B", flat(150.0), flat(150.0)),)
    fibers = (fiber("AB", "A", "B", 80.0),)
    sites = (site("A"), site("B"))
    return Planner(
        build_instance(scenario(sites=sites, fibers=fibers, packets=packets, spectrum=Spectrum(slots=slots)))
    )


def test_annealing_a_layer_without_paths_leaves_it_so() -> None:
    planner = two_sites(slots=16)
    price = planner.first_prices()
    ip = planner.ip_planner(price, planner.circuits(price), lambda: False)
    groomer = Groomer(ip, IpLayer.without_paths(1))
    groomer.anneal(np.random.default_rng(1), 50, 8, (1.0, 0.0))
    assert groomer.worth == 0.0
    assert groomer.found().unrouted.all()


@pytest.mark.parametrize(
    ("slots", "per_slot", "bought", "better"),
    [
        (16, 10.0, ["m400"], ["m100", "m100"]),  # the pair has room for the wider and cheaper channels
        (7, 0.0, ["m100", "m100"], ["m400"]),  # which here would take a second pair
    ],
)
def test_modes_follow_whole_pairs(slots: int, per_slot: float, bought: list[str], better: list[str]) -> None:
    planner, price = two_sites(slots), np.array([per_slot])
    circuits = planner.circuits(price)
    ip = planner.ip_planner(price, circuits, lambda: False)
    dear = planner.complete(circuits, ip, ip.first(planner.lsp_order), price)
    swapped = with_modes_swapped(planner, ip, dear, price, np.random.default_rng(1))
    assert modes(dear) == bought
    assert modes(swapped) == better
    assert swapped.cost < dear.cost
    assert swapped.missing == 0


def modes(plan: Construction) -> list[str]:
    return sorted(lightpath.mode for lightpath in to_plan(plan.design).lightpaths.values())
