"""The settings of one bridge: where its energy manager is or comes in, and what it is offered."""

import re
from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import StringConstraints, model_validator

from efi.types import IDENTIFIER_PATTERN
from efpi_core.plugin.config import PluginConfig, SecretName, setting
from efpi_core.plugin.host_name import require_host_characters
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.listening import on_loopback, url_at
from efpi_core.s2.tls import parse_fingerprint

PLACE = "{appliance}"
"""In an address, where the appliance's name goes."""

MOST_APPLIANCES = 1000

JOULES: Mapping[str, float] = {"J": 1.0, "kJ": 1e3, "MJ": 1e6, "Wh": 3.6e3, "kWh": 3.6e6, "MWh": 3.6e9}
"""The units of energy in J; a fill level in one of them can be told in another."""

_PLACES = re.compile(r"\{[^}]*\}?")

ApplianceName = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]


class ListenConfig(PluginConfig):
    """A WebSocket server on which an energy manager calls."""

    host: str = setting(
        "127.0.0.1", title="Address", role="host", example="0.0.0.0", min_length=1, max_length=253,  # noqa: S104  # an example
        description="This machine's address at which to listen; by default only programs on this machine reach it.",
    )  # fmt: skip
    port: int = setting(8766, title="Port", description="The TCP port.", role="port", example=8766, ge=0, le=65535)
    certificate: str = setting(
        "", title="Certificate", role="file", example="/etc/efpi/bridge.pem", max_length=1000,
        description="The server's certificate as a PEM file; with it links are encrypted (wss).",
    )  # fmt: skip
    key: str = setting(
        "", title="Key", role="file", example="/etc/efpi/bridge.key", max_length=1000,
        description="The certificate's private key as a PEM file.",
    )  # fmt: skip
    without_token: bool = setting(
        False, title="Let in without a token", example=False,
        description="Whether an energy manager may call that shows no token; on this machine's own address only.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_host_characters(self.host)
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together; give both or neither")
        if self.without_token and not self.on_loopback:
            raise ValueError(f"without_token lets in whoever reaches {self.host}; listen at 127.0.0.1, or give a token")
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this machine reaches it."""
        return on_loopback(self.host)

    def url_of(self, appliance_id: str) -> str:
        """Where an energy manager calls for an appliance, for people."""
        return url_at(self.host, self.port, f"/{appliance_id}", encrypted=bool(self.certificate))


class FillLevelConfig(PluginConfig):
    """The unit of one storage's fill level, as the energy manager takes it."""

    unit: str = setting(
        title="Unit", description="What the fill level is told in.", example="MWh", min_length=1, max_length=20
    )
    per_unit: float | None = setting(
        None, title="Scale", example=0.0001, gt=0, le=1e12,
        description="How much of it is one of the storage's own unit: 0.0001 for a battery of 10 kWh that counts in %. "
        "Not needed where both are units of energy.",
    )  # fmt: skip

    def scale(self, own_unit: str) -> float | None:
        """How much of it is one of a storage's own unit; None where nothing tells."""
        if self.per_unit is None and own_unit in JOULES and self.unit in JOULES:
            return JOULES[own_unit] / JOULES[self.unit]
        return self.per_unit


class S2BridgeConfig(PluginConfig):
    """Where the energy manager is, or where it may call, and what it is offered."""

    url: str = setting(
        "", title="URL", example="wss://cem.example/s2/{appliance}", max_length=2000,
        description="The energy manager's WebSocket, called for each appliance; {appliance} stands for its name.",
    )  # fmt: skip
    certificate: str = setting(
        "", title="Trusted certificate", role="file", example="/etc/efpi/cem.pem", max_length=1000,
        description="PEM file with the certificate of the energy manager at the URL, or of who vouches for it.",
    )  # fmt: skip
    fingerprint: str = setting(
        "", title="Fingerprint", max_length=110,
        example="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        description="The SHA-256 of the certificate of the energy manager at the URL, in place of the file.",
    )  # fmt: skip
    listen: ListenConfig | None = setting(
        None, title="Server", example={"host": "192.168.1.10", "certificate": "/etc/efpi/bridge.pem"},
        description="Where an energy manager calls, in place of a URL; each appliance is at the path /<its name>.",
    )  # fmt: skip
    connect: ConnectConfig | None = setting(
        None, title="S2 Connect",
        description="Pair appliances with an energy manager by a code, in place of a URL: "
        "`efpi operation INSTANCE pair` or `pairing_code`.",
    )  # fmt: skip
    token: SecretName | None = setting(
        None, title="Token", example="cem-token",
        description="The secret with the bearer token: shown to the energy manager that is called, "
        "or asked of one that calls.",
    )  # fmt: skip
    tokens: dict[ApplianceName, SecretName] = setting(
        {}, title="Tokens of single appliances", example={"battery": "cem-token-battery"}, max_length=MOST_APPLIANCES,
        description="The same for appliances that have one of their own.",
    )  # fmt: skip
    appliances: tuple[ApplianceName, ...] = setting(
        (), title="Appliances", example=["battery", "car"], max_length=MOST_APPLIANCES,
        description="Offer only these of the appliances that are connected to this app; all of them when empty.",
    )  # fmt: skip
    measured: bool = setting(
        True, title="What is measured only", example=True,
        description="Whether meters and others that nobody controls are offered, too, as not controllable.",
    )  # fmt: skip
    hold_s: float = setting(
        60.0, title="Hold", unit="s", example=60, ge=0, le=86400,
        description="For how long what the energy manager asked goes on when it is gone; "
        "then each appliance runs as it would by itself.",
    )  # fmt: skip
    fill_levels: dict[ApplianceName, FillLevelConfig] = setting(
        {}, title="Fill levels", example={"battery": {"unit": "MWh", "per_unit": 0.0001}}, max_length=MOST_APPLIANCES,
        description="In which unit a storage's fill level is told: for an energy manager that takes fill levels for "
        "amounts of one unit, whatever their label says.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if [bool(self.url), self.listen is not None, self.connect is not None].count(True) != 1:
            raise ValueError("give the energy manager's `url`, or `listen`, or `connect`, and only one of them")
        if self.url:
            self._check_url(self._address())
        elif self.certificate or self.fingerprint:
            raise ValueError("certificate and fingerprint are of the energy manager at a url; leave them out")
        if self.listen is not None and not (self.listen.without_token or self.token or self.tokens):
            raise ValueError("nobody can call: give a `token`, or set `without_token` on this machine")
        return self

    def _address(self) -> SplitResult:
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"url {self.url!r} is no address ({error}); look at its host and port") from None
        return parts

    def _check_url(self, parts: SplitResult) -> None:
        if parts.scheme not in {"ws", "wss"} or not parts.hostname:
            raise ValueError("url is none of a WebSocket; write it like wss://cem.example/s2/{appliance}")
        if parts.username or parts.password:
            raise ValueError("url holds a password; give the token as a secret instead")
        if parts.fragment:
            raise ValueError("url has a #, and what follows it is never sent; leave it out")
        if unknown := sorted(set(_PLACES.findall(self.url)) - {PLACE}):
            raise ValueError(f"url has {unknown[0]}, which stands for nothing; the only place is {PLACE}")
        if parts.scheme == "ws" and (self.certificate or self.fingerprint):
            raise ValueError("url is not encrypted, so nothing can be verified; write wss:// or leave that out")
        if self.certificate and self.fingerprint:
            raise ValueError("give the certificate or its fingerprint, not both")
        if self.fingerprint:
            parse_fingerprint(self.fingerprint)

    def url_of(self, appliance_id: str) -> str:
        """The address to call for an appliance; its name needs no quoting in any part of an address."""
        return self.url.replace(PLACE, appliance_id)

    def token_of(self, appliance_id: str) -> str | None:
        """The secret that holds an appliance's token; None where none is used."""
        return self.tokens.get(appliance_id, self.token)

    def offers(self, appliance_id: str) -> bool:
        """Whether an appliance is among those that are to be offered."""
        return not self.appliances or appliance_id in self.appliances
