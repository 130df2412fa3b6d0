"""Energy apps: one service each, which answers the control spaces of appliances with allocations."""

from typing import ClassVar

from efi.allocation import AllocationRevoke, AllocationStatusUpdate
from efi.control_space import ControlSpace
from efi.messages import AnyAllocation, AnyRegistration, ApplianceMessage
from efpi_core.errors import RefusedError
from efpi_core.plugin.appliance import Stamp
from efpi_core.plugin.context import Context
from efpi_core.plugin.plugin import ConfigT, Plugin


class ControlledAppliance:
    """An appliance as the app that controls it sees it; or one that is measured only, which every app may hear."""

    __slots__ = ("_context", "appliance_id", "controlled", "space", "statuses")

    def __init__(self, appliance_id: str, context: Context, *, controlled: bool = True) -> None:
        self.appliance_id = appliance_id
        self.controlled = controlled
        """Whether it takes this app's allocations; a meter, for instance, is only heard."""
        self.space = ControlSpace()
        """Everything live that the appliance said of its freedom, and its last measurement."""
        self.statuses: dict[str, AllocationStatusUpdate] = {}
        """The last word on each open allocation."""
        self._context = context

    @property
    def registration(self) -> AnyRegistration | None:
        """Who the appliance is."""
        return self.space.registration

    def stamp(self) -> Stamp:
        """The fields that every message has, for `StorageAllocation(**appliance.stamp(), …)`."""
        return {
            "message_id": self._context.new_id(),
            "appliance_id": self.appliance_id,
            "timestamp": self._context.now(),
        }

    def allocate(self, allocation: AnyAllocation) -> None:
        """Ask the appliance for something. The answer comes with `EnergyApp.on_status`."""
        if not self.controlled:
            raise RefusedError(
                f"'{self.appliance_id}' is measured only", "allocate only to those that are `controlled`"
            )
        self._context.say(allocation)

    def revoke(self, allocation_id: str | None = None, reason: str = "") -> None:
        """Take back one allocation, or all."""
        self._context.say(AllocationRevoke(**self.stamp(), allocation_id=allocation_id, reason=reason))


class EnergyApp(Plugin[ConfigT]):
    """One service. Override what is of interest; each handler runs alone."""

    categories: ClassVar[frozenset[str]] = frozenset(
        ("inflexible", "time_shiftable", "storage", "output_adjustable", "demand_driven")
    )
    """The categories that it controls."""

    appliances: dict[str, ControlledAppliance]
    """The appliances that it controls or hears now, by name."""

    async def on_connect(self, appliance: ControlledAppliance) -> None:
        """An appliance is now in this app's hands, or may be heard; its control space follows in `on_update`."""

    async def on_disconnect(self, appliance: ControlledAppliance, reason: str) -> None:
        """An appliance is no longer in this app's hands."""

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        """The appliance said something new; `appliance.space` holds it already."""

    async def on_resumed(
        self, appliance: ControlledAppliance, allocation: AnyAllocation, word: AllocationStatusUpdate | None
    ) -> None:
        """An allocation that this app gave before it, the appliance or the gateway began anew still stands.

        `word` is the appliance's last one on it, None when there was none yet. What comes of it is told as ever, with
        `on_status`; to give it again would ask twice.
        """

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        """The appliance's word on an allocation."""
