"""The simplest survivable plan: ``python benchmarks/hub.py [--shared FOLDER] [NAME ...]``.

Every site has one 1+1 link to one hub, every LSP takes one or two of them. Prints, per network, the cheapest
hub and the referee's cost: what any plan and any bound can be held against.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # for the scenarios of the other table

from bounds import ROOT, scenarios  # noqa: E402

from netopt_heur import Scenario, verify  # noqa: E402
from netopt_heur.instance import Instance, build_instance, cheapest_port  # noqa: E402

NETWORKS = ["nsfnet", "cost239", "dt14", "spain30", "coronet"]


class Star:
    """One plan with a hub; its worth first, the plan itself on request."""

    def __init__(self, instance: Instance, hub: int) -> None:
        self.instance, self.hub = instance, hub
        self.routes = {v: self._two_routes(v) for v in range(len(instance.site_ids)) if v != hub}
        self.rates = {v: self._rates(v) for v in self.routes}
        self.taken: dict[tuple[int, int], set[int]] = defaultdict(set)  # (fiber, pair) -> slots

    def worth(self) -> float:
        """Cost of ports, transponders, regenerators and one pair per fiber used."""
        used = {f for routes in self.routes.values() for route in routes for f in route}
        channels = sum(self._channel(v, rate) for v, rates in self.rates.items() for rate in rates)
        return channels + float(self.instance.pair_worth[sorted(used)].sum())

    def _two_routes(self, site: int) -> list[list[int]]:
        """Two fiber-disjoint routes to the hub of least total length."""
        instance = self.instance
        graph: nx.DiGraph[int] = nx.DiGraph()
        for f in range(len(instance.fiber_ids)):
            a, b = int(instance.fiber_a[f]), int(instance.fiber_b[f])
            for tail, head in ((a, b), (b, a)):
                graph.add_edge(tail, head, capacity=1, weight=round(10 * float(instance.length_km[f])), f=f)
        graph.nodes[site]["demand"], graph.nodes[self.hub]["demand"] = -2, 2
        flow = nx.min_cost_flow(graph)
        left = nx.DiGraph([(a, b) for a in flow for b in flow[a] if flow[a][b] > flow[b][a]])
        routes = []
        for _ in (0, 1):
            path = nx.shortest_path(left, site, self.hub)
            left.remove_edges_from(list(pairwise(path)))
            routes.append([graph[a][b]["f"] for a, b in pairwise(path)])
        return routes

    def _rates(self, site: int) -> list[float]:
        """Cheapest channels that hold all of a site's traffic."""
        need = math.ceil(self._need_gbps(site) / 100 - 1e-9)
        rates = sorted({float(r) for r in self.instance.modes.rate_gbps if r >= 100})
        best: list[tuple[float, list[float]]] = [(0.0, [])]
        for units in range(1, need + 1):
            options = []
            for rate in rates:
                cost, chosen = best[max(0, units - int(rate // 100))]
                options.append((cost + self._channel(site, rate), [*chosen, rate]))
            best.append(min(options))
        return best[need][1]

    def _need_gbps(self, site: int) -> float:
        instance, need = self.instance, 0.0
        for out in (0, 1):
            rows = [
                instance.samples[i, out if lsp.a == site else 1 - out]
                for i, lsp in enumerate(instance.lsps)
                if site in (lsp.a, lsp.b)
            ]
            load = np.sum(rows, axis=0)
            for g, j in enumerate(np.maximum(instance.rank_normal, instance.rank_failure).tolist()):
                span = np.sort(load[instance.group_start[g] : instance.group_start[g + 1]])
                need = max(need, float(span[j - 1]))
        return need / instance.scenario.policy.max_utilisation

    def _channel(self, site: int, rate: float) -> float:
        """Worth of a channel of the site's link: two ports and two lightpaths."""
        ports = 2 * cheapest_port(self.instance.scenario, rate)[0]
        return ports + sum(self._lightpath(route, site, rate)[0] for route in self.routes[site])

    def _lightpath(self, route: list[int], site: int, rate: float) -> tuple[float, int, list[int]]:
        """Worth, mode and fibers per segment of the cheapest lightpath; it runs as far as it reaches."""
        modes, options = self.instance.modes, []
        for m in np.flatnonzero(modes.rate_gbps == rate).tolist():
            segments, run_km = [0], 0.0
            for f in route:
                km = float(self.instance.length_km[f])
                if run_km + km > float(modes.reach_km[m]) and segments[-1]:
                    segments.append(0)
                    run_km = 0.0
                segments[-1] += 1
                run_km += km
                if km > float(modes.reach_km[m]):
                    break
            else:
                regens = (len(segments) - 1) * float(modes.regenerator_worth[m])
                options.append((2 * float(modes.worth[m]) + regens, int(modes.slots[m]), m, segments))
        if not options:
            return math.inf, -1, []
        worth, _, mode, segments = min(options)
        return worth, mode, segments

    # ---- the plan

    def plan(self) -> dict[str, Any]:
        """The plan file's content."""
        instance, scenario = self.instance, self.instance.scenario
        lightpaths: dict[str, Any] = {}
        links = {}
        for v, routes in self.routes.items():
            legs = []
            for route in routes:
                ids = []
                for rate in self.rates[v]:
                    ids.append(f"lp{len(lightpaths):05d}")
                    lightpaths[ids[-1]] = self._light(v, route, rate)
                legs.append({"route": [instance.fiber_ids[f] for f in route], "lightpaths": ids})
            ends = {"a": instance.site_ids[v], "b": instance.site_ids[self.hub]}
            links[f"link{v:03d}"] = {**ends, "legs": legs}
        paths = {x.id: [f"link{v:03d}" for v in (x.a, x.b) if v != self.hub] for x in instance.lsps}
        pairs: dict[int, int] = defaultdict(int)
        for fiber, pair in self.taken:
            pairs[fiber] = max(pairs[fiber], pair + 1)
        return {
            "format": "netopt-heur-plan",
            "version": 1,
            "scenario": {"name": scenario.name, "digest": scenario.digest},
            "fibers": {instance.fiber_ids[f]: {"pairs": n, "built": False} for f, n in pairs.items()},
            "lightpaths": lightpaths,
            "links": links,
            "lsps": {lsp: {"primary": path, "backup": None} for lsp, path in paths.items()},
            "circuits": {},
        }

    def _light(self, site: int, route: list[int], rate: float) -> dict[str, Any]:
        instance = self.instance
        _, mode, lengths = self._lightpath(route, site, rate)
        sites = instance.route_sites(site, route)
        assert sites is not None
        segments, regens, start = [], [], 0
        for length in lengths:
            if start:
                regens.append(instance.site_ids[sites[start]])
            fibers = route[start : start + length]
            slot, pair = self._first_fit(fibers, int(instance.modes.slots[mode]))
            segments.append({"slot": slot, "pairs": [pair] * length})
            start += length
        ends = {"a": instance.site_ids[site], "b": instance.site_ids[self.hub]}
        names = {"route": [instance.fiber_ids[f] for f in route], "mode": instance.modes.ids[mode]}
        return {**ends, **names, "regens": regens, "segments": segments}

    def _first_fit(self, fibers: list[int], width: int) -> tuple[int, int]:
        grid = self.instance.scenario.spectrum.slots
        pair = 0
        while True:
            busy = set().union(*(self.taken[f, pair] for f in fibers))
            for slot in range(grid - width + 1):
                block = set(range(slot, slot + width))
                if not block & busy:
                    for f in fibers:
                        self.taken[f, pair] |= block
                    return slot, pair
            pair += 1


def cheapest(scenario: Scenario) -> Star:
    """The hub that costs least."""
    instance = build_instance(scenario)
    return min((Star(instance, hub) for hub in range(len(instance.site_ids))), key=Star.worth)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder that holds data/")
    options = parser.parse_args()
    print("| network | hub | cost | referee |\n|---|---|---|---|")
    for scenario in scenarios(options.shared, options.names):
        star = cheapest(scenario)
        content = star.plan()
        verdict = verify(scenario, content)
        accepts = "feasible" if verdict.feasible else f"{len(verdict.violations)} violations"
        hub = star.instance.site_ids[star.hub]
        print(f"| {scenario.name} | {hub} | {verdict.cost:,.1f} | {accepts} |", flush=True)


if __name__ == "__main__":
    main()
