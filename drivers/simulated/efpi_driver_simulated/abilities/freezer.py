"""What a freezer can do."""

from datetime import timedelta
from functools import lru_cache

from efi.commodity import Phase
from efi.storage import ActuatorBehaviour, LeakageElement, TargetElement
from efi.types import NumberRange
from efpi_driver_simulated.abilities.compressor import compressor_behaviour
from efpi_driver_simulated.physics.freezer import FreezerMode, FreezerSize

FOR_EVER = timedelta(days=3650)
LABELS: dict[FreezerMode, str] = {"off": "Rest", "cool": "Cool", "boost": "Freeze fast"}


@lru_cache(maxsize=64)
def levels(size: FreezerSize) -> NumberRange:
    """The temperatures that there can be inside, °C."""
    return NumberRange(lower=size.boost_c - 1.0, upper=size.room_c)


def powers_w(size: FreezerSize) -> dict[FreezerMode, float]:
    """The power of each mode, W."""
    return {"off": size.standby_w, "cool": size.cool_w, "boost": size.boost_w}


@lru_cache(maxsize=64)
def behaviour(size: FreezerSize, phases: tuple[Phase, ...]) -> ActuatorBehaviour:
    """Rest, cooling, fast freezing."""
    coldest, warmest = levels(size).lower, levels(size).upper
    ends: dict[FreezerMode, float] = {"off": coldest, "cool": size.coolest_c, "boost": size.boost_c}
    rates = {mode: -size.heat_moved_w(mode) / size.mass_j_per_k for mode in LABELS}
    return compressor_behaviour(
        {str(mode): label for mode, label in LABELS.items()},
        {str(mode): power_w for mode, power_w in powers_w(size).items()},
        {str(mode): ((ends[mode], rates[mode]), (warmest, rates[mode])) for mode in LABELS},
        phases,
        run_s=size.run_s,
        rest_s=size.rest_s,
    )


@lru_cache(maxsize=64)
def wishes(size: FreezerSize) -> tuple[TargetElement, ...]:
    """Never warmer than the food bears."""
    cold = NumberRange(lower=levels(size).lower, upper=size.warmest_c)
    return (TargetElement(duration=FOR_EVER, fill_level_range=cold),)


@lru_cache(maxsize=64)
def leakage(size: FreezerSize) -> tuple[LeakageElement, ...]:
    """The warmth that comes in, K/s; negative, since it lets the level rise."""
    rate = -size.leak_w_per_k * (size.room_c - levels(size).lower) / size.mass_j_per_k
    return (LeakageElement(fill_level_range=levels(size), rate=rate, rate_at_upper=0.0),)
