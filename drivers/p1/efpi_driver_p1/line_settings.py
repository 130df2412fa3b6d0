"""Speed and framing of the serial line, and which of them to try at an unknown meter."""

from typing import Literal, NamedTuple

LineFormat = Literal["auto", "8N1", "7E1"]
"""Data bits, parity and stop bits."""


class LineSettings(NamedTuple):
    """How bits travel on the line."""

    baud: int
    format: LineFormat

    def __str__(self) -> str:
        """As technicians say it: `115200 8N1`."""
        return f"{self.baud} {self.format}"

    @property
    def bits(self) -> int:
        """Data bits of a character."""
        return int(self.format[0])

    @property
    def parity(self) -> str:
        """N for none, E for even."""
        return self.format[1]


MODERN = LineSettings(115_200, "8N1")
"""DSMR 4 and later (DSMR P1 5.0.2, 5.11)."""
CLASSIC = LineSettings(9_600, "7E1")
"""DSMR 3 and earlier, and readouts of IEC 62056-21."""


def to_try(baud: int | None, line_format: LineFormat) -> tuple[LineSettings, ...]:
    """The settings that fit what is known, the likeliest first; None and `auto` are not known."""
    if baud is None:
        candidates = [settings for settings in (MODERN, CLASSIC) if line_format in ("auto", settings.format)]
        return tuple(candidates)
    if line_format != "auto":
        return (LineSettings(baud, line_format),)
    first, second = (MODERN, CLASSIC) if baud > CLASSIC.baud else (CLASSIC, MODERN)
    return (LineSettings(baud, first.format), LineSettings(baud, second.format))
