"""How an instance is doing as a whole: the port, and each unit that is not part of an appliance's own condition."""

from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_driver_sunspec.errors import NotSunSpecError, PortUnavailableError, SunSpecError


class Health:
    """Collects the trouble of all units and tells the instance's condition when it changes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._units: dict[int, SunSpecError | None] = {}
        self._told: tuple[ConditionState, str, str] | None = None

    def expected(self, unit: int) -> None:
        """A unit is to be looked for."""
        self._units[unit] = UnitPendingError(unit)

    def well(self, unit: int) -> None:
        """The unit answers as it should."""
        self._units[unit] = None
        self._tell()

    def ill(self, unit: int, error: SunSpecError) -> None:
        """The unit does not."""
        self._units[unit] = error
        self._tell()

    def _tell(self) -> None:
        troubles = [error for error in self._units.values() if error is not None]
        if troubles and all(isinstance(error, UnitPendingError) for error in troubles):
            return  # nothing is known to be wrong
        state, detail, text, cure = self._judge()
        if (state, detail, text) != self._told:
            self._told = (state, detail, text)
            self._context.condition(state, detail, text, cure)

    def _judge(self) -> tuple[ConditionState, str, str, str]:
        errors = [error for error in self._units.values() if error is not None]
        if not errors:
            return ConditionState.OK, "", "", ""
        port = next((error for error in errors if isinstance(error, PortUnavailableError)), None)
        if port is not None:
            return ConditionState.OFFLINE, port.detail, port.problem, port.cure
        first = next((error for error in errors if not isinstance(error, UnitPendingError)), errors[0])
        text = "; ".join(error.problem for error in errors)
        if len(errors) < len(self._units):
            return ConditionState.DEGRADED, first.detail, text, first.cure
        wrong = all(isinstance(error, NotSunSpecError) for error in errors)
        return (ConditionState.MISCONFIGURED if wrong else ConditionState.OFFLINE), first.detail, text, first.cure


class UnitPendingError(SunSpecError):
    """Nothing is known of the unit yet."""

    detail = "connecting"

    def __init__(self, unit: int) -> None:
        super().__init__(f"unit {unit} has not answered yet", "")
        self.unit = unit
