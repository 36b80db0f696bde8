"""Requirements of all links at once are those that the evaluator finds link by link."""

from __future__ import annotations

import numpy as np
import pytest

from netopt_heur.construct.ip_layer import IpLayer
from netopt_heur.construct.planner import Planner
from netopt_heur.construct.requirements import required_gbps
from netopt_heur.instance import build_instance
from tests.random_scenarios import random_scenario


@pytest.mark.parametrize("seed", range(8))
def test_requirements_are_the_evaluators(seed: int) -> None:
    planner = Planner(build_instance(random_scenario(seed, n_sites=7, n_packets=14)))
    price = planner.first_prices()
    ip = planner.ip_planner(price, planner.circuits(price), lambda: False)
    layer = ip.first(planner.lsp_order)
    for left_out in (None, 0):  # an LSP without a path burdens nothing
        if left_out is not None:
            layer = layer.without(np.arange(len(layer.hops)) == left_out)
        evaluator, required = ip.evaluator(layer), required_gbps(ip, layer)
        assert required == {key: evaluator.required_gbps(key) for key in sorted(layer.links())}
        assert len(required) > 0


def test_an_empty_layer_requires_nothing() -> None:
    planner = Planner(build_instance(random_scenario(0)))
    price = planner.first_prices()
    ip = planner.ip_planner(price, planner.circuits(price), lambda: False)
    assert required_gbps(ip, IpLayer.without_paths(len(planner.instance.lsps))) == {}
