"""The app: an energy app to its members, an appliance to whoever controls the joined storage."""

from typing import ClassVar

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.control_space import ControlSpace
from efi.message import ControlSpaceRevoke
from efi.messages import AnyAllocation, AnyUpdate, ApplianceMessage, AppMessage
from efi.storage import StorageAllocation, StorageStateUpdate, StorageSystemDescription
from efpi_app_joined_storage.joining import (
    by_member,
    joined_description,
    joined_registration,
    joined_rest,
    joined_state,
)
from efpi_app_joined_storage.joint_allocation import JointAllocation
from efpi_app_joined_storage.joint_book import JointBook
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.appliance import Stamp
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.config import PluginConfig, setting

GATHER_S = 60.0
"""So long the whole waits for all members while allocations of a former life are to be taken up again."""

STAND_S = 60.0
"""So long after the whole is there again it may take until it is said that they stand, and then until each part is."""

RETURN_S = 600.0
"""What does not stand by then, as when the member whose level counts did not come back, has ended."""


class JoinedStorageConfig(PluginConfig):
    """Which storages are one."""

    name: str = setting(title="Name", description="What people call the joined storage.", example="Hot-water buffer")
    members: tuple[str, ...] = setting(
        title="Members",
        description="The appliances that are one storage; connect each to this app.",
        example=["heatpump", "chp"],
        min_length=1,
        max_length=16,
    )
    level_from: str = setting(
        title="Level from",
        description="The member whose fill level, leakage, expected usage and targets count.",
        example="heatpump",
    )


class JoinedStorage(EnergyApp[JoinedStorageConfig]):
    """Joins storages that share one fill level, as a heat pump and a CHP on one buffer, into one storage."""

    offer_name = "joined_storage"
    title = "Joined storage"
    categories: ClassVar[frozenset[str]] = frozenset(("storage",))

    async def start(self) -> None:
        """Wait for the members."""
        self._present: tuple[str, ...] = ()
        self._registered = False
        self._book = JointBook(self.context.storage)
        self._gathering = bool(self._book)
        if self._gathering:
            self.context.call_later(GATHER_S, self._gathered)
            self.context.call_later(RETURN_S, self._give_up)
        if self.config.level_from not in self.config.members:
            self.context.condition(
                ConditionState.MISCONFIGURED,
                "level_from",
                f"'{self.config.level_from}' is not among the members",
                "name one of the members in `level_from`",
            )

    # --- an energy app to its members

    async def on_connect(self, appliance: ControlledAppliance) -> None:
        """A member came; it counts once it has described itself."""
        if appliance.appliance_id not in self.config.members:
            self.context.log.warning(f"'{appliance.appliance_id}' is connected and not among the members: left alone")

    async def on_disconnect(self, appliance: ControlledAppliance, reason: str) -> None:
        """A member left."""
        self._rejoin()

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        """A member said something: say it for the whole."""
        if appliance.appliance_id not in self.config.members:
            return
        if self._ready() != self._present:
            self._rejoin()
        elif not self._present:
            return
        elif isinstance(message, StorageStateUpdate):
            self._tell_state()
        elif isinstance(message, StorageSystemDescription):
            self._describe()
        elif appliance.appliance_id == self.config.level_from:
            self._tell_rest()

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        """A member's word on its part of an allocation."""
        known = self._book.of_part(status.allocation_id)
        if known is not None:
            self._take_word(*known, status.status, status.text)

    def _take_word(self, joint: JointAllocation, member: str, status: AllocationStatus, text: str) -> None:
        word = joint.take(member, status)
        self._book.keep(joint)
        if word is not None:
            self._tell(joint, word, text)

    def _tell(self, joint: JointAllocation, word: AllocationStatus, text: str) -> None:
        """Say the word on the whole, and what follows from it."""
        self._answer(joint.allocation_id, word, text)
        if joint.failed:
            self._revoke_parts(joint, "another member cannot do its part")
        if word.final:
            self._book.forget(joint)

    async def on_resumed(
        self, appliance: ControlledAppliance, allocation: AnyAllocation, word: AllocationStatusUpdate | None
    ) -> None:
        """A part stands; one of an allocation that nobody remembers as a whole is taken back."""
        known = self._book.of_part(allocation.message_id)
        if known is None:
            appliance.revoke(allocation.message_id, "the allocation of which it was a part has ended")
        elif word is not None:
            self._take_word(*known, word.status, word.text)
        else:
            known[0].heard.add(known[1])

    # --- an appliance to its own app

    @property
    def appliance_id(self) -> str:
        """The joined storage's name."""
        return self.context.appliance_id()

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation of the whole, or a revocation."""
        if isinstance(message, AllocationRevoke):
            for joint in self._book:
                if message.allocation_id in (None, joint.allocation_id):
                    self._revoke_parts(joint, message.reason)
                    self._tell(joint, AllocationStatus.REVOKED, message.reason)
        elif isinstance(message, StorageAllocation):
            self._pass_on(message)
        else:
            self._answer(message.message_id, AllocationStatus.REJECTED, f"a storage cannot follow {message.type}")

    async def on_standing(self, allocation: AnyAllocation, status: AllocationStatus | None) -> None:
        """What the whole was asked in a former life goes on when its parts do, each of which is heard of by itself."""
        joint = self._book.get(allocation.message_id)
        if joint is None:
            ended = AllocationStatus.REJECTED if status is None else AllocationStatus.ABORTED
            self._answer(allocation.message_id, ended, "the joined storage does not know its parts any more; ask again")
            return
        joint.stands, joint.told = True, status
        self.context.call_later(STAND_S, lambda: self._miss_parts(joint))
        if (word := joint.news()) is not None:
            self._tell(joint, word, "as its members say")

    async def on_connected(self, app: str) -> None:
        """An app controls the whole."""

    async def on_disconnected(self, reason: str) -> None:
        """Nobody controls the whole: the members do as they would by themselves."""
        for joint in self._book:
            self._revoke_parts(joint, reason)
            self._tell(joint, AllocationStatus.ABORTED, reason)

    async def safe_state(self) -> None:
        """The members have safe states of their own."""

    def _pass_on(self, allocation: StorageAllocation) -> None:
        parts = by_member(allocation, self._spaces())
        asked = {
            member: StorageAllocation(
                **self.appliances[member].stamp(),
                control_space_update_id=self._quoted(member),
                actuators=tuple(steps),
                abnormal_condition=allocation.abnormal_condition,
                reason=allocation.reason,
            )
            for member, steps in parts.items()
        }
        if not asked:
            self._answer(allocation.message_id, AllocationStatus.REJECTED, "none of its actuators is here now")
            return
        names = {member: part.message_id for member, part in asked.items()}
        self._book.keep(JointAllocation(allocation.message_id, names))
        for member, part in asked.items():
            self.appliances[member].allocate(part)

    def _quoted(self, member: str) -> str:
        space = self.appliances[member].space
        ground = space.state or space.description_at(self.context.now())
        assert ground is not None, "a member counts once it has told its state"  # noqa: S101  # by `_ready`
        return ground.message_id

    def _revoke_parts(self, joint: JointAllocation, reason: str) -> None:
        for member, part in joint.parts.items():
            appliance = self.appliances.get(member)
            if appliance is not None and part in appliance.statuses:
                appliance.revoke(part, reason)

    # --- what was asked in a former life

    def _gathered(self) -> None:
        """All members had their time to come back: the whole is what is here."""
        self._gathering = False
        if self._ready() != self._present:
            self._rejoin()

    def _give_up(self) -> None:
        """What nobody said to stand has ended, and its parts end with it."""
        for joint in self._book.in_doubt:
            self._end_parts(joint, "the allocation of which it was a part has ended")

    def _miss_parts(self, joint: JointAllocation) -> None:
        """The whole stands, and of a part nobody heard: it ended while nobody listened."""
        for member in joint.silent if self._book.get(joint.allocation_id) is joint else ():
            self._take_word(joint, member, AllocationStatus.ABORTED, f"'{member}' did not go on with its part")

    def _end_parts(self, joint: JointAllocation, reason: str) -> None:
        """The whole has ended without a word of this app."""
        self._revoke_parts(joint, reason)
        self._book.forget(joint)

    def _answer(self, allocation_id: str, status: AllocationStatus, text: str) -> None:
        self._say(AllocationStatusUpdate(**self._stamp(), allocation_id=allocation_id, status=status, text=text[:2000]))

    # --- what the whole says

    def _stamp(self) -> Stamp:
        return {
            "message_id": self.context.new_id(),
            "appliance_id": self.appliance_id,
            "timestamp": self.context.now(),
        }

    def _say(self, message: AnyUpdate | ControlSpaceRevoke | AllocationStatusUpdate) -> None:
        self.context.say(message)

    def _spaces(self) -> dict[str, ControlSpace]:
        return {member: self.appliances[member].space for member in self._present}

    def _ready(self) -> tuple[str, ...]:
        """The members that are here, described and in a known state; none unless the one whose level counts is."""
        now = self.context.now()
        here = tuple(
            member
            for member in self.config.members
            if member in self.appliances
            and self.appliances[member].space.state is not None
            and self.appliances[member].space.description_at(now) is not None
        )
        if self._gathering and here != self.config.members:
            return ()
        return here if self.config.level_from in here else ()

    def _rejoin(self) -> None:
        """Members came or went: register anew with those that are here, or say that nothing holds."""
        before, self._present = self._present, self._ready()
        if before:  # by the rules all that was asked of the whole ends with what it has told
            for joint in tuple(joint for joint in self._book if joint.stands):
                self._end_parts(joint, "the members of the joined storage are others now")
        if not self._present:
            if before:
                self._say(ControlSpaceRevoke(**self._stamp(), reason=f"'{self.config.level_from}' is out of reach"))
                self._condition(ConditionState.OFFLINE)
            return
        registration = joined_registration(self._stamp(), self.config.name, self._spaces(), self.config.level_from)
        if self._registered:
            self.context.say(registration)
        else:
            self._registered, self._gathering = True, False
            self.context.add_appliance("", registration, self)
            self.context.call_later(STAND_S, self._give_up)
        self._describe()
        self._condition(ConditionState.OK)

    def _condition(self, state: ConditionState) -> None:
        text = "" if state is ConditionState.OK else f"'{self.config.level_from}' is out of reach"
        self.context.condition(state, "" if not text else "no_level", text, "", self.appliance_id)

    def _describe(self) -> None:
        now = self.context.now()
        description = joined_description(
            {**self._stamp(), "valid_from": now}, self._spaces(), self.config.level_from, now
        )
        if description is not None:
            self._say(description)
            self._tell_rest()
            self._tell_state()

    def _tell_state(self) -> None:
        now = self.context.now()
        state = joined_state({**self._stamp(), "valid_from": now}, self._spaces(), self.config.level_from)
        if state is not None:
            self._say(state)

    def _tell_rest(self) -> None:
        for update in joined_rest(self.appliances[self.config.level_from].space, self.context.now()):
            self._say(update.model_copy(update=dict(self._stamp())))
