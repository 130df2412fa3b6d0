"""The first words between gateway and instance, when the other end is of another release or no instance at all."""

import asyncio
import json
import os
import socket
import subprocess
from typing import Any

import pytest

from efi.version import VERSION
from efpi_core.host.call_frames import Answered, Operate
from efpi_core.host.frames import PROTOCOL, Ping, Ready
from efpi_core.host.framing import HEADER
from efpi_core.host.host import End
from efpi_core.host.launching import OnBorn, OnGone, python_program
from efpi_core.host.order import EXIT_BROKEN_WIRE, ChildOrder
from efpi_core.host.process_handle import ProcessHandle
from tests.support.hosted_world import environment, hosted


class Puppet:
    """A launcher whose process only sleeps, while the test speaks in its stead."""

    async def close(self) -> None:
        """Nothing to close."""

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        process = subprocess.Popen(["sleep", "60"], start_new_session=True)
        process.returncode = 0
        os.close(output)
        self.channel = channel
        channel.setblocking(False)
        handle = ProcessHandle(process.pid, os.pidfd_open(process.pid), on_gone)
        asyncio.get_running_loop().call_soon(on_born, handle)

    def say(self, **frame: Any) -> None:
        payload = json.dumps(frame).encode()
        self.channel.send(len(payload).to_bytes(HEADER, "big") + payload)

    async def hear(self) -> dict[str, Any]:
        data = b""
        async with asyncio.timeout(60):
            while len(data) < HEADER or len(data) < HEADER + int.from_bytes(data[:HEADER], "big"):
                data += await asyncio.get_running_loop().sock_recv(self.channel, 65536)
        return dict(json.loads(data[HEADER:]))


@pytest.fixture
def puppet() -> Any:
    puppet = Puppet()
    yield puppet
    puppet.channel.close()


def hello(**other: Any) -> dict[str, Any]:
    return {"op": "hello", "protocol": PROTOCOL, "efi_version": VERSION, "pid": 1} | other


async def test_start_follows_hello_and_not_before(puppet: Puppet) -> None:
    host, listener = hosted(puppet)
    await listener.until(lambda: host.pid)
    with pytest.raises(BlockingIOError):
        puppet.channel.recv(1)
    puppet.say(**hello())
    start = await puppet.hear()
    assert (start["op"], start["instance"]) == ("start", "battery")
    host.kill("enough")
    await listener.end()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"protocol": [2, 0]}, "the peer speaks version 2.0 of the frames, this end 1.2"),
        ({"efi_version": [9, 1]}, "the peer speaks version 9.1 of the interface, this end 1.0"),
    ],
)
async def test_another_major_version_is_refused_with_the_cure(puppet: Puppet, other: Any, words: str) -> None:
    _, listener = hosted(puppet)
    puppet.say(**hello(**other))
    ending = await listener.end()
    assert (ending.how, ending.text) == (End.BROKE_RULES, words)
    assert ending.cure == "install releases of gateway and plugin whose major versions agree"


async def test_a_newer_minor_version_may_say_more(puppet: Puppet) -> None:
    host, listener = hosted(puppet)
    puppet.say(**hello(protocol=[1, 7]))
    await puppet.hear()
    puppet.say(op="ready", mood="good")
    puppet.say(op="nightly")
    await listener.until(lambda: listener.lines)
    assert listener.frames == [Ready()]
    assert listener.lines == ["(refused: frame: there is no 'op' 'nightly' in this version)"]
    host.kill("enough")
    await listener.end()


async def test_an_older_process_is_not_sent_operations_that_it_does_not_know(puppet: Puppet) -> None:
    host, listener = hosted(puppet)
    puppet.say(**hello(protocol=[1, 1]))
    await puppet.hear()
    host.send(Operate(7, "pair", {}, "anna", 30.0))
    await listener.until(lambda: listener.frames)
    host.send(Ping(1))
    assert (await puppet.hear())["op"] == "ping"
    (answer,) = listener.of(Answered)
    assert answer.call == 7
    assert answer.refusal is not None
    assert answer.refusal.problem == "its process is of an older release, without operations"
    host.kill("enough")
    await listener.end()


async def test_whoever_does_not_say_hello_first_is_no_instance(puppet: Puppet) -> None:
    _, listener = hosted(puppet)
    puppet.say(op="ready")
    ending = await listener.end()
    assert (ending.how, ending.text) == (End.BROKE_RULES, "its first frame is 'ready', not 'hello'")


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (b'{"op":"stop","deadline_s":1}', EXIT_BROKEN_WIRE),
        (b"not json", EXIT_BROKEN_WIRE),
        (b"", EXIT_BROKEN_WIRE),
        (None, 0),
    ],
)
def test_an_instance_that_is_not_told_to_start_ends(frame: bytes | None, status: int) -> None:
    near, far = socket.socketpair()
    order = ChildOrder("battery", "faulty_plugin").to_json()
    command = python_program("efpi_core.host.child", "--fd", str(far.fileno()), "--order", order)
    with (
        near,
        far,
        subprocess.Popen(
            command, pass_fds=(far.fileno(),), env=environment(), start_new_session=True, stderr=subprocess.PIPE
        ) as child,
    ):
        far.close()
        said = near.recv(65536)
        assert json.loads(said[HEADER:])["op"] == "hello"
        if frame is None:
            near.close()
        else:
            near.send(len(frame).to_bytes(HEADER, "big") + frame)
        assert child.wait(20) == status


async def test_no_descriptors_left_is_told_and_not_raised(puppet: Puppet, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*arguments: Any) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("efpi_core.host.process.socket.socketpair", none_left)
    _, listener = hosted(puppet)
    ending = await listener.end()
    assert (ending.how, ending.text) == (
        End.NOT_LAUNCHED,
        "no process could be made: [Errno 24] Too many open files",
    )
    puppet.channel = socket.socket()
