"""Cost of carrying a load on each candidate link, in tables kept from one set of prices to the next."""

from __future__ import annotations

import copy
import weakref

import numpy as np
from numpy.typing import NDArray

from netopt_heur.instance import F64, I64

SOLD_OUT = 1e3  # price of a unit beyond what a wave offer sells, over that of the dearest link


class LinkPrices:
    """Cost of carrying a load on each candidate link, from tables.

    Parameters
    ----------
    table
        float64[n_links, units + 1], cost to cover that many units.
    least
        float64[n_links], least cost per unit, over all numbers of units.
    unit_gbps
        Size of a unit.
    max_utilisation
        Share of the capacity that load may take.
    """

    def __init__(self, table: F64, least: F64, unit_gbps: float, max_utilisation: float) -> None:
        self.table = table
        self.units_per_gbps = 1.0 / (unit_gbps * max_utilisation)
        self.per_gbps = least * self.units_per_gbps  # price at the best fill

    def joined(self, other: LinkPrices) -> LinkPrices:
        """These prices, and after them those of further links."""
        prices = copy.copy(self)
        prices.table = np.concatenate((self.table, other.table))
        prices.per_gbps = np.concatenate((self.per_gbps, other.per_gbps))
        return prices


class PriceTables:
    """Tables for one set of prices after another, of which only rows are written that differ.

    A set of prices with one fiber closed leaves most links as they were.

    Parameters
    ----------
    n_links, max_units
        Links, and last entry of their tables.

    Attributes
    ----------
    table, least
        As for :class:`LinkPrices`, to be written to where :meth:`changed` says so.
    """

    def __init__(self, n_links: int, max_units: int) -> None:
        self.table: F64 = np.empty((n_links, max_units + 1))
        self.least: F64 = np.empty(n_links)
        self._worth: F64 | None = None
        self._last = np.zeros(n_links, dtype=np.int64)  # units that a link can carry
        self._most: F64 = np.zeros(n_links)  # what these cost
        self._steep = 0.0
        self._given = weakref.ref(self.table)

    def fits(self, max_units: int) -> bool:
        """Whether these tables have that length, and nobody reads them any more."""
        in_use = self._worth is not None and self._given() is not None
        return self.table.shape[1] == max_units + 1 and not in_use

    def changed(self, worth: F64) -> NDArray[np.bool_]:
        """Rows of module costs that are not those of the last call: their links' tables are out of date."""
        if self._worth is None:
            rows = np.ones(len(worth), dtype=np.bool_)
        else:
            rows = (worth != self._worth).any(axis=1)
        self._worth = None  # no row can be relied on until all are written
        return rows

    def give(self, links: I64, worth: F64) -> F64:
        """The table, to be read only, once the rows of these links are written: inf beyond what they carry.

        ``worth`` are all module costs, as for :meth:`changed`. Where an offer's units run out, costs go on
        at a price far above all others: among infinite costs no move would be a gain, and an overbooked
        offer would stay overbooked.
        """
        units = np.arange(self.table.shape[1])
        short = links[~np.isfinite(self.table[links, -1])]
        self._last[links] = units[-1]
        self._last[short] = np.isfinite(self.table[short]).sum(axis=1) - 1
        self._most[links] = self.table[links, self._last[links]]  # costs never fall along a row
        steep = SOLD_OUT * (1.0 + float(self._most.max(initial=0.0)))
        if steep != self._steep:
            short, self._steep = np.flatnonzero(self._last < units[-1]), steep
        short = short[self._last[short] > 0]
        last, most = self._last[short, None], self._most[short, None]
        self.table[short] = np.where(units > last, most + steep * (units - last), self.table[short])
        given, self._worth = self.table[:], worth
        self._given = weakref.ref(given)
        return given
