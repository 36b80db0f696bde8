"""Rows over links of given lengths."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest

from netopt_heur.bounds.link_lengths import LinkLengths
from netopt_heur.bounds.master import build_master, close_master
from netopt_heur.bounds.traffic import build_traffic
from netopt_heur.bounds.transit import Transit
from netopt_heur.instance import build_instance
from tests.random_scenarios import random_scenario


def _lengths(seed: int) -> LinkLengths:
    instance = build_instance(random_scenario(seed, n_sites=5))
    master = build_master(instance)
    close_master(master)
    transit = Transit(master, build_traffic(instance))
    transit.add()
    return LinkLengths(transit)


def test_equal_lengths_are_passing_traffic() -> None:
    lengths = _lengths(1)
    demand = lengths.normal
    terms, lower = lengths.row(np.ones(len(lengths.pairs)), demand)
    value = dict(terms)
    assert lower == pytest.approx(2.0 * demand.sum())
    for column in lengths.transit.links_gbps.values():
        assert value[column] == pytest.approx(2.0)
    for pair, column in lengths.transit.direct.items():
        assert value.get(column, 0.0) == pytest.approx(demand[pair])


@pytest.mark.parametrize("seed", range(5))
def test_no_path_of_two_links_is_shorter(seed: int) -> None:
    lengths = _lengths(seed)
    rng = np.random.default_rng(seed)
    worth = dict(zip(lengths.pairs, rng.random(len(lengths.pairs)).tolist(), strict=True))
    detour = lengths.detours(np.array([worth[pair] for pair in lengths.pairs]))
    n = len(detour)
    for n_sites in range(3, n + 1):
        for path in permutations(range(n), n_sites):
            hops = [(min(a, b), max(a, b)) for a, b in pairwise(path)]
            if all(hop in worth for hop in hops):
                assert detour[path[0], path[-1]] <= sum(worth[hop] for hop in hops) + 1e-12


def test_capacity_without_links_is_short() -> None:
    lengths = _lengths(1)
    assert lengths.add_violated(np.zeros(len(lengths.master.program.cost))) > 0
    plenty = np.full(len(lengths.master.program.cost), 1e3)
    assert lengths.add_violated(plenty) == 0
