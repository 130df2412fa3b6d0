"""`efpi override`: the resident decides about an appliance, until a time."""

from typing import Annotated

import typer

from efpi_core.cli.client import part
from efpi_core.cli.options import Caller, HomeOption, JsonOption, bounds, instant, require_known, span
from efpi_core.cli.words import instant_words
from efpi_core.clock import RealClock
from efpi_core.errors import SettingsError

ACTIONS = ("mode", "limit", "start", "off", "end")


def override(
    appliance: Annotated[str | None, typer.Argument(help="The appliance; without it, what is overridden now.")] = None,
    action: Annotated[
        str | None,
        typer.Argument(help="off: its safe state. mode, limit, start: do that. end: give it back.", show_default=False),
    ] = None,
    mode: Annotated[str | None, typer.Option(help="With mode: the running mode, by its id or label.")] = None,
    factor: Annotated[float | None, typer.Option(help="With mode: how much of it, 0 to 1.", min=0, max=1)] = None,
    lower: Annotated[float | None, typer.Option(help="With limit: the lower bound, in W; negative produces.")] = None,
    upper: Annotated[float | None, typer.Option(help="With limit: the upper bound, in W.")] = None,
    for_span: Annotated[str | None, typer.Option("--for", help="How long, as 90s, 15min, 2h or 1d.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Until when, by the site's clock, as 18:30 or 2025-06-01T18:30.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide about an appliance yourself, above every app, until a time that you name."""
    caller = Caller(home, as_json=as_json)
    if appliance is None:
        _list_overrides(caller)
        return
    require_known(appliance, (view["id"] for view in caller.gateway.get("/api/appliances")), "appliance")
    require_known(action or "", ACTIONS, "action")
    path = f"/api/overrides/{part(appliance)}"
    if action == "end":
        caller.gateway.delete(path)
        caller.screen.show({"appliance": appliance, "override": None}, [f"{appliance} is given back."])
        return
    limits = bounds(lower, upper) if action == "limit" else {"lower_w": lower, "upper_w": upper}
    wishes = {"mode": mode, "factor": factor, **limits}
    body = {
        "action": action,
        "parameters": {name: wish for name, wish in wishes.items() if wish is not None},
        **_end(caller, for_span, until),
    }
    view = caller.gateway.put(path, body)
    wish = " ".join(filter(None, (action, mode)))
    caller.screen.show(view, [f"{appliance}: {wish} until {instant_words(view['until'], caller.wall)}."])


def _end(caller: Caller, for_span: str | None, until: str | None) -> dict[str, float | str]:
    if for_span is not None and until is None:
        return {"for_s": span(for_span, "--for").total_seconds()}
    if until is not None and for_span is None:
        return {"until": instant(until, "--until", RealClock().now(), caller.wall).isoformat()}
    raise SettingsError("--for", "say when it ends", "give either --for 2h or --until 18:30")


def _list_overrides(caller: Caller) -> None:
    found = caller.gateway.get("/api/overrides")
    rows = (
        (
            view["appliance"],
            view["action"],
            ", ".join(f"{key} {value}" for key, value in view["parameters"].items()),
            instant_words(view["until"], caller.wall),
            view["by"],
        )
        for view in found
    )
    caller.screen.table(found, ("appliance", "action", "how", "until", "by"), rows, "Nothing is overridden.")
