"""Where a device's models lie: the base address, and the chain of models behind it.

Source: SunSpec Device Information Model Specification 1.1, clause 6.2. Devices deviate: bases off by one, lengths that
miss a pad register, chains without an end. The walk is bounded whatever the device says, and notes what it met.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from efpi_driver_sunspec.errors import NotSunSpecError, UnitGarbledError, UnitRefusedError, UnitSilentError
from efpi_driver_sunspec.models import END_MODEL, HEADER_REGISTERS, Model, known_models, model

MARKER = (0x5375, 0x6E53)
"""`SunS`, in two registers."""

BASES = (40000, 0, 50000)
"""The standard's base addresses."""

SHIFTED_BASES = (39999, 40001, 49999, 50001, 1)
"""The same in maps that count from one, in either direction."""

MOST_MODELS = 80
LONGEST_MODEL = 4000
LAST_ADDRESS = 0xFFFF
FIRST_OWN_MODEL = 64001
"""Identifiers from here up to 65534 are the makers' own."""

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


@dataclass(slots=True)
class _Walk:
    read: Read
    found: list[Found] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    async def header(self, address: int) -> tuple[int, int] | None:
        """Identifier and length at `address`, or None where the device has no registers."""
        if address + 1 > LAST_ADDRESS:
            return None
        try:
            identifier, length = await self.read(address, HEADER_REGISTERS)
        except UnitRefusedError as error:
            if error.says_absent:
                return None
            raise
        return identifier, length

    async def resume(self, address: int) -> int | None:
        """Where the chain goes on after the last model's length proved wrong, or None."""
        last = self.found[-1]
        guesses = [address - 1, address + 1]
        if last.definition is not None and last.definition.repeating is None:
            guesses.insert(0, last.address + last.definition.size)
        for guess in guesses:
            head = await self.header(guess) if guess not in (address, last.address) else None
            if head is not None and (head[0] == END_MODEL or _plausible(*head)):
                length = guess - last.address - HEADER_REGISTERS
                self.remarks.append(f"model {last.id} says {last.length} registers, the next one begins after {length}")
                self.found[-1] = replace(last, length=length)
                return guess
        return None


def _plausible(identifier: int, length: int) -> bool:
    if length > LONGEST_MODEL:
        return False
    if identifier in known_models() or FIRST_OWN_MODEL <= identifier < END_MODEL:
        return True
    return 0 < identifier < 1000 and length > 0


async def walk(read: Read, base: int) -> Chain:
    """Follow the chain from behind the marker at `base` to its end."""
    walking = _Walk(read)
    address = base + len(MARKER)
    while len(walking.found) < MOST_MODELS:
        head = await walking.header(address)
        if head is None:
            walking.remarks.append(f"the chain has no end marker: nothing can be read at {address}")
            break
        identifier, length = head
        if identifier == END_MODEL:
            break
        if not _plausible(identifier, length):
            resumed = await walking.resume(address) if walking.found else None
            if resumed is None:
                walking.remarks.append(f"the chain breaks off at {address}: {identifier} is no model")
                break
            address = resumed
            continue
        walking.found.append(Found(identifier, address, length))
        address = walking.found[-1].end
    else:
        walking.remarks.append(f"the chain was not followed beyond {MOST_MODELS} models")
    return Chain(base, tuple(walking.found), tuple(walking.remarks))
