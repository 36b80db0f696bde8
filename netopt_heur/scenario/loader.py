"""Scenario files to a :class:`~netopt_heur.scenario.scenario.Scenario`: the steps, in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from netopt_heur.errors import InputError
from netopt_heur.scenario.catalogue import build_catalogue, price_of
from netopt_heur.scenario.checks import check_physics, check_size
from netopt_heur.scenario.demands import DemandBuilder
from netopt_heur.scenario.digest import content_digest
from netopt_heur.scenario.network import NetworkBuilder, check_reference
from netopt_heur.scenario.origins import Origin
from netopt_heur.scenario.scenario import (
    Burst,
    Failures,
    Latency,
    Policy,
    Promise,
    Scenario,
    Service,
    Spectrum,
    Surge,
    Traffic,
)
from netopt_heur.scenario.schema import PromiseItem, ScenarioFile, ServiceItem
from netopt_heur.scenario.schema_network import CatalogueFile
from netopt_heur.scenario.topology import Imported, import_topology
from netopt_heur.scenario.traffic import BUILT_IN_PROFILES
from netopt_heur.scenario.validation import Problems, suggest, validate
from netopt_heur.scenario.yaml_source import YamlDocument, read_yaml

__all__ = ["load"]

_VERSION: Final = 1


def load(path: str) -> Scenario:
    """Load a scenario file; see :func:`netopt_heur.scenario.load_scenario`."""
    document = read_yaml(path)
    problems = Problems()
    _check_version(document, problems)
    file = validate(ScenarioFile, document, problems)
    folder = Path(path).parent
    catalogue = _load_catalogue(document, file, folder, problems)
    problems.raise_if_any()
    assert file is not None and catalogue is not None
    return _resolve(file, catalogue, document, folder, problems)


def _check_version(document: YamlDocument, problems: Problems) -> None:
    """Stop at a version this release does not read: every further message would mislead."""
    data = document.data
    if isinstance(data, dict) and isinstance(data.get("version"), int) and data["version"] != _VERSION:
        problems.add(document, ("version",), f"this release reads version {_VERSION} only")
        problems.raise_if_any()


def _load_catalogue(
    document: YamlDocument, file: ScenarioFile | None, folder: Path, problems: Problems
) -> CatalogueFile | None:
    if file is not None and isinstance(file.catalogue, CatalogueFile):
        return file.catalogue
    # A wrong scenario may still name a catalogue: report both files at once.
    name = document.data.get("catalogue") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        return None
    try:
        return validate(CatalogueFile, read_yaml(folder / name), problems)
    except InputError as error:
        found = error.problems[0]
        if len(error.problems) == 1 and found.line == 0:
            problems.add(document, ("catalogue",), f"{found.file}: {found.message}", show=False)
        else:
            problems.found.extend(error.problems)
    return None


def _resolve(
    file: ScenarioFile,
    catalogue_file: CatalogueFile,
    document: YamlDocument,
    folder: Path,
    problems: Problems,
) -> Scenario:
    imported = Imported()
    if file.topology is not None:
        imported = import_topology(file.topology, folder, Origin(document, ("topology",)), problems)
        if problems.found and not file.sites:
            # Without the network every reference dangles: say only what matters.
            problems.raise_if_any()
    network = NetworkBuilder(file, document, imported, price_of(catalogue_file.lease_per_pair_km), problems)
    services = _services(file, document, problems)
    demands = DemandBuilder(file, document, folder, network.sites, network.site_ids, services, problems)
    if not (demands.origins or problems.found):
        message = "a scenario needs demands: add demands, demand_files, training_jobs or gravity"
        problems.add(document, ("demands",), message, show=False)
    failures = _failures(file, document, network, problems)
    confidence = file.policy.confidence
    scenario = Scenario(
        name=file.name,
        horizon_years=file.horizon_years,
        sites=_by_id(network.sites),
        fibers=_by_id(network.fibers),
        wave_offers=_by_id(network.offers),
        group_unavailability=network.group_unavailability,
        catalogue=build_catalogue(catalogue_file),
        spectrum=Spectrum(file.spectrum.slots, file.spectrum.slot_ghz, file.spectrum.continuity),
        latency=Latency(**file.latency.model_dump()),
        traffic=Traffic(**file.traffic.model_dump(), services=services),
        policy=Policy(
            **file.policy.model_dump(exclude={"failures", "failure_confidence"}),
            failure_confidence=file.policy.failure_confidence or confidence,
            failures=failures,
        ),
        circuits=_by_id(demands.circuits),
        packets=_by_id(demands.packets),
        transfers=_by_id(demands.transfers),
    )
    check_size(scenario, document, problems)
    if len(network.sites) == len(network.site_ids):
        check_physics(scenario, demands.origins, document, problems)
    problems.raise_if_any()
    return dataclasses.replace(scenario, digest=content_digest(scenario))


def _by_id(items: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(items[name] for name in sorted(items))


def _services(file: ScenarioFile, document: YamlDocument, problems: Problems) -> dict[str, Service]:
    items = {"default": ServiceItem(**{}), **file.services}
    profiles = {**BUILT_IN_PROFILES, **{name: tuple(values) for name, values in file.profiles.items()}}
    services = {}
    for name, item in sorted(items.items()):
        profile = item.profile
        if isinstance(profile, str):
            if profile not in profiles:
                message = f"unknown profile{suggest(profile, profiles)}"
                problems.add(document, ("services", name, "profile"), message)
            factors = profiles.get(profile, BUILT_IN_PROFILES["flat"])
        else:
            factors = tuple(profile)
        burst = None if item.burst is None else Burst(**item.burst.model_dump())
        surge = None if item.surge is None else Surge(**item.surge.model_dump())
        promise = Promise(**{key: getattr(item, key) for key in PromiseItem.model_fields})
        services[name] = Service(name, factors, item.noise_cv, burst, surge, promise, item.user_side)
    return services


def _failures(
    file: ScenarioFile, document: YamlDocument, network: NetworkBuilder, problems: Problems
) -> Failures:
    item = file.policy.failures
    origin = Origin(document, ("policy", "failures"))
    listed = item.sites
    if isinstance(listed, list):
        for index, name in enumerate(listed):
            check_reference(name, network.site_ids, "site", origin, ("sites", index), problems)
        sites = tuple(sorted(set(listed)))
    else:
        sites = tuple(sorted(network.site_ids)) if listed else ()
    groups = {**network.group_unavailability, **network.origins}
    for index, pair in enumerate(item.pairs):
        for end, name in enumerate(pair):
            check_reference(name, groups, "group", origin, ("pairs", index, end), problems)
        if pair[0] == pair[1]:
            origin.report(problems, ("pairs", index, 1), "a pair names two different groups")
    pairs = sorted({(min(pair), max(pair)) for pair in item.pairs})
    return Failures(item.srlgs, sites, tuple(pairs))
