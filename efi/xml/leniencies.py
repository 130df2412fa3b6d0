"""What the readers of both forms forgive, each by its name; docs/wires.md lists them."""

from efi.conversion import LeniencyKind

UNFINISHED_NUMBER = LeniencyKind(
    "unfinished_number",
    "a number or length of time that lacks a digit, as `1e`, `PT1.S` or `PT.5S`",
    "the missing digits are zeros",
)
CALENDAR_TIME = LeniencyKind(
    "calendar_time", "a length of time in years or months", "a year is 365 days, and a month 30"
)
ZONELESS_TIME = LeniencyKind("zoneless_time", "a time without a zone", "taken as UTC")
FINER_TIME = LeniencyKind("finer_time", "an instant or length of time with parts of a microsecond", "cut off")
UNKNOWN_TIMER = LeniencyKind("unknown_timer", "a timer that is not described", "left out of the transition")
REVERSED_RANGE = LeniencyKind("reversed_range", "a range whose lower bound lies above its upper", "its bounds swapped")
REPEATED_RANGE = LeniencyKind(
    "repeated_range", "several fill level ranges that begin at the same level", "the first counts"
)
RANGE_GAP = LeniencyKind(
    "range_gap",
    "fill level ranges that leave a gap or overlap, as 0 to 20 and 21 to 100",
    "the lower one reaches to where the next begins",
)
UNORDERED_RANGES = LeniencyKind(
    "unordered_ranges", "fill level ranges that are not in rising order", "brought into rising order"
)
EMPTY_RANGE = LeniencyKind(
    "empty_range",
    "a range of fill levels that ends where it begins, among others",
    "left out; its neighbours meet there",
)
DEADLINE = LeniencyKind(
    "deadline", "a deadline before the steps can be done", "put off to when they can be done at the earliest"
)
EMPTY_ELEMENT = LeniencyKind("empty_element", "an element of a profile that lasts no time", "left out")
