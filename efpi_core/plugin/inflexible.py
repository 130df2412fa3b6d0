"""Base classes for inflexible appliances: an author adds `register`, `poll`, `report` and perhaps `curtail`."""

from abc import abstractmethod
from collections.abc import Collection
from datetime import datetime
from functools import partial

from pydantic import JsonValue

from efi.allocation import AllocationStatus
from efi.commodity import CommodityQuantity
from efi.inflexible import InflexibleAllocation, InflexibleRegistration
from efi.messages import AnyAllocation
from efi.profile import intervals, profile_duration
from efpi_core.clock_event import ClockSet
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.claims import Claims
from efpi_core.plugin.context import Context
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.plugin import ConfigT


class InflexibleAppliance(Appliance):
    """An appliance that runs as it must. Where it can be curtailed, `describe` tells the options and `curtail` acts.

    Each quantity follows the newest allocation that limits it; one that has lost all its quantities is revoked.
    """

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self._claims: Claims[CommodityQuantity] = Claims()
        kept = context.storage.get(self.memory_key("bounded"))
        self._bounded: dict[CommodityQuantity, str] = {
            CommodityQuantity(quantity): str(allocation_id)
            for quantity, allocation_id in (kept.items() if isinstance(kept, dict) else ())
            if quantity in _QUANTITIES
        }
        """What is limited, and by which allocation; kept, since a limit that a crash left behind must be lifted."""

    @abstractmethod
    def register(self) -> InflexibleRegistration:
        """Who the appliance is."""

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        """Make the device stay within bounds, in the quantity's unit; None frees that side, two of them all."""
        raise RefusedError("this appliance cannot be curtailed")

    async def fallback(self) -> None:
        """Nobody decides: lift the limits that were set, and go to the safe state."""
        for quantity in tuple(self._bounded):
            await self._free(quantity)
        await self.safe_state()

    async def take_back(self, allocation_id: str) -> None:
        """The limits that it set are lifted; without another allocation the device falls back."""
        if self._allocations:
            await self._lift_leftovers()
        else:
            await self.fallback()

    def clock_set(self, event: ClockSet) -> None:
        """What begins later is as far away as it was."""
        self._claims.clock_set(event.step)

    def found(self) -> None:
        """The device answers. A limit that it kept while it was out of reach, and nobody wants now, is lifted."""
        returned = not self.present
        super().found()
        if returned and self._bounded:
            self.context.call_later(self.patience_s, self._mend_leftovers)

    async def _mend_leftovers(self) -> None:
        if self.present:
            await self._try(self._lift_leftovers)

    async def _lift_leftovers(self, bounded_anew: Collection[CommodityQuantity] = ()) -> None:
        """Free what is still bounded by an allocation that ended."""
        for quantity, allocation_id in tuple(self._bounded.items()):
            if not self.is_open(allocation_id) and quantity not in bounded_anew:
                await self._free(quantity)

    async def _free(self, quantity: CommodityQuantity) -> None:
        await self.curtail(quantity, None, None)
        self._bounded.pop(quantity, None)
        self._keep_bounded()

    def _keep_bounded(self) -> None:
        kept: dict[str, JsonValue] = {quantity.value: by for quantity, by in self._bounded.items()}
        self.context.storage.put(self.memory_key("bounded"), kept or None)

    # --- allocations

    async def carry_out(self, allocation: AnyAllocation) -> None:
        """Follow the profiles of bounds as asked."""
        if not isinstance(allocation, InflexibleAllocation):
            raise RefusedError(f"an inflexible appliance cannot follow {allocation.type}")
        now, name = self.context.now(), allocation.message_id
        begins = {profile.quantity: allocation.start_time for profile in allocation.curtailments}
        replaced = self._claims.put(name, begins, now)
        self.accept(allocation)
        self._end_replaced(replaced)
        await self._lift_leftovers(begins if allocation.start_time <= now else ())
        for profile in allocation.curtailments:
            quantity = profile.quantity
            for start, end, element in intervals(profile.elements, allocation.start_time):
                bound = partial(self._bound, name, quantity, element.lower, element.upper)
                if start > now:
                    self.schedule(name, start, bound)
                elif end > now:
                    await bound()
            if self.is_open(name):
                ends = allocation.start_time + profile_duration(profile.elements)
                self.schedule(name, ends, partial(self._done, name, quantity))

    async def take_up(self, allocation: AnyAllocation) -> None:
        """Go on with the profiles; what ended while nobody was there is lifted and done, or had never begun."""
        begun = self._allocations.get(allocation.message_id) is AllocationStatus.STARTED
        if isinstance(allocation, InflexibleAllocation) and not begun and _end_of(allocation) <= self.context.now():
            raise RefusedError("its time passed while nobody was there to follow it")
        await self.carry_out(allocation)

    def _end_replaced(self, older: tuple[str, ...]) -> None:
        for allocation_id in older:
            if self.is_open(allocation_id):
                self.end_allocation(allocation_id, AllocationStatus.REVOKED, "replaced by a newer allocation")

    def end_allocation(self, allocation_id: str, status: AllocationStatus, text: str = "") -> None:
        """Answer with a final status and forget the allocation; what it leaves bounded when it breaks off is lifted."""
        self._claims.drop(allocation_id)
        super().end_allocation(allocation_id, status, text)
        if status is AllocationStatus.ABORTED and allocation_id in self._bounded.values():
            self.context.call_later(0, self._mend_leftovers)

    async def _bound(
        self, allocation_id: str, quantity: CommodityQuantity, lower: float | None, upper: float | None
    ) -> None:
        """Begin an interval of a profile."""
        if not self._claims.holds(allocation_id, quantity):
            return
        self._end_replaced(self._claims.take(allocation_id, quantity))
        try:
            if lower is None and upper is None:
                await self._free(quantity)
            else:
                self._bounded[quantity] = allocation_id  # before it is tried: what failed half-way must be lifted, too
                self._keep_bounded()
                await self.curtail(quantity, lower, upper)
            self.started(allocation_id)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, str(error))

    async def _done(self, allocation_id: str, quantity: CommodityQuantity) -> None:
        """End a profile: its quantity is free again."""
        if not self._claims.holds(allocation_id, quantity):
            return
        try:
            await self._free(quantity)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, f"the limit could not be lifted: {error}")
            return
        if self._claims.give_up(allocation_id, quantity):
            self.end_allocation(allocation_id, AllocationStatus.FINISHED)


def _end_of(allocation: InflexibleAllocation) -> datetime:
    return allocation.start_time + max(profile_duration(profile.elements) for profile in allocation.curtailments)


_QUANTITIES = frozenset(quantity.value for quantity in CommodityQuantity)


class InflexibleDriver(SingleApplianceDriver[ConfigT], InflexibleAppliance):
    """A driver whose instance is one inflexible appliance."""
