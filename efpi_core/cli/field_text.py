"""Fields of an operation as people write them on a command line: `--wait-s 25 --force --tag a --tag b`."""

import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from efpi_core.cli.options import require_known
from efpi_core.cli.schema_words import Row, schema_rows
from efpi_core.errors import SettingsError

LONGEST_LINE = 64 * 1024


class FieldTexts:
    """The fields that a schema declares, as options."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._fields: dict[str, dict[str, Any]] = schema.get("properties", {})

    def usage(self) -> Iterator[str]:
        """How each is given."""
        required = self._schema.get("required", ())
        for name, part in self._fields.items():
            option = f"{_option(name)}{'' if self._kind(part) == 'boolean' else ' ' + name.upper()}"
            yield option if name in required else f"[{option}]"

    def rows(self) -> Iterator[Row]:
        """A table's rows."""
        for name, *others in schema_rows(self._schema):
            yield (_option(name) if name in self._fields else name, *others)  # type: ignore[misc]  # of a row the first is the name

    def read(self, arguments: Sequence[str]) -> dict[str, Any]:
        """The fields as values; SettingsError, or RefusedError for a name that is none."""
        given: dict[str, Any] = {}
        left = list(arguments)
        while left:
            option, equals, text = left.pop(0).partition("=")
            if not option.startswith("--"):
                raise SettingsError("", f"'{option}' is no field", "write each as --field value")
            name = option[2:].replace("-", "_")
            require_known(name, self._fields, "field")
            kind = self._kind(self._fields[name])
            if not equals:
                flag = kind == "boolean" and (not left or left[0].startswith("--"))
                if not flag and not left:
                    raise SettingsError(option, "it has no value", f"write it as {option} value")
                text = "true" if flag else left.pop(0)
            self._put(given, name, kind, _from_input(text))
        self._ask_for_secrets(given)
        return given

    def _put(self, given: dict[str, Any], name: str, kind: str, text: str) -> None:
        if kind == "array":
            items = self._resolved(self._fields[name]).get("items", {})
            given.setdefault(name, []).append(_value(name, self._kind(items), text))
        else:
            given[name] = _value(name, kind, text)

    def _ask_for_secrets(self, given: dict[str, Any]) -> None:
        """Ask for each secret that must be given and is not, without an echo."""
        for name in self._schema.get("required", ()):
            part = self._fields.get(name, {})
            if name not in given and part.get("secret") and sys.stdin.isatty():
                given[name] = getpass.getpass(f"{part.get('title', name)}: ")

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        """Without what is behind a reference, or beside a null."""
        for choice in part.get("anyOf", ()):
            if choice.get("type") != "null":
                return self._resolved(choice)
        if "$ref" in part:
            known = self._schema.get("$defs", {})
            found: dict[str, Any] = known.get(str(part["$ref"]).rpartition("/")[2], {})
            return found
        return part

    def _kind(self, part: dict[str, Any]) -> str:
        return str(self._resolved(part).get("type", "string"))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _from_input(text: str) -> str:
    if text != "-":
        return text
    return sys.stdin.readline(LONGEST_LINE).rstrip("\r\n")


def _value(name: str, kind: str, text: str) -> Any:
    """A text as the JSON value that its field takes."""
    try:
        match kind:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "yes": True, "false": False, "no": False}[text.lower()]
            case "object":
                return json.loads(text)
            case _:
                return text
    except (ValueError, KeyError, RecursionError):
        words = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "object": "JSON"}
        raise SettingsError(_option(name), f"'{text}' is not {words[kind]}", "correct it") from None
