"""The obvious twin of `netopt_kernels.packing`: every set of items."""

from itertools import combinations

_TOLERANCE = 1e-9


def densest(load: list[list[float]], value: list[float], size: list[float]) -> float:
    """Largest value per size of a set of items that fits one of the sizes in every row."""
    best = 0.0
    for count in range(1, len(value) + 1):
        for items in combinations(range(len(value)), count):
            fullest = max((sum(row[i] for i in items) for row in load), default=0.0)
            fitting = [s for s in size if fullest <= s * (1.0 + _TOLERANCE)]
            best = max([best, *(sum(value[i] for i in items) / s for s in fitting)])
    return best
