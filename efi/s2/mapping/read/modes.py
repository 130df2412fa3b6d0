"""S2's transitions, timers and states of modes as the interface's."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from efi.conversion import LeniencyKind, LossKind
from efi.mode_index import KnownMode
from efi.refusal import refuse
from efi.s2.common import Timer, Transition
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.values import Fields, duration, label, money
from efi.types import LATEST

_DESCRIPTIONS = ("FRBC.SystemDescription", "OMBC.SystemDescription", "DDBC.SystemDescription")

TRANSITION_IDS = LossKind(
    _DESCRIPTIONS,
    "*.transitions.*.id",
    "a transition is named by its two modes, and nothing refers to its id; the ids are left out",
)
SECOND_TRANSITION = LossKind(
    _DESCRIPTIONS,
    "*.transitions.*",
    "only one transition leads from one mode to another; the one that needs no abnormal condition is kept, "
    "else the first",
)
SELF_TRANSITION = LossKind(
    _DESCRIPTIONS, "*.transitions.*", "a transition from a mode to itself says nothing; it is left out"
)
POINT_FACTOR = LossKind(
    ("FRBC.ActuatorStatus", "OMBC.Status", "DDBC.ActuatorStatus"),
    "operation_mode_factor",
    "the factor makes no difference in this mode; it is left out",
)
FORMER_MODE = LossKind(
    ("FRBC.ActuatorStatus", "OMBC.Status", "DDBC.ActuatorStatus"),
    "previous_operation_mode_id",
    "the description that holds has no such mode; what was before is left out",
)

TIMER_REPEATED = LeniencyKind("timer_repeated", "a transition that names one timer twice", "named once")
FACTOR_ROUNDED = LeniencyKind(
    "factor_rounded", "an operation mode factor that lies beyond 0 or 1 by a rounding error", "0 or 1"
)
BEYOND_CALENDAR = LeniencyKind(
    "instant_out_of_range", "a timer that ends after the year 9000", "the last instant of the calendar"
)

ROUNDING = 1e-6
"""By how much a factor may lie beyond 0 or 1."""


def graph(transitions: Sequence[Transition], timers: Sequence[Timer], path: str, notes: Notes) -> Fields:
    """The ways between the modes of an actuator, and the timers on them."""
    return {
        "transitions": _ways(transitions, path, notes) if transitions else (),
        "timers": [
            {
                "timer_id": timer.id,
                "label": label(timer.diagnostic_label, f"{path}timers.{place}.diagnostic_label", notes),
                "duration": duration(timer.duration, f"{path}timers.{place}.duration", notes),
            }
            for place, timer in enumerate(timers)
        ],
    }


def _ways(transitions: Sequence[Transition], path: str, notes: Notes) -> list[Fields]:
    chosen: dict[tuple[str, str], tuple[int, Transition]] = {}
    for place, way in enumerate(transitions):
        ends = (way.from_, way.to)
        if way.from_ == way.to:
            notes.lost(SELF_TRANSITION, f"{path}transitions.{place}", way.id)
        elif ends not in chosen:
            chosen[ends] = (place, way)
        elif chosen[ends][1].abnormal_condition_only and not way.abnormal_condition_only:
            notes.lost(SECOND_TRANSITION, f"{path}transitions.{chosen[ends][0]}", chosen[ends][1].id)
            chosen[ends] = (place, way)
        else:
            notes.lost(SECOND_TRANSITION, f"{path}transitions.{place}", way.id)
    notes.lost(TRANSITION_IDS, f"{path}transitions.*.id", f"{len(transitions)} ids")
    return [_way(way, path, place, notes) for place, way in chosen.values()]


def _way(way: Transition, path: str, place: int, notes: Notes) -> Fields:
    fields: Fields = {"from_mode": way.from_, "to_mode": way.to}
    if timers := way.start_timers:
        fields["start_timers"] = timers if len(timers) < 2 else _once(timers, path, place, notes)
    if timers := way.blocking_timers:
        fields["blocking_timers"] = timers if len(timers) < 2 else _once(timers, path, place, notes)
    if way.abnormal_condition_only:
        fields["abnormal_condition_only"] = True
    if way.transition_costs is not None:
        fields["cost"] = money(way.transition_costs, f"{path}transitions.{place}.transition_costs", notes)
    if way.transition_duration is not None:
        here = f"{path}transitions.{place}.transition_duration"
        fields["duration"] = duration(way.transition_duration, here, notes)
    return fields


def _once(timers: tuple[str, ...], path: str, place: int, notes: Notes) -> tuple[str, ...]:
    if len(set(timers)) == len(timers):
        return timers
    notes.forgiven(TIMER_REPEATED, f"{path}transitions.{place}", ", ".join(timers[:10]))
    return tuple(dict.fromkeys(timers))


class ModeStatus(Protocol):
    """What S2 says of the mode that is run, in any control type."""

    @property
    def active_operation_mode_id(self) -> str: ...  # noqa: D102  # as its messages have it

    @property
    def operation_mode_factor(self) -> float: ...  # noqa: D102  # as its messages have it

    @property
    def previous_operation_mode_id(self) -> str | None: ...  # noqa: D102  # as its messages have it

    @property
    def transition_timestamp(self) -> datetime | None: ...  # noqa: D102  # as its messages have it


def mode_state(status: ModeStatus, modes: Mapping[str, KnownMode], notes: Notes) -> Fields:
    """The mode that is run, which is one of those that the description in force has."""
    mode_id = status.active_operation_mode_id
    fields: Fields = {"mode_id": mode_id}
    factor = factor_of(status.operation_mode_factor, notes)
    if modes[mode_id].continuous:
        fields["factor"] = factor
    elif factor not in (0.0, 1.0):
        notes.lost(POINT_FACTOR, "operation_mode_factor", factor)
    previous = status.previous_operation_mode_id
    if previous is not None:
        if previous in modes:
            fields["previous_mode_id"] = previous
        else:
            notes.lost(FORMER_MODE, "previous_operation_mode_id", previous)
    if status.transition_timestamp is not None:
        fields["transition_started_at"] = status.transition_timestamp
    return fields


def factor_of(factor: float, notes: Notes) -> float:
    """A factor within its bounds, a rounding error forgiven."""
    if 0.0 <= factor <= 1.0:
        return factor
    if not -ROUNDING <= factor <= 1.0 + ROUNDING:
        refuse(
            "factor_out_of_range",
            "operation_mode_factor",
            factor,
            "a factor lies between 0 and 1",
            "tell where in the mode's ranges, from 0 to 1",
        )
    notes.forgiven(FACTOR_ROUNDED, "operation_mode_factor", factor)
    return min(max(factor, 0.0), 1.0)


def timer_end(finished_at: datetime, notes: Notes) -> datetime:
    """When a timer ends, within the calendar."""
    try:
        end = finished_at.astimezone(UTC)
    except OverflowError:
        end = LATEST if finished_at.year > 1000 else datetime(1, 1, 1, tzinfo=UTC)
    if end < LATEST:
        return end
    notes.forgiven(BEYOND_CALENDAR, "finished_at", finished_at.isoformat())
    return LATEST - timedelta(microseconds=1)
