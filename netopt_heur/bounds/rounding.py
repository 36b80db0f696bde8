"""Mixed-integer rounding of covering rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from netopt_heur.bounds.master import Term

WHOLE = 1e-6  # slack before a fraction counts
VIOLATED = 1e-5  # relative
Row = tuple[list[Term], float]


def rounded(terms: list[Term], need: float) -> Iterator[Row]:
    """A covering row and its mixed-integer roundings, one per channel size.

    For ``sum r_i n_i >= d`` with whole ``n``, a divisor ``c`` and ``f = frac(d / c) > 0``:
    ``sum (floor(r_i / c) + min(1, frac(r_i / c) / f)) n_i >= ceil(d / c)`` (Nemhauser and Wolsey 1990).
    """
    if not terms:
        return
    yield terms, need
    for divisor in sorted({rate for _, rate in terms}):
        units = need / divisor
        whole = math.floor(units)
        part = units - whole
        if part <= WHOLE:
            continue
        row = []
        for column, rate in terms:
            full = math.floor(rate / divisor + 1e-12)
            row.append((column, full + min(1.0, max(0.0, rate / divisor - full) / part)))
        yield row, float(whole + 1)
