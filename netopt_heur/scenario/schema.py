"""Shape of the files: every key, its type, unit, range and default.

These models check one file at a time and hold no cross references; ``loader`` turns them into a
:class:`~netopt_heur.scenario.scenario.Scenario`. Unknown keys, text where numbers belong, NaN, infinities and
numbers outside their range are refused. The upper limits are far beyond any network; they keep a slip of the
keyboard from asking for more memory than there is.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from netopt_heur.scenario.schema_network import (
    CatalogueFile,
    FiberDefaults,
    FiberItem,
    Id,
    LatencyItem,
    Load,
    Milliseconds,
    Probability,
    Profile24,
    Rate,
    Share,
    SiteDefaults,
    SiteItem,
    SpectrumItem,
    SrlgItem,
    StrictModel,
    Text,
    TimeOfDay,
    TopologyItem,
    WaveOfferItem,
    either,
)

__all__ = [
    "MAX_DEMANDS",
    "BurstItem",
    "CircuitItem",
    "DemandsItem",
    "FailuresItem",
    "GravityItem",
    "PacketItem",
    "PolicyItem",
    "PromiseItem",
    "ScenarioFile",
    "SeriesItem",
    "ServiceItem",
    "SurgeItem",
    "TrafficItem",
    "TrainingJobItem",
    "TransferItem",
]

# More packets than a plan may have LSPs is more than enough.
MAX_DEMANDS: Final = 200_000
MAX_PLACES: Final = 100_000

# --- traffic
# ------------------------------------------------------------------------------------------------------


class TrafficItem(StrictModel):
    """The sample clock."""

    hours: Annotated[int, Field(ge=1, le=8784)] = Field(24, description="Hours sampled. Default 24.")
    samples_per_hour: Annotated[int, Field(ge=1, le=3600)] = Field(
        10, description="Samples per hour. Default 10."
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        1, description="Seed of all random traffic. Default 1."
    )


class PromiseItem(StrictModel):
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
        description="none (default); survivable: up in every failure; disjoint: a backup sharing no group.",
    )
    node_disjoint: bool = Field(
        False, description="Disjoint paths share no site but the ends. Default false."
    )


class BurstItem(StrictModel):
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
        description="Mean size (fixed: the size): times the demand's mean rate, or Gb/s if not relative."
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


class SurgeItem(StrictModel):
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
        either("<list>", list),
    ] = Field("flat", description="Name of a profile, or 24 factors by local hour. Default flat.")
    noise_cv: Annotated[float, Field(ge=0, le=10)] = Field(
        0.0, description="Coefficient of variation of the lognormal noise (mean 1). Default 0."
    )
    burst: BurstItem | None = Field(None, description="Bursts on top. Default none.")
    surge: SurgeItem | None = Field(None, description="Shared surges. Default none.")
    user_side: Literal["a", "b"] = Field(
        "a", description="The end whose local time drives the profile. Default a."
    )


# --- demands
# ------------------------------------------------------------------------------------------------------


class CircuitItem(PromiseItem):
    """Dedicated waves between two sites (training)."""

    id: Id | None = Field(None, description="Unique id. Default: A-B, then A-B.2 and so on.")
    a: Id = Field(description="Site at one end.")
    b: Id = Field(description="Site at the other end.")
    waves: Annotated[int, Field(ge=1, le=10_000)] = Field(1, description="Number of waves. Default 1.")
    wave_gbps: Rate = Field(description="Rate of each wave, Gb/s.")


class SeriesItem(StrictModel):
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


class DemandsItem(StrictModel):
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
        description="ring (default) in the order given; tree: shortest spanning tree; mesh: all pairs.",
    )
    waves: Annotated[int, Field(ge=1, le=10_000)] = Field(1, description="Waves per circuit. Default 1.")
    wave_gbps: Rate = Field(description="Rate of each wave, Gb/s.")


class GravityItem(PromiseItem):
    """Packet demands in proportion to site attributes, named id/A-B.

    The share of a pair is weight_a(A) x weight_b(B) / distance^distance_exponent. Explicit promises win over
    the service's.
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


# --- policy and file
# ----------------------------------------------------------------------------------------------


class FailuresItem(StrictModel):
    """Failure states to survive and to size for."""

    srlgs: bool = Field(True, description="Every group fails once. Default true.")
    sites: Annotated[
        Annotated[bool, Tag("<scalar>")] | Annotated[list[Id], Tag("<list>")],
        either("<list>", list),
    ] = Field(False, description="true: every site fails once; or a list of sites. Default false.")
    pairs: list[Annotated[list[Id], Field(min_length=2, max_length=2)]] = Field(
        default_factory=list, description="Pairs of groups that fail together. Default none."
    )


class PolicyItem(StrictModel):
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


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("name_characters", "may not hold control characters")
    return value


class ScenarioFile(StrictModel):
    """A planning problem: sites, fibers, equipment, traffic, promises. Units: Gb/s, km, ms, hours, W, GB."""

    model_config = ConfigDict(title="netopt-heur scenario")

    version: Literal[1] = Field(description="Version of this format: 1.")
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)] = Field(
        description="Name of the scenario."
    )
    description: Text | None = Field(None, description="What the scenario models (a note for readers).")
    horizon_years: Annotated[float, Field(ge=0, le=100)] = Field(
        5.0, description="Years of opex that count. Default 5."
    )
    catalogue: Annotated[
        Annotated[Text, Tag("<scalar>")] | Annotated[CatalogueFile, Tag("<inline>")],
        either("<inline>", (dict, CatalogueFile)),
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
        either("<mapping>", dict),
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
