"""`efpi simulate`: results in a folder, the same bytes for the same seed, and a word for each mistake."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.main import run_command

ROOT = Path(__file__).parents[3]


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def simulate(out: Path, *words: str) -> int:
    return run_command(["simulate", "--site", "demo", "--days", "0.25", "--out", str(out), *words])


def test_without_a_site_the_cure_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["simulate", "--out", str(tmp_path / "out")]) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert "no site is named" in told and "--site demo" in told
    assert not (tmp_path / "out").exists()


def test_a_simulation_writes_channels_messages_and_a_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(tmp_path / "out", "--messages", "--start", "2025-06-01", "--json") == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["start"] == "2025-06-01T00:00:00+00:00"
    assert told["imbalance_w"] == pytest.approx(0, abs=0.001)
    assert told["failed"] == {}
    assert {"power.csv", "messages.jsonl", "summary.json"} <= {file.name for file in (tmp_path / "out").iterdir()}
    lines = (tmp_path / "out" / "power.csv").read_text().splitlines()
    assert lines[0] == "time,appliance,quantity,unit,value"
    assert lines[1].startswith("2025-06-01T00:00:00")


def test_the_same_seed_gives_the_same_bytes_in_another_process_and_another_seed_others(tmp_path: Path) -> None:
    assert simulate(tmp_path / "one", "--seed", "7", "--messages") == ExitCode.OK
    words = [
        "simulate",
        "--site",
        "demo",
        "--days",
        "0.25",
        "--seed",
        "7",
        "--messages",
        "--out",
        str(tmp_path / "two"),
    ]
    command = [sys.executable, "-m", "efpi_core.cli", *words, "--out", str(tmp_path / "two")]
    subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONHASHSEED": "99", "PATH": ""}, capture_output=True)
    assert simulate(tmp_path / "three", "--seed", "8", "--messages") == ExitCode.OK
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "one") != digests(tmp_path / "three")


@pytest.mark.slow
def test_hosted_plugins_give_the_same_bytes(tmp_path: Path) -> None:
    words = ["--days", "0.05", "--messages"]
    assert simulate(tmp_path / "inline", *words) == ExitCode.OK
    assert simulate(tmp_path / "hosted", *words, "--hosted") == ExitCode.OK
    assert digests(tmp_path / "inline") == digests(tmp_path / "hosted")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--start", "yesterday"], "'yesterday' is no date"),
        (["--start", "1066-10-14"], "too far away"),
        (["--site", "hous.yaml"], "no such file"),
    ],
)
def test_a_mistake_is_named_with_its_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    assert simulate(tmp_path / "out", *words) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert named in told
    assert "→" in told


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert simulate(tmp_path / "file" / "out") == ExitCode.TRY_AGAIN
    assert "choose another --out" in capsys.readouterr().err


def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("efpi: 1\nappliances:\n  sauna: {driver: simulated.sauna}\n")
    words = ["simulate", "--site", str(site), "--out", str(tmp_path / "out")]
    assert run_command(words) == ExitCode.REFUSED
    assert "no installed plugin offers 'simulated.sauna'" in capsys.readouterr().err
