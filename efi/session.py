"""The session: the rules of one conversation between an appliance and whoever controls it."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Self, get_args

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.allocation_rules import check_allocation, processing_delay, refuse_past_start
from efi.appliance_rules import RULES, leakage_left_behind
from efi.control_space import AnyDescription, ControlSpace
from efi.demand_driven import DemandDrivenSystemDescription
from efi.measurement import Measurement
from efi.message import ControlSpaceRevoke, Message
from efi.messages import AnyAllocation, AnyRegistration, AnyUpdate, ApplianceMessage, AppMessage
from efi.mode_index import ModeIndex
from efi.open_allocation import OpenAllocation
from efi.output_adjustable import OutputAdjustableSystemDescription
from efi.recent import RecentIds
from efi.refusal import Refusal, Refused, refuse
from efi.registration import ControlSpaceRegistration
from efi.storage import StorageSystemDescription
from efi.verdict import PastStart, Verdict

MAX_OPEN = 64
"""How many allocations of one appliance may be open at once."""

REMEMBERED_CLOSED = 16
"""How many closed allocations are known by name, so that a late last word on one is not taken for a stranger's."""

REMEMBERED_IDS = 16
"""How many messages at least are known by name, so that a repetition is noticed."""


class Session:
    """One conversation about one appliance, seen from either end or from between.

    It knows no transport and no clock: it is given each message and the time, and answers with a verdict. It never
    raises on what a peer says.

    A newer allocation replaces an older one part by part (actuator, step, quantity). Once the appliance has accepted
    the newer, the older loses each part that the newer takes at once, or begins no later than the older would; a part
    that the newer takes later stays the older's until the newer is started. An older one that lost every part is closed
    with REVOKED. Taking back the control space, or registering anew, closes what rested on it: with ABORTED where the
    appliance had accepted, else with REJECTED. A new system description closes nothing: an accepted allocation is the
    appliance's promise, and its own word ends it.
    """

    __slots__ = (
        "_closed",
        "_indexes",
        "_new_id",
        "_recent",
        "_told_by_app",
        "_told_by_appliance",
        "allocations",
        "appliance_id",
        "past_start",
        "space",
    )

    def __init__(
        self, appliance_id: str, *, new_id: Callable[[], str], past_start: PastStart = PastStart.AT_ONCE
    ) -> None:
        self.appliance_id = appliance_id
        self.past_start = past_start
        self.space = ControlSpace()
        """What the appliance told that still holds."""
        self.allocations: dict[str, OpenAllocation] = {}
        """The open allocations by their names, oldest first."""
        self._new_id = new_id
        self._closed: deque[str] = deque(maxlen=REMEMBERED_CLOSED)
        self._recent = RecentIds(REMEMBERED_IDS)
        self._indexes: dict[str, ModeIndex] = {}
        self._told_by_appliance: datetime | None = None
        self._told_by_app: datetime | None = None

    @classmethod
    def restore(
        cls,
        appliance_id: str,
        messages: Iterable[ApplianceMessage],
        allocations: Iterable[tuple[AnyAllocation, AllocationStatus | None]],
        now: datetime,
        *,
        new_id: Callable[[], str],
        past_start: PastStart = PastStart.AT_ONCE,
    ) -> Self:
        """A conversation as it stood: what `space.messages()` told, and the open allocations, oldest first."""
        session = cls(appliance_id, new_id=new_id, past_start=past_start)
        for message in messages:
            session.space.apply(message, now)
        for allocation, status in allocations:
            session.allocations[allocation.message_id] = OpenAllocation(allocation, status)
        return session

    # What either side says -------------------------------------------------------------------------------------------

    def from_appliance(self, message: ApplianceMessage, now: datetime) -> Verdict:
        """Judge what the appliance says, and take it in when it passes."""
        try:
            self._check_header(message)
            taken = _FROM_APPLIANCE.get(type(message))
            verdict = _refuse_side(message) if taken is None else taken(self, message, now)
        except Refused as refused:
            return Verdict(refused.refusal)
        self._recent.add(message.message_id)
        before, self._told_by_appliance = self._told_by_appliance, message.timestamp
        return verdict if before is None or before <= message.timestamp else _warned(verdict, message, before)

    def from_app(self, message: AppMessage, now: datetime) -> Verdict:
        """Judge what the energy app says. An allocation that is refused is answered with a status."""
        try:
            self._check_header(message)
            taken = _FROM_APP.get(type(message))
            verdict = _refuse_side(message) if taken is None else taken(self, message, now)
        except Refused as refused:
            return self._refused(message, refused.refusal, now)
        self._recent.add(message.message_id)
        before, self._told_by_app = self._told_by_app, message.timestamp
        return verdict if before is None or before <= message.timestamp else _warned(verdict, message, before)

    def release(self, now: datetime, reason: str) -> Verdict:
        """The energy app goes: its allocations are closed and taken back; what the appliance told still holds."""
        if not self.allocations:
            return Verdict()
        closed = self._close(tuple(self.allocations), reason, now)
        revoke = AllocationRevoke(
            message_id=self._new_id(), appliance_id=self.appliance_id, timestamp=now, reason=_text(reason)
        )
        self._told_by_app = None
        return Verdict(to_appliance=(revoke,), to_app=closed)

    def end(self, now: datetime, reason: str) -> Verdict:
        """The conversation ends: every open allocation is closed, and the next message must be a registration."""
        verdict = self.release(now, reason)
        self.space = ControlSpace()
        self._indexes = {}
        self._told_by_appliance = None
        return verdict

    def _check_header(self, message: Message) -> None:
        if message.appliance_id != self.appliance_id:
            refuse(
                "other_appliance",
                "appliance_id",
                message.appliance_id,
                f"this conversation is about '{self.appliance_id}'",
                "send it in the other appliance's conversation",
            )
        if message.message_id in self._recent or message.message_id in self.allocations:
            refuse(
                "repeated_message",
                "message_id",
                message.message_id,
                "a message of this name was taken already",
                "give each message a name of its own, and send it once",
            )
        registration = self.space.registration
        if registration is None:
            if not isinstance(message, ControlSpaceRegistration):
                refuse("not_registered", "", None, "the appliance is not registered", "send the registration first")
        elif message.belongs_to is not None and message.belongs_to != registration.type:
            refuse(
                "wrong_category",
                "type",
                _type_of(message),
                f"the appliance is registered by {registration.type}",
                "use the messages of its category, or register anew",
            )

    # What the appliance says -----------------------------------------------------------------------------------------

    def _take_update(self, message: ApplianceMessage, now: datetime) -> Verdict:
        rule = RULES.get(type(message))
        if rule is not None:
            rule(self.space, message, now, self._index_at)
        self.space.apply(message, now)
        return Verdict(None, (), (message,))

    def _take_description(self, description: AnyDescription, now: datetime) -> Verdict:
        verdict = self._take_update(description, now)
        self._indexes = {}
        warning = leakage_left_behind(self.space, description, now)
        return verdict if warning is None else verdict._replace(warnings=(warning,))

    def _take_registration(self, registration: AnyRegistration, now: datetime) -> Verdict:
        closed = self._close(tuple(self.allocations), "the appliance registered anew", now)
        self.space.apply(registration, now)
        self._indexes = {}
        return Verdict(to_app=(*closed, registration))

    def _take_revoke(self, revoke: ControlSpaceRevoke, now: datetime) -> Verdict:
        RULES[ControlSpaceRevoke](self.space, revoke, now, self._index_at)
        resting = self._resting_on(revoke.object_id, now)
        self.space.revoke(revoke.object_id)
        self._indexes = {}
        closed = self._close(resting, f"the appliance took back what it rested on. {revoke.reason}", now)
        return Verdict(to_app=(*closed, revoke))

    def _resting_on(self, object_id: str | None, now: datetime) -> tuple[str, ...]:
        """The allocations that lose their ground: all of them when it is the description or the work that goes."""
        grounds = (self.space.description_at(now), self.space.work)
        if object_id is None or any(ground is not None and ground.message_id == object_id for ground in grounds):
            return tuple(self.allocations)
        return tuple(
            name for name, each in self.allocations.items() if each.allocation.control_space_update_id == object_id
        )

    def _take_status(self, update: AllocationStatusUpdate, now: datetime) -> Verdict:
        told = self.allocations.get(update.allocation_id)
        if told is None:
            return self._status_of_stranger(update)
        before, status = told.status, update.status
        if not status.may_follow(before):
            refuse(
                "status_out_of_order",
                "status",
                status.value,
                f"the last status was {'none' if before is None else before.value}",
                "tell accepted or rejected first, then processing, started, and one end",
            )
        if status.final:
            self._forget(update.allocation_id)
            return Verdict(None, (), (update,))
        told.status = status
        if not told.replaced and len(self.allocations) == 1:
            return Verdict(None, (), (update,))
        closed: tuple[AllocationStatusUpdate, ...] = ()
        if before is None or status is AllocationStatus.STARTED:
            closed = self._replaced_by(told, now)
        if told.replaced:
            closed += self._close((update.allocation_id,), _REPLACED, now)
        return Verdict(None, (), (update, *closed))

    def _status_of_stranger(self, update: AllocationStatusUpdate) -> Verdict:
        known = update.allocation_id in self._closed
        refusal = Refusal(
            "allocation_closed" if known else "unknown_allocation",
            "allocation_id",
            update.allocation_id,
            "this allocation is closed" if known else "no such allocation is open",
            "tell the status of open allocations only",
        )
        # An appliance may close on its own what the session has just closed: no fault, and the app knows already.
        return Verdict(warnings=(refusal,)) if known and update.status.final else Verdict(refusal)

    # What the energy app says ----------------------------------------------------------------------------------------

    def _take_allocation(self, allocation: AnyAllocation, now: datetime) -> Verdict:
        if len(self.allocations) >= MAX_OPEN:
            refuse(
                "too_many_open",
                "",
                None,
                f"{MAX_OPEN} allocations of this appliance are open",
                "wait for their statuses, or revoke some",
            )
        opened = OpenAllocation(allocation)
        if self.past_start is PastStart.REFUSE:
            refuse_past_start(opened.begins.values(), now + processing_delay(self.space))
        earlier = (each.allocation for each in self.allocations.values())
        check_allocation(self.space, allocation, earlier, now, self._index_at)
        self.allocations[allocation.message_id] = opened
        return Verdict(None, (allocation,))

    def _take_allocation_revoke(self, revoke: AllocationRevoke, now: datetime) -> Verdict:
        name = revoke.allocation_id
        if name is not None and name not in self.allocations:
            known = name in self._closed
            refuse(
                "allocation_closed" if known else "unknown_allocation",
                "allocation_id",
                name,
                "this allocation is closed" if known else "no such allocation is open",
                "take back open allocations only, or name none to take back all",
            )
        return Verdict(None, (revoke,))

    def _refused(self, message: AppMessage, refusal: Refusal, now: datetime) -> Verdict:
        if type(message) not in _ALLOCATIONS or refusal.rule == "repeated_message":
            return Verdict(refusal)
        answer = AllocationStatusUpdate(
            message_id=self._new_id(),
            appliance_id=message.appliance_id,
            timestamp=now,
            allocation_id=message.message_id,
            status=AllocationStatus.REJECTED,
            text=_text(refusal.sentence),
        )
        return Verdict(refusal, (), (answer,))

    # Open allocations ------------------------------------------------------------------------------------------------

    def _replaced_by(self, newer: OpenAllocation, now: datetime) -> tuple[AllocationStatusUpdate, ...]:
        """Let older allocations give way to one that the appliance has accepted or started."""
        acts_at = None if newer.status is AllocationStatus.STARTED else now + processing_delay(self.space)
        lost = []
        for name, older in self.allocations.items():
            if older is newer:
                break
            if not older.give_way_to(newer, acts_at):
                continue
            if older.status is None:
                older.replaced = True
            else:
                lost.append(name)
        return self._close(lost, _REPLACED, now) if lost else ()

    def _close(self, names: Iterable[str], reason: str, now: datetime) -> tuple[AllocationStatusUpdate, ...]:
        return tuple(self._close_one(name, reason, now) for name in names)

    def _close_one(self, name: str, reason: str, now: datetime) -> AllocationStatusUpdate:
        status = AllocationStatus.REVOKED if reason is _REPLACED else AllocationStatus.ABORTED
        if self.allocations[name].status is None:
            status = AllocationStatus.REJECTED
        self._forget(name)
        return AllocationStatusUpdate(
            message_id=self._new_id(),
            appliance_id=self.appliance_id,
            timestamp=now,
            allocation_id=name,
            status=status,
            text=_text(reason),
        )

    def _forget(self, name: str) -> None:
        del self.allocations[name]
        self._closed.append(name)

    def _index_at(self, now: datetime) -> ModeIndex | None:
        description = self.space.description_at(now)
        if description is None:
            return None
        index = self._indexes.get(description.message_id)
        if index is None:
            index = self._indexes[description.message_id] = ModeIndex(description)
        return index


_REPLACED = "a newer allocation took its place"


def _text(sentence: str) -> str:
    """A sentence as a message's text may be: not too long."""
    return sentence.rstrip()[:2000]


def _type_of(message: Message) -> str:
    return str(getattr(message, "type", type(message).__name__))


def _refuse_side(message: Message) -> Verdict:
    refuse("wrong_side", "type", _type_of(message), "this is for the other side to say", "send what is yours to say")


def _warned(verdict: Verdict, message: Message, before: datetime) -> Verdict:
    warning = Refusal(
        "timestamp_reversed",
        "timestamp",
        message.timestamp.isoformat(),
        f"the message before bears {before.isoformat()}",
        "send messages in their order, by a clock that does not jump back",
    )
    return verdict._replace(warnings=(*verdict.warnings, warning))


_Taken = Callable[[Session, Any, datetime], Verdict]

_DESCRIPTIONS = (StorageSystemDescription, OutputAdjustableSystemDescription, DemandDrivenSystemDescription)
_ALLOCATIONS = frozenset(get_args(AnyAllocation))

_FROM_APPLIANCE: dict[type[Message], _Taken] = {
    **dict.fromkeys(get_args(AnyUpdate), Session._take_update),
    **dict.fromkeys(_DESCRIPTIONS, Session._take_description),
    **dict.fromkeys(get_args(AnyRegistration), Session._take_registration),
    Measurement: Session._take_update,
    ControlSpaceRevoke: Session._take_revoke,
    AllocationStatusUpdate: Session._take_status,
}
_FROM_APP: dict[type[Message], _Taken] = {
    **dict.fromkeys(_ALLOCATIONS, Session._take_allocation),
    AllocationRevoke: Session._take_allocation_revoke,
}
