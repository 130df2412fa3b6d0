"""Taking up what the gateway's former life decided and promised, whether it ended in order or not."""

from datetime import datetime

from efpi_core.errors import SettingsError
from efpi_core.event_kinds import LIMIT_NOT_KEPT
from efpi_core.gateway.appliances import LIMIT, RESIDENT, OpenAllocation
from efpi_core.gateway.connections import Choice
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.gateway.overrides import Override
from efpi_core.gateway.time_keeper import TimeKeeper
from efpi_core.state.state import State


def restore(state: State, house: House, events: EventLog, time: TimeKeeper, now: datetime) -> None:
    """Connections made by hand, limits and overrides as they were; open allocations as promises."""
    time.restore()
    for kept in state.connections():
        if kept.by_hand:
            house.connections.choose(kept.appliance_id, Choice(kept.app, by_hand=True))
    _restore_limits(state, house, events, time, now)
    _restore_overrides(state, house, time, now)
    _restore_allocations(state, house)


def _restore_limits(state: State, house: House, events: EventLog, time: TimeKeeper, now: datetime) -> None:
    for kept in state.limits():
        limit = kept.limit
        try:
            house.limits.put(time.as_meant(limit))
        except SettingsError as error:
            events.tell(LIMIT_NOT_KEPT, limit.appliance_id or "grid", error.problem, error.cure)
            time.forget_limit(limit.limit_id)
    for limit in house.limits.drop_ended(now):
        time.forget_limit(limit.limit_id)


def _restore_overrides(state: State, house: House, time: TimeKeeper, now: datetime) -> None:
    for view in state.overrides():
        until = time.override_until(view.appliance, view.until)
        if until > now:
            given = state.override_allocation(view.appliance)
            house.desk.resume(Override(view.appliance, view.action, until, view.by, view.parameters, given))
        else:
            time.forget_override(view.appliance)


def _restore_allocations(state: State, house: House) -> None:
    """What apps gave stands, and what carries an override out; a limit looks at the power anew."""
    standing = []
    for kept in state.open_allocations():
        held = OpenAllocation(
            kept.message, kept.app, kept.status, kept.text, kept.given_at, kept.changed_at or kept.given_at
        )
        override = house.overrides.get(kept.appliance_id)
        if kept.app == LIMIT:
            house.promises.end(held, "the gateway began anew, and looks at the limits anew")
        elif kept.app == RESIDENT and (override is None or override.allocation_id != kept.allocation_id):
            house.promises.end(held, "the resident's wish is over")
        else:
            standing.append(held)
    house.promises.keep(standing)
