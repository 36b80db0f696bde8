"""Costs counted by hand, line by line of the cost table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netopt_heur.scenario.scenario import (
    Chassis,
    Circuit,
    Mode,
    Port,
    Price,
    Promise,
    Scenario,
    WaveOffer,
    WaveUnit,
)
from netopt_heur.verify import verify
from netopt_heur.verify.cost import chassis_cost
from tests.verify.builders import (
    CATALOGUE,
    CHASSIS,
    Plan,
    fiber,
    leg,
    lightpath,
    link,
    offer_leg,
    plan,
    scenario,
    site,
)

SITES = (
    site("A"),
    site("B"),
    site("C", regen=True, regen_open_cost=Price(6.0, 1.0)),
)


def costs(problem: Scenario, content: Plan) -> dict[str, float]:
    verdict = verify(problem, content)
    assert verdict.violations == ()
    assert verdict.cost == pytest.approx(sum(verdict.cost_breakdown.values()))
    return dict(verdict.cost_breakdown)


def test_new_pairs_pay_lease_terminals_and_amplifiers() -> None:
    lease = Price(0.0, 0.02)
    ab = fiber("AB", "A", "B", 200.0, lit_pairs=1, max_pairs=3, lease_per_pair_km=lease)
    # 2 new pairs x (200 km x 5 years x 0.02 + 2 terminals x 4 + (ceil(200 / 80) - 1) amplifiers x 2)
    assert costs(scenario(sites=SITES, fibers=(ab,)), plan({"AB": 3}))["fiber"] == 2 * (20 + 8 + 4)


@pytest.mark.parametrize(
    ("length_km", "amplifiers"), [(0.0, 0), (79.0, 0), (80.0, 0), (80.5, 1), (160.0, 1), (161.0, 2)]
)
def test_amplifiers(length_km: float, amplifiers: int) -> None:
    problem = scenario(sites=SITES, fibers=(fiber("AB", "A", "B", length_km),))
    assert costs(problem, plan({"AB": 1}))["fiber"] == 8 + 2 * amplifiers


def test_lit_pairs_and_fibers_not_listed_are_free() -> None:
    ab = fiber("AB", "A", "B", 200.0, lit_pairs=2)
    assert costs(scenario(sites=SITES, fibers=(ab,)), plan({"AB": 1}))["fiber"] == 0.0
    assert costs(scenario(sites=SITES, fibers=(ab,)), plan())["fiber"] == 0.0


def test_building_is_paid_for_candidates_only_if_built() -> None:
    candidate = fiber("AB", "A", "B", 10.0, candidate=True, build_cost=Price(70.0, 2.0))
    ready = fiber("BC", "B", "C", 10.0, build_cost=Price(70.0, 2.0))
    problem = scenario(sites=SITES, fibers=(candidate, ready))
    assert costs(problem, plan({"AB": (0, True), "BC": (0, True)}))["fiber"] == 80.0
    assert costs(problem, plan({"AB": (1, True)}))["fiber"] == 88.0
    assert costs(problem, plan({"AB": 0}))["fiber"] == 0.0


def test_power_is_priced_by_the_year() -> None:
    # 3 + 5 x (1 + 20 W x 0.1) = 18 per terminal
    catalogue = replace(CATALOGUE, pair_terminal=Price(3.0, 1.0, 20.0), power_cost_per_w_year=0.1)
    problem = scenario(sites=SITES, fibers=(fiber("AB", "A", "B", 10.0),), catalogue=catalogue)
    assert costs(problem, plan({"AB": 1}))["fiber"] == 36.0


def test_transponders_regenerators_and_opened_sites() -> None:
    problem = scenario(sites=SITES, fibers=(fiber("AC", "A", "C", 500.0), fiber("CB", "C", "B", 500.0)))
    lightpaths = {
        "x": lightpath("A", "B", "AC CB", "m800", [0, 0], ["C"], [1, 1]),
        "y": lightpath("A", "B", "AC CB", "m400", [8]),
        "z": lightpath("A", "B", "AC CB", "m800", [0, 0], ["C"], [1, 1], pair=1),
    }
    content = plan({"AC": 2, "CB": 2}, lightpaths, {"L": link("A", "B", leg("AC CB", "x", "y", "z"))})
    # x, z: 2 x 18 + 30; y: 2 x 12; site C opened once: 6 + 5 x 1
    assert costs(problem, content)["optical"] == 2 * 66 + 24 + 11
    # ports: 800, 400, 800 at both ends
    assert costs(problem, content)["ip"] == 2 * (5 + 3 + 5)


def test_wave_offers_pay_setup_once() -> None:
    offer = WaveOffer(
        "W", "A", "B", (WaveUnit(100.0, Price(9.0)), WaveUnit(400.0, Price(25.0, 1.0))), 5, Price(3.0), 1.0
    )
    problem = scenario(sites=SITES, wave_offers=(offer,))
    links = {
        "L": link("A", "B", offer_leg("W", 100.0, 100.0, 400.0)),
        "M": link("B", "A", offer_leg("W", 100.0)),
    }
    breakdown = costs(problem, plan(links=links))
    assert breakdown == {"fiber": 0.0, "optical": 3 * 9 + 30 + 3, "ip": 2 * (3 * 1 + 3)}


def test_ports_are_shared_by_the_legs_and_cheapest_first() -> None:
    ports = (Port(100.0, Price(9.0)), Port(200.0, Price(4.0)), Port(400.0, Price(4.0)))
    problem = scenario(
        sites=SITES,
        fibers=(fiber("AB", "A", "B", 100.0), fiber("AB2", "A", "B", 100.0)),
        catalogue=replace(
            CATALOGUE, ports=ports, chassis=(Chassis(200.0, Price(10.0)), Chassis(350.0, Price(30.0)))
        ),
    )
    lightpaths = {
        "x": lightpath("A", "B", "AB", "m100", [0]),
        "y": lightpath("B", "A", "AB2", "m100", [0]),
    }
    links = {"L": link("A", "B", leg("AB", "x"), leg("AB2", "y"))}
    # A channel of 100 takes the port of 200 for 4 (400 costs the same), which fills the chassis of 200.
    assert costs(problem, plan({"AB": 1, "AB2": 1}, lightpaths, links))["ip"] == 2 * 4 + 2 * 10


def test_circuits_need_no_port() -> None:
    problem = scenario(
        sites=SITES,
        fibers=(fiber("AB", "A", "B", 100.0),),
        circuits=(Circuit("c", "A", "B", 1, 100.0, Promise()),),
    )
    content = plan(
        {"AB": 1},
        {"x": lightpath("A", "B", "AB", "m100")},
        circuits={"c": {"working": leg("AB", "x"), "protection": None}},
    )
    assert costs(problem, content) == {"fiber": 10.0, "optical": 10.0, "ip": 0.0}


@pytest.mark.parametrize(
    ("total_gbps", "expected"),
    [
        (0.0, 0),
        (1.0, 7),
        (1000.0, 7),
        (1001.0, 20),
        (4000.0, 20),
        (4001.0, 27),
        (5000.0, 27),
        (5001.0, 40),
        (8001.0, 47),
    ],
)
def test_chassis(total_gbps: float, expected: float) -> None:
    assert chassis_cost(scenario(catalogue=replace(CATALOGUE, chassis=CHASSIS)), total_gbps) == expected


def test_no_chassis_in_the_catalogue() -> None:
    assert chassis_cost(scenario(), 5000.0) == 0.0


def test_default_prices_are_nothing() -> None:
    free = Mode("free", 100.0, 1000.0, 4, Price(), Price())
    catalogue = replace(CATALOGUE, modes=(free,), ports=(Port(100.0, Price()),))
    problem = scenario(sites=SITES, fibers=(fiber("AB", "A", "B", 10.0, lit_pairs=1),), catalogue=catalogue)
    content = plan({}, {"x": lightpath("A", "B", "AB", "free")}, {"L": link("A", "B", leg("AB", "x"))})
    assert verify(problem, content).cost == 0.0
