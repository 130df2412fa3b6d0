import asyncio
import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from efi.allocation import AllocationStatus
from efpi_core.clock import RealClock
from efpi_core.errors import EfpiError
from efpi_core.site.revisions import Origin, Verdict
from efpi_core.state import sqlite_database
from efpi_core.state.state import State
from tests.efpi_core.state.state_world import NOON, allocation

OpenState = Callable[[], State]

NOBODY = 65534

ROOT = os.geteuid() == 0


def fill(state: State) -> None:
    state.set_connection("battery", "steering", by_hand=True)
    state.put_instance_value("meter", "counter", 7)
    state.add_revision("efpi: 1\n", {"efpi": 1}, by="Ann", why="", origin=Origin.APPLY, verdict=Verdict.CONFIRMED)


def check_filled(state: State) -> None:
    assert [kept.app for kept in state.connections()] == ["steering"]
    assert state.instance_values("meter") == {"counter": 7}
    assert state.revision_document(1) == ("efpi: 1\n", {"efpi": 1})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def block(place: Path) -> Path:
    """Fill a disk to its last byte."""
    ballast = place / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return ballast


async def test_a_full_disk_is_named_stops_nobody_and_writing_resumes(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "RETRY_S", 0.05)
    state = State.open(small_disk / "home", RealClock())
    told: list[EfpiError | None] = []
    state.on_problem(told.append)
    fill(state)
    assert await state.committed()
    ballast = block(small_disk)

    kept = True
    number = 0
    while kept and number < 3000:
        number += 1
        kept = await state.journal_allocation(allocation(number))
    assert not kept
    assert state.problem is not None and "is full" in str(state.problem) and "free some space" in state.problem.cure
    assert not state.kept

    async with asyncio.timeout(60):  # now nobody waits for the disk
        for more in range(2000):
            assert await state.journal_allocation(allocation(number + more)) is False
    for done in range(1, number + 2000):
        state.journal_status("generator", f"app_1_{done}", AllocationStatus.FINISHED, "", NOON)
    await state.journal_allocation(allocation(1_000_000))
    state.put_instance_value("meter", "counter", 8)

    ballast.unlink()
    await until(lambda: state.problem is None)
    assert told[-1] is None and told[0] is not None
    assert await state.committed()
    assert await state.journal_allocation(allocation(1_000_001))
    state.close()

    state = State.open(small_disk / "home", RealClock())
    assert [kept.allocation_id for kept in state.open_allocations()] == ["app_1_1000000", "app_1_1000001"]
    assert state.instance_values("meter") == {"counter": 8}
    state.close()


async def test_a_start_on_a_full_disk_reads_what_was_kept_and_writes_when_there_is_space(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "RETRY_S", 0.05)
    state = State.open(small_disk / "home", RealClock())
    fill(state)
    state.close()
    ballast = block(small_disk)

    state = State.open(small_disk / "home", RealClock())
    check_filled(state)
    state.put_instance_value("meter", "late", 1)
    await asyncio.wait_for(state.committed(), 60)
    await until(lambda: state.problem is not None)
    assert "full" in str(state.problem)
    ballast.unlink()
    await until(lambda: state.problem is None)
    state.close()

    state = State.open(small_disk / "home", RealClock())
    assert state.instance_values("meter") == {"counter": 7, "late": 1}
    assert state.life == 3
    state.close()


@pytest.mark.parametrize("clean", [True, False], ids=["closed", "killed"])
async def test_a_read_only_disk_is_named_and_its_site_still_runs(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, clean: bool
) -> None:
    monkeypatch.setattr(sqlite_database, "RETRY_S", 0.05)
    home = small_disk / "home"
    state = State.open(home, RealClock())
    fill(state)
    await state.committed()
    saved = {path.name: path.read_bytes() for path in home.iterdir()}
    state.close()
    if not clean:
        for name, content in saved.items():
            (home / name).write_bytes(content)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    state = State.open(home, RealClock())
    check_filled(state)
    assert "read-only" in str(state.problem)
    assert await state.journal_allocation(allocation(1)) is False
    assert len(state.open_allocations()) == 1

    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    await until(lambda: state.problem is None)
    state.close()
    state = State.open(home, RealClock())
    check_filled(state)
    assert len(state.open_allocations()) == 1
    state.close()


AS_NOBODY = """
import asyncio, os, sys, encodings.idna
from pathlib import Path
from efpi_core.clock import RealClock
from efpi_core.state.state import State
from tests.efpi_core.state.state_world import allocation

async def main():
    order = allocation(1)
    order.row()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    state = State.open(Path(sys.argv[1]), RealClock())
    kept = await state.journal_allocation(order)
    print(kept, len(state.open_allocations()), len(state.connections()), state.problem)
    state.close()

asyncio.run(main())
"""


def run_as_nobody(home: Path) -> str:
    """Everything is imported as who we are; then the rights are dropped, for which root is not enough a name."""
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, str(home)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that any user can reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:  # a fresh private directory
        Path(place).chmod(0o755)
        yield Path(place)


def test_a_home_that_cannot_be_made_is_named_with_the_user(open_place: Path) -> None:
    if not ROOT:
        open_place.chmod(0o555)
    said = run_as_nobody(open_place / "home")
    open_place.chmod(0o755)
    assert said.startswith("False 1 0 user ")
    assert "may not write" in said and "chown" in said


def test_a_home_of_another_user_is_named_and_nothing_in_it_is_touched(open_place: Path) -> None:
    home = open_place / "home"
    state = State.open(home, RealClock())
    fill(state)
    state.close()
    if not ROOT:
        home.chmod(0o000)
    before = sorted((path.name, path.read_bytes()) for path in home.iterdir()) if ROOT else []
    said = run_as_nobody(home)
    assert said.startswith("False 1 0 user ") and "may not write" in said
    if ROOT:
        assert sorted((path.name, path.read_bytes()) for path in home.iterdir()) == before
    home.chmod(0o700)


LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from efpi_core.clock import RealClock
from efpi_core.state.state import State
from tests.efpi_core.state.state_world import allocation

async def main():
    state = State.open(Path(sys.argv[1]), RealClock())
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    number, kept = 0, True
    while kept and number < 3000:
        number += 1
        kept = await state.journal_allocation(allocation(number))
    print(kept, number, state.problem, flush=True)

asyncio.run(main())
"""


def test_a_file_size_limit_is_named_and_what_was_promised_is_there(home: Path) -> None:
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run([sys.executable, "-c", LIMITED, str(home)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept, number, problem = done.stdout.split(" ", 2)
    assert kept == "False" and problem.strip() not in ("", "None")
    state = State.open(home, RealClock())
    found = {kept.allocation_id for kept in state.open_allocations()}
    assert found >= {f"app_1_{done}" for done in range(1, int(number))}
    state.close()


@pytest.mark.parametrize("damage", ["garbage", "zeros", "middle", "cut"])
async def test_a_damaged_database_is_moved_aside_and_what_is_readable_is_saved(
    open_state: OpenState, home: Path, damage: str
) -> None:
    state = open_state()
    fill(state)
    for number in range(500):
        state.put_instance_value("meter", f"value {number}", "x" * 500)
    state.close()
    path = home / "state.db"
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content[:] = os.urandom(len(content))
    elif damage == "zeros":
        content[0:100] = bytes(100)
    elif damage == "middle":
        content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)

    state = open_state()
    assert state.problem is None
    assert [event.kind for event in state.events()] == ["state_rescued"]
    assert (home / "state.db.damaged-1").exists()
    if damage in ("middle", "cut"):
        assert [kept.app for kept in state.connections()] == ["steering"]
    fill(state)
    assert await state.committed()
    state = open_state()
    assert state.instance_values("meter")["counter"] == 7


async def test_one_bad_page_costs_no_more_than_its_own_rows(open_state: OpenState, home: Path) -> None:
    state = open_state()
    for number in range(400):
        state.put_instance_value("meter", f"value {number}", "x" * 300)
    state.close()
    content = bytearray((home / "state.db").read_bytes())
    page = len(content) // 1024 // 2 * 1024
    content[page : page + 1024] = bytes(1024)
    (home / "state.db").write_bytes(content)

    state = open_state()
    assert [event.kind for event in state.events()] == ["state_rescued"]
    assert 350 < len(state.instance_values("meter")) < 400


async def test_what_ended_does_not_come_back_from_a_damaged_file(
    open_state: OpenState, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "RETRY_S", 0.5)
    state = open_state()
    for number in range(3):
        await state.journal_allocation(allocation(number))
    state.close()
    stale = (home / "state.db").read_bytes()
    state = open_state()
    state.journal_status("generator", "app_1_0", AllocationStatus.FINISHED, "", NOON)
    assert await state.committed()
    writer = state._database._writer  # type: ignore[attr-defined]  # the connection is made to notice
    monkeypatch.setattr(writer, "_commit", damaged_once(writer._commit))
    state.journal_status("generator", "app_1_1", AllocationStatus.FINISHED, "", NOON)
    assert await state.committed() is False
    (home / "state.db").write_bytes(stale[:-1024] + os.urandom(1024))
    await until(lambda: state.kept)
    assert await state.committed()

    state = open_state()
    assert "state_rescued" in {event.kind for event in state.events()}
    assert [kept.allocation_id for kept in state.open_allocations()] == ["app_1_2"]


def damaged_once(commit: Callable[[], None]) -> Callable[[], None]:
    """A commit that finds the damage first, as SQLite does once it reads a bad page."""
    errors = iter([sqlite3.DatabaseError("database disk image is malformed")])

    def commit_or_fail() -> None:
        for error in errors:
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        commit()

    return commit_or_fail


async def test_a_database_that_is_damaged_while_it_is_used_is_written_anew_from_memory(
    open_state: OpenState, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "RETRY_S", 0.05)
    state = open_state()
    fill(state)
    await state.journal_allocation(allocation(1))
    await state.journal_allocation(allocation(2))
    state.close()
    state = open_state()
    assert await state.committed()
    writer = state._database._writer  # type: ignore[attr-defined]  # the connection is made to notice
    writer._connection.execute("PRAGMA cache_size=0")
    with (home / "state.db").open("r+b") as file:
        file.seek(1024)
        file.write(os.urandom(200 * 1024))
    state.journal_status("generator", "app_1_1", AllocationStatus.FINISHED, "", NOON)
    state.put_instance_value("meter", "counter", 9)
    assert await state.committed() is False
    assert "damaged" in str(state.problem)
    await until(lambda: state.kept)
    assert await state.committed()

    state = open_state()
    assert [kept.app for kept in state.connections()] == ["steering"]
    assert state.instance_values("meter") == {"counter": 9}
    assert [kept.allocation_id for kept in state.open_allocations()] == ["app_1_2"]
    assert "state_rescued" in {event.kind for event in state.events()}
    assert state.revision_document(1) == ("efpi: 1\n", {"efpi": 1})


@pytest.mark.parametrize("torn", [1, 10, 500, 1100, 3000])
async def test_a_log_torn_by_a_power_cut_loses_its_end_and_no_more(
    open_state: OpenState, home: Path, torn: int
) -> None:
    state = open_state()
    for number in range(50):
        await state.journal_allocation(allocation(number))
    files = {name: (home / name).read_bytes() for name in ("state.db", "state.db-wal")}
    state.close()
    for name, content in files.items():
        (home / name).write_bytes(content)
    log = home / "state.db-wal"
    os.truncate(log, log.stat().st_size - torn)

    state = open_state()
    kept = [int(found.allocation_id.rpartition("_")[2]) for found in state.open_allocations()]
    assert state.problem is None
    assert sorted(kept) == list(range(len(kept))), "a commit is missing before one that is there"
    assert 40 <= len(kept) < 50


async def test_a_log_with_a_flipped_bit_loses_its_end_and_no_more(open_state: OpenState, home: Path) -> None:
    state = open_state()
    for number in range(50):
        await state.journal_allocation(allocation(number))
    files = {name: bytearray((home / name).read_bytes()) for name in ("state.db", "state.db-wal")}
    state.close()
    files["state.db-wal"][len(files["state.db-wal"]) // 2] ^= 1
    for name, content in files.items():
        (home / name).write_bytes(content)

    state = open_state()
    kept = [int(found.allocation_id.rpartition("_")[2]) for found in state.open_allocations()]
    assert sorted(kept) == list(range(len(kept)))
    assert 0 < len(kept) < 50


async def test_a_disk_that_hangs_holds_nobody_up(open_state: OpenState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "STUCK_S", 0.1)
    state = open_state()
    await state.committed()
    writer = state._database._writer  # type: ignore[attr-defined]  # the thread itself is made to hang
    go_on = threading.Event()
    commit = writer._commit

    def hang() -> None:
        go_on.wait(90)
        commit()

    monkeypatch.setattr(writer, "_commit", hang)
    async with asyncio.timeout(60):
        assert await state.journal_allocation(allocation(1)) is False
    assert "does not answer" in str(state.problem)
    async with asyncio.timeout(60):
        assert await state.journal_allocation(allocation(2)) is False
    go_on.set()
    await until(lambda: state.problem is None)
    assert await state.committed()
    assert len(open_state().open_allocations()) == 2


async def test_whatever_goes_wrong_in_the_writer_is_told_to_those_who_wait(
    open_state: OpenState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "RETRY_S", 0.05)
    state = open_state()
    writer = state._database._writer  # type: ignore[attr-defined]  # the thread itself is made to fail
    commit = writer._commit
    failures: Iterator[Exception] = iter([RuntimeError("unforeseen"), sqlite3.OperationalError("strange")])

    def fail() -> None:
        for failure in failures:
            raise failure
        commit()

    monkeypatch.setattr(writer, "_commit", fail)
    async with asyncio.timeout(60):
        assert await state.journal_allocation(allocation(1)) is False
        assert "unforeseen" in str(state.problem)
    await until(lambda: state.problem is None)
    assert len(open_state().open_allocations()) == 1


async def test_a_revision_whose_text_was_lost_gives_way_to_the_one_before(open_state: OpenState, home: Path) -> None:
    state = open_state()
    for text in ("one", "two"):
        state.add_revision(text, text, by="Ann", why="", origin=Origin.APPLY, verdict=Verdict.CONFIRMED)
    state.close()
    with sqlite3.connect(home / "state.db") as connection:
        connection.execute("DELETE FROM document WHERE number = 2")
        connection.execute("UPDATE note SET value = CAST(x'ff' AS TEXT)")
    connection.close()

    state = open_state()
    assert [event.kind for event in state.events()] == ["state_rescued"]
    current = state.revision_in_force()
    assert current is not None and current.number == 1
    assert state.revision_document(1) == ("one", "one")
