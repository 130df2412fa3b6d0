"""Tells those who watch the house what changes: appliances, observations, events, instances, and its power."""

from collections.abc import Callable

from efpi_core.clock import Clock, TimerHandle
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.gateway.event_line import log_event
from efpi_core.gateway.house import House
from efpi_core.gateway.observations import ObservationBoard, Slot
from efpi_core.gateway.showing import appliance_view
from efpi_core.views import EventView, InstanceView

BALANCE_EVERY_S = 1.0
"""How often the balance is told."""


class Teller:
    """Feeds the followers of a house; nothing is made where nobody follows."""

    def __init__(self, clock: Clock, house: House, flush: Callable[[], None]) -> None:
        """`flush` tells events that waited to be counted."""
        self._clock = clock
        self._house = house
        self._flush = flush
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """Tell the balance, from now on again and again."""
        self._clock.look()  # where nothing else would before a timer is due
        self._flush()
        if self._house.feed.watched:
            self._house.feed.tell("balance", "balance", self._house.balance())
        self._timer = self._clock.call_later(BALANCE_EVERY_S, self.begin)

    def end(self) -> None:
        """The balance is not told any more."""
        if self._timer is not None:
            self._timer.cancel()

    def appliance(self, record: ApplianceRecord) -> None:
        """What is shown of an appliance changed."""
        if self._house.feed.watched:
            view = appliance_view(self._house, record, self._clock.now())
            self._house.feed.tell("appliance", record.appliance_id, view)

    def observation(self, slot: Slot) -> None:
        """A value was observed."""
        if self._house.feed.watched:
            self._house.feed.tell("observation", slot.name, ObservationBoard.view(slot, self._clock.now()))

    def event(self, event: EventView) -> None:
        """Something happened; the log has it in any case."""
        log_event(event)
        self._house.feed.tell("event", str(event.number), event)

    def instance(self, name: str, views: Callable[[], tuple[InstanceView, ...]]) -> None:
        """An instance's life took a turn."""
        for view in views() if self._house.feed.watched else ():
            if view.instance == name:
                self._house.feed.tell("instance", name, view)
