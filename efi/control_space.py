"""The control space: what the live messages of one appliance say together."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from efi.demand_driven import DemandDrivenStateUpdate, DemandDrivenSystemDescription, DemandForecast
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleEnergyEnvelope
from efi.measurement import Forecast, Measurement
from efi.merging import AnyState, merged_state, merged_work_state
from efi.message import ControlSpaceRevoke, ControlSpaceUpdate, Message
from efi.messages import AnyRegistration, AnyUpdate, ApplianceMessage
from efi.output_adjustable import OutputAdjustableStateUpdate, OutputAdjustableSystemDescription
from efi.recent import IdRing
from efi.registration import ControlSpaceRegistration
from efi.running_mode import ModeGraph, ModeState
from efi.storage import (
    StorageLeakageUpdate,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)
from efi.succession import MAX_TOLD_AHEAD, has_begun, in_force, succeeded_by
from efi.time_shiftable import TimeShiftableStateUpdate, TimeShiftableUpdate

AnyDescription = StorageSystemDescription | OutputAdjustableSystemDescription | DemandDrivenSystemDescription
"""The system description of any category that has one."""

REMEMBERED_UPDATES = 64
"""How many updates that newer ones took the place of can still be quoted by an allocation."""

_NOTHING_NOTED: set[str] = set()
"""Shared by all messages that are kept, for pydantic's note of the fields that were given: up to 728 bytes each."""


class ControlSpace:
    """What one appliance told that still holds. It trusts what it is given: the session judges beforehand.

    An update stays live, so that an allocation may quote it, when a newer one of its kind follows; of these the last
    `REMEMBERED_UPDATES` are known. It ends by revocation, by re-registration, and, whatever it is, by a new system
    description or new work that takes effect at once in the place of the present one.
    """

    __slots__ = (
        "_curtailment",
        "_descriptions",
        "_leakages",
        "_superseded",
        "demand_forecast",
        "energy_envelopes",
        "forecast",
        "measurement",
        "registration",
        "state",
        "targets",
        "usage",
        "work",
        "work_state",
    )

    registration: AnyRegistration | None
    """Who the appliance is; None before it said so."""
    state: AnyState | None
    """How it runs: the last state, completed by what earlier ones said of actuators and timers it does not mention."""
    forecast: Forecast | None
    """What it expects to draw."""
    usage: StorageUsageForecast | None
    """What users are expected to draw from the storage."""
    targets: StorageTargetProfileUpdate | None
    """Where the fill level should be."""
    demand_forecast: DemandForecast | None
    """The demand that a demand-driven appliance expects."""
    energy_envelopes: tuple[InflexibleEnergyEnvelope, ...]
    """Bounds on average power, by their beginnings."""
    work: TimeShiftableUpdate | None
    """The work that waits."""
    work_state: TimeShiftableStateUpdate | None
    """How far the work has come, as last said of each step."""
    measurement: Measurement | None
    """What was measured last."""

    def __init__(self) -> None:
        self._forget()
        self.registration = None
        self.measurement = None

    def _forget(self) -> None:
        self._descriptions: tuple[AnyDescription, ...] = ()
        self._curtailment: tuple[InflexibleCurtailmentOptions, ...] = ()
        self._leakages: tuple[StorageLeakageUpdate, ...] = ()
        self._superseded: IdRing | None = None
        self.state = self.work = self.work_state = None
        self.forecast = self.usage = self.targets = self.demand_forecast = None
        self.energy_envelopes = ()

    # What holds when -------------------------------------------------------------------------------------------------

    def description_at(self, now: datetime) -> AnyDescription | None:
        """The system description that holds at an instant, among those told ahead too; None when none does."""
        return in_force(self._descriptions, now)

    @property
    def descriptions(self) -> tuple[AnyDescription, ...]:
        """The system description that held last, and those told ahead, in their order."""
        return self._descriptions

    def curtailment_options_at(self, now: datetime) -> InflexibleCurtailmentOptions | None:
        """The curtailment options that hold at an instant; None when none do."""
        options = in_force(self._curtailment, now)
        ended = options is not None and options.valid_until is not None and options.valid_until <= now
        return None if ended else options

    @property
    def curtailment_options(self) -> tuple[InflexibleCurtailmentOptions, ...]:
        """The curtailment options that held last, and those told ahead, in their order."""
        return self._curtailment

    @property
    def leakages(self) -> tuple[StorageLeakageUpdate, ...]:
        """The leakage that held last, and those told ahead, in their order."""
        return self._leakages

    def leakage_at(self, now: datetime) -> StorageLeakageUpdate | None:
        """The leakage that holds at an instant; None when none was told."""
        return in_force(self._leakages, now)

    def graph_at(self, now: datetime, actuator_id: str | None = None) -> ModeGraph | None:
        """The modes, transitions and timers at an instant: of an actuator, or of an appliance that has none named."""
        description = self.description_at(now)
        if description is None or isinstance(description, OutputAdjustableSystemDescription):
            return description
        return None if actuator_id is None else description.actuator(actuator_id)

    def mode_state(self, actuator_id: str | None = None) -> ModeState | None:
        """The present mode and timers: of an actuator, or of an appliance that has none named."""
        state = self.state
        if state is None or isinstance(state, OutputAdjustableStateUpdate):
            return state
        return None if actuator_id is None else state.actuator(actuator_id)

    # What is live ----------------------------------------------------------------------------------------------------

    def live(self, update_id: str) -> bool:
        """Whether an allocation may quote the update of this `message_id`."""
        state = self.state
        if state is not None and state.message_id == update_id:
            return True
        if any(update.message_id == update_id for update in self._updates()):
            return True
        return self._superseded is not None and update_id in self._superseded

    def _updates(self) -> Iterator[AnyUpdate]:
        yield from self._descriptions
        yield from self._leakages
        yield from self._curtailment
        yield from self.energy_envelopes
        for update in (self.state, self.work, self.work_state, self.forecast, self.usage, self.targets):
            if update is not None:
                yield update
        if self.demand_forecast is not None:
            yield self.demand_forecast

    def messages(self) -> tuple[ApplianceMessage, ...]:
        """What to tell somebody who knows nothing yet, in an order that every receiver takes."""
        first = (self.registration,) if self.registration is not None else ()
        last = (self.measurement,) if self.measurement is not None else ()
        return (*first, *self._updates(), *last)

    # What is told ----------------------------------------------------------------------------------------------------

    def apply(self, message: ApplianceMessage, now: datetime) -> None:
        """Take in what the appliance says. A status of an allocation changes nothing here."""
        taken = _APPLY.get(type(message))
        if taken is not None:
            object.__setattr__(message, "__pydantic_fields_set__", _NOTHING_NOTED)
            taken(self, message, now)

    def revoke(self, object_id: str | None) -> bool:
        """Take back one update, or all of them; whether there was anything to take back.

        With the present description or the work goes every state, and with them all that allocations may quote.
        """
        if object_id is None:
            self._forget()
            return True
        return self._revoke_told_ahead(object_id) or self._revoke_single(object_id)

    def _revoke_told_ahead(self, object_id: str) -> bool:
        for name in ("_descriptions", "_leakages", "_curtailment", "energy_envelopes"):
            updates: tuple[ControlSpaceUpdate, ...] = getattr(self, name)
            kept = tuple(update for update in updates if update.message_id != object_id)
            if len(kept) == len(updates):
                continue
            if name == "_descriptions" and updates[0].message_id == object_id:
                self._end_updates()
            setattr(self, name, kept)
            return True
        return False

    def _revoke_single(self, object_id: str) -> bool:
        for name in ("state", "work", "work_state", "forecast", "usage", "targets", "demand_forecast"):
            update: ControlSpaceUpdate | None = getattr(self, name)
            if update is None or update.message_id != object_id:
                continue
            setattr(self, name, None)
            if name == "work":
                self._end_updates()
            return True
        return self._superseded is not None and self._superseded.discard(object_id)

    def _end_updates(self) -> None:
        self.state = self.work_state = None
        self._superseded = None

    def _supersede(self, update: Message | None) -> None:
        if update is None:
            return
        if self._superseded is None:
            self._superseded = IdRing(REMEMBERED_UPDATES)
        self._superseded.add(update.message_id)

    def _apply_registration(self, registration: AnyRegistration, now: datetime) -> None:
        self._forget()
        self.measurement = None
        self.registration = registration

    def _apply_revoke(self, revoke: ControlSpaceRevoke, now: datetime) -> None:
        self.revoke(revoke.object_id)

    def _apply_measurement(self, measurement: Measurement, now: datetime) -> None:
        self.measurement = measurement

    def _apply_description(self, description: AnyDescription, now: datetime) -> None:
        before = self._descriptions
        self._descriptions = kept = succeeded_by(before, description, now)
        begun = [each for each in before if has_begun(each, now)]
        if begun and kept[0] is description:
            self._end_updates()
            return
        # Who quotes one that has passed knew of its successor when it was told ahead.
        for passed in begun:
            if passed is not kept[0]:
                self._supersede(passed)

    def _apply_leakage(self, leakage: StorageLeakageUpdate, now: datetime) -> None:
        self._supersede_dropped(self._leakages, kept := succeeded_by(self._leakages, leakage, now))
        self._leakages = kept

    def _apply_curtailment_options(self, options: InflexibleCurtailmentOptions, now: datetime) -> None:
        self._supersede_dropped(self._curtailment, kept := succeeded_by(self._curtailment, options, now))
        self._curtailment = kept

    def _supersede_dropped(self, before: Iterable[ControlSpaceUpdate], after: Iterable[ControlSpaceUpdate]) -> None:
        kept = {update.message_id for update in after}
        for update in before:
            if update.message_id not in kept:
                self._supersede(update)

    def _apply_energy_envelope(self, envelope: InflexibleEnergyEnvelope, now: datetime) -> None:
        bounded = (envelope.quantity, envelope.valid_from, envelope.valid_until)
        others = (
            other
            for other in self.energy_envelopes
            if other.valid_until > now and (other.quantity, other.valid_from, other.valid_until) != bounded
        )
        kept = sorted((*others, envelope), key=lambda each: each.valid_from)[:MAX_TOLD_AHEAD]
        self._supersede_dropped(self.energy_envelopes, kept)
        self.energy_envelopes = tuple(kept)

    def _apply_state(self, state: AnyState, now: datetime) -> None:
        before = self.state
        if before is None:
            self.state = state
            return
        self._supersede(before)
        self.state = merged_state(before, state, now)

    def _apply_work(self, work: TimeShiftableUpdate, now: datetime) -> None:
        self._end_updates()
        self.work = work

    def _apply_work_state(self, state: TimeShiftableStateUpdate, now: datetime) -> None:
        self._supersede(self.work_state)
        self.work_state = state if self.work_state is None else merged_work_state(self.work_state, state)


def _replace(name: str) -> Callable[[ControlSpace, Any, datetime], None]:
    def replace(space: ControlSpace, update: ControlSpaceUpdate, now: datetime) -> None:
        space._supersede(getattr(space, name))  # a part of the class, made once a kind
        setattr(space, name, update)

    return replace


_APPLY: dict[type[Message], Callable[[ControlSpace, Any, datetime], None]] = {
    **dict.fromkeys(ControlSpaceRegistration.__subclasses__(), ControlSpace._apply_registration),
    ControlSpaceRevoke: ControlSpace._apply_revoke,
    Measurement: ControlSpace._apply_measurement,
    StorageSystemDescription: ControlSpace._apply_description,
    OutputAdjustableSystemDescription: ControlSpace._apply_description,
    DemandDrivenSystemDescription: ControlSpace._apply_description,
    StorageStateUpdate: ControlSpace._apply_state,
    OutputAdjustableStateUpdate: ControlSpace._apply_state,
    DemandDrivenStateUpdate: ControlSpace._apply_state,
    StorageLeakageUpdate: ControlSpace._apply_leakage,
    StorageUsageForecast: _replace("usage"),
    StorageTargetProfileUpdate: _replace("targets"),
    DemandForecast: _replace("demand_forecast"),
    Forecast: _replace("forecast"),
    InflexibleCurtailmentOptions: ControlSpace._apply_curtailment_options,
    InflexibleEnergyEnvelope: ControlSpace._apply_energy_envelope,
    TimeShiftableUpdate: ControlSpace._apply_work,
    TimeShiftableStateUpdate: ControlSpace._apply_work_state,
}
