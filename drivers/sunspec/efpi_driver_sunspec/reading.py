"""What one model said at one moment: its registers, asked by the names of the standard."""

from collections.abc import Mapping, Sequence

from efpi_driver_sunspec.models import Model, Point
from efpi_driver_sunspec.registers import SCALE_LIMIT, decode_number, decode_text, scaled

MOST_REPETITIONS = 32
"""More inputs or ports than any device has: a larger count is nonsense."""


LARGEST = 1e12
"""No building has so much of anything: a device that says more, as floating-point models can, says nothing."""


def word(symbol: str) -> str:
    """A symbol of the standard as a plain word: `SHUTTING_DOWN` is `shutting_down`."""
    return symbol.strip().lower().replace(" ", "_").replace("-", "_")


class Reading:
    """The values of one model, or of one repetition within it.

    A value is None when the device does not implement it, when the model is shorter than the standard and ends before
    it, when it was not read, or when the number, or the scale factor that it needs, is missing or absurd: a number off
    by powers of ten is worse than none.
    """

    def __init__(
        self,
        points: Mapping[str, Point],
        registers: Sequence[int | None],
        start: int = 0,
        outer: "Reading | None" = None,
    ) -> None:
        self._points = points
        self._registers = registers
        self._start = start
        self._outer = outer

    @classmethod
    def of(cls, model: Model, registers: Sequence[int | None]) -> "Reading":
        """The reading of a whole model; `registers` begin at its header, may end early, and may have holes (None)."""
        return cls(model.points, registers)

    def _held(self, name: str) -> tuple[Point, Sequence[int]] | None:
        point = self._points.get(name)
        if point is None:
            return None
        held = self._registers[self._start + point.offset : self._start + point.end]
        whole = [register for register in held if register is not None]
        return (point, whole) if len(whole) == point.size else None

    def raw(self, name: str) -> int | float | None:
        """The unscaled number, or None."""
        held = self._held(name)
        return decode_number(held[0].kind, held[1]) if held else None

    def kind(self, name: str) -> str:
        """The type of a point, as the standard names it; empty for an unknown point."""
        point = self._points.get(name)
        return "" if point is None else point.kind

    def implements(self, name: str) -> bool:
        """Whether the device has a value for this number."""
        return self.raw(name) is not None

    def exponent(self, name: str) -> int | None:
        """The power of ten that scales `name`: 0 without a scale factor, None when the one it needs is unusable."""
        point = self._points.get(name)
        if point is None:
            return None
        if point.scale is None:
            return 0
        if isinstance(point.scale, int):
            return point.scale
        exponent = self._scale(point.scale)
        return exponent if exponent is not None and abs(exponent) <= SCALE_LIMIT else None

    def _scale(self, name: str) -> int | None:
        value = self.raw(name)
        if value is None and self._outer is not None:
            return self._outer._scale(name)
        return None if value is None else int(value)

    def number(self, name: str) -> float | None:
        """The value in the unit of the standard, or None."""
        value, exponent = self.raw(name), self.exponent(name)
        if value is None or exponent is None:
            return None
        number = float(value) if exponent == 0 else scaled(value, exponent)
        return number if abs(number) <= LARGEST else None

    def text(self, name: str) -> str | None:
        """The cleaned string, or None."""
        held = self._held(name)
        return decode_text(held[1]) if held and held[0].kind == "string" else None

    def word(self, name: str) -> str | None:
        """The word for an enumeration's value; `unknown_<n>` for one that the standard does not have."""
        value = self.raw(name)
        if value is None:
            return None
        symbol = (self._points[name].symbols or {}).get(int(value))
        return word(symbol) if symbol else f"unknown_{int(value)}"

    def words(self, name: str) -> tuple[str, ...]:
        """The words for the bits that are set in a bitfield, lowest first."""
        value = self.raw(name)
        if value is None:
            return ()
        symbols = self._points[name].symbols or {}
        bits = (bit for bit in range(int(value).bit_length()) if int(value) >> bit & 1)
        return tuple(word(symbols[bit]) if bit in symbols else f"bit_{bit}" for bit in bits)


def repetitions(model: Model, registers: Sequence[int | None]) -> tuple[Reading, ...]:
    """The repeated parts of a model, as many as it declares and as the registers at hand hold."""
    part = model.repeating
    if part is None or part.size == 0:
        return ()
    whole = Reading.of(model, registers)
    held = max(0, len(registers) - model.size) // part.size
    count = declared_repetitions(model, whole, held)
    points = {point.name: point for point in part.points}
    return tuple(Reading(points, registers, model.size + part.size * index, whole) for index in range(count))


def declared_repetitions(model: Model, whole: Reading, held: int) -> int:
    """How many repetitions count: the declared number (model 160 calls it N), never more than are `held`."""
    part = model.repeating
    if part is None:
        return 0
    if isinstance(part.count, int) and part.count > 0:
        declared: int | float | None = part.count
    else:
        declared = whole.raw(part.count if isinstance(part.count, str) else "N")
    return min(held if declared is None else int(declared), held, MOST_REPETITIONS)
