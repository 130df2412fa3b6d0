"""The gateway: the house, what it keeps, and the instances that run, behind one small interface for the outside."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from importlib.metadata import version

from pydantic import JsonValue

from efpi_core.clock import Clock
from efpi_core.errors import EfpiError, RefusedError
from efpi_core.event_kinds import (
    GATEWAY_ENDED,
    GATEWAY_ENDED_BADLY,
    GATEWAY_STARTED,
    LIMIT_LIFTED,
    LIMIT_SET,
    RESTARTED_BY_HAND,
    STATE_KEPT,
    STATE_NOT_KEPT,
    STRAIN_OVER,
)
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.flow import FLOOD_CURE
from efpi_core.gateway.health import gateway_health
from efpi_core.gateway.history_facts import history_facts
from efpi_core.gateway.house import House
from efpi_core.gateway.instances import Instances
from efpi_core.gateway.memories import Memories
from efpi_core.gateway.not_running import NOT_RUNNING, NOT_WELL
from efpi_core.gateway.operations import OperationDesk, operation_views
from efpi_core.gateway.override_keeper import OverrideKeeper
from efpi_core.gateway.overrides import Override
from efpi_core.gateway.planning import Planner
from efpi_core.gateway.pulse import Pulse
from efpi_core.gateway.restoring import restore
from efpi_core.gateway.settling import Settling
from efpi_core.gateway.showing import appliance_view, revision_view, with_condition
from efpi_core.gateway.side_work import SideWork
from efpi_core.gateway.site_keeper import SiteKeeper
from efpi_core.gateway.state_journal import StateJournal
from efpi_core.gateway.strain import OVER, Strain
from efpi_core.gateway.teller import Teller
from efpi_core.gateway.time_keeper import TimeKeeper
from efpi_core.history.history import History
from efpi_core.host.call_frames import Answered, Told
from efpi_core.host.frames import FromInstance, Settle, ToInstance
from efpi_core.plugin.limits import Limit
from efpi_core.state.state import State
from efpi_core.views import (
    ApplianceView,
    BalanceView,
    ConnectionView,
    EventView,
    HealthView,
    InstanceState,
    InstanceView,
    ObservationView,
    OperationView,
    OverrideView,
    RevisionView,
)


class Gateway:
    """One gateway at work. Implements `GatewayApi`, and listens to its instances."""

    def __init__(self, *, clock: Clock, state: State, history: History | None = None) -> None:
        self._clock = clock
        self._state = state
        self.history = history
        """What was observed; None for a gateway that keeps nothing of it."""
        self._began_s = clock.elapsed()
        self._instances: Instances | None = None
        self.side_work = SideWork()
        self.pulse = Pulse(clock)
        self.version = version("efpi")
        self.life = f"g{state.life}"
        """Marks the ids of this life's messages."""
        self.event_log = EventLog(clock.now, state)
        self.house = House(
            clock=clock,
            life=self.life,
            journal=StateJournal(state, clock.now),
            store_value=self._store_value,
            events=self.event_log,
            send=self._send,
        )
        self.site = SiteKeeper(state, clock, self.house, self.event_log)
        self._operations = OperationDesk(clock, self.event_log, self._send)
        self.house.hand_to(Told, self._operations.told)
        self.house.hand_to(Answered, self._operations.answered)
        self.house.hand_to(Settle, Settling(state, self.side_work, self._send).settle)
        self._teller = Teller(clock, self.house, self.event_log.flush)
        self.house.exchange.on_change = self._teller.appliance
        self.house.exchange.flow.on_flood = self._flooded
        self.house.board.sinks.append(self._teller.observation)
        self._leaving = False
        self._time = TimeKeeper(clock, self.house, self.event_log, state)
        self._memories = Memories(state, clock, self._time.deadlines, self.event_log)
        self.site.on_enact = self._memories.settle
        self._overrides = OverrideKeeper(state, self._time, self.house)
        self.house.on_limit_ended = lambda limit: self._time.forget_limit(limit.limit_id)
        self.event_log.sinks.append(self._teller.event)
        if history is not None:
            history.on_event = self.event_log.tell
            self.house.board.sinks.append(history.observe)
        state.on_problem(self._state_problem)
        if state.problem is not None:
            self._state_problem(state.problem)

    # --- life

    async def start(self, instances: Instances, planner: Planner) -> None:
        """Take the instances, restore what was decided, and run the site in force."""
        self._instances = instances
        self._tell_beginning()
        restore(self._state, self.house, self.event_log, self._time, self._clock.now())
        planner.promised = self.house.promises.of_instance
        planner.memory = self._memories.begin
        self._state.instances_begin()
        await self._state.committed()  # no message may bear a mark of this life that the next one could bear again
        if self.history is not None:
            self.history.start(lambda: history_facts(self.site.site, self.house))
        await self.site.start(instances, planner)
        self._teller.begin()
        self.pulse.begin()

    async def stop(self, deadline_s: float) -> None:
        """End every instance in its safe state, and close the books; what was promised stands for the next life."""
        self._leaving = True
        self.side_work.end()
        self.pulse.end()
        self._time.close()
        self._teller.end()
        try:
            if self._instances is not None:
                await self._instances.stop(deadline_s)
                self._state.instances_ended(self._instances.left_in_disorder())
                self.event_log.tell(GATEWAY_ENDED, "gateway", "the gateway was told to end")
            if self.history is not None:
                await self.history.stop()
        finally:
            self.event_log.flush(all_of_them=True)
            self._state.close()

    def _tell_beginning(self) -> None:
        if not self._state.ended_in_order:
            self.event_log.tell(GATEWAY_ENDED_BADLY, "gateway", "the gateway did not end in order the last time")
        began = f"efpi {self.version} begins its life {self._state.life} with revision {self.site.revision} of the site"
        self.event_log.tell(GATEWAY_STARTED, "gateway", began)

    # --- instances

    def _send(self, instance: str, frame: ToInstance) -> None:
        if self._instances is not None:
            self._instances.send(instance, frame)

    def _flooded(self, instance: str, problem: str) -> None:
        """An instance says too much that may not be left out: its connections are revoked by its end."""
        if self._instances is not None:
            self._instances.condemn(instance, problem, FLOOD_CURE)

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        """An instance sent a frame."""
        self._clock.look()
        self.house.on_frame(instance, frame)

    def on_state(self, instance: str, state: InstanceState, text: str, cure: str) -> None:
        """An instance's life took a turn."""
        if state in NOT_RUNNING:
            returns = self._leaving or state is InstanceState.BACKING_OFF
            for_good = not self.site.runs(instance)
            self.house.instance_ended(instance, text or state.value, for_good=for_good, returns=returns)
            self._operations.instance_ended(instance, text or state.value)
        if (kind := NOT_WELL.get(state)) is not None:
            self.event_log.tell(kind, instance, text, cure)
        self._teller.instance(instance, self.instances)

    def on_strain(self, instance: str, strain: Strain | None) -> None:
        """An instance that runs weighs on the house, or no longer does."""
        kind, text = (STRAIN_OVER, OVER) if strain is None else (strain.kind, strain.text)
        self.event_log.tell(kind, instance, text)

    def _store_value(self, instance: str, key: str, value: JsonValue, durable: bool) -> None:
        self._memories.put(instance, key, value, durable=durable)

    def _state_problem(self, problem: EfpiError | None) -> None:
        if problem is None:
            self.event_log.tell(STATE_KEPT, "state", "the state is written to disk again")
        else:
            self.event_log.tell(STATE_NOT_KEPT, "state", problem.problem, problem.cure)

    @property
    def standstill_s(self) -> float:
        """For how long what must go on has stood still, in s: what is written comes to no end."""
        return self._state.standstill_s

    # --- GatewayApi: looking

    def health(self) -> HealthView:
        """The state of each part; cheap."""
        return gateway_health(
            version=self.version,
            site=self.site,
            state=self._state,
            history=self.history,
            instances=self.instances(),
            started=self._instances is not None,
            now=self._clock.now(),
            uptime_s=self._clock.elapsed() - self._began_s,
            pulse=self.pulse,
            told=dict(self.event_log.told),
        )

    def instances(self) -> tuple[InstanceView, ...]:
        """All configured plugins, in the order of the site."""
        if self._instances is None:
            return ()
        now = self._clock.now()
        return tuple(with_condition(self.house, view, now) for view in self._instances.views())

    def appliances(self) -> tuple[ApplianceView, ...]:
        """All appliances, in the order of the site."""
        now = self._clock.now()
        order = {instance: number for number, instance in enumerate(self.site.order())}
        records = sorted(self.house.appliances, key=lambda record: order.get(record.instance, len(order)))
        return tuple(appliance_view(self.house, record, now) for record in records)

    def connections(self) -> tuple[ConnectionView, ...]:
        """Which app controls which appliance."""
        return self.house.connections.views()

    def observations(self, pattern: str = "**") -> tuple[ObservationView, ...]:
        """Last values, by name."""
        return self.house.board.views(pattern, self._clock.now())

    def balance(self) -> BalanceView:
        """The house's power by role."""
        return self.house.balance()

    def limits(self) -> tuple[Limit, ...]:
        """All limits, in force or announced."""
        return tuple(self.house.limits)

    def overrides(self) -> tuple[OverrideView, ...]:
        """The residents' overrides that have not ended."""
        return tuple(override.view() for override in self.house.overrides)

    def events(self, after: int = 0, count: int = 200) -> tuple[EventView, ...]:
        """Events of this life and of those before, as far as they are kept."""
        return self._state.events(after, count)

    def subscribe(self) -> AsyncIterator[tuple[str, object]]:
        """Follow changes as they happen."""
        return self.house.feed.subscribe()

    def site_text(self) -> tuple[int, str]:
        """The revision in force and its document."""
        return self.site.revision, self.site.text

    # --- GatewayApi: changing

    async def connect(self, appliance: str, app: str | None) -> None:
        """Give an appliance to an app, or to none; persisted."""
        self.house.choose(appliance, app)
        self._state.set_connection(appliance, app, by_hand=True)
        await self._state.committed()

    async def override(
        self,
        appliance: str,
        action: str,
        until: datetime,
        parameters: dict[str, float | str | None],
        by: str,
        *,
        span: bool = False,
    ) -> OverrideView:
        """The resident decides, until an instant; or for the span until then, whoever sets the clock meanwhile."""
        override = Override(appliance, action, until, by, dict(parameters))
        self._teller.appliance(await self._overrides.begin(override, span=span))
        return override.view()

    async def end_override(self, appliance: str, by: str) -> None:
        """The resident gives the appliance back."""
        self._teller.appliance(await self._overrides.end(appliance, f"{by} gave it back"))

    async def set_limit(self, limit: Limit, by: str) -> None:
        """Set a limit, or replace the one of that name."""
        self.house.limits.put(limit)
        self._state.set_limit(limit, by)
        self._time.name_limit(limit)
        await self._state.committed()
        self.event_log.tell(LIMIT_SET, limit.appliance_id or "grid", f"{by} set the limit '{limit.limit_id}'")
        self.house.limits_changed()

    async def remove_limit(self, limit_id: str, by: str) -> None:
        """Lift a limit."""
        limit = self.house.limits.remove(limit_id)
        self._time.forget_limit(limit_id)
        await self._state.committed()
        self.event_log.tell(LIMIT_LIFTED, limit.appliance_id or "grid", f"{by} lifted the limit '{limit_id}'")
        self.house.limits_changed()

    async def restart_instance(self, instance: str, by: str) -> None:
        """End an instance and start it again; releases it from quarantine."""
        if self._instances is None or not self.site.runs(instance):
            raise RefusedError(f"there is no instance '{instance}'", f"name one of: {', '.join(self.site.order())}")
        self.event_log.tell(RESTARTED_BY_HAND, instance, f"{by} restarts it")
        await self._instances.restart(instance)

    async def forget_memory(self, instance: str, by: str) -> None:
        """Forget what an instance kept that is not in the site any more."""
        if self.site.names(instance):
            raise RefusedError(
                f"'{instance}' is in the site, and keeps what it needs",
                "take it out of the site with `efpi site apply` first",
            )
        self._memories.forget(instance, by)
        await self._state.committed()

    def operations(self, instance: str) -> tuple[OperationView, ...]:
        """What an instance can be asked for."""
        self._instance(instance)
        return operation_views(self._instances.offer(instance) if self._instances is not None else None)

    async def operate(
        self,
        instance: str,
        operation: str,
        fields: Mapping[str, JsonValue],
        by: str,
        *,
        deadline_s: float | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, JsonValue]:
        """Have an instance carry out one of its operations; its output."""
        known = {view.name: view for view in self.operations(instance)}
        offered = known.get(operation)
        if offered is None:
            names = ", ".join(known)
            cure = f"name one of: {names}" if names else "it has no operations"
            raise RefusedError(f"'{instance}' has no operation '{operation}'", cure)
        return await self._operations.call(self._instance(instance), offered, fields, by, deadline_s, progress)

    def _instance(self, instance: str) -> InstanceView:
        found = next((view for view in self.instances() if view.instance == instance), None)
        if found is None:
            raise RefusedError(f"there is no instance '{instance}'", f"name one of: {', '.join(self.site.order())}")
        return found

    async def apply_site(self, text: str, by: str, why: str, upon: int | None = None) -> int:
        """Validate and apply a site document; returns its revision. Rolled back when it does not hold.

        Raises OutdatedError when another revision than `upon` is in force.
        """
        return await self.site.apply(text, by, why, upon=upon)

    def site_history(self) -> tuple[RevisionView, ...]:
        """All revisions of the site, oldest first."""
        return tuple(revision_view(revision, self.site.revision) for revision in self._state.revisions())

    async def site_revision(self, number: int) -> str:
        """The document of a revision."""
        return await self.site.revision_text(number)

    async def rollback_site(self, number: int, by: str) -> int:
        """Apply an older revision's document again, as a new revision."""
        return await self.site.rollback(number, by)
