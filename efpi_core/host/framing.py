"""Frames on a byte stream: four bytes of length (big-endian), then one JSON object; and what may go wrong with them."""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from efi.messages import dump_message
from efpi_core.host.each_key_once import EachKeyOnce
from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import PROTOCOL, Deliver, FromInstance, Say, Store, ToInstance

HEADER = 4
"""Bytes of length before each frame."""

LARGEST_FROM_INSTANCE = 4 * 1024 * 1024
"""Bytes that one frame of an instance may take."""

LARGEST_TO_INSTANCE = 4 * LARGEST_FROM_INSTANCE
"""Bytes that one frame to an instance may take: more, since its own durable memory comes with `Start`."""

BYTES_A_VALUE = 20
"""A frame may hold a value for so many of its largest bytes: from an instance 200 000, twice what the longest message
has, and few enough that a frame full of mistakes costs 0.1 s and 100 MB.
"""

MOST_MISTAKES = 100
"""A frame with more mistakes is not looked at more closely."""

UNKNOWN_FIELD = frozenset(("extra_forbidden", "unexpected_keyword_argument"))
UNKNOWN_TYPE = "union_tag_invalid"

STRICT = ConfigDict(extra="forbid")


class FrameSplitter:
    """Cuts a stream into frames. Fed with whatever came, it gives the frames that are complete."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are complete with these bytes; FrameError at a length beyond the bound."""
        rest = self._rest
        rest += data
        at = 0
        try:
            while len(rest) - at >= HEADER:
                length = int.from_bytes(rest[at : at + HEADER], "big")
                if length > self._largest:
                    raise FrameError(
                        "oversized", f"a frame of {length} bytes was announced, at most {self._largest} may come"
                    )
                if len(rest) - at - HEADER < length:
                    break
                at += HEADER
                payload = bytes(rest[at : at + length])
                at += length
                yield payload
        finally:
            del rest[:at]

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._rest)


@cache
def from_instance_adapter() -> TypeAdapter[FromInstance]:
    """Checks what an instance sends; built when first needed, since that takes tens of milliseconds."""
    return TypeAdapter(Annotated[FromInstance, Field(discriminator="op")], config=STRICT)


@cache
def to_instance_adapter() -> TypeAdapter[ToInstance]:
    """Checks what the gateway sends."""
    return TypeAdapter(Annotated[ToInstance, Field(discriminator="op")], config=STRICT)


class Encoder:
    """Makes bytes of frames."""

    def __init__(self, adapter: TypeAdapter[Any], largest: int) -> None:
        self._to_json = adapter.serializer.to_json
        self._largest = largest

    def encode(self, frame: FromInstance | ToInstance) -> bytes:
        """The frame, its length before it; FrameError when its values have no JSON form, or too long a one."""
        try:
            if isinstance(frame, Say | Deliver):
                payload = _message_payload(frame)
            else:
                payload = self._to_json(frame, warnings="error")
        except (PydanticSerializationError, UnicodeEncodeError, ValueError, AttributeError) as error:
            raise FrameError("unfit", f"the frame {frame.op!r} has no JSON form: {error}") from None
        if len(payload) > self._largest or _has_more_values(payload, self._largest // BYTES_A_VALUE):
            raise FrameError(
                "oversized",
                f"a frame {frame.op!r} of {len(payload)} bytes is beyond what may be sent: {self._largest} bytes, and "
                f"{self._largest // BYTES_A_VALUE} values",
                "send less at once, or keep less",
            )
        return len(payload).to_bytes(HEADER, "big") + payload


def _message_payload(frame: Say | Deliver) -> bytes:
    """A frame that carries a message, in half the time: the message is written by its own serializer."""
    appliance, message = to_json(frame.appliance_id), dump_message(frame.message)
    return b'{"op":"%b","appliance_id":%b,"message":%b}' % (frame.op.encode(), appliance, message)


def _has_more_values(payload: bytes, most: int) -> bool:
    return len(payload) > most and payload.count(b",") > most


def agree(theirs: tuple[int, int], ours: tuple[int, int] = PROTOCOL, what: str = "frames") -> bool:
    """Whether the peer speaks a newer minor version; FrameError when the major versions differ."""
    if theirs[0] != ours[0]:
        raise FrameError(
            "version",
            f"the peer speaks version {theirs[0]}.{theirs[1]} of the {what}, this end {ours[0]}.{ours[1]}",
            "install releases of gateway and plugin whose major versions agree",
        )
    return theirs[1] > ours[1]


class Decoder:
    """Makes frames of bytes. Unknown fields are refused, or dropped when the peer announced a newer minor version."""

    def __init__(self, adapter: TypeAdapter[Any], largest: int) -> None:
        self._adapter = adapter
        self._most_values = largest // BYTES_A_VALUE
        self._once = EachKeyOnce()
        self.peer_is_newer = False
        self.unknown_fields = 0
        """How many fields of a newer version were dropped."""

    def decode(self, payload: bytes) -> Any:
        """The frame; FrameError names what is wrong."""
        if _has_more_values(payload, self._most_values):
            raise FrameError("oversized", f"a frame of more than {self._most_values} values came")
        try:
            frame = self._adapter.validator.validate_json(payload)
        except ValidationError as error:
            if not self.peer_is_newer or error.error_count() > MOST_MISTAKES:
                raise _as_frame_error(error) from None
            trimmed = self._without_unknown_fields(payload, error)
        else:
            self._once.check(payload, type(frame))
            return frame
        self._once.check(payload, Store)
        try:
            return self._adapter.validator.validate_json(trimmed)
        except ValidationError as error:
            raise _as_frame_error(error) from None

    def _without_unknown_fields(self, payload: bytes, error: ValidationError) -> bytes:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        if any(problem["type"] not in UNKNOWN_FIELD for problem in problems):
            raise _as_frame_error(error) from None
        value = from_json(payload)
        for problem in problems:
            _remove(value, problem["loc"])
        self.unknown_fields += len(problems)
        return to_json(value)


def _remove(value: Any, path: tuple[int | str, ...]) -> None:
    """Delete a field by the path that a validation error gives; its parts that name union members are passed over."""
    for part in path[:-1]:
        in_list = isinstance(value, list) and isinstance(part, int)
        if in_list or (isinstance(value, dict) and part in value):
            value = value[part]
    if isinstance(value, dict):
        value.pop(path[-1], None)


def _as_frame_error(error: ValidationError) -> FrameError:
    if error.error_count() > MOST_MISTAKES:  # to write each of a million out would take a gigabyte
        return FrameError("unfit", f"{error.error_count()} things are wrong with one frame")
    problems = error.errors(include_url=False, include_input=True)
    first = problems[0]
    path = _one_line(".".join(str(part) for part in first["loc"]), 300) or "frame"
    if first["type"] == "json_invalid":
        return FrameError("malformed", f"what came is not JSON: {_one_line(first['msg'], 200)}")
    if first["type"] == UNKNOWN_TYPE:
        tag = str(first["ctx"]["tag"])[:64]
        return FrameError(
            "unknown_type", f"{path}: there is no {first['ctx']['discriminator']} {tag!r} in this version"
        )
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return FrameError("unfit", f"{path}: {_one_line(first['msg'], 300)}, not {repr(first['input'])[:100]}{more}")


def _one_line(text: str, longest: int) -> str:
    """A text in which names that the peer chose may stand: bounded, and without what acts on a log or a terminal."""
    cut = text[:longest]
    return cut if cut.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in cut)
