"""What the doctor found: one thing looked at, how it stands, and the cure."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Finding(StrEnum):
    """How a thing stands."""

    WELL = "well"
    """As it should be."""
    NOTE = "note"
    """Worth knowing."""
    ILL = "ill"
    """Something does not work, or may not when it is needed."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at."""

    what: str
    state: Finding
    text: str
    cure: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def well(what: str, text: str) -> Found:
    """As it should be."""
    return Found(what, Finding.WELL, text)


def note(what: str, text: str, cure: str = "") -> Found:
    """Worth knowing."""
    return Found(what, Finding.NOTE, text, cure)


def ill(what: str, text: str, cure: str) -> Found:
    """Does not work."""
    return Found(what, Finding.ILL, text, cure)
