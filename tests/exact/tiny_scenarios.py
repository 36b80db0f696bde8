"""Random scenarios of 3 and 4 sites, small enough to enumerate, with features switched on at random."""

from __future__ import annotations

from typing import Any

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
    Scenario,
    Service,
    Site,
    Spectrum,
    Traffic,
    Transfer,
    WaveOffer,
    WaveUnit,
)

MODES = (
    Mode("100G", 100.0, 1200.0, 4, Price(5.0), Price(9.0)),
    Mode("400G", 400.0, 500.0, 6, Price(11.0), Price(20.0)),
)
PORTS = (Port(100.0, Price(2.0)), Port(400.0, Price(5.0)))
CHASSIS = (Chassis(200.0, Price(3.0)), Chassis(500.0, Price(6.0)))


def tiny_scenario(seed: int) -> Scenario:
    """A ring of 3 or 4 sites with perhaps a chord; the same seed gives the same scenario."""
    rng = np.random.default_rng([seed, 20])
    n = 3 if rng.random() < 0.75 else 4
    sites = tuple(_site(rng, i) for i in range(n))
    fibers = _fibers(rng, n)
    transfer = rng.random() < 0.25
    hours = 24 if transfer else 1
    packets = _packets(rng, n, 1 if transfer or n == 4 else int(rng.integers(1, 3)))
    return Scenario(
        name=f"tiny-{seed}",
        horizon_years=5.0,
        sites=sites,
        fibers=fibers,
        wave_offers=_offers(rng, n, fibers),
        group_unavailability={},
        catalogue=Catalogue(
            modes=MODES[: int(rng.integers(1, 3))],
            ports=PORTS,
            chassis=CHASSIS if rng.random() < 0.3 else (),
            pair_terminal=Price(float(rng.choice([2.0, 8.0]))),
            inline_amplifier=Price(0.5),
            span_km=80.0,
            power_cost_per_w_year=0.0,
        ),
        spectrum=Spectrum(
            int(rng.choice([6, 8, 10, 16, 96])), 12.5, "required" if rng.random() < 0.7 else "none"
        ),
        latency=Latency(5.0, 0.1, 0.05, float(rng.choice([0.0, 0.4]))),
        traffic=Traffic(hours, 1 if transfer else int(rng.integers(1, 6)), seed, {"bursty": _service()}),
        policy=Policy(
            confidence=float(rng.choice([0.5, 0.8, 1.0])),
            failure_confidence=float(rng.choice([0.5, 0.8, 1.0])),
            percentile_over="hour" if transfer or rng.random() < 0.5 else "day",
            max_utilisation=float(rng.choice([0.8, 1.0])),
            max_ip_hops=int(rng.choice([1, 2, 2])),
            max_link_hops=int(rng.choice([1, 2, 2, 3])),
            split_gbps=float(rng.choice([60.0, 200.0, 200.0])),
            failures=_failures(rng, fibers),
        ),
        circuits=_circuits(rng, n, int(rng.integers(0, 3))),
        packets=packets,
        transfers=_transfers(rng, n) if transfer else (),
    )


def _service() -> Service:
    flat = (1.0,) * 24
    return Service("bursty", flat, noise_cv=0.3, burst=Burst(1.0, 1200.0, "exponential", 0.6))


def _site(rng: np.random.Generator, i: int) -> Site:
    return Site(
        f"s{i}",
        f"Site {i}",
        40.0 + i,
        -90.0 + i,
        utc_offset=float(rng.choice([-5.0, 0.0])),
        regen=bool(rng.random() < 0.7),
        regen_open_cost=Price(float(rng.choice([0.0, 3.0]))),
        unavailability=float(rng.choice([0.0, 1e-4])),
    )


def _fibers(rng: np.random.Generator, n: int) -> tuple[Fiber, ...]:
    ends = [(i, (i + 1) % n) for i in range(n)]
    if n == 4 and rng.random() < 0.4:
        ends.append((0, 2))
    elif rng.random() < 0.3:
        ends.append((0, 1))
    fibers = []
    for k, (a, b) in enumerate(ends):
        candidate = bool(rng.random() < 0.2)
        most = int(rng.integers(1, 4))
        fibers.append(
            Fiber(
                f"f{k}",
                f"s{a}",
                f"s{b}",
                float(rng.integers(1, 7) * 100),
                srlgs=("duct",) if rng.random() < 0.15 else (),
                lit_pairs=0 if candidate else int(rng.integers(0, 2)),
                max_pairs=most,
                candidate=candidate,
                build_cost=Price(30.0 if candidate else 0.0),
                lease_per_pair_km=Price(0.02),
                cuts_per_1000km_year=2.0,
                mttr_hours=12.0,
            )
        )
    return tuple(fibers)


def _offers(rng: np.random.Generator, n: int, fibers: tuple[Fiber, ...]) -> tuple[WaveOffer, ...]:
    if rng.random() < 0.6:
        return ()
    a, b = (int(x) for x in rng.choice(n, 2, replace=False))
    units = (WaveUnit(100.0, Price(14.0)),) + ((WaveUnit(400.0, Price(30.0)),) if rng.random() < 0.5 else ())
    shared = (fibers[0].id,) if rng.random() < 0.4 else ()
    most = int(rng.integers(1, 4))
    return (
        WaveOffer(
            "wave",
            f"s{a}",
            f"s{b}",
            units,
            most,
            Price(4.0),
            length_km=450.0,
            srlgs=shared,
            availability=0.999,
        ),
    )


def _promise(rng: np.random.Generator) -> Promise:
    kinds: list[Any] = ["none", "none", "none", "survivable", "disjoint"]
    return Promise(
        max_latency_ms=float(rng.choice([5.0, 9.0])) if rng.random() < 0.4 else None,
        backup_max_latency_ms=9.0 if rng.random() < 0.2 else None,
        min_availability=float(rng.choice([0.99, 0.995, 0.999])) if rng.random() < 0.3 else 0.0,
        protection=kinds[int(rng.integers(0, 5))],
        node_disjoint=bool(rng.random() < 0.2),
    )


def _packets(rng: np.random.Generator, n: int, count: int) -> tuple[Packet, ...]:
    packets = []
    for k in range(count):
        a, b = (int(x) for x in rng.choice(n, 2, replace=False))
        ab, ba = (float(rng.integers(10, 110)) for _ in range(2))
        service = "bursty"
        packets.append(Packet(f"p{k}", f"s{a}", f"s{b}", ab, ba, service, _promise(rng)))
    return tuple(packets)


def _circuits(rng: np.random.Generator, n: int, count: int) -> tuple[Circuit, ...]:
    circuits = []
    for k in range(count):
        a, b = (int(x) for x in rng.choice(n, 2, replace=False))
        circuits.append(Circuit(f"c{k}", f"s{a}", f"s{b}", int(rng.integers(1, 3)), 100.0, _promise(rng)))
    return tuple(circuits)


def _transfers(rng: np.random.Generator, n: int) -> tuple[Transfer, ...]:
    a, b = (int(x) for x in rng.choice(n, 2, replace=False))
    window = (22.0, 1.0) if rng.random() < 0.5 else (2.0, 4.0)
    volume = float(rng.choice([9000.0, 45_000.0, 90_000.0]))
    return (
        Transfer(
            "move", f"s{a}", (f"s{b}",), volume, *window, "push" if rng.random() < 0.5 else "pull", Promise()
        ),
    )


def _failures(rng: np.random.Generator, fibers: tuple[Fiber, ...]) -> Failures:
    draw = rng.random()
    if draw < 0.1:
        return Failures(False)
    if draw < 0.2:
        return Failures(True, ("s0",))
    if draw < 0.3:
        return Failures(True, (), ((fibers[0].id, fibers[1].id),))
    return Failures(True)
