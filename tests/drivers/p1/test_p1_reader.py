"""A live meter on a serial port or in the network: found, read, lost, named, and found again."""

import asyncio
import errno
import os
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import p1_synthetic as synthetic
import pytest
import serial
from efpi_driver_p1.errors import PortError, PortFault, TelegramError
from efpi_driver_p1.line_settings import CLASSIC, MODERN, LineSettings, to_try
from efpi_driver_p1.port_faults import name_port_fault
from efpi_driver_p1.reader import MeterReader
from efpi_driver_p1.serial_source import _HandOver
from efpi_driver_p1.source import ByteSource, Time
from efpi_driver_p1.telegram import Telegram
from p1_peers import (
    Heard,
    HurriedClock,
    held_by_another,
    pty_meter,
    rfc2217_server,
    surviving_reader_threads,
    tcp_adapter,
)
from test_p1_telegram import AMSTERDAM

from efpi_core.clock import RealClock


@asynccontextmanager
async def reading(port: str, **options: Any) -> AsyncIterator[Heard]:
    """A reader at work on a port."""
    heard = Heard()
    lines = options.pop("lines", (MODERN,))
    reader = MeterReader(port, lines, AMSTERDAM, HurriedClock(), heard, **options)
    task = asyncio.create_task(reader.run())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled(), task.exception()
        assert await asyncio.to_thread(surviving_reader_threads) == []


def heard_telegrams(count: int) -> Callable[[Heard], bool]:
    return lambda heard: len(heard.of(Telegram)) >= count


def heard_fault(fault: PortFault) -> Callable[[Heard], bool]:
    return lambda heard: any(error.fault is fault for error in heard.of(PortError))


def only_error(heard: Heard, fault: PortFault) -> PortError:
    errors: list[PortError] = heard.of(PortError)
    return next(error for error in errors if error.fault is fault)


async def test_telegrams_come_through_a_serial_port(tmp_path: Path) -> None:
    with pty_meter(tmp_path) as meter:
        async with reading(str(meter.path)) as heard:
            await heard.wait(lambda heard: heard.everything == [MODERN])
            meter.send(synthetic.DSMR_5[200:] + synthetic.DSMR_5 + synthetic.BELGIUM)
            await heard.wait(heard_telegrams(2))
    assert [type(one) for one in heard.everything[1:]] == [TelegramError, Telegram, Telegram]


async def test_an_unplugged_cable_is_named_and_read_again_when_it_is_back(tmp_path: Path) -> None:
    with pty_meter(tmp_path) as meter:
        async with reading(str(meter.path)) as heard:
            await heard.wait(lambda heard: bool(heard.of(LineSettings)))
            meter.send(synthetic.DSMR_5)
            await heard.wait(heard_telegrams(1))
            meter.unplug()
            await heard.wait(heard_fault(PortFault.UNPLUGGED))
            await heard.wait(heard_fault(PortFault.MISSING))
            meter.plug_in()
            await heard.wait(lambda heard: len(heard.of(LineSettings)) == 2)
            meter.send(synthetic.DSMR_5)
            await heard.wait(heard_telegrams(2))
    assert "plug" in only_error(heard, PortFault.UNPLUGGED).cure


async def test_a_missing_port_is_named_with_a_cure(tmp_path: Path) -> None:
    async with reading(str(tmp_path / "ttyUSB9")) as heard:
        await heard.wait(heard_fault(PortFault.MISSING))
    error = only_error(heard, PortFault.MISSING)
    assert "ttyUSB9" in str(error) and "plug the P1 cable in" in error.cure


async def test_a_port_that_another_program_holds_is_named_busy(tmp_path: Path) -> None:
    with pty_meter(tmp_path) as meter:
        with held_by_another(meter.path):
            async with reading(str(meter.path)) as heard:
                await heard.wait(heard_fault(PortFault.BUSY))
        assert str(meter.path) in only_error(heard, PortFault.BUSY).cure


async def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    async with reading(str(tmp_path / "notes.txt")) as heard:
        await heard.wait(heard_fault(PortFault.NOT_SERIAL))


def test_a_port_without_rights_is_named_with_its_group(tmp_path: Path) -> None:
    path = tmp_path / "ttyUSB0"
    path.touch()
    refused = serial.SerialException(errno.EACCES, "could not open port")
    error = name_port_fault(str(path), refused, opened=False)
    assert error.fault is PortFault.NO_RIGHTS and "usermod -aG" in error.cure
    assert "group dialout" in name_port_fault("/dev/gone", PermissionError(errno.EACCES, "no"), opened=False).cure


def test_the_systems_own_reason_is_found_behind_pyserials() -> None:
    def wrapped() -> BaseException:
        try:
            try:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
            except OSError:
                raise serial.SerialException("Could not open port") from None
        except OSError as error:
            return error

    assert name_port_fault("rfc2217://h:1", wrapped(), opened=False).fault is PortFault.UNREACHABLE
    unknown = name_port_fault("socket://h:1", socket.gaierror(-2, "unknown"), opened=False)
    assert unknown.fault is PortFault.UNKNOWN_HOST


async def test_telegrams_come_over_tcp_and_again_after_the_adapter_hung_up() -> None:
    async with (
        tcp_adapter(synthetic.DSMR_5, synthetic.BELGIUM) as port,
        reading(f"socket://127.0.0.1:{port}") as heard,
    ):
        await heard.wait(heard_telegrams(2))
    assert only_error(heard, PortFault.CLOSED).cure
    assert heard.of(Telegram)[1].header == r"/FLU5\253769484_A"


async def test_an_adapter_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    async with reading(f"socket://127.0.0.1:{port}") as heard:
        await heard.wait(heard_fault(PortFault.UNREACHABLE))


@pytest.mark.filterwarnings("ignore:setDaemon", "ignore:setName")  # pyserial 3.5 still calls them
async def test_telegrams_come_over_rfc_2217_with_the_line_set_by_us() -> None:
    with rfc2217_server(synthetic.DSMR_22) as server:
        async with reading(f"rfc2217://127.0.0.1:{server.port}", lines=(CLASSIC,)) as heard:
            await heard.wait(heard_telegrams(1))
            assert (server.line.baudrate, server.line.bytesize, server.line.parity) == (9600, 7, "E")
            server.hang_up()
            await heard.wait(lambda heard: bool(heard.of(PortError)))
    assert heard.of(PortError)[0].fault in (PortFault.CLOSED, PortFault.UNREACHABLE)


class ScriptedSource:
    """A source that gives what a script says for the line settings it was opened with."""

    def __init__(self, script: Callable[[LineSettings], bytes]) -> None:
        self._script = script
        self.closed = 0

    def make(self, port: str, time: Time) -> ByteSource:
        return self

    async def open(self, line: LineSettings) -> None:
        self._line = line

    async def read(self) -> bytes:
        await asyncio.sleep(0.01)
        data = self._script(self._line)
        if not data:
            await asyncio.Event().wait()
        return data

    async def close(self) -> None:
        self.closed += 1


async def test_line_settings_are_found_by_trying_both() -> None:
    source = ScriptedSource(lambda line: synthetic.DSMR_22 if line == CLASSIC else b"\x00\xf8\xe0\x80" * 20)
    options = {"make_source": source.make, "patience_s": 0.05, "lines": to_try(None, "auto")}
    async with reading("/dev/ttyUSB0", **options) as heard:
        await heard.wait(heard_telegrams(3))
    assert heard.of(LineSettings) == [MODERN, CLASSIC]
    error = only_error(heard, PortFault.NO_TELEGRAMS)
    assert "115200 8N1" in error.detail and "9600 7E1 is tried next" in error.cure


async def test_wrong_fixed_settings_are_named_with_the_cure() -> None:
    source = ScriptedSource(lambda line: b"\x00\xf8\xe0\x80" * 20)
    async with reading("/dev/ttyUSB0", make_source=source.make, patience_s=0.05) as heard:
        await heard.wait(heard_fault(PortFault.NO_TELEGRAMS))
    assert "auto" in only_error(heard, PortFault.NO_TELEGRAMS).cure


async def test_broken_telegrams_do_not_make_the_reader_change_good_settings() -> None:
    broken = synthetic.DSMR_5.replace(b"01.250", b"09.250")
    source = ScriptedSource(lambda line: broken)
    options = {"make_source": source.make, "patience_s": 0.05, "lines": to_try(None, "auto")}
    async with reading("/dev/ttyUSB0", **options) as heard:
        await heard.wait(lambda heard: len(heard.of(TelegramError)) > 20)
    assert heard.of(LineSettings) == [MODERN]


async def test_silence_is_named_and_the_port_is_opened_anew() -> None:
    source = ScriptedSource(lambda line: b"")
    options = {"make_source": source.make, "silence_s": 0.02, "lines": to_try(None, "auto")}
    async with reading("/dev/ttyUSB0", **options) as heard:
        await heard.wait(lambda heard: len(heard.of(LineSettings)) == 2)
    assert "grid operator" in only_error(heard, PortFault.SILENT).cure
    assert heard.of(LineSettings) == [MODERN, CLASSIC]
    assert source.closed == 2


@pytest.mark.parametrize(
    ("baud", "line_format", "expected"),
    [
        (None, "auto", ["115200 8N1", "9600 7E1"]),
        (None, "7E1", ["9600 7E1"]),
        (115200, "auto", ["115200 8N1", "115200 7E1"]),
        (9600, "auto", ["9600 7E1", "9600 8N1"]),
        (2400, "8N1", ["2400 8N1"]),
    ],
)
def test_what_is_not_told_is_tried_the_likeliest_first(baud: int | None, line_format: Any, expected: list[str]) -> None:
    assert [str(line) for line in to_try(baud, line_format)] == expected


async def test_bytes_that_nobody_takes_are_bounded_and_the_newest_are_kept() -> None:
    link = _HandOver(asyncio.get_running_loop())
    for number in range(1000):
        link.put(bytes([number % 256]) * 1000)
    taken = link.take()
    assert len(taken) == 65_536 and taken[-1] == 999 % 256


async def test_the_event_loop_goes_on_while_a_silent_port_is_read(tmp_path: Path) -> None:
    with pty_meter(tmp_path) as meter:
        async with reading(str(meter.path)) as heard:
            await heard.wait(lambda heard: bool(heard.of(LineSettings)))
            waits = []
            for _ in range(30):
                before = time.perf_counter()
                await asyncio.sleep(0.005)
                waits.append(time.perf_counter() - before)
    assert statistics.median(waits) < 0.15, "a read of the port takes 0.2 s, one follows the other, and each would show"


async def test_a_port_that_neither_opens_nor_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(ScriptedSource):
        async def open(self, line: LineSettings) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("efpi_driver_p1.reader._OPEN_S", 0.02)
    async with reading("/dev/ttyUSB0", make_source=Stuck(lambda line: b"").make) as heard:
        await heard.wait(heard_fault(PortFault.UNREACHABLE))
    assert "did not open" in only_error(heard, PortFault.UNREACHABLE).detail


async def test_cancelling_closes_the_port_at_once(tmp_path: Path) -> None:
    with pty_meter(tmp_path) as meter:
        async with reading(str(meter.path)) as heard:
            await heard.wait(lambda heard: bool(heard.of(LineSettings)))
            started = RealClock().elapsed()
        assert RealClock().elapsed() - started < 1.0
        with held_by_another(meter.path):
            assert os.path.exists(meter.path)  # noqa: PTH110  # a dangling link would not be
