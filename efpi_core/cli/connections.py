"""`efpi connections`: which energy app controls which appliance."""

import typer

from efpi_core.cli.client import part
from efpi_core.cli.options import Caller, HomeOption, JsonOption, require_known

connections_app = typer.Typer(help="Which energy app controls which appliance.", invoke_without_command=True)


@connections_app.callback()
def connections(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the connections; `connect` and `disconnect` change them."""
    if context.invoked_subcommand is not None:
        return
    caller = Caller(home, as_json=as_json)
    found = caller.gateway.get("/api/connections")
    rows = (
        (
            view["appliance"],
            view["app"] or "–",
            "by hand" if view["by_hand"] else "by itself",
            ", ".join(view["candidates"]) or "–",
            view["note"],
        )
        for view in found
    )
    caller.screen.table(
        found,
        ("appliance", "app", "decided", "could be", "note"),
        rows,
        "No appliance is there yet; see `efpi doctor`.",
    )


@connections_app.command()
def connect(appliance: str, app: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Give an appliance to an energy app."""
    caller = Caller(home, as_json=as_json)
    views = caller.gateway.get("/api/connections")
    require_known(appliance, (view["appliance"] for view in views), "appliance")
    apps = [view["instance"] for view in caller.gateway.get("/api/instances") if view["kind"] == "app"]
    require_known(app, apps, "energy app")
    view = caller.gateway.put(f"/api/connections/{part(appliance)}", {"app": app})
    caller.screen.show(view, [f"{appliance} is steered by {app}."])


@connections_app.command()
def disconnect(appliance: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Take an appliance away from its energy app."""
    caller = Caller(home, as_json=as_json)
    views = caller.gateway.get("/api/connections")
    require_known(appliance, (view["appliance"] for view in views), "appliance")
    view = caller.gateway.put(f"/api/connections/{part(appliance)}", {"app": None})
    caller.screen.show(view, [f"No app steers {appliance}."])
