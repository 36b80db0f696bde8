"""The independent referee: judges a plan by rules R1 to R11 of ``docs/model.md``.

It reads the scenario and the plan file and nothing else. It shares no code with the planner or the evaluator,
so that a defect there cannot hide here, and it prefers plain loops to speed wherever both are affordable.
"""

from netopt_heur.verify.referee import verify
from netopt_heur.verify.traffic import traffic_availability
from netopt_heur.verify.verdict import Verdict, Violation

__all__ = ["Verdict", "Violation", "traffic_availability", "verify"]
