"""One line of the log, and its three looks: JSON for programs, text for people, text for the system's journal."""

import json
import logging
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

LONGEST_TEXT = 4000
LONGEST_TRACE = 16_000

_UNPRINTED = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What a terminal obeys, what ends a line, what turns the direction of writing or is not seen; not the tabulator."""

PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Levels as syslog counts them, which journald reads from the beginning of a line (sd-daemon(3))."""


def one_line(text: str) -> str:
    """A text in which everything that is not printed is written out, as `\\x1b`."""
    return text if text.isprintable() else _UNPRINTED.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return {10: "\\n", 13: "\\r"}.get(code) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


@dataclass(frozen=True, slots=True)
class Line:
    """What happened, to be written down."""

    at: datetime
    level: int
    event: str
    subject: str
    text: str
    logger: str
    trace: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, record: logging.LogRecord) -> Self:
        """A record of the standard library's logging; one that is not the gateway's own is of a library."""
        trace = str(getattr(record, "trace", ""))
        if record.exc_info and record.exc_info[0] is not None:
            trace += "".join(traceback.format_exception(*record.exc_info))
        return cls(
            at=datetime.fromtimestamp(record.created, UTC),
            level=record.levelno,
            event=str(getattr(record, "event", "library")),
            subject=str(getattr(record, "subject", record.name)),
            text=_message(record),
            logger=record.name,
            trace=trace,
            facts=getattr(record, "facts", {}),
        )

    def as_json(self, redact: Callable[[str], str]) -> str:
        """For grep and jq: one JSON object; what is empty is left out."""
        told: dict[str, object] = {
            "ts": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": logging.getLevelName(self.level).lower(),
            "event": self.event,
            "subject": one_line(redact(self.subject)),
            "text": one_line(redact(_cut(self.text, LONGEST_TEXT))),
        }
        for name, value in self.facts.items():
            if value not in ("", None):
                told[name] = value if isinstance(value, int | float) else one_line(redact(str(value)))
        if self.trace:
            told["trace"] = [one_line(row) for row in redact(_end_of(self.trace, LONGEST_TRACE)).splitlines()]
        if self.event == "library":
            told["logger"] = self.logger
        return json.dumps(told, ensure_ascii=False, allow_nan=True)

    def as_text(self, redact: Callable[[str], str]) -> str:
        """For people; the lines of a trace follow, set in."""
        head = f"{self.at.astimezone():%Y-%m-%d %H:%M:%S} {logging.getLevelName(self.level):<7} "
        return head + self._body(redact, "\n    ")

    def as_journal(self, redact: Callable[[str], str]) -> str:
        """For journald, which knows the time, and takes the level from the beginning of each line."""
        mark = f"<{PRIORITIES.get(self.level, 6)}>"
        return mark + self._body(redact, f"\n{mark}    ")

    def _body(self, redact: Callable[[str], str], between: str) -> str:
        parts = [f"{one_line(redact(self.subject))}: {self.event}: {one_line(redact(_cut(self.text, LONGEST_TEXT)))}"]
        if cure := self.facts.get("cure"):
            parts[0] += f" → {one_line(redact(str(cure)))}"
        if self.trace:
            parts.extend(one_line(row) for row in redact(_end_of(self.trace, LONGEST_TRACE)).splitlines())
        return between.join(parts)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  # a library's own line does not fit its own arguments
        return str(record.msg)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _end_of(trace: str, longest: int) -> str:
    """The end of a trace, where the error is."""
    return trace if len(trace) <= longest else f"…{trace[1 - longest :]}"
