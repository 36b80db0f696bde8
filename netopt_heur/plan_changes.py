"""What differs between two plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from netopt_heur.plan import FiberUse, Plan

T = TypeVar("T")


@dataclass(frozen=True)
class Difference:
    """Ids of one kind of thing: in the second plan only, in the first only, and in both but not alike."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        counts = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return ", ".join(f"{len(ids)} {word}" for word, ids in counts if ids) or "as before"


@dataclass(frozen=True)
class PlanChanges:
    """What a second plan does differently from a first one.

    Attributes
    ----------
    lightpaths
        Never changed: a lightpath with another route, mode or wavelength is another one.
    links
        IP links; changed are those whose lightpaths or wave units are others.
    lsps, circuits
        Changed are those with another path, primary or backup, over other routes, or, of transfers, at other
        rates.
    rerouted
        LSPs that both plans have, on another primary path.
    pairs
        Per fiber on which it differs, the number of pairs before and after.
    built
        Candidate fibers that only one of the plans builds, and whether it is the second.

    Examples
    --------
    >>> plan_changes(Plan("s", ""), Plan("s", "")).lsps
    Difference(added=(), removed=(), changed=())
    """

    lightpaths: Difference
    links: Difference
    lsps: Difference
    circuits: Difference
    rerouted: tuple[str, ...]
    pairs: Mapping[str, tuple[int, int]]
    built: Mapping[str, bool]

    def __bool__(self) -> bool:
        return bool(self.lightpaths or self.links or self.lsps or self.circuits or self.pairs or self.built)

    def __str__(self) -> str:
        pairs = sum(after - before for before, after in self.pairs.values())
        lines = [f"{name}: {getattr(self, name)}" for name in ("lightpaths", "links", "lsps", "circuits")]
        lines.append(f"primary paths: {len(self.rerouted)} changed")
        lines.append(f"pairs: {pairs:+d} on {len(self.pairs)} fibers")
        return "\n".join(lines)


def plan_changes(before: Plan, after: Plan) -> PlanChanges:
    """Compare two plans by their ids, which are derived from content.

    Parameters
    ----------
    before, after
        Plans with the same names for sites and fibers; their scenarios may differ.
    """
    fibers = sorted({*before.fibers, *after.fibers})
    none = FiberUse(0)
    uses = {name: (before.fibers.get(name, none), after.fibers.get(name, none)) for name in fibers}
    return PlanChanges(
        lightpaths=_difference(before.lightpaths, after.lightpaths),
        links=_difference(before.links, after.links),
        lsps=_difference(before.lsps, after.lsps),
        circuits=_difference(before.circuits, after.circuits),
        rerouted=tuple(
            sorted(
                name
                for name in before.lsps.keys() & after.lsps.keys()
                if before.lsps[name].primary != after.lsps[name].primary
            )
        ),
        pairs={name: (a.pairs, b.pairs) for name, (a, b) in uses.items() if a.pairs != b.pairs},
        built={name: b.built for name, (a, b) in uses.items() if a.built != b.built},
    )


def _difference(before: Mapping[str, T], after: Mapping[str, T]) -> Difference:
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(name for name in before.keys() & after.keys() if before[name] != after[name])),
    )
