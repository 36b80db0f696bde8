"""Catalogue files to the resolved :class:`~netopt_heur.scenario.scenario.Catalogue`."""

from __future__ import annotations

from netopt_heur.scenario.scenario import Catalogue, Chassis, Mode, Port, Price
from netopt_heur.scenario.schema_network import CatalogueFile, PriceItem

__all__ = ["build_catalogue", "price_of"]


def price_of(price: float | PriceItem) -> Price:
    """Price of an item; a bare number is capex.

    Examples
    --------
    >>> price_of(5.0)
    Price(capex=5.0, opex=0.0, power_w=0.0)
    """
    if isinstance(price, PriceItem):
        return Price(price.capex, price.opex, price.power_w)
    return Price(float(price))


def build_catalogue(file: CatalogueFile) -> Catalogue:
    """Resolve the defaults of a catalogue and sort it."""
    modes = [
        Mode(
            id=name,
            rate_gbps=item.rate_gbps,
            reach_km=item.reach_km,
            slots=item.slots,
            price=price_of(item.price),
            regenerator=_back_to_back(item.price) if item.regenerator is None else price_of(item.regenerator),
        )
        for name, item in sorted(file.modes.items())
    ]
    ports = [Port(item.rate_gbps, price_of(item.price)) for item in file.ports]
    chassis = [Chassis(item.capacity_gbps, price_of(item.price)) for item in file.chassis]
    return Catalogue(
        modes=tuple(modes),
        ports=tuple(sorted(ports, key=lambda port: (port.rate_gbps, _key(port.price)))),
        chassis=tuple(sorted(chassis, key=lambda item: (item.capacity_gbps, _key(item.price)))),
        pair_terminal=price_of(file.pair_terminal),
        inline_amplifier=price_of(file.inline_amplifier),
        span_km=file.span_km,
        power_cost_per_w_year=file.power_cost_per_w_year,
    )


def _back_to_back(price: float | PriceItem) -> Price:
    """Two transponders, back to back: the default regenerator."""
    one = price_of(price)
    return Price(2 * one.capex, 2 * one.opex, 2 * one.power_w)


def _key(price: Price) -> tuple[float, float, float]:
    return price.capex, price.opex, price.power_w
