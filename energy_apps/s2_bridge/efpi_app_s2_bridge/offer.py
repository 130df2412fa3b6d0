"""One appliance as a resource manager: its conversation with the energy manager, and what is left of those before."""

import asyncio
from collections.abc import Callable

from efi.allocation import AllocationRevoke, AllocationStatusUpdate
from efi.messages import AnyAllocation, ApplianceMessage, AppMessage
from efi.s2.common import ControlType
from efi.s2.conversation import SessionRequestType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.mapping.level_scale import LevelScale
from efi.s2.mapping.settings import CemSettings
from efi.s2.profile import Profile
from efi.storage import StorageRegistration
from efpi_app_s2_bridge.conversation import PROFILES, Conversation, new_id
from efpi_app_s2_bridge.notes import Notes
from efpi_app_s2_bridge.open_requests import RELEASED, OpenRequests
from efpi_app_s2_bridge.settings import FillLevelConfig
from efpi_core.plugin.app import ControlledAppliance
from efpi_core.plugin.context import Context
from efpi_core.s2.ending import EndedBy, Ending
from efpi_core.s2.link import Link
from efpi_core.s2.trouble import Trouble

REASON = "the energy manager asks for it"
"""What the resident reads of each request; S2 has no words for the reasons behind it."""

REPLACED = Ending(EndedBy.REPLACED, "the energy manager opened a newer connection for the same appliance")


class Offer:
    """Serves one link at a time: a newer one takes the place of the one before.

    `changed` is called whenever the offer comes to be served, or to be served no longer.
    """

    def __init__(
        self,
        appliance: ControlledAppliance,
        context: Context,
        *,
        resource_id: str,
        hold_s: float,
        fill_level: FillLevelConfig | None,
        changed: Callable[[], None],
    ) -> None:
        self.appliance = appliance
        self.trouble: Trouble | None = None
        """Why nobody is there; None while somebody is, or nobody has been yet."""
        self.conversation: Conversation | None = None
        """With the energy manager, while there is one."""
        self._context = context
        self._settings = CemSettings(resource_id=resource_id, measured_only=not appliance.controlled)
        self._fill_level = fill_level
        self._notes = Notes(context, appliance.appliance_id)
        self._changed = changed
        self._links = 0
        self._silent = asyncio.Event()
        self._silent.set()
        self._requests = OpenRequests(appliance, context, hold_s, changed)

    @property
    def appliance_id(self) -> str:
        """The appliance's name."""
        return self.appliance.appliance_id

    @property
    def served(self) -> bool:
        """Whether an energy manager speaks with the appliance."""
        return self.conversation is not None and self.conversation.begun

    @property
    def holding(self) -> bool:
        """Whether the appliance still does what an energy manager asked that is gone."""
        return self._requests.holding

    @property
    def level_trouble(self) -> Trouble | None:
        """What keeps the fill level from being told in the unit that the settings want."""
        registration, wanted = self.appliance.registration, self._fill_level
        if wanted is None or not isinstance(registration, StorageRegistration) or self._scale() is not None:
            return None
        own = registration.fill_level_unit or "no unit"
        return Trouble(
            "fill_level_unit",
            f"the fill level of {self.appliance_id} is in {own}, and nothing tells how much {wanted.unit} that is",
            f"give fill_levels.{self.appliance_id}.per_unit in the settings",
            needs_person=True,
        )

    def clock_set(self) -> None:
        """Somebody set the clock."""
        if self.conversation is not None:
            self.conversation.clock_set()

    # --- the energy manager

    async def serve(self, link: Link, agreed: Profile | None = None) -> None:
        """Talk over a link until it ends; `agreed` is the version of one that was opened by S2 Connect."""
        self.end(REPLACED, SessionRequestType.TERMINATE)
        conversation = Conversation(
            link,
            self._new_side(),
            self._context,
            self._notes,
            ask=self._ask,
            selected=self._selected,
            begun=self._begun,
            agreed=agreed,
        )
        self.conversation = conversation
        self._links += 1
        self._silent.clear()
        try:
            ending = await conversation.run()
        finally:
            self._links -= 1
            if not self._links:
                self._silent.set()
        if self.conversation is conversation:
            self._ended(ending)

    async def silent(self) -> None:
        """Wait until the last word is said: what was ended is closed in order."""
        await self._silent.wait()

    def _begun(self) -> None:
        self.trouble = None
        self._changed()

    def end(self, ending: Ending, request: SessionRequestType) -> None:
        """End the present conversation from this side."""
        if self.conversation is not None:
            self.conversation.finish(request, ending)
            self._ended(ending)

    def _ended(self, ending: Ending) -> None:
        self.conversation = None
        self._requests.left()
        self.failed(Trouble(ending.word, ending.text, ending.cure))

    def failed(self, trouble: Trouble) -> None:
        """Nobody is there, and why."""
        self.trouble = trouble
        self._changed()

    def _ask(self, message: AppMessage) -> None:
        if isinstance(message, AllocationRevoke):
            self._context.say(message)
        else:
            self._requests.asked(message.message_id)
            self.appliance.allocate(message.model_copy(update={"reason": REASON}))

    def _selected(self, control_type: ControlType) -> None:
        if control_type in (ControlType.NO_SELECTION, ControlType.NOT_CONTROLABLE):
            self._requests.give_back(RELEASED)

    # --- the appliance

    def tell(self, message: ApplianceMessage) -> None:
        """The appliance said something new."""
        if self.conversation is not None:
            self.conversation.tell(self._told(message))

    def answer(self, status: AllocationStatusUpdate) -> None:
        """The appliance said what became of a request."""
        if self._requests.speaks_of(status) and self.conversation is not None:
            self.conversation.tell(status)

    def resume(self, allocation: AnyAllocation) -> None:
        """Something stands that was asked in a former life."""
        self._requests.resumed(allocation.message_id)

    def withdraw(self, reason: str) -> None:
        """The appliance is no longer offered: it is in other hands."""
        self.end(Ending(EndedBy.STOPPED, reason), SessionRequestType.TERMINATE)
        self._requests.forget()

    # --- the translation

    def _new_side(self) -> CemSide:
        """A translator that knows what the appliance told so far."""
        side = CemSide(self.appliance_id, profile=PROFILES[0], new_id=new_id, settings=self._settings)
        for message in self.appliance.space.messages():
            side.tell(self._told(message), self._context.now())
        return side

    def _told(self, message: ApplianceMessage) -> ApplianceMessage:
        scale = self._scale()
        return message if scale is None else scale.told(message)

    def _scale(self) -> LevelScale | None:
        """How the fill level is told; None when it is told as it is."""
        registration, wanted = self.appliance.registration, self._fill_level
        if wanted is None or not isinstance(registration, StorageRegistration):
            return None
        scale = wanted.scale(registration.fill_level_unit)
        return None if scale is None else LevelScale(wanted.unit, scale)
