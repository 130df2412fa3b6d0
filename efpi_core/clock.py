"""Time: every timer, stamp and wait of the gateway and its plugins goes through a clock from here."""

import asyncio
import heapq
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from efpi_core.boot import Moment, boot_id, synchronised
from efpi_core.clock_event import ClockEvent, ClockSet, Suspended

Callback = Callable[[], None]

LONGEST_WAIT_S = 30.0
"""A wall-clock timer looks at the clock at least this often, where nobody calls `look` more often."""

LEAST_STEP_S = 1.0
"""By less than this nobody sets a clock worth a word; slewing it is no step at all."""

LONGEST_READING_S = 0.1
"""Two clocks that could not be read within this time, since the machine was busy, are not compared."""

READINGS = 3
"""How often it is tried to read them closely enough."""

LEAST_CLEARED = 64
"""Timers from which on it is worth to look for those that were cancelled."""


class TimerHandle:
    """A callback that will be called, unless it is cancelled first."""

    __slots__ = ("_callback", "when")

    def __init__(self, when: datetime, callback: Callback) -> None:
        self.when = when
        self._callback: Callback | None = callback

    def cancel(self) -> None:
        """Never call it; harmless when it was called already."""
        self._callback = None

    @property
    def active(self) -> bool:
        """Whether it is still to be called."""
        return self._callback is not None

    def fire(self) -> None:
        """Call it, once; for clocks."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Clock(ABC):
    """The one source of time."""

    __slots__ = ()

    @abstractmethod
    def now(self) -> datetime:
        """The present instant, in UTC: for stamps and schedules."""

    @abstractmethod
    def elapsed(self) -> float:
        """Seconds since some fixed instant, which no setting of the wall clock changes: for durations."""

    @abstractmethod
    def moment(self) -> Moment:
        """The present instant as it can be kept beyond this process, for durations that go on after a restart."""

    def since(self, earlier: Moment) -> float | None:
        """Seconds since a kept moment; None when nobody can tell: then a minimum time starts afresh."""
        return self.moment().since(earlier)

    def look(self) -> float:
        """Notice now whether the wall clock was set or the machine suspended, and tell those who follow.

        Returns what `elapsed` tells, which it has read.
        """
        return self.elapsed()

    def follow(self, callback: Callable[[ClockEvent], None]) -> None:  # noqa: B027  # a clock that nobody can set
        """Be told when the wall clock was set or the machine suspended, before any timer that became due by it."""

    @abstractmethod
    def call_at(self, when: datetime, callback: Callback) -> TimerHandle:
        """Call when the wall clock shows an instant, or soon when that has passed."""

    @abstractmethod
    def call_later(self, delay_s: float, callback: Callback) -> TimerHandle:
        """Call when a duration has passed."""

    @abstractmethod
    def timeout(self, delay_s: float) -> "Timeout":
        """A context that raises TimeoutError when it lasts longer than this."""

    async def sleep(self, delay_s: float) -> None:
        """Wait for a duration."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        handle = self.call_later(delay_s, lambda: None if done.done() else done.set_result(None))
        try:
            await done
        finally:
            handle.cancel()


class Timeout:
    """`async with clock.timeout(seconds):` cancels its body when the clock says so, and raises TimeoutError instead."""

    def __init__(self, clock: Clock, delay_s: float) -> None:
        self._clock = clock
        self._delay_s = delay_s
        self._expired = False

    async def __aenter__(self) -> Self:
        """Begin to count."""
        self._task = asyncio.current_task()
        self._handle = self._clock.call_later(self._delay_s, self._expire)
        return self

    def _expire(self) -> None:
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop counting; turn a cancellation of our own into TimeoutError."""
        self._handle.cancel()
        if (
            self._expired
            and self._task is not None
            and self._task.uncancel() <= 0
            and isinstance(error, asyncio.CancelledError)
        ):
            raise TimeoutError(f"no answer within {self._delay_s:g} s") from error


def _without_cancelled(schedule: list[tuple[datetime, int, TimerHandle]], clear_at: int) -> int:
    """Clear cancelled timers out of a heap that has grown; returns the size at which to look again."""
    if len(schedule) < clear_at:
        return clear_at
    schedule[:] = [entry for entry in schedule if entry[2].active]
    heapq.heapify(schedule)
    return max(LEAST_CLEARED, 2 * len(schedule))


class BoottimeEventLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers count the time that the machine was suspended, too (CLOCK_BOOTTIME)."""

    def time(self) -> float:
        """Seconds since the machine was booted."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class RealClock(Clock):
    """The machine's clocks: wall time for stamps and schedules, the event loop's for durations."""

    def __init__(self) -> None:
        self._schedule: list[tuple[datetime, int, TimerHandle]] = []
        self._count = itertools.count()
        self._clear_at = LEAST_CLEARED
        self._alarm: asyncio.TimerHandle | None = None
        self._followers: list[Callable[[ClockEvent], None]] = []
        self._ahead_s, self._slept_s = self._read()

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)

    def wall_s(self) -> float:
        """What the wall clock shows, in s since 1970."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since the machine was booted, suspended time included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def awake(self) -> float:
        """Seconds since the machine was booted, suspended time left out."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def moment(self) -> Moment:
        """The present instant as it can be kept beyond this process."""
        return Moment(self.now(), boot_id(), self.elapsed(), synchronised() is True)

    def follow(self, callback: Callable[[ClockEvent], None]) -> None:
        """Be told when the wall clock was set or the machine suspended."""
        self._followers.append(callback)

    def look(self) -> float:
        """Notice now whether the wall clock was set or the machine suspended; cheap where nothing was.

        What is slewed is followed in silence.
        """
        elapsed_s = self.elapsed()
        ahead_s, slept_s = self.wall_s() - elapsed_s, elapsed_s - self.awake()
        if -LEAST_STEP_S < ahead_s - self._ahead_s < LEAST_STEP_S and slept_s - self._slept_s < LEAST_STEP_S:
            self._ahead_s, self._slept_s = ahead_s, slept_s
        elif (reading := self._read_closely()) is not None:
            self._notice(*reading)
        return elapsed_s

    def _read(self) -> tuple[float, float]:
        """By how much the wall clock is ahead of the boot's, and how long the machine has slept since its boot."""
        elapsed_s = self.elapsed()
        return self.wall_s() - elapsed_s, elapsed_s - self.awake()

    def _read_closely(self) -> tuple[float, float] | None:
        """The same, once it is sure that the clocks were read at one instant; None while the machine is too busy."""
        for _ in range(READINGS):
            begun = self.awake()
            reading = self._read()
            if self.awake() - begun <= LONGEST_READING_S:
                return reading
        return None

    def _notice(self, ahead_s: float, slept_s: float) -> None:
        step_s, sleep_s = ahead_s - self._ahead_s, slept_s - self._slept_s
        self._ahead_s, self._slept_s = ahead_s, slept_s
        if sleep_s >= LEAST_STEP_S:
            self._tell(Suspended(sleep_s))
        if abs(step_s) >= LEAST_STEP_S:
            self._tell(ClockSet(timedelta(seconds=step_s), self.now(), synchronised() is True))
            self._arm()

    def _tell(self, event: ClockEvent) -> None:
        for follower in tuple(self._followers):
            follower(event)

    def call_at(self, when: datetime, callback: Callback) -> TimerHandle:
        """Call when the wall clock shows an instant; that it was set counts at the next `look`."""
        handle = TimerHandle(when, callback)
        self._clear_at = _without_cancelled(self._schedule, self._clear_at)
        heapq.heappush(self._schedule, (when, next(self._count), handle))
        if self._schedule[0][2] is handle:
            self._arm()
        return handle

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._schedule:
            wait = (self._schedule[0][0] - self.now()).total_seconds()
            self._alarm = asyncio.get_running_loop().call_later(min(max(wait, 0.0), LONGEST_WAIT_S), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.look()
        now = self.now()
        due = []
        while self._schedule and self._schedule[0][0] <= now:
            due.append(heapq.heappop(self._schedule)[2])
        self._arm()
        loop = asyncio.get_running_loop()
        for handle in due:  # each in its own turn, so that one that raises takes nobody with it
            loop.call_soon(handle.fire)

    def call_later(self, delay_s: float, callback: Callback) -> TimerHandle:
        """Call when a duration has passed, suspended time included."""
        handle = TimerHandle(self.now() + timedelta(seconds=delay_s), callback)
        loop_timer = asyncio.get_running_loop().call_later(delay_s, handle.fire)
        return _LoopTimerHandle(handle, loop_timer)

    def timeout(self, delay_s: float) -> Timeout:
        """A context that raises TimeoutError when it lasts longer than this."""
        return Timeout(self, delay_s)


class _LoopTimerHandle(TimerHandle):
    """A timer of the event loop, seen as ours."""

    __slots__ = ("_handle", "_loop_timer")

    def __init__(self, handle: TimerHandle, loop_timer: asyncio.TimerHandle) -> None:
        super().__init__(handle.when, handle.fire)
        self._handle = handle
        self._loop_timer = loop_timer

    def cancel(self) -> None:
        """Never call it."""
        self._handle.cancel()
        self._loop_timer.cancel()

    @property
    def active(self) -> bool:
        """Whether it is still to be called."""
        return self._handle.active


class SteppedClock(Clock):
    """Time that stands still until somebody advances it: simulation, and epochs given from outside."""

    __slots__ = ("_clear_at", "_count", "_elapsed", "_now", "_schedule", "_start")

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start
        self._elapsed = 0.0
        self._schedule: list[tuple[datetime, int, TimerHandle]] = []
        self._count = itertools.count()
        self._clear_at = LEAST_CLEARED

    def now(self) -> datetime:
        """The instant to which time was last advanced."""
        return self._now

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._elapsed

    def moment(self) -> Moment:
        """The present instant; all lives of a plugin in stepped time see the same time go by."""
        return Moment(self._now, "stepped", self._now.timestamp(), synchronised=True)

    def call_at(self, when: datetime, callback: Callback) -> TimerHandle:
        """Call when time is advanced to or over an instant; an instant in the past counts as the present one."""
        handle = TimerHandle(max(when, self._now), callback)
        self._clear_at = _without_cancelled(self._schedule, self._clear_at)
        heapq.heappush(self._schedule, (handle.when, next(self._count), handle))
        return handle

    def call_later(self, delay_s: float, callback: Callback) -> TimerHandle:
        """Call when a duration has passed."""
        return self.call_at(self._now + timedelta(seconds=delay_s), callback)

    def timeout(self, delay_s: float) -> Timeout:
        """A context that raises TimeoutError when it lasts longer than this."""
        return Timeout(self, delay_s)

    def next_wakeup(self) -> datetime | None:
        """The instant of the next timer, or None."""
        while self._schedule and not self._schedule[0][2].active:
            heapq.heappop(self._schedule)
        return self._schedule[0][0] if self._schedule else None

    def advance(self, now: datetime) -> None:
        """Move to an instant and fire the timers that are due, in the order of their instants and of their setting.

        A timer that these callbacks set for the present instant waits for the next call.
        """
        if now < self._now:
            raise ValueError(f"time cannot go back from {self._now.isoformat()} to {now.isoformat()}")
        if now != self._now:
            self._elapsed = (now - self._start).total_seconds()
        self._now = now
        if not self._schedule or self._schedule[0][0] > now:
            return
        due = []
        while self._schedule and self._schedule[0][0] <= now:
            due.append(heapq.heappop(self._schedule)[2])
        for handle in due:
            handle.fire()
