"""Two threads on all pairs of 1,000 sites: ``python benchmarks/kernels/threads.py``.

The k shortest paths to every 20th site from all sites, on one thread, from a pool of threads (kernels release
the GIL), and in a ``prange`` loop. Wall-clock seconds, medians of the runs, which alternate.
"""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numba import njit, prange

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.kernels.networks import network
from netopt_kernels import paths

K = 8
NET = network("1,000 sites")
EVERYONE = np.arange(NET.n_sites)
TARGETS = np.arange(0, NET.n_sites, 20)


def to_target(target: int) -> np.ndarray:
    return paths.k_shortest_paths_batch(*NET.arcs, NET.length_m, EVERYONE, target, K, np.inf, NET.n_sites)[4]


@njit(parallel=True, nogil=True)
def in_prange(
    first_arc: np.ndarray, head: np.ndarray, arc_edge: np.ndarray, length: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    n = len(first_arc) - 1
    found = np.empty((len(targets), n, K))
    for at in prange(len(targets)):
        found[at] = paths.k_shortest_paths_batch(
            first_arc, head, arc_edge, length, np.arange(n), targets[at], K, np.inf, n
        )[4]
    return found


def main() -> None:
    """Print the medians."""
    pool = ThreadPoolExecutor(2)
    ways = {
        "one thread": lambda: np.array([to_target(int(t)) for t in TARGETS]),
        "pool of two threads": lambda: np.array(list(pool.map(to_target, TARGETS.tolist()))),
        "prange": lambda: in_prange(*NET.arcs, NET.length_m, TARGETS),
    }
    expected = ways["one thread"]()
    for name, way in ways.items():
        assert np.array_equal(way(), expected), name
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(9):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    for name, runs in seconds.items():
        print(f"{name:<20} {statistics.median(runs):.3f} s")


if __name__ == "__main__":
    main()
