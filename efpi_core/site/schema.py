"""The site's JSON Schema, with the settings of plugins merged in, and what it says of a place in a document."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from efpi_core.site.document import Site
from efpi_core.site.problem import Path

Schema = dict[str, JsonValue]
"""A JSON Schema, draft 2020-12."""

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def site_schema(drivers: Mapping[str, Schema] | None = None, apps: Mapping[str, Schema] | None = None) -> Schema:
    """The schema of the site document. The config schemas of drivers and apps, by their offers, are checked with it.

    Entries with `count` are left to the plugin's own check, since `%n%` may stand where a number will be.
    """
    schema: Schema = {"$schema": SCHEMA_DIALECT, **Site.model_json_schema(by_alias=True)}
    definitions = _mapping(schema, "$defs")
    for entry, key, offers in (("ApplianceEntry", "driver", drivers or {}), ("AppEntry", "app", apps or {})):
        conditions: list[JsonValue] = []
        for offer, config in sorted(offers.items()):
            name = f"config.{key}.{offer}"
            definitions[name] = _moved(config, f"#/$defs/{name}")
            conditions.append(_condition(key, offer, name))
        if conditions:
            _mapping(definitions, entry)["allOf"] = conditions
    return schema


def _condition(key: str, offer: str, definition: str) -> JsonValue:
    is_offer: JsonValue = {
        "properties": {key: {"const": offer}, "count": False},
        "required": [key],
    }
    return {"if": is_offer, "then": {"properties": {"config": {"$ref": f"#/$defs/{definition}"}}}}


def _moved(schema: JsonValue, to: str) -> JsonValue:
    """A copy of a schema whose references hold when it stands at `to` within another."""
    if isinstance(schema, list):
        return [_moved(part, to) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy: dict[str, JsonValue] = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str) and value.startswith("#"):
            copy[key] = to + value[1:]
        elif key != "$schema":
            copy[key] = _moved(value, to)
    return copy


def _mapping(schema: Schema, key: str) -> Schema:
    value = schema.setdefault(key, {})
    if not isinstance(value, dict):
        raise TypeError(f"{key} of a schema is no object")
    return value


def choices(schema: JsonValue, root: JsonValue) -> Iterator[Schema]:
    """The plain schemas that a schema stands for: its references followed, its alternatives in turn."""
    todo, seen = [schema], 0
    while todo and seen < 1000:
        seen += 1
        current = todo.pop(0)
        if not isinstance(current, dict):
            continue
        reference = current.get("$ref")
        if isinstance(reference, str):
            todo.append(_resolved(reference, root))
        for key in ("anyOf", "oneOf", "allOf"):
            parts = current.get(key)
            if isinstance(parts, list):
                todo.extend(parts)
        yield current


def _resolved(reference: str, root: JsonValue) -> JsonValue:
    found = root
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(found, dict):
            return None
        found = found.get(step.replace("~1", "/").replace("~0", "~"))
    return found


def schemas_at(schema: JsonValue, root: JsonValue, path: Path) -> list[Schema]:
    """All that a schema says of the value at a path; empty when it knows nothing of it."""
    here = list(choices(schema, root))
    for step in path:
        here = [plain for part in here for inner in _steps(part, step) for plain in choices(inner, root)]
    return here


def _steps(schema: Schema, step: str | int) -> Iterator[JsonValue]:
    if isinstance(step, int):
        yield schema.get("items")
        return
    properties = schema.get("properties")
    if isinstance(properties, dict) and step in properties:
        yield properties[step]
        return
    patterns = schema.get("patternProperties")
    if isinstance(patterns, dict):
        yield from patterns.values()
    yield schema.get("additionalProperties")


def known_keys(schemas: list[Schema]) -> tuple[str, ...]:
    """The keys that a mapping may have, of those that have names."""
    found: dict[str, None] = {}
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, dict):
            found.update(dict.fromkeys(properties))
    return tuple(found)
