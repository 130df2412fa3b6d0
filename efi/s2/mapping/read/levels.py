"""Fill-level ranges as the interface wants them: rising, meeting end to end, none empty, within the storage."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from efi.conversion import LeniencyKind, LossKind
from efi.s2.common import NumberRange
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.values import Fields, ordered

BEYOND_STORAGE = LossKind(
    ("FRBC.SystemDescription",),
    "actuators.*.operation_modes.*.elements.*.fill_level_range",
    "a mode is described within the fill levels of its storage; what lies beyond is cut off",
)
EMPTY_RANGE = LossKind(
    ("FRBC.SystemDescription", "FRBC.LeakageBehaviour"),
    "*.elements.*.fill_level_range",
    "the element begins where it ends, and its neighbours meet there; it is left out",
)

OUT_OF_ORDER = LeniencyKind("elements_out_of_order", "elements over the fill level in no rising order", "sorted")
NEARLY_MEETING = LeniencyKind(
    "ranges_nearly_meet",
    "fill-level ranges that miss each other by a rounding error",
    "the upper one begins where the lower one ends",
)

ROUNDING = 1e-9
"""By how much of the whole range two neighbours may miss each other."""


class Ranged(Protocol):
    """Anything that holds for a range of fill levels."""

    @property
    def fill_level_range(self) -> NumberRange: ...  # noqa: D102  # as its messages have it


_Ranged = TypeVar("_Ranged", bound=Ranged)


FieldsOf = Callable[[_Ranged, str, int, Notes], Fields]
"""Makes the fields of an element, its range left out; it is given the path of the elements, and the element's place."""


def over_levels(
    elements: Sequence[_Ranged],
    fields_of: FieldsOf[_Ranged],
    within: Fields | None,
    path: str,
    notes: Notes,
) -> list[Fields]:
    """The fields of each element, with its range; `within` are the storage's own ends."""
    if _in_shape(elements, within):
        made = []
        for place, element in enumerate(elements):
            fields, levels = fields_of(element, path, place, notes), element.fill_level_range
            fields["fill_level_range"] = {"lower": levels.start_of_range, "upper": levels.end_of_range}
            made.append(fields)
        return made
    return _brought_into_shape(elements, fields_of, within, path, notes)


def _in_shape(elements: Sequence[_Ranged], within: Fields | None) -> bool:
    """Whether the ranges are as the interface wants them; nearly all are."""
    ends: float | None = None
    for element in elements:
        levels = element.fill_level_range
        begins = levels.start_of_range
        if (ends is not None and begins != ends) or begins >= levels.end_of_range:
            return False
        ends = levels.end_of_range
    if within is None:
        return True
    begins = elements[0].fill_level_range.start_of_range
    return bool(within["lower"] <= begins and ends is not None and ends <= within["upper"])


def _brought_into_shape(
    elements: Sequence[_Ranged], fields_of: FieldsOf[_Ranged], within: Fields | None, path: str, notes: Notes
) -> list[Fields]:
    ranges = [
        ordered(each.fill_level_range, f"{path}{place}.fill_level_range", notes) for place, each in enumerate(elements)
    ]
    made = []
    for place in _meeting(ranges, path, notes) if len(elements) > 1 else (0,):
        levels = ranges[place]
        if within is not None:
            if len(elements) > 1 and _outside(levels, within):
                notes.lost(BEYOND_STORAGE, f"{path}{place}.fill_level_range", _shown(levels))
                continue
            levels = _cut(levels, within, f"{path}{place}.fill_level_range", notes)
        made.append({**fields_of(elements[place], path, place, notes), "fill_level_range": levels})
    return made


def _meeting(ranges: list[Fields], path: str, notes: Notes) -> list[int]:
    """The places of the ranges in rising order, without empty ones; rounding errors between them are mended."""
    places = [place for place, levels in enumerate(ranges) if levels["lower"] < levels["upper"]] or [0]
    for place, levels in enumerate(ranges):
        if place not in places:
            notes.lost(EMPTY_RANGE, f"{path}{place}.fill_level_range", _shown(levels))
    rising = sorted(places, key=lambda place: (ranges[place]["lower"], ranges[place]["upper"]))
    if rising != places:
        notes.forgiven(OUT_OF_ORDER, f"{path}0.fill_level_range", _shown(ranges[0]))
    slack = ROUNDING * (ranges[rising[-1]]["upper"] - ranges[rising[0]]["lower"])
    for before, after in itertools.pairwise(rising):
        ends, begins = ranges[before]["upper"], ranges[after]["lower"]
        if ends != begins and abs(ends - begins) <= slack:
            notes.forgiven(NEARLY_MEETING, f"{path}{after}.fill_level_range", begins)
            ranges[after]["lower"] = ends
    return rising


def _outside(levels: Fields, within: Fields) -> bool:
    """Whether no level of the range is one of the storage's; a range that only touches it is outside."""
    if levels["lower"] == levels["upper"] or within["lower"] == within["upper"]:
        return bool(levels["upper"] < within["lower"] or levels["lower"] > within["upper"])
    return bool(levels["upper"] <= within["lower"] or levels["lower"] >= within["upper"])


def _cut(levels: Fields, within: Fields, path: str, notes: Notes) -> Fields:
    """The part of a range that the storage has; all of it when that is none, for the model to refuse."""
    lower, upper = max(levels["lower"], within["lower"]), min(levels["upper"], within["upper"])
    if (lower == levels["lower"] and upper == levels["upper"]) or lower > upper:
        return levels
    notes.lost(BEYOND_STORAGE, path, _shown(levels))
    return {"lower": lower, "upper": upper}


def _shown(levels: Fields) -> Any:
    return f"{levels['lower']} to {levels['upper']}"
