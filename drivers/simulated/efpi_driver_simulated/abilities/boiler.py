"""What a heat pump with a boiler can do."""

from functools import lru_cache

from efi.commodity import Phase
from efi.storage import ActuatorBehaviour, LeakageElement
from efi.types import NumberRange
from efpi_driver_simulated.abilities.compressor import Knot, compressor_behaviour
from efpi_driver_simulated.physics.boiler import BoilerMode, BoilerSize

LABELS: dict[BoilerMode, str] = {"off": "Rest", "eco": "Heat pump", "boost": "Heat pump and element"}
COLDEST_C = 5.0
ABOVE_K = 5.0


@lru_cache(maxsize=64)
def levels(size: BoilerSize) -> NumberRange:
    """The temperatures that the water can have, °C."""
    return NumberRange(lower=COLDEST_C, upper=size.boost_c + ABOVE_K)


def powers_w(size: BoilerSize) -> dict[BoilerMode, float]:
    """The power of each mode once it heats, W."""
    return {"off": size.standby_w, "eco": size.heat_pump_w, "boost": size.heat_pump_w + size.element_w}


@lru_cache(maxsize=64)
def behaviour(size: BoilerSize, phases: tuple[Phase, ...], outdoor_c: float) -> ActuatorBehaviour:
    """Rest, and heating with or without the element while the air outdoors is so warm."""
    warmest = levels(size).upper
    return compressor_behaviour(
        {str(mode): label for mode, label in LABELS.items()},
        {str(mode): power_w for mode, power_w in powers_w(size).items()},
        {
            "off": ((COLDEST_C, 0.0), (warmest, 0.0)),
            "eco": _heating(size, size.eco_c, 0.0, outdoor_c),
            "boost": _heating(size, size.boost_c, size.element_w, outdoor_c),
        },
        phases,
        run_s=size.run_s,
        rest_s=size.rest_s,
        start_s=size.start_s,
    )


def _heating(size: BoilerSize, end_c: float, element_w: float, outdoor_c: float) -> list[Knot]:
    """The rise of the water's temperature, K/s, from end to end and where the efficiency's law changes."""
    bends = [knee_c for knee_c in size.cop_knees_c(outdoor_c) if COLDEST_C < knee_c < end_c]
    return [
        (water_c, (size.heat_pump_w * size.cop_at(water_c, outdoor_c) + element_w) / size.capacity_j_per_k)
        for water_c in (COLDEST_C, *bends, end_c)
    ]


@lru_cache(maxsize=64)
def leakage(size: BoilerSize) -> tuple[LeakageElement, ...]:
    """The heat lost to the room, K/s."""
    per_k, whole = size.loss_w_per_k / size.capacity_j_per_k, levels(size)
    below, above = per_k * (whole.lower - size.room_c), per_k * (whole.upper - size.room_c)
    return (LeakageElement(fill_level_range=whole, rate=below, rate_at_upper=above),)
