"""Appliances that are offered to an energy manager, for the tests of the map: a conversation with one of them."""

from datetime import timedelta
from typing import Any

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.messages import AnyAllocation, ApplianceMessage, AppMessage
from efi.s2.codec import dump, parse
from efi.s2.common import ControlType
from efi.s2.conversation import InstructionStatusUpdate, SelectControlType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.mapping.settings import CemSettings
from efi.s2.mapping.translation import Translation
from efi.s2.messages import AnyS2Message
from efi.s2.profile import Profile
from efi.session import Session
from tests.efi.house import NOON, status_of
from tests.efi.s2.mapping.house import new_id


class OfferedTalk:
    """An appliance, the gateway's session with it, and an energy manager that selected a control type.

    All that is said in S2 is valid by its schema, and all that is asked of the appliance passes its session.
    """

    def __init__(
        self,
        *said: ApplianceMessage,
        select: ControlType | None = None,
        profile: Profile = Profile.BETA,
        settings: CemSettings = CemSettings(),  # noqa: B008  # it is frozen
        name: str = "battery",
    ) -> None:
        self.now = NOON
        self.profile = profile
        self.side = CemSide(name, profile=profile, new_id=new_id, settings=settings)
        self.session = Session(name, new_id=new_id)
        self.to_cem: list[AnyS2Message] = []
        self.to_appliance: list[AppMessage] = []
        for message in said:
            self.says(message)
        self.took(self.side.begin(profile, self.now))
        if select is not None:
            self.selects(select)

    def says(self, message: ApplianceMessage) -> Translation:
        """The appliance says something; the energy manager hears what the session lets pass."""
        verdict = self.session.from_appliance(message, self.now)
        assert verdict.refusal is None, verdict.refusal
        last = Translation()
        for told in verdict.to_app:
            last = self.took(self.side.tell(told, self.now))
        return last

    def selects(self, control_type: ControlType) -> Translation:
        return self.hears(SelectControlType(message_id=new_id(), control_type=control_type))

    def hears(self, message: AnyS2Message) -> Translation:
        """The energy manager says something that makes sense."""
        translation = self.side.hear(message, self.now)
        assert translation.refusal is None, translation.refusal
        return self.took(translation)

    def refuses(self, message: AnyS2Message) -> str:
        """The energy manager says something that makes no sense; the answer is the rule that it breaks."""
        translation = self.side.hear(message, self.now)
        assert translation.refusal is not None
        assert not translation.to_efi
        self.took(translation)
        return translation.refusal.rule

    def took(self, translation: Translation) -> Translation:
        for told in translation.to_s2:
            assert parse(dump(told), self.profile) == told
        self.to_cem += translation.to_s2
        names = [getattr(told, "message_id", None) for told in self.to_cem]
        assert len(names) == len(set(names)), "no message is said twice under one name"
        for asked in translation.to_efi:
            verdict = self.session.from_app(asked, self.now)  # type: ignore[arg-type]  # an app's words
            assert verdict.refusal is None, (asked, verdict.refusal)
            self.to_appliance += verdict.to_appliance
            for answer in verdict.to_app:
                self.took(self.side.tell(answer, self.now))
        return translation

    def reaches(self, allocation: AnyAllocation | AppMessage, *statuses: AllocationStatus) -> None:
        """The appliance says how far an allocation has come."""
        for status in statuses:
            update: AllocationStatusUpdate = status_of(allocation.message_id, status, self.now)
            self.says(update.model_copy(update={"appliance_id": self.session.appliance_id}))

    def waits(self, by: timedelta) -> None:
        self.now += by
        self.took(self.side.wake(self.now))

    def told(self, kind: type[Any]) -> list[Any]:
        """What the energy manager heard of one kind."""
        return [message for message in self.to_cem if isinstance(message, kind)]

    def statuses(self, instruction_id: str) -> list[str]:
        """What was told of an instruction, in its order."""
        updates: list[InstructionStatusUpdate] = self.told(InstructionStatusUpdate)
        return [update.status_type.value for update in updates if update.instruction_id == instruction_id]

    @property
    def asked(self) -> Any:
        """What the appliance was asked for last."""
        return self.to_appliance[-1]


def types_told(messages: list[AnyS2Message]) -> list[str]:
    return [message.message_type for message in messages]
