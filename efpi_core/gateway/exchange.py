"""The exchange: every message of the interface passes here, through its appliance's session, to the other side."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, cast, get_args

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import PHASE_POWER, CommodityQuantity
from efi.demand_driven import DemandDrivenStateUpdate
from efi.measurement import Measurement
from efi.message import ControlSpaceRevoke
from efi.messages import AnyAllocation, AnyMessage, AnyRegistration, ApplianceMessage, AppMessage
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.registration import ControlSpaceRegistration
from efi.session import Verdict
from efi.storage import ActuatorState, StorageStateUpdate
from efpi_core.gateway.appliances import LIMIT, RESIDENT, ApplianceRecord, ApplianceRegistry, OpenAllocation
from efpi_core.gateway.flow import SUPERSEDED, Flow
from efpi_core.gateway.journal_port import AllocationJournal
from efpi_core.gateway.observations import ObservationBoard
from efpi_core.gateway.precedence import Precedence
from efpi_core.host.frames import Deliver, Say, ToInstance

_APP_MESSAGES = frozenset(get_args(AppMessage))
"""Types are compared exactly on this path: `isinstance` of a pydantic class that is not the very one costs a µs."""
_QUANTITY_NAMES = {quantity: quantity.value.replace(".", "_") for quantity in CommodityQuantity} | {
    quantity: f"power.{phase.value}" for phase, quantity in PHASE_POWER.items()
}

IMPLAUSIBLE = "implausible_power"
"""The rule that a measurement breaks which nobody can believe."""

Send = Callable[[str, ToInstance], None]
"""Hands a frame to an instance; never waits."""

MessageSink = Callable[[str, AnyMessage, datetime], None]
"""Called with the sender and each message that passed."""


class Exchange:
    """Routes messages between drivers and apps and keeps what they mean for the gateway."""

    def __init__(
        self,
        appliances: ApplianceRegistry,
        board: ObservationBoard,
        precedence: Precedence,
        journal: AllocationJournal,
        send: Send,
        now: Callable[[], datetime],
        complain: Callable[[str, str, str], None],
    ) -> None:
        self._appliances = appliances
        self._board = board
        self._precedence = precedence
        self._journal = journal
        self._send = send
        self._now = now
        self._complain = complain
        self.flow = Flow()
        """How much each instance may say that may not be left out."""
        self.refusals = 0
        """Messages that broke a rule of their session."""
        self.passed = 0
        """Messages that went through."""
        self.sinks: list[MessageSink] = []
        """Components of the gateway that follow every message."""
        self.on_change: Callable[[ApplianceRecord], None] = lambda record: None
        """Called when an appliance's shown state changed."""
        self.on_measurement: Callable[[ApplianceRecord, Measurement], None] = lambda record, measurement: None
        """Called with each measurement."""
        self.on_ground: Callable[[ApplianceRecord], None] = lambda record: None
        """Called after each message of an appliance that has something of a former life to take up."""
        self.on_revoke: Callable[[ApplianceRecord, AllocationRevoke], None] = lambda record, message: None
        """Called when allocations are taken back of such an appliance."""

    # --- from a driver or an app

    def take(self, instance: str, frame: Say) -> None:
        """Take a message from an instance: of its own appliance, or to one that it controls."""
        message: Any = frame.message
        record = self._appliances.get(frame.appliance_id)
        now = self._now()
        if record is None:
            self._complain(instance, "unknown_appliance", f"speaks of '{frame.appliance_id}', which is not there")
        elif not self._may_pass(instance, record, type(message), now):
            self.refusals += 1
        elif type(message) in _APP_MESSAGES:
            if record.app == instance:
                self._take_from_app(record, message, instance, now)
            else:
                self._reject_stranger(instance, record, message)
        elif record.instance == instance:
            self._take_from_appliance(record, message, now)
        else:
            self._complain(instance, "not_its_appliance", f"speaks for '{frame.appliance_id}', which is another's")

    def _may_pass(self, instance: str, record: ApplianceRecord, kind: type, now: datetime) -> bool:
        receiver = record.app if instance == record.instance else record.instance
        if kind not in SUPERSEDED:
            return self.flow.passes(instance, record.appliance_id, receiver, now)
        if receiver is not None:
            self.flow.told(receiver, record.appliance_id)
        return True

    def _reject_stranger(self, instance: str, record: ApplianceRecord, message: AppMessage) -> None:
        """An app speaks to an appliance it does not control: between two connections, or out of turn."""
        if not isinstance(message, AllocationRevoke):
            self._answer(record, instance, message.message_id, "this app does not control the appliance")

    def from_appliance(self, record: ApplianceRecord, message: ApplianceMessage) -> None:
        """Take a message of an appliance."""
        self._take_from_appliance(record, message, self._now())

    def _take_from_appliance(self, record: ApplianceRecord, message: ApplianceMessage, now: datetime) -> None:
        if type(message) is Measurement and (why := record.disbelief(message)) is not None:
            self._refuse(record, IMPLAUSIBLE, why, now)
            return
        verdict = record.session.from_appliance(message, now)
        if verdict.refusal is not None:
            self._refuse(record, verdict.refusal.rule, verdict.refusal.sentence, now)
        else:
            self.passed += 1
            for sink in self.sinks:
                sink(record.appliance_id, message, now)
            self._note(record, message, now)
        self._deliver(record, verdict, now)
        if record.resuming:
            self.on_ground(record)

    def _refuse(self, record: ApplianceRecord, rule: str, sentence: str, now: datetime) -> None:
        """An appliance said what cannot be."""
        self.refusals += 1
        record.note_nonsense(sentence, now)
        self._complain(record.appliance_id, rule, sentence)
        self.on_change(record)

    def from_app(self, record: ApplianceRecord, message: AppMessage, giver: str) -> None:
        """Take a message to an appliance, from its app or from the gateway's own voices."""
        self._take_from_app(record, message, giver, self._now())

    def _take_from_app(self, record: ApplianceRecord, message: AppMessage, giver: str, now: datetime) -> None:
        allocation = None if type(message) is AllocationRevoke else cast(AnyAllocation, message)
        if allocation is None:
            if not self._may_revoke(record, cast(AllocationRevoke, message), giver):
                return
            if record.resuming:
                self.on_revoke(record, cast(AllocationRevoke, message))
        elif (objection := self._precedence.objection(record, allocation, giver, now)) is not None:
            self._answer(record, giver, message.message_id, objection)
            return
        elif message.message_id not in record.allocations:
            record.allocations[message.message_id] = OpenAllocation(allocation, giver, None, "", now, now)
        verdict = record.session.from_app(message, now)
        if verdict.refusal is not None:
            self.refusals += 1
            if not verdict.to_app and message.message_id not in record.session.allocations:
                record.allocations.pop(message.message_id, None)  # refused without a word, as a repeated name is
        else:
            self.passed += 1
            for sink in self.sinks:
                sink(giver, message, now)
            if allocation is not None:
                record.committing = self._journal.journal_allocation(allocation, giver)
            if record.committing is not None and not record.committing.done():
                self._deliver_after(record.committing, partial(self._deliver_kept, record, verdict, allocation))
                return
        self._deliver(record, verdict, now)

    def objection(self, record: ApplianceRecord, allocation: AnyAllocation, giver: str) -> str | None:
        """Why an allocation would not pass now, or None."""
        return self._precedence.objection(record, allocation, giver, self._now())

    def remind_app(self, record: ApplianceRecord) -> None:
        """Tell an appliance's app the present state again, because it may act on it anew."""
        space = record.session.space
        again = space.state or space.work_state or space.work or space.curtailment_options_at(self._now())
        if record.app is not None and again is not None:
            self._send(record.app, Deliver(record.appliance_id, again))

    def deliver(self, record: ApplianceRecord, verdict: Verdict) -> None:
        """Hand on what a session decided by itself, as at its end."""
        self._deliver(record, verdict, self._now())

    def close(self, record: ApplianceRecord | None, held: OpenAllocation, word: AllocationStatusUpdate) -> None:
        """Say the final word on an allocation that no session knows now; its appliance may not be there."""
        now = self._now()
        if record is None:
            self._journal.journal_status(word, now)
            return
        record.allocations.setdefault(word.allocation_id, held)
        self._deliver(record, Verdict(to_app=(word,)), now)

    def _may_revoke(self, record: ApplianceRecord, message: AllocationRevoke, giver: str) -> bool:
        """An app takes back its own allocations only; one that the resident or a limit gave stays."""
        if giver in (RESIDENT, LIMIT):
            return True
        if message.allocation_id is None:
            return not any(open_.holder in (RESIDENT, LIMIT) for open_ in self._open(record))
        held = record.allocations.get(message.allocation_id)
        return held is not None and held.holder == giver

    @staticmethod
    def _open(record: ApplianceRecord) -> list[OpenAllocation]:
        return [held for held in record.allocations.values() if held.status not in _FINAL]

    def _answer(self, record: ApplianceRecord, giver: str, allocation_id: str, text: str) -> None:
        """Refuse an allocation in the appliance's stead."""
        if giver in (RESIDENT, LIMIT):
            self._complain(record.instance, "allocation_refused", f"{record.appliance_id}: {text}")
            return
        now = self._now()
        status = AllocationStatusUpdate(
            message_id=f"{allocation_id[:55]}_refused",
            appliance_id=record.appliance_id,
            timestamp=now,
            allocation_id=allocation_id,
            status=AllocationStatus.REJECTED,
            text=text,
        )
        for sink in self.sinks:
            sink(record.appliance_id, status, now)
        self._send(giver, Deliver(record.appliance_id, status))

    # --- to the other side

    def _deliver_after(self, committed: "asyncio.Future[bool]", deliver: Callable[[], None]) -> None:
        """Deliver once the journal holds it; a journal that cannot write is complained of and holds up nothing."""

        def done(future: "asyncio.Future[bool]") -> None:
            if not future.cancelled() and (error := future.exception()) is not None:
                self._complain("journal", "journal_failed", f"an allocation could not be kept: {error}")
            deliver()

        committed.add_done_callback(done)

    def _deliver_kept(self, record: ApplianceRecord, verdict: Verdict, allocation: AnyAllocation | None) -> None:
        """Deliver what waited for the journal; an allocation that ended meanwhile never returns."""
        if allocation is None or allocation.message_id in record.session.allocations:
            self._deliver(record, verdict, self._now())

    def _deliver(self, record: ApplianceRecord, verdict: Verdict, now: datetime) -> None:
        for order in verdict.to_appliance:
            self._send(record.instance, Deliver(record.appliance_id, order))
        for told in verdict.to_app:
            receiver = record.app
            if type(told) is AllocationStatusUpdate:
                receiver = self._note_status(record, told, now)
            if receiver is not None:
                self._send(receiver, Deliver(record.appliance_id, told))
            for listener in record.listeners:
                self._send(listener, Deliver(record.appliance_id, told))

    def _note_status(self, record: ApplianceRecord, status: AllocationStatusUpdate, now: datetime) -> str | None:
        """Keep the word on an allocation; returns the app that is to hear it, if any."""
        self._journal.journal_status(status, now)
        held = record.allocations.get(status.allocation_id)
        if held is None:
            return record.app
        held.status, held.text, held.changed_at = status.status, status.text, now
        if status.status in _FINAL and len(record.allocations) > 1:
            for known in [known for known, old in record.allocations.items() if old.status in _FINAL]:
                if known != status.allocation_id:
                    del record.allocations[known]
        self.on_change(record)
        return None if held.holder in (RESIDENT, LIMIT) else held.holder

    # --- what messages mean for the gateway

    def _note(self, record: ApplianceRecord, message: ApplianceMessage, now: datetime) -> None:
        note = _NOTES.get(type(message))
        if note is not None:
            note(self, record, message, now)
            self.on_change(record)

    def _note_measurement(self, record: ApplianceRecord, message: Measurement, now: datetime) -> None:
        at = min(message.measured_at, now)  # a power of tomorrow would count as new all day
        record.note_measurement(message, at)
        self._publish_measurement(record, message, at)
        self.on_measurement(record, message)

    def _note_storage_state(self, record: ApplianceRecord, message: StorageStateUpdate, now: datetime) -> None:
        unit = getattr(record.session.space.registration, "fill_level_unit", "")
        self._board.put(record.channel("fill_level"), message.fill_level, now, unit=unit, owner=record.instance)
        self._put_modes(record, message.actuators, now)

    def _note_demand_state(self, record: ApplianceRecord, message: DemandDrivenStateUpdate, now: datetime) -> None:
        if message.demand is not None and message.demand.lower == message.demand.upper:
            unit = getattr(record.session.space.registration, "demand_unit", "")
            self._board.put(record.channel("demand"), message.demand.lower, now, unit=unit, owner=record.instance)
        self._put_modes(record, message.actuators, now)

    def _put_modes(self, record: ApplianceRecord, actuators: tuple[ActuatorState, ...], now: datetime) -> None:
        for actuator in actuators:
            quantity = "mode" if len(actuators) == 1 else f"{actuator.actuator_id}.mode"
            self._board.put(record.channel(quantity), actuator.mode_id, now, owner=record.instance)

    def _note_output_state(self, record: ApplianceRecord, message: OutputAdjustableStateUpdate, now: datetime) -> None:
        self._board.put(record.channel("mode"), message.mode_id, now, owner=record.instance)

    def _note_presence(self, record: ApplianceRecord, message: ApplianceMessage, now: datetime) -> None:
        if isinstance(message, ControlSpaceRegistration):
            record.online = True

    def _publish_measurement(self, record: ApplianceRecord, measurement: Measurement, at: datetime) -> None:
        power = measurement.electric_power_w
        if power is not None:
            self._board.put(record.channel("power"), power, at, unit="W", owner=record.instance)
        if len(measurement.values) > 1 or power is None:
            for value in measurement.values:
                channel = record.channel(_QUANTITY_NAMES[value.quantity])
                self._board.put(channel, value.value, at, unit=value.quantity.unit, owner=record.instance)
        for reading in measurement.energy:
            for direction, count in (("consumed", reading.consumed), ("produced", reading.produced)):
                if count is not None:
                    self._board.put(
                        record.channel(f"{reading.commodity.value}_{direction}"),
                        count,
                        at,
                        unit=_COUNTER_UNIT.get(reading.commodity.value, "J"),
                        kind="counter",
                        owner=record.instance,
                    )


_FINAL = frozenset(status for status in AllocationStatus if status.final)
_COUNTER_UNIT = {"gas": "m³", "oil": "m³", "hydrogen": "kg"}

_NOTES: dict[type, Callable[[Exchange, ApplianceRecord, Any, datetime], None]] = {
    Measurement: Exchange._note_measurement,
    StorageStateUpdate: Exchange._note_storage_state,
    OutputAdjustableStateUpdate: Exchange._note_output_state,
    DemandDrivenStateUpdate: Exchange._note_demand_state,
    ControlSpaceRevoke: Exchange._note_presence,
    **dict.fromkeys(get_args(AnyRegistration), Exchange._note_presence),
}
"""What each message means for the gateway, beyond its delivery."""
