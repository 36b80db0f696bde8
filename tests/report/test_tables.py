from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netopt_heur.report import json_safe
from netopt_heur.report.tables import MAX_LINES, description_table, format_number, format_rows, verdict_table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (1234567, "1,234,567"),
        (1234567.891, "1,234,567.89"),
        (0.123456, "0.1235"),
        (99.5, "99.5"),
        (42819.0, "42,819"),
        ("disjoint", "disjoint"),
    ],
)
def test_format_number(value: object, text: str) -> None:
    assert format_number(value) == text


def test_rows_are_aligned() -> None:
    assert (
        format_rows([("a", "1"), ("long label", "2"), ("block", "")]) == "a           1\nlong label  2\nblock"
    )


def make_verdict(violations: int) -> Any:
    return SimpleNamespace(
        feasible=not violations,
        cost=200.0,
        cost_breakdown={"fiber": 150.0, "optical": 50.0, "ip": 0.0},
        violations=[
            SimpleNamespace(rule="R3", where=f"lightpath {i}", amount=1.0, message="overlap")
            for i in range(violations)
        ],
    )


def test_verdict_table_shares_add_up() -> None:
    assert verdict_table(make_verdict(0)).splitlines() == [
        "feasible   yes",
        "cost       200.00",
        "  fiber    150.00   75%",
        "  optical   50.00   25%",
        "  ip         0.00    0%",
    ]


def test_long_lists_are_cut_and_say_so() -> None:
    text = verdict_table(make_verdict(MAX_LINES + 5))
    assert f"broken rules ({MAX_LINES + 5})" in text
    assert text.count("overlap") == MAX_LINES
    assert text.endswith("... and 5 more (--json prints all)")


def test_description_nests() -> None:
    text = description_table({"name": "x", "sites": {"routers": 3, "ids": ["a", "b"]}, "absent": None})
    assert text.splitlines() == ["name       x", "sites", "  routers  3", "  ids      a, b"]


def test_json_safe_is_strict_json() -> None:
    document = json_safe(
        {
            "nan": math.nan,
            "inf": np.float64("inf"),
            "count": np.int64(3),
            "flag": np.bool_(True),
            "share": np.float32(0.5),
            1: ("a", frozenset({"b"})),
        }
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == {
        "nan": None,
        "inf": None,
        "count": 3,
        "flag": True,
        "share": 0.5,
        "1": ["a", ["b"]],
    }
