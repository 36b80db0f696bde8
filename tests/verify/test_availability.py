"""Availability against enumeration of every up/down pattern of the components."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_heur.verify.availability import availability
from netopt_heur.verify.network import Component

Paths = list[list[list[list[Component]]]]


def group(name: str) -> Component:
    return ("group", name)


def enumerated(paths: Paths, unavailability: dict[Component, float]) -> float:
    """Sum over all 2^n patterns."""
    names = sorted(unavailability)
    total = 0.0
    for pattern in product((True, False), repeat=len(names)):
        up = dict(zip(names, pattern, strict=True))
        works = any(
            all(any(all(up.get(c, True) for c in leg) for leg in link) for link in path) for path in paths
        )
        if works:
            total += prod(1 - unavailability[c] if up[c] else unavailability[c] for c in names)
    return total


U = {group("f"): 0.1, group("g"): 0.2, group("h"): 0.5, ("site", "s"): 0.25}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([[[["f"]]]], 0.9),
        # In series: 0.9 x 0.8.
        ([[[["f"]], [["g"]]]], 0.72),
        # Shared by two links of one path: f counts once.
        ([[[["f"]], [["f", "g"]]]], 0.72),
        # In parallel: 1 - 0.1 x 0.2.
        ([[[["f"]]], [[["g"]]]], 0.98),
        # Paths fg and gh: 0.8 x (1 - 0.1 x 0.5).
        ([[[["f"], ["f"]], [["g"]]], [[["g", "h"]]]], 0.76),
        # A 1+1 link f | g, then h in series: 0.5 x 0.98.
        ([[[["f"], ["g"]], [["h"]]]], 0.49),
        # Two 1+1 links that share their first legs: 0.9 + 0.1 x 0.8 x 0.5.
        ([[[["f"], ["g"]], [["f"], ["h"]]]], 0.94),
        ([[[["unknown"]]]], 1.0),
        ([], 0.0),
    ],
)
def test_by_hand(paths: list[list[list[list[str]]]], expected: float) -> None:
    typed: Paths = [[[[group(c) for c in leg] for leg in link] for link in path] for path in paths]
    assert availability(typed, U) == pytest.approx(expected, abs=1e-15)


def test_groups_and_sites_of_one_name_are_different() -> None:
    both = {group("s"): 0.5, ("site", "s"): 0.25}
    paths: Paths = [[[[group("s"), ("site", "s")]]]]
    assert availability(paths, both) == pytest.approx(0.375, abs=1e-15)


names = [group(c) for c in "abcdefg"]
legs = st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True)
links = st.lists(legs, min_size=1, max_size=2)
paths = st.lists(st.lists(links, min_size=1, max_size=4), min_size=1, max_size=2)


@given(paths, st.lists(st.sampled_from([0.01, 0.1, 0.3, 0.5, 1.0]), min_size=7, max_size=7))
@settings(max_examples=150, deadline=None)
def test_equals_enumeration(case: Paths, values: list[float]) -> None:
    unavailability = dict(zip(names, values, strict=True))
    assert availability(case, unavailability) == pytest.approx(enumerated(case, unavailability), abs=1e-12)
