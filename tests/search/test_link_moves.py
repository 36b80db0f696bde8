"""Moves of links: everything stays served, the same seed moves the same, and a mesh can get cheaper."""

from __future__ import annotations

import numpy as np
import pytest

from netopt_heur.construct.ip_layer import IpLayer, IpPlanner
from netopt_heur.construct.planner import Planner
from netopt_heur.instance import build_instance
from netopt_heur.search.link_moves import move_links
from tests.random_scenarios import random_scenario
from tests.verify import builders


def planner_of(seed: int) -> tuple[Planner, IpPlanner]:
    planner = Planner(build_instance(random_scenario(seed, n_sites=7, n_packets=14)))
    price = planner.first_prices()
    return planner, planner.ip_planner(price, planner.circuits(price), lambda: False)


def served_by(layer: IpLayer) -> set[int]:
    return {lsp for lsp, path in enumerate(layer.primary) if path is not None}


@pytest.mark.parametrize("heat", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(6))
def test_moves_keep_all_served_and_repeat(seed: int, heat: float) -> None:
    planner, ip = planner_of(seed)
    start = ip.first(planner.lsp_order)
    (moved, share), (again, same) = (
        move_links(ip, start, planner.lsp_order, heat, np.random.default_rng(seed)) for _ in range(2)
    )
    assert share == same
    assert 0.0 <= share <= 1.0
    assert served_by(moved) >= served_by(start)
    assert (moved.primary, moved.backup, moved.worth) == (again.primary, again.backup, again.worth)
    assert ip.evaluator(moved).evaluate().violations.get("R6", 0.0) == 0.0


def test_moves_leave_a_mesh_that_a_few_full_links_undercut() -> None:
    """Insertion one by one opens many links; moving all traffic of a link at once closes most of them."""
    saved = []
    for seed in range(6):
        planner, ip = planner_of(seed)
        start = ip.first(planner.lsp_order)
        moved, _ = move_links(ip, start, planner.lsp_order, 0.4, np.random.default_rng(seed))
        saved.append(start.worth - moved.worth)
    assert max(saved) > 0.0


def test_a_run_that_is_over_still_serves_all() -> None:
    planner = Planner(build_instance(random_scenario(1, n_sites=7, n_packets=14)))
    price = planner.first_prices()
    over = planner.ip_planner(price, planner.circuits(price), lambda: True)
    start = over.first(planner.lsp_order)
    moved, _ = move_links(over, start, planner.lsp_order, 0.4, np.random.default_rng(1))
    assert served_by(moved) == served_by(start)


def test_where_no_link_can_be_built_nothing_moves() -> None:
    problem = builders.scenario(
        sites=(builders.site("A"), builders.site("B")),
        fibers=(builders.fiber("f", "A", "B", 100.0, max_pairs=0),),
        packets=(builders.packet("p", "A", "B", builders.flat(30.0), builders.flat(30.0)),),
    )
    planner = Planner(build_instance(problem))
    price = planner.first_prices()
    ip = planner.ip_planner(price, planner.circuits(price), lambda: False)
    start = ip.first(planner.lsp_order)
    moved, share = move_links(ip, start, planner.lsp_order, 0.4, np.random.default_rng(1))
    assert (served_by(moved), share) == (set(), 0.0)
