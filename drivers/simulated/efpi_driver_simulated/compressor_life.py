"""What the drivers of boiler and freezer share: a model that decides by itself, too, and a temperature as its level."""

from abc import abstractmethod
from math import inf

from efpi_core.plugin.plugin import ConfigT
from efpi_driver_simulated.physics.compressor import Compressor
from efpi_driver_simulated.storage_life import StorageLife


class CompressorLife(StorageLife[ConfigT]):
    """A storage of heat or cold, whose modes are "off" and some that need the compressor."""

    level_unit = "°C"

    @property
    @abstractmethod
    def compressor(self) -> Compressor:
        """The model's compressor."""

    @property
    @abstractmethod
    def mode(self) -> str:
        """The mode in which the model runs."""

    def may_start_at(self, t: float, rest_s: float) -> float:
        """When the compressor may start in a life that begins at `t`: after a former life it rests first."""
        return t + rest_s if self.lived_before else -inf

    def resting(self) -> bool:
        """Whether the compressor rests; then the level drifts slowly."""
        return not self.compressor.on

    def running(self) -> tuple[str, float | None]:
        """The mode in which the model runs, by order or by its own decision."""
        return self.mode, None

    async def safe_state(self) -> None:
        """Rest; the appliance keeps its own bounds whoever is silent."""
        self.go("off")
