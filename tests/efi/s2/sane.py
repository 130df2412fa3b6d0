"""Documents that the schemas accept, made to make sense: ranges rise, ids lead somewhere, each quantity stands once."""

import itertools
from typing import Any

from hypothesis import strategies as st

from efi.s2.profile import Profile
from tests.efi.s2.official_schema import documents_of

Document = dict[str, Any]


def sane_documents_of(profile: Profile, name: str) -> st.SearchStrategy[Document]:
    """Documents of one kind of message that make sense."""
    return documents_of(profile, name).map(sane)


def sane(document: Document) -> Document:
    """The document, with what makes no sense in it mended; all ids are UUIDs."""
    _walk(document)
    if document["message_type"] == "PEBC.PowerConstraints":
        _both_limits(document)
    for end, begin in (("valid_until", "valid_from"), ("end_time", "start_time")):
        if end in document:
            document[end] = document[begin]
    return document


def _walk(part: Any) -> None:
    if isinstance(part, list):
        for each in part:
            _walk(each)
    elif isinstance(part, dict):
        for each in part.values():
            _walk(each)
        _mend(part)


def _mend(part: Document) -> None:
    _order(part, "start_of_range", "end_of_range")
    _order(part, "lower_limit", "upper_limit")
    _order(part, "lower_average_power", "upper_average_power")
    if "operation_mode_factor" in part:
        part["operation_mode_factor"] = min(max(part["operation_mode_factor"], 0), 1)
    for name in ("power_ranges", "power_values", "values", "power_envelopes"):
        if name in part:
            part[name] = _once(part[name], "commodity_quantity")
    for name in (
        "actuators",
        "operation_modes",
        "timers",
        "transitions",
        "power_sequences_containers",
        "power_sequences",
    ):
        if name in part:
            part[name] = _once(part[name], "Id" if part[name] and "Id" in part[name][0] else "id")
    if "elements" in part and "fill_level_range" in part["elements"][0] and "duration" not in part["elements"][0]:
        _meet(part["elements"])
    if "transitions" in part:
        _lead_somewhere(part)


def _order(part: Document, low: str, high: str) -> None:
    if low in part and high in part:
        part[low], part[high] = sorted((part[low], part[high]))


def _once(parts: list[Document], key: str) -> list[Document]:
    return list({part[key]: part for part in parts}.values())


def _meet(elements: list[Document]) -> None:
    for number, element in enumerate(elements):
        element["fill_level_range"] = {"start_of_range": number * 10, "end_of_range": number * 10 + 10}


def _lead_somewhere(part: Document) -> None:
    modes = [mode.get("Id", mode.get("id")) for mode in part["operation_modes"]]
    timers = [timer["id"] for timer in part["timers"]]
    ways = itertools.cycle(itertools.product(modes, modes))
    for transition, (one, other) in zip(part["transitions"], ways, strict=False):
        transition["from"], transition["to"] = one, other
        transition["start_timers"] = timers[: len(transition["start_timers"])]
        transition["blocking_timers"] = timers[: len(transition["blocking_timers"])]


def _both_limits(document: Document) -> None:
    ranges = document["allowed_limit_ranges"]
    for number, each in enumerate(ranges):
        each["commodity_quantity"] = ranges[0]["commodity_quantity"]
        each["limit_type"] = ("UPPER_LIMIT", "LOWER_LIMIT")[number % 2]
