"""The troublemaker: an instance without an appliance that makes others misbehave while the house runs."""

from math import inf

from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.driver import Driver
from efpi_core.plugin.observation import ObservationSpec
from efpi_driver_simulated.faults import FaultPlan, FaultSetting
from efpi_driver_simulated.life import instant_of, moment_of


class Victim(PluginConfig):
    """An instance and how it is to misbehave."""

    instance: str = setting(title="Instance", description="It must name this troublemaker in `obey_faults_of`.")
    faults: tuple[FaultSetting, ...] = setting(title="Faults", description="How and when.", min_length=1, max_length=20)


class TroubleSettings(PluginConfig):
    """The settings of a troublemaker; applying changed ones restarts it alone."""

    victims: tuple[Victim, ...] = setting(title="Victims", description="Who is to misbehave.", min_length=1)
    seed: int = setting(1, title="Seed", description="Fixes when chance strikes.", ge=0)


class TroubleDriver(Driver[TroubleSettings]):
    """Makes simulated appliances misbehave on request, without restarting them."""

    offer_name = "simulated.trouble"
    title = "Troublemaker"

    async def start(self) -> None:
        """Begin to watch the clock."""
        t = instant_of(self.context.now())
        seed, victims = self.config.seed, self.config.victims
        self._plans = [FaultPlan(victim.faults, seed + place, t) for place, victim in enumerate(victims)]
        self._under_way: list[FaultSetting | None] = [None] * len(self._plans)
        self.context.declare(ObservationSpec(f"{self.context.instance}.misbehave", kind="text", title="Order"))
        self._look()

    def _look(self) -> None:
        t, again = instant_of(self.context.now()), inf
        for place, plan in enumerate(self._plans):
            fault, until = plan.at(t)
            again = min(again, until)
            if fault is not self._under_way[place]:
                self._under_way[place] = fault
                if fault is not None:
                    order = f"{self.config.victims[place].instance} {fault.kind} {fault.lasts_s:g}"
                    self.context.publish(f"{self.context.instance}.misbehave", order)
        if again < inf:
            self.context.call_at(moment_of(again), self._look)
