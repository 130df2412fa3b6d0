"""What an emergency generator can do."""

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from efi.commodity import CommodityQuantity, Phase, PowerRange, PowerRanges, electric_range
from efi.output_adjustable import OutputAdjustableMode
from efi.running_mode import CostRange, Timer, Transition
from efi.types import MONEY_PLACES
from efpi_driver_simulated.physics.generator import GeneratorSize

M3_PER_LITRE = 0.001


@lru_cache(maxsize=64)
def modes(
    size: GeneratorSize, phases: tuple[Phase, ...], fuel_per_litre: Decimal, *, emergencies_only: bool
) -> tuple[OutputAdjustableMode, ...]:
    """Off, and running between its least and its most output."""

    def cost(output_w: float) -> Decimal:
        return (Decimal(str(size.fuel_l_per_s(output_w))) * fuel_per_litre).quantize(MONEY_PLACES)

    standing = _ranges((size.standby_w, size.standby_w), (0.0, 0.0), phases)
    burning = size.fuel_l_per_s(size.least_w), size.fuel_l_per_s(size.most_w)
    return (
        OutputAdjustableMode(mode_id="off", label="Off", power=standing),
        OutputAdjustableMode(
            mode_id="run",
            label="Run",
            abnormal_condition_only=emergencies_only,
            power=_ranges((-size.least_w, -size.most_w), burning, phases),
            running_cost=CostRange(start=cost(size.least_w), end=cost(size.most_w)),
        ),
    )


def _ranges(powers_w: tuple[float, float], litres_per_s: tuple[float, float], phases: tuple[Phase, ...]) -> PowerRanges:
    start, end = (flow * M3_PER_LITRE for flow in litres_per_s)
    fuel = PowerRange(quantity=CommodityQuantity.OIL_FLOW, start=start, end=end)
    return (*electric_range(powers_w[0], powers_w[1], phases), fuel)


@lru_cache(maxsize=64)
def timers(size: GeneratorSize) -> tuple[Timer, ...]:
    """The least run counts from the order, and so does the least rest."""
    return (
        Timer(timer_id="least_run", label="Least run", duration=timedelta(seconds=size.start_s + size.run_s)),
        Timer(timer_id="least_rest", label="Least rest", duration=timedelta(seconds=size.cool_s + size.rest_s)),
    )


@lru_cache(maxsize=64)
def transitions(size: GeneratorSize, *, emergencies_only: bool) -> tuple[Transition, ...]:
    """Starting up and cooling down."""
    return (
        Transition(
            from_mode="off",
            to_mode="run",
            start_timers=("least_run",),
            blocking_timers=("least_rest",),
            duration=timedelta(seconds=size.start_s),
            abnormal_condition_only=emergencies_only,
        ),
        Transition(
            from_mode="run",
            to_mode="off",
            start_timers=("least_rest",),
            blocking_timers=("least_run",),
            duration=timedelta(seconds=size.cool_s),
        ),
    )
