"""S2's JSON form: bytes into messages and back, and what to answer where bytes are no message."""

import json
import re
from typing import Any

from pydantic import ValidationError

from efi.errors import faults, shown
from efi.refusal import Refusal
from efi.s2.conversation import ReceptionStatusValues
from efi.s2.messages import MESSAGE_CLASSES, AnyS2Message, reader
from efi.s2.model import S2Message
from efi.s2.profile import Profile
from efi.types import IDENTIFIER_PATTERN

LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes of a message; real ones have a few hundred, a day's forecast some hundred thousand."""

MOST_FAULTS = 1000
"""How many faults a message may have before they are no longer looked into: telling one by one takes long."""


class MessageRefused(Exception):  # noqa: N818  # it is the verdict on a message, and tells what to answer
    """Bytes that are no S2 message: which ReceptionStatus they deserve, and what is wrong."""

    def __init__(
        self,
        status: ReceptionStatusValues,
        refusal: Refusal,
        *,
        subject_id: str | None = None,
        message_type: str | None = None,
    ) -> None:
        super().__init__(refusal.sentence)
        self.status = status
        """INVALID_DATA or INVALID_MESSAGE."""
        self.refusal = refusal
        """The first rule that is broken: its name, path, value and cure."""
        self.subject_id = subject_id
        """The message_id, when one could be read."""
        self.message_type = message_type
        """What the sender meant it to be, when that could be read; a ReceptionStatus is never answered."""


def parse(data: bytes | str, profile: Profile) -> AnyS2Message:
    """Read a message; MessageRefused tells what is wrong with it.

    What the schema of the profile allows is read, and nothing else, with these exceptions. More is allowed: a null in
    the place of an absent property; an instant without seconds, with a space for its T, or with an offset without its
    colon. Less is allowed: the pattern of an identifier holds for the whole of it; numbers are finite; an object has
    each key once; a message has at most `LARGEST_MESSAGE` bytes.
    """
    if len(data) > LARGEST_MESSAGE:
        raise MessageRefused(ReceptionStatusValues.INVALID_DATA, _too_large(len(data)))
    try:
        message = reader(profile).validate_json(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _refused(data, error, profile) from None
    repeated = None if _certainly_once(data, message) else _repeated_key(data)
    if repeated is not None:
        raise MessageRefused(
            ReceptionStatusValues.INVALID_DATA,
            repeated,
            subject_id=getattr(message, "message_id", None),
            message_type=message.message_type,
        )
    return message


def dump(message: S2Message) -> bytes:
    """Write a message: UTF-8, one line, absent properties left out."""
    return message.__pydantic_serializer__.to_json(message, exclude_none=True, by_alias=True)


def _certainly_once(data: bytes | str, message: AnyS2Message) -> bool:
    """Whether each object has each key once, where that is seen at a glance.

    Each key and each text brings two quotation marks. Without escapes, what is written again has as many as what was
    read, less those of repeated keys and of nulls.
    """
    if isinstance(data, str):
        data = data.encode()
    return b"\\" not in data and data.count(b'"') == dump(message).count(b'"')


def _repeated_key(data: bytes | str) -> Refusal | None:
    try:
        _EVERY_KEY_ONCE.decode(data if isinstance(data, str) else data.decode())
    except _RepeatedKeyError as repeated:
        return repeated.refusal
    return None


class _RepeatedKeyError(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.refusal = Refusal(
            "repeated_key", "", None, f"an object has the key {shown(key)} twice", "give each key once"
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


_EVERY_KEY_ONCE = json.JSONDecoder(object_pairs_hook=_once)
_STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse_constant)


def _too_large(size: int) -> Refusal:
    return Refusal(
        "too_large",
        "",
        None,
        f"it has {size:,} bytes, and {LARGEST_MESSAGE:,} are allowed",
        "say it in several messages",
    )


def _refused(data: bytes | str, error: ValidationError, profile: Profile) -> MessageRefused:
    """What is wrong with bytes that are no message, the coarser faults first."""
    try:
        value = _STRICT.decode(data if isinstance(data, str) else data.decode())
    except _RepeatedKeyError as repeated:
        return MessageRefused(ReceptionStatusValues.INVALID_DATA, repeated.refusal)
    except RecursionError:
        return MessageRefused(ReceptionStatusValues.INVALID_DATA, _not_json("it is nested too deeply"))
    except ValueError as reason:
        return MessageRefused(ReceptionStatusValues.INVALID_DATA, _not_json(f"it is not JSON: {reason}"))
    if not isinstance(value, dict):
        return MessageRefused(ReceptionStatusValues.INVALID_DATA, _not_json("it is not an object"))
    return _refused_object(value, error, profile)


_NO_JSON = ("json_invalid", "string_unicode")
"""pydantic's rules for what Python's reader takes for JSON, and RFC 8259 does not."""


def _refused_object(value: dict[str, Any], error: ValidationError, profile: Profile) -> MessageRefused:
    subject_id, message_type = value.get("message_id"), value.get("message_type")
    named = isinstance(subject_id, str) and re.fullmatch(IDENTIFIER_PATTERN, subject_id) is not None
    refusal = _first_fault(value, error, profile)
    understood = (named or message_type == "ReceptionStatus") and refusal.rule not in _NO_JSON
    return MessageRefused(
        ReceptionStatusValues.INVALID_MESSAGE if understood else ReceptionStatusValues.INVALID_DATA,
        refusal,
        subject_id=subject_id if named else None,
        message_type=message_type if isinstance(message_type, str) else None,
    )


def _first_fault(value: dict[str, Any], error: ValidationError, profile: Profile) -> Refusal:
    if error.error_count() > MOST_FAULTS:
        return Refusal("too_many_faults", "", None, f"it breaks the schema of {profile} in many places", "mend it")
    kinds = MESSAGE_CLASSES[profile]
    first = faults(error, kinds)[0]
    if first.rule == "union_tag_not_found":
        return Refusal("missing", "message_type", None, "this field is missing", "give it")
    if first.rule == "union_tag_invalid":
        said = shown(value.get("message_type"))
        return Refusal("unknown_message", "message_type", said, f"{profile} has no such message", "check its spelling")
    return first


def _not_json(fact: str) -> Refusal:
    return Refusal("no_json_object", "", None, fact, "write one JSON object (RFC 8259)")
