"""Arrays for moves on a layer, handed from one groomer to the next.

They hold a row of loads per candidate link, most of which no layer uses. To clear the rows that were in use
takes a fraction of what it takes to make all of them anew.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netopt_kernels.grooming_state import Layer, Work, pack

NOTHING_IS_MINUS_ONE = ("hops", "path", "room")  # all other arrays say so by zeros
BY_LINK = ("base", "crest", "bound", "active", "spare")  # rows of zeros for links without LSPs
COUNTED = ("mark", "other", "lost_gbps", "counters", "asked", "states", "components")
NEVER_READ_UNWRITTEN = ("entries", "place")
MOST_KEPT_BYTES = 500_000_000  # of a free desk; new arrays take no memory until they are written to


@dataclass(frozen=True)
class Desk:
    """A layer and the buffers of its moves, and both as the kernels take them."""

    layer: Layer
    work: Work
    packed_layer: Layer
    packed_work: Work

    @classmethod
    def of(cls, layer: Layer, work: Work) -> Desk:
        """Make a desk of new arrays."""
        return cls(layer, work, pack(layer), pack(work))

    @property
    def n_bytes(self) -> int:
        """Size of the layer's arrays."""
        return sum(array.nbytes for array in self.layer)

    def clear(self) -> None:
        """Take all LSPs off, as if the arrays were new."""
        used = np.flatnonzero(self.layer.members)
        for name, array in zip(self.layer._fields, self.layer, strict=True):
            if name in BY_LINK:
                array[used] = 0
            elif name not in NEVER_READ_UNWRITTEN:
                array.fill(-1 if name in NOTHING_IS_MINUS_ONE else 0)
        for name in COUNTED:
            getattr(self.work, name).fill(0)


class Desks:
    """Desks that are free, by the sizes of what they hold; the largest are not kept.

    Examples
    --------
    >>> desks = Desks()
    >>> desk = desks.lend(groomer, (10, 20), make)  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._free: defaultdict[tuple[int, ...], list[Desk]] = defaultdict(list)

    def lend(self, borrower: object, sizes: tuple[int, ...], make: Callable[[], Desk]) -> Desk:
        """A clear desk until the borrower is gone; ``make`` makes one if none of these ``sizes`` is free."""
        free = self._free[sizes]
        if free:
            desk = free.pop()
            desk.clear()
        else:
            desk = make()
        if desk.n_bytes <= MOST_KEPT_BYTES:
            weakref.finalize(borrower, free.append, desk)
        return desk
