"""The price of each quarter hour, kept as it was then, and what energy cost by it."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from efpi_core.history.facts import HistoryFacts
from efpi_core.history.micro import MILLION
from efpi_core.history.rollup import QUARTER_S
from efpi_core.plugin.prices import J_PER_KWH, PriceClock

CENT_MILLIONTH = Decimal("0.000001")
"""Costs of a quarter hour are rounded to this, and sums are exact from there on."""

_HIGHEST = Decimal(10**9)
"""A kept price beyond is none."""

_MINUTES = QUARTER_S // 60


@dataclass(frozen=True, slots=True)
class QuarterPrice:
    """What a kWh from the grid cost and what one given to it earned, in one quarter hour."""

    import_per_kwh: Decimal
    export_per_kwh: Decimal
    currency: str

    def cost(self, imported: int, exported: int) -> Decimal:
        """What energy cost, less what it earned; both in millionths of J."""
        due = self.import_per_kwh * imported - self.export_per_kwh * exported
        return (due / (J_PER_KWH * MILLION)).quantize(CENT_MILLIONTH, ROUND_HALF_EVEN)


class PriceBook:
    """Knows the tariff in force, and keeps the price of a quarter hour when the first energy in it is kept."""

    def __init__(self, facts: HistoryFacts) -> None:
        self._clock = PriceClock(facts.prices, facts.time_zone)
        self._currency = facts.currency

    def keep(self, connection: sqlite3.Connection, quarters: Iterable[int]) -> None:
        """Keep the prices of quarter hours; those that are kept already stay."""
        if not self._clock.known:
            return
        for quarter in quarters:
            price = self.price(quarter)
            if price is not None:
                connection.execute(
                    "INSERT OR IGNORE INTO price (start, import, export, currency) VALUES (?, ?, ?, ?)",
                    (quarter, str(price.import_per_kwh), str(price.export_per_kwh), price.currency),
                )

    def price(self, quarter: int) -> QuarterPrice | None:
        """By the tariff in force: the mean of its minutes; None when no band holds in any of them."""
        begin = datetime.fromtimestamp(quarter, UTC)
        bands = [self._clock.band_at(begin + timedelta(minutes=minute)) for minute in range(_MINUTES)]
        if bands.count(bands[0]) == len(bands):
            band = bands[0]
            return None if band is None else QuarterPrice(band.import_per_kwh, band.export_per_kwh, self._currency)
        held = [band for band in bands if band is not None]
        return QuarterPrice(
            sum((band.import_per_kwh for band in held), Decimal(0)) / _MINUTES,
            sum((band.export_per_kwh for band in held), Decimal(0)) / _MINUTES,
            self._currency,
        )


def prices(connection: sqlite3.Connection, since: int, until: int) -> dict[int, QuarterPrice]:
    """The kept prices of the quarter hours that begin in [since, until)."""
    rows = connection.execute(
        "SELECT start, import, export, currency FROM price WHERE start >= ? AND start < ?", (since, until)
    )
    found = {}
    for start, dear, fed, currency in rows:
        with suppress(InvalidOperation):  # a price that is none
            price = QuarterPrice(Decimal(dear), Decimal(fed), currency)
            if abs(price.import_per_kwh) < _HIGHEST and abs(price.export_per_kwh) < _HIGHEST:
                found[start] = price
    return found
