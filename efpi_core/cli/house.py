"""`efpi appliances` and `efpi restart`: what is there, and a plugin instance started anew."""

from typing import Annotated, Any

import typer

from efpi_core.cli.client import part
from efpi_core.cli.options import Caller, HomeOption, JsonOption, require_known

RESTART_S = 30.0


def appliances(
    appliance: Annotated[str | None, typer.Argument(help="Only this one, with all that it told.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the appliances: state, power, and who is in control."""
    caller = Caller(home, as_json=as_json)
    found = caller.gateway.get("/api/appliances")
    if appliance is not None:
        require_known(appliance, (view["id"] for view in found), "appliance")
        view = next(view for view in found if view["id"] == appliance)
        caller.screen.show(view, _appliance_lines(view))
        return
    rows = (
        (view["id"], view["name"], view["category"], view["state"], watts(view), view["summary"], control(view))
        for view in found
    )
    columns = ("id", "name", "category", "state", "power#", "now", "controlled by")
    caller.screen.table(found, columns, rows, "No appliance is there yet; see `efpi doctor`.")


def watts(view: dict[str, Any]) -> str:
    """Power with its sign, and a mark when it is not fresh."""
    power = view["power"]
    if power is None:
        return "–"
    return f"{power:.0f} W{'' if view['power_quality'] == 'good' else ' ?'}"


def control(view: dict[str, Any]) -> str:
    """Who is in control, in words."""
    match view["controlled_by"]:
        case "app":
            return str(view["app"])
        case "resident" | "limit" as holder:
            return f"the {holder}"
        case _:
            return str(view["app"] or "nobody")


def _appliance_lines(view: dict[str, Any]) -> list[str]:
    lines = [
        f"{view['name']} ({view['id']}): {view['category']}, {view['device_class']}, {view['state']}",
        f"power        {watts(view)}",
        f"now          {view['summary'] or '–'}",
        f"control      {control(view)}",
    ]
    if view["text"]:
        lines.append(f"condition    {view['condition']}: {view['text']}")
    if view["cure"]:
        lines.append(f"cure         {view['cure']}")
    for held in view["allocations"]:
        why = " → ".join(filter(None, (held["reason"], held["text"])))
        lines.append(f"allocation   {held['status']} ({held['app']}): {why or '–'}")
    kinds = [message["type"] for message in view["control_space"]]
    lines.append(f"told         {', '.join(kinds) or 'nothing'} (whole: --json)")
    return lines


def restart(instance: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """End a plugin instance and start it again; releases it from quarantine."""
    caller = Caller(home, as_json=as_json)
    require_known(instance, (view["instance"] for view in caller.gateway.get("/api/instances")), "instance")
    view = caller.gateway.post(f"/api/instances/{part(instance)}/restart", timeout_s=RESTART_S)
    caller.screen.show(view, [f"{instance} was told to start again; it is {view['state']}."])
