from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt_heur.errors import InputError
from netopt_heur.scenario.yaml_source import MAX_BYTES, describe, parse_yaml, read_yaml, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        (".5", 0.5),
        ("5.", 5.0),
        ("-7", -7),
        ("+5", 5),
        ("017", "017"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-x", "-x"),
        ("=", "="),
        ("9" * 5000, float("inf")),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)
    assert parse_yaml(f"key: {text}\n", "f").data["key"] == value


def test_quoted_and_tagged_text_stays_text() -> None:
    assert parse_yaml("[\"1\", '2', !!str 3, ! 4]", "f").data == ["1", "2", "3", "4"]


def test_positions_of_values_and_keys() -> None:
    document = parse_yaml("a:\n  - {x: 1,\n     ü: [10, 20]}\n", "f")
    assert document.position(("a", 0, "ü", 1))[:2] == (3, 14)
    assert document.position(("a", 0, "ü"), at_key=True)[:2] == (3, 6)
    assert document.position(("a", 0, "x"))[:2] == (2, 9)
    # A key that is not there is placed where its mapping stands.
    assert document.position(("a", 0, "z", "y")) == (2, 5, ("a", 0))
    assert document.position(("a", 7)) == (2, 3, ("a",))
    assert str(document.problem(("a", 0, "x"), "bad")) == "f:2:9: a.0.x: bad (got 1)"


def test_merge_keys() -> None:
    text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nall:\n  <<: [*b, *m]\n  x: 9\n"
    document = parse_yaml(text, "f")
    assert document.data["all"] == {"x": 9, "y": 2, "z": 4}
    assert document.position(("all", "x"))[:2] == (5, 6)
    assert document.position(("all", "z"))[0] == 4
    assert parse_yaml('"<<": 1', "f").data == {"<<": 1}


def test_duplicate_keys_name_both_lines_and_all_are_found() -> None:
    document = parse_yaml("a: 1\nb: {c: 1, d: 2,\n  c: 3}\na: 4\n", "f")
    assert [str(problem) for problem in document.problems] == [
        "f:3:3: b.c: duplicate key; it already stands in line 2; keep one of the two",
        "f:4:1: a: duplicate key; it already stands in line 1; keep one of the two",
    ]
    assert document.data == {"a": 1, "b": {"c": 1, "d": 2}}


BOMB = "x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"x{i + 1}: &x{i + 1} [{', '.join([f'*x{i}'] * 10)}]\n" for i in range(9)
)
DEEP_ALIASES = "x0: &x0 [1]\n" + "".join(f"x{i + 1}: &x{i + 1} [*x{i}]\n" for i in range(100))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [*a]", "f:1:8: alias *a stands inside its own anchor"),
        ("a: &a {b: {c: *a}}", "stands inside its own anchor"),
        ("a: *b", "f:1:4: alias *b names no anchor"),
        (BOMB, "more than 5000000 values"),
        (DEEP_ALIASES, "nested deeper than 64"),
        ("[" * 100_000, "f:1:65: is nested deeper than 64"),
        ("".join("  " * i + "a:\n" for i in range(500)), "nested deeper than 64"),
        ("a: 1\n---\nb: 2\n", "f:2:1: holds a second YAML document"),
        (
            "a: !!python/object:os.system x",
            "YAML tag tag:yaml.org,2002:python/object:os.system is not supported",
        ),
        ("a: !env x", "YAML tag !env is not supported"),
        ("a: !!set {}", "is not supported"),
        ("? [1]\n: 2", "keys must be plain text"),
        ("a: &a x\n*a : 2", "keys must be plain text"),
        ("a:\n  [1, 2\n\n", "not valid YAML: while parsing a flow sequence (from line 2): did not find"),
        ("a: b: c", "not valid YAML"),
        ("a: \t- x\n\tb: 1", "not valid YAML"),
        ("a: \x07", "not valid YAML"),
        ('a: "\\ud800"', "not valid YAML"),
        ("%YAML 3.0\n---\na: 1", "not valid YAML"),
        ("<<: 1", "merge key << takes a mapping"),
        ("<<: [{a: 1}, 2]", "merge key << takes a mapping"),
        ("", "f: is empty"),
        ("# only a comment\n", "f: is empty"),
        ("".join(f"k{i}: 1\n" for i in range(100_001)), "more than 100000 keys"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"version: 1\0", "binary"),
        ("version: 1".encode("utf-16"), "UTF-16"),
        (b"a: 1\nname: \xff\n", "s.yaml:2:7: is not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "larger than 64 MiB"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message):
        read_yaml(path)


def test_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes("a: 1".encode("utf-8-sig"))
    assert read_yaml(path).data == {"a": 1}


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "is a folder"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            read_yaml(path)


def test_a_million_lines_are_read() -> None:
    assert len(parse_yaml("- x\n" * 1_000_000, "f").data) == 1_000_000


def test_got_is_short() -> None:
    assert len(describe("x" * 10_000)) <= 60
    assert len(describe(10**50)) <= 60
    values: list[object] = [{}, [1], None, True, "a"]
    assert [describe(value) for value in values] == ["an empty mapping", "a list", "null", "true", "'a'"]


@given(st.text(alphabet="abc:-[]{}&*<>!|\"'#,?%@ \n\t01.~", max_size=80))
def test_any_text_gives_data_or_an_input_error(text: str) -> None:
    try:
        parse_yaml(text, "f")
    except InputError as error:
        assert error.problems
