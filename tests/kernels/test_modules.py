import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_kernels import modules
from tests.naive import modules as naive

# multiples of 1/4: sums are exact, so equal costs are equal and the ties can be compared
QUARTERS = st.integers(0, 40).map(lambda n: n / 4)


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_regenerator_choice_matches_every_set_of_sites(data: st.DataObject) -> None:
    n_fibers = data.draw(st.integers(1, 8))
    length_km = [data.draw(st.sampled_from([0.1, 0.2, 0.3, 80.0, 150.5, 300.0])) for _ in range(n_fibers)]
    can_regen = [data.draw(st.booleans() | st.just(True)) for _ in range(n_fibers - 1)]
    open_cost = [data.draw(QUARTERS | st.just(0.0) | st.just(math.inf)) for _ in range(n_fibers - 1)]
    reach_km = data.draw(st.sampled_from([0.3, 150.5, 301.0, 460.0, 5000.0]))
    unit_cost = data.draw(QUARTERS | st.just(math.inf))
    count, chosen, cost = modules.regenerator_choice(
        np.array(length_km), np.array(can_regen, bool), np.array(open_cost), reach_km, unit_cost
    )
    expected = naive.regenerator_choice(length_km, can_regen, open_cost, reach_km, unit_cost)
    assert (count, chosen.tolist(), cost) == expected


def test_reach_is_compared_with_the_plain_sum_of_the_segment() -> None:
    # 0.1 + 0.2 > 0.3 in floating point, so the segment needs a regenerator
    chosen = modules.regenerator_choice(np.array([0.1, 0.2]), np.array([True]), np.array([0.0]), 0.3, 1.0)
    assert (chosen[0], chosen[2]) == (1, 1.0)


def test_regenerators_avoid_an_expensive_site_even_if_it_takes_one_more() -> None:
    length_km, possible = np.array([300.0, 300.0, 300.0, 300.0]), np.ones(3, bool)
    reach_km, unit_cost = 600.0, 4.0
    count, chosen, cost = modules.regenerator_choice(
        length_km, possible, np.array([0.0, 10.0, 0.0]), reach_km, unit_cost
    )
    assert (count, chosen.tolist(), cost) == (2, [True, False, True], 8.0)
    count, chosen, cost = modules.regenerator_choice(
        length_km, possible, np.array([0.0, 1.0, 0.0]), reach_km, unit_cost
    )
    assert (count, chosen.tolist(), cost) == (1, [False, True, False], 5.0)


def test_equal_sites_go_to_the_leftmost() -> None:
    count, chosen, cost = modules.regenerator_choice(
        np.full(4, 100.0), np.ones(3, bool), np.zeros(3), 300.0, 2.0
    )
    assert (count, chosen.tolist(), cost) == (1, [True, False, False], 2.0)


MODES = st.lists(
    st.tuples(st.sampled_from([10.0, 100.0, 200.0, 250.0, 400.0, 800.0]), QUARTERS | st.just(math.inf)),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=300)
@given(
    MODES,
    st.floats(-10.0, 1600.0) | st.sampled_from([0.0, 400.0, 800.0, 1200.0]),
    st.sampled_from([50.0, 100.0]),
)
def test_cheapest_modules_match_every_multiset(
    modes: list[tuple[float, float]], need_gbps: float, unit_gbps: float
) -> None:
    rate, cost = (list(column) for column in zip(*modes, strict=True))
    counts, total = modules.cheapest_modules(need_gbps, np.array(rate), np.array(cost), unit_gbps)
    assert (counts.tolist(), total) == naive.cheapest_modules(need_gbps, rate, cost, unit_gbps)


@settings(deadline=None, max_examples=200)
@given(MODES, st.integers(0, 12), st.sampled_from([100.0, 400.0]))
def test_waves_modules_match_every_multiset(
    modes: list[tuple[float, float]], waves: int, wave_gbps: float
) -> None:
    rate, cost = (list(column) for column in zip(*modes, strict=True))
    counts, total = modules.waves_modules(waves, wave_gbps, np.array(rate), np.array(cost))
    assert (counts.tolist(), total) == naive.waves_modules(waves, wave_gbps, rate, cost)


@pytest.mark.parametrize("seed", range(20))
def test_waves_choices_are_the_cheapest_under_every_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = np.array([100.0, 400.0, 400.0, 800.0])
    cost = rng.integers(1, 30, (5, 4)).astype(np.float64)
    cost[rng.random((5, 4)) < 0.4] = np.inf
    latency_ms = rng.integers(1, 4, (5, 4)).astype(np.float64)
    expected = []
    for row in range(5):
        kept: list[list[int]] = []
        for bound_ms in (1.0, 2.0, 3.0):
            allowed = np.where(latency_ms[row] <= bound_ms, cost[row], np.inf)
            counts, total = naive.waves_modules(3, 200.0, rate.tolist(), allowed.tolist())
            if total < np.inf and counts not in kept:
                kept.append(counts)
                expected.append((row, counts, total))
    found = modules.waves_choices(3, 200.0, rate, cost, latency_ms)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


def test_tables_hold_the_steps_of_every_link() -> None:
    rng = np.random.default_rng(3)
    rate = np.array([100.0, 400.0, 800.0])
    cost = rng.integers(1, 30, (6, 3)).astype(np.float64)
    cost[rng.random((6, 3)) < 0.3] = np.inf
    most_units, rows = np.array([0, 3, 7, 12, 40, 5]), np.array([7, 1, 3, 2, 0, 5])
    table, least = np.full((8, 13), -1.0), np.full(8, -1.0)
    modules.module_cost_tables(rate, cost, 100.0, most_units, rows, table, least)
    for link, row in enumerate(rows.tolist()):
        steps = modules.module_cost_steps(rate, cost[link], 100.0, 12)
        steps[most_units[link] + 1 :] = np.inf
        np.testing.assert_array_equal(table[row], steps)
        assert least[row] == (steps[1:] / np.arange(1, 13)).min()
    assert (table[[4, 6]] == -1.0).all() and (least[[4, 6]] == -1.0).all()


@settings(deadline=None, max_examples=100)
@given(MODES, st.integers(0, 30), st.sampled_from([50.0, 100.0]))
def test_module_cost_steps_are_the_cost_of_every_need(
    modes: list[tuple[float, float]], max_units: int, unit_gbps: float
) -> None:
    rate, cost = (np.array(column) for column in zip(*modes, strict=True))
    steps = modules.module_cost_steps(rate, cost, unit_gbps, max_units)
    totals = [modules.cheapest_modules(n * unit_gbps, rate, cost, unit_gbps)[1] for n in range(max_units + 1)]
    assert steps.tolist() == totals


def test_equal_costs_go_to_fewer_modules_then_to_the_higher_rate() -> None:
    rate = np.array([100.0, 200.0, 300.0, 400.0])
    counts, total = modules.cheapest_modules(400.0, rate, np.array([1.0, 2.0, 3.0, 4.0]), 100.0)
    assert (counts.tolist(), total) == ([0, 0, 0, 1], 4.0)
    # 300 + 100 and 200 + 200 both take two modules at 4.0
    counts, total = modules.cheapest_modules(400.0, rate, np.array([1.0, 2.0, 3.0, 9.0]), 100.0)
    assert (counts.tolist(), total) == ([1, 0, 1, 0], 4.0)


def test_whole_units_survive_rounding() -> None:
    # 0.3 / 0.1 < 3 and 3 * 0.1 / 0.1 > 3 in floating point
    for rate_gbps, need_gbps in ((0.3, 0.3), (0.3, 3 * 0.1)):
        counts, total = modules.cheapest_modules(need_gbps, np.array([rate_gbps]), np.array([1.0]), 0.1)
        assert (counts.tolist(), total) == ([1], 1.0)


def test_a_wave_is_not_split_over_modules() -> None:
    # 600G carries one wave of 400G, not one and a half
    counts, total = modules.waves_modules(3, 400.0, np.array([600.0, 800.0]), np.array([3.0, 5.0]))
    assert (counts.tolist(), total) == ([1, 1], 8.0)


def test_no_usable_mode() -> None:
    for rate, cost in ((50.0, 1.0), (400.0, math.inf)):
        counts, total = modules.cheapest_modules(150.0, np.array([rate]), np.array([cost]), 100.0)
        assert (counts.tolist(), total) == ([0], math.inf)
    assert modules.module_cost_steps(np.array([50.0]), np.array([1.0]), 100.0, 2).tolist() == [
        0.0,
        math.inf,
        math.inf,
    ]


@pytest.mark.parametrize("need_units", [20_001, 50_000, 123_457])
def test_peeling_keeps_the_optimal_cost(need_units: int) -> None:
    # coprime rates, so that no common divisor shortens the table
    rate, cost = np.array([7.0, 11.0, 16.0]), np.array([6.0, 9.25, 14.0])
    counts, total = modules.cheapest_modules(float(need_units), rate, cost, 1.0)
    assert counts @ rate >= need_units
    assert total == counts @ cost == modules.module_cost_steps(rate, cost, 1.0, need_units)[need_units]


def test_peeling_beyond_its_guarantee_stays_within_one_module() -> None:
    rate, cost = np.array([7_001.0, 9_999.0, 15_013.0]), np.array([70.0, 99.5, 151.0])
    need = 100_003
    counts, total = modules.cheapest_modules(float(need), rate, cost, 1.0)
    optimum = modules.module_cost_steps(rate, cost, 1.0, need)[need]
    assert counts @ rate >= need
    assert total == counts @ cost
    assert optimum <= total < optimum + 99.5


def test_large_needs_on_the_usual_rates_are_exact() -> None:
    # 40 Tb/s counted in single Gb/s: the common divisor of the rates makes 400 units of it
    rate, cost = np.array([100.0, 400.0, 800.0]), np.array([5.0, 12.0, 20.0])
    counts, total = modules.cheapest_modules(40_100.5, rate, cost, 1.0)
    assert (counts.tolist(), total) == ([2, 0, 50], 1010.0)


def test_each_entry_point_has_one_signature() -> None:
    from netopt_kernels.__main__ import call_all

    call_all("modules")
    kernels = {name: k for name, k in vars(modules).items() if hasattr(k, "signatures") and name[0] != "_"}
    assert {name: len(k.signatures) for name, k in kernels.items()} == dict.fromkeys(kernels, 1)
