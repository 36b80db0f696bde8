"""Islands: several populations side by side in processes, with migration.

An epoch is a pure function of (state, seed): it runs anywhere, and the result of a run depends on the seed,
the number of islands and the number of generations only.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from netopt_heur.construct.planner import Construction, Planner
from netopt_heur.errors import WorkerLostError
from netopt_heur.instance import F64, Instance, build_instance
from netopt_heur.scenario.scenario import Scenario
from netopt_heur.search.genetic import Genetic, GeneticParams
from netopt_heur.search.individual import Individual
from netopt_heur.search.population import Shortage
from netopt_heur.search.regional import search_for
from netopt_heur.search.subproblem import PartState

MIGRATE_EVERY = 5  # generations between two migrations, and of an epoch where they take well below a second


@dataclass(frozen=True)
class IslandState:
    """A population between two epochs; constructions travel without their instance.

    ``widened`` are the sets of fibers of :meth:`Planner.widen`, the same on all islands.
    """

    widened: tuple[bytes, ...]
    members: tuple[Construction, ...]
    shortage: Shortage
    current: Construction
    rival: Construction | None
    slot_price: F64
    penalty: F64
    rates: dict[int, F64]
    parts: PartState
    moved_share: float


@dataclass(frozen=True)
class Epoch:
    """Generations to do between two exchanges.

    Attributes
    ----------
    state, seed
        Where to start, and the source of every random choice.
    progress
        Share of the run that is over before each generation, as far as it depends on their number.
    deadline
        End of the run (``time.time()``).
    """

    state: IslandState
    seed: np.random.SeedSequence
    progress: tuple[float, ...]
    deadline: float


def leave(search: Genetic) -> IslandState:
    """State of a search, fit to travel."""
    if search.current is None:
        raise ValueError("the search has no plan yet")
    return IslandState(
        tuple(search.planner.widened),
        tuple(_without_instance(member.construction) for member in search.population.members),
        replace(search.population.shortage),
        _without_instance(search.current.construction),
        None if search.rival is None else _without_instance(search.rival.construction),
        search.slot_price,
        search.penalty,
        search.planner.rates,
        replace(search.subproblems.state),
        search.moved_share,
    )


def run_epoch(planner: Planner, params: GeneticParams, epoch: Epoch) -> tuple[IslandState, int]:
    """Some generations of one island; its state, and how many there was time for."""
    begun, at_start = time.time(), epoch.progress[0]
    generation = 0

    def late() -> bool:
        return time.time() >= epoch.deadline

    def progress() -> float:
        by_clock = (time.time() - begun) / max(epoch.deadline - begun, 1e-9)
        return max(epoch.progress[generation], at_start + (1.0 - at_start) * min(by_clock, 1.0))

    search = search_for(planner, params, np.random.default_rng(epoch.seed), late, progress)
    arrive(search, epoch.state)
    while generation < len(epoch.progress) and not (generation and late()):
        search.generation()
        generation += 1
    return leave(search), generation


def generations_per_epoch(search: Genetic) -> int:
    """How many generations take a second or so: the best plan is saved between epochs only."""
    is_quick = type(search) is Genetic and not search.subproblems.worthwhile
    return MIGRATE_EVERY if is_quick else 1


def arrive(search: Genetic, state: IslandState) -> None:
    """Restore a search from its state."""
    instance = search.planner.instance
    search.planner.widen_as(state.widened)
    search.population.shortage = replace(state.shortage)
    for member in state.members:
        search.population.restore(Individual.of(with_instance(member, instance)))
    search.current = Individual.of(with_instance(state.current, instance))
    if state.rival is not None:
        search.rival = Individual.of(with_instance(state.rival, instance))
    search.slot_price, search.penalty = state.slot_price, state.penalty
    search.planner.rates = state.rates
    search.subproblems.state = replace(state.parts)
    search.moved_share = state.moved_share


class Islands:
    """Populations in worker processes, one each, which start at once and wait for :meth:`begin`.

    Parameters
    ----------
    scenario
        The problem; every worker builds its own planner from it, once.
    count
        Number of islands and of processes.
    params
        Parameters of every island.
    seed
        Source of all seeds.
    """

    def __init__(self, scenario: Scenario, count: int, params: GeneticParams, seed: int) -> None:
        self.states: list[IslandState] = []
        self._seeds = [np.random.SeedSequence([seed, island + 1]) for island in range(count)]
        self._generation = 0
        self._pool = ProcessPoolExecutor(
            count,
            multiprocessing.get_context("spawn"),
            _start_worker,
            (scenario, replace(params, widen=False)),
        )
        with _interrupts_later():  # each call starts a process
            self._starts = [self._pool.submit(_worker_is_there) for _ in range(count)]

    def begin(self, first: IslandState) -> None:
        """Start every island in one state."""
        self.states = [first] * len(self._seeds)

    def epoch(self, progress: tuple[float, ...], deadline: float) -> tuple[Construction, int]:
        """One epoch on every island, then migration if due.

        Parameters
        ----------
        progress
            See :class:`Epoch`; no migration is due between the first generation and the last.
        deadline
            End of the run (``time.time()``).

        Returns
        -------
        tuple
            The best plan, without its instance; generations that all islands had time for, none if the run
            ends before all workers are there.

        Raises
        ------
        WorkerLostError
            Something else than :meth:`close` ended a worker.
        """
        left_s = None if math.isinf(deadline) else max(0.0, deadline - time.time())
        if wait(self._starts, left_s).not_done:
            return self._best, 0
        epochs = [
            Epoch(state, seed.spawn(1)[0], progress, deadline)
            for state, seed in zip(self.states, self._seeds, strict=True)
        ]
        try:
            results = list(self._pool.map(_work, epochs))
        except BrokenProcessPool:
            message = "a worker was ended from outside, perhaps for want of memory; fewer --workers need less"
            raise WorkerLostError(message) from None
        self.states = _widened([state for state, _ in results])
        self._generation += len(progress)
        best = self._best
        if self._generation % MIGRATE_EVERY == 0:
            self.states = [replace(state, members=(*state.members, best)) for state in self.states]
        return best, min(generations for _, generations in results)

    @property
    def _best(self) -> Construction:
        return min((member for state in self.states for member in state.members), key=Construction.rank)

    def close(self) -> None:
        """Stop the workers, wherever they are: what they are at is not asked for any more."""
        for worker in list(self._pool._processes.values()):  # Executor.kill_workers is of Python 3.14
            worker.kill()
        # Waits for the executor's thread, which has nothing left to do: at exit it would be in Python's way.
        self._pool.shutdown(cancel_futures=True)


def _widened(states: list[IslandState]) -> list[IslandState]:
    """Let all islands look for links on the fibers that the plans of any of them light."""
    plans = (plan for state in states for plan in (*state.members, state.current))
    known = dict.fromkeys((*states[0].widened, *(plan.lit.tobytes() for plan in plans)))
    return [replace(state, widened=tuple(known)) for state in states]


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Let Ctrl-C wait until workers have been started, each of which blocks it for good.

    A worker that is interrupted while it starts complains; one whose start is interrupted here is in no list
    of workers, and would wait for work forever. Blocking alone is not enough: another thread may take the
    signal, and Python handles it in the main one.
    """
    late: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, _: late.append(number)) if main else None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
    if late and callable(handler):
        handler(signal.SIGINT, None)


_worker: tuple[Planner, GeneticParams] | None = None


def _start_worker(scenario: Scenario, params: GeneticParams) -> None:
    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = (Planner(build_instance(scenario)), params)


def _end_with_parent() -> None:
    """However it ends: the pipe that brings work stays open as long as any worker has it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _worker_is_there() -> bool:
    return _worker is not None


def _work(epoch: Epoch) -> tuple[IslandState, int]:
    if _worker is None:
        raise RuntimeError("the worker was not started")
    return run_epoch(*_worker, epoch)


def _without_instance(construction: Construction) -> Construction:
    design = replace(construction.design, instance=None)  # type: ignore[arg-type]
    return replace(construction, design=design)


def with_instance(construction: Construction, instance: Instance) -> Construction:
    """Give a construction that travelled its instance back."""
    return replace(construction, design=replace(construction.design, instance=instance))
