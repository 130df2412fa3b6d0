"""A plugin that tells its secrets to everybody, in every way that a plugin has."""

import sys
from typing import ClassVar

from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.config import PluginConfig, SecretName, setting
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.plugin import Plugin


class TelltaleConfig(PluginConfig):
    """A secret by its name, and one that is hidden in an address."""

    token: SecretName = setting("token", title="Token")
    url: str = setting("", title="Address")


class Telltale(EnergyApp[TelltaleConfig]):
    """Tells all it knows, and fails with it."""

    offer_name: ClassVar[str] = "telltale.app"
    title: ClassVar[str] = "Telltale"

    async def start(self) -> None:
        """Tell it."""
        secret = self.context.secret(self.config.token)
        self.context.log.warning(f"the token is {secret}, the address {self.config.url}")
        sys.stderr.write(f"printed: {secret!r} {self.config.url}\n")
        sys.stdout.write(f"{{'Authorization': 'Bearer {secret}'}}\n")
        sys.stdout.flush()
        self.context.condition(ConditionState.DEGRADED, f"login with {secret} was refused", f"change {secret}", secret)
        self.context.call_later(1.0, self.fail)

    async def fail(self) -> None:
        """Raise it."""
        raise RuntimeError(f"cannot log in with {self.context.secret(self.config.token)} at {self.config.url}")


@hookimpl
def efpi_plugins() -> tuple[type[Plugin[PluginConfig]], ...]:
    """The one app."""
    return (Telltale,)
