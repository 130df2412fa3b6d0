import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from efpi_core.clock import RealClock
from efpi_core.errors import SettingsError, TryAgainError
from efpi_core.state.database_file import APPLICATION_ID, MIGRATIONS, migration_files
from efpi_core.state.home import default_home
from efpi_core.state.state import State

HOLDER = """
import sys
from pathlib import Path
from efpi_core.clock import RealClock
from efpi_core.state.state import State

state = State.open(Path(sys.argv[1]), RealClock())
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(home: Path) -> "subprocess.Popen[str]":
    """Another process that lives in the test's home."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_gateway_is_refused_and_told_who_holds_the_home(home: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(TryAgainError) as refused:
        State.open(home, RealClock())
    assert f"process id {holder.pid}" in str(refused.value)
    assert "--home" in refused.value.cure


def test_a_killed_gateways_home_is_free_at_once(home: Path, holder: "subprocess.Popen[str]") -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    State.open(home, RealClock()).close()


def test_the_home_is_only_for_its_user(home: Path) -> None:
    before = os.umask(0)
    try:
        State.open(home, RealClock()).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {
        "gateway.lock": 0o600,
        "state.db": 0o600,
    }


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/efpi:/var/lib/other", "XDG_DATA_HOME": "/x"}, Path("/var/lib/efpi")),
        ({"EFPI_HOME": "/srv/house", "STATE_DIRECTORY": "/var/lib/efpi"}, Path("/srv/house")),
        ({"XDG_DATA_HOME": "/srv/data"}, Path("/srv/data/efpi")),
        ({"XDG_DATA_HOME": "relative"}, Path.home() / ".local/share/efpi"),
        ({}, Path.home() / ".local/share/efpi"),
    ],
)
def test_the_default_home_is_what_the_environment_names(environment: dict[str, str], expected: Path) -> None:
    assert default_home(environment) == expected


def test_each_migration_has_a_number_of_its_own() -> None:
    assert len(migration_files()) == len(list(MIGRATIONS.glob("*.sql")))


def test_a_newer_database_is_refused_with_the_cure_and_left_as_it_is(home: Path) -> None:
    State.open(home, RealClock()).close()
    newer = max(migration_files()) + 1
    with sqlite3.connect(home / "state.db") as connection:
        connection.execute(f"PRAGMA user_version={newer}")
    connection.close()
    with pytest.raises(SettingsError) as refused:
        State.open(home, RealClock())
    assert f"schema {newer}, this one knows {newer - 1}" in str(refused.value)
    assert "run the newer efpi" in refused.value.cure
    with pytest.raises(SettingsError):  # and the lock was let go
        State.open(home, RealClock())


def test_a_database_of_another_program_is_refused(home: Path) -> None:
    home.mkdir()
    with sqlite3.connect(home / "state.db") as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()
    with pytest.raises(SettingsError, match="another program"):
        State.open(home, RealClock())


def test_a_migration_happens_whole_or_not_at_all(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    State.open(home, RealClock()).close()
    steps = tmp_path / "migrations"
    steps.mkdir()
    for path in MIGRATIONS.glob("*.sql"):
        (steps / path.name).write_text(path.read_text())
    last = max(migration_files()) + 1
    monkeypatch.setattr("efpi_core.state.database_file.MIGRATIONS", steps)
    bad = steps / f"{last:04d}_bad.sql"
    bad.write_text("CREATE TABLE fresh (a TEXT);\nINSERT INTO nowhere VALUES (1);\n")

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        State.open(home, RealClock())
    with sqlite3.connect(home / "state.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (last - 1,)
        assert not connection.execute("SELECT * FROM sqlite_schema WHERE name = 'fresh'").fetchall()
    connection.close()

    bad.write_text("CREATE TABLE fresh (a TEXT);\nINSERT INTO fresh VALUES ('it''s; here');\n")
    State.open(home, RealClock()).close()
    with sqlite3.connect(home / "state.db") as connection:
        assert connection.execute("SELECT a FROM fresh").fetchone() == ("it's; here",)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()
    copy = home / f"state.db.schema-{last - 1}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (last - 1,)
    connection.close()
