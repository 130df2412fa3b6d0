"""The front of a running gateway: its listeners, and what of them is not well."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from efpi_core.cli.run_options import RunOptions
from efpi_core.clock import Clock
from efpi_core.errors import EfpiError, TryAgainError
from efpi_core.event_kinds import NOT_REACHABLE, REACHABLE, EventKind
from efpi_core.http.listener import Listener, tcp_listener, unix_listener
from efpi_core.http.surface import Surface
from efpi_core.plugin.condition import ConditionState
from efpi_core.state.home import Home
from efpi_core.views import HealthView, PartHealth

PORT_AGAIN_S = 5.0
"""How often a port that is in use is tried again."""


Tell = Callable[[EventKind, str, str, str], None]
"""Puts an event into the journal: its kind, whom it is about, a sentence, a cure."""


class Front:
    """What is reached from outside. A port that cannot be had stops nobody; it is named, and tried again."""

    def __init__(self, options: RunOptions, home: Home, clock: Clock) -> None:
        self._options = options
        self._home = home
        self._clock = clock
        self._began_s = clock.elapsed()
        self._health: Callable[[], HealthView] = self._starting
        self._tell: Tell | None = None
        self._problems: dict[str, EfpiError] = {}
        self._listeners: list[Listener] = []
        self._again: asyncio.Task[None] | None = None
        self.surface = Surface(self.health)
        self.port: int | None = None
        """The port of the page, once there is one."""

    def health(self) -> HealthView:
        """The gateway's health, and what of the front is not well."""
        health = self._health()
        if not self._problems:
            return health
        parts = tuple(
            PartHealth(name, ConditionState.DEGRADED, error.detail_code or "not_reachable", error.problem, error.cure)
            for name, error in self._problems.items()
        )
        reasons = tuple(f"{part.name}: {part.text}" for part in parts)
        status = "degraded" if health.status == "ok" else health.status
        return replace(health, status=status, reasons=(*health.reasons, *reasons), parts=(*health.parts, *parts))

    def _starting(self) -> HealthView:
        return HealthView(
            status="starting",
            reasons=("the gateway is loading",),
            version="",
            site="",
            revision=0,
            now=self._clock.now(),
            uptime_s=self._clock.elapsed() - self._began_s,
            parts=(self._home_health(),),
        )

    def _home_health(self) -> PartHealth:
        problem = self._home.problem
        if problem is None:
            return PartHealth("home", ConditionState.OK)
        return PartHealth(
            "home", ConditionState.DEGRADED, problem.detail_code or "not_kept", problem.problem, problem.cure
        )

    async def listen(self) -> None:
        """Listen at the port and at the home's socket. Raises SettingsError for an address that is none of ours."""
        if not await self._listen_tcp():
            self._again = asyncio.create_task(self._listen_later())
        try:
            listener = unix_listener(self.surface, self._home.path, self._clock.now)
        except TryAgainError as error:
            self._note("commands", error)
            return
        await self._begin(listener)

    async def _listen_tcp(self) -> bool:
        try:
            listener = tcp_listener(self.surface, self._options.host, self._options.port, self._clock.now)
        except TryAgainError as error:
            self._note("page", error)
            return False
        self.port = listener.port
        await self._begin(listener)
        return True

    async def _listen_later(self) -> None:
        while True:
            await self._clock.sleep(PORT_AGAIN_S)
            if await self._listen_tcp():
                del self._problems["page"]
                if self._tell is not None:
                    self._tell(REACHABLE, "page", f"the page is at {self.address}", "")
                return

    async def _begin(self, listener: Listener) -> None:
        await listener.start()
        self._listeners.append(listener)

    def _note(self, part: str, error: EfpiError) -> None:
        self._problems[part] = error

    @property
    def address(self) -> str:
        """Where the page is."""
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        return f"http://{host}:{self.port}"

    def show(self, health: Callable[[], HealthView], tell: Tell) -> None:
        """The gateway tells its health itself from now on, and has a journal for what of the front is not well."""
        self._health, self._tell = health, tell
        for part, error in self._problems.items():
            tell(NOT_REACHABLE, part, error.problem, error.cure)

    @property
    def summary(self) -> str:
        """How the gateway is doing, in one line."""
        health = self.health()
        return "; ".join((health.status, *health.reasons))

    async def close(self) -> None:
        """Take no more requests, and end those under way."""
        if self._again is not None:
            self._again.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._again
        self.surface.close()
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
