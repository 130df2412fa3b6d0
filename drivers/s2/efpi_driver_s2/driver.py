"""The driver: where devices come in, and how each finds its appliance."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from efpi_core.errors import EfpiError, RefusedError, SettingsError, TryAgainError
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.driver import Driver
from efpi_core.s2.bearer import BearerTokens
from efpi_core.s2.client import LinkClient
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.operations import PairingEndpoint, PairingOperations
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.connect.wire import Role
from efpi_core.s2.link import Link
from efpi_core.s2.server import LinkServer
from efpi_core.s2.tls import client_tls, parse_fingerprint, server_tls
from efpi_core.s2.trouble import Trouble as LinkTrouble
from efpi_driver_s2.config import DeviceConfig, ListenConfig, S2Config
from efpi_driver_s2.conversation import Conversation
from efpi_driver_s2.door import Door
from efpi_driver_s2.health import InstanceHealth, Trouble
from efpi_driver_s2.household import Household

if TYPE_CHECKING:  # certificates and discovery take a quarter of a second and 10 MB, which only pairing needs
    from efpi_driver_s2.pairing import PairedDevices

LISTEN_AGAIN_S = 30.0
"""So long after it could not listen it tries again."""

MOST_OF_ONE = 2
"""Links that one device may have for a moment, while a newer one takes the place of the older."""

_UNENCRYPTED = Trouble(
    ConditionState.OK, "unencrypted", "whoever listens in the network reads the tokens and all that is said",
    "give `listen` a certificate and its key, or pair the devices by S2 Connect",
)  # fmt: skip


class S2Driver(Driver[S2Config], PairingOperations):
    """Devices that speak S2 (EN 50491-12-2): batteries, heat pumps, chargers, machines of any maker.

    They connect to a WebSocket server of this instance, or are servers that it calls on. Each becomes an appliance.
    """

    offer_name = "s2"
    title = "Devices that speak S2"
    pairing_role: ClassVar[Role] = Role.CEM
    categories: ClassVar[frozenset[str]] = frozenset(("inflexible", "time_shiftable", "storage", "output_adjustable"))

    async def start(self) -> None:
        """Begin to listen and to call."""
        self.health = InstanceHealth(self.context)
        self.household = Household(self.context, self.config, self.health)
        self._server: LinkServer | None = None
        if self.config.listen is not None:
            self._listening = self.config.listen
            await self._listen()
        self._paired: PairedDevices | None = None
        if self.config.connect is not None:
            self._paired = self._paired_devices(self.config.connect)
            await self._paired.start()
        for number, device in enumerate(self.config.devices):
            if device.url:
                self._call(f"device {number}", device)

    async def stop(self) -> None:
        """Say good-bye to each device, so that it comes back when the gateway does."""
        self.household.close()
        if self._server is not None:
            await self._server.close()
        if self._paired is not None:
            await self._paired.close()
        await self.household.emptied()

    # --- devices that are paired

    def connect_service(self) -> PairingEndpoint:
        """The endpoint of S2 Connect; RefusedError when the settings have none."""
        return self._pairing().links.service

    def pairing_nodes(self) -> dict[str, LocalNode]:
        """This energy manager."""
        return {"": self._pairing().node}

    def _paired_devices(self, config: ConnectConfig) -> "PairedDevices":
        from efpi_driver_s2.pairing import PairedDevices  # noqa: PLC0415  # see above

        return PairedDevices(self.context, config, self.household, self.health)

    def _pairing(self) -> "PairedDevices":
        if self._paired is None:
            raise RefusedError("S2 Connect is not set up here", "give this instance the setting `connect`")
        return self._paired

    # --- devices that come

    async def _listen(self) -> None:
        try:
            self._server = await self._opened(self._listening)
        except (SettingsError, TryAgainError) as error:
            wrong = isinstance(error, SettingsError)
            state = ConditionState.MISCONFIGURED if wrong else ConditionState.OFFLINE
            detail = error.detail_code or "not_listening"
            self.health.trouble("listen", Trouble(state, detail, error.problem, error.cure))
            self.context.call_later(LISTEN_AGAIN_S, self._listen)
        else:
            self.health.well("listen")
            if not (self._listening.on_loopback or self._listening.certificate):
                self.health.trouble("open", _UNENCRYPTED)
            self.household.expect(self._listening.url_at(self.port))

    async def _opened(self, listen: ListenConfig) -> LinkServer:
        tls = None
        if listen.certificate:
            tls = server_tls(Path(listen.certificate), Path(listen.key), at="listen.certificate")
        self.door = Door(listen, self._tokens(), self.health)
        server = LinkServer(
            self.context, host=listen.host, port=listen.port, admit=self.door.admit, serve_link=self._welcome,
            most_links=self.config.most_devices * MOST_OF_ONE, tls=tls,
        )  # fmt: skip
        await server.open()
        return server

    def _tokens(self) -> BearerTokens:
        """The tokens that devices show; one whose secret is missing stays outside."""
        tokens = {}
        for name in (device.token for device in self.config.listens_for() if device.token is not None):
            try:
                tokens[name] = self.context.secret(name)
            except SettingsError as missing:
                trouble = Trouble(ConditionState.MISCONFIGURED, "secret_missing", missing.problem, missing.cure)
                self.health.trouble(f"secret {name}", trouble)
        return BearerTokens(tokens)

    @property
    def listens(self) -> bool:
        """Whether devices can connect."""
        return self._server is not None

    @property
    def port(self) -> int:
        """The port at which it listens."""
        if self._server is None:
            raise TryAgainError("it does not listen")
        return self._server.port

    async def _welcome(self, link: Link, admitted: str) -> None:
        await self.household.serve(Conversation(link, self.context, self.household, admitted))

    # --- devices that are called on

    def _call(self, name: str, device: DeviceConfig) -> None:
        about, shown = f"call {device.url}", device.name or device.url
        detail = "secret_missing"
        try:
            token = None if device.token is None else self.context.secret(device.token)
            detail = "wrong_certificate"
            fingerprint = parse_fingerprint(device.fingerprint) if device.fingerprint else None
            trusted = Path(device.certificate) if device.certificate else None
            secured = device.url.startswith("wss:")
            tls = client_tls(trusted, fingerprint, at="devices.certificate") if secured else None
        except EfpiError as error:
            trouble = Trouble(ConditionState.MISCONFIGURED, detail, f"{shown}: {error.problem}", error.cure)
            self.health.trouble(about, trouble)
            return
        client = LinkClient(
            self.context, device.url, name=shown, token=token, tls=tls, fingerprint=fingerprint,
            serve_link=partial(self._called, about, device), on_trouble=partial(self._not_reached, about, shown),
        )  # fmt: skip
        self.context.spawn(client.run(), name)

    async def _called(self, about: str, device: DeviceConfig, link: Link) -> None:
        self.health.well(about)
        holder = f"url {device.url}"
        await self.household.serve(Conversation(link, self.context, self.household, holder, device))

    def _not_reached(self, about: str, shown: str, trouble: LinkTrouble) -> None:
        state = ConditionState.MISCONFIGURED if trouble.needs_person else ConditionState.DEGRADED
        self.health.trouble(about, Trouble(state, trouble.detail, f"{shown}: {trouble.text}", trouble.cure))
