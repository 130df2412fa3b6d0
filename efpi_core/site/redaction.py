"""Keeps secrets out of what leaves the gateway: by the `secret` keyword of a schema, and by known values."""

import re
from collections.abc import Iterable

from pydantic import JsonValue

from efpi_core.site.problem import Path
from efpi_core.site.schema import Schema, schemas_at

MASK = "•••"

_SHORTEST = 4
"""A known value that is shorter would blacken half of every text."""


def redact_settings(settings: JsonValue, schema: Schema) -> JsonValue:
    """A copy of a plugin's settings in which every value that its schema calls `secret` is masked."""
    return _redacted(settings, schema, ())


def _redacted(value: JsonValue, schema: Schema, path: Path) -> JsonValue:
    if value is not None and any(part.get("secret") is True for part in schemas_at(schema, schema, path)):
        return MASK
    if isinstance(value, dict):
        return {key: _redacted(part, schema, (*path, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [_redacted(part, schema, (*path, index)) for index, part in enumerate(value)]
    return value


class Redactor:
    """Masks known secret values wherever they stand in a text."""

    def __init__(self, values: Iterable[str]) -> None:
        known = sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """The text without the known values."""
        return text if self._known is None else self._known.sub(MASK, text)

    def data(self, value: JsonValue) -> JsonValue:
        """A copy of plain data without them, in keys, too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.data(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.data(part) for part in value]
        return value
