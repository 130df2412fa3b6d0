"""The simple types that XML Schema itself brings (Part 2: Datatypes, 1.0), in their lexical forms.

They accept what both the recommendation and libxml2 accept; what only one of them does is left to a leniency.
"""

import re
from calendar import isleap
from collections.abc import Callable
from functools import lru_cache

from efi.xml.schema.definition import SimpleType

XSD = "http://www.w3.org/2001/XMLSchema"

_BLANKS = "[ \t\r\n]*"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"

DOUBLE = re.compile(rf"{_BLANKS}(?:{_NUMBER}(?:[eE][+-]?[0-9]+)?{_BLANKS}|-?INF{_BLANKS}|NaN)")
DECIMAL = re.compile(rf"{_BLANKS}{_NUMBER}{_BLANKS}")
INTEGER = re.compile(rf"{_BLANKS}([+-]?)0*([0-9]+){_BLANKS}")
BOOLEAN = re.compile(rf"{_BLANKS}(?:true|false|1|0){_BLANKS}")
DATE_TIME = re.compile(
    r"-?([1-9][0-9]{4,18}|[0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
)
DURATION = re.compile(
    r"-?P(?=[0-9T])(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)D)?"
    r"(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:\.[0-9]+)?S)?)?"
)

_NAME_START = "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
_NAME_START += "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd"
_NAME_MORE = _NAME_START + "\\-.0-9\xb7\u0300-\u036f\u203f-\u2040"
NCNAME = re.compile(f"{_BLANKS}([{_NAME_START}])[{_NAME_MORE}]*{_BLANKS}")

_MOST_MACHINE = 2**63 - 1
"""libxml2 keeps the parts of a duration and a year in 64 bits."""
_MACHINE_DIGITS = 18


DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
FEBRUARY = 2

KNOWN_TEXTS = 1024
"""How many texts are remembered with what they turned out to be: ids, instants and durations repeat."""


@lru_cache(maxsize=KNOWN_TEXTS)
def _is_date_time(text: str) -> bool:
    match = DATE_TIME.fullmatch(text)
    if match is None:
        return False
    year, month, day = match.groups()
    if year == "0000" or (len(year) > _MACHINE_DIGITS and int(year) > _MOST_MACHINE):
        return False
    return day < "29" or int(day) <= days_in_month(int(year), int(month))


def days_in_month(year: int, month: int) -> int:
    """The days of a month, in the calendar of today for all years."""
    return DAYS[month - 1] + (month == FEBRUARY and isleap(year))


@lru_cache(maxsize=KNOWN_TEXTS)
def _is_duration(text: str) -> bool:
    match = DURATION.fullmatch(text)
    if match is None:
        return False
    if len(text) <= _MACHINE_DIGITS:
        return True
    if any(_too_large(part) for part in match.groups()):
        return False
    years, months = (int(part or "0") for part in match.groups()[:2])
    return years * 12 + months <= _MOST_MACHINE


def _too_large(digits: str | None) -> bool:
    if digits is None:
        return False
    digits = digits.lstrip("0")
    return len(digits) > _MACHINE_DIGITS and (len(digits) > _MACHINE_DIGITS + 1 or int(digits) > _MOST_MACHINE)


_LONGEST_INTEGER = 20
"""The digits of the longest number that any bounded type of whole numbers holds."""


def _whole(least: int | None, most: int | None) -> Callable[[str], bool]:
    @lru_cache(maxsize=KNOWN_TEXTS)
    def accepts(text: str) -> bool:
        match = INTEGER.fullmatch(text)
        if match is None:
            return False
        sign, digits = match.groups()
        if len(digits) > _LONGEST_INTEGER:
            return (least is None) if sign == "-" else (most is None)
        number = -int(digits) if sign == "-" else int(digits)
        return (least is None or least <= number) and (most is None or number <= most)

    return accepts


def _named(of: Callable[[str], object], most: int | None = None) -> Callable[[str], bool]:
    return lambda text: bool(of(text)) and (most is None or len(text) <= most)


_NUMBER_WORDS = ("not_a_number", "it is not a number", "write a number, like 1500 or 1.5E3")
_WHOLE_WORDS = ("not_a_whole_number", "it is not a whole number within its bounds", "write one, like 1")
_NAME_WORDS = ("not_a_name", "it is not an XML name", "begin with a letter, and use letters, digits, '-', '_' and '.'")
_TEXT_WORDS = ("not_text", "it is not text", "write text")

_WHOLE_TYPES: tuple[tuple[str, str, int | None, int | None], ...] = (
    ("integer", "decimal", None, None),
    ("nonPositiveInteger", "integer", None, 0),
    ("negativeInteger", "nonPositiveInteger", None, -1),
    ("long", "integer", -(2**63), 2**63 - 1),
    ("int", "long", -(2**31), 2**31 - 1),
    ("short", "int", -(2**15), 2**15 - 1),
    ("byte", "short", -(2**7), 2**7 - 1),
    ("nonNegativeInteger", "integer", 0, None),
    ("unsignedLong", "nonNegativeInteger", 0, 2**64 - 1),
    ("unsignedInt", "unsignedLong", 0, 2**32 - 1),
    ("unsignedShort", "unsignedInt", 0, 2**16 - 1),
    ("unsignedByte", "unsignedShort", 0, 2**8 - 1),
    ("positiveInteger", "nonNegativeInteger", 1, None),
)


def _is_ncname(text: str) -> bool:
    """Whether a text is a name of XML 1.0 in the edition that XML Schema means, where foreign digits begin none."""
    match = NCNAME.fullmatch(text)
    return match is not None and (match[1] == "_" or match[1].isalpha())


_LANGUAGE = re.compile(rf"{_BLANKS}[a-zA-Z]{{1,8}}(?:-[a-zA-Z0-9]{{1,8}})*{_BLANKS}")
_NAME = re.compile(f"{_BLANKS}[{_NAME_START}:][{_NAME_MORE}:]*{_BLANKS}")
_NMTOKEN = re.compile(f"{_BLANKS}[{_NAME_MORE}:]+{_BLANKS}")


def _nothing(text: str) -> bool:
    """No entity is ever declared: what declares one is refused."""
    return False


def _anything(text: str) -> bool:
    return True


_TEXT_TYPES: tuple[tuple[str, str, Callable[[str], object]], ...] = (
    ("normalizedString", "string", _anything),
    ("token", "normalizedString", _anything),
    ("language", "token", _LANGUAGE.fullmatch),
    ("NMTOKEN", "token", _NMTOKEN.fullmatch),
    ("Name", "token", _NAME.fullmatch),
    ("NCName", "Name", _is_ncname),
    ("ID", "NCName", _is_ncname),
    ("IDREF", "NCName", _is_ncname),
    ("ENTITY", "NCName", _nothing),
)


def _made() -> dict[str, SimpleType]:
    types = {
        "string": SimpleType(f"{XSD}}}string", None, _anything, *_TEXT_WORDS),
        "double": SimpleType(f"{XSD}}}double", None, DOUBLE.fullmatch, *_NUMBER_WORDS),
        "decimal": SimpleType(f"{XSD}}}decimal", None, DECIMAL.fullmatch, *_NUMBER_WORDS),
        "boolean": SimpleType(
            f"{XSD}}}boolean", None, BOOLEAN.fullmatch, "not_a_boolean", "it is neither true nor false", "write true"
        ),
        "dateTime": SimpleType(
            f"{XSD}}}dateTime", None, _is_date_time, "not_an_instant", "it is no instant", "write 2026-03-29T01:00:00Z"
        ),
        "duration": SimpleType(
            f"{XSD}}}duration", None, _is_duration, "not_a_duration", "it is no length of time", "write it like PT15M"
        ),
    }
    for name, base, least, most in _WHOLE_TYPES:
        types[name] = SimpleType(f"{XSD}}}{name}", types[base], _whole(least, most), *_WHOLE_WORDS)
    for name, base, accepts in _TEXT_TYPES:
        types[name] = SimpleType(f"{XSD}}}{name}", types[base], accepts, *_NAME_WORDS)
    return {kind.name: kind for kind in types.values()}


BUILTIN: dict[str, SimpleType] = _made()
"""The types by their names, as `http://www.w3.org/2001/XMLSchema}double`."""
