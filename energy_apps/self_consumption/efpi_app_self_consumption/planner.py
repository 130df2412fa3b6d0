"""The plan of the coming day: what is expected, when work is to be done, and what each storage needs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from efi.registration import Category
from efi.time_shiftable import SequenceState
from efpi_app_self_consumption.habit import Habit
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.outlook import Outlook, nowcast
from efpi_app_self_consumption.shiftable_policy import WAITING, Schedule, cost_of, schedule, worth_moving
from efpi_app_self_consumption.slots import Slots
from efpi_app_self_consumption.standing import Standing
from efpi_app_self_consumption.storage_plan import StoragePlan, plan_storage
from efpi_app_self_consumption.tariff import Tariff

IMPATIENCE = 0.002
"""What an hour of waiting for the laundry costs, in money: of equal starts the sooner one is taken."""


class NewStart(NamedTuple):
    """Work whose starts are to be asked for, or asked for anew."""

    member: Member
    schedule: Schedule


class Ground(NamedTuple):
    """What the plan starts from."""

    now: datetime
    slots: Slots
    rest_w: float | None
    """What flows now without the levers; None when it is not known."""
    most_drawn_w: float
    abnormal: bool


class Planner:
    """Makes plans, and keeps what they need beside the appliances' own words."""

    def __init__(self, tariff: Tariff, habit: Habit, caution: float, *, from_grid: bool) -> None:
        self._tariff = tariff
        self._caution = caution
        self._from_grid = from_grid
        self.habit = habit
        self.outlook: Outlook | None = None
        """The last outlook, with everything planned taken from it."""

    def learn(self, members: Iterable[Member], rest_w: float, slots: Slots) -> bool:
        """Take in what flows now and nobody forecasts. Whether a quarter was completed with it."""
        unforecast = rest_w
        for member in members:
            reading = member.moved.reading
            if reading is None or member.is_meter:
                continue
            if member.category is Category.TIME_SHIFTABLE or member.forecast() is not None:
                unforecast -= reading.flow.total
        return self.habit.learn(slots.now_s, unforecast)

    def expect(self, members: Sequence[Member], ground: Ground) -> Outlook:
        """What is expected of the coming day, before anything is steered; running and waiting work is counted."""
        slots = ground.slots
        expected = [0.0] * slots.size
        forecast_now = work_now = 0.0
        for member in members:
            reading = member.moved.reading
            if member.is_meter or member.steered:
                continue
            forecast = member.forecast()
            if member.category is Category.TIME_SHIFTABLE:
                work_now += reading.flow.total if reading is not None else 0.0
            elif forecast is not None:
                row = forecast.expected(slots, self._caution)
                expected = [total + power for total, power in zip(expected, row, strict=True)]
                forecast_now += forecast.at(slots)
        usual = self.habit.expected(slots, otherwise=max((ground.rest_w or 0.0) - forecast_now - work_now, 0.0))
        expected = [total + power for total, power in zip(expected, usual, strict=True)]
        if ground.rest_w is None:
            # Nothing is known of the present: no sun is counted on, and what is usually drawn is drawn.
            expected = [max(power, 0.0) for power in expected]
        else:
            expected = nowcast(expected, ground.rest_w - work_now)
        outlook = Outlook(slots, self._tariff.over(slots), [-power for power in expected], ground.most_drawn_w)
        if ground.rest_w is not None:
            outlook.prices[0] = self._tariff.at(ground.now)
        for member in members:
            if member.space.work is not None:
                outlook.take(member.work.row(member.space.work, _states(member), outlook))
        return outlook

    def plan(self, members: Sequence[Member], standings: Sequence[Standing], ground: Ground) -> list[NewStart]:
        """Plan everything; the storages' plans are kept with them, the starts of work are the answer."""
        outlook = self.expect(members, ground)
        starts = [start for member in members if (start := self._plan_work(member, outlook, ground)) is not None]
        for standing in sorted(standings, key=_first_wish):
            if standing.storage is None:
                continue
            plan: StoragePlan = plan_storage(standing.storage, outlook, from_grid=self._from_grid)
            standing.member.plan = plan
            if plan.powers:
                outlook.take(plan.powers)
        self.outlook = outlook
        return starts

    def _plan_work(self, member: Member, outlook: Outlook, ground: Ground) -> NewStart | None:
        """Find the best starts of one appliance's work; an answer only when they are to be asked for."""
        work = member.space.work
        if work is None or not member.controlled or member.forbearance.active(ground.slots.now_s):
            return None
        states = _states(member)
        waiting = member.work.waiting(work, states, ground.now)
        if waiting is None or not member.work.stale(ground.slots.now_s):
            return None
        before = member.work.asked
        if before is not None:
            # The work itself must not stand in the way of its own better start.
            outlook.take([-power for power in before.row(outlook)])
        found = schedule(waiting, outlook, IMPATIENCE, abnormal=ground.abnormal)
        chosen = found
        if found is not None and before is not None:
            kept = before._replace(starts=tuple(start for start in before.starts if _waits(start.sequence_id, states)))
            if not worth_moving(kept, found, cost_of(kept, outlook, IMPATIENCE), ground.slots.now_s):
                chosen = None
        counted = chosen or before
        if counted is not None:
            outlook.take(counted.row(outlook))
        member.work.asked_at_s = ground.slots.now_s
        return None if chosen is None else NewStart(member, chosen)


def _states(member: Member) -> tuple[SequenceState, ...]:
    return member.space.work_state.sequences if member.space.work_state is not None else ()


def _waits(sequence_id: str, states: tuple[SequenceState, ...]) -> bool:
    state = next((state for state in states if state.sequence_id == sequence_id), None)
    return state is None or state.status in WAITING


def _first_wish(standing: Standing) -> tuple[bool, float, str]:
    """Storages that give back come last; of the others, those with the earliest wish first."""
    facts = standing.storage
    if facts is None:
        return (True, 0.0, standing.member.appliance_id)
    first = min((wish.start_s for wish in facts.wishes), default=float("inf"))
    return (facts.model.gives, first, standing.member.appliance_id)
