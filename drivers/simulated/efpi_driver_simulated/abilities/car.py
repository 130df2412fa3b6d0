"""What an electric car at its wallbox can do."""

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from itertools import permutations

from efi.commodity import Phase, ValueRange, electric_range
from efi.running_mode import Timer, Transition
from efi.storage import ActuatorBehaviour, LeakageElement, StorageMode, StorageModeElement
from efi.types import NumberRange
from efpi_driver_simulated.abilities.electricity import MAIN
from efpi_driver_simulated.physics.car import LEAST_A, CarSize

WIDTH = {"one_phase": 1, "three_phases": 3}
"""The charging modes and how many phases they use."""
LABELS = {"away": "Away", "off": "Off", "one_phase": "Charge on one phase", "three_phases": "Charge on three phases"}


@lru_cache(maxsize=64)
def behaviour(size: CarSize, phases: tuple[Phase, ...], modes: tuple[str, ...]) -> ActuatorBehaviour:
    """These modes of the car: "away", or "off" with the charging modes that wiring and wallbox allow."""
    hold = Timer(timer_id="hold", label="Phases stay", duration=timedelta(seconds=size.hold_s))
    both = set(WIDTH) <= set(modes)
    return ActuatorBehaviour(
        actuator_id=MAIN,
        modes=tuple(
            StorageMode(mode_id=mode, label=LABELS[mode], elements=tuple(_elements(size, phases, mode)))
            for mode in modes
        ),
        timers=(hold,) if both else (),
        transitions=tuple(_ways(size, modes, ("hold",) if both else ())),
    )


def _ways(size: CarSize, modes: tuple[str, ...], hold: tuple[str, ...]) -> Iterator[Transition]:
    """From each mode to each other; the contactor must have rested before the number of phases changes again."""
    for one, other in permutations(modes, 2):
        switches = one in WIDTH and other in WIDTH
        yield Transition(
            from_mode=one,
            to_mode=other,
            start_timers=hold if switches else (),
            blocking_timers=hold if other in WIDTH else (),
            duration=timedelta(seconds=size.switch_s if switches else 0.0),
        )


def _elements(size: CarSize, phases: tuple[Phase, ...], mode: str) -> Iterator[StorageModeElement]:
    if mode not in WIDTH:
        yield StorageModeElement(
            fill_level_range=NumberRange(lower=0.0, upper=100.0),
            fill_rate=ValueRange.point(0.0),
            power=electric_range(size.standby_w, phases=phases),
        )
        return
    width, taper, per_j = WIDTH[mode], size.taper_share * 100.0, size.efficiency * 100.0 / size.capacity_j
    least_w = size.power_w(LEAST_A, width)
    for lower, upper, most_a in ((0.0, taper, size.most_a), (taper, 100.0, size.taper_most_a(width))):
        most_w = size.power_w(most_a, width)
        yield StorageModeElement(
            fill_level_range=NumberRange(lower=lower, upper=upper),
            fill_rate=ValueRange(start=least_w * per_j, end=most_w * per_j),
            power=electric_range(least_w, most_w, phases[:width]),
        )


@lru_cache(maxsize=64)
def leakage(size: CarSize) -> tuple[LeakageElement, ...]:
    """What the parked car uses, a share of its content, %/s."""
    whole = NumberRange(lower=0.0, upper=100.0)
    return (LeakageElement(fill_level_range=whole, rate=0.0, rate_at_upper=size.idle_per_s * 100.0),)
