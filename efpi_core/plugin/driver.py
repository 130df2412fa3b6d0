"""Appliance drivers: a translator between a device's protocol and the Energy Flexibility Interface."""

from datetime import timedelta
from typing import ClassVar

from efpi_core.errors import EfpiError, TryAgainError
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.context import Context
from efpi_core.plugin.plugin import ConfigT, Plugin

LONGEST_PAUSE_S = 300.0
"""A device that does not answer is tried at least this often."""

WORTH_A_RETRY = (TryAgainError, OSError, TimeoutError, EOFError)
"""What `poll` may raise when the device is out of reach for now; anything else is a fault of the driver."""


LATE_S = 1.0
"""A poll that begins later than this, and than half its interval, is a sign of a machine that is overloaded."""

MOST_STRETCHED = 8
"""Polls of an overloaded machine come at most so many times more seldom."""


class Driver(Plugin[ConfigT]):
    """One configured driver: one process, one bus or connection. It brings appliances through its context."""


class Poller:
    """Calls a driver's poll at its pace, ever more slowly while the device does not answer.

    A machine that is overloaded begins polls late. Then they are made more seldom, so that limits, allocations and safe
    states find the time that they need; the pace returns when polls begin in time.
    """

    def __init__(self, context: Context, every: timedelta, driver: "SingleApplianceDriver[PluginConfig]") -> None:
        self._context = context
        self._every_s = every.total_seconds()
        self._driver = driver
        self._failures = 0
        self._due: float | None = None
        self._late = False
        self.stretched = 1
        """How many times more seldom than its pace it polls."""

    async def __call__(self) -> None:
        """Poll once, and arrange the next."""
        self._feel_load()
        try:
            await self._driver.poll()
        except WORTH_A_RETRY as error:
            self._failures += 1
            cure = error.cure if isinstance(error, EfpiError) else ""
            problem = error.problem if isinstance(error, EfpiError) else str(error) or type(error).__name__
            self._driver.lost(problem, cure)
        else:
            self._failures = 0
            self._driver.found()
            self._driver.report()
        pause = min(self._every_s * 2 ** min(self._failures, 10), max(LONGEST_PAUSE_S, self._every_s))
        pause = pause if self._failures else self._every_s * self.stretched
        self._due = self._context.elapsed() + pause
        self._context.call_later(pause, self)

    def _feel_load(self) -> None:
        late_s = 0.0 if self._due is None else self._context.elapsed() - self._due
        was_late, self._late = self._late, late_s > max(LATE_S, self._every_s / 2)
        if self._late and was_late:  # a single one is a machine that slept, or a handler that took its time
            self.stretched = min(self.stretched * 2, MOST_STRETCHED)
        elif not self._late:
            self.stretched = max(self.stretched // 2, 1)


class SingleApplianceDriver(Driver[ConfigT], Appliance):
    """A driver whose instance is one appliance: it is polled, found when it answers and lost when it does not."""

    poll_every: ClassVar[timedelta] = timedelta(seconds=5)
    """How often to read the device; override `pace` when it depends on the settings."""

    def install(self, config: PluginConfig, context: Context) -> None:
        """Take settings and context; for the host."""
        super().install(config, context)
        self.attach(context)

    def pace(self) -> timedelta:
        """How often to read the device."""
        return self.poll_every

    async def open(self) -> None:
        """Prepare the connection to the device; it need not answer yet."""

    async def poll(self) -> None:
        """Read the device. Raise TryAgainError, OSError or TimeoutError when it does not answer."""

    async def start(self) -> None:
        """Open the connection and begin to poll; for the host."""
        await self.open()
        await Poller(self.context, self.pace(), self)()  # type: ignore[arg-type]  # any config will do
