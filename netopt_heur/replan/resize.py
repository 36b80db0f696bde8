"""Links and circuit legs made to fit what they carry, by buying or giving up single channels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from netopt_heur.candidates import LinkPool
from netopt_heur.cost import ip_worth, optical_worth
from netopt_heur.design import Channel, DesignLeg, DesignLink, leg_rates
from netopt_heur.evaluator import RELATIVE, waves_carried
from netopt_heur.instance import F64, CircuitDemand, Instance
from netopt_heur.route_modes import RouteTable
from netopt_kernels.modules import waves_modules


def link_capacity_gbps(instance: Instance, link: DesignLink) -> float:
    """Installed capacity of a link."""
    return sum(leg_rates(instance, link.legs[0]))


def link_worth(instance: Instance, link: DesignLink) -> float:
    """Transponders, regenerators, wave units and ports of a link, at what they cost without the others."""
    return optical_worth(instance, link.legs) + ip_worth(instance, [link])


def resized_link(
    pool: LinkPool, key: int, link: DesignLink, required_gbps: float, slot_price: F64, units_left: int
) -> DesignLink | None:
    """The link with more channels, without wavelengths yet, or with fewer; None if it cannot grow enough.

    Parameters
    ----------
    pool, key
        Candidates, and the link's key among them.
    link
        As it is.
    required_gbps
        Largest percentile of its load.
    slot_price
        float64[n_fibers], cost units per slot.
    units_left
        Of its wave offer, if it is on one.
    """
    instance = pool.instance
    share = instance.scenario.policy.max_utilisation
    capacity_gbps = link_capacity_gbps(instance, link)
    if required_gbps <= share * capacity_gbps * (1.0 + RELATIVE):
        return _shrunk(instance, link, capacity_gbps - required_gbps / share)
    candidate = pool.links[key]
    if candidate.route is None and candidate.offer < 0:
        return None
    more = pool.install(key, required_gbps - share * capacity_gbps, slot_price, units_left)
    if more is None:
        return None
    legs = []
    for leg in link.legs:
        other = next(x for x in more.legs if (x.fibers, x.offer) == (leg.fibers, leg.offer))
        legs.append(
            replace(leg, channels=leg.channels + other.channels, units=tuple(sorted(leg.units + other.units)))
        )
    return replace(link, legs=tuple(legs))


def _shrunk(instance: Instance, link: DesignLink, spare_gbps: float) -> DesignLink:
    """The link without channels that its spare capacity can do without, dearest first; one stays."""
    legs = list(link.legs)
    while len(leg_rates(instance, legs[0])) > 1:
        rates = {rate for rate in leg_rates(instance, legs[0]) if rate <= spare_gbps * (1.0 + RELATIVE)}
        options = [[_without_rate(instance, leg, rate) for leg in legs] for rate in sorted(rates)]
        options = [option for option in options if all(leg is not None for leg in option)]
        if not options:
            break
        now = link_worth(instance, replace(link, legs=tuple(legs)))
        best = min(
            (
                (link_worth(instance, replace(link, legs=tuple(x for x in option if x is not None))), i)
                for i, option in enumerate(options)
            ),
        )
        if best[0] > now:
            break
        before = sum(leg_rates(instance, legs[0]))
        legs = [leg for leg in options[best[1]] if leg is not None]
        spare_gbps -= before - sum(leg_rates(instance, legs[0]))
    return replace(link, legs=tuple(legs))


def _without_rate(instance: Instance, leg: DesignLeg, rate_gbps: float) -> DesignLeg | None:
    """The leg without its dearest channel (on the highest pair) or unit of one rate; None if it has none."""
    if leg.offer >= 0:
        offer = instance.offers[leg.offer]
        units = [
            (offer.unit_worth[u], i) for i, u in enumerate(leg.units) if offer.rates_gbps[u] == rate_gbps
        ]
        if not units:
            return None
        drop = max(units)[1]
        return replace(leg, units=leg.units[:drop] + leg.units[drop + 1 :])
    channels = [
        (_channel_worth(instance, channel), max((max(p) for p in channel.pairs), default=0), i)
        for i, channel in enumerate(leg.channels)
        if float(instance.modes.rate_gbps[channel.mode]) == rate_gbps
    ]
    if not channels:
        return None
    drop = max(channels)[2]
    return replace(leg, channels=leg.channels[:drop] + leg.channels[drop + 1 :])


def _channel_worth(instance: Instance, channel: Channel) -> float:
    modes = instance.modes
    regenerators = len(channel.regens) * float(modes.regenerator_worth[channel.mode])
    return 2.0 * float(modes.worth[channel.mode]) + regenerators


def resized_leg(
    instance: Instance,
    routes: RouteTable,
    demand: CircuitDemand,
    leg: DesignLeg,
    max_latency_ms: float | None,
    slot_price: F64,
    units_left: int,
) -> DesignLeg | None:
    """A circuit's leg with channels for all its waves and no more than needed; None if it cannot grow."""
    rates = leg_rates(instance, leg)
    missing = demand.waves - sum(waves_carried(rate, demand.wave_gbps) for rate in rates)
    if missing <= 0:
        return _thinned(instance, demand, leg, -missing)
    if leg.offer >= 0:
        return _with_units(instance, demand, leg, missing, units_left)
    route, modes = routes.modes(leg.sites[0], leg.fibers), instance.modes
    bound_ms = math.inf if max_latency_ms is None else max_latency_ms
    usable = (modes.rate_gbps >= demand.wave_gbps) & (route.latency_ms <= bound_ms)
    worth = route.worth + float(slot_price[list(leg.fibers)].sum()) * modes.slots
    counts, total = waves_modules(
        missing, demand.wave_gbps, modes.rate_gbps, np.where(usable, worth, math.inf)
    )
    if not math.isfinite(total):
        return None
    more = tuple(Channel(m, route.regens[m]) for m in range(len(counts)) for _ in range(counts[m]))
    return replace(leg, channels=leg.channels + more)


def _with_units(
    instance: Instance, demand: CircuitDemand, leg: DesignLeg, missing: int, units_left: int
) -> DesignLeg | None:
    offer = instance.offers[leg.offer]
    options = []
    for unit, rate in enumerate(offer.rates_gbps):
        if rate >= demand.wave_gbps:
            count = math.ceil(missing / waves_carried(rate, demand.wave_gbps))
            if count <= units_left:
                options.append((count * offer.unit_worth[unit], count, unit))
    if not options:
        return None
    _, count, unit = min(options)
    return replace(leg, units=tuple(sorted(leg.units + (unit,) * count)))


def _thinned(instance: Instance, demand: CircuitDemand, leg: DesignLeg, spare: int) -> DesignLeg:
    """The leg without channels that carry no more than ``spare`` waves in all, largest first."""
    while spare > 0:
        rates = [r for r in leg_rates(instance, leg) if 0 < waves_carried(r, demand.wave_gbps) <= spare]
        if not rates or len(leg_rates(instance, leg)) == 1:
            return leg
        rate = max(rates)
        smaller = _without_rate(instance, leg, rate)
        if smaller is None:
            return leg
        leg, spare = smaller, spare - waves_carried(rate, demand.wave_gbps)
    return leg
