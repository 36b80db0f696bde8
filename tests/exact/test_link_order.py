"""The order of links: all of them, by the least cost of equipment with them, an optimum's links early."""

from __future__ import annotations

from pathlib import Path

import pytest

from netopt_heur import load_scenario
from netopt_heur.exact import ExactLimits
from netopt_heur.exact.candidates import Kept, candidate_links, link_content, without_demands
from netopt_heur.exact.equipment import build_equipment
from netopt_heur.exact.limits import no_limit
from netopt_heur.exact.link_order import link_order
from netopt_heur.exact.solver import solve_exact
from netopt_heur.exact.start import kept_by, start_values
from netopt_heur.instance import build_instance

SMALL = Path(__file__).parents[2] / "benchmarks" / "small"
EARLY = 12


@pytest.mark.exact
@pytest.mark.parametrize("name", ["hexa_survivable", "penta_pair_failures", "penta_mesh", "kite_percentile"])
def test_links_of_an_optimum_come_early(name: str) -> None:
    scenario = load_scenario(SMALL / f"{name}.yaml")
    instance, best = build_instance(scenario), solve_exact(scenario).plan
    assert best is not None
    order = link_order(without_demands(instance, ExactLimits(), Kept()), no_limit)
    assert sorted(order) == sorted(map(link_content, candidate_links(instance, ExactLimits())))

    equipment = build_equipment(without_demands(instance, ExactLimits(), kept_by(instance, best)), no_limit)
    start = start_values(equipment.model, best)
    assert start is not None
    point = equipment.point(start)
    links = zip(equipment.links, equipment.open, strict=True)
    used = [link_content(link) for link, column in links if point.get(column, 0.0) > 0.5]
    assert used
    assert max(map(order.index, used)) < EARLY < len(order)


def test_no_links_no_order() -> None:
    scenario = load_scenario(SMALL / "octa_circuits.yaml")
    instance = build_instance(scenario)
    assert not instance.lsps
    assert link_order(without_demands(instance, ExactLimits(), Kept()), no_limit) == []


def test_it_ends_when_time_is_up() -> None:
    def check() -> None:
        raise TimeoutError

    instance = build_instance(load_scenario(SMALL / "tri_survivable.yaml"))
    with pytest.raises(TimeoutError):
        link_order(without_demands(instance, ExactLimits(), Kept()), check)
