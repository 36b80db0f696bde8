"""Obvious twins of `netopt_kernels.loads`: sorting, sets of states and plain sums."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Members = Sequence[tuple[int, int]]
"""(LSP, orientation) pairs."""


def bits_of(states: Sequence[set[int]], n_words: int) -> npt.NDArray[np.uint64]:
    words = [[sum(1 << (f % 64) for f in down if f // 64 == w) for w in range(n_words)] for down in states]
    return np.array(words, dtype=np.uint64).reshape(len(states), n_words)


def order_statistic(values: FloatArray, group_start: Sequence[int], rank: Sequence[int]) -> float:
    groups = zip(group_start[:-1], group_start[1:], rank, strict=True)
    return max(float(np.sort(values[first:end])[j - 1]) for first, end, j in groups)


def base_loads(samples: FloatArray, paths: Sequence[Members], n_links: int) -> FloatArray:
    loads = np.zeros((n_links, 2, samples.shape[2]))
    for lsp, path in enumerate(paths):
        for link, orientation in path:
            loads[link] += samples[lsp, ::-1] if orientation else samples[lsp]
    return loads


def link_load(
    samples: FloatArray,
    primary: Members,
    backup: Members,
    down_primary: Sequence[set[int]],
    down_backup: Sequence[set[int]],
    state: int,
) -> FloatArray:
    load = np.zeros(samples.shape[1:])
    for lsp, orientation in primary:
        if state not in down_primary[lsp]:
            load += samples[lsp, ::-1] if orientation else samples[lsp]
    for lsp, orientation in backup:
        if state in down_primary[lsp] and state not in down_backup[lsp]:
            load += samples[lsp, ::-1] if orientation else samples[lsp]
    return load


def link_required(
    samples: FloatArray,
    primary: Members,
    backup: Members,
    down_primary: Sequence[set[int]],
    down_backup: Sequence[set[int]],
    n_states: int,
    group_start: Sequence[int],
    rank_normal: Sequence[int],
    rank_failure: Sequence[int],
) -> tuple[float, int, int]:
    needs = []
    for state in range(n_states):
        load = link_load(samples, primary, backup, down_primary, down_backup, state)
        rank = rank_failure if state else rank_normal
        needs += [(order_statistic(load[d], group_start, rank), -state, -d) for d in range(2)]
    required, state, direction = max(needs)
    return required, -state, -direction


def path_down(link_down: Sequence[set[int]], paths: Sequence[Sequence[int]]) -> list[set[int]]:
    return [{f for link in path for f in link_down[link]} for path in paths]
