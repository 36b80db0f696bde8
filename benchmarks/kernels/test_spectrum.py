"""First-fit wavelength assignment against Python integers as bit masks and numpy booleans."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks.kernels.networks import network
from netopt_kernels import paths, spectrum

SLOTS = 384


@cache
def routes() -> list[np.ndarray]:
    """Shortest routes between all pairs of germany50, in random order, three times."""
    net = network("germany50")
    found = []
    for target in range(net.n_sites):
        for source in range(target):
            _, edges, hops, _ = paths.k_shortest_paths(*net.arcs, net.length_m, source, target, 1, np.inf, 50)
            found.append(edges[0, : hops[0]].copy())
    draw = np.random.default_rng(4)
    return [found[at] for at in np.concatenate([draw.permutation(len(found)) for _ in range(3)])]


def python_integers(width: int) -> list[int]:
    used = [0] * len(network("germany50").ends)
    whole = (1 << SLOTS) - 1
    starts = []
    for route in ROUTES:
        taken = 0
        for fiber in route:
            taken |= used[fiber]
        free = ~taken & whole
        run = 1
        while run < width:
            step = min(run, width - run)
            free &= free >> step
            run += step
        start = (free & -free).bit_length() - 1
        if start >= 0:
            block = ((1 << width) - 1) << start
            for fiber in route:
                used[fiber] |= block
        starts.append(start)
    return starts


def numpy_booleans(width: int) -> list[int]:
    used = np.zeros((len(network("germany50").ends), SLOTS), bool)
    starts = []
    for route in ROUTES:
        free = ~used[route].any(axis=0)
        if width > 1:
            free = np.lib.stride_tricks.sliding_window_view(free, width).all(axis=1)
        start = int(free.argmax()) if free.any() else -1
        if start >= 0:
            used[route, start : start + width] = True
        starts.append(start)
    return starts


def ours(width: int) -> np.ndarray:
    n_fibers = len(network("germany50").ends)
    grid = spectrum.empty_grid(n_fibers, 1, SLOTS)
    start, pair = np.empty(len(ROUTES), np.int64), np.empty(len(FIBERS), np.int64)
    widths = np.full(len(ROUTES), width)
    lit = np.ones(n_fibers, np.int64)
    spectrum.assign(grid, lit, FIRST, FIBERS, widths, EVERYONE, spectrum.FIRST_FIT, SLOTS, start, pair)
    return start


ARRAYS = routes()
ROUTES = [route.tolist() for route in ARRAYS]
FIRST, FIBERS = np.cumsum([0, *map(len, ROUTES)]), np.concatenate(ARRAYS)
EVERYONE = np.arange(len(ROUTES))


@pytest.mark.parametrize("contender", [ours, python_integers, numpy_booleans])
@pytest.mark.parametrize("width", [1, 6])
def test_first_fit(measure: Any, width: int, contender: Any) -> None:
    hops = sum(map(len, ROUTES))
    found = measure(
        f"first-fit, {width} slots, per hop", contender.__name__, lambda: contender(width), hops, 5
    )
    assert list(found) == python_integers(width)
