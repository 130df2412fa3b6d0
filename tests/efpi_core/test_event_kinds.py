"""The catalogue of events is whole: nothing else is told, nothing in it is idle, and docs/events.md shows it all."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from efpi_core import event_kinds
from efpi_core.event_kinds import KINDS, MESSAGE_REFUSED, EventKind, Level, kind_named
from efpi_core.plugin.condition import ConditionState

ROOT = Path(__file__).parents[2]
CONSTANTS = {name: kind for name, kind in vars(event_kinds).items() if isinstance(kind, EventKind)}
BY_NAME = {"_complain", "_tell", "complain", "tell"}


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in sorted((ROOT / "efpi_core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield path, node


def complaints() -> dict[str, str]:
    """Kinds that are told by their names: the second argument of a complaint, where it is spelled out."""
    found = {}
    for path, call in calls():
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in BY_NAME and len(call.args) == 3 and isinstance(call.args[1], ast.Constant):
            value = call.args[1].value
            if isinstance(value, str) and not (isinstance(call.args[0], ast.Name) and call.args[0].id in CONSTANTS):
                found[value] = f"{path.name}:{call.lineno}"
    return {kind: where for kind, where in found.items() if " " not in kind}


def test_every_kind_that_is_told_by_name_is_in_the_catalogue() -> None:
    told = complaints()
    assert "bad_observation" in told
    stream = {"balance", "instance", "appliance", "observation"}  # kinds of changes for the live page
    assert not {kind: where for kind, where in told.items() if kind not in KINDS and kind not in stream}


def test_no_kind_is_idle() -> None:
    words = {
        word
        for path in (ROOT / "efpi_core").rglob("*.py")
        if path.name != "event_kinds.py"
        for word in re.findall(r"\b[A-Z_]+\b", path.read_text("utf-8"))
    }
    told = complaints()
    by_state = {state.value for state in ConditionState}
    told_by_log = {"EVENTS_LEFT_OUT"}
    idle = [
        name
        for name, kind in CONSTANTS.items()
        if name not in words
        and kind.name not in told
        and kind.name not in by_state
        and name not in told_by_log
        and kind is not MESSAGE_REFUSED
    ]
    assert not idle


def test_a_kind_bears_its_name() -> None:
    assert {name: kind.name for name, kind in CONSTANTS.items() if name.lower() != kind.name} == {}
    assert list(KINDS.values()) == list(CONSTANTS.values())


def test_what_people_should_look_at_has_a_cure_or_brings_it() -> None:
    own = {
        "state_not_kept",
        "history_paused",
        "not_reachable",
        "site_refused",
        "limit_not_kept",
        "degraded",
        "offline",
        "misconfigured",
    }
    own |= {kind for kind in KINDS if kind.startswith("instance_")}
    uncured = {kind.name for kind in KINDS.values() if kind.level is not Level.INFO and not kind.cure}
    assert uncured <= own


def test_every_condition_has_a_kind_and_a_rule_of_the_interface_is_a_detail() -> None:
    for state in ConditionState:
        if state is not ConditionState.OK:
            assert kind_named(state.value).name == state.value
    assert kind_named("no_such_rule") is MESSAGE_REFUSED


def test_the_page_for_operators_shows_every_kind_as_it_is() -> None:
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    shown = {name: (level, meaning, cure) for name, level, meaning, cure in rows}
    expected = {kind.name: (kind.level.value, kind.meaning, kind.cure or "–") for kind in KINDS.values()}
    assert shown == expected
    assert [name for name, *_ in rows] == list(KINDS)
