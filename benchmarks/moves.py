"""How many moves per second one core prices: ``python benchmarks/moves.py [--shared FOLDER]``.

Prints a Markdown table, medians of several runs on one thread, per second of processor time. A move takes
LSPs off an annealed IP layer, weighs links, finds new paths within the LSPs' promises, and prices the layer
exactly: percentiles over samples in all failure states. It ends early once it cannot pay. Only single-LSP
moves that are always kept are priced to the end each; the evaluator prices the same reroutes without looking
for paths.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the scenario text beside the tests

from netopt_heur import load_scenario  # noqa: E402
from netopt_heur.construct.grooming_arrays import with_links  # noqa: E402
from netopt_heur.construct.ip_layer import IpLayer, IpPlanner  # noqa: E402
from netopt_heur.construct.move_check import price  # noqa: E402
from netopt_heur.construct.planner import Planner  # noqa: E402
from netopt_heur.design import Path as IpPath  # noqa: E402
from netopt_heur.evaluator import Evaluator  # noqa: E402
from netopt_heur.instance import I64, build_instance  # noqa: E402
from netopt_heur.scenario.scenario import Scenario  # noqa: E402
from netopt_heur.search.ruin_recreate import Annealing, anneal, draw_links, link_attraction  # noqa: E402
from netopt_kernels import grooming, grooming_state  # noqa: E402
from tests.large_networks import scenario_text  # noqa: E402

MOST = Annealing.most  # LSPs per move of the search
ANY = 1e18  # slack that keeps every move
FEW = 20  # reroutes priced from scratch
GOAL = 100_000
REROUTES = "kernel: one LSP, always kept (priced reroutes)"

Reroute = tuple[int, IpPath | None, IpPath | None]


@dataclass
class Problem:
    """An annealed layer, and the links open to new paths as the search would open them."""

    planner: IpPlanner
    start: IpLayer
    open_links: I64
    hot: float  # temperature at the start of a run


class Bench:
    """A fresh copy of the layer under the kernels, with counters at hand."""

    def __init__(self, problem: Problem) -> None:
        planner = self.planner = problem.planner
        self.layer, self.work = planner.empty_layer(), planner.work(MOST)
        for side, paths in enumerate((problem.start.primary, problem.start.backup)):
            for lsp, path in enumerate(paths):
                if path:
                    self.layer.hops[lsp, side] = len(path)
                    self.layer.path[lsp, side, : len(path)] = path
        self.lsps = np.flatnonzero(self.layer.hops[:, 0] > 0)
        self.args = (
            grooming_state.pack(with_links(planner.pool_arrays, problem.open_links)),
            planner.packed_lsps,
            planner.packed_clock,
            grooming_state.pack(self.layer),
            grooming_state.pack(self.work),
        )
        grooming.attach_all(*self.args, self.lsps, planner.quiet)

    @property
    def searches(self) -> int:
        """Path searches so far: for each the links it passes are weighed anew."""
        return int(self.work.counters[4])

    def single(self, slack: float) -> int:
        """Every LSP in turn, one call each."""
        for i in range(len(self.lsps)):
            grooming.move(*self.args, self.lsps[i : i + 1], slack, self.planner.quiet)
        return len(self.lsps)

    def anneal(self, steps: int, most: int, hot: float) -> int:
        """Ruin and recreate, within the kernel."""
        before = int(self.work.counters[2])
        grooming.anneal(*self.args, np.random.default_rng(1), steps, most, (hot, 0.0), self.planner.quiet)
        return int(self.work.counters[2]) - before


def problem_of(scenario: Scenario, steps: int) -> Problem:
    """Greedy insertion, then annealing."""
    planner = Planner(build_instance(scenario))
    slot_price = planner.first_prices()
    ip = planner.ip_planner(slot_price, planner.circuits(slot_price), lambda: False)
    random, attraction = np.random.default_rng(0), link_attraction(ip)
    first = ip.first(planner.lsp_order)
    start = anneal(ip, first, Annealing(steps), attraction, random)
    used = np.array(sorted(start.links()), dtype=np.int64)
    links = draw_links(used, attraction, random)
    links = links[~ip.pool.protected[links]]
    return Problem(ip, start, links, Annealing().heat * start.worth / len(used))


def timed(problem: Problem, runs: int, work: Callable[[Bench], int]) -> tuple[float, float]:
    """Moves and path searches per second, medians; every run starts from the same layer."""
    moves, searches = [], []
    for _ in range(runs):
        bench = Bench(problem)
        before, started = bench.searches, time.process_time()
        count = work(bench)
        took = time.process_time() - started
        moves.append(count / took)
        searches.append((bench.searches - before) / took)
    return statistics.median(moves), statistics.median(searches)


@dataclass
class Trail:
    """What single-LSP moves, all kept, do one after another."""

    changes: list[Reroute]
    worth: float  # cost of the layer at the end
    changed: float  # share of the LSPs that end on other paths
    weighed: float  # links weighed by the last path search of a move, mean


def trail_of(problem: Problem) -> Trail:
    """Move every LSP once."""
    bench, start = Bench(problem), problem.start
    changes: list[Reroute] = []
    counts, differ, old = [], 0, (start.primary, start.backup)
    for i in range(len(bench.lsps)):
        grooming.move(*bench.args, bench.lsps[i : i + 1], ANY, bench.planner.quiet)
        counts.append(np.count_nonzero(bench.work.asked == bench.searches))
        lsp = int(bench.lsps[i])
        hops = bench.layer.hops[lsp].tolist()
        paths = [tuple(bench.layer.path[lsp, s, : hops[s]].tolist()) if hops[s] > 0 else None for s in (0, 1)]
        differ += paths != [before[lsp] or None for before in old]
        changes.append((lsp, paths[0], paths[1]))
    n = len(changes)
    return Trail(changes, float(bench.layer.total[0]), differ / n, statistics.fmean(counts))


def cost_of(planner: IpPlanner, evaluator: Evaluator, key: int) -> float:
    """What a link costs at what the evaluator says it carries."""
    return price(planner, key, evaluator.required_gbps(key), int(bool(evaluator.members(key))))


def incremental(problem: Problem, runs: int, trail: Trail) -> float:
    """Reroutes that the evaluator prices per second: only links of old and new paths are summed again."""
    planner, changes, rates = problem.planner, trail.changes, []
    used = {key for _, *paths in changes for path in paths for key in path or ()} | problem.start.links()
    for _ in range(runs):
        evaluator = planner.evaluator(problem.start)
        for key in sorted(used - problem.start.links()):
            evaluator.add_link(planner.pool.bare(key), key)
        worth = {key: cost_of(planner, evaluator, key) for key in sorted(used)}
        total = sum(worth.values())
        started = time.process_time()
        for lsp, primary, backup in changes:
            design = evaluator.design
            old = (*(design.primary[lsp] or ()), *(design.backup[lsp] or ()))
            evaluator.set_lsp(lsp, primary, backup)
            for key in {*old, *(primary or ()), *(backup or ())}:
                now = cost_of(planner, evaluator, key)
                total += now - worth[key]
                worth[key] = now
        rates.append(len(changes) / (time.process_time() - started))
        assert abs(total - trail.worth) <= 1e-9 * trail.worth, (total, trail.worth)
    return statistics.median(rates)


def from_scratch(problem: Problem, runs: int, changes: list[Reroute], count: int) -> float:
    """Reroutes priced per second by an evaluator built anew for each."""
    planner, rates = problem.planner, []
    for _ in range(runs):
        paths = list(problem.start.primary), list(problem.start.backup)
        started = time.process_time()
        for lsp, primary, backup in changes[:count]:
            paths[0][lsp], paths[1][lsp] = primary, backup
            evaluator = planner.evaluator(IpLayer.of(*paths))
            sum(cost_of(planner, evaluator, key) for key in evaluator.design.links)
        rates.append(min(count, len(changes)) / (time.process_time() - started))
    return statistics.median(rates)


def figures(problem: Problem, trail: Trail, runs: int, steps: int) -> dict[str, tuple[float, float | None]]:
    """Moves and path searches per second, by name."""

    def kernel(work: Callable[[Bench], int]) -> tuple[float, float]:
        return timed(problem, runs, work)

    hot = problem.hot
    return {
        REROUTES: kernel(lambda bench: bench.single(ANY)),
        "kernel: one LSP, kept if cheaper; most end early": kernel(lambda bench: bench.single(0.0)),
        "kernel: annealing, one LSP": kernel(lambda bench: bench.anneal(4 * steps, 1, hot)),
        f"kernel: annealing, up to {MOST} LSPs": kernel(lambda bench: bench.anneal(steps, MOST, hot)),
        "evaluator, incremental: the first row's reroutes, no path search": (
            incremental(problem, runs, trail),
            None,
        ),
        f"evaluator, from scratch: the first {FEW} of them": (
            from_scratch(problem, runs, trail.changes, FEW),
            None,
        ),
    }


def scenarios(shared: Path) -> dict[str, Scenario]:
    """The embedded example and, if its topology is there, CORONET with 2,000 LSPs."""
    found = {"us_ai_backbone": load_scenario(ROOT / "configs/us_ai_backbone.yaml")}
    coronet = shared / "data/coronet/CORONET_CONUS_Topology.json"
    if coronet.exists():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "coronet.yaml"
            path.write_text(scenario_text("coronet", f"gnpy: {coronet}", "uniform", "uniform", 2000), "utf-8")
            found["coronet"] = load_scenario(path)
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1500, help="moves of a run of annealing")
    options = parser.parse_args()
    columns = {}
    for name, scenario in scenarios(options.shared).items():
        problem = problem_of(scenario, options.steps)
        instance, links, trail = problem.planner.instance, problem.planner.pool.links, trail_of(problem)
        print(
            f"{name}: {len(instance.lsps)} LSPs, {len(problem.start.links())} links in use, "
            f"{len(problem.open_links)} open, {len(links)} candidates, {len(instance.state_names)} states, "
            f"{instance.samples.shape[2]} samples; "
            f"{trail.weighed:.0f} links weighed by a move's last path search, "
            f"{trail.changed:.0%} of the reroutes end on other paths",
            flush=True,
        )
        columns[name] = figures(problem, trail, options.runs, options.steps)
    print(f"\n| moves per second (path searches) | {' | '.join(columns)} |")
    print(f"|---|{'---|' * len(columns)}")
    for row in next(iter(columns.values())):
        cells = []
        for column in columns.values():
            moves, searches = column[row]
            cells.append(f"{moves:,.0f}" if searches is None else f"{moves:,.0f} ({searches:,.0f})")
        print(f"| {row} | {' | '.join(cells)} |")
    reached = all(column[REROUTES][0] >= GOAL for column in columns.values())
    print(f"\nGoal of {GOAL:,} priced reroutes per second: {'reached' if reached else 'not reached'}.")


if __name__ == "__main__":
    main()
