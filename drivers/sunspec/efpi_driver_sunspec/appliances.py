"""The appliances that a SunSpec device is: panels, a battery, a meter, each with its control space."""

from collections.abc import Iterable

from efi.allocation import AllocationStatus
from efi.commodity import CommodityQuantity, Phase, electric_range
from efi.inflexible import CurtailmentOption, InflexibleCurtailmentOptions, InflexibleRegistration, LimitKind
from efi.messages import AnyUpdate
from efi.registration import DeviceClass, EnergyRole
from efi.types import NumberRange
from efpi_core.errors import RefusedError
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_core.plugin.inflexible import InflexibleAppliance
from efpi_driver_sunspec.battery import Battery
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.config import UnitConfig
from efpi_driver_sunspec.controlled import Keeper
from efpi_driver_sunspec.device import ALL, Values
from efpi_driver_sunspec.errors import NotProvenError, UnitRefusedError
from efpi_driver_sunspec.flow import Fact, Flow
from efpi_driver_sunspec.inverter import ONE_PHASE, THREE_PHASE, Inverter
from efpi_driver_sunspec.limit import Limit
from efpi_driver_sunspec.meter import Meter
from efpi_driver_sunspec.section import Identity
from efpi_driver_sunspec.telling import PHASES, Teller, who


class SunSpecAppliance(InflexibleAppliance):
    """An appliance that is measured; nothing of it can be controlled unless a subclass says so."""

    steerable = False

    def __init__(self, config: UnitConfig, identity: Identity, every_s: float) -> None:
        self.config = config
        self.identity = identity
        self._every_s = every_s

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self.teller = Teller(self, self._every_s)

    def wanted(self) -> dict[Found, frozenset[str]]:
        """What is read of the device at each poll."""
        return {}

    def update(self, values: Values) -> None:
        """Tell what was read."""

    async def maintain(self, values: Values) -> None:
        """Keep the device's control alive; called after each poll."""


class MeterAppliance(SunSpecAppliance):
    """What a meter measures: the connection to the grid, a consumer or a producer."""

    def __init__(self, config: UnitConfig, identity: Identity, every_s: float, meter: Meter, role: EnergyRole) -> None:
        super().__init__(config, identity, every_s)
        self.meter = meter
        self.role = role

    def register(self) -> InflexibleRegistration:
        """A smart meter in the role that the settings give it."""
        phases = tuple(Phase) if self.meter.phase_count == len(Phase) else ()
        introduced = who(self.identity, self.config.name, "meter", DeviceClass.SMART_METER, self.role)
        return InflexibleRegistration(**self.stamp(), **introduced, phases=phases)

    def wanted(self) -> dict[Found, frozenset[str]]:
        """The meter's measurements."""
        return self.meter.wanted()

    def update(self, values: Values) -> None:
        """Tell power, energy and facts."""
        flow = self.meter.flow(values)
        self.teller.measure(flow)
        self.teller.facts(*flow.facts)


class PvAppliance(SunSpecAppliance):
    """Panels behind an inverter; what a battery behind the same inverter does is taken out of their power."""

    def __init__(
        self,
        config: UnitConfig,
        identity: Identity,
        every_s: float,
        inverter: Inverter,
        battery: Battery | None,
        limit: Limit | None,
    ) -> None:
        super().__init__(config, identity, every_s)
        self.inverter = inverter
        self._battery = battery
        self._limit = limit
        self.steerable = limit is not None
        self.safe_fallback = limit is None or limit.has_timer
        self._battery_w = 0.0
        self._bound_w: float | None = None

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self._keeper = None if self._limit is None else Keeper(self, self._limit)

    def register(self) -> InflexibleRegistration:
        """A producer with the inverter's rating."""
        number, rated = self.inverter.found.id, self.inverter.rated_w
        phases: tuple[Phase, ...] = tuple(Phase) if number in THREE_PHASE else ()
        if number in ONE_PHASE and self.inverter.connected_phase in PHASES:
            phases = (PHASES[self.inverter.connected_phase],)
        return InflexibleRegistration(
            **self.stamp(),
            **who(self.identity, self.config.name, "", DeviceClass.PV_PANEL, EnergyRole.PRODUCER),
            phases=phases,
            power_limits=() if rated is None else electric_range(-rated, 0.0),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        """A lower bound on the power, that is an upper one on the production, wherever a limit can be set."""
        options: tuple[CurtailmentOption, ...] = ()
        if self._limit is not None:
            range_w = NumberRange(lower=-self._limit.rated_w, upper=0.0)
            option = CurtailmentOption(
                quantity=CommodityQuantity.ELECTRIC_POWER, limit=LimitKind.LOWER, ranges=(range_w,)
            )
            options = (option,)
        yield InflexibleCurtailmentOptions(**self.valid_now(), options=options)

    def found(self) -> None:
        """The device answers; it is told when it cannot be limited."""
        new = not self.present
        super().found()
        if new and self._limit is None:
            self.context.condition(
                ConditionState.OK,
                "not_curtailable",
                "the inverter offers no power limit by Modbus, or does not tell its rated power: it is measured only",
                "allow control by Modbus in its settings if it has such",
                self.appliance_id,
            )

    def wanted(self) -> dict[Found, frozenset[str]]:
        """The inverter's measurements, and the limit's state while one is set."""
        wanted = self.inverter.wanted() | (self._battery.wanted() if self._battery is not None else {})
        if self._keeper is not None and self._keeper.engaged:
            wanted[self._keeper.control.found] = ALL
        return wanted

    def update(self, values: Values) -> None:
        """Tell power, energy and facts."""
        flow = self.inverter.flow(values)
        by_phase = flow.phases_w
        battery_w = None if self._battery is None else self._battery.state(values).power_w
        power_w = flow.power_w
        if power_w is not None and battery_w is not None:
            power_w, by_phase = power_w - battery_w, ()
        self._battery_w = battery_w or 0.0
        on = PHASES.get(self.inverter.connected_phase or "") if self.inverter.found.id in ONE_PHASE else None
        energy = flow if self._battery is None else Flow(power_w)
        self.teller.measure(Flow(power_w, by_phase, energy.consumed, energy.produced), on)
        limit = None if self._keeper is None else self._keeper.control.target_w
        self.teller.facts(*flow.facts, Fact("limit", "W", "number", limit))

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        """Bound the production to -`lower` W, or free it."""
        if self._keeper is None or self._limit is None:
            raise RefusedError("this inverter offers no power limit by Modbus")
        if quantity is not CommodityQuantity.ELECTRIC_POWER:
            raise RefusedError(f"{quantity.value} cannot be limited; limit {CommodityQuantity.ELECTRIC_POWER.value}")
        if upper is not None and upper < 0:
            raise RefusedError("sunshine cannot be asked for: leave the upper bound at 0 or free")
        if lower is None or lower <= -self._limit.rated_w:
            self._bound_w = None
            await self._keeper.release()
            return
        self._bound_w = max(0.0, -lower)
        await self._keeper.follow(self._inverter_limit_w(self._bound_w))

    def _inverter_limit_w(self, bound_w: float) -> float:
        """The limit for the whole inverter by which its panels give at most `bound_w`, whatever its battery does."""
        return max(0.0, bound_w - self._battery_w)

    async def maintain(self, values: Values) -> None:
        """Renew the limit, and move it along with what the battery behind the inverter does."""
        if self._keeper is None:
            return
        try:
            await self._keeper.maintain(values)
            if self._bound_w is not None and self._keeper.control.target_w is not None:
                target_w = self._inverter_limit_w(self._bound_w)
                if not self._keeper.control.near(target_w):
                    await self._keeper.follow(target_w)
        except (NotProvenError, UnitRefusedError) as error:
            self._keeper.complain(error)
            for allocation_id in tuple(self._allocations):
                self.end_allocation(allocation_id, AllocationStatus.ABORTED, error.problem)

    def lost(self, text: str, cure: str = "", detail: str = "no_answer") -> None:
        """The device is out of reach; what it was asked for ends."""
        if self._keeper is not None:
            self._keeper.abandon()
        super().lost(text, cure, detail)

    async def fallback(self) -> None:
        """Nobody asks for anything: the limit goes, now or as soon as the inverter can be reached."""
        self._bound_w = None
        if self._keeper is not None:
            await self._keeper.let_go()

    async def safe_state(self) -> None:
        """The limit is removed and the removal proved."""
        self._bound_w = None
        if self._keeper is not None:
            await self._keeper.release()
