"""Checks a plugin's settings against the JSON Schema that it published, without running the plugin."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import JsonValue

from efpi_core.nearest import nearest

if TYPE_CHECKING:
    from jsonschema import ValidationError

_AUTHOR = "report it to the plugin's author"

Path = tuple[str | int, ...]

MOST_PROBLEMS = 100
"""Mistakes that are told of one plugin's settings."""


class ConfigProblem(NamedTuple):
    """One mistake in settings."""

    path: Path
    """Where, within the settings."""
    problem: str
    cure: str = ""


def schema_problems(schema: Mapping[str, JsonValue], config: Mapping[str, JsonValue]) -> list[ConfigProblem]:
    """The mistakes that the schema knows of, by their paths; the first ones of very many.

    A schema that is none, or leads nowhere or in circles, is the one mistake that is told. Nothing is fetched.
    """
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415  # 0.1 s that only a check needs
    from referencing import Registry  # noqa: PLC0415  # likewise
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # likewise

    try:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, registry=Registry())
        found = (problem for error in validator.iter_errors(config) for problem in _problems(error))
        problems = list(islice(found, MOST_PROBLEMS))
    except (SchemaError, Unresolvable, RecursionError, re.error) as error:
        return [ConfigProblem((), f"its plugin's schema of settings is none: {str(error)[:200]}", _AUTHOR)]
    return sorted(dict.fromkeys(problems), key=lambda problem: [str(part) for part in problem.path])


def _problems(error: "ValidationError") -> Iterable[ConfigProblem]:
    path: Path = tuple(error.absolute_path)
    schema, value = error.schema, error.instance
    if error.validator == "additionalProperties" and isinstance(value, Mapping) and isinstance(schema, Mapping):
        known = schema.get("properties", {})
        return (
            ConfigProblem((*path, name), "there is no such setting", _one_of(known, name))
            for name in value
            if name not in known
        )
    if error.validator == "required" and isinstance(error.validator_value, list) and isinstance(value, Mapping):
        missing = [name for name in error.validator_value if name not in value]
        return [ConfigProblem((*path, name), "this setting is missing", _what_it_is(schema, name)) for name in missing]
    if error.validator in ("anyOf", "oneOf") and error.context:
        return [ConfigProblem(path, f"{_shown(value)} fits none of what is allowed", _choices(error))]
    return [ConfigProblem(path, _rule(error), "")]


def _rule(error: "ValidationError") -> str:
    """The broken rule in words, with the value."""
    value, wanted = _shown(error.instance), error.validator_value
    words = {
        "type": f"{value} is not {_type_name(wanted)}",
        "minimum": f"{value} is less than {wanted}",
        "maximum": f"{value} is more than {wanted}",
        "exclusiveMinimum": f"{value} is not more than {wanted}",
        "exclusiveMaximum": f"{value} is not less than {wanted}",
        "minLength": f"{value} is shorter than {wanted} characters",
        "maxLength": f"{value} is longer than {wanted} characters",
        "minItems": f"there are fewer than {wanted} entries",
        "maxItems": f"there are more than {wanted} entries",
        "pattern": f"{value} does not match {wanted}",
        "multipleOf": f"{value} is no multiple of {wanted}",
        "enum": f"{value} is none of {_listed(wanted)}",
        "const": f"{value} is not {_shown(wanted)}",
    }
    return words.get(str(error.validator), error.message[:300])


_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a group of settings",
    "array": "a list",
    "null": "empty",
}


def _type_name(wanted: Any) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(_TYPES.get(str(name), str(name)) for name in names)


def _choices(error: "ValidationError") -> str:
    rules = {_rule(each) for each in error.context or () if not each.relative_path}
    return "; ".join(sorted(rules))[:300]


def _what_it_is(schema: Any, name: str) -> str:
    told = schema.get("properties", {}).get(name, {}) if isinstance(schema, Mapping) else {}
    title = str(told.get("description") or told.get("title") or "")
    example = told.get("examples")
    text = f"give it: {title}" if title else "give it"
    return f"{text}, as {_shown(example[0])}" if isinstance(example, list) and example else text


def _one_of(known: Any, name: str) -> str:
    near = nearest(name, known)
    if near:
        return f"did you mean '{near}'?"
    return f"the settings are: {', '.join(sorted(known))}" if known else "it has no settings"


def _listed(values: Any) -> str:
    return ", ".join(_shown(value) for value in values) if isinstance(values, list) else _shown(values)


def _shown(value: Any) -> str:
    return repr(value)[:100]
