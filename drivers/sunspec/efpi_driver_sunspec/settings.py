"""Settings in a device: written in steps, and proved by reading them back."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.device import ALL, Device
from efpi_driver_sunspec.errors import NotProvenError
from efpi_driver_sunspec.models import Point
from efpi_driver_sunspec.reading import Reading
from efpi_driver_sunspec.registers import encode_number

PROOF_PAUSES_S = (0.0, 0.3, 0.7, 1.0)
"""Pauses before each attempt to read back: some devices take a setting over only in their next control cycle."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for a writable point, in the point's unit."""

    point: str
    value: float
    tolerance: float = 0.0
    """How far the device may round it."""
    counts_down: bool = False
    """A timer, which may have run on a little when it is read back."""

    def holds(self, found: float | None) -> bool:
        """Whether the device holds this setting when it reads `found`."""
        if found is None:
            return False
        if self.counts_down:
            return 0 < found <= self.value
        return abs(found - self.value) <= self.tolerance + 1e-9


Step = Sequence[Setting]
"""Settings that belong together; a function's values form one step, its enabling the next."""


async def prove(
    device: Device, found: Found, steps: Sequence[Step], sleep: Sleep, expected: Sequence[Setting] = ()
) -> Reading:
    """Write the steps in order, then read back until every setting holds; the reading that proves it is returned.

    What is `expected` must hold, too, though it is not written. Nothing is written when one of the values does not fit
    its register. Raises `NotProvenError` when the device acknowledged a setting and did not take it.
    """
    before = await _current(device, found)
    writes = [write for step in steps for write in _writes(device, found, before, step)]
    for address, registers in writes:
        await device.write(address, registers)
    wanted = [*(setting for step in steps for setting in step), *expected]
    for pause in PROOF_PAUSES_S:
        await sleep(pause)
        after = await _current(device, found)
        missing = [setting for setting in wanted if not setting.holds(after.number(setting.point))]
        if not missing:
            return after
    held = after.number(missing[0].point)
    words = "nothing" if held is None else f"{held:g}"
    raise NotProvenError(device.unit, found.id, missing[0].point, f"{missing[0].value:g}", words)


async def _current(device: Device, found: Found) -> Reading:
    reading = (await device.read({found: ALL}, urgent=True)).of(found)
    if reading is None:
        raise LookupError(f"{found} has no known layout")
    return reading


def _writes(device: Device, found: Found, before: Reading, step: Step) -> list[tuple[int, list[int]]]:
    """The requests for one step: settings that stand side by side travel together."""
    layout = found.definition
    points = layout.points if layout is not None else {}
    writes: list[tuple[int, list[int]]] = []
    for setting in sorted(step, key=lambda setting: points[setting.point].offset):
        point = points[setting.point]
        address = found.address + point.offset
        registers = _encoded(device, found, point, setting, before)
        if writes and writes[-1][0] + len(writes[-1][1]) == address:
            writes[-1][1].extend(registers)
        else:
            writes.append((address, registers))
    return writes


def _encoded(device: Device, found: Found, point: Point, setting: Setting, before: Reading) -> list[int]:
    exponent = before.exponent(setting.point)
    if exponent is None:
        raise NotProvenError(device.unit, found.id, setting.point, f"{setting.value:g}", "no usable scale factor")
    return list(encode_number(setting.point, point.kind, setting.value, exponent))
