"""Answers about the past as the outside sees them, from what a reader finds."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from efpi_core.errors import RefusedError
from efpi_core.history.channels import Channel
from efpi_core.history.micro import DIGITS, MILLION, from_micro
from efpi_core.history.reader import Cost, HistoryReader
from efpi_core.history.rollup import QUARTER_S, Rollup
from efpi_core.history.series import QUALITIES
from efpi_core.history_views import Cell, HistoryChannelView, HistoryCostView, HistoryView, Resolution

MOST_VALUES = 200_000
"""Raw values in one answer, or quarter hours."""

_MICRO = Decimal(1).scaleb(-DIGITS)

_LARGEST = 10**28
"""Below, the product is exact whatever the context."""

_MICRO_KWH = 3_600_000 * MILLION

_EPOCH = datetime.fromtimestamp(0, UTC)

_RAW_UP_TO = timedelta(hours=6)
_QUARTERS_UP_TO = timedelta(days=40)


def channel_views(reader: HistoryReader) -> tuple[HistoryChannelView, ...]:
    """All channels, by name."""
    return tuple(
        HistoryChannelView(
            found.channel.name, found.channel.unit, found.channel.kind, instant(found.oldest), instant(found.newest)
        )
        for found in reader.channels()
    )


def require_channel(reader: HistoryReader, name: str) -> Channel:
    """The channel of a name. Raises RefusedError when there is none."""
    channel = reader.channel(name)
    if channel is None:
        raise RefusedError(f"the history has no channel '{name[:100]}'", "`efpi history` lists them")
    return channel


def values_view(
    reader: HistoryReader,
    name: str,
    since: datetime,
    until: datetime,
    resolution: Resolution,
    most: int = MOST_VALUES,
) -> HistoryView:
    """Values of one channel in [since, until). Raises RefusedError for what is not there or too much."""
    channel = require_channel(reader, name)
    _refuse_backwards(since, until)
    chosen = chosen_resolution(resolution, since, until)
    if chosen is Resolution.RAW:
        columns = _raw(reader, channel, since, until, most)
    elif chosen is Resolution.QUARTER:
        _refuse_many((until - since) / timedelta(seconds=QUARTER_S), most)
        quarters = reader.quarters(channel, quarter_from(since), quarter_from(until))
        columns = _columns(channel, [instant(start * 1000) for start in quarters], quarters.values())
    else:
        first, last = day_span(reader, since, until)
        days = reader.days(channel, first, last)
        columns = _columns(channel, [day_begin(reader, day) for day in days], days.values())
    zone = reader.days_here.time_zone
    return HistoryView(channel.name, channel.unit, channel.kind, chosen, zone, since, until, columns)


def costs_view(
    reader: HistoryReader, since: datetime, until: datetime, resolution: Resolution, most: int = MOST_VALUES
) -> HistoryCostView:
    """What energy at the grid meter cost in [since, until), by quarter hours or days."""
    _refuse_backwards(since, until)
    chosen = chosen_resolution(resolution, since, until)
    if chosen is not Resolution.DAY:
        chosen = Resolution.QUARTER
    _refuse_many((until - since) / timedelta(seconds=QUARTER_S), most)
    begins: list[Cell]
    costs: list[Cost]
    if chosen is Resolution.QUARTER:
        quarters = reader.costs(quarter_from(since), quarter_from(until))
        begins, costs = [instant(start * 1000) for start in quarters], list(quarters.values())
    else:
        days = reader.daily_costs(*day_span(reader, since, until))
        begins, costs = [day_begin(reader, day) for day in days], list(days.values())
    columns: dict[str, list[Cell]] = {
        "at": begins,
        "imported": [exact(cost.imported) for cost in costs],
        "exported": [exact(cost.exported) for cost in costs],
        "cost": [cost.cost for cost in costs],
    }
    currency = next((cost.currency for cost in reversed(costs) if cost.currency), reader.currency)
    return HistoryCostView(chosen, reader.days_here.time_zone, currency, since, until, columns)


def chosen_resolution(wanted: Resolution, since: datetime, until: datetime) -> Resolution:
    """What `auto` means for a span."""
    if wanted is not Resolution.AUTO:
        return wanted
    span = until - since
    if span <= _RAW_UP_TO:
        return Resolution.RAW
    return Resolution.QUARTER if span <= _QUARTERS_UP_TO else Resolution.DAY


def _refuse_backwards(since: datetime, until: datetime) -> None:
    if until <= since:
        raise RefusedError("the span ends before it begins", "name an end that is later than the begin")


def _refuse_many(count: float, most: int) -> None:
    if count > most:
        raise RefusedError(
            f"these are {count:,.0f} values, and one answer has {most:,} at most",
            "ask for a shorter span or a coarser resolution, or use `efpi history export`",
        )


def _raw(reader: HistoryReader, channel: Channel, since: datetime, until: datetime, most: int) -> dict[str, list[Cell]]:
    begin, end = stamp(since), stamp(until)
    _refuse_many(reader.count(channel, begin, end) if most else 0, most or 1)
    series = reader.raw(channel, begin, end)
    qualities = series.qualities or bytes(len(series))
    return {
        "at": [instant(at) for at in series.stamps],
        "value": list(series.values),
        "quality": [QUALITIES[quality].value for quality in qualities],
    }


def _columns(channel: Channel, begins: list[Cell], rollups: Iterable[Rollup]) -> dict[str, list[Cell]]:
    found = list(rollups)
    columns: dict[str, list[Cell]] = {
        "at": begins,
        "n": [rollup.n for rollup in found],
        "mean": [mean(rollup) for rollup in found],
        "low": [rollup.low for rollup in found],
        "high": [rollup.high for rollup in found],
        "total": [exact(rollup.total) for rollup in found],
        "counted": [None if rollup.counted is None else exact(rollup.counted) for rollup in found],
        "estimated": [exact(rollup.estimated) for rollup in found],
    }
    if channel.holds:
        columns["energy"] = columns["estimated"]
        columns["energy_kwh"] = [kwh(rollup.estimated) for rollup in found]
    elif channel.counts and channel.unit == "J":
        columns["energy"] = columns["counted"]
        columns["energy_kwh"] = [None if rollup.counted is None else kwh(rollup.counted) for rollup in found]
    return columns


def kwh(energy: int) -> float:
    """Energy in millionths of J as kWh, the nearest float."""
    try:
        return energy / _MICRO_KWH
    except OverflowError:
        return from_micro(energy)


def mean(rollup: Rollup) -> float | None:
    """The mean of its values, the nearest float."""
    if not rollup.n:
        return None
    try:
        return rollup.total / (rollup.n * MILLION)
    except OverflowError:
        return from_micro(rollup.total // rollup.n)


def exact(amount: int) -> Decimal:
    """Millionths as a decimal, to the last digit."""
    return Decimal(amount) * _MICRO if -_LARGEST < amount < _LARGEST else Decimal(f"{amount}E-{DIGITS}")


def instant(at: int | None) -> datetime | None:
    """The instant of a stamp; None for one that no calendar has."""
    try:
        return None if at is None else _EPOCH + timedelta(milliseconds=at)
    except OverflowError:
        return None


def stamp(at: datetime) -> int:
    """The stamp of an instant, in ms since 1970."""
    return round((at - datetime.fromtimestamp(0, UTC)) / timedelta(milliseconds=1))


def quarter_from(at: datetime) -> int:
    """The first quarter hour that begins at an instant or after it, in s since 1970."""
    return -(-stamp(at) // (QUARTER_S * 1000)) * QUARTER_S


def day_span(reader: HistoryReader, since: datetime, until: datetime) -> tuple[date, date]:
    """The first and the last local day that have a part in [since, until)."""
    days = reader.days_here
    last = stamp(until) - 1
    return days.day_of(stamp(since) // 1000), days.day_of(last // 1000)


def day_begin(reader: HistoryReader, day: date) -> datetime | None:
    """The instant at which a local day begins."""
    return instant(reader.days_here.span(day)[0] * 1000)
