"""The page on the wire forms is what the code declares, and no report can be made that is not declared."""

import ast
import fnmatch
from pathlib import Path

import pytest

from efi.messages import MESSAGE_CLASSES, MESSAGE_TYPES
from efi.wires import FORMS, WireForm, modules_of
from efi.wires_page import wires_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "wires.md"


def test_the_page_is_what_the_code_declares() -> None:
    assert PAGE.read_text(encoding="utf-8") == wires_page(), "run `python -m efi wires > docs/wires.md`"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)
def test_each_declaration_names_messages_and_says_why(form: WireForm) -> None:
    kinds = (*form.writing, *form.reading)
    assert kinds
    for kind in kinds:
        assert kind.messages
        assert kind.reason[-1:] not in ("", "."), kind
    names = [kind.name for kind in form.leniencies]
    assert len(set(names)) == len(names)
    assert {message for kind in form.writing for message in kind.messages} <= set(MESSAGE_TYPES)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)
def test_the_fields_of_the_page_exist(form: WireForm) -> None:
    for kind in form.writing:
        for message in kind.messages:
            first = kind.field.split(".")[0]
            assert not first or fnmatch.filter(MESSAGE_CLASSES[message].model_fields, first), kind


def test_a_mapping_reports_by_its_declarations_alone() -> None:
    """A report that is made in place would be on no page."""
    wrong = []
    for form in FORMS:
        for package in form.packages:
            for module in modules_of(package):
                source = Path(str(module.__file__))
                for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
                    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                        continue
                    reason = node.args[-1] if node.args else None
                    if node.func.id in {"Loss", "Leniency"} and not isinstance(reason, ast.Attribute):
                        wrong.append(f"{module.__name__}:{node.lineno}")
    assert not wrong
