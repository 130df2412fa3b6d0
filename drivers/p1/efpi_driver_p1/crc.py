"""The check sum of a telegram: CRC-16/ARC (polynomial 0xA001 reflected, start 0, no final XOR; DSMR P1 5.0.2, 5.2)."""

import re

_LINE_END = re.compile(rb"\r*\n|\r")
_BLANK_LINES = re.compile(rb"(?:\r\n){2,}")


def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        crc = entry
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        entries.append(crc)
    return tuple(entries)


_TABLE = _table()


def crc16(data: bytes) -> int:
    """The CRC-16/ARC of some bytes."""
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def repaired(body: bytes) -> tuple[tuple[bytes, str], ...]:
    """The forms in which the meter may have sent these bytes before a tool changed their line ends.

    The CRC is over CRLF; captures come with LF, with CR CR LF, with doubled or with dropped empty lines. Each form is
    given with a note for the reader.
    """
    crlf = _LINE_END.sub(b"\r\n", body)
    header, _, lines = _BLANK_LINES.sub(b"\r\n", crlf).partition(b"\r\n")
    return (
        (crlf, "line ends were changed by a tool; the CRC is right over CR LF"),
        (header + b"\r\n\r\n" + lines, "empty lines were changed by a tool; the CRC is right without that change"),
    )
