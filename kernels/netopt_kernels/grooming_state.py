"""
State of the local search on the IP layer: tuples of arrays, owned by the caller.

Kernels take them packed: see `structures`.
"""

from typing import NamedTuple

import numpy as np

from ._arrays import BitArray, BoolArray, FloatArray, IntArray
from .structures import pack as pack

PRIMARY, BACKUP, LASTING = 0, 1, 2  # the last: a primary that needs no backup
UNPROTECTED, SURVIVABLE, DISJOINT = 0, 1, 2
_LEAST_ROOM = 4  # entries on a link
# Columns of a link's step, in units of capacity: the most that would cost less than what it carries, the most
# that costs the same, the most that costs what one unit beyond that does; and how much more that is.
LESS, SAME, NEXT, RISE = 0, 1, 2, 3


class Pool(NamedTuple):
    """Candidate links: CSR graph over sites (both arcs of a link carry its index), prices, failures.

    The graph holds the links that new paths may use, all or a subset; all other arrays hold every link.
    """

    links: IntArray  # those in the graph
    n_lasting: int  # how many of them are lasting
    first_arc: IntArray
    head: IntArray
    arc_link: IntArray
    tail: IntArray  # per arc
    link_a: IntArray
    link_b: IntArray
    latency_ms: FloatArray  # of the link and one router hop
    down: BitArray  # [links, W] failure states that take the link down
    lasting: BoolArray  # [links] whether none does but those of its ends
    components: BitArray  # [links, C]
    table: FloatArray  # [links, units + 1] cost to cover that many units
    units_per_gbps: float
    idle: FloatArray  # price per Gb/s at the best fill
    cheap_to: FloatArray  # [nodes, nodes] least sum of idle prices to a target, a row per target
    fast_to: FloatArray  # [nodes, nodes] least latency likewise
    corridor: FloatArray  # [2] latency of a detour over a site: this many times the least, and so much more
    unavailability: FloatArray  # per component
    group_mask: BitArray  # [C] components that are shared-risk groups


class Lsps(NamedTuple):
    """What to route. Bounds are inf where there are none."""

    a: IntArray
    b: IntArray
    size_gbps: FloatArray  # for routing decisions
    peak_gbps: FloatArray  # largest sample of either direction
    max_latency_ms: FloatArray
    backup_max_latency_ms: FloatArray
    protection: IntArray
    node_disjoint: BoolArray
    min_availability: FloatArray
    end_states: BitArray  # [n, W] states in which an end is down
    end_components: BitArray  # [n, C]
    samples: FloatArray  # [n, 2, S]
    crest: FloatArray  # [n, 2, G] largest sample per group


class Clock(NamedTuple):
    """Sample groups, ranks, number of states, hop bound."""

    group_start: IntArray
    rank_normal: IntArray
    rank_failure: IntArray
    n_states: int
    max_hops: int


class Layer(NamedTuple):
    """The routed IP layer and everything kept current with it."""

    hops: IntArray  # [n, 2], -1 = no path
    path: IntArray  # [n, 2, H], H a power of two no less than the hop bound
    backward: BoolArray  # [n, 2, H] whether the path walks the link from its b end
    down: BitArray  # [n, 2, W]
    entries: IntArray  # those on each link side by side, with room to grow
    place: IntArray  # [n * 2 * H] where an entry stands in entries
    start: IntArray  # [links] where a link's stand
    room_for: IntArray  # [links] how many may stand there
    members: IntArray  # [links] how many do
    end: IntArray  # [1] where the free part of entries begins
    base: FloatArray  # [links, 2, S] load without failures
    crest: FloatArray  # [links, 2, G] largest load per group of samples, without failures
    bound: FloatArray  # [links, F] upper bound of the order statistic
    witness: IntArray  # [links] state that asked for most when last looked at
    leading: IntArray  # [links] state with the most spare
    active: IntArray  # [links, F] backups in use
    spare: FloatArray  # [links, F] their size
    most_spare: FloatArray
    required: FloatArray  # [links]
    room: FloatArray  # [links] what fits beside it at no cost; -1 on an empty link
    worth: FloatArray  # [links]
    step: FloatArray  # [links, 4] LESS, SAME, NEXT and RISE of what it costs
    total: FloatArray  # [1] sum of worth
    banned: BoolArray  # [links]


class Work(NamedTuple):
    """Buffers, and the journal that undoes a move."""

    distance: FloatArray  # [H + 1, nodes]
    parent: IntArray
    settled: BoolArray
    heap_key: FloatArray
    heap_node: IntArray
    position: IntArray
    paths: IntArray  # [6, nodes] paths under construction
    weight: FloatArray  # [links]
    down_list: IntArray  # [F]
    states: BitArray  # [W] failure states a backup must survive
    components: BitArray  # [C] components a backup must avoid
    path_states: BitArray  # [W] states in which a path is down
    path_components: BitArray  # [2, C] components of a pair of paths
    crest: FloatArray  # [2, G]
    load: FloatArray  # [S]
    select: FloatArray  # [S]
    changed: IntArray  # [2 n_lsps] LSPs that a state adds to a link or takes off it
    changed_back: BoolArray  # whether they walk the link from its b end
    mark: IntArray  # [links] number of the move that touched the link last
    other: IntArray  # [links] number of the last move that left others on it
    lost_gbps: FloatArray  # [links] most that a move has taken off it
    counters: IntArray  # [5] number of the move, links it touched, moves priced so far, states in down_list,
    # number of the question that weights answer
    asked: IntArray  # [links] question that the weight answers
    touched: IntArray
    old_base: FloatArray
    old_crest: FloatArray
    old_bound: FloatArray
    old_active: IntArray
    old_spare: FloatArray
    old_scalars: FloatArray  # [T, 5]
    old_step: FloatArray  # [T, 4]
    old_hops: IntArray
    old_path: IntArray
    chosen: IntArray  # LSPs to move


def _stride(max_hops: int) -> int:
    """Least power of two that is no less than the hop bound."""
    return 1 << (max_hops - 1).bit_length()


def new_layer(
    n_lsps: int, n_links: int, samples: tuple[int, int], n_states: int, words: int, max_hops: int
) -> Layer:
    """Make an empty layer: no LSP routed; ``samples`` is their number and that of their groups."""
    n_samples, n_groups = samples
    stride = _stride(max_hops)
    entries = n_lsps * 2 * stride
    return Layer(
        hops=np.full((n_lsps, 2), -1, np.int64),
        path=np.full((n_lsps, 2, stride), -1, np.int64),
        backward=np.zeros((n_lsps, 2, stride), np.bool_),
        down=np.zeros((n_lsps, 2, words), np.uint64),
        entries=np.full(2 * entries + _LEAST_ROOM * min(entries, n_links), -1, np.int64),
        place=np.full(entries, -1, np.int64),
        start=np.zeros(n_links, np.int64),
        room_for=np.zeros(n_links, np.int64),
        members=np.zeros(n_links, np.int64),
        end=np.zeros(1, np.int64),
        base=np.zeros((n_links, 2, n_samples)),
        crest=np.zeros((n_links, 2, n_groups)),
        bound=np.zeros((n_links, n_states)),
        witness=np.zeros(n_links, np.int64),
        leading=np.zeros(n_links, np.int64),
        active=np.zeros((n_links, n_states), np.int64),
        spare=np.zeros((n_links, n_states)),
        most_spare=np.zeros(n_links),
        required=np.zeros(n_links),
        room=np.full(n_links, -1.0),
        worth=np.zeros(n_links),
        step=np.zeros((n_links, 4)),
        total=np.zeros(1),
        banned=np.zeros(n_links, np.bool_),
    )


def new_work(
    n_nodes: int,
    n_lsps: int,
    n_links: int,
    samples: tuple[int, int],
    n_states: int,
    words: tuple[int, int],
    max_hops: int,
    most: int,
) -> Work:
    """Make buffers for moves of at most ``most`` LSPs; ``words`` of state and component bit sets."""
    n_samples, n_groups = samples
    touched = min(n_links, 4 * most * max_hops)
    return Work(
        distance=np.empty((max_hops + 1, n_nodes)),
        parent=np.empty((max_hops + 1, n_nodes), np.int64),
        settled=np.empty(n_nodes, np.bool_),
        heap_key=np.empty(n_nodes),
        heap_node=np.empty(n_nodes, np.int64),
        position=np.empty(n_nodes, np.int64),
        paths=np.empty((6, max(max_hops, n_nodes)), np.int64),
        weight=np.empty(n_links),
        down_list=np.empty(n_states, np.int64),
        states=np.zeros(words[0], np.uint64),
        components=np.zeros(words[1], np.uint64),
        path_states=np.zeros(words[0], np.uint64),
        path_components=np.zeros((2, words[1]), np.uint64),
        crest=np.empty((2, n_groups)),
        load=np.empty(n_samples),
        select=np.empty(n_samples),
        changed=np.empty(2 * n_lsps, np.int64),
        changed_back=np.empty(2 * n_lsps, np.bool_),
        mark=np.zeros(n_links, np.int64),
        other=np.zeros(n_links, np.int64),
        lost_gbps=np.zeros(n_links),
        counters=np.zeros(5, np.int64),
        asked=np.zeros(n_links, np.int64),
        touched=np.empty(touched, np.int64),
        old_base=np.empty((touched, 2, n_samples)),
        old_crest=np.empty((touched, 2, n_groups)),
        old_bound=np.empty((touched, n_states)),
        old_active=np.empty((touched, n_states), np.int64),
        old_spare=np.empty((touched, n_states)),
        old_scalars=np.empty((touched, 5)),
        old_step=np.empty((touched, 4)),
        old_hops=np.empty((most, 2), np.int64),
        old_path=np.empty((most, 2, _stride(max_hops)), np.int64),
        chosen=np.empty(most, np.int64),
    )
