"""A clock whose wall somebody sets, and whose machine somebody suspends, at exact instants: for tests of both."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

from efpi_core.boot import Moment
from efpi_core.clock import Callback, SteppedClock, TimerHandle
from efpi_core.clock_event import ClockEvent, ClockSet, Suspended


class SettableClock(SteppedClock):
    """Durations run on one axis, which only `advance` moves; the wall is that axis and an offset that `set` changes."""

    __slots__ = ("_order", "boot", "followers", "kept_by_server", "offset", "wall_timers")

    def __init__(self, start: datetime, boot: str = "boot-1") -> None:
        super().__init__(start)
        self.boot = boot
        self.offset = timedelta(0)
        self.kept_by_server = True
        self.followers: list[Callable[[ClockEvent], None]] = []
        self.wall_timers: list[tuple[TimerHandle, TimerHandle]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return super().now() + self.offset

    def moment(self) -> Moment:
        return Moment(self.now(), self.boot, self.elapsed(), self.kept_by_server)

    def follow(self, callback: Callable[[ClockEvent], None]) -> None:
        self.followers.append(callback)

    def call_at(self, when: datetime, callback: Callback) -> TimerHandle:
        handle = TimerHandle(when, callback)
        self._watch(handle)
        return handle

    def call_later(self, delay_s: float, callback: Callback) -> TimerHandle:
        return super().call_at(super().now() + timedelta(seconds=delay_s), callback)

    def _watch(self, handle: TimerHandle) -> None:
        self.wall_timers = [pair for pair in self.wall_timers if pair[0].active]
        self.wall_timers.append((handle, super().call_at(handle.when - self.offset, handle.fire)))

    def next_wakeup(self) -> datetime | None:
        wakeup = super().next_wakeup()
        return None if wakeup is None else wakeup + self.offset

    def advance(self, now: datetime) -> None:
        super().advance(now - self.offset)

    def set(self, wall: datetime, *, by_server: bool = True) -> None:
        """Set the wall clock; timers that wait for an instant count by it from now on."""
        step, self.offset = wall - self.now(), self.offset + (wall - self.now())
        self.kept_by_server = by_server
        for follower in tuple(self.followers):
            follower(ClockSet(step, wall, by_server))
        waiting, self.wall_timers = self.wall_timers, []
        for handle, alarm in waiting:
            alarm.cancel()
            if handle.active:
                self._watch(handle)
        self.advance(self.now())

    def suspend(self, for_s: float) -> None:
        """Let the machine sleep; when it wakes, all that became due is called, once."""
        for follower in tuple(self.followers):
            follower(Suspended(for_s))
        self.advance(self.now() + timedelta(seconds=for_s))

    def pass_time(self, seconds: float) -> None:
        """Let time go by, each timer at its instant."""
        end = self.now() + timedelta(seconds=seconds)
        while (wakeup := self.next_wakeup()) is not None and wakeup <= end:
            self.advance(max(wakeup, self.now()))
        self.advance(end)
