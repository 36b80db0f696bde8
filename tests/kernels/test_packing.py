import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_kernels import packing
from tests.naive import packing as naive

# multiples of 1/4: sums are exact, so both agree on what fits
QUARTERS = st.integers(0, 20).map(lambda n: n / 4)


@st.composite
def _problems(draw: st.DrawFn) -> tuple[list[list[float]], list[float], list[float]]:
    n_items = draw(st.integers(1, 7))
    rows = st.lists(QUARTERS, min_size=n_items, max_size=n_items)
    load = draw(st.lists(rows, min_size=1, max_size=4))
    value = draw(rows)
    return load, value, draw(st.lists(st.integers(1, 60).map(lambda n: n / 4), min_size=1, max_size=4))


@settings(deadline=None, max_examples=300)
@given(_problems())
def test_densest_matches_every_set(problem: tuple[list[list[float]], list[float], list[float]]) -> None:
    load, value, size = problem
    found = packing.densest(np.array(load), np.array(value), np.array(size), 1_000_000)
    assert found == pytest.approx(naive.densest(load, value, size), rel=1e-9)


@settings(deadline=None, max_examples=200)
@given(_problems(), st.integers(0, 12))
def test_densest_cut_short_is_never_below(
    problem: tuple[list[list[float]], list[float], list[float]], most_nodes: int
) -> None:
    load, value, size = problem
    found = packing.densest(np.array(load), np.array(value), np.array(size), most_nodes)
    assert found >= naive.densest(load, value, size) * (1.0 - 1e-9)
    assert np.isfinite(found)


def test_peaks_that_do_not_meet_fill_a_link() -> None:
    apart, together = np.array([[3.0, 1.0], [1.0, 3.0]]), np.array([[3.0, 3.0], [1.0, 1.0]])
    value, size = np.ones(2), np.array([4.0])
    assert packing.densest(apart, value, size, 100) == pytest.approx(0.5)
    assert packing.densest(together, value, size, 100) == pytest.approx(0.25)
