"""What differs between two plans."""

from __future__ import annotations

from dataclasses import replace

from netopt_heur.plan import FiberUse, Lightpath, LspRoute, Plan, Segment
from netopt_heur.plan_changes import Difference, plan_changes

LIGHTPATH = Lightpath("A", "B", ("AB",), "400G", (), (Segment(0, (0,)),))
PLAN = Plan(
    "some",
    "digest",
    fibers={"AB": FiberUse(1), "BC": FiberUse(2, True)},
    lightpaths={"x": LIGHTPATH},
    lsps={"one#0": LspRoute(("L",)), "two#0": LspRoute(("L",), ("M",)), "three#0": LspRoute(("M",))},
)


def test_equal_plans_differ_in_nothing() -> None:
    changes = plan_changes(PLAN, replace(PLAN, scenario_digest="other"))
    assert not changes
    assert "lsps: as before" in str(changes)


def test_every_difference_is_listed() -> None:
    after = replace(
        PLAN,
        fibers={"AB": FiberUse(3), "CD": FiberUse(1, True)},
        lightpaths={"y": LIGHTPATH},
        lsps={"one#0": LspRoute(("M",)), "two#0": LspRoute(("L",)), "four#0": LspRoute(("L",))},
    )
    changes = plan_changes(PLAN, after)
    assert changes
    assert changes.lightpaths == Difference(("y",), ("x",), ())
    assert changes.lsps == Difference(("four#0",), ("three#0",), ("one#0", "two#0"))
    assert changes.rerouted == ("one#0",)
    assert changes.pairs == {"AB": (1, 3), "BC": (2, 0), "CD": (0, 1)}
    assert changes.built == {"BC": False, "CD": True}
    assert not changes.links and not changes.circuits
    assert str(changes).splitlines()[-1] == "pairs: +1 on 3 fibers"
