"""The words of health: no others are used, and the page for operators shows all."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from efpi_core.health_words import DETAILS, STATES, detail_code
from efpi_core.plugin.condition import ConditionState
from efpi_core.views import InstanceState

ROOT = Path(__file__).parents[2]


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "efpi_core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(ROOT).as_posix(), node


def literals(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may come to, as far as they are spelled out."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from literals(node.body)
            yield from literals(node.orelse)
        case ast.BoolOp():
            for value in node.values:
                yield from literals(value)


PLACES = {"PartHealth": 2, "ill": 1, "note": 1}
"""Where a call has its detail."""

FINDINGS = {"ill", "note"}
"""The doctor's words, which mean other things elsewhere."""


def details_in_code() -> dict[str, str]:
    found = {}
    for file, call in calls():
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if file.startswith("efpi_core/s2/"):
            continue  # the plugins that speak S2 say these words, and their pages list them
        elsewhere = name in FINDINGS and not file.startswith("efpi_core/cli/")
        place = None if elsewhere else PLACES.get(name)
        spots = [call.args[place]] if place is not None and len(call.args) > place else []
        spots += [word.value for word in call.keywords if word.arg == "detail_code" and name.endswith("Error")]
        for spot in spots:
            found.update(dict.fromkeys(literals(spot), f"{file}:{call.lineno}"))
    return found


def test_no_other_detail_is_spelled_out_anywhere() -> None:
    found = details_in_code()
    assert {"disk_low", "port_in_use", "refused", "clock_not_set"} <= set(found)
    assert not {detail: where for detail, where in found.items() if detail not in DETAILS}


def test_no_detail_is_idle() -> None:
    sources = "\n".join(
        path.read_text("utf-8") for path in (ROOT / "efpi_core").rglob("*.py") if path.name != "health_words.py"
    )
    lives = {state.value for state in InstanceState}
    assert not [detail for detail in DETAILS if f'"{detail}"' not in sources and detail not in lives | {"other"}]


def test_conditions_are_states_and_nothing_else() -> None:
    assert {state.value for state in ConditionState} == set(STATES) - {"starting"}


def test_the_page_shows_every_word_as_it_is() -> None:
    page = (ROOT / "docs" / "health.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)
    assert rows == [*STATES.items(), *DETAILS.items()]


@pytest.mark.parametrize(
    ("told", "code"),
    [("no_answer", "no_answer"), ("", ""), ("No answer!", "other"), ('x"\n', "other"), ("a" * 41, "other")],
)
def test_a_plugin_s_detail_is_a_code_or_other(told: str, code: str) -> None:
    assert detail_code(told) == code
