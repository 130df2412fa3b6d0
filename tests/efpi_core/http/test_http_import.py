"""An import while the gateway runs: staged by the command, taken in between the batches, and hostile files refused."""

import asyncio
import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from efpi_core.cli.main import run_command
from efpi_core.history.importing import stage_csv
from efpi_core.history.staged import StagedValues
from efpi_core.plugin.observation import Quality
from tests.efpi_core.history.history_world import incoming
from tests.efpi_core.http.test_http_history import remembering
from tests.support.http_world import NOON, Served

NAME = f"import-{'0' * 16}.staged"


def csv_file(folder: Path, count: int = 500) -> Path:
    file = folder / "old.csv"
    begin = NOON - timedelta(days=40)
    lines = [f"old.power,{(begin + timedelta(minutes=n)).isoformat()},{n % 50},W,number" for n in range(count)]
    file.write_text("\n".join(["channel,at,value,unit,kind", *reversed(lines)]))
    return file


async def taken_in(house: Served, name: str = NAME) -> tuple[int, object]:
    answer = await house.own("POST", "/api/history/import", {"file": name})
    return answer.status, answer.json


async def test_what_was_staged_is_taken_in_once_and_the_file_is_gone(tmp_path: Path) -> None:
    async with remembering(tmp_path) as house:
        for taken in (500, 0):
            stage_csv(csv_file(tmp_path), tmp_path / NAME)
            status, told = await taken_in(house)
            assert (status, told) == (
                200, {"rows": 500, "taken": taken, "known": 500 - taken, "summed_up": 0, "channels": 1},
            )  # fmt: skip
            assert not (tmp_path / NAME).exists()
        found = (await house.get("/api/history/old.power?from=2025-04-22T00:00:00Z&resolution=day")).json["columns"]
        assert sum(found["n"]) == 500 and sum(map(float, found["energy"])) > 0


async def test_what_comes_live_meanwhile_is_kept(tmp_path: Path) -> None:
    async with remembering(tmp_path) as house:
        history = house.gateway.kept  # type: ignore[attr-defined]
        stage_csv(csv_file(tmp_path, 5000), tmp_path / NAME)
        importing = asyncio.create_task(taken_in(house))
        for number in range(5):
            slot = incoming([(NOON + timedelta(minutes=number + 1), 7.0)])
            history._pending["live.power"] = slot
            await history.flush()
        assert (await importing)[0] == 200
        found = (await house.get("/api/history/live.power?to=2025-06-01T13:00:00Z&resolution=raw")).json["columns"]
        assert found["value"] == [7.0] * 5


async def test_the_command_imports_beside_a_running_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with remembering(tmp_path) as house:
        words = ["history", "import", str(csv_file(tmp_path)), "--home", str(house.home)]
        assert await asyncio.to_thread(run_command, words) == 0
        assert "500 taken" in capsys.readouterr().out
        assert not list(tmp_path.glob("import-*"))


@pytest.mark.parametrize("name", ["", "state.db", "../x", "/etc/passwd", "import-1.staged", f"{NAME}\n", f"x/{NAME}"])
async def test_only_a_staged_file_in_the_home_is_taken(tmp_path: Path, name: str) -> None:
    async with remembering(tmp_path) as house:
        status, told = await taken_in(house, name)
        assert status in (400, 409, 422) and "history import" in str(told)


async def test_a_file_that_is_missing_or_none_is_named(tmp_path: Path) -> None:
    async with remembering(tmp_path) as house:
        for content in (None, b"", b"SQLite format 3\0" + b"x" * 500):
            if content is not None:
                (tmp_path / NAME).write_bytes(content)
            status, told = await taken_in(house)
            assert 400 <= status < 500, told
            assert not (tmp_path / NAME).exists()
        assert (await house.get("/api/history/boiler.power")).status == 200


ODD_ROWS = [
    ("old.power", "soon", 1.0, 0, 0),
    ("old.power", -1, 1.0, 0, 0),
    ("old.power", 1 << 62, 1.0, 0, 0),
    ("old.power", 1, float("inf"), 0, 0),
    ("old.power", 1, b"bytes", 0, 0),
    ("old.power", 1, "x" * 5000, 0, 0),
    ("old.power", 1, 1.0, 0, 7),
    ("old.power", 1, 1.0, 0, "good"),
]


@pytest.mark.parametrize("row", ODD_ROWS)
async def test_a_row_that_no_import_has_is_refused_and_nothing_of_its_channel_taken(
    tmp_path: Path, row: tuple[object, ...]
) -> None:
    async with remembering(tmp_path) as house:
        stage_csv(csv_file(tmp_path, 3), tmp_path / NAME)
        with closing(sqlite3.connect(tmp_path / NAME)) as connection:
            connection.execute("INSERT INTO row VALUES (?, ?, ?, ?, ?)", row)
            connection.commit()
        status, told = await taken_in(house)
        assert 400 <= status < 500 and "anew" in str(told)
        assert (await house.get("/api/history/old.power")).status >= 400


async def test_names_that_no_import_has_are_refused(tmp_path: Path) -> None:
    async with remembering(tmp_path) as house:
        for name in ("x" * 500, "a\x1b[2J.b", ""):
            with closing(StagedValues(tmp_path / NAME, made=False)) as staged:
                staged.name(name, "W", "number")
                staged.put([(name, 1_700_000_000_000, 1.0, list(Quality).index(Quality.GOOD))])
            assert 400 <= (await taken_in(house))[0] < 500


async def test_flipped_bits_of_a_staged_file_cost_that_import(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311  # places, no secrets
    async with remembering(tmp_path) as house:
        stage_csv(csv_file(tmp_path, 300), tmp_path / "sound")
        sound = (tmp_path / "sound").read_bytes()
        for _ in range(40):
            content = bytearray(sound)
            for _ in range(chance.randint(1, 20)):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            (tmp_path / NAME).write_bytes(content)
            status, told = await taken_in(house)
            assert status == 200 or 400 <= status < 500, told
        assert (await house.get("/api/history/boiler.power")).status == 200
        assert house.gateway.kept.problem is None  # type: ignore[attr-defined]


async def test_sums_are_made_anew_beside_a_running_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with remembering(tmp_path) as house:
        await house.gateway.kept.flush()  # type: ignore[attr-defined]
        with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
            connection.execute("UPDATE quarter SET estimated = 0 WHERE counted IS NULL")
            connection.commit()
        words = ["history", "rebuild", "--home", str(house.home)]
        for told in ("3 channels: 12", "3 channels: 0"):
            assert await asyncio.to_thread(run_command, words) == 0
            assert told in capsys.readouterr().out
