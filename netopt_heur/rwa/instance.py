"""Static RWA instances: a directed network and lightpath requests, read from a text file.

The file holds ``N E T``, then ``E`` directed edges and ``T`` directed requests, each a pair of nodes
``0 .. N - 1``, separated by any white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netopt_heur.errors import InputError, Problem

__all__ = ["RwaInstance", "read_instance"]

I64 = NDArray[np.int64]

MAX_NODES = 1_000_000
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RwaInstance:
    """A static RWA instance.

    Parameters
    ----------
    name
        Name for reports.
    n_nodes
        Number of nodes.
    tail, head
        Ends of each directed edge, int64 of shape (edges,). Parallel edges are edges of their own: each
        carries every wavelength once.
    source, target
        Ends of each request, int64 of shape (requests,), in the order of the file. They differ.
    """

    name: str
    n_nodes: int
    tail: I64
    head: I64
    source: I64
    target: I64

    @property
    def n_edges(self) -> int:
        """Number of directed edges."""
        return self.tail.size

    @property
    def n_requests(self) -> int:
        """Number of requests."""
        return self.source.size


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    line: int
    column: int


def read_instance(path: str | PathLike[str]) -> RwaInstance:
    """Read and check a static RWA file.

    Parameters
    ----------
    path
        File to read.

    Returns
    -------
    RwaInstance
        Every request has different ends and a path between them.

    Raises
    ------
    InputError
        The file is not such an instance; each problem names its line and column.
    OSError
        The file cannot be read.
    """
    return _Reader(Path(path)).read()


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._last_line = 1

    def read(self) -> RwaInstance:
        tokens = list(self._tokens())
        if len(tokens) < 3:
            raise self._error(None, "", "the file must start with three numbers: nodes, edges, requests")
        n_nodes, n_edges, n_requests = (
            self._integer(token, key) for token, key in zip(tokens, ("N", "E", "T"), strict=False)
        )
        self._check_counts(tokens, n_nodes, n_edges, n_requests)
        edges, requests = tokens[3 : 3 + 2 * n_edges], tokens[3 + 2 * n_edges :]
        problems: list[Problem] = []
        tail, head = self._pairs(edges, "edges", n_nodes, problems)
        source, target = self._pairs(requests, "requests", n_nodes, problems)
        if problems:
            raise InputError(problems)
        instance = RwaInstance(self._path.name, n_nodes, tail, head, source, target)
        self._check_reachable(instance, requests)
        return instance

    def _tokens(self) -> Iterator[_Token]:
        try:
            text = self._path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._error(None, "", "not a text file (UTF-8)") from error
        for number, line in enumerate(text.split("\n"), start=1):
            for match in re.finditer(r"\S+", line):
                self._last_line = number
                yield _Token(match.group(), number, match.start() + 1)

    def _error(self, token: _Token | None, key: str, message: str) -> InputError:
        return InputError([self._problem(token, key, message)])

    def _problem(self, token: _Token | None, key: str, message: str) -> Problem:
        if token is None:
            return Problem(str(self._path), self._last_line, 1, key, message)
        got = token.text if len(token.text) <= 40 else token.text[:40] + "..."
        return Problem(str(self._path), token.line, token.column, key, message, got)

    def _integer(self, token: _Token, key: str) -> int:
        if not _NUMBER.fullmatch(token.text):
            raise self._error(token, key, "must be a whole number of at most 18 digits")
        return int(token.text)

    def _check_counts(self, tokens: list[_Token], n_nodes: int, n_edges: int, n_requests: int) -> None:
        if not 1 <= n_nodes <= MAX_NODES:
            raise self._error(tokens[0], "N", f"the number of nodes must be 1 to {MAX_NODES}")
        for token, key, count in ((tokens[1], "E", n_edges), (tokens[2], "T", n_requests)):
            if count < 0:
                raise self._error(token, key, "a count cannot be negative")
        given, needed = len(tokens) - 3, 2 * (n_edges + n_requests)
        if given > needed:
            surplus = tokens[3 + needed]
            message = f"after {n_edges} edges and {n_requests} requests the file must end"
            raise self._error(surplus, "", message)
        if given < needed:
            message = (
                f"the file ends too early: {n_edges} edges and {n_requests} requests are {needed} numbers, "
                f"and {given} follow the first three"
            )
            raise self._error(None, "", message)

    def _pairs(
        self, tokens: list[_Token], what: str, n_nodes: int, problems: list[Problem]
    ) -> tuple[I64, I64]:
        nodes = np.zeros(len(tokens), np.int64)
        for position, token in enumerate(tokens):
            key = f"{what}.{position // 2}"
            nodes[position] = node = self._integer(token, key)
            if not 0 <= node < n_nodes:
                message = f"there is no such node: they are 0 to {n_nodes - 1}"
                problems.append(self._problem(token, key, message))
        for position in range(0, len(tokens), 2):
            if nodes[position] == nodes[position + 1]:
                message = "the two nodes must differ"
                problems.append(self._problem(tokens[position + 1], f"{what}.{position // 2}", message))
        return nodes[0::2].copy(), nodes[1::2].copy()

    def _check_reachable(self, instance: RwaInstance, requests: list[_Token]) -> None:
        reached_from: dict[int, NDArray[np.bool_]] = {}
        first, successor = _successors(instance)
        problems = []
        for request, (source, target) in enumerate(
            zip(instance.source.tolist(), instance.target.tolist(), strict=True)
        ):
            if source not in reached_from:
                reached_from[source] = _reached(instance.n_nodes, first, successor, source)
            if not reached_from[source][target]:
                message = f"the edges offer no path from node {source} to this node"
                problems.append(self._problem(requests[2 * request + 1], f"requests.{request}", message))
        if problems:
            raise InputError(problems)


def _successors(instance: RwaInstance) -> tuple[list[int], list[int]]:
    order = np.argsort(instance.tail, kind="stable")
    first = np.searchsorted(instance.tail[order], np.arange(instance.n_nodes + 1))
    return first.tolist(), instance.head[order].tolist()


def _reached(n_nodes: int, first: list[int], successor: list[int], source: int) -> NDArray[np.bool_]:
    reached = np.zeros(n_nodes, np.bool_)
    reached[source] = True
    stack = [source]
    spans = list(pairwise(first))
    while stack:
        start, end = spans[stack.pop()]
        for node in successor[start:end]:
            if not reached[node]:
                reached[node] = True
                stack.append(node)
    return reached
