"""What links of an IP layer carry and cost: loads put on and taken off, bounds kept, states summed."""

import numpy as np

from ._arrays import FloatArray, IntArray
from ._jit import lean
from ._percentiles import _kth_smallest
from ._rows import _copy
from .grooming_state import (
    _LEAST_ROOM,
    BACKUP,
    LESS,
    NEXT,
    PRIMARY,
    RISE,
    SAME,
    Clock,
    Layer,
    Lsps,
    Pool,
    Work,
)

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_GRACE = 1e-9  # units of capacity that rounding may exceed
_LIKELY = 0.9  # share of its load that a link likely keeps when LSPs leave it
_VAGUE = 0.5  # share of a link's room to which its load may be unknown


@lean
def _bits(count: int) -> int:
    """How many bits tell ``count`` things apart."""
    bits = 0
    while 1 << bits < count:
        bits += 1
    return bits


@lean
def _units(units_per_gbps: float, load_gbps: float) -> int:
    """Whole units of capacity that a load needs."""
    return int(np.ceil(load_gbps * units_per_gbps - _GRACE))


@lean
def _write_step(table: FloatArray, link: int, units: int, step: FloatArray) -> float:
    """Write what `Layer.step` says of a link of so many units; return its cost."""
    last = table.shape[1] - 1
    if units > last:
        step[link, LESS], step[link, SAME], step[link, NEXT], step[link, RISE] = units - 1, units, units, 0.0
        return float(table[link, last] * units / last)
    costs = table[link]
    less, same, cost = units - 1, units, costs[units]
    while less >= 0 and costs[less] >= cost:
        less -= 1
    while same < last and costs[same + 1] <= cost:
        same += 1
    step[link, LESS], step[link, SAME], step[link, NEXT], step[link, RISE] = less, same, same, 0.0
    if same < last:
        dearer = same + 1
        step[link, RISE] = costs[dearer] - cost
        while dearer < last and costs[dearer + 1] <= costs[same + 1]:
            dearer += 1
        step[link, NEXT] = dearer
    return float(cost)


@lean
def _room(layer: Layer, units_per_gbps: float, link: int) -> float:
    """Load that fits at no cost beside what a link carries; -1 if it is empty: even no load needs a unit."""
    if layer.members[link] == 0:
        return -1.0
    return float((layer.step[link, SAME] + _GRACE) / units_per_gbps - layer.required[link])


@lean
def _crests(loads: FloatArray, group_start: IntArray, crest: FloatArray) -> float:
    """Write the largest load of each direction and group of samples; return the largest of all.

    Comparisons: `max` of floats, which minds what is no number, takes three times as long.
    """
    most = 0.0
    for direction in range(2):
        row = loads[direction]
        for group in range(crest.shape[1]):
            # unsigned: numba does not ask whether such an index counts from the end
            s, end, highest = np.uint64(group_start[group]), np.uint64(group_start[group + 1]), 0.0
            while s < end:
                highest = row[s] if row[s] > highest else highest
                s += _ONE
            crest[direction, group] = highest
            most = highest if highest > most else most
    return most


@lean
def _highest(crest: FloatArray) -> float:
    """Largest entry of float64[2, G]."""
    highest = 0.0
    for direction in range(2):
        for group in range(crest.shape[1]):
            highest = crest[direction, group] if crest[direction, group] > highest else highest
    return highest


@lean
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
    _copy(layer.active[link], work.old_active[slot])
    _copy(layer.spare[link], work.old_spare[slot])
    _copy(layer.step[link], work.old_step[slot])
    work.old_scalars[slot, 0] = layer.most_spare[link]
    work.old_scalars[slot, 1] = layer.required[link]
    work.old_scalars[slot, 2] = layer.worth[link]
    work.old_scalars[slot, 3] = layer.witness[link]
    work.old_scalars[slot, 4] = layer.leading[link]


@lean
def _gather_room(layer: Layer) -> None:
    """Move the links' entries together; what empty links had is free again."""
    entries, place, start, room_for = layer.entries, layer.place, layer.start, layer.room_for
    members, path, bits = layer.members, layer.path, _bits(layer.path.shape[2])
    for link in range(start.shape[0]):
        room_for[link] = members[link]
    slot, end = 0, 0
    while slot < layer.end[0]:
        entry = entries[slot]
        link = path[entry >> (bits + 1), (entry >> bits) & 1, entry & ((1 << bits) - 1)] if entry >= 0 else -1
        if link < 0 or members[link] == 0 or start[link] != slot:  # what has left
            slot += 1
            continue
        for i in range(members[link]):
            entry = entries[slot + i]
            entries[end + i], place[entry] = entry, end + i
        start[link] = end
        end += members[link]
        slot += members[link]
    layer.end[0] = end


@lean
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


@lean
def _link_entry(layer: Layer, link: int, entry: int) -> None:
    if layer.members[link] == layer.room_for[link]:
        _make_room(layer, link)
    slot = layer.start[link] + layer.members[link]
    layer.entries[slot], layer.place[entry] = entry, slot
    layer.members[link] += 1


@lean
def _unlink_entry(layer: Layer, link: int, entry: int) -> None:
    """The link's last entry takes the place of the one that leaves."""
    layer.members[link] -= 1
    slot, last = layer.place[entry], layer.entries[layer.start[link] + layer.members[link]]
    layer.entries[slot], layer.place[last] = last, slot


@lean
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


@lean
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


@lean
def _load_path(lsps: Lsps, clock: Clock, layer: Layer, lsp: int, side: int, sign: int) -> None:
    """Put one path's traffic on its links (sign 1) or take it off (-1); the lists are the caller's."""
    for position in range(layer.hops[lsp, side]):
        link = layer.path[lsp, side, position]
        if side == PRIMARY:
            flipped = int(layer.backward[lsp, side, position])
            _load_primary(lsps, clock, layer, link, lsp, flipped, sign)
        else:
            _load_backup(lsps, clock, layer, link, lsp, sign)


@lean
def _attach(lsps: Lsps, clock: Clock, layer: Layer, lsp: int) -> None:
    """Load both paths of an LSP, as they stand in the layer, onto their links."""
    stride = layer.path.shape[2]
    for side in range(2):
        for position in range(layer.hops[lsp, side]):
            _link_entry(layer, layer.path[lsp, side, position], (lsp * 2 + side) * stride + position)
        _load_path(lsps, clock, layer, lsp, side, 1)


@lean
def _touch_paths(layer: Layer, work: Work, lsp: int) -> None:
    """Note every link on an LSP's paths in the journal."""
    for side in range(2):
        for position in range(layer.hops[lsp, side]):
            _touch(layer, work, layer.path[lsp, side, position])


@lean
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


@lean
def _changes(layer: Layer, work: Work, link: int, state: int) -> tuple[int, int]:
    """List who is on a link in a failure state and not without failures, and who is not any more.

    ``work.changed`` names the former from its start to the first number returned, the latter from the second
    number to its end.
    """
    down, changed, changed_back = layer.down, work.changed, work.changed_back
    backward, entries, bits = layer.backward, layer.entries, np.uint64(_bits(layer.path.shape[2]))
    word, shift, positions = np.uint64(state // 64), np.uint64(state % 64), (_ONE << bits) - _ONE
    added, last, start = 0, changed.shape[0], layer.start[link]
    for slot in range(np.uint64(start), np.uint64(start + layer.members[link])):
        # a division would take longer than all the rest
        entry = np.uint64(entries[slot])
        lsp, side = entry >> (bits + _ONE), (entry >> bits) & _ONE
        if (down[lsp, _ZERO, word] >> shift) & _ONE != _ZERO:
            if side == PRIMARY:
                last -= 1
                changed[last], changed_back[last] = lsp, backward[lsp, side, entry & positions]
            elif (down[lsp, _ONE, word] >> shift) & _ONE == _ZERO:
                changed[added], changed_back[added] = lsp, backward[lsp, side, entry & positions]
                added += 1
    return added, last


@lean
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
        for direction in range(2):
            source = crests[changed[i], direction ^ int(changed_back[i])]
            for group in range(source.shape[0]):
                crest[direction, group] += source[group]
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
                    highest = value if value > highest else highest
                    n_above += 1
            beyond = (
                group_start[group + 1] - group_start[group] - rank[group]
            )  # loads that may be higher than the statistic
            if n_above > beyond:
                bound = highest if beyond == 0 else _kth_smallest(select, n_above, n_above - beyond)
            floor = max(floor, bound)
    layer.bound[link, state] = bound
    return floor


@lean
def _set_load(pool: Pool, layer: Layer, link: int, required: float) -> None:
    """Write what a link must carry, and what follows from it."""
    step, least = layer.step, int(layer.members[link] > 0)
    units = max(least, _units(pool.units_per_gbps, required))
    layer.required[link] = required
    if not step[link, LESS] < units <= step[link, SAME]:
        worth = _write_step(pool.table, link, units, step)
        layer.total[0] += worth - layer.worth[link]
        layer.worth[link] = worth
    layer.room[link] = _room(layer, pool.units_per_gbps, link)


@lean
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
        if least > 0.0 and _units(pool.units_per_gbps, least) > layer.step[link, LESS]:
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


@lean
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
    if required > known or layer.room[link] < 0.0:
        _set_load(pool, layer, link, required)


@lean
def _confirm(pool: Pool, lsps: Lsps, clock: Clock, layer: Layer, work: Work, link: int, quiet: bool) -> None:
    """Complete a look: all states; the cost exactly, the load to a share of the room left.

    ``quiet``: states without active backups are dominated by the load without failures.
    """
    if layer.members[link] == 0:
        return
    bound, active, required = layer.bound, layer.active, layer.required[link]
    layer.room[link] = _room(layer, pool.units_per_gbps, link)
    quietly = 0.0 if quiet else _highest(layer.crest[link])
    vague = required + _VAGUE * max(0.0, layer.room[link])
    for state in range(clock.n_states):
        highest = bound[link, state] if state == 0 or active[link, state] > 0 else quietly
        if highest > vague:
            needed = _value_above(lsps, clock, layer, work, link, state, vague)
            if needed > vague:
                _set_load(pool, layer, link, needed)
                layer.witness[link] = state
                vague = needed + _VAGUE * max(0.0, layer.room[link])
