"""A JSON Schema of settings or fields in words: the rows of a table that people read."""

from collections.abc import Iterator
from typing import Any

Row = tuple[str, str, str, str, str]
"""Name, type, default, unit, and what it is."""


def schema_rows(schema: dict[str, Any]) -> Iterator[Row]:
    """A row for each setting or field."""
    required = _list(schema.get("required"))
    for name, told in _group(schema.get("properties")).items():
        part = _group(told)
        default = "required" if name in required else _shown(part.get("default"))
        about = part.get("description") or part.get("title") or ""
        yield name, type_in_words(part), default, str(part.get("unit", "")), str(about)


def type_in_words(part: dict[str, Any]) -> str:
    """What may stand there."""
    if "enum" in part:
        return " | ".join(map(str, _list(part["enum"])))
    if "const" in part:
        return str(part["const"])
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    if "anyOf" in part:
        choices = (choice for choice in map(_group, _list(part["anyOf"])) if choice.get("type") != "null")
        return " | ".join(dict.fromkeys(type_in_words(choice) for choice in choices))
    if part.get("type") == "array":
        return f"list of {type_in_words(_group(part.get('items'))) or 'values'}"
    return str(part.get("type", ""))


def _group(value: object) -> dict[str, Any]:
    """A plugin wrote the schema: what should be a group and is none says nothing."""
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _shown(default: object) -> str:
    match default:
        case None | [] | {} | "":
            return ""
        case bool():
            return "true" if default else "false"
        case _:
            return str(default)
