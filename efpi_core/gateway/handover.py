"""Handing an appliance from one energy app to another; and keeping it as it is for one that is away for a moment."""

from collections.abc import Callable

from efi.allocation import AllocationRevoke
from efpi_core.clock import Clock, TimerHandle
from efpi_core.event_kinds import CONNECTED
from efpi_core.gateway.appliances import LIMIT, RESIDENT, ApplianceRecord, ApplianceRegistry, OpenAllocation
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.exchange import Exchange
from efpi_core.gateway.promises import Promises
from efpi_core.host.frames import Connected, Deliver, Disconnected, ToInstance

GIVER_S = 60.0
"""So long the allocations of an app stand that is away; then its appliances go their own way."""


class Handover:
    """Carries out who controls what: tells both sides, closes what the one before asked, replays what was told."""

    def __init__(
        self,
        clock: Clock,
        appliances: ApplianceRegistry,
        exchange: Exchange,
        promises: Promises,
        new_id: Callable[[], str],
        send: Callable[[str, ToInstance], None],
        events: EventLog,
    ) -> None:
        self._clock = clock
        self._appliances = appliances
        self._exchange = exchange
        self._promises = promises
        self._new_id = new_id
        self._send = send
        self._events = events
        self._away: set[str] = set()
        self._alarms: dict[str, TimerHandle] = {}
        self.held_by_gateway: Callable[[ApplianceRecord], bool] = lambda record: False
        """Whether the resident or a limit decides about an appliance now, so that its app's going changes nothing."""
        promises.on_taken_up = self._taken_up

    # --- apps come and go

    def app_ended(self, app: str, *, returns: bool) -> None:
        """An app crashed and comes back, so that what it gave stands a while; or it does not, and nothing does."""
        if returns:
            self._away.add(app)
            return
        self._away.discard(app)
        for record in tuple(self._appliances):
            if record.awaited == app:
                self.let_go(record, f"'{app}' is not running")

    def app_back(self, app: str) -> None:
        """An app runs again."""
        self._away.discard(app)

    def change(self, record: ApplianceRecord, app: str | None, note: str) -> None:
        """Carry out a decision: tell both sides, and replay what the appliance said to its new app."""
        before = record.app
        if app is None and before is not None and before in self._away:
            record.app = None
            self._await(record, before)
        elif before is not None:
            record.app = app
            self._part(record, before, note or f"'{app}' takes over")
            self._send(before, Disconnected(record.appliance_id, note or f"'{app}' takes over"))
        elif record.awaited is not None and record.awaited != app:
            self.let_go(record, f"'{app}' takes over")
        if app is not None:
            self._connect(record, app)
        self._exchange.on_change(record)

    def _connect(self, record: ApplianceRecord, app: str) -> None:
        self._stop_waiting(record)
        record.app = app
        record.parting = ""
        self._send(record.instance, Connected(record.appliance_id, app))
        self._send(app, Connected(record.appliance_id, app, record.registration))
        self.replay(record, app)
        for name, opened in record.session.allocations.items():
            held = record.allocations.get(name)
            if held is not None and held.holder == app:
                self._send(app, self._promises.frame(record, held, opened.allocation))
        self._events.tell(CONNECTED, record.appliance_id, f"'{app}' is in control")

    def _part(self, record: ApplianceRecord, before: str, reason: str) -> None:
        """What an app gave ends with its control; unless the gateway itself decides: then that is told later."""
        self._promises.release(record.appliance_id, reason, giver=before)
        if self.held_by_gateway(record):
            record.parting = reason  # its driver would give up what the resident or a limit asked
            return
        self._exchange.deliver(record, record.session.release(self._clock.now(), reason))
        self._send(record.instance, Disconnected(record.appliance_id, reason))

    def replay(self, record: ApplianceRecord, app: str) -> None:
        """Tell an app what the appliance said before and still holds."""
        for message in record.session.space.messages()[1:]:
            self._send(app, Deliver(record.appliance_id, message))

    def listen(self, record: ApplianceRecord, listeners: tuple[str, ...]) -> None:
        """Let apps hear an appliance that nobody controls because it is measured only, as the meter."""
        for app in record.listeners:
            if app not in listeners:
                self._send(app, Disconnected(record.appliance_id, "it is no longer measured only"))
        for app in listeners:
            if app not in record.listeners:
                self._send(app, Connected(record.appliance_id, app, record.registration, listens=True))
                self.replay(record, app)
        record.listeners = listeners

    # --- apps that are away

    def _await(self, record: ApplianceRecord, app: str) -> None:
        """Leave an appliance as its app left it, for a while."""
        self._stop_waiting(record)
        record.awaited = app
        reason = f"'{app}' did not come back"
        self._alarms[record.appliance_id] = self._clock.call_later(GIVER_S, lambda: self.let_go(record, reason))

    def _stop_waiting(self, record: ApplianceRecord) -> None:
        record.awaited = None
        alarm = self._alarms.pop(record.appliance_id, None)
        if alarm is not None:
            alarm.cancel()

    def let_go(self, record: ApplianceRecord, reason: str) -> None:
        """Nobody waits any more for the app of an appliance: it goes its own way."""
        app = record.awaited
        self._stop_waiting(record)
        if app is not None and self._appliances.get(record.appliance_id) is record:
            self._part(record, app, reason)
            self._exchange.on_change(record)

    def _taken_up(self, record: ApplianceRecord, held: OpenAllocation) -> None:
        """An allocation of a former life stands: its giver is in control, or is waited for, or has lost control."""
        if held.holder in (RESIDENT, LIMIT, record.app, record.awaited):
            return
        if record.app is None and record.awaited is None:
            self._await(record, held.holder)
            return
        revoke = AllocationRevoke(
            message_id=self._new_id(),
            appliance_id=record.appliance_id,
            timestamp=self._clock.now(),
            allocation_id=held.allocation.message_id,
            reason=f"'{held.holder}' is not in control any more",
        )
        self._exchange.from_app(record, revoke, RESIDENT)

    # --- the gateway lets go

    def released(self, record: ApplianceRecord) -> None:
        """Neither resident nor limit decides any more: the driver hears whether its app has gone meanwhile."""
        if record.parting:
            self._send(record.instance, Disconnected(record.appliance_id, record.parting))
            record.parting = ""
