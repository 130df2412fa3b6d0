"""Commands that watch: observations live, and what happened."""

import json
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from efpi_core.cli.options import Caller, HomeOption, JsonOption
from efpi_core.cli.screen import drawn

COLUMNS = ("observation", "value#", "unit", "quality", "age#")

REDRAWS_A_SECOND = 4


def observe(
    pattern: Annotated[str, typer.Argument(help="Which, as 'battery.*' or '*.power'.")] = "*",
    once: Annotated[bool, typer.Option("--once", help="Print the present values and end.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the observations, live until Ctrl-C; with --json one line for each new value."""
    caller = Caller(home, as_json=as_json)
    if once:
        found = [view for view in caller.gateway.get("/api/observations") if fnmatchcase(view["name"], pattern)]
        caller.screen.table(found, COLUMNS, _rows(found), "Nothing is observed yet.")
    elif as_json:
        for view in _values(caller, pattern):
            sys.stdout.write(json.dumps(view) + "\n")
            sys.stdout.flush()
    else:
        _live(caller, pattern)


def _values(caller: Caller, pattern: str) -> Iterable[dict[str, Any]]:
    """Each new value; the health is followed, too, since it comes when nothing else does."""
    for kind, view in caller.gateway.follow("observation,health"):
        if kind == "observation" and fnmatchcase(view["name"], pattern):
            yield view


def _live(caller: Caller, pattern: str) -> None:
    from rich.live import Live  # noqa: PLC0415  # only this command draws live

    known: dict[str, dict[str, Any]] = {}
    with Live(drawn(COLUMNS, ()), refresh_per_second=REDRAWS_A_SECOND) as live:
        for view in _values(caller, pattern):
            known[view["name"]] = view
            live.update(drawn(COLUMNS, _rows(known.values())))


def _rows(views: Iterable[dict[str, Any]]) -> Iterable[tuple[str, ...]]:
    for view in views:
        value = view["value"]
        told = "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
        age = "" if view["age_s"] is None else f"{view['age_s']:.0f} s"
        yield view["name"], told, view["unit"], view["quality"], age
