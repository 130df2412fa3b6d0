"""The emergency generator."""

from collections.abc import Iterable
from decimal import Decimal

from efi.commodity import Commodity, CommodityQuantity, PowerValue, electric, electric_quantity
from efi.messages import AnyUpdate
from efi.output_adjustable import OutputAdjustableRegistration, OutputAdjustableSystemDescription
from efi.registration import DeviceClass, EnergyRole, Role
from efpi_core.errors import RefusedError
from efpi_core.plugin.config import setting
from efpi_core.plugin.observation import ObservationSpec
from efpi_core.plugin.output_adjustable import ACTUATOR, OutputAdjustableDriver
from efpi_driver_simulated.abilities import generator as abilities
from efpi_driver_simulated.abilities.electricity import limits, one_of
from efpi_driver_simulated.abilities.generator import M3_PER_LITRE
from efpi_driver_simulated.life import MAKER, Lifelike
from efpi_driver_simulated.physics.generator import Generator, GeneratorSize
from efpi_driver_simulated.physics.piecewise import Refused, grain
from efpi_driver_simulated.settings import LifeSettings

FUEL_WORTH_TELLING_L = 0.05


class GeneratorSettings(LifeSettings):
    """The settings of a simulated emergency generator."""

    most_w: float = setting(4000.0, title="Output", unit="W", description="At most.", ge=200, le=1e7)
    tank_l: float = setting(20.0, title="Tank", unit="l", description="Fuel when full.", gt=0, le=1e5)
    fuel_per_litre: Decimal = setting(
        Decimal("1.80"), title="Fuel price", description="Of a litre, in the site's currency.", ge=0, le=100
    )
    start_s: float = setting(20.0, title="Start-up", unit="s", description="From order to output.", ge=0, le=3600)
    run_s: float = setting(300.0, title="Least run", unit="s", description="Least time with output.", ge=0, le=86400)
    rest_s: float = setting(60.0, title="Least rest", unit="s", description="Between two runs.", ge=0, le=86400)
    emergencies_only: bool = setting(
        True, title="Emergencies only", description="Whether it starts only in an emergency of the grid."
    )

    def size(self) -> GeneratorSize:
        """The generator as its model wants it."""
        return GeneratorSize(
            most_w=grain(self.most_w),
            tank_l=self.tank_l,
            start_s=self.start_s,
            run_s=self.run_s,
            rest_s=self.rest_s,
        )


class GeneratorDriver(Lifelike[GeneratorSettings], OutputAdjustableDriver[GeneratorSettings]):
    """An emergency generator: slow to start, bound to run for a while, dear in fuel, with a tank that runs dry."""

    offer_name = "simulated.generator"
    title = "Emergency generator"
    model: Generator

    def build(self, t: float) -> Generator:
        """The generator, with a full tank."""
        self._told_fuel_l = -1.0
        self._told_flow_m3_s = 0.0
        self.context.declare(ObservationSpec(f"{self.context.instance}.fuel", "l", "number", "Fuel in the tank"))
        generator = Generator(one_of(self.config.size()), t)
        if self.lived_before:
            generator.may_start_at = t + generator.size.rest_s
        return generator

    def register(self) -> OutputAdjustableRegistration:
        """Who the generator is."""
        return OutputAdjustableRegistration(
            **self.stamp(),
            name=self.title,
            device_class=DeviceClass.GENERATOR,
            manufacturer=MAKER,
            model="simulated",
            commodities=(Commodity.ELECTRICITY, Commodity.OIL),
            roles=(
                Role(commodity=Commodity.ELECTRICITY, role=EnergyRole.PRODUCER),
                Role(commodity=Commodity.OIL, role=EnergyRole.CONSUMER),
            ),
            phases=self.on_phases,
            power_limits=limits(-self.model.size.most_w, self.model.size.standby_w, self.on_phases),
            currency=self.context.site.currency,
            measures=(electric_quantity(self.on_phases), CommodityQuantity.OIL_FLOW),
        )

    def powers(self) -> tuple[PowerValue, ...]:
        """The electricity, and the fuel when it flows or has just stopped."""
        power, flow_m3_s = electric(self.model.power_w, self.on_phases), self._fuel_flow()
        if flow_m3_s == self._told_flow_m3_s == 0.0:
            return power
        self._told_flow_m3_s = flow_m3_s
        return (*power, PowerValue(quantity=CommodityQuantity.OIL_FLOW, value=flow_m3_s))

    def _fuel_flow(self) -> float:
        if self.model.stage == "off":
            return 0.0
        return self.model.size.fuel_l_per_s(max(-self.model.power_w, 0.0)) * M3_PER_LITRE

    def describe(self) -> Iterable[AnyUpdate]:
        """Off, and running between its least and its most output."""
        size, emergencies_only = self.model.size, self.config.emergencies_only
        yield OutputAdjustableSystemDescription(
            **self.valid_now(),
            modes=abilities.modes(size, self.on_phases, self.config.fuel_per_litre, emergencies_only=emergencies_only),
            timers=abilities.timers(size),
            transitions=abilities.transitions(size, emergencies_only=emergencies_only),
        )

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Start, run at an output, or stop."""
        await self.obey()
        self._order(mode_id, factor)

    def _order(self, mode_id: str, factor: float | None) -> None:
        size = self.model.size
        output_w = size.least_w + (factor or 0.0) * (size.most_w - size.least_w) if mode_id == "run" else 0.0
        try:
            self.model.order(output_w)
        except Refused as refusal:
            raise RefusedError(refusal.reason) from refusal
        self.tracker(ACTUATOR).enter(mode_id, factor, self.context.now())
        self.moved()

    async def safe_state(self) -> None:
        """Stop; where the least run forbids it, as soon as that is over."""
        self.catch_up()
        if self.model.stage not in ("starting", "running"):
            return
        try:
            self._order("off", None)
        except RefusedError:
            self.context.call_later(max(self.model.may_stop_at - self.model.t, 1.0), self.if_still_alone)

    async def if_still_alone(self) -> None:
        """Stop after all, if nobody has taken the generator meanwhile."""
        if self.app is None:
            await self.safe_state()

    def follow(self) -> None:
        """Tell a stop by an empty tank, and how much fuel is left."""
        tracker, stands = self.tracker(ACTUATOR), self.model.stage in ("off", "cooling")
        if stands and tracker.mode_id == "run":
            tracker.enter("off", None, self.context.now())
            self.give_up_allocations("the tank is empty")
            self.report()
        elif self._told_fuel_l < 0.0:
            self.report()
        fuel_l = round(self.model.fuel_l, 3)
        if abs(fuel_l - self._told_fuel_l) >= FUEL_WORTH_TELLING_L:
            self._told_fuel_l = fuel_l
            self.context.publish(f"{self.context.instance}.fuel", fuel_l)

    def report(self) -> None:
        """Tell how it runs."""
        self.tell_state()
