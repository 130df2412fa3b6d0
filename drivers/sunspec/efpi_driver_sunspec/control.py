"""A function of a device that follows a target and lets go by itself: written, proved, renewed, and let go again.

The device's own reversion timer is the safety net: it is armed with every target and renewed while all is well, so that
the device returns to its own ways when the gateway falls silent, whatever the reason.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence

from efpi_driver_sunspec.bus import Clock
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.device import Device, Values
from efpi_driver_sunspec.errors import NotProvenError
from efpi_driver_sunspec.reading import Reading
from efpi_driver_sunspec.settings import Setting, Step, prove

RENEW_AT = 0.4
"""The part of the reversion time after which it is armed anew: two renewals may fail before the device lets go."""


class Control(ABC):
    """One controllable function of one device; targets are in W."""

    timer: str
    """The point that holds the reversion time."""
    remaining: str | None = None
    """The point that tells the time left, where the model has one."""

    def __init__(self, device: Device, found: Found, reading: Reading, clock: Clock, revert_s: int) -> None:
        self.found = found
        self.target_w: float | None = None
        """What the device is asked for; None when it is left to itself."""
        self.has_timer = reading.implements(self.timer)
        """Whether the device returns to its own ways by itself."""
        self.release_due = False
        """Whether the device could not be let go yet, and is to be as soon as it can be reached."""
        self._device = device
        self._clock = clock
        self._revert_s = revert_s
        self._lock = asyncio.Lock()
        self._proved_at = 0.0
        self._reading = reading

    @abstractmethod
    def engage(self, target_w: float) -> Sequence[Step]:
        """The settings for a target, what enables the function in the last step."""

    @abstractmethod
    def disengage(self) -> Sequence[Step]:
        """The settings that leave the device to itself."""

    @abstractmethod
    def engaged(self, reading: Reading) -> bool:
        """Whether the function is enabled in the device."""

    def near(self, target_w: float) -> bool:
        """Whether a target is so close to the present one that it is not worth a write."""
        return self.target_w is not None and abs(target_w - self.target_w) < 1.0

    async def follow(self, target_w: float) -> None:
        """Make the device follow a target; returns when the device has proved it."""
        async with self._lock:
            self.target_w = target_w
            self.release_due = False
            await self._prove(target_w)

    async def release(self) -> None:
        """Leave the device to itself; when that fails it stays due."""
        async with self._lock:
            self.target_w = None
            self.release_due = True
            await prove(self._device, self.found, self.disengage(), self._clock.sleep)
            self.release_due = False

    async def maintain(self, values: Values) -> bool:
        """Renew what is about to run out, restore what was lost, let go what is due; call it often.

        Returns whether the device had dropped the target by itself.
        """
        if self.release_due:
            await self.release()
            return False
        target_w = self.target_w
        if target_w is None:
            return False
        reading = values.of(self.found)
        since = values.asked_at >= self._proved_at
        dropped = since and reading is not None and not self.engaged(reading)
        due = self.has_timer and self._clock.elapsed() - self._proved_at >= RENEW_AT * self._revert_s
        if dropped or due:
            async with self._lock:
                if self.target_w is not None:
                    await self._prove(self.target_w)
        return dropped

    async def _prove(self, target_w: float) -> None:
        try:
            await self._settle(target_w)
        except NotProvenError as error:
            if error.point not in (self.timer, self.remaining):
                raise
            self.has_timer = False
            await self._settle(target_w)
        self._proved_at = self._clock.elapsed()

    async def _settle(self, target_w: float) -> None:
        running: list[Setting] = []
        if self.has_timer and self.remaining is not None and self._reading.implements(self.remaining):
            running = [Setting(self.remaining, self._revert_s, counts_down=True)]
        steps = self.engage(target_w)
        self._reading = await prove(self._device, self.found, steps, self._clock.sleep, running)

    def optional(self, *settings: Setting) -> list[Setting]:
        """Those of the settings whose points the device implements."""
        return [setting for setting in settings if self._reading.implements(setting.point)]

    def timing(self) -> list[Setting]:
        """The setting that arms the reversion timer, when there is one."""
        return [Setting(self.timer, self._revert_s, counts_down=True)] if self.has_timer else []
