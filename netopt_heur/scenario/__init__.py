"""From scenario files to one validated, immutable :class:`Scenario`.

Importing this package is cheap: pydantic, PyYAML and numpy are loaded by the first call.
"""

from __future__ import annotations

import os
from typing import Any

from netopt_heur.scenario.scenario import Scenario

__all__ = ["Scenario", "json_schema", "load_scenario"]


def load_scenario(path: str | os.PathLike[str]) -> Scenario:
    """Load, validate and resolve a scenario file.

    Parameters
    ----------
    path
        A scenario in YAML. Files it names are looked up relative to its folder.

    Returns
    -------
    Scenario
        Every default resolved; equal problems have equal digests.

    Raises
    ------
    netopt_heur.errors.InputError
        With one line per problem: first everything wrong with the shape of the files, then, once that is
        right, every dangling reference and physical impossibility.
    """
    from netopt_heur.scenario.loader import load

    return load(os.fspath(path))


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a scenario file, for editors.

    Returns
    -------
    dict
        Field descriptions state units and defaults.
    """
    from netopt_heur.scenario.schema import ScenarioFile

    return ScenarioFile.model_json_schema()
