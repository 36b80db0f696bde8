"""Demands: listed, from CSV files, from training jobs and from gravity generators."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netopt_heur.errors import InputError
from netopt_heur.scenario.csv_source import read_demands, read_series
from netopt_heur.scenario.generators import gravity_pairs, job_pairs
from netopt_heur.scenario.network import check_reference
from netopt_heur.scenario.origins import IdRegistry, Origin
from netopt_heur.scenario.scenario import Circuit, Packet, Promise, Service, Site, Transfer
from netopt_heur.scenario.schema import (
    MAX_DEMANDS,
    GravityItem,
    PacketItem,
    PromiseItem,
    ScenarioFile,
    SeriesItem,
    ServiceItem,
    TrainingJobItem,
    TransferItem,
)
from netopt_heur.scenario.validation import Problems, suggest
from netopt_heur.scenario.yaml_source import KeyPath, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DemandBuilder", "window_hours"]

_PROMISE_KEYS: Final = tuple(PromiseItem.model_fields)
_MAX_GRAVITY_PAIRS: Final = 4_000_000
_PROMISE_SET: Final = frozenset(_PROMISE_KEYS)


@lru_cache(maxsize=4096)
def window_hours(start: float, end: float, utc_offset: float) -> tuple[int, ...]:
    """UTC hours of day that lie wholly inside a daily window of local time.

    Parameters
    ----------
    start, end
        Local hours, 0 to 24; a window that ends before it starts wraps midnight. Even a window of a whole day
        has a deadline: an hour across it lies in no single window.
    utc_offset
        Hours ahead of UTC.

    Examples
    --------
    >>> window_hours(22.0, 2.0, 1.0)
    (0, 21, 22, 23)
    """
    length = end - start if end > start else end - start + 24
    return tuple(hour for hour in range(24) if (hour + utc_offset - start) % 24 + 1 <= length + 1e-9)


class DemandBuilder:
    """Builds all demands of a scenario file; problems are collected.

    Parameters
    ----------
    file, source
        The checked file and where its values stand.
    folder
        Folder that file names are relative to.
    sites, site_ids
        Valid sites by id, and the ids of all sites.
    services
        Traffic laws by id.
    problems
        Collects what is wrong.
    taken
        Ids that are not free, and where they were written.

    Attributes
    ----------
    circuits, packets, transfers
        Valid demands by id.
    origins
        Where each demand was written.
    """

    def __init__(
        self,
        file: ScenarioFile,
        source: Source,
        folder: Path,
        sites: Mapping[str, Site],
        site_ids: Collection[str],
        services: Mapping[str, Service],
        problems: Problems,
        taken: Mapping[str, Origin] | None = None,
    ) -> None:
        self._file, self._source, self._folder = file, source, folder
        self._sites, self._site_ids, self._problems = sites, site_ids, problems
        self._services = {name: file.services.get(name) or ServiceItem(**{}) for name in services}
        self._ids = IdRegistry(problems)
        self._ids.origins.update(taken or {})
        self._generators = IdRegistry(problems)
        self._promises: dict[tuple[object, ...], Promise] = {}
        self._series: dict[SeriesKey, NDArray[np.float64] | None] = {}
        self.origins = self._ids.origins
        self.circuits: dict[str, Circuit] = {}
        self.packets: dict[str, Packet] = {}
        self.transfers: dict[str, Transfer] = {}
        self._build()

    def _build(self) -> None:
        listed = self._file.demands
        circuits = [(item, self._at("demands", "circuits", i)) for i, item in enumerate(listed.circuits)]
        packets = [(item, self._at("demands", "packets", i)) for i, item in enumerate(listed.packets)]
        packets.extend(self._bulk_packets())
        transfers = [(item, self._at("demands", "transfers", i)) for i, item in enumerate(listed.transfers)]
        # Written ids first, so that made-up ones avoid them.
        ids = [
            *((item.id, origin) for item, origin in circuits),
            *((packet.id, origin) for packet, origin in packets),
            *((transfer.id, origin) for transfer, origin in transfers),
        ]
        taken = {
            origin
            for name, origin in ids
            if name is not None and not self._ids.claim(name, origin, "demand id")
        }
        for item, origin in circuits:
            if origin not in taken and self._ends_are_valid(item.a, item.b, origin):
                name = item.id or self._ids.default(f"{item.a}-{item.b}", origin)
                promise = self._promise(item)
                self.circuits[name] = Circuit(name, item.a, item.b, item.waves, item.wave_gbps, promise)
        for packet, origin in packets:
            if origin not in taken and self._ends_are_valid(packet.a, packet.b, origin):
                self._add_packet(packet, origin)
        for transfer, origin in transfers:
            if origin not in taken:
                self._add_transfer(transfer, origin)
        self._check_flow_ids()
        for i, job in enumerate(self._file.training_jobs):
            self._add_job(job, self._at("training_jobs", i))
        for i, generator in enumerate(self._file.gravity):
            self._add_gravity(generator, self._at("gravity", i))

    def _at(self, *path: str | int) -> Origin:
        return Origin(self._source, path)

    # --- packets ---

    def _bulk_packets(self) -> Iterable[tuple[PacketItem, Origin]]:
        for index, name in enumerate(self._file.demand_files):
            try:
                items, table = read_demands(self._folder / name)
            except InputError as error:
                self._report_file(error, self._at("demand_files", index), ())
                continue
            for row, item in enumerate(items):
                yield item, Origin(table, (row,))

    def _report_file(self, error: InputError, origin: Origin, key: KeyPath) -> None:
        """Report a file's problems; one without a position also at the key that names the file."""
        if len(error.problems) == 1 and error.problems[0].line == 0:
            problem = error.problems[0]
            origin.report(self._problems, key, f"{problem.file}: {problem.message}", show=False)
        else:
            self._problems.found.extend(error.problems)

    def _add_packet(self, item: PacketItem, origin: Origin) -> None:
        if not check_reference(item.service, self._services, "service", origin, ("service",), self._problems):
            return
        service = self._services[item.service]
        series = None
        if item.series is not None:
            series = self._load_series(item.series, origin)
            if series is None:
                return
            mean_ab, mean_ba = (float(load) for load in series.mean(axis=1))
        elif item.mean_gbps is not None:
            mean_ab = mean_ba = item.mean_gbps
        else:
            mean_ab, mean_ba = item.mean_ab_gbps or 0.0, item.mean_ba_gbps or 0.0
        name = item.id or self._ids.default(f"{item.a}-{item.b}", origin)
        self.packets[name] = Packet(
            id=name,
            a=item.a,
            b=item.b,
            mean_ab_gbps=mean_ab,
            mean_ba_gbps=mean_ba,
            service=item.service,
            promise=self._promise(item, service),
            user_side=item.user_side or service.user_side,
            series=series,
        )

    def _load_series(self, item: SeriesItem, origin: Origin) -> NDArray[np.float64] | None:
        key = (item.file, item.ab, item.ba)
        if key not in self._series:
            n_samples = self._file.traffic.hours * self._file.traffic.samples_per_hour
            self._series[key] = None
            try:
                series = read_series(self._folder / item.file, (item.ab, item.ba), n_samples)
                series.flags.writeable = False
                self._series[key] = series
            except InputError as error:
                self._report_file(error, origin, ("series", "file"))
        return self._series[key]

    # --- transfers ---

    def _add_transfer(self, item: TransferItem, origin: Origin) -> None:
        valid = self._router(item.source, origin, ("source",))
        seen: set[str] = set()
        for index, target in enumerate(item.targets):
            key = ("targets", index)
            if target == item.source:
                origin.report(self._problems, key, "is the source itself; remove it")
                valid = False
            elif target in seen:
                origin.report(self._problems, key, "duplicate target; remove it")
                valid = False
            else:
                valid &= self._router(target, origin, key) and self._window_is_open(item, target, origin)
            seen.add(target)
        if item.window[0] == item.window[1]:
            message = 'starts and ends at the same time; write ["00:00", "24:00"] for the whole day'
            origin.report(self._problems, ("window",), message, show=False)
            valid = False
        if self._file.traffic.hours % 24:
            message = (
                f"transfers are daily: traffic.hours must be a multiple of 24, is {self._file.traffic.hours}"
            )
            origin.report(self._problems, (), message, show=False)
            valid = False
        if valid:
            start, end = item.window
            self.transfers[item.id] = Transfer(
                id=item.id,
                source=item.source,
                targets=tuple(item.targets),
                volume_gb=item.volume_gb,
                window_start=start,
                window_end=end,
                direction=item.direction,
                promise=self._promise(item),
            )

    def _window_is_open(self, item: TransferItem, target: str, origin: Origin) -> bool:
        start, end = item.window
        site = self._sites.get(target)
        if site is not None and not window_hours(start, end, site.utc_offset):
            message = f"holds no whole UTC hour at {target} (offset {site.utc_offset:+g} h); widen it"
            origin.report(self._problems, ("window",), message, show=False)
            return False
        return True

    def _check_flow_ids(self) -> None:
        """The LSP of a transfer to a target is called transfer/target: no two things may share that name."""
        flows: dict[str, str] = {}
        for transfer in self.transfers.values():
            for target in transfer.targets:
                flow = transfer.flow_id(target)
                holder = flows.setdefault(flow, transfer.id)
                if holder != transfer.id or flow in self.origins:
                    message = f"its flow {flow!r} has the name of another demand's; rename one"
                    self.origins[transfer.id].report(self._problems, ("id",), message)

    # --- generators ---

    def _add_job(self, job: TrainingJobItem, origin: Origin) -> None:
        valid = self._generators.claim(job.id, origin, "generator id")
        for index, name in enumerate(job.sites):
            valid &= self._known(name, origin, ("sites", index))
            if name in job.sites[:index]:
                origin.report(self._problems, ("sites", index), "duplicate site; remove it")
                valid = False
        if valid and all(name in self._sites for name in job.sites):
            promise = self._promise(job)
            if len(self.circuits) > MAX_DEMANDS:
                message = f"there are more than {MAX_DEMANDS} circuits already, the limit; plan fewer jobs"
                origin.report(self._problems, (), message, show=False)
                return
            for a, b in job_pairs(job.pattern, job.sites, self._sites):
                name = self._ids.default(f"{job.id}/{a}-{b}", origin)
                self.circuits[name] = Circuit(name, a, b, job.waves, job.wave_gbps, promise)

    def _add_gravity(self, item: GravityItem, origin: Origin) -> None:
        valid = self._generators.claim(item.id, origin, "generator id")
        valid &= check_reference(
            item.service, self._services, "service", origin, ("service",), self._problems
        )
        for key, names in (("from", item.from_), ("to", item.to)):
            for index, name in enumerate(names or ()):
                valid &= self._router(name, origin, (key, index))
        attributes = {"uniform", *(name for site in self._sites.values() for name in site.attributes)}
        for key, name in (("weight_a", item.weight_a), ("weight_b", item.weight_b)):
            if name not in attributes:
                origin.report(
                    self._problems, (key,), f"no site has this attribute{suggest(name, attributes)}"
                )
                valid = False
        if not valid or len(self._sites) < len(self._site_ids):
            return
        routers = sum(site.router for site in self._sites.values())
        n_pairs = (routers if item.from_ is None else len(item.from_)) * (
            routers if item.to is None else len(item.to)
        )
        if n_pairs > _MAX_GRAVITY_PAIRS or len(self.packets) > MAX_DEMANDS:
            message = f"weighs {n_pairs} pairs of sites; name fewer sites in 'from' and 'to'"
            origin.report(self._problems, (), message, show=False)
            return
        pairs = gravity_pairs(item, self._sites)
        if not pairs:
            message = "makes no demand: no pair of sites has a weight above 0 at this distance"
            origin.report(self._problems, (), message, show=False)
        service = self._services[item.service]
        promise = self._promise(item, service)
        for a, b, rate_gbps in pairs:
            name = self._ids.default(f"{item.id}/{a}-{b}", origin)
            self.packets[name] = Packet(
                name, a, b, rate_gbps, item.ratio_ba * rate_gbps, item.service, promise, service.user_side
            )

    # --- shared ---

    def _known(self, name: str, origin: Origin, key: KeyPath) -> bool:
        return check_reference(name, self._site_ids, "site", origin, key, self._problems)

    def _router(self, name: str, origin: Origin, key: KeyPath) -> bool:
        """Known, and a router; whether it is one is not asked of a site that is wrong itself."""
        if not self._known(name, origin, key):
            return False
        if name in self._sites and not self._sites[name].router:
            origin.report(
                self._problems, key, "has no router, so no packets end there; set 'router: true' at the site"
            )
            return False
        return True

    def _ends_are_valid(self, a: str, b: str, origin: Origin) -> bool:
        valid = self._known(a, origin, ("a",)) & self._known(b, origin, ("b",))
        if valid and a == b:
            origin.report(self._problems, ("b",), "must differ from a: a demand joins two sites")
            return False
        return valid

    def _promise(self, item: PromiseItem, base: PromiseItem | None = None) -> Promise:
        """Promise of a demand: its own keys, then its service's."""
        given = item.model_fields_set
        if base is None or given >= _PROMISE_SET:
            base = item
        values = tuple(getattr(item if key in given else base, key) for key in _PROMISE_KEYS)
        promise = self._promises.get(values)
        if promise is None:
            promise = self._promises[values] = Promise(**dict(zip(_PROMISE_KEYS, values, strict=True)))
        return promise


SeriesKey = tuple[str, str, str | None]
