"""Changed scenarios: one thing differs, the rest stays, traffic samples included.

Each result is what its own scenario file would load as, digest included: every demand has a random stream of
its own (``traffic``), so those that stay keep their samples whatever comes or goes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from netopt_heur.errors import InputError, UsageError
from netopt_heur.scenario.checks import check_physics, check_size
from netopt_heur.scenario.demands import DemandBuilder
from netopt_heur.scenario.digest import content_digest
from netopt_heur.scenario.origins import Origin
from netopt_heur.scenario.scenario import Circuit, Packet, Price, Scenario, Service, Transfer
from netopt_heur.scenario.schema import (
    DemandsItem,
    PromiseItem,
    ScenarioFile,
    ServiceItem,
    TrafficItem,
)
from netopt_heur.scenario.schema_network import StrictModel
from netopt_heur.scenario.traffic import draw_samples
from netopt_heur.scenario.validation import Problems, suggest, validate
from netopt_heur.scenario.yaml_source import parse_yaml

__all__ = [
    "Kind",
    "scaled_demands",
    "scaled_price",
    "with_confidence",
    "with_demand",
    "without_demand",
    "without_fiber",
]

Kind = Literal["packet", "circuit", "transfer"]
Demand = Circuit | Packet | Transfer
T = TypeVar("T", Circuit, Packet, Transfer)
_ROUNDING: Final = 1e-9  # of waves: 10 x 1.3 is 13 waves, not 14


def without_fiber(scenario: Scenario, fiber: str) -> Scenario:
    """The fiber offers no pair any more; it stays a shared-risk group and a failure state."""
    _check_known(fiber, [f.id for f in scenario.fibers], "fiber")
    fibers = tuple(replace(f, lit_pairs=0, max_pairs=0) if f.id == fiber else f for f in scenario.fibers)
    return _finished(replace(scenario, fibers=fibers), scenario.samples)


def with_confidence(
    scenario: Scenario, confidence: float, failure_confidence: float | None = None
) -> Scenario:
    """Other percentiles of load that must fit; in failure states the same unless one is given."""
    in_failures = confidence if failure_confidence is None else failure_confidence
    for name, value in (("confidence", confidence), ("failure_confidence", in_failures)):
        if not 0.0 < value <= 1.0:
            raise UsageError(f"{name} must be more than 0 and at most 1 (got {value!r})")
    policy = replace(scenario.policy, confidence=confidence, failure_confidence=in_failures)
    return _finished(replace(scenario, policy=policy), scenario.samples)


def scaled_price(scenario: Scenario, item: str, factor: float) -> Scenario:
    """All prices of one fiber (lease, build), line mode (transponder, regenerator) or wave offer."""
    _check_factor(factor)
    holders = [
        kind
        for kind, names in (
            ("fiber", [f.id for f in scenario.fibers]),
            ("mode", [m.id for m in scenario.catalogue.modes]),
            ("wave offer", [o.id for o in scenario.wave_offers]),
        )
        if item in names
    ]
    if len(holders) > 1:
        raise UsageError(f"{item!r} is a {' and a '.join(holders)}: rename one")
    if not holders:
        names = [fiber.id for fiber in scenario.fibers] + [offer.id for offer in scenario.wave_offers]
        names += [mode.id for mode in scenario.catalogue.modes]
        _check_known(item, names, "fiber, mode or wave offer")

    def scaled(price: Price) -> Price:
        return Price(price.capex * factor, price.opex * factor, price.power_w)

    def change(items: tuple[Any, ...], **fields: Callable[[Any], Any]) -> tuple[Any, ...]:
        return tuple(
            replace(x, **{name: new(getattr(x, name)) for name, new in fields.items()}) if x.id == item else x
            for x in items
        )

    def units(sold: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(unit, price=scaled(unit.price)) for unit in sold)

    modes = change(scenario.catalogue.modes, price=scaled, regenerator=scaled)
    changed = replace(
        scenario,
        fibers=change(scenario.fibers, lease_per_pair_km=scaled, build_cost=scaled),
        catalogue=replace(scenario.catalogue, modes=modes),
        wave_offers=change(scenario.wave_offers, setup=scaled, units=units),
    )
    return _finished(changed, scenario.samples)


def without_demand(scenario: Scenario, demand: str) -> Scenario:
    """One demand less."""
    _check_known(demand, _demand_ids(scenario), "demand")
    keep = [row for row, packet in enumerate(scenario.packets) if packet.id != demand]
    changed = replace(
        scenario,
        circuits=tuple(c for c in scenario.circuits if c.id != demand),
        packets=tuple(scenario.packets[row] for row in keep),
        transfers=tuple(t for t in scenario.transfers if t.id != demand),
    )
    samples = scenario.samples if len(keep) == len(scenario.packets) else scenario.samples[keep]
    return _finished(changed, samples)


def scaled_demands(scenario: Scenario, which: str | Iterable[str], factor: float) -> Scenario:
    """Some demands with ``factor`` times the mean rate, volume or (rounded up) number of waves.

    ``which`` is a demand's id, ids, or a service's name for all its packet demands. A demand is drawn anew
    from its own stream: the same noise, and the same bursts times ``factor`` where they are relative.
    """
    _check_factor(factor)
    names = _selected(scenario, which)
    samples = scenario.samples.copy()
    packets = list(scenario.packets)
    rows = [row for row, packet in enumerate(packets) if packet.id in names]
    for row in rows:
        packets[row] = _scaled_packet(packets[row], factor)
    if rows:
        samples[rows] = draw_samples([packets[row] for row in rows], scenario.sites, scenario.traffic)
    changed = replace(
        scenario,
        packets=tuple(packets),
        circuits=tuple(
            replace(c, waves=max(1, math.ceil(c.waves * factor - _ROUNDING))) if c.id in names else c
            for c in scenario.circuits
        ),
        transfers=tuple(
            replace(t, volume_gb=t.volume_gb * factor) if t.id in names else t for t in scenario.transfers
        ),
    )
    _check_changed_size(changed)
    return _finished(changed, samples)


def _scaled_packet(packet: Packet, factor: float) -> Packet:
    series = packet.series
    if series is None:
        means = packet.mean_ab_gbps * factor, packet.mean_ba_gbps * factor
    else:
        series = series * factor
        series.flags.writeable = False
        means = float(series[0].mean()), float(series[1].mean())
    return replace(packet, mean_ab_gbps=means[0], mean_ba_gbps=means[1], series=series)


def with_demand(scenario: Scenario, demand: Mapping[str, object], kind: Kind = "packet") -> Scenario:
    """One demand more, written as in a scenario file, under ``demands.packets`` (or of another kind).

    Raises
    ------
    InputError
        With the loader's own messages.
    """
    if kind not in ("packet", "circuit", "transfer"):
        raise UsageError(f"kind must be 'packet', 'circuit' or 'transfer' (got {kind!r})")
    added = _read(scenario, demand, f"{kind}s")
    circuits, packets = _merged(scenario.circuits, added.circuits), scenario.packets
    samples = scenario.samples
    for packet in added.packets.values():
        packets = _merged(packets, added.packets)
        drawn = draw_samples([packet], scenario.sites, scenario.traffic)
        samples = np.insert(samples, packets.index(packet), drawn[0], axis=0)
    transfers = _merged(scenario.transfers, added.transfers)
    changed = replace(scenario, circuits=circuits, packets=packets, transfers=transfers)
    _check_changed_size(changed)
    return _finished(changed, samples)


@dataclass(frozen=True)
class _Added:
    circuits: dict[str, Circuit]
    packets: dict[str, Packet]
    transfers: dict[str, Transfer]


class _DemandDocument(StrictModel):
    """One demand as it would stand in a scenario file."""

    demands: DemandsItem


def _read(scenario: Scenario, demand: Mapping[str, object], section: str) -> _Added:
    """Check a demand with the loader; its messages name the demand's keys, without a place in a file."""
    problems = Problems()
    document = parse_yaml(json.dumps({"demands": {section: [_plain(demand)]}}, default=_plain), "new demand")
    try:
        checked = validate(_DemandDocument, document, problems)
        problems.raise_if_any()
        assert checked is not None
        origin = Origin(document, ("demands",))
        builder = DemandBuilder(
            _file(scenario, checked.demands),
            document,
            Path(),
            {site.id: site for site in scenario.sites},
            {site.id for site in scenario.sites},
            scenario.traffic.services,
            problems,
            {name: origin for name in _taken(scenario)},
        )
        problems.raise_if_any()
        added = _Added(builder.circuits, builder.packets, builder.transfers)
        alone = replace(
            scenario,
            circuits=tuple(added.circuits.values()),
            packets=tuple(added.packets.values()),
            transfers=tuple(added.transfers.values()),
        )
        check_physics(alone, builder.origins, document, problems)
        problems.raise_if_any()
    except InputError as error:
        raise InputError(
            replace(
                problem,
                line=0,
                column=0,
                path=problem.path.removeprefix(f"demands.{section}.0").removeprefix("."),
                message=problem.message.split("; it is already taken")[0],
            )
            for problem in error.problems
        ) from None
    return added


def _plain(value: Any) -> Any:
    """Mappings, numpy's numbers and arrays as JSON knows them."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return value if isinstance(value, str | int | float | list | type(None)) else str(value)


def _file(scenario: Scenario, demands: DemandsItem) -> ScenarioFile:
    """What the loader's builder of demands reads of a scenario file."""
    traffic = scenario.traffic
    return ScenarioFile.model_construct(
        version=1,
        name=scenario.name,
        catalogue="",
        demands=demands,
        services={name: _service_item(service) for name, service in traffic.services.items()},
        traffic=TrafficItem(
            hours=traffic.hours, samples_per_hour=traffic.samples_per_hour, seed=traffic.seed
        ),
        demand_files=[],
        training_jobs=[],
        gravity=[],
    )


def _service_item(service: Service) -> ServiceItem:
    promise = {key: getattr(service.promise, key) for key in PromiseItem.model_fields}
    return ServiceItem.model_construct(**promise, user_side=service.user_side)


def _merged(old: Sequence[T], added: Mapping[str, T]) -> tuple[T, ...]:
    demands = {demand.id: demand for demand in old} | dict(added)
    return tuple(demands[name] for name in sorted(demands))


def _demand_ids(scenario: Scenario) -> list[str]:
    demands: list[Demand] = [*scenario.circuits, *scenario.packets, *scenario.transfers]
    return [demand.id for demand in demands]


def _taken(scenario: Scenario) -> list[str]:
    """Ids of all demands, and of the LSPs of transfers, which share their name space."""
    return _demand_ids(scenario) + [t.flow_id(target) for t in scenario.transfers for target in t.targets]


def _selected(scenario: Scenario, which: str | Iterable[str]) -> set[str]:
    known = _demand_ids(scenario)
    if isinstance(which, str):
        if which not in known:
            _check_known(which, [*known, *scenario.traffic.services], "demand or service")
            return {packet.id for packet in scenario.packets if packet.service == which}
        which = [which]
    names = set(which)
    for name in sorted(names):
        _check_known(name, known, "demand")
    return names


def _check_known(name: str, known: Collection[str], kind: str) -> None:
    if name not in known:
        raise UsageError(f"the scenario has no {kind} {name!r}{suggest(str(name), known)}")


def _check_factor(factor: float) -> None:
    if not (math.isfinite(factor) and factor > 0.0):
        raise UsageError(f"factor must be positive and finite (got {factor!r})")


def _check_changed_size(scenario: Scenario) -> None:
    problems = Problems()
    check_size(scenario, parse_yaml("{}", "changed scenario"), problems)
    problems.raise_if_any()


def _finished(scenario: Scenario, samples: NDArray[np.float64]) -> Scenario:
    """The scenario with its own digest, and the samples that it would draw."""
    finished = replace(scenario, digest=content_digest(scenario))
    finished.__dict__["samples"] = samples  # where cached_property looks
    return finished
