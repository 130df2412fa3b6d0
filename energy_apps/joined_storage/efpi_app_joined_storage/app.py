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
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.appliance import Stamp
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.config import PluginConfig, setting


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
        self._joint: dict[str, JointAllocation] = {}
        self._of_part: dict[str, tuple[str, str]] = {}
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
        known = self._of_part.get(status.allocation_id)
        joint = None if known is None else self._joint.get(known[0])
        if joint is None or known is None:
            return
        word = joint.take(known[1], status.status)
        if word is not None:
            self._answer(joint.allocation_id, word, status.text)
            if joint.failed:
                self._revoke_parts(joint, "another member cannot do its part")
            if word.final:
                self._forget(joint)

    async def on_resumed(
        self, appliance: ControlledAppliance, allocation: AnyAllocation, word: AllocationStatusUpdate | None
    ) -> None:
        """A part of an allocation that nobody remembers as a whole is taken back."""
        if allocation.message_id not in self._of_part:
            appliance.revoke(allocation.message_id, "the allocation of which it was a part has ended")

    # --- an appliance to its own app

    @property
    def appliance_id(self) -> str:
        """The joined storage's name."""
        return self.context.appliance_id()

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation of the whole, or a revocation."""
        if isinstance(message, AllocationRevoke):
            ids = (message.allocation_id,) if message.allocation_id else tuple(self._joint)
            for allocation_id in ids:
                if (joint := self._joint.get(allocation_id)) is not None:
                    self._revoke_parts(joint, message.reason)
                    self._answer(allocation_id, AllocationStatus.REVOKED, message.reason)
                    self._forget(joint)
        elif isinstance(message, StorageAllocation):
            self._pass_on(message)
        else:
            self._answer(message.message_id, AllocationStatus.REJECTED, f"a storage cannot follow {message.type}")

    async def on_standing(self, allocation: AnyAllocation, status: AllocationStatus | None) -> None:
        """What the whole was asked in a former life is not known by its parts any more: it is to be asked anew."""
        if allocation.message_id not in self._joint:
            ended = AllocationStatus.REJECTED if status is None else AllocationStatus.ABORTED
            self._answer(allocation.message_id, ended, "the joined storage began anew; ask again")

    async def on_connected(self, app: str) -> None:
        """An app controls the whole."""

    async def on_disconnected(self, reason: str) -> None:
        """Nobody controls the whole: the members do as they would by themselves."""
        for joint in tuple(self._joint.values()):
            self._revoke_parts(joint, reason)
            self._answer(joint.allocation_id, AllocationStatus.ABORTED, reason)
            self._forget(joint)

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
        joint = JointAllocation(allocation.message_id, {member: part.message_id for member, part in asked.items()})
        self._joint[allocation.message_id] = joint
        for member, part in asked.items():
            self._of_part[part.message_id] = (allocation.message_id, member)
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

    def _forget(self, joint: JointAllocation) -> None:
        self._joint.pop(joint.allocation_id, None)
        for part in joint.parts.values():
            self._of_part.pop(part, None)

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
        return here if self.config.level_from in here else ()

    def _rejoin(self) -> None:
        """Members came or went: register anew with those that are here, or say that nothing holds."""
        before, self._present = self._present, self._ready()
        if not self._present:
            if before:
                self._say(ControlSpaceRevoke(**self._stamp(), reason=f"'{self.config.level_from}' is out of reach"))
                self._condition(ConditionState.OFFLINE)
            return
        registration = joined_registration(self._stamp(), self.config.name, self._spaces(), self.config.level_from)
        if self._registered:
            self.context.say(registration)
        else:
            self._registered = True
            self.context.add_appliance("", registration, self)
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
