"""The desk where a resident's wish becomes an override: carried out at once, kept from the app, ended on time."""

import contextlib
from collections.abc import Callable
from datetime import datetime

from pydantic import ValidationError

from efi.allocation import AllocationRevoke, AllocationStatus
from efi.messages import AnyAllocation
from efpi_core.clock import Clock, TimerHandle
from efpi_core.errors import RefusedError
from efpi_core.event_kinds import OVERRIDE_BEGUN, OVERRIDE_ENDED, OVERRIDE_NOT_RESUMED
from efpi_core.gateway.appliances import RESIDENT, ApplianceRecord, ApplianceRegistry
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.exchange import Exchange
from efpi_core.gateway.overrides import LONGEST, Override, Overrides, require_sensible
from efpi_core.gateway.requests import hold_within, run_mode, start_work
from efpi_core.local_time import LocalTime
from efpi_core.plugin.appliance import Stamp

SETTLES_S = 2.0
"""So long an appliance that came is watched before its wish is carried out, since it may come and go."""

TIME_TO_DESCRIBE_S = 30.0
"""How long an appliance that is there is expected to take to tell its control space."""

ASK_AGAIN_S = 60.0
"""How long after its refusal, as while a compressor rests, a device is asked again for what the resident wants."""

_LASTING = ("mode", "limit")
"""What is meant for as long as the override lasts; work is started once."""

_REFUSED = (AllocationStatus.REJECTED, AllocationStatus.ABORTED)


class OverrideDesk:
    """Begins and ends overrides."""

    def __init__(
        self,
        clock: Clock,
        appliances: ApplianceRegistry,
        overrides: Overrides,
        exchange: Exchange,
        new_id: Callable[[], str],
        events: EventLog,
    ) -> None:
        self._clock = clock
        self._appliances = appliances
        self._overrides = overrides
        self._exchange = exchange
        self._new_id = new_id
        self._events = events
        self._alarms: dict[str, TimerHandle] = {}
        self.place = LocalTime("UTC")
        """By whose clock on the wall instants are told."""
        self.on_end: Callable[[Override], None] = lambda override: None
        """Called when an override has ended, for the journal."""
        self.on_carried_out: Callable[[Override], None] = lambda override: None
        """Called when an allocation was given that carries an override out, for the journal."""
        self.on_released: Callable[[ApplianceRecord], None] = lambda record: None
        """Called when an appliance is given back, before its app is reminded."""
        self._coming: dict[str, bool] = {}

    def check(self, record: ApplianceRecord, override: Override) -> None:
        """Refuse a wish that cannot be carried out now, before anything is kept or done."""
        if not record.steerable:
            raise RefusedError(f"'{record.appliance_id}' is measured only and cannot be controlled")
        now = self._clock.now()
        require_sensible(override.action, override.until, now)
        allocation = self._allocation(record, override, now)
        objection = None if allocation is None else self._exchange.objection(record, allocation, RESIDENT)
        if objection is not None:
            raise RefusedError(objection, "a limit stands above the resident")

    def begin(self, record: ApplianceRecord, override: Override) -> None:
        """Carry out a resident's wish now, above the app, until its end."""
        self.check(record, override)
        before = self._overrides.get(record.appliance_id)
        if before is not None:
            self._take_back(record, before, "replaced by a newer wish")
        self._put(override)
        self._carry_out(record, override)
        self._ask_again_later(override)
        until = self.place.told(override.until)
        self._events.tell(OVERRIDE_BEGUN, record.appliance_id, f"{override.by}: {override.words} until {until}")

    def resume(self, override: Override) -> None:
        """Take up an override of the gateway's former life; it is carried out when its appliance comes."""
        self._put(override)
        self._ask_again_later(override)

    def waits_for(self, appliance_id: str) -> bool:
        """Whether a wish is to be carried out as soon as the appliance has described itself."""
        return appliance_id in self._coming

    def appliance_came(self, record: ApplianceRecord) -> None:
        """An appliance is there, or there again: carry out the wish that was made for it, once it is described."""
        appliance_id = record.appliance_id
        if self._overrides.get(appliance_id) is not None and appliance_id not in self._coming:
            self._coming[appliance_id] = False
            record.resuming = True
            self._clock.call_later(SETTLES_S, lambda: self._settled(appliance_id))

    def _settled(self, appliance_id: str) -> None:
        """It came, and did not come and go all the while; most have described themselves by now."""
        record = self._appliances.get(appliance_id)
        if record is None:
            self._coming.pop(appliance_id, None)
            return
        self._coming[appliance_id] = True
        self._clock.call_later(TIME_TO_DESCRIBE_S, lambda: self._long_here(record))
        self.described(record)

    def described(self, record: ApplianceRecord) -> None:
        """An appliance that came told something: perhaps its wish can be carried out now."""
        if self._coming.get(record.appliance_id):
            with contextlib.suppress(RefusedError):
                self._resume(record)
                del self._coming[record.appliance_id]

    def _long_here(self, record: ApplianceRecord) -> None:
        if self._coming.pop(record.appliance_id, False) and self._appliances.get(record.appliance_id) is record:
            self.carry_on(record)

    def carry_on(self, record: ApplianceRecord) -> None:
        """Carry out again the wish for an appliance, which came back or which a limit has released."""
        try:
            self._resume(record)
        except RefusedError as error:
            self._events.tell(OVERRIDE_NOT_RESUMED, record.appliance_id, error.problem, error.cure)

    def _resume(self, record: ApplianceRecord) -> None:
        """Carry a wish out again; one whose allocation stands is carried out already, and work starts once only."""
        override = self._overrides.get(record.appliance_id)
        if override is None or override.until <= self._clock.now():
            return
        given = override.allocation_id
        if given is None or (given not in record.session.allocations and override.action != "start"):
            self._carry_out(record, override)

    def _ask_again_later(self, override: Override) -> None:
        if override.action in _LASTING:
            self._clock.call_later(ASK_AGAIN_S, lambda: self._ask_again(override))

    def _ask_again(self, override: Override) -> None:
        """What the device refused it may do by now. Silent: the refusal stands beside the appliance."""
        if self._overrides.get(override.appliance_id) is not override:
            return
        record = self._appliances.get(override.appliance_id)
        if record is not None and override.appliance_id not in self._coming and _was_refused(record, override):
            with contextlib.suppress(RefusedError):
                self.check(record, override)
                self._carry_out(record, override)
        self._ask_again_later(override)

    def _put(self, override: Override) -> None:
        appliance_id = override.appliance_id
        alarm = self._alarms.pop(appliance_id, None)
        if alarm is not None:
            alarm.cancel()
        self._overrides.put(override)
        self._alarms[appliance_id] = self._clock.call_at(override.until, lambda: self._time_over(appliance_id))

    def move(self, override: Override, until: datetime) -> None:
        """The clock was set: this is now the end that was named."""
        override.until = min(until, self._clock.now() + LONGEST)
        self._put(override)

    def _time_over(self, appliance_id: str) -> None:
        """The end has come; the appliance may have gone meanwhile, and another of its name come."""
        record = self._appliances.get(appliance_id)
        if record is not None:
            self.end(record, "its time is over")
            return
        override = self._overrides.remove(appliance_id)
        self._alarms.pop(appliance_id, None)
        if override is not None:
            self.on_end(override)

    def _carry_out(self, record: ApplianceRecord, override: Override) -> None:
        allocation = self._allocation(record, override, self._clock.now())
        if allocation is None:
            self._exchange.from_app(record, self._revoke(record, None, "the resident decides"), RESIDENT)
        else:
            override.allocation_id = allocation.message_id
            self._exchange.from_app(record, allocation, RESIDENT)
            self.on_carried_out(override)

    def end(self, record: ApplianceRecord, why: str) -> None:
        """Give the appliance back: what the resident asked is revoked, and the app hears the present state anew."""
        override = self._overrides.remove(record.appliance_id)
        alarm = self._alarms.pop(record.appliance_id, None)
        if alarm is not None:
            alarm.cancel()
        if override is None:
            raise RefusedError(f"'{record.appliance_id}' is not overridden")
        self._take_back(record, override, why)
        self.on_released(record)
        self._exchange.remind_app(record)
        self.on_end(override)
        self._events.tell(OVERRIDE_ENDED, record.appliance_id, why)

    def _take_back(self, record: ApplianceRecord, override: Override, why: str) -> None:
        if override.allocation_id is not None and override.allocation_id in record.session.allocations:
            self._exchange.from_app(record, self._revoke(record, override.allocation_id, why), RESIDENT)

    def _revoke(self, record: ApplianceRecord, allocation_id: str | None, reason: str) -> AllocationRevoke:
        return AllocationRevoke(**self._stamp(record), allocation_id=allocation_id, reason=reason)

    def _stamp(self, record: ApplianceRecord) -> Stamp:
        return {
            "message_id": self._new_id(),
            "appliance_id": record.appliance_id,
            "timestamp": self._clock.now(),
        }

    def _allocation(self, record: ApplianceRecord, override: Override, now: datetime) -> AnyAllocation | None:
        try:
            return self._wished(record, override, now)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RefusedError(f"the wish makes no sense: {where}: {first['msg']}", "mend that value") from error

    def _wished(self, record: ApplianceRecord, override: Override, now: datetime) -> AnyAllocation | None:
        reason = f"{override.by} decided so until {self.place.told(override.until, '%H:%M')}"
        wish = override.parameters
        match override.action:
            case "mode":
                mode = wish.get("mode")
                if not isinstance(mode, str):
                    raise RefusedError("the override names no mode", "give `mode`")
                return run_mode(record, self._stamp(record), mode, _number(wish, "factor"), reason)
            case "limit":
                lower, upper = _number(wish, "lower_w"), _number(wish, "upper_w")
                if lower is None and upper is None:
                    raise RefusedError("the override names no bound", "give `lower_w`, `upper_w` or both")
                return hold_within(record, self._stamp(record), lower, upper, override.until, reason)
            case "start":
                return start_work(record, self._stamp(record), reason)
            case _:
                return None


def _was_refused(record: ApplianceRecord, override: Override) -> bool:
    """Whether the device would not do it, or stopped; what a limit took away returns when the limit lets go."""
    held = record.allocations.get(override.allocation_id or "")
    return held is not None and held.status in _REFUSED


def _number(wish: dict[str, float | str | None], name: str) -> float | None:
    value = wish.get(name)
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        raise RefusedError(f"`{name}` is {value!r}, which is not a number") from None
