"""The board of observations: the last value of each, how far it can be trusted, and who wants to know."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from efpi_core.host.frames import Observed
from efpi_core.plugin.observation import ObservationSpec, ObservedValue, Quality, matches
from efpi_core.views import ObservationView

STALE_AFTER = 3
"""A value is stale after this many promised intervals without a new one."""

MOST_OF_ONE = 50_000
"""Observations that one instance may report, those of its appliances' measurements included."""

MOST_PATTERNS = 1000
"""Patterns that one instance may follow."""

Sink = Callable[["Slot"], None]
"""Called with each new value; must not wait."""


class Slot:
    """One observation and its last value."""

    __slots__ = ("at", "expected_every_s", "kind", "modulus", "name", "owner", "quality", "unit", "value", "watchers")

    def __init__(self, name: str, unit: str, owner: str) -> None:
        self.name = name
        self.unit = unit
        self.owner = owner
        self.kind = ""
        """As `ObservationSpec.kind`; empty when nobody said."""
        self.modulus: float | None = None
        self.value: ObservedValue = None
        self.quality = Quality.UNKNOWN
        self.at: datetime | None = None
        self.expected_every_s: float | None = None
        self.watchers: tuple[str, ...] | None = None
        """The instances that follow it; None until looked up."""

    def quality_at(self, now: datetime) -> Quality:
        """How far the value can be trusted now."""
        if self.quality is not Quality.GOOD or self.at is None or self.expected_every_s is None:
            return self.quality
        age = now - self.at
        return Quality.GOOD if age <= timedelta(seconds=STALE_AFTER * self.expected_every_s) else Quality.STALE


class ObservationBoard:
    """Keeps last values and passes new ones on: to instances that watch, and to sinks within the gateway."""

    def __init__(self, deliver: Callable[[str, Observed], None]) -> None:
        self._deliver = deliver
        self._slots: dict[str, Slot] = {}
        self._counts: Counter[str] = Counter()
        self._watches: dict[str, list[tuple[str, ...]]] = {}
        self.sinks: list[Sink] = []
        """Components of the gateway that follow every value."""

    def declare(self, owner: str, spec: ObservationSpec) -> bool:
        """Announce an observation; a newer announcement replaces the old one. False when the owner has too many."""
        slot = self._slot(spec.name, spec.unit, owner)
        if slot is None:
            return False
        slot.unit = spec.unit
        slot.kind, slot.modulus = spec.kind, spec.modulus
        slot.expected_every_s = spec.expected_every_s
        return True

    def _slot(self, name: str, unit: str, owner: str) -> Slot | None:
        slot = self._slots.get(name)
        if slot is None:
            if self._counts[owner] >= MOST_OF_ONE:
                return None
            self._counts[owner] += 1
            slot = self._slots[name] = Slot(name, unit, owner)
        return slot

    def forget(self, prefix: str) -> None:
        """All observations whose names begin so are gone for good."""
        for name in [name for name in self._slots if name.startswith(f"{prefix}.")]:
            self._counts[self._slots.pop(name).owner] -= 1
        self._counts = +self._counts

    def put(
        self,
        name: str,
        value: ObservedValue,
        at: datetime,
        *,
        unit: str = "",
        kind: str = "",
        owner: str = "",
        quality: Quality = Quality.GOOD,
    ) -> bool:
        """Note a value and pass it on. False when its owner reports too many observations already."""
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slot(name, unit, owner)
            if slot is None:
                return False
            slot.kind = kind
        slot.value, slot.at, slot.quality = value, at, quality
        watchers = slot.watchers
        if watchers is None:
            watchers = slot.watchers = tuple(self._watchers_of(slot))
        for instance in watchers:
            self._deliver(instance, Observed(name, value, slot.unit, quality, at))
        for sink in self.sinks:
            sink(slot)
        return True

    def _watchers_of(self, slot: Slot) -> Iterable[str]:
        """Who follows a value: not its owner, who knows it."""
        parts = slot.name.split(".")
        for instance, patterns in self._watches.items():
            if instance != slot.owner and any(matches(pattern, parts) for pattern in patterns):
                yield instance

    def watch(self, instance: str, patterns: Iterable[str]) -> bool:
        """An instance wants values; it is told at once what is known already. False when it follows too many."""
        wanted = [tuple(pattern.split(".")) for pattern in patterns]
        followed = self._watches.setdefault(instance, [])
        followed.extend(pattern for pattern in dict.fromkeys(wanted) if pattern not in followed)
        if len(followed) > MOST_PATTERNS:
            del followed[MOST_PATTERNS:]
            return False
        for slot in self._slots.values():
            slot.watchers = None
            if slot.at is None or slot.owner == instance:
                continue
            if any(matches(pattern, slot.name.split(".")) for pattern in wanted):
                self._deliver(instance, Observed(slot.name, slot.value, slot.unit, slot.quality, slot.at))
        return True

    def forget_watches(self, instance: str) -> None:
        """An instance ended: it wants nothing any more."""
        if self._watches.pop(instance, None):
            for slot in self._slots.values():
                slot.watchers = None

    def doubt(self, prefix: str, quality: Quality, at: datetime) -> None:
        """The source of all observations that begin with a name is out of reach: their values count no longer."""
        for slot in self._slots.values():
            if slot.at is not None and slot.name.startswith(f"{prefix}.") and slot.quality is not quality:
                self.put(slot.name, slot.value, at, quality=quality)

    def clock_set(self, step: timedelta) -> None:
        """The wall clock was set by so much: every value is as old as it was."""
        for slot in self._slots.values():
            if slot.at is not None:
                slot.at += step

    def value(self, name: str) -> Slot | None:
        """The last value of an observation."""
        return self._slots.get(name)

    def views(self, pattern: str, now: datetime) -> tuple[ObservationView, ...]:
        """Last values of the observations that match, by name."""
        wanted = tuple(pattern.split("."))
        return tuple(
            self.view(slot, now)
            for name, slot in sorted(self._slots.items())
            if pattern == "**" or matches(wanted, name.split("."))
        )

    @staticmethod
    def view(slot: Slot, now: datetime) -> ObservationView:
        """One last value as the outside sees it."""
        age = None if slot.at is None else max((now - slot.at).total_seconds(), 0.0)
        return ObservationView(slot.name, slot.value, slot.unit, slot.quality_at(now), slot.at, age)
