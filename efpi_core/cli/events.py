"""`efpi events`: what happened and what to do about it, of a running gateway or as its home keeps it."""

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from efpi_core.cli.exit_code import NoGatewayError
from efpi_core.cli.options import Caller, HomeOption, JsonOption, past_instant
from efpi_core.cli.plain import plain_text
from efpi_core.clock import RealClock
from efpi_core.event_kinds import Level
from efpi_core.http.event_filter import EventFilter
from efpi_core.http.json_form import to_json
from efpi_core.state.look import look_at
from efpi_core.views import EventView

MOST = 2000


def events(
    since: Annotated[
        str, typer.Option(help="From then on: a span back from now as 2h or 3d, or an instant as 18:30 or 2025-06-01.")
    ] = "",
    level: Annotated[Level, typer.Option(help="Only those of this level and graver.")] = Level.INFO,
    subject: Annotated[str, typer.Option(help="Only those about it: an instance, an appliance, 'battery*'.")] = "*",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with each new one, until Ctrl-C.")] = False,
    after: Annotated[int, typer.Option(help="Only those with a higher number.", min=0)] = 0,
    count: Annotated[int, typer.Option(help="At most so many; with --follow, before that.", min=1, max=MOST)] = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what happened, with what to do about it; docs/events.md explains every kind."""
    caller = Caller(home, as_json=as_json)
    chosen = EventFilter(level, subject, past_instant(since, "--since", RealClock().now()) if since else None)
    if follow:
        _follow(caller, chosen, after, count)
        return
    found = _present(caller, chosen, after, count)
    none = "Nothing happened." if chosen == EventFilter() and not after else "Nothing of that happened."
    caller.screen.show(found, (line for event in found for line in _lines(event)) if found else [none])


def _present(caller: Caller, chosen: EventFilter, after: int, count: int) -> list[dict[str, Any]]:
    try:
        return list(caller.gateway.get(f"/api/journal?{_query(chosen, after, count)}"))
    except NoGatewayError:
        found = [as_json(event) for event in _kept(caller.home) if event.number > after and chosen.takes(event)]
        return found[:count] if after else found[-count:]


def _kept(home: Path) -> tuple[EventView, ...]:
    """The events of a home in which no gateway runs. Raises NoGatewayError when there never was one."""
    try:
        return look_at(home).events()
    except OSError as error:
        raise NoGatewayError(
            f"no gateway runs in {home}, and none ever did", "start one with `efpi run`, or name a home with --home"
        ) from error


def from_json(told: dict[str, Any]) -> EventView:
    """An event that the running gateway told."""
    last = told["last_at"]
    at = {"at": datetime.fromisoformat(told["at"]), "last_at": None if last is None else datetime.fromisoformat(last)}
    return EventView(**(told | at))


def as_json(event: EventView) -> dict[str, Any]:
    """An event as the running gateway tells it."""
    told: dict[str, Any] = json.loads(to_json(event))
    return told


def _query(chosen: EventFilter, after: int, count: int) -> str:
    query = {"after": str(after), "count": str(count), "level": chosen.level.value, "subject": chosen.subject}
    if chosen.since is not None:
        query["since"] = chosen.since.isoformat()
    return urlencode(query)


def _follow(caller: Caller, chosen: EventFilter, after: int, count: int) -> None:
    newest = caller.gateway.get("/api/journal?count=1")  # before the rest, so that nothing falls between
    for event in caller.gateway.get(f"/api/journal?{_query(chosen, after, count)}"):
        _print(caller, event)
    last = newest[0]["number"] if newest else 0
    for kind, event in caller.gateway.follow(f"event,health&after={last}"):
        if kind != "event" or (event["number"] <= last and event["count"] == 1):
            continue
        last = max(last, event["number"])
        told = datetime.fromisoformat(event["last_at"] or event["at"])
        if chosen.takes_facts(event["level"], event["subject"], told):
            _print(caller, event)


def _print(caller: Caller, event: dict[str, Any]) -> None:
    lines = [json.dumps(event, ensure_ascii=False)] if caller.screen.as_json else list(_lines(event))
    sys.stdout.write("".join(f"{plain_text(line)}\n" for line in lines))
    sys.stdout.flush()


def _lines(event: dict[str, Any]) -> Iterable[str]:
    """For people: in the time of this machine."""
    at = datetime.fromisoformat(event["at"]).astimezone()
    yield f"{event['number']:>6}  {at:%Y-%m-%d %H:%M:%S}  {event['level']:<7}  {event['subject']}: {event['text']}"
    if event["count"] > 1:
        last = datetime.fromisoformat(event["last_at"]).astimezone()
        yield f"{'':>8}{event['count']} times, the last at {last:%Y-%m-%d %H:%M:%S}"
    if event["cure"]:
        yield f"{'':>8}→ {event['cure']}"
