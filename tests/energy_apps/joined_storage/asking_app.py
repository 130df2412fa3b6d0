"""An app that asks the whole of a joined storage once, in all its lives, and remembers what it hears."""

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyAllocation, ApplianceMessage
from efi.storage import ActuatorAllocation, StorageAllocation, StorageStateUpdate
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import hookimpl


class AskingApp(EnergyApp[PluginConfig]):
    """Discharges every actuator of the appliance that it controls."""

    offer_name = "asking"
    title = "Asking"

    async def start(self) -> None:
        """Nothing was heard in this life."""
        self.heard: list[str] = []
        self.resumed: list[str] = []

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        """Ask when it says for the first time how it stands, with all its actuators."""
        if (
            not isinstance(message, StorageStateUpdate)
            or len(message.actuators) < 2
            or self.context.storage.get("asked")
        ):
            return
        self.context.storage.put("asked", True)
        steps = tuple(
            ActuatorAllocation(
                actuator_id=actuator.actuator_id, mode_id="discharge", factor=1.0, start_time=self.context.now()
            )
            for actuator in message.actuators
        )
        appliance.allocate(
            StorageAllocation(**appliance.stamp(), control_space_update_id=message.message_id, actuators=steps)
        )

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        """What the whole says."""
        self.heard.append(status.status.value)

    async def on_resumed(
        self, appliance: ControlledAppliance, allocation: AnyAllocation, word: AllocationStatusUpdate | None
    ) -> None:
        """What still stands."""
        self.resumed.append(allocation.message_id)


@hookimpl
def efpi_plugins() -> list[type[AskingApp]]:
    """Hand over the app."""
    return [AskingApp]
