"""Obvious twins of `netopt_kernels.rwa` and of the whole RWA solver: every path, every wavelength."""

import math
from collections.abc import Iterator, Sequence

Edge = tuple[int, int]


def least_prices(n_nodes: int, edges: Sequence[Edge], price: Sequence[int], target: int) -> list[float]:
    """Bellman-Ford, over the edges backwards."""
    best = [math.inf] * n_nodes
    best[target] = 0
    for _ in range(n_nodes):
        for (a, b), cost in zip(edges, price, strict=True):
            best[a] = min(best[a], cost + best[b])
    return best


def simple_paths(edges: Sequence[Edge], source: int, target: int) -> Iterator[list[int]]:
    """All simple paths, as edges."""

    def extend(node: int, seen: set[int], path: list[int]) -> Iterator[list[int]]:
        if node == target:
            yield list(path)
            return
        for edge, (a, b) in enumerate(edges):
            if a == node and b not in seen:
                yield from extend(b, seen | {b}, [*path, edge])

    yield from extend(source, {source}, [])


def fewest_wavelengths(edges: Sequence[Edge], requests: Sequence[Edge]) -> int:
    """Optimum by backtracking over every path and wavelength of each request in turn."""
    choices = [list(simple_paths(edges, *request)) for request in requests]

    def fits(request: int, used: list[set[int]]) -> bool:
        if request == len(requests):
            return True
        for path in choices[request]:
            for wavelength in used:
                if wavelength.isdisjoint(path):
                    wavelength.update(path)
                    if fits(request + 1, used):
                        return True
                    wavelength.difference_update(path)
        return False

    count = 0
    while not fits(0, [set() for _ in range(count)]):
        count += 1
    return count


def assignment_faults(
    edges: Sequence[Edge],
    requests: Sequence[Edge],
    owner: Sequence[Sequence[int]],
    wave: Sequence[int],
    paths: Sequence[Sequence[int]],
) -> list[str]:
    """What is wrong with the arrays of an assignment; ``paths`` holds only the edges in use."""
    faults = []
    expected = [[-1] * len(edges) for _ in owner]
    for request, (source, target) in enumerate(requests):
        if wave[request] < 0:
            continue
        node = source
        for edge in paths[request]:
            if edges[edge][0] != node:
                faults.append(f"request {request}: the path is broken at edge {edge}")
            if expected[wave[request]][edge] >= 0:
                faults.append(f"request {request}: edge {edge} is taken")
            expected[wave[request]][edge] = request
            node = edges[edge][1]
        if node != target:
            faults.append(f"request {request}: ends at {node}")
    if [list(row) for row in owner] != expected:
        faults.append("owner does not match the paths")
    return faults
