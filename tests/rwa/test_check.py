import copy
from collections.abc import Callable
from typing import Any

import pytest

from netopt_heur.rwa import check_solution
from tests.rwa.instances import make_instance

# Edge 0 -> 1 is doubled, so two requests may share one wavelength on it.
INSTANCE = make_instance(3, [(0, 1), (0, 1), (1, 2), (2, 0)], [(0, 2), (0, 1), (0, 1)])
SOLUTION: dict[str, Any] = {
    "wavelengths": 2,
    "lightpaths": [
        {"request": 0, "path": [0, 1, 2], "wavelength": 0},
        {"request": 1, "path": [0, 1], "wavelength": 0},
        {"request": 2, "path": [0, 1], "wavelength": 1},
    ],
}


def test_a_right_solution_has_no_violation() -> None:
    assert check_solution(INSTANCE, SOLUTION) == []
    assert check_solution(INSTANCE, {**SOLUTION, "lightpaths": SOLUTION["lightpaths"][::-1]}) == []


def put(position: int, key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda solution: solution["lightpaths"][position].update({key: value})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (put(2, "wavelength", 0), "edge 0 -> 1: wavelength 0 is used 3 times on 2 edge(s)"),
        (put(0, "path", [0, 1]), "must lead from 0 to 2"),
        (put(0, "path", [1, 2]), "must lead from 0 to 2"),
        (put(0, "path", [0, 2]), "no edge 0 -> 2"),
        (put(0, "path", [0, 1, 2, 0, 1, 2]), "visits a node twice"),
        (put(0, "path", []), "needs request, path"),
        (put(0, "path", [0, 1.0, 2]), "needs request, path"),
        (put(0, "wavelength", True), "needs request, path"),
        (put(0, "request", 3), "there is no request 3"),
        (put(0, "request", -1), "there is no request -1"),
        (put(2, "request", 1), "request 1: has 2 lightpaths"),
        (put(2, "wavelength", 2), "must be numbered 0 to 1"),
        (put(2, "wavelength", -1), "must be numbered 0 to 1"),
        (lambda solution: solution.update(wavelengths=1), "says 1, but 2 are used"),
        (lambda solution: solution.update(wavelengths=None), "says None"),
        (lambda solution: solution.update(lightpaths=None), "must be a list"),
        (lambda solution: solution["lightpaths"].pop(), "request 2: has 0 lightpaths"),
        (lambda solution: solution["lightpaths"].append(None), "needs request, path"),
    ],
)
def test_every_damage_is_found(damage: Callable[[dict[str, Any]], None], words: str) -> None:
    solution = copy.deepcopy(SOLUTION)
    damage(solution)
    assert any(words in problem for problem in check_solution(INSTANCE, solution))
