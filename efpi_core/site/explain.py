"""Turns what a model says against its input into sentences with the cure; for the site and for plugins' settings."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from pydantic import JsonValue

from efpi_core.nearest import nearest
from efpi_core.site.model import NAMING
from efpi_core.site.problem import MOST_PROBLEMS, Path, Problem, path_text
from efpi_core.site.schema import Schema, known_keys, schemas_at

_LONGEST_VALUE = 60

NO_SUCH_KEY = "there is no such key"
"""What is said of a key that the model does not know."""


def explain(errors: Iterable[Mapping[str, Any]], data: JsonValue, schema: Schema, prefix: Path = ()) -> list[Problem]:
    """Problems from the errors of pydantic's `ValidationError.errors()`, or of the same shape.

    `data` is what was validated, `schema` its JSON Schema, `prefix` where it stands in the document. Of very many
    mistakes the first are told.
    """
    found = []
    for error in islice(errors, MOST_PROBLEMS):
        kind, path = str(error.get("type", "")), _real_path(error, data)
        problem, cure = _sentences(error, kind, path, data, schema)
        found.append(Problem((*prefix, *path), problem, cure))
    return found


def _real_path(error: Mapping[str, Any], data: JsonValue) -> Path:
    """The error's path without the steps that pydantic adds for alternatives, keys and functions."""
    path: Path = ()
    here = data
    steps = tuple(error.get("loc", ()))
    for position, step in enumerate(steps):
        if (isinstance(here, dict) and step in here) or (isinstance(here, list) and _within(here, step)):
            here = here[step]
            path = (*path, step)
        elif error.get("type") == "missing" and position == len(steps) - 1:
            path = (*path, step)
    return path


_SAID = {
    "string_pattern_mismatch": "does not have the right form",
    "model_type": "should be a mapping of settings",
    "dict_type": "should be a mapping of settings",
    "dataclass_type": "should be a mapping of settings",
}
"""What pydantic says in words of its own."""


def _within(values: list[JsonValue], step: object) -> bool:
    return isinstance(step, int) and 0 <= step < len(values)


def _sentences(error: Mapping[str, Any], kind: str, path: Path, data: JsonValue, schema: Schema) -> tuple[str, str]:
    if kind == "missing":
        return "it is missing", f"add `{path[-1] if path else ''}:`{_help(schemas_at(schema, schema, path))}"
    if kind == "extra_forbidden":
        known = known_keys(schemas_at(schema, schema, path[:-1]))
        near = nearest(str(path[-1]) if path else "", known)
        there = path_text(path[:-1]) or "the document"
        listed = f"{there} may have {', '.join(known[:20])}" if known else "delete it"
        return NO_SUCH_KEY, f"did you mean '{near}'?" if near else listed
    said = str(error.get("msg", "it is wrong"))
    if kind in _SAID:
        said = _SAID[kind]
    problem, divided, cure = said.partition("; ")
    if divided:
        return problem, cure
    if error.get("loc", ("",))[-1:] == ("[key]",):
        return f"the name {_shown(error.get('input'))} does not fit", _naming(error)
    return f"{_shown(error.get('input'))}: {_lowered(said.removeprefix('Input '))}", _cure(
        kind, schemas_at(schema, schema, path), error.get("input")
    )


def _naming(error: Mapping[str, Any]) -> str:
    pattern = error.get("ctx", {}).get("pattern", "")
    return NAMING.get(pattern, f"use letters, digits, '-' and '_' ({_lowered(str(error.get('msg', '')))})")


def _cure(kind: str, schemas: list[Schema], value: object) -> str:
    if value is None and kind.endswith("_type"):
        return f"write what it is{_help(schemas)}"
    if kind == "string_type":
        return f"put it into quotes{_help(schemas)}"
    allowed = [str(value) for schema in schemas for value in _listed(schema)]
    if allowed:
        return f"write {' or '.join(allowed[:20])}"
    return f"change it{_help(schemas)}"


def _listed(schema: Schema) -> Iterable[JsonValue]:
    if "const" in schema:
        return (schema["const"],)
    values = schema.get("enum")
    return values if isinstance(values, list) else ()


def _help(schemas: list[Schema]) -> str:
    """What the setting is for, and an example, as the declaration says."""
    said = next((str(schema["description"]) for schema in schemas if "description" in schema), "")
    examples = next((schema["examples"] for schema in schemas if isinstance(schema.get("examples"), list)), None)
    shown = f", as {_shown(examples[0])}" if isinstance(examples, list) and examples else ""
    return f"{shown} ({said.rstrip('.')})" if said else shown


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if not isinstance(value, str | int | float | bool):
        return "a list" if isinstance(value, list) else "a mapping"
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
