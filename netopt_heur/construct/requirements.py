"""What every link of a routed IP layer must be able to carry, for all links at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netopt_heur.construct.ip_layer import IpLayer, IpPlanner
from netopt_heur.instance import I64, U64
from netopt_kernels.grooming_state import BACKUP, PRIMARY
from netopt_kernels.loads import SCRATCH_ROWS, link_required


@dataclass(frozen=True)
class _Members:
    """Hops of all primaries or of all backups, by link and then by LSP, and when each path is down."""

    link: I64
    lsp: I64
    against: I64  # 1 where the LSP walks the link from its b to its a end
    down: U64  # by LSP; all ones where there is no path

    def on(self, links: I64) -> list[tuple[I64, I64]]:
        """LSPs and orientations on each of some links."""
        ends = np.searchsorted(self.link, links), np.searchsorted(self.link, links, side="right")
        between = zip(*(end.tolist() for end in ends), strict=True)
        return [(self.lsp[first:last], self.against[first:last]) for first, last in between]


def required_gbps(planner: IpPlanner, layer: IpLayer) -> dict[int, float]:
    """Largest percentile of each used link's load over directions and failure states (R9).

    Parameters
    ----------
    planner
        The problem; its LSPs' samples hold the transfers at their present rates.
    layer
        Paths on the pool's links.

    Returns
    -------
    dict
        By link in increasing order, in Gb/s: to the last bit what :meth:`Evaluator.required_gbps` says.

    Examples
    --------
    >>> required_gbps(planner, layer)[7]  # doctest: +SKIP
    381.25
    """
    instance = planner.instance
    primary, backup = (
        _members(planner, layer.hops[:, side], layer.path[:, side]) for side in (PRIMARY, BACKUP)
    )
    links = np.union1d(primary.link, backup.link)
    scratch = np.empty((SCRATCH_ROWS, instance.samples.shape[2]))
    members = zip(links.tolist(), primary.on(links), backup.on(links), strict=True)
    required = {}
    for link, on_primary, on_backup in members:
        required[link], _, _ = link_required(
            planner.lsps.samples, *on_primary, *on_backup, primary.down, backup.down,
            len(instance.state_names), instance.group_start, instance.rank_normal, instance.rank_failure,
            scratch,
        )  # fmt: skip
    return required


def _members(planner: IpPlanner, hops: I64, path: I64) -> _Members:
    """Of the primaries or of the backups; int64[n_lsps] and int64[n_lsps, most hops]."""
    pool, n_words = planner.pool, planner.instance.state_words
    link = path[np.arange(path.shape[1]) < hops[:, None]]
    down = np.zeros((len(hops), n_words), dtype=np.uint64)
    down[hops < 0] = ~np.uint64(0)
    hops = np.maximum(hops, 0)
    first = np.cumsum(hops) - hops
    against = np.empty_like(link)
    site = planner.lsps.a.copy()
    for hop in range(int(hops.max(initial=0))):
        lsps = np.flatnonzero(hops > hop)
        taken = link[first[lsps] + hop]
        against[first[lsps] + hop] = pool.a[taken] != site[lsps]
        site[lsps] = pool.a[taken] + pool.b[taken] - site[lsps]
        down[lsps] |= pool.state_words[taken]
    by_link = np.argsort(link, kind="stable")
    lsp = np.repeat(np.arange(len(hops)), hops)
    return _Members(link[by_link], lsp[by_link], against[by_link], down)
