"""The door of the house: what instances say is hostile until it was looked at here, since it stays for years."""

import json
import logging
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import JsonValue

from efpi_core.health_words import detail_code
from efpi_core.host.frames import Condition
from efpi_core.plugin.memory import LARGEST_VALUE
from efpi_core.plugin.observation import ObservationSpec, ObservedValue

MOST_APPLIANCES = 10_000
"""Appliances that one instance may bring."""

MOST_KEYS = 1000
"""Values that one instance may keep."""

LONGEST_KEY = 200

LONGEST_TEXT = 2000
"""Characters of a sentence for people."""

LONGEST_VALUE = 1000
"""Characters of an observed text."""

LONGEST_INTERVAL_S = 366 * 86400.0
"""The rarest value that can be promised."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No house has values from before."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){1,5}")
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


def log_level(level: int) -> int:
    """The closest of the log's own levels."""
    return min(_LEVELS, key=lambda known: abs(known - level))


def sentence(text: str) -> str:
    """A text as one line of bounded length, without what acts on a terminal or cannot be written down."""
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT - 1]}…"
    return text if text.isprintable() else "".join(mark if mark.isprintable() else " " for mark in text)


def clean_condition(frame: Condition, redact: Callable[[str], str]) -> None:
    """Make what an instance says of itself fit to be shown: its detail a code, its words without secrets."""
    frame.detail = detail_code(frame.detail)
    frame.text, frame.cure = sentence(redact(frame.text)), sentence(redact(frame.cure))


def bad_name(name: str) -> str | None:
    """Why a name cannot be that of an observation, or None."""
    if _NAME.fullmatch(name):
        return None
    return f"{sentence(name[:80])!r} is no name of an observation; say `<appliance or instance>.<quantity>`"


def bad_value(value: ObservedValue) -> str | None:
    """Why a value cannot be observed, or None."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"a text of {len(value)} characters; {LONGEST_VALUE} may be"
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return "a whole number of more than 63 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no number; say None where a value is not known"
    return None


def instant(at: datetime, now: datetime) -> datetime | None:
    """An instant in UTC that is not ahead of ours; None when it is none at all."""
    if at.tzinfo is None or at < EARLIEST:
        return None
    return now if at > now else at if at.tzinfo is UTC else at.astimezone(UTC)


def bad_spec(spec: ObservationSpec) -> str | None:
    """Why an announcement of an observation cannot be, or None."""
    every = spec.expected_every_s
    if every is not None and not 0 < every <= LONGEST_INTERVAL_S:
        return (
            f"'{spec.name}' promises a value every {every} s; say above 0 and up to {LONGEST_INTERVAL_S:.0f}, or None"
        )
    if spec.modulus is not None and not 0 < spec.modulus < 1 << 63:
        return f"'{spec.name}' begins anew at {spec.modulus}; say above 0 and below 2^63, or None"
    if len(spec.unit) > 32 or not spec.unit.isprintable():
        return f"the unit of '{spec.name}' is none"
    return bad_name(spec.name)


def bad_memory(key: str, value: JsonValue) -> str | None:
    """Why a value cannot be kept for an instance, or None; one that cannot be written would hold up all others."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        return f"{sentence(key[:80])!r} is no key; take 1 to {LONGEST_KEY} printable characters"
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError, RecursionError) as error:
        return f"what '{key}' holds cannot be written down: {error}"
    return f"'{key}' holds {size} bytes; {LARGEST_VALUE} may be" if size > LARGEST_VALUE else None
