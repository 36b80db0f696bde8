"""Candidates on the fibers that plans light: what is added, under which keys, and how often."""

from __future__ import annotations

import numpy as np
import pytest

import netopt_heur.construct.planner as planner_module
from netopt_heur import verify
from netopt_heur.construct.planner import Planner
from netopt_heur.design import to_plan
from netopt_heur.instance import Instance, build_instance
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.islands import Epoch, IslandState, _widened, leave, run_epoch
from netopt_heur.search.ruin_recreate import link_attraction
from tests.verify import builders

SIDE = 5


def grid() -> Scenario:
    """Five by five sites, a fiber between neighbours, and traffic between the corners that must survive.

    Pairs along the edge of the grid are paid for; the shortest routes would light others.
    """
    names = [f"S{row}{column}" for row in range(SIDE) for column in range(SIDE)]
    fibers = []
    for row in range(SIDE):
        for column in range(SIDE):
            for down, right in ((0, 1), (1, 0)):
                if row + down < SIDE and column + right < SIDE:
                    a, b = f"S{row}{column}", f"S{row + down}{column + right}"
                    paid = {(0, 1), (SIDE - 1, 1)} & {(row, right), (column, down)} != set()
                    km = (60.0 if paid else 40.0) + row + 2 * column
                    fibers.append(builders.fiber(a + b, a, b, km, lit_pairs=int(paid), max_pairs=4))
    corners = ["S00", "S04", "S40", "S44", "S22"]
    packets = [
        builders.packet(f"{a}-{b}", a, b, [20.0] * 24, [20.0] * 24, protection="survivable")
        for i, a in enumerate(corners)
        for b in corners[:i]
    ]
    return builders.scenario(
        sites=tuple(builders.site(name) for name in names),
        fibers=tuple(fibers),
        packets=tuple(packets),
    )


@pytest.fixture(scope="module")
def instance() -> Instance:
    return build_instance(grid())


def started(planner: Planner, params: GeneticParams) -> Genetic:
    """A search with a first plan."""
    search = Genetic(planner, params, np.random.default_rng(1), lambda: False, lambda: 0.9)
    search.first()
    return search


def border(instance: Instance) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The fibers between sites at the edge of the grid."""
    rows_and_columns = [divmod(site, SIDE) for site in range(SIDE * SIDE)]
    outside = np.array([{0, SIDE - 1} & {row, column} != set() for row, column in rows_and_columns])
    return outside[instance.fiber_a] & outside[instance.fiber_b]


def test_new_links_keep_to_the_fibers_and_old_ones_keep_their_keys(instance: Instance) -> None:
    planner, fibers = Planner(instance), border(instance)
    before = list(planner.pool.links)
    planner.widen(fibers)
    assert planner.pool.links[: len(before)] == before
    added = planner.pool.links[len(before) :]
    assert any(link.second is None for link in added)
    assert any(link.second is not None for link in added)
    assert all(fibers[list(link.fibers)].all() for link in added)
    known = {(link.route, link.second) for link in before}
    assert not known & {(link.route, link.second) for link in added}
    ring = [s for s in range(SIDE * SIDE) if {0, SIDE - 1} & set(divmod(s, SIDE))]
    for i, a in enumerate(ring):
        for b in ring[:i]:
            inside = [
                link
                for link in map(planner.pool.links.__getitem__, planner.pool.direct(a, b))
                if link.second is not None and fibers[list(link.fibers)].all()
            ]
            assert inside, "two ways round the ring join every two of its sites"


def test_the_same_fibers_add_nothing_twice(instance: Instance) -> None:
    planner = Planner(instance)
    planner.widen(border(instance))
    once = planner.pool
    planner.widen(border(instance))
    assert planner.pool is once
    assert len(planner.widened) == 1


def test_a_full_pool_stays_as_it_is(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = Planner(instance)
    monkeypatch.setattr(planner_module, "MOST_LINKS", len(planner.pool.links))
    planner.widen(border(instance))
    assert not planner.widened


def test_keys_follow_from_what_was_added_in_which_order(instance: Instance) -> None:
    everywhere = np.ones(len(instance.fiber_ids), dtype=np.bool_)
    without = everywhere.copy()
    without[::7] = False
    first, second = Planner(instance), Planner(instance)
    for fibers in (border(instance), without):
        first.widen(fibers)
    second.widen(without)  # in another order: begun anew
    second.widen_as(list(first.widened))
    second.widen_as(list(first.widened))
    assert list(second.widened) == list(first.widened)
    assert [x.fibers for x in second.pool.links] == [x.fibers for x in first.pool.links]


def test_plans_over_added_links_keep_all_rules() -> None:
    scenario = grid()
    planner = Planner(build_instance(scenario))
    n_first = len(planner.pool.links)
    search = started(planner, GeneticParams())
    made = [search.generation() for _ in range(25)]
    assert len(planner.pool.links) > n_first
    on_new = [each for each in made if each.missing == 0 and max(each.layer.links()) >= n_first]
    assert on_new, "no plan ever takes a link that was added"
    for each in on_new[-3:]:
        verdict = verify(scenario, to_plan(each.design).to_dict())
        assert verdict.violations == ()
        assert verdict.cost == pytest.approx(each.cost)


def test_links_between_two_sites_share_what_they_attract(instance: Instance) -> None:
    planner = Planner(instance)
    totals = []
    for _ in range(2):
        ip = planner.ip_planner(
            planner.first_prices(), planner.circuits(planner.first_prices()), lambda: False
        )
        attraction = link_attraction(ip)
        pool = planner.pool
        pair = [key for key in pool.direct(0, SIDE - 1) if not pool.protected[key]]
        assert (attraction[pair] > 0).all()
        totals.append(float(attraction[pair].sum()))
        planner.widen(border(instance))
    least = min(totals)
    assert max(totals) < 1.5 * least


def test_an_epoch_is_a_function_of_state_and_seed(instance: Instance) -> None:
    """Also where the planner was widened otherwise in between."""
    planner = Planner(instance)
    search = started(planner, GeneticParams())
    state = _widened([leave(search)])[0]
    assert state.widened

    def run() -> tuple[IslandState, int]:
        params = GeneticParams(widen=False)
        epoch = Epoch(state, np.random.SeedSequence(5), (0.2, 0.4), float("inf"))
        return run_epoch(planner, params, epoch)

    first, _ = run()
    planner.widen_as([])
    planner.widen(np.ones(len(instance.fiber_ids), dtype=np.bool_))
    planner.widen(border(instance))
    again, _ = run()
    assert again.widened == first.widened == state.widened
    assert [m.cost for m in again.members] == [m.cost for m in first.members]
    assert np.array_equal(again.current.layer.path, first.current.layer.path)


def test_all_islands_widen_alike(instance: Instance) -> None:
    planner = Planner(instance)
    search = Genetic(
        planner, GeneticParams(widen=False), np.random.default_rng(0), lambda: False, lambda: 0.0
    )
    search.first()
    one = leave(search)
    search.generation()
    other = leave(search)
    states = _widened([one, other])
    assert states[0].widened == states[1].widened
    lit = {plan.lit.tobytes() for state in (one, other) for plan in (*state.members, state.current)}
    assert set(states[0].widened) == lit
