"""Random scenarios from the dataclasses: small networks with features switched on at random."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from netopt_heur.scenario.scenario import (
    Burst,
    Catalogue,
    Chassis,
    Circuit,
    Failures,
    Fiber,
    Latency,
    Mode,
    Packet,
    Policy,
    Port,
    Price,
    Promise,
    Protection,
    Scenario,
    Service,
    Site,
    Spectrum,
    Traffic,
    Transfer,
    WaveOffer,
    WaveUnit,
)

CATALOGUE = Catalogue(
    modes=(
        Mode("100G", 100.0, 3000.0, 4, Price(5.0, 0.1, 160.0), Price(10.0)),
        Mode("400G", 400.0, 900.0, 6, Price(11.0), Price(20.0)),
        Mode("800G", 800.0, 450.0, 10, Price(18.0), Price(33.0)),
    ),
    ports=(Port(100.0, Price(2.0)), Port(400.0, Price(5.0)), Port(800.0, Price(9.0))),
    chassis=(Chassis(1600.0, Price(7.0)), Chassis(6400.0, Price(18.0))),
    pair_terminal=Price(4.0),
    inline_amplifier=Price(0.6, 0.01, 27.0),
    span_km=80.0,
    power_cost_per_w_year=0.001,
)


def random_scenario(seed: int, n_sites: int = 7, n_packets: int = 8) -> Scenario:
    """A connected ring with chords, with demands of all kinds; the same seed gives the same scenario."""
    rng = np.random.default_rng(seed)
    sites = tuple(_site(rng, i) for i in range(n_sites))
    fibers = _fibers(rng, sites)
    offers = _offers(rng, sites, fibers)
    traffic = Traffic(
        24,
        int(rng.integers(1, 5)),
        seed,
        {
            "flat": Service("flat", (1.0,) * 24, noise_cv=0.2),
            "evening": Service(
                "evening",
                tuple(1 + 0.6 * math.sin((h - 14) / 24 * 2 * math.pi) for h in range(24)),
                noise_cv=0.3,
                burst=Burst(2.0, 900.0, "exponential", 0.5),
            ),
        },
    )
    return Scenario(
        name=f"random-{seed}",
        horizon_years=5.0,
        sites=sites,
        fibers=fibers,
        wave_offers=offers,
        group_unavailability={"duct0": 1e-5},
        catalogue=replace(CATALOGUE, chassis=CATALOGUE.chassis if rng.random() < 0.5 else ()),
        spectrum=Spectrum(int(rng.integers(40, 97)), 12.5, "required" if rng.random() < 0.7 else "none"),
        latency=Latency(4.897, 0.05, 0.02, 0.03),
        traffic=traffic,
        policy=Policy(
            confidence=float(rng.choice([0.8, 0.95])),
            failure_confidence=float(rng.choice([0.6, 0.9, 0.95])),
            percentile_over="hour" if rng.random() < 0.6 else "day",
            max_utilisation=float(rng.choice([0.8, 1.0])),
            split_gbps=150.0,
            failures=Failures(True, ("s0",) if rng.random() < 0.3 else ()),
        ),
        circuits=_circuits(rng, n_sites),
        packets=_packets(rng, n_sites, n_packets),
        transfers=(
            Transfer("push", "s0", ("s2", "s3"), float(rng.uniform(5e3, 1e5)), 22.0, 6.0, "push", Promise()),
        ),
    )


def _site(rng: np.random.Generator, i: int) -> Site:
    return Site(
        f"s{i}",
        f"Site {i}",
        float(rng.uniform(30, 45)),
        float(rng.uniform(-120, -75)),
        utc_offset=float(rng.choice([-8.0, -5.0, 5.5])),
        regen=bool(rng.random() < 0.7),
        regen_open_cost=Price(float(rng.choice([0.0, 3.0]))),
        unavailability=float(rng.choice([0.0, 1e-5])),
    )


def _fibers(rng: np.random.Generator, sites: tuple[Site, ...]) -> tuple[Fiber, ...]:
    n = len(sites)
    ends = [(i, (i + 1) % n) for i in range(n)]
    ends += [tuple(int(x) for x in rng.choice(n, 2, replace=False)) for _ in range(n // 2)]  # type: ignore[misc]
    fibers = []
    for k, (a, b) in enumerate(ends):
        candidate = bool(k >= n and rng.random() < 0.3)
        fibers.append(
            Fiber(
                f"f{k:02d}",
                f"s{a}",
                f"s{b}",
                float(rng.uniform(50, 800)),
                srlgs=("duct0",) if k >= n and rng.random() < 0.3 else (),
                lit_pairs=int(rng.integers(0, 2)) if not candidate else 0,
                max_pairs=int(rng.integers(2, 5)),
                candidate=candidate,
                build_cost=Price(200.0 if candidate else 0.0),
                lease_per_pair_km=Price(0.02, 0.001),
                cuts_per_1000km_year=1.5,
                mttr_hours=10.0,
            )
        )
    return tuple(fibers)


def _offers(
    rng: np.random.Generator, sites: tuple[Site, ...], fibers: tuple[Fiber, ...]
) -> tuple[WaveOffer, ...]:
    a, b = (int(x) for x in rng.choice(len(sites), 2, replace=False))
    units = (WaveUnit(100.0, Price(20.0)), WaveUnit(400.0, Price(50.0)))
    shared = (fibers[0].id,) if rng.random() < 0.5 else ()
    return (
        WaveOffer(
            "wave0", f"s{a}", f"s{b}", units, 4, Price(3.0), length_km=500.0, srlgs=shared, availability=0.999
        ),
    )


def _promise(rng: np.random.Generator) -> Promise:
    protection: Protection = ("none", "survivable", "disjoint")[int(rng.integers(0, 3))]  # type: ignore[assignment]
    return Promise(
        max_latency_ms=float(rng.choice([20.0, 40.0])),
        backup_max_latency_ms=60.0 if rng.random() < 0.5 else None,
        min_availability=float(rng.choice([0.0, 0.99])),
        protection=protection,
        node_disjoint=bool(rng.random() < 0.2),
    )


def _packets(rng: np.random.Generator, n_sites: int, count: int) -> tuple[Packet, ...]:
    packets = []
    for k in range(count):
        a, b = (int(x) for x in rng.choice(n_sites, 2, replace=False))
        packets.append(
            Packet(
                f"p{k:03d}",
                f"s{a}",
                f"s{b}",
                float(rng.uniform(5, 250)),
                float(rng.uniform(5, 250)),
                str(rng.choice(["flat", "evening"])),
                _promise(rng),
                "a" if rng.random() < 0.5 else "b",
            )
        )
    return tuple(packets)


def _circuits(rng: np.random.Generator, n_sites: int) -> tuple[Circuit, ...]:
    circuits = []
    for k in range(2):
        a, b = (int(x) for x in rng.choice(n_sites, 2, replace=False))
        circuits.append(Circuit(f"c{k}", f"s{a}", f"s{b}", int(rng.integers(1, 4)), 400.0, _promise(rng)))
    return tuple(circuits)
