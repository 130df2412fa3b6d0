"""`efpi limit`: bounds on power that stand above the resident and every app."""

from typing import Annotated

import typer

from efpi_core.cli.client import part
from efpi_core.cli.options import Caller, HomeOption, JsonOption, bounds, instant, require_known, span
from efpi_core.cli.words import instant_words
from efpi_core.clock import RealClock

limit_app = typer.Typer(
    help="Bounds on power that stand above the resident and every app.", invoke_without_command=True
)


@limit_app.callback()
def limits(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the limits; `set` and `lift` change those that the site document does not state."""
    if context.invoked_subcommand is not None:
        return
    caller = Caller(home, as_json=as_json)
    found = caller.gateway.get("/api/limits")
    rows = (
        (
            view["limit_id"],
            view["source"],
            view["appliance_id"] or "the house",
            view["phase"] or "all",
            _bound(view["lower_w"]),
            _bound(view["upper_w"]),
            instant_words(view["start"], caller.wall) if view["start"] else "",
            instant_words(view["end"], caller.wall) if view["end"] else "",
            view["reason"],
        )
        for view in found
    )
    columns = ("name", "source", "for", "phase", "at least#", "at most#", "from", "until", "reason")
    caller.screen.table(found, columns, rows, "There is no limit.")


def _bound(power: float | None) -> str:
    return "–" if power is None else f"{power:.0f} W"


@limit_app.command("set")
def set_limit(
    name: str,
    lower: Annotated[float | None, typer.Option(help="At least, in W; negative is fed into the grid.")] = None,
    upper: Annotated[float | None, typer.Option(help="At most, in W.")] = None,
    appliance: Annotated[str | None, typer.Option(help="For one appliance; else for the house.")] = None,
    phase: Annotated[str | None, typer.Option(help="On one phase: l1, l2 or l3; else over all.")] = None,
    source: Annotated[str, typer.Option(help="contract, grid_operator or fuse.")] = "contract",
    reason: Annotated[str, typer.Option(help="Why, for people.")] = "",
    for_span: Annotated[str | None, typer.Option("--for", help="How long, as 15min or 2h; else for good.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Until when, by the site's clock, as 18:30 or 2025-06-01T18:30.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a limit, or replace the one of that name."""
    caller = Caller(home, as_json=as_json)
    if appliance is not None:
        require_known(appliance, (view["id"] for view in caller.gateway.get("/api/appliances")), "appliance")
    now = RealClock().now()
    end = None
    if for_span is not None:
        end = now + span(for_span, "--for")
    elif until is not None:
        end = instant(until, "--until", now, caller.wall)
    body = {
        "source": source,
        **bounds(lower, upper),
        "phase": None if phase is None else phase.lower(),
        "appliance_id": appliance,
        "end": None if end is None else end.isoformat(),
        "reason": reason,
    }
    view = caller.gateway.put(f"/api/limits/{part(name)}", body)
    told = "" if end is None else f" until {instant_words(end, caller.wall)}"
    caller.screen.show(view, [f"The limit '{name}' holds{told}."])


@limit_app.command("lift")
def lift_limit(name: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Lift a limit."""
    caller = Caller(home, as_json=as_json)
    require_known(name, (view["limit_id"] for view in caller.gateway.get("/api/limits")), "limit")
    caller.gateway.delete(f"/api/limits/{part(name)}")
    caller.screen.show({"limit_id": name, "lifted": True}, [f"The limit '{name}' is lifted."])
