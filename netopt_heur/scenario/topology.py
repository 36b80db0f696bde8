"""Networks from elsewhere: GNPy topology files, and the networks inside ``topohub`` and ``topolib``.

Importers give plain fields of sites and fibers; defaults and overrides of the scenario come on top.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from netopt_heur.errors import InputError, Problem
from netopt_heur.scenario.origins import Origin
from netopt_heur.scenario.schema_network import TopologyItem
from netopt_heur.scenario.validation import Problems, suggest
from netopt_heur.scenario.yaml_source import read_text

__all__ = ["Imported", "import_topology"]

_KM_PER_DEGREE: Final = 111.195
_EXTRA_CURE: Final = "install it with: pip install 'netopt-heur[topologies]'"


@dataclass
class Imported:
    """Fields of imported sites and fibers by id."""

    sites: dict[str, dict[str, Any]] = field(default_factory=dict)
    fibers: dict[str, dict[str, Any]] = field(default_factory=dict)


class _Line(NamedTuple):
    """A one-direction fiber route between two sites."""

    a: str
    b: str
    length_km: float


class _TopologyError(Exception):
    """What is wrong with the data of a topology, in words for the user."""


def import_topology(item: TopologyItem, folder: Path, origin: Origin, problems: Problems) -> Imported:
    """Import the network a scenario names; problems are collected and give an empty network.

    Parameters
    ----------
    item
        Which network.
    folder
        Folder that a GNPy file's path is relative to.
    origin
        The ``topology`` key of the scenario.
    """
    try:
        if item.gnpy is not None:
            return _read_gnpy(folder / item.gnpy)
        if item.topohub is not None:
            return _read_topohub(item.topohub)
        return _read_topolib(item.topolib or "")
    except InputError as error:
        problems.found.extend(error.problems)
    except _TopologyError as error:
        key = next(iter(item.model_fields_set))
        origin.report(problems, (key,), str(error))
    return Imported()


# --- shared
# -------------------------------------------------------------------------------------------------------


class _Slugs:
    """Site ids from names: lower-case ASCII words joined by hyphens, made unique in the order of the file."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def make(self, name: str, fallback: str) -> str:
        ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        base = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:80] or fallback
        slug, number = base, 1
        while slug in self._taken:
            number += 1
            slug = f"{base}-{number}"
        self._taken.add(slug)
        return slug


def _clean(name: object) -> str:
    return "".join(char for char in str(name)[:200] if char.isprintable()).strip()


def _number(value: object, what: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise _TopologyError(f"{what} must be a number from {low:g} to {high:g}, is {str(value)[:40]}")
    return float(value)


def _place(lat: object, lon: object, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "lat": _number(lat, f"latitude of {name}", -90, 90),
        "lon": _number(lon, f"longitude of {name}", -180, 180),
    }


def _undirected(lines: Iterable[_Line]) -> dict[str, dict[str, Any]]:
    """One fiber for each pair of opposite lines; parallel routes stay, matched by length."""
    lengths: dict[tuple[str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for line in lines:
        ends = (line.a, line.b) if line.a < line.b else (line.b, line.a)
        lengths[ends][line.a > line.b].append(line.length_km)
    fibers = {}
    for (a, b), (forward, backward) in sorted(lengths.items()):
        routes = sorted(forward if len(forward) >= len(backward) else backward)
        for number, length_km in enumerate(routes, 1):
            fiber_id = f"{a}--{b}" if number == 1 else f"{a}--{b}.{number}"
            fibers[fiber_id] = {"a": a, "b": b, "length_km": length_km}
    return fibers


def _load_json(text: str, file: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            [Problem(file, error.lineno, error.colno, "", f"not valid JSON: {error.msg}")]
        ) from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError([Problem(file, 0, 0, "", f"not valid JSON: {reason[:100]}")]) from None


# --- GNPy
# ---------------------------------------------------------------------------------------------------------


def _read_gnpy(path: Path) -> Imported:
    """Sites are ROADMs (and transceivers without one); what lies between two of them is one fiber."""
    data = _load_json(read_text(path), str(path))
    try:
        return _gnpy_network(data)
    except _TopologyError as error:
        raise InputError([Problem(str(path), 0, 0, "", str(error))]) from None


def _gnpy_network(data: Any) -> Imported:
    elements, after = _gnpy_graph(data)
    slugs, ids, sites = _Slugs(), {}, {}
    for uid, element in elements.items():
        if _is_gnpy_site(uid, elements, after):
            location = (
                element.get("metadata", {}).get("location", {})
                if isinstance(element.get("metadata"), dict)
                else {}
            )
            location = location if isinstance(location, dict) else {}
            name = _clean(str(location.get("city") or uid).replace("_", " "))
            ids[uid] = slugs.make(name, "site")
            sites[ids[uid]] = _place(location.get("latitude"), location.get("longitude"), name or ids[uid])
    lines = []
    for uid in ids:
        for end, length_km in _gnpy_chains(uid, elements, after, ids):
            if length_km <= 0.0:
                raise _TopologyError(f"no fiber lies between {uid!r} and {end!r}")
            lines.append(_Line(ids[uid], ids[end], length_km))
    return Imported(sites, _undirected(lines))


def _gnpy_graph(data: Any) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Elements by uid and the elements that follow each."""
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("elements"), list)
        or not isinstance(data.get("connections"), list)
    ):
        raise _TopologyError("is no GNPy topology: expected the lists 'elements' and 'connections'")
    elements: dict[str, dict[str, Any]] = {}
    for index, element in enumerate(data["elements"]):
        if (
            not isinstance(element, dict)
            or not isinstance(element.get("uid"), str)
            or not isinstance(element.get("type"), str)
        ):
            raise _TopologyError(f"elements.{index}: needs the texts 'uid' and 'type'")
        if element["uid"] in elements:
            raise _TopologyError(f"elements.{index}: duplicate uid {element['uid'][:60]!r}")
        elements[element["uid"]] = element
    after: dict[str, list[str]] = {uid: [] for uid in elements}
    for index, connection in enumerate(data["connections"]):
        link = connection if isinstance(connection, dict) else {}
        before, behind = str(link.get("from_node")), str(link.get("to_node"))
        for end in (before, behind):
            if end not in elements:
                raise _TopologyError(f"connections.{index}: unknown element {end[:60]!r}")
        after[before].append(behind)
    return elements, after


def _is_gnpy_site(uid: str, elements: Mapping[str, dict[str, Any]], after: Mapping[str, list[str]]) -> bool:
    kind = elements[uid]["type"]
    if kind == "Transceiver":
        # A transceiver at a ROADM belongs to that site.
        return not any(elements[other]["type"] == "Roadm" for other in after[uid])
    return bool(kind == "Roadm")


def _gnpy_chains(
    start: str,
    elements: Mapping[str, dict[str, Any]],
    after: Mapping[str, list[str]],
    sites: Mapping[str, str],
) -> list[tuple[str, float]]:
    """Next sites from a site, with the km of fiber between.

    A fused element may pass two opposite lines; a chain that turns round there ends at its start and is
    dropped.
    """
    found = []
    chains: list[tuple[str, tuple[str, ...], float]] = [(uid, (start,), 0.0) for uid in after[start]]
    steps = 0
    while chains:
        uid, seen, length_km = chains.pop()
        steps += 1
        if steps > 100_000:
            raise _TopologyError(f"too many ways lead out of {start!r}")
        if uid in sites:
            if uid != start:
                found.append((uid, length_km))
            continue
        element = elements[uid]
        if element["type"] == "Transceiver" or uid in seen:
            continue
        if "Fiber" in element["type"]:
            length_km += _gnpy_length_km(element)
        chains.extend((other, (*seen, uid), length_km) for other in after[uid])
    return found


def _gnpy_length_km(element: Mapping[str, Any]) -> float:
    params = element.get("params")
    params = params if isinstance(params, dict) else {}
    scale = {"km": 1.0, "m": 1e-3}.get(str(params.get("length_units", "km")))
    if scale is None:
        raise _TopologyError(f"fiber {element['uid'][:60]!r}: length_units must be km or m")
    return scale * _number(params.get("length"), f"length of fiber {element['uid'][:60]!r}", 0, 1e8)


# --- topohub
# ------------------------------------------------------------------------------------------------------


def _read_topohub(name: str) -> Imported:
    """Networks with real coordinates, and Gabriel graphs (a plane in km, laid on the equator)."""
    data = _packaged_json("topohub", "data", name.strip("/"))
    nodes, edges = data["nodes"], data["edges"]
    positions = [node.get("pos") or (math.nan, math.nan) for node in nodes]
    plane = name.lower().startswith("gabriel/")
    if not plane and not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in positions):
        raise _TopologyError(
            "the positions of this topohub network are drawing coordinates, so its lengths are wrong; "
            "list its sites and fibers with their real lengths instead"
        )
    slugs, ids, sites = _Slugs(), {}, {}
    for node, (x, y) in zip(nodes, positions, strict=True):
        label = _clean(node.get("name") or f"n{node['id']}")
        ids[node["id"]] = site_id = slugs.make(label, f"n{node['id']}")
        lon, lat = (x / _KM_PER_DEGREE, y / _KM_PER_DEGREE) if plane else (x, y)
        sites[site_id] = _place(lat, lon, label)
        if "Seacable" in str(node.get("type", "")):
            # Waypoints and landing points of sea cables hold no routers.
            sites[site_id].update(router=False, add_drop=False)
    lines = []
    for edge in edges:
        a, b = ids[edge["source"]], ids[edge["target"]]
        if a != b:
            lines.append(_Line(a, b, max(_number(edge["dist"], f"length of {a}--{b}", 0, 1e5), 0.01)))
    return Imported(sites, _undirected(lines))


# --- topolib
# ------------------------------------------------------------------------------------------------------


def _read_topolib(name: str) -> Imported:
    """Sites carry the attributes ``population``, ``data_centres`` and ``ixps``."""
    data = _packaged_json("topolib", "assets", name)
    slugs, ids, sites = _Slugs(), {}, {}
    for node in data["nodes"]:
        label = _clean(node["name"])
        ids[node["id"]] = site_id = slugs.make(label, f"n{node['id']}")
        sites[site_id] = _place(node["latitude"], node["longitude"], label)
        sites[site_id]["attributes"] = {
            ours: _number(node.get(theirs) or 0, f"{ours} of {label}", 0, 1e12)
            for ours, theirs in (("population", "pop"), ("data_centres", "DC"), ("ixps", "IXP"))
        }
    lines = []
    for link in data["links"]:
        a, b = ids[link["src"]], ids[link["dst"]]
        if a != b:
            lines.append(_Line(a, b, _number(link["length"], f"length of {a}--{b}", 1e-3, 1e5)))
    return Imported(sites, _undirected(lines))


def _packaged_json(package: str, folder: str, name: str) -> Any:
    """Data file of an installed package, found by name without case, punctuation and the suffix "nodes".

    Only data is read: importing topolib's own modules would need a GUI toolkit.
    """
    try:
        root = resources.files(package).joinpath(folder)
    except ModuleNotFoundError:
        raise _TopologyError(f"needs the package {package}; {_EXTRA_CURE}") from None
    files = dict(sorted(_json_files(root, "")))
    wanted = _squeeze(name)
    path = next((path for path in files if _squeeze(path) == wanted), None)
    if path is None:
        names = [re.sub("nodes", "", path) for path in files]
        raise _TopologyError(f"{package} has no such network{suggest(name, names)}")
    return json.loads(files[path].read_text(encoding="utf-8"))


def _squeeze(name: str) -> str:
    return re.sub(r"[^a-z0-9/]|nodes", "", name.lower())


def _json_files(folder: Any, prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found.extend(_json_files(entry, f"{prefix}{entry.name}/"))
        elif entry.name.endswith(".json"):
            found.append((prefix + entry.name[: -len(".json")], entry))
    return found
