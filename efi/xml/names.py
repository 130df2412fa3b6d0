"""Names across EFI XML: whole numbers where ours are words, XML names where ours may begin with a digit.

Either way is reversible: an XML name by itself, a number through the table that gave it.
"""

import re
from collections.abc import Mapping
from zlib import crc32

from efi.types import IDENTIFIER_PATTERN

LEAST, MOST = -(2**31), 2**31 - 1
"""The range of an xs:int."""

MOST_CHARACTER = 0x10FFFF

_FIRST_MADE = 2**30

_WHOLE = re.compile(r"-?[0-9]{1,10}", re.ASCII)


class NameTable:
    """The numbers that stand for names in EFI XML, where actuators, modes, timers and steps are numbered.

    A number that a document gives is the name `07` or `112`, and the other way round, without any note in the table.
    For other names a number above a thousand millions is made from the name alone, so that every document says the
    same number for it; the table knows the way back. One table serves a whole conversation, and any number of
    appliances.
    """

    def __init__(self, numbers: Mapping[str, int] | None = None) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        for name, number in (numbers or {}).items():
            self._note(name, number)

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each name that is not one by itself; to be kept, and given to a later table."""
        return {name: number for name, number in self._numbers.items() if number_in(name) != number}

    def number(self, name: str) -> int:
        """The number that stands for a name."""
        known = self._numbers.get(name)
        if known is not None:
            return known
        by_itself = number_in(name)
        number = made_number(name) if by_itself is None else by_itself
        while number in self._names:
            number = number + 1 if number < MOST else _FIRST_MADE
        self._note(name, number)
        return number

    def name(self, number: int) -> str:
        """The name for which a number stands."""
        return self._names.get(number) or name_of(number)

    def _note(self, name: str, number: int) -> None:
        self._numbers[name] = number
        self._names[number] = name


def name_of(number: int) -> str:
    """The name of what a document numbers: its digits, two at least."""
    return f"{number:02d}" if number >= 0 else str(number)


def number_in(name: str) -> int | None:
    """The number that a name is by itself, or None."""
    if _WHOLE.fullmatch(name) is None:
        return None
    number = int(name)
    return number if LEAST <= number <= MOST and name_of(number) == name else None


def made_number(name: str) -> int:
    """A number made from a name: always the same, and far from those that people give."""
    return _FIRST_MADE + crc32(name.encode()) % _FIRST_MADE


_IDENTIFIER = re.compile(IDENTIFIER_PATTERN.removeprefix("^").removesuffix("$"), re.ASCII)
_OURS = re.compile(r"[A-Za-z0-9_:\-]", re.ASCII)
_BEGINS = re.compile(r"[A-Za-z_]", re.ASCII)
_THEIRS = re.compile(r"[.\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u00FF]")
_ESCAPED = re.compile(r"_x([0-9A-F]{4,6})_", re.ASCII)


def xml_name(identifier: str, *, apart: int = 0) -> str:
    """An identifier as an XML name (NCName), which begins with a letter and holds no colon.

    What it cannot hold is written `_x003A_`, the character's number between marks (ISO/IEC 9075-14). Above 0
    `apart` makes another name of the same identifier, 2 a third one: in one document names must differ.
    """
    alone = _ESCAPED.fullmatch(identifier)
    if alone is not None and not apart and _BEGINS.fullmatch(single := _character(alone[1])):
        return single
    written = []
    place = 0
    while place < len(identifier):
        mark = identifier[place]
        escape = _ESCAPED.match(identifier, place)
        if escape is not None and _THEIRS.fullmatch(theirs := _character(escape[1])) and (place or theirs != "."):
            written.append(theirs)
            place = escape.end()
            continue
        bare = mark != ":" and escape is None and (place > 0 or (_BEGINS.fullmatch(mark) is not None and not apart))
        written.append(mark if bare else _escape(mark, 0 if place else apart))
        place += 1
    return "".join(written)


def identifier_of(name: str) -> str | None:
    """The identifier that an XML name stands for; None where it is longer than an identifier may be."""
    if "_x" not in name and _IDENTIFIER.fullmatch(name):
        return name
    read = []
    place = 0
    while place < len(name):
        mark = name[place]
        escape = _ESCAPED.match(name, place)
        if escape is not None and _OURS.fullmatch(ours := _character(escape[1])):
            read.append(ours)
            place = escape.end()
            continue
        read.append(mark if _OURS.fullmatch(mark) else _escape(mark))
        place += 1
    identifier = "".join(read)
    if len(identifier) == 1:
        identifier = _escape(identifier)
    return identifier if _IDENTIFIER.fullmatch(identifier) else None


def _character(digits: str) -> str:
    """The character of that number; a blank, which no name holds, where there is none."""
    number = int(digits, 16)
    return chr(number) if number <= MOST_CHARACTER else " "


def _escape(mark: str, apart: int = 0) -> str:
    return f"_x{ord(mark):0{4 + apart}X}_"
