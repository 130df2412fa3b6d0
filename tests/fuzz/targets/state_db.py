"""The state database: a file that is damaged anywhere, or whose rows hold anything, opens; what is sound is there."""

import asyncio
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

from efi.allocation import AllocationStatus
from efpi_core.clock import SteppedClock
from efpi_core.errors import EfpiError
from efpi_core.http.json_form import to_json
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.site.revisions import Origin, Verdict
from efpi_core.state.home import DATABASE_FILE
from efpi_core.state.state import State
from efpi_core.state.table import TABLES
from efpi_core.views import OverrideView
from tests.efpi_core.state.state_world import NOON, allocation
from tests.fuzz.target import Target

MEMORY_DISK = Path("/dev/shm")  # noqa: S108  # where there is one, no disk is worn by thousands of databases


@cache
def runner() -> asyncio.Runner:
    """The loop of all inputs."""
    return asyncio.Runner()


@cache
def sound() -> bytes:
    """A database with a row of every kind, closed in order."""
    with tempfile.TemporaryDirectory() as folder:
        runner().run(_fill(Path(folder)))
        return (Path(folder) / DATABASE_FILE).read_bytes()


async def _fill(home: Path) -> None:
    state = State.open(home, SteppedClock(NOON))
    await state.journal_allocation(allocation(1))
    state.journal_status("generator", "app_1_1", AllocationStatus.ACCEPTED, "", NOON)
    state.set_connection("generator", "steering", by_hand=True)
    state.set_override(OverrideView("boiler", "off", NOON, "anna", {"factor": 0.5}))
    state.set_limit(Limit("fuse", LimitSource.CONTRACT, -5.0, 5.0, start=NOON, reason="r"), "anna")
    state.put_instance_value("meter", "counter", {"a": [1, 2.5, None]})
    state.add_event("info", "gateway", "started", "it began", "c")
    state.add_revision("efpi: 1\n", {"efpi": 1}, by="a", why="w", origin=Origin.APPLY, verdict=Verdict.CONFIRMED)
    await state.committed()
    state.close()


def feed(data: bytes) -> None:
    """Lines of JSON: `["bytes", offset, hex]`, `["cut", length]`, `[table, column, value]`; what is none is skipped."""
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as folder:
        home = Path(folder)
        file = home / DATABASE_FILE
        file.write_bytes(sound())
        for line in data.split(b"\n")[:20]:
            with suppress(ValueError, TypeError, RecursionError, KeyError, OverflowError, sqlite3.Error, MemoryError):
                _damage(file, *json.loads(line))
        runner().run(_open(home))
        shutil.rmtree(home / "copies", ignore_errors=True)


def _damage(file: Path, kind: str, place: Any, value: Any = None) -> None:
    if kind == "bytes":
        content = bytearray(file.read_bytes())
        new = bytes.fromhex(value)
        content[int(place) % len(content) : int(place) % len(content) + len(new)] = new
        file.write_bytes(content)
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[: int(place) % 100_000])
    elif kind == "sql" and "user_version" not in str(place):  # which migration is due, no damaged table may say
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(str(place))
    else:
        {table.name: table for table in TABLES}[kind].columns.index(place)
        kept = json.dumps(value) if isinstance(value, dict | list) else value
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(f"UPDATE {kind} SET {place} = ?", (kept,))  # noqa: S608  # a name of ours


async def _open(home: Path) -> None:
    try:
        state = State.open(home, SteppedClock(NOON))
    except EfpiError as error:
        assert error.problem and error.cure
        return
    try:
        now = NOON
        told = [
            state.revisions(), state.connections(), [each.reason for each in (kept.limit for kept in state.limits())],
            state.events(0, 50), state.last_import(), state.instance_values("meter"), state.life, state.disorder,
        ]  # fmt: skip
        to_json(told)
        assert all((kept.limit.start or now) <= now or kept.limit.start for kept in state.limits())
        assert all(view.until >= now or view.until < now for view in state.overrides())
        assert all(kept.given_at <= now or kept.given_at > now for kept in state.open_allocations())
        for revision in state.revisions():
            state.revision_document(revision.number)
        state.add_event("info", "gateway", "started", "it began again")
        state.set_connection("washer", "steering", by_hand=True)
        await state.committed()
        assert any(kept.appliance_id == "washer" for kept in state.connections())
    finally:
        state.close()


TARGET = Target(
    "state_db",
    feed,
    words=(
        b'["bytes", ', b'["cut", ', b'["event", "number", ', b'["note", "value", ', b'["allocation", "given_at", ',
        b'["sql", "DROP TABLE event"]', b'"ffffffff"]', b"9223372036854775807]", b'"2026-06-01T12:00:00"]', b"\n",
    ),
    holds_json=True,
    longest=2048,
)  # fmt: skip
