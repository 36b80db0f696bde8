"""Independent check of a wavelength assignment, in plain Python: no array, no kernel, no search code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netopt_heur.rwa.instance import RwaInstance

__all__ = ["check_solution"]


def check_solution(instance: RwaInstance, solution: Mapping[str, object]) -> list[str]:
    """Everything that is wrong with a solution.

    Parameters
    ----------
    instance
        The instance that it claims to solve.
    solution
        The solution as in its file: ``wavelengths`` and ``lightpaths``, each with ``request``, ``path``
        (nodes) and ``wavelength``.

    Returns
    -------
    list of str
        Violations in words, empty if the solution is right: each request has exactly one lightpath, from
        its source to its target over existing edges, on one wavelength; parallel edges carry a wavelength
        as often as there are edges; the wavelengths used are 0 to ``wavelengths - 1``.
    """
    lightpaths = solution.get("lightpaths")
    if not isinstance(lightpaths, list):
        return ["lightpaths: must be a list"]
    problems: list[str] = []
    edges = Counter(zip(instance.tail.tolist(), instance.head.tolist(), strict=True))
    used: Counter[tuple[int, int, int]] = Counter()
    wavelengths: set[int] = set()
    seen: Counter[int] = Counter()
    for position, lightpath in enumerate(lightpaths):
        where = f"lightpaths.{position}"
        parts = _parts(lightpath)
        if parts is None:
            problems.append(f"{where}: needs request, path (nodes) and wavelength, all whole numbers")
            continue
        request, path, wavelength = parts
        if not 0 <= request < instance.n_requests:
            problems.append(f"{where}: there is no request {request}")
            continue
        seen[request] += 1
        problems += _path_problems(where, instance, request, path, edges)
        used.update((a, b, wavelength) for a, b in pairwise(path))
        wavelengths.add(wavelength)
    problems += _count_problems(instance, solution.get("wavelengths"), wavelengths, seen)
    problems += [
        f"edge {a} -> {b}: wavelength {wavelength} is used {count} times on {edges[a, b]} edge(s)"
        for (a, b, wavelength), count in sorted(used.items())
        if count > edges[a, b] > 0
    ]
    return problems


def _parts(lightpath: object) -> tuple[int, list[int], int] | None:
    if not isinstance(lightpath, Mapping):
        return None
    request, path, wavelength = (lightpath.get(key) for key in ("request", "path", "wavelength"))
    if not (type(request) is int and type(wavelength) is int and isinstance(path, list) and path):
        return None
    return (request, path, wavelength) if all(type(node) is int for node in path) else None


def _path_problems(
    where: str, instance: RwaInstance, request: int, path: list[int], edges: Counter[tuple[int, int]]
) -> list[str]:
    problems = []
    ends = (int(instance.source[request]), int(instance.target[request]))
    if (path[0], path[-1]) != ends:
        problems.append(f"{where}: must lead from {ends[0]} to {ends[1]}, not from {path[0]} to {path[-1]}")
    if len(set(path)) < len(path):
        problems.append(f"{where}: visits a node twice")
    problems += [f"{where}: there is no edge {a} -> {b}" for a, b in pairwise(path) if edges[a, b] == 0]
    return problems


def _count_problems(
    instance: RwaInstance, claimed: object, wavelengths: set[int], seen: Counter[int]
) -> list[str]:
    problems = []
    if type(claimed) is not int or claimed != len(wavelengths):
        problems.append(f"wavelengths: says {claimed!r}, but {len(wavelengths)} are used")
    elif wavelengths != set(range(claimed)):
        problems.append(f"wavelengths: must be numbered 0 to {claimed - 1}")
    for request in range(instance.n_requests):
        if seen[request] != 1:
            problems.append(f"request {request}: has {seen[request]} lightpaths instead of one")
    return problems
