"""What the house does when somebody sets the clock: deadlines and ages keep their meaning, and people are told."""

from dataclasses import replace
from datetime import datetime

from efpi_core.clock import Clock
from efpi_core.clock_event import ClockEvent, ClockSet
from efpi_core.deadline import Deadline
from efpi_core.event_kinds import CLOCK_DOUBTED, CLOCK_SET, MACHINE_SUSPENDED
from efpi_core.gateway.deadlines import Deadlines
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.plugin.limits import Limit
from efpi_core.state.state import State


class TimeKeeper:
    """Follows the clock on behalf of the house."""

    def __init__(self, clock: Clock, house: House, events: EventLog, state: State) -> None:
        self._house = house
        self._events = events
        self._state = state
        self.deadlines = Deadlines(clock, state.set_deadline)
        clock.follow(self._happened)

    # --- what was named

    def restore(self) -> None:
        """Take up the deadlines of the former life."""
        self.deadlines.restore(self._state.deadlines())

    def name_override(self, appliance_id: str, until: datetime, *, span: bool = False) -> Deadline | None:
        """A resident names the end of an override; returns the one that was named before for that appliance."""
        former = self.deadlines.get(_override(appliance_id))
        self.deadlines.begin(_override(appliance_id), until, span=span)
        return former

    def put_back(self, appliance_id: str, former: Deadline | None) -> None:
        """What was named before counts again."""
        if former is not None:
            self.deadlines.put(_override(appliance_id), former)

    def override_until(self, appliance_id: str, named: datetime) -> datetime:
        """The end of an override, by the clock as it is set now."""
        at = self.deadlines.at(_override(appliance_id))
        if at is None:
            self.name_override(appliance_id, named)
        return at or named

    def forget_override(self, appliance_id: str) -> None:
        """An override ended: nothing is kept of it."""
        self._state.remove_override(appliance_id)
        self.deadlines.forget(_override(appliance_id))

    def name_limit(self, limit: Limit) -> None:
        """Somebody sets a limit with its begin and end."""
        self.deadlines.forget(*_names(limit.limit_id))
        for name, at in _window(limit).items():
            self.deadlines.begin(name, at)

    def as_meant(self, limit: Limit) -> Limit:
        """A limit with its begin and end by the clock as it is set now."""
        start, end = (self.deadlines.at(name) for name in _names(limit.limit_id))
        known = {name: at for name, at in (("start", start), ("end", end)) if at is not None}
        if len(known) < len(_window(limit)):
            self.name_limit(limit)
            return limit
        return replace(limit, start=known.get("start"), end=known.get("end"))

    def forget_limit(self, limit_id: str) -> None:
        """A limit ended or was lifted: nothing is kept of it."""
        self._state.remove_limit(limit_id)
        self.deadlines.forget(*_names(limit_id))

    def close(self) -> None:
        """Follow no more."""
        self.deadlines.close()

    # --- what happened

    def _happened(self, event: ClockEvent) -> None:
        if isinstance(event, ClockSet):
            self._clock_set(event)
            if event.believed:
                self._events.tell(CLOCK_SET, "clock", event.sentence)
            else:
                self._events.tell(CLOCK_DOUBTED, "clock", event.sentence)
        else:
            self._events.tell(MACHINE_SUSPENDED, "clock", event.sentence)

    def _clock_set(self, event: ClockSet) -> None:
        house = self._house
        house.board.clock_set(event.step)
        for record in house.appliances:
            if record.power_at is not None:
                record.power_at += event.step
        self.deadlines.clock_set(event)
        for override in tuple(house.overrides):
            house.desk.move(override, self.override_until(override.appliance_id, override.until))
        for limit in house.limits.ordered():
            house.limits.move(self.as_meant(limit))
        house.limits_changed()


def _override(appliance_id: str) -> str:
    return f"override:{appliance_id}"


def _names(limit_id: str) -> tuple[str, str]:
    return f"limit:{limit_id}:start", f"limit:{limit_id}:end"


def _window(limit: Limit) -> dict[str, datetime]:
    return {
        name: at for name, at in zip(_names(limit.limit_id), (limit.start, limit.end), strict=True) if at is not None
    }
