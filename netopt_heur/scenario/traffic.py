"""Random traffic: profiles, noise, bursts and surges, and measured series.

``X = mean * profile(local hour) * noise + bursts``, all times the surge factor of the service. Every demand
and direction has a stream of its own, ``SeedSequence([seed, hash of the id, direction])``, and every service
one for its surges; so adding, removing or reordering demands leaves the samples of the others unchanged.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netopt_heur.scenario.scenario import Burst, Packet, Service, Site, Surge, Traffic

__all__ = ["BUILT_IN_PROFILES", "draw_samples", "local_hours"]

# Factors by local hour, from midnight on. The shapes are assumed (working day; evening at home; both; batch
# work at night) and scaled to an average of 1 below, so that the mean of a demand stays its mean.
_SHAPES: Final[dict[str, tuple[float, ...]]] = {
    "flat": (1,) * 24,
    "business": (2, 2, 2, 2, 2, 3, 5, 9, 14, 17, 18, 18, 16, 17, 18, 18, 17, 14, 9, 6, 4, 3, 3, 2),
    "consumer": (9, 6, 4, 3, 3, 3, 4, 6, 8, 9, 10, 11, 12, 12, 12, 13, 14, 16, 18, 20, 21, 20, 17, 13),
    "inference": (6, 5, 4, 4, 4, 4, 5, 8, 12, 15, 16, 16, 15, 16, 16, 16, 15, 14, 13, 13, 13, 12, 10, 8),
    "night": (20, 20, 20, 20, 20, 16, 8, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 6, 10, 16, 20),
}
BUILT_IN_PROFILES: Final[Mapping[str, tuple[float, ...]]] = {
    name: tuple(24 * factor / sum(shape) for factor in shape) for name, shape in _SHAPES.items()
}


def draw_samples(packets: Sequence[Packet], sites: Sequence[Site], traffic: Traffic) -> NDArray[np.float64]:
    """Draw the load of every packet demand.

    Parameters
    ----------
    packets
        Demands; those with a measured ``series`` return it unchanged.
    sites
        Must hold both ends of every demand (for their UTC offsets).
    traffic
        Sample clock, seed and the services the demands name.

    Returns
    -------
    ndarray, shape (len(packets), 2, S), float64
        Gb/s, non-negative; direction 0 is a to b.
    """
    offset_of = {site.id: site.utc_offset for site in sites}
    samples = np.empty((len(packets), 2, traffic.n_samples))
    profiles: dict[tuple[str, float], NDArray[np.float64]] = {}
    surges = {
        name: _surge_factors(service.surge, _stream(traffic.seed, f"service:{name}", 0), traffic)
        for name, service in traffic.services.items()
        if service.surge is not None
    }
    for row, packet in enumerate(packets):
        if packet.series is not None:
            samples[row] = packet.series
            continue
        service = traffic.services[packet.service]
        offset = offset_of[packet.a if packet.user_side == "a" else packet.b]
        profile = profiles.get((service.id, offset))
        if profile is None:
            profile = np.asarray(service.profile)[local_hours(traffic, offset)]
            profiles[service.id, offset] = profile
        for direction, mean_gbps in enumerate((packet.mean_ab_gbps, packet.mean_ba_gbps)):
            load = samples[row, direction]
            np.multiply(profile, mean_gbps, out=load)
            if service.noise_cv > 0.0 or service.burst is not None:
                _add_randomness(
                    load, service, mean_gbps, _stream(traffic.seed, packet.id, direction), traffic
                )
        if service.surge is not None:
            samples[row] *= surges[packet.service]
    return samples


def local_hours(traffic: Traffic, utc_offset: float) -> NDArray[np.int64]:
    """Local hour of day of every sample.

    Parameters
    ----------
    traffic
        The sample clock.
    utc_offset
        Hours ahead of UTC, a multiple of a quarter.

    Returns
    -------
    ndarray, shape (S,), int64
        0 to 23.
    """
    # Sample i stands at (i + 1/2) / samples_per_hour; in units of 1 / (4 samples_per_hour) hours all is
    # whole.
    ticks = 4 * np.arange(traffic.n_samples, dtype=np.int64) + 2
    quarters = round(4 * utc_offset)
    return (ticks + quarters * traffic.samples_per_hour) // (4 * traffic.samples_per_hour) % 24


def _stream(seed: int, name: str, direction: int) -> np.random.Generator:
    key = int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:16], "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, key, direction])))


def _add_randomness(
    load: NDArray[np.float64], service: Service, mean_gbps: float, rng: np.random.Generator, traffic: Traffic
) -> None:
    if service.noise_cv > 0.0:
        # A lognormal with mean 1: E = exp(mu + sigma^2 / 2), cv^2 = exp(sigma^2) - 1.
        variance = math.log1p(service.noise_cv**2)
        load *= rng.lognormal(-variance / 2, math.sqrt(variance), load.size)
    burst = service.burst
    if burst is not None and burst.per_hour > 0.0:
        unit_gbps = burst.mean * (mean_gbps if burst.relative else 1.0)
        if unit_gbps > 0.0:
            _add_bursts(load, burst, unit_gbps, rng, traffic)


def _add_bursts(
    load: NDArray[np.float64], burst: Burst, unit_gbps: float, rng: np.random.Generator, traffic: Traffic
) -> None:
    starts = _arrivals(burst.per_hour, burst.duration_s / 3600, traffic.hours, rng)
    sizes = unit_gbps * _relative_sizes(burst, starts.size, rng)
    first, last = _covered_samples(starts, burst.duration_s / 3600, traffic)
    seen = np.flatnonzero(last > first)
    if seen.size == 0:
        return
    counts = (last - first)[seen]
    # Indices first .. last - 1 of each burst seen, one after the other.
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    index = np.repeat(first[seen], counts) + within
    load += np.bincount(index, weights=np.repeat(sizes[seen], counts), minlength=load.size)


def _relative_sizes(burst: Burst, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """``n`` sizes with mean 1 (law ``fixed``: 1 or 0)."""
    if burst.law == "exponential":
        return rng.standard_exponential(n)
    if burst.law == "lognormal":
        return rng.lognormal(-(burst.sigma**2) / 2, burst.sigma, n)
    if burst.law == "pareto":
        # numpy's pareto is the Lomax law; plus 1 it is Pareto with minimum 1 and mean shape / (shape - 1).
        return (rng.pareto(burst.shape, n) + 1) * ((burst.shape - 1) / burst.shape)
    return (rng.random(n) < burst.probability).astype(np.float64)


def _arrivals(
    per_hour: float, duration_h: float, hours: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Arrival times (hours) with exponential gaps in [-duration_h, hours).

    Starting one duration early puts the process into its stationary state: what began before time 0 still
    lasts.
    """
    span = hours + duration_h
    expected = per_hour * span
    times = np.empty(0)
    reached = 0.0
    while reached < span:
        n = int(expected + 4 * math.sqrt(expected) + 8)
        more = reached + np.cumsum(rng.standard_exponential(n)) / per_hour
        times = np.concatenate((times, more)) if times.size else more
        reached = float(more[-1])
        expected = per_hour * max(0.0, span - reached)
    return times[: np.searchsorted(times, span)] - duration_h


def _covered_samples(
    starts: NDArray[np.float64], duration_h: float, traffic: Traffic
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and one-past-last sample in [start, start + duration) of each event."""
    rate = traffic.samples_per_hour
    first = np.ceil(starts * rate - 0.5).clip(0, traffic.n_samples).astype(np.int64)
    last = np.ceil((starts + duration_h) * rate - 0.5).clip(0, traffic.n_samples).astype(np.int64)
    return first, last


def _surge_factors(surge: Surge, rng: np.random.Generator, traffic: Traffic) -> NDArray[np.float64]:
    """Factor of every sample: ``surge.factor`` while any event lasts (overlaps do not multiply), else 1."""
    factors = np.ones(traffic.n_samples)
    if surge.per_day > 0.0:
        starts = _arrivals(surge.per_day / 24, surge.duration_h, traffic.hours, rng)
        first, last = _covered_samples(starts, surge.duration_h, traffic)
        change = np.bincount(first, minlength=factors.size + 1) - np.bincount(
            last, minlength=factors.size + 1
        )
        factors[np.cumsum(change)[: factors.size] > 0] = surge.factor
    return factors
