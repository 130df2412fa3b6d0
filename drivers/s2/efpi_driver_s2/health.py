"""How the instance is doing: what stands in the way of devices that are not here, the worst first."""

from typing import NamedTuple

from efpi_core.clock import TimerHandle
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context

MOST_TOLD = 3
"""So many troubles are told in one sentence."""

REMEMBERED_S = 600.0
"""How long it is told that somebody was turned away."""

MOST_REMEMBERED = 100
"""Of so many who were turned away it is told."""

WAITING = "waiting_for_devices"
"""The detail of an instance to which nobody has come yet."""

_WORST_FIRST = (
    ConditionState.MISCONFIGURED, ConditionState.OFFLINE, ConditionState.DEGRADED, ConditionState.OK,
)  # fmt: skip


class Trouble(NamedTuple):
    """One thing that is not as it should be."""

    state: ConditionState
    detail: str
    text: str
    cure: str


def _weight(trouble: Trouble) -> tuple[bool, bool, int]:
    """That nobody came says less than why somebody did not, and more than what is merely worth knowing."""
    return trouble.state is ConditionState.OK, trouble.detail == WAITING, _WORST_FIRST.index(trouble.state)


class InstanceHealth:
    """The troubles of one instance by what they are about; said as one condition when they change."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._troubles: dict[str, Trouble] = {}
        self._passing: dict[str, TimerHandle] = {}
        self._said: tuple[object, ...] | None = None

    def trouble(self, about: str, trouble: Trouble) -> None:
        """Something is not well."""
        self._troubles[about] = trouble
        self._tell()

    def passing(self, about: str, trouble: Trouble) -> None:
        """Something was not well, which is told for a while."""
        if about in self._passing:
            self._passing.pop(about).cancel()
        elif len(self._passing) >= MOST_REMEMBERED:
            return
        self._passing[about] = self._context.call_later(REMEMBERED_S, lambda: self.well(about))
        self.trouble(about, trouble)

    def well(self, about: str) -> None:
        """It is well now."""
        if (timer := self._passing.pop(about, None)) is not None:
            timer.cancel()
        self._troubles.pop(about, None)
        self._tell()

    def _tell(self) -> None:
        told = sorted(self._troubles.values(), key=_weight)[:MOST_TOLD]
        if not told:
            said: tuple[object, ...] = (ConditionState.OK, "", "", "")
        else:
            worst = min((trouble.state for trouble in told), key=_WORST_FIRST.index)
            said = (worst, told[0].detail, "; ".join(trouble.text for trouble in told), told[0].cure)
        if said != self._said:
            self._said = said
            self._context.condition(*said)  # type: ignore[arg-type]  # state, detail, text and cure
