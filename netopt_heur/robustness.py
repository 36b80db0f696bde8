"""Out-of-sample check: how often a plan clips fresh traffic, against the promised confidence.

Fresh traffic is drawn day by day (a *day* is one run of the scenario's sample clock) and put on the plan's
paths, without failures and in every failure state. A link clips in a sample, in one direction, if its load
exceeds ``max_utilisation`` times its capacity. A demand clips in a direction if it sends and any link on any
of its paths in use clips there. A state's promise is ``1 - q`` (R9): of every link and direction, within the
worst UTC hour or over the day. For demands the same figure is a yardstick only: who crosses several links may
be clipped more often although every link keeps its promise.

**Worst cells.** The worst of thousands of (state, direction, hour) cells looks worse than it is. So the even
days pick the worst cell of every link and demand, and the odd days alone say how often it clips.

**Intervals.** Samples of one day share surges and bursts and are not independent; whole days are. The days
are therefore the clusters of a cluster sample: the variance of the share is taken between days, turned into
an effective number of samples with the correction for few clusters of Korn and Graubard (Survey Methodology
24, 1998), and put into the score interval of Wilson (JASA 22, 1927). If all days agree the number of days is
the effective number: the most careful assumption.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from netopt_heur.clipping import Counts, Network, Renewal, fresh_days, renewal_of
from netopt_heur.plan import Plan
from netopt_heur.report.tables import MAX_LINES, format_rows
from netopt_heur.scenario.scenario import Scenario

CONFIDENCE_LEVEL = 0.95  # of every interval, two-sided
DIRECTIONS = ("ab", "ba")


@dataclass(frozen=True, slots=True)
class Cell:
    """Clipping of one link or demand in one state, direction and UTC hour (None: over the whole day).

    ``probability`` is the share of clipped samples, ``low`` to ``high`` its interval, ``promised`` what the
    policy allows.
    """

    state: str
    direction: str
    hour: int | None
    probability: float
    low: float
    high: float
    promised: float

    @property
    def above_promise(self) -> bool:
        """True if the whole interval lies above the promise."""
        return self.low > self.promised


@dataclass(frozen=True, slots=True)
class Clipping:
    """Worst cells of one link or demand; failure cells are None if there are no failure states."""

    id: str
    a: str
    b: str
    normal_hour: Cell
    normal_day: Cell
    failure_hour: Cell | None
    failure_day: Cell | None


@dataclass(frozen=True, slots=True)
class Robustness:
    """What fresh traffic does to a plan.

    Attributes
    ----------
    seed, days, samples_per_day
        Seed of the fresh draws; days drawn (half of them to find the worst cells); samples in each.
    measured
        How measured series were renewed: ``none`` (there are none), ``days`` or ``hours`` resampled.
    confidence, failure_confidence, percentile_over
        The promise, as in the scenario's policy.
    links, demands
        Sorted by id.
    """

    seed: int
    days: int
    samples_per_day: int
    measured: Renewal
    confidence: float
    failure_confidence: float
    percentile_over: Literal["hour", "day"]
    links: tuple[Clipping, ...]
    demands: tuple[Clipping, ...]

    def promised_cells(self, item: Clipping) -> list[Cell]:
        """The cells of a link or demand that the policy makes a promise about."""
        hourly = self.percentile_over == "hour"
        cells = (item.normal_hour, item.failure_hour) if hourly else (item.normal_day, item.failure_day)
        return [cell for cell in cells if cell is not None]

    def flagged(self, items: Sequence[Clipping]) -> list[Clipping]:
        """Those of ``links`` or ``demands`` whose interval lies above the promise in some state."""
        return [item for item in items if any(cell.above_promise for cell in self.promised_cells(item))]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-able form, with the ids of what is flagged."""
        document = asdict(self)
        document["flagged_links"] = [item.id for item in self.flagged(self.links)]
        document["flagged_demands"] = [item.id for item in self.flagged(self.demands)]
        return document


def robustness(scenario: Scenario, plan: Plan | str | Path, *, seed: int = 1, days: int = 50) -> Robustness:
    """Measure how often a plan clips fresh traffic.

    Parameters
    ----------
    scenario
        The problem.
    plan
        The plan, or the path of its file. LSPs it does not route carry nothing.
    seed
        Seed of the fresh days; no day equals the one the plan was made for.
    days
        Days to draw, at least 4; each is ``traffic.hours`` long. Memory does not grow with it.

    Returns
    -------
    Robustness
        Worst cells of every link and demand. Measured series cannot be drawn afresh: of a series of several
        days whole days are resampled, of a single day the samples within each hour, the same ones for all
        demands. That shows the spread within what was measured, not what was never seen.

    Raises
    ------
    ValueError
        If there are fewer than 4 days.
    netopt_heur.errors.PlanFileError
        If the file cannot be read as a plan, or is no network of this scenario.

    Examples
    --------
    >>> from netopt_heur import load_scenario, plan
    >>> scenario = load_scenario("configs/tiny_triangle.yaml")
    >>> result = robustness(scenario, plan(scenario, seed=1, generations=1).plan, days=4)
    >>> result.demands[0].normal_day.probability
    0.0
    """
    if days < 4:
        raise ValueError(f"at least 4 days are needed to compare days with each other (got {days})")
    if not isinstance(plan, Plan):
        plan = Plan.load(plan)
    network = Network(scenario, plan)
    pick = [Counts(network, state) for state in network.states]
    judge = [Counts(network, state) for state in network.states]
    for day, samples in enumerate(fresh_days(scenario, seed, days)):
        network.load_day(samples)
        for state, counts in zip(network.states, judge if day % 2 else pick, strict=True):
            counts.add_day(*network.clipped(state))
    policy = scenario.policy
    reporter = _Reporter(network, pick, judge)
    return Robustness(
        seed=seed,
        days=days,
        samples_per_day=scenario.traffic.n_samples,
        measured=renewal_of(scenario),
        confidence=policy.confidence,
        failure_confidence=policy.failure_confidence,
        percentile_over=policy.percentile_over,
        links=reporter.links(),
        demands=reporter.demands(),
    )


def table(result: Robustness) -> str:
    """Compact text of a result: the worst link and demand, then all that is flagged."""
    rows = [
        ("fresh days", f"{result.days} (seed {result.seed}), {result.samples_per_day} samples each"),
        ("promise", _promise_text(result)),
    ]
    if result.measured != "none":
        rows.append(("measured series", f"{result.measured} resampled, not drawn afresh"))
    lines = []
    for name, items in (("links", result.links), ("demands", result.demands)):
        rows += _worst_rows(result, name, items)
        lines += _flagged_lines(result, name, items)
    return "\n".join([format_rows(rows), *lines])


def _worst_rows(result: Robustness, name: str, items: Sequence[Clipping]) -> list[tuple[str, str]]:
    rows = [(f"{name} above promise", f"{len(result.flagged(items))} of {len(items)}")]
    for number, title in enumerate(("no failure", "failures")):
        cells = [(cells[number], i.id) for i in items if len(cells := result.promised_cells(i)) > number]
        if cells:
            cell, worst = max(cells, key=lambda found: (found[0].probability, found[1]))
            rows.append((f"  worst, {title}", f"{_cell_text(cell)}  {worst}"))
    return rows


def _flagged_lines(result: Robustness, name: str, items: Sequence[Clipping]) -> list[str]:
    flagged = result.flagged(items)
    if not flagged:
        return []
    lines = ["", f"{name} whose interval lies above the promise ({len(flagged)})"]
    for item in flagged[:MAX_LINES]:
        cells = [cell for cell in result.promised_cells(item) if cell.above_promise]
        worst = max(cells, key=lambda cell: cell.low - cell.promised)
        lines.append(f"  {item.id}  {item.a} - {item.b}: {_cell_text(worst)}")
    if len(flagged) > MAX_LINES:
        lines.append(f"  ... and {len(flagged) - MAX_LINES} more (--json prints all)")
    return lines


def _promise_text(result: Robustness) -> str:
    span = "in every UTC hour" if result.percentile_over == "hour" else "over the day"
    normal, failure = 1 - result.confidence, 1 - result.failure_confidence
    return f"at most {normal:.3g} of the samples clipped {span}, {failure:.3g} in failure states"


def _cell_text(cell: Cell) -> str:
    hour = "" if cell.hour is None else f" {cell.hour:02d}h UTC"
    sign = ">" if cell.above_promise else "vs"
    interval = f"{cell.probability:.3f} [{cell.low:.3f}, {cell.high:.3f}]"
    return f"{interval} {sign} {cell.promised:.3f} (state {cell.state}, {cell.direction}{hour})"


class _Reporter:
    """Picks the worst cells on one half of the days and judges them on the other."""

    def __init__(self, network: Network, pick: Sequence[Counts], judge: Sequence[Counts]) -> None:
        self._network, self._pick, self._judge = network, pick, judge
        self._sizes = np.append(network.hour_sizes, network.hour_sizes.sum())
        n_failures = len(network.states) - 1
        counts = [len(network.keys), len(network.demand_ids)]
        self._where: list[list[list[tuple[int, int]]]] = []
        for kind in range(2):
            rows: list[list[tuple[int, int]]] = [[] for _ in range(counts[kind])]
            for number, state in enumerate(network.states[1:], start=1):
                for row, item in enumerate((state.links, state.demands)[kind].tolist()):
                    rows[item].append((number, row))
            for item, found in enumerate(rows):
                if len(found) < n_failures:
                    # a failure elsewhere: the loads of state 0, judged by the promise for failures
                    found.append((0, item))
            self._where.append(rows)

    def links(self) -> tuple[Clipping, ...]:
        """Every link."""
        network = self._network
        sites = network.instance.site_ids
        found = []
        for item, key in enumerate(network.keys):
            link = network.design.links[key]
            found.append(self._clipping(0, item, network.link_ids[item], sites[link.a], sites[link.b]))
        return tuple(found)

    def demands(self) -> tuple[Clipping, ...]:
        """Every demand."""
        network = self._network
        sites = network.instance.site_ids
        found = []
        for item, name in enumerate(network.demand_ids):
            lsp = network.instance.lsps[network.first_lsp[item]]
            found.append(self._clipping(1, item, name, sites[lsp.a], sites[lsp.b]))
        return tuple(found)

    def _clipping(self, kind: int, item: int, name: str, a: str, b: str) -> Clipping:
        hourly, daily = slice(0, -1), slice(-1, None)
        failures = self._where[kind][item]
        normal = [(0, item)]
        return Clipping(
            name,
            a,
            b,
            normal_hour=self._worst(kind, normal, hourly, False),
            normal_day=self._worst(kind, normal, daily, False),
            failure_hour=self._worst(kind, failures, hourly, True) if failures else None,
            failure_day=self._worst(kind, failures, daily, True) if failures else None,
        )

    def _worst(self, kind: int, rows: Sequence[tuple[int, int]], columns: slice, failure: bool) -> Cell:
        share = np.array(
            [self._pick[s].total[kind][row][:, columns] / self._sizes[columns] for s, row in rows]
        )
        at, direction, place = (int(i) for i in np.unravel_index(int(np.argmax(share)), share.shape))
        number, row = rows[at]
        column = range(len(self._sizes))[columns][place]
        counts = self._judge[number]
        probability, low, high = cluster_interval(
            float(counts.total[kind][row, direction, column]),
            float(counts.squares[kind][row, direction, column]),
            counts.days,
            int(self._sizes[column]),
        )
        policy = self._network.scenario.policy
        state = self._network.states[number].name
        return Cell(
            state="elsewhere" if failure and number == 0 else state,
            direction=DIRECTIONS[direction],
            hour=None if column == len(self._network.hours) else int(self._network.hours[column]),
            probability=probability,
            low=low,
            high=high,
            promised=1.0 - (policy.failure_confidence if failure else policy.confidence),
        )


def cluster_interval(
    total: float, squares: float, days: int, samples_per_day: int, level: float = CONFIDENCE_LEVEL
) -> tuple[float, float, float]:
    """Share of clipped samples with its interval; the days are the clusters.

    Parameters
    ----------
    total, squares
        Sum over the days of the clipped samples of a day, and of their squares.
    days, samples_per_day
        Number of days, at least 2, and samples in each.
    level
        Two-sided confidence of the interval.

    Returns
    -------
    probability, low, high : float
        Wilson's interval (1927) with the effective sample size of Korn and Graubard (1998), at most the
        number of samples.

    Examples
    --------
    >>> cluster_interval(20.0, 40.0, 10, 10)[0]
    0.2
    """
    n = days * samples_per_day
    p = total / n
    between = max(0.0, squares - total**2 / days) / (days - 1) / samples_per_day**2 / days
    effective = p * (1.0 - p) / between if between > 0.0 else float(days)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    effective = min(float(n), effective) * (z / _t_quantile(z, days - 1)) ** 2
    spread = z**2 / effective
    centre = (p + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(p * (1 - p) / effective + spread / (4 * effective))
    return p, max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))


def _t_quantile(z: float, degrees: int) -> float:
    """Student's quantile from the normal one: the expansion of Abramowitz and Stegun (1964), 26.7.5."""
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / float(degrees) ** (i + 1) for i, term in enumerate(terms))
