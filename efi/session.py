"""The session: the rules of one conversation between an appliance and whoever controls it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self, get_args

from efi import allocation_rules, appliance_rules
from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.carrying_over import carried_over
from efi.control_space import AnyDescription, ControlSpace
from efi.demand_driven import DemandDrivenSystemDescription
from efi.measurement import Measurement
from efi.message import ControlSpaceRevoke, Message
from efi.messages import AnyAllocation, AnyRegistration, AnyUpdate, ApplianceMessage, AppMessage
from efi.mode_index import ModeIndex
from efi.open_allocation import OpenAllocation, OpenAllocations
from efi.output_adjustable import OutputAdjustableSystemDescription
from efi.recent import RecentIds
from efi.refusal import Refusal, Refused, refuse
from efi.storage import StorageSystemDescription

REMEMBERED_IDS = 16
"""How many messages at least are known by name, so that a repetition is noticed."""


class PastStart(StrEnum):
    """What a start means that lies before the instant at which the appliance can act."""

    AT_ONCE = "at_once"
    """As soon as can be (S2)."""
    REFUSE = "refuse"
    """Nothing: the allocation is refused (EFI)."""


class Verdict(NamedTuple):
    """What becomes of a message: what to deliver to either side, in order, or why it was refused."""

    refusal: Refusal | None = None
    """What was wrong; a message that is refused is not delivered."""
    to_appliance: tuple[AppMessage, ...] = ()
    """What the appliance is to hear."""
    to_app: tuple[ApplianceMessage, ...] = ()
    """What the energy app is to hear."""
    warnings: tuple[Refusal, ...] = ()
    """What was not right, and yet did no harm."""


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
        "_index",
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
        self.allocations = OpenAllocations()
        """The open allocations by their names, oldest first."""
        self._new_id = new_id
        self._recent = RecentIds(REMEMBERED_IDS)
        self._index: ModeIndex | None = None
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

    def take_up(self, allocation: AnyAllocation, status: AllocationStatus | None, now: datetime) -> Refusal | None:
        """Go on with an allocation of a former life, on what the appliance tells now; the answer is why it cannot."""
        try:
            standing = carried_over(self.space, allocation, now, self._index_at)
        except Refused as refused:
            return refused.refusal
        self.allocations[standing.message_id] = OpenAllocation(standing, status)
        return None

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
            return self._rejected(message, refused.refusal, now)
        self._recent.add(message.message_id)
        before, self._told_by_app = self._told_by_app, message.timestamp
        return verdict if before is None or before <= message.timestamp else _warned(verdict, message, before)

    def release(self, now: datetime, reason: str) -> Verdict:
        """The energy app goes: its allocations are closed and taken back; what the appliance told still holds."""
        self._told_by_app = None
        if not self.allocations:
            return Verdict()
        closed = self._close_all(reason, now)
        revoke = AllocationRevoke(
            message_id=self._new_id(), appliance_id=self.appliance_id, timestamp=now, reason=_text(reason)
        )
        return Verdict(to_appliance=(revoke,), to_app=closed)

    def end(self, now: datetime, reason: str) -> Verdict:
        """The conversation ends: every open allocation is closed, and the next message must be a registration."""
        verdict = self.release(now, reason)
        self.space = ControlSpace()
        self._index = None
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
        belongs_to = message.belongs_to
        registration = self.space.registration
        if registration is None:
            if type(message) not in _REGISTRATIONS:
                refuse("not_registered", "", None, "the appliance is not registered", "send the registration first")
        elif belongs_to is not None and belongs_to != registration.type:
            refuse(
                "wrong_category",
                "type",
                _type_of(message),
                f"the appliance is registered by {registration.type}",
                "use the messages of its category, or register anew",
            )

    # What the appliance says -----------------------------------------------------------------------------------------

    def _take_update(self, message: ApplianceMessage, now: datetime) -> Verdict:
        rule = appliance_rules.RULES.get(type(message))
        if rule is not None:
            rule(self.space, message, now, self._index_at)
        self.space.apply(message, now)
        return _new(Verdict, (None, (), (message,), ()))

    def _take_description(self, description: AnyDescription, now: datetime) -> Verdict:
        verdict = self._take_update(description, now)
        self._index = None
        warning = appliance_rules.leakage_left_behind(self.space, description, now)
        return verdict if warning is None else verdict._replace(warnings=(warning,))

    def _take_registration(self, registration: AnyRegistration, now: datetime) -> Verdict:
        closed = self._close_all("the appliance registered anew", now)
        self.space.apply(registration, now)
        self._index = None
        return Verdict(to_app=(*closed, registration))

    def _take_revoke(self, revoke: ControlSpaceRevoke, now: datetime) -> Verdict:
        appliance_rules.check_revoke(self.space, revoke, now, self._index_at)
        resting = self._resting_on(revoke.object_id, now)
        self.space.revoke(revoke.object_id)
        self._index = None
        reason = f"the appliance took back what it rested on. {revoke.reason}"
        closed = [self._closing(name, AllocationStatus.ABORTED, reason, now) for name in resting]
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
            self.allocations.close(update.allocation_id)
            return _new(Verdict, (None, (), (update,), ()))
        told.status = status
        closed: list[AllocationStatusUpdate] = []
        if len(self.allocations) > 1 and (before is None or status is AllocationStatus.STARTED):
            closed = self._replaced_by(told, now)
        if told.replaced:
            closed.append(self._closing(update.allocation_id, AllocationStatus.REVOKED, _REPLACED, now))
        return _new(Verdict, (None, (), (update, *closed), ()))

    def _status_of_stranger(self, update: AllocationStatusUpdate) -> Verdict:
        known = self.allocations.closed_lately(update.allocation_id)
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
        space, opened = self.space, self.allocations
        allocation_rules.check_ground(space, allocation, opened)
        acts_at = allocation_rules.acting_at(space, now)
        newer = OpenAllocation(allocation)
        if self.past_start is PastStart.REFUSE:
            allocation_rules.check_past_start(newer, acts_at)
        allocation_rules.RULES[type(allocation)](space, allocation, opened, acts_at, self._index_at)
        opened[allocation.message_id] = newer
        return _new(Verdict, (None, (allocation,), (), ()))

    def _take_allocation_revoke(self, revoke: AllocationRevoke, now: datetime) -> Verdict:
        name = revoke.allocation_id
        if name is None or name in self.allocations:
            return Verdict(to_appliance=(revoke,))
        known = self.allocations.closed_lately(name)
        refusal = Refusal(
            "allocation_closed" if known else "unknown_allocation",
            "allocation_id",
            name,
            "this allocation is closed" if known else "no such allocation is open",
            "take back open allocations only, or name none to take back all",
        )
        # The appliance may have finished while the revocation was on its way: no fault, and there is nothing to revoke.
        return Verdict(warnings=(refusal,)) if known else Verdict(refusal)

    def _rejected(self, message: AppMessage, refusal: Refusal, now: datetime) -> Verdict:
        if type(message) not in _ALLOCATIONS or refusal.rule == "repeated_message":
            return Verdict(refusal)
        answer = self._status(message.message_id, AllocationStatus.REJECTED, refusal.sentence, now)
        if message.appliance_id != self.appliance_id:
            answer = answer.model_copy(update={"appliance_id": message.appliance_id})
        return Verdict(refusal, to_app=(answer,))

    # Open allocations ------------------------------------------------------------------------------------------------

    def _replaced_by(self, newer: OpenAllocation, now: datetime) -> list[AllocationStatusUpdate]:
        started = newer.status is AllocationStatus.STARTED
        acts_at = None if started else allocation_rules.acting_at(self.space, now)
        lost = self.allocations.give_way_to(newer, acts_at)
        return [self._closing(name, AllocationStatus.REVOKED, _REPLACED, now) for name in lost]

    def _close_all(self, reason: str, now: datetime) -> tuple[AllocationStatusUpdate, ...]:
        names = tuple(self.allocations)
        return tuple(self._closing(name, AllocationStatus.ABORTED, reason, now) for name in names)

    def _closing(self, name: str, status: AllocationStatus, reason: str, now: datetime) -> AllocationStatusUpdate:
        """Close an allocation, and say so; one that the appliance never accepted is rejected, whatever else befell."""
        reached = self.allocations.close(name)
        return self._status(name, AllocationStatus.REJECTED if reached is None else status, reason, now)

    def _status(self, name: str, status: AllocationStatus, text: str, now: datetime) -> AllocationStatusUpdate:
        return AllocationStatusUpdate(
            message_id=self._new_id(),
            appliance_id=self.appliance_id,
            timestamp=now,
            allocation_id=name,
            status=status,
            text=_text(text),
        )

    def _index_at(self, now: datetime) -> ModeIndex | None:
        index = self._index
        descriptions = self.space.descriptions
        if index is not None and len(descriptions) == 1:
            return index
        description = self.space.description_at(now)
        if description is None or (index is not None and index.description is description):
            return None if description is None else index
        self._index = ModeIndex(description)
        return self._index


_REPLACED = "a newer allocation took its place"

_new = tuple.__new__
"""Makes a verdict in a third of the time that its own constructor takes; for the paths that every message goes."""


_UNPRINTABLE = dict.fromkeys((*range(9), *range(11, 32), 127), " ")


def _text(sentence: str) -> str:
    """A sentence as a message's text may be: not too long, and without what acts on a terminal."""
    return sentence.encode("utf-8", "replace").decode().translate(_UNPRINTABLE).rstrip()[:2000]


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
_REGISTRATIONS = frozenset(get_args(AnyRegistration))

_FROM_APPLIANCE: dict[type[Message], _Taken] = {
    **dict.fromkeys(get_args(AnyUpdate), Session._take_update),
    **dict.fromkeys(_DESCRIPTIONS, Session._take_description),
    **dict.fromkeys(_REGISTRATIONS, Session._take_registration),
    Measurement: Session._take_update,
    ControlSpaceRevoke: Session._take_revoke,
    AllocationStatusUpdate: Session._take_status,
}
_FROM_APP: dict[type[Message], _Taken] = {
    **dict.fromkeys(_ALLOCATIONS, Session._take_allocation),
    AllocationRevoke: Session._take_allocation_revoke,
}
