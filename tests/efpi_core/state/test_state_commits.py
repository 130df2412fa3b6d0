import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from efi.allocation import AllocationStatus
from efpi_core.clock import RealClock
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.state import writer
from efpi_core.state.database import Database
from efpi_core.state.database_file import open_file
from efpi_core.state.home import Home
from efpi_core.state.sqlite_database import SqliteDatabase
from efpi_core.state.state import State
from efpi_core.state.table import MEMORY, NOTE, Row, Table
from tests.efpi_core.state.state_world import NOON, allocation

OpenState = Callable[[], State]


def opened(home: Path) -> SqliteDatabase:
    place = Home(home)
    place.open()
    return SqliteDatabase(place, RealClock())


def stored(home: Path, table: Table) -> dict[Row, Row]:
    found = open_file(home / "state.db")
    assert found.connection is not None
    found.connection.close()
    return found.rows[table]


async def test_what_is_committed_is_in_the_file_for_everybody_to_read(open_state: OpenState, home: Path) -> None:
    state = open_state()
    await state.journal_allocation(allocation(7))
    with sqlite3.connect(f"file:{home}/state.db?mode=ro", uri=True) as other:
        assert other.execute("SELECT allocation, app FROM allocation").fetchall() == [("app_1_7", "steering")]
    other.close()


async def test_sixteen_writers_share_their_commits(home: Path) -> None:
    database = opened(home)

    async def write(name: int) -> None:
        for number in range(50):
            database.put(NOTE, (f"{name}-{number}", "x"))
            assert await database.committed()

    await asyncio.gather(*(write(name) for name in range(16)))
    commits = database.commits
    database.close()
    assert 50 <= commits <= 200, "800 writes took a commit each"
    assert len(stored(home, NOTE)) == 800


async def test_what_one_turn_of_the_loop_writes_is_one_transaction(home: Path) -> None:
    database = opened(home)
    for number in range(100):
        database.put(NOTE, (str(number), "x"))
        database.put(MEMORY, ("meter", str(number), "1"))
    await database.committed()
    assert database.commits == 1
    database.close()


async def test_the_last_of_several_writes_to_a_key_counts(home: Path) -> None:
    database = opened(home)
    database.put(NOTE, ("a", "old"))
    database.put(NOTE, ("a", "new"))
    database.put(NOTE, ("b", "old"))
    database.delete(NOTE, "b")
    database.delete(NOTE, "c")
    database.put(NOTE, ("d", "old"))
    await database.committed()
    database.delete(NOTE, "d")
    database.put(NOTE, ("d", "new"))
    database.close()
    assert stored(home, NOTE) == {("a",): ("a", "new"), ("d",): ("d", "new")}


async def test_a_status_behind_an_allocation_is_never_written_before_it(open_state: OpenState) -> None:
    state = open_state()
    for number in range(200):
        mark = state.note_allocation(allocation(number))
        if number % 3 == 0:
            await state.committed()
        state.journal_status("generator", f"app_1_{number}", AllocationStatus.ACCEPTED, "", NOON)
        if number % 2 == 0:
            state.journal_status("generator", f"app_1_{number}", AllocationStatus.FINISHED, "", NOON)
        if mark is not None and number % 5 == 0:
            assert await mark
    kept = open_state().open_allocations()
    assert sorted(found.allocation_id for found in kept) == sorted(f"app_1_{number}" for number in range(1, 200, 2))
    assert {found.status for found in kept} == {AllocationStatus.ACCEPTED}


async def test_a_commit_for_which_nothing_was_written_does_not_wait(open_state: OpenState) -> None:
    state = open_state()
    await state.committed()
    assert await asyncio.wait_for(state.committed(), 60) is True


async def test_a_waiter_that_gives_up_disturbs_nobody(home: Path) -> None:
    database = opened(home)
    database.put(NOTE, ("a", "1"))
    impatient = asyncio.create_task(database.committed())
    patient = asyncio.create_task(database.committed())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient is True
    assert impatient.cancelled()
    database.close()


async def test_a_persons_word_is_synced_to_the_disk_and_an_allocation_is_not(open_state: OpenState) -> None:
    state = open_state()
    await state.committed()
    statements: list[str] = []
    state._database._writer._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]  # look inside
    await state.journal_allocation(allocation(1))
    assert not any("synchronous" in statement for statement in statements)
    state.set_limit(Limit("cut", LimitSource.GRID_OPERATOR), "operator")
    await state.committed()
    pragmas = [statement for statement in statements if "synchronous" in statement]
    assert pragmas == ["PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"]


async def test_closing_writes_what_nobody_waited_for(home: Path) -> None:
    database = opened(home)
    database.put(NOTE, ("early", "1"))
    await asyncio.sleep(0)
    database.put(NOTE, ("late", "2"))
    database.close()
    database.close()
    assert set(stored(home, NOTE)) == {("early",), ("late",)}


def test_without_an_event_loop_what_was_written_is_there_after_closing(home: Path) -> None:
    database = opened(home)
    database.put(NOTE, ("a", "1"))
    database.close()
    assert stored(home, NOTE) == {("a",): ("a", "1")}


async def test_a_long_log_is_moved_into_the_database_between_commits(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_BYTES", 100_000)
    database = opened(home)
    size, number = 0, 0
    async with asyncio.timeout(60):
        while (before := size) <= (size := (home / "state.db-wal").stat().st_size):
            number += 1
            database.put(MEMORY, ("meter", "value", f'"{number}{"x" * 2000}"'))
            assert await database.committed()
    assert size < before / 4, "the log did not begin anew"
    database.close()
    assert stored(home, MEMORY)["meter", "value"][2] == f'"{number}{"x" * 2000}"'


def test_the_memory_of_a_simulation_has_the_same_interface(home: Path) -> None:
    database = Database()
    database.put(NOTE, ("a", "1"))
    assert database.fetch(NOTE, "a") == ("a", "1")
    database.delete(NOTE, "a")
    assert database.fetch(NOTE, "a") is None
    assert database.mark() is None
