"""The devices of one instance: who is here, who is expected, and which connection speaks for whom."""

import asyncio
import contextlib

from efi.s2.conversation import SessionRequestType
from efpi_core.clock import TimerHandle
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_core.s2.ending import EndedBy, Ending
from efpi_driver_s2.appliance import S2Appliance
from efpi_driver_s2.config import DeviceConfig, S2Config
from efpi_driver_s2.conversation import Conversation, Settled
from efpi_driver_s2.health import WAITING, InstanceHealth, Trouble
from efpi_driver_s2.roster import NotAdmittedError, Roster

FAREWELL_S = 3.0
"""How long the devices may take to part when the instance ends."""

TICK_S = 1.0
"""How often it is looked whether a deadline has passed."""

UNKNOWN = DeviceConfig.model_construct(resource_id="any")
"""What is known of a device that the settings do not mention."""


class Household:
    """Finds the appliance of each device that introduces itself, and lets no two connections speak for one."""

    def __init__(self, context: Context, config: S2Config, health: InstanceHealth) -> None:
        self.context = context
        self.config = config
        self._health = health
        self._roster = Roster(context, config.most_devices)
        self._appliances: dict[str, S2Appliance] = {}
        self._conversations: set[Conversation] = set()
        self._speaking: dict[str, Conversation] = {}
        self._parted: asyncio.Future[None] | None = None
        self._somebody_came = False
        self._url = self._how = ""
        self._ticking: TimerHandle | None = None

    # --- connections

    async def serve(self, conversation: Conversation) -> None:
        """Converse with whoever is at the other end of a link, until it ends."""
        self._conversations.add(conversation)
        self._keep_ticking()
        try:
            ending = await conversation.run()
        finally:
            self._conversations.discard(conversation)
            for key in [key for key, speaking in self._speaking.items() if speaking is conversation]:
                del self._speaking[key]
            if self._parted is not None and not self._conversations and not self._parted.done():
                self._parted.set_result(None)
        if not conversation.came and ending.by is not EndedBy.STOPPED:
            text = f"{conversation.peer} left before it said who it is: {ending.text}"
            cure = ending.cure or "ask the device's maker which version of S2 it speaks"
            trouble = Trouble(ConditionState.DEGRADED, ending.word, text, cure)
            self._health.passing(f"left {conversation.peer}", trouble)

    def close(self) -> None:
        """Part from all of them; they come back when the gateway does."""
        for conversation in tuple(self._conversations):
            conversation.part(SessionRequestType.RECONNECT, Ending(EndedBy.STOPPED, "the gateway ends, for now"))

    async def emptied(self) -> None:
        """Wait until they are gone, or have taken too long."""
        if self._conversations:
            self._parted = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                async with self.context.timeout(FAREWELL_S):
                    await self._parted

    def _tick(self) -> None:
        self._ticking = None
        for conversation in tuple(self._conversations):
            conversation.tick()
        self._keep_ticking()

    def _keep_ticking(self) -> None:
        """One timer looks after the deadlines of all conversations, while there are any."""
        if self._ticking is None and self._conversations:
            self._ticking = self.context.call_later(TICK_S, self._tick)

    # --- who is who

    def introduced(self, conversation: Conversation, resource_id: str) -> Settled:
        """Somebody says who it is: its appliance, and what is known of it. Raises NotAdmittedError for an impostor."""
        try:
            key = self._roster.key_of(resource_id, conversation.holder)
        except NotAdmittedError as refused:
            trouble = Trouble(ConditionState.DEGRADED, refused.detail, f"{conversation.peer}: {refused}", refused.cure)
            self._health.passing(f"{refused.detail} {conversation.holder}", trouble)
            raise
        appliance = self._appliances.get(key)
        if appliance is None:
            appliance = self._appliances[key] = S2Appliance(self.context, key, self._health)
        older, self._speaking[key] = self._speaking.get(key), conversation
        if older is not None:
            self.context.log.warning(f"{appliance.appliance_id}: a newer connection takes the place of the one before")
            older.replaced()
        self._somebody_came = True
        self._look()
        return Settled(appliance, self._known(resource_id, conversation), self.config)

    def _known(self, resource_id: str, conversation: Conversation) -> DeviceConfig:
        """What the settings say of a device: by its own id, by where it was called, or by its token."""
        devices = self.config.devices
        if (named := next((device for device in devices if device.resource_id == resource_id), None)) is not None:
            return named
        if conversation.called is not None:
            return conversation.called
        holder = conversation.holder
        return next(
            (device for device in devices if holder and device.token == holder and not device.resource_id), UNKNOWN
        )

    def expect(self, url: str, cure: str = "enter this URL, and the token, in the device") -> None:
        """Devices may come from now on; it is told where to, and what a person does, until the first has come."""
        self._url, self._how = url, cure
        self._look()

    def _look(self) -> None:
        if self._somebody_came:
            self._health.well("waiting")
        elif self._url:
            text = f"no device has connected yet; they connect to {self._url}"
            self._health.trouble("waiting", Trouble(ConditionState.OFFLINE, WAITING, text, self._how))
