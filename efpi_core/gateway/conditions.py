"""What instances say of how they and their appliances are doing, and what follows from it."""

from collections.abc import Callable
from datetime import datetime

from efpi_core.event_kinds import RECOVERED, kind_named
from efpi_core.gateway.appliances import ApplianceRecord, ApplianceRegistry
from efpi_core.gateway.doorway import clean_condition
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.exchange import Exchange
from efpi_core.gateway.observations import ObservationBoard
from efpi_core.host.frames import Condition
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import Quality


class Conditions:
    """The last word of each instance, and of each appliance in its record."""

    def __init__(
        self,
        appliances: ApplianceRegistry,
        board: ObservationBoard,
        exchange: Exchange,
        events: EventLog,
        now: Callable[[], datetime],
        complain: Callable[[str, str, str], None],
    ) -> None:
        self._appliances = appliances
        self._board = board
        self._exchange = exchange
        self._events = events
        self._now = now
        self._complain = complain
        self._told: dict[str, Condition] = {}

    def of(self, instance: str) -> Condition | None:
        """The last word of an instance on how it is doing."""
        return self._told.get(instance)

    def forget(self, instance: str) -> None:
        """It is gone for good."""
        self._told.pop(instance, None)

    def take(self, instance: str, frame: Condition) -> None:
        """An instance says how it is doing, or one of its appliances."""
        record = None if frame.appliance_id is None else self._appliances.get(frame.appliance_id)
        owner = frame.appliance_id if record is None else record.instance
        if owner not in (None, instance):
            self._complain(instance, "not_its_appliance", f"speaks for '{frame.appliance_id}', which is not its own")
            return
        clean_condition(frame, self._events.redact)
        before = self._before(instance, record)
        if record is not None:
            self._note(record, frame)
        if frame.appliance_id is None or frame.appliance_id == instance:
            self._told[instance] = frame
        subject = frame.appliance_id or instance
        if frame.state is ConditionState.OK:
            if before[0] is not ConditionState.OK:
                self._events.tell(RECOVERED, subject, frame.text or "works again")
        elif before != (frame.state, frame.text):
            self._events.tell(kind_named(frame.state.value), subject, frame.text, frame.cure, frame.detail)

    def _before(self, instance: str, record: ApplianceRecord | None) -> tuple[ConditionState, str]:
        if record is not None:
            return record.condition, record.text
        told = self._told.get(instance)
        return (ConditionState.OK, "") if told is None else (told.state, told.text)

    def _note(self, record: ApplianceRecord, frame: Condition) -> None:
        record.condition, record.detail = frame.state, frame.detail
        record.text, record.cure = frame.text, frame.cure
        online = frame.state is not ConditionState.OFFLINE
        if record.online != online:
            record.online = online
            if not online:
                self._board.doubt(record.appliance_id, Quality.STALE, self._now())
        self._exchange.on_change(record)
