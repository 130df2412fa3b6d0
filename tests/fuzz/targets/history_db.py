"""The history: a damaged chunk, batch or file costs what is damaged, and what comes next is kept."""

import json
import shutil
import sqlite3
import struct
import tempfile
import zlib
from contextlib import closing, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from efpi_core.errors import EfpiError
from efpi_core.history.answers import channel_views, costs_view, values_view
from efpi_core.history.checking import check_history
from efpi_core.history.chunk import DamagedChunkError, decode
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.history.looking import looking
from efpi_core.history.reader import HistoryReader
from efpi_core.history.tail import unpack_batch
from efpi_core.history.writing import HistoryWriter
from efpi_core.history_views import Resolution
from efpi_core.http.json_form import to_json
from tests.efpi_core.history.history_world import NOON, counter, incoming, ms, opened, put, seconds
from tests.fuzz.target import Target
from tests.fuzz.targets.state_db import MEMORY_DISK

HEAD = 17
"""Bytes of a chunk that are not deflated."""

DAY = timedelta(days=1)


@cache
def sound() -> bytes:
    """A history with chunks, quarter hours, days and a batch that is not sealed, closed in order."""
    with tempfile.TemporaryDirectory() as folder:
        store = opened(Path(folder))
        at = seconds(2000)
        put(
            store,
            NOON,
            a__power=incoming((one, float(number % 97)) for number, one in enumerate(at)),
            m__energy=counter((one, 10.0 * number) for number, one in enumerate(at)),
            a__mode=incoming((one, "on" if number % 7 else None) for number, one in enumerate(at)),
        )
        store.seal(ms(NOON), all_of_it=True)
        put(store, NOON + DAY / 2, a__power=incoming([(NOON + DAY / 2, 5.0)]))
        store.close()
        return (Path(folder) / HISTORY_FILE).read_bytes()


def feed(data: bytes) -> None:
    """After `C` a chunk whose body is not deflated yet, after `B` a batch likewise, else damage to a file.

    Damage is lines of JSON: `["bytes", offset, hex]`, `["cut", length]`, `["sql", statement]`; what is none is skipped.
    """
    if data[:1] == b"C":
        chunk(data[1 : 1 + HEAD] + zlib.compress(data[1 + HEAD :], 1))
    elif data[:1] == b"B":
        with suppress(ValueError):
            unpack_batch(zlib.compress(data[1:], 1))
    else:
        chunk(data)
        with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as folder:
            home = Path(folder)
            (home / HISTORY_FILE).write_bytes(sound())
            for line in data.split(b"\n")[:20]:
                with suppress(ValueError, TypeError, RecursionError, OverflowError, sqlite3.Error):
                    damage(home / HISTORY_FILE, *json.loads(line))
            goes_on(home)


def chunk(content: bytes) -> None:
    """A chunk is read to its end, or refused as damaged."""
    try:
        series = decode(content)
    except DamagedChunkError:
        return
    assert len(series.stamps) == len(series.values) == struct.unpack_from("<I", content, 1)[0]


def damage(file: Path, kind: str, place: Any, value: Any = None) -> None:
    """One change to the file."""
    if kind == "bytes":
        content = bytearray(file.read_bytes())
        new = bytes.fromhex(value)
        content[int(place) % len(content) : int(place) % len(content) + len(new)] = new
        file.write_bytes(content)
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[: int(place) % 200_000])
    elif kind == "sql" and "user_version" not in str(place):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(str(place))


def goes_on(home: Path) -> None:
    """What is asked of the file is answered or refused with a cure; what comes next is kept, or said why not."""
    check_history(home / HISTORY_FILE)
    with suppress(EfpiError), looking(home) as reader:
        asked(reader)
    writer = HistoryWriter(home / HISTORY_FILE)
    try:
        for number in range(2):
            later = NOON + DAY + timedelta(seconds=number)
            outcome = writer.write({"b.power": incoming([(later, 1.5)])}, HistoryFacts(), ms(later))
            if outcome.problem is not None:
                assert outcome.problem.problem and outcome.problem.cure
                assert "report this" not in outcome.problem.cure, outcome.problem
        with suppress(EfpiError, sqlite3.Error):
            writer.ask(asked)
    finally:
        writer.close()
        shutil.rmtree(home, ignore_errors=True)


def asked(reader: HistoryReader) -> None:
    """Every kind of question."""
    to_json(channel_views(reader))
    to_json(costs_view(reader, NOON - DAY, NOON + DAY, Resolution.DAY))
    for name in ("a.power", "m.energy", "a.mode"):
        for resolution in (Resolution.RAW, Resolution.QUARTER, Resolution.DAY):
            with suppress(EfpiError):
                to_json(values_view(reader, name, NOON - DAY, NOON + DAY, resolution))


TARGET = Target(
    "history_db",
    feed,
    words=(
        b'["bytes", ', b'["cut", ', b'["sql", "', b"UPDATE chunk SET content = X'01'", b"UPDATE channel SET ",
        b'["sql", "DROP TABLE chunk"]', b'["sql", "DELETE FROM note"]', b"UPDATE note SET value = 'x'",
        b"UPDATE quarter SET total = ", b"UPDATE day SET date = 'x'", b"9223372036854775807", b"'nonsense'", b"-1",
        b"\n", b"INSERT INTO tail (content) VALUES (X'789c')", b"UPDATE price SET import = 'NaN'", b"\x80\x80\x80\x80",
    ),
    holds_json=True,
    longest=4096,
)  # fmt: skip
