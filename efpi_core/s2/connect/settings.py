"""The settings of S2 Connect, of every plugin that speaks it."""

from pydantic import field_validator

from efpi_core.plugin.config import PluginConfig, SecretName, setting
from efpi_core.plugin.host_name import HOST_CHARACTERS
from efpi_core.s2.connect.place import Place


class ConnectConfig(PluginConfig):
    """S2 Connect: nodes are paired by a code that a person carries over, and find each other in the LAN."""

    name: str = setting(
        "efpi", title="Name", description="What other devices call this endpoint.", example="Gateway in the cellar",
        min_length=1, max_length=60,
    )  # fmt: skip
    host: str = setting(
        "127.0.0.1", title="Address", role="host", example="0.0.0.0", max_length=253,  # noqa: S104  # an example
        description="This machine's address at which to listen; by default only programs on this machine reach it.",
    )  # fmt: skip
    port: int = setting(
        8767, title="Port", description="The TCP port of pairing and of opening sessions.", role="port", ge=0, le=65535
    )
    session_port: int = setting(
        8768, title="Port of the sessions", description="The TCP port of the WebSockets.", role="port", ge=0, le=65535
    )
    host_name: str = setting(
        "", title="Host name", example="gateway.local", max_length=253,
        description="Under which others reach this endpoint, and which they keep. By default the address, or a name "
        "with .local where it listens at all addresses, which `announce` makes known.",
    )  # fmt: skip
    announce: bool = setting(
        False, title="Announce", example=True,
        description="Whether the LAN is told of this endpoint, so that devices list it (DNS-SD).",
    )  # fmt: skip
    registry: str = setting(
        "", title="Registry", example="https://registry.example.com/", max_length=500,
        description="The registry of endpoints on the internet that is listed, too, when devices are looked for.",
    )  # fmt: skip
    code: SecretName | None = setting(
        None, title="Static code", example="s2-code",
        description="The name of the secret with a pairing token that never ends, at least 12 letters and digits; "
        "without one a code is made when it is asked for, and is valid for five minutes.",
    )  # fmt: skip

    @field_validator("host", "host_name")
    @classmethod
    def _is_host(cls, value: str) -> str:
        if not HOST_CHARACTERS.issuperset(value):
            raise ValueError(f"{value!r} is no name or address of a host; give letters, digits and . - : % only")
        return value

    @field_validator("host")
    @classmethod
    def _is_given(cls, value: str) -> str:
        if not value:
            raise ValueError("an address is needed; give 0.0.0.0 for all of this machine's")
        return value

    @field_validator("registry")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if value and not value.startswith("https://"):
            raise ValueError("registry is no https:// URL")
        return value

    def place(self, instance: str) -> Place:
        """Where the endpoint of an instance is."""
        return Place.of(self.name, self.host, self.port, self.host_name, instance)
