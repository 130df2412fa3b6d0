"""The price of energy at an instant, from the bands of the tariff, in the wall clock of the site."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from efpi_core.plugin.site_facts import PriceBand, SiteFacts

J_PER_KWH = Decimal(3_600_000)


class PriceClock:
    """Looks up which price band holds when. Bands begin and end on minutes of the local day."""

    def __init__(self, bands: Sequence[PriceBand], time_zone: str) -> None:
        self._bands = tuple(bands)
        self._zone = ZoneInfo(time_zone)
        self._read_on = 0
        coarse = all(mark % 15 == 0 for band in self._bands for mark in (band.start, band.end))
        self._step_min = 15 if coarse else 1
        self._cached: tuple[datetime, PriceBand | None] | None = None

    @classmethod
    def of(cls, site: SiteFacts) -> "PriceClock":
        """The prices of a site."""
        return cls(site.prices, site.time_zone)

    @property
    def known(self) -> bool:
        """Whether there are prices at all."""
        return bool(self._bands)

    def band_at(self, at: datetime) -> PriceBand | None:
        """The band that holds at an instant; None when none does."""
        minute = at.replace(second=0, microsecond=0)
        if self._cached is not None and self._cached[0] == minute:
            return self._cached[1]
        if (day := minute.toordinal()) > self._read_on:  # the laws of a zone may have changed
            self._zone, self._read_on = ZoneInfo.no_cache(self._zone.key), day
        local = minute.astimezone(self._zone)
        band = self._find(local.weekday(), local.hour * 60 + local.minute)
        self._cached = (minute, band)
        return band

    def _find(self, weekday: int, minute: int) -> PriceBand | None:
        for band in self._bands:
            if band.start < band.end:
                if weekday in band.weekdays and band.start <= minute < band.end:
                    return band
            elif (weekday in band.weekdays and minute >= band.start) or (
                (weekday - 1) % 7 in band.weekdays and minute < band.end
            ):
                return band
        return None

    def cost(self, start: datetime, end: datetime, power_w: float) -> Decimal:
        """What a constant power at the grid costs over [start, end): positive is paid, negative earned."""
        total = Decimal(0)
        while start < end:
            until = min(end, self._next_mark(start))
            band = self.band_at(start)
            if band is not None:
                price = band.import_per_kwh if power_w > 0 else band.export_per_kwh
                joules = Decimal(power_w) * Decimal((until - start) / timedelta(seconds=1))
                total += price * joules / J_PER_KWH
            start = until
        return total

    def _next_mark(self, at: datetime) -> datetime:
        """The next minute at which a band may begin; zones differ from UTC by whole quarter hours."""
        floor = at.replace(minute=at.minute // self._step_min * self._step_min, second=0, microsecond=0)
        return floor + timedelta(minutes=self._step_min)
