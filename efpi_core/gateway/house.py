"""The house: appliances, apps, observations and rules together, driven by the frames of the instances.

It knows neither processes nor disks nor sockets, so the same house runs live and in a simulation.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import JsonValue

from efi.message import ControlSpaceRevoke
from efi.registration import EnergyRole
from efi.session import Session
from efpi_core.clock import Clock, TimerHandle
from efpi_core.errors import RefusedError
from efpi_core.event_kinds import (
    APPLIANCE_GONE,
    LIMIT_ENDED,
    PLUGIN_FAILED,
    UNSAFE_END,
    kind_named,
)
from efpi_core.gateway.appliances import ApplianceRecord, ApplianceRegistry
from efpi_core.gateway.balance import power_balance
from efpi_core.gateway.conditions import Conditions
from efpi_core.gateway.connections import AppFacts, Choice, Connections
from efpi_core.gateway.doorway import MOST_APPLIANCES, MOST_KEYS, bad_memory, log_level, sentence
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.exchange import Exchange
from efpi_core.gateway.feed import Feed
from efpi_core.gateway.handover import Handover
from efpi_core.gateway.journal_port import AllocationJournal
from efpi_core.gateway.limit_book import LimitBook
from efpi_core.gateway.limit_guard import LimitGuard
from efpi_core.gateway.observations import ObservationBoard
from efpi_core.gateway.override_desk import OverrideDesk
from efpi_core.gateway.overrides import Overrides
from efpi_core.gateway.precedence import Precedence
from efpi_core.gateway.promises import Promises
from efpi_core.gateway.reports import Reports
from efpi_core.host.frames import (
    AddAppliance,
    Condition,
    Connected,
    Declare,
    Disconnected,
    Failed,
    FromInstance,
    LimitsChanged,
    Log,
    Publish,
    Ready,
    RemoveAppliance,
    Say,
    Stopped,
    Store,
    ToInstance,
    Watch,
)
from efpi_core.identity import MessageIds, appliance_id
from efpi_core.local_time import LocalTime
from efpi_core.log_line import say
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.limits import Limit
from efpi_core.plugin.observation import Quality
from efpi_core.views import BalanceView

LOG = logging.getLogger("efpi.instance")

StoreValue = Callable[[str, str, JsonValue, bool], None]
"""Keeps a value of an instance: instance, key, value, and whether it must outlive a power cut."""


class House:
    """All that happens between the instances."""

    def __init__(
        self,
        *,
        clock: Clock,
        life: str,
        journal: AllocationJournal,
        store_value: StoreValue,
        events: EventLog,
        send: Callable[[str, ToInstance], None],
    ) -> None:
        self._clock = clock
        self._send = send
        self._store_value = store_value
        self._apps: set[str] = set()
        self._keys: dict[str, set[str]] = {}
        self._limit_alarm: TimerHandle | None = None
        self.on_limit_ended: Callable[[Limit], None] = lambda limit: None
        """Called when an ordered limit has ended, for the journal."""
        self.new_id = MessageIds("gateway", life)
        self.events = events
        self.feed = Feed()
        self.appliances = ApplianceRegistry()
        self.names: dict[str, str] = {}
        """What the site calls an instance, and so the appliance that bears the instance's name."""
        self.place = LocalTime("UTC")
        """By whose clock on the wall instants are told to people."""
        self.board = ObservationBoard(send)
        self.reports = Reports(self.appliances, self.board, clock.now, self._tell)
        self.limits = LimitBook()
        self.overrides = Overrides()
        self.precedence = Precedence(self.limits, self.overrides)
        self.exchange = Exchange(self.appliances, self.board, self.precedence, journal, send, clock.now, self._tell)
        self.promises = Promises(clock, self.appliances, self.exchange, self.new_id, send)
        self.handover = Handover(clock, self.appliances, self.exchange, self.promises, self.new_id, send, events)
        self.handover.held_by_gateway = self._held_by_gateway
        self.exchange.on_ground = self._described
        self.connections = Connections(self.appliances, self.handover.change)
        self._conditions = Conditions(self.appliances, self.board, self.exchange, events, clock.now, self._tell)
        self.guard = LimitGuard(self.appliances, self.limits, self.precedence, self.exchange, self.new_id, self._tell)
        self.desk = OverrideDesk(clock, self.appliances, self.overrides, self.exchange, self.new_id, events)
        self.desk.on_released = self._released
        self.guard.on_release = self._limit_released
        self._taken: dict[type[FromInstance], Callable[[str, Any], None]] = {
            Say: self.exchange.take,
            Publish: self.reports.publish,
            AddAppliance: self._add_appliance,
            RemoveAppliance: self._remove_appliance,
            Declare: self.reports.declare,
            Watch: self.reports.watch,
            Store: self._store,
            Log: self._log,
            Condition: self._conditions.take,
            Ready: self._ready,
            Failed: self._failed,
            Stopped: self._stopped,
        }
        self.exchange.on_measurement = lambda record, measurement: self.guard.measured(record, measurement, clock.now())

    # --- the site

    def settle(self, place: LocalTime) -> None:
        """Where the site is: people are told instants by the clock on its wall."""
        self.place = self.precedence.place = self.desk.place = place

    def configure(
        self, apps: Iterable[AppFacts], site_choice: Callable[[str], Choice | None], limits: Iterable[Limit]
    ) -> None:
        """What the site says: the apps, who controls what, and the limits."""
        facts = tuple(apps)
        self._apps = {app.instance for app in facts}
        self.connections.set_apps(facts)
        self.connections.set_site_choice(site_choice)
        self.limits.set_site_limits(limits)
        self.limits_changed()
        self.connections.settle()

    def limits_changed(self) -> None:
        """Tell every app the limits, and look again when the next one begins or ends."""
        limits = tuple(self.limits)
        for app in self._apps:
            self._send(app, LimitsChanged(limits))
        if self._limit_alarm is not None:
            self._limit_alarm.cancel()
            self._limit_alarm = None
        change = self.limits.next_change(self._clock.now())
        if change is not None:
            self._limit_alarm = self._clock.call_at(change, self._limit_turned)

    def _limit_turned(self) -> None:
        for limit in self.limits.drop_ended(self._clock.now()):
            self.on_limit_ended(limit)
            self.events.tell(LIMIT_ENDED, limit.appliance_id or "grid", f"the limit '{limit.limit_id}' ended")
        self.limits_changed()

    # --- frames of the instances

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        """Take a frame of an instance; words between host and instance mean nothing here."""
        take = self._taken.get(type(frame))
        if take is not None:
            take(instance, frame)

    def hand_to(self, kind: type[FromInstance], take: Callable[[str, Any], None]) -> None:
        """Let another part take the frames of a kind."""
        self._taken[kind] = take

    def _store(self, instance: str, frame: Store) -> None:
        problem = bad_memory(frame.key, frame.value)
        keys = self._keys.setdefault(instance, set())
        if problem is None and frame.key not in keys and len(keys) >= MOST_KEYS:
            problem = f"it keeps more than {MOST_KEYS} values"
        if problem is not None:
            self._tell(instance, "bad_memory", problem)
            return
        (keys.discard if frame.value is None else keys.add)(frame.key)
        self._store_value(instance, frame.key, frame.value, frame.durable)

    def _log(self, instance: str, frame: Log) -> None:
        say(LOG, log_level(frame.level), "plugin_log", instance, sentence(frame.text))

    def _failed(self, instance: str, frame: Failed) -> None:
        self.events.tell(PLUGIN_FAILED, instance, f"{frame.moment}: {frame.error}", frame.cure)

    def _stopped(self, instance: str, frame: Stopped) -> None:
        for unsafe in frame.unsafe:
            self.events.tell(UNSAFE_END, instance, sentence(unsafe))

    def _ready(self, instance: str, frame: Ready) -> None:
        if instance in self._apps:
            self._send(instance, LimitsChanged(tuple(self.limits)))
            self.handover.app_back(instance)
            self.connections.set_running(instance, running=True)
            for record in self.appliances:
                self._let_listen(record)

    def _add_appliance(self, instance: str, frame: AddAppliance) -> None:
        registration = frame.registration
        known = self.appliances.get(registration.appliance_id)
        try:
            expected = appliance_id(instance, frame.key)
        except ValueError as error:
            self._tell(instance, "bad_key", str(error))
            return
        if known is None and self.appliances.count_of_instance(instance) >= MOST_APPLIANCES:
            self._tell(instance, "too_many_appliances", f"brings more than {MOST_APPLIANCES} appliances")
            return
        if registration.appliance_id != expected or (known is not None and known.instance != instance):
            self._tell(instance, "name_taken", f"brings '{registration.appliance_id}', which is not its to bring")
            return
        if known is None:
            session = Session(registration.appliance_id, new_id=self.new_id)
            session.from_appliance(registration, self._clock.now())
            record = ApplianceRecord(
                registration.appliance_id, instance, frame.key, session, frame.steerable, frame.safe_fallback
            )
            self.appliances.add(record)
        else:
            record = known
            record.steerable, record.safe_fallback = frame.steerable, frame.safe_fallback
            self.exchange.from_appliance(record, registration)
            if record.app is not None:  # a driver begun anew knows nothing of the app that is still in control
                self._send(instance, Connected(record.appliance_id, record.app))
        record.online = True
        self.exchange.on_change(record)
        if record.steerable:
            self._let_listen(record)
        self.promises.came(record)
        self.connections.settle_one(record)
        if not record.steerable:
            self._let_listen(record)
        self.desk.appliance_came(record)

    def _remove_appliance(self, instance: str, frame: RemoveAppliance) -> None:
        record = self.appliances.get(frame.appliance_id)
        if record is None or record.instance != instance:
            self._tell(instance, "not_its_appliance", f"removes '{frame.appliance_id}', which is not its own")
            return
        self._gone(record, sentence(frame.reason))

    def _gone(self, record: ApplianceRecord, reason: str) -> None:
        now = self._clock.now()
        self.promises.release(record.appliance_id, reason or "the appliance was taken away")
        self.exchange.deliver(record, record.session.release(now, reason or "the appliance was taken away"))
        for app in (record.app, *record.listeners):
            if app is not None:
                self._send(app, Disconnected(record.appliance_id, reason))
        self.board.doubt(record.appliance_id, Quality.UNKNOWN, now)
        self.board.forget(record.appliance_id)
        self.appliances.remove(record.appliance_id)
        self.events.tell(APPLIANCE_GONE, record.appliance_id, reason or "the appliance was taken away")

    def condition_of(self, instance: str) -> Condition | None:
        """The last word of an instance on how it is doing."""
        return self._conditions.of(instance)

    def instance_ended(self, instance: str, reason: str, *, for_good: bool = False, returns: bool = False) -> None:
        """An instance ended: its appliances are out of reach, or gone for good; so is an app.

        What it has promised, or has asked as an app, stands when it `returns` by itself, as after a crash.
        """
        now = self._clock.now()
        self.exchange.flow.forget(instance)
        self.board.forget_watches(instance)
        if instance in self._apps:
            self.handover.app_ended(instance, returns=returns)
        self.connections.set_running(instance, running=False)
        for record in self.appliances:
            if record.listeners:
                record.listeners = tuple(app for app in record.listeners if app != instance)
        for record in self.appliances.of_instance(instance):
            if returns:
                self.promises.suspend(record, reason)
            else:
                self.promises.release(record.appliance_id, reason)
            if for_good:
                self._gone(record, reason)
                continue
            self._take_back_space(record, reason)
            record.online = False
            record.text, record.detail = reason, "not_running"
            record.condition = ConditionState.OFFLINE
            self.board.doubt(record.appliance_id, Quality.STALE, now)
            self.exchange.on_change(record)
        self.board.doubt(instance, Quality.STALE, now)
        if for_good:
            self._conditions.forget(instance)
            self.board.forget(instance)

    def _take_back_space(self, record: ApplianceRecord, reason: str) -> None:
        """Say in the stead of an appliance whose driver is gone that nothing it said holds any more."""
        now = self._clock.now()
        revoke = ControlSpaceRevoke(
            message_id=self.new_id(), appliance_id=record.appliance_id, timestamp=now, reason=reason[:2000]
        )
        self.exchange.deliver(record, record.session.from_appliance(revoke, now))

    # --- connections

    def _held_by_gateway(self, record: ApplianceRecord) -> bool:
        """Whether the resident or a limit decides about an appliance now."""
        return self.overrides.get(record.appliance_id) is not None or self.guard.holds(record.appliance_id)

    def _released(self, record: ApplianceRecord) -> None:
        """The resident or a limit lets go of an appliance: whoever is next decides."""
        if self._held_by_gateway(record):
            self.desk.carry_on(record)
        else:
            self.handover.released(record)

    def _limit_released(self, record: ApplianceRecord) -> None:
        self._released(record)
        self.exchange.remind_app(record)

    def _let_listen(self, record: ApplianceRecord) -> None:
        self.handover.listen(record, self.connections.listeners(record))

    def _described(self, record: ApplianceRecord) -> None:
        """An appliance that has something of a former life to take up told something."""
        self.promises.told(record)
        self.desk.described(record)
        record.resuming = self.promises.waits_for(record.appliance_id) or self.desk.waits_for(record.appliance_id)

    def choose(self, appliance: str, app: str | None) -> None:
        """A person gives an appliance to an app, or to none."""
        if app is not None:
            self.connections.require_possible(appliance, app)
        elif self.appliances.get(appliance) is None:
            raise RefusedError(f"there is no appliance '{appliance}'", "see `efpi appliances`")
        self.connections.choose(appliance, Choice(app, by_hand=True))
        self.connections.settle()
        record = self.appliances.get(appliance)
        if record is not None and record.awaited not in (None, app):
            self.handover.let_go(record, "a person decided otherwise")

    # --- words

    def balance(self) -> BalanceView:
        """The house's power by role, now."""
        return power_balance(self.appliances, self._clock.now())

    def grid_meter(self) -> ApplianceRecord | None:
        """The appliance that measures the connection to the grid, if any."""
        return next((record for record in self.appliances if record.role is EnergyRole.GRID), None)

    def _tell(self, subject: str, name: str, text: str) -> None:
        """Tell an event by its kind's name, or by the rule that a message broke."""
        kind = kind_named(name)
        self.events.tell(kind, subject, text, detail="" if kind.name == name else name)
