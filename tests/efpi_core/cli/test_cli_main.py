"""The command line itself: exit codes, typos, and what happens without a gateway."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from efpi_core.cli import main
from efpi_core.cli.commands import COMMANDS
from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.main import run_command
from efpi_core.cli.options import span
from efpi_core.cli.run_options import RunOptions, plain_options
from efpi_core.errors import SettingsError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "words",
    [
        ["appliances"],
        ["connections"],
        ["override"],
        ["limit"],
        ["observe"],
        ["events", "--follow"],
        ["restart", "battery"],
        ["site", "show"],
        ["site", "history"],
        ["site", "apply", "demo"],
        ["site", "rollback", "1"],
    ],
)
def test_without_a_gateway_a_command_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run_command([*words, "--home", str(tmp_path)]) == ExitCode.NO_GATEWAY
    told = capsys.readouterr().err
    assert f"no gateway runs in {tmp_path}" in told
    assert "efpi run" in told


def test_a_mistyped_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["aplliances"]) == ExitCode.USAGE
    assert "appliances" in capsys.readouterr().err


def test_a_mistyped_option_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "--prot", "8080"]) == ExitCode.USAGE
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["run", "--port", "99999"], ["run", "--port", "http"], ["events", "--count", "0"]])
def test_a_value_out_of_range_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert run_command(words) == ExitCode.USAGE
    assert words[1] in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run_command([name, "--help"]) == ExitCode.OK
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_every_command_and_exit_code_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"efpi {name}" in page, name
    for code in ExitCode:
        assert f"| {code.value} |" in page, code


def test_a_user_s_mistake_gets_no_trace_and_ours_a_way_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(arguments: object) -> int:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(main, "_dispatch", broken)
    monkeypatch.delenv("EFPI_DEBUG", raising=False)
    assert run_command(["appliances"]) == ExitCode.BUG
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "EFPI_DEBUG=1" in told


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "efpi_core.cli", "site", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], RunOptions()),
        (["--site", "demo", "--port", "0"], RunOptions(site="demo", port=0)),
        (["--home=/x", "--inline", "--verbose"], RunOptions(home=Path("/x"), inline=True, verbose=True)),
        (["--host", "::1"], RunOptions(host="::1")),
        (["--json"], RunOptions(json=True)),
    ],
)
def test_a_plain_run_is_understood_without_the_full_command(words: list[str], options: RunOptions) -> None:
    assert plain_options(words) == options


@pytest.mark.parametrize(
    "words",
    [["--help"], ["demo"], ["--port"], ["--port", "x"], ["--port", "70000"], ["--site", "--inline"], ["--inline=1"]],
)
def test_an_odd_run_is_left_to_the_full_command(words: list[str]) -> None:
    assert plain_options(words) is None


def test_the_plain_and_the_full_run_have_the_same_options(capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["run", "--help"])
    page = capsys.readouterr().out
    for name in RunOptions.__slots__:
        assert f"--{name}" in page


def test_a_plain_run_loads_neither_the_interface_nor_the_full_command() -> None:
    script = "import sys, efpi_core.cli.main, efpi_core.cli.run; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(printed.stdout.split())
    assert not loaded & {"typer", "rich", "pydantic", "ruamel.yaml", "efi.messages", "fastapi", "jinja2"}


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1.5h", 5400), ("15 min", 900), ("2d", 172800)])
def test_a_span_is_written_as_people_write_it(text: str, seconds: float) -> None:
    assert span(text, "--for").total_seconds() == seconds


@pytest.mark.parametrize("text", ["90", "h", "-2h", "2 fortnights", "1e3s", ""])
def test_what_is_no_span_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="--for"):
        span(text, "--for")


def test_the_home_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "EFPI_HOME", str(tmp_path / "there"))
    assert run_command(["appliances"]) == ExitCode.NO_GATEWAY
    assert "there" in capsys.readouterr().err


def test_the_doctor_works_without_a_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["doctor", "--home", str(tmp_path), "--port", "0", "--json"])
    found = {each["what"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["home"]["state"] == "ok"
    assert found["gateway"]["detail"] == "not_running"
    assert "efpi run" in found["gateway"]["cure"]
    assert found["port"]["state"] == "ok"
    assert found["efpi"]["state"] == "ok"
