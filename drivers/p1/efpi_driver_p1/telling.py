"""Observations of this driver: declared once, told when they change and often enough to stay fresh."""

from collections.abc import Iterable
from typing import NamedTuple

from efpi_core.plugin.context import Context
from efpi_core.plugin.observation import ObservationSpec
from efpi_driver_p1.quantity import Number

_AGAIN_S = 10.0
_EXPECTED_S = 30.0


class Fact(NamedTuple):
    """One value beside power and what the gateway derives from measurements."""

    name: str
    """Within the appliance, as `voltage.l1`."""
    value: Number | str | None
    """None is not told."""
    unit: str = ""
    kind: str = "number"
    title: str = ""


class Teller:
    """Tells the facts of one meter under its name."""

    def __init__(self, context: Context, owner: str) -> None:
        self._context = context
        self._owner = owner
        self._told: dict[str, tuple[Number | str, float]] = {}

    def tell(self, facts: Iterable[Fact]) -> None:
        """Report those that are known, new, or due again."""
        now = self._context.elapsed()
        for fact in facts:
            if fact.value is None:
                continue
            name = f"{self._owner}.{fact.name}"
            before = self._told.get(name)
            if before is None:
                expected_s = max(_EXPECTED_S, self._context.resolution_s)
                self._context.declare(ObservationSpec(name, fact.unit, fact.kind, fact.title, expected_s))
            elif fact.value == before[0] and now - before[1] < _AGAIN_S:
                continue
            self._told[name] = fact.value, now
            self._context.publish(name, fact.value if isinstance(fact.value, int | str) else float(fact.value))
