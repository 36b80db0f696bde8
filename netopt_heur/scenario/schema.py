"""Shape of the files: every key, its type, unit, range and default.

These models check one file at a time and hold no cross references; ``loader`` turns them into a
:class:`~netopt_heur.scenario.scenario.Scenario`. Unknown keys, text where numbers belong, NaN, infinities and numbers
outside their range are refused. The upper limits are far beyond any network; they keep a slip of the keyboard from
asking for more memory than there is.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

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
    "MAX_DEMANDS",
    "BurstItem",
    "CatalogueFile",
    "CircuitItem",
    "FiberDefaults",
    "FiberItem",
    "GravityItem",
    "PacketItem",
    "PriceItem",
    "PriceLike",
    "PromiseItem",
    "ScenarioFile",
    "ServiceItem",
    "SiteDefaults",
    "SiteItem",
    "SrlgItem",
    "TrainingJobItem",
    "TransferItem",
    "WaveOfferItem",
]

# More packets than a plan may have LSPs is more than enough.
MAX_DEMANDS: Final = 200_000
MAX_PLACES: Final = 100_000

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


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Sourced(_Model):
    """An item whose numbers have a public source, or are assumed."""

    assumed: bool = Field(False, description="The numbers have no public source (a note for readers).")
    source: Text | None = Field(None, description="Where the numbers come from (a note for readers).")


# --- prices and catalogue -----------------------------------------------------------------------------------------


class PriceItem(_Sourced):
    """Price of one item. Its worth is capex + horizon_years x (opex + power_w x power_cost_per_w_year)."""

    capex: Money = Field(0.0, description="Paid once, cost units. Default 0.")
    opex: Money = Field(0.0, description="Paid every year, cost units. Default 0.")
    power_w: Annotated[float, Field(ge=0, le=1e9)] = Field(0.0, description="Power drawn, W. Default 0.")


def _either(kind: str, container: type | tuple[type, ...]) -> Any:
    """Discriminator between a container, tagged ``<kind>``, and a scalar, tagged ``<scalar>``."""
    return Discriminator(lambda value: kind if isinstance(value, container) else "<scalar>")


PriceLike = Annotated[
    Annotated[Money, Tag("<scalar>")] | Annotated[PriceItem, Tag("<price>")],
    _either("<price>", (dict, PriceItem)),
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


# --- network ------------------------------------------------------------------------------------------------------


class SiteDefaults(_Model):
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


class FiberDefaults(_Model):
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


class SrlgItem(_Model):
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


class SpectrumItem(_Model):
    """The slot grid of every fiber pair."""

    slots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        384, description="Slots of a pair. Default 384 (C band)."
    )
    slot_ghz: Annotated[float, Field(gt=0, le=1e4)] = Field(
        12.5, description="Width of a slot, GHz. Default 12.5."
    )
    continuity: Literal["required", "none"] = Field(
        "required",
        description="required: the same contiguous slots along a segment (default). none: slots are only counted.",
    )


class LatencyItem(_Model):
    """Constants of the latency model."""

    us_per_km: Annotated[float, Field(ge=3.3356, le=1e3)] = Field(
        4.897,
        description="Propagation, microseconds per km. Default 4.897 (group index 1.468); light in vacuum takes 3.3356.",
    )
    router_hop_ms: FixedMilliseconds = Field(0.0, description="Per IP link of a path, ms. Default 0.")
    lightpath_end_ms: FixedMilliseconds = Field(
        0.0, description="Per lightpath end (transponder, FEC), ms. Default 0."
    )
    regenerator_ms: FixedMilliseconds = Field(0.0, description="Per regenerator, ms. Default 0.")


class TopologyItem(_Model):
    """A network to import. Give exactly one key."""

    gnpy: Text | None = Field(None, description="GNPy topology JSON, path relative to this file.")
    topohub: Text | None = Field(None, description="Name in the topohub package, such as sndlib/germany50.")
    topolib: Text | None = Field(None, description="Name in the topolib package, such as usa75.")

    @model_validator(mode="after")
    def _one_source(self) -> TopologyItem:
        if sum(source is not None for source in (self.gnpy, self.topohub, self.topolib)) != 1:
            raise PydanticCustomError("one_topology", "needs exactly one of gnpy, topohub and topolib")
        return self


# --- traffic ------------------------------------------------------------------------------------------------------


class TrafficItem(_Model):
    """The sample clock."""

    hours: Annotated[int, Field(ge=1, le=8784)] = Field(24, description="Hours sampled. Default 24.")
    samples_per_hour: Annotated[int, Field(ge=1, le=3600)] = Field(
        10, description="Samples per hour. Default 10."
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        1, description="Seed of all random traffic. Default 1."
    )


class PromiseItem(_Model):
    """What a demand promises its users."""

    max_latency_ms: Milliseconds | None = Field(
        None, description="Bound on the primary path, ms one way. Default none."
    )
    backup_max_latency_ms: Milliseconds | None = Field(
        None, description="Bound on the backup path, ms one way. Default none."
    )
    min_availability: Probability = Field(0.0, description="Least availability, 0 to 1. Default 0.")
    protection: Literal["none", "survivable", "disjoint"] = Field(
        "none",
        description="none (default); survivable: up in every failure state; disjoint: a backup that shares no group.",
    )
    node_disjoint: bool = Field(
        False, description="Disjoint paths share no site but the ends. Default false."
    )


class BurstItem(_Model):
    """Random bursts with exponential inter-arrival times."""

    per_hour: Annotated[float, Field(ge=0, le=36_000)] = Field(
        description="Mean number of arrivals per hour."
    )
    duration_s: Annotated[float, Field(gt=0, le=864_000)] = Field(
        description="How long each burst lasts, seconds."
    )
    law: Literal["exponential", "lognormal", "pareto", "fixed"] = Field(
        "exponential", description="Law of the sizes. Default exponential."
    )
    mean: Annotated[float, Field(ge=0, le=1e6)] = Field(
        description="Mean size (law fixed: the size): times the demand's mean rate, or Gb/s if relative is false."
    )
    sigma: Annotated[float, Field(ge=0, le=5)] = Field(
        1.0, description="lognormal: standard deviation of the logarithm. Default 1."
    )
    shape: Annotated[float, Field(gt=1, le=1e3)] = Field(
        2.5, description="pareto: tail exponent, > 1. Default 2.5."
    )
    probability: Probability = Field(
        1.0, description="fixed: chance that an arrival has the size, else 0. Default 1."
    )
    relative: bool = Field(True, description="Sizes are multiples of the demand's mean rate. Default true.")


class SurgeItem(_Model):
    """Events that hit all demands of a service at once."""

    per_day: Annotated[float, Field(ge=0, le=1e4)] = Field(description="Mean number of events per day.")
    factor: Annotated[float, Field(ge=0, le=1e3)] = Field(
        description="All demands are multiplied by this while an event lasts."
    )
    duration_h: Annotated[float, Field(gt=0, le=8784)] = Field(description="How long an event lasts, hours.")


class ServiceItem(PromiseItem):
    """Traffic law of an application class and the promises its demands make by default."""

    profile: Annotated[
        Annotated[Id, Tag("<scalar>")] | Annotated[Profile24, Tag("<list>")],
        _either("<list>", list),
    ] = Field("flat", description="Name of a profile, or 24 factors by local hour. Default flat.")
    noise_cv: Annotated[float, Field(ge=0, le=10)] = Field(
        0.0, description="Coefficient of variation of the lognormal noise (mean 1). Default 0."
    )
    burst: BurstItem | None = Field(None, description="Bursts on top. Default none.")
    surge: SurgeItem | None = Field(None, description="Shared surges. Default none.")
    user_side: Literal["a", "b"] = Field(
        "a", description="The end whose local time drives the profile. Default a."
    )


# --- demands ------------------------------------------------------------------------------------------------------


class CircuitItem(PromiseItem):
    """Dedicated waves between two sites (training)."""

    id: Id | None = Field(None, description="Unique id. Default: A-B, then A-B.2 and so on.")
    a: Id = Field(description="Site at one end.")
    b: Id = Field(description="Site at the other end.")
    waves: Annotated[int, Field(ge=1, le=10_000)] = Field(1, description="Number of waves. Default 1.")
    wave_gbps: Rate = Field(description="Rate of each wave, Gb/s.")


class SeriesItem(_Model):
    """A measured time series: CSV with a header and one row per sample."""

    file: Text = Field(description="CSV file, path relative to this file.")
    ab: Text = Field(description="Column with the load a to b, Gb/s.")
    ba: Text | None = Field(None, description="Column with the load b to a, Gb/s. Default: no load.")


class PacketItem(PromiseItem):
    """Stochastic packet demand."""

    id: Id | None = Field(None, description="Unique id. Default: A-B, then A-B.2 and so on.")
    a: Id = Field(description="Site at one end.")
    b: Id = Field(description="Site at the other end.")
    mean_gbps: Load | None = Field(None, description="Mean rate in both directions, Gb/s.")
    mean_ab_gbps: Load | None = Field(None, description="Mean rate a to b, Gb/s.")
    mean_ba_gbps: Load | None = Field(
        None, description="Mean rate b to a, Gb/s. Default 0 if mean_ab_gbps is given."
    )
    service: Id = Field(
        "default", description="Service whose traffic law and promises hold. Default: flat, without noise."
    )
    user_side: Literal["a", "b"] | None = Field(
        None, description="End whose local time drives the profile. Default: the service's."
    )
    series: SeriesItem | None = Field(None, description="Measured load instead of means.")

    @model_validator(mode="after")
    def _one_mean(self) -> PacketItem:
        means = (self.mean_ab_gbps is not None or self.mean_ba_gbps is not None) + (
            self.mean_gbps is not None
        )
        if self.series is not None and means:
            raise PydanticCustomError("one_mean", "takes its means from the series; remove the mean rates")
        if self.series is None and means != 1:
            raise PydanticCustomError("one_mean", "needs either mean_gbps or mean_ab_gbps (and mean_ba_gbps)")
        return self


class TransferItem(PromiseItem):
    """A bulk volume, delivered daily inside a window in the target's local time."""

    id: Id = Field(description="Unique id.")
    source: Id = Field(description="Site that holds (push) or collects (pull) the data.")
    targets: Annotated[list[Id], Field(min_length=1)] = Field(
        description="Sites to deliver to, or to collect from."
    )
    volume_gb: Annotated[float, Field(gt=0, le=1e12)] = Field(description="Volume per target and day, GB.")
    window: Annotated[list[TimeOfDay], Field(min_length=2, max_length=2)] = Field(
        description='Start and end, local time of the target, such as ["22:00", "06:00"].'
    )
    direction: Literal["push", "pull"] = Field(
        "push", description="push (default): from the source; pull: to the source."
    )


class DemandsItem(_Model):
    """Demands listed one by one."""

    circuits: list[CircuitItem] = Field(
        default_factory=list, max_length=MAX_DEMANDS, description="Dedicated waves."
    )
    packets: list[PacketItem] = Field(
        default_factory=list, max_length=MAX_DEMANDS, description="Stochastic packet demands."
    )
    transfers: list[TransferItem] = Field(
        default_factory=list, max_length=MAX_DEMANDS, description="Bulk transfers in windows."
    )


class TrainingJobItem(PromiseItem):
    """A training job over several sites; becomes circuits named job/A-B."""

    id: Id = Field(description="Unique id.")
    sites: Annotated[list[Id], Field(min_length=2, max_length=500)] = Field(description="Sites of the job.")
    pattern: Literal["ring", "tree", "mesh"] = Field(
        "ring",
        description="ring (default) in the order given; tree: shortest spanning tree by great circle; mesh: all pairs.",
    )
    waves: Annotated[int, Field(ge=1, le=10_000)] = Field(1, description="Waves per circuit. Default 1.")
    wave_gbps: Rate = Field(description="Rate of each wave, Gb/s.")


class GravityItem(PromiseItem):
    """Packet demands in proportion to site attributes, named id/A-B.

    The share of a pair is weight_a(A) x weight_b(B) / distance^distance_exponent. Explicit promises win over the service's.
    """

    id: Id = Field(description="Unique id, prefix of the demands.")
    service: Id = Field("default", description="Service of the demands. Default: flat, without noise.")
    total_gbps: Annotated[float, Field(gt=0, le=1e9)] = Field(
        description="Sum of the mean rates a to b, Gb/s."
    )
    weight_a: Id = Field(
        "uniform", description="Site attribute that weighs the a side (users), or uniform. Default uniform."
    )
    weight_b: Id = Field(
        "uniform", description="Site attribute that weighs the b side (hubs), or uniform. Default uniform."
    )
    distance_exponent: Annotated[float, Field(ge=0, le=5)] = Field(
        0.0, description="Exponent of the great-circle distance. Default 0."
    )
    count: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Keep only this many of the heaviest pairs; the total is preserved. Default all."
    )
    ratio_ba: Annotated[float, Field(ge=0, le=1e3)] = Field(
        1.0, description="Rate b to a over rate a to b. Default 1."
    )
    min_km: Annotated[float, Field(ge=0, le=21_000)] = Field(
        0.0, description="Least great-circle distance of a pair, km. Default 0."
    )
    from_: list[Id] | None = Field(
        None, alias="from", description="Sites on the a side. Default all routers."
    )
    to: list[Id] | None = Field(None, description="Sites on the b side. Default all routers.")


# --- policy and file ----------------------------------------------------------------------------------------------


class FailuresItem(_Model):
    """Failure states to survive and to size for."""

    srlgs: bool = Field(True, description="Every group fails once. Default true.")
    sites: Annotated[
        Annotated[bool, Tag("<scalar>")] | Annotated[list[Id], Tag("<list>")],
        _either("<list>", list),
    ] = Field(False, description="true: every site fails once; or a list of sites. Default false.")
    pairs: list[Annotated[list[Id], Field(min_length=2, max_length=2)]] = Field(
        default_factory=list, description="Pairs of groups that fail together. Default none."
    )


class PolicyItem(_Model):
    """Planning rules of the whole network."""

    confidence: Share = Field(
        0.95, description="Percentile of load that must fit without failures, 0 to 1. Default 0.95."
    )
    failure_confidence: Share | None = Field(
        None, description="The same in failure states. Default: confidence."
    )
    percentile_over: Literal["hour", "day"] = Field(
        "hour",
        description="hour (default): within each UTC hour of day, the worst counts; day: over all samples.",
    )
    max_utilisation: Share = Field(1.0, description="Share of a link's capacity that may be used. Default 1.")
    max_ip_hops: Annotated[int, Field(ge=1, le=1000)] = Field(
        8, description="Most IP links in a path. Default 8."
    )
    max_link_hops: Annotated[int, Field(ge=1, le=1000)] = Field(
        16, description="Most fibers under an IP link. Default 16."
    )
    split_gbps: Rate = Field(
        100.0, description="Packet demands above this mean are split into equal LSPs, Gb/s. Default 100."
    )
    failures: FailuresItem = Field(default_factory=FailuresItem, description="Failure states.")


class ScenarioFile(_Model):
    """A planning problem of netopt-heur: sites, fibers, equipment, traffic and promises. Units: Gb/s, km, ms, hours, W."""

    model_config = ConfigDict(title="netopt-heur scenario")

    version: Literal[1] = Field(description="Version of this format: 1.")
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="Name of the scenario.")
    description: Text | None = Field(None, description="What the scenario models (a note for readers).")
    horizon_years: Annotated[float, Field(ge=0, le=100)] = Field(
        5.0, description="Years of opex that count. Default 5."
    )
    catalogue: Annotated[
        Annotated[Text, Tag("<scalar>")] | Annotated[CatalogueFile, Tag("<inline>")],
        _either("<inline>", (dict, CatalogueFile)),
    ] = Field(description="Equipment: a YAML file relative to this one, or the mapping itself.")
    topology: TopologyItem | None = Field(None, description="Network to import. Default none.")
    site_defaults: SiteDefaults = Field(
        default_factory=SiteDefaults, description="Fields of sites that give none."
    )
    fiber_defaults: FiberDefaults = Field(
        default_factory=FiberDefaults, description="Fields of fibers that give none."
    )
    sites: list[SiteItem] = Field(default_factory=list, max_length=MAX_PLACES, description="Sites.")
    fibers: list[FiberItem] = Field(default_factory=list, max_length=MAX_PLACES, description="Fibers.")
    srlgs: Annotated[
        Annotated[list[SrlgItem], Tag("<scalar>")]
        | Annotated[dict[Id, Annotated[float, Field(ge=0, lt=1)]], Tag("<mapping>")],
        _either("<mapping>", dict),
    ] = Field(
        default_factory=list,
        description="Groups with an unavailability of their own, as a list or id: unavailability.",
    )
    wave_offers: list[WaveOfferItem] = Field(
        default_factory=list, max_length=MAX_PLACES, description="Lit services for sale."
    )
    spectrum: SpectrumItem = Field(default_factory=SpectrumItem, description="Slot grid.")
    latency: LatencyItem = Field(default_factory=LatencyItem, description="Latency constants.")
    traffic: TrafficItem = Field(default_factory=TrafficItem, description="Sample clock.")
    profiles: dict[Id, Profile24] = Field(
        default_factory=dict, description="Further profiles: 24 factors by local hour."
    )
    services: dict[Id, ServiceItem] = Field(default_factory=dict, description="Traffic laws by name.")
    policy: PolicyItem = Field(default_factory=PolicyItem, description="Planning rules.")
    demands: DemandsItem = Field(default_factory=DemandsItem, description="Demands.")
    demand_files: list[Text] = Field(
        default_factory=list,
        description="CSV files of packet demands: a header of packet keys, one demand per row.",
    )
    training_jobs: list[TrainingJobItem] = Field(default_factory=list, description="Training jobs.")
    gravity: list[GravityItem] = Field(default_factory=list, description="Gravity generators.")
