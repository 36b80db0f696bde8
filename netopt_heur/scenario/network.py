"""Sites, fibers, wave offers and groups: defaults, imports and overrides resolved, references checked."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import BaseModel

from netopt_heur.scenario.catalogue import price_of
from netopt_heur.scenario.origins import IdRegistry, Origin, great_circle_km
from netopt_heur.scenario.scenario import Fiber, Price, Site, WaveOffer, WaveUnit
from netopt_heur.scenario.schema import ScenarioFile
from netopt_heur.scenario.schema_network import FiberDefaults, SrlgItem, WaveOfferItem
from netopt_heur.scenario.topology import Imported
from netopt_heur.scenario.validation import Problems, suggest
from netopt_heur.scenario.yaml_source import KeyPath, Source

__all__ = ["DETOUR", "NetworkBuilder", "check_reference"]

# Fiber follows roads and rails: a fiber without a length is the great circle times this (assumed).
DETOUR: Final = 1.2
_HOURS_PER_YEAR: Final = 8760


def check_reference(
    name: str, known: Collection[str], kind: str, origin: Origin, key: KeyPath, problems: Problems
) -> bool:
    """Report a name that nothing is called; True if it is known."""
    if name in known:
        return True
    hint = "" if problems.full else suggest(name, known)
    origin.report(problems, key, f"unknown {kind}{hint}")
    return False


def _explicit(item: BaseModel) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.model_fields_set}


class NetworkBuilder:
    """Builds the network of a scenario file; problems are collected.

    Parameters
    ----------
    file, source
        The checked file and where its values stand.
    imported
        Sites and fibers of the imported topology, possibly none.
    default_lease
        The catalogue's lease per pair and km.
    problems
        Collects what is wrong.

    Attributes
    ----------
    sites, fibers, offers
        Valid items by id, sorted.
    site_ids
        Ids of all sites, valid or not: a reference to a wrong site is no second problem.
    group_unavailability
        Unavailability of every group by id, sorted.
    origins
        Where fibers, offers and declared groups were written.
    """

    def __init__(
        self, file: ScenarioFile, source: Source, imported: Imported, default_lease: Price, problems: Problems
    ) -> None:
        self._file, self._source, self._imported = file, source, imported
        self._default_lease, self._problems = default_lease, problems
        self._groups = IdRegistry(problems)
        self.origins = self._groups.origins
        self.site_ids: set[str] = set()
        self.sites: dict[str, Site] = self._build_sites()
        self.fibers: dict[str, Fiber] = self._build_fibers()
        self.offers: dict[str, WaveOffer] = self._build_offers()
        self.group_unavailability: dict[str, float] = self._build_groups()

    # --- sites ---

    def _build_sites(self) -> dict[str, Site]:
        merged = self._merge_sites()
        self.site_ids = set(merged)
        if not merged:
            message = "a scenario needs sites: list some, or import a topology"
            self._problems.add(self._source, ("sites",), message, show=False)
        sites = {}
        for site_id, (fields, origin) in sorted(merged.items()):
            absent = [key for key in ("lat", "lon") if fields.get(key) is None]
            for key in absent:
                origin.report(self._problems, (key,), "required key is missing", show=False)
            if not absent:
                sites[site_id] = _site(site_id, fields)
        return sites

    def _merge_sites(self) -> dict[str, tuple[dict[str, Any], Origin]]:
        defaults = _explicit(self._file.site_defaults)
        defaults.setdefault("attributes", {})
        registry = IdRegistry(self._problems)
        merged: dict[str, tuple[dict[str, Any], Origin]] = {}
        for site_id, fields in self._imported.sites.items():
            attributes = {**defaults["attributes"], **fields.get("attributes", {})}
            merged[site_id] = (
                {**defaults, **fields, "attributes": attributes},
                Origin(self._source, ("topology",)),
            )
        for index, item in enumerate(self._file.sites):
            origin = Origin(self._source, ("sites", index))
            if not registry.claim(item.id, origin, "site id"):
                continue
            fields = merged[item.id][0] if item.id in merged else defaults
            attributes = {**fields["attributes"], **item.attributes}
            for short in ("population", "data_centres"):
                if getattr(item, short) is not None:
                    attributes[short] = getattr(item, short)
            merged[item.id] = ({**fields, **_explicit(item), "attributes": attributes}, origin)
        return merged

    # --- fibers ---

    def _build_fibers(self) -> dict[str, Fiber]:
        fibers = {}
        for fiber_id, (fields, origin) in sorted(self._merge_fibers().items()):
            if self._ends_are_valid(fields, origin):
                fiber = self._fiber(fiber_id, fields, origin)
                if fiber is not None:
                    fibers[fiber_id] = fiber
        return fibers

    def _merge_fibers(self) -> dict[str, tuple[dict[str, Any], Origin]]:
        defaults = _explicit(self._file.fiber_defaults)
        merged: dict[str, tuple[dict[str, Any], Origin]] = {}
        imported_from = Origin(self._source, ("topology",))
        for fiber_id, fields in self._imported.fibers.items():
            merged[fiber_id] = ({**defaults, **fields}, imported_from)
        unnamed = []
        for index, item in enumerate(self._file.fibers):
            origin = Origin(self._source, ("fibers", index))
            if item.id is None:
                unnamed.append((item, origin))
            elif self._groups.claim(item.id, origin, "fiber id"):
                fields = merged[item.id][0] if item.id in merged else defaults
                merged[item.id] = ({**fields, **_explicit(item)}, origin)
                if "build_cost" in item.model_fields_set and not merged[item.id][0].get("candidate", False):
                    self._refuse_build_cost(origin)
        for fiber_id in self._imported.fibers:
            self._groups.origins.setdefault(fiber_id, imported_from)
        for item, origin in unnamed:
            fields = {**defaults, **_explicit(item)}
            merged[self._groups.default(f"{item.a}--{item.b}", origin)] = (fields, origin)
            if "build_cost" in item.model_fields_set and not fields.get("candidate", False):
                self._refuse_build_cost(origin)
        return merged

    def _refuse_build_cost(self, origin: Origin) -> None:
        message = "only a candidate fiber has one; add 'candidate: true' or remove it"
        origin.report(self._problems, ("build_cost",), message)

    def _ends_are_valid(self, fields: Mapping[str, Any], origin: Origin) -> bool:
        valid = True
        for key in ("a", "b"):
            if fields.get(key) is None:
                origin.report(self._problems, (key,), "required key is missing", show=False)
                valid = False
            else:
                valid &= check_reference(fields[key], self.site_ids, "site", origin, (key,), self._problems)
        if valid and fields["a"] == fields["b"]:
            origin.report(self._problems, ("b",), "must differ from a: a link joins two sites")
            valid = False
        return valid

    def _fiber(self, fiber_id: str, fields: Mapping[str, Any], origin: Origin) -> Fiber | None:
        a, b = fields["a"], fields["b"]
        length_km = fields.get("length_km")
        if length_km is None:
            if a not in self.sites or b not in self.sites:
                return None
            length_km = DETOUR * great_circle_km(self.sites[a], self.sites[b])
            if length_km <= 0.0:
                message = "required: both ends have the same coordinates"
                origin.report(self._problems, ("length_km",), message, show=False)
                return None
        lit_pairs = fields.get("lit_pairs", 0)
        max_pairs = fields.get("max_pairs", FiberDefaults.model_fields["max_pairs"].default)
        if lit_pairs > max_pairs:
            key = "max_pairs" if "max_pairs" in fields else "lit_pairs"
            message = f"lit_pairs ({lit_pairs}) exceeds max_pairs ({max_pairs}); raise max_pairs"
            origin.report(self._problems, (key,), message)
        if fields.get("candidate", False) and lit_pairs > 0:
            message = "a candidate fiber is not built yet, so no pair can be lit"
            origin.report(self._problems, ("lit_pairs",), message)
        lease = fields.get("lease_per_pair_km")
        return Fiber(
            id=fiber_id,
            a=a,
            b=b,
            length_km=length_km,
            srlgs=tuple(sorted(set(fields.get("srlgs", ())) - {fiber_id})),
            lit_pairs=lit_pairs,
            max_pairs=max_pairs,
            candidate=fields.get("candidate", False),
            build_cost=price_of(fields.get("build_cost", 0.0)),
            lease_per_pair_km=self._default_lease if lease is None else price_of(lease),
            cuts_per_1000km_year=fields.get("cuts_per_1000km_year", 0.0),
            mttr_hours=fields.get("mttr_hours", 0.0),
        )

    # --- wave offers and groups ---

    def _build_offers(self) -> dict[str, WaveOffer]:
        offers = {}
        for index, item in enumerate(self._file.wave_offers):
            origin = Origin(self._source, ("wave_offers", index))
            claimed = self._groups.claim(item.id, origin, "group (fibers and wave offers are groups too)")
            if self._ends_are_valid({"a": item.a, "b": item.b}, origin) and claimed:
                offers[item.id] = _offer(item)
        return dict(sorted(offers.items()))

    def _build_groups(self) -> dict[str, float]:
        unavailability = {fiber.id: _fiber_unavailability(fiber) for fiber in self.fibers.values()}
        unavailability.update({offer.id: 1.0 - offer.availability for offer in self.offers.values()})
        members = {group for fiber in self.fibers.values() for group in fiber.srlgs}
        members.update(group for offer in self.offers.values() for group in offer.srlgs)
        for group, value, origin, key in self._declared_groups():
            if self._groups.claim(group, origin, "group (fibers and wave offers are groups too)", key):
                unavailability[group] = value
                if group not in members:
                    message = f"no fiber or wave offer is in group {group!r}{suggest(group, members)}"
                    origin.report(self._problems, key, message, show=False)
        for group in members:
            unavailability.setdefault(group, 0.0)
        return dict(sorted(unavailability.items()))

    def _declared_groups(self) -> list[tuple[str, float, Origin, KeyPath]]:
        listed = self._file.srlgs
        if isinstance(listed, dict):
            return [
                (group, value, Origin(self._source, ("srlgs", group)), ()) for group, value in listed.items()
            ]
        items: list[SrlgItem] = listed
        return [
            (item.id, item.unavailability, Origin(self._source, ("srlgs", index)), ("id",))
            for index, item in enumerate(items)
        ]


def _site(site_id: str, fields: Mapping[str, Any]) -> Site:
    offset = fields.get("utc_offset")
    return Site(
        id=site_id,
        name=fields.get("name") or site_id,
        lat=fields["lat"],
        lon=fields["lon"],
        utc_offset=float(math.floor(fields["lon"] / 15 + 0.5)) if offset is None else offset,
        router=fields.get("router", True),
        add_drop=fields.get("add_drop", True),
        regen=fields.get("regen", False),
        regen_open_cost=price_of(fields.get("regen_open_cost", 0.0)),
        unavailability=fields.get("unavailability", 0.0),
        attributes=dict(sorted(fields["attributes"].items())),
    )


def _offer(item: WaveOfferItem) -> WaveOffer:
    units = [WaveUnit(unit.rate_gbps, price_of(unit.price)) for unit in item.units]
    return WaveOffer(
        id=item.id,
        a=item.a,
        b=item.b,
        units=tuple(sorted(units, key=lambda unit: unit.rate_gbps)),
        max_units=item.max_units,
        setup=price_of(item.setup),
        latency_ms=item.latency_ms,
        length_km=item.length_km,
        srlgs=tuple(sorted(set(item.srlgs) - {item.id})),
        availability=item.availability,
    )


def _fiber_unavailability(fiber: Fiber) -> float:
    cuts_per_year = fiber.cuts_per_1000km_year * fiber.length_km / 1000
    return min(1.0, cuts_per_year * fiber.mttr_hours / _HOURS_PER_YEAR)
