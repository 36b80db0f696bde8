"""Local search at prices: what a millisecond of latency and a share of lost traffic are worth.

The moves are those of ruin and recreate. Before a move its LSPs' promises are drawn anew, tighter or looser
than what they have (never looser than the scenario's), and the move may cost as much more as the tighter
promises are worth, or has to save at least what the looser ones are. A move is so accepted by the weighted
sum of cost, latency and lost traffic, while the kernels see an ordinary problem.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from netopt_heur.availability import Availability
from netopt_heur.construct.ip_layer import Groomer, IpLayer, IpPlanner
from netopt_heur.construct.planner import Circuits, Construction, Planner
from netopt_heur.design import DesignLeg
from netopt_heur.evaluator import leg_components, leg_latency_ms
from netopt_heur.instance import F64, GB_PER_GBPS_HOUR, I64, CircuitDemand, Instance
from netopt_heur.scenario.scenario import Promise
from netopt_heur.search.ruin_recreate import REOPEN_EVERY, WITHOUT_PROTECTED, Annealing, draw_links

KEEP = 0.3  # probability that a move asks for what its LSPs have, in latency or in availability
TIGHTEN = 0.4  # that it asks for more; otherwise it accepts less
LOOSER = 0.5  # mean of what a looser bound adds, as a share of the mean latency
MOST_NINES = 2.0  # largest cut of unavailability that a move asks for, in powers of ten
CHEAP_SLOTS = 0.03  # share of the spectrum price at which half of the circuits' moves see slots
ROUNDING_MS = 1e-9
ROUNDING = 1e-12


@dataclass(frozen=True)
class Prices:
    """What the search pays.

    Attributes
    ----------
    per_ms
        Cost units per ms off one primary path.
    per_lost
        Cost units per unit of the traffic-weighted unavailability, 1 being all traffic all the time.
    """

    per_ms: float = 0.0
    per_lost: float = 0.0


def traffic_shares(instance: Instance) -> tuple[F64, F64]:
    """Share of all traffic that each LSP and each circuit is; float64[n_lsps] and float64[n_circuits]."""
    lsps = instance.samples.mean(axis=2).sum(axis=1)
    lsps += np.array([lsp.volume_gb / GB_PER_GBPS_HOUR / 24.0 for lsp in instance.lsps])
    circuits = np.array([2.0 * c.waves * c.wave_gbps for c in instance.circuits])
    total = max(1e-9, float(lsps.sum() + circuits.sum()))
    return lsps / total, circuits / total


def fastest_ms(ip: IpPlanner) -> F64:
    """Latency of the fastest IP path of each LSP over the candidate links; float64[n_lsps]."""
    ends = np.array([(lsp.a, lsp.b) for lsp in ip.instance.lsps], dtype=np.int64).reshape(-1, 2)
    return ip.pool.least_latency_ms[ends[:, 0], ends[:, 1]]


class Trader:
    """Improves an IP layer by the weighted sum of cost, latency and lost traffic.

    Parameters
    ----------
    ip
        The problem at fixed spectrum prices. Its promises are changed during a run and restored after it.
    prices
        Weights of latency and of lost traffic.
    random
        Source of every random choice.
    """

    def __init__(self, ip: IpPlanner, prices: Prices, random: np.random.Generator) -> None:
        self.ip, self.prices, self.random = ip, prices, random
        self._promised_ms = ip.lsps.max_latency_ms.copy()
        self._promised_up = ip.lsps.min_availability.copy()
        self._fastest_ms = fastest_ms(ip)
        self._shares, _ = traffic_shares(ip.instance)
        self._availability = Availability(ip.instance)

    def improve(self, start: IpLayer, params: Annealing, attraction: F64) -> IpLayer:
        """Move LSPs ``params.steps`` times, as :func:`anneal` does, and return the last layer."""
        if not (start.hops[:, 0] > 0).any():
            return start
        groomer = Groomer(self.ip, start)
        mean_worth = groomer.worth / max(1, len(groomer.used_links()))
        for step in range(params.steps):
            if step % REOPEN_EVERY == 0:
                self._open_links(groomer, attraction)
            if self.ip.stop():
                break
            temperature = params.heat * mean_worth * (1.0 - step / params.steps)
            slack = float(temperature * self.random.exponential())
            lsps = groomer.ruin(self.random, params.most)
            groomer.move(lsps, slack + self._ask(groomer, lsps))
        self.ip.lsps.max_latency_ms[:] = self._promised_ms
        self.ip.lsps.min_availability[:] = self._promised_up
        return groomer.found()

    def _open_links(self, groomer: Groomer, attraction: F64) -> None:
        links = draw_links(groomer.used_links(), attraction, self.random)
        if self.random.random() < WITHOUT_PROTECTED:
            links = links[~self.ip.pool.protected[links]]
        groomer.open_links(links)

    def _ask(self, groomer: Groomer, lsps: I64) -> float:
        """Draw the promises that the LSPs are routed under next; what keeping them is worth."""
        worth = 0.0
        if self.prices.per_ms > 0.0:
            now_ms = np.array([self._latency_ms(groomer, lsp) for lsp in lsps.tolist()])
            asked_ms = np.minimum(self._asked_ms(lsps, now_ms), self._promised_ms[lsps])
            self.ip.lsps.max_latency_ms[lsps] = asked_ms + ROUNDING_MS
            worth += self.prices.per_ms * float((now_ms - asked_ms).sum())
        if self.prices.per_lost > 0.0:
            now_up = np.array([self._up(groomer, lsp) for lsp in lsps.tolist()]).reshape(-1, 2)
            asked_up = np.maximum(self._asked_up(now_up), self._promised_up[lsps])
            self.ip.lsps.min_availability[lsps] = asked_up - ROUNDING
            worth += self.prices.per_lost * float(((asked_up - now_up[:, 1]) * self._shares[lsps]).sum())
        return worth

    def _asked_ms(self, lsps: I64, now_ms: F64) -> F64:
        draw = self.random.random()
        if draw < KEEP or not len(lsps):
            return now_ms
        if draw < KEEP + TIGHTEN:
            fastest = np.minimum(self._fastest_ms[lsps], now_ms)
            asked: F64 = fastest + (now_ms - fastest) * self.random.random() ** 2
            return asked
        slower: F64 = now_ms + self.random.exponential(LOOSER) * float(now_ms.mean())
        return slower

    def _asked_up(self, now_up: F64) -> F64:
        draw = self.random.random()
        alone: F64 = now_up[:, 0]
        now: F64 = now_up[:, 1]
        if draw < KEEP:
            return now
        if draw < KEEP + TIGHTEN:
            asked: F64 = 1.0 - (1.0 - now) * 10.0 ** (-MOST_NINES * self.random.random())
            return asked
        return alone

    def _latency_ms(self, groomer: Groomer, lsp: int) -> float:
        layer = groomer.layer
        return float(self.ip.pool.hop_latency_ms[layer.path[lsp, 0, : layer.hops[lsp, 0]]].sum())

    def _up(self, groomer: Groomer, lsp: int) -> tuple[float, float]:
        """Availability of the primary alone and with its backup, as the kernels count it.

        Both legs of a 1+1 link count as needed: never too high.
        """
        layer, components = groomer.layer, self.ip.pool.components
        hops = np.maximum(layer.hops[lsp], 0).tolist()  # -1 is no backup
        primary, backup = ([(components[k],) for k in layer.path[lsp, i, : hops[i]]] for i in range(2))
        alone = self._availability.service(primary, None)
        return alone, self._availability.service(primary, backup) if backup else alone


class CircuitTrader:
    """Improves a plan's circuits by the weighted sum of cost, latency and lost traffic.

    Parameters
    ----------
    planner
        Its transfer rates are those of the plans to improve.
    prices
        Weights of latency and of lost traffic.
    random
        Source of every random choice.
    """

    def __init__(self, planner: Planner, prices: Prices, random: np.random.Generator) -> None:
        self.planner, self.prices, self.random = planner, prices, random
        _, self._shares = traffic_shares(planner.instance)
        self._availability = Availability(planner.instance)

    def improve(self, plan: Construction, tries: int, slot_price: F64) -> Construction:
        """Route single circuits anew under promises tighter or as they are; keep what is worth it."""
        for _ in range(tries if len(self._shares) else 0):
            index = int(self.random.integers(0, len(self._shares)))
            circuits = self._rerouted(plan, index, slot_price)
            tried = self.planner.with_circuits(plan, circuits, slot_price)
            if tried is None or circuits.working[index] is None:
                continue
            before, after = self._worth(plan.circuits, index), self._worth(circuits, index)
            if (tried.missing, tried.cost + after) < (plan.missing, plan.cost + before):
                plan = tried
        return plan

    def _rerouted(self, plan: Construction, index: int, slot_price: F64) -> Circuits:
        old, instance = plan.circuits, self.planner.instance
        working, protection = list(old.working), list(old.protection)
        working[index] = protection[index] = None
        kept = Circuits(working, protection, old.offer_units, old.blocked_fibers)
        circuits = list(instance.circuits)
        circuits[index] = replace(circuits[index], promise=self._asked(circuits[index], old.working[index]))
        asking = copy(self.planner)
        asking.instance = replace(instance, circuits=tuple(circuits))
        share = CHEAP_SLOTS if self.random.random() < 0.5 else 1.0
        return asking.circuits(share * slot_price, keep=kept)

    def _asked(self, demand: CircuitDemand, now: DesignLeg | None) -> Promise:
        promise = demand.promise
        if self.prices.per_ms > 0.0 and now is not None and self.random.random() < TIGHTEN:
            bound_ms = leg_latency_ms(self.planner.instance, now) * (1.0 - 0.5 * self.random.random() ** 2)
            if promise.max_latency_ms is not None:
                bound_ms = min(bound_ms, promise.max_latency_ms)
            promise = replace(promise, max_latency_ms=bound_ms)
        unprotected = promise.protection == "none"
        if self.prices.per_lost > 0.0 and unprotected and self.random.random() < TIGHTEN:
            promise = replace(promise, protection="disjoint")
        return promise

    def _worth(self, circuits: Circuits, index: int) -> float:
        """What a circuit's latency and lost traffic cost at the prices."""
        instance, working = self.planner.instance, circuits.working[index]
        if working is None:
            return 0.0
        legs = [[(leg_components(instance, leg),)] for leg in (working, circuits.protection[index]) if leg]
        up = self._availability.service(legs[0], legs[1] if len(legs) == 2 else None)
        worth = self.prices.per_ms * leg_latency_ms(instance, working)
        return worth + self.prices.per_lost * (1.0 - up) * float(self._shares[index])
