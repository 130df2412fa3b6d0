"""The commands about documents, plugins and secrets, which need no running gateway."""

import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.main import run_command
from efpi_core.site.demo import demo_text
from efpi_core.site.yaml_tree import read_yaml


def written(folder: Path, text: str) -> str:
    file = folder / "site.yaml"
    file.write_text(text)
    return str(file)


def test_the_demo_house_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["site", "check", "demo"]) == ExitCode.OK
    assert "11 instances" in capsys.readouterr().out


def test_every_mistake_is_told_with_its_line_key_and_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "efpi: 1\n"
        "appliances:\n"
        "  battery:\n"
        "    driver: simulated.batery\n"
        "  pv:\n"
        "    driver: simulated.pv\n"
        "    config: {phases: five}\n"
        "  steering:\n"
        "    driver: self_consumption\n"
    )
    assert run_command(["site", "check", written(tmp_path, text)]) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert "line 4" in told
    assert "did you mean 'simulated.battery'?" in told
    assert "line 7" in told
    assert "appliances.pv.config.phases" in told
    assert "line 9" in told
    assert "move the entry to `apps`" in told
    assert run_command(["site", "check", written(tmp_path, text), "--json"]) == ExitCode.REFUSED
    problems = json.loads(capsys.readouterr().err)["problems"]
    assert [problem["line"] for problem in problems] == [4, 7, 9]


def test_of_many_alike_one_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "efpi: 1\nappliances:\n  pv-%n%: {driver: simulated.pv, count: 9000, config: {phases: five}}\n"
    assert run_command(["site", "check", written(tmp_path, text)]) == ExitCode.REFUSED
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_published_schema_takes_the_demo_house_and_refuses_a_wrong_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command(["site", "schema"]) == ExitCode.OK
    validator = Draft202012Validator(json.loads(capsys.readouterr().out))
    demo = read_yaml(demo_text()).data
    assert isinstance(demo, dict)
    assert list(validator.iter_errors(demo)) == []
    demo["appliances"]["battery"]["config"]["capacity_kwh"] = "large"
    assert list(validator.iter_errors(demo)) != []


def test_a_secret_is_read_from_standard_input_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.StringIO("very secret\n"))
    assert run_command(["site", "secret", "set", "wifi", *home]) == ExitCode.OK
    assert run_command(["site", "secret", "list", *home]) == ExitCode.OK
    told = capsys.readouterr()
    assert "wifi" in told.out
    assert "very secret" not in told.out + told.err
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "secrets.json").read_text()) == {"wifi": "very secret"}
    assert run_command(["site", "secret", "remove", "wifi", *home]) == ExitCode.OK
    assert run_command(["site", "secret", "remove", "wifi", *home]) == ExitCode.REFUSED


def test_the_plugins_are_listed_with_their_offers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["plugins", "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    offers = {offer["name"]: offer["kind"] for offer in told["offers"]}
    assert offers["simulated.battery"] == "driver"
    assert offers["self_consumption"] == "app"


def test_an_offer_is_described_with_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["plugins", "describe", "simulated.battery"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert "capacity_kwh" in told
    assert "kWh" in told
    assert run_command(["plugins", "describe", "simulated.batery"]) == ExitCode.REFUSED
    assert "did you mean 'simulated.battery'?" in capsys.readouterr().err
