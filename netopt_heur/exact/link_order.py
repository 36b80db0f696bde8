"""Which links a cheap plan may well use: by the least that any equipment with them costs.

The linear relaxation of the equipment's program (``equipment``), with its cuts, is solved once more for each
link with that link open. On random networks of 3 to 9 sites the links of an optimum are nearly always among
the first dozen of this order, where there may be a hundred candidates.
"""

from __future__ import annotations

from netopt_heur.exact.candidates import Candidates, LinkContent, link_content
from netopt_heur.exact.equipment import build_equipment
from netopt_heur.exact.limits import Check
from netopt_heur.exact.linear import least_costs, solve
from netopt_heur.exact.separation import Separator

ROUNDS = 5  # of cuts
SLACK = 0.1  # cuts further from tight are left out of what is solved for each link
MOST_SOLVED = 40  # links for which it is solved once more, those of least reduced cost; others come last


def link_order(candidates: Candidates, check: Check) -> list[LinkContent]:
    """Links without demands in the order of the least cost with them.

    Parameters
    ----------
    candidates
        Links and circuits, without packet demands and transfers.
    check
        Raises TimeoutError when time is up.

    Returns
    -------
    list
        Empty where the relaxation has no optimum.
    """
    equipment = build_equipment(candidates, check)
    separator = Separator(equipment)
    for _ in range(ROUNDS):
        check()
        answer = solve(equipment.program, relaxed=True)
        if answer.values is None:
            return []
        point = answer.values
        if not separator.add_violated(point):
            break
    equipment.program.drop_loose(equipment.static_rows, point, SLACK)
    least = least_costs(equipment.program, equipment.open, most=MOST_SOLVED, check=check)
    order = sorted(equipment.open, key=lambda column: (column not in least, least.get(column, 0.0)))
    content = dict(zip(equipment.open, map(link_content, equipment.links), strict=True))
    return [content[column] for column in order]
