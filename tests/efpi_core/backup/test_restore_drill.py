"""The drill: a house is lost and comes back from its backup, with real gateways and real commands."""

import json
import shutil
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.real_gateway import RealGateway, Told, efpi, running, site_file

HOUSE = """
efpi: 1
name: Drill
time_zone: Europe/Amsterdam
tariff: [{import_per_kwh: 0.30, export_per_kwh: 0.07}]
history: {size_mb: 64}
appliances:
  load: {driver: simulated.base_load, run: inline}
"""


def observed(gateway: RealGateway) -> int:
    """How many values of the load's power are kept."""
    told = gateway.cli("history", "show", "load.power", "--from", "1h", "--resolution", "raw", "--json")
    return len(told.json["columns"]["value"]) if told.code == 0 else 0


def kept(home: Path) -> list[object]:
    told = efpi("history", "show", "load.power", "--from", "1h", "--resolution", "raw", "--json", "--home", home)
    assert told.code == 0, told
    values: list[object] = told.json["columns"]["value"]
    return values


def told_ok(*words: object) -> Told:
    told = efpi(*words)
    assert told.code == 0, told
    return told


@pytest.mark.slow
def test_a_house_is_lost_and_comes_back(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "house.efpi"
    efpi("site", "secret", "set", "wifi", "--file", site_file(tmp_path, "hush", "secret.txt"), "--home", home)
    with running(home, site_file(tmp_path, HOUSE)) as gateway:
        gateway.all_run()
        assert gateway.cli("limit", "set", "drill", "--upper", "4200").code == 0
        gateway.eventually(lambda: observed(gateway), "something is kept of what was observed", 60)
        told = gateway.cli("backup", file, "--json")
        assert told.code == 0, told
        refused = gateway.cli("restore", file)
        assert refused.code == 5 and "in use" in refused.err, refused
        assert gateway.health()["status"] == "ok"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["manifest.json", "state.db", "history.db", "site.yaml"]
        assert b"hush" not in b"".join(archive.read(name) for name in archive.namelist())
        assert b"name: Drill" in archive.read("site.yaml")
    before = kept(home)
    shutil.rmtree(home)

    told = told_ok("restore", file, "--home", home, "--json")
    assert told.json["aside"] is None
    after = kept(home)
    assert after and after == before[: len(after)]
    with running(home) as gateway:
        gateway.all_run()
        health = gateway.health()
        assert (
            health["site"] == "Drill" and {part["name"]: part["state"] for part in health["parts"]}["history"] == "ok"
        )
        assert [limit["limit_id"] for limit in gateway.get("/api/limits")] == ["drill"]
        gateway.eventually(lambda: observed(gateway) > len(after), "the history goes on", 60)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as a gateway left it, made without one."""
    from efpi_core.clock import RealClock  # noqa: PLC0415
    from efpi_core.site.revisions import Origin, Verdict  # noqa: PLC0415
    from efpi_core.state.state import State  # noqa: PLC0415
    from tests.efpi_core.history.history_world import NOON, incoming, opened, put  # noqa: PLC0415

    place = tmp_path / "home"
    state = State.open(place, RealClock())
    state.add_revision(
        "efpi: 1\nname: Kept\n",
        {"efpi": 1, "name": "Kept"},
        by="Ann",
        why="",
        origin=Origin.APPLY,
        verdict=Verdict.CONFIRMED,
    )
    state.close()
    store = opened(place)
    put(store, NOON, a__power=incoming([(NOON, 5.0)]))
    store.close()
    return place


def test_the_old_home_is_set_aside_with_its_secrets_kept(home: Path, tmp_path: Path) -> None:
    (home / "secrets.json").write_text('{"wifi": "hush"}')
    (home / "secrets.json").chmod(0o600)
    told_ok("backup", tmp_path / "plain.efpi", "--home", home)
    told_ok("backup", tmp_path / "whole.efpi", "--home", home, "--with-secrets")
    assert "secrets.json" not in zipfile.ZipFile(tmp_path / "plain.efpi").namelist()
    for number, name in enumerate(("plain.efpi", "whole.efpi"), 1):
        told = told_ok("restore", tmp_path / name, "--home", home, "--json")
        assert told.json["aside"] == str(tmp_path / f"home.before-restore-{number}")
        assert (tmp_path / f"home.before-restore-{number}" / "state.db").exists()
        assert json.loads((home / "secrets.json").read_text()) == {"wifi": "hush"}
        assert stat.S_IMODE((home / "secrets.json").stat().st_mode) == 0o600
    assert "Kept" in told_ok("site", "show", "--home", home).out


def memory(database: Path) -> dict[str, str]:
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute("SELECT key, value FROM memory"))


def test_what_plugins_keep_as_secrets_goes_with_the_secrets(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "state.db")) as connection:
        kept = [("s2 s2", "secret.pairing", '"hush-hush"'), ("s2 s2", "node", '"plain"')]
        connection.executemany("INSERT INTO memory VALUES (?, ?, ?)", kept)
        connection.commit()
    both = {"secret.pairing": '"hush-hush"', "node": '"plain"'}
    for name, options, inside in (("plain.efpi", [], {"node": '"plain"'}), ("whole.efpi", ["--with-secrets"], both)):
        told_ok("backup", tmp_path / name, "--home", home, *options)
        with zipfile.ZipFile(tmp_path / name) as archive:
            content = archive.read("state.db")
        (tmp_path / "copy.db").write_bytes(content)
        assert memory(tmp_path / "copy.db") == inside
        assert (b"hush-hush" in content) is (inside == both)
    told_ok("restore", tmp_path / "plain.efpi", "--home", home)
    assert memory(home / "state.db") == both


def rewritten(source: Path, target: Path, **changed: bytes) -> Path:
    """A backup in which some files are others; names without their dots."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as made:
        for name in archive.namelist():
            made.writestr(name, changed.get(name.replace(".", "_"), archive.read(name)))
    return target


@pytest.mark.parametrize("damage", ["cut", "flipped", "other", "list", "foreign", "escape", "missing", "newer"])
def test_what_is_no_whole_backup_changes_nothing(home: Path, tmp_path: Path, damage: str) -> None:
    good, bad = tmp_path / "good.efpi", tmp_path / "bad.efpi"
    told_ok("backup", good, "--home", home)
    content = bytearray(good.read_bytes())
    listed = json.loads(zipfile.ZipFile(good).read("manifest.json"))
    if damage == "cut":
        bad.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 3] ^= 0xFF
        bad.write_bytes(content)
    elif damage == "other":
        rewritten(good, bad, state_db=b"nonsense")
    elif damage == "list":
        rewritten(good, bad, manifest_json=b"[]")
    elif damage == "foreign":
        bad.write_bytes(b"no zip at all")
    elif damage == "escape":
        listed["files"].append({"name": "../evil", "size": 1, "sha256": "0"})
        rewritten(good, bad, manifest_json=json.dumps(listed).encode())
    elif damage == "newer":
        rewritten(good, bad, manifest_json=json.dumps(listed | {"format": 99}).encode())
    before = sorted(path.name for path in home.iterdir())
    told = efpi("restore", bad, "--home", home)
    assert told.code == 1 and "Traceback" not in told.err and "→" in told.err, told
    assert sorted(path.name for path in home.iterdir() if path.name != "gateway.lock") == [
        name for name in before if name != "gateway.lock"
    ]
    assert not [path for path in tmp_path.iterdir() if "restore" in path.name]
    with sqlite3.connect(home / "state.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_backup_takes_no_file_s_place(home: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    told = efpi("backup", tmp_path / "there", "--home", home)
    assert told.code == 1 and (tmp_path / "there").read_text() == "mine"
    assert efpi("backup", tmp_path / "new", "--home", tmp_path / "nowhere").code == 1
