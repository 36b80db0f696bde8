"""Multi-layer network planning: fiber, wavelengths, IP links and LSPs in one plan.

The public names load what they need on first use; importing the package loads nothing heavy.

Examples
--------
>>> from netopt_heur import load_scenario, plan, verify
>>> scenario = load_scenario("configs/us_ai_backbone.yaml")  # doctest: +SKIP
>>> result = plan(scenario, seed=1)  # doctest: +SKIP
>>> verify(scenario, result.plan.to_dict()).feasible  # doctest: +SKIP
True
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netopt_heur.errors import InputError, PlanFileError, UsageError
    from netopt_heur.plan import Plan
    from netopt_heur.scenario import Scenario, load_scenario
    from netopt_heur.solve import Front, Result, plan, plan_front
    from netopt_heur.verify import Verdict, verify
    from netopt_heur.what_if import Answer, WhatIf

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Front",
    "InputError",
    "Plan",
    "PlanFileError",
    "Result",
    "Scenario",
    "UsageError",
    "Verdict",
    "WhatIf",
    "load_scenario",
    "plan",
    "plan_front",
    "verify",
]

_HOME = {
    "Answer": "what_if",
    "Front": "solve",
    "InputError": "errors",
    "Plan": "plan",
    "PlanFileError": "errors",
    "Result": "solve",
    "Scenario": "scenario",
    "UsageError": "errors",
    "Verdict": "verify",
    "WhatIf": "what_if",
    "load_scenario": "scenario",
    "plan": "solve",
    "plan_front": "solve",
    "verify": "verify",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    # `plan` and `verify` name both a function and a submodule. Python binds a submodule to its parent's
    # attribute after loading it; for these names the attribute stays the function, whatever is imported
    # first. `from netopt_heur.plan import Plan` still reaches the submodule.
    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
