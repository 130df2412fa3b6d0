"""The self-consumption app: gathers what the appliances say, decides, and sends what changed."""

from datetime import timedelta

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.commodity import CommodityQuantity
from efi.measurement import Measurement
from efi.message import ControlSpaceRevoke
from efi.messages import AnyAllocation, ApplianceMessage
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.registration import Category, ControlSpaceRegistration
from efi.storage import StorageStateUpdate
from efi.time_shiftable import TimeShiftableStateUpdate
from efpi_app_self_consumption.connection_power import Basis, ConnectionPower
from efpi_app_self_consumption.decision import Decision, Situation, decide
from efpi_app_self_consumption.flow import NO_FLOW, Flow
from efpi_app_self_consumption.habit import Habit
from efpi_app_self_consumption.headroom import Headroom
from efpi_app_self_consumption.holding import curtailable
from efpi_app_self_consumption.level_worth import outdated
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.planner import Ground, Planner
from efpi_app_self_consumption.recalling import recall
from efpi_app_self_consumption.sender import Sender
from efpi_app_self_consumption.settings import SelfConsumptionConfig
from efpi_app_self_consumption.slots import Slots
from efpi_app_self_consumption.standing import Circumstances, Lookout, Standing
from efpi_app_self_consumption.tariff import Tariff, per_kwh
from efpi_app_self_consumption.wording import Wording
from efpi_app_self_consumption.working import running_work
from efpi_core.clock import TimerHandle
from efpi_core.clock_event import ClockEvent, ClockSet
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.condition import ConditionState

SOON_S = 0.2
"""News that is no measurement is decided on so late, since more of it often follows at once."""

LATE_S = 0.5
"""Without any news, a decision follows the last one this much later than the resolution."""

LIVE_S = 60.0
"""A resolution below this belongs to a live house."""

LIVE_ROUNDS, SIMULATED_ROUNDS = 4.0, 13.0
"""So many resolutions the meter may be silent: in a long simulation what does not change is hardly ever repeated."""

PLAN_SLOTS = 4
"""A plan holds for so many slots, if nothing changes: an hour."""

KEPT_EVERY_S = 6 * 3600.0
"""What was learnt is kept for the next life this often."""


class SelfConsumption(EnergyApp[SelfConsumptionConfig]):
    """Uses the sun of the own roof where it is worth most, and the grid when it is cheapest.

    It starts washing machines and the like at the best time before their deadline, charges cars and heats water so
    that they are ready when wanted, fills and empties batteries, and holds production back only where feeding in is
    worth nothing or forbidden.
    """

    offer_name = "self_consumption"
    title = "Self-consumption"

    async def start(self) -> None:
        """Begin to decide."""
        config, site = self.config, self.context.site
        self._tariff = Tariff(site)
        habit = Habit(self.context.storage.get("habit"))
        self._planner = Planner(self._tariff, habit, config.caution, from_grid=config.battery_from_grid)
        self._sender = Sender(Wording(self._tariff, site.time_zone), config.step_w, self.context.resolution_s)
        self._lookout = Lookout()
        self._connection = ConnectionPower()
        self._members: dict[str, Member] = {}
        self._inflexible: list[Member] = []
        self._shiftable: list[Member] = []
        self._meter: Member | None = None
        self._count = 0
        self._planned_slot = -1
        self._plan_due = True
        self._kept_at_s = self._decided_at_s = -1.0
        self._expected_w = 0.0
        self._calm_until_s = 0.0
        self._basis = Basis.SUM
        self._alarm: TimerHandle | None = None
        self._tick: TimerHandle | None = None
        self._fuels = {
            quantity: float(price)
            for quantity, price in (
                (CommodityQuantity.GAS_FLOW, config.gas_per_m3),
                (CommodityQuantity.OIL_FLOW, config.oil_per_m3),
            )
            if price is not None
        }
        resolution = self.context.resolution_s
        self._start_s = config.start_after_s if resolution < config.start_after_s else 0.0
        self._stop_s = config.stop_after_s if resolution < config.stop_after_s else 0.0
        rounds = LIVE_ROUNDS if resolution < LIVE_S else SIMULATED_ROUNDS
        self._stale_after = timedelta(seconds=max(config.stale_after_s, rounds * resolution))
        self.context.on_limits = self._news

    # --- what the appliances say

    async def on_connect(self, appliance: ControlledAppliance) -> None:
        """Take an appliance in."""
        self._members[appliance.appliance_id] = Member(appliance, self._fuels)
        self._sort_members()
        self._news()

    async def on_disconnect(self, appliance: ControlledAppliance, reason: str) -> None:
        """Forget an appliance."""
        self._members.pop(appliance.appliance_id, None)
        self._sort_members()
        self._news()

    def _sort_members(self) -> None:
        """Find the meter, and who is asked what."""
        members = self._members = dict(sorted(self._members.items()))
        self._meter = next((member for member in members.values() if member.is_meter), None)
        self._inflexible = [each for each in members.values() if each.category is Category.INFLEXIBLE]
        self._shiftable = [each for each in members.values() if each.category is Category.TIME_SHIFTABLE]

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        """Note what is new, and decide when the news is complete."""
        member = self._members[appliance.appliance_id]
        self._count += 1
        if member.told_again(message):
            # The gateway reminds of what holds when an override or a limit is over.
            member.forbearance.followed()
            self._news()
        elif isinstance(message, Measurement):
            member.read(self.context.now(), self._count)
            if member is self._meter or (self._meter is None and not member.steered):
                self._measured(member)
        elif isinstance(message, StorageStateUpdate | OutputAdjustableStateUpdate):
            if self._planned_slot < 0:
                self._news()
        elif isinstance(message, TimeShiftableStateUpdate):
            self._decide_in(SOON_S)
        else:
            if isinstance(message, ControlSpaceRevoke) and message.object_id is None:
                # It is out of reach: what it measured last says nothing any more.
                member.moved.reading = None
            member.told_news()
            if isinstance(message, ControlSpaceRegistration):
                member.register(appliance.registration)
                self._sort_members()
            self._news()

    def _measured(self, member: Member) -> None:
        """A value on which decisions rest; one that only confirms the last decision leaves everything as it is."""
        reading = member.moved.reading
        if member is not self._meter or reading is None:
            self._decide_in(0.0)
            return
        now_s = self.context.now().timestamp()
        as_expected = abs(reading.flow.total - self._expected_w) <= self.config.step_w
        if not as_expected or (now_s != self._decided_at_s and now_s >= self._calm_until_s):
            self._decide_in(0.0)
        elif now_s != self._decided_at_s:
            self._arm()

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        """Note how an appliance answered; one that refuses is left alone for a while."""
        member = self._members[appliance.appliance_id]
        if self._sender.answered(member, status, self.context.now().timestamp()):
            self._plan_due = True
        if status.status in (AllocationStatus.REJECTED, AllocationStatus.ABORTED):
            self._decide_in(SOON_S)

    async def on_resumed(
        self, appliance: ControlledAppliance, allocation: AnyAllocation, word: AllocationStatusUpdate | None
    ) -> None:
        """Remember what stands."""
        recall(self._members[appliance.appliance_id], allocation, self.context.now().timestamp())

    def _news(self) -> None:
        """Something changed that plans rest on."""
        self._plan_due = True
        self._decide_in(SOON_S)

    def on_clock(self, event: ClockEvent) -> None:
        """Somebody set the clock: what is remembered by instants does not count, and all is planned anew."""
        if isinstance(event, ClockSet):
            for member in self._members.values():
                member.clock_set(event.step)
            self._planned_slot = -1
            self._kept_at_s = self._decided_at_s = -1.0
            self._calm_until_s = 0.0
            self._news()

    # --- deciding

    def _decide_in(self, seconds: float) -> None:
        """Arrange a decision; however much news arrives, one at a time."""
        due = self.context.now() + timedelta(seconds=seconds)
        if self._alarm is not None:
            if self._alarm.when <= due:
                return
            self._alarm.cancel()
        self._alarm = self.context.call_later(seconds, self._decide) if seconds else self.context.soon(self._decide)

    def _decide(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        now = self.context.now()
        at = Circumstances(now, now.timestamp(), Slots.ahead(now), False, self._start_s, self._stop_s)
        self._decided_at_s = at.now_s
        standings = self._standings(at)
        rest = self._rest(at, standings)
        decision = self._decision(at, standings, rest)
        if decision.emergency:
            at = at._replace(abnormal=True)
            decision = self._decision(at, self._standings(at), rest)
        self._expected_w = decision.grid.total
        self._count += 1
        self._sender.send(decision, self._members, at, self._tariff.at(now), self._count)
        self._calm_until_s = self._calm_until(at)
        self._arm()

    def _calm_until(self, at: Circumstances) -> float:
        """Until when nothing needs to be decided if the meter keeps showing what is expected: a slot at most."""
        if self._basis is not Basis.METER or any(member.restless(at.now_s) for member in self._members.values()):
            return at.now_s
        return at.slots.end_s(0)

    def _arm(self) -> None:
        """Decide again after the resolution at the latest."""
        if self._tick is not None:
            self._tick.cancel()
        self._tick = self.context.call_later(self.context.resolution_s + LATE_S, self._decide)

    def _standings(self, at: Circumstances) -> list[Standing]:
        return [
            standing
            for member in self._members.values()
            if member.steered and (standing := self._lookout.look(member, at)) is not None
        ]

    def _rest(self, at: Circumstances, standings: list[Standing]) -> Flow:
        """What flows at the connection without what is steered; and learn from it."""
        meter = self._meter
        rest, basis = self._connection.without(
            meter.moved.reading if meter is not None else None,
            metered=meter is not None,
            levers=tuple([standing.member.moved for standing in standings]),
            others=[] if meter is not None else self._unsteered(standings),
            now=at.now,
            stale_after=self._stale_after,
        )
        self._note_what_was_taken(standings, at)
        if basis is not self._basis:
            self._basis = basis
            self._plan_due = True
            self._tell_basis()
        if basis is not Basis.NONE and self._planner.learn((*self._inflexible, *self._shiftable), rest.total, at.slots):
            self._keep(at.now_s)
        return rest

    def _note_what_was_taken(self, standings: list[Standing], at: Circumstances) -> None:
        """Levers that have come to rest, and draw much less than asked, cannot take more at present."""
        meter = self._meter.moved.reading if self._meter is not None else None
        for standing in standings:
            member = standing.member
            reading = member.moved.reading
            if len(standing.levers) != 1 or reading is None or reading.count < member.moved.asked_count:
                continue
            memory = member.memory(standing.levers[0].actuator_id or "")
            if member.moved.settled(meter, at.now) and memory.took(reading.flow.total, at.now_s):
                member.version += 1

    def _unsteered(self, standings: list[Standing]) -> list[Flow]:
        """What is measured of appliances that are not steered."""
        steered = {standing.member.appliance_id for standing in standings}
        return [
            member.moved.reading.flow
            for name, member in self._members.items()
            if name not in steered and member.electric and member.moved.reading is not None
        ]

    def _keep(self, now_s: float) -> None:
        if now_s - self._kept_at_s >= KEPT_EVERY_S:
            self._kept_at_s = now_s
            self.context.storage.put("habit", list(self._planner.habit.kept()))

    def _tell_basis(self) -> None:
        if self._basis is Basis.NONE and self._meter is not None:
            self.context.condition(
                ConditionState.DEGRADED,
                "meter_silent",
                f"the meter '{self._meter.name}' is silent: comfort is kept, no surplus is used",
                "look whether the meter's driver is running and its cable is plugged in",
            )
        else:
            self.context.condition(ConditionState.OK)

    def _decision(self, at: Circumstances, standings: list[Standing], rest: Flow) -> Decision:
        known = self._basis is not Basis.NONE
        limits = self.context.limits
        if self._plan_due or at.slots.first >= self._planned_slot + PLAN_SLOTS or _outdated(standings, at):
            self._plan_due = False
            self._planned_slot = at.slots.first
            ground = Ground(
                at.now,
                at.slots,
                rest.total if known else None,
                Headroom(rest, limits, at.now).most_drawn_w,
                at.abnormal,
            )
            starts = self._planner.plan(tuple(self._members.values()), standings, ground)
            self._sender.start_work(starts, at)
        price = self._tariff.at(at.now)
        outlook = self._planner.outlook
        return decide(
            Situation(
                now=at.now,
                now_s=at.now_s,
                slot=at.slots.first,
                price=price,
                rest=rest if known else NO_FLOW,
                basis=self._basis,
                usual_w=-outlook.surplus[0] if outlook is not None else 0.0,
                spared_w=sum(each.work.soon_w(at.now_s, self.context.resolution_s) for each in self._shiftable),
                standings=standings,
                limits=limits,
                curtailables=[
                    found[0] for member in self._inflexible if (found := curtailable(member, at)) is not None
                ],
                running=[work for member in self._shiftable if (work := running_work(member, at.now_s)) is not None],
                worthless=self._tariff.known and per_kwh(price.sold) <= float(self.config.curtail_at),
                batteries_feed_cars=self.config.battery_to_cars,
                batteries_feed_in=self.config.battery_to_grid,
            )
        )


def _outdated(standings: list[Standing], at: Circumstances) -> bool:
    """Whether a storage fares worse than its plan foresaw; looked at once a slot."""
    slot = at.slots.first
    for standing in standings:
        storage, plan = standing.storage, standing.member.plan
        if storage is not None and plan is not None and plan.first != slot and outdated(storage, plan, slot):
            return True
    return False
