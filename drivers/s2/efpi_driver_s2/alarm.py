"""One timer for whatever of many things is due first."""

from collections.abc import Callable

from efpi_core.clock import TimerHandle
from efpi_core.plugin.context import Context


class Alarm:
    """Rings at the earliest instant for which it was set; or too early, which costs less than to set it anew."""

    __slots__ = ("_at", "_context", "_ring", "_timer")

    def __init__(self, context: Context, ring: Callable[[], None]) -> None:
        self._context = context
        self._ring = ring
        self._timer: TimerHandle | None = None
        self._at = 0.0

    def set(self, due: float | None) -> None:
        """Ring at an instant in s at the latest; None asks for nothing."""
        if due is None or (self._timer is not None and self._at <= due):
            return
        self.cancel()
        self._at = due
        self._timer = self._context.call_later(max(due - self._context.elapsed(), 0.0), self._rings)

    def cancel(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rings(self) -> None:
        self._timer = None
        self._ring()
