"""One thread for every library, the repository on the path, and the unit of work beside each timing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest  # noqa: E402

Measure = Callable[..., Any]


@pytest.fixture
def measure(benchmark: Any) -> Measure:
    """Time ``run()`` several times after one run untimed; returns the untimed run's result.

    ``units`` is the amount of work in one run (pairs, links, ...): tables compare time per unit, so that a
    slow peer may do less.
    """

    def timed(group: str, name: str, run: Callable[[], Any], units: float, rounds: int = 7) -> Any:
        benchmark.group, benchmark.name = group, name
        benchmark.extra_info["units"] = units
        result = run()
        benchmark.pedantic(run, rounds=rounds, iterations=1)
        return result

    return timed
