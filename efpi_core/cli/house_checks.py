"""What the doctor looks at in a running gateway: its parts, its instances, its appliances."""

from collections.abc import Iterator
from typing import Any

from efpi_core.cli.findings import Found, ill, note, well

RUNS = frozenset({"running", "starting"})


def house_checks(health: dict[str, Any], appliances: list[dict[str, Any]]) -> Iterator[Found]:
    """All of them."""
    hours = health["uptime_s"] / 3600
    yield well("gateway", f"version {health['version']}, site revision {health['revision']}, up {hours:.1f} h")
    for part in health["parts"]:
        if part["state"] != "ok":
            yield ill(part["name"], part["text"] or part["detail"], part["cure"])
    for instance in health["instances"]:
        yield instance_check(instance)
    for appliance in appliances:
        yield from appliance_checks(appliance)


def instance_check(instance: dict[str, Any]) -> Found:
    """How a plugin instance is doing."""
    name = f"instance {instance['instance']}"
    if instance["state"] in RUNS and instance["condition"] == "ok":
        restarts = f", started {instance['restarts'] + 1} times" if instance["restarts"] else ""
        shed = f", {instance['shed']} states left out for newer ones" if instance.get("shed") else ""
        return well(name, f"{instance['offer']} is {instance['state']}{restarts}{shed}{_taken(instance)}")
    why = instance["text"] or instance["detail"] or instance["condition"]
    return ill(name, f"{instance['state'].replace('_', ' ')}: {why}", instance["cure"] or "see `efpi events`")


def _taken(instance: dict[str, Any]) -> str:
    """What it takes of its budget."""
    if instance.get("memory_bytes") is None:
        return ""
    memory = f"{instance['memory_bytes'] / 1048576:.0f} of {instance['memory_mb']} MB"
    return f"; {memory}, {instance['cpu_share']:.1%} of {instance['cpu_share_budget']:.0%} of a core"


def appliance_checks(appliance: dict[str, Any]) -> Iterator[Found]:
    """What of an appliance is not well, and whether it can look after itself."""
    name = f"appliance {appliance['id']}"
    if appliance["condition"] != "ok" or appliance["state"] == "offline":
        yield ill(name, appliance["text"] or "out of reach", appliance["cure"] or "see `efpi events`")
    if appliance["steerable"] and not appliance["safe_fallback"]:
        yield note(
            name,
            "the device has no fallback of its own: should this machine fail, it keeps its last setting",
            "set limits on the device itself, and tell the installer",
        )
