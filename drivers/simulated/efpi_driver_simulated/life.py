"""What the drivers of all simulated appliances share: they live with their model, and speak when something changed."""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import inf, nan

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.commodity import Phase, PowerValue, electric
from efi.measurement import EnergyReading, Measurement
from efpi_core.clock import TimerHandle
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.context import Context
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.observation import Observation, ObservationSpec
from efpi_core.plugin.plugin import ConfigT
from efpi_driver_simulated.abilities.electricity import one_of
from efpi_driver_simulated.faults import FaultKind, FaultPlan, FaultSetting, read_order
from efpi_driver_simulated.physics.piecewise import Piecewise
from efpi_driver_simulated.physics.slots import Slots
from efpi_driver_simulated.settings import ON_PHASES, LifeSettings

MICROSECOND = timedelta(microseconds=1)
MAKER = "efpi"
NONSENSE_W = 1e12
REPEAT_TICKS = 6
"""In a live house an unchanged power is told again after so many ticks."""
LIVE_S = 60.0
"""A resolution below this belongs to a live house."""
SIMULATED_REPEAT_S = 900.0
"""In a simulation, where a value holds until the next, it is told again so rarely."""
LONGEST_LEAP_S = 86400.0
"""A clock that is suddenly so much later was set, and the time between is not lived through."""
LONGEST_SLIP_S = 1.0
"""A clock may step back so much without being taken to have jumped."""
LEAST_WAIT_S = 0.001
"""A live house need not be truer than that; an instant between two microseconds would be missed again and again."""
ALONE_AFTER_S = 30.0
"""An appliance that no energy app has taken by then goes its own way."""


def instant_of(moment: datetime) -> float:
    """Seconds since the epoch, the axis on which the models live."""
    return moment.timestamp()


def moment_of(instant: float) -> datetime:
    """The first moment of the clock, which counts microseconds, that is not before an instant."""
    moment = datetime.fromtimestamp(instant, UTC)
    return moment if moment.timestamp() >= instant else moment + MICROSECOND


class Lifelike(SingleApplianceDriver[ConfigT]):
    """A simulated appliance. It wakes when its model changes, when it has something to do, and at each tick.

    The tick is the context's resolution, on the grid of the epoch, so that the values of all appliances are told at
    the same instants.
    """

    model: Piecewise

    # --- what an appliance adds

    @abstractmethod
    def build(self, t: float) -> Piecewise:
        """The appliance itself, at its beginning."""

    async def prepare(self) -> None:
        """Get what `build` needs."""

    def act(self, t: float) -> float:
        """Do what is due at `t`, beyond what the model does itself; the answer is when to act again."""
        return inf

    def follow(self) -> None:
        """The model may have moved: tell what changed beside its power."""

    def powers(self) -> tuple[PowerValue, ...]:
        """What flows at the connection now."""
        return electric(self.model.power_w, self.on_phases)

    def counters(self) -> tuple[EnergyReading, ...]:
        """Counters that are told with the power."""
        return ()

    # --- life

    def install(self, config: PluginConfig, context: Context) -> None:
        """Take settings and context; for the host."""
        super().install(one_of(config), context)
        self.settings = self.config if isinstance(self.config, LifeSettings) else LifeSettings()
        self.on_phases: tuple[Phase, ...] = ON_PHASES[self.settings.phases]
        self.fault: FaultSetting | None = None
        self._fault_until = self._act_at = -inf
        self._told_w, self._repeat_at = nan, -inf
        self._alarm: TimerHandle | None = None
        resolution = max(context.resolution_s, 0.5)
        self.slots = one_of(Slots(resolution))
        """The grid of the ticks."""
        self.live = resolution < LIVE_S
        self.repeats = one_of(Slots(resolution * REPEAT_TICKS if self.live else max(resolution, SIMULATED_REPEAT_S)))
        """The grid on which an unchanged power is told again."""

    @cached_property
    def lived_before(self) -> bool:
        """Whether there was a life before this one, of which nobody knows how it left the appliance."""
        lived = self.context.storage.get("lived") is not None
        self.context.storage.put("lived", True)
        return lived

    @cached_property
    def seed(self) -> int:
        """What fixes the residents' doings with it: as set, as kept from earlier lives, or drawn now."""
        kept = self.context.storage.get("seed")
        if self.settings.seed is not None:
            return self.settings.seed
        if isinstance(kept, int):
            return kept
        drawn = self.context.random.getrandbits(31)
        self.context.storage.put("seed", drawn)
        return drawn

    async def start(self) -> None:
        """Come to life; for the host."""
        self.context.declare(ObservationSpec(f"{self.context.instance}.phases", kind="text", title="Phases"))
        self.tell_wiring(self.on_phases)
        if self.settings.obey_faults_of:
            self.context.observe(f"{self.settings.obey_faults_of}.misbehave", self._ordered_to_misbehave)
        self.degraded: tuple[str, str] | None = None
        await self.prepare()
        self._begin(self.now_s())
        self._appear()
        self._wake()
        self.context.call_later(ALONE_AFTER_S, self.if_alone)

    async def poll(self) -> None:
        """A simulated appliance is not asked: it wakes by itself."""

    def tell_wiring(self, phases: tuple[Phase, ...], shares: tuple[float, ...] = ()) -> None:
        """Say on which phases the appliance hangs, and with what shares if not alike, so that the meter sees them."""
        words = [phase.value for phase in phases]
        if shares:
            words = [f"{word}:{share!r}" for word, share in zip(words, shares, strict=True)]
        self.context.publish(f"{self.context.instance}.phases", " ".join(words))

    def now_s(self) -> float:
        """Now, on the model's axis."""
        return instant_of(self.context.now())

    def catch_up(self) -> float:
        """Bring the model to now; the answer is now. Where the clock jumped, the model begins anew there."""
        t = self.now_s()
        ahead_s = t - self.model.t
        if ahead_s > LONGEST_LEAP_S or ahead_s < -LONGEST_SLIP_S:
            self.context.log.warning(f"the clock jumped by {ahead_s:.0f} s; the simulated appliance goes on from there")
            self.keep()
            self._begin(t)
            if self.present:
                self.describe_anew()
        else:
            self.model.advance_to(max(t, self.model.t))
        return self.model.t

    def keep(self) -> None:
        """Store what the next life needs."""

    def _begin(self, t: float) -> None:
        self._begun_at = t
        self._fault_until = self._act_at = -inf
        self.__dict__.pop("_faults", None)
        self.model = self.build(t)
        self._told_w = nan

    def _appear(self) -> None:
        self.found()
        if self.degraded is not None:
            problem, cure = self.degraded
            self.context.condition(ConditionState.DEGRADED, "built_in_tables", problem, cure, self.appliance_id)
        self._told_w = nan

    def _wake(self) -> None:
        t = self.catch_up()
        if t >= self._fault_until:
            self._turn_fault(t)
        if t >= self._act_at:
            self._act_at = self.act(t)
        self.moved()
        if self.fault is not None and self.fault.kind is FaultKind.GARBAGE:
            self._talk_nonsense()

    def moved(self) -> None:
        """Tell what changed and arrange the next wake-up; after every order, too."""
        t = self.model.t
        if self.present:
            self.follow()
            if self.model.power_w != self._told_w or t >= self._repeat_at:
                self._told_w, self._repeat_at = self.model.power_w, self.repeats.end(t)
                self.measure(self.powers(), self.counters())
        if self._alarm is not None:
            self._alarm.cancel()
        when = max(min(self.model.until, self.next_tick(t), self._act_at, self._fault_until), t)
        if self.live:
            self._alarm = self.context.call_later(max(when - self.now_s(), LEAST_WAIT_S), self._wake)
        else:
            self._alarm = self.context.call_at(moment_of(when), self._wake)

    def next_tick(self, t: float) -> float:
        """When to look again though nothing changed by itself; an appliance whose level moves looks at each tick."""
        return self.repeats.end(t)

    async def if_alone(self) -> None:
        """Run as the appliance would by itself if no energy app has taken it."""
        if self.app is None and self.present:
            await self.fallback()

    def give_up_allocations(self, text: str) -> None:
        """End all that was asked, because the appliance cannot do it any more."""
        for allocation_id in tuple(self._allocations):
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, text)

    # --- orders and their hindrances

    async def obey(self) -> None:
        """Bring the model to now and let a fault stand in the way of an order; call it first in each order.

        Raises TryAgainError when the appliance is to be offline, RefusedError when it is to refuse.
        """
        if self.fault is not None:
            if self.fault.kind is FaultKind.OFFLINE:
                raise TryAgainError("the simulated appliance does not answer", "wait until its fault is over")
            if self.fault.kind is FaultKind.REFUSE:
                raise RefusedError("the simulated appliance is told to refuse")
            if self.fault.kind is FaultKind.SLOW:
                await self.context.sleep(self.fault.delay_s)
        self.catch_up()

    def _ordered_to_misbehave(self, observation: Observation) -> None:
        order = read_order(str(observation.value))
        if order is not None and order[0] == self.context.instance:
            t = self.catch_up()
            self._faults.order(order[1], t)
            self._turn_fault(t)
            self.moved()

    @cached_property
    def _faults(self) -> FaultPlan:
        return FaultPlan(self.settings.faults, self.seed, self._begun_at)

    def _turn_fault(self, t: float) -> None:
        if not (self.settings.faults or self.settings.obey_faults_of):
            self._fault_until = inf
            return
        before = self.fault
        self.fault, self._fault_until = self._faults.at(t)
        if self.fault is before:
            return
        if self.fault is not None and self.fault.kind is FaultKind.OFFLINE:
            self.lost("the simulated appliance does not answer", "wait until its fault is over", "fault")
            self.context.call_later(0.0, self.safe_state)
        elif not self.present:
            self._appear()
            self.report()

    def _talk_nonsense(self) -> None:
        """Say what no sane appliance says: an absurd power, an unregistered commodity, the status of no allocation."""
        self._told_w = nan
        self.measure(NONSENSE_W)
        self.tell(
            Measurement(
                **self.stamp(),
                measured_at=self.context.now() + timedelta(days=400),
                values=(PowerValue(quantity="hydrogen.flow_rate", value=-1.0),),  # type: ignore[arg-type]  # coerced
            )
        )
        status = AllocationStatus.FINISHED
        self.tell(
            AllocationStatusUpdate(**self.stamp(), allocation_id="nobody_asked", status=status, text="\u2603" * 99)
        )
