"""Stopping criteria: callables, made fresh for each run."""

from __future__ import annotations

import time
from typing import Protocol


class StoppingCriterion(Protocol):
    """Says whether to stop; ``reason`` names the criterion."""

    reason: str

    def __call__(self, generation: int) -> bool:
        """True if the run should stop before doing ``generation``."""
        ...


class MaxGenerations:
    """Stops after a number of generations."""

    reason = "generations"

    def __init__(self, generations: int) -> None:
        self._generations = generations

    def __call__(self, generation: int) -> bool:
        """True once the generations are done."""
        return generation >= self._generations


class MaxRuntime:
    """Stops after a number of seconds of wall-clock time, counted from its creation."""

    reason = "time_limit"

    def __init__(self, seconds: float) -> None:
        self._deadline = time.perf_counter() + seconds
        self._reserve_s = 0.0

    def reserve(self, seconds: float) -> None:
        """Stop so much earlier: what is still to be done afterwards takes as long."""
        self._reserve_s = seconds

    def __call__(self, generation: int) -> bool:
        """True once the time is up."""
        return time.perf_counter() >= self._deadline - self._reserve_s


class FirstOf:
    """Stops as soon as one of several criteria says so."""

    def __init__(self, *criteria: StoppingCriterion) -> None:
        self._criteria = criteria
        self.reason = ""

    def reserve(self, seconds: float) -> None:
        """Let limits of time stop so much earlier."""
        for criterion in self._criteria:
            if isinstance(criterion, MaxRuntime):
                criterion.reserve(seconds)

    def __call__(self, generation: int) -> bool:
        """True once any criterion is met; remembers which."""
        for criterion in self._criteria:
            if criterion(generation):
                self.reason = criterion.reason
                return True
        return False
