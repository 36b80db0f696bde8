"""Rates of transfers once everything else is decided: the spread that leaves most room on every link.

The model stops at the first feasible rates, right at the capacity; the referee allows 1e-9 of it. Leaving
room
wherever there is some keeps rounding from mattering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netopt_heur.exact.linear import F64, new_solver

if TYPE_CHECKING:
    from netopt_heur.exact.milp import Model


def spread_rates(model: Model, values: F64) -> F64:
    """Solution with the same integers and the rates with the largest common slack."""
    if not any(model.rates):
        return values
    import highspy

    program = model.program
    lp = program.to_lp()
    lp.integrality_ = []
    lower, upper = list(program.lower), list(program.upper)
    for column, integer in enumerate(program.integer):
        if integer:
            lower[column] = upper[column] = float(round(values[column]))
    lp.col_lower_, lp.col_upper_ = lower, upper
    lp.col_cost_ = [0.0] * len(lower)
    solver = new_solver()
    solver.setOptionValue("primal_feasibility_tolerance", 1e-10)
    solver.passModel(lp)
    # rows clipped by their binary are free; only samples that must fit share the slack
    rows = [r.row for r in model.capacity_rows if r.clipped < 0 or values[r.clipped] < 0.5]
    solver.addCol(-1.0, 0.0, highspy.kHighsInf, len(rows), rows, [1.0] * len(rows))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        # the slack is bounded by any row with room; without rows, or at the last bit, keep the model's own
        # rates
        return values
    return np.array(solver.getSolution().col_value[:-1], dtype=np.float64)
