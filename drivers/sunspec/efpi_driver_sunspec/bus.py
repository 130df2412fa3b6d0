"""A port with all its units: one request at a time, paced, reconnected, and patient with the silent ones."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from efpi_driver_sunspec.errors import (
    PortUnavailableError,
    SunSpecError,
    UnitGarbledError,
    UnitRefusedError,
    UnitSilentError,
)
from efpi_driver_sunspec.patience import DOUBT_SHARE, Patience
from efpi_driver_sunspec.turns import Turns
from efpi_driver_sunspec.wire import TIMEOUT_S, Port, Wire

FIRST_RECONNECT_S = 0.5
LONGEST_RECONNECT_S = 30.0

STALE_AFTER = 5
"""Unanswered requests in a row, of any unit, after which the connection is made anew: its far end may be gone."""

MOST_READ = 125
"""Registers that one request may read (Modbus Application Protocol 1.1b3, clause 6.3)."""

T = TypeVar("T")


class Clock(Protocol):
    """The time that the bus lives by; the plugin's context and the gateway's clock both offer it."""

    def elapsed(self) -> float:
        """Seconds since some instant, which no setting of the wall clock changes."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class Bus:
    """All requests to one port go through here, and queue here.

    Between two requests lie at least `pause_s`. While the port is down every request fails at once, and the port is
    tried again after 0.5 s, 1, 2 ... 30 s.
    """

    def __init__(
        self,
        port: Port,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        pause_s: float = 0.005,
        doubt_share: float = DOUBT_SHARE,
    ) -> None:
        self._port = port
        self._clock = clock
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._turns = Turns()
        self._doubters = Turns()
        self._patience = Patience(doubt_share)
        self._wire: Wire | None = None
        self._down: PortUnavailableError | None = None
        self._down_until = 0.0
        self._attempts = 0
        self._unanswered = 0
        self._last_end = 0.0

    @property
    def trouble(self) -> PortUnavailableError | None:
        """Why the port is down, or None while it is open or untried."""
        return self._down

    def now(self) -> float:
        """Seconds on the bus's clock."""
        return self._clock.elapsed()

    def misses(self, unit: int) -> int:
        """Requests in a row that the unit left unanswered."""
        return self._patience.misses(unit)

    def never_heard(self, unit: int) -> bool:
        """Whether the unit has not answered once."""
        return not self._patience.heard(unit)

    def rest_s(self, unit: int) -> float:
        """How long from now the unit, or the whole port, is left alone."""
        return max(self._patience.rest_s(unit, self.now()), self.trouble_s())

    def trouble_s(self) -> float:
        """How long from now the port is left alone; 0 while it is open or untried."""
        return max(0.0, self._down_until - self.now()) if self._down else 0.0

    def forget(self, unit: int) -> None:
        """Ask the unit again at once, as if it had never been silent."""
        self._patience.forget(unit)

    async def read(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """`count` holding registers of `unit` from `address`."""
        if not self._patience.in_doubt(unit):
            return await self._exchange(unit, lambda wire: wire.read(unit, address, count), urgent=False)
        async with self._doubters.turn():
            await self._clock.sleep(self._patience.doubt_s(unit, self.now()))
            return await self._exchange(unit, lambda wire: wire.read(unit, address, count), urgent=False)

    async def write(self, unit: int, address: int, values: Sequence[int]) -> None:
        """Write holding registers of `unit`; writing goes before all waiting reads.

        It fails at once when the unit has just been silent several times.
        """
        await self._exchange(unit, lambda wire: wire.write(unit, address, values), urgent=True)

    async def read_back(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Read what was just written, before all waiting reads."""
        return await self._exchange(unit, lambda wire: wire.read(unit, address, count), urgent=True)

    def close(self) -> None:
        """End the connection; the next request would open it again."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _exchange(self, unit: int, ask: Callable[[Wire], Awaitable[T]], *, urgent: bool) -> T:
        async with self._turns.turn(urgent=urgent):
            if urgent and self._patience.hopeless(unit, self.now()):
                raise UnitSilentError(unit, self._timeout_s)
            wire = await self._opened()
            await self._pause()
            begun = self.now()
            try:
                answer = await ask(wire)
            except (UnitSilentError, UnitGarbledError, UnitRefusedError, PortUnavailableError) as error:
                self._failed(unit, begun, error)
                raise
            finally:
                self._last_end = self.now()
            self._answered(unit)
            return answer

    async def _pause(self) -> None:
        since = self.now() - self._last_end
        if since < self._pause_s:
            await self._clock.sleep(self._pause_s - since)

    def _answered(self, unit: int) -> None:
        self._unanswered = 0
        self._patience.answered(unit, self.now())

    def _failed(self, unit: int, begun: float, error: SunSpecError) -> None:
        now = self.now()
        if isinstance(error, UnitRefusedError):
            self._answered(unit)
        elif isinstance(error, PortUnavailableError):
            self._went_down(error, now)
        else:
            self._patience.missed(unit, now, now - begun)
            self._unanswered += 1
            if self._unanswered >= STALE_AFTER:
                self._unanswered = 0
                self.close()

    async def _opened(self) -> Wire:
        if self._wire is not None and self._wire.is_open:
            return self._wire
        now = self.now()
        if self._down is not None and now < self._down_until:
            raise PortUnavailableError(self._down.port, self._down.reason, self._down.cure, self._down_until - now)
        self.close()
        wire = Wire(self._port, self._timeout_s)
        try:
            await wire.open()
        except PortUnavailableError as error:
            wire.close()
            self._went_down(error, self.now())
            raise
        self._wire, self._down, self._attempts = wire, None, 0
        return wire

    def _went_down(self, error: PortUnavailableError, now: float) -> None:
        self.close()
        self._attempts += 1
        delay = min(LONGEST_RECONNECT_S, FIRST_RECONNECT_S * 2 ** min(self._attempts - 1, 16))
        self._down_until = now + delay
        self._down = PortUnavailableError(error.port, error.reason, error.cure, delay)
