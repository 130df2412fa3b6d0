"""One telegram of a meter, its check sum verified and each of its lines read."""

import re
from zoneinfo import ZoneInfo

from efpi_driver_p1.crc import crc16, repaired
from efpi_driver_p1.errors import Fault, TelegramError
from efpi_driver_p1.framing import Frame
from efpi_driver_p1.line import Line, read_line
from efpi_driver_p1.meter_time import MeterTime
from efpi_driver_p1.obis import Kind
from efpi_driver_p1.text import printable

_LINE_ENDS = re.compile(rb"[\r\n]+")
_FOREIGN = re.compile(rb"[^\x20-\x7e\r\n\0]")
_MAKERS = {
    "ADN": "Aidon",
    "AUX": "Sanxing",
    "CTA": "ZIV",
    "EBZ": "eBZ",
    "ELS": "Elster",
    "EMH": "EMH",
    "ENE": "Sagemcom",
    "ESY": "EasyMeter",
    "HAG": "Hager",
    "ISK": "Iskraemeco",
    "KAM": "Kamstrup",
    "KFM": "Kaifa",
    "KMP": "Kamstrup",
    "LGF": "Landis+Gyr",
    "LGZ": "Landis+Gyr",
    "LOG": "Logarex",
    "SAG": "Sagemcom",
    "XMX": "Landis+Gyr",
}
_FIRST_WITH_CRC = 40


class Telegram:
    """What a meter says at one moment; nothing of it changes."""

    def __init__(
        self,
        *,
        offset: int,
        length: int,
        header: str,
        lines: tuple[Line, ...],
        unread: tuple[str, ...],
        has_crc: bool,
        remarks: tuple[str, ...],
    ) -> None:
        self.offset = offset
        """Where it begins, in bytes from the start of the stream."""
        self.length = length
        """Its bytes, from `/` to the end of the CRC."""
        self.header = header
        """The meter's identification, with the leading `/`."""
        self.lines = lines
        """The data lines in the meter's order."""
        self.unread = unread
        """Lines that are no data lines, where the CRC proves that the meter sent them so."""
        self.has_crc = has_crc
        """Whether the telegram carries a CRC, which then was right."""
        self.remarks = remarks
        """What was repaired on the way."""
        self._by_code = {str(line.obis): line for line in reversed(lines)}

    def line(self, code: str) -> Line | None:
        """The first line with this code (`1-0:1.8.1`); some meters count electricity in channel 1 (`1-1:1.8.1`)."""
        return self._by_code.get(code) or self._by_code.get(code.replace("1-0:", "1-1:"))

    @property
    def maker(self) -> str:
        """The maker's name, or the three letters that stand for it."""
        letters = self.header[1:4]
        return _MAKERS.get(letters.upper(), letters)

    @property
    def model(self) -> str:
        """The maker's identification of the model; the escape before it is left out, and a mode digit after that."""
        return re.sub(r"^\\\d?", "", self.header[5:]).strip()

    @property
    def time(self) -> MeterTime | None:
        """The meter's own time, where it tells it (DSMR 4 and later)."""
        line = self.line("0-0:1.0.0")
        return line.times[0] if line and line.times else None

    @property
    def equipment(self) -> str | None:
        """The electricity meter's equipment number, decoded."""
        codes = ("0-0:96.1.1", "0-0:96.1.0", "0-0:42.0.0", "1-0:96.1.1", "1-0:96.1.0", "1-0:0.0.0", "0-0:96.1.255")
        found = (line.text for code in codes if (line := self.line(code)))
        return next((text for text in found if text), None)

    @property
    def version(self) -> str:
        """The standard that the telegram follows, for people."""
        if belgian := self.line("0-0:96.1.4"):
            return f"Belgium, e-MUCS P1 ({belgian.text})"
        if (dutch := self._dutch_version) is not None:
            return f"DSMR {dutch / 10:.1f}"
        if any(line.obis.rest == "24.3.0" for line in self.lines) or not (self.has_crc or self.time):
            return "DSMR 3 or earlier, or a plain IEC 62056-21 readout"
        return "P1 without a version line (as in Sweden and Hungary)"

    @property
    def _dutch_version(self) -> int | None:
        line = self.line("1-3:0.2.8")
        return int(line.text) if line and line.text and re.fullmatch(r"[0-9]{2}", line.text) else None

    @property
    def needs_crc(self) -> bool:
        """Whether the version that the telegram names always sends a CRC."""
        version = self._dutch_version
        return self.line("0-0:96.1.4") is not None or (version is not None and version >= _FIRST_WITH_CRC)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about this telegram."""
        lines = [f"{line.code}: {line.problem}" for line in self.lines if line.problem]
        own = [self.time.note] if self.time and self.time.note else []
        return (*self.remarks, *own, *lines, *(f"not a data line: {text!r}" for text in self.unread))


def read_telegram(frame: Frame, zone: ZoneInfo) -> Telegram:
    """The telegram in a frame, or TelegramError when its bytes cannot be trusted.

    `zone` is the meter's local zone, by which its time stamps are read.
    """
    body, mark, digits = frame.data.rpartition(b"!")
    remarks: tuple[str, ...] = ()
    if frame.parity_stripped:
        remarks += ("parity bits were taken out: the line is 7E1, set the port so",)
    if digits:
        remarks += _checked(frame, body + mark, digits.decode("ascii"))
    raw_header, *raw_lines = [line for line in _LINE_ENDS.split(body) if line.strip(b" \0")]
    read = [(text, read_line(text, zone)) for text in _joined(raw_lines)]
    telegram = Telegram(
        offset=frame.offset,
        length=len(frame.data),
        header=printable(raw_header.rstrip(b" \0")),
        lines=tuple(line for _, line in read if line),
        unread=tuple(text[:80] for text, line in read if line is None),
        has_crc=bool(digits),
        remarks=remarks,
    )
    if not telegram.lines:
        raise _error(frame, Fault.EMPTY, "no data line between header and `!`")
    if not digits:
        _require_clean(frame, telegram)
    return telegram


def _checked(frame: Frame, body: bytes, digits: str) -> tuple[str, ...]:
    said, found = int(digits, 16), crc16(body)
    if said == found:
        return ()
    for form, remark in repaired(body):
        if crc16(form) == said:
            return (remark,)
    detail = f"the telegram says {digits.upper()}, its bytes give {found:04X}"
    if len(digits) < 4:
        detail += "; the CRC itself is cut short"
    elif foreign := _FOREIGN.search(body):
        detail += f"; the first byte that is no text is {foreign[0].hex()} at byte {frame.offset + foreign.start()}"
    raise _error(frame, Fault.WRONG_CRC, detail)


def _joined(raw_lines: list[bytes]) -> list[str]:
    """The data lines as text; a line that begins with a bracket goes on with the one before (DSMR 2 and 3 readings)."""
    joined: list[str] = []
    for raw in raw_lines:
        text = printable(raw.strip(b" \t\0"))
        if joined and text.startswith("("):
            joined[-1] += text
        else:
            joined.append(text)
    return joined


def _require_clean(frame: Frame, telegram: Telegram) -> None:
    """Refuse a telegram without CRC in which anything is amiss, since nothing vouches for the rest of it."""
    if telegram.needs_crc:
        raise _error(frame, Fault.MISSING_CRC, f"{telegram.version} sends four digits after the `!`, here are none")
    if foreign := _FOREIGN.search(frame.data):
        place = frame.offset + foreign.start()
        raise _error(frame, Fault.DAMAGED, f"byte {place} is {foreign[0].hex()}, which is no text")
    if telegram.unread:
        raise _error(frame, Fault.DAMAGED, f"{telegram.unread[0]!r} is no data line")
    seen: dict[str, Line] = {}
    for line in telegram.lines:
        if line.problem and line.obis.medium == 1:
            raise _error(frame, Fault.DAMAGED, f"{line.code}: {line.problem}")
        first = seen.setdefault(line.code, line)
        if line.meaning.kind is Kind.NUMBER and first.groups != line.groups:
            detail = f"{line.code} is said twice: {first.original!r} and {line.original!r}"
            raise _error(frame, Fault.INTERLEAVED, detail)


def _error(frame: Frame, fault: Fault, detail: str) -> TelegramError:
    header = printable(_LINE_ENDS.split(frame.data, maxsplit=1)[0][:128].rstrip(b" \0"))
    return TelegramError(fault, frame.offset, len(frame.data), detail, header)
