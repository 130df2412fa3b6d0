"""`efpi operation`: what a running instance does when it is asked, as pairing or discovering; its help is its own."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from efpi_core.cli.client import part
from efpi_core.cli.field_text import FieldTexts
from efpi_core.cli.options import Caller, HomeOption, JsonOption, require_known, span
from efpi_core.cli.plain import plain_text
from efpi_core.cli.schema_words import schema_rows

MARGIN_S = 10.0
"""The gateway answers within the deadline, and a little."""


def operation(
    context: typer.Context,
    instance: Annotated[str, typer.Argument(help="The instance, as `efpi plugins` and the site call it.")] = "",
    name: Annotated[str, typer.Argument(help="The operation; without it, all that the instance offers.")] = "",
    deadline: Annotated[str | None, typer.Option(help="Give up after this, as 30s; else as it declares.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    wants_help: Annotated[bool, typer.Option("--help", "-h", help="Show its fields and what it answers.")] = False,
) -> None:
    """Have an instance do something: `efpi operation s2 pair --url https://… --code A1-8Gk3Q`.

    The fields are those that it declares: `efpi operation INSTANCE NAME --help` shows them. A value `-` is read from
    standard input, and a secret that is not given is asked for, so that it stands in no list of processes.
    """
    if not instance:
        typer.echo(context.get_help())
        return
    caller = Caller(home, as_json=as_json)
    require_known(instance, (view["instance"] for view in caller.gateway.get("/api/instances")), "instance")
    base = f"/api/instances/{part(instance)}/operations"
    offered = {each["name"]: each for each in caller.gateway.get(base)}
    if not name:
        rows = ((each["name"], each["title"], _first_line(each["description"])) for each in offered.values())
        columns = ("operation", "title", "what it does")
        caller.screen.table(list(offered.values()), columns, rows, f"'{instance}' has no operations.")
        return
    require_known(name, offered, f"operation of '{instance}'")
    declared = offered[name]
    texts = FieldTexts(declared["input_schema"])
    if wants_help:
        _show_help(caller, instance, declared, texts)
        return
    fields = texts.read(context.args)
    within_s = declared["deadline_s"] if deadline is None else span(deadline, "--deadline").total_seconds()
    path = f"{base}/{part(name)}?{urlencode({'deadline_s': within_s})}"
    output = caller.gateway.call(path, fields, within_s + MARGIN_S, _show_progress)
    caller.screen.show(output, _lines(output, declared["output_schema"]))


def _show_progress(text: str) -> None:
    sys.stderr.write(f"{plain_text(text)}\n")
    sys.stderr.flush()


def _show_help(caller: Caller, instance: str, declared: dict[str, Any], texts: FieldTexts) -> None:
    usage = " ".join(("efpi operation", instance, declared["name"], *texts.usage()))
    about = [f"{declared['title']}: {usage}", "", *declared["description"].splitlines(), ""]
    caller.screen.show(declared, [*about, f"Takes up to {declared['deadline_s']:g} s.", ""])
    if not caller.screen.as_json:
        columns = ("field", "type", "default", "unit", "what it is")
        caller.screen.table(None, columns, texts.rows(), "It has no fields.")
        answers = ((name, kind, unit, about) for name, kind, _, unit, about in schema_rows(declared["output_schema"]))
        caller.screen.table(None, ("answers", "type", "unit", "what it is"), answers, "It answers nothing.")


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _lines(output: Any, schema: dict[str, Any]) -> Iterator[str]:
    """What came of it, for people: a field a line, a list of several under its title."""
    if not output:
        yield "Done."
    for name, value in output.items() if isinstance(output, dict) else ():
        told = schema.get("properties", {}).get(name, {})
        title, unit = told.get("title", name), told.get("unit", "")
        if isinstance(value, list):
            yield f"{title}:" if value else f"{title}: none"
            yield from (f"  {_shown(each)}" for each in value)
        elif value is not None:
            yield f"{title}: {_shown(value)} {unit}".rstrip()


def _shown(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key}: {_shown(each)}" for key, each in value.items() if each not in (None, "", []))
        case list():
            return _joined(value)
        case _:
            return json.dumps(value)


def _joined(values: Sequence[Any]) -> str:
    return ", ".join(_shown(each) for each in values)
