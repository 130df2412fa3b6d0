"""The official JSON schemas of S2 as validators, and as hypothesis strategies of the documents that they accept."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from efi.s2.profile import Profile

FOLDER = Path(__file__).parent / "fixtures"

Schema = Mapping[str, Any]

FORMATS = FormatChecker(())


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    """RFC 3339 §5.6, without the second that is no second of the day."""
    if not isinstance(value, str):
        return True
    if (
        re.fullmatch(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", value
        )
        is None
    ):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.[0-9]+", "", value))
    except ValueError:
        return False
    return True


def _with_objects(schema: dict[str, Any]) -> Schema:
    """A schema that says what the official one means: what has properties is an object."""
    return {"type": "object", **schema} if "properties" in schema else schema


class OfficialSchemas:
    """The schemas of one profile."""

    def __init__(self, profile: Profile) -> None:
        files = sorted((FOLDER / profile.value).glob("*/*.json"))
        self.by_file: dict[str, Schema] = {
            file.name: _with_objects(json.loads(file.read_text("utf-8"))) for file in files
        }
        self._registry: Registry[Any] = Registry().with_resources(
            (schema["$id"], Resource.from_contents(schema)) for schema in self.by_file.values()
        )
        self.messages: dict[str, Schema] = {
            schema["properties"]["message_type"]["const"]: schema
            for schema in self.by_file.values()
            if "message_type" in schema.get("properties", {})
        }
        self._validators = {
            name: Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS)
            for name, schema in self.messages.items()
        }

    def accepts(self, document: Any) -> bool:
        """Whether a document is a message, by the schema of the kind that it names."""
        if not isinstance(document, dict):
            return False
        name = document.get("message_type")
        validator = self._validators.get(name) if isinstance(name, str) else None
        return validator is not None and validator.is_valid(document)

    def schema_of(self, reference: str) -> Schema:
        """The schema to which a `$ref` leads."""
        return self.by_file[reference.rsplit("/", 1)[1]]


@cache
def official(profile: Profile) -> OfficialSchemas:
    """The schemas of a profile, read once."""
    return OfficialSchemas(profile)


# Documents that the schemas accept ------------------------------------------------------------------------------------

IDS = st.uuids().map(str) | st.from_regex(r"\A[a-zA-Z0-9\-_:]{2,64}\Z")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**12), 10**12)
DURATIONS = st.integers(0, 10**12) | st.sampled_from((0, 1000.0, 2**63, 10**30))
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATE_TIMES = st.datetimes(timezones=OFFSETS).map(datetime.isoformat) | st.sampled_from(
    (
        "2026-03-29T01:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999-12:00",
        "2026-03-29T01:00:00.5+02:00",
    )
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@cache
def documents_of(profile: Profile, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Documents of one kind of message."""
    return _of(official(profile), official(profile).messages[name])


def documents(profile: Profile) -> st.SearchStrategy[dict[str, Any]]:
    """Documents of any kind of message."""
    return st.sampled_from(sorted(official(profile).messages)).flatmap(lambda name: documents_of(profile, name))


def _of(schemas: OfficialSchemas, schema: Schema) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _of(schemas, schemas.schema_of(schema["$ref"]))
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "properties" in schema:
        return _objects(schemas, schema)
    if schema["type"] == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        return st.lists(_of(schemas, schema["items"]), min_size=least, max_size=min(most, least + 2))
    return _leaves(schema)


def _objects(schemas: OfficialSchemas, schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    parts = {name: _of(schemas, part) for name, part in schema["properties"].items()}
    required = set(schema["required"])
    return st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )


def _leaves(schema: Schema) -> st.SearchStrategy[Any]:
    if "pattern" in schema:
        return IDS
    if schema.get("format") == "date-time":
        return DATE_TIMES
    return {"string": TEXTS, "boolean": st.booleans(), "number": NUMBERS, "integer": DURATIONS}[schema["type"]]
