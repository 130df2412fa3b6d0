"""Base classes for inflexible appliances: an author adds `register`, `poll`, `report` and perhaps `curtail`."""

from abc import abstractmethod
from functools import partial

from efi.allocation import AllocationStatus
from efi.commodity import CommodityQuantity
from efi.inflexible import CurtailmentProfile, InflexibleAllocation, InflexibleRegistration
from efi.messages import AnyAllocation
from efi.profile import intervals, profile_duration
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.context import Context
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.plugin import ConfigT


class InflexibleAppliance(Appliance):
    """An appliance that runs as it must. Where it can be curtailed, `describe` tells the options and `curtail` acts."""

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self._in_charge: str | None = None
        self._bounded: dict[CommodityQuantity, None] = {}

    @abstractmethod
    def register(self) -> InflexibleRegistration:
        """Who the appliance is."""

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        """Make the device stay within bounds, in the quantity's unit; None frees that side, two of them all."""
        raise RefusedError("this appliance cannot be curtailed")

    async def fallback(self) -> None:
        """Nobody decides: lift the limits that were set, and go to the safe state."""
        for quantity in tuple(self._bounded):
            await self.curtail(quantity, None, None)
            self._bounded.pop(quantity, None)
        await self.safe_state()

    def found(self) -> None:
        """The device answers. A limit that it kept while it was out of reach, and nobody wants now, is lifted."""
        returned = not self.present
        super().found()
        if returned and self._bounded:
            self.context.call_later(0, self._lift_leftovers)

    async def _lift_leftovers(self) -> None:
        if self.present and (self._in_charge is None or not self.is_open(self._in_charge)):
            await self._try(self.fallback)

    async def carry_out(self, allocation: AnyAllocation) -> None:
        """Follow the profiles of bounds as asked."""
        if not isinstance(allocation, InflexibleAllocation):
            raise RefusedError(f"an inflexible appliance cannot follow {allocation.type}")
        if self._in_charge is not None and self.is_open(self._in_charge):
            self.end_allocation(self._in_charge, AllocationStatus.REVOKED, "replaced by a newer allocation")
        self._in_charge = allocation.message_id
        self.accept(allocation)
        asked = {profile.quantity for profile in allocation.curtailments}
        for quantity in [bounded for bounded in self._bounded if bounded not in asked]:
            await self.curtail(quantity, None, None)
            self._bounded.pop(quantity, None)
        now = self.context.now()
        for profile in allocation.curtailments:
            for start, end, element in intervals(profile.elements, allocation.start_time):
                if end <= now:
                    continue
                bound = partial(self._bound, allocation.message_id, profile.quantity, element.lower, element.upper)
                if start <= now:
                    await bound()
                else:
                    self.schedule(allocation.message_id, start, bound)
        if not self.is_open(allocation.message_id):
            return
        end = allocation.start_time + max(profile_duration(profile.elements) for profile in allocation.curtailments)
        self.schedule(allocation.message_id, end, partial(self._done, allocation.message_id, allocation.curtailments))

    async def _bound(
        self, allocation_id: str, quantity: CommodityQuantity, lower: float | None, upper: float | None
    ) -> None:
        if not self.is_open(allocation_id):
            return
        try:
            if lower is not None or upper is not None:
                self._bounded[quantity] = None  # before it is tried: what failed half-way must be lifted, too
            await self.curtail(quantity, lower, upper)
            if lower is None and upper is None:
                self._bounded.pop(quantity, None)
            self.started(allocation_id)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, str(error))

    async def _done(self, allocation_id: str, curtailments: tuple[CurtailmentProfile, ...]) -> None:
        if not self.is_open(allocation_id):
            return
        try:
            for profile in curtailments:
                await self.curtail(profile.quantity, None, None)
                self._bounded.pop(profile.quantity, None)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, f"the limit could not be lifted: {error}")
        else:
            self.end_allocation(allocation_id, AllocationStatus.FINISHED)


class InflexibleDriver(SingleApplianceDriver[ConfigT], InflexibleAppliance):
    """A driver whose instance is one inflexible appliance."""
