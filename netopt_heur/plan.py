"""Plan: the planner's decisions, with content-derived ids, to and from JSON (``docs/model.md`` section 4)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from netopt_heur.files import save_text
from netopt_heur.verify.planfile import read_object

FORMAT = "netopt-heur-plan"
VERSION = 1


@dataclass(frozen=True, slots=True)
class FiberUse:
    """Pairs lit in all, and whether a candidate is built."""

    pairs: int
    built: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """One transparent segment: first slot (None without continuity) and the pair used on each fiber."""

    slot: int | None
    pairs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lightpath:
    """One optical channel from ``a`` to ``b``."""

    a: str
    b: str
    route: tuple[str, ...]
    mode: str
    regens: tuple[str, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class FiberLeg:
    """Lightpaths side by side on one fiber route; ``lightpaths`` are ids."""

    route: tuple[str, ...]
    lightpaths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaveLeg:
    """Units (rates in Gb/s) of one wave offer."""

    wave_offer: str
    units: tuple[float, ...]


Leg = FiberLeg | WaveLeg


@dataclass(frozen=True, slots=True)
class Link:
    """An IP link; two legs make it 1+1."""

    a: str
    b: str
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class LspRoute:
    """Primary and backup path as link ids; hourly rates for transfers."""

    primary: tuple[str, ...]
    backup: tuple[str, ...] | None = None
    rates_gbps: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class CircuitRoute:
    """Working and protection leg of a circuit."""

    working: Leg
    protection: Leg | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of MODEL section 4. Mappings are keyed by id; ``file`` is the name in messages."""

    scenario_name: str
    scenario_digest: str
    fibers: Mapping[str, FiberUse] = field(default_factory=dict)
    lightpaths: Mapping[str, Lightpath] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    lsps: Mapping[str, LspRoute] = field(default_factory=dict)
    circuits: Mapping[str, CircuitRoute] = field(default_factory=dict)
    file: str = field(default="plan", compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-able form."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "scenario": {"name": self.scenario_name, "digest": self.scenario_digest},
            "fibers": {k: {"pairs": f.pairs, "built": f.built} for k, f in self.fibers.items()},
            "lightpaths": {k: _lightpath_dict(p) for k, p in self.lightpaths.items()},
            "links": {
                k: {"a": x.a, "b": x.b, "legs": [_leg_dict(leg) for leg in x.legs]}
                for k, x in self.links.items()
            },
            "lsps": {k: _lsp_dict(r) for k, r in self.lsps.items()},
            "circuits": {
                k: {
                    "working": _leg_dict(c.working),
                    "protection": None if c.protection is None else _leg_dict(c.protection),
                }
                for k, c in self.circuits.items()
            },
        }

    def to_json(self) -> str:
        """Sorted JSON text; equal plans give equal bytes."""
        return json.dumps(self.to_dict(), sort_keys=True, indent=1, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Write the plan file, atomically."""
        save_text(path, self.to_json())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Rebuild a plan from :meth:`to_dict`'s form; KeyError, TypeError or ValueError on anything else."""
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise ValueError(f"not a {FORMAT} of version {VERSION}")
        return cls(
            scenario_name=str(data["scenario"]["name"]),
            scenario_digest=str(data["scenario"]["digest"]),
            fibers={k: FiberUse(int(f["pairs"]), bool(f["built"])) for k, f in data["fibers"].items()},
            lightpaths={k: _lightpath(p) for k, p in data["lightpaths"].items()},
            links={
                k: Link(x["a"], x["b"], tuple(_leg(leg) for leg in x["legs"]))
                for k, x in data["links"].items()
            },
            lsps={k: _lsp(r) for k, r in data["lsps"].items()},
            circuits={
                k: CircuitRoute(
                    _leg(c["working"]), None if c["protection"] is None else _leg(c["protection"])
                )
                for k, c in data["circuits"].items()
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan file; PlanFileError says where it is not of a plan's structure."""
        return replace(cls.from_dict(read_object(path)), file=os.fspath(path))


def content_ids(prefix: str, contents: Iterable[object]) -> list[str]:
    """Ids from content; equal contents are numbered in order of appearance."""
    seen: dict[str, int] = {}
    ids = []
    for content in contents:
        digest = hashlib.sha256(repr(content).encode()).hexdigest()[:12]
        seen[digest] = count = seen.get(digest, 0) + 1
        ids.append(f"{prefix}-{digest}" if count == 1 else f"{prefix}-{digest}-{count}")
    return ids


def _lightpath_dict(path: Lightpath) -> dict[str, Any]:
    return {
        "a": path.a,
        "b": path.b,
        "route": list(path.route),
        "mode": path.mode,
        "regens": list(path.regens),
        "segments": [{"slot": s.slot, "pairs": list(s.pairs)} for s in path.segments],
    }


def _lightpath(data: Mapping[str, Any]) -> Lightpath:
    segments = tuple(Segment(s["slot"], tuple(s["pairs"])) for s in data["segments"])
    return Lightpath(
        data["a"], data["b"], tuple(data["route"]), data["mode"], tuple(data["regens"]), segments
    )


def _leg_dict(leg: Leg) -> dict[str, Any]:
    if isinstance(leg, WaveLeg):
        return {"wave_offer": leg.wave_offer, "units": list(leg.units)}
    return {"route": list(leg.route), "lightpaths": list(leg.lightpaths)}


def _leg(data: Mapping[str, Any]) -> Leg:
    if "wave_offer" in data:
        return WaveLeg(data["wave_offer"], tuple(float(u) for u in data["units"]))
    return FiberLeg(tuple(data["route"]), tuple(data["lightpaths"]))


def _lsp_dict(route: LspRoute) -> dict[str, Any]:
    data: dict[str, Any] = {
        "primary": list(route.primary),
        "backup": None if route.backup is None else list(route.backup),
    }
    if route.rates_gbps is not None:
        data["rates_gbps"] = list(route.rates_gbps)
    return data


def _lsp(data: Mapping[str, Any]) -> LspRoute:
    backup, rates = data["backup"], data.get("rates_gbps")
    return LspRoute(
        tuple(data["primary"]),
        None if backup is None else tuple(backup),
        None if rates is None else tuple(float(r) for r in rates),
    )
