"""The smart meter: it stands between the house and the grid and sees the sum of everything behind it."""

from efi.commodity import PHASE_POWER, Commodity, Phase, PowerValue
from efi.inflexible import InflexibleRegistration
from efi.measurement import EnergyReading
from efi.registration import DeviceClass, EnergyRole
from efpi_core.plugin.config import setting
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_core.plugin.observation import Observation, Quality
from efpi_driver_simulated.abilities.electricity import ELECTRICITY, roles
from efpi_driver_simulated.life import MAKER, Lifelike
from efpi_driver_simulated.physics.node import Node, Shares
from efpi_driver_simulated.settings import LifeSettings, PhaseChoice

SETTLE_S = 0.1
"""In a live house the meter waits so long for the others' values of one tick, so that it counts them together."""


class MeterSettings(LifeSettings):
    """The settings of a simulated smart meter."""

    phases: PhaseChoice = setting("three", title="Phases", description="The phases of the connection.")
    without: tuple[str, ...] = setting(
        (), title="Without", description="Appliances that hang elsewhere, or are counted already.", example=["shed"]
    )
    most_w: float = setting(
        1e6, title="Most", unit="W", description="No appliance can draw more; such values are nonsense.", gt=0, le=1e9
    )


class MeterDriver(Lifelike[MeterSettings], InflexibleDriver[MeterSettings]):
    """A smart meter at the connection: the sum of all other appliances' power, by phase, and the energy counters."""

    offer_name = "simulated.meter"
    title = "Smart meter"
    steerable = False
    model: Node

    def build(self, t: float) -> Node:
        """The node, with its counters as they stood."""
        kept = self.context.storage.get("counters")
        consumed, produced = kept if isinstance(kept, list) and len(kept) == 2 else (0.0, 0.0)
        node = Node(t, float(consumed), float(produced))  # type: ignore[arg-type]  # our own numbers
        self._settling = False
        self._told: dict[str, float] = {}
        self._count_at = t
        self._without = {*self.config.without, self.context.instance}
        self.context.observe("*.phases", self._wiring_told)
        self.context.observe("*.power", self._power_told)
        return node

    def register(self) -> InflexibleRegistration:
        """Who the meter is."""
        return InflexibleRegistration(
            **self.stamp(),
            name=self.title,
            device_class=DeviceClass.SMART_METER,
            manufacturer=MAKER,
            model="simulated",
            commodities=ELECTRICITY,
            roles=roles(EnergyRole.GRID),
            phases=self.on_phases,
            measures=tuple(PHASE_POWER[phase] for phase in self.on_phases),
        )

    def powers(self) -> tuple[PowerValue, ...]:
        """The power of each phase; of a single-phase connection, all of it."""
        if len(self.on_phases) == 1:
            return (PowerValue(quantity=PHASE_POWER[self.on_phases[0]], value=self.model.power_w),)
        by_phase = zip(self.on_phases, self.model.phase_powers_w(), strict=True)
        return tuple(PowerValue(quantity=PHASE_POWER[phase], value=power_w) for phase, power_w in by_phase)

    def counters(self) -> tuple[EnergyReading, ...]:
        """All that was ever drawn from the grid, and given to it, J; now and then."""
        if self.model.t < self._count_at:
            return ()
        self._count_at = self.repeats.end(self.model.t)
        reading = EnergyReading(
            commodity=Commodity.ELECTRICITY, consumed=self.model.consumed_j, produced=self.model.produced_j
        )
        return (reading,)

    def act(self, t: float) -> float:
        """Keep the counters now and then."""
        self.keep()
        return t + 900.0

    def keep(self) -> None:
        """Store the counters."""
        self.context.storage.put("counters", [self.model.consumed_j, self.model.produced_j])

    async def stop(self) -> None:
        """Keep the counters for the next life."""
        self.keep()

    def _wiring_told(self, observation: Observation) -> None:
        shares = read_wiring(str(observation.value))
        if shares is not None:
            self.model.wire(_name(observation), shares)
            self._count()

    def _power_told(self, observation: Observation) -> None:
        """Note what an appliance draws; one of which nothing is known draws nothing, and nonsense is not heard."""
        name, value = _name(observation), observation.value
        if name in self._without or not isinstance(value, int | float) or abs(value) > self.config.most_w:
            return
        self._told[name] = 0.0 if observation.quality is Quality.UNKNOWN else float(value)
        self._count()

    def _count(self) -> None:
        """Tell the new sum once everybody has spoken."""
        if not self._settling:
            self._settling = True
            if self.live:
                self.context.call_later(SETTLE_S, self._settled)
            else:
                self.context.soon(self._settled)

    def _settled(self) -> None:
        self._settling = False
        self.catch_up()
        self.model.draw(self._told)
        self._told = {}
        self.moved()


def _name(observation: Observation) -> str:
    return observation.name.partition(".")[0]


def read_wiring(text: str) -> Shares | None:
    """How an appliance hangs on the phases by its own word, as "l2" or "l1:0.5 l2:0.5"; None for nonsense."""
    shares = dict.fromkeys(Phase, 0.0)
    words = text.split()
    try:
        for word in words:
            phase, _, share = word.partition(":")
            shares[Phase(phase)] = float(share) if share else 1.0 / len(words)
    except ValueError:
        return None
    whole = sum(shares.values())
    if not 0.99 < whole < 1.01:
        return None
    return shares[Phase.L1], shares[Phase.L2], shares[Phase.L3]
