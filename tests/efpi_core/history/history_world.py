"""A history on a disk of its own, fed by hand, and the same figures counted the naive way."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from efpi_core.history.answers import values_view
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.history.incoming import Incoming
from efpi_core.history.micro import micro
from efpi_core.history.rollup import QUARTER_S, Rollup
from efpi_core.history.sealer import CounterTurn
from efpi_core.history.series import Series
from efpi_core.history.store import HistoryStore
from efpi_core.history_views import HistoryView, Resolution
from efpi_core.plugin.observation import ObservedValue, Quality

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
AMSTERDAM = HistoryFacts("Europe/Amsterdam")

Row = tuple[datetime, ObservedValue]


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def seconds(count: int, begin: datetime = NOON, every: float = 1.0) -> list[datetime]:
    return [begin + timedelta(seconds=number * every) for number in range(count)]


def opened(home: Path, facts: HistoryFacts = AMSTERDAM) -> HistoryStore:
    home.mkdir(exist_ok=True)
    return HistoryStore(home / HISTORY_FILE, facts)


def incoming(rows: Iterable[Row], unit: str = "W", kind: str = "number", modulus: float | None = None) -> Incoming:
    return Incoming(unit, kind, modulus, [(at, value, Quality.GOOD) for at, value in rows])


def counter(rows: Iterable[Row], unit: str = "J", modulus: float | None = None) -> Incoming:
    return incoming(rows, unit, "counter", modulus)


def put(store: HistoryStore, now: datetime, **came: Incoming) -> list[CounterTurn]:
    """Append; `meter__power` is the channel `meter.power`."""
    return store.append({name.replace("__", "."): one for name, one in came.items()}, ms(now))


def raw(store: HistoryStore, channel: str) -> Series:
    def question(reader: object) -> Series:
        found = reader.channel(channel)  # type: ignore[attr-defined]
        assert found is not None
        series: Series = reader.raw(found, 0, 1 << 62)  # type: ignore[attr-defined]
        return series

    return store.ask(question)


def quarters(store: HistoryStore, channel: str) -> dict[int, Rollup]:
    def question(reader: object) -> dict[int, Rollup]:
        found: dict[int, Rollup] = reader.quarters(reader.channel(channel), 0, 1 << 40)  # type: ignore[attr-defined]
        return found

    return store.ask(question)


def view(store: HistoryStore, channel: str, since: datetime, until: datetime, resolution: Resolution) -> HistoryView:
    return store.ask(lambda reader: values_view(reader, channel, since, until, resolution))


def counted(store: HistoryStore, channel: str) -> int:
    """All that a counter counted, in millionths."""
    return sum(rollup.counted or 0 for rollup in quarters(store, channel).values())


def naive_quarters(rows: Sequence[tuple[int, float]]) -> dict[int, tuple[int, int, float, float]]:
    """By quarter hour: number, exact sum, lowest, highest; of values at one stamp the last counts."""
    last = dict(rows)
    found: dict[int, list[float]] = {}
    for stamp, value in last.items():
        found.setdefault(stamp // 1000 // QUARTER_S * QUARTER_S, []).append(value)
    return {
        start: (len(values), sum(micro(value) for value in values), min(values), max(values))
        for start, values in found.items()
    }


def figures(found: dict[int, Rollup]) -> dict[int, tuple[int, int, float | None, float | None]]:
    return {start: (one.n, one.total, one.low, one.high) for start, one in found.items() if one.n}
