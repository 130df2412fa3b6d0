"""What the doctor looks at, and the cure that it names."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from efpi_core.cli import machine_checks
from efpi_core.cli.house_checks import appliance_checks, house_checks, instance_check, version_check
from efpi_core.cli.kept_checks import (
    TELLING,
    aside_checks,
    database_check,
    event_checks,
    history_check,
    kept_checks,
    look_into,
    secret_checks,
)
from efpi_core.cli.machine_checks import (
    budget_check,
    clock_check,
    disk_check,
    home_check,
    port_check,
    secrets_check,
    serial_check,
    serial_checks,
)
from efpi_core.clock import RealClock
from efpi_core.event_kinds import KINDS
from efpi_core.health_words import DETAILS
from efpi_core.history import checking
from efpi_core.site.loader import load_site
from efpi_core.state.state import State
from efpi_core.views import EventView
from tests.efpi_core.history.history_world import NOON, incoming, ms, opened, put, seconds

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_doctor_says_how_budgets_are_enforced_here(tmp_path: Path) -> None:
    assert "RLIMIT_DATA" in budget_check(Path("/proc")).text
    assert "counted in full" in budget_check(tmp_path).text


def test_a_port_in_use_is_ill_and_the_next_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        found = port_check(port)
    assert (found.state, found.detail) == ("degraded", "port_in_use")
    assert f"--port {port + 1}" in found.cure


def test_a_clock_that_was_never_set_is_ill() -> None:
    assert clock_check(datetime(1970, 1, 2, tzinfo=UTC), synchronous=None).detail == "clock_not_set"


@pytest.mark.parametrize(("synchronous", "mark"), [(True, "ok"), (None, "ok"), (False, "note")])
def test_a_clock_that_no_server_keeps_is_worth_a_note(synchronous: bool | None, mark: str) -> None:
    assert clock_check(NOW, synchronous).mark == mark


def test_a_disk_without_room_is_ill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "LEAST_FREE_BYTES", 1 << 62)
    assert disk_check(tmp_path / "not" / "yet").detail == "disk_low"
    monkeypatch.setattr(machine_checks, "FULL_BYTES", 1 << 62)
    assert disk_check(tmp_path).detail == "disk_full"


def test_a_home_that_is_no_directory_is_ill(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()
    assert home_check(home, gateway_runs=False).detail == "no_directory"


def test_secrets_that_others_may_read_are_ill(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    (tmp_path / "secrets.json").chmod(0o644)
    found, names = secrets_check(tmp_path, {})
    assert (found.state, found.detail, names) == ("misconfigured", "secrets_loose", ())
    assert "chmod 600" in found.cure


def test_a_serial_device_without_rights_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = serial_check(Path("/dev/tty"))
    assert (found.state, found.detail) == ("degraded", "no_rights")
    assert "sudo usermod -aG" in found.cure


def test_a_serial_device_is_found_by_its_kind(tmp_path: Path) -> None:
    assert [found.mark for found in serial_checks(tmp_path)] == ["note"]
    (tmp_path / "ttyUSB0").symlink_to("/dev/null")
    (tmp_path / "ttyUSB1").touch()
    assert [found.text for found in serial_checks(tmp_path)] == [f"{tmp_path}/ttyUSB0 can be opened"]


def test_a_device_without_a_fallback_is_listed_for_the_installer() -> None:
    appliance = {
        "id": "battery", "condition": "ok", "state": "online", "text": "", "cure": "",
        "steerable": True, "safe_fallback": False,
    }  # fmt: skip
    (found,) = appliance_checks(appliance)
    assert (found.mark, found.detail) == ("note", "no_fallback")
    assert "no fallback of its own" in found.text
    assert list(appliance_checks(appliance | {"safe_fallback": True})) == []
    assert list(appliance_checks(appliance | {"steerable": False})) == []


def test_an_instance_in_quarantine_is_ill_with_its_cure() -> None:
    instance = {
        "instance": "p1", "state": "quarantined", "condition": "offline", "offer": "p1", "restarts": 5,
        "text": "it crashed", "detail": "quarantined", "cure": "efpi restart p1",
    }  # fmt: skip
    found = instance_check(instance)
    assert (found.state, found.detail, found.cure) == ("offline", "quarantined", "efpi restart p1")


def test_a_part_that_is_not_well_is_told() -> None:
    part = {"name": "state", "state": "degraded", "text": "no room", "detail": "disk_full", "cure": "free it"}
    health = {"version": "1", "revision": 1, "uptime_s": 60, "instances": [], "parts": [part]}
    found = [(each.what, each.state, each.detail) for each in house_checks(health, [], "1") if each.ill]
    assert found == [("state", "degraded", "disk_full")]


def test_a_gateway_of_another_version_than_the_installed_one_is_to_be_started_again() -> None:
    found = version_check({"version": "0.1.0", "revision": 1, "uptime_s": 60}, "0.2.0")
    assert (found.state, found.detail) == ("degraded", "versions_differ")
    assert "restart" in found.cure
    assert not version_check({"version": "0.2.0", "revision": 1, "uptime_s": 60}, "0.2.0").ill


@pytest.mark.parametrize(
    ("instance", "state", "detail"),
    [
        ({"state": "backing_off", "condition": "offline", "detail": "backing_off"}, "offline", "backing_off"),
        ({"state": "missing", "condition": "misconfigured", "detail": "missing"}, "misconfigured", "missing"),
        ({"state": "running", "condition": "degraded", "detail": "over_budget"}, "degraded", "over_budget"),
        ({"state": "stopped", "condition": "ok", "detail": ""}, "offline", "not_running"),
    ],
)
def test_an_instance_is_told_in_the_words_of_health(instance: dict[str, str], state: str, detail: str) -> None:
    told = {"instance": "p1", "offer": "p1", "restarts": 0, "text": "why", "cure": "do", **instance}
    found = instance_check(told)
    assert (found.state, found.detail, found.cure, found.ill) == (state, detail, "do", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes a superuser")
def test_a_file_system_that_became_read_only_is_named(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=64k"):
        assert disk_check(tmp_path).detail == "disk_full"
        subprocess.run(["mount", "-o", "remount,ro", tmp_path], check=True)
        assert disk_check(tmp_path).detail == "read_only"
        assert home_check(tmp_path, gateway_runs=False).detail == "read_only"


@contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    """A small file system of its own."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only a superuser can become another user")
def test_a_home_of_another_user_is_named_with_chown(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    program = (
        "import sys; from pathlib import Path; from efpi_core.cli.machine_checks import home_check;"
        "found = home_check(Path(sys.argv[1]), gateway_runs=False); print(found.detail, found.cure)"
    )
    for parent in tmp_path.parents[:-1]:
        if not parent.stat().st_mode & 0o001:
            pytest.skip("another user cannot come this far")
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], user=65534, capture_output=True, text=True, check=False
    )
    if "PermissionError" in done.stderr or "No module" in done.stderr:
        pytest.skip("another user cannot run this Python")
    assert done.stdout.startswith("no_rights give it to that user: chown -R 65534"), done.stderr


def test_a_damaged_database_is_named_and_left_for_the_gateway_to_rescue(tmp_path: Path) -> None:
    State.open(tmp_path, RealClock()).close()
    file = tmp_path / "state.db"
    whole = look_into(tmp_path)
    assert whole is not None
    assert not database_check(file, whole).ill
    file.write_bytes(b"garbage" * 1000)
    look = look_into(tmp_path)
    assert look is not None
    found = database_check(file, look)
    assert (found.state, found.detail) == ("degraded", "damaged")
    assert str(tmp_path) in found.text
    assert file.read_bytes() == b"garbage" * 1000
    assert look_into(tmp_path / "none") is None


def test_a_database_of_a_newer_version_is_named(tmp_path: Path) -> None:
    State.open(tmp_path, RealClock()).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("PRAGMA user_version=9999")
    connection.close()
    look = look_into(tmp_path)
    assert look is not None
    found = database_check(tmp_path / "state.db", look)
    assert (found.state, found.detail) == ("misconfigured", "newer")


def test_the_history_is_looked_at_and_left_as_it_is(tmp_path: Path) -> None:
    store = opened(tmp_path)
    put(store, NOON, a__power=incoming((at, float(number)) for number, at in enumerate(seconds(3000))))
    store.seal(ms(NOON), all_of_it=True)
    store.close()
    file = tmp_path / "history.db"
    found = history_check(file)
    assert not found.ill and "is whole" in found.text
    content = file.read_bytes()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE chunk SET content = X'01020304'")
    connection.close()
    found = history_check(file)
    assert (found.state, found.detail) == ("degraded", "damaged") and "chunk 1" in found.text
    damaged = content[:2048] + b"\x55" * (len(content) - 2048)
    file.write_bytes(damaged)
    found = next(found for found in kept_checks(tmp_path, None) if found.what == "history")
    assert (found.state, found.detail) == ("degraded", "damaged")
    assert file.read_bytes() == damaged
    with sqlite3.connect(file.with_name("newer.db")) as connection:
        connection.executescript("PRAGMA application_id=0x65667068; PRAGMA user_version=99; CREATE TABLE a (b);")
    connection.close()
    assert (found := history_check(file.with_name("newer.db"))).state == "misconfigured" and "newer efpi" in found.text


def test_of_a_large_history_all_but_the_raw_values_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(tmp_path)
    put(store, NOON, a__power=incoming([(NOON, 1.0)]))
    store.close()
    monkeypatch.setattr(checking, "READ_WHOLE", 0)
    assert "too large" in history_check(tmp_path / "history.db").text


def test_a_file_that_was_set_aside_is_worth_a_note(tmp_path: Path) -> None:
    for name in ("state.db.damaged-1", "state.db.damaged-1-wal", "history.db.damaged-2"):
        (tmp_path / name).touch()
    found = list(aside_checks(tmp_path))
    assert [(each.mark, each.detail) for each in found] == [("note", "set_aside")] * 2
    assert all("delete the file" in each.cure for each in found)


NEEDY_SITE = """
efpi: 1
appliances:
  inverter: {driver: keyed, config: {host: 192.168.1.40, token: inverter-token}}
"""


def test_a_secret_that_nobody_gave_is_named_with_the_command() -> None:
    offer = SimpleNamespace(config_schema={"properties": {"token": {"type": "string", "secret": True}}})
    plugins = SimpleNamespace(find=lambda name: SimpleNamespace(offer=offer))
    document = load_site(NEEDY_SITE)
    (found,) = secret_checks((document.text, document.data), (), plugins)  # type: ignore[arg-type]  # all that is asked
    assert (found.state, found.detail) == ("misconfigured", "secret_missing")
    assert found.cure == "efpi site secret set inverter-token"
    assert secret_checks((document.text, document.data), ("inverter-token",), plugins) == []  # type: ignore[arg-type]


def test_what_the_journal_says_of_the_last_days_is_told_with_a_count() -> None:
    told = [
        EventView(1, NOW - timedelta(days=30), "error", "old", "plugin_failed", "long ago"),
        EventView(2, NOW - timedelta(days=2), "warning", "gateway", "gateway_ended_badly", "it fell", "look", count=3),
        EventView(3, NOW, "error", "state", "state_rescued", "it was damaged", "check the disk"),
        EventView(4, NOW, "error", "p1", "plugin_failed", "it raised", "report it", count=2),
    ]
    found = list(event_checks(told, NOW))
    assert [each.detail for each in found] == ["ended_badly", "set_aside", "other"]
    assert "3 times in 7 days" in found[0].text
    assert found[2].text == "3 errors in the last 7 days: p1 (2), state (1)"
    assert not any(each.ill for each in found)


def test_what_the_doctor_reads_in_the_journal_is_told_there() -> None:
    assert set(TELLING) <= set(KINDS)
    assert set(TELLING.values()) <= set(DETAILS)
