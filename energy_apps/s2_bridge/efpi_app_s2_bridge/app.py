"""The app: an energy app in the house, and towards the energy manager a resource manager for each appliance."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID, uuid4, uuid5

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyAllocation, ApplianceMessage
from efi.s2.conversation import SessionRequestType
from efpi_app_s2_bridge.caller import Caller
from efpi_app_s2_bridge.door import Door
from efpi_app_s2_bridge.health import Health, health_of
from efpi_app_s2_bridge.offer import Offer
from efpi_app_s2_bridge.settings import S2BridgeConfig
from efpi_core.clock_event import ClockEvent
from efpi_core.errors import RefusedError
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.operations import PairingEndpoint, PairingOperations
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.connect.wire import Role
from efpi_core.s2.ending import EndedBy, Ending

if TYPE_CHECKING:  # certificates and discovery take a quarter of a second and 10 MB, which only pairing needs
    from efpi_app_s2_bridge.pairing import PairedOffers

HOME = "home"
"""Under which this gateway's own name is kept, from which the names of its appliances are derived."""

FAREWELL_S = 1.0
"""How long the end of all conversations may take."""

STOPPING = Ending(EndedBy.STOPPED, "the gateway ends or starts anew")


class S2Bridge(EnergyApp[S2BridgeConfig], PairingOperations):
    """Offers the house's appliances to somebody's energy manager that speaks S2 (EN 50491-12-2), and follows it.

    Each appliance is a resource manager with a WebSocket of its own. What the energy manager asks stands below the
    limits and the resident; it is told what becomes of it.
    """

    offer_name = "s2_bridge"
    title = "S2 bridge"
    pairing_role: ClassVar[Role] = Role.RM
    categories: ClassVar[frozenset[str]] = EnergyApp.categories

    async def start(self) -> None:
        """Begin to listen, or get ready to call."""
        config = self.config
        self._offers: dict[str, Offer] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._said: Health | None = None
        self._tokens = {
            secret: self.context.secret(secret) for secret in {config.token, *config.tokens.values()} if secret
        }
        self._home = self._home_id()
        self._door: Door | None = None
        self._caller: Caller | None = None
        self._paired: PairedOffers | None = None
        if config.connect is not None:
            self._paired = self._paired_offers(config.connect)
            await self._paired.start()
        elif config.listen is None:
            self._caller = Caller(self.context, config)
        else:
            self._door = Door(self.context, config.listen, self._offers, self._token_of, self._changed)
            self.context.spawn(self._door.keep_open(), "door")

    async def stop(self) -> None:
        """Part from the energy manager; what it asked stands until it is back, or for as long as it is held."""
        for offer in self._offers.values():
            offer.end(STOPPING, SessionRequestType.RECONNECT)
        with suppress(TimeoutError):
            async with self.context.timeout(FAREWELL_S):
                for offer in self._offers.values():
                    await offer.silent()
        for call in self._calls.values():
            call.cancel()
        if self._door is not None:
            await self._door.close()
        if self._paired is not None:
            await self._paired.close()

    # --- pairing

    def connect_service(self) -> PairingEndpoint:
        """The endpoint of S2 Connect; RefusedError when the settings have none."""
        return self._pairing().links.service

    def pairing_nodes(self) -> dict[str, LocalNode]:
        """The appliances, by name."""
        return self._pairing().nodes

    def _paired_offers(self, config: ConnectConfig) -> "PairedOffers":
        from efpi_app_s2_bridge.pairing import PairedOffers  # noqa: PLC0415  # see above

        return PairedOffers(self.context, config, self._offers, self._changed)

    def _pairing(self) -> "PairedOffers":
        if self._paired is None:
            raise RefusedError("S2 Connect is not set up here", "give this instance the setting `connect`")
        return self._paired

    # --- the appliances

    async def on_connect(self, appliance: ControlledAppliance) -> None:
        """Offer an appliance."""
        name, config = appliance.appliance_id, self.config
        if not config.offers(name) or not (appliance.controlled or config.measured):
            return
        offer = self._offers[name] = Offer(
            appliance, self.context, resource_id=str(uuid5(self._home, name)), hold_s=config.hold_s,
            fill_level=config.fill_levels.get(name), changed=self._changed,
        )  # fmt: skip
        if self._paired is not None:
            self._paired.offer(offer, uuid5(self._home, name))
        if self._caller is not None:
            client = self._caller.client_for(offer, self._token_of(name))
            self._calls[name] = self.context.spawn(client.run(), f"calls for {name}")
        self._changed()

    async def on_disconnect(self, appliance: ControlledAppliance, reason: str) -> None:
        """Offer it no longer."""
        offer = self._offers.pop(appliance.appliance_id, None)
        if offer is not None:
            offer.withdraw(reason)
            if self._paired is not None:
                await self._paired.withdraw(appliance.appliance_id)
            if (call := self._calls.pop(appliance.appliance_id, None)) is not None:
                self.context.spawn(self._hang_up(offer, call), f"hangs up for {offer.appliance_id}")
            self._changed()

    async def _hang_up(self, offer: Offer, call: "asyncio.Task[None]") -> None:
        """Call no more, once the last word is said."""
        with suppress(TimeoutError):
            async with self.context.timeout(FAREWELL_S):
                await offer.silent()
        call.cancel()

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        """Tell the energy manager what the appliance says."""
        if (offer := self._offers.get(appliance.appliance_id)) is not None:
            offer.tell(message)

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        """Tell the energy manager what becomes of what it asked."""
        if (offer := self._offers.get(appliance.appliance_id)) is not None:
            offer.answer(status)

    async def on_resumed(
        self, appliance: ControlledAppliance, allocation: AnyAllocation, word: AllocationStatusUpdate | None
    ) -> None:
        """Hold what stands of a former life: its energy manager may be back before long."""
        offer = self._offers.get(appliance.appliance_id)
        if offer is None:
            appliance.revoke(allocation.message_id, "it is no longer offered to an energy manager")
        else:
            offer.resume(allocation)

    # --- the rest

    def on_clock(self, event: ClockEvent) -> None:
        """Somebody set the clock: what waits for an instant waits anew."""
        for offer in self._offers.values():
            offer.clock_set()

    def _home_id(self) -> UUID:
        """This gateway's own name, which no other has: energy managers know appliances of many houses."""
        kept = self.context.storage.get(HOME)
        if isinstance(kept, str):
            with suppress(ValueError):
                return UUID(kept)
        made = uuid4()
        self.context.storage.put(HOME, str(made))
        return made

    def _token_of(self, appliance_id: str) -> str | None:
        secret = self.config.token_of(appliance_id)
        return None if secret is None else self._tokens[secret]

    def _changed(self) -> None:
        """Tell how the bridge is doing, when that is another way than before."""
        door = self._door
        closed, called_at = (None, "") if door is None else (door.closed, door.called_at)
        closed = self._paired.closed if self._paired is not None else closed
        health = health_of(tuple(self._offers.values()), closed, called_at)
        if health != self._said:
            self._said = health
            self.context.condition(*health)
