"""A battery as an appliance: a storage that can be steered, or one that is measured only."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from efi.allocation import AllocationStatus
from efi.commodity import Commodity, ValueRange, electric_range
from efi.inflexible import InflexibleRegistration
from efi.messages import AnyUpdate
from efi.registration import DeviceClass, EnergyRole
from efi.running_mode import Transition
from efi.storage import (
    Actuator,
    ActuatorBehaviour,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_core.plugin.storage import StorageAppliance
from efpi_driver_sunspec.appliances import SunSpecAppliance
from efpi_driver_sunspec.battery import Battery, BatteryState, Ratings
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.config import UnitConfig
from efpi_driver_sunspec.control import Control
from efpi_driver_sunspec.controlled import Keeper
from efpi_driver_sunspec.device import ALL, Values
from efpi_driver_sunspec.errors import NotProvenError, UnitRefusedError
from efpi_driver_sunspec.flow import Fact, Flow
from efpi_driver_sunspec.section import Identity
from efpi_driver_sunspec.telling import WH_J, Teller, who

ACTUATOR = "battery"
IDLE, CHARGE, DISCHARGE = "idle", "charge", "discharge"
FULL = 100.0
"""The fill level is told in percent."""

STANDBY_W = 30.0
"""A battery left to itself that draws or gives less than this is idle."""

TELL_LEVEL_AFTER = timedelta(seconds=30)
LEVEL_STEP = 0.1


def tell_unknown_power(appliance: Appliance, state: BatteryState, told: bool) -> bool:
    """Report once that the battery's own power is not known; returns whether that is so."""
    if state.power_w is None and not told:
        appliance.context.condition(
            ConditionState.DEGRADED,
            "power_unknown",
            "the device does not tell the battery's own power: it is contained in the inverter's",
            "update the device's firmware, or measure the battery by a meter of its own",
            appliance.appliance_id,
        )
    return state.power_w is None


class BatteryAppliance(StorageAppliance):
    """A battery that follows a power while an energy app is in control, and its own ways otherwise."""

    def __init__(
        self,
        config: UnitConfig,
        identity: Identity,
        every_s: float,
        battery: Battery,
        ratings: Ratings,
        control: Control,
    ) -> None:
        self.config = config
        self.identity = identity
        self.safe_fallback = control.has_timer
        self._every_s = every_s
        self._battery = battery
        self._ratings = ratings
        self._control = control
        self._level: float | None = None
        self._told: tuple[float, str, float | None] | None = None
        self._told_at: datetime | None = None
        self._complains = False

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self.teller = Teller(self, self._every_s)
        self._keeper = Keeper(self, self._control)

    @property
    def charge_w(self) -> float:
        """What it can draw at most."""
        return self._ratings.charge_w or 0.0

    @property
    def discharge_w(self) -> float:
        """What it can give at most."""
        return self._ratings.discharge_w or 0.0

    def register(self) -> StorageRegistration:
        """A stationary battery with one actuator."""
        return StorageRegistration(
            **self.stamp(),
            **who(self.identity, self.config.name, "battery", DeviceClass.STATIONARY_BATTERY, EnergyRole.STORAGE),
            power_limits=electric_range(-self.discharge_w, self.charge_w),
            fill_level_label="State of charge",
            fill_level_unit="%",
            actuators=(Actuator(actuator_id=ACTUATOR, label="Battery", commodities=(Commodity.ELECTRICITY,)),),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        """Idle, charging and discharging, each reachable from each; the level moves with efficiency and capacity."""
        modes = (
            self._mode(IDLE, 0.0, 0.0, 0.0, FULL),
            self._mode(CHARGE, self.charge_w, self.config.charge_efficiency, 0.0, self._ratings.highest),
            self._mode(DISCHARGE, -self.discharge_w, 1 / self.config.discharge_efficiency, self._ratings.lowest, FULL),
        )
        names = (IDLE, CHARGE, DISCHARGE)
        ways = tuple(Transition(from_mode=a, to_mode=b) for a in names for b in names if a != b)
        yield StorageSystemDescription(
            **self.valid_now(),
            fill_level_range=NumberRange(lower=0.0, upper=FULL),
            actuators=(ActuatorBehaviour(actuator_id=ACTUATOR, modes=modes, transitions=ways),),
        )

    def _mode(self, mode_id: str, power_w: float, efficiency: float, lowest: float, highest: float) -> StorageMode:
        capacity_wh = self.config.capacity_wh or self._ratings.capacity_wh or 0.0
        rate = FULL * power_w * efficiency / (capacity_wh * WH_J)
        element = StorageModeElement(
            fill_level_range=NumberRange(lower=lowest, upper=highest),
            power=electric_range(0.0, power_w),
            fill_rate=ValueRange(start=0.0, end=rate),
        )
        return StorageMode(mode_id=mode_id, label=mode_id.capitalize(), elements=(element,))

    def wanted(self) -> dict[Found, frozenset[str]]:
        """Level and power, and the state of the control while it is engaged."""
        wanted = self._battery.wanted()
        if self._keeper.engaged:
            wanted[self._control.found] = ALL
        return wanted

    def update(self, values: Values) -> None:
        """Tell power, level, mode and facts."""
        state = self._battery.state(values)
        self.teller.measure(Flow(state.power_w))
        self._complains = tell_unknown_power(self, state, self._complains)
        self.teller.facts(*state.facts, Fact("setpoint", "W", "number", self._control.target_w))
        if state.level is not None:
            self._level = state.level
        if not self._keeper.engaged and state.power_w is not None:
            self._follow_measured(state.power_w)
        self._report_changes()

    def _follow_measured(self, power_w: float) -> None:
        """Nobody steers: the mode is what the battery is seen to do."""
        tracker = self.trackers.get(ACTUATOR)
        if tracker is None:
            return
        mode, full_w = (CHARGE, self.charge_w) if power_w > 0 else (DISCHARGE, self.discharge_w)
        if abs(power_w) < STANDBY_W or full_w <= 0:
            tracker.enter(IDLE, None, self.context.now())
        else:
            tracker.enter(mode, round(min(1.0, abs(power_w) / full_w), 2), self.context.now())

    def _report_changes(self) -> None:
        tracker, now = self.trackers.get(ACTUATOR), self.context.now()
        if tracker is None or self._level is None:
            return
        current = (round(self._level / LEVEL_STEP) * LEVEL_STEP, tracker.mode_id, tracker.factor)
        if current != self._told or self._told_at is None or now - self._told_at >= TELL_LEVEL_AFTER:
            self.report()

    def report(self) -> None:
        """Tell level and mode."""
        tracker = self.trackers.get(ACTUATOR)
        if self._level is None or tracker is None:
            return
        self._told = (round(self._level / LEVEL_STEP) * LEVEL_STEP, tracker.mode_id, tracker.factor)
        self._told_at = self.context.now()
        self.tell_state(self._level)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Make the battery follow a power, and prove it."""
        full_w = {CHARGE: self.charge_w, DISCHARGE: -self.discharge_w}.get(mode_id, 0.0)
        await self._keeper.follow(full_w * (1.0 if factor is None else factor))

    async def maintain(self, values: Values) -> None:
        """Renew the setpoint."""
        try:
            await self._keeper.maintain(values)
        except (NotProvenError, UnitRefusedError) as error:
            self._keeper.complain(error)
            for allocation_id in tuple(self._allocations):
                self.end_allocation(allocation_id, AllocationStatus.ABORTED, error.problem)

    def lost(self, text: str, cure: str = "", detail: str = "no_answer") -> None:
        """The device is out of reach; what it was asked for ends."""
        self._keeper.abandon()
        super().lost(text, cure, detail)

    async def fallback(self) -> None:
        """Nobody steers: the battery does as it was set up to do."""
        await self._keeper.let_go()

    async def safe_state(self) -> None:
        """The battery is left to itself, and that is proved."""
        await self._keeper.release()


class MeasuredBattery(SunSpecAppliance):
    """A battery that offers no control by Modbus, or does not say enough of itself to be steered."""

    def __init__(
        self, config: UnitConfig, identity: Identity, every_s: float, battery: Battery, why: str, cure: str
    ) -> None:
        super().__init__(config, identity, every_s)
        self._battery = battery
        self._complains = False
        self._why = why
        self._cure = cure

    def register(self) -> InflexibleRegistration:
        """A storage without freedom."""
        introduced = who(self.identity, self.config.name, "battery", DeviceClass.STATIONARY_BATTERY, EnergyRole.STORAGE)
        return InflexibleRegistration(**self.stamp(), **introduced)

    def found(self) -> None:
        """The device answers; it is told that it can only be measured, and why."""
        new = not self.present
        super().found()
        if new:
            self.context.condition(ConditionState.OK, "measured_only", self._why, self._cure, self.appliance_id)

    def wanted(self) -> dict[Found, frozenset[str]]:
        """Level and power."""
        return self._battery.wanted()

    def update(self, values: Values) -> None:
        """Tell power, level and facts."""
        state: BatteryState = self._battery.state(values)
        self.teller.measure(Flow(state.power_w))
        self._complains = tell_unknown_power(self, state, self._complains)
        self.teller.facts(*state.facts, Fact("fill_level", "%", "number", state.level))
