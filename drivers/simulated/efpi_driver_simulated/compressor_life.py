"""What boiler and freezer share: modes behind a compressor's timers, and a temperature as their level."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import ClassVar

from efi.commodity import PowerRange, PowerRanges, ValueRange, electric_range
from efi.running_mode import Timer, Transition
from efi.storage import StorageBehaviour, StorageMode, StorageModeElement
from efi.types import NumberRange
from efpi_core.plugin.plugin import ConfigT
from efpi_driver_simulated.physics.compressor import Compressor
from efpi_driver_simulated.storage_life import StorageLife

Knot = tuple[float, float]
"""A level, and the fill rate at it in levels per second."""


class CompressorLife(StorageLife[ConfigT]):
    """A storage of heat or cold, whose modes are "off" and some that need the compressor."""

    mode_labels: ClassVar[dict[str, str]]
    level_unit = "°C"

    @property
    @abstractmethod
    def compressor(self) -> Compressor:
        """The model's compressor."""

    @property
    @abstractmethod
    def mode(self) -> str:
        """The mode in which the model runs."""

    def resting(self) -> bool:
        """Whether the compressor rests; then the level drifts slowly."""
        return not self.compressor.on

    def running(self) -> tuple[str, float | None]:
        """The mode in which the model runs, by order or by its own decision."""
        return self.mode, None

    def mode_power_w(self, mode_id: str) -> float:
        """The power of a mode, W."""
        raise NotImplementedError

    def power_range(self) -> PowerRange:
        """From rest to the strongest mode."""
        powers = [self.mode_power_w(mode) for mode in self.mode_labels]
        (power,) = electric_range(min(powers), max(powers), self.on_phases)
        return power

    async def safe_state(self) -> None:
        """Rest; the appliance keeps its own bounds whoever is silent."""
        self.go("off")

    def timers(self) -> tuple[Timer, ...]:
        """The least running time and the least rest."""
        run = timedelta(seconds=self.compressor.run_s)
        rest = timedelta(seconds=self.compressor.rest_s)
        return (
            Timer(timer_id="least_run", label="Least running time", duration=run),
            Timer(timer_id="least_rest", label="Least rest", duration=rest),
        )

    def ways(self, start_s: float = 0.0) -> Iterable[Transition]:
        """From rest to each mode and back, behind the timers; among the modes that run there is nothing to wait for."""
        working = [mode for mode in self.mode_labels if mode != "off"]
        for mode in working:
            yield Transition(
                from_mode="off",
                to_mode=mode,
                start_timers=("least_run",),
                blocking_timers=("least_rest",),
                duration=timedelta(seconds=start_s),
            )
            yield Transition(
                from_mode=mode, to_mode="off", start_timers=("least_rest",), blocking_timers=("least_run",)
            )
            for other in working:
                if other != mode:
                    yield Transition(from_mode=mode, to_mode=other)

    def storage_mode(self, mode_id: str, knots: Sequence[Knot]) -> StorageMode:
        """A mode whose fill rate runs straight from knot to knot."""
        power = electric_range(self.mode_power_w(mode_id), phases=self.on_phases)
        elements = [_element(start, end, power) for start, end in pairwise(knots)]
        return StorageMode(mode_id=mode_id, label=self.mode_labels[mode_id], elements=tuple(elements))


def _element(start: Knot, end: Knot, power: PowerRanges) -> StorageModeElement:
    towards = None
    if start[1] != end[1]:
        towards = StorageBehaviour(fill_rate=ValueRange.point(end[1]), power=power)
    return StorageModeElement(
        fill_level_range=NumberRange(lower=start[0], upper=end[0]),
        fill_rate=ValueRange.point(start[1]),
        power=power,
        at_upper=towards,
    )
