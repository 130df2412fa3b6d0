"""docs/s2.md names every rule by which S2 messages are refused or warned of, and none that there is not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from efi.s2.codec import LARGEST_MESSAGE
from efi.s2.session_limits import SessionLimits

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "s2.md").read_text(encoding="utf-8")

NOT_RULES = {"json_invalid"}
"""Pydantic's, named on the page."""


def rules_in_code() -> Iterator[str]:
    for file in (ROOT / "efi" / "s2").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in {"refuse", "Refusal", "_warn"} and node.args:
                    yield from _texts(node.args[0])
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "(rule, fact)":
                yield from _texts(node.value.elts[0])  # type: ignore[attr-defined]


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant):
        yield str(node.value)


def test_the_page_names_each_rule_of_the_code_and_no_other() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`([a-z]+(?:_[a-z]+)+|missing)`", row)}
    assert named - NOT_RULES == set(rules_in_code())


def test_the_page_tells_the_limits_that_hold() -> None:
    limits = SessionLimits()
    assert LARGEST_MESSAGE == 4 * 1024**2 and "more than 4 MiB" in PAGE
    assert limits.most_instructions == 1000 and PAGE.count("1000") == 2
    assert limits.deliveries.answer_within_s == 10 and "within 10 s" in PAGE
    pauses = [limits.deliveries.resend_after_s * 2**number for number in range(limits.deliveries.resends)]
    assert pauses == [1, 2, 4, 8] and "1, 2, 4 and 8 s" in PAGE.replace("\n", " ")
    assert limits.handshake_within_s == 30 and "within 30 s" in PAGE
    assert limits.bad_frames == (100, 2) and "two a second" in PAGE
