"""`efpi operation`, against a gateway behind its real socket."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from efpi_core.cli import field_text
from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.field_text import FieldTexts
from efpi_core.cli.main import run_command
from efpi_core.errors import EfpiError, RefusedError, SettingsError
from tests.support.http_world import PAIR_INPUT, Beside, RecordedGateway


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Beside]:
    served = Beside(RecordedGateway(), tmp_path)
    served.begin()
    yield served
    served.end()


def efpi(house: Beside, *words: str) -> int:
    return run_command(["operation", *words, "--home", str(house.home)])


def test_an_instance_s_operations_are_listed(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "battery") == ExitCode.OK
    assert "Pairs." in capsys.readouterr().out
    assert efpi(house, "battery", "--json") == ExitCode.OK
    assert json.loads(capsys.readouterr().out)[0]["name"] == "pair"


def test_help_shows_the_fields_of_the_declaration(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "battery", "pair", "--help") == ExitCode.OK
    printed = capsys.readouterr().out
    assert "efpi operation battery pair --url URL --code CODE [--force] [--wait-s WAIT_S] [--tags TAGS]" in printed
    assert "Where it listens." in printed
    assert house.gateway.asked == []


def test_a_call_shows_progress_and_output(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "battery", "pair", "--url", "https://a/", "--code=right", "--force", "--json") == ExitCode.OK
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"node": "n1"}
    assert printed.err == "looking for it\n"
    operate = house.gateway.asked[-1]
    assert operate[3] == {"url": "https://a/", "code": "right", "force": True}
    assert operate[5] == 60.0


def test_a_refusal_has_its_cure_and_exit_code(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "battery", "pair", "--url", "https://a/", "--code", "wrong") == ExitCode.REFUSED
    assert capsys.readouterr().err.endswith("efpi: code: the code is wrong\n  → read it again\n")


def test_a_shorter_deadline_is_passed_on(house: Beside) -> None:
    assert efpi(house, "battery", "pair", "--deadline", "5s", "--url", "a", "--code", "b") == ExitCode.OK
    assert house.gateway.asked[-1][5] == 5.0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["batery"], "did you mean 'battery'?"),
        (["battery", "pari"], "did you mean 'pair'?"),
        (["battery", "pair", "--ulr", "x"], "did you mean 'url'?"),
        (["battery", "pair", "--wait-s", "soon"], "'soon' is not a whole number"),
        (["battery", "pair", "--url"], "it has no value"),
        (["battery", "pair", "stray"], "write each as --field value"),
    ],
)
def test_what_is_mistyped_is_named_with_the_cure(
    house: Beside, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert efpi(house, *words) == ExitCode.REFUSED
    assert told in capsys.readouterr().err
    assert house.gateway.asked == []


def test_a_secret_may_come_from_standard_input(house: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cret\n"))
    assert efpi(house, "battery", "pair", "--url", "a", "--code", "-") == ExitCode.OK
    assert house.gateway.asked[-1][3]["code"] == "s3cret"


def test_a_secret_that_is_missing_is_asked_for_on_a_terminal(house: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(field_text.getpass, "getpass", lambda prompt: f"typed after {prompt!r}")
    assert efpi(house, "battery", "pair", "--url", "a") == ExitCode.OK
    assert house.gateway.asked[-1][3]["code"] == "typed after 'Pairing code: '"


def test_fields_become_the_values_that_their_schema_says() -> None:
    texts = FieldTexts(PAIR_INPUT)
    words = ["--url", "-x", "--code", "1", "--no", "x"]
    with pytest.raises(RefusedError):
        texts.read(words)
    given = texts.read(["--url", "u", "--code", "1", "--wait-s=3", "--tags", "a", "--tags", "b", "--force", "false"])
    assert given == {"url": "u", "code": "1", "wait_s": 3, "tags": ["a", "b"], "force": False}


@pytest.mark.parametrize(
    ("part", "text", "value"),
    [
        ({"type": "number"}, "2.5", 2.5),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "3", 3),
        ({"$ref": "#/$defs/Mode"}, "fast", "fast"),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ],
)
def test_every_kind_of_field_can_be_written(part: dict[str, object], text: str, value: object) -> None:
    schema = {"properties": {"it": part}, "$defs": {"Mode": {"type": "string", "enum": ["fast"]}}}
    assert FieldTexts(schema).read(["--it", text]) == {"it": value}


@pytest.mark.parametrize(("part", "text"), [({"type": "object"}, "{"), ({"type": "boolean"}, "perhaps")])
def test_what_cannot_be_read_is_refused(part: dict[str, object], text: str) -> None:
    with pytest.raises((SettingsError, EfpiError), match="--it"):
        FieldTexts({"properties": {"it": part}}).read(["--it", text])
