"""Rows in blocks, and what HiGHS makes of a program."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt_heur.exact.capacity import _maximal
from netopt_heur.exact.linear import Program, least_costs, new_solver, read_answer, solve


def knapsack() -> Program:
    """Cheapest whole numbers that cover 7: 2 of 3 and 1 of 1 for 3.5; in fractions 7/3 of 3 for 3.5."""
    program = Program()
    large, small = program.column("large", 1.5), program.column("small", 0.6)
    program.at_least([(large, 3.0), (small, 1.0)], 7.0)
    return program


def test_a_program_is_the_same_with_and_without_names() -> None:
    program = knapsack()
    named = new_solver()
    named.passModel(program.to_lp())
    named.run()
    assert solve(program).objective == pytest.approx(3.6)
    assert read_answer(named, True).objective == pytest.approx(3.6)
    assert solve(program, relaxed=True).objective == pytest.approx(3.5)


def test_nothing_is_cheaper_than_a_cutoff_below_the_optimum() -> None:
    answer = solve(knapsack(), cutoff=3.55)
    assert answer.status == "infeasible" or min(answer.bound, answer.objective) > 3.55
    assert solve(knapsack(), cutoff=3.7).objective == pytest.approx(3.6)


@given(
    values=st.lists(
        st.lists(st.sampled_from([0.0, 1.0, -2.5]), min_size=3, max_size=3), min_size=1, max_size=5
    )
)
def test_a_block_of_rows_is_the_rows_one_by_one(values: list[list[float]]) -> None:
    block, single = Program(), Program()
    for program in (block, single):
        for i in range(3):
            program.column(f"x{i}")
    columns = np.tile(np.arange(3, dtype=np.int32), (len(values), 1))
    assert block.rows_at_most(columns, np.array(values), 4.0) == 0
    for row in values:
        single.at_most([(i, v) for i, v in enumerate(row) if v != 0.0], 4.0)
    assert (block.starts, block.index, block.value) == (single.starts, single.index, single.value)
    assert (block.row_lower, block.row_upper) == (single.row_lower, single.row_upper)


def test_rows_that_are_far_from_tight_are_dropped() -> None:
    program = knapsack()
    program.at_least([(0, 1.0)], 1.0)
    program.at_least([(0, 1.0), (1, 1.0)], 2.0)
    program.drop_loose(1, np.array([1.0, 4.0]), 0.1)
    assert list(program.starts) == [0, 2, 3]
    assert program.row_lower == [7.0, 1.0]
    program.drop_rows(1)
    assert (list(program.index), list(program.value)) == ([0, 1], [3.0, 1.0])


@given(
    samples=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12
    )
)
def test_only_samples_that_another_includes_are_left_out(samples: list[tuple[int, int, int]]) -> None:
    labels = np.array([label for label, _, _ in samples])
    block = np.array([point for _, *point in samples], dtype=np.float64).T
    kept = _maximal(block, labels).tolist()
    for i, (label, a, b) in enumerate(samples):
        larger = [
            j for j, (other, c, d) in enumerate(samples)
            if other == label and c >= a and d >= b and ((c, d) != (a, b) or j < i)
        ]  # fmt: skip
        assert kept[i] == (not larger)


@given(
    cost=st.lists(st.integers(1, 9), min_size=3, max_size=6),
    cutoff=st.integers(2, 30),
    need=st.integers(1, 3),
)
def test_no_solution_that_uses_a_column_is_below_its_least_cost(
    cost: list[int], cutoff: int, need: int
) -> None:
    program = Program()
    columns = [program.column(f"x{i}", float(c), 1.0) for i, c in enumerate(cost)]
    program.at_least([(c, 1.0) for c in columns], float(need))
    found = least_costs(program, columns, cutoff + 0.5)
    known = {c for c, least in found.items() if math.isfinite(least)}
    assert set(found) == set(columns)
    for i, c in enumerate(columns):
        cheapest = cost[i] + sum(sorted(cost[:i] + cost[i + 1 :])[: need - 1])
        assert (c in known) == (cheapest <= cutoff)
        assert found[c] <= cheapest + 1e-6 or c not in known


def test_the_columns_of_least_reduced_cost_are_looked_at_alone() -> None:
    program = Program()
    columns = [program.column(f"x{i}", cost, 1.0) for i, cost in enumerate((5.0, 1.0, 4.0, 2.0))]
    program.at_least([(c, 1.0) for c in columns], 1.0)
    assert least_costs(program, columns, most=2) == pytest.approx({1: 1.0, 3: 2.0})


def test_least_costs_end_when_time_is_up() -> None:
    def check() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        least_costs(knapsack(), [0], check=check)


def test_nothing_is_said_where_nothing_is_possible() -> None:
    program = knapsack()
    program.at_most([(0, 1.0), (1, 1.0)], 1.0)
    assert least_costs(program, [0, 1], 9.0) == {}


def test_a_bound_that_is_enough_ends_the_search() -> None:
    answer = solve(knapsack(), enough=3.0)
    assert 3.0 < answer.bound <= 3.6 + 1e-6
