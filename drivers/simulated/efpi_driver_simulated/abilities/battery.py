"""What a home battery can do."""

from decimal import Decimal
from functools import lru_cache
from itertools import permutations

from efi.commodity import Phase, PowerRange, ValueRange, electric_quantity
from efi.running_mode import CostRange, Transition
from efi.storage import ActuatorBehaviour, LeakageElement, StorageMode, StorageModeElement
from efi.types import MONEY_PLACES, NumberRange
from efpi_driver_simulated.abilities.electricity import MAIN
from efpi_driver_simulated.physics.battery import BatterySize

J_PER_KWH = Decimal(3_600_000)


@lru_cache(maxsize=64)
def behaviour(size: BatterySize, phases: tuple[Phase, ...], wear_per_kwh: Decimal) -> ActuatorBehaviour:
    """Rest, charge, discharge; from each to each other at once."""
    reserve, taper = size.reserve_share * 100.0, size.taper_share * 100.0
    wear = CostRange.point((wear_per_kwh / J_PER_KWH).quantize(MONEY_PLACES))

    def element(lower: float, upper: float, start_w: float, end_w: float) -> StorageModeElement:
        efficiency = size.charge_efficiency if start_w > 0.0 else 1.0 / size.discharge_efficiency
        per_j = efficiency * 100.0 / size.capacity_j
        return StorageModeElement(
            fill_level_range=NumberRange(lower=lower, upper=upper),
            fill_rate=ValueRange(start=start_w * per_j, end=end_w * per_j),
            power=(PowerRange(quantity=electric_quantity(phases), start=start_w, end=end_w),),
            energy_cost=wear,
        )

    rest = StorageModeElement(
        fill_level_range=NumberRange(lower=0.0, upper=100.0),
        fill_rate=ValueRange.point(0.0),
        power=(PowerRange(quantity=electric_quantity(phases), start=size.standby_w, end=size.standby_w),),
    )
    charging = (
        element(0.0, taper, size.least_w, size.charge_w),
        element(taper, 100.0, size.least_w, size.tapered_w(size.charge_w)),
    )
    discharging = (element(reserve, 100.0, -size.least_w, -size.discharge_w),)
    return ActuatorBehaviour(
        actuator_id=MAIN,
        modes=(
            StorageMode(mode_id="idle", label="Rest", elements=(rest,)),
            StorageMode(mode_id="charge", label="Charge", elements=charging),
            StorageMode(mode_id="discharge", label="Discharge", elements=discharging),
        ),
        transitions=tuple(
            Transition(from_mode=one, to_mode=other) for one, other in permutations(("idle", "charge", "discharge"), 2)
        ),
    )


@lru_cache(maxsize=64)
def leakage(size: BatterySize) -> tuple[LeakageElement, ...]:
    """A share of the content, %/s."""
    whole = NumberRange(lower=0.0, upper=100.0)
    return (LeakageElement(fill_level_range=whole, rate=0.0, rate_at_upper=size.self_discharge_per_s * 100.0),)
