"""One plugin instance at work: the gateway's frames become calls of the plugin, and the plugin's wishes frames.

The same object runs inside the gateway and in a hosted process; the difference is who carries the frames.
"""

import asyncio
import contextlib
import random
import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast, get_args

from pydantic import JsonValue, ValidationError

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyRegistration, ApplianceMessage, AppMessage
from efpi_core.clock import Clock
from efpi_core.errors import EfpiError, SettingsError
from efpi_core.host.frames import (
    AddAppliance,
    Condition,
    Connected,
    Declare,
    Deliver,
    Disconnected,
    Failed,
    FromInstance,
    LimitsChanged,
    Log,
    Observed,
    Ping,
    Pong,
    Publish,
    Ready,
    RemoveAppliance,
    Say,
    Start,
    Stop,
    Stopped,
    Store,
    ToInstance,
    Watch,
)
from efpi_core.host.worker import Worker
from efpi_core.identity import MessageIds
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.context import Context
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.observation import Observation, ObservationSpec, ObservedValue, Quality
from efpi_core.plugin.plugin import Plugin

Emit = Callable[[FromInstance], None]
"""Carries a frame to the gateway."""


class FramePort:
    """The plugin's wishes as frames."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def say(self, appliance_id: str, message: ApplianceMessage | AppMessage) -> None:
        """Send a message of the interface."""
        self._emit(Say(appliance_id, message))

    def add_appliance(self, key: str, registration: AnyRegistration, *, steerable: bool, safe_fallback: bool) -> None:
        """Bring an appliance."""
        self._emit(AddAppliance(key, registration, steerable, safe_fallback))

    def remove_appliance(self, appliance_id: str, reason: str) -> None:
        """Take an appliance away for good."""
        self._emit(RemoveAppliance(appliance_id, reason))

    def declare(self, specs: Sequence[ObservationSpec]) -> None:
        """Announce observations."""
        self._emit(Declare(tuple(specs)))

    def publish(self, name: str, value: ObservedValue, at: datetime, quality: Quality) -> None:
        """Report a value."""
        self._emit(Publish(name, value, at, quality))

    def watch(self, patterns: Sequence[str]) -> None:
        """Ask for the values of others."""
        self._emit(Watch(tuple(patterns)))

    def store(self, key: str, value: JsonValue) -> None:
        """Keep a value durably."""
        self._emit(Store(key, value))

    def log(self, level: int, text: str) -> None:
        """Write a line into the log."""
        self._emit(Log(level, text))

    def condition(self, state: ConditionState, detail: str, text: str, cure: str, appliance_id: str | None) -> None:
        """Tell how the instance or one of its appliances is doing."""
        self._emit(Condition(state, detail, text, cure, appliance_id))


class InstanceRuntime:
    """Runs one instance of a plugin from `Start` to `Stop`."""

    def __init__(self, plugin_type: type[Plugin[PluginConfig]], start: Start, clock: Clock, emit: Emit) -> None:
        self._emit = emit
        self._start_frame = start
        self._plugin_type = plugin_type
        self._worker = Worker(clock)
        self._stopping = False
        self.received = 0
        """Frames taken in so far, `Start` not counted."""
        port = FramePort(emit)
        self.context = Context(
            instance=start.instance,
            port=port,
            clock=clock,
            enqueue=self._worker.enqueue,
            site=start.site,
            storage=InstanceStorage(start.storage, port),
            secrets=start.secrets,
            ids=MessageIds(start.instance, start.life),
            rng=random.Random(f"{start.seed}/{start.instance}"),  # noqa: S311  # simulation, not secrecy
            resolution_s=start.resolution_s,
        )
        self.plugin = plugin_type()
        self._app = self.plugin if isinstance(self.plugin, EnergyApp) else None
        if self._app is not None:
            self._app.appliances = {}

    async def run(self) -> None:
        """Start the plugin and serve it until `Stop` or failure; a failure is told in a frame, not raised."""
        work = asyncio.get_running_loop().create_task(self._work(), name=f"{self.context.instance}: worker")
        self._work_task = work
        try:
            await work
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            await self.context.close()

    async def _work(self) -> None:
        moment = "start"
        try:
            self.plugin.install(self._settings(), self.context)
            await self.plugin.start()
            self._emit(Ready())
            moment = "running"
            await self._worker.run()
        except Exception as error:  # noqa: BLE001  # whatever a plugin raises is told to the supervisor by name
            cure = error.cure if isinstance(error, EfpiError) else ""
            self._emit(Failed(moment, _in_words(error), cure, _own_traceback(error)))

    def _settings(self) -> PluginConfig:
        try:
            return self._plugin_type.config_type().model_validate(self._start_frame.config)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"instances.{self.context.instance}.config.{path}", first["msg"]) from None

    # --- frames from the gateway

    def receive(self, frame: ToInstance) -> None:
        """Take a frame; what the plugin makes of it happens in its worker."""
        self.received += 1
        handle = _HANDLERS.get(type(frame))
        if handle is not None:
            self._worker.enqueue(partial(handle, self, frame))
        elif isinstance(frame, Ping):
            self._emit(Pong(frame.number, self.received, self._worker.busy_s()))

    @property
    def idle(self) -> bool:
        """Whether every handler has returned."""
        return self._worker.idle

    @property
    def waiting(self) -> int:
        """How many frames and timers wait for their handler."""
        return self._worker.waiting

    async def _deliver(self, frame: Deliver) -> None:
        message = frame.message
        if type(message) in _APP_MESSAGES:
            handler = self.context.appliances.get(frame.appliance_id)
            if handler is not None:
                await handler.on_app_message(cast(AppMessage, message))
            return
        appliance = None if self._app is None else self._app.appliances.get(frame.appliance_id)
        if self._app is None or appliance is None:
            return
        if type(message) is AllocationStatusUpdate:
            if message.status.final:
                appliance.statuses.pop(message.allocation_id, None)
            else:
                appliance.statuses[message.allocation_id] = message
            await self._app.on_status(appliance, message)
            return
        told = cast(ApplianceMessage, message)
        appliance.space.apply(told, self.context.now())
        await self._app.on_update(appliance, told)

    async def _connected(self, frame: Connected) -> None:
        handler = self.context.appliances.get(frame.appliance_id)
        if frame.registration is None:
            if handler is not None:
                await handler.on_connected(frame.app)
        elif self._app is not None:
            appliance = ControlledAppliance(frame.appliance_id, self.context)
            appliance.space.apply(frame.registration, self.context.now())
            self._app.appliances[frame.appliance_id] = appliance
            await self._app.on_connect(appliance)

    async def _disconnected(self, frame: Disconnected) -> None:
        handler = self.context.appliances.get(frame.appliance_id)
        if handler is not None:
            await handler.on_disconnected(frame.reason)
        elif self._app is not None:
            appliance = self._app.appliances.pop(frame.appliance_id, None)
            if appliance is not None:
                await self._app.on_disconnect(appliance, frame.reason)

    def _observed(self, frame: Observed) -> None:
        self.context.observed(Observation(frame.name, frame.value, frame.unit, frame.quality, frame.at))

    async def _limits_changed(self, frame: LimitsChanged) -> None:
        self.context.limits = frame.limits
        if self.context.on_limits is not None:
            self.context.on_limits()

    async def _stop(self, frame: Stop) -> None:
        """Visit every safe state, whatever one of them raises, then end the worker."""
        unsafe = []
        for appliance_id, handler in tuple(self.context.appliances.items()):
            try:
                async with asyncio.timeout(frame.deadline_s):
                    await handler.safe_state()
            except Exception as error:  # noqa: BLE001  # one device's trouble must not keep the others from safety
                unsafe.append(f"{appliance_id}: {_in_words(error)}")
        with contextlib.suppress(Exception):  # the devices are safe; what a plugin's farewell raises changes nothing
            async with asyncio.timeout(frame.deadline_s):
                await self.plugin.stop()
        self._emit(Stopped(tuple(unsafe)))
        self._stopping = True
        self._work_task.cancel()


_APP_MESSAGES = frozenset(get_args(AppMessage))
"""Types are compared exactly on this path: `isinstance` of a pydantic class that is not the very one costs a µs."""

_HANDLERS: dict[type[ToInstance], Callable[[InstanceRuntime, Any], Awaitable[None] | None]] = {
    Deliver: InstanceRuntime._deliver,
    Connected: InstanceRuntime._connected,
    Disconnected: InstanceRuntime._disconnected,
    Observed: InstanceRuntime._observed,
    LimitsChanged: InstanceRuntime._limits_changed,
    Stop: InstanceRuntime._stop,
}
"""What the worker does with each frame; the others are carried out by whoever hosts the instance."""


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _own_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-4000:]
