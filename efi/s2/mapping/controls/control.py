"""What every control type has in common: the appliance is registered when enough is known of it."""

from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from efi.commodity import Commodity
from efi.message import ControlSpaceRevoke
from efi.refusal import Refusal, Refused, refuse
from efi.registration import ControlSpaceRegistration
from efi.s2.common import ControlType
from efi.s2.conversation import RevokableObjects, RevokeObject
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.read.values import Fields
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.turn import Turn

Hearing = Mapping[type[Any], Callable[[Any, Any, Turn], None]]
"""What a control does with each kind of message."""


class Control(ABC):
    """A device under one control type, from its selection until another's."""

    control_type: ClassVar[ControlType]
    registers_as: ClassVar[type[ControlSpaceRegistration]]
    """The category that an appliance of this control type has."""
    revocable: ClassVar[tuple[RevokableObjects, ...]] = ()
    """What the device may take back, instructions left out."""
    hearing: ClassVar[Hearing] = {}

    def __init__(self, guard: Guard, settings: DeviceSettings) -> None:
        self.guard = guard
        self.settings = settings
        self.register: Callable[[Turn], None] = _nobody
        """Registers the appliance, or registers it anew where that changes anything."""

    @property
    def space(self) -> Any:
        """What the device told that still holds."""
        return self.guard.session.space

    @property
    def known(self) -> bool:
        """Whether enough is known for a registration."""
        return True

    def own_fields(self, turn: Turn) -> Fields:
        """The fields of its registration that those of other categories do not have."""
        return {}

    @property
    def commodities(self) -> Iterable[Commodity]:
        """The commodities that its messages tell of."""
        return ()

    def hear(self, message: Any, turn: Turn) -> None:
        """Take in what the device says; raises `Refused` when it makes no sense."""
        heard = self.hearing.get(type(message))
        if heard is None:
            refuse(
                "control_type_not_active",
                "message_type",
                message.message_type,
                f"the selected control type is {self.control_type.value}",
                "send the messages of that control type",
            )
        heard(self, message, turn)

    def begun(self, turn: Turn) -> None:  # noqa: B027  # where nothing is told ahead, nothing begins
        """Say what has begun to hold by now, and what waited for it."""

    @property
    def begins_at(self) -> datetime | None:
        """When the next thing that was told ahead begins to hold."""
        return None

    def retell(self, turn: Turn) -> None:  # noqa: B027  # where the control space knows all, nothing is left to say
        """After a new registration: say what only this control knows; the rest of the control space was said before."""

    def revoke(self, revoked: RevokeObject, turn: Turn) -> None:
        """The device takes something back; raises `Refused` when there is no such thing."""
        name = self.live_name(revoked)
        self.guard.tell(ControlSpaceRevoke, {"object_id": name}, turn)

    def live_name(self, revoked: RevokeObject) -> str:
        """The update that is meant by a revocation, by its name here; raises `Refused` when there is none."""
        name = self.guard.current(revoked.object_id)
        if revoked.object_type not in self.revocable or not self.space.live(name):
            refuse_revocation(revoked)
        return name


def refuse_revocation(revoked: RevokeObject) -> NoReturn:
    """There is nothing of this name to take back."""
    refuse(
        "unknown_object",
        "object_id",
        revoked.object_id,
        f"no live {revoked.object_type.value} has this name",
        "take back what was said before, by its id; a system description by its message_id",
    )


def attempt(act: Callable[[], None]) -> Refusal | None:
    """Do something that was agreed to before it could be judged; the answer is why it turned out not to be possible."""
    try:
        act()
    except Refused as refused:
        return refused.refusal
    return None


def _nobody(turn: Turn) -> None:
    """Nobody listens yet."""
