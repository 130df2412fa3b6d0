"""What the doctor looks at, and the cure that it names."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from efpi_core.cli import machine_checks
from efpi_core.cli.findings import Finding
from efpi_core.cli.house_checks import appliance_checks, house_checks, instance_check
from efpi_core.cli.machine_checks import clock_check, disk_check, home_checks, port_check, serial_check, serial_checks

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_port_in_use_is_ill_and_the_next_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        found = port_check(port)
    assert found.state is Finding.ILL
    assert f"--port {port + 1}" in found.cure


def test_a_clock_that_was_never_set_is_ill() -> None:
    assert clock_check(datetime(1970, 1, 2, tzinfo=UTC), synchronous=None).state is Finding.ILL


@pytest.mark.parametrize(("synchronous", "state"), [(True, "well"), (None, "well"), (False, "note")])
def test_a_clock_that_no_server_keeps_is_worth_a_note(synchronous: bool | None, state: str) -> None:
    assert clock_check(NOW, synchronous).state == state


def test_a_disk_without_room_is_ill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "LEAST_FREE_BYTES", 1 << 62)
    assert disk_check(tmp_path / "not" / "yet").state is Finding.ILL


def test_a_home_that_is_no_directory_is_ill(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()
    assert next(home_checks(home, gateway_runs=False)).state is Finding.ILL


def test_secrets_that_others_may_read_are_ill(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    (tmp_path / "secrets.json").chmod(0o644)
    found = next(found for found in home_checks(tmp_path, gateway_runs=False) if found.what == "secrets")
    assert found.state is Finding.ILL
    assert "chmod 600" in found.cure


def test_a_serial_device_without_rights_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = serial_check(Path("/dev/tty"))
    assert found.state is Finding.ILL
    assert "sudo usermod -aG" in found.cure


def test_a_serial_device_is_found_by_its_kind(tmp_path: Path) -> None:
    assert [found.state for found in serial_checks(tmp_path)] == [Finding.NOTE]
    (tmp_path / "ttyUSB0").symlink_to("/dev/null")
    (tmp_path / "ttyUSB1").touch()
    assert [found.text for found in serial_checks(tmp_path)] == [f"{tmp_path}/ttyUSB0 can be opened"]


def test_a_device_without_a_fallback_is_listed_for_the_installer() -> None:
    appliance = {
        "id": "battery", "condition": "ok", "state": "online", "text": "", "cure": "",
        "steerable": True, "safe_fallback": False,
    }  # fmt: skip
    (found,) = appliance_checks(appliance)
    assert found.state is Finding.NOTE
    assert "no fallback of its own" in found.text
    assert list(appliance_checks(appliance | {"safe_fallback": True})) == []
    assert list(appliance_checks(appliance | {"steerable": False})) == []


def test_an_instance_in_quarantine_is_ill_with_its_cure() -> None:
    instance = {
        "instance": "p1", "state": "quarantined", "condition": "offline", "offer": "p1", "restarts": 5,
        "text": "it crashed", "detail": "", "cure": "efpi restart p1",
    }  # fmt: skip
    found = instance_check(instance)
    assert (found.state, found.cure) == (Finding.ILL, "efpi restart p1")


def test_a_part_that_is_not_well_is_told() -> None:
    health = {
        "version": "1", "revision": 1, "uptime_s": 60, "instances": [],
        "parts": [{"name": "state", "state": "degraded", "text": "the disk is full", "detail": "", "cure": "free it"}],
    }  # fmt: skip
    assert [found.what for found in house_checks(health, []) if found.state is Finding.ILL] == ["state"]
