"""Links of a star."""

from __future__ import annotations

import numpy as np

from netopt_heur.construct.planner import Planner
from netopt_heur.construct.star import star_links
from netopt_heur.instance import build_instance
from tests.random_scenarios import random_scenario


def test_all_links_of_a_star_end_at_its_hub() -> None:
    planner = Planner(build_instance(random_scenario(3, n_sites=7, n_packets=15)))
    price = planner.first_prices()
    ip = planner.ip_planner(price, planner.circuits(price), lambda: False)
    stars = list(star_links(ip))
    hubs = set()
    for links in stars:
        assert np.array_equal(links, np.unique(links))
        ends = [{int(ip.pool.a[k]), int(ip.pool.b[k])} for k in links]
        hubs |= set.intersection(*ends) if len(ends) > 1 else set()
    assert 1 <= len(hubs) <= 7
    assert len(stars) >= len(hubs)
