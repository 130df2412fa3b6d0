"""Calls the energy manager for each appliance, and again when it is gone."""

from pathlib import Path

from efpi_app_s2_bridge.offer import Offer
from efpi_app_s2_bridge.settings import S2BridgeConfig
from efpi_core.plugin.context import Context
from efpi_core.s2.client import LinkClient
from efpi_core.s2.tls import client_tls, parse_fingerprint


class Caller:
    """Knows whom to call, and whom to trust."""

    def __init__(self, context: Context, config: S2BridgeConfig) -> None:
        self._context = context
        self._config = config
        self._fingerprint = parse_fingerprint(config.fingerprint) if config.fingerprint else None
        trusted = Path(config.certificate) if config.certificate else None
        self._tls = client_tls(trusted, self._fingerprint) if config.url.startswith("wss:") else None

    def client_for(self, offer: Offer, token: str | None) -> LinkClient:
        """Keeps a link open over which an appliance is offered."""
        return LinkClient(
            self._context, self._config.url_of(offer.appliance_id), name=offer.appliance_id, serve_link=offer.serve,
            on_trouble=offer.failed, token=token, tls=self._tls, fingerprint=self._fingerprint,
        )  # fmt: skip
