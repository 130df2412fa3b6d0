"""plugin.json: what an installed package tells of itself, as the gateway and the commands read it."""

import tempfile
from functools import cache
from pathlib import Path

from pydantic import JsonValue

from efpi_core.cli.schema_words import schema_rows
from efpi_core.gateway.planning import secret_names
from efpi_core.host.catalogue import read_description
from efpi_core.host.config_check import schema_problems
from tests.fuzz.target import Target

SETTINGS: tuple[dict[str, JsonValue], ...] = (
    {},
    {"host": "a", "way": "b", "token": "secret", "list": [{"key": "one"}, 5, None], "any": {"x": 7, "y": {"z": []}}},
    {"a": {"a": {"a": [{"a": {}}]}}},
)
"""Settings as a site may have them."""


@cache
def folder() -> Path:
    """Where the file lies."""
    return Path(tempfile.mkdtemp(prefix="efpi-fuzz-"))


def feed(data: bytes) -> None:
    """A description is none, or all that is made of it can be made: rows, names of secrets, judgements on settings."""
    path = folder() / "plugin.json"
    path.write_bytes(data)
    description = read_description(path)
    for offer in () if description is None else description.offers:
        for schema in (offer.config_schema, *(each.input_schema for each in offer.operations)):
            for row in schema_rows(schema):
                assert all(isinstance(cell, str) for cell in row)
            for settings in SETTINGS:
                assert all(isinstance(name, str) for name in secret_names(settings, schema))
                assert all(problem for problem in schema_problems(schema, settings))


TARGET = Target(
    "plugin_json",
    feed,
    words=(
        b'"$ref":"#/$defs/Way"', b'"$ref":"#"', b'"$ref":"http://127.0.0.1:9/x"', b'"$defs":{}', b'"anyOf":[',
        b'"allOf":{}', b'"items":', b'"type":"array"', b'"properties":', b'"required":', b'"secret":true', b'"enum":[]',
        b'"const":1', b'"pattern":"("', b'"minimum":"x"', b'"additionalProperties":false', b'"kind":"app"', b"{", b"}",
        b"[", b"]", b",",
    ),
    holds_json=True,
)  # fmt: skip
