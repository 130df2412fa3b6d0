"""What the service manager is told: ready, how it is, a sign of life while all goes on, and the end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from efpi_core.cli.service_manager import LONGEST_STATUS, ServiceManager
from efpi_core.cli.sign_of_life import SignOfLife
from efpi_core.clock import SteppedClock
from efpi_core.state.home import Home
from efpi_core.state.sqlite_database import SqliteDatabase
from efpi_core.state.table import NOTE
from efpi_core.state.writer import Outcome, Writer
from tests.support.real_gateway import eventually, program

BEGIN = datetime(2025, 3, 1, tzinfo=UTC)


class Manager:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.line.settimeout(30)

    def heard(self) -> dict[str, str]:
        """The next message."""
        return dict(row.split("=", 1) for row in self.line.recv(4096).decode().split("\n"))

    def until(self, word: str) -> dict[str, str]:
        """The next message with a word."""
        while word not in (message := self.heard()):
            pass
        return message


@pytest.fixture(params=["path"])
def manager(request: Any, tmp_path: Path) -> Iterator[Manager]:
    """A service manager that listens, at a path or at an abstract address."""
    abstract = request.param == "abstract"
    heard = Manager(f"@efpi-test-{os.getpid()}-{id(request)}" if abstract else str(tmp_path / "notify"))
    yield heard
    heard.line.close()


@pytest.mark.parametrize("manager", ["path", "abstract"], indirect=True)
def test_words_arrive_one_a_line_and_a_status_is_one_line(manager: Manager) -> None:
    ServiceManager(manager.address).tell(READY="1", STATUS="degraded: two\nlines\x00" + "x" * 9999)
    told = manager.heard()
    assert told["READY"] == "1"
    assert told["STATUS"].startswith("degraded: two lines")
    assert len(told["STATUS"]) == LONGEST_STATUS


@pytest.mark.parametrize("address", ["", "/no/such/socket", "udp:1.2.3.4:5", "@nobody-listens"])
def test_a_manager_that_is_not_there_is_no_trouble(address: str) -> None:
    ServiceManager(address).tell(READY="1")


def test_a_manager_that_does_not_listen_holds_nobody_up(manager: Manager) -> None:
    ours = ServiceManager(manager.address)
    for _ in range(5000):  # far more than the socket takes
        ours.tell(STATUS="x" * 400)
    assert manager.heard()["STATUS"]


def test_plugins_do_not_inherit_the_manager() -> None:
    environment = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    assert ServiceManager.of(environment).watchdog_s == 30.0
    assert environment == {}


@pytest.mark.parametrize(
    "words", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}]
)
def test_without_a_watchdog_for_this_process_there_is_none(words: dict[str, str]) -> None:
    assert ServiceManager.of({"NOTIFY_SOCKET": "/run/notify", **words}).watchdog_s is None


def test_the_sign_of_life_comes_three_times_and_only_while_all_goes_on(manager: Manager) -> None:
    manager.line.settimeout(0)
    clock = SteppedClock(BEGIN)
    goes_on = True
    sign = SignOfLife(ServiceManager(manager.address, 30.0), clock, lambda: goes_on, lambda: "ok")
    sign.begin()
    assert manager.heard() == {"STATUS": "ok", "WATCHDOG": "1"}
    for second in (10, 20, 30):
        clock.advance(BEGIN + timedelta(seconds=second))
        assert manager.heard() == {"STATUS": "ok", "WATCHDOG": "1"}
    goes_on = False
    clock.advance(BEGIN + timedelta(seconds=40))
    assert manager.heard() == {"STATUS": "ok"}
    sign.stop()
    clock.advance(BEGIN + timedelta(seconds=90))
    with pytest.raises(BlockingIOError):
        manager.heard()


async def test_a_write_that_comes_to_no_end_is_known_and_so_is_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = threading.Event()
    write = Writer.write

    def held(self: Writer, batch: Any) -> Outcome:
        hold.wait(60)
        return write(self, batch)

    monkeypatch.setattr(Writer, "write", held)
    home = Home(tmp_path / "home")
    home.open()
    clock = SteppedClock(BEGIN)
    database = SqliteDatabase(home, clock)
    assert database.standstill_s == 0.0
    database.put(NOTE, ("a", "b"))
    await asyncio.sleep(0)  # the turn ends, and what was put is handed over
    await asyncio.sleep(0)
    clock.advance(BEGIN + timedelta(seconds=100))
    assert database.standstill_s == 100.0
    hold.set()
    async with asyncio.timeout(30):
        while database.standstill_s:  # noqa: ASYNC110  # what the writer's thread reports
            await asyncio.sleep(0)
    database.close()
    home.close()


@pytest.mark.slow
def test_the_real_gateway_tells_when_it_is_ready_and_when_it_ends(tmp_path: Path, manager: Manager) -> None:
    around = dict(os.environ, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="3000000")
    process = subprocess.Popen(
        [program(), "run", "--site", "demo", "--port", "0", "--home", str(tmp_path / "home")],
        env=around,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert manager.heard()["STATUS"].startswith("starting")
        assert manager.until("READY")["READY"] == "1"
        assert manager.until("WATCHDOG")["WATCHDOG"] == "1"
        process.send_signal(signal.SIGTERM)
        assert manager.until("STOPPING")["STOPPING"] == "1"
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


FIRST = """
import os, sys, time
from efpi_core.cli.first_process import part_from_first_process
code = part_from_first_process()
if code is not None:
    sys.exit(code)
orphan = os.fork()
if orphan == 0:
    if os.fork() == 0:
        os._exit(0)     # its parent is gone before it: the first process has to bury it
    os._exit(0)
os.waitpid(orphan, 0)
import signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(os.getpid(), flush=True)
while True:
    time.sleep(1)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a world of processes of its own takes a superuser")
def test_the_first_process_of_a_container_passes_signals_on_and_buries_orphans(tmp_path: Path) -> None:
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no world of processes")
    process = subprocess.Popen([*unshare, sys.executable, "-c", FIRST], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "2"
        first = eventually(lambda: children(process.pid), "the first process is there")[0]
        eventually(lambda: len(children(first)) == 1, "the orphan is buried")
        os.kill(first, signal.SIGTERM)
        assert process.wait(30) == 7
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
