"""Where a device's models lie: the base address, and the chain of models behind it.

Source: SunSpec Device Information Model Specification 1.1, clause 6.2. Devices deviate: bases off by one, lengths that
miss a pad register, chains without an end. The walk is bounded whatever the device says, and notes what it met.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from efpi_driver_sunspec.errors import NotSunSpecError, UnitGarbledError, UnitRefusedError, UnitSilentError
from efpi_driver_sunspec.models import END_MODEL, HEADER_REGISTERS, Model, model

MARKER = (0x5375, 0x6E53)
"""`SunS`, in two registers."""

BASES = (40000, 0, 50000)
"""The standard's base addresses."""

SHIFTED_BASES = (39999, 40001, 49999, 50001, 1)
"""The same in maps that count from one, in either direction."""

MOST_MODELS = 80
LONGEST_MODEL = 4000
LAST_ADDRESS = 0xFFFF
FIRST_RESERVED = 1000
"""Identifiers below this are the standard's, the ones still to come included."""
FIRST_OWN_MODEL = 64001
"""Identifiers from here up to 65534 are the makers' own."""

OTHER_LENGTHS = {1: (65,)}
"""Lengths that the standard allows beside that of the definition file: the common model without its pad register."""

Read = Callable[[int, int], Awaitable[tuple[int, ...]]]
"""Reads so many registers from an address of one unit."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model at its place in a device."""

    id: int
    address: int
    """Of its header."""
    length: int
    """As the device says, without the header."""

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + HEADER_REGISTERS + self.length

    @property
    def definition(self) -> Model | None:
        """Its layout, when it is installed."""
        return model(self.id)

    def __str__(self) -> str:
        return f"model {self.id} of {self.length} registers"


@dataclass(frozen=True, slots=True)
class Chain:
    """All models of one unit, in order, and what was odd about them."""

    base: int
    models: tuple[Found, ...]
    remarks: tuple[str, ...] = ()

    def sections(self) -> tuple[tuple[Found, ...], ...]:
        """The models of each device behind the unit: each begins with its own common model (1)."""
        sections: list[list[Found]] = []
        for found in self.models:
            if found.id == 1 or not sections:
                sections.append([])
            sections[-1].append(found)
        return tuple(tuple(section) for section in sections)


class BaseSearch:
    """The search for the marker; a silent device is asked at another base address next time.

    Some devices do not answer at all where they have no registers, so silence at one base says little.
    """

    def __init__(self, unit: int, configured: int | None = None) -> None:
        self._unit = unit
        self._bases = BASES + SHIFTED_BASES if configured is None else (configured,)
        self._first = 0

    async def find(self, read: Read) -> int:
        """The base address; raises `NotSunSpecError` when the device answers, but holds the marker nowhere."""
        for turn in range(len(self._bases)):
            base = self._bases[(self._first + turn) % len(self._bases)]
            try:
                if await read(base, len(MARKER)) == MARKER:
                    return base
            except UnitSilentError:
                self._first = (self._first + turn + 1) % min(len(self._bases), len(BASES))
                raise
            except (UnitRefusedError, UnitGarbledError):
                continue
        raise NotSunSpecError(self._unit, self._bases)


class Trust(IntEnum):
    """How much two registers look like the header of a model."""

    NONE = 0
    SOME = 1
    """A maker's own model, one of a later standard, or a known one with an unusual length."""
    FULL = 2
    """A model of the standard with its length, or the end of the chain."""


def trust(identifier: int, length: int) -> Trust:
    """How much these registers look like a header."""
    if identifier == END_MODEL:
        return Trust.FULL if length == 0 else Trust.SOME
    if length > LONGEST_MODEL:
        return Trust.NONE
    layout = model(identifier)
    if layout is not None:
        lengths = (*OTHER_LENGTHS.get(identifier, ()), layout.size - HEADER_REGISTERS)
        return Trust.FULL if layout.repeating is not None or length in lengths else Trust.SOME
    own = FIRST_OWN_MODEL <= identifier < END_MODEL
    return Trust.SOME if own or (0 < identifier < FIRST_RESERVED and length > 0) else Trust.NONE


@dataclass(slots=True)
class _Walk:
    read: Read
    refused_before: set[int]
    found: list[Found] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    async def registers(self, address: int, count: int, *, guessed: bool = False) -> tuple[int, ...] | None:
        """The registers at `address`, or None where the device has none.

        Some devices say so by an exception that also means a passing trouble: that is believed the second time.
        """
        if address + count - 1 > LAST_ADDRESS:
            return None
        try:
            return await self.read(address, count)
        except UnitRefusedError as error:
            if not (error.says_absent or guessed or address in self.refused_before):
                self.refused_before.add(address)
                raise
        return None

    async def header(self, address: int) -> tuple[int, int] | None:
        """Identifier and length at `address`, or None; some devices have one register only for the chain's end."""
        both = await self.registers(address, HEADER_REGISTERS)
        if both is not None:
            return both[0], both[1]
        return (END_MODEL, 0) if await self.registers(address, 1) == (END_MODEL,) else None

    async def step(self, address: int) -> tuple[int, int, int] | None:
        """The next header, and where it is: at `address`, or beside it when the last model's length is wrong."""
        head = await self.header(address)
        believed = Trust.NONE if head is None else trust(*head)
        for guess in self._guesses(address, believed):
            other = await self.registers(guess, HEADER_REGISTERS, guessed=True)
            if other is not None and trust(other[0], other[1]) is Trust.FULL:
                last = self.found[-1]
                length = guess - last.address - HEADER_REGISTERS
                self.remarks.append(f"model {last.id} says {last.length} registers, the next one begins after {length}")
                self.found[-1] = replace(last, length=length)
                return guess, other[0], other[1]
        return None if head is None or believed is Trust.NONE else (address, *head)

    def _guesses(self, address: int, believed: Trust) -> list[int]:
        """Where else the next header may be, when the one at `address` and the last model's length are both odd."""
        if not self.found or believed is Trust.FULL:
            return []
        last = self.found[-1]
        layout = last.definition
        if layout is None or trust(last.id, last.length) is Trust.FULL:
            return [] if believed else [address - 1, address + 1]
        guesses = (last.address + layout.size, address - 1, address + 1)
        return [guess for guess in dict.fromkeys(guesses) if guess not in (address, last.address)]


async def walk(read: Read, base: int, refused_before: set[int] | None = None) -> Chain:
    """Follow the chain from behind the marker at `base` to its end.

    `refused_before` carries from one attempt to the next where the device would not answer.
    """
    walking = _Walk(read, set() if refused_before is None else refused_before)
    address = base + len(MARKER)
    while len(walking.found) < MOST_MODELS:
        head = await walking.step(address)
        if head is None:
            walking.remarks.append(f"the chain breaks off at {address}: no model and no end is there")
            break
        address, identifier, length = head
        if identifier == END_MODEL:
            break
        walking.found.append(Found(identifier, address, length))
        address = walking.found[-1].end
    else:
        walking.remarks.append(f"the chain was not followed beyond {MOST_MODELS} models")
    return Chain(base, tuple(walking.found), tuple(walking.remarks))
