"""Hosted instances in real processes, and whatever a plugin may do wrong in them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from efi.storage import ActuatorAllocation, StorageAllocation, StorageSystemDescription
from efpi_core.host.exec_launcher import ExecLauncher
from efpi_core.host.frames import Connected, Deliver, Ping, Pong, Say, Stopped
from efpi_core.host.host import End
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.pace import Pace
from tests.support.hosted_world import (
    BEGIN,
    Listener,
    children_of,
    environment,
    gone_within,
    hosted,
    runs,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> AsyncIterator[ForkServerLauncher]:
    launcher = ForkServerLauncher(environment())
    yield launcher
    await launcher.close()


@pytest.fixture(autouse=True)
def nothing_is_left(launcher: ForkServerLauncher) -> Iterator[None]:
    yield
    children = children_of(launcher.pid) if launcher.pid is not None else []
    left = [pid for pid in children if not gone_within(pid)]  # one that was not wanted any more ends once it is made
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def allocation(number: int = 1) -> Deliver:
    selector = ActuatorAllocation(actuator_id="main", mode_id="charge", start_time=BEGIN)
    message = StorageAllocation(
        message_id=f"app_{number}",
        appliance_id="battery",
        timestamp=BEGIN,
        control_space_update_id="battery_1",
        actuators=(selector,),
    )
    return Deliver("battery", message)


async def test_an_instance_lives_and_ends_in_order(launcher: ForkServerLauncher, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    host, listener = hosted(launcher, diary=str(diary))
    await listener.ready()
    assert host.pid is not None
    assert Path(f"/proc/{host.pid}/comm").read_text() == "efpi:battery\n"
    assert os.getsid(host.pid) == host.pid
    host.send(Connected("battery", "app"))
    host.send(allocation())
    await listener.until(lambda: "accepted" in str(listener.frames[-3:]))
    pid = host.pid
    host.stop(5.0, "enough")
    ending = await listener.end()
    assert ending.how is End.STOPPED
    assert listener.of(Stopped) == [Stopped()]
    assert diary.read_text().split("\n") == ["start", "run charge", "safe", "stop", ""]
    assert not host.alive
    assert not runs(pid)


async def test_the_same_instance_started_as_a_program_of_its_own() -> None:
    host, listener = hosted(ExecLauncher(environment=environment()))
    await listener.ready()
    assert isinstance(listener.of(Say)[0].message, StorageSystemDescription)
    pid = host.pid
    host.stop(5.0, "enough")
    assert (await listener.end()).how is End.STOPPED
    assert pid is not None
    assert not runs(pid)


async def test_frames_sent_before_the_process_is_there_are_not_lost(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher)
    host.send(Connected("battery", "app"))
    host.send(Ping(7))
    assert host.sent == 2
    await listener.until(lambda: listener.of(Pong))
    assert [(pong.number, pong.received) for pong in listener.of(Pong)] == [(7, 2)]
    host.stop(5.0, "enough")
    await listener.end()


async def test_an_order_to_end_that_comes_before_the_process_is_there_is_kept(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher)
    host.stop(5.0, "never mind")
    assert (await listener.end()).how is End.STOPPED


@pytest.mark.parametrize("moment", ["start", "poll", "message"])
@pytest.mark.parametrize(
    ("fault", "how", "words"),
    [
        ("raise", End.FAILED, "RuntimeError: the driver has a fault"),
        ("sys_exit", End.FAILED, "SystemExit: 4"),
        ("exit", End.CRASHED, "gone with exit status 3"),
        ("nonsense", End.BROKE_RULES, "a frame of 1195725856 bytes was announced"),
        ("not_json", End.BROKE_RULES, "what came is not JSON"),
        ("unknown_op", End.BROKE_RULES, "there is no 'op' 'explode' in this version"),
        ("close", End.CRASHED, "closed its socket and lived on"),
        ("flood", End.FLOODED, "it sent more than the gateway could take"),
    ],
)
async def test_a_fault_ends_the_instance_and_is_named(
    launcher: ForkServerLauncher, moment: str, fault: str, how: End, words: str
) -> None:
    host, listener = hosted(launcher, moment=moment, fault=fault, every_s=0.05)
    host.send(allocation())
    await listener.until(lambda: host.pid or listener.endings)
    pid = host.pid
    ending = await listener.end()
    assert (ending.how, words in ending.text) == (how, True), ending
    if how is End.FAILED:
        assert listener.failed.moment == ("start" if moment == "start" else "running")
        assert "faults.py" in listener.failed.traceback
    assert pid is None or not runs(pid)


@pytest.mark.parametrize("moment", ["start", "poll"])
@pytest.mark.parametrize("fault", ["busy", "block"])
async def test_a_hung_process_ends_itself_and_shows_where_it_hung(
    launcher: ForkServerLauncher, moment: str, fault: str
) -> None:
    _, listener = hosted(launcher, moment=moment, fault=fault, patience_s=1.0, every_s=0.05)
    ending = await listener.end()
    assert (ending.how, ending.text) == (
        End.KILLED,
        "its event loop stood still, and its own watchdog ended it",
    )
    assert any(line.startswith("Timeout (0:00:00.9") for line in listener.lines)
    assert any("faults.py" in line and "commit" in line for line in listener.lines)


def _ponged(listener: Listener, number: int) -> bool:
    return len(listener.of(Pong)) > number


async def test_a_handler_that_waits_for_ever_is_told_by_its_duration(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher, moment="poll", fault="hang", every_s=0.05)
    await listener.ready()
    for number in range(100):
        host.send(Ping(number))
        await listener.until(partial(_ponged, listener, number))
        if listener.of(Pong)[-1].busy_s > 0.1:
            break
        await asyncio.sleep(0.01)
    assert listener.of(Pong)[-1].busy_s > 0.1
    host.stop(5.0, "enough")
    await listener.end()


async def test_a_hung_handler_does_not_keep_the_device_from_its_safe_state(
    launcher: ForkServerLauncher, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    host, listener = hosted(launcher, moment="poll", fault="hang", every_s=0.05, diary=str(diary))
    await listener.ready()
    await listener.until(lambda: "fault hang" in diary.read_text())
    host.stop(1.0, "enough")
    assert (await listener.end()).how is End.STOPPED
    assert diary.read_text().split() == ["start", "fault", "hang", "safe", "stop"]


async def test_a_safe_state_that_does_not_come_is_told_and_the_rest_goes_on(
    launcher: ForkServerLauncher, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    host, listener = hosted(launcher, moment="safe_state", fault="hang", diary=str(diary))
    await listener.ready()
    host.stop(1.0, "enough")
    assert (await listener.end()).how is End.STOPPED
    assert listener.of(Stopped) == [Stopped(("battery: TimeoutError",))]
    assert diary.read_text().split() == ["start", "fault", "hang", "stop"]


@pytest.mark.parametrize("moment", ["safe_state", "stop"])
async def test_an_end_that_takes_too_long_is_ended(launcher: ForkServerLauncher, moment: str) -> None:
    host, listener = hosted(launcher, moment=moment, fault="block")
    await listener.ready()
    host.stop(0.5, "enough")
    ending = await listener.end()
    assert (ending.how, ending.text) == (End.KILLED, "did not end within 0.5 s of being asked")


@pytest.mark.parametrize("fault", ["fork", "daemon"])
@pytest.mark.parametrize("end", ["stop", "kill", "signal"])
async def test_what_a_plugin_forks_goes_with_it(launcher: ForkServerLauncher, fault: str, end: str) -> None:
    host, listener = hosted(launcher, moment="start", fault=fault)
    await listener.ready()
    await listener.until(listener.forked)
    (forked,) = listener.forked()
    assert runs(forked)
    assert host.pid is not None
    if end == "stop":
        host.stop(5.0, "enough")
    elif end == "kill":
        host.kill("enough")
    else:
        os.kill(host.pid, signal.SIGKILL)
    ending = await listener.end()
    assert gone_within(forked)
    if end == "signal":
        assert (ending.how, ending.text) == (End.CRASHED, "ended by signal 9 (SIGKILL)")


async def test_a_process_that_is_asked_by_a_signal_ends_in_order(launcher: ForkServerLauncher, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    host, listener = hosted(launcher, diary=str(diary))
    await listener.ready()
    assert host.pid is not None
    os.kill(host.pid, signal.SIGTERM)
    assert (await listener.end()).how is End.STOPPED
    assert diary.read_text().split() == ["start", "safe", "stop"]


async def test_what_is_printed_is_heard_and_bounded(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher, moment="start", fault="print")
    await listener.ready()
    assert listener.lines[0] == "line 0 \N{REPLACEMENT CHARACTER}[2J of far too many"
    host.stop(5.0, "enough")
    await listener.end()
    assert len(listener.lines) < 2000
    assert any("lines left out: it print" in line for line in listener.lines)
    assert host.tail[-1].startswith("line 199999 ")


async def test_bytes_that_are_no_text_are_heard_too(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher, moment="start", fault="print_bytes")
    await listener.ready()
    await listener.until(lambda: listener.lines)
    assert listener.lines[0].startswith("\\xff\\xfe no newline ")
    assert max(map(len, listener.lines)) <= 1000
    host.kill("enough")
    await listener.end()


@pytest.mark.parametrize(
    ("fault", "how", "words"),
    [
        ("raise", End.FAILED, "faulty_plugin cannot be imported: RuntimeError: the driver has a fault"),
        ("sys_exit", End.FAILED, "faulty_plugin cannot be imported: it calls for an exit with 4"),
        ("exit", End.CRASHED, "gone with exit status 3"),
        ("nonsense", End.BROKE_RULES, "a frame of 1195725856 bytes was announced"),
        ("close", End.CRASHED, ""),
    ],
)
async def test_an_import_that_fails_is_named(fault: str, how: End, words: str) -> None:
    _, listener = hosted(ExecLauncher(environment=environment(FAULTY_PLUGIN_IMPORT=fault)))
    ending = await listener.end()
    assert (ending.how, words in ending.text) == (how, True), ending
    if how is End.FAILED:
        assert listener.failed.moment == "import"
        assert ending.cure


async def test_an_import_that_hangs_can_be_ended() -> None:
    host, listener = hosted(ExecLauncher(environment=environment(FAULTY_PLUGIN_IMPORT="busy")))
    await listener.until(lambda: host.pid)
    pid = host.pid
    host.kill("it was not ready in time")
    ending = await listener.end()
    assert (ending.how, ending.text) == (End.KILLED, "it was not ready in time")
    assert pid is not None
    assert not runs(pid)


async def test_a_plugin_that_is_not_installed_is_named_with_the_cure(launcher: ForkServerLauncher) -> None:
    _, listener = hosted(launcher, module="efpi_driver_of_nobody")
    ending = await listener.end()
    assert ending.how is End.FAILED
    assert "No module named 'efpi_driver_of_nobody'" in ending.text
    assert ending.cure == "install the plugin where efpi is installed"


async def test_settings_that_do_not_fit_are_named(launcher: ForkServerLauncher) -> None:
    _, listener = hosted(launcher, every_s=-1)
    ending = await listener.end()
    assert ending.how is End.FAILED
    assert "instances.battery.config.every_s: Input should be greater than 0" in ending.text


async def test_the_secrets_of_an_instance_are_not_in_its_environment(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher)
    await listener.ready()
    environ = Path(f"/proc/{host.pid}/environ").read_bytes()
    cmdline = Path(f"/proc/{host.pid}/cmdline").read_bytes()
    assert b"faulty.battery" not in environ + cmdline
    host.kill("enough")
    await listener.end()


@pytest.mark.slow
async def test_a_flood_of_states_is_slowed_and_shed_and_goes_on(launcher: ForkServerLauncher) -> None:
    pace = Pace(share=0.02, credit_s=0.05, patience_s=1.0)
    host, listener = hosted(launcher, moment="poll", fault="flood_slowly", every_s=0.01, pace=pace)
    await listener.until(lambda: host.pressed)
    host.send(Ping(1))
    await listener.until(lambda: [pong for pong in listener.of(Pong) if pong.shed])
    assert not listener.endings
    host.kill("enough")
    await listener.end()
