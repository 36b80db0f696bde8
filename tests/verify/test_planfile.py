"""Whatever a plan file holds, the referee judges it or refuses it: no other exception."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netopt_heur.errors import PlanFileError
from netopt_heur.plan import Plan as PlanOfThePlanner
from netopt_heur.verify import Verdict, verify
from tests.verify.builders import Plan, flex_grid, good_plans, plan, scenario, site

EMPTY = scenario(sites=(site("A"), site("B")))


def refusal(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "plan.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(PlanFileError) as caught:
        verify(EMPTY, path)
    with pytest.raises(PlanFileError) as loading:
        PlanOfThePlanner.load(path)
    assert str(loading.value) == str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_and_its_content_give_one_verdict(tmp_path: Path) -> None:
    for problem, content in good_plans():
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(content))
        assert verify(problem, path) == verify(problem, str(path)) == verify(problem, content)


def test_empty_plan_of_an_empty_problem() -> None:
    verdict = verify(EMPTY, plan())
    assert verdict == Verdict(True, 0.0, {"fiber": 0.0, "optical": 0.0, "ip": 0.0}, (), 0.0, 0.0)


def test_another_digest_is_no_fault() -> None:
    content = plan()
    content["scenario"]["digest"] = "0123"
    assert verify(EMPTY, content).feasible


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ":1:1: not valid JSON"),
        ('{"format":\n "x",,}', ":2:6: not valid JSON"),
        ("[1, 2]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("{}", "'format' must be"),
        ('{"format": "other"}', "'format' must be"),
        ('{"format": "netopt-heur-plan"}', "version: unknown version"),
        ('{"format": "netopt-heur-plan", "version": 2}', "version: unknown version"),
        ('{"format": "netopt-heur-plan", "version": true}', "version: unknown version"),
        ('{"format": "netopt-heur-plan", "version": 1}', "key 'scenario' is missing"),
        ('{"a": 1, "a": 2}', "key 'a' appears twice"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": -Infinity}', "-Infinity is not a JSON number"),
        ('{"a": ' + "9" * 5000 + "}", "not a plan"),
        ("[" * 100_000, "nested too deeply"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_not_a_plan(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert expected in refusal(tmp_path, content)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path, Path("a\0b")):
        with pytest.raises(PlanFileError):
            verify(EMPTY, path)


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("scenario.name", 3, "scenario.name: must be a string"),
        ("scenario.extra", "x", "scenario.extra: unknown key"),
        ("extra", {}, "extra: unknown key"),
        ("fibers", [], "fibers: must be an object"),
        ("fibers.AB1.pairs", -1, "fibers.AB1.pairs: must be at least 0 (got -1)"),
        ("fibers.AB1.pairs", True, "fibers.AB1.pairs: must be a whole number"),
        ("fibers.AB1.pairs", 1.0, "fibers.AB1.pairs: must be a whole number"),
        ("fibers.AB1.pairs", 10**400, "fibers.AB1.pairs: too large (got an integer of more than 128 bits)"),
        ("fibers.AB1.built", 0, "fibers.AB1.built: must be true or false"),
        ("lightpaths.ab1.route", "AB1", "lightpaths.ab1.route: must be a list (got 'AB1')"),
        ("lightpaths.ab1.segments.0.slot", "0", "lightpaths.ab1.segments.0.slot: must be a whole number"),
        ("lightpaths.ab1.segments.0.slot", -(10**30), "must be at least"),
        ("lightpaths.ab1.segments.0.pairs.0", -1, "lightpaths.ab1.segments.0.pairs.0: must be at least 0"),
        ("lightpaths.ab1.mode", None, "lightpaths.ab1.mode: must be a string"),
        ("links.AB.legs", [], "links.AB.legs: a link has one leg, or two"),
        ("links.AB.legs.0", {"route": []}, "key 'lightpaths' is missing"),
        ("links.AB.legs.0.wave_offer", "WAC", "key 'units' is missing"),
        ("links.AC.legs.0.units", "100", "links.AC.legs.0.units: must be a list"),
        ("links.AC.legs.0.units.0", False, "links.AC.legs.0.units.0: must be a number"),
        ("links.AC.legs.0.units.0", float("inf"), "must be finite"),
        ("links.AC.legs.0.units.0", 1e300, "too large"),
        ("links.AB.a", "A\nB", "links.AB.a: must not hold control characters"),
        ("links.AB.a", "\ud800", "links.AB.a: must not hold control characters"),
        ("lsps.p1#0.backup", "AB", "lsps.p1#0.backup: must be a list"),
        ("lsps.t/C.rates_gbps", None, "lsps.t/C.rates_gbps: must be a list"),
        ("lsps.t/C.rates_gbps", [0.0] * 23, "must have 24 numbers"),
        ("lsps.t/C.rates_gbps.3", float("nan"), "lsps.t/C.rates_gbps.3: must be finite"),
        ("circuits.c1.working", None, "circuits.c1.working: must be an object"),
    ],
)
def test_wrong_structure(place: str, value: object, expected: str) -> None:
    problem, content = flex_grid()
    node: Any = content
    *parents, last = place.split(".")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    node[int(last) if isinstance(node, list) else last] = value
    with pytest.raises(PlanFileError) as caught:
        verify(problem, content)
    assert expected in str(caught.value)


def test_key_that_is_not_text() -> None:
    content = plan()
    content["fibers"][7] = {"pairs": 0, "built": False}
    with pytest.raises(PlanFileError, match="must be a string"):
        verify(EMPTY, content)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    result: list[tuple[Any, Any]] = []
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    for key in keys:
        result.append((node, key))
        result += places(node[key])
    return result


IDS = ["A", "B", "C", "D", "AB1", "AB2", "DA", "AB", "AD", "ab1", "bc1", "m100", "WAC", "p1#0", "zz", ""]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 30)
    | st.integers()
    | st.floats(allow_nan=True)
    | st.sampled_from(IDS)
    | st.text(max_size=4)
)
values = st.recursive(
    scalars, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(IDS), x), max_leaves=5
)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def judged_or_refused(content: Plan) -> None:
    problem = flex_grid()[0]
    try:
        verdict = verify(problem, content)
    except PlanFileError as error:
        assert str(error)
    else:
        assert verdict.feasible == (verdict.violations == ())
        assert all(violation.amount > 0.0 for violation in verdict.violations)
        assert str(verdict.cost) not in ("nan", "inf")


@given(st.lists(st.tuples(st.integers(0, 10**6), values), min_size=1, max_size=4))
@FUZZ
def test_values_replaced(edits: list[tuple[int, Any]]) -> None:
    content = copy.deepcopy(flex_grid()[1])
    for where, value in edits:
        all_places = places(content)
        container, key = all_places[where % len(all_places)]
        container[key] = value
    judged_or_refused(content)


@given(st.integers(0, 2**32), st.integers(1, 6))
@FUZZ
def test_values_moved_and_removed(seed: int, n: int) -> None:
    """Ids and numbers put in each other's places: mostly readable, nearly always wrong."""
    rng, content = Random(seed), copy.deepcopy(flex_grid()[1])
    for _ in range(n):
        leaves = [(c, k) for c, k in places(content) if not isinstance(c[k], dict)]
        (container, key), (other, other_key) = rng.choice(leaves), rng.choice(leaves)
        action = rng.randrange(3)
        if action == 0:
            same = [(c, k) for c, k in leaves if type(c[k]) is type(container[key])]
            other, other_key = rng.choice(same)
            container[key] = copy.deepcopy(other[other_key])
        elif action == 1 and isinstance(container, list):
            container.pop(key)
        elif isinstance(container[key], list):
            container[key] = container[key][::-1] + container[key][: rng.randrange(3)]
    judged_or_refused(content)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
@FUZZ
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "plan.json"
    path.write_bytes(content)
    with pytest.raises(PlanFileError):
        verify(EMPTY, path)
