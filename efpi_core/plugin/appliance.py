"""An appliance as its driver keeps it: what the protocol demands of every category, so that no author has to."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypedDict

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import PowerValue, electric
from efi.measurement import EnergyReading, Measurement
from efi.message import ControlSpaceRevoke
from efi.messages import AnyAllocation, AnyRegistration, AnyUpdate, AppMessage
from efpi_core.clock import TimerHandle
from efpi_core.clock_event import ClockEvent, ClockSet
from efpi_core.errors import EfpiError, RefusedError, TryAgainError
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context, Job

STANDING_S = 5.0
"""So long after its description an appliance is told what stands of its former life."""


class Stamp(TypedDict):
    """The fields that every message has."""

    message_id: str
    appliance_id: str
    timestamp: datetime


class UpdateStamp(Stamp):
    """The fields that every part of a control space has."""

    valid_from: datetime


class Appliance(ABC):
    """One appliance. A category's base class adds how its allocations are carried out.

    Life: `found` registers and describes it, `tell` and `measure` keep the world informed, `lost` takes its freedom
    back while the device is out of reach, `found` again when it returns.
    """

    steerable = True
    """Whether an energy app may control it."""
    safe_fallback = True
    """Whether the device returns to safety by itself, or by our hand, when nobody controls it."""

    context: Context
    key: str = ""

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it. A driver that is its own appliance is tied already."""
        self.context = context
        self.key = key
        self.present = False
        self.app: str | None = None
        self._registered = False
        self._owes_fallback = False
        self._unsure = context.replacement
        self._allocations: dict[str, AllocationStatus] = {}
        self._timers: dict[str, list[TimerHandle]] = {}

    # --- what an author writes

    @abstractmethod
    def register(self) -> AnyRegistration:
        """Who the appliance is. Begin with `**self.stamp()`."""

    def describe(self) -> Iterable[AnyUpdate]:
        """Its control space, told after each registration: descriptions, options, forecasts. `**self.valid_now()`."""
        return ()

    def report(self) -> None:  # noqa: B027  # a category without a state has nothing to tell
        """Tell the present state, if the category has one; called when the control space was described anew."""

    async def fallback(self) -> None:
        """No energy app is in control: run as the device would by itself. By default, go to the safe state."""
        await self.safe_state()

    async def safe_state(self) -> None:  # noqa: B027  # many devices need nothing
        """Bring the device where it may be left alone. By default nothing, for devices that need nothing."""

    # --- for the author

    @property
    def appliance_id(self) -> str:
        """The gateway-wide name."""
        return self.context.appliance_id(self.key)

    def memory_key(self, what: str) -> str:
        """Under which the base classes keep something of this appliance in the instance's storage."""
        return f"efpi.{what}.{self.key}" if self.key else f"efpi.{what}"

    def stamp(self) -> Stamp:
        """The fields that every message has, for `Message(**self.stamp(), …)`."""
        return {
            "message_id": self.context.new_id(),
            "appliance_id": self.appliance_id,
            "timestamp": self.context.now(),
        }

    def valid_now(self, valid_from: datetime | None = None) -> UpdateStamp:
        """The fields that every part of a control space has; it holds from now on, or from a given instant."""
        now = self.context.now()
        return {
            "message_id": self.context.new_id(),
            "appliance_id": self.appliance_id,
            "timestamp": now,
            "valid_from": now if valid_from is None else valid_from,
        }

    def tell(self, message: AnyUpdate | Measurement | ControlSpaceRevoke | AllocationStatusUpdate) -> None:
        """Send a message about this appliance."""
        self.context.say(message)

    def measure(
        self,
        power: float | tuple[PowerValue, ...],
        energy: tuple[EnergyReading, ...] = (),
        at: datetime | None = None,
    ) -> None:
        """Tell what it draws: W over all phases, or values by quantity; and the standings of its counters."""
        values = electric(power) if isinstance(power, int | float) else power
        self.tell(Measurement(**self.stamp(), measured_at=at or self.context.now(), values=values, energy=energy))

    def found(self) -> None:
        """The device answers: register and describe it. Harmless while it is present."""
        if self.present:
            return
        self.present = True
        registration = self.register()
        if self._registered:
            self.context.say(registration)
        else:
            self._registered = True
            self.context.add_appliance(
                self.key, registration, self, steerable=self.steerable, safe_fallback=self.safe_fallback
            )
        self.describe_anew()
        self.context.condition(ConditionState.OK, appliance_id=self.appliance_id)
        if self._unsure:
            self.context.call_later(self.patience_s, self._make_sure)
        elif self._owes_fallback:
            self.context.call_later(0, self._fall_back)

    def describe_anew(self) -> None:
        """Tell the control space again, because the device's abilities changed."""
        for update in self.describe():
            self.tell(update)

    def on_clock(self, event: ClockEvent) -> None:
        """Somebody set the clock: what was told with instants of the old time is told anew with those of the new."""
        if isinstance(event, ClockSet):
            self.clock_set(event)
            if self.present:
                self.context.call_later(0, self._tell_anew)

    def clock_set(self, event: ClockSet) -> None:  # noqa: B027  # a category without instants has nothing to mend
        """Correct the instants that are kept here; what counts a duration moves by `event.step`."""

    def _tell_anew(self) -> None:
        if self.present:
            self.describe_anew()
            self.report()

    def lost(self, text: str, cure: str = "", detail: str = "no_answer") -> None:
        """The device is out of reach: its freedom is taken back, open allocations are given up. Harmless when lost."""
        if self.present:
            self.present = False
            self.tell(ControlSpaceRevoke(**self.stamp(), reason=text))
            for allocation_id in tuple(self._allocations):
                self.end_allocation(allocation_id, AllocationStatus.ABORTED, text)
        self.context.condition(
            ConditionState.OFFLINE, detail, text, cure, self.appliance_id if self._registered else None
        )

    # --- allocations, for the categories

    @abstractmethod
    async def carry_out(self, allocation: AnyAllocation) -> None:
        """Begin to do as asked; raise RefusedError to refuse it. The allocation is accepted when this returns."""

    async def take_back(self, allocation_id: str) -> None:
        """Stop doing as asked, because the app took it back."""
        await self.fallback()

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation or a revocation came in; for the host."""
        if isinstance(message, AllocationRevoke):
            ids = (message.allocation_id,) if message.allocation_id else tuple(self._allocations)
            for allocation_id in ids:
                if allocation_id in self._allocations:
                    self.end_allocation(allocation_id, AllocationStatus.REVOKED, message.reason)
                    await self._try(partial(self.take_back, allocation_id))
            if self.present:
                self.report()
            return
        if not self.present:  # it was on its way when the device was lost
            self.end_allocation(message.message_id, AllocationStatus.REJECTED, "the device is out of reach")
            return
        try:
            await self.carry_out(message)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            accepted = message.message_id in self._allocations
            text = str(error) if isinstance(error, RefusedError) else f"the device did not follow: {error}"
            status = AllocationStatus.ABORTED if accepted else AllocationStatus.REJECTED
            self.end_allocation(message.message_id, status, text)
            if accepted:
                self.report()  # a part of it may have been done

    async def on_standing(self, allocation: AnyAllocation, status: AllocationStatus | None) -> None:
        """An allocation of a former life stands: go on with it, or end it with the reason; for the host."""
        if status is not None:
            self._allocations[allocation.message_id] = status
        try:
            if not self.present:
                raise RefusedError("the device is out of reach")
            if self._unsure and not self.was_read():
                await self.safe_state()
            self._unsure = False
            await self.take_up(allocation)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            accepted = allocation.message_id in self._allocations
            ended = AllocationStatus.ABORTED if accepted else AllocationStatus.REJECTED
            self.end_allocation(allocation.message_id, ended, f"not taken up again: {error}")
            self._owes_fallback = not self._allocations
            await self._fall_back()

    async def take_up(self, allocation: AnyAllocation) -> None:
        """Go on with an allocation of a former life; raise RefusedError when that cannot be."""
        await self.carry_out(allocation)

    def was_read(self) -> bool:
        """Whether it is known how the device runs, though another life ended without order."""
        return True

    @property
    def patience_s(self) -> float:
        """How long to leave the device as it is, since something of a former life may stand."""
        return STANDING_S if self.appliance_id in self.context.promised else 0.0

    def accept(self, allocation: AnyAllocation, text: str = "") -> None:
        """Answer that the appliance will try; of one from a former life that was said already."""
        if allocation.message_id in self._allocations:
            return
        self._allocations[allocation.message_id] = AllocationStatus.ACCEPTED
        self._status(allocation.message_id, AllocationStatus.ACCEPTED, text)

    def started(self, allocation_id: str, text: str = "") -> None:
        """Answer that the appliance acts on it; said once."""
        if self._allocations.get(allocation_id) in (AllocationStatus.ACCEPTED, AllocationStatus.PROCESSING):
            self._allocations[allocation_id] = AllocationStatus.STARTED
            self._status(allocation_id, AllocationStatus.STARTED, text)

    def end_allocation(self, allocation_id: str, status: AllocationStatus, text: str = "") -> None:
        """Answer with a final status and forget the allocation, its timers too."""
        self._cancel_timers(allocation_id)
        self._allocations.pop(allocation_id, None)
        self._status(allocation_id, status, text)

    def schedule(self, allocation_id: str, when: datetime, job: Job) -> None:
        """Run a part of an allocation at its time; gone when the allocation ends.

        From now on it is so long until then: who sets the clock meanwhile neither hastens nor delays what was accepted.
        """
        delay_s = max((when - self.context.now()).total_seconds(), 0.0)
        self._timers.setdefault(allocation_id, []).append(self.context.call_later(delay_s, job))

    def is_open(self, allocation_id: str) -> bool:
        """Whether the allocation is accepted and not at its end."""
        return allocation_id in self._allocations

    def _cancel_timers(self, allocation_id: str) -> None:
        for timer in self._timers.pop(allocation_id, ()):
            timer.cancel()

    def _status(self, allocation_id: str, status: AllocationStatus, text: str) -> None:
        self.tell(AllocationStatusUpdate(**self.stamp(), allocation_id=allocation_id, status=status, text=text[:2000]))

    async def on_connected(self, app: str) -> None:
        """An energy app took control; for the host."""
        self.app = app
        self._owes_fallback = False

    async def on_disconnected(self, reason: str) -> None:
        """No energy app is in control any more; for the host."""
        self.app = None
        for allocation_id in tuple(self._allocations):
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, reason)
        self._owes_fallback = True
        if self.present:
            await self._fall_back()

    async def _make_sure(self) -> None:
        """Bring a device to safety of which a life that ended without order left nobody knows what."""
        if self._unsure and self.present:
            self._unsure = not await self._try(self.fallback if self.app is None else self.safe_state)
            if self.present:
                self.report()

    async def _fall_back(self) -> None:
        """Go where the device runs without an app; one that does not follow does so when it is found again."""
        if self.app is None and self._owes_fallback and await self._try(self.fallback):
            self._owes_fallback = False
            self.report()

    async def _try(self, deed: Callable[[], Awaitable[None]]) -> bool:
        """Have the device do what nobody waits for an answer to; when it does not, it is lost until the next poll."""
        try:
            await deed()
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            problem = error.problem if isinstance(error, EfpiError) else str(error) or type(error).__name__
            self.lost(problem, error.cure if isinstance(error, EfpiError) else "")
            return False
        return True
