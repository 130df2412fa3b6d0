"""Keeps secrets out of what leaves the gateway: by the `secret` keyword of a schema, and by known values."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

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


_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}://[^/\s:@?#]{0,200}:)[^/\s?#]{1,500}@")
"""The password in a URL (RFC 3986, 3.2.1), to the last `@`, since many are not escaped."""

_AUTHORIZATION = re.compile(r"\b(basic|bearer|digest) +[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE)
"""The credentials of an HTTP header (RFC 9110, 11.4)."""

_LONGEST_WHOLE = 900
"""A text that is longer may have been cut off in the middle of a secret."""


class Redactor:
    """Masks secrets wherever they stand in a text: known values, as they are and as programs write them, and the
    passwords of URLs and HTTP headers, which nobody declared.
    """

    def __init__(self, values: Iterable[str]) -> None:
        known = {form for value in values for form in _forms(value) if len(form) >= _SHORTEST}
        self._longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, self._longest_first))) if known else None

    def text(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
            if len(text) > _LONGEST_WHOLE:
                text = self._without_piece(text)
        if "://" in text:
            text = _USERINFO.sub(rf"\1{MASK}@", text)
        return _AUTHORIZATION.sub(rf"\1 {MASK}", text)

    def _without_piece(self, text: str) -> str:
        """The text without the beginning of a secret at its end, where it was cut off."""
        body = text.removesuffix("…")
        for value in self._longest_first:
            for length in range(min(len(value) - 1, len(body)), _SHORTEST - 1, -1):
                if body.endswith(value[:length]):
                    return f"{body[:-length]}{MASK}{text[len(body) :]}"
        return text

    def data(self, value: JsonValue) -> JsonValue:
        """A copy of plain data without them, in keys, too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.data(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.data(part) for part in value]
        return value


def _forms(value: str) -> Iterator[str]:
    """A value as programs write it: as it is, in JSON, in Python, in a URL, in base64, line by line."""
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield quote(value, safe="", errors="replace")
    yield quote_plus(value, errors="replace")
    encoded = base64.b64encode(value.encode("utf-8", "replace")).decode()
    yield encoded
    yield encoded.rstrip("=")
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= 2 * _SHORTEST)


class Masking:
    """The redactor of a running gateway: it learns every secret before anybody is given it."""

    def __init__(self, values: Callable[[], dict[str, str]]) -> None:
        self._values = values
        self._known: set[str] = set()
        self._redactor = Redactor(())

    def values(self) -> dict[str, str]:
        """The secrets as they are now, to be given away."""
        found = self._values()
        if not self._known.issuperset(found.values()):
            self._known.update(found.values())  # a former value may still be about
            self._redactor = Redactor(self._known)
        return found

    def text(self, text: str) -> str:
        """A text without any secret that was ever given away."""
        return self._redactor.text(text)
