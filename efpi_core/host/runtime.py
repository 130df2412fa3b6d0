"""One plugin instance at work: the gateway's frames become calls of the plugin, and the plugin's wishes frames.

The same object runs inside the gateway and in a hosted process; the difference is who carries the frames.
"""

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast, get_args

from pydantic import JsonValue, ValidationError

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyAllocation, ApplianceMessage, AppMessage
from efpi_core.clock import Clock
from efpi_core.clock_event import ClockEvent
from efpi_core.errors import EfpiError, PluginFailure, SettingsError, TryAgainError
from efpi_core.host.call_frames import GiveUp, Operate
from efpi_core.host.frame_port import Emit, FramePort
from efpi_core.host.frames import (
    ClockMode,
    Connected,
    Deliver,
    Disconnected,
    Failed,
    LimitsChanged,
    Observed,
    Ping,
    Pong,
    Ready,
    Settled,
    Standing,
    Start,
    Stop,
    Stopped,
    ToInstance,
)
from efpi_core.host.host import BUDGET_CURE
from efpi_core.host.operating import Operating, refuse
from efpi_core.host.superseding import superseding_key
from efpi_core.host.worker import Worker
from efpi_core.identity import MessageIds
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.context import Context, Job
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.observation import Observation
from efpi_core.plugin.plugin import Plugin

CROWDED = 16
"""With so many frames waiting, a newer state takes the place of an older one; never in stepped time."""

MOST_WAITING = 10_000
"""How many frames may wait for the instance's handlers."""


class InstanceRuntime:
    """Runs one instance of a plugin from `Start` to `Stop`."""

    __slots__ = (
        "_app",
        "_clock",
        "_emit",
        "_moment",
        "_operating",
        "_overrun",
        "_plugin_type",
        "_stepped",
        "_stop_by",
        "_stopping",
        "_task",
        "_worker",
        "context",
        "plugin",
        "received",
    )

    def __init__(self, plugin_type: type[Plugin[PluginConfig]], start: Start, clock: Clock, emit: Emit) -> None:
        self._emit = emit
        self._plugin_type = plugin_type
        self._clock = clock
        self._worker = Worker(clock)
        self._moment = "start"
        self._stopping = False
        self._stop_by: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._overrun = False
        self._operating: Operating | None = None
        self._stepped = start.clock is ClockMode.STEPPED
        self.received = 0
        """Frames taken in so far, `Start` not counted."""
        port = FramePort(emit)
        self.plugin: Plugin[PluginConfig]
        self.context = Context(
            instance=start.instance,
            port=port,
            clock=clock,
            enqueue=self._worker.enqueue,
            site=start.site,
            storage=InstanceStorage(start.storage, port),
            secrets=start.secrets,
            ids=MessageIds(start.instance, start.life),
            seed=f"{start.seed}/{start.instance}",
            resolution_s=start.resolution_s,
            replacement=start.replacement,
            promised=start.promised,
        )
        self._app: EnergyApp[PluginConfig] | None = None
        self._worker.enqueue(partial(self._begin, start.config))
        clock.follow(self._clock_event)

    async def run(self) -> None:
        """Start the plugin and serve it until `Stop` or failure; a failure is told in a frame, not raised."""
        self._task = asyncio.current_task()
        try:
            await self._worker.run()
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a plugin raises is told to the supervisor by name
            self._emit(Failed(self._moment, _in_words(error), _cure(error), _own_traceback(error)))
        finally:
            if self._stop_by is not None:
                self._stop_by.cancel()
            if self._operating is not None:
                await self._operating.close()
            await self.context.close()

    async def _begin(self, config: dict[str, JsonValue]) -> None:
        """The first job: make the plugin and start it."""
        self.plugin = self._plugin_type()
        if isinstance(self.plugin, EnergyApp):
            self._app = self.plugin
            self._app.appliances = {}
        self.plugin.install(self._settings(config), self.context)
        await self.plugin.start()
        self._emit(Ready())
        self._moment = "running"

    def _settings(self, config: dict[str, JsonValue]) -> PluginConfig:
        try:
            return self._plugin_type.config_type().model_validate(config)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = ".".join(str(part) for part in first["loc"])
            raise SettingsError(
                f"instances.{self.context.instance}.config.{path}",
                first["msg"],
                "correct it in the site; `efpi site check FILE` says what may stand there",
            ) from None

    def _clock_event(self, event: ClockEvent) -> None:
        if self._moment == "running":
            try:
                self.context.clock_event(event, self.plugin)
            except Exception as error:  # noqa: BLE001  # it goes where every plugin's failure goes
                self._worker.enqueue_first(partial(_fail, error))

    # --- frames from the gateway

    def receive(self, frame: ToInstance) -> None:
        """Take a frame; what the plugin makes of it happens in its worker."""
        self.received += 1
        handle = _HANDLERS.get(type(frame))
        if handle is None:
            self._receive_at_once(frame)
        elif self._worker.waiting < CROWDED or self._stepped:
            self._worker.enqueue(partial(handle, self, frame))
        else:
            self._receive_crowded(frame, partial(handle, self, frame))

    def hold(self) -> None:
        """Begin nothing until `pump`; for stepped time."""
        self._worker.hold()

    def pump(self) -> None:
        """Do what was taken in, at once as far as nothing has to wait."""
        self._worker.pump()

    def _receive_at_once(self, frame: ToInstance) -> None:
        match frame:
            case Ping():
                self._clock.look()
                self._emit(Pong(frame.number, self.received, self._worker.busy_s(), self._worker.superseded))
            case Operate():
                self._operate(frame)
            case Settled():
                self.context.storage.settled(frame.number, kept=frame.kept)
            case GiveUp() if self._operating is not None:
                self._operating.give_up(frame.call)
            case Stop() if self._stop_by is None:
                if self._operating is not None:
                    self._operating.give_up_all()
                loop = asyncio.get_running_loop()
                self._worker.enqueue_first(partial(self._stop, loop.time() + frame.deadline_s))
                self._stop_by = loop.call_later(frame.deadline_s / 2, self._insist)

    def _operate(self, frame: Operate) -> None:
        if self._moment != "running":
            refuse(self._emit, frame.call, TryAgainError("the instance does not work yet", "ask again in a moment"))
            return
        if self._operating is None:
            self._operating = Operating(self.plugin, self._emit)
        self._operating.begin(frame)

    def give_up_handler(self) -> None:
        """Cancel the handler that runs now, since nothing that it says is heard any more."""
        self._worker.drop_job()

    def _insist(self) -> None:
        """A handler still runs although the instance is to end: give it up, for the sake of the safe states."""
        if self._moment != "stop":
            self._worker.drop_job()

    def _receive_crowded(self, frame: ToInstance, job: Job) -> None:
        """The handlers do not keep up: of states the newest wins; all else waits, up to a bound."""
        key = superseding_key(frame)
        if key is not None:
            self._worker.enqueue_newest(key, job)
        elif self._worker.waiting < MOST_WAITING:
            self._worker.enqueue(job)
        elif not self._overrun:
            self._overrun = True
            self._worker.enqueue_first(partial(_give_up, self._worker.waiting))
            self._worker.drop_job()

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
            appliance = ControlledAppliance(frame.appliance_id, self.context, controlled=not frame.listens)
            appliance.space.apply(frame.registration, self.context.now())
            self._app.appliances[frame.appliance_id] = appliance
            await self._app.on_connect(appliance)

    async def _standing(self, frame: Standing) -> None:
        allocation, word = cast(AnyAllocation, frame.allocation), frame.word
        handler = self.context.appliances.get(frame.appliance_id)
        if handler is not None:
            await handler.on_standing(allocation, None if word is None else word.status)
            return
        appliance = None if self._app is None else self._app.appliances.get(frame.appliance_id)
        if self._app is not None and appliance is not None:
            if word is not None:
                appliance.statuses[allocation.message_id] = word
            await self._app.on_resumed(appliance, allocation, word)

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

    async def _stop(self, by: float) -> None:
        """Visit every safe state, whatever one of them raises, then end the worker."""
        self._moment = "stop"
        unsafe = []
        handlers = tuple(self.context.appliances.items())
        for visited, (appliance_id, handler) in enumerate(handlers):
            try:
                async with asyncio.timeout(_share(by, len(handlers) - visited)):
                    await handler.safe_state()
            except Exception as error:  # noqa: BLE001  # one device's trouble must not keep the others from safety
                unsafe.append(f"{appliance_id}: {_in_words(error)}")
        with contextlib.suppress(Exception):  # the devices are safe; what a plugin's farewell raises changes nothing
            async with asyncio.timeout(_share(by, 1)):
                await self.plugin.stop()
        self._emit(Stopped(tuple(unsafe)))
        self._stopping = True
        if self._task is not None:
            self._task.cancel()


def _share(by: float, parties: int) -> float:
    """How long one of several may take that share the time up to an instant of the loop, a fifth of it left over."""
    return max((by - asyncio.get_running_loop().time()) * 0.8 / parties, 0.0)


def _fail(error: Exception) -> None:
    raise error


def _give_up(waiting: int) -> None:
    raise PluginFailure(
        f"its handlers do not keep up: {waiting} frames wait that may not be left out",
        "report this to the plugin's author",
    )


_APP_MESSAGES = frozenset(get_args(AppMessage))
"""Types are compared exactly on this path: `isinstance` of a pydantic class that is not the very one costs a µs."""

_HANDLERS: dict[type[ToInstance], Callable[[InstanceRuntime, Any], Awaitable[None] | None]] = {
    Deliver: InstanceRuntime._deliver,
    Connected: InstanceRuntime._connected,
    Standing: InstanceRuntime._standing,
    Disconnected: InstanceRuntime._disconnected,
    Observed: InstanceRuntime._observed,
    LimitsChanged: InstanceRuntime._limits_changed,
}
"""What the worker does with each frame; the others are carried out by whoever hosts the instance."""


def _in_words(error: BaseException) -> str:
    if isinstance(error, EfpiError):
        return error.problem  # made for people; its cure goes beside it
    if isinstance(error, MemoryError):
        return "MemoryError: it asked for more memory than the kernel gives it, far beyond its budget"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _own_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-4000:]


def _cure(error: BaseException) -> str:
    if isinstance(error, EfpiError):
        return error.cure
    return BUDGET_CURE if isinstance(error, MemoryError) else ""
