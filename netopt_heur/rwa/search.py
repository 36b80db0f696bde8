"""Static routing and wavelength assignment by ejection search; the method is described in docs/rwa.md."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from netopt_heur.errors import UsageError, is_interrupt
from netopt_heur.rwa.bound import BoundTask
from netopt_heur.rwa.instance import RwaInstance
from netopt_heur.rwa.network import Network, build_network
from netopt_kernels import rwa as kernels

__all__ = ["RwaResult", "SearchParams", "solve_rwa", "to_dict"]

DEFAULT_TIME_LIMIT_S = 10.0
StopReason = Literal["bound", "time_limit", "iterations", "interrupted"]

STEPS_PER_CALL = 100  # between two looks at the clock


@dataclass(frozen=True, slots=True)
class SearchParams:
    """Parameters of the search; docs/rwa.md has the measurements behind the defaults.

    Parameters
    ----------
    base_price
        Price of an edge nobody competes for.
    contention_weight
        Mean surcharge for contention, as a multiple of ``base_price``.
    contention_keep
        Share of the counted ejections that survives an update of the prices.
    toll_level
        Mean toll of a request in the way, as a multiple of the mean edge price.
    shakes
        Random requests moved after each step.
    detour
        Longest acceptable free path, as a multiple of the cheapest one in an empty network.
    """

    base_price: int = 1000
    contention_weight: float = 1.0
    contention_keep: float = 0.9975
    toll_level: float = 1.0
    shakes: int = 2
    detour: float = 1.5


@dataclass(frozen=True, slots=True)
class RwaResult:
    """A routing and wavelength assignment.

    Parameters
    ----------
    wavelengths
        Number of wavelengths used.
    lower_bound
        Proven lower bound on it.
    lightpaths
        Nodes of the path and wavelength of each request, in the order of the file.
    runtime_s
        Wall-clock seconds in all.
    found_s
        Wall-clock seconds until this assignment was found.
    stopped_by
        ``bound`` (proven optimal), ``time_limit``, ``iterations`` or ``interrupted``.
    iterations
        Steps of the ejection search.
    """

    wavelengths: int
    lower_bound: int
    lightpaths: list[tuple[tuple[int, ...], int]]
    runtime_s: float
    found_s: float
    stopped_by: StopReason
    iterations: int


def solve_rwa(
    instance: RwaInstance,
    *,
    seed: int = 0,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    iterations: int | None = None,
    params: SearchParams = SearchParams(),
    progress: bool = False,
) -> RwaResult:
    """Route all requests on as few wavelengths as possible.

    Parameters
    ----------
    instance
        The instance.
    seed
        Seed of every random choice, not negative. What is found after a number of iterations depends on the
        seed only.
    time_limit_s
        Seconds until the search stops at the latest.
    iterations
        Steps of the ejection search at most (rounded up to the next 100); no limit by default.
    params
        Parameters of the search.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    RwaResult
        The best assignment found; the search ends early once it is proven optimal.

    Raises
    ------
    UsageError
        A limit or the seed makes no sense.

    Examples
    --------
    Two requests share their only edge, so they need two wavelengths:

    >>> one_edge, two_requests = np.array([0]), np.array([0, 0])
    >>> instance = RwaInstance("", 2, one_edge, one_edge + 1, two_requests, two_requests + 1)
    >>> solve_rwa(instance).lightpaths
    [((0, 1), 0), ((0, 1), 1)]
    """
    if not (math.isfinite(time_limit_s) and time_limit_s > 0):
        raise UsageError(f"time_limit_s: must be a positive, finite number of seconds (got {time_limit_s:g})")
    if seed < 0 or (iterations is not None and iterations < 0):
        raise UsageError("seed and iterations must not be negative")
    return _Run(instance, seed, time_limit_s, iterations, params).solve(progress)


class _Run:
    """One run: the state of the search, its clock and the best assignment so far."""

    def __init__(
        self,
        instance: RwaInstance,
        seed: int,
        time_limit_s: float,
        iterations: int | None,
        params: SearchParams,
    ) -> None:
        self._started = time.perf_counter()
        self._time_limit_s = time_limit_s
        self._max_iterations = iterations
        self._instance = instance
        self._network = build_network(instance)
        self._search = _EjectionSearch(instance, self._network, seed, params)
        self._iterations = 0

    def solve(self, progress: bool) -> RwaResult:
        with BoundTask(self._instance, self._network, self._time_limit_s) as task, _bar(progress) as bar:
            self._search.construct()
            self._keep_best()
            try:
                reason = self._improve(task, bar)
            except (KeyboardInterrupt, SystemError) as error:
                if not is_interrupt(error):
                    raise
                reason = "interrupted"
            bound = task.bound
        return RwaResult(
            wavelengths=self._wavelengths,
            lower_bound=bound,
            lightpaths=self._best,
            runtime_s=time.perf_counter() - self._started,
            found_s=self._found_s,
            stopped_by=reason,
            iterations=self._iterations,
        )

    def _improve(self, task: BoundTask, bar: Any) -> StopReason:
        while not (reason := self._stop(task)):
            if self._search.complete:
                self._search.drop_wave()
            self._iterations += self._search.step(STEPS_PER_CALL)
            if self._search.complete:
                self._keep_best()
            out = self._search.pooled
            bar.set_postfix_str(f"{self._wavelengths} found, {task.bound} needed, {out} left out")
        return reason

    def _keep_best(self) -> None:
        self._best = self._search.lightpaths()
        self._wavelengths = self._search.waves
        self._found_s = time.perf_counter() - self._started

    def _stop(self, task: BoundTask) -> StopReason | None:
        left_s = self._started + self._time_limit_s - time.perf_counter()
        if self._max_iterations is not None and self._iterations >= self._max_iterations:
            task.wait(max(left_s, 0.0))  # so that the bound does not depend on the speed of the machine
            return "bound" if self._wavelengths == task.bound else "iterations"
        if self._wavelengths == task.bound:
            return "bound"
        return "time_limit" if left_s <= 0 else None


def _bar(progress: bool) -> Any:
    from tqdm import tqdm

    return tqdm(disable=not progress, desc="rwa", bar_format="{desc} {elapsed}{postfix}")


class _EjectionSearch:
    """Assignment in kernel arrays, the pool of requests without a wavelength, learned prices and tolls."""

    def __init__(self, instance: RwaInstance, network: Network, seed: int, params: SearchParams) -> None:
        self._instance = instance
        self._network = network
        self._params = params
        n_requests, n_edges = instance.n_requests, instance.n_edges
        self._rng = np.random.default_rng(seed)
        self._random = self._rng.integers(1, 2**63, 1, np.uint64)
        self._price = np.full(n_edges, params.base_price, np.int64)
        self._to_go = network.to_go(self._price)
        self._assignment: kernels.Assignment = (
            np.full((0, n_edges), -1, np.int64),
            np.full(n_requests, -1, np.int64),
            np.zeros((n_requests, instance.n_nodes), np.int64),
            np.zeros(n_requests, np.int64),
        )
        self._pool = np.zeros(n_requests, np.int64)
        self._toll = np.ones(n_requests)
        self._contention = np.zeros(n_edges)
        # Looking all prices up afresh costs a few steps' time per target.
        self._steps_per_update = max(5 * STEPS_PER_CALL, 5 * network.targets.size)
        self._steps_since_update = 0
        self.pooled = 0
        self.waves = 0

    @property
    def complete(self) -> bool:
        """Whether every request has a wavelength."""
        return self.pooled == 0

    def construct(self) -> None:
        """Assign all requests, longest first, each to the open wavelength with its cheapest free path."""
        source, _, row = self._network.requests
        length = self._to_go[row, source]
        order = np.lexsort((self._rng.random(length.size), -length))
        while order.size:
            self._add_rows(max(8, self.waves // 2))
            done, self.waves = kernels.fill(
                self._network.graph,
                self._price,
                self._to_go,
                self._network.requests,
                self._assignment,
                order,
                self.waves,
                self._params.detour,
            )
            order = order[done:].copy()

    def _add_rows(self, count: int) -> None:
        owner, wave, path, hops = self._assignment
        more = np.full((count, self._instance.n_edges), -1, np.int64)
        self._assignment = (np.concatenate([owner, more]), wave, path, hops)

    def drop_wave(self) -> None:
        """Close the wavelength with the fewest requests; those go to the pool."""
        owner, wave, _, _ = self._assignment
        last = self.waves - 1
        fewest = int(np.argmin(np.bincount(wave, minlength=self.waves)))
        out = np.flatnonzero(wave == fewest)
        owner[fewest] = owner[last]
        owner[last] = -1
        wave[wave == last] = fewest
        wave[out] = -1
        self._pool[: out.size] = out
        self.pooled = out.size
        self.waves = last

    def step(self, steps: int) -> int:
        """Do up to ``steps`` steps; returns how many."""
        self.pooled, done = kernels.eject_search(
            self._network.graph,
            self._price,
            self._to_go,
            self._network.requests,
            self._assignment,
            self.waves,
            self._pool,
            self.pooled,
            self._toll,
            self._contention,
            steps,
            self._params.shakes,
            self._params.toll_level * float(self._price.mean()),
            self._params.detour,
            self._random,
        )
        self._steps_since_update += done
        if self._steps_since_update >= self._steps_per_update:
            self._steps_since_update = 0
            self._update_prices()
        return done

    def _update_prices(self) -> None:
        mean = self._contention.mean()
        if mean > 0:
            surcharge = self._contention * (self._params.contention_weight / mean)
            self._price = np.rint(self._params.base_price * (1.0 + surcharge)).astype(np.int64)
            self._to_go = self._network.to_go(self._price)
            self._contention *= self._params.contention_keep

    def lightpaths(self) -> list[tuple[tuple[int, ...], int]]:
        """Nodes and wavelength of each request."""
        _, wave, path, hops = self._assignment
        source, head = self._instance.source, self._instance.head
        return [
            ((int(source[request]), *head[path[request, : hops[request]]].tolist()), int(wave[request]))
            for request in range(source.size)
        ]


def to_dict(result: RwaResult) -> dict[str, object]:
    """The result as the object of a solution file.

    Returns
    -------
    dict
        ``wavelengths`` and ``lightpaths``, each with ``request``, ``path`` (nodes) and ``wavelength``;
        requests in the order of the instance, everything counted from 0.
    """
    return {
        "wavelengths": result.wavelengths,
        "lightpaths": [
            {"request": request, "path": list(path), "wavelength": wavelength}
            for request, (path, wavelength) in enumerate(result.lightpaths)
        ],
    }
