"""What the gateway keeps, as values: open allocations, connections, overrides, limits, events; and their rows."""

import json
import zlib
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import JsonValue

from efi.allocation import AllocationStatus
from efi.commodity import Phase
from efi.messages import MESSAGE, AnyAllocation, ApplianceMessage, AppMessage, dump_message
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.site.revisions import Origin, Revision, Verdict
from efpi_core.state.table import Row
from efpi_core.views import EventView, OverrideView


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


def open_allocation(row: Row) -> OpenAllocation:
    """An allocation as kept. Raises ValueError when its message is not one of this efpi."""
    _, _, app, status, text, message, given_at, changed_at = map(_text, row)
    return OpenAllocation(
        message=_allocation(MESSAGE.validate_json(message)),
        app=app,
        given_at=datetime.fromisoformat(given_at),
        status=AllocationStatus(status) if status else None,
        text=text,
        changed_at=datetime.fromisoformat(changed_at) if changed_at else None,
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


def kept_connection(row: Row) -> KeptConnection:
    """A connection as kept."""
    appliance, app, by_hand, changed_at = row
    return KeptConnection(
        _text(appliance), None if app is None else _text(app), bool(by_hand), datetime.fromisoformat(_text(changed_at))
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


def ended_allocation(row: Row) -> EndedAllocation:
    """An end as kept."""
    _, number, appliance, allocation, app, status, text, at = row
    return EndedAllocation(
        number if isinstance(number, int) else 0,
        _text(appliance),
        _text(allocation),
        _text(app),
        AllocationStatus(_text(status)),
        _text(text),
        datetime.fromisoformat(_text(at)),
    )


def override_row(override: OverrideView, allocation_id: str | None) -> Row:
    """An override, to be kept."""
    parameters = json.dumps(override.parameters, allow_nan=False)
    return (override.appliance, override.action, override.until.isoformat(), override.by, parameters, allocation_id)


def override_view(row: Row) -> OverrideView:
    """An override as kept."""
    appliance, action, until, by, parameters = map(_text, row[:5])
    return OverrideView(appliance, action, datetime.fromisoformat(until), by, json.loads(parameters))


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
        start=None if begins is None else datetime.fromisoformat(_text(begins)),
        end=None if ends is None else datetime.fromisoformat(_text(ends)),
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


def event_view(row: Row) -> EventView:
    """An event as kept."""
    _, number, at, level, subject, kind, text, cure, detail, count, last_at = row
    return EventView(
        number=int(_number(number) or 0),
        at=datetime.fromisoformat(_text(at)),
        level=_text(level),
        subject=_text(subject),
        kind=_text(kind),
        text=_text(text),
        cure=_text(cure),
        detail=_text(detail),
        count=int(_number(count) or 1),
        last_at=datetime.fromisoformat(_text(last_at)) if last_at else None,
    )


def revision_row(revision: Revision) -> Row:
    """A revision, to be kept."""
    return (
        revision.number, revision.at.isoformat(), revision.by, revision.why, revision.origin.value,
        revision.verdict.value, revision.digest, revision.source, revision.note,
    )  # fmt: skip


def kept_revision(row: Row) -> Revision:
    """A revision as kept."""
    by, why, origin, verdict, digest, source, note = map(_text, row[2:])
    return Revision(
        number=int(_number(row[0]) or 0),
        at=datetime.fromisoformat(_text(row[1])),
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
        return zlib.decompress(row[1]).decode(), json.loads(zlib.decompress(row[2]))
    except (zlib.error, ValueError):
        return None


def with_verdict(revision: Revision, verdict: Verdict, note: str) -> Revision:
    """The revision with what became of it."""
    return replace(revision, verdict=verdict, note=note)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
