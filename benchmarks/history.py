"""A history beside SQLite, narrow and wide, and DuckDB: load, size, questions, and what live values cost.

`python benchmarks/history.py` prints one table; `--hours` and `--channels` set the amount of data. The values are those
of a house at 1 Hz with the resolution of real devices: W, tenths of a volt, counters in J, temperatures, fill levels.
The peers hold the raw values only; the history makes its quarter hours and days in the same time.
"""

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from efpi_core.clock import RealClock
from efpi_core.history.channels import COUNTER
from efpi_core.history.facts import HistoryFacts, HistoryPolicy
from efpi_core.history.history import History
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.history.incoming import Incoming
from efpi_core.history.series import Series
from efpi_core.history.store import HistoryStore
from efpi_core.http.history import HistoryRoutes
from efpi_core.plugin.observation import Quality

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN_MS = round(BEGIN.timestamp() * 1000)
HOUR = 3600


@dataclass
class Channel:
    """One channel's values at 1 Hz."""

    name: str
    unit: str
    kind: str
    stamps: list[int]
    values: list[float] = field(default_factory=list)


def walk(chance: random.Random, count: int, start: float, step: float, digits: int) -> Iterator[float]:
    """A quantity that wanders, with a jump now and then, as a device rounds it."""
    value = start
    for _ in range(count):
        value += chance.gauss(0, step)
        if chance.random() < 0.0005:
            value += chance.choice((-1, 1)) * start / 2
        yield round(value, digits) if digits else float(round(value))


def house(channels: int, hours: int, jitter_ms: int) -> list[Channel]:
    """The same house for the same arguments. `jitter_ms`: how far stamps stray from the whole second."""
    chance = random.Random(7)  # noqa: S311  # figures, not secrets
    count = hours * HOUR
    found = []
    for number in range(channels):
        stamps = [BEGIN_MS + 1000 * second for second in range(count)]
        if jitter_ms:
            stamps = [stamp + chance.randint(0, jitter_ms) for stamp in stamps]
        kind = number % 5
        channel = Channel(f"device{number}.value", ("W", "V", "J", "K", "1")[kind], "number", stamps)
        channel.kind = COUNTER if kind == 2 else "number"
        if kind == 0:
            channel.values = list(walk(chance, count, 800.0, 4.0, 0))
        elif kind == 1:
            channel.values = list(walk(chance, count, 230.0, 0.15, 1))
        elif kind == 2:
            shown = 4.3e10
            for power in walk(chance, count, 800.0, 4.0, 0):
                shown += max(power, 0.0)
                channel.values.append(shown // 3600 * 3600)
        elif kind == 3:
            channel.values = list(walk(chance, count, 293.0, 0.01, 1))
        else:
            channel.values = list(walk(chance, count, 0.5, 0.0004, 3))
        found.append(channel)
    return found


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU that something took."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def best(work: Callable[[], object], times: int = 5) -> float:
    """The least of several, in ms of CPU."""
    return min(cpu(work) for _ in range(times)) * 1000


def size_of(path: Path) -> int:
    """Bytes of a database with its log."""
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*"))


@dataclass
class Figures:
    """One store's figures."""

    name: str
    load_per_s: float = 0.0
    bytes_a_value: float = 0.0
    day_raw_ms: float = 0.0
    day_quarters_ms: float = 0.0
    live_share: float | None = None


def measure_history(folder: Path, data: list[Channel]) -> Figures:
    """Load all of it, chunk by chunk, with quarter hours and days; then ask."""
    total = sum(len(channel.values) for channel in data)
    store = HistoryStore(folder / "history.db", HistoryFacts("Europe/Amsterdam", policy=HistoryPolicy(1 << 40)))

    def load() -> None:
        for channel in data:
            known = store.channel(channel.name, channel.unit, channel.kind)
            parts = (
                Series(channel.stamps[begin : begin + HOUR], channel.values[begin : begin + HOUR])
                for begin in range(0, len(channel.values), HOUR)
            )
            store.load(known, parts, imported=False)

    figures = Figures("history", total / cpu(load))
    store.seal(BEGIN_MS)
    figures.bytes_a_value = store.used_bytes / total
    name = data[0].name
    day = (BEGIN_MS, BEGIN_MS + 86_400_000)
    figures.day_raw_ms = best(lambda: store.ask(lambda reader: reader.raw(_known(reader, name), *day)))
    quarters = (day[0] // 1000, day[1] // 1000)
    figures.day_quarters_ms = best(lambda: store.ask(lambda reader: reader.quarters(_known(reader, name), *quarters)))
    store.close()
    figures.live_share = live(folder / "live.db", data)
    return figures


def _known(reader: object, name: str) -> object:
    return reader.channel(name)  # type: ignore[attr-defined]  # the caller hands any of the readers


def live(path: Path, data: list[Channel], a_second: int = 500, span_s: int = HOUR + 60) -> float:
    """The share of one core that so many values a second take, seals included."""
    store = HistoryStore(path, HistoryFacts())
    columns = [data[number % len(data)].values for number in range(a_second)]
    names = [f"live{number}.value" for number in range(a_second)]
    used = 0.0
    for begin in range(0, span_s, 10):
        at = [BEGIN + timedelta(seconds=begin + second) for second in range(10)]
        came = {
            name: [(one, column[(begin + second) % len(column)], Quality.GOOD) for second, one in enumerate(at)]
            for name, column in zip(names, columns, strict=True)
        }
        begun = time.process_time()
        batch: dict[str, Incoming] = {}
        for name, rows in came.items():  # as the sink does, value by value
            for row in rows:
                incoming = batch.get(name)
                if incoming is None:
                    incoming = batch[name] = Incoming("W", "number")
                incoming.rows.append(row)
        store.append(batch, BEGIN_MS + (begin + 10) * 1000)
        used += time.process_time() - begun
    written = store.wear.written * 86400 / span_s
    store.close()
    print(f"live, {a_second} values/s: {used / span_s:.2%} of a core, {written / 1e6:,.0f} MB a day to the disk")
    return used / span_s


def year_of_days(folder: Path) -> tuple[float, float]:
    """A channel's year by days, and by quarter hours, in ms of CPU, among those of fifty channels."""
    folder.mkdir()
    store = HistoryStore(folder / HISTORY_FILE, HistoryFacts("Europe/Amsterdam", policy=HistoryPolicy(1 << 40)))
    for number in range(50):
        channel = store.channel(f"device{number}.value", "W", "number")
        stamps = [BEGIN_MS + 900_000 * quarter for quarter in range(365 * 96)]
        parts = (
            Series(stamps[begin : begin + 4096], [float((number + begin + step) % 997) for step in range(4096)])
            for begin in range(0, 365 * 96 - 4096, 4096)
        )
        store.load(channel, parts, imported=False)
    year = (date(2026, 1, 1), date(2026, 12, 31))
    days = best(lambda: store.ask(lambda reader: reader.days(_known(reader, "device7.value"), *year)))
    span = (BEGIN_MS // 1000, BEGIN_MS // 1000 + 366 * 86400)
    quarters = best(lambda: store.ask(lambda reader: reader.quarters(_known(reader, "device7.value"), *span)))
    store.close()
    return days, quarters


class OneHistory:
    """As much of a gateway as the routes of the past need."""

    def __init__(self, history: History) -> None:
        self.history = history

    def health(self) -> SimpleNamespace:
        """The time."""
        return SimpleNamespace(now=BEGIN + timedelta(days=366))


async def year_over_http(folder: Path) -> dict[str, tuple[float, int]]:
    """The same year through the gateway's own route, over a socket: wall ms (the least of five) and bytes."""
    history = History(folder, RealClock())
    history.start(lambda: HistoryFacts("Europe/Amsterdam", policy=HistoryPolicy(1 << 40)))
    await history.flush()
    routes = HistoryRoutes(OneHistory(history))  # type: ignore[arg-type]  # the routes ask it for history only
    app = Starlette(routes=[Route("/api/history/{channel}", routes.values)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # it has no event to wait for
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    found = {}
    for resolution in ("day", "quarter"):
        address = (
            f"http://127.0.0.1:{port}/api/history/device7.value?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z"
            f"&resolution={resolution}"
        )
        took = []
        for _ in range(5):
            begun = time.perf_counter()
            size = len(await asyncio.to_thread(fetched, address))
            took.append((time.perf_counter() - begun) * 1000)
        found[resolution] = (min(took), size)
    server.should_exit = True
    await serving
    await history.stop()
    return found


def fetched(address: str) -> bytes:
    """What a server answers."""
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # its own
        content: bytes = answer.read()
        return content


def measure_sqlite(folder: Path, data: list[Channel], *, wide: bool) -> Figures:
    """SQLite with a row a value, or a row a second with a column a channel."""
    total = sum(len(channel.values) for channel in data)
    path = folder / ("wide.db" if wide else "narrow.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        if wide:
            columns = ", ".join(f"c{number} REAL" for number in range(len(data)))
            connection.execute(f"CREATE TABLE v (at INTEGER PRIMARY KEY, {columns})")  # own names
        else:
            connection.execute(
                "CREATE TABLE v (channel INTEGER, at INTEGER, value REAL, PRIMARY KEY (channel, at)) WITHOUT ROWID"
            )

        def load() -> None:
            for begin in range(0, len(data[0].values), HOUR):
                connection.execute("BEGIN")
                if wide:
                    marks = ", ".join("?" * (len(data) + 1))
                    rows = zip(
                        data[0].stamps[begin : begin + HOUR],
                        *(channel.values[begin : begin + HOUR] for channel in data),
                        strict=True,
                    )
                    connection.executemany(f"INSERT INTO v VALUES ({marks})", rows)  # noqa: S608  # own names
                else:
                    for number, channel in enumerate(data):
                        part = zip(
                            channel.stamps[begin : begin + HOUR], channel.values[begin : begin + HOUR], strict=True
                        )
                        connection.executemany(f"INSERT INTO v VALUES ({number}, ?, ?)", part)  # noqa: S608  # own names
                connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        figures = Figures("SQLite, wide" if wide else "SQLite, narrow", total / cpu(load))
        figures.bytes_a_value = size_of(path) / total
        where = "at >= ? AND at < ?" if wide else "channel = 0 AND at >= ? AND at < ?"
        value = "c0" if wide else "value"
        day = (BEGIN_MS, BEGIN_MS + 86_400_000)
        raw = f"SELECT at, {value} FROM v WHERE {where} ORDER BY at"  # noqa: S608  # own names
        quarters = (
            f"SELECT at / 900000, count(*), sum({value}), min({value}), max({value}) FROM v WHERE {where} GROUP BY 1"  # noqa: S608  # own names
        )
        figures.day_raw_ms = best(lambda: connection.execute(raw, day).fetchall())
        figures.day_quarters_ms = best(lambda: connection.execute(quarters, day).fetchall())
    return figures


def measure_duckdb(folder: Path, data: list[Channel]) -> Figures:
    """DuckDB with one thread, fed with Arrow tables."""
    total = sum(len(channel.values) for channel in data)
    path = folder / "duck.db"
    with closing(duckdb.connect(str(path), config={"threads": 1})) as connection:
        connection.execute("CREATE TABLE v (channel INTEGER, stamp BIGINT, value DOUBLE)")

        def load() -> None:
            for number, channel in enumerate(data):
                table = pyarrow.table(
                    {"channel": [number] * len(channel.values), "stamp": channel.stamps, "value": channel.values}
                )
                connection.register("part", table)
                connection.execute("INSERT INTO v SELECT * FROM part")
                connection.unregister("part")
            connection.execute("CHECKPOINT")

        figures = Figures("DuckDB", total / cpu(load))
        figures.bytes_a_value = size_of(path) / total
        day = [BEGIN_MS, BEGIN_MS + 86_400_000]
        where = "channel = 0 AND stamp >= ? AND stamp < ?"
        raw = f"SELECT stamp, value FROM v WHERE {where} ORDER BY stamp"  # noqa: S608  # own names
        quarters = (
            f"SELECT stamp // 900000, count(*), sum(value), min(value), max(value) FROM v WHERE {where} GROUP BY 1"  # noqa: S608  # own names
        )
        figures.day_raw_ms = best(lambda: connection.execute(raw, day).fetchall())
        figures.day_quarters_ms = best(lambda: connection.execute(quarters, day).fetchall())
    return figures


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--jitter", type=int, default=0, help="ms by which stamps stray from the whole second")
    given = parser.parse_args()
    data = house(given.channels, given.hours, given.jitter)
    total = sum(len(channel.values) for channel in data)
    print(f"{total / 1e6:.1f} million values: {given.channels} channels at 1 Hz over {given.hours} h")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = [
            measure_history(folder, data),
            measure_sqlite(folder, data, wide=True),
            measure_sqlite(folder, data, wide=False),
            measure_duckdb(folder, data),
        ]
        days, quarters = year_of_days(folder / "year")
        served = asyncio.run(year_over_http(folder / "year"))
    print(f"{'':16}{'load, M/s CPU':>15}{'bytes/value':>13}{'1 day raw, ms':>15}{'1 day quarters, ms':>20}")
    for one in found:
        print(
            f"{one.name:16}{one.load_per_s / 1e6:15.2f}{one.bytes_a_value:13.2f}{one.day_raw_ms:15.1f}"
            f"{one.day_quarters_ms:20.2f}"
        )
    print(f"{'to reach':16}{'3.00':>15}{'2.00':>13}{'10.0':>15}")
    print(f"a year of one channel: days {days:.1f} ms (to reach 30), quarter hours {quarters:.0f} ms")
    for resolution, (took, size) in served.items():
        print(f"over HTTP, by {resolution}: {took:.0f} ms (to reach 500), {size / 1000:,.0f} kB")
    print("live: to reach 3 % of a core at 500 values/s")


if __name__ == "__main__":
    main()
