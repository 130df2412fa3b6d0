"""The JSON form of what the gateway shows of itself: dataclasses, messages, instants and enumerations."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Protocol, runtime_checkable

JsonScalar = str | int | float | bool | None
Json = JsonScalar | list["Json"] | dict[str, "Json"]


@runtime_checkable
class _Model(Protocol):
    """A pydantic model; told by its method, since importing pydantic would delay the start."""

    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, Json]:
        """Its fields as plain values."""


def plain(value: object) -> Json:  # noqa: PLR0911  # one case a kind of value
    """A value as JSON has it: instants in UTC with a `Z`, spans in seconds, a number that is none as null."""
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list() | set() | frozenset():
            return [plain(item) for item in value]
        case _Model():
            return value.model_dump(mode="json", exclude_none=True)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def to_json(value: object) -> bytes:
    """One line of JSON, in UTF-8; every surrogate that a device may have put in a text is escaped."""
    return json.dumps(plain(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode("ascii")
