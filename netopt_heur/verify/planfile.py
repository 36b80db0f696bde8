"""The plan file as typed data. Every doubt about its *structure* ends here, as a ``PlanFileError``.

What the structure means (dangling ids, overlaps, ...) is not asked here: those are violations.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeGuard, TypeVar

from netopt_heur.errors import PlanFileError, Problem

FORMAT = "netopt-heur-plan"
VERSION = 1
# Beyond 2**53 a JSON number is no longer the same number in every reader (RFC 8259, section 6).
LARGEST_NUMBER = 2**53
HOURS_PER_DAY = 24
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FiberUse:
    """Pairs in use on a fiber and whether the plan builds it."""

    pairs: int
    built: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """One transparent segment: first slot (``None`` without continuity) and the pair index on each fiber."""

    slot: int | None
    pairs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lightpath:
    """A lightpath as the file states it."""

    a: str
    b: str
    route: tuple[str, ...]
    mode: str
    regens: tuple[str, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg on own fibers (``offer`` is ``None``) or on units of a wave offer."""

    route: tuple[str, ...] = ()
    lightpaths: tuple[str, ...] = ()
    offer: str | None = None
    units: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """An IP link with one leg, or two (1+1)."""

    a: str
    b: str
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Lsp:
    """Paths of one LSP as link ids; ``rates_gbps`` has 24 entries for a transfer."""

    primary: tuple[str, ...]
    backup: tuple[str, ...] | None
    rates_gbps: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class CircuitLegs:
    """Legs of one circuit."""

    working: Leg
    protection: Leg | None


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """The whole plan file, by id."""

    fibers: Mapping[str, FiberUse]
    lightpaths: Mapping[str, Lightpath]
    links: Mapping[str, Link]
    lsps: Mapping[str, Lsp]
    circuits: Mapping[str, CircuitLegs]


def read_plan(plan: Mapping[str, object] | str | Path) -> PlanDocument:
    """Read a plan from a file or from an already parsed JSON object.

    Raises
    ------
    PlanFileError
        If it is missing, not JSON, or not of the structure in ``docs/model.md`` section 4.
    """
    if isinstance(plan, Mapping):
        return _document(_Node(plan, "<plan>"))
    return _document(_Node(_parse(Path(plan)), str(plan)))


def read_object(path: str | Path) -> Mapping[str, Any]:
    """Read the JSON object of a plan file, once its structure has been found right.

    Raises
    ------
    PlanFileError
        As :func:`read_plan`.
    """
    found = _parse(Path(path))
    _document(_Node(found, str(path)))
    assert isinstance(found, Mapping)
    return found


def _parse(path: Path) -> object:
    def refuse(message: str, line: int = 0, column: int = 0) -> PlanFileError:
        return PlanFileError([Problem(str(path), line, column, "", message)])

    try:
        text = path.read_bytes().decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise refuse(f"not valid JSON: {error.msg}", error.lineno, error.colno) from error
    except RecursionError as error:
        raise refuse("nested too deeply for a plan") from error
    except UnicodeDecodeError as error:
        raise refuse(f"not UTF-8 text (byte {error.start})") from error
    except (
        ValueError
    ) as error:  # duplicate keys, NaN, integers of thousands of digits, a NUL in the file's name
        raise refuse(f"not a plan: {error}") from error
    except OSError as error:
        raise refuse(f"cannot read the plan: {error.strerror or error}") from error


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"key {_short(key)} appears twice in one object")
        result[key] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _short(value: object) -> str:
    """At most 60 characters of a value: an offender may be a megabyte, or too long to print as a number."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 128:
        return "an integer of more than 128 bits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_plain(value: object) -> TypeGuard[str]:
    """Whether a value is a string that surely may stand in a plan; of others :meth:`_Node.text` decides."""
    return type(value) is str and value.isprintable()


class _Node:
    """One JSON value and its place: its key in what holds it, ``parent``, or the name of the plan."""

    __slots__ = ("key", "parent", "value")

    def __init__(self, value: object, key: str, parent: _Node | None = None) -> None:
        self.value, self.key, self.parent = value, key, parent

    @property
    def path(self) -> str:
        """Dotted path of keys; empty for the plan itself."""
        if self.parent is None:
            return ""
        above = self.parent.path
        return f"{above}.{self.key}" if above else self.key

    @property
    def source(self) -> str:
        """Name of the plan."""
        return self.key if self.parent is None else self.parent.source

    def fail(self, message: str) -> NoReturn:
        raise PlanFileError([Problem(self.source, 0, 0, self.path, message, _short(self.value))])

    def name(self, key: object) -> str:
        """A key of this object, which is a legal id."""
        if _is_plain(key):
            return key
        return _Node(key, self.key, self.parent).text()  # a fault is shown where the object stands

    def table(self, read: Callable[[_Node], T]) -> dict[str, T]:
        """Read an object with free keys, each a legal id."""
        if not isinstance(self.value, Mapping):
            self.fail("must be an object")
        result: dict[str, T] = {}
        for key, value in self.value.items():
            name = self.name(key)
            result[name] = read(_Node(value, name, self))
        return result

    def fields(self, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, _Node]:
        """Read an object with exactly these keys."""
        if not isinstance(self.value, Mapping):
            self.fail("must be an object")
        found = {self.name(key): _Node(value, str(key), self) for key, value in self.value.items()}
        for key in required:
            if key not in found:
                self.fail(f"key '{key}' is missing")
        for key in found:
            if key not in required and key not in optional:
                found[key].fail("unknown key")
        return found

    def array(self, read: Callable[[_Node], T]) -> tuple[T, ...]:
        """Read a list."""
        if not isinstance(self.value, list | tuple):
            self.fail("must be a list")
        return tuple([read(_Node(value, str(i), self)) for i, value in enumerate(self.value)])

    def text(self) -> str:
        """Read a string without control characters or lone surrogates, which no terminal can show."""
        if _is_plain(self.value):
            return self.value
        if not isinstance(self.value, str):
            self.fail("must be a string")
        if _CONTROL.search(self.value):
            self.fail("must not hold control characters")
        return self.value

    def whole(self, least: int = -LARGEST_NUMBER) -> int:
        """Read an integer."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fail("must be a whole number")
        if self.value < least:
            self.fail(f"must be at least {least}")
        if self.value > LARGEST_NUMBER:
            self.fail("too large")
        return self.value

    def number(self) -> float:
        """Read a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.fail("must be a number")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            self.fail("must be finite")
        if abs(self.value) > LARGEST_NUMBER:
            self.fail("too large")
        return float(self.value)

    def flag(self) -> bool:
        """Read true or false."""
        if not isinstance(self.value, bool):
            self.fail("must be true or false")
        return self.value


def _document(root: _Node) -> PlanDocument:
    if not isinstance(root.value, Mapping):
        root.fail("a plan must be a JSON object")
    # Format and version first: a file of another kind should not be told about missing keys.
    if root.value.get("format") != FORMAT:
        root.fail(f"not a plan: 'format' must be '{FORMAT}'")
    version = root.value.get("version")
    if isinstance(version, bool) or version != VERSION:
        _Node(version, "version", root).fail(f"unknown version; this program reads version {VERSION}")
    fields = root.fields(
        ("format", "version", "scenario", "fibers", "lightpaths", "links", "lsps", "circuits")
    )
    fields["version"].whole()
    for field in fields["scenario"].fields(("name", "digest")).values():
        field.text()
    return PlanDocument(
        fibers=fields["fibers"].table(_fiber_use),
        lightpaths=fields["lightpaths"].table(_lightpath),
        links=fields["links"].table(_link),
        lsps=fields["lsps"].table(_lsp),
        circuits=fields["circuits"].table(_circuit),
    )


def _ids(node: _Node) -> tuple[str, ...]:
    value = node.value
    if isinstance(value, list | tuple) and all(map(_is_plain, value)):
        return tuple(value)
    return node.array(_Node.text)


def _fiber_use(node: _Node) -> FiberUse:
    f = node.fields(("pairs", "built"))
    return FiberUse(f["pairs"].whole(least=0), f["built"].flag())


def _lightpath(node: _Node) -> Lightpath:
    f = node.fields(("a", "b", "route", "mode", "regens", "segments"))
    return Lightpath(
        a=f["a"].text(),
        b=f["b"].text(),
        route=_ids(f["route"]),
        mode=f["mode"].text(),
        regens=_ids(f["regens"]),
        segments=f["segments"].array(_segment),
    )


def _segment(node: _Node) -> Segment:
    f = node.fields(("slot", "pairs"))
    slot = None if f["slot"].value is None else f["slot"].whole()
    return Segment(slot, f["pairs"].array(lambda n: n.whole(least=0)))


def _leg(node: _Node) -> Leg:
    if isinstance(node.value, Mapping) and "wave_offer" in node.value:
        f = node.fields(("wave_offer", "units"))
        return Leg(offer=f["wave_offer"].text(), units=f["units"].array(_Node.number))
    f = node.fields(("route", "lightpaths"))
    return Leg(route=_ids(f["route"]), lightpaths=_ids(f["lightpaths"]))


def _link(node: _Node) -> Link:
    f = node.fields(("a", "b", "legs"))
    legs = f["legs"].array(_leg)
    if len(legs) not in (1, 2):
        f["legs"].fail("a link has one leg, or two if it is 1+1")
    return Link(f["a"].text(), f["b"].text(), legs)


def _lsp(node: _Node) -> Lsp:
    f = node.fields(("primary", "backup"), ("rates_gbps",))
    rates = f["rates_gbps"].array(_Node.number) if "rates_gbps" in f else None
    if rates is not None and len(rates) != HOURS_PER_DAY:
        f["rates_gbps"].fail(f"must have {HOURS_PER_DAY} numbers, one per UTC hour, not {len(rates)}")
    return Lsp(_ids(f["primary"]), None if f["backup"].value is None else _ids(f["backup"]), rates)


def _circuit(node: _Node) -> CircuitLegs:
    f = node.fields(("working", "protection"))
    return CircuitLegs(_leg(f["working"]), None if f["protection"].value is None else _leg(f["protection"]))
