"""Devices that were paired by S2 Connect: this instance is one energy manager, to which they are paired."""

from efi.s2.profile import Profile
from efpi_core.errors import EfpiError, RefusedError, SettingsError, TryAgainError
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_core.s2.connect.code import TokenDesk
from efpi_core.s2.connect.links import PairedLinks
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairings import Pairing
from efpi_core.s2.connect.place import node_id
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.connect.wire import NodeDescription, Role
from efpi_core.s2.link import Link
from efpi_core.s2.trouble import Trouble as LinkTrouble
from efpi_driver_s2.conversation import Conversation
from efpi_driver_s2.health import InstanceHealth, Trouble
from efpi_driver_s2.household import Household

LISTEN_AGAIN_S = 5.0
"""So long after it could not listen it tries again."""


class PairedDevices:
    """Brings paired devices into the household."""

    def __init__(self, context: Context, config: ConnectConfig, household: Household, health: InstanceHealth) -> None:
        self._context = context
        self._config = config
        self._household = household
        self._health = health
        about = NodeDescription(
            id=node_id(context), brand="efpi", type="Energy manager", model_name="efpi", role=Role.CEM,
            user_defined_name=config.name,
        )  # fmt: skip
        self.node = LocalNode(about, tokens=TokenDesk(self._static_token()))
        self.links = PairedLinks(context, config, self._serve, self._not_reached)
        self.links.offer(self.node)
        self.links.service.on_preparing = self._preparing

    def _static_token(self) -> str | None:
        if self._config.code is None:
            return None
        token = self._context.secret(self._config.code)
        try:
            TokenDesk(token)
        except ValueError as error:
            raise SettingsError(f"secrets.{self._config.code}", str(error), "set another one") from None
        return token

    async def start(self) -> None:
        """Listen, announce and call; what cannot be now is tried again."""
        try:
            await self.links.start()
        except (RefusedError, TryAgainError) as error:
            self._trouble(error.detail_code or "not_listening", error)
            self._context.call_later(LISTEN_AGAIN_S, self.start)
            return
        self._health.well("connect")
        show = f"efpi operation {self._context.instance} pairing_code"
        self._household.expect(self.links.service.pairing_url, f"pair one: `{show}` shows a code for it")
        if self._config.announce:
            await self._announce()

    async def _announce(self) -> None:
        try:
            await self.links.service.announce(Role.CEM)
        except TryAgainError as error:
            self._trouble("not_announced", error)
            self._context.call_later(LISTEN_AGAIN_S, self._announce)
        else:
            self._health.well("connect")

    async def close(self) -> None:
        """Part from all."""
        await self.links.close()

    async def _serve(self, link: Link, pairing: Pairing, agreed: Profile | None) -> None:
        holder = f"pairing {pairing.peer.id}"
        await self._household.serve(Conversation(link, self._context, self._household, holder, None, agreed))

    def _trouble(self, detail: str, error: EfpiError) -> None:
        self._health.trouble("connect", Trouble(ConditionState.OFFLINE, detail, error.problem, error.cure))

    def _not_reached(self, pairing: Pairing, trouble: LinkTrouble | None) -> None:
        about = f"paired {pairing.peer.id}"
        if trouble is None:
            self._health.well(about)
            return
        state = ConditionState.MISCONFIGURED if trouble.needs_person else ConditionState.DEGRADED
        text = f"{pairing.peer.shown}: {trouble.text}"
        self._health.trouble(about, Trouble(state, trouble.detail, text, trouble.cure))

    def _preparing(self, node: LocalNode, peer: NodeDescription) -> None:
        show = f"efpi operation {self._context.instance} pairing_code"
        self._context.log.info(f"'{peer.shown}' is about to pair; `{show}` shows a code")
