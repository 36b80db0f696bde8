"""Trimmed means stay below percentiles of sums, and transfers below whatever rates they may have."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_heur.bounds.traffic import build_traffic, trimmed_means
from netopt_heur.instance import GB_PER_GBPS_HOUR, build_instance
from tests.random_scenarios import random_scenario

PERIODS: tuple[Literal["hour", "day"], ...] = ("hour", "day")


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
    bounds = zip(instance.group_start[:-1], instance.group_start[1:], instance.rank_normal, strict=True)
    percentile = max(float(np.sort(load[start:stop])[j - 1]) for start, stop, j in bounds)
    here, there = sorted(inside), [v for v in range(4) if v not in inside]
    if here and there:
        across = traffic.normal[:, here][:, :, there].sum(axis=(1, 2))
        assert across.max() <= percentile * (1 + 1e-9) + 1e-12
