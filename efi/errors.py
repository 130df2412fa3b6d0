"""What is wrong with a message, for people: pydantic's errors as the field, the value, the rule and the cure."""

import json
from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from efi.messages import MESSAGE_CLASSES
from efi.refusal import Refusal
from efi.types import IDENTIFIER_PATTERN

LONGEST_VALUE = 80
"""How much of an offending value is shown, in characters."""


class Words(NamedTuple):
    """What a rule says to people."""

    fact: str
    """What is wrong; names in braces are filled in from the error."""
    cure: str
    """What the sender can do about it."""


_TIME = Words("it is not an instant", "write it like 2026-03-29T01:00:00Z")
_SPAN = Words("it is not a length of time", "write it like PT15M")
_OBJECT = Words("it is not an object", "write named fields in braces")
_NUMBER = Words("it is not a number", "write a number, without quotes")
_TRUTH = Words("it is neither true nor false", "write true or false, without quotes")
_AMOUNT = Words("it is not an amount of money", 'write a number, or text like "0.25"')
_FINE = Words("it has more digits than an amount of money may have", "round it")
_ZONE = Words("it names no time zone", "end it with Z, or with an offset like +01:00")

WORDS: Mapping[str, Words] = {
    "missing": Words("this field is missing", "give it"),
    "extra_forbidden": Words("there is no such field", "leave it out, or check its spelling"),
    "string_type": Words("it is not text", "write it in quotes"),
    "string_unicode": Words("it is not UTF-8", "write it in UTF-8"),
    "string_pattern_mismatch": Words("it does not fit the pattern {pattern}", "write it in that pattern"),
    "string_too_long": Words("it has more than {max_length} characters", "shorten it"),
    "string_too_short": Words("it has fewer than {min_length} characters", "lengthen it"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": Words("it is not a finite number", "leave the field out when the number is not known"),
    "greater_than": Words("it is not above {gt}", "raise it"),
    "greater_than_equal": Words("it is below {ge}", "raise it"),
    "less_than": Words("it is not below {lt}", "lower it"),
    "less_than_equal": Words("it is above {le}", "lower it"),
    "decimal_type": _AMOUNT,
    "decimal_parsing": _AMOUNT,
    "decimal_max_digits": _FINE,
    "decimal_max_places": _FINE,
    "decimal_whole_digits": Words("it is larger than an amount of money may be", "lower it"),
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": _ZONE,
    "time_delta_type": _SPAN,
    "time_delta_parsing": _SPAN,
    "enum": Words("it is none of {expected}", "write one of those"),
    "literal_error": Words("it is not {expected}", "write that"),
    "tuple_type": Words("it is not a list", "write a list in brackets"),
    "too_short": Words("the list has fewer than {min_length} entries", "add to it"),
    "too_long": Words("the list has more than {max_length} entries", "shorten it"),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "union_tag_not_found": Words("the message has no `type`", "give the message's `type`"),
    "union_tag_invalid": Words("there is no message of type {tag}", "use one of {expected_tags}"),
    "json_invalid": Words("it is not JSON: {error}", "write one JSON object (RFC 8259)"),
    "json_type": Words("it is neither text nor bytes", "hand over text or bytes"),
    "recursion_loop": Words("it contains itself", "break the circle"),
}
"""Every rule of pydantic's that a message can break; the interface's own rules bring their words themselves."""

_IDENTIFIER = Words("a name has 2 to 64 letters, digits, `_`, `:` or `-`", "choose such a name")

UNKNOWN_CURE = "compare it with the schema: `efi schema`"
"""The cure of a rule that a newer pydantic may bring."""


def faults(error: ValidationError, kinds: Container[str] = MESSAGE_CLASSES) -> list[Refusal]:
    """All that is wrong, one entry a field; `kinds` are the names of messages, which no path begins with."""
    return [_fault(detail, kinds) for detail in error.errors(include_url=False)]


def _fault(detail: ErrorDetails, kinds: Container[str]) -> Refusal:
    rule = detail["type"]
    words = _words_of(rule, detail["msg"], detail.get("ctx", {}))
    value = None if rule in _NOTHING_THERE else shown(detail["input"])
    return Refusal(rule, path_of(detail["loc"], kinds), value, words.fact, words.cure)


_NOTHING_THERE = frozenset(("missing", "union_tag_not_found", "json_invalid"))


def _words_of(rule: str, message: str, context: Mapping[str, Any]) -> Words:
    words = _IDENTIFIER if context.get("pattern") == IDENTIFIER_PATTERN else WORDS.get(rule)
    if words is not None:
        told = {name: shown(value) if name == "tag" else value for name, value in context.items()}
        return Words(words.fact.format_map(told), words.cure.format_map(told))
    # The interface's own rules bring their cure after the last semicolon.
    fact, separator, cure = message.rpartition("; ")
    return Words(fact, cure) if separator else Words(message, UNKNOWN_CURE)


def path_of(place: tuple[int | str, ...], kinds: Container[str] = MESSAGE_CLASSES) -> str:
    """A field's path, from the message inwards: `actuators.0.mode_id`; empty for the message as a whole."""
    inner = place[1:] if place and place[0] in kinds else place
    return ".".join(part if isinstance(part, str) and part.isidentifier() else shown(part) for part in inner)


def shown(value: Any) -> str:
    """A value as JSON, cut to a length that can be read, with nothing in it that acts on a terminal."""
    try:
        text = json.dumps(value, ensure_ascii=True, default=str)
    except (ValueError, TypeError, RecursionError):
        text = ascii(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
