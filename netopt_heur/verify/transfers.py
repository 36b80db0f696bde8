"""Daily volumes inside their windows: rule R11."""

from __future__ import annotations

from netopt_heur.scenario.scenario import Transfer
from netopt_heur.verify.network import Network
from netopt_heur.verify.verdict import Log

GB_PER_GBPS_HOUR = 450.0
VOLUME_TOLERANCE = 1e-9
HOURS_PER_DAY = 24
CLOCK_TOLERANCE_H = 1e-9


def usable_hours(transfer: Transfer, utc_offset: float) -> list[bool]:
    """Whether each UTC hour ``[h, h+1)`` lies in the window, in local time; it may run past midnight."""
    length = transfer.window_end - transfer.window_start
    if length <= 0.0:
        length += HOURS_PER_DAY
    usable: list[bool] = []
    for hour in range(HOURS_PER_DAY):
        since_start = (hour + utc_offset - transfer.window_start) % HOURS_PER_DAY
        if HOURS_PER_DAY - since_start < CLOCK_TOLERANCE_H:
            since_start = 0.0
        # Even a window of a whole day has a deadline: an hour across it lies in no single window.
        usable.append(since_start + 1.0 <= length + CLOCK_TOLERANCE_H)
    return usable


def check_volume(
    net: Network, transfer: Transfer, target: str, rates_gbps: tuple[float, ...] | None, where: str, log: Log
) -> None:
    """R11 of one flow of a transfer."""
    if rates_gbps is None:
        log.add("R11", where, transfer.volume_gb, "the transfer has no rates")
        return
    usable = usable_hours(transfer, net.sites[target].utc_offset)
    negative = sum(-rate for rate in rates_gbps if rate < 0.0)
    if negative > 0.0:
        log.add("R11", where, negative * GB_PER_GBPS_HOUR, "negative rates")
    outside = [hour for hour in range(HOURS_PER_DAY) if rates_gbps[hour] != 0.0 and not usable[hour]]
    if outside:
        amount = sum(abs(rates_gbps[hour]) for hour in outside) * GB_PER_GBPS_HOUR
        log.add("R11", where, amount, f"rates outside the window, in UTC hours {outside}")
    delivered = sum(rate for rate, ok in zip(rates_gbps, usable, strict=True) if ok) * GB_PER_GBPS_HOUR
    if delivered < transfer.volume_gb * (1.0 - VOLUME_TOLERANCE):
        message = f"delivers {delivered:g} of {transfer.volume_gb:g} GB"
        log.add("R11", where, transfer.volume_gb - delivered, message)
