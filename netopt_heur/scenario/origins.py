"""Where things of a scenario were written, and the unique ids they carry."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from netopt_heur.scenario.validation import Problems
from netopt_heur.scenario.yaml_source import KeyPath, Source

__all__ = ["EARTH_RADIUS_KM", "HasPlace", "IdRegistry", "Origin", "great_circle_km"]

# Mean radius of the Earth (IUGG), km.
EARTH_RADIUS_KM = 6371.0088


class Origin(NamedTuple):
    """Place of one item: its file and the key path of the item in it."""

    source: Source
    path: KeyPath

    def report(self, problems: Problems, key: KeyPath, message: str, *, show: bool = True) -> None:
        """Record a problem with the value at ``key`` below this item."""
        problems.add(self.source, (*self.path, *key), message, show=show)


class HasPlace(Protocol):
    """Anything with coordinates in degrees."""

    @property
    def lat(self) -> float: ...  # noqa: D102
    @property
    def lon(self) -> float: ...  # noqa: D102


class IdRegistry:
    """Hands out ids that are unique within one name space and remembers who holds them."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._next: dict[str, int] = {}
        self.origins: dict[str, Origin] = {}

    def claim(self, name: str, origin: Origin, kind: str = "id", key: KeyPath = ("id",)) -> bool:
        """Register an id written in a file; False, and a problem, if it is taken."""
        holder = self.origins.get(name)
        if holder is None:
            self.origins[name] = origin
            return True
        first = holder.source.problem(holder.path, "", show=False)
        place = f"{first.file}:{first.line}" if first.file != origin.source.file else f"line {first.line}"
        owner = f" ({first.path})" if first.path else ""
        origin.report(self._problems, key, f"duplicate {kind}; it is already taken in {place}{owner}")
        return False

    def default(self, base: str, origin: Origin) -> str:
        """Register ``base``, or ``base.2``, ``base.3``, ... if it is taken."""
        name = base
        number = self._next.get(base, 1)
        while name in self.origins:
            number += 1
            name = f"{base}.{number}"
        self._next[base] = number
        self.origins[name] = origin
        return name


def great_circle_km(a: HasPlace, b: HasPlace) -> float:
    """Great-circle distance (haversine formula), km."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = math.sin((lat_b - lat_a) / 2)
    half_lon = math.sin(math.radians(b.lon - a.lon) / 2)
    h = half_lat**2 + math.cos(lat_a) * math.cos(lat_b) * half_lon**2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))
