"""When what an instance stored is on disk for certain, for those that may not tell a peer before."""

from collections import Counter
from collections.abc import Callable

from efpi_core.gateway.side_work import SideWork
from efpi_core.host.frames import Settle, Settled, ToInstance
from efpi_core.state.state import State

MOST_WAITING = 100
"""Questions of one instance that wait for the disk; more are answered with no."""


class Settling:
    """Answers instances that ask whether what they stored is kept."""

    def __init__(self, state: State, side_work: SideWork, send: Callable[[str, ToInstance], None]) -> None:
        self._state = state
        self._side_work = side_work
        self._send = send
        self._waiting: Counter[str] = Counter()

    def settle(self, instance: str, frame: Settle) -> None:
        """An instance asks; it is answered when the disk has answered."""
        if self._waiting[instance] >= MOST_WAITING:
            self._send(instance, Settled(frame.number, kept=False))
            return
        self._waiting[instance] += 1
        self._side_work.begin(self._settled(instance, frame.number), f"{instance}: keep its memory")

    async def _settled(self, instance: str, number: int) -> None:
        kept = await self._state.committed() or self._state.problem is None
        self._waiting[instance] -= 1
        self._send(instance, Settled(number, kept))
