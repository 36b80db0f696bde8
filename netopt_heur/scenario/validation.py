"""Pydantic's errors as problems of a file: place, key, what is wrong, and the cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from netopt_heur.errors import InputError, Problem
from netopt_heur.scenario.yaml_source import KeyPath, Source, YamlDocument, scalar

__all__ = ["MAX_PROBLEMS", "Problems", "message_of", "suggest", "validate"]

MAX_PROBLEMS: Final = 1000
ModelT = TypeVar("ModelT", bound=BaseModel)

_FIXED_MESSAGES: Final = {
    "missing": "required key is missing",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}
_BOUND_MESSAGES: Final = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
}


class Problems:
    """Collects problems, to report them all at once."""

    def __init__(self, found: Iterable[Problem] = ()) -> None:
        self.found: list[Problem] = list(found)
        self._hidden = 0

    @property
    def full(self) -> bool:
        """Whether enough is known: further problems are counted, not kept."""
        return len(self.found) >= MAX_PROBLEMS

    def add(
        self, source: Source, path: KeyPath, message: str, *, at_key: bool = False, show: bool = True
    ) -> None:
        """Record a problem with the value at ``path`` of ``source``."""
        if self.full:
            self._hidden += 1
            return
        self.found.append(source.problem(path, message, at_key=at_key, show=show))

    def count(self, n: int) -> None:
        """Note ``n`` further problems that are not listed."""
        self._hidden += n

    def raise_if_any(self) -> None:
        """Raise everything found so far, in the order of the files.

        Raises
        ------
        InputError
            If there is any problem; at most ``MAX_PROBLEMS`` are listed.
        """
        if not self.found:
            return
        rank: dict[str, int] = {}
        for problem in self.found:
            rank.setdefault(problem.file, len(rank))
        self.found.sort(key=lambda problem: (rank[problem.file], problem.line, problem.column))
        hidden = len(self.found) - MAX_PROBLEMS + self._hidden
        shown = self.found[:MAX_PROBLEMS]
        if hidden > 0:
            shown.append(Problem(self.found[0].file, 0, 0, "", f"and {hidden} more problems, not listed"))
        raise InputError(shown)


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Tail of a message that offers the closest known word, or lists the known ones if they are few.

    Examples
    --------
    >>> suggest("lenght_km", ["length_km", "srlgs"])
    "; did you mean 'length_km'?"
    """
    listed = sorted(set(known))
    candidates = {word.lower(): word for word in listed if abs(len(word) - len(wrong)) <= 10}
    close = difflib.get_close_matches(wrong[:60].lower(), list(candidates)[:5000], n=1, cutoff=0.6)
    if close:
        return f"; did you mean {candidates[close[0]]!r}?"
    return f"; known: {', '.join(listed)}" if 0 < len(listed) <= 12 else ""


def validate(model: type[ModelT], document: YamlDocument, problems: Problems) -> ModelT | None:
    """Check a document against a model; problems are collected, not raised.

    Returns
    -------
    ModelT or None
        None if the document does not fit the model.
    """
    problems.found.extend(document.problems)
    if not isinstance(document.data, dict):
        problems.add(document, (), "must be a mapping of keys", show=False)
        return None
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        schema: dict[str, Any] | None = None
        for number, item in enumerate(error.errors(include_url=False, include_input=False)):
            if problems.full:
                problems.count(error.error_count() - number)
                break
            path, tagged = _data_path(item["loc"], document.data)
            if item["type"] == "extra_forbidden":
                schema = schema or model.model_json_schema()
                message = "unknown key" + suggest(str(path[-1]), _known_keys(schema, path[:-1]))
                problems.add(document, path, message, at_key=True, show=False)
                continue
            value = _value(document.data, path)
            problems.add(
                document, path, message_of(item, value), at_key=tagged, show=_shows_value(item["type"])
            )
    return None


def _shows_value(kind: str) -> bool:
    # "one_of" kinds concern the keys of a mapping, not its value.
    return kind != "missing" and not kind.startswith("one_")


def message_of(item: Any, value: object) -> str:
    """Message for one of pydantic's error records about ``value``."""
    kind: str = item["type"]
    context: dict[str, Any] = item.get("ctx", {})
    if (
        kind in ("float_type", "int_type")
        and isinstance(value, str)
        and isinstance(scalar(value), (int, float))
    ):
        return f"{_FIXED_MESSAGES[kind]}; remove the quotes"
    if kind == "float_type" and isinstance(value, str) and value.lstrip("+-")[:1] == "0":
        return "must be a number; write it without leading zeros"
    if kind in _FIXED_MESSAGES:
        return _FIXED_MESSAGES[kind]
    if kind in _BOUND_MESSAGES:
        key, message = _BOUND_MESSAGES[kind]
        return message.format(f"{context[key]:g}")
    if kind == "literal_error":
        expected = str(context["expected"])
        words = [word for word in expected.replace(" or ", ", ").replace("'", "").split(", ") if word]
        hint = suggest(value, words) if isinstance(value, str) else ""
        return f"must be {expected}" + (hint if "did you mean" in hint else "")
    if kind in ("too_short", "too_long"):
        bound, count = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        return f"must have {bound} {context[count]} entries, has {context['actual_length']}"
    return str(item["msg"])


def _data_path(loc: Sequence[str | int], data: object) -> tuple[KeyPath, bool]:
    """Key path in the file of pydantic's location: without the union tags and key markers it adds."""
    path: list[str | int] = []
    node: Any = data
    at_key = False
    for position, part in enumerate(loc):
        inside = isinstance(node, dict) and part in node
        if isinstance(part, str) and not inside and (part.startswith("<") or part == "[key]"):
            at_key = at_key or (part == "[key]" and position == len(loc) - 1)
            continue
        path.append(part)
        node = _step(node, part)
    return tuple(path), at_key


def _step(node: Any, part: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node):
        return node[part]
    return None


def _value(data: object, path: KeyPath) -> object:
    node: Any = data
    for part in path:
        node = _step(node, part)
    return node


def _known_keys(schema: dict[str, Any], path: KeyPath) -> list[str]:
    """Keys that the JSON Schema knows at a path."""
    nodes = _resolve(schema, schema)
    for part in path:
        nodes = [
            found for node in nodes for child in _children(node, part) for found in _resolve(schema, child)
        ]
    return sorted({key for node in nodes for key in node.get("properties", {})})


def _children(node: dict[str, Any], part: str | int) -> list[Any]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    if part in node.get("properties", {}):
        return [node["properties"][part]]
    extra = node.get("additionalProperties")
    return [extra] if isinstance(extra, dict) else []


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """Alternatives a schema node stands for."""
    if "$ref" in node:
        return _resolve(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[1]])
    branches = [*node.get("anyOf", []), *node.get("oneOf", [])]
    return [found for branch in branches for found in _resolve(schema, branch)] if branches else [node]
