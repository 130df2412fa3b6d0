"""P1: any bytes on the line, through framing, telegram, values, the technician's view and the driver."""

import os
from functools import cache
from zoneinfo import ZoneInfo

from efpi_driver_p1.crc import crc16
from efpi_driver_p1.decode import as_json, as_table
from efpi_driver_p1.driver import P1Driver
from efpi_driver_p1.errors import TelegramError
from efpi_driver_p1.stream import TelegramStream
from efpi_driver_p1.telegram import Telegram

from tests.fuzz.stage import Stage
from tests.fuzz.target import Target

ZONE = ZoneInfo("Europe/Amsterdam")


def sealed(text: str) -> bytes:
    """A telegram with its check sum."""
    body = text.replace("\n", "\r\n").encode("latin-1") + b"!"
    return body + f"{crc16(body):04X}\r\n".encode()


GOOD = sealed("/ISK5\\2M550T-1012\n\n1-3:0.2.8(50)\n1-0:1.8.1(000001.001*kWh)\n1-0:1.7.0(00.438*kW)\n")


@cache
def stage() -> Stage:
    """The driver at work, its port a file without telegrams."""
    begun = Stage(P1Driver, port=f"replay:{os.devnull}")
    begun.start()
    return begun


def feed(data: bytes) -> None:
    """Bytes as a line brings them, in pieces; a `~` is a check sum that is right, so that the search gets past it."""
    size, stream = 1 + (data[0] if data else 0), TelegramStream(ZONE)
    line = _sealed(data[1:])
    pieces = [line[at : at + size] for at in range(0, len(line), size)]
    found = [one for piece in pieces for one in stream.feed(piece)]
    good = stream.feed(b"\r\n" + GOOD + GOOD)
    assert isinstance(good[-1], Telegram) and good[-1].length == len(GOOD.rstrip()), "a good telegram is not read"
    for number, one in enumerate((*found, *stream.end())):
        assert as_json(number, one).isascii() and as_table(number, one).replace("\n", "").isprintable()
        assert one.length <= len(line) + 2 * len(GOOD)
        assert not isinstance(one, TelegramError) or (one.cure and one.detail.isprintable())
        stage().driver.received(one)
        stage().let_pass(1)


def _sealed(line: bytes) -> bytes:
    begin, mark, rest = line.partition(b"!~")
    if not mark:
        return line
    start = begin.rfind(b"/")
    body = begin[max(start, 0) :] + b"!"
    return begin + b"!" + f"{crc16(body):04X}".encode() + _sealed(rest)


TARGET = Target(
    "p1",
    feed,
    words=(
        b"/ISK5\\2M\r\n\r\n", b"!~\r\n", b"!", b"1-0:1.7.0(", b"1-0:1.8.1(", b"1-0:1.8.0(", b"*kWh)\r\n", b"*kW)\r\n",
        b"0-1:24.2.1(", b"0-1:24.1.0(003)\r\n", b"(170124210000W)", b"*m3)\r\n", b"0-0:1.0.0(", b"0-0:96.1.1(",
        b"1-0:99.97.0(", b"0-0:98.1.0(", b"0-0:96.13.0(", b"0-0:96.3.10(", b"1-0:32.7.0(", b"99999999999999999999",
        b"\xafAAA5\x8d", b"-", b"\xdb\x08SAG", b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01", b"\x7e\xa0", b"0-1:24.3.0(",
        b"*MWh)",
    ),
)  # fmt: skip
