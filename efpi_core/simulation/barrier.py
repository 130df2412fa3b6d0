"""The barrier of stepped time: it moves all instances from instant to instant, in rounds, and waits for quiet.

Inline and hosted instances give the same bytes: what an instance says in a round is taken in the order of the
instances, and what it is told is delivered in the next round.
"""

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime

from efpi_core.clock import SteppedClock
from efpi_core.errors import PluginFailure
from efpi_core.host.frames import Advance, FromInstance, Quiet, Start, ToInstance
from efpi_core.host.host import Ending, InstanceHost
from efpi_core.host.idle import IdleSelector
from efpi_core.host.inline import InlineHost

LOOK_OUTSIDE_EVERY = 64
"""So many instants may pass before signals and the like are heard: inline instances leave the event loop no turn."""

MOST_ROUNDS = 10_000
"""Rounds within one instant after which somebody talks in circles."""


class Barrier:
    """Owns the hosts of a simulated site, in their order; the listener of all of them."""

    def __init__(
        self, clock: SteppedClock, selector: IdleSelector, on_frame: Callable[[str, FromInstance], None]
    ) -> None:
        self._clock = clock
        self._selector = selector
        self._on_frame = on_frame
        self._hosts: dict[str, InstanceHost] = {}
        self._inline: dict[str, InlineHost] = {}
        self._places: dict[str, int] = {}
        self._inboxes: dict[str, list[ToInstance]] = {}
        self._outboxes: dict[str, list[FromInstance]] = {}
        self._wakeups: dict[str, datetime | None] = {}
        self._alarms: list[tuple[datetime, int, str]] = []
        self._mailed: set[str] = set()
        self._talked: set[str] = set()
        self._waiting: set[str] = set()
        self._quiet: asyncio.Future[None] | None = None
        self._instants = 0
        self.endings: dict[str, Ending] = {}
        """Instances that ended, and how."""
        self.on_ended: Callable[[str, Ending], None] = lambda instance, ending: None
        """Called when an instance has ended."""
        selector.on_idle = self._on_idle

    # --- the hosts' listener

    def frame(self, host: InstanceHost, frame: FromInstance) -> None:
        """An instance sent a frame: kept until its round is over."""
        name = host.instance
        if type(frame) is Quiet:
            if frame.received >= host.sent:
                self._set_wakeup(name, frame.next_wakeup)
                self._is_quiet(name)
        else:
            self._outboxes[name].append(frame)
            self._talked.add(name)

    def output(self, host: InstanceHost, line: str) -> None:
        """An instance printed a line."""

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        """An instance has ended."""
        self.endings[host.instance] = ending
        self._set_wakeup(host.instance, None)
        self.on_ended(host.instance, ending)
        self._is_quiet(host.instance)

    def _set_wakeup(self, name: str, at: datetime | None) -> None:
        if self._wakeups.get(name) != at:
            self._wakeups[name] = at
            if at is not None:
                heapq.heappush(self._alarms, (at, self._places[name], name))

    def _is_quiet(self, name: str) -> None:
        self._waiting.discard(name)
        if not self._waiting and self._quiet is not None and not self._quiet.done():
            self._quiet.set_result(None)

    def _on_idle(self) -> bool:
        """The event loop has nothing left to do: every inline instance is quiet."""
        quiet = [name for name in self._waiting if name in self._inline]
        for name in quiet:
            self._set_wakeup(name, self._inline[name].next_wakeup())
            self._is_quiet(name)
        return bool(quiet)

    # --- for the owner

    def send(self, instance: str, frame: ToInstance) -> None:
        """Deliver a frame in the next round."""
        inbox = self._inboxes.get(instance)
        if inbox is not None:
            inbox.append(frame)
            self._mailed.add(instance)

    async def launch(self, host: InstanceHost, start: Start) -> None:
        """Begin an instance; its first round is over when this returns."""
        name = host.instance
        self._places[name] = len(self._hosts)
        self._hosts[name] = host
        if isinstance(host, InlineHost):
            self._inline[name] = host
        self._inboxes[name], self._outboxes[name], self._wakeups[name] = [], [], None
        host.launch(start)
        host.send(Advance(self._clock.now()))
        await self._until_quiet({name})

    async def settle(self) -> None:
        """Go round until nobody has anything to say at the present instant."""
        now = self._clock.now()
        for _ in range(MOST_ROUNDS):
            self._take_outboxes()
            self._clock.advance(now)
            busy = self._with_work(now)
            if not busy:
                return
            acting = self._in_order(busy)
            for name in acting:
                self._begin_round(name, now)
            for name in acting:  # when it is this instant for all of them
                if name in self._inline:
                    self._inline[name].pump()
            await self._until_quiet(busy)
        raise PluginFailure(f"the instances still talk to each other after {MOST_ROUNDS} rounds at {now.isoformat()}")

    def _with_work(self, now: datetime) -> set[str]:
        """The instances that have mail, or a timer that is due."""
        busy, self._mailed = self._mailed, set()
        while self._alarms and self._alarms[0][0] <= now:
            at, _, name = heapq.heappop(self._alarms)
            if self._wakeups[name] == at:
                busy.add(name)
        for name in [name for name in busy if not self._hosts[name].alive]:
            self._inboxes[name].clear()
            busy.discard(name)
        return busy

    def _in_order(self, names: set[str]) -> list[str]:
        return sorted(names, key=self._places.__getitem__)

    def _begin_round(self, name: str, now: datetime) -> None:
        host, inbox = self._hosts[name], self._inboxes[name]
        self._inboxes[name] = []
        self._wakeups[name] = None
        inline = self._inline.get(name)
        if inline is not None:
            inline.take_round(now, inbox)
            return
        host.send(Advance(now, len(inbox)))
        for frame in inbox:
            host.send(frame)

    async def _until_quiet(self, names: set[str]) -> None:
        self._waiting = {name for name in names if not self._through(name)}
        if not self._waiting:
            return
        self._quiet = asyncio.get_running_loop().create_future()
        await self._quiet
        self._quiet = None

    def _through(self, name: str) -> bool:
        """Whether an instance is quiet already, as an inline one usually is, or has ended."""
        inline = self._inline.get(name)
        if inline is not None and inline.idle and inline.alive:
            self._set_wakeup(name, inline.next_wakeup())
            return True
        return not self._hosts[name].alive

    def _take_outboxes(self) -> None:
        talked, self._talked = self._talked, set()
        for name in self._in_order(talked):
            outbox, self._outboxes[name] = self._outboxes[name], []
            for frame in outbox:
                self._on_frame(name, frame)

    def next_wakeup(self) -> datetime | None:
        """The next instant at which anything happens."""
        while self._alarms and self._wakeups[self._alarms[0][2]] != self._alarms[0][0]:
            heapq.heappop(self._alarms)
        own = self._clock.next_wakeup()
        if not self._alarms:
            return own
        first = self._alarms[0][0]
        return first if own is None else min(own, first)

    async def advance(self, until: datetime) -> None:
        """Move time to an instant, through every wake-up up to and including it, and settle at each."""
        while True:
            wakeup = self.next_wakeup()
            if wakeup is None or wakeup > until:
                break
            self._clock.advance(max(wakeup, self._clock.now()))
            await self.settle()
            self._instants += 1
            if self._instants % LOOK_OUTSIDE_EVERY == 0:
                await asyncio.sleep(0)
        self._clock.advance(until)

    async def stop(self, deadline_s: float) -> None:
        """End every instance in order."""
        for host in self._hosts.values():
            if host.alive:
                host.stop(deadline_s, "the simulation is over")
        running = {name for name, host in self._hosts.items() if host.alive}
        while running:
            await asyncio.sleep(0)
            running = {name for name in running if self._hosts[name].alive}
        self._take_outboxes()
