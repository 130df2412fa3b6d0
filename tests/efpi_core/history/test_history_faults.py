"""Whatever the disk does, the house goes on: the history pauses, says so, and goes on by itself."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from efpi_core.clock import RealClock
from efpi_core.errors import EfpiError, RefusedError
from efpi_core.event_kinds import EventKind
from efpi_core.history import history as history_module
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history import History
from efpi_core.history_views import Resolution
from efpi_core.plugin.observation import ObservedValue, Quality
from tests.efpi_core.history.history_world import NOON, ms


@dataclass
class Slot:
    name: str
    value: ObservedValue
    at: datetime
    unit: str = "W"
    kind: str = "number"
    modulus: float | None = None
    quality: Quality = Quality.GOOD


class Told:
    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.texts: list[str] = []

    def __call__(self, kind: EventKind, subject: str, text: str, cure: str) -> None:
        self.kinds.append(kind.name)
        self.texts.append(f"{text} → {cure or kind.cure}")


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[tuple[History, Told]]:
    history, told = History(home, RealClock()), Told()
    history.on_event = told
    history.start(HistoryFacts)
    try:
        yield history, told
    finally:
        await history.stop()


async def flushed(history: History, condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await history.flush()


async def values(history: History, channel: str) -> list[object]:
    view = await history.values(channel, NOON - timedelta(days=1), NOON + timedelta(days=1), Resolution.RAW)
    return list(view.columns["value"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False)
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


async def test_a_full_disk_pauses_the_history_and_nothing_is_lost(small_disk: Path) -> None:
    async with running(small_disk) as (history, told):
        history.observe(Slot("a.power", 1.0, NOON))
        await history.flush()
        ballast = block(small_disk)
        for number in range(100):
            history.observe(Slot("a.power", float(number), NOON + timedelta(seconds=1 + number)))
        await flushed(history, lambda: history.problem)
        assert history.problem is not None and "is full" in history.problem.problem
        assert await values(history, "a.power") == [1.0]  # what was kept can be asked for
        history.observe(Slot("b.power", 5.0, NOON))
        await history.flush()
        ballast.unlink()
        await flushed(history, lambda: history.problem is None)
        assert await values(history, "a.power") == [1.0, *map(float, range(100))]
        assert await values(history, "b.power") == [5.0]
        assert told.kinds == ["history_paused", "history_resumed"]
        assert "free some space" in told.texts[0] and "nothing was lost" in told.texts[1]


async def test_a_disk_that_is_nearly_full_is_left_to_what_matters_more(small_disk: Path) -> None:
    async with running(small_disk) as (history, _):
        await history.flush()
        ballast = block(small_disk)
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - 40_000)
        history.observe(Slot("a.power", 1.0, NOON))
        await flushed(history, lambda: history.problem)
        (small_disk / "state").write_bytes(b"x" * 30_000)


async def test_what_waits_is_bounded_and_what_is_lost_is_counted(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "MOST_WAITING", 50)
    async with running(small_disk) as (history, told):
        await history.flush()
        ballast = block(small_disk)
        for number in range(80):
            history.observe(Slot("a.power", float(number), NOON + timedelta(seconds=number)))
        await flushed(history, lambda: history.problem)
        ballast.unlink()
        await flushed(history, lambda: history.problem is None)
        assert await values(history, "a.power") == [float(number) for number in range(50)]
        assert history.figures.lost == 30 and "30 values" in told.texts[-1]
        history.observe(Slot("a.power", 99.0, NOON + timedelta(seconds=99)))
        await history.flush()
        assert (await values(history, "a.power"))[-1] == 99.0


async def test_a_start_on_a_read_only_disk_waits_for_a_better_one(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    async with running(small_disk) as (history, told):
        history.observe(Slot("a.power", 1.0, NOON))
        await flushed(history, lambda: history.problem)
        with pytest.raises(EfpiError):
            await values(history, "a.power")
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        await flushed(history, lambda: history.problem is None)
        assert await values(history, "a.power") == [1.0]
        assert told.kinds == ["history_paused", "history_resumed"] and "read-only" in told.texts[0]


@pytest.mark.parametrize("damage", ["header", "nonsense", "middle", "cut"])
async def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, damage: str) -> None:
    async with running(tmp_path) as (history, _):
        for number in range(3000):
            history.observe(Slot(f"a{number % 50}.power", number / 7, NOON + timedelta(seconds=number)))
        await history.flush()
    file = tmp_path / "history.db"
    content = bytearray(file.read_bytes())
    if damage == "header":
        content[:100] = b"\xff" * 100
    elif damage == "nonsense":
        content = bytearray(b"this is no database\n" * 1000)
    elif damage == "middle":
        content[1024 : len(content) // 2] = b"\x55" * (len(content) // 2 - 1024)
    else:
        del content[len(content) // 2 :]
    file.write_bytes(content)
    async with running(tmp_path) as (history, told):
        history.observe(Slot("b.power", 5.0, NOON))
        await flushed(history, lambda: history.figures.used_bytes and history.problem is None)
        assert await values(history, "b.power") == [5.0]
        assert "history_rescued" in told.kinds
    assert (tmp_path / "history.db.damaged-1").exists()


async def test_damage_that_is_met_later_is_mended_then(tmp_path: Path) -> None:
    async with running(tmp_path) as (history, told):
        for number in range(3000):
            history.observe(Slot("a.power", number / 7, NOON + timedelta(seconds=number)))
        await history.flush()
        store = history._writer._store
        assert store is not None
        store.seal(ms(NOON), all_of_it=True)
        with (tmp_path / "history.db").open("r+b") as file:
            size = file.seek(0, 2)
            file.seek(1024)
            file.write(b"\x55" * (size - 1024))
        with pytest.raises(EfpiError):
            await values(history, "a.power")
        history.observe(Slot("b.power", 5.0, NOON))
        await flushed(history, lambda: "history_rescued" in told.kinds and history.problem is None)
        history.observe(Slot("b.power", 6.0, NOON + timedelta(seconds=1)))
        await history.flush()
        assert 6.0 in await values(history, "b.power")


async def test_a_history_of_a_newer_efpi_is_left_alone(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    async with running(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    async with running(tmp_path) as (history, _):
        history.observe(Slot("a.power", 1.0, NOON))
        await flushed(history, lambda: history.problem)
        assert history.problem is not None and "newer efpi" in str(history.problem)


async def test_questions_about_what_is_not_there_are_refused_with_a_cure(tmp_path: Path) -> None:
    async with running(tmp_path) as (history, _):
        history.observe(Slot("a.power", 1.0, NOON))
        await history.flush()
        with pytest.raises(RefusedError, match="no channel"):
            await values(history, "nobody.power")
        with pytest.raises(RefusedError, match="ends before"):
            await history.values("a.power", NOON, NOON, Resolution.RAW)
        with pytest.raises(RefusedError, match="at most"):
            await history.values("a.power", NOON - timedelta(days=9000), NOON, Resolution.QUARTER)
