"""Which open allocation controls which part of an appliance: an actuator, or a quantity that is limited."""

from collections.abc import Hashable, Mapping
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Part = TypeVar("Part", bound=Hashable)


class Claims(Generic[Part]):
    """The parts that each open allocation controls or is going to, oldest allocation first.

    A newer allocation takes a part from an older one at once when it begins at once, or no later than the older would;
    otherwise when it begins. The session judges in the same way.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, dict[Part, datetime]] = {}

    def holds(self, allocation_id: str, part: Part) -> bool:
        """Whether no newer allocation has taken the part."""
        return part in self._held.get(allocation_id, ())

    def put(self, allocation_id: str, begins: Mapping[Part, datetime], now: datetime) -> tuple[str, ...]:
        """Note when a new allocation begins to control each part; returns the older ones that are left with none."""
        for held in self._held.values():
            for part, begin in begins.items():
                if part in held and (begin <= now or begin <= held[part]):
                    del held[part]
        lost = self._forget_empty()
        self._held[allocation_id] = dict(begins)
        return lost

    def take(self, allocation_id: str, part: Part) -> tuple[str, ...]:
        """An allocation begins to control a part: those before it lose it; returns those that are left with none."""
        for older, held in self._held.items():
            if older == allocation_id:
                break
            held.pop(part, None)
        return self._forget_empty()

    def give_up(self, allocation_id: str, part: Part) -> bool:
        """An allocation is done with a part; whether it is left with none."""
        held = self._held.get(allocation_id)
        if held is not None:
            held.pop(part, None)
        return not held

    def drop(self, allocation_id: str) -> None:
        """An allocation ended."""
        self._held.pop(allocation_id, None)

    def clock_set(self, step: timedelta) -> None:
        """The wall clock was set by so much: each begin is as far away as it was."""
        for held in self._held.values():
            for part in held:
                held[part] += step

    def _forget_empty(self) -> tuple[str, ...]:
        empty = tuple(allocation_id for allocation_id, held in self._held.items() if not held)
        for allocation_id in empty:
            del self._held[allocation_id]
        return empty
