"""The history: sealing cut short again and again, a disk that fills while it works, and drills of losing a house."""

import random
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

from efpi_core.backup.archive import write_backup
from efpi_core.backup.restore import restore_backup
from efpi_core.clock import RealClock
from efpi_core.errors import SettingsError
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.history.micro import MILLION
from efpi_core.history.writing import HistoryWriter
from efpi_core.state.state import State
from tests.efpi_core.history.history_world import (
    NOON,
    counted,
    counter,
    figures,
    incoming,
    ms,
    naive_quarters,
    opened,
    put,
    quarters,
    raw,
)
from tests.efpi_core.history.test_history_kill import killed_amid_work
from tests.prove.case import Case, Figures

KILLS = 40
DRILLS = 20
FILLINGS = 30
DEADLINE_S = 600.0


def cases() -> Iterable[Case]:
    """Five seeds of kills amid sealing, one of full disks, one of drills."""
    for seed in range(5):
        yield Case(f"killed-amid-seals-{seed}", partial(killed, seed), DEADLINE_S)
    yield Case("disk-fills", disk_fills, DEADLINE_S)
    yield Case("restore-drills", restore_drills, DEADLINE_S)


def killed(seed: int, folder: Path) -> Figures:
    """A history that seals with every second batch is killed: what was kept is there once, sums are right."""
    chance = random.Random(seed)  # noqa: S311  # moments, no secrets
    home = folder / "home"
    home.mkdir()
    missing = 0
    for _ in range(KILLS):
        said = killed_amid_work(home, chance.uniform(0.0, 0.4))
        with closing(sqlite3.connect(home / HISTORY_FILE)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store = opened(home)
        series = raw(store, "a.power")
        count = len(series)
        assert said <= count <= said + 20, f"{said} values were said to be kept, {count} are there"
        missing += count - said
        assert series.values == [float(number % 97) for number in range(count)]
        rows = list(zip(series.stamps, series.values, strict=True))
        assert figures(quarters(store, "a.power")) == naive_quarters(rows)  # type: ignore[arg-type]  # numbers
        assert counted(store, "m.energy") == 10 * (count - 1) * MILLION
        store.close()
    return {"kills": KILLS, "values": count, "kept_unsaid": missing}


def disk_fills(folder: Path) -> Figures:
    """A small disk is filled and freed again and again while batches come; nothing is lost or doubled."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=True, capture_output=True)
    try:
        return _filled_and_freed(disk)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def _filled_and_freed(disk: Path) -> Figures:
    chance = random.Random(3)  # noqa: S311  # moments, no secrets
    writer = HistoryWriter(disk / HISTORY_FILE)
    number = refused = 0
    for filling in range(FILLINGS):
        ballast = disk / "ballast"
        left = chance.choice((0, 1, 20, 60, 150)) * 1024
        free = _free(disk) - left
        if filling % 2 and free > 0:
            ballast.write_bytes(b"x" * free)
        for _ in range(6):
            at = [NOON + timedelta(seconds=7 * (number + step)) for step in range(100)]
            batch = {
                "a.power": incoming((one, float((number + step) % 97)) for step, one in enumerate(at)),
                "m.energy": counter((one, 10.0 * (number + step)) for step, one in enumerate(at)),
            }
            outcome = writer.write(batch, HistoryFacts(), ms(at[-1]))
            if outcome.problem is not None:
                refused += 1
                assert "report this" not in outcome.problem.cure, outcome.problem
                ballast.unlink(missing_ok=True)
            if outcome.kept:
                number += 100
        ballast.unlink(missing_ok=True)
    writer.close()
    store = opened(disk)
    series = raw(store, "a.power")
    assert series.values == [float(one % 97) for one in range(number)]
    assert counted(store, "m.energy") == 10 * (number - 1) * MILLION
    store.close()
    assert refused, "the disk was never full"
    return {"values": number, "refused": refused}


def _free(disk: Path) -> int:
    return int(subprocess.run(["stat", "-f", "-c", "%a", disk], capture_output=True, check=True).stdout) * 4096


def restore_drills(folder: Path) -> Figures:
    """A home is backed up beside its writer and restored: what was kept is there; damaged copies are refused."""
    chance = random.Random(5)  # noqa: S311  # places, no secrets
    home = folder / "home"
    State.open(home, RealClock()).close()
    number = refused = 0
    for drill in range(DRILLS):
        store = opened(home)
        for _ in range(chance.randint(1, 5)):
            at = [NOON + timedelta(seconds=7 * (number + step)) for step in range(200)]
            put(store, at[-1], a__power=incoming((one, float((number + step) % 97)) for step, one in enumerate(at)))
            number += 200
        backup = folder / f"{drill}.efpi"
        write_backup(home, backup, version="0", now=NOON, with_secrets=False)
        before = raw(store, "a.power")
        put(store, NOON, b__power=incoming([(NOON, 1.0)]))
        store.close()
        refused += _damaged_is_refused(backup, home, chance)
        restore_backup(backup, home)
        store = opened(home)
        after = raw(store, "a.power")
        assert (list(after.stamps), list(after.values)) == (list(before.stamps), list(before.values))
        assert len(after) == number
        assert store.ask(lambda reader: reader.channel("b.power")) is None, "what came after the backup is not in it"
        store.close()
    return {"drills": DRILLS, "values": number, "damaged_refused": refused}


def _damaged_is_refused(backup: Path, home: Path, chance: random.Random) -> int:
    """A copy with one bit flipped is refused, or as good as the backup; the home stays as it is either way."""
    content = bytearray(backup.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    damaged = backup.with_suffix(".damaged")
    damaged.write_bytes(content)
    try:
        restore_backup(damaged, home)
    except SettingsError:
        return 1
    return 0
