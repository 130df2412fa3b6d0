"""A device as the gateway knows it: one appliance, over all of its connections."""

from collections.abc import Iterable
from typing import Protocol, get_args

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.inflexible import InflexibleRegistration
from efi.messages import AnyAllocation, AnyRegistration, ApplianceMessage, AppMessage
from efpi_core.clock import TimerHandle
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_core.s2.ending import Ending
from efpi_driver_s2.health import InstanceHealth, Trouble

DEGRADED_S = 600.0
"""How long it is told that something about a device was not right."""

_REGISTRATIONS = frozenset(get_args(AnyRegistration))


class Line(Protocol):
    """The way to the device while it is connected."""

    def ask(self, message: AppMessage) -> None:
        """Pass on what an app, or the gateway, wants of it."""

    def let_go(self) -> None:
        """Nobody wants anything any more: the device runs by itself and goes on telling what it could do."""

    def leave(self) -> None:
        """The gateway goes: the device runs by itself."""


class S2Appliance:
    """What the gateway and a device say to each other. Without a line the device is out of reach."""

    def __init__(self, context: Context, key: str, health: InstanceHealth) -> None:
        self.context = context
        self._health = health
        self.key = key
        self.appliance_id = context.appliance_id(key)
        """The gateway-wide name."""
        self.line: Line | None = None
        """The way to the device; None while it is away."""
        self.curtailable = False
        """Whether, being inflexible, it takes bounds on its power."""
        self.muted = False
        """Whether the gateway ends, and hears no more of it: what was promised stands until it is back."""
        self._steerable: bool | None = None
        self._words: dict[str, AllocationStatus | None] = {}
        self._condition = ""
        self._recovering: TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether anything is wanted of it."""
        return bool(self._words)

    def arrived(self, line: Line) -> None:
        """The device is here."""
        self.line = line

    def left(self, ending: Ending) -> None:
        """The connection with the device ended."""
        self.line = None
        for name in tuple(self._words):
            self._end(name, AllocationStatus.ABORTED, ending.text)
        text = f"the device is away: {ending.text}"
        self.condition(ConditionState.OFFLINE, ending.word, text, ending.cure or "look whether the device is on")

    # --- what the device says

    def say(self, messages: Iterable[ApplianceMessage | AppMessage]) -> None:
        """Tell the gateway what the device says, in the interface's words."""
        for message in messages:
            if self.muted:
                continue
            if isinstance(message, AllocationStatusUpdate):
                self._say_status(message)
            elif type(message) in _REGISTRATIONS:
                self._register(message)  # type: ignore[arg-type]  # one of the registrations
            else:
                self.context.say(message)

    def _register(self, registration: AnyRegistration) -> None:
        measured = isinstance(registration, InflexibleRegistration) and not self.curtailable
        if self._steerable is (not measured):
            self.context.say(registration)
        else:
            self._steerable = not measured
            self._health.well(self.appliance_id)
            self.context.add_appliance(self.key, registration, self, steerable=not measured, safe_fallback=True)
        self.well()

    def _say_status(self, update: AllocationStatusUpdate) -> None:
        """Tell how far an allocation has come; what was said of it in a former life is not said again."""
        name, status = update.allocation_id, update.status
        before = self._words.get(name)
        if not status.may_follow(before):
            if status is not AllocationStatus.REJECTED or before is None:
                return
            update, status = update.model_copy(update={"status": AllocationStatus.ABORTED}), AllocationStatus.ABORTED
        if status.final:
            self._words.pop(name, None)
        else:
            self._words[name] = status
        self.context.say(update)

    def well(self) -> None:
        """The device works."""
        self.condition(ConditionState.OK, "", "")

    def degraded(self, detail: str, text: str, cure: str) -> None:
        """Something about the device is not right, which is told for a while."""
        if self._recovering is None and self.line is not None:
            self.condition(ConditionState.DEGRADED, detail, text, cure)
            self._recovering = self.context.call_later(DEGRADED_S, self.well)

    def condition(self, state: ConditionState, detail: str, text: str, cure: str = "") -> None:
        """Tell how the device is doing, when that is news; of one that is no appliance yet the instance tells it."""
        if self._recovering is not None:
            self._recovering.cancel()
            self._recovering = None
        if self.muted or not (self._condition or detail):
            return
        self._condition = detail
        if self._steerable is not None:
            self.context.condition(state, detail, text, cure, self.appliance_id)
        elif detail:
            trouble = Trouble(ConditionState.DEGRADED, detail, f"{self.appliance_id}: {text}", cure)
            self._health.passing(self.appliance_id, trouble)

    # --- what the gateway says

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation or a revocation came in; for the host."""
        if type(message) is not AllocationRevoke:
            self._words.setdefault(message.message_id, None)
        if self.line is not None:
            self.line.ask(message)
        elif not isinstance(message, AllocationRevoke):
            self._end(message.message_id, AllocationStatus.REJECTED, "the device is out of reach")

    async def on_standing(self, allocation: AnyAllocation, status: AllocationStatus | None) -> None:
        """An allocation of a former life stands: it is asked of the device again; for the host."""
        if status is not None:
            self._words[allocation.message_id] = status
        await self.on_app_message(allocation)

    async def on_connected(self, app: str) -> None:
        """An energy app took control; for the host."""

    async def on_disconnected(self, reason: str) -> None:
        """No energy app is in control any more: the device runs by itself; for the host."""
        if self.line is not None:
            self.line.let_go()

    def all_taken_back(self) -> AllocationRevoke:
        """The wish that the device forgets all wishes."""
        context = self.context
        return AllocationRevoke(
            message_id=context.new_id(), appliance_id=self.appliance_id, timestamp=context.now(),
            reason="nobody is in control",
        )  # fmt: skip

    async def safe_state(self) -> None:
        """Leave the device to itself; for the host."""
        if self.line is not None:
            self.line.leave()

    def _end(self, allocation_id: str, status: AllocationStatus, text: str) -> None:
        context = self.context
        if self.muted:
            return
        self._say_status(
            AllocationStatusUpdate(
                message_id=context.new_id(), appliance_id=self.appliance_id, timestamp=context.now(),
                allocation_id=allocation_id, status=status, text=text,
            )
        )  # fmt: skip
