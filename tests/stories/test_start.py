"""Places in which a gateway is not welcome: a full or read-only home, a port in use, a second gateway."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.real_gateway import RealGateway, efpi, running, site_file, started

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk or become another user")

SMALL = """\
efpi: 1
name: Small house
appliances:
  household: {driver: simulated.base_load}
  battery: {driver: simulated.battery}
"""
NOBODY = 65534
POWERLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
"""Root without its power over others' files: what any user is to a home that belongs to someone else."""


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "efpi-story", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let us mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def part(gateway: RealGateway, name: str) -> dict[str, str]:
    """One part of its health."""
    found: dict[str, str] = next((part for part in gateway.health()["parts"] if part["name"] == name), {})
    return found


def powers(gateway: RealGateway) -> bool:
    return gateway.power("household") is not None and gateway.power("battery") is not None


def is_named_with_its_cure(gateway: RealGateway, problem: str, cure: str) -> None:
    """The same sentence on the page, in the log, and by the doctor."""
    gateway.eventually(lambda: problem in part(gateway, "state").get("text", ""), f"health says {problem!r}")
    assert cure in part(gateway, "state")["cure"]
    assert gateway.health()["status"] == "degraded"
    assert problem in gateway.log
    doctor = gateway.cli("doctor")
    if doctor.code != 3:
        assert doctor.code == 4 and problem in doctor.out and cure in doctor.out, doctor


@needs_root
@pytest.mark.slow
def test_a_house_runs_on_while_its_disk_is_full_and_writes_again_when_there_is_room(home: Path, tmp_path: Path) -> None:
    site = site_file(tmp_path, SMALL)
    with small_disk(home, "size=1m"), running(home, site) as gateway:
        gateway.eventually(lambda: powers(gateway), "both are live")
        filler = home / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        for number in range(40):
            gateway.cli("limit", "set", f"full{number}", "--upper", "9000")
            if part(gateway, "state")["state"] != "ok":
                break
        is_named_with_its_cure(gateway, "is full", "free some space")
        assert powers(gateway)
        filler.unlink()
        gateway.eventually(lambda: part(gateway, "state")["state"] == "ok", "it writes again")
        assert gateway.cli("limit", "set", "after", "--upper", "8000").code == 0
        gateway.end()


@needs_root
@pytest.mark.slow
def test_a_house_on_a_read_only_disk_runs_and_says_what_it_cannot_keep(home: Path, tmp_path: Path) -> None:
    site = site_file(tmp_path, SMALL)
    with small_disk(home, "size=8m,ro"), running(home, site) as gateway:
        gateway.eventually(lambda: powers(gateway), "both are live")
        is_named_with_its_cure(gateway, "read-only", "--home")
        gateway.end()


@needs_root
@pytest.mark.slow
def test_a_home_of_another_user_is_named_with_the_cure(home: Path, tmp_path: Path) -> None:
    home.mkdir(mode=0o755)
    os.chown(home, NOBODY, NOBODY)
    with running(home, site_file(tmp_path, SMALL), wrapper=POWERLESS) as gateway:
        gateway.eventually(lambda: powers(gateway), "both are live")
        is_named_with_its_cure(gateway, "may not write", "chown")
        gateway.end()


@pytest.mark.slow
def test_a_port_in_use_stops_nobody_and_is_taken_when_it_is_free(home: Path, tmp_path: Path) -> None:
    site = site_file(tmp_path, SMALL)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with started(home, site, port=port) as gateway:
            gateway.eventually(lambda: gateway.cli("appliances").code == 0, "it obeys its socket")
            gateway.eventually(lambda: len(gateway.says("appliances")) == 2, "both are there")
            assert f"{port} is in use" in gateway.log.replace("port ", "")
            doctor = gateway.cli("doctor")
            assert doctor.code == 4 and "in use" in doctor.out and "→" in doctor.out
            taken.close()
            gateway.port = port
            gateway.eventually(lambda: "the page is at" in gateway.log, "it takes the port")
            assert gateway.health()["status"] in ("ok", "starting")


@pytest.mark.slow
def test_a_second_gateway_on_the_same_home_is_turned_away(home: Path, tmp_path: Path) -> None:
    site = site_file(tmp_path, SMALL)
    with running(home, site) as gateway:
        gateway.all_run()
        second = efpi("run", "--home", home, "--site", site, "--port", 0)
        assert second.code == 5
        assert str(gateway.pid) in second.err and "→" in second.err and "Traceback" not in second.err
        gateway.all_run()
        assert gateway.cli("appliances").code == 0
