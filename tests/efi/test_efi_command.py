"""The interface's own command, as a person runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from efi.__main__ import main
from efi.messages import MESSAGE_TYPES, dump_message
from tests.efi.house import battery_registration, battery_state, measurement


@pytest.fixture
def messages_file(tmp_path: Path) -> Path:
    path = tmp_path / "messages.jsonl"
    lines = (dump_message(battery_registration()), dump_message(battery_state()), dump_message(measurement()))
    path.write_bytes(b"\n".join(lines))
    return path


def test_a_file_of_valid_messages_is_passed_over_in_silence(
    messages_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(messages_file)]) == 0
    assert capsys.readouterr() == ("", "")


def test_an_invalid_message_is_named_by_file_and_line(messages_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = dump_message(battery_state()).replace(b"idle", b"")
    messages_file.write_bytes(messages_file.read_bytes() + b"\n\n" + broken + b"\n")
    assert main(["validate", str(messages_file)]) == 1
    told = capsys.readouterr().out
    assert told.startswith(f'{messages_file}:5: [string_pattern_mismatch] actuators.0.mode_id is "": ')
    assert told.count("\n") == 1


def test_a_file_that_is_not_there_is_told_from_one_that_is_wrong(
    messages_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(tmp_path / "nothing.jsonl"), str(messages_file)]) == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err
    assert main(["validate", str(tmp_path)]) == 0
    (tmp_path / "empty").mkdir()
    assert main(["validate", str(tmp_path / "empty")]) == 2
    assert "the folder holds no XML or JSON file" in capsys.readouterr().err


def test_bytes_that_are_neither_xml_nor_json_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "noise.bin"
    path.write_bytes(b"\xff\x00\xfe" * 100)
    assert main(["validate", str(path)]) == 2


def test_an_endless_line_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("efi.command.documents.LONGEST_DOCUMENT", 1000)
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"[" * 5000)
    assert main(["validate", str(path)]) == 2


def test_standard_input_is_read_too() -> None:
    ran = _run("validate", "-", given=dump_message(measurement()) + b"\n{}\n")
    assert ran.returncode == 1
    assert ran.stdout.startswith(b"-:2: [union_tag_not_found]")


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
def test_the_schema_of_each_message_can_be_had(message_type: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--message", message_type]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["type"]["const"] == message_type


def test_the_schema_of_all_messages_is_the_same_each_time() -> None:
    first, second = _run("schema").stdout, _run("schema").stdout
    assert first == second
    assert json.loads(first)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_unknown_type_is_a_mistake_in_the_command() -> None:
    ran = _run("schema", "--message", "storage_wish")
    assert ran.returncode == 2
    assert b"invalid choice" in ran.stderr
    assert b"Traceback" not in ran.stderr


def _run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "efi", *arguments], input=given, capture_output=True, check=False, timeout=60
    )
