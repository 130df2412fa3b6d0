"""The JSON form of what the gateway shows of itself: dataclasses, messages, instants and enumerations."""

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Protocol, cast, runtime_checkable

JsonScalar = str | int | float | bool | None
Json = JsonScalar | list["Json"] | dict[str, "Json"]

_AS_THEY_ARE = frozenset((NoneType, bool, int, str))
"""Kinds that JSON has."""


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
            return _finite(value)
        case datetime():
            return _instant(value)
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list() | set() | frozenset():
            return _plain_items(value)
        case _Model():
            return value.model_dump(mode="json", exclude_none=True)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


_WRITTEN: dict[type, Callable[[Any], Json]] = {float: _finite, datetime: _instant, Decimal: str}
"""How values of a kind are written of which columns are full."""


def _plain_items(items: Collection[object]) -> list[Json]:
    """The same of each; a column of one kind, as the history has them, at once."""
    kinds = set(map(type, items)) - _AS_THEY_ARE
    if not kinds:
        return cast(list[Json], list(items))
    kind = kinds.pop()
    written = None if kinds else _WRITTEN.get(kind)
    if written is None:
        return [plain(item) for item in items]
    return [written(item) if type(item) is kind else cast(Json, item) for item in items]


def to_json(value: object) -> bytes:
    """One line of JSON, in UTF-8; every surrogate that a device may have put in a text is escaped."""
    return json.dumps(plain(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode("ascii")
