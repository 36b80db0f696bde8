"""Debug mode: checked moves give the same plan, and a layer that is wrong is caught."""

from __future__ import annotations

import numpy as np
import pytest

from netopt_heur.construct.ip_layer import Groomer, IpPlanner
from netopt_heur.construct.move_check import VARIABLE, CheckedMoves, check_layer
from netopt_heur.construct.planner import Planner
from netopt_heur.instance import I64, build_instance
from netopt_heur.solve import plan
from netopt_kernels import grooming, grooming_state
from tests.random_scenarios import random_scenario


def ip_planner(seed: int) -> tuple[IpPlanner, I64]:
    """The IP layer's problem of a random scenario, and its LSPs from the largest to the smallest."""
    planner = Planner(build_instance(random_scenario(seed)))
    price = planner.first_prices()
    ip = planner.ip_planner(price, planner.circuits(price), lambda: False)
    return ip, np.array(planner.lsp_order, dtype=np.int64)


def checked(seed: int, monkeypatch: pytest.MonkeyPatch) -> Groomer:
    """A layer loaded in debug mode."""
    monkeypatch.setenv(VARIABLE, "1")
    ip, order = ip_planner(seed)
    return Groomer(ip, ip.first(order.tolist()))


@pytest.mark.parametrize(("seed", "generations"), [(1, 3), (4, 4), (6, 3)])
def test_checked_runs_pass_and_give_the_same_plan(
    seed: int, generations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generations are enough for one that moves LSPs."""
    monkeypatch.delenv(VARIABLE, raising=False)
    scenario = random_scenario(seed)
    plain = plan(scenario, seed=seed, generations=generations, bound=False)
    checks = 0

    def counted(ip: IpPlanner, layer: grooming_state.Layer) -> None:
        nonlocal checks
        checks += 1
        check_layer(ip, layer)

    monkeypatch.setattr("netopt_heur.construct.move_check.check_layer", counted)
    assert plan(scenario, seed=seed, generations=0, bound=False).plan is not None
    assert checks == 0
    monkeypatch.setenv(VARIABLE, "1")
    result = plan(scenario, seed=seed, generations=generations, bound=False)
    assert checks > 1000
    assert result.plan is not None
    assert plain.plan is not None
    assert result.plan.to_json() == plain.plan.to_json()


def test_kernels_are_called_directly_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    ip, order = ip_planner(1)
    assert Groomer(ip, ip.first(order.tolist()))._moves is grooming


@pytest.mark.parametrize("array", ["worth", "required", "total"])
def test_wrong_numbers_are_caught(array: str, monkeypatch: pytest.MonkeyPatch) -> None:
    groomer = checked(1, monkeypatch)
    check_layer(groomer.planner, groomer.layer)
    link = int(groomer.used_links()[0])
    values = getattr(groomer.layer, array)
    place = 0 if array == "total" else link
    right = float(values[place])
    values[place] = right * (1 + 3e-9) + 1e-8
    named = {"worth": f"cost of link {link} is", "required": f"load of link {link} is", "total": "total is"}
    with pytest.raises(AssertionError, match=named[array]) as caught:
        check_layer(groomer.planner, groomer.layer)
    assert repr(float(values[place])) in str(caught.value)


def test_a_wrong_layer_is_caught_by_the_next_move(monkeypatch: pytest.MonkeyPatch) -> None:
    groomer = checked(1, monkeypatch)
    link = int(groomer.used_links()[0])
    away = [i for i in range(len(groomer.layer.hops)) if link not in groomer.layer.path[i]]
    groomer.layer.worth[link] += 1.0
    with pytest.raises(AssertionError, match=r"internal error: .* is .*, recomputed"):
        groomer.move(np.array(away[:1], dtype=np.int64))


@pytest.mark.parametrize("changed", ["path", "total"])
def test_an_undone_move_must_leave_the_layer_alone(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    groomer = checked(1, monkeypatch)
    moves = groomer._moves
    assert isinstance(moves, CheckedMoves)

    def careless() -> int:
        if changed == "path":
            groomer.layer.hops[int(np.flatnonzero(groomer.layer.hops[:, 0] > 0)[0])] = -1
        else:
            groomer.layer.total[0] += 1.0
        return 0

    with pytest.raises(AssertionError, match="undone"):
        moves._checked(careless)
