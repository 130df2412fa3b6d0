"""The door of the server: each appliance is at the path of its name, behind a token."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from efpi_app_s2_bridge.offer import Offer
from efpi_app_s2_bridge.settings import MOST_APPLIANCES, ListenConfig
from efpi_core.errors import TryAgainError
from efpi_core.plugin.context import Context
from efpi_core.s2.bearer import BearerTokens
from efpi_core.s2.gate import Admitted, Knock, TurnedAway
from efpi_core.s2.link import Link
from efpi_core.s2.server import LinkServer
from efpi_core.s2.tls import server_tls
from efpi_core.s2.trouble import Trouble

TRY_AGAIN_S = 10.0
"""A port that another program has is tried again this often."""

TokenOf = Callable[[str], str | None]
"""The token of an appliance; None where it has none."""

REFUSED_TOKEN = TurnedAway(HTTPStatus.UNAUTHORIZED, "a bearer token of this gateway is needed")


class Door:
    """Listens for energy managers, and lets each in to the appliances whose token it shows."""

    def __init__(
        self,
        context: Context,
        listen: ListenConfig,
        offers: Mapping[str, Offer],
        token_of: TokenOf,
        changed: Callable[[], None],
    ) -> None:
        self.closed: Trouble | None = None
        """Why nobody can come in."""
        self._context = context
        self._listen = listen
        self._offers = offers
        self._token_of = token_of
        self._changed = changed
        tls = server_tls(Path(listen.certificate), Path(listen.key), "listen") if listen.certificate else None
        self._server = LinkServer(
            context, host=listen.host, port=listen.port, admit=self._admit, serve_link=self._serve,
            most_links=2 * MOST_APPLIANCES, tls=tls,
        )  # fmt: skip

    async def keep_open(self) -> None:
        """Listen, as soon as that can be."""
        while True:
            try:
                await self._server.open()
            except TryAgainError as error:
                self.closed = Trouble(error.detail_code, error.problem, error.cure)
                self._changed()
                await self._context.sleep(TRY_AGAIN_S)
            else:
                self.closed = None
                self._context.log.info(f"energy managers can call at {self.called_at}")
                self._changed()
                return

    @property
    def called_at(self) -> str:
        """Where energy managers call, for people."""
        return self._listen.url_of("<appliance>")

    async def close(self) -> None:
        """Listen no longer."""
        await self._server.close()

    def _admit(self, knock: Knock) -> Admitted | TurnedAway:
        name = knock.path.strip("/")
        token = self._token_of(name)
        if token is None and not self._listen.without_token:
            return REFUSED_TOKEN
        if token is not None and (knock.token is None or BearerTokens({name: token}).holder(knock.token) is None):
            return REFUSED_TOKEN
        if name not in self._offers:
            return TurnedAway(HTTPStatus.NOT_FOUND, "no appliance of that name is offered")
        return Admitted(name)

    async def _serve(self, link: Link, name: str) -> None:
        offer = self._offers.get(name)
        if offer is not None:
            await offer.serve(link)
