"""
Local search on the IP layer: route, price and move LSPs over candidate links, exactly and incrementally.

The layer's cost is the sum over links of a step function (modules) of the load that the link must carry: the
largest order statistic over failure states and directions, as in ``loads``. A move takes LSPs out, routes
them again at marginal cost and is kept if the exact cost falls. What makes it fast:

- per link and state an upper bound of the order statistic is kept. Adding an LSP raises it by the LSP's
  peak; a state is summed over samples only while its bound could change the cost, or says that the link is
  much fuller than known, and then only in the groups of samples whose largest loads could add up to that;
- where LSPs leave a link and even their peaks could not change its cost, nothing is summed;
- links are weighed only where a search comes by, and searches are goal-directed;
- rejected moves are undone from copies of the few rows they touched.

What a function reads from a structure or hands to another function costs a call that finds no references to
count (`pack` borrows its arrays), as much as some additions: hence loops inside functions, and few functions
inside loops.

Latency bounds are met by LARAC (Jüttner, Szviatovszki, Mécs, Rajkó 2001), hop bounds by layered Bellman-Ford.
All state lives in a `Layer` of arrays; the caller owns it.
"""

from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import config as _config
from numba import typeof as _typeof
from numba import types as _types
from numba.experimental import structref as _structref
from numba.extending import intrinsic as _intrinsic

from ._jit import kernel

# numba has no type hints for these
structref: Any = _structref
intrinsic: Any = _intrinsic
types: Any = _types
typeof: Any = _typeof
config: Any = _config

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BitArray = npt.NDArray[np.uint64]
BoolArray = npt.NDArray[np.bool_]

PRIMARY, BACKUP, LASTING = 0, 1, 2  # the last: a primary that needs no backup
UNPROTECTED, SURVIVABLE, DISJOINT = 0, 1, 2
NEGLIGIBLE = 1e-3  # share of a link's price charged where an LSP fits for free: prefers short paths
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_GAIN = 1e-9  # relative gain below which a move counts as none
_GRACE = 1e-9  # units of capacity that rounding may exceed
_LARAC_ROUNDS = 12
_SHORT = 12
_LIKELY = 0.9  # share of its load that a link likely keeps when LSPs leave it
_VAGUE = 0.5  # share of a link's room to which its load may be unknown
_LEAST_ROOM = 4  # entries on a link
_DRAWS = 50  # attempts to draw a link in use


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


# As tuples of arrays the arguments of every inner function would be hundreds of scalars, minutes to compile.
# Packed as numba structures each is one pointer. Without the compiler the tuples serve as they are.


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


@kernel
def _bits(count: int) -> int:
    """How many bits tell ``count`` things apart."""
    bits = 0
    while 1 << bits < count:
        bits += 1
    return bits


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


@kernel
def _kth_smallest(values: FloatArray, n: int, k: int) -> float:
    """Select the k-th smallest (1-based) of the first n values, reordering them (Hoare's find)."""
    low, high, wanted = 0, n - 1, k - 1
    while high - low >= _SHORT:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            return float(values[wanted])
    for i in range(low + 1, high + 1):
        value = values[i]
        j = i
        while j > low and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    return float(values[wanted])


@kernel
def _units(units_per_gbps: float, load_gbps: float) -> int:
    """Whole units of capacity that a load needs."""
    return int(np.ceil(load_gbps * units_per_gbps - _GRACE))


@kernel
def _worth(table: FloatArray, units_per_gbps: float, link: int, load_gbps: float) -> float:
    """Cost of one link at one load."""
    units = _units(units_per_gbps, load_gbps)
    last = table.shape[1] - 1
    if units <= 0:
        return 0.0
    worth: float = table[link, min(units, last)]
    return worth if units <= last else worth * units / last


@kernel
def _room(table: FloatArray, units_per_gbps: float, link: int, load_gbps: float) -> float:
    """Load that fits beside a load at no cost."""
    units, last = max(0, _units(units_per_gbps, load_gbps)), table.shape[1] - 1
    while units < last and table[link, units + 1] <= table[link, units]:
        units += 1
    return (units + _GRACE) / units_per_gbps - load_gbps if units > 0 else 0.0


@kernel
def _crests(loads: FloatArray, group_start: IntArray, crest: FloatArray) -> float:
    """Write the largest load of each direction and group of samples; return the largest of all."""
    most = 0.0
    for direction in range(2):
        for group in range(crest.shape[1]):
            highest = 0.0
            for s in range(group_start[group], group_start[group + 1]):
                highest = max(highest, loads[direction, s])
            crest[direction, group] = highest
            most = max(most, highest)
    return most


@kernel
def _highest(crest: FloatArray) -> float:
    """Largest entry of float64[2, G]."""
    highest = 0.0
    for direction in range(2):
        for group in range(crest.shape[1]):
            highest = max(highest, crest[direction, group])
    return highest


@kernel
def _copy(source: FloatArray, target: FloatArray) -> None:
    for i in range(source.shape[0]):
        target[i] = source[i]


@kernel
def _copy_whole(source: IntArray, target: IntArray) -> None:
    for i in range(source.shape[0]):
        target[i] = source[i]


@kernel
def _touch(layer: Layer, work: Work, link: int) -> None:
    """Copy a link's rows to the journal when a move touches it for the first time."""
    if work.mark[link] == work.counters[0]:
        return
    work.mark[link] = work.counters[0]
    slot = work.counters[1]
    work.counters[1] += 1
    work.touched[slot] = link
    work.lost_gbps[link] = 0.0
    for direction in range(2):
        _copy(layer.base[link, direction], work.old_base[slot, direction])
        _copy(layer.crest[link, direction], work.old_crest[slot, direction])
    _copy(layer.bound[link], work.old_bound[slot])
    _copy_whole(layer.active[link], work.old_active[slot])
    _copy(layer.spare[link], work.old_spare[slot])
    work.old_scalars[slot, 0] = layer.most_spare[link]
    work.old_scalars[slot, 1] = layer.required[link]
    work.old_scalars[slot, 2] = layer.worth[link]
    work.old_scalars[slot, 3] = layer.witness[link]
    work.old_scalars[slot, 4] = layer.leading[link]


@kernel
def _gather_room(layer: Layer) -> None:
    """Move the links' entries together; what empty links had is free again."""
    entries, place, start, room_for = layer.entries, layer.place, layer.start, layer.room_for
    members, kept, end = layer.members, layer.entries.copy(), 0
    for link in range(start.shape[0]):
        for i in range(members[link]):
            entry = kept[start[link] + i]
            entries[end + i], place[entry] = entry, end + i
        start[link], room_for[link] = end, members[link]
        end += members[link]
    layer.end[0] = end


@kernel
def _make_room(layer: Layer, link: int) -> None:
    """Give a link twice the room for entries, elsewhere."""
    entries, place, members = layer.entries, layer.place, layer.members[link]
    wanted = max(_LEAST_ROOM, 2 * members)
    if layer.end[0] + wanted > entries.shape[0]:
        _gather_room(layer)
        wanted = min(wanted, members + (entries.shape[0] - layer.end[0] - members) // 2)
    start, before = layer.end[0], layer.start[link]
    for i in range(members):
        entry = entries[before + i]
        entries[start + i], place[entry] = entry, start + i
    layer.start[link], layer.room_for[link] = start, wanted
    layer.end[0] += wanted


@kernel
def _link_entry(layer: Layer, link: int, entry: int) -> None:
    if layer.members[link] == layer.room_for[link]:
        _make_room(layer, link)
    slot = layer.start[link] + layer.members[link]
    layer.entries[slot], layer.place[entry] = entry, slot
    layer.members[link] += 1


@kernel
def _unlink_entry(layer: Layer, link: int, entry: int) -> None:
    """The link's last entry takes the place of the one that leaves."""
    layer.members[link] -= 1
    slot, last = layer.place[entry], layer.entries[layer.start[link] + layer.members[link]]
    layer.entries[slot], layer.place[last] = last, slot


@kernel
def _load_primary(
    lsps: Lsps, clock: Clock, layer: Layer, link: int, lsp: int, flipped: int, sign: int
) -> None:
    """Put an LSP's primary on a link (sign 1) or take it off (-1)."""
    base, samples, bound, peak = layer.base, lsps.samples, layer.bound, lsps.peak_gbps[lsp]
    for direction in range(2):
        for s in range(base.shape[2]):
            base[link, direction ^ flipped, s] += sign * samples[lsp, direction, s]
    if sign > 0:
        for state in range(clock.n_states):
            bound[link, state] += peak
    bound[link, 0] = _crests(base[link], clock.group_start, layer.crest[link])


@kernel
def _load_backup(lsps: Lsps, clock: Clock, layer: Layer, link: int, lsp: int, sign: int) -> None:
    """Put an LSP's backup on a link (sign 1) or take it off (-1): in use where only the primary is down."""
    active, spare, bound, down = layer.active, layer.spare, layer.bound, layer.down
    size, peak, most = lsps.size_gbps[lsp], lsps.peak_gbps[lsp], layer.most_spare[link]
    leading, lowered = layer.leading[link], False
    for word in range(down.shape[2]):
        bits, state = down[lsp, PRIMARY, word] & ~down[lsp, BACKUP, word], 64 * word
        while bits != _ZERO:
            if bits & _ONE != _ZERO and state < clock.n_states:
                active[link, state] += sign
                spare[link, state] += sign * size
                if sign > 0:
                    bound[link, state] += peak
                    if spare[link, state] > most:
                        most, leading = spare[link, state], state
                else:
                    lowered |= state == leading
            bits >>= _ONE
            state += 1
    if lowered:
        most = 0.0
        for state in range(clock.n_states):
            if spare[link, state] > most:
                most, leading = spare[link, state], state
    layer.most_spare[link], layer.leading[link] = most, leading


@kernel
def _load_path(lsps: Lsps, clock: Clock, layer: Layer, lsp: int, side: int, sign: int) -> None:
    """Put one path's traffic on its links (sign 1) or take it off (-1); the lists are the caller's."""
    for position in range(layer.hops[lsp, side]):
        link = layer.path[lsp, side, position]
        if side == PRIMARY:
            flipped = int(layer.backward[lsp, side, position])
            _load_primary(lsps, clock, layer, link, lsp, flipped, sign)
        else:
            _load_backup(lsps, clock, layer, link, lsp, sign)


@kernel
def _attach(lsps: Lsps, clock: Clock, layer: Layer, lsp: int) -> None:
    """Load both paths of an LSP, as they stand in the layer, onto their links."""
    stride = layer.path.shape[2]
    for side in range(2):
        for position in range(layer.hops[lsp, side]):
            _link_entry(layer, layer.path[lsp, side, position], (lsp * 2 + side) * stride + position)
        _load_path(lsps, clock, layer, lsp, side, 1)


@kernel
def _touch_paths(layer: Layer, work: Work, lsp: int) -> None:
    """Note every link on an LSP's paths in the journal."""
    for side in range(2):
        for position in range(layer.hops[lsp, side]):
            _touch(layer, work, layer.path[lsp, side, position])


@kernel
def _detach(lsps: Lsps, clock: Clock, layer: Layer, lsp: int) -> None:
    """Take both paths of an LSP off their links; the paths stay written in the layer."""
    stride = layer.path.shape[2]
    for side in range(2):
        _load_path(lsps, clock, layer, lsp, side, -1)
        for position in range(layer.hops[lsp, side]):
            link = layer.path[lsp, side, position]
            _unlink_entry(layer, link, (lsp * 2 + side) * stride + position)
            if layer.members[link] == 0:  # no rounding errors survive an empty link
                for s in range(layer.base.shape[2]):
                    layer.base[link, 0, s] = layer.base[link, 1, s] = 0.0
                for group in range(layer.crest.shape[2]):
                    layer.crest[link, 0, group] = layer.crest[link, 1, group] = 0.0
                for state in range(layer.bound.shape[1]):
                    layer.bound[link, state] = layer.spare[link, state] = 0.0
                    layer.active[link, state] = 0
                layer.most_spare[link] = 0.0
                layer.witness[link] = layer.leading[link] = 0


@kernel
def _changes(layer: Layer, work: Work, link: int, state: int) -> tuple[int, int]:
    """List who is on a link in a failure state and not without failures, and who is not any more.

    ``work.changed`` names the former from its start to the first number returned, the latter from the second
    number to its end.
    """
    down, changed, changed_back = layer.down, work.changed, work.changed_back
    backward, bits = layer.backward, _bits(layer.path.shape[2])
    word, shift = state // 64, np.uint64(state % 64)
    added, last, start = 0, changed.shape[0], layer.start[link]
    for entry in layer.entries[start : start + layer.members[link]]:
        # a division would take longer than all the rest
        lsp, side = entry >> (bits + 1), (entry >> bits) & 1
        if (down[lsp, PRIMARY, word] >> shift) & _ONE != _ZERO:
            if side == PRIMARY:
                last -= 1
                changed[last], changed_back[last] = lsp, backward[lsp, side, entry & ((1 << bits) - 1)]
            elif (down[lsp, BACKUP, word] >> shift) & _ONE == _ZERO:
                changed[added], changed_back[added] = lsp, backward[lsp, side, entry & ((1 << bits) - 1)]
                added += 1
    return added, last


@kernel
def _value_above(
    lsps: Lsps, clock: Clock, layer: Layer, work: Work, link: int, state: int, floor: float
) -> float:
    """Order statistic of a link's load in a state if above ``floor``, else ``floor``; tightens the bound.

    Only groups of samples whose crest is above the floor are summed.
    """
    load, select, crest, group_start = work.load, work.select, work.crest, clock.group_start
    samples, changed, changed_back = lsps.samples, work.changed, work.changed_back
    base, crests = layer.base, lsps.crest
    rank = clock.rank_normal if state == 0 else clock.rank_failure
    added, removed = 0, changed.shape[0]
    if state > 0:
        added, removed = _changes(layer, work, link, state)
    for direction in range(2):
        _copy(layer.crest[link, direction], crest[direction])
    for i in range(added):
        lsp, flipped = changed[i], int(changed_back[i])
        for direction in range(2):
            for group in range(crest.shape[1]):
                crest[direction ^ flipped, group] += crests[lsp, direction, group]
    bound, n_groups = 0.0, rank.shape[0]
    for direction in range(2):
        first, last = n_groups, -1
        for group in range(n_groups):
            if crest[direction, group] > floor:
                first, last = min(first, group), group
            else:
                bound = max(bound, crest[direction, group])
        if last < 0:
            continue
        # slices: numba vectorises no index that it cannot prove to be positive
        start, end = group_start[first], group_start[last + 1]
        _copy(base[link, direction, start:end], load)
        for i in range(added):
            source = samples[changed[i], direction ^ int(changed_back[i]), start:end]
            for s in range(source.shape[0]):
                load[s] += source[s]
        for i in range(removed, changed.shape[0]):
            source = samples[changed[i], direction ^ int(changed_back[i]), start:end]
            for s in range(source.shape[0]):
                load[s] -= source[s]
        for group in range(first, last + 1):
            if crest[direction, group] <= floor:
                bound = max(bound, crest[direction, group])
                continue
            n_above, highest = 0, 0.0
            for s in range(group_start[group] - start, group_start[group + 1] - start):
                value = load[s]
                if value > bound:
                    select[n_above] = value
                    highest = max(highest, value)
                    n_above += 1
            beyond = (
                group_start[group + 1] - group_start[group] - rank[group]
            )  # loads that may be higher than the statistic
            if n_above > beyond:
                bound = highest if beyond == 0 else _kth_smallest(select, n_above, n_above - beyond)
            floor = max(floor, bound)
    layer.bound[link, state] = bound
    return floor


@kernel
def _set_load(pool: Pool, layer: Layer, link: int, required: float) -> None:
    """Write what a link must carry, and what follows from it."""
    worth = _worth(pool.table, pool.units_per_gbps, link, required)
    layer.required[link] = required
    layer.room[link] = _room(pool.table, pool.units_per_gbps, link, required) if required > 0.0 else 0.0
    layer.total[0] += worth - layer.worth[link]
    layer.worth[link] = worth


@kernel
def _fell(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, link: int, lost_gbps: float
) -> None:
    """Price a link that lost at most so much load by the states that are likeliest to ask for most.

    Never too high. Where the loss cannot change the cost, the load is taken to be as low as it may be, and
    the room to have grown by half of what it may have.
    """
    required = 0.0
    if layer.members[link] > 0:
        required = layer.required[link]
        least = required - lost_gbps
        if least > 0.0 and _worth(pool.table, pool.units_per_gbps, link, least) == layer.worth[link]:
            layer.required[link], layer.room[link] = least, layer.room[link] + 0.5 * lost_gbps
            return
        witness, leading = layer.witness[link], layer.leading[link]
        likely = _LIKELY * required
        required = _value_above(lsps, clock, layer, work, link, witness, likely)
        if required == likely:
            required = _value_above(lsps, clock, layer, work, link, witness, 0.0)
        if leading != witness and layer.bound[link, leading] > required:
            needed = _value_above(lsps, clock, layer, work, link, leading, required)
            if needed > required:
                required, layer.witness[link] = needed, leading
    _set_load(pool, layer, link, required)


@kernel
def _grew(pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, link: int) -> None:
    """Price a link that nothing was taken off by the states that are likeliest to ask for most.

    Never too high; of the room left, up to a share may be taken by what is not looked at.
    """
    bound, known = layer.bound, layer.required[link]
    required, vague = known, known + _VAGUE * max(0.0, layer.room[link])
    witness, leading = layer.witness[link], layer.leading[link]
    for state in (witness, leading):
        if bound[link, state] > vague:
            needed = _value_above(lsps, clock, layer, work, link, state, vague)
            if needed > vague:
                required = vague = needed
                layer.witness[link] = state
    if required > known:
        _set_load(pool, layer, link, required)


@kernel
def _confirm(pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, link: int, quiet: bool) -> None:
    """Complete a look: all states; the cost exactly, the load to a share of the room left.

    ``quiet``: states without active backups are dominated by the load without failures.
    """
    if layer.members[link] == 0:
        return
    table, units_per_gbps, bound, active = pool.table, pool.units_per_gbps, layer.bound, layer.active
    known = required = layer.required[link]
    room = _room(table, units_per_gbps, link, required)
    quietly = 0.0 if quiet else _highest(layer.crest[link])
    vague = required + _VAGUE * max(0.0, room)
    for state in range(clock.n_states):
        highest = bound[link, state] if state == 0 or active[link, state] > 0 else quietly
        if highest > vague:
            needed = _value_above(lsps, clock, layer, work, link, state, vague)
            if needed > vague:
                required, layer.witness[link] = needed, state
                room = _room(table, units_per_gbps, link, required)
                vague = required + _VAGUE * max(0.0, room)
    layer.room[link] = room
    if required > known:
        _set_load(pool, layer, link, required)


@kernel
def _ask(layer: Layer, work: Work, lsp: int, side: int) -> None:
    """Start weighing links anew, for one path of an LSP."""
    work.counters[4] += 1
    n_down, down_list = 0, work.down_list
    if side == BACKUP:
        for word in range(layer.down.shape[2]):
            bits = layer.down[lsp, PRIMARY, word]
            for state in range(64 * word, min(64 * word + 64, down_list.shape[0])):
                if bits & _ONE != _ZERO:
                    down_list[n_down] = state
                    n_down += 1
                bits >>= _ONE
    work.counters[3] = n_down


@kernel
def _weigh(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, side: int, node: int) -> None:
    """Write the marginal cost of one more path of an LSP on every link at a node; inf where it must not run.

    Node by node, as a search comes by: most links are never asked for, and reading an array from a
    structure costs more than weighing a link.
    """
    asked, question, n_down = work.asked, work.counters[4], work.counters[3]
    weight, arc_link, banned, down = work.weight, pool.arc_link, layer.banned, pool.down
    states, components, avoided = work.states, pool.components, work.components
    end_states, room, required, worth = lsps.end_states, layer.room, layer.required, layer.worth
    spare, most_spare, down_list, table = layer.spare, layer.most_spare, work.down_list, pool.table
    idle, units_per_gbps, size = pool.idle, pool.units_per_gbps, lsps.size_gbps[lsp]
    last = table.shape[1] - 1
    for arc in range(pool.first_arc[node], pool.first_arc[node + 1]):
        link = arc_link[arc]
        if asked[link] == question:
            continue
        asked[link] = question
        blocked = banned[link]
        if side == BACKUP:
            for word in range(states.shape[0]):
                blocked |= down[link, word] & states[word] != _ZERO
            for word in range(avoided.shape[0]):
                blocked |= components[link, word] & avoided[word] != _ZERO
        elif side == LASTING:
            for word in range(states.shape[0]):
                blocked |= down[link, word] & ~end_states[lsp, word] != _ZERO
        if blocked:
            weight[link] = np.inf
            continue
        extra, least = size, NEGLIGIBLE * size * idle[link]
        if size <= room[link]:
            weight[link] = least
            continue
        if side == BACKUP and most_spare[link] > 0.0:
            worst = 0.0
            for i in range(n_down):
                worst = max(worst, spare[link, down_list[i]])
            extra = max(0.0, worst + size - most_spare[link])
        if extra <= room[link]:
            weight[link] = least
        else:
            units = int(np.ceil((required[link] + extra) * units_per_gbps - _GRACE))
            after = table[link, min(units, last)]
            if units > last:
                after *= units / last
            weight[link] = max(0.0, after - worth[link]) + least if after < np.inf else np.inf


@kernel
def _sift_up(keys: FloatArray, nodes: IntArray, position: IntArray, slot: int) -> None:
    key, node = keys[slot], nodes[slot]
    while slot > 0:
        above = (slot - 1) // 2
        if keys[above] <= key:
            break
        keys[slot], nodes[slot] = keys[above], nodes[above]
        position[nodes[slot]] = slot
        slot = above
    keys[slot], nodes[slot] = key, node
    position[node] = slot


@kernel
def _sift_down(keys: FloatArray, nodes: IntArray, position: IntArray, size: int) -> None:
    """Move the last entry to the root of a heap of ``size`` entries and restore order."""
    key, node, slot = keys[size], nodes[size], 0
    while 2 * slot + 1 < size:
        below = 2 * slot + 1
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if key <= keys[below]:
            break
        keys[slot], nodes[slot] = keys[below], nodes[below]
        position[nodes[slot]] = slot
        slot = below
    keys[slot], nodes[slot] = key, node
    position[node] = slot


@kernel
def _dijkstra(
    pool: Pool,
    lsps: Lsps,
    layer: Layer,
    work: Work,
    lsp: int,
    side: int,
    cost_weight: float,
    latency_weight: float,
    row: int,
) -> int:
    """Shortest path for ``cost_weight * weight + latency_weight * latency`` into paths[row]; hops, or -1.

    Goal-directed (Hart, Nilsson and Raphael 1968): what is left costs at least the potential. Sites outside
    the corridor are looked at only if there is no way inside.
    """
    source, target = lsps.a[lsp], lsps.b[lsp]
    distance, parent, settled, weight = work.distance[0], work.parent[0], work.settled, work.weight
    first_arc, head, arc_link, latency = pool.first_arc, pool.head, pool.arc_link, pool.latency_ms
    heap_key, heap_node, at = work.heap_key, work.heap_node, work.position
    cheap_share = cost_weight * NEGLIGIBLE * lsps.size_gbps[lsp]
    cheap, fast, from_source = pool.cheap_to[target], pool.fast_to[target], pool.fast_to[source]
    detour = pool.corridor[0] * fast[source] + pool.corridor[1]
    while True:
        for node in range(distance.shape[0]):
            distance[node] = np.inf
            settled[node] = False
        distance[source] = 0.0
        heap_key[0], heap_node[0], at[source] = 0.0, source, 0
        size = 1
        while size > 0:
            node = heap_node[0]
            size -= 1
            if size > 0:
                _sift_down(heap_key, heap_node, at, size)
            settled[node] = True
            if node == target:
                break
            _weigh(pool, lsps, layer, work, lsp, side, node)
            for arc in range(first_arc[node], first_arc[node + 1]):
                other, link = head[arc], arc_link[arc]
                if settled[other]:
                    continue
                if weight[link] == np.inf:
                    continue
                length = distance[node] + latency_weight * latency[link] + cost_weight * weight[link]
                if length < distance[other]:
                    if distance[other] == np.inf:
                        if from_source[other] + fast[other] > detour:
                            continue
                        at[other] = size
                        heap_node[size] = other
                        size += 1
                    distance[other] = length
                    parent[other] = arc
                    slot = at[other]
                    heap_key[slot] = length + cheap_share * cheap[other] + latency_weight * fast[other]
                    _sift_up(heap_key, heap_node, at, slot)
        if distance[target] < np.inf or detour == np.inf:
            break
        detour = np.inf
    if distance[target] == np.inf:
        return -1
    hops, node = 0, target
    while node != source:
        work.paths[row, hops] = arc_link[parent[node]]
        hops += 1
        node = pool.tail[parent[node]]
    for i in range(hops // 2):
        work.paths[row, i], work.paths[row, hops - 1 - i] = work.paths[row, hops - 1 - i], work.paths[row, i]
    return hops


@kernel
def _layered(
    pool: Pool, work: Work, source: int, target: int, cost_weight: float, latency_weight: float, row: int
) -> int:
    """As `_dijkstra`, within the hop bound, by Bellman-Ford in layers of hops; all links are weighed."""
    distance, parent, weight = work.distance, work.parent, work.weight
    for hop in range(distance.shape[0]):
        for node in range(distance.shape[1]):
            distance[hop, node] = np.inf
    distance[0, source] = 0.0
    best_hops, best = -1, np.inf
    for hop in range(1, distance.shape[0]):
        for node in range(distance.shape[1]):
            if distance[hop - 1, node] == np.inf or node == target:
                continue
            for arc in range(pool.first_arc[node], pool.first_arc[node + 1]):
                link, other = pool.arc_link[arc], pool.head[arc]
                length = distance[hop - 1, node] + latency_weight * pool.latency_ms[link]
                length += cost_weight * weight[link] if weight[link] < np.inf else np.inf
                if length < distance[hop, other] and length < best:
                    distance[hop, other] = length
                    parent[hop, other] = arc
        if distance[hop, target] < best:
            best, best_hops = distance[hop, target], hop
    node = target
    for hop in range(best_hops, 0, -1):
        work.paths[row, hop - 1] = pool.arc_link[parent[hop, node]]
        node = pool.tail[parent[hop, node]]
    return best_hops


@kernel
def _sum_over(values: FloatArray, path: IntArray, hops: int) -> float:
    total = 0.0
    for position in range(hops):
        total += values[path[position]]
    return total


@kernel
def _oracle(
    pool: Pool,
    lsps: Lsps,
    layer: Layer,
    work: Work,
    lsp: int,
    side: int,
    cost_weight: float,
    latency_weight: float,
    row: int,
) -> int:
    """Shortest path within the hop bound, Dijkstra's if that complies."""
    hops = _dijkstra(pool, lsps, layer, work, lsp, side, cost_weight, latency_weight, row)
    if hops >= work.distance.shape[0]:
        for node in range(work.settled.shape[0]):
            _weigh(pool, lsps, layer, work, lsp, side, node)
        hops = _layered(pool, work, lsps.a[lsp], lsps.b[lsp], cost_weight, latency_weight, row)
    return hops


@kernel
def _bounded_path(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, side: int, row: int) -> int:
    """Cheap path within hop and latency bounds into paths[row] (row + 1 is scratch); hops, or -1."""
    bound = lsps.backup_max_latency_ms[lsp] if side == BACKUP else lsps.max_latency_ms[lsp]
    hops = _oracle(pool, lsps, layer, work, lsp, side, 1.0, 0.0, row)
    if hops < 0 or bound == np.inf:
        return hops
    cheap_latency = _sum_over(pool.latency_ms, work.paths[row], hops)
    if cheap_latency <= bound:
        return hops
    cheap_cost = _sum_over(work.weight, work.paths[row], hops)
    hops = _oracle(pool, lsps, layer, work, lsp, side, 0.0, 1.0, row)
    fast_latency = _sum_over(pool.latency_ms, work.paths[row], hops)
    if hops < 0 or fast_latency > bound:
        return -1
    fast_cost = _sum_over(work.weight, work.paths[row], hops)
    for _ in range(_LARAC_ROUNDS):
        if cheap_latency <= fast_latency or fast_cost <= cheap_cost:
            break
        slope = (fast_cost - cheap_cost) / (cheap_latency - fast_latency)
        middle = _oracle(pool, lsps, layer, work, lsp, side, 1.0, slope, row + 1)
        latency = _sum_over(pool.latency_ms, work.paths[row + 1], middle)
        cost = _sum_over(work.weight, work.paths[row + 1], middle)
        if cost + slope * latency >= (cheap_cost + slope * cheap_latency) * (1.0 - 1e-12):
            break
        if latency <= bound:
            hops, fast_latency, fast_cost = middle, latency, cost
            for position in range(middle):
                work.paths[row, position] = work.paths[row + 1, position]
        else:
            cheap_latency, cheap_cost = latency, cost
    return hops


@kernel
def _up(unavailability: FloatArray, components: BitArray) -> float:
    """Probability that all components are up."""
    up = 1.0
    for word in range(components.shape[0]):
        bits, component = components[word], 64 * word
        while bits != _ZERO:
            if bits & _ONE != _ZERO:
                up *= 1.0 - unavailability[component]
            bits >>= _ONE
            component += 1
    return up


@kernel
def _path_bits(bits: BitArray, path: IntArray, hops: int) -> BitArray:
    """Union of the links' bit sets along a path."""
    union = np.zeros(bits.shape[1], np.uint64)
    for position in range(hops):
        for word in range(union.shape[0]):
            union[word] |= bits[path[position], word]
    return union


@kernel
def _backup_for(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, hops: int) -> int:
    """Complete the primary in paths[0] with a backup in paths[2].

    Returns its hops, 0 if none is needed, -1 if none exists.
    """
    down = _path_bits(pool.down, work.paths[0], hops)
    exposed = False
    for word in range(down.shape[0]):
        layer.down[lsp, PRIMARY, word] = down[word]
        work.states[word] = down[word] & ~lsps.end_states[lsp, word]
        exposed |= work.states[word] != _ZERO
    protection, promised = lsps.protection[lsp], lsps.min_availability[lsp]
    components = _path_bits(pool.components, work.paths[0], hops)
    alone = promised <= 0.0 or _up(pool.unavailability, components) >= promised
    if alone and (protection == UNPROTECTED or (protection == SURVIVABLE and not exposed)):
        return 0
    avoid_groups = protection == DISJOINT or not alone
    for word in range(components.shape[0]):
        avoided = components[word]
        avoided &= ~lsps.end_components[lsp, word] if lsps.node_disjoint[lsp] else pool.group_mask[word]
        work.components[word] = avoided if avoid_groups else _ZERO
    if protection == UNPROTECTED:
        for word in range(down.shape[0]):
            work.states[word] = _ZERO
    _ask(layer, work, lsp, BACKUP)
    backup = _bounded_path(pool, lsps, layer, work, lsp, BACKUP, 2)
    if backup < 0 or promised <= 0.0:
        return backup
    second = _path_bits(pool.components, work.paths[2], backup)
    available = _up(pool.unavailability, components) + _up(pool.unavailability, second)
    for word in range(components.shape[0]):
        components[word] |= second[word]
    return backup if available - _up(pool.unavailability, components) >= promised else -1


@kernel
def _unexposed_path(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, limit: float) -> int:
    """Path over links that no failure state takes down, as 1+1 links, into paths[3].

    Returns its hops; -1 if there is none below the cost ``limit`` that is available enough.
    """
    _ask(layer, work, lsp, LASTING)
    hops = _bounded_path(pool, lsps, layer, work, lsp, LASTING, 3)
    if hops < 0 or _sum_over(work.weight, work.paths[3], hops) >= limit:
        return -1
    promised = lsps.min_availability[lsp]
    if promised > 0.0:
        # counts both legs of a 1+1 link as needed: never too high
        components = _path_bits(pool.components, work.paths[3], hops)
        if _up(pool.unavailability, components) < promised:
            return -1
    return hops


@kernel
def _dearest(work: Work, row: int, hops: int) -> int:
    """Link of most weight on a path."""
    weight, path = work.weight, work.paths
    dearest = path[row, 0]
    for position in range(1, hops):
        if weight[path[row, position]] > weight[dearest]:
            dearest = path[row, position]
    return int(dearest)


@kernel
def _swap_rows(work: Work, one: int, other: int) -> None:
    for position in range(work.paths.shape[1]):
        kept = work.paths[one, position]
        work.paths[one, position] = work.paths[other, position]
        work.paths[other, position] = kept


@kernel
def _cheaper_pair(
    pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int, hops: int, backup: int
) -> tuple[int, int]:
    """Look for a pair cheaper than the one in paths[0] and paths[2]: the primary was chosen for itself.

    The other pair's primary avoids the dearest link of either path; none is looked for where both are free.
    Returns the hops of the pair that is in paths[0] and paths[2] then.
    """
    total = _sum_over(work.weight, work.paths[2], backup)
    protecting = _dearest(work, 2, backup)
    if work.weight[protecting] <= 2.0 * NEGLIGIBLE * lsps.size_gbps[lsp] * pool.idle[protecting]:
        return hops, backup  # free, and the primary was the cheapest
    _ask(layer, work, lsp, PRIMARY)
    node = lsps.a[lsp]
    for position in range(hops):
        link = work.paths[0, position]
        _weigh(pool, lsps, layer, work, lsp, PRIMARY, node)
        node = pool.link_b[link] if pool.link_a[link] == node else pool.link_a[link]
    total += _sum_over(work.weight, work.paths[0], hops)
    working = _dearest(work, 0, hops)
    _swap_rows(work, 0, 4)
    _swap_rows(work, 2, 5)
    for link in (working, protecting):
        work.asked[link], work.weight[link] = work.counters[4], np.inf
    other = _bounded_path(pool, lsps, layer, work, lsp, PRIMARY, 0)
    if other > 0:
        cost = _sum_over(work.weight, work.paths[0], other)
        if cost < total:
            second = _backup_for(pool, lsps, layer, work, lsp, other)
            if second > 0:
                cost += _sum_over(work.weight, work.paths[2], second)
            if second >= 0 and cost < total * (1.0 - _GAIN):
                return other, second
    _swap_rows(work, 0, 4)
    _swap_rows(work, 2, 5)
    return hops, backup


@kernel
def _find(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int) -> bool:
    """Find paths for an LSP and write them to the layer, unattached. False if none were found."""
    _ask(layer, work, lsp, PRIMARY)
    hops = _bounded_path(pool, lsps, layer, work, lsp, PRIMARY, 0)
    if hops < 0:
        return False
    cost = _sum_over(work.weight, work.paths[0], hops)
    backup = _backup_for(pool, lsps, layer, work, lsp, hops)
    if backup != 0 and lsps.protection[lsp] == SURVIVABLE:
        cost = np.inf if backup < 0 else cost + _sum_over(work.weight, work.paths[2], backup)
        safe = -1
        if pool.n_lasting > 0:
            safe = _unexposed_path(pool, lsps, layer, work, lsp, cost)
        if safe >= 0:
            for position in range(safe):
                work.paths[0, position] = work.paths[3, position]
            hops, backup = safe, 0
    if backup < 0:
        # a trap: take each link of this primary away in turn and look again
        n_first = hops
        for position in range(n_first):
            work.paths[4, position] = work.paths[0, position]
        for position in range(n_first):
            link = work.paths[4, position]
            _ask(layer, work, lsp, PRIMARY)
            work.asked[link], work.weight[link] = work.counters[4], np.inf
            hops = _bounded_path(pool, lsps, layer, work, lsp, PRIMARY, 0)
            if hops >= 0:
                backup = _backup_for(pool, lsps, layer, work, lsp, hops)
                if backup >= 0:
                    break
    if hops < 0 or backup < 0:
        return False
    if backup > 0:
        hops, backup = _cheaper_pair(pool, lsps, layer, work, lsp, hops, backup)
    layer.hops[lsp, PRIMARY] = hops
    for position in range(hops):
        layer.path[lsp, PRIMARY, position] = work.paths[0, position]
    layer.hops[lsp, BACKUP] = backup if backup > 0 else -1
    for position in range(backup):
        layer.path[lsp, BACKUP, position] = work.paths[2, position]
    _settle(pool, lsps, layer, lsp)
    return True


@kernel
def _find_backup(pool: Pool, lsps: Lsps, layer: Layer, work: Work, lsp: int) -> bool:
    """Find a backup for the primary that is written in the layer, unattached. False if there is none."""
    hops = layer.hops[lsp, PRIMARY]
    if hops <= 0:
        return False
    for position in range(hops):
        work.paths[0, position] = layer.path[lsp, PRIMARY, position]
    backup = _backup_for(pool, lsps, layer, work, lsp, hops)
    if backup < 0:
        return False
    layer.hops[lsp, BACKUP] = backup if backup > 0 else -1
    for position in range(backup):
        layer.path[lsp, BACKUP, position] = work.paths[2, position]
    _settle(pool, lsps, layer, lsp)
    return True


@kernel
def _settle(pool: Pool, lsps: Lsps, layer: Layer, lsp: int) -> None:
    """Recompute what follows from an LSP's paths: directions, and the states in which they are down.

    A missing backup is down in all states.
    """
    path, backward, down = layer.path, layer.backward, layer.down
    link_a, link_b, link_down = pool.link_a, pool.link_b, pool.down
    for side in range(2):
        hops, node = layer.hops[lsp, side], lsps.a[lsp]
        for word in range(down.shape[2]):
            down[lsp, side, word] = ~_ZERO if hops < 0 else _ZERO
        for position in range(hops):
            link = path[lsp, side, position]
            reverse = link_a[link] != node
            backward[lsp, side, position] = reverse
            node = link_a[link] if reverse else link_b[link]
            for word in range(down.shape[2]):
                down[lsp, side, word] |= link_down[link, word]


@kernel
def attach_all(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, order: IntArray, quiet: bool
) -> None:
    """
    Load the LSPs in ``order``, whose paths are already written in the layer, and price every link.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers.
    order : int64[...]
        LSPs with at least a primary path.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.
    """
    for lsp in order:
        _settle(pool, lsps, layer, lsp)
        _attach(lsps, clock, layer, lsp)
    for link in range(layer.members.shape[0]):
        if layer.members[link] > 0:
            _fell(pool, lsps, clock, layer, work, link, np.inf)
            _confirm(pool, lsps, clock, layer, work, link, quiet)


@kernel
def route_all(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, order: IntArray, quiet: bool
) -> int:
    """
    Route LSPs one after another onto the layer as it stands.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers.
    order : int64[...]
        LSPs without paths, or with a primary that is written in the layer and loaded nowhere: this is kept
        if a backup for it is found.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.

    Returns
    -------
    int
        How many were left without paths.
    """
    missing = 0
    for lsp in order:
        found = _find_backup(pool, lsps, layer, work, lsp)
        if not found and lsps.a[lsp] != lsps.b[lsp]:
            found = _find(pool, lsps, layer, work, lsp)
        if not found:
            layer.hops[lsp, PRIMARY] = layer.hops[lsp, BACKUP] = -1
            missing += 1
            continue
        _attach(lsps, clock, layer, lsp)
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                _grew(pool, lsps, clock, layer, work, layer.path[lsp, side, position])
    for link in range(layer.members.shape[0]):
        _confirm(pool, lsps, clock, layer, work, link, quiet)
    return missing


@kernel
def _is_back(layer: Layer, work: Work, lsp: int, i: int) -> bool:
    """Whether the ``i``-th LSP of a move is on the paths that it had before."""
    hops, path, old_path = layer.hops, layer.path, work.old_path
    for side in range(2):
        if hops[lsp, side] != work.old_hops[i, side]:
            return False
        for position in range(hops[lsp, side]):
            if path[lsp, side, position] != old_path[i, side, position]:
                return False
    return True


@kernel
def _compare(lsps: Lsps, layer: Layer, work: Work, moved: IntArray, attached: int) -> bool:
    """Note the links that carry others than before a move, and what it took off them.

    The first ``attached`` LSPs are back, the others nowhere. Returns whether there is such a link.
    """
    other, lost_gbps, number, differs = work.other, work.lost_gbps, work.counters[0], False
    for slot in range(work.counters[1]):
        lost_gbps[work.touched[slot]] = 0.0
    for i in range(moved.shape[0]):
        lsp = moved[i]
        if i < attached and _is_back(layer, work, lsp, i):
            continue
        differs = True
        for side in range(2):
            for position in range(work.old_hops[i, side]):
                link = work.old_path[i, side, position]
                other[link] = number
                lost_gbps[link] += lsps.peak_gbps[lsp]
            if i < attached:
                for position in range(layer.hops[lsp, side]):
                    other[layer.path[lsp, side, position]] = number
    return differs


@kernel
def _reinstate(pool: Pool, layer: Layer, work: Work, slot: int) -> None:
    """Give a link its rows back; of its bounds, those that the move has not made smaller."""
    link = work.touched[slot]
    lost_gbps = work.lost_gbps[link]
    for direction in range(2):
        _copy(work.old_base[slot, direction], layer.base[link, direction])
        _copy(work.old_crest[slot, direction], layer.crest[link, direction])
    bound, old_bound = layer.bound[link], work.old_bound[slot]
    for state in range(bound.shape[0]):
        bound[state] = min(old_bound[state], bound[state] + lost_gbps)
    _copy_whole(work.old_active[slot], layer.active[link])
    _copy(work.old_spare[slot], layer.spare[link])
    layer.most_spare[link] = work.old_scalars[slot, 0]
    layer.required[link] = work.old_scalars[slot, 1]
    layer.room[link] = _room(pool.table, pool.units_per_gbps, link, layer.required[link])
    layer.total[0] += work.old_scalars[slot, 2] - layer.worth[link]
    layer.worth[link] = work.old_scalars[slot, 2]
    layer.witness[link] = int(work.old_scalars[slot, 3])
    layer.leading[link] = int(work.old_scalars[slot, 4])


@kernel
def _undo(
    pool: Pool, lsps: Lsps, layer: Layer, work: Work, moved: IntArray, done: int, attached: int
) -> None:
    """Restore the layer: ``done`` LSPs were taken out, ``attached`` of them are back elsewhere."""
    stride = layer.path.shape[2]
    _compare(lsps, layer, work, moved, attached)
    for i in range(attached):
        lsp = moved[i]
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                _unlink_entry(layer, layer.path[lsp, side, position], (lsp * 2 + side) * stride + position)
    for i in range(done):
        lsp = moved[i]
        for side in range(2):
            layer.hops[lsp, side] = work.old_hops[i, side]
            _copy_whole(work.old_path[i, side], layer.path[lsp, side])
        _settle(pool, lsps, layer, lsp)
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                _link_entry(layer, layer.path[lsp, side, position], (lsp * 2 + side) * stride + position)
    for slot in range(work.counters[1]):
        _reinstate(pool, layer, work, slot)


@kernel
def move(
    pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, moved: IntArray, slack: float, quiet: bool
) -> bool:
    """
    Take LSPs out, route them again in this order at exact marginal cost, and keep what is cheaper.

    Links in ``layer.banned`` are not used. Otherwise the layer is left exactly as it was.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers for at least ``len(moved)`` LSPs.
    moved : int64[...]
        Routed LSPs.
    slack : float
        Accept a result that is dearer by less than this; 0 to accept gains only.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.

    Returns
    -------
    bool
        Whether the layer changed.
    """
    work.counters[0] += 1
    work.counters[1] = 0
    work.counters[2] += 1
    before = layer.total[0]
    n = moved.shape[0]
    for i in range(n):
        lsp = moved[i]
        for side in range(2):
            work.old_hops[i, side] = layer.hops[lsp, side]
            _copy_whole(layer.path[lsp, side], work.old_path[i, side])
        _touch_paths(layer, work, lsp)
        for side in range(2):
            for position in range(layer.hops[lsp, side]):
                work.lost_gbps[layer.path[lsp, side, position]] += lsps.peak_gbps[lsp]
        _detach(lsps, clock, layer, lsp)
    for slot in range(work.counters[1]):
        link = work.touched[slot]
        _fell(pool, lsps, clock, layer, work, link, work.lost_gbps[link])
    most = before - _GAIN * abs(before) + slack
    attached, fine = 0, layer.total[0] < most
    while fine and attached < n:
        lsp = moved[attached]
        fine = _find(pool, lsps, layer, work, lsp)
        if fine:
            _touch_paths(layer, work, lsp)
            _attach(lsps, clock, layer, lsp)
            attached += 1
            for side in range(2):
                for position in range(layer.hops[lsp, side]):
                    _grew(pool, lsps, clock, layer, work, layer.path[lsp, side, position])
            fine = layer.total[0] < most
    if fine:
        fine = _compare(lsps, layer, work, moved, n)
    if fine:
        for slot in range(work.counters[1]):
            if work.other[work.touched[slot]] != work.counters[0]:
                _reinstate(pool, layer, work, slot)
        fine = layer.total[0] < most
    slot = 0
    while fine and slot < work.counters[1]:
        if work.other[work.touched[slot]] == work.counters[0]:
            _confirm(pool, lsps, clock, layer, work, work.touched[slot], quiet)
            fine = layer.total[0] < most
        slot += 1
    if fine:
        return True
    _undo(pool, lsps, layer, work, moved, n, attached)
    layer.total[0] = before
    return False


@kernel
def _on_link(layer: Layer, work: Work, link: int) -> int:
    """List the LSPs on a link, on either path, in ``work.changed``; how many."""
    changed, n, start = work.changed, 0, layer.start[link]
    per_lsp = 2 * layer.path.shape[2]
    for entry in layer.entries[start : start + layer.members[link]]:
        lsp = entry // per_lsp
        known = False
        for i in range(n):
            known |= changed[i] == lsp
        if not known:
            changed[n] = lsp
            n += 1
    return n


@kernel
def _excess(pool: Pool, layer: Layer, link: int) -> float:
    """How much a link must lose to become cheaper."""
    table, required = pool.table, layer.required[link]
    units = min(_units(pool.units_per_gbps, required), table.shape[1] - 1)
    lower = units
    while lower > 0 and table[link, lower] >= table[link, units]:
        lower -= 1
    return float(required - lower / pool.units_per_gbps)


@kernel
def ruin(pool: Pool, lsps: Lsps, layer: Layer, work: Work, most: int, random: np.random.Generator) -> int:
    """
    Choose LSPs to move together, in random order, in ``work.chosen``.

    Some or all of a link; as many of a link as should make it cheaper; LSPs that share links with one; any.

    Parameters
    ----------
    pool, lsps, layer, work
        The problem, its state, and buffers for at least ``most`` LSPs.
    most : int
        LSPs to choose, at most.
    random : numpy.random.Generator
        Source of every choice.

    Returns
    -------
    int
        How many were chosen.
    """
    n_lsps, changed, chosen = layer.hops.shape[0], work.changed, work.chosen
    kind, n, excess = random.random(), 0, np.inf
    if kind < 0.75 and pool.links.shape[0] > 0:
        link = -1
        if kind < 0.6:
            for _ in range(_DRAWS):
                drawn = pool.links[random.integers(0, pool.links.shape[0])]
                if layer.members[drawn] > 0:
                    link = drawn
                    break
        else:
            lsp = random.integers(0, n_lsps)
            side = PRIMARY if layer.hops[lsp, BACKUP] <= 0 else random.integers(0, 2)
            if layer.hops[lsp, side] > 0:
                link = layer.path[lsp, side, random.integers(0, layer.hops[lsp, side])]
        if link >= 0:
            n = _on_link(layer, work, link)
            if 0.3 <= kind < 0.6:
                excess = _excess(pool, layer, link)
    if n == 0:
        n = random.integers(1, min(most, n_lsps) + 1)
        for i in range(n):
            changed[i] = random.integers(0, n_lsps)
    count, taken = 0, 0.0
    for i in range(n):
        j = random.integers(i, n)
        changed[i], changed[j] = changed[j], changed[i]
        lsp, known = changed[i], False
        for k in range(count):
            known |= chosen[k] == lsp
        if layer.hops[lsp, PRIMARY] > 0 and not known:
            chosen[count] = lsp
            count += 1
            taken += lsps.size_gbps[lsp]
        if count == most or taken > excess:
            break
    return count


@kernel
def anneal(
    pool: Pool,
    lsps: Lsps,
    clock: Clock,
    layer: Layer,
    work: Work,
    random: np.random.Generator,
    steps: int,
    most: int,
    temperatures: tuple[float, float],
    quiet: bool,
) -> int:
    """
    Ruin and recreate with annealing (Schrimpf et al. 2000): move a few LSPs at a time.

    The Metropolis rule's threshold is drawn before a move, so that hopeless moves end early.

    Parameters
    ----------
    pool, lsps, clock, layer, work
        The problem, its state, and buffers for at least ``most`` LSPs.
    random : numpy.random.Generator
        Source of every choice.
    steps : int
        Moves to try.
    most : int
        LSPs moved together, at most.
    temperatures : tuple of float
        At the first and after the last step, in cost units.
    quiet : bool
        True if the failure ranks are nowhere above the normal ones.

    Returns
    -------
    int
        Moves that changed the layer.
    """
    accepted = 0
    for step in range(steps):
        temperature = temperatures[0] + (temperatures[1] - temperatures[0]) * step / steps
        n = ruin(pool, lsps, layer, work, most, random)
        slack = temperature * random.exponential(1.0)
        if n > 0 and move(pool, lsps, clock, layer, work, work.chosen[:n], slack, quiet):
            accepted += 1
    return accepted
