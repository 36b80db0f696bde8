"""Obvious twins of `netopt_kernels.grooming`: sets of states, sorted loads, all simple paths."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Path = tuple[int, ...]

UNPROTECTED, SURVIVABLE, DISJOINT = range(3)


@dataclass(frozen=True)
class Link:
    """A candidate link: ends, latency with one router hop, what takes it down, cost per number of units."""

    a: int
    b: int
    latency_ms: float
    states: frozenset[int]
    components: frozenset[int]
    steps: tuple[float, ...]


@dataclass(frozen=True)
class Demand:
    """An LSP: ends, load per direction and sample, promises; what its ends' failures are."""

    a: int
    b: int
    samples: FloatArray  # [2, S]
    max_latency_ms: float
    backup_max_latency_ms: float
    protection: int
    node_disjoint: bool
    min_availability: float
    end_states: frozenset[int]
    end_components: frozenset[int]


@dataclass(frozen=True)
class Problem:
    """Links, LSPs, clock. Components below ``n_groups`` are shared-risk groups, the others are sites."""

    n_nodes: int
    links: tuple[Link, ...]
    demands: tuple[Demand, ...]
    n_states: int
    n_groups: int
    unavailability: tuple[float, ...]
    group_start: tuple[int, ...]
    rank_normal: tuple[int, ...]
    rank_failure: tuple[int, ...]
    units_per_gbps: float
    max_hops: int


Routes = list[tuple[Path, Path | None] | None]


def directions(problem: Problem, source: int, path: Path) -> list[bool]:
    """Whether the path walks each of its links from the link's b end; fails if it is not a path."""
    backward, node = [], source
    for key in path:
        link = problem.links[key]
        assert node in (link.a, link.b), "links do not join up"
        backward.append(node != link.a)
        node = link.a if node == link.b else link.b
    return backward


def states_of(problem: Problem, path: Path) -> set[int]:
    """States in which the path is down."""
    return {state for key in path for state in problem.links[key].states}


def components_of(problem: Problem, path: Path) -> set[int]:
    """Components on the path."""
    return {component for key in path for component in problem.links[key].components}


def load(problem: Problem, routes: Routes, link: int, state: int) -> FloatArray:
    """Load of a link in a state, [2, S]."""
    total = np.zeros(problem.demands[0].samples.shape)
    for demand, route in zip(problem.demands, routes, strict=True):
        if route is None:
            continue
        primary, backup = route
        carrying: Path = primary
        if state in states_of(problem, primary):
            carrying = () if backup is None or state in states_of(problem, backup) else backup
        for key, backward in zip(carrying, directions(problem, demand.a, carrying), strict=True):
            if key == link:
                total += demand.samples[::-1] if backward else demand.samples
    return total


def required_in(problem: Problem, routes: Routes, link: int, state: int) -> float:
    """Largest order statistic over directions and groups of samples in one state."""
    worst = 0.0
    ranks = problem.rank_failure if state else problem.rank_normal
    for direction in load(problem, routes, link, state):
        for group, rank in enumerate(ranks):
            start, end = problem.group_start[group], problem.group_start[group + 1]
            worst = max(worst, sorted(direction[start:end].tolist())[rank - 1])
    return worst


def required(problem: Problem, routes: Routes, link: int) -> float:
    """Largest order statistic over all states."""
    return max(required_in(problem, routes, link, state) for state in range(problem.n_states))


def units(problem: Problem, load_gbps: float) -> int:
    """Whole units of capacity for a load."""
    return math.ceil(load_gbps * problem.units_per_gbps - 1e-9)


def worth(problem: Problem, link: int, load_gbps: float, used: bool = True) -> float:
    """Cost of a link at a load, a unit at least if used; beyond its table in proportion to the last entry."""
    steps, need = problem.links[link].steps, max(int(used), units(problem, load_gbps))
    last = len(steps) - 1
    return steps[need] if need <= last else steps[last] * need / last


def broken_promises(problem: Problem, demand: Demand, primary: Path, backup: Path | None) -> list[str]:
    """What a demand's paths fail to keep, apart from the availability that no backup could reach."""
    broken = []
    for path, bound_ms in ((primary, demand.max_latency_ms), (backup, demand.backup_max_latency_ms)):
        if path is None:
            continue
        sites = [demand.a]
        for key, backward in zip(path, directions(problem, demand.a, path), strict=True):
            sites.append(problem.links[key].a if backward else problem.links[key].b)
        broken += ["ends"] * (sites[-1] != demand.b)
        broken += ["loop"] * (len(set(sites)) < len(sites))
        broken += ["hops"] * (len(path) > problem.max_hops)
        broken += ["latency"] * (sum(problem.links[key].latency_ms for key in path) > bound_ms + 1e-9)
    exposed = states_of(problem, primary) - demand.end_states
    if backup is not None:
        exposed &= states_of(problem, backup)
    broken += ["exposed"] * (demand.protection != UNPROTECTED and bool(exposed))
    if demand.protection == DISJOINT:
        broken += ["no backup"] * (backup is None)
        shared = components_of(problem, primary) & components_of(problem, backup or ())
        broken += ["groups"] * any(c < problem.n_groups for c in shared)
        broken += ["sites"] * (demand.node_disjoint and bool(shared - demand.end_components))
    available = up(problem, components_of(problem, primary))
    if backup is not None:
        second = components_of(problem, backup)
        both = up(problem, components_of(problem, primary) | second)
        available = available + up(problem, second) - both
    broken += ["availability"] * (available < demand.min_availability - 1e-12)
    return broken


def up(problem: Problem, components: set[int]) -> float:
    """Probability that independent components are all up."""
    return math.prod(1.0 - problem.unavailability[c] for c in components)


def simple_paths(problem: Problem, source: int, target: int, closed: set[int]) -> Iterator[Path]:
    """All simple paths within the hop bound that avoid closed links."""

    def extend(node: int, seen: frozenset[int], path: Path) -> Iterator[Path]:
        if node == target:
            yield path
            return
        if len(path) == problem.max_hops:
            return
        for key, link in enumerate(problem.links):
            if key not in closed and node in (link.a, link.b):
                other = link.a if node == link.b else link.b
                if other not in seen:
                    yield from extend(other, seen | {other}, (*path, key))

    return extend(source, frozenset({source}), ())


def least_weight(
    problem: Problem, demand: Demand, weight: Sequence[float], bound_ms: float, closed: set[int]
) -> float:
    """Least weight of a path within latency and hop bounds; inf if there is none."""
    return min(
        (
            sum(weight[key] for key in path)
            for path in simple_paths(problem, demand.a, demand.b, closed)
            if sum(problem.links[key].latency_ms for key in path) <= bound_ms
        ),
        default=math.inf,
    )
