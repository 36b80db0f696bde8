"""The validated, immutable scenario: what the planning problem *is*, free of file formats.

Every default is resolved here: a demand carries its own latency bound, a fiber its own lease, a job or a
generator has become plain demands. ``docs/model.md`` defines each field. The loader builds it; evaluator,
planner and referee read it and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Protection = Literal["none", "survivable", "disjoint"]
Continuity = Literal["required", "none"]

# Metadata of fields that say nothing about the problem, and are no part of its digest.
NOT_DIGESTED = {"digested": False}


@dataclass(frozen=True, slots=True)
class Price:
    """Price of one item: ``capex`` and yearly ``opex`` in cost units, ``power_w`` in watts."""

    capex: float = 0.0
    opex: float = 0.0
    power_w: float = 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """A place where fibers end."""

    id: str
    name: str
    lat: float
    lon: float
    utc_offset: float = 0.0
    router: bool = True
    add_drop: bool = True
    regen: bool = False
    regen_open_cost: Price = Price()
    unavailability: float = 0.0
    attributes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fiber:
    """An undirected duct route; also a shared-risk group of its own."""

    id: str
    a: str
    b: str
    length_km: float
    srlgs: tuple[str, ...] = ()
    lit_pairs: int = 0
    max_pairs: int = 4
    candidate: bool = False
    build_cost: Price = Price()
    lease_per_pair_km: Price = Price()
    cuts_per_1000km_year: float = 0.0
    mttr_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class WaveUnit:
    """One product of a wave offer: a rate and its price per unit."""

    rate_gbps: float
    price: Price


@dataclass(frozen=True, slots=True)
class WaveOffer:
    """A lit service for sale between two sites; also a shared-risk group of its own.

    Exactly one of ``latency_ms`` and ``length_km`` is given.
    """

    id: str
    a: str
    b: str
    units: tuple[WaveUnit, ...]
    max_units: int
    setup: Price = Price()
    latency_ms: float | None = None
    length_km: float | None = None
    srlgs: tuple[str, ...] = ()
    availability: float = 1.0


@dataclass(frozen=True, slots=True)
class Mode:
    """A transponder line mode. ``price`` is one transponder, ``regenerator`` one regenerator of this mode."""

    id: str
    rate_gbps: float
    reach_km: float
    slots: int
    price: Price
    regenerator: Price


@dataclass(frozen=True, slots=True)
class Port:
    """A router port."""

    rate_gbps: float
    price: Price


@dataclass(frozen=True, slots=True)
class Chassis:
    """A router chassis that holds ports up to ``capacity_gbps`` in all."""

    capacity_gbps: float
    price: Price


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Equipment. Modes sorted by id; ports by rate; chassis by capacity (possibly none)."""

    modes: tuple[Mode, ...]
    ports: tuple[Port, ...]
    chassis: tuple[Chassis, ...]
    pair_terminal: Price
    inline_amplifier: Price
    span_km: float
    power_cost_per_w_year: float


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The slot grid of every fiber pair."""

    slots: int = 384
    slot_ghz: float = 12.5
    continuity: Continuity = "required"


@dataclass(frozen=True, slots=True)
class Latency:
    """Constants of the latency model."""

    us_per_km: float = 4.897
    router_hop_ms: float = 0.0
    lightpath_end_ms: float = 0.0
    regenerator_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Promise:
    """What every kind of demand promises its users."""

    max_latency_ms: float | None = None
    backup_max_latency_ms: float | None = None
    min_availability: float = 0.0
    protection: Protection = "none"
    node_disjoint: bool = False


@dataclass(frozen=True, slots=True)
class Circuit:
    """Dedicated waves between two sites (training)."""

    id: str
    a: str
    b: str
    waves: int
    wave_gbps: float
    promise: Promise


@dataclass(frozen=True, slots=True)
class Packet:
    """Stochastic packet demand: ``service`` names its law; ``series``, (2, S) in Gb/s, is measured."""

    id: str
    a: str
    b: str
    mean_ab_gbps: float
    mean_ba_gbps: float
    service: str
    promise: Promise
    user_side: Literal["a", "b"] = "a"
    series: NDArray[np.float64] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Daily bulk volume from (push) or to (pull) ``source``, in a window of the target's local time."""

    id: str
    source: str
    targets: tuple[str, ...]
    volume_gb: float
    window_start: float
    window_end: float
    direction: Literal["push", "pull"]
    promise: Promise

    def flow_id(self, target: str) -> str:
        """Id of the LSP that serves ``target``."""
        return f"{self.id}/{target}"

    def ends(self, target: str) -> tuple[str, str]:
        """Sending and receiving site of the flow for ``target``."""
        return (self.source, target) if self.direction == "push" else (target, self.source)


@dataclass(frozen=True, slots=True)
class Burst:
    """Random bursts: arrivals with exponential gaps, sizes by ``law``, each lasting ``duration_s``.

    ``law`` and its parameters (Gb/s): ``exponential`` (mean), ``lognormal`` (mean, sigma),
    ``pareto`` (mean, shape > 1), ``fixed`` (size ``mean`` with ``probability``, else 0). ``relative`` sizes
    are multiples of the demand's mean rate.
    """

    per_hour: float
    duration_s: float
    law: Literal["exponential", "lognormal", "pareto", "fixed"]
    mean: float
    sigma: float = 1.0
    shape: float = 2.5
    probability: float = 1.0
    relative: bool = True


@dataclass(frozen=True, slots=True)
class Surge:
    """Shared events of a service: all its demands are multiplied by ``factor`` while one lasts."""

    per_day: float
    factor: float
    duration_h: float


@dataclass(frozen=True, slots=True)
class Service:
    """Traffic law of an application class. ``profile``: 24 factors by local hour.

    ``promise`` and ``user_side`` are what demands that are added later get by default; those there are carry
    their own.
    """

    id: str
    profile: tuple[float, ...]
    noise_cv: float = 0.0
    burst: Burst | None = None
    surge: Surge | None = None
    promise: Promise = field(default=Promise(), metadata=NOT_DIGESTED)
    user_side: Literal["a", "b"] = field(default="a", metadata=NOT_DIGESTED)


@dataclass(frozen=True, slots=True)
class Traffic:
    """The sample clock. ``S = hours * samples_per_hour``."""

    hours: int = 24
    samples_per_hour: int = 10
    seed: int = 1
    services: Mapping[str, Service] = field(default_factory=dict)

    @property
    def n_samples(self) -> int:
        """Number of samples S."""
        return self.hours * self.samples_per_hour


@dataclass(frozen=True, slots=True)
class Failures:
    """Failure states: every group if ``srlgs``; the sites listed; the named pairs of groups."""

    srlgs: bool = True
    sites: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Planning rules that hold for the whole network."""

    confidence: float = 0.95
    failure_confidence: float = 0.95
    percentile_over: Literal["hour", "day"] = "hour"
    max_utilisation: float = 1.0
    max_ip_hops: int = 8
    max_link_hops: int = 16
    split_gbps: float = 100.0
    failures: Failures = Failures()


@dataclass(frozen=True)
class Scenario:
    """One planning problem. Tuples are sorted by id; ids are unique per kind and over all demands."""

    name: str
    horizon_years: float
    sites: tuple[Site, ...]
    fibers: tuple[Fiber, ...]
    wave_offers: tuple[WaveOffer, ...]
    group_unavailability: Mapping[str, float]
    catalogue: Catalogue
    spectrum: Spectrum
    latency: Latency
    traffic: Traffic
    policy: Policy
    circuits: tuple[Circuit, ...]
    packets: tuple[Packet, ...]
    transfers: tuple[Transfer, ...]
    digest: str = ""

    @cached_property
    def samples(self) -> NDArray[np.float64]:
        """Packet traffic X in Gb/s, (len(packets), 2, S), direction 0 is a->b; drawn once."""
        from netopt_heur.scenario.traffic import draw_samples

        return draw_samples(self.packets, self.sites, self.traffic)
