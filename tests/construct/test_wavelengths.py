"""Wavelength assignment: what is placed fits, by an independent count, and what is not is reported."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from netopt_heur.construct.regenerators import RegeneratorSites
from netopt_heur.construct.wavelengths import SpectrumGrid, assign_wavelengths
from netopt_heur.design import Channel, Design, DesignLeg, DesignLink, segments
from netopt_heur.instance import Instance, build_instance
from netopt_heur.scenario.scenario import Circuit, Mode, Price, Promise, Scenario, Spectrum
from tests.verify import builders

WIDTHS = (4, 6, 10)


def network(
    slots: int, continuity: str, max_pairs: int, circuits: int, **fiber: Any
) -> tuple[Scenario, Instance]:
    """A chain of four sites with one parallel fiber; modes of three widths, long reaches."""
    modes = tuple(Mode(f"w{w}", 100.0 * w, 9e3, w, Price(1.0), Price(1.0)) for w in WIDTHS)
    problem = builders.scenario(
        sites=tuple(builders.site(s, regen=True) for s in "ABCD"),
        fibers=(
            builders.fiber("AB", "A", "B", 100.0, max_pairs=max_pairs, **fiber),
            builders.fiber("AB2", "A", "B", 100.0, max_pairs=max_pairs + 1, **fiber),
            builders.fiber("BC", "B", "C", 100.0, max_pairs=max_pairs, **fiber),
            builders.fiber("CD", "C", "D", 100.0, max_pairs=max_pairs, **fiber),
        ),
        catalogue=replace(builders.CATALOGUE, modes=modes),
        spectrum=Spectrum(slots=slots, continuity=continuity),  # type: ignore[arg-type]
        circuits=tuple(Circuit(f"c{i:03d}", "A", "B", 1, 100.0, Promise()) for i in range(circuits)),
    )
    return problem, build_instance(problem)


ROUTES = ((0,), (1,), (0, 2), (1, 2, 3), (2, 3), (3,))
STARTS = (0, 0, 0, 0, 1, 2)


def random_design(instance: Instance, rng: np.random.Generator) -> Design:
    """Legs with random channels: half on links, half on circuits."""
    design = Design.empty(instance)

    def leg() -> DesignLeg:
        number = int(rng.integers(0, len(ROUTES)))
        fibers = ROUTES[number]
        sites = instance.route_sites(STARTS[number], fibers)
        assert sites is not None
        channels = []
        for _ in range(int(rng.integers(1, 4))):
            regens = tuple(s for s in sites[1:-1] if rng.random() < 0.4)
            channels.append(Channel(int(rng.integers(0, len(WIDTHS))), regens))
        return DesignLeg(fibers, sites, tuple(channels))

    for key in range(len(instance.circuits)):
        first = leg()
        design.links[key] = DesignLink(first.sites[0], first.sites[-1], (first,))
        design.working[key] = leg()
    return design


def check_placed(design: Design) -> None:
    """No two channels share a slot of a pair; pairs stay within bounds; used fibers are lit (and built)."""
    instance = design.instance
    spectrum = instance.scenario.spectrum
    taken: Counter[tuple[int, int, int]] = Counter()
    widths: Counter[tuple[int, int]] = Counter()
    for leg in design.legs():
        for channel in leg.channels:
            parts = segments(leg, channel)
            assert len(parts) == len(channel.regens) + 1 == len(channel.starts) == len(channel.pairs)
            width = WIDTHS[channel.mode]
            for fibers, start, pairs in zip(parts, channel.starts, channel.pairs, strict=True):
                for fiber, pair in zip(fibers, pairs, strict=True):
                    assert (
                        0
                        <= pair
                        < design.pairs[fiber]
                        <= max(instance.max_pairs[fiber], instance.lit_pairs[fiber])
                    )
                    assert design.built[fiber] or not instance.candidate[fiber]
                    widths[fiber, pair] += width
                    if spectrum.continuity == "required":
                        assert 0 <= start <= spectrum.slots - width
                        taken.update((fiber, pair, slot) for slot in range(start, start + width))
                    else:
                        assert start == -1
    assert all(count == 1 for count in taken.values())
    assert all(used <= spectrum.slots for used in widths.values())


@pytest.mark.parametrize("continuity", ["required", "none"])
@pytest.mark.parametrize("seed", range(12))
def test_random_channels_fit_or_are_reported(seed: int, continuity: str) -> None:
    rng = np.random.default_rng(seed)
    slots, max_pairs = int(rng.choice([10, 24, 64, 65, 130])), int(rng.choice([0, 1, 2, 9]))
    lit = int(rng.integers(0, max_pairs + 1))
    _, instance = network(slots, continuity, max_pairs, int(rng.integers(1, 15)), lit_pairs=lit)
    design = random_design(instance, rng)
    asked = Counter((n, c.mode, c.regens) for n, leg in enumerate(design.legs()) for c in leg.channels)
    used, blocked = assign_wavelengths(design, RegeneratorSites(instance))
    got = Counter((n, c.mode, c.regens) for n, leg in enumerate(design.legs()) for c in leg.channels)
    check_placed(design)
    # regenerators may have moved, to any site here, none of which costs anything to open
    asked, got = (Counter({(n, m, len(r)): c for (n, m, r), c in x.items()}) for x in (asked, got))
    assert got <= asked
    assert bool(blocked) == (got != asked)
    for fiber in blocked:
        assert design.pairs[fiber] >= instance.max_pairs[fiber]
    expected = np.zeros(len(instance.fiber_ids))
    for leg in design.legs():
        for channel in leg.channels:
            expected[list(leg.fibers)] += WIDTHS[channel.mode]
    np.testing.assert_array_equal(used, expected)


def test_pairs_are_not_lit_without_need() -> None:
    """Channels that fit on one pair leave the second dark; one more lights it."""
    _, instance = network(12, "required", 2, 1)
    for count, pairs in ((3, 1), (4, 2), (6, 2)):
        design = Design.empty(instance)
        design.working[0] = DesignLeg((0, 2), (0, 1, 2), (Channel(0),) * count)
        _, blocked = assign_wavelengths(design, RegeneratorSites(instance))
        assert not blocked
        check_placed(design)
        assert design.pairs[0] == design.pairs[2] == pairs
        assert design.pairs[1] == design.pairs[3] == 0
    design = Design.empty(instance)
    design.working[0] = DesignLeg((0, 2), (0, 1, 2), (Channel(0),) * 7)
    _, blocked = assign_wavelengths(design, RegeneratorSites(instance))
    assert blocked == {0: 1, 2: 1}
    working = design.working[0]
    assert working is not None
    assert len(working.channels) == 6


def test_more_pairs_than_the_first_grid_holds() -> None:
    _, instance = network(4, "required", 40, 1)
    design = Design.empty(instance)
    design.working[0] = DesignLeg((0,), (0, 1), (Channel(0),) * 40)
    _, blocked = assign_wavelengths(design, RegeneratorSites(instance))
    assert not blocked
    check_placed(design)
    assert design.pairs[0] == 40


def test_regenerated_segments_may_change_slots() -> None:
    """A regenerator divides the route, so a block taken on one fiber forces another one only there."""
    _, instance = network(10, "required", 1, 3)
    design = Design.empty(instance)
    design.working[0] = DesignLeg((0,), (0, 1), (Channel(0),))
    design.working[1] = DesignLeg((2,), (1, 2), (Channel(1),))
    design.working[2] = DesignLeg((0, 2), (0, 1, 2), (Channel(0, (1,)),))
    _, blocked = assign_wavelengths(design, RegeneratorSites(instance))
    assert not blocked
    check_placed(design)


def test_a_failed_placement_leaves_no_trace() -> None:
    """The second segment finds no room, so what the first one took is given back."""
    _, instance = network(10, "required", 1, 1, candidate=True)
    grid = SpectrumGrid(instance)
    assert grid.place(DesignLeg((2,), (1, 2)), Channel(2)) is not None
    before = grid.used_slots().copy(), grid.lit.copy(), grid.built.copy()
    assert grid.place(DesignLeg((0, 2), (0, 1, 2)), Channel(0, (1,))) is None
    for old, new in zip(before, (grid.used_slots(), grid.lit, grid.built), strict=True):
        np.testing.assert_array_equal(old, new)
    assert grid.place(DesignLeg((0,), (0, 1)), Channel(2)) is not None
    assert grid.built.tolist() == [True, False, True, False]


@pytest.mark.parametrize("continuity", ["required", "none"])
@pytest.mark.parametrize("seed", range(4))
def test_channels_are_placed_beside_those_held(seed: int, continuity: str) -> None:
    _, instance = network(40, continuity, 3, 3)
    design = random_design(instance, np.random.default_rng(seed))
    assign_wavelengths(design, RegeneratorSites(instance))
    held = [(leg, channel) for leg in design.legs() for channel in leg.channels]
    grid = SpectrumGrid(instance)
    grid.light(design.pairs, design.built)
    for leg, channel in held:
        grid.hold(leg, channel)
    before = grid.used_slots()
    leg = DesignLeg((0,), (0, 1))
    more = [grid.place(leg, Channel(0)) for _ in range(40)]
    placed = [channel for channel in more if channel is not None]
    assert placed and len(placed) < len(more)
    blocks = Counter(
        (fiber, pair, slot)
        for owner, channel in [*held, *((leg, channel) for channel in placed)]
        for fibers, start, pairs in zip(segments(owner, channel), channel.starts, channel.pairs, strict=True)
        for fiber, pair in zip(fibers, pairs, strict=True)
        for slot in range(start, start + WIDTHS[channel.mode])
    )
    if continuity == "required":
        assert max(blocks.values()) == 1
    assert grid.used_slots().sum() - before.sum() == WIDTHS[0] * len(placed)
    assert (grid.lit <= instance.max_pairs).all()
