"""One SunSpec device behind a unit number: its chain, and its values in few requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efpi_driver_sunspec.blocks import Part, cut, halves, plan
from efpi_driver_sunspec.bus import MOST_READ, Bus
from efpi_driver_sunspec.chain import BaseSearch, Chain, Found, walk
from efpi_driver_sunspec.errors import ChainChangedError, UnitRefusedError
from efpi_driver_sunspec.models import HEADER_REGISTERS
from efpi_driver_sunspec.reading import MOST_REPETITIONS, Reading, repetitions

ALL = frozenset({"*"})
"""Every point of a model."""


Wanted = Mapping[Found, frozenset[str]]
"""Points by model."""


def together(*wishes: Wanted) -> dict[Found, frozenset[str]]:
    """All that is wanted by any."""
    joined: dict[Found, frozenset[str]] = {}
    for wanted in wishes:
        for found, names in wanted.items():
            both = joined.get(found, frozenset()) | names
            joined[found] = ALL if both >= ALL else both
    return joined


@dataclass(frozen=True, slots=True)
class Values:
    """What was read from a device at one time; None stands for registers that it refuses to read."""

    registers: Mapping[Found, Sequence[int | None]]
    asked_at: float = 0.0
    """When the first request went out, on the bus's clock."""

    def of(self, found: Found) -> Reading | None:
        """The values of one model, or None when it was not read."""
        held, layout = self.registers.get(found), found.definition
        return None if held is None or layout is None else Reading.of(layout, held)

    def repeated(self, found: Found) -> tuple[Reading, ...]:
        """The repeated parts of one model."""
        held, layout = self.registers.get(found), found.definition
        return () if held is None or layout is None else repetitions(layout, held)


class Device:
    """A device on the bus. Any method raises what the bus raises; the caller decides when to come again."""

    def __init__(self, bus: Bus, unit: int, base_address: int | None = None) -> None:
        self.unit = unit
        self._bus = bus
        self._search = BaseSearch(unit, base_address)
        self._refused_before: set[int] = set()
        self._alone: set[int] = set()
        self._parts: dict[tuple[Found, frozenset[str]], tuple[Part, ...]] = {}

    async def scan(self) -> Chain:
        """Find the base address and walk the chain; what was learnt about unreadable registers is forgotten."""
        self._alone.clear()
        self._parts.clear()
        base = await self._search.find(self._ask)
        return await walk(self._ask, base, self._refused_before)

    async def read(self, wanted: Wanted, *, urgent: bool = False) -> Values:
        """The wanted points of each model (`ALL` for the whole of it).

        Raises `ChainChangedError` when a model is no longer where it was.
        """
        held: dict[int, int] = {}
        asked_at = self._bus.now()
        parts = [part for found, names in wanted.items() for part in self._parts_of(found, names)]
        for block in plan(parts, frozenset(self._alone)):
            await self._read_block(block.start, block.size, block.parts, held, urgent)
        values = {found: _assembled(found, names, held) for found, names in wanted.items()}
        for found, registers in values.items():
            self._check(found, registers)
        return Values(values, asked_at)

    async def write(self, address: int, registers: Sequence[int]) -> None:
        """Write registers that stand side by side, in one request that goes before all waiting reads."""
        await self._bus.write(self.unit, address, registers)

    async def _ask(self, address: int, count: int) -> tuple[int, ...]:
        return await self._bus.read(self.unit, address, count)

    async def _read_block(
        self, start: int, size: int, parts: Sequence[Part], held: dict[int, int], urgent: bool
    ) -> None:
        ask = self._bus.read_back if urgent else self._bus.read
        try:
            values = await ask(self.unit, start, size)
        except UnitRefusedError as error:
            if not error.says_absent:
                raise
            for part in self._divided(parts):
                await self._read_block(part.start, part.size, (part,), held, urgent)
        else:
            held.update(zip(range(start, start + size), values, strict=True))

    def _divided(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Smaller requests in place of a refused one, remembered for the next time; none for a single value."""
        if len(parts) > 1:
            pieces = tuple(parts)
        else:
            pieces = halves(parts[0]) or ()
            for key, known in self._parts.items():
                if parts[0] in known:
                    at = known.index(parts[0])
                    self._parts[key] = known[:at] + pieces + known[at + 1 :]
        self._alone.update(piece.start for piece in pieces)
        return pieces

    def _parts_of(self, found: Found, names: frozenset[str]) -> tuple[Part, ...]:
        key = (found, names)
        if key not in self._parts:
            end = _end(found, names)
            self._parts[key] = cut(Part(found.address, end, _cuts(found, end)), MOST_READ)
        return self._parts[key]

    def _check(self, found: Found, registers: Sequence[int | None]) -> None:
        if not registers or tuple(registers[:HEADER_REGISTERS]) == (found.id, found.length):
            return
        if registers[0] == found.id and found.definition is not None and registers[1] != found.length:
            return  # a length that was wrong at the scan already, and was set right by it
        words = "nothing readable" if registers[0] is None else f"{registers[0]}"
        raise ChainChangedError(self.unit, found.address, str(found), words)


def _end(found: Found, names: frozenset[str]) -> int:
    """The first address behind what is wanted of a model; nothing is wanted of one without a known layout."""
    layout = found.definition
    if layout is None:
        return found.address
    if names != ALL:
        return min(found.end, found.address + layout.end_of(names))
    repeated = 0 if layout.repeating is None else MOST_REPETITIONS * layout.repeating.size
    return min(found.end, found.address + layout.size + repeated)


def _cuts(found: Found, end: int) -> tuple[int, ...]:
    """Addresses before which a request may begin without tearing a value, the header kept whole."""
    layout = found.definition
    if layout is None:
        return ()
    starts = {point.offset for point in layout.points.values() if point.offset >= HEADER_REGISTERS}
    if layout.repeating is not None and layout.repeating.size:
        for at in range(layout.size, HEADER_REGISTERS + found.length, layout.repeating.size):
            starts.update(at + point.offset for point in layout.repeating.points)
    return tuple(sorted(found.address + at for at in starts if found.address + at < end))


def _assembled(found: Found, names: frozenset[str], held: Mapping[int, int]) -> tuple[int | None, ...]:
    return tuple(held.get(address) for address in range(found.address, _end(found, names)))
