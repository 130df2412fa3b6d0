"""What the doctor looks at in a running gateway: its version, its parts, its instances, its appliances."""

from collections.abc import Iterator
from typing import Any

from efpi_core.cli.findings import Found, ill, note, well
from efpi_core.cli.words import span_words
from efpi_core.plugin.condition import ConditionState

RUNS = frozenset({"running", "starting"})


def house_checks(health: dict[str, Any], appliances: list[dict[str, Any]], installed: str) -> Iterator[Found]:
    """All of them; `installed` is the version of this command."""
    yield version_check(health, installed)
    for part in health["parts"]:
        if part["state"] != ConditionState.OK:
            yield _as_told(part["name"], part, part["text"] or part["detail"])
        elif part["text"]:
            yield well(part["name"], part["text"])
    for instance in health["instances"]:
        yield instance_check(instance)
    for appliance in appliances:
        yield from appliance_checks(appliance)


def version_check(health: dict[str, Any], installed: str) -> Found:
    """Whether what runs is what is installed."""
    running = health["version"]
    if running and running != installed:
        text = f"version {running} runs, and {installed} is installed"
        return ill("gateway", "versions_differ", text, "start it again: systemctl restart efpi")
    up = span_words(health["uptime_s"])
    return well("gateway", f"version {running}, site revision {health['revision']}, up for {up}")


def instance_check(instance: dict[str, Any]) -> Found:
    """How a plugin instance is doing."""
    name = f"instance {instance['instance']}"
    if instance["state"] in RUNS and instance["condition"] == ConditionState.OK:
        restarts = f", started {instance['restarts'] + 1} times" if instance["restarts"] else ""
        shed = f", {instance['shed']} states left out for newer ones" if instance.get("shed") else ""
        return well(name, f"{instance['offer']} is {instance['state']}{restarts}{shed}{_taken(instance)}")
    why = instance["text"] or instance["detail"] or instance["condition"]
    told = {**instance, "state": instance["condition"]}
    if told["state"] == ConditionState.OK:  # it ends, or has ended
        told |= {"state": ConditionState.OFFLINE, "detail": "not_running"}
    return _as_told(name, told, f"{instance['state'].replace('_', ' ')}: {why}")


def _taken(instance: dict[str, Any]) -> str:
    """What it takes of its budget."""
    if instance.get("memory_bytes") is None:
        return ""
    memory = f"{instance['memory_bytes'] / 1048576:.0f} of {instance['memory_mb']} MB"
    bound = f" ({instance['bounded_by']})" if instance.get("bounded_by") else ""
    return f"; {memory}{bound}, {instance['cpu_share']:.1%} of {instance['cpu_share_budget']:.0%} of a core"


def appliance_checks(appliance: dict[str, Any]) -> Iterator[Found]:
    """What of an appliance is not well, and whether it can look after itself."""
    name = f"appliance {appliance['id']}"
    if appliance["condition"] != ConditionState.OK:
        yield _as_told(name, {**appliance, "state": appliance["condition"]}, appliance["text"] or "out of reach")
    elif appliance["state"] == "offline":
        told = {"state": ConditionState.OFFLINE, "cure": appliance["cure"]}
        yield _as_told(name, told, appliance["text"] or "out of reach")
    if appliance["steerable"] and not appliance["safe_fallback"]:
        yield note(
            name,
            "no_fallback",
            "the device has no fallback of its own: should this machine fail, it keeps its last setting",
            "set limits on the device itself, and tell the installer",
        )


def _as_told(what: str, told: dict[str, Any], text: str) -> Found:
    """What the gateway says of a part, in its own words."""
    state = ConditionState(told["state"])
    detail = told.get("detail") or ("out_of_reach" if state is ConditionState.OFFLINE else "other")
    return ill(what, detail, text, told.get("cure") or "see `efpi events`", state)
