"""CSV files: bulk demands and measured series, with the line and column of whatever is wrong."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from netopt_heur.errors import InputError, Problem
from netopt_heur.scenario.schema import MAX_DEMANDS, PacketItem
from netopt_heur.scenario.validation import Problems, message_of, suggest
from netopt_heur.scenario.yaml_source import KeyPath, describe, dotted, read_text, scalar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CsvTable", "read_demands", "read_series", "read_table"]

DEMAND_COLUMNS: Final = tuple(name for name in PacketItem.model_fields if name != "series")
_TEXT_COLUMNS: Final = frozenset({"id", "a", "b", "service", "user_side", "protection"})


@dataclass(eq=False)
class CsvTable:
    """Header, rows and their line numbers. A key path in it is ``(row, column name)``."""

    file: str
    text: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def _text_lines(self) -> list[str]:
        return self.text.splitlines()

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False, show: bool = True) -> Problem:
        """Problem with one field, or with a whole row where the file has no such column."""
        row, name = (*path, None, None)[:2]
        if not isinstance(row, int):
            return Problem(self.file, 1, 1, dotted(path), message)
        line = self.lines[row]
        if name not in self.header:
            return Problem(self.file, line, 1, dotted(path[1:]), message)
        index = self.header.index(str(name))
        cell = self.rows[row][index] if index < len(self.rows[row]) else ""
        got = describe(scalar(cell) if name not in _TEXT_COLUMNS else cell) if show else None
        return Problem(self.file, line, self._column(line, index), dotted(path[1:]), message, got)

    def _column(self, line: int, index: int) -> int:
        """Column (from 1) where a field starts; commas inside quotes do not count."""
        text = self._text_lines[line - 1] if line <= len(self._text_lines) else ""
        quoted = False
        for position, char in enumerate(text):
            if index == 0:
                return position + 1
            if char == '"':
                quoted = not quoted
            elif char == "," and not quoted:
                index -= 1
        return len(text) + 1 if index == 0 else 1


def read_table(path: Path) -> CsvTable:
    """Read a CSV file with a header; blank lines are skipped.

    Raises
    ------
    InputError
        If it cannot be read, has no header, or a row has more or fewer fields than the header.
    """
    file = str(path)
    text = read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, rows = [], []
    try:
        for row in reader:
            if row:
                lines.append(reader.line_num)
                rows.append(row)
    except csv.Error as error:
        raise InputError([Problem(file, reader.line_num, 1, "", f"not valid CSV: {error}")]) from None
    if not rows:
        raise InputError([Problem(file, 0, 0, "", "is empty; the first line names the columns")])
    header = [name.strip() for name in rows[0]]
    table = CsvTable(file, text, header, rows[1:], lines[1:])
    for name in sorted({name for name in header if header.count(name) > 1}) if len(header) < 10_000 else []:
        table.problems.append(Problem(file, lines[0], 1, dotted((name,)), "duplicate column"))
    for line, row in zip(table.lines, table.rows, strict=True):
        if len(row) != len(header):
            message = f"has {len(row)} fields, the header has {len(header)}"
            table.problems.append(Problem(file, line, 1, "", message))
    if table.problems:
        raise_all(table.problems)
    return table


def raise_all(problems: Sequence[Problem]) -> None:
    """Raise problems, at most as many as a report lists."""
    Problems(problems).raise_if_any()


def read_demands(path: Path) -> tuple[list[PacketItem], CsvTable]:
    """Read bulk packet demands.

    Returns
    -------
    list of PacketItem
        One per row; an empty field is one that is not given.
    CsvTable
        Where they stand.

    Raises
    ------
    InputError
        With every wrong field.
    """
    table = read_table(path)
    problems = Problems()
    for index, name in enumerate(table.header):
        if name not in DEMAND_COLUMNS:
            message = f"unknown column{suggest(name, DEMAND_COLUMNS)}"
            problems.found.append(Problem(table.file, 1, table._column(1, index), dotted((name,)), message))
    for name in ("a", "b"):
        if name not in table.header:
            problems.found.append(Problem(table.file, 1, 1, name, "required column is missing"))
    if not {"mean_gbps", "mean_ab_gbps"} & set(table.header):
        problems.found.append(Problem(table.file, 1, 1, "mean_ab_gbps", "required column is missing"))
    if len(table.rows) > MAX_DEMANDS:
        message = f"has {len(table.rows)} demands, more than {MAX_DEMANDS}, the limit; merge the small ones"
        problems.found.append(Problem(table.file, 0, 0, "", message))
    problems.raise_if_any()
    texts = [name in _TEXT_COLUMNS for name in table.header]
    records = [
        {
            name: cell if is_text else scalar(cell)
            for name, is_text, cell in zip(table.header, texts, map(str.strip, row), strict=True)
            if cell
        }
        for row in table.rows
    ]
    try:
        return TypeAdapter(list[PacketItem]).validate_python(records), table
    except ValidationError as error:
        for number, item in enumerate(error.errors(include_url=False, include_input=False)):
            if problems.full:
                problems.count(error.error_count() - number)
                break
            row, *rest = item["loc"]
            value = records[int(row)].get(str(rest[0])) if rest else None
            shown = bool(rest) and item["type"] != "missing"
            message = "required field is empty" if item["type"] == "missing" else message_of(item, value)
            problems.add(table, (int(row), *rest[:1]), message, show=shown)
    problems.raise_if_any()
    raise AssertionError("a failed validation names its errors")


def read_series(path: Path, columns: Sequence[str | None], n_samples: int) -> NDArray[np.float64]:
    """Read measured loads.

    Parameters
    ----------
    path
        CSV with a header and one row per sample.
    columns
        Column of each direction; None is no load.
    n_samples
        Rows the file must have.

    Returns
    -------
    ndarray, shape (len(columns), n_samples), float64
        Gb/s.

    Raises
    ------
    InputError
        For a missing column, a wrong number of rows, and every field that is no number >= 0.
    """
    import numpy as np

    table = read_table(path)
    problems = Problems()
    for name in columns:
        if name is not None and name not in table.header:
            message = f"no such column{suggest(name, table.header)}"
            problems.found.append(Problem(table.file, 1, 1, dotted((name,)), message))
    if len(table.rows) != n_samples:
        message = f"has {len(table.rows)} rows, needs one per sample: hours x samples_per_hour = {n_samples}"
        problems.found.append(Problem(table.file, 0, 0, "", message))
    problems.raise_if_any()
    series = np.zeros((len(columns), n_samples))
    for direction, name in enumerate(columns):
        if name is None:
            continue
        index = table.header.index(name)
        for row, cells in enumerate(table.rows):
            value = scalar(cells[index].strip())
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e6:
                problems.add(table, (row, name), "must be a load in Gb/s, 0 to 1e6")
            else:
                series[direction, row] = value
    problems.raise_if_any()
    assert math.isfinite(float(series.sum()))
    return series
