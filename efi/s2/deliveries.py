"""The messages of ours on their way: whether the other side took them, and which are to be sent again."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from efi.recent import RecentIds
from efi.refusal import Refusal
from efi.s2.common import ControlType
from efi.s2.conversation import ReceptionStatus, ReceptionStatusValues
from efi.s2.messages import AnyNamedMessage, control_type_of
from efi.s2.newest import newest_mark
from efi.s2.outcome import Delivered, NotDelivered, Warned

NIL_ID = "00000000-0000-0000-0000-000000000000"
"""The subject of a ReceptionStatus about something in which no message_id could be read (a convention of peers)."""

LONGEST_LABEL = 500
"""Characters of a diagnostic label that are kept."""

REMEMBERED = 256
"""Messages that are known at least to have been answered."""


def printable(words: str) -> str:
    """Words of the other side, cut, with nothing in them that acts on a terminal."""
    return "".join(each if each.isprintable() else " " for each in words[:LONGEST_LABEL])


class DeliveryLimits(NamedTuple):
    """How long and how often."""

    answer_within_s: float = 10.0
    """A ReceptionStatus is overdue after this."""
    resend_after_s: float = 1.0
    """The first pause before a message is sent again after TEMPORARY_ERROR; each further one is twice as long."""
    resends: int = 4
    """How often a message is sent again."""
    most: int = 256
    """Messages that are awaited at once; the oldest is overdue when there are more."""


class _Awaited:
    __slots__ = ("due", "message", "resending", "sent")

    def __init__(self, message: AnyNamedMessage, due: float) -> None:
        self.message = message
        self.due = due
        """When its answer is overdue, or when it is to be sent again."""
        self.sent = 1
        """How often it was sent."""
        self.resending = False
        """Whether it waits for being sent again."""


class Deliveries:
    """The messages that wait for their ReceptionStatus, in bounded room.

    One that the other side could not take is sent again, with growing pauses, unless it tells a state and a newer one
    was sent since, or belongs to a control type that is not active any more. Where the other side could not take one
    however often it was sent, no other of its kind is sent again: some answer so to whatever they do not know.
    """

    def __init__(self, limits: DeliveryLimits) -> None:
        self.control_type = ControlType.NO_SELECTION
        """The one that is active."""
        self._limits = limits
        self._waiting: dict[str, _Awaited] = {}
        self._overdue: OrderedDict[str, AnyNamedMessage] = OrderedDict()
        self._answered = RecentIds(REMEMBERED)
        self._newest: dict[Hashable, str] = {}
        self._never_taken: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next_due(self) -> float | None:
        """When something is to be done next."""
        return min((each.due for each in self._waiting.values()), default=None)

    def activate(self, control_type: ControlType) -> None:
        """Another control type is active: what was said before under the one before is of no more use."""
        self.control_type = control_type
        self._newest.clear()

    def sent(self, message: AnyNamedMessage, at: float) -> NotDelivered | None:
        """A message went out; the answer is one that is given up for it, where too many wait."""
        name = message.message_id
        mark = newest_mark(message)
        if mark is not None:
            self._newest[mark] = name
        self._waiting[name] = _Awaited(message, at + self._limits.answer_within_s)
        return self._give_up(next(iter(self._waiting))) if len(self._waiting) > self._limits.most else None

    def answered(self, answer: ReceptionStatus, at: float) -> Delivered | NotDelivered | Warned | None:
        """The other side says what became of a message; None where it is sent again later."""
        name, status = answer.subject_message_id, answer.status
        awaited = self._waiting.pop(name, None)
        message = self._overdue.pop(name, None) if awaited is None else awaited.message
        if message is None:
            return self._stray(name)
        self._answered.add(name)
        if status is ReceptionStatusValues.OK:
            self._never_taken.discard(message.message_type)
            return Delivered(message)
        if status is ReceptionStatusValues.TEMPORARY_ERROR and awaited is not None and self._resend_later(awaited, at):
            return None
        return NotDelivered(message, status, printable(answer.diagnostic_label or ""))

    def wake(self, at: float) -> tuple[list[AnyNamedMessage], list[NotDelivered]]:
        """What is to be sent again now, and what is given up."""
        again, given_up = [], []
        for name, awaited in [(name, each) for name, each in self._waiting.items() if each.due <= at]:
            if not awaited.resending:
                given_up.append(self._give_up(name))
            elif self._superseded(awaited.message):
                del self._waiting[name]
                given_up.append(
                    NotDelivered(awaited.message, ReceptionStatusValues.TEMPORARY_ERROR, "it holds no longer")
                )
            else:
                awaited.sent += 1
                awaited.resending = False
                awaited.due = at + self._limits.answer_within_s
                again.append(awaited.message)
        return again, given_up

    def _resend_later(self, awaited: _Awaited, at: float) -> bool:
        kind = awaited.message.message_type
        if awaited.sent > self._limits.resends:
            self._never_taken.add(kind)
        if kind in self._never_taken or self._superseded(awaited.message):
            return False
        awaited.due = at + self._limits.resend_after_s * 2 ** (awaited.sent - 1)
        awaited.resending = True
        self._waiting[awaited.message.message_id] = awaited
        return True

    def _superseded(self, message: AnyNamedMessage) -> bool:
        """Whether sending a message again would tell what holds no longer."""
        wanted = control_type_of(message.message_type)
        if wanted is not None and wanted is not self.control_type:
            return True
        return self._newest.get(newest_mark(message), message.message_id) != message.message_id

    def _give_up(self, name: str) -> NotDelivered:
        message = self._waiting.pop(name).message
        self._overdue[name] = message
        if len(self._overdue) > self._limits.most:
            self._overdue.popitem(last=False)
        return NotDelivered(message, None, "the other side does not say what became of it")

    def _stray(self, name: str) -> Warned:
        if name == NIL_ID:
            rule, fact = "peer_could_not_read", "the other side could not read a message of ours"
        elif name in self._answered:
            rule, fact = "repeated_reception_status", "that message was answered before"
        else:
            rule, fact = "unknown_reception_status", "no such message was sent"
        return Warned(Refusal(rule, "subject_message_id", name, fact, "answer each message once"))
