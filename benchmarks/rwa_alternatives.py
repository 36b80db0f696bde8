"""What the RWA solver was compared with: evolved slot orders, and routing first, colouring second.

Both stop at the time limit or at the bound, which is known to them from the start.
"""

import time
from typing import Literal

import numpy as np
import numpy.typing as npt
from numba import njit

from netopt_heur.rwa import RwaInstance, RwaResult
from netopt_heur.rwa.bound import BoundTask
from netopt_heur.rwa.network import Network, build_network
from netopt_kernels import rwa as kernels

Array = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
State = npt.NDArray[np.uint64]

POPULATION, ELITE, MUTANTS, BIAS = 40, 10, 6, 0.7
ROUTING_ROUNDS = 30


class _Race:
    """Clock, bound and best assignment of one run."""

    def __init__(self, instance: RwaInstance, time_limit_s: float) -> None:
        self.instance, self.network = instance, build_network(instance)
        with BoundTask(instance, self.network, 60.0) as task:
            task.wait(60.0)
            self.bound = task.bound
        self.started = time.perf_counter()
        self.time_limit_s = time_limit_s
        self.waves = instance.n_requests + 1
        self.found_s = 0.0
        self.steps = 0

    @property
    def running(self) -> bool:
        return self.waves > self.bound and self.elapsed_s < self.time_limit_s

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def offer(self, waves: int, wave: Array, path: Array, hops: Array) -> None:
        if waves < self.waves:
            self.waves, self.found_s = waves, self.elapsed_s
            self.best = (wave.copy(), path.copy(), hops.copy())

    def result(self) -> RwaResult:
        wave, path, hops = self.best
        head, source = self.instance.head, self.instance.source
        lightpaths = [
            ((int(source[r]), *head[path[r, : hops[r]]].tolist()), int(wave[r])) for r in range(source.size)
        ]
        reason: Literal["bound", "time_limit"] = "bound" if self.waves == self.bound else "time_limit"
        return RwaResult(self.waves, self.bound, lightpaths, self.elapsed_s, self.found_s, reason, self.steps)


def evolved_order(instance: RwaInstance, seed: int, time_limit_s: float) -> RwaResult:
    """Biased random keys for the order in which the greedy construction takes the requests.

    After Brandao, Noronha and Ribeiro (2015): a key's order is decoded by cheapest free path per wavelength.
    """
    race, rng = _Race(instance, time_limit_s), np.random.default_rng(seed)
    price = np.full(instance.n_edges, 1000, np.int64)
    to_go = race.network.to_go(price)
    length = to_go[race.network.requests[2], instance.source] / price[0]

    def decode(keys: Floats) -> float:
        # Longer requests first, as far as the keys let them.
        order = np.argsort(-(length + length.max() * keys), kind="stable").astype(np.int64)
        waves, assignment = _decode(race.network, instance, price, to_go, order)
        race.offer(waves, *assignment[1:])
        race.steps += 1
        used = np.bincount(assignment[1], minlength=waves)
        return waves + float(used.min()) / instance.n_requests  # nearly empty wavelengths are nearly saved

    keys = rng.random((POPULATION, instance.n_requests))
    keys[0] = 0.0
    cost = np.array([decode(each) for each in keys])
    while race.running:
        ranks = np.argsort(cost, kind="stable")
        keys, cost = keys[ranks], cost[ranks]
        for child in range(ELITE, POPULATION):
            keys[child] = rng.random(instance.n_requests)
            if child < POPULATION - MUTANTS:
                elite, other = keys[rng.integers(ELITE)], keys[rng.integers(ELITE, POPULATION)]
                keys[child] = np.where(rng.random(instance.n_requests) < BIAS, elite, other)
            cost[child] = decode(keys[child])
            if not race.running:
                break
    return race.result()


def _decode(
    network: Network, instance: RwaInstance, price: Array, to_go: Array, order: Array
) -> tuple[int, kernels.Assignment]:
    owner = np.full((8, instance.n_edges), -1, np.int64)
    wave = np.full(instance.n_requests, -1, np.int64)
    path = np.zeros((instance.n_requests, instance.n_nodes), np.int64)
    hops, waves = np.zeros(instance.n_requests, np.int64), 0
    while True:
        assignment = (owner, wave, path, hops)
        done, waves = kernels.fill(
            network.graph, price, to_go, network.requests, assignment, order, waves, 1.5
        )
        if done == order.size:
            return waves, assignment
        order = order[done:].copy()
        owner = np.concatenate([owner, np.full_like(owner, -1)])


def two_stage(instance: RwaInstance, seed: int, time_limit_s: float) -> RwaResult:
    """Routes of least congestion by rerouting, then tabu colouring of them (Hertz and de Werra 1987)."""
    race, rng = _Race(instance, time_limit_s), np.random.default_rng(seed)
    path, hops = _route(race, rng)
    load = np.bincount(
        np.concatenate([path[r, : hops[r]] for r in range(instance.n_requests)]), minlength=instance.n_edges
    )
    wave = _first_fit(path, hops, instance.n_edges)
    race.offer(int(wave.max()) + 1, wave, path, hops)
    random = np.array([seed + 88172645463325252], np.uint64)
    while race.running and race.waves > load.max():
        waves = race.waves - 1
        out = wave >= waves
        wave[out] = rng.integers(0, waves, int(out.sum()))
        state = _new_colouring(path, hops, wave, instance.n_edges, waves)
        while race.running:
            conflicts = _tabu(path, hops, wave, *state, random, 2000)
            race.steps += 2000
            if conflicts == 0:
                race.offer(waves, wave, path, hops)
                break
    return race.result()


def _route(race: _Race, rng: np.random.Generator) -> tuple[Array, Array]:
    instance = race.instance
    load = np.zeros(instance.n_edges)
    empty = np.full((1, instance.n_edges), -1, np.int64)
    path = np.zeros((instance.n_requests, instance.n_nodes), np.int64)
    hops = np.zeros(instance.n_requests, np.int64)
    for sweep in range(ROUTING_ROUNDS):
        for request in rng.permutation(instance.n_requests):
            used = path[request, : hops[request]]
            load[used] -= 1.0
            level = 4.0 * (1 + sweep) / ROUTING_ROUNDS
            price = np.rint(1e3 * np.exp(np.minimum(level * (load + 1.0 - race.bound), 8.0)) + 10.0)
            assignment = (empty, np.full(1, -1, np.int64), path[:1] * 0, np.zeros(1, np.int64))
            one = (instance.source[[request]], instance.target[[request]], np.zeros(1, np.int64))
            to_go = kernels.price_to_go(race.network.reversed_graph, price.astype(np.int64), one[1])
            kernels.fill(
                race.network.graph,
                price.astype(np.int64),
                to_go,
                one,
                assignment,
                np.zeros(1, np.int64),
                1,
                1.0,
            )
            kernels.withdraw(assignment, 0)
            path[request], hops[request] = assignment[2][0], assignment[3][0]
            load[path[request, : hops[request]]] += 1.0
        if load.max() <= race.bound or not race.running:
            break
    return path, hops


def _first_fit(path: Array, hops: Array, n_edges: int) -> Array:
    wave = np.zeros(hops.size, np.int64)
    used = np.zeros((hops.size, n_edges), np.bool_)
    for request in np.argsort(-hops, kind="stable"):
        edges = path[request, : hops[request]]
        wave[request] = np.argmin(used[:, edges].any(axis=1))
        used[wave[request], edges] = True
    return wave


def _new_colouring(
    path: Array, hops: Array, wave: Array, n_edges: int, waves: int
) -> tuple[Array, Array, Array]:
    uses = np.zeros((waves, n_edges), np.int64)
    for request in range(hops.size):
        uses[wave[request], path[request, : hops[request]]] += 1
    return uses, np.zeros((hops.size, waves), np.int64), np.zeros(1, np.int64)


@njit(cache=True)
def _tabu(
    path: Array,
    hops: Array,
    wave: Array,
    uses: Array,
    tabu_until: Array,
    clock: Array,
    random: State,
    steps: int,
) -> int:
    """Tabu search on the conflicts; ``uses[w, e]`` counts the lightpaths of wavelength w on edge e."""
    waves, requests = uses.shape[0], hops.shape[0]
    conflicts = 0
    for _ in range(steps):
        clock[0] += 1
        conflicts = 0
        best, best_request, best_wave, ties = 1 << 60, -1, -1, 1
        for request in range(requests):
            own = 0
            for at in range(hops[request]):
                own += uses[wave[request], path[request, at]] - 1
            conflicts += own
            if own == 0:
                continue
            for to in range(waves):
                if to == wave[request]:
                    continue
                delta = -own
                for at in range(hops[request]):
                    delta += uses[to, path[request, at]]
                if tabu_until[request, to] > clock[0] or delta > best:
                    continue
                ties = ties + 1 if delta == best else 1
                if ties == 1 or kernels.next_random(random, ties) == 0:
                    best, best_request, best_wave = delta, request, to
        if conflicts == 0 or best_request < 0:
            break
        tenure = conflicts * 3 // 10 + kernels.next_random(random, 10)
        tabu_until[best_request, wave[best_request]] = clock[0] + tenure
        for at in range(hops[best_request]):
            uses[wave[best_request], path[best_request, at]] -= 1
            uses[best_wave, path[best_request, at]] += 1
        wave[best_request] = best_wave
    return conflicts
