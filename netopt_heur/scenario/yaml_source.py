"""YAML text to plain data that knows where each value stood.

Scalars follow the YAML 1.2 core schema: ``NO``, ``on``, ``12:30`` and ``2024-01-01`` are text; ``1e3`` is a
number. Numbers with a leading zero stay text, because YAML 1.1 reads ``017`` as fifteen and YAML 1.2 as
seventeen. The composer is a loop over parser events, not a recursion, and bounds depth and expanded size
while it reads, so that neither deep nesting nor nested aliases ("YAML bombs") can exhaust stack or memory.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from netopt_heur.errors import InputError, Problem

__all__ = [
    "KeyPath",
    "Source",
    "YamlDocument",
    "describe",
    "dotted",
    "parse_yaml",
    "read_text",
    "read_yaml",
    "scalar",
]

KeyPath = tuple[str | int, ...]

MAX_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 64
MAX_VALUES: Final = 5_000_000
MAX_KEYS: Final = 100_000
_MAX_SHOWN: Final = 60
_COLUMN_BITS: Final = 20
_POSITION_BITS: Final = 48
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_OPEN: Final = object()


class Source(Protocol):
    """A file that can say where a value of it stands."""

    file: str

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False, show: bool = True) -> Problem:
        """Problem with the value at ``path``."""
        ...


def scalar(text: str) -> str | int | float | bool | None:
    """Value of an unquoted scalar in the YAML 1.2 core schema.

    Examples
    --------
    >>> [scalar(text) for text in ("NO", "12:30", "1e3", "017", "7", "~", "true")]
    ['NO', '12:30', 1000.0, '017', 7, None, True]
    """
    if text[:1] in _NUMBER_STARTS:
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
    return _WORDS.get(text, text)


def describe(value: object) -> str:
    """Text of a value for the "got" of a message, at most about 60 characters."""
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value[: _MAX_SHOWN + 1]) if isinstance(value, str) else repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def dotted(path: Sequence[str | int]) -> str:
    """Key path as text, ``demands.packets.3.a``."""
    return ".".join(
        str(part) if len(str(part)) <= _MAX_SHOWN else str(part)[: _MAX_SHOWN - 3] + "..." for part in path
    )


def read_text(path: str | Path, *, max_bytes: int = MAX_BYTES) -> str:
    """Text of a UTF-8 file, without a byte order mark.

    Raises
    ------
    InputError
        If it is missing, unreadable, a folder, larger than ``max_bytes``, binary or not UTF-8.
    """
    file = str(path)
    try:
        with open(path, "rb") as stream:
            raw = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise _file_error(file, "no such file") from None
    except IsADirectoryError:
        raise _file_error(file, "is a folder; name a file in it") from None
    except PermissionError:
        raise _file_error(file, "may not be read; check its permissions") from None
    except (OSError, ValueError) as error:
        raise _file_error(file, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > max_bytes:
        limit = f"{max_bytes / 2**20:g} MiB"
        raise _file_error(
            file, f"is larger than {limit}, the limit; put bulk demands into CSV files (demand_files)"
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _file_error(file, "is UTF-16 or UTF-32 text; save it as UTF-8")
    if b"\0" in raw:
        raise _file_error(file, "is a binary file (it holds NUL bytes); expected UTF-8 text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        message = "is not UTF-8 text; save the file as UTF-8"
        got = f"byte 0x{raw[error.start]:02x}"
        raise InputError([Problem(file, line, column, "", message, got)]) from None


def _file_error(file: str, message: str) -> InputError:
    return InputError([Problem(file, 0, 0, "", message)])


@dataclass(eq=False)
class YamlDocument:
    """Plain data of one file and the position of each value.

    ``data`` holds dicts with text keys, lists, text, numbers, booleans and None. ``problems`` are those that
    did not stop the reading: duplicate keys and the like.
    """

    file: str
    data: Any
    # By id of each container: positions of its entries in their order; key and value packed into one number.
    marks: dict[int, list[int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _orders: dict[int, dict[str, int]] = field(default_factory=dict)

    def position(self, path: KeyPath, *, at_key: bool = False) -> tuple[int, int, KeyPath]:
        """Line and column (from 1) of the deepest part of ``path`` that exists, and that part."""
        node, packed, depth = self.data, 0, 0
        for part in path:
            known = (
                part in node if isinstance(node, dict) else isinstance(part, int) and isinstance(node, list)
            )
            if not known or (isinstance(node, list) and not 0 <= int(part) < len(node)):
                break
            packed = self._mark(node, part)
            node = node[part]
            depth += 1
        mark = packed >> _POSITION_BITS if at_key and depth == len(path) else packed
        mark &= (1 << _POSITION_BITS) - 1
        return (mark >> _COLUMN_BITS) + 1, (mark & (1 << _COLUMN_BITS) - 1) + 1, path[:depth]

    def _mark(self, node: Any, part: str | int) -> int:
        marks: list[int] = self.marks[id(node)]
        if isinstance(part, int):
            return marks[part]
        order = self._orders.get(id(node))
        if order is None:
            order = self._orders[id(node)] = {key: number for number, key in enumerate(node)}
        return marks[order[part]]

    def value(self, path: KeyPath) -> Any:
        """Value at a path that exists."""
        node = self.data
        for part in path:
            node = node[part]
        return node

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False, show: bool = True) -> Problem:
        """Problem with the value at ``path``; a missing key is reported where its mapping stands."""
        line, column, found = self.position(path, at_key=at_key)
        complete = len(found) == len(path)
        got = describe(self.value(path)) if show and complete and path else None
        return Problem(self.file, line, column, dotted(path), message, got)


def read_yaml(path: str | Path) -> YamlDocument:
    """Read a YAML file.

    Raises
    ------
    InputError
        If it cannot be read, is not YAML, or breaks a limit.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, file: str) -> YamlDocument:
    """Compose YAML text into plain data with positions.

    Raises
    ------
    InputError
        Syntax errors, cyclic or unknown anchors, tags, more than one document, nesting or size beyond the
        limits.
    """
    composer = _Composer(file)
    try:
        loader = yaml.CSafeLoader(text) if yaml.__with_libyaml__ else yaml.SafeLoader(text)
        try:
            while loader.check_event():
                composer.handle(loader.get_event())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message = error.problem or "unreadable"
        if error.context and error.context_mark:
            message = f"{error.context} (from line {error.context_mark.line + 1}): {message}"
        problem = Problem(file, line, column, "", f"not valid YAML: {message}")
        raise InputError([*composer.document.problems, problem]) from None
    except yaml.YAMLError as error:
        # ReaderError: a character that YAML forbids.
        reason = str(getattr(error, "reason", error)) or "unreadable"
        raise InputError([Problem(file, 0, 0, "", f"not valid YAML: {reason}")]) from None
    if not composer.started:
        raise _file_error(file, "is empty; a scenario starts with 'version: 1'")
    return composer.document


@dataclass(slots=True)
class _Frame:
    """A container under construction."""

    container: Any
    start: int
    anchor: str | None
    marks: list[int] = field(default_factory=list)
    size: int = 1
    height: int = 1
    key: str | None = None
    key_mark: int = 0
    merging: bool = False
    merges: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    _order: dict[str, int] = field(default_factory=dict)

    def index_of(self, key: str) -> int:
        """Number of a key in the order of the mapping."""
        if key not in self._order:
            self._order = {name: number for number, name in enumerate(self.container)}
        return self._order[key]


class _Composer:
    """Builds a document from parser events (the "compose" and "construct" steps of YAML 1.2, section 3.1)."""

    def __init__(self, file: str) -> None:
        self.document = YamlDocument(file, None)
        self.started = False
        self._frames: list[_Frame] = []
        self._anchors: dict[str, Any] = {}
        # Expanded size and height of each anchored container, by id.
        self._extent: dict[int, tuple[int, int]] = {}
        self._total = 0
        self._mark = 0

    def handle(self, event: Any) -> None:
        """Take the next parser event."""
        kind = type(event)
        if kind is yaml.StreamStartEvent or kind is yaml.StreamEndEvent or kind is yaml.DocumentEndEvent:
            return
        self._mark = (event.start_mark.line << _COLUMN_BITS) | min(
            event.start_mark.column, (1 << _COLUMN_BITS) - 1
        )
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open(event, {})
        elif kind is yaml.SequenceStartEvent:
            self._open(event, [])
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            if self.started:
                self._fail("holds a second YAML document; one file holds one document")
            self.started = True
        else:
            self._close()

    def _scalar(self, event: Any) -> None:
        if event.tag is not None and event.tag not in ("!", "tag:yaml.org,2002:str"):
            self._fail(f"YAML tag {event.tag[:_MAX_SHOWN]} is not supported; remove it")
        text = event.value
        frame = self._frames[-1] if self._frames else None
        if (
            frame is not None
            and frame.key is None
            and not frame.merging
            and isinstance(frame.container, dict)
        ):
            if event.anchor is not None:
                self._anchors[event.anchor] = text
            self._take_key(frame, text, plain=event.implicit[0])
            return
        plain = event.implicit[0] and event.tag is None
        value = scalar(text) if plain else text
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        self._attach(value, 1, 0, self._mark)

    def _take_key(self, frame: _Frame, text: str, *, plain: bool) -> None:
        if text == "<<" and plain:
            frame.merging = True
            return
        # The same few keys stand in every item of a list.
        frame.key, frame.key_mark = sys.intern(text), self._mark

    def _open(self, event: Any, container: Any) -> None:
        if event.tag is not None and event.tag != "!":
            self._fail(f"YAML tag {event.tag[:_MAX_SHOWN]} is not supported; remove it")
        self._refuse_as_key()
        if len(self._frames) >= MAX_DEPTH:
            self._fail(f"is nested deeper than {MAX_DEPTH} levels, the limit")
        if event.anchor is not None:
            self._anchors[event.anchor] = _OPEN
        self._frames.append(_Frame(container, self._mark, event.anchor))

    def _alias(self, event: Any) -> None:
        self._refuse_as_key()
        if event.anchor not in self._anchors:
            self._fail(f"alias *{event.anchor} names no anchor above it")
        value = self._anchors[event.anchor]
        if value is _OPEN:
            self._fail(f"alias *{event.anchor} stands inside its own anchor: the data would be endless")
        size, height = self._extent.get(id(value), (1, 0)) if isinstance(value, (dict, list)) else (1, 0)
        if len(self._frames) + height > MAX_DEPTH:
            self._fail(f"is nested deeper than {MAX_DEPTH} levels, the limit, through alias *{event.anchor}")
        self._attach(value, size, height, self._mark)

    def _refuse_as_key(self) -> None:
        frame = self._frames[-1] if self._frames else None
        if (
            frame is not None
            and isinstance(frame.container, dict)
            and frame.key is None
            and not frame.merging
        ):
            self._fail("keys must be plain text, not a list, mapping or alias")

    def _close(self) -> None:
        frame = self._frames.pop()
        for merged, mark in frame.merges:
            self._merge(frame, merged, mark)
        self.document.marks[id(frame.container)] = frame.marks
        if frame.anchor is not None:
            self._extent[id(frame.container)] = (frame.size, frame.height)
            self._anchors[frame.anchor] = frame.container
        # The container itself was not counted yet, its contents were.
        self._attach(frame.container, frame.size, frame.height, frame.start, counted=frame.size - 1)

    def _attach(self, value: Any, size: int, height: int, mark: int, *, counted: int = 0) -> None:
        self._total += size - counted
        if self._total > MAX_VALUES:
            self._fail(f"holds more than {MAX_VALUES} values, aliases expanded: the limit")
        if not self._frames:
            self.document.data = value
            return
        frame = self._frames[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if frame.merging:
            self._add_merges(frame, value, mark)
        elif isinstance(frame.container, list):
            frame.container.append(value)
            frame.marks.append((mark << _POSITION_BITS) | mark)
        else:
            self._add_entry(frame, value, mark)

    def _add_entry(self, frame: _Frame, value: Any, mark: int) -> None:
        key = frame.key if frame.key is not None else ""
        frame.key = None
        if key in frame.container:
            first = (frame.marks[frame.index_of(key)] >> (_POSITION_BITS + _COLUMN_BITS)) + 1
            here = self._path((key,))
            line, column = (
                (frame.key_mark >> _COLUMN_BITS) + 1,
                (frame.key_mark & (1 << _COLUMN_BITS) - 1) + 1,
            )
            message = f"duplicate key; it already stands in line {first}; keep one of the two"
            self.document.problems.append(Problem(self.document.file, line, column, here, message))
            return
        if len(frame.marks) >= MAX_KEYS:
            self._fail(f"is a mapping of more than {MAX_KEYS} keys, the limit; is this a scenario?")
        frame.container[key] = value
        frame.marks.append((frame.key_mark << _POSITION_BITS) | mark)

    def _add_merges(self, frame: _Frame, value: Any, mark: int) -> None:
        frame.merging = False
        maps = value if isinstance(value, list) else [value]
        if not all(isinstance(item, dict) for item in maps):
            self._fail("the merge key << takes a mapping or a list of mappings")
        frame.merges.extend((item, mark) for item in maps)

    def _merge(self, frame: _Frame, merged: dict[str, Any], mark: int) -> None:
        # The keys of the mapping itself win over merged ones, earlier merges over later ones.
        for key, value in merged.items():
            if key not in frame.container:
                frame.container[key] = value
                frame.marks.append((mark << _POSITION_BITS) | mark)

    def _path(self, tail: Iterable[str | int]) -> str:
        parts: list[str | int] = []
        for frame in self._frames[:-1]:
            parts.append(len(frame.container) if isinstance(frame.container, list) else frame.key or "<<")
        return dotted([*parts, *tail])

    def _fail(self, message: str) -> None:
        line, column = (self._mark >> _COLUMN_BITS) + 1, (self._mark & (1 << _COLUMN_BITS) - 1) + 1
        problem = Problem(self.document.file, line, column, "", message)
        raise InputError([*self.document.problems, problem])
