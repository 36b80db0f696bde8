"""The digest that tells problems apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from netopt_heur.scenario.scenario import NOT_DIGESTED, Scenario

__all__ = ["content_digest"]


def content_digest(scenario: Scenario) -> str:
    """SHA-256 of the resolved content, in a form that does not depend on the order of anything."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                item.name: getattr(value, item.name)
                for item in dataclasses.fields(value)
                if item.metadata != NOT_DIGESTED
            }
        if hasattr(value, "tobytes"):
            return hashlib.sha256(value.tobytes()).hexdigest()
        return dict(value)

    content = dataclasses.replace(scenario, digest="")
    text = json.dumps(plain(content), sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()
