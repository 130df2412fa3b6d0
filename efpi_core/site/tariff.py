"""The tariff: what a kWh costs and earns, by time of day and day of week."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from efpi_core.plugin.site_facts import PriceBand
from efpi_core.site.model import SiteModel, wrong

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""A day of the week as a site writes it."""

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of the week as a site writes them, Monday first."""

_GROUPS: dict[str, tuple[Day, ...]] = {"daily": DAYS, "weekdays": DAYS[:5], "weekend": DAYS[5:]}


def _day_index(word: str) -> int:
    try:
        return DAYS.index(word.strip().lower())
    except ValueError:
        raise wrong(
            "not_a_day",
            "'{word}' is no day; write mon, tue, wed, thu, fri, sat or sun, a span as 'mon-fri', or weekdays, weekend",
            word=word[:40],
        ) from None


def _days_of(word: str) -> Iterable[str]:
    if word.strip().lower() in _GROUPS:
        return _GROUPS[word.strip().lower()]
    first, dash, last = word.partition("-")
    begin = _day_index(first)
    length = (_day_index(last) - begin) % 7 if dash else 0
    return tuple(DAYS[(begin + step) % 7] for step in range(length + 1))


def _read_days(value: object) -> object:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        return value
    named = {day for word in words for day in _days_of(word)}
    return tuple(day for day in DAYS if day in named)


Days = Annotated[
    tuple[Day, ...],
    BeforeValidator(_read_days, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]
"""Days of the week, written as `mon-fri`, `sat,sun`, `weekend`, or a list."""

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""A local time, as `07:00`."""

Price = Annotated[Decimal, Field(ge=-1000, le=1000, max_digits=12, decimal_places=8)]
"""An amount of the site's currency."""


def minutes(time_of_day: str) -> int:
    """Minutes after midnight of a time as a site writes it."""
    hours, _, rest = time_of_day.partition(":")
    return int(hours) * 60 + int(rest)


class TariffBand(SiteModel):
    """Prices that hold at some hours of some days."""

    import_per_kwh: Price = Field(
        title="Price", description="What a kWh from the grid costs, taxes included.", examples=["0.28"]
    )
    export_per_kwh: Price = Field(
        Decimal(0), title="Feed-in", description="What a kWh given to the grid earns.", examples=["0.07"]
    )
    begin: TimeOfDay = Field(
        "00:00", alias="from", title="From", description="Local time at which the band begins.", examples=["07:00"]
    )
    end: TimeOfDay = Field(
        "24:00",
        alias="to",
        title="To",
        description="Local time at which the band ends; at or before its begin, it runs over midnight.",
        examples=["23:00"],
    )
    days: Days = Field(
        DAYS,
        title="Days",
        description="Days on which the band begins: mon-fri, weekend, a list; every day if left out.",
        examples=["mon-fri"],
    )

    def price_band(self) -> PriceBand:
        """The band as plugins are told it."""
        return PriceBand(
            import_per_kwh=self.import_per_kwh,
            export_per_kwh=self.export_per_kwh,
            start=minutes(self.begin) % 1440,
            end=minutes(self.end),
            weekdays=tuple(DAYS.index(day) for day in self.days),
        )
