"""
State of the local search on the IP layer: tuples of arrays, owned by the caller, and structures for kernels.

As tuples of arrays the arguments of every inner function would be hundreds of scalars, minutes to compile.
Packed as numba structures each is one pointer. Without the compiler the tuples serve as they are.
"""

from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import config as _config
from numba import typeof as _typeof
from numba import types as _types
from numba.experimental import structref as _structref
from numba.extending import intrinsic as _intrinsic

from ._arrays import BitArray, BoolArray, FloatArray, IntArray
from ._jit import kernel

# numba has no type hints for these
structref: Any = _structref
intrinsic: Any = _intrinsic
types: Any = _types
typeof: Any = _typeof
config: Any = _config

PRIMARY, BACKUP, LASTING = 0, 1, 2  # the last: a primary that needs no backup
UNPROTECTED, SURVIVABLE, DISJOINT = 0, 1, 2
_LEAST_ROOM = 4  # entries on a link


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
    room: FloatArray  # [links] what fits beside it at no cost
    worth: FloatArray  # [links]
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
    old_hops: IntArray
    old_path: IntArray
    chosen: IntArray  # LSPs to move


def _structure(name: str, fields: tuple[str, ...]) -> tuple[Any, Any]:
    """Make the type of a structure inside kernels, ``_<name>Type``, and its handle outside them."""
    inside = structref.register(type(f"_{name}Type", (types.StructRef,), {"__module__": __name__}))
    outside = type(f"_{name}Struct", (structref.StructRefProxy,), {"__module__": __name__})
    structref.define_proxy(outside, inside, fields)
    return inside, outside


@intrinsic  # type: ignore[untyped-decorator]
def _borrowed(_: Any, array: Any) -> Any:
    """The same array without an owner: kernels do not count who refers to it, and must not outlive it."""

    def view(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made = context.make_array(signature.return_type)(context, builder, value=values[0])
        made.meminfo, made.parent = made.meminfo.type(None), made.parent.type(None)
        return made._getvalue()

    return array(array), view


# Caches find the types by these names.
_PoolType, _PoolStruct = _structure("Pool", Pool._fields)
_LspsType, _LspsStruct = _structure("Lsps", Lsps._fields)
_ClockType, _ClockStruct = _structure("Clock", Clock._fields)
_LayerType, _LayerStruct = _structure("Layer", Layer._fields)
_WorkType, _WorkStruct = _structure("Work", Work._fields)


@kernel
def pack_pool(
    links: Any,
    n_lasting: Any,
    first_arc: Any,
    head: Any,
    arc_link: Any,
    tail: Any,
    link_a: Any,
    link_b: Any,
    latency_ms: Any,
    down: Any,
    lasting: Any,
    components: Any,
    table: Any,
    units_per_gbps: Any,
    idle: Any,
    cheap_to: Any,
    fast_to: Any,
    corridor: Any,
    unavailability: Any,
    group_mask: Any,
) -> Any:
    """Structure of a `Pool`'s arrays."""
    return _PoolStruct(
        _borrowed(links),
        n_lasting,
        _borrowed(first_arc),
        _borrowed(head),
        _borrowed(arc_link),
        _borrowed(tail),
        _borrowed(link_a),
        _borrowed(link_b),
        _borrowed(latency_ms),
        _borrowed(down),
        _borrowed(lasting),
        _borrowed(components),
        _borrowed(table),
        units_per_gbps,
        _borrowed(idle),
        _borrowed(cheap_to),
        _borrowed(fast_to),
        _borrowed(corridor),
        _borrowed(unavailability),
        _borrowed(group_mask),
    )


@kernel
def pack_lsps(
    a: Any,
    b: Any,
    size_gbps: Any,
    peak_gbps: Any,
    max_latency_ms: Any,
    backup_max_latency_ms: Any,
    protection: Any,
    node_disjoint: Any,
    min_availability: Any,
    end_states: Any,
    end_components: Any,
    samples: Any,
    crest: Any,
) -> Any:
    """Structure of a `Lsps`'s arrays."""
    return _LspsStruct(
        _borrowed(a),
        _borrowed(b),
        _borrowed(size_gbps),
        _borrowed(peak_gbps),
        _borrowed(max_latency_ms),
        _borrowed(backup_max_latency_ms),
        _borrowed(protection),
        _borrowed(node_disjoint),
        _borrowed(min_availability),
        _borrowed(end_states),
        _borrowed(end_components),
        _borrowed(samples),
        _borrowed(crest),
    )


@kernel
def pack_clock(group_start: Any, rank_normal: Any, rank_failure: Any, n_states: Any, max_hops: Any) -> Any:
    """Structure of a `Clock`'s values."""
    return _ClockStruct(
        _borrowed(group_start),
        _borrowed(rank_normal),
        _borrowed(rank_failure),
        n_states,
        max_hops,
    )


@kernel
def pack_layer(
    hops: Any,
    path: Any,
    backward: Any,
    down: Any,
    entries: Any,
    place: Any,
    start: Any,
    room_for: Any,
    members: Any,
    end: Any,
    base: Any,
    crest: Any,
    bound: Any,
    witness: Any,
    leading: Any,
    active: Any,
    spare: Any,
    most_spare: Any,
    required: Any,
    room: Any,
    worth: Any,
    total: Any,
    banned: Any,
) -> Any:
    """Structure of a `Layer`'s arrays."""
    return _LayerStruct(
        _borrowed(hops),
        _borrowed(path),
        _borrowed(backward),
        _borrowed(down),
        _borrowed(entries),
        _borrowed(place),
        _borrowed(start),
        _borrowed(room_for),
        _borrowed(members),
        _borrowed(end),
        _borrowed(base),
        _borrowed(crest),
        _borrowed(bound),
        _borrowed(witness),
        _borrowed(leading),
        _borrowed(active),
        _borrowed(spare),
        _borrowed(most_spare),
        _borrowed(required),
        _borrowed(room),
        _borrowed(worth),
        _borrowed(total),
        _borrowed(banned),
    )


@kernel
def pack_work(
    distance: Any,
    parent: Any,
    settled: Any,
    heap_key: Any,
    heap_node: Any,
    position: Any,
    paths: Any,
    weight: Any,
    down_list: Any,
    states: Any,
    components: Any,
    crest: Any,
    load: Any,
    select: Any,
    changed: Any,
    changed_back: Any,
    mark: Any,
    other: Any,
    lost_gbps: Any,
    counters: Any,
    asked: Any,
    touched: Any,
    old_base: Any,
    old_crest: Any,
    old_bound: Any,
    old_active: Any,
    old_spare: Any,
    old_scalars: Any,
    old_hops: Any,
    old_path: Any,
    chosen: Any,
) -> Any:
    """Structure of a `Work`'s arrays."""
    return _WorkStruct(
        _borrowed(distance),
        _borrowed(parent),
        _borrowed(settled),
        _borrowed(heap_key),
        _borrowed(heap_node),
        _borrowed(position),
        _borrowed(paths),
        _borrowed(weight),
        _borrowed(down_list),
        _borrowed(states),
        _borrowed(components),
        _borrowed(crest),
        _borrowed(load),
        _borrowed(select),
        _borrowed(changed),
        _borrowed(changed_back),
        _borrowed(mark),
        _borrowed(other),
        _borrowed(lost_gbps),
        _borrowed(counters),
        _borrowed(asked),
        _borrowed(touched),
        _borrowed(old_base),
        _borrowed(old_crest),
        _borrowed(old_bound),
        _borrowed(old_active),
        _borrowed(old_spare),
        _borrowed(old_scalars),
        _borrowed(old_hops),
        _borrowed(old_path),
        _borrowed(chosen),
    )


Packed = TypeVar("Packed", Pool, Lsps, Clock, Layer, Work)

_STRUCTURES: dict[type, tuple[Any, Any]] = {
    Pool: (pack_pool, _PoolType),
    Lsps: (pack_lsps, _LspsType),
    Clock: (pack_clock, _ClockType),
    Layer: (pack_layer, _LayerType),
    Work: (pack_work, _WorkType),
}


def packer(arrays: Packed) -> Any:
    """Kernel that makes a structure of a tuple's arrays."""
    return _STRUCTURES[type(arrays)][0]


def pack(arrays: Packed) -> Packed:
    """Turn a tuple of arrays into what kernels take; both share the arrays' memory."""
    if config.DISABLE_JIT:
        return arrays
    packed = packer(arrays)(*arrays)
    packed.arrays = arrays  # which it borrows
    return cast(Packed, packed)


def packed_type(arrays: Packed) -> Any:
    """Type, inside kernels, of what `pack` would return."""
    return _STRUCTURES[type(arrays)][1](list(zip(arrays._fields, map(typeof, arrays), strict=True)))


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
        room=np.zeros(n_links),
        worth=np.zeros(n_links),
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
        old_hops=np.empty((most, 2), np.int64),
        old_path=np.empty((most, 2, _stride(max_hops)), np.int64),
        chosen=np.empty(most, np.int64),
    )
