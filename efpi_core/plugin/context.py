"""The world as a plugin sees it: time, appliances, observations, memory, secrets, log."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from efi.messages import AnyRegistration, ApplianceMessage, AppMessage
from efpi_core.boot import Moment
from efpi_core.clock import Clock, Timeout, TimerHandle
from efpi_core.clock_event import ClockEvent
from efpi_core.errors import SettingsError
from efpi_core.identity import MessageIds, appliance_id
from efpi_core.local_time import LocalTime
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.handler import ApplianceHandler, ClockFollower
from efpi_core.plugin.limits import Limit
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.observation import Observation, ObservationSpec, ObservedValue, Quality
from efpi_core.plugin.port import Port
from efpi_core.plugin.recurrence import Appointment, Recurrence
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.plugin.watching import ObservationCallback, Watching

Job = Callable[[], Awaitable[None] | None]
"""Work for the instance's one worker: a function, plain or async, that is run when nothing else of it runs."""

LATE_BY = timedelta(hours=12)
"""What a schedule missed by no more than this is done late rather than not at all."""


class PluginLog:
    """The instance's own lines in the gateway's log."""

    __slots__ = ("_port",)

    def __init__(self, port: Port) -> None:
        self._port = port

    def debug(self, text: str) -> None:
        """What only its author wants to know."""
        self._port.log(logging.DEBUG, text)

    def info(self, text: str) -> None:
        """What an installer wants to know."""
        self._port.log(logging.INFO, text)

    def warning(self, text: str) -> None:
        """What somebody should look at."""
        self._port.log(logging.WARNING, text)

    def error(self, text: str) -> None:
        """What does not work."""
        self._port.log(logging.ERROR, text)


class Context:
    """Handed to every plugin instance; all that crosses it is a message that could cross a process boundary.

    Handlers, polls and timers of one instance run one after the other, never at the same time.
    """

    def __init__(
        self,
        *,
        instance: str,
        port: Port,
        clock: Clock,
        enqueue: Callable[[Job], None],
        site: SiteFacts,
        storage: InstanceStorage,
        secrets: dict[str, str],
        ids: MessageIds,
        seed: str,
        resolution_s: float,
        replacement: bool = False,
        promised: Collection[str] = (),
    ) -> None:
        self.instance = instance
        """The instance's name."""
        self.site = site
        """Place, zone, currency and prices."""
        self.storage = storage
        """Small values that survive restarts."""
        self.new_id = ids
        """Makes message ids."""
        self.resolution_s = resolution_s
        """How often in s values are worth telling: seconds in a live house, minutes in a long simulation."""
        self.replacement = replacement
        """Whether a life before this one ended without order: the devices may be anywhere, and go to safety first."""
        self.promised = promised
        """The appliances of which allocations of a former life stand; they are told once the appliance is described."""
        self.limits: tuple[Limit, ...] = ()
        """To an app: all limits in force or announced, kept up to date. A driver is told none."""
        self.on_limits: Callable[[], None] | None = None
        """Called when the limits change."""
        self.appliances: dict[str, ApplianceHandler] = {}
        """The appliances that this instance brought, by their gateway-wide name."""
        self._port = port
        self._clock = clock
        self._seed = seed
        self._enqueue = enqueue
        self._secrets = secrets
        self._watching: Watching | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._appointments: dict[str, Appointment] = {}

    @cached_property
    def random(self) -> random.Random:
        """Chance that is the same in each run of a simulation."""
        return random.Random(self._seed)  # noqa: S311  # simulation, not secrecy

    @property
    def log(self) -> PluginLog:
        """The instance's lines in the log."""
        return PluginLog(self._port)

    # --- time

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return self._clock.now()

    def elapsed(self) -> float:
        """Seconds that no setting of the wall clock changes; for durations."""
        return self._clock.elapsed()

    def moment(self) -> Moment:
        """The present instant as `storage` can keep it: `storage.put("began", context.moment().kept())`."""
        return self._clock.moment()

    def since(self, kept: object) -> float | None:
        """Seconds that have passed since a moment that `storage` kept, restarts of the machine included.

        None when nobody can tell, or nothing was kept: then a minimum time starts afresh.
        """
        earlier = Moment.of(kept)
        return None if earlier is None else self._clock.since(earlier)

    def look_at_clock(self) -> None:
        """Notice now, rather than within a second, whether somebody set the wall clock; before what rests on it."""
        self._clock.look()

    async def sleep(self, seconds: float) -> None:
        """Wait. In a handler this holds up the instance; prefer `call_later`."""
        await self._clock.sleep(seconds)

    def timeout(self, seconds: float) -> Timeout:
        """`async with context.timeout(2):` raises TimeoutError when the body takes longer."""
        return self._clock.timeout(seconds)

    def call_at(self, when: datetime, job: Job) -> TimerHandle:
        """Run a function, plain or async, when the wall clock shows an instant."""
        return self._clock.call_at(when, partial(self._enqueue, job))

    def call_later(self, seconds: float, job: Job) -> TimerHandle:
        """Run a function, plain or async, when a duration has passed."""
        return self._clock.call_later(seconds, partial(self._enqueue, job))

    def soon(self, job: Job) -> TimerHandle:
        """Run a function, plain or async, when all that waits now is handled: once for news that came together."""
        handle = TimerHandle(self._clock.now(), _nothing)
        self._enqueue(partial(_if_wanted, handle, job))
        return handle

    def schedule(self, name: str, when: Recurrence, job: Job, *, late_by: timedelta = LATE_BY) -> Appointment:
        """Run a function, plain or async, again and again by the clock on the site's wall, summer time included.

            from efpi_core.plugin.schedule import daily
            context.schedule("boost", daily("02:30"), self.boost)

        Once at each instant, and never twice after a restart. What was missed because the gateway was off is done once,
        when it is at most `late_by` late. The name is the schedule's memory; a schedule of the same name is replaced.
        """
        former = self._appointments.get(name)
        if former is not None:
            former.cancel()
        place = LocalTime(self.site.time_zone)
        appointment = Appointment(name, when, place, late_by, self._clock, self.storage, partial(self._enqueue, job))
        self._appointments[name] = appointment
        return appointment

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine beside the handlers, as a server's accept loop; it is cancelled when the instance ends.

        When it raises, the instance has failed.
        """
        task = asyncio.get_running_loop().create_task(work, name=f"{self.instance}: {name}")
        self._tasks.append(task)
        task.add_done_callback(self._spawned_ended)
        return task

    def _spawned_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.remove(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._enqueue(_Raise(error))

    def clock_event(self, event: ClockEvent, plugin: object) -> None:
        """The wall clock was set, or the machine suspended: tell whoever rests on it; for the host."""
        for appointment in self._appointments.values():
            appointment.arm()
        followers = {id(each): each for each in (plugin, *self.appliances.values()) if isinstance(each, ClockFollower)}
        for follower in followers.values():
            follower.on_clock(event)

    async def close(self) -> None:
        """Cancel what was spawned; for the host."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- appliances

    def appliance_id(self, key: str = "") -> str:
        """The gateway-wide name of this instance's appliance of that key."""
        return appliance_id(self.instance, key)

    def add_appliance(
        self,
        key: str,
        registration: AnyRegistration,
        handler: ApplianceHandler,
        *,
        steerable: bool = True,
        safe_fallback: bool = True,
    ) -> None:
        """Bring an appliance. `steerable`: an app may control it. `safe_fallback`: left alone it returns to safety."""
        self.appliances[registration.appliance_id] = handler
        self._port.add_appliance(key, registration, steerable=steerable, safe_fallback=safe_fallback)

    def remove_appliance(self, key: str, reason: str) -> None:
        """Take an appliance away for good; one that is merely out of reach stays."""
        gone = self.appliance_id(key)
        self.appliances.pop(gone, None)
        self._port.remove_appliance(gone, reason)

    def say(self, message: ApplianceMessage | AppMessage) -> None:
        """Send a message of the interface."""
        self._port.say(message.appliance_id, message)

    # --- observations

    def declare(self, *specs: ObservationSpec) -> None:
        """Announce observations that are not in measurements and states anyway."""
        self._port.declare(specs)

    def publish(self, name: str, value: ObservedValue, quality: Quality = Quality.GOOD) -> None:
        """Report a value of a declared observation, by its full name."""
        self._port.publish(name, value, self._clock.now(), quality)

    def observe(self, pattern: str, callback: ObservationCallback) -> None:
        """Follow observations of others; `*` in the pattern stands for one part of a dotted name: `*.power`."""
        if self._watching is None:
            self._watching = Watching()
        self._watching.follow(pattern, callback)
        self._port.watch((pattern,))

    def observed(self, observation: Observation) -> None:
        """Hand a value to those who follow it; for the host."""
        if self._watching is not None:
            self._watching.hand_on(observation)

    # --- the rest

    def secret(self, name: str) -> str:
        """The value of a secret that the settings name."""
        try:
            return self._secrets[name]
        except KeyError:
            raise SettingsError(
                f"secrets.{name}", "there is no such secret", f"set it with `efpi site secret set {name}`"
            ) from None

    def condition(
        self, state: ConditionState, detail: str = "", text: str = "", cure: str = "", appliance_id: str | None = None
    ) -> None:
        """Tell how the instance, or one of its appliances, is doing.

        `detail` is a stable word as "no_answer", `text` a sentence for people, `cure` what they can do.
        """
        self._port.condition(state, detail, text, cure, appliance_id)


def _nothing() -> None:
    """What a handle of `soon` calls: the job is called in its stead."""


def _if_wanted(handle: TimerHandle, job: Job) -> Awaitable[None] | None:
    if not handle.active:
        return None
    handle.fire()
    return job()


class _Raise:
    """A job that raises what a spawned coroutine raised, where the host catches it."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __call__(self) -> None:
        raise self._error
