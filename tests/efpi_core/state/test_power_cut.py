"""A power cut is more than a kill: whatever the write-ahead log lost, what opens is a prefix of the commits."""

import asyncio
import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from efpi_core.clock import RealClock
from efpi_core.site.revisions import Origin, Verdict
from efpi_core.state.state import State
from tests.efpi_core.state.state_world import allocation

COMMITS = 60
WAL_HEADER = 32

Cut = Callable[[Path, random.Random], None]


def truncated(home: Path, chance: random.Random) -> None:
    """The log ends at an arbitrary byte."""
    wal = home / "state.db-wal"
    with wal.open("r+b") as file:
        file.truncate(chance.randrange(wal.stat().st_size))


def zeroed(home: Path, chance: random.Random) -> None:
    """The file has its length, and the blocks at its end were never written."""
    wal = home / "state.db-wal"
    size = wal.stat().st_size
    start = chance.randrange(size)
    with wal.open("r+b") as file:
        file.seek(start)
        file.write(bytes(size - start))


def torn(home: Path, chance: random.Random) -> None:
    """One sector in the middle holds something else, as when blocks are written out of order."""
    wal = home / "state.db-wal"
    sectors = range(WAL_HEADER, wal.stat().st_size - 512, 512)
    with wal.open("r+b") as file:
        file.seek(chance.choice(sectors))
        file.write(chance.randbytes(512))


def without_log(home: Path, chance: random.Random) -> None:
    """The log never got a name on the disk."""
    (home / "state.db-wal").unlink()


def without_index(home: Path, chance: random.Random) -> None:
    """The index of the log is gone, as after every power cut."""
    (home / "state.db-shm").unlink(missing_ok=True)


def garbled_index(home: Path, chance: random.Random) -> None:
    """The index of the log is of no log."""
    (home / "state.db-shm").write_bytes(chance.randbytes(32768))


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, Path]]:
    """Copies of a state database at work, each with how many commits it has seen."""
    folder = tmp_path_factory.mktemp("cut")
    copies = asyncio.run(_at_work(folder))
    assert len(copies) > 5
    return copies


async def _at_work(folder: Path) -> list[tuple[int, Path]]:
    state = State.open(folder / "home", RealClock())
    chance = random.Random(7)  # noqa: S311  # moments, not secrets
    copies = []
    for number in range(1, COMMITS + 1):
        await _commit(state, number)
        if number == COMMITS // 3:  # the log was moved into the file before, and began anew
            with contextlib.closing(sqlite3.connect(folder / "home" / "state.db")) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if number > COMMITS // 3 + 1 and chance.random() < 0.3:
            copy = folder / f"at-{number}"
            copy.mkdir(mode=0o700)
            for file in (folder / "home").glob("state.db*"):
                shutil.copyfile(file, copy / file.name)
            copies.append((number, copy))
    state.close()
    return copies


async def _commit(state: State, number: int) -> None:
    """One transaction: an allocation, two values that must agree, and now and then a revision of the site."""
    state.note_allocation(allocation(number, f"appliance-{number}"))
    state.put_instance_value("meter", "count", number)
    state.put_instance_value("meter", "mirror", number)
    if number % 5 == 0:
        revision = state.add_revision(
            f"site {number}", ["site", number], by="test", why="", origin=Origin.APPLY, verdict=Verdict.CANDIDATE
        )
        state.judge_revision(revision.number, Verdict.CONFIRMED)
    assert await state.committed()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("cut", [truncated, zeroed, torn, without_log, without_index, garbled_index])
def test_what_opens_after_a_power_cut_is_a_prefix_of_what_was_committed(
    cut: Cut, seed: int, moments: list[tuple[int, Path]], tmp_path: Path
) -> None:
    chance = random.Random(f"{cut.__name__} {seed}")  # noqa: S311  # where it hits, not a secret
    committed, copy = chance.choice(moments)
    home = tmp_path / "home"
    shutil.copytree(copy, home)
    home.chmod(0o700)
    if chance.random() < 0.5:
        without_index(home, chance)
    cut(home, chance)
    state = State.open(home, RealClock())
    try:
        assert state.problem is None
        assert not [event for event in state.events() if event.kind == "state_rescued"], "the file itself is whole"
        kept = sorted(int(found.allocation_id.split("_")[-1]) for found in state.open_allocations())
        assert kept == list(range(1, len(kept) + 1)), "a prefix, without a gap"
        assert COMMITS // 3 <= len(kept) <= committed, "what was moved into the file is there"
        values = state.instance_values("meter")
        assert values == {"count": len(kept), "mirror": len(kept)}, "whole transactions"
        in_force = state.revision_in_force()
        assert in_force is not None
        document = state.revision_document(in_force.number)
        newest = len(kept) // 5 * 5
        assert document == (f"site {newest}", ["site", newest]), "the revision before or the new one, never a mixture"
        if cut in (without_index, garbled_index):
            assert len(kept) == committed, "the index holds nothing that the log does not"
    finally:
        state.close()
    with contextlib.closing(sqlite3.connect(home / "state.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
