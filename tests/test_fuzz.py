"""Damaged scenario files from end to end: a plan or an input error comes out, nothing else, and soon."""

from __future__ import annotations

import math
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
import yaml

from netopt_heur import load_scenario, plan
from netopt_heur.errors import InputError
from netopt_heur.verify import verify
from tests.scenario_mutations import Document, base_documents, mutated

LIMIT_S = 20.0
TIME_S = 5.0  # for the plan; the rest is for loading, the referee and the diagnosis


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in Python code that takes longer."""

    def ring(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still at work after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def outcome(document: Document, folder: Path, seed: int) -> str:
    """Plan a document and check what comes of it; returns how it ended."""
    path = folder / "s.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    try:
        scenario = load_scenario(path)
    except InputError as error:
        assert error.problems
        return "refused"
    result = plan(scenario, seed=seed, generations=seed % 2, time_limit_s=TIME_S, bound=False)
    assert result.plan is not None
    verdict = verify(scenario, result.plan.to_dict())
    assert result.status == ("feasible" if verdict.feasible else "infeasible")
    assert result.cost == verdict.cost
    assert math.isfinite(result.cost)
    assert result.cost >= 0.0
    if result.status == "infeasible":
        assert result.violations
        assert result.blocked, result.violations[:3]
        for entry in result.blocked:
            assert set(entry) >= {"demand", "rule", "reason", "relaxation"}
            assert entry["relaxation"], entry
    return result.status


def run(seeds: range, folder: Path) -> Counter[str]:
    """Outcomes by kind; every failure of the run is reported at once."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    for seed in seeds:
        started = time.perf_counter()
        try:
            with limited(LIMIT_S):
                kind = outcome(mutated(seed), folder, seed)
        except Exception as error:  # the point of the test: anything but a result or an InputError
            failures.append(f"seed {seed}: {type(error).__name__}: {error}"[:400])
            continue
        took_s = time.perf_counter() - started
        if took_s > LIMIT_S:
            failures.append(f"seed {seed}: took {took_s:.0f} s")
        counts[kind] += 1
    assert not failures, "\n".join([f"{len(failures)} failures, {dict(counts)}", *failures])
    return counts


def test_unchanged_documents_are_planned(tmp_path: Path) -> None:
    for document in base_documents():
        assert outcome(document, tmp_path, 1) == "feasible"


def test_damaged_documents(tmp_path: Path) -> None:
    counts = run(range(150), tmp_path)
    # the damage must leave enough to plan, or the test says little
    assert counts["feasible"] + counts["infeasible"] >= 40, counts


@pytest.mark.slow
def test_many_damaged_documents(tmp_path: Path) -> None:
    run(range(1000, 3000), tmp_path)
