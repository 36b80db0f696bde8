"""Trimmed means stay below percentiles of sums, and transfers below whatever rates they may have."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_heur.bounds.traffic import build_traffic, pair_of, smallest_mean, trimmed_means
from netopt_heur.instance import GB_PER_GBPS_HOUR, Instance, build_instance
from tests.random_scenarios import random_scenario

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
PERIODS: tuple[Literal["hour", "day"], ...] = ("hour", "day")


def _percentile(instance: Instance, rank: I64, load: F64) -> float:
    spans = zip(instance.group_start[:-1], instance.group_start[1:], rank, strict=True)
    return max(float(np.sort(load[start:stop])[j - 1]) for start, stop, j in spans)


@given(
    seed=st.integers(0, 10_000),
    n_terms=st.integers(1, 6),
    n_samples=st.integers(1, 30),
    q=st.floats(0.01, 1.0),
)
@settings(max_examples=200, deadline=None)
def test_sum_of_trimmed_means_is_below_the_percentile_of_the_sum(
    seed: int, n_terms: int, n_samples: int, q: float
) -> None:
    samples = np.random.default_rng(seed).pareto(1.5, (n_terms, n_samples))
    rank = max(1, math.ceil(q * n_samples - 1e-9))
    percentile = np.sort(samples.sum(axis=0))[rank - 1]
    means = trimmed_means(samples, np.array([0, n_samples]), np.array([rank]))
    assert means.sum() <= percentile * (1 + 1e-12)


@given(
    seed=st.integers(0, 10_000),
    n_terms=st.integers(1, 6),
    n_samples=st.integers(1, 30),
    q=st.floats(0.01, 1.0),
)
@settings(max_examples=200, deadline=None)
def test_any_set_of_samples_stays_below_the_percentile(
    seed: int, n_terms: int, n_samples: int, q: float
) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.pareto(1.5, (n_terms, n_samples))
    exempt = n_samples - max(1, math.ceil(q * n_samples - 1e-9))
    chosen = rng.permutation(n_samples)[: int(rng.integers(exempt + 1, n_samples + 1))]
    percentile = np.sort(samples.sum(axis=0))[n_samples - exempt - 1]
    assert smallest_mean(samples[:, chosen], len(chosen) - exempt).sum() <= percentile * (1 + 1e-12)


@given(seed=st.integers(0, 10_000), over=st.sampled_from(PERIODS))
@settings(max_examples=40, deadline=None)
def test_matrices_are_below_the_percentile_of_any_cut(seed: int, over: Literal["hour", "day"]) -> None:
    scenario = random_scenario(seed % 50, n_sites=4, n_packets=3)
    policy = replace(scenario.policy, percentile_over=over)
    instance = build_instance(replace(scenario, policy=policy))
    traffic = build_traffic(instance)
    rng = np.random.default_rng(seed)
    samples = instance.samples.copy()
    for i, lsp in enumerate(instance.lsps):
        if lsp.hours:
            shares = rng.dirichlet(np.full(len(lsp.hours), 0.2))
            rates = np.zeros(24)
            rates[list(lsp.hours)] = shares * lsp.volume_gb / GB_PER_GBPS_HOUR
            samples[i, 0] = rates[instance.sample_hour]
    inside = set(np.flatnonzero(rng.random(4) < 0.5).tolist())
    load = np.zeros(samples.shape[2])
    for i, lsp in enumerate(instance.lsps):
        if (lsp.a in inside) and (lsp.b not in inside):
            load += samples[i, 0]
        if (lsp.b in inside) and (lsp.a not in inside):
            load += samples[i, 1]
    percentile = _percentile(instance, instance.rank_normal, load)
    here, there = sorted(inside), [v for v in range(4) if v not in inside]
    if here and there:
        across = traffic.normal[:, here][:, :, there].sum(axis=(1, 2))
        assert across.max() <= percentile * (1 + 1e-9) + 1e-12


@given(seed=st.integers(0, 10_000), over=st.sampled_from(PERIODS))
@settings(max_examples=20, deadline=None)
def test_needs_of_sites_and_links(seed: int, over: Literal["hour", "day"]) -> None:
    scenario = random_scenario(seed % 50, n_sites=4, n_packets=4)
    instance = build_instance(replace(scenario, policy=replace(scenario.policy, percentile_over=over)))
    traffic = build_traffic(instance)
    for site in range(4):
        own = [0.0, 0.0]
        for out in (0, 1):
            rows = [x for i, x in enumerate(instance.samples) if instance.lsps[i].a == site]
            back = [x for i, x in enumerate(instance.samples) if instance.lsps[i].b == site]
            load = (
                sum(x[out] for x in rows)
                + sum(x[1 - out] for x in back)
                + np.zeros(instance.samples.shape[2])
            )
            own[out] = _percentile(instance, instance.rank_normal, load)
        assert traffic.site_normal[site] <= max(own) * (1 + 1e-9)
    for lsp, samples in zip(instance.lsps, instance.samples, strict=True):
        for rank in (instance.rank_normal, instance.rank_failure):
            need = max(_percentile(instance, rank, samples[d]) for d in (0, 1))
            assert traffic.least[pair_of(lsp)] <= need * (1 + 1e-9) or lsp.hours
