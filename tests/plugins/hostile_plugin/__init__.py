"""A plugin whose device lies to people: in every text that it may give stands something hostile."""

from datetime import timedelta

from efi.commodity import Commodity
from efi.inflexible import InflexibleRegistration
from efi.registration import EnergyRole, Role
from efpi_core.errors import TryAgainError
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_core.plugin.observation import ObservationSpec
from efpi_core.plugin.plugin import Plugin

MARKUP = '<img src=x onerror=alert(1)>[red]bold[/red]"\\'
DIRECTION = "\u202egnp.exe\u2066"
TERMINAL = "\x9b31m\u2028"
"""What a name of the interface lets through of that which a terminal may obey; C0 is refused before."""
NAME = f"=cmd|'/c calc'!A1 {MARKUP}{DIRECTION}{TERMINAL}"
SENTENCE = f"{NAME}\n2026-01-01 00:00:00 ERROR   efpi: forged\r\x1b[2J\x00"


class HostileDriver(InflexibleDriver[PluginConfig]):
    """Says hostile things in every place where a plugin may say something."""

    offer_name = "hostile"
    title = "Hostile"
    poll_every = timedelta(seconds=0.3)

    def register(self) -> InflexibleRegistration:
        """A consumer with a hostile name."""
        return InflexibleRegistration(
            **self.stamp(),
            name=NAME,
            manufacturer=NAME,
            commodities=(Commodity.ELECTRICITY,),
            roles=(Role(commodity=Commodity.ELECTRICITY, role=EnergyRole.CONSUMER),),
        )

    async def poll(self) -> None:
        """Tell power, a text as a value, a line for the log, and how bad it is."""
        self.measure(100.0)
        self.context.declare(ObservationSpec(f"{self.appliance_id}.text", "=1+1", "text"))
        self.context.publish(f"{self.appliance_id}.text", SENTENCE)
        self.context.log.error(SENTENCE)
        print(SENTENCE)  # noqa: T201  # what plugins print is shown, too
        self.context.condition(ConditionState.DEGRADED, SENTENCE, SENTENCE, SENTENCE, self.appliance_id)
        if self.context.elapsed() > 2 and not self.context.storage.get("fell"):
            self.context.storage.put("fell", True)
            raise TryAgainError(SENTENCE, SENTENCE)


@hookimpl
def efpi_plugins() -> tuple[type[Plugin[PluginConfig]], ...]:
    """The one driver."""
    return (HostileDriver,)
