"""One data line of a telegram: an OBIS code and its bracketed values, read into types."""

import re
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from efpi_driver_p1.meter_time import STAMP, MeterTime, read_stamp
from efpi_driver_p1.obis import Kind, Meaning, Obis, meaning, read_obis
from efpi_driver_p1.quantity import Quantity, read_number, read_quantity, si
from efpi_driver_p1.text import decoded

_LINE = re.compile(r"([^()]{1,24})((?:\([^()]*\))+)")
_OLD_READING = 7
"""Values of a DSMR 2 and 3 reading: time, status, minutes between values, count, code, unit, then the values."""
_DAY_MIN = 1440


class LogEntry(NamedTuple):
    """One entry of a log: the monthly peak or the power failure."""

    quantity: Quantity
    times: tuple[MeterTime, ...]
    """The end of a failure; of a monthly peak the end of its month, then its own time."""


class Line(NamedTuple):
    """One data line."""

    code: str
    """The OBIS code as the meter wrote it."""
    obis: Obis
    meaning: Meaning
    groups: tuple[str, ...]
    """The values as the meter wrote them, without their brackets."""
    quantities: tuple[Quantity, ...] = ()
    """The numbers, in SI units."""
    times: tuple[MeterTime, ...] = ()
    """The time stamps."""
    text: str | None = None
    """The decoded text, where the code stands for a text."""
    entries: tuple[LogEntry, ...] = ()
    """What is logged, where the code stands for a log."""
    problem: str | None = None
    """Why the line cannot be what its code promises."""

    @property
    def quantity(self) -> Quantity | None:
        """The first number, which is the value in all lines but logs."""
        return self.quantities[0] if self.quantities else None

    @property
    def original(self) -> str:
        """The values as the meter wrote them; several are parted by a blank."""
        return " ".join(self.groups)


def read_line(text: str, zone: ZoneInfo) -> Line | None:
    """The line, or None when the text is no data line at all."""
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    code = match[1].strip()
    obis = read_obis(code)
    if obis is None:
        return None
    groups = tuple(group.strip() for group in match[2][1:-1].split(")("))
    return _typed(Line(code, obis, meaning(obis), groups), zone)


def _typed(line: Line, zone: ZoneInfo) -> Line:  # noqa: PLR0911  # one way for each kind
    if not any(line.groups):
        return line
    match line.meaning.kind:
        case Kind.TEXT:
            return line._replace(text=decoded(line.groups[-1]) or line.groups[-1])
        case Kind.PLAIN:
            return line._replace(text=line.groups[0])
        case Kind.TIME:
            return line._replace(times=(read_stamp(line.groups[0], zone),))
        case Kind.COUNT:
            return _with_count(line)
        case Kind.LOG:
            return _with_entries(line, zone)
        case Kind.OTHER:
            return _by_looks(line, zone)
        case Kind.NUMBER:
            return _old_reading(line, zone) or _with_numbers(line, zone)


def _with_count(line: Line) -> Line:
    number = read_number(line.groups[0])
    if number is None:
        return line._replace(problem=f"{line.groups[0]!r} is no number")
    return line._replace(quantities=(si(number, None),))


def _with_numbers(line: Line, zone: ZoneInfo) -> Line:
    times = tuple(read_stamp(group, zone) for group in line.groups[:-1] if STAMP.fullmatch(group))
    read = [(group, read_quantity(group)) for group in line.groups[len(times) :] if group]
    quantities = tuple(quantity for _, quantity in read if quantity)
    wrong = [group for group, quantity in read if quantity is None]
    problem = f"{wrong[0]!r} is no number with a unit" if wrong else None
    return line._replace(times=times, quantities=quantities, problem=problem)


def _old_reading(line: Line, zone: ZoneInfo) -> Line | None:
    """A reading of DSMR 2 and 3, whose unit and value stand apart; None when the line is written otherwise."""
    if len(line.groups) < _OLD_READING or read_obis(line.groups[4]) is None:
        return None
    stamp, _, minutes, _, _, unit, *values = line.groups
    first, number, step = read_stamp(stamp, zone), read_number(values[-1]), read_number(minutes)
    if number is None:
        return line._replace(times=(first,), problem=f"{values[-1]!r} is no number")
    steps = len(values) - 1
    if first.utc and step and 0 < step <= _DAY_MIN:
        first = MeterTime(first.utc + steps * timedelta(minutes=int(step)), first.note)
    return line._replace(times=(first,), quantities=(si(number, unit or None),))


def _with_entries(line: Line, zone: ZoneInfo) -> Line:
    entries: list[LogEntry] = []
    times: list[MeterTime] = []
    for group in line.groups:
        if STAMP.fullmatch(group):
            times.append(read_stamp(group, zone))
        elif "*" in group:
            quantity = read_quantity(group)
            if quantity is None:
                return line._replace(entries=tuple(entries), problem=f"{group!r} is no number with a unit")
            entries.append(LogEntry(quantity, tuple(times)))
            times.clear()
    return line._replace(entries=tuple(entries))


def _by_looks(line: Line, zone: ZoneInfo) -> Line:
    """A code that no table has: numbers with a unit and stamps with a flag are what they look like, the rest text."""
    times = tuple(read_stamp(group, zone) for group in line.groups if STAMP.fullmatch(group) and not group.isdigit())
    quantities = tuple(found for group in line.groups if "*" in group and (found := read_quantity(group)))
    return line._replace(times=times, quantities=quantities)
