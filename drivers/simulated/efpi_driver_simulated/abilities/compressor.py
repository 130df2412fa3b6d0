"""Modes behind a compressor's timers, rates that run straight from level to level."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from efi.commodity import Phase, PowerRanges, ValueRange, electric_range
from efi.running_mode import Timer, Transition
from efi.storage import ActuatorBehaviour, StorageBehaviour, StorageMode, StorageModeElement
from efi.types import NumberRange
from efpi_driver_simulated.abilities.electricity import MAIN

Knot = tuple[float, float]
"""A level, and the fill rate at it in levels per second."""


def compressor_behaviour(
    labels: Mapping[str, str],
    powers_w: Mapping[str, float],
    rates: Mapping[str, Sequence[Knot]],
    phases: tuple[Phase, ...],
    *,
    run_s: float,
    rest_s: float,
    start_s: float = 0.0,
) -> ActuatorBehaviour:
    """An actuator with "off" and some modes that need the compressor; `rates` tells each mode's fill rate by level."""
    return ActuatorBehaviour(
        actuator_id=MAIN,
        modes=tuple(
            StorageMode(
                mode_id=mode,
                label=label,
                elements=tuple(_elements(rates[mode], electric_range(powers_w[mode], phases=phases))),
            )
            for mode, label in labels.items()
        ),
        timers=(
            Timer(timer_id="least_run", label="Least running time", duration=timedelta(seconds=run_s)),
            Timer(timer_id="least_rest", label="Least rest", duration=timedelta(seconds=rest_s)),
        ),
        transitions=tuple(_ways([mode for mode in labels if mode != "off"], timedelta(seconds=start_s))),
    )


def _ways(working: list[str], start: timedelta) -> Iterator[Transition]:
    """From rest to each mode and back behind the timers; among the modes that run there is nothing to wait for."""
    for mode in working:
        yield Transition(
            from_mode="off",
            to_mode=mode,
            start_timers=("least_run",),
            blocking_timers=("least_rest",),
            duration=start,
        )
        yield Transition(from_mode=mode, to_mode="off", start_timers=("least_rest",), blocking_timers=("least_run",))
        for other in working:
            if other != mode:
                yield Transition(from_mode=mode, to_mode=other)


def _elements(knots: Sequence[Knot], power: PowerRanges) -> Iterator[StorageModeElement]:
    for (lower, rate), (upper, rate_at_upper) in pairwise(knots):
        towards = None
        if rate != rate_at_upper:
            towards = StorageBehaviour(fill_rate=ValueRange.point(rate_at_upper), power=power)
        yield StorageModeElement(
            fill_level_range=NumberRange(lower=lower, upper=upper),
            fill_rate=ValueRange.point(rate),
            power=power,
            at_upper=towards,
        )
