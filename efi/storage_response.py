"""How a storage responds to a schedule: its fill level, power and cost over time, exactly."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from efi.affine import NOTHING, Affine, Course
from efi.commodity import ELECTRIC_POWERS, CommodityQuantity
from efi.control_space import ControlSpace
from efi.storage import (
    ActuatorAllocation,
    StorageLeakageUpdate,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageUsageForecast,
)
from efi.storage_flow import Cost, Flows, Running
from efi.storage_law import Held, law_at
from efi.succession import in_force


class Segment(NamedTuple):
    """A time during which everything follows one law."""

    begins_s: float
    """When it begins, in s from the response's start."""
    ends_s: float
    """When it ends."""
    course: Course
    """How the fill level flows."""
    power: Mapping[CommodityQuantity, Affine]
    """What the actuators draw, over the fill level."""
    cost: Cost
    """What their running costs per second, over the fill level."""
    held: Held | None
    """Why the level stays where it is, if it is held."""
    unmet_rate: float
    """By how much the level would fall each second if it could: what users want and do not get."""
    spilled_rate: float
    """By how much the level would rise each second if it could, though no actuator fills it."""
    idle: tuple[str, ...]
    """The actuators whose mode cannot run at this level, or has no effect at it."""
    last_level: float
    """The fill level at its end."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.ends_s - self.begins_s


class StorageResponse:
    """The course of a storage from one instant to another."""

    __slots__ = ("end", "segments", "start")

    def __init__(self, start: datetime, end: datetime, segments: Sequence[Segment]) -> None:
        self.start = start
        self.end = end
        self.segments = tuple(segments)
        """One after the other, without a gap; none when start and end are one."""

    def level_at(self, instant: datetime) -> float | None:
        """The fill level at an instant from start to end, both included; None outside."""
        found = self._segment_at(instant)
        return None if found is None else found[0].course.at(found[1])

    def power_at(self, instant: datetime, quantity: CommodityQuantity) -> float | None:
        """What the actuators draw of a quantity at an instant; None outside."""
        found = self._segment_at(instant)
        if found is None:
            return None
        segment, seconds = found
        return segment.power.get(quantity, NOTHING).at(segment.course.at(seconds))

    def amount(self, quantity: CommodityQuantity) -> float:
        """All that the actuators draw of a quantity: J where it is in W."""
        return math.fsum(
            segment.course.integral(segment.power[quantity], segment.seconds)
            for segment in self.segments
            if quantity in segment.power
        )

    @property
    def electric_energy_j(self) -> float:
        """All electrical energy that the actuators draw, in J."""
        return math.fsum(self.amount(quantity) for quantity in ELECTRIC_POWERS)

    @property
    def running_cost(self) -> Decimal:
        """What running costs beyond the commodities, in the registered currency; transitions left out."""
        return Decimal(math.fsum(_cost_of(segment) for segment in self.segments))

    @property
    def levels(self) -> tuple[float, ...]:
        """The fill level at the start and at each segment's end; between two of them it only rises or only falls."""
        first = (self.segments[0].course.level,) if self.segments else ()
        return (*first, *(segment.last_level for segment in self.segments))

    @property
    def held(self) -> tuple[tuple[datetime, datetime, Held], ...]:
        """When the fill level was held, and why."""
        return tuple(
            (self._instant(segment.begins_s), self._instant(segment.ends_s), segment.held)
            for segment in self.segments
            if segment.held is not None
        )

    @property
    def unmet(self) -> float:
        """By how much the level would have fallen further if it could: what users wanted and did not get."""
        return math.fsum(segment.unmet_rate * segment.seconds for segment in self.segments)

    @property
    def spilled(self) -> float:
        """By how much the level would have risen further if it could, though no actuator filled it."""
        return math.fsum(segment.spilled_rate * segment.seconds for segment in self.segments)

    def _instant(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def _segment_at(self, instant: datetime) -> tuple[Segment, float] | None:
        offset = (instant - self.start).total_seconds()
        if offset < 0 or instant > self.end or not self.segments:
            return None
        segment = next((each for each in self.segments if offset < each.ends_s), self.segments[-1])
        return segment, min(offset, segment.ends_s) - segment.begins_s


class StorageModel:
    """A storage as far as its response is concerned.

    A mode holds from its selector's start until the actuator's next one; transitions take no time here. A mode that
    cannot run at a level does nothing there. At the ends of the storage nothing moves the level further.
    """

    def __init__(
        self,
        descriptions: tuple[StorageSystemDescription, ...],
        leakages: tuple[StorageLeakageUpdate, ...] = (),
        usage: StorageUsageForecast | None = None,
    ) -> None:
        self._descriptions = descriptions
        self._leakages = leakages
        self._usage = usage

    def respond(
        self,
        fill_level: float,
        running: Mapping[str, tuple[str, float | None]],
        schedule: Iterable[ActuatorAllocation],
        start: datetime,
        end: datetime,
    ) -> StorageResponse:
        """The course from a fill level on; `running` names each actuator's mode and factor at the start."""
        asked = sorted(schedule, key=lambda selector: selector.start_time)
        modes = dict(running)
        segments: list[Segment] = []
        level = fill_level
        instants = self._instants(asked, start, end)
        place = 0
        for begins, ends in itertools.pairwise(instants):
            while place < len(asked) and asked[place].start_time <= begins:
                modes[asked[place].actuator_id] = (asked[place].mode_id, asked[place].factor)
                place += 1
            flows = self._flows(modes, begins)
            first = (begins - start).total_seconds()
            segments += _segments(flows, level, first, (ends - start).total_seconds())
            level = segments[-1].last_level if segments else level
        return StorageResponse(start, end, segments)

    def _instants(self, asked: Sequence[ActuatorAllocation], start: datetime, end: datetime) -> list[datetime]:
        changes = {selector.start_time for selector in asked}
        changes |= {update.valid_from for update in (*self._descriptions, *self._leakages)}
        if self._usage is not None:
            changes |= set(self._usage.starts_and_ends)
        return [start, *sorted(instant for instant in changes if start < instant < end), end]

    def _flows(self, modes: Mapping[str, tuple[str, float | None]], now: datetime) -> Flows:
        description = in_force(self._descriptions, now) or self._descriptions[0]
        running = []
        for actuator in description.actuators:
            mode_id, factor = modes.get(actuator.actuator_id, ("", None))
            mode = actuator.mode(mode_id)
            if mode is not None:
                running.append(Running(actuator.actuator_id, mode, 0.0 if factor is None else factor))
        usage = None if self._usage is None else self._usage.rate_at(now)
        leakage = in_force(self._leakages, now)
        return Flows(description.fill_level_range, running, leakage, 0.0 if usage is None else usage.expected)


def storage_response(
    space: ControlSpace, schedule: Iterable[ActuatorAllocation], start: datetime, end: datetime
) -> StorageResponse | None:
    """How the storage of a control space responds to a schedule; None while its description or state is missing."""
    descriptions = tuple(each for each in space.descriptions if isinstance(each, StorageSystemDescription))
    if not descriptions or not isinstance(space.state, StorageStateUpdate):
        return None
    running = {actuator.actuator_id: (actuator.mode_id, actuator.factor) for actuator in space.state.actuators}
    model = StorageModel(descriptions, space.leakages, space.usage)
    return model.respond(space.state.fill_level, running, schedule, start, end)


def _segments(flows: Flows, level: float, begins: float, ends: float) -> Iterator[Segment]:
    while begins < ends:
        law = law_at(flows, level)
        course = Course.along(level, law.rate)
        seconds = min(course.time_to(law.until), ends - begins)
        reached = begins + seconds < ends
        flow = law.flow
        until = begins + seconds if reached else ends
        level = law.until if reached else course.at(seconds)
        yield Segment(
            begins, until, course, flow.power, flow.cost, law.held, law.unmet_rate, law.spilled_rate, flow.idle, level
        )
        begins = until


def _cost_of(segment: Segment) -> float:
    course, seconds = segment.course, segment.seconds
    return course.integral(segment.cost.own, seconds) + math.fsum(
        course.integral_of_product(cost, power, seconds) for cost, power in segment.cost.by_energy
    )
