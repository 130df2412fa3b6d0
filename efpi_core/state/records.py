"""What the gateway keeps, as values: open allocations, connections, overrides, limits, events; and their rows."""

import json
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from pydantic import JsonValue

from efi.allocation import AllocationStatus
from efi.commodity import Phase
from efi.messages import MESSAGE, AnyAllocation, ApplianceMessage, AppMessage, dump_message
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.site.revisions import Origin, Revision, Verdict
from efpi_core.state.table import Row
from efpi_core.views import EventView, OverrideView

LARGEST_DOCUMENT = 64 * 1024 * 1024
"""Bytes of a site document or of its data: far more than the largest that is taken."""

HIGHEST_NUMBER = 1 << 53
"""Of an event or a revision: a higher one was never given."""

RecordT = TypeVar("RecordT")


def reads_a_row(read: Callable[[Row], RecordT]) -> Callable[[Row], RecordT]:
    """A reader of rows that raises ValueError for whatever is wrong with one: a damaged file may hold anything."""

    @wraps(read)
    def reading(row: Row) -> RecordT:
        try:
            return read(row)
        except (TypeError, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from error

    return reading


@dataclass(frozen=True, slots=True)
class OpenAllocation:
    """An allocation that was sent to its driver and has not come to its end."""

    message: AnyAllocation
    app: str
    """The app that gave it."""
    given_at: datetime
    status: AllocationStatus | None = None
    """The driver's last word; None before the first."""
    text: str = ""
    changed_at: datetime | None = None
    """When the status was reached; None before the first."""

    @property
    def appliance_id(self) -> str:
        """The appliance that is asked."""
        return self.message.appliance_id

    @property
    def allocation_id(self) -> str:
        """The allocation's name, unique for its appliance."""
        return self.message.message_id

    def row(self) -> Row:
        """As kept."""
        return (
            self.message.appliance_id,
            self.message.message_id,
            self.app,
            self.status,
            self.text,
            dump_message(self.message).decode(),
            self.given_at.isoformat(),
            "" if self.changed_at is None else self.changed_at.isoformat(),
        )


def with_status(row: Row, status: AllocationStatus, text: str, at: datetime) -> Row:
    """An allocation's row with a newer status."""
    return (*row[:3], status.value, text, *row[5:7], at.isoformat())


@reads_a_row
def open_allocation(row: Row) -> OpenAllocation:
    """An allocation as kept."""
    _, _, app, status, text, message, given_at, changed_at = map(_text, row)
    return OpenAllocation(
        message=_allocation(MESSAGE.validate_json(message)),
        app=app,
        given_at=_instant(given_at),
        status=AllocationStatus(status) if status else None,
        text=text,
        changed_at=_instant(changed_at) if changed_at else None,
    )


def _allocation(message: ApplianceMessage | AppMessage) -> AnyAllocation:
    if isinstance(message, AnyAllocation):
        return message
    raise ValueError(f"{message.type} is no allocation")


@dataclass(frozen=True, slots=True)
class KeptConnection:
    """Which app controls an appliance."""

    appliance_id: str
    app: str | None
    """None: by hand, no app."""
    by_hand: bool
    changed_at: datetime

    def row(self) -> Row:
        """As kept."""
        return (self.appliance_id, self.app, int(self.by_hand), self.changed_at.isoformat())


@reads_a_row
def kept_connection(row: Row) -> KeptConnection:
    """A connection as kept."""
    appliance, app, by_hand, changed_at = row
    return KeptConnection(
        _text(appliance), None if app is None else _text(app), bool(by_hand), _instant(_text(changed_at))
    )


ENDED_RING = 512
"""So many allocations are remembered beyond their end; each takes the place of an older one."""

LONGEST_END = 200
"""Characters that are kept of why an allocation ended."""


@dataclass(frozen=True, slots=True)
class EndedAllocation:
    """An allocation that came to its end, and by which word."""

    number: int
    """Counts the ends."""
    appliance_id: str
    allocation_id: str
    app: str
    status: AllocationStatus
    text: str
    ended_at: datetime


def ended_row(number: int, row: Row, status: AllocationStatus, text: str, at: datetime) -> Row:
    """The end of an allocation of which this is the row, to be kept."""
    return (number % ENDED_RING, number, *row[:3], status.value, text[:LONGEST_END], at.isoformat())


@reads_a_row
def ended_allocation(row: Row) -> EndedAllocation:
    """An end as kept."""
    _, number, appliance, allocation, app, status, text, at = row
    return EndedAllocation(
        _count(number),
        _text(appliance),
        _text(allocation),
        _text(app),
        AllocationStatus(_text(status)),
        _text(text),
        _instant(_text(at)),
    )


def override_row(override: OverrideView, allocation_id: str | None) -> Row:
    """An override, to be kept."""
    parameters = json.dumps(override.parameters, allow_nan=False)
    return (override.appliance, override.action, override.until.isoformat(), override.by, parameters, allocation_id)


@reads_a_row
def override_view(row: Row) -> OverrideView:
    """An override as kept."""
    appliance, action, until, by, parameters = map(_text, row[:5])
    return OverrideView(appliance, action, _instant(until), by, _object(parameters))


@dataclass(frozen=True, slots=True)
class KeptLimit:
    """A limit that was set while the gateway ran, and by whom."""

    limit: Limit
    by: str

    def row(self) -> Row:
        """As kept."""
        limit = self.limit
        return (
            limit.limit_id,
            limit.source.value,
            limit.lower_w,
            limit.upper_w,
            None if limit.phase is None else limit.phase.value,
            limit.appliance_id,
            None if limit.start is None else limit.start.isoformat(),
            None if limit.end is None else limit.end.isoformat(),
            limit.reason,
            self.by,
        )


@reads_a_row
def kept_limit(row: Row) -> KeptLimit:
    """A limit as kept."""
    name, source, lower, upper, phase, appliance, begins, ends, reason, by = row
    limit = Limit(
        limit_id=_text(name),
        source=LimitSource(_text(source)),
        lower_w=_number(lower),
        upper_w=_number(upper),
        phase=None if phase is None else Phase(_text(phase)),
        appliance_id=None if appliance is None else _text(appliance),
        start=None if begins is None else _instant(_text(begins)),
        end=None if ends is None else _instant(_text(ends)),
        reason=_text(reason),
    )
    return KeptLimit(limit, _text(by))


EVENT_RING = 2000
"""How many events are kept; a newer one takes the oldest one's place."""


def event_row(event: EventView) -> Row:
    """An event, to be kept."""
    slot = event.number % EVENT_RING
    return (
        slot, event.number, event.at.isoformat(), event.level, event.subject, event.kind, event.text, event.cure,
        event.detail, event.count, "" if event.last_at is None else event.last_at.isoformat(),
    )  # fmt: skip


@reads_a_row
def event_view(row: Row) -> EventView:
    """An event as kept."""
    _, number, at, level, subject, kind, text, cure, detail, count, last_at = row
    return EventView(
        number=_count(number),
        at=_instant(_text(at)),
        level=_text(level),
        subject=_text(subject),
        kind=_text(kind),
        text=_text(text),
        cure=_text(cure),
        detail=_text(detail),
        count=_count(count),
        last_at=_instant(_text(last_at)) if last_at else None,
    )


def revision_row(revision: Revision) -> Row:
    """A revision, to be kept."""
    return (
        revision.number, revision.at.isoformat(), revision.by, revision.why, revision.origin.value,
        revision.verdict.value, revision.digest, revision.source, revision.note,
    )  # fmt: skip


@reads_a_row
def kept_revision(row: Row) -> Revision:
    """A revision as kept."""
    by, why, origin, verdict, digest, source, note = map(_text, row[2:])
    return Revision(
        number=_count(row[0]),
        at=_instant(_text(row[1])),
        by=by,
        why=why,
        origin=Origin(origin),
        verdict=Verdict(verdict),
        digest=digest,
        source=source,
        note=note,
    )


def kept_document(row: Row | None) -> tuple[str, JsonValue] | None:
    """A revision's text and data as kept; None when there is none, or it cannot be read."""
    if row is None or not isinstance(row[1], bytes) or not isinstance(row[2], bytes):
        return None
    try:
        return _unpacked(row[1]).decode(), json.loads(_unpacked(row[2]))
    except (zlib.error, ValueError, RecursionError):
        return None


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, LARGEST_DOCUMENT)
    if not unpacking.eof:
        raise ValueError("a document that is cut, or far too large")
    return content


def with_verdict(revision: Revision, verdict: Verdict, note: str) -> Revision:
    """The revision with what became of it."""
    return replace(revision, verdict=verdict, note=note)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    if value is None:
        return None
    raise ValueError(f"{str(value)[:40]!r} is no number")


def _count(value: object) -> int:
    if isinstance(value, int) and 0 < value <= HIGHEST_NUMBER:
        return value
    raise ValueError(f"{str(value)[:40]!r} is no number that was given")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no zone")
    return at


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:40]!r} is no object")
    return value
