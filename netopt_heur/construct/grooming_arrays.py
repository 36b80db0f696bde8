"""The IP layer's problem as the arrays that ``netopt_kernels.grooming`` takes."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from netopt_heur.candidates import LinkPool
from netopt_heur.instance import F64, I64, Instance, words_of
from netopt_heur.link_prices import LinkPrices
from netopt_kernels import grooming_state

PROTECTION = {
    "none": grooming_state.UNPROTECTED,
    "survivable": grooming_state.SURVIVABLE,
    "disjoint": grooming_state.DISJOINT,
}

# On networks of more sites than this, new paths keep within a multiple of the least latency between their
# ends and a share of the largest in the network, where they can: searches that look everywhere take most of
# the time. On smaller ones detours over links with room are worth it.
SITES_WITHOUT_CORRIDOR = 150
DETOUR = 1.5
DETOUR_OF_WIDEST = 0.2


def lsp_sizes(instance: Instance, samples: F64) -> F64:
    """A deterministic size per LSP for routing, Gb/s: the mean of its busiest hour and direction."""
    starts = instance.group_start
    sums = np.add.reduceat(samples, starts[:-1], axis=2)
    sizes: F64 = (sums / np.diff(starts)).max(axis=(1, 2), initial=0.0)
    return np.maximum(sizes, 1e-9)


def lsp_arrays(instance: Instance, samples: F64) -> grooming_state.Lsps:
    """All LSPs with their promises; ``samples`` (n, 2, S) include the transfers."""
    promises = [lsp.promise for lsp in instance.lsps]
    ends = [instance.site_component(x.a) | instance.site_component(x.b) for x in instance.lsps]
    n_components = instance.n_groups + len(instance.site_ids)
    return grooming_state.Lsps(
        a=np.array([x.a for x in instance.lsps], dtype=np.int64),
        b=np.array([x.b for x in instance.lsps], dtype=np.int64),
        size_gbps=lsp_sizes(instance, samples),
        peak_gbps=samples.max(axis=(1, 2), initial=0.0),
        max_latency_ms=_bounds(p.max_latency_ms for p in promises),
        backup_max_latency_ms=_bounds(p.backup_max_latency_ms for p in promises),
        protection=np.array([PROTECTION[p.protection] for p in promises], dtype=np.int64),
        node_disjoint=np.array([p.node_disjoint for p in promises], dtype=np.bool_),
        min_availability=np.array([p.min_availability for p in promises], dtype=np.float64),
        end_states=words_of([instance.states_down(e) for e in ends], len(instance.state_names)),
        end_components=words_of(ends, n_components),
        samples=samples,
        crest=np.maximum.reduceat(samples, instance.group_start[:-1], axis=2),
    )


def pool_arrays(instance: Instance, pool: LinkPool, prices: LinkPrices) -> grooming_state.Pool:
    """All candidate links, all of them open to new paths."""
    n_components = instance.n_groups + len(instance.site_ids)
    empty = np.zeros(0, dtype=np.int64)
    fast_to = pool.least_latency_ms
    corridor = np.array([1.0, math.inf])
    if len(instance.site_ids) > SITES_WITHOUT_CORRIDOR:
        widest_ms = float(fast_to[np.isfinite(fast_to)].max(initial=0.0))
        corridor = np.array([DETOUR, DETOUR_OF_WIDEST * widest_ms])
    arrays = grooming_state.Pool(
        links=empty,
        n_lasting=0,
        first_arc=empty,
        head=empty,
        arc_link=empty,
        tail=empty,
        link_a=pool.a,
        link_b=pool.b,
        latency_ms=pool.hop_latency_ms,
        down=pool.state_words,
        lasting=pool.lasting,
        components=pool.component_words,
        table=prices.table,
        units_per_gbps=prices.units_per_gbps,
        idle=prices.per_gbps,
        cheap_to=pool.distances(prices.per_gbps),
        fast_to=fast_to,
        corridor=corridor,
        unavailability=instance.component_unavailability,
        group_mask=words_of([instance.group_mask], n_components)[0],
    )
    return with_all_links(arrays, pool)


def with_all_links(arrays: grooming_state.Pool, pool: LinkPool) -> grooming_state.Pool:
    """Open all of a pool's links to new paths."""
    graph = pool.graph
    return arrays._replace(
        links=np.arange(len(pool.links), dtype=np.int64),
        n_lasting=int(np.count_nonzero(arrays.lasting)),
        first_arc=graph.first_arc,
        head=graph.head,
        arc_link=graph.arc_edge,
        tail=np.repeat(np.arange(len(graph.first_arc) - 1), np.diff(graph.first_arc)),
    )


def with_links(arrays: grooming_state.Pool, links: I64) -> grooming_state.Pool:
    """Open just ``links`` (increasing indices) to new paths, of arrays in which all are open."""
    is_open = np.zeros(len(arrays.link_a), dtype=np.bool_)
    is_open[links] = True
    kept = is_open[arrays.arc_link]
    return arrays._replace(
        links=links,
        n_lasting=int(np.count_nonzero(arrays.lasting[links])),
        first_arc=np.append(0, np.cumsum(kept))[arrays.first_arc],
        head=arrays.head[kept],
        arc_link=arrays.arc_link[kept],
        tail=arrays.tail[kept],
    )


def _bounds(values: Iterable[float | None]) -> F64:
    return np.array([math.inf if v is None else v for v in values], dtype=np.float64)
