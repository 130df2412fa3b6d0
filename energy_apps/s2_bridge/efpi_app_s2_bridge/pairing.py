"""Appliances that are paired by S2 Connect: each is a resource manager of its own, with one energy manager."""

from collections.abc import Callable, Mapping
from uuid import UUID

from efi.s2.profile import Profile
from efpi_app_s2_bridge.offer import Offer
from efpi_core.errors import RefusedError, SettingsError, TryAgainError
from efpi_core.plugin.context import Context
from efpi_core.s2.connect.code import TokenDesk
from efpi_core.s2.connect.links import PairedLinks
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairings import Pairing
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.connect.wire import NodeDescription, Role
from efpi_core.s2.link import Link
from efpi_core.s2.trouble import Trouble

LISTEN_AGAIN_S = 5.0
"""So long after it could not listen it tries again."""


class PairedOffers:
    """Offers each appliance as a node for pairing, and calls the energy manager with which it is paired."""

    def __init__(
        self, context: Context, config: ConnectConfig, offers: Mapping[str, Offer], changed: Callable[[], None]
    ) -> None:
        self.closed: Trouble | None = None
        """Why nobody can pair from the other side."""
        self.nodes: dict[str, LocalNode] = {}
        """By the appliance's name."""
        self._context = context
        self._config = config
        self._offers = offers
        self._changed = changed
        self._numbers = 0
        self._fixed = None if config.code is None else context.secret(config.code)
        self.links = PairedLinks(context, config, self._serve, self._not_reached, serves=False)
        self.links.on_pairings = self._look

    async def start(self) -> None:
        """Listen for pairing; what cannot be now is tried again, and does not keep paired ones from being called."""
        try:
            await self.links.start()
            self.closed = None
            if self._config.announce:
                await self.links.service.announce(Role.RM)
        except (RefusedError, TryAgainError) as error:
            self.closed = Trouble(error.detail_code or "not_listening", error.problem, error.cure)
            self._context.call_later(LISTEN_AGAIN_S, self.start)
        self._changed()

    async def close(self) -> None:
        """Part from all."""
        await self.links.close()

    def offer(self, offer: Offer, node_id: UUID) -> None:
        """Offer an appliance, and call its energy manager when it has one."""
        name, registration = offer.appliance_id, offer.appliance.registration
        self._numbers += 1
        about = NodeDescription(
            id=node_id,
            brand=(registration.manufacturer if registration is not None else "") or "efpi",
            type=(registration.category if registration is not None else "") or "appliance",
            model_name=(registration.model if registration is not None else "") or name,
            role=Role.RM,
            user_defined_name=(registration.name if registration is not None else "") or name,
        )
        try:
            tokens = TokenDesk(self._fixed)
        except ValueError as error:
            raise SettingsError(f"secrets.{self._config.code}", str(error), "set another one") from None
        self.nodes[name] = LocalNode(about, alias=str(self._numbers), tokens=tokens)
        self.links.offer(self.nodes[name])
        self._look()

    async def withdraw(self, name: str) -> None:
        """Offer an appliance no longer; its pairing stays for when it is offered again."""
        node = self.nodes.pop(name, None)
        if node is not None:
            await self.links.withdraw(node.description.id)

    async def _serve(self, link: Link, pairing: Pairing, agreed: Profile | None) -> None:
        offer = self._offer_of(pairing)
        if offer is not None:
            await offer.serve(link, agreed)

    def _not_reached(self, pairing: Pairing, trouble: Trouble | None) -> None:
        offer = self._offer_of(pairing)
        if offer is not None and trouble is not None:
            offer.failed(trouble)

    def _offer_of(self, pairing: Pairing) -> Offer | None:
        name = next((name for name, node in self.nodes.items() if node.description.id == pairing.own), None)
        return None if name is None else self._offers.get(name)

    def _look(self) -> None:
        """An appliance without an energy manager needs a person."""
        instance = self._context.instance
        for name, node in self.nodes.items():
            offer = self._offers.get(name)
            if offer is not None and not self.links.service.book.of_node(node.description.id):
                cure = f"efpi operation {instance} pairing_code --node {name}, or … pair --node {name} --url …"
                offer.failed(Trouble("not_paired", "it is not paired", cure))
