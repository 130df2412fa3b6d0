"""What changes linearly over the fill level, or in very many pieces, in the few constant steps that S2 has room for."""

import itertools
from collections.abc import Iterator, Sequence

from efi.conversion import LossKind
from efi.s2.mapping.notes import Notes
from efi.storage import LeakageElement, StorageBehaviour, StorageMode, StorageModeElement, element_at_level
from efi.types import NumberRange

MOST_STEPS = 10
"""Into how many steps one linear piece is cut at most."""

MOST_MODE_ELEMENTS = 100
"""How many elements a mode may have in S2."""

MOST_LEAKAGE_ELEMENTS = 288
"""How many elements a leakage may have in S2."""

LINEAR = LossKind(
    ("storage_system_description",),
    "actuators.*.modes.*.elements.*.at_upper",
    "an element is constant in S2; what changes linearly is told in steps, each right at its middle",
)
LINEAR_LEAKAGE = LossKind(
    ("storage_leakage_update",),
    "elements.*.rate_at_upper",
    "an element is constant in S2; what changes linearly is told in steps, each right at its middle",
)
TOO_FINE = LossKind(
    ("storage_system_description", "storage_leakage_update"),
    "*.elements",
    "S2 has room for fewer elements; as many as it has are told, equally wide, each right at its middle",
)

Step = tuple[int, NumberRange, StorageBehaviour]
"""The place of the element that a step is cut from, its fill levels, and what happens there."""


def stepped_mode(mode: StorageMode, path: str, notes: Notes) -> list[Step]:
    """A mode's elements, each constant."""
    elements = mode.elements
    if len(elements) > MOST_MODE_ELEMENTS:
        notes.lost(TOO_FINE, path, f"{len(elements)} elements")
        return list(_sampled(mode))
    linear = sum(element.at_upper is not None for element in elements)
    if not linear:
        return [(place, element.fill_level_range, element) for place, element in enumerate(elements)]
    steps = min(MOST_STEPS, (MOST_MODE_ELEMENTS - len(elements)) // linear + 1)
    made: list[Step] = []
    for place, element in enumerate(elements):
        if element.at_upper is None or element.fill_level_range.width == 0:
            made.append((place, element.fill_level_range, element))
            continue
        notes.lost(LINEAR, f"{path}.{place}.at_upper", _error(element, element.at_upper, steps))
        cuts = _cut(element.fill_level_range, steps)
        made += ((place, within, element.at_level(_middle(within))) for within in cuts)
    return made


def _sampled(mode: StorageMode) -> Iterator[Step]:
    for within in _cut(mode.fill_level_range, MOST_MODE_ELEMENTS):
        level = _middle(within)
        element = element_at_level(mode.elements, level) or mode.elements[-1]
        place = next(number for number, each in enumerate(mode.elements) if each is element)
        yield place, within, element.at_level(level)


def _error(lower: StorageModeElement, upper: StorageBehaviour, steps: int) -> str:
    """By how much a step is off at most, for people."""
    rates = ((lower.fill_rate.start, upper.fill_rate.start), (lower.fill_rate.end, upper.fill_rate.end))
    rate = max(abs(there - here) for here, there in rates) / (2 * steps)
    there = {power.quantity: power for power in upper.power}
    powers = [
        f"{max(abs(there[each.quantity].start - each.start), abs(there[each.quantity].end - each.end)) / (2 * steps):g}"
        f" {each.quantity.unit}"
        for each in lower.power
    ]
    return f"{steps} steps, off by at most {', '.join((*powers, f'{rate:g} of the fill level a second'))}"


def stepped_leakage(elements: Sequence[LeakageElement], notes: Notes) -> list[tuple[NumberRange, float]]:
    """A leakage's elements, each constant."""
    if len(elements) > MOST_LEAKAGE_ELEMENTS:
        notes.lost(TOO_FINE, "elements", f"{len(elements)} elements")
        whole = NumberRange(lower=elements[0].fill_level_range.lower, upper=elements[-1].fill_level_range.upper)
        cuts = _cut(whole, MOST_LEAKAGE_ELEMENTS)
        found = ((within, element_at_level(elements, _middle(within)) or elements[-1]) for within in cuts)
        return [(within, element.rate_at(_middle(within))) for within, element in found]
    linear = sum(element.rate_at_upper is not None for element in elements)
    steps = min(MOST_STEPS, (MOST_LEAKAGE_ELEMENTS - len(elements)) // linear + 1) if linear else 1
    made: list[tuple[NumberRange, float]] = []
    for place, element in enumerate(elements):
        upper = element.rate_at_upper
        if upper is None or element.fill_level_range.width == 0:
            made.append((element.fill_level_range, element.rate))
            continue
        off = abs(upper - element.rate) / (2 * steps)
        notes.lost(LINEAR_LEAKAGE, f"elements.{place}.rate_at_upper", f"{steps} steps, off by at most {off:g} a second")
        cuts = _cut(element.fill_level_range, steps)
        made += ((within, element.rate_at(_middle(within))) for within in cuts)
    return made


def _cut(whole: NumberRange, pieces: int) -> list[NumberRange]:
    """A range in pieces of one width that meet end to end, as many as floating-point numbers allow."""
    bounds = sorted({whole.lower, whole.upper, *(whole.lower + whole.width * n / pieces for n in range(1, pieces))})
    ends = [bound for bound in bounds if whole.lower <= bound <= whole.upper]
    if len(ends) < 2:
        return [whole]
    return [NumberRange(lower=lower, upper=upper) for lower, upper in itertools.pairwise(ends)]


def _middle(within: NumberRange) -> float:
    return within.lower + within.width / 2
