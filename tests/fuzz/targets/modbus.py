"""Modbus: whatever a server answers, through pymodbus and the driver's wire; a good answer after it is read."""

import asyncio
import logging
from functools import cache
from typing import Any

from efpi_driver_sunspec.bus import STALE_AFTER
from efpi_driver_sunspec.errors import SunSpecError
from efpi_driver_sunspec.wire import TcpPort, Wire
from pymodbus.framer.rtu import FramerRTU

from tests.fuzz.target import Target

TIMEOUT_S = 0.01
"""Nobody is far away here: what is silent so long is silent."""

UNIT = 7


class Server(asyncio.Transport):
    """The far end: it answers each request with what it was given, and when that is used up, as it should."""

    def __init__(self, wire: Wire, *, rtu: bool) -> None:
        super().__init__()
        self.answers: list[bytes] = []
        self._wire = wire
        self._rtu = rtu

    def write(self, data: Any) -> None:
        request = bytes(data)
        loop = asyncio.get_running_loop()
        pieces = [self.answers.pop(0)] if self.answers else [self._good(request)]
        if pieces[0][:2] == b"~~":  # the rest under the request's own transaction number
            pieces = [request[:2] + pieces[0][2:]]
        if len(pieces[0]) > 9 and pieces[0][-1] % 3 == 0:
            pieces = [pieces[0][:5], pieces[0][5:]]
        for piece in pieces:
            loop.call_soon(self._wire._modbus.data_received, piece)

    def _good(self, request: bytes) -> bytes:
        if self._rtu:
            body = bytes((UNIT, 3, 4, 0x53, 0x75, 0x6E, 0x53))
            return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
        return request[:4] + b"\0\x07" + bytes((UNIT, 3, 4, 0x53, 0x75, 0x6E, 0x53))

    def close(self) -> None:
        pass

    abort = close

    def is_closing(self) -> bool:
        return False


class Refusing(logging.Handler):
    """Keeps what the event loop calls an error: an exception in a callback is nobody's answer."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(self.format(record))


@cache
def runner() -> tuple[asyncio.Runner, Refusing]:
    """The loop of all inputs, and its complaints."""
    log = Refusing()
    logging.getLogger("asyncio").addHandler(log)
    return asyncio.Runner(), log


def feed(data: bytes) -> None:
    """The first byte chooses the framing; answers are parted by `||`."""
    begun, log = runner()
    begun.run(_ask(data[1:].split(b"||")[:4], rtu=bool(data[:1]) and bool(data[0] & 1)))
    if log.errors:
        raise AssertionError(log.errors.pop())


async def _ask(answers: list[bytes], *, rtu: bool) -> None:
    wire = Wire(TcpPort("127.0.0.1", 1, "rtu" if rtu else "tcp"), TIMEOUT_S)
    server = Server(wire, rtu=rtu)
    server.answers = list(answers)
    wire._modbus.connection_made(server)
    for turn in range(len(answers) + STALE_AFTER):
        try:
            if turn == 1 and answers[1:]:
                await wire.write(UNIT, 40100, [1, 2])
            registers = await wire.read(UNIT, 40000, 2)
        except SunSpecError as error:
            assert error.problem.isprintable() and error.cure
            assert len(wire._modbus.recv_buffer) < 4096
        else:
            assert len(registers) == 2 and all(0 <= register <= 0xFFFF for register in registers)
            if not server.answers and registers == (0x5375, 0x6E53):
                break
        if not wire.is_open:
            break
    wire.close()


TARGET = Target(
    "modbus",
    feed,
    words=(
        b"||", b"~~\0\0\0\x07\x07\x03\x04", b"~~\0\0\0\x03\x07\x83\x02", b"~~\0\0\xff\xff\x07\x03\xff", b"\0\x06",
        b"~~\0\0\0\0", b"~~\0\0\0\x02\x07\x03", b"~~\0\x01\0\x07\x07\x03\x04", b"\x07\x03\x04SunS", b"\x07\x83\x0b",
        b"\x07\x2b\x0e\x01\x01\0\0\x01\0\xff", b"\x07\x18\xff\xff", b"\x07\x14\xff", b"\x07\x11\xff", b"\x07\x08\0\0",
        b"~~\0\0\0\x06\x07\x10\x9c\xa4\0\x02", b"~~\0\0\0\x05\x07\x17\xff\0\0", b"~~\0\0\0\x07\x08\x03\x04SunS",
    ),
    longest=1024,
)  # fmt: skip
