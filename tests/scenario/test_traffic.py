"""Each law's statistics against theory, with 5-sigma margins and fixed seeds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from netopt_heur.scenario.scenario import Burst, Packet, Promise, Service, Site, Surge, Traffic
from netopt_heur.scenario.traffic import BUILT_IN_PROFILES, draw_samples, local_hours

FLAT = (1.0,) * 24
SITES = (Site("A", "A", 0, 0, 0.0), Site("B", "B", 0, 0, 5.5), Site("C", "C", 0, 0, -3.0))


def packets(n: int, mean_ab: float = 10.0, mean_ba: float = 4.0, prefix: str = "d") -> list[Packet]:
    return [Packet(f"{prefix}{i}", "A", "B", mean_ab, mean_ba, "s", Promise()) for i in range(n)]


def clock(service: Service, hours: int = 24, rate: int = 10, seed: int = 1) -> Traffic:
    return Traffic(hours, rate, seed, {"s": service})


def draw(service: Service, n: int = 1, **keys: int) -> np.ndarray:
    return draw_samples(packets(n), SITES, clock(service, **keys))


def assert_mean(values: np.ndarray, expected: float, sd: float) -> None:
    """Mean of independent values with this standard deviation, within 5 standard errors."""
    assert abs(values.mean() - expected) < 5 * sd / math.sqrt(values.size)


# --- the clock and the profile ---


@pytest.mark.parametrize("offset", [0.0, 5.5, -3.0, 5.75, -9.5, 12.75, 14.0])
@pytest.mark.parametrize("rate", [1, 2, 4, 7, 10, 60])
def test_local_hours_are_exact(offset: float, rate: int) -> None:
    from fractions import Fraction

    expected = [math.floor(Fraction(2 * i + 1, 2 * rate) + Fraction(offset)) % 24 for i in range(48 * rate)]
    assert local_hours(Traffic(48, rate), offset).tolist() == expected


def test_profile_follows_the_user_side() -> None:
    profile = tuple(float(hour) for hour in range(24))
    traffic = clock(Service("s", profile), rate=2)
    at_a = Packet("x", "A", "B", 2.0, 1.0, "s", Promise(), "a")
    at_b = dataclasses.replace(at_a, user_side="b")
    samples = draw_samples([at_a, at_b], SITES, traffic)
    np.testing.assert_allclose(samples[0, 0], 2.0 * np.repeat(np.arange(24), 2))
    # 5:30 ahead: sample 0 stands at 0:15 UTC, 5:45 local; sample 1 at 0:45, 6:15 local.
    np.testing.assert_allclose(samples[1, 1, :4], [5, 6, 6, 7])


def test_built_in_profiles_keep_the_mean() -> None:
    assert set(BUILT_IN_PROFILES) == {"flat", "business", "consumer", "inference", "night"}
    for profile in BUILT_IN_PROFILES.values():
        assert len(profile) == 24
        assert sum(profile) / 24 == pytest.approx(1.0)
        assert min(profile) > 0


# --- noise ---


@pytest.mark.parametrize("cv", [0.05, 0.3, 1.0])
def test_noise_is_lognormal_with_mean_one(cv: float) -> None:
    samples = draw(Service("s", FLAT, noise_cv=cv), n=400)
    noise = samples[:, 0].ravel() / 10.0
    assert_mean(noise, 1.0, cv)
    logs = np.log(noise)
    variance = math.log(1 + cv**2)
    assert_mean(logs, -variance / 2, math.sqrt(variance))
    # The variance of a normal sample has standard deviation var * sqrt(2 / n).
    assert abs(logs.var() - variance) < 5 * variance * math.sqrt(2 / logs.size)
    # Independent in time and between directions.
    assert abs(np.corrcoef(logs[:-1], logs[1:])[0, 1]) < 5 / math.sqrt(logs.size)
    other = np.log(samples[:, 1].ravel() / 4.0)
    assert abs(np.corrcoef(logs, other)[0, 1]) < 5 / math.sqrt(logs.size)


# --- bursts ---


def only_bursts(burst: Burst, n: int, **keys: int) -> np.ndarray:
    """Burst load alone, in multiples of the mean rate a to b."""
    samples = draw(Service("s", FLAT, burst=burst), n=n, **keys)
    return samples[:, 0] / 10.0 - 1.0


def test_number_of_active_bursts_is_poisson_from_the_start() -> None:
    # M/G/infinity: with rate 2 per hour and 1 h duration, Poisson(2) bursts are active at any time.
    burst = Burst(per_hour=2, duration_s=3600, law="fixed", mean=1.0)
    load = only_bursts(burst, 8000, rate=1).round(9)
    for column in (0, 3, 23):
        counts = load[:, column]
        n = counts.size
        assert_mean(counts, 2.0, math.sqrt(2))
        assert abs(counts.var() - 2.0) < 5 * math.sqrt((2 + 2 * 4) / n)  # var of s^2: (mu4 - var^2) / n
        for k in range(6):
            share = math.exp(-2) * 2**k / math.factorial(k)
            assert abs((counts == k).mean() - share) < 5 * math.sqrt(share * (1 - share) / n)


def test_bursts_last_their_duration() -> None:
    # Covariance of the number active at lag t is rate * (duration - t).
    burst = Burst(per_hour=1, duration_s=2 * 3600, law="fixed", mean=1.0)
    counts = only_bursts(burst, 8000, rate=1)
    first = counts[:, 5]
    for lag, covariance in ((1, 1.0), (2, 0.0), (4, 0.0)):
        found = np.cov(first, counts[:, 5 + lag])[0, 1]
        assert abs(found - covariance) < 5 * math.sqrt((4 + 2 * covariance + covariance**2) / first.size)


def test_short_bursts_are_seen_at_their_rate() -> None:
    # 30 s bursts, one sample per 6 minutes: seen with probability 1 - exp(-rate * duration).
    burst = Burst(per_hour=12, duration_s=30, law="fixed", mean=1.0)
    seen = only_bursts(burst, 500) > 0.5
    share = 1 - math.exp(-12 * 30 / 3600)
    assert abs(seen.mean() - share) < 5 * math.sqrt(share * (1 - share) / seen.size)


def exponential_tail(x: float) -> float:
    return math.exp(-x)


def pareto_tail(x: float) -> float:
    shape = 2.5
    smallest = (shape - 1) / shape
    return 1.0 if x < smallest else (smallest / x) ** shape


def lognormal_tail(x: float) -> float:
    sigma = 0.8
    return 0.5 * math.erfc((math.log(x) + sigma**2 / 2) / (sigma * math.sqrt(2)))


@pytest.mark.parametrize(
    ("burst", "tail", "sd"),
    [
        (Burst(0.5, 3600, "exponential", 3.0), exponential_tail, 1.0),
        (Burst(0.5, 3600, "lognormal", 3.0, sigma=0.8), lognormal_tail, math.sqrt(math.exp(0.64) - 1)),
        (Burst(0.5, 3600, "pareto", 3.0, shape=2.5), pareto_tail, math.sqrt(1 / (2.5 * 0.5))),
    ],
)
def test_sizes_follow_their_law(burst: Burst, tail: Callable[[float], float], sd: float) -> None:
    # One sample per hour and 1 h duration: every burst is seen in exactly one sample. At 0.02 per hour two
    # bursts in one sample are so rare that the positive loads are single sizes (99 %).
    rare = dataclasses.replace(burst, per_hour=0.02)
    load = only_bursts(rare, 8000, rate=1) / 3.0
    sizes = load[load > 1e-9]
    n = sizes.size
    single = 0.02 / (math.exp(0.02) - 1)
    for x in (0.3, 0.7, 1.0, 2.0, 4.0):
        share = tail(x)
        margin = 5 * math.sqrt(max(share * (1 - share), 1e-4) / n) + (1 - single)
        assert abs((sizes > x).mean() - share) < margin
    # Mean of a compound Poisson: rate x mean size; variance: rate x E[size^2].
    often = only_bursts(burst, 4000, rate=1)[:, ::2].ravel() / 3.0
    assert_mean(often, 0.5, math.sqrt(0.5 * (1 + sd**2)))


def test_fixed_size_with_probability() -> None:
    load = only_bursts(Burst(1, 3600, "fixed", 5.0, probability=0.25), 4000, rate=1)[:, ::2].ravel()
    # Thinning: bursts of size 5 arrive at rate 0.25.
    counts = (load / 5.0).round(9)
    assert np.array_equal(counts, counts.round())
    assert_mean(counts, 0.25, 0.5)
    assert abs(counts.var() - 0.25) < 5 * math.sqrt((0.25 + 2 * 0.0625) / counts.size)


def test_absolute_bursts_ignore_the_mean() -> None:
    burst = Burst(1, 3600, "fixed", 7.0, relative=False)
    samples = draw(Service("s", FLAT, burst=burst), n=50)
    for direction, mean in ((0, 10.0), (1, 4.0)):
        counts = (samples[:, direction] - mean) / 7.0
        np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
        assert counts.max() >= 1


def test_no_bursts_at_rate_zero_and_samples_are_never_negative() -> None:
    quiet = draw(Service("s", FLAT, burst=Burst(0, 60, "pareto", 1.0)))
    np.testing.assert_array_equal(quiet[0, 0], 10.0)
    busy = draw(
        Service("s", FLAT, 2.0, Burst(100, 600, "lognormal", 1.0, sigma=3.0), Surge(5, 3.0, 1.0)), n=50
    )
    assert np.isfinite(busy).all()
    assert (busy >= 0).all()


# --- surges ---


def test_surges_hit_all_demands_of_a_service_at_once() -> None:
    service = Service("s", FLAT, surge=Surge(per_day=2, factor=3.0, duration_h=2.0))
    calm = Service("t", FLAT)
    traffic = Traffic(240, 4, 5, {"s": service, "t": calm})
    demands = [*packets(3), Packet("q", "A", "B", 1.0, 1.0, "t", Promise())]
    samples = draw_samples(demands, SITES, traffic)
    factors = samples[0, 0] / 10.0
    assert set(np.unique(factors)) == {1.0, 3.0}
    for row in range(3):
        np.testing.assert_allclose(samples[row, 1] / 4.0, factors)
    np.testing.assert_array_equal(samples[3], 1.0)


def test_share_of_time_in_surges() -> None:
    # Up while at least one event lasts: 1 - exp(-rate * duration), also at the first sample.
    service = Service("s", FLAT, surge=Surge(per_day=6, factor=2.0, duration_h=1.0))
    up = np.array([draw(service, hours=24, rate=1, seed=seed)[0, 0] > 15 for seed in range(2000)])
    share = 1 - math.exp(-6 / 24)
    for column in (0, 12):
        assert abs(up[:, column].mean() - share) < 5 * math.sqrt(share * (1 - share) / len(up))


# --- seeds ---


BUSY = Service("s", BUILT_IN_PROFILES["inference"], 0.2, Burst(4, 60, "pareto", 2.0), Surge(2, 1.5, 0.5))


def test_adding_demands_leaves_the_others_unchanged() -> None:
    few = draw_samples(packets(5), SITES, clock(BUSY))
    more = draw_samples([*packets(3, prefix="new"), *packets(5)], SITES, clock(BUSY))
    np.testing.assert_array_equal(more[3:], few)
    assert not np.array_equal(few[0], few[1])


def test_samples_depend_on_the_seed_only() -> None:
    first, again = draw(BUSY, n=3), draw(BUSY, n=3)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, draw(BUSY, n=3, seed=2))


def test_a_scaled_demand_has_scaled_samples() -> None:
    one = draw_samples(packets(1, 1.0), SITES, clock(BUSY))
    ten = draw_samples(packets(1, 10.0), SITES, clock(BUSY))
    np.testing.assert_allclose(ten[:, 0], 10 * one[:, 0])


def test_series_are_returned_as_measured() -> None:
    series = np.arange(480, dtype=float).reshape(2, 240)
    packet = dataclasses.replace(packets(1)[0], series=series)
    np.testing.assert_array_equal(draw_samples([packet], SITES, clock(BUSY))[0], series)


def test_the_samples_of_a_demand_do_not_depend_on_how_many_there_are() -> None:
    many = draw_samples(packets(10_000), SITES, clock(BUSY))
    assert many.shape == (10_000, 2, 240)
    np.testing.assert_array_equal(many[:3], draw_samples(packets(3), SITES, clock(BUSY)))
