"""Shape of the files, first half: value types, prices, the catalogue and the network. See ``schema``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

__all__ = [
    "CatalogueFile",
    "ChassisItem",
    "FiberDefaults",
    "FiberItem",
    "Id",
    "LatencyItem",
    "Load",
    "Milliseconds",
    "ModeItem",
    "PortItem",
    "PriceItem",
    "PriceLike",
    "Probability",
    "Profile24",
    "Rate",
    "Share",
    "SiteDefaults",
    "SiteItem",
    "SpectrumItem",
    "SrlgItem",
    "StrictModel",
    "Text",
    "TimeOfDay",
    "TopologyItem",
    "WaveOfferItem",
    "WaveUnitItem",
    "either",
]

_WINDOW = re.compile(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]\Z|24:00\Z")


def _text_of_number(value: object) -> object:
    # An id such as 7 is read as a number; 1.10 or true would already have lost how it was written.
    if type(value) is int:
        return str(value)
    if value is None or isinstance(value, (bool, float)):
        raise PydanticCustomError("id_type", "must be text; put it in quotes")
    return value


def _check_id(value: str) -> str:
    if not value or len(value) > 120:
        raise PydanticCustomError("id_length", "must have 1 to 120 characters")
    if not value.isprintable() or value != value.strip():
        raise PydanticCustomError("id_characters", "may not hold control characters or blanks at its ends")
    if "#" in value:
        raise PydanticCustomError(
            "id_characters", "may not hold '#', which numbers the parts of a split demand"
        )
    return value


def _hours_of_day(value: object) -> float:
    if isinstance(value, str) and _WINDOW.match(value):
        hours, minutes = value.split(":")
        return int(hours) + int(minutes) / 60
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 24:
        return float(value)
    raise PydanticCustomError("time_of_day", 'must be a time of day, "00:00" to "24:00"')


def _quarter_hours(value: float) -> float:
    if value * 4 != int(value * 4):
        raise PydanticCustomError("quarter_hours", "must be a multiple of a quarter of an hour")
    return value


Id = Annotated[
    str,
    BeforeValidator(_text_of_number),
    AfterValidator(_check_id),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1, "maxLength": 120}, {"type": "integer"}]}),
]
Money = Annotated[float, Field(ge=0, le=1e12)]
Share = Annotated[float, Field(gt=0, le=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=1e-3, le=1e6)]
Load = Annotated[float, Field(ge=0, le=1e6)]
Kilometres = Annotated[float, Field(gt=0, le=1e5)]
Milliseconds = Annotated[float, Field(gt=0, le=1e5)]
FixedMilliseconds = Annotated[float, Field(ge=0, le=1e4)]
TimeOfDay = Annotated[
    float,
    BeforeValidator(_hours_of_day),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\d?\d:\d\d$"},
                {"type": "number", "minimum": 0, "maximum": 24},
            ]
        }
    ),
]
Profile24 = Annotated[list[Annotated[float, Field(ge=0, le=1e3)]], Field(min_length=24, max_length=24)]
Text = Annotated[str, Field(max_length=10_000)]


class StrictModel(BaseModel):
    """Refuses unknown keys, conversions, NaN and infinities."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Sourced(StrictModel):
    """An item whose numbers have a public source, or are assumed."""

    assumed: bool = Field(False, description="The numbers have no public source (a note for readers).")
    source: Text | None = Field(None, description="Where the numbers come from (a note for readers).")


# --- prices and catalogue
# -----------------------------------------------------------------------------------------


class PriceItem(_Sourced):
    """Price of one item. Its worth is capex + horizon_years x (opex + power_w x power_cost_per_w_year)."""

    capex: Money = Field(0.0, description="Paid once, cost units. Default 0.")
    opex: Money = Field(0.0, description="Paid every year, cost units. Default 0.")
    power_w: Annotated[float, Field(ge=0, le=1e9)] = Field(0.0, description="Power drawn, W. Default 0.")


def either(kind: str, container: type | tuple[type, ...]) -> Any:
    """Discriminator between a container, tagged ``<kind>``, and a scalar, tagged ``<scalar>``."""
    return Discriminator(lambda value: kind if isinstance(value, container) else "<scalar>")


PriceLike = Annotated[
    Annotated[Money, Tag("<scalar>")] | Annotated[PriceItem, Tag("<price>")],
    either("<price>", (dict, PriceItem)),
]


class ModeItem(_Sourced):
    """A transponder line mode."""

    rate_gbps: Rate = Field(description="Line rate, Gb/s.")
    reach_km: Kilometres = Field(description="Longest transparent segment, km.")
    slots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="Contiguous spectrum slots the channel takes."
    )
    price: PriceLike = Field(description="Price of one transponder; a lightpath needs two.")
    regenerator: PriceLike | None = Field(
        None, description="Price of one regenerator. Default: twice the price."
    )


class PortItem(_Sourced):
    """A router port."""

    rate_gbps: Rate = Field(description="Rate, Gb/s; serves channels up to this rate.")
    price: PriceLike = Field(description="Price of one port; a channel of an IP link needs two.")


class ChassisItem(_Sourced):
    """A router chassis."""

    capacity_gbps: Annotated[float, Field(ge=1e-3, le=1e9)] = Field(
        description="Total rate of the ports it holds, Gb/s."
    )
    price: PriceLike = Field(description="Price of one chassis.")


class CatalogueFile(_Sourced):
    """Equipment and its prices."""

    name: Text | None = Field(None, description="Title (a note for readers).")
    description: Text | None = Field(None, description="What the numbers stand for (a note for readers).")
    modes: dict[Id, ModeItem] = Field(description="Transponder line modes by name.")
    ports: list[PortItem] = Field(
        default_factory=list, description="Router ports; needed for packet demands and transfers."
    )
    chassis: list[ChassisItem] = Field(
        default_factory=list, description="Router chassis. Default none: chassis cost nothing."
    )
    pair_terminal: PriceLike = Field(
        0.0, description="One end of a fiber pair (ROADM degree, amplifiers). Default 0."
    )
    inline_amplifier: PriceLike = Field(0.0, description="One in-line amplifier of a fiber pair. Default 0.")
    span_km: Annotated[float, Field(ge=1, le=1e5)] = Field(
        80.0, description="Distance between in-line amplifiers, km. Default 80."
    )
    power_cost_per_w_year: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, description="Price of one watt for one year, cost units. Default 0."
    )
    lease_per_pair_km: PriceLike = Field(
        0.0, description="Lease of one new fiber pair per km, where the fiber names none. Default 0."
    )


# --- network
# ------------------------------------------------------------------------------------------------------


class SiteDefaults(StrictModel):
    """Fields of sites that do not give their own."""

    utc_offset: Annotated[float, Field(ge=-12, le=14), AfterValidator(_quarter_hours)] | None = Field(
        None, description="Hours ahead of UTC, in quarters. Default: longitude / 15, rounded to whole hours."
    )
    router: bool = Field(True, description="May end IP links. Default true.")
    add_drop: bool = Field(True, description="May end lightpaths. Default true.")
    regen: bool = Field(False, description="May hold regenerators. Default false.")
    regen_open_cost: PriceLike = Field(
        0.0, description="Paid once if the site holds any regenerator. Default 0."
    )
    unavailability: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Fraction of the year the site is down. Default 0."
    )
    attributes: dict[Id, Money] = Field(
        default_factory=dict, description="Numbers by name, for the gravity generator."
    )


class SiteItem(SiteDefaults):
    """A place where fibers end. A site with the id of an imported one overrides the fields it names."""

    id: Id = Field(description="Unique id.")
    name: Text | None = Field(None, description="Name for people. Default: the id.")
    lat: Annotated[float, Field(ge=-90, le=90)] | None = Field(
        None, description="Latitude, degrees north. Required unless imported."
    )
    lon: Annotated[float, Field(ge=-180, le=180)] | None = Field(
        None, description="Longitude, degrees east. Required unless imported."
    )
    population: Money | None = Field(None, description="Short for attributes.population.")
    data_centres: Money | None = Field(None, description="Short for attributes.data_centres.")


class FiberDefaults(StrictModel):
    """Fields of fibers that do not give their own."""

    length_km: Kilometres | None = Field(None, description="Length, km. Default: great circle x 1.2.")
    srlgs: list[Id] = Field(
        default_factory=list, description="Shared-risk groups, besides the fiber itself. Default none."
    )
    lit_pairs: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="Pairs already paid for. Default 0."
    )
    max_pairs: Annotated[int, Field(ge=0, le=100_000)] = Field(
        4, description="Pairs that can be had in all. Default 4."
    )
    candidate: bool = Field(False, description="Must be built before use. Default false.")
    build_cost: PriceLike = Field(0.0, description="Price of building a candidate. Default 0.")
    lease_per_pair_km: PriceLike | None = Field(
        None, description="Lease of a new pair per km. Default: the catalogue's."
    )
    cuts_per_1000km_year: Annotated[float, Field(ge=0, le=1e4)] = Field(
        0.0, description="Cable cuts per 1000 km and year. Default 0."
    )
    mttr_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        0.0, description="Mean time to repair a cut, hours. Default 0."
    )


class FiberItem(FiberDefaults):
    """An undirected duct route. A fiber with the id of an imported one overrides the fields it names."""

    id: Id | None = Field(None, description="Unique id, also a group. Default: A--B, then A--B.2 and so on.")
    a: Id | None = Field(None, description="Site at one end. Required unless imported.")
    b: Id | None = Field(None, description="Site at the other end. Required unless imported.")


class SrlgItem(StrictModel):
    """A shared-risk group with an unavailability of its own."""

    id: Id = Field(description="Unique id, different from every fiber and wave offer.")
    unavailability: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Fraction of the year the group is down. Default 0."
    )


class WaveUnitItem(_Sourced):
    """One product of a wave offer."""

    rate_gbps: Rate = Field(description="Rate of one unit, Gb/s.")
    price: PriceLike = Field(description="Price of one unit.")


class WaveOfferItem(_Sourced):
    """A lit service for sale between two sites. Give exactly one of latency_ms and length_km."""

    id: Id = Field(description="Unique id, also a group.")
    a: Id = Field(description="Site at one end.")
    b: Id = Field(description="Site at the other end.")
    units: Annotated[list[WaveUnitItem], Field(min_length=1)] = Field(description="Units for sale.")
    max_units: Annotated[int, Field(ge=1, le=100_000)] = Field(description="Units sold in all.")
    setup: PriceLike = Field(0.0, description="Paid once if any unit is bought. Default 0.")
    latency_ms: Milliseconds | None = Field(
        None, description="One-way latency from hand-off to hand-off, ms."
    )
    length_km: Kilometres | None = Field(None, description="Length, km; latency follows from it.")
    srlgs: list[Id] = Field(
        default_factory=list, description="Shared-risk groups, besides the offer itself. Default none."
    )
    availability: Share = Field(1.0, description="Fraction of the year the service is up. Default 1.")

    @model_validator(mode="after")
    def _one_latency(self) -> WaveOfferItem:
        if (self.latency_ms is None) == (self.length_km is None):
            raise PydanticCustomError("one_latency", "needs exactly one of latency_ms and length_km")
        return self


class SpectrumItem(StrictModel):
    """The slot grid of every fiber pair."""

    slots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        384, description="Slots of a pair. Default 384 (C band)."
    )
    slot_ghz: Annotated[float, Field(gt=0, le=1e4)] = Field(
        12.5, description="Width of a slot, GHz. Default 12.5."
    )
    continuity: Literal["required", "none"] = Field(
        "required",
        description="required (default): the same block of slots along a segment. none: slots are counted.",
    )


class LatencyItem(StrictModel):
    """Constants of the latency model."""

    us_per_km: Annotated[float, Field(ge=3.3356, le=1e3)] = Field(
        4.897,
        description="Propagation, us per km. Default 4.897 (group index 1.468); in vacuum 3.3356.",
    )
    router_hop_ms: FixedMilliseconds = Field(0.0, description="Per IP link of a path, ms. Default 0.")
    lightpath_end_ms: FixedMilliseconds = Field(
        0.0, description="Per lightpath end (transponder, FEC), ms. Default 0."
    )
    regenerator_ms: FixedMilliseconds = Field(0.0, description="Per regenerator, ms. Default 0.")


class TopologyItem(StrictModel):
    """A network to import. Give exactly one key."""

    gnpy: Text | None = Field(None, description="GNPy topology JSON, path relative to this file.")
    topohub: Text | None = Field(None, description="Name in the topohub package, such as sndlib/germany50.")
    topolib: Text | None = Field(None, description="Name in the topolib package, such as usa75.")

    @model_validator(mode="after")
    def _one_source(self) -> TopologyItem:
        if sum(source is not None for source in (self.gnpy, self.topohub, self.topolib)) != 1:
            raise PydanticCustomError("one_topology", "needs exactly one of gnpy, topohub and topolib")
        return self
