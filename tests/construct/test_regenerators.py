"""Moving regenerators: every choice keeps reach and number, and fewer sites are opened."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from netopt_heur.construct.regenerators import RegeneratorSites, placements
from netopt_heur.construct.wavelengths import SpectrumGrid, choices_among
from netopt_heur.design import Channel, Design, DesignLeg, segments
from netopt_heur.instance import Instance, build_instance
from netopt_heur.scenario.scenario import Circuit, Mode, Price, Promise, Spectrum
from tests.verify import builders

REACH_KM = 250.0


def chain(
    n_sites: int, open_cost: dict[int, float], n_circuits: int, slots: int = 40, **fiber: Any
) -> Instance:
    """Sites on a line, 100 km apart, two fibers between neighbours; one mode of 250 km and 10 slots."""
    names = [f"S{i}" for i in range(n_sites)]
    mode = Mode("m", 100.0, REACH_KM, 10, Price(1.0), Price(2.0))
    return build_instance(
        builders.scenario(
            sites=tuple(
                builders.site(name, regen=True, regen_open_cost=Price(open_cost.get(i, 0.0)))
                for i, name in enumerate(names)
            ),
            fibers=tuple(
                builders.fiber(f"{side}{i}", names[i], names[i + 1], 100.0, **fiber)
                for i in range(n_sites - 1)
                for side in "ab"
            ),
            catalogue=replace(builders.CATALOGUE, modes=(mode,)),
            spectrum=Spectrum(slots=slots, continuity="required"),
            circuits=tuple(
                Circuit(f"c{i}", names[0], names[-1], 1, 100.0, Promise()) for i in range(n_circuits)
            ),
        )
    )


def leg(instance: Instance, start: int, end: int, side: int, *regens: tuple[int, ...]) -> DesignLeg:
    """Channels from one site of a chain to another, along the fibers of one side."""
    fibers = tuple(instance.fiber_index[f"{'ab'[side]}{i}"] for i in range(start, end))
    return DesignLeg(fibers, tuple(range(start, end + 1)), tuple(Channel(0, r) for r in regens))


def within_reach(instance: Instance, at: DesignLeg, channel: Channel) -> bool:
    return all(sum(instance.length_km[f] for f in fibers) <= REACH_KM for fibers in segments(at, channel))


@pytest.mark.parametrize(("length", "count"), [(3, 1), (4, 1), (5, 2), (6, 2), (6, 3), (7, 3)])
def test_placements_are_all_that_keep_reach(length: int, count: int) -> None:
    instance = chain(length + 1, {}, 1)
    at = leg(instance, 0, length, 0)
    expected = {
        sites
        for sites in combinations(range(1, length), count)
        if within_reach(instance, at, Channel(0, sites))
    }
    own = max(expected)
    found = placements(instance, at, Channel(0, own))
    assert found[0] == own
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_two_lightpaths_share_the_site_that_both_can_use() -> None:
    """Each chose the cheapest site for itself; one dearer site for both is cheaper than two."""
    instance = chain(6, {1: 5.0, 2: 6.0, 3: 5.0, 4: 9.0}, 2)
    design = Design.empty(instance)
    design.working[0] = leg(instance, 0, 3, 0, (1,), (1,))
    design.working[1] = leg(instance, 1, 4, 1, (3,))
    RegeneratorSites(instance).consolidate(design)
    assert design.working[0] is not None and design.working[1] is not None
    assert [c.regens for c in design.working[0].channels] == [(2,), (2,)]
    assert [c.regens for c in design.working[1].channels] == [(2,)]


def least_open_cost(instance: Instance, legs: list[DesignLeg]) -> float:
    """By trying every set of sites."""
    n_sites = len(instance.site_ids)
    demands = [placements(instance, at, channel) for at in legs for channel in at.channels]
    best = np.inf
    for bits in range(1 << n_sites):
        opened = {site for site in range(n_sites) if bits >> site & 1}
        if all(any(opened.issuperset(sites) for sites in found) for found in demands):
            best = min(best, float(sum(instance.regen_open_worth[site] for site in opened)))
    return best


def test_random_designs_open_few_sites() -> None:
    """Never dearer than before, nearly always the least; same number of regenerators, within reach."""
    rng, optimal = np.random.default_rng(1), 0
    for _ in range(60):
        instance = chain(9, {i: float(rng.integers(0, 4)) * 5.0 for i in range(9)}, 6)
        design = Design.empty(instance)
        for index in range(6):
            start = int(rng.integers(0, 5))
            end = int(rng.integers(start + 3, 9))
            at = leg(instance, start, end, int(rng.integers(0, 2)))
            fitting = [
                sites
                for count in range(1, end - start)
                for sites in combinations(range(start + 1, end), count)
                if within_reach(instance, at, Channel(0, sites))
            ]
            least = min(len(sites) for sites in fitting)
            choices = [sites for sites in fitting if len(sites) == least]
            design.working[index] = replace(
                at, channels=(Channel(0, choices[int(rng.integers(len(choices)))]),)
            )
        before = [at for at in design.working if at is not None]
        RegeneratorSites(instance).consolidate(design)
        after = [at for at in design.working if at is not None]
        for old, new in zip(before, after, strict=True):
            assert old.fibers == new.fibers
            assert len(old.channels[0].regens) == len(new.channels[0].regens)
            assert within_reach(instance, new, new.channels[0])

        def opened(legs: list[DesignLeg], at: Instance = instance) -> float:
            return float(sum(at.regen_open_worth[s] for s in {s for x in legs for s in x.channels[0].regens}))

        assert opened(after) <= opened(before)
        optimal += opened(after) <= least_open_cost(instance, before) + 1e-9
    assert optimal >= 57


def crowded() -> tuple[Instance, SpectrumGrid, DesignLeg]:
    """Three blocks; fibers a1 and a2 have the outer ones free, a3 the middle one; a route over all three."""
    instance = chain(6, {2: 5.0, 3: 5.0}, 1, slots=30, max_pairs=1)
    grid = SpectrumGrid(instance)
    for start, end in ((0, 1), (0, 3), (4, 5), (4, 5), (3, 5), (3, 4)):
        assert grid.place(leg(instance, start, end, 0, ()), Channel(0)) is not None
    return instance, grid, leg(instance, 1, 4, 0, (2,))


def test_a_full_segment_moves_the_regenerator() -> None:
    """No block is free on both a2 and a3, but one is on both a1 and a2."""
    instance, grid, at = crowded()
    assert grid.place(at, at.channels[0]) is None
    choices = choices_among(RegeneratorSites(instance), frozenset({2, 3}), at, at.channels[0])
    (placed,) = grid.place_all([(at, at.channels[0], choices)])
    assert placed is not None
    assert placed.regens == (3,)
    assert placed.starts == (0, 10)


def test_closed_sites_stay_closed_while_slots_are_sought() -> None:
    instance, grid, at = crowded()
    before = grid.used_slots()
    choices = choices_among(RegeneratorSites(instance), frozenset({2}), at, at.channels[0])
    assert grid.place_all([(at, at.channels[0], choices)]) == [None]
    np.testing.assert_array_equal(grid.used_slots(), before)
