"""Instants, lengths of time and numbers as XML Schema writes them (Part 2: Datatypes, 3.2), without loss."""

from datetime import datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache

from efi.types import CENTURY, MONEY_PLACES
from efi.xml.schema.builtin import DURATION, KNOWN_TEXTS
from efi.xml.tree import trimmed

MOST_PLACES = 18
"""The decimal places of an amount of money."""

_EXACT = Context(prec=60)

YEAR, MONTH = 365, 30
"""Days that are taken for a year and a month in a length of time, which have no length of their own."""

FINEST_DIGITS = 6
"""The interface tells time to the microsecond."""


class LexicalError(ValueError):
    """A text that its type allows, and that stands for nothing the interface can tell."""

    def __init__(self, rule: str, fact: str, cure: str) -> None:
        super().__init__(fact)
        self.rule = rule
        self.fact = fact
        self.cure = cure


@lru_cache(maxsize=KNOWN_TEXTS)
def read_instant(text: str) -> datetime:
    """The instant of an xs:dateTime, as precise as can be; without a zone where the text has none."""
    try:
        if "T24" in text:
            return datetime.fromisoformat(text.replace("T24", "T00")) + timedelta(days=1)
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise LexicalError(
            "instant_out_of_range", "it is beyond the years 1 to 9999", "name a nearer instant"
        ) from None


def finer_than_microseconds(text: str) -> bool:
    """Whether an xs:dateTime or xs:duration tells parts of a microsecond."""
    fraction = text.partition(".")[2]
    digits = fraction[: next((place for place, mark in enumerate(fraction) if not mark.isdigit()), len(fraction))]
    return bool(digits[FINEST_DIGITS:].strip("0"))


def of_the_calendar(text: str) -> bool:
    """Whether an xs:duration counts years or months."""
    if text.startswith("PT"):
        return False
    match = DURATION.fullmatch(text)
    return match is not None and any(int(part[-20:]) for part in match.groups()[:2] if part)


@lru_cache(maxsize=KNOWN_TEXTS)
def read_duration(text: str) -> timedelta:
    """The length of an xs:duration, a year being 365 days and a month 30; time does not run backwards."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise LexicalError("not_a_duration", "it is no length of time", "write it like PT15M")
    years, months, days, hours, minutes, seconds = (int(part[-20:]) if part else 0 for part in match.groups())
    fraction = text.partition(".")[2].removesuffix("S")
    micros = int(fraction[:FINEST_DIGITS].ljust(FINEST_DIGITS, "0"))
    try:
        length = timedelta(YEAR * years + MONTH * months + days, seconds, micros, minutes=minutes, hours=hours)
    except OverflowError:
        length = timedelta.max
    if length > CENTURY:
        raise LexicalError("duration_too_long", "it is longer than a century", "shorten it")
    if length and text.startswith("-"):
        raise LexicalError("negative_duration", "it is below zero", "write zero or more")
    return length


@lru_cache(maxsize=KNOWN_TEXTS)
def read_money(text: str) -> tuple[Decimal, bool]:
    """The amount of an xs:decimal or xs:double, and whether it is told in full; what is too fine is rounded."""
    amount = Decimal(trimmed(text).replace("INF", "Infinity"))
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise LexicalError("not_finite", "an amount of money is finite", "write a number")
    if exponent >= -MOST_PLACES:
        return amount, True
    try:
        rounded = _EXACT.quantize(amount, MONEY_PLACES)
    except ArithmeticError:
        raise LexicalError("too_many_digits", "an amount has at most 30 digits", "round it") from None
    return rounded, rounded == amount


def instant_text(value: datetime) -> str:
    """An xs:dateTime in UTC."""
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def duration_text(value: timedelta) -> str:
    """An xs:duration in days, hours, minutes and seconds."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    date = f"{value.days}D" if value.days else ""
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    time += f"{seconds}{fraction}S" if seconds or fraction else ""
    if not date and not time:
        return "PT0S"
    return f"P{date}T{time}" if time else f"P{date}"


def number_text(value: float) -> str:
    """The shortest xs:double that is this very number."""
    return repr(float(value))


def money_text(value: Decimal) -> str:
    """The xs:decimal of an amount, digit by digit."""
    return f"{value:f}"
