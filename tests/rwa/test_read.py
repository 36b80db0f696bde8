from pathlib import Path

import numpy as np
import pytest

from netopt_heur.errors import InputError
from netopt_heur.rwa import read_instance

TEXT = "3 4 2\n0 1\n1 2\n2 0\n0 1\n0 2\n2 1\n"


def problems_of(path: Path, content: str | bytes) -> list[tuple[int, int, str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_instance(path)
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return [(problem.line, problem.column, str(problem)) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace(" ", "\t"),
        TEXT.replace("\n", " \r\n\n \t"),
        TEXT.replace("\n", " "),
        "\ufeff" + TEXT,
    ],
)
def test_any_white_space_separates_the_numbers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8", newline="")
    instance = read_instance(path)
    assert (instance.name, instance.n_nodes, instance.n_edges, instance.n_requests) == ("a.txt", 3, 4, 2)
    assert (instance.tail.tolist(), instance.head.tolist()) == ([0, 1, 2, 0], [1, 2, 0, 1])
    assert (instance.source.tolist(), instance.target.tolist()) == ([0, 2], [2, 1])
    assert all(
        array.dtype == np.int64 and array.flags.c_contiguous for array in (instance.tail, instance.target)
    )


def test_no_request_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 0 0")
    assert read_instance(tmp_path / "a.txt").n_requests == 0


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", (1, 1), "three numbers"),
        ("3 4", (1, 1), "three numbers"),
        ("x 4 2", (1, 1), "N: must be a whole number"),
        ("3 4.5 2", (1, 3), "E: must be a whole number"),
        ("3 1_0 2", (1, 3), "E: must be a whole number"),
        ("3 \u0661 2", (1, 3), "E: must be a whole number"),
        ("3 " + "9" * 5000 + " 2", (1, 3), "E: must be a whole number"),
        ("0 0 0", (1, 1), "number of nodes"),
        ("99999999999 0 0", (1, 1), "number of nodes"),
        ("3 -4 2", (1, 3), "negative"),
        ("3 4 -2", (1, 5), "negative"),
        (TEXT.replace("3 4 2", "3 4 3"), (7, 1), "ends too early"),
        ("3 4 2\n0 1\n", (2, 1), "ends too early"),
        ("3 4 999999999999999999\n0 1\n", (2, 1), "ends too early"),
        (TEXT + "1\n", (8, 1), "must end"),
        (TEXT + "\n  # comment", (9, 3), "must end"),
        (TEXT.replace("2 1\n", "2 y\n"), (7, 3), "requests.1: must be a whole number"),
        (TEXT.replace("1 2\n", "1 3\n"), (3, 3), "edges.1: there is no such node: they are 0 to 2"),
        (TEXT.replace("2 1\n", "-1 1\n"), (7, 1), "requests.1: there is no such node"),
        (TEXT.replace("1 2\n", "1 1\n"), (3, 3), "edges.1: the two nodes must differ"),
        (TEXT.replace("2 1\n", "2 2\n"), (7, 3), "requests.1: the two nodes must differ"),
        (TEXT.replace("1 2\n", "0 1\n"), (6, 3), "requests.0: the edges offer no path from node 0"),
    ],
)
def test_a_wrong_file_names_the_place(tmp_path: Path, text: str, place: tuple[int, int], words: str) -> None:
    [(line, column, message)] = problems_of(tmp_path / "bad.txt", text)
    assert (line, column) == place
    assert words in message
    assert len(message) < len(str(tmp_path)) + 250


def test_all_wrong_nodes_are_reported(tmp_path: Path) -> None:
    problems = problems_of(tmp_path / "bad.txt", TEXT.replace("1 2\n", "1 7\n").replace("0 2\n", "0 8\n"))
    assert [(line, column) for line, column, _ in problems] == [(3, 3), (6, 3)]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    [(line, _, message)] = problems_of(tmp_path / "bad.txt", b"3 4 2\xff\xfe\n")
    assert line == 1 and "not a text file" in message


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_instance(tmp_path / "none.txt")
